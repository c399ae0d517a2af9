"""Cells without options that change their equations: plain recurrent, LSTM, gated recurrent unit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...array import concat, split
from ...elementwise import sigmoid, tanh
from ...graph.elements import Tensor
from ...initializers import Constant, Zeros
from ...products import matmul
from ..activations import bias_add
from .base import LayerRNNCell, LSTMStateTuple, depth_of

__all__ = ["BasicLSTMCell", "BasicRNNCell", "GRUCell", "activation_of"]


def activation_of(activation: Any, default: Callable[[Tensor], Tensor] = tanh) -> Callable[[Tensor], Tensor]:
    """The function that an activation argument means: one itself, a name in `weft.nn`, or None for the default."""
    if activation is None:
        return default
    if isinstance(activation, str):
        from ... import nn

        found = getattr(nn, activation, None)
        if found is None:
            raise ValueError(f"There is no activation {activation!r} in nn.")
        return found  # type: ignore[no-any-return]
    return activation  # type: ignore[no-any-return]


class BasicRNNCell(LayerRNNCell):
    """`output = state = activation([inputs, state] @ kernel + bias)`.

    Args:
        num_units: size of output and state.
        activation: tanh by default.
        reuse: whether variables of an earlier cell of that name are used.
        name: name of the cell and of its scope.
        dtype: element type of its variables.

    Source:
        TensorFlow `tf.compat.v1.nn.rnn_cell.BasicRNNCell`.
    """

    def __init__(
        self,
        num_units: int,
        activation: Any = None,
        reuse: Any = None,
        name: str | None = None,
        dtype: Any = None,
        **wish: Any,
    ) -> None:
        super().__init__(_reuse=reuse, name=name, dtype=dtype, **wish)
        self._num_units = num_units
        self._activation = activation_of(activation)

    @property
    def state_size(self) -> int:
        return self._num_units

    @property
    def output_size(self) -> int:
        return self._num_units

    def build(self, input_shape: Any) -> None:
        units = self._num_units
        self._kernel = self.add_weight("kernel", [depth_of(input_shape) + units, units])
        self._bias = self.add_weight("bias", [units], initializer=Zeros())
        self.built = True

    def call(self, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        output = self._activation(bias_add(matmul(concat([inputs, state], 1), self._kernel), self._bias))
        return output, output


class GRUCell(LayerRNNCell):
    """Gated recurrent unit.

    Args:
        num_units: size of output and state.
        activation: of the candidate; tanh by default.
        reuse: whether variables of an earlier cell of that name are used.
        kernel_initializer: of both kernels; the scope's by default.
        bias_initializer: of both biases; by default ones for the gates and zeros for the candidate.
        name: name of the cell and of its scope.
        dtype: element type of its variables.

    Source:
        Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder for Statistical Machine
        Translation", 2014; TensorFlow `tf.compat.v1.nn.rnn_cell.GRUCell`.
    """

    def __init__(
        self,
        num_units: int,
        activation: Any = None,
        reuse: Any = None,
        kernel_initializer: Any = None,
        bias_initializer: Any = None,
        name: str | None = None,
        dtype: Any = None,
        **wish: Any,
    ) -> None:
        super().__init__(_reuse=reuse, name=name, dtype=dtype, **wish)
        self._num_units = num_units
        self._activation = activation_of(activation)
        self._kernel_initializer = kernel_initializer
        self._bias_initializer = bias_initializer

    @property
    def state_size(self) -> int:
        return self._num_units

    @property
    def output_size(self) -> int:
        return self._num_units

    def build(self, input_shape: Any) -> None:
        units, depth = self._num_units, depth_of(input_shape)
        kernel, bias = self._kernel_initializer, self._bias_initializer
        self._gate_kernel = self.add_weight("gates/kernel", [depth + units, 2 * units], initializer=kernel)
        self._gate_bias = self.add_weight("gates/bias", [2 * units], initializer=bias or Constant(1.0))
        self._candidate_kernel = self.add_weight(
            "candidate/kernel", [depth + units, units], initializer=kernel
        )
        self._candidate_bias = self.add_weight("candidate/bias", [units], initializer=bias or Zeros())
        self.built = True

    def call(self, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        gates = sigmoid(bias_add(matmul(concat([inputs, state], 1), self._gate_kernel), self._gate_bias))
        r, u = split(gates, 2, axis=1)
        both = concat([inputs, r * state], 1)
        c = self._activation(bias_add(matmul(both, self._candidate_kernel), self._candidate_bias))
        new = u * state + (1 - u) * c
        return new, new


class BasicLSTMCell(LayerRNNCell):
    """Long short-term memory, without clipping, projection and peepholes.

    Args:
        num_units: size of output and state.
        forget_bias: added to the forget gate's bias; 0.0 for a checkpoint of CudnnLSTM.
        state_is_tuple: whether the state is an `LSTMStateTuple` or both parts side by side in one tensor.
        activation: of what goes in and out; tanh by default.
        reuse: whether variables of an earlier cell of that name are used.
        name: name of the cell and of its scope.
        dtype: element type of its variables.

    Source:
        Zaremba et al., "Recurrent Neural Network Regularization", 2014; TensorFlow
        `tf.compat.v1.nn.rnn_cell.BasicLSTMCell`.
    """

    def __init__(
        self,
        num_units: int,
        forget_bias: float = 1.0,
        state_is_tuple: bool = True,
        activation: Any = None,
        reuse: Any = None,
        name: str | None = None,
        dtype: Any = None,
        **wish: Any,
    ) -> None:
        super().__init__(_reuse=reuse, name=name, dtype=dtype, **wish)
        self._num_units = num_units
        self._forget_bias = forget_bias
        self._state_is_tuple = state_is_tuple
        self._activation = activation_of(activation)

    @property
    def state_size(self) -> Any:
        units = self._num_units
        return LSTMStateTuple(units, units) if self._state_is_tuple else 2 * units

    @property
    def output_size(self) -> int:
        return self._num_units

    def build(self, input_shape: Any) -> None:
        units = self._num_units
        self._kernel = self.add_weight("kernel", [depth_of(input_shape) + units, 4 * units])
        self._bias = self.add_weight("bias", [4 * units], initializer=Zeros())
        self.built = True

    def call(self, inputs: Tensor, state: Any) -> tuple[Tensor, Any]:  # type: ignore[override]
        c, h = state if self._state_is_tuple else split(state, 2, axis=1)
        gates = bias_add(matmul(concat([inputs, h], 1), self._kernel), self._bias)
        i, j, f, o = split(gates, 4, axis=1)
        new_c = c * sigmoid(f + self._forget_bias) + sigmoid(i) * self._activation(j)
        new_h = self._activation(new_c) * sigmoid(o)
        return new_h, LSTMStateTuple(new_c, new_h) if self._state_is_tuple else concat([new_c, new_h], 1)
