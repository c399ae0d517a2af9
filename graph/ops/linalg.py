"""Inverses, determinants and solutions of linear equations, for single matrices and for batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..elements import Operation, Tensor
from ..infer import CostContext, InferContext, per_element
from ..opdef import PURE, Cost, declare
from ..samples import floats, ints, sample
from ..shapes import Dimension, TensorShape, broadcast_shapes
from .broadcasting import sum_to_shape
from .complex import conj
from .matmul import BatchMatMulV2

__all__ = [
    "Cholesky",
    "Cross",
    "LogMatrixDeterminant",
    "MatrixDeterminant",
    "MatrixInverse",
    "MatrixSolve",
    "MatrixSolveLs",
    "MatrixTriangularSolve",
    "adjoint",
    "matrix_shape",
    "products",
    "square_shape",
    "well_conditioned",
]

TYPES = "{double, float, half, complex64, complex128}"


def well_conditioned(*shape: int, seed: int = 0, dtype: Any = np.float32) -> Any:
    """Square matrices that are far from singular, for sample rows."""
    return (floats(*shape, seed=seed, dtype="float64") + 4.0 * np.eye(shape[-1])).astype(dtype)


def positive_definite(*shape: int, seed: int = 0, dtype: Any = np.float32) -> Any:
    """Symmetric matrices with positive eigenvalues, for sample rows."""
    half = floats(*shape, seed=seed, dtype="float64")
    return (half @ np.swapaxes(half, -1, -2) + 2.0 * np.eye(shape[-1])).astype(dtype)


def matrix_shape(c: InferContext, argument: str) -> tuple[TensorShape, Dimension, Dimension]:
    """Batch dimensions, rows and columns of an input."""
    shape = c.rank_at_least(argument, 2)
    if shape.rank is None:
        return TensorShape(None), None, None
    return shape[:-2], shape[-2], shape[-1]


def square_shape(c: InferContext, argument: str = "input") -> tuple[TensorShape, Dimension]:
    """Batch dimensions and size of an input that must be square matrices."""
    batch, rows, columns = matrix_shape(c, argument)
    if rows is not None and columns is not None and rows != columns:
        c.fail(f"{argument} must be square matrices")
    return batch, columns if rows is None else rows


def products(factor: float, argument: int = 0) -> Any:
    """Cost rule: so many times the FLOPs of the product of the input's matrices with themselves."""

    def rule(c: CostContext) -> Cost:
        shape = c.in_shapes[argument]
        if len(shape) < 2:
            return Cost(c.in_elements, c.in_bytes + c.out_bytes)
        count = float(np.prod(shape[:-2], dtype=np.float64))
        rows, columns = shape[-2:]
        work = count * rows * columns * min(rows, columns)
        return Cost(factor * work, c.in_bytes + c.out_bytes)

    return rule


def adjoint(x: Tensor) -> Tensor:
    """Each matrix conjugated and transposed."""
    from .array import Range, Rank, Transpose
    from .joining import ConcatV2

    rank = x.shape.rank
    if rank is not None:
        return conj(Transpose(x, [*range(rank - 2), rank - 1, rank - 2]))
    known = Rank(x)
    order = ConcatV2([Range(0, known - 2, 1), [known - 1, known - 2]], 0)
    return conj(Transpose(x, order))


def _inverse_grad(op: Operation, grad: Tensor) -> Any:
    inverse, flipped = op.outputs[0], op.attrs["adjoint"]
    inner = BatchMatMulV2(grad, inverse, adj_x=flipped, adj_y=not flipped)
    return [-BatchMatMulV2(inverse, inner, adj_x=not flipped)]


def _squares(dtype: Any = np.float32) -> list[Any]:
    return [
        well_conditioned(3, 3, dtype=dtype),
        well_conditioned(2, 2, 3, 3, seed=1, dtype=dtype),
        well_conditioned(1, 1, dtype=dtype),
    ]


MatrixInverse = declare(
    "MatrixInverse",
    inputs="input: T",
    outputs="output: T",
    attrs=("adjoint: bool = false", f"T: {TYPES}"),
    infer=lambda c: [_kept_square(c)],
    gradient=_inverse_grad,
    cost=products(2.0),
    state=PURE,
    samples=lambda: [
        *(sample(x) for x in _squares()),
        sample(well_conditioned(3, 3, dtype="float64"), adjoint=True),
        sample(well_conditioned(2, 3, 3) + 1j * floats(2, 3, 3, seed=5), adjoint=True),
        sample(floats(0, 3, 3), grad=()),
    ],
    doc="Inverses of matrices; of their adjoints, where asked.",
)


