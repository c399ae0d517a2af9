"""What the distributed runtime costs: parameter-server steps by size of the weights, and many devices.

`python -m benchmarks.runtime` runs a training step over a parameter server and a worker against TensorFlow's gRPC
servers, in turn, for weights of several sizes; then weft's own step over 1 to 16 device actors with next to no work.
The floor is the time that moving the bytes takes at this machine's memory bandwidth.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from .paired import Contender, local_ray, serve, table, take_turns
from .step_latency import _free_ports, _tensorflow

_MODULE = "benchmarks.runtime"
SIZES = {"tiny": 16, "1 MB": 2**18, "4 MB": 2**20, "16 MB": 2**22}
"""float32 weights of each size."""


def _training(tf: Any, count: int) -> tuple[Any, Any]:
    """A step that sends all weights to the worker and a gradient of their size back."""
    with tf.device("/job:ps/task:0"):
        w = tf.get_variable("w", shape=[count], initializer=tf.zeros_initializer())
    with tf.device("/job:worker/task:0"):
        loss = tf.reduce_sum(tf.square(w - 1.0))
    return tf.train.GradientDescentOptimizer(0.1).minimize(loss), tf.global_variables_initializer()


def _serve(sess: Any, train: Any, init: Any) -> None:
    sess.run(init)
    for _ in range(10):
        sess.run(train)
    time.sleep(2.0)

    def run(steps: int) -> float:
        start = time.perf_counter()
        for _ in range(steps):
            sess.run(train)
        return time.perf_counter() - start

    serve(run)


def serve_weft(count: int) -> None:
    import weft as tf

    local_ray()
    train, init = _training(tf, count)
    with tf.Session("ray", cluster=tf.train.ClusterSpec({"ps": 1, "worker": 1})) as sess:
        _serve(sess, train, init)


def serve_grpc(ports: Sequence[int], count: int) -> None:
    tf = _tensorflow()
    cluster = {"ps": [f"localhost:{ports[0]}"], "worker": [f"localhost:{ports[1]}"]}
    code = f"from benchmarks.step_latency import ps_main; ps_main({list(ports)!r})"
    ps = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    try:
        server = tf.train.Server(tf.train.ClusterSpec(cluster), job_name="worker", task_index=0)
        train, init = _training(tf, count)
        with tf.Session(server.target) as sess:
            _serve(sess, train, init)
    finally:
        ps.kill()


def floor_seconds(count: int) -> float:
    """Seconds that copying the weights there and the gradients back takes at memory bandwidth."""
    source = np.ones(max(count, 2**20), np.float32)
    target = np.empty_like(source)
    times = []
    for _ in range(7):
        start = time.perf_counter()
        np.copyto(target, source)
        times.append(time.perf_counter() - start)
    return 2 * statistics.median(times) * count / len(source)


def compare_sizes(sizes: Sequence[str], rounds: int) -> None:
    for name in sizes:
        count = SIZES[name]
        ports = _free_ports(2)
        ours = Contender(f"weft, {name}", ["-c", f"from {_MODULE} import serve_weft; serve_weft({count})"])
        theirs = Contender(
            f"TensorFlow gRPC, {name}",
            ["-c", f"from {_MODULE} import serve_grpc; serve_grpc({ports!r}, {count})"],
        )
        take_turns([ours, theirs], rounds, 100 if count < 2**20 else 20)
        goal = {"tiny": "goal 0.25x", "4 MB": "goal 0.33x"}.get(name, "no goal set")
        print(table([ours, theirs], [(ours, theirs, goal)]))
        print(f"floor (bytes over memory bandwidth): {floor_seconds(count) * 1e6:.1f} µs a step")


def many_devices(counts: Sequence[int]) -> None:
    """Steps per second over several device actors, each with one small op."""
    import os

    import weft as tf

    print("devices  steps/s  driver CPU µs/step")
    for count in counts:
        with tf.Graph().as_default() as graph:
            parts = []
            for task in range(count):
                with tf.device(f"/job:worker/task:{task}"):
                    parts.append(
                        tf.square(tf.placeholder_with_default(np.float32(task), [], name=f"x{task}"))
                    )
            done = tf.group(*parts)
            spec = tf.train.ClusterSpec({"worker": count}, resources={"worker": {"CPU": 0.1}})
            with tf.Session("ray", graph=graph, cluster=spec) as sess:
                for _ in range(10):
                    sess.run(done)
                time.sleep(2.0)
                before, start = os.times(), time.perf_counter()
                steps = 200
                for _ in range(steps):
                    sess.run(done)
                seconds, after = time.perf_counter() - start, os.times()
                cpu = after.user + after.system - before.user - before.system
        print(f"{count:7}  {steps / seconds:7.0f}  {cpu / steps * 1e6:18.0f}")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sizes", nargs="*", default=list(SIZES), choices=list(SIZES))
    parser.add_argument("--devices", nargs="*", type=int, default=[1, 2, 4, 8, 16])
    args = parser.parse_args(arguments)
    compare_sizes(args.sizes, args.rounds)
    if args.devices:
        many_devices(args.devices)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
