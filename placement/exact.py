"""The shortest step for small graphs, by OR-tools' CP-SAT solver (the extra `exact`); it checks the other planners.

The model: every group on one of its devices, every task at a time, no two tasks on one stream at once, a transfer for
every tensor and device that needs it, no two transfers on one channel at once. Tasks and transfers may wait for no
reason, so that nothing that the event model can do is missing; what the solver proves is a bound for every planner.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..graph.errors import PlacementError
from .list_schedule import Schedule
from .planners import PlannerContext, planner
from .problem import Ints, Problem

__all__ = ["Exact", "exact", "solve"]

_TICKS = 200_000
"""Steps of time that the best step known is divided into."""

_MOST_TASKS = 200


@dataclass(frozen=True, eq=False)
class Exact:
    """What the solver found.

    Attributes:
        schedule: the best schedule.
        seconds: its length in the event model.
        bound: no plan has a shorter step, up to rounding.
        proven: whether the solver came to an end.
    """

    schedule: Schedule
    seconds: float
    bound: float
    proven: bool


@planner("exact")
def exact(problem: Problem, context: PlannerContext) -> Schedule:
    """The shortest step, for small graphs."""
    return solve(problem, context).schedule


def solve(problem: Problem, context: PlannerContext) -> Exact:
    """Looks for the shortest step and proves how short it can be.

    Raises:
        PlacementError: OR-tools is not installed, or the graph is too large.
    """
    from .search import Measure, polished, search_best

    if importlib.util.find_spec("ortools") is None:
        raise PlacementError(
            None, "the planner 'exact' needs OR-tools: pip install 'weft[exact]'; 'auto' needs nothing"
        )
    if problem.tasks > _MOST_TASKS:
        raise PlacementError(
            None,
            f"the planner 'exact' is for up to {_MOST_TASKS} ops, this step has {problem.tasks}; use 'auto'",
        )
    half = PlannerContext(min(1.0, 0.3 * context.budget_seconds), context.seed, "latency", context.report)
    best = search_best(problem, half)
    if problem.tasks == 0:
        return Exact(best.schedule, 0.0, 0.0, True)
    tick = max(best.seconds, 1e-12) / _TICKS
    model = _Model(problem, best.schedule, tick)
    found, bound, proven = model.solve(max(0.7 * context.budget_seconds, 0.1), context.seed)
    if found is not None:
        measured = Measure(problem, compiled=False)(found, "exact")
        # The solver may let transfers overtake each other, which channels do not; annealing mends that.
        best = polished(problem, [best, measured], context.seed, bound * tick)
    # Times are rounded down to ticks, so what holds for the model holds for the step.
    return Exact(best.schedule, best.seconds, min(bound * tick, best.seconds), proven)


class _Model:
    def __init__(self, problem: Problem, start: Schedule, tick: float) -> None:
        from ortools.sat.python import cp_model

        self.cp: Any = cp_model
        self.problem = problem
        self.tick = tick
        self.model: Any = cp_model.CpModel()
        self.horizon = 2 * _TICKS
        self.on = self._devices(start.assignment)
        self.begin: list[Any] = []
        self.end: list[Any] = []
        self._tasks()
        self._transfers()
        self._memory()
        self.length = self.model.new_int_var(0, self.horizon, "length")
        self.model.add_max_equality(self.length, self.end)
        self.model.minimize(self.length)

    def _ticks(self, seconds: float) -> int:
        return int(seconds / self.tick)

    def _devices(self, start: Ints) -> list[dict[int, Any]]:
        """For each group a literal per device that it may run on."""
        found = []
        for g in range(self.problem.groups):
            able = np.flatnonzero(self.problem.allowed[self.problem.choice[g]]).tolist()
            row = {d: self.model.new_bool_var(f"g{g}d{d}") for d in able}
            self.model.add_exactly_one(row.values())
            here = int(start[self.problem.members[self.problem.group_start[g]]])
            for d, literal in row.items():
                self.model.add_hint(literal, d == here)
            found.append(row)
        return found

    def _tasks(self) -> None:
        problem, model = self.problem, self.model
        lines: dict[int, list[Any]] = {}
        for t in range(problem.tasks):
            begin = model.new_int_var(0, self.horizon, f"b{t}")
            end = model.new_int_var(0, self.horizon, f"e{t}")
            for d, literal in self.on[int(problem.group[t])].items():
                size = self._ticks(float(problem.seconds[t, problem.device_class[d]]))
                model.add(end == begin + size).only_enforce_if(literal)
                if size:
                    lines.setdefault(d, []).append(
                        model.new_optional_interval_var(begin, size, end, literal, f"t{t}d{d}")
                    )
            self.begin.append(begin)
            self.end.append(end)
        for d, intervals in lines.items():
            if problem.streams[d] == 1:
                model.add_no_overlap(intervals)
            else:
                model.add_cumulative(intervals, [1] * len(intervals), int(problem.streams[d]))

    def _transfers(self) -> None:
        """Every pair of devices that a tensor may travel between."""
        problem, model = self.problem, self.model
        channels: dict[int, list[Any]] = {}
        for x in range(problem.tensors):
            users = problem.users[problem.user_start[x] : problem.user_start[x + 1]].tolist()
            source = int(problem.source[x])
            origins = self.on[int(problem.group[source])]
            for u in users:
                model.add(self.begin[u] >= self.end[source])
            takers: dict[int, list[int]] = {}
            for u in users:
                if problem.group[u] == problem.group[source]:
                    continue
                for d in self.on[int(problem.group[u])]:
                    takers.setdefault(d, []).append(u)
            for target, there in takers.items():
                for origin, from_here in origins.items():
                    if origin != target:
                        self._transfer(x, source, origin, from_here, target, there, channels)
        for intervals in channels.values():
            model.add_no_overlap(intervals)

    def _transfer(
        self,
        x: int,
        source: int,
        origin: int,
        from_here: Any,
        target: int,
        users: list[int],
        channels: dict[int, list[Any]],
    ) -> None:
        problem, model, links = self.problem, self.model, self.problem.links
        carried = self._ticks(float(problem.bytes[x] * links.seconds_per_byte[origin, target]))
        latency = self._ticks(float(links.latency[origin, target]))
        channel = int(links.channel[origin, target])
        needed = model.new_bool_var("")
        start = model.new_int_var(0, self.horizon, "")
        done = model.new_int_var(0, self.horizon, "")
        model.add(done == start + carried)
        model.add(start >= self.end[source]).only_enforce_if(needed)
        for u in users:
            here = self.on[int(problem.group[u])][target]
            model.add_bool_or([from_here.negated(), here.negated(), needed])
            model.add(self.begin[u] >= done + latency).only_enforce_if([from_here, here])
        if carried and channel >= 0:
            channels.setdefault(channel, []).append(
                model.new_optional_interval_var(start, carried, done, needed, "")
            )

    def _memory(self) -> None:
        """Weights alone; what a step holds besides is checked afterwards."""
        problem = self.problem
        weights = np.bincount(problem.group, problem.resident, problem.groups)
        if not weights.any():
            return
        for d in range(problem.devices):
            if np.isfinite(problem.memory[d]):
                terms = [
                    int(weights[g]) * row[d] for g, row in enumerate(self.on) if d in row and weights[g] > 0
                ]
                if terms:
                    self.model.add(sum(terms) <= int(problem.memory[d]))

    def solve(self, seconds: float, seed: int) -> tuple[Schedule | None, float, bool]:
        """The best schedule, the bound in ticks, and whether the solver came to an end."""
        solver = self.cp.CpSolver()
        solver.parameters.max_time_in_seconds = seconds
        solver.parameters.random_seed = seed
        solver.parameters.num_workers = 4
        status = solver.solve(self.model)
        if status not in (self.cp.OPTIMAL, self.cp.FEASIBLE):
            return None, 0.0, False
        problem = self.problem
        device = np.array(
            [next(d for d, v in self.on[int(g)].items() if solver.boolean_value(v)) for g in problem.group],
            dtype=np.int64,
        )
        begin = np.array([solver.value(b) for b in self.begin])
        order = np.lexsort((np.arange(problem.tasks), begin)).astype(np.int64)
        return Schedule(device, order), float(solver.best_objective_bound), status == self.cp.OPTIMAL
