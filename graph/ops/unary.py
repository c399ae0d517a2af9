"""Functions of one tensor, elementwise, and the ops that their gradients use."""

from __future__ import annotations

from typing import Any

from ..elements import Operation, Tensor
from ..infer import per_element
from ..opdef import PURE, NoGradient, OpDecl, Sample, declare
from ..samples import floats, sample
from ..shapes import TensorShape
from .broadcasting import like_input
from .complex import conj
from .elementwise import FLOATS, FLOATS_COMPLEX, SIGNED, SIGNED_COMPLEX, unary

__all__ = [
    "Abs",
    "Acos",
    "Acosh",
    "Asin",
    "Asinh",
    "Atan",
    "Atanh",
    "Ceil",
    "Cos",
    "Cosh",
    "Exp",
    "Expm1",
    "Floor",
    "Inv",
    "InvGrad",
    "IsFinite",
    "IsInf",
    "IsNan",
    "Log",
    "Log1p",
    "Reciprocal",
    "ReciprocalGrad",
    "Rint",
    "Round",
    "Rsqrt",
    "RsqrtGrad",
    "Sigmoid",
    "SigmoidGrad",
    "Sign",
    "Sin",
    "Sinh",
    "Sqrt",
    "SqrtGrad",
    "Square",
    "Tan",
    "Tanh",
    "TanhGrad",
]


def _times(derivative: Any) -> Any:
    """Gradient rule: the incoming gradient times `derivative(conj(x))`."""
    return lambda op, grad: [grad * derivative(conj(op.inputs[0]))]


def _over(divisor: Any) -> Any:
    """Gradient rule: the incoming gradient over `divisor(conj(x))`."""
    return lambda op, grad: [grad / divisor(conj(op.inputs[0]))]


def _by_output(make: Any) -> Any:
    """Gradient rule: `make(y, grad)`, an op of its own.

    TensorFlow's SqrtGrad, RsqrtGrad and ReciprocalGrad conjugate y themselves, TanhGrad and SigmoidGrad do not.
    """
    return lambda op, grad: [make(op.outputs[0], grad)]


def _zeros(op: Operation, _: Tensor) -> Any:
    from .array import ZerosLike

    return [ZerosLike(op.inputs[0])]


_STEPS = NoGradient("it is constant between jumps")

Abs = unary("Abs", SIGNED, _times(lambda x: Sign(x)), "Absolute value.")
Sign = unary("Sign", SIGNED_COMPLEX, _zeros, "-1, 0 or 1 by the sign of x; x / |x| for complex numbers.")
Square = unary(
    "Square",
    "{bfloat16, half, float, double, int8, int16, int32, int64, uint8, uint16, uint32, uint64, "
    "complex64, complex128}",
    _times(lambda x: x * 2),
    "x * x, elementwise.",
)
Floor = unary("Floor", FLOATS, _STEPS, "Largest whole number that is not above x.")
Ceil = unary("Ceil", FLOATS, _STEPS, "Smallest whole number that is not below x.")
Rint = unary(
    "Rint",
    FLOATS,
    _STEPS,
    "Nearest whole number; halves go to the even one.",
    samples=lambda: [sample(floats(2, 3), grad=()), sample([-1.5, -0.5, 0.5, 1.5, 2.5], grad=())],
)
Round = unary(
    "Round",
    SIGNED_COMPLEX,
    _STEPS,
    "Nearest whole number; halves go to the even one.",
    samples=lambda: [
        sample(floats(2, 3), grad=()),
        sample([-1.5, -0.5, 0.5, 1.5, 2.5], grad=()),
        sample([1, -2]),
    ],
)

_positive: dict[str, float] = {"low": 0.3, "high": 3.0}

