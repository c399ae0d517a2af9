"""From a schedule over arrays to a `Plan` over names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from ..graph.ir import Subgraph
from .cluster import Cluster
from .constraints import is_copied
from .events import Run, moves_of
from .list_schedule import Schedule
from .plan import Plan, Transfer
from .problem import Ints, Problem

__all__ = ["finish_plan", "order_by_time"]


def order_by_time(run: Run, order: Ints) -> Ints:
    """The tasks in the order in which they start; of those that start together, as they are in `order`."""
    return order[np.argsort(run.begin[order], kind="stable")]


def finish_plan(
    subgraph: Subgraph,
    cluster: Cluster,
    problem: Problem,
    schedule: Schedule,
    *,
    step_seconds: float,
    peak: Sequence[float],
    planner: str,
    single_seconds: float | None,
    lower_bound: float,
    notes: Sequence[str],
) -> Plan:
    """The schedule as a plan, nodes that are copied included."""
    names = cluster.names
    device_of = {problem.names[i]: names[d] for i, d in enumerate(schedule.assignment.tolist())}
    home = _homes(subgraph, problem, schedule, cluster, device_of)
    placement = {name: device_of.get(name) or home[name] for name in subgraph.nodes}
    order = _with_copies(subgraph, problem, schedule)
    projected: dict[str, list[str]] = {}
    for name in order:
        projected.setdefault(placement[name], []).append(name)
    used = [d for d in names if d in projected]
    return Plan(
        devices=names,
        placement=placement,
        global_order=tuple(order),
        order={d: tuple(projected[d]) for d in used},
        transfers=_transfers(problem, schedule, names),
        frees=_frees(problem, schedule, names) if problem.tasks else {},
        step_seconds=step_seconds,
        peak_bytes={d: float(peak[cluster.index[d]]) for d in used},
        planner=planner,
        single_seconds=single_seconds,
        lower_bound=lower_bound,
        notes=tuple(notes),
        op_seconds=dict(zip(problem.names, problem.time(schedule.assignment).tolist(), strict=True)),
        busy_seconds=_busy(problem, schedule, names),
    )


def _busy(problem: Problem, schedule: Schedule, names: Sequence[str]) -> dict[str, float]:
    load = np.bincount(schedule.assignment, problem.time(schedule.assignment), problem.devices)
    return {names[d]: float(load[d]) for d in np.unique(schedule.assignment).tolist()}


def _homes(
    subgraph: Subgraph, problem: Problem, schedule: Schedule, cluster: Cluster, device_of: dict[str, str]
) -> dict[str, str]:
    """The device of each node that is copied: that of its first user."""
    copied = [node.name for node in subgraph.nodes.values() if is_copied(node)]
    position = np.empty(problem.tasks, dtype=np.int64)
    position[schedule.order] = np.arange(problem.tasks)
    begin = problem.copied_start.tolist()
    found = {}
    busiest = Counter(device_of.values()).most_common(1)[0][0] if device_of else cluster.names[0]
    for row, name in enumerate(copied):
        users = problem.copied_users[begin[row] : begin[row + 1]]
        if len(users):
            first = int(users[np.argmin(position[users])])
            found[name] = device_of[problem.names[first]]
        else:
            found[name] = busiest
    return found


def _with_copies(subgraph: Subgraph, problem: Problem, schedule: Schedule) -> list[str]:
    """All nodes in the schedule's order, copied ones right before their first user."""
    order: dict[str, None] = {}
    for task in schedule.order.tolist():
        node = subgraph.nodes[problem.names[task]]
        for source, _ in node.inputs:
            if source not in order:
                # Tasks come after the tasks that they need, so this one is copied.
                order[source] = None
        order[node.name] = None
    for name in subgraph.nodes:
        order.setdefault(name)
    # A copied node that is only waited for, not used, may stand anywhere; the checker wants it first.
    return _controls_first(subgraph, list(order))


def _controls_first(subgraph: Subgraph, order: list[str]) -> list[str]:
    seen: dict[str, None] = {}
    for name in order:
        for control in subgraph.nodes[name].control:
            seen.setdefault(control)
        seen.setdefault(name)
    return list(seen)


def _transfers(problem: Problem, schedule: Schedule, names: Sequence[str]) -> tuple[Transfer, ...]:
    moves = moves_of(problem, schedule.assignment)
    made = []
    for tensor, device in zip(moves.tensor.tolist(), moves.device.tolist(), strict=True):
        maker = int(problem.source[tensor])
        src = names[int(schedule.assignment[maker])]
        name = tensor_name(problem, tensor)
        made.append(Transfer(name, src, names[device], float(problem.bytes[tensor])))
    return tuple(made)


def tensor_name(problem: Problem, tensor: int) -> str:
    """`node:output`, or `^node` for a control edge."""
    node, output = problem.names[int(problem.source[tensor])], int(problem.output[tensor])
    return f"^{node}" if output < 0 else f"{node}:{output}"


def _frees(
    problem: Problem, schedule: Schedule, names: Sequence[str]
) -> dict[str, dict[str, tuple[str, ...]]]:
    """By device and node, the tensors whose last user on that device the node is."""
    position = np.empty(problem.tasks, dtype=np.int64)
    position[schedule.order] = np.arange(problem.tasks)
    _, user, tensor = problem.edges
    real = (problem.output[tensor] >= 0) & ~problem.kept[tensor]
    user, tensor = user[real], tensor[real]
    device = schedule.assignment[user]
    rank = np.lexsort((position[user], tensor, device))
    device, tensor, user = device[rank], tensor[rank], user[rank]
    last = np.ones(len(rank), dtype=np.bool_)
    last[:-1] = (device[1:] != device[:-1]) | (tensor[1:] != tensor[:-1])
    found: dict[str, dict[str, list[str]]] = {}
    for d, t, u in zip(device[last].tolist(), tensor[last].tolist(), user[last].tolist(), strict=True):
        found.setdefault(names[d], {}).setdefault(problem.names[u], []).append(tensor_name(problem, t))
    return {d: {n: tuple(t) for n, t in by_node.items()} for d, by_node in found.items()}
