"""Images in another size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..elements import Operation, Tensor
from ..infer import InferContext, per_element, per_input
from ..opdef import PURE, NoGradient, OpDecl, declare
from ..samples import floats, ints, sample
from ..shapes import TensorShape
from .conv import kept

__all__ = [
    "ResizeArea",
    "ResizeBicubic",
    "ResizeBicubicGrad",
    "ResizeBilinear",
    "ResizeBilinearGrad",
    "ResizeNearestNeighbor",
    "ResizeNearestNeighborGrad",
]

_ALIGN = "align_corners: bool = false"
_HALF = "half_pixel_centers: bool = false"
_KEPT = ("align_corners", "half_pixel_centers")
_TYPES = "T: {int8, uint8, int16, uint16, int32, int64, half, float, double, bfloat16}"
_FLOATS = ("float16", "bfloat16", "float32", "float64")


def sized(c: InferContext, images: TensorShape, size: str) -> TensorShape:
    """Shape of images `(batch, height, width, channels)` in the size that an input of two numbers holds."""
    given = c.rank(size, 1)
    if given[0] not in (None, 2):
        c.fail(f"{size} must have two members")
    target = c.value_as_shape(size).with_rank(2)
    if any(d is not None and d <= 0 for d in target):
        c.fail(f"{size} must be positive, got {target}")
    return TensorShape([images[0], target[0], target[1], images[3]])


def _resize_infer(c: InferContext) -> Sequence[TensorShape]:
    if c.attrs.get("half_pixel_centers") and c.attr("align_corners"):
        c.fail("align_corners and half_pixel_centers cannot go together")
    return [sized(c, c.rank("images", 4), "size")]


def _rows(*more: Any) -> list[Any]:
    x = floats(2, 4, 5, 3)
    return [
        sample(x, [7, 3]),
        sample(x, [2, 9], half_pixel_centers=True),
        sample(x, [6, 8], align_corners=True),
        sample(floats(1, 3, 3, 1, dtype=np.float64), [1, 5]),
        sample(ints(1, 4, 3, 2, high=200, dtype=np.uint8), [3, 5]),
        sample(floats(1, 1, 1, 2), [3, 2], align_corners=True),
        *more,
    ]


def _resize(
    name: str,
    output: str,
    attrs: Sequence[str],
    gradient: Any,
    flops: float,
    samples: Callable[[], list[Any]],
    doc: str,
) -> OpDecl:
    return declare(
        name,
        inputs="images: T, size: int32",
        outputs=f"resized_images: {output}",
        attrs=(_TYPES, *attrs),
        infer=_resize_infer,
        gradient=gradient,
        cost=per_element(flops),
        state=PURE,
        host_inputs=("size",),
        samples=samples,
        doc=doc,
    )


def _bilinear_grad(op: Operation, grad: Tensor) -> Any:
    x = op.inputs[0]
    if x.dtype.name not in _FLOATS:
        return [None, None]
    return [ResizeBilinearGrad(grad, x, **kept(op, _KEPT)), None]


ResizeBilinear = _resize(
    "ResizeBilinear",
    "float",
    (_ALIGN, _HALF),
    _bilinear_grad,
    8.0,
    _rows,
    "Images in another size, with bilinear interpolation.",
)


def _grad_infer(c: InferContext) -> Sequence[TensorShape]:
    grads, image = c.rank("grads", 4), c.rank("original_image", 4)
    ends = TensorShape([grads[0], None, None, grads[3]])
    return [c.merge(image, ends, "grads and original_image must have the same batch and channels")]


def _image_size(x: Tensor) -> Any:
    from .array import Shape, StridedSlice

    if x.shape.rank == 4 and x.shape[1] is not None and x.shape[2] is not None:
        return [int(x.shape[1]), int(x.shape[2])]
    return StridedSlice(Shape(x), [1], [3], [1])


def _twice(forward: Callable[..., Any]) -> Callable[..., Any]:
    """Gradient rule of a resize's gradient, which is linear in `grads`."""

    def gradient(op: Operation, grad: Tensor) -> Any:
        from .math import Cast

        found = forward(grad, _image_size(op.inputs[0]), **kept(op, _KEPT))
        kind = op.inputs[0].dtype
        return [found if found.dtype is kind else Cast(found, DstT=kind), None]

    return gradient


