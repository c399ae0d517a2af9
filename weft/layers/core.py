"""Dense layers, dropout, flattening."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import nn
from ..graph.elements import Tensor
from ..graph.opdef import get_op
from ..graph.shapes import TensorShape, as_shape
from ..initializers import Zeros
from ..shaping import reshape
from ..shaping import shape as shape_of
from .base import InputSpec, Layer, call_layer
from .smart import smart_cond

__all__ = ["Dense", "Dropout", "Flatten", "dense", "dropout", "flatten", "fully_connected"]

Function = Callable[..., Any]
_ZEROS = Zeros()


class Dense(Layer):
    """`activation(inputs @ kernel + bias)`.

    Args:
        units: size of the output's last dimension.
        activation: function of the sum; None for none.
        use_bias: whether a bias is added.
        kernel_initializer, bias_initializer: initializers; None for the variable scope's.
        kernel_regularizer, bias_regularizer: functions from the variable to a loss.
        activity_regularizer: function from the output to a loss.
        kernel_constraint, bias_constraint: functions from the variable to a value, applied after updates.
        trainable: whether optimizers change the variables by default.
        name: name of the layer.

    Raises:
        ValueError: when called, if the last dimension of the input is not known.
    """

    def __init__(
        self,
        units: int,
        activation: Function | None = None,
        use_bias: bool = True,
        kernel_initializer: Any = None,
        bias_initializer: Any = _ZEROS,
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
        self.units = int(units)
        if self.units <= 0:
            raise ValueError(f"units must be positive, got {units}.")
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
        self.input_spec = InputSpec(min_ndim=2)

    def build(self, input_shape: Any) -> None:
        depth = as_shape(input_shape)[-1]
        if depth is None:
            raise ValueError(f"the last dimension of the input must be known, got shape {input_shape}")
        self.input_spec = InputSpec(min_ndim=2, axes={-1: depth})
        self.kernel = self.add_weight(
            "kernel",
            shape=[depth, self.units],
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        if self.use_bias:
            self.bias = self.add_weight(
                "bias",
                shape=[self.units],
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        super().build(input_shape)

    def call(self, inputs: Tensor, **arguments: Any) -> Tensor:
        if inputs.shape.rank == 2:
            outputs = get_op("MatMul")(inputs, self.kernel, name="MatMul")
        else:
            outputs = self._over_last_dimension(inputs)
        if self.use_bias:
            outputs = nn.bias_add(outputs, self.bias, name="BiasAdd")
        return outputs if self.activation is None else self.activation(outputs)

    def _over_last_dimension(self, inputs: Tensor) -> Tensor:
        static = inputs.shape
        flat = reshape(inputs, [-1, int(static[-1])])
        product = get_op("MatMul")(flat, self.kernel, name="Tensordot")
        outer = static[:-1]
        if outer.dims is not None and outer.dims.count(None) <= 1:
            outputs = reshape(product, [-1 if d is None else d for d in outer.dims] + [self.units])
        else:
            outputs = reshape(product, get_op("ConcatV2")([shape_of(inputs)[:-1], [self.units]], 0))
        outputs.set_shape(self.compute_output_shape(static))
        return outputs

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        return as_shape(input_shape)[:-1].concatenate([self.units])


def dense(
    inputs: Any,
    units: int,
    activation: Function | None = None,
    use_bias: bool = True,
    kernel_initializer: Any = None,
    bias_initializer: Any = _ZEROS,
    kernel_regularizer: Function | None = None,
    bias_regularizer: Function | None = None,
    activity_regularizer: Function | None = None,
    kernel_constraint: Function | None = None,
    bias_constraint: Function | None = None,
    trainable: bool = True,
    name: str | None = None,
    reuse: Any = None,
) -> Tensor:
    """`activation(inputs @ kernel + bias)`; see `Dense`.

    Args:
        inputs: floats of shape `(..., depth)`.
        units, activation, use_bias, kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer,
            activity_regularizer, kernel_constraint, bias_constraint, trainable, name: as for `Dense`.
        reuse: whether the variables of an earlier layer of that name are used.

    Returns:
        Floats of shape `(..., units)`.
    """
    return call_layer(Dense, locals())  # type: ignore[no-any-return]


fully_connected = dense
FullyConnected = Dense


class Dropout(Layer):
    """Sets a random share of the elements to zero in training, and scales the others so that the sum stays.

    Args:
        rate: share of the elements that are dropped.
        noise_shape: shape of the choice, broadcast to the input: ones where dimensions are dropped together.
        seed: seed of the choice.
        name: name of the layer.

    Source:
        Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", 2014.
    """

    def __init__(
        self,
        rate: Any = 0.5,
        noise_shape: Any = None,
        seed: int | None = None,
        name: str | None = None,
        **keywords: Any,
    ) -> None:
        super().__init__(name=name, **keywords)
        self.rate = rate
        self.noise_shape = noise_shape
        self.seed = seed

    def call(self, inputs: Tensor, training: Any = False, **arguments: Any) -> Tensor:
        """The input, with elements dropped where `training` (a bool or boolean scalar) says so."""

        def dropped() -> Tensor:
            return nn.dropout(inputs, rate=self.rate, noise_shape=self.noise_shape, seed=self.seed)

        return smart_cond(training, dropped, lambda: get_op("Identity")(inputs))  # type: ignore[no-any-return]

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        return as_shape(input_shape)


def dropout(
    inputs: Any,
    rate: Any = 0.5,
    noise_shape: Any = None,
    seed: int | None = None,
    training: Any = False,
    name: str | None = None,
) -> Tensor:
    """Drops a random share of the elements in training; see `Dropout`.

    Args:
        inputs: floats of any shape.
        rate, noise_shape, seed, name: as for `Dropout`.
        training: a bool or boolean scalar tensor; without it the input is given back.
    """
    layer = Dropout(rate, noise_shape, seed, name)
    return layer(inputs, training=training)  # type: ignore[no-any-return]


class Flatten(Layer):
    """All dimensions but the first made into one.

    Args:
        data_format: "channels_last", or "channels_first" to bring the channels to the end before.
    """

    def __init__(self, data_format: str | None = None, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.data_format = data_format or "channels_last"
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Tensor, **arguments: Any) -> Tensor:
        rank = inputs.shape.rank
        if self.data_format == "channels_first" and rank is not None and rank > 2:
            inputs = get_op("Transpose")(inputs, [0, *range(2, rank), 1])
        shape = self.compute_output_shape(inputs.shape)
        if shape[1] is not None:
            outputs = reshape(inputs, [-1, int(shape[1])])
        else:
            outputs = reshape(inputs, get_op("Pack")([shape_of(inputs)[0], -1]))
        outputs.set_shape(shape)
        return outputs

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        shape = as_shape(input_shape)
        return TensorShape([shape[0], shape[1:].num_elements() if len(shape) > 1 else 1])


def flatten(inputs: Any, name: str | None = None, data_format: str = "channels_last") -> Tensor:
    """All dimensions but the first made into one.

    Args:
        inputs: a tensor of shape `(batch, ...)`.
        name: name of the layer.
        data_format: "channels_last", or "channels_first" to bring the channels to the end before.

    Returns:
        A tensor of shape `(batch, elements)`.
    """
    return Flatten(name=name, data_format=data_format)(inputs)  # type: ignore[no-any-return]
