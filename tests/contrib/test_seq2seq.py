"""Decoders, attention, beam search."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import weft as tf

seq2seq = tf.contrib.seq2seq
rnn_cell = tf.nn.rnn_cell

IDS, UNITS, STEPS, END, START = 4, 5, 4, 0, 2


class Model:
    """A small language model with random weights, and its log-probabilities of any sequence."""

    def __init__(self, batch: int, seed: int = 0) -> None:
        tf.set_random_seed(seed)
        wide = tf.random_normal_initializer(stddev=1.5, seed=seed)
        with tf.variable_scope("model", initializer=wide):
            self.embedding = tf.get_variable("embedding", [IDS, 3])
            self.cell = rnn_cell.BasicLSTMCell(UNITS)
            self.layer = tf.layers.Dense(IDS, use_bias=False, name="logits")
        self.start = tf.constant(
            np.random.default_rng(seed).normal(size=(batch, 2 * UNITS)).astype(np.float32)
        )
        self.batch = batch
        self.ids = tf.placeholder(tf.int32, [None, None])
        self.row = tf.placeholder(tf.int32, [])
        with tf.variable_scope("decoder", initializer=wide):
            state = self.state(tf.tile(self.start[self.row : self.row + 1], [tf.shape(self.ids)[0], 1]))
            shifted = tf.concat([tf.fill([tf.shape(self.ids)[0], 1], START), self.ids[:, :-1]], 1)
            outputs, _ = tf.nn.dynamic_rnn(
                self.cell,
                tf.nn.embedding_lookup(self.embedding, shifted),
                initial_state=state,
                scope="teacher",
            )
            self.log_probs = tf.nn.log_softmax(self.layer(outputs))

    @staticmethod
    def state(packed: Any) -> Any:
        return rnn_cell.LSTMStateTuple(*tf.split(packed, 2, axis=1))

    def all_sequences(self, sess: Any, row: int, steps: int) -> dict[tuple[int, ...], float]:
        """Log-probability of every sequence of ids up to its end, or to `steps`."""
        rows = np.array(list(itertools.product(range(IDS), repeat=steps)), np.int32)
        logs = sess.run(self.log_probs, {self.ids: rows, self.row: row})
        found = {}
        for ids, log in zip(rows.tolist(), logs, strict=True):
            length = ids.index(END) + 1 if END in ids else steps
            found[tuple(ids[:length])] = float(sum(log[t, ids[t]] for t in range(length)))
        return found

    def search(self, width: int, **wish: Any) -> Any:
        state = self.state(seq2seq.tile_batch(self.start, width))
        tokens = tf.fill([self.batch], START)
        decoder = seq2seq.BeamSearchDecoder(
            self.cell, self.embedding, tokens, END, state, width, output_layer=self.layer, **wish
        )
        return seq2seq.dynamic_decode(decoder, maximum_iterations=STEPS, scope="search")


def searched(
    model: Model, sess: Any, row: int, width: int, weight: float
) -> list[tuple[tuple[int, ...], float]]:
    """Beam search in plain Python: sequences and scores, best first."""
    live: list[tuple[tuple[int, ...], float, int, bool]] = [((), 0.0, 0, False)]
    for _ in range(STEPS):
        nexts = []
        for ids, log, length, done in live:
            if done:
                nexts.append((ids, log, length, length, True))
                continue
            prefix = np.array([[*ids, 0]], np.int32)
            step = sess.run(model.log_probs, {model.ids: prefix, model.row: row})[0, -1]
            nexts += [
                ((*ids, i), log + float(step[i]), length + (i != END), length + 1, i == END)
                for i in range(IDS)
            ]
        nexts.sort(key=lambda n: -n[1] / ((5.0 + n[2]) / 6.0) ** weight)
        best = nexts[:width]
        live = [(ids, log, length, done) for ids, log, _, length, done in best]
        scores = [log / ((5.0 + counted) / 6.0) ** weight for _, log, counted, _, _ in best]
    return [(ids, s) for (ids, *_), s in zip(live, scores, strict=True)]


def cut(ids: Any) -> tuple[int, ...]:
    """A predicted sequence up to its first end token."""
    listed = [int(i) for i in ids]
    return tuple(listed[: listed.index(END) + 1]) if END in listed else tuple(listed)


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_a_wide_beam_search_finds_the_best_of_all_sequences(backend: str) -> None:
    model = Model(batch=2)
    outputs, state, lengths = model.search(width=64)
    with tf.Session(config=tf.ConfigProto(backends={"CPU": backend})) as sess:
        sess.run(tf.global_variables_initializer())
        ids, logs, sizes = sess.run([outputs.predicted_ids, state.log_probs, lengths])
        for row in range(2):
            everything = model.all_sequences(sess, row, STEPS)
            best = sorted(everything, key=lambda s: -everything[s])[:20]
            got = [cut(ids[row, :, k]) for k in range(20)]
            np.testing.assert_allclose(logs[row, :20], [everything[s] for s in best], rtol=1e-4, atol=1e-4)
            assert got == best
            assert [int(n) for n in sizes[row, :20]] == [len(s) for s in got]


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_a_narrow_beam_search_prunes_as_plain_python_does(weight: float) -> None:
    model = Model(batch=3, seed=4)
    outputs, _, _ = model.search(width=3, length_penalty_weight=weight)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        ids, scores = sess.run([outputs.predicted_ids, outputs.beam_search_decoder_output.scores])
        for row in range(3):
            expected = searched(model, sess, row, 3, weight)
            assert [cut(ids[row, :, k]) for k in range(3)] == [s for s, _ in expected]
            np.testing.assert_allclose(scores[row, -1], [s for _, s in expected], rtol=1e-4)


def test_greedy_choice_is_a_beam_search_of_one() -> None:
    model = Model(batch=3, seed=1)
    beam, _, _ = model.search(width=1)
    helper = seq2seq.GreedyEmbeddingHelper(model.embedding, tf.fill([3], START), END)
    decoder = seq2seq.BasicDecoder(model.cell, helper, model.state(model.start), output_layer=model.layer)
    greedy, _, lengths = seq2seq.dynamic_decode(decoder, maximum_iterations=STEPS, scope="search")
    assert greedy.rnn_output.shape.as_list() == [3, None, IDS]
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        a, b, sizes = sess.run([beam.predicted_ids, greedy.sample_id, lengths])
    for row in range(3):
        assert cut(a[row, :, 0]) == cut(b[row]) and len(cut(b[row])) == sizes[row]


def attention_of(kind: str, units: int, memory: Any, lengths: Any) -> Any:
    if kind.startswith("luong"):
        return seq2seq.LuongAttention(units, memory, lengths, scale=kind == "luong_scaled")
    return seq2seq.BahdanauAttention(units, memory, lengths, normalize=kind == "bahdanau_normed")


KINDS = ["luong", "luong_scaled", "bahdanau", "bahdanau_normed"]


@pytest.mark.parametrize("kind", KINDS)
def test_attention_computes_its_equations(kind: str) -> None:
    rng = np.random.default_rng(0)
    memory_value, query_value = rng.normal(size=(2, 5, 3)), rng.normal(size=(2, 4))
    lengths = [5, 2]
    mechanism = attention_of(kind, 4, tf.constant(memory_value), lengths)
    alignments, _ = mechanism(tf.constant(query_value), state=None)
    names = {v.name: v for v in tf.trainable_variables()}
    scope = "luong_attention" if kind.startswith("luong") else "bahdanau_attention"
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for v in names.values():
            sess.run(v.assign(rng.normal(size=v.shape.as_list())))
        got, w = sess.run([alignments, names])
    masked = memory_value * (np.arange(5)[None] < np.array(lengths)[:, None])[..., None]
    keys = masked @ w["memory_layer/kernel:0"]
    if kind.startswith("luong"):
        score = np.einsum("bu,btu->bt", query_value, keys) * w.get(f"{scope}/attention_g:0", 1.0)
    else:
        v = w[f"{scope}/attention_v:0"]
        hidden = keys + (query_value @ w[f"{scope}/query_layer/kernel:0"])[:, None]
        if kind == "bahdanau_normed":
            v = w[f"{scope}/attention_g:0"] * v / np.linalg.norm(v)
            hidden = hidden + w[f"{scope}/attention_b:0"]
        score = np.tanh(hidden) @ v
    score[1, 2:] = -np.inf
    expected = np.exp(score - score.max(1, keepdims=True))
    expected /= expected.sum(1, keepdims=True)
    np.testing.assert_allclose(got, expected, atol=1e-9)


def attentive(kind: str, memory: Any, lengths: Any, history: bool = False) -> Any:
    return seq2seq.AttentionWrapper(
        rnn_cell.BasicLSTMCell(4),
        attention_of(kind, 4, memory, lengths),
        attention_layer_size=3,
        alignment_history=history,
    )


@pytest.mark.parametrize("kind", ["luong", "bahdanau_normed"])
def test_training_with_attention_has_gradients_everywhere_and_the_usual_names(kind: str) -> None:
    memory = tf.get_variable("memory", [2, 5, 6])
    cell = attentive(kind, memory, [5, 3], history=True)
    inputs = tf.constant(np.random.default_rng(2).normal(size=(2, 4, 3)).astype(np.float32))
    helper = seq2seq.TrainingHelper(inputs, [4, 2])
    layer = tf.layers.Dense(7, name="projection")
    decoder = seq2seq.BasicDecoder(cell, helper, cell.zero_state(2, tf.float32), output_layer=layer)
    outputs, state, lengths = seq2seq.dynamic_decode(decoder, impute_finished=True)
    loss = seq2seq.sequence_loss(
        outputs.rnn_output, tf.ones([2, 4], tf.int32), tf.sequence_mask([4, 2], 4, tf.float32)
    )
    variables = tf.trainable_variables()
    names = {v.name for v in variables}
    own = "luong_attention" if kind == "luong" else "bahdanau_attention"
    assert {
        "memory:0",
        "memory_layer/kernel:0",
        "decoder/attention_wrapper/basic_lstm_cell/kernel:0",
        "decoder/attention_wrapper/basic_lstm_cell/bias:0",
        "decoder/attention_wrapper/attention_layer/kernel:0",
        "decoder/projection/kernel:0",
        "decoder/projection/bias:0",
    } <= names
    assert kind == "luong" or f"decoder/attention_wrapper/{own}/query_layer/kernel:0" in names
    grads = tf.gradients(loss, variables)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        found, sizes, seen, out = sess.run(
            [grads, lengths, state.alignment_history.stack(), outputs.rnn_output]
        )
        base = sess.run(loss)
        for v, g in zip(variables, found, strict=True):
            direction = np.sign(g) if not isinstance(g, tf.SparseTensorValue) else None
            before = sess.run(v)
            step = 1e-2 * direction / max(np.abs(direction).sum(), 1.0)
            sess.run(v.assign(before + step))
            slope = (sess.run(loss) - base) / 1e-2
            sess.run(v.assign(before))
            expected = np.abs(g).sum() / max(np.abs(direction).sum(), 1.0)
            np.testing.assert_allclose(slope, expected, rtol=0.1, atol=2e-3, err_msg=v.name)
            assert np.abs(g).max() > 0
    assert sizes.tolist() == [4, 2] and out.shape == (2, 4, 7) and not out[1, 2:].any()
    assert seen.shape == (4, 2, 5)
    np.testing.assert_allclose(seen.sum(-1), 1.0, rtol=1e-5)
    assert not seen[:, 1, 3:].any()


def test_beam_search_over_attention_orders_its_alignments() -> None:
    memory = tf.constant(np.random.default_rng(1).normal(size=(2, 5, 6)).astype(np.float32))
    width = 3
    cell = attentive(
        "luong", seq2seq.tile_batch(memory, width), seq2seq.tile_batch(tf.constant([5, 2]), width), True
    )
    embedding = tf.get_variable("embedding", [IDS, 3], initializer=tf.random_normal_initializer(seed=2))
    layer = tf.layers.Dense(IDS, name="out", kernel_initializer=tf.random_normal_initializer(seed=3))
    decoder = seq2seq.BeamSearchDecoder(
        cell,
        embedding,
        tf.fill([2], START),
        END,
        cell.zero_state(2 * width, tf.float32),
        width,
        output_layer=layer,
        coverage_penalty_weight=0.3,
    )
    outputs, state, _ = seq2seq.dynamic_decode(decoder, maximum_iterations=5)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        ids, history, sizes = sess.run(
            [outputs.predicted_ids, state.cell_state.alignment_history, state.lengths]
        )
    steps = ids.shape[1]
    assert ids.shape == (2, steps, width) and history.shape == (steps, 2, width, 5)
    for row, beam in itertools.product(range(2), range(width)):
        rows = history[: sizes[row, beam], row, beam]
        np.testing.assert_allclose(rows.sum(-1), 1.0, rtol=1e-5)
        assert not history[sizes[row, beam] :, row, beam].any()
    assert not history[:, 1, :, 2:].any()


def test_sampling_draws_what_the_temperature_says() -> None:
    model = Model(batch=200, seed=3)
    greedy = seq2seq.GreedyEmbeddingHelper(model.embedding, tf.fill([200], START), END)
    cold = seq2seq.SampleEmbeddingHelper(
        model.embedding, tf.fill([200], START), END, softmax_temperature=1e-4, seed=1
    )
    warm = seq2seq.SampleEmbeddingHelper(model.embedding, tf.fill([200], START), END, seed=1)

    def first(helper: Any) -> Any:
        decoder = seq2seq.BasicDecoder(model.cell, helper, model.state(model.start), model.layer)
        outputs, _, _ = seq2seq.dynamic_decode(decoder, maximum_iterations=3, scope="search")
        return outputs.sample_id[:, 0]

    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        best, near, far = sess.run([first(greedy), first(cold), first(warm)])
    np.testing.assert_array_equal(best, near)
    assert 0.02 < np.mean(best != far) < 0.9


def test_scheduled_sampling_feeds_known_inputs_or_drawn_ids() -> None:
    model = Model(batch=4)
    ids = tf.constant(np.random.default_rng(0).integers(1, IDS, (4, 5)).astype(np.int32))
    inputs = tf.nn.embedding_lookup(model.embedding, ids)

    def outputs(chance: float) -> Any:
        helper = seq2seq.ScheduledEmbeddingTrainingHelper(
            inputs, [5, 5, 3, 1], model.embedding, chance, seed=1, scheduling_seed=2
        )
        decoder = seq2seq.BasicDecoder(model.cell, helper, model.state(model.start), model.layer)
        return seq2seq.dynamic_decode(decoder, scope="search")[0]

    helper = seq2seq.TrainingHelper(inputs, [5, 5, 3, 1])
    decoder = seq2seq.BasicDecoder(model.cell, helper, model.state(model.start), model.layer)
    known, _, _ = seq2seq.dynamic_decode(decoder, scope="search")
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        a, never, always = sess.run([known.rnn_output, outputs(0.0), outputs(1.0)])
    np.testing.assert_allclose(a, never.rnn_output, rtol=1e-6)
    assert (never.sample_id == -1).all() and (always.sample_id >= 0).all()
    np.testing.assert_allclose(a[:, 0], always.rnn_output[:, 0], rtol=1e-6)


@pytest.mark.parametrize("steps", [True, False])
@pytest.mark.parametrize("rows", [True, False])
def test_the_loss_of_sequences(steps: bool, rows: bool) -> None:
    rng = np.random.default_rng(0)
    logits, targets = rng.normal(size=(3, 4, 5)), rng.integers(0, 5, (3, 4))
    weights = rng.uniform(size=(3, 4))
    loss = seq2seq.sequence_loss(tf.constant(logits), tf.constant(targets), tf.constant(weights), steps, rows)
    logs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    expected = -np.take_along_axis(logs, targets[..., None], -1)[..., 0] * weights
    axes = tuple(a for a, wanted in ((1, steps), (0, rows)) if wanted)
    if axes:
        expected = expected.sum(axes) / weights.sum(axes)
    with tf.Session() as sess:
        np.testing.assert_allclose(sess.run(loss), expected, rtol=1e-9)


def test_wrong_arguments() -> None:
    cell = rnn_cell.BasicLSTMCell(4)
    memory = tf.ones([2, 3, 4])
    with pytest.raises(TypeError, match="must be a Helper"):
        seq2seq.BasicDecoder(cell, "greedy", None)
    with pytest.raises(TypeError, match="type Decoder"):
        seq2seq.dynamic_decode(cell)
    with pytest.raises(ValueError, match="start_tokens must be a vector"):
        seq2seq.GreedyEmbeddingHelper(tf.ones([3, 2]), 1, 0)
    with pytest.raises(TypeError, match="AttentionMechanism"):
        seq2seq.AttentionWrapper(cell, memory)
    mechanism = seq2seq.LuongAttention(4, memory)
    with pytest.raises(ValueError, match="Only one of"):
        seq2seq.AttentionWrapper(cell, mechanism, 3, attention_layer=tf.layers.Dense(3))
    with pytest.raises(ValueError, match="tile_batch"):
        seq2seq.AttentionWrapper(cell, mechanism).zero_state(6, tf.float32)
    with tf.variable_scope("other"):
        wrapped = seq2seq.AttentionWrapper(cell, seq2seq.LuongAttention(5, memory))
    with pytest.raises(ValueError, match="inner dimensions"):
        wrapped(tf.ones([2, 3]), wrapped.zero_state(2, tf.float32))
    with pytest.raises(ValueError, match="logits must have rank 3"):
        seq2seq.sequence_loss(tf.ones([2, 3]), tf.ones([2, 3], tf.int32), tf.ones([2, 3]))
