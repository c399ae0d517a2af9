"""Recurrent networks against TensorFlow: names of variables, values, gradients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import weft
from weft.graph.nest import flatten

pytestmark = pytest.mark.tensorflow

BATCH, TIME, DEPTH = 3, 5, 4
LENGTHS = [2, 5, 0]


@dataclass
class Network:
    """A network as one of the libraries ran it."""

    variables: dict[str, Any]
    results: list[Any]
    gradients: dict[str, Any]


def run(tf: Any, cells: Any, make: Callable[[Any, Any, Any], Any], given: dict[str, Any] | None) -> Network:
    """Builds and runs a network.

    Args:
        tf, cells: the library, and its module of cells.
        make: `make(tf, cells, x)`.
        given: values of the variables by name; random ones where None.
    """
    x_value = np.random.default_rng(5).normal(size=(BATCH, TIME, DEPTH)).astype(np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [BATCH, TIME, DEPTH])
        results = [
            t.stack() if not hasattr(t, "op") or hasattr(t, "stack") else t
            for t in flatten(make(tf, cells, x))
        ]
        variables = tf.trainable_variables()
        total = tf.add_n([tf.reduce_sum(tf.sin(r)) for r in results])
        grads = tf.gradients(total, [x, *variables])
        if given is None:
            rng = np.random.default_rng(7)
            given = {
                v.name: rng.normal(scale=0.5, size=v.shape.as_list()).astype(np.float32) for v in variables
            }
        assert sorted(given) == sorted(v.name for v in variables)
        assert {v.name: given[v.name].shape for v in variables} == {
            v.name: tuple(v.shape.as_list()) for v in variables
        }
        session.run(tf.global_variables_initializer())
        for v in variables:
            session.run(tf.assign(v, given[v.name]))
        known = {
            n: g for n, g in zip(["x", *(v.name for v in variables)], grads, strict=True) if g is not None
        }
        found, found_grads = session.run([results, known], {x: x_value})
    return Network(given, found, found_grads)


def dynamic(cell: Callable[[Any], Any], **wish: Any) -> Callable[[Any, Any, Any], Any]:
    return lambda tf, cells, x: tf.nn.dynamic_rnn(cell(cells), x, dtype=tf.float32, **wish)


def _static(tf: Any, cells: Any, x: Any) -> Any:
    return tf.nn.static_rnn(
        cells.BasicLSTMCell(3), tf.unstack(x, axis=1), dtype=tf.float32, sequence_length=LENGTHS
    )


def _bidirectional(tf: Any, cells: Any, x: Any) -> Any:
    return tf.nn.bidirectional_dynamic_rnn(
        cells.GRUCell(3), cells.BasicLSTMCell(2), x, sequence_length=LENGTHS, dtype=tf.float32
    )


def _static_bidirectional(tf: Any, cells: Any, x: Any) -> Any:
    return tf.nn.static_bidirectional_rnn(
        cells.GRUCell(3), cells.BasicRNNCell(2), tf.unstack(x, axis=1), dtype=tf.float32
    )


def _time_major(tf: Any, cells: Any, x: Any) -> Any:
    start = cells.LSTMStateTuple(tf.ones([BATCH, 3]), tf.zeros([BATCH, 3]) + 0.5)
    major = tf.transpose(x, [1, 0, 2])
    return tf.nn.dynamic_rnn(
        cells.LSTMCell(3), major, initial_state=start, time_major=True, sequence_length=LENGTHS, scope="mine"
    )


def _raw(tf: Any, cells: Any, x: Any) -> Any:
    cell = cells.BasicLSTMCell(3)
    rows = tf.TensorArray(tf.float32, size=TIME).unstack(tf.transpose(x, [1, 0, 2]))
    lengths = tf.constant(LENGTHS)

    def loop(time: Any, output: Any, state: Any, seen: Any) -> Any:
        state = cell.zero_state(BATCH, tf.float32) if output is None else state
        finished = time >= lengths
        following = tf.cond(
            tf.reduce_all(finished),
            lambda: tf.zeros([BATCH, DEPTH]),
            lambda: rows.read(tf.minimum(time, TIME - 1)),
        )
        following.set_shape([BATCH, DEPTH])
        return finished, following, state, output, tf.constant(0.0) if seen is None else seen + 1.0

    return tf.nn.raw_rnn(cell, loop)


def _nested_input(tf: Any, cells: Any, x: Any) -> Any:
    class Both(cells.RNNCell):  # type: ignore[misc,name-defined]
        state_size = (2, 3)
        output_size = (2, 3)

        def call(self, inputs: Any, state: Any) -> Any:
            a = tf.get_variable("a", [DEPTH, 2])
            b = tf.get_variable("b", [DEPTH, 3])
            new = (tf.tanh(inputs[0] @ a) + state[0], tf.tanh(inputs[1] @ b) * 0.5 + state[1])
            return new, new

    return tf.nn.dynamic_rnn(Both(name="both"), (x, x * 2.0), dtype=tf.float32, sequence_length=LENGTHS)


CASES: dict[str, Callable[[Any, Any, Any], Any]] = {
    "basic": dynamic(lambda c: c.BasicRNNCell(3)),
    "gru": dynamic(lambda c: c.GRUCell(3), sequence_length=LENGTHS),
    "basic_lstm": dynamic(lambda c: c.BasicLSTMCell(3, forget_bias=0.5), sequence_length=LENGTHS),
    "packed_state": dynamic(lambda c: c.BasicLSTMCell(3, state_is_tuple=False)),
    "lstm": dynamic(lambda c: c.LSTMCell(3)),
    "peepholes": dynamic(lambda c: c.LSTMCell(3, use_peepholes=True, cell_clip=0.3)),
    "projection": dynamic(lambda c: c.LSTMCell(4, use_peepholes=True, num_proj=2, proj_clip=0.2)),
    "packed_projection": dynamic(lambda c: c.LSTMCell(4, num_proj=2, state_is_tuple=False)),
    "stack": dynamic(
        lambda c: c.MultiRNNCell([c.BasicLSTMCell(3), c.ResidualWrapper(c.GRUCell(3)), c.BasicRNNCell(2)]),
        sequence_length=LENGTHS,
    ),
    "packed_stack": dynamic(lambda c: c.MultiRNNCell([c.GRUCell(3), c.GRUCell(2)], state_is_tuple=False)),
    "dropout": dynamic(lambda c: c.DropoutWrapper(c.GRUCell(3), 1.0, 1.0, 1.0)),
    "relu": dynamic(lambda c: c.BasicRNNCell(3, activation="relu")),
    "static": _static,
    "bidirectional": _bidirectional,
    "static_bidirectional": _static_bidirectional,
    "time_major": _time_major,
    "raw": _raw,
    "nested": _nested_input,
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_network(name: str, tf1: Any) -> None:
    from tensorflow.python.keras.layers.legacy_rnn import rnn_cell_impl

    theirs = run(tf1, rnn_cell_impl, CASES[name], None)
    ours = run(weft, weft.nn.rnn_cell, CASES[name], theirs.variables)
    assert len(ours.results) == len(theirs.results)
    for got, expected in zip(ours.results, theirs.results, strict=True):
        assert got.shape == expected.shape
        np.testing.assert_allclose(got, expected, rtol=2e-5, atol=2e-6)
    assert ours.gradients.keys() == theirs.gradients.keys()
    for key, expected in theirs.gradients.items():
        np.testing.assert_allclose(ours.gradients[key], expected, rtol=1e-4, atol=1e-5, err_msg=key)


@pytest.mark.filterwarnings("ignore")
def test_variational_dropout_draws_the_same_numbers(tf1: Any) -> None:
    from tensorflow.python.keras.layers.legacy_rnn import rnn_cell_impl

    def make(tf: Any, cells: Any, x: Any) -> Any:
        tf.set_random_seed(3)
        cell = cells.DropoutWrapper(
            cells.BasicLSTMCell(6),
            input_keep_prob=0.5,
            output_keep_prob=0.6,
            state_keep_prob=0.7,
            variational_recurrent=True,
            input_size=DEPTH,
            dtype=tf.float32,
            seed=11,
        )
        return tf.nn.dynamic_rnn(cell, x, dtype=tf.float32)

    theirs = run(tf1, rnn_cell_impl, make, None)
    ours = run(weft, weft.nn.rnn_cell, make, theirs.variables)
    for got, expected in zip(ours.results, theirs.results, strict=True):
        np.testing.assert_allclose(got, expected, rtol=2e-5, atol=2e-6)
