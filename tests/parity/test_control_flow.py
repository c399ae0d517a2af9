"""Branches, loops, tensor arrays, user functions: TensorFlow's values and gradients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from .both import Call, agree

pytestmark = pytest.mark.tensorflow

X = np.array([0.3, -0.7, 1.1], np.float32)
M = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
ROWS = np.random.default_rng(1).normal(size=(5, 2, 3)).astype(np.float32)


@pytest.fixture(autouse=True)
def _functional() -> Iterator[None]:
    """TensorFlow's newer control flow, whose gradients of gradients exist."""
    import tensorflow.compat.v1 as tf

    tf.enable_control_flow_v2()
    yield
    tf.disable_control_flow_v2()


def _cond(tf: Any, x: Any, pred: Any) -> Any:
    return tf.cond(pred, lambda: tf.sin(x) * x, lambda: x * x * 3.0)


def _cond_structure(tf: Any, x: Any, pred: Any) -> Any:
    found = tf.cond(pred, lambda: {"a": x, "b": (x * 2.0, x[0])}, lambda: {"a": -x, "b": (x, x[1])})
    return [found["a"], *found["b"]]


def _cond_nested(tf: Any, x: Any, pred: Any) -> Any:
    inner = lambda: tf.cond(x[0] > 0.0, lambda: tf.exp(x), lambda: tf.tanh(x))  # noqa: E731
    return tf.cond(pred, inner, lambda: x + inner())


def _case(tf: Any, x: Any, pred: Any) -> Any:
    pairs = [(x[0] > 1.0, lambda: x), (pred, lambda: x * 2.0)]
    return tf.case(pairs, default=lambda: tf.square(x), exclusive=True)


def _switch_case(tf: Any, x: Any, pred: Any) -> Any:
    index = tf.cast(pred, tf.int32) * 2
    return tf.switch_case(index, [lambda: x, lambda: x * 2.0, lambda: tf.sin(x)])


def _switch_case_outside(tf: Any, x: Any, pred: Any) -> Any:
    index = tf.cast(pred, tf.int32) * 9 - 1
    return tf.switch_case(index, {0: lambda: x, 1: lambda: x * 2.0}, default=lambda: tf.cos(x))


BRANCHES = [_cond, _cond_structure, _cond_nested, _case, _switch_case, _switch_case_outside]


@pytest.mark.parametrize("pred", [True, False])
@pytest.mark.parametrize("make", BRANCHES, ids=lambda f: f.__name__)
def test_branches(make: Any, pred: bool) -> None:
    agree(Call(make.__name__, make, (X, np.bool_(pred))))


def _powers(tf: Any, x: Any) -> Any:
    return tf.while_loop(lambda i, s: i < 5, lambda i, s: (i + 1, s * x + tf.sin(s)), (0, x))


def _until(tf: Any, x: Any) -> Any:
    return tf.while_loop(lambda s: tf.reduce_sum(s) < 20.0, lambda s: [s * 1.5 + 1.0], [x])


def _at_most(tf: Any, x: Any) -> Any:
    return tf.while_loop(lambda s: tf.constant(True), lambda s: s * x + 1.0, [x], maximum_iterations=4)


def _never(tf: Any, x: Any) -> Any:
    return tf.while_loop(lambda i, s: i < 0, lambda i, s: (i + 1, s * x), (0, x))


def _nested(tf: Any, x: Any) -> Any:
    def outer(i: Any, s: Any) -> Any:
        inner = tf.while_loop(lambda j, t: j < i, lambda j, t: (j + 1, t * x + s), (0, s))
        return i + 1, inner[1]

    return tf.while_loop(lambda i, s: i < 4, outer, (0, x))


def _cond_in_loop(tf: Any, x: Any) -> Any:
    def body(i: Any, s: Any) -> Any:
        return i + 1, tf.cond(tf.equal(i % 2, 0), lambda: s * x, lambda: s + x * x)

    return tf.while_loop(lambda i, s: i < 5, body, (0, x))


