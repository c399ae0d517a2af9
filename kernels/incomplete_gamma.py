"""How the incomplete gamma function changes with its shape, which SciPy and CuPy do not have.

Everything is in double precision, on values and their derivatives with respect to `a` side by side (forward
differentiation): the power series below the mean of the distribution, Lentz's continued fraction above it
(Press et al., Numerical Recipes, 6.2; Moore 1982, algorithm AS 187, for the idea).
"""

from __future__ import annotations

from typing import Any

import numpy as np

_LIMIT = 1e-16
_ROUNDS = 20_000
_LOOK_EVERY = 16


def slope_over_density(xp: Any, special: Any, a: Any, x: Any) -> Any:
    """d igamma(a, x) / da over the density of the gamma distribution of shape `a` at `x`.

    Args:
        xp: NumPy or CuPy.
        special: module with `digamma`.
        a, x: arrays that broadcast; both must be positive, NaN comes out elsewhere (0 where x is 0).
    """
    a, x = (v.astype(np.float64) for v in xp.broadcast_arrays(xp.asarray(a), xp.asarray(x)))
    valid = (a > 0) & (x > 0) & xp.isfinite(a) & xp.isfinite(x)
    upper = valid & (x > 1) & (x > a)
    lower = valid & ~upper
    one = xp.ones_like(a)
    low = _series(xp, special, xp.where(lower, a, one), xp.where(lower, x, 0.5 * one))
    high = _fraction(xp, special, xp.where(upper, a, one), xp.where(upper, x, 2 * one))
    found = xp.where(upper, high, low)
    return xp.where(valid, found, xp.where((a > 0) & (x == 0), 0.0, xp.nan))


def density(xp: Any, special: Any, a: Any, x: Any) -> Any:
    """Density of the gamma distribution of shape `a` at `x`, in double precision."""
    a, x = a.astype(np.float64), x.astype(np.float64)
    return xp.exp((a - 1) * xp.log(x) - x - special.gammaln(a))


def _series(xp: Any, special: Any, a: Any, x: Any) -> Any:
    """With igamma = density * x / a * S, S = 1 + x / (a + 1) + x^2 / ((a + 1)(a + 2)) + ..."""
    term, term_da = xp.ones_like(a), xp.zeros_like(a)
    total, total_da = xp.ones_like(a), xp.zeros_like(a)
    for n in range(1, _ROUNDS):
        ratio = x / (a + n)
        term_da = term_da * ratio - term * ratio / (a + n)
        term = term * ratio
        total, total_da = total + term, total_da + term_da
        if n % _LOOK_EVERY == 0 and bool(xp.all(xp.abs(term_da) <= _LIMIT * xp.abs(total_da))):
            break
    return x / a * (total_da + total * (xp.log(x) - special.digamma(a + 1)))


def _fraction(xp: Any, special: Any, a: Any, x: Any) -> Any:
    """With igammac = density * x * F, F = 1 / (x + 1 - a - 1 (1 - a) / (x + 3 - a - 2 (2 - a) / ...))."""
    b = x + 1 - a
    c, c_da = xp.full_like(a, 1e300), xp.zeros_like(a)
    d = 1 / b
    d_da = d * d
    f, f_da = d, d_da
    for n in range(1, _ROUNDS):
        top = -n * (n - a)
        b = b + 2
        below = top * d + b
        below_da = n * d + top * d_da - 1
        d = 1 / below
        d_da = -below_da * d * d
        c_da = n / c - top * c_da / (c * c) - 1
        c = b + top / c
        step, step_da = c * d, c_da * d + c * d_da
        f_da = f_da * step + f * step_da
        f = f * step
        if n % _LOOK_EVERY == 0 and bool(
            xp.all((xp.abs(step - 1) <= _LIMIT * 4) & (xp.abs(step_da * f) <= _LIMIT * 4 * xp.abs(f_da)))
        ):
            break
    return -x * (f_da + f * (xp.log(x) - special.digamma(a)))
