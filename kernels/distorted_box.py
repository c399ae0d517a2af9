"""Random crops that keep part of an object in view, on the host; declared in `graph/ops/boxes.py`.

Every number is drawn where TensorFlow's kernel draws it, and rounded as there, so that the crops are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..graph.errors import InvalidArgumentError
from .candidate import Words
from .philox import attr_stream
from .registry import KernelContext, kernel

_F32 = np.float32


@dataclass(frozen=True)
class _Box:
    """Pixels from `top` and `left` up to, and without, `bottom` and `right`."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def area(self) -> Any:
        if self.bottom < self.top or self.right < self.left:
            return _F32(0)
        return _F32((self.bottom - self.top) * (self.right - self.left))

    def shared(self, other: _Box) -> _Box:
        return _Box(
            max(self.top, other.top),
            max(self.left, other.left),
            min(self.bottom, other.bottom),
            min(self.right, other.right),
        )


def _reserve(c: KernelContext, shape: tuple[int, ...]) -> int:
    return int(c.attrs["max_attempts"])


@kernel("SampleDistortedBoundingBox", host=True, reserve=_reserve)
def sample_box(c: KernelContext, size: Any, boxes: Any, position: Any) -> Any:
    return _sampled(c, size, boxes, c.attrs["min_object_covered"], position)


@kernel("SampleDistortedBoundingBoxV2", host=True, reserve=_reserve)
def sample_box_v2(c: KernelContext, size: Any, boxes: Any, covered: Any, position: Any) -> Any:
    return _sampled(c, size, boxes, covered, position)


def _sampled(c: KernelContext, size: Any, boxes: Any, covered: Any, position: Any) -> Any:
    height, width = int(size[0]), int(size[1])
    if height <= 0 or width <= 0:
        _fail(c, f"image_size must be positive, got {size.tolist()}")
    image = _Box(0, 0, height, width)
    targets = [_pixels(c, row, height, width) for row in boxes.reshape(-1, 4)]
    if not targets:
        if not c.attrs["use_image_if_no_bounding_boxes"]:
            _fail(c, "there are no bounding boxes; use_image_if_no_bounding_boxes takes the whole image")
        targets = [image]
    crop = _attempts(c, image, targets, _F32(covered), Words(attr_stream(c, np.uint64(position))))
    tall, wide = crop.bottom - crop.top, crop.right - crop.left
    share = np.array([crop.top / height, crop.left / width, crop.bottom / height, crop.right / width], _F32)
    dtype = c.out_dtype
    return (
        np.array([crop.top, crop.left, 0], dtype),
        np.array([tall, wide, -1], dtype),
        share.reshape(1, 1, 4),
    )


def _fail(c: KernelContext, rule: str) -> Any:
    raise InvalidArgumentError(c.node.name, f"{c.node.op} '{c.node.name}': {rule}", "", c.node.source)


def _pixels(c: KernelContext, box: Any, height: int, width: int) -> _Box:
    top, left, bottom, right = (float(v) for v in box)
    if not (0 <= top <= bottom <= 1 and 0 <= left <= right <= 1):
        _fail(c, f"bounding boxes must be ascending and within [0, 1], got {box.tolist()}")
    return _Box(
        int(_F32(top) * _F32(height)),
        int(_F32(left) * _F32(width)),
        int(_F32(bottom) * _F32(height)),
        int(_F32(right) * _F32(width)),
    )


def _attempts(c: KernelContext, image: _Box, targets: Sequence[_Box], covered: Any, words: Words) -> _Box:
    low, high = (_F32(v) for v in c.attrs["aspect_ratio_range"])
    for _ in range(c.attrs["max_attempts"]):
        ratio = _F32(words.float()) * (high - low) + low
        crop = _random_crop(image, c.attrs["area_range"], ratio, words)
        if crop is not None and _covers(crop, targets, covered):
            return crop
    return image


def _covers(crop: _Box, targets: Sequence[_Box], covered: Any) -> bool:
    """Whether the crop shows enough of one of the boxes."""
    if crop.area < 1:
        return False
    return any(t.area >= 1 and t.shared(crop).area / t.area >= covered for t in targets)


def _rounded(value: Any) -> int:
    return int(np.rint(value))


def _random_crop(image: _Box, area_range: Sequence[float], ratio: Any, words: Words) -> _Box | None:
    """A crop of that aspect ratio, of random size and place; None where rounding leaves none."""
    full_height, full_width = image.bottom, image.right
    least, most = (_F32(a) * _F32(full_width) * _F32(full_height) for a in area_range)
    height = _rounded(np.sqrt(least / ratio))
    highest = _rounded(np.sqrt(most / ratio))
    if _rounded(_F32(highest) * ratio) > full_width:
        highest = int((full_width + 0.5 - _F32(1e-7)) / float(ratio))
        if _rounded(_F32(highest) * ratio) > full_width:
            highest -= 1
    highest = min(highest, full_height)
    height = min(height, highest)
    if height < highest:
        height += words.below(highest - height + 1, 32)
    width = _rounded(_F32(height) * ratio)
    # Rounding may miss the bounds by little; one row more, or one less, may still do.
    if _F32(width * height) < least:
        height += 1
        width = _rounded(_F32(height) * ratio)
    if _F32(width * height) > most:
        height -= 1
        width = _rounded(_F32(height) * ratio)
    area = _F32(width * height)
    if not (least <= area <= most and 0 < width <= full_width and 0 < height <= full_height):
        return None
    top = words.below(full_height - height, 32) if height < full_height else 0
    left = words.below(full_width - width, 32) if width < full_width else 0
    return _Box(top, left, top + height, left + width)
