"""Reductions over axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..constant_value import constant_value
from ..elements import Operation, Tensor
from ..infer import InferContext, per_input
from ..opdef import PURE, GradientRule, NoGradient, OpDecl, Sample, declare
from ..samples import bools, floats, ints, sample
from ..shapes import Dimension, TensorShape

__all__ = [
    "All",
    "Any_",
    "ArgMax",
    "ArgMin",
    "EuclideanNorm",
    "Max",
    "Mean",
    "Min",
    "Prod",
    "Sum",
    "reduction_infer",
]

_ORDERED = "{float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64}"


def reduction_infer(c: InferContext) -> Sequence[TensorShape]:
    """Shape rule: the input's shape without the reduced axes (or with ones, for `keep_dims`)."""
    shape, axes = c.shape("input"), c.value("reduction_indices")
    if shape.rank is None:
        return [TensorShape(None)]
    if axes is None:
        return [TensorShape([None] * shape.rank if c.attr("keep_dims") else None)]
    reduced: set[int] = set()
    for axis in axes.reshape(-1):
        if not -shape.rank <= axis < shape.rank:
            c.fail(f"axis {int(axis)} is out of range for rank {shape.rank}")
        if int(axis) % shape.rank in reduced:
            c.fail(f"axis {int(axis)} is given twice")
        reduced.add(int(axis) % shape.rank)
    dims: list[Dimension] = []
    for position, dim in enumerate(shape):
        if position not in reduced:
            dims.append(dim)
        elif c.attr("keep_dims"):
            dims.append(1)
    return [TensorShape(dims)]


def _known_axes(x: Tensor, axes: Tensor) -> list[int] | None:
    """The reduced axes, counted from 0, if they are known when the graph is built."""
    value = constant_value(axes)
    rank = x.shape.rank
    if value is None or rank is None:
        return None
    return [int(a) % rank for a in value.reshape(-1)]


def _restored(op: Operation, *tensors: Tensor) -> list[Tensor]:
    """Tensors of a reduction's output shape, with the reduced axes put back as ones."""
    from .array import Reshape, reduced_shape

    if op.attrs["keep_dims"]:
        return list(tensors)
    shape = reduced_shape(op.inputs[0], op.inputs[1])
    return [Reshape(t, shape) for t in tensors]


def _spread(op: Operation, grad: Tensor) -> Tensor:
    """A reduction's output gradient, repeated to the input's shape."""
    from .array import BroadcastTo, shape_of

    spread: Tensor = BroadcastTo(_restored(op, grad)[0], shape_of(op.inputs[0]))
    return spread


def _sum_grad(op: Operation, grad: Tensor) -> Any:
    return [_spread(op, grad), None]


