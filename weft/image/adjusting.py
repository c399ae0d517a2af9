"""Images brighter, stronger in contrast and colour; by given amounts and by random ones."""

from __future__ import annotations

from typing import Any

from ..casting import cast
from ..control_flow import with_dependencies
from ..elementwise import add
from ..graph import dtypes
from ..graph.convert import convert_to_tensor
from ..graph.default_graph import name_scope
from ..graph.elements import Tensor
from ..graph.opdef import get_op
from ..random import random_uniform
from .colors import convert_image_dtype
from .common import as_float, image_tensor, is_tensor, require

__all__ = [
    "adjust_brightness",
    "adjust_contrast",
    "adjust_gamma",
    "adjust_hue",
    "adjust_jpeg_quality",
    "adjust_saturation",
    "random_brightness",
    "random_contrast",
    "random_hue",
    "random_jpeg_quality",
    "random_saturation",
]


def adjust_brightness(image: Any, delta: Any) -> Tensor:
    """The image with an amount added to every pixel.

    Args:
        image: pixels of any type; integers are scaled to [0, 1] and back.
        delta: what is added, a scalar.

    Returns:
        A tensor of the type and shape of `image`.

    Source:
        `tf.compat.v1.image.adjust_brightness`.
    """
    with name_scope(None, "adjust_brightness", [image, delta]):
        image = image_tensor(image)
        light = as_float(image)
        return convert_image_dtype(add(light, cast(delta, light.dtype)), image.dtype, saturate=True)


def random_brightness(image: Any, max_delta: float, seed: int | None = None) -> Tensor:
    """`adjust_brightness` by an amount drawn from [-max_delta, max_delta).

    Args:
        image: pixels of any type.
        max_delta: largest amount, not negative.
        seed: seed of the draw; see `set_random_seed`.

    Raises:
        ValueError: `max_delta` is negative.

    Source:
        `tf.compat.v1.image.random_brightness`.
    """
    if max_delta < 0:
        raise ValueError("max_delta must be non-negative.")
    return adjust_brightness(image, random_uniform([], -max_delta, max_delta, seed=seed))


def adjust_contrast(images: Any, contrast_factor: Any) -> Tensor:
    """Images with the distance of each pixel from its channel's mean multiplied.

    Args:
        images: `(..., height, width, channels)` of any type.
        contrast_factor: the factor, a scalar.

    Returns:
        A tensor of the type and shape of `images`.

    Source:
        `tf.compat.v1.image.adjust_contrast`.
    """
    with name_scope(None, "adjust_contrast", [images, contrast_factor]):
        images = image_tensor(images, "images")
        adjusted = get_op("AdjustContrastv2")(as_float(images), contrast_factor)
        return convert_image_dtype(adjusted, images.dtype, saturate=True)


def random_contrast(image: Any, lower: float, upper: float, seed: int | None = None) -> Tensor:
    """`adjust_contrast` by a factor drawn from [lower, upper).

    Args:
        image: `(..., height, width, channels)` of any type.
        lower: smallest factor, not negative.
        upper: largest factor, above `lower`.
        seed: seed of the draw; see `set_random_seed`.

    Raises:
        ValueError: the range is empty or begins below zero.

    Source:
        `tf.compat.v1.image.random_contrast`.
    """
    _require_range(lower, upper)
    return adjust_contrast(image, random_uniform([], lower, upper, seed=seed))


def _require_range(lower: float, upper: float) -> None:
    if upper <= lower:
        raise ValueError("upper must be > lower.")
    if lower < 0:
        raise ValueError("lower must be non-negative.")


def adjust_gamma(image: Any, gamma: Any = 1, gain: Any = 1) -> Tensor:
    """`gain * image ** gamma`, of pixels in [0, 1].

    Args:
        image: pixels of any type; integers are scaled to [0, 1] and back.
        gamma: exponent, not negative.
        gain: factor.

    Returns:
        A tensor of the type and shape of `image`.

    Raises:
        ValueError: `gamma` is negative.

    Source:
        `tf.compat.v1.image.adjust_gamma`.
    """
    with name_scope(None, "adjust_gamma", [image, gamma, gain]):
        image = image_tensor(image)
        light = as_float(image)
        checks = require(gamma >= 0, "Gamma should be a non-negative real number.")
        if checks:
            gamma = with_dependencies(checks, gamma)
        return convert_image_dtype(gain * light**gamma, image.dtype, saturate=True)


