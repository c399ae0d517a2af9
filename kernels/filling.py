"""Tensors made from a few numbers; declared in `graph/ops/filling.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph.ops.filling import range_size
from .registry import KernelContext, kernel, ufunc
from .shaping import dims_of
from .variants import zeros_like_variant

_HOST_RANGE = 4096
"""Up to so many elements a range is a host value, so that axes computed from it stay known to a compiler."""

ufunc("OnesLike", "ones_like")


@kernel("Fill")
def fill(c: KernelContext, dims: Any, value: Any) -> Any:
    return c.xp.full(dims_of(dims), value, dtype=c.out_dtype)


@kernel("Empty")
def empty(c: KernelContext, shape: Any) -> Any:
    return _zeros(c, dims_of(shape))


def _zeros(c: KernelContext, shape: tuple[int, ...]) -> Any:
    if c.out_types[0].kind == "s":
        return np.full(shape, b"", dtype=object)
    return c.xp.zeros(shape, dtype=c.out_dtype)


@kernel("ZerosLike")
def zeros_like(c: KernelContext, x: Any) -> Any:
    if c.out_types[0].kind == "v":
        return zeros_like_variant(c, x)
    if c.out_types[0].kind == "s":
        return np.full(np.shape(x), b"", dtype=object)
    return c.xp.zeros_like(x)


@kernel("Range")
def range_(c: KernelContext, start: Any, limit: Any, delta: Any) -> Any:
    if not delta:
        raise ValueError("delta must not be 0")
    if (start > limit and delta > 0) or (start < limit and delta < 0):
        raise ValueError(f"delta {delta} does not lead from start {start} to limit {limit}")
    count = range_size(start, limit, delta)
    xp = np if count <= _HOST_RANGE else c.xp
    if c.out_types[0].is_integer:
        return xp.arange(count, dtype=c.out_dtype) * c.out_dtype.type(delta) + c.out_dtype.type(start)
    steps = xp.arange(count, dtype=np.float64)
    return (steps * float(delta) + float(start)).astype(c.out_dtype)


@kernel("LinSpace")
def linspace(c: KernelContext, start: Any, stop: Any, num: Any) -> Any:
    count = int(num)
    if count < 1:
        raise ValueError(f"num must be at least 1, got {count}")
    return np.linspace(float(start), float(stop), count).astype(c.out_dtype)


@kernel("OneHot")
def one_hot(c: KernelContext, indices: Any, depth: Any, on_value: Any, off_value: Any) -> Any:
    xp, axis = c.xp, c.attrs["axis"]
    at = np.ndim(indices) if axis == -1 else axis
    places = np.arange(int(depth)).reshape([-1 if i == at else 1 for i in range(np.ndim(indices) + 1)])
    hit = xp.expand_dims(indices, at) == xp.asarray(places)
    return xp.where(hit, xp.asarray(on_value), xp.asarray(off_value))
