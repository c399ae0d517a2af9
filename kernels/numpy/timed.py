"""A segment that says how long each of its nodes took: what step statistics are made of."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..segment import Segment, SegmentNode
from .program import _Call, _Source

__all__ = ["NodeTime", "SeenShape", "TimedSegment"]

NodeTime = tuple[str, int, int]
"""Name of a node, and when it began and ended, in nanoseconds since the epoch."""

SeenShape = tuple[tuple[str, int], tuple[int, ...]]
"""Node and output, and the shape that it had."""


class TimedSegment:
    """A segment as one Python function that notes the time after each node.

    Args:
        segment: what to compile.
    """

    def __init__(self, segment: Segment) -> None:
        source = _TimedSource(segment, "numpy", np)
        self.names = [row.node.name for row in source.segment.nodes]
        self._ends, self._seen = source.ends, source.seen
        self._run = source.function()

    def __call__(self, values: Sequence[Any]) -> tuple[Sequence[Any], list[NodeTime], list[SeenShape]]:
        """The segment's results, the time of each node, and the shapes that are not known before a run."""
        self._ends.clear()
        self._seen.clear()
        offset = time.time_ns() - time.perf_counter_ns()
        start = time.perf_counter_ns()
        results = self._run(values)
        rows = []
        for name, end in zip(self.names, self._ends, strict=True):
            rows.append((name, start + offset, end + offset))
            start = end
        return results, rows, list(self._seen)


class _TimedSource(_Source):
    def __init__(self, segment: Segment, backend: str, xp: Any) -> None:
        super().__init__(segment, backend, xp)
        self.ends: list[int] = []
        self.seen: list[SeenShape] = []
        ends, clock = self.ends, time.perf_counter_ns

        def note() -> None:
            ends.append(clock())

        self.names["_note"] = note

    def statement(self, index: int, row: SegmentNode, call: _Call | None, over: int | None) -> str:
        text = f"{super().statement(index, row, call, over)}; _note()"
        node = row.node
        first = len(row.outs) - len(node.types)
        for output, shape in enumerate(node.shapes):
            slot = row.outs[first + output] if first >= 0 else None
            if slot is not None and not shape.is_fully_defined():
                self.names[f"s{slot}"] = self._shape_of((node.name, output))
                text += f"; s{slot}(v{slot})"
        return text

    def update(self, index: int) -> str:
        return f"{super().update(index)}; _note()"

    def _shape_of(self, ref: tuple[str, int]) -> Any:
        seen = self.seen
        return lambda value: seen.append((ref, tuple(np.shape(value))))
