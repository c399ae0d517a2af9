"""Shapes of tensors, and tensors given other shapes."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

import numpy as np

from .arguments import cast_unless, renamed, shape_argument
from .graph import dtypes
from .graph.convert import constant, convert_to_tensor
from .graph.default_graph import name_scope
from .graph.dtypes import as_dtype
from .graph.elements import Tensor
from .graph.indexed_slices import IndexedSlices
from .graph.ops import array as ops
from .graph.shapes import TensorShape, as_shape, broadcast_shapes

__all__ = [
    "broadcast_dynamic_shape",
    "broadcast_static_shape",
    "broadcast_to",
    "expand_dims",
    "matrix_transpose",
    "newaxis",
    "rank",
    "reshape",
    "shape",
    "shape_n",
    "size",
    "squeeze",
    "transpose",
]

newaxis = None
"""`tensor[tf.newaxis]` puts in a dimension of size 1."""


def shape(input: Any, name: str | None = None, out_type: Any = dtypes.int32) -> Tensor:
    """The shape of a tensor, as a 1-D tensor.

    Args:
        input: a tensor, `IndexedSlices` or `SparseTensor`.
        name: name of the op.
        out_type: int32 or int64.

    Source:
        TensorFlow `Shape`.
    """
    wanted = as_dtype(out_type)
    dense = getattr(input, "dense_shape", None)
    if dense is not None and not isinstance(input, Tensor):
        return cast_unless(dense, wanted, name or "Shape")
    tensor = convert_to_tensor(input)
    if tensor.shape.is_fully_defined():
        return constant(np.array(tensor.shape.known(), wanted.np), wanted, name=name or "Shape")
    made: Tensor = ops.Shape(tensor, out_type=wanted, name=name)
    return made


def shape_n(input: Sequence[Any], out_type: Any = dtypes.int32, name: str | None = None) -> list[Tensor]:
    """The shapes of several tensors of one element type, as a list of 1-D tensors.

    Args:
        input: a tensor.
        out_type: element type of the result.
    """
    made: list[Tensor] = ops.ShapeN(list(input), out_type=out_type, name=name)
    return made


def size(input: Any, name: str | None = None, out_type: Any = dtypes.int32) -> Tensor:
    """The number of elements of a tensor, as a scalar.

    Args:
        input: a tensor or `SparseTensor`.
        name: name of the op.
        out_type: int32 or int64.
    """
    wanted = as_dtype(out_type)
    dense = getattr(input, "dense_shape", None)
    if dense is not None and not isinstance(input, (Tensor, IndexedSlices)):
        from .graph.ops.reduction import Prod

        made: Tensor = Prod(cast_unless(dense, wanted), 0, name=name)
        return made
    tensor = convert_to_tensor(input)
    count = tensor.shape.num_elements()
    if count is not None:
        return constant(count, wanted, name=name or "Size")
    return ops.Size(tensor, out_type=wanted, name=name)  # type: ignore[no-any-return]


def rank(input: Any, name: str | None = None) -> Tensor:
    """The number of dimensions of a tensor, as an int32 scalar.

    Args:
        input: a tensor.
    """
    dense = getattr(input, "dense_shape", None)
    if dense is not None and not isinstance(input, Tensor):
        return size(dense, name=name)
    tensor = convert_to_tensor(input)
    if tensor.shape.rank is not None:
        return constant(tensor.shape.rank, dtypes.int32, name=name or "Rank")
    return ops.Rank(tensor, name=name)  # type: ignore[no-any-return]


def broadcast_static_shape(shape_x: Any, shape_y: Any) -> TensorShape:
    """The static shape that two static shapes give together.

    Args:
        shape_x: a shape.
        shape_y: another shape.

    Raises:
        ValueError: they do not broadcast.
    """
    try:
        return broadcast_shapes(as_shape(shape_x), as_shape(shape_y))
    except Exception as error:
        raise ValueError(str(error)) from None


def broadcast_dynamic_shape(shape_x: Any, shape_y: Any) -> Tensor:
    """The shape that two shapes give together, all as 1-D tensors.

    Args:
        shape_x: a shape.
        shape_y: another shape.
    """
    from .graph.ops.shaping import BroadcastArgs

    return BroadcastArgs(shape_x, shape_y)  # type: ignore[no-any-return]


def broadcast_to(input: Any, shape: Any, name: str | None = None) -> Tensor:
    """A tensor repeated to a larger shape, as NumPy broadcasts.

    Args:
        input: a tensor.
        shape: the shape.

    Source:
        TensorFlow `BroadcastTo`.
    """
    return ops.BroadcastTo(input, shape_argument(shape), name=name)  # type: ignore[no-any-return]


def reshape(tensor: Any, shape: Any, name: str | None = None) -> Tensor:
    """The same elements in another shape.

    Args:
        tensor: a tensor.
        shape: the new shape, one dimension of which may be -1: what the number of elements leaves for it.
        name: name of the op.

    Source:
        TensorFlow `Reshape`.
    """
    return ops.Reshape(tensor, shape_argument(shape), name=name)  # type: ignore[no-any-return]


def expand_dims(input: Any, axis: Any = None, name: str | None = None, dim: Any = None) -> Tensor:
    """A tensor with a dimension of size 1 put in at `axis`; negative axes count from behind the last one.

    Args:
        input: a tensor.
        axis: where; an integer scalar.
        name: name of the op.
        dim: old name of `axis`.
    """
    at = renamed("axis", axis, "dim", dim)
    if at is None:
        raise ValueError("Must specify an axis argument to tf.expand_dims()")
    return ops.ExpandDims(input, at, name=name)  # type: ignore[no-any-return]


def squeeze(input: Any, axis: Any = None, name: str | None = None, squeeze_dims: Any = None) -> Tensor:
    """A tensor without its dimensions of size 1, or without those that `axis` names.

    Args:
        input: a tensor.
        axis: an integer or list of them; None for all dimensions of size 1.
        name: name of the op.
        squeeze_dims: old name of `axis`.
    """
    axes = renamed("axis", axis, "squeeze_dims", squeeze_dims)
    if axes is None:
        axes = []
    listed = list(axes) if isinstance(axes, (list, tuple, np.ndarray)) else [axes]
    return ops.Squeeze(input, squeeze_dims=listed, name=name)  # type: ignore[no-any-return]


def transpose(a: Any, perm: Any = None, name: str = "transpose", conjugate: bool = False) -> Tensor:
    """A tensor with its dimensions in another order.

    Args:
        a: a tensor.
        perm: for each dimension of the result, which dimension of `a` it is; None for the reverse order.
        name: name of the op.
        conjugate: whether complex numbers are conjugated.

    Source:
        TensorFlow `Transpose`.
    """
    with name_scope(name, "transpose") as scope:
        tensor = convert_to_tensor(a, name="a")
        if conjugate and tensor.dtype.is_complex:
            from .graph.ops.complex import Conj

            tensor = Conj(tensor)
        if perm is None:
            perm = _reversed_axes(tensor)
        return ops.Transpose(tensor, perm, name=scope)  # type: ignore[no-any-return]


def _reversed_axes(tensor: Tensor) -> Any:
    if tensor.shape.rank is not None:
        return np.arange(tensor.shape.rank - 1, -1, -1, dtype=np.int32)
    from .graph.ops.math import Sub

    count = ops.Rank(tensor)
    return Sub(Sub(count, 1), ops.Range(0, count, 1))


def matrix_transpose(a: Any, name: str = "matrix_transpose", conjugate: bool = False) -> Tensor:
    """A tensor with its last two dimensions swapped.

    Args:
        a: a tensor.
        conjugate: whether the complex conjugate is taken.

    Raises:
        ValueError: it has less than two dimensions.
    """
    with name_scope(name, "matrix_transpose") as scope:
        tensor = convert_to_tensor(a, name="a")
        known = tensor.shape.rank
        if known is None:
            count = ops.Rank(tensor)
            perm: Any = ops.ConcatV2([ops.Range(0, count - 2, 1), ops.Pack([count - 1, count - 2])], 0)
        elif known < 2:
            raise ValueError(f"matrix_transpose needs at least two dimensions, got shape {tensor.shape}.")
        else:
            perm = [*builtins.range(known - 2), known - 1, known - 2]
        return transpose(tensor, perm, name=scope, conjugate=conjugate)
