"""Parts of variables read and changed by index; declared in `graph/ops/scatter.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from .indexing import batch_take, check_range, take
from .registry import KernelContext, kernel
from .updates import is_jax, scattered


@kernel("ResourceGather")
def resource_gather(c: KernelContext, value: Any, indices: Any) -> Any:
    batch = c.attrs["batch_dims"]
    return batch_take(c, value, indices, batch, batch) if batch else take(c, value, indices, 0)


def nd_index(c: KernelContext, shape: tuple[int, ...], indices: Any) -> tuple[Any, ...]:
    """Index tuples in the last dimension as an index that an array takes."""
    depth = np.shape(indices)[-1]
    for axis in range(depth):
        check_range(c, indices[..., axis], shape[axis])
    return tuple(indices[..., axis] for axis in range(depth))


@kernel("ResourceGatherNd")
def resource_gather_nd(c: KernelContext, value: Any, indices: Any) -> Any:
    return gather_nd(c, value, indices)


def gather_nd(c: KernelContext, params: Any, indices: Any) -> Any:
    """The slices of `params` at the index tuples."""
    if np.shape(indices)[-1] == 0:
        return c.xp.broadcast_to(params, np.shape(indices)[:-1] + np.shape(params))
    index = nd_index(c, np.shape(params), indices)
    if is_jax(c):
        return params.at[index].get(mode="fill", fill_value=0)
    return params[index]


def _register(operation: str) -> None:
    how = operation.lower()

    @kernel(f"ResourceScatter{operation}")
    def scatter(c: KernelContext, old: Any, indices: Any, updates: Any) -> Any:
        check_range(c, indices, np.shape(old)[0])
        return scattered(c, old, (indices,), updates, how)

    if operation in ("Mul", "Div"):
        return

    @kernel(f"ResourceScatterNd{operation}")
    def scatter_nd(c: KernelContext, old: Any, indices: Any, updates: Any) -> Any:
        return scattered(c, old, nd_index(c, np.shape(old), indices), updates, how)


for _operation in ("Update", "Add", "Sub", "Mul", "Div", "Min", "Max"):
    _register(_operation)
