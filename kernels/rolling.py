"""Elements moved along a dimension; declared in `graph/ops/rolling.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from .indexing import check_range
from .registry import KernelContext, kernel
from .shaping import dims_of
from .updates import is_jax


@kernel("ReverseSequence")
def reverse_sequence(c: KernelContext, x: Any, seq_lengths: Any) -> Any:
    xp, rank = c.xp, np.ndim(x)
    seq, batch = c.attrs["seq_dim"] % rank, c.attrs["batch_dim"] % rank
    size = x.shape[seq]
    check_range(c, seq_lengths, size + 1)
    steps = xp.arange(size).reshape([-1 if i == seq else 1 for i in range(rank)])
    lengths = seq_lengths.reshape([-1 if i == batch else 1 for i in range(rank)])
    source = xp.where(steps < lengths, lengths - 1 - steps, steps)
    return xp.take_along_axis(x, xp.broadcast_to(source, x.shape), axis=seq)


@kernel("Roll")
def roll(c: KernelContext, x: Any, shift: Any, axis: Any) -> Any:
    axes = dims_of(axis)
    if is_jax(c):
        shifts = c.xp.reshape(shift, (-1,))
        for position, at in enumerate(axes):
            x = c.xp.roll(x, shifts[position], at)
        return x
    return c.xp.roll(x, tuple(int(s) for s in shift.reshape(-1)), axes)
