"""Plans for the throughput of a pipeline of steps: the busiest device or channel sets the pace.

`pipeline` cuts a line of ops into one contiguous stage per device by dynamic programming. `search_loads` goes on from
there by annealing and gives up on contiguity; it is what the search does for this objective.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import jit
from .arrays import arrays_of
from .coarsen import coarsened
from .list_schedule import Lists, Schedule
from .memory import resident_bytes
from .plan import seconds_text
from .planners import PlannerContext, Report, planner, single_schedules
from .problem import Floats, Ints, Problem
from .tiny import tiny_problem

__all__ = [
    "fastest_pipeline",
    "load_loads",
    "loads",
    "period",
    "period_bound",
    "period_note",
    "pipeline",
    "search_loads",
    "stages",
]

_LINE = 400
"""Units that a line is made of at most before it is cut."""

_ROUND_SECONDS = 4e-6
"""What a compiled round takes, on a slow machine."""


def loads(problem: Problem, assignment: Ints) -> Floats:
    """Seconds per step of each device's streams and, behind those, of each channel."""
    time_of = problem.time(assignment)
    busy = np.bincount(assignment, time_of, problem.devices) / problem.streams
    maker, user, tensor = problem.edges
    remote = assignment[maker] != assignment[user]
    pairs = np.unique(tensor[remote] * problem.devices + assignment[user[remote]])
    moved, target = pairs // problem.devices, pairs % problem.devices
    origin = assignment[problem.source[moved]]
    channel = problem.links.channel[origin, target]
    carried = problem.bytes[moved] * problem.links.seconds_per_byte[origin, target]
    queued = channel >= 0
    channels = np.bincount(channel[queued], carried[queued], problem.links.channels)
    return np.concatenate((busy, channels[: problem.links.channels]))


def period(problem: Problem, assignment: Ints) -> float:
    """Seconds between the ends of two steps when as many as need be are in flight."""
    return float(loads(problem, assignment).max(initial=0.0))


def period_bound(problem: Problem) -> float:
    """No plan has a shorter period: all work where it is fastest, shared by all streams, and the largest group."""
    from .bounds import fastest_seconds

    fastest = fastest_seconds(problem)
    largest = 0.0
    for row in np.unique(problem.choice).tolist():
        able = problem.allowed[row]
        seconds = problem.seconds[:, problem.device_class[able]] / problem.streams[able]
        totals = np.stack([np.bincount(problem.group, s, problem.groups) for s in seconds.T])
        mine = totals[:, problem.choice == row]
        largest = max(largest, float(mine.min(axis=0).max(initial=0.0)))
    return max(float(fastest.sum() / max(problem.streams.sum(), 1)), largest)


def period_note(problem: Problem, schedule: Schedule) -> str:
    """What to tell people about a plan for throughput."""
    found = period(problem, schedule.assignment)
    rate = f", {1 / found:.3g} steps/s" if found > 0 else ""
    return (
        f"with steps in flight one after the other a step ends every {seconds_text(found)}{rate}; no plan can do it "
        f"in less than {seconds_text(period_bound(problem))}"
    )


@planner("pipeline")
def pipeline(problem: Problem, context: PlannerContext) -> Schedule:
    """One contiguous stage per device, so that the busiest is as little busy as can be."""
    from .search import use_compiled

    compiled = use_compiled(problem, context)
    found = [s.assignment for s in single_schedules(problem)[:8]]
    found += stages(problem, compiled, context.seed)
    return _scheduled(problem, _lightest(problem, found), compiled)


def fastest_pipeline(problem: Problem, context: PlannerContext) -> Schedule:
    """The stages of `pipeline`, improved by annealing."""
    from .search import use_compiled

    compiled = use_compiled(problem, context)
    start = pipeline(problem, context).assignment
    found = start
    try:
        found = search_loads(problem, start, context, compiled)
    except KeyboardInterrupt:
        if context.report is not None:
            context.report(-1.0, period(problem, start))
    return _scheduled(problem, _lightest(problem, [start, found]), compiled)


