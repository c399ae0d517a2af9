"""Text and messages as tensors: CSV lines, Example and SequenceExample messages."""

from __future__ import annotations

from collections.abc import Sequence

from ..infer import CostContext, InferContext
from ..opdef import PURE, Cost, NoGradient, declare
from ..samples import sample
from ..shapes import TensorShape

__all__ = [
    "DecodeCSV",
    "DecodeJSONExample",
    "ParseExample",
    "ParseExampleV2",
    "ParseSingleExample",
    "ParseSingleSequenceExample",
]

_NO_GRADIENT = NoGradient("its input is text")
_KINDS = "list({float, int64, string})"


def _cost(c: CostContext) -> Cost:
    return Cost(100.0 * c.in_elements, 100.0 * c.in_elements + c.out_bytes)


def _csv_shape(c: InferContext) -> Sequence[TensorShape]:
    for shape in c.shape_list("record_defaults"):
        if shape.rank not in (None, 0, 1) or (shape.rank == 1 and shape[0] not in (None, 0, 1)):
            c.fail("each default must be a scalar, or a vector of at most one element")
    return [c.shape("records")] * len(c.attr("OUT_TYPE"))


DecodeCSV = declare(
    "DecodeCSV",
    inputs="records: string, record_defaults: OUT_TYPE",
    outputs="output: OUT_TYPE",
    attrs=(
        "OUT_TYPE: list({float, double, int32, int64, string}) >= 1",
        "field_delim: string = ','",
        "use_quote_delim: bool = true",
        "na_value: string = ''",
        "select_cols: list(int) = []",
    ),
    infer=_csv_shape,
    gradient=_NO_GRADIENT,
    cost=_cost,
    state=PURE,
    samples=list,
    doc="The fields of lines of text, one tensor per column.",
)


def _same_number(c: InferContext, *attrs: str) -> None:
    sizes = {a: len(c.attr(a)) for a in attrs}
    if len(set(sizes.values())) > 1:
        c.fail(f"the attributes {', '.join(f'{a} ({n})' for a, n in sizes.items())} must be of equal length")


def _sparse(number: int) -> list[list[TensorShape]]:
    return [
        [TensorShape([None, 2])] * number,
        [TensorShape([None])] * number,
        [TensorShape([2])] * number,
    ]


def _dense(c: InferContext, lead: TensorShape) -> list[TensorShape]:
    return [lead.concatenate(s) for s in c.attr("dense_shapes")]


def _parse_example_shape(c: InferContext) -> Sequence[TensorShape]:
    _same_number(c, "Tdense", "dense_shapes")
    batch = c.rank("serialized", 1)
    indices, values, shapes = _sparse(len(c.attr("sparse_types")))
    return [*indices, *values, *shapes, *_dense(c, batch)]


ParseExample = declare(
    "ParseExample",
    inputs="serialized: string, names: string, sparse_keys: Nsparse * string, dense_keys: Ndense * string, "
    "dense_defaults: Tdense",
    outputs="sparse_indices: Nsparse * int64, sparse_values: sparse_types, sparse_shapes: Nsparse * int64, "
    "dense_values: Tdense",
    attrs=(
        "Nsparse: int >= 0",
        "Ndense: int >= 0",
        f"sparse_types: {_KINDS}",
        f"Tdense: {_KINDS}",
        "dense_shapes: list(shape)",
    ),
    infer=_parse_example_shape,
    gradient=_NO_GRADIENT,
    cost=_cost,
    state=PURE,
    dynamic=True,
    samples=list,
    doc="The features of a batch of Example messages.",
)


def _parse_example_v2_shape(c: InferContext) -> Sequence[TensorShape]:
    _same_number(c, "Tdense", "dense_shapes")
    _same_number(c, "ragged_value_types", "ragged_split_types")
    lead = c.shape("serialized")
    if lead.rank not in (None, 0, 1):
        c.fail("serialized must be a scalar or a vector")
    number = c.attr("num_sparse")
    rank = None if lead.rank is None else lead.rank + 1
    indices = [TensorShape([None, rank])] * number
    values = [TensorShape([None])] * number
    shapes = [TensorShape([rank])] * number
    ragged = [TensorShape([None])] * len(c.attr("ragged_value_types"))
    splits = [TensorShape([None if lead.rank != 1 or lead[0] is None else lead[0] + 1])] * len(ragged)
    return [*indices, *values, *shapes, *_dense(c, lead), *ragged, *splits]


