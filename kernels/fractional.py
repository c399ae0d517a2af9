"""Pooling over random windows; declared in `graph/ops/fractional.py`.

The forward ops run on the host, since their windows are drawn there; the gradients take the windows' boundaries as
host values and run anywhere.

Source:
    Graham, "Fractional max-pooling", 2015, https://arxiv.org/abs/1412.6071.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..graph.ops.fractional import pooled_size
from .philox import Stream, attr_stream, uniforms
from .pool_argmax import add_at
from .registry import KernelContext, kernel
from .shaping import dims_of


def _reserve(c: KernelContext, shape: tuple[int, ...]) -> int:
    if c.attrs["deterministic"]:
        return 0
    return sum(1 if c.attrs["pseudo_random"] else -(-n // 4) for n in shape[1:3])


def _boundaries(stream: Stream, size: int, count: int, pseudo_random: bool) -> tuple[Any, Stream]:
    """`count + 1` boundaries of windows over `size` elements, and the stream behind what was drawn."""
    steps, used = (_pseudo_random if pseudo_random else _shuffled)(stream, size, count)
    after = Stream(stream.xp, stream.key, stream.high, stream.position + np.uint64(used))
    return np.concatenate([[0], np.cumsum(steps)]).astype(np.int64), after


def _shuffled(stream: Stream, size: int, count: int) -> tuple[Any, int]:
    """Windows of two sizes that differ by one, in random order."""
    steps = np.full(count, size // count)
    steps[: size % count] += 1
    words = stream.words(max(count - 1, 0))
    for i in range(count - 1):
        other = i + int(words[i]) % (count - i)
        steps[i], steps[other] = steps[other], steps[i]
    return steps, -(-count // 4)


def _pseudo_random(stream: Stream, size: int, count: int) -> tuple[Any, int]:
    """Windows whose boundaries lie at equal distances, shifted by one random number and rounded up."""
    alpha, least = size / count, size // count
    # A larger shift would make the first or the last window too large or too small.
    bound = min((least + 2) / alpha - 1, (size + 1 - least) / alpha - (count - 1))
    shift = float(uniforms(stream, 1, np.float64)[0]) * bound
    ends = [1, *(math.ceil(alpha * (i + shift)) for i in range(1, count)), size + 1]
    return np.diff(ends), 1


def _pool(c: KernelContext, x: Any, position: Any, reduce: Callable[[Any, Any, Any], Any]) -> Any:
    counts = [pooled_size(d, r) for d, r in zip(x.shape[1:3], c.attrs["pooling_ratio"][1:3], strict=True)]
    stream = attr_stream(c, np.uint64(0) if c.attrs["deterministic"] else np.uint64(position))
    rows, stream = _boundaries(stream, x.shape[1], counts[0], c.attrs["pseudo_random"])
    columns, _ = _boundaries(stream, x.shape[2], counts[1], c.attrs["pseudo_random"])
    spans = [_spans(b, c.attrs["overlapping"]) for b in (rows, columns)]
    return reduce(x, *spans).astype(c.out_dtype), rows, columns


def _spans(boundaries: Any, overlapping: bool) -> list[tuple[int, int]]:
    """First element and end of each window; windows that overlap take the next one's first element too."""
    ends = [int(b) for b in boundaries]
    last = ends[-1]
    more = 1 if overlapping else 0
    return [(a, min(b + more, last)) for a, b in itertools.pairwise(ends)]


@kernel("FractionalMaxPool", host=True, reserve=_reserve)
def fractional_max_pool(c: KernelContext, x: Any, position: Any) -> Any:
    def reduce(x: Any, rows: Any, columns: Any) -> Any:
        tall = np.stack([x[:, a:b].max(axis=1) for a, b in rows], axis=1)
        return np.stack([tall[:, :, a:b].max(axis=2) for a, b in columns], axis=2)

    return _pool(c, x, position, reduce)


@kernel("FractionalAvgPool", host=True, reserve=_reserve)
def fractional_avg_pool(c: KernelContext, x: Any, position: Any) -> Any:
    def reduce(x: Any, rows: Any, columns: Any) -> Any:
        tall = np.stack([x[:, a:b].sum(axis=1, dtype=x.dtype) for a, b in rows], axis=1)
        total = np.stack([tall[:, :, a:b].sum(axis=2, dtype=x.dtype) for a, b in columns], axis=2)
        sizes = _sizes(rows, columns).astype(x.dtype)
        # Whole numbers are divided towards zero.
        return total / sizes if x.dtype.kind == "f" else np.trunc(total / sizes).astype(x.dtype)

    return _pool(c, x, position, reduce)


def _sizes(rows: Any, columns: Any) -> Any:
    """Elements of each window, `(rows, columns, 1)`."""
    tall, wide = (np.array([b - a for a, b in spans]) for spans in (rows, columns))
    return (tall[:, None] * wide[None, :])[..., None]


def _members(boundaries: Any, overlapping: bool) -> tuple[Any, Any]:
    """For each window, its elements in a row as long as the longest window's, and which of the row are real."""
    spans = _spans(boundaries, overlapping)
    longest = max(b - a for a, b in spans)
    at = np.array([[min(a + i, b - 1) for i in range(longest)] for a, b in spans])
    return at, np.array([[a + i < b for i in range(longest)] for a, b in spans])


@kernel("FractionalMaxPoolGrad")
def fractional_max_pool_grad(c: KernelContext, x: Any, y: Any, grad: Any, rows: Any, columns: Any) -> Any:
    xp, overlapping = c.xp, c.attrs["overlapping"]
    (r, real_r), (s, real_s) = _members(rows, overlapping), _members(columns, overlapping)
    dx, free = xp.zeros(x.shape, grad.dtype), xp.ones(y.shape, bool)
    for i in range(r.shape[1]):
        for j in range(s.shape[1]):
            real = xp.asarray(real_r[:, i][:, None, None] & real_s[:, j][None, :, None])
            at = (slice(None), xp.asarray(r[:, i][:, None]), xp.asarray(s[:, j][None, :]))
            here = (x[at] == y) & free & real
            free = free & ~here
            dx = add_at(c, dx, at, xp.where(here, grad, grad.dtype.type(0)))
    return dx


@kernel("FractionalAvgPoolGrad")
def fractional_avg_pool_grad(c: KernelContext, shape: Any, grad: Any, rows: Any, columns: Any) -> Any:
    xp, overlapping = c.xp, c.attrs["overlapping"]
    (r, real_r), (s, real_s) = _members(rows, overlapping), _members(columns, overlapping)
    sizes = _sizes(_spans(rows, overlapping), _spans(columns, overlapping))
    share = (grad / xp.asarray(sizes.astype(np.float64))).astype(np.float64)
    dx = xp.zeros(dims_of(shape), np.float64)
    for i in range(r.shape[1]):
        for j in range(s.shape[1]):
            real = xp.asarray(real_r[:, i][:, None, None] & real_s[:, j][None, :, None])
            at = (slice(None), xp.asarray(r[:, i][:, None]), xp.asarray(s[:, j][None, :]))
            dx = add_at(c, dx, at, xp.where(real, share, 0.0))
    return dx.astype(c.out_dtype)
