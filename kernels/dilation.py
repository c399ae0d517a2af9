"""Greyscale dilation, one position of the window at a time; declared in `graph/ops/dilation.py`.

Written without changing arrays in place, so that it runs under a compiler too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..graph.ops.dilation import dilation_attrs
from ..graph.ops.windows import Geometry
from .registry import KernelContext, kernel
from .windows import tap_slices, taps


def _geometry(c: KernelContext, x: Any, w: Any) -> Geometry:
    return Geometry.of(dilation_attrs(c.attrs), x.shape[1:-1], w.shape[:2], "NHWC")


def _inside(g: Geometry, tap: tuple[int, ...]) -> Any:
    """Which windows have an element of the input at that position, `(rows, columns, 1)`."""
    along = []
    for t, s, d, (before, _), size, o in zip(
        tap, g.strides, g.dilations, g.pads, g.sizes, g.outputs, strict=True
    ):
        at = np.arange(o) * s + t * d - before
        along.append((at >= 0) & (at < size))
    return along[0][:, None, None] & along[1][None, :, None]


def _candidates(c: KernelContext, x: Any, w: Any, g: Geometry) -> Iterator[tuple[tuple[int, ...], Any]]:
    xp = c.xp
    padded = xp.pad(x, ((0, 0), *g.pads, (0, 0)))
    low = np.iinfo(x.dtype).min if x.dtype.kind in "iu" else -np.inf
    for tap in taps(g.ksizes):
        value = padded[tap_slices(g, tap)] + w[tap]
        yield tap, xp.where(xp.asarray(_inside(g, tap)), value, xp.asarray(low, x.dtype))


def _best(c: KernelContext, x: Any, w: Any, g: Geometry) -> tuple[Any, Any]:
    """The greatest candidate of each window, and the number of the first position that has it."""
    best: Any = None
    where: Any = None
    for number, (_, value) in enumerate(_candidates(c, x, w, g)):
        if best is None:
            best, where = value, c.xp.zeros(value.shape, np.int32)
        else:
            where = c.xp.where(value > best, np.int32(number), where)
            best = c.xp.maximum(best, value)
    return best, where


@kernel("Dilation2D")
def dilation2d(c: KernelContext, x: Any, w: Any) -> Any:
    best, _ = _best(c, x, w, _geometry(c, x, w))
    return best.astype(c.out_dtype)


@kernel("Dilation2DBackpropFilter")
def backprop_filter(c: KernelContext, x: Any, w: Any, grad: Any) -> Any:
    xp = c.xp
    _, where = _best(c, x, w, _geometry(c, x, w))
    sums = [
        xp.sum(xp.where(where == n, grad, grad.dtype.type(0)), axis=(0, 1, 2), dtype=grad.dtype)
        for n in range(w.shape[0] * w.shape[1])
    ]
    return xp.stack(sums).reshape(w.shape)


@kernel("Dilation2DBackpropInput")
def backprop_input(c: KernelContext, x: Any, w: Any, grad: Any) -> Any:
    xp = c.xp
    g = _geometry(c, x, w)
    _, where = _best(c, x, w, g)
    rows, columns = (s + b + a for s, (b, a) in zip(g.sizes, g.pads, strict=True))
    total: Any = xp.zeros((x.shape[0], rows, columns, x.shape[-1]), grad.dtype)
    for number, tap in enumerate(taps(g.ksizes)):
        term = xp.where(where == number, grad, grad.dtype.type(0))
        at = tap_slices(g, tap)
        if c.backend == "jax":
            total = total.at[at].add(term)
        else:
            total[at] += term
    inner = tuple(slice(b, b + s) for s, (b, _) in zip(g.sizes, g.pads, strict=True))
    return total[(slice(None), *inner)]
