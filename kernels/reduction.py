"""Reductions; declared in `graph/ops/reduction.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from .math import truncated_quotient
from .registry import KernelContext, kernel


def axes_of(reduction_indices: Any) -> tuple[int, ...]:
    """The axes as a tuple; they are always a host value."""
    return tuple(int(a) for a in np.ravel(reduction_indices))


def is_short(c: KernelContext) -> bool:
    """Whether sums of the element type need a wider one: it has too few bits for a long sum."""
    return c.in_types[0].is_floating and c.in_types[0].size == 2


@kernel("Sum")
def sum_(c: KernelContext, x: Any, reduction_indices: Any) -> Any:
    axes, keep = axes_of(reduction_indices), c.attrs["keep_dims"]
    if is_short(c):
        return c.xp.sum(x.astype(np.float32), axis=axes, keepdims=keep).astype(c.out_dtype)
    return c.xp.sum(x, axis=axes, keepdims=keep, dtype=c.out_dtype)


@kernel("Mean")
def mean(c: KernelContext, x: Any, reduction_indices: Any) -> Any:
    axes, keep, shape = axes_of(reduction_indices), c.attrs["keep_dims"], np.shape(x)
    count = 1
    for axis in axes:
        count *= shape[axis]
    if c.in_types[0].is_integer:
        total = c.xp.sum(x, axis=axes, keepdims=keep, dtype=c.out_dtype)
        return truncated_quotient(c.xp, total, c.out_dtype.type(max(count, 1)))
    if is_short(c):
        total = c.xp.sum(x.astype(np.float32), axis=axes, keepdims=keep)
        return c.xp.divide(total, np.float32(count)).astype(c.out_dtype)
    total = c.xp.sum(x, axis=axes, keepdims=keep, dtype=c.out_dtype)
    return c.xp.divide(total, c.out_dtype.type(count))


@kernel("Prod")
def prod(c: KernelContext, x: Any, reduction_indices: Any) -> Any:
    axes, keep = axes_of(reduction_indices), c.attrs["keep_dims"]
    if is_short(c):
        return c.xp.prod(x.astype(np.float32), axis=axes, keepdims=keep).astype(c.out_dtype)
    return c.xp.prod(x, axis=axes, keepdims=keep, dtype=c.out_dtype)


def _extreme(c: KernelContext, name: str, x: Any, reduction_indices: Any) -> Any:
    axes, keep = axes_of(reduction_indices), c.attrs["keep_dims"]
    if not axes:
        return x
    shape = np.shape(x)
    if any(shape[a] == 0 for a in axes):
        kept = tuple(1 if i in {a % len(shape) for a in axes} else d for i, d in enumerate(shape))
        limits = c.in_types[0].limits
        empty = limits[0] if name == "max" else limits[1]
        if c.in_types[0].is_floating:
            empty = -np.inf if name == "max" else np.inf
        filled = c.xp.full(kept, empty, dtype=c.out_dtype)
        return filled if keep else c.xp.squeeze(filled, axis=axes)
    return getattr(c.xp, name)(x, axis=axes, keepdims=keep)


@kernel("Max")
def max_(c: KernelContext, x: Any, reduction_indices: Any) -> Any:
    return _extreme(c, "max", x, reduction_indices)


@kernel("Min")
def min_(c: KernelContext, x: Any, reduction_indices: Any) -> Any:
    return _extreme(c, "min", x, reduction_indices)


@kernel("All")
def all_(c: KernelContext, x: Any, reduction_indices: Any) -> Any:
    return c.xp.all(x, axis=axes_of(reduction_indices), keepdims=c.attrs["keep_dims"])


@kernel("Any")
def any_(c: KernelContext, x: Any, reduction_indices: Any) -> Any:
    return c.xp.any(x, axis=axes_of(reduction_indices), keepdims=c.attrs["keep_dims"])


@kernel("EuclideanNorm")
def euclidean_norm(c: KernelContext, x: Any, reduction_indices: Any) -> Any:
    axes, keep, dtype = axes_of(reduction_indices), c.attrs["keep_dims"], c.in_types[0]
    if dtype.is_complex:
        squares = c.xp.square(c.xp.real(x)) + c.xp.square(c.xp.imag(x))
    elif dtype.is_integer:
        squares = c.xp.square(x.astype(np.float64))
    else:
        squares = c.xp.square(x.astype(np.float32) if is_short(c) else x)
    return c.xp.sqrt(c.xp.sum(squares, axis=axes, keepdims=keep)).astype(c.out_dtype)


@kernel("ArgMax")
def argmax(c: KernelContext, x: Any, dimension: Any) -> Any:
    return c.xp.asarray(c.xp.argmax(x, axis=int(dimension)), dtype=c.out_dtype)


@kernel("ArgMin")
def argmin(c: KernelContext, x: Any, dimension: Any) -> Any:
    return c.xp.asarray(c.xp.argmin(x, axis=int(dimension)), dtype=c.out_dtype)
