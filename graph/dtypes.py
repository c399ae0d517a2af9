"""Element types of tensors, numbered as TensorFlow's `DataType` enum."""

from __future__ import annotations

import builtins
from typing import Any

import ml_dtypes
import numpy as np

__all__ = [
    "DType",
    "as_dtype",
    "bfloat16",
    "bool",
    "complex64",
    "complex128",
    "double",
    "float16",
    "float32",
    "float64",
    "half",
    "int8",
    "int16",
    "int32",
    "int64",
    "resource",
    "string",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "variant",
]

_REF_OFFSET = 100


class DType:
    """The element type of a tensor.

    Attributes:
        name: TensorFlow's name, such as "float32".
        enum: number in TensorFlow's `DataType` enum.
        as_numpy_dtype: the NumPy scalar type that holds one element; `object` for string (Python
            bytes), resource and variant.
    """

    __slots__ = ("as_numpy_dtype", "enum", "kind", "name", "np")

    def __init__(self, name: str, enum: int, numpy_type: Any, kind: str) -> None:
        self.name = name
        self.enum = enum
        self.as_numpy_dtype = numpy_type
        self.np = np.dtype(numpy_type)
        self.kind = kind

    @property
    def size(self) -> int:
        """Bytes of one element; 8 for types that are held by reference."""
        return self.np.itemsize

    @property
    def is_floating(self) -> builtins.bool:
        return self.kind == "f"

    @property
    def is_complex(self) -> builtins.bool:
        return self.kind == "c"

    @property
    def is_integer(self) -> builtins.bool:
        return self.kind in "iu"

    @property
    def is_unsigned(self) -> builtins.bool:
        return self.kind == "u"

    @property
    def is_bool(self) -> builtins.bool:
        return self.kind == "b"

    @property
    def is_numeric(self) -> builtins.bool:
        return self.kind in "fciu"

    @property
    def is_numpy_compatible(self) -> builtins.bool:
        return self.kind not in "rv"

    @property
    def base_dtype(self) -> DType:
        return self

    @property
    def real_dtype(self) -> DType:
        """The type of the real part: float32 for complex64, float64 for complex128."""
        return {8: float32, 18: float64}.get(self.enum, self)

    @property
    def as_datatype_enum(self) -> int:
        return self.enum

    @property
    def min(self) -> Any:
        """Smallest finite value."""
        return _limits(self).min

    @property
    def max(self) -> Any:
        """Largest finite value."""
        return _limits(self).max

    @property
    def limits(self) -> tuple[Any, Any]:
        return self.min, self.max

    def is_compatible_with(self, other: Any) -> builtins.bool:
        return self is as_dtype(other)

    def __eq__(self, other: object) -> builtins.bool:
        if isinstance(other, DType):
            return self.enum == other.enum
        if other is None:
            return False
        try:
            return self.enum == as_dtype(other).enum
        except TypeError:
            return NotImplemented

    def __hash__(self) -> int:
        return self.enum

    def __repr__(self) -> str:
        return f"weft.{self.name}"

    __str__ = __repr__

    def __reduce__(self) -> tuple[Any, ...]:
        return as_dtype, (self.enum,)


def _limits(dtype: DType) -> Any:
    if dtype.is_floating or dtype.is_complex:
        return ml_dtypes.finfo(dtype.real_dtype.np)
    if dtype.is_bool:
        return _BoolLimits
    if dtype.is_integer:
        return np.iinfo(dtype.np)
    raise TypeError(f"{dtype.name} has no smallest and largest value.")


class _BoolLimits:
    min = False
    max = True


float32 = DType("float32", 1, np.float32, "f")
float64 = DType("float64", 2, np.float64, "f")
int32 = DType("int32", 3, np.int32, "i")
uint8 = DType("uint8", 4, np.uint8, "u")
int16 = DType("int16", 5, np.int16, "i")
int8 = DType("int8", 6, np.int8, "i")
string = DType("string", 7, object, "s")
complex64 = DType("complex64", 8, np.complex64, "c")
int64 = DType("int64", 9, np.int64, "i")
bool = DType("bool", 10, np.bool_, "b")
bfloat16 = DType("bfloat16", 14, ml_dtypes.bfloat16, "f")
uint16 = DType("uint16", 17, np.uint16, "u")
complex128 = DType("complex128", 18, np.complex128, "c")
float16 = DType("float16", 19, np.float16, "f")
resource = DType("resource", 20, object, "r")
variant = DType("variant", 21, object, "v")
uint32 = DType("uint32", 22, np.uint32, "u")
uint64 = DType("uint64", 23, np.uint64, "u")
half = float16
double = float64

ALL = (
    float32, float64, int32, uint8, int16, int8, string, complex64, int64, bool, bfloat16, uint16,
    complex128, float16, resource, variant, uint32, uint64,
)  # fmt: skip

_BY_ENUM = {d.enum: d for d in ALL}
_BY_NAME = {d.name: d for d in ALL} | {"half": float16, "float": float32, "double": float64}
_BY_NUMPY = {d.np: d for d in ALL if d.np != np.dtype(object)}
_PYTHON = {float: float32, int: int32, builtins.bool: bool, complex: complex128, str: string, bytes: string}


def as_dtype(value: Any) -> DType:
    """The `DType` that a name, NumPy type, Python type or TensorFlow enum number stands for.

    A reference type (enum above 100, name ending in "_ref") gives its base type: weft has no references.

    Args:
        value: a name, NumPy type, Python type or TensorFlow enum number.

    Raises:
        TypeError: no element type is known by that value.
    """
    if isinstance(value, DType):
        return value
    if isinstance(value, int) and not isinstance(value, builtins.bool):
        found = _BY_ENUM.get(value - _REF_OFFSET if value > _REF_OFFSET else value)
        if found is not None:
            return found
        raise TypeError(f"Cannot convert {value!r} to a weft DType.")
    if isinstance(value, str):
        found = _BY_NAME.get(value.removesuffix("_ref"))
        if found is not None:
            return found
    if isinstance(value, type) and value in _PYTHON:
        return _PYTHON[value]
    as_enum = getattr(value, "as_datatype_enum", None)
    if isinstance(as_enum, int):
        return as_dtype(as_enum)
    try:
        numpy_dtype = np.dtype(value)
    except TypeError:
        raise TypeError(f"Cannot convert {value!r} to a weft DType.") from None
    if numpy_dtype.kind in "SUO":
        return string
    found = _BY_NUMPY.get(numpy_dtype)
    if found is None:
        raise TypeError(f"Cannot convert {value!r} to a weft DType.")
    return found
