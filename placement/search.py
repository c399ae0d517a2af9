"""The default planner: coarsen, start from the best list schedule, anneal, refine level by level.

Every start and everything that the search finds is measured in the event model, and the best is kept, so that it is
never worse than any start or the best single device. How many moves are tried follows from the budget and the size of
the problem, not from the clock, so equal seeds give equal plans; the clock only ends a search on a machine that is
much slower than expected.
"""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from . import jit
from .arrays import contended_channels
from .baechi import favourite_children
from .bounds import lower_bound
from .coarsen import coarsened, units_of
from .incremental import Incremental, memory_binds, new_work
from .list_schedule import Lists, Schedule, cpop
from .planners import PlannerContext, planner, single_schedules
from .problem import Floats, Ints, Problem

__all__ = [
    "Annealer",
    "Candidate",
    "Measure",
    "default_budget",
    "load_loops",
    "polished",
    "search",
    "search_best",
    "use_compiled",
]

_TOUCH_SECONDS = 1.6e-8
"""What a compiled round of annealing takes for every task and every use of a tensor, on a slow machine."""

_SMALL = 12_000
"""Up to so many pairs of a task and a device that it may run on, a list schedule in plain Python takes less than the
compiled loops' loading."""

_LOADING = 2.0
"""Seconds that loading the compiled loops takes, roughly."""

_SHORTEST = 0.02
"""A search of fewer seconds finds nothing."""

