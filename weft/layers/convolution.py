"""Convolution layers over one, two and three spatial dimensions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .. import nn
from ..graph.elements import Tensor
from ..graph.opdef import get_op
from ..graph.shapes import TensorShape, as_shape
from ..initializers import Zeros
from .base import InputSpec, Layer, call_layer

__all__ = ["Conv1D", "Conv2D", "Conv3D", "conv1d", "conv2d", "conv3d"]

Function = Callable[..., Any]
ZEROS = Zeros()


def per_dimension(value: Any, rank: int, name: str) -> tuple[int, ...]:
    """One number per spatial dimension.

    Raises:
        ValueError: it is neither a number nor `rank` positive numbers.
    """
    values = (value,) * rank if isinstance(value, int) else tuple(int(v) for v in value)
    if len(values) != rank or any(v < 1 for v in values):
        raise ValueError(f"{name} must be a positive number or {rank} of them, got {value!r}.")
    return values


def checked_padding(padding: str, allowed: Sequence[str] = ("valid", "same")) -> str:
    if str(padding).lower() not in allowed:
        raise ValueError(f"padding must be one of {', '.join(allowed)}, got {padding!r}.")
    return str(padding).lower()


def checked_format(data_format: str | None) -> str:
    found = data_format or "channels_last"
    if found not in ("channels_last", "channels_first"):
        raise ValueError(f'data_format must be "channels_last" or "channels_first", got {data_format!r}.')
    return found


def output_length(size: int | None, window: int, padding: str, stride: int, dilation: int = 1) -> int | None:
    """Size of the output along a dimension."""
    if size is None:
        return None
    span = dilation * (window - 1) + 1
    length = size - span + 1 if padding == "valid" else size
    return max(0, -(-length // stride))


class Conv(Layer):
    """A convolution over `rank` spatial dimensions; the base of `Conv1D`, `Conv2D` and `Conv3D`."""

    def __init__(
        self,
        rank: int,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = "channels_last",
        dilation_rate: Any = 1,
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
        **keywords: Any,
    ) -> None:
        super().__init__(trainable, name, activity_regularizer=activity_regularizer, **keywords)
        self.rank = rank
        self.filters = int(filters)
        if self.filters <= 0:
            raise ValueError(f"filters must be positive, got {filters}.")
        self.kernel_size = per_dimension(kernel_size, rank, "kernel_size")
        self.strides = per_dimension(strides, rank, "strides")
        self.padding = checked_padding(
            padding, ("valid", "same", "causal") if rank == 1 else ("valid", "same")
        )
        self.data_format = checked_format(data_format)
        self.dilation_rate = per_dimension(dilation_rate, rank, "dilation_rate")
        self.activation = activation
        self.use_bias = use_bias
        self.kernel_initializer = kernel_initializer
        self.bias_initializer = bias_initializer
        self.kernel_regularizer = kernel_regularizer
        self.bias_regularizer = bias_regularizer
        self.kernel_constraint = kernel_constraint
        self.bias_constraint = bias_constraint
        self.kernel: Any = None
        self.bias: Any = None
        self.input_spec = InputSpec(ndim=rank + 2)

    @property
    def channel_axis(self) -> int:
        return 1 if self.data_format == "channels_first" else self.rank + 1

    @property
    def op_format(self) -> str:
        """The layout as ops spell it."""
        letters = {1: "W", 2: "HW", 3: "DHW"}[self.rank]
        return f"NC{letters}" if self.data_format == "channels_first" else f"N{letters}C"

    def input_depth(self, input_shape: Any) -> int:
        depth = as_shape(input_shape)[self.channel_axis]
        if depth is None:
            raise ValueError(f"the number of channels must be known, got shape {input_shape}")
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={self.channel_axis: depth})
        return int(depth)

    def build(self, input_shape: Any) -> None:
        depth = self.input_depth(input_shape)
        self.kernel = self.add_weight(
            "kernel",
            shape=[*self.kernel_size, depth, self.filters],
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self._build_bias()
        super().build(input_shape)

    def _build_bias(self) -> None:
        if self.use_bias:
            self.bias = self.add_weight(
                "bias",
                shape=[self.filters],
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def call(self, inputs: Tensor, **arguments: Any) -> Tensor:
        return self._finish(self._convolve(inputs))

    def _convolve(self, inputs: Tensor) -> Tensor:
        padding = self.padding.upper()
        if self.rank == 1:
            return self._convolve_sequence(inputs)
        function = nn.conv2d if self.rank == 2 else nn.conv3d
        return function(
            inputs,
            self.kernel,
            strides=self._around(self.strides),
            padding=padding,
            data_format=self.op_format,
            dilations=self._around(self.dilation_rate),
            name=type(self).__name__,
        )

    def _around(self, values: Sequence[int]) -> list[int]:
        """Numbers of the spatial dimensions with ones for batch and channels."""
        return [1, 1, *values] if self.data_format == "channels_first" else [1, *values, 1]

    def _convolve_sequence(self, inputs: Tensor) -> Tensor:
        """A convolution over pictures of height one."""
        padding = self.padding.upper()
        axis = 2 if self.data_format == "channels_first" else 1
        if self.padding == "causal":
            before = self.dilation_rate[0] * (self.kernel_size[0] - 1)
            pads = [[0, 0], [0, 0], [0, 0]]
            pads[axis] = [before, 0]
            inputs, padding = get_op("Pad")(inputs, pads), "VALID"
        image = get_op("ExpandDims")(inputs, axis)
        kernel = get_op("ExpandDims")(self.kernel, 0)
        two = (1, self.strides[0]), (1, self.dilation_rate[0])
        outputs = nn.conv2d(
            image,
            kernel,
            strides=self._around(two[0]),
            padding=padding,
            data_format="NCHW" if self.data_format == "channels_first" else "NHWC",
            dilations=self._around(two[1]),
            name="conv1d",
        )
        return get_op("Squeeze")(outputs, squeeze_dims=[axis])  # type: ignore[no-any-return]

    def _finish(self, outputs: Tensor) -> Tensor:
        if self.use_bias:
            outputs = self.add_bias(outputs)
        return outputs if self.activation is None else self.activation(outputs)

    def add_bias(self, outputs: Tensor) -> Tensor:
        if self.data_format == "channels_last" or self.rank == 2:
            layout = "NCHW" if self.data_format == "channels_first" else "NHWC"
            return nn.bias_add(outputs, self.bias, data_format=layout, name="BiasAdd")
        shape = [1, self.filters] + [1] * self.rank
        return outputs + get_op("Reshape")(self.bias, shape)

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        shape = as_shape(input_shape)
        first = 2 if self.data_format == "channels_first" else 1
        padding = "same" if self.padding == "causal" else self.padding
        space = [
            output_length(
                shape[first + i], self.kernel_size[i], padding, self.strides[i], self.dilation_rate[i]
            )
            for i in range(self.rank)
        ]
        if self.data_format == "channels_first":
            return TensorShape([shape[0], self.filters, *space])
        return TensorShape([shape[0], *space, self.filters])


class Conv1D(Conv):
    """A convolution over sequences; see `conv1d` for the arguments."""

    def __init__(self, filters: int, kernel_size: Any, strides: Any = 1, **keywords: Any) -> None:
        super().__init__(1, filters, kernel_size, strides, **keywords)


class Conv2D(Conv):
    """A convolution over pictures; see `conv2d` for the arguments."""

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = (1, 1), *args: Any, **keywords: Any
    ) -> None:
        super().__init__(2, filters, kernel_size, strides, *args, **keywords)


class Conv3D(Conv):
    """A convolution over volumes; see `conv3d` for the arguments."""

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = (1, 1, 1), *args: Any, **keywords: Any
    ) -> None:
        super().__init__(3, filters, kernel_size, strides, *args, **keywords)


def conv1d(
    inputs: Any,
    filters: int,
    kernel_size: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str = "channels_last",
    dilation_rate: Any = 1,
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
    """A convolution over sequences: `activation(conv(inputs, kernel) + bias)`.

    Args:
        inputs: floats of shape `(batch, length, channels)`, or `(batch, channels, length)`.
        filters: number of channels of the output.
        kernel_size: length of the window.
        strides: steps of the window.
        padding: "valid": windows lie inside; "same": the output is as long as the input (over the stride);
            "causal": as "same", with no window looking ahead.
        data_format: "channels_last" or "channels_first".
        dilation_rate: distance between the window's elements.
        activation: function of the output; None for none.
        use_bias: whether a bias is added.
        kernel_initializer, bias_initializer: initializers; None for the variable scope's.
        kernel_regularizer, bias_regularizer: functions from the variable to a loss.
        activity_regularizer: function from the output to a loss.
        kernel_constraint, bias_constraint: functions from the variable to a value, applied after updates.
        trainable: whether optimizers change the variables by default.
        name: name of the layer.
        reuse: whether the variables of an earlier layer of that name are used.

    Returns:
        Floats of shape `(batch, new length, filters)`, or channels first.

    Raises:
        ValueError: the number of channels is not known, or an argument has no such value.
    """
    return call_layer(Conv1D, locals())  # type: ignore[no-any-return]


def conv2d(
    inputs: Any,
    filters: int,
    kernel_size: Any,
    strides: Any = (1, 1),
    padding: str = "valid",
    data_format: str = "channels_last",
    dilation_rate: Any = (1, 1),
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
    """A convolution over pictures: `activation(conv(inputs, kernel) + bias)`.

    Args:
        inputs: floats of shape `(batch, height, width, channels)`, or `(batch, channels, height, width)`.
        filters: number of channels of the output.
        kernel_size: height and width of the window, or one number for both.
        strides: steps of the window, down and across, or one number for both.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first".
        dilation_rate: distances between the window's elements, down and across, or one number for both.
        activation, use_bias, kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer,
            activity_regularizer, kernel_constraint, bias_constraint, trainable, name, reuse: as for `conv1d`.

    Returns:
        Floats of shape `(batch, new height, new width, filters)`, or channels first.

    Raises:
        ValueError: the number of channels is not known, or an argument has no such value.
    """
    return call_layer(Conv2D, locals())  # type: ignore[no-any-return]


def conv3d(
    inputs: Any,
    filters: int,
    kernel_size: Any,
    strides: Any = (1, 1, 1),
    padding: str = "valid",
    data_format: str = "channels_last",
    dilation_rate: Any = (1, 1, 1),
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
    """A convolution over volumes: `activation(conv(inputs, kernel) + bias)`.

    Args:
        inputs: floats of shape `(batch, depth, height, width, channels)`, or channels first.
        filters: number of channels of the output.
        kernel_size, strides, dilation_rate: three numbers, or one for all.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first".
        activation, use_bias, kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer,
            activity_regularizer, kernel_constraint, bias_constraint, trainable, name, reuse: as for `conv1d`.

    Returns:
        Floats of shape `(batch, new depth, new height, new width, filters)`, or channels first.
    """
    return call_layer(Conv3D, locals())  # type: ignore[no-any-return]
