"""Sparse gradients: some rows of a dense tensor, with their indices."""

from __future__ import annotations

from typing import Any

from .dtypes import DType
from .elements import Operation, Tensor
from .graph import Graph

__all__ = ["IndexedSlices"]


class IndexedSlices:
    """Rows of a dense tensor; rows that are named several times add up.

    Args:
        values: the rows, of shape `(n, ...)`.
        indices: the row of the dense tensor that each is, of shape `(n,)`, int32 or int64.
        dense_shape: shape of the dense tensor, a 1-D integer tensor; None where it is not known.
    """

    def __init__(self, values: Tensor, indices: Tensor, dense_shape: Tensor | None = None) -> None:
        self.values = values
        self.indices = indices
        self.dense_shape = dense_shape

    @property
    def dtype(self) -> DType:
        return self.values.dtype

    @property
    def op(self) -> Operation:
        return self.values.op

    @property
    def name(self) -> str:
        return self.values.name

    @property
    def graph(self) -> Graph:
        return self.values.graph

    @property
    def device(self) -> str:
        return self.values.device

    def _as_tensor(self, dtype: DType | None = None, name: str | None = None) -> Tensor:
        """The dense tensor, rows summed into zeros."""
        from .ops.segment import UnsortedSegmentSum

        del dtype
        if self.dense_shape is None:
            raise ValueError(f"IndexedSlices {self.name} has no dense_shape, so it has no dense form.")
        made: Any = UnsortedSegmentSum(self.values, self.indices, self.dense_shape[0], name=name)
        return made

    def __repr__(self) -> str:
        return f"IndexedSlices(indices={self.indices!r}, values={self.values!r})"
