"""Depthwise and separable convolutions, dilation and erosion."""

from __future__ import annotations

from typing import Any

from ..graph.default_graph import name_scope
from ..graph.elements import Tensor
from ..graph.ops import depthwise as ops
from ..graph.ops.array import ReverseV2
from ..graph.ops.conv import Conv2D
from ..graph.ops.dilation import Dilation2D
from ..graph.ops.math import Neg
from .common import either, tensor
from .conv import layout_attrs

__all__ = [
    "depthwise_conv2d",
    "depthwise_conv2d_backprop_filter",
    "depthwise_conv2d_backprop_input",
    "depthwise_conv2d_native",
    "depthwise_conv2d_native_backprop_filter",
    "depthwise_conv2d_native_backprop_input",
    "dilation2d",
    "erosion2d",
    "separable_conv2d",
]

_ONES = (1, 1, 1, 1)


def depthwise_conv2d_native(
    input: Any,
    filter: Any,
    strides: Any,
    padding: Any,
    data_format: str | None = "NHWC",
    dilations: Any = _ONES,
    name: str | None = None,
) -> Tensor:
    """Cross-correlation of each channel with filters of its own.

    Args:
        input: `(batch, height, width, channels)`, or `(batch, channels, height, width)`.
        filter: `(height, width, channels, made)`.
        strides: steps of the window, one per dimension.
        padding: "SAME", "VALID", or a pair of numbers per dimension.
        data_format: "NHWC" or "NCHW".
        dilations: steps within the window, one per dimension.
        name: name of the op.

    Returns:
        `channels * made` channels, those of one input channel next to each other.

    Source:
        TensorFlow's op `DepthwiseConv2dNative`.
    """
    attrs = layout_attrs(strides, padding, data_format, dilations)
    return ops.DepthwiseConv2dNative(input, filter, name=name, **attrs)  # type: ignore[no-any-return]


def depthwise_conv2d_native_backprop_input(
    input_sizes: Any,
    filter: Any,
    out_backprop: Any,
    strides: Any,
    padding: Any,
    data_format: str | None = "NHWC",
    dilations: Any = _ONES,
    name: str | None = None,
) -> Tensor:
    """Gradient of `depthwise_conv2d_native` by its input.

    Args:
        input_sizes: shape of the convolution's input, int32.
        filter: the convolution's filter.
        out_backprop: gradient of the convolution's output.
        strides, padding, data_format, dilations: as for `depthwise_conv2d_native`.
        name: name of the op.

    Source:
        TensorFlow's op `DepthwiseConv2dNativeBackpropInput`.
    """
    attrs = layout_attrs(strides, padding, data_format, dilations)
    made: Tensor = ops.DepthwiseConv2dNativeBackpropInput(
        input_sizes, filter, out_backprop, name=name, **attrs
    )
    return made


def depthwise_conv2d_native_backprop_filter(
    input: Any,
    filter_sizes: Any,
    out_backprop: Any,
    strides: Any,
    padding: Any,
    data_format: str | None = "NHWC",
    dilations: Any = _ONES,
    name: str | None = None,
) -> Tensor:
    """Gradient of `depthwise_conv2d_native` by its filter.

    Args:
        input: the convolution's input.
        filter_sizes: shape of the filter, int32.
        out_backprop: gradient of the convolution's output.
        strides, padding, data_format, dilations: as for `depthwise_conv2d_native`.
        name: name of the op.

    Source:
        TensorFlow's op `DepthwiseConv2dNativeBackpropFilter`.
    """
    attrs = layout_attrs(strides, padding, data_format, dilations)
    made: Tensor = ops.DepthwiseConv2dNativeBackpropFilter(
        input, filter_sizes, out_backprop, name=name, **attrs
    )
    return made


depthwise_conv2d_backprop_input = depthwise_conv2d_native_backprop_input
depthwise_conv2d_backprop_filter = depthwise_conv2d_native_backprop_filter


