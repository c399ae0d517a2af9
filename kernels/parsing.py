"""Text and messages as tensors; declared in `graph/ops/parsing.py`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..graph.dtypes import DType
from ..graph.errors import DataLossError, InvalidArgumentError
from ..graph.shapes import TensorShape
from .files.example import Feature, encode_example, read_example, read_sequence_example
from .io import scalar_string, text_of, texts_of
from .registry import KernelContext, kernel

Array = np.ndarray[Any, Any]

_KIND = {"float32": "float", "int64": "int64", "string": "bytes"}


@dataclass(frozen=True)
class _Dense:
    """A feature that becomes a dense tensor.

    Attributes:
        key: its name.
        dtype: element type.
        shape: of one example; the first size unknown for a feature of any length.
        default: used where an example lacks it; empty where none may. For a feature of any length what pads it.
    """

    key: str
    dtype: DType
    shape: TensorShape
    default: Array

    @property
    def variable(self) -> bool:
        return bool(len(self.shape)) and self.shape[0] is None


def _fail(c: KernelContext, message: str) -> InvalidArgumentError:
    return InvalidArgumentError(c.node.name, message, "", c.node.source)


def _values(c: KernelContext, key: str, dtype: DType, feature: Feature | None, where: str) -> Any:
    """A feature's values; None where there is none."""
    if feature is None or not feature[0]:
        return None
    kind, values = feature
    if kind != _KIND[dtype.name]:
        raise _fail(c, f"{where}, Key: {key}: the data are {kind}, expected is {dtype.name}")
    return values


def _array(values: Any, dtype: DType) -> Array:
    if dtype.kind != "s":
        return np.asarray(values, dtype.np)
    result = np.empty(len(values), object)
    result[:] = values
    return result


def _dense_value(c: KernelContext, spec: _Dense, feature: Feature | None, where: str) -> Array:
    values = _values(c, spec.key, spec.dtype, feature, where)
    if spec.variable:
        row = int(spec.shape[1:].num_elements() or 0)
        flat = _array([] if values is None else values, spec.dtype)
        if row == 0 or flat.size % row:
            raise _fail(c, f"{where}, Key: {spec.key}: {flat.size} values do not make rows of {row}")
        return flat.reshape(-1, *spec.shape[1:].known())
    if values is None:
        if not spec.default.size and spec.shape.num_elements():
            raise _fail(
                c, f"{where}, Feature: {spec.key} (data type: {spec.dtype.name}) is required but missing"
            )
        return np.broadcast_to(spec.default, spec.shape.known())
    if len(values) != spec.shape.num_elements():
        raise _fail(
            c, f"{where}, Key: {spec.key}: {len(values)} values, expected are {spec.shape.num_elements()} "
            f"for shape {spec.shape}",
        )  # fmt: skip
    return _array(values, spec.dtype).reshape(spec.shape.known())


def _stacked(spec: _Dense, rows: Sequence[Array]) -> Array:
    """One array of the values of all examples."""
    if not spec.variable:
        return np.stack(rows) if rows else np.empty((0, *spec.shape.known()), spec.dtype.np)
    longest = max((len(r) for r in rows), default=0)
    blank: Any = b"" if spec.dtype.kind == "s" else 0
    fill = spec.default.reshape(-1)[0] if spec.default.size else blank
    result = np.full((len(rows), longest, *spec.shape[1:].known()), fill, spec.dtype.np)
    for target, row in zip(result, rows, strict=True):
        target[: len(row)] = row
    return result


def _sparse_batch(rows: Sequence[Any], dtype: DType) -> tuple[Array, Array, Array]:
    """Indices, values and shape of the sparse tensor that has one row per example."""
    lengths = [0 if r is None else len(r) for r in rows]
    total = sum(lengths)
    indices = np.empty((total, 2), np.int64)
    indices[:, 0] = np.repeat(np.arange(len(rows)), lengths)
    indices[:, 1] = np.concatenate([np.arange(n) for n in lengths]) if total else []
    values = _joined(rows, dtype)
    return indices, values, np.array([len(rows), max(lengths, default=0)], np.int64)


