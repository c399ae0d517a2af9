"""What the functions of `weft.nn` share: old argument names, axes, element types."""

from __future__ import annotations

from typing import Any

from ..graph.convert import convert_to_tensor
from ..graph.dtypes import DType, as_dtype, bfloat16, float16, float32
from ..graph.elements import Tensor
from ..graph.ops.array import Range, Rank, Reshape, Shape
from ..graph.ops.math import Cast

__all__ = ["axes_tensor", "cast", "either", "flattened_rows", "precise", "tensor"]


def either(name: str, value: Any, old_name: str, old_value: Any, default: Any = None) -> Any:
    """The value of an argument that has an old name too.

    Raises:
        ValueError: both are given.
    """
    if value is not None and old_value is not None:
        raise ValueError(f"Cannot specify both '{name}' and '{old_name}'.")
    found = value if value is not None else old_value
    return default if found is None else found


def cast(x: Tensor, dtype: DType) -> Tensor:
    """`x` in another element type; `x` itself where it is of that type."""
    return x if x.dtype is dtype else Cast(x, DstT=dtype)


def precise(x: Tensor) -> Tensor:
    """`x`, as float32 where it is of a smaller floating type."""
    return cast(x, float32) if x.dtype in (float16, bfloat16) else x


def axes_tensor(x: Tensor, axis: Any) -> Any:
    """Axes of a reduction as its op takes them; None stands for all."""
    if axis is None:
        rank = x.shape.rank
        return list(range(rank)) if rank is not None else Range(0, Rank(x), 1)
    return axis if isinstance(axis, (Tensor, list, tuple)) else [axis]


def flattened_rows(x: Tensor) -> Tensor:
    """`x` as a matrix: all dimensions but the last in one."""
    if x.shape.rank == 2:
        return x
    if x.shape.rank is not None and x.shape[-1] is not None:
        return Reshape(x, [-1, x.shape[-1]])  # type: ignore[no-any-return]
    return Reshape(x, _rows_shape(x))  # type: ignore[no-any-return]


def _rows_shape(x: Tensor) -> Tensor:
    from ..graph.ops.array import ConcatV2, StridedSlice

    last = StridedSlice(Shape(x), [-1], [0], [1], end_mask=1)
    return ConcatV2([[-1], last], 0)  # type: ignore[no-any-return]


def tensor(value: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """`value` as a tensor of the default graph."""
    return convert_to_tensor(value, None if dtype is None else as_dtype(dtype), name=name)
