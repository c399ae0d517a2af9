"""The CuPy backend: NVIDIA GPUs."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...graph.errors import UnimplementedError
from ...graph.ir import Node
from ..backend import CompiledSegment
from ..segment import Segment

__all__ = ["BACKEND", "CupyBackend", "select"]


class CupyBackend:
    """Runs segments as straight-line Python over CuPy arrays, and as CUDA graphs; see `backend.Backend`.

    Everything runs on the device's default stream, in order, out of CuPy's memory pool.

    Args:
        index: number of the GPU.
    """

    name = "cupy"

    def __init__(self, index: int = 0) -> None:
        self.index = index

    def unavailable(self) -> str | None:
        if importlib.util.find_spec("cupy") is None:
            return "CuPy is not installed (extra `gpu`)"
        try:
            import cupy

            count = cupy.cuda.runtime.getDeviceCount()
        except Exception as error:
            # Without a driver CuPy fails in many ways: ImportError, CUDARuntimeError, RuntimeError.
            return str(error) or type(error).__name__
        return None if self.index < count else f"there is no CUDA device {self.index}, only {count} of them"

    def xp(self) -> Any:
        import cupy

        return cupy

    def to_device(self, array: Any) -> Any:
        """A host array on this GPU; text stays where it is, and an array of another GPU is copied.

        Raises:
            UnimplementedError: CuPy has no such element type (bfloat16).
        """
        cupy = self.xp()
        if isinstance(array, np.ndarray) and array.dtype.kind == "O":
            return array
        with cupy.cuda.Device(self.index):
            try:
                return cupy.asarray(array)
            except (TypeError, ValueError) as error:
                kind = getattr(array, "dtype", type(array).__name__)
                raise UnimplementedError(None, f"backend cupy has no element type {kind}: {error}") from None

    def to_host(self, value: Any) -> Any:
        cupy = self.xp()
        return cupy.asnumpy(value) if isinstance(value, cupy.ndarray) else np.asarray(value)

    def ends_segment(self, node: Node) -> bool:
        """Never: programs run node by node, so any node fits in."""
        return False

    def compile(self, segment: Segment) -> CompiledSegment:
        from .graphs import GraphReplay
        from .program import CupyProgram

        cupy = self.xp()
        device = cupy.cuda.Device(self.index)
        with device:
            program = GraphReplay(CupyProgram(segment, cupy), cupy)
        return _OnDevice(program, device)

    def synchronize(self) -> None:
        cupy = self.xp()
        with cupy.cuda.Device(self.index):
            cupy.cuda.get_current_stream().synchronize()


class _OnDevice:
    """A program that runs on its own GPU, whichever one the thread uses."""

    def __init__(self, program: CompiledSegment, device: Any) -> None:
        self.program = program
        self.device = device

    def __call__(self, values: Sequence[Any]) -> Sequence[Any]:
        with self.device:
            return self.program(values)


def select(options: str) -> CupyBackend:
    """The backend for a GPU's number; see `get_backend`."""
    return CupyBackend(int(options.removeprefix("gpu:") or 0))


BACKEND = CupyBackend()
