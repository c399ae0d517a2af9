"""Convolutions over one, two and three dimensions, and transposed."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from ... import layers as core
from ... import nn
from ...graph.convert import convert_to_tensor
from ...graph.elements import Tensor
from ..arguments import add_arg_scope
from .common import WEIGHT_NAMES, XAVIER, ZEROS, Function, collected, finished, layer_scope

__all__ = [
    "conv1d",
    "conv2d",
    "conv2d_transpose",
    "conv3d",
    "convolution",
    "convolution2d",
    "convolution2d_transpose",
]


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
    weights_initializer: Any = XAVIER,
    weights_regularizer: Function | None = None,
    biases_initializer: Any = ZEROS,
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
    with layer_scope(scope, "Conv", inputs, reuse, WEIGHT_NAMES, variables_collections) as sc:
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
        outputs = finished(layer(inputs), normalizer_fn, normalizer_params, activation_fn)
        return collected(outputs_collections, sc, outputs)


def _over(dims: int, what: str) -> Function:
    """`convolution` for inputs with so many spatial dimensions, with defaults of its own in an `arg_scope`."""
    plain: Function = convolution.__wrapped__  # type: ignore[attr-defined]

    def layer(*args: Any, **kwargs: Any) -> Tensor:
        return plain(*args, **kwargs, conv_dims=dims)  # type: ignore[no-any-return]

    given = inspect.signature(plain)
    parameters = [p for p in given.parameters.values() if p.name != "conv_dims"]
    layer.__signature__ = given.replace(parameters=parameters)  # type: ignore[attr-defined]
    layer.__name__ = layer.__qualname__ = f"conv{dims}d"
    layer.__doc__ = f"A convolution over {what}.\n\n    Args: as `convolution`, without `conv_dims`.\n    "
    return add_arg_scope(layer)


conv1d = _over(1, "sequences")
conv2d = _over(2, "pictures")
conv3d = _over(3, "volumes")
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
    """The transpose of a convolution over pictures, which makes them larger; arguments as `convolution`."""
    with layer_scope(scope, "Conv2d_transpose", inputs, reuse, WEIGHT_NAMES, variables_collections) as sc:
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
        outputs = finished(layer(inputs), normalizer_fn, normalizer_params, activation_fn)
        return collected(outputs_collections, sc, outputs)


convolution2d_transpose = conv2d_transpose
