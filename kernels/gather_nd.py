"""Slices picked, placed and changed by index tuples; declared in `graph/ops/gather_nd.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from .indexing import check_range
from .registry import KernelContext, kernel
from .shaping import dims_of
from .updates import is_jax, scattered


def nd_index(c: KernelContext, shape: tuple[int, ...], indices: Any) -> tuple[Any, ...]:
    """Index tuples in the last dimension as an index that an array takes."""
    depth = np.shape(indices)[-1]
    for axis in range(depth):
        check_range(c, indices[..., axis], shape[axis])
    return tuple(indices[..., axis] for axis in range(depth))


@kernel("GatherNd", "ResourceGatherNd")
def gather_nd(c: KernelContext, params: Any, indices: Any) -> Any:
    """The slices of `params` at the index tuples; out of range an error on a CPU, zeros elsewhere."""
    if np.shape(indices)[-1] == 0:
        return c.xp.broadcast_to(params, np.shape(indices)[:-1] + np.shape(params))
    index = nd_index(c, np.shape(params), indices)
    if is_jax(c):
        return params.at[index].get(mode="fill", fill_value=0)
    return params[index]


@kernel("ScatterNd")
def scatter_nd(c: KernelContext, indices: Any, updates: Any, shape: Any) -> Any:
    dims = dims_of(shape)
    if c.out_types[0].kind == "s":
        strings = np.full(dims, b"", dtype=object)
        return scattered(c, strings, nd_index(c, dims, indices), updates, "update", fresh=True)
    zeros = c.xp.zeros(dims, dtype=c.out_dtype)
    how = "max" if c.out_types[0].is_bool else "add"
    return _slices_changed(c, zeros, indices, updates, how, fresh=True)


def _slices_changed(
    c: KernelContext, target: Any, indices: Any, updates: Any, how: str, fresh: bool = False
) -> Any:
    if np.shape(indices)[-1]:
        return scattered(c, target, nd_index(c, np.shape(target), indices), updates, how, fresh)
    # Empty index tuples name the whole tensor, once for each of them.
    whole = c.xp.reshape(target, (1, *np.shape(target)))
    rows = c.xp.reshape(updates, (-1, *np.shape(target)))
    index = (np.zeros(rows.shape[0], np.int64),)
    return c.xp.reshape(scattered(c, whole, index, rows, how), np.shape(target))


def _register(op_type: str, how: str) -> None:
    @kernel(op_type)
    def tensor_scatter(c: KernelContext, tensor: Any, indices: Any, updates: Any) -> Any:
        return _slices_changed(c, tensor, indices, updates, how)


for _operation in ("Update", "Add", "Sub", "Min", "Max"):
    _register(f"TensorScatter{_operation}", _operation.lower())
_register("ScatterNdNonAliasingAdd", "add")
