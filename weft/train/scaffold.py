"""What a training session needs besides the model, and how sessions are made ready."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from .. import logging
from ..actors.session import Session
from ..graph.default_graph import get_default_graph
from ..graph.elements import Tensor
from ..graph.errors import FailedPreconditionError, OpError
from ..graph.graph import Graph
from ..graph.graph_keys import GraphKeys
from ..summary import merge_all
from ..variable_functions import (
    global_variables,
    global_variables_initializer,
    local_variables_initializer,
    report_uninitialized_variables,
)
from .checkpoint_state import checkpoint_exists, get_checkpoint_state, latest_checkpoint
from .optimizer import group_ops
from .saver import Saver

__all__ = ["Scaffold", "SessionManager", "get_or_default"]


def get_or_default(arg: Any, collection_key: str, default: Callable[[], Any]) -> Any:
    """The argument, or the one member of a collection, or a new one, which is added to it."""
    if arg is not None:
        return arg
    graph = get_default_graph()
    found = graph.get_collection(collection_key)
    if len(found) > 1:
        raise RuntimeError(f"The collection {collection_key} has {len(found)} members; one is needed.")
    if found:
        return found[0]
    made = default()
    if made is not None:
        graph.add_to_collection(collection_key, made)
    return made


def _no_tables() -> Any:
    """An operation that initializes tables."""
    tables = get_default_graph().get_collection(GraphKeys.TABLE_INITIALIZERS)
    return group_ops(tables, "init_all_tables")


class Scaffold:
    """The parts of a training graph that are not the model: initializers, readiness, saver, summaries.

    Those that are not given are taken from the graph's collections, or made.

    Args:
        init_op: initializes the global variables.
        init_feed_dict: its feeds.
        init_fn: called as `init_fn(scaffold, session)` after it.
        ready_op: names of variables that are not initialized; the session is ready when there are none.
        ready_for_local_init_op: the same, before `local_init_op`.
        local_init_op: initializes local variables and tables, in every session.
        summary_op: the summaries.
        saver: the saver.
        copy_from_scaffold: another scaffold whose parts are used where none are given.
        local_init_feed_dict: feeds of `local_init_op`.
    """

    def __init__(
        self,
        init_op: Any = None,
        init_feed_dict: Any = None,
        init_fn: Callable[..., None] | None = None,
        ready_op: Any = None,
        ready_for_local_init_op: Any = None,
        local_init_op: Any = None,
        summary_op: Any = None,
        saver: Any = None,
        copy_from_scaffold: Scaffold | None = None,
        local_init_feed_dict: Any = None,
    ) -> None:
        if copy_from_scaffold is not None and not isinstance(copy_from_scaffold, Scaffold):
            raise TypeError(f"copy_from_scaffold must be a Scaffold, got {copy_from_scaffold!r}.")
        other = copy_from_scaffold

        def either(name: str, value: Any) -> Any:
            return value if value is not None or other is None else getattr(other, name)

        self._init_op = either("_init_op", init_op)
        self._init_feed_dict = either("_init_feed_dict", init_feed_dict)
        self._user_init_fn = either("_user_init_fn", init_fn)
        self._ready_op = either("_ready_op", ready_op)
        self._ready_for_local_init_op = either("_ready_for_local_init_op", ready_for_local_init_op)
        self._local_init_op = either("_local_init_op", local_init_op)
        self._local_init_feed_dict = either("_local_init_feed_dict", local_init_feed_dict)
        self._summary_op = either("_summary_op", summary_op)
        self._saver = either("_saver", saver)

    def finalize(self) -> Scaffold:
        """Makes what is missing, and forbids further operations in the graph."""
        keys = GraphKeys
        self._init_op = get_or_default(self._init_op, keys.INIT_OP, _init_all)
        self._ready_op = get_or_default(self._ready_op, keys.READY_OP, _uninitialized)
        self._ready_for_local_init_op = get_or_default(
            self._ready_for_local_init_op, keys.READY_FOR_LOCAL_INIT_OP, _uninitialized_globals
        )
        self._local_init_op = get_or_default(
            self._local_init_op, keys.LOCAL_INIT_OP, self.default_local_init_op
        )
        self._summary_op = get_or_default(self._summary_op, keys.SUMMARY_OP, merge_all)
        self._saver = get_or_default(self._saver, keys.SAVERS, lambda: Saver(sharded=True, allow_empty=True))
        self._saver.build()
        get_default_graph().finalize()
        return self

    @staticmethod
    def default_local_init_op() -> Any:
        """An operation that initializes local variables and tables."""
        return group_ops([local_variables_initializer(), _no_tables()], None)

    @property
    def init_fn(self) -> Callable[[Any], None] | None:
        """The function called after `init_op`, as one of the session alone."""
        if self._user_init_fn is None:
            return None
        function = self._user_init_fn
        return lambda session: function(self, session)

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
    def local_init_op(self) -> Any:
        return self._local_init_op

    @property
    def local_init_feed_dict(self) -> Any:
        return self._local_init_feed_dict

    @property
    def summary_op(self) -> Any:
        return self._summary_op

    @property
    def saver(self) -> Any:
        return self._saver


def _init_all() -> Any:
    resources = global_variables_initializer()
    return group_ops([resources], None)


def _uninitialized() -> Tensor:
    return report_uninitialized_variables()


def _uninitialized_globals() -> Tensor:
    return report_uninitialized_variables(global_variables())


class SessionManager:
    """Makes sessions ready: restores or initializes, and waits for another to do so.

    Args:
        local_init_op: initializes local variables and tables, in every session.
        ready_op: names of variables that are not initialized.
        ready_for_local_init_op: the same, before `local_init_op`.
        graph: the graph; the default graph by default.
        recovery_wait_secs: seconds between looks at whether the session is ready.
        local_init_run_options: options of the step that runs `local_init_op`.
        local_init_feed_dict: its feeds.
    """

    def __init__(
        self,
        local_init_op: Any = None,
        ready_op: Any = None,
        ready_for_local_init_op: Any = None,
        graph: Graph | None = None,
        recovery_wait_secs: float = 30,
        local_init_run_options: Any = None,
        local_init_feed_dict: Any = None,
    ) -> None:
        self._graph = get_default_graph() if graph is None else graph
        self._local_init_op = local_init_op
        self._ready_op = ready_op
        self._ready_for_local_init_op = ready_for_local_init_op
        self._wait_secs = recovery_wait_secs
        self._options = local_init_run_options
        self._local_feeds = local_init_feed_dict

    def _open(self, master: str, config: Any, cluster: Any) -> Any:
        return Session(master, graph=self._graph, config=config, cluster=cluster)

    def _restore(
        self,
        session: Any,
        saver: Any,
        checkpoint_dir: str | None,
        checkpoint_filename_with_path: str | None,
        wait_for_checkpoint: bool,
        max_wait_secs: float,
    ) -> bool:
        """Restores a checkpoint, if there is one; gives whether there was."""
        if checkpoint_filename_with_path:
            saver.restore(session, checkpoint_filename_with_path)
            return True
        if saver is None or not checkpoint_dir:
            return False
        end = time.time() + max_wait_secs
        while True:
            state = get_checkpoint_state(checkpoint_dir)
            latest = latest_checkpoint(checkpoint_dir)
            if state is not None and latest is not None and checkpoint_exists(latest):
                saver.restore(session, latest)
                saver.recover_last_checkpoints(state.all_model_checkpoint_paths)
                return True
            if not wait_for_checkpoint or time.time() >= end:
                return False
            logging.info("Waiting for a checkpoint in %s.", checkpoint_dir)
            time.sleep(self._wait_secs)

    def prepare_session(
        self,
        master: str,
        init_op: Any = None,
        saver: Any = None,
        checkpoint_dir: str | None = None,
        checkpoint_filename_with_path: str | None = None,
        wait_for_checkpoint: bool = False,
        max_wait_secs: float = 7200,
        config: Any = None,
        init_feed_dict: Any = None,
        init_fn: Callable[[Any], None] | None = None,
        cluster: Any = None,
    ) -> Any:
        """A session that is ready: restored from the latest checkpoint, or else initialized.

        Args:
            master: target of the session.
            init_op: initializes the variables where there is no checkpoint.
            saver: restores.
            checkpoint_dir: folder of the checkpoints.
            checkpoint_filename_with_path: a checkpoint, in the place of the folder's latest.
            wait_for_checkpoint: whether to wait for one.
            max_wait_secs: for how many seconds.
            config: settings of the session.
            init_feed_dict: feeds of `init_op`.
            init_fn: called with the session after `init_op`.
            cluster: cluster of the session.

        Raises:
            RuntimeError: there is neither a checkpoint nor an `init_op`, or the session does not become ready.
        """
        session = self._open(master, config, cluster)
        try:
            restored = self._restore(
                session,
                saver,
                checkpoint_dir,
                checkpoint_filename_with_path,
                wait_for_checkpoint,
                max_wait_secs,
            )
            if not restored:
                if init_op is None and init_fn is None and self._local_init_op is None:
                    raise RuntimeError(
                        "There is no checkpoint, and no init_op, init_fn or local_init_op either."
                    )
                if init_op is not None:
                    session.run(init_op, init_feed_dict)
                if init_fn is not None:
                    init_fn(session)
            done, why = self._init_locally(session)
            if not done:
                raise RuntimeError(f"Init operations did not make the model ready for local_init: {why}")
            ready, why = self._is_ready(session, self._ready_op)
            if not ready:
                raise RuntimeError(f"Init operations did not make the model ready: {why}")
        except BaseException:
            session.close()
            raise
        return session

    def recover_session(
        self,
        master: str,
        saver: Any = None,
        checkpoint_dir: str | None = None,
        checkpoint_filename_with_path: str | None = None,
        wait_for_checkpoint: bool = False,
        max_wait_secs: float = 7200,
        config: Any = None,
        cluster: Any = None,
    ) -> tuple[Any, bool]:
        """A session, and whether it could be made ready from a checkpoint; arguments as `prepare_session`."""
        session = self._open(master, config, cluster)
        try:
            restored = self._restore(
                session,
                saver,
                checkpoint_dir,
                checkpoint_filename_with_path,
                wait_for_checkpoint,
                max_wait_secs,
            )
            done, _ = self._init_locally(session)
            ready = restored and done and self._is_ready(session, self._ready_op)[0]
        except BaseException:
            session.close()
            raise
        return session, ready

    def wait_for_session(
        self, master: str, config: Any = None, max_wait_secs: float = float("inf"), cluster: Any = None
    ) -> Any:
        """A session on devices that another program makes ready; waits until it has.

        Args:
            master: target of the session.
            config: settings of the session.
            max_wait_secs: seconds to wait.
            cluster: cluster of the session.

        Raises:
            DeadlineExceededError: it has not in that time.
        """
        from ..graph.errors import DeadlineExceededError

        end = time.time() + max_wait_secs
        while True:
            session = self._open(master, config, cluster)
            done, why = self._init_locally(session)
            if done:
                done, why = self._is_ready(session, self._ready_op)
            if done:
                return session
            session.close()
            if time.time() + self._wait_secs > end:
                raise DeadlineExceededError(None, f"the session was not ready after {max_wait_secs} s: {why}")
            logging.info("Waiting for the model to be ready: %s", why)
            time.sleep(self._wait_secs)

    def _init_locally(self, session: Any) -> tuple[bool, str]:
        if self._local_init_op is None:
            return True, ""
        ready, why = self._is_ready(session, self._ready_for_local_init_op)
        if ready:
            session.run(self._local_init_op, self._local_feeds, self._options)
        return ready, why

    @staticmethod
    def _is_ready(session: Any, ready_op: Any) -> tuple[bool, str]:
        if ready_op is None:
            return True, ""
        try:
            missing = session.run(ready_op)
        except FailedPreconditionError as error:
            return False, error.message
        except OpError:
            raise
        if missing is None or not getattr(missing, "size", 0):
            return True, ""
        names = ", ".join(m.decode() for m in missing.reshape(-1))
        return False, f"Variables not initialized: {names}"
