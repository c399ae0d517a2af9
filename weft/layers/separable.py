"""Separable and transposed convolution layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import nn
from ..graph.elements import Tensor
from ..graph.opdef import get_op
from ..graph.shapes import TensorShape, as_shape
from ..shaping import shape as shape_of
from .base import call_layer
from .convolution import ZEROS, Conv

__all__ = [
    "Conv2DTranspose",
    "Conv3DTranspose",
    "SeparableConv1D",
    "SeparableConv2D",
    "conv2d_transpose",
    "conv3d_transpose",
    "separable_conv1d",
    "separable_conv2d",
]

Function = Callable[..., Any]


class _SeparableConv(Conv):
    """A convolution of each channel by itself, followed by one that mixes them."""

    def __init__(
        self,
        rank: int,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = "channels_last",
        dilation_rate: Any = 1,
        depth_multiplier: int = 1,
        activation: Function | None = None,
        use_bias: bool = True,
        depthwise_initializer: Any = None,
        pointwise_initializer: Any = None,
        bias_initializer: Any = ZEROS,
        depthwise_regularizer: Function | None = None,
        pointwise_regularizer: Function | None = None,
        bias_regularizer: Function | None = None,
        activity_regularizer: Function | None = None,
        depthwise_constraint: Function | None = None,
        pointwise_constraint: Function | None = None,
        bias_constraint: Function | None = None,
        trainable: bool = True,
        name: str | None = None,
        **keywords: Any,
    ) -> None:
        super().__init__(
            rank,
            filters,
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            activation=activation,
            use_bias=use_bias,
            bias_initializer=bias_initializer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            bias_constraint=bias_constraint,
            trainable=trainable,
            name=name,
            **keywords,
        )
        self.depth_multiplier = depth_multiplier
        self.depthwise_initializer = depthwise_initializer
        self.pointwise_initializer = pointwise_initializer
        self.depthwise_regularizer = depthwise_regularizer
        self.pointwise_regularizer = pointwise_regularizer
        self.depthwise_constraint = depthwise_constraint
        self.pointwise_constraint = pointwise_constraint
        self.depthwise_kernel: Any = None
        self.pointwise_kernel: Any = None

    def build(self, input_shape: Any) -> None:
        depth = self.input_depth(input_shape)
        self.depthwise_kernel = self.add_weight(
            "depthwise_kernel",
            shape=[*self.kernel_size, depth, self.depth_multiplier],
            initializer=self.depthwise_initializer,
            regularizer=self.depthwise_regularizer,
            constraint=self.depthwise_constraint,
        )
        self.pointwise_kernel = self.add_weight(
            "pointwise_kernel",
            shape=[1] * self.rank + [depth * self.depth_multiplier, self.filters],
            initializer=self.pointwise_initializer,
            regularizer=self.pointwise_regularizer,
            constraint=self.pointwise_constraint,
        )
        self._build_bias()
        self.built = True

    def _convolve(self, inputs: Tensor) -> Tensor:
        depthwise, pointwise = self.depthwise_kernel, self.pointwise_kernel
        strides, rates = self.strides, self.dilation_rate
        layout = "NCHW" if self.data_format == "channels_first" else "NHWC"
        padding, axis = self.padding.upper(), 2 if self.data_format == "channels_first" else 1
        if self.rank == 1:
            if self.padding == "causal":
                pads = [[0, 0], [0, 0], [0, 0]]
                pads[axis] = [rates[0] * (self.kernel_size[0] - 1), 0]
                inputs, padding = get_op("Pad")(inputs, pads), "VALID"
            inputs = get_op("ExpandDims")(inputs, axis)
            depthwise = get_op("ExpandDims")(depthwise, 0)
            pointwise = get_op("ExpandDims")(pointwise, 0)
            # The op moves by the same steps down and across; there is one row, so it does not matter down.
            strides, rates = (strides[0], strides[0]), (1, rates[0])
        outputs = nn.separable_conv2d(
            inputs,
            depthwise,
            pointwise,
            strides=self._around(strides),
            padding=padding,
            rate=list(rates),
            data_format=layout,
        )
        return get_op("Squeeze")(outputs, squeeze_dims=[axis]) if self.rank == 1 else outputs


class SeparableConv1D(_SeparableConv):
    """A separable convolution over sequences; see `separable_conv1d` for the arguments."""

    def __init__(self, filters: int, kernel_size: Any, strides: Any = 1, *args: Any, **keywords: Any) -> None:
        super().__init__(1, filters, kernel_size, strides, *args, **keywords)


class SeparableConv2D(_SeparableConv):
    """A separable convolution over pictures; see `separable_conv2d` for the arguments."""

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = (1, 1), *args: Any, **keywords: Any
    ) -> None:
        super().__init__(2, filters, kernel_size, strides, *args, **keywords)


def separable_conv1d(
    inputs: Any,
    filters: int,
    kernel_size: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str = "channels_last",
    dilation_rate: Any = 1,
    depth_multiplier: int = 1,
    activation: Function | None = None,
    use_bias: bool = True,
    depthwise_initializer: Any = None,
    pointwise_initializer: Any = None,
    bias_initializer: Any = ZEROS,
    depthwise_regularizer: Function | None = None,
    pointwise_regularizer: Function | None = None,
    bias_regularizer: Function | None = None,
    activity_regularizer: Function | None = None,
    depthwise_constraint: Function | None = None,
    pointwise_constraint: Function | None = None,
    bias_constraint: Function | None = None,
    trainable: bool = True,
    name: str | None = None,
    reuse: Any = None,
) -> Tensor:
    """A convolution of each channel of sequences by itself, followed by one that mixes the channels.

    Args:
        inputs: floats of shape `(batch, length, channels)`, or `(batch, channels, length)`.
        filters: number of channels of the output.
        kernel_size, strides, padding, data_format, dilation_rate: as for `conv1d`.
        depth_multiplier: channels that each input channel gives before the mixing.
        activation, use_bias: as for `conv1d`.
        depthwise_initializer, pointwise_initializer, bias_initializer: initializers.
        depthwise_regularizer, pointwise_regularizer, bias_regularizer: functions from a variable to a loss.
        activity_regularizer: function from the output to a loss.
        depthwise_constraint, pointwise_constraint, bias_constraint: functions applied after updates.
        trainable, name, reuse: as for `conv1d`.

    Returns:
        Floats of shape `(batch, new length, filters)`, or channels first.
    """
    return call_layer(SeparableConv1D, locals())  # type: ignore[no-any-return]


def separable_conv2d(
    inputs: Any,
    filters: int,
    kernel_size: Any,
    strides: Any = (1, 1),
    padding: str = "valid",
    data_format: str = "channels_last",
    dilation_rate: Any = (1, 1),
    depth_multiplier: int = 1,
    activation: Function | None = None,
    use_bias: bool = True,
    depthwise_initializer: Any = None,
    pointwise_initializer: Any = None,
    bias_initializer: Any = ZEROS,
    depthwise_regularizer: Function | None = None,
    pointwise_regularizer: Function | None = None,
    bias_regularizer: Function | None = None,
    activity_regularizer: Function | None = None,
    depthwise_constraint: Function | None = None,
    pointwise_constraint: Function | None = None,
    bias_constraint: Function | None = None,
    trainable: bool = True,
    name: str | None = None,
    reuse: Any = None,
) -> Tensor:
    """A convolution of each channel of pictures by itself, followed by one that mixes the channels.

    Args:
        inputs: floats of shape `(batch, height, width, channels)`, or `(batch, channels, height, width)`.
        filters: number of channels of the output.
        kernel_size, strides, padding, data_format, dilation_rate: as for `conv2d`.
        depth_multiplier, activation, use_bias, depthwise_initializer, pointwise_initializer, bias_initializer,
            depthwise_regularizer, pointwise_regularizer, bias_regularizer, activity_regularizer,
            depthwise_constraint, pointwise_constraint, bias_constraint, trainable, name, reuse: as for
            `separable_conv1d`.

    Returns:
        Floats of shape `(batch, new height, new width, filters)`, or channels first.
    """
    return call_layer(SeparableConv2D, locals())  # type: ignore[no-any-return]


class _ConvTranspose(Conv):
    """The transpose of a convolution: makes pictures larger by its strides."""

    def build(self, input_shape: Any) -> None:
        depth = self.input_depth(input_shape)
        self.kernel = self.add_weight(
            "kernel",
            shape=[*self.kernel_size, self.filters, depth],
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self._build_bias()
        self.built = True

    def _convolve(self, inputs: Tensor) -> Tensor:
        static = self.compute_output_shape(inputs.shape)
        function = nn.conv2d_transpose if self.rank == 2 else nn.conv3d_transpose
        outputs = function(
            inputs,
            self.kernel,
            self._output_shape(inputs, static),
            strides=self._around(self.strides),
            padding=self.padding.upper(),
            data_format=self.op_format,
        )
        outputs.set_shape(static)
        return outputs

    def _output_shape(self, inputs: Tensor, static: TensorShape) -> Any:
        """The output's shape as the op takes it: numbers where known, tensors where not."""
        if static.is_fully_defined():
            return list(static.known())
        dims: list[Any] = []
        sizes = shape_of(inputs)
        first = 2 if self.data_format == "channels_first" else 1
        for axis, size in enumerate(static):
            if size is not None:
                dims.append(int(size))
            elif axis == 0:
                dims.append(sizes[0])
            else:
                window, stride = self.kernel_size[axis - first], self.strides[axis - first]
                extra = max(window - stride, 0) if self.padding == "valid" else 0
                dims.append(sizes[axis] * stride + extra)
        return get_op("Pack")(dims)

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        shape = as_shape(input_shape)
        first = 2 if self.data_format == "channels_first" else 1
        space = []
        for i in range(self.rank):
            size = shape[first + i]
            extra = max(self.kernel_size[i] - self.strides[i], 0) if self.padding == "valid" else 0
            space.append(None if size is None else size * self.strides[i] + extra)
        if self.data_format == "channels_first":
            return TensorShape([shape[0], self.filters, *space])
        return TensorShape([shape[0], *space, self.filters])


