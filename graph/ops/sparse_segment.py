"""Reductions over rows that are picked by index and share an id: embeddings of several words, combined."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..elements import Operation, Tensor
from ..indexed_slices import IndexedSlices
from ..infer import InferContext, per_input
from ..opdef import PURE, GradientRule, NoGradient, OpDecl, Sample, declare
from ..samples import floats, sample
from ..shapes import TensorShape

__all__ = [
    "SparseSegmentMean",
    "SparseSegmentMeanGrad",
    "SparseSegmentMeanGradV2",
    "SparseSegmentMeanWithNumSegments",
    "SparseSegmentSqrtN",
    "SparseSegmentSqrtNGrad",
    "SparseSegmentSqrtNGradV2",
    "SparseSegmentSqrtNWithNumSegments",
    "SparseSegmentSum",
    "SparseSegmentSumGrad",
    "SparseSegmentSumGradV2",
    "SparseSegmentSumWithNumSegments",
]

_INDEX_ATTRS = ("Tidx: indextype = DT_INT32", "Tsegmentids: indextype = DT_INT32")
_FLOATS = "{bfloat16, half, float, double}"


def _shape(c: InferContext) -> Sequence[TensorShape]:
    data, indices, ids = c.rank_at_least("data", 1), c.rank("indices", 1), c.rank("segment_ids", 1)
    c.merge(indices, ids, "there must be one segment id per index")
    rows = None
    if "num_segments" in {a.name for a in c.decl.inputs}:
        c.rank("num_segments", 0)
        count = c.value("num_segments")
        rows = None if count is None else int(count)
        if rows is not None and rows < 0:
            c.fail(f"num_segments must not be negative, it is {rows}")
    if data.rank is None:
        return [TensorShape(None)]
    return [TensorShape([rows]).concatenate(data[1:])]


def _rows_of(data: Tensor) -> Any:
    """Number of rows, known or not."""
    from .array import Shape

    return data.shape[0] if data.shape.rank and data.shape[0] is not None else Shape(data)[0]


def _gradient(scaled: str) -> GradientRule:
    """Each picked row gets the gradient of its segment, scaled as the segment was."""

    def rule(op: Operation, grad: Tensor) -> Any:
        from ..opdef import get_op

        data, indices, ids = op.inputs[:3]
        rest = [None] * (len(op.inputs) - 1)
        if op.attrs["sparse_gradient"]:
            return [_sparse(op, grad, scaled), *rest]
        dense = get_op(f"SparseSegment{scaled}Grad")(grad, indices, ids, _rows_of(data))
        return [dense, *rest]

    return rule


def _sparse(op: Operation, grad: Tensor, scaled: str) -> IndexedSlices:
    from .array import GatherV2, OnesLike, Reshape, Shape
    from .math import Cast
    from .segment import UnsortedSegmentSum
    from .unary import Sqrt

    data, indices, ids = op.inputs[:3]
    if scaled != "Sum":
        counts = UnsortedSegmentSum(OnesLike(ids), ids, _rows_of(grad))
        sizes = Cast(counts, DstT=grad.dtype)
        divisor = GatherV2(Sqrt(sizes) if scaled == "SqrtN" else sizes, ids, 0)
        values = GatherV2(grad, ids, 0)
        shape = Shape(values)
        flat = Reshape(values, [_rows_of(indices), -1]) / Reshape(divisor, [-1, 1])
        values = Reshape(flat, shape)
    else:
        values = GatherV2(grad, ids, 0)
    return IndexedSlices(values, indices, Shape(data))


def _samples(count: bool, **attrs: Any) -> list[Sample]:
    extra: tuple[Any, ...] = (4,) if count else ()
    return [
        sample(floats(4, 3), [0, 2, 3, 0, 1], [0, 0, 1, 1, 1], *extra, **attrs),
        sample(
            floats(4, dtype="float64"),
            np.array([3, 1, 1], np.int64),
            np.array([0, 0, 2], np.int64),
            *extra,
            **attrs,
        ),
        sample(floats(5, 2, 2), [4, 0, 2], [0, 1, 1], *extra, sparse_gradient=True, **attrs),
    ]


def _family(kind: str, types: str, words: str) -> tuple[OpDecl, OpDecl, OpDecl, OpDecl]:
    """The op, its form with the number of segments given, and the ops of their gradients."""
    plain = declare(
        f"SparseSegment{kind}",
        inputs="data: T, indices: Tidx, segment_ids: Tsegmentids",
        outputs="output: T",
        attrs=(f"T: {types}", *_INDEX_ATTRS, "sparse_gradient: bool = false"),
        infer=_shape,
        gradient=_gradient(kind),
        cost=per_input(),
        state=PURE,
        dynamic=True,
        samples=lambda: _samples(False),
        doc=f"{words} of picked rows that share an id; ids ascend.",
    )
    counted = declare(
        f"SparseSegment{kind}WithNumSegments",
        inputs="data: T, indices: Tidx, segment_ids: Tsegmentids, num_segments: Tnumsegments",
        outputs="output: T",
        attrs=(
            f"T: {types}",
            "Tidx: indextype = DT_INT32",
            "Tnumsegments: indextype = DT_INT32",
            "Tsegmentids: indextype = DT_INT32",
            "sparse_gradient: bool = false",
        ),
        infer=_shape,
        gradient=_gradient(kind),
        cost=per_input(),
        state=PURE,
        host_inputs=("num_segments",),
        samples=lambda: _samples(True),
        doc=f"{words} of picked rows that share an id, with the number of segments given.",
    )
    return plain, counted, _dense_gradient(kind), _unique_gradient(kind)


def _dense_gradient(kind: str) -> OpDecl:
    def shape(c: InferContext) -> Sequence[TensorShape]:
        grad, rows = c.rank_at_least("grad", 1), c.value("output_dim0")
        c.merge(c.rank("indices", 1), c.rank("segment_ids", 1), "there must be one segment id per index")
        if grad.rank is None:
            return [TensorShape(None)]
        return [TensorShape([None if rows is None else int(rows)]).concatenate(grad[1:])]

    def back(op: Operation, grad: Tensor) -> Any:
        from ..opdef import get_op

        forward = get_op(f"SparseSegment{kind}WithNumSegments")
        return [forward(grad, op.inputs[1], op.inputs[2], _rows_of(op.inputs[0])), None, None, None]

    return declare(
        f"SparseSegment{kind}Grad",
        inputs="grad: T, indices: Tidx, segment_ids: Tsegmentids, output_dim0: int32",
        outputs="output: T",
        attrs=(f"T: {_FLOATS}", *_INDEX_ATTRS),
        infer=shape,
        gradient=back,
        cost=per_input(),
        state=PURE,
        host_inputs=("output_dim0",),
        samples=lambda: [
            sample(floats(2, 3), [0, 2, 3, 0, 1], [0, 0, 1, 1, 1], 4),
            sample(floats(3, 1, dtype="float64"), [3, 1, 1], [0, 0, 2], 5),
        ],
        doc=f"Gradient of SparseSegment{kind} for its data.",
    )


def _unique_gradient(kind: str) -> OpDecl:
    def shape(c: InferContext) -> Sequence[TensorShape]:
        grad = c.rank_at_least("grad", 1)
        c.merge(c.rank("indices", 1), c.rank("segment_ids", 1), "there must be one segment id per index")
        rows = TensorShape([None])
        return [rows.concatenate(grad[1:]) if grad.rank is not None else TensorShape(None), rows]

    return declare(
        f"SparseSegment{kind}GradV2",
        inputs="grad: T, indices: Tidx, segment_ids: Tsegmentids, dense_output_dim0: int32",
        outputs="output: T, sorted_unique_indices: Tidx",
        attrs=(f"T: {_FLOATS}", *_INDEX_ATTRS),
        infer=shape,
        gradient=NoGradient("it is a gradient's sparse form", zero=False),
        cost=per_input(),
        state=PURE,
        dynamic=True,
        samples=lambda: [
            sample(floats(2, 3), [0, 2, 3, 0, 2], [0, 0, 1, 1, 1], 5),
            sample(floats(3, 1, dtype="float64"), [3, 1, 1], [0, 0, 2], 5),
        ],
        doc=f"Gradient of SparseSegment{kind} for its data: the rows that are not zero, and their indices.",
    )


SparseSegmentSum, SparseSegmentSumWithNumSegments, SparseSegmentSumGrad, SparseSegmentSumGradV2 = _family(
    "Sum", "realnumbertype", "Sums"
)
SparseSegmentMean, SparseSegmentMeanWithNumSegments, SparseSegmentMeanGrad, SparseSegmentMeanGradV2 = _family(
    "Mean", _FLOATS, "Means"
)
(
    SparseSegmentSqrtN,
    SparseSegmentSqrtNWithNumSegments,
    SparseSegmentSqrtNGrad,
    SparseSegmentSqrtNGradV2,
) = _family("SqrtN", _FLOATS, "Sums, over the square root of their length,")
