"""Sessions on Ray device actors: the same numbers, clear errors, nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import weft as tf
from weft import errors

pytestmark = pytest.mark.ray

PS, W0, W1 = "/job:ps/task:0", "/job:worker/task:0", "/job:worker/task:1"


@pytest.fixture(scope="module")
def sess(ray_cluster: Any) -> Iterator[tf.Session]:
    """One session over three device actors, on a graph that the module's tests share."""
    graph = tf.Graph()
    session = tf.Session("ray", graph=graph, cluster=tf.train.ClusterSpec({"ps": 1, "worker": 2}))
    yield session
    session.close()


def training(sess: tf.Session, scope: str) -> tuple[Any, ...]:
    """A small training step: a weight on the parameter server, a tower on each worker."""
    with tf.variable_scope(scope):
        with tf.device(PS):
            w = tf.get_variable("w", initializer=np.full((3, 2), 0.5, np.float32))
        xs, grads = [], []
        for device in (W0, W1):
            with tf.device(device):
                x = tf.placeholder(tf.float32, [None, 3])
                loss = tf.reduce_sum(tf.square(tf.matmul(x, w)))
                grads.append(tf.gradients(loss, w)[0])
                xs.append(x)
        with tf.device(PS):
            step = w.assign_sub(tf.add_n(grads) * 0.01)
    sess.run(w.initializer)
    return w, xs, step


def numbers(target: str, steps: int) -> list[np.ndarray[Any, Any]]:
    with tf.Graph().as_default() as graph:
        session = tf.Session(target, graph=graph, cluster=tf.train.ClusterSpec({"ps": 1, "worker": 2}))
        with session:
            tf.set_random_seed(3)
            w, xs, step = training(session, "m")
            with tf.device(W1):
                noise = tf.random_normal([2, 2])
            found = []
            for i in range(steps):
                rows = np.arange(6, dtype=np.float32).reshape(2, 3) / (i + 1)
                found.extend(session.run([step, noise], {xs[0]: rows, xs[1]: rows[::-1]}))
            found.append(session.run(w))
    return found


def test_the_same_numbers_in_process_and_on_ray(ray_cluster: Any) -> None:
    # Enough steps to go from messages to the compiled graph on the way.
    for ours, theirs in zip(numbers("local", 12), numbers("ray", 12), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_updates_of_one_step_are_seen_by_the_next(sess: tf.Session) -> None:
    with sess.graph.as_default():
        w, xs, step = training(sess, "seen")
    rows = np.ones((1, 3), np.float32)
    last = None
    for _ in range(40):
        now = sess.run(step, {xs[0]: rows, xs[1]: rows})
        np.testing.assert_array_equal(now, sess.run(w))
        if last is not None:
            assert (now < last).all()
        last = now


def test_a_failed_step_changes_nothing_anywhere(sess: tf.Session) -> None:
    with sess.graph.as_default():
        with tf.device(PS):
            v = tf.Variable(1.0, name="kept")
            bump = v.assign_add(1.0)
        with tf.device(W0):
            x = tf.placeholder(tf.float32, [2])
            checked = tf.check_numerics(x * 2.0, "worker says", name="checker")
    sess.run(v.initializer)
    for count in range(12):
        with pytest.raises(errors.InvalidArgumentError) as caught:
            sess.run([bump, checked], {x: [np.inf, 1.0]})
        text = str(caught.value)
        assert "worker says" in text
        assert "/job:worker/replica:0/task:0/device:CPU:0" in text
        assert "test_ray.py" in text
        assert sess.run(v) == 1.0 + count
        sess.run([bump, checked], {x: [2.0, 1.0]})
        assert sess.run(v) == 2.0 + count


def test_threads_run_steps_at_once(sess: tf.Session) -> None:
    with sess.graph.as_default():
        with tf.device(PS):
            v = tf.Variable(0, name="counter")
        with tf.device(W0):
            one = tf.identity(tf.placeholder_with_default(1, []))
        with tf.device(PS):
            bump = v.assign_add(one)
    sess.run(v.initializer)
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(25):
                sess.run(bump.op)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures
    assert sess.run(v) == 100


def test_actors_are_named_after_their_devices(sess: tf.Session) -> None:
    from ray.util import list_named_actors

    every = [row["name"] for row in list_named_actors(all_namespaces=True)]
    names = [n for n in every if n.startswith(f"weft:{sess.sess_str}:")]
    assert sorted(n.split(":", 2)[2] for n in names) == [
        "/job:ps/task:0/device:CPU:0",
        "/job:worker/task:0/device:CPU:0",
        "/job:worker/task:1/device:CPU:0",
    ]
    stats = {s["device"]: s for s in sess.device_stats()}
    assert len({s["pid"] for s in stats.values()}) == 3


def test_a_cluster_larger_than_ray_says_what_was_asked_and_what_exists(
    ray_cluster: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    config = tf.ConfigProto(start_timeout=3.0)
    with pytest.raises(errors.ResourceExhaustedError, match=r"asked for 900 CPU.* it has \d+ CPU"):
        tf.Session("ray", config=config, cluster=tf.train.ClusterSpec({"worker": 900}))
    assert "waiting for 900 CPU" in capfd.readouterr().err


@pytest.mark.parametrize("compiled", [False, True], ids=["messages", "compiled"])
def test_a_device_killed_in_mid_step(ray_cluster: Any, compiled: bool) -> None:
    graph = tf.Graph()
    with graph.as_default():
        with tf.device(PS):
            v = tf.Variable(np.zeros((900, 900), np.float32))
        with tf.device(W0):
            product = v.read_value()
            for _ in range(20):
                product = tf.matmul(product, product)
        with tf.device(PS):
            bump = v.assign_add(product)
    session = tf.Session("ray", graph=graph, cluster=tf.train.ClusterSpec({"ps": 1, "worker": 1}))
    try:
        session.run(v.initializer)
        pids = {s["device"]: s["pid"] for s in session.device_stats()}
        victim = next(pid for device, pid in pids.items() if "worker" in device)
        if compiled:
            for _ in range(4):
                session.run(bump.op)
        killed: list[float] = []

        def kill() -> None:
            killed.append(time.monotonic())
            os.kill(victim, signal.SIGKILL)

        timer = threading.Timer(0.5, kill)
        timer.start()
        with pytest.raises(errors.UnavailableError, match="/job:worker/replica:0/task:0"):
            for _ in range(1000):
                session.run(bump.op)
        assert time.monotonic() - killed[0] < 30.0, "the loss was noticed far too late"
        with pytest.raises(errors.UnavailableError, match="/job:worker"):
            session.run(v)
    finally:
        session.close()


def _wait_for(condition: Any, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def test_nothing_is_left_when_the_driver_is_killed(ray_cluster: Any) -> None:
    script = textwrap.dedent(
        """
        import os, sys, time
        import ray
        ray.init(address=sys.argv[1], log_to_driver=False)
        import weft as tf
        sess = tf.Session("ray", cluster=tf.train.ClusterSpec({"worker": 1}))
        print("pid", sess.device_stats()[0]["pid"], flush=True)
        time.sleep(60)
        """
    )
    import ray

    address = ray.get_runtime_context().gcs_address
    command = [sys.executable, "-c", script, address]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        line = ""
        while not line.startswith("pid"):
            line = child.stdout.readline()
            assert line or child.poll() is None
        child.kill()
    actor = int(line.split()[1])
    deadline = time.monotonic() + 30
    while _alive(actor):
        assert time.monotonic() < deadline, "the device actor outlived its driver"
        time.sleep(0.2)


def _alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
