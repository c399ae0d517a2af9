"""Inner loops of coarsening; see `jit.py`. `a` is an `Arrays`."""

from __future__ import annotations

from typing import Any

from .jit import jit


@jit
def fits(
    a: Any, t: int, u: int, work: Any, most: float, meet: Any, rows: int, weight: Any, row: Any, mate: Any
) -> bool:
    """Whether a task may join a unit: it does not get too large, has a device, and shares no second group."""
    if weight[u] + work[t] > most and work[t] > 0.0 and weight[u] > 0.0:
        return False
    g = a.group[t]
    grouped = a.member_start[g + 1] - a.member_start[g] > 1
    if grouped and mate[u] >= 0 and mate[u] != g:
        return False
    both = meet[row[u] * rows + a.row[g]]
    shared = g if grouped else mate[u]
    # What joins a group must not narrow down where the group may run: its other tasks would not know.
    return bool(both >= 0 and (shared < 0 or both == a.row[shared]))


@jit
def join(
    a: Any, t: int, u: int, work: Any, meet: Any, rows: int, unit: Any, weight: Any, row: Any, mate: Any
) -> None:
    """Puts a task into a unit."""
    g = a.group[t]
    unit[t] = u
    weight[u] += work[t]
    row[u] = meet[row[u] * rows + a.row[g]]
    if a.member_start[g + 1] - a.member_start[g] > 1:
        mate[u] = g


@jit
def join_neighbours(
    a: Any,
    work: Any,
    most: float,
    meet: Any,
    rows: int,
    unit: Any,
    weight: Any,
    row: Any,
    mate: Any,
    size: Any,
) -> None:
    """Joins tasks to the unit that yields all that they take, then those that are alone to the unit that takes all
    that they yield. No circle of units can come about.

    Args:
        work: seconds of each task.
        most: seconds that a unit may take.
        meet: for each pair of rows the row that allows what both allow, or -1.
        rows: how many rows there are.
        unit: filled in: the number of the unit's first task.
        weight, row, mate, size: of each unit: seconds, row, group that it shares, number of tasks.
    """
    for t in range(a.tasks):
        g = a.group[t]
        unit[t] = -1
        weight[t] = 0.0
        size[t] = 0
        row[t] = a.row[g]
        mate[t] = -1
        found = -1
        for k in range(a.in_start[t], a.in_start[t + 1]):
            u = unit[a.use_source[a.in_uses[k]]]
            if found < 0:
                found = u
            elif found != u:
                found = -2
                break
        if found < 0 or not fits(a, t, found, work, most, meet, rows, weight, row, mate):
            found = t
        join(a, t, found, work, meet, rows, unit, weight, row, mate)
        size[found] += 1
    for t in range(a.tasks - 1, -1, -1):
        if unit[t] != t or size[t] != 1:
            continue
        found = -1
        for e in range(a.user_start[a.out_start[t]], a.user_start[a.out_start[t + 1]]):
            u = unit[a.users[e]]
            if found < 0:
                found = u
            elif found != u:
                found = -2
                break
        if found >= 0 and fits(a, t, found, work, most, meet, rows, weight, row, mate):
            join(a, t, found, work, meet, rows, unit, weight, row, mate)
            size[t] = 0
            size[found] += 1


@jit
def join_line(
    a: Any,
    line: Any,
    fence: Any,
    work: Any,
    most: float,
    meet: Any,
    rows: int,
    unit: Any,
    weight: Any,
    row: Any,
    mate: Any,
) -> None:
    """Joins stretches of a line of tasks; the other arguments are those of `join_neighbours`.

    Args:
        line: the tasks in an order.
        fence: tasks with different numbers are not joined. No circle can come about where the line is a
            topological order, or where tasks with one number do not need each other.
    """
    u = -1
    for p in range(a.tasks):
        t = line[p]
        weight[t] = 0.0
        row[t] = a.row[a.group[t]]
        mate[t] = -1
        if u < 0 or fence[t] != fence[u] or not fits(a, t, u, work, most, meet, rows, weight, row, mate):
            u = t
        join(a, t, u, work, meet, rows, unit, weight, row, mate)


@jit
def depths(a: Any, depth: Any) -> None:
    """Fills in how many tasks come before each one on the longest path to it."""
    for t in range(a.tasks):
        depth[t] = 0
    for t in range(a.tasks):
        for e in range(a.user_start[a.out_start[t]], a.user_start[a.out_start[t + 1]]):
            u = a.users[e]
            if depth[t] + 1 > depth[u]:
                depth[u] = depth[t] + 1


@jit
def depth_first(a: Any, missing: Any, stack: Any, line: Any) -> None:
    """A topological order that goes on with what the last task made possible."""
    top = 0
    for t in range(a.tasks - 1, -1, -1):
        missing[t] = a.in_start[t + 1] - a.in_start[t]
        if missing[t] == 0:
            stack[top] = t
            top += 1
    done = 0
    while top > 0:
        top -= 1
        t = stack[top]
        line[done] = t
        done += 1
        for e in range(a.user_start[a.out_start[t + 1]] - 1, a.user_start[a.out_start[t]] - 1, -1):
            u = a.users[e]
            missing[u] -= 1
            if missing[u] == 0:
                stack[top] = u
                top += 1


@jit
def unit_order(
    a: Any, unit: Any, units: int, member_start: Any, members: Any, missing: Any, queue: Any, number: Any
) -> int:
    """Numbers units so that each comes after what it needs; returns how many could be numbered.

    Args:
        unit: of each task.
        member_start, members: tasks of each unit.
        missing, queue: scratch, one per unit.
        number: filled in.
    """
    for u in range(units):
        missing[u] = 0
    for e in range(len(a.users)):
        if unit[a.use_source[e]] != unit[a.users[e]]:
            missing[unit[a.users[e]]] += 1
    last = 0
    for u in range(units):
        if missing[u] == 0:
            queue[last] = u
            last += 1
    done = 0
    while done < last:
        u = queue[done]
        number[u] = done
        done += 1
        for i in range(member_start[u], member_start[u + 1]):
            t = members[i]
            for e in range(a.user_start[a.out_start[t]], a.user_start[a.out_start[t + 1]]):
                v = unit[a.users[e]]
                if v != u:
                    missing[v] -= 1
                    if missing[v] == 0:
                        queue[last] = v
                        last += 1
    return done
