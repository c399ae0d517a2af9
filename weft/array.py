"""Shapes, and tensors made, joined and taken apart: the functions of TensorFlow 1's `array_ops`."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

import numpy as np

from .graph import dtypes
from .graph.constant_value import constant_value
from .graph.convert import constant, convert_to_tensor
from .graph.default_graph import name_scope
from .graph.dtypes import DType, as_dtype
from .graph.elements import Tensor
from .graph.indexed_slices import IndexedSlices
from .graph.ops import array as ops
from .graph.ops.control import Identity
from .graph.shapes import TensorShape, as_shape, broadcast_shapes

__all__ = [
    "broadcast_dynamic_shape",
    "broadcast_static_shape",
    "broadcast_to",
    "concat",
    "expand_dims",
    "fill",
    "gather",
    "guarantee_const",
    "identity",
    "invert_permutation",
    "lin_space",
    "linspace",
    "matrix_transpose",
    "meshgrid",
    "newaxis",
    "one_hot",
    "ones",
    "ones_like",
    "pad",
    "parallel_stack",
    "range",
    "rank",
    "reshape",
    "reverse",
    "reverse_v2",
    "sequence_mask",
    "shape",
    "shape_n",
    "size",
    "slice",
    "split",
    "squeeze",
    "stack",
    "stop_gradient",
    "strided_slice",
    "tile",
    "transpose",
    "unstack",
    "where",
    "where_v2",
    "zeros",
    "zeros_like",
]

newaxis = None
"""`tensor[tf.newaxis]` puts in a dimension of size 1."""

_CONSTANT_ELEMENTS = 1000
"""Up to so many elements, zeros and ones of a known shape are a constant of the graph."""


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
        return _cast(dense, wanted, name or "Shape")
    tensor = convert_to_tensor(input)
    if tensor.shape.is_fully_defined():
        return constant(np.array(tensor.shape.known(), wanted.np), wanted, name=name or "Shape")
    made: Tensor = ops.Shape(tensor, out_type=wanted, name=name)
    return made


def _cast(x: Tensor, dtype: DType, name: str | None = None) -> Tensor:
    if x.dtype is dtype:
        return x if name is None else identity(x, name=name)
    from .graph.ops.math import Cast

    made: Tensor = Cast(x, DstT=dtype, name=name)
    return made


def shape_n(input: Sequence[Any], out_type: Any = dtypes.int32, name: str | None = None) -> list[Tensor]:
    """The shapes of several tensors of one element type, as a list of 1-D tensors."""
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

        made: Tensor = Prod(_cast(dense, wanted), 0, name=name)
        return made
    tensor = convert_to_tensor(input)
    count = tensor.shape.num_elements()
    if count is not None:
        return constant(count, wanted, name=name or "Size")
    return ops.Size(tensor, out_type=wanted, name=name)  # type: ignore[no-any-return]


def rank(input: Any, name: str | None = None) -> Tensor:
    """The number of dimensions of a tensor, as an int32 scalar."""
    dense = getattr(input, "dense_shape", None)
    if dense is not None and not isinstance(input, Tensor):
        return size(dense, name=name)
    tensor = convert_to_tensor(input)
    if tensor.shape.rank is not None:
        return constant(tensor.shape.rank, dtypes.int32, name=name or "Rank")
    return ops.Rank(tensor, name=name)  # type: ignore[no-any-return]


def broadcast_static_shape(shape_x: Any, shape_y: Any) -> TensorShape:
    """The static shape that two static shapes give together.

    Raises:
        ValueError: they do not broadcast.
    """
    try:
        return broadcast_shapes(as_shape(shape_x), as_shape(shape_y))
    except Exception as error:
        raise ValueError(str(error)) from None


def broadcast_dynamic_shape(shape_x: Any, shape_y: Any) -> Tensor:
    """The shape that two shapes give together, all as 1-D tensors."""
    from .graph.ops.shaping import BroadcastArgs

    return BroadcastArgs(shape_x, shape_y)  # type: ignore[no-any-return]


def broadcast_to(input: Any, shape: Any, name: str | None = None) -> Tensor:
    """A tensor repeated to a larger shape, as NumPy broadcasts.

    Source:
        TensorFlow `BroadcastTo`.
    """
    return ops.BroadcastTo(input, _shape_arg(shape), name=name)  # type: ignore[no-any-return]


def _shape_arg(shape: Any) -> Any:
    """A shape as an argument of an op: a Python shape of any kind as an array, a tensor as it is."""
    if isinstance(shape, TensorShape):
        return np.array(shape.known(), np.int32)
    if isinstance(shape, (list, tuple)):
        dims = [getattr(d, "value", d) if not isinstance(d, Tensor) else d for d in shape]
        if all(isinstance(d, (int, np.integer)) for d in dims):
            big = any(int(d) > 2**31 - 1 for d in dims)
            return np.array(dims, np.int64 if big else np.int32)
        return dims
    return shape


def reshape(tensor: Any, shape: Any, name: str | None = None) -> Tensor:
    """The same elements in another shape.

    Args:
        tensor: a tensor.
        shape: the new shape, one dimension of which may be -1: what the number of elements leaves for it.
        name: name of the op.

    Source:
        TensorFlow `Reshape`.
    """
    return ops.Reshape(tensor, _shape_arg(shape), name=name)  # type: ignore[no-any-return]


def expand_dims(input: Any, axis: Any = None, name: str | None = None, dim: Any = None) -> Tensor:
    """A tensor with a dimension of size 1 put in at `axis`; negative axes count from behind the last one.

    Args:
        input: a tensor.
        axis: where; an integer scalar.
        name: name of the op.
        dim: old name of `axis`.
    """
    at = _either("axis", axis, "dim", dim)
    if at is None:
        raise ValueError("Must specify an axis argument to tf.expand_dims()")
    return ops.ExpandDims(input, at, name=name)  # type: ignore[no-any-return]


def _either(name: str, value: Any, old_name: str, old_value: Any) -> Any:
    """The value of an argument that has an old name too.

    Raises:
        ValueError: both are given.
    """
    if old_value is not None and value is not None:
        raise ValueError(f"Cannot specify both '{name}' and '{old_name}'.")
    return value if old_value is None else old_value


def squeeze(input: Any, axis: Any = None, name: str | None = None, squeeze_dims: Any = None) -> Tensor:
    """A tensor without its dimensions of size 1, or without those that `axis` names.

    Args:
        input: a tensor.
        axis: an integer or list of them; None for all dimensions of size 1.
        name: name of the op.
        squeeze_dims: old name of `axis`.
    """
    axes = _either("axis", axis, "squeeze_dims", squeeze_dims)
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

    Raises:
        ValueError: it has less than two dimensions.
    """
    with name_scope(name, "matrix_transpose") as scope:
        tensor = convert_to_tensor(a, name="a")
        known = tensor.shape.rank
        if known is None:
            count = ops.Rank(tensor)
            perm: Any = concat([ops.Range(0, count - 2, 1), stack([count - 1, count - 2])], 0)
        elif known < 2:
            raise ValueError(f"matrix_transpose needs at least two dimensions, got shape {tensor.shape}.")
        else:
            perm = [*builtins.range(known - 2), known - 1, known - 2]
        return transpose(tensor, perm, name=scope, conjugate=conjugate)


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


