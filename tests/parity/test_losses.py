"""Losses and streaming metrics give TensorFlow's numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import weft

pytestmark = pytest.mark.tensorflow

_RNG = np.random.default_rng(0)
REAL = _RNG.normal(size=(4, 3)).astype(np.float32)
OTHER = _RNG.normal(size=(4, 3)).astype(np.float32)
SHARE = _RNG.uniform(size=(4, 3)).astype(np.float32)
BITS = (OTHER > 0).astype(np.float32)
WEIGHTS = np.array([[1.0], [0.0], [2.0], [0.5]], np.float32)
ROW_WEIGHTS = WEIGHTS[:, 0]
CLASSES = np.array([0, 2, 1, 2])
ONE_HOT = np.eye(3, dtype=np.float32)[CLASSES]

LOSSES: dict[str, Callable[[Any], Any]] = {
    "absolute": lambda t: t.absolute_difference(OTHER, REAL, WEIGHTS),
    "absolute none": lambda t: t.absolute_difference(OTHER, REAL, WEIGHTS, reduction=t.Reduction.NONE),
    "absolute sum": lambda t: t.absolute_difference(OTHER, REAL, WEIGHTS, reduction=t.Reduction.SUM),
    "absolute mean": lambda t: t.absolute_difference(OTHER, REAL, WEIGHTS, reduction=t.Reduction.MEAN),
    "absolute batch": lambda t: t.absolute_difference(
        OTHER, REAL, WEIGHTS, reduction=t.Reduction.SUM_OVER_BATCH_SIZE
    ),
    "squared": lambda t: t.mean_squared_error(OTHER, REAL),
    "squared of nothing": lambda t: t.mean_squared_error(OTHER, REAL, 0.0),
    "huber": lambda t: t.huber_loss(OTHER, REAL, delta=0.5),
    "log": lambda t: t.log_loss(BITS, SHARE),
    "hinge": lambda t: t.hinge_loss(BITS, REAL, WEIGHTS),
    "cosine": lambda t: t.cosine_distance(OTHER, REAL, axis=1, weights=WEIGHTS),
    "pairwise": lambda t: t.mean_pairwise_squared_error(OTHER, REAL),
    "pairwise weighted": lambda t: t.mean_pairwise_squared_error(OTHER, REAL, WEIGHTS),
    "sigmoid": lambda t: t.sigmoid_cross_entropy(BITS, REAL, WEIGHTS, label_smoothing=0.1),
    "softmax": lambda t: t.softmax_cross_entropy(ONE_HOT, REAL, ROW_WEIGHTS, label_smoothing=0.1),
    "sparse": lambda t: t.sparse_softmax_cross_entropy(CLASSES[:, None], REAL, ROW_WEIGHTS),
}


@pytest.mark.parametrize("name", LOSSES)
def test_same_losses(name: str) -> None:
    import tensorflow.compat.v1 as tf

    ours, theirs = _loss(weft, LOSSES[name]), _loss(tf, LOSSES[name])
    np.testing.assert_allclose(ours[0], theirs[0], rtol=2e-5, atol=1e-6)
    assert ours[1] == theirs[1]


def _loss(tf: Any, make: Callable[[Any], Any]) -> tuple[Any, int]:
    with tf.Graph().as_default(), tf.Session() as session:
        loss = make(tf.losses)
        total = tf.losses.get_total_loss()
        return session.run([loss, total]), len(tf.losses.get_losses())
