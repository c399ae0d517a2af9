"""Inverses, determinants, solutions; declared in `graph/ops/linalg.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .matmul import adjoint
from .registry import KernelContext, kernel


def in_full(function: Callable[..., Any]) -> Callable[..., Any]:
    """A kernel that computes short floats in float32; its results are cast to the declared types."""

    def run(c: KernelContext, *inputs: Any) -> Any:
        if c.in_types[0].size == 2:
            inputs = tuple(v.astype(np.float32) if v.dtype.itemsize == 2 else v for v in inputs)
        found = function(c, *inputs)
        if isinstance(found, tuple):
            return tuple(c.xp.asarray(v, dtype=t.np) for v, t in zip(found, c.out_types, strict=True))
        return c.xp.asarray(found, dtype=c.out_dtype)

    return run


@kernel("Cholesky")
@in_full
def cholesky(c: KernelContext, x: Any) -> Any:
    if c.backend == "numpy":
        return np.linalg.cholesky(x)
    # Other libraries average or read the upper triangle as well; the lower one alone counts.
    lower = c.xp.tril(x, -1)
    return c.xp.tril(c.xp.linalg.cholesky(lower + adjoint(c, c.xp.tril(x))))


@kernel("MatrixInverse")
@in_full
def inverse(c: KernelContext, x: Any) -> Any:
    return c.xp.linalg.inv(adjoint(c, x) if c.attrs["adjoint"] else x)


@kernel("MatrixDeterminant")
@in_full
def determinant(c: KernelContext, x: Any) -> Any:
    return c.xp.linalg.det(x)


@kernel("LogMatrixDeterminant")
@in_full
def log_determinant(c: KernelContext, x: Any) -> Any:
    return tuple(c.xp.linalg.slogdet(x))


@kernel("MatrixSolve")
@in_full
def solve(c: KernelContext, matrix: Any, rhs: Any) -> Any:
    return c.xp.linalg.solve(adjoint(c, matrix) if c.attrs["adjoint"] else matrix, rhs)


def with_common_batch(xp: Any, matrix: Any, rhs: Any) -> tuple[Any, Any]:
    """Both with the batch dimensions that they have together."""
    batch = np.broadcast_shapes(matrix.shape[:-2], rhs.shape[:-2])
    return (
        xp.broadcast_to(matrix, batch + matrix.shape[-2:]),
        xp.broadcast_to(rhs, batch + rhs.shape[-2:]),
    )


@kernel("MatrixTriangularSolve")
@in_full
def triangular_solve(c: KernelContext, matrix: Any, rhs: Any) -> Any:
    matrix = c.xp.tril(matrix) if c.attrs["lower"] else c.xp.triu(matrix)
    matrix, rhs = with_common_batch(c.xp, matrix, rhs)
    return c.xp.linalg.solve(adjoint(c, matrix) if c.attrs["adjoint"] else matrix, rhs)


@kernel("MatrixSolveLs")
@in_full
def least_squares(c: KernelContext, matrix: Any, rhs: Any, regularizer: Any) -> Any:
    xp, (rows, columns) = c.xp, matrix.shape[-2:]
    if not c.attrs["fast"]:
        return xp.matmul(xp.linalg.pinv(matrix), rhs)
    flipped = adjoint(c, matrix)
    tall = rows >= columns
    gramian = xp.matmul(flipped, matrix) if tall else xp.matmul(matrix, flipped)
    added = xp.eye(min(rows, columns), dtype=matrix.dtype) * xp.asarray(regularizer).astype(matrix.dtype)
    if tall:
        return xp.linalg.solve(gramian + added, xp.matmul(flipped, rhs))
    return xp.matmul(flipped, xp.linalg.solve(gramian + added, rhs))


@kernel("Cross")
def cross(c: KernelContext, a: Any, b: Any) -> Any:
    xp = c.xp
    parts = [a[..., i] * b[..., j] - a[..., j] * b[..., i] for i, j in ((1, 2), (2, 0), (0, 1))]
    return xp.stack(parts, axis=-1)
