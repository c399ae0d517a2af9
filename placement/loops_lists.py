"""Inner loops of list schedulers; see `jit.py`. `a` is an `Arrays`."""

from __future__ import annotations

from typing import Any

from .jit import jit, sibling

push, drop = sibling(__name__, "loops_heap", "push", "drop")


@jit
def ranks(a: Any, seconds: Any, latency: float, per_byte: float, up: Any, down: Any) -> None:
    """Fills in the longest path from each task's start to the end, and from the beginning to its start.

    Args:
        seconds: time of each task.
        latency, per_byte: what a transfer is taken to cost; none between tasks of one group.
        up, down: filled in.
    """
    for t in range(a.tasks):
        down[t] = 0.0
    for t in range(a.tasks):
        here = down[t] + seconds[t]
        for x in range(a.out_start[t], a.out_start[t + 1]):
            cost = latency + a.size[x] * per_byte
            for e in range(a.user_start[x], a.user_start[x + 1]):
                u = a.users[e]
                at = here if a.group[u] == a.group[t] else here + cost
                if at > down[u]:
                    down[u] = at
    for t in range(a.tasks - 1, -1, -1):
        best = 0.0
        for x in range(a.out_start[t], a.out_start[t + 1]):
            cost = latency + a.size[x] * per_byte
            for e in range(a.user_start[x], a.user_start[x + 1]):
                u = a.users[e]
                at = up[u] if a.group[u] == a.group[t] else up[u] + cost
                if at > best:
                    best = at
        up[t] = best + seconds[t]


@jit
def by_urgency(a: Any, urgency: Any, missing: Any, time: Any, item: Any, order: Any) -> None:
    """A topological order, of the tasks that are ready always the most urgent one; equal ones by number."""
    count = 0
    for t in range(a.tasks):
        missing[t] = a.in_start[t + 1] - a.in_start[t]
        if missing[t] == 0:
            count = push(time, item, 0, count, -urgency[t], t)
    done = 0
    while count > 0:
        t = item[0]
        count = drop(time, item, 0, count)
        order[done] = t
        done += 1
        for x in range(a.out_start[t], a.out_start[t + 1]):
            for e in range(a.user_start[x], a.user_start[x + 1]):
                u = a.users[e]
                missing[u] -= 1
                if missing[u] == 0:
                    count = push(time, item, 0, count, -urgency[u], u)


@jit
def arrival(a: Any, e: int, target: int, device: Any, end: Any, queues: bool, free: Any) -> float:
    """When the tensor of a use can be on a device, as far as the schedule stands."""
    maker = a.use_source[e]
    origin = device[maker]
    at = end[maker]
    if origin == target:
        return at
    x = a.use_tensor[e]
    link = origin * a.devices + target
    if queues:
        c = a.channel[link]
        if c >= 0 and free[c] > at:
            at = free[c]
    return at + a.size[x] * a.per_byte[link] + a.latency[link]


