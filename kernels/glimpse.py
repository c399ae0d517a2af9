"""Windows into images; declared in `graph/ops/glimpse.py`.

TensorFlow's noise is other noise in every run. Here it comes from a stream as all random numbers do, so that it does
not depend on where the op runs; noise that no one can predict serves as well.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .array import dims_of
from .philox import Stream, normals, uniforms
from .random import elements, reserve_outputs
from .registry import KernelContext, kernel


@kernel("ExtractGlimpse", "ExtractGlimpseV2", reserve=reserve_outputs)
def extract_glimpse(c: KernelContext, images: Any, size: Any, offsets: Any, position: Any) -> Any:
    xp = c.xp
    sides = dims_of(size)
    rows, row_inside = _places(c, offsets[:, 0], sides[0], images.shape[1])
    columns, column_inside = _places(c, offsets[:, 1], sides[1], images.shape[2])
    numbers = xp.arange(images.shape[0])[:, None, None]
    window = images[numbers, rows[:, :, None], columns[:, None, :]]
    inside = (row_inside[:, :, None] & column_inside[:, None, :])[..., None]
    return xp.where(inside, window, _noise(c, images, window.shape, position)).astype(np.float32)


def _places(c: KernelContext, offsets: Any, side: int, length: int) -> tuple[Any, Any]:
    """For each image the pixels of its window along an axis, and which of them exist."""
    xp, half = c.xp, np.float32(0.5)
    first_version = c.node.op == "ExtractGlimpse"
    normalized, centered = c.attrs["normalized"], c.attrs["centered"]
    at = offsets * np.float32(length) if normalized else offsets
    if centered:
        # The first version takes halves of distances in pixels too.
        at = at * half if normalized or first_version else at
        at = at + np.float32(length) * half
    if first_version or (normalized and centered):
        at = at - np.float32(side) * half
    first = xp.trunc(at).astype(np.int32)
    places = first[:, None] + xp.arange(side, dtype=np.int32)
    return xp.clip(places, 0, max(length - 1, 0)), (places >= 0) & (places < length)


def _noise(c: KernelContext, images: Any, shape: tuple[int, ...], position: Any) -> Any:
    xp = c.xp
    kind = "uniform" if c.attrs["uniform_noise"] else c.attrs["noise"]
    if kind == "zero":
        return xp.zeros((), np.float32)
    stream = Stream(xp, (0, 0), (0, 0), position)
    if kind == "uniform":
        low = xp.min(images, axis=(1, 2, 3), keepdims=True)
        spread = xp.max(images, axis=(1, 2, 3), keepdims=True) - low
        return uniforms(stream, elements(shape), np.float32).reshape(shape) * spread + low
    mean = xp.mean(images, axis=(1, 2), keepdims=True)
    deviation = xp.sqrt(xp.mean(xp.square(images - mean), axis=(1, 2), keepdims=True))
    drawn = normals(stream, elements(shape), np.float32).reshape(shape) * deviation + mean
    low, high = (edge(images, axis=(1, 2), keepdims=True) for edge in (xp.min, xp.max))
    return xp.clip(drawn, low, high)
