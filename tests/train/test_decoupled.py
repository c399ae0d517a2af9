"""AdamW and LAMB, which TensorFlow 1 does not have, against their papers' formulas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import weft as tf

START = np.array([[1.0, -2.0, 0.5], [0.1, 3.0, -0.7]])
SLOPE = np.array([[0.3, -0.1, 0.2], [-0.4, 0.05, 0.9]])


def _moments(steps: int) -> Any:
    """Corrected moments of a gradient that is always the same."""
    m = v = np.zeros_like(START)
    for t in range(1, steps + 1):
        m, v = 0.9 * m + 0.1 * SLOPE, 0.999 * v + 0.001 * SLOPE**2
        yield m / (1 - 0.9**t), v / (1 - 0.999**t)


def _run(optimizer: Any, steps: int, dtype: Any) -> Any:
    w = tf.get_variable("w", initializer=START.astype(dtype))
    train = optimizer.apply_gradients([(tf.constant(SLOPE, dtype), w)])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(steps):
            session.run(train)
        return session.run(w)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_adamw(dtype: Any) -> None:
    """As TensorFlow's contrib: the weights shrink by the decay, which does not go through the moments, then Adam."""
    expected = START.copy()
    for m, v in _moments(5):
        expected = (1 - 0.1) * expected - 0.01 * (m / (np.sqrt(v) + 1e-8))
    got = _run(tf.train.AdamWOptimizer(0.1, learning_rate=0.01), 5, dtype)
    np.testing.assert_allclose(got, expected, rtol=1e-4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_lamb(dtype: Any) -> None:
    """You et al., algorithm 2: the step is as long as the weights are."""
    expected = START.copy()
    for m, v in _moments(5):
        update = m / (np.sqrt(v) + 1e-6) + 0.05 * expected
        expected = expected - 0.01 * np.linalg.norm(expected) / np.linalg.norm(update) * update
    got = _run(tf.train.LAMBOptimizer(learning_rate=0.01, weight_decay_rate=0.05), 5, dtype)
    np.testing.assert_allclose(got, expected, rtol=1e-4)


@pytest.mark.parametrize("name", ["AdamWOptimizer", "LAMBOptimizer"])
def test_they_learn_on_several_devices(name: str) -> None:
    with tf.device("/job:ps/task:0"):
        w = tf.get_variable("w", initializer=np.ones((4, 1), np.float32))
    with tf.device("/job:worker/task:0"):
        x = tf.constant(np.random.default_rng(0).normal(size=(32, 4)).astype(np.float32))
        loss = tf.reduce_mean(
            tf.square(tf.matmul(x, w) - tf.matmul(x, tf.constant([[2.0], [0.0], [-1.0], [1.0]])))
        )
    optimizer = (
        tf.train.AdamWOptimizer(0.0, 0.05) if name == "AdamWOptimizer" else tf.train.LAMBOptimizer(0.05)
    )
    train = optimizer.minimize(loss)
    with tf.Session(cluster={"ps": 1, "worker": 1}) as session:
        session.run(tf.global_variables_initializer())
        first = session.run(loss)
        for _ in range(150):
            session.run(train)
        assert session.run(loss) < 0.05 * first
