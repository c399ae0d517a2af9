"""Reductions over the rows that share an id; kernels are in `kernels/segments.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..elements import Operation, Tensor
from ..infer import InferContext, per_input
from ..opdef import PURE, GradientRule, NoGradient, OpDecl, Sample, declare
from ..samples import floats, ints, sample
from ..shapes import TensorShape

__all__ = [
    "SegmentMax",
    "SegmentMaxV2",
    "SegmentMean",
    "SegmentMin",
    "SegmentMinV2",
    "SegmentProd",
    "SegmentProdV2",
    "SegmentSum",
    "SegmentSumV2",
    "UnsortedSegmentJoin",
    "UnsortedSegmentMax",
    "UnsortedSegmentMin",
    "UnsortedSegmentProd",
    "UnsortedSegmentSum",
    "gather_rows",
]

_ORDERED = "realnumbertype"


def gather_rows(params: Tensor, ids: Tensor) -> Tensor:
    """`params[ids]`, rows of zeros for negative ids."""
    from .array import ExpandDims, GatherV2, ZerosLike
    from .compare import SelectV2
    from .math import Maximum

    gathered = GatherV2(params, Maximum(ids, 0), 0)
    is_row = ids >= 0
    if gathered.shape.rank is None or ids.shape.rank is None:
        return _masked(gathered, is_row)
    for _ in range(gathered.shape.rank - ids.shape.rank):
        is_row = ExpandDims(is_row, -1)
    return SelectV2(is_row, gathered, ZerosLike(gathered))


def _masked(gathered: Tensor, is_row: Tensor) -> Tensor:
    """`gathered` where `is_row`, whose dimensions are the first ones of `gathered`; ranks are not known."""
    from .array import ConcatV2, Fill, Rank, Reshape, Shape, ZerosLike
    from .compare import SelectV2

    ones = Fill(Reshape(Rank(gathered) - Rank(is_row), [1]), 1)
    mask = Reshape(is_row, ConcatV2([Shape(is_row), ones], 0))
    return SelectV2(mask, gathered, ZerosLike(gathered))


def sorted_segment_shape(c: InferContext) -> Sequence[TensorShape]:
    """Shape rule: as many rows as the last id says, which only the step knows."""
    data, ids = c.rank_at_least("data", 1), c.rank("segment_ids", 1)
    if data.rank is None:
        return [TensorShape(None)]
    c.merge(data[:1], ids, "there must be one segment id per row of data")
    return [TensorShape([None]).concatenate(data[1:])]


def _unsorted_shape(c: InferContext) -> Sequence[TensorShape]:
    argument = c.decl.inputs[0].name
    data, ids = c.shape(argument), c.shape("segment_ids")
    c.rank("num_segments", 0)
    count = c.value("num_segments")
    if count is not None and int(count) < 0:
        c.fail(f"num_segments must not be negative, it is {int(count)}")
    if data.rank is None or ids.rank is None:
        return [TensorShape(None)]
    if ids.rank > data.rank or not data[: ids.rank].is_compatible_with(ids):
        c.fail("the shape of segment_ids must be the first dimensions of data")
    return [TensorShape([None if count is None else int(count)]).concatenate(data[ids.rank :])]


def _sum_grad(op: Operation, grad: Tensor) -> Any:
    from .array import GatherV2

    return [GatherV2(grad, op.inputs[1], 0), None]


def _unsorted_sum_grad(op: Operation, grad: Tensor) -> Any:
    return [gather_rows(grad, op.inputs[1]), None, None]


def _mean_grad(op: Operation, grad: Tensor) -> Any:
    from .array import GatherV2, OnesLike

    data, ids = op.inputs
    counts = SegmentSum(OnesLike(data), ids)
    return [GatherV2(grad / counts, ids, 0), None]


def _again(op: Operation, decls: tuple[OpDecl, OpDecl], data: Tensor) -> Tensor:
    """A reduction of other data by the same ids: the first declaration for sorted ids, else the second."""
    if len(op.inputs) == 2:
        return decls[0](data, op.inputs[1])
    return decls[1](data, *op.inputs[1:])


def _extreme_grad(op: Operation, grad: Tensor) -> Any:
    """Shared evenly among the rows that hold the extreme element."""
    from .array import ZerosLike
    from .compare import Equal, SelectV2
    from .math import Cast

    data, ids = op.inputs[:2]
    is_chosen = Equal(gather_rows(op.outputs[0], ids), data)
    count = _again(op, (SegmentSum, UnsortedSegmentSum), Cast(is_chosen, DstT=grad.dtype))
    shared = gather_rows(grad / count, ids)
    return [SelectV2(is_chosen, shared, ZerosLike(shared)), *[None] * (len(op.inputs) - 1)]


def _prod_grad(op: Operation, grad: Tensor) -> Any:
    """The product of the other rows: by division, or without the zero where there is one alone."""
    from .array import OnesLike, ZerosLike
    from .compare import Equal, Greater, SelectV2
    from .math import Cast

    data, ids = op.inputs[:2]
    is_zero = Equal(data, 0)
    zeros = _again(op, (SegmentSum, UnsortedSegmentSum), Cast(is_zero, DstT="int32"))
    grad = SelectV2(Greater(zeros, 1), ZerosLike(grad), grad)
    nonzero = SelectV2(is_zero, OnesLike(data), data)
    nonzero_prod = _again(op, (SegmentProd, UnsortedSegmentProd), nonzero)
    others = SelectV2(is_zero, gather_rows(nonzero_prod, ids), gather_rows(op.outputs[0], ids) / nonzero)
    return [gather_rows(grad, ids) * others, *[None] * (len(op.inputs) - 1)]


def _sorted_samples() -> list[Sample]:
    return [
        sample(floats(5, 3), [0, 0, 1, 1, 2]),
        sample(floats(4, dtype="float64"), [0, 0, 2, 2]),
        sample(floats(4, 2, 2, dtype="float64"), np.array([0, 1, 1, 1], np.int64)),
        sample(ints(4, 2, low=1), [0, 0, 0, 1]),
        sample(floats(0, 3), np.zeros(0, np.int32), grad=()),
    ]


def _sorted(name: str, types: str, gradient: GradientRule, doc: str) -> OpDecl:
    return declare(
        name,
        inputs="data: T, segment_ids: Tindices",
        outputs="output: T",
        attrs=(f"T: {types}", "Tindices: indextype"),
        infer=sorted_segment_shape,
        gradient=gradient,
        cost=per_input(),
        state=PURE,
        dynamic=True,
        samples=_sorted_samples,
        doc=doc,
    )


SegmentSum = _sorted("SegmentSum", "numbertype", _sum_grad, "Sums of the rows that share an id; ids ascend.")
SegmentMean = _sorted(
    "SegmentMean", "numbertype", _mean_grad, "Means of the rows that share an id; ids ascend."
)
SegmentProd = _sorted(
    "SegmentProd", "numbertype", _prod_grad, "Products of the rows that share an id; ids ascend."
)
SegmentMax = _sorted(
    "SegmentMax", _ORDERED, _extreme_grad, "Largest elements of the rows that share an id; ids ascend."
)
SegmentMin = _sorted(
    "SegmentMin", _ORDERED, _extreme_grad, "Smallest elements of the rows that share an id; ids ascend."
)


def _unsorted_samples() -> list[Sample]:
    return [
        sample(floats(5, 3), [2, 0, 1, 0, 2], 3),
        sample(floats(5, 2, dtype="float64"), [3, -1, 0, 3, 0], 5),
        sample(floats(2, 3, 2), [[1, 0, 1], [0, 1, 0]], 2),
        sample(floats(6, dtype="float64"), np.array([1, 1, 0, -1, 0, 1], np.int64), 2),
        sample(ints(4, 2, low=1), [0, 1, 0, 1], 2),
        sample(floats(60, 40, low=0.9, high=1.1), ints(60, high=12, seed=3), 12, grad=()),
        sample(floats(0, 3, dtype="float64"), np.zeros(0, np.int32), 2, grad=()),
    ]


def _extreme_samples() -> list[Sample]:
    """The usual rows; where a segment is empty there are no finite differences of its largest number."""
    usual = _unsorted_samples()
    usual[1] = sample(*usual[1].inputs, grad=())
    return usual


def _ascending_samples() -> list[Sample]:
    return [sample(floats(5, 3), [0, 0, 1, 1, 2], 3), sample(floats(4, dtype="float64"), [0, 0, 1, 1], 2)]


def _unsorted(
    name: str, types: str, gradient: GradientRule, doc: str, indices: str = "indextype", samples: Any = None
) -> OpDecl:
    return declare(
        name,
        inputs="data: T, segment_ids: Tindices, num_segments: Tnumsegments",
        outputs="output: T",
        attrs=(f"T: {types}", f"Tindices: {indices}", "Tnumsegments: indextype = DT_INT32"),
        infer=_unsorted_shape,
        gradient=gradient,
        cost=per_input(),
        state=PURE,
        host_inputs=("num_segments",),
        samples=samples or _unsorted_samples,
        doc=doc,
    )


UnsortedSegmentSum = _unsorted(
    "UnsortedSegmentSum",
    "numbertype",
    _unsorted_sum_grad,
    "Sums of the rows that share an id; negative ids are left out.",
    "{int16, int32, int64}",
)
UnsortedSegmentProd = _unsorted(
    "UnsortedSegmentProd",
    "numbertype",
    _prod_grad,
    "Products of the rows that share an id; negative ids are left out.",
)
UnsortedSegmentMax = _unsorted(
    "UnsortedSegmentMax",
    _ORDERED,
    _extreme_grad,
    "Largest elements of the rows that share an id; the type's smallest number where there is no row.",
    samples=_extreme_samples,
)
UnsortedSegmentMin = _unsorted(
    "UnsortedSegmentMin",
    _ORDERED,
    _extreme_grad,
    "Smallest elements of the rows that share an id; the type's largest number where there is no row.",
    samples=_extreme_samples,
)
SegmentSumV2 = _unsorted(
    "SegmentSumV2",
    "numbertype",
    _unsorted_sum_grad,
    "SegmentSum with the number of segments given.",
    samples=_ascending_samples,
)
SegmentProdV2 = _unsorted(
    "SegmentProdV2",
    "numbertype",
    _prod_grad,
    "SegmentProd with the number of segments given.",
    samples=_ascending_samples,
)
SegmentMaxV2 = _unsorted(
    "SegmentMaxV2",
    _ORDERED,
    _extreme_grad,
    "SegmentMax with the number of segments given.",
    samples=_ascending_samples,
)
SegmentMinV2 = _unsorted(
    "SegmentMinV2",
    _ORDERED,
    _extreme_grad,
    "SegmentMin with the number of segments given.",
    samples=_ascending_samples,
)

UnsortedSegmentJoin = declare(
    "UnsortedSegmentJoin",
    inputs="inputs: string, segment_ids: Tindices, num_segments: Tnumsegments",
    outputs="output: string",
    attrs=("separator: string = ''", "Tindices: indextype", "Tnumsegments: indextype = DT_INT32"),
    infer=_unsorted_shape,
    gradient=NoGradient("it works on strings"),
    cost=per_input(),
    state=PURE,
    host_inputs=("num_segments",),
    samples=lambda: [
        sample([b"a", b"b", b"c", b"d"], [0, 2, 0, 2], 4, separator=","),
        sample([[b"a", b"b"], [b"c", b"d"]], [1, 1], 2),
    ],
    doc="Strings that share an id, joined.",
)
