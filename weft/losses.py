"""Losses: numbers to minimize, weighted and collected in `GraphKeys.LOSSES`."""

from __future__ import annotations

from typing import Any

from . import nn
from .graph.convert import convert_to_tensor
from .graph.default_graph import get_default_graph, name_scope
from .graph.dtypes import DType
from .graph.elements import Tensor
from .graph.graph_keys import GraphKeys
from .graph.opdef import get_op
from .shaping import size

__all__ = [
    "Reduction",
    "absolute_difference",
    "add_loss",
    "compute_weighted_loss",
    "cosine_distance",
    "get_losses",
    "get_regularization_loss",
    "get_regularization_losses",
    "get_total_loss",
    "hinge_loss",
    "huber_loss",
    "log_loss",
    "mean_pairwise_squared_error",
    "mean_squared_error",
    "sigmoid_cross_entropy",
    "softmax_cross_entropy",
    "sparse_softmax_cross_entropy",
]


class Reduction:
    """How the losses of the elements become one number.

    Attributes:
        NONE: they do not.
        SUM: weighted sum.
        SUM_OVER_BATCH_SIZE: the sum over the number of elements.
        SUM_OVER_NONZERO_WEIGHTS: the sum over the number of elements whose weight is not zero.
        SUM_BY_NONZERO_WEIGHTS: the same.
        MEAN: the sum over the sum of the weights.
    """

    NONE = "none"
    SUM = "weighted_sum"
    SUM_OVER_BATCH_SIZE = "weighted_sum_over_batch_size"
    MEAN = "weighted_mean"
    SUM_BY_NONZERO_WEIGHTS = "weighted_sum_by_nonzero_weights"
    SUM_OVER_NONZERO_WEIGHTS = SUM_BY_NONZERO_WEIGHTS

    @classmethod
    def all(cls) -> tuple[str, ...]:
        return (cls.NONE, cls.SUM, cls.MEAN, cls.SUM_OVER_BATCH_SIZE, cls.SUM_BY_NONZERO_WEIGHTS)

    @classmethod
    def validate(cls, key: str) -> None:
        if key not in cls.all():
            raise ValueError(f"reduction must be one of {', '.join(cls.all())}, got {key!r}.")


_DEFAULT = Reduction.SUM_BY_NONZERO_WEIGHTS


def add_loss(loss: Tensor, loss_collection: str | None = GraphKeys.LOSSES) -> None:
    """Adds a loss to a collection; to none where `loss_collection` is None."""
    if loss_collection:
        get_default_graph().add_to_collection(loss_collection, loss)


def get_losses(scope: str | None = None, loss_collection: str = GraphKeys.LOSSES) -> list[Any]:
    """The losses in a collection, those whose names match `scope` where it is given."""
    return get_default_graph().get_collection(loss_collection, scope)


def get_regularization_losses(scope: str | None = None) -> list[Any]:
    """The regularization losses of the default graph, those whose names match `scope` where it is given."""
    return get_default_graph().get_collection(GraphKeys.REGULARIZATION_LOSSES, scope)


def get_regularization_loss(scope: str | None = None, name: str = "total_regularization_loss") -> Tensor:
    """The sum of the regularization losses; zero where there are none.

    Args:
        scope: keeps what is under this scope.
    """
    losses = get_regularization_losses(scope)
    return get_op("AddN")(losses, name=name) if losses else convert_to_tensor(0.0)


def get_total_loss(
    add_regularization_losses: bool = True, name: str = "total_loss", scope: str | None = None
) -> Tensor:
    """The sum of all losses.

    Args:
        add_regularization_losses: whether regularization losses count.
        name: name of the sum.
        scope: a regular expression that the losses' names must match.
    """
    losses = get_losses(scope)
    if add_regularization_losses:
        losses += get_regularization_losses(scope)
    return get_op("AddN")(losses, name=name)  # type: ignore[no-any-return]


def _axes(x: Tensor) -> Any:
    return list(range(x.shape.rank)) if x.shape.rank is not None else get_op("Range")(0, get_op("Rank")(x), 1)


def _sum(x: Tensor) -> Tensor:
    return get_op("Sum")(x, _axes(x))  # type: ignore[no-any-return]


def _safe_ratio(numerator: Tensor, denominator: Tensor) -> Tensor:
    """The ratio; zero where the denominator is."""
    return get_op("DivNoNan")(numerator, denominator)  # type: ignore[no-any-return]


