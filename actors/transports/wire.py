"""How messages of a step are written: plain bytes, no pickles.

A message is a header, and values after it. A small array is part of the message; a large one lies in a block of
shared memory that the message names, and is read there.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ...graph import errors
from ...graph.dtypes import ALL
from ...graph.errors import InternalError, OpError
from .ring import BlockPool, MappedBlocks

__all__ = [
    "DONE", "DROP", "ERROR", "HEADER", "LARGE", "SETTLE", "STEP", "TENSORS", "can_carry", "decode_error",
    "decode_keys", "decode_settled", "decode_values", "encode_error", "encode_settled", "encode_values",
    "fitted", "keys_of", "unfit",
]  # fmt: skip

STEP, TENSORS, DONE, ERROR, DROP, SETTLE, LARGE = range(1, 8)
"""Kinds of messages: run your part; tensors of a peer; results; a failure; give the step up; outcomes of earlier
steps; a message that lies in a block."""

HEADER = struct.Struct("<BBHIQII")
"""Kind, flags, (unused), handle of the program, step, number of values, number of outcomes."""

INLINE_BYTES = 8192
"""Bytes up to which an array is part of the message."""

_VALUE = struct.Struct("<BBHI")
_BLOCK = struct.Struct("<QIIQ")
_SETTLED = struct.Struct("<QQ")
_NONE, _ARRAY, _SCALAR, _TEXT, _IN_BLOCK = range(5)
_DTYPES = {d.enum: d.np for d in ALL if d.np != np.dtype(object)}
_CODES = {dtype: code for code, dtype in _DTYPES.items()}
_NOTHING = _VALUE.pack(_NONE, 0, 0, 0)


def can_carry(kind: str) -> bool:
    """Whether tensors of a type kind (`DType.kind`) can be written: all but handles and variants."""
    return kind not in "rv"


def encode_values(values: Iterable[Any], blocks: BlockPool, parts: list[bytes]) -> int:
    """Appends values to a message; the number of bytes that they hold.

    Args:
        values: host arrays, NumPy scalars, strings (bytes), and None for mere signals.
        blocks: where large arrays are put.
        parts: the message so far.
    """
    total = 0
    for value in values:
        if value is None:
            parts.append(_NOTHING)
            continue
        if isinstance(value, (bytes, str)) or getattr(getattr(value, "dtype", None), "kind", "") == "O":
            total += _encode_text(value, parts)
            continue
        if not isinstance(value, (np.ndarray, np.generic)):
            value = np.asarray(value)
        size = value.nbytes
        total += size
        code = _CODES[value.dtype]
        if isinstance(value, np.generic):
            parts.append(_VALUE.pack(_SCALAR, code, 0, size))
            parts.append(value.tobytes())
        else:
            shape = value.shape
            if size <= INLINE_BYTES:
                parts.append(_VALUE.pack(_ARRAY, code, len(shape), size))
                if shape:
                    parts.append(struct.pack(f"<{len(shape)}q", *shape))
                parts.append(value.tobytes())
            else:
                block = blocks.take(size)
                np.copyto(block.data[:size].view(value.dtype).reshape(shape), value)
                parts.append(_VALUE.pack(_IN_BLOCK, code, len(shape), 0))
                parts.append(struct.pack(f"<{len(shape)}q", *shape))
                parts.append(_BLOCK.pack(block.number, block.fd, 0, size))
                continue
        if size & 7:
            parts.append(b"\0" * (-size & 7))
    return total


def _encode_text(value: Any, parts: list[bytes]) -> int:
    array = np.asarray(value, dtype=object)
    texts = [t.encode() if isinstance(t, str) else bytes(t) for t in array.reshape(-1).tolist()]
    lengths = struct.pack(f"<{len(texts)}I", *map(len, texts))
    body = b"".join((struct.pack(f"<{array.ndim}q", *array.shape), lengths, *texts))
    parts.append(_VALUE.pack(_TEXT, 0, array.ndim, len(body)))
    parts.append(body + b"\0" * (-len(body) & 7))
    return len(body)


def decode_values(message: bytes, at: int, count: int, blocks: MappedBlocks) -> list[Any]:
    """The values that a message holds from position `at` on; arrays are read-only views of it, or of blocks."""
    values: list[Any] = []
    for _ in range(count):
        tag, code, rank, size = _VALUE.unpack_from(message, at)
        at += 8
        if tag == _NONE:
            values.append(None)
            continue
        if tag == _SCALAR:
            values.append(np.frombuffer(message, _DTYPES[code], 1, at)[0])
        elif tag == _TEXT:
            values.append(_decode_text(message, at, rank))
        else:
            shape = struct.unpack_from(f"<{rank}q", message, at)
            at += 8 * rank
            dtype = _DTYPES[code]
            if tag == _IN_BLOCK:
                number, fd, _, held = _BLOCK.unpack_from(message, at)
                at += _BLOCK.size
                values.append(blocks.array(number, fd, dtype, shape, held))
                continue
            array = np.frombuffer(message, dtype, size // dtype.itemsize, at)
            values.append(array if rank == 1 else array.reshape(shape))
        at += size + 7 & ~7
    return values


def _decode_text(message: bytes, at: int, rank: int) -> Any:
    shape = struct.unpack_from(f"<{rank}q", message, at)
    at += 8 * rank
    count = int(np.prod(shape, dtype=np.int64))
    lengths = struct.unpack_from(f"<{count}I", message, at)
    at += 4 * count
    array = np.empty(count, object)
    for index, length in enumerate(lengths):
        array[index] = message[at : at + length]
        at += length
    return array.reshape(shape)


def encode_settled(rows: Sequence[tuple[int, bool]]) -> bytes:
    """Outcomes of earlier steps: number, whether it succeeded everywhere."""
    return b"".join([_SETTLED.pack(step, succeeded) for step, succeeded in rows])


def decode_settled(message: bytes, at: int, count: int) -> tuple[tuple[int, bool], ...]:
    return tuple(
        (step, bool(done)) for step, done in _SETTLED.iter_unpack(message[at : at + count * _SETTLED.size])
    )


def keys_of(numbers: Sequence[int]) -> bytes:
    """The numbers of the edges whose tensors follow."""
    return struct.pack(f"<{len(numbers)}I", *numbers) + (b"\0\0\0\0" if len(numbers) & 1 else b"")


def decode_keys(message: bytes, at: int, count: int) -> tuple[tuple[int, ...], int]:
    """The numbers, and where the values begin."""
    return struct.unpack_from(f"<{count}I", message, at), at + (4 * count + 7 & ~7)


def encode_error(error: OpError) -> bytes:
    kind = next(c.__name__ for c in type(error).__mro__ if c.__name__ in errors.__all__)
    return json.dumps([kind, error.node, error.message, error.device, error.source]).encode()


def decode_error(message: bytes, at: int) -> OpError:
    kind, *rest = json.loads(message[at:])
    cls = getattr(errors, kind) if kind in errors.__all__ else InternalError
    made: OpError = cls(*rest)
    return made


def fitted(message: bytes, largest: int, blocks: BlockPool) -> bytes:
    """The message itself, or one that names the block in which it lies where it is too long for a ring."""
    if len(message) <= largest:
        return message
    parts = [HEADER.pack(LARGE, 0, 0, 0, 0, 1, 0)]
    encode_values([np.frombuffer(message, np.uint8)], blocks, parts)
    return b"".join(parts)


def unfit(message: bytes, blocks: MappedBlocks) -> bytes:
    """The message that lies in a block, or the message itself."""
    if message[0] != LARGE:
        return message
    (array,) = decode_values(message, HEADER.size, 1, blocks)
    return array.tobytes()
