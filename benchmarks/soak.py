"""Many steps in a row, with memory printed over time: it must stay flat.

`python -m benchmarks.soak --steps 100000` trains a tiny model over a parameter server and a worker for that many
steps, every fourth of them without waiting for it, while a producer fills a bounded queue faster than a slow consumer
empties it; and prints the resident memory of the driver and of every device.
"""

from __future__ import annotations

import argparse
import os
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .paired import local_ray

_PAGE = os.sysconf("SC_PAGE_SIZE")


def resident_bytes(pid: int) -> int:
    """Resident memory of a process that is its own: shared mappings of Ray's object store are left out."""
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        _, resident, shared, *_ = map(int, file.read().split())
    return (resident - shared) * _PAGE


def _graph(tf: Any) -> tuple[Any, ...]:
    with tf.device("/job:ps/task:0"):
        w = tf.get_variable("w", shape=[64], initializer=tf.zeros_initializer())
        queue = tf.FIFOQueue(32, [tf.float32], shapes=[[256]], name="bounded")
    with tf.device("/job:worker/task:0"):
        x = tf.placeholder(tf.float32, [64])
        loss = tf.reduce_sum(tf.square(w - x))
    train = tf.train.GradientDescentOptimizer(0.01).minimize(loss)
    put = queue.enqueue(tf.ones([256]))
    return x, train, put, queue.dequeue(), queue.size(), queue.close(cancel_pending_enqueues=True)


class _Queue:
    """A producer that never rests and a consumer that does, on one bounded queue."""

    def __init__(self, tf: Any, sess: Any, put: Any, get: Any) -> None:
        self.put_count = self.got_count = 0
        self._tf, self._sess = tf, sess
        for work in (self._produce, self._consume):
            threading.Thread(target=work, args=(put if work == self._produce else get,), daemon=True).start()

    def _produce(self, op: Any) -> None:
        try:
            while True:
                self._sess.run(op)
                self.put_count += 1
        except (self._tf.errors.OpError, RuntimeError):
            return

    def _consume(self, op: Any) -> None:
        try:
            while True:
                self._sess.run(op)
                self.got_count += 1
                time.sleep(0.02)
        except (self._tf.errors.OpError, RuntimeError):
            return


def _line(step: int, seconds: float, sizes: Mapping[str, int], queue: _Queue, held: int) -> str:
    columns = "  ".join(f"{name} {size / 2**20:6.1f}" for name, size in sizes.items())
    return f"{step:8}  {seconds:7.1f} s  {columns}  queue {held} of {queue.put_count} put, {queue.got_count} taken"


def soak(steps: int, lines: int) -> dict[str, list[int]]:
    """Runs the steps; resident bytes of every process over time."""
    import weft as tf

    local_ray(4)
    x, train, put, get, size, close = _graph(tf)
    values = np.ones(64, np.float32)
    found: dict[str, list[int]] = {}
    with tf.Session("ray", cluster=tf.train.ClusterSpec({"ps": 1, "worker": 1})) as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(500):
            sess.run(train, {x: values})
        queue = _Queue(tf, sess, put, get)
        pids = {
            "driver": os.getpid(),
            **{n.split("/job:")[1].split("/")[0]: p for n, p in sess._target.pids.items()},
        }
        start = time.monotonic()
        print("   steps     seconds  own resident memory in MiB", flush=True)
        futures: list[Any] = []
        for step in range(1, steps + 1):
            if step % 4:
                sess.run(train, {x: values})
            else:
                futures.append(sess.run_async(train, {x: values}))
            if len(futures) >= 1000:
                for future in futures:
                    future.result()
                futures.clear()
            if step % max(1, steps // lines) == 0:
                now = {name: resident_bytes(pid) for name, pid in pids.items()}
                for name, value in now.items():
                    found.setdefault(name, []).append(value)
                print(_line(step, time.monotonic() - start, now, queue, int(sess.run(size))), flush=True)
        sess.run(close)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--lines", type=int, default=20, help="how often memory is printed")
    args = parser.parse_args(arguments)
    found = soak(args.steps, args.lines)
    for name, sizes in found.items():
        settled = sizes[len(sizes) // 4 :]
        growth = (settled[-1] - settled[0]) / 2**20
        print(f"{name}: {growth:+.1f} MiB over the last three quarters of the steps")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
