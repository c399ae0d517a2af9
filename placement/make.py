"""`make_plan`: from a step and a cluster to a `Plan`."""

from __future__ import annotations

import numpy as np

from ..graph.ir import Subgraph
from .bounds import lower_bound, single_seconds
from .cluster import Cluster
from .constraints import Supports, constraints_of
from .costs import Costs
from .events import run_events
from .finish import finish_plan, order_by_time
from .list_schedule import Schedule
from .memory import memory_use
from .plan import Plan
from .planners import PlannerContext, get_planner
from .problem import Ints, Problem, build_problem

__all__ = ["make_plan"]


def make_plan(
    subgraph: Subgraph,
    cluster: Cluster,
    *,
    supports: Supports,
    planner: str = "auto",
    costs: Costs | None = None,
    allow_soft_placement: bool = False,
    default_device: str | None = None,
    budget_seconds: float = 2.0,
    seed: int = 0,
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
        budget_seconds: how long the planner may search, in seconds.
        seed: of the search; equal seeds give equal plans as long as the budget does not run out.

    Raises:
        PlacementError: no placement meets the constraints.
        NotFoundError: there is no planner of that name.
    """
    find = get_planner(planner)
    constraints = constraints_of(subgraph, cluster, supports, allow_soft_placement, default_device)
    problem = build_problem(subgraph, cluster, constraints, costs or Costs())
    only = _only_choice(problem)
    if only is not None:
        schedule = Schedule(only, np.arange(problem.tasks, dtype=np.int64))
        planner = "single"
    else:
        schedule = find(problem, PlannerContext(budget_seconds, seed))
    run = run_events(problem, schedule.assignment, schedule.order)
    memory = memory_use(problem, schedule.assignment, run)
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
        notes=constraints.notes,
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
