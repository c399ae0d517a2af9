"""How often values occur; declared in `graph/ops/counting.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph.errors import InvalidArgumentError
from .registry import KernelContext, kernel


def count_values(c: KernelContext, values: Any, size: int, weights: Any) -> Any:
    """Sums of the weights (ones where there are none) of each value below `size`, 1-D, in the output's type."""
    xp = c.xp
    if weights is None:
        weights = xp.ones(values.shape, dtype=c.out_dtype)
    if c.backend == "jax":
        place = xp.where((values < 0) | (values >= size), size, values)
        return xp.zeros(size, dtype=c.out_dtype).at[place].add(weights, mode="drop")
    if c.backend == "numpy" and values.size and values.min() < 0:
        raise InvalidArgumentError(
            c.node.name,
            f"{c.node.op} '{c.node.name}': values must not be negative, one is {values.min()}",
            "",
            c.node.source,
        )
    # One more place takes the values that are too large.
    place = xp.where((values < 0) | (values >= size), size, values)
    total = xp.zeros(size + 1, dtype=c.out_dtype)
    if c.backend == "numpy" and c.out_dtype.kind == "f":
        total = np.bincount(place, weights=weights, minlength=size + 1).astype(c.out_dtype)
    else:
        xp.add.at(total, place, weights)
    return total[:size]


@kernel("Bincount")
def bincount(c: KernelContext, values: Any, size: Any, weights: Any) -> Any:
    given = weights.reshape(-1) if weights.size else None
    return count_values(c, values.reshape(-1), int(size), given)


@kernel("DenseBincount")
def dense_bincount(c: KernelContext, values: Any, size: Any, weights: Any) -> Any:
    xp, width, rank = c.xp, int(size), np.ndim(values)
    rows = values.shape[0] if rank == 2 else 1
    inside = (values >= 0) & (values < width)
    if rank == 2:
        first = xp.arange(rows, dtype=values.dtype)[:, None] * width
        values = xp.where(inside, values + first, xp.where(values < 0, values, rows * width))
    given = weights.reshape(-1) if weights.size and not c.attrs["binary_output"] else None
    total = count_values(c, values.reshape(-1), rows * width, given)
    if c.attrs["binary_output"]:
        total = (total > 0).astype(c.out_dtype)
    return total.reshape(rows, width) if rank == 2 else total


@kernel("HistogramFixedWidth")
def histogram_fixed_width(c: KernelContext, values: Any, value_range: Any, nbins: Any) -> Any:
    xp, count = c.xp, int(nbins)
    low, high = (value_range[i].astype(np.float64) for i in (0, 1))
    if c.backend == "numpy" and not low < high:
        raise InvalidArgumentError(
            c.node.name,
            f"{c.node.op} '{c.node.name}': value_range must ascend, it is [{low}, {high}]",
            "",
            c.node.source,
        )
    step = (high - low) / count
    above = xp.maximum(values.reshape(-1).astype(np.float64) - low, 0.0)
    place = xp.minimum(xp.floor(above / step), count - 1).astype(np.int32)
    return count_values(c, place, count, None)
