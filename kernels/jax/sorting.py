"""Largest elements and searches on JAX."""

from __future__ import annotations

from typing import Any

from ..registry import KernelContext, kernel


def _top_k(c: KernelContext, x: Any, count: int) -> Any:
    import jax

    values, positions = jax.lax.top_k(x, count)
    return values, positions.astype(c.out_types[1].np)


@kernel("TopKV2", on="jax")
def top_k_v2(c: KernelContext, x: Any, k: Any) -> Any:
    return _top_k(c, x, int(k))


def _searched(c: KernelContext, rows: Any, values: Any, side: str) -> Any:
    import jax

    found = jax.vmap(lambda row, value: c.xp.searchsorted(row, value, side=side))(rows, values)
    return found.astype(c.out_dtype)


@kernel("LowerBound", on="jax")
def lower_bound(c: KernelContext, rows: Any, values: Any) -> Any:
    return _searched(c, rows, values, "left")


@kernel("UpperBound", on="jax")
def upper_bound(c: KernelContext, rows: Any, values: Any) -> Any:
    return _searched(c, rows, values, "right")
