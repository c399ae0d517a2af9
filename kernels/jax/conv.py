"""Convolutions through XLA's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jax import lax

from ...graph.ops.windows import Geometry, channel_axis, pick, spatial_axes
from ..conv import layout
from ..registry import KernelContext, kernel
from ..shaping import dims_of
from ..windows import geometry_of

_LETTERS = "DHW"


def dimension_numbers(data_format: str, rank: int) -> tuple[str, str, str]:
    """XLA's names of the dimensions of input, filter and output."""
    spatial = _LETTERS[-(rank - 2) :]
    x = f"NC{spatial}" if data_format.startswith("NC") else f"N{spatial}C"
    return x, f"{spatial}IO", x


def conv(x: Any, w: Any, g: Geometry, data_format: str) -> Any:
    """Cross-correlation with the geometry of an op."""
    channels = x.shape[channel_axis(data_format, x.ndim)]
    return lax.conv_general_dilated(
        x,
        w,
        g.strides,
        g.pads,
        rhs_dilation=g.dilations,
        dimension_numbers=dimension_numbers(data_format, x.ndim),
        feature_group_count=channels // w.shape[-2],
        precision=lax.Precision.HIGHEST,
    )


def by_input(dims: Sequence[int], w: Any, grad: Any, g: Geometry, data_format: str) -> Any:
    """Gradient of `conv` by its input of shape `dims`, which it is linear in."""
    import jax

    zeros = jax.ShapeDtypeStruct(tuple(dims), grad.dtype)
    return jax.linear_transpose(lambda x: conv(x, w, g, data_format), zeros)(grad)[0]


def by_filter(x: Any, dims: Sequence[int], grad: Any, g: Geometry, data_format: str) -> Any:
    """Gradient of `conv` by its filter of shape `dims`, which it is linear in."""
    import jax

    zeros = jax.ShapeDtypeStruct(tuple(dims), grad.dtype)
    return jax.linear_transpose(lambda w: conv(x, w, g, data_format), zeros)(grad)[0]


def sizes_of(shape: Sequence[int], data_format: str) -> tuple[int, ...]:
    """The spatial sizes of a shape."""
    return pick(shape, spatial_axes(data_format, len(shape)))


@kernel("Conv2D", "Conv3D", on="jax")
def conv_kernel(c: KernelContext, x: Any, w: Any) -> Any:
    data_format = layout(c)
    g = geometry_of(c.attrs, sizes_of(x.shape, data_format), w.shape[:-2])
    return conv(x, w, g, data_format)


@kernel("Conv2DBackpropInput", "Conv3DBackpropInputV2", on="jax")
def backprop_input(c: KernelContext, sizes: Any, w: Any, grad: Any) -> Any:
    data_format, dims = layout(c), dims_of(sizes)
    g = geometry_of(c.attrs, sizes_of(dims, data_format), w.shape[:-2])
    return by_input(dims, w, grad, g, data_format)


@kernel("Conv2DBackpropFilter", "Conv3DBackpropFilterV2", on="jax")
def backprop_filter(c: KernelContext, x: Any, sizes: Any, grad: Any) -> Any:
    data_format, dims = layout(c), dims_of(sizes)
    g = geometry_of(c.attrs, sizes_of(x.shape, data_format), dims[:-2])
    return by_filter(x, dims, grad, g, data_format)
