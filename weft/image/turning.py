"""Images turned, mirrored and transposed."""

from __future__ import annotations

from typing import Any

from .. import array, shaping
from ..branches import case, cond
from ..casting import cast
from ..elementwise import equal, less, mod, round
from ..graph import dtypes
from ..graph.convert import convert_to_tensor
from ..graph.default_graph import name_scope
from ..graph.elements import Tensor
from ..random import random_uniform
from .common import at_least_3d, checked, image_tensor, some_rank

__all__ = [
    "flip_left_right",
    "flip_up_down",
    "random_flip_left_right",
    "random_flip_up_down",
    "rot90",
    "transpose",
    "transpose_image",
]


def flip_left_right(image: Any) -> Tensor:
    """The image mirrored along its width.

    Args:
        image: `(height, width, channels)` or `(batch, height, width, channels)`.

    Returns:
        A tensor of the type and shape of `image`.

    Raises:
        ValueError: `image` has another rank.

    Source:
        `tf.compat.v1.image.flip_left_right`.
    """
    return _flip(image, 1, "flip_left_right")


def flip_up_down(image: Any) -> Tensor:
    """The image mirrored along its height.

    Args:
        image: `(height, width, channels)` or `(batch, height, width, channels)`.

    Returns:
        A tensor of the type and shape of `image`.

    Raises:
        ValueError: `image` has another rank.

    Source:
        `tf.compat.v1.image.flip_up_down`.
    """
    return _flip(image, 0, "flip_up_down")


def _flip(image: Any, axis: int, scope: str) -> Tensor:
    with name_scope(None, scope, [image]):
        image = image_tensor(image)
        image = checked(image, at_least_3d(image))
        return some_rank(
            image,
            lambda: _with_shape_of(image, array.reverse(image, [axis])),
            lambda: array.reverse(image, [axis + 1]),
        )


def _with_shape_of(image: Tensor, result: Tensor) -> Tensor:
    result.set_shape([None, None, None] if image.shape.rank is None else image.shape)
    return result


def random_flip_left_right(image: Any, seed: int | None = None) -> Tensor:
    """The image, mirrored along its width every other time; each image of a batch by itself.

    Args:
        image: `(height, width, channels)` or `(batch, height, width, channels)`.
        seed: seed of the draw; see `set_random_seed`.

    Returns:
        A tensor of the type and shape of `image`.

    Raises:
        ValueError: `image` has another rank.

    Source:
        `tf.compat.v1.image.random_flip_left_right`.
    """
    return _random_flip(image, 1, seed, "random_flip_left_right")


def random_flip_up_down(image: Any, seed: int | None = None) -> Tensor:
    """The image, mirrored along its height every other time; each image of a batch by itself.

    Args:
        image: `(height, width, channels)` or `(batch, height, width, channels)`.
        seed: seed of the draw; see `set_random_seed`.

    Returns:
        A tensor of the type and shape of `image`.

    Raises:
        ValueError: `image` has another rank.

    Source:
        `tf.compat.v1.image.random_flip_up_down`.
    """
    return _random_flip(image, 0, seed, "random_flip_up_down")


def _random_flip(image: Any, axis: int, seed: int | None, scope: str) -> Tensor:
    with name_scope(None, scope, [image]):
        image = image_tensor(image)
        image = checked(image, at_least_3d(image))

        def one() -> Tensor:
            mirrored = less(random_uniform([], 0, 1.0, seed=seed), 0.5)
            flipped = cond(mirrored, lambda: array.reverse(image, [axis]), lambda: image)
            return _with_shape_of(image, flipped)

        def batch() -> Tensor:
            count = shaping.shape(image)[0]
            drawn = random_uniform(array.stack([count]), 0, 1.0, seed=seed)
            share = cast(round(shaping.reshape(drawn, array.stack([count, 1, 1, 1]))), image.dtype)
            return share * array.reverse(image, [axis + 1]) + (1 - share) * image

        return some_rank(image, one, batch)


def rot90(image: Any, k: Any = 1, name: str | None = None) -> Tensor:
    """The image turned counter-clockwise by quarter turns.

    Args:
        image: `(height, width, channels)` or `(batch, height, width, channels)`.
        k: number of quarter turns, an int or an int32 scalar.
        name: name scope of the ops.

    Returns:
        A tensor of the type of `image`; its height and width are not known before the step.

    Raises:
        ValueError: `image` has another rank, or `k` is no scalar.

    Source:
        `tf.compat.v1.image.rot90`.
    """
    with name_scope(name, "rot90", [image, k]):
        image = image_tensor(image)
        image = checked(image, at_least_3d(image))
        turns = convert_to_tensor(k, dtypes.int32, name="k")
        if turns.shape.rank not in (None, 0):
            raise ValueError(f"k must be a scalar, has shape {turns.shape}")
        turns = mod(turns, 4)
        return some_rank(image, lambda: _turned(image, turns, 0), lambda: _turned(image, turns, 1))


def _turned(image: Tensor, turns: Tensor, first: int) -> Tensor:
    """The image turned; `first` is the axis of its height."""
    swapped = [*range(first), first + 1, first, first + 2]
    cases = [
        (equal(turns, 1), lambda: shaping.transpose(array.reverse(image, [first + 1]), swapped)),
        (equal(turns, 2), lambda: array.reverse(image, [first, first + 1])),
        (equal(turns, 3), lambda: array.reverse(shaping.transpose(image, swapped), [first + 1])),
    ]
    result: Tensor = case(cases, default=lambda: image, exclusive=True)
    known = [None] * (first + 3) if image.shape.rank is None else image.shape.as_list()
    result.set_shape([*known[:first], None, None, known[-1]])
    return result


def transpose(image: Any, name: str | None = None) -> Tensor:
    """The image with height and width exchanged.

    Args:
        image: `(height, width, channels)` or `(batch, height, width, channels)`.
        name: name scope of the ops.

    Returns:
        A tensor of the type of `image`: `(width, height, channels)`, or a batch of such.

    Raises:
        ValueError: `image` has another rank.

    Source:
        `tf.compat.v1.image.transpose`.
    """
    with name_scope(name, "transpose", [image]):
        image = image_tensor(image)
        image = checked(image, at_least_3d(image))
        return some_rank(
            image, lambda: shaping.transpose(image, [1, 0, 2]), lambda: shaping.transpose(image, [0, 2, 1, 3])
        )


transpose_image = transpose
