"""Special functions; declared in `graph/ops/special.py` and `graph/ops/bessel.py`.

Most come from a library that goes with the array library (SciPy, `jax.scipy`, `cupyx.scipy`), see the modules of
the same name in the backends' folders; what is composed of others is here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .registry import KernelContext, kernel

NAMES = {
    "BesselI0": "i0",
    "BesselI0e": "i0e",
    "BesselI1": "i1",
    "BesselI1e": "i1e",
    "BesselJ0": "j0",
    "BesselJ1": "j1",
    "BesselK0": "k0",
    "BesselK0e": "k0e",
    "BesselK1": "k1",
    "BesselK1e": "k1e",
    "BesselY0": "y0",
    "BesselY1": "y1",
    "Betainc": "betainc",
    "Dawsn": "dawsn",
    "Digamma": "digamma",
    "Erf": "erf",
    "Erfc": "erfc",
    "Erfinv": "erfinv",
    "Expint": "expi",
    "Igamma": "gammainc",
    "Igammac": "gammaincc",
    "Lgamma": "gammaln",
    "Ndtri": "ndtri",
    "Spence": "spence",
    "Zeta": "zeta",
}
"""Op types, and the name that SciPy and its likes have for the function."""


def in_single(function: Callable[..., Any]) -> Callable[..., Any]:
    """A kernel that computes short floats in float32."""

    def run(c: KernelContext, *inputs: Any) -> Any:
        if c.in_types[0].size == 2:
            inputs = tuple(v.astype(np.float32) for v in inputs)
        return c.xp.asarray(function(c, *inputs), dtype=c.out_dtype)

    return run


def polygamma(xp: Any, special: Any, order: Any, x: Any) -> Any:
    """Derivatives of digamma: (-1)^(n + 1) n! zeta(n + 1, x), from NIST's handbook 5.15; n must be whole."""
    n = xp.asarray(order)
    sign = xp.where(n % 2 == 0, -1.0, 1.0)
    value = sign * xp.exp(special.gammaln(n + 1)) * special.zeta(n + 1, x)
    value = xp.where(n == 0, special.digamma(x), value)
    return xp.where((n >= 0) & (xp.floor(n) == n), value, xp.nan)


def _zero_first(c: KernelContext, function: Callable[[Any], Any], x: Any, y: Any) -> Any:
    zero = x == 0
    value = x * function(c.xp.where(zero, c.xp.ones_like(y), y))
    return c.xp.where(zero, c.xp.zeros_like(value), value)


@kernel("Xlogy")
def xlogy(c: KernelContext, x: Any, y: Any) -> Any:
    return _zero_first(c, c.xp.log, x, y)


@kernel("Xlog1py")
def xlog1py(c: KernelContext, x: Any, y: Any) -> Any:
    return _zero_first(c, c.xp.log1p, x, y)


@kernel("Xdivy")
def xdivy(c: KernelContext, x: Any, y: Any) -> Any:
    zero = x == 0
    quotient = c.xp.divide(x, c.xp.where(zero, c.xp.ones_like(y), y))
    return c.xp.where(zero, c.xp.zeros_like(quotient), quotient)
