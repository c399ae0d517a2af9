"""Reductions by id on NumPy: bincount, a product with a sparse matrix, or runs of sorted rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import counting, segments

_FEW = 32
"""Rows below which the set-up of a sparse product costs more than it saves."""


def reduce_by_id(_: Any, how: str, ids: Any, rows: Any, count: int, empty: Any) -> Any:
    """See `segments.Reduce`."""
    if ids.size and ids.min() < 0:
        kept = ids >= 0
        ids, rows = ids[kept], rows[kept]
    if how == "add" and rows.dtype.kind in "fc" and empty == 0:
        return _summed(ids, rows, count)
    out = np.full((count, *rows.shape[1:]), empty, dtype=rows.dtype)
    if how == "add" and rows.ndim == 1 and empty == 0:
        np.add.at(out, ids, rows)
        return out
    if not ids.size or not rows.size:
        return out
    if np.any(ids[1:] < ids[:-1]):
        order = np.argsort(ids, kind="stable")
        ids, rows = ids[order], rows[order]
    starts = np.flatnonzero(np.concatenate(([True], ids[1:] != ids[:-1])))
    out[ids[starts]] = getattr(np, how).reduceat(rows, starts, axis=0, dtype=rows.dtype)
    return out


def _summed(ids: Any, rows: Any, count: int) -> Any:
    if rows.ndim == 1 and rows.dtype.kind == "f":
        return np.bincount(ids, weights=rows, minlength=count).astype(rows.dtype)
    if len(ids) < _FEW:
        out = np.zeros((count, *rows.shape[1:]), dtype=rows.dtype)
        np.add.at(out, ids, rows)
        return out
    from scipy.sparse import csc_array

    # Column j of the matrix has its only one in the row that ids[j] names, so the product adds rows up in one pass.
    width = len(ids)
    index = np.int32 if max(width, count) < 2**31 - 1 else np.int64
    chooser = csc_array(
        (np.ones(width, rows.dtype), ids.astype(index, copy=False), np.arange(width + 1, dtype=index)),
        shape=(count, width),
    )
    return (chooser @ rows.reshape(width, -1)).reshape(count, *rows.shape[1:])


for _family in (segments, counting):
    _family.with_reduce(reduce_by_id, "numpy")
