"""Remainders of floats on NumPy: `np.fmod` is ten times as fast as `np.remainder`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..math import floor_mod as shared_floor_mod
from ..registry import KernelContext, kernel


@kernel("FloorMod", on="numpy")
def floor_mod(c: KernelContext, x: Any, y: Any) -> Any:
    if c.in_types[0].name not in ("float32", "float64"):
        return shared_floor_mod(c, x, y)
    remainder = np.fmod(x, y)
    is_off = np.not_equal(np.signbit(remainder), np.signbit(y)) & (remainder != 0)
    return np.add(remainder, np.multiply(y, is_off, dtype=remainder.dtype))
