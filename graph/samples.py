"""Test data for op declarations: the same numbers every time, made only when a test asks for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .opdef import Sample

__all__ = ["bools", "floats", "ints", "sample"]

Array = np.ndarray[Any, Any]


def floats(*shape: int, low: float = -2.0, high: float = 2.0, seed: int = 0, dtype: Any = np.float32) -> Array:
    """Evenly distributed numbers in [low, high)."""
    return np.random.default_rng(seed).uniform(low, high, shape).astype(dtype)


def ints(*shape: int, low: int = 0, high: int = 10, seed: int = 0, dtype: Any = np.int32) -> Array:
    """Whole numbers in [low, high)."""
    return np.random.default_rng(seed).integers(low, high, shape).astype(dtype)


def bools(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).integers(0, 2, shape).astype(np.bool_)


def sample(
    *inputs: Any, grad: Sequence[int] | None = None, tolerance: float = 1.0, **attrs: Any
) -> Sample:
    """A row of test data; see `opdef.Sample`."""
    return Sample(inputs, attrs, None if grad is None else tuple(grad), tolerance)
