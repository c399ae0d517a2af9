"""Dimensions as TensorFlow 1 programs handle them: numbers with a `value`, unknown ones included.

The library itself uses plain ints and None; what a program gets from `tensor.shape[i]` is a number that has a
`value` too, and what it gets from `tensor.get_shape()` gives an object with `value` None for an unknown size.
"""

from __future__ import annotations

from typing import Any

__all__ = ["Dimension", "UnknownDimension", "dimension_value"]


class Dimension(int):
    """A known size of a dimension, in elements; `Dimension(None)` gives an `UnknownDimension`.

    Args:
        value: the size; None where it is not known.
    """

    def __new__(cls, value: Any) -> Any:
        if value is None or isinstance(value, UnknownDimension):
            return UnknownDimension()
        size = super().__new__(cls, value)
        if size < 0:
            raise ValueError(f"Dimension {int(size)} must be >= 0")
        return size

    @property
    def value(self) -> int:
        return int(self)

    def is_compatible_with(self, other: Any) -> bool:
        """Whether both may be the same size."""
        size = dimension_value(other)
        return size is None or size == self.value

    def assert_is_compatible_with(self, other: Any) -> None:
        if not self.is_compatible_with(other):
            raise ValueError(f"Dimensions {self} and {other} are not compatible")

    def merge_with(self, other: Any) -> Dimension:
        self.assert_is_compatible_with(other)
        return self

    def __add__(self, other: Any) -> Any:
        return _wrap(int.__add__(self, other), other)

    __radd__ = __add__

    def __mul__(self, other: Any) -> Any:
        return _wrap(int.__mul__(self, other), other)

    __rmul__ = __mul__

    def __sub__(self, other: Any) -> Any:
        return _wrap(int.__sub__(self, other), other)

    def __floordiv__(self, other: Any) -> Any:
        return _wrap(int.__floordiv__(self, other), other)

    def __mod__(self, other: Any) -> Any:
        return _wrap(int.__mod__(self, other), other)


def _wrap(result: Any, other: Any) -> Any:
    """A result of arithmetic between dimensions; with plain numbers it may be negative and stays plain."""
    if isinstance(other, Dimension) and isinstance(result, int) and result >= 0:
        return Dimension(result)
    return result


class UnknownDimension:
    """A dimension whose size is not known when the graph is built."""

    value: None = None

    def is_compatible_with(self, other: Any) -> bool:
        return True

    def assert_is_compatible_with(self, other: Any) -> None:
        del other

    def merge_with(self, other: Any) -> Any:
        return Dimension(dimension_value(other))

    def _unknown(self, other: Any) -> UnknownDimension:
        del other
        return self

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _unknown
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = _unknown

    def __eq__(self, other: object) -> bool:
        return other is None or isinstance(other, UnknownDimension)

    def __hash__(self) -> int:
        return hash(None)

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "Dimension(None)"

    def __str__(self) -> str:
        return "?"


def dimension_value(dimension: Any) -> int | None:
    """The size as a plain int, or None where it is unknown.

    Args:
        dimension: the dimension.
    """
    if dimension is None or isinstance(dimension, UnknownDimension):
        return None
    return int(dimension)
