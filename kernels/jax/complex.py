"""Complex numbers, which JAX cannot make by looking at a real array as complex."""

from __future__ import annotations

from typing import Any

from ..registry import KernelContext, kernel


@kernel("Complex", on="jax")
def complex_(c: KernelContext, real: Any, imag: Any) -> Any:
    import jax

    return jax.lax.complex(*c.xp.broadcast_arrays(real, imag)).astype(c.out_dtype)
