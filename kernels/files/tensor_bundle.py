"""Reading TensorFlow's V2 checkpoints: an index in the form of a LevelDB table, and data files.

Source:
    tensorflow/core/util/tensor_bundle, tensorflow/core/lib/io/table, tensorflow/core/lib/strings/ordered_code
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...graph.dtypes import DType, as_dtype
from ...graph.errors import DataLossError, InvalidArgumentError, NotFoundError, UnimplementedError
from .checkpoint import Region
from .crc32c import crc32c, extend, unmask
from .wire import fields, fixed32, read_varint, signed

__all__ = ["TensorBundleReader"]

Array = np.ndarray[Any, Any]
_MAGIC = 0xDB4775248B80FB57
_FOOTER = 48
_TRAILER = 5


def _table_entries(data: bytes, path: str) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of a table file, in order of the keys."""
    if len(data) < _FOOTER or struct.unpack("<Q", data[-8:])[0] != _MAGIC:
        raise DataLossError(None, f"{path} is no index of a checkpoint, or is cut short")
    footer = data[-_FOOTER:]
    _, position = read_varint(footer, 0)
    _, position = read_varint(footer, position)
    offset, position = read_varint(footer, position)
    size, position = read_varint(footer, position)
    for _, handle in _block_entries(_block(data, offset, size, path)):
        block_offset, position = read_varint(handle, 0)
        block_size, _ = read_varint(handle, position)
        yield from _block_entries(_block(data, block_offset, block_size, path))


def _block(data: bytes, offset: int, size: int, path: str) -> bytes:
    end = offset + size
    if end + _TRAILER > len(data):
        raise DataLossError(None, f"{path} is cut short")
    if data[end] != 0:
        raise UnimplementedError(None, f"{path} is compressed, which TensorFlow's own checkpoints are not")
    if crc32c(data[offset : end + 1]) != unmask(fixed32(data[end + 1 : end + 5])):
        raise DataLossError(None, f"{path}: a checksum does not fit: the file is damaged")
    return data[offset:end]


def _block_entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    restarts = fixed32(block[-4:])
    end = len(block) - 4 * (restarts + 1)
    position, key = 0, b""
    while position < end:
        shared, position = read_varint(block, position)
        unshared, position = read_varint(block, position)
        length, position = read_varint(block, position)
        key = key[:shared] + block[position : position + unshared]
        position += unshared
        yield key, block[position : position + length]
        position += length


@dataclass
class _Entry:
    """A `BundleEntryProto`.

    Attributes:
        dtype, shape: of the tensor.
        shard, offset, size: where its bytes are.
        checksum: in stored form.
        slices: for a tensor in parts, offset and size (-1 for a whole dimension) per dimension of each.
    """

    dtype: DType = field(default_factory=lambda: as_dtype("float32"))
    shape: tuple[int, ...] = ()
    shard: int = 0
    offset: int = 0
    size: int = 0
    checksum: int = 0
    slices: list[list[tuple[int, int]]] = field(default_factory=list)


def _entry(data: bytes) -> _Entry:
    found = _Entry()
    for number, _, value in fields(data):
        if number == 1:
            found.dtype = as_dtype(value)
        elif number == 2:
            found.shape = _shape(value)
        elif number == 3:
            found.shard = value
        elif number == 4:
            found.offset = value
        elif number == 5:
            found.size = value
        elif number == 6:
            found.checksum = fixed32(value)
        elif number == 7:
            found.slices.append(_slice(value))
    return found


def _shape(data: Any) -> tuple[int, ...]:
    dims = []
    for number, _, value in fields(data):
        if number == 2:
            dims.append(next((signed(v) for n, _, v in fields(value) if n == 1), 0))
    return tuple(dims)


def _slice(data: Any) -> list[tuple[int, int]]:
    extents = []
    for number, _, value in fields(data):
        if number == 1:
            parts = {n: signed(v) for n, _, v in fields(value)}
            extents.append((parts.get(1, 0), parts.get(2, -1)))
    return extents


def _ordered_number(value: int) -> bytes:
    body = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return bytes([len(body)]) + body


def _ordered_string(text: bytes) -> bytes:
    escaped = {0: b"\x00\xff", 255: b"\xff\x00"}
    return b"".join(escaped.get(b, bytes([b])) for b in text) + b"\x00\x01"


_HEADS = (0x80, 0xC0, 0xE0, 0xF0, 0xF8, 0xFC, 0xFE, 0xFF)
"""For lengths of 1, 2, ... bytes, the bits at the front that give the length."""


def _ordered_signed(value: int) -> bytes:
    """Whole numbers so that their bytes sort as they do."""
    magnitude = ~value if value < 0 else value
    length = 1
    while magnitude.bit_length() > 7 * length - 1:
        length += 1
    body = bytearray((value & (1 << 8 * length) - 1).to_bytes(length, "big"))
    body[0] ^= _HEADS[length - 1]
    return bytes(body)