def _loop_in_cond(tf: Any, x: Any) -> Any:
    loop = lambda: tf.while_loop(lambda i, s: i < 3, lambda i, s: (i + 1, s * x), (0, x))[1]  # noqa: E731
    return tf.cond(x[0] > 0.0, loop, lambda: x)


def _structure(tf: Any, x: Any) -> Any:
    def body(i: Any, state: Any) -> Any:
        return i + 1, {"a": state["a"] * x, "b": [state["b"][0] + state["a"]]}

    start = {"a": x, "b": [tf.zeros([3])]}
    _, found = tf.while_loop(lambda i, _: i < 3, body, (tf.constant(0), start))
    return [found["a"], found["b"][0]]


def _growing(tf: Any, x: Any) -> Any:
    shapes = (tf.TensorShape([]), tf.TensorShape([None]))
    body = lambda i, s: (i + 1, tf.concat([s, s * 2.0], 0))  # noqa: E731
    return tf.while_loop(lambda i, s: i < 3, body, (tf.constant(0), x), shape_invariants=shapes)


def _by_index(tf: Any, x: Any) -> Any:
    return tf.while_loop(lambda i, s: i < 3, lambda i, s: (i + 1, s * x[i] + tf.gather(x, i)), (0, 1.0))[1]


def _second_order(tf: Any, x: Any) -> Any:
    _, y = tf.while_loop(lambda i, s: i < 4, lambda i, s: (i + 1, s * tf.sin(s) + x), (0, x))
    return tf.gradients(y, x)[0]


def _second_order_cond(tf: Any, x: Any) -> Any:
    y = tf.cond(x[0] > 0.0, lambda: tf.sin(x) * x, lambda: x)
    return tf.gradients(y, x)[0]


def _waits(tf: Any, x: Any) -> Any:
    def body(i: Any, s: Any) -> Any:
        with tf.control_dependencies([tf.identity(s)]):
            return i + 1, s + x

    return tf.while_loop(lambda i, s: i < 3, body, (0, x))[1]


LOOPS = [
    _powers,
    _until,
    _at_most,
    _never,
    _nested,
    _cond_in_loop,
    _loop_in_cond,
    _structure,
    _growing,
    _by_index,
    _second_order,
    _second_order_cond,
    _waits,
]


@pytest.mark.parametrize("make", LOOPS, ids=lambda f: f.__name__)
def test_loops(make: Any) -> None:
    agree(Call(make.__name__, make, (X,), tolerance=1e-4))


def _map(tf: Any, m: Any) -> Any:
    return tf.map_fn(lambda row: tf.reduce_sum(row) * row, m)


def _map_types(tf: Any, m: Any) -> Any:
    return tf.map_fn(lambda row: (row[0], tf.cast(row[1], tf.int32)), m, dtype=(tf.float32, tf.int32))


def _map_two(tf: Any, m: Any) -> Any:
    return tf.map_fn(lambda pair: pair[0] * pair[1][0], (m, m * 2.0), dtype=tf.float32)


def _folds(tf: Any, m: Any) -> Any:
    return [
        tf.foldl(lambda a, row: a * 0.5 + row, m),
        tf.foldr(lambda a, row: a * 0.5 - row, m),
        tf.foldl(lambda a, row: a + row[0] * a, m, initializer=1.0),
        tf.foldr(lambda a, row: a + row[0] * a, m, initializer=1.0),
    ]


def _scans(tf: Any, m: Any) -> Any:
    return [
        tf.scan(lambda a, row: a * 0.5 + row, m),
        tf.scan(lambda a, row: a * row[0] + 1.0, m, initializer=2.0),
        tf.scan(lambda a, row: a * 0.5 + row, m, reverse=True),
        tf.scan(lambda a, row: (a[0] + row, a[1] * row[0]), m, initializer=(tf.zeros([3]), 1.0))[1],
    ]


@pytest.mark.parametrize("make", [_map, _map_types, _map_two, _folds, _scans], ids=lambda f: f.__name__)
def test_functions_over_rows(make: Any) -> None:
    agree(Call(make.__name__, make, (M,), tolerance=1e-4))