@jit
def earliest_finish(
    a: Any,
    order: Any,
    need: Any,
    wish: Any,
    ahead: Any,
    queues: bool,
    reach: int,
    device: Any,
    begin: Any,
    end: Any,
    placed: Any,
    used: Any,
    head: Any,
    tail: Any,
    packed: Any,
    before: Any,
    after: Any,
    widest: Any,
    free: Any,
) -> None:
    """Puts the tasks one by one into the gap where they end first.

    Args:
        order: the tasks, each after what it needs.
        need: memory that each group takes on its device.
        wish: device that a group is to be on, -1 where that is open.
        ahead: for each task and class, what is expected to follow, in seconds; added to the end when devices are
            compared.
        queues: whether transfers queue for their channels.
        reach: how many busy intervals to look back for a gap.
        device, begin, end: of each task; filled in. `device` begins as -1.
        placed: device of each group; begins as -1.
        used: memory in use on each device; begins as 0.
        head, tail, packed, before, after: first and last task of each line, last one up to which the line has no
            gap, neighbours of each task in its line; begin as -1.
        widest: no gap of a line is wider; begins as 0.
        free: when each channel is free; begins as 0.
    """
    for position in range(a.tasks):
        t = order[position]
        g = a.group[t]
        row = a.row[g]
        first = a.row_start[row]
        last = a.row_start[row + 1]
        fixed = placed[g] if placed[g] >= 0 else wish[g]
        best = 1e300
        best_begin = 0.0
        best_device = -1
        best_line = -1
        best_before = -1
        most_room = -1e300
        roomiest = -1
        if fixed < 0:
            for i in range(first, last):
                d = a.row_devices[i]
                left = a.room[d] - used[d] - need[g]
                if left >= 0.0:
                    roomiest = -1
                    break
                if left > most_room:
                    most_room = left
                    roomiest = d
        for i in range(first, last):
            d = a.row_devices[i]
            if fixed >= 0:
                if i > first:
                    break
                d = fixed
            elif roomiest >= 0:
                if d != roomiest:
                    continue
            elif used[d] + need[g] > a.room[d]:
                continue
            length = a.seconds[t * a.classes + a.device_class[d]]
            expected = ahead[t * a.classes + a.device_class[d]]
            ready = 0.0
            for k in range(a.in_start[t], a.in_start[t + 1]):
                at = arrival(a, a.in_uses[k], d, device, end, queues, free)
                if at > ready:
                    ready = at
            if ready + length + expected >= best:
                continue
            for line in range(a.line_start[d], a.line_start[d + 1]):
                p = tail[line]
                # Where no gap is wide enough the task goes to the end.
                steps = reach if p >= 0 and widest[line] < length else 0
                while p >= 0 and p != packed[line] and end[p] > ready and steps < reach:
                    p = before[p]
                    steps += 1
                at = ready
                if p >= 0 and end[p] > at:
                    at = end[p]
                # Beyond its reach the search begins at the task that it came to.
                following = after[p] if p >= 0 else head[line]
                while following >= 0 and begin[following] < at + length:
                    p = following
                    if end[p] > at:
                        at = end[p]
                    following = after[p]
                if at + length + expected < best:
                    best = at + length + expected
                    best_begin = at
                    best_device = d
                    best_line = line
                    best_before = p
        d = best_device
        length = a.seconds[t * a.classes + a.device_class[d]]
        device[t] = d
        begin[t] = best_begin
        end[t] = best_begin + length
        if placed[g] < 0:
            placed[g] = d
            used[d] += need[g]
        if queues:
            for k in range(a.in_start[t], a.in_start[t + 1]):
                e = a.in_uses[k]
                maker = a.use_source[e]
                if device[maker] != d:
                    link = device[maker] * a.devices + d
                    c = a.channel[link]
                    if c >= 0:
                        at = max(free[c], end[maker])
                        free[c] = at + a.size[a.use_tensor[e]] * a.per_byte[link]
        if length > 0.0:
            gap = best_begin - (end[best_before] if best_before >= 0 else 0.0)
            if gap > widest[best_line]:
                widest[best_line] = gap
            insert(t, best_line, best_before, begin, end, head, tail, packed, before, after)


@jit
def insert(
    t: int,
    line: int,
    p: int,
    begin: Any,
    end: Any,
    head: Any,
    tail: Any,
    packed: Any,
    before: Any,
    after: Any,
) -> None:
    """Puts a task into a line, after task p or, where that is -1, first of all."""
    following = after[p] if p >= 0 else head[line]
    before[t] = p
    after[t] = following
    if p >= 0:
        after[p] = t
    else:
        head[line] = t
    if following >= 0:
        before[following] = t
    else:
        tail[line] = t
    q = packed[line]
    if q < 0:
        q = head[line]
        if begin[q] > 0.0:
            return
    while after[q] >= 0 and begin[after[q]] <= end[q]:
        q = after[q]
    packed[line] = q


