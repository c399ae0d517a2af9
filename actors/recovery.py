"""A target that survives the loss of its devices: snapshots, a log of steps, and their replay.

Every few steps the state of all devices (variables and the positions of random streams) is copied to the driver. When
a device is lost, the device actors are started anew, get the last snapshot, and the steps since then are run again
from the log of their feeds. Steps are deterministic, so training ends with the same bits as if nothing had happened.
"""

from __future__ import annotations

import itertools
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ..graph.errors import CancelledError, FailedPreconditionError, UnavailableError
from ..placement import Cluster
from .ray_target import RayTarget
from .step import StepSpec
from .transports import waits_for_nothing

__all__ = ["RecoveringTarget"]

_MOST_TRIES = 5
"""Losses in a row, with no step in between, after which the session gives up."""


@dataclass(eq=False)
class _Entry:
    """A kind of step, and what the present devices know it as.

    Attributes:
        spec: the step.
        life: which start of the devices `registered` belongs to.
        registered: what they know it as.
    """

    spec: StepSpec
    life: int = -1
    registered: Any = None
    lock: threading.Lock = field(default_factory=threading.Lock)


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
        every: steps between two snapshots.
    """

    def __init__(self, launch: Callable[[], RayTarget], every: int) -> None:
        self._launch = launch
        self._every = every
        self._lock = _SharedLock()
        self._log_lock = threading.Lock()
        self._log: list[tuple[_Entry, list[Any]]] = []
        self._snapshot: dict[str, Any] = {}
        self._lives = itertools.count()
        self._life = next(self._lives)
        self._closed = False
        self.recoveries = 0
        self._inner = launch()
        self.cluster: Cluster = self._inner.cluster
        self.default_device = self._inner.default_device

    def register(self, spec: StepSpec) -> _Entry:
        if not waits_for_nothing(spec):
            raise FailedPreconditionError(
                None,
                "a session that recovers from lost devices runs steps without queues, readers and tables only, since "
                "their state cannot be replayed: use ConfigProto(recover=False), or feed the input",
            )
        return _Entry(spec)

    def run(
        self, entry: _Entry, feeds: Sequence[Any], trace: Any = None, timeout: float | None = None
    ) -> list[Any]:
        for attempt in itertools.count(1):
            life = self._life
            try:
                with self._lock.shared():
                    results = self._run_once(entry, feeds, trace, timeout)
                break
            except UnavailableError as error:
                if self._closed or attempt >= _MOST_TRIES:
                    raise
                self._recover(life, error)
        if len(self._log) >= self._every:
            self._take_snapshot()
        return results

    def _run_once(self, entry: _Entry, feeds: Sequence[Any], trace: Any, timeout: float | None) -> list[Any]:
        if self._closed:
            raise CancelledError(None, "the session is closed")
        registered = self._registered(entry)
        results = self._inner.run(registered, feeds, trace, timeout)
        if registered.writers:
            with self._log_lock:
                self._log.append((entry, list(feeds)))
        return results

    def _registered(self, entry: _Entry) -> Any:
        with entry.lock:
            if entry.life != self._life:
                entry.registered = self._inner.register(entry.spec)
                entry.life = self._life
            return entry.registered

    def _take_snapshot(self) -> None:
        with self._lock.alone():
            if len(self._log) < self._every or self._closed:
                return
            try:
                self._snapshot = self._inner.get_state()
            except UnavailableError:
                return  # the next step meets the same loss and recovers from the snapshot before
            self._log.clear()

    def _recover(self, life: int, loss: UnavailableError) -> None:
        """Starts the devices again with the state that they had; another thread may have done so already."""
        with self._lock.alone():
            if life != self._life or self._closed:
                return
            print(
                f"weft: {loss.message}; starting again from the last snapshot, {len(self._log)} steps to replay",
                file=sys.stderr,
                flush=True,
            )
            for attempt in range(1, _MOST_TRIES + 1):
                try:
                    self._start_again()
                    break
                except UnavailableError:
                    if attempt == _MOST_TRIES:
                        raise

    def _start_again(self) -> None:
        self._inner.close()
        self._inner = self._launch()
        self._life = next(self._lives)
        self.recoveries += 1
        self._inner.set_state(self._snapshot)
        for entry, feeds in self._log:
            self._inner.run(self._registered(entry), feeds)

    @property
    def pids(self) -> dict[str, int]:
        """Process of each device."""
        return self._inner.pids

    def stats(self) -> list[dict[str, Any]]:
        return self._inner.stats()

    def close(self) -> None:
        self._closed = True
        self._inner.close()
