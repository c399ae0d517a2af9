"""What a caller of `Session.run` gives: checked against the fed tensors and turned into host arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..graph.convert import make_array
from ..graph.elements import Operation, Tensor
from ..graph.errors import InvalidArgumentError
from ..graph.graph import Graph
from ..graph.indexed_slices import IndexedSlices

__all__ = ["FeedConverter", "flatten_feeds"]


def flatten_feeds(graph: Graph, feed_dict: Mapping[Any, Any] | None) -> dict[Tensor, Any]:
    """The feeds by tensor, composite ones taken apart.

    Raises:
        TypeError: a key is not a tensor of the graph or its name, or a value is a tensor.
        InvalidArgumentError: a tensor may not be fed, or is fed twice.
    """
    if feed_dict is None:
        return {}
    if not isinstance(feed_dict, Mapping):
        raise TypeError(f"feed_dict must map tensors to values, got {type(feed_dict).__name__}.")
    flat: dict[Tensor, Any] = {}
    for key, value in feed_dict.items():
        for tensor, part in _parts(graph, key, value):
            if not graph.is_feedable(tensor) or tensor.dtype.kind == "r":
                raise InvalidArgumentError(None, f"Tensor {tensor.name} may not be fed.")
            if tensor in flat:
                raise InvalidArgumentError(None, f"Tensor {tensor.name} is fed twice.")
            if isinstance(part, (Tensor, Operation)):
                raise TypeError(
                    f"The value of a feed cannot be a Tensor: {tensor.name} is fed {part!r}. Feed Python "
                    "numbers, strings, lists or NumPy arrays; run the tensor first to feed its value."
                )
            flat[tensor] = part
    return flat


def _parts(graph: Graph, key: Any, value: Any) -> list[tuple[Tensor, Any]]:
    if isinstance(key, IndexedSlices):
        tensors = [key.values, key.indices, key.dense_shape]
        return [(t, v) for t, v in zip(tensors, value, strict=False) if t is not None]
    components = getattr(key, "_fetch_components", None)
    if components is not None and not hasattr(key, "_as_graph_element"):
        tensors, _ = components()
        return list(zip(tensors, value, strict=True))
    try:
        return [(graph.as_graph_element(key, allow_operation=False), value)]
    except (TypeError, ValueError, KeyError) as error:
        text = error.args[0] if error.args else error
        raise TypeError(f"Cannot interpret feed_dict key {key!r} as a Tensor: {text}") from None


class FeedConverter:
    """Checks and converts the values of one fed tensor."""

    __slots__ = ("dims", "dtype", "name", "numpy", "rank", "static", "tensor")

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor
        self.name = tensor.name
        self.dtype = tensor.dtype
        self.numpy = tensor.dtype.np
        dims = tensor.shape.dims
        self.rank = None if dims is None else len(dims)
        self.dims: Sequence[tuple[int, int]] = (
            () if dims is None else [(i, d) for i, d in enumerate(dims) if d is not None]
        )
        self.static = tensor.shape.is_fully_defined()

    def __call__(self, value: Any) -> Any:
        """The value as an array of the tensor's type.

        Raises:
            TypeError: it has no such form, or loses information in it.
            InvalidArgumentError: it is of another shape.
        """
        if type(value) is not np.ndarray or value.dtype != self.numpy:
            value = self._convert(value)
        shape = value.shape
        if self.rank is not None:
            if len(shape) != self.rank:
                self._bad_shape(shape)
            for index, dim in self.dims:
                if shape[index] != dim:
                    self._bad_shape(shape)
        return value

    def _convert(self, value: Any) -> Any:
        kind = type(value)
        if isinstance(value, (Tensor, Operation)):
            raise TypeError(
                f"The value of a feed cannot be a Tensor: {self.name} is fed {value!r}. Run the tensor first "
                "to feed its value."
            )
        if kind is float and self.dtype.kind == "f":
            return np.asarray(value, self.numpy)
        try:
            return make_array(value, self.dtype)
        except (TypeError, ValueError) as error:
            raise TypeError(f"Cannot feed {self.name}: {error}") from None

    def _bad_shape(self, shape: tuple[int, ...]) -> None:
        raise InvalidArgumentError(
            self.tensor.op.name,
            f"Cannot feed value of shape {shape} for Tensor '{self.name}', which has shape {self.tensor.shape}",
            "",
            self.tensor.op.source,
        )
