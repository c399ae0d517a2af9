"""Convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..graph.default_graph import name_scope
from ..graph.elements import Tensor
from ..graph.ops import conv as ops
from .common import either, tensor

__all__ = ["conv2d", "conv2d_backprop_filter", "conv2d_backprop_input", "conv2d_transpose"]

_ONES = (1, 1, 1, 1)


def per_dimension(value: Any, spatial: int, channel_axis: int, name: str) -> list[int]:
    """Strides or dilations as the op takes them, one per dimension.

    Args:
        value: a number for all spatial dimensions, one number per spatial dimension, or one per dimension.
        spatial: number of spatial dimensions.
        channel_axis: axis of the channels.
        name: name of the argument, for messages.
    """
    values = [1] if value is None else list(value) if isinstance(value, Sequence) else [int(value)]
    if len(values) == 1:
        values *= spatial
    if len(values) == spatial:
        return [1, *values, 1] if channel_axis == spatial + 1 else [1, 1, *values]
    if len(values) != spatial + 2:
        raise ValueError(f"{name} should be of length 1, {spatial} or {spatial + 2} but was {len(values)}.")
    return [int(v) for v in values]


def split_padding(padding: Any) -> tuple[str, list[int]]:
    """A `padding` argument as the attributes `padding` and `explicit_paddings`.

    Args:
        padding: "SAME", "VALID", or a pair per dimension.
    """
    if isinstance(padding, str):
        return padding.upper(), []
    if padding is None:
        raise ValueError('padding must be "SAME", "VALID" or a list of pairs.')
    flat = [int(p) for pair in padding for p in pair]
    return "EXPLICIT", flat


def layout_attrs(
    strides: Any, padding: Any, data_format: str | None, dilations: Any, spatial: int = 2
) -> dict[str, Any]:
    """The attributes of a convolution from the arguments of its function."""
    data_format = data_format or ("NHWC" if spatial == 2 else "NDHWC")
    channels = 1 if data_format.startswith("NC") else spatial + 1
    kind, explicit = split_padding(padding)
    attrs = {
        "strides": per_dimension(strides, spatial, channels, "strides"),
        "padding": kind,
        "data_format": data_format,
        "dilations": per_dimension(dilations, spatial, channels, "dilations"),
    }
    return {**attrs, "explicit_paddings": explicit} if spatial == 2 else attrs


def conv2d(
    input: Any,
    filter: Any = None,
    strides: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: bool = True,
    data_format: str | None = "NHWC",
    dilations: Any = _ONES,
    name: str | None = None,
    filters: Any = None,
) -> Tensor:
    """Cross-correlation of images with filters.

    Args:
        input: `(batch, height, width, channels)`, or `(batch, channels, height, width)`.
        filter: `(height, width, channels / groups, made)`.
        strides: steps of the window: a number, one per spatial dimension, or one per dimension.
        padding: "SAME", "VALID", or a pair of numbers per dimension.
        use_cudnn_on_gpu: accepted for TensorFlow's sake.
        data_format: "NHWC" or "NCHW".
        dilations: steps within the window, given as `strides` are.
        name: name of the op.
        filters: other name of `filter`.

    Returns:
        `(batch, height, width, made)` or `(batch, made, height, width)`.

    Source:
        TensorFlow's op `Conv2D`.
    """
    w = either("filters", filters, "filter", filter)
    attrs = layout_attrs(strides, padding, data_format, dilations)
    return ops.Conv2D(input, w, use_cudnn_on_gpu=use_cudnn_on_gpu, name=name, **attrs)  # type: ignore[no-any-return]


def conv2d_backprop_filter(
    input: Any,
    filter_sizes: Any,
    out_backprop: Any,
    strides: Any,
    padding: Any,
    use_cudnn_on_gpu: bool = True,
    data_format: str | None = "NHWC",
    dilations: Any = _ONES,
    name: str | None = None,
) -> Tensor:
    """Gradient of `conv2d` by its filter.

    Args:
        input: the convolution's input.
        filter_sizes: shape of the filter, int32.
        out_backprop: gradient of the convolution's output.
        strides, padding, use_cudnn_on_gpu, data_format, dilations: as for `conv2d`.
        name: name of the op.

    Source:
        TensorFlow's op `Conv2DBackpropFilter`.
    """
    attrs = layout_attrs(strides, padding, data_format, dilations)
    made: Tensor = ops.Conv2DBackpropFilter(
        input, filter_sizes, out_backprop, use_cudnn_on_gpu=use_cudnn_on_gpu, name=name, **attrs
    )
    return made


def conv2d_backprop_input(
    input_sizes: Any,
    filter: Any = None,
    out_backprop: Any = None,
    strides: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: bool = True,
    data_format: str | None = "NHWC",
    dilations: Any = _ONES,
    name: str | None = None,
    filters: Any = None,
) -> Tensor:
    """Gradient of `conv2d` by its input.

    Args:
        input_sizes: shape of the convolution's input, int32.
        filter: the convolution's filter.
        out_backprop: gradient of the convolution's output.
        strides, padding, use_cudnn_on_gpu, data_format, dilations: as for `conv2d`.
        name: name of the op.
        filters: other name of `filter`.

    Source:
        TensorFlow's op `Conv2DBackpropInput`.
    """
    w = either("filters", filters, "filter", filter)
    attrs = layout_attrs(strides, padding, data_format, dilations)
    made: Tensor = ops.Conv2DBackpropInput(
        input_sizes, w, out_backprop, use_cudnn_on_gpu=use_cudnn_on_gpu, name=name, **attrs
    )
    return made


def conv2d_transpose(
    value: Any = None,
    filter: Any = None,
    output_shape: Any = None,
    strides: Any = None,
    padding: Any = "SAME",
    data_format: str | None = "NHWC",
    name: str | None = None,
    input: Any = None,
    filters: Any = None,
    dilations: Any = None,
) -> Tensor:
    """The transpose of `conv2d`, as a layer of its own ("deconvolution").

    Args:
        value: `(batch, height, width, channels)`, or `(batch, channels, height, width)`.
        filter: `(height, width, made, channels)`.
        output_shape: shape of the result, 1-D.
        strides, padding, data_format, dilations: as for the convolution that this is the transpose of.
        name: name of the op.
        input: other name of `value`.
        filters: other name of `filter`.

    Source:
        Zeiler et al. 2010; TensorFlow's op `Conv2DBackpropInput`.
    """
    x = either("input", input, "value", value)
    w = either("filters", filters, "filter", filter)
    attrs = layout_attrs(strides, padding, data_format, dilations)
    with name_scope(name, "conv2d_transpose") as scope:
        x = tensor(x, name="value")
        made: Tensor = ops.Conv2DBackpropInput(
            tensor(output_shape, "int32", "output_shape"),
            tensor(w, x.dtype, "filter"),
            x,
            name=scope,
            **attrs,
        )
        return made
