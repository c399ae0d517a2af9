"""Moments by parts: sufficient statistics, weights, share of zeros."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph.default_graph import name_scope
from ..graph.dtypes import float32, int64
from ..graph.elements import Tensor
from ..graph.ops.array import Shape, Size, ZerosLike
from ..graph.ops.compare import Equal
from ..graph.ops.math import AddV2, Mul, RealDiv, SquaredDifference, Sub
from ..graph.ops.reduction import Prod, Sum
from ..graph.ops.unary import Reciprocal, Square
from .common import axes_tensor, cast, either, precise, tensor
from .norm import squeezed

__all__ = ["normalize_moments", "sufficient_statistics", "weighted_moments", "zero_fraction"]


def sufficient_statistics(
    x: Any,
    axes: Any,
    shift: Any = None,
    keep_dims: bool | None = None,
    name: str | None = None,
    keepdims: bool | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    """What mean and variance over axes can be computed from, part by part.

    Args:
        x: floats of any shape.
        axes: axes over which they are taken.
        shift: what is subtracted from `x` first, near the mean, for accuracy; None for 0.
        keep_dims, keepdims: whether the axes stay, with size 1.
        name: name scope.

    Returns:
        (number of elements, sum, sum of squares, shift).

    Source:
        `tf.compat.v1.nn.sufficient_statistics`.
    """
    keep = either("keepdims", keepdims, "keep_dims", keep_dims, False)
    with name_scope(name, "sufficient_statistics"):
        x = tensor(x, name="x")
        axes = list(axes)
        counts: Tensor
        if x.shape.rank is not None and all(x.shape[a] is not None for a in axes):
            count = int(np.prod([x.shape[a] for a in axes], dtype=np.int64))
            counts = tensor(np.asarray(count, x.dtype.np), name="count")
        else:
            from ..graph.ops.array import GatherV2

            sizes = GatherV2(cast(Shape(x), x.dtype), axes, 0)
            counts = Prod(sizes, [0], name="count")
        if shift is None:
            values, squares = x, Square(x)
        else:
            shift = tensor(shift, x.dtype, "shift")
            values, squares = Sub(x, shift), SquaredDifference(x, shift)
        total = Sum(values, axes, keep_dims=keep, name="mean_ss")
        spread = Sum(squares, axes, keep_dims=keep, name="var_ss")
        return counts, total, spread, shift


def normalize_moments(
    counts: Any, mean_ss: Any, variance_ss: Any, shift: Any, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """Mean and variance from sufficient statistics.

    Args:
        counts: number of elements.
        mean_ss: sum of the (shifted) elements.
        variance_ss: sum of their squares.
        shift: what was subtracted from them, or None.
        name: name scope.

    Returns:
        (mean, variance).

    Source:
        `tf.compat.v1.nn.normalize_moments`.
    """
    with name_scope(name, "normalize"):
        divisor = Reciprocal(tensor(counts), name="divisor")
        if shift is not None:
            shifted = Mul(mean_ss, divisor, name="shifted_mean")
            mean = AddV2(shifted, shift, name="mean")
        else:
            shifted = mean = Mul(mean_ss, divisor, name="mean")
        variance = Sub(Mul(variance_ss, divisor), Square(shifted), name="variance")
        return mean, variance


def weighted_moments(
    x: Any,
    axes: Any,
    frequency_weights: Any,
    name: str | None = None,
    keep_dims: bool | None = None,
    keepdims: bool | None = None,
) -> tuple[Tensor, Tensor]:
    """Mean and variance over axes, in which each element counts as often as its weight says.

    Args:
        x: floats of any shape.
        axes: axes over which they are taken.
        frequency_weights: weights that broadcast against `x`.
        name: name scope.
        keep_dims, keepdims: whether the axes stay, with size 1.

    Returns:
        (mean, variance).

    Source:
        `tf.compat.v1.nn.weighted_moments`.
    """
    keep = either("keepdims", keepdims, "keep_dims", keep_dims, False)
    with name_scope(name, "weighted_moments"):
        x = tensor(x, name="x")
        y = precise(x)
        weights = cast(tensor(frequency_weights, None, "frequency_weights"), y.dtype)
        over = axes_tensor(y, axes)
        weights = AddV2(weights, ZerosLike(y))
        total = Sum(weights, over, keep_dims=True)
        mean = RealDiv(Sum(Mul(weights, y), over, keep_dims=True), total)
        spread = SquaredDifference(y, mean)
        variance = RealDiv(Sum(Mul(weights, spread), over, keep_dims=True), total)
        if not keep:
            mean, variance = squeezed(mean, over), squeezed(variance, over)
        return cast(mean, x.dtype), cast(variance, x.dtype)


def zero_fraction(value: Any, name: str | None = None) -> Tensor:
    """Which share of the elements is zero, as a float32 scalar.

    Args:
        value: numbers of any shape.
        name: name scope.

    Source:
        `tf.compat.v1.nn.zero_fraction`.
    """
    with name_scope(name, "zero_fraction"):
        x = tensor(value, name="value")
        zeros = Equal(x, ZerosLike(x))
        count = Sum(cast(zeros, int64), axes_tensor(x, None))
        share = RealDiv(cast(count, float32), cast(Size(x, out_type=int64), float32), name="fraction")
        return share  # type: ignore[no-any-return]
