"""The null backend: shapes only."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...graph.ir import Node
from ..backend import CompiledSegment
from ..numpy.program import generate
from ..segment import Segment

__all__ = ["BACKEND", "NullBackend"]


class NullBackend:
    """Computes nothing; see `backend.Backend`."""

    name = "null"

    def unavailable(self) -> str | None:
        return None

    def xp(self) -> Any:
        return np

    def to_device(self, array: Any) -> Any:
        return array

    def to_host(self, value: Any) -> Any:
        return np.asarray(value)

    def ends_segment(self, node: Node) -> bool:
        return False

    def compile(self, segment: Segment) -> CompiledSegment:
        return generate(segment, self.name, np)

    def synchronize(self) -> None:
        return None


BACKEND = NullBackend()
