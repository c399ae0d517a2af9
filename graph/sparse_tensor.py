"""Sparse tensors: the elements of a tensor that are given, with their indices."""

from __future__ import annotations

import collections
from collections.abc import Callable
from typing import Any

import numpy as np

from . import dtypes
from .constant_value import constant_value_as_shape
from .convert import convert_to_tensor
from .dtypes import DType
from .elements import Operation, Tensor
from .graph import Graph
from .shapes import TensorShape

__all__ = ["SparseTensor", "SparseTensorValue"]

SparseTensorValue = collections.namedtuple("SparseTensorValue", ["indices", "values", "dense_shape"])
"""A sparse tensor's value: what a step returns for a fetched one, and what one is fed."""


class SparseTensor:
    """A tensor of which only some elements are given.

    Most ops want the indices in row-major order; `sparse_reorder` puts them into it.

    Args:
        indices: int64 of shape `(number, rank)`: the index of each given element.
        values: its value, of shape `(number,)`.
        dense_shape: int64 of shape `(rank,)`: shape of the whole tensor.
    """

    def __init__(self, indices: Any, values: Any, dense_shape: Any) -> None:
        self.indices: Tensor = convert_to_tensor(indices, dtypes.int64, name="indices")
        self.values: Tensor = convert_to_tensor(values, name="values")
        if isinstance(dense_shape, TensorShape):
            dense_shape = np.array(dense_shape.known(), np.int64)
        self.dense_shape: Tensor = convert_to_tensor(dense_shape, dtypes.int64, name="dense_shape")
        rows = self.indices.shape.with_rank(2)
        rows[:1].assert_is_compatible_with(self.values.shape.with_rank(1))
        rows[1:].assert_is_compatible_with(self.dense_shape.shape.with_rank(1))

    @classmethod
    def from_value(cls, value: Any) -> SparseTensor:
        """A `SparseTensorValue` (or a sparse tensor) as a sparse tensor."""
        if isinstance(value, SparseTensor):
            return value
        return cls(value.indices, value.values, value.dense_shape)

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

    @property
    def shape(self) -> TensorShape:
        """The static shape, as far as known."""
        return constant_value_as_shape(self.dense_shape)

    def get_shape(self) -> TensorShape:
        return self.shape

    def consumers(self) -> list[Operation]:
        found = [op for part in (self.indices, self.values, self.dense_shape) for op in part.consumers()]
        return list(dict.fromkeys(found))

    def with_values(self, new_values: Any) -> SparseTensor:
        """Other values at the same indices."""
        return SparseTensor(self.indices, new_values, self.dense_shape)

    def _map_values(self, function: Callable[[Tensor], Tensor]) -> SparseTensor:
        return self.with_values(function(self.values))

    def _fetch_components(self) -> tuple[list[Tensor], Callable[[list[Any]], Any]]:
        return [self.indices, self.values, self.dense_shape], lambda parts: SparseTensorValue(*parts)

    def eval(self, feed_dict: Any = None, session: Any = None) -> Any:
        """Runs the graph and returns a `SparseTensorValue`."""
        from .elements import session_for

        return session_for(session, self.graph).run(self, feed_dict)

    def __mul__(self, other: Any) -> SparseTensor:
        from .ops.sparse_math import SparseDenseCwiseMul

        return self.with_values(SparseDenseCwiseMul(*self._parts(), _dense(other, self.dtype)))

    def __truediv__(self, other: Any) -> SparseTensor:
        from .ops.sparse_math import SparseDenseCwiseDiv

        return self.with_values(SparseDenseCwiseDiv(*self._parts(), _dense(other, self.dtype)))

    __div__ = __truediv__

    def _parts(self) -> tuple[Tensor, Tensor, Tensor]:
        return self.indices, self.values, self.dense_shape

    def __repr__(self) -> str:
        return f"SparseTensor(indices={self.indices!r}, values={self.values!r}, shape={self.shape})"


def _dense(value: Any, dtype: DType) -> Tensor:
    return convert_to_tensor(value, dtype)
