"""Special functions by `cupyx.scipy`; those that it lacks by SciPy, on the host."""

from __future__ import annotations

import functools
from typing import Any

from ..incomplete_gamma import density, slope_over_density
from ..numpy.special import fresnel
from ..numpy.special import library as scipy_special
from ..registry import KernelContext, kernel
from ..special import NAMES, in_single, polygamma


@functools.cache
def _library() -> Any:
    from cupyx.scipy import special

    return special


def _by_name(name: str) -> Any:
    """The kernel that calls CuPy's function of that name; SciPy's, where this version of CuPy lacks it."""

    def run(c: KernelContext, *inputs: Any) -> Any:
        function = getattr(_library(), name, None)
        if function is not None:
            return function(*inputs)
        return c.xp.asarray(getattr(scipy_special(), name)(*(c.xp.asnumpy(v) for v in inputs)))

    return in_single(run)


for _op, _name in NAMES.items():
    kernel(_op, on="cupy")(_by_name(_name))

kernel("FresnelSin", on="cupy", host=True)(fresnel(0))
kernel("FresnelCos", on="cupy", host=True)(fresnel(1))


@kernel("Polygamma", on="cupy")
def polygamma_(c: KernelContext, order: Any, x: Any) -> Any:
    return polygamma(c.xp, _library(), order, x).astype(c.out_dtype)


@kernel("IgammaGradA", on="cupy")
def igamma_grad_a(c: KernelContext, a: Any, x: Any) -> Any:
    slope = slope_over_density(c.xp, _library(), a, x)
    value = c.xp.where(slope == 0, 0.0, slope * density(c.xp, _library(), a, x))
    return value.astype(c.out_dtype)
