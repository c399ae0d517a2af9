"""Datasets whose elements come from tensors, numbers, files and functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ...graph.errors import DataLossError, InvalidArgumentError, OutOfRangeError
from ..files.records import RecordFile, open_stream
from ..io import scalar_string
from .base import Dataset, Element, Elements, Run
from .functions import Function

__all__ = ["Files", "Generated", "Listed", "Range", "Rows", "Single", "fixed_length", "lines", "records"]


class Single(Dataset):
    """One element."""

    def __init__(self, components: Element) -> None:
        self.components = components

    def start(self, run: Run) -> Elements:
        return _OverList([self.components])


class Listed(Dataset):
    """Elements that are there already."""

    def __init__(self, elements: Sequence[Element]) -> None:
        self.elements = elements

    def start(self, run: Run) -> Elements:
        return _OverList(self.elements)


class _OverList(Elements):
    def __init__(self, elements: Sequence[Element]) -> None:
        super().__init__()
        self._left = iter(elements)

    def __next__(self) -> Element:
        return next(self._left)


class Rows(Dataset):
    """The rows of arrays.

    Raises:
        InvalidArgumentError: they have no rows, or other numbers of them.
    """

    def __init__(self, components: Element) -> None:
        for component in components:
            if np.ndim(component) == 0:
                raise InvalidArgumentError(None, "a tensor must have a dimension of elements, got a scalar")
            if len(component) != len(components[0]):
                sizes = [len(c) for c in components]
                raise InvalidArgumentError(None, f"all tensors must have as many rows, they have {sizes}")
        self.components = components

    def start(self, run: Run) -> Elements:
        return OverRows(self.components)


class OverRows(Elements):
    """Over the rows of arrays; several can be taken at once."""

    def __init__(self, components: Element) -> None:
        super().__init__()
        self._components = components
        self._count = len(components[0])
        self._at = 0

    def __next__(self) -> Element:
        at = self._at
        if at >= self._count:
            raise StopIteration
        self._at = at + 1
        return tuple([c[at, ...] for c in self._components])

    def rows(self, count: int) -> Element | None:
        """The next rows, up to `count`, as one array for each component; None at the end."""
        begin, end = self._at, min(self._at + count, self._count)
        if begin == end:
            return None
        self._at = end
        return tuple([c[begin:end].copy() for c in self._components])


class Range(Dataset):
    """Numbers from `start` in steps up to `stop`.

    Raises:
        InvalidArgumentError: the step is zero.
    """

    def __init__(self, begin: int, stop: int, step: int, dtype: Any) -> None:
        if step == 0:
            raise InvalidArgumentError(None, "step must not be 0")
        self.numbers = range(begin, stop, step)
        self.dtype = dtype

    def start(self, run: Run) -> Elements:
        return _Numbers(self.numbers, self.dtype)


class _Numbers(Elements):
    def __init__(self, numbers: range, dtype: Any) -> None:
        super().__init__()
        self._left = iter(numbers)
        self._dtype = dtype

    def __next__(self) -> Element:
        return (np.asarray(next(self._left), self._dtype),)


class Files(Dataset):
    """The records of files, one file after the other.

    Args:
        paths: the files.
        read: from a path to its records; what it opens it closes at its end.
    """

    def __init__(self, paths: Sequence[str], read: Callable[[str], Iterator[bytes]]) -> None:
        self.paths = list(paths)
        self.read = read

    def start(self, run: Run) -> Elements:
        return _OverFiles(self.paths, self.read)


class _OverFiles(Elements):
    def __init__(self, paths: Sequence[str], read: Callable[[str], Iterator[bytes]]) -> None:
        super().__init__()
        self._paths = iter(paths)
        self._read = read
        self._open: Any = None

    def __next__(self) -> Element:
        while True:
            if self._open is None:
                self._open = self._read(next(self._paths))
            try:
                record = next(self._open, None)
            except Exception:
                # A damaged file cannot be read on; the next element comes from the next one.
                self._open = None
                raise
            if record is not None:
                return (scalar_string(record),)
            self._open = None

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None
        self._paths = iter(())


def lines(path: str, compression: str) -> Iterator[bytes]:
    """The lines of a text file, without their ends."""
    stream = open_stream(path, compression)
    try:
        if compression == "ZLIB":
            text = stream.read().split(b"\n")
            yield from (line.removesuffix(b"\r") for line in (text[:-1] if text[-1] == b"" else text))
        else:
            for line in stream:
                yield line.removesuffix(b"\n").removesuffix(b"\r")
    finally:
        stream.close()


def records(path: str, compression: str) -> Iterator[bytes]:
    """The records of a TFRecord file."""
    with RecordFile(path, compression) as file:
        yield from file


def fixed_length(path: str, header: int, record: int, footer: int, compression: str) -> Iterator[bytes]:
    """Pieces of `record` bytes between a file's header and footer.

    Raises:
        DataLossError: what is between them is no whole number of pieces.
    """
    stream = open_stream(path, compression)
    try:
        data = stream.read()
    finally:
        stream.close()
    body = len(data) - header - footer
    if body < 0 or body % record:
        raise DataLossError(
            None,
            f"{path}: {len(data)} bytes are no header of {header}, footer of {footer} and records of {record} bytes",
        )
    for begin in range(header, header + body, record):
        yield data[begin : begin + record]


class Generated(Dataset):
    """What a function gives until it raises OutOfRange.

    Args:
        begin: gives a state.
        following: from the state to an element.
        finish: called with the state at the end.
    """

    def __init__(self, begin: Function, following: Function, finish: Function) -> None:
        self.functions = begin, following, finish

    def start(self, run: Run) -> Elements:
        return _Generation(self, run)


class _Generation(Elements):
    def __init__(self, dataset: Generated, run: Run) -> None:
        super().__init__()
        begin, following, self._finish = (f.bound(run) for f in dataset.functions)
        self._begin, self._following = begin, following
        self._state: Any = None
        self._done = False

    def __next__(self) -> Element:
        if self._done:
            raise StopIteration
        if self._state is None:
            self._state = tuple(self._begin(()))
        try:
            return tuple(self._following(self._state))
        except OutOfRangeError:
            self.close()
            raise StopIteration from None

    def close(self) -> None:
        self._done = True
        if self._state is not None:
            state, self._state = self._state, None
            self._finish(state)
