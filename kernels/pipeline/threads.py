"""Elements made ahead by a thread of their own."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

from ...graph.errors import CancelledError
from .base import Dataset, Element, Elements, Run

__all__ = ["Prefetched", "ReadAhead"]

_LOOK = 0.1
"""Seconds between looks at whether a waiting step was given up."""

_PATIENCE = 5.0
"""Seconds that closing waits for a thread that is inside a function of the user's."""


class Prefetched(Dataset):
    """Elements made ahead, up to `size` of them."""

    def __init__(self, source: Dataset, size: int) -> None:
        self.source, self.size = source, size

    def start(self, run: Run) -> Elements:
        source = self.source.start(run)
        return source if self.size == 0 else ReadAhead(source, run, self.size)


class ReadAhead(Elements):
    """An iterator whose elements a thread makes ahead.

    The thread is started with the first element that is asked for, and ends with the last element or with `close`.

    Args:
        source: what gives the elements.
        run: the pass that it is part of.
        size: most elements that wait; 2 where it is negative.
    """

    def __init__(self, source: Elements, run: Run, size: int) -> None:
        super().__init__(source)
        self._run = run
        self._size = size if size > 0 else 2
        self._changed = threading.Condition()
        self._ready: deque[tuple[Any, BaseException | None]] = deque()
        self._ended = False
        self._closed = False
        self._thread: threading.Thread | None = None

    def __next__(self) -> Element:
        with self._changed:
            if self._thread is None and not self._ended:
                self._thread = threading.Thread(target=self._work, name="weft-prefetch", daemon=True)
                self._thread.start()
            while not self._ready and not self._ended:
                self._changed.wait(_LOOK)
                if not self._ready and self._run.given_up():
                    raise CancelledError(None, "the step that waits for an element was given up")
            if not self._ready:
                raise StopIteration
            element, error = self._ready.popleft()
            self._changed.notify_all()
        if error is not None:
            raise error
        return element  # type: ignore[no-any-return]

    def _work(self) -> None:
        while True:
            with self._changed:
                while len(self._ready) >= self._size and not self._closed:
                    self._changed.wait()
                if self._closed:
                    return
            element: Any = None
            error: BaseException | None = None
            ended = False
            try:
                element = next(self.inputs[0])
            except StopIteration:
                ended = True
            except BaseException as raised:
                error = raised
            with self._changed:
                self._ended = ended
                if not ended and not self._closed:
                    self._ready.append((element, error))
                self._changed.notify_all()
                if ended or self._closed:
                    return

    def close(self) -> None:
        with self._changed:
            self._closed = self._ended = True
            self._ready.clear()
            self._changed.notify_all()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(_PATIENCE)
        super().close()
