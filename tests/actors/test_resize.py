"""`Session.resize`: workers come and go between steps, and the numbers stay the same."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import weft as tf
from weft import errors

SMALL = {"ps": {"CPU": 0.1}, "worker": {"CPU": 0.1}}


def cluster(workers: int) -> tf.train.ClusterSpec:
    return tf.train.ClusterSpec({"ps": 1, "worker": workers}, resources=SMALL)


def cases() -> Iterator[Any]:
    yield "local"
    yield pytest.param("ray", marks=[pytest.mark.ray, pytest.mark.slow])


@pytest.fixture(params=cases())
def target(request: pytest.FixtureRequest) -> str:
    if request.param == "ray":
        request.getfixturevalue("ray_cluster")
    return str(request.param)


class Model:
    """Weights on the parameter server, a sum over as many workers as there are, noise where the planner likes."""

    def __init__(self) -> None:
        with tf.device("/job:ps/task:0"):
            self.w = tf.get_variable("w", initializer=np.full([4], 2.0, np.float32))
        self.free = tf.get_variable("free", initializer=np.arange(6, dtype=np.float32))
        self.noise = tf.random_uniform([3], seed=9, name="noise")
        self.x = tf.placeholder(tf.float32, [None, 4])
        self.touch = self.free.assign_add(tf.ones([6]))

    def step(self, workers: int) -> Any:
        parts = []
        for task, rows in enumerate(np.array_split(np.arange(12), workers)):
            with tf.device(f"/job:worker/task:{task}"):
                part = tf.gather(self.x, rows.astype(np.int32))
                parts.append(
                    tf.gradients(tf.reduce_sum(tf.square(tf.matmul(part, self.w[:, None]))), self.w)[0]
                )
        with tf.device("/job:ps/task:0"):
            return self.w.assign_sub(1e-3 * tf.add_n(parts))


def train(target: str, sizes: list[int]) -> list[Any]:
    """Two steps at each size of the cluster; all that they gave."""
    rows = np.linspace(0, 1, 48, dtype=np.float32).reshape(12, 4)
    found: list[Any] = []
    with tf.Graph().as_default():
        model = Model()
        steps = {n: model.step(n) for n in dict.fromkeys(sizes)}
        with tf.Session(target, cluster=cluster(sizes[0])) as sess:
            noise = sess.make_callable(model.noise)
            sess.run(tf.global_variables_initializer())
            for size in sizes:
                sess.resize(worker=size)
                assert len(sess.list_devices()) == 1 + size
                for _ in range(2):
                    found.append(sess.run(steps[size], {model.x: rows}))
                    found.extend([noise(), sess.run(model.touch)])
    return found


def test_growing_and_shrinking_change_no_number(target: str) -> None:
    fixed = train("local", [3, 3, 3, 3])
    for ours, theirs in zip(train(target, [1, 3, 2, 1]), fixed, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_what_cannot_be_resized(target: str) -> None:
    with tf.device("/job:worker/task:1"):
        tf.get_variable("stuck", initializer=1.0)
    with tf.device("/job:ps/task:0"):
        fine = tf.get_variable("fine", initializer=2.0)
    with tf.Session(target, cluster=cluster(2)) as sess:
        sess.run(tf.global_variables_initializer())
        with pytest.raises(
            errors.FailedPreconditionError, match=r"gone: stuck \(/job:worker/replica:0/task:1"
        ):
            sess.resize(worker=1)
        with pytest.raises(
            errors.InvalidArgumentError, match="there is no job 'chief'; the cluster has ps, worker"
        ):
            sess.resize(chief=1)
        with pytest.raises(errors.InvalidArgumentError, match="at least one task, got 0"):
            sess.resize(worker=0)
        assert sess.run(fine) == 2.0
        assert len(sess.list_devices()) == 3


def test_queues_do_not_move() -> None:
    with tf.device("/job:worker/task:1"):
        queue = tf.FIFOQueue(3, tf.int32, shapes=[[]])
        put = queue.enqueue(7)
    with tf.device("/job:worker/task:0"):
        got = queue.dequeue()
    with tf.Session(cluster=cluster(2)) as sess:
        sess.run(put)
        with pytest.raises(errors.FailedPreconditionError, match=r"holds 1 queue.*cannot move"):
            sess.resize(worker=1)
        sess.resize(worker=4)
        assert sess.run(got) == 7


def test_a_session_without_a_cluster_has_no_tasks() -> None:
    with tf.Session() as sess, pytest.raises(errors.FailedPreconditionError, match="without a cluster"):
        sess.resize(worker=2)


@pytest.mark.ray
@pytest.mark.slow
def test_a_session_that_recovers_is_resized_and_recovers(ray_cluster: Any) -> None:
    v = tf.get_variable("v", initializer=5.0)
    bump = v.assign_add(1.0)
    with tf.Session("ray", config=tf.ConfigProto(recover=True), cluster=cluster(2)) as sess:
        sess.run(v.initializer)
        sess.run(bump.op)
        sess.resize(worker=1)
        sess.run(bump.op)
        victim = next(row["pid"] for row in sess.device_stats() if "worker" in row["device"])
        os.kill(victim, signal.SIGKILL)
        assert sess.run(bump) == 8.0
        sess.resize(worker=2)
        assert sess.run(bump) == 9.0


@pytest.mark.ray
@pytest.mark.slow
def test_growing_beyond_what_there_is_leaves_the_session_as_it_was(ray_cluster: Any) -> None:
    v = tf.get_variable("v", initializer=5.0)
    config = tf.ConfigProto()
    with tf.Session("ray", config=config, cluster=cluster(2)) as sess:
        sess.run(v.initializer)
        bump = v.assign_add(1.0)
        assert sess.run(bump) == 6.0
        config.start_timeout = 3.0
        with pytest.raises(errors.ResourceExhaustedError, match="asked for"):
            sess.resize(worker=900)
        assert sess.run(bump) == 7.0
        assert len(sess.list_devices()) == 3
