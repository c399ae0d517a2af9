"""Sparse tensors: made, cut, joined, made dense, and calculated with."""

from __future__ import annotations

from typing import Any

import numpy as np

from .array import concat
from .filling import ones_like, zeros_like
from .graph import dtypes
from .graph.convert import convert_to_tensor
from .graph.default_graph import name_scope
from .graph.dtypes import as_dtype
from .graph.elements import Tensor
from .graph.ops import sparse as ops
from .graph.ops import sparse_math
from .graph.ops.array import GatherV2, Reshape, Where
from .graph.shapes import as_shape
from .graph.sparse_tensor import SparseTensor, SparseTensorValue
from .shaping import transpose

__all__ = [
    "SparseTensor",
    "SparseTensorValue",
    "convert_to_tensor_or_sparse_tensor",
    "sparse_add",
    "sparse_concat",
    "sparse_expand_dims",
    "sparse_eye",
    "sparse_fill_empty_rows",
    "sparse_mask",
    "sparse_maximum",
    "sparse_merge",
    "sparse_minimum",
    "sparse_placeholder",
    "sparse_reduce_max",
    "sparse_reduce_max_sparse",
    "sparse_reduce_sum",
    "sparse_reduce_sum_sparse",
    "sparse_reorder",
    "sparse_reset_shape",
    "sparse_reshape",
    "sparse_retain",
    "sparse_slice",
    "sparse_softmax",
    "sparse_split",
    "sparse_tensor_dense_matmul",
    "sparse_tensor_to_dense",
    "sparse_to_dense",
    "sparse_to_indicator",
    "sparse_transpose",
]


def _sparse(value: Any) -> SparseTensor:
    """A sparse tensor, or the value of one, as a sparse tensor.

    Raises:
        TypeError: it is neither.
    """
    if isinstance(value, SparseTensor):
        return value
    if isinstance(value, SparseTensorValue):
        return SparseTensor.from_value(value)
    raise TypeError(f"Input must be a SparseTensor, got {value!r}.")


def convert_to_tensor_or_sparse_tensor(value: Any, dtype: Any = None, name: str | None = None) -> Any:
    """`value` as a sparse tensor where it is one (or the value of one), else as a tensor."""
    if isinstance(value, (SparseTensor, SparseTensorValue)):
        made = _sparse(value)
        if dtype is not None and made.dtype is not as_dtype(dtype):
            raise RuntimeError(
                f"Sparse dtype mismatch. Requested: {as_dtype(dtype).name}, actual: {made.dtype.name}"
            )
        return made
    return convert_to_tensor(value, dtype, name)


def sparse_placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> SparseTensor:
    """A sparse tensor that must be fed, as a `SparseTensorValue` or a tuple of its three parts.

    Args:
        dtype: element type of the values.
        shape: shape of the whole tensor, where it is known.
        name: prefix of the placeholders' names.
    """
    from .framework import placeholder

    prefix = "" if name is None else f"{name}/"
    static = None if shape is None else as_shape(shape)
    known = static is not None and static.is_fully_defined()
    rank = None if static is None else static.rank
    if known:
        assert static is not None
        dense: Any = convert_to_tensor(np.array(static.known(), np.int64), name=f"{prefix}shape")
    else:
        dense = placeholder(dtypes.int64, [rank], name=f"{prefix}shape")
    return SparseTensor(
        values=placeholder(dtype, [None], name=f"{prefix}values"),
        indices=placeholder(dtypes.int64, [None, rank], name=f"{prefix}indices"),
        dense_shape=dense,
    )


