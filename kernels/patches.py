"""The windows of a channels-last array as rows of matrices (im2col), for BLAS to multiply.

The matrix of all windows is many times as large as the array, so it is made a part at a time, in a buffer that
stays in the processor's cache; copying then costs little beside the product. A window is copied in runs, as long
as elements lie next to each other in memory (a row of the window, all channels); where there are so few channels
that such runs are short, the matrix is made transposed, with rows of windows as runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

from ..graph.ops.windows import Geometry

__all__ = ["patch_chunks"]

_CHUNK_BYTES = {"numpy": 2_500_000, "cupy": 1 << 28}
"""Size of the buffer: about a second-level cache; on a GPU, what keeps its cores busy."""


def patch_chunks(xp: Any, x: Any, g: Geometry) -> Iterator[tuple[slice, Any]]:
    """Parts of the matrix with one row per window, elements in the order of the filter's.

    Args:
        xp: `numpy` or `cupy`.
        x: `(batch, *sizes, channels)`.
        g: the windows.

    Yields:
        (rows, part): the part is only good until the next one is asked for.
    """
    channels = x.shape[-1]
    if prod(g.ksizes) == 1 and not any(b or a for b, a in g.pads):
        steps = tuple(slice(0, (o - 1) * s + 1, s) for o, s in zip(g.outputs, g.strides, strict=True))
        yield slice(None), xp.ascontiguousarray(x[(slice(None), *steps)]).reshape(-1, channels)
        return
    limit = _CHUNK_BYTES["numpy" if xp.__name__ == "numpy" else "cupy"]
    run = channels * (g.ksizes[-1] if g.dilations[-1] == 1 else 1)
    planar = g.strides[-1] == 1 and 2 * run < g.outputs[-1]
    yield from (_planar if planar else _rowwise)(xp, x, g, limit)


def _blocks(g: Geometry, batch: int, image_bytes: int, limit: int) -> Iterator[tuple[int, int, int, int]]:
    """Whole images, or rows of windows of one image: (first image, end, first row, end)."""
    rows = g.outputs[0]
    if image_bytes <= limit:
        images = max(1, limit // max(image_bytes, 1))
        for n in range(0, batch, images):
            yield n, min(n + images, batch), 0, rows
        return
    step = max(1, rows * limit // image_bytes)
    for n in range(batch):
        for r in range(0, rows, step):
            yield n, n + 1, r, min(r + step, rows)


def _chunks(
    xp: Any, x: Any, g: Geometry, limit: int
) -> Iterator[tuple[slice, int, int, int, tuple[int, ...], Any]]:
    """For each part: its rows, images in the padded buffer, first and last row of windows, shape, memory."""
    width, windows = prod(g.ksizes) * x.shape[-1], prod(g.outputs)
    per_row = windows // max(g.outputs[0], 1)
    memory: Any = None
    for n, n_end, r, r_end in _blocks(g, x.shape[0], windows * width * x.dtype.itemsize, limit):
        images, shape = n_end - n, (r_end - r, *g.outputs[1:])
        start = n * windows + r * per_row
        count = images * (r_end - r) * per_row
        if memory is None or memory.size < count * width:
            memory = xp.empty(count * width, x.dtype)
        yield slice(start, start + count), n, n_end, r, shape, memory[: count * width]


def _rowwise(xp: Any, x: Any, g: Geometry, limit: int) -> Iterator[tuple[slice, Any]]:
    rank = len(g.sizes)
    padded = _PaddedImages(xp, x, g)
    for rows, n, n_end, r, shape, memory in _chunks(xp, x, g, limit):
        part = padded.get(n, n_end)
        strides = part.strides
        view = xp.lib.stride_tricks.as_strided(
            part[:, r * g.strides[0] :],
            (n_end - n, *shape, *g.ksizes, x.shape[-1]),
            (
                strides[0],
                *(strides[i + 1] * g.strides[i] for i in range(rank)),
                *(strides[i + 1] * g.dilations[i] for i in range(rank)),
                strides[-1],
            ),
        )
        columns = memory.reshape(view.shape)
        xp.copyto(columns, view)
        yield rows, columns.reshape(rows.stop - rows.start, -1)


def _planar(xp: Any, x: Any, g: Geometry, limit: int) -> Iterator[tuple[slice, Any]]:
    rank = len(g.sizes)
    padded = _PaddedImages(xp, x, g, planar=True)
    for rows, n, n_end, r, shape, memory in _chunks(xp, x, g, limit):
        part = padded.get(n, n_end)
        strides = part.strides
        view = xp.lib.stride_tricks.as_strided(
            part[:, :, r * g.strides[0] :],
            (*g.ksizes, x.shape[-1], n_end - n, *shape),
            (
                *(strides[i + 2] * g.dilations[i] for i in range(rank)),
                strides[0],
                strides[1],
                *(strides[i + 2] * g.strides[i] for i in range(rank)),
            ),
        )
        columns = memory.reshape(view.shape)
        xp.copyto(columns, view)
        yield rows, columns.reshape(-1, rows.stop - rows.start).T


class _PaddedImages:
    """Some images at a time with their padding, in one buffer whose border is cleared once.

    Negative padding cuts. A planar buffer has the channels first: `(channels, images, *sizes)`.
    """

    def __init__(self, xp: Any, x: Any, g: Geometry, planar: bool = False) -> None:
        cut = tuple(
            slice(max(-b, 0), size - max(-a, 0)) for size, (b, a) in zip(g.sizes, g.pads, strict=True)
        )
        self._x = x[(slice(None), *cut)]
        self._pads = [(max(b, 0), max(a, 0)) for b, a in g.pads]
        if planar:
            self._x = xp.moveaxis(self._x, -1, 0)
        self._xp = xp
        self._planar = planar
        self._bare = not any(b or a for b, a in self._pads) and (not planar or x.shape[-1] == 1)
        self._held: tuple[int, int] | None = None
        self._buffer: Any = None

    def get(self, n: int, n_end: int) -> Any:
        """Images `n` to `n_end`."""
        images = slice(n, n_end)
        source = self._x[:, images] if self._planar else self._x[images]
        if self._bare or self._held == (n, n_end):
            return source if self._bare else self._view(n_end - n)
        if self._buffer is None:
            self._buffer = self._xp.zeros(self._shape(n_end - n), self._x.dtype)
        inside = tuple(slice(b, -a or None) for b, a in self._pads)
        view = self._view(n_end - n)
        view[(slice(None), slice(None), *inside) if self._planar else (slice(None), *inside)] = source
        self._held = (n, n_end)
        return view

    def _view(self, images: int) -> Any:
        return self._buffer[:, :images] if self._planar else self._buffer[:images]

    def _shape(self, images: int) -> tuple[int, ...]:
        spatial = self._x.shape[2:] if self._planar else self._x.shape[1:-1]
        grown = tuple(s + b + a for s, (b, a) in zip(spatial, self._pads, strict=True))
        if self._planar:
            return (self._x.shape[0], images, *grown)
        return (images, *grown, self._x.shape[-1])
