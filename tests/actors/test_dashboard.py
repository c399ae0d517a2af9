"""What operators see: device actors in Ray's dashboard, numbers on its Prometheus endpoint."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator

import pytest

from tests.actors.ray_head import RayHead, wait_for

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(300)]

SCRIPT = """
import sys
import ray
ray.init(address="auto", log_to_driver=False, logging_level="ERROR")
import numpy as np
import weft as tf

with tf.device("/job:ps/task:0"):
    w = tf.get_variable("w", initializer=np.ones([64, 64], np.float32))
    queue = tf.FIFOQueue(10, tf.int32, shapes=[[]])
    put = queue.enqueue_many([[1, 2, 3]])
with tf.device("/job:worker/task:0"):
    step = tf.reduce_sum(tf.matmul(w, w))
small = {"CPU": 0.5}
cluster = tf.train.ClusterSpec({"ps": 1, "worker": 1}, resources={"ps": small, "worker": small})
with tf.Session("ray", cluster=cluster) as sess:
    sess.run(w.initializer)
    sess.run(put)
    for _ in range(20):
        sess.run(step)
    print("ready", flush=True)
    sys.stdin.readline()
"""

PS, WORKER = "/job:ps/task:0/device:CPU:0", "/job:worker/task:0/device:CPU:0"


@pytest.fixture(scope="module")
def head() -> Iterator[RayHead]:
    with RayHead(dashboard=True) as head:
        environment = {**head.environment, "RAY_ADDRESS": head.address}
        program = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(SCRIPT)],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        with program:
            try:
                assert program.stdout is not None
                assert program.stdout.readline().strip() == "ready"
                yield head
            finally:
                program.communicate("\n", timeout=60)


def value(text: str, metric: str, **labels: str) -> float | None:
    """A metric's value on the endpoint; None where it is not there."""
    for line in text.splitlines():
        found = re.fullmatch(rf"ray_{metric}\{{(.*)\}} (\S+)", line)
        if found and all(f'{name}="{wanted}"' in found[1] for name, wanted in labels.items()):
            return float(found[2])
    return None


def test_actors_are_named_after_their_devices(head: RayHead) -> None:
    rows = head.get_json("/api/v0/actors?limit=100&detail=1")["data"]["result"]["result"]
    found = {row["name"].split(":", 2)[2]: row for row in rows if row["name"].startswith("weft:")}
    assert set(found) == {PS, WORKER}
    for device, row in found.items():
        assert row["state"] == "ALIVE"
        assert row["repr_name"] == f"weft {device} (numpy)"


def test_metrics_of_devices(head: RayHead) -> None:
    def steps() -> bool:
        return (value(head.metrics(), "weft_steps_total", device=WORKER) or 0) >= 20

    wait_for(steps, "the report of twenty steps", 90)
    text = head.metrics()
    for device in (PS, WORKER):
        for name in (
            "step_seconds_total",
            "segment_seconds_total",
            "programs_compiled_total",
            "process_bytes",
        ):
            assert (value(text, f"weft_{name}", device=device) or 0) > 0, name
        assert (value(text, "weft_segment_seconds_total", device=device) or 0) <= (
            value(text, "weft_step_seconds_total", device=device) or 0
        )
    assert (value(text, "weft_bytes_sent_total", device=PS, to=WORKER) or 0) >= 20 * 64 * 64 * 4
    assert value(text, "weft_variable_bytes", device=PS) == 64 * 64 * 4
    assert value(text, "weft_queue_depth", device=PS) == 3
    assert value(text, "weft_queue_depth", device=WORKER) == 0
