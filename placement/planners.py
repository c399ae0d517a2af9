"""The planners, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..graph.errors import NotFoundError
from .events import run_events
from .list_schedule import Schedule, heft
from .problem import Ints, Problem

__all__ = ["PLANNERS", "PlannerContext", "get_planner", "planner", "single"]


@dataclass(frozen=True)
class PlannerContext:
    """What a planner may use besides the problem.

    Attributes:
        budget_seconds: how long it may search.
        seed: of its random choices.
    """

    budget_seconds: float
    seed: int = 0


Planner = Callable[[Problem, PlannerContext], Schedule]

PLANNERS: dict[str, Planner] = {}


def planner(name: str) -> Callable[[Planner], Planner]:
    """Registers the decorated function as the planner of that name."""

    def register(function: Planner) -> Planner:
        PLANNERS[name] = function
        return function

    return register


def get_planner(name: str) -> Planner:
    """The planner of that name.

    Raises:
        NotFoundError: there is none; the message lists those that exist.
    """
    if name not in PLANNERS:
        raise NotFoundError(None, f"there is no planner {name!r}; there are {', '.join(sorted(PLANNERS))}")
    return PLANNERS[name]


def single_assignments(problem: Problem) -> list[Ints]:
    """For each device that could carry all groups that have a choice: everything that may run there does,
    and what may not goes where it ends up with the most others."""
    allowed = problem.allowed[problem.choice]
    found = []
    fixed = np.where(allowed.sum(axis=1) == 1, allowed.argmax(axis=1), -1)
    for device in range(problem.devices):
        at = np.where(allowed[:, device], device, np.where(fixed >= 0, fixed, allowed.argmax(axis=1)))
        found.append(at[problem.group].astype(np.int64))
    return found


@planner("single")
def single(problem: Problem, context: PlannerContext) -> Schedule:
    """Everything on one device, as far as the constraints let it; the best device for that."""
    order = np.arange(problem.tasks, dtype=np.int64)
    distinct = {a.tobytes(): a for a in single_assignments(problem)}
    best = min(distinct.values(), key=lambda a: run_events(problem, a, order).step_seconds)
    return Schedule(best, order)


@planner("heft")
def _heft(problem: Problem, context: PlannerContext) -> Schedule:
    return heft(problem)


@planner("auto")
def auto(problem: Problem, context: PlannerContext) -> Schedule:
    """The better of `heft` and `single`."""
    candidates = [single(problem, context), heft(problem)]
    return min(candidates, key=lambda s: run_events(problem, s.assignment, s.order).step_seconds)
