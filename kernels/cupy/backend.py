"""The CuPy backend: NVIDIA GPUs."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...graph.ir import Node
from ..backend import CompiledSegment
from ..numpy.program import generate
from ..segment import Segment

_OBJECT = np.dtype(object)

__all__ = ["BACKEND", "CupyBackend"]


class CupyBackend:
    """Runs segments as straight-line Python over CuPy arrays; see `backend.Backend`."""

    name = "cupy"

    def unavailable(self) -> str | None:
        try:
            import cupy
        except ImportError as error:
            return str(error)
        try:
            count = cupy.cuda.runtime.getDeviceCount()
        except cupy.cuda.runtime.CUDARuntimeError as error:
            return str(error)
        return None if count else "there is no CUDA device"

    def xp(self) -> Any:
        import cupy

        return cupy

    def to_device(self, array: Any) -> Any:
        return array if getattr(array, "dtype", None) is _OBJECT else self.xp().asarray(array)

    def to_host(self, value: Any) -> Any:
        return self.xp().asnumpy(value) if isinstance(value, self.xp().ndarray) else np.asarray(value)

    def ends_segment(self, node: Node) -> bool:
        return False

    def compile(self, segment: Segment) -> CompiledSegment:
        return generate(segment, self.name, self.xp())

    def synchronize(self) -> None:
        self.xp().cuda.get_current_stream().synchronize()


BACKEND = CupyBackend()