def sparse_to_dense(
    sparse_indices: Any,
    output_shape: Any,
    sparse_values: Any,
    default_value: Any = 0,
    validate_indices: bool = True,
    name: str | None = None,
) -> Tensor:
    """A dense tensor with given values at indices and a default elsewhere.

    Args:
        sparse_indices: integers: a scalar, a vector, or of shape `(number, rank)`.
        output_shape: shape of the result.
        sparse_values: a value for all, or one per index.
        default_value: the value elsewhere.
        validate_indices: whether indices must be in row-major order and differ.
        name: name of the op.

    Source:
        TensorFlow `SparseToDense`.
    """
    with name_scope(name, "SparseToDense") as scope:
        indices = convert_to_tensor(sparse_indices)
        values = convert_to_tensor(sparse_values)
        shape = convert_to_tensor(_dims(output_shape, indices.dtype), indices.dtype)
        return ops.SparseToDense(  # type: ignore[no-any-return]
            indices,
            shape,
            values,
            convert_to_tensor(_zero(default_value, values), values.dtype),
            validate_indices=validate_indices,
            name=scope,
        )


def _dims(shape: Any, dtype: Any) -> Any:
    return shape if isinstance(shape, Tensor) else np.array(as_shape(shape).known(), dtype.np)


def _zero(default: Any, values: Tensor) -> Any:
    """The default value; for strings an empty one stands for 0."""
    return b"" if values.dtype.kind == "s" and not isinstance(default, (str, bytes, Tensor)) else default


def sparse_tensor_to_dense(
    sp_input: Any, default_value: Any = None, validate_indices: bool = True, name: str | None = None
) -> Tensor:
    """A sparse tensor as a dense one; `default_value` (0) where nothing is given."""
    sparse = _sparse(sp_input)
    return sparse_to_dense(
        sparse.indices,
        sparse.dense_shape,
        sparse.values,
        0 if default_value is None else default_value,
        validate_indices,
        name or "SparseToDense",
    )


def sparse_reorder(sp_input: Any, name: str | None = None) -> SparseTensor:
    """A sparse tensor with its elements in row-major order.

    Args:
        sp_input: a sparse tensor.
    """
    sparse = _sparse(sp_input)
    indices, values = ops.SparseReorder(sparse.indices, sparse.values, sparse.dense_shape, name=name)
    return SparseTensor(indices, values, sparse.dense_shape)


def sparse_reshape(sp_input: Any, shape: Any, name: str | None = None) -> SparseTensor:
    """A sparse tensor in another shape, one dimension of which may be -1.

    Args:
        sp_input: a sparse tensor.
        shape: the shape.
    """
    sparse = _sparse(sp_input)
    new = convert_to_tensor(shape, dtypes.int64)
    indices, dense = ops.SparseReshape(sparse.indices, sparse.dense_shape, new, name=name)
    return SparseTensor(indices, sparse.values, dense)


def sparse_transpose(sp_input: Any, perm: Any = None, name: str | None = None) -> SparseTensor:
    """A sparse tensor with its dimensions in another order, the reverse one by default.

    Args:
        sp_input: a sparse tensor.
        perm: order of the dimensions; reversed by default.
    """
    with name_scope(name, "SparseTranspose"):
        sparse = _sparse(sp_input)
        if perm is None:
            known = sparse.shape.rank
            if known is not None:
                perm = np.arange(known - 1, -1, -1, dtype=np.int32)
            else:
                from .graph.ops.array import Range, Size

                perm = Range(Size(sparse.dense_shape) - 1, -1, -1)
        turned = GatherV2(sparse.indices, perm, 1)
        return sparse_reorder(SparseTensor(turned, sparse.values, GatherV2(sparse.dense_shape, perm, 0)))


def sparse_concat(
    axis: int,
    sp_inputs: Any,
    name: str | None = None,
    expand_nonconcat_dim: bool = False,
    concat_dim: int | None = None,
    expand_nonconcat_dims: bool | None = None,
) -> SparseTensor:
    """Sparse tensors put one behind the other along a dimension.

    Args:
        axis: the dimension.
        sp_inputs: list of sparse tensors.
        name: name of the op.
        expand_nonconcat_dim, expand_nonconcat_dims: whether other dimensions may differ; the largest is taken.
        concat_dim: old name of `axis`.

    Source:
        TensorFlow `SparseConcat`.
    """
    at = axis if concat_dim is None else concat_dim
    inputs = [_sparse(v) for v in sp_inputs]
    if len(inputs) == 1:
        return inputs[0]
    shapes = [s.dense_shape for s in inputs]
    if expand_nonconcat_dims or expand_nonconcat_dim:
        shapes = _widened(shapes, at)
    made = ops.SparseConcat(
        [s.indices for s in inputs], [s.values for s in inputs], shapes, concat_dim=at, name=name
    )
    return SparseTensor(*made)


