"""Reductions by id on NumPy: bincount, a product with a sparse matrix, or runs of sorted rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import counting, segments

_FEW = 32
"""Rows, or elements in a row, below which the set-up of a faster way costs more than it saves."""


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
    order = np.argsort(ids, kind="stable") if np.any(ids[1:] < ids[:-1]) else np.arange(len(ids))
    ordered = ids[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    out[ordered[starts]] = _runs(getattr(np, how), rows, order, starts)
    return out


def _runs(ufunc: Any, rows: Any, order: Any, starts: Any) -> Any:
    """The rows, in the given order, reduced from each start to the next one."""
    lengths = np.diff(starts, append=len(order))
    longest = int(lengths.max())
    if rows[0].size < _FEW or longest > len(starts):
        return ufunc.reduceat(rows[order], starts, axis=0, dtype=rows.dtype)
    # The first rows of all runs, then their second rows, and so on; the longest runs are put first.
    by_length = np.argsort(-lengths, kind="stable")
    firsts, descending = starts[by_length], -lengths[by_length]
    total = rows[order[firsts]]
    for step in range(1, longest):
        left = int(np.searchsorted(descending, -step))
        ufunc(total[:left], rows[order[firsts[:left] + step]], out=total[:left])
    result = np.empty_like(total)
    result[by_length] = total
    return result


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
