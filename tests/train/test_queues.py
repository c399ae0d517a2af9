"""Queues that live on devices: order, blocking, closing, and what is refused."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import weft as tf

CLUSTER = {"worker": 2}


def _in_thread(call: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    """Calls something in a thread; its result or error is put into the list."""
    seen: list[Any] = []

    def run() -> None:
        try:
            seen.append(call())
        except Exception as error:
            seen.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, seen


def _end(thread: threading.Thread) -> None:
    thread.join(20)
    assert not thread.is_alive()


def test_first_in_first_out() -> None:
    queue = tf.FIFOQueue(10, [tf.float32, tf.string], [[2], []], names=["x", "name"])
    put = queue.enqueue({"x": [1.0, 2.0], "name": "a"})
    many = queue.enqueue_many({"x": [[3.0, 4.0], [5.0, 6.0]], "name": ["b", "c"]})
    with tf.Session() as session:
        session.run(put)
        session.run(many)
        assert session.run(queue.size()) == 3
        assert session.run(queue.dequeue())["name"] == b"a"
        got = session.run(queue.dequeue_many(2))
        np.testing.assert_array_equal(got["x"], [[3, 4], [5, 6]])
        assert got["name"].tolist() == [b"b", b"c"]


def test_a_full_queue_waits_for_room() -> None:
    queue = tf.FIFOQueue(1, tf.int32, shapes=[[]])
    value = tf.placeholder(tf.int32, [])
    put, take = queue.enqueue(value), queue.dequeue()
    with tf.Session() as session:
        session.run(put, {value: 1})
        thread, seen = _in_thread(lambda: session.run(put, {value: 2}))
        thread.join(0.2)
        assert thread.is_alive() and not seen
        assert session.run(take) == 1
        _end(thread)
        assert session.run(take) == 2


def test_closing_a_queue_under_a_waiting_reader() -> None:
    queue = tf.FIFOQueue(5, tf.int32, shapes=[[]])
    with tf.Session() as session:
        session.run(queue.enqueue_many([[1, 2]]))
        thread, seen = _in_thread(lambda: session.run(queue.dequeue_many(3)))
        thread.join(0.2)
        assert thread.is_alive()
        session.run(queue.close())
        _end(thread)
        assert isinstance(seen[0], tf.errors.OutOfRangeError)
        assert "is closed and has insufficient elements" in str(seen[0])
        assert session.run(queue.size()) == 2, "what was there stays"
        assert session.run(queue.is_closed())
        np.testing.assert_array_equal(session.run(queue.dequeue_up_to(5)), [1, 2])
        with pytest.raises(tf.errors.OutOfRangeError):
            session.run(queue.dequeue())
        with pytest.raises(tf.errors.CancelledError):
            session.run(queue.enqueue(3))


def test_cancelling_those_that_wait_for_room() -> None:
    queue = tf.FIFOQueue(1, tf.int32, shapes=[[]])
    with tf.Session() as session:
        session.run(queue.enqueue(1))
        thread, seen = _in_thread(lambda: session.run(queue.enqueue(2)))
        thread.join(0.2)
        session.run(queue.close(cancel_pending_enqueues=True))
        _end(thread)
        assert isinstance(seen[0], tf.errors.CancelledError)
        assert session.run(queue.dequeue()) == 1


def test_closing_the_session_under_a_waiting_reader() -> None:
    queue = tf.FIFOQueue(1, tf.int32, shapes=[[]])
    session = tf.Session()
    thread, seen = _in_thread(lambda: session.run(queue.dequeue()))
    thread.join(0.2)
    assert thread.is_alive()
    session.close()
    _end(thread)
    assert isinstance(seen[0], tf.errors.CancelledError)


def test_a_time_limit_ends_the_wait() -> None:
    queue = tf.FIFOQueue(1, tf.int32, shapes=[[]])
    with tf.Session() as session, pytest.raises(tf.errors.DeadlineExceededError):
        session.run(queue.dequeue(), options=tf.RunOptions(timeout_in_ms=200))


def test_shuffling_keeps_a_reserve() -> None:
    queue = tf.RandomShuffleQueue(100, min_after_dequeue=10, dtypes=[tf.int32], shapes=[[]], seed=3)
    with tf.Session() as session:
        session.run(queue.enqueue_many([list(range(30))]))
        first = session.run(queue.dequeue_many(20))
        assert sorted(first.tolist()) != first.tolist()
        thread, seen = _in_thread(lambda: session.run(queue.dequeue()))
        thread.join(0.2)
        assert thread.is_alive()
        session.run(queue.close())
        _end(thread)
        rest = session.run(queue.dequeue_many(9))
        assert sorted([*first.tolist(), seen[0], *rest.tolist()]) == list(range(30))


def test_rows_are_padded_to_the_longest() -> None:
    queue = tf.PaddingFIFOQueue(10, [tf.int32, tf.string], [[None, 2], [None]])
    ints, texts = tf.placeholder(tf.int32, [None, 2]), tf.placeholder(tf.string, [None])
    put = queue.enqueue([ints, texts])
    with tf.Session() as session:
        session.run(put, {ints: [[1, 2]], texts: ["a", "b"]})
        session.run(put, {ints: [[3, 4], [5, 6]], texts: []})
        a, b = session.run(queue.dequeue_many(2))
    np.testing.assert_array_equal(a, [[[1, 2], [0, 0]], [[3, 4], [5, 6]]])
    assert b.tolist() == [[b"a", b"b"], [b"", b""]]


def test_the_smallest_priority_comes_first() -> None:
    queue = tf.PriorityQueue(10, [tf.string], [[]])
    with tf.Session() as session:
        session.run(queue.enqueue_many([np.int64([5, 1, 3]), ["five", "one", "three"]]))
        got = [session.run(queue.dequeue()) for _ in range(3)]
    assert [(int(p), t) for p, t in got] == [(1, b"one"), (3, b"three"), (5, b"five")]


def test_what_does_not_fit_is_refused() -> None:
    queue = tf.FIFOQueue(3, [tf.float32], [[2]])
    with pytest.raises(ValueError):
        queue.enqueue([[1.0, 2.0, 3.0]])
    with pytest.raises((ValueError, TypeError)):
        queue.enqueue([[1.0, 2.0], [3.0]])
    with pytest.raises(ValueError, match="shape"):
        tf.FIFOQueue(3, [tf.float32]).dequeue_many(2)
    x = tf.placeholder(tf.float32)
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError, match="shape"):
        session.run(queue.enqueue(x), {x: [1.0]})


def test_more_than_the_room_at_once_still_goes_through() -> None:
    queue = tf.FIFOQueue(4, tf.int32, shapes=[[]])
    with tf.Session() as session:
        thread, seen = _in_thread(lambda: session.run(queue.enqueue_many([list(range(10))])))
        got = [int(session.run(queue.dequeue())) for _ in range(10)]
        _end(thread)
    assert got == list(range(10)) and seen == [None]


@pytest.mark.parametrize("target", ["local", pytest.param("ray", marks=pytest.mark.ray)])
def test_one_worker_fills_and_another_empties(target: str, request: pytest.FixtureRequest) -> None:
    if target == "ray":
        request.getfixturevalue("ray_cluster")
    with tf.device("/job:worker/task:0"):
        queue = tf.FIFOQueue(4, [tf.float32], [[3]])
        row = tf.placeholder(tf.float32, [3])
        put = queue.enqueue(row)
    with tf.device("/job:worker/task:1"):
        total = tf.reduce_sum(queue.dequeue())
    with tf.Session(target, cluster=CLUSTER) as session:
        thread, seen = _in_thread(lambda: [session.run(put, {row: [i, i, i]}) for i in range(12)])
        sums = [float(session.run(total)) for _ in range(12)]
        _end(thread)
    assert sums == [3.0 * i for i in range(12)] and seen[0] == [None] * 12
