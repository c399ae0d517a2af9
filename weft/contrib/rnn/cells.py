"""Cells that only `contrib` has: layer normalization, update gates, the block of an LSTM."""

from __future__ import annotations

from typing import Any

from ...array import concat, split
from ...clip import clip_by_value
from ...elementwise import rsqrt, sigmoid, tanh
from ...graph.elements import Tensor
from ...initializers import Constant, Zeros
from ...nn.activations import bias_add, dropout
from ...nn.norm import moments
from ...nn.rnn_cell.base import LayerRNNCell, LSTMStateTuple, depth_of
from ...nn.rnn_cell.basic import activation_of
from ...products import matmul

__all__ = ["LSTMBlockCell", "LayerNormBasicLSTMCell", "UGRNNCell"]

_EPSILON = 1e-12


class LayerNormBasicLSTMCell(LayerRNNCell):
    """LSTM whose gates and memory are normalized over their units, with dropout on what it takes in.

    Args:
        num_units: size of output and state.
        forget_bias: added to the forget gate.
        input_size: accepted for TensorFlow's sake.
        activation: of what goes in and out; tanh by default.
        layer_norm: whether there is normalization.
        norm_gain, norm_shift: first values of its gains and shifts.
        dropout_keep_prob: probability that an element of what is taken in is kept; a number or scalar tensor.
        dropout_prob_seed: seed of that choice.
        reuse: whether variables of an earlier cell of that name are used.
        name: name of the cell and of its scope.

    Source:
        Ba et al., "Layer Normalization", 2016; Semeniuta et al., "Recurrent Dropout without Memory Loss", 2016;
        TensorFlow `tf.contrib.rnn.LayerNormBasicLSTMCell`.
    """

    def __init__(
        self,
        num_units: int,
        forget_bias: float = 1.0,
        input_size: Any = None,
        activation: Any = tanh,
        layer_norm: bool = True,
        norm_gain: float = 1.0,
        norm_shift: float = 0.0,
        dropout_keep_prob: Any = 1.0,
        dropout_prob_seed: int | None = None,
        reuse: Any = None,
        name: str | None = None,
    ) -> None:
        del input_size
        super().__init__(_reuse=reuse, name=name)
        self._num_units, self._forget_bias = num_units, forget_bias
        self._activation = activation_of(activation)
        self._layer_norm, self._gain, self._shift = layer_norm, norm_gain, norm_shift
        self._keep, self._seed = dropout_keep_prob, dropout_prob_seed

    @property
    def state_size(self) -> LSTMStateTuple:
        return LSTMStateTuple(self._num_units, self._num_units)

    @property
    def output_size(self) -> int:
        return self._num_units

    def build(self, input_shape: Any) -> None:
        units = self._num_units
        self._kernel = self.add_weight("kernel", [depth_of(input_shape) + units, 4 * units])
        if not self._layer_norm:
            self._bias = self.add_weight("bias", [4 * units], initializer=Zeros())
            return
        self._norms = {
            part: (
                self.add_weight(f"{part}/gamma", [units], initializer=Constant(self._gain)),
                self.add_weight(f"{part}/beta", [units], initializer=Constant(self._shift)),
            )
            for part in ("input", "transform", "forget", "output", "state")
        }

    def _normed(self, x: Tensor, part: str) -> Tensor:
        if not self._layer_norm:
            return x
        gamma, beta = self._norms[part]
        mean, variance = moments(x, [1], keep_dims=True)
        return (x - mean) * rsqrt(variance + _EPSILON) * gamma + beta

    def call(self, inputs: Tensor, state: Any) -> tuple[Tensor, Any]:  # type: ignore[override]
        c, h = state
        gates = matmul(concat([inputs, h], 1), self._kernel)
        if not self._layer_norm:
            gates = bias_add(gates, self._bias)
        i, j, f, o = split(gates, 4, axis=1)
        i, j = self._normed(i, "input"), self._normed(j, "transform")
        f, o = self._normed(f, "forget"), self._normed(o, "output")
        taken = self._activation(j)
        if isinstance(self._keep, Tensor) or self._keep < 1:
            taken = dropout(taken, keep_prob=self._keep, seed=self._seed)
        c = self._normed(c * sigmoid(f + self._forget_bias) + sigmoid(i) * taken, "state")
        h = self._activation(c) * sigmoid(o)
        return h, LSTMStateTuple(c, h)