def _check_weights(weights: Tensor, losses: Tensor) -> None:
    """Weights are a scalar, or of the losses' rank with dimensions that are equal or one."""
    if weights.shape.rank in (0, None) or losses.shape.rank is None:
        return
    fits = len(weights.shape) == len(losses.shape) and all(
        w in (1, v) or w is None or v is None for w, v in zip(weights.shape, losses.shape, strict=True)
    )
    if not fits:
        raise ValueError(
            f"weights of shape {weights.shape} cannot be broadcast to losses of shape {losses.shape}: they "
            "must be a scalar, or of the same rank with dimensions that are equal or one."
        )


def _present(losses: Tensor, weights: Tensor, per_batch: bool = False) -> Tensor:
    """How many elements have a weight other than zero; per entry of the batch with `per_batch`."""
    ones = get_op("NotEqual")(weights, convert_to_tensor(0.0, weights.dtype))
    marked = get_op("Cast")(ones, DstT=losses.dtype) * get_op("OnesLike")(losses)
    if not per_batch:
        return _sum(marked)
    return get_op("Sum")(marked, list(range(1, len(losses.shape))), keep_dims=True, name="num_present")  # type: ignore[no-any-return]


def compute_weighted_loss(
    losses: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = _DEFAULT,
) -> Tensor:
    """The losses of elements, weighted, as one number.

    Args:
        losses: losses of any shape.
        weights: a scalar, or of the losses' rank with dimensions that are equal or one.
        scope: name scope of the ops.
        loss_collection: collection that the loss is added to; None for none.
        reduction: one of `Reduction`.

    Returns:
        A scalar of the losses' type; of their shape where `reduction` is NONE.

    Raises:
        ValueError: the weights cannot be broadcast, or there is no such reduction.
    """
    Reduction.validate(reduction)
    with name_scope(scope, "weighted_loss"):
        losses = convert_to_tensor(losses)
        dtype: DType = losses.dtype
        wide = (
            get_op("Cast")(losses, DstT="float32")
            if dtype.name in ("float16", "bfloat16", "int32")
            else losses
        )
        weights = _cast(convert_to_tensor(weights), wide.dtype)
        _check_weights(weights, wide)
        weighted = get_op("Mul")(wide, weights)
        loss = _reduced(weighted, wide, weights, reduction)
        loss = _cast(loss, dtype)
        add_loss(loss, loss_collection)
        return loss


def _reduced(weighted: Tensor, losses: Tensor, weights: Tensor, reduction: str) -> Tensor:
    if reduction == Reduction.NONE:
        return weighted
    total = _sum(weighted)
    if reduction == Reduction.MEAN:
        return _safe_ratio(total, _sum(get_op("OnesLike")(losses) * weights))
    if reduction == Reduction.SUM_BY_NONZERO_WEIGHTS:
        return get_op("DivNoNan")(total, _present(losses, weights), name="value")  # type: ignore[no-any-return]
    if reduction == Reduction.SUM_OVER_BATCH_SIZE:
        return _safe_ratio(total, get_op("Cast")(size(losses), DstT=losses.dtype))
    return total


def _cast(x: Any, dtype: Any) -> Tensor:
    x = convert_to_tensor(x)
    return x if x.dtype == dtype else get_op("Cast")(x, DstT=dtype)


def _given(labels: Any, predictions: Any, what: str) -> None:
    for name, value in (("labels", labels), (what, predictions)):
        if value is None:
            raise ValueError(f"{name} must not be None.")


def _pair(labels: Any, predictions: Any) -> tuple[Tensor, Tensor]:
    """Labels and predictions as floats of one shape."""
    predictions = convert_to_tensor(predictions)
    predictions = predictions if predictions.dtype.is_floating else _cast(predictions, "float32")
    labels = _cast(labels, predictions.dtype)
    if not labels.shape.is_compatible_with(predictions.shape):
        raise ValueError(f"labels have shape {labels.shape}, predictions {predictions.shape}.")
    return labels, predictions


def absolute_difference(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = _DEFAULT,
) -> Tensor:
    """`|predictions - labels|`.

    Args:
        labels: what should be predicted, of the predictions' shape.
        predictions: floats of any shape.
        weights, scope, loss_collection, reduction: as for `compute_weighted_loss`.
    """
    _given(labels, predictions, "predictions")
    with name_scope(scope, "absolute_difference") as inner:
        labels, predictions = _pair(labels, predictions)
        losses = get_op("Abs")(get_op("Sub")(predictions, labels))
        return compute_weighted_loss(losses, weights, inner, loss_collection, reduction)


