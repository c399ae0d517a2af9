"""String tensors as bytes: the number of strings, their lengths, then all of them in a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...graph.errors import DataLossError

__all__ = ["pack_strings", "unpack_strings"]

Array = np.ndarray[Any, Any]


def pack_strings(array: Array) -> Array:
    """An object array of bytes as a vector of uint8."""
    members = [bytes(v) for v in array.reshape(-1)]
    head = np.array([len(members), *(len(m) for m in members)], "<u8")
    return np.frombuffer(head.tobytes() + b"".join(members), np.uint8)


def unpack_strings(packed: Array, shape: Sequence[int]) -> Array:
    """What `pack_strings` packed, in its shape.

    Raises:
        DataLossError: the bytes make no sense.
    """
    raw = packed.tobytes()
    count = int(np.prod(tuple(shape), dtype=np.int64))
    if len(raw) < 8 * (count + 1):
        raise DataLossError(None, "a string tensor is cut short")
    head = np.frombuffer(raw, "<u8", count + 1)
    lengths = head[1:].astype(np.int64)
    if head[0] != count or len(raw) != 8 * (count + 1) + lengths.sum():
        raise DataLossError(None, "a string tensor is damaged")
    result = np.empty(count, object)
    position = 8 * (count + 1)
    for i, length in enumerate(lengths):
        result[i] = raw[position : position + length]
        position += length
    return result.reshape(tuple(shape))
