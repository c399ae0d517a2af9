"""The loss of sequences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...graph.convert import convert_to_tensor
from ...graph.default_graph import name_scope
from ...graph.elements import Tensor
from ...graph.ops.array import shape_of
from ...nn.common import cast, flattened_rows
from ...nn.losses import sparse_softmax_cross_entropy_with_logits
from ...reductions import reduce_sum
from ...shaping import reshape

__all__ = ["sequence_loss"]

_TINY = 1e-12
"""Keeps a sum of weights from being zero where it divides."""


def sequence_loss(
    logits: Any,
    targets: Any,
    weights: Any,
    average_across_timesteps: bool = True,
    average_across_batch: bool = True,
    softmax_loss_function: Callable[..., Any] | None = None,
    name: str | None = None,
) -> Tensor:
    """Weighted cross entropy of sequences of ids.

    Args:
        logits: `(batch, time, ids)`.
        targets: int `(batch, time)`.
        weights: `(batch, time)`: zero where there is only padding.
        average_across_timesteps: whether the loss is divided by the weights of the steps.
        average_across_batch: whether it is divided by the number of sequences (or their weights).
        softmax_loss_function: called with `labels=` and `logits=` in the place of sparse softmax cross entropy.
        name: name scope.

    Returns:
        A scalar; `(batch,)`, `(time,)` or `(batch, time)` where it is not averaged.

    Raises:
        ValueError: a tensor has the wrong rank.

    Source:
        TensorFlow `tf.contrib.seq2seq.sequence_loss`.
    """
    logits, targets, weights = (convert_to_tensor(v) for v in (logits, targets, weights))
    for label, tensor, rank in (("logits", logits, 3), ("targets", targets, 2), ("weights", weights, 2)):
        if tensor.shape.rank not in (None, rank):
            raise ValueError(f"{label} must have rank {rank}, got shape {tensor.shape}")
    with name_scope(name, "sequence_loss", [logits, targets, weights]):
        rows, labels = flattened_rows(logits), reshape(targets, [-1])
        if softmax_loss_function is None:
            losses = sparse_softmax_cross_entropy_with_logits(labels=labels, logits=rows)
        else:
            losses = softmax_loss_function(labels=labels, logits=rows)
        weights = cast(weights, losses.dtype)
        losses = losses * reshape(weights, [-1])
        if average_across_timesteps and average_across_batch:
            return reduce_sum(losses) / (reduce_sum(weights) + _TINY)
        losses = reshape(losses, shape_of(logits)[:2])
        losses.set_shape(weights.shape)
        if average_across_timesteps:
            return reduce_sum(losses, axis=1) / (reduce_sum(weights, axis=1) + _TINY)
        if average_across_batch:
            return reduce_sum(losses, axis=0) / (reduce_sum(weights, axis=0) + _TINY)
        return losses
