"""Writes event files that TensorBoard reads."""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np

from ..graph.graph import Graph

__all__ = ["FileWriter", "FileWriterCache"]


class FileWriter:
    """Writes summaries, graphs and run metadata to an event file, from a thread of its own.

    Args:
        logdir: folder of the event file; made if it is not there.
        graph: a graph to write at once.
        max_queue: events that may wait to be written; further ones wait for room.
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
        self._writer: Any = None
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
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        if self._writer is None:
            os.makedirs(self._logdir, exist_ok=True)
            queue, seconds, suffix = self._arguments
            self._writer = EventFileWriter(self._logdir, queue, seconds, suffix)

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
