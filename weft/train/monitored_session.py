"""Sessions that look after themselves: they initialize, save, log, recover and stop."""

from __future__ import annotations

import contextlib
import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from .. import logging
from ..actors.config import ConfigProto, RunMetadata, RunOptions
from ..graph.default_graph import get_default_graph
from ..graph.errors import AbortedError, OutOfRangeError, UnavailableError
from .basic_hooks import CheckpointSaverHook, StepCounterHook, StopAtStepHook, SummarySaverHook
from .coordinator import Coordinator
from .progress import ProgressHook
from .queue_runner import start_queue_runners
from .scaffold import Scaffold, SessionManager
from .session_run_hook import SessionRunArgs, SessionRunContext, SessionRunHook, SessionRunValues

__all__ = [
    "ChiefSessionCreator",
    "MonitoredSession",
    "MonitoredTrainingSession",
    "SessionCreator",
    "SingularMonitoredSession",
    "StepContext",
    "WorkerSessionCreator",
]

_USE_DEFAULT = object()
_RECOVERABLE = (AbortedError, UnavailableError)


class SessionCreator:
    """Makes sessions; a subclass says how."""

    def create_session(self) -> Any:
        raise TypeError(f"{type(self).__name__} does not say how to make a session.")


class ChiefSessionCreator(SessionCreator):
    """Makes the session of the program that initializes, restores and saves.

    Args:
        scaffold: the parts of the graph besides the model.
        master: target of the session.
        config: its settings.
        checkpoint_dir: folder of the checkpoints to restore from.
        checkpoint_filename_with_path: a checkpoint, in the place of the folder's latest.
        cluster: its cluster.
    """

    def __init__(
        self,
        scaffold: Scaffold | None = None,
        master: str = "",
        config: Any = None,
        checkpoint_dir: str | None = None,
        checkpoint_filename_with_path: str | None = None,
        cluster: Any = None,
    ) -> None:
        self._checkpoint_dir = checkpoint_dir
        self._checkpoint_filename = checkpoint_filename_with_path
        self._scaffold = scaffold or Scaffold()
        self._master = master
        self._config = config
        self._cluster = cluster
        self._manager: SessionManager | None = None

    def create_session(self) -> Any:
        scaffold = self._scaffold.finalize() if not get_default_graph().finalized else self._scaffold
        if self._manager is None:
            self._manager = _manager_of(scaffold, 30)
        return self._manager.prepare_session(
            self._master,
            init_op=scaffold.init_op,
            saver=scaffold.saver,
            checkpoint_dir=self._checkpoint_dir,
            checkpoint_filename_with_path=self._checkpoint_filename,
            config=self._config,
            init_feed_dict=scaffold.init_feed_dict,
            init_fn=scaffold.init_fn,
            cluster=self._cluster,
        )


def _manager_of(scaffold: Scaffold, wait_secs: float) -> SessionManager:
    return SessionManager(
        local_init_op=scaffold.local_init_op,
        local_init_feed_dict=scaffold.local_init_feed_dict,
        ready_op=scaffold.ready_op,
        ready_for_local_init_op=scaffold.ready_for_local_init_op,
        graph=get_default_graph(),
        recovery_wait_secs=wait_secs,
    )


class WorkerSessionCreator(SessionCreator):
    """Makes the session of a program that waits for the chief to initialize or restore.

    Args:
        scaffold, master, config, cluster: as for `ChiefSessionCreator`.
        max_wait_secs: seconds to wait.
    """

    def __init__(
        self,
        scaffold: Scaffold | None = None,
        master: str = "",
        config: Any = None,
        max_wait_secs: float = 30 * 60,
        cluster: Any = None,
    ) -> None:
        self._scaffold = scaffold or Scaffold()
        self._master = master
        self._config = config
        self._max_wait_secs = max_wait_secs
        self._cluster = cluster
        self._manager: SessionManager | None = None

    def create_session(self) -> Any:
        scaffold = self._scaffold.finalize() if not get_default_graph().finalized else self._scaffold
        if self._manager is None:
            self._manager = _manager_of(scaffold, 1)
        return self._manager.wait_for_session(self._master, self._config, self._max_wait_secs, self._cluster)


