"""Starts for the search in the pieces model: a line of units cut into pieces by dynamic programming."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from .pieces import PieceProblem
from .problem import Ints

__all__ = ["cut_line", "lines"]


def lines(problem: PieceProblem, count: int, seed: int) -> list[list[int]]:
    """Orders of the problem's groups in which to cut: depth first with different preferences.

    Groups come in the order of their first unit; backward units follow their forward ones, since they share groups.
    """
    rng = np.random.default_rng(seed)
    work = _work_behind(problem)
    keys: list[Callable[[int], float]] = [lambda u: -work[u], lambda u: work[u], lambda u: float(u)]
    for _ in range(count - len(keys)):
        noise = rng.random(problem.units)
        keys.append(lambda u, noise=noise: float(noise[u]))  # type: ignore[misc]
    found: dict[tuple[int, ...], None] = {}
    for key in keys[:count]:
        order = _depth_first(problem, key)
        groups = dict.fromkeys(problem.group[order].tolist())
        found.setdefault(tuple(groups))
    return [list(line) for line in found]


def _work_behind(problem: PieceProblem) -> list[float]:
    """Length of the longest path from each unit to the end."""
    succ_start, succs = (a.tolist() for a in problem.succs)
    work: list[float] = problem.fast.tolist()
    for u in range(problem.units - 1, -1, -1):
        work[u] += max((work[v] for v in succs[succ_start[u] : succ_start[u + 1]]), default=0.0)
    return work


def _depth_first(problem: PieceProblem, key: Callable[[int], float]) -> list[int]:
    """A topological order that goes on with what the last unit made possible, smallest key first."""
    succ_start, succs = (a.tolist() for a in problem.succs)
    waiting = np.diff(problem.preds[0]).tolist()
    # Sources come right before what they are needed for, not all at the beginning.
    lazy = [u for u in range(problem.units) if not waiting[u]]
    stack = sorted(lazy, key=key, reverse=True)
    order: list[int] = []
    while stack:
        u = stack.pop()
        order.append(u)
        opened = []
        for v in succs[succ_start[u] : succ_start[u + 1]]:
            waiting[v] -= 1
            if not waiting[v]:
                opened.append(v)
        stack.extend(sorted(opened, key=key, reverse=True))
    return order


def cut_line(problem: PieceProblem, line: Sequence[int], bottleneck: bool) -> Ints | None:
    """Cuts a line of groups into a piece for each accelerator.

    Args:
        problem: the graph.
        line: its groups in an order.
        bottleneck: whether the largest load counts; else the sum of all.

    Returns:
        Accelerator of each unit, -1 for the host; None where the memory does not suffice.
    """
    table = _Intervals(problem, line)
    size = len(line)
    combine: Callable[[float, float], float] = max if bottleneck else (lambda a, b: a + b)
    infinite = float("inf")
    limit = problem.accelerators
    best = [[infinite] * (limit + 1) for _ in range(size + 1)]
    origin: list[list[tuple[int, int]]] = [[(-1, 0)] * (limit + 1) for _ in range(size + 1)]
    best[0][0] = 0.0
    for i in range(size):
        for a in range(limit + 1):
            if best[i][a] < infinite:
                value = combine(best[i][a], 0.0 if bottleneck else table.slow[i])
                if value < best[i + 1][a] and not (bottleneck and table.movable[i] and table.slow[i] > 0):
                    best[i + 1][a], origin[i + 1][a] = value, (i, 0)
        # Every piece that begins here.
        for j, cost in table.pieces(i):
            for a in range(limit):
                value = combine(best[i][a], cost)
                if value < best[j][a + 1]:
                    best[j][a + 1], origin[j][a + 1] = value, (i, 1)
    last = min(range(limit + 1), key=lambda a: best[size][a])
    if best[size][last] == infinite:
        return None
    device_of_group = {}
    at, a = size, last
    while at > 0:
        previous, used = origin[at][a]
        for g in line[previous:at]:
            device_of_group[g] = a - 1 if used else -1
        at, a = previous, a - used
    return np.array([device_of_group[g] for g in problem.group.tolist()], dtype=np.int64)


class _Intervals:
    """What each stretch of a line costs as a piece."""

    def __init__(self, problem: PieceProblem, line: Sequence[int]) -> None:
        start, members = problem.members
        groups = [members[start[g] : start[g + 1]] for g in line]
        self.memory = problem.memory
        self.slow = [float(problem.slow[m].sum()) for m in groups]
        self.fast = [float(problem.fast[m].sum()) for m in groups]
        self.size = [float(problem.size[m].sum()) for m in groups]
        self.movable = [bool(problem.movable[m].all()) for m in groups]
        self.cost = problem.cost.tolist()
        place = {g: i for i, g in enumerate(line)}
        _, users, tensor = problem.edges
        group = problem.group.tolist()
        self.source = [place[group[u]] for u in problem.source.tolist()]
        self.readers: list[set[int]] = [set() for _ in self.cost]
        for u, t in zip(users.tolist(), tensor.tolist(), strict=True):
            self.readers[t].add(place[group[u]])
        self.made: list[list[int]] = [[] for _ in line]
        self.taken: list[list[int]] = [[] for _ in line]
        for t, source in enumerate(self.source):
            self.made[source].append(t)
            self.readers[t].discard(source)
            for reader in self.readers[t]:
                self.taken[reader].append(t)

    def pieces(self, first: int) -> list[tuple[int, float]]:
        """(end, cost) of every piece that begins at `first` and fits into the memory."""
        found = []
        work = memory = moved = 0.0
        inside: dict[int, int] = {}
        for i in range(first, len(self.fast)):
            memory += self.size[i]
            if memory > self.memory or not self.movable[i]:
                break
            work += self.fast[i]
            for t in self.made[i]:
                readers = len(self.readers[t])
                here = inside.get(t, 0)
                if here:
                    moved -= self.cost[t]
                if readers > here:
                    moved += self.cost[t]
            for t in self.taken[i]:
                here = inside[t] = inside.get(t, 0) + 1
                if first <= self.source[t] <= i:
                    if here == len(self.readers[t]):
                        moved -= self.cost[t]
                elif here == 1:
                    moved += self.cost[t]
            found.append((i + 1, work + moved))
        return found