@jit
def dispatch(
    a: Any,
    device: Any,
    urgency: Any,
    missing: Any,
    ready: Any,
    idle: Any,
    touched: Any,
    base: Any,
    wait_time: Any,
    wait_item: Any,
    waiting: Any,
    time: Any,
    item: Any,
    order: Any,
) -> float:
    """Plays a step in which every device takes the most urgent task that is ready; transfers do not queue.

    Args:
        device, urgency: of each task.
        missing, ready: scratch, one per task.
        idle, touched, waiting: scratch, one per device.
        base: where each device's part of `wait_time` and `wait_item` begins, by its number of tasks.
        time, item: scratch, two per task.
        order: filled in with the tasks by begin.

    Returns:
        When the last one ends.
    """
    n = a.tasks
    for d in range(a.devices):
        idle[d] = a.line_start[d + 1] - a.line_start[d]
        waiting[d] = 0
    count = 0
    for t in range(n):
        missing[t] = a.in_start[t + 1] - a.in_start[t]
        ready[t] = 0.0
        if missing[t] == 0:
            count = push(time, item, 0, count, 0.0, n + t)
    done = 0
    now = 0.0
    while count > 0:
        now = time[0]
        changed = 0
        while count > 0 and time[0] == now:
            what = item[0]
            count = drop(time, item, 0, count)
            t = what if what < n else what - n
            d = device[t]
            touched[changed % a.devices] = d
            changed += 1
            if what >= n:
                waiting[d] = push(wait_time, wait_item, base[d], waiting[d], -urgency[t], t)
                continue
            idle[d] += 1
            for x in range(a.out_start[t], a.out_start[t + 1]):
                for e in range(a.user_start[x], a.user_start[x + 1]):
                    u = a.users[e]
                    at = now
                    if device[u] != d:
                        link = d * a.devices + device[u]
                        at += a.size[x] * a.per_byte[link] + a.latency[link]
                    if at > ready[u]:
                        ready[u] = at
                    missing[u] -= 1
                    if missing[u] == 0:
                        count = push(time, item, 0, count, ready[u], n + u)
        for i in range(min(changed, a.devices)):
            d = i if changed > a.devices else touched[i]
            while idle[d] > 0 and waiting[d] > 0:
                t = wait_item[base[d]]
                waiting[d] = drop(wait_time, wait_item, base[d], waiting[d])
                order[done] = t
                done += 1
                idle[d] -= 1
                count = push(time, item, 0, count, now + a.seconds[t * a.classes + a.device_class[d]], t)
    return now