def fill(dims: Any, value: Any, name: str | None = None) -> Tensor:
    """A tensor of shape `dims` whose elements are all `value`.

    Source:
        TensorFlow `Fill`.
    """
    return ops.Fill(_shape_arg(dims), value, name=name)  # type: ignore[no-any-return]


def zeros(shape: Any, dtype: Any = dtypes.float32, name: str | None = None) -> Tensor:
    """A tensor of zeros (False, or empty strings).

    Args:
        shape: list of integers, a `TensorShape` or a 1-D integer tensor.
        dtype: element type.
        name: name of the op.
    """
    return _filled(shape, as_dtype(dtype), 0, name or "zeros")


def ones(shape: Any, dtype: Any = dtypes.float32, name: str | None = None) -> Tensor:
    """A tensor of ones (or True); arguments as for `zeros`."""
    return _filled(shape, as_dtype(dtype), 1, name or "ones")


def _filled(shape: Any, dtype: DType, value: int, name: str) -> Tensor:
    scalar: Any = np.array(value).astype(dtype.np)
    if dtype.kind == "s":
        scalar = np.array(b"", dtype=object)
    with name_scope(name) as scope:
        dims = _shape_arg(shape)
        if isinstance(dims, (int, np.integer)):
            dims = np.array([dims], np.int32)
        known = dims if isinstance(dims, np.ndarray) else None
        if (
            known is not None
            and np.prod(known, dtype=np.float64) <= _CONSTANT_ELEMENTS
            and not (known < 0).any()
        ):
            whole = np.full(tuple(known.tolist()), scalar, dtype=dtype.np)
            return constant(whole, dtype, name=scope)
        tensor = convert_to_tensor(dims, name="shape_as_tensor")
        if tensor.shape.rank == 0:
            tensor = ops.Reshape(tensor, [1])
        made: Tensor = ops.Fill(tensor, constant(scalar, dtype, name="Const"), name=scope)
        return made


