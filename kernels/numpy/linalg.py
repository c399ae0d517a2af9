"""Triangular equations on NumPy, by LAPACK's own routine for them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..decompositions import each_matrix
from ..linalg import in_full, with_common_batch
from ..registry import KernelContext, kernel


@kernel("MatrixTriangularSolve", on="numpy")
@in_full
def triangular_solve(c: KernelContext, matrix: Any, rhs: Any) -> Any:
    from scipy.linalg import solve_triangular

    lower, adjoint = c.attrs["lower"], c.attrs["adjoint"]

    def one(triangle: Any, right: Any) -> Any:
        return solve_triangular(
            triangle, right, lower=lower, trans="C" if adjoint else "N", check_finite=False
        )

    return each_matrix(one, *with_common_batch(np, matrix, rhs))
