"""Grouping, ordering and printing; bad arguments of branches, loops, tensor arrays and user functions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import weft as tf
from weft.graph.default_graph import get_default_graph


def test_group_waits_for_all() -> None:
    v, w = tf.Variable(1.0), tf.Variable(2.0)
    both = tf.group(v.assign(5.0), [w.assign(6.0), (tf.constant(1), {"a": tf.no_op()})], name="both")
    assert both.name == "both" and both.type == "NoOp"
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(both) is None
        assert session.run([v, w]) == [5.0, 6.0]
    assert tf.group().type == "NoOp"
    with pytest.raises(TypeError, match="Expected a tensor or an operation"):
        tf.group(3)


def test_tuple_gives_values_once_all_are_there() -> None:
    v = tf.Variable(1.0)
    first, nothing, second = tf.tuple([tf.constant(2.0), None, v.assign(3.0)], control_inputs=[tf.no_op()])
    assert nothing is None
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(first) == 2.0
        assert session.run(v) == 3.0, "the other one ran as well"
        assert session.run(second) == 3.0
    with pytest.raises(ValueError, match="at least one tensor"):
        tf.tuple([None])


def test_identities() -> None:
    x = tf.constant([1.0, 2.0])
    slices = tf.IndexedSlices(x, tf.constant([0, 1]), tf.constant([4]))
    assert isinstance(tf.identity(slices), tf.IndexedSlices)
    first, second = tf.identity_n([x, tf.constant(3)])
    with tf.Session() as session:
        found = session.run([tf.identity(x), first, second])
    assert [np.asarray(f).tolist() for f in found] == [[1.0, 2.0], [1.0, 2.0], 3]


def test_print_shows_what_passes(capfd: Any) -> None:
    x = tf.constant([[1, 2], [3, 4]])
    shown = tf.Print(x, [x, tf.constant([0.1, 1 / 3], tf.float64), "text"], "values: ", summarize=3)
    with tf.Session() as session:
        session.run(shown)
    assert capfd.readouterr().err == "values: [[1 2][3...]...][0.1 0.33333333333333331][text]\n"


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda p: tf.cond(True, lambda: 1, lambda: 2), TypeError, "Python bool"),
        (lambda p: tf.cond(p, 1, lambda: 2), TypeError, "true_fn must be callable"),
        (lambda p: tf.cond(p, lambda: None, lambda: 2), ValueError, "must have a return value"),
        (lambda p: tf.cond(p, lambda: 1, lambda: 2.0), TypeError, "same number, type"),
        (lambda p: tf.cond(p, lambda: (1, 2), lambda: 2), TypeError, "same number, type"),
        (lambda p: tf.cond(p, lambda: {"a": 1}, lambda: {"b": 1}), TypeError, "same number, type"),
        (lambda p: tf.cond(p, lambda: 1, lambda: 2, fn1=lambda: 3), ValueError, "fn1"),
        (lambda p: tf.case([]), ValueError, "at least one pair"),
        (lambda p: tf.case([(p, 1)]), TypeError, "callable"),
        (lambda p: tf.case([p]), TypeError, "2-tuple"),
        (lambda p: tf.case(3), TypeError, "list, tuple, or dict"),
        (lambda p: tf.switch_case(0, {1: lambda: 1}), ValueError, "0 to 0"),
        (lambda p: tf.switch_case(0, [1]), TypeError, "functions"),
        (lambda p: tf.switch_case(0, []), ValueError, "at least one"),
    ],
)
def test_bad_branches(make: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        make(tf.placeholder(tf.bool, []))


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: tf.while_loop(1, lambda i: i, [0]), TypeError, "cond must be callable"),
        (lambda: tf.while_loop(lambda i: i < 3, 1, [0]), TypeError, "body must be callable"),
        (lambda: tf.while_loop(lambda: True, list, []), ValueError, "No loop variables"),
        (lambda: tf.while_loop(lambda i: i < 3, lambda i: i, 0), ValueError, "No loop variables"),
        (lambda: tf.while_loop(lambda i: i, lambda i: i, [0]), TypeError, "boolean"),
        (lambda: tf.while_loop(lambda i: [i < 3], lambda i: i + 1, [0]), ValueError, "scalar"),
        (
            lambda: tf.while_loop(lambda i: i < 3, lambda i: (i, i), [0]),
            ValueError,
            "must return what it is given",
        ),
        (
            lambda: tf.while_loop(lambda i: i < 3, lambda i: tf.cast(i, tf.float32), [0]),
            TypeError,
            "enters the loop with type int32",
        ),
        (
            lambda: tf.while_loop(lambda x: True, lambda x: tf.concat([x, x], 0), [tf.zeros([2])]),
            ValueError,
            "shape_invariants",
        ),
        (
            lambda: tf.while_loop(
                lambda x: True, lambda x: x, [tf.zeros([2])], shape_invariants=[tf.TensorShape([3])]
            ),
            ValueError,
            "not compatible with the initial shape",
        ),
        (
            lambda: tf.while_loop(lambda i: i < 3, lambda i: i + 1, [0], parallel_iterations=0),
            TypeError,
            "parallel_iterations",
        ),
        (
            lambda: tf.while_loop(lambda i: i < 3, lambda i: i + 1, [0], maximum_iterations=[1]),
            ValueError,
            "must be a scalar",
        ),
        (lambda: tf.map_fn(1, tf.zeros([2])), TypeError, "callable"),
        (lambda: tf.map_fn(lambda x: x, tf.constant(1.0)), ValueError, "at least 1-D"),
        (lambda: tf.map_fn(lambda x: tf.cast(x, tf.int32), tf.zeros([2])), TypeError, "dtype="),
        (
            lambda: tf.map_fn(lambda x: x[0], (tf.zeros([2]), tf.zeros([3]))),
            ValueError,
            "same number of rows",
        ),
        (lambda: tf.TensorArray(tf.float32), ValueError, "needs a size"),
        (lambda: tf.TensorArray(tf.float32, size=[2]), ValueError, "must be a scalar"),
        (
            lambda: tf.TensorArray(tf.float32, size=2, element_shape=[3]).write(0, tf.zeros([2])),
            ValueError,
            "Inconsistent shapes",
        ),
    ],
)
def test_bad_loops(make: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        make()


def test_a_single_loop_variable_comes_back_bare_unless_asked_otherwise() -> None:
    bare = tf.while_loop(lambda i: i < 3, lambda i: i + 1, [0])
    kept = tf.while_loop(lambda i: i < 3, lambda i: i + 1, [0], return_same_structure=True)
    assert isinstance(kept, list) and len(kept) == 1 and bare.dtype is kept[0].dtype


def test_a_loop_without_gradients() -> None:
    x = tf.placeholder(tf.float32, [])
    result = tf.while_loop(lambda s: s < 9.0, lambda s: s * x, [x], back_prop=False)
    assert tf.gradients(result, x) == [None]


def test_shapes_of_results() -> None:
    pred, x = tf.placeholder(tf.bool, []), tf.placeholder(tf.float32, [None, 3])
    assert tf.cond(pred, lambda: tf.ones([2, 3]), lambda: tf.ones([4, 3])).shape.as_list() == [None, 3]
    assert tf.map_fn(lambda row: row * 2.0, x).shape.as_list() == [None, 3]
    assert tf.scan(lambda a, row: a + row[0], x, initializer=0.0).shape.as_list() == [None]
    assert tf.foldl(lambda a, row: a + row, x).shape.as_list() == [3]


def test_custom_gradients_of_functions_with_variables() -> None:
    v = tf.Variable(2.0)

    @tf.custom_gradient
    def f(x: Any) -> Any:
        def gradient(dy: Any, variables: Any = None) -> Any:
            return dy * 100.0, [tf.constant(7.0) for _ in variables]

        return x * v.read_value(), gradient

    @tf.custom_gradient
    def without(x: Any) -> Any:
        return x * v.read_value(), lambda dy: dy

    x = tf.constant(3.0)
    slopes = tf.gradients(f(x), [x, v])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(slopes) == [100.0, 7.0]
    with pytest.raises(TypeError, match="variables=None"):
        tf.gradients(without(x), x)


def test_gradients_under_other_names() -> None:
    x = tf.constant(3.0)
    tf.RegisterGradient("TimesFive")(lambda op, dy: dy * 5.0)
    with get_default_graph().gradient_override_map({"Square": "TimesFive"}):
        y = tf.square(x)
    with tf.Session() as session:
        assert session.run(tf.gradients([y, tf.square(x)], x)) == [11.0]
    with pytest.raises(KeyError, match="registered"):
        tf.RegisterGradient("TimesFive")(lambda op, dy: dy)
    with get_default_graph().gradient_override_map({"Square": "Nowhere"}):
        z = tf.square(x)
    with pytest.raises(tf.errors.NotFoundError, match="Nowhere"):
        tf.gradients(z, x)
    with (
        pytest.raises(TypeError, match="dictionary of strings"),
        get_default_graph().gradient_override_map([1]),
    ):
        pass


def test_recomputed_gradients() -> None:
    v, x = tf.Variable(2.0), tf.placeholder(tf.float32, [2])
    plain = lambda a: tf.sin(a * v.read_value())  # noqa: E731
    again = tf.recompute_grad(plain)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        found = session.run([tf.gradients(f(x), [x, v]) for f in (plain, again)], {x: [0.3, 0.7]})
    for expected, got in zip(*found, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_functions_are_traced_once_per_shapes() -> None:
    calls: list[Any] = []

    @tf.function
    def f(x: Any, scale: Any = 2.0) -> Any:
        calls.append(x.shape)
        return {"y": x * scale}

    a, b = tf.ones([2]), tf.ones([3])
    results = [f(a)["y"], f(a + 1.0)["y"], f(b, scale=4.0)["y"]]
    assert len(calls) == 2
    with tf.Session() as session:
        assert [r.tolist() for r in session.run(results)] == [[2, 2], [4, 4], [4, 4, 4]]
