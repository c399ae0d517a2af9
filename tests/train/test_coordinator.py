"""Coordinators and queue runners: one stop, one error, no thread left."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

import weft as tf


def test_threads_stop_together() -> None:
    coord = tf.train.Coordinator()
    counts = [0, 0]

    def count(i: int) -> None:
        while not coord.should_stop():
            counts[i] += 1
            if counts[i] > 5:
                coord.request_stop()
            time.sleep(0.001)

    threads = [threading.Thread(target=count, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    coord.join(threads)
    assert max(counts) > 5 and not any(t.is_alive() for t in threads)
    assert coord.joined


def test_the_first_error_is_raised_by_join() -> None:
    coord = tf.train.Coordinator()

    def fail() -> None:
        with coord.stop_on_exception():
            raise ValueError("first")

    thread = threading.Thread(target=fail)
    thread.start()
    with pytest.raises(ValueError, match="first"):
        coord.join([thread])
    coord.clear_stop()
    assert not coord.should_stop()
    coord.request_stop(tf.errors.OutOfRangeError(None, "the input has ended"))
    coord.join([])


def test_a_thread_that_does_not_stop_is_named() -> None:
    coord = tf.train.Coordinator()
    release = threading.Event()
    thread = threading.Thread(target=release.wait, name="stubborn")
    thread.start()
    try:
        coord.request_stop()
        with pytest.raises(RuntimeError, match="stubborn"):
            coord.join([thread], stop_grace_period_secs=0.1)
        coord.clear_stop()
        coord.request_stop()
        coord.join([thread], stop_grace_period_secs=0.1, ignore_live_threads=True)
    finally:
        release.set()
        thread.join()


def test_a_looper_calls_again_and_again() -> None:
    coord = tf.train.Coordinator()
    calls: list[int] = []

    def call() -> None:
        calls.append(1)
        if len(calls) == 3:
            coord.request_stop()

    tf.train.LooperThread.loop(coord, 0.001, call)
    coord.join()
    assert len(calls) == 3


def test_an_error_in_a_runner_reaches_the_coordinator() -> None:
    queue = tf.FIFOQueue(2, tf.float32, shapes=[[]])
    bad = tf.check_numerics(tf.constant(float("nan")), "not here")
    tf.train.add_queue_runner(tf.train.QueueRunner(queue, [queue.enqueue(bad)]))
    with tf.Session() as session:
        coord = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(session, coord)
        with pytest.raises(tf.errors.OutOfRangeError):
            session.run(queue.dequeue())
        with pytest.raises(tf.errors.InvalidArgumentError, match="not here"):
            coord.join(threads)
    assert not any(t.is_alive() for t in threads)


def test_runners_without_a_coordinator_keep_their_errors() -> None:
    queue = tf.FIFOQueue(2, tf.float32, shapes=[[]])
    once = tf.train.limit_epochs(tf.constant(1.0), 3)
    runner = tf.train.QueueRunner(queue, [queue.enqueue(once)])
    with tf.Session() as session:
        session.run(tf.local_variables_initializer())
        threads = runner.create_threads(session, start=True)
        assert runner.create_threads(session, start=True) == []
        assert [session.run(queue.dequeue()) for _ in range(3)] == [1.0] * 3
        with pytest.raises(tf.errors.OutOfRangeError):
            session.run(queue.dequeue())
        for thread in threads:
            thread.join(10)
        assert runner.exceptions_raised == []


def test_several_threads_fill_one_queue() -> None:
    queue = tf.FIFOQueue(3, tf.int32, shapes=[[]])
    number = tf.train.range_input_producer(40, num_epochs=1).dequeue()
    tf.train.add_queue_runner(tf.train.QueueRunner(queue, [queue.enqueue(number)] * 4))
    with tf.Session() as session:
        session.run(tf.local_variables_initializer())
        coord = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(session, coord)
        assert len(threads) == 5 + 2
        got = []
        with pytest.raises(tf.errors.OutOfRangeError):
            while True:
                got.append(int(session.run(queue.dequeue())))
        coord.request_stop()
        coord.join(threads)
    assert sorted(got) == list(range(40))


def test_runners_need_a_session_and_operations() -> None:
    with pytest.raises(ValueError, match="session"):
        tf.train.start_queue_runners()
    with pytest.raises(ValueError, match="operations"):
        tf.train.QueueRunner(tf.FIFOQueue(1, tf.int32), [])


def test_runners_travel_with_the_graph() -> None:
    number = tf.train.range_input_producer(3, num_epochs=1, shuffle=False).dequeue()
    tf.add_to_collection("number", number)
    meta = tf.train.export_meta_graph()
    with tf.Graph().as_default(), tf.Session() as session:
        tf.train.import_meta_graph(meta)
        session.run(tf.local_variables_initializer())
        coord = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(session, coord)
        fetch: Any = tf.get_collection("number")[0]
        assert [int(session.run(fetch)) for _ in range(3)] == [0, 1, 2]
        coord.request_stop()
        coord.join(threads)
