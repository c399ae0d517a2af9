"""Depthwise convolutions as XLA's, with one group per channel."""

from __future__ import annotations

from typing import Any

from ..conv import layout
from ..registry import KernelContext, kernel
from ..shaping import dims_of
from ..windows import geometry_of
from .conv import by_filter, by_input, conv, sizes_of


def _grouped(w: Any) -> Any:
    """`(height, width, channels, made)` as a filter for groups of one channel."""
    return w.reshape(*w.shape[:2], 1, w.shape[2] * w.shape[3])


@kernel("DepthwiseConv2dNative", on="jax")
def depthwise(c: KernelContext, x: Any, w: Any) -> Any:
    g = geometry_of(c.attrs, sizes_of(x.shape, layout(c)), w.shape[:2])
    return conv(x, _grouped(w), g, layout(c))


@kernel("DepthwiseConv2dNativeBackpropInput", on="jax")
def backprop_input(c: KernelContext, sizes: Any, w: Any, grad: Any) -> Any:
    dims = dims_of(sizes)
    g = geometry_of(c.attrs, sizes_of(dims, layout(c)), w.shape[:2])
    return by_input(dims, _grouped(w), grad, g, layout(c))


@kernel("DepthwiseConv2dNativeBackpropFilter", on="jax")
def backprop_filter(c: KernelContext, x: Any, sizes: Any, grad: Any) -> Any:
    dims = dims_of(sizes)
    g = geometry_of(c.attrs, sizes_of(x.shape, layout(c)), dims[:2])
    grouped = (*dims[:2], 1, dims[2] * dims[3])
    return by_filter(x, grouped, grad, g, layout(c)).reshape(dims)
