"""Old loops and branches, and functions of TensorFlow 2, run in weft to TensorFlow's numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from .travel import assert_same, in_tensorflow, in_weft, send_back, write

pytestmark = pytest.mark.tensorflow

STEPS = [{"x:0": v} for v in (0.5, 2.0, -3.0)]


def _x(tf: Any) -> Any:
    return tf.placeholder(tf.float32, [], name="x")


def _loop(tf: Any) -> Any:
    x = _x(tf)
    return tf.while_loop(
        lambda i, a: i < 5, lambda i, a: (i + 1, a * x + 1.0), [tf.constant(0), tf.constant(1.0)]
    )


def _loop_without_variables_that_change_shape(tf: Any) -> Any:
    x = _x(tf)
    rows = tf.zeros([1, 2])
    body = lambda i, a: (i + 1, tf.concat([a, tf.fill([1, 2], x)], 0))  # noqa: E731
    shapes = [tf.TensorShape([]), tf.TensorShape([None, 2])]
    return tf.while_loop(lambda i, a: i < 3, body, [tf.constant(0), rows], shape_invariants=shapes)


def _nested_loops(tf: Any) -> Any:
    x = _x(tf)

    def body(i: Any, s: Any) -> Any:
        def inner(j: Any, t: Any) -> Any:
            return j + 1, t + x * tf.cast(j, tf.float32)

        return i + 1, tf.while_loop(lambda j, t: j < i, inner, [tf.constant(0), s])[1]

    return tf.while_loop(lambda i, s: i < 4, body, [tf.constant(0), tf.constant(0.5)])


def _two_loops_in_a_row(tf: Any) -> Any:
    first = _loop(tf)
    return [tf.while_loop(lambda a: a < 50.0, lambda a: a + tf.abs(first[1]) + 1.0, [first[1]])]


def _branches(tf: Any) -> Any:
    x = _x(tf)
    a = tf.cond(x > 1.0, lambda: x * 2, lambda: x - 1)
    b, c = tf.cond(x > 1.0, lambda: (a + 1, tf.constant(3.0)), lambda: (x, a * a))
    d = tf.cond(x < 0.0, lambda: tf.cond(a > 0, lambda: a, lambda: -a), lambda: b + c)
    return [a, b, c, d]


def _branches_on_one_predicate_that_need_each_other(tf: Any) -> Any:
    x = _x(tf)
    p = x > 1.0
    a = tf.cond(p, lambda: x * 2, lambda: x - 1)
    b = tf.cond(p, lambda: a * 3, lambda: a * 5)
    return [tf.cond(p, lambda: a + b, lambda: tf.cond(p, lambda: a, lambda: b))]


def _branch_that_shares_what_it_computes(tf: Any) -> Any:
    x = _x(tf)
    other = tf.cond(x < 0, lambda: -x, lambda: x)

    def yes() -> Any:
        shared = tf.exp(-x)
        return shared + 1, shared * other

    return tf.cond(x > 1.0, yes, lambda: (x, x))


def _branch_in_a_loop(tf: Any) -> Any:
    x = _x(tf)

    def body(i: Any, s: Any) -> Any:
        return i + 1, tf.cond(tf.equal(i % 2, 0), lambda: s + x, lambda: s * 2)

    return tf.while_loop(lambda i, s: i < 6, body, [tf.constant(0), tf.constant(1.0)])


def _loop_in_a_branch(tf: Any) -> Any:
    x = _x(tf)
    counted = lambda: tf.while_loop(lambda i: i < x, lambda i: i + 1.0, [tf.constant(0.0)])  # noqa: E731
    return [tf.cond(x > 0, counted, lambda: x)]


def _case(tf: Any) -> Any:
    x = _x(tf)
    return [tf.case([(x < 0, lambda: -x), (x > 1, lambda: x * 10)], default=lambda: x)]


def _assertion(tf: Any) -> Any:
    x = _x(tf)
    with tf.control_dependencies([tf.Assert(x > -100, [x])]):
        return [tf.identity(x)]


def _gradient_of_a_branch(tf: Any) -> Any:
    x = _x(tf)
    y = tf.cond(x > 1.0, lambda: x * x, lambda: 3 * x)
    return [y, tf.gradients(y, x)[0]]


def _merge_index(tf: Any) -> Any:
    from tensorflow.python.ops import control_flow_ops

    x = _x(tf)
    no, yes = control_flow_ops.switch(x, x > 1.0)
    merged = control_flow_ops.merge([no * 2, yes * 3])
    other = control_flow_ops.merge([yes, no])
    return [merged.output, tf.identity(merged.value_index), other.output, other.value_index * 10]


def _variable_in_a_branch(tf: Any) -> Any:
    x = _x(tf)
    v = tf.get_variable("v", initializer=1.0, use_resource=True)
    tf.group(tf.global_variables_initializer(), name="setup")
    return [tf.cond(x > 1.0, lambda: v.assign(v * 3), lambda: v.read_value())]


def _old_variable_in_a_branch(tf: Any) -> Any:
    x = _x(tf)
    v = tf.get_variable("v", initializer=1.0, use_resource=False)
    tf.group(tf.global_variables_initializer(), name="setup")
    return [tf.cond(x > 1.0, lambda: tf.assign_add(v, x), lambda: tf.identity(v))]


def _variable_in_a_loop(tf: Any) -> Any:
    x = _x(tf)
    v = tf.get_variable("v", initializer=1.0, use_resource=True)

    def body(i: Any, s: Any) -> Any:
        with tf.control_dependencies([v.assign_add(x)]):
            return i + 1, s + v.read_value()

    first = [tf.constant(0), tf.constant(0.0)]
    total = tf.while_loop(lambda i, s: i < 3, body, first, parallel_iterations=1)[1]
    tf.group(tf.global_variables_initializer(), name="setup")
    with tf.control_dependencies([total]):
        return [total, v.read_value()]


def _gradient_of_a_loop(tf: Any) -> Any:
    x = _x(tf)
    first = [tf.constant(0), tf.constant(1.0)]
    total = tf.while_loop(lambda i, a: i < 5, lambda i, a: (i + 1, a * x + 1.0), first)[1]
    return [total, tf.gradients(total, x)[0]]


def _map(tf: Any) -> Any:
    x = _x(tf)
    rows = tf.map_fn(lambda e: e * x, tf.constant([1.0, 2.0, 3.0]))
    return [rows, tf.gradients(tf.reduce_sum(rows * rows), x)[0]]


def _folds(tf: Any) -> Any:
    x = _x(tf)
    rows = tf.constant([1.0, 2.0, 3.0]) * x
    return [
        tf.foldl(lambda a, e: a * 2 + e, rows),
        tf.foldr(lambda a, e: a * 2 + e, rows),
        tf.scan(lambda a, e: a + e, rows),
    ]


class _Cell:
    """A long short-term memory cell of two units."""

    output_size = 2
    state_size = 4

    def __init__(self, tf: Any) -> None:
        self.tf = tf
        weights = np.random.default_rng(0).normal(size=(5, 8)).astype(np.float32)
        self.kernel = tf.get_variable("kernel", initializer=weights, use_resource=False)

    def zero_state(self, batch: Any, dtype: Any) -> Any:
        return self.tf.zeros([batch, 4], dtype)

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        tf = self.tf
        c, h = tf.split(state, 2, axis=1)
        i, j, f, o = tf.split(tf.matmul(tf.concat([inputs, h], 1), self.kernel), 4, axis=1)
        c = c * tf.sigmoid(f + 1.0) + tf.sigmoid(i) * tf.tanh(j)
        h = tf.tanh(c) * tf.sigmoid(o)
        return h, tf.concat([c, h], 1)


def _recurrent(tf: Any) -> Any:
    """A recurrent network over sequences of two lengths, and a step of its training."""
    from tensorflow.python.ops import rnn

    x = _x(tf)
    inputs = tf.constant(np.random.default_rng(1).normal(size=(2, 4, 3)).astype(np.float32)) * x
    outputs, state = rnn.dynamic_rnn(_Cell(tf), inputs, sequence_length=[2, 4], dtype=tf.float32)
    loss = tf.reduce_mean(tf.square(outputs)) + tf.reduce_sum(state)
    train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
    tf.group(tf.global_variables_initializer(), name="setup")
    with tf.control_dependencies([train]):
        return [tf.identity(loss), outputs, state]


PROGRAMS: dict[str, Callable[[Any], Any]] = {
    f.__name__.strip("_"): f
    for f in (
        _loop,
        _loop_without_variables_that_change_shape,
        _nested_loops,
        _two_loops_in_a_row,
        _branches,
        _branches_on_one_predicate_that_need_each_other,
        _branch_that_shares_what_it_computes,
        _branch_in_a_loop,
        _loop_in_a_branch,
        _case,
        _assertion,
        _gradient_of_a_branch,
        _merge_index,
        _variable_in_a_branch,
        _old_variable_in_a_branch,
        _variable_in_a_loop,
        _gradient_of_a_loop,
        _map,
        _folds,
        _recurrent,
    )
}

STATEFUL = {p for p in PROGRAMS if "variable_in" in p} | {"recurrent"}
OLD_ONLY = {"merge_index", "old_variable_in_a_branch", "recurrent"}


@pytest.mark.parametrize("program", PROGRAMS)
def test_old_control_flow(program: str, tf1: Any) -> None:
    tf1.disable_control_flow_v2()
    written = write(tf1, PROGRAMS[program])
    assert {"Switch", "Merge"} & {n.op for n in written.graph_def.node}
    setup = ["setup"] if program in STATEFUL else []
    expected = in_tensorflow(tf1, written, STEPS, setup)
    assert_same(in_weft(written, STEPS, setup), expected)
    back = send_back(written)
    assert not {"Switch", "Merge", "Enter", "Exit"} & {n.op for n in back.graph_def.node}
    assert_same(in_tensorflow(tf1, back, STEPS, setup), expected)


@pytest.mark.parametrize("program", sorted(PROGRAMS.keys() - OLD_ONLY))
def test_new_control_flow(program: str, tf1: Any) -> None:
    tf1.enable_control_flow_v2()
    try:
        written = write(tf1, PROGRAMS[program])
    finally:
        tf1.disable_control_flow_v2()
    setup = ["setup"] if program in STATEFUL else []
    expected = in_tensorflow(tf1, written, STEPS, setup)
    assert_same(in_weft(written, STEPS, setup), expected)
    assert_same(in_tensorflow(tf1, send_back(written), STEPS, setup), expected)


def _function_calls(tf: Any) -> Any:
    from tensorflow.python.eager.polymorphic_function.polymorphic_function import function

    double = function(lambda a, b: (a * b, a - b), autograph=False)
    outer = function(lambda a: double(a, a + 1.0)[0] + double(a, a)[1], autograph=False)
    x = _x(tf)
    return [outer(x), double(tf.fill([2, 2], x), tf.ones([2]))[0]]


def _old_functions(tf: Any) -> Any:
    """Nodes whose op type is the function's name."""
    from tensorflow.python.framework import function

    @function.Defun(tf.float32, tf.float32)
    def pair(a: Any, b: Any) -> Any:
        return a + b * 2, a - b

    x = _x(tf)
    first, second = pair(x, x * 3)
    return [first, second * first]


@pytest.mark.parametrize("program", [_function_calls, _old_functions])
def test_functions(program: Callable[[Any], Any], tf1: Any) -> None:
    written = write(tf1, program)
    assert written.graph_def.library.function
    expected = in_tensorflow(tf1, written, STEPS)
    assert_same(in_weft(written, STEPS), expected)
    assert_same(in_tensorflow(tf1, send_back(written), STEPS), expected)