def _joined(rows: Iterable[Any], dtype: DType) -> Array:
    return _array([v for r in rows if r is not None for v in r], dtype)


def _read_all(c: KernelContext, serialized: Array, names: Sequence[str]) -> tuple[list[Any], list[str]]:
    """The examples' features, and how messages name each of them."""
    parsed, where = [], []
    for i, data in enumerate(serialized.reshape(-1)):
        label = f"Name: {names[i]}, Index: {i}" if i < len(names) else f"Index: {i}"
        try:
            parsed.append(read_example(data))
        except DataLossError as error:
            raise _fail(c, f"Could not parse example input ({label}): {error.message}") from None
        where.append(label)
    return parsed, where


def _parse_batch(
    c: KernelContext,
    serialized: Any,
    names: Any,
    sparse: Sequence[tuple[str, DType]],
    dense: Sequence[_Dense],
    ragged: Sequence[tuple[str, DType, DType]] = (),
) -> tuple[Any, ...]:
    """All outputs of a parsing op."""
    array = np.asarray(serialized, object)
    examples, where = _read_all(c, array, texts_of(names))

    def column(key: str, dtype: DType) -> list[Any]:
        return [_values(c, key, dtype, e.get(key), w) for e, w in zip(examples, where, strict=True)]

    single = array.ndim == 0
    indices, values, shapes = [], [], []
    for key, dtype in sparse:
        made = _sparse_batch(column(key, dtype), dtype)
        indices.append(made[0][:, 1:] if single else made[0])
        values.append(made[1])
        shapes.append(made[2][1:] if single else made[2])
    denses = []
    for spec in dense:
        rows = [_dense_value(c, spec, e.get(spec.key), w) for e, w in zip(examples, where, strict=True)]
        denses.append(rows[0].copy() if single else _stacked(spec, rows))
    flat, splits = [], []
    for key, dtype, split_type in ragged:
        rows = column(key, dtype)
        flat.append(_joined(rows, dtype))
        ends = np.cumsum([0, *(0 if r is None else len(r) for r in rows)])
        splits.append(np.empty(0, split_type.np) if single else ends.astype(split_type.np))
    return (*indices, *values, *shapes, *denses, *flat, *splits)


def _dense_specs(c: KernelContext, keys: Sequence[str], defaults: Sequence[Any]) -> list[_Dense]:
    rows = zip(keys, c.attrs["Tdense"], c.attrs["dense_shapes"], defaults, strict=True)
    return [_Dense(k, t, s, np.asarray(d)) for k, t, s, d in rows]


@kernel("ParseExample", host=True)
def parse_example(c: KernelContext, serialized: Any, names: Any, *rest: Any) -> Any:
    sparse, dense = c.attrs["Nsparse"], c.attrs["Ndense"]
    keys = [text_of(k) for k in rest[: sparse + dense]]
    specs = list(zip(keys[:sparse], c.attrs["sparse_types"], strict=True))
    return _parse_batch(c, serialized, names, specs, _dense_specs(c, keys[sparse:], rest[sparse + dense :]))


@kernel("ParseExampleV2", host=True)
def parse_example_v2(
    c: KernelContext,
    serialized: Any,
    names: Any,
    sparse_keys: Any,
    dense_keys: Any,
    ragged_keys: Any,
    *defaults: Any,
) -> Any:
    sparse = list(zip(texts_of(sparse_keys), c.attrs["sparse_types"], strict=True))
    ragged = list(
        zip(texts_of(ragged_keys), c.attrs["ragged_value_types"], c.attrs["ragged_split_types"], strict=True)
    )
    dense = _dense_specs(c, texts_of(dense_keys), defaults)
    return _parse_batch(c, serialized, names, sparse, dense, ragged)