def _kept_square(c: InferContext) -> TensorShape:
    batch, size = square_shape(c)
    return batch.concatenate([size, size]) if batch.rank is not None else TensorShape(None)


def _as_scales(x: Tensor) -> Tensor:
    """Numbers as 1x1 matrices, to scale matrices with."""
    from .array import ExpandDims

    return ExpandDims(ExpandDims(x, -1), -1)


def _determinant_grad(op: Operation, grad: Tensor) -> Any:
    scale = _as_scales(grad * op.outputs[0])
    return [scale * MatrixInverse(op.inputs[0], adjoint=True)]


MatrixDeterminant = declare(
    "MatrixDeterminant",
    inputs="input: T",
    outputs="output: T",
    attrs="T: {half, float, double, complex64, complex128}",
    infer=lambda c: [square_shape(c)[0]],
    gradient=_determinant_grad,
    cost=products(0.7),
    state=PURE,
    samples=lambda: [
        *(sample(x, tolerance=10.0) for x in _squares()),
        sample(well_conditioned(3, 3, dtype="float64")),
        sample(well_conditioned(3, 3) + 1j * floats(3, 3, seed=5), tolerance=10.0),
    ],
    doc="Determinants of matrices.",
)


def _log_determinant_grad(op: Operation, _: Any, grad: Tensor) -> Any:
    return [_as_scales(grad) * MatrixInverse(op.inputs[0], adjoint=True)]


LogMatrixDeterminant = declare(
    "LogMatrixDeterminant",
    inputs="input: T",
    outputs="sign: T, log_abs_determinant: T",
    attrs="T: {half, float, double, complex64, complex128}",
    infer=lambda c: [square_shape(c)[0]] * 2,
    gradient=_log_determinant_grad,
    cost=products(0.7),
    state=PURE,
    samples=lambda: [
        *(sample(x) for x in _squares()),
        sample(well_conditioned(3, 3, dtype="float64")),
        sample(well_conditioned(3, 3) + 1j * floats(3, 3, seed=5)),
    ],
    doc="Signs of determinants, and logarithms of their absolute values.",
)


def _solve_shape(c: InferContext) -> Sequence[TensorShape]:
    batch, size = square_shape(c, "matrix")
    rhs_batch, rows, columns = matrix_shape(c, "rhs")
    if size is not None and rows is not None and size != rows:
        c.fail("rhs must have as many rows as matrix")
    if batch.rank is None and rhs_batch.rank is None:
        return [TensorShape(None)]
    whole = c.merge(batch, rhs_batch, "batch dimensions must be the same")
    return [whole.concatenate([size if rows is None else rows, columns])]


def _solve_grads(op: Operation, grad: Tensor, solve: Any) -> tuple[Tensor, Tensor]:
    """Gradients for the matrix and the right-hand side of a solution."""
    flipped, x = op.attrs["adjoint"], op.outputs[0]
    of_rhs: Tensor = solve(op.inputs[0], grad, adjoint=not flipped)
    first, second = (x, of_rhs) if flipped else (of_rhs, x)
    return -BatchMatMulV2(first, second, adj_y=True), of_rhs


def _matrix_solve_grad(op: Operation, grad: Tensor) -> Any:
    return list(_solve_grads(op, grad, MatrixSolve))


MatrixSolve = declare(
    "MatrixSolve",
    inputs="matrix: T, rhs: T",
    outputs="output: T",
    attrs=("adjoint: bool = false", f"T: {TYPES}"),
    infer=_solve_shape,
    gradient=_matrix_solve_grad,
    cost=products(1.5),
    state=PURE,
    samples=lambda: [
        sample(well_conditioned(3, 3), floats(3, 2, seed=1)),
        sample(well_conditioned(2, 3, 3), floats(2, 3, 1, seed=1), adjoint=True),
        sample(well_conditioned(3, 3, dtype="float64"), floats(3, 2, seed=1, dtype="float64")),
        sample(
            well_conditioned(3, 3) + 1j * floats(3, 3, seed=5),
            floats(3, 2) + 1j * floats(3, 2, seed=6),
            adjoint=True,
        ),
    ],
    doc="Solutions x of matrix @ x = rhs.",
)


