"""Writes event files that TensorBoard reads."""

from __future__ import annotations

import itertools
import os
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..graph.graph import Graph

__all__ = ["FileWriter", "FileWriterCache", "summary_iterator"]


class FileWriter:
    """Writes summaries, graphs and run metadata to an event file; several threads may.

    Args:
        logdir: folder of the event file; made if it is not there.
        graph: a graph to write at once.
        max_queue: events that may wait in memory; one more writes them all to the disk.
        flush_secs: seconds between writes to the disk.
        graph_def: accepted for old programs: a GraphDef to write in the place of a graph.
        filename_suffix: end of the file's name.
    """

    def __init__(
        self,
        logdir: str | os.PathLike[str],
        graph: Graph | None = None,
        max_queue: int = 10,
        flush_secs: int = 120,
        graph_def: Any = None,
        filename_suffix: str | None = None,
    ) -> None:
        self._logdir = os.fspath(logdir)
        self._arguments = (max_queue, flush_secs, filename_suffix or "")
        self._writer: _EventFile | None = None
        self._seen_runs: set[str] = set()
        self.reopen()
        if graph is not None or graph_def is not None:
            self.add_graph(graph_def if graph is None else graph)

    def get_logdir(self) -> str:
        return self._logdir

    def add_summary(self, summary: Any, global_step: Any = None) -> None:
        """Writes a summary.

        Args:
            summary: a fetched summary (serialized bytes) or a Summary message.
            global_step: the step that it belongs to.
        """
        from tensorboard.compat.proto.summary_pb2 import Summary

        if isinstance(summary, np.ndarray):
            summary = summary.item()
        if isinstance(summary, bytes):
            message = Summary()
            message.ParseFromString(summary)
            summary = message
        self.add_event(_event(global_step, summary=summary))

    def add_graph(self, graph: Any, global_step: Any = None) -> None:
        """Writes a graph (or a GraphDef), with its devices and shapes."""
        definition = graph.as_graph_def(add_shapes=True) if isinstance(graph, Graph) else graph
        self.add_event(_event(global_step, graph_def=definition.SerializeToString()))

    def add_meta_graph(self, meta_graph_def: Any, global_step: Any = None) -> None:
        """Writes a MetaGraphDef."""
        self.add_event(_event(global_step, meta_graph_def=meta_graph_def.SerializeToString()))

    def add_run_metadata(self, run_metadata: Any, tag: str, global_step: Any = None) -> None:
        """Writes what a traced step took, for TensorBoard's graph page.

        Args:
            run_metadata: a filled RunMetadata message.
            tag: its name in TensorBoard; each may be used once.
            global_step: the step that was traced.

        Raises:
            ValueError: the tag was used before.
        """
        if tag in self._seen_runs:
            raise ValueError(f"The provided tag was already used for this event type: {tag!r}")
        self._seen_runs.add(tag)
        event = _event(global_step)
        event.tagged_run_metadata.tag = tag
        event.tagged_run_metadata.run_metadata = run_metadata.SerializeToString()
        self.add_event(event)

    def add_session_log(self, session_log: Any, global_step: Any = None) -> None:
        """Writes a SessionLog message."""
        self.add_event(_event(global_step, session_log=session_log))

    def add_event(self, event: Any) -> None:
        """Writes an Event message.

        Raises:
            ValueError: the writer is closed.
        """
        if self._writer is None:
            raise ValueError(f"The FileWriter for {self._logdir} is closed.")
        self._writer.add_event(event)

    def flush(self) -> None:
        """Waits until everything is on the disk."""
        if self._writer is not None:
            self._writer.flush()

    def close(self) -> None:
        """Writes what waits and closes the file; may be called twice."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def reopen(self) -> None:
        """Opens a new event file after `close`."""
        if self._writer is None:
            os.makedirs(self._logdir, exist_ok=True)
            self._writer = _EventFile(self._logdir, *self._arguments)

    def __enter__(self) -> FileWriter:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _event(global_step: Any, **fields: Any) -> Any:
    from tensorboard.compat.proto.event_pb2 import Event

    event = Event(wall_time=time.time(), **fields)
    if global_step is not None:
        event.step = int(global_step)
    return event


class _EventFile:
    """One open event file; events wait in memory until there are many of them or some time has passed."""

    def __init__(self, logdir: str, max_queue: int, flush_secs: float, suffix: str) -> None:
        from tensorboard.summary.writer.record_writer import RecordWriter

        self._lock = threading.Lock()
        self._most, self._seconds = max_queue, flush_secs
        self._waiting: list[bytes] = []
        self._flushed = time.monotonic()
        host, now = socket.gethostname(), int(time.time())
        name = f"events.out.tfevents.{now:010d}.{host}.{os.getpid()}.{next(_FILES)}{suffix}"
        self._file = open(os.path.join(logdir, name), "wb")  # noqa: SIM115 - closed by close()
        self._records = RecordWriter(self._file)
        self.add_event(_event(None, file_version="brain.Event:2"))
        self.flush()

    def add_event(self, event: Any) -> None:
        with self._lock:
            self._waiting.append(event.SerializeToString())
            late = time.monotonic() - self._flushed > self._seconds
            if late or len(self._waiting) > self._most:
                self._write()

    def flush(self) -> None:
        with self._lock:
            self._write()

    def _write(self) -> None:
        for record in self._waiting:
            self._records.write(record)
        self._waiting.clear()
        self._file.flush()
        self._flushed = time.monotonic()

    def close(self) -> None:
        self.flush()
        self._records.close()


_FILES = itertools.count()


class FileWriterCache:
    """One `FileWriter` per folder."""

    _cache: dict[str, FileWriter] = {}  # noqa: RUF012 - shared on purpose

    @classmethod
    def get(cls, logdir: str) -> FileWriter:
        """The folder's writer, made the first time."""
        if logdir not in cls._cache:
            cls._cache[logdir] = FileWriter(logdir)
        return cls._cache[logdir]

    @classmethod
    def clear(cls) -> None:
        """Closes and forgets all writers."""
        for writer in cls._cache.values():
            writer.close()
        cls._cache.clear()


def summary_iterator(path: str | os.PathLike[str]) -> Iterator[Any]:
    """The `Event` messages of an event file, in order.

    Args:
        path: the file.

    Raises:
        NotFoundError: there is no such file.
        DataLossError: it is damaged; the events before the damage are given first.

    Source:
        `tf.train.summary_iterator`.
    """
    from google.protobuf.message import DecodeError
    from tensorboard.compat.proto.event_pb2 import Event

    from ..graph.errors import DataLossError
    from ..kernels.files.records import RecordFile

    with RecordFile(os.fspath(path)) as file:
        for record in file:
            try:
                yield Event.FromString(record)
            except DecodeError as error:
                raise DataLossError(None, f"{os.fspath(path)}: a record is no Event: {error}") from None
