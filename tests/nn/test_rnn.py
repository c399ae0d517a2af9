"""Recurrent networks: equations, sequences of different lengths, devices, wrong arguments."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import weft as tf

rnn_cell = tf.nn.rnn_cell


def sigmoid(x: Any) -> Any:
    return 1.0 / (1.0 + np.exp(-x))


def lstm(x: Any, kernel: Any, bias: Any, lengths: Any) -> tuple[Any, Any, Any]:
    """Outputs, last c and last h of an LSTM over `(batch, time, depth)`, in double precision."""
    units = kernel.shape[1] // 4
    c = h = np.zeros((len(x), units))
    outputs = np.zeros((len(x), x.shape[1], units))
    for t in range(x.shape[1]):
        i, j, f, o = np.split(np.concatenate([x[:, t], h], 1) @ kernel + bias, 4, axis=1)
        new_c = c * sigmoid(f + 1.0) + sigmoid(i) * np.tanh(j)
        new_h = np.tanh(new_c) * sigmoid(o)
        alive = (t < lengths)[:, None]
        outputs[:, t] = np.where(alive, new_h, 0.0)
        c, h = np.where(alive, new_c, c), np.where(alive, new_h, h)
    return outputs, c, h


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize("known", [True, False])
def test_an_lstm_computes_its_equations(backend: str, known: bool) -> None:
    rng = np.random.default_rng(0)
    x_value, lengths = rng.normal(size=(4, 6, 3)), np.array([6, 1, 0, 4])
    x = tf.placeholder(tf.float64, [4, 6, 3] if known else [None, None, 3])
    length = tf.placeholder(tf.int64, [None])
    outputs, state = tf.nn.dynamic_rnn(rnn_cell.BasicLSTMCell(5), x, sequence_length=length, dtype=tf.float64)
    assert outputs.shape.as_list() == ([4, 6, 5] if known else [None, None, 5])
    kernel, bias = tf.trainable_variables()
    assert [kernel.name, bias.name] == ["rnn/basic_lstm_cell/kernel:0", "rnn/basic_lstm_cell/bias:0"]
    with tf.Session(config=tf.ConfigProto(backends={"CPU": backend})) as sess:
        sess.run(tf.global_variables_initializer())
        sess.run(bias.assign(rng.normal(size=20)))
        got, last, w, b = sess.run([outputs, state, kernel, bias], {x: x_value, length: lengths})
    expected, c, h = lstm(x_value, w, b, lengths)
    np.testing.assert_allclose(got, expected, atol=1e-9)
    np.testing.assert_allclose(last.c, c, atol=1e-9)
    np.testing.assert_allclose(last.h, h, atol=1e-9)


def test_static_and_dynamic_networks_agree_and_share_variables() -> None:
    x = tf.placeholder(tf.float32, [2, 4, 3])
    with tf.variable_scope("net"):
        dynamic, last = tf.nn.dynamic_rnn(rnn_cell.GRUCell(3), x, dtype=tf.float32, sequence_length=[4, 2])
    with tf.variable_scope("net", reuse=True):
        static, same = tf.nn.static_rnn(
            rnn_cell.GRUCell(3), tf.unstack(x, axis=1), dtype=tf.float32, sequence_length=[4, 2]
        )
    assert len(tf.trainable_variables()) == 4
    grads = [tf.gradients(tf.reduce_sum(y), tf.trainable_variables()) for y in (dynamic, tf.stack(static))]
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        value = np.random.default_rng(1).normal(size=(2, 4, 3))
        found = sess.run([dynamic, tf.stack(static, 1), last, same, *grads], {x: value})
    np.testing.assert_allclose(found[0], found[1], atol=1e-6)
    np.testing.assert_allclose(found[2], found[3], atol=1e-6)
    for a, b in zip(found[4], found[5], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_layers_of_a_stack_on_devices_of_their_own() -> None:
    def outputs(devices: list[str]) -> Any:
        with tf.Graph().as_default():
            tf.set_random_seed(2)
            x = tf.constant(np.linspace(-1, 1, 24).reshape(2, 4, 3).astype(np.float32))
            cells = [rnn_cell.DeviceWrapper(rnn_cell.LSTMCell(3), d) for d in devices]
            out, _ = tf.nn.static_rnn(rnn_cell.MultiRNNCell(cells), tf.unstack(x, axis=1), dtype=tf.float32)
            for cell, d in zip(cells, devices, strict=True):
                assert cell.trainable_weights[0].device == d
            cluster = tf.train.ClusterSpec({"worker": 2})
            with tf.Session(cluster=cluster) as sess:
                sess.run(tf.global_variables_initializer())
                return sess.run(tf.stack(out))

    apart = outputs(["/job:worker/task:0", "/job:worker/task:1"])
    np.testing.assert_allclose(apart, outputs(["/job:worker/task:0"] * 2), atol=1e-6)


def test_dropout_keeps_what_an_lstm_remembers_and_drops_the_rest() -> None:
    cell = rnn_cell.DropoutWrapper(
        rnn_cell.BasicLSTMCell(50, name="one"), output_keep_prob=0.5, state_keep_prob=0.5, seed=3
    )
    output, state = cell(tf.ones([4, 3]), cell.zero_state(4, tf.float32))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        out, c, h = sess.run([output, state.c, state.h])
    assert 0.3 < np.mean(out == 0) < 0.7 and 0.3 < np.mean(h == 0) < 0.7 and not np.any(c == 0)
    assert [v.name for v in cell.trainable_weights] == ["one/kernel:0", "one/bias:0"]


def test_variational_dropout_drops_the_same_in_every_step() -> None:
    cell = rnn_cell.DropoutWrapper(
        rnn_cell.GRUCell(20), output_keep_prob=0.5, variational_recurrent=True, dtype=tf.float32
    )
    out, _ = tf.nn.dynamic_rnn(cell, tf.ones([2, 5, 3]), dtype=tf.float32)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        zero = sess.run(out) == 0
    assert zero.any() and not zero.all()
    assert (zero == zero[:, :1]).all()


def test_raw_rnn_feeds_outputs_back_until_all_rows_are_finished() -> None:
    cell = rnn_cell.BasicRNNCell(2)
    limit = tf.placeholder(tf.int32, [3])

    def loop(time: Any, output: Any, state: Any, total: Any) -> Any:
        following = tf.ones([3, 2]) if output is None else output
        state = cell.zero_state(3, tf.float32) if output is None else state
        return time >= limit, following, state, output, 0.0 if total is None else total + 1.0

    emitted, _, steps = tf.nn.raw_rnn(cell, loop)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        out, count = sess.run([emitted.stack(), steps], {limit: [1, 3, 2]})
    assert out.shape == (3, 3, 2) and count == 3.0
    assert (out[1:, 0] == 0).all() and (out[2:, 2] == 0).all() and (out[:, 1] != 0).any(1).all()


def test_states_are_saved_between_runs() -> None:
    class Saver:
        def __init__(self) -> None:
            self.kept = tf.get_variable("kept", [2, 3], initializer=tf.zeros_initializer(), trainable=False)

        def state(self, name: str) -> Any:
            assert name == "s"
            return self.kept.read_value()

        def save_state(self, name: str, value: Any) -> Any:
            return self.kept.assign(value)

    saver = Saver()
    outputs, _ = tf.nn.static_state_saving_rnn(rnn_cell.BasicRNNCell(3), [tf.ones([2, 3])] * 2, saver, "s")
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        first = sess.run(outputs[-1])
        np.testing.assert_array_equal(sess.run(saver.kept), first)
        assert not np.allclose(sess.run(outputs[-1]), first)


def test_states_of_zeros() -> None:
    cell = rnn_cell.MultiRNNCell([rnn_cell.LSTMCell(3, num_proj=2), rnn_cell.GRUCell(4)])
    batch = tf.placeholder(tf.int32, [])
    (c, h), g = cell.zero_state(batch, tf.float64)
    assert [t.shape.as_list() for t in (c, h, g)] == [[None, 3], [None, 2], [None, 4]]
    with tf.Session() as sess:
        assert [v.shape for v in sess.run([c, h, g], {batch: 7})] == [(7, 3), (7, 2), (7, 4)]
    assert cell.get_initial_state(tf.ones([5, 1]))[1].shape.as_list() == [5, 4]
    with pytest.raises(ValueError, match="batch_size and dtype"):
        cell.get_initial_state(batch_size=3)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda x: tf.nn.dynamic_rnn(tf.matmul, x, dtype=tf.float32), TypeError, "is not an RNNCell"),
        (lambda x: tf.nn.dynamic_rnn(rnn_cell.GRUCell(2), x), ValueError, "must give a dtype"),
        (
            lambda x: tf.nn.dynamic_rnn(rnn_cell.GRUCell(2), x, dtype=tf.float32, sequence_length=[1]),
            ValueError,
            "one entry for each of 2 rows",
        ),
        (
            lambda x: tf.nn.dynamic_rnn(rnn_cell.GRUCell(2), x, dtype=tf.float32, sequence_length=[[1, 2]]),
            ValueError,
            "must be a vector",
        ),
        (
            lambda x: tf.nn.dynamic_rnn(rnn_cell.GRUCell(2), tf.placeholder(tf.float32), dtype=tf.float32),
            ValueError,
            "Input size",
        ),
        (lambda x: tf.nn.static_rnn(rnn_cell.GRUCell(2), x, dtype=tf.float32), TypeError, "sequence"),
        (lambda x: tf.nn.static_rnn(rnn_cell.GRUCell(2), [], dtype=tf.float32), ValueError, "empty"),
        (lambda x: rnn_cell.MultiRNNCell([]), ValueError, "at least one cell"),
        (lambda x: rnn_cell.MultiRNNCell(rnn_cell.GRUCell(2)), TypeError, "list or tuple"),
        (lambda x: rnn_cell.DropoutWrapper(rnn_cell.GRUCell(2), 1.5), ValueError, "between 0 and 1"),
        (
            lambda x: rnn_cell.DropoutWrapper(rnn_cell.GRUCell(2), 0.5, variational_recurrent=True),
            ValueError,
            "dtype must be provided",
        ),
        (
            lambda x: rnn_cell.GRUCell(2, name="mine")(
                tf.placeholder(tf.float32, [2, None]), tf.ones([2, 2])
            ),
            ValueError,
            "layer 'mine' .GRUCell.: the last dimension",
        ),
        (
            lambda x: rnn_cell.ResidualWrapper(rnn_cell.GRUCell(2))(tf.ones([2, 3]), tf.ones([2, 2])),
            ValueError,
            "cannot be added",
        ),
    ],
)
def test_wrong_arguments(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make(tf.ones([2, 4, 3]))


def test_lengths_are_checked_when_the_batch_is_not_known_before() -> None:
    x, lengths = tf.placeholder(tf.float32, [None, 4, 3]), tf.placeholder(tf.int32, [None])
    out, _ = tf.nn.dynamic_rnn(rnn_cell.GRUCell(2), x, dtype=tf.float32, sequence_length=lengths)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        with pytest.raises(tf.errors.InvalidArgumentError, match="one entry per row"):
            sess.run(out, {x: np.zeros((3, 4, 3)), lengths: [1, 2]})
