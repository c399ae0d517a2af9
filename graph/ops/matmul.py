"""Matrix products, of single matrices and of batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..elements import Operation, Tensor
from ..infer import CostContext, InferContext
from ..opdef import PURE, Cost, declare
from ..samples import floats, ints, sample
from ..shapes import Dimension, TensorShape, broadcast_shapes
from .broadcasting import sum_to_shape

__all__ = ["BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "MatMul", "SparseMatMul"]


def _inner(c: InferContext, a: TensorShape, b: TensorShape, flip_a: bool, flip_b: bool) -> list[Dimension]:
    """Rows and columns of the product of two matrices, whose inner dimensions must agree."""
    rows, inner_a = (a[-1], a[-2]) if flip_a else (a[-2], a[-1])
    inner_b, columns = (b[-1], b[-2]) if flip_b else (b[-2], b[-1])
    if None not in (inner_a, inner_b) and inner_a != inner_b:
        c.fail(f"inner dimensions must agree ({inner_a} and {inner_b})")
    return [rows, columns]


def _matmul_shape(c: InferContext) -> Sequence[TensorShape]:
    a, b = c.rank("a", 2), c.rank("b", 2)
    return [TensorShape(_inner(c, a, b, c.attr("transpose_a"), c.attr("transpose_b")))]


def _matmul_grad(op: Operation, grad: Tensor) -> Any:
    from .complex import conj

    a, b = (conj(t) for t in op.inputs)
    match op.attrs["transpose_a"], op.attrs["transpose_b"]:
        case False, False:
            return [MatMul(grad, b, transpose_b=True), MatMul(a, grad, transpose_a=True)]
        case False, True:
            return [MatMul(grad, b), MatMul(grad, a, transpose_a=True)]
        case True, False:
            return [MatMul(b, grad, transpose_b=True), MatMul(a, grad)]
    return [
        MatMul(b, grad, transpose_a=True, transpose_b=True),
        MatMul(grad, a, transpose_a=True, transpose_b=True),
    ]


def _product_cost(flip_a: str) -> Any:
    def rule(c: CostContext) -> Cost:
        inner = c.in_shapes[0][-2] if c.attrs[flip_a] else c.in_shapes[0][-1]
        work = 8.0 if c.out_types[0].is_complex else 2.0
        return Cost(work * c.out_elements * inner, c.in_bytes + c.out_bytes)

    return rule


MatMul = declare(
    "MatMul",
    inputs="a: T, b: T",
    outputs="product: T",
    attrs=(
        "transpose_a: bool = false",
        "transpose_b: bool = false",
        "T: {bfloat16, half, float, double, int32, int64, uint8, uint16, uint32, uint64, "
        "complex64, complex128}",
        "grad_a: bool = false",
        "grad_b: bool = false",
    ),
    infer=_matmul_shape,
    gradient=_matmul_grad,
    cost=_product_cost("transpose_a"),
    state=PURE,
    samples=lambda: [
        sample(floats(2, 3), floats(3, 4, seed=1)),
        sample(floats(3, 2), floats(3, 4, seed=1), transpose_a=True),
        sample(floats(2, 3), floats(4, 3, seed=1), transpose_b=True),
        sample(floats(3, 2), floats(4, 3, seed=1), transpose_a=True, transpose_b=True),
        sample(floats(2, 0), floats(0, 4), grad=()),
        sample(ints(2, 3), ints(3, 4, seed=1)),
        sample(floats(2, 3, dtype="float64"), floats(3, 4, seed=1, dtype="float64")),
        sample(floats(2, 3, dtype="float16"), floats(3, 4, seed=1, dtype="float16"), grad=()),
    ],
    doc="Matrix product of two matrices, each of which may be transposed first.",
)


def _sparse_matmul_grad(op: Operation, grad: Tensor) -> Any:
    from .math import Cast

    a, b = (Cast(t, DstT=grad.dtype) if t.dtype is not grad.dtype else t for t in op.inputs)
    flip_a, flip_b = op.attrs["transpose_a"], op.attrs["transpose_b"]
    if flip_a:
        of_a = MatMul(b, grad, transpose_a=flip_b, transpose_b=True)
    else:
        of_a = MatMul(grad, b, transpose_b=not flip_b)
    if flip_b:
        of_b = MatMul(grad, a, transpose_a=True, transpose_b=flip_a)
    else:
        of_b = MatMul(a, grad, transpose_a=not flip_a)
    pairs = zip((of_a, of_b), op.inputs, strict=True)
    return [Cast(g, DstT=t.dtype) if t.dtype is not g.dtype else g for g, t in pairs]


SparseMatMul = declare(
    "SparseMatMul",
    inputs="a: Ta, b: Tb",
    outputs="product: float",
    attrs=(
        "transpose_a: bool = false",
        "transpose_b: bool = false",
        "a_is_sparse: bool = false",
        "b_is_sparse: bool = false",
        "Ta: {float, bfloat16} = DT_FLOAT",
        "Tb: {float, bfloat16} = DT_FLOAT",
    ),
    infer=_matmul_shape,
    gradient=_sparse_matmul_grad,
    cost=_product_cost("transpose_a"),
    state=PURE,
    samples=lambda: [
        sample(floats(2, 3), floats(3, 4, seed=1), a_is_sparse=True),
        sample(floats(3, 2), floats(3, 4, seed=1), transpose_a=True),
        sample(floats(2, 3), floats(4, 3, seed=1), transpose_b=True),
        sample(floats(3, 2), floats(4, 3, seed=1), transpose_a=True, transpose_b=True),
    ],
    doc="Matrix product of two matrices that may hold many zeros; they are multiplied like other numbers.",
)


def _batch_shape(c: InferContext, broadcasts: bool) -> Sequence[TensorShape]:
    x, y = c.rank_at_least("x", 2), c.rank_at_least("y", 2)
    if x.rank is None or y.rank is None:
        return [TensorShape(None)]
    dims = _inner(c, x, y, c.attr("adj_x"), c.attr("adj_y"))
    if broadcasts:
        batch = broadcast_shapes(x[:-2], y[:-2])
    else:
        batch = c.merge(x[:-2], y[:-2], "batch dimensions must be the same")
    return [batch.concatenate(dims)]


def _batch_grads(op: Operation, grad: Tensor, product: Any) -> tuple[Tensor, Tensor]:
    x, y = op.inputs
    match op.attrs["adj_x"], op.attrs["adj_y"]:
        case False, False:
            return product(grad, y, adj_y=True), product(x, grad, adj_x=True)
        case False, True:
            return product(grad, y), product(grad, x, adj_x=True)
        case True, False:
            return product(y, grad, adj_y=True), product(x, grad)
    return product(y, grad, adj_x=True, adj_y=True), product(grad, x, adj_x=True, adj_y=True)


def _batch_grad(op: Operation, grad: Tensor) -> Any:
    return list(_batch_grads(op, grad, BatchMatMul))


def _batch_v2_grad(op: Operation, grad: Tensor) -> Any:
    x, y = op.inputs
    of_x, of_y = _batch_grads(op, grad, BatchMatMulV2)
    return [sum_to_shape(of_x, x), sum_to_shape(of_y, y)]


def _batch_v3_grad(op: Operation, grad: Tensor) -> Any:
    from .math import Cast

    x, y = op.inputs
    common = grad.dtype

    def product(a: Tensor, b: Tensor, **flips: bool) -> Tensor:
        return BatchMatMulV3(a, b, Tout=common, **flips)

    of_x, of_y = _batch_grads(op, grad, product)
    summed = sum_to_shape(of_x, x), sum_to_shape(of_y, y)
    return [
        Cast(g, DstT=t.dtype) if g.dtype is not t.dtype else g for g, t in zip(summed, (x, y), strict=True)
    ]


_ADJOINTS = ("adj_x: bool = false", "adj_y: bool = false", "grad_x: bool = false", "grad_y: bool = false")


def _batch_samples(broadcasts: bool) -> Any:
    def rows() -> Any:
        made = [
            sample(floats(2, 3, 4), floats(2, 4, 5, seed=1)),
            sample(floats(2, 4, 3), floats(2, 4, 5, seed=1), adj_x=True),
            sample(floats(2, 3, 4), floats(2, 5, 4, seed=1), adj_y=True),
            sample(floats(2, 4, 3), floats(2, 5, 4, seed=1), adj_x=True, adj_y=True),
            sample(floats(3, 4), floats(4, 2, seed=1)),
            sample(floats(0, 3, 4), floats(0, 4, 5), grad=()),
        ]
        if broadcasts:
            made.append(sample(floats(2, 1, 3, 4), floats(3, 4, 2, seed=1)))
            made.append(sample(floats(3, 4, dtype="float64"), floats(2, 4, 2, seed=1, dtype="float64")))
        return made

    return rows


BatchMatMul = declare(
    "BatchMatMul",
    inputs="x: T, y: T",
    outputs="output: T",
    attrs=("T: {bfloat16, half, float, double, int32, int64, complex64, complex128}", *_ADJOINTS),
    infer=lambda c: _batch_shape(c, broadcasts=False),
    gradient=_batch_grad,
    cost=_product_cost("adj_x"),
    state=PURE,
    samples=_batch_samples(broadcasts=False),
    doc="Matrix products of two batches of matrices, each of which may be conjugated and transposed first.",
)
BatchMatMulV2 = declare(
    "BatchMatMulV2",
    inputs="x: T, y: T",
    outputs="output: T",
    attrs=(
        "T: {bfloat16, half, float, double, int16, int32, int64, uint8, uint16, uint32, uint64, "
        "complex64, complex128}",
        *_ADJOINTS,
    ),
    infer=lambda c: _batch_shape(c, broadcasts=True),
    gradient=_batch_v2_grad,
    cost=_product_cost("adj_x"),
    state=PURE,
    samples=_batch_samples(broadcasts=True),
    doc="BatchMatMul with broadcasting over the batch dimensions.",
)
_V3_TYPES = "{bfloat16, half, float, double, uint8, int8, int16, int32, int64, complex64, complex128}"
BatchMatMulV3 = declare(
    "BatchMatMulV3",
    inputs="x: Ta, y: Tb",
    outputs="output: Tout",
    attrs=(
        f"Ta: {_V3_TYPES}",
        f"Tb: {_V3_TYPES}",
        "Tout: {bfloat16, half, float, double, int16, int32, int64, complex64, complex128}",
        *_ADJOINTS,
    ),
    infer=lambda c: _batch_shape(c, broadcasts=True),
    gradient=_batch_v3_grad,
    cost=_product_cost("adj_x"),
    state=PURE,
    samples=lambda: [
        sample(floats(2, 3, 4), floats(2, 4, 5, seed=1), Tout="float32"),
        sample(ints(2, 3, dtype="int8"), ints(3, 4, dtype="uint8"), Tout="int32"),
    ],
    doc="BatchMatMulV2 with an element type of its own for each operand and the result.",
)
