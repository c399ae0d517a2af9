"""Images in another size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import array
from ..casting import cast
from ..elementwise import floor, minimum, round
from ..graph import dtypes
from ..graph.constant_value import constant_value, constant_value_as_shape
from ..graph.convert import convert_to_tensor
from ..graph.default_graph import name_scope
from ..graph.elements import Tensor
from ..graph.opdef import get_op
from .common import (
    as_batch,
    at_least_3d,
    checked,
    dims_of,
    image_tensor,
    is_tensor,
    larger,
    require,
    unbatched,
)
from .cropping import pad_to_bounding_box

__all__ = [
    "ResizeMethod",
    "resize",
    "resize_area",
    "resize_bicubic",
    "resize_bilinear",
    "resize_image_with_pad",
    "resize_images",
    "resize_nearest_neighbor",
]


class ResizeMethod:
    """How the pixels between the given ones are found."""

    BILINEAR = 0
    NEAREST_NEIGHBOR = 1
    BICUBIC = 2
    AREA = 3


_OPS: dict[Any, str] = {
    ResizeMethod.BILINEAR: "ResizeBilinear",
    ResizeMethod.NEAREST_NEIGHBOR: "ResizeNearestNeighbor",
    ResizeMethod.BICUBIC: "ResizeBicubic",
    ResizeMethod.AREA: "ResizeArea",
    "bilinear": "ResizeBilinear",
    "nearest": "ResizeNearestNeighbor",
    "bicubic": "ResizeBicubic",
    "area": "ResizeArea",
}


def resize_images(
    images: Any,
    size: Any,
    method: Any = ResizeMethod.BILINEAR,
    align_corners: bool = False,
    preserve_aspect_ratio: bool = False,
    name: str | None = None,
) -> Tensor:
    """Images in another size.

    Args:
        images: `(height, width, channels)` or `(batch, height, width, channels)`.
        size: new height and width, int32 of shape `(2,)`.
        method: one of `ResizeMethod`, or "bilinear", "nearest", "bicubic", "area".
        align_corners: whether the middles of the corner pixels stay where they are.
        preserve_aspect_ratio: whether the result is the largest of the same proportions that fits into `size`.
        name: name scope of the ops.

    Returns:
        A tensor of the rank of `images`: float32, but of the type of `images` for the nearest-neighbour method and
        where the size is already right.

    Raises:
        ValueError: the rank of `images` is neither 3 nor 4, `size` is not a pair, or there is no such method.

    Source:
        `tf.compat.v1.image.resize_images`.
    """

    def resized(batch: Tensor, target: Tensor) -> Tensor:
        if method not in _OPS:
            raise ValueError(f"Resize method is not implemented: {method}")
        found: Tensor = get_op(_OPS[method])(batch, target, align_corners=align_corners)
        return found

    with name_scope(name, "resize", [images, size]):
        return _resized(image_tensor(images, "images"), size, resized, preserve_aspect_ratio)


resize = resize_images


def _resized(
    images: Tensor, size: Any, make: Callable[[Tensor, Tensor], Tensor], preserve_aspect_ratio: bool
) -> Tensor:
    rank = images.shape.rank
    if rank is None:
        raise ValueError("'images' contains no shape.")
    if rank not in (3, 4):
        raise ValueError("'images' must have either 3 or 4 dimensions.")
    batch, is_batch = as_batch(images)
    try:
        target = convert_to_tensor(size, dtypes.int32, name="size")
    except (TypeError, ValueError):
        raise ValueError("'size' must be a 1-D int32 Tensor") from None
    if not target.shape.is_compatible_with([2]):
        raise ValueError("'size' must be a 1-D Tensor of 2 elements: new_height, new_width")
    if preserve_aspect_ratio:
        target = _fitted(batch, target)
    known = constant_value_as_shape(target).with_rank(2).as_list()
    if None not in known and batch.shape.as_list()[1:3] == known:
        return unbatched(batch, is_batch)
    result = make(batch, target)
    result.set_shape([None, *known, None])
    return unbatched(result, is_batch)


def _fitted(batch: Tensor, target: Tensor) -> Tensor:
    """The largest size of the images' proportions within the target."""
    known, limits = dims_of(batch)[1:3], constant_value(target)
    if limits is not None and not any(is_tensor(side) for side in known):
        sides = np.array(known, np.float32)
        factor = np.min(limits.astype(np.float32) / sides)
        return convert_to_tensor(np.rint(factor * sides).astype(np.int32), name="size")
    lengths = [cast(side, dtypes.float32) for side in known]
    factor = minimum(*(cast(target[i], dtypes.float32) / length for i, length in enumerate(lengths)))
    return array.stack([cast(round(factor * length), dtypes.int32) for length in lengths], name="size")


