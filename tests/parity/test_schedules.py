"""Learning rate schedules and moving averages give TensorFlow's numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import weft

pytestmark = pytest.mark.tensorflow

SCHEDULES: dict[str, Callable[[Any, Any], Any]] = {
    "exponential": lambda t, s: t.exponential_decay(0.1, s, 7, 0.9),
    "staircase": lambda t, s: t.exponential_decay(0.1, s, 7, 0.9, staircase=True),
    "natural": lambda t, s: t.natural_exp_decay(0.1, s, 7, 0.9),
    "inverse": lambda t, s: t.inverse_time_decay(0.1, s, 7, 0.9, staircase=True),
    "piecewise": lambda t, s: t.piecewise_constant(s, [3, 10], [0.1, 0.05, 0.01]),
    "polynomial": lambda t, s: t.polynomial_decay(0.1, s, 20, 0.01, power=0.5),
    "polynomial cycle": lambda t, s: t.polynomial_decay(0.1, s, 7, 0.01, cycle=True),
    "cosine": lambda t, s: t.cosine_decay(0.1, s, 20, 0.1),
    "restarts": lambda t, s: t.cosine_decay_restarts(0.1, s, 6, alpha=0.1, m_mul=0.9),
    "restarts of one length": lambda t, s: t.cosine_decay_restarts(0.1, s, 6, t_mul=1.0),
    "linear cosine": lambda t, s: t.linear_cosine_decay(0.1, s, 20),
}


def _rates(tf: Any, make: Callable[[Any, Any], Any]) -> list[float]:
    with tf.Graph().as_default(), tf.Session() as session:
        step = tf.placeholder(tf.int64, [])
        rate = make(tf.train, step)
        return [session.run(rate, {step: s}) for s in (1, 3, 4, 6, 7, 13, 30)]


@pytest.mark.parametrize("name", SCHEDULES)
def test_same_rates(name: str) -> None:
    import tensorflow.compat.v1 as tf

    ours, theirs = _rates(weft, SCHEDULES[name]), _rates(tf, SCHEDULES[name])
    np.testing.assert_allclose(ours, theirs, rtol=2e-5)


def _averages(tf: Any, zero_debias: bool, count: bool) -> tuple[Any, list[str]]:
    with tf.Graph().as_default(), tf.Session() as session:
        step = tf.train.get_or_create_global_step()
        a = tf.get_variable("a", initializer=[1.0, 2.0])
        doubled = a * 2.0
        grown = tf.assign_add(a, [0.5, 0.25])
        ema = tf.train.ExponentialMovingAverage(0.9, step if count else None, zero_debias)
        with tf.control_dependencies([grown, tf.assign_add(step, 1)]):
            update = ema.apply([a, doubled])
        session.run(tf.global_variables_initializer())
        for _ in range(4):
            session.run(update)
        names = sorted(ema.variables_to_restore([a]))
        return session.run([ema.average(a), ema.average(doubled)]), [ema.average_name(a), *names]


@pytest.mark.parametrize("count", [False, True])
@pytest.mark.parametrize("zero_debias", [False, True])
def test_same_averages(zero_debias: bool, count: bool) -> None:
    import tensorflow.compat.v1 as tf

    tf.enable_resource_variables()
    ours, our_names = _averages(weft, zero_debias, count)
    theirs, their_names = _averages(tf, zero_debias, count)
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-6)
    # `doubled` is read before or after the update in TensorFlow, as it happens.
    assert our_names == their_names
