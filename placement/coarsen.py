"""Coarser tasks: cheap chains, weights with what uses them, and what is dear to separate stay together.

Each level joins tasks to the one that yields all that they take, or takes all that they yield; where that no longer
makes the graph smaller, tasks of one depth that come from the same place, then stretches of a depth-first order. A
level that leaves too little side by side, so that no plan of it could be good, is not taken.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from . import jit
from .arrays import Arrays, arrays_of
from .bounds import lower_bound
from .list_schedule import mean_seconds
from .problem import Bools, Floats, Ints, Problem, starts

__all__ = ["Level", "coarsened", "contracted", "units_of"]


_STRETCH = 1.1
"""How much longer the lower bound of a coarse problem may be than that of the finest."""


@dataclass(frozen=True, eq=False)
class Level:
    """A problem, and for each of its tasks the task of the next coarser level; None at the coarsest."""

    problem: Problem
    unit: Ints | None


def coarsened(problem: Problem, target: int, compiled: bool) -> list[Level]:
    """The problem and coarser ones, the finest first.

    Args:
        problem: the step.
        target: about how many tasks the coarsest is to have.
        compiled: whether to run compiled loops.
    """
    levels: list[Level] = []
    total = float(mean_seconds(problem).sum())
    longest = _STRETCH * max(lower_bound(problem), 0.02 * total / max(problem.devices, 1))
    kinds = ["neighbours", "depth", "line"]
    while problem.tasks > 1.3 * target and kinds:
        # Few tasks may be joined at a time, so that units of one level are alike.
        share = min(1.0, target * 3.0 / problem.tasks)
        unit = units_of(problem, total / max(target, 1) * max(share, 1 / 16), kinds[0], compiled)
        count = int(unit.max()) + 1
        coarse = contracted(problem, unit, count) if count < 0.9 * problem.tasks else problem
        if coarse is problem or lower_bound(coarse) > longest:
            kinds.pop(0)
            continue
        levels.append(Level(problem, unit))
        problem = coarse
    levels.append(Level(problem, None))
    return levels


def units_of(problem: Problem, most: float, kind: str, compiled: bool) -> Ints:
    """The unit of each task, numbered in topological order.

    Args:
        problem: the step.
        most: seconds that a unit of several tasks may take.
        kind: "neighbours", "depth" or "line".
        compiled: whether to run compiled loops.
    """
    loops = jit.loops("loops_coarse", compiled)
    n = problem.tasks
    a = arrays_of(problem, compiled, np.zeros(n))

    def made(values: Floats | Ints) -> Floats | Ints:
        return values if compiled else values.tolist()

    work = made(mean_seconds(problem))
    rows = len(problem.allowed)
    meet = made(_meet(problem.allowed).ravel())
    unit, row, mate, size, fence = (made(np.zeros(n, dtype=np.int64)) for _ in range(5))
    weight = made(np.zeros(n))
    if kind == "neighbours":
        loops.join_neighbours(a, work, most, meet, rows, unit, weight, row, mate, size)
    else:
        order = made(np.zeros(n, dtype=np.int64))
        loops.depth_first(a, size, row, order)
        if kind == "depth":
            loops.depths(a, fence)
            # Of one depth those are next to each other that come from the same place.
            order = made(_by_depth(problem, np.array(fence), np.array(order)))
        loops.join_line(a, order, fence, work, most, meet, rows, unit, weight, row, mate)
    return _numbered(np.array(unit, dtype=np.int64), a, compiled)


def _by_depth(problem: Problem, depth: Ints, order: Ints) -> Ints:
    position = np.empty(problem.tasks, dtype=np.int64)
    position[order] = np.arange(problem.tasks)
    maker, user, _ = problem.edges
    origin = position.copy()
    np.minimum.at(origin, user, position[maker])
    return np.lexsort((position, origin, depth)).astype(np.int64)


def _meet(allowed: Bools) -> Ints:
    """For each pair of rows the one of them that lies within the other, or -1."""
    count = len(allowed)
    inside = np.array([[bool((~allowed[i] | allowed[j]).all()) for j in range(count)] for i in range(count)])
    ids = np.arange(count)
    return np.where(inside, ids[:, None], np.where(inside.T, ids[None, :], -1)).astype(np.int64)


def _numbered(first: Ints, a: Arrays, compiled: bool) -> Ints:
    """Units numbered in topological order, from the number of the first task of each."""
    loops = jit.loops("loops_coarse", compiled)
    _, unit = np.unique(first, return_inverse=True)
    unit = unit.astype(np.int64)
    count = int(unit.max(initial=-1)) + 1
    begin = starts(np.bincount(unit, minlength=count))
    members = np.argsort(unit, kind="stable").astype(np.int64)
    number, missing, queue = (np.zeros(count, dtype=np.int64) for _ in range(3))
    if compiled:
        done = loops.unit_order(a, unit, count, begin, members, missing, queue, number)
    else:
        plain = number.tolist()
        done = loops.unit_order(
            a, unit.tolist(), count, begin.tolist(), members.tolist(), missing.tolist(), queue.tolist(), plain
        )
        number = np.array(plain, dtype=np.int64)
    assert done == count, "units form a circle"
    return number[unit]


def contracted(problem: Problem, unit: Ints, count: int) -> Problem:
    """The problem over coarser tasks.

    Args:
        problem: the fine one.
        unit: coarse task of each fine one, numbered in topological order.
        count: how many coarse tasks there are.
    """
    seconds = np.stack([np.bincount(unit, column, count) for column in problem.seconds.T], axis=1).astype(
        np.float64
    )
    makers, users, tensor = problem.edges
    outside = unit[makers] != unit[users]
    pairs = np.unique(tensor[outside] * count + unit[users[outside]])
    lasting = np.flatnonzero(problem.kept & (problem.held > 0))
    kept = np.union1d(pairs // count, lasting).astype(np.int64)
    order = np.argsort(unit[problem.source[kept]], kind="stable")
    kept = kept[order]
    position = np.full(problem.tensors, -1, dtype=np.int64)
    position[kept] = np.arange(len(kept))
    rows, flat = position[pairs // count], pairs % count
    rank = np.lexsort((flat, rows))
    rows, flat = rows[rank], flat[rank].astype(np.int64)
    group, choice = _groups(problem, unit, count)
    copies = np.repeat(np.arange(len(problem.copied_bytes)), np.diff(problem.copied_start))
    copied = np.unique(copies * count + unit[problem.copied_users])
    source = unit[problem.source[kept]]
    by_user = np.argsort(flat, kind="stable")
    return replace(
        problem,
        names=range(count),  # type: ignore[arg-type]
        seconds=seconds,
        group=group,
        choice=choice,
        out_start=starts(np.bincount(source, minlength=count)),
        source=source,
        output=problem.output[kept],
        bytes=problem.bytes[kept],
        held=problem.bytes[kept],
        viewed=np.full(len(kept), -1, dtype=np.int64),
        kept=problem.kept[kept],
        user_start=starts(np.bincount(rows, minlength=len(kept))),
        users=flat,
        in_start=starts(np.bincount(flat, minlength=count)),
        inputs=rows[by_user],
        resident=np.bincount(unit, problem.resident, count).astype(np.float64),
        copied_start=starts(np.bincount(copied // count, minlength=len(problem.copied_bytes))),
        copied_users=(copied % count).astype(np.int64),
    )


def _groups(problem: Problem, unit: Ints, count: int) -> tuple[Ints, Ints]:
    """Groups of the coarse tasks, and the row that allows what all their members allow."""
    parent = list(range(count))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    sizes = np.diff(problem.group_start)
    shared = sizes[problem.group] > 1
    first: dict[int, int] = {}
    for g, u in zip(problem.group[shared].tolist(), unit[shared].tolist(), strict=True):
        parent[root(u)] = root(first.setdefault(g, u))
    roots = np.array([root(i) for i in range(count)], dtype=np.int64)
    _, group = np.unique(roots, return_inverse=True)
    group = group.astype(np.int64)
    groups = int(group.max(initial=-1)) + 1
    meet = _meet(problem.allowed)
    choice = np.full(groups, -1, dtype=np.int64)
    pairs = np.unique(group[unit] * len(problem.allowed) + problem.choice[problem.group])
    for g, row in zip(
        (pairs // len(problem.allowed)).tolist(), (pairs % len(problem.allowed)).tolist(), strict=True
    ):
        choice[g] = row if choice[g] < 0 else meet[choice[g], row]
    assert (choice >= 0).all()
    return group, choice
