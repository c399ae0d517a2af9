"""The linear-regression training step: what a step costs when there is next to nothing to compute.

`python -m benchmarks.step_latency` runs weft's step against TensorFlow's in one process and over two (a parameter
server and a worker), in turn, and prints the ratios; it also times `import weft`.
"""

from __future__ import annotations

import argparse
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .paired import Contender, local_ray, serve, table, take_turns

_MODULE = "benchmarks.step_latency"
_ROWS = 100


def _data() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    x = np.random.default_rng(0).random(_ROWS).astype(np.float32)
    return x, (0.1 * x + 0.3).astype(np.float32)


def _linear_regression(tf: Any, ps: str | None, worker: str | None) -> tuple[Any, Any, Any]:
    """The program of TensorFlow's introduction, its input fed: train op, feeds, initializer."""
    x_data, y_data = _data()
    with tf.device(ps):
        w = tf.get_variable("W", shape=[1], initializer=tf.zeros_initializer())
        b = tf.get_variable("b", shape=[1], initializer=tf.zeros_initializer())
    with tf.device(worker):
        x = tf.placeholder(tf.float32, [None])
        y_label = tf.placeholder(tf.float32, [None])
        loss = tf.reduce_mean(tf.square(w * x + b - y_label))
    train = tf.train.GradientDescentOptimizer(0.5).minimize(loss)
    return train, {x: x_data, y_label: y_data}, tf.global_variables_initializer()


def _serve(sess: Any, train: Any, feed: Any, init: Any) -> None:
    sess.run(init)
    for _ in range(50):
        sess.run(train, feed)
    time.sleep(2.0)  # weft compiles a step that repeats in the background

    def run(steps: int) -> float:
        start = time.perf_counter()
        for _ in range(steps):
            sess.run(train, feed)
        return time.perf_counter() - start

    serve(run)


def serve_weft(target: str) -> None:
    import weft as tf

    two = target == "ray"
    if two:
        local_ray()
    train, feed, init = _linear_regression(
        tf, "/job:ps/task:0" if two else None, "/job:worker/task:0" if two else None
    )
    cluster = tf.train.ClusterSpec({"ps": 1, "worker": 1}) if two else None
    with tf.Session(target, cluster=cluster) as sess:
        _serve(sess, train, feed, init)


def _tensorflow() -> Any:
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    return tf


def serve_tensorflow() -> None:
    tf = _tensorflow()
    train, feed, init = _linear_regression(tf, None, None)
    with tf.Session() as sess:
        _serve(sess, train, feed, init)


def serve_grpc(ports: Sequence[int]) -> None:
    """TensorFlow's worker with the client in its own process; the parameter server is a second process."""
    tf = _tensorflow()
    cluster = tf.train.ClusterSpec({"ps": [f"localhost:{ports[0]}"], "worker": [f"localhost:{ports[1]}"]})
    code = f"from {_MODULE} import ps_main; ps_main({list(ports)!r})"
    ps = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    try:
        server = tf.train.Server(cluster, job_name="worker", task_index=0)
        train, feed, init = _linear_regression(tf, "/job:ps/task:0", "/job:worker/task:0")
        with tf.Session(server.target) as sess:
            _serve(sess, train, feed, init)
    finally:
        ps.kill()


def ps_main(ports: Sequence[int]) -> None:
    tf = _tensorflow()
    cluster = tf.train.ClusterSpec({"ps": [f"localhost:{ports[0]}"], "worker": [f"localhost:{ports[1]}"]})
    tf.train.Server(cluster, job_name="ps", task_index=0).join()


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("localhost", 0))
    ports = [int(s.getsockname()[1]) for s in sockets]
    for s in sockets:
        s.close()
    return ports


def _contender(name: str, call: str) -> Contender:
    return Contender(name, ["-c", f"from {_MODULE} import {call.split('(')[0]}; {call}"])


def import_seconds(repeats: int = 7) -> list[float]:
    """Seconds that `import weft` takes in a fresh process, NumPy's own import included."""
    code = "import time; t = time.perf_counter(); import weft; print(time.perf_counter() - t)"
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        for _ in range(repeats)
    ]
    return [float(r) for r in runs]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--only", choices=["local", "cluster"], help="one of the two comparisons")
    args = parser.parse_args(arguments)

    local = [
        _contender("weft, in process", "serve_weft('local')"),
        _contender("TensorFlow, in process", "serve_tensorflow()"),
    ]
    ports = _free_ports(2)
    cluster = [
        _contender("weft, ps and worker actors", "serve_weft('ray')"),
        _contender("TensorFlow, gRPC over two processes", f"serve_grpc({ports!r})"),
    ]
    comparisons: list[tuple[str, list[Contender], Callable[[], str]]] = [
        ("local", local, lambda: "goal 0.25x"),
        ("cluster", cluster, lambda: "goal 1.0x, in time 0.25x"),
    ]
    for name, contenders, goal in comparisons:
        if args.only in (None, name):
            take_turns(contenders, args.rounds, args.steps)
            print(table(contenders, [(contenders[0], contenders[1], goal())]))
    if args.only is None:
        times = import_seconds()
        print(
            f"import weft: {statistics.median(times):.2f} s ({min(times):.2f} to {max(times):.2f}); goal 0.3 s"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
