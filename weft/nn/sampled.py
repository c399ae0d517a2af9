"""Losses over many classes that look at the true ones and a few drawn ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph.default_graph import name_scope
from ..graph.dtypes import int32, int64
from ..graph.elements import Tensor
from ..graph.ops.array import (
    ConcatV2,
    ExpandDims,
    OnesLike,
    Pack,
    Reshape,
    Shape,
    Slice,
    StopGradient,
    ZerosLike,
)
from ..graph.ops.math import AddV2, Mul, RealDiv, Sub
from ..graph.ops.matmul import MatMul
from ..graph.ops.reduction import Sum
from ..graph.ops.sparse import SparseToDense
from ..graph.ops.unary import Log
from .candidate import compute_accidental_hits, log_uniform_candidate_sampler
from .common import cast, tensor
from .embedding import embedding_lookup, parts_of
from .losses import sigmoid_cross_entropy_with_logits, softmax_cross_entropy_with_logits_v2

__all__ = ["nce_loss", "sampled_softmax_loss"]


def nce_loss(
    weights: Any,
    biases: Any,
    labels: Any,
    inputs: Any,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Any = None,
    remove_accidental_hits: bool = False,
    partition_strategy: str = "mod",
    name: str = "nce_loss",
) -> Tensor:
    """Noise-contrastive estimation: tells the true classes from drawn ones, one logistic loss per class.

    Args:
        weights: `(num_classes, dim)`, or its parts.
        biases: `(num_classes,)`, or its parts.
        labels: int64 `(batch, num_true)`, the true classes.
        inputs: `(batch, dim)`.
        num_sampled: classes drawn per batch.
        num_classes: number of classes.
        num_true: true classes per example.
        sampled_values: what a candidate sampler gave; by default classes are drawn by Zipf's law.
        remove_accidental_hits: whether drawn classes that are true ones do not count.
        partition_strategy: see `embedding_lookup`.
        name: name scope.

    Returns:
        The loss per example, `(batch,)`.

    Source:
        Gutmann and Hyvärinen 2010; `tf.compat.v1.nn.nce_loss`.
    """
    with name_scope(name, "nce_loss"):
        logits, targets = _sampled_logits(
            weights,
            biases,
            labels,
            inputs,
            num_sampled,
            num_classes,
            num_true,
            sampled_values,
            remove_accidental_hits,
            partition_strategy,
            None,
        )
        losses = sigmoid_cross_entropy_with_logits(labels=targets, logits=logits, name="sampled_losses")
        return Sum(losses, [1])


def sampled_softmax_loss(
    weights: Any,
    biases: Any,
    labels: Any,
    inputs: Any,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Any = None,
    remove_accidental_hits: bool = True,
    partition_strategy: str = "mod",
    name: str = "sampled_softmax_loss",
    seed: int | None = None,
) -> Tensor:
    """Softmax cross entropy over the true classes and drawn ones; for training, as it underestimates the loss.

    Args:
        weights, biases, labels, inputs, num_sampled, num_classes, num_true, sampled_values: see `nce_loss`.
        remove_accidental_hits: whether drawn classes that are true ones do not count.
        partition_strategy: see `embedding_lookup`.
        name: name scope.
        seed: seed of the sampler.

    Returns:
        The loss per example, `(batch,)`.

    Source:
        Jean et al. 2014, https://arxiv.org/abs/1412.2007; `tf.compat.v1.nn.sampled_softmax_loss`.
    """
    with name_scope(name, "sampled_softmax_loss"):
        logits, targets = _sampled_logits(
            weights,
            biases,
            labels,
            inputs,
            num_sampled,
            num_classes,
            num_true,
            sampled_values,
            remove_accidental_hits,
            partition_strategy,
            seed,
        )
        return softmax_cross_entropy_with_logits_v2(StopGradient(targets), logits)


def _sampled_logits(
    weights: Any,
    biases: Any,
    labels: Any,
    inputs: Any,
    num_sampled: int,
    num_classes: int,
    num_true: int,
    sampled_values: Any,
    remove_hits: bool,
    strategy: str,
    seed: int | None,
) -> tuple[Tensor, Tensor]:
    """Logits of the true classes and then the drawn ones, corrected for how often each is drawn, and targets.

    Returns:
        Two tensors `(batch, num_true + num_sampled)`; the targets of an example sum to one.
    """
    inputs = tensor(inputs, name="inputs")
    labels = cast(tensor(labels, name="labels"), int64)
    flat = Reshape(labels, [-1])
    if sampled_values is None:
        sampled_values = log_uniform_candidate_sampler(labels, num_true, num_sampled, True, num_classes, seed)
    sampled, true_count, sampled_count = (StopGradient(tensor(v)) for v in sampled_values)
    sampled = cast(sampled, int64)
    ids = ConcatV2([flat, sampled], 0)
    trues = Shape(flat)[0]
    rows = cast(embedding_lookup(parts_of(weights), ids, strategy), inputs.dtype)
    shifts = cast(embedding_lookup(parts_of(biases), ids, strategy), inputs.dtype)
    true_rows = Slice(rows, [0, 0], Pack([trues, -1]))
    sampled_rows = Slice(rows, Pack([trues, 0]), [-1, -1])
    true_shift, sampled_shift = Slice(shifts, [0], Pack([trues])), Slice(shifts, Pack([trues]), [-1])
    products = Mul(ExpandDims(inputs, 1), Reshape(true_rows, _grouped(true_rows, num_true)))
    true_logits = AddV2(Sum(products, [2]), Reshape(true_shift, [-1, num_true]))
    sampled_logits = AddV2(MatMul(inputs, sampled_rows, transpose_b=True), sampled_shift)
    if remove_hits:
        sampled_logits = _without_hits(labels, sampled, sampled_logits, num_true)
    true_logits = Sub(true_logits, Log(cast(true_count, inputs.dtype)))
    sampled_logits = Sub(sampled_logits, Log(cast(sampled_count, inputs.dtype)))
    shares = RealDiv(OnesLike(true_logits), np.asarray(num_true, inputs.dtype.np))
    logits = ConcatV2([true_logits, sampled_logits], 1)
    return logits, ConcatV2([shares, ZerosLike(sampled_logits)], 1)


def _grouped(rows: Tensor, num_true: int) -> Any:
    """The shape `(batch, num_true, dim)`."""
    width = rows.shape[1]
    return [-1, num_true, int(width)] if width is not None else Pack([-1, num_true, Shape(rows)[1]])


def _without_hits(labels: Tensor, sampled: Tensor, logits: Tensor, num_true: int) -> Tensor:
    """Logits so low that they do not count where a drawn class is a true one."""
    hit_rows, hit_places, weights = compute_accidental_hits(labels, sampled, num_true)
    at = Pack([hit_rows, cast(hit_places, int32)], axis=1)
    low = SparseToDense(
        at, Shape(logits), cast(weights, logits.dtype), np.asarray(0, logits.dtype.np), validate_indices=False
    )
    return AddV2(logits, low)
