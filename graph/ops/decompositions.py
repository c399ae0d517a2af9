"""Factors of matrices: QR, singular values, eigenvalues, LU; matrix functions; banded equations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..elements import Operation, Tensor
from ..infer import InferContext, per_input
from ..opdef import PURE, NoGradient, declare
from ..samples import floats, sample
from ..shapes import Dimension, TensorShape
from .complex import conj
from .linalg import (
    TYPES,
    MatrixSolve,
    MatrixTriangularSolve,
    adjoint,
    matrix_shape,
    positive_definite,
    products,
    square_shape,
    well_conditioned,
)
from .matmul import BatchMatMulV2

__all__ = [
    "Lu",
    "MatrixLogarithm",
    "MatrixSquareRoot",
    "Qr",
    "SelfAdjointEigV2",
    "Svd",
    "TridiagonalMatMul",
    "TridiagonalSolve",
]


def _least(a: Dimension, b: Dimension) -> Dimension:
    return None if a is None or b is None else min(a, b)


def _sized(batch: TensorShape, *dims: Dimension) -> TensorShape:
    return TensorShape(None) if batch.rank is None else batch.concatenate(dims)


def _no_gradient(op: Operation, reason: str) -> LookupError:
    return LookupError(f"{op.type} '{op.name}' has no gradient here: {reason} (made at {op.source}).")


def _qr_shape(c: InferContext) -> Sequence[TensorShape]:
    batch, rows, columns = matrix_shape(c, "input")
    inner = rows if c.attr("full_matrices") else _least(rows, columns)
    return [_sized(batch, rows, inner), _sized(batch, inner, columns)]


def _right_solve(x: Tensor, r: Tensor) -> Tensor:
    """x @ inverse(adjoint(r)) of an upper triangular r."""
    return adjoint(MatrixTriangularSolve(r, adjoint(x), lower=False))


def _tall_qr_grad(q: Tensor, r: Tensor, dq: Tensor, dr: Tensor) -> Tensor:
    """Of matrices with at least as many rows as columns; Walter and Lehmann (2013), and Roberts (2020)."""
    from .complex import Complex, Real
    from .matrix_parts import MatrixBandPart, MatrixDiag, MatrixDiagPart

    inner = BatchMatMulV2(q, dq, adj_x=True)
    outer = BatchMatMulV2(r, dr, adj_y=True)
    lower = MatrixBandPart(inner - adjoint(inner) + outer - adjoint(outer), -1, 0)
    found = BatchMatMulV2(q, dr + _right_solve(lower, r))
    found = found + _right_solve(dq - BatchMatMulV2(q, inner), r)
    if not q.dtype.is_complex:
        return found
    # The diagonal of r is real by convention, so its imaginary part carries no gradient.
    diagonal = MatrixDiagPart(outer - adjoint(inner))
    real = Real(diagonal, Tout=q.dtype.real_dtype)
    imaginary = diagonal - Complex(real, real * 0, Tout=q.dtype)
    correction = MatrixDiag(conj(imaginary))
    return found + BatchMatMulV2(q, _right_solve(correction, r))


def _qr_grad(op: Operation, dq: Tensor, dr: Tensor) -> Any:
    from .array import ConcatV2

    q, r = op.outputs
    a = op.inputs[0]
    rows, columns = a.shape[-2:] if a.shape.rank else (None, None)
    if rows is None or columns is None:
        raise _no_gradient(op, "the size of its matrices must be known when the graph is built")
    if rows >= columns:
        if op.attrs["full_matrices"] and rows != columns:
            raise _no_gradient(op, "full_matrices is true and there are more rows than columns")
        return [_tall_qr_grad(q, r, dq, dr)]
    left, right = _columns(r, 0, rows), _columns(a, rows, columns)
    d_left, d_right = _columns(dr, 0, rows), _columns(dr, rows, columns)
    of_left = _tall_qr_grad(q, left, dq + BatchMatMulV2(right, d_right, adj_y=True), d_left)
    return [ConcatV2([of_left, BatchMatMulV2(q, d_right)], -1)]


def _columns(x: Tensor, first: int, last: int) -> Tensor:
    return x[..., first:last]


Qr = declare(
    "Qr",
    inputs="input: T",
    outputs="q: T, r: T",
    attrs=("full_matrices: bool = false", f"T: {TYPES}"),
    infer=_qr_shape,
    gradient=_qr_grad,
    cost=products(4.0),
    state=PURE,
    samples=lambda: [
        sample(well_conditioned(3, 3), tolerance=5.0),
        sample(floats(2, 4, 2), tolerance=10.0),
        sample(floats(2, 4, dtype="float64") + np.eye(2, 4)),
        sample(floats(4, 2, dtype="float64"), full_matrices=True, grad=()),
        sample(well_conditioned(3, 3, dtype="float64"), full_matrices=True),
    ],
    doc="Orthonormal q and upper triangular r with q @ r = input.",
)


def _svd_shape(c: InferContext) -> Sequence[TensorShape]:
    batch, rows, columns = matrix_shape(c, "input")
    inner = _least(rows, columns)
    values = _sized(batch, inner)
    if not c.attr("compute_uv"):
        return [values, TensorShape([0]), TensorShape([0])]
    if c.attr("full_matrices"):
        return [values, _sized(batch, rows, rows), _sized(batch, columns, columns)]
    return [values, _sized(batch, rows, inner), _sized(batch, columns, inner)]


def _svd_grad(op: Operation, ds: Tensor, du: Tensor, dv: Tensor) -> Any:
    from .matrix_parts import MatrixDiag

    a = op.inputs[0]
    if not op.attrs["compute_uv"]:
        # The same ops are merged, where the vectors are computed too.
        _, u, v = Svd(a, compute_uv=True)
        return [BatchMatMulV2(u, BatchMatMulV2(_in_type(MatrixDiag(ds), u), v, adj_y=True))]
    if a.dtype.is_complex:
        raise _no_gradient(op, "the phase of complex singular vectors is arbitrary")
    if op.attrs["full_matrices"] and not (a.shape.rank and a.shape[-1] == a.shape[-2]):
        raise _no_gradient(op, "full_matrices is true and the matrices are not known to be square")
    return [_vectors_grad(op, ds, du, dv)]


def _in_type(x: Tensor, like: Tensor) -> Tensor:
    from .math import Cast

    return x if x.dtype is like.dtype else Cast(x, DstT=like.dtype)


def _vectors_grad(op: Operation, ds: Tensor, du: Tensor, dv: Tensor) -> Tensor:
    """Townsend, "Differentiating the singular value decomposition" (2016)."""
    from .array import ExpandDims
    from .matrix_parts import MatrixDiag

    s, u, v = op.outputs
    squares = s * s
    apart = _safe_reciprocal(ExpandDims(squares, -2) - ExpandDims(squares, -1))

    def turned(x: Tensor, dx: Tensor) -> Tensor:
        inner = BatchMatMulV2(x, dx, adj_x=True)
        return (inner - adjoint(inner)) * apart

    across, down = ExpandDims(s, -2), ExpandDims(s, -1)
    core = turned(u, du) * across + down * turned(v, dv) + MatrixDiag(ds)
    found = BatchMatMulV2(u, BatchMatMulV2(core, v, adj_y=True))
    inverse = _safe_reciprocal(across)
    outside_u = (du - BatchMatMulV2(u, BatchMatMulV2(u, du, adj_x=True))) * inverse
    outside_v = (dv - BatchMatMulV2(v, BatchMatMulV2(v, dv, adj_x=True))) * inverse
    return found + BatchMatMulV2(outside_u, v, adj_y=True) + BatchMatMulV2(u, outside_v, adj_y=True)


def _safe_reciprocal(x: Tensor) -> Tensor:
    """1 / x, and 0 where x is 0: for a value and itself, or for equal values, whose vectors are arbitrary."""
    from .array import OnesLike
    from .math import DivNoNan

    return DivNoNan(OnesLike(x), x)


Svd = declare(
    "Svd",
    inputs="input: T",
    outputs="s: T, u: T, v: T",
    attrs=("compute_uv: bool = true", "full_matrices: bool = false", f"T: {TYPES}"),
    infer=_svd_shape,
    gradient=_svd_grad,
    cost=products(20.0),
    state=PURE,
    samples=lambda: [
        sample(well_conditioned(3, 3), tolerance=10.0),
        sample(floats(2, 4, 2), tolerance=10.0),
        sample(floats(2, 4, dtype="float64")),
        sample(floats(4, 2, dtype="float64"), full_matrices=True, grad=()),
        sample(well_conditioned(3, 3, dtype="float64"), full_matrices=True),
        sample(floats(2, 4, 3), compute_uv=False, tolerance=5.0),
    ],
    doc="Singular values s, largest first, and vectors with u @ diag(s) @ adjoint(v) = input.",
)


def _eigh_shape(c: InferContext) -> Sequence[TensorShape]:
    batch, size = square_shape(c)
    values = _sized(batch, size)
    return [values, _sized(batch, size, size) if c.attr("compute_v") else TensorShape([0])]


def _eigh_grad(op: Operation, de: Tensor, dv: Tensor) -> Any:
    from .array import ExpandDims
    from .matrix_parts import MatrixBandPart, MatrixDiag, MatrixDiagPart, MatrixSetDiag

    if op.attrs["compute_v"]:
        e, v = op.outputs
        apart = _safe_reciprocal(ExpandDims(e, -2) - ExpandDims(e, -1))
        core = MatrixDiag(de) + apart * BatchMatMulV2(v, dv, adj_x=True)
    else:
        _, v = SelfAdjointEigV2(op.inputs[0])
        core = MatrixDiag(de)
    full = BatchMatMulV2(v, BatchMatMulV2(core, v, adj_y=True))
    # The kernel reads the lower triangle alone.
    lower = MatrixBandPart(full + adjoint(full), -1, 0)
    return [MatrixSetDiag(lower, MatrixDiagPart(lower) * 0.5)]


SelfAdjointEigV2 = declare(
    "SelfAdjointEigV2",
    inputs="input: T",
    outputs="e: T, v: T",
    attrs=("compute_v: bool = true", f"T: {TYPES}"),
    infer=_eigh_shape,
    gradient=_eigh_grad,
    cost=products(9.0),
    state=PURE,
    samples=lambda: [
        sample(positive_definite(3, 3), tolerance=10.0),
        sample(positive_definite(2, 4, 4, dtype="float64")),
        sample(positive_definite(2, 3, 3), compute_v=False, tolerance=5.0),
    ],
    doc="Eigenvalues, smallest first, and eigenvectors of matrices that equal their adjoints.",
)


def _lu_shape(c: InferContext) -> Sequence[TensorShape]:
    batch, size = square_shape(c)
    return [_sized(batch, size, size), _sized(batch, size)]


def _lu_grad(op: Operation, grad: Tensor, _: Any) -> Any:
    """With P a = l u: da = P' l'^-1 (tril(l' dl, -1) + triu(du u')) u'^-1, primes being adjoints."""
    from .array import OneHot
    from .matrix_parts import MatrixBandPart, MatrixDiagPart, MatrixSetDiag

    packed, order = op.outputs
    diagonal = MatrixDiagPart(packed)
    lower = MatrixSetDiag(MatrixBandPart(packed, -1, 0), diagonal * 0 + 1)
    upper = MatrixBandPart(packed, 0, -1)
    d_upper = MatrixBandPart(grad, 0, -1)
    of_lower = BatchMatMulV2(lower, grad - d_upper, adj_x=True)
    of_lower = MatrixSetDiag(MatrixBandPart(of_lower, -1, 0), diagonal * 0)
    of_upper = MatrixBandPart(BatchMatMulV2(d_upper, upper, adj_y=True), 0, -1)
    left = MatrixTriangularSolve(lower, of_lower + of_upper, adjoint=True)
    whole = adjoint(MatrixTriangularSolve(upper, adjoint(left), lower=False))
    size = packed.shape[-1]
    if size is None:
        raise _no_gradient(op, "the size of its matrices must be known when the graph is built")
    one, zero = (packed.dtype.np.type(n) for n in (1, 0))
    permutation = OneHot(order, size, one, zero)
    return [BatchMatMulV2(permutation, whole, adj_x=True)]


