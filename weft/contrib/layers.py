"""Layers in the form of TensorFlow's `contrib.layers`: activation, normalization and regularization in one call."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from .. import layers as core
from .. import nn
from ..array import one_hot
from ..graph.convert import convert_to_tensor
from ..graph.default_graph import get_default_graph
from ..graph.elements import Tensor
from ..graph.graph_keys import GraphKeys
from ..graph.opdef import get_op
from ..initializers import Ones, VarianceScaling, Zeros
from ..regularizers import (
    apply_regularization,
    l1_l2_regularizer,
    l1_regularizer,
    l2_regularizer,
    sum_regularizer,
)
from ..variable_scope import get_variable, variable_scope
from .arguments import add_arg_scope

__all__ = [
    "apply_regularization",
    "avg_pool2d",
    "avg_pool3d",
    "batch_norm",
    "bias_add",
    "conv1d",
    "conv2d",
    "conv2d_transpose",
    "conv3d",
    "convolution",
    "convolution2d",
    "convolution2d_transpose",
    "dropout",
    "elu",
    "embed_sequence",
    "flatten",
    "fully_connected",
    "instance_norm",
    "l1_l2_regularizer",
    "l1_regularizer",
    "l2_regularizer",
    "layer_norm",
    "legacy_fully_connected",
    "linear",
    "max_pool2d",
    "max_pool3d",
    "one_hot_encoding",
    "relu",
    "relu6",
    "repeat",
    "separable_conv2d",
    "separable_convolution2d",
    "softmax",
    "stack",
    "sum_regularizer",
    "unit_norm",
    "variance_scaling_initializer",
    "xavier_initializer",
    "xavier_initializer_conv2d",
]

Function = Callable[..., Any]


def xavier_initializer(
    uniform: bool = True, seed: int | None = None, dtype: Any = "float32"
) -> VarianceScaling:
    """Random numbers with a variance of `2 / (inputs + outputs)`.

    Args:
        uniform: evenly distributed numbers; normal ones otherwise.
        seed: seed of the numbers.
        dtype: element type.

    Source:
        Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.
    """
    return VarianceScaling(1.0, "fan_avg", "uniform" if uniform else "truncated_normal", seed, dtype)


xavier_initializer_conv2d = xavier_initializer


def variance_scaling_initializer(
    factor: float = 2.0,
    mode: str = "FAN_IN",
    uniform: bool = False,
    seed: int | None = None,
    dtype: Any = "float32",
) -> VarianceScaling:
    """Random numbers with a variance of `factor / n`; mode FAN_IN, FAN_OUT or FAN_AVG says what n counts."""
    return VarianceScaling(factor, mode.lower(), "uniform" if uniform else "truncated_normal", seed, dtype)


_XAVIER, _ZEROS, _ONES = xavier_initializer(), Zeros(), Ones()


def _keys(variables_collections: Any, name: str) -> Sequence[str]:
    """The collections asked for one variable of a layer."""
    if isinstance(variables_collections, Mapping):
        return list(variables_collections.get(name) or ())
    if isinstance(variables_collections, str):
        return [variables_collections]
    return list(variables_collections or ())


@contextlib.contextmanager
def _layer_scope(
    scope: Any, default: str, inputs: Any, reuse: Any, names: Mapping[str, str], variables_collections: Any
) -> Iterator[Any]:
    """A variable scope in which the core layers' variables get contrib's names and collections."""

    def getter(getter: Function, name: str, *args: Any, **keywords: Any) -> Any:
        base, _, leaf = name.rpartition("/")
        leaf = names.get(leaf, leaf)
        asked = keywords.get("collections") or [GraphKeys.GLOBAL_VARIABLES]
        keywords["collections"] = [*asked, GraphKeys.MODEL_VARIABLES, *_keys(variables_collections, leaf)]
        return getter(f"{base}/{leaf}" if base else leaf, *args, **keywords)

    with variable_scope(scope, default, [inputs], reuse=reuse, custom_getter=getter) as entered:
        yield entered


def _collected(outputs_collections: Any, scope: Any, outputs: Tensor) -> Tensor:
    if outputs_collections:
        get_default_graph().add_to_collections(outputs_collections, outputs)
    return outputs


def _finished(
    outputs: Tensor, normalizer_fn: Function | None, normalizer_params: Any, activation_fn: Function | None
) -> Tensor:
    if normalizer_fn is not None:
        outputs = normalizer_fn(outputs, **(normalizer_params or {}))
    return outputs if activation_fn is None else activation_fn(outputs)


_NAMES = {"kernel": "weights", "bias": "biases"}


@add_arg_scope
def fully_connected(
    inputs: Any,
    num_outputs: int,
    activation_fn: Function | None = nn.relu,
    normalizer_fn: Function | None = None,
    normalizer_params: Mapping[str, Any] | None = None,
    weights_initializer: Any = _XAVIER,
    weights_regularizer: Function | None = None,
    biases_initializer: Any = _ZEROS,
    biases_regularizer: Function | None = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    scope: Any = None,
) -> Tensor:
    """`activation_fn(inputs @ weights + biases)`.

    Args:
        inputs: floats of shape `(..., depth)`.
        num_outputs: size of the output's last dimension.
        activation_fn: function of the sum; None for none.
        normalizer_fn: a normalization in the place of the biases.
        normalizer_params: its arguments.
        weights_initializer, biases_initializer: initializers; None for no biases.
        weights_regularizer, biases_regularizer: functions from a variable to a loss.
        reuse: whether the variables of an earlier layer of that scope are used.
        variables_collections: collections of the variables: a list, or from "weights" and "biases" to lists.
        outputs_collections: collections of the output.
        trainable: whether optimizers change the variables by default.
        scope: variable scope, or its name.

    Returns:
        Floats of shape `(..., num_outputs)`.
    """
    with _layer_scope(scope, "fully_connected", inputs, reuse, _NAMES, variables_collections) as sc:
        layer = core.Dense(
            num_outputs,
            use_bias=not normalizer_fn and biases_initializer is not None,
            kernel_initializer=weights_initializer,
            bias_initializer=biases_initializer,
            kernel_regularizer=weights_regularizer,
            bias_regularizer=biases_regularizer,
            trainable=trainable,
            name=sc.name,
            _captured=sc,
        )
        outputs = _finished(layer(inputs), normalizer_fn, normalizer_params, activation_fn)
        return _collected(outputs_collections, sc, outputs)


def linear(inputs: Any, num_outputs: int, activation_fn: Function | None = None, **keywords: Any) -> Tensor:
    """`fully_connected` without an activation."""
    return fully_connected(inputs, num_outputs, activation_fn, **keywords)


def relu(inputs: Any, num_outputs: int, activation_fn: Function | None = nn.relu, **keywords: Any) -> Tensor:
    """`fully_connected` with a rectifier."""
    return fully_connected(inputs, num_outputs, activation_fn, **keywords)


def relu6(
    inputs: Any, num_outputs: int, activation_fn: Function | None = nn.relu6, **keywords: Any
) -> Tensor:
    """`fully_connected` with a rectifier that is cut off at six."""
    return fully_connected(inputs, num_outputs, activation_fn, **keywords)


def elu(inputs: Any, num_outputs: int, activation_fn: Function | None = nn.elu, **keywords: Any) -> Tensor:
    """`fully_connected` with an exponential linear unit."""
    return fully_connected(inputs, num_outputs, activation_fn, **keywords)


legacy_fully_connected = fully_connected


@add_arg_scope
def convolution(
    inputs: Any,
    num_outputs: int,
    kernel_size: Any,
    stride: Any = 1,
    padding: str = "SAME",
    data_format: str | None = None,
    rate: Any = 1,
    activation_fn: Function | None = nn.relu,
    normalizer_fn: Function | None = None,
    normalizer_params: Mapping[str, Any] | None = None,
    weights_initializer: Any = _XAVIER,
    weights_regularizer: Function | None = None,
    biases_initializer: Any = _ZEROS,
    biases_regularizer: Function | None = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    scope: Any = None,
    conv_dims: int | None = None,
) -> Tensor:
    """`activation_fn(convolution(inputs, weights) + biases)` over one, two or three spatial dimensions.

    Args:
        inputs: floats of shape `(batch, *space, channels)`, or channels first with `data_format` "NC...".
        num_outputs: number of channels of the output.
        kernel_size: size of the window, a number per spatial dimension or one for all.
        stride: steps of the window.
        padding: "SAME" or "VALID".
        data_format: "NHWC", "NCHW" and the like.
        rate: distances between the window's elements.
        activation_fn, normalizer_fn, normalizer_params, weights_initializer, weights_regularizer,
            biases_initializer, biases_regularizer, reuse, variables_collections, outputs_collections, trainable,
            scope: as for `fully_connected`.
        conv_dims: number of spatial dimensions that the input must have.

    Returns:
        Floats of shape `(batch, *new space, num_outputs)`, or channels first.

    Raises:
        ValueError: the rank of the input does not fit.
    """
    inputs = convert_to_tensor(inputs)
    rank = inputs.shape.rank
    if rank is None or not 3 <= rank <= 5 or (conv_dims is not None and rank != conv_dims + 2):
        wanted = "3, 4 or 5" if conv_dims is None else str(conv_dims + 2)
        raise ValueError(f"Convolution: the input must have rank {wanted}, got shape {inputs.shape}.")
    cls = {3: core.Conv1D, 4: core.Conv2D, 5: core.Conv3D}[rank]
    with _layer_scope(scope, "Conv", inputs, reuse, _NAMES, variables_collections) as sc:
        layer = cls(
            num_outputs,
            kernel_size,
            strides=stride,
            padding=padding,
            data_format="channels_first" if data_format and data_format.startswith("NC") else "channels_last",
            dilation_rate=rate,
            use_bias=not normalizer_fn and biases_initializer is not None,
            kernel_initializer=weights_initializer,
            bias_initializer=biases_initializer,
            kernel_regularizer=weights_regularizer,
            bias_regularizer=biases_regularizer,
            trainable=trainable,
            name=sc.name,
            _captured=sc,
        )
        outputs = _finished(layer(inputs), normalizer_fn, normalizer_params, activation_fn)
        return _collected(outputs_collections, sc, outputs)


@add_arg_scope
def conv1d(
    inputs: Any,
    num_outputs: int,
    kernel_size: Any,
    stride: Any = 1,
    padding: str = "SAME",
    data_format: str | None = None,
    rate: Any = 1,
    activation_fn: Function | None = nn.relu,
    normalizer_fn: Function | None = None,
    normalizer_params: Mapping[str, Any] | None = None,
    weights_initializer: Any = _XAVIER,
    weights_regularizer: Function | None = None,
    biases_initializer: Any = _ZEROS,
    biases_regularizer: Function | None = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    scope: Any = None,
) -> Tensor:
    """A convolution over sequences; arguments as `convolution`."""
    return convolution(**locals(), conv_dims=1)


@add_arg_scope
def conv2d(
    inputs: Any,
    num_outputs: int,
    kernel_size: Any,
    stride: Any = 1,
    padding: str = "SAME",
    data_format: str | None = None,
    rate: Any = 1,
    activation_fn: Function | None = nn.relu,
    normalizer_fn: Function | None = None,
    normalizer_params: Mapping[str, Any] | None = None,
    weights_initializer: Any = _XAVIER,
    weights_regularizer: Function | None = None,
    biases_initializer: Any = _ZEROS,
    biases_regularizer: Function | None = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    scope: Any = None,
) -> Tensor:
    """A convolution over pictures; arguments as `convolution`."""
    return convolution(**locals(), conv_dims=2)


@add_arg_scope
def conv3d(
    inputs: Any,
    num_outputs: int,
    kernel_size: Any,
    stride: Any = 1,
    padding: str = "SAME",
    data_format: str | None = None,
    rate: Any = 1,
    activation_fn: Function | None = nn.relu,
    normalizer_fn: Function | None = None,
    normalizer_params: Mapping[str, Any] | None = None,
    weights_initializer: Any = _XAVIER,
    weights_regularizer: Function | None = None,
    biases_initializer: Any = _ZEROS,
    biases_regularizer: Function | None = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    scope: Any = None,
) -> Tensor:
    """A convolution over volumes; arguments as `convolution`."""
    return convolution(**locals(), conv_dims=3)


convolution2d = conv2d


@add_arg_scope
def conv2d_transpose(
    inputs: Any,
    num_outputs: int,
    kernel_size: Any,
    stride: Any = 1,
    padding: str = "SAME",
    data_format: str = "NHWC",
    activation_fn: Function | None = nn.relu,
    normalizer_fn: Function | None = None,
    normalizer_params: Mapping[str, Any] | None = None,
    weights_initializer: Any = _XAVIER,
    weights_regularizer: Function | None = None,
    biases_initializer: Any = _ZEROS,
    biases_regularizer: Function | None = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    scope: Any = None,
) -> Tensor:
    """The transpose of a convolution over pictures, which makes them larger; arguments as `convolution`."""
    with _layer_scope(scope, "Conv2d_transpose", inputs, reuse, _NAMES, variables_collections) as sc:
        layer = core.Conv2DTranspose(
            num_outputs,
            kernel_size,
            strides=stride,
            padding=padding,
            data_format="channels_first" if data_format == "NCHW" else "channels_last",
            use_bias=not normalizer_fn and biases_initializer is not None,
            kernel_initializer=weights_initializer,
            bias_initializer=biases_initializer,
            kernel_regularizer=weights_regularizer,
            bias_regularizer=biases_regularizer,
            trainable=trainable,
            name=sc.name,
            _captured=sc,
        )
        outputs = _finished(layer(inputs), normalizer_fn, normalizer_params, activation_fn)
        return _collected(outputs_collections, sc, outputs)


convolution2d_transpose = conv2d_transpose


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
    weights_initializer: Any = _XAVIER,
    pointwise_initializer: Any = None,
    weights_regularizer: Function | None = None,
    biases_initializer: Any = _ZEROS,
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
    with _layer_scope(scope, "SeparableConv2d", inputs, reuse, names, variables_collections) as sc:
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
        outputs = _finished(outputs, normalizer_fn, normalizer_params, activation_fn)
        return _collected(outputs_collections, sc, outputs)


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


def _layout(data_format: str | None) -> str:
    return "channels_first" if data_format and data_format.startswith("NC") else "channels_last"


@add_arg_scope
def max_pool2d(
    inputs: Any,
    kernel_size: Any,
    stride: Any = 2,
    padding: str = "VALID",
    data_format: str = "NHWC",
    outputs_collections: Any = None,
    scope: str | None = None,
) -> Tensor:
    """Greatest element of each window of pictures.

    Args:
        inputs: a tensor of shape `(batch, height, width, channels)`, or channels first with "NCHW".
        kernel_size: height and width of the window, or one number for both.
        stride: steps of the window.
        padding: "VALID" or "SAME".
        data_format: "NHWC" or "NCHW".
        outputs_collections: collections of the output.
        scope: name scope of the ops.
    """
    return _pooled(core.MaxPooling2D, "MaxPool2D", locals())


@add_arg_scope
def avg_pool2d(
    inputs: Any,
    kernel_size: Any,
    stride: Any = 2,
    padding: str = "VALID",
    data_format: str = "NHWC",
    outputs_collections: Any = None,
    scope: str | None = None,
) -> Tensor:
    """Mean of each window of pictures; arguments as `max_pool2d`."""
    return _pooled(core.AveragePooling2D, "AvgPool2D", locals())


@add_arg_scope
def max_pool3d(
    inputs: Any,
    kernel_size: Any,
    stride: Any = 2,
    padding: str = "VALID",
    data_format: str = "NDHWC",
    outputs_collections: Any = None,
    scope: str | None = None,
) -> Tensor:
    """Greatest element of each window of volumes; arguments as `max_pool2d`."""
    return _pooled(core.MaxPooling3D, "MaxPool3D", locals())


@add_arg_scope
def avg_pool3d(
    inputs: Any,
    kernel_size: Any,
    stride: Any = 2,
    padding: str = "VALID",
    data_format: str = "NDHWC",
    outputs_collections: Any = None,
    scope: str | None = None,
) -> Tensor:
    """Mean of each window of volumes; arguments as `max_pool2d`."""
    return _pooled(core.AveragePooling3D, "AvgPool3D", locals())


def _pooled(cls: Any, default: str, a: Mapping[str, Any]) -> Tensor:
    layer = cls(
        a["kernel_size"], a["stride"], padding=a["padding"], data_format=_layout(a["data_format"]),
        name=a["scope"] or default,
    )  # fmt: skip
    return _collected(a["outputs_collections"], None, layer(a["inputs"]))


@add_arg_scope
def flatten(inputs: Any, outputs_collections: Any = None, scope: str | None = None) -> Tensor:
    """All dimensions but the first made into one."""
    with get_default_graph().name_scope(scope or "Flatten"):
        return _collected(outputs_collections, None, core.flatten(inputs))


@add_arg_scope
def dropout(
    inputs: Any,
    keep_prob: Any = 0.5,
    noise_shape: Any = None,
    is_training: Any = True,
    outputs_collections: Any = None,
    scope: str | None = None,
    seed: int | None = None,
) -> Tensor:
    """Keeps a random share `keep_prob` of the elements in training, scaled so that the sum stays.

    Args:
        inputs: floats of any shape.
        keep_prob: share of the elements that are kept.
        noise_shape: shape of the choice, broadcast to the input.
        is_training: a bool or boolean scalar tensor; otherwise the input is given back.
        outputs_collections: collections of the output.
        scope: name scope of the ops.
        seed: seed of the choice.
    """
    layer = core.Dropout(1 - keep_prob, noise_shape, seed, name=scope or "Dropout")
    return _collected(outputs_collections, None, layer(inputs, training=is_training))


@add_arg_scope
def bias_add(
    inputs: Any,
    activation_fn: Function | None = None,
    initializer: Any = _ZEROS,
    regularizer: Function | None = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    data_format: str = "NHWC",
    scope: Any = None,
) -> Tensor:
    """Adds a variable to each channel; arguments as `fully_connected`."""
    inputs = convert_to_tensor(inputs)
    with _layer_scope(scope, "BiasAdd", inputs, reuse, {}, variables_collections) as sc:
        axis = 1 if data_format == "NCHW" else -1
        biases = get_variable(
            "biases", [int(inputs.shape[axis])], inputs.dtype, initializer, regularizer, trainable=trainable
        )
        outputs = nn.bias_add(inputs, biases, data_format=data_format)
        return _collected(outputs_collections, sc, _finished(outputs, None, None, activation_fn))


@add_arg_scope
def one_hot_encoding(
    labels: Any,
    num_classes: int,
    on_value: float = 1.0,
    off_value: float = 0.0,
    outputs_collections: Any = None,
    scope: str | None = None,
) -> Tensor:
    """Class numbers as rows with `on_value` at the class and `off_value` elsewhere."""
    with get_default_graph().name_scope(scope or "OneHotEncoding"):
        encoded = one_hot(convert_to_tensor(labels), num_classes, on_value=on_value, off_value=off_value)
        return _collected(outputs_collections, None, encoded)


@add_arg_scope
def softmax(logits: Any, scope: str | None = None) -> Tensor:
    """Probabilities from logits, over the last dimension of a tensor of any rank above one."""
    with get_default_graph().name_scope(scope or "softmax"):
        return nn.softmax(convert_to_tensor(logits))


@add_arg_scope
def unit_norm(inputs: Any, dim: int, epsilon: float = 1e-7, scope: str | None = None) -> Tensor:
    """The input divided by its length along a dimension."""
    inputs = convert_to_tensor(inputs)
    rank = inputs.shape.rank
    if rank is not None and not 0 <= dim < rank:
        raise ValueError(f"unit_norm: dim {dim} lies outside of the input of shape {inputs.shape}.")
    with get_default_graph().name_scope(scope or "UnitNorm"):
        squares = get_op("Sum")(get_op("Square")(inputs), [dim], keep_dims=True)
        return get_op("RealDiv")(inputs, get_op("Sqrt")(squares + epsilon))  # type: ignore[no-any-return]


@add_arg_scope
def batch_norm(
    inputs: Any,
    decay: float = 0.999,
    center: bool = True,
    scale: bool = False,
    epsilon: float = 0.001,
    activation_fn: Function | None = None,
    param_initializers: Mapping[str, Any] | None = None,
    param_regularizers: Mapping[str, Any] | None = None,
    updates_collections: Any = GraphKeys.UPDATE_OPS,
    is_training: Any = True,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    batch_weights: Any = None,
    fused: bool | None = None,
    data_format: str = "NHWC",
    zero_debias_moving_mean: bool = False,
    scope: Any = None,
    renorm: bool = False,
    renorm_clipping: Mapping[str, Any] | None = None,
    renorm_decay: float = 0.99,
    adjustment: Function | None = None,
) -> Tensor:
    """Normalizes each channel over the batch in training, and by moving averages otherwise.

    Args:
        inputs: floats of a known rank.
        decay: share of the moving averages that each step keeps.
        center, scale: whether an offset "beta" is added, and a factor "gamma" applied.
        epsilon: added to the variance.
        activation_fn: function of the output; None for none.
        param_initializers, param_regularizers: from "beta", "gamma", "moving_mean", "moving_variance" to
            initializers, and to functions that give a loss.
        updates_collections: collections of the updates of the averages; None to make the output depend on them.
        is_training: a bool or boolean scalar tensor.
        reuse, variables_collections, outputs_collections, trainable, scope: as for `fully_connected`.
        batch_weights, zero_debias_moving_mean: must be left as they are.
        fused, renorm, renorm_clipping, adjustment: as for `layers.batch_normalization`.
        data_format: "NHWC" or "NCHW".
        renorm_decay: share of the averages for renormalization that each step keeps.

    Raises:
        ValueError: `batch_weights` or `zero_debias_moving_mean` is given.

    Source:
        Ioffe and Szegedy, "Batch Normalization", 2015.
    """
    if batch_weights is not None or zero_debias_moving_mean:
        raise ValueError("batch_norm takes neither batch_weights nor zero_debias_moving_mean.")
    first = param_initializers or {}
    penalties = param_regularizers or {}
    inputs = convert_to_tensor(inputs)
    with _layer_scope(scope, "BatchNorm", inputs, reuse, {}, variables_collections) as sc:
        layer = core.BatchNormalization(
            axis=1 if data_format.startswith("NC") else -1,
            momentum=decay,
            epsilon=epsilon,
            center=center,
            scale=scale,
            beta_initializer=first.get("beta", _ZEROS),
            gamma_initializer=first.get("gamma", _ONES),
            moving_mean_initializer=first.get("moving_mean", _ZEROS),
            moving_variance_initializer=first.get("moving_variance", _ONES),
            beta_regularizer=penalties.get("beta"),
            gamma_regularizer=penalties.get("gamma"),
            renorm=renorm,
            renorm_clipping=renorm_clipping,
            renorm_momentum=renorm_decay,
            fused=fused,
            adjustment=adjustment,
            trainable=trainable,
            name=sc.name,
            _captured=sc,
            _updates_collections=updates_collections,
        )
        outputs = layer(inputs, training=is_training)
        if updates_collections is None and layer.updates:
            with get_default_graph().control_dependencies(layer.updates):
                outputs = get_op("Identity")(outputs)
        return _collected(outputs_collections, sc, _finished(outputs, None, None, activation_fn))


@add_arg_scope
def layer_norm(
    inputs: Any,
    center: bool = True,
    scale: bool = True,
    activation_fn: Function | None = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    begin_norm_axis: int = 1,
    begin_params_axis: int = -1,
    scope: Any = None,
) -> Tensor:
    """Normalizes each entry of the batch over its own elements.

    Args:
        inputs: floats of a known rank.
        center, scale: whether an offset "beta" is added, and a factor "gamma" applied.
        begin_norm_axis: first of the axes that are normalized over.
        begin_params_axis: first of the axes that beta and gamma have.
        activation_fn, reuse, variables_collections, outputs_collections, trainable, scope: as for
            `fully_connected`.

    Source:
        Ba, Kiros and Hinton, "Layer Normalization", 2016.
    """
    inputs = convert_to_tensor(inputs)
    rank = len(inputs.shape)
    begin = begin_norm_axis % rank
    params = list(inputs.shape[begin_params_axis % rank :].known())
    with _layer_scope(scope, "LayerNorm", inputs, reuse, {}, variables_collections) as sc:
        beta = gamma = None
        if center:
            beta = get_variable("beta", params, inputs.dtype, _ZEROS, trainable=trainable)
        if scale:
            gamma = get_variable("gamma", params, inputs.dtype, _ONES, trainable=trainable)
        mean, variance = nn.moments(inputs, list(range(begin, rank)), keep_dims=True)
        outputs = nn.batch_normalization(inputs, mean, variance, beta, gamma, 1e-12)
        outputs.set_shape(inputs.shape)
        return _collected(outputs_collections, sc, _finished(outputs, None, None, activation_fn))


@add_arg_scope
def instance_norm(
    inputs: Any,
    center: bool = True,
    scale: bool = True,
    epsilon: float = 1e-6,
    activation_fn: Function | None = None,
    param_initializers: Mapping[str, Any] | None = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    data_format: str = "NHWC",
    scope: Any = None,
) -> Tensor:
    """Normalizes each channel of each picture over its own elements; arguments as `batch_norm`.

    Source:
        Ulyanov, Vedaldi and Lempitsky, "Instance Normalization", 2016.
    """
    inputs = convert_to_tensor(inputs)
    rank = len(inputs.shape)
    axis = 1 if data_format.startswith("NC") else rank - 1
    shape = [1] * rank
    shape[axis] = int(inputs.shape[axis])
    first = param_initializers or {}
    with _layer_scope(scope, "InstanceNorm", inputs, reuse, {}, variables_collections) as sc:
        beta = gamma = None
        if center:
            beta = get_variable(
                "beta", [shape[axis]], inputs.dtype, first.get("beta", _ZEROS), trainable=trainable
            )
            beta = get_op("Reshape")(beta, shape)
        if scale:
            gamma = get_variable(
                "gamma", [shape[axis]], inputs.dtype, first.get("gamma", _ONES), trainable=trainable
            )
            gamma = get_op("Reshape")(gamma, shape)
        mean, variance = nn.moments(inputs, [i for i in range(1, rank) if i != axis], keep_dims=True)
        outputs = nn.batch_normalization(inputs, mean, variance, beta, gamma, epsilon)
        outputs.set_shape(inputs.shape)
        return _collected(outputs_collections, sc, _finished(outputs, None, None, activation_fn))


@add_arg_scope
def repeat(inputs: Any, repetitions: int, layer: Function, *args: Any, **kwargs: Any) -> Tensor:
    """The same layer several times in a row, with variables of its own each time."""
    scope = kwargs.pop("scope", None)
    with variable_scope(scope, "Repeat", [inputs]):
        outputs = convert_to_tensor(inputs)
        scope = scope or getattr(layer, "__name__", "repeat")
        for i in range(repetitions):
            outputs = layer(outputs, *args, scope=f"{scope}_{i + 1}", **kwargs)
        return outputs


def stack(inputs: Any, layer: Function, stack_args: Sequence[Any], **kwargs: Any) -> Tensor:
    """The same layer several times in a row, with arguments of its own each time.

    Args:
        inputs: input of the first.
        layer: the layer.
        stack_args: for each repetition its arguments, a list or a single one.
        **kwargs: arguments of all repetitions.
    """
    scope = kwargs.pop("scope", None)
    with variable_scope(scope, "Stack", [inputs]):
        outputs = convert_to_tensor(inputs)
        scope = scope or getattr(layer, "__name__", "stack")
        for i, own in enumerate(stack_args):
            args = own if isinstance(own, (list, tuple)) else [own]
            outputs = layer(outputs, *args, scope=f"{scope}_{i + 1}", **kwargs)
        return outputs


def embed_sequence(
    ids: Any,
    vocab_size: int | None = None,
    embed_dim: int | None = None,
    unique: bool = False,
    initializer: Any = None,
    regularizer: Function | None = None,
    trainable: bool = True,
    scope: Any = None,
    reuse: Any = None,
) -> Tensor:
    """For each number its row of a variable "embeddings" of shape `(vocab_size, embed_dim)`.

    Args:
        ids: integers of shape `(batch, length)`.
        vocab_size, embed_dim: shape of the variable.
        unique: accepted for TensorFlow's sake.
        initializer, regularizer, trainable: of the variable.
        scope, reuse: its variable scope.

    Returns:
        Floats of shape `(batch, length, embed_dim)`.
    """
    if not reuse and (vocab_size is None or embed_dim is None):
        raise ValueError("embed_sequence needs vocab_size and embed_dim unless its variable is reused.")
    with variable_scope(scope, "EmbedSequence", [ids], reuse=reuse):
        shape = None if vocab_size is None else [vocab_size, embed_dim]
        table = get_variable(
            "embeddings", shape, initializer=initializer, regularizer=regularizer, trainable=trainable
        )
        return nn.embedding_lookup(table, ids)  # type: ignore[no-any-return]
