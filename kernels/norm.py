"""Batch normalisation and local response normalisation; declared in `graph/ops/norm.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph.ops.windows import channel_axis
from .columns import channel_sums
from .registry import KernelContext, kernel


def _axis(c: KernelContext, x: Any) -> int:
    return channel_axis(c.attrs["data_format"], x.ndim)


def _per_channel(values: Any, x: Any, axis: int) -> Any:
    """One number per channel in a shape that broadcasts against `x`."""
    return values.reshape(-1, *(1,) * (x.ndim - 1 - axis))


def _count(x: Any, axis: int) -> int:
    return int(np.prod([d for i, d in enumerate(x.shape) if i != axis], dtype=np.int64))


@kernel("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")
def fused_batch_norm(c: KernelContext, x: Any, scale: Any, offset: Any, mean: Any, variance: Any) -> Any:
    xp, axis = c.xp, _axis(c, x)
    wide = x.astype(np.float32, copy=False)
    kind = wide.dtype.type
    scale, offset, mean, variance = (
        a.astype(np.float32, copy=False) for a in (scale, offset, mean, variance)
    )
    given = mean, variance
    if c.attrs["is_training"]:
        count = _count(x, axis)
        mean = channel_sums(xp, wide, axis) / kind(max(count, 1))
        y = wide - _per_channel(mean, x, axis)
        variance = channel_sums(xp, xp.square(y), axis) / kind(max(count, 1))
        outgoing = _moved(c, given, mean, variance * kind(count / max(count - 1, 1)))
    else:
        y = wide - _per_channel(mean, x, axis)
        outgoing = given
    factor = scale / xp.sqrt(variance + kind(c.attrs["epsilon"]))
    y *= _per_channel(factor, x, axis)
    y += _per_channel(offset, x, axis)
    moments = [m.astype(c.out_types[1].np, copy=False) for m in (*outgoing, mean, variance)]
    if len(c.out_types) == 6:
        # TensorFlow's CPU kernel has no use for this output either.
        moments.append(xp.zeros((), c.out_types[5].np))
    return y.astype(c.out_dtype, copy=False), *moments


def _moved(c: KernelContext, before: tuple[Any, Any], mean: Any, variance: Any) -> tuple[Any, Any]:
    """The moments to give out: the batch's, or the given ones moved towards them."""
    share = c.attrs["exponential_avg_factor"]
    if share == 1.0:
        return mean, variance
    kind = mean.dtype.type
    old_mean, old_variance = before
    return (
        old_mean * kind(1 - share) + mean * kind(share),
        old_variance * kind(1 - share) + variance * kind(share),
    )


@kernel("FusedBatchNormGrad", "FusedBatchNormGradV2", "FusedBatchNormGradV3")
def fused_batch_norm_grad(
    c: KernelContext, grad: Any, x: Any, scale: Any, mean: Any, variance: Any, reserved: Any = None
) -> Any:
    del reserved
    xp, axis = c.xp, _axis(c, x)
    wide_grad, wide = grad.astype(np.float32, copy=False), x.astype(np.float32, copy=False)
    kind = wide.dtype.type
    centred = wide - _per_channel(mean, x, axis)
    inverse = kind(1) / xp.sqrt(variance + kind(c.attrs["epsilon"]))
    doffset = channel_sums(xp, wide_grad, axis)
    product = channel_sums(xp, wide_grad * centred, axis)
    if c.attrs["is_training"]:
        count = kind(max(_count(x, axis), 1))
        centred *= _per_channel(-inverse * inverse * product / count, x, axis)
        centred += wide_grad
        centred -= _per_channel(doffset / count, x, axis)
        centred *= _per_channel(scale * inverse, x, axis)
        dx = centred
    else:
        dx = wide_grad * _per_channel(scale * inverse, x, axis)
    nothing = xp.zeros(0, c.out_types[3].np)
    types = [t.np for t in c.out_types]
    return dx.astype(types[0], copy=False), product * inverse, doffset, nothing, nothing


def _window_sums(c: KernelContext, x: Any) -> Any:
    """Sums of `x` over the neighbourhood along the channels."""
    depth = x.shape[-1]
    radius = min(c.attrs["depth_radius"], max(depth - 1, 0))
    padded = c.xp.pad(x, ((0, 0), (0, 0), (0, 0), (radius, radius)))
    total = padded[..., :depth]
    for start in range(1, 2 * radius + 1):
        total = total + padded[..., start : start + depth]
    return total


def _lrn_norm(c: KernelContext, x: Any) -> Any:
    kind = x.dtype.type
    return kind(c.attrs["bias"]) + kind(c.attrs["alpha"]) * _window_sums(c, x * x)


@kernel("LRN")
def lrn(c: KernelContext, x: Any) -> Any:
    wide = x.astype(np.float32, copy=False)
    y = wide * c.xp.power(_lrn_norm(c, wide), wide.dtype.type(-c.attrs["beta"]))
    return y.astype(c.out_dtype, copy=False)


@kernel("LRNGrad")
def lrn_grad(c: KernelContext, grad: Any, x: Any, y: Any) -> Any:
    grad, x, y = (a.astype(np.float32, copy=False) for a in (grad, x, y))
    kind = x.dtype.type
    norm = _lrn_norm(c, x)
    direct = grad * c.xp.power(norm, kind(-c.attrs["beta"]))
    spread = _window_sums(c, grad * y / norm)
    dx = direct - kind(2 * c.attrs["alpha"] * c.attrs["beta"]) * x * spread
    return dx.astype(c.out_dtype, copy=False)
