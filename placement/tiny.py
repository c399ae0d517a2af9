"""A problem of a few tasks, to try loops on."""

from __future__ import annotations

import numpy as np

from .cluster import LinkMatrices
from .problem import Problem, starts

__all__ = ["tiny_problem"]


def tiny_problem(tasks: int = 8) -> Problem:
    """A chain of equal tasks, each of which the one after the next needs too, and two devices with one link."""
    rows = [[u for u in (t + 1, t + 2) if u < tasks] for t in range(tasks)]
    users = np.array([u for row in rows for u in row], dtype=np.int64)
    user_start = starts(np.array([len(row) for row in rows]))
    taken = np.repeat(np.arange(tasks), np.diff(user_start))
    by_user = np.argsort(users, kind="stable")
    none = np.zeros(0, dtype=np.int64)
    return Problem(
        names=[str(t) for t in range(tasks)],
        seconds=np.ones((tasks, 2)),
        device_class=np.arange(2),
        group=np.arange(tasks),
        choice=np.zeros(tasks, dtype=np.int64),
        allowed=np.ones((1, 2), dtype=np.bool_),
        out_start=np.arange(tasks + 1),
        source=np.arange(tasks),
        output=np.zeros(tasks, dtype=np.int64),
        bytes=np.full(tasks, 0.1),
        held=np.full(tasks, 0.1),
        viewed=np.full(tasks, -1, dtype=np.int64),
        kept=np.zeros(tasks, dtype=np.bool_),
        user_start=user_start,
        users=users,
        in_start=starts(np.bincount(users, minlength=tasks)),
        inputs=taken[by_user],
        resident=np.zeros(tasks),
        copied_bytes=np.zeros(0),
        copied_start=np.zeros(1, dtype=np.int64),
        copied_users=none,
        # One channel for both directions, and room for half: every loop has something to do.
        links=LinkMatrices(np.zeros((2, 2)), 1.0 - np.eye(2), np.zeros((2, 2), dtype=np.int64), 1),
        memory=np.full(2, 0.4),
        streams=np.ones(2, dtype=np.int64),
    )
