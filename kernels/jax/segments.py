"""Reductions by id on JAX: scattered into place."""

from __future__ import annotations

from typing import Any

from .. import counting, segments

_METHODS = {"add": "add", "multiply": "multiply", "maximum": "max", "minimum": "min"}


def reduce_by_id(xp: Any, how: str, ids: Any, rows: Any, count: int, empty: Any) -> Any:
    """See `segments.Reduce`."""
    out = xp.full((count, *rows.shape[1:]), empty, dtype=rows.dtype)
    if how in ("maximum", "minimum"):
        least = rows.dtype.type(
            xp.finfo(rows.dtype).min if rows.dtype.kind == "f" else xp.iinfo(rows.dtype).min
        )
        most = rows.dtype.type(
            xp.finfo(rows.dtype).max if rows.dtype.kind == "f" else xp.iinfo(rows.dtype).max
        )
        out = xp.full_like(out, least if how == "maximum" else most)
    place = xp.where(ids < 0, count, ids)
    reduced = getattr(out.at[place], _METHODS[how])(rows, mode="drop")
    if how in ("maximum", "minimum"):
        has_row = xp.zeros(count, dtype=bool).at[place].set(True, mode="drop")
        has_row = has_row.reshape((count,) + (1,) * (reduced.ndim - 1))
        reduced = xp.where(has_row, reduced, xp.asarray(empty, dtype=rows.dtype))
    return reduced


for _family in (segments, counting):
    _family.with_reduce(reduce_by_id, "jax")
