"""Rows of embedding tables, whole or cut into parts, for dense and for sparse ids."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..array import gather
from ..clip import clip_by_norm
from ..graph.default_graph import get_default_graph, name_scope
from ..graph.dtypes import float32, int32
from ..graph.elements import Tensor
from ..graph.ops.array import ConcatV2, Pack, Range, Rank, Reshape, Shape, Size, shape_of
from ..graph.ops.compare import Less, SelectV2
from ..graph.ops.control import Identity
from ..graph.ops.math import DivNoNan, FloorDiv, FloorMod, Maximum, Mul, Sub
from ..graph.ops.partition import DynamicPartition, ParallelDynamicStitch, Unique
from ..graph.ops.reduction import Sum
from ..graph.ops.segment import SegmentSum
from ..graph.ops.sparse_segment import SparseSegmentMean, SparseSegmentSqrtN, SparseSegmentSum
from ..graph.ops.unary import Sqrt, Square
from ..graph.shapes import TensorShape
from ..graph.sparse_tensor import SparseTensor
from .common import cast, tensor

__all__ = ["embedding_lookup", "embedding_lookup_sparse"]

Transform = Callable[[Tensor], Tensor]


def parts_of(params: Any) -> list[Any]:
    """The parts of an embedding table, each a variable or a tensor.

    Raises:
        ValueError: there are none.
    """
    if hasattr(params, "_get_variable_list"):
        params = params._get_variable_list()
    parts = list(params) if isinstance(params, (list, tuple)) else [params]
    if not parts or parts[0] is None:
        raise ValueError("Need at least one param.")
    return [p if hasattr(p, "sparse_read") else tensor(p, name="params") for p in parts]


def embedding_lookup(
    params: Any,
    ids: Any,
    partition_strategy: str = "mod",
    name: str | None = None,
    validate_indices: bool = True,
    max_norm: float | None = None,
) -> Tensor:
    """The rows of an embedding table that ids name.

    Args:
        params: the table `(rows, ...)`; or a list of its parts, or a partitioned variable.
        ids: int32 or int64 of any shape.
        partition_strategy: how rows are dealt out over parts: "mod" one by one, "div" in contiguous ranges.
        name: name scope.
        validate_indices: accepted for TensorFlow's sake.
        max_norm: rows of a larger L2 norm are scaled down to it.

    Returns:
        `ids.shape + params.shape[1:]`. Gradients with respect to a variable are `IndexedSlices`.

    Source:
        `tf.compat.v1.nn.embedding_lookup`.
    """
    del validate_indices
    return lookup_and_transform(params, ids, partition_strategy, name, max_norm)


def lookup_and_transform(
    params: Any,
    ids: Any,
    partition_strategy: str = "mod",
    name: str | None = None,
    max_norm: float | None = None,
    transform: Transform | None = None,
) -> Tensor:
    """`embedding_lookup`, with a function applied to the rows of each part, next to that part.

    Args:
        params, ids, partition_strategy, name, max_norm: see `embedding_lookup`.
        transform: from rows `(n, ...)` to a tensor `(n, ...)`.
    """
    parts = parts_of(params)
    with name_scope(name, "embedding_lookup") as scope:
        ids = tensor(ids, name="ids")
        if len(parts) == 1 and (transform is None or ids.shape.rank == 1):
            with _beside(parts[0]):
                rows = _clipped(gather(parts[0], ids, name=scope), ids, max_norm)
                rows = rows if transform is None else transform(rows)
            return Identity(rows)  # type: ignore[no-any-return]
        return _from_parts(parts, ids, partition_strategy, max_norm, transform)


def _from_parts(
    parts: Sequence[Any], ids: Tensor, strategy: str, max_norm: float | None, transform: Transform | None
) -> Tensor:
    flat = Reshape(ids, [-1])
    places = Range(0, Size(flat), 1)
    part, row = _dealt(parts, flat, strategy)
    part = cast(part, int32)
    rows_by_part = DynamicPartition(row, part, num_partitions=len(parts))
    places_by_part = DynamicPartition(places, part, num_partitions=len(parts))
    found = []
    for table, rows in zip(parts, rows_by_part, strict=True):
        with get_default_graph().device(None), _beside(table):
            values = gather(table, rows)
            if transform is not None:
                values = transform(_clipped(values, rows, max_norm))
        found.append(values)
    stitched = ParallelDynamicStitch(places_by_part, found)
    element = stitched.shape[1:]
    if transform is None:
        element = parts[0].shape[1:]
        for table in parts[1:]:
            element = element.merge_with(table.shape[1:])
    result = Reshape(stitched, _joined_shape(ids, element, stitched))
    result.set_shape(ids.shape.concatenate(element))
    return result if transform is not None else _clipped(result, ids, max_norm)


def _joined_shape(ids: Tensor, element: TensorShape, stitched: Tensor) -> Any:
    if element.is_fully_defined():
        rest: Any = list(element.known())
    else:
        rest = Shape(stitched)[1:]
    if not isinstance(rest, Tensor) and not rest:
        return shape_of(ids)
    return ConcatV2([shape_of(ids), rest], 0)


def _dealt(parts: Sequence[Any], ids: Tensor, strategy: str) -> tuple[Tensor, Tensor]:
    """For each id, the part that has its row, and the row within that part."""
    count = np.asarray(len(parts), ids.dtype.np)
    if strategy == "mod":
        return FloorMod(ids, count), FloorDiv(ids, count)
    if strategy != "div":
        raise ValueError(f"partition_strategy must be 'mod' or 'div', got {strategy!r}.")
    total = _row_count(parts, ids)
    one = np.asarray(1, ids.dtype.np)
    # The first `extra` parts have one row more than the others.
    each, extra = FloorDiv(total, count), FloorMod(total, count)
    more = each + one
    part = Maximum(FloorDiv(ids, more), FloorDiv(Sub(ids, extra), each))
    row = SelectV2(Less(part, extra), FloorMod(ids, more), FloorMod(Sub(ids, extra), each))
    return part, row


def _row_count(parts: Sequence[Any], ids: Tensor) -> Tensor:
    sizes = [p.shape[0] for p in parts]
    if all(s is not None for s in sizes):
        return tensor(np.asarray(sum(sizes), ids.dtype.np))
    counted = [
        Shape(tensor(p))[0] if s is None else tensor(int(s), int32) for p, s in zip(parts, sizes, strict=True)
    ]
    return Sum(cast(Pack(counted), ids.dtype), [0])  # type: ignore[no-any-return]


def _beside(table: Any) -> contextlib.AbstractContextManager[None]:
    """Ops made inside lie on the device of a part of the table."""
    op = getattr(table, "op", None)
    if op is None or op.graph is not get_default_graph():
        return contextlib.nullcontext()
    return get_default_graph().colocate_with(op, ignore_existing=True)


def _clipped(rows: Tensor, ids: Tensor, max_norm: float | None) -> Tensor:
    """Rows of a norm larger than `max_norm` scaled down to it."""
    if max_norm is None:
        return rows
    if ids.shape.rank is not None and rows.shape.rank is not None:
        axes: Any = list(range(ids.shape.rank, rows.shape.rank))
    else:
        axes = Range(Rank(ids), Rank(rows), 1)
    return clip_by_norm(rows, max_norm, axes=axes)  # type: ignore[no-any-return]


def embedding_lookup_sparse(
    params: Any,
    sp_ids: SparseTensor,
    sp_weights: SparseTensor | None,
    partition_strategy: str = "mod",
    name: str | None = None,
    combiner: str | None = None,
    max_norm: float | None = None,
    allow_fast_lookup: bool = False,
) -> Tensor:
    """For each row of sparse ids, the rows of an embedding table that they name, combined into one.

    Args:
        params: the table; or a list of its parts, or a partitioned variable.
        sp_ids: int32 or int64 `SparseTensor` `(rows, ids per row)`; every row has an id, in ascending order of rows.
        sp_weights: weights with the indices of `sp_ids`, or None for equal ones.
        partition_strategy: see `embedding_lookup`.
        name: name scope.
        combiner: "sum"; "mean" (the default), the sum over the sum of the weights; or "sqrtn", the sum over the
            root of the sum of their squares.
        max_norm: rows of a larger L2 norm are scaled down to it before they are combined.
        allow_fast_lookup: accepted for TensorFlow's sake.

    Returns:
        `(rows,) + params.shape[1:]`.

    Raises:
        TypeError: the ids or weights are no sparse tensors.
        ValueError: the combiner is unknown.

    Source:
        `tf.compat.v1.nn.embedding_lookup_sparse`.
    """
    del allow_fast_lookup
    combiner = combiner or "mean"
    if combiner not in ("mean", "sqrtn", "sum"):
        raise ValueError(f"combiner must be one of 'mean', 'sqrtn' or 'sum', got {combiner!r}.")
    if not isinstance(sp_ids, SparseTensor):
        raise TypeError(f"sp_ids must be a SparseTensor, got {type(sp_ids).__name__}.")
    if sp_weights is not None and not isinstance(sp_weights, SparseTensor):
        raise TypeError(f"sp_weights must be None or a SparseTensor, got {type(sp_weights).__name__}.")
    with name_scope(name, "embedding_lookup_sparse") as scope:
        segments = cast(sp_ids.indices[:, 0], int32)
        ids, which = Unique(sp_ids.values)
        rows = embedding_lookup(params, ids, partition_strategy, max_norm=max_norm)
        if rows.dtype.name in ("float16", "bfloat16"):
            rows = cast(rows, float32)
        if sp_weights is None:
            op = {"sum": SparseSegmentSum, "mean": SparseSegmentMean, "sqrtn": SparseSegmentSqrtN}[combiner]
            return op(rows, which, segments, name=scope)  # type: ignore[no-any-return]
        return _weighted(gather(rows, which), cast(sp_weights.values, rows.dtype), segments, combiner, scope)


def _weighted(rows: Tensor, weights: Tensor, segments: Tensor, combiner: str, scope: str) -> Tensor:
    """Sums of weighted rows per segment, divided as the combiner says."""
    if rows.shape.rank is not None:
        wide = Reshape(weights, [-1, *[1] * (rows.shape.rank - 1)])
    else:
        from ..graph.ops.array import Fill

        wide = Reshape(weights, ConcatV2([Shape(weights), Fill(Reshape(Sub(Rank(rows), 1), [1]), 1)], 0))
    total = SegmentSum(Mul(rows, wide), segments)
    if combiner == "sum":
        return Identity(total, name=scope)  # type: ignore[no-any-return]
    divisor = SegmentSum(wide, segments) if combiner == "mean" else Sqrt(SegmentSum(Square(wide), segments))
    return DivNoNan(total, divisor, name=scope)  # type: ignore[no-any-return]
