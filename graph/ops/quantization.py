"""Numbers rounded to a few levels as quantized inference rounds them, in floating point."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..infer import InferContext, per_element
from ..opdef import PURE, NoGradient, OpDecl, declare
from ..samples import floats, sample
from ..shapes import TensorShape

__all__ = [
    "FakeQuantWithMinMaxArgs",
    "FakeQuantWithMinMaxArgsGradient",
    "FakeQuantWithMinMaxVars",
    "FakeQuantWithMinMaxVarsGradient",
    "FakeQuantWithMinMaxVarsPerChannel",
    "FakeQuantWithMinMaxVarsPerChannelGradient",
    "QuantizeAndDequantizeV2",
    "QuantizeAndDequantizeV3",
]

_NONE = NoGradient("TensorFlow defines none")
_BITS = ("num_bits: int = 8", "narrow_range: bool = false")
_COST = per_element(6.0)


def _bits(c: InferContext) -> None:
    if not 2 <= c.attr("num_bits") <= 16:
        c.fail(f"num_bits must be between 2 and 16, got {c.attr('num_bits')}")


def _args_shape(c: InferContext) -> Sequence[TensorShape]:
    _bits(c)
    if not c.attr("min") < c.attr("max"):
        c.fail(f"min {c.attr('min')} must be below max {c.attr('max')}")
    shape = c.shapes[0]
    for other in c.shapes[1:]:
        shape = c.merge(shape, other, "gradients and inputs must be of one shape")
    return [shape]


def _flags(op: Any, *names: str) -> dict[str, Any]:
    return {name: op.attrs[name] for name in (*names, "num_bits", "narrow_range")}


def _args_grad(op: Any, grad: Any) -> list[Any]:
    return [FakeQuantWithMinMaxArgsGradient(grad, op.inputs[0], **_flags(op, "min", "max"))]


# A straight-through gradient is not the slope of the staircase, so finite differences do not apply.
FakeQuantWithMinMaxArgs = declare(
    "FakeQuantWithMinMaxArgs",
    inputs="inputs: float",
    outputs="outputs: float",
    attrs=("min: float = -6.0", "max: float = 6.0", *_BITS),
    infer=_args_shape,
    gradient=_args_grad,
    cost=_COST,
    state=PURE,
    samples=lambda: [
        sample(floats(20, low=-8, high=8), grad=()),
        sample(floats(20), min=-0.1, max=1.3, num_bits=4, narrow_range=True, grad=()),
    ],
    doc="Numbers moved into a range and rounded to the levels of so many bits.",
)

FakeQuantWithMinMaxArgsGradient = declare(
    "FakeQuantWithMinMaxArgsGradient",
    inputs="gradients: float, inputs: float",
    outputs="backprops: float",
    attrs=("min: float = -6.0", "max: float = 6.0", *_BITS),
    infer=_args_shape,
    gradient=_NONE,
    cost=_COST,
    state=PURE,
    samples=lambda: [sample(floats(20), floats(20, low=-8, high=8), grad=())],
    doc="The gradient where the inputs are inside of the range, 0 elsewhere.",
)


def _range_rank(channels: bool) -> int:
    return 1 if channels else 0


def _vars_rule(channels: bool, backward: bool) -> Any:
    def infer(c: InferContext) -> Sequence[TensorShape]:
        _bits(c)
        shape = c.shape("inputs")
        if backward:
            shape = c.merge(shape, c.shape("gradients"), "gradients and inputs must be of one shape")
        rank = _range_rank(channels)
        limits = c.merge(c.rank("min", rank), c.rank("max", rank), "min and max must be of one shape")
        if channels:
            c.rank_at_least("inputs", 1)
            if shape.dims is not None:
                limits = c.merge(limits, shape[-1:], "there must be one min and max per channel")
        return [shape, limits, limits] if backward else [shape]

    return infer


def _vars(name: str, channels: bool, gradient: Any, doc: str) -> OpDecl:
    size: tuple[int, ...] = (4,) if channels else ()
    return declare(
        name,
        inputs="inputs: float, min: float, max: float",
        outputs="outputs: float",
        attrs=_BITS,
        infer=_vars_rule(channels, False),
        gradient=gradient,
        cost=_COST,
        state=PURE,
        samples=lambda: [
            sample(floats(5, 4), floats(*size, low=-1, high=-0.5), floats(*size, low=0.5, high=1), grad=()),
            sample(floats(5, 4), floats(*size, low=0.1, high=0.2), floats(*size, low=1, high=2), num_bits=3,
                   grad=()),
            sample(floats(5, 4), np.zeros(size, np.float32), np.zeros(size, np.float32), grad=()),
        ],
        doc=doc,
    )  # fmt: skip


def _vars_back(name: str, channels: bool, doc: str) -> OpDecl:
    size: tuple[int, ...] = (4,) if channels else ()
    return declare(
        name,
        inputs="gradients: float, inputs: float, min: float, max: float",
        outputs="backprops_wrt_input: float, backprop_wrt_min: float, backprop_wrt_max: float",
        attrs=_BITS,
        infer=_vars_rule(channels, True),
        gradient=_NONE,
        cost=_COST,
        state=PURE,
        samples=lambda: [
            sample(
                floats(5, 4, seed=1),
                floats(5, 4),
                floats(*size, low=-1, high=-0.5),
                floats(*size, low=0.5, high=1),
                grad=(),
            )
        ],
        doc=doc,
    )


FakeQuantWithMinMaxVars = _vars(
    "FakeQuantWithMinMaxVars",
    False,
    lambda op, grad: list(FakeQuantWithMinMaxVarsGradient(grad, *op.inputs, **_flags(op))),
    "`FakeQuantWithMinMaxArgs` with a range that is learned.",
)
FakeQuantWithMinMaxVarsGradient = _vars_back(
    "FakeQuantWithMinMaxVarsGradient", False, "Gradients by the inputs and by both ends of the range."
)
FakeQuantWithMinMaxVarsPerChannel = _vars(
    "FakeQuantWithMinMaxVarsPerChannel",
    True,
    lambda op, grad: list(FakeQuantWithMinMaxVarsPerChannelGradient(grad, *op.inputs, **_flags(op))),
    "`FakeQuantWithMinMaxVars` with a range per channel.",
)
FakeQuantWithMinMaxVarsPerChannelGradient = _vars_back(
    "FakeQuantWithMinMaxVarsPerChannelGradient",
    True,
    "Gradients by the inputs and by both ends of each channel's range.",
)


def _round_shape(c: InferContext) -> Sequence[TensorShape]:
    shape, axis = c.shape("input"), c.attr("axis")
    rank = 0 if axis == -1 else 1
    for name in ("input_min", "input_max"):
        c.rank(name, rank)
    if axis != -1 and shape.rank is not None:
        if not 0 <= axis < shape.rank:
            c.fail(f"axis {axis} is out of range for rank {shape.rank}")
        for name in ("input_min", "input_max"):
            c.merge(c.shape(name), shape[axis : axis + 1], f"{name} must have one value per slice")
    return [shape]


_ROUNDED = (floats(5, 4), np.float32(-1), np.float32(1.5))

QuantizeAndDequantizeV2 = declare(
    "QuantizeAndDequantizeV2",
    inputs="input: T, input_min: T, input_max: T",
    outputs="output: T",
    attrs=(
        "signed_input: bool = true",
        "num_bits: int = 8",
        "range_given: bool = false",
        "T: {bfloat16, half, float, double}",
        "round_mode: {'HALF_TO_EVEN', 'HALF_UP'} = 'HALF_TO_EVEN'",
        "narrow_range: bool = false",
        "axis: int = -1",
    ),
    infer=_round_shape,
    gradient=lambda op, grad: [grad, None, None],
    cost=_COST,
    state=PURE,
    samples=lambda: [
        sample(*_ROUNDED, grad=()),
        sample(*_ROUNDED, range_given=True, num_bits=4, round_mode="HALF_UP", grad=()),
        sample(*_ROUNDED, signed_input=False, range_given=True, num_bits=5, grad=()),
        sample(
            floats(5, 4),
            floats(4, low=-1, high=-0.5),
            floats(4, low=0.5, high=1),
            axis=1,
            narrow_range=True,
            num_bits=3,
            grad=(),
        ),
        sample(floats(5, 4), np.zeros(5, np.float32), np.zeros(5, np.float32), axis=0, num_bits=4, grad=()),
    ],
    doc="Numbers rounded to the levels of so many bits; their gradient passes through.",
)

QuantizeAndDequantizeV3 = declare(
    "QuantizeAndDequantizeV3",
    inputs="input: T, input_min: T, input_max: T, num_bits: int32",
    outputs="output: T",
    attrs=(
        "signed_input: bool = true",
        "range_given: bool = true",
        "T: {bfloat16, half, float, double}",
        "narrow_range: bool = false",
        "axis: int = -1",
    ),
    infer=_round_shape,
    gradient=lambda op, grad: [grad, None, None, None],
    cost=_COST,
    state=PURE,
    host_inputs=("num_bits",),
    samples=lambda: [
        sample(*_ROUNDED, np.int32(6), grad=()),
        sample(*_ROUNDED, np.int32(8), range_given=False, signed_input=False, grad=()),
    ],
    doc="`QuantizeAndDequantizeV2` with the number of bits as an input.",
)
