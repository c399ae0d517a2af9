"""Random numbers: for given seeds the ones that TensorFlow's CPU kernels give, over the runs of a session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import weft

pytestmark = pytest.mark.tensorflow

FLOATS = ("float16", "bfloat16", "float32", "float64")
BACKENDS = ("numpy", "jax")
TYPES_AND_BACKENDS = [*((d, "numpy") for d in FLOATS), ("float32", "jax"), ("bfloat16", "jax")]
ROUNDING = {"float16": 2e-3, "bfloat16": 2e-2, "float32": 2e-6, "float64": 1e-14}

Build = Callable[[Any], list[Any]]


def runs(tf: Any, build: Build, backend: str | None = None) -> list[list[Any]]:
    """The values of what `build(tf)` makes, over three runs of one session."""
    with tf.Graph().as_default():
        tensors = build(tf)
        config = None if backend is None else tf.ConfigProto(backends={"CPU": backend})
        with tf.Session(config=config) as session:
            return [session.run(tensors) for _ in range(3)]


def assert_same_runs(build: Build, backend: str = "numpy", rounding: float = 0.0) -> None:
    """Fails unless both libraries give the same numbers in every run, and other numbers in each."""
    import tensorflow.compat.v1 as tf

    ours, theirs = runs(weft, build, backend), runs(tf, build)
    for run, (got, expected) in enumerate(zip(ours, theirs, strict=True)):
        for index, (a, b) in enumerate(zip(got, expected, strict=True)):
            a, b, label = np.asarray(a), np.asarray(b), f"run {run}, tensor {index}"
            assert a.dtype == b.dtype and a.shape == b.shape, label
            if rounding and b.dtype.kind in "fV":
                a, b = a.astype(np.float64), b.astype(np.float64)
                np.testing.assert_allclose(a, b, rtol=rounding, atol=rounding, err_msg=label)
            else:
                np.testing.assert_array_equal(a, b, err_msg=label)
    assert any(np.any(np.asarray(a) != np.asarray(b)) for a, b in zip(ours[0], ours[1], strict=True))


@pytest.mark.parametrize(("dtype", "backend"), TYPES_AND_BACKENDS)
def test_uniform(dtype: str, backend: str) -> None:
    def build(tf: Any) -> list[Any]:
        return [
            tf.random_uniform([3], seed=1, dtype=dtype),
            tf.random_uniform([300, 7], seed=2**40 + 3, dtype=dtype),
            tf.random_uniform([2, 3, 4], seed=5, dtype=dtype),
            tf.random_uniform([], seed=5, dtype=dtype),
            tf.random_uniform([1], seed=-7, dtype=dtype),
        ]

    assert_same_runs(build, backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_uniform_in_a_range(backend: str) -> None:
    def build(tf: Any) -> list[Any]:
        return [
            tf.random_uniform([50], -3.0, 5.0, seed=1),
            tf.random_uniform([50], maxval=5.0, seed=1),
            tf.random_uniform([50], tf.constant(1.0), tf.constant([2.0]), seed=1),
        ]

    assert_same_runs(build, backend, rounding=1e-6)


@pytest.mark.parametrize("backend", BACKENDS)
def test_integers(backend: str) -> None:
    def build(tf: Any) -> list[Any]:
        return [
            tf.random_uniform([501], 0, 10, tf.int32, seed=3),
            tf.random_uniform([501], -(2**31), 2**31 - 1, tf.int32, seed=3),
            tf.random_uniform([77], -5, 2**40, tf.int64, seed=3),
            tf.random_uniform([4, 4], maxval=100, dtype=tf.int64, seed=9),
        ]

    assert_same_runs(build, backend)


@pytest.mark.parametrize(("dtype", "backend"), TYPES_AND_BACKENDS)
def test_normal(dtype: str, backend: str) -> None:
    def build(tf: Any) -> list[Any]:
        return [
            tf.random_normal([301], seed=1, dtype=dtype),
            tf.random_normal([5, 5], 2.0, 0.5, seed=2, dtype=dtype),
            tf.truncated_normal([1003], seed=3, dtype=dtype),
            tf.truncated_normal([2, 3], 1.0, 3.0, seed=4, dtype=dtype),
            tf.truncated_normal([], seed=4, dtype=dtype),
        ]

    assert_same_runs(build, backend, rounding=ROUNDING[dtype])


@pytest.mark.parametrize("seeds", [(None, 3), (7, None), (7, 3), (0, 0), (2**31 - 1, 0), (-5, -6)])
def test_seeds_of_graph_and_op(seeds: tuple[int | None, int | None]) -> None:
    graph_seed, op_seed = seeds

    def build(tf: Any) -> list[Any]:
        tf.set_random_seed(graph_seed)
        first = tf.random_uniform([4], seed=op_seed)
        # Ops that draw nothing must not count.
        tf.constant(1.0) + tf.constant(2.0)
        return [first, tf.random_uniform([4], seed=op_seed), tf.random_normal([2], seed=op_seed)]

    assert_same_runs(build, rounding=2e-6)


@pytest.mark.parametrize("op_seed", [None, 0, 5, 2**31, -1])
@pytest.mark.parametrize("graph_seed", [None, 0, 11, 2**33 + 1])
def test_get_seed(graph_seed: int | None, op_seed: int | None) -> None:
    import tensorflow.compat.v1 as tf

    found = []
    for lib in (weft, tf):
        with lib.Graph().as_default():
            lib.set_random_seed(graph_seed)
            found.append([lib.get_seed(op_seed) for _ in range(3)])
    assert found[0] == found[1]


@pytest.mark.parametrize("backend", BACKENDS)
def test_shuffle_and_crop(backend: str) -> None:
    def build(tf: Any) -> list[Any]:
        table = np.arange(24).reshape(12, 2)
        return [
            tf.random_shuffle(tf.constant(table), seed=4),
            tf.random_shuffle(tf.constant(np.arange(101)), seed=4),
            tf.random_crop(tf.constant(table), [3, 1], seed=5),
        ]

    assert_same_runs(build, backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_classes(backend: str) -> None:
    logits = np.random.default_rng(0).normal(size=(3, 6)).astype(np.float32)

    def build(tf: Any) -> list[Any]:
        return [
            tf.multinomial(tf.constant(logits), 9, seed=1),
            tf.multinomial(tf.constant([[0.0, -np.inf, 2.0]]), 100, seed=2, output_dtype=tf.int32),
            tf.random.categorical(tf.constant(logits.astype(np.float64)), 3, seed=3),
        ]

    assert_same_runs(build, backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_gamma_and_poisson(backend: str) -> None:
    def build(tf: Any) -> list[Any]:
        return [
            tf.random_gamma([100], [0.3, 1.0, 2.0, 30.0], seed=1),
            tf.random_gamma([7], [[0.5], [2.0]], [3.0, 4.0], seed=2, dtype=tf.float64),
            tf.random_poisson([0.3, 9.9, 10.0, 300.0], [100], seed=3),
            tf.random_poisson(4.5, [3, 2], dtype=tf.int32, seed=4),
        ]

    assert_same_runs(build, backend, rounding=1e-6)


def test_gradient_of_gamma() -> None:
    import tensorflow.compat.v1 as tf

    def build(lib: Any) -> list[Any]:
        alpha, beta = lib.constant([0.7, 2.0, 9.0]), lib.constant(2.0)
        drawn = lib.random_gamma([50], alpha, beta, seed=6)
        return lib.gradients(lib.reduce_sum(drawn * drawn), [alpha, beta])

    for got, expected in zip(runs(weft, build, "numpy")[0], runs(tf, build)[0], strict=True):
        np.testing.assert_allclose(got, expected, rtol=2e-5)


@pytest.mark.parametrize("backend", BACKENDS)
def test_bounded_normal(backend: str) -> None:
    from tensorflow.python.ops.random_ops import parameterized_truncated_normal

    rows = [(0.0, 1.0, -1.0, 2.0), (1.0, 0.5, 3.0, np.inf), (0.0, 1.0, 0.5, 0.6), (0.0, 1.0, -np.inf, -3.0)]

    def build(tf: Any) -> list[Any]:
        ours = tf is weft
        make = weft.random.parameterized_truncated_normal if ours else parameterized_truncated_normal
        return [make([230], *row, seed=3) for row in rows]

    assert_same_runs(build, backend, rounding=2e-6)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("seed", [(7, -2), (2**40 + 1, 3), (0, 0)])
def test_stateless(seed: tuple[int, int], dtype: str) -> None:
    import tensorflow.compat.v1 as tf

    def build(lib: Any) -> list[Any]:
        return [
            lib.random.stateless_uniform([40], seed, dtype=dtype),
            lib.random.stateless_normal([41], seed, dtype=dtype),
            lib.random.stateless_truncated_normal([41], seed, dtype=dtype),
        ]

    for backend in BACKENDS:
        for got, expected in zip(runs(weft, build, backend)[0], runs(tf, build)[0], strict=True):
            got, expected = got.astype(np.float64), expected.astype(np.float64)
            np.testing.assert_allclose(got, expected, rtol=ROUNDING[dtype], atol=ROUNDING[dtype])


def test_streams_in_loops_and_branches() -> None:
    """A random op in a body draws on where its last run, in whatever iteration of whatever step, left off."""
    import tensorflow.compat.v1 as tf

    def build(lib: Any) -> list[Any]:
        def body(i: Any, total: Any) -> Any:
            drawn = lib.random_uniform([3], seed=5)
            more = lib.cond(lib.equal(i % 2, 0), lambda: lib.random_uniform([3], seed=6), lambda: drawn)
            return i + 1, total + drawn * more

        return [lib.while_loop(lambda i, _: i < 5, body, (0, lib.zeros([3])))[1]]

    tf.enable_control_flow_v2()
    try:
        assert_same_runs(build, rounding=2e-6)
    finally:
        tf.disable_control_flow_v2()
    np.testing.assert_allclose(runs(weft, build, "numpy"), runs(weft, build, "jax"), rtol=1e-6)
