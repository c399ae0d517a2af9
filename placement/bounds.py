"""What a plan is measured against: the best single device, and a time that no plan can beat."""

from __future__ import annotations

import numpy as np

from .events import run_events
from .list_schedule import upward_ranks
from .problem import Floats, Problem

__all__ = ["fastest_seconds", "lower_bound", "single_seconds"]


def fastest_seconds(problem: Problem) -> Floats:
    """Each task's time on the fastest device that it may run on, in seconds."""
    fastest = np.empty(problem.tasks)
    rows = problem.choice[problem.group]
    for row in range(len(problem.allowed)):
        classes = np.unique(problem.device_class[problem.allowed[row]])
        members = np.flatnonzero(rows == row)
        fastest[members] = problem.seconds[np.ix_(members, classes)].min(axis=1)
    return fastest


def lower_bound(problem: Problem) -> float:
    """No plan's step can be shorter than this, in seconds.

    The larger of: the longest path, every task on its fastest device and transfers free; all work, every task
    on its fastest device, over all streams together; the work that only one device may do, over its streams.
    """
    if not problem.tasks:
        return 0.0
    fastest = fastest_seconds(problem)
    path = float(upward_ranks(problem, fastest, 0.0, 0.0).max())
    work = float(fastest.sum() / problem.streams.sum())
    alone = problem.allowed.sum(axis=1) == 1
    rows = problem.choice[problem.group]
    device = problem.allowed.argmax(axis=1)[rows]
    fixed = alone[rows]
    load = np.bincount(device[fixed], fastest[fixed], problem.devices) / problem.streams
    return max(path, work, float(load.max()))


def single_seconds(problem: Problem) -> float | None:
    """Step time on the best device that may run every task, in seconds; None if there is none."""
    able = np.flatnonzero(problem.allowed[np.unique(problem.choice)].all(axis=0))
    found = []
    seen = set()
    for device in able.tolist():
        kind = (int(problem.device_class[device]), int(problem.streams[device]))
        if kind in seen:
            continue
        seen.add(kind)
        if kind[1] == 1:
            found.append(float(problem.seconds[:, kind[0]].sum()))
        else:
            assignment = np.full(problem.tasks, device, dtype=np.int64)
            found.append(run_events(problem, assignment, np.arange(problem.tasks)).step_seconds)
    return min(found, default=None)