class StepContext:
    """What a function given to `run_step_fn` gets.

    Args:
        session: the session, without hooks.
        run_with_hooks_fn: runs a step with hooks.
    """

    def __init__(self, session: Any, run_with_hooks_fn: Callable[..., Any]) -> None:
        self._session = session
        self._run_with_hooks = run_with_hooks_fn

    @property
    def session(self) -> Any:
        return self._session

    def run_with_hooks(self, *args: Any, **kwargs: Any) -> Any:
        """`MonitoredSession.run`."""
        return self._run_with_hooks(*args, **kwargs)

    def request_stop(self) -> None:
        """Ends the session's loop.

        Raises:
            StopIteration: always; the session takes it as the end.
        """
        raise StopIteration("step_fn has requested the iterations to stop.")


class _Session:
    """One session with its coordinator, queue threads and hooks."""

    def __init__(self, raw: Any, hooks: Sequence[SessionRunHook], grace: float) -> None:
        self.raw = raw
        self.hooks = hooks
        self.coord = Coordinator()
        self.grace = grace
        self.stop_requested = False
        with raw.graph.as_default():
            start_queue_runners(raw, self.coord)
            for hook in hooks:
                hook.after_create_session(raw, self.coord)

    def should_stop(self) -> bool:
        return self.stop_requested or self.coord.should_stop()

    def run(self, fetches: Any, feed_dict: Any, options: Any, run_metadata: Any) -> Any:
        try:
            return self._run(fetches, feed_dict, options, run_metadata)
        except _RECOVERABLE:
            raise
        except Exception:
            # An error of a queue's thread is the reason for the one that this thread sees.
            self.coord.raise_requested_exception()
            raise

    def _run(self, fetches: Any, feed_dict: Any, options: Any, run_metadata: Any) -> Any:
        context = SessionRunContext(SessionRunArgs(fetches, feed_dict, options), self.raw)
        feeds, wanted = dict(feed_dict or {}), {}
        trace = options
        for hook in self.hooks:
            asked = hook.before_run(context)
            if asked is None:
                continue
            if asked.fetches is not None:
                wanted[id(hook)] = asked.fetches
            self._add_feeds(feeds, asked.feed_dict)
            trace = _stronger(trace, asked.options)
        metadata = run_metadata if run_metadata is not None or trace is None else RunMetadata()
        results = self.raw.run({"caller": fetches, "hooks": list(wanted.values())}, feeds, trace, metadata)
        values = dict(zip(wanted, results["hooks"], strict=True))
        for hook in self.hooks:
            hook.after_run(context, SessionRunValues(values.get(id(hook)), trace, metadata))
        self.stop_requested = self.stop_requested or context.stop_requested
        return results["caller"]

    @staticmethod
    def _add_feeds(feeds: dict[Any, Any], more: Any) -> None:
        for key, value in (more or {}).items():
            if any(key is k for k in feeds):
                raise RuntimeError(f"Several hooks or the program feed {key}.")
            feeds[key] = value

    def close(self, failed: bool) -> None:
        try:
            if not failed:
                with self.raw.graph.as_default():
                    for hook in self.hooks:
                        hook.end(self.raw)
        finally:
            self.coord.request_stop()
            try:
                self.coord.join(stop_grace_period_secs=self.grace, ignore_live_threads=True)
            finally:
                self.raw.close()


def _stronger(a: Any, b: Any) -> Any:
    """The options that trace more."""
    if a is None or b is None:
        return b if a is None else a
    return RunOptions(
        trace_level=max(a.trace_level, b.trace_level),
        timeout_in_ms=max(a.timeout_in_ms, b.timeout_in_ms),
        output_partition_graphs=a.output_partition_graphs or b.output_partition_graphs,
    )


