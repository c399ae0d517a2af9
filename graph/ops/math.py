"""Arithmetic of two tensors, elementwise with broadcasting; sums of many tensors; casts."""

from __future__ import annotations

from typing import Any

from ..elements import Operation, Tensor
from ..infer import InferContext, per_element
from ..opdef import PURE, NoGradient, Sample, declare
from ..samples import bools, floats, ints, sample
from ..shapes import TensorShape
from .broadcasting import like_input, sum_to_shape_of
from .elementwise import FLOATS, FLOATS_COMPLEX, REALS, binary, pairs, unary

__all__ = [
    "AccumulateNV2",
    "Add",
    "AddN",
    "AddV2",
    "Atan2",
    "Cast",
    "Div",
    "DivNoNan",
    "FloorDiv",
    "FloorMod",
    "Maximum",
    "Minimum",
    "Mod",
    "Mul",
    "MulNoNan",
    "Neg",
    "NextAfter",
    "Pow",
    "RealDiv",
    "SquaredDifference",
    "Sub",
    "TruncateDiv",
    "TruncateMod",
]

_NUMBERS = (
    "{bfloat16, half, float, double, uint8, int8, uint16, int16, int32, uint32, uint64, int64, "
    "complex64, complex128}"
)


def _add_grad(op: Operation, grad: Tensor) -> Any:
    return sum_to_shape_of([grad, grad], *op.inputs)


Add = binary(
    "Add",
    "{bfloat16, half, float, double, uint8, int8, int16, int32, int64, complex64, complex128, string}",
    _add_grad,
    "x + y, elementwise with broadcasting; strings are joined.",
    samples=pairs(),
)
AddV2 = binary("AddV2", _NUMBERS, _add_grad, "x + y, elementwise with broadcasting.", samples=pairs())


def _sub_grad(op: Operation, grad: Tensor) -> Any:
    return sum_to_shape_of([grad, -grad], *op.inputs)


Sub = binary("Sub", _NUMBERS, _sub_grad, "x - y, elementwise with broadcasting.", samples=pairs())


def _conj(x: Tensor) -> Tensor:
    from .complex import conj

    return conj(x)


def _mul_grad(op: Operation, grad: Tensor) -> Any:
    x, y = op.inputs
    return sum_to_shape_of([grad * _conj(y), grad * _conj(x)], x, y)


Mul = binary("Mul", _NUMBERS, _mul_grad, "x * y, elementwise with broadcasting.", samples=pairs())


def _mul_no_nan_grad(op: Operation, grad: Tensor) -> Any:
    x, y = op.inputs
    return sum_to_shape_of([MulNoNan(grad, y), MulNoNan(x, grad)], x, y)


def _with_zero(second: Any) -> list[Sample]:
    return [
        *pairs(0.5, 2.0, integers=False)(),
        sample(floats(3), second, grad=()),
    ]


MulNoNan = binary(
    "MulNoNan",
    FLOATS_COMPLEX,
    _mul_no_nan_grad,
    "x * y, and 0 wherever y is 0, even for an infinite or undefined x.",
    samples=lambda: [
        *_with_zero(floats(3)),
        sample([float("inf"), float("nan"), 2.0], [0.0, 0.0, 3.0], grad=()),
    ],
)


def _quotient_grad(divide: Any) -> Any:
    def rule(op: Operation, grad: Tensor) -> Any:
        x, y = op.inputs
        cx, cy = _conj(x), _conj(y)
        of_y = grad * divide(divide(-cx, cy), cy)
        return sum_to_shape_of([divide(grad, cy), of_y], x, y)

    return rule


_apart = pairs(0.5, 2.0)

Div = binary(
    "Div",
    _NUMBERS,
    _quotient_grad(lambda a, b: Div(a, b)),
    "x / y, elementwise with broadcasting; the quotient of integers is cut off towards zero.",
    samples=lambda: [*_apart(), sample(ints(6, low=-9), [-4, -3, -2, 2, 3, 4])],
)
RealDiv = binary(
    "RealDiv",
    _NUMBERS,
    _quotient_grad(lambda a, b: RealDiv(a, b)),
    "x / y of floating or complex numbers, elementwise with broadcasting.",
    samples=pairs(0.5, 2.0, integers=False),
)
DivNoNan = binary(
    "DivNoNan",
    "{half, float, bfloat16, double, complex64, complex128}",
    _quotient_grad(lambda a, b: DivNoNan(a, b)),
    "x / y, and 0 wherever y is 0.",
    samples=lambda: [
        *pairs(0.5, 2.0, integers=False)(),
        sample(floats(3), [0.0, 1.0, 0.0], grad=()),
    ],
)

