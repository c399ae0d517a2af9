"""A convolutional network learns to read handwritten digits, on a parameter server and two workers.

The weights live on `/job:ps/task:0`; each worker computes the loss and the gradients for its half of every batch;
the parameter server averages the gradients and updates the weights. The digits are scikit-learn's: 1,797 pictures of
8×8 grey values. Run it with `python -m examples.digits`; `--target local` keeps all devices in one process.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

import weft as tf

PS = "/job:ps/task:0"


@dataclass
class Digits:
    """Pictures `(n, 8, 8, 1)` with values from 0 to 1, and their labels `(n,)`."""

    train_x: np.ndarray[Any, Any]
    train_y: np.ndarray[Any, Any]
    test_x: np.ndarray[Any, Any]
    test_y: np.ndarray[Any, Any]

    def batches(self, size: int, seed: int) -> Iterator[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
        """Batches without end, in a new order every time through."""
        rng = np.random.default_rng(seed)
        while True:
            order = rng.permutation(len(self.train_x))
            for start in range(0, len(order) - size + 1, size):
                rows = order[start : start + size]
                yield self.train_x[rows], self.train_y[rows]


def load_digits(seed: int = 0) -> Digits:
    """scikit-learn's digits, shuffled; a fifth of them for the test."""
    from sklearn.datasets import load_digits as load

    raw = load()
    x = (raw.images / 16.0).astype(np.float32)[..., np.newaxis]
    y = raw.target.astype(np.int64)
    order = np.random.default_rng(seed).permutation(len(x))
    x, y = x[order], y[order]
    test = len(x) // 5
    return Digits(x[test:], y[test:], x[:test], y[:test])


@dataclass
class Weights:
    """The network's variables: two 5×5 convolutions, a dense layer, a softmax layer."""

    conv1: Any
    bias1: Any
    conv2: Any
    bias2: Any
    dense: Any
    bias3: Any
    out: Any
    bias4: Any


def make_weights(channels: int = 16, hidden: int = 64) -> Weights:
    """The variables, on the parameter server."""
    with tf.device(PS):
        weight = tf.truncated_normal_initializer(stddev=0.1)
        bias = tf.constant_initializer(0.1)
        return Weights(
            conv1=tf.get_variable("conv1/W", [5, 5, 1, channels], initializer=weight),
            bias1=tf.get_variable("conv1/b", [channels], initializer=bias),
            conv2=tf.get_variable("conv2/W", [5, 5, channels, 2 * channels], initializer=weight),
            bias2=tf.get_variable("conv2/b", [2 * channels], initializer=bias),
            dense=tf.get_variable("dense/W", [2 * 2 * 2 * channels, hidden], initializer=weight),
            bias3=tf.get_variable("dense/b", [hidden], initializer=bias),
            out=tf.get_variable("out/W", [hidden, 10], initializer=weight),
            bias4=tf.get_variable("out/b", [10], initializer=bias),
        )


def logits_of(x: tf.Tensor, w: Weights) -> tf.Tensor:
    """Scores `(n, 10)` of pictures `(n, 8, 8, 1)`."""
    h = tf.nn.relu(tf.nn.conv2d(x, w.conv1, strides=[1, 1, 1, 1], padding="SAME") + w.bias1)
    h = tf.nn.max_pool(h, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")
    h = tf.nn.relu(tf.nn.conv2d(h, w.conv2, strides=[1, 1, 1, 1], padding="SAME") + w.bias2)
    h = tf.nn.max_pool(h, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")
    h = tf.reshape(h, [-1, int(w.dense.shape[0])])
    h = tf.nn.relu(tf.matmul(h, w.dense) + w.bias3)
    return tf.matmul(h, w.out) + w.bias4


@dataclass
class Model:
    """The graph: inputs of each worker, what to train with, what to look at."""

    inputs: list[tuple[tf.Tensor, tf.Tensor]]
    loss: tf.Tensor
    train: tf.Operation
    accuracy: tf.Tensor
    summary: tf.Tensor


def build(workers: int = 2, rate: float = 0.002, seed: int = 1) -> Model:
    """Builds the graph: one tower per worker over shared weights."""
    tf.set_random_seed(seed)
    weights = make_weights()
    with tf.device(PS):
        optimizer = tf.train.AdamOptimizer(rate)
    inputs, losses, tower_grads, hits = [], [], [], []
    for task in range(workers):
        with tf.device(f"/job:worker/task:{task}"), tf.name_scope(f"tower{task}"):
            x = tf.placeholder(tf.float32, [None, 8, 8, 1], name="x")
            y = tf.placeholder(tf.int64, [None], name="y")
            logits = logits_of(x, weights)
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))
            hits.append(tf.reduce_mean(tf.cast(tf.equal(tf.argmax(logits, 1), y), tf.float32)))
            tower_grads.append(optimizer.compute_gradients(loss))
            inputs.append((x, y))
            losses.append(loss)
    with tf.device(PS):
        averaged = [
            (tf.add_n([g for g, _ in pairs]) / float(workers), pairs[0][1])
            for pairs in zip(*tower_grads, strict=True)
        ]
        train = optimizer.apply_gradients(averaged, name="train")
        loss = tf.divide(tf.add_n(losses), float(workers), name="loss")
        accuracy = tf.divide(tf.add_n(hits), float(workers), name="accuracy")
        summary = tf.summary.scalar("loss", loss)
    return Model(inputs, loss, train, accuracy, summary)


