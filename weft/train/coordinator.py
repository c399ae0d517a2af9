"""Threads that work together: they stop together, and the first error among them is the one that is raised."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ..graph.errors import OutOfRangeError

__all__ = ["Coordinator", "LooperThread"]


class Coordinator:
    """Stops several threads together.

    Any thread may ask for a stop, with the error that is its reason or without. All of them look at
    `should_stop()` from time to time, and whoever waits for them in `join()` gets the error.

    Args:
        clean_stop_exception_types: errors that stop the threads but are no failure; `OutOfRangeError` by default.
    """

    def __init__(self, clean_stop_exception_types: tuple[type[BaseException], ...] | None = None) -> None:
        self._clean = tuple(clean_stop_exception_types or (OutOfRangeError,))
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._threads: list[threading.Thread] = []
        self._joined = False

    def request_stop(self, ex: Any = None) -> None:
        """Asks all threads to stop.

        Args:
            ex: the error that is the reason, or what `sys.exc_info()` gives.

        Raises:
            BaseException: the error itself, where the threads have been joined already and it is a failure.
        """
        error = ex[1] if isinstance(ex, tuple) else ex
        if error is not None and not isinstance(error, BaseException):
            raise TypeError(f"A reason to stop must be an exception, got {error!r}.")
        with self._lock:
            clean = isinstance(error, self._clean)
            if self._joined and error is not None and not clean:
                raise error
            if not self._stop.is_set():
                if error is not None and not clean:
                    self._error = error
                self._stop.set()

    def clear_stop(self) -> None:
        """Forgets the request to stop, so that threads can be started anew."""
        with self._lock:
            self._joined = False
            self._error = None
            self._stop.clear()

    def should_stop(self) -> bool:
        """Whether a stop was asked for."""
        return self._stop.is_set()

    def wait_for_stop(self, timeout: float | None = None) -> bool:
        """Waits until a stop is asked for; gives whether it was within `timeout` seconds."""
        return self._stop.wait(timeout)

    @contextlib.contextmanager
    def stop_on_exception(self) -> Iterator[None]:
        """Makes an error inside a request to stop."""
        try:
            yield
        except BaseException:
            self.request_stop(sys.exc_info())

    def register_thread(self, thread: threading.Thread) -> None:
        """Adds a thread to those that `join()` waits for."""
        with self._lock:
            self._threads.append(thread)

    def join(
        self,
        threads: Iterable[threading.Thread] | None = None,
        stop_grace_period_secs: float = 120,
        ignore_live_threads: bool = False,
    ) -> None:
        """Waits for the threads to end, and raises the error that stopped them.

        Args:
            threads: threads besides those that are registered.
            stop_grace_period_secs: seconds that they have to end, once a stop is asked for.
            ignore_live_threads: whether to go on without those that have not ended by then.

        Raises:
            RuntimeError: a thread has not ended in time.
            BaseException: the error with which a stop was asked for.
        """
        with self._lock:
            everyone = list(dict.fromkeys([*self._threads, *(threads or ())]))
        while any(t.is_alive() for t in everyone) and not self.wait_for_stop(0.1):
            pass
        end = time.monotonic() + stop_grace_period_secs
        for thread in everyone:
            thread.join(max(0.0, end - time.monotonic()))
        alive = [t.name for t in everyone if t.is_alive()]
        with self._lock:
            self._joined = True
            self._threads = []
            error = self._error
        if error is not None:
            raise error
        if alive and not ignore_live_threads:
            raise RuntimeError(
                f"Coordinator stopped with threads still running after {stop_grace_period_secs} s: "
                f"{', '.join(alive)}"
            )

    @property
    def joined(self) -> bool:
        return self._joined

    def raise_requested_exception(self) -> None:
        """Raises the error with which a stop was asked for, if there was one."""
        with self._lock:
            if self._error is not None:
                raise self._error


class LooperThread(threading.Thread):
    """A thread that calls something again and again until its coordinator stops.

    Args:
        coord: the coordinator.
        timer_interval_secs: seconds from one call to the next; None for no pause.
        target: what is called; `run_loop` by default, for subclasses.
        args, kwargs: its arguments.
    """

    def __init__(
        self,
        coord: Coordinator,
        timer_interval_secs: float | None,
        target: Callable[..., Any] | None = None,
        args: Any = None,
        kwargs: Any = None,
    ) -> None:
        if not isinstance(coord, Coordinator):
            raise ValueError(f"A LooperThread needs a Coordinator, got {coord!r}.")
        super().__init__()
        self.daemon = True
        self._coord = coord
        self._interval = timer_interval_secs
        self._call = target
        self._call_args = tuple(args or ())
        self._call_kwargs = dict(kwargs or {})
        coord.register_thread(self)

    @staticmethod
    def loop(
        coord: Coordinator,
        timer_interval_secs: float | None,
        target: Any,
        args: Any = None,
        kwargs: Any = None,
    ) -> LooperThread:
        """A thread of this kind, started."""
        thread = LooperThread(coord, timer_interval_secs, target, args, kwargs)
        thread.start()
        return thread

    def run(self) -> None:
        with self._coord.stop_on_exception():
            self.start_loop()
            if self._interval is None:
                while not self._coord.should_stop():
                    self.run_loop()
            else:
                due = time.time()
                while not self._coord.wait_for_stop(due - time.time()):
                    due += self._interval
                    self.run_loop()
            self.stop_loop()

    def start_loop(self) -> None:
        """Called before the first call."""

    def stop_loop(self) -> None:
        """Called after the last call."""

    def run_loop(self) -> None:
        """One call."""
        if self._call is not None:
            self._call(*self._call_args, **self._call_kwargs)
