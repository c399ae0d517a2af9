"""Layers in the form of TensorFlow's `contrib.layers`: activation, normalization and regularization in one call."""

from __future__ import annotations

from ...regularizers import (
    apply_regularization,
    l1_l2_regularizer,
    l1_regularizer,
    l2_regularizer,
    sum_regularizer,
)
from .connected import bias_add, elu, fully_connected, legacy_fully_connected, linear, relu, relu6
from .convolution import (
    conv1d,
    conv2d,
    conv2d_transpose,
    conv3d,
    convolution,
    convolution2d,
    convolution2d_transpose,
)
from .initializers import variance_scaling_initializer, xavier_initializer, xavier_initializer_conv2d
from .normalization import batch_norm, instance_norm, layer_norm, unit_norm
from .pooling import avg_pool2d, avg_pool3d, max_pool2d, max_pool3d
from .separable import separable_conv2d, separable_convolution2d
from .simple import dropout, flatten, one_hot_encoding, softmax
from .stacks import embed_sequence, repeat, stack

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