class LSTMBlockCell(LayerRNNCell):
    """LSTM with the options of TensorFlow's fused block: the equations of `LSTMCell`, without projection.

    Args:
        num_units: size of output and state.
        forget_bias: added to the forget gate.
        cell_clip: what is remembered is kept between minus this and this; no bounds by default.
        use_peephole: whether the gates see what is remembered.
        dtype: element type of its variables.
        reuse: whether variables of an earlier cell of that name are used.
        name: name of the cell and of its scope.

    Source:
        TensorFlow `tf.contrib.rnn.LSTMBlockCell`.
    """

    def __init__(
        self,
        num_units: int,
        forget_bias: float = 1.0,
        cell_clip: float | None = None,
        use_peephole: bool = False,
        dtype: Any = None,
        reuse: Any = None,
        name: str = "lstm_cell",
    ) -> None:
        super().__init__(_reuse=reuse, name=name, dtype=dtype)
        self._num_units, self._forget_bias = num_units, forget_bias
        self._clip, self._peephole = cell_clip, use_peephole

    @property
    def state_size(self) -> LSTMStateTuple:
        return LSTMStateTuple(self._num_units, self._num_units)

    @property
    def output_size(self) -> int:
        return self._num_units

    def build(self, input_shape: Any) -> None:
        units = self._num_units
        self._kernel = self.add_weight("kernel", [depth_of(input_shape) + units, 4 * units])
        self._bias = self.add_weight("bias", [4 * units], initializer=Zeros())
        if self._peephole:
            self._w_i = self.add_weight("w_i_diag", [units])
            self._w_f = self.add_weight("w_f_diag", [units])
            self._w_o = self.add_weight("w_o_diag", [units])

    def call(self, inputs: Tensor, state: Any) -> tuple[Tensor, Any]:  # type: ignore[override]
        c, h = state
        i, j, f, o = split(bias_add(matmul(concat([inputs, h], 1), self._kernel), self._bias), 4, axis=1)
        f = f + self._forget_bias
        if self._peephole:
            i, f = i + self._w_i * c, f + self._w_f * c
        c = sigmoid(f) * c + sigmoid(i) * tanh(j)
        if self._clip is not None and self._clip > 0:
            c = clip_by_value(c, -self._clip, self._clip)
        if self._peephole:
            o = o + self._w_o * c
        h = sigmoid(o) * tanh(c)
        return h, LSTMStateTuple(c, h)


class UGRNNCell(LayerRNNCell):
    """Recurrent cell with one gate that says how much of the state is renewed.

    Args:
        num_units: size of output and state.
        initializer: of the kernel; the scope's by default.
        forget_bias: added to the gate.
        activation: of the candidate; tanh by default.
        reuse: whether variables of an earlier cell of that name are used.
        name: name of the cell and of its scope.

    Source:
        Collins et al., "Capacity and Trainability in Recurrent Neural Networks", 2017; TensorFlow
        `tf.contrib.rnn.UGRNNCell`.
    """

    def __init__(
        self,
        num_units: int,
        initializer: Any = None,
        forget_bias: float = 1.0,
        activation: Any = tanh,
        reuse: Any = None,
        name: str = "ugrnn_cell",
    ) -> None:
        super().__init__(_reuse=reuse, name=name)
        self._num_units, self._initializer = num_units, initializer
        self._forget_bias, self._activation = forget_bias, activation_of(activation)

    @property
    def state_size(self) -> int:
        return self._num_units

    @property
    def output_size(self) -> int:
        return self._num_units

    def build(self, input_shape: Any) -> None:
        units = self._num_units
        shape = [depth_of(input_shape) + units, 2 * units]
        self._kernel = self.add_weight("kernel", shape, initializer=self._initializer)
        self._bias = self.add_weight("bias", [2 * units], initializer=Zeros())

    def call(self, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        both = bias_add(matmul(concat([inputs, state], 1), self._kernel), self._bias)
        gate, candidate = split(both, 2, axis=1)
        g = sigmoid(gate + self._forget_bias)
        new = g * state + (1.0 - g) * self._activation(candidate)
        return new, new
