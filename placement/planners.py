"""The planners, by name."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..graph.errors import NotFoundError
from .list_schedule import Schedule, cpop, heft
from .problem import Ints, Problem

__all__ = [
    "PLANNERS",
    "Objective",
    "PlannerContext",
    "Report",
    "get_planner",
    "planner",
    "single",
    "single_schedules",
]

Objective = Literal["latency", "throughput"]

Report = Callable[[float, float], None]
"""Called now and then with the elapsed seconds and the length of the best step so far; once with -1 seconds when the
search was interrupted."""


@dataclass(frozen=True)
class PlannerContext:
    """What a planner may use besides the problem.

    Attributes:
        budget_seconds: how long it may search.
        seed: of its random choices.
        objective: "latency" for the time of one step, "throughput" for steps per second when many follow each
            other.
        report: called while the search goes on; None for nobody.
        steps: how many steps the plan is for; the search takes no longer than a better plan could save over so
            many. None for a search that uses its budget.
    """

    budget_seconds: float
    seed: int = 0
    objective: Objective = "latency"
    report: Report | None = None
    steps: float | None = None


Planner = Callable[[Problem, PlannerContext], Schedule]

PLANNERS: dict[str, Planner] = {}

_HOMES = {
    "single": (),
    "heft": (),
    "cpop": (),
    "search": ("search",),
    "auto": ("search",),
    "m_etf": ("baechi",),
    "m_sct": ("baechi",),
    "pipeline": ("throughput",),
    "exact": ("exact",),
}
"""For each planner the modules of this folder to import for it."""


def planner(*names: str) -> Callable[[Planner], Planner]:
    """Registers the decorated function as the planner of these names."""

    def register(function: Planner) -> Planner:
        for name in names:
            PLANNERS[name] = function
        return function

    return register


def get_planner(name: str) -> Planner:
    """The planner of that name.

    Raises:
        NotFoundError: there is none; the message lists those that exist.
    """
    for home in _HOMES.get(name, ()) if name in _HOMES else {h for hs in _HOMES.values() for h in hs}:
        importlib.import_module(f".{home}", __package__)  # importing it registers its planners
    if name not in PLANNERS:
        raise NotFoundError(None, f"there is no planner {name!r}; there are {', '.join(sorted(PLANNERS))}")
    return PLANNERS[name]


def single_schedules(problem: Problem) -> list[Schedule]:
    """For each kind of device: everything that may run on one of it does, and what may not goes where it ends up
    with the most others."""
    allowed = problem.allowed[problem.choice]
    order = np.arange(problem.tasks, dtype=np.int64)
    fixed = np.where(allowed.sum(axis=1) == 1, allowed.argmax(axis=1), -1)
    elsewhere = np.where(fixed >= 0, fixed, allowed.argmax(axis=1)) if len(allowed) else fixed
    alone = np.bincount(fixed[fixed >= 0], minlength=problem.devices) > 0
    found: dict[bytes, Ints] = {}
    kinds = set()
    for device in range(problem.devices):
        # Devices that nothing tells apart count once.
        kind = (
            problem.device_class[device],
            problem.streams[device],
            problem.memory[device],
            problem.allowed[:, device].tobytes(),
        )
        if kind in kinds and not alone[device] and not fixed.max(initial=-1) >= 0:
            continue
        kinds.add(kind)
        at = np.where(allowed[:, device], device, elsewhere)[problem.group].astype(np.int64)
        found.setdefault(at.tobytes(), at)
    return [Schedule(a, order) for a in found.values()]


@planner("single")
def single(problem: Problem, context: PlannerContext) -> Schedule:
    """Everything on one device, as far as the constraints let it; the best device for that."""
    from .search import Measure

    measure = Measure(problem, compiled=False)
    return min((measure(s) for s in single_schedules(problem)), key=lambda c: c.rank).schedule


@planner("heft")
def _heft(problem: Problem, context: PlannerContext) -> Schedule:
    from .search import use_compiled

    return heft(problem, use_compiled(problem, context))


@planner("cpop")
def _cpop(problem: Problem, context: PlannerContext) -> Schedule:
    from .search import use_compiled

    return cpop(problem, use_compiled(problem, context))
