"""How the planners place weft's own graphs, and whether predicted step times hold.

`python -m benchmarks.plans` plans the training steps of the digits network, an LSTM and Inception v3 for 2, 4 and 8
GPUs and prints the step time that each planner is predicted to reach; with `--measure` it also runs the graphs in this
process, forward and training, and sets the measured time beside the prediction (run `weft calibrate` first). Threads
make times waver: `OMP_NUM_THREADS=1` for both gives steadier figures.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from typing import Any

import weft as tf
from weft.actors.config import ConfigProto
from weft.actors.step import _supports, build_step
from weft.graph.errors import PlacementError
from weft.graph.ir import Subgraph
from weft.placement import Cluster, Costs, Link, Plan, device_info, make_plan, predict_step

from .own_graphs import GRAPHS, OwnGraph

PLANNERS = ("single", "by layer", "heft", "m_etf", "auto")


def gpus(count: int) -> Cluster:
    """GPUs of one node, linked as by NVLink."""
    devices = (
        device_info(f"/job:worker/task:0/device:GPU:{i}", node="n", process=f"p{i}") for i in range(count)
    )
    return Cluster(tuple(devices), gpu_to_gpu=Link(8e-6, 5e10))


def training_step(own: OwnGraph) -> Subgraph:
    """The training step as weft runs it, rewritten, before it is placed."""
    one = Cluster((device_info("/job:worker/task:0/device:CPU:0"),))
    spec = build_step(
        own.graph, [], list(own.feeds), [own.train], one, ConfigProto(planner="single"), 1, None
    )
    return spec.subgraph


def by_layer(own: OwnGraph, subgraph: Subgraph, cluster: Cluster) -> Subgraph:
    """The step placed by hand: layers in order, each device with as many, gradients with their layer."""
    place = {layer: i * len(cluster.devices) // len(own.layers) for i, layer in enumerate(own.layers)}
    asked = {}
    for name, node in subgraph.nodes.items():
        parts = name.split("/")
        layer = next((p for p in parts if p in place), None)
        if layer is None:
            layer = next((p for p in own.layers if any(q.startswith(p) for q in parts)), None)
        device = cluster.names[place[layer]] if layer is not None else ""
        asked[name] = node.with_(device=device)
    return Subgraph(asked, subgraph.feeds, subgraph.fetches, subgraph.targets, subgraph.functions)


def planned(
    own: OwnGraph, subgraph: Subgraph, cluster: Cluster, planner: str, budget: float | None
) -> Plan | None:
    """A planner's plan; None where it finds none."""
    given = by_layer(own, subgraph, cluster) if planner == "by layer" else subgraph
    name = "heft" if planner == "by layer" else planner
    try:
        return make_plan(given, cluster, supports=_supports, planner=name, budget_seconds=budget, seed=0)
    except PlacementError:
        return None


def compare(names: Sequence[str], counts: Sequence[int], budget: float | None) -> None:
    """Prints the predicted step times of all planners."""
    print(
        f"{'graph':10} {'ops':>6} {'GPUs':>5}  "
        + "  ".join(f"{p:>10}" for p in PLANNERS)
        + "   bound  plan s"
    )
    for name in names:
        own = GRAPHS[name]()
        subgraph = training_step(own)
        for count in counts:
            cells, took, bound = [], 0.0, 0.0
            for planner in PLANNERS:
                start = time.perf_counter()
                plan = planned(own, subgraph, gpus(count), planner, budget)
                took = time.perf_counter() - start
                cells.append(f"{plan.step_seconds * 1e3:8.3f}ms" if plan else f"{'none':>10}")
                bound = plan.lower_bound if plan else bound
            row = "  ".join(cells)
            print(
                f"{name:10} {len(subgraph.nodes):6} {count:5}  {row}  {bound * 1e3:6.3f}  {took:6.1f}",
                flush=True,
            )


def measure(names: Sequence[str], seconds: float) -> None:
    """Prints predicted and measured times of steps in this process, before and after steps were traced."""
    print(f"{'graph':10} {'step':8}  {'calibrated':>12}  {'from trace':>12}  {'measured':>12}  ratios")
    for name in names:
        own = GRAPHS[name]()
        with tf.Session(graph=own.graph) as session:
            session.run(own.init)
            for what, fetch in (("forward", own.forward), ("training", own.train)):
                _measure_step(session, own, name, what, fetch, seconds)


def _measure_step(session: Any, own: OwnGraph, name: str, what: str, fetch: Any, seconds: float) -> None:
    spec = session.step_spec(fetch, own.feeds)
    cluster = session._target.cluster
    first = predict_step(spec.subgraph, spec.plan, cluster).step_seconds
    options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
    traces = []
    session.run(fetch, own.feeds)
    for _ in range(3):
        session.run(fetch, own.feeds)
        traces.append(tf.RunMetadata())
        session.run(fetch, own.feeds, options, traces[-1])
    costs = Costs.of_statistics(traces)
    second = predict_step(spec.subgraph, spec.plan, cluster, costs).step_seconds
    times: list[float] = []
    while len(times) < 5 or sum(times) < seconds:
        start = time.perf_counter()
        session.run(fetch, own.feeds)
        times.append(time.perf_counter() - start)
    real = statistics.median(times)
    print(
        f"{name:10} {what:8}  {first * 1e3:10.3f}ms  {second * 1e3:10.3f}ms  {real * 1e3:10.3f}ms  "
        f"{first / real:.2f} {second / real:.2f}",
        flush=True,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--graphs", nargs="+", choices=tuple(GRAPHS), default=list(GRAPHS))
    parser.add_argument("--gpus", nargs="+", type=int, default=[2, 4, 8])
    parser.add_argument("--budget", type=float, help="seconds for each search")
    parser.add_argument("--measure", action="store_true", help="run the graphs here, too")
    parser.add_argument("--only-measure", action="store_true")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long each step is measured")
    args = parser.parse_args(arguments)
    if not args.only_measure:
        compare(args.graphs, args.gpus, args.budget)
    if args.measure or args.only_measure:
        measure(args.graphs, args.seconds)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
