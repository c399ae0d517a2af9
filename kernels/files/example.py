"""Example and SequenceExample messages: read without their classes, made from Python values.

Source:
    tensorflow/core/example/example.proto, feature.proto
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...graph.errors import DataLossError
from .wire import fields, read_varint, signed, varint

__all__ = ["Feature", "encode_example", "encode_feature", "read_example", "read_sequence_example"]

Array = np.ndarray[Any, Any]
Feature = tuple[str, Any]
"""Kind ("bytes", "float" or "int64", "" where there is nothing) and values: a list of bytes, or an array."""

_EMPTY: Feature = ("", ())


def read_example(data: Any) -> dict[str, Feature]:
    """The features of an Example message, by name.

    Raises:
        DataLossError: the data are no such message.
    """
    found: dict[str, Feature] = {}
    for number, kind, value in fields(data):
        if number == 1 and kind == 2:
            found.update(_features(value))
    return found


def read_sequence_example(data: Any) -> tuple[dict[str, Feature], dict[str, list[Feature]]]:
    """The context and the feature lists of a SequenceExample message, by name.

    Raises:
        DataLossError: the data are no such message.
    """
    context: dict[str, Feature] = {}
    lists: dict[str, list[Feature]] = {}
    for number, kind, value in fields(data):
        if kind != 2:
            continue
        if number == 1:
            context.update(_features(value))
        elif number == 2:
            for inner, inner_kind, entry in fields(value):
                if inner == 1 and inner_kind == 2:
                    key, message = _entry(entry)
                    lists[key] = [_feature(v) for n, k, v in fields(message) if n == 1 and k == 2]
    return context, lists


def _features(data: Any) -> dict[str, Feature]:
    found = {}
    for number, kind, value in fields(data):
        if number == 1 and kind == 2:
            key, message = _entry(value)
            found[key] = _feature(message)
    return found


def _entry(data: Any) -> tuple[str, Any]:
    """Key and value of a map's entry."""
    key, value = "", memoryview(b"")
    for number, kind, part in fields(data):
        if kind == 2 and number == 1:
            key = bytes(part).decode("utf-8", "surrogateescape")
        elif kind == 2 and number == 2:
            value = part
    return key, value


def _feature(data: Any) -> Feature:
    found = _EMPTY
    for number, kind, value in fields(data):
        if kind != 2:
            continue
        if number == 1:
            found = ("bytes", [bytes(v) for n, k, v in fields(value) if n == 1 and k == 2])
        elif number == 2:
            found = ("float", _floats(value))
        elif number == 3:
            found = ("int64", _integers(value))
    return found


def _floats(data: Any) -> Array:
    parts = [np.frombuffer(v, "<f4") for n, k, v in fields(data) if n == 1 and k in (2, 5)]
    if len(parts) == 1:
        return parts[0]
    return np.concatenate(parts) if parts else np.empty(0, np.float32)


def _integers(data: Any) -> Array:
    parts: list[Any] = []
    for number, kind, value in fields(data):
        if number != 1:
            continue
        parts.append(np.array([signed(value)], np.int64) if kind == 0 else _packed_integers(value))
    if len(parts) == 1:
        return parts[0]  # type: ignore[no-any-return]
    return np.concatenate(parts) if parts else np.empty(0, np.int64)


_FEW = 24


def _packed_integers(data: Any) -> Array:
    """Variable-length numbers in a row."""
    if len(data) < _FEW:
        found, position = [], 0
        while position < len(data):
            value, position = read_varint(data, position)
            found.append(signed(value))
        return np.array(found, np.int64)
    raw = np.frombuffer(data, np.uint8)
    last = np.flatnonzero(raw < 128)
    if not len(last) or last[-1] != len(raw) - 1:
        raise DataLossError(None, "the data end inside a number")
    first = np.concatenate([[0], last[:-1] + 1])
    lengths = last - first + 1
    if lengths.max() > 10:
        raise DataLossError(None, "a variable-length number is too long")
    result = np.zeros(len(last), np.uint64)
    for place in range(int(lengths.max())):
        has = lengths > place
        bits = (raw[first[has] + place] & 127).astype(np.uint64) << np.uint64(7 * place)
        result[has] |= bits
    return result.view(np.int64)


def _block(number: int, body: bytes) -> bytes:
    return bytes([number << 3 | 2]) + varint(len(body)) + body


def encode_feature(values: Any) -> bytes:
    """A Feature message of strings, whole numbers or floats."""
    listed = list(values) if isinstance(values, (list, tuple, np.ndarray)) else [values]
    if not listed:
        return b""
    if isinstance(listed[0], (bytes, str)):
        raw = [v.encode() if isinstance(v, str) else v for v in listed]
        return _block(1, b"".join(_block(1, v) for v in raw))
    if isinstance(listed[0], (float, np.floating)):
        return _block(2, _block(1, np.asarray(listed, "<f4").tobytes()))
    packed = b"".join(varint(int(v) & (1 << 64) - 1) for v in listed)
    return _block(3, _block(1, packed))


def encode_example(features: Mapping[str, Sequence[Any] | Any]) -> bytes:
    """An Example message from values by name."""
    entries = (_block(1, _block(1, k.encode()) + _block(2, encode_feature(v))) for k, v in features.items())
    return _block(1, b"".join(entries))