Lu = declare(
    "Lu",
    inputs="input: T",
    outputs="lu: T, p: output_idx_type",
    attrs=(f"T: {TYPES}", "output_idx_type: indextype = DT_INT32"),
    infer=_lu_shape,
    gradient=_lu_grad,
    cost=products(0.7),
    state=PURE,
    samples=lambda: [
        sample(floats(3, 3), tolerance=10.0),
        sample(floats(2, 4, 4, dtype="float64"), output_idx_type="int64"),
        sample(floats(0, 2, 2), grad=()),
    ],
    doc="Triangular factors of matrices whose rows are permuted, packed into one, and the permutations.",
)


def _function_shape(c: InferContext) -> Sequence[TensorShape]:
    batch, size = square_shape(c)
    return [_sized(batch, size, size)]


def _square_root_grad(op: Operation, grad: Tensor) -> Any:
    """Solves s' x + x s' = grad, as one system for all elements of x."""
    from .array import ConcatV2, Reshape, Shape
    from .einsum import Einsum

    root = op.outputs[0]
    size = root.shape[-1] if root.shape.rank else None
    if size is None:
        raise _no_gradient(op, "the size of its matrices must be known when the graph is built")
    flipped = adjoint(root)
    eye = np.eye(size, dtype=root.dtype.np)
    system = Einsum([flipped, eye], equation="...ik,jl->...ijkl") + Einsum(
        [flipped, eye], equation="...lj,ik->...ijkl"
    )
    batch = Shape(root)[:-2]
    flat = Reshape(system, ConcatV2([batch, [size * size, size * size]], 0))
    column = Reshape(grad, ConcatV2([batch, [size * size, 1]], 0))
    return [Reshape(MatrixSolve(flat, column), Shape(root))]


