"""Depthwise convolutions, one position of the window at a time; declared in `graph/ops/depthwise.py`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..graph.ops.windows import Geometry
from .columns import channel_sums
from .conv import exact, last_dims
from .registry import KernelContext, kernel
from .shaping import dims_of
from .windows import channels_first, channels_last, geometry_of, pad_spatial, tap_slices, taps, unpadded

_PART_BYTES = 1 << 19
"""Images are taken in parts of this size, which stay in the cache from one window position to the next."""


def _parts(xp: Any, batch: int, image_bytes: int) -> Iterator[slice]:
    images = batch if xp.__name__ != "numpy" else max(1, _PART_BYTES // max(image_bytes, 1))
    for start in range(0, batch, max(images, 1)):
        yield slice(start, start + images)


def _split(x: Any, w_shape: Sequence[int]) -> Any:
    """`(..., channels * made)` as `(..., channels, made)`, or as it is where there is one filter per channel."""
    return x if w_shape[-1] == 1 else x.reshape(*x.shape[:-1], w_shape[-2], w_shape[-1])


def _per_tap(w: Any, tap: tuple[int, ...]) -> Any:
    return w[tap][:, 0] if w.shape[-1] == 1 else w[tap]


def depthwise(xp: Any, x: Any, w: Any, g: Geometry) -> Any:
    """`(batch, *outputs, channels * made)` from `x (batch, *sizes, channels)`, `w (*ksizes, channels, made)`."""
    made = w.shape[-1]
    out = xp.empty((x.shape[0], *g.outputs, x.shape[-1] * made), x.dtype)
    padded = pad_spatial(xp, x, g.pads)
    for part in _parts(xp, x.shape[0], out.nbytes // max(x.shape[0], 1)):
        total, term = _split(out[part], w.shape), None
        for tap in taps(g.ksizes):
            values = padded[part][tap_slices(g, tap)]
            values = values if made == 1 else values[..., None]
            if term is None:
                xp.multiply(values, _per_tap(w, tap), out=total)
                term = xp.empty_like(total)
            else:
                xp.multiply(values, _per_tap(w, tap), out=term)
                xp.add(total, term, out=total)
    return out


def depthwise_input_grad(xp: Any, dims: Sequence[int], w: Any, grad: Any, g: Geometry) -> Any:
    """Gradient of `depthwise` by its input of shape `dims`."""
    sizes = tuple(s + b + a for s, (b, a) in zip(g.sizes, g.pads, strict=True))
    padded = xp.zeros((dims[0], *sizes, dims[-1]), grad.dtype)
    grad = _split(grad, w.shape)
    for part in _parts(xp, dims[0], grad.nbytes // max(dims[0], 1)):
        for tap in taps(g.ksizes):
            term = grad[part] * _per_tap(w, tap)
            padded[part][tap_slices(g, tap)] += term if w.shape[-1] == 1 else term.sum(axis=-1)
    return padded[unpadded(g)]


def depthwise_filter_grad(xp: Any, x: Any, dims: Sequence[int], grad: Any, g: Geometry) -> Any:
    """Gradient of `depthwise` by its filter of shape `dims`."""
    padded = pad_spatial(xp, x, g.pads)
    grad = _split(grad, dims)
    parts = list(_parts(xp, x.shape[0], grad.nbytes // max(x.shape[0], 1)))
    found = [xp.zeros(tuple(dims), grad.dtype) for _ in parts]

    def work(index: int) -> None:
        part, dw = parts[index], found[index]
        for tap in taps(g.ksizes):
            values = padded[part][tap_slices(g, tap)]
            if dims[-1] == 1:
                dw[tap][:, 0] = channel_sums(xp, values * grad[part], 3)
            else:
                dw[tap] = _products(xp, values, grad[part])

    for index in range(len(parts)):
        work(index)
    return sum(found[1:], found[0]) if found else xp.zeros(tuple(dims), grad.dtype)


def _products(xp: Any, values: Any, grad: Any) -> Any:
    """Sums over the windows of products of each channel with each of its outputs, `(channels, made)`."""
    terms = values[..., None] * grad
    flat = terms.reshape(*terms.shape[:3], -1)
    return channel_sums(xp, flat, 3).reshape(terms.shape[3:])


@kernel("DepthwiseConv2dNative")
def depthwise_kernel(c: KernelContext, x: Any, w: Any) -> Any:
    data_format = c.attrs["data_format"]
    x, w = exact(c, channels_last(c.xp, x, data_format), w)
    g = geometry_of(c.attrs, x.shape[1:-1], w.shape[:-2])
    y = depthwise(c.xp, x, w, g).astype(c.out_dtype, copy=False)
    return channels_first(c.xp, y, data_format)


@kernel("DepthwiseConv2dNativeBackpropInput")
def backprop_input(c: KernelContext, sizes: Any, w: Any, grad: Any) -> Any:
    data_format = c.attrs["data_format"]
    w, grad = exact(c, w, channels_last(c.xp, grad, data_format))
    dims = last_dims(dims_of(sizes), data_format)
    g = geometry_of(c.attrs, dims[1:-1], w.shape[:-2])
    dx = depthwise_input_grad(c.xp, dims, w, grad, g).astype(c.out_dtype, copy=False)
    return channels_first(c.xp, dx, data_format)


@kernel("DepthwiseConv2dNativeBackpropFilter")
def backprop_filter(c: KernelContext, x: Any, sizes: Any, grad: Any) -> Any:
    data_format = c.attrs["data_format"]
    x, grad = exact(c, channels_last(c.xp, x, data_format), channels_last(c.xp, grad, data_format))
    dims = dims_of(sizes)
    g = geometry_of(c.attrs, x.shape[1:-1], dims[:-2])
    return depthwise_filter_grad(c.xp, x, dims, grad, g).astype(c.out_dtype, copy=False)
