"""Learning rates that change with the step count."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..graph.convert import convert_to_tensor
from ..graph.default_graph import name_scope
from ..graph.dtypes import DType
from ..graph.elements import Tensor
from ..graph.opdef import get_op

__all__ = [
    "cosine_decay",
    "cosine_decay_restarts",
    "exponential_decay",
    "inverse_time_decay",
    "linear_cosine_decay",
    "natural_exp_decay",
    "noisy_linear_cosine_decay",
    "piecewise_constant",
    "piecewise_constant_decay",
    "polynomial_decay",
]


def _rate(learning_rate: Any) -> Tensor:
    return convert_to_tensor(learning_rate, name="learning_rate", preferred_dtype="float32")


def _as(value: Any, dtype: DType) -> Tensor:
    """A number or tensor in the given element type."""
    tensor = convert_to_tensor(value)
    return tensor if tensor.dtype is dtype else get_op("Cast")(tensor, DstT=dtype)


def _share_done(global_step: Any, decay_steps: Any, dtype: DType, staircase: bool = False) -> Tensor:
    """How many decay periods have passed; whole ones only with `staircase`."""
    if global_step is None:
        raise ValueError("A learning rate schedule needs the global step, got None.")
    share = _as(global_step, dtype) / _as(decay_steps, dtype)
    return get_op("Floor")(share) if staircase else share


def exponential_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    decay_rate: Any,
    staircase: bool = False,
    name: str | None = None,
) -> Tensor:
    """`learning_rate * decay_rate ** (global_step / decay_steps)`.

    Args:
        learning_rate: the rate at step zero.
        global_step: the step count.
        decay_steps: steps in a period.
        decay_rate: factor per period.
        staircase: lowers the rate at the end of each period only.
        name: name scope of the ops.

    Raises:
        ValueError: `global_step` is None.
    """
    with name_scope(name, "ExponentialDecay") as scope:
        rate = _rate(learning_rate)
        periods = _share_done(global_step, decay_steps, rate.dtype, staircase)
        return get_op("Mul")(rate, get_op("Pow")(_as(decay_rate, rate.dtype), periods), name=scope)  # type: ignore[no-any-return]


def natural_exp_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    decay_rate: Any,
    staircase: bool = False,
    name: str | None = None,
) -> Tensor:
    """`learning_rate * exp(-decay_rate * global_step / decay_steps)`; arguments as `exponential_decay`."""
    with name_scope(name, "NaturalExpDecay"):
        rate = _rate(learning_rate)
        periods = _share_done(global_step, decay_steps, rate.dtype, staircase)
        return rate * get_op("Exp")(-_as(decay_rate, rate.dtype) * periods)


def inverse_time_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    decay_rate: Any,
    staircase: bool = False,
    name: str | None = None,
) -> Tensor:
    """`learning_rate / (1 + decay_rate * global_step / decay_steps)`; arguments as `exponential_decay`."""
    with name_scope(name, "InverseTimeDecay") as scope:
        rate = _rate(learning_rate)
        periods = _share_done(global_step, decay_steps, rate.dtype, staircase)
        return get_op("RealDiv")(rate, 1.0 + _as(decay_rate, rate.dtype) * periods, name=scope)  # type: ignore[no-any-return]


def piecewise_constant(
    x: Any, boundaries: Sequence[Any], values: Sequence[Any], name: str | None = None
) -> Tensor:
    """A value that depends on the interval that `x` is in.

    Args:
        x: a scalar, such as the step count.
        boundaries: rising numbers; the first value holds up to and including the first of them.
        values: one more than there are boundaries.
        name: name scope of the ops.

    Raises:
        ValueError: the lists' lengths do not fit.
    """
    if len(boundaries) != len(values) - 1:
        raise ValueError(
            f"{len(boundaries)} boundaries need {len(boundaries) + 1} values, got {len(values)}."
        )
    with name_scope(name, "PiecewiseConstant") as scope:
        step = convert_to_tensor(x)
        tensors = [convert_to_tensor(v, preferred_dtype="float32") for v in values]
        for tensor in tensors:
            if tensor.dtype is not tensors[0].dtype:
                raise ValueError(f"values must be of one type, got {[t.dtype.name for t in tensors]}.")
        if not boundaries:
            return tensors[0]
        edges = get_op("Pack")([_as(b, step.dtype) for b in boundaries])
        passed = get_op("Sum")(get_op("Cast")(get_op("Greater")(step, edges), DstT="int32"), [0])
        return get_op("GatherV2")(get_op("Pack")(tensors), passed, 0, name=scope)  # type: ignore[no-any-return]


piecewise_constant_decay = piecewise_constant


def polynomial_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    end_learning_rate: Any = 0.0001,
    power: Any = 1.0,
    cycle: bool = False,
    name: str | None = None,
) -> Tensor:
    """From `learning_rate` down to `end_learning_rate` along a power of the steps that are left.

    Args:
        learning_rate: the rate at step zero.
        global_step: the step count.
        decay_steps: steps until the end.
        end_learning_rate: the rate at the end and after it.
        power: of the share of steps that are left; 1 for a straight line.
        cycle: after the end, begins anew with a period that is longer by `decay_steps`.
        name: name scope of the ops.

    Raises:
        ValueError: `global_step` is None.
    """
    if global_step is None:
        raise ValueError("A learning rate schedule needs the global step, got None.")
    with name_scope(name, "PolynomialDecay") as scope:
        rate = _rate(learning_rate)
        end, exponent = _as(end_learning_rate, rate.dtype), _as(power, rate.dtype)
        step, period = _as(global_step, rate.dtype), _as(decay_steps, rate.dtype)
        if cycle:
            count = get_op("Maximum")(get_op("Ceil")(step / period), 1.0)
            period = period * count
        else:
            step = get_op("Minimum")(step, period)
        left = get_op("Pow")(1.0 - step / period, exponent)
        return get_op("AddV2")((rate - end) * left, end, name=scope)  # type: ignore[no-any-return]


def _half_cosine(share: Tensor) -> Tensor:
    """From one to zero along a cosine as `share` goes from zero to one."""
    return 0.5 * (1.0 + get_op("Cos")(math.pi * share))


def cosine_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, alpha: float = 0.0, name: str | None = None
) -> Tensor:
    """From `learning_rate` down to `alpha * learning_rate` along half a cosine.

    Args:
        learning_rate: the rate at step zero.
        global_step: the step count.
        decay_steps: steps until the end.
        alpha: share of the rate that is left at the end.
        name: name scope of the ops.

    Source:
        Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2016.
    """
    with name_scope(name, "CosineDecay"):
        rate = _rate(learning_rate)
        share = get_op("Minimum")(_share_done(global_step, decay_steps, rate.dtype), 1.0)
        return rate * ((1.0 - alpha) * _half_cosine(share) + alpha)


def cosine_decay_restarts(
    learning_rate: Any,
    global_step: Any,
    first_decay_steps: Any,
    t_mul: float = 2.0,
    m_mul: float = 1.0,
    alpha: float = 0.0,
    name: str | None = None,
) -> Tensor:
    """Half cosines one after the other, each longer than the one before.

    Args:
        learning_rate: the rate at step zero.
        global_step: the step count.
        first_decay_steps: steps in the first period.
        t_mul: factor from one period's length to the next.
        m_mul: factor from one period's first rate to the next.
        alpha: share of the rate that is left at the end of a period.
        name: name scope of the ops.

    Source:
        Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2016.
    """
    with name_scope(name, "SGDRDecay") as scope:
        rate = _rate(learning_rate)
        done = _share_done(global_step, first_decay_steps, rate.dtype)
        if t_mul == 1.0:
            restarts = get_op("Floor")(done)
            share = done - restarts
        else:
            # Length of n periods is (1 - t^n) / (1 - t) first periods; solved for n.
            restarts = get_op("Floor")(get_op("Log")(1.0 - done * (1.0 - t_mul)) / math.log(t_mul))
            length = get_op("Pow")(_as(t_mul, rate.dtype), restarts)
            share = (done - (1.0 - length) / (1.0 - t_mul)) / length
        height = get_op("Pow")(_as(m_mul, rate.dtype), restarts)
        factor = (1.0 - alpha) * height * _half_cosine(share) + alpha
        return get_op("Mul")(rate, factor, name=scope)  # type: ignore[no-any-return]


def linear_cosine_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    num_periods: float = 0.5,
    alpha: float = 0.0,
    beta: float = 0.001,
    name: str | None = None,
) -> Tensor:
    """A straight line down to zero times a cosine.

    Args:
        learning_rate: the rate at step zero.
        global_step: the step count.
        decay_steps: steps until the end.
        num_periods: periods of the cosine until then.
        alpha: added to the line.
        beta: added to the product.
        name: name scope of the ops.

    Source:
        Bello et al., "Neural Optimizer Search with Reinforcement Learning", 2017.
    """
    with name_scope(name, "LinearCosineDecay") as scope:
        rate = _rate(learning_rate)
        share = get_op("Minimum")(_share_done(global_step, decay_steps, rate.dtype), 1.0)
        cosine = _half_cosine(share * (2.0 * num_periods))
        return get_op("Mul")(rate, (alpha + (1.0 - share)) * cosine + beta, name=scope)  # type: ignore[no-any-return]


def noisy_linear_cosine_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    initial_variance: float = 1.0,
    variance_decay: float = 0.55,
    num_periods: float = 0.5,
    alpha: float = 0.0,
    beta: float = 0.001,
    name: str | None = None,
) -> Tensor:
    """`linear_cosine_decay` with normal noise on the line.

    Args:
        learning_rate, global_step, decay_steps, num_periods, alpha, beta, name: as `linear_cosine_decay`.
        initial_variance: variance of the noise at step zero.
        variance_decay: the variance is divided by `(1 + step) ** variance_decay`.

    Source:
        Bello et al., "Neural Optimizer Search with Reinforcement Learning", 2017.
    """
    from ..random import random_normal

    with name_scope(name, "NoisyLinearCosineDecay") as scope:
        rate = _rate(learning_rate)
        total = _as(decay_steps, rate.dtype)
        step = get_op("Minimum")(_as(global_step, rate.dtype), total)
        variance = initial_variance / get_op("Pow")(1.0 + step, _as(variance_decay, rate.dtype))
        noise = random_normal([], dtype=rate.dtype) * get_op("Sqrt")(variance)
        share = step / total
        line = (total - step) / total + noise
        cosine = _half_cosine(share * (2.0 * num_periods))
        return get_op("Mul")(rate, (alpha + line) * cosine + beta, name=scope)  # type: ignore[no-any-return]
