"""Clusters that are larger than what there is: Ray's autoscaler starts nodes, and takes them back."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator

import pytest

from tests.actors.ray_head import AutoscalingHead

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(300)]

START = """
import time
import ray
import numpy as np
import weft as tf

ray.init(address="auto", log_to_driver=False, logging_level="ERROR")

def nodes():
    return sum(1 for n in ray.nodes() if n["Alive"])

def wait_for_nodes(count):
    end = time.monotonic() + 90
    while nodes() != count:
        assert time.monotonic() < end, f"{nodes()} nodes, not {count}"
        time.sleep(0.3)
"""

GROW = (
    START
    + """
assert nodes() == 1
w = tf.get_variable("w", initializer=np.float32(0))
steps = {}
for count in (1, 2):
    parts = []
    for task in range(count):
        with tf.device(f"/job:worker/task:{task}"):
            parts.append(tf.square(w - 3.0) / count)
    steps[count] = tf.train.GradientDescentOptimizer(0.25).minimize(tf.add_n(parts))
config = tf.ConfigProto(start_timeout=30)
with tf.Session("ray", config=config, cluster=tf.train.ClusterSpec({"worker": 1})) as sess:
    print("nodes with one worker:", nodes())
    sess.run(tf.global_variables_initializer())
    sess.run(steps[1])
    sess.resize(worker=2)
    print("nodes with two workers:", nodes())
    sess.run(steps[2])
    print("w:", sess.run(w))
    places = {d.name: d for d in sess._target.cluster.devices}
    print("places:", len({d.node for d in places.values()}))
    sess.resize(worker=1)
    wait_for_nodes(2)
    print("nodes with one worker again:", nodes())
    print("w:", sess.run(w))
wait_for_nodes(1)
print("nodes without a session:", nodes())
"""
)

TOO_LARGE = (
    START
    + """
config = tf.ConfigProto(start_timeout=4)
try:
    tf.Session("ray", config=config, cluster=tf.train.ClusterSpec({"worker": 1}, resources={"worker": {"CPU": 64}}))
except tf.errors.ResourceExhaustedError as error:
    print(error)
print("groups left:", [g["name"] for g in ray.util.placement_group_table().values() if g["state"] != "REMOVED"])
"""
)


@pytest.fixture(scope="module")
def head() -> Iterator[AutoscalingHead]:
    with AutoscalingHead({"small": ({"CPU": 1}, 3)}, cpus=0, idle_seconds=3.0) as head:
        yield head


def run(head: AutoscalingHead, script: str) -> subprocess.CompletedProcess[str]:
    head.environment["RAY_ADDRESS"] = head.address
    done = head.run(sys.executable, "-c", textwrap.dedent(script), timeout=250)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_nodes_come_with_sessions_and_leave_with_them(head: AutoscalingHead) -> None:
    done = run(head, GROW)
    assert "nodes with one worker: 2" in done.stdout
    assert "nodes with two workers: 3" in done.stdout
    assert "places: 2" in done.stdout
    assert "nodes with one worker again: 2" in done.stdout
    assert "nodes without a session: 1" in done.stdout
    assert done.stdout.count("w: 2.25") == 2
    waits = [
        line for line in done.stderr.splitlines() if line.startswith("weft: waiting for 1 CPU in 1 place;")
    ]
    assert waits, done.stderr
    assert any("on their way: " in line and "× small" in line for line in waits), waits


def test_what_no_node_can_give_is_said_soon(head: AutoscalingHead) -> None:
    done = run(head, TOO_LARGE)
    assert re.search(
        r"within \d+ s: asked for 64 CPU in 1 places \(the largest 64 CPU\), it has \d+ CPU \(\d+ free\) on \d nodes?; "
        r"no node is on its way",
        done.stdout,
    ), done.stdout
    assert "groups left: []" in done.stdout
