"""Functions of math and linear algebra give TensorFlow's values, called in the same words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import weft

pytestmark = pytest.mark.tensorflow

RNG = np.random.default_rng(11)
X = RNG.uniform(-2, 2, (3, 4)).astype(np.float32)
Y = RNG.uniform(0.5, 2, (3, 4)).astype(np.float32)
CUBE = RNG.uniform(-2, 2, (2, 3, 4))
SQUARE = RNG.uniform(-1, 1, (2, 3, 3)) + 3 * np.eye(3)
SPD = SQUARE @ np.swapaxes(SQUARE, -1, -2)
INTS = RNG.integers(-9, 10, (3, 4)).astype(np.int32)
COUNTS = RNG.integers(0, 6, 20).astype(np.int32)
COMPLEX = (X + 1j * Y).astype(np.complex64)
IDS = np.array([0, 0, 2], np.int32)
DIAGONALS = np.array([[1.0, 2.0, 3.0, 0.0], [5.0, 6.0, 7.0, 8.0], [0.0, 1.0, 2.0, 3.0]])

ELEMENTARY = (
    "acos asin atan ceil cos cosh erf erfc exp expm1 floor lgamma digamma log log1p log_sigmoid negative "
    "reciprocal rint round rsqrt sigmoid sign sin sinh sqrt square tan tanh"
)

Make = Callable[[Any], Any]

CASES: dict[str, Make] = {
    "abs": lambda tf: (tf.abs(X), tf.abs(COMPLEX), tf.abs(INTS)),
    "accumulate_n": lambda tf: tf.accumulate_n([X, Y, X]),
    "add": lambda tf: (tf.add(X, 1.0), tf.add(["a"], "b"), tf.add_n([X, Y])),
    "angle": lambda tf: (tf.angle(COMPLEX), tf.math.angle(X)),
    "argmax": lambda tf: (
        tf.argmax(X),
        tf.argmax(X, axis=1, output_type=tf.int32),
        tf.argmin(X, dimension=1),
    ),
    "argsort": lambda tf: (
        tf.argsort([3, 1, 3, 2]),
        tf.argsort(X, axis=0),
        tf.argsort([3.0, 1.0, 2.0], direction="DESCENDING"),
    ),
    "atan2": lambda tf: tf.atan2(X, Y),
    "bincount": lambda tf: (
        tf.bincount(COUNTS),
        tf.bincount(COUNTS, minlength=9),
        tf.bincount(COUNTS, maxlength=3),
        tf.bincount(COUNTS, weights=COUNTS.astype(np.float64)),
        tf.bincount(COUNTS, dtype=tf.int64),
    ),
    "bitwise": lambda tf: (
        tf.bitwise.bitwise_and(INTS, 6),
        tf.bitwise.bitwise_or(INTS, 6),
        tf.bitwise.bitwise_xor(INTS, 6),
        tf.bitwise.invert(INTS),
        tf.bitwise.left_shift(INTS, 2),
        tf.bitwise.right_shift(INTS, 1),
    ),
    "cast": lambda tf: (tf.cast(X, tf.int32), tf.cast(INTS, tf.bool), tf.to_float(INTS), tf.to_int64(X)),
    "saturate_cast": lambda tf: (tf.saturate_cast(X * 300, tf.uint8), tf.saturate_cast(X * 3e9, tf.int32)),
    "clip": lambda tf: (
        tf.clip_by_value(X, -0.5, 0.5),
        tf.clip_by_norm(X, 1.5),
        tf.clip_by_norm(X, 1.5, axes=[1]),
        tf.clip_by_average_norm(X, 0.1),
        *tf.clip_by_global_norm([X, Y], 2.0)[0],
        tf.global_norm([X, Y]),
    ),
    "complex": lambda tf: (tf.complex(X, Y), tf.real(COMPLEX), tf.imag(COMPLEX), tf.conj(COMPLEX)),
    "confusion_matrix": lambda tf: (
        tf.confusion_matrix([1, 2, 4], [2, 2, 4]),
        tf.confusion_matrix([1, 2, 0], [2, 2, 0], num_classes=5, weights=[1.0, 2.0, 3.0], dtype=tf.float32),
    ),
    "count_nonzero": lambda tf: (
        tf.count_nonzero(INTS),
        tf.count_nonzero(INTS, axis=0),
        tf.count_nonzero(["", "a"]),
        tf.count_nonzero(INTS, axis=1, keepdims=True, dtype=tf.int32),
    ),
    "cumsum": lambda tf: (
        tf.cumsum(X),
        tf.cumsum(X, axis=1, exclusive=True, reverse=True),
        tf.cumprod(Y, axis=1),
        tf.math.cumulative_logsumexp(X, axis=1),
    ),
    "div": lambda tf: (
        tf.div(INTS, 4),
        tf.div(X, 4.0),
        tf.divide(INTS, 4),
        tf.truediv(INTS, 4),
        tf.floordiv(INTS, 4),
        tf.floordiv(X, 0.3),
        tf.mod(INTS, 4),
        tf.floormod(X, 0.3),
        tf.truncatediv(INTS, 4),
        tf.truncatemod(INTS, 4),
        tf.realdiv(X, Y),
        tf.div_no_nan(X, 0.0),
        tf.math.multiply_no_nan(X, 0.0),
        tf.math.reciprocal_no_nan(X),
    ),
    "einsum": lambda tf: (
        tf.einsum("ij,kj->ik", X, Y),
        tf.einsum("ij,jk", X, Y.T),
        tf.einsum("bij,bjk,bkl->il", CUBE, np.swapaxes(CUBE, 1, 2), CUBE),
        tf.einsum("...ij,jk->...ik", CUBE, Y.T.astype(np.float64)),
        tf.einsum("ij->ji", X),
        tf.einsum("bii->bi", SQUARE),
        tf.einsum("i,j,k->kji", X[0], X[1], X[2], optimize="optimal"),
    ),
    "elementary": lambda tf: tuple(getattr(tf, name)(Y / 2.1) for name in ELEMENTARY.split()),
    "hyperbolic": lambda tf: (tf.acosh(Y + 1), tf.asinh(X), tf.atanh(X / 2.1)),
    "equal": lambda tf: (
        tf.equal(INTS, 3),
        tf.not_equal(INTS, 3),
        tf.less(X, Y),
        tf.less_equal(X, Y),
        tf.greater(X, 0.0),
        tf.greater_equal(X, 0.0),
    ),
    "eye": lambda tf: (
        tf.eye(3),
        tf.eye(2, 3),
        tf.eye(3, 2, batch_shape=[2]),
        tf.eye(2, batch_shape=[2, 1], dtype=tf.int32),
    ),
    "finite": lambda tf: (tf.is_nan([0.0, np.nan]), tf.is_inf([0.0, np.inf]), tf.is_finite([0.0, np.inf])),
    "histogram": lambda tf: (
        tf.histogram_fixed_width(X, [-1.0, 1.0], nbins=4),
        tf.histogram_fixed_width_bins(X, [-1.0, 1.0], nbins=4),
    ),
    "igamma": lambda tf: (tf.igamma(Y, Y), tf.igammac(Y, Y), tf.betainc(Y, Y, Y / 3), tf.lbeta(Y)),
    "in_top_k": lambda tf: tf.nn.in_top_k(X, [0, 1, 2], 2),
    "logical": lambda tf: (
        tf.logical_and(X > 0, Y > 1),
        tf.logical_or(X > 0, Y > 1),
        tf.logical_xor(X > 0, Y > 1),
        tf.logical_not(X > 0),
    ),
    "matmul": lambda tf: (
        tf.matmul(X, Y, transpose_b=True),
        tf.matmul(X, Y, adjoint_a=True),
        tf.matmul(COMPLEX, COMPLEX, adjoint_b=True),
        tf.matmul(CUBE, CUBE, transpose_a=True),
        tf.matmul(CUBE, CUBE[0].T),
        tf.linalg.matvec(CUBE, X[0].astype(np.float64)),
    ),
    "maximum": lambda tf: (
        tf.maximum(X, 0.5),
        tf.minimum(INTS, 2),
        tf.squared_difference(X, Y),
        tf.pow(Y, 2.5),
    ),
    "nextafter": lambda tf: tf.math.nextafter(X, Y),
    "operators": lambda tf: _operators(tf),
    "polygamma": lambda tf: (tf.polygamma(np.full(4, 2.0, np.float32), Y), tf.zeta(Y + 1.5, Y)),
    "polyval": lambda tf: tf.math.polyval([1.0, 2.0, 3.0], X),
    "reduce": lambda tf: tuple(
        getattr(tf, f"reduce_{name}")(*args, **kwargs)
        for name in ("sum", "mean", "prod", "max", "min", "logsumexp")
        for args, kwargs in (
            ((CUBE,), {}),
            ((CUBE, 1), {}),
            ((CUBE, [0, -1]), {"keepdims": True}),
            ((CUBE,), {"reduction_indices": [1], "keep_dims": True}),
        )
    ),
    "reduce_bool": lambda tf: (tf.reduce_all(INTS > 0, 0), tf.reduce_any(INTS > 0, [1])),
    "reduce_more": lambda tf: (
        tf.math.reduce_std(X, 0),
        tf.math.reduce_variance(X),
        tf.math.reduce_variance(COMPLEX, 1),
        tf.math.reduce_euclidean_norm(X, 1),
        tf.reduce_mean(INTS, 1),
        tf.reduce_logsumexp([-np.inf, -np.inf]),
    ),
    "scalar_mul": lambda tf: tf.scalar_mul(2.0, tf.constant(X)),
    "searchsorted": lambda tf: (
        tf.searchsorted(np.sort(CUBE), CUBE),
        tf.searchsorted([1, 3, 3, 5], [3, 4], side="right"),
    ),
    "segments": lambda tf: (
        tf.segment_sum(X, IDS),
        tf.segment_mean(X, IDS),
        tf.segment_max(X, IDS),
        tf.segment_min(X, IDS),
        tf.segment_prod(X, IDS),
        tf.unsorted_segment_sum(X, IDS, 4),
        tf.unsorted_segment_mean(X, IDS, 4),
        tf.unsorted_segment_sqrt_n(X, IDS, 4),
        tf.unsorted_segment_max(X, IDS, 4),
        tf.sparse_segment_sum(X, [0, 1, 1], IDS),
        tf.sparse_segment_mean(X, [0, 1, 1], IDS, num_segments=5),
        tf.sparse_segment_sqrt_n(X, [0, 1, 1], IDS),
    ),
    "sort": lambda tf: (
        tf.sort(X),
        tf.sort(CUBE, axis=1, direction="DESCENDING"),
        tf.sort([250, 3, 0]),
        tf.sort(INTS, axis=0),
    ),
    "special": lambda tf: (
        tf.math.erfinv(X / 2.1),
        tf.math.ndtri(Y / 2.1),
        tf.math.erfcinv(Y / 1.1),
        tf.math.xlogy(X, Y),
        tf.math.xlog1py(X, Y),
        tf.math.xdivy(X, Y),
        tf.math.bessel_i0(X),
        tf.math.bessel_i1(X),
        tf.math.bessel_i0e(X),
        tf.math.bessel_i1e(X),
    ),
    "tensordot": lambda tf: (
        tf.tensordot(CUBE, CUBE, [[0, 1], [0, 1]]),
        tf.tensordot(CUBE, X.T.astype(np.float64), 1),
        tf.tensordot(X, Y, 0),
        tf.tensordot(X, Y, [1, 1]),
        tf.tensordot(X, Y, 2),
        tf.tensordot(CUBE, CUBE, [[2, 0], [2, 0]]),
    ),
    "top_k": lambda tf: (*tf.nn.top_k(X, 2), *tf.nn.top_k(INTS)),
    "cholesky": lambda tf: (
        tf.cholesky(SPD),
        tf.cholesky_solve(tf.cholesky(SPD), CUBE),
        tf.linalg.logdet(SPD),
    ),
    "det": lambda tf: (tf.matrix_determinant(SQUARE), *tf.linalg.slogdet(SQUARE)),
    "eigh": lambda tf: (tf.self_adjoint_eigvals(SPD), tf.self_adjoint_eig(SPD)[0], tf.linalg.eigvalsh(SPD)),
    "expm": lambda tf: (
        tf.linalg.expm(SQUARE),
        tf.linalg.expm(SQUARE * 5),
        tf.linalg.expm(SQUARE.astype(np.float32) * 0.1),
        tf.linalg.expm(np.zeros((2, 2))),
    ),
    "inverse": lambda tf: (tf.matrix_inverse(SQUARE), tf.linalg.inv(SQUARE, adjoint=True)),
    "lu": lambda tf: _lu(tf),
    "norm": lambda tf: (
        tf.norm(X),
        tf.norm(X, ord=1, axis=1),
        tf.norm(X, ord=np.inf),
        tf.norm(X, ord=3, axis=0, keepdims=True),
        tf.norm(CUBE, axis=[1, 2]),
        tf.norm(CUBE, ord=1, axis=[-2, -1]),
        tf.norm(CUBE, ord=np.inf, axis=(0, 2)),
        tf.norm(CUBE, ord=2, axis=(0, 2), keep_dims=True),
        tf.norm(COMPLEX),
        *tf.linalg.normalize(X, axis=1),
    ),
    "pinv": lambda tf: (tf.linalg.pinv(CUBE), tf.linalg.matrix_rank(CUBE), tf.linalg.pinv(np.ones((3, 2)))),
    "qr": lambda tf: tuple(tf.abs(part) for part in tf.qr(CUBE)),
    "solve": lambda tf: (
        tf.matrix_solve(SQUARE, CUBE),
        tf.matrix_triangular_solve(SQUARE, CUBE, lower=False),
        tf.matrix_solve_ls(np.swapaxes(CUBE, 1, 2), np.swapaxes(CUBE[:, :2], 1, 2), 0.1),
        tf.matrix_solve_ls(CUBE, CUBE[:, :, :2], 0.0, fast=False),
    ),
    "sqrtm": lambda tf: (tf.linalg.sqrtm(SPD), tf.linalg.logm(SPD.astype(np.complex128))),
    "svd": lambda tf: (tf.svd(CUBE, compute_uv=False), tf.svd(CUBE)[0], tf.abs(tf.svd(CUBE)[1])),
    "trace": lambda tf: (tf.trace(SQUARE), tf.linalg.adjoint(COMPLEX), tf.cross(X[:, :3], Y[:, :3])),
    "tridiagonal": lambda tf: (
        tf.linalg.tridiagonal_solve(tf.constant(DIAGONALS), tf.constant(np.ones((4, 2)))),
        tf.linalg.tridiagonal_solve(tf.constant(DIAGONALS), tf.constant(np.ones(4))),
        tf.linalg.tridiagonal_matmul(tf.constant(DIAGONALS), tf.constant(np.ones((4, 2)))),
        tf.linalg.eigh_tridiagonal(DIAGONALS[1], DIAGONALS[0, :3]),
        tf.linalg.eigh_tridiagonal(DIAGONALS[1], DIAGONALS[0, :3], select="i", select_range=(1, 2)),
    ),
}


def _operators(tf: Any) -> Any:
    x, n, z = tf.constant(X), tf.constant(INTS), tf.constant(COMPLEX)
    flag = tf.constant(X > 0)
    return (
        x + 1, 1 - x, x * Y, 2 / x, n / 4, n // 4, -7 // tf.constant([2, 3]), n % 4, x ** 2, 2.0 ** x,
        -x, abs(z), x @ Y.T, x > 0.5, x <= Y, flag & True, flag | (X > 1), flag ^ True, ~flag,
        x[1], x[:, 1:3], x[..., None], x[::2, ::-1], x[-1, -2], x[tf.constant(1)], x[0, tf.constant(1) :],
        np.float32(2) * x, X + x,
    )  # fmt: skip


def _lu(tf: Any) -> Any:
    lu, p = tf.linalg.lu(SQUARE)
    return (
        lu,
        p,
        tf.linalg.lu_reconstruct(lu, p),
        tf.linalg.lu_solve(lu, p, CUBE),
        tf.linalg.lu_matrix_inverse(lu, p),
    )


def _flat(made: Any) -> list[Any]:
    return list(made) if isinstance(made, tuple) else [made]


@pytest.mark.parametrize("name", CASES)
def test_values(name: str) -> None:
    import tensorflow

    theirs = tensorflow.compat.v1
    with weft.Graph().as_default(), weft.Session() as session:
        ours = session.run(_flat(CASES[name](weft)))
    with theirs.Graph().as_default(), theirs.Session() as session:
        expected = session.run(_flat(CASES[name](theirs)))
    assert len(ours) == len(expected)
    for index, (a, b) in enumerate(zip(ours, expected, strict=True)):
        a, b = np.asarray(a), np.asarray(b)
        assert (a.shape, a.dtype) == (b.shape, b.dtype), f"{name}[{index}]"
        if a.dtype.kind in "fc":
            limit = 1e-9 if a.dtype.itemsize == (16 if a.dtype.kind == "c" else 8) else 2e-5
            np.testing.assert_allclose(a, b, rtol=limit, atol=limit, err_msg=f"{name}[{index}]")
        else:
            np.testing.assert_array_equal(a, b, err_msg=f"{name}[{index}]")
