"""Arrays with some elements changed, in the way of each array library."""

from __future__ import annotations

from typing import Any

import numpy as np

from .registry import KernelContext

__all__ = ["is_jax", "put", "scattered", "stable_order"]


def is_jax(c: KernelContext) -> bool:
    """Whether the arrays are JAX's, which cannot be changed in place; a JAX device may run a kernel on NumPy too."""
    return c.xp.__name__ == "jax.numpy"


def put(c: KernelContext, target: Any, index: Any, values: Any, fresh: bool = False) -> Any:
    """`target` with the elements that a basic index names set to `values`.

    Args:
        c: context of the kernel.
        target: an array.
        index: what `target[index]` takes.
        values: broadcast to the shape of `target[index]`.
        fresh: whether nobody else holds `target`, so that it may be changed in place where that is possible.
    """
    if is_jax(c):
        return target.at[index].set(values)
    out = target if fresh else target.copy()
    out[index] = values
    return out


_JAX_METHODS = {
    "update": "set",
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "div": "divide",
    "min": "min",
    "max": "max",
}
_UFUNCS = {
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "div": "divide",
    "min": "minimum",
    "max": "maximum",
}


def scattered(
    c: KernelContext, target: Any, index: tuple[Any, ...], updates: Any, how: str, fresh: bool = False
) -> Any:
    """`target` with `updates` worked into the slices that index arrays name; repeated slices add up.

    Args:
        c: context of the kernel.
        target: an array.
        index: index arrays of one shape, for the first dimensions of `target`.
        updates: broadcast to the shape of `target[index]`.
        how: "update", "add", "sub", "mul", "div", "min" or "max".
        fresh: whether nobody else holds `target`.
    """
    if how == "div" and target.dtype.kind in "iu":
        return _divided(c, target, index, updates)
    if is_jax(c):
        return getattr(target.at[index], _JAX_METHODS[how])(updates, mode="drop")
    if c.backend == "cupy" and how in ("mul", "div"):
        return _on_host(c, target, index, updates, how)
    out = target if fresh else target.copy()
    if how == "update":
        out[index] = updates
    elif how in ("mul", "div") and c.backend == "cupy" and c.xp.__name__ == "cupy":
        _scaled_in_rounds(c.xp, out, index, updates, how)
    else:
        getattr(c.xp, _UFUNCS[how]).at(out, index, updates)
    return out


def _on_host(c: KernelContext, target: Any, index: tuple[Any, ...], updates: Any, how: str) -> Any:
    """`scattered` by NumPy: CuPy has no `multiply.at` and no `divide.at`."""
    out, *given = (v.get() if isinstance(v, c.xp.ndarray) else v for v in (target, updates, *index))
    getattr(np, _UFUNCS[how]).at(out, tuple(given[1:]), given[0])
    return c.xp.asarray(out)


def _divided(c: KernelContext, target: Any, index: tuple[Any, ...], updates: Any) -> Any:
    """Whole numbers divided, rounded towards zero; the divisors of a slice that comes twice are multiplied."""
    xp = c.xp
    divisors = scattered(c, xp.ones_like(target), index, updates, "mul", fresh=True)
    quotient = xp.abs(target) // xp.abs(divisors)
    return (quotient * xp.sign(target) * xp.sign(divisors)).astype(target.dtype)


def stable_order(c: KernelContext, keys: Any) -> Any:
    """The order that sorts a vector, equal elements in the order in which they are."""
    # CuPy knows `kind` alone, JAX `stable` alone.
    return c.xp.argsort(keys, stable=True) if is_jax(c) else c.xp.argsort(keys, kind="stable")


def _scaled_in_rounds(xp: Any, out: Any, index: tuple[Any, ...], updates: Any, how: str) -> None:
    """Multiplies or divides slices of `out` in place, one of several equal slices at a time.

    CuPy's `ufunc.at` knows sums and extremes alone.
    """
    whole = xp.broadcast_to(updates, out[index].shape)
    columns = [i.reshape(-1) for i in index]
    rows = whole.reshape((columns[0].size, *whole.shape[index[0].ndim :]))
    places = columns[0].astype("int64")
    for size, column in zip(out.shape[1:], columns[1:], strict=False):
        places = places * size + column
    order = xp.argsort(places)
    ordered = places[order]
    nth = xp.empty_like(order)
    nth[order] = xp.arange(places.size) - xp.searchsorted(ordered, ordered, side="left")
    for number in range(int(nth.max()) + 1 if places.size else 0):
        chosen = xp.nonzero(nth == number)[0]
        at = tuple(column[chosen] for column in columns)
        out[at] = out[at] * rows[chosen] if how == "mul" else out[at] / rows[chosen]
