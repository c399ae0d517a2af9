"""Special functions by SciPy."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ..incomplete_gamma import density, slope_over_density
from ..registry import KernelContext, kernel
from ..special import NAMES, in_single, polygamma
from .fast_erf import erf32


@functools.cache
def library() -> Any:
    from scipy import special

    return special


def by_name(name: str) -> Any:
    """The kernel that calls SciPy's function of that name."""
    return in_single(lambda _, *inputs: getattr(library(), name)(*inputs))


for _op, _name in NAMES.items():
    if _op != "Erf":
        kernel(_op, on="numpy")(by_name(_name))


@kernel("Erf", on="numpy")
@in_single
def erf(c: KernelContext, x: Any) -> Any:
    return library().erf(x) if c.in_types[0].size == 8 else erf32(x)


def fresnel(part: int) -> Any:
    return in_single(lambda _, x: library().fresnel(x)[part])


kernel("FresnelSin", on="numpy")(fresnel(0))
kernel("FresnelCos", on="numpy")(fresnel(1))


@kernel("Polygamma", on="numpy")
def polygamma_(c: KernelContext, order: Any, x: Any) -> Any:
    return polygamma(np, library(), order, x).astype(c.out_dtype)


@kernel("IgammaGradA", on="numpy")
def igamma_grad_a(c: KernelContext, a: Any, x: Any) -> Any:
    slope = slope_over_density(np, library(), a, x)
    return np.where(slope == 0, 0.0, slope * density(np, library(), a, x)).astype(c.out_dtype)
