"""Bounding boxes: drawn, sampled, chosen among."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import array, shaping
from ..graph import dtypes
from ..graph.convert import convert_to_tensor
from ..graph.default_graph import name_scope
from ..graph.elements import Tensor
from ..graph.opdef import get_op

__all__ = [
    "combined_non_max_suppression",
    "draw_bounding_boxes",
    "non_max_suppression",
    "non_max_suppression_overlaps",
    "non_max_suppression_padded",
    "non_max_suppression_with_scores",
    "sample_distorted_bounding_box",
]

_NO_LIMIT = float("-inf")


def draw_bounding_boxes(images: Any, boxes: Any, name: str | None = None, colors: Any = None) -> Tensor:
    """Images with the outlines of boxes.

    Args:
        images: float32 or float16 `(batch, height, width, channels)`.
        boxes: float32 of shape `(batch, number, 4)`: top, left, bottom, right, as shares of height and width.
        name: name of the op.
        colors: float32 of shape `(number, channels)`, used by turns; None for ten usual ones.

    Returns:
        A tensor of the type and shape of `images`.

    Source:
        TensorFlow's ops DrawBoundingBoxes and DrawBoundingBoxesV2.
    """
    if colors is None:
        made: Tensor = get_op("DrawBoundingBoxes")(images, boxes, name=name)
    else:
        made = get_op("DrawBoundingBoxesV2")(images, boxes, colors, name=name)
    return made


def sample_distorted_bounding_box(
    image_size: Any,
    bounding_boxes: Any,
    seed: int | None = None,
    seed2: int | None = None,
    min_object_covered: Any = 0.1,
    aspect_ratio_range: Sequence[float] | None = None,
    area_range: Sequence[float] | None = None,
    max_attempts: int | None = None,
    use_image_if_no_bounding_boxes: bool | None = None,
    name: str | None = None,
) -> Any:
    """A random box that covers enough of one of the given ones.

    Args:
        image_size: height, width and channels, integers of shape `(3,)`.
        bounding_boxes: float32 of shape `(batch, number, 4)`: top, left, bottom, right, as shares.
        seed, seed2: seeds of the draw; both 0 or None for other numbers in every session.
        min_object_covered: share of a box that must be covered.
        aspect_ratio_range: smallest and largest width over height, (0.75, 1.33) if None.
        area_range: smallest and largest share of the image, (0.05, 1) if None.
        max_attempts: how often it is tried before the whole image is taken, 100 if None.
        use_image_if_no_bounding_boxes: whether no box means the whole image, in place of an error.
        name: name scope of the ops.

    Returns:
        `(begin, size, bboxes)`: the two for `slice`, of shape `(3,)`, and the box for `draw_bounding_boxes`, of
        shape `(1, 1, 4)`.

    Source:
        TensorFlow's op SampleDistortedBoundingBoxV2.
    """
    given = {
        "aspect_ratio_range": aspect_ratio_range,
        "area_range": area_range,
        "max_attempts": max_attempts,
        "use_image_if_no_bounding_boxes": use_image_if_no_bounding_boxes,
    }
    attrs = {k: list(v) if isinstance(v, (list, tuple)) else v for k, v in given.items() if v is not None}
    with name_scope(name, "sample_distorted_bounding_box"):
        covered = convert_to_tensor(min_object_covered, dtypes.float32, name="min_object_covered")
        return get_op("SampleDistortedBoundingBoxV2")(
            image_size, bounding_boxes, covered, seed=seed or 0, seed2=seed2 or 0, **attrs
        )


def _threshold(value: Any, name: str, boxes: Tensor) -> Tensor:
    return convert_to_tensor(value, boxes.dtype, name=name)


def non_max_suppression(
    boxes: Any,
    scores: Any,
    max_output_size: Any,
    iou_threshold: Any = 0.5,
    score_threshold: Any = _NO_LIMIT,
    name: str | None = None,
) -> Tensor:
    """The boxes of highest scores that do not overlap much with one of a higher score.

    Args:
        boxes: floats of shape `(number, 4)`: two opposite corners.
        scores: floats of shape `(number,)`.
        max_output_size: how many are chosen at most, an int32 scalar.
        iou_threshold: largest overlap, as intersection over union.
        score_threshold: boxes of lower scores are left out.
        name: name scope of the ops.

    Returns:
        int32 of shape `(chosen,)`: positions of the boxes, by descending score.

    Source:
        TensorFlow's op NonMaxSuppressionV3.
    """
    with name_scope(name, "non_max_suppression"):
        boxes = convert_to_tensor(boxes, name="boxes")
        made: Tensor = get_op("NonMaxSuppressionV3")(
            boxes,
            scores,
            max_output_size,
            _threshold(iou_threshold, "iou_threshold", boxes),
            _threshold(score_threshold, "score_threshold", boxes),
        )
        return made


def non_max_suppression_with_scores(
    boxes: Any,
    scores: Any,
    max_output_size: Any,
    iou_threshold: Any = 0.5,
    score_threshold: Any = _NO_LIMIT,
    soft_nms_sigma: Any = 0.0,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """`non_max_suppression` that may lower scores of overlapping boxes in the place of leaving them out.

    Args:
        boxes, scores, max_output_size, iou_threshold, score_threshold: see `non_max_suppression`.
        soft_nms_sigma: how wide the lowering is; 0 for none (Bodla et al. 2017).
        name: name scope of the ops.

    Returns:
        `(positions, scores)`, each of shape `(chosen,)`.

    Source:
        TensorFlow's op NonMaxSuppressionV5.
    """
    with name_scope(name, "non_max_suppression_with_scores"):
        boxes = convert_to_tensor(boxes, name="boxes")
        found = get_op("NonMaxSuppressionV5")(
            boxes,
            scores,
            max_output_size,
            _threshold(iou_threshold, "iou_threshold", boxes),
            _threshold(score_threshold, "score_threshold", boxes),
            _threshold(soft_nms_sigma, "soft_nms_sigma", boxes),
            pad_to_max_output_size=False,
        )
        return found[0], found[1]


def non_max_suppression_padded(
    boxes: Any,
    scores: Any,
    max_output_size: Any,
    iou_threshold: Any = 0.5,
    score_threshold: Any = _NO_LIMIT,
    pad_to_max_output_size: bool = False,
    name: str | None = None,
    sorted_input: bool = False,
    canonicalized_coordinates: bool = False,
    tile_size: int = 512,
) -> tuple[Tensor, Tensor]:
    """`non_max_suppression` whose result has one size, filled up with zeros; of a batch too.

    Args:
        boxes: floats of shape `(..., number, 4)`.
        scores: floats of shape `(..., number)`.
        max_output_size, iou_threshold, score_threshold: see `non_max_suppression`.
        pad_to_max_output_size: whether it is filled up; a batch must be.
        name: name scope of the ops.
        sorted_input, canonicalized_coordinates, tile_size: accepted for TensorFlow's sake.

    Returns:
        `(positions, count)`: int32 of shape `(..., max_output_size)` and `(...)`.

    Raises:
        ValueError: a batch is not to be filled up.

    Source:
        TensorFlow's op NonMaxSuppressionV4.
    """
    del sorted_input, canonicalized_coordinates, tile_size
    with name_scope(name, "non_max_suppression_padded"):
        boxes, scores = convert_to_tensor(boxes, name="boxes"), convert_to_tensor(scores, name="scores")
        limits = (
            _threshold(iou_threshold, "iou_threshold", boxes),
            _threshold(score_threshold, "score_threshold", boxes),
        )

        def one(rows: Tensor, marks: Tensor) -> Any:
            return get_op("NonMaxSuppressionV4")(
                rows, marks, max_output_size, *limits, pad_to_max_output_size=pad_to_max_output_size
            )

        rank = boxes.shape.rank
        if rank in (None, 2):
            found = one(boxes, scores)
            return found[0], found[1]
        if not pad_to_max_output_size:
            raise ValueError(
                f"'pad_to_max_output_size' (value {pad_to_max_output_size}) must be True for batched input"
            )
        return _of_batch(one, boxes, scores)


def _of_batch(one: Any, boxes: Tensor, scores: Tensor) -> tuple[Tensor, Tensor]:
    from ..functional import map_fn

    batch = shaping.shape(boxes)[:-2]
    number = shaping.shape(boxes)[-2]
    rows = shaping.reshape(boxes, array.stack([-1, number, 4]))
    marks = shaping.reshape(scores, array.stack([-1, number]))
    kinds = (dtypes.int32, dtypes.int32)
    chosen, counts = map_fn(lambda pair: tuple(one(*pair)), (rows, marks), dtype=kinds)
    chosen = shaping.reshape(chosen, array.concat([batch, shaping.shape(chosen)[-1:]], 0))
    return chosen, shaping.reshape(counts, batch)


def non_max_suppression_overlaps(
    overlaps: Any,
    scores: Any,
    max_output_size: Any,
    overlap_threshold: Any = 0.5,
    score_threshold: Any = _NO_LIMIT,
    name: str | None = None,
) -> Tensor:
    """`non_max_suppression` by a given matrix of overlaps.

    Args:
        overlaps: float32 of shape `(number, number)`.
        scores: float32 of shape `(number,)`.
        max_output_size: how many are chosen at most, an int32 scalar.
        overlap_threshold: largest overlap.
        score_threshold: boxes of lower scores are left out.
        name: name scope of the ops.

    Returns:
        int32 of shape `(chosen,)`.

    Source:
        TensorFlow's op NonMaxSuppressionWithOverlaps.
    """
    with name_scope(name, "non_max_suppression_overlaps"):
        made: Tensor = get_op("NonMaxSuppressionWithOverlaps")(
            overlaps, scores, max_output_size, overlap_threshold, score_threshold
        )
        return made


def combined_non_max_suppression(
    boxes: Any,
    scores: Any,
    max_output_size_per_class: Any,
    max_total_size: Any,
    iou_threshold: Any = 0.5,
    score_threshold: Any = _NO_LIMIT,
    pad_per_class: bool = False,
    clip_boxes: bool = True,
    name: str | None = None,
) -> Any:
    """`non_max_suppression` per class, then the best of all classes, per image of a batch.

    Args:
        boxes: float32 of shape `(batch, number, classes or 1, 4)`.
        scores: float32 of shape `(batch, number, classes)`.
        max_output_size_per_class: how many are chosen of a class, an int32 scalar.
        max_total_size: how many are chosen of an image, an int32 scalar.
        iou_threshold: largest overlap, as intersection over union.
        score_threshold: boxes of lower scores are left out.
        pad_per_class: whether the result has room for `max_output_size_per_class` times the classes, if that is
            fewer than `max_total_size`.
        clip_boxes: whether boxes are cut off at [0, 1].
        name: name scope of the ops.

    Returns:
        `(boxes, scores, classes, counts)`, of shapes `(batch, total, 4)`, `(batch, total)` twice and `(batch,)`.

    Source:
        TensorFlow's op CombinedNonMaxSuppression.
    """
    with name_scope(name, "combined_non_max_suppression"):
        return get_op("CombinedNonMaxSuppression")(
            boxes,
            scores,
            max_output_size_per_class,
            max_total_size,
            convert_to_tensor(iou_threshold, dtypes.float32, name="iou_threshold"),
            convert_to_tensor(score_threshold, dtypes.float32, name="score_threshold"),
            pad_per_class=pad_per_class,
            clip_boxes=clip_boxes,
        )