def _lightest(problem: Problem, found: Sequence[Ints]) -> Ints:
    """The assignment with the shortest period, of those whose weights fit as far as there are any."""

    def rank(assignment: Ints) -> tuple[float, float]:
        over = np.maximum(resident_bytes(problem, assignment) - problem.memory, 0.0)
        return float(over.sum()), period(problem, assignment)

    return min(found, key=rank)


def _scheduled(problem: Problem, assignment: Ints, compiled: bool) -> Schedule:
    lists = Lists(problem, compiled)
    return Schedule(assignment, lists.dispatch(assignment, lists.up))


def stages(problem: Problem, compiled: bool, seed: int = 0, orders: int = 4) -> list[Ints]:
    """Assignments that cut a line of the step's groups into contiguous stages.

    Args:
        problem: the step.
        compiled: whether to run compiled loops.
        seed: of the orders of devices that are tried.
        orders: how many.
    """
    levels = coarsened(problem, _LINE, compiled) if problem.tasks > _LINE else []
    coarse = levels[-1].problem if levels else problem
    unit = np.arange(problem.tasks)
    for level in levels[:-1]:
        unit = level.unit[unit] if level.unit is not None else unit
    rng = np.random.default_rng(seed)
    work = coarse.seconds.sum(axis=0)[coarse.device_class] / coarse.streams
    lines = _lines(coarse, compiled)
    found = []
    sequences = [np.argsort(work, kind="stable"), np.arange(coarse.devices), np.argsort(-work, kind="stable")]
    while len(sequences) < orders:
        sequences.append(rng.permutation(coarse.devices))
    for line in lines:
        for sequence in sequences[:orders]:
            assignment = _cut(coarse, line, sequence[:64])
            if assignment is not None:
                found.append(assignment[unit])
    return found


def _lines(problem: Problem, compiled: bool) -> list[Ints]:
    """Orders of the groups along the step: by first member, and by the mean position of all members."""
    lists = Lists(problem, compiled)
    order = lists.by_urgency(lists.up)
    position = np.empty(problem.tasks)
    position[order] = np.arange(problem.tasks)
    first = np.full(problem.groups, np.inf)
    np.minimum.at(first, problem.group, position)
    mean = np.bincount(problem.group, position, problem.groups) / np.bincount(
        problem.group, minlength=problem.groups
    )
    return [np.argsort(first, kind="stable"), np.argsort(mean, kind="stable")]


def _cut(problem: Problem, line: Ints, sequence: Ints) -> Ints | None:
    """Cuts a line of groups into stages, one for each device of a sequence or fewer; None where that cannot be."""
    size = len(line)
    rank = np.empty(size, dtype=np.int64)
    rank[line] = np.arange(size)
    seconds = np.zeros((problem.seconds.shape[1], size + 1))
    for c in range(len(seconds)):
        seconds[c, 1:] = np.cumsum(np.bincount(problem.group, problem.seconds[:, c], size)[line])
    weights = np.zeros(size + 1)
    weights[1:] = np.cumsum(np.bincount(problem.group, problem.resident, size)[line])
    crossing = _crossing(problem, rank, size)
    best = np.full(size + 1, np.inf)
    best[0] = 0.0
    choices = []
    for device in sequence.tolist():
        allowed = problem.allowed[problem.choice[line], device]
        bad = np.concatenate(([0], np.cumsum(~allowed)))
        along = seconds[problem.device_class[device]] / problem.streams[device]
        stage = along[None, :] - along[:, None]
        ok = (bad[None, :] == bad[:, None]) & (weights[None, :] - weights[:, None] <= problem.memory[device])
        ok &= np.arange(size + 1)[:, None] < np.arange(size + 1)[None, :]
        cost = np.where(ok, np.maximum(np.maximum(best, crossing)[:, None], stage), np.inf)
        origin = cost.argmin(axis=0)
        value = cost[origin, np.arange(size + 1)]
        better = value < best
        choices.append(np.where(better, origin, -1))
        best = np.where(better, value, best)
    if not np.isfinite(best[size]):
        return None
    device_of = np.zeros(size, dtype=np.int64)
    at = size
    for k in range(len(sequence) - 1, -1, -1):
        origin_at = int(choices[k][at])
        if origin_at >= 0:
            device_of[line[origin_at:at]] = sequence[k]
            at = origin_at
        if at == 0:
            break
    return device_of[problem.group] if at == 0 else None


