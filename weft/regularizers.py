"""Regularizers: functions from a variable to a loss on its size."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from numbers import Real
from typing import Any

from . import nn
from .graph.convert import convert_to_tensor
from .graph.default_graph import get_default_graph, name_scope
from .graph.elements import Tensor
from .graph.graph_keys import GraphKeys
from .graph.opdef import get_op

__all__ = [
    "apply_regularization",
    "l1_l2_regularizer",
    "l1_regularizer",
    "l2_regularizer",
    "sum_regularizer",
]

Regularizer = Callable[[Any], Tensor | None]


def _checked(scale: Any, name: str) -> float:
    if not isinstance(scale, Real) or isinstance(scale, bool):
        raise ValueError(f"{name} must be a number, got {scale!r}.")
    if scale < 0.0:
        raise ValueError(f"{name} must not be negative, got {scale}.")
    return float(scale)


def l1_regularizer(scale: float, scope: str | None = None) -> Regularizer:
    """A function that gives `scale` times the sum of absolute values.

    Args:
        scale: weight; zero for a function that gives None.
        scope: name scope of the ops.

    Raises:
        ValueError: `scale` is negative or no number.
    """
    weight = _checked(scale, "scale")
    if not weight:
        return lambda _: None

    def regularize(weights: Any) -> Tensor:
        with name_scope(scope, "l1_regularizer") as inner:
            total = _total(get_op("Abs")(weights))
            return get_op("Mul")(_scale(weight, total), total, name=inner)  # type: ignore[no-any-return]

    return regularize


def l2_regularizer(scale: float, scope: str | None = None) -> Regularizer:
    """A function that gives `scale` times half the sum of squares; arguments as `l1_regularizer`."""
    weight = _checked(scale, "scale")
    if not weight:
        return lambda _: None

    def regularize(weights: Any) -> Tensor:
        with name_scope(scope, "l2_regularizer") as inner:
            total = nn.l2_loss(convert_to_tensor(weights))
            return get_op("Mul")(_scale(weight, total), total, name=inner)  # type: ignore[no-any-return]

    return regularize


def l1_l2_regularizer(scale_l1: float = 1.0, scale_l2: float = 1.0, scope: str | None = None) -> Regularizer:
    """The sum of an `l1_regularizer` and an `l2_regularizer`.

    Args:
        scale_l1: factor of the sum of absolute values.
        scale_l2: factor of half the sum of squares.
        scope: keeps what is under this scope.
    """
    if not _checked(scale_l1, "scale_l1"):
        return l2_regularizer(scale_l2, scope)
    if not _checked(scale_l2, "scale_l2"):
        return l1_regularizer(scale_l1, scope)
    return sum_regularizer([l1_regularizer(scale_l1), l2_regularizer(scale_l2)], scope or "l1_l2_regularizer")


def sum_regularizer(regularizer_list: Iterable[Regularizer | None], scope: str | None = None) -> Regularizer:
    """A function that gives the sum of what several give.

    Args:
        regularizer_list: functions from weights to a loss; None among them is left out.
        scope: keeps what is under this scope.
    """
    regularizers = [r for r in regularizer_list if r is not None]

    def regularize(weights: Any) -> Tensor | None:
        with name_scope(scope, "sum_regularizer") as inner:
            losses = [loss for r in regularizers if (loss := r(weights)) is not None]
            return get_op("AddN")(losses, name=inner) if losses else None

    return regularize


def apply_regularization(regularizer: Regularizer, weights_list: Iterable[Any] | None = None) -> Tensor:
    """The sum of a regularizer's losses over variables, added to `GraphKeys.REGULARIZATION_LOSSES`.

    Args:
        regularizer: function from a tensor to a scalar.
        weights_list: variables; those in `GraphKeys.WEIGHTS` by default.

    Raises:
        ValueError: there are none.
    """
    graph = get_default_graph()
    weights = graph.get_collection(GraphKeys.WEIGHTS) if weights_list is None else list(weights_list)
    if not weights:
        raise ValueError("There are no weights to regularize.")
    with graph.name_scope("get_regularization_penalty"):
        losses = [loss for w in weights if (loss := regularizer(w)) is not None]
        total = get_op("AddN")(losses) if losses else convert_to_tensor(0.0)
    graph.add_to_collection(GraphKeys.REGULARIZATION_LOSSES, total)
    return total


def _total(x: Tensor) -> Tensor:
    return get_op("Sum")(x, list(range(x.shape.rank or 0)))  # type: ignore[no-any-return]


def _scale(weight: float, like: Tensor) -> Tensor:
    return convert_to_tensor(weight, like.dtype, name="scale")