def _triangular_shape(c: InferContext) -> Sequence[TensorShape]:
    batch, size = square_shape(c, "matrix")
    rhs_batch, rows, columns = matrix_shape(c, "rhs")
    if size is not None and rows is not None and size != rows:
        c.fail("rhs must have as many rows as matrix")
    if c.shape("matrix").rank is None or c.shape("rhs").rank is None:
        return [TensorShape(None)]
    return [broadcast_shapes(batch, rhs_batch).concatenate([size if rows is None else rows, columns])]


def _triangular_grad(op: Operation, grad: Tensor) -> Any:
    from .matrix_parts import MatrixBandPart

    lower = op.attrs["lower"]

    def solve(matrix: Tensor, rhs: Tensor, adjoint: bool) -> Tensor:
        return MatrixTriangularSolve(matrix, rhs, lower=lower, adjoint=adjoint)

    of_matrix, of_rhs = _solve_grads(op, grad, solve)
    band = (-1, 0) if lower else (0, -1)
    matrix, rhs = op.inputs
    return [sum_to_shape(MatrixBandPart(of_matrix, *band), matrix), sum_to_shape(of_rhs, rhs)]


MatrixTriangularSolve = declare(
    "MatrixTriangularSolve",
    inputs="matrix: T, rhs: T",
    outputs="output: T",
    attrs=(
        "lower: bool = true",
        "adjoint: bool = false",
        "T: {bfloat16, double, float, half, complex64, complex128}",
    ),
    infer=_triangular_shape,
    gradient=_triangular_grad,
    cost=products(1.0),
    state=PURE,
    samples=lambda: [
        sample(well_conditioned(3, 3), floats(3, 2, seed=1)),
        sample(well_conditioned(2, 3, 3), floats(2, 3, 1, seed=1), lower=False),
        sample(well_conditioned(3, 3), floats(2, 3, 2, seed=1), adjoint=True),
        sample(
            well_conditioned(2, 1, 3, 3, dtype="float64"),
            floats(4, 3, 2, seed=1, dtype="float64"),
            lower=False,
            adjoint=True,
        ),
        sample(
            well_conditioned(3, 3) + 1j * floats(3, 3, seed=5),
            floats(3, 2) + 1j * floats(3, 2, seed=6),
            adjoint=True,
        ),
    ],
    doc="Solutions x of matrix @ x = rhs, of which one triangle of matrix is looked at.",
)


def _cholesky_grad(op: Operation, grad: Tensor) -> Any:
    """Murray, "Differentiation of the Cholesky decomposition" (2016)."""
    from .matrix_parts import MatrixBandPart, MatrixDiagPart, MatrixSetDiag

    factor = op.outputs[0]
    middle = BatchMatMulV2(factor, grad, adj_x=True)
    middle = MatrixBandPart(MatrixSetDiag(middle, MatrixDiagPart(middle) * 0.5), -1, 0)
    left = MatrixTriangularSolve(factor, middle, adjoint=True)
    full = MatrixTriangularSolve(factor, adjoint(left), adjoint=True)
    return [(full + adjoint(full)) * 0.5]


Cholesky = declare(
    "Cholesky",
    inputs="input: T",
    outputs="output: T",
    attrs=f"T: {TYPES}",
    infer=lambda c: [_kept_square(c)],
    gradient=_cholesky_grad,
    cost=products(0.33),
    state=PURE,
    # The gradient is symmetric, while differences see the lower triangle alone, which the kernel reads.
    samples=lambda: [
        sample(positive_definite(3, 3), grad=()),
        sample(positive_definite(2, 4, 4), grad=()),
        sample(positive_definite(3, 3, dtype="float64"), grad=()),
    ],
    doc="Lower triangular factors L of L @ adjoint(L) = input.",
)


def _least_squares_shape(c: InferContext) -> Sequence[TensorShape]:
    batch, rows, columns = matrix_shape(c, "matrix")
    rhs_batch, rhs_rows, rhs_columns = matrix_shape(c, "rhs")
    c.rank("l2_regularizer", 0)
    if rows is not None and rhs_rows is not None and rows != rhs_rows:
        c.fail("rhs must have as many rows as matrix")
    if batch.rank is None and rhs_batch.rank is None:
        return [TensorShape(None)]
    whole = c.merge(batch, rhs_batch, "batch dimensions must be the same")
    return [whole.concatenate([columns, rhs_columns])]


