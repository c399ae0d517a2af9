"""Inner loops of the search over weft's own model; see `jit.py`. `a` is an `Arrays`, `s` a `State`."""

from __future__ import annotations

import math
from typing import Any

from .jit import jit, sibling

push, drop = sibling(__name__, "loops_heap", "push", "drop")

NEVER = 1e300
"""Length of a step that is longer than it may be."""


@jit
def draw(random: Any, below: int) -> int:
    """A random number from 0 to below - 1; `random[0]` is the generator (Park and Miller)."""
    random[0] = random[0] * 48271 % 2147483647
    drawn: int = random[0] % below
    return drawn


@jit
def march(a: Any, s: Any, first: int, limit: float) -> float:
    """Plays the step from position `first` of the order on, and keeps states on the way to go on from later.

    Channels serve transfers in the order of the plan.

    Args:
        first: a position that a state was kept of; everything before it must be as it was then.
        limit: where the step is sure to take longer, it is given up.

    Returns:
        When the last task ends; NEVER where that is beyond the limit.
    """
    lines = a.line_start[a.devices]
    s.run[0] += 1
    number = s.run[0]
    stamp = number * a_tensors(a)
    if first > 0:
        longest = restore(a, s, first // s.stride, number)
    else:
        longest = 0.0
        for i in range(lines):
            s.line_free[i] = 0.0
        for d in range(a.devices):
            s.latest[d] = 0.0
    for p in range(first, a.tasks):
        if p % s.stride == 0 and p > first:
            keep(a, s, p // s.stride, number, longest)
        t = s.order[p]
        d = s.device[t]
        begin = s.latest[d]
        for k in range(a.in_start[t], a.in_start[t + 1]):
            at = s.arrive[a.in_uses[k]]
            if at > begin:
                begin = at
        line = a.line_start[d]
        for i in range(line + 1, a.line_start[d + 1]):
            if s.line_free[i] < s.line_free[line]:
                line = i
        if s.line_free[line] > begin:
            begin = s.line_free[line]
        end = begin + a.seconds[t * a.classes + a.device_class[d]]
        if end + a.tail[t] > limit:
            s.run[1] = p
            return NEVER
        s.begin[t] = begin
        s.end[t] = end
        s.latest[d] = begin
        s.line_free[line] = end
        if end > longest:
            longest = end
        for x in range(a.out_start[t], a.out_start[t + 1]):
            for e in range(a.user_start[x], a.user_start[x + 1]):
                target = s.device[a.users[e]]
                if target == d:
                    s.arrive[e] = end
                    s.sent[e] = -1.0
                    continue
                if s.seen[target] != stamp + x:
                    s.seen[target] = stamp + x
                    link = d * a.devices + target
                    c = a.channel[link]
                    start = end
                    carried = a.size[x] * a.per_byte[link]
                    if c >= 0:
                        if s.channel_run[c] == number and s.channel_free[c] > start:
                            start = s.channel_free[c]
                        s.channel_run[c] = number
                        s.channel_free[c] = start + carried
                    s.there[target] = start + carried + a.latency[link]
                    s.sent[e] = start
                else:
                    s.sent[e] = -1.0
                s.arrive[e] = s.there[target]
    s.run[1] = a.tasks
    return longest


@jit
def keep(a: Any, s: Any, slot: int, number: int, longest: float) -> None:
    """Keeps the state of lines and channels; it counts once the step is accepted."""
    lines = a.line_start[a.devices]
    at = slot * s.width
    for i in range(lines):
        s.states[at + i] = s.line_free[i]
    at += lines
    for d in range(a.devices):
        s.states[at + d] = s.latest[d]
    at += a.devices
    for c in range(a.channels):
        s.states[at + c] = s.channel_free[c] if s.channel_run[c] == number else 0.0
    s.states[at + a.channels] = longest


@jit
def restore(a: Any, s: Any, slot: int, number: int) -> float:
    """Puts lines and channels back as they were at a state that was kept and accepted."""
    lines = a.line_start[a.devices]
    at = slot * s.width
    for i in range(lines):
        s.line_free[i] = s.states_now[at + i]
    at += lines
    for d in range(a.devices):
        s.latest[d] = s.states_now[at + d]
    at += a.devices
    for c in range(a.channels):
        s.channel_free[c] = s.states_now[at + c]
        s.channel_run[c] = number
    longest: float = s.states_now[at + a.channels]
    return longest


@jit
def play(a: Any, s: Any, q: Any, limit: float) -> float:
    """Plays the whole step event by event, channels serving transfers in the order in which they are asked.

    Args:
        q: an `Events`.
        limit: where the step is sure to take longer, it is given up.

    Returns:
        When the last task ends; NEVER where that is beyond the limit.
    """
    n = a.tasks
    s.run[0] += 1
    s.run[1] = n
    number = s.run[0]
    stamp = number * a_tensors(a)
    for d in range(a.devices):
        q.idle[d] = a.line_start[d + 1] - a.line_start[d]
        q.count[d] = 0
    for t in range(n):
        q.count[s.device[t]] += 1
        q.missing[t] = a.in_start[t + 1] - a.in_start[t]
    at = 0
    for d in range(a.devices):
        q.next[d] = at
        at += q.count[d]
        q.count[d] = q.next[d]
    for p in range(n):
        d = s.device[s.order[p]]
        q.queue[q.count[d]] = s.order[p]
        q.count[d] += 1
    events = 0
    for d in range(a.devices):
        events = start_tasks(a, s, q, d, 0.0, events)
    longest = 0.0
    while events > 0:
        now = q.time[0]
        what = q.item[0]
        events = drop(q.time, q.item, 0, events)
        if what >= n:
            x = a.use_tensor[what - n]
            target = s.device[a.users[what - n]]
            for e in range(what - n, a.user_start[x + 1]):
                if s.device[a.users[e]] == target:
                    events = provide(a, s, q, a.users[e], now, events)
            continue
        longest = now
        d = s.device[what]
        if now + a.tail[what] > limit:
            return NEVER
        q.idle[d] += 1
        for x in range(a.out_start[what], a.out_start[what + 1]):
            for e in range(a.user_start[x], a.user_start[x + 1]):
                target = s.device[a.users[e]]
                s.sent[e] = -1.0
                if target == d:
                    s.arrive[e] = now
                    continue
                if s.seen[target] != stamp + x:
                    s.seen[target] = stamp + x
                    link = d * a.devices + target
                    c = a.channel[link]
                    start = now
                    carried = a.size[x] * a.per_byte[link]
                    if c >= 0:
                        if s.channel_run[c] == number and s.channel_free[c] > start:
                            start = s.channel_free[c]
                        s.channel_run[c] = number
                        s.channel_free[c] = start + carried
                    s.there[target] = start + carried + a.latency[link]
                    s.sent[e] = start
                    events = push(q.time, q.item, 0, events, s.there[target], n + e)
                s.arrive[e] = s.there[target]
        for e in range(a.user_start[a.out_start[what]], a.user_start[a.out_start[what + 1]]):
            if s.device[a.users[e]] == d:
                events = provide(a, s, q, a.users[e], now, events)
        events = start_tasks(a, s, q, d, now, events)
    return longest


@jit
def provide(a: Any, s: Any, q: Any, t: int, now: float, events: int) -> int:
    """Counts an input of a task as there, and starts what waited for it; returns the number of events."""
    q.missing[t] -= 1
    if q.missing[t] == 0:
        events = start_tasks(a, s, q, s.device[t], now, events)
    return events


@jit
def start_tasks(a: Any, s: Any, q: Any, d: int, now: float, events: int) -> int:
    """Starts what a device can start; returns the number of events."""
    while q.next[d] < q.count[d] and q.idle[d] > 0:
        t = q.queue[q.next[d]]
        if q.missing[t] > 0:
            break
        s.begin[t] = now
        s.end[t] = now + a.seconds[t * a.classes + a.device_class[d]]
        events = push(q.time, q.item, 0, events, s.end[t], t)
        q.idle[d] -= 1
        q.next[d] += 1
    return events


@jit
def a_tensors(a: Any) -> int:
    """How many tensors there are."""
    count: int = a.out_start[a.tasks]
    return count


@jit
def sort_points(keys: Any, second: Any, index: Any, spare: Any, count: int) -> None:
    """Sorts `index[:count]` by (keys, second), merging runs of growing length."""
    width = 1
    while width < count:
        low = 0
        while low < count:
            middle = min(low + width, count)
            high = min(low + 2 * width, count)
            i = low
            j = middle
            k = low
            while i < middle and j < high:
                x = index[i]
                y = index[j]
                if keys[y] < keys[x] or (keys[y] == keys[x] and second[y] < second[x]):
                    spare[k] = y
                    j += 1
                else:
                    spare[k] = x
                    i += 1
                k += 1
            while i < middle:
                spare[k] = index[i]
                i += 1
                k += 1
            while j < high:
                spare[k] = index[j]
                j += 1
                k += 1
            low += 2 * width
        for i in range(count):
            index[i] = spare[i]
        width *= 2


@jit
def peaks(a: Any, s: Any, m: Any, longest: float) -> float:
    """Fills in the most memory that each device needs during the step that was played last.

    Args:
        m: a `Room`; its `peak` is filled in.
        longest: when the step ends.

    Returns:
        By how much the devices are too full, each as a share of its memory, added up.
    """
    n = a.tasks
    for d in range(a.devices):
        m.held[d] = 0.0
        m.mark[d] = -1
    for t in range(n):
        m.held[s.device[t]] += a.resident[t]
    for c in range(len(a.copied_bytes)):
        for k in range(a.copied_start[c], a.copied_start[c + 1]):
            d = s.device[a.copied_users[k]]
            if m.mark[d] != c:
                m.mark[d] = c
                m.held[d] += a.copied_bytes[c]
    for d in range(a.devices):
        m.peak[d] = m.held[d]
        m.mark[d] = -1
    tensors = a.out_start[n]
    for t in range(n):
        for x in range(a.out_start[t], a.out_start[t + 1]):
            m.until[x] = longest if a.kept[x] else s.end[t]
            for e in range(a.user_start[x], a.user_start[x + 1]):
                at = s.end[a.users[e]] if s.device[a.users[e]] == s.device[t] else s.arrive[e]
                if at > m.until[x]:
                    m.until[x] = at
    for x in range(tensors - 1, -1, -1):
        b = a.viewed[x]
        if b >= 0 and s.device[m.source[b]] == s.device[m.source[x]] and m.until[x] > m.until[b]:
            m.until[b] = m.until[x]
    count = 0
    for t in range(n):
        for x in range(a.out_start[t], a.out_start[t + 1]):
            if a.held[x] > 0:
                count = span(m, count, s.begin[t], m.until[x], a.held[x], s.device[t])
            if a.size[x] <= 0:
                continue
            for e in range(a.user_start[x], a.user_start[x + 1]):
                if s.sent[e] < 0:
                    continue
                d = s.device[a.users[e]]
                last = s.arrive[e]
                for f in range(e, a.user_start[x + 1]):
                    u = a.users[f]
                    if s.device[u] == d and s.end[u] > last:
                        last = s.end[u]
                count = span(m, count, s.sent[e], last, a.size[x], d)
    for i in range(count):
        m.index[i] = i
    sort_points(m.time, m.change, m.index, m.spare, count)
    over = 0.0
    for i in range(count):
        d = m.where[m.index[i]]
        m.held[d] += m.change[m.index[i]]
        if m.held[d] > m.peak[d]:
            m.peak[d] = m.held[d]
    for d in range(a.devices):
        if m.peak[d] > a.room[d]:
            over += (m.peak[d] - a.room[d]) / max(a.room[d], 1.0)
    return over


@jit
def span(m: Any, count: int, begin: float, end: float, size: float, device: int) -> int:
    """Enters that a device holds something for a time; returns the new number of points."""
    m.time[count] = begin
    m.change[count] = size
    m.where[count] = device
    m.time[count + 1] = end
    m.change[count + 1] = -size
    m.where[count + 1] = device
    return count + 2


@jit
def critical(a: Any, s: Any, path: Any) -> int:
    """Fills in a chain of tasks that each waited for the next one, from the last to end; returns how many."""
    t = 0
    for u in range(a.tasks):
        if s.end[u] > s.end[t]:
            t = u
    count = 0
    while count < a.tasks:
        path[count] = t
        count += 1
        begin = s.begin[t]
        if begin <= 0.0:
            break
        cause = -1
        for k in range(a.in_start[t], a.in_start[t + 1]):
            e = a.in_uses[k]
            if s.arrive[e] >= begin:
                cause = a.use_source[e]
                break
        if cause < 0:
            # No input came just then, so the device was busy.
            p = s.position[t] - 1
            while p >= 0:
                u = s.order[p]
                if s.device[u] == s.device[t] and s.end[u] == begin:
                    cause = u
                    break
                p -= 1
        if cause < 0:
            break
        t = cause
    return count


@jit
def move_group(a: Any, s: Any, g: int, target: int) -> int:
    """Puts a group on a device; returns the first position that this changes anything at."""
    first = a.tasks
    for i in range(a.member_start[g], a.member_start[g + 1]):
        t = a.members[i]
        old = s.device[t]
        s.load[old] -= a.seconds[t * a.classes + a.device_class[old]]
        s.load[target] += a.seconds[t * a.classes + a.device_class[target]]
        s.device[t] = target
        if s.position[t] < first:
            first = s.position[t]
        for k in range(a.in_start[t], a.in_start[t + 1]):
            p = s.position[a.use_source[a.in_uses[k]]]
            if p < first:
                first = p
    return first


@jit
def shift(s: Any, start: int, goal: int) -> None:
    """Moves what is at one position of the order to another."""
    t = s.order[start]
    if goal > start:
        for p in range(start, goal):
            s.order[p] = s.order[p + 1]
            s.position[s.order[p]] = p
    else:
        for p in range(start, goal, -1):
            s.order[p] = s.order[p - 1]
            s.position[s.order[p]] = p
    s.order[goal] = t
    s.position[t] = goal


@jit
def window(a: Any, s: Any, t: int, random: Any, near: bool) -> int:
    """A position that a task may be moved to: between what it needs and what needs it."""
    low = 0
    high = a.tasks - 1
    for k in range(a.in_start[t], a.in_start[t + 1]):
        p = s.position[a.use_source[a.in_uses[k]]] + 1
        if p > low:
            low = p
    for x in range(a.out_start[t], a.out_start[t + 1]):
        for e in range(a.user_start[x], a.user_start[x + 1]):
            p = s.position[a.users[e]] - 1
            if p < high:
                high = p
    here = s.position[t]
    if near:
        reach = 2 + 4 * a.devices
        low = max(low, here - reach)
        high = min(high, here + reach)
    if high <= low:
        return here
    goal: int = low + draw(random, high - low + 1)
    return goal


@jit
def target_for(a: Any, s: Any, t: int, random: Any) -> int:
    """A device to try for a task: a neighbour's, or any that it may run on."""
    row = a.row[a.group[t]]
    choices = a.row_start[row + 1] - a.row_start[row]
    inputs = a.in_start[t + 1] - a.in_start[t]
    outs = a.user_start[a.out_start[t + 1]] - a.user_start[a.out_start[t]]
    if inputs + outs > 0 and draw(random, 100) < 45:
        i = draw(random, inputs + outs)
        if i < inputs:
            u = a.use_source[a.in_uses[a.in_start[t] + i]]
        else:
            u = a.users[a.user_start[a.out_start[t]] + i - inputs]
        d: int = s.device[u]
        if a.may[row * a.devices + d]:
            return d
    found: int = a.row_devices[a.row_start[row] + draw(random, choices)]
    return found


@jit
def accept(a: Any, s: Any, first: int) -> None:
    """What was played last, from position `first` on, becomes the present state."""
    for p in range(first, a.tasks):
        t = s.order[p]
        s.begin_now[t] = s.begin[t]
        s.end_now[t] = s.end[t]
        for e in range(a.user_start[a.out_start[t]], a.user_start[a.out_start[t + 1]]):
            s.arrive_now[e] = s.arrive[e]
            s.sent_now[e] = s.sent[e]
    slot = first // s.stride + 1
    while slot * s.stride < a.tasks:
        for i in range(slot * s.width, (slot + 1) * s.width):
            s.states_now[i] = s.states[i]
        slot += 1


@jit
def refuse(a: Any, s: Any, first: int) -> None:
    """Puts the times of the present state back; to be called before the order is put back."""
    for p in range(first, s.run[1]):
        t = s.order[p]
        s.begin[t] = s.begin_now[t]
        s.end[t] = s.end_now[t]
        for e in range(a.user_start[a.out_start[t]], a.user_start[a.out_start[t + 1]]):
            s.arrive[e] = s.arrive_now[e]
            s.sent[e] = s.sent_now[e]


@jit
def anneal(
    a: Any,
    s: Any,
    q: Any,
    m: Any,
    work: Any,
    random: Any,
    values: Any,
    rounds: int,
    hot: float,
    cold: float,
    bound: float,
    exact: bool,
    bind: bool,
    scale: float,
) -> int:
    """Simulated annealing from the present state, in place.

    Args:
        s: the present state, played and accepted.
        q: an `Events`.
        m: a `Room`.
        work: a `Work`; its `best_device` and `best_order` are kept.
        random: state of the random numbers.
        values: length of the present step, with the penalty for what does not fit, and of the best one that
            fits.
        rounds: how many moves to try.
        hot, cold: temperatures at the first and the last of them.
        bound: where the best is this short, nothing can be better.
        exact: whether `march` will do, since channels are asked in the order of the plan.
        bind: whether memory can be too small for anything.
        scale: penalty for a device that needs twice what it has.

    Returns:
        How many moves were tried.
    """
    cooling = math.exp(math.log(cold / hot) / max(rounds, 1))
    temperature = hot
    chain = critical(a, s, work.path)
    stale = 0
    groups = len(a.row)
    for number in range(rounds):
        if values[1] <= bound * (1 + 1e-12):
            return number
        temperature *= cooling
        if stale >= 40:
            chain = critical(a, s, work.path)
            stale = 0
        if draw(random, 100) < 55:
            t = work.path[draw(random, chain)]
        else:
            t = draw(random, a.tasks)
        kind = draw(random, 100)
        changes = 0
        first = a.tasks
        start = -1
        goal = -1
        if kind < 72 and groups > 0:
            changes = propose(a, s, work, random, t, kind)
            for i in range(changes):
                p = move_group(a, s, work.group[i], work.target[i])
                if p < first:
                    first = p
            if changes == 0 and kind < 40:
                continue
        if kind >= 40 and kind < 97:
            start = s.position[t]
            goal = window(a, s, t, random, kind % 3 != 0)
            if goal == start:
                start = -1
                if changes == 0:
                    continue
            else:
                shift(s, start, goal)
                first = min(first, min(start, goal))
        elif changes == 0:
            continue
        limit = values[0] - temperature * math.log((1 + draw(random, 1048576)) / 1048577.0)
        first = first // s.stride * s.stride if exact else 0
        value = NEVER
        over = 0.0
        heavy = False
        for i in range(changes):
            d = work.target[i]
            if s.load[d] > limit * (a.line_start[d + 1] - a.line_start[d]):
                heavy = True
        if not heavy:
            value = march(a, s, first, limit) if exact else play(a, s, q, limit)
            if value < NEVER and bind:
                over = peaks(a, s, m, value)
                value += over * scale
        if value <= limit:
            accept(a, s, first)
            stale += 1
            values[0] = value
            if value < values[1] and over <= 0.0:
                values[1] = value
                for x in range(a.tasks):
                    work.best_device[x] = s.device[x]
                    work.best_order[x] = s.order[x]
            continue
        if not heavy:
            refuse(a, s, first)
        if start >= 0:
            shift(s, goal, start)
        for i in range(changes - 1, -1, -1):
            move_group(a, s, work.group[i], work.origin[i])
    return rounds


@jit
def propose(a: Any, s: Any, work: Any, random: Any, t: int, kind: int) -> int:
    """Fills in which groups are to go where; returns how many."""
    g = a.group[t]
    here = s.device[t]
    target = target_for(a, s, t, random)
    if target == here:
        return 0
    work.group[0] = g
    work.origin[0] = here
    work.target[0] = target
    count = 1
    if kind < 8:
        # Two groups swap their devices.
        u = draw(random, a.tasks)
        h = a.group[u]
        there = s.device[u]
        if h == g or there == here:
            return 0
        if not a.may[a.row[g] * a.devices + there] or not a.may[a.row[h] * a.devices + here]:
            return 0
        work.target[0] = there
        work.group[1] = h
        work.origin[1] = there
        work.target[1] = here
        return 2
    if kind < 20:
        # What is around goes along.
        most = 2 + draw(random, 1 << (1 + draw(random, 5)))
        seen = 0
        while seen < count and count < most:
            v = a.members[a.member_start[work.group[seen]]]
            seen += 1
            for k in range(a.in_start[v], a.in_start[v + 1]):
                count = along(a, s, work, a.use_source[a.in_uses[k]], here, target, count, most)
            for e in range(a.user_start[a.out_start[v]], a.user_start[a.out_start[v + 1]]):
                count = along(a, s, work, a.users[e], here, target, count, most)
    return count


@jit
def along(a: Any, s: Any, work: Any, u: int, here: int, target: int, count: int, most: int) -> int:
    """Adds the group of a task to what goes along, if it is on the same device and may go; returns the count."""
    h = a.group[u]
    if count >= most or s.device[u] != here or not a.may[a.row[h] * a.devices + target]:
        return count
    for i in range(count):
        if work.group[i] == h:
            return count
    work.group[count] = h
    work.origin[count] = here
    work.target[count] = target
    return count + 1
