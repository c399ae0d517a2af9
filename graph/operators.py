"""Python's operators on tensors: `a + b`, `-a`, `a < b`, `a[1:, ...]`.

The other operand becomes a tensor of the tensor's element type; the ops are named as TensorFlow names them
("add", "truediv", "strided_slice"). `==` and `!=` compare identity, as they do for TensorFlow 1's tensors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import dtypes
from .convert import convert_to_tensor
from .default_graph import name_scope
from .dtypes import DType
from .elements import Tensor
from .strided import slice_spec

__all__ = ["attach_operators", "floordiv", "strided_slice_of", "truediv"]

Binary = Callable[[Tensor, Tensor, str], Tensor]

_TRUE_QUOTIENT = {
    dtypes.int8: dtypes.float32,
    dtypes.uint8: dtypes.float32,
    dtypes.int16: dtypes.float32,
    dtypes.uint16: dtypes.float32,
    dtypes.int32: dtypes.float64,
    dtypes.int64: dtypes.float64,
    dtypes.uint32: dtypes.float64,
    dtypes.uint64: dtypes.float64,
}


def truediv(x: Tensor, y: Tensor, name: str | None = None) -> Tensor:
    """The quotient of two tensors as Python 3 gives it: integers are made floating first.

    Args:
        x, y: tensors of one element type; 8- and 16-bit integers give float32, wider ones float64.
        name: name of the op.

    Raises:
        TypeError: the element types differ.
    """
    from .ops.math import Cast, RealDiv

    if x.dtype is not y.dtype:
        raise TypeError(f"x and y must have the same dtype, got {x.dtype.name} and {y.dtype.name}")
    wide: DType | None = _TRUE_QUOTIENT.get(x.dtype)
    with name_scope(name, "truediv") as scope:
        if wide is not None:
            x, y = Cast(x, DstT=wide), Cast(y, DstT=wide)
        return RealDiv(x, y, name=scope)


def floordiv(x: Tensor, y: Tensor, name: str | None = None) -> Tensor:
    """The largest whole numbers that are not above x / y."""
    from .ops.math import FloorDiv

    return FloorDiv(x, y, name=name or "floordiv")


def strided_slice_of(tensor: Tensor, index: Any) -> Tensor:
    """`tensor[index]`: integers, slices, `...`, None (a new axis) and scalar tensors, one or a tuple of them.

    Raises:
        TypeError: another kind of index.
    """
    from .ops.array import StridedSlice

    spec = slice_spec(index)
    parts = (*spec.begin, *spec.end, *spec.strides)
    wide = any(getattr(p, "dtype", None) == dtypes.int64 and not isinstance(p, np.generic) for p in parts)
    dtype = dtypes.int64 if wide else dtypes.int32
    with name_scope(None, "strided_slice") as scope:
        bounds = [_bound(values, dtype) for values in (spec.begin, spec.end, spec.strides)]
        return StridedSlice(tensor, *bounds, name=scope, **spec.masks)


def _bound(values: list[Any], dtype: DType) -> Tensor:
    """One bound per index position as a 1-D tensor; scalar tensors of another integer type are cast."""
    from .ops.math import Cast

    if not values:
        return convert_to_tensor(np.zeros(0, dtype.np), name="stack")
    listed = [
        Cast(v, DstT=dtype) if isinstance(v, Tensor) and v.dtype is not dtype else v
        for v in (convert_to_tensor(v) if hasattr(v, "_as_tensor") else v for v in values)
    ]
    return convert_to_tensor(listed, dtype, name="stack")


def _other(value: Any, like: Tensor, name: str) -> Any:
    """The other operand as a tensor; NotImplemented where its own type knows better what to do."""
    if isinstance(value, Tensor):
        return value
    try:
        return convert_to_tensor(value, like.dtype, name=name)
    except TypeError:
        if hasattr(type(value), "__radd__") and not isinstance(value, (int, float, complex, np.generic)):
            return NotImplemented
        raise


def _binary(make: Binary, name: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The method for `self ∘ other` and the one for `other ∘ self`."""

    def forward(self: Any, other: Any) -> Any:
        with name_scope(None, name) as scope:
            x = convert_to_tensor(self)
            y = _other(other, x, "y")
            return NotImplemented if y is NotImplemented else make(x, y, scope)

    def reflected(self: Any, other: Any) -> Any:
        with name_scope(None, name) as scope:
            y = convert_to_tensor(self)
            x = _other(other, y, "x")
            return NotImplemented if x is NotImplemented else make(x, y, scope)

    return forward, reflected