Exp = unary(
    "Exp",
    FLOATS_COMPLEX,
    lambda op, grad: [grad * conj(op.outputs[0])],
    "e to the power of x.",
    flops=15.0,
)
Expm1 = unary(
    "Expm1",
    FLOATS_COMPLEX,
    _times(lambda x: Exp(x)),
    "exp(x) - 1, exact for small x.",
    flops=20.0,
)
Log = unary(
    "Log",
    FLOATS_COMPLEX,
    _over(lambda x: x),
    "Natural logarithm.",
    flops=15.0,
    **_positive,  # type: ignore[arg-type]
)
Log1p = unary(
    "Log1p",
    FLOATS_COMPLEX,
    _over(lambda x: x + 1),
    "log(1 + x), exact for small x.",
    flops=20.0,
    low=-0.6,
    high=2.0,
)
Sin = unary("Sin", FLOATS_COMPLEX, _times(lambda x: Cos(x)), "Sine of x radians.", flops=15.0)
Cos = unary("Cos", FLOATS_COMPLEX, _times(lambda x: -Sin(x)), "Cosine of x radians.", flops=15.0)
Tan = unary(
    "Tan",
    FLOATS_COMPLEX,
    _over(lambda x: Square(Cos(x))),
    "Tangent of x radians.",
    flops=20.0,
    low=-1.0,
    high=1.0,
)
Asin = unary(
    "Asin",
    FLOATS_COMPLEX,
    _over(lambda x: Sqrt(1 - Square(x))),
    "Inverse sine.",
    flops=20.0,
    low=-0.8,
    high=0.8,
)
Acos = unary(
    "Acos",
    FLOATS_COMPLEX,
    _over(lambda x: -Sqrt(1 - Square(x))),
    "Inverse cosine.",
    flops=20.0,
    low=-0.8,
    high=0.8,
)
Atan = unary("Atan", FLOATS_COMPLEX, _over(lambda x: 1 + Square(x)), "Inverse tangent.", flops=20.0)
Sinh = unary("Sinh", FLOATS_COMPLEX, _times(lambda x: Cosh(x)), "Hyperbolic sine.", flops=20.0)
Cosh = unary("Cosh", FLOATS_COMPLEX, _times(lambda x: Sinh(x)), "Hyperbolic cosine.", flops=20.0)
Asinh = unary(
    "Asinh",
    FLOATS_COMPLEX,
    lambda op, grad: [grad / Cosh(conj(op.outputs[0]))],
    "Inverse hyperbolic sine.",
    flops=25.0,
)
Acosh = unary(
    "Acosh",
    FLOATS_COMPLEX,
    lambda op, grad: [grad / Sinh(conj(op.outputs[0]))],
    "Inverse hyperbolic cosine.",
    flops=25.0,
    low=1.2,
    high=4.0,
)
Atanh = unary(
    "Atanh",
    FLOATS_COMPLEX,
    _over(lambda x: 1 - Square(x)),
    "Inverse hyperbolic tangent.",
    flops=25.0,
    low=-0.8,
    high=0.8,
)

Sqrt = unary(
    "Sqrt",
    FLOATS_COMPLEX,
    _by_output(lambda y, grad: SqrtGrad(y, grad)),
    "Square root.",
    flops=4.0,
    **_positive,  # type: ignore[arg-type]
)
Rsqrt = unary(
    "Rsqrt",
    FLOATS_COMPLEX,
    _by_output(lambda y, grad: RsqrtGrad(y, grad)),
    "1 / sqrt(x).",
    flops=5.0,
    **_positive,  # type: ignore[arg-type]
)
Reciprocal = unary(
    "Reciprocal",
    SIGNED_COMPLEX,
    _by_output(lambda y, grad: ReciprocalGrad(y, grad)),
    "1 / x; cut off towards zero for integers.",
    **_positive,  # type: ignore[arg-type]
)
Inv = unary(
    "Inv",
    SIGNED_COMPLEX,
    _by_output(lambda y, grad: ReciprocalGrad(y, grad)),
    "1 / x; older name of Reciprocal.",
    **_positive,  # type: ignore[arg-type]
)
Tanh = unary(
    "Tanh",
    FLOATS_COMPLEX,
    _by_output(lambda y, grad: TanhGrad(conj(y), grad)),
    "Hyperbolic tangent.",
    flops=15.0,
)
Sigmoid = unary(
    "Sigmoid",
    FLOATS_COMPLEX,
    _by_output(lambda y, grad: SigmoidGrad(conj(y), grad)),
    "1 / (1 + exp(-x)).",
    flops=15.0,
)


