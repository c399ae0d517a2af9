"""Convolutions of each channel by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ... import layers as core
from ... import nn
from ...graph.convert import convert_to_tensor
from ...graph.elements import Tensor
from ...variable_scope import get_variable
from ..arguments import add_arg_scope
from .common import XAVIER, ZEROS, Function, collected, finished, layer_scope

__all__ = ["separable_conv2d", "separable_convolution2d"]


@add_arg_scope
def separable_conv2d(
    inputs: Any,
    num_outputs: int | None,
    kernel_size: Any,
    depth_multiplier: int = 1,
    stride: Any = 1,
    padding: str = "SAME",
    data_format: str = "NHWC",
    rate: Any = 1,
    activation_fn: Function | None = nn.relu,
    normalizer_fn: Function | None = None,
    normalizer_params: Mapping[str, Any] | None = None,
    weights_initializer: Any = XAVIER,
    pointwise_initializer: Any = None,
    weights_regularizer: Function | None = None,
    biases_initializer: Any = ZEROS,
    biases_regularizer: Function | None = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    scope: Any = None,
) -> Tensor:
    """A convolution of each channel by itself, followed by one that mixes them.

    Args:
        num_outputs: number of channels of the output; None for no mixing.
        depth_multiplier: channels that each input channel gives before the mixing.
        pointwise_initializer: initializer of the mixing; that of the weights by default.
        inputs, kernel_size, stride, padding, data_format, rate, activation_fn, normalizer_fn, normalizer_params,
            weights_initializer, weights_regularizer, biases_initializer, biases_regularizer, reuse,
            variables_collections, outputs_collections, trainable, scope: as for `convolution`.
    """
    names = {
        "bias": "biases",
        "depthwise_kernel": "depthwise_weights",
        "pointwise_kernel": "pointwise_weights",
    }
    use_bias = not normalizer_fn and biases_initializer is not None
    layout = "channels_first" if data_format == "NCHW" else "channels_last"
    with layer_scope(scope, "SeparableConv2d", inputs, reuse, names, variables_collections) as sc:
        if num_outputs is None:
            outputs = _depthwise(
                convert_to_tensor(inputs),
                kernel_size,
                depth_multiplier,
                stride,
                padding,
                data_format,
                rate,
                weights_initializer,
                weights_regularizer,
                biases_initializer if use_bias else None,
                biases_regularizer,
                trainable,
            )
        else:
            layer = core.SeparableConv2D(
                num_outputs,
                kernel_size,
                strides=stride,
                padding=padding,
                data_format=layout,
                dilation_rate=rate,
                depth_multiplier=depth_multiplier,
                use_bias=use_bias,
                depthwise_initializer=weights_initializer,
                pointwise_initializer=pointwise_initializer or weights_initializer,
                bias_initializer=biases_initializer,
                depthwise_regularizer=weights_regularizer,
                pointwise_regularizer=weights_regularizer,
                bias_regularizer=biases_regularizer,
                trainable=trainable,
                name=sc.name,
                _captured=sc,
            )
            outputs = layer(inputs)
        outputs = finished(outputs, normalizer_fn, normalizer_params, activation_fn)
        return collected(outputs_collections, sc, outputs)


separable_convolution2d = separable_conv2d


def _pair(value: Any) -> list[int]:
    return [value, value] if isinstance(value, int) else list(value)


def _depthwise(
    inputs: Tensor,
    kernel_size: Any,
    depth_multiplier: int,
    stride: Any,
    padding: str,
    data_format: str,
    rate: Any,
    initializer: Any,
    regularizer: Any,
    biases_initializer: Any,
    biases_regularizer: Any,
    trainable: bool,
) -> Tensor:
    """A convolution of each channel by itself."""
    axis = 1 if data_format == "NCHW" else 3
    depth = int(inputs.shape[axis])
    shape = [*_pair(kernel_size), depth, depth_multiplier]
    kernel = get_variable(
        "depthwise_weights", shape, inputs.dtype, initializer, regularizer, trainable=trainable
    )
    steps = _pair(stride)
    strides = [1, 1, *steps] if axis == 1 else [1, *steps, 1]
    outputs = nn.depthwise_conv2d(inputs, kernel, strides, padding, rate=_pair(rate), data_format=data_format)
    if biases_initializer is None:
        return outputs
    biases = get_variable(
        "biases",
        [depth * depth_multiplier],
        inputs.dtype,
        biases_initializer,
        biases_regularizer,
        trainable=trainable,
    )
    return nn.bias_add(outputs, biases, data_format=data_format)
