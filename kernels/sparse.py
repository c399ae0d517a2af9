"""Sparse tensors ordered, cut, joined and made dense; declared in `graph/ops/sparse.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from .indexing import check_range
from .registry import KernelContext, kernel
from .shaping import dims_of, first
from .updates import scattered, stable_order


def strides_of(c: KernelContext, shape: Any) -> Any:
    """How far apart neighbours along each dimension lie in row-major order."""
    xp = c.xp
    sizes = xp.concatenate([xp.asarray(shape)[1:], xp.ones(1, np.int64)])
    return xp.flip(xp.cumprod(xp.flip(sizes)))


def keys_of(c: KernelContext, indices: Any, shape: Any) -> Any:
    """Places of the indices in row-major order."""
    return (indices * strides_of(c, shape)).sum(axis=1)


def indices_of(c: KernelContext, keys: Any, shape: Any) -> Any:
    """The inverse of `keys_of`."""
    xp = c.xp
    sizes = xp.asarray(shape)
    return (xp.expand_dims(keys, 1) // strides_of(c, sizes)) % xp.maximum(sizes, 1)


@kernel("SparseToDense")
def sparse_to_dense(
    c: KernelContext, sparse_indices: Any, output_shape: Any, sparse_values: Any, default_value: Any
) -> Any:
    dims = dims_of(output_shape)
    rows = sparse_indices.reshape((-1, len(dims) if np.ndim(sparse_indices) == 2 else 1))
    for axis, size in enumerate(dims):
        check_range(c, rows[:, axis], size)
    if c.attrs["validate_indices"] and c.xp is np and len(rows) > 1:
        keys = keys_of(c, rows.astype(np.int64), np.array(dims, np.int64))
        if not (keys[1:] > keys[:-1]).all():
            raise ValueError("sparse_indices must be in row-major order, each once")
    dense = c.xp.full(dims, default_value, dtype=c.out_dtype)
    return scattered(c, dense, tuple(rows.T), sparse_values, "update", fresh=True)


@kernel("SparseReorder")
def sparse_reorder(c: KernelContext, indices: Any, values: Any, shape: Any) -> Any:
    order = stable_order(c, keys_of(c, indices, shape))
    return indices[order], values[order]


@kernel("SparseReshape")
def sparse_reshape(c: KernelContext, indices: Any, input_shape: Any, new_shape: Any) -> Any:
    xp = c.xp
    known = xp.where(new_shape < 0, 1, new_shape)
    rest = xp.prod(xp.asarray(input_shape)) // xp.maximum(xp.prod(known), 1)
    shape = xp.where(new_shape < 0, rest, new_shape).astype(np.int64)
    if xp is np and np.prod(shape) != np.prod(input_shape):
        raise ValueError(f"cannot reshape {dims_of(input_shape)} to {dims_of(new_shape)}")
    return indices_of(c, keys_of(c, indices, input_shape), shape), shape


@kernel("SparseConcat")
def sparse_concat(c: KernelContext, *inputs: Any) -> Any:
    xp, count = c.xp, c.attrs["N"]
    indices, values, shapes = inputs[:count], inputs[count : 2 * count], inputs[2 * count :]
    rank = np.shape(shapes[0])[0]
    column = xp.arange(rank) == c.attrs["concat_dim"] % rank
    offset, moved = xp.zeros((), np.int64), []
    for rows, shape in zip(indices, shapes, strict=True):
        moved.append(rows + xp.where(column, offset, 0))
        offset = offset + shape[c.attrs["concat_dim"]]
        if xp is np and not np.array_equal(shape[~column], shapes[0][~column]):
            raise ValueError(f"all dimensions but {c.attrs['concat_dim']} must agree")
    shape = xp.where(column, offset, shapes[0])
    all_rows, all_values = xp.concatenate(moved), xp.concatenate(values)
    order = stable_order(c, keys_of(c, all_rows, shape))
    return all_rows[order], all_values[order], shape


@kernel("SparseSlice")
def sparse_slice(c: KernelContext, indices: Any, values: Any, shape: Any, start: Any, size: Any) -> Any:
    return _sliced(c, indices, values, shape, start, size)


def _sliced(c: KernelContext, indices: Any, values: Any, shape: Any, start: Any, size: Any) -> Any:
    xp = c.xp
    kept = xp.clip(xp.minimum(size, shape - start), 0, None)
    inside = ((indices >= start) & (indices < start + kept)).all(axis=1)
    return indices[inside] - start, values[inside], kept


@kernel("SparseSliceGrad")
def sparse_slice_grad(c: KernelContext, grad: Any, indices: Any, start: Any, output_indices: Any) -> Any:
    return matched(c, grad, indices, output_indices + start)


def matched(c: KernelContext, values: Any, wanted: Any, given: Any) -> Any:
    """For each row of `wanted`, the value of the equal row of `given`, which is in row-major order; 0 for none."""
    xp = c.xp
    count = np.shape(given)[0]
    if not count or not np.shape(wanted)[0]:
        return xp.zeros(np.shape(wanted)[0], c.out_dtype)
    shape = xp.maximum(wanted.max(axis=0), given.max(axis=0)) + 1
    keys, targets = keys_of(c, given, shape), keys_of(c, wanted, shape)
    at = xp.clip(xp.searchsorted(keys, targets), 0, count - 1)
    return xp.where(keys[at] == targets, values[at], xp.zeros((), c.out_dtype))


@kernel("SparseSplit")
def sparse_split(c: KernelContext, split_dim: Any, indices: Any, values: Any, shape: Any) -> Any:
    axis, num = first(split_dim), c.attrs["num_split"]
    size = int(shape[axis])
    if not 1 <= num <= size:
        raise ValueError(f"num_split {num} must be between 1 and {size}, the size of dimension {axis}")
    parts, begin = [], 0
    for i in range(num):
        length = size // num + (i < size % num)
        start = np.zeros(np.shape(shape)[0], np.int64)
        extent = np.array(dims_of(c.xp.asnumpy(shape) if hasattr(c.xp, "asnumpy") else shape), np.int64)
        start[axis], extent[axis] = begin, length
        parts.append(_sliced(c, indices, values, shape, c.xp.asarray(start), c.xp.asarray(extent)))
        begin += length
    return tuple(part[i] for i in range(3) for part in parts)


@kernel("SparseFillEmptyRows")
def sparse_fill_empty_rows(
    c: KernelContext, indices: Any, values: Any, dense_shape: Any, default_value: Any
) -> Any:
    xp, count, rows = c.xp, np.shape(indices)[0], int(dense_shape[0])
    if count and (int(indices[:, 0].min()) < 0 or int(indices[:, 0].max()) >= rows):
        raise ValueError(f"indices must be in the {rows} rows of dense_shape")
    filled = xp.bincount(indices[:, 0], minlength=rows) if count else xp.zeros(rows, np.int64)
    empty = filled == 0
    new = xp.nonzero(empty)[0]
    added = xp.zeros((len(new), np.shape(indices)[1]), np.int64)
    added = scattered(c, added.T, (np.zeros(1, np.int64),), xp.expand_dims(new, 0), "update", fresh=True).T
    all_rows = xp.concatenate([indices, added])
    defaults = np.empty(len(new), object) if values.dtype == object else xp.zeros(len(new), values.dtype)
    defaults = scattered(c, defaults, (xp.arange(len(new)),), default_value, "update", fresh=True)
    order = stable_order(c, all_rows[:, 0])
    back = xp.argsort(order)[:count].astype(np.int64)
    return all_rows[order], xp.concatenate([values, defaults])[order], empty, back


@kernel("SparseFillEmptyRowsGrad")
def sparse_fill_empty_rows_grad(c: KernelContext, reverse_index_map: Any, grad_values: Any) -> Any:
    xp = c.xp
    check_range(c, reverse_index_map, np.shape(grad_values)[0])
    taken = grad_values[reverse_index_map]
    mask = xp.ones(np.shape(grad_values)[0], np.bool_)
    mask = scattered(c, mask, (reverse_index_map,), False, "update", fresh=True)
    rest = xp.where(mask, grad_values, xp.zeros((), grad_values.dtype))
    return taken, rest.sum(dtype=grad_values.dtype)
