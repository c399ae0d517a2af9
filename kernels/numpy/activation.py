"""Activations where NumPy has a faster way."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..registry import KernelContext, kernel


@kernel("BiasAddGrad", on="numpy")
def bias_add_grad(c: KernelContext, grad: Any) -> Any:
    channels_first = c.attrs["data_format"] == "NCHW" and grad.ndim > 2
    if channels_first:
        axes = (0, *range(2, grad.ndim))
        return np.sum(grad, axis=axes, dtype=grad.dtype)
    rows = grad.reshape(-1, grad.shape[-1])
    if grad.dtype.kind == "f" and grad.dtype.itemsize in (4, 8) and rows.size:
        # BLAS sums columns several times faster than a reduction over the first axis, and more exactly.
        return np.matmul(np.ones(len(rows), grad.dtype), rows)
    return np.sum(rows, axis=0, dtype=grad.dtype)
