"""Lookup tables; declared in `graph/ops/tables.py`."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from ..graph.dtypes import DType, int64, string
from ..graph.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError
from .handles import ResourceHandle
from .registry import KernelContext, kernel
from .strings import scalar

_LINE_NUMBER, _WHOLE_LINE = -1, -2


class Table:
    """A table on a device.

    Args:
        key_dtype, value_dtype: element types.
        fixed: whether it is filled once and cannot be changed afterwards.
        value_shape: shape of one value.
    """

    def __init__(
        self, key_dtype: DType, value_dtype: DType, fixed: bool = False, value_shape: tuple[int, ...] = ()
    ) -> None:
        self.key_dtype = key_dtype
        self.value_dtype = value_dtype
        self.fixed = fixed
        self.value_shape = value_shape
        self.key_shape: tuple[int, ...] = ()
        self.reserved: tuple[Any, ...] = ()
        self.filled = False
        self.lock = threading.Lock()
        self.rows: dict[Any, Any] = {}

    def keys_of(self, keys: Any) -> list[Any]:
        """Keys as they are in `rows`: elements, or tuples where a key is a vector."""
        if not self.key_shape:
            return np.asarray(keys).reshape(-1).tolist() if not isinstance(keys, bytes) else [keys]
        return [tuple(row) for row in np.asarray(keys).reshape((-1, *self.key_shape)).tolist()]

    def values_of(self, values: Any) -> list[Any]:
        array = np.asarray(values, dtype=self.value_dtype.np).reshape((-1, *self.value_shape))
        return array.tolist() if not self.value_shape else list(array)

    def insert(self, keys: Any, values: Any, replace: bool = False) -> None:
        listed, given = self.keys_of(keys), self.values_of(values)
        if len(listed) != len(given):
            raise ValueError(
                f"there must be one value per key, got {len(listed)} keys and {len(given)} values"
            )
        if any(k in self.reserved for k in listed):
            raise ValueError("the empty key and the deleted key cannot be inserted")
        with self.lock:
            if replace:
                self.rows = dict(zip(listed, given, strict=True))
            else:
                self.rows.update(zip(listed, given, strict=True))

    def array(self, values: Iterable[Any], count: int) -> Any:
        """Values as an array, one row each."""
        out = np.empty((count, *self.value_shape), dtype=self.value_dtype.np)
        for position, value in enumerate(values):
            out[position] = value
        return out

    def all_rows(self) -> tuple[Any, Any]:
        with self.lock:
            keys, values = list(self.rows), list(self.rows.values())
        listed = np.empty((len(keys), *self.key_shape), dtype=self.key_dtype.np)
        for position, key in enumerate(keys):
            listed[position] = key
        return listed, self.array(values, len(values))


def _handle(c: KernelContext, kind: str = "table") -> ResourceHandle:
    return ResourceHandle(kind, c.attrs["container"], c.attrs["shared_name"] or c.node.name)


def _made(c: KernelContext, fixed: bool, value_shape: tuple[int, ...] = ()) -> tuple[ResourceHandle, Table]:
    """The handle of the node's table, and the table, which is made where there is none of its name yet."""
    handle = _handle(c)
    fresh = Table(c.attrs["key_dtype"], c.attrs["value_dtype"], fixed, value_shape)
    table = c.runtime.resources.setdefault(handle.key, fresh)
    if (table.key_dtype, table.value_dtype, table.fixed) != (fresh.key_dtype, fresh.value_dtype, fixed):
        raise InvalidArgumentError(
            c.node.name,
            f"{c.node.op} '{c.node.name}': a table of the name {handle.name!r} has other types",
            "",
            c.node.source,
        )
    return handle, table


@kernel("HashTableV2", host=True)
def hash_table(c: KernelContext) -> Any:
    return _made(c, True)[0]


@kernel("MutableHashTableV2", host=True)
def mutable_hash_table(c: KernelContext) -> Any:
    return _made(c, False)[0]


@kernel("MutableHashTableOfTensorsV2", host=True)
def mutable_hash_table_of_tensors(c: KernelContext) -> Any:
    return _made(c, False, c.attrs["value_shape"].known())[0]


@kernel("MutableDenseHashTableV2", host=True)
def mutable_dense_hash_table(c: KernelContext, empty_key: Any, deleted_key: Any) -> Any:
    handle, table = _made(c, False, c.attrs["value_shape"].known())
    table.key_shape = np.shape(empty_key)
    table.reserved = (*table.keys_of(empty_key), *table.keys_of(deleted_key))
    return handle


def _table_of(c: KernelContext, handle: ResourceHandle, *types: DType) -> Table:
    """The table that a handle names; its key and value types must be `types`, as far as given."""
    table = c.runtime.resources.get(handle.key)
    if table is None:
        raise NotFoundError(
            c.node.name, f"there is no table {handle.name!r} on this device", "", c.node.source
        )
    for given, own in zip(types, (table.key_dtype, table.value_dtype), strict=False):
        if given is not own:
            raise InvalidArgumentError(
                c.node.name,
                f"{c.node.op} '{c.node.name}': table {handle.name!r} goes from {table.key_dtype.name} to "
                f"{table.value_dtype.name}, got {', '.join(t.name for t in types)}",
                "",
                c.node.source,
            )
    return table  # type: ignore[no-any-return]


