"""Measures what steps, stages and tensors cost between devices, in this process and between device actors."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from ..graph.device_spec import DeviceSpec
from ..graph.elements import Tensor
from ..graph.graph import Graph
from ..graph.ops.source import Placeholder
from ..graph.ops.unary import Square
from .calibration import Transport
from .speeds import DeviceSpeed

__all__ = ["measure_local", "measure_ray"]

_HOPS = 6
_SMALL = 1
_LARGE = 1 << 20
"""Elements of the tensors that are sent around; float32."""


def measure_local() -> Transport:
    """Steps on devices of this process."""
    from .session import Session

    alone, hops = _graph(_SMALL, 0, False), _graph(_SMALL, 24, False)
    with Session("local", alone.graph, cluster={"worker": 2}) as session:
        one = _typical(session, alone, 200)
    with Session("local", hops.graph, cluster={"worker": 2}) as session:
        many = _typical(session, hops, 100)
    stage = max(many - one, 0.0) / 24
    return Transport(one, stage, 0.0, 1e12)


def measure_ray(told: Callable[[str, float], None]) -> tuple[Transport, DeviceSpeed]:
    """Steps on device actors, and how fast one of them computes by itself."""
    import ray

    from .session import Session

    graph = Graph()
    steps = [_graph(*row, graph=graph) for row in ((_SMALL, 0), (_SMALL, _HOPS), (_LARGE, _HOPS))]
    fed, large = _fed(graph, _SMALL), _fed(graph, _LARGE)
    with Session("ray", graph, cluster={"worker": 2}) as session:
        measuring = _measure_in_actor()
        for step in (*steps, fed, large):
            session.run(step.result, step.feeds)
        told("device actors: arithmetic", 0.7)
        speed = ray.get(measuring)
        told("device actors: tensors", 0.85)
        one, hops, tensors = (_typical(session, s, 40, True) for s in steps)
        small, big = (_typical(session, s, 20, True) for s in (fed, large))
    size = 4.0 * _LARGE
    stage = max(hops - one, 1e-6) / _HOPS
    # A large tensor is also computed once per hop: what that takes is known from the actor's own measurement.
    compute = _squaring(speed, size)
    carried = max((tensors - hops) / _HOPS - compute, size / 1e11)
    returned = max((big - small) / 2 - compute / 2, size / 1e11)
    latency = one / 3
    made = Transport(
        step_seconds=one - 2 * latency,
        stage_seconds=stage / 2,
        latency_seconds=stage / 2,
        bytes_per_second=size / carried,
        caller_latency=latency,
        caller_bytes_per_second=size / returned,
    )
    return made, speed


def _squaring(speed: DeviceSpeed, size: float) -> float:
    times = speed.op_times.get("Square:float32")
    if times is None:
        return 2 * size / speed.bytes_per_second
    return float(times.of(np.array([size / 4]), np.array([2 * size]))[0])


def _measure_in_actor() -> Any:
    """Starts measuring arithmetic in a process that has one core, as a device actor has."""
    import ray

    def measure() -> DeviceSpeed:
        from .measure import measure_device

        only = ("MatMul", "BatchMatMulV2", "Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter", "Square")
        return measure_device("numpy", 2.5, only=only)

    return ray.remote(num_cpus=0, runtime_env={"env_vars": {"OMP_NUM_THREADS": "1"}})(measure).remote()


class _Step:
    def __init__(self, graph: Graph, result: Tensor, feeds: dict[Any, Any]) -> None:
        self.graph = graph
        self.result = result
        self.feeds = feeds


def _graph(elements: int, hops: int, reduced: bool = True, graph: Graph | None = None) -> _Step:
    """A step in which a tensor goes to and fro between two workers."""
    made = graph or Graph()
    with made.as_default():
        devices = [DeviceSpec("worker", 0, task, "CPU", 0).to_string() for task in (0, 1)]
        with made.device(devices[0]):
            fed = Placeholder(dtype=np.float32, shape=[1])
            value = Square(_spread(fed, elements))
        for hop in range(hops):
            with made.device(devices[(hop + 1) % 2]):
                value = Square(value)
        if reduced and elements > 1:
            with made.device(devices[hops % 2]):
                value = _first(value)
    return _Step(made, value, {fed: np.ones(1, np.float32)})


def _spread(value: Any, elements: int) -> Any:
    from ..graph.ops.shaping import BroadcastTo

    return value if elements == 1 else BroadcastTo(value, np.array([elements], np.int32))


def _first(value: Any) -> Any:
    from ..graph.ops.slicing import Slice

    return Slice(value, np.array([0], np.int32), np.array([1], np.int32))


def _fed(graph: Graph, elements: int) -> _Step:
    with graph.as_default(), graph.device(DeviceSpec("worker", 0, 0, "CPU", 0).to_string()):
        fed = Placeholder(dtype=np.float32, shape=[elements])
        return _Step(graph, Square(fed), {fed: np.ones(elements, np.float32)})


def _typical(session: Any, step: _Step, runs: int, settle: bool = False) -> float:
    """Median seconds of a step that repeats."""
    for _ in range(6):
        session.run(step.result, step.feeds)
    if settle:
        _until_fast(session, step)
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        session.run(step.result, step.feeds)
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def _until_fast(session: Any, step: _Step) -> None:
    """A step that repeats gets a faster path in the background: waits until it no longer gets faster."""
    end = time.monotonic() + 0.6
    best, still = float("inf"), 0
    while time.monotonic() < end and still < 12:
        start = time.perf_counter()
        session.run(step.result, step.feeds)
        took = time.perf_counter() - start
        still = 0 if took < 0.8 * best else still + 1
        best = min(best, took)
        time.sleep(0.02)
