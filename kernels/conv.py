"""Convolutions as matrix products over patches; declared in `graph/ops/conv.py`.

All of them compute channels-last. The patches of an input (im2col) are copied once into a matrix with one row
per window, so that BLAS does the arithmetic; the gradient by the input adds the patches' gradients back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..graph.ops.windows import Geometry
from .array import dims_of
from .registry import KernelContext, kernel
from .windows import channels_first, channels_last, geometry_of, pad_spatial, tap_slices, taps


def conv(xp: Any, x: Any, w: Any, g: Geometry) -> Any:
    """Cross-correlation of `x (batch, *sizes, channels)` with `w (*ksizes, channels / groups, made)`."""
    made = w.shape[-1]
    groups = x.shape[-1] // max(w.shape[-2], 1)
    if groups > 1:
        parts = [conv(xp, a, b, g) for a, b in zip(_split(x, groups), _split(w, groups), strict=True)]
        return xp.concatenate(parts, axis=-1)
    shape = (x.shape[0], *g.outputs, made)
    if 0 in shape or 0 in w.shape:
        return xp.zeros(shape, x.dtype)
    columns = patches(xp, x, g)
    return xp.matmul(columns, w.reshape(-1, made)).reshape(shape)


def conv_filter_grad(xp: Any, x: Any, dims: Sequence[int], grad: Any, g: Geometry) -> Any:
    """Gradient of `conv` by its filter of shape `dims`."""
    groups = x.shape[-1] // max(dims[-2], 1)
    if groups > 1:
        part = (*dims[:-1], dims[-1] // groups)
        pairs = zip(_split(x, groups), _split(grad, groups), strict=True)
        return xp.concatenate([conv_filter_grad(xp, a, part, b, g) for a, b in pairs], axis=-1)
    if 0 in grad.shape or 0 in dims:
        return xp.zeros(dims, grad.dtype)
    columns = patches(xp, x, g)
    return xp.matmul(columns.T, grad.reshape(-1, grad.shape[-1])).reshape(dims)


def conv_input_grad(xp: Any, dims: Sequence[int], w: Any, grad: Any, g: Geometry) -> Any:
    """Gradient of `conv` by its input of shape `dims`."""
    groups = dims[-1] // max(w.shape[-2], 1)
    if groups > 1:
        part = (*dims[:-1], dims[-1] // groups)
        pairs = zip(_split(w, groups), _split(grad, groups), strict=True)
        return xp.concatenate([conv_input_grad(xp, part, a, b, g) for a, b in pairs], axis=-1)
    channels = dims[-1]
    padded = xp.zeros(
        (dims[0], *(s + b + a for s, (b, a) in zip(g.sizes, g.pads, strict=True)), channels), grad.dtype
    )
    if 0 not in grad.shape and 0 not in dims:
        rows = xp.ascontiguousarray(grad).reshape(-1, grad.shape[-1])
        for tap in taps(g.ksizes):
            term = xp.matmul(rows, w[tap].T)
            padded[tap_slices(g, tap)] += term.reshape(*grad.shape[:-1], channels)
    return padded[unpadded(g)]


def unpadded(g: Geometry) -> tuple[slice, ...]:
    """Where the input lies within its padded form."""
    return (slice(None), *(slice(b, b + s) for s, (b, _) in zip(g.sizes, g.pads, strict=True)))


def patches(xp: Any, x: Any, g: Geometry) -> Any:
    """One row per window: its elements in the order of the filter's, `(batch * windows, taps * channels)`."""
    padded = pad_spatial(xp, x, g.pads)
    positions = taps(g.ksizes)
    columns = xp.empty((x.shape[0], *g.outputs, len(positions), x.shape[-1]), x.dtype)
    for i, tap in enumerate(positions):
        columns[..., i, :] = padded[tap_slices(g, tap)]
    return columns.reshape(-1, len(positions) * x.shape[-1])


def _split(x: Any, groups: int) -> list[Any]:
    size = x.shape[-1] // groups
    return [x[..., i * size : (i + 1) * size] for i in range(groups)]


def exact(c: KernelContext, *arrays: Any) -> tuple[Any, ...]:
    """The arrays in a type that BLAS computes in: the small floats as float32."""
    if c.out_types[0].size == 2 and c.out_types[0].is_floating:
        return tuple(a.astype(np.float32) for a in arrays)
    return arrays


@kernel("Conv2D")
def conv2d(c: KernelContext, x: Any, w: Any) -> Any:
    data_format = c.attrs["data_format"]
    x, w = exact(c, channels_last(c.xp, x, data_format), w)
    g = geometry_of(c.attrs, x.shape[1:-1], w.shape[:-2])
    y = conv(c.xp, x, w, g).astype(c.out_dtype, copy=False)
    return channels_first(c.xp, y, data_format)


@kernel("Conv2DBackpropFilter")
def conv2d_backprop_filter(c: KernelContext, x: Any, sizes: Any, grad: Any) -> Any:
    data_format = c.attrs["data_format"]
    x, grad = exact(c, channels_last(c.xp, x, data_format), channels_last(c.xp, grad, data_format))
    dims = dims_of(sizes)
    g = geometry_of(c.attrs, x.shape[1:-1], dims[:-2])
    return conv_filter_grad(c.xp, x, dims, grad, g).astype(c.out_dtype, copy=False)


@kernel("Conv2DBackpropInput")
def conv2d_backprop_input(c: KernelContext, sizes: Any, w: Any, grad: Any) -> Any:
    data_format = c.attrs["data_format"]
    w, grad = exact(c, w, channels_last(c.xp, grad, data_format))
    dims = dims_of(sizes)
    if data_format.startswith("NC"):
        dims = (dims[0], *dims[2:], dims[1])
    g = geometry_of(c.attrs, dims[1:-1], w.shape[:-2])
    dx = conv_input_grad(c.xp, dims, w, grad, g).astype(c.out_dtype, copy=False)
    return channels_first(c.xp, dx, data_format)
