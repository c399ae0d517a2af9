"""TFRecord files, read and written by the program itself: `tf.python_io`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from .kernels.files.records import RecordFile
from .kernels.files.records import RecordWriter as _Writer

__all__ = [
    "TFRecordCompressionType",
    "TFRecordOptions",
    "TFRecordWriter",
    "compression_of",
    "tf_record_iterator",
    "tf_record_random_reader",
]


class TFRecordCompressionType:
    """How a TFRecord file is compressed."""

    NONE = 0
    ZLIB = 1
    GZIP = 2


_KINDS = {None: "", 0: "", 1: "ZLIB", 2: "GZIP", "": "", "NONE": "", "ZLIB": "ZLIB", "GZIP": "GZIP"}


class TFRecordOptions:
    """How a TFRecord file is written and read.

    Args:
        compression_type: one of `TFRecordCompressionType`, or "GZIP", "ZLIB", "".
        **others: accepted for TensorFlow's sake.
    """

    compression_type_map = {0: "", 1: "ZLIB", 2: "GZIP"}  # noqa: RUF012 - a table, not changed

    def __init__(self, compression_type: Any = None, **others: Any) -> None:
        del others
        if compression_type not in _KINDS:
            raise ValueError(f"compression_type must be NONE, ZLIB or GZIP, got {compression_type!r}.")
        self.compression_type = compression_type

    @classmethod
    def get_compression_type_string(cls, options: Any) -> str:
        """The compression as ops spell it."""
        return compression_of(options)


def compression_of(options: Any) -> str:
    """The compression that options (or a type, or None) say: "", "ZLIB" or "GZIP".

    Args:
        options: the options, a kind, or None.
    """
    kind = options.compression_type if isinstance(options, TFRecordOptions) else options
    if kind not in _KINDS:
        raise ValueError(f"The compression must be NONE, ZLIB or GZIP, got {kind!r}.")
    return _KINDS[kind]


class TFRecordWriter(_Writer):
    """Writes a TFRecord file; a context manager.

    Args:
        path: the file; one that is there is replaced.
        options: `TFRecordOptions`, or the compression.
    """

    def __init__(self, path: str | os.PathLike[str], options: Any = None) -> None:
        super().__init__(os.fspath(path), compression_of(options))


def tf_record_iterator(path: str | os.PathLike[str], options: Any = None) -> Iterator[bytes]:
    """The records of a TFRecord file.

    Args:
        path: the file.
        options: `TFRecordOptions`, or the compression.

    Raises:
        NotFoundError: there is no such file.
        DataLossError: it is damaged.
    """
    with RecordFile(os.fspath(path), compression_of(options)) as file:
        yield from file


class tf_record_random_reader:
    """Reads records of an uncompressed TFRecord file by their positions.

    Args:
        path: the file.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.fspath(path)

    def read(self, offset: int) -> tuple[bytes, int]:
        """The record at a position in bytes, and the position of the next one.

        Raises:
            IndexError: the file ends there.
        """
        with RecordFile(self._path) as file:
            file._stream.seek(offset)
            file.offset = offset
            record = file.next()
            if record is None:
                raise IndexError(f"{self._path} has no record at {offset}.")
            return record, file.offset
