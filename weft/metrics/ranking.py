"""Streaming metrics of the best k predictions."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph.convert import convert_to_tensor
from ..graph.elements import Tensor
from ..graph.opdef import get_op
from .common import Metric, cast, collected, metric_scope, metric_variable, ratio, total

__all__ = [
    "average_precision_at_k",
    "precision_at_k",
    "precision_at_top_k",
    "recall_at_k",
    "recall_at_top_k",
    "sparse_average_precision_at_k",
    "sparse_precision_at_k",
]


def _rows_of_labels(labels: Any) -> Tensor:
    """Labels as int64 of shape `(rows, labels per row)`."""
    labels = cast(labels, "int64")
    if labels.shape.rank == 1:
        return get_op("ExpandDims")(labels, -1)  # type: ignore[no-any-return]
    if labels.shape.rank == 2:
        return labels
    return get_op("Reshape")(labels, [-1, int(labels.shape[-1])])  # type: ignore[no-any-return]


def _best(predictions: Any, k: int) -> Tensor:
    """The classes of the k greatest predictions, of shape `(rows, k)`."""
    predictions = convert_to_tensor(predictions)
    flat = get_op("Reshape")(predictions, [-1, int(predictions.shape[-1])])
    _, indices = get_op("TopKV2")(flat, k)
    return cast(indices, "int64")


def _matches(labels: Tensor, best: Tensor) -> Tensor:
    """Booleans of shape `(rows, labels, k)`: whether a label is one of the best."""
    return get_op("Equal")(get_op("ExpandDims")(labels, 2), get_op("ExpandDims")(best, 1))  # type: ignore[no-any-return]


def _distinct(labels: Tensor) -> Tensor:
    """Floats of shape `(rows, labels)`: one for the first of equal labels that are not negative."""
    number = int(labels.shape[1])
    equal = get_op("Equal")(get_op("ExpandDims")(labels, 2), get_op("ExpandDims")(labels, 1))
    before = convert_to_tensor(np.tril(np.ones((number, number), np.float32), -1))
    repeated = get_op("Sum")(cast(equal, "float32") * before, [2])
    valid = get_op("LogicalAnd")(get_op("Equal")(repeated, 0.0), get_op("GreaterEqual")(labels, 0))
    return cast(valid, "float32")


def _weighted_total(per_row: Tensor, weights: Any) -> Tensor:
    return total(per_row if weights is None else per_row * _row_weights(weights, per_row.dtype))


def _row_weights(weights: Any, dtype: Any) -> Tensor:
    """Weights as one number, or one per row."""
    scale = cast(weights, dtype)
    return scale if scale.shape.rank == 0 else get_op("Reshape")(scale, [-1])


def _hits(labels: Tensor, best: Tensor, class_id: int | None) -> Tensor:
    """Per row, how many of the best (of that class) are among the labels."""
    hit = cast(get_op("Any")(_matches(labels, best), [1]), "float32")
    if class_id is not None:
        hit = hit * cast(get_op("Equal")(best, class_id), "float32")
    return get_op("Sum")(hit, [1])  # type: ignore[no-any-return]


def _share(
    wanted: Tensor, other: Tensor, weights: Any, names: tuple[str, str], collections: tuple[Any, Any]
) -> Metric:
    """The sum of `wanted` over that of both, per-row counts."""
    a, b = (metric_variable([], "float64", n) for n in names)
    new_a = a.assign_add(cast(_weighted_total(wanted, weights), "float64"))
    new_b = b.assign_add(cast(_weighted_total(other, weights), "float64"))
    value = ratio(a.value(), a.value() + b.value(), "value")
    update = ratio(new_a, new_a + new_b, "update")
    return collected(value, update, *collections)


def precision_at_top_k(
    labels: Any,
    predictions_idx: Any,
    k: int | None = None,
    class_id: int | None = None,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The share of predicted classes that are among the labels.

    Args:
        labels: class numbers of shape `(batch,)` or `(batch, labels)`; negative ones do not count.
        predictions_idx: predicted class numbers of shape `(batch, k)`.
        k: part of the metric's name.
        class_id: a class; others then do not count.
        weights: a scalar, or one per entry of the batch.
        metrics_collections: collections that the value is added to.
        updates_collections: collections that the update is added to.
        name: name of the metric's variable scope.

    Returns:
        The share so far, and the operation that takes in one more batch.
    """
    with metric_scope(name, _named("precision_at", k, class_id)):
        best, rows = cast(predictions_idx, "int64"), _rows_of_labels(labels)
        hits = _hits(rows, best, class_id)
        chosen = get_op("OnesLike")(cast(best, "float32"))
        if class_id is not None:
            chosen = cast(get_op("Equal")(best, class_id), "float32")
        wrong = get_op("Sum")(chosen, [1]) - hits
        names = (_named("true_positive_at", k, class_id), _named("false_positive_at", k, class_id))
        return _share(hits, wrong, weights, names, (metrics_collections, updates_collections))


