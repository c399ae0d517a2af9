"""Random problems as arrays, for planners and the simulator."""

from __future__ import annotations

from typing import Any

import numpy as np

from weft.placement.cluster import LinkMatrices
from weft.placement.problem import Problem, flatten, starts


def _graph(r: np.random.Generator, n: int, width: int, out_start: Any, yields: Any) -> list[list[int]]:
    rows: list[list[int]] = [[] for _ in range(int(out_start[-1]))]
    for i in range(1, n):
        if i < width and r.random() < 0.7:
            continue
        for _ in range(int(r.integers(1, 3))):
            j = int(r.integers(max(0, i - 2 * width), i))
            rows[int(out_start[j] + r.integers(0, yields[j]))].append(i)
    return [sorted(set(row)) for row in rows]


def _links(r: np.random.Generator, devices: int, channels: str) -> LinkMatrices:
    latency = np.full((devices, devices), 1e-4)
    per_byte = r.uniform(0.5, 1.5, (devices, devices)) * 1e-9
    np.fill_diagonal(latency, 0.0)
    np.fill_diagonal(per_byte, 0.0)
    if channels == "pair":
        return LinkMatrices(latency, per_byte, np.arange(devices**2).reshape(devices, devices), devices**2)
    if channels == "source":
        each = np.repeat(np.arange(devices)[:, None], devices, axis=1)
        return LinkMatrices(latency, per_byte, each, devices)
    if channels == "one":
        return LinkMatrices(latency, per_byte, np.zeros((devices, devices), dtype=np.int64), 1)
    return LinkMatrices(latency, per_byte, np.full((devices, devices), -1), 0)


def random_problem(
    seed: int,
    tasks: int = 40,
    devices: int = 3,
    channels: str = "pair",
    streams: int = 1,
    memory: float = np.inf,
) -> Problem:
    """A random graph with groups, devices that not everything may run on, views and variables.

    Args:
        channels: "pair", "source", "one" or "none": what transfers queue for.
    """
    r = np.random.default_rng(seed)
    n = tasks
    base = r.gamma(2.0, 1e-3, n)
    seconds = np.stack((base, base * r.uniform(0.5, 2.0, n)), axis=1)
    seconds[r.random(n) < 0.05] = 0.0
    yields = r.integers(1, 3, n)
    out_start = starts(yields)
    user_start, users = flatten(_graph(r, n, 8, out_start, yields))
    tensors = int(out_start[-1])
    taken = np.repeat(np.arange(tensors), np.diff(user_start))
    inputs = taken[np.argsort(users, kind="stable")]
    in_start = starts(np.bincount(users, minlength=n))
    group = np.arange(n)
    for i in range(n):
        if r.random() < 0.15:
            group[i] = group[int(r.integers(0, n))]
    group = np.unique(group, return_inverse=True)[1]
    groups = int(group.max()) + 1
    allowed = np.ones((2, devices), dtype=np.bool_)
    if devices > 1:
        allowed[1, 0] = False
    size = r.gamma(1.0, 1e6, tensors)
    size[r.random(tensors) < 0.1] = 0.0
    viewed = np.full(tensors, -1)
    for i in range(n):
        if in_start[i] < in_start[i + 1] and r.random() < 0.1:
            viewed[out_start[i]] = inputs[in_start[i]]
    copied_start, copied_users = flatten([sorted(set(r.integers(0, n, 3).tolist())) for _ in range(3)])
    return Problem(
        names=[f"t{i}" for i in range(n)],
        seconds=seconds,
        device_class=r.integers(0, 2, devices),
        group=group,
        choice=(r.random(groups) < 0.1).astype(np.int64),
        allowed=allowed,
        out_start=out_start,
        source=np.repeat(np.arange(n), yields),
        output=np.concatenate([np.arange(k) for k in yields]),
        bytes=size,
        held=np.where(viewed >= 0, 0.0, size),
        viewed=viewed,
        kept=r.random(tensors) < 0.03,
        user_start=user_start,
        users=users,
        in_start=in_start,
        inputs=inputs,
        resident=np.where(r.random(n) < 0.1, r.gamma(1.0, 1e7, n), 0.0),
        copied_bytes=r.gamma(1.0, 1e5, 3),
        copied_start=copied_start,
        copied_users=copied_users,
        links=_links(r, devices, channels),
        memory=np.full(devices, float(memory)),
        streams=np.full(devices, streams),
    )
