"""Boxes cut out of images; declared in `graph/ops/crop_resize.py`. Nothing is changed in place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..graph.errors import InvalidArgumentError
from .pool_argmax import add_at
from .registry import KernelContext, kernel
from .shaping import dims_of

_F32 = np.float32


@dataclass(frozen=True)
class _Along:
    """Where the pixels of each crop lie along one dimension of the image, arrays `(boxes, out)`.

    Attributes:
        inside: whether a pixel lies within the image.
        low, high: rows (or columns) around it; the nearest one twice for that method.
        share: weight of `high`.
        by_start, by_end: derivative of the place by the box's start and end.
    """

    inside: Any
    low: Any
    high: Any
    share: Any
    by_start: Any
    by_end: Any


def _along(xp: Any, start: Any, end: Any, size: int, out: int, nearest: bool) -> _Along:
    start, end = start[:, None], end[:, None]
    last = _F32(size - 1)
    if out > 1:
        step = (end - start) * last / _F32(out - 1)
        at = start * last + xp.arange(out, dtype=np.float32)[None, :] * step
        ratio = np.arange(out, dtype=np.float32) * (last / _F32(out - 1))
        by_start, by_end = last - ratio, ratio
    else:
        at = _F32(0.5) * (start + end) * last
        by_start = by_end = np.full(1, _F32(0.5) * last)
    inside = (at >= 0) & (at <= last)
    safe = xp.clip(at, 0, last)
    if nearest:
        low = high = xp.floor(safe + _F32(0.5)).astype(np.int64)
        share = xp.zeros_like(safe)
    else:
        low, high = xp.floor(safe).astype(np.int64), xp.ceil(safe).astype(np.int64)
        share = safe - xp.floor(safe)
    return _Along(inside, low, high, share, xp.asarray(by_start), xp.asarray(by_end))


def _both(
    c: KernelContext, boxes: Any, sizes: tuple[int, int], out: tuple[int, int]
) -> tuple[_Along, _Along]:
    nearest = c.attrs["method"] == "nearest"
    rows = _along(c.xp, boxes[:, 0], boxes[:, 2], sizes[0], out[0], nearest)
    columns = _along(c.xp, boxes[:, 1], boxes[:, 3], sizes[1], out[1], nearest)
    return rows, columns


def _check(c: KernelContext, numbers: Any, batch: int) -> None:
    """Fails where a box is of an image that does not exist; a compiled kernel takes the nearest one."""
    if c.backend != "numpy" or not numbers.size or (numbers.min() >= 0 and numbers.max() < batch):
        return
    wrong = numbers[(numbers < 0) | (numbers >= batch)][0]
    raise InvalidArgumentError(
        c.node.name,
        f"{c.node.op} '{c.node.name}': box_ind must be in [0, {batch}), got {wrong}",
        "",
        c.node.source,
    )


def _corners(rows: _Along, columns: _Along) -> list[tuple[Any, Any]]:
    """Row and column numbers of the four pixels around each, `(boxes, rows, columns)` when broadcast."""
    return [
        (r[:, :, None], s[:, None, :]) for r in (rows.low, rows.high) for s in (columns.low, columns.high)
    ]


def _weights(rows: _Along, columns: _Along) -> list[Any]:
    """Their weights, `(boxes, rows, columns, 1)`."""
    y, x = rows.share[:, :, None, None], columns.share[:, None, :, None]
    one = _F32(1)
    return [(one - y) * (one - x), (one - y) * x, y * (one - x), y * x]


def _inside(rows: _Along, columns: _Along) -> Any:
    return rows.inside[:, :, None, None] & columns.inside[:, None, :, None]


@kernel("CropAndResize")
def crop_and_resize(c: KernelContext, image: Any, boxes: Any, numbers: Any, size: Any) -> Any:
    xp = c.xp
    _check(c, numbers, image.shape[0])
    rows, columns = _both(c, boxes, image.shape[1:3], dims_of(size))
    which = numbers[:, None, None]
    tl, tr, bl, br = (image[(which, r, s)].astype(np.float32) for r, s in _corners(rows, columns))
    x, y = columns.share[:, None, :, None], rows.share[:, :, None, None]
    top, bottom = tl + (tr - tl) * x, bl + (br - bl) * x
    outside = _F32(c.attrs["extrapolation_value"])
    return xp.where(_inside(rows, columns), top + (bottom - top) * y, outside)


@kernel("CropAndResizeGradImage")
def grad_image(c: KernelContext, grads: Any, boxes: Any, numbers: Any, size: Any) -> Any:
    xp, dims = c.xp, dims_of(size)
    _check(c, numbers, dims[0])
    rows, columns = _both(c, boxes, dims[1:3], grads.shape[1:3])
    kept = xp.where(_inside(rows, columns), grads, _F32(0))
    wide = np.float64 if c.out_dtype == np.float64 else np.float32
    total = xp.zeros(dims, wide)
    which = numbers[:, None, None]
    for (r, s), weight in zip(_corners(rows, columns), _weights(rows, columns), strict=True):
        total = add_at(c, total, (which, r, s), (kept * weight).astype(wide))
    return total.astype(c.out_dtype)


@kernel("CropAndResizeGradBoxes")
def grad_boxes(c: KernelContext, grads: Any, image: Any, boxes: Any, numbers: Any) -> Any:
    xp = c.xp
    _check(c, numbers, image.shape[0])
    rows, columns = _both(c, boxes, image.shape[1:3], grads.shape[1:3])
    which = numbers[:, None, None]
    tl, tr, bl, br = (image[(which, r, s)].astype(np.float32) for r, s in _corners(rows, columns))
    x, y = columns.share[:, None, :, None], rows.share[:, :, None, None]
    kept = xp.where(_inside(rows, columns), grads, _F32(0))
    by_y = xp.sum(kept * ((_F32(1) - x) * (bl - tl) + x * (br - tr)), axis=3)
    by_x = xp.sum(kept * ((_F32(1) - y) * (tr - tl) + y * (br - bl)), axis=3)

    def total(slope: Any, weights: Any) -> Any:
        return xp.sum(slope * weights, axis=(1, 2))

    return xp.stack(
        [
            total(by_y, rows.by_start[None, :, None]),
            total(by_x, columns.by_start[None, None, :]),
            total(by_y, rows.by_end[None, :, None]),
            total(by_x, columns.by_end[None, None, :]),
        ],
        axis=1,
    ).astype(c.out_dtype)
