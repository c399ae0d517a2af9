"""Linear algebra: solutions, inverses, decompositions; the public names are in `weft.linalg`."""

from __future__ import annotations

from typing import Any

from .graph import dtypes
from .graph.convert import convert_to_tensor
from .graph.default_graph import name_scope
from .graph.dtypes import as_dtype
from .graph.elements import Tensor
from .graph.opdef import get_op
from .reductions import reduce_sum

__all__ = [
    "adjoint",
    "cholesky",
    "cholesky_solve",
    "cross",
    "det",
    "eigh",
    "eigvalsh",
    "eye",
    "inv",
    "logdet",
    "logm",
    "lstsq",
    "lu",
    "matrix_determinant",
    "matrix_inverse",
    "matrix_solve",
    "matrix_solve_ls",
    "matrix_square_root",
    "matrix_triangular_solve",
    "qr",
    "self_adjoint_eig",
    "self_adjoint_eigvals",
    "slogdet",
    "solve",
    "sqrtm",
    "svd",
    "trace",
    "triangular_solve",
]


def adjoint(matrix: Any, name: str | None = None) -> Tensor:
    """Matrices conjugated and transposed.

    Args:
        matrix: tensor of shape `(..., rows, columns)`.
        name: name scope of the ops.
    """
    from .shaping import matrix_transpose

    with name_scope(name, "adjoint"):
        return matrix_transpose(convert_to_tensor(matrix, name="matrix"), conjugate=True)


def cholesky(input: Any, name: str | None = None) -> Tensor:
    """Lower triangular factors L of L @ adjoint(L) = input.

    Args:
        input: positive definite matrices of shape `(..., n, n)`; only the lower triangle is looked at.
        name: name of the op.

    Raises:
        InvalidArgumentError: a matrix is not positive definite, when the step runs (a backend that cannot tell
            gives NaN instead).

    Source:
        TensorFlow's op Cholesky.
    """
    return get_op("Cholesky")(input, name=name)


def cholesky_solve(chol: Any, rhs: Any, name: str | None = None) -> Tensor:
    """Solutions x of A @ x = rhs, given the Cholesky factors of A.

    Args:
        chol: lower triangular matrices of shape `(..., n, n)`, as `cholesky` gives.
        rhs: tensor of shape `(..., n, k)`.
        name: name scope of the ops.
    """
    with name_scope(name, "cholesky_solve"):
        first = triangular_solve(chol, rhs, adjoint=False)
        return triangular_solve(chol, first, adjoint=True)


def cross(a: Any, b: Any, name: str | None = None) -> Tensor:
    """Vector products of vectors with three components.

    Args:
        a, b: tensors of shape `(..., 3)`, of one type.
        name: name of the op.

    Source:
        TensorFlow's op Cross.
    """
    return get_op("Cross")(a, b, name=name)


def det(input: Any, name: str | None = None) -> Tensor:
    """Determinants.

    Args:
        input: tensor of shape `(..., n, n)`.
        name: name of the op.

    Source:
        TensorFlow's op MatrixDeterminant.
    """
    return get_op("MatrixDeterminant")(input, name=name)


def slogdet(input: Any, name: str | None = None) -> Any:
    """Signs of determinants, and logarithms of their absolute values.

    Args:
        input: tensor of shape `(..., n, n)`.
        name: name of the op.

    Returns:
        `(sign, log_abs_determinant)`, both of shape `(...)`.

    Source:
        TensorFlow's op LogMatrixDeterminant.
    """
    return get_op("LogMatrixDeterminant")(input, name=name)


def logdet(matrix: Any, name: str | None = None) -> Tensor:
    """Logarithms of the determinants of positive definite matrices.

    Args:
        matrix: tensor of shape `(..., n, n)`, equal to its adjoint, with positive eigenvalues.
        name: name scope of the ops.
    """
    from .complex_numbers import real

    with name_scope(name, "logdet"):
        diagonal = real(get_op("MatrixDiagPart")(cholesky(matrix)))
        return 2.0 * reduce_sum(get_op("Log")(diagonal), axis=[-1])


