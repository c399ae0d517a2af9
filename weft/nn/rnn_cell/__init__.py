"""Cells of recurrent networks, under TensorFlow 1's names."""

from __future__ import annotations

from .base import LayerRNNCell, LSTMStateTuple, RNNCell
from .basic import BasicLSTMCell, BasicRNNCell, GRUCell
from .lstm import LSTMCell
from .stacked import MultiRNNCell
from .wrappers import DeviceWrapper, DropoutWrapper, ResidualWrapper

__all__ = [
    "BasicLSTMCell",
    "BasicRNNCell",
    "DeviceWrapper",
    "DropoutWrapper",
    "GRUCell",
    "LSTMCell",
    "LSTMStateTuple",
    "LayerRNNCell",
    "MultiRNNCell",
    "RNNCell",
    "ResidualWrapper",
]
