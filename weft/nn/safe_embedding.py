"""Embedding lookups that put up with empty rows and ids that mean nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..array import gather
from ..graph.default_graph import name_scope
from ..graph.dtypes import int32
from ..graph.elements import Tensor
from ..graph.ops.array import ConcatV2, Pack, Reshape, Shape, Where, ZerosLike
from ..graph.ops.compare import Greater, GreaterEqual, LogicalAnd, SelectV2
from ..graph.ops.reduction import Prod
from ..graph.ops.sparse import SparseFillEmptyRows, SparseReshape
from ..graph.shapes import TensorShape
from ..graph.sparse_tensor import SparseTensor
from .common import cast
from .embedding import embedding_lookup_sparse, parts_of

__all__ = ["safe_embedding_lookup_sparse"]


def safe_embedding_lookup_sparse(
    embedding_weights: Any,
    sparse_ids: SparseTensor,
    sparse_weights: SparseTensor | None = None,
    combiner: str | None = "mean",
    default_id: int | None = None,
    name: str | None = None,
    partition_strategy: str = "div",
    max_norm: float | None = None,
    allow_fast_lookup: bool = False,
) -> Tensor:
    """`embedding_lookup_sparse` for ids of any rank, some of them negative, some rows without any.

    Args:
        embedding_weights: the table; or a list of its parts, or a partitioned variable.
        sparse_ids: int64 `SparseTensor` of rank 2 or more; negative ids are left out.
        sparse_weights: weights with the indices of `sparse_ids`; ids of no positive weight are left out, unless
            they are summed.
        combiner: "sum", "mean" or "sqrtn".
        default_id: stands in rows without ids; None for a result of zeros there.
        name: name scope.
        partition_strategy: see `embedding_lookup`.
        max_norm: rows of a larger L2 norm are scaled down to it.
        allow_fast_lookup: accepted for TensorFlow's sake.

    Returns:
        `sparse_ids.shape[:-1] + embedding_weights.shape[1:]`.

    Source:
        `tf.compat.v1.nn.safe_embedding_lookup_sparse`.
    """
    del allow_fast_lookup
    parts = parts_of(embedding_weights)
    with name_scope(name, "embedding_lookup") as scope:
        outer = sparse_ids.dense_shape[:-1]
        static = sparse_ids.shape
        ids = _as_matrix(sparse_ids)
        weights = None if sparse_weights is None else sparse_weights.values
        ids, weights = _pruned(ids, weights, combiner)
        filled, empty, filled_weights = _without_empty_rows(ids, weights, default_id or 0)
        found = embedding_lookup_sparse(
            parts,
            filled,
            filled_weights,
            partition_strategy,
            None if default_id is None else scope,
            combiner,
            max_norm,
        )
        if default_id is None:
            rank = found.shape.rank if found.shape.rank is not None else 2
            found = SelectV2(Reshape(empty, [-1, *[1] * (rank - 1)]), ZerosLike(found), found, name=scope)
        element = found.shape[1:]
        result: Tensor = Reshape(found, ConcatV2([cast(outer, int32), Shape(found)[1:]], 0))
        known = static[:-1] if static.rank is not None else TensorShape(None)
        result.set_shape(known.concatenate(element))
        return result


def _as_matrix(ids: SparseTensor) -> SparseTensor:
    """Sparse ids as rows: all dimensions but the last in one."""
    if ids.dense_shape.shape.num_elements() == 2:
        return ids
    rows = Prod(ids.dense_shape[:-1], [0])
    indices, shape = SparseReshape(ids.indices, ids.dense_shape, Pack([rows, ids.dense_shape[-1]]))
    return SparseTensor(indices, ids.values, shape)


def _pruned(
    ids: SparseTensor, weights: Tensor | None, combiner: str | None
) -> tuple[SparseTensor, Tensor | None]:
    """Ids that name a row, with their weights, if they count."""
    kept = GreaterEqual(ids.values, np.asarray(0, ids.values.dtype.np))
    if weights is not None and combiner != "sum":
        kept = LogicalAnd(kept, Greater(weights, np.asarray(0, weights.dtype.np)))
    at = Reshape(Where(kept), [-1])
    left = SparseTensor(gather(ids.indices, at), gather(ids.values, at), ids.dense_shape)
    return left, None if weights is None else gather(weights, at)


def _without_empty_rows(
    ids: SparseTensor, weights: Tensor | None, default_id: int
) -> tuple[SparseTensor, Tensor, SparseTensor | None]:
    """Ids with `default_id` in rows that had none, which rows these were, and weights, 1.0 there."""
    indices, values, empty, _ = SparseFillEmptyRows(
        ids.indices, ids.values, ids.dense_shape, np.asarray(default_id, ids.values.dtype.np)
    )
    filled = SparseTensor(indices, values, ids.dense_shape)
    if weights is None:
        return filled, empty, None
    one = np.asarray(1, weights.dtype.np)
    _, more, _, _ = SparseFillEmptyRows(ids.indices, weights, ids.dense_shape, one)
    return filled, empty, SparseTensor(indices, more, ids.dense_shape)
