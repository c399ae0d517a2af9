"""List scheduling: tasks by urgency, each onto the device where it ends first.

Source: H. Topcuoglu, S. Hariri, M.-Y. Wu, "Performance-effective and low-complexity task scheduling for
heterogeneous computing", IEEE TPDS 13(3), 2002 (HEFT).
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .problem import Floats, Ints, Problem

__all__ = ["Schedule", "heft", "mean_link", "upward_ranks"]


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


def heft(problem: Problem) -> Schedule:
    """HEFT: tasks by upward rank, each into the earliest gap in which it ends first."""
    seconds = mean_seconds(problem)
    ranks = upward_ranks(problem, seconds, *mean_link(problem))
    order = topological_by(problem, -ranks)
    return _Lists(problem).schedule(order.tolist())


def topological_by(problem: Problem, key: Floats) -> Ints:
    """Tasks by key, smallest first; among equal keys in the problem's own topological order.

    The key must not fall along an edge.
    """
    return np.lexsort((np.arange(problem.tasks), key)).astype(np.int64)


class _Lists:
    """Device time lines that tasks are put into one by one."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.seconds: list[list[float]] = problem.seconds.tolist()
        self.device_class: list[int] = problem.device_class.tolist()
        self.choices = [np.flatnonzero(row).tolist() for row in problem.allowed]
        self.choice = problem.choice.tolist()
        self.group = problem.group.tolist()
        self.group_device: list[int] = [-1] * problem.groups
        self.latency: list[list[float]] = problem.links.latency.tolist()
        self.per_byte: list[list[float]] = problem.links.seconds_per_byte.tolist()
        self.size: list[float] = problem.bytes.tolist()
        self.source: list[int] = problem.source.tolist()
        self.in_start: list[int] = problem.in_start.tolist()
        self.inputs: list[int] = problem.inputs.tolist()
        self.device_of = [-1] * problem.tasks
        self.begin = [0.0] * problem.tasks
        self.end = [0.0] * problem.tasks
        # One list of busy intervals per device, by start; a device with several streams has several.
        self.lines: list[list[tuple[list[float], list[float]]]] = [
            [([], []) for _ in range(s)] for s in problem.streams.tolist()
        ]

    def schedule(self, order: Sequence[int]) -> Schedule:
        for task in order:
            self.place(task)
        begin = np.array(self.begin)
        found = np.lexsort((np.arange(self.problem.tasks), begin)).astype(np.int64)
        return Schedule(np.array(self.device_of, dtype=np.int64), found)

    def place(self, task: int) -> None:
        group = self.group[task]
        fixed = self.group_device[group]
        devices = (fixed,) if fixed >= 0 else self.choices[self.choice[group]]
        best = (float("inf"), 0.0, -1, 0, 0)
        for device in devices:
            length = self.seconds[task][self.device_class[device]]
            ready = self.ready(task, device)
            for stream, line in enumerate(self.lines[device]):
                begin, position = _gap(line, ready, length)
                if begin + length < best[0]:
                    best = (begin + length, begin, device, stream, position)
        end, begin, device, stream, position = best
        line_begin, line_end = self.lines[device][stream]
        if end > begin:
            line_begin.insert(position, begin)
            line_end.insert(position, end)
        self.begin[task], self.end[task], self.device_of[task] = begin, end, device
        self.group_device[group] = device

    def ready(self, task: int, device: int) -> float:
        """When all inputs of the task can be on the device."""
        ready = 0.0
        for i in range(self.in_start[task], self.in_start[task + 1]):
            tensor = self.inputs[i]
            maker = self.source[tensor]
            at = self.end[maker]
            origin = self.device_of[maker]
            if origin != device:
                at += self.latency[origin][device] + self.size[tensor] * self.per_byte[origin][device]
            if at > ready:
                ready = at
        return ready


def _gap(line: tuple[list[float], list[float]], ready: float, length: float) -> tuple[float, int]:
    """Start of the first gap from `ready` on that is long enough, and its position in the list."""
    begins, ends = line
    position = bisect.bisect_right(ends, ready)
    start = ready
    while position < len(begins) and begins[position] < start + length:
        start = max(start, ends[position])
        position += 1
    return start, position
