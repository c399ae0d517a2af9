"""`tf.quantization`: numbers rounded to a few levels, in floating point."""

from __future__ import annotations

from typing import Any

from .graph.convert import convert_to_tensor
from .graph.elements import Tensor
from .graph.ops import quantization as ops

__all__ = [
    "fake_quant_with_min_max_args",
    "fake_quant_with_min_max_args_gradient",
    "fake_quant_with_min_max_vars",
    "fake_quant_with_min_max_vars_gradient",
    "fake_quant_with_min_max_vars_per_channel",
    "fake_quant_with_min_max_vars_per_channel_gradient",
    "quantize_and_dequantize",
]


def fake_quant_with_min_max_args(
    inputs: Any,
    min: float = -6.0,
    max: float = 6.0,
    num_bits: int = 8,
    narrow_range: bool = False,
    name: str | None = None,
) -> Tensor:
    """Numbers moved into a fixed range and rounded to the levels of so many bits.

    Args:
        inputs: float32.
        min, max: the range; it is moved a little, so that 0 is a level.
        num_bits: 2 to 16.
        narrow_range: whether the lowest level is left out.
        name: name of the op.

    Source:
        TensorFlow `FakeQuantWithMinMaxArgs`.
    """
    return ops.FakeQuantWithMinMaxArgs(  # type: ignore[no-any-return]
        inputs, min=min, max=max, num_bits=num_bits, narrow_range=narrow_range, name=name
    )


def fake_quant_with_min_max_args_gradient(
    gradients: Any,
    inputs: Any,
    min: float = -6.0,
    max: float = 6.0,
    num_bits: int = 8,
    narrow_range: bool = False,
    name: str | None = None,
) -> Tensor:
    """The gradient of `fake_quant_with_min_max_args`.

    Args:
        gradients: gradient of the result.
        inputs: a tensor.
        min: the least value.
        max: the greatest value.
        num_bits: bits of the numbers in between.
        narrow_range: leaves out the lowest of these.
    """
    return ops.FakeQuantWithMinMaxArgsGradient(  # type: ignore[no-any-return]
        gradients, inputs, min=min, max=max, num_bits=num_bits, narrow_range=narrow_range, name=name
    )


def fake_quant_with_min_max_vars(
    inputs: Any, min: Any, max: Any, num_bits: int = 8, narrow_range: bool = False, name: str | None = None
) -> Tensor:
    """`fake_quant_with_min_max_args` with a range that is learned: two float32 scalars.

    Args:
        inputs: a tensor.
        min: the least value.
        max: the greatest value.
        num_bits: bits of the numbers in between.
        narrow_range: leaves out the lowest of these.
    """
    return ops.FakeQuantWithMinMaxVars(  # type: ignore[no-any-return]
        inputs, min, max, num_bits=num_bits, narrow_range=narrow_range, name=name
    )


def fake_quant_with_min_max_vars_gradient(
    gradients: Any,
    inputs: Any,
    min: Any,
    max: Any,
    num_bits: int = 8,
    narrow_range: bool = False,
    name: str | None = None,
) -> Any:
    """Gradients of `fake_quant_with_min_max_vars` by the inputs and both ends of the range.

    Args:
        gradients: gradient of the result.
        inputs: a tensor.
        min: the least value.
        max: the greatest value.
        num_bits: bits of the numbers in between.
        narrow_range: leaves out the lowest of these.
    """
    return ops.FakeQuantWithMinMaxVarsGradient(
        gradients, inputs, min, max, num_bits=num_bits, narrow_range=narrow_range, name=name
    )


def fake_quant_with_min_max_vars_per_channel(
    inputs: Any, min: Any, max: Any, num_bits: int = 8, narrow_range: bool = False, name: str | None = None
) -> Tensor:
    """`fake_quant_with_min_max_vars` with a range for each index of the last dimension.

    Args:
        inputs: a tensor.
        min: the least value.
        max: the greatest value.
        num_bits: bits of the numbers in between.
        narrow_range: leaves out the lowest of these.
    """
    return ops.FakeQuantWithMinMaxVarsPerChannel(  # type: ignore[no-any-return]
        inputs, min, max, num_bits=num_bits, narrow_range=narrow_range, name=name
    )


def fake_quant_with_min_max_vars_per_channel_gradient(
    gradients: Any,
    inputs: Any,
    min: Any,
    max: Any,
    num_bits: int = 8,
    narrow_range: bool = False,
    name: str | None = None,
) -> Any:
    """Gradients of `fake_quant_with_min_max_vars_per_channel`.

    Args:
        gradients: gradient of the result.
        inputs: a tensor.
        min: the least value.
        max: the greatest value.
        num_bits: bits of the numbers in between.
        narrow_range: leaves out the lowest of these.
    """
    return ops.FakeQuantWithMinMaxVarsPerChannelGradient(
        gradients, inputs, min, max, num_bits=num_bits, narrow_range=narrow_range, name=name
    )


def quantize_and_dequantize(
    input: Any,
    input_min: Any,
    input_max: Any,
    signed_input: bool = True,
    num_bits: int = 8,
    range_given: bool = False,
    round_mode: str = "HALF_TO_EVEN",
    name: str | None = None,
    narrow_range: bool = False,
    axis: int | None = None,
) -> Tensor:
    """Numbers rounded to the levels of so many bits; their gradient passes through.

    Args:
        input: a floating tensor.
        input_min, input_max: the range, where `range_given`; else that of the numbers is taken.
        signed_input: whether there are negative levels.
        num_bits: number of bits.
        range_given: whether the range is given.
        round_mode: "HALF_TO_EVEN" or "HALF_UP".
        name: name of the op.
        narrow_range: whether the lowest level is left out.
        axis: dimension along which each slice has a range of its own.

    Source:
        TensorFlow `QuantizeAndDequantizeV2`.
    """
    x = convert_to_tensor(input)
    return ops.QuantizeAndDequantizeV2(  # type: ignore[no-any-return]
        x,
        convert_to_tensor(input_min, x.dtype),
        convert_to_tensor(input_max, x.dtype),
        signed_input=signed_input,
        num_bits=num_bits,
        range_given=range_given,
        round_mode=round_mode,
        narrow_range=narrow_range,
        axis=-1 if axis is None else axis,
        name=name,
    )