MatrixSquareRoot = declare(
    "MatrixSquareRoot",
    inputs="input: T",
    outputs="output: T",
    attrs=f"T: {TYPES}",
    infer=_function_shape,
    gradient=_square_root_grad,
    cost=products(25.0),
    state=PURE,
    samples=lambda: [
        sample(positive_definite(3, 3), tolerance=10.0),
        sample(positive_definite(2, 3, 3, dtype="float64")),
    ],
    doc="Matrices whose square the input is.",
)
MatrixLogarithm = declare(
    "MatrixLogarithm",
    inputs="input: T",
    outputs="output: T",
    attrs="T: {complex64, complex128}",
    infer=_function_shape,
    gradient=NoGradient("its derivative is not implemented", zero=False),
    cost=products(25.0),
    state=PURE,
    samples=lambda: [
        sample(positive_definite(3, 3).astype("complex64"), grad=(), tolerance=10.0),
        sample(positive_definite(2, 3, 3, dtype="float64").astype("complex128"), grad=()),
    ],
    doc="Matrices whose exponential the input is.",
)


def _tridiagonal_shape(c: InferContext) -> Sequence[TensorShape]:
    batch, three, size = matrix_shape(c, "diagonals")
    rhs_batch, rows, columns = matrix_shape(c, "rhs")
    if three not in (None, 3):
        c.fail("diagonals must be three: above, on and below the main one")
    if size is not None and rows is not None and size != rows:
        c.fail("rhs must have as many rows as the diagonals are long")
    whole = c.merge(batch, rhs_batch, "batch dimensions must be the same")
    return [_sized(whole, size if rows is None else rows, columns)]


