"""Batch normalisation and local response normalisation; declared in `graph/ops/norm.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph.ops.windows import channel_axis
from .columns import channel_sums
from .registry import KernelContext, kernel


def channels_axis(c: KernelContext, x: Any) -> int:
    return channel_axis(c.attrs["data_format"], x.ndim)


def per_channel(values: Any, x: Any, axis: int) -> Any:
    """One number per channel in a shape that broadcasts against `x`."""
    return values.reshape(-1, *(1,) * (x.ndim - 1 - axis))


def _count(x: Any, axis: int) -> int:
    return int(np.prod([d for i, d in enumerate(x.shape) if i != axis], dtype=np.int64))


@kernel("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")
def fused_batch_norm(c: KernelContext, x: Any, scale: Any, offset: Any, mean: Any, variance: Any) -> Any:
    xp, axis = c.xp, channels_axis(c, x)
    wide = x.astype(np.float32, copy=False)
    kind = wide.dtype.type
    scale, offset, mean, variance = (
        a.astype(np.float32, copy=False) for a in (scale, offset, mean, variance)
    )
    given = mean, variance
    if c.attrs["is_training"]:
        count = _count(x, axis)
        mean = channel_sums(xp, wide, axis) / kind(max(count, 1))
        y = wide - per_channel(mean, x, axis)
        variance = channel_sums(xp, xp.square(y), axis) / kind(max(count, 1))
        outgoing = _moved(c, given, mean, variance * kind(count / max(count - 1, 1)))
    else:
        y = wide - per_channel(mean, x, axis)
        outgoing = given
    factor = scale / xp.sqrt(variance + kind(c.attrs["epsilon"]))
    y *= per_channel(factor, x, axis)
    y += per_channel(offset, x, axis)
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
    xp, axis = c.xp, channels_axis(c, x)
    wide_grad, wide = grad.astype(np.float32, copy=False), x.astype(np.float32, copy=False)
    kind = wide.dtype.type
    centred = wide - per_channel(mean, x, axis)
    inverse = kind(1) / xp.sqrt(variance + kind(c.attrs["epsilon"]))
    doffset = channel_sums(xp, wide_grad, axis)
    product = channel_sums(xp, wide_grad * centred, axis)
    if c.attrs["is_training"]:
        count = kind(max(_count(x, axis), 1))
        centred *= per_channel(-inverse * inverse * product / count, x, axis)
        centred += wide_grad
        centred -= per_channel(doffset / count, x, axis)
        centred *= per_channel(scale * inverse, x, axis)
        dx = centred
    else:
        dx = wide_grad * per_channel(scale * inverse, x, axis)
    nothing = xp.zeros(0, c.out_types[3].np)
    types = [t.np for t in c.out_types]
    return dx.astype(types[0], copy=False), product * inverse, doffset, nothing, nothing


def _window_sums(c: KernelContext, x: Any) -> Any:
    """Sums of `x` over the neighbourhood along the channels."""
    depth = x.shape[-1]
    radius = min(c.attrs["depth_radius"], max(depth - 1, 0))
    if depth <= _BAND_DEPTH and c.xp is np:
        near = np.abs(np.subtract.outer(np.arange(depth), np.arange(depth))) <= radius
        return np.matmul(x.reshape(-1, depth), near.astype(x.dtype)).reshape(x.shape)
    padded = c.xp.pad(x, ((0, 0), (0, 0), (0, 0), (radius, radius)))
    total = padded[..., :depth]
    for start in range(1, 2 * radius + 1):
        total = total + padded[..., start : start + depth]
    return total


_BAND_DEPTH = 256
"""Channels up to which a product with a band matrix is faster than adding neighbours one after the other."""


def _lowered(c: KernelContext, norm: Any) -> Any:
    """norm to the power of -beta, by roots where they do: a general power takes many times as long."""
    xp, beta = c.xp, c.attrs["beta"]
    if beta == 1.0:
        return 1 / norm
    if beta == 0.5:
        return 1 / xp.sqrt(norm)
    if beta == 0.75:
        root = xp.sqrt(norm)
        return 1 / (root * xp.sqrt(root))
    return xp.power(norm, norm.dtype.type(-beta))


def _lrn_norm(c: KernelContext, x: Any) -> Any:
    kind = x.dtype.type
    return kind(c.attrs["bias"]) + kind(c.attrs["alpha"]) * _window_sums(c, x * x)


@kernel("LRN")
def lrn(c: KernelContext, x: Any) -> Any:
    wide = x.astype(np.float32, copy=False)
    y = wide * _lowered(c, _lrn_norm(c, wide))
    return y.astype(c.out_dtype, copy=False)


@kernel("LRNGrad")
def lrn_grad(c: KernelContext, grad: Any, x: Any, y: Any) -> Any:
    grad, x, y = (a.astype(np.float32, copy=False) for a in (grad, x, y))
    kind = x.dtype.type
    norm = _lrn_norm(c, x)
    direct = grad * _lowered(c, norm)
    spread = _window_sums(c, grad * y / norm)
    dx = direct - kind(2 * c.attrs["alpha"] * c.attrs["beta"]) * x * spread
    return dx.astype(c.out_dtype, copy=False)
