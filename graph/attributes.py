"""Attribute values of ops, in the one form in which graphs hold them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .dtypes import as_dtype
from .shapes import as_shape

__all__ = ["FunctionRef", "to_attr"]


@dataclass(frozen=True)
class FunctionRef:
    """A function of the graph's library, as an attribute value.

    Attributes:
        name: name of the function in the library.
        attrs: attributes that the function is called with.
    """

    name: str
    attrs: Mapping[str, Any] = field(default_factory=dict, compare=False)


def to_attr(kind: str, value: Any) -> Any:
    """`value` as an attribute of that kind; see `opdef.check_attr`.

    Raises:
        TypeError, ValueError: it cannot be one.
    """
    if kind.startswith("list("):
        inner = kind[5:-1]
        if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__"):
            raise TypeError("expected a list")
        return tuple(to_attr(inner, member) for member in value)
    return _CONVERTERS[kind](value)


def _string(value: Any) -> str | bytes:
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return value
    if isinstance(value, str):
        return value
    raise TypeError("expected a string")


def _int(value: Any) -> int:
    if isinstance(value, (bool, np.bool_)):
        return int(value)
    return int(value.__index__()) if hasattr(value, "__index__") else _whole(value)


def _whole(value: Any) -> int:
    if float(value) != int(value):
        raise TypeError("expected an integer")
    return int(value)


def _float(value: Any) -> float:
    return float(value)


def _bool(value: Any) -> bool:
    if not isinstance(value, (bool, np.bool_, int)):
        raise TypeError("expected a bool")
    return bool(value)


def _tensor(value: Any) -> np.ndarray[Any, Any]:
    return np.asarray(value)


def _func(value: Any) -> FunctionRef:
    if isinstance(value, FunctionRef):
        return value
    if isinstance(value, str):
        return FunctionRef(value)
    name = getattr(value, "name", None)
    if isinstance(name, str):
        return FunctionRef(name)
    raise TypeError("expected a function of the graph")


_CONVERTERS = {
    "string": _string,
    "int": _int,
    "float": _float,
    "bool": _bool,
    "type": as_dtype,
    "shape": as_shape,
    "tensor": _tensor,
    "func": _func,
}