def mean_squared_error(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = _DEFAULT,
) -> Tensor:
    """`(predictions - labels) ** 2`; arguments as `absolute_difference`."""
    _given(labels, predictions, "predictions")
    with name_scope(scope, "mean_squared_error") as inner:
        labels, predictions = _pair(labels, predictions)
        losses = get_op("SquaredDifference")(predictions, labels)
        return compute_weighted_loss(losses, weights, inner, loss_collection, reduction)


def huber_loss(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    delta: float = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = _DEFAULT,
) -> Tensor:
    """Half the squared error up to `delta`, from there on linear; other arguments as `absolute_difference`."""
    _given(labels, predictions, "predictions")
    with name_scope(scope, "huber_loss") as inner:
        labels, predictions = _pair(labels, predictions)
        error = get_op("Abs")(get_op("Sub")(predictions, labels))
        quadratic = get_op("Minimum")(error, delta)
        linear = error - quadratic
        losses = 0.5 * get_op("Square")(quadratic) + delta * linear
        return compute_weighted_loss(losses, weights, inner, loss_collection, reduction)


def log_loss(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    epsilon: float = 1e-7,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = _DEFAULT,
) -> Tensor:
    """Negative logarithm of the probability that predictions in [0, 1] give to labels in [0, 1].

    Args:
        epsilon: keeps the logarithms finite.
        labels, predictions, weights, scope, loss_collection, reduction: as for `absolute_difference`.
    """
    _given(labels, predictions, "predictions")
    with name_scope(scope, "log_loss") as inner:
        labels, predictions = _pair(labels, predictions)
        hit = labels * get_op("Log")(predictions + epsilon)
        miss = (1.0 - labels) * get_op("Log")(1.0 - predictions + epsilon)
        return compute_weighted_loss(-hit - miss, weights, inner, loss_collection, reduction)


def hinge_loss(
    labels: Any,
    logits: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = _DEFAULT,
) -> Tensor:
    """`max(0, 1 - sign * logits)`, the sign being that of labels 1 and of labels 0 as -1.

    Args:
        labels: zeros and ones.
        logits: floats of the labels' shape.
        weights, scope, loss_collection, reduction: as for `compute_weighted_loss`.
    """
    _given(labels, logits, "logits")
    with name_scope(scope, "hinge_loss") as inner:
        labels, logits = _pair(labels, logits)
        losses = get_op("Relu")(1.0 - (2.0 * labels - 1.0) * logits)
        return compute_weighted_loss(losses, weights, inner, loss_collection, reduction)


def cosine_distance(
    labels: Any,
    predictions: Any,
    axis: int | None = None,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = _DEFAULT,
    dim: int | None = None,
) -> Tensor:
    """One minus the product of labels and predictions along an axis; both should be of unit length there.

    Args:
        axis: the axis.
        dim: its old name.
        labels, predictions, weights, scope, loss_collection, reduction: as for `absolute_difference`.

    Raises:
        ValueError: neither `axis` nor `dim` is given, or both are.
    """
    if (axis is None) == (dim is None):
        raise ValueError("cosine_distance takes either axis or, its old name, dim.")
    _given(labels, predictions, "predictions")
    with name_scope(scope, "cosine_distance_loss") as inner:
        labels, predictions = _pair(labels, predictions)
        product = get_op("Mul")(predictions, labels)
        losses = 1.0 - get_op("Sum")(product, [dim if axis is None else axis], keep_dims=True)
        return compute_weighted_loss(losses, weights, inner, loss_collection, reduction)


