"""Reductions by id on CuPy: scattered into place with atomic operations; products on the host."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import counting, segments
from ..numpy.segments import reduce_by_id as reduce_on_host

_ATOMIC = {"float32", "float64", "int32", "uint32", "uint64"}
"""Element types that CuPy has atomic additions, maxima and minima for."""


def reduce_by_id(xp: Any, how: str, ids: Any, rows: Any, count: int, empty: Any) -> Any:
    """See `segments.Reduce`."""
    if how == "add" and rows.dtype == np.int64:
        # Two's complement adds up alike with and without a sign.
        return reduce_by_id(xp, how, ids, rows.view(np.uint64), count, empty).view(np.int64)
    if how == "multiply" or rows.dtype.name not in _ATOMIC:
        return xp.asarray(reduce_on_host(None, how, ids.get(), rows.get(), count, empty))
    kept = ids >= 0
    place = xp.where(kept, ids, count)
    # A last row takes what is left out; it keeps the shapes independent of the data.
    start = 0 if how == "add" else xp.inf if how == "minimum" else -xp.inf
    if rows.dtype.kind != "f" and how != "add":
        limits = xp.iinfo(rows.dtype)
        start = limits.max if how == "minimum" else limits.min
    out = xp.full((count + 1, *rows.shape[1:]), start, dtype=rows.dtype)
    getattr(xp, how).at(out, place, rows)
    out = out[:count]
    if how == "add":
        return out
    has_row = xp.zeros(count + 1, dtype=xp.int32)
    xp.add.at(has_row, place, 1)
    has_row = (has_row[:count] > 0).reshape((count,) + (1,) * (out.ndim - 1))
    return xp.where(has_row, out, xp.asarray(empty, dtype=rows.dtype))


for _family in (segments, counting):
    _family.with_reduce(reduce_by_id, "cupy")
