"""Inner loops of the search for throughput; see `jit.py`. `a` is an `Arrays`.

A load is a number of seconds per step: one for each device, and behind those one for each channel.
"""

from __future__ import annotations

import math
from typing import Any

from .jit import jit, sibling

(draw,) = sibling(__name__, "loops_plan", "draw")


@jit
def carry(
    a: Any, x: int, sign: float, through_host: bool, device: Any, load: Any, seen: Any, stamp: Any
) -> None:
    """Adds what a tensor's transfers load, or takes it away.

    Args:
        x: the tensor.
        sign: 1.0 or -1.0.
        through_host: whether devices of class 0 pay for every tensor that goes in or out, and no channel does.
        device: of each task.
        load: changed.
        seen, stamp: the last stamp of each device, and a counter for stamps.
    """
    first = a.user_start[x]
    last = a.user_start[x + 1]
    if first == last:
        return
    origin = device[a.use_source[first]]
    stamp[0] += 1
    number = stamp[0]
    leaves = False
    for e in range(first, last):
        target = device[a.users[e]]
        if target == origin or seen[target] == number:
            continue
        seen[target] = number
        leaves = True
        if through_host:
            if a.device_class[target] == 0:
                load[target] += sign * a.size[x]
        else:
            link = origin * a.devices + target
            if a.channel[link] >= 0:
                load[a.devices + a.channel[link]] += sign * a.size[x] * a.per_byte[link]
    if leaves and through_host and a.device_class[origin] == 0:
        load[origin] += sign * a.size[x]


@jit
def fill(a: Any, through_host: bool, device: Any, width: Any, load: Any, seen: Any, stamp: Any) -> None:
    """Works out all loads; `width` is one over the streams of each device."""
    for i in range(len(load)):
        load[i] = 0.0
    for t in range(a.tasks):
        d = device[t]
        load[d] += a.seconds[t * a.classes + a.device_class[d]] * width[d]
    for x in range(a.out_start[a.tasks]):
        carry(a, x, 1.0, through_host, device, load, seen, stamp)


@jit
def worst(load: Any, count: int, smooth: float) -> float:
    """The largest load, and a little of the mean of their squares, so that lesser loads count too."""
    most = 0.0
    total = 0.0
    for i in range(len(load)):
        if load[i] > most:
            most = load[i]
        total += load[i] * load[i]
    return most + smooth * math.sqrt(total / count)


@jit
def put(
    a: Any, g: int, target: int, through_host: bool, device: Any, width: Any, load: Any, seen: Any, stamp: Any,
    mark: Any,
) -> None:  # fmt: skip
    """Moves a group to a device."""
    stamp[1] += 1
    number = stamp[1]
    for side in range(2):
        sign = -1.0 if side == 0 else 1.0
        if side == 1:
            stamp[1] += 1
            number = stamp[1]
            for i in range(a.member_start[g], a.member_start[g + 1]):
                device[a.members[i]] = target
        for i in range(a.member_start[g], a.member_start[g + 1]):
            t = a.members[i]
            d = device[t]
            load[d] += sign * a.seconds[t * a.classes + a.device_class[d]] * width[d]
            for x in range(a.out_start[t], a.out_start[t + 1]):
                if mark[x] != number:
                    mark[x] = number
                    carry(a, x, sign, through_host, device, load, seen, stamp)
            for k in range(a.in_start[t], a.in_start[t + 1]):
                x = a.use_tensor[a.in_uses[k]]
                if mark[x] != number:
                    mark[x] = number
                    carry(a, x, sign, through_host, device, load, seen, stamp)


