"""`make_plan`: from a step and a cluster to a `Plan`."""

from __future__ import annotations

import numpy as np

from ..graph.ir import Subgraph
from . import jit
from .bounds import lower_bound, single_seconds
from .cluster import Cluster
from .constraints import Supports, constraints_of
from .costs import Costs
from .events import run_events
from .finish import finish_plan, order_by_time
from .list_schedule import Schedule
from .memory import memory_use
from .plan import Plan
from .planners import Objective, PlannerContext, Report, get_planner
from .problem import Ints, Problem, build_problem
from .progress import Progress
from .room import check_fit, check_request, check_room
from .search import default_budget
from .throughput import period_note

__all__ = ["make_plan"]

_STEPS = 1000.0
"""For how many steps a plan is made where nothing else is said."""


def make_plan(
    subgraph: Subgraph,
    cluster: Cluster,
    *,
    supports: Supports,
    planner: str = "auto",
    costs: Costs | None = None,
    allow_soft_placement: bool = False,
    default_device: str | None = None,
    budget_seconds: float | None = None,
    seed: int = 0,
    objective: Objective = "latency",
    report: Report | None = None,
) -> Plan:
    """Decides which device runs each node of a step, and in which order.

    Args:
        subgraph: the step.
        cluster: the devices, and the links between them.
        supports: whether a device has a kernel for an op type.
        planner: name of the planner; "auto" for the one that finds the fastest step.
        costs: what is known beyond the declarations: shapes seen, times measured.
        allow_soft_placement: whether an op may run on another device of its task than the one that it asks
            for, where that one is not there or cannot run it.
        default_device: full or partial name of the devices that ops which leave a choice go to; None leaves
            the choice to the planner.
        budget_seconds: how long the planner may search, in seconds; None for what fits the size of the step, and no
            longer than a better plan could save in a thousand steps.
        seed: of the search; equal seeds give equal plans as long as the machine is not so slow that the clock
            ends the search.
        objective: "latency" for the time of one step, "throughput" for steps per second when many are in flight.
        report: called while a planner searches with the elapsed seconds and the best step's so far; None for a
            line on standard error now and then, from two seconds on.

    Raises:
        PlacementError: no placement meets the constraints, or none that was found fits into the memory.
        NotFoundError: there is no planner of that name.
        InvalidArgumentError: the budget is negative or no number, or there is no such objective.
    """
    find = get_planner(planner)
    check_request(budget_seconds, objective)
    constraints = constraints_of(subgraph, cluster, supports, allow_soft_placement, default_device)
    problem = build_problem(subgraph, cluster, constraints, costs or Costs())
    only = _only_choice(problem)
    notes = list(constraints.notes)
    if only is not None:
        schedule = Schedule(only, np.arange(problem.tasks, dtype=np.int64))
        planner = "single"
    else:
        check_room(problem, cluster)
        budget = default_budget(problem.tasks) if budget_seconds is None else budget_seconds
        steps = _STEPS if budget_seconds is None else None
        progress = Progress(planner) if report is None else None
        schedule = find(problem, PlannerContext(budget, seed, objective, report or progress, steps))
        if problem.tasks >= 300 and jit.compiler_available() and not jit.is_cached("loops_plan"):
            notes.append(
                "planned in plain Python; `python -m weft.placement.compile` makes plans better and sooner"
            )
        if progress is not None and progress.interrupted:
            notes.append("the search was interrupted; this is the best plan that it had found")
    run = run_events(problem, schedule.assignment, schedule.order)
    memory = memory_use(problem, schedule.assignment, run)
    check_fit(problem, cluster, schedule, memory)
    if objective == "throughput":
        notes.append(period_note(problem, schedule))
    return finish_plan(
        subgraph,
        cluster,
        problem,
        Schedule(schedule.assignment, order_by_time(run, schedule.order)),
        step_seconds=run.step_seconds,
        peak=memory.peak.tolist(),
        planner=planner,
        single_seconds=run.step_seconds if only is not None else single_seconds(problem),
        lower_bound=lower_bound(problem),
        notes=notes,
    )


def _only_choice(problem: Problem) -> Ints | None:
    """The assignment, where the constraints leave nothing but one device for everything."""
    if problem.devices == 1:
        return np.zeros(problem.tasks, dtype=np.int64)
    allowed = problem.allowed[np.unique(problem.choice)]
    if not len(allowed) or ((allowed.sum(axis=1) == 1).all() and (allowed == allowed[0]).all()):
        device = int(allowed[0].argmax()) if len(allowed) else 0
        return np.full(problem.tasks, device, dtype=np.int64)
    return None
