"""List scheduling: tasks by urgency, each onto the device where it ends first.

Source: H. Topcuoglu, S. Hariri, M.-Y. Wu, "Performance-effective and low-complexity task scheduling for
heterogeneous computing", IEEE TPDS 13(3), 2002 (HEFT).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from . import jit
from .arrays import arrays_of
from .problem import Floats, Ints, Problem, starts

__all__ = [
    "Lists",
    "Schedule",
    "by_begin",
    "cpop",
    "group_bytes",
    "heft",
    "mean_link",
    "mean_seconds",
    "upward_ranks",
]


@dataclass(frozen=True, eq=False)
class Schedule:
    """Where each task runs, and a global order: each task after what it needs."""

    assignment: Ints
    order: Ints


def mean_link(problem: Problem) -> tuple[float, float]:
    """Mean latency and mean seconds per byte between two different devices."""
    count = problem.devices
    if count == 1:
        return 0.0, 0.0
    pairs = count * (count - 1)
    return float(problem.links.latency.sum() / pairs), float(problem.links.seconds_per_byte.sum() / pairs)


def mean_seconds(problem: Problem) -> Floats:
    """Each task's time, averaged over the devices that it may run on."""
    classes = problem.seconds.shape[1]
    weight = np.zeros((len(problem.allowed), classes))
    for number in range(classes):
        weight[:, number] = problem.allowed[:, problem.device_class == number].sum(axis=1)
    weight /= weight.sum(axis=1, keepdims=True)
    mean: Floats = (problem.seconds * weight[problem.choice[problem.group]]).sum(axis=1)
    return mean


def upward_ranks(problem: Problem, seconds: Floats, latency: float, per_byte: float) -> Floats:
    """Length of the longest path from each task's start to the end of the step, in seconds.

    Args:
        problem: the step.
        seconds: time of each task.
        latency, per_byte: what a transfer is taken to cost; none between tasks of one group.
    """
    maker, user, tensor = problem.edges
    carried = latency + problem.bytes[tensor] * per_byte
    carried[problem.group[maker] == problem.group[user]] = 0.0
    rank = seconds.tolist()
    best = [0.0] * problem.tasks
    makers, users, costs = maker.tolist(), user.tolist(), carried.tolist()
    # Edges are sorted by maker, so going backwards every user's rank is settled before it is used.
    for i in range(len(makers) - 1, -1, -1):
        m = makers[i]
        length = costs[i] + best[users[i]] + rank[users[i]]
        if length > best[m]:
            best[m] = length
    found: Floats = np.array(rank) + np.array(best)
    return found


def group_bytes(problem: Problem) -> Floats:
    """What each group holds on its device all the time: weights."""
    found: Floats = (
        np.bincount(problem.group, problem.resident, problem.groups).astype(np.float64).astype(np.float64)
    )
    return found


