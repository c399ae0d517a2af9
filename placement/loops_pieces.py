"""The inner loops of the pieces model: a placement's latency, and the search for a short one.

Everything here works on arrays and on lists alike; see `jit.py`. A placement gives every unit a piece, or -1 for the
host. Pieces are numbered in an order in which they can run; piece `s` runs on accelerator `where[s]`.
"""

from __future__ import annotations

import math
from typing import Any

from .jit import jit

INFEASIBLE = 1e30
"""Latency of a placement whose pieces would have to wait for each other."""


@jit
def latency(
    n: int,
    pred_start: Any,
    preds: Any,
    out_start: Any,
    cost: Any,
    user_start: Any,
    users: Any,
    fast: Any,
    slow: Any,
    piece: Any,
    where: Any,
    slots: int,
    end: Any,
    lowest: Any,
    host_list: Any,
    host_count: Any,
    unit_list: Any,
    unit_count: Any,
    length: Any,
    seen: Any,
    free: Any,
) -> float:
    """Latency of a placement, or INFEASIBLE.

    Args:
        n: number of units; they are in topological order.
        pred_start, preds: the units that each one needs.
        out_start, cost, user_start, users: each unit's tensors, what one transfer of each costs, who takes it.
        fast, slow: time of each unit on an accelerator and on the host.
        piece: of each unit, -1 for the host.
        where: accelerator of each piece.
        slots: number of pieces, empty ones included.
        end: scratch, one per unit: when it ends.
        lowest: scratch, one per unit: the first piece that it could be in.
        host_list, host_count, unit_list, unit_count, length, seen, free: scratch, one per unit for the lists, one
            more than there are pieces for the others.
    """
    for s in range(slots + 1):
        length[s] = 0.0
        seen[s] = -1
        host_count[s] = 0
        unit_count[s] = 0
        free[s] = 0.0
    for v in range(n):
        p = piece[v]
        low = 0
        for e in range(pred_start[v], pred_start[v + 1]):
            u = preds[e]
            q = piece[u]
            if q < 0:
                q = lowest[u]
            elif p < 0:
                q += 1
            if q > low:
                low = q
        lowest[v] = low
        if p >= 0:
            if p < low:
                return INFEASIBLE
            length[p] += fast[v]
            unit_count[p] += 1
        else:
            host_count[low] += 1
        for t in range(out_start[v], out_start[v + 1]):
            leaves = False
            for e in range(user_start[t], user_start[t + 1]):
                q = piece[users[e]]
                if q != p:
                    leaves = True
                    if q >= 0 and seen[q] != t:
                        seen[q] = t
                        length[q] += cost[t]
            if leaves and p >= 0:
                length[p] += cost[t]
    a = 0
    b = 0
    for s in range(slots + 1):
        c = host_count[s]
        host_count[s] = a
        a += c
        c = unit_count[s]
        unit_count[s] = b
        b += c
    for v in range(n):
        p = piece[v]
        if p < 0:
            q = lowest[v]
            host_list[host_count[q]] = v
            host_count[q] += 1
        else:
            unit_list[unit_count[p]] = v
            unit_count[p] += 1
    longest = 0.0
    i = 0
    j = 0
    for s in range(slots + 1):
        while i < host_count[s]:
            v = host_list[i]
            i += 1
            at = 0.0
            for e in range(pred_start[v], pred_start[v + 1]):
                if end[preds[e]] > at:
                    at = end[preds[e]]
            at += slow[v]
            end[v] = at
            if at > longest:
                longest = at
        if s == slots or j == unit_count[s]:
            continue
        first = j
        at = free[where[s]]
        while j < unit_count[s]:
            v = unit_list[j]
            j += 1
            for e in range(pred_start[v], pred_start[v + 1]):
                u = preds[e]
                if piece[u] != s and end[u] > at:
                    at = end[u]
        at += length[s]
        free[where[s]] = at
        for x in range(first, j):
            end[unit_list[x]] = at
        if at > longest:
            longest = at
    return longest


@jit
def draw(state: Any, below: int) -> int:
    """A random number from 0 to below - 1; `state[0]` is the generator (Park and Miller)."""
    state[0] = state[0] * 48271 % 2147483647
    drawn: int = state[0] % below
    return drawn


