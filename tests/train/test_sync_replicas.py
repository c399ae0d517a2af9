"""Accumulators, and synchronous training of several workers that each build a graph of their own."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

import weft as tf
from weft import errors
from weft.actors.shared import cluster_down, cluster_up


def test_dense_gradients_add_up_and_stale_ones_are_dropped() -> None:
    made = tf.ConditionalAccumulator(tf.float32, [2])
    grad, step = tf.placeholder(tf.float32, [2]), tf.placeholder(tf.int64, [])
    give, count, take = made.apply_grad(grad, step), made.num_accumulated(), made.take_grad(2)
    with tf.Session() as sess:
        sess.run(give, {grad: [1.0, 2.0], step: 0})
        sess.run(give, {grad: [3.0, 6.0], step: 0})
        assert sess.run(count) == 2
        np.testing.assert_array_equal(sess.run(take), [2.0, 4.0])
        sess.run(give, {grad: [9.0, 9.0], step: 0})
        assert sess.run(count) == 0
        sess.run(give, {grad: [9.0, 9.0], step: 1})
        assert sess.run(count) == 1


def test_a_sum_and_a_step_that_is_set() -> None:
    made = tf.ConditionalAccumulator(tf.float64, [], reduction_type="SUM")
    give, take = made.apply_grad(2.5, 7), made.take_grad(3)
    late, count = made.set_global_step(8), made.num_accumulated()
    with tf.Session() as sess:
        for _ in range(3):
            sess.run(give)
        assert sess.run(take) == 7.5
        sess.run(late)
        sess.run(give)
        assert sess.run(count) == 0


def test_rows_are_averaged_over_the_gradients_that_have_them() -> None:
    made = tf.SparseConditionalAccumulator(tf.float32, [4, 2])
    first = made.apply_grad([0, 2], [[1.0, 1.0], [2.0, 2.0]], [4, 2])
    second = made.apply_grad([3, 2], [[6.0, 6.0], [4.0, 4.0]], [4, 2])
    take = made.take_indexed_slices_grad(2)
    with tf.Session() as sess:
        sess.run(first)
        sess.run(second)
        found = sess.run(take)
    np.testing.assert_array_equal(found.indices, [0, 2, 3])
    np.testing.assert_array_equal(found.values, [[1.0, 1.0], [3.0, 3.0], [6.0, 6.0]])
    np.testing.assert_array_equal(found.dense_shape, [4, 2])


def test_bad_arguments() -> None:
    made = tf.ConditionalAccumulator(tf.float32, [2])
    with pytest.raises(ValueError):
        made.apply_grad([1.0, 2.0, 3.0])
    any_shape = tf.ConditionalAccumulator(tf.float32, None, name="any")
    give = any_shape.apply_grad(tf.placeholder_with_default(np.ones(2, np.float32), None))
    with tf.Session() as sess:
        with pytest.raises(errors.InvalidArgumentError, match="num_required"):
            sess.run(made.take_grad(0))
        sess.run(give)
        with pytest.raises(errors.InvalidArgumentError, match="Shape mismatch"):
            sess.run(give, {"PlaceholderWithDefault:0": np.ones(3, np.float32)})


def test_taking_waits_and_ends_with_the_session() -> None:
    made = tf.ConditionalAccumulator(tf.float32, [])
    give, take = made.apply_grad(4.0, 0), made.take_grad(2)
    seen: list[Any] = []
    sess = tf.Session()
    sess.run(made.num_accumulated())

    def wait() -> None:
        try:
            seen.append(sess.run(take))
            sess.run(take)
        except Exception as error:
            seen.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    sess.run(give)
    sess.run(give)
    while not seen:
        thread.join(0.01)
    sess.close()
    thread.join(20)
    assert seen[0] == 4.0
    assert isinstance(seen[1], (errors.CancelledError, RuntimeError))


# --- several workers ------------------------------------------------------------------------------------


def test_one_worker_gives_two_gradients_for_each_step() -> None:
    w = tf.get_variable("w", initializer=np.array([4.0, -2.0], np.float32))
    count = tf.train.get_or_create_global_step()
    x = tf.placeholder(tf.float32, [])
    sync = tf.train.SyncReplicasOptimizer(tf.train.GradientDescentOptimizer(0.1), 2, 1)
    train = sync.minimize(tf.reduce_sum(tf.square(w - x)), count)
    hook = sync.make_session_run_hook(True)
    expected = np.array([4.0, -2.0], np.float32)
    with tf.train.MonitoredTrainingSession(hooks=[hook], stop_grace_period_secs=2) as sess:
        while True:
            step = sess.run(count)
            if step >= 5:
                break
            sess.run(train, {x: 1.0})
        found = sess.run(w)
        done = sess.run(count)
    for _ in range(int(done)):
        expected = expected - np.float32(0.1) * 2 * (expected - 1)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_misuse() -> None:
    w = tf.Variable(1.0)
    sync = tf.train.SyncReplicasOptimizer(tf.train.GradientDescentOptimizer(0.1), 3, 2)
    with pytest.raises(ValueError, match="Global step is required"):
        sync.minimize(w * w)
    with pytest.raises(ValueError, match="after apply_gradients"):
        sync.get_chief_queue_runner()
    sync.minimize(w * w, tf.train.get_or_create_global_step())
    with pytest.raises(ValueError, match="Too few tokens"):
        sync.get_init_tokens_op(0)


def worker(task: int, workers: int, aggregate: int, steps: int, target: str, out: dict[int, Any]) -> None:
    """The program of one worker: its own graph and session on the shared devices."""
    with tf.Graph().as_default():
        with tf.device("/job:ps/task:0"):
            w = tf.get_variable("w", initializer=np.array([4.0, -2.0], np.float32))
            count = tf.train.get_or_create_global_step()
        with tf.device(f"/job:worker/task:{task}"):
            loss = tf.reduce_sum(tf.square(w - float(task)))
            sync = tf.train.SyncReplicasOptimizer(tf.train.GradientDescentOptimizer(0.1), aggregate, workers)
            train = sync.minimize(loss, count)
        hook = sync.make_session_run_hook(task == 0)
        config = tf.ConfigProto(plan_seconds=0.1)
        try:
            with tf.train.MonitoredTrainingSession(
                target, is_chief=task == 0, hooks=[hook], config=config, stop_grace_period_secs=2
            ) as sess:
                while sess.run(count) < steps:
                    sess.run(train)
                out[task] = sess.run([w, count])
        except errors.OutOfRangeError:
            out.setdefault(task, None)  # the chief has closed the queue of tokens
        except BaseException as error:
            out[task] = error


@pytest.mark.ray
def test_workers_with_a_backup_train_together(ray_cluster: Any) -> None:
    cpu = {"CPU": 0.5}
    cluster_up("synced", tf.train.ClusterSpec({"ps": 1, "worker": 2}, resources={"ps": cpu, "worker": cpu}))
    out: dict[int, Any] = {}
    threads = [
        threading.Thread(target=worker, args=(t, 2, 1, 30, "weft://synced", out), daemon=True) for t in (0, 1)
    ]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(50)
            assert not thread.is_alive()
    finally:
        cluster_down("synced")
    assert not any(isinstance(v, BaseException) for v in out.values()), out
    found, count = out[0]
    assert count >= 30
    assert ((found > -0.3) & (found < 1.3)).all()
