"""Memory as a hard limit, and what is said where it does not suffice."""

from __future__ import annotations

import math

import numpy as np

from ..graph.errors import InvalidArgumentError, PlacementError
from .cluster import Cluster
from .list_schedule import Schedule
from .memory import MemoryUse
from .plan import bytes_text
from .problem import Floats, Problem

__all__ = ["check_fit", "check_request", "check_room"]

_SLACK = 1e-9
"""Rounding of sums of bytes that are no overflow, as a share."""


def check_request(budget_seconds: float | None, objective: str) -> None:
    """Raises InvalidArgumentError for a budget that is no time or an objective that there is not."""
    if budget_seconds is not None and not (budget_seconds >= 0 and math.isfinite(budget_seconds)):
        raise InvalidArgumentError(
            None, f"budget_seconds must be a time of at least 0 seconds, got {budget_seconds!r}"
        )
    if objective not in ("latency", "throughput"):
        raise InvalidArgumentError(None, f"objective must be 'latency' or 'throughput', got {objective!r}")


def check_room(problem: Problem, cluster: Cluster) -> None:
    """Raises PlacementError where the weights cannot fit, wherever they are put."""
    weights = np.bincount(problem.group, problem.resident, problem.groups).astype(np.float64)
    if not weights.any():
        return
    for g in np.flatnonzero(weights > 0).tolist():
        able = problem.allowed[problem.choice[g]]
        most = float(problem.memory[able].max())
        if weights[g] > most * (1 + _SLACK):
            names = _largest(problem, problem.members[problem.group_start[g] : problem.group_start[g + 1]])
            largest = cluster.names[int(np.flatnonzero(able & (problem.memory == most))[0])]
            raise PlacementError(
                problem.names[int(problem.members[problem.group_start[g]])],
                f"{names} must be on one device and take {bytes_text(float(weights[g]))}; the largest that they may "
                f"run on, {largest}, has {bytes_text(most)}. Split the variable, take away the colocation, or add a "
                "larger device",
            )
    _check_rows(problem, cluster, weights)


def _check_rows(problem: Problem, cluster: Cluster, weights: Floats) -> None:
    """All weights that may be on some devices only must fit into those together."""
    for row in np.unique(problem.choice).tolist():
        devices = problem.allowed[row]
        inside = ~(problem.allowed & ~devices).any(axis=1)
        held = float(weights[inside[problem.choice]].sum())
        room = float(problem.memory[devices].sum())
        if held > room * (1 + _SLACK):
            tasks = np.flatnonzero(inside[problem.choice[problem.group]] & (problem.resident > 0))
            names = [cluster.names[d] for d in np.flatnonzero(devices)[:4].tolist()]
            raise PlacementError(
                problem.names[int(tasks[np.argmax(problem.resident[tasks])])],
                f"the step's weights take {bytes_text(held)}, of which {_largest(problem, tasks)}; the "
                f"{int(devices.sum())} devices that may hold them ({', '.join(names)}"
                f"{', ...' if devices.sum() > 4 else ''}) have {bytes_text(room)} together. Add devices, or let "
                "more of them hold these ops",
            )


def check_fit(problem: Problem, cluster: Cluster, schedule: Schedule, memory: MemoryUse) -> None:
    """Raises PlacementError where a plan needs more memory than a device has."""
    over = np.flatnonzero(memory.peak > problem.memory * (1 + _SLACK))
    if not len(over):
        return
    worst = int(over[np.argmax(memory.peak[over] - problem.memory[over])])
    here = np.flatnonzero(schedule.assignment == worst)
    held = problem.resident.copy()
    np.maximum.at(held, problem.source, problem.held)
    top = here[np.argsort(-held[here], kind="stable")]
    raise PlacementError(
        problem.names[int(top[0])] if len(top) else None,
        f"no plan was found that fits: the best one needs {bytes_text(float(memory.peak[worst]))} at once on "
        f"{cluster.names[worst]}, which has {bytes_text(float(problem.memory[worst]))}; its weights and inputs take "
        f"{bytes_text(float(memory.resident[worst]))}, and the largest there are {_largest(problem, here)}. Feed "
        "smaller batches, add devices or memory, let ops run on more devices, or give the search a larger budget",
    )


def _largest(problem: Problem, tasks: object) -> str:
    """The largest of some tasks, by what they hold, with sizes."""
    chosen = np.asarray(tasks, dtype=np.int64)
    held = problem.resident.copy()
    np.maximum.at(held, problem.source, problem.held)
    top = chosen[np.argsort(-held[chosen], kind="stable")][:4]
    text = ", ".join(f"'{problem.names[t]}' ({bytes_text(float(held[t]))})" for t in top.tolist())
    return text if len(chosen) <= 4 else f"{text} and {len(chosen) - 4} more"
