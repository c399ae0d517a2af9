"""Max pooling with positions; declared in `graph/ops/pool_argmax.py`. Nothing is changed in place."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph.ops.windows import Geometry
from .pool import lowest
from .registry import KernelContext, kernel
from .windows import geometry_of, tap_slices, taps

__all__ = ["add_at"]


def add_at(c: KernelContext, target: Any, index: Any, values: Any) -> Any:
    """`target`, which the kernel made itself, with `values` added where `index` says, repeats and all."""
    if c.backend == "jax":
        return target.at[index].add(values)
    c.xp.add.at(target, index, values)
    return target


def _positions(shape: tuple[int, ...], g: Geometry, tap: tuple[int, ...]) -> Any:
    """Number, among an image's elements, of the element at that position of each window."""
    rows, columns = (
        np.arange(o) * s + t - before
        for o, s, t, (before, _) in zip(g.outputs, g.strides, tap, g.pads, strict=True)
    )
    cells = rows[:, None] * shape[2] + columns[None, :]
    return cells[:, :, None] * shape[3] + np.arange(shape[3])


@kernel("MaxPoolWithArgmax")
def max_pool_with_argmax(c: KernelContext, x: Any) -> Any:
    xp = c.xp
    g = geometry_of(c.attrs, x.shape[1:-1])
    padded = xp.pad(x, ((0, 0), *g.pads, (0, 0)), constant_values=lowest(x.dtype))
    best: Any = None
    where: Any = None
    for tap in taps(g.ksizes):
        value = padded[tap_slices(g, tap)]
        number = xp.asarray(_positions(x.shape, g, tap).astype(np.int64))
        if best is None:
            best, where = value, xp.broadcast_to(number, value.shape)
        else:
            # A first position in the padding gives way to the first real one.
            better = (value > best) | ((value == best) & (where < 0))
            best, where = xp.where(better, value, best), xp.where(better, number, where)
    if c.attrs["include_batch_in_index"]:
        where = where + _image_starts(xp, x.shape)
    return best.astype(c.out_dtype), where.astype(c.out_types[1].np)


def _image_starts(xp: Any, shape: tuple[int, ...]) -> Any:
    per_image = shape[1] * shape[2] * shape[3]
    return (xp.arange(shape[0], dtype=np.int64) * per_image)[:, None, None, None]


def _numbers(c: KernelContext, shape: tuple[int, ...], argmax: Any) -> Any:
    """`argmax` as numbers among the batch's elements."""
    numbers = argmax.astype(np.int64)
    return numbers if c.attrs["include_batch_in_index"] else numbers + _image_starts(c.xp, shape)


@kernel("MaxPoolGradWithArgmax")
def max_pool_grad_with_argmax(c: KernelContext, x: Any, grad: Any, argmax: Any) -> Any:
    flat = c.xp.zeros(x.size, grad.dtype)
    numbers = _numbers(c, x.shape, argmax).reshape(-1)
    return add_at(c, flat, numbers, grad.reshape(-1)).reshape(x.shape)


@kernel("MaxPoolGradGradWithArgmax")
def max_pool_grad_grad_with_argmax(c: KernelContext, x: Any, grad: Any, argmax: Any) -> Any:
    if not x.size:
        return c.xp.zeros(argmax.shape, grad.dtype)
    return c.xp.take(grad.reshape(-1), _numbers(c, x.shape, argmax))