@kernel("ParseSingleExample", host=True)
def parse_single_example(c: KernelContext, serialized: Any, *defaults: Any) -> Any:
    sparse = list(zip(c.attrs["sparse_keys"], c.attrs["sparse_types"], strict=True))
    dense = _dense_specs(c, c.attrs["dense_keys"], defaults)
    scalar = np.empty((), object)
    scalar[()] = serialized.item() if isinstance(serialized, np.ndarray) else serialized
    return _parse_batch(c, scalar, [], sparse, dense)


@kernel("ParseSingleSequenceExample", host=True)
def parse_single_sequence_example(c: KernelContext, serialized: Any, missing_empty: Any, *rest: Any) -> Any:
    a = c.attrs
    counts = [
        a[n] for n in ("Ncontext_sparse", "Ncontext_dense", "Nfeature_list_sparse", "Nfeature_list_dense")
    ]
    keys: list[list[str]] = []
    position = 0
    for count in counts:
        keys.append([text_of(k) for k in rest[position : position + count]])
        position += count
    defaults = rest[position : position + len(a["Tcontext_dense"])]
    where = f"Name: {text_of(rest[-1])}"
    data = serialized.item() if isinstance(serialized, np.ndarray) else serialized
    try:
        context, lists = read_sequence_example(data)
    except DataLossError as error:
        raise _fail(c, f"Could not parse sequence example input ({where}): {error.message}") from None
    indices, values, shapes = _single_sparse(c, context, keys[0], a["context_sparse_types"], where)
    rows = zip(keys[1], a["Tcontext_dense"], a["context_dense_shapes"], defaults, strict=True)
    denses = [
        np.array(_dense_value(c, _Dense(k, t, s, np.asarray(d)), context.get(k), where))
        for k, t, s, d in rows
    ]
    steps = _sequence_sparse(c, lists, keys[2], a["feature_list_sparse_types"], where)
    allowed = set(texts_of(missing_empty))
    series = [
        _sequence_dense(c, lists.get(k), k, t, s, k in allowed, where)
        for k, t, s in zip(
            keys[3], a["feature_list_dense_types"], a["feature_list_dense_shapes"], strict=True
        )
    ]
    return (*indices, *values, *shapes, *denses, *steps[0], *steps[1], *steps[2], *series)


def _single_sparse(
    c: KernelContext, features: Any, keys: Sequence[str], types: Sequence[DType], where: str
) -> tuple[list[Any], list[Any], list[Any]]:
    indices, values, shapes = [], [], []
    for key, dtype in zip(keys, types, strict=True):
        made = _sparse_batch([_values(c, key, dtype, features.get(key), where)], dtype)
        indices.append(made[0][:, 1:])
        values.append(made[1])
        shapes.append(made[2][1:])
    return indices, values, shapes


def _sequence_sparse(
    c: KernelContext, lists: Any, keys: Sequence[str], types: Sequence[DType], where: str
) -> tuple[list[Any], list[Any], list[Any]]:
    indices, values, shapes = [], [], []
    for key, dtype in zip(keys, types, strict=True):
        rows = [_values(c, key, dtype, f, where) for f in lists.get(key, ())]
        made = _sparse_batch(rows, dtype)
        indices.append(made[0])
        values.append(made[1])
        shapes.append(made[2])
    return indices, values, shapes


def _sequence_dense(
    c: KernelContext, found: Any, key: str, dtype: DType, shape: TensorShape, may_miss: bool, where: str
) -> Array:
    if found is None:
        if not may_miss:
            raise _fail(c, f"{where}, Feature list '{key}' is required but missing")
        found = []
    spec = _Dense(key, dtype, shape, np.empty(0, dtype.np))
    rows = [_dense_value(c, spec, f, f"{where}, Step: {i}") for i, f in enumerate(found)]
    return np.stack(rows) if rows else np.empty((0, *(d or 0 for d in shape)), dtype.np)


_NUMBERS = {"int32": int, "int64": int, "float32": float, "float64": float}


