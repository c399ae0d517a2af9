"""Streaming means: of values, of errors, of agreement."""

from __future__ import annotations

from typing import Any

from ..graph.convert import convert_to_tensor
from ..graph.default_graph import get_default_graph
from ..graph.elements import Tensor
from ..graph.opdef import get_op
from ..shaping import size
from .common import Metric, cast, collected, metric_scope, metric_variable, paired, ratio, total, weights_like

__all__ = [
    "accuracy",
    "mean",
    "mean_absolute_error",
    "mean_cosine_distance",
    "mean_iou",
    "mean_per_class_accuracy",
    "mean_relative_error",
    "mean_squared_error",
    "mean_tensor",
    "percentage_below",
    "root_mean_squared_error",
]


def mean(
    values: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The weighted mean of all values seen so far.

    Args:
        values: numbers of any shape.
        weights: a scalar, or of the values' rank with dimensions that are equal or one; ones by default.
        metrics_collections: collections that the value is added to.
        updates_collections: collections that the update is added to.
        name: name of the metric's variable scope.

    Returns:
        The mean so far, and the operation that takes in one more batch and gives the mean after it. Both are
        kept in local variables: run `tf.local_variables_initializer()` first.

    Raises:
        ValueError: the weights cannot be broadcast to the values.
    """
    with metric_scope(name, "mean"):
        values = cast(values, "float32")
        sums, counts = metric_variable([], "float32", "total"), metric_variable([], "float32", "count")
        if weights is None:
            number = cast(size(values), "float32")
        else:
            weights = weights_like(weights, values)
            values, number = get_op("Mul")(values, weights), total(weights)
        update_sum = sums.assign_add(total(values))
        with get_default_graph().control_dependencies([values]):
            update_count = counts.assign_add(number)
        value = ratio(sums.value(), counts.value(), "value")
        update = ratio(update_sum, update_count, "update_op")
        return collected(value, update, metrics_collections, updates_collections)


def accuracy(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The share of predictions that equal their labels.

    Args:
        labels: what should be predicted.
        predictions: of the labels' shape.
        weights, metrics_collections, updates_collections, name: as for `mean`.

    Returns:
        The share so far, and the operation that takes in one more batch.
    """
    labels, predictions = paired(labels, predictions)
    if labels.dtype is not predictions.dtype:
        predictions = cast(predictions, labels.dtype)
    equal = cast(get_op("Equal")(predictions, labels), "float32")
    return mean(equal, weights, metrics_collections, updates_collections, name or "accuracy")


def mean_tensor(
    values: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The weighted mean over batches, element by element; arguments as `mean`, values of a known shape."""
    with metric_scope(name, "mean"):
        values = cast(values, "float32")
        shape = values.shape.known()
        sums = metric_variable(shape, "float32", "total_tensor")
        counts = metric_variable(shape, "float32", "count_tensor")
        number = get_op("OnesLike")(values)
        if weights is not None:
            weights = weights_like(weights, values)
            values, number = get_op("Mul")(values, weights), get_op("Mul")(number, weights)
        update_sum = sums.assign_add(values)
        with get_default_graph().control_dependencies([values]):
            update_count = counts.assign_add(number)
        value = ratio(sums.value(), counts.value(), "value")
        update = ratio(update_sum, update_count, "update_op")
        return collected(value, update, metrics_collections, updates_collections)


def mean_absolute_error(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The mean of `|predictions - labels|`; arguments as `accuracy`."""
    predictions, labels = _floats(labels, predictions)
    errors = get_op("Abs")(get_op("Sub")(predictions, labels))
    return mean(errors, weights, metrics_collections, updates_collections, name or "mean_absolute_error")


def mean_squared_error(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The mean of `(predictions - labels) ** 2`; arguments as `accuracy`."""
    predictions, labels = _floats(labels, predictions)
    errors = get_op("SquaredDifference")(labels, predictions)
    return mean(errors, weights, metrics_collections, updates_collections, name or "mean_squared_error")


def root_mean_squared_error(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The root of the mean of `(predictions - labels) ** 2`; arguments as `accuracy`."""
    value, update = mean_squared_error(labels, predictions, weights, name=name or "root_mean_squared_error")
    return collected(get_op("Sqrt")(value), get_op("Sqrt")(update), metrics_collections, updates_collections)


def mean_relative_error(
    labels: Any,
    predictions: Any,
    normalizer: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The mean of `|predictions - labels| / normalizer`, zero where the normalizer is.

    Args:
        normalizer: of the labels' shape.
        labels, predictions, weights, metrics_collections, updates_collections, name: as for `accuracy`.
    """
    predictions, labels = _floats(labels, predictions)
    normalizer = cast(normalizer, predictions.dtype)
    error = get_op("Abs")(get_op("Sub")(labels, predictions))
    relative = get_op("SelectV2")(
        get_op("Equal")(normalizer, 0.0), get_op("ZerosLike")(labels), get_op("DivNoNan")(error, normalizer)
    )
    return mean(relative, weights, metrics_collections, updates_collections, name or "mean_relative_error")


def mean_cosine_distance(
    labels: Any,
    predictions: Any,
    dim: int,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """One minus the mean product of labels and predictions along an axis.

    Args:
        dim: the axis; along it both should be of unit length.
        labels, predictions, weights, metrics_collections, updates_collections, name: as for `accuracy`.
    """
    predictions, labels = _floats(labels, predictions)
    product = get_op("Sum")(get_op("Mul")(predictions, labels), [dim], keep_dims=True)
    value, update = mean(product, weights, name=name or "mean_cosine_distance")
    return collected(
        get_op("Sub")(1.0, value), get_op("Sub")(1.0, update), metrics_collections, updates_collections
    )


def percentage_below(
    values: Any,
    threshold: float,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The share of values below a threshold; other arguments as `mean`."""
    below = cast(get_op("Less")(convert_to_tensor(values), threshold), "float32")
    return mean(
        below, weights, metrics_collections, updates_collections, name or "percentage_below_threshold"
    )


def _floats(labels: Any, predictions: Any) -> tuple[Tensor, Tensor]:
    labels, predictions = paired(labels, predictions)
    if not predictions.dtype.is_floating:
        predictions = cast(predictions, "float32")
    return predictions, cast(labels, predictions.dtype)


def _confusion(labels: Any, predictions: Any, num_classes: int, weights: Any) -> tuple[Tensor, Tensor]:
    """The variable that counts pairs of label and prediction, before and after one more batch."""
    flat = [cast(get_op("Reshape")(convert_to_tensor(t), [-1]), "int64") for t in (labels, predictions)]
    ones = get_op("OnesLike")(cast(flat[0], "float64"))
    if weights is not None:
        weights = weights_like(weights, convert_to_tensor(labels), "float64")
        ones = get_op("Reshape")(weights, [-1])
    cells = flat[0] * num_classes + flat[1]
    counts = get_op("UnsortedSegmentSum")(ones, cells, num_classes * num_classes)
    matrix = get_op("Reshape")(counts, [num_classes, num_classes])
    total_cm = metric_variable([num_classes, num_classes], "float64", "total_confusion_matrix")
    return total_cm.value(), total_cm.assign_add(matrix)


def mean_iou(
    labels: Any,
    predictions: Any,
    num_classes: int,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The mean over classes of the intersection of labels and predictions over their union.

    Args:
        labels, predictions: class numbers of any shape.
        num_classes: number of classes.
        weights, metrics_collections, updates_collections, name: as for `mean`.

    Returns:
        The mean so far, and the operation that takes in one more batch and gives the confusion matrix.
    """
    with metric_scope(name, "mean_iou"):
        before, update = _confusion(labels, predictions, num_classes, weights)
        counts = cast(before, "float32")
        both = get_op("MatrixDiagPart")(counts)
        union = get_op("Sum")(counts, [0]) + get_op("Sum")(counts, [1]) - both
        value = _mean_where_any(both, union, "mean_iou")
        return collected(value, update, metrics_collections, updates_collections)


def _mean_where_any(numerator: Tensor, denominator: Tensor, name: str) -> Tensor:
    """The mean ratio over the classes that occur; zero where none does."""
    valid = total(cast(get_op("NotEqual")(denominator, 0.0), "float32"))
    return ratio(total(get_op("DivNoNan")(numerator, denominator)), valid, name)


def mean_per_class_accuracy(
    labels: Any,
    predictions: Any,
    num_classes: int,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The mean over classes of the share of a class's labels that were predicted; arguments as `mean_iou`.

    Returns:
        The mean so far, and the operation that takes in one more batch and gives the accuracy of each class.
    """
    with metric_scope(name, "mean_accuracy"):
        labels, predictions = paired(labels, predictions)
        flat_labels = cast(get_op("Reshape")(labels, [-1]), "int64")
        flat_predictions = cast(get_op("Reshape")(predictions, [-1]), "int64")
        ones = get_op("OnesLike")(cast(flat_labels, "float32"))
        right = cast(get_op("Equal")(flat_labels, flat_predictions), "float32")
        if weights is not None:
            flat = get_op("Reshape")(weights_like(weights, labels), [-1])
            ones, right = ones * flat, right * flat
        totals = metric_variable([num_classes], "float32", "total")
        counts = metric_variable([num_classes], "float32", "count")
        update_total = totals.assign_add(get_op("UnsortedSegmentSum")(ones, flat_labels, num_classes))
        update_count = counts.assign_add(get_op("UnsortedSegmentSum")(right, flat_labels, num_classes))
        shares = get_op("DivNoNan")(counts.value(), totals.value())
        value = get_op("Mean")(shares, [0], name="mean_accuracy")
        update = ratio(update_count, update_total, "update_op")
        return collected(value, update, metrics_collections, updates_collections)
