"""How often values occur: counts, histograms, confusion matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from .casting import cast
from .elementwise import truediv
from .graph import dtypes
from .graph.convert import convert_to_tensor
from .graph.default_graph import name_scope
from .graph.dtypes import as_dtype
from .graph.elements import Tensor
from .graph.opdef import get_op
from .reductions import reduce_max, reduce_prod

__all__ = [
    "bincount",
    "confusion_matrix",
    "histogram_fixed_width",
    "histogram_fixed_width_bins",
]


def bincount(
    arr: Any,
    weights: Any = None,
    minlength: Any = None,
    maxlength: Any = None,
    dtype: Any = dtypes.int32,
) -> Tensor:
    """How often each value occurs, or the sum of its weights.

    Args:
        arr: int32 tensor of values that are not negative.
        weights: weight of each value, of the shape of `arr`; ones where there are none.
        minlength: least length of the result.
        maxlength: greatest length of the result; larger values are left out.
        dtype: element type of the result, where there are no weights.

    Returns:
        A vector; element i speaks of the value i.

    Raises:
        InvalidArgumentError: a value is negative, when the step runs.

    Source:
        TensorFlow's op Bincount.
    """
    with name_scope(None, "bincount"):
        values = cast(convert_to_tensor(arr, name="arr"), dtypes.int32)
        is_empty = get_op("Equal")(reduce_prod(get_op("Shape")(values)), 0)
        largest = get_op("SelectV2")(is_empty, -1, reduce_max(values))
        size = largest + 1
        if minlength is not None:
            size = get_op("Maximum")(cast(convert_to_tensor(minlength), dtypes.int32), size)
        if maxlength is not None:
            size = get_op("Minimum")(cast(convert_to_tensor(maxlength), dtypes.int32), size)
        if weights is None:
            weights = convert_to_tensor(np.zeros(0, as_dtype(dtype).np))
        return get_op("Bincount")(values, size, convert_to_tensor(weights))


def histogram_fixed_width_bins(
    values: Any, value_range: Any, nbins: Any = 100, dtype: Any = dtypes.int32, name: str | None = None
) -> Tensor:
    """Which of a number of equal intervals each value falls into.

    Args:
        values: tensor of real numbers.
        value_range: `(2,)` of the same type: lower end of the first and upper end of the last interval.
        nbins: number of intervals.
        dtype: element type of the result, int32 or int64.
        name: name scope of the ops.

    Returns:
        A tensor of the shape of `values`; values outside go to the outermost intervals.
    """
    with name_scope(name, "histogram_fixed_width_bins"):
        values = convert_to_tensor(values, name="values")
        shape = get_op("Shape")(values)
        flat = get_op("Reshape")(values, [-1])
        ends = convert_to_tensor(value_range, flat.dtype, name="value_range")
        count = convert_to_tensor(nbins, dtypes.int32, name="nbins")
        scaled = truediv(flat - ends[0], ends[1] - ends[0])
        places = cast(get_op("Floor")(scaled * cast(count, scaled.dtype)), dtypes.int32)
        inside = get_op("Minimum")(get_op("Maximum")(places, 0), count - 1)
        return get_op("Reshape")(cast(inside, dtype), shape)


def histogram_fixed_width(
    values: Any, value_range: Any, nbins: Any = 100, dtype: Any = dtypes.int32, name: str | None = None
) -> Tensor:
    """How many values fall into each of a number of equal intervals.

    Args:
        values: tensor of real numbers.
        value_range: `(2,)` of the same type: lower end of the first and upper end of the last interval.
        nbins: number of intervals.
        dtype: element type of the result, int32 or int64.
        name: name of the op.

    Returns:
        A vector of `nbins` counts; values outside go to the outermost intervals.

    Source:
        TensorFlow's op HistogramFixedWidth.
    """
    with name_scope(name, "histogram_fixed_width") as scope:
        return get_op("HistogramFixedWidth")(values, value_range, nbins, dtype=as_dtype(dtype), name=scope)


def confusion_matrix(
    labels: Any,
    predictions: Any,
    num_classes: Any = None,
    dtype: Any = dtypes.int32,
    name: str | None = None,
    weights: Any = None,
) -> Tensor:
    """How often each class was predicted for each class.

    Args:
        labels: the real classes, integers from 0, of shape `(n,)`.
        predictions: the predicted ones, of the same shape.
        num_classes: number of classes; one more than the largest number that occurs, where it is not given.
        dtype: element type of the result.
        name: name scope of the ops.
        weights: weight of each prediction, of the same shape.

    Returns:
        A tensor of shape `(num_classes, num_classes)`: rows are real classes, columns predicted ones.
    """
    with name_scope(name, "confusion_matrix"):
        labels, predictions = (
            cast(convert_to_tensor(t, name=n), dtypes.int64)
            for t, n in ((labels, "labels"), (predictions, "predictions"))
        )
        labels, predictions = _squeezed(labels, predictions)
        if num_classes is None:
            num_classes = get_op("Maximum")(reduce_max(predictions), reduce_max(labels)) + 1
        count = cast(convert_to_tensor(num_classes), dtypes.int64)
        target = as_dtype(dtype)
        if weights is None:
            values = get_op("Fill")(get_op("Shape")(predictions), convert_to_tensor(1, target))
        else:
            values = cast(convert_to_tensor(weights), target)
        indices = get_op("Pack")([labels, predictions], axis=1)
        return get_op("ScatterNd")(indices, values, get_op("Pack")([count, count]))


def _squeezed(labels: Tensor, predictions: Tensor) -> tuple[Tensor, Tensor]:
    """Both with as many dimensions: a last one of size 1 is dropped where the other lacks it."""
    ranks = labels.shape.rank, predictions.shape.rank
    if ranks[0] is not None and ranks[1] is not None and ranks[0] - ranks[1] == 1:
        labels = get_op("Squeeze")(labels, squeeze_dims=[-1])
    elif ranks[0] is not None and ranks[1] is not None and ranks[1] - ranks[0] == 1:
        predictions = get_op("Squeeze")(predictions, squeeze_dims=[-1])
    labels.shape.assert_is_compatible_with(predictions.shape)
    return labels, predictions