@jit
def earliest_start(
    a: Any,
    urgency: Any,
    need: Any,
    favourite: Any,
    patience: Any,
    missing: Any,
    device: Any,
    begin: Any,
    end: Any,
    placed: Any,
    used: Any,
    line_free: Any,
    soon_time: Any,
    soon_item: Any,
    soon: Any,
    now_time: Any,
    now_item: Any,
    now: Any,
    order: Any,
) -> bool:
    """Of all ready tasks and devices always the pair that can start first; of those, the most urgent task.

    Args:
        need: memory that each group takes on its device.
        favourite: for each task the one that should follow it on its device at once, or -1.
        patience: for each device until when it waits for a favourite; begins as 0. Together with `favourite`.
        missing: scratch, one per task.
        device, begin, end, placed, used: filled in; `device` and `placed` begin as -1, `used` as 0.
        line_free: when each line is free; begins as 0.
        soon_time, soon_item, now_time, now_item: a heap for each device of `tasks` entries: tasks that will be
            ready there, by when, and tasks that are, by urgency.
        soon, now: scratch, one per device.
        order: filled in.

    Returns:
        Whether everything found a device with room for it.
    """
    n = a.tasks
    fits = True
    for d in range(a.devices):
        soon[d] = 0
        now[d] = 0
        patience[d] = -1
    for t in range(n):
        missing[t] = a.in_start[t + 1] - a.in_start[t]
        if missing[t] == 0:
            offer(a, t, need, device, end, placed, used, soon_time, soon_item, soon)
    for step in range(n):
        best = 1e300
        best_device = -1
        best_line = -1
        best_urgency = -1.0
        best_task = -1
        for d in range(a.devices):
            line = a.line_start[d]
            for i in range(line + 1, a.line_start[d + 1]):
                if line_free[i] < line_free[line]:
                    line = i
            base = d * n
            while soon[d] > 0:
                t = soon_item[base]
                if device[t] < 0 and soon_time[base] > line_free[line]:
                    break
                soon[d] = drop(soon_time, soon_item, base, soon[d])
                if device[t] < 0:
                    now[d] = push(now_time, now_item, base, now[d], -urgency[t], t)
            while now[d] > 0 and not takes(a, now_item[base], d, need, device, placed, used):
                now[d] = drop(now_time, now_item, base, now[d])
            while soon[d] > 0 and not takes(a, soon_item[base], d, need, device, placed, used):
                soon[d] = drop(soon_time, soon_item, base, soon[d])
            t = -1
            at = 1e300
            if now[d] > 0:
                t = now_item[base]
                at = line_free[line]
            elif soon[d] > 0:
                t = soon_item[base]
                at = max(soon_time[base], line_free[line])
            if t < 0:
                continue
            # A device that has just run the maker of a favourite keeps itself free for it.
            f = patience[d]
            if f >= 0 and f != t and device[f] < 0:
                reserved = line_free[line]
                known = True
                for k in range(a.in_start[f], a.in_start[f + 1]):
                    m = a.use_source[a.in_uses[k]]
                    if device[m] < 0:
                        known = False
                    elif end[m] > reserved:
                        reserved = end[m]
                length = a.seconds[t * a.classes + a.device_class[d]]
                if known and at + length > reserved and urgency[t] <= urgency[f]:
                    at = max(at, reserved)
            if at < best or (at == best and urgency[t] > best_urgency):
                best = at
                best_device = d
                best_line = line
                best_urgency = urgency[t]
                best_task = t
        if best_task < 0:
            # Nothing that is ready fits anywhere: the first such task goes where the most room is.
            fits = False
            for t in range(n):
                if device[t] < 0 and missing[t] == 0:
                    best_task = t
                    break
            g = a.group[best_task]
            most = -1e300
            for i in range(a.row_start[a.row[g]], a.row_start[a.row[g] + 1]):
                d = a.row_devices[i]
                if a.room[d] - used[d] > most:
                    most = a.room[d] - used[d]
                    best_device = d
            best_line = a.line_start[best_device]
            best = line_free[best_line]
        t = best_task
        d = best_device
        g = a.group[t]
        ready = best
        for k in range(a.in_start[t], a.in_start[t + 1]):
            e = a.in_uses[k]
            m = a.use_source[e]
            at = end[m]
            if device[m] != d:
                link = device[m] * a.devices + d
                at += a.size[a.use_tensor[e]] * a.per_byte[link] + a.latency[link]
            if at > ready:
                ready = at
        device[t] = d
        begin[t] = ready
        end[t] = ready + a.seconds[t * a.classes + a.device_class[d]]
        line_free[best_line] = end[t]
        patience[d] = favourite[t]
        order[step] = t
        if placed[g] < 0:
            placed[g] = d
            used[d] += need[g]
        for x in range(a.out_start[t], a.out_start[t + 1]):
            for e in range(a.user_start[x], a.user_start[x + 1]):
                u = a.users[e]
                missing[u] -= 1
                if missing[u] == 0:
                    offer(a, u, need, device, end, placed, used, soon_time, soon_item, soon)
    return fits


@jit
def takes(a: Any, t: int, d: int, need: Any, device: Any, placed: Any, used: Any) -> bool:
    """Whether a task is still to be placed and a device may run it."""
    g = a.group[t]
    if device[t] >= 0:
        return False
    if placed[g] >= 0:
        return bool(placed[g] == d)
    return bool(used[d] + need[g] <= a.room[d])


@jit
def offer(
    a: Any, t: int, need: Any, device: Any, end: Any, placed: Any, used: Any, time: Any, item: Any, count: Any
) -> None:
    """Enters a task whose inputs are all placed with every device that may run it, by when they can be there."""
    row = a.row[a.group[t]]
    for i in range(a.row_start[row], a.row_start[row + 1]):
        d = a.row_devices[i]
        if not takes(a, t, d, need, device, placed, used):
            continue
        ready = 0.0
        for k in range(a.in_start[t], a.in_start[t + 1]):
            e = a.in_uses[k]
            m = a.use_source[e]
            at = end[m]
            if device[m] != d:
                link = device[m] * a.devices + d
                at += a.size[a.use_tensor[e]] * a.per_byte[link] + a.latency[link]
            if at > ready:
                ready = at
        count[d] = push(time, item, d * a.tasks, count[d], ready, t)