class Lists:
    """List schedulers over one problem, in compiled loops or plain ones.

    Args:
        problem: the step.
        compiled: whether to run compiled loops.
    """

    def __init__(self, problem: Problem, compiled: bool) -> None:
        self.problem = problem
        self.compiled = compiled
        self.loops = jit.loops("loops_lists", compiled)
        self.a = arrays_of(problem, compiled, np.zeros(problem.tasks))
        self.mean = mean_seconds(problem)
        self.link = mean_link(problem)
        self.up, self.down = self.ranks(self.mean, *self.link)

    def made(self, values: Any, dtype: Any = np.float64) -> Any:
        array = np.array(values, dtype=dtype)
        return array if self.compiled else array.tolist()

    def ranks(self, seconds: Floats, latency: float, per_byte: float) -> tuple[Floats, Floats]:
        """Longest path from each task's start to the end, and from the beginning to its start."""
        n = self.problem.tasks
        up, down = self.made(np.zeros(n)), self.made(np.zeros(n))
        self.loops.ranks(self.a, self.made(seconds), latency, per_byte, up, down)
        return np.array(up), np.array(down)

    def by_urgency(self, urgency: Floats) -> Ints:
        """A topological order that takes the most urgent ready task first."""
        n, ints = self.problem.tasks, np.int64
        order = self.made(np.zeros(n), ints)
        self.loops.by_urgency(
            self.a,
            self.made(urgency),
            self.made(np.zeros(n), ints),
            self.made(np.zeros(n + 1)),
            self.made(np.zeros(n + 1), ints),
            order,
        )
        return np.array(order, dtype=ints)

    def earliest_finish(
        self,
        urgency: Floats,
        *,
        wish: Ints | None = None,
        ahead: Floats | None = None,
        queues: bool = False,
    ) -> Schedule:
        """Tasks by urgency, each where it ends first.

        Args:
            urgency: of each task.
            wish: device of each group, -1 where it is open.
            ahead: for each task and class of devices what is expected to follow, (tasks, classes).
            queues: whether transfers queue for their channels.
        """
        problem, made, ints = self.problem, self.made, np.int64
        n, groups = problem.tasks, problem.groups
        lines = int(problem.streams.sum())
        device, begin = made(np.full(n, -1), ints), made(np.zeros(n))
        self.loops.earliest_finish(
            self.a,
            made(self.by_urgency(urgency), ints),
            made(group_bytes(problem)),
            made(np.full(groups, -1) if wish is None else wish, ints),
            made((np.zeros(problem.seconds.shape) if ahead is None else ahead).ravel()),
            queues,
            4096 if n <= 2000 or (self.compiled and n <= 20_000) else 64,
            device,
            begin,
            made(np.zeros(n)),
            made(np.full(groups, -1), ints),
            made(np.zeros(problem.devices)),
            *(made(np.full(lines, -1), ints) for _ in range(3)),
            *(made(np.full(n, -1), ints) for _ in range(2)),
            made(np.zeros(lines)),
            made(np.zeros(problem.links.channels)),
        )
        return Schedule(np.array(device, dtype=ints), by_begin(problem, np.array(begin), urgency))

    def earliest_start(self, favourite: Ints | None = None) -> Schedule:
        """Always the ready task and device that can start first; of tasks that tie the one with the longest path
        to the end.

        Args:
            favourite: for each task the one that its device should be kept free for, or -1.
        """
        problem, made, ints, urgency = self.problem, self.made, np.int64, self.up
        n, devices = problem.tasks, problem.devices
        device = made(np.full(n, -1), ints)
        begin = made(np.zeros(n))
        self.loops.earliest_start(
            self.a,
            made(urgency),
            made(group_bytes(problem)),
            made(np.full(n, -1) if favourite is None else favourite, ints),
            made(np.full(devices, -1), ints),
            made(np.zeros(n), ints),
            device,
            begin,
            made(np.zeros(n)),
            made(np.full(problem.groups, -1), ints),
            made(np.zeros(devices)),
            made(np.zeros(int(problem.streams.sum()))),
            made(np.zeros(devices * n)),
            made(np.zeros(devices * n), ints),
            made(np.zeros(devices), ints),
            made(np.zeros(devices * n)),
            made(np.zeros(devices * n), ints),
            made(np.zeros(devices), ints),
            made(np.zeros(n), ints),
        )
        return Schedule(np.array(device, dtype=ints), by_begin(problem, np.array(begin), urgency))

    def dispatch(self, assignment: Ints, urgency: Floats) -> Ints:
        """The order that comes about where every device always takes the most urgent task that is ready."""
        problem, made, ints = self.problem, self.made, np.int64
        n, devices = problem.tasks, problem.devices
        order = made(np.zeros(n), ints)
        self.loops.dispatch(
            self.a,
            made(assignment, ints),
            made(urgency),
            made(np.zeros(n), ints),
            made(np.zeros(n)),
            made(np.zeros(devices), ints),
            made(np.zeros(devices), ints),
            made(starts(np.bincount(assignment, minlength=devices)), ints),
            made(np.zeros(n + 1)),
            made(np.zeros(n + 1), ints),
            made(np.zeros(devices), ints),
            made(np.zeros(2 * n + 1)),
            made(np.zeros(2 * n + 1), ints),
            order,
        )
        return np.array(order, dtype=ints)


def by_begin(problem: Problem, begin: Floats, urgency: Floats) -> Ints:
    """The tasks by begin; of those that begin together the more urgent first, as far as the step lets them."""
    order = np.lexsort((np.arange(problem.tasks), -urgency, begin)).astype(np.int64)
    position = np.empty(problem.tasks, dtype=np.int64)
    position[order] = np.arange(problem.tasks)
    maker, user, _ = problem.edges
    if (position[maker] < position[user]).all():
        return order
    return np.lexsort((np.arange(problem.tasks), begin)).astype(np.int64)


def heft(problem: Problem, compiled: bool = False) -> Schedule:
    """HEFT: tasks by upward rank, each into the earliest gap in which it ends first."""
    lists = Lists(problem, compiled)
    return lists.earliest_finish(lists.up)


def cpop(problem: Problem, compiled: bool = False) -> Schedule:
    """CPoP: the critical path on the device that is fastest for all of it, the rest where it ends first."""
    lists = Lists(problem, compiled)
    through = lists.up + lists.down
    critical = through >= through.max(initial=0.0) * (1 - 1e-9)
    wish = np.full(problem.groups, -1, dtype=np.int64)
    rows = problem.choice[problem.group[critical]]
    able = problem.allowed[np.unique(rows)].all(axis=0)
    if critical.any() and able.any():
        total = problem.seconds[critical].sum(axis=0)[problem.device_class]
        wish[problem.group[critical]] = int(np.argmin(np.where(able, total, np.inf)))
    return lists.earliest_finish(through, wish=wish)
