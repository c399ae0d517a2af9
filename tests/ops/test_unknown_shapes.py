"""Gradients of ops whose shapes, ranks or axes only the step knows are those of the static graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import weft
from weft.graph.opdef import get_op

RNG = np.random.default_rng(2)
A = RNG.uniform(0.5, 2, (3, 4)).astype(np.float32)
B = RNG.uniform(0.5, 2, (4,)).astype(np.float32)
C = RNG.uniform(0.5, 2, (2, 3, 4)).astype(np.float32)
SQUARE = (RNG.uniform(-1, 1, (2, 3, 3)) + 3 * np.eye(3)).astype(np.float32)


def _axes(*axes: int) -> Any:
    """Axes that are not known when the graph is built."""
    return weft.placeholder_with_default(np.array(axes, np.int32), [None])


CASES: dict[str, tuple[tuple[Any, ...], Callable[..., Any]]] = {
    "add": ((A, B), lambda a, b: a + b),
    "add of ones": ((A[:, :1], B), lambda a, b: a * b),
    "power": ((A, B), lambda a, b: a**b),
    "maximum": ((A, A[:1]), weft.maximum),
    "select": ((A, B), lambda a, b: get_op("SelectV2")(a > 1, a, b)),
    "clip": ((A, B), lambda a, b: get_op("ClipByValue")(a, b * 0 + 0.7, b)),
    "batch matmul": ((C, A), lambda c, a: get_op("BatchMatMulV2")(c, a, adj_y=True)),
    "mean": ((C,), lambda c: weft.reduce_mean(c, [0, 2]) ** 2),
    "mean of all": ((C,), lambda c: weft.reduce_mean(c) ** 2),
    "product": ((C,), lambda c: weft.reduce_prod(c, [0, 2])),
    "product along one axis": ((C,), lambda c: weft.reduce_prod(c, -1)),
    "product of all": ((C,), weft.reduce_prod),
    "maximum over axes": ((C,), lambda c: weft.reduce_max(c, [1])),
    "euclidean norm": ((C,), lambda c: weft.math.reduce_euclidean_norm(c, [0, 1])),
    "logsumexp": ((C,), lambda c: weft.reduce_logsumexp(c, 1)),
    "cumsum": ((C,), lambda c: weft.cumsum(c, 1, exclusive=True) ** 2),
    "top k": ((C,), lambda c: weft.nn.top_k(c, 2)[0] ** 2),
    "n-th element": ((C,), lambda c: get_op("NthElement")(c, 1)),
    "segments": ((C,), lambda c: weft.unsorted_segment_sum(c, [1, 0], 3) ** 2),
    "segment means": ((C,), lambda c: weft.unsorted_segment_mean(c, [[1, 0, 1], [0, 0, -1]], 2) ** 2),
    "segment maxima": ((C,), lambda c: weft.unsorted_segment_max(c, [1, 0], 2)),
    "picked segments": ((C,), lambda c: weft.sparse_segment_mean(c, [0, 1, 1], [0, 0, 1]) ** 2),
    "determinant": ((SQUARE,), weft.matrix_determinant),
    "triangular equations": ((SQUARE, C), weft.matrix_triangular_solve),
    "inverse": ((SQUARE,), weft.matrix_inverse),
    "eigenvalues": ((SQUARE,), weft.self_adjoint_eigvals),
    "singular values": ((C,), lambda c: weft.svd(c, compute_uv=False)),
}
STATIC_RANK: dict[str, tuple[tuple[Any, ...], Callable[..., Any]]] = {
    "einsum": ((C, A), lambda c, a: weft.einsum("bij,kj->bik", c, a)),
    "einsum with dots": ((C, A), lambda c, a: weft.einsum("...ij,kj->...ik", c, a)),
    "tensordot": ((C, A), lambda c, a: weft.tensordot(c, a, [[1, 2], [0, 1]])),
    "tensordot of one axis": ((C, A), lambda c, a: weft.tensordot(c, a, [[2], [1]])),
    "cholesky": ((SQUARE,), lambda s: weft.cholesky(weft.matmul(s, s, transpose_b=True))),
    "spectral norm": ((C,), lambda c: weft.norm(c, ord=2, axis=[0, 2])),
}
FED_AXES: dict[str, tuple[tuple[Any, ...], Callable[..., Any]]] = {
    name: ((C,), make)
    for name, make in {
        "Sum": lambda c: get_op("Sum")(c, _axes(0, -1)) ** 2,
        "Mean": lambda c: get_op("Mean")(c, _axes(0, -1)) ** 2,
        "Max": lambda c: get_op("Max")(c, _axes(1)),
        "Prod": lambda c: get_op("Prod")(c, _axes(0, -1)),
        "EuclideanNorm": lambda c: get_op("EuclideanNorm")(c, _axes(1), keep_dims=True),
    }.items()
}


def _gradients(values: tuple[Any, ...], make: Callable[..., Any], shape: Callable[[Any], Any]) -> list[Any]:
    with weft.Graph().as_default(), weft.Session() as session:
        given = [weft.placeholder(weft.float32, shape(v)) for v in values]
        made = make(*given)
        grads = weft.gradients(made, given)
        return session.run([made, *grads], dict(zip(given, values, strict=True)))


def _compare(values: tuple[Any, ...], make: Callable[..., Any], shape: Callable[[Any], Any]) -> None:
    static = _gradients(values, make, lambda v: v.shape)
    for got, expected in zip(_gradients(values, make, shape), static, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", [*CASES, *STATIC_RANK, *FED_AXES])
def test_unknown_dimensions(name: str) -> None:
    _compare(*{**CASES, **STATIC_RANK, **FED_AXES}[name], lambda v: [None] * v.ndim)


@pytest.mark.parametrize("name", [*CASES, *FED_AXES])
def test_unknown_rank(name: str) -> None:
    _compare(*{**CASES, **FED_AXES}[name], lambda v: None)
