"""Running sums and products along an axis."""

from __future__ import annotations

from typing import Any

from .graph.elements import Tensor
from .graph.opdef import get_op

__all__ = ["cumprod", "cumsum", "cumulative_logsumexp"]


def cumsum(
    x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None
) -> Tensor:
    """Sum of all elements up to each.

    Args:
        x: a tensor of numbers.
        axis: along which axis.
        exclusive: leaves each element itself out.
        reverse: begins at the other end.
        name: name of the op.

    Source:
        TensorFlow's op Cumsum.
    """
    return get_op("Cumsum")(x, axis, exclusive=exclusive, reverse=reverse, name=name)


def cumprod(
    x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None
) -> Tensor:
    """Product of all elements up to each.

    Args:
        x: a tensor of numbers.
        axis: along which axis.
        exclusive: leaves each element itself out.
        reverse: begins at the other end.
        name: name of the op.

    Source:
        TensorFlow's op Cumprod.
    """
    return get_op("Cumprod")(x, axis, exclusive=exclusive, reverse=reverse, name=name)


def cumulative_logsumexp(
    x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None
) -> Tensor:
    """log(sum(exp(x))) of all elements up to each, without overflow.

    Args:
        x: a floating tensor.
        axis: along which axis.
        exclusive: leaves each element itself out; the first result is -infinity.
        reverse: begins at the other end.
        name: name of the op.

    Source:
        TensorFlow's op CumulativeLogsumexp.
    """
    return get_op("CumulativeLogsumexp")(x, axis, exclusive=exclusive, reverse=reverse, name=name)
