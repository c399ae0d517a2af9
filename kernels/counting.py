"""How often values occur; declared in `graph/ops/counting.py`.

Like the kernels of `segments.py`, these are made once per backend from its way to reduce by id.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph.errors import InvalidArgumentError
from .registry import KernelContext, kernel
from .segments import Reduce


def with_reduce(reduce: Reduce, on: str) -> None:
    """Registers the kernels of the family for a backend."""

    @kernel("Bincount", on=on)
    def bincount(c: KernelContext, values: Any, size: Any, weights: Any) -> Any:
        given = weights.reshape(-1) if weights.size else None
        return _counted(c, reduce, values.reshape(-1), int(size), given)

    @kernel("DenseBincount", on=on)
    def dense_bincount(c: KernelContext, values: Any, size: Any, weights: Any) -> Any:
        width, rank = int(size), np.ndim(values)
        is_binary = c.attrs["binary_output"]
        given = weights.reshape(-1) if weights.size and not is_binary else None
        rows = values.shape[0] if rank == 2 else 1
        if rank == 2:
            values = _apart(c.xp, values, width)
        total = _counted(c, reduce, values.reshape(-1), rows * width, given)
        if is_binary:
            total = (total > 0).astype(c.out_dtype)
        return total.reshape(rows, width) if rank == 2 else total

    @kernel("HistogramFixedWidth", on=on)
    def histogram_fixed_width(c: KernelContext, values: Any, value_range: Any, nbins: Any) -> Any:
        xp, count = c.xp, int(nbins)
        low, high = (value_range[i].astype(np.float64) for i in (0, 1))
        if c.backend == "numpy" and not low < high:
            _fail(c, f"value_range must ascend, it is [{low}, {high}]")
        step = (high - low) / count
        above = xp.maximum(values.reshape(-1).astype(np.float64) - low, 0.0)
        place = xp.minimum(xp.floor(above / step), count - 1).astype(np.int32)
        return _counted(c, reduce, place, count, None)


def _fail(c: KernelContext, rule: str) -> None:
    raise InvalidArgumentError(c.node.name, f"{c.node.op} '{c.node.name}': {rule}", "", c.node.source)


def _apart(xp: Any, values: Any, width: int) -> Any:
    """The values of each row moved past those of the rows before; those that are too large, past all."""
    rows = values.shape[0]
    first = xp.arange(rows, dtype=values.dtype)[:, None] * width
    moved = xp.where(values < width, values + first, rows * width)
    return xp.where(values < 0, values, moved)


def _counted(c: KernelContext, reduce: Reduce, values: Any, size: int, weights: Any) -> Any:
    """Sums of the weights (ones where there are none) of each value below `size`, in the output's type."""
    if c.backend == "numpy" and values.size and values.min() < 0:
        _fail(c, f"values must not be negative, one is {values.min()}")
    if weights is None:
        weights = c.xp.ones(values.shape, dtype=c.out_dtype)
    place = c.xp.where(values >= size, -1, values)
    return reduce(c.xp, "add", place, weights, size, 0)
