"""Functions of matrices, and equations with matrices in a special form: LU factors, tridiagonal ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from .elementwise import abs as absolute
from .graph import dtypes
from .graph.convert import convert_to_tensor
from .graph.default_graph import name_scope
from .graph.elements import Tensor
from .graph.opdef import get_op
from .linear_algebra import eigh, eigvalsh, eye, triangular_solve
from .products import matmul
from .reductions import reduce_max, reduce_sum

__all__ = [
    "eigh_tridiagonal",
    "expm",
    "lu_matrix_inverse",
    "lu_reconstruct",
    "lu_solve",
    "tridiagonal_matmul",
    "tridiagonal_solve",
]

_PADE = {
    3: (120.0, 60.0, 12.0, 1.0),
    5: (30240.0, 15120.0, 3360.0, 420.0, 30.0, 1.0),
    7: (17297280.0, 8648640.0, 1995840.0, 277200.0, 25200.0, 1512.0, 56.0, 1.0),
    13: (
        64764752532480000.0, 32382376266240000.0, 7771770303897600.0, 1187353796428800.0, 129060195264000.0,
        10559470521600.0, 670442572800.0, 33522128640.0, 1323241920.0, 40840800.0, 960960.0, 16380.0, 182.0, 1.0,
    ),
}  # fmt: skip
"""Coefficients of the Padé approximants of exp, by order (Higham 2005, "The scaling and squaring method")."""

_RADIUS = {3: 0.425873001692283, 5: 1.880152677804762, 7: 3.925724783138660, 13: 5.371920351148152}
"""1-norm up to which an approximant is exact in its precision: 3, 5, 7 in single, 13 in double precision."""


def expm(input: Any, name: str | None = None) -> Tensor:
    """Matrix exponentials.

    Args:
        input: floating or complex tensor of shape `(..., n, n)`.
        name: name scope of the ops.

    Raises:
        ValueError: the matrices are not square.

    Source:
        Higham, "The scaling and squaring method for the matrix exponential revisited" (2005).
    """
    with name_scope(name, "matrix_exponential"):
        a = convert_to_tensor(input, name="input")
        if a.shape.rank is not None and a.shape.rank < 2:
            raise ValueError(f"input must be square matrices, got shape {a.shape}")
        order = 7 if a.dtype.size == 4 or a.dtype is dtypes.complex64 else 13
        squarings = _squarings(a, _RADIUS[order])
        scale = get_op("Exp")(get_op("Cast")(-squarings, DstT=a.dtype.real_dtype) * float(np.log(2.0)))
        scaled = a * get_op("Cast")(scale[..., None, None], DstT=a.dtype)
        u, v = _pade(scaled, _PADE[order])
        start = get_op("MatrixSolve")(v - u, u + v)
        return _squared(start, squarings)


def _squarings(a: Tensor, radius: float) -> Tensor:
    """How often each matrix must be halved for its 1-norm to come below the radius; int32."""
    norm = reduce_max(reduce_sum(absolute(a), axis=[-2]), axis=[-1])
    halvings = get_op("Ceil")(get_op("Log")(norm / radius) / float(np.log(2.0)))
    return get_op("Cast")(get_op("Maximum")(halvings, 0), DstT=dtypes.int32)


def _pade(a: Tensor, coefficients: tuple[float, ...]) -> tuple[Tensor, Tensor]:
    """Odd and even part of the numerator; the denominator has the odd one negated."""
    square = matmul(a, a)
    ones = get_op("OnesLike")(a[..., 0])
    unit = get_op("MatrixDiag")(ones)
    odd, even, power = unit * coefficients[1], unit * coefficients[0], unit
    for index in range(2, len(coefficients), 2):
        power = matmul(power, square)
        even = even + power * coefficients[index]
        odd = odd + power * coefficients[index + 1]
    return matmul(a, odd), even


def _squared(start: Tensor, squarings: Tensor) -> Tensor:
    """Each matrix squared as often as it was halved."""
    from .loops import while_loop

    most = reduce_max(squarings)

    def body(step: Tensor, power: Tensor) -> Any:
        unfinished = (squarings > step)[..., None, None]
        return step + 1, get_op("SelectV2")(unfinished, matmul(power, power), power)

    return while_loop(lambda step, _: step < most, body, [convert_to_tensor(0), start])[1]


def _triangles(lower_upper: Tensor) -> tuple[Tensor, Tensor]:
    diagonal = get_op("MatrixDiagPart")(lower_upper)
    lower = get_op("MatrixBandPart")(lower_upper, -1, 0)
    unit = get_op("MatrixSetDiag")(lower, get_op("OnesLike")(diagonal))
    return unit, get_op("MatrixBandPart")(lower_upper, 0, -1)


def _permuted(x: Tensor, perm: Tensor) -> Tensor:
    """Rows of each matrix in the order of its permutation."""
    batch = perm.shape.rank
    if batch is None:
        raise ValueError("perm must be of known rank")
    return get_op("GatherV2")(x, perm, batch - 1, batch_dims=batch - 1)


def lu_solve(
    lower_upper: Any, perm: Any, rhs: Any, validate_args: bool = False, name: str | None = None
) -> Tensor:
    """Solutions x of A @ x = rhs, given the LU factors of A.

    Args:
        lower_upper, perm: factors of shape `(..., n, n)` and permutations of shape `(..., n)`, as `lu` gives.
        rhs: tensor of shape `(..., n, k)`.
        validate_args: accepted for TensorFlow's sake.
        name: name scope of the ops.
    """
    del validate_args
    with name_scope(name, "lu_solve"):
        factors = convert_to_tensor(lower_upper, name="lower_upper")
        rhs = convert_to_tensor(rhs, factors.dtype, name="rhs")
        lower, upper = _triangles(factors)
        rows = _permuted(rhs, convert_to_tensor(perm, name="perm"))
        return triangular_solve(upper, triangular_solve(lower, rows), lower=False)


def lu_matrix_inverse(
    lower_upper: Any, perm: Any, validate_args: bool = False, name: str | None = None
) -> Tensor:
    """Inverses of matrices, given their LU factors.

    Args:
        lower_upper, perm: factors of shape `(..., n, n)` and permutations of shape `(..., n)`, as `lu` gives.
        validate_args: accepted for TensorFlow's sake.
        name: name scope of the ops.
    """
    with name_scope(name, "lu_matrix_inverse"):
        factors = convert_to_tensor(lower_upper, name="lower_upper")
        batch: Any = get_op("Shape")(factors)
        unit = eye(batch[-1], batch_shape=batch[:-2], dtype=factors.dtype)
        return lu_solve(factors, perm, unit, validate_args)


def lu_reconstruct(
    lower_upper: Any, perm: Any, validate_args: bool = False, name: str | None = None
) -> Tensor:
    """Matrices from their LU factors.

    Args:
        lower_upper, perm: factors of shape `(..., n, n)` and permutations of shape `(..., n)`, as `lu` gives.
        validate_args: accepted for TensorFlow's sake.
        name: name scope of the ops.
    """
    del validate_args
    with name_scope(name, "lu_reconstruct"):
        lower, upper = _triangles(convert_to_tensor(lower_upper, name="lower_upper"))
        perm = convert_to_tensor(perm, name="perm")
        # Sorting a permutation gives its inverse.
        inverse = get_op("TopKV2")(-perm, get_op("Shape")(perm)[-1]).indices
        return _permuted(matmul(lower, upper), inverse)


def _compact(diagonals: Any, form: str) -> Tensor:
    """The three diagonals as one tensor of shape `(..., 3, n)`."""
    if form == "compact":
        return convert_to_tensor(diagonals, name="diagonals")
    if form == "matrix":
        matrix = convert_to_tensor(diagonals, name="diagonals")
        on = get_op("MatrixDiagPart")(matrix)
        blank = on[..., :1] * 0
        above = get_op("MatrixDiagPart")(matrix[..., :-1, 1:])
        below = get_op("MatrixDiagPart")(matrix[..., 1:, :-1])
        parts = [get_op("ConcatV2")([above, blank], -1), on, get_op("ConcatV2")([blank, below], -1)]
        return get_op("Pack")(parts, axis=-2)
    if form != "sequence":
        raise ValueError(f"diagonals_format must be 'compact', 'sequence' or 'matrix', got {form!r}")
    above, on, below = (convert_to_tensor(d) for d in diagonals)
    size = on.shape[-1] if on.shape.rank else None
    blank = on[..., :1] * 0
    if above.shape.rank and above.shape[-1] is not None and above.shape[-1] != size:
        above = get_op("ConcatV2")([above, blank], -1)
    if below.shape.rank and below.shape[-1] is not None and below.shape[-1] != size:
        below = get_op("ConcatV2")([blank, below], -1)
    return get_op("Pack")([above, on, below], axis=-2)


def tridiagonal_solve(
    diagonals: Any,
    rhs: Any,
    diagonals_format: str = "compact",
    transpose_rhs: bool = False,
    conjugate_rhs: bool = False,
    name: str | None = None,
    partial_pivoting: bool = True,
    perturb_singular: bool = False,
) -> Tensor:
    """Solutions x of A @ x = rhs for tridiagonal A.

    Args:
        diagonals: "compact": `(..., 3, n)`: the diagonals above, on and below the main one, the last element of the
            first and the first of the last not looked at; "sequence": the three as a list; "matrix": `(..., n, n)`.
        rhs: `(..., n, k)`, or `(..., n)` for one right-hand side each.
        diagonals_format: the form of `diagonals`.
        transpose_rhs, conjugate_rhs: what is done to `rhs` first.
        name: name scope of the ops.
        partial_pivoting: accepted; rows are always exchanged where that is more exact.
        perturb_singular: accepted for TensorFlow's sake.

    Raises:
        ValueError: another form.

    Source:
        TensorFlow's op TridiagonalSolve.
    """
    from .complex_numbers import conj
    from .shaping import matrix_transpose

    with name_scope(name, "tridiagonal_solve"):
        three = _compact(diagonals, diagonals_format)
        right = convert_to_tensor(rhs, three.dtype, name="rhs")
        is_vector = right.shape.rank is not None and right.shape.rank == (three.shape.rank or 0) - 1
        if is_vector:
            right = get_op("ExpandDims")(right, -1)
        elif transpose_rhs:
            right = matrix_transpose(right)
        if conjugate_rhs:
            right = conj(right)
        solution = get_op("TridiagonalSolve")(
            three, right, partial_pivoting=partial_pivoting, perturb_singular=perturb_singular
        )
        return get_op("Squeeze")(solution, squeeze_dims=[-1]) if is_vector else solution


def tridiagonal_matmul(
    diagonals: Any, rhs: Any, diagonals_format: str = "compact", name: str | None = None
) -> Tensor:
    """Products of tridiagonal matrices with others.

    Args:
        diagonals: as `tridiagonal_solve` takes them.
        rhs: `(..., n, k)`.
        diagonals_format: "compact", "sequence" or "matrix".
        name: name scope of the ops.

    Raises:
        ValueError: another form.

    Source:
        TensorFlow's op TridiagonalMatMul.
    """
    with name_scope(name, "tridiagonal_matmul"):
        three = _compact(diagonals, diagonals_format)
        parts = [three[..., i : i + 1, :] for i in range(3)]
        return get_op("TridiagonalMatMul")(*parts, rhs)


def eigh_tridiagonal(
    alpha: Any,
    beta: Any,
    eigvals_only: bool = True,
    select: str = "a",
    select_range: Any = None,
    tol: Any = None,
    name: str | None = None,
) -> Any:
    """Eigenvalues, and eigenvectors, of tridiagonal matrices that equal their adjoints.

    Args:
        alpha: the diagonal, real, of shape `(n,)`.
        beta: the diagonal above it, of shape `(n - 1,)`.
        eigvals_only: leaves the vectors out.
        select: "a": all; "i": those from the first to the last index of `select_range`, which is inclusive.
        select_range: two indices.
        tol: accepted for TensorFlow's sake.
        name: name scope of the ops.

    Returns:
        The eigenvalues, ascending; `(eigenvalues, eigenvectors)` without `eigvals_only`.

    Raises:
        ValueError: another selection.
    """
    from .complex_numbers import conj

    del tol
    if select not in ("a", "i"):
        raise ValueError(f"select must be 'a' (all) or 'i' (by index), got {select!r}")
    with name_scope(name, "eigh_tridiagonal"):
        beta = convert_to_tensor(beta, name="beta")
        diagonal = get_op("Cast")(convert_to_tensor(alpha, name="alpha"), DstT=beta.dtype)
        size = get_op("Shape")(diagonal)[-1]
        square = get_op("MatrixDiag")(diagonal)
        if beta.shape.num_elements() != 0:
            pad = [[0, 1]] if beta.shape.rank == 1 else None
            if pad is None:
                raise ValueError("alpha and beta must be vectors")
            row = get_op("Pad")(conj(beta), pad)
            below = get_op("MatrixDiag")(row)
            # Moved down by one row, the diagonal comes to lie below the main one.
            square = square + get_op("Pad")(below, [[1, 0], [0, 0]])[:size, :]
        chosen = slice(None) if select == "a" else slice(select_range[0], select_range[1] + 1)
        if eigvals_only:
            return _real(eigvalsh(square))[chosen]
        values, vectors = eigh(square)
        return _real(values)[chosen], vectors[:, chosen]


def _real(x: Tensor) -> Tensor:
    return get_op("Real")(x, Tout=x.dtype.real_dtype) if x.dtype.is_complex else x