def _widened(shapes: list[Tensor], axis: int) -> list[Tensor]:
    """Each shape with all dimensions but `axis` as large as in any of the shapes."""
    from .graph.ops.array import Pack, Size
    from .graph.ops.compare import SelectV2
    from .graph.ops.filling import OneHot
    from .graph.ops.math import FloorMod
    from .graph.ops.reduction import Max

    largest = Max(Pack(shapes), 0)
    rank = Size(shapes[0])
    own = OneHot(FloorMod(np.int32(axis), rank), rank, True, False)
    return [SelectV2(own, s, largest) for s in shapes]


def sparse_split(
    keyword_required: Any = None,
    sp_input: Any = None,
    num_split: int | None = None,
    axis: int | None = None,
    name: str | None = None,
    split_dim: int | None = None,
) -> list[SparseTensor]:
    """A sparse tensor cut into parts along a dimension; arguments by keyword.

    Args:
        keyword_required: takes no value.
        sp_input: the sparse tensor.
        num_split: number of parts.
        axis: the dimension.
        name: name of the op.
        split_dim: old name of `axis`.

    Source:
        TensorFlow `SparseSplit`.
    """
    if keyword_required is not None:
        raise ValueError("Keyword arguments are required for this function.")
    if sp_input is None or num_split is None:
        raise ValueError("sp_input and num_split are required.")
    at = axis if split_dim is None else split_dim
    if at is None:
        raise ValueError("axis is required.")
    sparse = _sparse(sp_input)
    indices, values, shapes = ops.SparseSplit(
        np.int64(at), sparse.indices, sparse.values, sparse.dense_shape, num_split=num_split, name=name
    )
    return [SparseTensor(*parts) for parts in zip(indices, values, shapes, strict=True)]


def sparse_slice(sp_input: Any, start: Any, size: Any, name: str | None = None) -> SparseTensor:
    """The part of a sparse tensor from `start` on, of size `size`."""
    sparse = _sparse(sp_input)
    begin, extent = convert_to_tensor(start, dtypes.int64), convert_to_tensor(size, dtypes.int64)
    return SparseTensor(
        *ops.SparseSlice(sparse.indices, sparse.values, sparse.dense_shape, begin, extent, name=name)
    )


def sparse_retain(sp_input: Any, to_retain: Any) -> SparseTensor:
    """The elements of a sparse tensor for which a boolean vector is true.

    Args:
        sp_input: a sparse tensor.
        to_retain: which values are kept, `(values,)`.
    """
    sparse = _sparse(sp_input)
    keep = convert_to_tensor(to_retain, dtypes.bool)
    places = Reshape(Where(keep), [-1])
    return SparseTensor(
        GatherV2(sparse.indices, places, 0), GatherV2(sparse.values, places, 0), sparse.dense_shape
    )


def sparse_reset_shape(sp_input: Any, new_shape: Any = None) -> SparseTensor:
    """A sparse tensor with another shape around the same indices; by default the smallest.

    Args:
        sp_input: a sparse tensor.
        new_shape: the shape; the tight one by default.
    """
    from .graph.ops.math import Maximum
    from .graph.ops.reduction import Max

    sparse = _sparse(sp_input)
    if new_shape is None:
        floor = zeros_like(sparse.dense_shape)
        return SparseTensor(sparse.indices, sparse.values, Maximum(Max(sparse.indices, 0) + 1, floor))
    wanted = convert_to_tensor(new_shape, dtypes.int64)
    have = sparse.shape
    if have.is_fully_defined() and not isinstance(new_shape, Tensor):
        given = as_shape(new_shape)
        if len(given) != len(have) or any(a < b for a, b in zip(given.known(), have.known(), strict=True)):
            raise ValueError(f"new_shape {given} must have the rank of {have} and be at least as large")
    return SparseTensor(sparse.indices, sparse.values, wanted)


