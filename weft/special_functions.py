"""Special functions: error functions, gamma functions, Bessel functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from .elementwise import binary, unary
from .graph import dtypes
from .graph.convert import convert_to_tensor
from .graph.default_graph import name_scope
from .graph.elements import Tensor
from .graph.opdef import get_op
from .reductions import reduce_sum

__all__ = [
    "bessel_i0",
    "bessel_i0e",
    "bessel_i1",
    "bessel_i1e",
    "bessel_j0",
    "bessel_j1",
    "bessel_k0",
    "bessel_k0e",
    "bessel_k1",
    "bessel_k1e",
    "bessel_y0",
    "bessel_y1",
    "betainc",
    "dawsn",
    "digamma",
    "erf",
    "erfc",
    "erfcinv",
    "erfinv",
    "expint",
    "fresnel_cos",
    "fresnel_sin",
    "igamma",
    "igammac",
    "lbeta",
    "lgamma",
    "ndtri",
    "polygamma",
    "polyval",
    "spence",
    "xdivy",
    "xlog1py",
    "xlogy",
    "zeta",
]

bessel_i0 = unary("BesselI0", "bessel_i0", "Modified Bessel function of the first kind, order 0.", "floating")
bessel_i0e = unary("BesselI0e", "bessel_i0e", "exp(-|x|) * bessel_i0(x).", "floating")
bessel_i1 = unary("BesselI1", "bessel_i1", "Modified Bessel function of the first kind, order 1.", "floating")
bessel_i1e = unary("BesselI1e", "bessel_i1e", "exp(-|x|) * bessel_i1(x).", "floating")
bessel_j0 = unary("BesselJ0", "bessel_j0", "Bessel function of the first kind, order 0.", "floating")
bessel_j1 = unary("BesselJ1", "bessel_j1", "Bessel function of the first kind, order 1.", "floating")
bessel_k0 = unary(
    "BesselK0", "bessel_k0", "Modified Bessel function of the second kind, order 0.", "floating"
)
bessel_k0e = unary("BesselK0e", "bessel_k0e", "exp(x) * bessel_k0(x).", "floating")
bessel_k1 = unary(
    "BesselK1", "bessel_k1", "Modified Bessel function of the second kind, order 1.", "floating"
)
bessel_k1e = unary("BesselK1e", "bessel_k1e", "exp(x) * bessel_k1(x).", "floating")
bessel_y0 = unary("BesselY0", "bessel_y0", "Bessel function of the second kind, order 0.", "floating")
bessel_y1 = unary("BesselY1", "bessel_y1", "Bessel function of the second kind, order 1.", "floating")
dawsn = unary("Dawsn", "dawsn", "exp(-x * x) times the integral of exp(t * t) from 0 to x.", "floating")
digamma = unary("Digamma", "digamma", "Slope of lgamma(x).", "floating")
erf = unary("Erf", "erf", "Error function.", "floating")
erfc = unary("Erfc", "erfc", "1 - erf(x), exact for large x.", "floating")
erfinv = unary("Erfinv", "erfinv", "Inverse of the error function.", "floating")
expint = unary("Expint", "expint", "Integral of exp(t) / t from -infinity to x.", "floating")
fresnel_cos = unary("FresnelCos", "fresnel_cos", "Integral of cos(pi / 2 * t * t) from 0 to x.", "floating")
fresnel_sin = unary("FresnelSin", "fresnel_sin", "Integral of sin(pi / 2 * t * t) from 0 to x.", "floating")
lgamma = unary("Lgamma", "lgamma", "Logarithm of |gamma(x)|.", "floating")
ndtri = unary("Ndtri", "ndtri", "Quantiles of the standard normal distribution.", "floating")
spence = unary("Spence", "spence", "Integral of log(t) / (1 - t) from 1 to x.", "floating")

xdivy = binary("Xdivy", "xdivy", "x / y, and 0 wherever x is 0.")
xlog1py = binary("Xlog1py", "xlog1py", "x * log(1 + y), and 0 wherever x is 0.")
xlogy = binary("Xlogy", "xlogy", "x * log(y), and 0 wherever x is 0.")


def igamma(a: Any, x: Any, name: str | None = None) -> Tensor:
    """Lower regularized incomplete gamma function.

    Args:
        a, x: floating tensors of one type and of shapes that broadcast, positive.
        name: name of the op.

    Source:
        TensorFlow's op Igamma.
    """
    return get_op("Igamma")(a, x, name=name)


def igammac(a: Any, x: Any, name: str | None = None) -> Tensor:
    """Upper regularized incomplete gamma function, 1 - igamma(a, x).

    Args:
        a, x: floating tensors of one type and of shapes that broadcast, positive.
        name: name of the op.

    Source:
        TensorFlow's op Igammac.
    """
    return get_op("Igammac")(a, x, name=name)


def polygamma(a: Any, x: Any, name: str | None = None) -> Tensor:
    """Derivative of order `a` of digamma(x).

    Args:
        a: whole numbers as float32 or float64; other numbers give NaN.
        x: positive numbers of the same type, of a shape that broadcasts with that of `a`.
        name: name of the op.

    Source:
        TensorFlow's op Polygamma.
    """
    return get_op("Polygamma")(a, x, name=name)


def zeta(x: Any, q: Any, name: str | None = None) -> Tensor:
    """Hurwitz zeta function: the sum of (q + n) ** -x over n >= 0.

    Args:
        x: float32 or float64, above 1.
        q: the same type, positive, of a shape that broadcasts with that of `x`.
        name: name of the op.

    Source:
        TensorFlow's op Zeta.
    """
    return get_op("Zeta")(x, q, name=name)


def betainc(a: Any, b: Any, x: Any, name: str | None = None) -> Tensor:
    """Regularized incomplete beta function.

    Args:
        a, b: float32 or float64, positive: scalars, or of the shape of `x`.
        x: the same type, from 0 to 1.
        name: name of the op.

    Source:
        TensorFlow's op Betainc.
    """
    return get_op("Betainc")(a, b, x, name=name)


def erfcinv(x: Any, name: str | None = None) -> Tensor:
    """Inverse of erfc.

    Args:
        x: a floating tensor, from 0 to 2.
        name: name scope of the ops.
    """
    with name_scope(name, "erfcinv"):
        x = convert_to_tensor(x, name="start")
        return ndtri(x * 0.5) * float(-np.sqrt(0.5))


def lbeta(x: Any, name: str | None = None) -> Tensor:
    """Logarithm of |beta(x)|, beta being the product of the gammas of a vector over the gamma of its sum.

    Args:
        x: a floating tensor of shape `(..., n)`.
        name: name scope of the ops.

    Returns:
        A tensor of shape `(...)`; for empty vectors -infinity.
    """
    with name_scope(name, "lbeta"):
        x = convert_to_tensor(x, name="x")
        return reduce_sum(lgamma(x), axis=[-1]) - lgamma(reduce_sum(x, axis=[-1]))


def polyval(coeffs: Any, x: Any, name: str | None = None) -> Tensor:
    """Value of a polynomial, by Horner's scheme.

    Args:
        coeffs: a list of tensors or numbers, the highest power's first.
        x: where; a tensor.
        name: name scope of the ops.

    Raises:
        ValueError: `coeffs` is not a list.
    """
    if not isinstance(coeffs, list):
        raise ValueError(f"Argument coeffs must be list type. Received type {type(coeffs)}.")
    with name_scope(name, "polyval"):
        x = convert_to_tensor(x, name="x")
        if not coeffs:
            return get_op("ZerosLike")(x)
        value = convert_to_tensor(coeffs[0], x.dtype if _is_number(coeffs[0]) else None)
        for coefficient in coeffs[1:]:
            value = coefficient + value * x
        return value


def _is_number(value: Any) -> bool:
    return not hasattr(value, "dtype") or not isinstance(value.dtype, dtypes.DType)
