"""A line through points: the first program of most introductions, then the same from a CSV file through queues.

First part: one Python array is fed, the weights are on a parameter server and the points on a worker. Second part:
nothing is fed; two workers read lines of a CSV file, decode and batch them, and train on them. Run it with
`python -m examples.linear_regression`.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import weft as tf

from .common import arguments, progress

SLOPE, OFFSET = 0.1, 0.3
CLUSTER = {"ps": 1, "worker": 2}


@dataclass
class Line:
    """What was found."""

    slope: float
    offset: float
    losses: list[float]


def points(count: int = 400, seed: int = 0) -> tuple[Any, Any]:
    """Points near the line, generated from a seed."""
    rng = np.random.default_rng(seed)
    x = rng.random(count).astype(np.float32)
    return x, (SLOPE * x + OFFSET + rng.normal(0, 0.01, count)).astype(np.float32)


def fit_fed(target: str, steps: int) -> Line:
    """Gradient descent on points that are fed."""
    x_data, y_data = points()
    with tf.Graph().as_default():
        with tf.device("/job:ps/task:0"):
            slope = tf.Variable(tf.random_uniform([1], -1.0, 1.0, seed=1), name="slope")
            offset = tf.Variable(tf.zeros([1]), name="offset")
        with tf.device("/job:worker/task:0"):
            x, y = tf.placeholder(tf.float32, [None]), tf.placeholder(tf.float32, [None])
            loss = tf.reduce_mean(tf.square(slope * x + offset - y))
        train = tf.train.GradientDescentOptimizer(0.5).minimize(loss)
        with tf.Session(target, cluster=CLUSTER) as session:
            session.run(tf.global_variables_initializer())
            losses = []
            for _ in (bar := progress(steps, "fed points")):
                losses.append(float(session.run([loss, train], {x: x_data, y: y_data})[0]))
                bar.set_postfix(loss=f"{losses[-1]:.5f}", refresh=False)
            found = session.run([slope, offset])
    return Line(float(found[0][0]), float(found[1][0]), losses)


def write_csv(path: Path) -> None:
    """The points as a CSV file with a line of names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["x", "y"])
        rows.writerows(zip(*(a.tolist() for a in points()), strict=True))


def fit_csv(target: str, path: Path, steps: int, out: Path) -> Line:
    """Gradient descent on batches that come out of a CSV file through queues, read by two workers."""
    with tf.Graph().as_default():
        with tf.device("/job:ps/task:0"):
            slope = tf.Variable([0.0], name="slope")
            offset = tf.Variable([0.0], name="offset")
            names = tf.train.string_input_producer([str(path)], seed=1)
        rows = []
        for task in range(CLUSTER["worker"]):
            with tf.device(f"/job:worker/task:{task}"):
                _, line = tf.TextLineReader(skip_header_lines=1).read(names)
                rows.append(tf.decode_csv(line, record_defaults=[[0.0], [0.0]]))
        with tf.device("/job:worker/task:0"):
            x, y = tf.train.shuffle_batch_join(rows, 50, capacity=600, min_after_dequeue=200, seed=1)
            loss = tf.reduce_mean(tf.square(slope * x + offset - y))
        train = tf.train.AdamOptimizer(0.02).minimize(loss)
        tf.summary.scalar("loss", loss)
        summary = tf.summary.merge_all()
        with (
            tf.Session(target, cluster=CLUSTER) as session,
            tf.summary.FileWriter(out, session.graph) as writer,
        ):
            session.run(tf.global_variables_initializer())
            coord = tf.train.Coordinator()
            threads = tf.train.start_queue_runners(session, coord)
            losses = []
            try:
                for step in (bar := progress(steps, "CSV file")):
                    value, text, _ = session.run([loss, summary, train])
                    losses.append(float(value))
                    writer.add_summary(text, step)
                    bar.set_postfix(loss=f"{value:.5f}", refresh=False)
                found = session.run([slope, offset])
            finally:
                coord.request_stop()
            coord.join(threads)
    return Line(float(found[0][0]), float(found[1][0]), losses)


def draw(path: Path, lines: dict[str, Line]) -> None:
    """A picture of the points and of the lines that were found."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5))
    axes = figure.add_subplot()
    x, y = points()
    axes.scatter(x, y, s=6, color="0.7", label="points")
    for name, line in lines.items():
        axes.plot(
            [0, 1],
            [line.offset, line.slope + line.offset],
            label=f"{name}: {line.slope:.3f} x + {line.offset:.3f}",
        )
    axes.legend()
    figure.savefig(path)


def main(given: Sequence[str] | None = None) -> int:
    args = arguments(__doc__, "linear_regression", 300).parse_args(given)
    args.out.mkdir(parents=True, exist_ok=True)
    write_csv(args.out / "points.csv")
    lines = {
        "fed": fit_fed(args.target, args.steps),
        "CSV file": fit_csv(args.target, args.out / "points.csv", args.steps, args.out),
    }
    for name, line in lines.items():
        print(
            f"{name}: y = {line.slope:.3f} x + {line.offset:.3f}; loss {line.losses[0]:.4f} to {line.losses[-1]:.6f}"
        )
    print(f"the points were made with y = {SLOPE} x + {OFFSET} and noise of 0.01")
    draw(args.out / "lines.png", lines)
    print(f"picture: {args.out / 'lines.png'}; event files: {args.out}")
    near = all(abs(li.slope - SLOPE) < 0.05 and abs(li.offset - OFFSET) < 0.05 for li in lines.values())
    return 0 if near else 1


if __name__ == "__main__":
    sys.exit(main())
