"""TFRecord files: records, each with its length and checksums of both.

Source:
    https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details
"""

from __future__ import annotations

import gzip
import os
import struct
import zlib
from collections.abc import Iterator
from types import TracebackType
from typing import Any, BinaryIO

from ...graph.errors import DataLossError, FailedPreconditionError, InvalidArgumentError, NotFoundError
from .crc32c import crc32c, masked_crc32c, unmask

__all__ = ["RecordFile", "RecordWriter", "open_stream"]

_HEADER = struct.Struct("<QI")
_FOOTER = struct.Struct("<I")
_LARGEST = 1 << 40


class _ZlibStream:
    """A zlib stream read like a file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._inflate = zlib.decompressobj()
        self._ready = b""

    def read(self, count: int = -1) -> bytes:
        while count < 0 or len(self._ready) < count:
            raw = self._file.read(1 << 16)
            if not raw:
                self._ready += self._inflate.flush()
                break
            self._ready += self._inflate.decompress(raw)
        if count < 0:
            count = len(self._ready)
        out, self._ready = self._ready[:count], self._ready[count:]
        return out

    def close(self) -> None:
        self._file.close()


def open_stream(path: str, compression: str = "") -> Any:
    """A file to be read, decompressed on the way.

    Args:
        path: the file.
        compression: "", "GZIP" or "ZLIB".

    Raises:
        NotFoundError: there is no such file.
        InvalidArgumentError: the compression is not known.
    """
    if compression not in ("", "GZIP", "ZLIB"):
        raise InvalidArgumentError(None, f'compression must be "", "GZIP" or "ZLIB", got {compression!r}')
    try:
        file = open(path, "rb")  # noqa: SIM115 - closed by whoever reads
    except FileNotFoundError:
        raise NotFoundError(None, f"{path}: no such file") from None
    except IsADirectoryError:
        raise FailedPreconditionError(None, f"{path} is a folder") from None
    if compression == "GZIP":
        unpacked = gzip.GzipFile(fileobj=file, mode="rb")
        unpacked.myfileobj = file  # closed with it
        return unpacked
    return _ZlibStream(file) if compression == "ZLIB" else file


class RecordFile:
    """The records of a file, one after the other.

    Args:
        path: the file.
        compression: "", "GZIP" or "ZLIB".

    Raises:
        NotFoundError: there is no such file.
    """

    def __init__(self, path: str, compression: str = "") -> None:
        self.path = path
        self.offset = 0
        self._stream = open_stream(path, compression)

    def next(self) -> bytes | None:
        """The next record; None at the end.

        Raises:
            DataLossError: it is damaged, or the file ends inside it.
        """
        head = self._read(_HEADER.size)
        if not head:
            return None
        if len(head) < _HEADER.size:
            raise self._damaged("the file ends inside a record's length")
        length, checksum = _HEADER.unpack(head)
        if crc32c(head[:8]) != unmask(checksum) or length > _LARGEST:
            raise self._damaged("the checksum of a record's length does not fit")
        data = self._read(length)
        foot = self._read(_FOOTER.size)
        if len(data) < length or len(foot) < _FOOTER.size:
            raise self._damaged("the file ends inside a record")
        if crc32c(data) != unmask(_FOOTER.unpack(foot)[0]):
            raise self._damaged("the checksum of a record does not fit")
        self.offset += _HEADER.size + length + _FOOTER.size
        return data

    def _read(self, count: int) -> bytes:
        try:
            return self._stream.read(count)  # type: ignore[no-any-return]
        except (OSError, EOFError, zlib.error) as error:
            raise self._damaged(str(error)) from None

    def _damaged(self, why: str) -> DataLossError:
        return DataLossError(None, f"{self.path}: corrupted record at {self.offset}: {why}")

    def __iter__(self) -> Iterator[bytes]:
        while (record := self.next()) is not None:
            yield record

    def close(self) -> None:
        self._stream.close()

    def __enter__(self) -> RecordFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class RecordWriter:
    """Writes a file of records.

    Args:
        path: the file; one that is there is replaced, folders are made.
        compression: "", "GZIP" or "ZLIB".

    Raises:
        InvalidArgumentError: the compression is not known.
    """

    def __init__(self, path: str, compression: str = "") -> None:
        if compression not in ("", "GZIP", "ZLIB"):
            raise InvalidArgumentError(None, f'compression must be "", "GZIP" or "ZLIB", got {compression!r}')
        if os.path.dirname(path):
            os.makedirs(os.path.dirname(path), exist_ok=True)
        self._file: Any = open(path, "wb")  # noqa: SIM115 - closed by close()
        self._deflate: Any = None
        if compression:
            bits = 31 if compression == "GZIP" else 15
            self._deflate = zlib.compressobj(wbits=bits)

    def write(self, record: bytes) -> None:
        """Adds a record.

        Raises:
            FailedPreconditionError: the writer is closed.
        """
        if self._file is None:
            raise FailedPreconditionError(None, "the writer is closed")
        length = struct.pack("<Q", len(record))
        parts = (length, _FOOTER.pack(masked_crc32c(length)), record, _FOOTER.pack(masked_crc32c(record)))
        data = b"".join(parts)
        self._file.write(data if self._deflate is None else self._deflate.compress(data))

    def flush(self) -> None:
        """Brings what is written so far to the file."""
        if self._file is not None:
            if self._deflate is not None:
                self._file.write(self._deflate.flush(zlib.Z_SYNC_FLUSH))
            self._file.flush()

    def close(self) -> None:
        """Ends the file; may be called twice."""
        if self._file is not None:
            if self._deflate is not None:
                self._file.write(self._deflate.flush())
            self._file.close()
            self._file = None

    def __enter__(self) -> RecordWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
