"""What all datasets and their iterators share.

A dataset is an unchanging description. `start(run)` gives a new iterator over it; `run` is what all iterators of one
pass of the program over it share: counters that go on from epoch to epoch, and how to know that nobody waits any
more. An iterator that has raised an error may be asked for the next element.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ...graph.errors import FailedPreconditionError, OutOfRangeError
from ...graph.shapes import TensorShape

__all__ = ["Dataset", "Element", "Elements", "IteratorState", "Run"]

Element = tuple[Any, ...]
"""The components of an element: NumPy arrays, or datasets."""

_LOOK = 0.1
"""Seconds between looks at whether a waiting step was given up."""


class Run:
    """What the iterators of one pass share.

    Attributes:
        cancelled: whether the step that waits for an element is given up.
        closed: set when nobody will ask for elements any more.
    """

    def __init__(self) -> None:
        self.cancelled: Callable[[], bool] = lambda: False
        self.closed = threading.Event()
        self._lock = threading.Lock()
        self._kept: dict[Any, Any] = {}

    def kept(self, key: Any, make: Callable[[], Any]) -> Any:
        """A value that stays from epoch to epoch; made where it is not there yet."""
        with self._lock:
            if key not in self._kept:
                self._kept[key] = make()
            return self._kept[key]

    def count(self, key: Any) -> int:
        """0, 1, 2, ... for each call with that key."""
        counter: Iterator[int] = self.kept(("count", key), itertools.count)
        return next(counter)

    def entropy(self, key: Any) -> int:
        """A random number that stays from epoch to epoch."""
        made: int = self.kept(("entropy", key), lambda: int.from_bytes(os.urandom(8), "little"))
        return made

    def given_up(self) -> bool:
        return self.closed.is_set() or self.cancelled()


class Elements:
    """An iterator over a dataset.

    Args:
        *inputs: the iterators that it takes elements from.
    """

    def __init__(self, *inputs: Elements) -> None:
        self.inputs = list(inputs)

    def __iter__(self) -> Elements:
        return self

    def __next__(self) -> Element:
        raise StopIteration

    def close(self) -> None:
        """Gives back files and threads; may be called twice."""
        for source in self.inputs:
            source.close()


class Dataset:
    """A description of elements."""

    def start(self, run: Run) -> Elements:
        """A new iterator over the elements."""
        raise AssertionError(f"{type(self).__name__} has no elements")


class IteratorState:
    """An iterator as a resource of its device.

    Args:
        name: for messages.
        shapes: what is known of the shapes of its elements' components.
    """

    def __init__(self, name: str, shapes: Sequence[TensorShape] = ()) -> None:
        self.name = name
        self.shapes = tuple(shapes)
        self._lock = threading.Lock()
        self._run: Run | None = None
        self._elements: Elements | None = None

    def begin(self, dataset: Dataset) -> None:
        """Goes to the start of a dataset."""
        run = Run()
        elements = dataset.start(run)
        with self._lock:
            before = self._run, self._elements
            self._run, self._elements = run, elements
        _finish(*before)

    def next(self, cancelled: Callable[[], bool]) -> Element:
        """The next element.

        Raises:
            FailedPreconditionError: it was not given a dataset.
            OutOfRangeError: there are no more.
        """
        while not self._lock.acquire(timeout=_LOOK):
            if cancelled():
                raise OutOfRangeError(None, f"Iterator '{self.name}': the step was given up")
        try:
            if self._elements is None or self._run is None:
                raise FailedPreconditionError(
                    None,
                    "GetNext() failed because the iterator has not been initialized. Ensure that you have run the "
                    f"initializer operation for this iterator before getting the next element: '{self.name}'.",
                )
            self._run.cancelled = cancelled
            try:
                return next(self._elements)
            except StopIteration:
                raise OutOfRangeError(None, "End of sequence") from None
        finally:
            self._lock.release()

    def shut_down(self) -> None:
        """Ends its threads and closes its files."""
        if self._run is not None:
            self._run.closed.set()
        with self._lock:
            before = self._run, self._elements
            self._run = self._elements = None
        _finish(*before)


def _finish(run: Run | None, elements: Elements | None) -> None:
    if run is not None:
        run.closed.set()
    if elements is not None:
        elements.close()