_STEPS = NoGradient("it is constant between jumps")

_signed_pairs: Any = lambda: [  # noqa: E731
    sample(floats(2, 3, low=-9, high=9), floats(3, low=0.5, high=3, seed=1), grad=()),
    sample(floats(4, low=-9, high=9), np_float(-1.5), grad=()),
    sample(ints(8, low=-9), [-4, -3, -2, -1, 1, 2, 3, 4]),
    sample(ints(2, 3, low=-9, dtype="int64"), ints(3, low=1, dtype="int64")),
    sample(ints(0, 2), ints(2, low=1)),
]


def np_float(value: float) -> Any:
    """A float32 scalar for a sample row."""
    return floats(low=value, high=value)


FloorDiv = binary(
    "FloorDiv",
    _NUMBERS,
    _STEPS,
    "Largest whole number that is not above x / y.",
    samples=_signed_pairs,
)
TruncateDiv = binary(
    "TruncateDiv",
    _NUMBERS,
    _STEPS,
    "x / y cut off towards zero.",
    samples=_signed_pairs,
)


def _floor_mod_grad(op: Operation, grad: Tensor) -> Any:
    x, y = op.inputs
    return sum_to_shape_of([grad, grad * -FloorDiv(x, y)], x, y)


def _truncate_mod_grad(op: Operation, grad: Tensor) -> Any:
    x, y = op.inputs
    return sum_to_shape_of([grad, grad * -TruncateDiv(x, y)], x, y)


_mod_samples = lambda: [  # noqa: E731
    sample(floats(2, 3, low=-2.9, high=2.9), np_float(3.0)),
    *_signed_pairs(),
]

FloorMod = binary(
    "FloorMod",
    "{int8, int16, int32, int64, uint8, uint16, uint32, uint64, bfloat16, half, float, double}",
    _floor_mod_grad,
    "x - y * floor(x / y): the remainder that has the sign of y.",
    samples=_mod_samples,
)
_REMAINDER_TYPES = "{int32, int64, bfloat16, half, float, double}"
TruncateMod = binary(
    "TruncateMod",
    _REMAINDER_TYPES,
    _truncate_mod_grad,
    "The remainder that has the sign of x.",
    samples=_mod_samples,
)
Mod = binary(
    "Mod", _REMAINDER_TYPES, _truncate_mod_grad, "The remainder that has the sign of x.", samples=_mod_samples
)


def _pow_grad(op: Operation, grad: Tensor) -> Any:
    from .array import OnesLike, ZerosLike
    from .compare import Greater, NotEqual, SelectV2
    from .unary import Log

    x, y = op.inputs
    cx, cy, z = _conj(x), _conj(y), _conj(op.outputs[0])
    positive = NotEqual(cx, 0) if x.dtype.is_complex else Greater(cx, 0)
    log_x = SelectV2(positive, Log(SelectV2(positive, cx, OnesLike(cx))), ZerosLike(cx))
    return sum_to_shape_of([grad * cy * Pow(cx, cy - 1), grad * z * log_x], x, y)


Pow = binary(
    "Pow",
    "{bfloat16, float, half, double, int8, int16, int32, int64, complex64, complex128}",
    _pow_grad,
    "x to the power of y, elementwise with broadcasting.",
    samples=lambda: [
        *pairs(0.5, 2.0, integers=False)(),
        sample(floats(2, 3), np_float(3.0), grad=(0,)),
        sample(ints(4, low=-3, high=4), ints(4, low=0, high=5)),
    ],
    flops=20.0,
)


def _choice_grad(chosen: Any) -> Any:
    """The gradient goes to the input that was chosen; to x where both are equal."""

    def rule(op: Operation, grad: Tensor) -> Any:
        from .array import ZerosLike
        from .compare import SelectV2

        x, y = op.inputs
        mask, zeros = chosen(x, y), ZerosLike(grad)
        return sum_to_shape_of([SelectV2(mask, grad, zeros), SelectV2(mask, zeros, grad)], x, y)

    return rule


Maximum = binary(
    "Maximum",
    REALS,
    _choice_grad(lambda x, y: x >= y),
    "The larger of x and y, elementwise with broadcasting.",
    samples=pairs(),
)
Minimum = binary(
    "Minimum",
    REALS,
    _choice_grad(lambda x, y: x <= y),
    "The smaller of x and y, elementwise with broadcasting.",
    samples=pairs(),
)


