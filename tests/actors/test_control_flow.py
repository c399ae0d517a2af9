"""Branches and loops in sessions: variables, random streams, effects, errors, on every backend."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import weft as tf
from weft.graph.errors import FailedPreconditionError, InvalidArgumentError


@pytest.fixture(params=["numpy", "jax"])
def session(request: Any) -> Iterator[Callable[[], tf.Session]]:
    """Makes a session, after the graph is built, whose variables have their initial values."""
    made: list[tf.Session] = []

    def make(initialize: bool = True) -> tf.Session:
        made.append(tf.Session(config=tf.ConfigProto(backends={"CPU": request.param})))
        if initialize:
            made[-1].run(tf.global_variables_initializer())
        return made[-1]

    yield make
    for one in made:
        one.close()


def _op_types(graph: Any = None) -> list[str]:
    return [op.type for op in (graph or tf.get_default_graph()).get_operations()]


def test_a_branch_changes_a_variable(session: Any) -> None:
    v, pred = tf.Variable(1.0), tf.placeholder(tf.bool, [])
    result = tf.cond(pred, lambda: v.assign_add(5.0), lambda: v.read_value())
    run = session()
    assert [float(run.run(result, {pred: p})) for p in (True, False, True)] == [6.0, 6.0, 11.0]
    assert run.run(v) == 11.0


def test_a_branch_of_operations(session: Any) -> None:
    v, pred = tf.Variable(1.0), tf.placeholder(tf.bool, [])
    update = tf.cond(pred, lambda: v.assign_add(5.0).op, lambda: tf.no_op())
    run = session()
    assert run.run(update, {pred: False}) == np.False_ and run.run(v) == 1.0
    assert run.run(update, {pred: True}) == np.True_ and run.run(v) == 6.0


def test_a_loop_changes_a_variable_in_every_iteration(session: Any) -> None:
    v = tf.Variable(1.0)

    def body(i: Any, seen: Any) -> Any:
        before = v.read_value()
        with tf.control_dependencies([v.assign(before * 2.0)]):
            return i + 1, seen + before

    _, seen = tf.while_loop(lambda i, _: i < 4, body, (0, 0.0))
    run = session()
    assert run.run(seen) == 15.0 and run.run(v) == 16.0
    assert run.run(seen) == 240.0 and run.run(v) == 256.0


def test_a_read_that_does_not_wait_sees_the_value_from_before_the_step(session: Any) -> None:
    v = tf.Variable(1.0)
    loop = tf.while_loop(lambda i: i < 3, lambda i: i + tf.cast(v.assign_add(1.0), tf.int32) * 0 + 1, [0])
    before = v.read_value()
    with tf.control_dependencies([loop]):
        after = v.read_value()
    assert session().run([before, after]) == [1.0, 4.0]


def test_variables_that_are_only_read_do_not_bind_the_loop_to_their_device(session: Any) -> None:
    v = tf.Variable(2.0)
    _, total = tf.while_loop(lambda i, _: i < 3, lambda i, s: (i + 1, s + v.read_value()), (0, 0.0))
    assert total.op.inputs[0].op.type == "StatelessWhile"
    assert session().run(total) == 6.0


def test_an_initializer_in_a_branch(session: Any) -> None:
    v = tf.Variable(3.0)
    value = v.initialized_value()
    run = session(initialize=False)
    assert run.run(value) == 3.0
    run.run(v.assign(7.0))
    assert run.run(value) == 7.0
    w = tf.Variable(1.0)
    ready = tf.cond(tf.is_variable_initialized(w), tf.no_op, lambda: w.initializer)
    run.run(ready)
    assert run.run(w) == 1.0


def test_a_branch_that_reads_an_uninitialized_variable_says_so(session: Any) -> None:
    v = tf.Variable(3.0, name="weights")
    result = tf.cond(tf.placeholder_with_default(True, []), lambda: v.read_value(), lambda: tf.constant(0.0))
    with pytest.raises(FailedPreconditionError, match="uninitialized value"):
        session(initialize=False).run(result)


def test_random_streams_go_on_through_iterations_and_steps(session: Any) -> None:
    def body(i: Any, drawn: Any) -> Any:
        return i + 1, tf.concat([drawn, tf.random_uniform([2], seed=3)], 0)

    shapes = (tf.TensorShape([]), tf.TensorShape([None]))
    _, drawn = tf.while_loop(lambda i, _: i < 3, body, (0, tf.zeros([0])), shape_invariants=shapes)
    plain = tf.random_uniform([2], seed=3)
    run = session()
    looped = np.concatenate([run.run(drawn), run.run(drawn)])
    np.testing.assert_array_equal(looped, np.concatenate([run.run(plain) for _ in range(6)]))


def test_unseeded_random_ops_of_bodies_differ_between_sessions(session: Any) -> None:
    result = tf.cond(
        tf.placeholder_with_default(True, []), lambda: tf.random_normal([4]), lambda: tf.zeros([4])
    )
    first, second = session().run(result), session().run(result)
    assert np.all(first != second)


def test_only_the_branch_that_is_taken_has_effects(session: Any, capfd: Any) -> None:
    pred, x = tf.placeholder(tf.bool, []), tf.constant(1)
    failing = lambda: tf.cond(pred, lambda: _checked(x, 2), lambda: tf.Print(x, [x], "second "))  # noqa: E731
    result = failing()
    run = session()
    assert run.run(result, {pred: False}) == 1
    assert capfd.readouterr().err == "second [1]\n"
    with pytest.raises(InvalidArgumentError, match=r"assertion failed: \[bad\] \[1\]"):
        run.run(result, {pred: True})
    assert run.run(result, {pred: False}) == 1, "the session goes on"


def _checked(x: Any, expected: int) -> Any:
    with tf.control_dependencies([tf.Assert(tf.equal(x, expected), ["bad", x])]):
        return tf.identity(x)


def test_prints_of_iterations_come_in_order(session: Any, capfd: Any) -> None:
    loop = tf.while_loop(lambda i: i < 3, lambda i: tf.Print(i, [i], "at ", first_n=2) + 1, [0])
    run = session()
    assert run.run(loop) == 3 and run.run(loop) == 3
    assert capfd.readouterr().err == "at [0]\nat [1]\n"


def test_an_error_in_a_body_names_the_op_and_its_line(session: Any) -> None:
    x = tf.placeholder(tf.float32, [None])
    result = tf.cond(
        tf.placeholder_with_default(True, []), lambda: tf.reshape(x, [2, 2]), lambda: tf.ones([2, 2])
    )
    with pytest.raises(InvalidArgumentError, match=r"Reshape .*test_control_flow.py"):
        session().run(result, {x: [1.0, 2.0, 3.0]})


def test_shapes_that_follow_from_outside(session: Any) -> None:
    x = tf.placeholder(tf.float32, [None, 3])
    rows = tf.shape(x)[0]

    def body(i: Any, total: Any) -> Any:
        return i + 1, total + tf.reduce_sum(tf.reshape(x, [3, rows])) + tf.reduce_sum(tf.zeros([rows]))

    _, total = tf.while_loop(lambda i, _: i < 2, body, (0, 0.0))
    run = session()
    for count in (2, 5):
        assert run.run(total, {x: np.ones((count, 3))}) == 6.0 * count


def test_shapes_that_change_from_one_iteration_to_the_next(session: Any) -> None:
    x = tf.placeholder(tf.float32, [None])
    grown = tf.while_loop(lambda s: tf.size(s) < 20, lambda s: [tf.concat([s, s], 0)], [x])
    slope = tf.gradients(grown, x)[0]
    sizes, slopes = session().run([tf.size(grown), slope], {x: [1.0, 2.0, 3.0]})
    assert sizes == 24 and slopes.tolist() == [8.0, 8.0, 8.0]


def test_branches_of_other_shapes(session: Any) -> None:
    pred, x = tf.placeholder(tf.bool, []), tf.placeholder(tf.float32, [None])
    result = tf.cond(pred, lambda: x, lambda: tf.concat([x, x], 0))
    assert result.shape.as_list() == [None]
    run = session()
    assert [run.run(result, {pred: p, x: [1.0]}).size for p in (True, False)] == [1, 2]


def test_a_fed_loop_variable_and_nested_loops(session: Any) -> None:
    n, x = tf.placeholder(tf.int32, []), tf.placeholder(tf.float32, [2])

    def outer(i: Any, s: Any) -> Any:
        return i + 1, tf.while_loop(lambda j, t: j < i, lambda j, t: (j + 1, t * x), (0, s))[1]

    _, total = tf.while_loop(lambda i, _: i < n, outer, (0, tf.ones([2])))
    slope = tf.gradients(total, x)[0]
    run = session()
    for count, power in ((3, 3), (4, 6), (1, 0)):
        value, by_x = run.run([total, slope], {n: count, x: [1.5, 2.0]})
        np.testing.assert_allclose(value, np.array([1.5, 2.0]) ** power, rtol=1e-6)
        np.testing.assert_allclose(by_x, power * np.array([1.5, 2.0]) ** (power - 1), rtol=1e-6)


def test_functions_do_what_they_say_in_order(session: Any) -> None:
    v = tf.Variable(1.0)

    @tf.function
    def twice(x: Any) -> Any:
        v.assign_add(x)
        first = v.read_value()
        v.assign_add(x)
        return first, v.read_value()

    found = twice(10.0)
    run = session()
    assert run.run(found) == (11.0, 21.0) and run.run(v) == 21.0


def test_a_graph_goes_on_growing_after_its_first_run(session: Any) -> None:
    """A gradient gives the loop that it differentiates further variables; steps made before still run."""
    x = tf.placeholder(tf.float32, [])
    _, y = tf.while_loop(lambda i, _: i < 3, lambda i, s: (i + 1, s * x), (0, 1.0))
    run = session()
    assert run.run(y, {x: 2.0}) == 8.0
    slope = tf.gradients(y, x)[0]
    assert run.run(slope, {x: 2.0}) == 12.0
    assert run.run([y, slope], {x: 3.0}) == [27.0, 27.0]
    again = tf.gradients(slope, x)[0]
    assert run.run([y, slope, again], {x: 2.0}) == [8.0, 12.0, 12.0]
