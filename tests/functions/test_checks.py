"""Assertions: those whose answer is known fail when they are made, the others when a step runs them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import weft as tf
from weft.graph.errors import InvalidArgumentError

Check = Callable[..., Any]


def _fed(value: Any) -> Any:
    """A tensor whose value is not known while the graph is built."""
    return tf.placeholder_with_default(tf.constant(value), None)


HOLD: list[tuple[str, Check, Any, Any]] = [
    ("equal", lambda x: tf.assert_equal(x, [1, 2]), [1, 2], [1, 3]),
    ("none_equal", lambda x: tf.assert_none_equal(x, [1, 2]), [2, 1], [0, 2]),
    ("less", lambda x: tf.assert_less(x, 3), [1, 2], [1, 3]),
    ("less_equal", lambda x: tf.assert_less_equal(x, 3), [1, 3], [1, 4]),
    ("greater", lambda x: tf.assert_greater(x, 1), [2, 3], [1, 3]),
    ("greater_equal", lambda x: tf.assert_greater_equal(x, 1), [1, 3], [0, 3]),
    ("negative", tf.assert_negative, [-1, -2], [-1, 0]),
    ("positive", tf.assert_positive, [1, 2], [1, 0]),
    ("non_negative", tf.assert_non_negative, [0, 2], [-1, 0]),
    ("non_positive", tf.assert_non_positive, [0, -2], [1, 0]),
    ("near", lambda x: tf.assert_near(x, [1.0, 2.0]), [1.0, 2.0], [1.0, 2.1]),
    ("near_by", lambda x: tf.assert_near(x, [1.0, 2.0], atol=0.2), [1.1, 2.1], [1.0, 2.5]),
]
BY_NAME = {"argvalues": HOLD, "ids": [row[0] for row in HOLD]}


@pytest.mark.parametrize(("name", "check", "good", "bad"), **BY_NAME)
def test_values_that_come_when_a_step_runs(name: str, check: Check, good: Any, bad: Any) -> None:
    passing, failing = check(_fed(good)), check(_fed(bad))
    with tf.Session() as session:
        assert session.run(passing) is None
        with pytest.raises(InvalidArgumentError, match="assertion failed"):
            session.run(failing)


@pytest.mark.parametrize(
    ("name", "check", "good", "bad"), [r for r in HOLD if "near" not in r[0]], ids=lambda v: str(v)[:12]
)
def test_values_that_are_known(name: str, check: Check, good: Any, bad: Any) -> None:
    check(tf.constant(good))
    with pytest.raises(InvalidArgumentError, match="did not hold"):
        check(tf.constant(bad))


def test_the_message_shows_condition_and_values() -> None:
    failing = tf.assert_equal(_fed([1, 2]), [1, 3], message="hm", name="same")
    assert failing.name.startswith("same/")
    with tf.Session() as session, pytest.raises(InvalidArgumentError) as caught:
        session.run(failing)
    text = str(caught.value)
    assert "[hm] [Condition x == y did not hold element-wise:]" in text
    assert "[1 2]" in text and "[1 3]" in text and "test_checks.py" in text


@pytest.mark.parametrize(
    ("check", "good", "bad", "words"),
    [
        (lambda x: tf.assert_rank(x, 2), [[1]], [1], "must have rank 2.  Received rank 1"),
        (lambda x: tf.assert_rank_at_least(x, 2), [[[1]]], [1], "must have rank at least 2"),
        (lambda x: tf.assert_rank_in(x, [0, 2]), [[1]], [1], r"must have rank in \(0, 2\)"),
    ],
)
def test_ranks(check: Check, good: Any, bad: Any, words: str) -> None:
    assert "static_checks" in check(tf.constant(good)).name
    with pytest.raises(ValueError, match=words):
        check(tf.constant(bad))
    passing, failing = check(_fed(good)), check(_fed(bad))
    with tf.Session() as session:
        session.run(passing)
        with pytest.raises(InvalidArgumentError, match="must have rank"):
            session.run(failing)


def test_ranks_must_be_int32_scalars() -> None:
    with pytest.raises(TypeError, match="must be of type"):
        tf.assert_rank(tf.constant(1), tf.constant(1.0))
    with pytest.raises(ValueError, match="Rank must be a scalar"):
        tf.assert_rank(tf.constant(1), [1])


def test_types() -> None:
    assert tf.assert_integer(tf.constant(1)).type == "NoOp"
    with pytest.raises(TypeError, match='Expected "x" to be integer type'):
        tf.assert_integer(tf.constant(1.0))
    tf.assert_type(tf.constant(1.0), tf.float32)
    with pytest.raises(TypeError, match="must be of type"):
        tf.assert_type(tf.constant(1.0), tf.int32)
    assert tf.assert_scalar(tf.constant(1.0)).shape.rank == 0
    with pytest.raises(ValueError, match="Expected scalar shape"):
        tf.assert_scalar(tf.constant([1.0]))
    assert tf.assert_same_float_dtype([None, tf.constant(1.0, tf.float64)]) is tf.float64
    assert tf.assert_same_float_dtype() is tf.float32
    with pytest.raises(ValueError, match="must be of type"):
        tf.assert_same_float_dtype([tf.constant(1.0)], tf.float64)
    with pytest.raises(ValueError, match="Expected floating point type"):
        tf.assert_same_float_dtype([tf.constant(1)])
    tf.assert_proper_iterable([tf.constant(1)])
    for value in (tf.constant([1]), "text", np.ones(2), 3):
        with pytest.raises(TypeError, match="proper"):
            tf.assert_proper_iterable(value)
    assert tf.is_numeric_tensor(tf.constant(1)) and not tf.is_numeric_tensor(tf.constant("a"))


@pytest.mark.parametrize(
    ("values", "rising", "strictly"),
    [
        ([1, 2, 2], True, False),
        ([1, 2, 3], True, True),
        ([2, 1], False, False),
        ([5], True, True),
        ([], True, True),
    ],
)
def test_order(values: list[int], rising: bool, strictly: bool) -> None:
    x = tf.constant(values, tf.int32)
    with tf.Session() as session:
        assert session.run([tf.is_non_decreasing(x), tf.is_strictly_increasing(x)]) == [rising, strictly]


def test_numbers_that_are_none() -> None:
    x = tf.placeholder(tf.float32, [2])
    checked = tf.check_numerics(x, "weights")
    finite = tf.verify_tensor_all_finite(x, "grads")
    everything = tf.add_check_numerics_ops()
    with tf.Session() as session:
        assert session.run([checked, finite], {x: [1, 2]})[0].tolist() == [1, 2]
        session.run(everything, {x: [1, 2]})
        for bad, words in (([1, np.nan], "NaN"), ([np.inf, 1], "Inf"), ([np.inf, np.nan], "Inf and NaN")):
            with pytest.raises(InvalidArgumentError, match=f"weights : Tensor had {words} values"):
                session.run(checked, {x: bad})
            with pytest.raises(InvalidArgumentError, match=f"grads : Tensor had {words} values"):
                session.run(finite, {x: bad})
            with pytest.raises(InvalidArgumentError, match=f"Tensor had {words} values"):
                session.run(everything, {x: bad})