def sparse_fill_empty_rows(
    sp_input: Any, default_value: Any, name: str | None = None
) -> tuple[SparseTensor, Tensor]:
    """A sparse tensor with a default put into each row that is empty, and which rows those are.

    Args:
        sp_input: a sparse tensor.
        default_value: what stands for what is missing.
    """
    sparse = _sparse(sp_input)
    default = convert_to_tensor(default_value, sparse.dtype)
    indices, values, empty, _ = ops.SparseFillEmptyRows(
        sparse.indices, sparse.values, sparse.dense_shape, default, name=name
    )
    return SparseTensor(indices, values, sparse.dense_shape), empty


def sparse_mask(a: Any, mask_indices: Any, name: str | None = None) -> Any:
    """`IndexedSlices` without the rows that `mask_indices` names."""
    from .graph.indexed_slices import IndexedSlices
    from .graph.ops.partition import ListDiff

    with name_scope(name, "sparse_mask"):
        kept, places = ListDiff(a.indices, mask_indices)
        return IndexedSlices(GatherV2(a.values, places, 0), kept, a.dense_shape)


def sparse_expand_dims(sp_input: Any, axis: int | None = None, name: str | None = None) -> SparseTensor:
    """A sparse tensor with a dimension of size 1 put in at `axis`, at the end by default."""
    with name_scope(name, "expand_dims"):
        sparse = _sparse(sp_input)
        rank = sparse.shape.rank
        if rank is None:
            raise ValueError("sparse_expand_dims needs a sparse tensor of known rank.")
        at = -1 if axis is None else axis
        if not -rank - 1 <= at <= rank:
            raise ValueError(f"axis {at} is out of range for rank {rank}")
        at %= rank + 1
        column = zeros_like(sparse.indices[:, :1])
        indices = concat([sparse.indices[:, :at], column, sparse.indices[:, at:]], 1)
        one = np.ones(1, np.int64)
        shape = concat([sparse.dense_shape[:at], one, sparse.dense_shape[at:]], 0)
        return SparseTensor(indices, sparse.values, shape)


def sparse_eye(
    num_rows: int, num_columns: int | None = None, dtype: Any = dtypes.float32, name: str | None = None
) -> SparseTensor:
    """The unit matrix as a sparse tensor.

    Args:
        num_rows: rows.
        num_columns: columns; as many as rows by default.
        dtype: element type.
    """
    with name_scope(name, "eye"):
        columns = num_rows if num_columns is None else num_columns
        count = min(num_rows, columns)
        places = np.arange(count, dtype=np.int64)
        return SparseTensor(
            np.stack([places, places], axis=1),
            np.ones(count, as_dtype(dtype).np),
            np.array([num_rows, columns], np.int64),
        )


def sparse_tensor_dense_matmul(
    sp_a: Any, b: Any, adjoint_a: bool = False, adjoint_b: bool = False, name: str | None = None
) -> Tensor:
    """Product of a sparse and a dense matrix, each transposed and conjugated where asked.

    Args:
        sp_a: a sparse tensor.
        b: a matrix.
        adjoint_a: whether the first matrix is transposed and conjugated.
        adjoint_b: whether the second one is.

    Source:
        TensorFlow `SparseTensorDenseMatMul`.
    """
    if isinstance(b, (SparseTensor, SparseTensorValue)):
        turned = sparse_tensor_dense_matmul(b, sp_a, not adjoint_b, not adjoint_a, name)
        return transpose(turned, conjugate=True)
    sparse = _sparse(sp_a)
    with name_scope(name, "SparseTensorDenseMatMul") as scope:
        return sparse_math.SparseTensorDenseMatMul(  # type: ignore[no-any-return]
            sparse.indices,
            sparse.values,
            sparse.dense_shape,
            convert_to_tensor(b, sparse.dtype, name="b"),
            adjoint_a=adjoint_a,
            adjoint_b=adjoint_b,
            name=scope,
        )


