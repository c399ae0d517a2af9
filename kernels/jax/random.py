"""Random ops whose loops a compiler must see; the rest is shared, in `kernels/random.py`."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..array import dims_of
from ..philox import Stream, attr_stream, group_size, normals_of, scrambled_stream
from ..random import elements, group_starts, in_bounds, reserve_outputs
from ..registry import KernelContext, kernel
from ..samplers import reserve_shuffle, swaps


@kernel("TruncatedNormal", on="jax", reserve=reserve_outputs)
def truncated_normal(c: KernelContext, shape: Any, position: Any) -> Any:
    dims = dims_of(shape)
    return _truncated_normals(attr_stream(c, position), elements(dims), c.out_dtype).reshape(dims)


@kernel("StatelessTruncatedNormal", on="jax")
def stateless_truncated_normal(c: KernelContext, shape: Any, seed: Any) -> Any:
    dims = dims_of(shape)
    return _truncated_normals(scrambled_stream(c, seed), elements(dims), c.out_dtype).reshape(dims)


def _truncated_normals(stream: Stream, count: int, dtype: Any) -> Any:
    """As `kernels.random.truncated_normals`, but all groups draw until the last one is full."""
    width = group_size(dtype)
    groups = -(-count // width)
    if not groups:
        return jnp.zeros(0, dtype)
    wide = np.float64 if np.dtype(dtype) == np.float64 else np.float32
    first = jnp.asarray(stream.position, jnp.uint64) + group_starts(jnp, groups, width)
    rows = jnp.arange(groups)[:, None]

    def draw(state: tuple[Any, Any, Any]) -> tuple[Any, Any, Any]:
        step, filled, out = state
        drawn = normals_of(jnp, stream.at(first + step).reshape(-1), wide).reshape(-1, width)
        inside = in_bounds(jnp, drawn)
        place = jnp.where(inside, filled[:, None] + jnp.cumsum(inside, axis=1) - 1, width)
        return step + 1, filled + inside.sum(axis=1), out.at[rows, place].set(drawn, mode="drop")

    start = (jnp.uint64(0), jnp.zeros(groups, jnp.int64), jnp.zeros((groups, width), wide))
    _, _, out = jax.lax.while_loop(lambda s: jnp.any(s[1] < width), draw, start)
    return out.reshape(-1)[:count].astype(dtype)


@kernel("RandomShuffle", on="jax", reserve=reserve_shuffle)
def random_shuffle(c: KernelContext, value: Any, position: Any) -> Any:
    if not reserve_shuffle(c, np.shape(value)):
        return value
    rows = value.shape[0]
    distances = swaps(c, rows, position).astype(jnp.int64)

    def swap(row: Any, order: Any) -> Any:
        other = row + distances[row]
        return order.at[row].set(order[other]).at[other].set(order[row])

    return value[jax.lax.fori_loop(0, rows - 1, swap, jnp.arange(rows))]