@kernel("LookupTableFindV2", host=True)
def find(c: KernelContext, handle: Any, keys: Any, default_value: Any) -> Any:
    table = _table_of(c, handle, c.in_types[1], c.in_types[2])
    if table.fixed and not table.filled:
        raise FailedPreconditionError(
            c.node.name, f"table {handle.name!r} is not initialized", "", c.node.source
        )
    listed = table.keys_of(keys)
    shape = np.shape(keys)[: np.ndim(keys) - len(table.key_shape)]
    default = default_value if table.value_shape else np.asarray(default_value, dtype=c.out_dtype)[()]
    with table.lock:
        get = table.rows.get
        found = [get(key, default) for key in listed]
    return table.array(found, len(found)).reshape((*shape, *table.value_shape))


@kernel("LookupTableInsertV2", host=True)
def insert(c: KernelContext, handle: Any, keys: Any, values: Any) -> None:
    _changeable(c, handle).insert(keys, values)


@kernel("LookupTableImportV2", host=True)
def import_(c: KernelContext, handle: Any, keys: Any, values: Any) -> None:
    table = _table_of(c, handle, c.in_types[1], c.in_types[2])
    table.insert(keys, values, replace=True)
    table.filled = True


def _changeable(c: KernelContext, handle: Any) -> Table:
    table = _table_of(c, handle, *c.in_types[1:])
    if table.fixed:
        raise InvalidArgumentError(
            c.node.name, f"table {handle.name!r} is filled once and cannot be changed", "", c.node.source
        )
    return table


@kernel("LookupTableRemoveV2", host=True)
def remove(c: KernelContext, handle: Any, keys: Any) -> None:
    table = _changeable(c, handle)
    with table.lock:
        for key in table.keys_of(keys):
            table.rows.pop(key, None)


@kernel("LookupTableSizeV2", host=True)
def size(c: KernelContext, handle: Any) -> Any:
    return np.array(len(_table_of(c, handle).rows), dtype=np.int64)


@kernel("LookupTableExportV2", host=True)
def export(c: KernelContext, handle: Any) -> Any:
    return _table_of(c, handle, *c.out_types).all_rows()


@kernel("InitializeTableV2", host=True)
def initialize(c: KernelContext, handle: Any, keys: Any, values: Any) -> None:
    _fill_once(c, _table_of(c, handle, c.in_types[1], c.in_types[2]), keys, values)


def _fill_once(c: KernelContext, table: Table, keys: Any, values: Any) -> None:
    """Fills a table; a second time only with what it holds already."""
    listed, given = table.keys_of(keys), table.values_of(values)
    rows: dict[Any, Any] = {}
    for key, value in zip(listed, given, strict=True):
        if key in rows and rows[key] != value:
            raise ValueError(f"HashTable has different value for same key: {key!r} is given twice")
        rows[key] = value
    if table.fixed and table.filled:
        if rows != table.rows:
            raise FailedPreconditionError(
                c.node.name, "the table is initialized already, with other contents", "", c.node.source
            )
        return
    table.insert(keys, values)
    table.filled = True


@kernel("InitializeTableFromTextFileV2", host=True)
def initialize_from_file(c: KernelContext, handle: Any, filename: Any) -> None:
    table, path = _table_of(c, handle), Path(scalar(filename).decode())
    try:
        with path.open("rb") as file:
            lines = file.read().splitlines()
    except OSError as error:
        raise NotFoundError(c.node.name, f"{path}: {error.strerror}", "", c.node.source) from None
    keys, values = _columns(c, table, lines[c.attrs["offset"] :], path)
    _fill_once(c, table, keys, values)


def _columns(c: KernelContext, table: Table, lines: list[bytes], path: Path) -> tuple[Any, Any]:
    count = c.attrs["vocab_size"]
    if count != -1:
        if len(lines) < count:
            raise ValueError(f"Invalid vocab_size in {path}: expected {count} but got {len(lines)}")
        lines = lines[:count]
    delimiter = c.attrs["delimiter"].encode()
    key_index, value_index = c.attrs["key_index"], c.attrs["value_index"]
    if max(key_index, value_index) >= 0:
        rows = [line.split(delimiter) for line in lines]
        short = [i for i, row in enumerate(rows) if len(row) <= max(key_index, value_index)]
        if short:
            raise ValueError(f"{path}: line {short[0] + 1} has only {len(rows[short[0]])} columns")
    else:
        rows = [[line] for line in lines]

    def column(index: int, dtype: DType) -> Any:
        if index == _LINE_NUMBER:
            if dtype is not int64:
                raise ValueError(f"line numbers are int64, the table wants {dtype.name}")
            return np.arange(len(lines), dtype=np.int64)
        parts = lines if index == _WHOLE_LINE else [row[index] for row in rows]
        if dtype is string:
            out = np.empty(len(parts), dtype=object)
            out[:] = parts
            return out
        try:
            return np.array([dtype.np.type(p.decode()) for p in parts], dtype=dtype.np)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None

    return column(key_index, table.key_dtype), column(value_index, table.value_dtype)
