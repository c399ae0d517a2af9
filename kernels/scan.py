"""Running sums and products; declared in `graph/ops/scan.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .registry import KernelContext, kernel


def run_scan(c: KernelContext, x: Any, axis: int, scan: Callable[[Any], Any], first: Any) -> Any:
    """`scan` of `x` along the axis, in the direction asked for, shifted by one for an exclusive scan."""
    xp, attrs = c.xp, c.attrs
    axis %= np.ndim(x)
    if attrs["reverse"]:
        x = xp.flip(x, axis)
    if attrs["exclusive"] and x.shape[axis]:
        shape = list(x.shape)
        shape[axis] = 1
        kept = x[(slice(None),) * axis + (slice(None, -1),)]
        x = xp.concatenate([xp.full(shape, first, dtype=x.dtype), kept], axis=axis)
    total = scan(x)
    return xp.flip(total, axis) if attrs["reverse"] else total


def _widened(c: KernelContext, x: Any) -> Any:
    is_short = c.in_types[0].is_floating and c.in_types[0].size == 2
    return x.astype(np.float32) if is_short else x


@kernel("Cumsum")
def cumsum(c: KernelContext, x: Any, axis: Any) -> Any:
    wide = _widened(c, x)
    along = int(axis)
    summed = run_scan(c, wide, along, lambda v: c.xp.cumsum(v, axis=along, dtype=wide.dtype), 0)
    return summed.astype(c.out_dtype) if wide is not x else summed


@kernel("Cumprod")
def cumprod(c: KernelContext, x: Any, axis: Any) -> Any:
    wide = _widened(c, x)
    along = int(axis)
    product = run_scan(c, wide, along, lambda v: c.xp.cumprod(v, axis=along, dtype=wide.dtype), 1)
    return product.astype(c.out_dtype) if wide is not x else product


def log_scan(xp: Any, x: Any, axis: int) -> Any:
    """Inclusive scan with logaddexp, each pass joining runs of twice the length (Hillis and Steele, 1986)."""
    length, step = x.shape[axis], 1
    before = (slice(None),) * axis
    while step < length:
        joined = xp.logaddexp(x[(*before, slice(step, None))], x[(*before, slice(None, -step))])
        x = xp.concatenate([x[(*before, slice(None, step))], joined], axis=axis)
        step *= 2
    return x


def logsumexp_with(scan: Callable[[Any, Any, int], Any]) -> Callable[..., Any]:
    """The kernel of CumulativeLogsumexp, given `scan(xp, x, axis)`."""

    def cumulative_logsumexp(c: KernelContext, x: Any, axis: Any) -> Any:
        wide = _widened(c, x)
        along = int(axis) % np.ndim(x)
        total = run_scan(c, wide, along, lambda v: scan(c.xp, v, along), -np.inf)
        return total.astype(c.out_dtype) if wide is not x else total

    return cumulative_logsumexp


kernel("CumulativeLogsumexp")(logsumexp_with(log_scan))
