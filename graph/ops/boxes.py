"""Bounding boxes: drawn, chosen among, sampled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..infer import CostContext, InferContext, per_element
from ..opdef import PURE, RANDOM, Cost, NoGradient, OpDecl, declare
from ..samples import floats, sample
from ..shapes import TensorShape

__all__ = [
    "CombinedNonMaxSuppression",
    "DrawBoundingBoxes",
    "DrawBoundingBoxesV2",
    "NonMaxSuppression",
    "NonMaxSuppressionV2",
    "NonMaxSuppressionV3",
    "NonMaxSuppressionV4",
    "NonMaxSuppressionV5",
    "NonMaxSuppressionWithOverlaps",
    "SampleDistortedBoundingBox",
    "SampleDistortedBoundingBoxV2",
]

_CHOOSES = NoGradient("it chooses boxes")


def _draw_infer(c: InferContext) -> Sequence[TensorShape]:
    images, boxes = c.rank("images", 4), c.rank("boxes", 3)
    c.merge(TensorShape([images[0], None, 4]), boxes, "boxes must be of shape (batch, number, 4)")
    if "colors" in {a.name for a in c.decl.inputs}:
        c.rank("colors", 2)
    return [images]


_DRAWN = np.array(
    [
        [[0.1, 0.2, 0.7, 0.9], [-0.2, 0.3, 0.5, 1.2], [0.4, 0.4, 0.4, 0.4]],
        [[0.0, 0.0, 1.0, 1.0], [0.9, 0.1, 0.2, 0.5], [2.0, 0.0, 3.0, 1.0]],
    ],
    np.float32,
)

DrawBoundingBoxes = declare(
    "DrawBoundingBoxes",
    inputs="images: T, boxes: float",
    outputs="output: T",
    attrs="T: {float, half} = DT_FLOAT",
    infer=_draw_infer,
    gradient=NoGradient("it paints over pixels", zero=False),
    cost=per_element(),
    state=PURE,
    samples=lambda: [
        sample(floats(2, 9, 11, 3), _DRAWN, grad=()),
        sample(floats(2, 9, 11, 1), _DRAWN, grad=()),
        sample(floats(2, 9, 11, 4, dtype=np.float16), _DRAWN, grad=()),
    ],
    doc="Images with the outlines of boxes, in ten colours by turns.",
)

DrawBoundingBoxesV2 = declare(
    "DrawBoundingBoxesV2",
    inputs="images: T, boxes: float, colors: float",
    outputs="output: T",
    attrs="T: {float, half} = DT_FLOAT",
    infer=_draw_infer,
    gradient=NoGradient("it paints over pixels", zero=False),
    cost=per_element(),
    state=PURE,
    samples=lambda: [
        sample(floats(2, 9, 11, 3), _DRAWN, np.array([[0.5, 0.25, 0.0], [1, 0, 2]], np.float32), grad=()),
        sample(floats(2, 9, 11, 3), _DRAWN, np.zeros((0, 3), np.float32), grad=()),
    ],
    doc="Images with the outlines of boxes, in given colours by turns.",
)


def _nms_cost(c: CostContext) -> Cost:
    count = c.in_shapes[0][0] if c.in_shapes[0] else 1
    return Cost(12.0 * count * min(count, 100), c.in_bytes + c.out_bytes)


def _candidates(c: InferContext) -> None:
    boxes = c.merge(c.rank("boxes", 2), TensorShape([None, 4]), "boxes must have four columns")
    c.merge(boxes[:1], c.rank("scores", 1), "there must be one score per box")
    for arg in c.decl.inputs[2:]:
        c.rank(arg.name, 0)
    limit = c.value("max_output_size")
    if limit is not None and int(limit) < 0:
        c.fail(f"max_output_size must not be negative, got {limit}")


def _nms_infer(c: InferContext) -> Sequence[TensorShape]:
    _candidates(c)
    return [TensorShape([None])]


def _padded(c: InferContext) -> TensorShape:
    if not c.attr("pad_to_max_output_size"):
        return TensorShape([None])
    limit = c.value("max_output_size")
    return TensorShape([None if limit is None else int(limit)])


def _nms_v4_infer(c: InferContext) -> Sequence[TensorShape]:
    _candidates(c)
    return [_padded(c), TensorShape([])]


def _nms_v5_infer(c: InferContext) -> Sequence[TensorShape]:
    _candidates(c)
    return [_padded(c), _padded(c), TensorShape([])]


def some_boxes(count: int) -> Any:
    """Boxes many of which overlap."""
    corner = floats(count, 2, low=0, high=4, seed=1)
    return np.concatenate([corner, corner + floats(count, 2, low=0.5, high=3, seed=2)], axis=1).astype(
        np.float32
    )


def _nms_rows(*more: Any) -> Any:
    f32, limit = np.float32, np.int32(6)

    def rows() -> list[Any]:
        turned = some_boxes(12)[:, [2, 1, 0, 3]]
        return [
            sample(some_boxes(12), floats(12, seed=5), limit, *(f32(v) for v in more), grad=()),
            sample(turned, floats(12, seed=6), np.int32(100), *(f32(v) for v in more), grad=()),
            sample(some_boxes(0), floats(0), limit, *(f32(v) for v in more), grad=()),
            sample(some_boxes(5), np.ones(5, f32), np.int32(0), *(f32(v) for v in more), grad=()),
        ]

    return rows


def _nms(name: str, inputs: str, outputs: str, attrs: Any, infer: Any, samples: Any, doc: str) -> OpDecl:
    return declare(
        name,
        inputs=inputs,
        outputs=outputs,
        attrs=attrs,
        infer=infer,
        gradient=_CHOOSES,
        cost=_nms_cost,
        state=PURE,
        samples=samples,
        dynamic=True,
        doc=doc,
    )


_T = "T: {half, float} = DT_FLOAT"
_T_THRESHOLD = "T_threshold: {half, float} = DT_FLOAT"
_PAD = "pad_to_max_output_size: bool = false"

NonMaxSuppression = _nms(
    "NonMaxSuppression",
    "boxes: float, scores: float, max_output_size: int32",
    "selected_indices: int32",
    "iou_threshold: float = 0.5",
    _nms_infer,
    _nms_rows(),
    "The boxes of highest scores that do not overlap much with one of a higher score.",
)

NonMaxSuppressionV2 = _nms(
    "NonMaxSuppressionV2",
    "boxes: T, scores: T, max_output_size: int32, iou_threshold: T_threshold",
    "selected_indices: int32",
    (_T, _T_THRESHOLD),
    _nms_infer,
    _nms_rows(0.3),
    "NonMaxSuppression with the threshold as an input.",
)

NonMaxSuppressionV3 = _nms(
    "NonMaxSuppressionV3",
    "boxes: T, scores: T, max_output_size: int32, iou_threshold: T_threshold, score_threshold: T_threshold",
    "selected_indices: int32",
    (_T, _T_THRESHOLD),
    _nms_infer,
    _nms_rows(0.3, -0.5),
    "NonMaxSuppressionV2 that leaves low scores out.",
)

NonMaxSuppressionV4 = _nms(
    "NonMaxSuppressionV4",
    "boxes: T, scores: T, max_output_size: int32, iou_threshold: T_threshold, score_threshold: T_threshold",
    "selected_indices: int32, valid_outputs: int32",
    (_T, _T_THRESHOLD, _PAD),
    _nms_v4_infer,
    lambda: [
        *_nms_rows(0.3, -0.5)(),
        sample(
            some_boxes(9),
            floats(9),
            np.int32(8),
            np.float32(0.2),
            np.float32(0.0),
            grad=(),
            pad_to_max_output_size=True,
        ),
    ],
    "NonMaxSuppressionV3 whose result may be filled up with zeros.",
)

NonMaxSuppressionV5 = _nms(
    "NonMaxSuppressionV5",
    "boxes: T, scores: T, max_output_size: int32, iou_threshold: T, score_threshold: T, soft_nms_sigma: T",
    "selected_indices: int32, selected_scores: T, valid_outputs: int32",
    (_T, _PAD),
    _nms_v5_infer,
    lambda: [
        *_nms_rows(0.3, -0.5, 0.0)(),
        sample(
            some_boxes(12),
            floats(12, low=0, high=1),
            np.int32(10),
            np.float32(0.6),
            np.float32(0.05),
            np.float32(0.5),
            grad=(),
            pad_to_max_output_size=True,
        ),
    ],
    "NonMaxSuppressionV4 that may lower scores of overlapping boxes in the place of leaving them out.",
)


def _overlaps_infer(c: InferContext) -> Sequence[TensorShape]:
    overlaps, scores = c.rank("overlaps", 2), c.rank("scores", 1)
    c.merge(
        overlaps, TensorShape([scores[0], scores[0]]), "overlaps must be a square matrix, one row per score"
    )
    return [TensorShape([None])]


def _overlap_rows() -> list[Any]:
    raw = floats(8, 8, low=0, high=1)
    return [
        sample(
            (raw + raw.T) / 2,
            floats(8, seed=1),
            np.int32(limit),
            np.float32(0.55),
            np.float32(-1.0),
            grad=(),
        )
        for limit in (3, 20)
    ]


NonMaxSuppressionWithOverlaps = _nms(
    "NonMaxSuppressionWithOverlaps",
    "overlaps: float, scores: float, max_output_size: int32, overlap_threshold: float, score_threshold: float",
    "selected_indices: int32",
    "",
    _overlaps_infer,
    _overlap_rows,
    "NonMaxSuppression by a given matrix of overlaps.",
)


def _combined_infer(c: InferContext) -> Sequence[TensorShape]:
    boxes, scores = c.rank("boxes", 4), c.rank("scores", 3)
    if boxes[3] not in (None, 4):
        c.fail("boxes must be of shape (batch, number, classes or 1, 4)")
    if None not in (boxes[2], scores[2]) and boxes[2] not in (1, scores[2]):
        c.fail("boxes must be given once, or for each of the classes that scores has")
    batch = c.merge(boxes[:2], scores[:2], "boxes and scores must have the same batch and number")[0]
    total, per_class = c.value("max_total_size"), c.value("max_output_size_per_class")
    size = None if total is None else int(total)
    if c.attr("pad_per_class"):
        known = per_class is not None and scores[2] is not None and size is not None
        size = (
            min(size or 0, int(per_class) * int(scores[2] or 0)) if known and per_class is not None else None
        )
    return [
        TensorShape([batch, size, 4]),
        TensorShape([batch, size]),
        TensorShape([batch, size]),
        TensorShape([batch]),
    ]


def _combined_rows() -> list[Any]:
    boxes = some_boxes(10).reshape(1, 10, 1, 4) / 7
    both = np.concatenate([boxes, boxes[:, ::-1]])
    scores = floats(2, 10, 3, low=0, high=1)
    limits = (np.int32(4), np.int32(9), np.float32(0.4), np.float32(0.2))
    per_class = np.repeat(both, 3, axis=2) * np.array([1.0, 1.2, 0.8], np.float32)[:, None]
    return [
        sample(both, scores, *limits, grad=()),
        sample(per_class, scores, *limits, grad=(), clip_boxes=False),
        sample(both, scores, *limits, grad=(), pad_per_class=True),
    ]


CombinedNonMaxSuppression = declare(
    "CombinedNonMaxSuppression",
    inputs="boxes: float, scores: float, max_output_size_per_class: int32, max_total_size: int32, "
    "iou_threshold: float, score_threshold: float",
    outputs="nmsed_boxes: float, nmsed_scores: float, nmsed_classes: float, valid_detections: int32",
    attrs=("pad_per_class: bool = false", "clip_boxes: bool = true"),
    infer=_combined_infer,
    gradient=_CHOOSES,
    cost=_nms_cost,
    state=PURE,
    samples=_combined_rows,
    dynamic=True,
    doc="NonMaxSuppression per class, then the best of all classes, per image of a batch.",
)


def _distorted_infer(c: InferContext) -> Sequence[TensorShape]:
    c.merge(c.rank("image_size", 1), TensorShape([3]), "image_size must be height, width and channels")
    boxes = c.rank("bounding_boxes", 3)
    if boxes[2] not in (None, 4):
        c.fail("bounding_boxes must be of shape (batch, number, 4)")
    for name, least in (("aspect_ratio_range", 0.0), ("area_range", 0.0)):
        low, high = (*c.attr(name), 0.0, 0.0)[:2]
        if len(c.attr(name)) != 2 or not least < low <= high:
            c.fail(f"{name} must be two ascending positive numbers, got {list(c.attr(name))}")
    if c.attr("area_range")[1] > 1:
        c.fail(f"area_range must be within (0, 1], got {list(c.attr('area_range'))}")
    return [TensorShape([3]), TensorShape([3]), TensorShape([1, 1, 4])]


_DISTORTED = (
    "seed: int = 0",
    "seed2: int = 0",
    "aspect_ratio_range: list(float) = [0.75, 1.3300000429153442]",
    "area_range: list(float) = [0.05000000074505806, 1.0]",
    "max_attempts: int = 100",
    "use_image_if_no_bounding_boxes: bool = false",
)
_SIZE = np.array([60, 80, 3], np.int32)
_TARGETS = np.array([[[0.1, 0.2, 0.7, 0.9], [0.5, 0.5, 0.6, 0.8]]], np.float32)


def _distorted(name: str, inputs: str, attrs: Sequence[str], samples: Any, doc: str) -> OpDecl:
    return declare(
        name,
        inputs=f"image_size: T, bounding_boxes: float{inputs}",
        outputs="begin: T, size: T, bboxes: float",
        attrs=("T: {uint8, int8, int16, int32, int64}", *attrs),
        infer=_distorted_infer,
        gradient=NoGradient("it draws boxes"),
        cost=lambda c: Cost(5000.0, c.in_bytes + c.out_bytes),
        state=RANDOM,
        samples=samples,
        doc=doc,
    )


def _distorted_rows(*more: Any) -> Any:
    seeds = {"seed": 87654321, "seed2": 5}
    none = np.zeros((1, 0, 4), np.float32)
    return lambda: [
        sample(_SIZE, _TARGETS, *more, grad=(), **seeds),
        sample(_SIZE.astype(np.int64), _TARGETS, *more, grad=(), **seeds, area_range=[0.3, 0.5]),
        sample(_SIZE, none, *more, grad=(), **seeds, use_image_if_no_bounding_boxes=True),
        sample(_SIZE, _TARGETS, *more, grad=(), **seeds, aspect_ratio_range=[0.2, 4.0], max_attempts=20),
    ]


SampleDistortedBoundingBox = _distorted(
    "SampleDistortedBoundingBox",
    "",
    ("min_object_covered: float = 0.10000000149011612", *_DISTORTED),
    _distorted_rows(),
    "A random box that covers enough of one of the given ones.",
)

SampleDistortedBoundingBoxV2 = _distorted(
    "SampleDistortedBoundingBoxV2",
    ", min_object_covered: float",
    _DISTORTED,
    _distorted_rows(np.float32(0.5)),
    "SampleDistortedBoundingBox with the share to be covered as an input.",
)
