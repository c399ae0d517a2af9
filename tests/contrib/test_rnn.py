"""The cells that only `contrib` has."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import weft as tf

rnn = tf.contrib.rnn


def outputs(cell: Any, steps: int = 4, ids: bool = False) -> tuple[Any, Any, dict[str, Any]]:
    """Outputs and last state of a cell over a random sequence, and its variables."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, steps, 3)).astype(np.float32) if not ids else rng.integers(0, 5, (2, steps, 1))
    out, state = tf.nn.dynamic_rnn(cell, tf.constant(x), dtype=tf.float32)
    grads = tf.gradients(tf.reduce_sum(tf.square(out)), tf.trainable_variables())
    assert all(g is not None for g in grads)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        got, last, values, _ = sess.run([out, state, {v.name: v for v in tf.trainable_variables()}, grads])
    return got, last, values


def test_attention_over_the_past() -> None:
    cell = rnn.AttentionCellWrapper(rnn.BasicLSTMCell(4), attn_length=3, attn_size=5, attn_vec_size=2)
    got, (_, attns, past), values = outputs(cell)
    assert got.shape == (2, 4, 5) and attns.shape == (2, 5) and past.shape == (2, 15)
    np.testing.assert_array_equal(past.reshape(2, 3, 5), got[:, 1:])
    scope = "rnn/attention_cell_wrapper"
    assert {n: v.shape for n, v in values.items()} == {
        f"{scope}/kernel:0": (8, 3),
        f"{scope}/bias:0": (3,),
        f"{scope}/basic_lstm_cell/kernel:0": (7, 16),
        f"{scope}/basic_lstm_cell/bias:0": (16,),
        f"{scope}/attention/attn_w:0": (1, 1, 5, 2),
        f"{scope}/attention/attn_v:0": (2,),
        f"{scope}/attention/kernel:0": (8, 2),
        f"{scope}/attention/bias:0": (2,),
        f"{scope}/attn_output_projection/kernel:0": (9, 5),
        f"{scope}/attn_output_projection/bias:0": (5,),
    }


def test_a_packed_state_gives_the_same() -> None:
    def run(packed: bool) -> Any:
        with tf.Graph().as_default():
            tf.set_random_seed(1)
            return outputs(rnn.AttentionCellWrapper(rnn.GRUCell(3), 2, state_is_tuple=not packed))[0]

    np.testing.assert_allclose(run(True), run(False), atol=1e-6)


def test_layer_normalization() -> None:
    got, last, values = outputs(rnn.LayerNormBasicLSTMCell(6), steps=1)
    c = last.c
    np.testing.assert_allclose(c.mean(1), 0.0, atol=1e-5)
    np.testing.assert_allclose(c.var(1), 1.0, atol=1e-3)
    assert got.shape == (2, 1, 6)
    assert "rnn/layer_norm_basic_lstm_cell/state/gamma:0" in values and len(values) == 11


def test_cells_of_the_same_equations_agree() -> None:
    def run(make: Any) -> Any:
        with tf.Graph().as_default():
            tf.set_random_seed(3)
            with tf.variable_scope("s", initializer=tf.constant_initializer(0.3)):
                return outputs(make())[0]

    block = run(lambda: rnn.LSTMBlockCell(4, use_peephole=True, cell_clip=0.5))
    np.testing.assert_allclose(
        block, run(lambda: rnn.LSTMCell(4, use_peepholes=True, cell_clip=0.5)), atol=1e-6
    )
    plain = run(lambda: rnn.LayerNormBasicLSTMCell(4, layer_norm=False))
    np.testing.assert_allclose(plain, run(lambda: rnn.BasicLSTMCell(4)), atol=1e-6)


def test_projections_embeddings_and_update_gates() -> None:
    inner = rnn.OutputProjectionWrapper(rnn.InputProjectionWrapper(rnn.UGRNNCell(4), 6, tf.nn.relu), 2)
    got, _, values = outputs(inner)
    assert got.shape == (2, 4, 2)
    scope = "rnn/output_projection_wrapper"
    assert values[f"{scope}/input_projection_wrapper/kernel:0"].shape == (3, 6)
    assert values[f"{scope}/input_projection_wrapper/ugrnn_cell/kernel:0"].shape == (10, 8)
    tf.reset_default_graph()
    got, _, values = outputs(rnn.EmbeddingWrapper(rnn.GRUCell(4), 5, 3), ids=True)
    assert got.shape == (2, 4, 4) and values["rnn/embedding_wrapper/embedding:0"].shape == (5, 3)


def test_a_stack_of_bidirectional_networks() -> None:
    x = tf.constant(np.random.default_rng(0).normal(size=(2, 4, 3)).astype(np.float32))

    def cells() -> list[Any]:
        return [rnn.GRUCell(3), rnn.GRUCell(2)]

    with tf.variable_scope("a"):
        dynamic, fw, bw = rnn.stack_bidirectional_dynamic_rnn(cells(), cells(), x, dtype=tf.float32)
    with tf.variable_scope("a", reuse=True):
        static, fw2, bw2 = rnn.stack_bidirectional_rnn(
            cells(), cells(), tf.unstack(x, axis=1), dtype=tf.float32
        )
    assert "a/stack_bidirectional_rnn/cell_1/bidirectional_rnn/bw/gru_cell/gates/kernel:0" in {
        v.name for v in tf.trainable_variables()
    }
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        a, b = sess.run([(dynamic, fw, bw), (tf.stack(static, 1), fw2, bw2)])
    np.testing.assert_allclose(a[0], b[0], atol=1e-6)
    for left, right in zip((*a[1], *a[2]), (*b[1], *b[2]), strict=True):
        np.testing.assert_allclose(left, right, atol=1e-6)


def test_wrong_arguments() -> None:
    with pytest.raises(ValueError, match="greater than zero"):
        rnn.AttentionCellWrapper(rnn.GRUCell(3), 0)
    with pytest.raises(ValueError, match="state_is_tuple is not set"):
        rnn.AttentionCellWrapper(rnn.LSTMCell(3), 2, state_is_tuple=False)
    with pytest.raises(ValueError, match="must be > 0"):
        rnn.EmbeddingWrapper(rnn.GRUCell(3), 0, 3)
    with pytest.raises(ValueError, match="same depth"):
        rnn.stack_bidirectional_rnn([rnn.GRUCell(3)], [rnn.GRUCell(3)] * 2, [tf.ones([1, 1])])
