"""Parts of images: cut out, put onto a larger ground, taken as patches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import array, shaping
from ..arguments import renamed
from ..casting import cast
from ..control_flow import with_dependencies
from ..elementwise import logical_and
from ..graph import dtypes
from ..graph.constant_value import constant_value
from ..graph.convert import convert_to_tensor
from ..graph.default_graph import name_scope
from ..graph.elements import Tensor
from ..graph.opdef import get_op
from ..random import random_crop
from .common import (
    as_batch,
    at_least_3d,
    checked,
    dims_of,
    image_tensor,
    is_tensor,
    larger,
    require,
    smaller,
    static_size,
    unbatched,
)

__all__ = [
    "central_crop",
    "crop_and_resize",
    "crop_to_bounding_box",
    "extract_glimpse",
    "extract_image_patches",
    "extract_patches",
    "pad_to_bounding_box",
    "random_crop",
    "resize_image_with_crop_or_pad",
    "resize_with_crop_or_pad",
]


def crop_to_bounding_box(
    image: Any, offset_height: Any, offset_width: Any, target_height: Any, target_width: Any
) -> Tensor:
    """The part of an image within a box.

    Args:
        image: `(height, width, channels)` or `(batch, height, width, channels)`.
        offset_height: rows above the box.
        offset_width: columns left of the box.
        target_height: rows of the box.
        target_width: columns of the box.

    Returns:
        A tensor of the type and rank of `image`.

    Raises:
        ValueError: the box is not within the image, or `image` has another rank.

    Source:
        `tf.compat.v1.image.crop_to_bounding_box`.
    """
    with name_scope(None, "crop_to_bounding_box", [image]):
        image, is_batch = as_batch(image_tensor(image))
        checks = at_least_3d(image)
        batch, height, width, depth = dims_of(image)
        checks += require(offset_width >= 0, "offset_width must be >= 0.")
        checks += require(offset_height >= 0, "offset_height must be >= 0.")
        checks += require(target_width > 0, "target_width must be > 0.")
        checks += require(target_height > 0, "target_height must be > 0.")
        checks += require(width >= target_width + offset_width, "width must be >= target + offset.")
        checks += require(height >= target_height + offset_height, "height must be >= target + offset.")
        image = checked(image, checks)
        begin = array.stack([0, offset_height, offset_width, 0])
        cropped = array.slice(image, begin, array.stack([-1, target_height, target_width, -1]))
        cropped.set_shape([static_size(d) for d in (batch, target_height, target_width, depth)])
        return unbatched(cropped, is_batch)


def pad_to_bounding_box(
    image: Any, offset_height: Any, offset_width: Any, target_height: Any, target_width: Any
) -> Tensor:
    """The image on a larger ground of zeros.

    Args:
        image: `(height, width, channels)` or `(batch, height, width, channels)`.
        offset_height: rows of zeros above the image.
        offset_width: columns of zeros left of the image.
        target_height: rows of the result.
        target_width: columns of the result.

    Returns:
        A tensor of the type and rank of `image`.

    Raises:
        ValueError: the image does not fit, or has another rank.

    Source:
        `tf.compat.v1.image.pad_to_bounding_box`.
    """
    with name_scope(None, "pad_to_bounding_box", [image]):
        image, is_batch = as_batch(image_tensor(image))
        checks = at_least_3d(image)
        batch, height, width, depth = dims_of(image)
        right = target_width - offset_width - width
        below = target_height - offset_height - height
        checks += require(offset_height >= 0, "offset_height must be >= 0")
        checks += require(offset_width >= 0, "offset_width must be >= 0")
        checks += require(right >= 0, "width must be <= target - offset")
        checks += require(below >= 0, "height must be <= target - offset")
        image = checked(image, checks)
        margins = array.stack([0, 0, offset_height, below, offset_width, right, 0, 0])
        padded = array.pad(image, shaping.reshape(margins, [4, 2]))
        padded.set_shape([static_size(d) for d in (batch, target_height, target_width, depth)])
        return unbatched(padded, is_batch)


def resize_image_with_crop_or_pad(image: Any, target_height: Any, target_width: Any) -> Tensor:
    """The image in another size, its middle cut out or zeros put around it, without scaling.

    Args:
        image: `(height, width, channels)` or `(batch, height, width, channels)`.
        target_height: rows of the result.
        target_width: columns of the result.

    Returns:
        A tensor of the type and rank of `image`.

    Raises:
        ValueError: a size is not positive, or `image` has another rank.

    Source:
        `tf.compat.v1.image.resize_image_with_crop_or_pad`.
    """
    with name_scope(None, "resize_image_with_crop_or_pad", [image]):
        image, is_batch = as_batch(image_tensor(image))
        checks = at_least_3d(image)
        checks += require(target_width > 0, "target_width must be > 0.")
        checks += require(target_height > 0, "target_height must be > 0.")
        image = checked(image, checks)
        if checks:
            target_height, target_width = (
                with_dependencies(checks, size) if is_tensor(size) else size
                for size in (target_height, target_width)
            )
        _, height, width, _ = dims_of(image)
        wider, taller = target_width - width, target_height - height
        cropped = crop_to_bounding_box(
            image,
            larger(-taller // 2, 0),
            larger(-wider // 2, 0),
            smaller(target_height, height),
            smaller(target_width, width),
        )
        resized = pad_to_bounding_box(
            cropped, larger(taller // 2, 0), larger(wider // 2, 0), target_height, target_width
        )
        return unbatched(resized, is_batch)


resize_with_crop_or_pad = resize_image_with_crop_or_pad


def central_crop(image: Any, central_fraction: Any) -> Tensor:
    """The middle of an image.

    Args:
        image: `(height, width, channels)` or `(batch, height, width, channels)`.
        central_fraction: share of the height and of the width that is kept, in (0, 1]; a float or a scalar tensor.

    Returns:
        A tensor of the type and rank of `image`.

    Raises:
        ValueError: the share is not within (0, 1], or `image` has another rank.

    Source:
        `tf.compat.v1.image.central_crop`.
    """
    with name_scope(None, "central_crop", [image]):
        image = image_tensor(image)
        share = constant_value(central_fraction) if is_tensor(central_fraction) else central_fraction
        if share is not None:
            require(0.0 < float(share) <= 1.0, "central_fraction must be within (0, 1]")
            if float(share) == 1.0:
                return image
        else:
            within = logical_and(central_fraction > 0.0, central_fraction <= 1.0)
            image = checked(image, require(within, "central_fraction must be within (0, 1]"))
        rank = image.shape.rank
        if rank not in (3, 4):
            raise ValueError(
                f"`image` should either be a Tensor with rank = 3 or rank = 4. Had rank = {rank}."
            )
        image = checked(image, at_least_3d(image))
        sizes = dims_of(image)[-3:-1]
        fraction = central_fraction if share is None else float(share)
        starts = [_margin(size, fraction) for size in sizes]
        kept = [size - 2 * start for size, start in zip(sizes, starts, strict=True)]
        front = [] if rank == 3 else [0]
        whole = [] if rank == 3 else [-1]
        result = array.slice(image, array.stack([*front, *starts, 0]), array.stack([*whole, *kept, -1]))
        known = image.shape.as_list()
        result.set_shape([*known[:-3], *(static_size(k) for k in kept), known[-1]])
        return result


def _margin(size: Any, share: Any) -> Any:
    """What is cut off on each side."""
    if not is_tensor(size) and not is_tensor(share):
        return int((float(size) - float(size) * share) / 2)
    whole = cast(convert_to_tensor(size, dtypes.int32), dtypes.float64)
    wanted = cast(share, dtypes.float64) if is_tensor(share) else share
    return cast((whole - whole * wanted) / 2, dtypes.int32)


def crop_and_resize(
    image: Any,
    boxes: Any,
    box_ind: Any = None,
    crop_size: Any = None,
    method: str = "bilinear",
    extrapolation_value: float = 0,
    name: str | None = None,
    box_indices: Any = None,
) -> Tensor:
    """Boxes cut out of images and brought to one size.

    Args:
        image: `(batch, height, width, channels)`.
        boxes: float32 of shape `(number, 4)`: top, left, bottom, right, as shares of height and width. A box that
            is upside down is mirrored.
        box_ind: int32 of shape `(number,)`: which image each box is of.
        crop_size: height and width of the results.
        method: "bilinear" or "nearest".
        extrapolation_value: what lies outside the image.
        name: name of the op.
        box_indices: another name of `box_ind`.

    Returns:
        float32 of shape `(number, crop height, crop width, channels)`.

    Source:
        TensorFlow's op CropAndResize.
    """
    indices = renamed("box_indices", box_indices, "box_ind", box_ind)
    return get_op("CropAndResize")(
        image,
        boxes,
        indices,
        crop_size,
        method=method,
        extrapolation_value=float(extrapolation_value),
        name=name,
    )


def extract_glimpse(
    input: Any,
    size: Any,
    offsets: Any,
    centered: bool = True,
    normalized: bool = True,
    uniform_noise: bool = True,
    name: str | None = None,
) -> Tensor:
    """A window of each image; what lies outside the image is noise.

    Args:
        input: float32 `(batch, height, width, channels)`.
        size: height and width of the windows, int32 of shape `(2,)`.
        offsets: float32 of shape `(batch, 2)`: where the window's middle is, as y and x.
        centered: whether offset (0, 0) is the middle of the image, else its upper left corner.
        normalized: whether offsets are shares of the size (from -1 to 1 if centered), else pixels.
        uniform_noise: whether the noise is uniform in [0, 1), else it has each image's mean and deviation.
        name: name of the op.

    Returns:
        float32 of shape `(batch, size[0], size[1], channels)`.

    Source:
        TensorFlow's op ExtractGlimpse.
    """
    return get_op("ExtractGlimpse")(
        input,
        size,
        offsets,
        centered=centered,
        normalized=normalized,
        uniform_noise=uniform_noise,
        name=name,
    )


def extract_image_patches(
    images: Any,
    ksizes: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
    rates: Sequence[int] | None = None,
    padding: str | None = None,
    name: str | None = None,
    sizes: Sequence[int] | None = None,
) -> Tensor:
    """The windows of an image, each laid out as one row of channels.

    Args:
        images: `(batch, height, width, channels)`.
        ksizes: size of the windows, `[1, rows, columns, 1]`.
        strides: how far apart the windows are, `[1, rows, columns, 1]`.
        rates: how far apart the pixels of a window are, `[1, rows, columns, 1]`.
        padding: "SAME" or "VALID".
        name: name of the op.
        sizes: another name of `ksizes`.

    Returns:
        `(batch, rows, columns, window rows * window columns * channels)` of the type of `images`.

    Source:
        TensorFlow's op ExtractImagePatches.
    """
    return get_op("ExtractImagePatches")(
        images,
        ksizes=list(renamed("sizes", sizes, "ksizes", ksizes)),
        strides=list(strides or ()),
        rates=list(rates or ()),
        padding=padding,
        name=name,
    )


def extract_patches(
    images: Any,
    sizes: Sequence[int],
    strides: Sequence[int],
    rates: Sequence[int],
    padding: str,
    name: str | None = None,
) -> Tensor:
    """The windows of an image, each laid out as one row of channels.

    Args:
        images: `(batch, height, width, channels)`.
        sizes: size of the windows, `[1, rows, columns, 1]`.
        strides: how far apart the windows are, `[1, rows, columns, 1]`.
        rates: how far apart the pixels of a window are, `[1, rows, columns, 1]`.
        padding: "SAME" or "VALID".
        name: name of the op.

    Returns:
        `(batch, rows, columns, window rows * window columns * channels)` of the type of `images`.

    Source:
        TensorFlow's op ExtractImagePatches.
    """
    return extract_image_patches(images, sizes, strides, rates, padding, name)
