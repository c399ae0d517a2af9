"""Digits read by softmax regression, then by a two-layer convolutional network with dropout, with TensorBoard.

Variables are on a parameter server, each of two workers computes half of every batch. Scalars, histograms, pictures,
the graph with its devices and the compute times of one traced step are written for TensorBoard, and the pictures'
codes for its projector. Run it with `python -m examples.softmax_and_conv --model conv`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import weft as tf

from .common import arguments, progress
from .digits import Digits, load_digits

CLUSTER = {"ps": 1, "worker": 2}


@dataclass
class Model:
    """The graph: inputs of each worker, what is run, what is looked at."""

    inputs: list[tuple[tf.Tensor, tf.Tensor]]
    keep: tf.Tensor
    train: tf.Operation
    loss: tf.Tensor
    accuracy: tf.Tensor
    codes: tf.Tensor
    summary: tf.Tensor


def softmax(x: tf.Tensor, keep: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Scores `(n, 10)` that are linear in the pixels; and what they are made of."""
    del keep
    flat = tf.layers.flatten(x)
    return tf.layers.dense(flat, 10, name="softmax"), flat


def conv_net(x: tf.Tensor, keep: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Scores `(n, 10)` of two convolutions, a dense layer with dropout, and a last layer; and its inputs."""
    h = tf.layers.conv2d(x, 16, 5, padding="same", activation=tf.nn.relu, name="conv1")
    h = tf.layers.max_pooling2d(h, 2, 2)
    h = tf.layers.conv2d(h, 32, 5, padding="same", activation=tf.nn.relu, name="conv2")
    h = tf.layers.max_pooling2d(h, 2, 2)
    h = tf.layers.dense(tf.layers.flatten(h), 64, activation=tf.nn.relu, name="dense")
    return tf.layers.dense(tf.nn.dropout(h, keep_prob=keep), 10, name="out"), h


def build(kind: str, rate: float, seed: int = 1) -> Model:
    """The graph: one tower per worker over shared variables."""
    tf.set_random_seed(seed)
    network = {"softmax": softmax, "conv": conv_net}[kind]
    with tf.device("/job:ps/task:0"):
        keep = tf.placeholder_with_default(tf.constant(1.0), [], name="keep")
        optimizer = tf.train.AdamOptimizer(rate)
    inputs, losses, hits, codes, grads = [], [], [], [], []
    for task in range(CLUSTER["worker"]):
        setter = tf.train.replica_device_setter(worker_device=f"/job:worker/task:{task}", cluster=CLUSTER)
        with tf.device(setter), tf.variable_scope("model", reuse=task > 0), tf.name_scope(f"tower{task}"):
            x = tf.placeholder(tf.float32, [None, 8, 8, 1], name="x")
            y = tf.placeholder(tf.int64, [None], name="y")
            scores, code = network(x, keep)
            loss = tf.losses.sparse_softmax_cross_entropy(y, scores)
            hits.append(tf.reduce_mean(tf.to_float(tf.equal(tf.argmax(scores, 1), y))))
            grads.append(optimizer.compute_gradients(loss, colocate_gradients_with_ops=True))
            inputs.append((x, y))
            losses.append(loss)
            codes.append(code)
    with tf.device("/job:ps/task:0"):
        mean = [
            (tf.add_n([g for g, _ in pairs]) / len(inputs), pairs[0][1]) for pairs in zip(*grads, strict=True)
        ]
        train = optimizer.apply_gradients(mean, tf.train.get_or_create_global_step())
        loss, accuracy = tf.add_n(losses) / len(inputs), tf.add_n(hits) / len(inputs)
        tf.summary.scalar("loss", loss)
        tf.summary.scalar("accuracy", accuracy)
        tf.summary.image("digits", inputs[0][0], max_outputs=3)
        for variable in tf.trainable_variables():
            tf.summary.histogram(variable.op.name, variable)
        summary = tf.summary.merge_all()
    return Model(inputs, keep, train, loss, accuracy, tf.concat(codes, 0), summary)


def feed(model: Model, x: Any, y: Any, keep: float = 1.0) -> dict[Any, Any]:
    """A batch, an equal part for each worker."""
    share = len(x) // len(model.inputs)
    parts: dict[Any, Any] = {model.keep: keep}
    for i, (xs, ys) in enumerate(model.inputs):
        parts[xs], parts[ys] = x[i * share : (i + 1) * share], y[i * share : (i + 1) * share]
    return parts


def train(
    session: tf.Session, model: Model, data: Digits, steps: int, out: Path
) -> tuple[list[float], float]:
    """Trains and writes what TensorBoard shows; the losses, and the accuracy on the test pictures."""
    session.run(tf.global_variables_initializer())
    batches = data.batches(64, seed=0)
    losses = []
    with tf.summary.FileWriter(out, session.graph) as writer:
        for step in (bar := progress(steps)):
            batch = feed(model, *next(batches), keep=0.7)
            if step == steps // 2:
                metadata = tf.RunMetadata()
                session.run(model.train, batch, tf.RunOptions(tf.RunOptions.FULL_TRACE), metadata)
                writer.add_run_metadata(metadata, f"step {step}", step)
            value, text, _ = session.run([model.loss, model.summary, model.train], batch)
            losses.append(float(value))
            if step % 10 == 0 or step == steps - 1:
                writer.add_summary(text, step)
                bar.set_postfix(loss=f"{value:.3f}", refresh=False)
    even = len(data.test_x) // 2 * 2
    test = feed(model, data.test_x[:even], data.test_y[:even])
    accuracy, codes = session.run([model.accuracy, model.codes], test)
    write_projector(out, codes, data.test_y[:even])
    return losses, float(accuracy)


def write_projector(out: Path, codes: Any, labels: Any) -> None:
    """Codes and labels in the form that TensorBoard's projector reads."""
    np.savetxt(out / "codes.tsv", codes, fmt="%.5g", delimiter="\t")
    (out / "labels.tsv").write_text("\n".join(str(int(v)) for v in labels) + "\n", encoding="utf-8")
    (out / "projector_config.pbtxt").write_text(
        'embeddings { tensor_name: "digits" tensor_path: "codes.tsv" metadata_path: "labels.tsv" }\n',
        encoding="utf-8",
    )


def main(given: Sequence[str] | None = None) -> int:
    parser = arguments(__doc__, "softmax_and_conv", 300)
    parser.add_argument("--model", choices=["softmax", "conv", "both"], default="both")
    args = parser.parse_args(given)
    data = load_digits()
    reached = []
    for kind, rate in (("softmax", 0.02), ("conv", 0.003)):
        if args.model not in (kind, "both"):
            continue
        out = args.out / kind
        out.mkdir(parents=True, exist_ok=True)
        with tf.Graph().as_default():
            model = build(kind, rate)
            with tf.Session(args.target, cluster=CLUSTER) as session:
                losses, accuracy = train(session, model, data, args.steps, out)
        print(f"{kind}: loss {losses[0]:.3f} to {np.mean(losses[-20:]):.3f}, test accuracy {accuracy:.4f}")
        reached.append(accuracy)
    print(f"look at it with: tensorboard --logdir {args.out}")
    return 0 if min(reached) > 0.9 else 1


if __name__ == "__main__":
    sys.exit(main())
