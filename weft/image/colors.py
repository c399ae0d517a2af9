"""Pixels in other types and colour spaces."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import array, filling, shaping
from ..casting import cast, saturate_cast
from ..elementwise import divide, equal, floordiv, maximum, multiply, rsqrt
from ..graph import dtypes
from ..graph.convert import convert_to_tensor
from ..graph.default_graph import name_scope
from ..graph.dtypes import as_dtype
from ..graph.elements import Tensor
from ..graph.opdef import get_op
from ..products import tensordot
from ..reductions import reduce_mean, reduce_prod, reduce_std
from .common import at_least_3d, checked, image_tensor, require

__all__ = [
    "convert_image_dtype",
    "grayscale_to_rgb",
    "hsv_to_rgb",
    "per_image_standardization",
    "rgb_to_grayscale",
    "rgb_to_hsv",
    "rgb_to_yiq",
    "rgb_to_yuv",
    "yiq_to_rgb",
    "yuv_to_rgb",
]


def convert_image_dtype(image: Any, dtype: Any, saturate: bool = False, name: str | None = None) -> Tensor:
    """An image with pixels of another type, scaled: floats are in [0, 1], integers up to their type's largest.

    Args:
        image: pixels of a floating or integer type.
        dtype: the type wanted.
        saturate: whether what does not fit becomes the nearest number that does.
        name: name of the last op.

    Raises:
        AttributeError: one of the types is neither floating nor integer.

    Source:
        `tf.compat.v1.image.convert_image_dtype`.
    """
    image = image_tensor(image)
    target = as_dtype(dtype)
    for what, kind in (("dtype", target), ("image dtype", image.dtype)):
        if not kind.is_floating and not kind.is_integer:
            raise AttributeError(f"{what} must be either floating point or integer")
    if target is image.dtype:
        return array.identity(image, name=name)
    with name_scope(name, "convert_image", [image]):
        into = saturate_cast if saturate else cast
        if image.dtype.is_floating:
            if target.is_floating:
                return cast(image, target)
            return into(multiply(image, target.max + 0.5), target)
        if target.is_floating:
            return multiply(cast(image, target), 1.0 / image.dtype.max)
        largest, limit = int(image.dtype.max), int(target.max)
        if largest > limit:
            return into(floordiv(image, (largest + 1) // (limit + 1)), target)
        return multiply(into(image, target), (limit + 1) // (largest + 1))


def rgb_to_grayscale(images: Any, name: str | None = None) -> Tensor:
    """The brightness of each pixel, as one channel.

    Args:
        images: `(..., 3)`.
        name: name scope of the ops.

    Returns:
        A tensor of the type of `images` and of shape `(..., 1)`.

    Source:
        `tf.compat.v1.image.rgb_to_grayscale`.
    """
    with name_scope(name, "rgb_to_grayscale", [images]):
        images = image_tensor(images, "images")
        light = convert_image_dtype(images, dtypes.float32)
        gray = tensordot(light, [0.2989, 0.587, 0.114], [[-1], [-1]])
        return convert_image_dtype(shaping.expand_dims(gray, -1), images.dtype)


def grayscale_to_rgb(images: Any, name: str | None = None) -> Tensor:
    """Gray pixels as red, green and blue of equal strength.

    Args:
        images: `(..., 1)`.
        name: name scope of the ops.

    Returns:
        A tensor of the type of `images` and of shape `(..., 3)`.

    Raises:
        ValueError: `images` has another number of channels than one.

    Source:
        `tf.compat.v1.image.grayscale_to_rgb`.
    """
    with name_scope(name, "grayscale_to_rgb", [images]):
        images = image_tensor(images, "images")
        shape = images.shape
        if shape.rank is not None and shape.rank < 2:
            raise ValueError(f"A grayscale image (shape {shape}) must be at least two-dimensional.")
        message = "Last dimension of a grayscale image should be size 1."
        if shape.rank is not None and shape[-1] is not None:
            require(shape[-1] == 1, message)
        else:
            images = checked(images, require(equal(shaping.shape(images)[-1], 1), message))
        rank = shaping.expand_dims(shaping.rank(images) - 1, 0)
        multiples = array.concat([filling.ones(rank, dtypes.int32), [3]], 0)
        rgb = array.tile(images, multiples)
        if shape.rank is not None:
            rgb.set_shape([*shape.as_list()[:-1], 3])
        return rgb


def rgb_to_hsv(images: Any, name: str | None = None) -> Tensor:
    """Red, green and blue as hue, saturation and value.

    Args:
        images: `(..., 3)` of a floating type, in [0, 1].
        name: name of the op.

    Source:
        TensorFlow's op RGBToHSV.
    """
    made: Tensor = get_op("RGBToHSV")(images, name=name)
    return made


def hsv_to_rgb(images: Any, name: str | None = None) -> Tensor:
    """Hue, saturation and value as red, green and blue.

    Args:
        images: `(..., 3)` of a floating type, in [0, 1].
        name: name of the op.

    Source:
        TensorFlow's op HSVToRGB.
    """
    made: Tensor = get_op("HSVToRGB")(images, name=name)
    return made


_RGB_TO_YIQ = (
    (0.299, 0.59590059, 0.2115),
    (0.587, -0.27455667, -0.52273617),
    (0.114, -0.32134392, 0.31119955),
)
_YIQ_TO_RGB = ((1, 1, 1), (0.95598634, -0.27201283, -1.10674021), (0.6208248, -0.64720424, 1.70423049))
_RGB_TO_YUV = (
    (0.299, -0.14714119, 0.61497538),
    (0.587, -0.28886916, -0.51496512),
    (0.114, 0.43601035, -0.10001026),
)
_YUV_TO_RGB = ((1, 1, 1), (0, -0.394642334, 2.03206185), (1.13988303, -0.58062185, 0))
"""Each a matrix from the channels of one space (rows) to those of the other."""


def _by_matrix(images: Any, matrix: Any) -> Tensor:
    images = image_tensor(images, "images")
    kernel = convert_to_tensor(np.array(matrix), images.dtype, name="kernel")
    return tensordot(images, kernel, [[images.shape.rank - 1], [0]])


def rgb_to_yiq(images: Any) -> Tensor:
    """Red, green and blue as the luma and the two colours of NTSC television.

    Args:
        images: `(..., 3)` of a floating type, in [0, 1].

    Source:
        `tf.compat.v1.image.rgb_to_yiq`.
    """
    return _by_matrix(images, _RGB_TO_YIQ)


def yiq_to_rgb(images: Any) -> Tensor:
    """The reverse of `rgb_to_yiq`.

    Args:
        images: `(..., 3)` of a floating type.

    Source:
        `tf.compat.v1.image.yiq_to_rgb`.
    """
    return _by_matrix(images, _YIQ_TO_RGB)


def rgb_to_yuv(images: Any) -> Tensor:
    """Red, green and blue as the luma and the two colours of PAL television.

    Args:
        images: `(..., 3)` of a floating type, in [0, 1].

    Source:
        `tf.compat.v1.image.rgb_to_yuv`.
    """
    return _by_matrix(images, _RGB_TO_YUV)


def yuv_to_rgb(images: Any) -> Tensor:
    """The reverse of `rgb_to_yuv`.

    Args:
        images: `(..., 3)` of a floating type.

    Source:
        `tf.compat.v1.image.yuv_to_rgb`.
    """
    return _by_matrix(images, _YUV_TO_RGB)


def per_image_standardization(image: Any) -> Tensor:
    """Each image with mean 0 and standard deviation 1.

    Args:
        image: `(..., height, width, channels)`.

    Returns:
        float32 of the shape of `image`; the deviation that is divided by is at least one over the root of the
        number of pixels, so that an even image becomes zeros.

    Raises:
        ValueError: `image` has fewer than three dimensions.

    Source:
        `tf.compat.v1.image.per_image_standardization`.
    """
    with name_scope(None, "per_image_standardization", [image]):
        image = image_tensor(image)
        image = cast(checked(image, at_least_3d(image)), dtypes.float32)
        count = cast(reduce_prod(shaping.shape(image)[-3:]), dtypes.float32)
        axes = [-1, -2, -3]
        mean = reduce_mean(image, axis=axes, keepdims=True)
        deviation = maximum(reduce_std(image, axis=axes, keepdims=True), rsqrt(count))
        return divide(image - mean, deviation)
