"""Supervisor: the training helper that came before monitored sessions."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .. import logging
from ..actors.session import Session
from ..graph.default_graph import get_default_graph
from ..graph.errors import OutOfRangeError
from ..graph.graph_def import write_graph
from ..graph.graph_keys import GraphKeys
from ..summary import FileWriter, merge_all
from ..variable_functions import global_variables_initializer, report_uninitialized_variables
from .coordinator import Coordinator, LooperThread
from .global_step import get_global_step
from .queue_runner import start_queue_runners
from .saver import Saver
from .scaffold import Scaffold, SessionManager, get_or_default

__all__ = ["Supervisor", "basic_train_loop"]

_DEFAULT = 0
"""Stands for an argument that was not given; None says that there is to be none."""


class Supervisor:
    """Initializes or restores, saves checkpoints and summaries in the background, and stops threads together.

    Args:
        graph: the graph; the default graph by default.
        ready_op: names of variables that are not initialized.
        ready_for_local_init_op: the same, before `local_init_op`.
        is_chief: whether this program initializes, restores and saves.
        init_op: initializes the global variables.
        init_feed_dict: its feeds.
        local_init_op: initializes local variables and tables.
        logdir: folder of checkpoints and summaries.
        summary_op: the summaries that are written in the background.
        saver: the saver.
        global_step: the step count.
        save_summaries_secs: seconds between summaries; 0 for none.
        save_model_secs: seconds between checkpoints; 0 for none.
        recovery_wait_secs: seconds between looks at whether the session is ready.
        stop_grace_secs: seconds that threads have to end.
        checkpoint_basename: beginning of the checkpoints' names.
        session_manager: makes the sessions.
        summary_writer: writes the summaries.
        init_fn: called with the session after `init_op`.
        local_init_run_options: options of the step that runs `local_init_op`.
    """

    USE_DEFAULT = _DEFAULT

    def __init__(
        self,
        graph: Any = None,
        ready_op: Any = _DEFAULT,
        ready_for_local_init_op: Any = _DEFAULT,
        is_chief: bool = True,
        init_op: Any = _DEFAULT,
        init_feed_dict: Any = None,
        local_init_op: Any = _DEFAULT,
        logdir: str | None = None,
        summary_op: Any = _DEFAULT,
        saver: Any = _DEFAULT,
        global_step: Any = _DEFAULT,
        save_summaries_secs: float = 120,
        save_model_secs: float = 600,
        recovery_wait_secs: float = 30,
        stop_grace_secs: float = 120,
        checkpoint_basename: str = "model.ckpt",
        session_manager: SessionManager | None = None,
        summary_writer: Any = _DEFAULT,
        init_fn: Callable[[Any], None] | None = None,
        local_init_run_options: Any = None,
    ) -> None:
        self._graph = get_default_graph() if graph is None else graph
        self._is_chief = is_chief
        self._logdir = logdir
        self._save_path = os.path.join(logdir, checkpoint_basename) if logdir else None
        self._save_summaries_secs = save_summaries_secs
        self._save_model_secs = save_model_secs
        self._recovery_wait_secs = recovery_wait_secs
        self._stop_grace_secs = stop_grace_secs
        self._init_fn = init_fn
        self._init_feed_dict = init_feed_dict
        self._coord = Coordinator()
        self._started_threads: list[Any] = []
        with self._graph.as_default():
            self._take(
                ready_op, ready_for_local_init_op, init_op, local_init_op, summary_op, saver, global_step
            )
        own_writer = FileWriter(logdir) if logdir and is_chief else None
        self._summary_writer = own_writer if summary_writer is _DEFAULT else summary_writer
        self._manager = session_manager or SessionManager(
            local_init_op=self._local_init_op,
            ready_op=self._ready_op,
            ready_for_local_init_op=self._ready_for_local_init_op,
            graph=self._graph,
            recovery_wait_secs=recovery_wait_secs,
            local_init_run_options=local_init_run_options,
        )
        self._graph.finalize()

    def _take(
        self,
        ready_op: Any,
        ready_local: Any,
        init_op: Any,
        local_init_op: Any,
        summary: Any,
        saver: Any,
        step: Any,
    ) -> None:
        """Takes what is given, finds or makes what is not."""
        keys = GraphKeys

        def choose(given: Any, key: str, make: Callable[[], Any]) -> Any:
            if given is None:
                return None
            return given if given is not _DEFAULT else get_or_default(None, key, make)

        self._ready_op = choose(ready_op, keys.READY_OP, report_uninitialized_variables)
        self._ready_for_local_init_op = None if ready_local is _DEFAULT else ready_local
        self._init_op = (
            choose(init_op, keys.INIT_OP, global_variables_initializer) if self._is_chief else None
        )
        self._local_init_op = choose(local_init_op, keys.LOCAL_INIT_OP, Scaffold.default_local_init_op)
        self._summary_op = choose(summary, keys.SUMMARY_OP, merge_all)
        has_variables = bool(self._graph.get_collection(keys.GLOBAL_VARIABLES))
        self._saver = choose(saver, keys.SAVERS, lambda: Saver() if has_variables else None)
        self._global_step = get_global_step(self._graph) if step is _DEFAULT else step

    @property
    def is_chief(self) -> bool:
        return self._is_chief

    @property
    def session_manager(self) -> SessionManager:
        return self._manager

    @property
    def coord(self) -> Coordinator:
        return self._coord

    @property
    def init_op(self) -> Any:
        return self._init_op

    @property
    def init_feed_dict(self) -> Any:
        return self._init_feed_dict

    @property
    def ready_op(self) -> Any:
        return self._ready_op

    @property
    def ready_for_local_init_op(self) -> Any:
        return self._ready_for_local_init_op

    @property
    def summary_writer(self) -> Any:
        return self._summary_writer

    @property
    def summary_op(self) -> Any:
        return self._summary_op

    @property
    def save_summaries_secs(self) -> float:
        return self._save_summaries_secs

    @property
    def global_step(self) -> Any:
        return self._global_step

    @property
    def saver(self) -> Any:
        return self._saver

    @property
    def save_model_secs(self) -> float:
        return self._save_model_secs

    @property
    def save_path(self) -> str | None:
        return self._save_path

    def prepare_or_wait_for_session(
        self,
        master: str = "",
        config: Any = None,
        wait_for_checkpoint: bool = False,
        max_wait_secs: float = 7200,
        start_standard_services: bool = True,
        cluster: Any = None,
    ) -> Any:
        """A session that is ready: made so by the chief, waited for by others; queue threads are started.

        Args:
            master: target of the session.
            config: its settings.
            wait_for_checkpoint: whether the chief waits for a checkpoint.
            max_wait_secs: seconds to wait.
            start_standard_services: whether summaries and checkpoints are written in the background.
            cluster: cluster of the session.
        """
        self._coord.clear_stop()
        if self._is_chief:
            session = self._manager.prepare_session(
                master,
                init_op=self._init_op,
                saver=self._saver,
                checkpoint_dir=self._logdir,
                wait_for_checkpoint=wait_for_checkpoint,
                max_wait_secs=max_wait_secs,
                config=config,
                init_feed_dict=self._init_feed_dict,
                init_fn=self._init_fn,
                cluster=cluster,
            )
            self._write_graph()
            if start_standard_services:
                self.start_standard_services(session)
        else:
            session = self._manager.wait_for_session(master, config, max_wait_secs, cluster)
        if start_standard_services:
            self.start_queue_runners(session)
        return session

    PrepareSession = prepare_or_wait_for_session

    def _write_graph(self) -> None:
        if self._logdir:
            write_graph(self._graph.as_graph_def(add_shapes=True), self._logdir, "graph.pbtxt")
        if self._summary_writer is not None:
            self._summary_writer.add_graph(self._graph)

    def start_standard_services(self, sess: Any) -> list[Any]:
        """Starts the threads that write summaries and checkpoints.

        Raises:
            RuntimeError: this is not the chief.
            ValueError: there is no folder to write to.
        """
        if not self._is_chief:
            raise RuntimeError("Only chief supervisor can start standard services.")
        if not self._logdir:
            return []
        threads = []
        if self._summary_op is not None and self._save_summaries_secs:
            threads.append(self._loop_of(self._save_summaries_secs, self._write_summaries, sess))
        if self._saver is not None and self._save_model_secs:
            threads.append(self._loop_of(self._save_model_secs, self._save, sess))
        for thread in threads:
            thread.start()
        self._started_threads += threads
        return threads

    def _loop_of(self, seconds: float, target: Callable[[Any], None], sess: Any) -> LooperThread:
        return LooperThread(self._coord, seconds, target, args=[sess])

    def _step_of(self, sess: Any) -> int | None:
        return None if self._global_step is None else int(sess.run(self._global_step))

    def _write_summaries(self, sess: Any) -> None:
        if self._summary_writer is not None:
            summary = sess.run(self._summary_op)
            self._summary_writer.add_summary(summary, self._step_of(sess))

    def _save(self, sess: Any) -> None:
        logging.info("Saving checkpoint to path %s", self._save_path)
        self._saver.save(sess, self._save_path, global_step=self._step_of(sess))

    def start_queue_runners(self, sess: Any, queue_runners: Sequence[Any] | None = None) -> list[Any]:
        """Starts the threads that fill the graph's queues."""
        if queue_runners is None:
            threads = start_queue_runners(sess, self._coord)
        else:
            threads = [
                t
                for qr in queue_runners
                for t in qr.create_threads(sess, self._coord, daemon=True, start=True)
            ]
        self._started_threads += threads
        return threads

    StartQueueRunners = start_queue_runners

    def loop(
        self,
        timer_interval_secs: float | None,
        target: Callable[..., Any],
        args: Any = None,
        kwargs: Any = None,
    ) -> LooperThread:
        """A started thread that calls something again and again until the supervisor stops."""
        thread = LooperThread(self._coord, timer_interval_secs, target, args, kwargs)
        thread.start()
        return thread

    Loop = loop

    def should_stop(self) -> bool:
        """Whether the end was asked for."""
        return self._coord.should_stop()

    ShouldStop = should_stop

    def request_stop(self, ex: Any = None) -> None:
        """Asks for the end, perhaps with an error as its reason."""
        self._coord.request_stop(ex)

    RequestStop = request_stop

    def wait_for_stop(self) -> None:
        """Waits until the end is asked for."""
        self._coord.wait_for_stop()

    def stop_on_exception(self) -> contextlib.AbstractContextManager[None]:
        """Makes an error inside a request to stop."""
        return self._coord.stop_on_exception()

    def stop(
        self,
        threads: Sequence[Any] | None = None,
        close_summary_writer: bool = True,
        ignore_live_threads: bool = False,
    ) -> None:
        """Stops the threads, and raises the error that stopped them.

        Args:
            threads: threads besides those that the supervisor started.
            close_summary_writer: whether the writer is closed.
            ignore_live_threads: whether to go on without threads that do not end in time.
        """
        self._coord.request_stop()
        try:
            self._coord.join(
                [*self._started_threads, *(threads or ())],
                stop_grace_period_secs=self._stop_grace_secs,
                ignore_live_threads=ignore_live_threads,
            )
        finally:
            if close_summary_writer and self._summary_writer is not None:
                self._summary_writer.close()
            self._started_threads = []

    Stop = stop

    def summary_computed(self, sess: Any, summary: Any, global_step: Any = None) -> None:
        """Writes a summary that was computed.

        Raises:
            RuntimeError: there is no writer.
        """
        if self._summary_writer is None:
            raise RuntimeError("Writing a summary requires a summary writer.")
        step = self._step_of(sess) if global_step is None else global_step
        self._summary_writer.add_summary(summary, step)

    SummaryComputed = summary_computed

    @contextlib.contextmanager
    def managed_session(
        self,
        master: str = "",
        config: Any = None,
        start_standard_services: bool = True,
        close_summary_writer: bool = True,
        cluster: Any = None,
    ) -> Iterator[Session]:
        """A session for a `with` block: made ready, and at the end stopped, saved and closed.

        Errors inside stop the threads and are raised at the end; `OutOfRangeError` is the end of the input.
        """
        session = None
        try:
            session = self.prepare_or_wait_for_session(
                master, config, start_standard_services=start_standard_services, cluster=cluster
            )
            with session.as_default():
                yield session
            if self._is_chief and self._saver is not None and self._logdir and start_standard_services:
                self._save(session)
        except Exception as error:
            self.request_stop(error)
            if isinstance(error, OutOfRangeError) and session is not None and self._saver and self._logdir:
                self._save(session)
        finally:
            try:
                self.stop(close_summary_writer=close_summary_writer)
            finally:
                if session is not None:
                    session.close()


def basic_train_loop(
    supervisor: Supervisor,
    train_step_fn: Callable[..., Any],
    args: Sequence[Any] | None = None,
    kwargs: dict[str, Any] | None = None,
    master: str = "",
) -> None:
    """Calls `train_step_fn(session, *args, **kwargs)` until the supervisor stops, with new sessions after losses.

    Args:
        supervisor: the supervisor.
        train_step_fn: runs one step.
        args, kwargs: its further arguments.
        master: target of the sessions.
    """
    from ..graph.errors import AbortedError

    while not supervisor.should_stop():
        try:
            with supervisor.managed_session(master) as session:
                while not supervisor.should_stop():
                    train_step_fn(session, *(args or ()), **(kwargs or {}))
            return
        except AbortedError:
            time.sleep(0.1)
