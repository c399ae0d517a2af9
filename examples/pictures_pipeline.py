"""An input pipeline for JPEG files on several workers, and a network that trains on what comes out of it.

File names are on the first device; each worker reads files, decodes them, cuts and colours them anew each time, and
puts examples into one queue; another device makes batches and trains on them. The files are generated with a seed the
first time: coloured shapes, one folder per kind. Run it with `python -m examples.pictures_pipeline --workers 3`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import weft as tf

from .common import SHAPES, arguments, progress, save_picture, shape_pictures

TRAINER = "/job:trainer/task:0"


def make_files(folder: Path, count: int, size: int = 48, seed: int = 0) -> list[tuple[str, int]]:
    """JPEG files in one folder per kind, generated where they are not there; paths and labels."""
    pictures, labels = None, None
    rows = []
    rng_labels = shape_pictures(count, 2, seed)[1]
    for i, label in enumerate(rng_labels):
        path = folder / SHAPES[label] / f"{i:05d}.jpg"
        if not path.exists():
            if pictures is None:
                pictures, labels = shape_pictures(count, size, seed)
            path = folder / SHAPES[labels[i]] / f"{i:05d}.jpg"
            save_picture(path, pictures[i])
        rows.append((str(path), SHAPES.index(path.parent.name)))
    return rows


@dataclass
class Pipeline:
    """The graph.

    Attributes:
        images, labels: a batch.
        decoded: pictures that each worker has put into the queue, `(workers,)`.
        loss, accuracy: of the batch.
        train: one training step.
    """

    images: tf.Tensor
    labels: tf.Tensor
    decoded: tf.Tensor
    loss: tf.Tensor
    accuracy: tf.Tensor
    train: tf.Operation


def preprocess(content: tf.Tensor, size: int, seed: int) -> tf.Tensor:
    """A picture `(size, size, 3)` from a JPEG file, cut and coloured by chance."""
    image = tf.image.decode_jpeg(content, channels=3)
    image = tf.image.convert_image_dtype(image, tf.float32)
    image = tf.image.resize_images(image, [size + 4, size + 4])
    image = tf.random_crop(image, [size, size, 3], seed=seed)
    image = tf.image.random_flip_left_right(image, seed=seed)
    image = tf.image.random_brightness(image, 0.1, seed=seed)
    image = tf.image.per_image_standardization(image)
    image.set_shape([size, size, 3])
    return image


def build(
    files: Sequence[tuple[str, int]], workers: int, batch: int, size: int = 24, seed: int = 1
) -> Pipeline:
    """Names → reader → decoder → preprocessing, per worker, → examples → batches → training."""
    tf.set_random_seed(seed)
    with tf.device(TRAINER):
        paths, kinds = tf.constant([p for p, _ in files]), tf.constant([k for _, k in files], tf.int64)
        rows = tf.train.range_input_producer(len(files), seed=seed, capacity=64)
    examples, counts = [], []
    for task in range(workers):
        with tf.device(TRAINER):
            row = rows.dequeue()
            path, kind = tf.gather(paths, row), tf.gather(kinds, row)
            count = tf.get_variable(f"decoded{task}", [], tf.int64, tf.zeros_initializer(), trainable=False)
            counts.append(count)
        with tf.device(f"/job:worker/task:{task}"):
            image = preprocess(tf.read_file(path), size, seed + task)
        with tf.device(TRAINER), tf.control_dependencies([tf.assign_add(count, 1)]):
            examples.append([image, tf.identity(kind)])
    with tf.device(TRAINER):
        images, labels = tf.train.shuffle_batch_join(examples, batch, 6 * batch, 3 * batch, seed=seed)
        scores = network(images)
        loss = tf.losses.sparse_softmax_cross_entropy(labels, scores)
        accuracy = tf.reduce_mean(tf.to_float(tf.equal(tf.argmax(scores, 1), labels)))
        train = tf.train.AdamOptimizer(0.005).minimize(loss, tf.train.get_or_create_global_step())
        tf.summary.image("pictures", images, 4)
        tf.summary.scalar("loss", loss)
    return Pipeline(images, labels, tf.stack([c.read_value() for c in counts]), loss, accuracy, train)


def network(images: tf.Tensor) -> tf.Tensor:
    """Scores of the kinds."""
    h = tf.layers.conv2d(images, 16, 5, 2, "same", activation=tf.nn.relu)
    h = tf.layers.conv2d(h, 24, 3, 2, "same", activation=tf.nn.relu)
    h = tf.layers.conv2d(h, 32, 3, 2, "same", activation=tf.nn.relu)
    return tf.layers.dense(tf.layers.flatten(h), len(SHAPES))


@dataclass
class Result:
    """What came of it: losses, accuracy over the last steps, pictures by worker, pictures per second."""

    losses: list[float]
    accuracy: float
    decoded: list[int]
    rate: float


def run(
    target: str, files: Sequence[tuple[str, int]], workers: int, steps: int, batch: int, out: Path
) -> Result:
    """Trains on the pipeline."""
    with tf.Graph().as_default():
        pipeline = build(files, workers, batch)
        summary = tf.summary.merge_all()
        cluster = {"trainer": 1, "worker": workers}
        with (
            tf.Session(target, cluster=cluster) as session,
            tf.summary.FileWriter(out, session.graph) as writer,
        ):
            session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
            coord = tf.train.Coordinator()
            threads = tf.train.start_queue_runners(session, coord)
            losses, hits = [], []
            started = time.perf_counter()
            try:
                for step in (bar := progress(steps)):
                    value, hit, _ = session.run([pipeline.loss, pipeline.accuracy, pipeline.train])
                    losses.append(float(value))
                    hits.append(float(hit))
                    bar.set_postfix(loss=f"{value:.3f}", accuracy=f"{np.mean(hits[-20:]):.2f}", refresh=False)
                    if step % 50 == 0:
                        writer.add_summary(session.run(summary), step)
                seconds = time.perf_counter() - started
                decoded = [int(n) for n in session.run(pipeline.decoded)]
            finally:
                coord.request_stop()
            coord.join(threads)
    return Result(losses, float(np.mean(hits[-10:])), decoded, sum(decoded) / seconds)


def main(given: Sequence[str] | None = None) -> int:
    args = arguments(__doc__, "pictures_pipeline", 150, workers=2, batch=32, pictures=1200).parse_args(given)
    files = make_files(args.out / "pictures", args.pictures)
    print(f"{len(files)} JPEG files of {len(SHAPES)} kinds in {args.out / 'pictures'}")
    result: Any = run(args.target, files, args.workers, args.steps, args.batch, args.out)
    print(
        f"pictures decoded by each worker: {result.decoded}; {result.rate:.0f} per second, training beside it"
    )
    print(
        f"loss {result.losses[0]:.3f} to {result.losses[-1]:.3f}, accuracy over the last steps {result.accuracy:.3f}"
    )
    print(f"look at the pictures with: tensorboard --logdir {args.out}")
    return 0 if result.accuracy > 0.6 else 1


if __name__ == "__main__":
    sys.exit(main())
