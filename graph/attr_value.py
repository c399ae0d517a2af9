"""Attribute values as AttrValue messages and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .attributes import FunctionRef
from .dtypes import DType, as_dtype
from .errors import InvalidArgumentError
from .protos import protos
from .shapes import TensorShape
from .tensor_proto import array_from_proto, proto_from_array, shape_from_proto, shape_to_proto

__all__ = ["RawAttr", "attr_from_proto", "attr_to_proto", "guess_attr_from_proto", "guess_attr_to_proto"]

_FIELDS = {
    "string": "s",
    "int": "i",
    "float": "f",
    "bool": "b",
    "type": "type",
    "shape": "shape",
    "tensor": "tensor",
    "func": "func",
}
"""For each attribute type, the field of AttrValue (and of its lists) that holds it."""

_KINDS = {field: kind for kind, field in _FIELDS.items()}


@dataclass(frozen=True)
class RawAttr:
    """An attribute that no declaration knows and that has no plain Python form: kept as it came.

    Attributes:
        data: the AttrValue message, serialized.
    """

    data: bytes


def attr_from_proto(kind: str, value: Any) -> Any:
    """The attribute of that type which an AttrValue holds, in the form in which graphs hold it.

    Args:
        kind: attribute type as in a declaration, such as "int" or "list(shape)".
        value: the AttrValue.

    Raises:
        InvalidArgumentError: it holds something else, or what it holds is malformed.
    """
    which = value.WhichOneof("value")
    if kind.startswith("list("):
        if which != "list":
            raise InvalidArgumentError(None, f"must be {kind}, got {_which(which)}")
        return _members(kind[5:-1], value.list)
    field = _FIELDS[kind]
    if which != field:
        raise InvalidArgumentError(None, f"must be {kind}, got {_which(which)}")
    return _READ[kind](getattr(value, field))


def _members(kind: str, items: Any) -> tuple[Any, ...]:
    wanted = _FIELDS[kind]
    for descriptor, _ in items.ListFields():
        if descriptor.name != wanted:
            raise InvalidArgumentError(None, f"must be list({kind}), got list({_KINDS[descriptor.name]})")
    read = _READ[kind]
    return tuple(read(member) for member in getattr(items, wanted))


def _which(field: str | None) -> str:
    return "nothing" if field is None else _KINDS.get(field, field)


def attr_to_proto(kind: str, value: Any) -> Any:
    """An attribute of that type as an AttrValue."""
    proto = protos().AttrValue()
    if kind.startswith("list("):
        inner = kind[5:-1]
        proto.list.SetInParent()
        field = getattr(proto.list, _FIELDS[inner])
        field.extend(_WRITE[inner](member) for member in value)
    elif kind in ("shape", "tensor", "func"):
        getattr(proto, _FIELDS[kind]).CopyFrom(_WRITE[kind](value))
    else:
        setattr(proto, _FIELDS[kind], _WRITE[kind](value))
    return proto


def guess_attr_from_proto(value: Any) -> Any:
    """The Python form of an attribute that no declaration names; `RawAttr` where it has none."""
    which = value.WhichOneof("value")
    try:
        if which == "list":
            fields = [d.name for d, _ in value.list.ListFields()]
            if len(fields) == 1:
                return _members(_KINDS[fields[0]], value.list)
        elif which in _KINDS and which != "tensor":
            return _READ[_KINDS[which]](getattr(value, which))
    except (InvalidArgumentError, KeyError):
        pass
    return RawAttr(value.SerializeToString(deterministic=True))


def guess_attr_to_proto(value: Any) -> Any | None:
    """An attribute that no declaration names as an AttrValue; None where it cannot be one."""
    if isinstance(value, RawAttr):
        return protos().AttrValue.FromString(value.data)
    if isinstance(value, (tuple, list)):
        kinds = {_kind_of(member) for member in value}
        if len(kinds) > 1 or None in kinds:
            return None
        return attr_to_proto(f"list({kinds.pop() if kinds else 'int'})", value)
    kind = _kind_of(value)
    return None if kind is None else attr_to_proto(kind, value)


def _kind_of(value: Any) -> str | None:
    for cls, kind in _PYTHON:
        if isinstance(value, cls):
            return kind
    return None


_PYTHON: tuple[tuple[type | tuple[type, ...], str], ...] = (
    ((str, bytes), "string"),
    ((bool, np.bool_), "bool"),
    ((int, np.integer), "int"),
    ((float, np.floating), "float"),
    (DType, "type"),
    (TensorShape, "shape"),
    (np.ndarray, "tensor"),
    (FunctionRef, "func"),
)


def _text(value: bytes) -> str | bytes:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value


def _type(value: int) -> DType:
    try:
        return as_dtype(value)
    except TypeError:
        raise InvalidArgumentError(None, f"{value} is the number of no element type that weft has") from None


def _function(value: Any) -> FunctionRef:
    return FunctionRef(value.name, {name: guess_attr_from_proto(attr) for name, attr in value.attr.items()})


def _function_to_proto(value: FunctionRef) -> Any:
    proto = protos().NameAttrList(name=value.name)
    _put(proto.attr, value.attrs)
    return proto


def _put(attrs: Any, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        made = guess_attr_to_proto(value)
        if made is not None:
            attrs[name].CopyFrom(made)


_READ: dict[str, Callable[[Any], Any]] = {
    "string": _text,
    "int": int,
    "float": float,
    "bool": bool,
    "type": _type,
    "shape": shape_from_proto,
    "tensor": lambda proto: array_from_proto(proto)[0],
    "func": _function,
}

_WRITE: dict[str, Callable[[Any], Any]] = {
    "string": lambda value: value.encode("utf-8") if isinstance(value, str) else bytes(value),
    "int": int,
    "float": float,
    "bool": bool,
    "type": lambda dtype: dtype.enum,
    "shape": shape_to_proto,
    "tensor": proto_from_array,
    "func": _function_to_proto,
}
