"""The form of a dataset's elements: tuples and dictionaries of tensors and of datasets.

A list is no structure here but something to be made a tensor, as in TensorFlow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..graph import dtypes
from ..graph.convert import make_array
from ..graph.dtypes import DType, as_dtype
from ..graph.elements import Tensor
from ..graph.shapes import TensorShape, as_shape
from ..graph.sparse_tensor import SparseTensor

__all__ = [
    "DatasetSpec",
    "TensorSpec",
    "component_of",
    "components_of",
    "flat",
    "given_specs",
    "mapped",
    "packed",
    "shapes_of",
    "types_of",
]


@dataclass(frozen=True)
class TensorSpec:
    """A component of elements that is a tensor.

    Attributes:
        dtype: element type.
        shape: what is known of its shape.
    """

    dtype: DType
    shape: TensorShape


@dataclass(frozen=True)
class DatasetSpec:
    """A component of elements that is a dataset.

    Attributes:
        element: the form of that dataset's elements.
    """

    element: Any

    @property
    def dtype(self) -> DType:
        return dtypes.variant

    @property
    def shape(self) -> TensorShape:
        return TensorShape([])


def _is_inner(value: Any) -> bool:
    return isinstance(value, (tuple, Mapping)) and not isinstance(value, TensorShape)


def _children(value: Any) -> Sequence[Any]:
    return [value[k] for k in sorted(value)] if isinstance(value, Mapping) else value


def flat(structure: Any) -> list[Any]:
    """The leaves of a structure of tuples and dictionaries, dictionaries in the order of their keys."""
    return list(_leaves(structure))


def _leaves(value: Any) -> Iterator[Any]:
    if not _is_inner(value):
        yield value
        return
    for child in _children(value):
        yield from _leaves(child)


def packed(like: Any, leaves: Sequence[Any]) -> Any:
    """A structure like another one, of other leaves."""
    left = iter(leaves)

    def build(value: Any) -> Any:
        if not _is_inner(value):
            return next(left)
        children = [build(child) for child in _children(value)]
        if isinstance(value, Mapping):
            made = dict(zip(sorted(value), children, strict=True))
            return type(value)((k, made[k]) for k in value)  # type: ignore[call-arg]
        return type(value)(*children) if hasattr(value, "_fields") else tuple(children)

    return build(like)


def mapped(function: Callable[[Any], Any], structure: Any) -> Any:
    """The structure of a function's values over the leaves."""
    return packed(structure, [function(leaf) for leaf in flat(structure)])


def up_to(like: Any, value: Any) -> list[Any]:
    """What a structure has in the places of another one's leaves.

    Raises:
        TypeError: it does not have that form.
    """
    if not _is_inner(like):
        return [value]
    if isinstance(like, Mapping):
        if not isinstance(value, Mapping) or set(value) != set(like):
            raise TypeError(f"expected a dictionary with the keys {sorted(like)}, got {value!r}")
        pairs = [(like[k], value[k]) for k in sorted(like)]
    else:
        if not isinstance(value, (tuple, list)) or len(value) != len(like):
            raise TypeError(f"expected a tuple of {len(like)}, got {value!r}")
        pairs = list(zip(like, value, strict=True))
    return [leaf for part, own in pairs for leaf in up_to(part, own)]


def given_specs(types: Any, shapes: Any) -> Any:
    """The form of elements of those types and shapes.

    Args:
        types: a structure of element types.
        shapes: a structure of shapes of the same form; nothing is known where None.

    Raises:
        TypeError: the forms differ.
    """
    flat_types = [as_dtype(t) for t in flat(types)]
    flat_shapes = [None] * len(flat_types) if shapes is None else up_to(types, shapes)
    return packed(types, [TensorSpec(t, as_shape(s)) for t, s in zip(flat_types, flat_shapes, strict=True)])


def types_of(spec: Any) -> list[DType]:
    """Element types of the components."""
    return [s.dtype for s in flat(spec)]


def shapes_of(spec: Any) -> list[TensorShape]:
    """Shapes of the components."""
    return [s.shape for s in flat(spec)]


def component_of(value: Any) -> Any:
    """A component as what a dataset keeps: an array, or a tensor that no constant is behind."""
    if isinstance(value, SparseTensor):
        raise TypeError("Datasets of sparse tensors are not possible: make it dense, or serialize it.")
    if hasattr(value, "value") and callable(value.value) and hasattr(value, "handle"):
        value = value.value()
    if isinstance(value, Tensor):
        return value.op.attrs["value"] if value.op.type == "Const" else value
    if isinstance(value, list) and any(isinstance(v, Tensor) for v in value):
        from ..graph.convert import convert_to_tensor

        return convert_to_tensor(value)
    return make_array(value)


def components_of(structure: Any) -> list[Any]:
    """The components of a value of any form."""
    return [component_of(v) for v in flat(structure)]


def spec_of(component: Any) -> TensorSpec:
    """Type and shape of what `component_of` gives."""
    if isinstance(component, Tensor):
        return TensorSpec(component.dtype, component.shape)
    dtype = dtypes.string if component.dtype == np.object_ else as_dtype(component.dtype)
    return TensorSpec(dtype, TensorShape(component.shape))