ParseExampleV2 = declare(
    "ParseExampleV2",
    inputs="serialized: string, names: string, sparse_keys: string, dense_keys: string, ragged_keys: string, "
    "dense_defaults: Tdense",
    outputs="sparse_indices: num_sparse * int64, sparse_values: sparse_types, "
    "sparse_shapes: num_sparse * int64, dense_values: Tdense, ragged_values: ragged_value_types, "
    "ragged_row_splits: ragged_split_types",
    attrs=(
        f"Tdense: {_KINDS}",
        "num_sparse: int >= 0",
        f"sparse_types: {_KINDS}",
        f"ragged_value_types: {_KINDS}",
        "ragged_split_types: list(indextype)",
        "dense_shapes: list(shape)",
    ),
    infer=_parse_example_v2_shape,
    gradient=_NO_GRADIENT,
    cost=_cost,
    state=PURE,
    dynamic=True,
    samples=list,
    doc="The features of one or a batch of Example messages.",
)


def _parse_single_shape(c: InferContext) -> Sequence[TensorShape]:
    _same_number(c, "Tdense", "dense_shapes", "dense_keys")
    c.rank("serialized", 0)
    number = c.attr("num_sparse")
    sparse = [TensorShape([None, 1])] * number, [TensorShape([None])] * number, [TensorShape([1])] * number
    return [*sparse[0], *sparse[1], *sparse[2], *_dense(c, TensorShape([]))]


ParseSingleExample = declare(
    "ParseSingleExample",
    inputs="serialized: string, dense_defaults: Tdense",
    outputs="sparse_indices: num_sparse * int64, sparse_values: sparse_types, "
    "sparse_shapes: num_sparse * int64, dense_values: Tdense",
    attrs=(
        "num_sparse: int >= 0",
        "sparse_keys: list(string)",
        "dense_keys: list(string)",
        f"sparse_types: {_KINDS}",
        f"Tdense: {_KINDS}",
        "dense_shapes: list(shape)",
    ),
    infer=_parse_single_shape,
    gradient=_NO_GRADIENT,
    cost=_cost,
    state=PURE,
    dynamic=True,
    samples=list,
    doc="The features of one Example message.",
)


def _sequence_shape(c: InferContext) -> Sequence[TensorShape]:
    c.rank("serialized", 0)
    context, lists = c.attr("Ncontext_sparse"), c.attr("Nfeature_list_sparse")
    time = TensorShape([None])
    return [
        *[TensorShape([None, 1])] * context,
        *[TensorShape([None])] * context,
        *[TensorShape([1])] * context,
        *c.attr("context_dense_shapes"),
        *[TensorShape([None, 2])] * lists,
        *[TensorShape([None])] * lists,
        *[TensorShape([2])] * lists,
        *[time.concatenate(s) for s in c.attr("feature_list_dense_shapes")],
    ]


ParseSingleSequenceExample = declare(
    "ParseSingleSequenceExample",
    inputs="serialized: string, feature_list_dense_missing_assumed_empty: string, "
    "context_sparse_keys: Ncontext_sparse * string, context_dense_keys: Ncontext_dense * string, "
    "feature_list_sparse_keys: Nfeature_list_sparse * string, "
    "feature_list_dense_keys: Nfeature_list_dense * string, context_dense_defaults: Tcontext_dense, "
    "debug_name: string",
    outputs="context_sparse_indices: Ncontext_sparse * int64, context_sparse_values: context_sparse_types, "
    "context_sparse_shapes: Ncontext_sparse * int64, context_dense_values: Tcontext_dense, "
    "feature_list_sparse_indices: Nfeature_list_sparse * int64, "
    "feature_list_sparse_values: feature_list_sparse_types, "
    "feature_list_sparse_shapes: Nfeature_list_sparse * int64, "
    "feature_list_dense_values: feature_list_dense_types",
    attrs=(
        "Ncontext_sparse: int >= 0 = 0",
        "Ncontext_dense: int >= 0 = 0",
        "Nfeature_list_sparse: int >= 0 = 0",
        "Nfeature_list_dense: int >= 0 = 0",
        f"context_sparse_types: {_KINDS} = []",
        f"Tcontext_dense: {_KINDS} = []",
        f"feature_list_dense_types: {_KINDS} = []",
        "context_dense_shapes: list(shape) = []",
        f"feature_list_sparse_types: {_KINDS} = []",
        "feature_list_dense_shapes: list(shape) = []",
    ),
    infer=_sequence_shape,
    gradient=_NO_GRADIENT,
    cost=_cost,
    state=PURE,
    dynamic=True,
    samples=list,
    doc="The features of one SequenceExample message.",
)

DecodeJSONExample = declare(
    "DecodeJSONExample",
    inputs="json_examples: string",
    outputs="binary_examples: string",
    attrs="",
    infer=lambda c: [c.shape("json_examples")],
    gradient=_NO_GRADIENT,
    cost=_cost,
    state=PURE,
    samples=lambda: [sample('{"features": {"feature": {"a": {"int64List": {"value": ["3"]}}}}}')],
    doc="Example messages from their JSON form.",
)
