"""Data and targets together, and tables of numbers from CSV files."""

from __future__ import annotations

import csv
import os
from typing import Any, NamedTuple

import numpy as np

from ....graph.errors import InvalidArgumentError, NotFoundError

__all__ = ["Dataset", "Datasets", "load_csv_with_header", "load_csv_without_header"]

Array = np.ndarray[Any, Any]


class Dataset(NamedTuple):
    """Rows and what is to be said of each.

    Attributes:
        data: array `(rows, columns)`.
        target: array `(rows,)`.
    """

    data: Any
    target: Any


class Datasets(NamedTuple):
    """The parts of a data set.

    Attributes:
        train, validation, test: what to learn from, to choose by and to judge by.
    """

    train: Any
    validation: Any
    test: Any


def load_csv_with_header(
    filename: str | os.PathLike[str], target_dtype: Any, features_dtype: Any, target_column: int = -1
) -> Dataset:
    """A table whose first line says how many rows and columns it has.

    Args:
        filename: the file.
        target_dtype, features_dtype: NumPy types of the targets and of the other columns.
        target_column: which column holds the targets.

    Raises:
        NotFoundError: there is no such file.
        InvalidArgumentError: the table has another size than its first line says, or holds no numbers.
    """
    rows = _rows(filename)
    try:
        count, columns = int(rows[0][0]), int(rows[0][1])
    except (IndexError, ValueError):
        raise InvalidArgumentError(
            None, f"{os.fspath(filename)}: the first line must give the numbers of rows and columns"
        ) from None
    found = _split(filename, rows[1:], target_dtype, features_dtype, target_column)
    if found.data.shape != (count, columns):
        raise InvalidArgumentError(
            None,
            f"{os.fspath(filename)} says it has {count} rows of {columns} numbers, but has {found.data.shape}",
        )
    return found


def load_csv_without_header(
    filename: str | os.PathLike[str], target_dtype: Any, features_dtype: Any, target_column: int = -1
) -> Dataset:
    """A table without a line for the columns' names; arguments and errors as for `load_csv_with_header`."""
    return _split(filename, _rows(filename), target_dtype, features_dtype, target_column)


def _rows(filename: Any) -> list[list[str]]:
    try:
        with open(filename, newline="", encoding="utf-8") as file:
            return [row for row in csv.reader(file) if row]
    except FileNotFoundError:
        raise NotFoundError(None, f"{os.fspath(filename)}: no such file") from None


def _split(
    filename: Any, rows: list[list[str]], target_dtype: Any, features_dtype: Any, column: int
) -> Dataset:
    try:
        target = np.array([row.pop(column) for row in rows]).astype(target_dtype)
        return Dataset(np.array(rows).astype(features_dtype), target)
    except (ValueError, IndexError) as error:
        raise InvalidArgumentError(None, f"{os.fspath(filename)}: {error}") from None
