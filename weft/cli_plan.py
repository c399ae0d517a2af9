"""`weft plan`: where the ops of a graph go on a cluster, and how fast a step is then."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .graph.errors import OpError, PlacementError

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    """Plans a graph and prints the plan; the exit status."""
    args = _parser().parse_args(arguments)
    try:
        return _plan(args)
    except OpError as error:
        print(f"weft plan: {error.message}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="weft plan", description="Plans where the ops of a graph run on a cluster."
    )
    parser.add_argument(
        "graph", help="GraphDef or MetaGraphDef (.pb, .pbtxt, .meta), or a workload (.json, .csv)"
    )
    parser.add_argument(
        "--cluster", help="cluster file (JSON or YAML); this machine, or what the workload names, by default"
    )
    parser.add_argument("--planner", default="auto", help="name of the planner (default: %(default)s)")
    parser.add_argument("--budget", type=float, metavar="SECONDS", help="how long to search")
    parser.add_argument("--seed", type=int, default=0, help="of the search (default: %(default)s)")
    parser.add_argument("--objective", choices=("latency", "throughput"), default="latency")
    parser.add_argument(
        "--fetch", action="append", default=[], metavar="NAME", help="a node that the step computes"
    )
    parser.add_argument(
        "--batch", type=int, default=32, help="what unknown first dimensions are (default: %(default)s)"
    )
    parser.add_argument("--soft", action="store_true", help="ops may run elsewhere than where they ask to")
    parser.add_argument("--nodes", action="store_true", help="list every node")
    parser.add_argument(
        "--picture", metavar="FILE.svg", help="draw the graph coloured by device, and the time line"
    )
    parser.add_argument("--trace", metavar="FILE.json", help="write the time line for Perfetto")
    parser.add_argument(
        "--output", metavar="FILE.pb", help="write the graph with the plan's devices in its nodes"
    )
    parser.add_argument("--json", metavar="FILE.json", help="write the plan")
    return parser


def _plan(args: argparse.Namespace) -> int:
    from .placement import Cluster, Costs, make_plan, simulate
    from .plan_files import read_graph

    if args.batch < 1:
        raise PlacementError(None, f"--batch must be at least 1, got {args.batch}")
    found = read_graph(args.graph, args.fetch)
    if args.output and found.graph_def is None:
        raise PlacementError(
            None, f"{args.graph} is a workload; --output needs a GraphDef to write devices into"
        )
    cluster = Cluster.load(args.cluster) if args.cluster else found.cluster or _this_machine()
    costs = found.costs or Costs(batch=args.batch)
    if found.costs is not None and args.cluster:
        costs = Costs(resident=costs.resident, batch=args.batch)
    plan = make_plan(
        found.subgraph,
        cluster,
        supports=_anything if found.graph_def is None else _has_kernel,
        planner=args.planner,
        costs=costs,
        allow_soft_placement=args.soft,
        budget_seconds=args.budget,
        seed=args.seed,
        objective=args.objective,
    )
    print(plan.text(nodes=args.nodes))
    simulation = None
    if args.picture or args.trace:
        simulation = simulate(found.subgraph, plan, cluster, costs)
    if args.picture:
        from .placement.picture import plan_svg

        _write(args.picture, plan_svg(found.subgraph, plan, simulation))
    if args.trace:
        from .placement.trace import chrome_trace

        _write(args.trace, json.dumps(chrome_trace(plan, simulation, found.subgraph)))
    if args.json:
        _write(args.json, plan.to_json())
    if args.output:
        _write_graph(found.graph_def, plan, args.output)
    return 0


def _this_machine() -> Any:
    from .actors.calibration import calibrated
    from .actors.config import ConfigProto
    from .actors.inventory import describe_devices
    from .placement import Cluster

    return calibrated(Cluster(tuple(describe_devices(None, ConfigProto()))), "local")


def _has_kernel(op: str, device: Any) -> bool:
    from .graph.opdef import find_op
    from .kernels.registry import supports

    # An op that weft does not know is taken to run anywhere: the graph is planned, not run.
    return op.startswith("_") or find_op(op) is None or supports(op, device.backend.split(":")[0])


def _anything(op: str, device: Any) -> bool:
    return True


def _write(path: str, text: str) -> None:
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise PlacementError(None, f"cannot write {path}: {error}") from None
    print(f"wrote {path}", file=sys.stderr)


def _write_graph(graph_def: Any, plan: Any, path: str) -> None:
    """Writes the graph with the plan's devices, as text where the name says so."""
    made = type(graph_def)()
    made.CopyFrom(graph_def)
    for node in made.node:
        device = plan.placement.get(node.name) or plan.placement.get(f"_feed/{node.name}_0")
        if device:
            node.device = device
    if path.endswith((".pbtxt", ".txt")):
        from google.protobuf import text_format

        _write(path, text_format.MessageToString(made))
        return
    try:
        Path(path).write_bytes(made.SerializeToString(deterministic=True))
    except OSError as error:
        raise PlacementError(None, f"cannot write {path}: {error}") from None
    print(f"wrote {path}", file=sys.stderr)