def _squared_difference_grad(op: Operation, grad: Tensor) -> Any:
    x, y = op.inputs
    of_x = 2 * grad * (x - y)
    return sum_to_shape_of([of_x, -of_x], x, y)


SquaredDifference = binary(
    "SquaredDifference",
    "{bfloat16, half, float, double, int32, int64, complex64, complex128}",
    _squared_difference_grad,
    "conj(x - y) * (x - y), elementwise with broadcasting.",
    samples=pairs(),
    flops=2.0,
)


def _atan2_grad(op: Operation, grad: Tensor) -> Any:
    y, x = op.inputs
    part = grad / (x * x + y * y)
    return sum_to_shape_of([x * part, -y * part], y, x)


Atan2 = binary(
    "Atan2",
    FLOATS,
    _atan2_grad,
    "Angle of the point (x, y) in (-pi, pi].",
    samples=pairs(0.5, 2.0, integers=False),
    flops=30.0,
    inputs="y: T, x: T",
)
NextAfter = binary(
    "NextAfter",
    "{double, float} = DT_FLOAT",
    lambda op, grad: sum_to_shape_of([grad, None], *op.inputs),
    "The number next to x1 in the direction of x2.",
    samples=lambda: [
        sample(floats(2, 3), floats(3, seed=1), grad=()),
        sample(floats(3, dtype="float64"), floats(3, seed=1, dtype="float64"), grad=()),
    ],
    inputs="x1: T, x2: T",
    outputs="output: T",
)

Neg = unary(
    "Neg",
    "{bfloat16, half, float, double, int8, int16, int32, int64, complex64, complex128}",
    lambda op, grad: [-grad],
    "-x, elementwise.",
)


def _add_n_shape(c: InferContext) -> list[TensorShape]:
    shape = TensorShape(None)
    for given in c.shapes:
        shape = c.merge(shape, given, "all inputs must have the same shape")
    return [shape]


def _sum_samples(**attrs: Any) -> list[Sample]:
    return [
        sample([floats(2, 3), floats(2, 3, seed=1), floats(2, 3, seed=2)], **attrs),
        sample([floats(2, 3)], **attrs),
        sample([ints(2, 3), ints(2, 3, seed=1)], **attrs),
    ]


AddN = declare(
    "AddN",
    inputs="inputs: N * T",
    outputs="sum: T",
    attrs=("N: int >= 1", "T: {numbertype, variant}"),
    infer=_add_n_shape,
    gradient=lambda op, grad: [grad] * len(op.inputs),
    cost=lambda c: per_element(max(1.0, len(c.in_shapes) - 1.0))(c),
    state=PURE,
    samples=_sum_samples,
    doc="Sum of tensors of one shape.",
)
AccumulateNV2 = declare(
    "AccumulateNV2",
    inputs="inputs: N * T",
    outputs="sum: T",
    attrs=("N: int >= 1", "T: numbertype", "shape: shape"),
    infer=_add_n_shape,
    gradient=lambda op, grad: [grad] * len(op.inputs),
    cost=lambda c: per_element(max(1.0, len(c.in_shapes) - 1.0))(c),
    state=PURE,
    samples=lambda: _sum_samples(shape=TensorShape([2, 3])),
    doc="Sum of tensors of one shape, which need not all be there at once.",
)


def _cast_grad(op: Operation, grad: Tensor) -> Any:
    source, target = op.inputs[0].dtype, op.outputs[0].dtype
    if not all(t.is_floating or t.is_complex for t in (source, target)):
        return [None]
    return [Cast(grad, DstT=source)]


Cast = declare(
    "Cast",
    inputs="x: SrcT",
    outputs="y: DstT",
    attrs=("SrcT: type", "DstT: type", "Truncate: bool = false"),
    infer=like_input,
    gradient=_cast_grad,
    cost=per_element(),
    state=PURE,
    samples=lambda: [
        sample(floats(2, 3), DstT="int32", grad=()),
        sample(floats(2, 3), DstT="float64"),
        sample(floats(2, 3), DstT="bool", grad=()),
        sample(floats(2, 3), DstT="half", Truncate=True, grad=()),
        sample(ints(3), DstT="float32"),
        sample(bools(3), DstT="int64"),
        sample(floats(3), DstT="complex64"),
        sample(floats(3).astype("complex64"), DstT="float32", grad=()),
    ],
    doc="The same numbers as another element type; fractions are cut off towards zero.",
)
