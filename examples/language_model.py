"""A recurrent language model: it learns to write Python, character by character, from the library's own sources.

Two LSTM layers, each on a worker of its own, go over the text in windows. Their state stays in variables between
windows, and back-propagation stops at the start of a window. At the end the model writes some text of its own. Run it
with `python -m examples.language_model`.

Source:
    Zaremba et al., "Recurrent Neural Network Regularization", 2014; Karpathy, "The Unreasonable Effectiveness of
    Recurrent Neural Networks", 2015.
"""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import weft as tf

from .common import arguments, progress

CLUSTER = {"worker": 2}
Array = np.ndarray[Any, Any]


def library_text(files: int) -> str:
    """The first source files of Python's library, by size: the small ones are the cleanest."""
    library = Path(sysconfig.get_paths()["stdlib"])
    paths = sorted(library.glob("*.py"), key=lambda p: (p.stat().st_size, p.name))
    wanted = [p for p in paths if p.stat().st_size > 4000][:files]
    return "\n".join(p.read_text(encoding="utf-8", errors="replace") for p in wanted)


@dataclass
class Text:
    """A text as numbers: its signs, and the index of each, `(length,)`."""

    signs: list[str]
    codes: Array

    @classmethod
    def of(cls, text: str) -> Text:
        text = "".join(c if " " <= c <= "~" or c == "\n" else "?" for c in text)
        signs = sorted(set(text))
        index = {c: i for i, c in enumerate(signs)}
        return cls(signs, np.array([index[c] for c in text], np.int32))

    def windows(self, batch: int, steps: int) -> Iterator[tuple[Array, Array, bool]]:
        """Windows `(batch, steps)` of the text and of what follows each sign, without end; True at its start."""
        length = (len(self.codes) - 1) // batch
        rows = self.codes[: batch * length].reshape(batch, length)
        following = self.codes[1 : batch * length + 1].reshape(batch, length)
        while True:
            for start in range(0, length - steps + 1, steps):
                yield rows[:, start : start + steps], following[:, start : start + steps], start == 0


@dataclass
class Model:
    """The graph: a window and what follows it, one training step, and a step of writing with its states."""

    x: tf.Tensor
    y: tf.Tensor
    reset: tf.Operation
    train: tf.Operation
    bits: tf.Tensor
    sign: tf.Tensor
    states: Any
    chances: tf.Tensor
    temperature: tf.Tensor
    after: Any


def layers(signs: int, width: int, units: int) -> tuple[Any, list[Any], Any]:
    """The embedding on the first worker, a cell on each, the output layer on the last."""
    with tf.device("/job:worker/task:0"):
        embedding = tf.get_variable("embedding", [signs, width])
    cells = [
        tf.nn.rnn_cell.DeviceWrapper(
            tf.nn.rnn_cell.BasicLSTMCell(units, name=f"lstm{i}"), f"/job:worker/task:{i}"
        )
        for i in range(CLUSTER["worker"])
    ]
    return embedding, cells, tf.layers.Dense(signs, name="output")


def logits_of(x: tf.Tensor, states: Sequence[Any], parts: Any) -> tuple[tf.Tensor, list[Any]]:
    """Scores `(batch, time, signs)` of what follows, and the layers' states behind the last step."""
    embedding, cells, output = parts
    with tf.device("/job:worker/task:0"):
        values = tf.nn.embedding_lookup(embedding, x)
    after = []
    for task, (cell, state) in enumerate(zip(cells, states, strict=True)):
        with tf.device(f"/job:worker/task:{task}"):
            values, last = tf.nn.dynamic_rnn(cell, values, initial_state=state, scope=f"layer{task}")
            after.append(last)
    with tf.device("/job:worker/task:1"):
        return output(values), after


