"""Runs an instruction and notes when each of its nodes ran."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..kernels.backend import Backend
from .program import Instruction

__all__ = ["Timing", "run_timed", "transfer_timing"]

Shapes = tuple[tuple[tuple[str, int], tuple[int, ...]], ...]

Timing = tuple[tuple[str, ...], int, int, Shapes]
"""Names of nodes that ran together, when they began and ended (nanoseconds since the epoch), and the shapes of those
of their results whose shape was not known before. A tensor that arrived from another device has one name, the key of
its edge."""


def run_timed(
    instruction: Instruction, values: Sequence[Any], backend: Backend, timings: list[Timing]
) -> Sequence[Any]:
    """The instruction's results; adds to `timings` a row per node on NumPy, one for a whole segment elsewhere."""
    if instruction.segment is not None and by_node(instruction, backend):
        from ..kernels.numpy.timed import TimedSegment

        if instruction.timed is None:
            instruction.timed = TimedSegment(instruction.segment)
        results, rows, seen = instruction.timed(values)
        shapes: dict[str, list[Any]] = {}
        for ref, shape in seen:
            shapes.setdefault(ref[0], []).append((ref, shape))
        timings.extend(((name,), begin, end, tuple(shapes.get(name, ()))) for name, begin, end in rows)
        return results  # type: ignore[no-any-return]
    start = time.time_ns()
    results = instruction.call(values)
    backend.synchronize()
    timings.append((instruction.nodes, start, time.time_ns(), _shapes(instruction, results)))
    return results


def by_node(instruction: Instruction, backend: Backend) -> bool:
    """Whether the nodes run one by one, so that each has a time of its own."""
    return backend.name == "numpy" and getattr(instruction.call, "on_numpy", True)


def _shapes(instruction: Instruction, results: Sequence[Any]) -> Shapes:
    """Shapes of the results that nodes give to others, where they were not known before."""
    if instruction.segment is None:
        return ()
    given = dict(zip(instruction.outputs, results, strict=True))
    found = []
    for row in instruction.segment.nodes:
        first = len(row.outs) - len(row.node.types)
        for output, shape in enumerate(row.node.shapes):
            slot = row.outs[first + output] if first >= 0 else None
            if slot in given and not shape.is_fully_defined():
                found.append(((row.node.name, output), tuple(np.shape(given[slot]))))
    return tuple(found)


def transfer_timing(key: str, sent: int, arrived: int) -> Timing:
    """The row of a tensor that arrived from another device.

    Args:
        key: key of its edge.
        sent, arrived: when it left and when it was there, in nanoseconds since the epoch.
    """
    return (key,), sent, max(arrived, sent), ()
