"""Softmax and cross entropies; declared in `graph/ops/losses.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph.errors import InvalidArgumentError
from .registry import KernelContext, kernel


def wide(c: KernelContext, x: Any) -> Any:
    """`x` in a type that sums well: float32 for the small floats."""
    return x.astype(np.float32) if c.out_dtype.itemsize == 2 else x


def shifted(xp: Any, x: Any) -> Any:
    """Logits less their maximum along the last dimension."""
    return x - xp.max(x, axis=-1, keepdims=True, initial=-np.inf)


def softmax_of(xp: Any, logits: Any) -> Any:
    """softmax along the last dimension."""
    raised = xp.exp(shifted(xp, logits))
    return raised / xp.sum(raised, axis=-1, keepdims=True)


@kernel("Softmax")
def softmax(c: KernelContext, logits: Any) -> Any:
    return softmax_of(c.xp, wide(c, logits)).astype(c.out_dtype, copy=False)


@kernel("LogSoftmax")
def log_softmax(c: KernelContext, logits: Any) -> Any:
    low = shifted(c.xp, wide(c, logits))
    total = c.xp.log(c.xp.sum(c.xp.exp(low), axis=-1, keepdims=True))
    return (low - total).astype(c.out_dtype, copy=False)


@kernel("SoftmaxCrossEntropyWithLogits")
def softmax_cross_entropy(c: KernelContext, features: Any, labels: Any) -> Any:
    xp = c.xp
    features, labels = xp.broadcast_arrays(wide(c, features), wide(c, labels))
    low = shifted(xp, features)
    raised = xp.exp(low)
    total = xp.sum(raised, axis=-1, keepdims=True)
    loss = xp.sum(labels * (xp.log(total) - low), axis=-1)
    backprop = raised / total - labels
    return loss.astype(c.out_dtype, copy=False), backprop.astype(c.out_dtype, copy=False)


@kernel("SparseSoftmaxCrossEntropyWithLogits")
def sparse_softmax_cross_entropy(c: KernelContext, features: Any, labels: Any) -> Any:
    xp, classes = c.xp, features.shape[-1]
    if c.backend == "numpy" and labels.size and (labels.min() < 0 or labels.max() >= classes):
        wrong = labels[(labels < 0) | (labels >= classes)][0]
        raise InvalidArgumentError(
            c.node.name,
            f"{c.node.op} '{c.node.name}': labels must be class numbers in [0, {classes}), got {wrong}",
            "",
            c.node.source,
        )
    low = shifted(xp, wide(c, features))
    raised = xp.exp(low)
    total = xp.sum(raised, axis=-1, keepdims=True)
    hot = xp.arange(classes, dtype=labels.dtype)[None, :] == labels[:, None]
    # A label out of range gives NaN where a device cannot raise an error.
    inside = xp.where((labels >= 0) & (labels < classes), 0.0, np.nan).astype(low.dtype)
    picked = xp.sum(xp.where(hot, low, low.dtype.type(0)), axis=-1)
    loss = xp.log(total[:, 0]) - picked + inside
    backprop = raised / total - hot.astype(low.dtype) + inside[:, None]
    return loss.astype(c.out_dtype, copy=False), backprop.astype(c.out_dtype, copy=False)


@kernel("L2Loss")
def l2_loss(c: KernelContext, t: Any) -> Any:
    flat = wide(c, t).reshape(-1)
    return (c.xp.dot(flat, flat) / 2).astype(c.out_dtype)
