"""Word vectors by skip-gram with sampled losses, from the sources and documentation of the Python library.

Words are what is between other signs in the library's docstrings, so the text is on every machine. The vectors are cut
over two parameter servers; two workers compute the losses. At the end it shows the nearest words of some, and
writes vectors and words for TensorBoard's projector. Run it with `python -m examples.embeddings`.

Source:
    Mikolov et al., "Distributed Representations of Words and Phrases and their Compositionality", 2013.
"""

from __future__ import annotations

import ast
import re
import sys
import sysconfig
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import weft as tf

from .common import arguments, progress

CLUSTER = {"ps": 2, "worker": 2}
Array = np.ndarray[Any, Any]


def library_words(files: int) -> list[str]:
    """The words of the docstrings in the first files of Python's library, in order."""
    found: list[str] = []
    library = Path(sysconfig.get_paths()["stdlib"])
    paths = sorted(p for p in library.rglob("*.py") if not {"site-packages", "test", "tests"} & set(p.parts))
    for path in paths[:files]:
        try:
            tree = ast.parse(path.read_text(encoding="utf-8", errors="replace"))
        except SyntaxError:
            continue
        for node in ast.walk(tree):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
                found += re.findall(r"[a-z]+(?:'[a-z]+)?", (ast.get_docstring(node) or "").lower())
    return found


@dataclass
class Corpus:
    """A text as numbers.

    Attributes:
        words: the words, the most frequent first; the first stands for all others.
        text: index of each word of the text, `(length,)`.
    """

    words: list[str]
    text: Array

    @classmethod
    def of(cls, words: Sequence[str], size: int) -> Corpus:
        """A text with its `size` most frequent words."""
        listed = ["(other)", *(w for w, _ in Counter(words).most_common(size - 1))]
        index = {w: i for i, w in enumerate(listed)}
        return cls(listed, np.array([index.get(w, 0) for w in words], np.int64))

    def pairs(self, batch: int, window: int, seed: int) -> Iterator[tuple[Array, Array]]:
        """Batches of words and of one of the words around each, without end; frequent words are left out at times."""
        rng = np.random.default_rng(seed)
        share = np.bincount(self.text, minlength=len(self.words)) / len(self.text)
        keep = np.minimum(1, np.sqrt(0.5 / len(self.words) / np.maximum(share, 1e-9)))
        while True:
            text = self.text[rng.random(len(self.text)) < keep[self.text]]
            text = text[text > 0]
            centres = rng.permutation(np.arange(window, len(text) - window))
            for start in range(0, len(centres) - batch + 1, batch):
                at = centres[start : start + batch]
                offset = rng.integers(1, window + 1, batch) * rng.choice([-1, 1], batch)
                yield text[at], text[at + offset]


@dataclass
class Model:
    """The graph: inputs of each worker, one step, the loss, the vectors of length one, neighbours of asked words."""

    inputs: list[tuple[tf.Tensor, tf.Tensor]]
    train: tf.Operation
    loss: tf.Tensor
    vectors: tf.Tensor
    asked: tf.Tensor
    nearest: Any


def build(words: int, width: int, sampled: int, rate: float, seed: int = 1) -> Model:
    """The graph: vectors in two parts on the parameter servers, a tower on each worker."""
    tf.set_random_seed(seed)
    with tf.device(tf.train.replica_device_setter(cluster=CLUSTER)):
        parts = tf.fixed_size_partitioner(CLUSTER["ps"])
        vectors = tf.get_variable(
            "vectors",
            [words, width],
            initializer=tf.random_uniform_initializer(-0.5 / width, 0.5 / width),
            partitioner=parts,
        )
        weights = tf.get_variable(
            "nce/weights", [words, width], initializer=tf.zeros_initializer(), partitioner=parts
        )
        biases = tf.get_variable("nce/biases", [words], initializer=tf.zeros_initializer())
    inputs, losses = [], []
    for task in range(CLUSTER["worker"]):
        with tf.device(f"/job:worker/task:{task}"):
            centre = tf.placeholder(tf.int64, [None], name=f"centre{task}")
            around = tf.placeholder(tf.int64, [None, 1], name=f"around{task}")
            codes = tf.nn.embedding_lookup(vectors, centre, partition_strategy="div")
            loss = tf.nn.nce_loss(weights, biases, around, codes, sampled, words, partition_strategy="div")
            losses.append(tf.reduce_mean(loss))
            inputs.append((centre, around))
    loss = tf.add_n(losses) / len(losses)
    train = tf.train.AdagradOptimizer(rate).minimize(loss, tf.train.get_or_create_global_step())
    unit = tf.nn.l2_normalize(tf.convert_to_tensor(vectors), 1)
    asked = tf.placeholder(tf.int64, [None], name="asked")
    nearest = tf.nn.top_k(tf.matmul(tf.gather(unit, asked), unit, transpose_b=True), 9)
    tf.summary.scalar("loss", loss)
    return Model(inputs, train, loss, unit, asked, nearest)