def _grad_rows(double: bool = True) -> list[Any]:
    grads, x = floats(2, 7, 3, 3), floats(2, 4, 5, 3)
    rows = [
        sample(grads, x, grad=[0]),
        sample(grads, x, half_pixel_centers=True, grad=[0]),
        sample(grads, x, align_corners=True, grad=[0]),
    ]
    if double:
        rows.append(sample(floats(1, 2, 6, 1), floats(1, 5, 4, 1, dtype=np.float64), grad=[0]))
    return rows


ResizeBilinearGrad = declare(
    "ResizeBilinearGrad",
    inputs="grads: float, original_image: T",
    outputs="output: T",
    attrs=("T: {float, bfloat16, half, double}", _ALIGN, _HALF),
    infer=_grad_infer,
    gradient=_twice(lambda *a, **k: ResizeBilinear(*a, **k)),
    cost=per_input(8.0),
    state=PURE,
    samples=_grad_rows,
    doc="Gradient of ResizeBilinear.",
)


def _bicubic_grad(op: Operation, grad: Tensor) -> Any:
    x = op.inputs[0]
    if x.dtype.name not in ("float32", "float64"):
        return [None, None]
    return [ResizeBicubicGrad(grad, x, **kept(op, _KEPT)), None]


ResizeBicubic = _resize(
    "ResizeBicubic",
    "float",
    (_ALIGN, _HALF),
    _bicubic_grad,
    40.0,
    _rows,
    "Images in another size, with bicubic interpolation.",
)

ResizeBicubicGrad = declare(
    "ResizeBicubicGrad",
    inputs="grads: float, original_image: T",
    outputs="output: T",
    attrs=("T: {float, double}", _ALIGN, _HALF),
    infer=_grad_infer,
    gradient=_twice(lambda *a, **k: ResizeBicubic(*a, **k)),
    cost=per_input(40.0),
    state=PURE,
    samples=_grad_rows,
    doc="Gradient of ResizeBicubic.",
)


def _nearest_grad(op: Operation, grad: Tensor) -> Any:
    return [ResizeNearestNeighborGrad(grad, _image_size(op.inputs[0]), **kept(op, _KEPT)), None]


ResizeNearestNeighbor = _resize(
    "ResizeNearestNeighbor",
    "T",
    (_ALIGN, _HALF),
    _nearest_grad,
    1.0,
    lambda: _rows(sample(floats(1, 3, 4, 2, dtype=np.float16), [5, 2], grad=())),
    "Images in another size, each pixel the nearest of the original.",
)


def _nearest_grad_infer(c: InferContext) -> Sequence[TensorShape]:
    return [sized(c, c.rank("grads", 4), "size")]


def _nearest_twice(op: Operation, grad: Tensor) -> Any:
    return [ResizeNearestNeighbor(grad, _image_size(op.inputs[0]), **kept(op, _KEPT)), None]


ResizeNearestNeighborGrad = declare(
    "ResizeNearestNeighborGrad",
    inputs="grads: T, size: int32",
    outputs="output: T",
    attrs=("T: {uint8, int8, int32, half, float, double, bfloat16}", _ALIGN, _HALF),
    infer=_nearest_grad_infer,
    gradient=_nearest_twice,
    cost=per_input(1.0),
    state=PURE,
    host_inputs=("size",),
    samples=lambda: [
        sample(floats(2, 7, 3, 3), [4, 5]),
        sample(floats(2, 7, 3, 3), [4, 5], half_pixel_centers=True),
        sample(floats(2, 7, 3, 3), [4, 5], align_corners=True),
        sample(floats(1, 3, 6, 1, dtype=np.float64), [5, 2]),
    ],
    doc="Gradient of ResizeNearestNeighbor.",
)

ResizeArea = _resize(
    "ResizeArea",
    "float",
    (_ALIGN,),
    NoGradient(
        "TensorFlow defines no gradient of area resizing; resize bilinearly to train through it", zero=False
    ),
    8.0,
    lambda: [
        sample(floats(2, 4, 5, 3), [7, 3], grad=()),
        sample(floats(2, 6, 8, 3), [3, 4], grad=()),
        sample(floats(1, 5, 7, 2), [2, 3], align_corners=True, grad=()),
        sample(ints(1, 5, 7, 2, high=200, dtype=np.uint8), [2, 3]),
    ],
    "Images in another size, each pixel the mean of the area that it covers.",
)
