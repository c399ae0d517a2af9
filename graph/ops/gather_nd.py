"""Slices of tensors picked, placed and changed by index tuples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..elements import Operation, Tensor
from ..indexed_slices import IndexedSlices
from ..infer import CostContext, InferContext
from ..opdef import PURE, Cost, GradientRule, OpDecl, declare
from ..samples import floats, ints, sample
from ..shapes import TensorShape
from .indexing import rows_cost
from .shaping import Reshape, shape_of

__all__ = [
    "GatherNd",
    "ScatterNd",
    "ScatterNdNonAliasingAdd",
    "TensorScatterAdd",
    "TensorScatterMax",
    "TensorScatterMin",
    "TensorScatterSub",
    "TensorScatterUpdate",
    "nd_shape",
]


def nd_shape(c: InferContext, shape: TensorShape, indices: TensorShape) -> TensorShape:
    """Shape of the slices of a tensor that index tuples in the last dimension of `indices` name."""
    if indices.dims is None or shape.dims is None:
        return TensorShape(None)
    if not indices.dims:
        c.fail("indices must have at least one dimension")
    depth = indices[-1]
    if depth is None:
        return TensorShape(None)
    if depth > len(shape):
        c.fail(f"index tuples of length {depth} are longer than the rank of {shape}")
    return indices[:-1] + shape[depth:]


def _gather_nd_grad(op: Operation, grad: Any) -> list[Any]:
    params, indices = op.inputs
    shape = shape_of(params, indices.dtype)
    if indices.shape.rank == 2 and indices.shape[-1] == 1:
        return [IndexedSlices(grad, Reshape(indices, [-1]), shape), None]
    return [ScatterNd(indices, grad, shape), None]


_INDICES = "Tindices: {int16, int32, int64}"
_POLICY = "bad_indices_policy: string = ''"

_PAIRS = np.array([[0, 1], [3, 2]], np.int32)
_SINGLES = np.array([[2], [0]], np.int64)

GatherNd = declare(
    "GatherNd",
    inputs="params: Tparams, indices: Tindices",
    outputs="output: Tparams",
    attrs=("Tparams: type", _INDICES, _POLICY),
    infer=lambda c: [nd_shape(c, c.shape("params"), c.shape("indices"))],
    gradient=_gather_nd_grad,
    cost=rows_cost,
    state=PURE,
    samples=lambda: [
        sample(floats(4, 3), _PAIRS),
        sample(floats(4, 3), np.array([[2], [0], [2]], np.int64)),
        sample(floats(2, 3, 4), ints(2, 2, 2, high=2)),
        sample(floats(3), np.zeros((2, 0), np.int32)),
        sample(floats(4, 3), np.zeros((0, 2), np.int32)),
        sample(np.array([b"a", b"b"], dtype=object), np.array([[1], [0]], np.int32)),
    ],
    doc="Slices of a tensor, by index tuples.",
)


def _update_cost(c: CostContext) -> Cost:
    return Cost(c.in_elements, c.in_bytes + c.out_bytes)


def _check_updates(c: InferContext, shape: TensorShape) -> None:
    wanted = nd_shape(c, shape, c.shape("indices"))
    c.merge(c.shape("updates"), wanted, f"updates must be of shape {wanted}")


def _scatter_nd_shape(c: InferContext) -> Sequence[TensorShape]:
    shape = c.value_as_shape("shape")
    _check_updates(c, shape)
    return [shape]


def _scatter_nd_grad(op: Operation, grad: Any) -> list[Any]:
    return [None, GatherNd(grad, op.inputs[0]), None]


ScatterNd = declare(
    "ScatterNd",
    inputs="indices: Tindices, updates: T, shape: Tindices",
    outputs="output: T",
    attrs=("T: type", _INDICES, _POLICY),
    infer=_scatter_nd_shape,
    gradient=_scatter_nd_grad,
    cost=_update_cost,
    state=PURE,
    host_inputs=("shape",),
    samples=lambda: [
        sample(_PAIRS, floats(2), np.array([4, 3], np.int32)),
        sample(np.array([[2], [0], [2]], np.int64), floats(3, 3), np.array([4, 3], np.int64)),
        sample(np.zeros((0, 1), np.int32), floats(0, 2), np.array([3, 2], np.int32)),
        sample(np.array([[1], [1]], np.int32), ints(2), np.array([3], np.int32)),
        sample(np.array([[1]], np.int32), np.array([True]), np.array([3], np.int32)),
    ],
    doc="Zeros of a shape, with slices added at index tuples.",
)


def _tensor_scatter_shape(c: InferContext) -> Sequence[TensorShape]:
    shape = c.shape(0)
    _check_updates(c, shape)
    return [shape]


def _add_grad(op: Operation, grad: Any) -> list[Any]:
    return [grad, None, GatherNd(grad, op.inputs[1])]


def _sub_grad(op: Operation, grad: Any) -> list[Any]:
    from .math import Neg

    return [grad, None, Neg(GatherNd(grad, op.inputs[1]))]


def _update_grad(op: Operation, grad: Any) -> list[Any]:
    from .filling import ZerosLike

    _, indices, updates = op.inputs
    return [TensorScatterUpdate(grad, indices, ZerosLike(updates)), None, GatherNd(grad, indices)]


def _extreme_grad(op: Operation, grad: Any) -> list[Any]:
    """The gradient goes in equal parts to all the values that are equal to the result."""
    from .compare import Equal
    from .math import AddV2, Cast, Mul, RealDiv

    tensor, indices, updates = op.inputs
    result = op.outputs[0]

    def same(x: Tensor, y: Tensor) -> Tensor:
        made: Tensor = Cast(Equal(x, y), DstT=grad.dtype)
        return made

    kept, taken = same(tensor, result), same(updates, GatherNd(result, indices))
    share = RealDiv(grad, AddV2(kept, ScatterNd(indices, taken, shape_of(tensor, indices.dtype))))
    return [Mul(share, kept), None, Mul(GatherNd(share, indices), taken)]


def _tensor_scatter(name: str, gradient: GradientRule, doc: str, **changes: Any) -> OpDecl:
    first = changes.get("first", "tensor")
    repeats = [sample(floats(4, 3), np.array([[2], [0], [2]], np.int32), floats(3, 3, seed=1))]
    return declare(
        name,
        inputs=f"{first}: T, indices: Tindices, updates: T",
        outputs="output: T",
        attrs=(changes.get("types", "T: type"), changes.get("indices", "Tindices: indextype"), _POLICY),
        infer=_tensor_scatter_shape,
        gradient=gradient,
        cost=_update_cost,
        state=PURE,
        samples=lambda: [
            sample(floats(4, 3), _PAIRS, floats(2, seed=1)),
            sample(floats(4, 3), _SINGLES, floats(2, 3, seed=1)),
            sample(floats(4), np.zeros((0, 1), np.int32), floats(0)),
            sample(ints(4), np.array([[[3]], [[1]]], np.int32), ints(2, 1, seed=1)),
            *([] if name == "TensorScatterUpdate" else repeats),
        ],
        doc=doc,
    )


TensorScatterUpdate = _tensor_scatter(
    "TensorScatterUpdate",
    _update_grad,
    "A tensor with slices set.",
    indices="Tindices: {int16, int32, int64, uint16}",
)
TensorScatterAdd = _tensor_scatter("TensorScatterAdd", _add_grad, "A tensor with slices added.")
TensorScatterSub = _tensor_scatter("TensorScatterSub", _sub_grad, "A tensor with slices subtracted.")
TensorScatterMin = _tensor_scatter("TensorScatterMin", _extreme_grad, "A tensor with slices lowered.")
TensorScatterMax = _tensor_scatter("TensorScatterMax", _extreme_grad, "A tensor with slices raised.")
ScatterNdNonAliasingAdd = _tensor_scatter(
    "ScatterNdNonAliasingAdd",
    _add_grad,
    "A tensor with slices added.",
    first="input",
    types="T: {numbertype, bool}",
)
