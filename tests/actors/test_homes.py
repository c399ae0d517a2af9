"""What lasts longer than a step stays on one device, whichever kinds of steps use it."""

from __future__ import annotations

import numpy as np

import weft as tf


def test_variables_that_ask_for_no_device_stay_where_the_first_step_put_them() -> None:
    v = tf.get_variable("v", initializer=np.eye(300, dtype=np.float32))
    u = tf.get_variable("u", initializer=np.eye(300, dtype=np.float32) * 2)
    product = tf.matmul(tf.matmul(v, u), v)
    step = v.assign_add(product)
    with tf.Session(cluster=tf.train.ClusterSpec({"worker": 2})) as sess:
        sess.run(tf.global_variables_initializer())
        homes = sess.plan(tf.global_variables_initializer()).placement
        for fetch in (product, step, u.read_value(), tf.reduce_sum(v)):
            placement = sess.plan(fetch).placement
            for name in {"u", "v"} & set(placement):
                assert placement[name] == homes[name]
        sess.run(step.op)
        assert sess.run(tf.reduce_sum(v)) == 900.0
        assert sess.run(tf.reduce_sum(u)) == 600.0


def test_a_random_op_goes_on_where_it_was() -> None:
    """Two kinds of steps that run one random op take from one stream."""

    def numbers(tasks: int) -> list[float]:
        with tf.Graph().as_default():
            tf.set_random_seed(5)
            noise = tf.random_uniform([], name="noise")
            other = noise * tf.reduce_sum(tf.matmul(tf.ones([400, 400]), tf.ones([400, 400])))
            with tf.Session(cluster=tf.train.ClusterSpec({"worker": tasks})) as sess:
                return [sess.run(f) for f in (noise, other, noise, [noise, other][0], other)]

    np.testing.assert_allclose(numbers(3), numbers(1), rtol=1e-6)