def _from_output_shape(c: Any) -> list[TensorShape]:
    return [c.merge(c.shape("y"), c.shape("dy"), "y and dy must have the same shape")]


def _output_grad(name: str, gradient: Any, flops: float, doc: str) -> OpDecl:
    """Declares the op that gives a function's input gradient from its output `y` and `y`'s gradient."""

    def samples() -> list[Sample]:
        return [
            sample(floats(2, 3, low=0.2, high=0.9), floats(2, 3, seed=1)),
            sample(floats(low=0.2, high=0.9), floats(seed=1)),
            sample(
                floats(4, low=0.2, high=0.9, dtype="float64"),
                floats(4, seed=1, dtype="float64"),
            ),
            sample(floats(3) + 1j * floats(3, seed=1), floats(3, seed=2) + 1j * floats(3, seed=3)),
        ]

    return declare(
        name,
        inputs="y: T, dy: T",
        outputs="z: T",
        attrs=f"T: {FLOATS_COMPLEX}",
        infer=_from_output_shape,
        gradient=gradient,
        cost=per_element(flops),
        state=PURE,
        samples=samples,
        doc=doc,
    )


def _sqrt_grad_grad(op: Operation, grad: Tensor) -> Any:
    part = grad / op.inputs[0]
    return [-conj(part) * op.outputs[0], part * 0.5]


def _rsqrt_grad_grad(op: Operation, grad: Tensor) -> Any:
    y, dy = conj(op.inputs[0]), op.inputs[1]
    return [conj(grad) * -1.5 * dy * Square(y), RsqrtGrad(y, grad)]


def _reciprocal_grad_grad(op: Operation, grad: Tensor) -> Any:
    y, dy = conj(op.inputs[0]), op.inputs[1]
    return [conj(grad) * -2 * dy * y, ReciprocalGrad(y, grad)]


def _tanh_grad_grad(op: Operation, grad: Tensor) -> Any:
    y, dy = (conj(t) for t in op.inputs)
    return [grad * -2 * dy * y, TanhGrad(y, grad)]


def _sigmoid_grad_grad(op: Operation, grad: Tensor) -> Any:
    y, dy = (conj(t) for t in op.inputs)
    part = grad * dy
    return [part - 2 * part * y, SigmoidGrad(y, grad)]


SqrtGrad = _output_grad("SqrtGrad", _sqrt_grad_grad, 4.0, "Gradient of Sqrt: dy / (2 y).")
RsqrtGrad = _output_grad("RsqrtGrad", _rsqrt_grad_grad, 4.0, "Gradient of Rsqrt: -dy y^3 / 2.")
ReciprocalGrad = _output_grad(
    "ReciprocalGrad", _reciprocal_grad_grad, 3.0, "Gradient of Reciprocal: -dy y^2."
)
InvGrad = _output_grad("InvGrad", _reciprocal_grad_grad, 3.0, "Gradient of Inv: -dy y^2.")
TanhGrad = _output_grad("TanhGrad", _tanh_grad_grad, 3.0, "Gradient of Tanh: dy (1 - y^2).")
SigmoidGrad = _output_grad("SigmoidGrad", _sigmoid_grad_grad, 3.0, "Gradient of Sigmoid: dy y (1 - y).")


def _test(name: str, doc: str) -> OpDecl:
    """Declares a test of each element."""
    return declare(
        name,
        inputs="x: T",
        outputs="y: bool",
        attrs=f"T: {FLOATS}",
        infer=like_input,
        gradient=NoGradient("its output is boolean"),
        cost=per_element(),
        state=PURE,
        samples=lambda: [
            sample([0.0, float("nan"), float("inf"), float("-inf"), 3.0], grad=()),
            sample(floats(2, 3, dtype="float64"), grad=()),
        ],
        doc=doc,
    )


IsNan = _test("IsNan", "Whether each element is not a number.")
IsInf = _test("IsInf", "Whether each element is infinite.")
IsFinite = _test("IsFinite", "Whether each element is a finite number.")
