"""Arithmetic of two tensors, sums of many, casts; declared in `graph/ops/math.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph.errors import InvalidArgumentError
from .registry import KernelContext, kernel, ufunc
from .variants import add_variants

ufunc("AddV2", "add")
ufunc("Sub", "subtract")
ufunc("Mul", "multiply")
ufunc("Neg", "negative")
ufunc("RealDiv", "divide")
ufunc("Maximum", "maximum")
ufunc("Minimum", "minimum")


@kernel("Add")
def add(c: KernelContext, x: Any, y: Any) -> Any:
    if c.in_types[0].kind == "s":
        return np.asarray(np.add(x, y), dtype=object)
    return c.xp.add(x, y)


def check_divisor(c: KernelContext, y: Any) -> None:
    """Refuses a division of integers by zero, where the values can be looked at."""
    if c.backend == "numpy" and np.size(y) and not np.all(y):
        raise InvalidArgumentError(
            c.node.name, f"{c.node.op} '{c.node.name}': integer division by zero", "", c.node.source
        )


def truncated_quotient(xp: Any, x: Any, y: Any) -> Any:
    """x / y of integers, cut off towards zero."""
    quotient = xp.floor_divide(x, y)
    if np.dtype(x.dtype).kind == "u":
        return quotient
    inexact = quotient * y != x
    return xp.where(inexact & ((x < 0) != (y < 0)), quotient + xp.ones_like(quotient), quotient)


@kernel("Div")
def div(c: KernelContext, x: Any, y: Any) -> Any:
    if not c.in_types[0].is_integer:
        return c.xp.divide(x, y)
    check_divisor(c, y)
    return truncated_quotient(c.xp, x, y)


@kernel("TruncateDiv")
def truncate_div(c: KernelContext, x: Any, y: Any) -> Any:
    if c.in_types[0].is_integer:
        check_divisor(c, y)
        return truncated_quotient(c.xp, x, y)
    return c.xp.trunc(c.xp.divide(x, y))


@kernel("FloorDiv")
def floor_div(c: KernelContext, x: Any, y: Any) -> Any:
    if c.in_types[0].is_integer:
        check_divisor(c, y)
        return c.xp.floor_divide(x, y)
    return c.xp.floor(c.xp.divide(x, y))


@kernel("FloorMod")
def floor_mod(c: KernelContext, x: Any, y: Any) -> Any:
    if c.in_types[0].is_integer:
        check_divisor(c, y)
    return c.xp.remainder(x, y)


@kernel("Mod", "TruncateMod")
def truncate_mod(c: KernelContext, x: Any, y: Any) -> Any:
    if c.in_types[0].is_integer:
        check_divisor(c, y)
        return x - truncated_quotient(c.xp, x, y) * y
    return c.xp.fmod(x, y)


@kernel("MulNoNan")
def mul_no_nan(c: KernelContext, x: Any, y: Any) -> Any:
    product = c.xp.multiply(x, y)
    return c.xp.where(y == 0, c.xp.zeros_like(product), product)


@kernel("DivNoNan")
def div_no_nan(c: KernelContext, x: Any, y: Any) -> Any:
    zero = y == 0
    quotient = c.xp.divide(x, c.xp.where(zero, c.xp.ones_like(y), y))
    return c.xp.where(zero, c.xp.zeros_like(quotient), quotient)


@kernel("Pow")
def power(c: KernelContext, x: Any, y: Any) -> Any:
    if c.backend == "numpy" and c.in_types[0].is_integer and np.any(y < 0):
        raise InvalidArgumentError(
            c.node.name,
            f"{c.node.op} '{c.node.name}': integers to negative integer powers are not allowed",
            "",
            c.node.source,
        )
    return c.xp.power(x, y)


@kernel("SquaredDifference")
def squared_difference(c: KernelContext, x: Any, y: Any) -> Any:
    difference = c.xp.subtract(x, y)
    if c.in_types[0].is_complex:
        return c.xp.conj(difference) * difference
    return c.xp.multiply(difference, difference)


ufunc("Atan2", "arctan2")
ufunc("NextAfter", "nextafter")


@kernel("AddN", "AccumulateNV2")
def add_n(c: KernelContext, *inputs: Any) -> Any:
    if c.out_types[0].kind == "v":
        return add_variants(c, inputs)
    total = inputs[0]
    for term in inputs[1:]:
        total = c.xp.add(total, term)
    return total


_MANTISSA_BITS = {"float64": 52, "float32": 23, "float16": 10, "bfloat16": 7}


def _cut(c: KernelContext, x: Any) -> Any:
    """`x` with the bits cleared that its mantissa has more than the target's."""
    source, target = c.in_types[0], c.out_types[0]
    spare = _MANTISSA_BITS[source.name] - _MANTISSA_BITS[target.name]
    if spare <= 0:
        return x
    bits = np.dtype(f"int{8 * source.size}")
    return (c.xp.asarray(x).view(bits) & bits.type(-(1 << spare))).view(source.np)


@kernel("Cast")
def cast(c: KernelContext, x: Any) -> Any:
    source, target = c.in_types[0], c.out_types[0]
    if source is target:
        return x
    if source.is_complex and not target.is_complex:
        x = c.xp.real(x)
    elif c.attrs["Truncate"] and source.is_floating and target.is_floating:
        x = _cut(c, x)
    return c.xp.asarray(x).astype(target.np)
