"""Cells of recurrent networks, those of `weft.nn.rnn_cell` and more; TensorFlow's `tf.contrib.rnn`."""

from __future__ import annotations

from ...nn.rnn_cell import (
    BasicLSTMCell,
    BasicRNNCell,
    DeviceWrapper,
    DropoutWrapper,
    GRUCell,
    LayerRNNCell,
    LSTMCell,
    LSTMStateTuple,
    MultiRNNCell,
    ResidualWrapper,
    RNNCell,
)
from ...nn.static_rnn import static_bidirectional_rnn, static_rnn, static_state_saving_rnn
from .bidirectional import stack_bidirectional_dynamic_rnn, stack_bidirectional_rnn
from .cells import LayerNormBasicLSTMCell, LSTMBlockCell, UGRNNCell
from .wrappers import AttentionCellWrapper, EmbeddingWrapper, InputProjectionWrapper, OutputProjectionWrapper

__all__ = [
    "AttentionCellWrapper",
    "BasicLSTMCell",
    "BasicRNNCell",
    "DeviceWrapper",
    "DropoutWrapper",
    "EmbeddingWrapper",
    "GRUCell",
    "InputProjectionWrapper",
    "LSTMBlockCell",
    "LSTMCell",
    "LSTMStateTuple",
    "LayerNormBasicLSTMCell",
    "LayerRNNCell",
    "MultiRNNCell",
    "OutputProjectionWrapper",
    "RNNCell",
    "ResidualWrapper",
    "UGRNNCell",
    "stack_bidirectional_dynamic_rnn",
    "stack_bidirectional_rnn",
    "static_bidirectional_rnn",
    "static_rnn",
    "static_state_saving_rnn",
]
