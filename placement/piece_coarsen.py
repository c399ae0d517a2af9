"""Coarser units for the pieces model: what is dear to separate stays together."""

from __future__ import annotations

from collections import deque

import numpy as np

from .pieces import PieceProblem, contracted
from .problem import Ints

__all__ = ["coarsened"]


def coarsened(problem: PieceProblem, target: int) -> tuple[PieceProblem, Ints]:
    """The problem over at most about `target` units, and the unit of each original one.

    Units are joined along edges, dearest tensors first, as long as no circle of units comes about and no unit
    takes more than an eighth of an accelerator's memory.
    """
    graph = _Contraction(problem)
    for dear in (False, True):
        graph.join(target, dear)
    return graph.result()


class _Contraction:
    def __init__(self, problem: PieceProblem) -> None:
        self.problem = problem
        n = problem.units
        self.parent = list(range(n))
        self.count = n
        pred_start, preds = (a.tolist() for a in problem.preds)
        succ_start, succs = (a.tolist() for a in problem.succs)
        self.preds = [set(preds[pred_start[u] : pred_start[u + 1]]) for u in range(n)]
        self.succs = [set(succs[succ_start[u] : succ_start[u + 1]]) for u in range(n)]
        self.size = problem.size.tolist()
        self.can = problem.movable.tolist()
        self.most = problem.memory / 8

    def root(self, u: int) -> int:
        parent = self.parent
        while parent[u] != u:
            parent[u] = parent[parent[u]]
            u = parent[u]
        return u

    def join(self, target: int, anywhere: bool) -> None:
        """Joins along edges until `target` units are left.

        Args:
            target: how many are to be left.
            anywhere: whether to try edges too that need a look for another path first.
        """
        makers, users, tensor = self.problem.edges
        order = np.argsort(-self.problem.cost[tensor], kind="stable")
        moved = True
        while moved and self.count > target:
            moved = False
            for i in order.tolist():
                if self.count <= target:
                    return
                u, v = self.root(int(makers[i])), self.root(int(users[i]))
                if u != v and self._may(u, v, anywhere):
                    self._merge(u, v)
                    moved = True

    def _may(self, u: int, v: int, anywhere: bool) -> bool:
        if self.can[u] != self.can[v] or not self.can[u]:
            return False
        if min(self.size[u], self.size[v]) > 0 and self.size[u] + self.size[v] > self.most:
            return False
        if len(self.preds[v]) == 1 or len(self.succs[u]) == 1:
            return True
        return anywhere and not self._other_path(u, v)

    def _other_path(self, u: int, v: int) -> bool:
        """Whether a path of more than one edge leads from u to v."""
        queue = deque(s for s in self.succs[u] if s != v)
        seen = set(queue)
        while queue:
            x = queue.popleft()
            for s in self.succs[x]:
                if s == v:
                    return True
                if s not in seen:
                    seen.add(s)
                    queue.append(s)
        return False

    def _merge(self, u: int, v: int) -> None:
        """Joins v into u."""
        self.parent[v] = u
        for p in self.preds[v]:
            self.succs[p].discard(v)
            if p != u:
                self.succs[p].add(u)
                self.preds[u].add(p)
        for s in self.succs[v]:
            self.preds[s].discard(v)
            self.preds[s].add(u)
            self.succs[u].add(s)
        self.size[u] += self.size[v]
        self.count -= 1

    def result(self) -> tuple[PieceProblem, Ints]:
        roots = [self.root(u) for u in range(self.problem.units)]
        alive = sorted(set(roots))
        waiting = {r: len(self.preds[r]) for r in alive}
        order = [r for r in alive if not waiting[r]]
        for r in order:
            for s in sorted(self.succs[r]):
                waiting[s] -= 1
                if not waiting[s]:
                    order.append(s)
        number = {r: i for i, r in enumerate(order)}
        unit = np.array([number[r] for r in roots], dtype=np.int64)
        return contracted(self.problem, unit, tuple(range(len(order)))), unit
