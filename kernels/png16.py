"""PNG files with 16 bits per channel, which Pillow reads and writes for grey images only.

Source:
    Portable Network Graphics (PNG) Specification, W3C.
"""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np

__all__ = ["bit_depth", "decode16", "encode16"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
_CHANNELS = {kind: count for count, kind in _COLOUR_TYPES.items()}
_MOST_BYTES = 1 << 31


def bit_depth(data: bytes) -> tuple[int, bool]:
    """Bits per channel, and whether rows are interlaced."""
    return data[24], data[28] != 0


def encode16(image: Any, compression: int = -1) -> bytes:
    """A uint16 image `(height, width, channels)` as a file."""
    height, width, channels = image.shape
    rows = np.zeros((height, 1 + width * channels * 2), np.uint8)
    rows[:, 1:] = image.astype(">u2").reshape(height, -1).view(np.uint8)
    header = struct.pack(">IIBBBBB", width, height, 16, _COLOUR_TYPES[channels], 0, 0, 0)
    body = zlib.compress(rows.tobytes(), compression)
    return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def decode16(data: bytes) -> Any:
    """The pixels of a file with 16 bits per channel and no interlacing, uint16 `(height, width, channels)`.

    Raises:
        ValueError: the file is damaged.
    """
    width, height, _, kind = struct.unpack(">IIBB", data[16:26])
    channels = _CHANNELS.get(kind)
    if channels is None or not width or not height:
        raise ValueError(f"no 16-bit image: colour type {kind}, {width} x {height}")
    stride = width * channels * 2
    size = height * (stride + 1)
    if size > _MOST_BYTES:
        raise ValueError(f"an image of {width} x {height} is too large")
    inflate = zlib.decompressobj()
    try:
        raw = inflate.decompress(b"".join(_image_data(data)), size)
    except zlib.error as error:
        raise ValueError(f"damaged image data: {error}") from None
    if len(raw) < size:
        raise ValueError(f"the image data ends after {len(raw)} of {size} bytes")
    rows = np.frombuffer(raw, np.uint8, size).reshape(height, stride + 1)
    return _unfiltered(rows, channels * 2).view(">u2").astype(np.uint16).reshape(height, width, channels)


def _image_data(data: bytes) -> list[bytes]:
    found, at = [], len(_SIGNATURE)
    while at + 12 <= len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        check = data[at + 8 + length : at + 12 + length]
        if len(check) < 4 or struct.unpack(">I", check)[0] != zlib.crc32(kind + body):
            raise ValueError(f"chunk {kind!r} is damaged")
        if kind == b"IDAT":
            found.append(body)
        at += 12 + length
    return found


def _unfiltered(rows: Any, step: int) -> Any:
    """Rows with the prediction that each row's first byte names undone; pixels are `step` bytes apart."""
    height, width = rows.shape[0], rows.shape[1] - 1
    out = np.zeros((height + 1, width + step), np.uint8)
    for y in range(height):
        line, above, kind = out[y + 1], out[y], rows[y, 0]
        line[step:] = rows[y, 1:]
        if kind == 1:
            pixels = line[step:].reshape(-1, step)
            np.cumsum(pixels, axis=0, dtype=np.uint8, out=pixels)
        elif kind == 2:
            line[step:] += above[step:]
        elif kind in (3, 4):
            _from_left(line, above, step, kind)
        elif kind:
            raise ValueError(f"unknown filter {kind} in row {y}")
    return np.ascontiguousarray(out[1:, step:])


def _from_left(line: Any, above: Any, step: int, kind: int) -> None:
    """Undoes a filter that looks at the pixel to the left, one pixel after the other."""
    up = above.astype(np.int64)
    for x in range(step, len(line), step):
        left, top, corner = line[x - step : x].astype(np.int64), up[x : x + step], up[x - step : x]
        if kind == 3:
            guess = (left + top) // 2
        else:
            by_left, by_top, by_corner = abs(top - corner), abs(left - corner), abs(left + top - 2 * corner)
            nearest_left = (by_left <= by_top) & (by_left <= by_corner)
            guess = np.where(nearest_left, left, np.where(by_top <= by_corner, top, corner))
        line[x : x + step] += guess.astype(np.uint8)
