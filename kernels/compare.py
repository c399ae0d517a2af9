"""Comparisons, logic and choices by condition; declared in `graph/ops/compare.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from .registry import KernelContext, kernel, ufunc

ufunc("Less", "less")
ufunc("LessEqual", "less_equal")
ufunc("Greater", "greater")
ufunc("GreaterEqual", "greater_equal")
ufunc("LogicalAnd", "logical_and")
ufunc("LogicalOr", "logical_or")
ufunc("LogicalNot", "logical_not")


def _equality(c: KernelContext, name: str, x: Any, y: Any) -> Any:
    if not c.attrs["incompatible_shape_error"]:
        try:
            np.broadcast_shapes(np.shape(x), np.shape(y))
        except ValueError:
            return c.xp.asarray(name == "not_equal")
    if c.in_types[0].kind == "s":
        return np.asarray(getattr(np, name)(x, y), dtype=np.bool_)
    return getattr(c.xp, name)(x, y)


@kernel("Equal")
def equal(c: KernelContext, x: Any, y: Any) -> Any:
    return _equality(c, "equal", x, y)


@kernel("NotEqual")
def not_equal(c: KernelContext, x: Any, y: Any) -> Any:
    return _equality(c, "not_equal", x, y)


@kernel("ApproximateEqual")
def approximate_equal(c: KernelContext, x: Any, y: Any) -> Any:
    larger, smaller = (x, y) if c.in_types[0].is_complex else (c.xp.maximum(x, y), c.xp.minimum(x, y))
    return c.xp.abs(larger - smaller) < c.attrs["tolerance"]


def _where(c: KernelContext, condition: Any, t: Any, e: Any) -> Any:
    if c.out_types[0].np.hasobject:
        return np.asarray(np.where(condition, t, e), dtype=object)
    return c.xp.where(condition, t, e)


@kernel("SelectV2")
def select_v2(c: KernelContext, condition: Any, t: Any, e: Any) -> Any:
    return _where(c, condition, t, e)


@kernel("Select")
def select(c: KernelContext, condition: Any, t: Any, e: Any) -> Any:
    missing = np.ndim(t) - np.ndim(condition)
    if np.ndim(condition) == 1 and missing > 0:
        condition = c.xp.reshape(condition, np.shape(condition) + (1,) * missing)
    return _where(c, condition, t, e)


@kernel("ClipByValue")
def clip_by_value(c: KernelContext, t: Any, low: Any, high: Any) -> Any:
    return c.xp.minimum(c.xp.maximum(t, low), high)
