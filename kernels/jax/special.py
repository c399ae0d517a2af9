"""Special functions by `jax.scipy`; those that it lacks by SciPy, on the host."""

from __future__ import annotations

from typing import Any

from ..numpy.special import by_name
from ..registry import KernelContext, kernel
from ..special import NAMES, in_single, polygamma

_LACKING = {"j0", "j1", "k0", "k0e", "k1", "k1e", "y0", "y1"}


def _library() -> Any:
    import jax

    return jax.scipy.special


def _by_name(name: str) -> Any:
    return in_single(lambda _, *inputs: getattr(_library(), name)(*inputs))


for _op, _name in NAMES.items():
    if _name in _LACKING:
        kernel(_op, on="jax", host=True)(by_name(_name))
    else:
        kernel(_op, on="jax")(_by_name(_name))

kernel("FresnelSin", on="jax")(in_single(lambda _, x: _library().fresnel(x)[0]))
kernel("FresnelCos", on="jax")(in_single(lambda _, x: _library().fresnel(x)[1]))


@kernel("Polygamma", on="jax")
def polygamma_(c: KernelContext, order: Any, x: Any) -> Any:
    return polygamma(c.xp, _library(), order, x).astype(c.out_dtype)


@kernel("IgammaGradA", on="jax")
def igamma_grad_a(c: KernelContext, a: Any, x: Any) -> Any:
    import jax

    return jax.lax.igamma_grad_a(*c.xp.broadcast_arrays(a, x))