@kernel("DecodeCSV", host=True)
def decode_csv(c: KernelContext, records: Any, *defaults: Any) -> Any:
    a = c.attrs
    types, delimiter = a["OUT_TYPE"], str(a["field_delim"])
    if len(delimiter) != 1:
        raise _fail(c, f"field_delim must be one character, got {delimiter!r}")
    lines = np.asarray(records, object)
    columns = [np.empty(lines.size, t.np) for t in types]
    chosen = list(a["select_cols"])
    for i, line in enumerate(lines.reshape(-1)):
        found = _split(c, line, delimiter.encode(), a["use_quote_delim"], i)
        if chosen:
            if max(chosen) >= len(found):
                raise _fail(
                    c, f"Expect at least {max(chosen) + 1} fields but have {len(found)} in record {i}"
                )
            found = [found[k] for k in chosen]
        if len(found) != len(types):
            raise _fail(c, f"Expect {len(types)} fields but have {len(found)} in record {i}")
        for j, (text, dtype) in enumerate(zip(found, types, strict=True)):
            columns[j][i] = _field(c, text, dtype, defaults[j], str(a["na_value"]).encode(), i, j)
    return tuple(column.reshape(lines.shape) for column in columns)


def _field(
    c: KernelContext, text: bytes, dtype: DType, default: Any, missing: bytes, row: int, column: int
) -> Any:
    if not text or text == missing:
        known = np.asarray(default).reshape(-1)
        if not known.size:
            raise _fail(c, f"Field {column} is required but missing in record {row}")
        return known[0]
    if dtype.kind == "s":
        return text
    try:
        value = _NUMBERS[dtype.name](text.strip())
        return dtype.np.type(value)
    except (ValueError, OverflowError):
        raise _fail(c, f"Field {column} in record {row} is not a valid {dtype.name}: {text!r}") from None


def _split(c: KernelContext, line: bytes, delimiter: bytes, quotes: bool, row: int) -> list[bytes]:
    """The fields of a line; quotes around a field protect delimiters, two inside stand for one."""
    if not quotes or b'"' not in line:
        return line.split(delimiter)
    found, position = [], 0
    while True:
        if line[position : position + 1] == b'"':
            field, position = _quoted(c, line, position + 1, row)
            if position < len(line) and line[position : position + 1] != delimiter:
                raise _fail(c, f"A quoted field must end with a quote and a delimiter in record {row}")
        else:
            end = line.find(delimiter, position)
            end = len(line) if end < 0 else end
            field, position = line[position:end], end
            if b'"' in field:
                raise _fail(c, f"An unquoted field cannot have quotes inside in record {row}")
        found.append(field)
        if position >= len(line):
            return found
        position += 1


def _quoted(c: KernelContext, line: bytes, position: int, row: int) -> tuple[bytes, int]:
    parts = []
    while True:
        end = line.find(b'"', position)
        if end < 0:
            raise _fail(c, f"A quoted field is not closed in record {row}")
        parts.append(line[position:end])
        if line[end + 1 : end + 2] != b'"':
            return b"".join(parts), end + 1
        parts.append(b'"')
        position = end + 2


@kernel("DecodeJSONExample", host=True)
def decode_json_example(c: KernelContext, texts: Any) -> Any:
    array = np.asarray(texts, object)
    result = np.empty(array.size, object)
    for i, text in enumerate(array.reshape(-1)):
        try:
            features = json.loads(text).get("features", {}).get("feature", {})
            result[i] = encode_example({k: _json_values(v) for k, v in features.items()})
        except (ValueError, AttributeError, KeyError, TypeError) as error:
            raise _fail(c, f"Error while parsing JSON example {i}: {error!r}") from None
    return result.reshape(array.shape) if array.shape else scalar_string(result[0])


def _json_values(feature: Any) -> Any:
    import base64

    if "bytesList" in feature:
        return [base64.b64decode(v) for v in feature["bytesList"].get("value", [])]
    if "floatList" in feature:
        return [float(v) for v in feature["floatList"].get("value", [])]
    return [int(v) for v in feature.get("int64List", {}).get("value", [])]
