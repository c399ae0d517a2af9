"""The NumPy backend."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...graph.errors import NotFoundError
from ...graph.ir import Node
from ..backend import CompiledSegment
from ..segment import Segment
from .memory import keep_freed_memory
from .program import generate

__all__ = ["BACKEND", "NumpyBackend", "select"]


class NumpyBackend:
    """Runs segments as straight-line Python over NumPy arrays; see `backend.Backend`."""

    name = "numpy"

    def unavailable(self) -> str | None:
        return None

    def xp(self) -> Any:
        return np

    def to_device(self, array: Any) -> Any:
        return array

    def to_host(self, value: Any) -> Any:
        return value

    def ends_segment(self, node: Node) -> bool:
        return False

    def compile(self, segment: Segment) -> CompiledSegment:
        keep_freed_memory()
        return generate(segment, self.name, np)

    def synchronize(self) -> None:
        return None


def select(options: str) -> Any:
    """`numpy:choose`: NumPy or XLA for each segment, whichever is faster; see `get_backend`."""
    if options != "choose":
        raise NotFoundError(None, f"backend numpy has no devices to choose from, got 'numpy:{options}'")
    from ..choose import ChoosingBackend

    return ChoosingBackend()


BACKEND = NumpyBackend()
