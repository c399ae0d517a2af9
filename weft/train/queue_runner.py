"""Threads that keep queues filled."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from ..data_flow import QueueBase
from ..graph.default_graph import get_default_graph
from ..graph.elements import Operation
from ..graph.errors import CancelledError, OutOfRangeError
from ..graph.graph_keys import GraphKeys
from ..graph.meta_graph import prepend_name_scope, register_proto_function, strip_name_scope
from ..graph.protos import protos
from ..graph.session_stack import default_session
from .coordinator import Coordinator

__all__ = ["QueueRunner", "add_queue_runner", "start_queue_runners"]


class QueueRunner:
    """Runs operations that fill a queue, each in a thread of its own, until there is nothing more.

    Args:
        queue: the queue.
        enqueue_ops: the operations; the same one several times for several threads.
        close_op: closes the queue when the input has ended; by default `queue.close()`.
        cancel_op: closes it when a stop is asked for; by default what waits for room is refused then.
        queue_closed_exception_types: errors that say that the input has ended.
        queue_runner_def: a `QueueRunnerDef` message: takes the operations that it names from the graph.
        import_scope: name scope under which that graph was imported.
    """

    def __init__(
        self,
        queue: QueueBase | None = None,
        enqueue_ops: Sequence[Operation] | None = None,
        close_op: Operation | None = None,
        cancel_op: Operation | None = None,
        queue_closed_exception_types: Sequence[type[BaseException]] | None = None,
        queue_runner_def: Any = None,
        import_scope: str | None = None,
    ) -> None:
        self._ended = tuple(queue_closed_exception_types or (OutOfRangeError,))
        self._lock = threading.Lock()
        self._running: dict[Any, int] = {}
        self._errors: list[BaseException] = []
        if queue_runner_def is not None:
            self._from_def(queue_runner_def, import_scope)
            return
        if queue is None or not enqueue_ops:
            raise ValueError("A QueueRunner needs a queue and operations that fill it.")
        self._queue = queue
        self._queue_name = queue.name
        self._enqueue_ops = list(enqueue_ops)
        self._close_op = queue.close() if close_op is None else close_op
        self._cancel_op = queue.close(cancel_pending_enqueues=True) if cancel_op is None else cancel_op

    def _from_def(self, message: Any, import_scope: str | None) -> None:
        graph = get_default_graph()

        def find(name: str) -> Any:
            return graph.as_graph_element(prepend_name_scope(name, import_scope), allow_tensor=False)

        self._queue = None
        self._queue_name = prepend_name_scope(message.queue_name, import_scope)
        self._enqueue_ops = [find(n) for n in message.enqueue_op_name]
        self._close_op = find(message.close_op_name) if message.close_op_name else None
        self._cancel_op = find(message.cancel_op_name) if message.cancel_op_name else None

    @property
    def queue(self) -> Any:
        return self._queue

    @property
    def enqueue_ops(self) -> list[Operation]:
        return self._enqueue_ops

    @property
    def close_op(self) -> Any:
        return self._close_op

    @property
    def cancel_op(self) -> Any:
        return self._cancel_op

    @property
    def queue_closed_exception_types(self) -> tuple[type[BaseException], ...]:
        return self._ended

    @property
    def name(self) -> str:
        """Name of the queue."""
        return self._queue_name

    @property
    def exceptions_raised(self) -> list[BaseException]:
        """Errors of threads that had no coordinator to tell them to."""
        return self._errors

    def create_threads(
        self, sess: Any, coord: Coordinator | None = None, daemon: bool = False, start: bool = False
    ) -> list[threading.Thread]:
        """Makes the threads: one per operation, and with a coordinator one that closes the queue on a stop.

        Args:
            sess: the session that runs the operations.
            coord: stops the threads; told of errors.
            daemon: whether the program may end while they run.
            start: whether they are started.

        Returns:
            The threads; none where they run in that session already.
        """
        with self._lock:
            if self._running.get(sess):
                return []
            self._running[sess] = len(self._enqueue_ops)
            self._errors = []
        threads = [
            threading.Thread(
                target=self._fill, args=(sess, op, coord), name=f"QueueRunnerThread-{self.name}-{op.name}"
            )
            for op in self._enqueue_ops
        ]
        if coord is not None:
            threads.append(
                threading.Thread(
                    target=self._close_on_stop,
                    args=(sess, coord),
                    name=f"QueueRunnerThread-{self.name}-close",
                )
            )
        for thread in threads:
            thread.daemon = daemon
            if coord is not None:
                coord.register_thread(thread)
            if start:
                thread.start()
        return threads

    def _fill(self, sess: Any, enqueue_op: Operation, coord: Coordinator | None) -> None:
        try:
            enqueue = sess.make_callable(enqueue_op)
            while coord is None or not coord.should_stop():
                enqueue()
        except self._ended:
            pass
        except CancelledError as error:
            # The queue, or the session, was closed under a thread that waited for room.
            if coord is not None:
                coord.request_stop()
            else:
                self._errors.append(error)
        except Exception as error:
            self._fail(error, coord)
        finally:
            self._leave(sess)

    def _fail(self, error: Exception, coord: Coordinator | None) -> None:
        """Hands on what ended a thread."""
        if coord is None:
            self._errors.append(error)
            raise error
        if coord.joined:
            # Whoever waited has gone on without this thread, and closed the session or lost the devices.
            self._errors.append(error)
        else:
            coord.request_stop(error)

    def _leave(self, sess: Any) -> None:
        """The last thread to end closes the queue: nothing more will come."""
        with self._lock:
            self._running[sess] -= 1
            last = not self._running[sess]
            if last:
                del self._running[sess]
        if last and self._close_op is not None:
            _try(sess, self._close_op)

    def _close_on_stop(self, sess: Any, coord: Coordinator) -> None:
        coord.wait_for_stop()
        if self._cancel_op is not None:
            _try(sess, self._cancel_op)

    def to_proto(self, export_scope: str | None = None) -> Any:
        """The runner as a `QueueRunnerDef` message; None where its queue is outside of `export_scope`."""
        if export_scope and not self.name.startswith(export_scope):
            return None
        message = protos().QueueRunnerDef(queue_name=strip_name_scope(self.name, export_scope))
        message.enqueue_op_name.extend(strip_name_scope(op.name, export_scope) for op in self._enqueue_ops)
        if self._close_op is not None:
            message.close_op_name = strip_name_scope(self._close_op.name, export_scope)
        if self._cancel_op is not None:
            message.cancel_op_name = strip_name_scope(self._cancel_op.name, export_scope)
        message.queue_closed_exception_types.extend(getattr(e, "code", 2) for e in self._ended)
        return message

    @staticmethod
    def from_proto(queue_runner_def: Any, import_scope: str | None = None) -> QueueRunner:
        """The runner whose operations in the default graph a `QueueRunnerDef` message names."""
        return QueueRunner(queue_runner_def=queue_runner_def, import_scope=import_scope)


def _try(sess: Any, operation: Operation) -> None:
    """Runs an operation that closes a queue; the session may be closed by now."""
    import contextlib

    with contextlib.suppress(Exception):
        sess.run(operation)


def add_queue_runner(qr: QueueRunner, collection: str = GraphKeys.QUEUE_RUNNERS) -> None:
    """Adds a runner to those that `start_queue_runners` starts.

    Args:
        qr: the runner.
        collection: name of the collection.
    """
    get_default_graph().add_to_collection(collection, qr)


def start_queue_runners(
    sess: Any = None,
    coord: Coordinator | None = None,
    daemon: bool = True,
    start: bool = True,
    collection: str = GraphKeys.QUEUE_RUNNERS,
) -> list[threading.Thread]:
    """Starts the threads that fill the graph's queues.

    Args:
        sess: the session; the default session by default.
        coord: stops the threads.
        daemon: whether the program may end while they run.
        start: whether they are started, or only made.
        collection: where the runners are.

    Returns:
        The threads.

    Raises:
        ValueError: there is no session.
    """
    session = default_session() if sess is None else sess
    if session is None:
        raise ValueError("start_queue_runners needs a session: pass one, or open `with sess.as_default():`.")
    runners = session.graph.get_collection(collection)
    return [t for qr in runners for t in qr.create_threads(session, coord, daemon, start)]


def _to_proto(runner: QueueRunner, export_scope: str | None = None) -> Any:
    return runner.to_proto(export_scope)


def _from_proto(message: Any, import_scope: str | None = None) -> QueueRunner:
    return QueueRunner.from_proto(message, import_scope)


register_proto_function(GraphKeys.QUEUE_RUNNERS, lambda: protos().QueueRunnerDef, _to_proto, _from_proto)
