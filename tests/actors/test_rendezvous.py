"""Tensors meet the steps that take them, in whatever order they come."""

from __future__ import annotations

import threading
import time

import pytest

from weft.actors.rendezvous import Rendezvous
from weft.errors import AbortedError, DeadlineExceededError

STEP = ("session", 1)


def test_a_tensor_may_come_before_or_after_the_wait() -> None:
    meeting = Rendezvous()
    meeting.put(STEP, "early", 1)
    timer = threading.Timer(0.05, meeting.put, (STEP, "late", 2))
    timer.start()
    assert meeting.take(STEP, ["early", "late"], timeout=10) == {"early": 1, "late": 2}
    timer.join()


def test_steps_do_not_mix() -> None:
    meeting = Rendezvous()
    meeting.put(("session", 1), "x", 1)
    meeting.put(("session", 2), "x", 2)
    meeting.put(("other", 1), "x", 3)
    assert meeting.take(("session", 2), ["x"]) == {"x": 2}
    assert meeting.take(("other", 1), ["x"]) == {"x": 3}
    assert meeting.take(("session", 1), ["x"]) == {"x": 1}


def test_an_abort_ends_a_wait_that_has_begun_or_is_to_begin() -> None:
    meeting = Rendezvous()
    timer = threading.Timer(0.05, meeting.abort, (STEP, AbortedError(None, "elsewhere")))
    timer.start()
    with pytest.raises(AbortedError, match="elsewhere"):
        meeting.take(STEP, ["x"], timeout=10)
    timer.join()
    with pytest.raises(AbortedError, match="elsewhere"):
        meeting.take(STEP, ["x"], timeout=10)


def test_waits_end_at_their_limit_and_when_the_device_closes() -> None:
    meeting = Rendezvous()
    with pytest.raises(DeadlineExceededError, match="x"):
        meeting.take(STEP, ["x"], timeout=0.05)
    closed = threading.Event()
    timer = threading.Timer(0.05, closed.set)
    start = time.monotonic()
    timer.start()
    with pytest.raises(AbortedError, match="closed"):
        meeting.take(STEP, ["x"], stopped=closed.is_set)
    timer.join()
    assert time.monotonic() - start < 30


def test_a_finished_step_leaves_nothing_behind() -> None:
    meeting = Rendezvous()
    meeting.put(STEP, "x", 1)
    meeting.finish(STEP)
    meeting.put(STEP, "late", 2)
    meeting.abort(STEP, AbortedError(None, "late"))
    assert len(meeting) == 0
