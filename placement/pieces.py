"""The pieces model: accelerators that run contiguous pieces, a host that runs everything else at once.

An accelerator's units form pieces that it runs one after the other. A piece starts when all its inputs are in host
memory, pays a transfer for every tensor from outside and for every tensor that is needed outside, and runs its units
one after the other. The host runs a unit as soon as its inputs are in its memory, any number at once, and pays no
transfers. Pipelined, every device's load is what it computes and what it transfers, and the largest load counts.

Source: J. Tarnawski et al., "Efficient Algorithms for Device Placement of DNN Graph Operators", NeurIPS 2020.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..graph.errors import PlacementError
from .problem import Bools, Floats, Ints, flatten, starts

__all__ = ["PieceProblem", "Pieces", "check_problem", "device_loads", "latency_of", "pieces_of"]


@dataclass(frozen=True, eq=False)
class PieceProblem:
    """A graph to place on equal accelerators and a host.

    Attributes:
        names: of the units, in topological order.
        fast, slow: time of each unit on an accelerator and on the host.
        size: memory that each unit takes on an accelerator.
        can: whether a unit can run on an accelerator.
        group: units with one number must be on one device.
        out_start: the tensors of unit u are `out_start[u]` to `out_start[u + 1]`.
        cost: time of one transfer of each tensor, between an accelerator and the host.
        user_start, users: the units that take each tensor.
        backward: whether a unit belongs to the backward pass.
        accelerators: how many there are.
        cores: how many cores the host has when the graph is pipelined.
        memory: what one accelerator holds.
    """

    names: Sequence[object]
    fast: Floats
    slow: Floats
    size: Floats
    can: Bools
    group: Ints
    out_start: Ints
    cost: Floats
    user_start: Ints
    users: Ints
    backward: Bools
    accelerators: int
    cores: int
    memory: float

    @property
    def units(self) -> int:
        return len(self.names)

    @functools.cached_property
    def source(self) -> Ints:
        """The unit that yields each tensor."""
        return np.repeat(np.arange(self.units), np.diff(self.out_start)).astype(np.int64)

    @functools.cached_property
    def edges(self) -> tuple[Ints, Ints, Ints]:
        """Every use: (unit that yields, unit that takes, tensor)."""
        tensor = np.repeat(np.arange(len(self.cost)), np.diff(self.user_start))
        return self.source[tensor], self.users, tensor.astype(np.int64)

    @functools.cached_property
    def preds(self) -> tuple[Ints, Ints]:
        """The units that each one needs, as (starts, values)."""
        makers, users, _ = self.edges
        return _neighbours(users, makers, self.units)

    @functools.cached_property
    def succs(self) -> tuple[Ints, Ints]:
        """The units that need each one, as (starts, values)."""
        makers, users, _ = self.edges
        return _neighbours(makers, users, self.units)

    @functools.cached_property
    def members(self) -> tuple[Ints, Ints]:
        """The units of each group, as (starts, values)."""
        count = int(self.group.max(initial=-1)) + 1
        return starts(np.bincount(self.group, minlength=count)), np.argsort(self.group, kind="stable").astype(
            np.int64
        )

    @functools.cached_property
    def movable(self) -> Bools:
        """Whether a unit can be on an accelerator, its group and its group's memory considered."""
        count = len(self.members[0]) - 1
        can = np.bincount(self.group, ~self.can, count) == 0
        size = np.bincount(self.group, self.size, count)
        found: Bools = (can & (size <= self.memory))[self.group]
        return found


@dataclass(frozen=True, eq=False)
class Pieces:
    """A placement.

    Attributes:
        piece: number of each unit's piece, -1 for the host; pieces can run in the order of their numbers.
        where: accelerator of each piece.
    """

    piece: Ints
    where: Ints

    @property
    def device(self) -> Ints:
        """Accelerator of each unit, -1 for the host."""
        if not len(self.where):
            return np.full(len(self.piece), -1, dtype=np.int64)
        found: Ints = np.where(self.piece >= 0, self.where[np.maximum(self.piece, 0)], -1)
        return found


