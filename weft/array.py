"""Tensors joined, taken apart and indexed: functions of TensorFlow 1's `array_ops`."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arguments import same_index_type, shape_argument
from .graph import dtypes
from .graph.constant_value import constant_value
from .graph.convert import convert_to_tensor
from .graph.default_graph import name_scope
from .graph.elements import Tensor
from .graph.indexed_slices import IndexedSlices
from .graph.ops import array as ops
from .graph.ops.control import Identity

__all__ = [
    "concat",
    "gather",
    "guarantee_const",
    "identity",
    "invert_permutation",
    "pad",
    "parallel_stack",
    "reverse",
    "reverse_v2",
    "slice",
    "split",
    "stack",
    "stop_gradient",
    "strided_slice",
    "tile",
    "unstack",
    "where",
    "where_v2",
]


def identity(input: Any, name: str | None = None) -> Any:
    """A tensor with the value of `input`; of `IndexedSlices` or a `SparseTensor`, one of the same kind."""
    if isinstance(input, IndexedSlices):
        return IndexedSlices(identity(input.values, name), input.indices, input.dense_shape)
    tensors = getattr(input, "_map_values", None)
    if tensors is not None:
        return tensors(lambda values: identity(values, name))
    return Identity(input, name=name)


def guarantee_const(input: Any, name: str | None = None) -> Tensor:
    """`input`, of which the caller promises that it never changes."""
    made: Tensor = identity(input, name=name)
    return made


def stop_gradient(input: Any, name: str | None = None) -> Tensor:
    """`input`, held constant for gradients.

    Source:
        TensorFlow `StopGradient`.
    """
    return ops.StopGradient(input, name=name)  # type: ignore[no-any-return]


def concat(values: Any, axis: Any, name: str = "concat") -> Tensor:
    """Tensors put one behind the other along a dimension.

    Args:
        values: list of tensors (or one), of the same shape but for dimension `axis`.
        axis: integer scalar.
        name: name of the op.

    Source:
        TensorFlow `ConcatV2`.
    """
    listed = list(values) if isinstance(values, (list, tuple)) else [values]
    if len(listed) == 1:
        with name_scope(name, "concat"):
            made: Tensor = identity(listed[0], name=name)
            return made
    return ops.ConcatV2(listed, axis, name=name)  # type: ignore[no-any-return]


def split(
    value: Any, num_or_size_splits: Any, axis: Any = 0, num: int | None = None, name: str = "split"
) -> list[Tensor]:
    """A tensor cut along a dimension.

    Args:
        value: a tensor.
        num_or_size_splits: how many equal parts; or the sizes of the parts, one of which may be -1.
        axis: the dimension.
        num: number of parts, where the sizes are a tensor of unknown length.
        name: name of the op.

    Source:
        TensorFlow `Split`, `SplitV`.
    """
    if isinstance(num_or_size_splits, (int, np.integer)):
        count = int(num_or_size_splits)
        return ops.Split(axis, value, num_split=count, name=name)  # type: ignore[no-any-return]
    sizes = convert_to_tensor(shape_argument(num_or_size_splits))
    if sizes.shape.rank == 0:
        raise ValueError("Rank-0 tensors are not supported as the num_or_size_splits argument to split.")
    if num is None:
        if sizes.shape.rank is None or sizes.shape[0] is None:
            raise ValueError("Cannot infer num from the shape of num_or_size_splits; pass num.")
        num = int(sizes.shape[0])
    return ops.SplitV(value, sizes, axis, num_split=num, name=name)  # type: ignore[no-any-return]


def stack(values: Any, axis: int = 0, name: str = "stack") -> Tensor:
    """Tensors of one shape stacked along a new dimension.

    Args:
        values: the tensors.
        axis: the axis.

    Source:
        TensorFlow `Pack`.
    """
    listed = list(values)
    if not listed:
        raise ValueError("stack needs at least one value.")
    if axis == 0:
        # A list of Python numbers becomes one constant.
        return convert_to_tensor(listed, name=name)
    return ops.Pack(listed, axis=axis, name=name)  # type: ignore[no-any-return]


def parallel_stack(values: Any, name: str = "parallel_stack") -> Tensor:
    """`stack` along the first dimension.

    Args:
        values: the tensors.
    """
    return ops.Pack(list(values), axis=0, name=name)  # type: ignore[no-any-return]


def unstack(value: Any, num: int | None = None, axis: int = 0, name: str = "unstack") -> list[Tensor]:
    """A tensor cut into slices along a dimension, which is dropped.

    Args:
        value: a tensor of at least one dimension.
        num: number of slices; by default the size of the dimension.
        axis: the dimension.
        name: name of the op.

    Raises:
        ValueError: `num` is not given and not known.

    Source:
        TensorFlow `Unpack`.
    """
    tensor = convert_to_tensor(value)
    if num is None:
        dims = tensor.shape
        if dims.rank is not None and not -dims.rank <= axis < dims.rank:
            raise ValueError(f"axis = {axis} not in [{-dims.rank}, {dims.rank})")
        size_ = None if dims.rank is None else dims[axis]
        if size_ is None:
            raise ValueError(f"Cannot infer argument `num` from shape {dims}")
        num = int(size_)
    return ops.Unpack(tensor, num=num, axis=axis, name=name)  # type: ignore[no-any-return]


def slice(input_: Any, begin: Any, size: Any, name: str | None = None) -> Tensor:
    """The part of a tensor from `begin` on, of size `size`.

    Args:
        input_: a tensor.
        begin: the first index, one entry per dimension.
        size: number of elements per dimension; -1 for all that are left.
        name: name of the op.

    Source:
        TensorFlow `Slice`.
    """
    begin, size = same_index_type(shape_argument(begin), shape_argument(size))
    return ops.Slice(input_, begin, size, name=name)  # type: ignore[no-any-return]


def strided_slice(
    input_: Any,
    begin: Any,
    end: Any,
    strides: Any = None,
    begin_mask: int = 0,
    end_mask: int = 0,
    ellipsis_mask: int = 0,
    new_axis_mask: int = 0,
    shrink_axis_mask: int = 0,
    var: Any = None,
    name: str | None = None,
) -> Tensor:
    """The part of a tensor that a Python index with slices names.

    Args:
        input_: a tensor.
        begin, end, strides: bounds per index position; steps of 1 by default.
        begin_mask, end_mask: bit i: the bound at position i is open.
        ellipsis_mask: bit i: position i is `...`.
        new_axis_mask: bit i: position i puts in a dimension of size 1.
        shrink_axis_mask: bit i: position i is a single index, which drops its dimension.
        var: accepted for TensorFlow's sake.
        name: name of the op.

    Source:
        TensorFlow `StridedSlice`.
    """
    del var
    begin, end = same_index_type(shape_argument(begin), shape_argument(end))
    if strides is None:
        strides = ops.OnesLike(begin)
    begin, end, strides = same_index_type(begin, end, shape_argument(strides))
    return ops.StridedSlice(  # type: ignore[no-any-return]
        input_,
        begin,
        end,
        strides,
        name=name,
        begin_mask=begin_mask,
        end_mask=end_mask,
        ellipsis_mask=ellipsis_mask,
        new_axis_mask=new_axis_mask,
        shrink_axis_mask=shrink_axis_mask,
    )


def gather(
    params: Any,
    indices: Any,
    validate_indices: bool | None = None,
    name: str | None = None,
    axis: Any = None,
    batch_dims: int = 0,
) -> Tensor:
    """Slices of a tensor along an axis, by index.

    Args:
        params: a tensor or variable of at least one dimension.
        indices: integer tensor; each in [0, params.shape[axis]).
        validate_indices: accepted for TensorFlow's sake.
        name: name of the op.
        axis: the axis; `batch_dims` by default.
        batch_dims: number of first dimensions that params and indices share.

    Returns:
        Tensor of shape `params.shape[:axis] + indices.shape[batch_dims:] + params.shape[axis + 1:]`.

    Source:
        TensorFlow `GatherV2`, `ResourceGather`.
    """
    del validate_indices
    at = batch_dims if axis is None else axis
    known = at if isinstance(at, (int, np.integer)) else constant_value(convert_to_tensor(at))
    if known is not None and int(known) == 0 and not batch_dims and hasattr(params, "sparse_read"):
        return params.sparse_read(indices, name=name)  # type: ignore[no-any-return]
    return ops.GatherV2(params, indices, at, batch_dims=batch_dims, name=name)  # type: ignore[no-any-return]


def tile(input: Any, multiples: Any, name: str | None = None) -> Tensor:
    """A tensor repeated `multiples[i]` times along each dimension i.

    Args:
        input: a tensor.
        multiples: how often, for each dimension.

    Source:
        TensorFlow `Tile`.
    """
    return ops.Tile(input, shape_argument(multiples), name=name)  # type: ignore[no-any-return]


def pad(
    tensor: Any,
    paddings: Any,
    mode: str = "CONSTANT",
    name: str | None = None,
    constant_values: Any = 0,
) -> Tensor:
    """A tensor with elements around it.

    Args:
        tensor: a tensor of rank n.
        paddings: integers of shape `(n, 2)`: how many elements before and after, per dimension.
        mode: "CONSTANT", "REFLECT" (mirrored, without the edge) or "SYMMETRIC" (mirrored with it).
        name: name of the op.
        constant_values: the value that is put around, for "CONSTANT".

    Raises:
        ValueError: the mode is unknown.

    Source:
        TensorFlow `Pad`, `PadV2`, `MirrorPad`.
    """
    mode = mode.upper()
    if mode == "CONSTANT":
        if not isinstance(constant_values, Tensor) and np.ndim(constant_values) == 0 and constant_values == 0:
            return ops.Pad(tensor, paddings, name=name)  # type: ignore[no-any-return]
        return ops.PadV2(tensor, paddings, constant_values, name=name)  # type: ignore[no-any-return]
    if mode not in ("REFLECT", "SYMMETRIC"):
        raise ValueError(f"Unknown padding mode: {mode}")
    return ops.MirrorPad(tensor, paddings, mode=mode, name=name)  # type: ignore[no-any-return]


def reverse(tensor: Any, axis: Any, name: str | None = None) -> Tensor:
    """A tensor with the order of the dimensions in `axis` (a list) turned around.

    Source:
        TensorFlow `ReverseV2`.
    """
    return ops.ReverseV2(tensor, axis, name=name)  # type: ignore[no-any-return]


reverse_v2 = reverse


def invert_permutation(x: Any, name: str | None = None) -> Tensor:
    """The permutation that undoes `x`, a 1-D tensor that holds each of 0 … n - 1 once."""
    return ops.InvertPermutation(x, name=name)  # type: ignore[no-any-return]


def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Tensor:
    """Where a condition holds; or `x` where it holds, `y` elsewhere.

    Args:
        condition: boolean tensor.
        x, y: tensors of one shape and type, given both or not at all; `condition` has their shape, or is a
            vector that chooses whole rows.
        name: name of the op.

    Returns:
        Without x and y, the indices of the true elements as int64 of shape `(number, rank)`.

    Raises:
        ValueError: one of x and y is given alone.

    Source:
        TensorFlow `Where`, `Select`.
    """
    if x is None and y is None:
        with name_scope(name, "Where") as scope:
            return ops.Where(convert_to_tensor(condition, dtypes.bool, name="condition"), name=scope)  # type: ignore[no-any-return]
    if x is None or y is None:
        raise ValueError("x and y must both be non-None or both be None.")
    from .graph.ops.compare import Select

    return Select(condition, x, y, name=name)  # type: ignore[no-any-return]


def where_v2(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Tensor:
    """`where`, with condition, x and y broadcast against each other.

    Args:
        condition: bool tensor.
        x: what is taken where it is true.
        y: what is taken elsewhere.

    Source:
        TensorFlow `SelectV2`.
    """
    if x is None and y is None:
        return where(condition, name=name)
    if x is None or y is None:
        raise ValueError("x and y must both be non-None or both be None.")
    from .graph.ops.compare import SelectV2

    return SelectV2(condition, x, y, name=name)  # type: ignore[no-any-return]