def inv(input: Any, adjoint: bool = False, name: str | None = None) -> Tensor:
    """Inverses of matrices.

    Args:
        input: tensor of shape `(..., n, n)`.
        adjoint: gives the inverses of the adjoints.
        name: name of the op.

    Raises:
        InvalidArgumentError: a matrix is singular, when the step runs.

    Source:
        TensorFlow's op MatrixInverse.
    """
    return get_op("MatrixInverse")(input, adjoint=adjoint, name=name)


def solve(matrix: Any, rhs: Any, adjoint: bool = False, name: str | None = None) -> Tensor:
    """Solutions x of matrix @ x = rhs.

    Args:
        matrix: tensor of shape `(..., n, n)`.
        rhs: tensor of shape `(..., n, k)`.
        adjoint: solves with the adjoint of `matrix`.
        name: name of the op.

    Source:
        TensorFlow's op MatrixSolve.
    """
    return get_op("MatrixSolve")(matrix, rhs, adjoint=adjoint, name=name)


def triangular_solve(
    matrix: Any, rhs: Any, lower: bool = True, adjoint: bool = False, name: str | None = None
) -> Tensor:
    """Solutions x of matrix @ x = rhs, of which one triangle of `matrix` is looked at.

    Args:
        matrix: tensor of shape `(..., n, n)`.
        rhs: tensor of shape `(..., n, k)`; batch dimensions broadcast.
        lower: whether the lower triangle counts.
        adjoint: solves with the adjoint of `matrix`.
        name: name of the op.

    Source:
        TensorFlow's op MatrixTriangularSolve.
    """
    return get_op("MatrixTriangularSolve")(matrix, rhs, lower=lower, adjoint=adjoint, name=name)


def lstsq(
    matrix: Any, rhs: Any, l2_regularizer: float = 0.0, fast: bool = True, name: str | None = None
) -> Tensor:
    """Solutions x with the least |matrix @ x - rhs|^2 + l2_regularizer |x|^2.

    Args:
        matrix: tensor of shape `(..., m, n)`.
        rhs: tensor of shape `(..., m, k)`.
        l2_regularizer: weight of the solution's own size.
        fast: by the normal equations, which squares the condition number; otherwise by singular values, and of several
            solutions the smallest.
        name: name of the op.

    Returns:
        A tensor of shape `(..., n, k)`.

    Raises:
        ValueError: a regularizer without `fast`.

    Source:
        TensorFlow's op MatrixSolveLs.
    """
    if not fast and l2_regularizer != 0:
        raise ValueError("A regularizer needs fast=True.")
    regularizer = convert_to_tensor(l2_regularizer, dtypes.float64)
    return get_op("MatrixSolveLs")(matrix, rhs, regularizer, fast=fast, name=name)


def qr(input: Any, full_matrices: bool = False, name: str | None = None) -> Any:
    """Orthonormal q and upper triangular r with q @ r = input.

    Args:
        input: tensor of shape `(..., m, n)`.
        full_matrices: q gets m columns, not only min(m, n).
        name: name of the op.

    Returns:
        `(q, r)`.

    Source:
        TensorFlow's op Qr.
    """
    return get_op("Qr")(input, full_matrices=full_matrices, name=name)


def svd(tensor: Any, full_matrices: bool = False, compute_uv: bool = True, name: str | None = None) -> Any:
    """Singular values and vectors.

    Args:
        tensor: tensor of shape `(..., m, n)`.
        full_matrices: u and v get all m and n columns, not only min(m, n).
        compute_uv: whether the vectors are wanted.
        name: name of the op.

    Returns:
        `(s, u, v)` with u @ diag(s) @ adjoint(v) = tensor, s of shape `(..., min(m, n))` and descending; s
        alone without `compute_uv`. The largest component of each column of u is positive.

    Source:
        TensorFlow's op Svd.
    """
    found = get_op("Svd")(tensor, compute_uv=compute_uv, full_matrices=full_matrices, name=name)
    values = real_values(found.s)
    return (values, found.u, found.v) if compute_uv else values


def eigh(tensor: Any, name: str | None = None) -> Any:
    """Eigenvalues and eigenvectors of matrices that equal their adjoints.

    Args:
        tensor: tensor of shape `(..., n, n)`, of which the lower triangle is looked at.
        name: name of the op.

    Returns:
        `(e, v)`: eigenvalues of shape `(..., n)`, ascending, and eigenvectors as columns of `(..., n, n)`.

    Source:
        TensorFlow's op SelfAdjointEigV2.
    """
    found = get_op("SelfAdjointEigV2")(tensor, compute_v=True, name=name)
    return found.e, found.v


