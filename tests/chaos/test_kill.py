"""A small run of the chaos program, and single losses at chosen moments."""

from __future__ import annotations

import os
import random
import signal
from typing import Any

import numpy as np
import pytest

import weft as tf
from weft import errors

from .kill import difference, disturbed, undisturbed

pytestmark = pytest.mark.ray


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("path", "seed"), [("channels", 3), ("messages", 4)])
def test_a_few_kills_leave_the_bits_as_they_are(ray_cluster: Any, path: str, seed: int) -> None:
    run = disturbed(tf, path, 2, random.Random(seed), 40)
    assert run.kills == 2
    assert run.recoveries >= 1
    assert difference(run, undisturbed(tf, run.steps, 40)) is None


def counting(tf: Any) -> tuple[Any, Any]:
    with tf.device("/job:ps/task:0"):
        v = tf.Variable(np.zeros(4, np.float32), name="v")
    with tf.device("/job:worker/task:0"):
        more = tf.random_uniform([4])
    with tf.device("/job:ps/task:0"):
        return v, v.assign_add(more).op


def test_copies_on_another_device(ray_cluster: Any) -> None:
    tf.set_random_seed(2)
    v, bump = counting(tf)
    config = tf.ConfigProto(recover=True, snapshot_steps=4, snapshot_copies="devices", plan_seconds=0.1)
    with tf.Session("ray", config=config, cluster=tf.train.ClusterSpec({"ps": 1, "worker": 1})) as sess:
        sess.run(v.initializer)
        for _ in range(9):
            sess.run(bump)
        kill(sess, "/job:ps")
        for _ in range(3):
            sess.run(bump)
        found = sess.run(v)
        assert sess._target.recoveries == 1
        assert all(copy is None for copy in sess._target._copies.values())
    with tf.Session("local", config=config, cluster=tf.train.ClusterSpec({"ps": 1, "worker": 1})) as sess:
        sess.run(v.initializer)
        for _ in range(12):
            sess.run(bump)
        np.testing.assert_array_equal(found, sess.run(v))


def test_a_lost_copy_is_an_error_that_says_so(ray_cluster: Any) -> None:
    v, bump = counting(tf)
    config = tf.ConfigProto(recover=True, snapshot_steps=2, snapshot_copies="devices", plan_seconds=0.1)
    with tf.Session("ray", config=config, cluster=tf.train.ClusterSpec({"ps": 1, "worker": 1})) as sess:
        sess.run(v.initializer)
        for _ in range(5):
            sess.run(bump)
        kill(sess, "/job:")
        with pytest.raises(errors.UnavailableError, match="its copy was on"):
            sess.run(bump)


def kill(sess: Any, part: str) -> None:
    """Kills the devices whose names contain some text."""
    for name, pid in sess._target.pids.items():
        if part in name:
            os.kill(pid, signal.SIGKILL)


def test_steps_with_queues_are_not_replayed(ray_cluster: Any) -> None:
    with tf.device("/job:ps/task:0"):
        queue = tf.FIFOQueue(3, [tf.float32], shapes=[[]])
        put, get = queue.enqueue(1.0), queue.dequeue()
    cluster = tf.train.ClusterSpec({"ps": 1})
    strict = tf.ConfigProto(recover=True)
    with (
        tf.Session("ray", config=strict, cluster=cluster) as sess,
        pytest.raises(errors.FailedPreconditionError, match="QueueEnqueueV2"),
    ):
        sess.run(put)
    lenient = tf.ConfigProto(recover="if possible")
    with tf.Session("ray", config=lenient, cluster=cluster) as sess:
        sess.run(put)
        assert sess.run(get) == 1.0
        kill(sess, "/job:ps")
        with pytest.raises(errors.UnavailableError, match="not started again, since queues"):
            sess.run(put)


# --- several nodes ------------------------------------------------------------------------------------

NODES = """
import sys, time, threading, os, signal
import ray
from ray.cluster_utils import Cluster
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": 100 * 2**20})
other = cluster.add_node(num_cpus=1, resources={"far": 1}, object_store_memory=100 * 2**20)
spare = None
ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR", namespace="t")
import numpy as np
import weft as tf
"""

LOST = (
    NODES
    + """
from weft import errors
with tf.device("/job:ps/task:0"):
    v = tf.Variable(np.zeros((700, 700), np.float32))
with tf.device("/job:worker/task:0"):
    product = v.read_value()
    for _ in range(40):
        product = tf.matmul(product, product)
with tf.device("/job:ps/task:0"):
    bump = v.assign_add(product).op
spec = tf.train.ClusterSpec({"ps": 1, "worker": 1}, strategy="spread")
with tf.Session("ray", cluster=spec, config=tf.ConfigProto(plan_seconds=0.1)) as sess:
    sess.run(v.initializer)
    sess.run(bump)
    killed = []
    def kill():
        killed.append(time.monotonic())
        cluster.remove_node(other, allow_graceful=False)
    threading.Timer(0.3, kill).start()
    try:
        for _ in range(10000):
            sess.run(bump)
    except errors.UnavailableError as error:
        print("lost", error.device, flush=True)
        print("seconds", round(time.monotonic() - killed[0], 1), flush=True)
ray.shutdown()
cluster.shutdown()
"""
)


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_node_killed_in_mid_step(run_python: Any) -> None:
    done = run_python(LOST, timeout=170.0, RAY_ADDRESS="")
    assert "lost /job:" in done.stdout
