"""Elementwise arithmetic; declared in `graph/ops/math.py`."""

from __future__ import annotations

from typing import Any

from .registry import KernelContext, kernel, ufunc

ufunc("AddV2", "add")
ufunc("Sub", "subtract")
ufunc("Mul", "multiply")
ufunc("Neg", "negative")
ufunc("Square", "square")


@kernel("AddN")
def add_n(c: KernelContext, *inputs: Any) -> Any:
    total = inputs[0]
    for term in inputs[1:]:
        total = c.xp.add(total, term)
    return total