def build(signs: int, batch: int, steps: int, units: int, rate: float, seed: int = 1) -> Model:
    """The graph: training over windows with the state kept in variables, and writing sign by sign."""
    tf.set_random_seed(seed)
    parts = layers(signs, 24, units)
    x = tf.placeholder(tf.int32, [batch, steps], name="x")
    y = tf.placeholder(tf.int32, [batch, steps], name="y")
    kept = []
    for task in range(CLUSTER["worker"]):
        with tf.device(f"/job:worker/task:{task}"):
            kept.append(
                [
                    tf.get_variable(
                        f"kept{task}/{part}",
                        [batch, units],
                        initializer=tf.zeros_initializer(),
                        trainable=False,
                    )
                    for part in "ch"
                ]
            )
    states = [tf.nn.rnn_cell.LSTMStateTuple(*(v.read_value() for v in pair)) for pair in kept]
    logits, after = logits_of(x, states, parts)
    with tf.device("/job:worker/task:1"):
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))
        bits = tf.divide(loss, np.log(2.0), name="bits")
    variables = tf.trainable_variables()
    grads, _ = tf.clip_by_global_norm(tf.gradients(loss, variables), 2.0)
    step = tf.train.get_or_create_global_step()
    optimizer = tf.train.AdamOptimizer(tf.train.exponential_decay(rate, step, 1000, 0.7))
    update = optimizer.apply_gradients(zip(grads, variables, strict=True), step)
    carry = [
        v.assign(s) for pair, state in zip(kept, after, strict=True) for v, s in zip(pair, state, strict=True)
    ]
    reset = tf.group(*(v.initializer for pair in kept for v in pair))
    tf.summary.scalar("bits_per_character", bits)

    sign = tf.placeholder(tf.int32, [1, 1], name="sign")
    temperature = tf.placeholder_with_default(1.0, [], name="temperature")
    held = [
        tf.nn.rnn_cell.LSTMStateTuple(*(tf.placeholder(tf.float32, [1, units]) for _ in "ch")) for _ in kept
    ]
    with tf.variable_scope(tf.get_variable_scope(), reuse=True):
        scores, following = logits_of(sign, held, parts)
    chances = tf.nn.softmax(scores[0, 0] / temperature)
    train = tf.group(update, *(c.op for c in carry))
    return Model(x, y, reset, train, bits, sign, held, chances, temperature, following)


def written(session: tf.Session, model: Model, text: Text, units: int, length: int, seed: int = 0) -> str:
    """Text that the model writes, each sign drawn from what it expects next."""
    rng = np.random.default_rng(seed)
    states: Any = [(np.zeros((1, units), np.float32),) * 2 for _ in model.states]
    code = text.signs.index("\n")
    found = []
    for _ in range(length):
        feeds: dict[Any, Any] = {model.sign: [[code]], model.temperature: 0.6}
        for held, state in zip(model.states, states, strict=True):
            feeds.update(zip(held, state, strict=True))
        chances, states = session.run([model.chances, model.after], feeds)
        share = chances.astype(np.float64)
        code = int(rng.choice(len(text.signs), p=share / share.sum()))
        found.append(text.signs[code])
    return "".join(found)


@dataclass
class Result:
    """What came of it: bits per character of every step, text before and after training."""

    bits: list[float]
    before: str
    after: str


def run(
    target: str,
    text: Text,
    steps: int,
    out: Path,
    batch: int = 32,
    window: int = 32,
    units: int = 128,
    rate: float = 0.01,
) -> Result:
    """Trains and writes; event files and the text go to `out`."""
    with tf.Graph().as_default():
        model = build(len(text.signs), batch, window, units, rate)
        summary = tf.summary.merge_all()
        source = text.windows(batch, window)
        with (
            tf.Session(target, cluster=CLUSTER) as session,
            tf.summary.FileWriter(out, session.graph) as writer,
        ):
            session.run(tf.global_variables_initializer())
            before = written(session, model, text, units, 100)
            bits = []
            for step in (bar := progress(steps)):
                x, y, anew = next(source)
                if anew:
                    session.run(model.reset)
                value, events, _ = session.run([model.bits, summary, model.train], {model.x: x, model.y: y})
                bits.append(float(value))
                if step % 20 == 0:
                    writer.add_summary(events, step)
                    bar.set_postfix(bits=f"{np.mean(bits[-20:]):.2f}", refresh=False)
            after = written(session, model, text, units, 400)
    (out / "written.txt").write_text(after, encoding="utf-8")
    return Result(bits, before, after)


def main(given: Sequence[str] | None = None) -> int:
    parser = arguments(__doc__, "language_model", 2000, files=40, units=128, batch=32, window=32)
    args = parser.parse_args(given)
    args.out.mkdir(parents=True, exist_ok=True)
    text = Text.of(library_text(args.files))
    print(f"{len(text.codes):,} characters of Python's library, {len(text.signs)} different ones")
    result = run(args.target, text, args.steps, args.out, args.batch, args.window, args.units)
    print(f"before training it writes:\n{result.before}\n")
    print(f"after it:\n{result.after}\n")
    first, last = np.mean(result.bits[:10]), np.mean(result.bits[-20:])
    print(f"{first:.2f} bits per character at first, {last:.2f} over the last 20 windows")
    print(f"text: {args.out / 'written.txt'}; curves: tensorboard --logdir {args.out}")
    return 0 if last < 0.75 * first else 1


if __name__ == "__main__":
    sys.exit(main())
