"""Example messages and CSV lines as tensors."""

from __future__ import annotations

import collections
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .graph.convert import convert_to_tensor
from .graph.default_graph import name_scope
from .graph.dtypes import DType, as_dtype
from .graph.elements import Tensor
from .graph.opdef import get_op
from .graph.shapes import TensorShape, as_shape
from .graph.sparse_tensor import SparseTensor

__all__ = [
    "FixedLenFeature",
    "FixedLenSequenceFeature",
    "SparseFeature",
    "VarLenFeature",
    "decode_csv",
    "decode_json_example",
    "parse_example",
    "parse_single_example",
    "parse_single_sequence_example",
]

FixedLenFeature = collections.namedtuple(
    "FixedLenFeature", ["shape", "dtype", "default_value"], defaults=[None]
)
"""A feature of so many values in every example: shape, element type, and what stands for a missing one."""

VarLenFeature = collections.namedtuple("VarLenFeature", ["dtype"])
"""A feature of any number of values; it becomes a sparse tensor."""

FixedLenSequenceFeature = collections.namedtuple(
    "FixedLenSequenceFeature", ["shape", "dtype", "allow_missing", "default_value"], defaults=[False, None]
)
"""A feature of any number of rows of one shape; it becomes a dense tensor, padded to the longest."""

SparseFeature = collections.namedtuple(
    "SparseFeature", ["index_key", "value_key", "dtype", "size", "already_sorted"], defaults=[False]
)
"""A sparse vector of so many elements in two features, one of indices and one of values."""


@dataclass
class _Wanted:
    """Features sorted by how they come out, in alphabetical order of their names.

    Attributes:
        sparse: name and type of each that comes out as a sparse tensor.
        dense: name, type, shape and default of each that comes out dense.
    """

    sparse: list[tuple[str, DType]] = field(default_factory=list)
    dense: list[tuple[str, DType, TensorShape, Any]] = field(default_factory=list)

    def add_sparse(self, key: str, dtype: Any) -> None:
        wanted = as_dtype(dtype)
        for other, kind in self.sparse:
            if other == key:
                if kind is not wanted:
                    raise ValueError(f"Feature {key} is asked for as {kind.name} and as {wanted.name}.")
                return
        self.sparse.append((key, wanted))


def _sorted_out(features: Mapping[str, Any], sequences: bool = False) -> _Wanted:
    if not features:
        raise ValueError("Parsing needs features: the dictionary is empty.")
    wanted = _Wanted()
    for key in sorted(features):
        feature = features[key]
        if isinstance(feature, VarLenFeature):
            wanted.add_sparse(key, feature.dtype)
        elif isinstance(feature, SparseFeature) and not sequences:
            for index_key in _index_keys(feature):
                wanted.add_sparse(index_key, "int64")
            wanted.add_sparse(feature.value_key, feature.dtype)
        elif isinstance(feature, FixedLenFeature) and not sequences:
            wanted.dense.append(_dense(key, feature.dtype, as_shape(feature.shape), feature.default_value))
        elif isinstance(feature, FixedLenSequenceFeature):
            shape = as_shape(feature.shape)
            if not sequences:
                if not feature.allow_missing:
                    raise ValueError(
                        f"Feature {key}: a FixedLenSequenceFeature needs allow_missing=True here."
                    )
                shape = TensorShape([None]).concatenate(shape)
            wanted.dense.append(
                _dense(key, feature.dtype, shape, feature.default_value, feature.allow_missing)
            )
        else:
            raise ValueError(f"Feature {key} is of a kind that cannot be parsed here: {feature!r}.")
    wanted.sparse.sort()
    return wanted


def _dense(
    key: str, dtype: Any, shape: TensorShape, default: Any, allow_missing: bool = False
) -> tuple[str, DType, TensorShape, Any]:
    kind = as_dtype(dtype)
    if kind.name not in ("float32", "int64", "string"):
        raise ValueError(f"Feature {key}: examples hold float32, int64 and strings, not {kind.name}.")
    if (
        shape.rank is None
        or not shape[1:].is_fully_defined()
        or (shape.rank and shape[0] is None and not allow_missing)
    ):
        raise ValueError(f"Feature {key}: its shape {shape} must be known.")
    if default is None:
        blank: Any = [] if not allow_missing else b"" if kind.kind == "s" else 0
        return key, kind, shape, np.array(blank, kind.np)
    return key, kind, shape, default


