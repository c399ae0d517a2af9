"""`tf.lookup`: tables from keys to values that are held on a device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .control_flow import group, no_op
from .graph import dtypes
from .graph.convert import convert_to_tensor
from .graph.default_graph import get_default_graph, name_scope
from .graph.dtypes import DType, as_dtype
from .graph.elements import Operation, Tensor
from .graph.graph_keys import GraphKeys
from .graph.ops import tables as ops
from .graph.sparse_tensor import SparseTensor
from .string_ops import as_string, string_to_hash_bucket_fast, string_to_hash_bucket_strong

__all__ = [
    "FastHashSpec",
    "HasherSpec",
    "IdTableWithHashBuckets",
    "KeyValueTensorInitializer",
    "MutableDenseHashTable",
    "MutableHashTable",
    "StaticHashTable",
    "StaticVocabularyTable",
    "StrongHashSpec",
    "TextFileIndex",
    "TextFileInitializer",
    "index_table_from_file",
    "index_table_from_tensor",
    "index_to_string_table_from_file",
    "index_to_string_table_from_tensor",
    "initialize_all_tables",
    "tables_initializer",
]


class TextFileIndex:
    """Which part of a line is a key or a value, besides the numbers of columns."""

    WHOLE_LINE = -2
    LINE_NUMBER = -1


class KeyValueTensorInitializer:
    """Fills a table from a tensor of keys and one of values.

    Args:
        keys, values: tensors of one shape.
        key_dtype, value_dtype: their element types, where the tensors do not tell.
        name: name of the op.
    """

    def __init__(
        self, keys: Any, values: Any, key_dtype: Any = None, value_dtype: Any = None, name: str | None = None
    ) -> None:
        with name_scope(name, "key_value_init") as scope:
            self._keys = convert_to_tensor(keys, key_dtype, name="keys")
            self._values = convert_to_tensor(values, value_dtype, name="values")
        self._name = scope
        self.key_dtype: DType = self._keys.dtype
        self.value_dtype: DType = self._values.dtype

    def initialize(self, table: Any) -> Operation:
        """The operation that fills `table`."""
        _check_types(table, self)
        with name_scope(self._name):
            made: Operation = ops.InitializeTableV2(table.resource_handle, self._keys, self._values)
        get_default_graph().add_to_collection(GraphKeys.TABLE_INITIALIZERS, made)
        return made


class TextFileInitializer:
    """Fills a table from the lines of a file.

    Args:
        filename: path of the file; may be a tensor.
        key_dtype: type of the keys: int64 for line numbers.
        key_index: `TextFileIndex.WHOLE_LINE`, `LINE_NUMBER`, or the number of a column.
        value_dtype, value_index: the same for the values.
        vocab_size: number of lines that are read; all by default.
        delimiter: what stands between columns.
        name: name of the op.
    """

    def __init__(
        self,
        filename: Any,
        key_dtype: Any,
        key_index: int,
        value_dtype: Any,
        value_index: int,
        vocab_size: int | None = None,
        delimiter: str = "\t",
        name: str | None = None,
    ) -> None:
        self.key_dtype, self.value_dtype = as_dtype(key_dtype), as_dtype(value_dtype)
        self._columns = {"key_index": key_index, "value_index": value_index}
        for label, index, dtype in (
            ("key", key_index, self.key_dtype),
            ("value", value_index, self.value_dtype),
        ):
            if index < -2:
                raise ValueError(f"Invalid {label} index {index}.")
            if index == TextFileIndex.LINE_NUMBER and dtype is not dtypes.int64:
                raise ValueError(f"{label} must be int64 to hold line numbers, got {dtype.name}.")
            if index == TextFileIndex.WHOLE_LINE and not (dtype.is_integer or dtype is dtypes.string):
                raise ValueError(f"{label} must be an integer or a string for whole lines, got {dtype.name}.")
        if vocab_size is not None and vocab_size < 1:
            raise ValueError(f"Invalid vocab_size {vocab_size}.")
        self._vocab_size = -1 if vocab_size is None else vocab_size
        self._delimiter = delimiter
        self._name = name
        self._filename = filename

    def initialize(self, table: Any) -> Operation:
        """The operation that fills `table`."""
        _check_types(table, self)
        with name_scope(self._name, "text_file_init"):
            filename = convert_to_tensor(self._filename, dtypes.string, name="asset_filepath")
            made: Operation = ops.InitializeTableFromTextFileV2(
                table.resource_handle,
                filename,
                vocab_size=self._vocab_size,
                delimiter=self._delimiter,
                **self._columns,
            )
        graph = get_default_graph()
        graph.add_to_collection(GraphKeys.TABLE_INITIALIZERS, made)
        graph.add_to_collection(GraphKeys.ASSET_FILEPATHS, filename)
        return made


def _check_types(table: Any, initializer: Any) -> None:
    for label in ("key_dtype", "value_dtype"):
        if getattr(table, label) is not getattr(initializer, label):
            raise TypeError(
                f"Invalid {label} for the table: expected {getattr(table, label).name}, got "
                f"{getattr(initializer, label).name}"
            )


class _Table:
    """What all tables have: a handle, types, a default value."""

    key_dtype: DType
    value_dtype: DType
    resource_handle: Tensor
    default_value: Tensor
    _name: str

    @property
    def name(self) -> str:
        return self._name

    def size(self, name: str | None = None) -> Tensor:
        """Number of keys, as an int64 scalar."""
        with name_scope(name, f"{self._name}_Size") as scope:
            return ops.LookupTableSizeV2(self.resource_handle, name=scope)  # type: ignore[no-any-return]

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        """The values of keys; the default value for those that the table does not have.

        Args:
            keys: a tensor, or a `SparseTensor`, which gives one with the same indices.
            name: name of the op.

        Raises:
            TypeError: the keys are of another type than the table's.
        """
        values = keys.values if isinstance(keys, SparseTensor) else convert_to_tensor(keys, name="keys")
        if values.dtype is not self.key_dtype:
            raise TypeError(
                f"Signature mismatch. Keys must be dtype {self.key_dtype.name}, got {values.dtype.name}."
            )
        with name_scope(name, f"{self._name}_Lookup") as scope:
            found = ops.LookupTableFindV2(self.resource_handle, values, self.default_value, name=scope)
        self._know_shape(found, values)
        return keys.with_values(found) if isinstance(keys, SparseTensor) else found

    def _know_shape(self, found: Tensor, keys: Tensor) -> None:
        found.set_shape(keys.shape.concatenate(self.default_value.shape))

    def export(self, name: str | None = None) -> Any:
        """All keys and values, as `(keys, values)`."""
        with name_scope(name, f"{self._name}_lookup_table_export_values") as scope:
            return ops.LookupTableExportV2(
                self.resource_handle, Tkeys=self.key_dtype, Tvalues=self.value_dtype, name=scope
            )


class StaticHashTable(_Table):
    """A table that an initializer fills once.

    Args:
        initializer: `KeyValueTensorInitializer` or `TextFileInitializer`.
        default_value: what is found for a missing key; scalar.
        shared_name: name by which other graphs find the table.
        name: name of the op.
    """

    def __init__(
        self,
        initializer: Any,
        default_value: Any,
        shared_name: str | None = None,
        name: str | None = None,
    ) -> None:
        self.key_dtype, self.value_dtype = initializer.key_dtype, initializer.value_dtype
        with name_scope(name, "hash_table") as scope:
            self._name = scope.rstrip("/").rpartition("/")[2]
            self.default_value = convert_to_tensor(default_value, self.value_dtype, name="Const")
            self.resource_handle = ops.HashTableV2(
                shared_name=shared_name or "",
                use_node_name_sharing=True,
                key_dtype=self.key_dtype,
                value_dtype=self.value_dtype,
                name=scope,
            )
        self._initializer = initializer.initialize(self)

    @property
    def initializer(self) -> Operation:
        return self._initializer

    init = initializer


class _Changeable(_Table):
    def insert(self, keys: Any, values: Any, name: str | None = None) -> Operation:
        """The operation that sets the values of keys."""
        given = convert_to_tensor(keys, self.key_dtype, name="keys")
        with name_scope(name, f"{self._name}_lookup_table_insert") as scope:
            made: Operation = ops.LookupTableInsertV2(
                self.resource_handle,
                given,
                convert_to_tensor(values, self.value_dtype, name="values"),
                name=scope,
            )
        return made

    def remove(self, keys: Any, name: str | None = None) -> Operation:
        """The operation that removes keys."""
        given = convert_to_tensor(keys, self.key_dtype, name="keys")
        with name_scope(name, f"{self._name}_lookup_table_remove") as scope:
            made: Operation = ops.LookupTableRemoveV2(self.resource_handle, given, name=scope)
        return made


class MutableHashTable(_Changeable):
    """A table that steps change.

    Args:
        key_dtype, value_dtype: element types.
        default_value: what is found for a missing key; its shape is that of all values.
        shared_name: name by which other graphs find the table.
        name: name of the op.
        checkpoint: accepted for TensorFlow's sake; tables are not part of checkpoints.
    """

    def __init__(
        self,
        key_dtype: Any,
        value_dtype: Any,
        default_value: Any,
        shared_name: str | None = None,
        name: str = "MutableHashTable",
        checkpoint: bool = True,
    ) -> None:
        del checkpoint
        self.key_dtype, self.value_dtype = as_dtype(key_dtype), as_dtype(value_dtype)
        with name_scope(name) as scope:
            self._name = scope.rstrip("/").rpartition("/")[2]
            self.default_value = convert_to_tensor(default_value, self.value_dtype, name="Const")
            common: dict[str, Any] = {
                "shared_name": shared_name or "",
                "use_node_name_sharing": True,
                "key_dtype": self.key_dtype,
                "value_dtype": self.value_dtype,
                "name": scope,
            }
            if self.default_value.shape.rank == 0:
                self.resource_handle = ops.MutableHashTableV2(**common)
            else:
                shape = self.default_value.shape
                self.resource_handle = ops.MutableHashTableOfTensorsV2(value_shape=shape, **common)


class MutableDenseHashTable(_Changeable):
    """A table that steps change, whose keys may be vectors.

    Args:
        key_dtype, value_dtype: element types.
        default_value: what is found for a missing key; its shape is that of all values.
        empty_key, deleted_key: two keys that are never used; their shape is that of all keys.
        initial_num_buckets: accepted for TensorFlow's sake.
        shared_name: name by which other graphs find the table.
        name: name of the op.
        checkpoint: accepted for TensorFlow's sake; tables are not part of checkpoints.
    """

    def __init__(
        self,
        key_dtype: Any,
        value_dtype: Any,
        default_value: Any,
        empty_key: Any,
        deleted_key: Any,
        initial_num_buckets: int | None = None,
        shared_name: str | None = None,
        name: str = "MutableDenseHashTable",
        checkpoint: bool = True,
    ) -> None:
        del checkpoint
        self.key_dtype, self.value_dtype = as_dtype(key_dtype), as_dtype(value_dtype)
        with name_scope(name) as scope:
            self._name = scope.rstrip("/").rpartition("/")[2]
            self.default_value = convert_to_tensor(default_value, self.value_dtype, name="default_value")
            empty = convert_to_tensor(empty_key, self.key_dtype, name="empty_key")
            self._key_rank = empty.shape.rank or 0
            self.resource_handle = ops.MutableDenseHashTableV2(
                empty,
                convert_to_tensor(deleted_key, self.key_dtype, name="deleted_key"),
                shared_name=shared_name or "",
                use_node_name_sharing=True,
                key_dtype=self.key_dtype,
                value_dtype=self.value_dtype,
                value_shape=self.default_value.shape,
                initial_num_buckets=initial_num_buckets or 131072,
                name=scope,
            )

    def _know_shape(self, found: Tensor, keys: Tensor) -> None:
        if keys.shape.rank is not None:
            lead = keys.shape[: len(keys.shape) - self._key_rank]
            found.set_shape(lead.concatenate(self.default_value.shape))


class HasherSpec:
    """A hash for keys that a table does not have.

    Args:
        hasher: "fasthash" or "stronghash".
        key: two numbers, for "stronghash".
    """

    def __init__(self, hasher: str, key: Sequence[int] | None) -> None:
        self.hasher = hasher
        self.key = None if key is None else list(key)


FastHashSpec = HasherSpec("fasthash", None)
"""FarmHash64."""


class StrongHashSpec(HasherSpec):
    """SipHash under a key of two numbers.

    Args:
        key: two whole numbers.
    """

    def __init__(self, key: Sequence[int]) -> None:
        if len(key) != 2 or not all(isinstance(k, (int, np.integer)) for k in key):
            raise TypeError(f"Invalid key {key}. Must be a list of two integers.")
        super().__init__("stronghash", key)


class IdTableWithHashBuckets:
    """A table of ids that gives keys which it does not have an id behind its own, by hash.

    Args:
        table: a table from keys to int64 ids; None where all keys are hashed.
        num_oov_buckets: number of ids for other keys.
        hasher_spec: `FastHashSpec` or a `StrongHashSpec`.
        name: name scope of lookups.
        key_dtype: type of the keys; that of the table by default.
    """

    def __init__(
        self,
        table: Any,
        num_oov_buckets: int,
        hasher_spec: HasherSpec = FastHashSpec,
        name: str | None = None,
        key_dtype: Any = None,
    ) -> None:
        if table is None and num_oov_buckets <= 0:
            raise ValueError("table and num_oov_buckets: at least one of them must be set.")
        own = dtypes.string if table is None else table.key_dtype
        self.key_dtype = own if key_dtype is None else as_dtype(key_dtype)
        if self.key_dtype not in (dtypes.string, dtypes.int64, dtypes.int32):
            raise TypeError(f"Invalid key type {self.key_dtype.name}: must be string or an integer.")
        self.value_dtype = dtypes.int64
        self._table = table
        self._buckets = num_oov_buckets
        self._hasher = hasher_spec
        self._name = (name or "hash_bucket").rpartition("/")[2]

    @property
    def name(self) -> str:
        return self._name

    @property
    def initializer(self) -> Operation:
        return no_op() if self._table is None else self._table.initializer

    init = initializer

    @property
    def resource_handle(self) -> Tensor | None:
        return None if self._table is None else self._table.resource_handle

    def size(self, name: str | None = None) -> Tensor:
        """Number of ids, as an int64 scalar."""
        with name_scope(name, f"{self._name}_Size"):
            own = convert_to_tensor(np.int64(0)) if self._table is None else self._table.size()
            return own + np.int64(max(0, self._buckets))

    def _hashed(self, keys: Tensor) -> Tensor:
        text = keys if keys.dtype is dtypes.string else as_string(keys)
        if self._hasher.hasher == "stronghash":
            return string_to_hash_bucket_strong(text, self._buckets, self._hasher.key)
        return string_to_hash_bucket_fast(text, self._buckets)

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        """The ids of keys: a tensor, or a `SparseTensor`, which gives one with the same indices."""
        from .array import where
        from .graph.ops.compare import NotEqual
        from .graph.ops.math import Cast

        values = keys.values if isinstance(keys, SparseTensor) else convert_to_tensor(keys, name="keys")
        if values.dtype is not self.key_dtype:
            raise TypeError(
                f"Signature mismatch. Keys must be dtype {self.key_dtype.name}, got {values.dtype.name}."
            )
        with name_scope(name, f"{self._name}_Lookup"):
            if self._table is not None and self._table.key_dtype is not values.dtype:
                values = Cast(values, DstT=self._table.key_dtype)
            if self._buckets == 0:
                ids = self._table.lookup(values)
            else:
                ids = self._hashed(values)
                if self._table is not None:
                    known = self._table.lookup(values)
                    ids = where(NotEqual(known, self._table.default_value), known, ids + self._table.size())
        return keys.with_values(ids) if isinstance(keys, SparseTensor) else ids


class StaticVocabularyTable(IdTableWithHashBuckets):
    """A vocabulary with ids for its own words, and for others by hash.

    Args:
        initializer: what fills the vocabulary; None where all words are hashed.
        num_oov_buckets: number of ids for other words; at least 1.
        lookup_key_dtype: type of the words; that of the initializer by default.
        name: name of the op.
    """

    def __init__(
        self,
        initializer: Any,
        num_oov_buckets: int,
        lookup_key_dtype: Any = None,
        name: str | None = None,
    ) -> None:
        if num_oov_buckets <= 0:
            raise ValueError("oov_buckets must be > 0.")
        if initializer is not None and initializer.value_dtype is not dtypes.int64:
            raise TypeError(f"Invalid value dtype {initializer.value_dtype.name}: must be int64.")
        table = None if initializer is None else StaticHashTable(initializer, -1, name=name)
        super().__init__(table, num_oov_buckets, name=name, key_dtype=lookup_key_dtype)


def index_table_from_file(
    vocabulary_file: Any = None,
    num_oov_buckets: int = 0,
    vocab_size: int | None = None,
    default_value: int = -1,
    hasher_spec: HasherSpec = FastHashSpec,
    key_dtype: Any = dtypes.string,
    name: str | None = None,
    key_column_index: int = TextFileIndex.WHOLE_LINE,
    value_column_index: int = TextFileIndex.LINE_NUMBER,
    delimiter: str = "\t",
) -> Any:
    """A table from the lines of a file to their numbers.

    Args:
        vocabulary_file: path of the file.
        num_oov_buckets: number of ids for other keys, by hash; they follow those of the file.
        vocab_size: number of lines that are read; all by default.
        default_value: id of other keys, where `num_oov_buckets` is 0.
        hasher_spec: the hash for other keys.
        key_dtype: type of the keys, string or an integer.
        name: name of the op.
        key_column_index, value_column_index: see `TextFileInitializer`.
        delimiter: what stands between columns.

    Raises:
        ValueError: there is no file name, or a number is negative.
    """
    if vocabulary_file is None or (isinstance(vocabulary_file, str) and not vocabulary_file):
        raise ValueError("vocabulary_file must be specified and must not be empty.")
    if num_oov_buckets < 0:
        raise ValueError(f"num_oov_buckets must be greater or equal than 0, got {num_oov_buckets}.")
    wanted = as_dtype(key_dtype)
    with name_scope(name, "string_to_index"):
        initializer = TextFileInitializer(
            vocabulary_file,
            dtypes.int64 if wanted.is_integer else wanted,
            key_column_index,
            dtypes.int64,
            value_column_index,
            vocab_size,
            delimiter,
        )
        table = StaticHashTable(initializer, default_value)
        if num_oov_buckets or wanted is not table.key_dtype:
            return IdTableWithHashBuckets(table, num_oov_buckets, hasher_spec, key_dtype=wanted)
        return table


def index_table_from_tensor(
    vocabulary_list: Any = None,
    num_oov_buckets: int = 0,
    default_value: int = -1,
    hasher_spec: HasherSpec = FastHashSpec,
    dtype: Any = dtypes.string,
    name: str | None = None,
    mapping: Any = None,
) -> Any:
    """A table from the elements of a vector to their places in it.

    Args:
        vocabulary_list: the keys.
        num_oov_buckets: number of ids for other keys, by hash; they follow those of the vector.
        default_value: id of other keys, where `num_oov_buckets` is 0.
        hasher_spec: the hash for other keys.
        dtype: type of the keys, string or an integer.
        name: name of the op.
        mapping: old name of `vocabulary_list`.
    """
    given = vocabulary_list if mapping is None else mapping
    if given is None:
        raise ValueError("vocabulary_list must be specified.")
    if num_oov_buckets < 0:
        raise ValueError(f"num_oov_buckets must be greater or equal than 0, got {num_oov_buckets}.")
    wanted = as_dtype(dtype)
    with name_scope(name, "string_to_index"):
        keys = convert_to_tensor(given)
        if keys.dtype.is_integer != wanted.is_integer:
            raise TypeError(f"Expected keys of {wanted.name}, got {keys.dtype.name}.")
        if keys.dtype.is_integer and keys.dtype is not dtypes.int64:
            from .graph.ops.math import Cast

            keys = Cast(keys, DstT=dtypes.int64)
        table = StaticHashTable(KeyValueTensorInitializer(keys, _places(keys)), default_value)
        if num_oov_buckets or wanted is not table.key_dtype:
            return IdTableWithHashBuckets(table, num_oov_buckets, hasher_spec, key_dtype=wanted)
        return table


def _places(keys: Tensor) -> Tensor:
    from .filling import range as range_
    from .shaping import size

    return range_(size(keys, out_type=dtypes.int64), dtype=dtypes.int64)


def index_to_string_table_from_file(
    vocabulary_file: Any,
    vocab_size: int | None = None,
    default_value: Any = "UNK",
    name: str | None = None,
    key_column_index: int = TextFileIndex.LINE_NUMBER,
    value_column_index: int = TextFileIndex.WHOLE_LINE,
    delimiter: str = "\t",
) -> StaticHashTable:
    """A table from numbers to the lines of a file; arguments as for `index_table_from_file`."""
    if isinstance(vocabulary_file, str) and not vocabulary_file:
        raise ValueError("vocabulary_file must be specified and must not be empty.")
    with name_scope(name, "index_to_string"):
        initializer = TextFileInitializer(
            vocabulary_file,
            dtypes.int64,
            key_column_index,
            dtypes.string,
            value_column_index,
            vocab_size,
            delimiter,
        )
        return StaticHashTable(initializer, default_value)


def index_to_string_table_from_tensor(
    vocabulary_list: Any, default_value: Any = "UNK", name: str | None = None, mapping: Any = None
) -> StaticHashTable:
    """A table from places to the strings of a vector.

    Args:
        vocabulary_list: string tensor of the words.
        default_value: what stands for what is missing.
        mapping: old name of it.
    """
    given = vocabulary_list if mapping is None else mapping
    with name_scope(name, "index_to_string"):
        values = convert_to_tensor(given, dtypes.string)
        return StaticHashTable(KeyValueTensorInitializer(_places(values), values), default_value)


def tables_initializer(name: str = "init_all_tables") -> Operation:
    """One operation that fills all tables of the default graph."""
    initializers = get_default_graph().get_collection(GraphKeys.TABLE_INITIALIZERS)
    made: Operation = group(*initializers, name=name) if initializers else no_op(name=name)
    return made


initialize_all_tables = tables_initializer
