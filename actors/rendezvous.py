"""Where tensors from other devices wait for the step that takes them.

Tensors may come before the step that needs them has started here, and steps may be given up at any time; whatever
order things happen in, a taker gets its tensor or an error, and nothing of a finished step stays behind.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from ..graph.errors import AbortedError, DeadlineExceededError, OpError

__all__ = ["Rendezvous"]

_REMEMBERED = 4096
"""Finished steps whose late tensors are recognised and dropped."""

StepKey = tuple[str, int]


class _Step:
    __slots__ = ("error", "values")

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.error: OpError | None = None


class Rendezvous:
    """Tensors by (session, step, key), put by peers and taken by the step."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._steps: dict[StepKey, _Step] = {}
        self._done: set[StepKey] = set()
        self._done_order: deque[StepKey] = deque()

    def put(self, step: StepKey, key: str, value: Any) -> None:
        """A tensor has arrived; it is dropped if the step is over."""
        with self._changed:
            if step in self._done:
                return
            self._steps.setdefault(step, _Step()).values[key] = value
            self._changed.notify_all()

    def take(
        self,
        step: StepKey,
        keys: Iterable[str],
        timeout: float | None = None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> dict[str, Any]:
        """Waits until all the keys are there and takes them.

        Args:
            step: whose tensors.
            keys: which.
            timeout: seconds to wait at most; None for as long as it takes.
            stopped: asked now and then; True ends the wait.

        Raises:
            AbortedError: the step was given up.
            DeadlineExceededError: they did not come in time.
        """
        wanted = list(keys)
        if not wanted:
            return {}
        left = timeout
        with self._changed:
            entry = self._steps.setdefault(step, _Step())
            while not all(k in entry.values for k in wanted):
                if entry.error is not None:
                    raise entry.error
                if stopped() or step in self._done:
                    raise AbortedError(None, "the device was closed while a step waited for its peers")
                if left is not None and left <= 0:
                    missing = [k for k in wanted if k not in entry.values]
                    raise DeadlineExceededError(None, f"waited {timeout} s for {', '.join(missing)}")
                pause = 1.0 if left is None else min(1.0, left)
                self._changed.wait(pause)
                left = None if left is None else left - pause
            return {k: entry.values.pop(k) for k in wanted}

    def abort(self, step: StepKey, error: OpError) -> None:
        """Ends the waits of a step with an error."""
        with self._changed:
            if step not in self._done:
                entry = self._steps.setdefault(step, _Step())
                entry.error = entry.error or error
                self._changed.notify_all()

    def abort_session(self, session: str, error: OpError) -> None:
        """Ends the waits of all steps of a session, and forgets what came for those that have not begun."""
        with self._changed:
            for key, entry in list(self._steps.items()):
                if key[0] == session:
                    entry.error = entry.error or error
                    entry.values.clear()
            self._changed.notify_all()

    def finish(self, step: StepKey) -> None:
        """The step is over on this device: forgets what it left behind."""
        with self._changed:
            self._steps.pop(step, None)
            if step not in self._done:
                self._done.add(step)
                self._done_order.append(step)
                if len(self._done_order) > _REMEMBERED:
                    self._done.discard(self._done_order.popleft())
            self._changed.notify_all()

    def __len__(self) -> int:
        """Number of steps that something is held for."""
        return len(self._steps)
