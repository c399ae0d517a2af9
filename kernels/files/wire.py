"""The protocol-buffer wire format: fields of a message without its classes."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from ...graph.errors import DataLossError

__all__ = ["fields", "fixed32", "read_varint", "signed", "varint"]


def read_varint(data: Any, position: int) -> tuple[int, int]:
    """A variable-length number and the position behind it.

    Raises:
        DataLossError: the data end inside it.
    """
    result, shift = 0, 0
    try:
        while True:
            byte = data[position]
            position += 1
            result |= (byte & 127) << shift
            if byte < 128:
                return result, position
            shift += 7
            if shift > 63:
                raise DataLossError(None, "a variable-length number is too long")
    except IndexError:
        raise DataLossError(None, "the data end inside a number") from None


def varint(value: int) -> bytes:
    """A number in variable-length form."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def signed(value: int) -> int:
    """A 64-bit number read as two's complement."""
    return value - (1 << 64) if value >> 63 else value


def fixed32(data: Any) -> int:
    return int(struct.unpack("<I", data)[0])


def fields(data: Any) -> Iterator[tuple[int, int, Any]]:
    """The fields of a message: number, wire type and value (int for types 0 and 1, memoryview otherwise).

    Raises:
        DataLossError: the data are no message.
    """
    view = memoryview(data)
    position, end = 0, len(view)
    while position < end:
        tag, position = read_varint(view, position)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            value, position = read_varint(view, position)
            yield number, kind, value
            continue
        if kind == 2:
            length, position = read_varint(view, position)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise DataLossError(None, f"a message has a field of unknown wire type {kind}")
        if position + length > end:
            raise DataLossError(None, "a message ends inside a field")
        yield number, kind, view[position : position + length]
        position += length
