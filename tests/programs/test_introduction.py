"""TensorFlow's introductory programs as published, with only the import changed, in process and on Ray."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import weft as tf
from weft import errors

PS_AND_WORKERS = {"ps": 2, "worker": 8}


@pytest.fixture(params=["local", pytest.param("ray", marks=pytest.mark.ray)])
def open_session(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Opens a session on the target that the test is run for."""
    if request.param == "ray":
        request.getfixturevalue("ray_cluster")
    return lambda **keywords: tf.Session(request.param, **keywords)


def test_adding_two_numbers(open_session: Callable[..., Any]) -> None:
    a = tf.placeholder(tf.int16)
    b = tf.placeholder(tf.int16)
    c = tf.add(a, b)
    with open_session() as session:
        assert session.run(c, feed_dict={a: 2, b: 3}) == 5


def test_a_line(open_session: Callable[..., Any]) -> None:
    x = tf.placeholder(shape=[None], dtype=tf.float32, name="x")
    W = tf.get_variable(shape=[], name="W", initializer=tf.constant_initializer(2.0))
    b = tf.get_variable(shape=[], name="b", initializer=tf.constant_initializer(1.0))
    y = W * x + b
    with open_session() as sess:
        sess.run(tf.initialize_all_variables())
        np.testing.assert_array_equal(sess.run(y, feed_dict={x: [3.0]}), [7.0])
        with pytest.raises(errors.InvalidArgumentError, match="'x'"):
            sess.run(y)


def test_training_a_line(open_session: Callable[..., Any]) -> None:
    x_data = np.random.default_rng(0).random(100).astype(np.float32)
    y_data = x_data * 0.1 + 0.3 + np.random.default_rng(1).normal(0, 0.001, 100).astype(np.float32)
    W = tf.Variable(tf.random_uniform([1], -1.0, 1.0))
    b = tf.Variable(tf.zeros([1]))
    x = tf.placeholder(tf.float32, [None])
    y_label = tf.placeholder(tf.float32, [None])
    y = W * x + b
    loss = tf.reduce_mean(tf.square(y - y_label))
    train = tf.train.GradientDescentOptimizer(0.5).minimize(loss)
    with open_session() as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(1000):
            sess.run(train, feed_dict={x: x_data, y_label: y_data})
        w, c = sess.run([W, b])
    assert abs(w[0] - 0.1) < 0.01
    assert abs(c[0] - 0.3) < 0.01


def layers_over_the_cluster() -> tuple[Any, Any]:
    """Weights on the parameter servers, input and layers on a worker, as the talk shows it."""
    with tf.device("/job:ps/task:0"):
        w1 = tf.get_variable("w1", initializer=np.full((4, 3), 0.5, np.float32))
        b1 = tf.get_variable("b1", initializer=np.ones(3, np.float32))
    with tf.device("/job:ps/task:1"):
        w2 = tf.get_variable("w2", initializer=np.full((3, 2), 0.25, np.float32))
        b2 = tf.get_variable("b2", initializer=np.ones(2, np.float32))
    with tf.device("/job:worker/task:7"):
        x = tf.placeholder(tf.float32, [None, 4])
        layer1 = tf.nn.relu(tf.matmul(x, w1) + b1)
        logits = tf.nn.relu(tf.matmul(layer1, w2) + b2)
    return x, logits


def test_weights_on_parameter_servers_and_layers_on_a_worker() -> None:
    x, logits = layers_over_the_cluster()
    with tf.Session("local", cluster=tf.train.ClusterSpec(PS_AND_WORKERS)) as sess:
        sess.run(tf.global_variables_initializer())
        feed = {x: np.ones((1, 4), np.float32)}
        np.testing.assert_allclose(sess.run(logits, feed), [[3.25, 3.25]])
        spec = sess.step_spec(logits, feed)
    used = {d: [n.op for n in p.nodes] for d, p in spec.partitions.items()}
    assert sorted(used) == [
        "/job:ps/replica:0/task:0/device:CPU:0",
        "/job:ps/replica:0/task:1/device:CPU:0",
        "/job:worker/replica:0/task:7/device:CPU:0",
    ]
    for device, ops in used.items():
        if "/job:ps" in device:
            assert sorted(set(ops)) == ["ReadVariableOp", "VarHandleOp", "_Send"]
            assert ops.count("_Send") == 2
            assert "_Recv" not in ops
        else:
            assert ops.count("_Recv") == 4
            assert "_Send" not in ops


@pytest.mark.ray
def test_ten_device_actors(ray_cluster: Any) -> None:
    x, logits = layers_over_the_cluster()
    cluster = tf.train.ClusterSpec(PS_AND_WORKERS, resources={"ps": {"CPU": 0.5}, "worker": {"CPU": 0.5}})
    with tf.Session("ray", cluster=cluster) as sess:
        sess.run(tf.global_variables_initializer())
        np.testing.assert_allclose(sess.run(logits, {x: np.ones((1, 4), np.float32)}), [[3.25, 3.25]])


@pytest.mark.parametrize("target", ["local", pytest.param("ray", marks=pytest.mark.ray)])
def test_the_digits_network_learns(target: str, request: pytest.FixtureRequest, tmp_path: Any) -> None:
    from examples import digits

    if target == "ray":
        request.getfixturevalue("ray_cluster")
    data = digits.load_digits()
    model = digits.build()
    with tf.Session(target, cluster=tf.train.ClusterSpec({"ps": 1, "worker": 2})) as sess:
        result = digits.train(sess, model, data, steps=150, batch=64, out=tmp_path)
    assert result.losses[-1] < 0.5 * result.losses[0]
    assert result.accuracy >= 0.93
    assert list(tmp_path.glob("events.out.tfevents.*"))
