"""Datasets of what functions make of elements."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from ...graph.errors import InvalidArgumentError
from .base import Dataset, Element, Elements, Run
from .functions import Function
from .sources import Listed
from .threads import ReadAhead

__all__ = ["Filtered", "Grouped", "Interleaved", "Mapped", "ParallelMapped"]


class Mapped(Dataset):
    """What a function gives for each element."""

    def __init__(self, source: Dataset, function: Function) -> None:
        self.source, self.function = source, function

    def start(self, run: Run) -> Elements:
        return _Map(self.source.start(run), self.function, run)


class _Map(Elements):
    def __init__(self, source: Elements, function: Function, run: Run) -> None:
        super().__init__(source)
        self._call = function.bound(run)

    def __next__(self) -> Element:
        return tuple(self._call(next(self.inputs[0])))


class ParallelMapped(Dataset):
    """What a function gives for each element, computed by several threads at a time, in order.

    Raises:
        InvalidArgumentError: the number of threads is not positive.
    """

    def __init__(self, source: Dataset, function: Function, threads: int) -> None:
        if threads < 1:
            raise InvalidArgumentError(None, f"num_parallel_calls must be greater than zero, got {threads}")
        self.source, self.function, self.threads = source, function, threads

    def start(self, run: Run) -> Elements:
        source = self.source.start(run)
        if self.threads == 1:
            return _Map(source, self.function, run)
        return _ParallelMap(source, self.function, run, self.threads)


class _ParallelMap(Elements):
    def __init__(self, source: Elements, function: Function, run: Run, threads: int) -> None:
        super().__init__(source)
        self._call = function.bound(run)
        self._threads = threads
        self._pool: ThreadPoolExecutor | None = None
        self._waiting: deque[Future[Any] | BaseException] = deque()
        self._ended = False

    def __next__(self) -> Element:
        if self._pool is None and not self._ended:
            self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="weft-map")
        self._fill()
        if not self._waiting:
            self.close()
            raise StopIteration
        first = self._waiting.popleft()
        if isinstance(first, BaseException):
            raise first
        return tuple(first.result())

    def _fill(self) -> None:
        while not self._ended and self._pool is not None and len(self._waiting) < self._threads:
            try:
                element = next(self.inputs[0])
            except StopIteration:
                self._ended = True
            except Exception as error:
                self._waiting.append(error)
            else:
                self._waiting.append(self._pool.submit(self._call, element, self._call.number()))

    def close(self) -> None:
        self._ended = True
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)
        self._waiting.clear()
        super().close()


class Filtered(Dataset):
    """The elements for which a function gives true.

    Args:
        source: the dataset.
        function: from an element to a boolean scalar.
        until_false: whether the first element for which it gives false ends everything.
    """

    def __init__(self, source: Dataset, function: Function, until_false: bool = False) -> None:
        self.source, self.function, self.until_false = source, function, until_false

    def start(self, run: Run) -> Elements:
        return _Filter(self.source.start(run), self.function, run, self.until_false)


class _Filter(Elements):
    def __init__(self, source: Elements, function: Function, run: Run, until_false: bool) -> None:
        super().__init__(source)
        self._call = function.bound(run)
        self._until_false = until_false
        self._ended = False

    def __next__(self) -> Element:
        while not self._ended:
            element = next(self.inputs[0])
            if bool(np.asarray(self._call(element)[0]).item()):
                return element
            self._ended = self._until_false
        raise StopIteration


class Interleaved(Dataset):
    """The elements of the datasets that a function gives.

    Args:
        source: the dataset whose elements the function takes.
        function: from an element to a dataset.
        cycle: from how many of them elements come in turn.
        block: how many elements come from one before it is the next one's turn.
        ahead: whether each is read ahead by a thread of its own.

    Raises:
        InvalidArgumentError: a number is not positive.
    """

    def __init__(
        self, source: Dataset, function: Function, cycle: int = 1, block: int = 1, ahead: bool = False
    ) -> None:
        if cycle < 1 or block < 1:
            raise InvalidArgumentError(
                None, f"cycle_length and block_length must be greater than zero, got {cycle} and {block}"
            )
        self.source, self.function, self.cycle, self.block = source, function, cycle, block
        self.ahead = ahead

    def start(self, run: Run) -> Elements:
        return _Interleaving(self, run)


class _Interleaving(Elements):
    def __init__(self, dataset: Interleaved, run: Run) -> None:
        super().__init__(dataset.source.start(run))
        self._dataset, self._run = dataset, run
        self._call = dataset.function.bound(run)
        self._open: list[Elements | None] = [None] * dataset.cycle
        self._at = self._taken = 0
        self._ended = False

    def __next__(self) -> Element:
        while True:
            current = self._open[self._at]
            if current is not None:
                try:
                    element = next(current)
                except StopIteration:
                    self._open[self._at] = None
                    current.close()
                    self._advance()
                    continue
                self._taken += 1
                if self._taken == self._dataset.block:
                    self._advance()
                return element
            if not self._ended:
                self._refill()
            elif any(e is not None for e in self._open):
                self._advance()
            else:
                raise StopIteration

    def _advance(self) -> None:
        self._taken = 0
        self._at = (self._at + 1) % len(self._open)

    def _refill(self) -> None:
        """Opens the dataset of the next element in the present place; with reading ahead, in all free places."""
        places = [self._at]
        if self._dataset.ahead:
            rest = [*range(self._at + 1, len(self._open)), *range(self._at)]
            places += [p for p in rest if self._open[p] is None]
        for place in places:
            try:
                element = next(self.inputs[0])
            except StopIteration:
                self._ended = True
                return
            made: Elements = self._call(element)[0].start(self._run)
            self._open[place] = (
                ReadAhead(made, self._run, self._dataset.block) if self._dataset.ahead else made
            )

    def close(self) -> None:
        for elements in self._open:
            if elements is not None:
                elements.close()
        self._open = [None] * len(self._open)
        self._ended = True
        super().close()


class Grouped(Dataset):
    """Elements of one key gathered, and a function's dataset for each so many of them.

    Args:
        source: the dataset.
        key: from an element to an int64 scalar.
        reduce: from a key and a dataset of its elements to a dataset.
        size: from a key to how many elements are gathered.
    """

    def __init__(self, source: Dataset, key: Function, reduce: Function, size: Function) -> None:
        self.source, self.functions = source, (key, reduce, size)

    def start(self, run: Run) -> Elements:
        return _Grouping(self, run)


class _Grouping(Elements):
    def __init__(self, dataset: Grouped, run: Run) -> None:
        super().__init__(dataset.source.start(run))
        self._run = run
        self._key, self._reduce, self._size = (f.bound(run) for f in dataset.functions)
        self._groups: dict[int, list[Element]] = {}
        self._sizes: dict[int, int] = {}
        self._current: Elements | None = None
        self._ended = False

    def __next__(self) -> Element:
        while True:
            if self._current is not None:
                try:
                    return next(self._current)
                except StopIteration:
                    self._current.close()
                    self._current = None
            if self._ended:
                if not self._groups:
                    raise StopIteration
                self._flush(min(self._groups))
                continue
            try:
                element = next(self.inputs[0])
            except StopIteration:
                self._ended = True
                continue
            self._take(element)

    def _take(self, element: Element) -> None:
        key = int(self._key(element)[0])
        if key not in self._sizes:
            size = int(self._size((np.int64(key),))[0])
            if size < 1:
                raise InvalidArgumentError(
                    None, f"Window size must be greater than zero, got {size} for key {key}"
                )
            self._sizes[key] = size
        group = self._groups.setdefault(key, [])
        group.append(element)
        if len(group) == self._sizes[key]:
            self._flush(key)

    def _flush(self, key: int) -> None:
        window = Listed(self._groups.pop(key))
        made: Dataset = self._reduce((np.int64(key), window))[0]
        self._current = made.start(self._run)

    def close(self) -> None:
        super().close()
        if self._current is not None:
            self._current.close()
            self._current = None
