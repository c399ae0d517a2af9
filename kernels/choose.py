"""NumPy or XLA for each segment of a CPU device, by measurement.

Both work on host memory, so a segment may run on either. NumPy starts at once and is hard to beat on small arrays
and on matrix products; XLA takes seconds to compile and then saves the temporaries of long elementwise chains. A
segment that turns out to be worth it is compiled for XLA in the background, both are timed on the steps that run
anyway, and the faster one is kept. The two round differently, so a run that has to be repeatable to the last bit
names its backend.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..graph.errors import UnavailableError
from ..graph.ir import Node
from .backend import Backend, CompiledSegment, get_backend
from .segment import Segment

__all__ = ["ChoosingBackend"]

_LOG = logging.getLogger("weft.kernels")

_RUNS = 4
"""Runs over which each backend is timed; the fastest counts."""

_WORTH_SECONDS = 1e-3
"""A segment that takes less on NumPy is not tried on XLA: starting a compiled program costs tens of microseconds."""

_GAIN = 0.9
"""XLA is kept where it takes less than this part of NumPy's time."""


class ChoosingBackend:
    """A CPU backend whose segments run on NumPy or on XLA, whichever is faster; see `backend.Backend`.

    Args:
        other: name of the backend that is tried against NumPy.
    """

    name = "numpy"

    def __init__(self, other: str = "jax:cpu") -> None:
        self.other = other
        self._numpy: Backend = get_backend("numpy")

    def unavailable(self) -> str | None:
        return None

    def xp(self) -> Any:
        return np

    def to_device(self, array: Any) -> Any:
        return self._numpy.to_device(array)

    def to_host(self, value: Any) -> Any:
        return np.asarray(value) if not isinstance(value, np.generic) else value

    def ends_segment(self, node: Node) -> bool:
        return self._numpy.ends_segment(node)

    def compile(self, segment: Segment) -> CompiledSegment:
        return _Chosen(segment, self._numpy.compile(segment), lambda: self._compiled(segment))

    def _compiled(self, segment: Segment) -> CompiledSegment | None:
        try:
            return get_backend(self.other).compile(segment)
        except UnavailableError as error:
            _LOG.info("Segments stay on NumPy: %s", error)
            return None

    def synchronize(self) -> None:
        return None


class _Chosen:
    """A segment that is timed on NumPy, then, if it is worth it, on the other backend."""

    def __init__(
        self, segment: Segment, ours: CompiledSegment, compile_other: Callable[[], CompiledSegment | None]
    ) -> None:
        self.first = segment.nodes[0].node.name if segment.nodes else ""
        self.ours = ours
        self.compile_other = compile_other
        self.other: CompiledSegment | None = None
        self.times: dict[str, list[float]] = {"numpy": [], "other": []}
        self.lock = threading.Lock()
        self.started = False
        self.settled: CompiledSegment | None = None

    @property
    def on_numpy(self) -> bool:
        """Whether the segment runs on NumPy now."""
        return self.settled is None or self.settled is self.ours

    def __call__(self, values: Sequence[Any]) -> Sequence[Any]:
        if self.settled is not None:
            return self.settled(values)
        other = self.other
        if other is not None and len(self.times["other"]) < _RUNS:
            return self._timed("other", other, values)
        last = other is None and not self.started and len(self.times["numpy"]) + 1 >= _RUNS
        given = list(values) if last else []
        results = self._timed("numpy", self.ours, values)
        if other is not None:
            self._settle(other)
        elif last:
            self._consider(given)
        return results

    def _timed(self, name: str, call: CompiledSegment, values: Sequence[Any]) -> Sequence[Any]:
        start = time.perf_counter()
        results = call(values)
        if name == "other":
            results = on_host(results)
        self.times[name].append(time.perf_counter() - start)
        return results

    def _consider(self, values: Sequence[Any]) -> None:
        with self.lock:
            if self.started:
                return
            self.started = True
        if min(self.times["numpy"]) < _WORTH_SECONDS:
            self.settled = self.ours
            return
        threading.Thread(target=self._prepare, args=(values,), daemon=True, name="weft-compile").start()

    def _prepare(self, values: Sequence[Any]) -> None:
        """Compiles for the other backend, on values that a step had; its result is not used."""
        try:
            other = self.compile_other()
            if other is None:
                self.settled = self.ours
                return
            on_host(other(list(values)))
        except Exception as error:
            _LOG.info("The segment from '%s' on stays on NumPy: %s", self.first, error)
            self.settled = self.ours
            return
        self.times["numpy"].clear()
        self.other = other

    def _settle(self, other: CompiledSegment) -> None:
        """Chooses, once both have run often enough on the same machine load."""
        if len(self.times["numpy"]) < _RUNS or len(self.times["other"]) < _RUNS:
            return
        ours, theirs = min(self.times["numpy"]), min(self.times["other"])
        faster = theirs < _GAIN * ours
        self.settled = (lambda values: on_host(other(values))) if faster else self.ours
        _LOG.info(
            "The segment from '%s' on runs on %s: NumPy took %.2f ms, XLA %.2f ms",
            self.first, "XLA" if faster else "NumPy", ours * 1e3, theirs * 1e3,
        )  # fmt: skip


def on_host(results: Sequence[Any]) -> list[Any]:
    """Results as NumPy arrays; on a CPU they share the memory."""
    return [r if isinstance(r, (np.ndarray, np.generic)) else np.asarray(r) for r in results]
