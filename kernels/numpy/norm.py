"""Batch normalisation with given moments on NumPy: one product and one sum, a block at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..norm import channels_axis, fused_batch_norm, per_channel
from ..registry import KernelContext, kernel
from .by_rows import by_rows


@by_rows(0)
def _scaled(c: KernelContext, x: Any, factor: Any, shift: Any) -> Any:
    y = np.multiply(x, factor)
    return np.add(y, shift, out=y)


@kernel("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3", on="numpy")
def batch_norm(c: KernelContext, x: Any, scale: Any, offset: Any, mean: Any, variance: Any) -> Any:
    if c.attrs["is_training"] or x.dtype != np.float32:
        return fused_batch_norm(c, x, scale, offset, mean, variance)
    axis = channels_axis(c, x)
    factor = scale / np.sqrt(variance + np.float32(c.attrs["epsilon"]))
    shift = offset - mean * factor
    y = _scaled(c, x, per_channel(factor, x, axis), per_channel(shift, x, axis))
    rest: list[Any] = [np.array(m, np.float32) for m in (mean, variance, mean, variance)]
    if len(c.out_types) == 6:
        rest.append(np.zeros((), np.float32))
    return y, *rest
