"""Moments and normalisation."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph.graph import Tensor, name_scope
from ..graph.ops.array import Squeeze, StopGradient
from ..graph.ops.complex import Imag, Real
from ..graph.ops.math import AddV2, Maximum, Mul, Neg, SquaredDifference, Sub
from ..graph.ops.reduction import Mean, Sum
from ..graph.ops.unary import Rsqrt, Square
from .common import axes_tensor, cast, either, precise, tensor

__all__ = ["batch_normalization", "l2_normalize", "moments"]


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
            mean, variance = _squeezed(mean, over), _squeezed(variance, over)
        return cast(mean, x.dtype), cast(variance, x.dtype)


def _squeezed(x: Tensor, axes: Any) -> Tensor:
    from ..graph.constant_value import constant_value

    known = constant_value(axes) if isinstance(axes, Tensor) else np.asarray(axes)
    if known is None:
        raise ValueError("moments() needs axes that are known while the graph is built, or keepdims=True.")
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
            squares = AddV2(
                Square(Real(x, Tout=x.dtype.real_dtype)), Square(Imag(x, Tout=x.dtype.real_dtype))
            )
        else:
            squares = Square(x)
        total = Sum(squares, over, keep_dims=True)
        factor = Rsqrt(Maximum(total, np.asarray(epsilon, total.dtype.np)))
        return Mul(x, cast(factor, x.dtype), name=scope)  # type: ignore[no-any-return]
