"""CUDA graphs: the kernels of a segment recorded once and started together from then on.

Starting a kernel from Python takes longer than many kernels run. A segment that has run a few times on inputs of the
same shapes is recorded over buffers of its own; a run then copies its inputs in, launches the graph and copies the
results out. What cannot be recorded runs as before.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .program import CupyProgram

__all__ = ["GraphReplay"]

_LOG = logging.getLogger("weft.kernels.cupy")

_RUNS_BEFORE = 3
"""Plain runs before a recording: they compile kernels and make handles of libraries, which a recording must not."""

_MOST_GRAPHS = 8
"""Recordings per segment; each keeps the memory of its temporaries."""

_LAUNCH_SECONDS = 4e-6
_COPY_BYTES_PER_SECOND = 1e12


class GraphReplay:
    """A program that records itself.

    Args:
        program: the program.
        cupy: the module.
    """

    def __init__(self, program: CupyProgram, cupy: Any) -> None:
        self.program = program
        self.cupy = cupy
        self.lock = threading.Lock()
        self.runs: dict[Any, int] = {}
        self.graphs: dict[Any, _Recording | None] = {}

    def __call__(self, values: Sequence[Any]) -> Sequence[Any]:
        program = self.program
        if not program.replayable or program.kernels < 2:
            return program(values)
        key = self._key(values)
        recording = self.graphs.get(key)
        if recording is not None:
            with self.lock:
                return recording.run(values)
        if key in self.graphs or len(self.graphs) >= _MOST_GRAPHS:
            return program(values)
        results = program(values)
        self.runs[key] = self.runs.get(key, 0) + 1
        if self.runs[key] >= _RUNS_BEFORE:
            with self.lock:
                if key not in self.graphs:
                    self.graphs[key] = self._record(values, results)
        return results

    def _key(self, values: Sequence[Any]) -> Any:
        """What a recording is good for: shapes and types of arrays, values of what the host reads."""
        hosts = self.program.host_inputs
        return tuple(
            (np.shape(v), v.dtype.str, np.asarray(v).tobytes() if i in hosts and _is_host(v) else None)
            for i, v in enumerate(values)
        )

    def _record(self, values: Sequence[Any], results: Sequence[Any]) -> _Recording | None:
        """A recording, or None where it would not pay or CUDA refuses."""
        cupy, program = self.cupy, self.program
        arrays = [v for i, v in enumerate(values) if i not in program.host_inputs]
        if any(not _is_host(values[i]) for i in program.host_inputs):
            return None
        if not all(isinstance(r, cupy.ndarray) for r in results):
            return None
        copied = sum(v.nbytes for v in (*arrays, *results))
        if copied / _COPY_BYTES_PER_SECOND > program.kernels * _LAUNCH_SECONDS:
            return None
        try:
            return _Recording(program, cupy, values)
        except Exception as error:
            _LOG.info("A segment is not recorded as a CUDA graph: %s", error)
            return None


class _Recording:
    """One CUDA graph with the buffers that it reads and writes."""

    def __init__(self, program: CupyProgram, cupy: Any, values: Sequence[Any]) -> None:
        self.cupy = cupy
        self.dynamic = [i for i in range(len(values)) if i not in program.host_inputs]
        # Memory that is freed while recording is used again by the recording alone: nobody else may have this pool.
        self.pool = cupy.cuda.MemoryPool()
        self.stream = cupy.cuda.Stream(non_blocking=True)
        given = list(values)
        with cupy.cuda.using_allocator(self.pool.malloc):
            for i in self.dynamic:
                given[i] = cupy.array(values[i], copy=True)
            self.inputs = [given[i] for i in self.dynamic]
            cupy.cuda.get_current_stream().synchronize()
            with _no_copies_from_host(cupy), self.stream:
                self.stream.begin_capture()
                try:
                    self.outputs = list(program(given))
                except BaseException:
                    self._abandon()
                    raise
                self.graph = self.stream.end_capture()

    def _abandon(self) -> None:
        try:
            self.stream.end_capture()
        except Exception as error:
            _LOG.debug("A recording that failed could not be ended: %s", error)

    def run(self, values: Sequence[Any]) -> list[Any]:
        for buffer, i in zip(self.inputs, self.dynamic, strict=True):
            value = values[i]
            if isinstance(value, self.cupy.ndarray):
                self.cupy.copyto(buffer, value)
            else:
                buffer.set(np.ascontiguousarray(value))
        self.graph.launch()
        return [output.copy() for output in self.outputs]


@contextlib.contextmanager
def _no_copies_from_host(cupy: Any) -> Iterator[None]:
    """Makes copies from the host fail in this thread: they would be recorded with an address that is reused."""
    thread = threading.get_ident()

    def allocate(size: int) -> Any:
        if threading.get_ident() == thread:
            raise RuntimeError("a kernel copies from the host")
        return pool.malloc(size)

    pool = cupy.get_default_pinned_memory_pool()
    with _ALLOCATOR_LOCK:
        cupy.cuda.set_pinned_memory_allocator(allocate)
        try:
            yield
        finally:
            cupy.cuda.set_pinned_memory_allocator(pool.malloc)


_ALLOCATOR_LOCK = threading.Lock()


def _is_host(value: Any) -> bool:
    return isinstance(value, (np.ndarray, np.generic))