def _array(tf: Any, m: Any) -> Any:
    def body(i: Any, array: Any) -> Any:
        return i + 1, array.write(i, tf.sin(m[i]) * tf.cast(i, tf.float32))

    array = tf.TensorArray(tf.float32, size=4)
    _, array = tf.while_loop(lambda i, _: i < 4, body, (0, array))
    return [array.stack(), array.concat(), array.gather([2, 0]), array.read(1), array.size()]


def _growing_array(tf: Any, m: Any) -> Any:
    array = tf.TensorArray(tf.float32, size=0, dynamic_size=True, element_shape=[3])
    _, array = tf.while_loop(
        lambda i, _: i < 3, lambda i, a: (i + 1, a.write(a.size(), m[i] * 2.0)), (0, array)
    )
    return array.stack()


def _scattered(tf: Any, m: Any) -> Any:
    array = tf.TensorArray(tf.float32, size=4).unstack(m)
    parts = tf.TensorArray(tf.float32, size=2, infer_shape=False).split(m, [1, 3])
    placed = tf.TensorArray(tf.float32, size=4).scatter([2, 0, 3, 1], m)
    return [array.read(2) * array.read(2), parts.read(1), parts.concat() * 2.0, placed.stack()]


@pytest.mark.parametrize("make", [_array, _growing_array, _scattered], ids=lambda f: f.__name__)
def test_tensor_arrays(make: Any) -> None:
    agree(Call(make.__name__, make, (M,)))


def _recurrent(tf: Any, rows: Any) -> Any:
    weights = tf.get_variable("w", initializer=tf.constant(M[:3] * 0.3))
    bias = tf.get_variable("b", initializer=tf.zeros([3]))
    states = tf.scan(
        lambda h, x: tf.tanh(tf.matmul(h, weights) + x + bias), rows, initializer=tf.zeros([2, 3])
    )
    loss = tf.reduce_sum(states * states)
    return [loss, *tf.gradients(loss, [weights, bias])]


def _embedding(tf: Any, rows: Any) -> Any:
    table = tf.get_variable("t", initializer=tf.constant(M))

    def body(i: Any, s: Any) -> Any:
        return i + 1, s * 0.5 + tf.reduce_sum(tf.gather(table, [i, 0]) ** 2.0, 0)

    _, total = tf.while_loop(lambda i, _: i < 3, body, (0, rows[0, 0]))
    return [total, tf.convert_to_tensor(tf.gradients(total, table)[0])]


@pytest.mark.parametrize("make", [_recurrent, _embedding], ids=lambda f: f.__name__)
def test_variables_in_loops(make: Any) -> None:
    import tensorflow.compat.v1 as tf

    tf.enable_resource_variables()
    try:
        agree(Call(make.__name__, make, (ROWS,), tolerance=1e-4))
    finally:
        tf.disable_resource_variables()


def _custom(tf: Any, x: Any) -> Any:
    @tf.custom_gradient
    def log1pexp(x: Any) -> Any:
        e = tf.exp(x)
        return tf.log(1 + e), lambda dy: dy * (1 - 1 / (1 + e))

    @tf.custom_gradient
    def two(a: Any, b: Any) -> Any:
        return (a * b, a + b), lambda da, db: (da * 10.0, db * 100.0)

    return [log1pexp(x), *two(x, x * 2.0), tf.cond(x[0] > 0.0, lambda: log1pexp(x), lambda: x)]


def _overridden(tf: Any, x: Any) -> Any:
    name = f"TestGradient{id(tf)}"
    tf.RegisterGradient(name)(lambda op, grad: grad * 42.0)
    with tf.get_default_graph().gradient_override_map({"Identity": name}):
        return tf.identity(x)


def _function(tf: Any, x: Any) -> Any:
    @tf.function(autograph=False)
    def f(a: Any, b: Any) -> Any:
        return tf.sin(a) * b, a + b

    return [*f(x, 2.0), *f(x * 2.0, x)]


@pytest.mark.parametrize("make", [_custom, _overridden, _function], ids=lambda f: f.__name__)
def test_user_functions(make: Any) -> None:
    agree(Call(make.__name__, make, (X,)))
