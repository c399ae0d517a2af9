"""Largest elements on NumPy: of long rows, only the winners are sorted."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..registry import KernelContext, kernel
from ..sorting import descending_positions
from .by_rows import by_rows

_LONG = 128


def _selected(x: Any, count: int) -> Any | None:
    """Positions of the `count` largest elements of each row, ascending; None where NaNs forbid comparing."""
    length = x.shape[-1]
    least = np.partition(x, length - count, axis=-1)[..., length - count, None]
    above, equal = x > least, x == least
    wanted = count - np.count_nonzero(above, axis=-1, keepdims=True)
    chosen = above | (equal & (np.cumsum(equal, axis=-1) <= wanted))
    if not np.all(np.count_nonzero(chosen, axis=-1) == count):
        return None
    return np.nonzero(chosen)[-1].reshape(*x.shape[:-1], count)


def _top_k(c: KernelContext, x: Any, count: int) -> Any:
    index_type = c.out_types[1].np
    if count == 1 and x.dtype.kind != "f":
        positions = np.argmax(x, axis=-1)[..., None]
        return np.take_along_axis(x, positions, axis=-1), positions.astype(index_type)
    few = x.shape[-1] >= _LONG and 0 < 4 * count <= x.shape[-1] and x.dtype.kind in "fiu"
    chosen = _selected(x, count) if few else None
    if chosen is None:
        positions = descending_positions(np, x)[..., :count]
        return np.take_along_axis(x, positions, axis=-1), positions.astype(index_type)
    values = np.take_along_axis(x, chosen, axis=-1)
    order = descending_positions(np, values)
    return np.take_along_axis(values, order, axis=-1), np.take_along_axis(chosen, order, axis=-1).astype(
        index_type
    )


@kernel("TopKV2", on="numpy")
@by_rows(0)
def top_k_v2(c: KernelContext, x: Any, k: Any) -> Any:
    return _top_k(c, x, int(k))


@kernel("NthElement", on="numpy")
def nth_element(c: KernelContext, x: Any, n: Any) -> Any:
    place = int(n)
    if c.attrs["reverse"]:
        place = x.shape[-1] - 1 - place
    if x.dtype.kind not in "fiu":
        return np.sort(x, axis=-1)[..., place]
    return np.partition(x, place, axis=-1)[..., place]
