"""A target that survives the loss of its devices: snapshots, a log of steps, and their replay.

Every few steps every device notes its state (variables and the positions of random streams), and a copy of it goes
to the driver or to another device. When devices are lost they are started anew, where they were or on another node,
and get the copy; the others go back to what they noted; and the steps since then are run again from the log of their
feeds. Steps are deterministic, so training ends with the same bits as if nothing had happened.
"""

from __future__ import annotations

import itertools
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ..graph.errors import CancelledError, FailedPreconditionError, UnavailableError
from ..placement import Cluster
from .config import ConfigProto
from .effects import changes_state, effects_of, replay_of
from .ray_target import RayTarget
from .step import StepSpec

__all__ = ["RecoveringTarget"]

_MOST_TRIES = 5
"""Losses in a row, with no step in between, after which the session gives up."""


@dataclass(eq=False)
class _Entry:
    """A kind of step.

    Attributes:
        registered: what the devices know it as.
        replay: whether it can be run again; see `replay_of`.
        writes: whether it changes the devices' state.
    """

    registered: Any
    replay: str
    writes: bool


class _SharedLock:
    """Many steps at once, or one recovery alone."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._alone = False

    @contextmanager
    def shared(self) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: not self._alone)
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: not self._alone)
            self._alone = True
            self._changed.wait_for(lambda: not self._inside)
        try:
            yield
        finally:
            with self._changed:
                self._alone = False
                self._changed.notify_all()


class RecoveringTarget:
    """Device actors that are started again, with their state, when one of them is lost.

    Args:
        launch: starts the device actors.
        config: settings: `snapshot_steps`, `snapshot_copies`, `recover`, `start_timeout`.
    """

    def __init__(self, launch: Callable[[], RayTarget], config: ConfigProto) -> None:
        self._config = config
        self._lock = _SharedLock()
        self._log_lock = threading.Lock()
        self._log: list[tuple[_Entry, list[Any]]] = []
        self._copies: dict[str, Any] = {}
        self._number = 0
        self._life = 0
        self._closed = False
        self._beyond: str | None = None
        self.recoveries = 0
        self.recovery_seconds: list[float] = []
        self._inner = self._launched(launch)
        self.cluster: Cluster = self._inner.cluster
        self.default_device = self._inner.default_device

    @staticmethod
    def _launched(launch: Callable[[], RayTarget]) -> RayTarget:
        for attempt in itertools.count(1):
            try:
                return launch()
            except UnavailableError as error:
                if attempt >= _MOST_TRIES:
                    raise
                print(f"weft: {error.message}; starting again", file=sys.stderr, flush=True)
        raise AssertionError("unreachable")

    def register(self, spec: StepSpec) -> _Entry:
        replay = replay_of(spec)
        if replay == "never":
            held = ", ".join(sorted(effects_of(spec)))
            reason = f"queues, readers and tables cannot be replayed (the step has {held})"
            if self._config.recover is True:
                raise FailedPreconditionError(
                    None,
                    f"a session that recovers from lost devices runs no such step: {reason}; use "
                    "ConfigProto(recover=False), or feed the input",
                )
            self._beyond = self._beyond or reason
        for attempt in itertools.count(1):
            life = self._life
            try:
                with self._lock.shared():
                    registered = self._inner.register(spec)
                break
            except UnavailableError as error:
                self._recover_or_raise(life, error, attempt)
        return _Entry(registered, replay, changes_state(spec))

    def run(
        self, entry: _Entry, feeds: Sequence[Any], trace: Any = None, timeout: float | None = None
    ) -> list[Any]:
        if self._beyond is not None:
            try:
                return self._inner.run(entry.registered, feeds, trace, timeout)
            except UnavailableError as error:
                raise self._left_lost(error) from None
        for attempt in itertools.count(1):
            life = self._life
            try:
                with self._lock.shared():
                    results = self._run_once(entry, feeds, trace, timeout)
                break
            except UnavailableError as error:
                self._recover_or_raise(life, error, attempt)
        if len(self._log) >= self._config.snapshot_steps or (entry.writes and entry.replay == "once"):
            self._take_snapshot(entry.replay == "once")
        return results

    def _run_once(self, entry: _Entry, feeds: Sequence[Any], trace: Any, timeout: float | None) -> list[Any]:
        if self._closed:
            raise CancelledError(None, "the session is closed")
        results = self._inner.run(entry.registered, feeds, trace, timeout)
        if entry.writes:
            with self._log_lock:
                self._log.append((entry, [_own(f) for f in feeds]))
        return results

    def _take_snapshot(self, now: bool = False) -> None:
        with self._lock.alone():
            if self._closed or not (now or len(self._log) >= self._config.snapshot_steps):
                return
            try:
                self._copies = self._inner.snapshot(
                    self._number + 1, self._config.snapshot_copies == "devices"
                )
            except UnavailableError:
                return  # the next step meets the same loss and recovers from the snapshot before
            self._number += 1
            self._log.clear()

    def _left_lost(self, error: UnavailableError) -> UnavailableError:
        """The loss of a device of a session that cannot be replayed."""
        return UnavailableError(
            None, f"{error.message}; it is not started again, since {self._beyond}", error.device
        )

    def _recover_or_raise(self, life: int, error: UnavailableError, attempt: int) -> None:
        if self._closed or attempt >= _MOST_TRIES:
            raise error
        if self._beyond is not None:
            raise self._left_lost(error) from None
        self._recover(life, error)

    def _recover(self, life: int, loss: UnavailableError) -> None:
        """Starts lost devices again with the state that they had; another thread may have done so already."""
        with self._lock.alone():
            if life != self._life or self._closed:
                return
            print(
                f"weft: {loss.message}; starting again from the last snapshot, {len(self._log)} steps to replay",
                file=sys.stderr,
                flush=True,
            )
            start = time.monotonic()
            for attempt in range(1, _MOST_TRIES + 1):
                try:
                    self._start_again()
                    break
                except UnavailableError as again:
                    if attempt == _MOST_TRIES:
                        raise
                    seconds = time.monotonic() - start
                    print(
                        f"weft: {again.message} ({seconds:.1f} s); starting again",
                        file=sys.stderr,
                        flush=True,
                    )
            self.recovery_seconds.append(time.monotonic() - start)

    def _start_again(self) -> None:
        self._inner.restart(self._number, self._copies, self._config)
        self._life += 1
        self.recoveries += 1
        for entry, feeds in self._log:
            self._inner.run(entry.registered, feeds)

    @property
    def inner(self) -> RayTarget:
        """The devices, without the recovery."""
        return self._inner

    def take(self, inner: RayTarget) -> None:
        """Goes on with other devices, from the state that they have; every kind of step is to be registered anew."""
        with self._lock.alone():
            self._inner = inner
            self.cluster = inner.cluster
            self._log.clear()
            self._copies = inner.snapshot(self._number + 1, self._config.snapshot_copies == "devices")
            self._number += 1

    @property
    def pids(self) -> dict[str, int]:
        """Process of each device."""
        return self._inner.pids

    def stats(self) -> list[dict[str, Any]]:
        life = self._life
        try:
            return self._inner.stats()
        except UnavailableError as error:
            self._recover_or_raise(life, error, 1)
            return self._inner.stats()

    def close(self) -> None:
        self._closed = True
        self._inner.close()


def _own(feed: Any) -> Any:
    """A feed that the caller's later changes to its array do not reach."""
    copy = getattr(feed, "copy", None)
    return feed if copy is None else copy()
