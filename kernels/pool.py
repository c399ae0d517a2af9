"""Pools, computed position by position of the window; declared in `graph/ops/pool.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..graph.ops.windows import Geometry
from .array import dims_of
from .conv import unpadded
from .registry import KernelContext, kernel
from .windows import channels_first, channels_last, geometry_of, pad_spatial, tap_slices, taps


def lowest(dtype: Any) -> Any:
    """The value that no element is below: minus infinity, or the smallest integer."""
    return np.iinfo(dtype).min if np.dtype(dtype).kind in "iu" else -np.inf


def max_pool(xp: Any, x: Any, g: Geometry) -> Any:
    """Greatest element of each window of a channels-last array."""
    padded = pad_spatial(xp, x, g.pads, lowest(x.dtype))
    positions = taps(g.ksizes)
    found = padded[tap_slices(g, positions[0])]
    if len(positions) == 1:
        return found.copy()
    found = xp.maximum(found, padded[tap_slices(g, positions[1])])
    for tap in positions[2:]:
        xp.maximum(found, padded[tap_slices(g, tap)], out=found)
    return found


def max_places(xp: Any, padded: Any, y: Any, g: Geometry) -> Callable[[tuple[int, ...]], Any]:
    """From each position in turn to a mask of the windows whose first greatest element is there."""
    free = xp.ones(y.shape, bool)

    def mask(tap: tuple[int, ...]) -> Any:
        here = padded[tap_slices(g, tap)] == y
        here &= free
        free[here] = False
        return here

    return mask


@kernel("MaxPool")
def max_pool_kernel(c: KernelContext, x: Any) -> Any:
    data_format = c.attrs.get("data_format", "NHWC")
    x = channels_last(c.xp, x, data_format)
    y = max_pool(c.xp, x, geometry_of(c.attrs, x.shape[1:-1]))
    return channels_first(c.xp, y, data_format)


@kernel("MaxPoolGrad")
def max_pool_grad(c: KernelContext, x: Any, y: Any, grad: Any) -> Any:
    xp, data_format = c.xp, c.attrs.get("data_format", "NHWC")
    x, y, grad = (channels_last(xp, a, data_format) for a in (x, y, grad))
    g = geometry_of(c.attrs, x.shape[1:-1])
    padded = pad_spatial(xp, x, g.pads, lowest(x.dtype))
    dx = xp.zeros(padded.shape, x.dtype)
    mask = max_places(xp, padded, y, g)
    for tap in taps(g.ksizes):
        dx[tap_slices(g, tap)] += grad * mask(tap)
    return channels_first(xp, dx[unpadded(g)], data_format)


@kernel("MaxPoolGradGrad")
def max_pool_grad_grad(c: KernelContext, x: Any, y: Any, grad: Any) -> Any:
    xp, data_format = c.xp, c.attrs.get("data_format", "NHWC")
    x, y, grad = (channels_last(xp, a, data_format) for a in (x, y, grad))
    g = geometry_of(c.attrs, x.shape[1:-1])
    padded = pad_spatial(xp, x, g.pads, lowest(x.dtype))
    grad = pad_spatial(xp, grad, g.pads)
    out = xp.zeros(y.shape, x.dtype)
    mask = max_places(xp, padded, y, g)
    for tap in taps(g.ksizes):
        out += grad[tap_slices(g, tap)] * mask(tap)
    return channels_first(xp, out, data_format)


def counts(g: Geometry, dtype: Any) -> Any:
    """How many elements of each window lie within the input, `(*windows, 1)`."""
    total = np.ones((), np.int64)
    for size, k, s, d, (before, _), o in zip(
        g.sizes, g.ksizes, g.strides, g.dilations, g.pads, g.outputs, strict=True
    ):
        at = np.arange(o)[:, None] * s + np.arange(k)[None, :] * d - before
        inside = ((at >= 0) & (at < size)).sum(axis=1)
        total = total[..., None] * inside
    return total[..., None].astype(dtype)


def wide(dtype: Any) -> Any:
    """The type in which sums of that type are kept: float32 for the small floats."""
    return np.float32 if np.dtype(dtype).itemsize == 2 else dtype


@kernel("AvgPool")
def avg_pool_kernel(c: KernelContext, x: Any) -> Any:
    xp, data_format = c.xp, c.attrs.get("data_format", "NHWC")
    x = channels_last(xp, x, data_format).astype(wide(c.out_dtype), copy=False)
    g = geometry_of(c.attrs, x.shape[1:-1])
    padded = pad_spatial(xp, x, g.pads)
    total = xp.zeros((x.shape[0], *g.outputs, x.shape[-1]), x.dtype)
    for tap in taps(g.ksizes):
        total += padded[tap_slices(g, tap)]
    total /= xp.asarray(counts(g, x.dtype))
    return channels_first(xp, total.astype(c.out_dtype, copy=False), data_format)


@kernel("AvgPoolGrad")
def avg_pool_grad(c: KernelContext, shape: Any, grad: Any) -> Any:
    xp, data_format = c.xp, c.attrs.get("data_format", "NHWC")
    dims = dims_of(shape)
    if data_format.startswith("NC"):
        dims = (dims[0], *dims[2:], dims[1])
    grad = channels_last(xp, grad, data_format).astype(wide(c.out_dtype), copy=False)
    g = geometry_of(c.attrs, dims[1:-1])
    share = grad / xp.asarray(counts(g, grad.dtype))
    sizes = tuple(s + b + a for s, (b, a) in zip(g.sizes, g.pads, strict=True))
    dx = xp.zeros((dims[0], *sizes, dims[-1]), grad.dtype)
    for tap in taps(g.ksizes):
        dx[tap_slices(g, tap)] += share
    return channels_first(xp, dx[unpadded(g)].astype(c.out_dtype, copy=False), data_format)