def _mean_grad(op: Operation, grad: Tensor) -> Any:
    from .array import Shape
    from .math import Cast, Maximum

    x, y = op.inputs[0], op.outputs[0]
    axes = _known_axes(x, op.inputs[1])
    if axes is not None and all(x.shape[a] is not None for a in axes):
        count = float(np.prod([int(x.shape[a] or 0) for a in axes], dtype=np.float64))
        return [_spread(op, grad / max(count, 1.0)), None]
    total, kept = (Prod(Shape(t), [0]) for t in (x, y))
    size = Cast(total // Maximum(kept, 1), DstT=grad.dtype)
    return [_spread(op, grad / size), None]


def _extreme_grad(op: Operation, grad: Tensor) -> Any:
    """Shared evenly among all elements that are the extreme one."""
    from .compare import Equal
    from .math import Cast

    x, axes = op.inputs
    y, grad = _restored(op, op.outputs[0], grad)
    is_chosen = Cast(Equal(x, y), DstT=grad.dtype)
    count = Sum(is_chosen, axes, keep_dims=True)
    return [is_chosen / count * grad, None]


def _prod_grad(op: Operation, grad: Tensor) -> Any:
    """The product of all other elements, without a division, so that zeros are no harm."""
    from .array import Reshape, Shape
    from .complex import conj
    from .scan import Cumprod

    x = op.inputs[0]
    spread, axes = _spread(op, grad), _known_axes(x, op.inputs[1])
    if axes is not None and not axes:
        return [spread, None]
    if axes is not None and len(axes) == 1:
        others = Cumprod(x, axes[0], exclusive=True) * Cumprod(x, axes[0], exclusive=True, reverse=True)
        return [spread * conj(others), None]
    if axes is not None and len(axes) == x.shape.rank:
        flat = Reshape(x, [-1])
        others = Cumprod(flat, 0, exclusive=True) * Cumprod(flat, 0, exclusive=True, reverse=True)
        return [spread * conj(Reshape(others, Shape(x))), None]
    return [spread * conj(_others_product(x, op.inputs[1], axes)), None]


def _others_product(x: Tensor, axes_tensor: Tensor, axes: list[int] | None) -> Tensor:
    """The product of all other elements along several axes: they are moved to the front and made one."""
    from .array import ConcatV2, InvertPermutation, Range, Rank, Reshape, Shape, Transpose, reduced_shape
    from .math import Cast, FloorMod
    from .scan import Cumprod

    order: Any
    inverse: Any
    if axes is not None:
        order = axes + [a for a in range(x.shape.rank or 0) if a not in axes]
        inverse = [int(i) for i in np.argsort(order)]
    else:
        from .partition import ListDiff

        rank = Rank(x)
        first = FloorMod(Reshape(Cast(axes_tensor, DstT="int32"), [-1]), rank)
        order = ConcatV2([first, ListDiff(Range(0, rank, 1), first)[0]], 0)
        inverse = InvertPermutation(order)
    moved = Transpose(x, order)
    count = Prod(reduced_shape(x, axes_tensor), [0])
    folded = Reshape(moved, ConcatV2([[-1], Reshape(count, [1])], 0))
    others = Cumprod(folded, 0, exclusive=True) * Cumprod(folded, 0, exclusive=True, reverse=True)
    back: Tensor = Transpose(Reshape(others, Shape(moved)), inverse)
    return back


def _euclidean_norm_grad(op: Operation, grad: Tensor) -> Any:
    from .math import DivNoNan

    y, grad = _restored(op, op.outputs[0], grad)
    return [op.inputs[0] * DivNoNan(grad, y), None]


def _samples(low: float = -2.0) -> list[Sample]:
    return [
        sample(floats(2, 3, 4, low=low), [1]),
        sample(floats(2, 3, 4, low=low), [0, -1], keep_dims=True),
        sample(floats(2, 3, low=low), [0, 1]),
        sample(floats(2, 3, low=low), []),
        sample(floats(4, low=low), 0),
        sample(floats(low=low), []),
        sample(floats(3, 4, low=low, dtype="float64"), 1),
    ]


def _reduction(name: str, types: str, gradient: GradientRule | NoGradient, samples: Any, doc: str) -> OpDecl:
    boolean = types == "bool"
    return declare(
        name,
        inputs=f"input: {'bool' if boolean else 'T'}, reduction_indices: Tidx",
        outputs=f"output: {'bool' if boolean else 'T'}",
        attrs=(
            "keep_dims: bool = false",
            *(() if boolean else (f"T: {types}",)),
            "Tidx: indextype = DT_INT32",
        ),
        infer=reduction_infer,
        gradient=gradient,
        cost=per_input(),
        state=PURE,
        host_inputs=("reduction_indices",),
        samples=samples,
        doc=doc,
    )


def _number_samples() -> list[Sample]:
    return [
        *_samples(),
        sample(ints(3, 4), [1]),
        sample(floats(0, 3), [0], grad=()),
        sample(floats(2, 3, dtype="float16"), [1], grad=()),
    ]


Sum = _reduction("Sum", "numbertype", _sum_grad, _number_samples, "Sum over axes.")
Mean = _reduction(
    "Mean",
    "numbertype",
    _mean_grad,
    lambda: [*_samples(), sample(ints(3, 4, low=-9), [1])],
    "Mean over axes; cut off towards zero for integers.",
)
Prod = _reduction(
    "Prod",
    "numbertype",
    _prod_grad,
    lambda: [
        *_number_samples(),
        sample([[2.0, 0.0, 3.0], [0.0, 0.0, 1.0]], [1]),
        sample(floats(2, 3, 2, dtype="float64"), [0, 2]),
    ],
    "Product over axes.",
)
Max = _reduction(
    "Max",
    _ORDERED,
    _extreme_grad,
    lambda: [*_samples(), sample(ints(3, 4), [1])],
    "Largest element over axes.",
)
Min = _reduction(
    "Min",
    _ORDERED,
    _extreme_grad,
    lambda: [*_samples(), sample(ints(3, 4), [1])],
    "Smallest element over axes.",
)
EuclideanNorm = _reduction(
    "EuclideanNorm",
    "numbertype",
    _euclidean_norm_grad,
    lambda: [*_samples(0.1), sample(ints(3, 4), [1])],
    "Square root of the sum of squares over axes.",
)

_bool_samples = lambda: [  # noqa: E731
    sample(bools(2, 3, 4), [1]),
    sample(bools(2, 3), [0, -1], keep_dims=True),
    sample(bools(0, 3), [0]),
    sample(bools(3), []),
]
All = _reduction(
    "All",
    "bool",
    NoGradient("its output is boolean"),
    _bool_samples,
    "Whether all elements over axes are true.",
)
Any_ = _reduction(
    "Any", "bool", NoGradient("its output is boolean"), _bool_samples, "Whether an element over axes is true."
)


def _arg_shape(c: InferContext) -> Sequence[TensorShape]:
    shape, axis = c.shape("input"), c.value("dimension")
    c.rank("dimension", 0)
    if shape.rank is None:
        return [TensorShape(None)]
    if axis is None:
        return [TensorShape([None] * max(shape.rank - 1, 0))]
    if not -shape.rank <= int(axis) < shape.rank:
        c.fail(f"dimension {int(axis)} is out of range for rank {shape.rank}")
    dims = shape.as_list()
    if dims.pop(int(axis)) == 0:
        c.fail(f"dimension {int(axis)} must not be empty")
    return [TensorShape(dims)]


def _arg(name: str, index_types: str, output_types: str, doc: str) -> OpDecl:
    return declare(
        name,
        inputs="input: T, dimension: Tidx",
        outputs="output: output_type",
        attrs=(
            "T: {realnumbertype, bool}",
            f"Tidx: {index_types} = DT_INT32",
            f"output_type: {output_types} = DT_INT64",
        ),
        infer=_arg_shape,
        gradient=NoGradient("it gives positions, which do not change with small changes of the values"),
        cost=per_input(),
        state=PURE,
        host_inputs=("dimension",),
        samples=lambda: [
            sample(floats(2, 3, 4), 1, grad=()),
            sample(floats(3, 4), -1, output_type="int32", grad=()),
            sample(ints(6, high=3), 0),
            sample(bools(2, 4), 1),
        ],
        doc=doc,
    )


ArgMax = _arg(
    "ArgMax",
    "{int16, int32, int64}",
    "{int16, uint16, int32, int64}",
    "Position of the largest element over an axis; the first one of equals.",
)
ArgMin = _arg(
    "ArgMin",
    "indextype",
    "indextype",
    "Position of the smallest element over an axis; the first one of equals.",
)