def zeros_like(tensor: Any, dtype: Any = None, name: str | None = None, optimize: bool = True) -> Tensor:
    """Zeros of a tensor's shape.

    Args:
        tensor: a tensor.
        dtype: element type of the result; that of the tensor by default.
        name: name of the op.
        optimize: whether the shape, where it is known, is written into the graph.
    """
    return _like(tensor, dtype, 0, name or "zeros_like", optimize)


def ones_like(tensor: Any, dtype: Any = None, name: str | None = None, optimize: bool = True) -> Tensor:
    """Ones of a tensor's shape; arguments as for `zeros_like`."""
    return _like(tensor, dtype, 1, name or "ones_like", optimize)


def _like(tensor: Any, dtype: Any, value: int, name: str, optimize: bool) -> Tensor:
    given = convert_to_tensor(tensor)
    wanted = given.dtype if dtype is None else as_dtype(dtype)
    with name_scope(name) as scope:
        if optimize and given.shape.is_fully_defined():
            return _filled(given.shape, wanted, value, scope)
        if wanted is given.dtype and not value:
            return ops.ZerosLike(given, name=scope)  # type: ignore[no-any-return]
        return _filled(ops.Shape(given), wanted, value, scope)


def range(start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: str = "range") -> Tensor:
    """Numbers from `start` in steps of `delta`, up to but without `limit`.

    Args:
        start: first number; the limit, where `limit` is None.
        limit: upper limit.
        delta: step, 1 by default.
        dtype: element type; by default the widest of the arguments', of int32, int64, float32, float64.
        name: name of the op.

    Source:
        TensorFlow `Range`.
    """
    if limit is None:
        start, limit = 0, start
    with name_scope(name, "range") as scope:
        wanted = None if dtype is None else as_dtype(dtype)
        given = [
            v if isinstance(v, Tensor) else convert_to_tensor(v, wanted, name=n)
            for n, v in (("start", start), ("limit", limit), ("delta", delta))
        ]
        if wanted is None:
            order = [dtypes.int32, dtypes.int64, dtypes.float32, dtypes.float64]
            found = [t.dtype for t in given]
            wanted = max(found, key=order.index) if all(t in order for t in found) else found[0]
        return ops.Range(*(_cast(t, wanted) for t in given), name=scope)  # type: ignore[no-any-return]


def linspace(start: Any, stop: Any, num: Any, name: str | None = None) -> Tensor:
    """`num` evenly spaced numbers from `start` to `stop`, both included.

    Source:
        TensorFlow `LinSpace`.
    """
    return ops.LinSpace(start, stop, num, name=name)  # type: ignore[no-any-return]


lin_space = linspace


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
    sizes = convert_to_tensor(_shape_arg(num_or_size_splits))
    if sizes.shape.rank == 0:
        raise ValueError("Rank-0 tensors are not supported as the num_or_size_splits argument to split.")
    if num is None:
        if sizes.shape.rank is None or sizes.shape[0] is None:
            raise ValueError("Cannot infer num from the shape of num_or_size_splits; pass num.")
        num = int(sizes.shape[0])
    return ops.SplitV(value, sizes, axis, num_split=num, name=name)  # type: ignore[no-any-return]


def stack(values: Any, axis: int = 0, name: str = "stack") -> Tensor:
    """Tensors of one shape stacked along a new dimension.

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
    """`stack` along the first dimension."""
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
    begin, size = _same_index_type(_shape_arg(begin), _shape_arg(size))
    return ops.Slice(input_, begin, size, name=name)  # type: ignore[no-any-return]


def _same_index_type(*values: Any) -> list[Tensor]:
    """Index arguments as tensors of one type: int64 where one of them is."""
    tensors = [convert_to_tensor(v, preferred_dtype=dtypes.int32) for v in values]
    if all(t.dtype is tensors[0].dtype for t in tensors):
        return tensors
    return [_cast(t, dtypes.int64) for t in tensors]


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
    begin, end = _same_index_type(_shape_arg(begin), _shape_arg(end))
    if strides is None:
        strides = ops.OnesLike(begin)
    begin, end, strides = _same_index_type(begin, end, _shape_arg(strides))
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

    Source:
        TensorFlow `Tile`.
    """
    return ops.Tile(input, _shape_arg(multiples), name=name)  # type: ignore[no-any-return]


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


