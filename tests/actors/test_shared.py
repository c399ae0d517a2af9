"""Clusters that several programs share: variables by name, servers, clusters that outlive a program."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import textwrap
from typing import Any

import numpy as np
import pytest

import weft as tf
from weft import errors
from weft.actors.shared import cluster_down, cluster_up, list_clusters

pytestmark = pytest.mark.ray

SMALL = {"ps": {"CPU": 0.5}, "worker": {"CPU": 0.5}}


def counter(name: str) -> tuple[tf.Graph, Any, Any]:
    """A graph of its own with a variable on the parameter server."""
    graph = tf.Graph()
    with graph.as_default():
        with tf.device("/job:ps/task:0"):
            v = tf.get_variable(name, initializer=0)
        with tf.device("/job:worker/task:0"):
            one = tf.identity(tf.placeholder_with_default(1, []))
        with tf.device("/job:ps/task:0"):
            bump = v.assign_add(one)
    return graph, v, bump


def test_a_cluster_outlives_the_sessions_that_use_it(ray_cluster: Any) -> None:
    spec = tf.train.ClusterSpec({"ps": 1, "worker": 1}, resources=SMALL)
    try:
        devices = cluster_up("shop", spec)
        assert len(devices) == 2
        assert list_clusters()["shop"] == ["/job:ps/task:0/device:CPU:0", "/job:worker/task:0/device:CPU:0"]
        with pytest.raises(errors.AlreadyExistsError, match="weft down shop"):
            cluster_up("shop", spec)
        graph, v, bump = counter("count")
        with tf.Session("weft://shop", graph=graph) as sess:
            sess.run(v.initializer)
            for _ in range(8):
                sess.run(bump.op)
        other_graph, same, more = counter("count")
        with tf.Session("weft://shop", graph=other_graph) as other:
            assert other.run(same) == 8
            assert other.run(more) == 9
        with pytest.raises(errors.NotFoundError, match="shop"):
            tf.Session("weft://shed")
    finally:
        assert cluster_down("shop") == 2
    with pytest.raises(errors.NotFoundError, match="no cluster 'shop'"):
        cluster_down("shop")


def test_sessions_at_once_lose_no_update(ray_cluster: Any) -> None:
    cluster_up("busy", tf.train.ClusterSpec({"ps": 1, "worker": 1}, resources=SMALL))
    sessions = []
    try:
        for _ in range(2):
            graph, v, bump = counter("n")
            sessions.append((tf.Session("weft://busy", graph=graph), v, bump))
        sessions[0][0].run(sessions[0][1].initializer)
        for _ in range(20):
            for sess, _, bump in sessions:
                sess.run(bump.op)
        assert sessions[0][0].run(sessions[0][1]) == 40
    finally:
        for sess, _, _ in sessions:
            sess.close()
        cluster_down("busy")


SERVER = """
import sys
import ray
ray.init(address=sys.argv[1], log_to_driver=False, logging_level="ERROR")
import weft as tf
job, task = sys.argv[2], int(sys.argv[3])
small = {"CPU": 0.5}
cluster = tf.train.ClusterSpec(
    {"ps": ["localhost:2222"], "worker": ["localhost:2223", "localhost:2224"]},
    resources={"ps": small, "worker": small},
)
server = tf.train.Server(cluster, job_name=job, task_index=task)
print("up", flush=True)
if job == "ps":
    server.join()
with tf.device("/job:ps/task:0"):
    w = tf.get_variable("w", initializer=0.0)
    total = tf.get_variable("total", initializer=0)
with tf.device(f"/job:worker/task:{task}"):
    x = tf.placeholder(tf.float32, [])
    loss = tf.square(w - x)
train = tf.group(tf.train.GradientDescentOptimizer(0.1).minimize(loss), total.assign_add(1).op)
with tf.Session(server.target) as sess:
    if task == 0:
        sess.run(tf.global_variables_initializer())
        print("ready", flush=True)
        sys.stdin.readline()
    for _ in range(30):
        sess.run(train, {x: 3.0})
    print("done", *sess.run([w, total]), flush=True)
    sys.stdin.readline()
"""


def start(job: str, task: int) -> subprocess.Popen[str]:
    import ray

    address = ray.get_runtime_context().gcs_address
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SERVER), address, job, str(task)],
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
    )


def wait_for(process: subprocess.Popen[str], word: str) -> list[str]:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(word):
            return line.split()[1:]
    raise AssertionError(f"the program ended before it said {word!r}")


def say(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def test_two_programs_train_one_variable(ray_cluster: Any) -> None:
    with start("ps", 0) as ps, start("worker", 0) as first, start("worker", 1) as second:
        try:
            wait_for(first, "ready")
            say(first)
            wait_for(second, "up")
            ends = [wait_for(p, "done") for p in (first, second)]
            assert max(int(total) for _, total in ends) == 60
            np.testing.assert_allclose([float(w) for w, _ in ends], 3.0, atol=0.05)
            for process in (first, second):
                say(process)
        finally:
            for process in (first, second):
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=20)
                process.kill()
            ps.kill()
