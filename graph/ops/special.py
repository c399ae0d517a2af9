"""Special functions: error functions, gamma functions and their relatives."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..elements import Operation, Tensor
from ..infer import InferContext, per_element
from ..opdef import PURE, NoGradient, OpDecl, Sample, declare
from ..samples import floats, sample
from ..shapes import TensorShape
from .broadcasting import sum_to_shape, sum_to_shape_of
from .elementwise import FLOATS, binary, singles, unary
from .unary import Exp, Log, Log1p, Square

__all__ = [
    "Betainc",
    "Digamma",
    "Erf",
    "Erfc",
    "Erfinv",
    "Igamma",
    "IgammaGradA",
    "Igammac",
    "Lgamma",
    "Ndtri",
    "Polygamma",
    "Xdivy",
    "Xlog1py",
    "Xlogy",
    "Zeta",
]

_TWO = "{float, double}"


def _erf_grad(sign: float) -> Any:
    scale = sign * 2.0 / math.sqrt(math.pi)
    return lambda op, grad: [grad * scale * Exp(-Square(op.inputs[0]))]


Erf = unary(
    "Erf",
    FLOATS,
    _erf_grad(1.0),
    "Error function.",
    flops=20.0,
    samples=lambda: [
        *singles(-2.0, 2.0, integers=False, complexes=False)(),
        sample(floats(200, 100, low=-6.0, high=6.0), grad=()),
        sample([0.0, -0.0, 1e-30, 3.94, 9.0, float("inf"), float("nan")], grad=()),
        sample(floats(5, dtype="float16"), grad=()),
    ],
)
Erfc = unary("Erfc", FLOATS, _erf_grad(-1.0), "1 - erf(x), exact for large x.", flops=20.0)
Erfinv = unary(
    "Erfinv",
    FLOATS,
    lambda op, grad: [grad * (math.sqrt(math.pi) / 2.0) * Exp(Square(op.outputs[0]))],
    "Inverse of the error function.",
    flops=30.0,
    low=-0.9,
    high=0.9,
)
Ndtri = unary(
    "Ndtri",
    FLOATS,
    lambda op, grad: [grad * math.sqrt(2.0 * math.pi) * Exp(Square(op.outputs[0]) / 2.0)],
    "Quantiles of the standard normal distribution.",
    flops=30.0,
    low=0.05,
    high=0.95,
)
Lgamma = unary(
    "Lgamma",
    FLOATS,
    lambda op, grad: [grad * Digamma(op.inputs[0])],
    "Logarithm of |gamma(x)|.",
    flops=40.0,
    low=0.3,
    high=6.0,
)
Digamma = unary(
    "Digamma",
    FLOATS,
    lambda op, grad: [grad * Polygamma(grad.dtype.np.type(1), op.inputs[0])],
    "Slope of the logarithm of gamma(x).",
    flops=40.0,
    samples=lambda: [
        sample(floats(2, 3, low=0.3, high=6.0)),
        sample(floats(4, low=0.3, high=6.0, dtype="float64")),
        sample(floats(4, low=-2.8, high=-2.2, dtype="float64")),
    ],
)


def _polygamma_grad(op: Operation, grad: Tensor) -> Any:
    order, x = op.inputs
    return sum_to_shape_of([None, grad * Polygamma(order + 1, x)], order, x)


Polygamma = binary(
    "Polygamma",
    _TWO,
    _polygamma_grad,
    "Derivative of the given order of digamma(x).",
    samples=lambda: [
        sample([0.0, 1.0, 2.0, 3.0], floats(2, 4, low=0.5, high=4.0), grad=(1,), tolerance=20.0),
        sample(
            floats(low=1, high=1, dtype="float64"), floats(3, low=0.5, high=4.0, dtype="float64"), grad=(1,)
        ),
    ],
    flops=60.0,
    inputs="a: T, x: T",
)


def _zeta_grad(op: Operation, grad: Tensor) -> Any:
    x, q = op.inputs
    return sum_to_shape_of([None, grad * -x * Zeta(x + 1, q)], x, q)


Zeta = binary(
    "Zeta",
    _TWO,
    _zeta_grad,
    "Hurwitz zeta function: the sum of (q + n) ** -x over n >= 0.",
    samples=lambda: [
        sample(floats(2, 3, low=1.5, high=4.0), floats(3, low=0.5, high=4.0, seed=1), grad=(1,)),
        sample(
            floats(low=2, high=3, dtype="float64"), floats(3, low=0.5, high=4.0, dtype="float64"), grad=(1,)
        ),
    ],
    flops=60.0,
    inputs="x: T, q: T",
)


def _density(a: Tensor, x: Tensor) -> Tensor:
    """Density of the gamma distribution of shape `a` at `x`."""
    return Exp(-x + (a - 1) * Log(x) - Lgamma(a))


def _igamma_grad(sign: float) -> Any:
    def rule(op: Operation, grad: Tensor) -> Any:
        a, x = op.inputs
        grad = grad * sign
        return sum_to_shape_of([grad * IgammaGradA(a, x), grad * _density(a, x)], a, x)

    return rule


def _gamma_pairs() -> list[Sample]:
    return [
        sample(floats(2, 3, low=0.5, high=5.0), floats(2, 3, low=0.2, high=8.0, seed=1)),
        sample(floats(low=1.5, high=2.0), floats(3, low=0.2, high=8.0, seed=1)),
        sample(
            floats(2, 1, low=0.5, high=30.0, dtype="float64"),
            floats(4, low=0.2, high=40.0, seed=1, dtype="float64"),
        ),
    ]


Igamma = binary(
    "Igamma",
    FLOATS,
    _igamma_grad(1.0),
    "Lower regularized incomplete gamma function.",
    samples=_gamma_pairs,
    flops=200.0,
    inputs="a: T, x: T",
)
Igammac = binary(
    "Igammac",
    FLOATS,
    _igamma_grad(-1.0),
    "Upper regularized incomplete gamma function.",
    samples=_gamma_pairs,
    flops=200.0,
    inputs="a: T, x: T",
)
IgammaGradA = binary(
    "IgammaGradA",
    _TWO,
    NoGradient("its derivative is not implemented", zero=False),
    "Derivative of igamma(a, x) with respect to a.",
    samples=_gamma_pairs,
    flops=400.0,
    inputs="a: T, x: T",
)


def _betainc_shape(c: InferContext) -> Sequence[TensorShape]:
    shape = TensorShape([])
    for given in c.shapes:
        if given.rank != 0:
            known = TensorShape(None) if shape.rank == 0 else shape
            shape = c.merge(known, given, "a, b and x must be scalars or of one shape")
    return [shape]


def _betainc_grad(op: Operation, grad: Tensor) -> Any:
    a, b, x = op.inputs
    log_beta = Lgamma(a) + Lgamma(b) - Lgamma(a + b)
    slope = Exp((b - 1) * Log1p(-x) + (a - 1) * Log(x) - log_beta)
    return [None, None, sum_to_shape(grad * slope, x)]


Betainc = declare(
    "Betainc",
    inputs="a: T, b: T, x: T",
    outputs="z: T",
    attrs="T: {float, double}",
    infer=_betainc_shape,
    gradient=_betainc_grad,
    cost=per_element(300.0),
    state=PURE,
    samples=lambda: [
        sample(
            floats(2, 3, low=0.5, high=4.0),
            floats(2, 3, low=0.5, high=4.0, seed=1),
            floats(2, 3, low=0.1, high=0.9, seed=2),
            grad=(2,),
            tolerance=5.0,
        ),
        sample(
            floats(low=0.5, high=4.0, dtype="float64"),
            floats(low=0.5, high=4.0, seed=1, dtype="float64"),
            floats(4, low=0.1, high=0.9, seed=2, dtype="float64"),
            grad=(2,),
        ),
    ],
    doc="Regularized incomplete beta function.",
)


def _is_nonzero(x: Tensor) -> Tensor:
    from .compare import NotEqual
    from .math import Cast

    return Cast(NotEqual(x, 0), DstT=x.dtype)


def _xlogy_grad(op: Operation, grad: Tensor) -> Any:
    x, y = op.inputs
    of_x, of_y = Xlogy(_is_nonzero(x), y), Xdivy(x, y)
    return sum_to_shape_of([grad * of_x, grad * of_y], x, y)


def _xlog1py_grad(op: Operation, grad: Tensor) -> Any:
    x, y = op.inputs
    of_x, of_y = Xlog1py(_is_nonzero(x), y), Xdivy(x, y + 1)
    return sum_to_shape_of([grad * of_x, grad * of_y], x, y)


def _xdivy_grad(op: Operation, grad: Tensor) -> Any:
    x, y = op.inputs
    of_x, of_y = Xdivy(_is_nonzero(x), y), Xdivy(-x, Square(y))
    return sum_to_shape_of([grad * of_x, grad * of_y], x, y)


def _zero_first(name: str, gradient: Any, doc: str, flops: float) -> OpDecl:
    """An op that is 0 wherever its first input is."""

    def rows() -> list[Sample]:
        return [
            sample(floats(2, 3), floats(3, low=0.5, high=3.0, seed=1)),
            sample([0.0, 0.0, 2.0], [0.0, 1.0, 3.0], grad=()),
            sample(floats(), floats(2, 1, low=0.5, high=3.0, seed=1)),
            sample(floats(4, dtype="float64"), floats(4, low=0.5, high=3.0, seed=1, dtype="float64")),
            sample(floats(3) + 1j * floats(3, seed=1), floats(3, seed=2) + 1j * floats(3, seed=3)),
        ]

    return binary(
        name,
        "{half, bfloat16, float, double, complex64, complex128}",
        gradient,
        doc,
        samples=rows,
        flops=flops,
    )


Xlogy = _zero_first("Xlogy", _xlogy_grad, "x * log(y), and 0 wherever x is 0.", 16.0)
Xlog1py = _zero_first("Xlog1py", _xlog1py_grad, "x * log(1 + y), and 0 wherever x is 0.", 20.0)
Xdivy = _zero_first("Xdivy", _xdivy_grad, "x / y, and 0 wherever x is 0.", 2.0)