def sparse_add(a: Any, b: Any, threshold: Any = None, thresh: Any = None) -> Any:
    """Sum of two tensors of which at least one is sparse.

    Args:
        a, b: tensors or sparse tensors.
        threshold: of two sparse tensors, sums of a smaller size are left out.
        thresh: old name of `threshold`.

    Returns:
        A sparse tensor where both are, else a tensor.

    Raises:
        TypeError: neither is sparse.
    """
    least = threshold if thresh is None else thresh
    kinds = (SparseTensor, SparseTensorValue)
    if not isinstance(a, kinds) and not isinstance(b, kinds):
        raise TypeError("At least one input should be SparseTensor; do you mean to use tf.add()?")
    if isinstance(a, kinds) and isinstance(b, kinds):
        x, y = _sparse(a), _sparse(b)
        limit = convert_to_tensor(0 if least is None else least, x.dtype.real_dtype)
        return SparseTensor(*sparse_math.SparseAdd(*x._parts(), *y._parts(), limit))
    if not isinstance(a, kinds):
        a, b = b, a
    x = _sparse(a)
    return sparse_math.SparseTensorDenseAdd(*x._parts(), b)


def sparse_maximum(sp_a: Any, sp_b: Any, name: str | None = None) -> SparseTensor:
    """Larger elements of two sparse tensors; what is not given counts as 0.

    Args:
        sp_a: a sparse tensor.
        sp_b: a sparse tensor.
    """
    a, b = _sparse(sp_a), _sparse(sp_b)
    return SparseTensor(*sparse_math.SparseSparseMaximum(*a._parts(), *b._parts(), name=name), a.dense_shape)


def sparse_minimum(sp_a: Any, sp_b: Any, name: str | None = None) -> SparseTensor:
    """Smaller elements of two sparse tensors; what is not given counts as 0.

    Args:
        sp_a: a sparse tensor.
        sp_b: a sparse tensor.
    """
    a, b = _sparse(sp_a), _sparse(sp_b)
    return SparseTensor(*sparse_math.SparseSparseMinimum(*a._parts(), *b._parts(), name=name), a.dense_shape)


def _axes(sparse: SparseTensor, axis: Any, reduction_axes: Any) -> Any:
    given = axis if reduction_axes is None else reduction_axes
    if given is not None:
        return given
    rank = sparse.shape.rank
    if rank is not None:
        return np.arange(rank, dtype=np.int32)
    from .graph.ops.array import Range, Size

    return Range(0, Size(sparse.dense_shape), 1)


def sparse_reduce_sum(
    sp_input: Any,
    axis: Any = None,
    keepdims: bool | None = None,
    reduction_axes: Any = None,
    keep_dims: bool | None = None,
) -> Tensor:
    """Sum of a sparse tensor over axes (all by default), as a dense one.

    Args:
        sp_input: a sparse tensor.
        axis: the axis.
        keepdims: whether reduced dimensions stay, with size 1.
        reduction_axes: old name of `axis`.
        keep_dims: old name of `keepdims`.
    """
    sparse = _sparse(sp_input)
    kept = bool(keep_dims if keepdims is None else keepdims)
    return sparse_math.SparseReduceSum(  # type: ignore[no-any-return]
        *sparse._parts(), _axes(sparse, axis, reduction_axes), keep_dims=kept
    )


def sparse_reduce_max(
    sp_input: Any,
    axis: Any = None,
    keepdims: bool | None = None,
    reduction_axes: Any = None,
    keep_dims: bool | None = None,
) -> Tensor:
    """Largest of the given elements over axes (all by default), as a dense tensor.

    Args:
        sp_input: a sparse tensor.
        axis: the axis.
        keepdims: whether reduced dimensions stay, with size 1.
        reduction_axes: old name of `axis`.
        keep_dims: old name of `keepdims`.
    """
    sparse = _sparse(sp_input)
    kept = bool(keep_dims if keepdims is None else keepdims)
    return sparse_math.SparseReduceMax(  # type: ignore[no-any-return]
        *sparse._parts(), _axes(sparse, axis, reduction_axes), keep_dims=kept
    )


