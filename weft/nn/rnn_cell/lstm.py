"""The LSTM cell with all its options: peepholes, clipping, projection."""

from __future__ import annotations

from typing import Any

from ...array import concat, split
from ...clip import clip_by_value
from ...elementwise import sigmoid
from ...graph.elements import Tensor
from ...initializers import Zeros
from ...partitioned_variables import fixed_size_partitioner
from ...products import matmul
from ..activations import bias_add
from .base import LayerRNNCell, LSTMStateTuple, depth_of
from .basic import activation_of

__all__ = ["LSTMCell"]


class LSTMCell(LayerRNNCell):
    """Long short-term memory.

    Args:
        num_units: size of what is remembered.
        use_peepholes: whether the gates see what is remembered.
        cell_clip: what is remembered is kept between minus this and this.
        initializer: of kernels and peepholes; the scope's by default.
        num_proj: size of the output, projected by a matrix of its own; `num_units` without one by default.
        proj_clip: the projected output is kept between minus this and this.
        num_unit_shards, num_proj_shards: into how many parts the kernels are cut.
        forget_bias: added to the forget gate's bias.
        state_is_tuple: whether the state is an `LSTMStateTuple` or both parts side by side in one tensor.
        activation: of what goes in and out; tanh by default.
        reuse: whether variables of an earlier cell of that name are used.
        name: name of the cell and of its scope.
        dtype: element type of its variables.

    Source:
        Hochreiter and Schmidhuber, "Long Short-Term Memory", 1997; Gers et al., "Learning Precise Timing with LSTM
        Recurrent Networks", 2002; Sak et al., "Long Short-Term Memory Recurrent Neural Network Architectures for
        Large Scale Acoustic Modeling", 2014; TensorFlow `tf.compat.v1.nn.rnn_cell.LSTMCell`.
    """

    def __init__(
        self,
        num_units: int,
        use_peepholes: bool = False,
        cell_clip: float | None = None,
        initializer: Any = None,
        num_proj: int | None = None,
        proj_clip: float | None = None,
        num_unit_shards: int | None = None,
        num_proj_shards: int | None = None,
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
        self._use_peepholes = use_peepholes
        self._cell_clip = cell_clip
        self._initializer = initializer
        self._num_proj = num_proj
        self._proj_clip = proj_clip
        self._shards = num_unit_shards, num_proj_shards
        self._forget_bias = forget_bias
        self._state_is_tuple = state_is_tuple
        self._activation = activation_of(activation)

    @property
    def state_size(self) -> Any:
        units, out = self._num_units, self.output_size
        return LSTMStateTuple(units, out) if self._state_is_tuple else units + out

    @property
    def output_size(self) -> int:
        return self._num_proj or self._num_units

    def build(self, input_shape: Any) -> None:
        units, out = self._num_units, self.output_size
        cut_units, cut_proj = (None if n is None else fixed_size_partitioner(n) for n in self._shards)
        wish = {"initializer": self._initializer}
        shape = [depth_of(input_shape) + out, 4 * units]
        self._kernel = self.add_weight("kernel", shape, partitioner=cut_units, **wish)
        # A scope's initializer is for kernels: biases start at zero whatever it is.
        self._bias = self.add_weight("bias", [4 * units], initializer=Zeros())
        if self._use_peepholes:
            self._w_f = self.add_weight("w_f_diag", [units], **wish)
            self._w_i = self.add_weight("w_i_diag", [units], **wish)
            self._w_o = self.add_weight("w_o_diag", [units], **wish)
        if self._num_proj is not None:
            self._proj_kernel = self.add_weight(
                "projection/kernel", [units, out], partitioner=cut_proj, **wish
            )
        self.built = True

    def call(self, inputs: Tensor, state: Any) -> tuple[Tensor, Any]:  # type: ignore[override]
        if self._state_is_tuple:
            c, h = state
        else:
            c, h = split(state, [self._num_units, self.output_size], axis=1)
        gates = bias_add(matmul(concat([inputs, h], 1), self._kernel), self._bias)
        i, j, f, o = split(gates, 4, axis=1)
        f = f + self._forget_bias
        if self._use_peepholes:
            f, i = f + self._w_f * c, i + self._w_i * c
        c = sigmoid(f) * c + sigmoid(i) * self._activation(j)
        if self._cell_clip is not None:
            c = clip_by_value(c, -self._cell_clip, self._cell_clip)
        if self._use_peepholes:
            o = o + self._w_o * c
        h = self._projected(sigmoid(o) * self._activation(c))
        return h, LSTMStateTuple(c, h) if self._state_is_tuple else concat([c, h], 1)

    def _projected(self, h: Tensor) -> Tensor:
        if self._num_proj is None:
            return h
        h = matmul(h, self._proj_kernel)
        return h if self._proj_clip is None else clip_by_value(h, -self._proj_clip, self._proj_clip)