class _Monitored:
    """What monitored sessions share."""

    def __init__(
        self,
        session_creator: SessionCreator,
        hooks: Sequence[SessionRunHook] | None,
        should_recover: bool,
        stop_grace_period_secs: float,
    ) -> None:
        self._graph_was_finalized = get_default_graph().finalized
        self._hooks = list(hooks or ())
        for hook in self._hooks:
            hook.begin()
        self._creator = session_creator
        self._should_recover = should_recover
        self._grace = stop_grace_period_secs
        self._session: _Session | None = self._open()
        self._graph = self._session.raw.graph

    def _open(self) -> _Session:
        while True:
            raw = self._creator.create_session()
            try:
                return _Session(raw, self._hooks, self._grace)
            except _RECOVERABLE as error:
                raw.close()
                if not self._should_recover:
                    raise
                logging.info("A device was lost while the session was made, it is made again: %s", error)
            except BaseException:
                raw.close()
                raise

    @property
    def graph(self) -> Any:
        """The graph that the session runs."""
        return self._graph

    def should_stop(self) -> bool:
        """Whether a hook, a thread or the end of the input has asked for the end; true once closed."""
        return self._session is None or self._session.should_stop()

    def run(self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None) -> Any:
        """Runs a step with the hooks; arguments as `Session.run`.

        A lost device makes a session that recovers open a new one, restored from the latest checkpoint, in which
        the step is run.

        Raises:
            RuntimeError: the session is closed.
        """
        while True:
            session = self._check_open()
            try:
                return session.run(fetches, feed_dict, options, run_metadata)
            except _RECOVERABLE as error:
                if not self._should_recover:
                    raise
                logging.info("A device was lost, the session is made again: %s", error)
                with contextlib.suppress(Exception):
                    session.close(failed=True)
                self._session = self._open()

    def run_step_fn(self, step_fn: Callable[..., Any]) -> Any:
        """Runs `step_fn(step_context)`, which may run several steps, with or without hooks.

        Raises:
            ValueError: the function does not take one argument of that name (and perhaps `self`).
        """
        names = list(inspect.signature(step_fn).parameters)
        if names not in (["step_context"], ["self", "step_context"]):
            raise ValueError(f"step_fn must take one argument, step_context; it takes {names}.")
        session = self._check_open()
        try:
            return step_fn(StepContext(session.raw, self.run))
        except StopIteration:
            session.stop_requested = True
            return None

    def _check_open(self) -> _Session:
        if self._session is None:
            raise RuntimeError("Attempted to use a closed Session.")
        return self._session

    def close(self) -> None:
        """Ends the hooks and threads and closes the session."""
        self._close(None)

    def __enter__(self) -> Any:
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
        ended = isinstance(error, (OutOfRangeError, StopIteration))
        self._close(None if ended else error)
        return ended

    def _close(self, error: BaseException | None) -> None:
        session, self._session = self._session, None
        if session is None:
            return
        try:
            session.close(failed=error is not None)
        except Exception:
            if error is None:
                raise
            logging.warning("Closing the session after an error failed too.")
        finally:
            if not self._graph_was_finalized:
                self._graph._finalized = False


class MonitoredSession(_Monitored):
    """A session with hooks, queue threads, initialization and recovery; a context manager.

    Args:
        session_creator: makes the session; a `ChiefSessionCreator` by default.
        hooks: called around every step.
        stop_grace_period_secs: seconds that threads have to end.
    """

    StepContext = StepContext

    def __init__(
        self,
        session_creator: SessionCreator | None = None,
        hooks: Sequence[SessionRunHook] | None = None,
        stop_grace_period_secs: float = 120,
    ) -> None:
        super().__init__(session_creator or ChiefSessionCreator(), hooks, True, stop_grace_period_secs)


class SingularMonitoredSession(_Monitored):
    """A session with hooks, queue threads and initialization, which does not recover; a context manager.

    Args:
        hooks: called around every step.
        scaffold, master, config, checkpoint_dir, checkpoint_filename_with_path, cluster: as for
            `ChiefSessionCreator`.
        stop_grace_period_secs: seconds that threads have to end.
    """

    def __init__(
        self,
        hooks: Sequence[SessionRunHook] | None = None,
        scaffold: Scaffold | None = None,
        master: str = "",
        config: Any = None,
        checkpoint_dir: str | None = None,
        stop_grace_period_secs: float = 120,
        checkpoint_filename_with_path: str | None = None,
        cluster: Any = None,
    ) -> None:
        creator = ChiefSessionCreator(
            scaffold, master, config, checkpoint_dir, checkpoint_filename_with_path, cluster
        )
        super().__init__(creator, hooks, False, stop_grace_period_secs)

    def raw_session(self) -> Any:
        """The session itself."""
        return self._check_open().raw


