"""Pools, one position of the window at a time; declared in `graph/ops/pool.py`, `pool3d.py`, `pool_argmax.py`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from ..graph.ops.windows import Geometry
from .registry import KernelContext, kernel
from .shaping import dims_of
from .windows import channels_first, channels_last, geometry_of, pad_spatial, tap_slices, taps, unpadded


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


def first_greatest(xp: Any, padded: Any, y: Any, g: Geometry) -> Iterator[tuple[tuple[slice, ...], Any]]:
    """For each position of the window, where it lies, and the windows whose first greatest element is there.

    The mask is only good until the next one is asked for.
    """
    positions = [tap_slices(g, tap) for tap in taps(g.ksizes)]
    mask = xp.equal(padded[positions[0]], y)
    yield positions[0], mask
    rest = xp.logical_not(mask)
    for at in positions[1:]:
        xp.equal(padded[at], y, out=mask)
        xp.logical_and(mask, rest, out=mask)
        xp.logical_xor(rest, mask, out=rest)
        yield at, mask


def disjoint(g: Geometry) -> bool:
    """Whether no element lies in two windows."""
    return all(d == 1 and k <= s for k, s, d in zip(g.ksizes, g.strides, g.dilations, strict=True))


def tiled(g: Geometry) -> bool:
    """Whether every element of the padded input lies in exactly one window."""
    return disjoint(g) and all(
        k == s and o * s == size + before + after
        for k, s, o, size, (before, after) in zip(
            g.ksizes, g.strides, g.outputs, g.sizes, g.pads, strict=True
        )
    )


def spread(
    xp: Any, shape: tuple[int, ...], dtype: Any, g: Geometry, terms: Iterable[tuple[Any, Any, Any]]
) -> Any:
    """Sum over window positions of products, each put where the position lies in an input of that padded shape.

    Args:
        terms: (where, a, b) for each position; what is put is a * b.
    """
    dx = (xp.empty if tiled(g) else xp.zeros)(shape, dtype)
    if disjoint(g):
        for at, a, b in terms:
            xp.multiply(a, b, out=dx[at])
    else:
        for at, a, b in terms:
            dx[at] += a * b
    return dx


def with_window(attrs: Any, ksize: Any, strides: Any) -> dict[str, Any]:
    """Attributes that say what the inputs `ksize` and `strides` of an op say."""
    return {**attrs, "ksize": dims_of(ksize), "strides": dims_of(strides)}


@kernel("MaxPool", "MaxPool3D")
def max_pool_kernel(c: KernelContext, x: Any) -> Any:
    return _max(c, x, c.attrs)


@kernel("MaxPoolV2")
def max_pool_v2(c: KernelContext, x: Any, ksize: Any, strides: Any) -> Any:
    return _max(c, x, with_window(c.attrs, ksize, strides))


def _max(c: KernelContext, x: Any, attrs: Any) -> Any:
    data_format = c.attrs["data_format"]
    x = channels_last(c.xp, x, data_format)
    y = max_pool(c.xp, x, geometry_of(attrs, x.shape[1:-1]))
    return channels_first(c.xp, y, data_format)


@kernel("MaxPoolGrad", "MaxPool3DGrad")
def max_pool_grad(c: KernelContext, x: Any, y: Any, grad: Any) -> Any:
    return _max_grad(c, x, y, grad, c.attrs)


@kernel("MaxPoolGradV2")
def max_pool_grad_v2(c: KernelContext, x: Any, y: Any, grad: Any, ksize: Any, strides: Any) -> Any:
    return _max_grad(c, x, y, grad, with_window(c.attrs, ksize, strides))


def _max_grad(c: KernelContext, x: Any, y: Any, grad: Any, attrs: Any) -> Any:
    xp, data_format = c.xp, c.attrs["data_format"]
    x, y, grad = (channels_last(xp, a, data_format) for a in (x, y, grad))
    g = geometry_of(attrs, x.shape[1:-1])
    padded = pad_spatial(xp, x, g.pads, lowest(x.dtype))
    terms = ((at, grad, mask) for at, mask in first_greatest(xp, padded, y, g))
    dx = spread(xp, padded.shape, grad.dtype, g, terms)
    return channels_first(xp, dx[unpadded(g)], data_format)


@kernel("MaxPoolGradGrad", "MaxPool3DGradGrad")
def max_pool_grad_grad(c: KernelContext, x: Any, y: Any, grad: Any) -> Any:
    return _max_grad_grad(c, x, y, grad, c.attrs)


@kernel("MaxPoolGradGradV2")
def max_pool_grad_grad_v2(c: KernelContext, x: Any, y: Any, grad: Any, ksize: Any, strides: Any) -> Any:
    return _max_grad_grad(c, x, y, grad, with_window(c.attrs, ksize, strides))


def _max_grad_grad(c: KernelContext, x: Any, y: Any, grad: Any, attrs: Any) -> Any:
    xp, data_format = c.xp, c.attrs["data_format"]
    x, y, grad = (channels_last(xp, a, data_format) for a in (x, y, grad))
    g = geometry_of(attrs, x.shape[1:-1])
    padded = pad_spatial(xp, x, g.pads, lowest(x.dtype))
    grad = pad_spatial(xp, grad, g.pads)
    out = xp.zeros(y.shape, x.dtype)
    for at, mask in first_greatest(xp, padded, y, g):
        out += grad[at] * mask
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


@kernel("AvgPool", "AvgPool3D")
def avg_pool_kernel(c: KernelContext, x: Any) -> Any:
    xp, data_format = c.xp, c.attrs["data_format"]
    x = channels_last(xp, x, data_format).astype(wide(c.out_dtype), copy=False)
    g = geometry_of(c.attrs, x.shape[1:-1])
    padded = pad_spatial(xp, x, g.pads)
    total = xp.zeros((x.shape[0], *g.outputs, x.shape[-1]), x.dtype)
    for tap in taps(g.ksizes):
        total += padded[tap_slices(g, tap)]
    total /= xp.asarray(counts(g, x.dtype))
    return channels_first(xp, total.astype(c.out_dtype, copy=False), data_format)


@kernel("AvgPoolGrad", "AvgPool3DGrad")
def avg_pool_grad(c: KernelContext, shape: Any, grad: Any) -> Any:
    xp, data_format = c.xp, c.attrs["data_format"]
    dims = dims_of(shape)
    if data_format.startswith("NC"):
        dims = (dims[0], *dims[2:], dims[1])
    grad = channels_last(xp, grad, data_format).astype(wide(c.out_dtype), copy=False)
    g = geometry_of(c.attrs, dims[1:-1])
    share = grad / xp.asarray(counts(g, grad.dtype))
    sizes = tuple(s + b + a for s, (b, a) in zip(g.sizes, g.pads, strict=True))
    one = grad.dtype.type(1)
    terms = ((tap_slices(g, tap), share, one) for tap in taps(g.ksizes))
    dx = spread(xp, (dims[0], *sizes, dims[-1]), grad.dtype, g, terms)
    return channels_first(xp, dx[unpadded(g)].astype(c.out_dtype, copy=False), data_format)
