"""Functions of one tensor, and their gradients; declared in `graph/ops/unary.py`."""

from __future__ import annotations

from typing import Any

from .math import truncated_quotient
from .registry import KernelContext, kernel, ufunc

for _op, _function in {
    "Abs": "abs",
    "Acos": "arccos",
    "Acosh": "arccosh",
    "Asin": "arcsin",
    "Asinh": "arcsinh",
    "Atan": "arctan",
    "Atanh": "arctanh",
    "Ceil": "ceil",
    "Cos": "cos",
    "Cosh": "cosh",
    "Exp": "exp",
    "Expm1": "expm1",
    "Floor": "floor",
    "IsFinite": "isfinite",
    "IsInf": "isinf",
    "IsNan": "isnan",
    "Log": "log",
    "Log1p": "log1p",
    "Rint": "rint",
    "Sign": "sign",
    "Sin": "sin",
    "Sinh": "sinh",
    "Sqrt": "sqrt",
    "Square": "square",
    "Tan": "tan",
    "Tanh": "tanh",
}.items():
    ufunc(_op, _function)


@kernel("Round")
def round_(c: KernelContext, x: Any) -> Any:
    return x if c.in_types[0].is_integer else c.xp.rint(x)


@kernel("Rsqrt")
def rsqrt(c: KernelContext, x: Any) -> Any:
    root = c.xp.sqrt(x)
    return c.xp.divide(root.dtype.type(1), root)


@kernel("Reciprocal", "Inv")
def reciprocal(c: KernelContext, x: Any) -> Any:
    one = c.out_dtype.type(1)
    if c.in_types[0].is_integer:
        return truncated_quotient(c.xp, c.xp.ones_like(x), x)
    return c.xp.divide(one, x)


@kernel("Sigmoid")
def sigmoid(c: KernelContext, x: Any) -> Any:
    one = c.out_dtype.type(1)
    return c.xp.divide(one, c.xp.add(one, c.xp.exp(c.xp.negative(x))))


def _conj(c: KernelContext, x: Any) -> Any:
    return c.xp.conj(x) if c.in_types[0].is_complex else x


@kernel("SqrtGrad")
def sqrt_grad(c: KernelContext, y: Any, dy: Any) -> Any:
    half = c.out_dtype.type(0.5)
    return c.xp.divide(c.xp.multiply(half, dy), _conj(c, y))


@kernel("RsqrtGrad")
def rsqrt_grad(c: KernelContext, y: Any, dy: Any) -> Any:
    y = _conj(c, y)
    return c.out_dtype.type(-0.5) * dy * (y * y * y)


@kernel("ReciprocalGrad", "InvGrad")
def reciprocal_grad(c: KernelContext, y: Any, dy: Any) -> Any:
    y = _conj(c, y)
    return c.xp.negative(dy) * (y * y)


@kernel("TanhGrad")
def tanh_grad(c: KernelContext, y: Any, dy: Any) -> Any:
    return dy * (c.out_dtype.type(1) - y * y)


@kernel("SigmoidGrad")
def sigmoid_grad(c: KernelContext, y: Any, dy: Any) -> Any:
    return dy * y * (c.out_dtype.type(1) - y)
