"""Arguments of the public functions, brought into the form that ops take."""

from __future__ import annotations

from typing import Any

import numpy as np

from .graph import dtypes
from .graph.convert import convert_to_tensor
from .graph.dtypes import DType
from .graph.elements import Tensor
from .graph.ops.control import Identity
from .graph.ops.math import Cast
from .graph.shapes import TensorShape

__all__ = ["cast_unless", "renamed", "same_index_type", "shape_argument"]


def renamed(name: str, value: Any, old_name: str, old_value: Any) -> Any:
    """The value of an argument that may be given by its older name.

    Args:
        name, value: the argument; None where it is not given.
        old_name, old_value: its older name, and what was given by it.

    Raises:
        ValueError: both are given.
    """
    if old_value is None:
        return value
    if value is not None:
        raise ValueError(f"Cannot specify both '{name}' and '{old_name}'.")
    return old_value


def cast_unless(x: Tensor, dtype: DType, name: str | None = None) -> Tensor:
    """`x` as `dtype`; the tensor itself where it is of that type and takes no name."""
    if x.dtype is dtype:
        return x if name is None else Identity(x, name=name)  # type: ignore[no-any-return]
    made: Tensor = Cast(x, DstT=dtype, name=name)
    return made


def shape_argument(shape: Any) -> Any:
    """A shape as an argument of an op: a Python shape of any kind as an array, a tensor as it is."""
    if isinstance(shape, TensorShape):
        return np.array(shape.known(), np.int32)
    if isinstance(shape, (list, tuple)):
        dims = [getattr(d, "value", d) if not isinstance(d, Tensor) else d for d in shape]
        if all(isinstance(d, (int, np.integer)) for d in dims):
            big = any(int(d) > 2**31 - 1 for d in dims)
            return np.array(dims, np.int64 if big else np.int32)
        return dims
    return shape


def same_index_type(*values: Any) -> list[Tensor]:
    """Index arguments as tensors of one type: int64 where one of them is."""
    tensors = [convert_to_tensor(v, preferred_dtype=dtypes.int32) for v in values]
    if all(t.dtype is tensors[0].dtype for t in tensors):
        return tensors
    return [cast_unless(t, dtypes.int64) for t in tensors]
