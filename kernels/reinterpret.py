"""Bytes and numbers read another way; declared in `graph/ops/reinterpret.py`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .registry import KernelContext, kernel
from .shaping import dims_of


@kernel("Bitcast")
def bitcast(c: KernelContext, x: Any) -> Any:
    shape, have, want = np.shape(x), c.in_types[0].size, c.out_types[0].size
    array = c.xp.ascontiguousarray(x).reshape((*shape, 1) if have >= want else shape).view(c.out_dtype)
    return array.reshape(shape if have == want else shape[:-1] if have < want else array.shape)


@kernel("UnravelIndex")
def unravel_index(c: KernelContext, indices: Any, dims: Any) -> Any:
    xp = c.xp
    sizes = xp.asarray(dims)
    ones = xp.ones(1, c.out_dtype)
    strides = xp.flip(xp.cumprod(xp.flip(xp.concatenate([sizes[1:], ones])))).astype(c.out_dtype)
    if (
        xp is np
        and np.size(indices)
        and not 0 <= np.min(indices) <= np.max(indices) < math.prod(dims_of(dims))
    ):
        raise ValueError(f"index is out of bounds for dims {dims_of(dims)}")
    flat = xp.reshape(indices, (1, -1))
    found = (flat // strides[:, None]) % sizes[:, None]
    return found.reshape((np.shape(dims)[0], *np.shape(indices)))


@kernel("EditDistance", host=True)
def edit_distance(
    c: KernelContext, a_indices: Any, a_values: Any, a_shape: Any, b_indices: Any, b_values: Any, b_shape: Any
) -> Any:
    shape = tuple(max(x, y) for x, y in zip(dims_of(a_shape)[:-1], dims_of(b_shape)[:-1], strict=True))
    ours, theirs = _sequences(a_indices, a_values), _sequences(b_indices, b_values)
    out = np.zeros(shape, np.float32)
    for place in {*ours, *theirs}:
        hypothesis, truth = ours.get(place, []), theirs.get(place, [])
        count = levenshtein(hypothesis, truth)
        if c.attrs["normalize"]:
            out[place] = count / len(truth) if truth else np.inf
        else:
            out[place] = count
    return out


def _sequences(indices: Any, values: Any) -> dict[tuple[int, ...], list[Any]]:
    found: dict[tuple[int, ...], list[Any]] = {}
    for index, value in zip(indices.tolist(), values.tolist(), strict=True):
        found.setdefault(tuple(index[:-1]), []).append(value)
    return found


def levenshtein(a: Sequence[Any], b: Sequence[Any]) -> int:
    """Least number of insertions, deletions and replacements that make one sequence the other."""
    before = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        now = [i]
        for j, y in enumerate(b, 1):
            now.append(min(before[j] + 1, now[-1] + 1, before[j - 1] + (x != y)))
        before = now
    return before[-1]
