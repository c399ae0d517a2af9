"""Cross entropies and other losses per example."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..graph.default_graph import name_scope
from ..graph.elements import Tensor
from ..graph.ops.array import Reshape, StopGradient, Transpose, ZerosLike, shape_of
from ..graph.ops.compare import GreaterEqual, LessEqual, LogicalAnd, SelectV2
from ..graph.ops.losses import (
    L2Loss,
    SoftmaxCrossEntropyWithLogits,
    SparseSoftmaxCrossEntropyWithLogits,
)
from ..graph.ops.math import AddV2, Mul, Neg, Sub
from ..graph.ops.slicing import Slice
from ..graph.ops.unary import Abs, Exp, Log, Log1p
from .activations import relu, swap_with_last
from .common import cast, either, flattened_rows, precise, tensor

__all__ = [
    "l2_loss",
    "log_poisson_loss",
    "sigmoid_cross_entropy_with_logits",
    "softmax_cross_entropy_with_logits",
    "softmax_cross_entropy_with_logits_v2",
    "sparse_softmax_cross_entropy_with_logits",
    "weighted_cross_entropy_with_logits",
]


def _named_only(function: str, sentinel: Any, labels: Any, logits: Any) -> None:
    if sentinel is not None:
        raise ValueError(f"Only call `{function}` with named arguments (labels=..., logits=..., ...)")
    if labels is None or logits is None:
        raise ValueError("Both labels and logits must be provided.")


def _pair(labels: Any, logits: Any) -> tuple[Tensor, Tensor]:
    x = tensor(logits, name="logits")
    z = tensor(labels, x.dtype, "labels")
    if not x.shape.is_compatible_with(z.shape):
        raise ValueError(f"`logits` and `labels` must have the same shape, got {x.shape} and {z.shape}.")
    return z, x


def l2_loss(t: Any, name: str | None = None) -> Tensor:
    """Half the sum of squares, without the square root.

    Args:
        t: floats of any shape.
        name: name of the op.

    Source:
        TensorFlow's op `L2Loss`.
    """
    return L2Loss(t, name=name)  # type: ignore[no-any-return]


def sigmoid_cross_entropy_with_logits(
    _sentinel: Any = None, labels: Any = None, logits: Any = None, name: str | None = None
) -> Tensor:
    """Cross entropy of independent yes-no labels and sigmoid(logits), elementwise.

    Args:
        labels: probabilities, of the shape and type of `logits`.
        logits: floats of any shape.
        name: name of the last op.

    Raises:
        ValueError: the shapes differ, or an argument is missing.

    Source:
        `tf.compat.v1.nn.sigmoid_cross_entropy_with_logits`.
    """
    _named_only("sigmoid_cross_entropy_with_logits", _sentinel, labels, logits)
    with name_scope(name, "logistic_loss") as scope:
        z, x = _pair(labels, logits)
        zeros = ZerosLike(x)
        positive = GreaterEqual(x, zeros)
        # max(x, 0) and -|x| by selection, so that the gradient at 0 is the exact one.
        above = SelectV2(positive, x, zeros)
        small = SelectV2(positive, Neg(x), x)
        return AddV2(Sub(above, Mul(x, z)), Log1p(Exp(small)), name=scope)  # type: ignore[no-any-return]


def weighted_cross_entropy_with_logits(
    labels: Any = None,
    logits: Any = None,
    pos_weight: Any = None,
    name: str | None = None,
    targets: Any = None,
) -> Tensor:
    """`sigmoid_cross_entropy_with_logits` in which the errors on positive labels weigh more or less.

    Args:
        labels: probabilities, of the shape and type of `logits`.
        logits: floats of any shape.
        pos_weight: weight of the positive part; it broadcasts.
        name: name of the last op.
        targets: old name of `labels`.

    Raises:
        ValueError: the shapes differ.

    Source:
        `tf.compat.v1.nn.weighted_cross_entropy_with_logits`.
    """
    labels = either("labels", labels, "targets", targets)
    with name_scope(name, "logistic_loss") as scope:
        z, x = _pair(labels, logits)
        one = np.asarray(1, x.dtype.np)
        weight = AddV2(one, Mul(Sub(tensor(pos_weight, x.dtype), one), z))
        soft = AddV2(Log1p(Exp(Neg(Abs(x)))), relu(Neg(x)))
        return AddV2(Mul(Sub(one, z), x), Mul(weight, soft), name=scope)  # type: ignore[no-any-return]


def log_poisson_loss(
    targets: Any, log_input: Any, compute_full_loss: bool = False, name: str | None = None
) -> Tensor:
    """Negative log likelihood of counts under a Poisson distribution, elementwise.

    Args:
        targets: the counts, of the shape and type of `log_input`.
        log_input: logarithm of the predicted rate.
        compute_full_loss: adds the term that does not depend on the prediction, by Stirling's formula.
        name: name scope.

    Raises:
        ValueError: the shapes differ.

    Source:
        `tf.compat.v1.nn.log_poisson_loss`.
    """
    with name_scope(name, "log_poisson_loss"):
        z, x = _pair(targets, log_input)
        result = Sub(Exp(x), Mul(x, z))
        if not compute_full_loss:
            return result  # type: ignore[no-any-return]
        kind = x.dtype.np.type
        stirling = AddV2(Sub(Mul(z, Log(z)), z), Mul(kind(0.5), Log(Mul(kind(2 * math.pi), z))))
        between = LogicalAnd(GreaterEqual(z, kind(0)), LessEqual(z, kind(1)))
        return AddV2(result, SelectV2(between, ZerosLike(z), stirling))  # type: ignore[no-any-return]


def softmax_cross_entropy_with_logits_v2(
    labels: Any, logits: Any, axis: int | None = None, name: str | None = None, dim: int | None = None
) -> Tensor:
    """Cross entropy of distributions over classes and softmax(logits), one number per example.

    Args:
        labels: a distribution along `axis`; the other dimensions are those of `logits`.
        logits: floats of rank 1 or more.
        axis: axis of the classes; the last by default.
        name: name of the op.
        dim: old name of `axis`.

    Returns:
        The loss, of the shape of `logits` without `axis`. Gradients flow into `labels` too.

    Source:
        TensorFlow's op `SoftmaxCrossEntropyWithLogits`.
    """
    axis = either("axis", axis, "dim", dim, -1)
    with name_scope(name, "softmax_cross_entropy_with_logits") as scope:
        x = tensor(logits, name="logits")
        z = tensor(labels, None if hasattr(labels, "dtype") else x.dtype, "labels")
        wide = precise(x)
        z = cast(z, wide.dtype)
        rank = x.shape.rank
        if axis != -1 and not (rank is not None and axis == rank - 1):
            order = swap_with_last(x, axis)
            wide, z = Transpose(wide, order), Transpose(z, order)
        outer = wide.shape[:-1]
        rows = _outer_shape(wide)
        loss, _ = SoftmaxCrossEntropyWithLogits(flattened_rows(wide), flattened_rows(z), name=scope)
        if wide.shape.rank != 2:
            loss = Reshape(loss, rows)
            loss.set_shape(outer)
        return cast(loss, x.dtype)


def _outer_shape(x: Tensor) -> Any:
    """The shape without its last dimension."""
    if x.shape.rank is not None and all(d is not None for d in x.shape.as_list()[:-1]):
        return np.array(x.shape.as_list()[:-1], np.int32)
    if x.shape.rank == 2:
        return None
    from ..graph.ops.array import Rank

    return Slice(shape_of(x), [0], Reshape(Sub(Rank(x), 1), [1]))


def softmax_cross_entropy_with_logits(
    _sentinel: Any = None,
    labels: Any = None,
    logits: Any = None,
    dim: int = -1,
    name: str | None = None,
    axis: int | None = None,
) -> Tensor:
    """`softmax_cross_entropy_with_logits_v2` without gradients into `labels`.

    Args:
        labels: a distribution along the axis; the other dimensions are those of `logits`.
        logits: floats of rank 1 or more.
        dim: axis of the classes; the last by default.
        name: name scope.
        axis: other name of `dim`.

    Raises:
        ValueError: an argument is missing or not named.

    Source:
        TensorFlow's op `SoftmaxCrossEntropyWithLogits`.
    """
    _named_only("softmax_cross_entropy_with_logits", _sentinel, labels, logits)
    with name_scope(name, "softmax_cross_entropy_with_logits_sg"):
        held = StopGradient(tensor(labels, name="labels"), name="labels_stop_gradient")
        return softmax_cross_entropy_with_logits_v2(held, logits, axis=dim if axis is None else axis)


def sparse_softmax_cross_entropy_with_logits(
    _sentinel: Any = None, labels: Any = None, logits: Any = None, name: str | None = None
) -> Tensor:
    """Cross entropy of class numbers and softmax(logits), one number per example.

    Args:
        labels: int32 or int64 class numbers, of the shape of `logits` without its last dimension.
        logits: floats of rank 1 or more, the classes last.
        name: name of the op.

    Raises:
        ValueError: the shapes do not fit, or an argument is missing or not named.

    Source:
        TensorFlow's op `SparseSoftmaxCrossEntropyWithLogits`.
    """
    _named_only("sparse_softmax_cross_entropy_with_logits", _sentinel, labels, logits)
    with name_scope(name, "SparseSoftmaxCrossEntropyWithLogits") as scope:
        z, x = tensor(labels), tensor(logits)
        _check_sparse(z, x)
        wide = precise(x)
        if x.shape.rank == 2:
            loss, _ = SparseSoftmaxCrossEntropyWithLogits(wide, z, name=scope)
            return cast(loss, x.dtype)
        shape = shape_of(z)
        loss, _ = SparseSoftmaxCrossEntropyWithLogits(flattened_rows(wide), Reshape(z, [-1]), name=scope)
        loss = Reshape(loss, shape)
        loss.set_shape(z.shape)
        return cast(loss, x.dtype)


def _check_sparse(labels: Tensor, logits: Tensor) -> None:
    if logits.shape.rank == 0:
        raise ValueError(f"`logits` cannot be a scalar, got shape {logits.shape}.")
    if logits.shape.rank is None or labels.shape.rank is None:
        return
    if labels.shape.rank != logits.shape.rank - 1 or not labels.shape.is_compatible_with(logits.shape[:-1]):
        raise ValueError(
            f"`labels` must have the shape of `logits` without its last dimension, got labels of shape "
            f"{labels.shape} and logits of shape {logits.shape}."
        )
