"""Tensors as another element type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .elementwise import map_values, maximum, minimum
from .graph import dtypes
from .graph.convert import convert_to_tensor
from .graph.default_graph import name_scope
from .graph.dtypes import DType, as_dtype
from .graph.elements import Tensor
from .graph.indexed_slices import IndexedSlices
from .graph.opdef import get_op

__all__ = [
    "cast",
    "saturate_cast",
    "to_bfloat16",
    "to_complex64",
    "to_complex128",
    "to_double",
    "to_float",
    "to_int32",
    "to_int64",
]


def cast(x: Any, dtype: Any, name: str | None = None) -> Any:
    """The same numbers as another element type.

    Args:
        x: a tensor, a `SparseTensor` or an `IndexedSlices`; the sparse ones stay sparse.
        dtype: the element type; fractions are cut off towards zero for an integer type.
        name: name of the op.

    Returns:
        A tensor of that type; `x` itself where it has it already.

    Source:
        TensorFlow's op Cast.
    """
    target = as_dtype(dtype)

    def of(values: Any) -> Tensor:
        tensor = convert_to_tensor(values, name="x")
        if tensor.dtype is target:
            return tensor
        return get_op("Cast")(tensor, DstT=target, name=name)

    if getattr(x, "dtype", None) is target and isinstance(x, (Tensor, IndexedSlices)):
        return x
    return map_values(of, x)


def saturate_cast(value: Any, dtype: Any, name: str | None = None) -> Tensor:
    """A cast that moves numbers which do not fit to the nearest one that does.

    Args:
        value: a tensor of real numbers.
        dtype: the element type.
        name: name of the op.
    """
    target = as_dtype(dtype)
    with name_scope(name, "saturate_cast") as scope:
        value = convert_to_tensor(value, name="value")
        low, high = _common_range(value.dtype, target)
        if low is not None:
            value = maximum(value, convert_to_tensor(low, value.dtype))
        if high is not None:
            value = minimum(value, convert_to_tensor(high, value.dtype))
        return cast(value, target, name=scope)


def _common_range(source: DType, target: DType) -> tuple[Any, Any]:
    """The smallest and largest number of `source` that `target` holds; None where all do."""
    low = high = None
    if source.min < target.min:
        low = _inside(source, target.min, np.inf)
    if source.max > target.max:
        high = _inside(source, target.max, -np.inf)
    return low, high


def _inside(source: DType, limit: Any, inward: float) -> Any:
    """`limit` as a number of `source`, rounded inward."""
    if source.is_integer:
        return int(limit)
    rounded = source.np.type(limit)
    if (float(rounded) < float(limit)) if inward > 0 else (float(rounded) > float(limit)):
        return np.nextafter(rounded, source.np.type(inward))
    # 2**63 is a float, int64's largest number is not: comparing as floats would call them equal.
    if _is_beyond(rounded, limit):
        return np.nextafter(rounded, source.np.type(inward))
    return rounded


def _is_beyond(rounded: Any, limit: Any) -> bool:
    """Whether an integer limit was rounded away from zero to a float."""
    return isinstance(limit, (int, np.integer)) and np.abs(int(rounded)) > np.abs(int(limit))


def _cast_to(dtype: DType, public: str, default_name: str) -> Callable[..., Any]:
    def function(x: Any, name: str = default_name) -> Any:
        return cast(x, dtype, name=name)

    function.__name__ = function.__qualname__ = public
    function.__doc__ = (
        f"`cast` to {dtype.name}.\n\nArgs:\n    x: a tensor, a sparse tensor or `IndexedSlices`.\n"
        "    name: name of the op."
    )
    return function


to_bfloat16 = _cast_to(dtypes.bfloat16, "to_bfloat16", "ToBFloat16")
to_complex64 = _cast_to(dtypes.complex64, "to_complex64", "ToComplex64")
to_complex128 = _cast_to(dtypes.complex128, "to_complex128", "ToComplex128")
to_double = _cast_to(dtypes.float64, "to_double", "ToDouble")
to_float = _cast_to(dtypes.float32, "to_float", "ToFloat")
to_int32 = _cast_to(dtypes.int32, "to_int32", "ToInt32")
to_int64 = _cast_to(dtypes.int64, "to_int64", "ToInt64")
