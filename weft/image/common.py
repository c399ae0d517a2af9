"""What the image functions share: checks of ranks and sizes, at once where they are known, else in the step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import array, shaping
from ..branches import cond
from ..control_flow import Assert, with_dependencies
from ..elementwise import equal, maximum, minimum
from ..graph import dtypes
from ..graph.convert import convert_to_tensor
from ..graph.elements import Operation, Tensor
from ..reductions import reduce_all

__all__ = [
    "as_batch",
    "as_float",
    "at_least_3d",
    "checked",
    "dims_of",
    "image_tensor",
    "is_tensor",
    "larger",
    "require",
    "smaller",
    "some_rank",
    "static_size",
    "unbatched",
]


def is_tensor(value: Any) -> bool:
    """Whether a size is known only when the step runs."""
    return hasattr(value, "graph") and hasattr(value, "dtype")


def image_tensor(image: Any, name: str = "image") -> Tensor:
    """An image argument as a tensor."""
    return convert_to_tensor(image, name=name)


def require(condition: Any, message: str) -> list[Operation]:
    """Checks a rule about sizes.

    Args:
        condition: a bool, or a bool tensor that says it in the step.
        message: what holds.

    Returns:
        The operations that what follows must wait for.

    Raises:
        ValueError: it is known that the rule does not hold.
    """
    if is_tensor(condition):
        return [Assert(condition, [message])]
    if not bool(np.all(condition)):
        raise ValueError(message)
    return []


def checked(image: Tensor, checks: Sequence[Operation]) -> Tensor:
    """The image, after the checks."""
    return with_dependencies(list(checks), image) if checks else image


def at_least_3d(image: Tensor) -> list[Operation]:
    """Checks that an image has height, width and channels, none of them zero.

    Raises:
        ValueError: it is known that it has not.
    """
    shape = image.shape
    if shape.rank is not None and shape.rank < 3:
        raise ValueError(f"'image' (shape {shape}) must be at least three-dimensional.")
    inner = [None] * 3 if shape.rank is None else shape.as_list()[-3:]
    if 0 in inner:
        raise ValueError(f"inner 3 dims of 'image.shape' must be > 0: {shape}")
    if None not in inner:
        return []
    return [
        *require(shaping.rank(image) >= 3, "'image' must be at least three-dimensional."),
        *require(reduce_all(shaping.shape(image)[-3:] > 0), "inner 3 dims of 'image.shape' must be > 0."),
    ]


def some_rank(image: Tensor, of_one: Callable[[], Tensor], of_batch: Callable[[], Tensor]) -> Tensor:
    """One of two ways, by whether the image is one (rank 3) or a batch (rank 4).

    Raises:
        ValueError: it is known that it is neither.
    """
    rank = image.shape.rank
    if rank is None:
        found: Tensor = cond(equal(shaping.rank(image), 3), of_one, of_batch)
        return found
    if rank not in (3, 4):
        raise ValueError(f"'image' (shape {image.shape}) must have either 3 or 4 dimensions.")
    return of_one() if rank == 3 else of_batch()


def as_batch(image: Tensor) -> tuple[Tensor, bool]:
    """The image as a batch, and whether it was one.

    An image whose rank is not known is taken for a single one.

    Raises:
        ValueError: it has neither 3 nor 4 dimensions.
    """
    rank = image.shape.rank
    if rank == 4:
        return image, True
    if rank not in (None, 3):
        raise ValueError(f"'image' (shape {image.shape}) must have either 3 or 4 dimensions.")
    batch = shaping.expand_dims(image, 0)
    if rank is None:
        batch.set_shape([None] * 4)
    return batch, False


def unbatched(image: Tensor, is_batch: bool) -> Tensor:
    """Takes back what `as_batch` did."""
    return image if is_batch else shaping.squeeze(image, axis=[0])


def dims_of(image: Tensor) -> list[Any]:
    """Each dimension: an int where it is known, else a scalar tensor."""
    if image.shape.is_fully_defined():
        return image.shape.as_list()
    known = image.shape.as_list()
    dynamic = array.unstack(shaping.shape(image), num=len(known))
    return [d if k is None else k for k, d in zip(known, dynamic, strict=True)]


def static_size(value: Any) -> int | None:
    """The size as an int, None where it is known only in the step."""
    return None if is_tensor(value) else int(value)


def larger(x: Any, y: Any) -> Any:
    """The larger of two sizes."""
    return maximum(x, y) if is_tensor(x) or is_tensor(y) else max(x, y)


def smaller(x: Any, y: Any) -> Any:
    """The smaller of two sizes."""
    return minimum(x, y) if is_tensor(x) or is_tensor(y) else min(x, y)


def as_float(image: Tensor) -> Tensor:
    """The image in float16 or float32 as it is, or scaled to float32."""
    from .colors import convert_image_dtype

    if image.dtype in (dtypes.float16, dtypes.float32):
        return image
    return convert_image_dtype(image, dtypes.float32)