def _shifted(x: Tensor, by: int) -> Tensor:
    """Rows moved up (1) or down (-1) by one, zeros moving in; `x` is of shape `(..., rows, columns)`."""
    from .array import ConcatV2

    first, last = x[..., :1, :] * 0, x[..., -1:, :] * 0
    if by > 0:
        return ConcatV2([x[..., 1:, :], last], -2)
    return ConcatV2([first, x[..., :-1, :]], -2)


def _tridiagonal_solve_grad(op: Operation, grad: Tensor) -> Any:
    from .array import ConcatV2, ExpandDims
    from .reduction import Sum

    diagonals, x = op.inputs[0], op.outputs[0]
    above, on, below = (ExpandDims(diagonals[..., i, :], -1) for i in range(3))
    adjoints = [conj(d) for d in (_shifted(below, 1), on, _shifted(above, -1))]
    flipped = ConcatV2([ExpandDims(d[..., 0], -2) for d in adjoints], -2)
    of_rhs = TridiagonalSolve(
        flipped, grad, **{k: op.attrs[k] for k in ("partial_pivoting", "perturb_singular")}
    )
    parts = [Sum(of_rhs * conj(moved), [-1]) for moved in (_shifted(x, 1), x, _shifted(x, -1))]
    return [-ConcatV2([ExpandDims(p, -2) for p in parts], -2), of_rhs]


