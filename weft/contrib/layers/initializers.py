"""Initializers in the form of `contrib.layers`."""

from __future__ import annotations

from typing import Any

from ...initializers import VarianceScaling

__all__ = ["variance_scaling_initializer", "xavier_initializer", "xavier_initializer_conv2d"]


def xavier_initializer(
    uniform: bool = True, seed: int | None = None, dtype: Any = "float32"
) -> VarianceScaling:
    """Random numbers with a variance of `2 / (inputs + outputs)`.

    Args:
        uniform: evenly distributed numbers; normal ones otherwise.
        seed: seed of the numbers.
        dtype: element type.

    Source:
        Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.
    """
    return VarianceScaling(1.0, "fan_avg", "uniform" if uniform else "truncated_normal", seed, dtype)


xavier_initializer_conv2d = xavier_initializer


def variance_scaling_initializer(
    factor: float = 2.0,
    mode: str = "FAN_IN",
    uniform: bool = False,
    seed: int | None = None,
    dtype: Any = "float32",
) -> VarianceScaling:
    """Random numbers with a variance of `factor / n`; mode FAN_IN, FAN_OUT or FAN_AVG says what n counts.

    Args:
        factor: factor of the variance.
        mode: FAN_IN, FAN_OUT or FAN_AVG.
        uniform: whether the numbers are evenly distributed.
        seed: seed of the random numbers.
        dtype: element type.
    """
    return VarianceScaling(factor, mode.lower(), "uniform" if uniform else "truncated_normal", seed, dtype)
