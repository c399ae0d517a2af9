"""Factors of matrices; declared in `graph/ops/decompositions.py`.

The sign of a singular vector or an eigenvector is arbitrary; here its largest component is positive, so that all
backends give the same ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .linalg import in_full
from .matmul import adjoint
from .registry import KernelContext, kernel


@kernel("Qr")
@in_full
def qr(c: KernelContext, x: Any) -> Any:
    q, r = c.xp.linalg.qr(x, mode="complete" if c.attrs["full_matrices"] else "reduced")
    return q, r


def _phases(xp: Any, vectors: Any) -> Any:
    """For each column, the number of absolute value 1 that its largest component has as sign."""
    if 0 in vectors.shape:
        return xp.ones((*vectors.shape[:-2], 1, vectors.shape[-1]), dtype=vectors.dtype)
    # Of two that are equal but for rounding, the first one counts on every backend.
    size = xp.abs(vectors)
    nearly = size >= xp.max(size, axis=-2, keepdims=True) * 0.999
    place = xp.argmax(nearly, axis=-2, keepdims=True)
    largest = xp.take_along_axis(vectors, place, axis=-2)
    return xp.where(largest == 0, xp.ones_like(largest), largest / xp.where(largest == 0, 1, xp.abs(largest)))


@kernel("Svd")
@in_full
def svd(c: KernelContext, x: Any) -> Any:
    xp = c.xp
    if not c.attrs["compute_uv"]:
        nothing = xp.zeros(0, dtype=x.dtype)
        return xp.linalg.svd(x, compute_uv=False), nothing, nothing
    u, s, vh = xp.linalg.svd(x, full_matrices=c.attrs["full_matrices"])
    v = adjoint(c, vh)
    of_u, of_v = _phases(xp, u), _phases(xp, v)
    shared = min(u.shape[-1], v.shape[-1])
    # A pair of vectors turns together; the vectors beyond the last singular value turn each by itself.
    return (
        s,
        u * xp.conj(of_u),
        v * xp.conj(xp.concatenate([of_u[..., :shared], of_v[..., shared:]], axis=-1)),
    )


@kernel("SelfAdjointEigV2")
@in_full
def eigh(c: KernelContext, x: Any) -> Any:
    xp = c.xp
    lower = xp.tril(x, -1)
    whole = lower + adjoint(c, xp.tril(x))
    if not c.attrs["compute_v"]:
        return xp.linalg.eigvalsh(whole), xp.zeros(0, dtype=x.dtype)
    e, v = xp.linalg.eigh(whole)
    return e, v * xp.conj(_phases(xp, v))


def each_matrix(function: Callable[..., Any], *arrays: Any) -> Any:
    """`function` of each matrix of a batch, on NumPy; the results stacked."""
    batch = arrays[0].shape[:-2]
    flat = [a.reshape(-1, *a.shape[-2:]) for a in arrays]
    found = [function(*parts) for parts in zip(*flat, strict=True)]
    if not found:
        return np.zeros(arrays[-1].shape, arrays[-1].dtype)
    return np.stack(found).reshape(*batch, *found[0].shape)


@kernel("MatrixSquareRoot", host=True)
@in_full
def square_root(c: KernelContext, x: Any) -> Any:
    from scipy.linalg import sqrtm

    root = each_matrix(sqrtm, x.astype(np.result_type(x.dtype, np.float64)))
    return root if c.out_types[0].is_complex else root.real


@kernel("MatrixLogarithm", host=True)
@in_full
def logarithm(c: KernelContext, x: Any) -> Any:
    from scipy.linalg import logm

    return each_matrix(logm, x.astype(np.complex128))


@kernel("TridiagonalSolve", host=True)
@in_full
def tridiagonal_solve(c: KernelContext, diagonals: Any, rhs: Any) -> Any:
    from scipy.linalg import solve_banded

    def one(three: Any, right: Any) -> Any:
        banded = three.copy()
        banded[0, 1:], banded[0, :1] = three[0, :-1], 0
        banded[2, :-1], banded[2, -1:] = three[2, 1:], 0
        if banded.shape[1] == 1:
            return right / banded[1, 0]
        return solve_banded((1, 1), banded, right, check_finite=False)

    return each_matrix(one, diagonals, rhs)


@kernel("TridiagonalMatMul")
@in_full
def tridiagonal_product(c: KernelContext, above: Any, on: Any, below: Any, rhs: Any) -> Any:
    xp = c.xp
    blank = xp.zeros_like(rhs[..., :1, :])
    up = xp.concatenate([rhs[..., 1:, :], blank], axis=-2)
    down = xp.concatenate([blank, rhs[..., :-1, :]], axis=-2)
    parts = [xp.swapaxes(d, -1, -2) * x for d, x in ((above, up), (on, rhs), (below, down))]
    return parts[0] + parts[1] + parts[2]


def lu_on_host(c: KernelContext, x: Any) -> Any:
    """LAPACK's factors, its row exchanges turned into a permutation."""
    from scipy.linalg import lu_factor

    batch, size = x.shape[:-2], x.shape[-1]
    packed = np.empty((int(np.prod(batch)), size, size), x.dtype)
    order = np.tile(np.arange(size, dtype=c.out_types[1].np), (packed.shape[0], 1))
    for index, matrix in enumerate(x.reshape(-1, size, size)):
        packed[index], exchanges = lu_factor(matrix, check_finite=False)
        for row, other in enumerate(exchanges):
            order[index, [row, other]] = order[index, [other, row]]
    return packed.reshape(x.shape), order.reshape(*batch, size)


kernel("Lu", host=True)(in_full(lu_on_host))
