"""Reductions; declared in `graph/ops/reduction.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from .registry import KernelContext, kernel


def axes_of(reduction_indices: Any) -> tuple[int, ...]:
    """The axes as a tuple; they are always a host value."""
    return tuple(int(a) for a in np.ravel(reduction_indices))


@kernel("Sum")
def sum_(c: KernelContext, x: Any, reduction_indices: Any) -> Any:
    return c.xp.sum(x, axis=axes_of(reduction_indices), keepdims=c.attrs["keep_dims"], dtype=x.dtype)
