"""The simulator for searches: plays a placed step, and after a change only what comes behind it.

It keeps the state of devices and channels at regular positions of the order. A change is played from the last such
position before anything that it concerns, and given up as soon as it is sure to be too slow. Where a
channel belongs to several devices, or to one that runs several ops at once, it may be asked for transfers in another
order than the plan's; there every change is played from the start, event by event. Either way the times are those of
`events.run_events`.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from . import jit
from .arrays import Arrays, arrays_of, contended_channels, tails
from .problem import Floats, Ints, Problem

__all__ = ["Events", "Incremental", "Room", "State", "Work", "memory_binds", "new_work"]


class State(NamedTuple):
    """A placed step in play; `_now` is the present state, the others that of the change that is tried.

    Attributes:
        stride, width: positions between two kept states, and numbers in each.
        run: how many times a step was played, and the position that the last one got to.
        device, order, position, load: device of each task, the order and each task's position in it, seconds of
            work on each device.
        begin, end: of each task.
        arrive, sent: of each use of a tensor, when it is there; of the first use on another device, when it
            leaves, else -1.
        line_free, latest, channel_free, channel_run: when each stream and channel is free, and the last begin on
            each device.
        seen, there: the tensor that was sent last to each device, and when it arrives.
        states: kept states of `line_free`, `latest`, `channel_free`.
    """

    stride: int
    width: int
    run: Any
    device: Any
    order: Any
    position: Any
    load: Any
    begin: Any
    end: Any
    arrive: Any
    sent: Any
    begin_now: Any
    end_now: Any
    arrive_now: Any
    sent_now: Any
    line_free: Any
    latest: Any
    channel_free: Any
    channel_run: Any
    seen: Any
    there: Any
    states: Any
    states_now: Any


class Room(NamedTuple):
    """Scratch for memory over time; `peak` is what each device needs at most."""

    held: Any
    peak: Any
    mark: Any
    until: Any
    source: Any
    time: Any
    change: Any
    where: Any
    index: Any
    spare: Any


class Events(NamedTuple):
    """Scratch for playing a step event by event."""

    idle: Any
    count: Any
    next: Any
    queue: Any
    missing: Any
    time: Any
    item: Any


class Work(NamedTuple):
    """Scratch of a search: a critical path, groups that move, the best plan."""

    path: Any
    group: Any
    origin: Any
    target: Any
    best_device: Any
    best_order: Any


def _maker(compiled: bool) -> Any:
    def made(values: Any, dtype: Any = np.float64) -> Any:
        array = np.array(values, dtype=dtype)
        return array if compiled else array.tolist()

    return made


def new_state(problem: Problem, a: Arrays, assignment: Ints, order: Ints, compiled: bool) -> State:
    """A step that has not been played yet."""
    made = _maker(compiled)
    n, uses = problem.tasks, len(problem.users)
    lines = int(problem.streams.sum())
    width = lines + problem.devices + problem.links.channels + 1
    slots = max(1, min(16, (4 * n + 1024) // width))
    stride = max(1, math.ceil(n / slots))
    slots = math.ceil(n / stride) + 1 if stride < n else 1
    position = np.empty(n, dtype=np.int64)
    position[order] = np.arange(n)
    load = np.bincount(assignment, problem.time(assignment), problem.devices)
    ints = np.int64
    return State._make(
        (
            stride,
            width,
            made([0, n], ints),
            made(assignment, ints),
            made(order, ints),
            made(position, ints),
            made(load),
            *(made(np.zeros(size)) for size in (n, n, uses, uses, n, n, uses, uses)),
            made(np.zeros(lines)),
            made(np.zeros(problem.devices)),
            made(np.zeros(problem.links.channels)),
            made(np.zeros(problem.links.channels), ints),
            made(np.full(problem.devices, -1), ints),
            made(np.zeros(problem.devices)),
            made(np.zeros(slots * width)),
            made(np.zeros(slots * width)),
        )
    )


def new_room(problem: Problem, compiled: bool) -> Room:
    made = _maker(compiled)
    points = 2 * (problem.tensors + len(problem.users)) + 2
    ints = np.int64
    return Room(
        made(np.zeros(problem.devices)),
        made(np.zeros(problem.devices)),
        made(np.zeros(problem.devices), ints),
        made(np.zeros(problem.tensors)),
        made(problem.source, ints),
        made(np.zeros(points)),
        made(np.zeros(points)),
        made(np.zeros(points), ints),
        made(np.zeros(points), ints),
        made(np.zeros(points), ints),
    )


def new_events(problem: Problem, compiled: bool) -> Events:
    made = _maker(compiled)
    n, devices, ints = problem.tasks, problem.devices, np.int64
    most = n + len(problem.users) + 1
    return Events._make(
        (
            *(made(np.zeros(size), ints) for size in (devices, devices, devices, n, n)),
            made(np.zeros(most)),
            made(np.zeros(most), ints),
        )
    )


def new_work(problem: Problem, assignment: Ints, order: Ints, compiled: bool) -> Work:
    made = _maker(compiled)
    ints = np.int64
    size = max(problem.tasks, 64) + 1
    return Work._make(
        (*(made(np.zeros(size), ints) for _ in range(4)), made(assignment, ints), made(order, ints))
    )


def memory_binds(problem: Problem) -> bool:
    """Whether there is a device that could be too small for everything at once."""
    total = problem.resident.sum() + problem.copied_bytes.sum() + problem.held.sum() + problem.bytes.sum()
    return bool(len(problem.memory) and problem.memory.min() < total)


class Incremental:
    """A placed step that can be changed piece by piece.

    Args:
        problem: the step.
        assignment: device of each task.
        order: all tasks, each after what it needs.
        compiled: whether the loops are compiled; None for where a compiler is installed.
    """

    def __init__(self, problem: Problem, assignment: Ints, order: Ints, compiled: bool | None = None) -> None:
        self.problem = problem
        self.compiled = jit.compiler_available() if compiled is None else compiled
        self.loops = jit.loops("loops_plan", self.compiled)
        self.exact = not contended_channels(problem).any()
        self.a = arrays_of(problem, self.compiled, tails(problem))
        self.state = new_state(problem, self.a, assignment, order, self.compiled)
        self.events = new_events(problem, self.compiled)
        self.room = new_room(problem, self.compiled)
        self._pending: list[tuple[str, int, int]] = []
        self._first = 0
        self.step_seconds = self.play()
        self.accept()

    @property
    def assignment(self) -> Ints:
        return np.array(self.state.device, dtype=np.int64)

    @property
    def order(self) -> Ints:
        return np.array(self.state.order, dtype=np.int64)

    @property
    def end(self) -> Floats:
        """When each task ends, in seconds from the start of the step."""
        return np.array(self.state.end, dtype=np.float64)

    def move(self, group: int, device: int) -> None:
        """Puts a group on another device."""
        old = int(self.state.device[int(self.problem.members[self.problem.group_start[group]])])
        self._first = min(self._first, int(self.loops.move_group(self.a, self.state, group, device)))
        self._pending.append(("move", group, old))

    def shift(self, task: int, position: int) -> None:
        """Moves a task to another position of the order; it must stay between what it needs and what needs it."""
        start = int(self.state.position[task])
        self.loops.shift(self.state, start, position)
        self._first = min(self._first, start, position)
        self._pending.append(("shift", start, position))

    def play(self, limit: float = 1e299) -> float:
        """Length of the step with all changes since the last `accept` or `refuse`; `inf` where it is beyond the
        limit."""
        if not self.problem.tasks:
            return 0.0
        if self.exact:
            found = float(self.loops.march(self.a, self.state, self._from(), limit))
        else:
            found = float(self.loops.play(self.a, self.state, self.events, limit))
        return math.inf if found >= self.loops.NEVER else found

    def peaks(self) -> Floats:
        """Most memory that each device needs in the step that was played last, in bytes."""
        longest = max(self.state.end, default=0.0) if self.problem.tasks else 0.0
        self.loops.peaks(self.a, self.state, self.room, float(longest))
        return np.array(self.room.peak, dtype=np.float64)

    def accept(self) -> None:
        """Keeps the changes, which must have been played to the end."""
        if self.problem.tasks:
            self.loops.accept(self.a, self.state, self._from())
        self._settled()

    def refuse(self) -> None:
        """Takes the changes back, whether played or not."""
        if self.problem.tasks:
            self.loops.refuse(self.a, self.state, self._from())
        for what, x, y in reversed(self._pending):
            if what == "move":
                self.loops.move_group(self.a, self.state, x, y)
            else:
                self.loops.shift(self.state, y, x)
        self._settled()

    def _from(self) -> int:
        """The position that the changes are played from."""
        return self._first // self.state.stride * self.state.stride if self.exact else 0

    def _settled(self) -> None:
        self._pending.clear()
        self._first = self.problem.tasks
