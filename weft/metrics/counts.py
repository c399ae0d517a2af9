"""Streaming counts of right and wrong predictions of a yes or no, and the ratios made of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..graph.convert import convert_to_tensor
from ..graph.elements import Tensor
from ..graph.opdef import get_op
from .common import Metric, cast, collected, metric_scope, metric_variable, paired, ratio, total, weights_like

__all__ = [
    "auc",
    "false_negatives",
    "false_negatives_at_thresholds",
    "false_positives",
    "false_positives_at_thresholds",
    "precision",
    "precision_at_thresholds",
    "recall",
    "recall_at_thresholds",
    "sensitivity_at_specificity",
    "specificity_at_sensitivity",
    "true_negatives",
    "true_negatives_at_thresholds",
    "true_positives",
    "true_positives_at_thresholds",
]

_EPSILON = 1e-7
_KINDS = {"tp": (True, True), "fp": (False, True), "tn": (False, False), "fn": (True, False)}
"""For each count, which label and which prediction it counts."""


def _count(
    kind: str,
    labels: Any,
    predictions: Any,
    weights: Any,
    metrics_collections: Any,
    updates_collections: Any,
    name: str | None,
    default: str,
) -> Metric:
    """How often the label and prediction of one kind came together."""
    with metric_scope(name, default):
        labels, predictions = paired(cast(labels, "bool"), cast(predictions, "bool"))
        label, prediction = _KINDS[kind]
        hit = get_op("LogicalAnd")(
            labels if label else get_op("LogicalNot")(labels),
            predictions if prediction else get_op("LogicalNot")(predictions),
        )
        values = cast(hit, "float32")
        if weights is not None:
            values = get_op("Mul")(values, weights_like(weights, values))
        count = metric_variable([], "float32", "count")
        update = count.assign_add(total(values))
        return collected(count.value(), update, metrics_collections, updates_collections)


def true_positives(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """How often a prediction and its label were both true.

    Args:
        labels, predictions: booleans, or numbers that are made booleans, of one shape.
        weights: a scalar, or of the labels' rank with dimensions that are equal or one; ones by default.
        metrics_collections: collections that the value is added to.
        updates_collections: collections that the update is added to.
        name: name of the metric's variable scope.

    Returns:
        The (weighted) count so far, and the operation that takes in one more batch and gives it after it.
    """
    return _count(
        "tp", labels, predictions, weights, metrics_collections, updates_collections, name, "true_positives"
    )


def false_positives(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """How often a prediction was true and its label false; arguments and result as `true_positives`."""
    return _count(
        "fp", labels, predictions, weights, metrics_collections, updates_collections, name, "false_positives"
    )


def true_negatives(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """How often a prediction and its label were both false; arguments and result as `true_positives`."""
    return _count(
        "tn", labels, predictions, weights, metrics_collections, updates_collections, name, "true_negatives"
    )


def false_negatives(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """How often a prediction was false and its label true; arguments and result as `true_positives`."""
    return _count(
        "fn", labels, predictions, weights, metrics_collections, updates_collections, name, "false_negatives"
    )


def precision(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The share of true predictions whose label was true; arguments as `true_positives`."""
    with metric_scope(name, "precision"):
        hits, update_hits = true_positives(labels, predictions, weights)
        wrong, update_wrong = false_positives(labels, predictions, weights)
        value = ratio(hits, hits + wrong, "value")
        update = ratio(update_hits, update_hits + update_wrong, "update_op")
        return collected(value, update, metrics_collections, updates_collections)


