"""Largest elements, ranks, and places in sorted rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..elements import Operation, Tensor
from ..infer import CostContext, InferContext, per_input
from ..opdef import PURE, Cost, NoGradient, OpDecl, Sample, declare
from ..samples import floats, ints, sample
from ..shapes import TensorShape
from .broadcasting import like_input

__all__ = [
    "Bucketize",
    "InTopK",
    "InTopKV2",
    "LowerBound",
    "NthElement",
    "TopKV2",
    "UpperBound",
]

_POSITIONS = NoGradient("it gives positions, which do not change with small changes of the values")


def _by_search(c: CostContext) -> Cost:
    """Cost rule: as many comparisons as a binary search takes, per output element."""
    longest = max([s[-1] for s in c.in_shapes if s], default=1)
    return Cost(c.out_elements * float(np.log2(longest + 2)), c.in_bytes + c.out_bytes)


def _by_sort(c: CostContext) -> Cost:
    longest = c.in_shapes[0][-1] if c.in_shapes[0] else 1
    return Cost(c.in_elements * float(np.log2(longest + 2)), c.in_bytes + c.out_bytes)


def _top_k_shape(c: InferContext) -> Sequence[TensorShape]:
    shape = c.rank_at_least("input", 1)
    c.rank("k", 0)
    known = c.value("k")
    count = None if known is None else int(known)
    if count is not None and count < 0:
        c.fail(f"k must not be negative, it is {count}")
    if shape.rank is None:
        return [TensorShape(None)] * 2
    last = shape[-1]
    if count is not None and last is not None and last < count:
        c.fail(f"input must have at least k = {count} columns")
    return [shape[:-1].concatenate([count])] * 2


def _top_k_grad(op: Operation, grad: Tensor, _: Any) -> Any:
    """Each gradient goes back to the place its element came from."""
    from .array import Range, Reshape, Shape
    from .math import Cast
    from .reduction import Prod
    from .segment import UnsortedSegmentSum

    x, indices = op.inputs[0], op.outputs[1]
    if indices.dtype.size < 4:
        indices = Cast(indices, DstT="int32")
    shape = Shape(x, out_type=indices.dtype)
    columns = shape[-1]
    rows = Prod(shape[:-1], [0])
    first = Reshape(Range(Reshape(columns * 0, []), rows, columns * 0 + 1) * columns, [-1, 1])
    places = Reshape(Reshape(indices, [rows, _last(indices)]) + first, [-1])
    flat = UnsortedSegmentSum(Reshape(grad, [-1]), places, rows * columns)
    return [Reshape(flat, shape), *[None] * (len(op.inputs) - 1)]


def _last(x: Tensor) -> Any:
    from .array import Shape

    known = x.shape[-1] if x.shape.rank else None
    return Shape(x, out_type=x.dtype)[-1] if known is None else known


def _top_samples() -> list[Sample]:
    tied = np.array([[3, 1, 3, 2, 3], [1, 1, 1, 1, 1]], np.float32)
    return [
        sample(floats(2, 5), 2),
        sample(floats(2, 3, 4, dtype="float64"), 2),
        sample(floats(6), 2),
        sample(tied, 2, grad=()),
        sample(ints(3, 7, high=4), 2),
        sample(ints(2, 8, high=200, dtype="uint8"), 2),
        sample(floats(2, 400, seed=3), 2, grad=()),
    ]


TopKV2 = declare(
    "TopKV2",
    inputs="input: T, k: Tk",
    outputs="values: T, indices: index_type",
    attrs=(
        "sorted: bool = true",
        "T: realnumbertype",
        "Tk: {int16, int32, int64} = DT_INT32",
        "index_type: {int16, int32, int64} = DT_INT32",
    ),
    infer=_top_k_shape,
    gradient=_top_k_grad,
    cost=_by_sort,
    state=PURE,
    host_inputs=("k",),
    samples=lambda: [
        *_top_samples(),
        sample(floats(2, 5), 0, grad=()),
        sample(floats(2, 5), 5),
        sample(floats(2, 5), 1),
        sample(floats(2, 5), 2, index_type="int64", grad=()),
    ],
    doc="The k largest elements of each row, and their positions; the lower position first among equals.",
)


def _nth_shape(c: InferContext) -> Sequence[TensorShape]:
    shape, n = c.rank_at_least("input", 1), c.value("n")
    c.rank("n", 0)
    if n is not None and int(n) < 0:
        c.fail(f"n must not be negative, it is {int(n)}")
    if shape.rank is None:
        return [TensorShape(None)]
    last = shape[-1]
    if n is not None and last is not None and last <= int(n):
        c.fail(f"input must have more than n = {int(n)} columns")
    return [shape[:-1]]


def _nth_grad(op: Operation, grad: Tensor) -> Any:
    """Shared evenly among all elements of the row that equal the one that was taken."""
    from .array import ExpandDims
    from .compare import Equal
    from .math import Cast
    from .reduction import Sum

    is_chosen = Cast(Equal(ExpandDims(op.outputs[0], -1), op.inputs[0]), DstT=grad.dtype)
    count = Sum(is_chosen, [-1], keep_dims=True)
    return [is_chosen / count * ExpandDims(grad, -1), None]


NthElement = declare(
    "NthElement",
    inputs="input: T, n: int32",
    outputs="values: T",
    attrs=("reverse: bool = false", "T: realnumbertype"),
    infer=_nth_shape,
    gradient=_nth_grad,
    cost=per_input(2.0),
    state=PURE,
    host_inputs=("n",),
    samples=lambda: [
        sample(floats(2, 5), 1),
        sample(floats(2, 5), 1, reverse=True),
        sample(ints(3, 4), 0),
        sample(floats(6, dtype="float64"), 5),
    ],
    doc="The element of each row that would stand at position n if the row were sorted.",
)


def _in_top_k_shape(c: InferContext) -> Sequence[TensorShape]:
    predictions, targets = c.rank("predictions", 2), c.rank("targets", 1)
    return [c.merge(predictions[:1], targets, "there must be one target per row of predictions")]


def _predictions(*k: int, **attrs: int) -> list[Sample]:
    odd = np.array([[1, np.nan, 2], [np.inf, 1, 2], [1, 2, 2], [1, 2, 3]], np.float32)
    return [
        sample(floats(4, 5), ints(4, high=5, seed=1), *k, grad=(), **attrs),
        sample(odd, np.array([0, 1, 2, 0], np.int64), *k, grad=(), **attrs),
    ]


InTopK = declare(
    "InTopK",
    inputs="predictions: float, targets: T",
    outputs="precision: bool",
    attrs=("k: int", "T: indextype = DT_INT32"),
    infer=_in_top_k_shape,
    gradient=_POSITIONS,
    cost=per_input(),
    state=PURE,
    samples=lambda: _predictions(k=2),
    doc="Whether the target of each row is among its k largest predictions.",
)
InTopKV2 = declare(
    "InTopKV2",
    inputs="predictions: float, targets: T, k: T",
    outputs="precision: bool",
    attrs="T: indextype = DT_INT32",
    infer=_in_top_k_shape,
    gradient=_POSITIONS,
    cost=per_input(),
    state=PURE,
    samples=lambda: [
        sample(*row.inputs[:2], row.inputs[1].dtype.type(2), grad=()) for row in _predictions(2)
    ],
    doc="Whether the target of each row is among its k largest predictions.",
)


def _bound_shape(c: InferContext) -> Sequence[TensorShape]:
    rows, values = c.rank("sorted_inputs", 2), c.rank("values", 2)
    c.merge(rows[:1], values[:1], "sorted_inputs and values must have as many rows")
    return [values]


def _bound(name: str, doc: str) -> OpDecl:
    ascending = np.sort(ints(2, 6, high=9), axis=-1)
    return declare(
        name,
        inputs="sorted_inputs: T, values: T",
        outputs="output: out_type",
        attrs=("T: type", "out_type: indextype = DT_INT32"),
        infer=_bound_shape,
        gradient=_POSITIONS,
        cost=_by_search,
        state=PURE,
        samples=lambda: [
            sample(ascending, ints(2, 4, high=9, seed=1)),
            sample(np.sort(floats(1, 5), axis=-1), floats(1, 3, seed=1), out_type="int64", grad=()),
        ],
        doc=doc,
    )


LowerBound = _bound("LowerBound", "Where in a sorted row each value would go, before all that equal it.")
UpperBound = _bound("UpperBound", "Where in a sorted row each value would go, after all that equal it.")

Bucketize = declare(
    "Bucketize",
    inputs="input: T",
    outputs="output: int32",
    attrs=("T: {int32, int64, float, double}", "boundaries: list(float)"),
    infer=like_input,
    gradient=_POSITIONS,
    cost=_by_search,
    state=PURE,
    samples=lambda: [
        sample(floats(2, 4, low=-9, high=9), boundaries=(-3.0, 0.0, 2.5), grad=()),
        sample(ints(5), boundaries=(2.0, 5.0)),
        sample(ints(5), boundaries=()),
    ],
    doc="How many of the boundaries are not above each element.",
)
