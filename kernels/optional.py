"""Optionals; declared in `graph/ops/optional.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph.errors import InvalidArgumentError
from .registry import KernelContext, kernel

__all__ = ["OptionalValue"]


class OptionalValue:
    """What a tensor of type variant holds for an optional.

    Args:
        values: the arrays, or None where they are not there.
    """

    __slots__ = ("values",)

    def __init__(self, values: tuple[Any, ...] | None) -> None:
        self.values = values


@kernel("OptionalFromValue")
def from_value(c: KernelContext, *components: Any) -> Any:
    return OptionalValue(components)


@kernel("OptionalNone")
def none(c: KernelContext) -> Any:
    return OptionalValue(None)


@kernel("OptionalHasValue")
def has_value(c: KernelContext, optional: OptionalValue) -> Any:
    return np.bool_(optional.values is not None)


@kernel("OptionalGetValue")
def get_value(c: KernelContext, optional: OptionalValue) -> Any:
    if optional.values is None:
        raise InvalidArgumentError(
            c.node.name, f"{c.node.op} '{c.node.name}': the given optional does not have a value"
        )
    return optional.values
