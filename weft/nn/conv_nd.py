"""Convolutions in one and three dimensions, and over as many as the input has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..graph.default_graph import name_scope
from ..graph.elements import Tensor
from ..graph.ops.array import ConcatV2, ExpandDims, Squeeze
from ..graph.ops.conv import Conv2D, Conv2DBackpropInput
from ..graph.ops.conv3d import Conv3D, Conv3DBackpropFilterV2, Conv3DBackpropInputV2
from .common import either, tensor
from .conv import conv2d, conv2d_transpose, layout_attrs, per_dimension

__all__ = [
    "conv1d",
    "conv1d_transpose",
    "conv3d",
    "conv3d_backprop_filter",
    "conv3d_backprop_filter_v2",
    "conv3d_transpose",
    "conv_transpose",
    "convolution",
]


def _flat_layout(data_format: str | None) -> tuple[str, int]:
    """The layout of images one element high that stands for a layout of rows, and the axis of the height."""
    if data_format in (None, "NWC", "NHWC"):
        return "NHWC", 1
    if data_format in ("NCW", "NCHW"):
        return "NCHW", 2
    raise ValueError(f'data_format must be "NWC" or "NCW", got {data_format!r}.')


def _flat_attrs(
    stride: Any, padding: Any, data_format: str | None, dilations: Any
) -> tuple[dict[str, Any], int]:
    layout, axis = _flat_layout(data_format)
    channels = 2 if axis == 1 else 1
    steps = per_dimension(stride, 1, channels, "stride")
    rates = per_dimension(dilations, 1, channels, "dilations")
    if not isinstance(padding, str):
        raise ValueError(f'padding must be "SAME" or "VALID", got {padding!r}.')
    attrs = {
        "strides": [*steps[:axis], 1, *steps[axis:]],
        "padding": padding.upper(),
        "data_format": layout,
        "dilations": [*rates[:axis], 1, *rates[axis:]],
    }
    return attrs, axis


def conv1d(
    value: Any = None,
    filters: Any = None,
    stride: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: bool | None = None,
    data_format: str | None = None,
    name: str | None = None,
    input: Any = None,
    dilations: Any = None,
) -> Tensor:
    """Cross-correlation of sequences with filters.

    Args:
        value: `(batch, width, channels)`, or `(batch, channels, width)`.
        filters: `(width, channels / groups, made)`.
        stride: steps of the window.
        padding: "SAME" or "VALID".
        use_cudnn_on_gpu: accepted for TensorFlow's sake.
        data_format: "NWC" (the default) or "NCW".
        name: name scope.
        input: other name of `value`.
        dilations: steps within the window.

    Source:
        `tf.compat.v1.nn.conv1d`.
    """
    del use_cudnn_on_gpu
    attrs, axis = _flat_attrs(stride, padding, data_format, dilations)
    with name_scope(name, "conv1d"):
        x = ExpandDims(tensor(either("input", input, "value", value), name="value"), axis)
        w = ExpandDims(tensor(filters, x.dtype, "filters"), 0)
        return Squeeze(Conv2D(x, w, **attrs), squeeze_dims=[axis])  # type: ignore[no-any-return]


def conv1d_transpose(
    input: Any,
    filters: Any,
    output_shape: Any,
    strides: Any,
    padding: str = "SAME",
    data_format: str | None = "NWC",
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    """The transpose of `conv1d`.

    Args:
        input: `(batch, width, channels)`, or `(batch, channels, width)`.
        filters: `(width, made, channels)`.
        output_shape: shape of the result, 1-D.
        strides, padding, data_format, dilations: as for the convolution that this is the transpose of.
        name: name scope.

    Source:
        `tf.compat.v1.nn.conv1d_transpose`.
    """
    attrs, axis = _flat_attrs(strides, padding, data_format, dilations)
    with name_scope(name, "conv1d_transpose"):
        x = ExpandDims(tensor(input, name="value"), axis)
        w = ExpandDims(tensor(filters, x.dtype, "filters"), 0)
        made = Conv2DBackpropInput(_raised(output_shape, axis), w, x, **attrs)
        return Squeeze(made, squeeze_dims=[axis])  # type: ignore[no-any-return]


def _raised(shape: Any, axis: int) -> Any:
    """A shape with a dimension of one element put in at `axis`."""
    if isinstance(shape, Tensor):
        return ConcatV2([shape[:axis], [1], shape[axis:]], 0)
    dims = [int(d) for d in shape]
    return [*dims[:axis], 1, *dims[axis:]]


def conv3d(
    input: Any,
    filter: Any = None,
    strides: Any = None,
    padding: Any = None,
    data_format: str | None = "NDHWC",
    dilations: Any = (1, 1, 1, 1, 1),
    name: str | None = None,
    filters: Any = None,
) -> Tensor:
    """Cross-correlation of volumes with filters.

    Args:
        input: `(batch, depth, height, width, channels)`, or `(batch, channels, depth, height, width)`.
        filter: `(depth, height, width, channels, made)`.
        strides: steps of the window, one per dimension.
        padding: "SAME" or "VALID".
        data_format: "NDHWC" or "NCDHW".
        dilations: steps within the window, one per dimension.
        name: name of the op.
        filters: other name of `filter`.

    Source:
        TensorFlow's op `Conv3D`.
    """
    w = either("filters", filters, "filter", filter)
    return Conv3D(input, w, name=name, **layout_attrs(strides, padding, data_format, dilations, 3))  # type: ignore[no-any-return]


def conv3d_backprop_filter(
    input: Any,
    filter_sizes: Any,
    out_backprop: Any,
    strides: Any,
    padding: Any,
    data_format: str | None = "NDHWC",
    dilations: Any = (1, 1, 1, 1, 1),
    name: str | None = None,
) -> Tensor:
    """Gradient of `conv3d` by its filter.

    Args:
        input: the convolution's input.
        filter_sizes: shape of the filter, int32.
        out_backprop: gradient of the convolution's output.
        strides, padding, data_format, dilations: as for `conv3d`.
        name: name of the op.

    Source:
        TensorFlow's op `Conv3DBackpropFilterV2`.
    """
    attrs = layout_attrs(strides, padding, data_format, dilations, 3)
    return Conv3DBackpropFilterV2(input, filter_sizes, out_backprop, name=name, **attrs)  # type: ignore[no-any-return]


conv3d_backprop_filter_v2 = conv3d_backprop_filter


def conv3d_transpose(
    value: Any = None,
    filter: Any = None,
    output_shape: Any = None,
    strides: Any = None,
    padding: Any = "SAME",
    data_format: str | None = "NDHWC",
    name: str | None = None,
    input: Any = None,
    filters: Any = None,
    dilations: Any = None,
) -> Tensor:
    """The transpose of `conv3d`.

    Args:
        value: `(batch, depth, height, width, channels)`, or channels second.
        filter: `(depth, height, width, made, channels)`.
        output_shape: shape of the result, 1-D.
        strides, padding, data_format, dilations: as for the convolution that this is the transpose of.
        name: name of the op.
        input: other name of `value`.
        filters: other name of `filter`.

    Source:
        TensorFlow's op `Conv3DBackpropInputV2`.
    """
    w = either("filters", filters, "filter", filter)
    attrs = layout_attrs(strides, padding, data_format, dilations, 3)
    with name_scope(name, "conv3d_transpose") as scope:
        x = tensor(either("input", input, "value", value), name="value")
        shape = tensor(output_shape, name="output_shape")
        return Conv3DBackpropInputV2(shape, tensor(w, x.dtype, "filter"), x, name=scope, **attrs)  # type: ignore[no-any-return]


def conv_transpose(
    input: Any,
    filters: Any,
    output_shape: Any,
    strides: Any,
    padding: str = "SAME",
    data_format: str | None = None,
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    """The transpose of a convolution over one, two or three dimensions, by the length of `output_shape`.

    Args:
        input: rank 3 to 5.
        filters: `(*window, made, channels)`.
        output_shape: shape of the result.
        strides, padding, data_format, dilations: as for the convolution that this is the transpose of.
        name: name scope.

    Source:
        `tf.compat.v1.nn.conv_transpose`.
    """
    with name_scope(name, "conv_transpose") as scope:
        rank = output_shape.shape.num_elements() if isinstance(output_shape, Tensor) else len(output_shape)
        if rank not in (3, 4, 5):
            raise ValueError(f"output_shape must have 3, 4 or 5 members, got {rank}.")
        if rank == 3:
            return conv1d_transpose(
                input, filters, output_shape, strides, padding, data_format or "NWC", dilations, scope
            )
        function = conv2d_transpose if rank == 4 else conv3d_transpose
        layout = data_format or ("NHWC" if rank == 4 else "NDHWC")
        return function(input, filters, output_shape, strides, padding, layout, scope, dilations=dilations)


def convolution(
    input: Any,
    filter: Any = None,
    padding: Any = None,
    strides: Any = None,
    dilation_rate: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    filters: Any = None,
    dilations: Any = None,
) -> Tensor:
    """Cross-correlation over one, two or three dimensions, by the rank of the filter.

    Args:
        input: `(batch, *space, channels)`, or `(batch, channels, *space)`.
        filter: `(*window, channels / groups, made)`.
        padding: "SAME" or "VALID".
        strides: steps of the window, one per spatial dimension.
        dilation_rate: steps within the window, one per spatial dimension.
        name: name scope.
        data_format: `None` or `N...C` for channels last, `NC...` for channels second.
        filters: other name of `filter`.
        dilations: other name of `dilation_rate`.

    Raises:
        ValueError: the ranks do not fit, or steps both of and within the window are asked for.

    Source:
        `tf.compat.v1.nn.convolution`.
    """
    w = either("filters", filters, "filter", filter)
    rates = either("dilations", dilations, "dilation_rate", dilation_rate, 1)
    with name_scope(name, "convolution") as scope:
        x = tensor(input, name="input")
        w = tensor(w, x.dtype, "filter")
        spatial = _spatial_rank(x, w)
        _check_steps(strides, rates)
        first = data_format is not None and data_format.startswith("NC")
        if spatial == 1:
            return conv1d(x, w, strides or 1, padding, None, "NCW" if first else "NWC", scope, None, rates)
        if spatial == 2:
            layout = "NCHW" if first else "NHWC"
            return conv2d(x, w, strides or 1, padding, data_format=layout, dilations=rates, name=scope)
        layout = "NCDHW" if first else "NDHWC"
        return conv3d(x, w, strides or 1, padding, layout, rates, scope)


def _spatial_rank(x: Tensor, w: Tensor) -> int:
    rank = w.shape.rank if w.shape.rank is not None else x.shape.rank
    if rank is None:
        raise ValueError("The rank of the input or of the filter must be known.")
    if x.shape.rank not in (None, rank):
        raise ValueError(f"The input has rank {x.shape.rank}, the filter rank {rank}; they must be the same.")
    if rank - 2 not in (1, 2, 3):
        raise ValueError(
            f"A convolution has 1, 2 or 3 spatial dimensions, the filter's rank {rank} gives {rank - 2}."
        )
    return rank - 2


def _check_steps(strides: Any, rates: Any) -> None:
    def more_than_one(value: Any) -> bool:
        values = value if isinstance(value, Sequence) else [1 if value is None else value]
        return any(v > 1 for v in values)

    if more_than_one(strides) and more_than_one(rates):
        raise ValueError(f"strides {strides} > 1 cannot go together with dilation_rate {rates} > 1.")
