"""Readers of files, as objects, and functions of files."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from .data_flow import FIFOQueue, QueueBase
from .graph.default_graph import get_default_graph
from .graph.elements import Operation, Tensor
from .graph.opdef import get_op

__all__ = [
    "FixedLengthRecordReader",
    "IdentityReader",
    "ReaderBase",
    "TFRecordReader",
    "TextLineReader",
    "WholeFileReader",
    "matching_files",
    "read_file",
    "write_file",
]


class ReaderBase:
    """What all readers share: they take names of files out of a queue and give records.

    Args:
        reader_ref: the reader's handle.
        supports_serialize: whether it can tell where it is.
    """

    def __init__(self, reader_ref: Tensor, supports_serialize: bool = False) -> None:
        self._reader_ref = reader_ref
        self._supports_serialize = supports_serialize
        self._relays: dict[str, Tensor] = {}

    @property
    def reader_ref(self) -> Tensor:
        """The resource tensor that names the reader."""
        return self._reader_ref

    @property
    def supports_serialize(self) -> bool:
        return self._supports_serialize

    @contextlib.contextmanager
    def _beside(self, queue: Tensor | None = None) -> Iterator[None]:
        graph = get_default_graph()
        with contextlib.ExitStack() as stack:
            for handle in (self._reader_ref, queue):
                if handle is not None and handle.graph is graph:
                    stack.enter_context(graph.colocate_with(handle.op))
            yield

    def _near(self, queue: Any) -> Tensor:
        """The handle of a queue beside the reader: the given one, or for one elsewhere a queue that is fed from it.

        A reader takes names out of its queue as it needs them, so both are on one device. For a reader on a device of
        its own a `QueueRunner` brings the names there, so that several workers can share the work of one queue.
        """
        if not isinstance(queue, QueueBase):
            return queue  # type: ignore[no-any-return]
        own = self._reader_ref.op.device
        if not own or own == queue.queue_ref.op.device:
            return queue.queue_ref
        if queue.name not in self._relays:
            from .train.queue_runner import QueueRunner, add_queue_runner

            graph = get_default_graph()
            with (
                graph.control_dependencies(None),
                graph.colocate_with(self._reader_ref.op, ignore_existing=True),
            ):
                relay = FIFOQueue(1, queue.dtypes, [[]], name="names")
            add_queue_runner(QueueRunner(relay, [relay.enqueue(queue.dequeue())]))
            self._relays[queue.name] = relay.queue_ref
        return self._relays[queue.name]

    def read(self, queue: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
        """The next record; takes the name of a file out of the queue where it needs one.

        The queue may be on another device than the reader: a `QueueRunner` brings names over then, one ahead.

        Args:
            queue: a queue of names of files, or its handle.
            name: name of the operation.

        Returns:
            Where the record is from, and the record: string scalars.

        Raises:
            OutOfRangeError: when run, if the queue is closed and all files are read.
        """
        handle = self._near(queue)
        with self._beside(handle):
            return tuple(get_op("ReaderReadV2")(self._reader_ref, handle, name=name))  # type: ignore[return-value]

    def read_up_to(self, queue: Any, num_records: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
        """The next records, no more than `num_records` and perhaps fewer: all are of one file."""
        handle = self._near(queue)
        with self._beside(handle):
            return tuple(get_op("ReaderReadUpToV2")(self._reader_ref, handle, num_records, name=name))  # type: ignore[return-value]

    def num_records_produced(self, name: str | None = None) -> Tensor:
        """Number of records read so far, an int64 scalar."""
        with self._beside():
            return get_op("ReaderNumRecordsProducedV2")(self._reader_ref, name=name)  # type: ignore[no-any-return]

    def num_work_units_completed(self, name: str | None = None) -> Tensor:
        """Number of files read to their ends so far, an int64 scalar."""
        with self._beside():
            return get_op("ReaderNumWorkUnitsCompletedV2")(self._reader_ref, name=name)  # type: ignore[no-any-return]

    def serialize_state(self, name: str | None = None) -> Tensor:
        """Where the reader is, a string scalar; only some readers can tell."""
        with self._beside():
            return get_op("ReaderSerializeStateV2")(self._reader_ref, name=name)  # type: ignore[no-any-return]

    def restore_state(self, state: Any, name: str | None = None) -> Operation:
        """An operation that puts the reader where another was."""
        with self._beside():
            return get_op("ReaderRestoreStateV2")(self._reader_ref, state, name=name)  # type: ignore[no-any-return]

    def reset(self, name: str | None = None) -> Operation:
        """An operation that puts the reader back to the beginning."""
        with self._beside():
            return get_op("ReaderResetV2")(self._reader_ref, name=name)  # type: ignore[no-any-return]


class WholeFileReader(ReaderBase):
    """Gives each file as one record; its key is the file's name."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(get_op("WholeFileReaderV2")(name=name), supports_serialize=True)


