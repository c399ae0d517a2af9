"""Shape rule and gradient plumbing that broadcasting ops share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..constant_value import constant_value
from ..graph import Tensor
from ..infer import InferContext
from ..shapes import TensorShape, broadcast_shapes

__all__ = ["broadcast_infer", "like_input", "sum_to_shape_of"]


def broadcast_infer(c: InferContext) -> Sequence[TensorShape]:
    """Shape rule: NumPy's broadcasting over all inputs."""
    return [broadcast_shapes(*c.shapes)]


def like_input(c: InferContext) -> Sequence[TensorShape]:
    """Shape rule: the shape of the first input."""
    return [c.shapes[0]]


def sum_to_shape_of(grads: Sequence[Tensor | None], x: Tensor, y: Tensor) -> list[Tensor | None]:
    """The gradients of a broadcasting op's two inputs, summed over the dimensions that were broadcast.

    Args:
        grads: gradients of the output's shape, for `x` and for `y`; None is passed through.
        x, y: the inputs.
    """
    from .array import BroadcastGradientArgs, Reshape, Shape
    from .reduction import Sum

    if x.shape.is_fully_defined() and x.shape == y.shape:
        return list(grads)
    axes = BroadcastGradientArgs(Shape(x), Shape(y))
    result: list[Tensor | None] = []
    for grad, tensor, axis in zip(grads, (x, y), axes, strict=True):
        if grad is None:
            result.append(None)
            continue
        known: Any = constant_value(axis)
        if known is not None and not known.size:
            result.append(grad)
        else:
            result.append(Reshape(Sum(grad, axis), Shape(tensor)))
    return result