class Conv2DTranspose(_ConvTranspose):
    """The transpose of a convolution over pictures; see `conv2d_transpose` for the arguments."""

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1),
        padding: str = "valid",
        data_format: str = "channels_last",
        **keywords: Any,
    ) -> None:
        super().__init__(2, filters, kernel_size, strides, padding, data_format, **keywords)


class Conv3DTranspose(_ConvTranspose):
    """The transpose of a convolution over volumes; see `conv3d_transpose` for the arguments."""

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1, 1),
        padding: str = "valid",
        data_format: str = "channels_last",
        **keywords: Any,
    ) -> None:
        super().__init__(3, filters, kernel_size, strides, padding, data_format, **keywords)


def conv2d_transpose(
    inputs: Any,
    filters: int,
    kernel_size: Any,
    strides: Any = (1, 1),
    padding: str = "valid",
    data_format: str = "channels_last",
    activation: Function | None = None,
    use_bias: bool = True,
    kernel_initializer: Any = None,
    bias_initializer: Any = ZEROS,
    kernel_regularizer: Function | None = None,
    bias_regularizer: Function | None = None,
    activity_regularizer: Function | None = None,
    kernel_constraint: Function | None = None,
    bias_constraint: Function | None = None,
    trainable: bool = True,
    name: str | None = None,
    reuse: Any = None,
) -> Tensor:
    """The transpose of a convolution over pictures, which makes them larger ("deconvolution").

    Args:
        inputs: floats of shape `(batch, height, width, channels)`, or `(batch, channels, height, width)`.
        filters: number of channels of the output.
        kernel_size: height and width of the window, or one number for both.
        strides: factors by which height and width grow, or one number for both.
        padding: "same": exactly by the factor; "valid": and by what windows reach beyond.
        data_format: "channels_last" or "channels_first".
        activation, use_bias, kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer,
            activity_regularizer, kernel_constraint, bias_constraint, trainable, name, reuse: as for `conv1d`.

    Returns:
        Floats of shape `(batch, new height, new width, filters)`, or channels first.
    """
    return call_layer(Conv2DTranspose, locals())  # type: ignore[no-any-return]


def conv3d_transpose(
    inputs: Any,
    filters: int,
    kernel_size: Any,
    strides: Any = (1, 1, 1),
    padding: str = "valid",
    data_format: str = "channels_last",
    activation: Function | None = None,
    use_bias: bool = True,
    kernel_initializer: Any = None,
    bias_initializer: Any = ZEROS,
    kernel_regularizer: Function | None = None,
    bias_regularizer: Function | None = None,
    activity_regularizer: Function | None = None,
    kernel_constraint: Function | None = None,
    bias_constraint: Function | None = None,
    trainable: bool = True,
    name: str | None = None,
    reuse: Any = None,
) -> Tensor:
    """The transpose of a convolution over volumes; arguments as `conv2d_transpose`, of three dimensions."""
    return call_layer(Conv3DTranspose, locals())  # type: ignore[no-any-return]
