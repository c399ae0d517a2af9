"""Boxes cut out of images and brought to one size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..elements import Operation, Tensor
from ..infer import InferContext, per_element, per_input
from ..opdef import PURE, NoGradient, declare
from ..samples import floats, ints, sample
from ..shapes import TensorShape
from .shaping import shape_of

__all__ = ["CropAndResize", "CropAndResizeGradBoxes", "CropAndResizeGradImage"]

_TYPES = "T: {uint8, uint16, int8, int16, int32, int64, half, float, double}"
_METHOD = "method: {'bilinear', 'nearest'} = 'bilinear'"


def _boxes(c: InferContext) -> int | None:
    """Number of boxes, after checks."""
    boxes = c.merge(c.rank("boxes", 2), TensorShape([None, 4]), "boxes must have four columns")
    numbers = c.rank("box_ind", 1)
    return c.merge(boxes[:1], numbers, "there must be one box_ind per box")[0]


def _infer(c: InferContext) -> Sequence[TensorShape]:
    image, count = c.rank("image", 4), _boxes(c)
    if c.rank("crop_size", 1)[0] not in (None, 2):
        c.fail("crop_size must have two members")
    size = c.value_as_shape("crop_size").with_rank(2)
    if any(d is not None and d <= 0 for d in size):
        c.fail(f"crop_size must be positive, got {size}")
    return [TensorShape([count, size[0], size[1], image[3]])]


def _grad(op: Operation, grad: Tensor) -> Any:
    image, boxes, numbers, _ = op.inputs
    by_image = None
    if image.dtype.name in ("float16", "float32", "float64"):
        by_image = CropAndResizeGradImage(
            grad, boxes, numbers, shape_of(image), T=image.dtype, method=op.attrs["method"]
        )
    # TensorFlow knows the boxes' gradient for the bilinear method only, and uses it for the other one too.
    by_boxes = CropAndResizeGradBoxes(grad, image, boxes, numbers)
    return [by_image, by_boxes, None, None]


_BOXES = np.array([[0.1, 0.2, 0.7, 0.9], [0.8, 0.1, 0.3, 0.6], [-0.2, 0.3, 0.5, 1.2]], np.float32)
_NUMBERS = np.array([0, 1, 1], np.int32)

CropAndResize = declare(
    "CropAndResize",
    inputs="image: T, boxes: float, box_ind: int32, crop_size: int32",
    outputs="crops: float",
    attrs=(_TYPES, _METHOD, "extrapolation_value: float = 0.0"),
    infer=_infer,
    gradient=_grad,
    cost=per_element(16.0),
    state=PURE,
    host_inputs=("crop_size",),
    samples=lambda: [
        sample(floats(2, 5, 6, 2), _BOXES, _NUMBERS, [3, 4], grad=[0], tolerance=4.0),
        sample(floats(2, 5, 6, 2), _BOXES, _NUMBERS, [1, 1], grad=[0], tolerance=4.0),
        sample(
            floats(2, 5, 6, 2), _BOXES, _NUMBERS, [3, 2], grad=[0], method="nearest", extrapolation_value=7.0
        ),
        sample(floats(2, 5, 6, 2, dtype=np.float64), _BOXES, _NUMBERS, [2, 2], grad=[0], tolerance=1e6),
        sample(ints(2, 5, 6, 2, high=200, dtype=np.uint8), _BOXES, _NUMBERS, [3, 4], grad=(), tolerance=4.0),
    ],
    doc="Boxes of images in one size, sampled bilinearly or by nearest pixel.",
)


def _image_infer(c: InferContext) -> Sequence[TensorShape]:
    count = _boxes(c)
    grads = c.rank("grads", 4)
    c.merge(grads[:1], TensorShape([count]), "grads must have one image per box")
    size = c.value_as_shape("image_size")
    if size.rank not in (None, 4):
        c.fail("image_size must have four members")
    return [size.with_rank(4)]


def _image_grad(op: Operation, grad: Tensor) -> Any:
    from .math import Cast

    grads, boxes, numbers, _ = op.inputs
    size = shape_of(grads)[1:3]
    found = CropAndResize(grad, boxes, numbers, size, method=op.attrs["method"])
    return [found if found.dtype is grads.dtype else Cast(found, DstT=grads.dtype), None, None, None]


CropAndResizeGradImage = declare(
    "CropAndResizeGradImage",
    inputs="grads: float, boxes: float, box_ind: int32, image_size: int32",
    outputs="output: T",
    attrs=("T: {float, half, double}", _METHOD),
    infer=_image_infer,
    gradient=_image_grad,
    cost=per_input(16.0),
    state=PURE,
    host_inputs=("image_size",),
    samples=lambda: [
        sample(floats(3, 3, 4, 2), _BOXES, _NUMBERS, [2, 5, 6, 2], T=np.float32, grad=[0], tolerance=4.0),
        sample(floats(3, 1, 1, 2), _BOXES, _NUMBERS, [2, 5, 6, 2], T=np.float32, grad=[0], method="nearest"),
        sample(floats(3, 2, 2, 2), _BOXES, _NUMBERS, [2, 5, 6, 2], T=np.float64, grad=[0], tolerance=1e6),
    ],
    doc="Gradient of CropAndResize by its image.",
)


def _boxes_infer(c: InferContext) -> Sequence[TensorShape]:
    c.rank("image", 4)
    count = _boxes(c)
    c.merge(c.rank("grads", 4)[:1], TensorShape([count]), "grads must have one image per box")
    return [TensorShape([count, 4])]


CropAndResizeGradBoxes = declare(
    "CropAndResizeGradBoxes",
    inputs="grads: float, image: T, boxes: float, box_ind: int32",
    outputs="output: float",
    attrs=(_TYPES, "method: {'bilinear'} = 'bilinear'"),
    infer=_boxes_infer,
    gradient=NoGradient("TensorFlow defines no second derivative of CropAndResize by its boxes", zero=False),
    cost=per_input(16.0),
    state=PURE,
    samples=lambda: [
        sample(floats(3, 3, 4, 2), floats(2, 5, 6, 2), _BOXES, _NUMBERS, tolerance=20.0),
        sample(floats(3, 1, 1, 2), floats(2, 5, 6, 2), _BOXES, _NUMBERS, tolerance=20.0),
    ],
    doc="Gradient of CropAndResize by its boxes.",
)
