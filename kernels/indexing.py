"""Rows picked by index; declared in `graph/ops/indexing.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from .registry import KernelContext, kernel
from .shaping import first
from .updates import is_jax


def check_range(c: KernelContext, indices: Any, size: int) -> None:
    """Refuses an index outside [0, size); only where values can be looked at without waiting for a device."""
    if c.xp is not np or not np.size(indices):
        return
    low, high = np.min(indices), np.max(indices)
    if low < 0 or high >= size:
        raise ValueError(f"indices have {int(low if low < 0 else high)}, which is not in [0, {size})")


def take(c: KernelContext, params: Any, indices: Any, axis: int) -> Any:
    """Slices of `params` along `axis`; out of range an error on a CPU, a slice of zeros elsewhere."""
    if is_jax(c):
        return c.xp.take(params, indices, axis=axis, mode="fill", fill_value=0)
    check_range(c, indices, params.shape[axis])
    return c.xp.take(params, indices, axis=axis)


@kernel("Gather")
def gather(c: KernelContext, params: Any, indices: Any) -> Any:
    return take(c, params, indices, 0)


@kernel("GatherV2")
def gather_v2(c: KernelContext, params: Any, indices: Any, axis: Any) -> Any:
    at = first(axis) % np.ndim(params)
    batch = c.attrs["batch_dims"]
    if not batch:
        return take(c, params, indices, at)
    return batch_take(c, params, indices, at, batch % np.ndim(indices) if batch < 0 else batch)


def batch_take(c: KernelContext, params: Any, indices: Any, axis: int, batch: int) -> Any:
    """`take` for each combination of the first `batch` dimensions, which both have."""
    check_range(c, indices, params.shape[axis])
    picked = np.ndim(indices) - batch
    outer = axis - batch
    index: list[Any] = []
    for i in range(axis):
        dims = [1] * (batch + outer + picked)
        dims[i] = -1
        index.append(np.arange(params.shape[i]).reshape(dims))
    shape = np.shape(indices)
    index.append(c.xp.reshape(indices, (*shape[:batch], *([1] * outer), *shape[batch:])))
    return params[tuple(index)]


@kernel("Where")
def where(c: KernelContext, x: Any) -> Any:
    found = c.xp.nonzero(c.xp.reshape(x, (1,)) if np.ndim(x) == 0 else x)
    if np.ndim(x) == 0:
        return c.xp.zeros((len(found[0]), 0), dtype=np.int64)
    return c.xp.stack(found, axis=1).astype(np.int64)