@jit
def fitting_piece(
    v: int,
    accelerator: int,
    piece: Any,
    where: Any,
    slots: int,
    pred_start: Any,
    preds: Any,
    user_of_start: Any,
    users_of: Any,
    start: int,
) -> int:
    """A piece on an accelerator that the unit's neighbours leave it, looking from `start` on; -1 for none."""
    low = 0
    high = slots - 1
    for e in range(pred_start[v], pred_start[v + 1]):
        q = piece[preds[e]]
        if q > low:
            low = q
    for e in range(user_of_start[v], user_of_start[v + 1]):
        q = piece[users_of[e]]
        if 0 <= q < high:
            high = q
    if low > high:
        return -1
    span = high - low + 1
    for i in range(span):
        s = low + (start + i) % span
        if where[s] == accelerator:
            return s
    return -1


@jit
def anneal(
    n: int,
    pred_start: Any,
    preds: Any,
    succ_start: Any,
    succs: Any,
    out_start: Any,
    cost: Any,
    user_start: Any,
    users: Any,
    fast: Any,
    slow: Any,
    size: Any,
    may_move: Any,
    group: Any,
    member_start: Any,
    members: Any,
    accelerators: int,
    memory: float,
    penalty: float,
    slots: int,
    piece: Any,
    where: Any,
    best_piece: Any,
    best_where: Any,
    used: Any,
    random: Any,
    values: Any,
    rounds: int,
    hot: float,
    cold: float,
    end: Any,
    lowest: Any,
    host_list: Any,
    host_count: Any,
    unit_list: Any,
    unit_count: Any,
    length: Any,
    seen: Any,
    free: Any,
    changed: Any,
    before: Any,
    mark: Any,
    stack: Any,
) -> None:
    """Simulated annealing, in place: `values` holds the present and the best latency, overfull memory added.

    Args:
        size: memory that each unit takes on an accelerator.
        may_move: whether a unit may be on an accelerator at all.
        group, member_start, members: units that must be on one device.
        accelerators, memory: how many there are, and what each holds.
        penalty: added to the latency per byte of memory that is too much.
        piece, where: the placement; changed.
        best_piece, best_where: the best one so far; changed.
        used: memory in use on each accelerator; changed.
        random: state of the random numbers; `random[1]` numbers the rounds.
        values: present value, best value, as floats.
        rounds: how many moves to try.
        hot, cold: temperatures at the first and the last of them.
    """
    cooling = math.exp(math.log(cold / hot) / max(rounds, 1))
    temperature = hot
    for _ in range(rounds):
        temperature *= cooling
        random[1] += 1
        number = random[1]
        count = 0
        turned = -1
        other = -1
        turned_from = 0
        ok = True
        kind = draw(random, 100)
        if kind < 6:
            # A piece changes its accelerator, or two pieces swap theirs.
            turned = draw(random, slots)
            turned_from = where[turned]
            goes = draw(random, accelerators)
            if kind >= 2:
                other = draw(random, slots)
                goes = where[other]
            if goes == turned_from:
                continue
            where[turned] = goes
            if other >= 0:
                where[other] = turned_from
            for v in range(n):
                if piece[v] == turned:
                    used[turned_from] -= size[v]
                    used[goes] += size[v]
                elif other >= 0 and piece[v] == other:
                    used[goes] -= size[v]
                    used[turned_from] += size[v]
            for v in range(n):
                here = where[piece[v]] if piece[v] >= 0 else -1
                u = members[member_start[group[v]]]
                there = where[piece[u]] if piece[u] >= 0 else -1
                if here != there:
                    ok = False
                    break
        else:
            v = draw(random, n)
            target = -1
            if kind >= 12:
                a = pred_start[v + 1] - pred_start[v]
                b = succ_start[v + 1] - succ_start[v]
                if a + b == 0 or kind < 25:
                    target = draw(random, slots)
                else:
                    i = draw(random, a + b)
                    u = preds[pred_start[v] + i] if i < a else succs[succ_start[v] + i - a]
                    target = piece[u]
            if target == piece[v] or (target >= 0 and not may_move[v]):
                continue
            origin = piece[v]
            # Moving a unit past others of its piece takes those along that stand in the way.
            along = 0 if draw(random, 10) < 4 else (n if draw(random, 2) == 0 else 12)
            # Now and then a whole neighbourhood of the unit goes with it: a branch, a block.
            region = 1 << draw(random, 7) if draw(random, 2) == 0 else 0
            device = where[target] if target >= 0 else -1
            stack[0] = v
            top = 1
            mark[v] = number
            while top > 0:
                top -= 1
                x = stack[top]
                if target >= 0 and not may_move[x]:
                    ok = False
                    break
                goes = target
                if x != v and target >= 0 and group[x] == group[v]:
                    goes = fitting_piece(
                        x,
                        device,
                        piece,
                        where,
                        slots,
                        pred_start,
                        preds,
                        succ_start,
                        succs,
                        draw(random, slots),
                    )
                    if goes < 0:
                        goes = target
                changed[count] = x
                before[count] = piece[x]
                count += 1
                if piece[x] >= 0:
                    used[where[piece[x]]] -= size[x]
                if goes >= 0:
                    used[device] += size[x]
                piece[x] = goes
                for m in range(member_start[group[x]], member_start[group[x] + 1]):
                    y = members[m]
                    if mark[y] != number and (where[piece[y]] if piece[y] >= 0 else -1) != device:
                        mark[y] = number
                        stack[top] = y
                        top += 1
                if count + top < region:
                    for e in range(succ_start[x], succ_start[x + 1]):
                        y = succs[e]
                        if mark[y] != number and piece[y] == origin:
                            mark[y] = number
                            stack[top] = y
                            top += 1
                    for e in range(pred_start[x], pred_start[x + 1]):
                        y = preds[e]
                        if mark[y] != number and piece[y] == origin:
                            mark[y] = number
                            stack[top] = y
                            top += 1
                if count <= along and origin >= 0 and target >= 0:
                    if target > origin:
                        for e in range(succ_start[x], succ_start[x + 1]):
                            y = succs[e]
                            if mark[y] != number and 0 <= piece[y] < target:
                                mark[y] = number
                                stack[top] = y
                                top += 1
                    else:
                        for e in range(pred_start[x], pred_start[x + 1]):
                            y = preds[e]
                            if mark[y] != number and piece[y] > target:
                                mark[y] = number
                                stack[top] = y
                                top += 1
            # What is too much for the accelerator that was moved to, another unit makes room for.
            tries = 0
            while ok and tries < 6 and origin >= 0 and device >= 0 and used[device] > memory:
                tries += 1
                y = draw(random, n)
                if mark[y] == number or piece[y] < 0 or where[piece[y]] != device or size[y] <= 0:
                    continue
                if member_start[group[y] + 1] - member_start[group[y]] > 1 or device == where[origin]:
                    continue
                goes = fitting_piece(
                    y,
                    where[origin],
                    piece,
                    where,
                    slots,
                    pred_start,
                    preds,
                    succ_start,
                    succs,
                    draw(random, slots),
                )
                if goes < 0:
                    continue
                mark[y] = number
                changed[count] = y
                before[count] = piece[y]
                count += 1
                used[device] -= size[y]
                used[where[goes]] += size[y]
                piece[y] = goes
        value = INFEASIBLE
        if ok:
            value = latency(
                n,
                pred_start,
                preds,
                out_start,
                cost,
                user_start,
                users,
                fast,
                slow,
                piece,
                where,
                slots,
                end,
                lowest,
                host_list,
                host_count,
                unit_list,
                unit_count,
                length,
                seen,
                free,
            )
            for x in range(accelerators):
                if used[x] > memory:
                    value += (used[x] - memory) * penalty
        if ok and (
            value <= values[0]
            or draw(random, 1048576) < 1048576 * math.exp(max((values[0] - value) / temperature, -60.0))
        ):
            values[0] = value
            if value < values[1] - 1e-9:
                values[1] = value
                for x in range(n):
                    best_piece[x] = piece[x]
                for x in range(slots):
                    best_where[x] = where[x]
            continue
        if turned >= 0:
            goes = where[turned]
            for x in range(n):
                if piece[x] == turned:
                    used[goes] -= size[x]
                    used[turned_from] += size[x]
                elif other >= 0 and piece[x] == other:
                    used[turned_from] -= size[x]
                    used[goes] += size[x]
            where[turned] = turned_from
            if other >= 0:
                where[other] = goes
        for i in range(count):
            x = changed[i]
            if piece[x] >= 0:
                used[where[piece[x]]] -= size[x]
            piece[x] = before[i]
            if piece[x] >= 0:
                used[where[piece[x]]] += size[x]
