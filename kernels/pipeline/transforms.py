"""Datasets made of others: repeated, joined, cut, shuffled, kept."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...graph.errors import FailedPreconditionError, InvalidArgumentError, OpError
from ..files.records import RecordFile, RecordWriter
from .base import Dataset, Element, Elements, Run
from .sources import Listed

__all__ = [
    "Cached",
    "CachedInFile",
    "Concatenated",
    "Repeated",
    "Sharded",
    "Shuffled",
    "Skipped",
    "Taken",
    "Windows",
    "WithoutErrors",
    "Zipped",
]


class Repeated(Dataset):
    """A dataset `count` times; without end where it is negative."""

    def __init__(self, source: Dataset, count: int) -> None:
        self.source, self.count = source, count

    def start(self, run: Run) -> Elements:
        return _Repetition(self, run)


class _Repetition(Elements):
    def __init__(self, dataset: Repeated, run: Run) -> None:
        super().__init__()
        self._dataset, self._run = dataset, run
        self._left = dataset.count
        self._fresh = False

    def __next__(self) -> Element:
        while True:
            if not self.inputs:
                if self._left == 0:
                    raise StopIteration
                self._left -= 1
                self.inputs = [self._dataset.source.start(self._run)]
                self._fresh = True
            try:
                element = next(self.inputs[0])
                self._fresh = False
                return element
            except StopIteration:
                self.inputs.pop().close()
                # A dataset without elements has none however often it is repeated.
                if self._fresh and self._left < 0:
                    raise
                if self._run.given_up():
                    raise


class Zipped(Dataset):
    """Elements side by side, as many as the shortest dataset has."""

    def __init__(self, sources: Sequence[Dataset]) -> None:
        self.sources = list(sources)

    def start(self, run: Run) -> Elements:
        return _Zip(*(s.start(run) for s in self.sources))


class _Zip(Elements):
    def __next__(self) -> Element:
        parts = [next(source) for source in self.inputs]
        return tuple([v for part in parts for v in part])


class Concatenated(Dataset):
    """A dataset, then another."""

    def __init__(self, first: Dataset, second: Dataset) -> None:
        self.sources = [first, second]

    def start(self, run: Run) -> Elements:
        return _Concatenation(self, run)


class _Concatenation(Elements):
    def __init__(self, dataset: Concatenated, run: Run) -> None:
        super().__init__()
        self._left = list(dataset.sources)
        self._run = run

    def __next__(self) -> Element:
        while True:
            if not self.inputs:
                if not self._left:
                    raise StopIteration
                self.inputs = [self._left.pop(0).start(self._run)]
            try:
                return next(self.inputs[0])
            except StopIteration:
                self.inputs.pop().close()


class Taken(Dataset):
    """The first `count` elements; all where it is negative."""

    def __init__(self, source: Dataset, count: int) -> None:
        self.source, self.count = source, count

    def start(self, run: Run) -> Elements:
        return _Take(self.source.start(run), self.count)


class _Take(Elements):
    def __init__(self, source: Elements, count: int) -> None:
        super().__init__(source)
        self._left = count

    def __next__(self) -> Element:
        if self._left == 0:
            self.close()
            raise StopIteration
        element = next(self.inputs[0])
        self._left -= 1
        return element


class Skipped(Dataset):
    """All but the first `count` elements; none where it is negative."""

    def __init__(self, source: Dataset, count: int) -> None:
        self.source, self.count = source, count

    def start(self, run: Run) -> Elements:
        return Listed([]).start(run) if self.count < 0 else _Skip(self.source.start(run), self.count)


class _Skip(Elements):
    def __init__(self, source: Elements, count: int) -> None:
        super().__init__(source)
        self._left = count

    def __next__(self) -> Element:
        while self._left > 0:
            next(self.inputs[0])
            self._left -= 1
        return next(self.inputs[0])


class Sharded(Dataset):
    """Elements number `index`, `index + shards`, ...

    Raises:
        InvalidArgumentError: there is no such shard.
    """

    def __init__(self, source: Dataset, shards: int, index: int) -> None:
        if shards < 1 or not 0 <= index < shards:
            raise InvalidArgumentError(
                None, f"index must be from 0 to num_shards - 1, got {index} of {shards}"
            )
        self.source, self.shards, self.index = source, shards, index

    def start(self, run: Run) -> Elements:
        return _Shard(self.source.start(run), self.shards, self.index)


class _Shard(Elements):
    def __init__(self, source: Elements, shards: int, index: int) -> None:
        super().__init__(source)
        self._passed, self._shards = index, shards

    def __next__(self) -> Element:
        while self._passed:
            next(self.inputs[0])
            self._passed -= 1
        element = next(self.inputs[0])
        self._passed = self._shards - 1
        return element


class Shuffled(Dataset):
    """Elements drawn at random from a buffer of the next ones.

    The semantics are TensorFlow's; the numbers are of a Philox stream of its own.

    Args:
        source: the dataset.
        size: elements in the buffer; -1 for all.
        seeds: both zero for other orders in every program.
        again: whether each epoch has an order of its own.

    Raises:
        InvalidArgumentError: the size is not positive.
    """

    def __init__(self, source: Dataset, size: int, seeds: tuple[int, int], again: bool) -> None:
        if size < 1 and size != -1:
            raise InvalidArgumentError(None, f"buffer_size must be greater than zero, got {size}")
        self.source, self.size, self.seeds, self.again = source, size, seeds, again

    def start(self, run: Run) -> Elements:
        first, second = self.seeds
        if not first and not second:
            first = run.entropy(id(self))
        epoch = run.count(("shuffle", id(self))) if self.again else 0
        numbers = np.random.Generator(np.random.Philox(np.random.SeedSequence([first, second, epoch])))
        return _Shuffle(self.source.start(run), self.size, numbers)


class _Shuffle(Elements):
    def __init__(self, source: Elements, size: int, numbers: np.random.Generator) -> None:
        super().__init__(source)
        self._size = size if size > 0 else None
        self._numbers = numbers
        self._drawn: list[float] = []
        self._buffer: list[Element] = []
        self._ended = False

    def __next__(self) -> Element:
        buffer = self._buffer
        while not self._ended and (self._size is None or len(buffer) < self._size):
            try:
                buffer.append(next(self.inputs[0]))
            except StopIteration:
                self._ended = True
        if not buffer:
            raise StopIteration
        if not self._drawn:
            self._drawn = self._numbers.random(512).tolist()
        at = int(self._drawn.pop() * len(buffer))
        buffer[at], buffer[-1] = buffer[-1], buffer[at]
        return buffer.pop()


class Windows(Dataset):
    """Datasets of neighbouring elements, one for each component.

    Raises:
        InvalidArgumentError: a number is not positive.
    """

    def __init__(self, source: Dataset, size: int, shift: int, stride: int, drop: bool) -> None:
        if min(size, shift, stride) < 1:
            raise InvalidArgumentError(
                None, f"size, shift and stride must be positive, got {size}, {shift}, {stride}"
            )
        self.source, self.numbers, self.drop = source, (size, shift, stride), drop

    def start(self, run: Run) -> Elements:
        return _Window(self.source.start(run), *self.numbers, self.drop)


class _Window(Elements):
    def __init__(self, source: Elements, size: int, shift: int, stride: int, drop: bool) -> None:
        super().__init__(source)
        self._size, self._shift, self._stride, self._drop = size, shift, stride, drop
        self._buffer: list[Element] = []
        self._jump = 0
        self._ended = False

    def __next__(self) -> Element:
        reach = (self._size - 1) * self._stride + 1
        while not self._ended and len(self._buffer) < reach:
            try:
                element = next(self.inputs[0])
            except StopIteration:
                self._ended = True
                break
            if self._jump:
                self._jump -= 1
            else:
                self._buffer.append(element)
        short = len(self._buffer) < reach
        if not self._buffer or (short and self._drop):
            raise StopIteration
        chosen = self._buffer[: reach : self._stride]
        self._jump = max(0, self._shift - len(self._buffer))
        self._buffer = self._buffer[self._shift :]
        return tuple(Listed([(v,) for v in column]) for column in zip(*chosen, strict=True))


class WithoutErrors(Dataset):
    """The elements that could be made."""

    def __init__(self, source: Dataset) -> None:
        self.source = source

    def start(self, run: Run) -> Elements:
        return _Ignoring(self.source.start(run))


class _Ignoring(Elements):
    def __next__(self) -> Element:
        while True:
            with contextlib.suppress(OpError):
                return next(self.inputs[0])


class Cached(Dataset):
    """Elements kept in memory once all of them were made."""

    def __init__(self, source: Dataset) -> None:
        self.source = source
        self._elements: list[Element] | None = None

    def start(self, run: Run) -> Elements:
        if self._elements is not None:
            return Listed(self._elements).start(run)
        return _Filling(self.source.start(run), self)

    def filled(self, elements: list[Element]) -> None:
        self._elements = elements


class _Filling(Elements):
    def __init__(self, source: Elements, cache: Cached) -> None:
        super().__init__(source)
        self._cache = cache
        self._made: list[Element] = []

    def __next__(self) -> Element:
        try:
            element = next(self.inputs[0])
        except StopIteration:
            self._cache.filled(self._made)
            raise
        self._made.append(element)
        return element


class CachedInFile(Dataset):
    """Elements kept in a file, which later programs use too.

    Args:
        source: the dataset.
        path: the file; it is there once all elements were made.
        count: number of components.
    """

    def __init__(self, source: Dataset, path: str, count: int) -> None:
        self.source, self.path, self.count = source, path, count

    def start(self, run: Run) -> Elements:
        if os.path.exists(self.path):
            return _FromFile(self.path, self.count)
        return _ToFile(self.source.start(run), self.path)


class _ToFile(Elements):
    def __init__(self, source: Elements, path: str) -> None:
        super().__init__(source)
        self._path = path
        self._part = f"{path}.{os.getpid()}_{id(self):x}.part"
        self._writer: RecordWriter | None = RecordWriter(self._part)

    def __next__(self) -> Element:
        from ...graph.tensor_proto import make_tensor_proto

        try:
            element = next(self.inputs[0])
        except StopIteration:
            if self._writer is not None:
                self._writer.close()
                self._writer = None
                os.replace(self._part, self._path)
            raise
        if self._writer is not None:
            for value in element:
                if isinstance(value, Dataset):
                    raise FailedPreconditionError(None, "datasets inside elements cannot be kept in a file")
                self._writer.write(make_tensor_proto(np.asarray(value)).SerializeToString())
        return element

    def close(self) -> None:
        super().close()
        if self._writer is not None:
            self._writer.close()
            self._writer = None
            with contextlib.suppress(OSError):
                os.remove(self._part)


class _FromFile(Elements):
    def __init__(self, path: str, count: int) -> None:
        super().__init__()
        self._file = RecordFile(path)
        self._count = count

    def __next__(self) -> Element:
        parts: list[Any] = []
        while len(parts) < self._count:
            record = self._file.next()
            if record is None:
                raise StopIteration
            parts.append(_array(record))
        return tuple(parts)

    def close(self) -> None:
        self._file.close()


def _array(record: bytes) -> Any:
    from tensorboard.compat.proto.tensor_pb2 import TensorProto

    from ...graph.tensor_proto import make_ndarray

    return make_ndarray(TensorProto.FromString(record))
