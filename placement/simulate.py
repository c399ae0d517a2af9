"""Predicts how a plan runs on a cluster, whichever planner made it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..graph.errors import PlacementError
from ..graph.ir import Subgraph
from .cluster import Cluster
from .constraints import Constraints
from .costs import Costs
from .events import Run, run_events
from .finish import tensor_name
from .memory import MemoryUse, memory_use
from .plan import Plan
from .problem import Ints, Problem, build_problem

__all__ = ["Simulation", "Span", "simulate"]


@dataclass(frozen=True, slots=True)
class Span:
    """Something that takes time in a simulated step.

    Attributes:
        kind: "op" or "transfer".
        name: of the node, or of the tensor.
        device: where it runs, or where it goes to.
        begin, end: in seconds from the start of the step.
        source: device that a transfer comes from; "" for an op.
        bytes: size of a transfer.
    """

    kind: Literal["op", "transfer"]
    name: str
    device: str
    begin: float
    end: float
    source: str = ""
    bytes: float = 0.0


@dataclass(frozen=True)
class Simulation:
    """A simulated step.

    Attributes:
        step_seconds: from start to end.
        peak_bytes: most memory that each device needs at once.
        timeline: every op and transfer, by begin.
        busy_seconds: time that each device computes.
        memory: how much each device holds over time, as (seconds, bytes) from that time on.
    """

    step_seconds: float
    peak_bytes: dict[str, float]
    timeline: tuple[Span, ...]
    busy_seconds: dict[str, float]
    memory: dict[str, tuple[tuple[float, float], ...]]


def simulate(subgraph: Subgraph, plan: Plan, cluster: Cluster, costs: Costs | None = None) -> Simulation:
    """Predicts a step of a plan.

    Args:
        subgraph: the step that the plan was made for.
        plan: where its nodes run; any planner's, or made by hand.
        cluster: the devices and links to run on; it must have the devices that the plan uses.
        costs: what is known beyond the declarations.

    Raises:
        PlacementError: the plan lacks a node, names a device that the cluster lacks, or its order contradicts
            the step.
    """
    problem, assignment, order = arrays_of(subgraph, plan, cluster, costs)
    run = run_events(problem, assignment, order)
    return _named(problem, assignment, run, memory_use(problem, assignment, run), cluster.names)


def arrays_of(
    subgraph: Subgraph, plan: Plan, cluster: Cluster, costs: Costs | None = None
) -> tuple[Problem, Ints, Ints]:
    """The step as arrays, the plan's device of each task, and the plan's order of the tasks."""
    missing = [n for n in subgraph.nodes if n not in plan.placement]
    if missing:
        raise PlacementError(missing[0], f"the plan says nothing of node '{missing[0]}'; make it anew")
    groups = tuple(range(len(subgraph.nodes)))
    where = {d: cluster.index[cluster.device(d).name] for d in set(plan.placement.values())}
    allowed = tuple((where[plan.placement[n]],) for n in subgraph.nodes)
    problem = build_problem(subgraph, cluster, Constraints(groups, allowed), costs or Costs())
    assignment = np.array([where[plan.placement[n]] for n in problem.names], dtype=np.int64)
    number = {name: i for i, name in enumerate(problem.names)}
    order = np.array([number[n] for n in plan.global_order if n in number], dtype=np.int64)
    _check_order(problem, order)
    return problem, assignment, order


def _check_order(problem: Problem, order: Ints) -> None:
    if len(order) != problem.tasks or len(np.unique(order)) != problem.tasks:
        raise PlacementError(None, "the plan's order does not name every node of the step once")
    position = np.empty(problem.tasks, dtype=np.int64)
    position[order] = np.arange(problem.tasks)
    maker, user, _ = problem.edges
    wrong = np.flatnonzero(position[maker] >= position[user])
    if len(wrong):
        late, early = problem.names[maker[wrong[0]]], problem.names[user[wrong[0]]]
        raise PlacementError(early, f"the plan's order has '{early}' before '{late}', which it needs")


def _named(
    problem: Problem, assignment: Ints, run: Run, memory: MemoryUse, names: tuple[str, ...]
) -> Simulation:
    spans = [
        Span("op", name, names[d], b, e)
        for name, d, b, e in zip(
            problem.names, assignment.tolist(), run.begin.tolist(), run.end.tolist(), strict=True
        )
    ]
    moves = run.moves
    for tensor, dst, begin, end in zip(
        moves.tensor.tolist(),
        moves.device.tolist(),
        run.move_begin.tolist(),
        run.move_end.tolist(),
        strict=True,
    ):
        src = names[int(assignment[problem.source[tensor]])]
        name, size = tensor_name(problem, tensor), float(problem.bytes[tensor])
        spans.append(Span("transfer", name, names[dst], begin, end, src, size))
    spans.sort(key=lambda s: (s.begin, s.kind, s.end))
    busy = np.bincount(assignment, run.end - run.begin, problem.devices)
    used = set(assignment.tolist())
    peak = {names[d]: float(memory.peak[d]) for d in sorted(used)}
    held: dict[str, tuple[tuple[float, float], ...]] = {}
    for d in sorted(used):
        rows = memory.device == d
        points = zip(memory.time[rows].tolist(), memory.held[rows].tolist(), strict=True)
        held[names[d]] = ((0.0, float(memory.resident[d])), *points)
    return Simulation(
        run.step_seconds, peak, tuple(spans), {names[d]: float(busy[d]) for d in sorted(used)}, held
    )