def resize_image_with_pad(
    image: Any,
    target_height: Any,
    target_width: Any,
    method: Any = ResizeMethod.BILINEAR,
    align_corners: bool = False,
) -> Tensor:
    """The image in another size, its proportions kept and zeros put around it.

    Args:
        image: `(height, width, channels)` or `(batch, height, width, channels)`.
        target_height: rows of the result.
        target_width: columns of the result.
        method: one of `ResizeMethod`.
        align_corners: see `resize_images`.

    Returns:
        A tensor of the rank of `image`; see `resize_images` for its type.

    Raises:
        ValueError: a size is not positive, or `image` has another rank.

    Source:
        `tf.compat.v1.image.resize_image_with_pad`.
    """
    with name_scope(None, "resize_image_with_pad", [image]):
        batch, is_batch = as_batch(image_tensor(image))
        checks = at_least_3d(batch)
        checks += require(target_width > 0, "target_width must be > 0.")
        checks += require(target_height > 0, "target_height must be > 0.")
        batch = checked(batch, checks)
        size, margins = _within(dims_of(batch)[1:3], [target_height, target_width])
        scaled = resize_images(batch, size, method, align_corners)
        padded = pad_to_bounding_box(scaled, *margins, target_height, target_width)
        return unbatched(padded, is_batch)


def _within(given: list[Any], wanted: list[Any]) -> tuple[Any, list[Any]]:
    """The largest size of the given proportions within the wanted one, and the rows above and columns left of it."""
    if not any(is_tensor(side) for side in (*given, *wanted)):
        sides, targets = np.array(given, np.float32), np.array(wanted, np.float32)
        fitted = sides / np.max(sides / targets)
        margins = np.maximum(np.floor((targets - fitted) / 2), 0).astype(int)
        return np.floor(fitted).astype(np.int32), margins.tolist()
    lengths, limits = ([cast(side, dtypes.float32) for side in sides] for sides in (given, wanted))
    ratio = larger(lengths[1] / limits[1], lengths[0] / limits[0])
    fits = [length / ratio for length in lengths]
    above = [cast(floor((limit - fit) / 2), dtypes.int32) for limit, fit in zip(limits, fits, strict=True)]
    return array.stack([cast(floor(fit), dtypes.int32) for fit in fits]), [larger(a, 0) for a in above]


def resize_bilinear(
    images: Any,
    size: Any,
    align_corners: bool = False,
    name: str | None = None,
    half_pixel_centers: bool = False,
) -> Tensor:
    """Images in another size, with bilinear interpolation.

    Args:
        images: `(batch, height, width, channels)`.
        size: new height and width, int32 of shape `(2,)`.
        align_corners: whether the middles of the corner pixels stay where they are.
        name: name of the op.
        half_pixel_centers: whether pixels lie at their middles, as in newer programs.

    Returns:
        float32 of shape `(batch, *size, channels)`.

    Source:
        TensorFlow's op ResizeBilinear.
    """
    return _op("ResizeBilinear", images, size, align_corners, half_pixel_centers, name)


def resize_nearest_neighbor(
    images: Any,
    size: Any,
    align_corners: bool = False,
    name: str | None = None,
    half_pixel_centers: bool = False,
) -> Tensor:
    """Images in another size, each pixel the nearest one of the original.

    Args:
        images: `(batch, height, width, channels)`.
        size: new height and width, int32 of shape `(2,)`.
        align_corners: whether the middles of the corner pixels stay where they are.
        name: name of the op.
        half_pixel_centers: whether pixels lie at their middles, as in newer programs.

    Returns:
        A tensor of the type of `images` and of shape `(batch, *size, channels)`.

    Source:
        TensorFlow's op ResizeNearestNeighbor.
    """
    return _op("ResizeNearestNeighbor", images, size, align_corners, half_pixel_centers, name)


def resize_bicubic(
    images: Any,
    size: Any,
    align_corners: bool = False,
    name: str | None = None,
    half_pixel_centers: bool = False,
) -> Tensor:
    """Images in another size, with bicubic interpolation.

    Args:
        images: `(batch, height, width, channels)`.
        size: new height and width, int32 of shape `(2,)`.
        align_corners: whether the middles of the corner pixels stay where they are.
        name: name of the op.
        half_pixel_centers: whether pixels lie at their middles, as in newer programs.

    Returns:
        float32 of shape `(batch, *size, channels)`.

    Source:
        TensorFlow's op ResizeBicubic.
    """
    return _op("ResizeBicubic", images, size, align_corners, half_pixel_centers, name)


def _op(op_type: str, images: Any, size: Any, align: bool, half: bool, name: str | None) -> Tensor:
    made: Tensor = get_op(op_type)(images, size, align_corners=align, half_pixel_centers=half, name=name)
    return made


def resize_area(images: Any, size: Any, align_corners: bool = False, name: str | None = None) -> Tensor:
    """Images in another size, each pixel the mean of the area that it covers.

    Args:
        images: `(batch, height, width, channels)`.
        size: new height and width, int32 of shape `(2,)`.
        align_corners: whether the middles of the corner pixels stay where they are.
        name: name of the op.

    Returns:
        float32 of shape `(batch, *size, channels)`.

    Source:
        TensorFlow's op ResizeArea.
    """
    made: Tensor = get_op("ResizeArea")(images, size, align_corners=align_corners, name=name)
    return made
