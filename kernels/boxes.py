"""Bounding boxes, on the host; declared in `graph/ops/boxes.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph.errors import InvalidArgumentError
from .registry import KernelContext, kernel

_F32 = np.float32
_COLORS = np.array(
    [
        [1, 1, 0, 1],
        [0, 0, 1, 1],
        [1, 0, 0, 1],
        [0, 1, 0, 1],
        [0.5, 0, 0.5, 1],
        [0.5, 0.5, 0, 1],
        [0.5, 0, 0, 1],
        [0, 0, 0.5, 1],
        [0, 1, 1, 1],
        [1, 0, 1, 1],
    ],
    np.float32,
)
"""Yellow, blue, red, lime, purple, olive, maroon, navy, aqua, fuchsia, with full opacity."""


def _fail(c: KernelContext, rule: str) -> Any:
    raise InvalidArgumentError(c.node.name, f"{c.node.op} '{c.node.name}': {rule}", "", c.node.source)


@kernel("DrawBoundingBoxes", host=True)
def draw_boxes(c: KernelContext, images: Any, boxes: Any) -> Any:
    return _drawn(images, boxes, _COLORS)


@kernel("DrawBoundingBoxesV2", host=True)
def draw_boxes_v2(c: KernelContext, images: Any, boxes: Any, colors: Any) -> Any:
    if not colors.size:
        return _drawn(images, boxes, _COLORS)
    if colors.shape[1] < images.shape[3]:
        _fail(c, f"colors of {colors.shape[1]} channels are too short for images of {images.shape[3]}")
    return _drawn(images, boxes, colors)


def _drawn(images: Any, boxes: Any, colors: Any) -> Any:
    out = images.copy()
    _, height, width, depth = images.shape
    if depth == 1:
        colors = colors.copy()
        colors[:, 0] = 1
    scale = np.array([height - 1, width - 1] * 2, np.float32)
    # Towards zero, as C converts.
    pixels = np.trunc(boxes * scale).astype(np.int64)
    for image, rows in zip(out, pixels, strict=True):
        for number, (top, left, bottom, right) in enumerate(rows.tolist()):
            if bottom < top or right < left or top >= height or bottom < 0 or left >= width or right < 0:
                continue
            color = colors[number % len(colors)][:depth]
            _outline(image, top, left, bottom, right, color)
    return out


def _outline(image: Any, top: int, left: int, bottom: int, right: int, color: Any) -> None:
    """Paints the sides that lie within the image."""
    height, width = image.shape[:2]
    rows = slice(max(top, 0), min(bottom, height - 1) + 1)
    columns = slice(max(left, 0), min(right, width - 1) + 1)
    if top >= 0:
        image[top, columns] = color
    if bottom < height:
        image[bottom, columns] = color
    if left >= 0:
        image[rows, left] = color
    if right < width:
        image[rows, right] = color


def overlap(box: Any, others: Any) -> Any:
    """Intersection over union of a box with others, corners in any order."""
    low, high = np.minimum(box[:2], box[2:]), np.maximum(box[:2], box[2:])
    lows, highs = np.minimum(others[:, :2], others[:, 2:]), np.maximum(others[:, :2], others[:, 2:])
    area, areas = np.prod(high - low), np.prod(highs - lows, axis=1)
    sides = np.maximum(np.minimum(high, highs) - np.maximum(low, lows), 0)
    shared = sides[:, 0] * sides[:, 1]
    union = np.maximum(area + areas - shared, np.finfo(np.float32).tiny)
    return np.where((area <= 0) | (areas <= 0), _F32(0), shared / union)


def chosen(scores: Any, limit: int, threshold: float, score_threshold: float, overlaps: Any) -> list[int]:
    """Numbers of the boxes of highest scores, without those that overlap with one chosen before.

    Args:
        scores: one per box.
        limit: how many to choose at most.
        threshold: overlaps up to this are allowed.
        score_threshold: only higher scores count.
        overlaps: from a box's number and those of others to how much they overlap.
    """
    order = np.argsort(-scores, kind="stable")
    left = order[scores[order] > score_threshold]
    found: list[int] = []
    while len(left) and len(found) < limit:
        best = int(left[0])
        found.append(best)
        left = left[1:]
        left = left[~(overlaps(best, left) > threshold)]
    return found


def _by_boxes(boxes: Any) -> Any:
    wide = boxes.astype(np.float32)
    return lambda best, others: overlap(wide[best], wide[others])


def _checked_threshold(c: KernelContext, value: Any) -> float:
    if not 0 <= value <= 1:
        _fail(c, f"iou_threshold must be in [0, 1], got {value}")
    return float(value)


def _select(c: KernelContext, boxes: Any, scores: Any, limit: Any, iou: Any, low: Any = -np.inf) -> Any:
    threshold = _checked_threshold(c, iou)
    return np.array(
        chosen(scores.astype(np.float32), int(limit), threshold, float(low), _by_boxes(boxes)), np.int32
    )


@kernel("NonMaxSuppression", host=True)
def nms(c: KernelContext, boxes: Any, scores: Any, limit: Any) -> Any:
    return _select(c, boxes, scores, limit, c.attrs["iou_threshold"])


@kernel("NonMaxSuppressionV2", host=True)
def nms_v2(c: KernelContext, boxes: Any, scores: Any, limit: Any, iou: Any) -> Any:
    return _select(c, boxes, scores, limit, iou)


@kernel("NonMaxSuppressionV3", host=True)
def nms_v3(c: KernelContext, boxes: Any, scores: Any, limit: Any, iou: Any, low: Any) -> Any:
    return _select(c, boxes, scores, limit, iou, low)


def _filled_up(values: Any, limit: Any) -> Any:
    return np.concatenate([values, np.zeros(int(limit) - len(values), values.dtype)])


@kernel("NonMaxSuppressionV4", host=True)
def nms_v4(c: KernelContext, boxes: Any, scores: Any, limit: Any, iou: Any, low: Any) -> Any:
    found = _select(c, boxes, scores, limit, iou, low)
    count = np.int32(len(found))
    return (_filled_up(found, limit) if c.attrs["pad_to_max_output_size"] else found), np.array(count)


@kernel("NonMaxSuppressionV5", host=True)
def nms_v5(c: KernelContext, boxes: Any, scores: Any, limit: Any, iou: Any, low: Any, sigma: Any) -> Any:
    _checked_threshold(c, iou)
    if sigma < 0:
        _fail(c, f"soft_nms_sigma must not be negative, got {sigma}")
    if sigma == 0:
        found = _select(c, boxes, scores, limit, iou, low)
        kept = scores[found]
    else:
        numbers, kept = _softly_chosen(boxes, scores, int(limit), float(low), float(sigma))
        found, kept = np.array(numbers, np.int32), np.array(kept, scores.dtype)
    count = np.array(len(found), np.int32)
    if c.attrs["pad_to_max_output_size"]:
        found, kept = _filled_up(found, limit), _filled_up(kept, limit)
    return found, kept, count


def _softly_chosen(
    boxes: Any, scores: Any, limit: int, low: float, sigma: float
) -> tuple[list[int], list[Any]]:
    """Boxes whose scores fall with how much they overlap with better ones.

    Source:
        Bodla et al. 2017, https://arxiv.org/abs/1704.04503.
    """
    overlaps = _by_boxes(boxes)
    left = scores.astype(np.float32).copy()
    alive = left > low
    found: list[int] = []
    kept: list[Any] = []
    while alive.any() and len(found) < limit:
        best = int(np.argmax(np.where(alive, left, -np.inf)))
        found.append(best)
        kept.append(left[best])
        alive[best] = False
        others = np.flatnonzero(alive)
        share = overlaps(best, others).astype(np.float32)
        factor = np.exp(_F32(-0.5 / sigma) * share * share)
        left[others] *= factor
        alive &= left > low
    return found, kept


@kernel("NonMaxSuppressionWithOverlaps", host=True)
def nms_with_overlaps(c: KernelContext, overlaps: Any, scores: Any, limit: Any, most: Any, low: Any) -> Any:
    found = chosen(scores, int(limit), float(most), float(low), lambda best, others: overlaps[best, others])
    return np.array(found, np.int32)


@kernel("CombinedNonMaxSuppression", host=True)
def combined_nms(
    c: KernelContext, boxes: Any, scores: Any, per_class: Any, total: Any, iou: Any, low: Any
) -> Any:
    threshold = _checked_threshold(c, iou)
    batch, _, classes = scores.shape
    size = int(total)
    if c.attrs["pad_per_class"]:
        size = min(size, int(per_class) * classes)
    out = [np.zeros((batch, size, 4), np.float32), *(np.zeros((batch, size), np.float32) for _ in range(2))]
    counts = np.zeros(batch, np.int32)
    for n in range(batch):
        rows = []
        for k in range(classes):
            own = boxes[n, :, k if boxes.shape[2] > 1 else 0]
            found = chosen(scores[n, :, k], int(per_class), threshold, float(low), _by_boxes(own))
            rows += [(float(scores[n, i, k]), k, own[i]) for i in found]
        rows.sort(key=lambda row: -row[0])
        rows = rows[:size]
        counts[n] = len(rows)
        for i, (score, label, box) in enumerate(rows):
            out[0][n, i] = np.clip(box, 0, 1) if c.attrs["clip_boxes"] else box
            out[1][n, i], out[2][n, i] = score, label
    return *out, counts
