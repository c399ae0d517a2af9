"""Arithmetic with sparse tensors: products, sums, reductions, softmax."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..elements import Operation, Tensor
from ..infer import CostContext, InferContext, per_input
from ..opdef import PURE, Cost, NoGradient, OpDecl, declare
from ..samples import floats, ints, sample
from ..shapes import TensorShape
from .gather_nd import GatherNd, ScatterNd
from .indexing import GatherV2
from .shaping import Reshape, Transpose, shape_of
from .slicing import StridedSlice
from .sparse import ROWS, SHAPE, check_triple

__all__ = [
    "SparseAdd",
    "SparseAddGrad",
    "SparseDenseCwiseAdd",
    "SparseDenseCwiseDiv",
    "SparseDenseCwiseMul",
    "SparseReduceMax",
    "SparseReduceMaxSparse",
    "SparseReduceSum",
    "SparseReduceSumSparse",
    "SparseSoftmax",
    "SparseSparseMaximum",
    "SparseSparseMinimum",
    "SparseTensorDenseAdd",
    "SparseTensorDenseMatMul",
]

_REAL = "realnumbertype"
_NONE = NoGradient("TensorFlow defines none")
_ENTRIES = per_input(4.0)


def _matmul_shape(c: InferContext) -> Sequence[TensorShape]:
    check_triple(c, "a_indices", "a_values", "a_shape")
    a, b = c.value_as_shape("a_shape").with_rank(2), c.rank("b", 2)
    rows, inner = (a[1], a[0]) if c.attr("adjoint_a") else (a[0], a[1])
    other, columns = (b[1], b[0]) if c.attr("adjoint_b") else (b[0], b[1])
    c.merge(TensorShape([inner]), TensorShape([other]), "inner dimensions must agree")
    return [TensorShape([rows, columns])]


def _column(indices: Tensor, at: int) -> Tensor:
    """One column of the indices of a sparse matrix."""
    zero, one = np.array([0, at], np.int32), np.array([1, 1], np.int32)
    made: Tensor = StridedSlice(
        indices, zero, np.array([0, at + 1], np.int32), one, begin_mask=1, end_mask=1, shrink_axis_mask=2
    )
    return made


def _adjoint(x: Tensor) -> Tensor:
    if x.dtype.is_complex:
        from .complex import Conj

        x = Conj(x)
    made: Tensor = Transpose(x, np.array([1, 0], np.int32))
    return made


def _matmul_grad(op: Operation, grad: Any) -> list[Any]:
    from .math import Mul
    from .reduction import Sum

    indices, values, shape, b = op.inputs
    first, second = op.attrs["adjoint_a"], op.attrs["adjoint_b"]
    b_grad = SparseTensorDenseMatMul(indices, values, shape, grad, adjoint_a=not first)
    rows, columns = _column(indices, 0), _column(indices, 1)
    left = GatherV2(grad, columns if first else rows, 0)
    right = GatherV2(_adjoint(b) if second else b, rows if first else columns, 0)
    if right.dtype.is_complex:
        from .complex import Conj

        right = Conj(right)
    made = Sum(Mul(left, right), [1])
    if first and made.dtype.is_complex:
        from .complex import Conj

        made = Conj(made)
    return [None, made, None, _adjoint(b_grad) if second else b_grad]


def _matmul_cost(c: CostContext) -> Cost:
    columns = c.out_shapes[0][-1] if c.out_shapes[0] else 1
    count = c.in_shapes[1][0] if c.in_shapes[1] else 0
    return Cost(2.0 * count * columns, c.in_bytes + c.out_bytes)


SparseTensorDenseMatMul = declare(
    "SparseTensorDenseMatMul",
    inputs="a_indices: Tindices, a_values: T, a_shape: int64, b: T",
    outputs="product: T",
    attrs=(
        "T: type",
        "Tindices: indextype = DT_INT64",
        "adjoint_a: bool = false",
        "adjoint_b: bool = false",
    ),
    infer=_matmul_shape,
    gradient=_matmul_grad,
    cost=_matmul_cost,
    state=PURE,
    host_inputs=("a_shape",),
    samples=lambda: [
        sample(ROWS, floats(4), SHAPE, floats(4, 2)),
        sample(ROWS, floats(4), SHAPE, floats(3, 2), adjoint_a=True),
        sample(ROWS.astype(np.int32), floats(4), SHAPE, floats(2, 4), adjoint_b=True),
        sample(ROWS[[2, 0, 3, 1]], floats(4), SHAPE, floats(2, 3), adjoint_a=True, adjoint_b=True),
        sample(np.zeros((0, 2), np.int64), floats(0), SHAPE, floats(4, 2)),
        sample(ROWS, ints(4), SHAPE, ints(4, 2)),
    ],
    doc="Product of a sparse and a dense matrix.",
)


def _dense_add_grad(op: Operation, grad: Any) -> list[Any]:
    return [None, GatherNd(grad, op.inputs[0]), None, grad]


def _dense_add_shape(c: InferContext) -> Sequence[TensorShape]:
    check_triple(c, "a_indices", "a_values", "a_shape")
    rule = "both operands must have one shape"
    return [c.merge(c.shape("b"), c.value_as_shape("a_shape"), rule)]


SparseTensorDenseAdd = declare(
    "SparseTensorDenseAdd",
    inputs="a_indices: Tindices, a_values: T, a_shape: Tindices, b: T",
    outputs="output: T",
    attrs=("T: numbertype", "Tindices: indextype"),
    infer=_dense_add_shape,
    gradient=_dense_add_grad,
    cost=per_input(),
    state=PURE,
    samples=lambda: [
        sample(ROWS, floats(4), SHAPE, floats(3, 4)),
        sample(np.array([[1], [1]], np.int32), ints(2), np.array([3], np.int32), ints(3)),
    ],
    doc="Sum of a sparse and a dense tensor.",
)


def _add_shape(c: InferContext) -> Sequence[TensorShape]:
    _, rank = check_triple(c, "a_indices", "a_values", "a_shape")
    _, other = check_triple(c, "b_indices", "b_values", "b_shape")
    c.merge(TensorShape([rank]), TensorShape([other]), "both operands must have one rank")
    c.rank("thresh", 0)
    return [TensorShape([None, rank]), TensorShape([None]), TensorShape([rank])]


def _add_grad(op: Operation, _i: Any, grad: Any, _s: Any) -> list[Any]:
    a, b = SparseAddGrad(grad, op.inputs[0], op.inputs[3], op.outputs[0])
    return [None, a, None, None, b, None, None]


_OTHER = np.array([[0, 0], [1, 2], [2, 3]], np.int64)

SparseAdd = declare(
    "SparseAdd",
    inputs=(
        "a_indices: int64, a_values: T, a_shape: int64, b_indices: int64, b_values: T, b_shape: int64, "
        "thresh: Treal"
    ),
    outputs="sum_indices: int64, sum_values: T, sum_shape: int64",
    attrs=("T: numbertype", f"Treal: {_REAL}"),
    infer=_add_shape,
    gradient=_add_grad,
    cost=_ENTRIES,
    state=PURE,
    dynamic=True,
    samples=lambda: [
        sample(ROWS, floats(4), SHAPE, _OTHER, floats(3, seed=1), SHAPE, np.float32(0), grad=(1, 4)),
        sample(ROWS, ints(4), SHAPE, _OTHER, ints(3, seed=1), SHAPE, np.int32(8)),
    ],
    doc="Sum of two sparse tensors, without elements of both whose sum is below a threshold in size.",
)


def _add_grad_shape(c: InferContext) -> Sequence[TensorShape]:
    return [c.rank("a_indices", 2)[:1], c.rank("b_indices", 2)[:1]]


SparseAddGrad = declare(
    "SparseAddGrad",
    inputs="backprop_val_grad: T, a_indices: int64, b_indices: int64, sum_indices: int64",
    outputs="a_val_grad: T, b_val_grad: T",
    attrs="T: numbertype",
    infer=_add_grad_shape,
    gradient=_NONE,
    cost=_ENTRIES,
    state=PURE,
    samples=lambda: [sample(floats(3), ROWS, _OTHER, ROWS[1:], grad=())],
    doc="Gradient of `SparseAdd` by the values of both operands.",
)


def _extreme_shape(c: InferContext) -> Sequence[TensorShape]:
    _, rank = check_triple(c, "a_indices", "a_values", "a_shape")
    check_triple(c, "b_indices", "b_values", "b_shape")
    return [TensorShape([None, rank]), TensorShape([None])]


def _sparse_sparse(name: str, types: str, doc: str) -> OpDecl:
    return declare(
        name,
        inputs="a_indices: int64, a_values: T, a_shape: int64, b_indices: int64, b_values: T, b_shape: int64",
        outputs="output_indices: int64, output_values: T",
        attrs=f"T: {types}",
        infer=_extreme_shape,
        gradient=_NONE,
        cost=_ENTRIES,
        state=PURE,
        dynamic=True,
        samples=lambda: [
            sample(ROWS, floats(4), SHAPE, _OTHER, floats(3, seed=1), SHAPE, grad=()),
            sample(ROWS, ints(4), SHAPE, _OTHER, ints(3, seed=1), SHAPE),
        ],
        doc=doc,
    )


SparseSparseMaximum = _sparse_sparse(
    "SparseSparseMaximum", _REAL, "Larger elements of two sparse tensors; what is not given counts as 0."
)
SparseSparseMinimum = _sparse_sparse(
    "SparseSparseMinimum",
    "numbertype",
    "Smaller elements of two sparse tensors; what is not given counts as 0.",
)


def _reduce_shape(c: InferContext) -> Sequence[TensorShape]:
    check_triple(c, "input_indices", "input_values", "input_shape")
    shape, axes = c.value_as_shape("input_shape"), c.value("reduction_axes")
    if shape.dims is None or axes is None:
        return [TensorShape(None)]
    reduced = set()
    for axis in axes.reshape(-1).tolist():
        if not -len(shape) <= axis < len(shape):
            c.fail(f"reduction axis {axis} is out of range for rank {len(shape)}")
        reduced.add(axis % len(shape))
    kept = c.attr("keep_dims")
    return [TensorShape(1 if i in reduced else d for i, d in enumerate(shape) if kept or i not in reduced)]


def _reduce_sum_grad(op: Operation, grad: Any) -> list[Any]:
    from .math import FloorDiv

    indices, _, shape, axes = op.inputs
    kept = _kept_shape(shape, axes)
    places = FloorDiv(indices, FloorDiv(shape, kept))
    return [None, GatherNd(Reshape(grad, kept), places), None, None]


def _kept_shape(shape: Tensor, axes: Tensor) -> Tensor:
    """The shape with ones at the reduced axes."""
    from .filling import Fill, Range
    from .math import FloorMod
    from .partition import DynamicStitch
    from .shaping import Size

    flat, rank = Reshape(axes, [-1]), Size(shape)
    ones = Fill(shape_of(flat), np.int64(1))
    made: Tensor = DynamicStitch([Range(0, rank, 1), FloorMod(flat, rank)], [shape, ones])
    return made


_AXES = (np.int32(1), np.array([0], np.int32), np.array([-1, 0], np.int32), np.zeros(0, np.int32))


def _reduce(name: str, types: str, gradient: Any, rows: Any, doc: str) -> OpDecl:
    return declare(
        name,
        inputs="input_indices: int64, input_values: T, input_shape: int64, reduction_axes: int32",
        outputs="output: T",
        attrs=("keep_dims: bool = false", f"T: {types}"),
        infer=_reduce_shape,
        gradient=gradient,
        cost=_ENTRIES,
        state=PURE,
        host_inputs=("input_shape", "reduction_axes"),
        samples=rows,
        doc=doc,
    )


SparseReduceSum = _reduce(
    "SparseReduceSum",
    "numbertype",
    _reduce_sum_grad,
    lambda: [
        *(sample(ROWS, floats(4), SHAPE, a) for a in _AXES[:3]),
        sample(ROWS, ints(4), SHAPE, _AXES[0], keep_dims=True),
    ],
    "Sum of a sparse tensor over axes, as a dense one.",
)
SparseReduceMax = _reduce(
    "SparseReduceMax",
    _REAL,
    _NONE,
    lambda: [
        *(sample(ROWS, floats(4), SHAPE, a, grad=()) for a in _AXES[:3]),
        sample(ROWS, ints(4), SHAPE, _AXES[0], keep_dims=True),
    ],
    "Largest of the given elements over axes, as a dense tensor; 0 where there is none.",
)


def _reduce_sparse_shape(c: InferContext) -> Sequence[TensorShape]:
    check_triple(c, "input_indices", "input_values", "input_shape")
    rank = _reduce_shape(c)[0].rank
    return [TensorShape([None, rank]), TensorShape([None]), TensorShape([rank])]


def _reduce_sparse(name: str, types: str, doc: str) -> OpDecl:
    return declare(
        name,
        inputs="input_indices: int64, input_values: T, input_shape: int64, reduction_axes: int32",
        outputs="output_indices: int64, output_values: T, output_shape: int64",
        attrs=("keep_dims: bool = false", f"T: {types}"),
        infer=_reduce_sparse_shape,
        gradient=_NONE,
        cost=_ENTRIES,
        state=PURE,
        host_inputs=("input_shape", "reduction_axes"),
        dynamic=True,
        samples=lambda: [
            sample(ROWS, floats(4), SHAPE, _AXES[0], grad=()),
            sample(ROWS, floats(4), SHAPE, _AXES[1], grad=(), keep_dims=True),
        ],
        doc=doc,
    )


SparseReduceSumSparse = _reduce_sparse(
    "SparseReduceSumSparse", "numbertype", "Sum over axes, as a sparse tensor."
)
SparseReduceMaxSparse = _reduce_sparse(
    "SparseReduceMaxSparse", _REAL, "Largest over axes, as a sparse tensor."
)


def _cwise_shape(c: InferContext) -> Sequence[TensorShape]:
    count, rank = check_triple(c, "sp_indices", "sp_values", "sp_shape")
    if rank is not None and c.shape("dense").rank is not None and len(c.shape("dense")) > rank:
        c.fail("dense must not have a higher rank than the sparse tensor")
    return [TensorShape([count])]


def _picked(op: Operation) -> tuple[Tensor, Tensor]:
    """For each given element, the index of the dense element that it meets, and that element."""
    from .filling import Fill
    from .joining import ConcatV2
    from .math import FloorDiv, Sub
    from .shaping import Shape, Size
    from .slicing import Slice

    indices, _, shape, dense = op.inputs
    own = Shape(dense, out_type="int64")
    missing = Sub(Size(shape), Size(own))
    ones = Fill(Reshape(missing, [1]), np.int64(1))
    scale = FloorDiv(shape, ConcatV2([ones, own], 0))
    begin = ConcatV2([np.zeros(1, np.int32), Reshape(missing, [1])], 0)
    places = Slice(FloorDiv(indices, scale), begin, np.array([-1, -1], np.int32))
    return places, GatherNd(dense, places)


def _mul_grad(op: Operation, grad: Any) -> list[Any]:
    from .math import Mul

    places, dense = _picked(op)
    back = ScatterNd(places, Mul(grad, op.inputs[1]), shape_of(op.inputs[3], places.dtype))
    return [None, Mul(grad, dense), None, back]


def _div_grad(op: Operation, grad: Any) -> list[Any]:
    from .math import Mul, Neg, RealDiv

    places, dense = _picked(op)
    slope = Mul(grad, RealDiv(Neg(op.inputs[1]), Mul(dense, dense)))
    return [None, RealDiv(grad, dense), None, ScatterNd(places, slope, shape_of(op.inputs[3], places.dtype))]


def _cwise(name: str, gradient: Any, doc: str) -> OpDecl:
    more: dict[str, Any] = {} if callable(gradient) else {"grad": ()}
    return declare(
        name,
        inputs="sp_indices: int64, sp_values: T, sp_shape: int64, dense: T",
        outputs="output: T",
        attrs="T: numbertype",
        infer=_cwise_shape,
        gradient=gradient,
        cost=_ENTRIES,
        state=PURE,
        samples=lambda: [
            sample(ROWS, floats(4), SHAPE, floats(3, 4, low=1.0, seed=1), **more),
            sample(ROWS, floats(4), SHAPE, floats(3, 1, low=1.0, seed=1), **more),
            sample(ROWS, floats(4), SHAPE, floats(4, low=1.0, seed=1), **more),
            sample(ROWS, floats(4), SHAPE, np.float32(2), **more),
        ],
        doc=doc,
    )


SparseDenseCwiseMul = _cwise(
    "SparseDenseCwiseMul", _mul_grad, "Given elements times those of a dense tensor."
)
SparseDenseCwiseDiv = _cwise("SparseDenseCwiseDiv", _div_grad, "Given elements over those of a dense tensor.")
SparseDenseCwiseAdd = _cwise("SparseDenseCwiseAdd", _NONE, "Given elements plus those of a dense tensor.")


def _softmax_shape(c: InferContext) -> Sequence[TensorShape]:
    count, rank = check_triple(c, "sp_indices", "sp_values", "sp_shape")
    if rank is not None and rank < 2:
        c.fail("the sparse tensor must have at least two dimensions")
    return [TensorShape([count])]


def _softmax_grad(op: Operation, grad: Any) -> list[Any]:
    from .math import Mul, Neg

    indices, _, shape = op.inputs
    out = op.outputs[0]
    product = Mul(out, grad)
    total = SparseReduceSum(indices, Neg(product), shape, np.array([-1], np.int32), keep_dims=True)
    shifted = SparseDenseCwiseAdd(indices, grad, shape, total)
    return [None, Mul(shifted, out), None]


SparseSoftmax = declare(
    "SparseSoftmax",
    inputs="sp_indices: int64, sp_values: T, sp_shape: int64",
    outputs="output: T",
    attrs="T: {half, float, double}",
    infer=_softmax_shape,
    gradient=_softmax_grad,
    cost=per_input(10.0),
    state=PURE,
    samples=lambda: [
        sample(ROWS, floats(4), SHAPE),
        sample(
            np.array([[0, 0, 1], [0, 1, 0], [0, 1, 2], [1, 0, 0]], np.int64),
            floats(4),
            np.array([2, 2, 3], np.int64),
        ),
    ],
    doc="Softmax over the given elements of each row.",
)
