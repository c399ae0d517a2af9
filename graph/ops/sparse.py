"""Sparse tensors as triples (indices, values, shape): ordered, cut, joined, made dense."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..elements import Operation, Tensor
from ..infer import InferContext, moves, per_input
from ..opdef import PURE, NoGradient, declare
from ..samples import floats, sample
from ..shapes import Dimension, TensorShape
from .gather_nd import GatherNd
from .indexing import GatherV2
from .shaping import Reshape

__all__ = [
    "SparseConcat",
    "SparseFillEmptyRows",
    "SparseFillEmptyRowsGrad",
    "SparseReorder",
    "SparseReshape",
    "SparseSlice",
    "SparseSliceGrad",
    "SparseSplit",
    "SparseToDense",
]

ROWS = np.array([[0, 1], [1, 0], [1, 2], [2, 3]], np.int64)
SHAPE = np.array([3, 4], np.int64)
"""Indices and shape of the sparse matrix of the sample rows."""


def check_triple(c: InferContext, indices: str, values: str, shape: str) -> tuple[Dimension, Dimension]:
    """Checks the three parts of a sparse input against each other; gives its number of values and its rank."""
    rows, given, dims = c.rank(indices, 2), c.rank(values, 1), c.rank(shape, 1)
    count = c.merge(rows[:1], given, f"{indices} must have one row per value")[0]
    rank = c.merge(rows[1:], dims, f"{indices} must have one column per dimension in {shape}")[0]
    return count, rank


def sum_all(x: Tensor) -> Tensor:
    """Sum of all elements of a tensor."""
    from .reduction import Sum

    made: Tensor = Sum(Reshape(x, [-1]), [0])
    return made


def _to_dense_shape(c: InferContext) -> Sequence[TensorShape]:
    c.rank("output_shape", 1)
    c.rank("default_value", 0)
    shape, indices = c.value_as_shape("output_shape"), c.shape("sparse_indices")
    if indices.rank is not None and indices.rank > 2:
        c.fail("sparse_indices must have at most two dimensions")
    if indices.rank == 2 and shape.rank is not None and indices[1] not in (None, shape.rank):
        c.fail("sparse_indices must have one column per dimension")
    if c.shape("sparse_values").rank not in (None, 0, 1):
        c.fail("sparse_values must be a scalar or a vector")
    return [shape]


def _to_dense_grad(op: Operation, grad: Any) -> list[Any]:
    from .math import Sub

    indices, _, values, _ = op.inputs
    if indices.shape.rank != 2:
        indices = Reshape(indices, np.array([-1, 1], np.int32))
    picked = GatherNd(grad, indices)
    rest = Sub(sum_all(grad), sum_all(picked))
    return [None, None, sum_all(picked) if values.shape.rank == 0 else picked, rest]


SparseToDense = declare(
    "SparseToDense",
    inputs="sparse_indices: Tindices, output_shape: Tindices, sparse_values: T, default_value: T",
    outputs="dense: T",
    attrs=("validate_indices: bool = true", "T: type", "Tindices: indextype"),
    infer=_to_dense_shape,
    gradient=_to_dense_grad,
    cost=moves,
    state=PURE,
    host_inputs=("output_shape",),
    samples=lambda: [
        sample(ROWS, SHAPE, floats(4), np.float32(0)),
        sample(
            np.array([3, 1], np.int32),
            np.array([5], np.int32),
            floats(2),
            np.float32(9),
            validate_indices=False,
        ),
        sample(np.int32(2), np.array([4], np.int32), np.float32(1), np.float32(0)),
        sample(np.array([1, 3], np.int64), np.array([4], np.int64), np.int32(7), np.int32(-1)),
        sample(np.zeros((0, 2), np.int64), SHAPE, floats(0), np.float32(2)),
        sample(ROWS, SHAPE, np.array([b"a", b"b", b"c", b"d"], dtype=object), np.array(b"", dtype=object)),
    ],
    doc="A dense tensor with given values at indices and a default elsewhere.",
)


def _reorder_shape(c: InferContext) -> Sequence[TensorShape]:
    count, rank = check_triple(c, "input_indices", "input_values", "input_shape")
    return [TensorShape([count, rank]), TensorShape([count])]


def _reorder_grad(op: Operation, _: Any, grad: Any) -> list[Any]:
    from .filling import Range
    from .math import Cast
    from .shaping import Size

    indices, values, shape = op.inputs
    places = Cast(Range(0, Size(values), 1), DstT="int64")
    _, order = SparseReorder(indices, places, shape)
    return [None, GatherV2(grad, _inverse(order), 0), None]


def _inverse(order: Tensor) -> Tensor:
    """The permutation that undoes `order`, which is not known before the step."""
    from .filling import Range
    from .gather_nd import ScatterNd
    from .math import Cast
    from .shaping import Size, shape_of

    places = Cast(Range(0, Size(order), 1), DstT="int64")
    made: Tensor = ScatterNd(
        Reshape(order, np.array([-1, 1], np.int32)), places, shape_of(order, order.dtype)
    )
    return made


_SHUFFLED = ROWS[[2, 0, 3, 1]]

SparseReorder = declare(
    "SparseReorder",
    inputs="input_indices: int64, input_values: T, input_shape: int64",
    outputs="output_indices: int64, output_values: T",
    attrs="T: type",
    infer=_reorder_shape,
    gradient=_reorder_grad,
    cost=per_input(8.0),
    state=PURE,
    samples=lambda: [
        sample(_SHUFFLED, floats(4), SHAPE),
        sample(np.zeros((0, 2), np.int64), floats(0), SHAPE),
        sample(_SHUFFLED, np.array([b"a", b"b", b"c", b"d"], dtype=object), SHAPE),
    ],
    doc="A sparse tensor with its elements in row-major order.",
)


def _reshape_shape(c: InferContext) -> Sequence[TensorShape]:
    rows = c.rank("input_indices", 2)
    c.merge(rows[1:], c.rank("input_shape", 1), "input_indices must have one column per dimension")
    new = c.rank("new_shape", 1)
    return [TensorShape([rows[0], new[0]]), new]


SparseReshape = declare(
    "SparseReshape",
    inputs="input_indices: int64, input_shape: int64, new_shape: int64",
    outputs="output_indices: int64, output_shape: int64",
    attrs="",
    infer=_reshape_shape,
    gradient=NoGradient("it computes indices"),
    cost=moves,
    state=PURE,
    samples=lambda: [
        sample(ROWS, SHAPE, np.array([2, 6], np.int64)),
        sample(ROWS, SHAPE, np.array([2, -1, 3], np.int64)),
        sample(ROWS, SHAPE, np.array([-1], np.int64)),
    ],
    doc="The indices of a sparse tensor after its shape is changed.",
)


def _concat_shape(c: InferContext) -> Sequence[TensorShape]:
    total: Dimension = 0
    width = TensorShape([None])
    for rows, values, shape in zip(
        c.shape_list("indices"), c.shape_list("values"), c.shape_list("shapes"), strict=True
    ):
        rows, values = rows.with_rank(2), values.with_rank(1)
        count = c.merge(rows[:1], values, "indices must have one row per value")[0]
        width = c.merge(width, rows[1:].merge_with(shape.with_rank(1)), "all inputs must have one rank")
        total = None if total is None or count is None else total + count
    if width[0] is not None and not -width[0] <= c.attr("concat_dim") < width[0]:
        c.fail(f"concat_dim {c.attr('concat_dim')} is out of range for rank {width[0]}")
    return [TensorShape([total, width[0]]), TensorShape([total]), width]


SparseConcat = declare(
    "SparseConcat",
    inputs="indices: N * int64, values: N * T, shapes: N * int64",
    outputs="output_indices: int64, output_values: T, output_shape: int64",
    attrs=("concat_dim: int", "N: int >= 2", "T: type"),
    infer=_concat_shape,
    gradient=NoGradient("TensorFlow defines none"),
    cost=per_input(8.0),
    state=PURE,
    samples=lambda: [
        sample([ROWS, ROWS[:2]], [floats(4), floats(2, seed=1)], [SHAPE, SHAPE], concat_dim=d, grad=())
        for d in (0, 1, -1)
    ],
    doc="Sparse tensors put one behind the other along a dimension.",
)


def _slice_shape(c: InferContext) -> Sequence[TensorShape]:
    _, rank = check_triple(c, "indices", "values", "shape")
    return [TensorShape([None, rank]), TensorShape([None]), TensorShape([rank])]


def _slice_grad(op: Operation, _i: Any, grad: Any, _s: Any) -> list[Any]:
    indices, _, _, start, _ = op.inputs
    return [None, SparseSliceGrad(grad, indices, start, op.outputs[0]), None, None, None]


SparseSlice = declare(
    "SparseSlice",
    inputs="indices: int64, values: T, shape: int64, start: int64, size: int64",
    outputs="output_indices: int64, output_values: T, output_shape: int64",
    attrs="T: type",
    infer=_slice_shape,
    gradient=_slice_grad,
    cost=moves,
    state=PURE,
    dynamic=True,
    samples=lambda: [
        sample(ROWS, floats(4), SHAPE, np.array([1, 0], np.int64), np.array([2, 3], np.int64)),
        sample(ROWS, floats(4), SHAPE, np.array([2, 3], np.int64), np.array([5, 5], np.int64)),
    ],
    doc="A part of a sparse tensor.",
)

SparseSliceGrad = declare(
    "SparseSliceGrad",
    inputs="backprop_val_grad: T, input_indices: int64, input_start: int64, output_indices: int64",
    outputs="val_grad: T",
    attrs="T: numbertype",
    infer=lambda c: [c.rank("input_indices", 2)[:1]],
    gradient=NoGradient("TensorFlow defines none"),
    cost=per_input(4.0),
    state=PURE,
    samples=lambda: [
        sample(floats(2), ROWS, np.array([1, 0], np.int64), np.array([[0, 0], [0, 2]], np.int64), grad=()),
    ],
    doc="Gradient of a sparse slice by the values of the whole.",
)


def _split_shape(c: InferContext) -> Sequence[TensorShape]:
    _, rank = check_triple(c, "indices", "values", "shape")
    num = c.attr("num_split")
    parts = (TensorShape([None, rank]), TensorShape([None]), TensorShape([rank]))
    return [shape for shape in parts for _ in range(num)]


SparseSplit = declare(
    "SparseSplit",
    inputs="split_dim: int64, indices: int64, values: T, shape: int64",
    outputs="output_indices: num_split * int64, output_values: num_split * T, output_shape: num_split * int64",
    attrs=("num_split: int >= 1", "T: type"),
    infer=_split_shape,
    gradient=NoGradient("TensorFlow defines none"),
    cost=moves,
    state=PURE,
    host_inputs=("split_dim",),
    dynamic=True,
    samples=lambda: [
        sample(np.int64(1), ROWS, floats(4), SHAPE, num_split=3, grad=()),
        sample(np.int64(0), ROWS, floats(4), SHAPE, num_split=2, grad=()),
    ],
    doc="A sparse tensor cut along a dimension; the first parts are larger where it does not divide.",
)


def _fill_rows_shape(c: InferContext) -> Sequence[TensorShape]:
    count, rank = check_triple(c, "indices", "values", "dense_shape")
    c.rank("default_value", 0)
    dense = c.value_as_shape("dense_shape")
    rows = dense[0] if dense.dims else None
    return [TensorShape([None, rank]), TensorShape([None]), TensorShape([rows]), TensorShape([count])]


def _fill_rows_grad(op: Operation, _i: Any, grad: Any, _e: Any, _r: Any) -> list[Any]:
    values, default = SparseFillEmptyRowsGrad(op.outputs[3], grad)
    return [None, values, None, default]


SparseFillEmptyRows = declare(
    "SparseFillEmptyRows",
    inputs="indices: int64, values: T, dense_shape: int64, default_value: T",
    outputs="output_indices: int64, output_values: T, empty_row_indicator: bool, reverse_index_map: int64",
    attrs="T: type",
    infer=_fill_rows_shape,
    gradient=_fill_rows_grad,
    cost=moves,
    state=PURE,
    dynamic=True,
    samples=lambda: [
        sample(ROWS, floats(4), np.array([5, 4], np.int64), np.float32(-1)),
        sample(np.zeros((0, 2), np.int64), floats(0), np.array([2, 4], np.int64), np.float32(-1)),
        sample(
            ROWS[2:],
            np.array([b"a", b"b"], dtype=object),
            np.array([3, 4], np.int64),
            np.array(b"", dtype=object),
        ),
    ],
    doc="A sparse tensor with a default put into each row that is empty.",
)

SparseFillEmptyRowsGrad = declare(
    "SparseFillEmptyRowsGrad",
    inputs="reverse_index_map: int64, grad_values: T",
    outputs="d_values: T, d_default_value: T",
    attrs="T: type",
    infer=lambda c: [c.rank("reverse_index_map", 1), TensorShape([])],
    gradient=NoGradient("TensorFlow defines none"),
    cost=per_input(),
    state=PURE,
    samples=lambda: [sample(np.array([0, 2], np.int64), floats(4), grad=())],
    doc="Gradient of `SparseFillEmptyRows` by the values and by the default.",
)
