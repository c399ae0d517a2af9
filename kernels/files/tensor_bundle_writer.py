"""Writing TensorFlow's V2 checkpoints, for programs that only TensorFlow itself runs.

Source:
    tensorflow/core/util/tensor_bundle, tensorflow/core/lib/io/table
"""

from __future__ import annotations

import contextlib
import os
import struct
import uuid
from collections.abc import Iterable
from typing import Any

import numpy as np

from ...graph.dtypes import DType
from ...graph.errors import InvalidArgumentError
from .crc32c import extend, mask, masked_crc32c
from .wire import varint

__all__ = ["convert_checkpoint", "write_tensor_bundle"]

Array = np.ndarray[Any, Any]
_MAGIC = 0xDB4775248B80FB57
_BLOCK = 1 << 18
"""Bytes after which a block of the index ends."""


def convert_checkpoint(source: str, destination: str) -> None:
    """Writes a checkpoint of weft's once more in TensorFlow's format, one tensor at a time.

    Args:
        source: prefix of a checkpoint, weft's or TensorFlow's.
        destination: prefix of the new one.

    Raises:
        NotFoundError: there is no such checkpoint.
        DataLossError: it is damaged.
    """
    from .checkpoint import open_checkpoint

    reader = open_checkpoint(source)
    write_tensor_bundle(destination, ((n, reader.dtype(n), reader.read(n)) for n in sorted(reader.names())))


def write_tensor_bundle(prefix: str, tensors: Iterable[tuple[str, DType, Array]]) -> None:
    """Writes a V2 checkpoint; nothing is left behind where it fails.

    Args:
        prefix: path and beginning of the names of its files; folders are made.
        tensors: name, type and value of each, in the order of the names.

    Raises:
        InvalidArgumentError: the names are not in order.
    """
    folder = os.path.dirname(prefix)
    if folder:
        os.makedirs(folder, exist_ok=True)
    mark = uuid.uuid4().hex[:8]
    data, index = f"{prefix}.data-00000-of-00001", f"{prefix}.index"
    temporary = [f"{data}.{mark}.tmp", f"{index}.{mark}.tmp"]
    # The header: one data file, little-endian, version 1 of the format.
    rows = [(b"", b"\x08\x01\x1a\x02\x08\x01")]
    try:
        with open(temporary[0], "wb") as file:
            for name, dtype, value in tensors:
                key = name.encode()
                if key <= rows[-1][0]:
                    raise InvalidArgumentError(None, f"tensors must come in the order of their names: {name}")
                rows.append((key, _write_value(file, dtype, value)))
            _sync(file)
        with open(temporary[1], "wb") as file:
            file.write(_table(rows))
            _sync(file)
        os.replace(temporary[0], data)
        os.replace(temporary[1], index)
    except BaseException:
        for path in temporary:
            with contextlib.suppress(OSError):
                os.remove(path)
        raise


def _sync(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())


def _write_value(file: Any, dtype: DType, value: Array) -> bytes:
    """Writes a tensor's bytes; its `BundleEntryProto`."""
    offset = file.tell()
    if dtype.kind == "s":
        raw, checksum = _string_bytes(value)
    else:
        raw = np.ascontiguousarray(value).reshape(-1).view(np.uint8).data
        checksum = masked_crc32c(raw)
    file.write(raw)
    dims = b"".join(_bytes_field(2, _number_field(1, n)) for n in value.shape)
    return b"".join(
        (
            _number_field(1, dtype.enum),
            _bytes_field(2, dims),
            _number_field(4, offset),
            _number_field(5, len(raw)),
            b"\x35" + struct.pack("<I", checksum),
        )
    )


def _number_field(number: int, value: int) -> bytes:
    return bytes([number << 3]) + varint(value) if value else b""


def _bytes_field(number: int, value: bytes) -> bytes:
    return bytes([number << 3 | 2]) + varint(len(value)) + value


def _string_bytes(value: Array) -> tuple[bytes, int]:
    """Strings as lengths, a checksum of these, and the texts; and the checksum of it all in stored form."""
    texts = [bytes(v) if isinstance(v, (bytes, bytearray)) else str(v).encode() for v in value.reshape(-1)]
    checksum = 0
    for text in texts:
        size = len(text)
        checksum = extend(checksum, struct.pack("<I" if size < 1 << 32 else "<Q", size))
    stored = struct.pack("<I", mask(checksum))
    body = b"".join(texts)
    total = mask(extend(extend(checksum, stored), body))
    return b"".join(varint(len(t)) for t in texts) + stored + body, total


def _table(rows: list[tuple[bytes, bytes]]) -> bytes:
    """A table file: blocks of rows, an empty block of facts, an index of the blocks, a footer."""
    out = bytearray()
    index: list[tuple[bytes, bytes]] = []
    waiting: list[tuple[bytes, bytes]] = []
    size = 0
    for i, row in enumerate(rows):
        waiting.append(row)
        size += len(row[0]) + len(row[1])
        if size >= _BLOCK or i == len(rows) - 1:
            index.append((row[0], _append(out, _block(waiting))))
            waiting, size = [], 0
    facts = _append(out, _block([]))
    handles = facts + _append(out, _block(index))
    return bytes(out + handles.ljust(40, b"\x00") + struct.pack("<Q", _MAGIC))


def _block(rows: list[tuple[bytes, bytes]]) -> bytes:
    """Rows with complete keys, each a place where a search can start."""
    body, starts = bytearray(), []
    for key, value in rows:
        starts.append(len(body))
        body += b"\x00" + varint(len(key)) + varint(len(value)) + key + value
    starts = starts or [0]
    return bytes(body) + struct.pack(f"<{len(starts) + 1}I", *starts, len(starts))


def _append(out: bytearray, block: bytes) -> bytes:
    """Adds a block with its kind (not compressed) and checksum; where it is, as the index says it."""
    handle = varint(len(out)) + varint(len(block))
    out += block + b"\x00" + struct.pack("<I", masked_crc32c(block + b"\x00"))
    return handle
