"""Ray Data datasets as a source."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..graph.dtypes import as_dtype, string
from .dataset import Dataset

__all__ = ["from_ray"]

_BLOCK = 256
"""Rows that are asked for at a time."""


class _Rows:
    """Gives the rows of a Ray Data dataset, in another process too.

    Args:
        dataset: the dataset.
        columns: names of the columns.
    """

    def __init__(self, dataset: Any, columns: list[str]) -> None:
        self.dataset = dataset
        self.columns = columns

    def __call__(self) -> Iterator[dict[str, Any]]:
        for block in self.dataset.iter_batches(batch_size=_BLOCK, batch_format="numpy"):
            rows = len(block[self.columns[0]])
            for row in range(rows):
                yield {name: block[name][row] for name in self.columns}


def from_ray(
    dataset: Any, columns: Any = None, output_types: Any = None, output_shapes: Any = None
) -> Dataset:
    """A dataset of the rows of a Ray Data dataset.

    The rows are fetched from Ray's object store by the iterator's device, a block at a time, when they are needed.
    Several workers take a part each: `from_ray(rows).shard(workers, index)`, or one of `rows.split(workers)`.

    Args:
        dataset: a `ray.data.Dataset`.
        columns: names of the columns to take; all by default.
        output_types: from column to element type; by default those of the first row.
        output_shapes: from column to shape; by default those of the first row. None in the place of sizes that differ.

    Returns:
        A dataset whose elements are dictionaries from column to tensor.

    Raises:
        ValueError: the dataset is empty, so that nothing is known of its columns, or has no such column.
        TypeError: `dataset` is no Ray Data dataset.
    """
    if not hasattr(dataset, "iter_batches"):
        raise TypeError(f"from_ray takes a ray.data.Dataset, got {type(dataset).__name__}.")
    found = next(iter(dataset.iter_batches(batch_size=1, batch_format="numpy")), None)
    if found is None:
        raise ValueError("from_ray cannot tell the columns of an empty dataset.")
    names = list(found) if columns is None else list(columns)
    missing = [n for n in names if n not in found]
    if missing:
        raise ValueError(f"The dataset has no column {', '.join(missing)}; it has {', '.join(found)}.")
    first = {name: np.asarray(found[name][0]) for name in names}
    types = {name: _type_of(first[name]) for name in names}
    shapes: dict[str, Any] = {name: list(first[name].shape) for name in names}
    types.update(output_types or {})
    shapes.update(output_shapes or {})
    return Dataset.from_generator(_Rows(dataset, names), types, shapes)


def _type_of(value: Any) -> Any:
    return string if value.dtype.kind in "OUS" else as_dtype(value.dtype)
