"""From what a caller asks for to what each device runs: prune, rewrite, plan, cut, stages, programs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..graph.device_spec import DeviceSpec
from ..graph.elements import Operation, Tensor
from ..graph.errors import InvalidArgumentError
from ..graph.graph import Graph
from ..graph.ir import FEED, Node, Ref, Subgraph, check_subgraph
from ..graph.prune import prune
from ..graph.versions import StateVersions, state_versions, with_write_order
from ..kernels.registry import bind, supports
from ..placement import Cluster, Costs, DeviceInfo, Partition, Plan, make_plan, partition
from .config import ConfigProto
from .homes import Homes
from .program import ProgramSpec, VariableSpec
from .stages import cut_stages

__all__ = ["FetchSource", "StepSpec", "build_step"]


@dataclass(frozen=True)
class FetchSource:
    """Where a fetched value comes from.

    Attributes:
        device: device that returns it, or "" for a value that the caller's side knows.
        index: position among what that device returns, or among the feeds.
        value: the value itself, where it is a constant.
    """

    device: str
    index: int
    value: Any = None


@dataclass(frozen=True)
class StepSpec:
    """One kind of step, ready to be registered with its devices.

    Attributes:
        programs: what each device runs.
        feeds: for each device, the positions among the caller's feeds of the values that it is given.
        fetches: where each of the caller's fetches comes from.
        plan: the plan that was followed.
        subgraph: the rewritten step that was planned.
        partitions: each device's nodes, `_Send` and `_Recv` included.
    """

    programs: Mapping[str, ProgramSpec]
    feeds: Mapping[str, tuple[int, ...]]
    fetches: tuple[FetchSource, ...]
    plan: Plan
    subgraph: Subgraph
    partitions: Mapping[str, Partition]

    def changes_state(self, device: str) -> bool:
        """Whether a device's part changes its variables, random streams or resources."""
        program = self.programs[device]
        if program.final:
            return True
        nodes = (n for s in program.stages for n in s.nodes)
        return any(
            n.op not in (FEED, "_Send", "_Recv") and n.decl.state.kind in ("random", "effect") for n in nodes
        )


def build_step(
    graph: Graph,
    fetches: Sequence[Tensor],
    feeds: Sequence[Tensor],
    targets: Sequence[Operation],
    cluster: Cluster,
    config: ConfigProto,
    entropy: int,
    default_device: str | None,
    feed_shapes: Mapping[Tensor, tuple[int, ...]] | None = None,
    check: bool = False,
    homes: Homes | None = None,
    costs: Costs | None = None,
) -> StepSpec:
    """Works out what each device runs for these fetches, feeds and targets.

    Args:
        graph: the graph they are in.
        fetches, feeds, targets: tensors asked for, tensors given, operations to run.
        cluster: the devices there are.
        config: the session's settings.
        entropy: seeds the random ops that have no seed.
        default_device: device of ops that ask for none; None to leave them to the planner.
        feed_shapes: shapes of the feeds, to specialise the step for them.
        check: whether every pass is checked.
        homes: where earlier steps have put variables and the like; learns where this one puts others.
        costs: what is known beyond the ops' declarations.

    Raises:
        InvalidArgumentError: a placeholder that is needed is not fed, or the graph has a cycle.
        PlacementError: the devices asked for do not exist or cannot run their ops.
    """
    subgraph = prune(graph, fetches, feeds, targets)
    _require_feeds(subgraph)
    subgraph = _with_entropy(_with_functions(subgraph), entropy)
    if config.optimize:
        from ..graph.rewrites import optimize

        shapes = {
            subgraph.feeds[t.name]: s for t, s in (feed_shapes or {}).items() if t.name in subgraph.feeds
        }
        subgraph = optimize(subgraph, evaluate, shapes or None, check)
    subgraph = with_write_order(subgraph)
    if check:
        check_subgraph(subgraph)
    versions = state_versions(subgraph)
    if homes is not None:
        subgraph = homes.pin(subgraph)
    plan = make_plan(
        subgraph,
        cluster,
        supports=_supports,
        planner=config.planner,
        costs=costs,
        allow_soft_placement=config.allow_soft_placement,
        default_device=default_device,
        budget_seconds=config.plan_seconds,
    )
    if homes is not None:
        homes.learn(subgraph, plan.placement)
    partitions = partition(subgraph, plan)
    return _assemble(subgraph, versions, plan, partitions, feeds)


def _supports(op_type: str, device: DeviceInfo) -> bool:
    return op_type == FEED or op_type in ("_Send", "_Recv") or supports(op_type, device.backend)


def evaluate(node: Node, inputs: Sequence[Any]) -> tuple[Any, ...]:
    """Computes one pure node on the host; what rewrites fold constants with."""
    types = [_dtype_of(v) for v in inputs]
    result = bind(node, "numpy", np, types)(*inputs)
    values = (result,) if len(node.types) == 1 else tuple(result)
    return tuple(np.asarray(v) for v in values)


def _dtype_of(value: Any) -> Any:
    from ..graph.dtypes import as_dtype

    return as_dtype(np.asarray(value).dtype)


