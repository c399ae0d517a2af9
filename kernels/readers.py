"""Readers; declared in `graph/ops/readers.py`."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from ..graph.errors import DataLossError, InvalidArgumentError, OutOfRangeError, UnimplementedError
from .files.records import RecordFile, open_stream
from .files.wire import fields, varint
from .io import scalar_string, text_of
from .queues import make_resource, resource_of
from .registry import KernelContext, kernel

Record = tuple[str, bytes]


class _Reader:
    """Gives the records of the files whose names come out of a queue.

    A subclass opens a file and gives its records. Only one step at a time reads.
    """

    kind = "Reader"
    keeps_state = False

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: Any = None
        self._work = ""
        self.produced = 0
        self.completed = 0
        self.started = 0

    def open(self, path: str) -> Any:
        """An iterator over keys and values."""
        raise NotImplementedError

    def read(self, queue: Any, cancelled: Callable[[], bool]) -> Record:
        """The next record; waits for names of files.

        Raises:
            OutOfRangeError: the queue is closed and all its files are read.
        """
        with self._lock:
            return self._next(queue, cancelled)

    def _next(self, queue: Any, cancelled: Callable[[], bool]) -> Record:
        while True:
            if self._records is None:
                (element,) = queue.take(1, cancelled)
                self._work = text_of(element[0])
                self._records = iter(self.open(self._work))
                self.started += 1
            record = next(self._records, None)
            if record is not None:
                self.produced += 1
                return record  # type: ignore[no-any-return]
            self._records = None
            self.completed += 1

    def read_up_to(self, count: int, queue: Any, cancelled: Callable[[], bool]) -> list[Record]:
        """The next records, of one file."""
        with self._lock:
            found = [self._next(queue, cancelled)]
            while len(found) < count and self._records is not None:
                record = next(self._records, None)
                if record is None:
                    self._records = None
                    self.completed += 1
                    break
                self.produced += 1
                found.append(record)
            return found

    def reset(self) -> None:
        with self._lock:
            self._records = None
            self.produced = self.completed = self.started = 0

    def state(self) -> bytes:
        """A `ReaderBaseState` message."""
        if not self.keeps_state:
            raise UnimplementedError(None, f"a {self.kind} cannot tell where it is")
        work = self._work.encode() if self._records is not None else b""
        numbers = (self.started, self.completed, self.produced)
        head = b"".join(bytes([i << 3]) + varint(n) for i, n in enumerate(numbers, 1))
        return head + bytes([4 << 3 | 2]) + varint(len(work)) + work

    def restore(self, state: bytes) -> None:
        if not self.keeps_state:
            raise UnimplementedError(None, f"a {self.kind} cannot be put where another was")
        try:
            found = {number: value for number, _, value in fields(state)}
        except DataLossError:
            raise InvalidArgumentError(None, f"cannot read the state of a {self.kind}") from None
        with self._lock:
            self.started, self.completed, self.produced = (int(found.get(i, 0)) for i in (1, 2, 3))
            self._records = None


class _WholeFiles(_Reader):
    kind = "WholeFileReader"
    keeps_state = True

    def open(self, path: str) -> Any:
        stream = open_stream(path)
        try:
            return [(path, stream.read())]
        finally:
            stream.close()


class _Names(_Reader):
    kind = "IdentityReader"
    keeps_state = True

    def open(self, path: str) -> Any:
        return [(path, path.encode("utf-8", "surrogateescape"))]


class _Lines(_Reader):
    kind = "TextLineReader"

    def __init__(self, skipped: int) -> None:
        super().__init__()
        self._skipped = skipped

    def open(self, path: str) -> Any:
        stream = open_stream(path)
        try:
            for number, line in enumerate(stream, 1):
                if number > self._skipped:
                    yield f"{path}:{number}", line.rstrip(b"\n").removesuffix(b"\r")
        finally:
            stream.close()


class _FixedLength(_Reader):
    kind = "FixedLengthRecordReader"

    def __init__(self, header: int, record: int, footer: int, hop: int, encoding: str) -> None:
        super().__init__()
        if record <= 0 or header < 0 or footer < 0 or hop < 0:
            raise InvalidArgumentError(
                None, "record_bytes must be positive; header_bytes, footer_bytes and hop_bytes not negative"
            )
        self._sizes = header, record, footer, hop or record
        self._encoding = encoding

    def open(self, path: str) -> Any:
        header, record, footer, hop = self._sizes
        stream = open_stream(path, self._encoding)
        try:
            data = stream.read()
        finally:
            stream.close()
        end = len(data) - footer
        for number, start in enumerate(range(header, end - record + 1, hop)):
            yield f"{path}:{number}", data[start : start + record]


class _Records(_Reader):
    kind = "TFRecordReader"

    def __init__(self, compression: str) -> None:
        super().__init__()
        self._compression = compression

    def open(self, path: str) -> Any:
        with RecordFile(path, self._compression) as file:
            while True:
                offset = file.offset
                record = file.next()
                if record is None:
                    return
                yield f"{path}:{offset}", record


@kernel("WholeFileReaderV2", host=True)
def whole_file_reader(c: KernelContext) -> Any:
    return make_resource(c, "reader", lambda _: _WholeFiles())


@kernel("IdentityReaderV2", host=True)
def identity_reader(c: KernelContext) -> Any:
    return make_resource(c, "reader", lambda _: _Names())


@kernel("TextLineReaderV2", host=True)
def text_line_reader(c: KernelContext) -> Any:
    return make_resource(c, "reader", lambda _: _Lines(c.attrs["skip_header_lines"]))


@kernel("FixedLengthRecordReaderV2", host=True)
def fixed_length_reader(c: KernelContext) -> Any:
    a = c.attrs
    sizes = (a["header_bytes"], a["record_bytes"], a["footer_bytes"], a["hop_bytes"])
    return make_resource(c, "reader", lambda _: _FixedLength(*sizes, a["encoding"]))


@kernel("TFRecordReaderV2", host=True)
def tfrecord_reader(c: KernelContext) -> Any:
    return make_resource(c, "reader", lambda _: _Records(c.attrs["compression_type"]))


@kernel("ReaderReadV2", host=True)
def read(c: KernelContext, reader: Any, queue: Any) -> Any:
    key, value = resource_of(c, reader).read(resource_of(c, queue), c.runtime.cancelled)
    return scalar_string(key.encode("utf-8", "surrogateescape")), scalar_string(value)


@kernel("ReaderReadUpToV2", host=True)
def read_up_to(c: KernelContext, reader: Any, queue: Any, number: Any) -> Any:
    count = int(number)
    if count <= 0:
        raise OutOfRangeError(c.node.name, f"num_records must be positive, got {count}", "", c.node.source)
    records = resource_of(c, reader).read_up_to(count, resource_of(c, queue), c.runtime.cancelled)
    keys, values = np.empty(len(records), object), np.empty(len(records), object)
    keys[:] = [k.encode("utf-8", "surrogateescape") for k, _ in records]
    values[:] = [v for _, v in records]
    return keys, values


@kernel("ReaderNumRecordsProducedV2", host=True)
def records_produced(c: KernelContext, reader: Any) -> Any:
    return np.int64(resource_of(c, reader).produced)


@kernel("ReaderNumWorkUnitsCompletedV2", host=True)
def units_completed(c: KernelContext, reader: Any) -> Any:
    return np.int64(resource_of(c, reader).completed)


@kernel("ReaderSerializeStateV2", host=True)
def serialize_state(c: KernelContext, reader: Any) -> Any:
    return scalar_string(resource_of(c, reader).state())


@kernel("ReaderRestoreStateV2", host=True)
def restore_state(c: KernelContext, reader: Any, state: Any) -> None:
    resource_of(c, reader).restore(state.item() if isinstance(state, np.ndarray) else state)


@kernel("ReaderResetV2", host=True)
def reset(c: KernelContext, reader: Any) -> None:
    resource_of(c, reader).reset()