def sparse_reduce_sum_sparse(
    sp_input: Any,
    axis: Any = None,
    keepdims: bool | None = None,
    reduction_axes: Any = None,
    keep_dims: bool | None = None,
) -> SparseTensor:
    """Sum of a sparse tensor over axes, as a sparse one.

    Args:
        sp_input: a sparse tensor.
        axis: the axis.
        keepdims: whether reduced dimensions stay, with size 1.
        reduction_axes: old name of `axis`.
        keep_dims: old name of `keepdims`.
    """
    sparse = _sparse(sp_input)
    kept = bool(keep_dims if keepdims is None else keepdims)
    return SparseTensor(
        *sparse_math.SparseReduceSumSparse(
            *sparse._parts(), _axes(sparse, axis, reduction_axes), keep_dims=kept
        )
    )


def sparse_reduce_max_sparse(
    sp_input: Any,
    axis: Any = None,
    keepdims: bool | None = None,
    reduction_axes: Any = None,
    keep_dims: bool | None = None,
) -> SparseTensor:
    """Largest of the given elements over axes, as a sparse tensor.

    Args:
        sp_input: a sparse tensor.
        axis: the axis.
        keepdims: whether reduced dimensions stay, with size 1.
        reduction_axes: old name of `axis`.
        keep_dims: old name of `keepdims`.
    """
    sparse = _sparse(sp_input)
    kept = bool(keep_dims if keepdims is None else keepdims)
    return SparseTensor(
        *sparse_math.SparseReduceMaxSparse(
            *sparse._parts(), _axes(sparse, axis, reduction_axes), keep_dims=kept
        )
    )


def sparse_softmax(sp_input: Any, name: str | None = None) -> SparseTensor:
    """Softmax over the given elements of each row.

    Args:
        sp_input: a sparse tensor.
    """
    sparse = _sparse(sp_input)
    return sparse.with_values(sparse_math.SparseSoftmax(*sparse._parts(), name=name))


def sparse_merge(
    sp_ids: Any, sp_values: Any, vocab_size: Any, name: str | None = None, already_sorted: bool = False
) -> SparseTensor:
    """A sparse tensor of values whose last index comes from a sparse tensor of ids of the same shape.

    Args:
        sp_ids: ids in [0, vocab_size), as values of a sparse tensor; or a list of them.
        sp_values: the values.
        vocab_size: number of ids; or a list of them.
        name: name scope.
        already_sorted: whether the ids of each row are in order already.
    """
    with name_scope(name, "SparseMerge"):
        ids = [_sparse(v) for v in (sp_ids if isinstance(sp_ids, (list, tuple)) else [sp_ids])]
        if isinstance(sp_ids, SparseTensorValue):
            ids = [_sparse(sp_ids)]
        sizes = list(vocab_size) if isinstance(vocab_size, (list, tuple)) else [vocab_size]
        if len(ids) != len(sizes):
            raise ValueError("sp_ids and vocab_size have to have equal lengths.")
        values = _sparse(sp_values)
        columns = [_as_int64(Reshape(i.values, np.array([-1, 1], np.int32))) for i in ids]
        indices = concat([ids[0].indices[:, :-1], *columns], 1)
        new = [Reshape(_as_int64(convert_to_tensor(s)), [1]) for s in sizes]
        made = SparseTensor(indices, values.values, concat([ids[0].dense_shape[:-1], *new], 0))
        return made if already_sorted else sparse_reorder(made)


def _as_int64(x: Tensor) -> Tensor:
    if x.dtype is dtypes.int64:
        return x
    from .graph.ops.math import Cast

    made: Tensor = Cast(x, DstT=dtypes.int64)
    return made


def sparse_to_indicator(sp_input: Any, vocab_size: Any, name: str | None = None) -> Tensor:
    """For each row of ids, a row that is true at them.

    Args:
        sp_input: sparse tensor of ids in [0, vocab_size).
        vocab_size: length of the rows.
        name: name scope.
    """
    with name_scope(name, "SparseToIndicator"):
        sparse = _sparse(sp_input)
        new = sparse_merge(sparse, sparse.with_values(ones_like(sparse.values, dtypes.bool)), vocab_size)
        return sparse_tensor_to_dense(new, default_value=False, validate_indices=False)
