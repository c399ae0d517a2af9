"""Softmax and its cross entropies on NumPy, over as few arrays as they need."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..losses import sparse_softmax_cross_entropy as shared_sparse
from ..losses import wide
from ..registry import KernelContext, kernel
from .by_rows import by_rows


def _exponentials(logits: Any) -> tuple[Any, Any, Any]:
    """(greatest logit, exponentials less it, their sum), along the last dimension."""
    greatest = np.max(logits, axis=-1, keepdims=True, initial=-np.inf)
    raised = np.subtract(logits, greatest)
    np.exp(raised, out=raised)
    return greatest, raised, np.sum(raised, axis=-1, keepdims=True)


@kernel("Softmax", on="numpy")
@by_rows(0)
def softmax(c: KernelContext, logits: Any) -> Any:
    _, raised, total = _exponentials(wide(c, logits))
    return np.divide(raised, total, out=raised).astype(c.out_dtype, copy=False)


@kernel("SparseSoftmaxCrossEntropyWithLogits", on="numpy")
@by_rows(0, 1)
def sparse_softmax_cross_entropy(c: KernelContext, features: Any, labels: Any) -> Any:
    classes = features.shape[-1]
    if not labels.size or not classes or labels.min() < 0 or labels.max() >= classes:
        return shared_sparse(c, features, labels)
    logits = wide(c, features)
    greatest, raised, total = _exponentials(logits)
    places = np.arange(len(labels)), labels
    loss = np.log(total[:, 0]) - (logits[places] - greatest[:, 0])
    np.divide(raised, total, out=raised)
    raised[places] -= raised.dtype.type(1)
    return loss.astype(c.out_dtype, copy=False), raised.astype(c.out_dtype, copy=False)