def depthwise_conv2d(
    input: Any,
    filter: Any,
    strides: Any,
    padding: Any,
    rate: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    dilations: Any = None,
) -> Tensor:
    """Cross-correlation of each channel with filters of its own, with steps within the window.

    Args:
        input: `(batch, height, width, channels)`, or `(batch, channels, height, width)`.
        filter: `(height, width, channels, made)`.
        strides: steps of the window, one per dimension.
        padding: "SAME", "VALID", or a pair of numbers per dimension.
        rate: steps within the window, one per spatial dimension.
        name: name scope.
        data_format: "NHWC" (the default) or "NCHW".
        dilations: other name of `rate`.

    Source:
        `tf.compat.v1.nn.depthwise_conv2d`.
    """
    rates = either("dilations", dilations, "rate", rate, 1)
    with name_scope(name, "depthwise") as scope:
        x = tensor(input, name="tensor_in")
        w = tensor(filter, x.dtype, "filter_in")
        return depthwise_conv2d_native(x, w, strides, padding, data_format, rates, scope)


def separable_conv2d(
    input: Any,
    depthwise_filter: Any,
    pointwise_filter: Any,
    strides: Any,
    padding: Any,
    rate: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    dilations: Any = None,
) -> Tensor:
    """A depthwise convolution, then one that mixes the channels at each place.

    Args:
        input: `(batch, height, width, channels)`, or `(batch, channels, height, width)`.
        depthwise_filter: `(height, width, channels, made)`.
        pointwise_filter: `(1, 1, channels * made, outputs)`.
        strides: steps of the depthwise window, one per dimension.
        padding: "SAME", "VALID", or a pair of numbers per dimension.
        rate: steps within the depthwise window, one per spatial dimension.
        name: name of the last op.
        data_format: "NHWC" (the default) or "NCHW".
        dilations: other name of `rate`.

    Raises:
        ValueError: the pointwise filter has a window of more than one element.

    Source:
        `tf.compat.v1.nn.separable_conv2d`.
    """
    rates = either("dilations", dilations, "rate", rate, 1)
    with name_scope(name, "separable_conv2d") as scope:
        x = tensor(input, name="tensor_in")
        depth = tensor(depthwise_filter, x.dtype, "depthwise_filter")
        point = tensor(pointwise_filter, x.dtype, "pointwise_filter")
        if not point.shape.is_compatible_with([1, 1, None, None]):
            raise ValueError(f"pointwise_filter must have shape (1, 1, inputs, outputs), got {point.shape}.")
        mixed = depthwise_conv2d_native(x, depth, strides, padding, data_format, rates, "depthwise")
        layout = data_format or "NHWC"
        return Conv2D(mixed, point, strides=_ONES, padding="VALID", data_format=layout, name=scope)  # type: ignore[no-any-return]


def dilation2d(
    input: Any,
    filter: Any = None,
    strides: Any = None,
    rates: Any = None,
    padding: Any = None,
    name: str | None = None,
    filters: Any = None,
    dilations: Any = None,
) -> Tensor:
    """Greyscale dilation: greatest sum of an element and its filter element, per window and channel.

    Args:
        input: `(batch, height, width, channels)`.
        filter: `(height, width, channels)`.
        strides: steps of the window, one per dimension.
        rates: steps within the window, one per dimension.
        padding: "SAME" or "VALID".
        name: name of the op.
        filters: other name of `filter`.
        dilations: other name of `rates`.

    Source:
        TensorFlow's op `Dilation2D`.
    """
    w = either("filters", filters, "filter", filter)
    steps = either("dilations", dilations, "rates", rates)
    return Dilation2D(input, w, strides=strides, rates=steps, padding=padding, name=name)  # type: ignore[no-any-return]


def erosion2d(
    value: Any, kernel: Any, strides: Any, rates: Any, padding: Any, name: str | None = None
) -> Tensor:
    """Greyscale erosion: least difference of an element and its filter element, per window and channel.

    Args:
        value: `(batch, height, width, channels)`.
        kernel: `(height, width, channels)`.
        strides: steps of the window, one per dimension.
        rates: steps within the window, one per dimension.
        padding: "SAME" or "VALID".
        name: name of the last op.

    Source:
        `tf.compat.v1.nn.erosion2d`; the dual of `dilation2d`.
    """
    with name_scope(name, "erosion2d") as scope:
        x = tensor(value, name="value")
        turned = ReverseV2(tensor(kernel, x.dtype, "kernel"), [0, 1])
        made = Dilation2D(Neg(x), turned, strides=strides, rates=rates, padding=padding)
        return Neg(made, name=scope)  # type: ignore[no-any-return]