def _slice_key(name: str, extents: Sequence[tuple[int, int]]) -> bytes:
    """Key of one part of a tensor in the table."""
    key = _ordered_number(0) + _ordered_string(name.encode()) + _ordered_number(len(extents))
    for start, length in extents:
        key += _ordered_signed(start) + _ordered_signed(length)
    return key


class TensorBundleReader:
    """The tensors of a V2 checkpoint of TensorFlow; the methods are those of `CheckpointReader`.

    Args:
        prefix: path and beginning of the names of its files.

    Raises:
        NotFoundError: there is no such checkpoint.
        DataLossError: its index is damaged.
    """

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        path = f"{prefix}.index"
        try:
            with open(path, "rb") as file:
                data = file.read()
        except FileNotFoundError:
            raise NotFoundError(None, f"there is no checkpoint {prefix}: {path} does not exist") from None
        self._entries: dict[bytes, _Entry] = {}
        self._shards = 1
        for key, value in _table_entries(data, path):
            if key == b"":
                header = {n: v for n, _, v in fields(value)}
                self._shards = header.get(1, 1)
                if header.get(2, 0) != 0:
                    raise UnimplementedError(None, f"{path} was written on a big-endian machine")
            else:
                self._entries[key] = _entry(value)

    def names(self) -> list[str]:
        return sorted(k.decode() for k in self._entries if not k.startswith(b"\x00"))

    def has_tensor(self, name: str) -> bool:
        return name.encode() in self._entries

    def _row(self, name: str) -> _Entry:
        entry = self._entries.get(name.encode())
        if entry is None:
            raise NotFoundError(None, f"Key {name} not found in checkpoint {self.prefix}")
        return entry

    def shape(self, name: str) -> tuple[int, ...]:
        return self._row(name).shape

    def dtype(self, name: str) -> DType:
        return self._row(name).dtype

    def read(self, name: str, spec: str = "") -> Array:
        """A tensor, or the part of it that `spec` names; see `CheckpointReader.read`."""
        entry = self._row(name)
        wanted = Region.parse(spec)
        if wanted is not None and wanted.full_shape != entry.shape:
            raise InvalidArgumentError(
                None,
                f"{name} has shape {list(entry.shape)} in checkpoint {self.prefix}, asked for is a part of "
                f"{list(wanted.full_shape)}",
            )
        whole = self._whole(name, entry)
        return whole if wanted is None else whole[wanted.slices]

    def _whole(self, name: str, entry: _Entry) -> Array:
        if not entry.slices:
            return self._value(name, entry, entry.shape)
        result = np.empty(entry.shape, entry.dtype.np)
        for extents in entry.slices:
            key = _slice_key(name, extents)
            part = self._entries.get(key)
            if part is None:
                raise DataLossError(None, f"checkpoint {self.prefix} lacks a part of {name}")
            region = tuple(slice(o, None if n < 0 else o + n) for o, n in extents)
            result[region] = self._value(name, part, result[region].shape)
        return result

    def _value(self, name: str, entry: _Entry, shape: tuple[int, ...]) -> Array:
        path = f"{self.prefix}.data-{entry.shard:05d}-of-{self._shards:05d}"
        try:
            with open(path, "rb") as file:
                file.seek(entry.offset)
                data = file.read(entry.size)
        except FileNotFoundError:
            raise NotFoundError(None, f"{path}: no such file") from None
        if len(data) != entry.size:
            raise DataLossError(None, f"{path} is cut short: {name} ends at byte {entry.offset + entry.size}")
        if entry.dtype.kind == "s":
            return _strings(data, shape, entry, path)
        if crc32c(data) != unmask(entry.checksum):
            raise DataLossError(None, f"{path}: the checksum of {name} does not fit: the file is damaged")
        return np.frombuffer(data, entry.dtype.np).reshape(shape).copy()


def _strings(data: bytes, shape: tuple[int, ...], entry: _Entry, path: str) -> Array:
    """A string tensor: lengths, a checksum of them, then all strings in a row."""
    count = int(np.prod(shape, dtype=np.int64))
    lengths, position, checksum = [], 0, 0
    for _ in range(count):
        length, position = read_varint(data, position)
        lengths.append(length)
        checksum = extend(
            checksum, struct.pack("<I", length) if length < 1 << 32 else struct.pack("<Q", length)
        )
    stored = data[position : position + 4]
    if len(stored) < 4 or checksum != unmask(fixed32(stored)):
        raise DataLossError(None, f"{path}: the checksum of string lengths does not fit: the file is damaged")
    checksum = extend(checksum, stored)
    position += 4
    if extend(checksum, data[position:]) != unmask(entry.checksum):
        raise DataLossError(None, f"{path}: the checksum of strings does not fit: the file is damaged")
    result = np.empty(count, object)
    for i, length in enumerate(lengths):
        result[i] = data[position : position + length]
        position += length
    return result.reshape(shape)