def _require_feeds(subgraph: Subgraph) -> None:
    for node in subgraph.nodes.values():
        if node.op == "Placeholder":
            dtype, shape = node.types[0], node.shapes[0]
            raise InvalidArgumentError(
                node.name,
                f"You must feed a value for placeholder tensor '{node.name}' with dtype {dtype.name} "
                f"and shape {shape}",
                "",
                node.source,
            )


def _with_functions(subgraph: Subgraph) -> Subgraph:
    """The bodies that the step's nodes name, directly or through each other, as plain data."""
    from dataclasses import replace

    from ..graph.attributes import FunctionRef

    found: dict[str, Any] = {}

    def visit(nodes: Any) -> None:
        for node in nodes:
            for value in node.attrs.values():
                for ref in value if isinstance(value, tuple) else (value,):
                    if (
                        isinstance(ref, FunctionRef)
                        and ref.name not in found
                        and ref.name in subgraph.functions
                    ):
                        body = subgraph.functions[ref.name].to_subgraph()
                        found[ref.name] = body
                        visit(body.nodes.values())

    if subgraph.functions:
        visit(subgraph.nodes.values())
    return replace(subgraph, functions=found)


def _with_entropy(subgraph: Subgraph, entropy: int, prefix: str = "") -> Subgraph:
    """Gives random ops without seeds the session's own; the numbers then depend on it and the op's name alone."""
    from dataclasses import replace

    if subgraph.functions:
        bodies = {name: _with_entropy(b, entropy, f"{name}/") for name, b in subgraph.functions.items()}
        subgraph = replace(subgraph, functions=bodies)
    changed = {}
    for node in subgraph.nodes.values():
        attrs = node.attrs
        if attrs.get("seed", 1) == 0 == attrs.get("seed2", 1) and node.decl.state.kind == "random":
            digest = hashlib.blake2b(f"{prefix}{node.name}".encode(), digest_size=7).digest()
            seeds = {"seed": entropy, "seed2": int.from_bytes(digest, "little")}
            changed[node.name] = node.with_(attrs={**attrs, **seeds})
    if not changed:
        return subgraph
    return replace(subgraph, nodes={n: changed.get(n, node) for n, node in subgraph.nodes.items()})


def _assemble(
    subgraph: Subgraph,
    versions: StateVersions,
    plan: Plan,
    partitions: Mapping[str, Partition],
    feeds: Sequence[Tensor],
) -> StepSpec:
    stages = cut_stages(partitions)
    position = {subgraph.feeds[t.name]: i for i, t in enumerate(feeds) if t.name in subgraph.feeds}
    returned: dict[str, list[Ref]] = {device: [] for device in partitions}
    sources = tuple(_fetch_source(r, subgraph, plan, position, returned) for r in subgraph.fetches)
    programs, routes = {}, {}
    for device, part in partitions.items():
        names = [n.name for n in part.nodes if n.op == FEED]
        routes[device] = tuple(position[n] for n in names)
        programs[device] = _program(device, part, stages[device], names, returned[device], versions, subgraph)
    return StepSpec(programs, routes, sources, plan, subgraph, partitions)


def _fetch_source(
    ref: Ref,
    subgraph: Subgraph,
    plan: Plan,
    position: Mapping[str, int],
    returned: Mapping[str, list[Ref]],
) -> FetchSource:
    node = subgraph.nodes[ref[0]]
    if node.op == FEED:
        return FetchSource("", position[node.name])
    if node.op == "Const":
        return FetchSource("", -1, np.asarray(node.attrs["value"]))
    device = plan.placement[node.name]
    wanted = returned[device]
    if ref not in wanted:
        wanted.append(ref)
    return FetchSource(device, wanted.index(ref))


def _program(
    device: str,
    part: Partition,
    stages: Any,
    feeds: Sequence[str],
    fetches: Sequence[Ref],
    versions: StateVersions,
    subgraph: Subgraph,
) -> ProgramSpec:
    accesses = {n.name: versions.accesses[n.name] for n in part.nodes if n.name in versions.accesses}
    used = {a.variable for rows in accesses.values() for a in rows}
    used.update(n.name for n in part.nodes if n.op == "VarHandleOp")
    variables = {v: variable_spec(subgraph.nodes[v]) for v in sorted(used)}
    return ProgramSpec(
        device=device,
        stages=stages,
        feeds=tuple(feeds),
        fetches=tuple(fetches),
        accesses=accesses,
        final={v: n for v, n in versions.final.items() if v in used},
        variables=variables,
        functions=subgraph.functions,
    )


def variable_spec(node: Node) -> VariableSpec:
    """The variable that a `VarHandleOp` node stands for."""
    name = node.attrs.get("shared_name") or node.name
    return VariableSpec(node.name, ("variable", node.attrs.get("container", ""), name), node.source)


def full_device_name(job: str, task: int, kind: str = "CPU", index: int = 0) -> str:
    """`/job:worker/replica:0/task:0/device:CPU:0`."""
    return DeviceSpec(job, 0, task, kind, index).to_string()


Evaluate = Callable[[Node, Sequence[Any]], tuple[Any, ...]]
