"""Decompositions against TensorFlow, by what does not depend on the signs of vectors; Cholesky's gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import weft
from weft.graph.opdef import get_op

pytestmark = pytest.mark.tensorflow


def _ours(x: Any, make: Callable[[Any, Any], Any]) -> tuple[Any, Any]:
    with weft.Graph().as_default():
        given = weft.placeholder(weft.as_dtype(x.dtype), x.shape)
        y = make(_Ops(get_op), given)
        (grad,) = weft.gradients(y, given)
        with weft.Session() as session:
            return session.run((y, grad), {given: x})


def _theirs(x: Any, make: Callable[[Any, Any], Any]) -> tuple[Any, Any]:
    import tensorflow as tf

    with tf.Graph().as_default():
        given = tf.compat.v1.placeholder(x.dtype, x.shape)
        y = make(_Ops(lambda name: getattr(tf.raw_ops, name)), given)
        (grad,) = tf.gradients(y, given)
        with tf.compat.v1.Session() as session:
            return session.run((y, grad), {given: x})


class _Ops:
    """Ops by keyword, of either library."""

    def __init__(self, find: Callable[[str], Any]) -> None:
        self._find = find

    def __getattr__(self, name: str) -> Any:
        return self._find(name)


def _weights(*shape: int) -> Any:
    return np.random.default_rng(5).uniform(0.5, 1.5, shape)


def _matmul(ops: Any, x: Any, y: Any, **flips: bool) -> Any:
    return ops.BatchMatMulV2(x=x, y=y, **{"adj_x": False, "adj_y": False, **flips})


def _svd(full: bool) -> Callable[[Any, Any], Any]:
    def make(ops: Any, x: Any) -> Any:
        _, u, v = ops.Svd(input=x, compute_uv=True, full_matrices=full)
        smallest = min(int(d) for d in x.shape[-2:])
        weighted = u[..., :smallest] * _weights(smallest)
        return _matmul(ops, weighted, v[..., :smallest], adj_y=True) * _weights(*map(int, x.shape))

    return make


def _singular_values(ops: Any, x: Any) -> Any:
    return ops.Svd(input=x, compute_uv=False, full_matrices=False)[0]


def _symmetric(ops: Any, x: Any) -> Any:
    return _matmul(ops, x, x, adj_y=True) + np.eye(int(x.shape[-1]))


def _eigenvectors(ops: Any, x: Any) -> Any:
    _, v = ops.SelfAdjointEigV2(input=_symmetric(ops, x), compute_v=True)
    return _matmul(ops, v * _weights(int(x.shape[-1])), v, adj_y=True) * _weights(*map(int, x.shape))


def _eigenvalues(ops: Any, x: Any) -> Any:
    return ops.SelfAdjointEigV2(input=_symmetric(ops, x), compute_v=False)[0]


def _eigenvectors_unsymmetrized(ops: Any, x: Any) -> Any:
    _, v = ops.SelfAdjointEigV2(input=x, compute_v=True)
    return _matmul(ops, v * _weights(int(x.shape[-1])), v, adj_y=True) * _weights(*map(int, x.shape))


def _cholesky(ops: Any, x: Any) -> Any:
    return ops.Cholesky(input=_symmetric(ops, x)) * _weights(*map(int, x.shape))


def _cholesky_unsymmetrized(ops: Any, x: Any) -> Any:
    return ops.Cholesky(input=x + 9.0 * np.eye(int(x.shape[-1]))) * _weights(*map(int, x.shape))


CASES: dict[str, tuple[tuple[int, ...], Callable[[Any, Any], Any]]] = {
    "svd of tall matrices": ((2, 4, 3), _svd(False)),
    "svd of wide matrices": ((3, 4), _svd(False)),
    "svd of square matrices": ((3, 3), _svd(False)),
    "full svd": ((3, 3), _svd(True)),
    "singular values": ((2, 4, 2), _singular_values),
    "eigenvectors": ((2, 3, 3), _eigenvectors),
    "eigenvectors, lower triangle alone": ((3, 3), _eigenvectors_unsymmetrized),
    "eigenvalues": ((4, 4), _eigenvalues),
    "cholesky": ((2, 3, 3), _cholesky),
    "cholesky, lower triangle alone": ((3, 3), _cholesky_unsymmetrized),
}


@pytest.mark.parametrize("name", CASES)
def test_value_and_gradient(name: str) -> None:
    shape, make = CASES[name]
    x = np.random.default_rng(3).uniform(-2, 2, shape)
    for got, expected in zip(_ours(x, make), _theirs(x, make), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-9)