def _crossing(problem: Problem, rank: Ints, size: int) -> Floats:
    """Seconds that the tensors take which cross each cut of the line, over a link of mean speed."""
    _, user, tensor = problem.edges
    position = rank[problem.group]
    first, last = position[problem.source].copy(), position[problem.source].copy()
    np.minimum.at(first, tensor, position[user])
    np.maximum.at(last, tensor, position[user])
    change = np.zeros(size + 2)
    pairs = max(problem.devices * (problem.devices - 1), 1)
    carried = problem.bytes * float(problem.links.seconds_per_byte.sum() / pairs)
    np.add.at(change, first + 1, carried)
    np.add.at(change, last + 1, -carried)
    return np.cumsum(change)[: size + 1]


def search_loads(
    problem: Problem,
    start: Ints,
    context: PlannerContext,
    compiled: bool,
    through_host: bool = False,
    most_rounds: int = 1_000_000_000,
) -> Ints:
    """An assignment with a shorter period, found by annealing.

    Args:
        problem: the step.
        start: device of each task to begin with.
        context: budget and seed.
        compiled: whether to run compiled loops.
        through_host: whether devices of class 0 pay for every tensor that goes in or out, as in the pieces model,
            instead of channels.
        most_rounds: how many moves to try at most.
    """
    loops = jit.loops("loops_loads", compiled)
    begin = time.monotonic()

    def made(values: object, dtype: type = np.int64) -> object:
        array: np.ndarray[Any, Any] = np.array(values, dtype=dtype)
        return array if compiled else array.tolist()

    a = arrays_of(problem, compiled, np.zeros(problem.tasks))
    device, best = made(start), made(start)
    need = np.bincount(problem.group, problem.resident, problem.groups)
    width = made(1.0 / problem.streams, np.float64)
    channels = 0 if through_host else problem.links.channels
    load = made(np.zeros(problem.devices + channels), np.float64)
    used = made(resident_bytes(problem, start), np.float64)
    seen, stamp = made(np.zeros(problem.devices)), made([0, 0])
    mark, queue = made(np.zeros(problem.tensors)), made(np.zeros(3 * problem.groups + 3))
    random = made([1 + (context.seed * 7919 + 4321) % 2147483646])
    loops.fill(a, through_host, device, width, load, seen, stamp)
    smooth = 0.02
    values = made(
        [loops.worst(load, problem.devices, smooth), loops.worst(load, problem.devices, 0.0)], np.float64
    )
    per_round = (_ROUND_SECONDS + 2e-9 * (problem.devices + channels)) * (1 if compiled else 60)
    rounds = min(int(0.8 * context.budget_seconds / per_round), most_rounds)
    first = float(values[1])  # type: ignore[index]
    for heat in (0.05, 0.02, 0.05, 0.02, 0.01):
        part, done = rounds // 5, 0
        hot, cold = max(heat * first, 1e-15), max(1e-5 * first, 1e-16)
        chunk = max(20, int(0.05 / per_round))
        while done < part and time.monotonic() - begin < context.budget_seconds:
            now, then = (hot * (cold / hot) ** (min(x, part) / part) for x in (done, done + chunk))
            loops.anneal_loads(
                a, through_host, made(need, np.float64), device, width, load, used, seen, stamp, mark, best, random,
                values, min(chunk, part - done), now, then, smooth, queue,
            )  # fmt: skip
            done += chunk
            _tell(context.report, begin, float(values[1]))  # type: ignore[index]
        device = made(best)
        used = made(resident_bytes(problem, np.array(best)), np.float64)
        loops.fill(a, through_host, device, width, load, seen, stamp)
        values[0] = loops.worst(load, problem.devices, smooth)  # type: ignore[index]
    return np.array(best, dtype=np.int64)


def _tell(report: Report | None, begin: float, best: float) -> None:
    if report is not None:
        report(time.monotonic() - begin, best)


def load_loads() -> None:
    """Loads the compiled loops, or compiles them."""
    tiny = tiny_problem()
    search_loads(tiny, np.zeros(tiny.tasks, dtype=np.int64), PlannerContext(1e6), True, most_rounds=50)
    stages(tiny, True)
