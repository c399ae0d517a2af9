"""Lookup tables: from keys to values, held on a device from step to step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..infer import InferContext, free, moves, per_input
from ..opdef import EFFECT, NoGradient, OpDecl, declare
from ..samples import built, sample
from ..shapes import TensorShape
from .strings import texts

__all__ = [
    "HashTableV2",
    "InitializeTableFromTextFileV2",
    "InitializeTableV2",
    "LookupTableExportV2",
    "LookupTableFindV2",
    "LookupTableImportV2",
    "LookupTableInsertV2",
    "LookupTableRemoveV2",
    "LookupTableSizeV2",
    "MutableDenseHashTableV2",
    "MutableHashTableOfTensorsV2",
    "MutableHashTableV2",
]

_NONE = NoGradient("a table is looked up, not computed")

_NAMED = (
    "container: string = ''",
    "shared_name: string = ''",
    "use_node_name_sharing: bool = false",
    "key_dtype: type",
    "value_dtype: type",
)


def _scalar(c: InferContext) -> Sequence[TensorShape]:
    return [TensorShape([])]


def _table(name: str, more: Sequence[str], doc: str, inputs: str = "") -> OpDecl:
    return declare(
        name,
        inputs=inputs,
        outputs="table_handle: resource",
        attrs=(*_NAMED, *more),
        infer=_scalar,
        gradient=_NONE,
        cost=free,
        state=EFFECT,
        samples=list,
        doc=doc,
    )


HashTableV2 = _table("HashTableV2", (), "Handle of a table that is filled once.")
MutableHashTableV2 = _table("MutableHashTableV2", (), "Handle of a table that can be changed.")
MutableHashTableOfTensorsV2 = _table(
    "MutableHashTableOfTensorsV2",
    ("value_shape: shape = { }",),
    "Handle of a table whose values are tensors of one shape.",
)
MutableDenseHashTableV2 = _table(
    "MutableDenseHashTableV2",
    ("value_shape: shape = { }", "initial_num_buckets: int = 131072", "max_load_factor: float = 0.8"),
    "Handle of a table with one key that stands for none and one for a removed one.",
    inputs="empty_key: key_dtype, deleted_key: key_dtype",
)


def sample_table(**attrs: Any) -> Any:
    """An input of a sample row: a table from strings to numbers that can be changed."""
    types = {"key_dtype": "string", "value_dtype": "int64"} | attrs
    return built(lambda: MutableHashTableV2(shared_name="sample", **types))


def _op(
    name: str, inputs: str, outputs: str, attrs: Any, infer: Any, rows: Any, cost: Any, doc: str
) -> OpDecl:
    return declare(
        name,
        inputs=f"table_handle: resource{inputs}",
        outputs=outputs,
        attrs=attrs,
        infer=infer,
        gradient=_NONE,
        cost=cost,
        state=EFFECT,
        samples=rows,
        doc=doc,
    )


_LOOKUP = per_input(16.0)


def _find_shape(c: InferContext) -> Sequence[TensorShape]:
    keys, default = c.shape("keys"), c.shape("default_value")
    if default.rank == 0:
        return [keys]
    # A table of tensors gives a value per key; one whose keys are vectors drops the last dimension.
    return [TensorShape(None)]


LookupTableFindV2 = _op(
    "LookupTableFindV2",
    ", keys: Tin, default_value: Tout",
    "values: Tout",
    ("Tin: type", "Tout: type"),
    _find_shape,
    lambda: [
        sample(sample_table(), texts(b"a", b"b"), np.int64(-1)),
        sample(sample_table(), texts([[b"a"], [b"b"]]), np.int64(7)),
        sample(sample_table(value_dtype="float32"), texts(b"a", b"b"), np.float32(1.5), grad=()),
    ],
    _LOOKUP,
    "The values of keys; a default for keys that the table does not have.",
)


def _key_values(c: InferContext) -> Sequence[TensorShape]:
    keys, values = c.shape("keys"), c.shape("values")
    if keys.rank is not None and values.rank is not None and keys.rank <= 1:
        c.merge(values[: keys.rank], keys, "there must be one value per key")
    return []


def _writes(name: str, types: tuple[str, str], doc: str) -> OpDecl:
    return _op(
        name,
        f", keys: {types[0]}, values: {types[1]}",
        "",
        tuple(f"{t}: type" for t in types),
        _key_values,
        lambda: [sample(sample_table(), texts(b"a", b"b"), np.array([1, 2], np.int64))],
        _LOOKUP,
        doc,
    )


InitializeTableV2 = _writes("InitializeTableV2", ("Tkey", "Tval"), "Fills a table that is still empty.")
LookupTableInsertV2 = _writes("LookupTableInsertV2", ("Tin", "Tout"), "Sets the values of keys.")
LookupTableImportV2 = _writes("LookupTableImportV2", ("Tin", "Tout"), "Replaces all that is in a table.")

LookupTableRemoveV2 = _op(
    "LookupTableRemoveV2",
    ", keys: Tin",
    "",
    "Tin: type",
    lambda c: [],
    lambda: [sample(sample_table(), texts(b"a", b"b"))],
    _LOOKUP,
    "Removes keys; those that the table does not have are passed over.",
)

LookupTableSizeV2 = _op(
    "LookupTableSizeV2",
    "",
    "size: int64",
    "",
    _scalar,
    lambda: [sample(sample_table())],
    free,
    "Number of keys of a table.",
)

LookupTableExportV2 = _op(
    "LookupTableExportV2",
    "",
    "keys: Tkeys, values: Tvalues",
    ("Tkeys: type", "Tvalues: type"),
    lambda c: [TensorShape(None), TensorShape(None)],
    lambda: [sample(sample_table(), Tkeys="string", Tvalues="int64")],
    moves,
    "All keys and values of a table, in no particular order.",
)

InitializeTableFromTextFileV2 = _op(
    "InitializeTableFromTextFileV2",
    ", filename: string",
    "",
    (
        "key_index: int >= -2",
        "value_index: int >= -2",
        "vocab_size: int >= -1 = -1",
        "delimiter: string = '\t'",
        "offset: int = 0",
    ),
    lambda c: [],
    list,
    _LOOKUP,
    "Fills a table from the lines of a file.",
)
