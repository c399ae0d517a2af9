"""Translation with attention and beam search: numbers and dates in words become digits.

The language pair is generated from a seed: "four hundred and twelve" is "412", "the third of may nineteen
ninety one" is "1991-05-03". An encoder in both directions reads the words on one worker; a decoder that looks
back at them writes the digits on another. It shows where the decoder looks, and translates sentences that it has
never seen. Run it with `python -m examples.translation`.

Source:
    Bahdanau et al., "Neural Machine Translation by Jointly Learning to Align and Translate", 2015; Luong et al.,
    "Effective Approaches to Attention-based Neural Machine Translation", 2015.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import weft as tf

from .common import arguments, progress

CLUSTER = {"worker": 2}
Array = np.ndarray[Any, Any]
Pair = tuple[list[str], list[str]]

ONES = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
ORDINALS = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
    "twentieth",
]


def number_words(n: int) -> list[str]:
    """A number below a million in words."""
    if n < 20:
        return [ONES[n]]
    if n < 100:
        return [TENS[n // 10 - 2], *([ONES[n % 10]] if n % 10 else [])]
    if n < 1000:
        return [ONES[n // 100], "hundred", *(["and", *number_words(n % 100)] if n % 100 else [])]
    rest = n % 1000
    return [*number_words(n // 1000), "thousand", *(number_words(rest) if rest else [])]


def day_words(day: int) -> list[str]:
    """A day of a month in words."""
    if day <= 20:
        return [ORDINALS[day - 1]]
    return ["thirtieth"] if day == 30 else [TENS[day // 10 - 2], ORDINALS[day % 10 - 1]]


def sentence(rng: np.random.Generator, largest: int, dates: float) -> Pair:
    """A number or a date: its words, and its digits."""
    if rng.random() < dates:
        day, month, year = rng.integers(1, 29), rng.integers(1, 13), int(rng.integers(1910, 2000))
        words = ["the", *day_words(int(day)), "of", MONTHS[month - 1], "nineteen", *number_words(year % 100)]
        return words, list(f"{year}-{month:02}-{day:02}")
    # Small numbers are as frequent as large ones.
    n = int(np.exp(rng.uniform(0, np.log(largest))))
    return number_words(n), list(str(n))


@dataclass
class Vocabulary:
    """Words and their numbers: 0 ends a sentence and fills it up, 1 begins one."""

    words: list[str]

    @classmethod
    def of(cls, sentences: Sequence[Sequence[str]]) -> Vocabulary:
        return cls(["</s>", "<s>", *sorted({w for s in sentences for w in s})])

    def codes(self, sentences: Sequence[Sequence[str]], longest: int = 0) -> tuple[Array, Array]:
        """The sentences as numbers, each with its end, `(n, longest)`, and their lengths."""
        index = {w: i for i, w in enumerate(self.words)}
        lengths = np.array([len(s) + 1 for s in sentences], np.int32)
        table = np.zeros((len(sentences), max(longest, lengths.max())), np.int32)
        for row, words in enumerate(sentences):
            table[row, : len(words)] = [index[w] for w in words]
        return table, lengths

    def text(self, codes: Sequence[int]) -> list[str]:
        """The words of a sentence up to its end."""
        listed = [int(c) for c in codes]
        return [self.words[c] for c in (listed[: listed.index(0)] if 0 in listed else listed)]


@dataclass
class Model:
    """The graph: inputs, one training step, the loss, the best sentences of a beam search, where the decoder looks."""

    source: tf.Tensor
    source_lengths: tf.Tensor
    target: tf.Tensor
    target_lengths: tf.Tensor
    train: tf.Operation
    loss: tf.Tensor
    beams: tf.Tensor
    looks: tf.Tensor


def encoded(ids: tf.Tensor, lengths: tf.Tensor, words: int, units: int) -> tuple[tf.Tensor, Any]:
    """What an encoder in both directions makes of sentences: `(batch, time, units)`, and a state for the decoder."""
    embedding = tf.get_variable("source_embedding", [words, units // 2])
    cells = [tf.nn.rnn_cell.GRUCell(units // 2) for _ in "fb"]
    outputs, states = tf.nn.bidirectional_dynamic_rnn(
        *cells, tf.nn.embedding_lookup(embedding, ids), lengths, dtype=tf.float32, scope="encoder"
    )
    return tf.concat(outputs, 2), tf.concat(states, 1)


def attentive_cell(memory: tf.Tensor, lengths: tf.Tensor, state: tf.Tensor, units: int, looks: bool) -> Any:
    """A cell that looks at the memory in every step, begun with a state."""
    mechanism = tf.contrib.seq2seq.LuongAttention(units, memory, lengths, scale=True)
    return tf.contrib.seq2seq.AttentionWrapper(
        tf.nn.rnn_cell.GRUCell(units),
        mechanism,
        attention_layer_size=units,
        alignment_history=looks,
        initial_cell_state=state,
    )


def decoder_loss(
    cell: Any, target: tf.Tensor, lengths: tf.Tensor, embedding: Any, output: Any, batch: Any
) -> tf.Tensor:
    """Cross entropy of the known sentences: the decoder is given each word to find the next."""
    begin = tf.ones_like(target[:, :1])
    fed = tf.nn.embedding_lookup(embedding, tf.concat([begin, target[:, :-1]], 1))
    values, _ = tf.nn.dynamic_rnn(
        cell, fed, lengths, initial_state=cell.zero_state(batch, tf.float32), scope="decoder"
    )
    with tf.variable_scope("decoder"):
        logits = output(values)
    weights = tf.sequence_mask(lengths, tf.shape(target)[1], tf.float32)
    return tf.contrib.seq2seq.sequence_loss(logits, target, weights)


def build(words: int, digits: int, units: int, beams: int, longest: int, rate: float, seed: int = 1) -> Model:
    """The graph: the encoder on the first worker, the decoder on the second; the search shares its weights."""
    tf.set_random_seed(seed)
    seq2seq = tf.contrib.seq2seq
    with tf.device("/job:worker/task:0"):
        source = tf.placeholder(tf.int32, [None, None], name="source")
        source_lengths = tf.placeholder(tf.int32, [None], name="source_lengths")
        memory, state = encoded(source, source_lengths, words, units)
    with tf.device("/job:worker/task:1"):
        target = tf.placeholder(tf.int32, [None, None], name="target")
        target_lengths = tf.placeholder(tf.int32, [None], name="target_lengths")
        embedding = tf.get_variable("target_embedding", [digits, units // 2])
        output = tf.layers.Dense(digits, use_bias=False, name="output")
        batch = tf.shape(target)[0]
        cell = attentive_cell(memory, source_lengths, state, units, looks=False)
        loss = decoder_loss(cell, target, target_lengths, embedding, output, batch)
    variables = tf.trainable_variables()
    grads, _ = tf.clip_by_global_norm(tf.gradients(loss, variables), 5.0)
    step = tf.train.get_or_create_global_step()
    optimizer = tf.train.AdamOptimizer(tf.train.exponential_decay(rate, step, 500, 0.7))
    train = optimizer.apply_gradients(zip(grads, variables, strict=True), step, name="train")
    tf.summary.scalar("loss", loss)
    with tf.device("/job:worker/task:1"), tf.variable_scope(tf.get_variable_scope(), reuse=True):
        tiled = [seq2seq.tile_batch(t, beams) for t in (memory, source_lengths, state)]
        searching = attentive_cell(*tiled, units, looks=True)
        rows = tf.shape(source)[0]
        decoder = seq2seq.BeamSearchDecoder(
            searching,
            embedding,
            tf.ones([rows], tf.int32),
            0,
            searching.zero_state(rows * beams, tf.float32),
            beams,
            output_layer=output,
            length_penalty_weight=0.6,
        )
        found, last, _ = seq2seq.dynamic_decode(decoder, maximum_iterations=longest)
        looks = tf.transpose(last.cell_state.alignment_history, [1, 2, 0, 3])
    return Model(source, source_lengths, target, target_lengths, train, loss, found.predicted_ids, looks)


@dataclass
class Data:
    """Sentences to learn from and others to try, the words of both languages, what stands between the words put out."""

    train: list[Pair]
    test: list[Pair]
    source: Vocabulary
    target: Vocabulary
    joint: str = ""

    def __post_init__(self) -> None:
        pairs = [*self.train, *self.test]
        self.longest = [max(len(p[side]) for p in pairs) + 1 for side in (0, 1)]

    @classmethod
    def generated(cls, count: int, largest: int, dates: float, seed: int = 0) -> Data:
        """Different sentences, generated from a seed; a twentieth is kept for the trial."""
        rng = np.random.default_rng(seed)
        found: dict[tuple[str, ...], Pair] = {}
        for _ in range(4 * count):
            pair = sentence(rng, largest, dates)
            found.setdefault(tuple(pair[0]), pair)
            if len(found) == count:
                break
        pairs = [list(found.values())[i] for i in rng.permutation(len(found))]
        kept = max(20, len(pairs) // 20)
        vocabularies = [Vocabulary.of([p[side] for p in pairs]) for side in (0, 1)]
        return cls(pairs[kept:], pairs[:kept], *vocabularies)

    def feeds(self, model: Model, pairs: Sequence[Pair]) -> dict[Any, Any]:
        """What to feed for some sentences. All batches are of one length, so that one plan does for all."""
        source, source_lengths = self.source.codes([p[0] for p in pairs], self.longest[0])
        target, target_lengths = self.target.codes([p[1] for p in pairs], self.longest[1])
        return {
            model.source: source,
            model.source_lengths: source_lengths,
            model.target: target,
            model.target_lengths: target_lengths,
        }

    def batches(self, size: int, seed: int) -> Iterator[list[Pair]]:
        """Batches without end."""
        rng = np.random.default_rng(seed)
        while True:
            order = rng.permutation(len(self.train))
            for start in range(0, len(order) - size + 1, size):
                yield [self.train[i] for i in order[start : start + size]]


@dataclass
class Result:
    """What came of it: losses, the share of unseen sentences that come out right, some of them, a look."""

    losses: list[float]
    right: float
    examples: list[tuple[str, str, str]]
    looks: tuple[list[str], list[str], Array]


def translated(
    session: tf.Session, model: Model, data: Data, pairs: Sequence[Pair]
) -> tuple[list[list[str]], Array]:
    """The best translation of each sentence, and where the decoder looked, `(n, digits, words)`."""
    given = data.feeds(model, pairs)
    feeds = {k: v for k, v in given.items() if k in (model.source, model.source_lengths)}
    ids, looks = session.run([model.beams, model.looks], feeds)
    return [data.target.text(row) for row in ids[:, :, 0]], looks[:, 0]


def run(
    target: str, data: Data, steps: int, out: Path, batch: int = 64, units: int = 96, rate: float = 0.01
) -> Result:
    """Trains and translates; event files and the picture of the attention go to `out`."""
    with tf.Graph().as_default():
        model = build(len(data.source.words), len(data.target.words), units, 4, data.longest[1], rate)
        summary = tf.summary.merge_all()
        source = data.batches(batch, seed=0)
        with (
            tf.Session(target, cluster=CLUSTER) as session,
            tf.summary.FileWriter(out, session.graph) as writer,
        ):
            session.run(tf.global_variables_initializer())
            losses = []
            for step in (bar := progress(steps)):
                fetches = [model.loss, summary, model.train]
                value, events, _ = session.run(fetches, data.feeds(model, next(source)))
                losses.append(float(value))
                if step % 20 == 0:
                    writer.add_summary(events, step)
                    bar.set_postfix(loss=f"{np.mean(losses[-20:]):.3f}", refresh=False)
            found, looks = translated(session, model, data, data.test)
    right = float(np.mean([got == pair[1] for got, pair in zip(found, data.test, strict=True)]))
    examples = [
        (" ".join(p[0]), data.joint.join(p[1]), data.joint.join(got))
        for p, got in zip(data.test[:8], found, strict=False)
    ]
    at = max(range(len(found)), key=lambda i: len(data.test[i][0]))
    words, digits = [*data.test[at][0], "</s>"], [*found[at], "</s>"]
    return Result(losses, right, examples, (words, digits, looks[at, : len(digits), : len(words)]))


def draw_looks(path: Path, words: Sequence[str], digits: Sequence[str], looks: Array) -> None:
    """A picture of how much each digit was looked up in each word."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(0.6 * len(words) + 1, 0.4 * len(digits) + 1.2), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(looks, cmap="Greys", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(words)), words, rotation=60)
    axes.set_yticks(range(len(digits)), digits)
    figure.savefig(path)


def main(given: Sequence[str] | None = None) -> int:
    parser = arguments(__doc__, "translation", 1500, sentences=20000, largest=999999, dates=0.4, units=128)
    args = parser.parse_args(given)
    args.out.mkdir(parents=True, exist_ok=True)
    data = Data.generated(args.sentences, args.largest, args.dates)
    print(
        f"{len(data.train):,} generated sentences to learn from, {len(data.test)} others to try; "
        f"{len(data.source.words)} words, {len(data.target.words)} signs"
    )
    result = run(args.target, data, args.steps, args.out, units=args.units)
    for words, digits, got in result.examples:
        print(f"  {words}  ->  {got}{'' if got == digits else f'  (wrong: {digits})'}")
    draw_looks(args.out / "attention.png", *result.looks)
    print(f"loss {result.losses[0]:.2f} to {np.mean(result.losses[-20:]):.3f}")
    print(f"{result.right:.1%} of the sentences that it has never seen come out right")
    print(f"where it looks: {args.out / 'attention.png'}; curves: tensorboard --logdir {args.out}")
    return 0 if result.right > 0.8 else 1


if __name__ == "__main__":
    sys.exit(main())