def adjust_hue(image: Any, delta: Any, name: str | None = None) -> Tensor:
    """The image with its hues turned.

    Args:
        image: `(..., height, width, 3)` of any type.
        delta: by how much of the circle, a scalar in [-1, 1].
        name: name scope of the ops.

    Returns:
        A tensor of the type and shape of `image`.

    Source:
        `tf.compat.v1.image.adjust_hue`.
    """
    with name_scope(name, "adjust_hue", [image]):
        image = image_tensor(image)
        return convert_image_dtype(get_op("AdjustHue")(as_float(image), delta), image.dtype)


def random_hue(image: Any, max_delta: float, seed: int | None = None) -> Tensor:
    """`adjust_hue` by a share drawn from [-max_delta, max_delta).

    Args:
        image: `(..., height, width, 3)` of any type.
        max_delta: largest share, in [0, 0.5].
        seed: seed of the draw; see `set_random_seed`.

    Raises:
        ValueError: `max_delta` is outside that range.

    Source:
        `tf.compat.v1.image.random_hue`.
    """
    if max_delta > 0.5:
        raise ValueError("max_delta must be <= 0.5.")
    if max_delta < 0:
        raise ValueError("max_delta must be non-negative.")
    return adjust_hue(image, random_uniform([], -max_delta, max_delta, seed=seed))


def adjust_saturation(image: Any, saturation_factor: Any, name: str | None = None) -> Tensor:
    """The image with its saturation multiplied.

    Args:
        image: `(..., height, width, 3)` of any type.
        saturation_factor: the factor, a scalar.
        name: name scope of the ops.

    Returns:
        A tensor of the type and shape of `image`.

    Source:
        `tf.compat.v1.image.adjust_saturation`.
    """
    with name_scope(name, "adjust_saturation", [image]):
        image = image_tensor(image)
        adjusted = get_op("AdjustSaturation")(as_float(image), saturation_factor)
        return convert_image_dtype(adjusted, image.dtype)


def random_saturation(image: Any, lower: float, upper: float, seed: int | None = None) -> Tensor:
    """`adjust_saturation` by a factor drawn from [lower, upper).

    Args:
        image: `(..., height, width, 3)` of any type.
        lower: smallest factor, not negative.
        upper: largest factor, above `lower`.
        seed: seed of the draw; see `set_random_seed`.

    Raises:
        ValueError: the range is empty or begins below zero.

    Source:
        `tf.compat.v1.image.random_saturation`.
    """
    _require_range(lower, upper)
    return adjust_saturation(image, random_uniform([], lower, upper, seed=seed))


def adjust_jpeg_quality(
    image: Any, jpeg_quality: Any, dct_method: str = "", name: str | None = None
) -> Tensor:
    """The image as it is after having been a JPEG file.

    Args:
        image: `(height, width, channels)` of any type.
        jpeg_quality: quality of the file, 0 to 100; an int or an int32 scalar.
        dct_method: accepted for TensorFlow's sake; the transform is always the accurate one.
        name: name scope of the ops.

    Returns:
        A tensor of the type of `image`.

    Source:
        `tf.compat.v1.image.adjust_jpeg_quality`.
    """
    with name_scope(name, "adjust_jpeg_quality", [image]):
        image = image_tensor(image)
        pixels = convert_image_dtype(image, dtypes.uint8, saturate=True)
        if not is_tensor(jpeg_quality):
            jpeg_quality = convert_to_tensor(jpeg_quality, dtypes.int32)
        data = get_op("EncodeJpegVariableQuality")(pixels, jpeg_quality)
        found = get_op("DecodeJpeg")(data, channels=image.shape[-1] or 0, dct_method=dct_method)
        return convert_image_dtype(found, image.dtype, saturate=True)


def random_jpeg_quality(
    image: Any, min_jpeg_quality: int, max_jpeg_quality: int, seed: int | None = None
) -> Tensor:
    """`adjust_jpeg_quality` by a quality drawn from [min_jpeg_quality, max_jpeg_quality).

    Args:
        image: `(height, width, channels)` of any type.
        min_jpeg_quality: smallest quality, 0 to 100.
        max_jpeg_quality: largest quality, above the smallest.
        seed: seed of the draw; see `set_random_seed`.

    Raises:
        ValueError: the range is empty or not within 0 to 100.

    Source:
        `tf.compat.v1.image.random_jpeg_quality`.
    """
    if not (0 <= min_jpeg_quality <= 100 and 0 <= max_jpeg_quality <= 100):
        raise ValueError("jpeg encoding range must be between 0 and 100.")
    if min_jpeg_quality >= max_jpeg_quality:
        raise ValueError("`min_jpeg_quality` must be less than `max_jpeg_quality`.")
    quality = random_uniform([], min_jpeg_quality, max_jpeg_quality, seed=seed, dtype=dtypes.int32)
    return adjust_jpeg_quality(image, quality)