def _neighbours(key: Ints, value: Ints, count: int) -> tuple[Ints, Ints]:
    pairs = np.unique(key * count + value) if count else key
    return starts(np.bincount(pairs // max(count, 1), minlength=count)), (pairs % max(count, 1)).astype(
        np.int64
    )


def check_problem(problem: PieceProblem) -> None:
    """Raises PlacementError where times, sizes or costs are negative or no numbers."""
    for what, values in (
        ("time on an accelerator", problem.fast),
        ("time on the host", problem.slow),
        ("size", problem.size),
    ):
        wrong = np.flatnonzero(~(np.isfinite(values) & (values >= 0)))
        if len(wrong):
            name, value = problem.names[wrong[0]], values[wrong[0]]
            raise PlacementError(str(name), f"node {name}: its {what} must be at least 0, got {value!r}")
    wrong = np.flatnonzero(~(np.isfinite(problem.cost) & (problem.cost >= 0)))
    if len(wrong):
        name = problem.names[problem.source[wrong[0]]]
        raise PlacementError(
            str(name),
            f"node {name}: the cost of its transfer must be at least 0, got {problem.cost[wrong[0]]!r}",
        )


def latency_of(problem: PieceProblem, pieces: Pieces) -> float:
    """Time of one sample, in the problem's unit; `inf` if pieces would have to wait for each other."""
    from .loops_pieces import INFEASIBLE, latency

    n, slots = problem.units, len(pieces.where)
    pred_start, preds = problem.preds
    scratch = [[0] * (n + slots + 2) for _ in range(9)]
    found: float = latency(
        n,
        pred_start.tolist(),
        preds.tolist(),
        problem.out_start.tolist(),
        problem.cost.tolist(),
        problem.user_start.tolist(),
        problem.users.tolist(),
        problem.fast.tolist(),
        problem.slow.tolist(),
        pieces.piece.tolist(),
        [*pieces.where.tolist(), 0],
        slots,
        *scratch,
    )
    return math.inf if found >= INFEASIBLE else found


def device_loads(problem: PieceProblem, device: Ints) -> tuple[Floats, Floats]:
    """What each device does per sample when samples follow each other through a pipeline.

    Args:
        problem: the graph.
        device: accelerator of each unit, or -1, -2, ... for the cores of the host.

    Returns:
        Forward and backward load of accelerators 0 to `accelerators - 1`, then of the cores. A transfer counts on
        the pass of the unit that yields the tensor; cores pay none.
    """
    count = problem.accelerators + max(problem.cores, int(-device.min(initial=0)), 1)
    place = np.where(device >= 0, device, problem.accelerators - 1 - device)
    on_host = device < 0
    loads = np.zeros((2, count))
    backward = problem.backward.astype(np.int64)
    np.add.at(loads, (backward, place), np.where(on_host, problem.slow, problem.fast))
    makers, users, tensor = problem.edges
    crossing = place[makers] != place[users]
    out = np.unique(tensor[crossing & ~on_host[makers]])
    np.add.at(loads, (backward[problem.source[out]], place[problem.source[out]]), problem.cost[out])
    into = crossing & ~on_host[users]
    pairs = np.unique(tensor[into] * count + place[users[into]])
    moved = pairs // count
    np.add.at(loads, (backward[problem.source[moved]], pairs % count), problem.cost[moved])
    return loads[0], loads[1]


def pieces_of(problem: PieceProblem, device: Ints, urgency: Floats | None = None) -> Pieces:
    """Cuts an assignment to devices into pieces that can run one after the other.

    Again and again one accelerator takes all its units that can run by then; the one whose next piece has the most
    work, or the most urgent work, goes first. Every piece is as large as this order lets it be.

    Args:
        problem: the graph.
        device: accelerator of each unit, -1 for the host.
        urgency: of each unit; None for its time.
    """
    weight = (problem.fast if urgency is None else urgency).tolist()
    succ_start, succs = (a.tolist() for a in problem.succs)
    waiting = np.diff(problem.preds[0]).tolist()
    place = device.tolist()
    piece = [-1] * problem.units
    ready: dict[int, list[int]] = {}
    for u in range(problem.units):
        if not waiting[u]:
            ready.setdefault(place[u], []).append(u)
    where: list[int] = []

    def settle(u: int) -> None:
        for e in range(succ_start[u], succ_start[u + 1]):
            v = succs[e]
            waiting[v] -= 1
            if not waiting[v]:
                ready.setdefault(place[v], []).append(v)

    while ready:
        for u in ready.pop(-1, ()):
            settle(u)
        if -1 in ready or not ready:
            continue
        chosen = max(
            ready, key=lambda d: (_reach(ready[d], d, place, waiting, succ_start, succs, weight), -d)
        )
        queue = ready.pop(chosen)
        for u in queue:
            piece[u] = len(where)
            settle(u)
            queue.extend(ready.pop(chosen, ()))
        where.append(chosen)
    return Pieces(np.array(piece, dtype=np.int64), np.array(where, dtype=np.int64))


def _reach(
    ready: Sequence[int],
    device: int,
    place: Sequence[int],
    waiting: Sequence[int],
    succ_start: Sequence[int],
    succs: Sequence[int],
    weight: Sequence[float],
) -> float:
    """Work of the piece that a device could run now."""
    left: dict[int, int] = {}
    queue = list(ready)
    total = 0.0
    for u in queue:
        total += weight[u]
        for e in range(succ_start[u], succ_start[u + 1]):
            v = succs[e]
            if place[v] == device:
                left[v] = left.get(v, waiting[v]) - 1
                if not left[v]:
                    queue.append(v)
    return total


def contracted(problem: PieceProblem, unit: Ints, names: Sequence[object]) -> PieceProblem:
    """The problem over coarser units.

    Args:
        problem: the fine one.
        unit: coarse unit of each fine one; the coarse units must be in topological order.
        names: of the coarse units.
    """
    count = len(names)

    def total(values: Floats) -> Floats:
        found = np.zeros(count)
        np.add.at(found, unit, values)
        return found

    makers, users, tensor = problem.edges
    outside = unit[makers] != unit[users]
    pairs = np.unique(tensor[outside] * count + unit[users[outside]])
    kept, inverse = np.unique(pairs // count, return_inverse=True)
    order = np.argsort(unit[problem.source[kept]], kind="stable")
    position = np.empty_like(order)
    position[order] = np.arange(len(order))
    rows: list[list[int]] = [[] for _ in kept]
    for row, user in zip(position[inverse].tolist(), (pairs % count).tolist(), strict=True):
        rows[row].append(user)
    user_start, flat = flatten(rows)
    group = _joined_groups(problem.group, unit, count)
    can = np.ones(count, dtype=np.bool_)
    np.logical_and.at(can, unit, problem.can)
    backward = np.zeros(count, dtype=np.bool_)
    np.logical_or.at(backward, unit, problem.backward)
    return PieceProblem(
        names=names,
        fast=total(problem.fast),
        slow=total(problem.slow),
        size=total(problem.size),
        can=can,
        group=group,
        out_start=starts(np.bincount(unit[problem.source[kept]], minlength=count)),
        cost=problem.cost[kept[order]],
        user_start=user_start,
        users=flat,
        backward=backward,
        accelerators=problem.accelerators,
        cores=problem.cores,
        memory=problem.memory,
    )


def _joined_groups(group: Ints, unit: Ints, count: int) -> Ints:
    """Groups of the coarse units: units that share a group of fine ones belong together."""
    parent = list(range(count))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    first: dict[int, int] = {}
    for g, u in zip(group.tolist(), unit.tolist(), strict=True):
        parent[root(u)] = root(first.setdefault(g, u))
    numbers: dict[int, int] = {}
    return np.array([numbers.setdefault(root(i), len(numbers)) for i in range(count)], dtype=np.int64)
