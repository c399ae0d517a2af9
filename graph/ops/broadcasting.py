"""Shape rule and gradient plumbing that broadcasting ops share."""

from __future__ import annotations

from collections.abc import Sequence

from ..elements import Tensor
from ..infer import InferContext
from ..shapes import Dimension, TensorShape, broadcast_shapes

__all__ = ["broadcast_axes", "broadcast_infer", "like_input", "sum_to_shape", "sum_to_shape_of"]


def broadcast_infer(c: InferContext) -> Sequence[TensorShape]:
    """Shape rule: NumPy's broadcasting over all inputs."""
    return [broadcast_shapes(*c.shapes)]


def like_input(c: InferContext) -> Sequence[TensorShape]:
    """Shape rule: the shape of the first input."""
    return [c.shapes[0]]


Axes = tuple[list[int], list[int]]


def broadcast_axes(x: TensorShape, y: TensorShape) -> Axes | None:
    """The axes of the broadcast of `x` and `y` that a gradient must be summed over to get back to `x`.

    Returns:
        Axes that `x` lacks, and axes in which it has size 1 while `y` may have more; None where that depends
        on dimensions that are not known.
    """
    if x.dims is None or y.dims is None:
        return None
    rank = max(len(x), len(y))
    lacking = list(range(rank - len(x)))
    ones = []
    for axis in range(len(lacking), rank):
        mine, other = x[axis - rank], _dim(y, axis - rank)
        if mine == 1 and other != 1:
            ones.append(axis)
        elif mine is None and other != 1:
            return None
    return lacking, ones


def _dim(shape: TensorShape, position: int) -> Dimension:
    return shape[position] if len(shape) >= -position else 1


def sum_to_shape_of(grads: Sequence[Tensor | None], x: Tensor, y: Tensor) -> list[Tensor | None]:
    """The gradients of a broadcasting op's two inputs, summed over the dimensions that were broadcast.

    Args:
        grads: gradients of the output's shape, for `x` and for `y`; None is passed through.
        x, y: the inputs.
    """
    known = broadcast_axes(x.shape, y.shape), broadcast_axes(y.shape, x.shape)
    if any(g is not None and k is None for g, k in zip(grads, known, strict=True)):
        return _summed_at_run_time(grads, known, x, y)
    return [
        grad if grad is None or axes is None else _sum_over(grad, *axes)
        for grad, axes in zip(grads, known, strict=True)
    ]


def sum_to_shape(grad: Tensor, x: Tensor) -> Tensor:
    """A gradient summed over the dimensions in which it is larger than `x`, to the shape of `x`."""
    return sum_to_shape_of([grad, None], x, grad)[0]  # type: ignore[return-value]


def _sum_over(grad: Tensor, lacking: list[int], ones: list[int]) -> Tensor:
    from .reduction import Sum

    if ones:
        grad = Sum(grad, ones, keep_dims=True)
    if lacking:
        grad = Sum(grad, lacking)
    return grad


def _summed_at_run_time(
    grads: Sequence[Tensor | None], known: Sequence[Axes | None], x: Tensor, y: Tensor
) -> list[Tensor | None]:
    from .array import BroadcastGradientArgs, Reshape, Shape
    from .reduction import Sum

    shapes = Shape(x), Shape(y)
    found: list[Tensor | None] = []
    for grad, mine, axes, shape in zip(grads, known, BroadcastGradientArgs(*shapes), shapes, strict=True):
        if grad is None:
            found.append(None)
        elif mine is not None:
            found.append(_sum_over(grad, *mine))
        else:
            found.append(Reshape(Sum(grad, axes), shape))
    return found