def MonitoredTrainingSession(
    master: str = "",
    is_chief: bool = True,
    checkpoint_dir: str | None = None,
    scaffold: Scaffold | None = None,
    hooks: Sequence[SessionRunHook] | None = None,
    chief_only_hooks: Sequence[SessionRunHook] | None = None,
    save_checkpoint_secs: Any = _USE_DEFAULT,
    save_summaries_steps: Any = _USE_DEFAULT,
    save_summaries_secs: Any = _USE_DEFAULT,
    config: Any = None,
    stop_grace_period_secs: float = 120,
    log_step_count_steps: int | None = 100,
    max_wait_secs: float = 7200,
    save_checkpoint_steps: Any = _USE_DEFAULT,
    summary_dir: str | None = None,
    save_graph_def: bool = True,
    cluster: Any = None,
) -> MonitoredSession:
    """A `MonitoredSession` for training: the chief saves checkpoints and summaries, others wait for it.

    On a terminal it shows the progress of the training.

    Args:
        master: target of the session.
        is_chief: whether this program initializes, restores and saves.
        checkpoint_dir: folder of checkpoints and summaries; none are written without it.
        scaffold: the parts of the graph besides the model.
        hooks: called around every step.
        chief_only_hooks: further ones for the chief.
        save_checkpoint_secs: seconds between checkpoints, 600 by default; None for none.
        save_summaries_steps: steps between summaries, 100 by default; None for none.
        save_summaries_secs: seconds between summaries, in the place of steps.
        config: settings of the session; a lost device is started again with its state unless it says
            `recover=False`.
        stop_grace_period_secs: seconds that threads have to end.
        log_step_count_steps: steps between logs of the speed; None for none.
        max_wait_secs: seconds that a worker waits for the chief.
        save_checkpoint_steps: steps between checkpoints, in the place of seconds.
        summary_dir: folder of the summaries, if another.
        save_graph_def: whether the graph is written.
        cluster: cluster of the session.
    """
    if save_summaries_steps is _USE_DEFAULT and save_summaries_secs is _USE_DEFAULT:
        save_summaries_steps, save_summaries_secs = 100, None
    if save_checkpoint_secs is _USE_DEFAULT and save_checkpoint_steps is _USE_DEFAULT:
        save_checkpoint_secs, save_checkpoint_steps = 600, None
    given = [save_summaries_steps, save_summaries_secs, save_checkpoint_secs, save_checkpoint_steps]
    summary_steps, summary_secs, checkpoint_secs, checkpoint_steps = (
        None if v is _USE_DEFAULT else v for v in given
    )
    scaffold = scaffold or Scaffold()
    config = ConfigProto() if config is None else config
    if config.recover is None:
        config = replace(config, recover="if possible")
    everyone = list(hooks or ())
    if sys.stderr.isatty():
        everyone.append(_progress(everyone))
    if not is_chief:
        worker = WorkerSessionCreator(scaffold, master, config, max_wait_secs, cluster)
        return MonitoredSession(worker, everyone, stop_grace_period_secs)
    everyone += list(chief_only_hooks or ())
    folder = summary_dir or checkpoint_dir
    if folder:
        if log_step_count_steps and log_step_count_steps > 0:
            everyone.append(StepCounterHook(output_dir=folder, every_n_steps=log_step_count_steps))
        if (summary_steps and summary_steps > 0) or (summary_secs and summary_secs > 0):
            everyone.append(
                SummarySaverHook(
                    scaffold=scaffold, save_steps=summary_steps, save_secs=summary_secs, output_dir=folder
                )
            )
    if checkpoint_dir and (
        (checkpoint_secs and checkpoint_secs > 0) or (checkpoint_steps and checkpoint_steps > 0)
    ):
        everyone.append(
            CheckpointSaverHook(
                checkpoint_dir,
                save_secs=checkpoint_secs,
                save_steps=checkpoint_steps,
                scaffold=scaffold,
                save_graph_def=save_graph_def,
            )
        )
    chief = ChiefSessionCreator(scaffold, master, config, checkpoint_dir, cluster=cluster)
    return MonitoredSession(chief, everyone, stop_grace_period_secs)


def _progress(hooks: Sequence[SessionRunHook]) -> SessionRunHook:
    """A progress bar up to the step at which a `StopAtStepHook` among the hooks stops."""
    stops = [h for h in hooks if isinstance(h, StopAtStepHook)]
    return ProgressHook(stop=stops[0] if stops else None)
