"""Image captions, as in Show and Tell: a convolutional encoder looks at a scene, an LSTM says what is in it.

The scenes are generated from a seed: two coloured shapes, side by side or one above the other; their captions say
so: "a red disc left of a blue cross". The encoder runs on one worker, the decoder on another; both are trained
together, and captions of new scenes are found by beam search. Run it with `python -m examples.captioning`.

Source:
    Vinyals et al., "Show and Tell: A Neural Image Caption Generator", 2015.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import weft as tf

from .common import arguments, progress
from .translation import Vocabulary

CLUSTER = {"worker": 2}
Array = np.ndarray[Any, Any]

COLOURS = {
    "red": (0.9, 0.15, 0.1),
    "green": (0.1, 0.75, 0.2),
    "blue": (0.15, 0.25, 0.95),
    "yellow": (0.95, 0.9, 0.1),
}
SHAPES = ("disc", "square", "cross")
PLACES = {"left of": (0, -1), "above": (-1, 0)}
"""Where the first shape is; said the other way round the caption would be as right, and could not be learned."""


def _mask(kind: str, y: Array, x: Array, radius: float) -> Array:
    """Which points around a centre belong to a shape."""
    if kind == "disc":
        return np.hypot(y, x) < radius
    if kind == "square":
        return np.maximum(abs(y), abs(x)) < 0.85 * radius
    return (np.minimum(abs(y), abs(x)) < 0.3 * radius) & (np.maximum(abs(y), abs(x)) < radius)


@dataclass
class Scenes:
    """Pictures `(n, size, size, 3)` with values from 0 to 1, and the words of their captions."""

    pictures: Array
    captions: list[list[str]]

    @classmethod
    def generated(cls, count: int, size: int = 24, seed: int = 0) -> Scenes:
        """Scenes of two shapes on a grey, noisy ground."""
        rng = np.random.default_rng(seed)
        rows, columns = np.mgrid[0:size, 0:size] / size
        pictures = np.empty((count, size, size, 3), np.float32)
        captions = []
        for picture in pictures:
            picture[:] = rng.uniform(0.3, 0.5)
            place = str(rng.choice(list(PLACES)))
            words = []
            for sign, part in ((1, "a"), (-1, "a")):
                colour, shape = str(rng.choice(list(COLOURS))), str(rng.choice(SHAPES))
                dy, dx = (0.25 * sign * step for step in PLACES[place])
                cy, cx = 0.5 + dy + rng.uniform(-0.05, 0.05), 0.5 + dx + rng.uniform(-0.05, 0.05)
                picture[_mask(shape, rows - cy, columns - cx, rng.uniform(0.19, 0.23))] = COLOURS[colour]
                words.append([part, colour, shape])
            picture += rng.normal(0, 0.03, picture.shape)
            captions.append([*words[0], *place.split(), *words[1]])
        return cls(np.clip(pictures, 0, 1), captions)

    def batches(self, size: int, seed: int) -> Iterator[Array]:
        """Numbers of the scenes of each batch, without end."""
        rng = np.random.default_rng(seed)
        while True:
            order = rng.permutation(len(self.pictures))
            for start in range(0, len(order) - size + 1, size):
                yield order[start : start + size]


@dataclass
class Model:
    """The graph: pictures, captions with their lengths, one training step, the loss, captions by beam search."""

    pictures: tf.Tensor
    captions: tf.Tensor
    lengths: tf.Tensor
    train: tf.Operation
    loss: tf.Tensor
    beams: tf.Tensor
    scores: tf.Tensor


def encoded(pictures: tf.Tensor, units: int) -> tf.Tensor:
    """What the convolutional encoder sees in pictures: `(n, units)`."""
    values = pictures - 0.4
    for number, channels in enumerate((16, 32, 32)):
        values = tf.layers.conv2d(
            values,
            channels,
            5 if number == 0 else 3,
            strides=2,
            padding="same",
            activation=tf.nn.relu,
            name=f"conv{number}",
        )
    return tf.layers.dense(tf.layers.flatten(values), units, activation=tf.nn.tanh, name="seen")


def build(words: int, size: int, units: int, beams: int, longest: int, rate: float, seed: int = 1) -> Model:
    """The graph: encoder on the first worker, decoder and search on the second."""
    tf.set_random_seed(seed)
    seq2seq = tf.contrib.seq2seq
    with tf.device("/job:worker/task:0"):
        pictures = tf.placeholder(tf.float32, [None, size, size, 3], name="pictures")
        seen = encoded(pictures, units)
    with tf.device("/job:worker/task:1"):
        captions = tf.placeholder(tf.int32, [None, None], name="captions")
        lengths = tf.placeholder(tf.int32, [None], name="lengths")
        embedding = tf.get_variable("embedding", [words, units])
        cell = tf.nn.rnn_cell.BasicLSTMCell(units)
        output = tf.layers.Dense(words, name="output")
        # The picture comes before the first word, as in the paper: it sets the decoder's state.
        state = tf.nn.rnn_cell.LSTMStateTuple(seen, tf.layers.dense(seen, units, name="first_output"))
        begin = tf.ones_like(captions[:, :1])
        fed = tf.nn.embedding_lookup(embedding, tf.concat([begin, captions[:, :-1]], 1))
        values, _ = tf.nn.dynamic_rnn(cell, fed, lengths, initial_state=state, scope="decoder")
        with tf.variable_scope("decoder"):
            logits = output(values)
        weights = tf.sequence_mask(lengths, tf.shape(captions)[1], tf.float32)
        loss = seq2seq.sequence_loss(logits, captions, weights)
    step = tf.train.get_or_create_global_step()
    train = tf.train.AdamOptimizer(rate).minimize(loss, step, name="train")
    tf.summary.scalar("loss", loss)
    with tf.device("/job:worker/task:1"), tf.variable_scope(tf.get_variable_scope(), reuse=True):
        rows = tf.shape(seen)[0]
        decoder = seq2seq.BeamSearchDecoder(
            cell,
            embedding,
            tf.ones([rows], tf.int32),
            0,
            seq2seq.tile_batch(state, beams),
            beams,
            output_layer=output,
        )
        found, last, _ = seq2seq.dynamic_decode(decoder, maximum_iterations=longest)
    return Model(pictures, captions, lengths, train, loss, found.predicted_ids, last.log_probs)


@dataclass
class Result:
    """What came of it: losses, the share of new scenes whose caption is right, the share of right words, captions."""

    losses: list[float]
    right: float
    words: float
    said: list[list[str]]


def run(
    target: str,
    train: Scenes,
    test: Scenes,
    steps: int,
    out: Path,
    batch: int = 64,
    units: int = 96,
    rate: float = 0.003,
) -> Result:
    """Trains, and says what is in the test's scenes; event files go to `out`."""
    vocabulary = Vocabulary.of(train.captions)
    codes, lengths = vocabulary.codes(train.captions)
    with tf.Graph().as_default():
        model = build(len(vocabulary.words), train.pictures.shape[1], units, 3, codes.shape[1], rate)
        summary = tf.summary.merge_all()
        source = train.batches(batch, seed=0)
        with (
            tf.Session(target, cluster=CLUSTER) as session,
            tf.summary.FileWriter(out, session.graph) as writer,
        ):
            session.run(tf.global_variables_initializer())
            losses = []
            for step in (bar := progress(steps)):
                rows = next(source)
                feeds = {
                    model.pictures: train.pictures[rows],
                    model.captions: codes[rows],
                    model.lengths: lengths[rows],
                }
                value, events, _ = session.run([model.loss, summary, model.train], feeds)
                losses.append(float(value))
                if step % 20 == 0:
                    writer.add_summary(events, step)
                    bar.set_postfix(loss=f"{np.mean(losses[-20:]):.3f}", refresh=False)
            ids = session.run(model.beams, {model.pictures: test.pictures})
    said = [vocabulary.text(row) for row in ids[:, :, 0]]
    right = float(np.mean([got == caption for got, caption in zip(said, test.captions, strict=True)]))
    pairs = [
        w == v
        for got, caption in zip(said, test.captions, strict=True)
        for w, v in itertools.zip_longest(got, caption)
    ]
    return Result(losses, right, float(np.mean(pairs)), said)


