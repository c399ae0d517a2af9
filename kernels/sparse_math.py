"""Arithmetic with sparse tensors; declared in `graph/ops/sparse_math.py`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .indexing import check_range, take
from .registry import KernelContext, kernel
from .shaping import dims_of
from .sparse import indices_of, keys_of, matched
from .updates import scattered, stable_order


@kernel("SparseTensorDenseMatMul")
def sparse_tensor_dense_matmul(c: KernelContext, indices: Any, values: Any, shape: Any, b: Any) -> Any:
    xp, dims = c.xp, dims_of(shape)
    into, out_of = (1, 0) if c.attrs["adjoint_a"] else (0, 1)
    if c.attrs["adjoint_b"]:
        b = xp.conj(b.T) if c.out_types[0].is_complex else b.T
    if c.attrs["adjoint_a"] and c.out_types[0].is_complex:
        values = xp.conj(values)
    check_range(c, indices[:, into], dims[into])
    terms = xp.expand_dims(values, 1) * take(c, b, indices[:, out_of], 0)
    out = xp.zeros((dims[into], b.shape[1]), c.out_dtype)
    return _rows_added(c, out, indices[:, into], terms)


def _rows_added(c: KernelContext, out: Any, rows: Any, terms: Any) -> Any:
    """`out` with the terms added to its rows; runs of one row are summed at once where they lie together."""
    if c.xp is np and len(rows) and (rows[1:] >= rows[:-1]).all():
        starts = np.flatnonzero(np.concatenate([[True], rows[1:] != rows[:-1]]))
        out[rows[starts]] = np.add.reduceat(terms, starts, axis=0)
        return out
    return scattered(c, out, (rows,), terms, "add", fresh=True)


@kernel("SparseTensorDenseAdd")
def sparse_tensor_dense_add(c: KernelContext, indices: Any, values: Any, shape: Any, b: Any) -> Any:
    for axis, size in enumerate(np.shape(b)):
        check_range(c, indices[:, axis], size)
    return scattered(c, b, tuple(indices.T), values, "add")


def _union(c: KernelContext, a: Any, b: Any, shape: Any) -> tuple[Any, Any, Any]:
    """Places that either has, in order, and which of them each index of a, and of b, is."""
    xp = c.xp
    keys, which = xp.unique(xp.concatenate([keys_of(c, a, shape), keys_of(c, b, shape)]), return_inverse=True)
    which = which.reshape(-1)
    return keys, which[: len(a)], which[len(a) :]


def _spread(c: KernelContext, values: Any, places: Any, count: int) -> Any:
    zeros = c.xp.zeros(count, values.dtype)
    return scattered(c, zeros, (places,), values, "add", fresh=True)


@kernel("SparseAdd")
def sparse_add(
    c: KernelContext, a_indices: Any, a: Any, a_shape: Any, b_indices: Any, b: Any, b_shape: Any, thresh: Any
) -> Any:
    keys, at_a, at_b = _union(c, a_indices, b_indices, a_shape)
    total = _spread(c, a, at_a, len(keys)) + _spread(c, b, at_b, len(keys))
    # As in TensorFlow, only what is a sum can fall below the threshold.
    ones = _spread(c, c.xp.ones_like(at_a), at_a, len(keys)) + _spread(
        c, c.xp.ones_like(at_b), at_b, len(keys)
    )
    kept = (c.xp.abs(total) >= thresh) | (ones < 2)
    return indices_of(c, keys[kept], a_shape), total[kept], a_shape


@kernel("SparseAddGrad")
def sparse_add_grad(c: KernelContext, grad: Any, a_indices: Any, b_indices: Any, sum_indices: Any) -> Any:
    return matched(c, grad, a_indices, sum_indices), matched(c, grad, b_indices, sum_indices)


def _extreme(name: str) -> Any:
    def compute(
        c: KernelContext, a_indices: Any, a: Any, a_shape: Any, b_indices: Any, b: Any, b_shape: Any
    ) -> Any:
        keys, at_a, at_b = _union(c, a_indices, b_indices, a_shape)
        both = getattr(c.xp, name)(_spread(c, a, at_a, len(keys)), _spread(c, b, at_b, len(keys)))
        return indices_of(c, keys, a_shape), both

    return compute


kernel("SparseSparseMaximum")(_extreme("maximum"))
kernel("SparseSparseMinimum")(_extreme("minimum"))


def _kept_axes(axes: Any, rank: int) -> list[int]:
    reduced = {a % rank for a in dims_of(axes)}
    return [i for i in range(rank) if i not in reduced]


def _lowest(dtype: Any) -> Any:
    return -np.inf if dtype.kind not in "iu" else np.iinfo(dtype).min


def _group_reduced(c: KernelContext, values: Any, groups: Any, count: int) -> Any:
    """Sum, or largest, of the values of each group; 0 for an empty one."""
    xp = c.xp
    if "Sum" in c.node.op:
        return _spread(c, values, groups, count)
    start = xp.full(count, _lowest(values.dtype), dtype=values.dtype)
    largest = scattered(c, start, (groups,), values, "max", fresh=True)
    present = scattered(c, xp.zeros(count, np.bool_), (groups,), True, "update", fresh=True)
    return xp.where(present, largest, xp.zeros((), values.dtype))


@kernel("SparseReduceSum", "SparseReduceMax")
def sparse_reduce(c: KernelContext, indices: Any, values: Any, shape: Any, axes: Any) -> Any:
    dims = dims_of(shape)
    kept = _kept_axes(axes, len(dims))
    small = tuple(dims[i] for i in kept)
    keys = keys_of(c, indices[:, kept], np.array(small, np.int64)) if kept else indices[:, 0] * 0
    out = _group_reduced(c, values, keys, math.prod(small))
    if c.attrs["keep_dims"]:
        small = tuple(d if i in kept else 1 for i, d in enumerate(dims))
    return out.reshape(small)


@kernel("SparseReduceSumSparse", "SparseReduceMaxSparse")
def sparse_reduce_sparse(c: KernelContext, indices: Any, values: Any, shape: Any, axes: Any) -> Any:
    xp, dims = c.xp, dims_of(shape)
    kept = _kept_axes(axes, len(dims))
    small = np.array([dims[i] for i in kept], np.int64)
    keys = keys_of(c, indices[:, kept], small) if kept else indices[:, 0] * 0
    places, groups = xp.unique(keys, return_inverse=True)
    out = _group_reduced(c, values, groups.reshape(-1), len(places))
    if c.attrs["keep_dims"]:
        small = np.array([d if i in kept else 1 for i, d in enumerate(dims)], np.int64)
    return indices_of(c, places, small), out, xp.asarray(small)


def _met(c: KernelContext, indices: Any, shape: Any, dense: Any) -> Any:
    """For each index, the element of `dense`, broadcast to the sparse shape, that it names."""
    missing = np.shape(indices)[1] - np.ndim(dense)
    index = tuple(
        indices[:, missing + i] if size != 1 else c.xp.zeros_like(indices[:, 0])
        for i, size in enumerate(np.shape(dense))
    )
    for places, size in zip(index, np.shape(dense), strict=True):
        check_range(c, places, size)
    return dense[index] if index else dense


def _cwise(operator: str) -> Any:
    def compute(c: KernelContext, indices: Any, values: Any, shape: Any, dense: Any) -> Any:
        return getattr(c.xp, operator)(values, _met(c, indices, shape, dense)).astype(c.out_dtype)

    return compute


kernel("SparseDenseCwiseMul")(_cwise("multiply"))
kernel("SparseDenseCwiseAdd")(_cwise("add"))


@kernel("SparseDenseCwiseDiv")
def sparse_dense_cwise_div(c: KernelContext, indices: Any, values: Any, shape: Any, dense: Any) -> Any:
    xp, met = c.xp, _met(c, indices, shape, dense)
    if not c.out_types[0].is_integer:
        return values / met
    # Whole numbers are cut off towards zero.
    return (xp.abs(values) // xp.abs(met) * xp.sign(values) * xp.sign(met)).astype(c.out_dtype)


@kernel("SparseSoftmax")
def sparse_softmax(c: KernelContext, indices: Any, values: Any, shape: Any) -> Any:
    xp, count = c.xp, np.shape(values)[0]
    if not count:
        return values
    rows = keys_of(c, indices[:, :-1], shape[:-1])
    order = stable_order(c, rows)
    changes = xp.concatenate([xp.zeros(1, np.int64), (rows[order][1:] != rows[order][:-1]).astype(np.int64)])
    groups = scattered(c, xp.zeros(count, np.int64), (order,), xp.cumsum(changes), "update", fresh=True)
    start = xp.full(count, -np.inf, dtype=values.dtype)
    largest = scattered(c, start, (groups,), values, "max", fresh=True)
    raised = xp.exp(values - largest[groups])
    return raised / _spread(c, raised, groups, count)[groups]