TridiagonalSolve = declare(
    "TridiagonalSolve",
    inputs="diagonals: T, rhs: T",
    outputs="output: T",
    attrs=(
        "partial_pivoting: bool = true",
        "perturb_singular: bool = false",
        "T: {double, float, complex64, complex128}",
    ),
    infer=_tridiagonal_shape,
    gradient=_tridiagonal_solve_grad,
    cost=per_input(4.0),
    state=PURE,
    samples=lambda: [
        sample(_three(4), floats(4, 2, seed=1)),
        sample(_three(2, 5, dtype="float64"), floats(2, 5, 1, seed=1, dtype="float64")),
        sample(_three(1), floats(1, 2, seed=1)),
        sample(_three(4), floats(4, 2, seed=1), partial_pivoting=False),
    ],
    doc="Solutions of equations with the diagonals above, on and below the main one given.",
)


def _three(*shape: int, dtype: Any = np.float32) -> Any:
    """Diagonals of well-conditioned tridiagonal matrices, for sample rows."""
    found = floats(*shape[:-1], 3, shape[-1], dtype="float64")
    found[..., 1, :] += 6.0
    return found.astype(dtype)


def _tridiagonal_product_shape(c: InferContext) -> Sequence[TensorShape]:
    batch, rows, columns = matrix_shape(c, "rhs")
    for name in ("superdiag", "maindiag", "subdiag"):
        other, one, length = matrix_shape(c, name)
        if one not in (None, 1) or (None not in (length, rows) and length != rows):
            c.fail(f"{name} must be of shape (..., 1, rows of rhs)")
        batch = c.merge(batch, other, "batch dimensions must be the same")
    return [_sized(batch, rows, columns)]


def _tridiagonal_product_grad(op: Operation, grad: Tensor) -> Any:
    from .array import ExpandDims
    from .reduction import Sum

    above, on, below, rhs = op.inputs

    def column(diagonal: Tensor) -> Tensor:
        return conj(ExpandDims(diagonal[..., 0, :], -1))

    parts = [Sum(conj(moved) * grad, [-1]) for moved in (_shifted(rhs, 1), rhs, _shifted(rhs, -1))]
    of_rhs = _shifted(column(above) * grad, -1) + column(on) * grad + _shifted(column(below) * grad, 1)
    return [*(ExpandDims(p, -2) for p in parts), of_rhs]


TridiagonalMatMul = declare(
    "TridiagonalMatMul",
    inputs="superdiag: T, maindiag: T, subdiag: T, rhs: T",
    outputs="output: T",
    attrs="T: {double, float, complex64, complex128}",
    infer=_tridiagonal_product_shape,
    gradient=_tridiagonal_product_grad,
    cost=per_input(4.0),
    state=PURE,
    samples=lambda: [
        sample(floats(1, 4), floats(1, 4, seed=1), floats(1, 4, seed=2), floats(4, 2, seed=3)),
        sample(
            *(floats(2, 1, 3, seed=s, dtype="float64") for s in range(3)), floats(2, 3, 2, dtype="float64")
        ),
    ],
    doc="Products of tridiagonal matrices, given by their diagonals, with others.",
)