def one_hot(
    indices: Any,
    depth: Any,
    on_value: Any = None,
    off_value: Any = None,
    axis: int | None = None,
    dtype: Any = None,
    name: str | None = None,
) -> Tensor:
    """Rows with `on_value` at the index and `off_value` elsewhere.

    Args:
        indices: integer tensor; an index outside [0, depth) gives a row of `off_value`.
        depth: length of a row; int32 scalar.
        on_value, off_value: scalars; 1 and 0 by default.
        axis: where the new dimension is put; last by default.
        dtype: element type of the result; that of the values, or float32, by default.
        name: name of the op.

    Raises:
        TypeError: the element types of the values and `dtype` differ.

    Source:
        TensorFlow `OneHot`.
    """
    with name_scope(name, "one_hot") as scope:
        wanted = None if dtype is None else as_dtype(dtype)
        values = [v for v in (on_value, off_value) if v is not None]
        given = [convert_to_tensor(v, None if isinstance(v, Tensor) else wanted) for v in values]
        found = {t.dtype for t in given} | ({wanted} if wanted is not None else set())
        if len(found) > 1:
            raise TypeError(f"on_value, off_value and dtype must agree, got {sorted(t.name for t in found)}")
        kind = found.pop() if found else dtypes.float32
        on = constant(1, kind, name="on_value") if on_value is None else given[0]
        off = constant(0, kind, name="off_value") if off_value is None else given[-1]
        return ops.OneHot(  # type: ignore[no-any-return]
            convert_to_tensor(indices, name="indices"),
            depth,
            on,
            off,
            axis=-1 if axis is None else axis,
            name=scope,
        )


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

    Source:
        TensorFlow `SelectV2`.
    """
    if x is None and y is None:
        return where(condition, name=name)
    if x is None or y is None:
        raise ValueError("x and y must both be non-None or both be None.")
    from .graph.ops.compare import SelectV2

    return SelectV2(condition, x, y, name=name)  # type: ignore[no-any-return]


def sequence_mask(
    lengths: Any, maxlen: Any = None, dtype: Any = dtypes.bool, name: str | None = None
) -> Tensor:
    """For each length, a row that is true in as many first places.

    Args:
        lengths: integer tensor.
        maxlen: length of the rows; the largest length by default.
        dtype: element type of the result.
        name: name of the op.

    Returns:
        Tensor of shape `lengths.shape + (maxlen,)`.
    """
    from .graph.ops.compare import Less
    from .graph.ops.reduction import Max

    with name_scope(name, "SequenceMask"):
        given = convert_to_tensor(lengths)
        if maxlen is None:
            flat = ops.Reshape(given, [-1])
            # A zero among them keeps the maximum of no lengths at 0.
            limit = Max(ops.ConcatV2([np.zeros(1, given.dtype.np), flat], 0), 0)
        else:
            limit = convert_to_tensor(maxlen)
        if limit.shape.rank not in (None, 0):
            raise ValueError(f"maxlen must be scalar for sequence_mask, got shape {limit.shape}")
        zero, one = constant(0, limit.dtype), constant(1, limit.dtype)
        places = ops.Range(zero, limit, one)
        mask = Less(places, _cast(ops.ExpandDims(given, -1), limit.dtype))
        return _cast(mask, as_dtype(dtype))


def meshgrid(*args: Any, indexing: str = "xy", name: str = "meshgrid") -> list[Tensor]:
    """Grids of coordinates, one per vector.

    Args:
        *args: vectors of one element type.
        indexing: "xy": the first two dimensions of the grids are swapped (Cartesian); "ij": they are not.
        name: name scope.

    Raises:
        ValueError: the indexing is unknown.
    """
    if indexing not in ("xy", "ij"):
        raise ValueError("Argument `indexing` parameter must be either 'xy' or 'ij'")
    with name_scope(name, "meshgrid"):
        vectors = [convert_to_tensor(a) for a in args]
        count = len(vectors)
        places = list(builtins.range(count))
        if indexing == "xy" and count > 1:
            places[0], places[1] = 1, 0
        sizes: list[Any] = [None] * count
        for vector, place in zip(vectors, places, strict=True):
            sizes[place] = size(vector)
        dims = ops.Pack(sizes) if sizes else None
        grids = []
        for vector, place in zip(vectors, places, strict=True):
            wide = [1] * count
            wide[place] = -1
            grids.append(ops.BroadcastTo(ops.Reshape(vector, np.array(wide, np.int32)), dims))
        return grids
