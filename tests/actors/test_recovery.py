"""Sessions that go on after a device is lost, with the same numbers."""

from __future__ import annotations

import os
import signal
from typing import Any

import numpy as np
import pytest

import weft as tf
from weft import errors

pytestmark = [
    pytest.mark.ray,
    # Ray's monitor of a compiled graph fails in its own thread when an actor dies while the graph is being compiled.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning"),
]


def program() -> tuple[Any, Any, Any]:
    """Noisy training: a variable and momentum on the parameter server, random numbers on the worker."""
    tf.set_random_seed(11)
    with tf.device("/job:ps/task:0"):
        w = tf.get_variable("w", initializer=np.ones((4, 3), np.float32))
    with tf.device("/job:worker/task:0"):
        x = tf.placeholder(tf.float32, [4])
        scores = tf.reshape(tf.matmul(w, tf.random_normal([3, 1])), [4])
        loss = tf.reduce_sum(tf.square(scores - x))
    train = tf.train.MomentumOptimizer(0.001, 0.9).minimize(loss)
    return w, x, train


def trained(kills: tuple[int, ...], steps: int, target: str) -> tuple[Any, int]:
    config = tf.ConfigProto(recover=target == "ray", snapshot_steps=7)
    cluster = tf.train.ClusterSpec({"ps": 1, "worker": 1})
    with tf.Graph().as_default() as graph:
        w, x, train = program()
        with tf.Session(target, graph=graph, config=config, cluster=cluster) as sess:
            sess.run(tf.global_variables_initializer())
            for step in range(steps):
                if step in kills:
                    pids = {s["device"]: s["pid"] for s in sess.device_stats()}
                    victim = "/job:ps" if step % 2 else "/job:worker"
                    os.kill(next(p for d, p in pids.items() if victim in d), signal.SIGKILL)
                sess.run(train, {x: np.full(4, step % 5, np.float32)})
            return sess.run(w), getattr(sess._target, "recoveries", 0)


def test_training_ends_with_the_same_bits(ray_cluster: Any, capfd: pytest.CaptureFixture[str]) -> None:
    undisturbed, _ = trained((), 25, "local")
    disturbed, recoveries = trained((3, 16), 25, "ray")
    assert recoveries == 2
    np.testing.assert_array_equal(disturbed, undisturbed)
    assert "starting again from the last snapshot" in capfd.readouterr().err


def test_steps_in_flight(ray_cluster: Any) -> None:
    with tf.device("/job:ps/task:0"):
        v = tf.Variable(0)
    with tf.device("/job:worker/task:0"):
        one = tf.identity(tf.placeholder_with_default(1, []))
    with tf.device("/job:ps/task:0"):
        bump = v.assign_add(one).op
        bad = tf.check_numerics(tf.log(tf.placeholder(tf.float32, [], name="z")), "bad log")
    with tf.Session("ray", cluster=tf.train.ClusterSpec({"ps": 1, "worker": 1})) as sess:
        sess.run(v.initializer)
        waiting = [sess.run_async(bump) for _ in range(30)]
        failing = sess.run_async(bad, {"z:0": -1.0})
        for future in waiting:
            future.result(timeout=60)
        with pytest.raises(errors.InvalidArgumentError, match="bad log"):
            failing.result(timeout=60)
        assert sess.run(v) == 30
