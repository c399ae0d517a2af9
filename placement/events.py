"""The event model: when every task and transfer of a placed step runs.

Each device starts its tasks in a fixed order, as many at once as it has streams, each as soon as its inputs
are there. A tensor leaves as soon as it is computed, once for every device that needs it; transfers that
share a channel go one after the other, in the order in which they were asked for; a channel is free for the
next tensor when the last byte of the one before has left, and that byte arrives one latency later. Channel -1
is never busy.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .problem import Bools, Floats, Ints, Problem, starts

__all__ = ["Moves", "Run", "device_orders", "moves_of", "run_events"]


@dataclass(frozen=True, eq=False)
class Moves:
    """The transfers that an assignment makes necessary, sorted by tensor.

    Attributes:
        tensor, device: what goes where; each pair once.
        start: the moves of tensor t are `start[t]` to `start[t + 1]`.
        arrival_of: for each use of a tensor (as `Problem.edges`), the move that brings it, or -1 where it is
            made on the same device.
    """

    tensor: Ints
    device: Ints
    start: Ints
    arrival_of: Ints


@dataclass(frozen=True, eq=False)
class Run:
    """One simulated step.

    Attributes:
        step_seconds: from the start to the end of the last task.
        begin, end: of each task, in seconds from the start of the step.
        moves: the transfers.
        move_begin, move_end: of each transfer: when it gets its channel, when its last byte arrives.
    """

    step_seconds: float
    begin: Floats
    end: Floats
    moves: Moves
    move_begin: Floats
    move_end: Floats


def moves_of(problem: Problem, assignment: Ints) -> Moves:
    """Every (tensor, device) that a tensor must travel to, in order of tensors, then of first use."""
    maker, user, tensor = problem.edges
    target = assignment[user]
    remote: Bools = assignment[maker] != target
    key = tensor * problem.devices + target
    unique, first, inverse = np.unique(key[remote], return_index=True, return_inverse=True)
    # Within a tensor the device that needs it first is served first.
    rank = np.lexsort((first, unique // problem.devices))
    position = np.empty_like(rank)
    position[rank] = np.arange(len(rank))
    arrival = np.full(len(tensor), -1, dtype=np.int64)
    arrival[remote] = position[inverse]
    moved = (unique // problem.devices)[rank]
    return Moves(
        tensor=moved,
        device=(unique % problem.devices)[rank],
        start=starts(np.bincount(moved, minlength=problem.tensors)),
        arrival_of=arrival,
    )


def device_orders(problem: Problem, assignment: Ints, order: Ints) -> list[list[int]]:
    """Projects a global order of tasks onto the devices."""
    orders: list[list[int]] = [[] for _ in range(problem.devices)]
    for task, device in zip(order.tolist(), assignment[order].tolist(), strict=True):
        orders[device].append(task)
    return orders


def run_events(problem: Problem, assignment: Ints, order: Ints) -> Run:
    """Simulates one step.

    Args:
        problem: the step.
        assignment: device of each task.
        order: all tasks in an order in which each comes after what it needs.
    """
    moves = moves_of(problem, assignment)
    state = _State(problem, assignment, moves)
    state.run(device_orders(problem, assignment, order))
    return Run(
        max(state.end, default=0.0),
        np.array(state.begin),
        np.array(state.end),
        moves,
        np.array(state.move_begin),
        np.array(state.move_end),
    )


class _State:
    """The simulation in flight; plain lists, since single elements of arrays are slow to reach."""

    def __init__(self, problem: Problem, assignment: Ints, moves: Moves) -> None:
        tasks = problem.tasks
        self.problem = problem
        self.seconds = problem.time(assignment).tolist()
        self.device_of = assignment.tolist()
        self.begin = [0.0] * tasks
        self.end = [0.0] * tasks
        self.missing = np.diff(problem.in_start).tolist()
        self.move_begin = [0.0] * len(moves.tensor)
        self.move_end = [0.0] * len(moves.tensor)
        self.events: list[tuple[float, int]] = []
        self._channels(assignment, moves)
        self._users(moves)

    def _channels(self, assignment: Ints, moves: Moves) -> None:
        links = self.problem.links
        origin = assignment[self.problem.source[moves.tensor]]
        self.channel = links.channel[origin, moves.device].tolist()
        self.latency = links.latency[origin, moves.device].tolist()
        carried = self.problem.bytes[moves.tensor] * links.seconds_per_byte[origin, moves.device]
        self.carry = carried.tolist()
        self.channel_free: dict[int, float] = {}
        out = self.problem.out_start
        self.task_moves = moves.start[out].tolist()

    def _users(self, moves: Moves) -> None:
        """Who waits for each task's end, and who for each move's arrival."""
        maker, user, _ = self.problem.edges
        remote = moves.arrival_of >= 0
        self.local_start, self.local = _rows(maker[~remote], user[~remote], self.problem.tasks)
        arrivals = moves.arrival_of[remote]
        self.arrival_start, self.arrivals = _rows(arrivals, user[remote], len(moves.tensor))

    def run(self, orders: Sequence[Sequence[int]]) -> None:
        self.orders = orders
        self.next = [0] * len(orders)
        self.idle = self.problem.streams.tolist()
        for device in range(len(orders)):
            self.start_tasks(device, 0.0)
        tasks = self.problem.tasks
        events, device_of = self.events, self.device_of
        while events:
            now, number = heapq.heappop(events)
            if number < tasks:
                device = device_of[number]
                self.idle[device] += 1
                self.ask_for_moves(number, now)
                self.provide(self.local, self.local_start[number], self.local_start[number + 1], now)
                self.start_tasks(device, now)
            else:
                move = number - tasks
                self.provide(self.arrivals, self.arrival_start[move], self.arrival_start[move + 1], now)

    def provide(self, users: Sequence[int], first: int, last: int, now: float) -> None:
        """Counts an input as there for the users first to last, and starts what waited for it."""
        missing = self.missing
        for i in range(first, last):
            user = users[i]
            missing[user] -= 1
            if not missing[user]:
                self.start_tasks(self.device_of[user], now)

    def start_tasks(self, device: int, now: float) -> None:
        order, position = self.orders[device], self.next[device]
        while position < len(order) and self.idle[device] and not self.missing[order[position]]:
            task = order[position]
            self.begin[task] = now
            self.end[task] = now + self.seconds[task]
            heapq.heappush(self.events, (self.end[task], task))
            self.idle[device] -= 1
            position += 1
        self.next[device] = position

    def ask_for_moves(self, task: int, now: float) -> None:
        tasks = self.problem.tasks
        for move in range(self.task_moves[task], self.task_moves[task + 1]):
            channel = self.channel[move]
            start = max(now, self.channel_free.get(channel, 0.0)) if channel >= 0 else now
            self.channel_free[channel] = start + self.carry[move]
            self.move_begin[move] = start
            self.move_end[move] = start + self.carry[move] + self.latency[move]
            heapq.heappush(self.events, (self.move_end[move], tasks + move))


def _rows(row: Ints, value: Ints, count: int) -> tuple[list[int], list[int]]:
    order = np.argsort(row, kind="stable")
    return starts(np.bincount(row, minlength=count)).tolist(), value[order].tolist()