def feed(model: Model, x: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> dict[Any, Any]:
    """A batch, an equal part for each worker."""
    share = len(x) // len(model.inputs)
    return {
        tensor: part[i * share : (i + 1) * share]
        for i, (xs, ys) in enumerate(model.inputs)
        for tensor, part in ((xs, x), (ys, y))
    }


@dataclass
class Result:
    """What training came to."""

    losses: list[float]
    accuracy: float
    steps_per_second: float


def train(sess: tf.Session, model: Model, data: Digits, steps: int, batch: int, out: Path | None) -> Result:
    """Trains, showing progress; writes event files to `out`."""
    sess.run(tf.global_variables_initializer())
    batches = data.batches(batch, seed=0)
    writer = tf.summary.FileWriter(str(out), sess.graph) if out is not None else None
    losses: list[float] = []
    bar = tqdm(range(steps), desc="training", unit="step", file=sys.stderr, mininterval=0.5)
    started = time.perf_counter()
    for step in bar:
        _, loss, summary = sess.run([model.train, model.loss, model.summary], feed(model, *next(batches)))
        losses.append(float(loss))
        if writer is not None and step % 10 == 0:
            writer.add_summary(summary, step)
        if step % 20 == 0:
            bar.set_postfix(loss=f"{loss:.3f}")
    seconds = time.perf_counter() - started
    if writer is not None:
        writer.close()
    accuracy = sess.run(model.accuracy, feed(model, data.test_x[:-1], data.test_y[:-1]))
    return Result(losses, float(accuracy), steps / seconds)


def show_plan(sess: tf.Session, model: Model, data: Digits, out: Path, batch: int) -> float:
    """Prints where each op runs and what is sent; draws it; returns the predicted seconds of a step."""
    batch_feed = feed(model, *next(data.batches(batch, seed=0)))
    fetches = [model.train, model.loss, model.summary]
    plan = sess.plan(fetches, batch_feed)
    print(plan.text())
    picture = out / "placement.svg"
    sess.draw(picture, fetches, batch_feed)
    print(f"\npicture of the placement: {picture}")
    return float(plan.step_seconds)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--target", default="ray", help="local, ray, or ray://host:port (default: %(default)s)"
    )
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument(
        "--out", type=Path, default=Path("out/digits"), help="where event files and the picture go"
    )
    args = parser.parse_args(arguments)
    args.out.mkdir(parents=True, exist_ok=True)

    data = load_digits()
    model = build()
    cluster = tf.train.ClusterSpec({"ps": 1, "worker": 2})
    print(f"starting {cluster} on target {args.target!r}")
    with tf.Session(args.target, cluster=cluster) as sess:
        for device in sess.list_devices():
            print(f"  {device.name} ({device.backend})")
        predicted = show_plan(sess, model, data, args.out, args.batch)
        result = train(sess, model, data, args.steps, args.batch, args.out)
    print(
        f"loss: {result.losses[0]:.3f} at the start, {np.mean(result.losses[-20:]):.3f} over the last 20 steps"
    )
    print(f"test accuracy: {result.accuracy:.4f}")
    measured = 1 / result.steps_per_second
    print(
        f"{result.steps_per_second:.1f} steps per second: {measured * 1e3:.2f} ms a step, "
        f"{predicted * 1e3:.2f} ms predicted"
    )
    print(f"event files: {args.out} (look at them with: tensorboard --logdir {args.out})")
    return 0 if result.accuracy >= 0.95 else 1


if __name__ == "__main__":
    raise SystemExit(main())