def _op(op_type: str) -> Binary:
    """Adds an op of that type."""

    def make(x: Tensor, y: Tensor, name: str) -> Tensor:
        from .opdef import get_op

        return get_op(op_type)(x, y, name=name)

    return make


def _matmul(x: Tensor, y: Tensor, name: str) -> Tensor:
    from .ops.matmul import BatchMatMulV2, MatMul

    if x.shape.rank in (None, 2) and y.shape.rank in (None, 2):
        return MatMul(x, y, name=name)
    return BatchMatMulV2(x, y, name=name)


def _logical(boolean: str, bitwise: str) -> Binary:
    """Logic on booleans, bits on integers."""

    def make(x: Tensor, y: Tensor, name: str) -> Tensor:
        from .opdef import get_op

        return get_op(boolean if x.dtype.is_bool else bitwise)(x, y, name=name)

    return make


def _xor(x: Tensor, y: Tensor, name: str) -> Tensor:
    from .ops.compare import NotEqual

    if x.dtype.is_bool:
        return NotEqual(x, y, name=name)
    return _logical("", "BitwiseXor")(x, y, name)


def _add(x: Tensor, y: Tensor, name: str) -> Tensor:
    from .ops.math import Add, AddV2

    return (Add if x.dtype is dtypes.string else AddV2)(x, y, name=name)


_BINARY: dict[str, tuple[Binary, str]] = {
    "add": (_add, "add"),
    "sub": (_op("Sub"), "sub"),
    "mul": (_op("Mul"), "mul"),
    "truediv": (truediv, "truediv"),
    "floordiv": (floordiv, "floordiv"),
    "mod": (_op("FloorMod"), "mod"),
    "pow": (_op("Pow"), "pow"),
    "matmul": (_matmul, "matmul"),
    "and": (_logical("LogicalAnd", "BitwiseAnd"), "and"),
    "or": (_logical("LogicalOr", "BitwiseOr"), "or"),
    "xor": (_xor, "xor"),
}
_COMPARISONS = {"lt": "Less", "le": "LessEqual", "gt": "Greater", "ge": "GreaterEqual"}


def _negative(self: Any) -> Tensor:
    from .ops.math import Neg

    return Neg(convert_to_tensor(self))


def _absolute(self: Any) -> Tensor:
    from .ops.complex import ComplexAbs
    from .ops.unary import Abs

    x = convert_to_tensor(self)
    if x.dtype.is_complex:
        return ComplexAbs(x, Tout=x.dtype.real_dtype, name="Abs")
    return Abs(x)


def _inverted(self: Any) -> Tensor:
    from .opdef import get_op

    x = convert_to_tensor(self)
    return get_op("LogicalNot" if x.dtype.is_bool else "Invert")(x)


def _positive(self: Any) -> Tensor:
    return convert_to_tensor(self)


def _item(self: Any, index: Any) -> Tensor:
    return strided_slice_of(convert_to_tensor(self), index)


def attach_operators(cls: type) -> None:
    """Gives a class, whose objects convert to tensors, Python's operators.

    Args:
        cls: `Tensor`, or a class with `_as_tensor` (a variable).
    """
    for key, (make, name) in _BINARY.items():
        forward, reflected = _binary(make, name)
        setattr(cls, f"__{key}__", forward)
        setattr(cls, f"__r{key}__", reflected)
    for key, op_type in _COMPARISONS.items():
        setattr(cls, f"__{key}__", _binary(_op(op_type), op_type)[0])
    for key, method in {
        "neg": _negative,
        "pos": _positive,
        "abs": _absolute,
        "invert": _inverted,
        "getitem": _item,
    }.items():
        setattr(cls, f"__{key}__", method)


attach_operators(Tensor)
