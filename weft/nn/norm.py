"""Moments and normalisation."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph.constant_value import constant_value
from ..graph.default_graph import name_scope
from ..graph.elements import Tensor
from ..graph.ops.array import Squeeze, StopGradient
from ..graph.ops.complex import Imag, Real
from ..graph.ops.math import AddV2, Maximum, Mul, Neg, SquaredDifference, Sub
from ..graph.ops.norm import LRN, FusedBatchNormV3
from ..graph.ops.reduction import Mean, Sum
from ..graph.ops.unary import Rsqrt, Square
from .common import axes_tensor, cast, either, precise, tensor

__all__ = [
    "batch_norm_with_global_normalization",
    "batch_normalization",
    "fused_batch_norm",
    "l2_normalize",
    "local_response_normalization",
    "lrn",
    "moments",
]


def moments(
    x: Any,
    axes: Any,
    shift: Any = None,
    name: str | None = None,
    keep_dims: bool | None = None,
    keepdims: bool | None = None,
) -> tuple[Tensor, Tensor]:
    """Mean and variance over axes.

    Args:
        x: floats of any shape.
        axes: axes over which they are taken: `[0, 1, 2]` for batch normalisation of images, `[0]` for rows.
        shift: accepted for TensorFlow's sake.
        name: name scope.
        keep_dims, keepdims: whether the axes stay, with size 1.

    Returns:
        (mean, variance), of the type of `x`; half-precision inputs are summed in float32.

    Source:
        `tf.compat.v1.nn.moments`.
    """
    del shift
    keep = either("keepdims", keepdims, "keep_dims", keep_dims, False)
    with name_scope(name, "moments"):
        x = tensor(x, name="x")
        y = precise(x)
        over = axes_tensor(y, axes)
        mean = Mean(y, over, keep_dims=True, name="mean")
        spread = SquaredDifference(y, StopGradient(mean))
        variance = Mean(spread, over, keep_dims=True, name="variance")
        if not keep:
            mean, variance = squeezed(mean, over), squeezed(variance, over)
        return cast(mean, x.dtype), cast(variance, x.dtype)


def squeezed(x: Tensor, axes: Any) -> Tensor:
    """`x` without the dimensions `axes`, which have one element each."""
    known = constant_value(axes) if isinstance(axes, Tensor) else np.asarray(axes)
    if known is None:
        raise ValueError("The axes must be known while the graph is built, or keepdims=True be given.")
    if not known.size:
        return x
    return Squeeze(x, squeeze_dims=[int(a) for a in known.reshape(-1)])  # type: ignore[no-any-return]


def batch_normalization(
    x: Any,
    mean: Any,
    variance: Any,
    offset: Any,
    scale: Any,
    variance_epsilon: Any,
    name: str | None = None,
) -> Tensor:
    """(x - mean) / sqrt(variance + variance_epsilon) * scale + offset, with broadcasting.

    Args:
        x: floats of any shape.
        mean, variance: moments of `x`, in shapes that broadcast to it.
        offset: added at the end, or None.
        scale: multiplied with, or None.
        variance_epsilon: a small number against division by zero.
        name: name scope.

    Source:
        Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167.
    """
    with name_scope(name, "batchnorm"):
        x, variance = tensor(x), tensor(variance)
        factor = Rsqrt(AddV2(variance, tensor(variance_epsilon, variance.dtype)))
        if scale is not None:
            factor = Mul(factor, scale)
        shift = Mul(mean, factor)
        shift = Neg(shift) if offset is None else Sub(offset, shift)
        return AddV2(Mul(x, cast(factor, x.dtype)), cast(shift, x.dtype))  # type: ignore[no-any-return]


def batch_norm_with_global_normalization(
    t: Any = None,
    m: Any = None,
    v: Any = None,
    beta: Any = None,
    gamma: Any = None,
    variance_epsilon: Any = None,
    scale_after_normalization: bool | None = None,
    name: str | None = None,
    input: Any = None,
    mean: Any = None,
    variance: Any = None,
) -> Tensor:
    """`batch_normalization` under its oldest name.

    Args:
        t: `(batch, height, width, channels)`.
        m, v: mean and variance per channel.
        beta: added at the end.
        gamma: multiplied with, if `scale_after_normalization`.
        variance_epsilon: a small number against division by zero.
        scale_after_normalization: whether `gamma` is used.
        name: name scope.
        input, mean, variance: other names of `t`, `m` and `v`.

    Source:
        `tf.compat.v1.nn.batch_norm_with_global_normalization`.
    """
    return batch_normalization(
        either("input", input, "t", t),
        either("mean", mean, "m", m),
        either("variance", variance, "v", v),
        beta,
        gamma if scale_after_normalization else None,
        variance_epsilon,
        name,
    )


def fused_batch_norm(
    x: Any,
    scale: Any,
    offset: Any,
    mean: Any = None,
    variance: Any = None,
    epsilon: float = 0.001,
    data_format: str = "NHWC",
    is_training: bool = True,
    name: str | None = None,
    exponential_avg_factor: float = 1.0,
) -> tuple[Tensor, Tensor, Tensor]:
    """Batch normalisation of images in one op.

    Args:
        x: `(batch, height, width, channels)`, or another layout by `data_format`.
        scale, offset: float32, one number per channel.
        mean, variance: moments to normalise with, where it is not training, or to move towards the batch's.
        epsilon: a small number against division by zero, at least 1.001e-5.
        data_format: "NHWC", "NCHW", "NDHWC" or "NCDHW".
        is_training: whether the batch's own moments are used.
        name: name scope.
        exponential_avg_factor: how far the returned moments are moved from `mean` and `variance` to the batch's.

    Returns:
        (y, mean, variance): the variance is divided by the number of elements less one.

    Raises:
        ValueError: moments are missing where they are needed, or given where they are not.

    Source:
        TensorFlow's op `FusedBatchNormV3`.
    """
    if (not is_training or exponential_avg_factor != 1.0) and (mean is None or variance is None):
        raise ValueError(
            "Both `mean` and `variance` must be given where is_training=False or an average is kept."
        )
    with name_scope(name, "FusedBatchNorm"):
        x = tensor(x, name="input")
        scale, offset = tensor(scale, "float32", "scale"), tensor(offset, "float32", "offset")
        nothing = np.zeros(0, np.float32)
        if is_training and exponential_avg_factor == 1.0:
            mean, variance = nothing, nothing
        # The kernel of cuDNN refuses smaller ones; the same program is to run everywhere.
        least = 1.001e-5
        made = FusedBatchNormV3(
            x,
            scale,
            offset,
            mean,
            variance,
            epsilon=max(epsilon, least),
            exponential_avg_factor=exponential_avg_factor,
            data_format=data_format,
            is_training=is_training,
        )
        return made[0], made[1], made[2]


def local_response_normalization(
    input: Any,
    depth_radius: int = 5,
    bias: float = 1,
    alpha: float = 1,
    beta: float = 0.5,
    name: str | None = None,
) -> Tensor:
    """Each element over (bias + alpha * sum of squares around it along the channels) ** beta.

    Args:
        input: `(batch, height, width, channels)`.
        depth_radius: how many channels to each side are summed.
        bias, alpha, beta: see above.
        name: name of the op.

    Source:
        Krizhevsky et al. 2012; TensorFlow's op `LRN`.
    """
    return LRN(input, depth_radius=depth_radius, bias=bias, alpha=alpha, beta=beta, name=name)  # type: ignore[no-any-return]


lrn = local_response_normalization


def l2_normalize(
    x: Any, axis: Any = None, epsilon: float = 1e-12, name: str | None = None, dim: Any = None
) -> Tensor:
    """x over the square root of its sum of squares along axes.

    Args:
        x: floats or complex numbers of any shape.
        axis: the axes; all where None.
        epsilon: lower bound of the sum of squares.
        name: name of the last op.
        dim: old name of `axis`.

    Source:
        `tf.compat.v1.math.l2_normalize`.
    """
    axis = either("axis", axis, "dim", dim)
    with name_scope(name, "l2_normalize") as scope:
        x = tensor(x, name="x")
        over = axes_tensor(x, axis)
        if x.dtype.is_complex:
            part = x.dtype.real_dtype
            squares = AddV2(Square(Real(x, Tout=part)), Square(Imag(x, Tout=part)))
        else:
            squares = Square(x)
        total = Sum(squares, over, keep_dims=True)
        factor = Rsqrt(Maximum(total, np.asarray(epsilon, total.dtype.np)))
        return Mul(x, cast(factor, x.dtype), name=scope)  # type: ignore[no-any-return]
