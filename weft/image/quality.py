"""How images differ, from each other and from pixel to pixel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import array, shaping
from ..branches import cond
from ..casting import cast
from ..control_flow import Assert
from ..elementwise import abs, equal, greater_equal, log, not_equal, pow, square, squared_difference, subtract
from ..graph import dtypes
from ..graph.convert import convert_to_tensor
from ..graph.default_graph import name_scope
from ..graph.elements import Operation, Tensor
from ..nn.activations import relu
from ..nn.depthwise import depthwise_conv2d
from ..nn.pool import avg_pool
from ..reductions import reduce_all, reduce_any, reduce_mean, reduce_prod, reduce_sum
from .colors import convert_image_dtype
from .common import checked, image_tensor

__all__ = ["image_gradients", "psnr", "sobel_edges", "ssim", "ssim_multiscale", "total_variation"]


def total_variation(images: Any, name: str | None = None) -> Tensor:
    """The sum of the distances between neighbouring pixels.

    Args:
        images: `(height, width, channels)` or `(batch, height, width, channels)`.
        name: name scope of the ops.

    Returns:
        A scalar, or one number per image of a batch.

    Raises:
        ValueError: `images` has another rank.

    Source:
        `tf.compat.v1.image.total_variation`.
    """
    with name_scope(name, "total_variation"):
        images = image_tensor(images, "images")
        rank = images.shape.rank
        if rank == 3:
            below, beside = images[1:] - images[:-1], images[:, 1:] - images[:, :-1]
            axes = None
        elif rank == 4:
            below, beside = images[:, 1:] - images[:, :-1], images[:, :, 1:] - images[:, :, :-1]
            axes = [1, 2, 3]
        else:
            raise ValueError("'images' must be either 3 or 4-dimensional.")
        return reduce_sum(abs(below), axis=axes) + reduce_sum(abs(beside), axis=axes)


def image_gradients(image: Any) -> tuple[Tensor, Tensor]:
    """The difference of each pixel to the one below it and to the one right of it.

    Args:
        image: `(batch, height, width, channels)`.

    Returns:
        `(dy, dx)`, each of the shape of `image`, with zeros in the last row or column.

    Raises:
        ValueError: `image` has another rank.

    Source:
        `tf.compat.v1.image.image_gradients`.
    """
    image = image_tensor(image)
    if image.shape.rank != 4:
        raise ValueError(f"image_gradients expects a 4D tensor [batch_size, h, w, d], not {image.shape}.")
    below = array.pad(image[:, 1:] - image[:, :-1], [[0, 0], [0, 1], [0, 0], [0, 0]])
    beside = array.pad(image[:, :, 1:] - image[:, :, :-1], [[0, 0], [0, 0], [0, 1], [0, 0]])
    for found in (below, beside):
        found.set_shape(image.shape)
    return below, beside


_SOBEL = np.array(
    [[[-1, -2, -1], [0, 0, 0], [1, 2, 1]], [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]], np.float32
).transpose(1, 2, 0)[:, :, None, :]
"""`(rows, columns, 1, direction)`."""


def sobel_edges(image: Any) -> Tensor:
    """How fast each channel changes downwards and to the right, by Sobel's filters.

    Args:
        image: `(batch, height, width, channels)` of a floating type.

    Returns:
        `(batch, height, width, channels, 2)`.

    Source:
        `tf.compat.v1.image.sobel_edges`.
    """
    image = image_tensor(image)
    known, shape = image.shape, shaping.shape(image)
    filters = array.tile(
        convert_to_tensor(_SOBEL, image.dtype), array.stack([1, 1, shape[-1], 1]), name="sobel_filters"
    )
    if known.rank is not None:
        filters.set_shape([3, 3, known[-1], 2])
    padded = array.pad(image, [[0, 0], [1, 1], [1, 1], [0, 0]], mode="REFLECT")
    edges = depthwise_conv2d(padded, filters, [1, 1, 1, 1], "VALID")
    result = shaping.reshape(edges, array.concat([shape, [2]], 0))
    if known.rank is not None:
        result.set_shape([*known.as_list(), 2])
    return result


def psnr(a: Any, b: Any, max_val: Any, name: str | None = None) -> Tensor:
    """Peak signal-to-noise ratio of two images, in decibels.

    Args:
        a, b: `(..., height, width, channels)` of one type.
        max_val: largest value that a pixel can have.
        name: name scope of the ops.

    Returns:
        float32 of shape `(...)`.

    Raises:
        ValueError: the images' shapes do not fit.

    Source:
        `tf.compat.v1.image.psnr`.
    """
    with name_scope(name, "PSNR", [a, b]):
        a, b = image_tensor(a, "a"), image_tensor(b, "b")
        peak = convert_image_dtype(cast(max_val, a.dtype), dtypes.float32)
        a, b = convert_image_dtype(a, dtypes.float32), convert_image_dtype(b, dtypes.float32)
        error = reduce_mean(squared_difference(a, b), [-3, -2, -1])
        ratio = subtract(
            20 * log(peak) / log(convert_to_tensor(10.0)),
            np.float32(10 / np.log(10)) * log(error),
            name="psnr",
        )
        return checked(ratio, _alike(a, b))


def _alike(first: Tensor, second: Tensor) -> list[Operation]:
    """Checks that two images are of one size.

    Raises:
        ValueError: it is known that they are not.
    """
    one, other = first.shape, second.shape
    for shape in (one, other):
        if shape.rank is not None and shape.rank < 3:
            raise ValueError(f"Shape {shape} must have rank at least 3")
    if one.rank is not None and other.rank is not None:
        inner = zip(one.as_list()[-3:], other.as_list()[-3:], strict=True)
        outer = zip(reversed(one.as_list()[:-3]), reversed(other.as_list()[:-3]), strict=False)
        fits = all(None in (a, b) or a == b for a, b in inner)
        if not fits or not all(None in (a, b) or a == b or 1 in (a, b) for a, b in outer):
            raise ValueError(f"Two images are not compatible: {one} and {other}")
    if one.is_fully_defined() and other.is_fully_defined():
        return []
    shapes = [shaping.shape(first), shaping.shape(second)]
    return [
        Assert(greater_equal(shaping.size(shapes[0]), 3), shapes, summarize=10),
        Assert(reduce_all(equal(shapes[0][-3:], shapes[1][-3:])), shapes, summarize=10),
    ]


def ssim(
    img1: Any,
    img2: Any,
    max_val: Any,
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
    return_index_map: bool = False,
) -> Tensor:
    """Structural similarity of two images.

    Args:
        img1, img2: `(..., height, width, channels)` of one type, at least `filter_size` high and wide.
        max_val: largest value that a pixel can have.
        filter_size: side of the Gaussian window, in pixels.
        filter_sigma: its deviation, in pixels.
        k1, k2: the two small constants of the paper.
        return_index_map: whether the similarity at each place is returned, not its mean.

    Returns:
        float32 of shape `(...)`, at most 1; `(..., height, width)` for the map.

    Raises:
        ValueError: the images' shapes do not fit.

    Source:
        Wang et al. 2004; `tf.compat.v1.image.ssim`.
    """
    with name_scope(None, "SSIM", [img1, img2]):
        pair, peak = _float_pair(img1, img2, max_val)
        compare = _Similarity(peak, filter_size, filter_sigma, k1, k2)
        per_channel, _ = compare(*pair, mean=not return_index_map)
        return reduce_mean(per_channel, [-1])


def _float_pair(img1: Any, img2: Any, max_val: Any) -> tuple[list[Tensor], Tensor]:
    first, second = image_tensor(img1, "img1"), image_tensor(img2, "img2")
    first = checked(first, _alike(first, second))
    peak = convert_image_dtype(cast(max_val, first.dtype), dtypes.float32)
    return [convert_image_dtype(x, dtypes.float32) for x in (first, second)], peak


class _Similarity:
    """Compares two images under a Gaussian window.

    Args:
        peak: largest value that a pixel can have.
        size: side of the window, in pixels.
        sigma: its deviation, in pixels.
        k1, k2: the two small constants of the paper.
    """

    def __init__(self, peak: Tensor, size: int, sigma: float, k1: float, k2: float) -> None:
        self.size = size
        at = np.arange(size) - (size - 1) / 2
        rows = np.exp(-0.5 * (at[:, None] ** 2 + at[None, :] ** 2) / sigma**2)
        self.window = (rows / rows.sum()).astype(np.float32)[:, :, None, None]
        self.c1, self.c2 = square(k1 * peak), square(k2 * peak)

    def __call__(self, first: Tensor, second: Tensor, mean: bool = True) -> tuple[Tensor, Tensor]:
        """The similarity of each channel, and its part that does not look at the brightness."""
        first = checked(first, self._checks(first) + self._checks(second))
        blurred = self._window_means
        mean0, mean1 = blurred(first), blurred(second)
        cross = mean0 * mean1 * 2.0
        squares = square(mean0) + square(mean1)
        luminance = (cross + self.c1) / (squares + self.c1)
        products = blurred(first * second) * 2.0
        energy = blurred(square(first) + square(second))
        structure = (products - cross + self.c2) / (energy - squares + self.c2)
        both = luminance * structure
        if not mean:
            return both, structure
        return reduce_mean(both, [-3, -2]), reduce_mean(structure, [-3, -2])

    def _checks(self, image: Tensor) -> list[Operation]:
        known = image.shape.as_list()[-3:-1] if image.shape.rank is not None else [None]
        if None not in known and min(known) >= self.size:
            return []
        sides = shaping.shape(image)[-3:-1]
        wide = reduce_all(greater_equal(sides, self.size))
        return [Assert(wide, [shaping.shape(image), self.size], summarize=8)]

    def _window_means(self, x: Tensor) -> Tensor:
        shape = shaping.shape(x)
        flat = shaping.reshape(x, array.concat([[-1], shape[-3:]], 0))
        filters = array.tile(convert_to_tensor(self.window), array.stack([1, 1, shape[-1], 1]))
        if x.shape.rank is not None:
            flat.set_shape([None, *x.shape.as_list()[-3:]])
            filters.set_shape([self.size, self.size, x.shape[-1], 1])
        found = depthwise_conv2d(flat, filters, [1, 1, 1, 1], "VALID")
        result = shaping.reshape(found, array.concat([shape[:-3], shaping.shape(found)[1:]], 0))
        if x.shape.rank is not None:
            result.set_shape([*x.shape.as_list()[:-3], *found.shape.as_list()[1:]])
        return result


_SCALES = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def ssim_multiscale(
    img1: Any,
    img2: Any,
    max_val: Any,
    power_factors: Sequence[float] = _SCALES,
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
) -> Tensor:
    """Structural similarity of two images over several scales, each half as large as the one before.

    Args:
        img1, img2: `(..., height, width, channels)` of one type.
        max_val: largest value that a pixel can have.
        power_factors: weight of each scale.
        filter_size, filter_sigma, k1, k2: see `ssim`.

    Returns:
        float32 of shape `(...)`, in [0, 1].

    Raises:
        ValueError: the images' shapes do not fit.

    Source:
        Wang et al. 2003; `tf.compat.v1.image.ssim_multiscale`.
    """
    with name_scope(None, "MS-SSIM", [img1, img2]):
        images, peak = _float_pair(img1, img2, max_val)
        compare = _Similarity(peak, filter_size, filter_sigma, k1, k2)
        parts: list[Tensor] = []
        for scale in range(len(power_factors)):
            with name_scope(None, f"Scale{scale}", images):
                if scale:
                    images = [_halved(x) for x in images]
                both, structure = compare(*images)
                parts.append(relu(structure))
        parts[-1] = relu(both)
        weights = convert_to_tensor(list(power_factors), dtypes.float32)
        product = reduce_prod(pow(array.stack(parts, axis=-1), weights), [-1])
        return reduce_mean(product, [-1])


def _halved(image: Tensor) -> Tensor:
    """The image at half the size; an odd side is filled up by its last pixels."""
    shape = shaping.shape(image)
    flat = shaping.reshape(image, array.concat([[-1], shape[-3:]], 0))
    if image.shape.rank is not None:
        flat.set_shape([None, *image.shape.as_list()[-3:]])
    known = flat.shape.as_list()[1:3]
    if None in known:
        even = cond(*_filled_if_odd(flat, shape))
    else:
        even = _filled(flat, [int(side) % 2 for side in known]) if any(s % 2 for s in known) else flat
    small = avg_pool(even, [1, 2, 2, 1], [1, 2, 2, 1], "VALID")
    result = shaping.reshape(small, array.concat([shape[:-3], shaping.shape(small)[1:]], 0))
    if image.shape.rank is not None:
        result.set_shape([*image.shape.as_list()[:-3], *small.shape.as_list()[1:]])
    return result


def _filled(flat: Tensor, missing: Any) -> Tensor:
    margins = [[0, 0], [0, missing[0]], [0, missing[1]], [0, 0]]
    return array.pad(flat, margins, mode="SYMMETRIC")


def _filled_if_odd(flat: Tensor, shape: Tensor) -> tuple[Tensor, Callable[[], Tensor], Callable[[], Tensor]]:
    missing = shape[-3:-1] % 2
    margins = array.pad(shaping.expand_dims(missing, -1), [[1, 1], [1, 0]])
    return (
        reduce_any(not_equal(missing, 0)),
        lambda: array.pad(flat, margins, mode="SYMMETRIC"),
        lambda: flat,
    )
