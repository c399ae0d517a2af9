"""Bessel functions, and integrals that have names: Dawson's, exponential, Fresnel's, Spence's."""

from __future__ import annotations

import math
from typing import Any

from ..elements import Operation, Tensor
from .elementwise import FLOATS, unary
from .unary import Abs, Cos, Exp, Log, Sign, Sin, Square

__all__ = [
    "BesselI0",
    "BesselI0e",
    "BesselI1",
    "BesselI1e",
    "BesselJ0",
    "BesselJ1",
    "BesselK0",
    "BesselK0e",
    "BesselK1",
    "BesselK1e",
    "BesselY0",
    "BesselY1",
    "Dawsn",
    "Expint",
    "FresnelCos",
    "FresnelSin",
    "Spence",
]


def _slope(derivative: Any) -> Any:
    """Gradient rule: the incoming gradient times `derivative(x, y)`."""

    def rule(op: Operation, grad: Tensor) -> Any:
        return [grad * derivative(op.inputs[0], op.outputs[0])]

    return rule


def _at_zero(x: Tensor, there: float, elsewhere: Any) -> Tensor:
    """`elsewhere(x)`, and the given number next to zero, where that would divide by zero."""
    from .array import OnesLike
    from .compare import SelectV2

    near = Abs(x) <= x.dtype.np.type(_epsilon(x))
    safe = SelectV2(near, OnesLike(x), x)
    return SelectV2(near, x.dtype.np.type(there), elsewhere(safe))


def _epsilon(x: Tensor) -> float:
    import ml_dtypes

    return float(ml_dtypes.finfo(x.dtype.np).eps)


def _bessel(name: str, derivative: Any, doc: str, low: float = -4.0, high: float = 4.0) -> Any:
    return unary(name, FLOATS, _slope(derivative), doc, flops=40.0, low=low, high=high)


BesselI0 = _bessel(
    "BesselI0", lambda x, y: BesselI1(x), "Modified Bessel function of the first kind, order 0."
)
BesselI1 = _bessel(
    "BesselI1",
    lambda x, y: _at_zero(x, 0.5, lambda v: BesselI0(v) - y / v),
    "Modified Bessel function of the first kind, order 1.",
)
BesselI0e = _bessel(
    "BesselI0e",
    lambda x, y: BesselI1e(x) - Sign(x) * y,
    "exp(-|x|) times the modified Bessel function of the first kind, order 0.",
)
BesselI1e = _bessel(
    "BesselI1e",
    lambda x, y: _at_zero(x, 0.5, lambda v: BesselI0e(v) - y * (Sign(v) + 1 / v)),
    "exp(-|x|) times the modified Bessel function of the first kind, order 1.",
)
BesselJ0 = _bessel("BesselJ0", lambda x, y: -BesselJ1(x), "Bessel function of the first kind, order 0.")
BesselJ1 = _bessel(
    "BesselJ1",
    lambda x, y: _at_zero(x, 0.5, lambda v: BesselJ0(v) - y / v),
    "Bessel function of the first kind, order 1.",
)
BesselK0 = _bessel(
    "BesselK0", lambda x, y: -BesselK1(x), "Modified Bessel function of the second kind, order 0.", 0.3
)
BesselK0e = _bessel(
    "BesselK0e",
    lambda x, y: y - BesselK1e(x),
    "exp(x) times the modified Bessel function of the second kind, order 0.",
    0.3,
)
BesselK1 = _bessel(
    "BesselK1",
    lambda x, y: -BesselK0(x) - y / x,
    "Modified Bessel function of the second kind, order 1.",
    0.3,
)
BesselK1e = _bessel(
    "BesselK1e",
    lambda x, y: y * (1 - 1 / x) - BesselK0e(x),
    "exp(x) times the modified Bessel function of the second kind, order 1.",
    0.3,
)
BesselY0 = _bessel("BesselY0", lambda x, y: -BesselY1(x), "Bessel function of the second kind, order 0.", 0.3)
BesselY1 = _bessel(
    "BesselY1", lambda x, y: BesselY0(x) - y / x, "Bessel function of the second kind, order 1.", 0.3
)
Dawsn = _bessel("Dawsn", lambda x, y: 1 - 2 * x * y, "exp(-x * x) times the integral of exp(t * t) up to x.")
Expint = _bessel("Expint", lambda x, y: Exp(x) / x, "Integral of exp(t) / t up to x.", 0.3)
FresnelCos = _bessel(
    "FresnelCos",
    lambda x, y: Cos(math.pi / 2 * Square(x)),
    "Integral of cos(pi / 2 * t * t) up to x.",
    -2.0,
    2.0,
)
FresnelSin = _bessel(
    "FresnelSin",
    lambda x, y: Sin(math.pi / 2 * Square(x)),
    "Integral of sin(pi / 2 * t * t) up to x.",
    -2.0,
    2.0,
)


Spence = _bessel(
    "Spence",
    lambda x, y: -_at_zero(1 - x, 1.0, lambda v: -Log(1 - v) / v),
    "Integral of log(t) / (1 - t) from 1 to x.",
    0.3,
)