@jit
def anneal_loads(
    a: Any,
    through_host: bool,
    need: Any,
    device: Any,
    width: Any,
    load: Any,
    used: Any,
    seen: Any,
    stamp: Any,
    mark: Any,
    best: Any,
    random: Any,
    values: Any,
    rounds: int,
    hot: float,
    cold: float,
    smooth: float,
    queue: Any,
) -> None:
    """Simulated annealing of the largest load, in place.

    Args:
        need: memory of each group, `used` that of each device.
        device, load: the present state, as `fill` leaves it.
        best: device of each task in the best state.
        values: present value, best largest load.
        rounds: how many moves to try.
        hot, cold: temperatures at the first and the last of them.
        smooth: weight of the lesser loads.
        queue: scratch, three per group.
    """
    cooling = math.exp(math.log(cold / hot) / max(rounds, 1))
    temperature = hot
    groups = len(a.row)
    count = a.devices
    for _ in range(rounds):
        temperature *= cooling
        t = draw(random, a.tasks)
        if draw(random, 100) < 60:
            # What the busiest device does, or what goes through the busiest channel.
            busy = 0
            for i in range(len(load)):
                if load[i] > load[busy]:
                    busy = i
            if busy < count:
                for _i in range(8):
                    if device[t] == busy:
                        break
                    t = draw(random, a.tasks)
        g = a.group[t]
        here = device[t]
        row = a.row[g]
        target = a.row_devices[a.row_start[row] + draw(random, a.row_start[row + 1] - a.row_start[row])]
        kind = draw(random, 100)
        inputs = a.in_start[t + 1] - a.in_start[t]
        outs = a.user_start[a.out_start[t + 1]] - a.user_start[a.out_start[t]]
        if kind < 50 and inputs + outs > 0:
            i = draw(random, inputs + outs)
            if i < inputs:
                d = device[a.use_source[a.in_uses[a.in_start[t] + i]]]
            else:
                d = device[a.users[a.user_start[a.out_start[t]] + i - inputs]]
            if a.may[row * a.devices + d]:
                target = d
        if target == here:
            continue
        moved = 1
        queue[0] = g
        queue[groups] = here
        queue[2 * groups] = target
        if kind % 4 == 0:
            h = a.group[draw(random, a.tasks)]
            there = device[a.members[a.member_start[h]]]
            if there != here and a.may[row * count + there] and a.may[a.row[h] * count + here]:
                queue[2 * groups] = there
                queue[1] = h
                queue[groups + 1] = there
                queue[2 * groups + 1] = here
                moved = 2
        elif kind % 4 == 1:
            most = min(2 + draw(random, 1 << (1 + draw(random, 5))), groups)
            at = 0
            while at < moved and moved < most:
                v = a.members[a.member_start[queue[at]]]
                at += 1
                degree = a.in_start[v + 1] - a.in_start[v]
                total = degree + a.user_start[a.out_start[v + 1]] - a.user_start[a.out_start[v]]
                for i in range(total):
                    if i < degree:
                        u = a.use_source[a.in_uses[a.in_start[v] + i]]
                    else:
                        u = a.users[a.user_start[a.out_start[v]] + i - degree]
                    h = a.group[u]
                    if device[u] != here or moved >= most or not a.may[a.row[h] * count + target]:
                        continue
                    known = False
                    for j in range(moved):
                        if queue[j] == h:
                            known = True
                    if not known:
                        queue[moved] = h
                        queue[groups + moved] = here
                        queue[2 * groups + moved] = target
                        moved += 1
        for i in range(moved):
            put(a, queue[i], queue[2 * groups + i], through_host, device, width, load, seen, stamp, mark)
            used[queue[groups + i]] -= need[queue[i]]
            used[queue[2 * groups + i]] += need[queue[i]]
        value = worst(load, count, smooth)
        fits = True
        for i in range(moved):
            d = queue[2 * groups + i]
            if need[queue[i]] > 0 and used[d] > a.room[d]:
                fits = False
        if fits and (
            value <= values[0]
            or draw(random, 1048576) < 1048576 * math.exp(max((values[0] - value) / temperature, -60.0))
        ):
            values[0] = value
            most_now = worst(load, count, 0.0)
            if most_now < values[1] * (1 - 1e-12):
                values[1] = most_now
                for x in range(a.tasks):
                    best[x] = device[x]
            continue
        for i in range(moved - 1, -1, -1):
            put(a, queue[i], queue[groups + i], through_host, device, width, load, seen, stamp, mark)
            used[queue[2 * groups + i]] -= need[queue[i]]
            used[queue[groups + i]] += need[queue[i]]