class TextLineReader(ReaderBase):
    """Gives the lines of files, without their ends; a key is `file:number`.

    Args:
        skip_header_lines: lines that are left out at the beginning of each file.
        name: name of the operation.
    """

    def __init__(self, skip_header_lines: int | None = None, name: str | None = None) -> None:
        super().__init__(get_op("TextLineReaderV2")(skip_header_lines=skip_header_lines or 0, name=name))


class FixedLengthRecordReader(ReaderBase):
    """Gives records of one length; a key is `file:number`.

    Args:
        record_bytes: bytes of a record.
        header_bytes, footer_bytes: bytes that are left out at the beginning and end of each file.
        hop_bytes: bytes from the beginning of one record to that of the next; 0 for `record_bytes`.
        name: name of the operation.
        encoding: "", "GZIP" or "ZLIB".
    """

    def __init__(
        self,
        record_bytes: int,
        header_bytes: int | None = None,
        footer_bytes: int | None = None,
        hop_bytes: int | None = None,
        name: str | None = None,
        encoding: str | None = None,
    ) -> None:
        super().__init__(
            get_op("FixedLengthRecordReaderV2")(
                record_bytes=record_bytes,
                header_bytes=header_bytes or 0,
                footer_bytes=footer_bytes or 0,
                hop_bytes=hop_bytes or 0,
                encoding=encoding or "",
                name=name,
            )
        )


class TFRecordReader(ReaderBase):
    """Gives the records of TFRecord files; a key is `file:byte`.

    Args:
        name: name of the operation.
        options: a `TFRecordOptions` with the compression.
    """

    def __init__(self, name: str | None = None, options: Any = None) -> None:
        from .lib_io import compression_of

        super().__init__(get_op("TFRecordReaderV2")(compression_type=compression_of(options), name=name))


class IdentityReader(ReaderBase):
    """Gives the names themselves, as keys and as records."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(get_op("IdentityReaderV2")(name=name), supports_serialize=True)


def read_file(filename: Any, name: str | None = None) -> Tensor:
    """The whole content of a file, a string scalar.

    Args:
        filename: the file.

    Raises:
        NotFoundError: when run, if there is no such file.
    """
    return get_op("ReadFile")(filename, name=name)  # type: ignore[no-any-return]


def write_file(filename: Any, contents: Any, name: str | None = None) -> Operation:
    """An operation that writes a file; folders are made, a file that is there is replaced.

    Args:
        filename: the file.
        contents: string scalar: what is written.
    """
    return get_op("WriteFile")(filename, contents, name=name)  # type: ignore[no-any-return]


def matching_files(pattern: Any, name: str | None = None) -> Tensor:
    """The names of the files that fit a pattern (or several), a vector of strings.

    Args:
        pattern: the pattern.
    """
    return get_op("MatchingFiles")(pattern, name=name)  # type: ignore[no-any-return]
