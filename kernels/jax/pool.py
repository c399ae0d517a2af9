"""Pools through XLA's window reductions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from ...graph.ops.windows import Geometry
from ..pool import counts, lowest, wide, with_window
from ..registry import KernelContext, kernel
from ..shaping import dims_of
from ..windows import channels_first, channels_last, geometry_of, tap_slices, taps


def _reduce(x: Any, start: Any, combine: Any, g: Geometry) -> Any:
    return lax.reduce_window(
        x,
        np.asarray(start, x.dtype),
        combine,
        (1, *g.ksizes, 1),
        (1, *g.strides, 1),
        ((0, 0), *g.pads, (0, 0)),
    )


def _pad(x: Any, g: Geometry, value: Any) -> Any:
    if not any(b or a for b, a in g.pads):
        return x
    return jnp.pad(x, ((0, 0), *g.pads, (0, 0)), constant_values=value)


def scatter_taps(terms: Sequence[Any], g: Geometry) -> Any:
    """Sum of one array per window position, each put where that position lies in the unpadded input."""
    total = None
    for tap, term in zip(taps(g.ksizes), terms, strict=True):
        widths = [(0, 0, 0)]
        for t, d, o, s, size, (before, after) in zip(
            tap, g.dilations, g.outputs, g.strides, g.sizes, g.pads, strict=True
        ):
            used = (o - 1) * s + 1
            widths.append((t * d - before, size + before + after - t * d - used - after, s - 1))
        placed = lax.pad(term, np.zeros((), term.dtype), [*widths, (0, 0, 0)])
        total = placed if total is None else total + placed
    return total


def first_masks(padded: Any, y: Any, g: Geometry) -> list[Any]:
    """For each window position, where a window has its first greatest element there."""
    free = jnp.ones(y.shape, bool)
    masks = []
    for tap in taps(g.ksizes):
        here = (padded[tap_slices(g, tap)] == y) & free
        free &= ~here
        masks.append(here)
    return masks


@kernel("MaxPool", "MaxPool3D", on="jax")
def max_pool(c: KernelContext, x: Any) -> Any:
    return _max(c, x, c.attrs)


@kernel("MaxPoolV2", on="jax")
def max_pool_v2(c: KernelContext, x: Any, ksize: Any, strides: Any) -> Any:
    return _max(c, x, with_window(c.attrs, ksize, strides))


def _max(c: KernelContext, x: Any, attrs: Any) -> Any:
    data_format = c.attrs["data_format"]
    x = channels_last(jnp, x, data_format)
    g = geometry_of(attrs, x.shape[1:-1])
    return channels_first(jnp, _reduce(x, lowest(x.dtype), lax.max, g), data_format)


@kernel("MaxPoolGrad", "MaxPool3DGrad", on="jax")
def max_pool_grad(c: KernelContext, x: Any, y: Any, grad: Any) -> Any:
    return _max_grad(c, x, y, grad, c.attrs)


@kernel("MaxPoolGradV2", on="jax")
def max_pool_grad_v2(c: KernelContext, x: Any, y: Any, grad: Any, ksize: Any, strides: Any) -> Any:
    return _max_grad(c, x, y, grad, with_window(c.attrs, ksize, strides))


def _max_grad(c: KernelContext, x: Any, y: Any, grad: Any, attrs: Any) -> Any:
    data_format = c.attrs["data_format"]
    x, y, grad = (channels_last(jnp, a, data_format) for a in (x, y, grad))
    g = geometry_of(attrs, x.shape[1:-1])
    zero = np.zeros((), grad.dtype)
    masks = first_masks(_pad(x, g, lowest(x.dtype)), y, g)
    dx = scatter_taps([jnp.where(m, grad, zero) for m in masks], g)
    return channels_first(jnp, dx, data_format)


@kernel("MaxPoolGradGrad", "MaxPool3DGradGrad", on="jax")
def max_pool_grad_grad(c: KernelContext, x: Any, y: Any, grad: Any) -> Any:
    return _max_grad_grad(c, x, y, grad, c.attrs)


@kernel("MaxPoolGradGradV2", on="jax")
def max_pool_grad_grad_v2(c: KernelContext, x: Any, y: Any, grad: Any, ksize: Any, strides: Any) -> Any:
    return _max_grad_grad(c, x, y, grad, with_window(c.attrs, ksize, strides))


def _max_grad_grad(c: KernelContext, x: Any, y: Any, grad: Any, attrs: Any) -> Any:
    data_format = c.attrs["data_format"]
    x, y, grad = (channels_last(jnp, a, data_format) for a in (x, y, grad))
    g = geometry_of(attrs, x.shape[1:-1])
    masks = first_masks(_pad(x, g, lowest(x.dtype)), y, g)
    padded = _pad(grad, g, 0)
    out = jnp.zeros(y.shape, grad.dtype)
    for tap, mask in zip(taps(g.ksizes), masks, strict=True):
        out = jnp.where(mask, padded[tap_slices(g, tap)], out)
    return channels_first(jnp, out, data_format)


@kernel("AvgPool", "AvgPool3D", on="jax")
def avg_pool(c: KernelContext, x: Any) -> Any:
    data_format = c.attrs["data_format"]
    x = channels_last(jnp, x, data_format).astype(wide(c.out_dtype))
    g = geometry_of(c.attrs, x.shape[1:-1])
    mean = _reduce(x, 0, lax.add, g) / counts(g, x.dtype)
    return channels_first(jnp, mean.astype(c.out_dtype), data_format)


@kernel("AvgPoolGrad", "AvgPool3DGrad", on="jax")
def avg_pool_grad(c: KernelContext, shape: Any, grad: Any) -> Any:
    data_format, dims = c.attrs["data_format"], dims_of(shape)
    if data_format.startswith("NC"):
        dims = (dims[0], *dims[2:], dims[1])
    grad = channels_last(jnp, grad, data_format).astype(wide(c.out_dtype))
    g = geometry_of(c.attrs, dims[1:-1])
    share = grad / counts(g, grad.dtype)
    dx = scatter_taps([share] * len(taps(g.ksizes)), g)
    return channels_first(jnp, dx.astype(c.out_dtype), data_format)
