"""Sums and zeros of what tensors of type variant hold: lists of tensors, optionals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..graph.errors import InvalidArgumentError
from .optional import OptionalValue
from .registry import KernelContext
from .tensor_list import TensorList, add_lists

__all__ = ["add_variants", "zeros_like_variant"]


def add_variants(c: KernelContext, values: Sequence[Any]) -> Any:
    """The sum of lists, element by element, or of optionals; what is not there counts as zero."""
    if all(isinstance(v, TensorList) for v in values):
        return add_lists(c, values)
    total = values[0]
    for other in values[1:]:
        total = _sum(c, total, other)
    return total


def _sum(c: KernelContext, a: Any, b: Any) -> Any:
    if isinstance(a, TensorList) and isinstance(b, TensorList):
        return add_lists(c, [a, b])
    if isinstance(a, OptionalValue) and isinstance(b, OptionalValue):
        if a.values is None or b.values is None:
            return b if a.values is None else a
        return OptionalValue(tuple(_sum(c, x, y) for x, y in zip(a.values, b.values, strict=True)))
    if isinstance(a, (TensorList, OptionalValue)) or isinstance(b, (TensorList, OptionalValue)):
        kinds = " and ".join(type(v).__name__ for v in (a, b))
        raise InvalidArgumentError(
            c.node.name, f"{c.node.op} '{c.node.name}': cannot add {kinds}", "", c.node.source
        )
    return c.xp.add(a, b)


def zeros_like_variant(c: KernelContext, value: Any) -> Any:
    """A list or an optional of zeros, of the shapes of what a list or an optional holds."""
    if isinstance(value, TensorList):
        items = [None if v is None else zeros_like_variant(c, v) for v in value.items()]
        return TensorList(items, value.element_type, value.element_shape)
    if isinstance(value, OptionalValue):
        if value.values is None:
            return value
        return OptionalValue(tuple(zeros_like_variant(c, v) for v in value.values))
    return np.zeros_like(value) if isinstance(value, (np.ndarray, np.generic)) else c.xp.zeros_like(value)