def mean_pairwise_squared_error(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
) -> Tensor:
    """Squared difference between the differences of pairs of elements of one sample and those of its labels.

    Args:
        labels: what should be predicted, of the predictions' shape.
        predictions: floats of shape `(batch, ...)`.
        weights: a scalar, or one per entry of the batch.
        scope: name scope of the ops.
        loss_collection: collection that the loss is added to; None for none.
    """
    _given(labels, predictions, "predictions")
    with name_scope(scope, "mean_pairwise_squared_error"):
        labels, predictions = _pair(labels, predictions)
        weights = _cast(weights, predictions.dtype)
        delta = predictions - labels
        axes = list(range(1, len(delta.shape)))
        squares = get_op("Sum")(get_op("Square")(delta), axes, keep_dims=True)
        count = _present(delta, weights, per_batch=True)
        first = 2.0 * _safe_ratio(squares, get_op("Maximum")(count - 1.0, 0.0))
        total = get_op("Square")(get_op("Sum")(delta, axes, keep_dims=True))
        pairs = get_op("Maximum")(count * (count - 1.0), 0.0)
        second = 2.0 * _safe_ratio(total, pairs)
        weighted = (first - second) * weights
        loss = _sum(weighted)
        any_present = get_op("Greater")(_present(delta, weights), 0.0)
        loss = get_op("SelectV2")(any_present, loss, get_op("ZerosLike")(loss), name="value")
        add_loss(loss, loss_collection)
        return loss


def _smoothed(labels: Tensor, smoothing: float, towards: Any) -> Tensor:
    return labels if not smoothing else labels * (1.0 - smoothing) + smoothing * towards


def sigmoid_cross_entropy(
    multi_class_labels: Any,
    logits: Any,
    weights: Any = 1.0,
    label_smoothing: float = 0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = _DEFAULT,
) -> Tensor:
    """Cross entropy of classes that do not exclude each other.

    Args:
        multi_class_labels: probabilities of the classes, of the logits' shape.
        logits: floats of shape `(batch, classes)`.
        weights, scope, loss_collection, reduction: as for `compute_weighted_loss`.
        label_smoothing: moves labels this share of the way towards one half.
    """
    _given(multi_class_labels, logits, "logits")
    with name_scope(scope, "sigmoid_cross_entropy_loss") as inner:
        labels, logits = _pair(multi_class_labels, logits)
        labels = _smoothed(labels, label_smoothing, 0.5)
        losses = nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits, name="xentropy")
        return compute_weighted_loss(losses, weights, inner, loss_collection, reduction)


def softmax_cross_entropy(
    onehot_labels: Any,
    logits: Any,
    weights: Any = 1.0,
    label_smoothing: float = 0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = _DEFAULT,
) -> Tensor:
    """Cross entropy of classes that exclude each other.

    Args:
        onehot_labels: probabilities of the classes, of the logits' shape.
        logits: floats of shape `(batch, classes)`.
        weights: a scalar, or of shape `(batch,)`.
        label_smoothing: moves labels this share of the way towards equal probabilities.
        scope, loss_collection, reduction: as for `compute_weighted_loss`.
    """
    _given(onehot_labels, logits, "logits")
    with name_scope(scope, "softmax_cross_entropy_loss") as inner:
        labels, logits = _pair(onehot_labels, logits)
        if label_smoothing:
            classes = logits.shape[-1]
            if classes is None:
                raise ValueError("label_smoothing needs a known number of classes.")
            labels = _smoothed(labels, label_smoothing, 1.0 / classes)
        labels = get_op("StopGradient")(labels)
        losses = nn.softmax_cross_entropy_with_logits_v2(labels=labels, logits=logits, name="xentropy")
        return compute_weighted_loss(losses, weights, inner, loss_collection, reduction)


def sparse_softmax_cross_entropy(
    labels: Any,
    logits: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = _DEFAULT,
) -> Tensor:
    """Cross entropy of classes that exclude each other, the right one given by its number.

    Args:
        labels: integers of shape `(batch,)` (or `(batch, 1)`), each below the number of classes.
        logits: floats of shape `(batch, classes)`.
        weights: a scalar, or of the labels' shape.
        scope, loss_collection, reduction: as for `compute_weighted_loss`.
    """
    _given(labels, logits, "logits")
    with name_scope(scope, "sparse_softmax_cross_entropy_loss") as inner:
        labels, logits, weights = (
            convert_to_tensor(labels),
            convert_to_tensor(logits),
            convert_to_tensor(weights),
        )
        rank = logits.shape.rank
        if rank is not None and labels.shape.rank == rank and labels.shape[-1] == 1:
            labels = get_op("Squeeze")(labels, squeeze_dims=[-1])
        if rank is not None and weights.shape.rank == rank and weights.shape[-1] == 1:
            weights = get_op("Squeeze")(weights, squeeze_dims=[-1])
        losses = nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits, name="xentropy")
        return compute_weighted_loss(losses, weights, inner, loss_collection, reduction)