def _index_keys(feature: Any) -> list[str]:
    return [feature.index_key] if isinstance(feature.index_key, str) else list(feature.index_key)


def _defaults(wanted: _Wanted) -> list[Tensor]:
    made = []
    for key, dtype, shape, default in wanted.dense:
        tensor = convert_to_tensor(default, dtype, name=f"key_{key}".replace(" ", "_"))
        if tensor.shape.rank != 0 and shape.is_fully_defined() and tensor.shape.num_elements():
            tensor = get_op("Reshape")(tensor, list(shape.known()))
        made.append(tensor)
    return made


def _results(features: Mapping[str, Any], wanted: _Wanted, made: Any) -> dict[str, Any]:
    """The op's outputs by name of the feature."""
    sparse_indices, sparse_values, sparse_shapes, dense_values = made
    found: dict[str, Any] = {}
    for (key, _), *parts in zip(wanted.sparse, sparse_indices, sparse_values, sparse_shapes, strict=True):
        found[key] = SparseTensor(*parts)
    for (key, *_), value in zip(wanted.dense, dense_values, strict=True):
        found[key] = value
    for key, feature in features.items():
        if isinstance(feature, SparseFeature):
            found[key] = _sparse_feature(feature, found)
    return {key: found[key] for key in features}


def _sparse_feature(feature: Any, found: Mapping[str, Any]) -> SparseTensor:
    from .sparse_ops import sparse_merge

    ids = [found[k] for k in _index_keys(feature)]
    sizes = feature.size
    single = isinstance(feature.index_key, str)
    return sparse_merge(  # type: ignore[no-any-return]
        ids[0] if single else ids, found[feature.value_key], sizes, already_sorted=feature.already_sorted
    )


def parse_example(
    serialized: Any, features: Mapping[str, Any], name: str | None = None, example_names: Any = None
) -> dict[str, Any]:
    """The features of a batch of Example messages.

    Args:
        serialized: a vector of strings, each a message.
        features: from names to `FixedLenFeature`, `VarLenFeature`, `SparseFeature` or `FixedLenSequenceFeature`.
        name: name of the op.
        example_names: names of the examples, for messages.

    Returns:
        A tensor (of shape `(batch, *shape)`) or sparse tensor per name.

    Raises:
        ValueError: a feature is described wrongly.
        InvalidArgumentError: when run, if a feature is missing or of another type or size.

    Source: ParseExample
    """
    wanted = _sorted_out(features)
    with name_scope(name, "ParseExample"):
        made = get_op("ParseExample")(
            convert_to_tensor(serialized, "string"),
            convert_to_tensor([] if example_names is None else example_names, "string"),
            [convert_to_tensor(k, "string") for k, _ in wanted.sparse],
            [convert_to_tensor(row[0], "string") for row in wanted.dense],
            _defaults(wanted),
            sparse_types=[t for _, t in wanted.sparse],
            dense_shapes=[row[2] for row in wanted.dense],
        )
        return _results(features, wanted, made)


def parse_single_example(
    serialized: Any, features: Mapping[str, Any], name: str | None = None, example_names: Any = None
) -> dict[str, Any]:
    """The features of one Example message; arguments as `parse_example`, results without a batch dimension.

    Args:
        serialized: a string scalar.

    Source: ParseSingleExample
    """
    del example_names
    wanted = _sorted_out(features)
    with name_scope(name, "ParseSingleExample"):
        made = get_op("ParseSingleExample")(
            convert_to_tensor(serialized, "string"),
            _defaults(wanted),
            num_sparse=len(wanted.sparse),
            sparse_keys=[k for k, _ in wanted.sparse],
            dense_keys=[row[0] for row in wanted.dense],
            sparse_types=[t for _, t in wanted.sparse],
            dense_shapes=[row[2] for row in wanted.dense],
        )
        return _results(features, wanted, made)