def recall(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The share of true labels that were predicted true; arguments as `true_positives`."""
    with metric_scope(name, "recall"):
        hits, update_hits = true_positives(labels, predictions, weights)
        missed, update_missed = false_negatives(labels, predictions, weights)
        value = ratio(hits, hits + missed, "value")
        update = ratio(update_hits, update_hits + update_missed, "update_op")
        return collected(value, update, metrics_collections, updates_collections)


Counts = dict[str, Tensor]


def _at_thresholds(
    labels: Any, predictions: Any, thresholds: Any, weights: Any, kinds: Sequence[str]
) -> tuple[Counts, Counts]:
    """Counts per threshold of predictions in [0, 1], so far and after one more batch."""
    labels, predictions = paired(cast(labels, "bool"), cast(predictions, "float32"))
    edges = convert_to_tensor(np.asarray(list(thresholds), np.float32))
    number = int(edges.shape[0])
    rows = get_op("Reshape")(predictions, [1, -1])
    positive = get_op("Greater")(rows, get_op("Reshape")(edges, [-1, 1]))
    truth = get_op("Reshape")(labels, [1, -1])
    if weights is not None:
        weights = get_op("Reshape")(weights_like(weights, predictions), [1, -1])
    values, updates = {}, {}
    for kind in kinds:
        label, prediction = _KINDS[kind]
        hit = get_op("LogicalAnd")(
            truth if label else get_op("LogicalNot")(truth),
            positive if prediction else get_op("LogicalNot")(positive),
        )
        number_hit = cast(hit, "float32")
        if weights is not None:
            number_hit = get_op("Mul")(number_hit, weights)
        names = {
            "tp": "true_positives",
            "fp": "false_positives",
            "tn": "true_negatives",
            "fn": "false_negatives",
        }
        count = metric_variable([number], "float32", names[kind])
        values[kind], updates[kind] = count.value(), count.assign_add(get_op("Sum")(number_hit, [1]))
    return values, updates


def _count_at_thresholds(
    kind: str,
    labels: Any,
    predictions: Any,
    thresholds: Any,
    weights: Any,
    metrics_collections: Any,
    updates_collections: Any,
    name: str | None,
    default: str,
) -> Metric:
    with metric_scope(name, default):
        values, updates = _at_thresholds(labels, predictions, thresholds, weights, [kind])
        return collected(values[kind], updates[kind], metrics_collections, updates_collections)


def true_positives_at_thresholds(
    labels: Any,
    predictions: Any,
    thresholds: Sequence[float],
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """For each threshold, how often a prediction lay above it and its label was true.

    Args:
        thresholds: numbers in [0, 1].
        labels: booleans, or numbers that are made booleans.
        predictions: numbers in [0, 1], of the labels' shape.
        weights, metrics_collections, updates_collections, name: as for `true_positives`.

    Returns:
        The counts so far, of shape `(thresholds,)`, and the operation that takes in one more batch.
    """
    return _count_at_thresholds(
        "tp",
        labels,
        predictions,
        thresholds,
        weights,
        metrics_collections,
        updates_collections,
        name,
        "true_positives",
    )


def false_positives_at_thresholds(
    labels: Any,
    predictions: Any,
    thresholds: Sequence[float],
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """As `true_positives_at_thresholds`, where the label was false.

    Args:
        labels: what is true.
        predictions: what was predicted.
        thresholds: above which a prediction counts.
        weights: weight of each value.
        metrics_collections: collections that the value is added to.
        updates_collections: collections that the update is added to.
    """
    return _count_at_thresholds(
        "fp",
        labels,
        predictions,
        thresholds,
        weights,
        metrics_collections,
        updates_collections,
        name,
        "false_positives",
    )


def true_negatives_at_thresholds(
    labels: Any,
    predictions: Any,
    thresholds: Sequence[float],
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """As `true_positives_at_thresholds`, for predictions not above, where the label was false.

    Args:
        labels: what is true.
        predictions: what was predicted.
        thresholds: above which a prediction counts.
        weights: weight of each value.
        metrics_collections: collections that the value is added to.
        updates_collections: collections that the update is added to.
    """
    return _count_at_thresholds(
        "tn",
        labels,
        predictions,
        thresholds,
        weights,
        metrics_collections,
        updates_collections,
        name,
        "true_negatives",
    )


def false_negatives_at_thresholds(
    labels: Any,
    predictions: Any,
    thresholds: Sequence[float],
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """As `true_positives_at_thresholds`, for predictions not above, where the label was true.

    Args:
        labels: what is true.
        predictions: what was predicted.
        thresholds: above which a prediction counts.
        weights: weight of each value.
        metrics_collections: collections that the value is added to.
        updates_collections: collections that the update is added to.
    """
    return _count_at_thresholds(
        "fn",
        labels,
        predictions,
        thresholds,
        weights,
        metrics_collections,
        updates_collections,
        name,
        "false_negatives",
    )


def precision_at_thresholds(
    labels: Any,
    predictions: Any,
    thresholds: Sequence[float],
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """For each threshold the precision above it; arguments as `true_positives_at_thresholds`."""

    def share(c: Counts, what: str) -> Tensor:
        return get_op("RealDiv")(c["tp"], _EPSILON + c["tp"] + c["fp"], name=f"precision_{what}")  # type: ignore[no-any-return]

    with metric_scope(name, "precision_at_thresholds"):
        values, updates = _at_thresholds(labels, predictions, thresholds, weights, ["tp", "fp"])
        return collected(
            share(values, "value"), share(updates, "update_op"), metrics_collections, updates_collections
        )


def recall_at_thresholds(
    labels: Any,
    predictions: Any,
    thresholds: Sequence[float],
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """For each threshold the recall above it; arguments as `true_positives_at_thresholds`."""

    def share(c: Counts, what: str) -> Tensor:
        return get_op("RealDiv")(c["tp"], _EPSILON + c["tp"] + c["fn"], name=f"recall_{what}")  # type: ignore[no-any-return]

    with metric_scope(name, "recall_at_thresholds"):
        values, updates = _at_thresholds(labels, predictions, thresholds, weights, ["tp", "fn"])
        return collected(
            share(values, "value"), share(updates, "update_op"), metrics_collections, updates_collections
        )


def _spread_thresholds(number: int) -> list[float]:
    """So many thresholds over [0, 1], the ends a little outside."""
    inner = [(i + 1) / (number - 1) for i in range(number - 2)]
    return [-_EPSILON, *inner, 1.0 + _EPSILON]


def auc(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    num_thresholds: int = 200,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    curve: str = "ROC",
    name: str | None = None,
    summation_method: str = "trapezoidal",
    thresholds: Sequence[float] | None = None,
) -> Metric:
    """The area under a curve over thresholds, by sums over so many of them.

    Args:
        labels: booleans, or numbers that are made booleans.
        predictions: numbers in [0, 1], of the labels' shape.
        weights, metrics_collections, updates_collections, name: as for `true_positives`.
        num_thresholds: how many thresholds.
        curve: "ROC": true against false positive rate; "PR": precision against recall.
        summation_method: "trapezoidal", "careful_interpolation" (for PR), "minoring" or "majoring".
        thresholds: thresholds between 0 and 1 in the place of evenly spread ones.

    Raises:
        ValueError: there is no such curve or method.

    Source:
        Davis and Goadrich, "The Relationship Between Precision-Recall and ROC Curves", 2006, for the
        interpolation.
    """
    if curve not in ("ROC", "PR"):
        raise ValueError(f"curve must be ROC or PR, got {curve!r}.")
    if summation_method not in ("trapezoidal", "careful_interpolation", "minoring", "majoring"):
        raise ValueError(f"summation_method {summation_method!r} is not known.")
    if summation_method == "careful_interpolation" and curve != "PR":
        raise ValueError("careful_interpolation is for the PR curve.")
    with metric_scope(name, "auc"):
        if thresholds is None:
            edges = _spread_thresholds(num_thresholds)
        else:
            edges = [-_EPSILON, *sorted(thresholds), 1.0 + _EPSILON]
        values, updates = _at_thresholds(labels, predictions, edges, weights, list(_KINDS))

        def area(c: Counts, what: str) -> Tensor:
            if summation_method == "careful_interpolation":
                return _interpolated_area(c, len(edges), what)
            return _area(c, curve, summation_method, what)

        return collected(
            area(values, "value"), area(updates, "update_op"), metrics_collections, updates_collections
        )


def _area(c: Counts, curve: str, method: str, name: str) -> Tensor:
    recall_rate = get_op("RealDiv")(c["tp"] + _EPSILON, c["tp"] + c["fn"] + _EPSILON)
    if curve == "ROC":
        x, y = get_op("RealDiv")(c["fp"], c["fp"] + c["tn"] + _EPSILON), recall_rate
    else:
        x, y = recall_rate, get_op("RealDiv")(c["tp"] + _EPSILON, c["tp"] + c["fp"] + _EPSILON)
    width = x[:-1] - x[1:]
    height: Any
    if method == "minoring":
        height = get_op("Minimum")(y[:-1], y[1:])
    elif method == "majoring":
        height = get_op("Maximum")(y[:-1], y[1:])
    else:
        height = (y[:-1] + y[1:]) / 2.0
    return get_op("Sum")(get_op("Mul")(width, height), [0], name=name)  # type: ignore[no-any-return]


def _interpolated_area(c: Counts, number: int, name: str) -> Tensor:
    """The area under the precision-recall curve with true positives interpolated along positives."""
    hits, positives = c["tp"], c["tp"] + c["fp"]
    delta = hits[:-1] - hits[1:]
    delta_positives = positives[:-1] - positives[1:]
    slope = get_op("DivNoNan")(delta, get_op("Maximum")(delta_positives, 0.0))
    intercept = hits[1:] - slope * positives[1:]
    both = get_op("LogicalAnd")(get_op("Greater")(positives[:-1], 0.0), get_op("Greater")(positives[1:], 0.0))
    recall_ratio = get_op("SelectV2")(
        both,
        get_op("DivNoNan")(positives[:-1], get_op("Maximum")(positives[1:], 0.0)),
        get_op("OnesLike")(positives[1:]),
    )
    grown = slope * (delta + intercept * get_op("Log")(recall_ratio))
    true_labels = hits[1:] + c["fn"][1:]
    return get_op("Sum")(  # type: ignore[no-any-return]
        get_op("DivNoNan")(grown, get_op("Maximum")(true_labels, 0.0)), [0], name=name
    )


def _rates(c: Counts) -> tuple[Tensor, Tensor]:
    sensitivity = get_op("RealDiv")(c["tp"], c["tp"] + c["fn"] + _EPSILON)
    specificity = get_op("RealDiv")(c["tn"], c["tn"] + c["fp"] + _EPSILON)
    return sensitivity, specificity


def _one_rate_at_other(
    labels: Any,
    predictions: Any,
    weights: Any,
    num_thresholds: int,
    pick: Callable[[Counts, str], Tensor],
    metrics_collections: Any,
    updates_collections: Any,
) -> Metric:
    edges = _spread_thresholds(num_thresholds)
    values, updates = _at_thresholds(labels, predictions, edges, weights, list(_KINDS))
    return collected(
        pick(values, "value"), pick(updates, "update_op"), metrics_collections, updates_collections
    )


def sensitivity_at_specificity(
    labels: Any,
    predictions: Any,
    specificity: float,
    weights: Any = None,
    num_thresholds: int = 200,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The true positive rate at the threshold whose true negative rate comes closest to a given one.

    Args:
        specificity: the true negative rate, in [0, 1].
        labels, predictions, weights, num_thresholds, metrics_collections, updates_collections, name: as `auc`.
    """
    if not 0 <= specificity <= 1:
        raise ValueError(f"specificity must be in [0, 1], got {specificity}.")

    def pick(c: Counts, what: str) -> Tensor:
        sensitivities, specificities = _rates(c)
        distance = get_op("Abs")(specificities - specificity)
        nearest = get_op("Equal")(get_op("Min")(distance, [0]), distance)
        # Where several come equally close, the first.
        index = get_op("ArgMax")(cast(nearest, "int64"), 0)
        return get_op("GatherV2")(sensitivities, index, 0, name=what)  # type: ignore[no-any-return]

    with metric_scope(name, "sensitivity_at_specificity"):
        return _one_rate_at_other(
            labels, predictions, weights, num_thresholds, pick, metrics_collections, updates_collections
        )


def specificity_at_sensitivity(
    labels: Any,
    predictions: Any,
    sensitivity: float,
    weights: Any = None,
    num_thresholds: int = 200,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The true negative rate at the threshold whose true positive rate comes closest to a given one.

    Args:
        sensitivity: the true positive rate, in [0, 1].
        labels, predictions, weights, num_thresholds, metrics_collections, updates_collections, name: as `auc`.
    """
    if not 0 <= sensitivity <= 1:
        raise ValueError(f"sensitivity must be in [0, 1], got {sensitivity}.")

    def pick(c: Counts, what: str) -> Tensor:
        sensitivities, specificities = _rates(c)
        distance = get_op("Abs")(sensitivities - sensitivity)
        nearest = cast(get_op("Equal")(get_op("Min")(distance, [0]), distance), "int64")
        # Where several come equally close, the last: the largest threshold.
        positions = convert_to_tensor(np.arange(1, num_thresholds + 1, dtype=np.int64))
        index = get_op("ArgMax")(get_op("Mul")(nearest, positions), 0)
        return get_op("GatherV2")(specificities, index, 0, name=what)  # type: ignore[no-any-return]

    with metric_scope(name, "specificity_at_sensitivity"):
        return _one_rate_at_other(
            labels, predictions, weights, num_thresholds, pick, metrics_collections, updates_collections
        )
