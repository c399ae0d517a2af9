"""What streaming metrics share: variables that count, weights, and safe division."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

from ..graph.convert import convert_to_tensor
from ..graph.default_graph import get_default_graph
from ..graph.elements import Tensor
from ..graph.graph_keys import GraphKeys
from ..graph.opdef import get_op
from ..initializers import Zeros
from ..variable_scope import variable_scope
from ..variables import Variable

__all__ = ["cast", "collected", "metric_scope", "metric_variable", "paired", "ratio", "total", "weights_like"]

Metric = tuple[Tensor, Tensor]
"""A metric's value so far, and the operation that takes in one more batch and gives the value after it."""


@contextlib.contextmanager
def metric_scope(name: str | None, default: str) -> Iterator[None]:
    """The variable scope of a metric; a new one for each metric of the same name."""
    with variable_scope(name, default):
        yield


def metric_variable(shape: Any, dtype: Any, name: str) -> Variable:
    """A variable that starts at zero and belongs to a metric, not to the model."""
    from ..variable_scope import get_variable_scope

    prefix = get_variable_scope().name
    keys = [GraphKeys.LOCAL_VARIABLES, GraphKeys.METRIC_VARIABLES]
    with get_default_graph().name_scope(None):
        return Variable(
            lambda: Zeros()(shape, dtype), trainable=False, collections=keys, name=f"{prefix}/{name}"
        )


def cast(x: Any, dtype: Any) -> Tensor:
    x = convert_to_tensor(x)
    return x if x.dtype == dtype else get_op("Cast")(x, DstT=dtype)


def total(x: Tensor, axes: Any = None) -> Tensor:
    """The sum over some axes, all by default."""
    if axes is None:
        rank = x.shape.rank
        axes = list(range(rank)) if rank is not None else get_op("Range")(0, get_op("Rank")(x), 1)
    return get_op("Sum")(x, axes)  # type: ignore[no-any-return]


def ratio(numerator: Tensor, denominator: Tensor, name: str) -> Tensor:
    """The ratio; zero where the denominator is."""
    return get_op("DivNoNan")(numerator, denominator, name=name)  # type: ignore[no-any-return]


def weights_like(weights: Any, values: Tensor, dtype: Any = "float32") -> Tensor:
    """Weights in the shape of the values.

    Raises:
        ValueError: they are no scalar and their dimensions are neither equal nor one.
    """
    weights = cast(weights, dtype)
    rank = weights.shape.rank
    if rank and values.shape.rank is not None:
        fits = rank == len(values.shape) and all(
            w in (1, v) or w is None or v is None for w, v in zip(weights.shape, values.shape, strict=True)
        )
        if not fits:
            raise ValueError(
                f"weights of shape {weights.shape} do not fit to values of shape {values.shape}."
            )
    return get_op("Mul")(weights, get_op("OnesLike")(cast(values, dtype)))  # type: ignore[no-any-return]


def paired(labels: Any, predictions: Any) -> tuple[Tensor, Tensor]:
    """Labels and predictions of equal rank: one whose last dimension is 1 loses it.

    Raises:
        ValueError: their shapes contradict each other.
    """
    labels, predictions = convert_to_tensor(labels), convert_to_tensor(predictions)
    ranks = labels.shape.rank, predictions.shape.rank
    if None not in ranks:
        if ranks[0] == ranks[1] + 1 and labels.shape[-1] in (1, None):  # type: ignore[operator]
            labels = get_op("Squeeze")(labels, squeeze_dims=[-1])
        elif ranks[1] == ranks[0] + 1 and predictions.shape[-1] in (1, None):  # type: ignore[operator]
            predictions = get_op("Squeeze")(predictions, squeeze_dims=[-1])
    if not labels.shape.is_compatible_with(predictions.shape):
        raise ValueError(f"labels have shape {labels.shape}, predictions {predictions.shape}.")
    return labels, predictions


def collected(
    value: Tensor,
    update: Tensor,
    metrics_collections: Iterable[str] | str | None,
    updates_collections: Iterable[str] | str | None,
) -> Metric:
    """The metric, with both parts added to collections."""
    graph = get_default_graph()
    if metrics_collections:
        graph.add_to_collections(metrics_collections, value)
    if updates_collections:
        graph.add_to_collections(updates_collections, update)
    return value, update