def parse_single_sequence_example(
    serialized: Any,
    context_features: Mapping[str, Any] | None = None,
    sequence_features: Mapping[str, Any] | None = None,
    example_name: Any = None,
    name: str | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The features of one SequenceExample message: those of the whole and those of each step.

    Args:
        serialized: a string scalar.
        context_features: from names to `FixedLenFeature` or `VarLenFeature`.
        sequence_features: from names to `FixedLenSequenceFeature` or `VarLenFeature`.
        example_name: name of the example, for messages.
        name: name of the op.

    Returns:
        A tensor or sparse tensor per name of the context, and one per name of the sequence, with a first
        dimension of steps.

    Source: ParseSingleSequenceExample
    """
    if not context_features and not sequence_features:
        raise ValueError("parse_single_sequence_example needs features.")
    context = _sorted_out(context_features) if context_features else _Wanted()
    steps = _sorted_out(sequence_features, sequences=True) if sequence_features else _Wanted()
    missing = [
        k
        for k, f in sorted((sequence_features or {}).items())
        if isinstance(f, FixedLenSequenceFeature) and f.allow_missing
    ]
    with name_scope(name, "ParseSingleSequenceExample"):
        made = get_op("ParseSingleSequenceExample")(
            convert_to_tensor(serialized, "string"),
            convert_to_tensor(missing, "string"),
            [convert_to_tensor(k, "string") for k, _ in context.sparse],
            [convert_to_tensor(row[0], "string") for row in context.dense],
            [convert_to_tensor(k, "string") for k, _ in steps.sparse],
            [convert_to_tensor(row[0], "string") for row in steps.dense],
            _defaults(context),
            convert_to_tensor("" if example_name is None else example_name, "string"),
            context_sparse_types=[t for _, t in context.sparse],
            context_dense_shapes=[row[2] for row in context.dense],
            feature_list_sparse_types=[t for _, t in steps.sparse],
            feature_list_dense_types=[row[1] for row in steps.dense],
            feature_list_dense_shapes=[row[2] for row in steps.dense],
        )
        first = _results(context_features or {}, context, made[:4])
        second = _results(sequence_features or {}, steps, made[4:])
        return first, second


def decode_csv(
    records: Any,
    record_defaults: Sequence[Any],
    field_delim: str = ",",
    use_quote_delim: bool = True,
    name: str | None = None,
    na_value: str = "",
    select_cols: Sequence[int] | None = None,
) -> list[Tensor]:
    """The fields of lines of text, one tensor per column.

    Args:
        records: strings of any shape, each a line.
        record_defaults: per column a value that stands for an empty field and gives the type: float32, float64,
            int32, int64 or string. An empty list of a type for a column that may not be empty.
        field_delim: the character between fields.
        use_quote_delim: whether double quotes protect delimiters.
        name: name of the op.
        na_value: a further spelling of an empty field.
        select_cols: positions of the columns wanted, rising; all by default.

    Returns:
        A tensor of the records' shape per column.

    Raises:
        ValueError: `select_cols` does not rise, or is not as long as the defaults.
        InvalidArgumentError: when run, if a line has another number of fields, or a field is not of its type.

    Source: DecodeCSV
    """
    if select_cols is not None:
        if any(a >= b for a, b in itertools.pairwise(select_cols)):
            raise ValueError(f"select_cols must rise, got {list(select_cols)}.")
        if select_cols and select_cols[0] < 0:
            raise ValueError(f"select_cols must not be negative, got {list(select_cols)}.")
        if len(select_cols) != len(record_defaults):
            raise ValueError(f"There are {len(select_cols)} columns and {len(record_defaults)} defaults.")
    defaults = [_default_field(d) for d in record_defaults]
    made = get_op("DecodeCSV")(
        records,
        defaults,
        field_delim=field_delim,
        use_quote_delim=use_quote_delim,
        na_value=na_value,
        select_cols=list(select_cols or []),
        name=name,
    )
    return list(made)


def _default_field(value: Any) -> Tensor:
    if isinstance(value, DType) or (isinstance(value, type) and value is not list):
        return convert_to_tensor(np.empty(0, as_dtype(value).np), as_dtype(value))
    return convert_to_tensor(value)


def decode_json_example(json_examples: Any, name: str | None = None) -> Tensor:
    """Example messages from their JSON form, strings of any shape.

    Source: DecodeJSONExample

    Args:
        json_examples: string tensor of `Example` messages as JSON.
    """
    return get_op("DecodeJSONExample")(json_examples, name=name)  # type: ignore[no-any-return]