def precision_at_k(
    labels: Any,
    predictions: Any,
    k: int,
    class_id: int | None = None,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The share of the k classes predicted most strongly that are among the labels.

    Args:
        predictions: a number per class, of shape `(batch, classes)`.
        k: how many classes.
        labels, class_id, weights, metrics_collections, updates_collections, name: as `precision_at_top_k`.
    """
    best = _best(predictions, k)
    return precision_at_top_k(
        labels, best, k, class_id, weights, metrics_collections, updates_collections, name
    )


sparse_precision_at_k = precision_at_k


def recall_at_top_k(
    labels: Any,
    predictions_idx: Any,
    k: int | None = None,
    class_id: int | None = None,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The share of labels that are among the predicted classes; arguments as `precision_at_top_k`."""
    with metric_scope(name, _named("recall_at", k, class_id)):
        best, rows = cast(predictions_idx, "int64"), _rows_of_labels(labels)
        counted = _distinct(rows)
        if class_id is not None:
            counted = counted * cast(get_op("Equal")(rows, class_id), "float32")
        found = cast(get_op("Any")(_matches(rows, best), [2]), "float32") * counted
        hits = get_op("Sum")(found, [1])
        missed = get_op("Sum")(counted, [1]) - hits
        names = (_named("true_positive_at", k, class_id), _named("false_negative_at", k, class_id))
        return _share(hits, missed, weights, names, (metrics_collections, updates_collections))


def recall_at_k(
    labels: Any,
    predictions: Any,
    k: int,
    class_id: int | None = None,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The share of labels that are among the k classes predicted most strongly; as `precision_at_k`."""
    best = _best(predictions, k)
    return recall_at_top_k(labels, best, k, class_id, weights, metrics_collections, updates_collections, name)


def average_precision_at_k(
    labels: Any,
    predictions: Any,
    k: int,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The mean over entries of the batch of the average precision over the first 1, 2, ... k predictions.

    Args:
        labels: class numbers of shape `(batch,)` or `(batch, labels)`.
        predictions: a number per class, of shape `(batch, classes)`.
        k: how many classes.
        weights, metrics_collections, updates_collections, name: as for `precision_at_top_k`.
    """
    with metric_scope(name, _named("average_precision_at", k, None)):
        best, rows = _best(predictions, k), _rows_of_labels(labels)
        hit = cast(get_op("Any")(_matches(rows, best), [1]), "float64")
        ranks = convert_to_tensor(np.arange(1, k + 1, dtype=np.float64))
        precision = get_op("Cumsum")(hit, 1) / ranks
        # A label that comes twice counts twice here, as in TensorFlow.
        valid = cast(get_op("GreaterEqual")(rows, 0), "float64")
        relevant = get_op("Minimum")(get_op("Sum")(valid, [1]), float(k))
        average = get_op("DivNoNan")(get_op("Sum")(precision * hit, [1]), relevant)
        ones = get_op("OnesLike")(average)
        if weights is not None:
            scale = _row_weights(weights, "float64")
            average, ones = average * scale, ones * scale
        sums, counts = metric_variable([], "float64", "total"), metric_variable([], "float64", "max")
        new_sum, new_count = sums.assign_add(total(average)), counts.assign_add(total(ones))
        value = ratio(sums.value(), counts.value(), "mean")
        update = ratio(new_sum, new_count, "update")
        return collected(value, update, metrics_collections, updates_collections)


sparse_average_precision_at_k = average_precision_at_k


def _named(what: str, k: int | None, class_id: int | None) -> str:
    name = f"{what}_{k}" if k is not None else f"{what}_k"
    return name if class_id is None else f"{name}_class{class_id}"
