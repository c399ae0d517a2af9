"""What the distributed runtime costs: parameter-server steps by size of the weights, and many devices.

`python -m benchmarks.runtime` runs a training step over a parameter server and a worker against TensorFlow's gRPC
servers, in turn, for weights of several sizes; then weft's own steps: over many device actors with next to no work,
through a pipeline, asynchronously with several workers; and what registration and the loss of a device cost.
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

_PARTS = ("sizes", "devices", "pipeline", "async", "registration", "recovery")


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


def pipeline(stages: int = 4, steps: int = 200, size: int = 256) -> None:
    """A chain of device actors with several steps in flight, against one step at a time."""
    import weft as tf

    with tf.Graph().as_default() as graph:
        x = tf.placeholder_with_default(np.full((size, size), 1e-3, np.float32), [size, size])
        for task in range(stages):
            with tf.device(f"/job:worker/task:{task}"):
                for _ in range(4):
                    x = tf.matmul(x, x)
        spec = tf.train.ClusterSpec({"worker": stages}, resources={"worker": {"CPU": 0.1}})
        with tf.Session("ray", graph=graph, cluster=spec, config=tf.ConfigProto(plan_seconds=0.2)) as sess:
            for _ in range(10):
                sess.run(x.op)
            start = time.perf_counter()
            for _ in range(steps):
                sess.run(x.op)
            one = time.perf_counter() - start
            start = time.perf_counter()
            for future in [sess.run_async(x.op) for _ in range(steps)]:
                future.result()
            several = time.perf_counter() - start
    print(
        f"pipeline of {stages} stages: {steps / one:.0f} steps/s one at a time, {steps / several:.0f} in flight"
    )
    print(f"in flight / one at a time: {several / one:.2f}x of the time")


def asynchronous(counts: Sequence[int], seconds: float = 2.0) -> None:
    """Asynchronous training: worker threads of one program, each with its own worker device, one parameter server."""
    import threading

    import weft as tf

    print("workers  updates/s")
    for count in counts:
        with tf.Graph().as_default() as graph:
            with tf.device("/job:ps/task:0"):
                w = tf.get_variable("w", shape=[1000], initializer=tf.zeros_initializer())
            trains = []
            for task in range(count):
                with tf.device(f"/job:worker/task:{task}"):
                    loss = tf.reduce_sum(tf.square(w - float(task)))
                trains.append(tf.train.GradientDescentOptimizer(0.01).minimize(loss))
            spec = tf.train.ClusterSpec({"ps": 1, "worker": count}, resources={"worker": {"CPU": 0.1}})
            with tf.Session(
                "ray", graph=graph, cluster=spec, config=tf.ConfigProto(plan_seconds=0.2)
            ) as sess:
                sess.run(tf.global_variables_initializer())
                for train in trains:
                    sess.run(train)
                done = [0] * count
                end = time.perf_counter() + seconds

                def work(task: int, trains: Any, done: Any, end: float, sess: Any) -> None:
                    while time.perf_counter() < end:
                        sess.run(trains[task])
                        done[task] += 1

                threads = [
                    threading.Thread(target=work, args=(t, trains, done, end, sess)) for t in range(count)
                ]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
        print(f"{count:7}  {sum(done) / seconds:9.0f}", flush=True)


def recovery(kills: int = 3) -> None:
    """Seconds from the kill of a device to the end of the next step, in a session that recovers."""
    import os
    import signal

    import weft as tf

    with tf.Graph().as_default() as graph:
        train, init = _training(tf, 1000)
        config = tf.ConfigProto(recover=True, snapshot_steps=20, plan_seconds=0.2)
        spec = tf.train.ClusterSpec({"ps": 1, "worker": 1})
        with tf.Session("ray", graph=graph, config=config, cluster=spec) as sess:
            sess.run(init)
            times = []
            for _ in range(kills):
                for _ in range(30):
                    sess.run(train)
                start = time.perf_counter()
                os.kill(next(iter(sess._target.pids.values())), signal.SIGKILL)
                sess.run(train)
                times.append(time.perf_counter() - start)
            sizes = [_own_bytes(int(s["pid"])) / 2**20 for s in sess.device_stats()]
    print(
        f"from a kill to the end of the next step: {statistics.median(times):.2f} s (longest {max(times):.2f} s)"
    )
    print(f"own memory of an idle device actor: {statistics.median(sizes):.0f} MiB")


def _own_bytes(pid: int) -> int:
    from .soak import resident_bytes

    return resident_bytes(pid)


def registration(ops: int = 10_000, devices: int = 16) -> None:
    """Seconds that registering a large step with many devices takes, without planning it."""
    import weft as tf

    with tf.Graph().as_default() as graph:
        ends = []
        for task in range(devices):
            with tf.device(f"/job:worker/task:{task}"):
                x = tf.placeholder_with_default(np.float32(task), [])
                for _ in range(ops // devices):
                    x = tf.sin(x)
                ends.append(x)
        spec = tf.train.ClusterSpec({"worker": devices}, resources={"worker": {"CPU": 0.1}})
        with tf.Session("ray", graph=graph, cluster=spec, config=tf.ConfigProto(plan_seconds=0.2)) as sess:
            mapped = sess._new_call(tf.group(*ends), (), simple=True)
            built = sess._build(mapped.mapper, (), None)
            start = time.perf_counter()
            sess._target.register(built)
            seconds = time.perf_counter() - start
    print(f"registration of {ops} ops with {devices} devices: {seconds:.2f} s; goal 3 s")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sizes", nargs="*", default=list(SIZES), choices=list(SIZES))
    parser.add_argument("--devices", nargs="*", type=int, default=[1, 2, 4, 8, 16])
    parser.add_argument("--workers", nargs="*", type=int, default=[1, 2, 4, 8], help="asynchronous training")
    parser.add_argument(
        "--only", nargs="*", default=list(_PARTS), choices=list(_PARTS), help="some of the figures"
    )
    args = parser.parse_args(arguments)
    if "sizes" in args.only:
        compare_sizes(args.sizes, args.rounds)
    if set(args.only) - {"sizes"}:
        local_ray(16)
    if "devices" in args.only:
        many_devices(args.devices)
    if "pipeline" in args.only:
        pipeline()
    if "async" in args.only:
        asynchronous(args.workers)
    if "registration" in args.only:
        registration()
    if "recovery" in args.only:
        recovery()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
