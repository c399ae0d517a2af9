"""A problem in the form that the inner loops take: flat arrays, or lists where the loops are plain Python."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .problem import Bools, Floats, Ints, Problem, starts

__all__ = ["Arrays", "arrays_of", "contended_channels", "tails"]


class Arrays(NamedTuple):
    """The fields of `Problem` that loops need, flattened; every field can be indexed, and nothing else is asked.

    Attributes:
        tasks, devices, classes, channels: how many there are.
        seconds: time of task t on class c at `t * classes + c`.
        device_class: class of each device.
        line_start: the streams of device d are the lines `line_start[d]` to `line_start[d + 1]`.
        out_start: tensors of each task.
        user_start, users: uses of each tensor; a use's position in `users` is its number.
        in_start, in_uses: the uses by which each task takes its inputs.
        use_source, use_tensor: task that yields, and tensor, of each use.
        size: bytes of each tensor.
        latency, per_byte, channel: of the link from device s to device d at `s * devices + d`; channel -1 is
            never busy.
        tail: what must follow each task at least, in seconds.
        group, member_start, members: groups of tasks that share a device.
        row, row_start, row_devices: for each group the row of devices that it may run on, and those rows.
        may: whether row r allows device d at `r * devices + d`.
        held, kept, viewed, resident: of memory, as in `Problem`.
        copied_bytes, copied_start, copied_users: as in `Problem`.
        room: memory of each device.
    """

    tasks: int
    devices: int
    classes: int
    channels: int
    seconds: Any
    device_class: Any
    line_start: Any
    out_start: Any
    user_start: Any
    users: Any
    in_start: Any
    in_uses: Any
    use_source: Any
    use_tensor: Any
    size: Any
    latency: Any
    per_byte: Any
    channel: Any
    tail: Any
    group: Any
    member_start: Any
    members: Any
    row: Any
    row_start: Any
    row_devices: Any
    may: Any
    held: Any
    kept: Any
    viewed: Any
    resident: Any
    copied_bytes: Any
    copied_start: Any
    copied_users: Any
    room: Any


def arrays_of(problem: Problem, compiled: bool, tail: Floats) -> Arrays:
    """The problem for loops.

    Args:
        problem: the step.
        compiled: whether the loops are compiled and take arrays; else they take lists.
        tail: what must follow each task at least, in seconds (`tails`).
    """
    row_start, row_devices = _rows(problem.allowed)
    source, _, tensor = problem.edges

    def ints(values: Any) -> Any:
        made = np.ascontiguousarray(values, dtype=np.int64).ravel()
        return made if compiled else made.tolist()

    def floats(values: Any) -> Any:
        made = np.ascontiguousarray(values, dtype=np.float64).ravel()
        return made if compiled else made.tolist()

    def flags(values: Any) -> Any:
        made = np.ascontiguousarray(values, dtype=np.bool_).ravel()
        return made if compiled else made.tolist()

    return Arrays(
        tasks=problem.tasks,
        devices=problem.devices,
        classes=problem.seconds.shape[1],
        channels=problem.links.channels,
        seconds=floats(problem.seconds),
        device_class=ints(problem.device_class),
        line_start=ints(starts(problem.streams)),
        out_start=ints(problem.out_start),
        user_start=ints(problem.user_start),
        users=ints(problem.users),
        in_start=ints(problem.in_start),
        in_uses=ints(np.argsort(problem.users, kind="stable")),
        use_source=ints(source),
        use_tensor=ints(tensor),
        size=floats(problem.bytes),
        latency=floats(problem.links.latency),
        per_byte=floats(problem.links.seconds_per_byte),
        channel=ints(problem.links.channel),
        tail=floats(tail),
        group=ints(problem.group),
        member_start=ints(problem.group_start),
        members=ints(problem.members),
        row=ints(problem.choice),
        row_start=ints(row_start),
        row_devices=ints(row_devices),
        may=flags(problem.allowed),
        held=floats(problem.held),
        kept=flags(problem.kept),
        viewed=ints(problem.viewed),
        resident=floats(problem.resident),
        copied_bytes=floats(problem.copied_bytes),
        copied_start=ints(problem.copied_start),
        copied_users=ints(problem.copied_users),
        room=floats(problem.memory),
    )


def _rows(allowed: Bools) -> tuple[Ints, Ints]:
    rows, devices = np.nonzero(allowed)
    return starts(np.bincount(rows, minlength=len(allowed))), devices.astype(np.int64)


def tails(problem: Problem) -> Floats:
    """Longest path from each task's end to the end of the step, every task where it is fastest, transfers free."""
    from .bounds import fastest_seconds
    from .list_schedule import upward_ranks

    fastest = fastest_seconds(problem)
    return upward_ranks(problem, fastest, 0.0, 0.0) - fastest


def contended_channels(problem: Problem) -> Bools:
    """Which channels may be asked for a transfer out of the order of the plan.

    Those of several devices, and those of a device that runs several ops at once.
    """
    channel = problem.links.channel
    source = np.broadcast_to(np.arange(problem.devices)[:, None], channel.shape)
    apart = ~np.eye(problem.devices, dtype=np.bool_) & (channel >= 0)
    first = np.full(problem.links.channels, problem.devices, dtype=np.int64)
    last = np.full(problem.links.channels, -1, dtype=np.int64)
    np.minimum.at(first, channel[apart], source[apart])
    np.maximum.at(last, channel[apart], source[apart])
    several = (first < last) & (last >= 0)
    wide = np.zeros(problem.links.channels, dtype=np.bool_)
    parallel = apart & (problem.streams > 1)[:, None]
    wide[channel[parallel]] = True
    found: Bools = several | wide
    return found
