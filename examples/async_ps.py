"""Parameter-server training with several workers: each on its own time, or all together.

A small network learns the digits. The variables are spread over two parameter servers. Asynchronously, each worker
has a thread that reads its own batches, computes gradients on the variables as they are, and applies them at once;
they do not wait for each other. Synchronously, one step averages the gradients of all. Run it with
`python -m examples.async_ps --mode async --workers 3`.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import weft as tf

from .common import arguments, progress
from .digits import Digits, load_digits


@dataclass
class Worker:
    """One worker's part of the graph."""

    x: tf.Tensor
    y: tf.Tensor
    loss: tf.Tensor
    train: tf.Operation
    grads: list[Any]


@dataclass
class Model:
    """The workers, the step that applies the gradients of all, and what to look at."""

    workers: list[Worker]
    together: tf.Operation
    step: Any
    accuracy: tf.Tensor


@dataclass
class Result:
    """What training came to.

    Attributes:
        losses: the losses of each worker.
        accuracy: on the test pictures.
        updates: how often the variables were changed.
        seconds: time for all of it.
    """

    losses: list[list[float]]
    accuracy: float
    updates: int
    seconds: float


def build(workers: int, servers: int = 2, rate: float = 0.05, seed: int = 1) -> Model:
    """The graph; `replica_device_setter` spreads the variables over the parameter servers."""
    tf.set_random_seed(seed)
    cluster = {"ps": servers, "worker": workers}
    optimizer = tf.train.AdagradOptimizer(rate)
    with tf.device("/job:ps/task:0"):
        step = tf.train.create_global_step()
    made = []
    for task in range(workers):
        setter = tf.train.replica_device_setter(worker_device=f"/job:worker/task:{task}", cluster=cluster)
        with tf.device(setter), tf.variable_scope("model", reuse=task > 0):
            x = tf.placeholder(tf.float32, [None, 8, 8, 1], name=f"x{task}")
            y = tf.placeholder(tf.int64, [None], name=f"y{task}")
            hidden = tf.layers.dense(tf.layers.flatten(x), 64, tf.nn.relu, name="hidden")
            scores = tf.layers.dense(hidden, 10, name="out")
            loss = tf.losses.sparse_softmax_cross_entropy(y, scores)
            grads = optimizer.compute_gradients(loss, colocate_gradients_with_ops=True)
            if task == 0:
                accuracy = tf.reduce_mean(tf.to_float(tf.equal(tf.argmax(scores, 1), y)))
        made.append(Worker(x, y, loss, optimizer.apply_gradients(grads, step, name=f"train{task}"), grads))
    mean = [
        (tf.add_n([g for g, _ in pairs]) / float(workers), pairs[0][1])
        for pairs in zip(*(w.grads for w in made), strict=True)
    ]
    return Model(made, optimizer.apply_gradients(mean, step, name="together"), step, accuracy)


def train_async(
    session: tf.Session, model: Model, data: Digits, steps: int, batch: int = 32
) -> list[list[float]]:
    """Each worker takes `steps` steps in a thread of its own; a Coordinator ends all of them where one fails."""
    losses: list[list[float]] = [[] for _ in model.workers]
    coord = tf.train.Coordinator()
    bar = progress(steps * len(model.workers), "asynchronous")

    def work(number: int, worker: Worker) -> None:
        batches = data.batches(batch, seed=number)
        with coord.stop_on_exception():
            for _ in range(steps):
                if coord.should_stop():
                    return
                x, y = next(batches)
                losses[number].append(
                    float(session.run([worker.loss, worker.train], {worker.x: x, worker.y: y})[0])
                )
                bar.update()

    threads = [threading.Thread(target=work, args=(i, w)) for i, w in enumerate(model.workers)]
    for thread in threads:
        thread.start()
    coord.join(threads)
    bar.close()
    return losses


def train_sync(
    session: tf.Session, model: Model, data: Digits, steps: int, batch: int = 32
) -> list[list[float]]:
    """Every step takes a batch per worker and applies the mean of the gradients."""
    losses: list[list[float]] = [[] for _ in model.workers]
    sources = [data.batches(batch, seed=i) for i in range(len(model.workers))]
    fetches = [model.together, *(w.loss for w in model.workers)]
    for _ in progress(steps, "synchronous"):
        feeds: dict[Any, Any] = {}
        for worker, source in zip(model.workers, sources, strict=True):
            feeds[worker.x], feeds[worker.y] = next(source)
        for own, value in zip(losses, session.run(fetches, feeds)[1:], strict=True):
            own.append(float(value))
    return losses


def run(target: str, mode: str, workers: int, steps: int) -> Result:
    """Trains in one of the two ways."""
    data = load_digits()
    with tf.Graph().as_default():
        model = build(workers)
        with tf.Session(target, cluster={"ps": 2, "worker": workers}) as session:
            session.run(tf.global_variables_initializer())
            started = time.perf_counter()
            losses = {"async": train_async, "sync": train_sync}[mode](session, model, data, steps)
            seconds = time.perf_counter() - started
            first = model.workers[0]
            accuracy = session.run(model.accuracy, {first.x: data.test_x, first.y: data.test_y})
            return Result(losses, float(accuracy), int(session.run(model.step)), seconds)


def main(given: Sequence[str] | None = None) -> int:
    parser = arguments(__doc__, "async_ps", 200, workers=3)
    parser.add_argument("--mode", choices=["async", "sync", "both"], default="both")
    args = parser.parse_args(given)
    args.out.mkdir(parents=True, exist_ok=True)
    reached = []
    for mode in ("async", "sync") if args.mode == "both" else (args.mode,):
        result = run(args.target, mode, args.workers, args.steps)
        with tf.summary.FileWriter(args.out / mode) as writer:
            for number, losses in enumerate(result.losses):
                for step, loss in enumerate(losses):
                    value = tf.Summary.Value(tag=f"loss/worker{number}", simple_value=loss)
                    writer.add_summary(tf.Summary(value=[value]), step)
        last = np.mean([part[-20:] for part in result.losses])
        print(
            f"{mode}: {result.updates} updates in {result.seconds:.1f} s, loss {last:.3f}, "
            f"test accuracy {result.accuracy:.4f}"
        )
        reached.append(result.accuracy)
    print(f"losses of each worker: tensorboard --logdir {args.out}")
    return 0 if min(reached) > 0.9 else 1


if __name__ == "__main__":
    sys.exit(main())