def draw(path: Path, scenes: Scenes, said: Sequence[Sequence[str]], count: int = 12) -> None:
    """A picture of scenes with what was said of them; wrong captions in red."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 9), layout="constrained")
    for number in range(min(count, len(said))):
        axes = figure.add_subplot(3, 4, number + 1)
        axes.imshow(scenes.pictures[number])
        words = " ".join(said[number]).replace(" a ", "\na ", 1) if said[number] else ""
        axes.set_title(
            words, fontsize=9, color="black" if list(said[number]) == scenes.captions[number] else "red"
        )
        axes.set_axis_off()
    figure.savefig(path)


def main(given: Sequence[str] | None = None) -> int:
    parser = arguments(__doc__, "captioning", 1500, scenes=6000, size=24, units=96)
    args = parser.parse_args(given)
    args.out.mkdir(parents=True, exist_ok=True)
    train = Scenes.generated(args.scenes, args.size, seed=0)
    test = Scenes.generated(200, args.size, seed=1)
    print(f"{len(train.pictures):,} generated scenes to learn from, {len(test.pictures)} others to try")
    result = run(args.target, train, test, args.steps, args.out, units=args.units)
    for words, caption in list(zip(result.said, test.captions, strict=True))[:8]:
        wrong = "" if words == caption else f"  (it is {' '.join(caption)})"
        print(f"  {' '.join(words)}{wrong}")
    draw(args.out / "captions.png", test, result.said)
    print(f"loss {result.losses[0]:.2f} to {np.mean(result.losses[-20:]):.3f}")
    print(f"{result.right:.1%} of the new scenes are described without a mistake")
    print(f"scenes and captions: {args.out / 'captions.png'}; curves: tensorboard --logdir {args.out}")
    return 0 if result.right > 0.7 else 1


if __name__ == "__main__":
    sys.exit(main())
