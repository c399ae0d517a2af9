"""Normalization over the batch, over each entry, over each channel of a picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ... import layers as core
from ... import nn
from ...graph.convert import convert_to_tensor
from ...graph.default_graph import get_default_graph
from ...graph.elements import Tensor
from ...graph.graph_keys import GraphKeys
from ...graph.opdef import get_op
from ...variable_scope import get_variable
from ..arguments import add_arg_scope
from .common import ONES, ZEROS, Function, collected, finished, layer_scope

__all__ = ["batch_norm", "instance_norm", "layer_norm", "unit_norm"]


@add_arg_scope
def unit_norm(inputs: Any, dim: int, epsilon: float = 1e-7, scope: str | None = None) -> Tensor:
    """The input divided by its length along a dimension.

    Args:
        inputs: a tensor.
        dim: the dimension.
        epsilon: added to the length, against division by zero.
        scope: name scope of the ops.
    """
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
    with layer_scope(scope, "BatchNorm", inputs, reuse, {}, variables_collections) as sc:
        layer = core.BatchNormalization(
            axis=1 if data_format.startswith("NC") else -1,
            momentum=decay,
            epsilon=epsilon,
            center=center,
            scale=scale,
            beta_initializer=first.get("beta", ZEROS),
            gamma_initializer=first.get("gamma", ONES),
            moving_mean_initializer=first.get("moving_mean", ZEROS),
            moving_variance_initializer=first.get("moving_variance", ONES),
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
        return collected(outputs_collections, sc, finished(outputs, None, None, activation_fn))


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
    with layer_scope(scope, "LayerNorm", inputs, reuse, {}, variables_collections) as sc:
        beta = gamma = None
        if center:
            beta = get_variable("beta", params, inputs.dtype, ZEROS, trainable=trainable)
        if scale:
            gamma = get_variable("gamma", params, inputs.dtype, ONES, trainable=trainable)
        mean, variance = nn.moments(inputs, list(range(begin, rank)), keep_dims=True)
        outputs = nn.batch_normalization(inputs, mean, variance, beta, gamma, 1e-12)
        outputs.set_shape(inputs.shape)
        return collected(outputs_collections, sc, finished(outputs, None, None, activation_fn))


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
    with layer_scope(scope, "InstanceNorm", inputs, reuse, {}, variables_collections) as sc:
        beta = gamma = None
        if center:
            beta = get_variable(
                "beta", [shape[axis]], inputs.dtype, first.get("beta", ZEROS), trainable=trainable
            )
            beta = get_op("Reshape")(beta, shape)
        if scale:
            gamma = get_variable(
                "gamma", [shape[axis]], inputs.dtype, first.get("gamma", ONES), trainable=trainable
            )
            gamma = get_op("Reshape")(gamma, shape)
        mean, variance = nn.moments(inputs, [i for i in range(1, rank) if i != axis], keep_dims=True)
        outputs = nn.batch_normalization(inputs, mean, variance, beta, gamma, epsilon)
        outputs.set_shape(inputs.shape)
        return collected(outputs_collections, sc, finished(outputs, None, None, activation_fn))
