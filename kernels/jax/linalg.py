"""Triangular equations and LU factors on JAX."""

from __future__ import annotations

from typing import Any

from ..linalg import in_full, with_common_batch
from ..registry import KernelContext, kernel


@kernel("MatrixTriangularSolve", on="jax")
@in_full
def triangular_solve(c: KernelContext, matrix: Any, rhs: Any) -> Any:
    import jax

    return jax.scipy.linalg.solve_triangular(
        *with_common_batch(c.xp, matrix, rhs),
        lower=c.attrs["lower"],
        trans="C" if c.attrs["adjoint"] else "N",
    )


@kernel("Lu", on="jax")
@in_full
def lu(c: KernelContext, x: Any) -> Any:
    import jax

    packed, _, order = jax.lax.linalg.lu(x)
    return packed, order