_PLAIN_FACTOR = 60.0
"""How much slower plain Python is."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """A schedule and how it did.

    Attributes:
        schedule: it.
        seconds: length of the step.
        over: by how much devices are too full, each as a share of its memory, added up.
        name: who made it.
    """

    schedule: Schedule
    seconds: float
    over: float
    name: str

    @property
    def rank(self) -> tuple[float, float]:
        """Smaller is better: what fits before what does not."""
        return (self.over, self.seconds)


class Measure:
    """Measures schedules of one problem.

    Args:
        problem: the step.
        compiled: whether to run compiled loops.
    """

    def __init__(self, problem: Problem, compiled: bool) -> None:
        self.problem = problem
        self.compiled = compiled
        self.binds = memory_binds(problem)

    def __call__(self, schedule: Schedule, name: str = "") -> Candidate:
        play = Incremental(self.problem, schedule.assignment, schedule.order, self.compiled)
        over = 0.0
        if self.binds:
            room = self.problem.memory
            peak = play.peaks()
            over = float((np.maximum(peak - room, 0.0) / np.maximum(room, 1.0)).sum())
        return Candidate(schedule, play.step_seconds, over, name)


@dataclass
class Clock:
    """The budget: rounds by size, and the time at which to stop at the latest."""

    context: PlannerContext
    begin: float = field(default_factory=time.monotonic)

    def left(self) -> float:
        return self.begin + self.context.budget_seconds - time.monotonic()

    def report(self, best: float) -> None:
        if self.context.report is not None:
            self.context.report(time.monotonic() - self.begin, best)


def default_budget(tasks: int) -> float:
    """Seconds that a search over so many tasks may take where nothing else is said."""
    return min(14.0, 0.3 + tasks * 1.5e-4)


@planner("auto", "search")
def search(problem: Problem, context: PlannerContext) -> Schedule:
    """The best plan that a search finds within its budget."""
    return search_best(problem, context).schedule


def search_best(problem: Problem, context: PlannerContext) -> Candidate:
    """As `search`, with what is known of the plan."""
    small = int(problem.allowed[problem.choice][problem.group].sum()) <= _SMALL
    quick = False
    if context.steps is not None and small:
        best = _first(problem, Measure(problem, False))
        if best.over == 0:
            worth = context.steps * (best.seconds - lower_bound(problem))
            context = replace(context, budget_seconds=min(context.budget_seconds, worth))
        if context.budget_seconds < _SHORTEST:
            return best
        quick = context.budget_seconds < _LOADING and not load_loops.cache_info().currsize
    compiled = not quick and use_compiled(problem, context)
    if compiled:
        load_loops()
    clock = Clock(context)
    measure = Measure(problem, compiled)
    best = min((measure(s, "single") for s in single_schedules(problem)), key=lambda c: c.rank)
    if problem.tasks < 2 or problem.devices < 2:
        return best
    try:
        for candidate in starts_of(problem, measure, clock):
            best = min(best, candidate, key=lambda c: c.rank)
        clock.report(best.seconds)
        best = _refined(problem, best, measure, clock)
    except KeyboardInterrupt:
        if context.report is None:
            return best
        context.report(-1.0, best.seconds)
    return best


def _first(problem: Problem, measure: Measure) -> Candidate:
    """The best of the single devices and of HEFT."""
    found = [measure(s, "single") for s in single_schedules(problem)]
    if problem.tasks > 1 and problem.devices > 1:
        lists = Lists(problem, measure.compiled)
        found.append(measure(lists.earliest_finish(lists.up), "heft"))
    return min(found, key=lambda c: c.rank)


@functools.cache
def load_loops() -> None:
    """Loads the compiled loops, so that this is not taken from the budget of a search."""
    from .tiny import tiny_problem

    tiny = tiny_problem()
    rounds = Clock(PlannerContext(1e6))
    for candidate in starts_of(tiny, Measure(tiny, True), rounds):
        _annealed(tiny, [candidate], Measure(tiny, True), rounds, 1e-4, 0.0)
    for kind in ("neighbours", "depth"):
        units_of(tiny, 1.0, kind, True)
    _lowered(
        tiny, np.arange(tiny.tasks), Schedule(np.zeros(tiny.tasks, np.int64), np.arange(tiny.tasks)), True
    )


def use_compiled(problem: Problem, context: PlannerContext) -> bool:
    """Whether to run compiled loops: if they have been compiled before, or the budget allows for compiling."""
    if not jit.compiler_available():
        return False
    if context.budget_seconds >= 60.0:
        return True
    return all(jit.is_cached(name) for name in ("loops_heap", "loops_lists", "loops_plan", "loops_coarse"))


def starts_of(problem: Problem, measure: Measure, clock: Clock) -> list[Candidate]:
    """List schedules to begin with."""
    found: list[Candidate] = []
    for name, make in start_makers(problem, measure.compiled).items():
        if found and clock.left() < 0.5 * clock.context.budget_seconds:
            break
        found.append(measure(make(), name))
    return found


def start_makers(problem: Problem, compiled: bool) -> dict:  # type: ignore[type-arg]
    """List schedulers that are quick enough for the problem, by name."""
    size = problem.tasks * problem.devices * (1 if compiled else 40)
    if not compiled and problem.tasks * problem.devices > 600_000:
        return {}
    lists = Lists(problem, compiled)
    free_up, _ = lists.ranks(lists.mean, 0.0, 0.0)
    makers = {"heft": lambda: lists.earliest_finish(lists.up)}
    if size <= 2_000_000:
        makers["heft, queues"] = lambda: lists.earliest_finish(lists.up, queues=True)
        makers["cpop"] = lambda: cpop(problem, compiled)
    if size <= 4_000_000 and problem.devices <= 256:
        makers["m_etf"] = lists.earliest_start
        makers["m_sct"] = lambda: lists.earliest_start(favourite_children(problem, lists))
    if size <= 1_000_000:
        makers["heft, free transfers"] = lambda: lists.earliest_finish(free_up)
        makers["down"] = lambda: lists.earliest_finish(-lists.down)
        makers["both"] = lambda: lists.earliest_finish(lists.up - lists.down)
        table = cost_table(problem, lists)
        makers["peft"] = lambda: lists.earliest_finish(table.mean(axis=1), ahead=table)
    return makers


def cost_table(problem: Problem, lists: Lists) -> Floats:
    """For each task and class of devices what must follow at least, transfers between classes at mean cost.

    Source: H. Arabnejad, J. Barbosa, "List scheduling algorithm for heterogeneous systems by an optimistic cost
    table", IEEE TPDS 25(3), 2014 (PEFT).
    """
    classes = problem.seconds.shape[1]
    found = np.zeros((problem.tasks, classes))
    maker, user, tensor = problem.edges
    latency, per_byte = lists.link
    carried = latency + problem.bytes[tensor] * per_byte
    seconds = problem.seconds
    rows: list[list[float]] = found.tolist()
    for e in range(len(maker) - 1, -1, -1):
        u, m = int(user[e]), int(maker[e])
        behind = seconds[u] + np.array(rows[u])
        cheapest = float(behind.min()) + float(carried[e])
        for c in range(classes):
            at = min(float(behind[c]), cheapest)
            if at > rows[m][c]:
                rows[m][c] = at
    return np.array(rows)


def _refined(problem: Problem, best: Candidate, measure: Measure, clock: Clock) -> Candidate:
    """The search proper: anneals coarse schedules, then finer ones."""
    bound = lower_bound(problem)
    if best.over == 0 and best.seconds <= bound * (1 + 1e-9):
        return best
    target = 1200 if measure.compiled else 150
    levels = coarsened(problem, target, measure.compiled) if problem.tasks > target else []
    budget = clock.context.budget_seconds
    if not levels or len(levels) == 1:
        pool = sorted(starts_of(problem, measure, clock), key=lambda c: c.rank)[:4]
        return _annealed(problem, [best, *pool], measure, clock, 0.9 * budget, bound)
    top = levels[-1].problem
    rough = Measure(top, measure.compiled)
    down = np.arange(problem.tasks)
    for level in levels[:-1]:
        down = level.unit[down] if level.unit is not None else down
    pool = sorted(starts_of(top, rough, clock), key=lambda c: c.rank)[:4]
    lifted = _lifted(problem, top, down, best.schedule)
    pool.insert(0, rough(lifted, best.name))
    found = _annealed(top, pool, rough, clock, 0.45 * budget, 0.0)
    share = 0.4 / max(len(levels) - 1, 1)
    schedule = found.schedule
    for level in reversed(levels[:-1]):
        here = level.problem
        if clock.left() <= 0 and here is not problem:
            assert level.unit is not None
            schedule = _lowered(here, level.unit, schedule, None)[0]
            continue
        gauge = measure if here is problem else Measure(here, measure.compiled)
        assert level.unit is not None
        pool = [gauge(s, found.name) for s in _lowered(here, level.unit, schedule, measure.compiled)]
        if here is problem:
            pool.append(best)
        found = _annealed(here, [min(pool, key=lambda c: c.rank)], gauge, clock, share * budget, bound)
        schedule = found.schedule
    best = min(best, found, key=lambda c: c.rank)
    clock.report(best.seconds)
    return best


def _lifted(fine: Problem, coarse: Problem, unit: Ints, schedule: Schedule) -> Schedule:
    """A schedule of the coarse problem after one of the fine: each group where most of its work is."""
    work = fine.seconds.min(axis=1) + 1e-12
    group = coarse.group[unit]
    total = np.zeros((coarse.groups, fine.devices)) if coarse.groups * fine.devices <= 5e7 else None
    if total is None:
        device = np.zeros(coarse.groups, dtype=np.int64)
        device[group] = schedule.assignment
    else:
        np.add.at(total, (group, schedule.assignment), work)
        total[~coarse.allowed[coarse.choice]] = -1.0
        device = total.argmax(axis=1)
    allowed = coarse.allowed[coarse.choice, device]
    device = np.where(allowed, device, coarse.allowed[coarse.choice].argmax(axis=1))
    position = np.empty(fine.tasks)
    position[schedule.order] = np.arange(fine.tasks)
    mean = np.bincount(unit, position, coarse.tasks) / np.bincount(unit, minlength=coarse.tasks)
    lists = Lists(coarse, False) if coarse.tasks < 2000 else Lists(coarse, True)
    return Schedule(device[coarse.group].astype(np.int64), lists.by_urgency(-mean))


def _lowered(fine: Problem, unit: Ints, schedule: Schedule, compiled: bool | None) -> list[Schedule]:
    """Schedules of a finer problem after a coarse one: in its order, and each device by urgency.

    Where `compiled` is None only the first.
    """
    assignment = schedule.assignment[unit]
    position = np.empty(len(schedule.order), dtype=np.int64)
    position[schedule.order] = np.arange(len(schedule.order))
    along = np.lexsort((np.arange(fine.tasks), position[unit])).astype(np.int64)
    if compiled is None:
        return [Schedule(assignment, along)]
    lists = Lists(fine, compiled)
    return [
        Schedule(assignment, along),
        Schedule(assignment, lists.dispatch(assignment, lists.up)),
        Schedule(assignment, lists.dispatch(assignment, -position[unit].astype(np.float64))),
    ]


def _annealed(
    problem: Problem,
    pool: list[Candidate],
    measure: Measure,
    clock: Clock,
    seconds: float,
    bound: float,
) -> Candidate:
    """The best of the pool, annealed for about so many seconds: a little from each, most from the best."""
    best = min(pool, key=lambda c: c.rank)
    distinct = {(c.seconds, c.over): c for c in sorted(pool, key=lambda c: c.rank)}
    chosen = list(distinct.values())[:4]
    # The clock stops what has not come to its end at twice the time that it should have taken.
    total = int(seconds / round_seconds(problem, measure.compiled))
    if total < 20:
        return best
    walker = Annealer(problem, measure, bound, clock)
    seed = clock.context.seed
    # With few rounds for each task it does not pay to go uphill.
    per_task = total / problem.tasks
    hottest = 5e-4 if per_task < 300 else 2e-3 if per_task < 2000 else 2e-2
    cycles = min(max(int(per_task / 3000), 3), 12)
    for number, candidate in enumerate(chosen):
        found = walker.run(candidate, int(total * 0.4 / len(chosen)), hottest, seed + number)
        best = min(best, found, key=lambda c: c.rank)
    for number in range(cycles):
        heat = hottest * 0.5 ** (number % 3)
        found = walker.run(best, int(total * 0.6 / cycles), heat, seed + 10 + number)
        best = min(best, found, key=lambda c: c.rank)
    return best


def polished(problem: Problem, pool: list[Candidate], seed: int, bound: float) -> Candidate:
    """The best of some candidates for a small problem, annealed for some thousand rounds, whatever time that takes.

    Args:
        problem: the step.
        pool: what to begin with.
        seed: of the random choices.
        bound: nothing is shorter than this.
    """
    measure = Measure(problem, compiled=False)
    clock = Clock(PlannerContext(600.0, seed))
    walker = Annealer(problem, measure, bound, clock)
    best = min(pool, key=lambda c: c.rank)
    for number, candidate in enumerate(sorted(pool, key=lambda c: c.rank)):
        for heat in (0.05, 0.01):
            found = walker.run(candidate, 2000, heat, seed + number)
            best = min(best, found, key=lambda c: c.rank)
    return best


def round_seconds(problem: Problem, compiled: bool) -> float:
    """What a round of annealing is taken to take."""
    size = problem.tasks + len(problem.users)
    if contended_channels(problem).any():
        size *= 5
    if memory_binds(problem):
        size *= 3
    seconds = 1e-6 + _TOUCH_SECONDS * size
    return seconds if compiled else seconds * _PLAIN_FACTOR


class Annealer:
    """Simulated annealing over one problem."""

    def __init__(self, problem: Problem, measure: Measure, bound: float, clock: Clock) -> None:
        self.problem = problem
        self.measure = measure
        self.bound = bound
        self.clock = clock
        self.chunk = max(20, int(0.05 / round_seconds(problem, measure.compiled)))

    def run(self, start: Candidate, rounds: int, heat: float, seed: int) -> Candidate:
        """Anneals from a candidate; the result is as good or better."""
        if rounds < 5 or self.clock.left() <= 0:
            return start
        problem, compiled = self.problem, self.measure.compiled
        play = Incremental(problem, start.schedule.assignment, start.schedule.order, compiled)
        work = new_work(problem, start.schedule.assignment, start.schedule.order, compiled)
        scale = 10.0 * max(play.step_seconds, 1e-12)
        value = play.step_seconds + start.over * scale
        kept = play.step_seconds if start.over == 0 else 1e300

        def made(values: list[float], dtype: type) -> object:
            array: np.ndarray[Any, Any] = np.array(values, dtype=dtype)
            return array if compiled else array.tolist()

        values = made([value, kept], np.float64)
        random = made([1 + (seed * 7919 + 12345) % 2147483646], np.int64)
        hot, cold = heat * max(play.step_seconds, 1e-12), 2e-5 * max(play.step_seconds, 1e-12)
        done = 0
        while done < rounds and self.clock.left() > 0:
            now = hot * (cold / hot) ** (done / rounds)
            then = hot * (cold / hot) ** (min(done + self.chunk, rounds) / rounds)
            play.loops.anneal(
                play.a, play.state, play.events, play.room, work, random, values,
                min(self.chunk, rounds - done), now, then, self.bound, play.exact, self.measure.binds, scale,
            )  # fmt: skip
            done += self.chunk
            self.clock.report(float(values[1]))  # type: ignore[index]
            if float(values[1]) <= self.bound * (1 + 1e-12):  # type: ignore[index]
                break
        if float(values[1]) >= 1e299:  # type: ignore[index]
            return start
        schedule = Schedule(
            np.array(work.best_device, dtype=np.int64), np.array(work.best_order, dtype=np.int64)
        )
        found = self.measure(schedule, f"{start.name}, annealed")
        return min(start, found, key=lambda c: c.rank)
