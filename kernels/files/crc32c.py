"""CRC-32C, the checksum of TensorFlow's files, in NumPy.

The checksum is linear over GF(2): a long buffer is cut into lanes of equal length whose states advance together as
one vector, and the lanes' results are folded together by the operator that moves a state over zero bytes.

Source:
    Castagnoli et al., "Optimization of cyclic redundancy-check codes", 1993; the folding is that of zlib's
    `crc32_combine`.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

__all__ = ["crc32c", "extend", "mask", "masked_crc32c", "unmask"]

_POLYNOMIAL = 0x82F63B78
_LANE = 64
"""Bytes per lane."""
_SHORT = 16 * _LANE
"""Buffers below this size go byte by byte."""

Words = np.ndarray[Any, Any]


def _byte_table() -> list[int]:
    table = []
    for byte in range(256):
        state = byte
        for _ in range(8):
            state = (state >> 1) ^ (_POLYNOMIAL if state & 1 else 0)
        table.append(state)
    return table


_TABLE = _byte_table()


@functools.cache
def _word_tables() -> tuple[Words, Words]:
    """For the lower and the upper half of a state, what it becomes after four zero bytes."""
    columns = _operator(4)
    return _expanded(columns[:16]), _expanded(columns[16:])


def _expanded(columns: list[int]) -> Words:
    """For every combination of bits, the sum of their columns."""
    table = np.zeros(1, np.uint32)
    for column in columns:
        table = np.concatenate([table, table ^ np.uint32(column)])
    return table


@functools.cache
def _operator(length: int) -> list[int]:
    """Columns of the linear map that moves a state over `length` zero bytes."""
    if length == 1:
        columns = [1 << i for i in range(32)]
        return [(c >> 8) ^ _TABLE[c & 255] for c in columns]
    half = _operator(length // 2)
    columns = [_applied(half, c) for c in half]
    if length % 2:
        one = _operator(1)
        columns = [_applied(one, c) for c in columns]
    return columns


def _applied(columns: list[int], state: int) -> int:
    result, bit = 0, 0
    while state:
        if state & 1:
            result ^= columns[bit]
        state >>= 1
        bit += 1
    return result


@functools.cache
def _shift_tables(length: int) -> tuple[Words, ...]:
    """For each byte of a state, what it becomes after `length` zero bytes."""
    columns = _operator(length)
    return tuple(_expanded(columns[i : i + 8]) for i in range(0, 32, 8))


def _shifted(states: Words, length: int) -> Words:
    parts = states.view(np.uint8).reshape(-1, 4)
    a, b, c, d = _shift_tables(length)
    return a.take(parts[:, 0]) ^ b.take(parts[:, 1]) ^ c.take(parts[:, 2]) ^ d.take(parts[:, 3])


def _halves(states: Words) -> tuple[Words, Words]:
    parts = states.view(np.uint16).reshape(-1, 2)
    return parts[:, 0], parts[:, 1]


def _lanes(state: int, data: Words) -> int:
    """The state after whole lanes of data."""
    count = data.size // _LANE
    lanes = 1 << (count - 1).bit_length()
    words = np.ascontiguousarray(data[: count * _LANE].reshape(count, _LANE).view("<u4").T)
    # Lanes of zeros in front of the first one leave a state of zero as it is.
    states = np.zeros(lanes, np.uint32)
    first = lanes - count
    states[first] = state
    low_table, high_table = _word_tables()
    active = states[first:].copy()
    for row in words:
        low, high = _halves(active ^ row)
        active = low_table.take(low) ^ high_table.take(high)
    states[first:] = active
    length = _LANE
    while states.size > 1:
        states = _shifted(np.ascontiguousarray(states[0::2]), length) ^ states[1::2]
        length *= 2
    return int(states[0])


def extend(crc: int, data: Any) -> int:
    """The checksum of what `crc` is the checksum of with `data` behind it."""
    state = crc ^ 0xFFFFFFFF
    view = memoryview(data).cast("B")
    if len(view) >= _SHORT:
        array = np.frombuffer(view, np.uint8)
        whole = array.size // _LANE * _LANE
        state = _lanes(state, array)
        view = view[whole:]
    table = _TABLE
    for byte in view:
        state = (state >> 8) ^ table[(state ^ byte) & 255]
    return state ^ 0xFFFFFFFF


def crc32c(data: Any) -> int:
    """The checksum of a bytes-like object."""
    return extend(0, data)


def mask(crc: int) -> int:
    """A checksum in the form in which TensorFlow stores it beside the data."""
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def unmask(stored: int) -> int:
    """The checksum that `mask` made the stored form of."""
    rotated = (stored - 0xA282EAD8) & 0xFFFFFFFF
    return ((rotated >> 17) | (rotated << 15)) & 0xFFFFFFFF


def masked_crc32c(data: Any) -> int:
    """The checksum of a bytes-like object in stored form."""
    return mask(crc32c(data))