def eigvalsh(tensor: Any, name: str | None = None) -> Tensor:
    """Eigenvalues of matrices that equal their adjoints, ascending.

    Args:
        tensor: tensor of shape `(..., n, n)`, of which the lower triangle is looked at.
        name: name of the op.

    Source:
        TensorFlow's op SelfAdjointEigV2.
    """
    return get_op("SelfAdjointEigV2")(tensor, compute_v=False, name=name).e


def lu(input: Any, output_idx_type: Any = dtypes.int32, name: str | None = None) -> Any:
    """Triangular factors of matrices whose rows are permuted.

    Args:
        input: tensor of shape `(..., n, n)`.
        output_idx_type: int32 or int64.
        name: name of the op.

    Returns:
        `(lu, p)`: both factors in one matrix, the ones on the diagonal of the lower one left out, and the
        permutations: row i of the product is row p[i] of the input.

    Source:
        TensorFlow's op Lu.
    """
    return get_op("Lu")(input, output_idx_type=as_dtype(output_idx_type), name=name)


def sqrtm(input: Any, name: str | None = None) -> Tensor:
    """Matrices whose square the input is.

    Args:
        input: tensor of shape `(..., n, n)` without negative eigenvalues.
        name: name of the op.

    Source:
        TensorFlow's op MatrixSquareRoot.
    """
    return get_op("MatrixSquareRoot")(input, name=name)


def logm(input: Any, name: str | None = None) -> Tensor:
    """Matrices whose exponential the input is.

    Args:
        input: complex tensor of shape `(..., n, n)`.
        name: name of the op.

    Source:
        TensorFlow's op MatrixLogarithm.
    """
    return get_op("MatrixLogarithm")(input, name=name)


def trace(x: Any, name: str | None = None) -> Tensor:
    """Sum of the diagonal of matrices.

    Args:
        x: tensor of shape `(..., m, n)`.
        name: name scope of the ops.
    """
    with name_scope(name, "Trace"):
        return reduce_sum(get_op("MatrixDiagPart")(convert_to_tensor(x, name="x")), [-1])


def eye(
    num_rows: Any,
    num_columns: Any = None,
    batch_shape: Any = None,
    dtype: Any = dtypes.float32,
    name: str | None = None,
) -> Tensor:
    """Matrices with ones on the diagonal and zeros elsewhere.

    Args:
        num_rows: number of rows, an int or int32 scalar.
        num_columns: number of columns; that of the rows where it is not given.
        batch_shape: leading dimensions: a list or int32 vector.
        dtype: element type.
        name: name scope of the ops.
    """
    with name_scope(name, "eye"):
        one, zero = (convert_to_tensor(n, dtype) for n in (1, 0))
        columns = num_rows if num_columns is None else num_columns
        batch = [] if batch_shape is None else batch_shape
        leading = convert_to_tensor(batch, dtypes.int32, name="batch_shape")
        sizes = convert_to_tensor([num_rows, columns], dtypes.int32, name="sizes")
        shortest = get_op("Minimum")(num_rows, columns) if num_columns is not None else num_rows
        length = convert_to_tensor([shortest], dtypes.int32, name="length")
        diagonal = get_op("Fill")(get_op("ConcatV2")([leading, length], 0), one)
        if num_columns is None:
            return get_op("MatrixDiag")(diagonal)
        zeros = get_op("Fill")(get_op("ConcatV2")([leading, sizes], 0), zero)
        return get_op("MatrixSetDiag")(zeros, diagonal)


def real_values(x: Tensor) -> Tensor:
    """Singular values as real numbers: the op gives them in the type of the matrix."""
    return get_op("Real")(x, Tout=x.dtype.real_dtype) if x.dtype.is_complex else x


matrix_determinant = det
matrix_inverse = inv
matrix_solve = solve
matrix_solve_ls = lstsq
matrix_square_root = sqrtm
matrix_triangular_solve = triangular_solve
self_adjoint_eig = eigh
self_adjoint_eigvals = eigvalsh
