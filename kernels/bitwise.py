"""Integers as rows of bits; declared in `graph/ops/bitwise.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from .registry import KernelContext, kernel, ufunc

ufunc("BitwiseAnd", "bitwise_and")
ufunc("BitwiseOr", "bitwise_or")
ufunc("BitwiseXor", "bitwise_xor")
ufunc("Invert", "invert")


def _places(c: KernelContext, y: Any) -> Any:
    bits = c.in_types[0].size * 8
    return c.xp.clip(y, c.out_dtype.type(0), c.out_dtype.type(bits - 1))


@kernel("LeftShift")
def left_shift(c: KernelContext, x: Any, y: Any) -> Any:
    return c.xp.left_shift(x, _places(c, y))


@kernel("RightShift")
def right_shift(c: KernelContext, x: Any, y: Any) -> Any:
    return c.xp.right_shift(x, _places(c, y))


@kernel("PopulationCount")
def population_count(c: KernelContext, x: Any) -> Any:
    dtype = np.dtype(f"uint{8 * c.in_types[0].size}")
    bits = x.view(dtype)
    count = getattr(c.xp, "bitwise_count", None)
    return (count(bits) if count is not None else _count_bits(bits, dtype)).astype(np.uint8)


def _count_bits(x: Any, dtype: Any) -> Any:
    """Bits are added up in pairs, fours and eights at once; a product adds up the bytes."""
    width = dtype.itemsize
    twos, fours, bytes_ = (dtype.type(int(h * width, 16)) for h in ("55", "33", "0f"))
    x = x - ((x >> dtype.type(1)) & twos)
    x = (x & fours) + ((x >> dtype.type(2)) & fours)
    x = (x + (x >> dtype.type(4))) & bytes_
    if width == 1:
        return x
    return (x * dtype.type(int("01" * width, 16))) >> dtype.type(8 * (width - 1))
