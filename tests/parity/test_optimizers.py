"""Optimizers move variables as TensorFlow's do, from dense and from sparse gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import weft

pytestmark = pytest.mark.tensorflow

STEPS = 5

OPTIMIZERS: dict[str, Callable[[Any], Any]] = {
    "descent": lambda tf: tf.train.GradientDescentOptimizer(0.1),
    "proximal descent": lambda tf: tf.train.ProximalGradientDescentOptimizer(0.1, 0.01, 0.02),
    "momentum": lambda tf: tf.train.MomentumOptimizer(0.1, 0.9),
    "nesterov": lambda tf: tf.train.MomentumOptimizer(0.1, 0.9, use_nesterov=True),
    "adagrad": lambda tf: tf.train.AdagradOptimizer(0.1),
    "proximal adagrad": lambda tf: tf.train.ProximalAdagradOptimizer(0.1, 0.1, 0.01, 0.02),
    "adagrad da": lambda tf: tf.train.AdagradDAOptimizer(0.1, tf.train.get_or_create_global_step()),
    "adadelta": lambda tf: tf.train.AdadeltaOptimizer(1.0, epsilon=1e-4),
    "adam": lambda tf: tf.train.AdamOptimizer(0.1),
    "rmsprop": lambda tf: tf.train.RMSPropOptimizer(0.1, momentum=0.5),
    "centered rmsprop": lambda tf: tf.train.RMSPropOptimizer(0.1, momentum=0.5, centered=True),
    "ftrl": lambda tf: tf.train.FtrlOptimizer(0.1, l1_regularization_strength=0.01),
    "ftrl beta": lambda tf: tf.train.FtrlOptimizer(0.1, l2_regularization_strength=0.01, beta=0.5),
    "ftrl shrinkage": lambda tf: tf.train.FtrlOptimizer(0.1, l2_shrinkage_regularization_strength=0.02),
}


def _trained(tf: Any, make: Callable[[Any], Any], sparse: bool) -> tuple[list[Any], list[str]]:
    start = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
    with tf.Graph().as_default():
        w = tf.get_variable("w", initializer=start)
        rows = tf.gather(w, [1, 4, 1]) if sparse else w
        loss = tf.reduce_sum(tf.square(rows) * tf.constant([0.5, 1.0, 2.0]))
        step = make(tf).minimize(loss, global_step=tf.train.get_or_create_global_step())
        variables = sorted(tf.global_variables(), key=lambda v: v.name)
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            for _ in range(STEPS):
                session.run(step)
            return session.run(variables), [v.name for v in variables]


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_same_steps(name: str, sparse: bool) -> None:
    import tensorflow.compat.v1 as tf

    ours, our_names = _trained(weft, OPTIMIZERS[name], sparse)
    theirs, their_names = _trained(tf, OPTIMIZERS[name], sparse)
    assert our_names == their_names
    for mine, other, variable in zip(ours, theirs, our_names, strict=True):
        np.testing.assert_allclose(mine, other, rtol=2e-5, atol=1e-6, err_msg=variable)
