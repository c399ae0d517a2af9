"""Fully connected layers, and biases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ... import layers as core
from ... import nn
from ...graph.convert import convert_to_tensor
from ...graph.elements import Tensor
from ...variable_scope import get_variable
from ..arguments import add_arg_scope
from .common import WEIGHT_NAMES, XAVIER, ZEROS, Function, collected, finished, layer_scope

__all__ = ["bias_add", "elu", "fully_connected", "legacy_fully_connected", "linear", "relu", "relu6"]


@add_arg_scope
def fully_connected(
    inputs: Any,
    num_outputs: int,
    activation_fn: Function | None = nn.relu,
    normalizer_fn: Function | None = None,
    normalizer_params: Mapping[str, Any] | None = None,
    weights_initializer: Any = XAVIER,
    weights_regularizer: Function | None = None,
    biases_initializer: Any = ZEROS,
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
    with layer_scope(scope, "fully_connected", inputs, reuse, WEIGHT_NAMES, variables_collections) as sc:
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
        outputs = finished(layer(inputs), normalizer_fn, normalizer_params, activation_fn)
        return collected(outputs_collections, sc, outputs)


def linear(inputs: Any, num_outputs: int, activation_fn: Function | None = None, **keywords: Any) -> Tensor:
    """`fully_connected` without an activation.

    Args:
        inputs: a tensor.
        num_outputs: units of the layer.
        activation_fn: applied at the end.
        **keywords: further arguments, as there.
    """
    return fully_connected(inputs, num_outputs, activation_fn, **keywords)


def relu(inputs: Any, num_outputs: int, activation_fn: Function | None = nn.relu, **keywords: Any) -> Tensor:
    """`fully_connected` with a rectifier.

    Args:
        inputs: a tensor.
        num_outputs: units of the layer.
        activation_fn: applied at the end.
        **keywords: further arguments, as there.
    """
    return fully_connected(inputs, num_outputs, activation_fn, **keywords)


def relu6(
    inputs: Any, num_outputs: int, activation_fn: Function | None = nn.relu6, **keywords: Any
) -> Tensor:
    """`fully_connected` with a rectifier that is cut off at six.

    Args:
        inputs: a tensor.
        num_outputs: units of the layer.
        activation_fn: applied at the end.
        **keywords: further arguments, as there.
    """
    return fully_connected(inputs, num_outputs, activation_fn, **keywords)


def elu(inputs: Any, num_outputs: int, activation_fn: Function | None = nn.elu, **keywords: Any) -> Tensor:
    """`fully_connected` with an exponential linear unit.

    Args:
        inputs: a tensor.
        num_outputs: units of the layer.
        activation_fn: applied at the end.
        **keywords: further arguments, as there.
    """
    return fully_connected(inputs, num_outputs, activation_fn, **keywords)


legacy_fully_connected = fully_connected


@add_arg_scope
def bias_add(
    inputs: Any,
    activation_fn: Function | None = None,
    initializer: Any = ZEROS,
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
    with layer_scope(scope, "BiasAdd", inputs, reuse, {}, variables_collections) as sc:
        axis = 1 if data_format == "NCHW" else -1
        biases = get_variable(
            "biases", [int(inputs.shape[axis])], inputs.dtype, initializer, regularizer, trainable=trainable
        )
        outputs = nn.bias_add(inputs, biases, data_format=data_format)
        return collected(outputs_collections, sc, finished(outputs, None, None, activation_fn))