@dataclass
class Result:
    """What came of it: losses, vectors `(words, width)`, the nearest words of some."""

    losses: list[float]
    vectors: Array
    nearest: dict[str, list[str]]


def run(
    target: str, corpus: Corpus, steps: int, batch: int, width: int, out: Path, ask: Sequence[str]
) -> Result:
    """Trains; writes event files, vectors and words."""
    with tf.Graph().as_default():
        model = build(len(corpus.words), width, sampled=min(48, len(corpus.words) // 2), rate=1.0)
        summary = tf.summary.merge_all()
        source = corpus.pairs(batch, 2, seed=0)
        with (
            tf.Session(target, cluster=CLUSTER) as session,
            tf.summary.FileWriter(out, session.graph) as writer,
        ):
            session.run(tf.global_variables_initializer())
            losses = []
            for step in (bar := progress(steps)):
                feeds: dict[Any, Any] = {}
                for centre, around in model.inputs:
                    feeds[centre], words = next(source)
                    feeds[around] = words[:, np.newaxis]
                value, text, _ = session.run([model.loss, summary, model.train], feeds)
                losses.append(float(value))
                if step % 20 == 0:
                    writer.add_summary(text, step)
                    bar.set_postfix(loss=f"{np.mean(losses[-20:]):.2f}", refresh=False)
            asked = [w for w in ask if w in corpus.words]
            rows = session.run(model.nearest, {model.asked: [corpus.words.index(w) for w in asked]})[1]
            vectors = session.run(model.vectors)
    nearest = {
        w: [corpus.words[i] for i in row if corpus.words[i] != w][:8]
        for w, row in zip(asked, rows, strict=True)
    }
    write_projector(out, vectors, corpus.words)
    return Result(losses, vectors, nearest)


def write_projector(out: Path, vectors: Array, words: Sequence[str]) -> None:
    """Vectors and words in the form that TensorBoard's projector reads."""
    np.savetxt(out / "vectors.tsv", vectors, fmt="%.5g", delimiter="\t")
    (out / "words.tsv").write_text("\n".join(words) + "\n", encoding="utf-8")
    (out / "projector_config.pbtxt").write_text(
        'embeddings { tensor_name: "vectors" tensor_path: "vectors.tsv" metadata_path: "words.tsv" }\n',
        encoding="utf-8",
    )


def main(given: Sequence[str] | None = None) -> int:
    parser = arguments(__doc__, "embeddings", 6000, batch=256, width=32, words=1500, files=1000)
    args = parser.parse_args(given)
    args.out.mkdir(parents=True, exist_ok=True)
    corpus = Corpus.of(library_words(args.files), args.words)
    print(f"{len(corpus.text):,} words of docstrings, {len(corpus.words):,} different ones are kept")
    ask = ["true", "string", "file", "method", "error", "first", "two", "read", "list", "server"]
    result = run(args.target, corpus, args.steps, args.batch, args.width, args.out, ask)
    for word, near in result.nearest.items():
        print(f"  {word:8} {', '.join(near)}")
    print(f"loss {result.losses[0]:.1f} to {np.mean(result.losses[-50:]):.2f}")
    print(f"look at the words with: tensorboard --logdir {args.out} (page Projector)")
    return 0 if np.mean(result.losses[-50:]) < 0.5 * result.losses[0] else 1


if __name__ == "__main__":
    sys.exit(main())
