"""Beam search; declared in `graph/ops/beams.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph.errors import InvalidArgumentError
from .registry import KernelContext, kernel
from .updates import is_jax


@kernel("GatherTree")
def gather_tree(c: KernelContext, ids: Any, parents: Any, lengths: Any, end_token: Any) -> Any:
    xp = c.xp
    steps, batch, beams = np.shape(ids)
    if not is_jax(c):
        _check_parents(c, parents, lengths)
    lengths = xp.minimum(xp.reshape(lengths, (batch, 1)), steps)
    lines: list[Any] = [None] * steps
    at = xp.broadcast_to(xp.arange(beams), (batch, beams))
    for step in reversed(range(steps)):
        # A batch whose sequences end earlier joins at its last step, with every beam at its own place.
        inside = step < lengths
        line = xp.take_along_axis(ids[step], at, axis=1)
        lines[step] = xp.where(inside, line, end_token)
        parent = xp.clip(xp.take_along_axis(parents[step], at, axis=1), 0, max(beams - 1, 0))
        at = xp.where(inside, parent, at).astype(at.dtype)
    if not steps:
        return xp.zeros((0, batch, beams), c.out_dtype)
    found = xp.stack(lines)
    # Behind the first end token there are only end tokens.
    ended = xp.cumsum(found == end_token, axis=0) > 0
    return xp.where(ended, end_token, found).astype(c.out_dtype)


def _check_parents(c: KernelContext, parents: Any, lengths: Any) -> None:
    steps, _, beams = np.shape(parents)
    used = (c.xp.arange(steps)[:, None] >= 1) & (c.xp.arange(steps)[:, None] < lengths[None, :])
    wrong = used[:, :, None] & ((parents < 0) | (parents >= beams))
    if bool(wrong.any()):
        raise InvalidArgumentError(
            c.node.name, f"{c.node.op} '{c.node.name}': parent_ids must be from 0 to {beams - 1}"
        )
