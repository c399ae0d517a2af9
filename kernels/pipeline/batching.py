"""Elements joined along a new first dimension, and taken apart again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...graph.errors import DataLossError, InvalidArgumentError
from .base import Dataset, Element, Elements, Run
from .sources import Listed, OverRows

__all__ = ["Batched", "PaddedBatched", "Unbatched", "batch_of"]


def batch_of(elements: Sequence[Element]) -> Element:
    """The elements joined along a new first dimension; datasets of rows where components are datasets.

    Raises:
        InvalidArgumentError: their shapes differ.
    """
    return tuple([_joined(column, at) for at, column in enumerate(zip(*elements, strict=True))])


def _joined(column: Sequence[Any], at: int) -> Any:
    first = column[0]
    if isinstance(first, Dataset):
        return Listed([(d,) for d in column])
    shape = np.shape(first)
    for number, value in enumerate(column):
        if np.shape(value) != shape:
            raise InvalidArgumentError(
                None,
                f"Cannot batch tensors with different shapes in component {at}. First element had shape "
                f"{list(shape)} and element {number} had shape {list(np.shape(value))}.",
            )
    made = np.empty((len(column), *shape), first.dtype)
    for number, value in enumerate(column):
        made[number] = value[()] if made.dtype == object and not shape else value
    return made


def _check_size(size: int) -> None:
    if size < 1:
        raise InvalidArgumentError(None, f"Batch size must be greater than zero, got {size}")


class Batched(Dataset):
    """So many elements at a time.

    Raises:
        InvalidArgumentError: the size is not positive.
    """

    def __init__(self, source: Dataset, size: int, drop: bool) -> None:
        _check_size(size)
        self.source, self.size, self.drop = source, size, drop

    def start(self, run: Run) -> Elements:
        return _Batches(self.source.start(run), self.size, self.drop)


class _Batches(Elements):
    def __init__(self, source: Elements, size: int, drop: bool) -> None:
        super().__init__(source)
        self._size, self._drop = size, drop

    def __next__(self) -> Element:
        source = self.inputs[0]
        if isinstance(source, OverRows):
            rows = source.rows(self._size)
            if rows is None or (self._drop and len(rows[0]) < self._size):
                raise StopIteration
            return rows
        elements = self._gathered()
        if not elements or (self._drop and len(elements) < self._size):
            raise StopIteration
        return self._joined(elements)

    def _gathered(self) -> list[Element]:
        elements: list[Element] = []
        source = self.inputs[0]
        for _ in range(self._size):
            try:
                elements.append(next(source))
            except StopIteration:
                break
        return elements

    def _joined(self, elements: list[Element]) -> Element:
        return batch_of(elements)


class PaddedBatched(Dataset):
    """So many elements at a time, padded to one shape.

    Args:
        source: the dataset.
        size: elements in a batch.
        shapes: for each component the shape to pad to, -1 for the largest in the batch.
        values: for each component what is padded with.
        drop: whether a smaller last batch is left out.

    Raises:
        InvalidArgumentError: the size is not positive.
    """

    def __init__(
        self, source: Dataset, size: int, shapes: Sequence[tuple[int, ...]], values: Sequence[Any], drop: bool
    ) -> None:
        _check_size(size)
        self.source, self.size, self.drop = source, size, drop
        self.shapes, self.values = list(shapes), list(values)

    def start(self, run: Run) -> Elements:
        return _PaddedBatches(self.source.start(run), self)


class _PaddedBatches(_Batches):
    def __init__(self, source: Elements, dataset: PaddedBatched) -> None:
        super().__init__(source, dataset.size, dataset.drop)
        self._dataset = dataset

    def __next__(self) -> Element:
        elements = self._gathered()
        if not elements or (self._drop and len(elements) < self._size):
            raise StopIteration
        columns = zip(*elements, strict=True)
        wanted = zip(columns, self._dataset.shapes, self._dataset.values, strict=True)
        return tuple([_padded(column, shape, value, at) for at, (column, shape, value) in enumerate(wanted)])


def _padded(column: Sequence[Any], shape: tuple[int, ...], value: Any, at: int) -> Any:
    for number, element in enumerate(column):
        if np.ndim(element) != len(shape):
            raise InvalidArgumentError(
                None,
                f"All elements in a batch must have the same rank as the padded shape for component {at}: expected "
                f"rank {len(shape)} but element {number} had rank {np.ndim(element)}",
            )
        for size, limit in zip(np.shape(element), shape, strict=True):
            if 0 <= limit < size:
                raise DataLossError(
                    None,
                    f"Attempted to pad to a smaller size than the input element: component {at} of element {number} "
                    f"has shape {list(np.shape(element))}, the padded shape is {list(shape)}",
                )
    dims = [
        limit if limit >= 0 else max(np.shape(e)[axis] for e in column) for axis, limit in enumerate(shape)
    ]
    made = np.empty((len(column), *dims), np.asarray(column[0]).dtype)
    made[...] = value[()] if isinstance(value, np.ndarray) and not value.shape else value
    for number, element in enumerate(column):
        inside = tuple(slice(0, n) for n in np.shape(element))
        made[(number, *inside)] = element[()] if np.ndim(element) == 0 else element
    return made


class Unbatched(Dataset):
    """The rows of each element."""

    def __init__(self, source: Dataset) -> None:
        self.source = source

    def start(self, run: Run) -> Elements:
        return _Unbatching(self.source.start(run))


class _Unbatching(Elements):
    def __init__(self, source: Elements) -> None:
        super().__init__(source)
        self._rows: OverRows | None = None

    def __next__(self) -> Element:
        while True:
            if self._rows is not None:
                try:
                    return next(self._rows)
                except StopIteration:
                    self._rows = None
            element = next(self.inputs[0])
            if len({len(v) for v in element}) > 1:
                sizes = [len(v) for v in element]
                raise InvalidArgumentError(None, f"the components of an element have {sizes} rows")
            self._rows = OverRows(element)