def _gramian_solver(a: Tensor, regularizer: Tensor, tall: bool) -> Any:
    """A function that solves with a^H a (or a a^H), the regularizer added to its diagonal."""
    from .math import Cast
    from .matrix_parts import MatrixDiagPart, MatrixSetDiag

    gramian = BatchMatMulV2(a, a, adj_x=tall, adj_y=not tall)
    added = Cast(regularizer, DstT=a.dtype) if a.dtype.name != "float64" else regularizer
    factor = Cholesky(MatrixSetDiag(gramian, MatrixDiagPart(gramian) + added))
    return lambda rhs: MatrixTriangularSolve(factor, MatrixTriangularSolve(factor, rhs), adjoint=True)


def _least_squares_grad(op: Operation, grad: Tensor) -> Any:
    a, b, regularizer = op.inputs
    x = op.outputs[0]
    rows, columns = a.shape[-2:] if a.shape.rank else (None, None)
    if not op.attrs["fast"] or rows is None or columns is None:
        raise LookupError(
            f"MatrixSolveLs '{op.name}' has a gradient only for fast=True and matrices of known size"
        )
    solve = _gramian_solver(a, regularizer, tall=rows >= columns)
    if rows >= columns:
        z = solve(grad)
        crossed = BatchMatMulV2(x, z, adj_y=True)
        of_a = BatchMatMulV2(b, z, adj_y=True) - BatchMatMulV2(a, crossed + adjoint(crossed))
        return [of_a, BatchMatMulV2(a, z), None]
    of_b = solve(BatchMatMulV2(a, grad))
    y = solve(b)
    through = BatchMatMulV2(of_b, BatchMatMulV2(y, a, adj_x=True))
    rest = grad - BatchMatMulV2(a, of_b, adj_x=True)
    return [BatchMatMulV2(y, rest, adj_y=True) - through, of_b, None]


MatrixSolveLs = declare(
    "MatrixSolveLs",
    inputs="matrix: T, rhs: T, l2_regularizer: double",
    outputs="output: T",
    attrs=(f"T: {TYPES}", "fast: bool = true"),
    infer=_least_squares_shape,
    gradient=_least_squares_grad,
    cost=products(3.0),
    state=PURE,
    samples=lambda: [
        sample(floats(4, 2), floats(4, 3, seed=1), 0.1, grad=(0, 1), tolerance=10.0),
        sample(floats(2, 2, 4), floats(2, 2, 1, seed=1), 0.2, grad=(0, 1), tolerance=10.0),
        sample(floats(5, 3, dtype="float64"), floats(5, 1, seed=1, dtype="float64"), 0.0, grad=(0, 1)),
        sample(floats(5, 3), floats(5, 1, seed=1), 0.0, fast=False, grad=(), tolerance=10.0),
        sample(
            floats(2, 4, dtype="float64"), floats(2, 1, seed=1, dtype="float64"), 0.0, fast=False, grad=()
        ),
    ],
    doc="Solutions x with the least |matrix @ x - rhs|^2 + l2_regularizer |x|^2.",
)


def _cross_shape(c: InferContext) -> Sequence[TensorShape]:
    shape = c.merge(c.rank_at_least("a", 1), c.rank_at_least("b", 1), "a and b must have the same shape")
    if shape.rank is not None and shape[-1] not in (None, 3):
        c.fail("the last dimension must be 3")
    return [shape]


def _cross_grad(op: Operation, grad: Tensor) -> Any:
    a, b = op.inputs
    return [Cross(b, grad), Cross(grad, a)]


Cross = declare(
    "Cross",
    inputs="a: T, b: T",
    outputs="product: T",
    attrs="T: realnumbertype",
    infer=_cross_shape,
    gradient=_cross_grad,
    cost=per_element(3.0),
    state=PURE,
    samples=lambda: [
        sample(floats(3), floats(3, seed=1)),
        sample(floats(2, 4, 3), floats(2, 4, 3, seed=1)),
        sample(ints(2, 3), ints(2, 3, seed=1)),
    ],
    doc="Vector products of vectors with three components.",
)
