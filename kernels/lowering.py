"""Windows along the width alone: a convolution's patches without copying each element for every row of the window.

An image is copied once for each column of the window, its rows innermost, so that the rows that one window spans
lie next to each other. A row of outputs is then a product with a slice of that, and BLAS reads the overlaps in place.

Source:
    Cho and Brand, "MEC: Memory-efficient Convolution for Deep Neural Network", 2017.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..graph.ops.windows import Geometry
from .windows import pad_spatial

__all__ = ["lowered", "suits"]

_CHUNK_BYTES = 3_000_000
"""Size of what is copied at once."""

_LEAST_ROWS = 3
"""Rows of a window from which copying less is worth several smaller products."""

_LEAST_PRODUCT = 192
"""Rows of a product's left matrix from which BLAS is about as fast as on all windows at once."""

_LEAST_RUN = 64
"""Elements that must lie next to each other, for the copy not to go element by element."""


def suits(xp: Any, g: Geometry, images: int, channels: int) -> bool:
    """Whether this is the way to take the windows of so many images with so many channels."""
    return (
        xp is np
        and len(g.sizes) == 2
        and g.ksizes[0] >= _LEAST_ROWS
        and g.strides[0] < g.ksizes[0]
        and g.dilations == (1, 1)
        and channels * g.ksizes[1] >= _LEAST_RUN
        and images * g.outputs[1] >= _LEAST_PRODUCT
        and all(b >= 0 and a >= 0 for b, a in g.pads)
    )


def lowered(x: Any, g: Geometry) -> Iterator[tuple[slice, list[Any]]]:
    """Some images at a time, and for each row of windows the matrix `(images * columns, window)`.

    Args:
        x: `(batch, height, width, channels)`.
        g: the windows.

    Yields:
        (images, matrices): good until the next ones are asked for.
    """
    batch, channels = x.shape[0], x.shape[-1]
    height = g.sizes[0] + sum(g.pads[0])
    columns, run = g.outputs[1], g.ksizes[1] * channels
    images = max(1, min(batch, _CHUNK_BYTES // max(columns * height * run * x.itemsize, 1)))
    memory = np.empty((images, columns, height, run), x.dtype)
    for start in range(0, batch, images):
        part = slice(start, min(start + images, batch))
        padded = pad_spatial(np, x[part], g.pads)
        strides = padded.strides
        view = np.lib.stride_tricks.as_strided(
            padded,
            (part.stop - part.start, columns, height, g.ksizes[1], channels),
            (strides[0], strides[2] * g.strides[1], strides[1], strides[2], strides[3]),
        )
        copied = memory[: part.stop - part.start]
        np.copyto(copied.reshape(view.shape), view)
        flat = copied.reshape(-1, height * run)
        step, width = g.strides[0] * run, g.ksizes[0] * run
        yield part, [flat[:, r * step : r * step + width] for r in range(g.outputs[0])]
