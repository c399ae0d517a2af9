"""Shapes, and tensors made, joined and taken apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..constant_value import constant_value
from ..convert import convert_to_tensor
from ..errors import InvalidArgumentError
from ..graph import Operation, Tensor
from ..infer import InferContext, free, moves
from ..opdef import PURE, NoGradient, declare
from ..samples import floats, sample
from ..shapes import TensorShape, broadcast_shapes
from .broadcasting import like_input

__all__ = [
    "BroadcastGradientArgs",
    "BroadcastTo",
    "Fill",
    "OnesLike",
    "Reshape",
    "Shape",
    "ZerosLike",
    "reduced_shape",
]

Shape = declare(
    "Shape",
    inputs="input: T",
    outputs="output: out_type",
    attrs=("T: type", "out_type: indextype = DT_INT32"),
    infer=lambda c: [TensorShape([c.shape("input").rank])],
    gradient=NoGradient("a shape does not change with the values"),
    cost=free,
    state=PURE,
    samples=lambda: [sample(floats(2, 3)), sample(floats())],
    doc="Shape of a tensor, as a 1-D tensor.",
)


def _reshape_shape(c: InferContext) -> Sequence[TensorShape]:
    asked = c.value("shape")
    if asked is None:
        return [c.value_as_shape("shape")]
    dims = [int(d) for d in asked.reshape(-1)]
    if dims.count(-1) > 1 or any(d < -1 for d in dims):
        c.fail(f"shape {dims} may have one -1 and no other negative dimension")
    total = c.shape("tensor").num_elements()
    rest = int(np.prod([d for d in dims if d != -1], dtype=np.int64))
    if -1 not in dims:
        if total is not None and total != rest:
            c.fail(f"cannot reshape {total} elements to {dims}, which holds {rest}")
        return [TensorShape(dims)]
    if total is None:
        return [TensorShape(None if d == -1 else d for d in dims)]
    if rest == 0 or total % rest:
        c.fail(f"cannot reshape {total} elements to {dims}")
    return [TensorShape(total // rest if d == -1 else d for d in dims)]


Reshape = declare(
    "Reshape",
    inputs="tensor: T, shape: Tshape",
    outputs="output: T",
    attrs=("T: type", "Tshape: indextype = DT_INT32"),
    infer=_reshape_shape,
    gradient=lambda op, grad: [Reshape(grad, Shape(op.inputs[0])), None],
    cost=free,
    state=PURE,
    host_inputs=("shape",),
    samples=lambda: [sample(floats(2, 3), [3, 2]), sample(floats(2, 6), [-1, 3])],
    doc="The same elements in another shape.",
)

Fill = declare(
    "Fill",
    inputs="dims: index_type, value: T",
    outputs="output: T",
    attrs=("T: type", "index_type: indextype = DT_INT32"),
    infer=lambda c: [c.value_as_shape("dims")],
    gradient=lambda op, grad: [None, _sum_all(grad)],
    cost=moves,
    state=PURE,
    host_inputs=("dims",),
    samples=lambda: [sample([2, 3], np.float32(1.5))],
    doc="A tensor of one value.",
)


def _sum_all(grad: Tensor) -> Tensor:
    from .reduction import Sum

    rank = grad.shape.rank
    if rank is None:
        return Sum(Reshape(grad, [-1]), [0])  # type: ignore[no-any-return]
    return Sum(grad, list(range(rank)))  # type: ignore[no-any-return]


def _constant_like(name: str, doc: str) -> Any:
    return declare(
        name,
        inputs="x: T",
        outputs="y: T",
        attrs="T: type",
        infer=like_input,
        gradient=NoGradient("its value does not change with the input"),
        cost=moves,
        state=PURE,
        samples=lambda: [sample(floats(2, 3))],
        doc=doc,
    )


ZerosLike = _constant_like("ZerosLike", "Zeros of a tensor's shape.")
OnesLike = _constant_like("OnesLike", "Ones of a tensor's shape.")


def _broadcast_to_shape(c: InferContext) -> Sequence[TensorShape]:
    target = c.value_as_shape("shape")
    try:
        broadcast_shapes(c.shape("input"), target)
    except InvalidArgumentError:
        c.fail(f"cannot broadcast to {target}")
    return [target]


def _broadcast_to_grad(op: Operation, grad: Tensor) -> Any:
    from .reduction import Sum

    x = op.inputs[0]
    axes, _ = BroadcastGradientArgs(Shape(x), op.inputs[1])
    return [Reshape(Sum(grad, axes), Shape(x)), None]


BroadcastTo = declare(
    "BroadcastTo",
    inputs="input: T, shape: Tidx",
    outputs="output: T",
    attrs=("T: type", "Tidx: indextype = DT_INT32"),
    infer=_broadcast_to_shape,
    gradient=_broadcast_to_grad,
    cost=moves,
    state=PURE,
    host_inputs=("shape",),
    samples=lambda: [sample(floats(2, 1), [3, 2, 4])],
    doc="A tensor repeated to a larger shape, as NumPy broadcasts.",
)

BroadcastGradientArgs = declare(
    "BroadcastGradientArgs",
    inputs="s0: T, s1: T",
    outputs="r0: T, r1: T",
    attrs="T: indextype = DT_INT32",
    infer=lambda c: [TensorShape([None]), TensorShape([None])],
    gradient=NoGradient("it computes axes"),
    cost=free,
    state=PURE,
    host_inputs=("s0", "s1"),
    dynamic=True,
    samples=lambda: [sample([2, 3], [3]), sample([2, 1], [1, 4])],
    doc="The axes over which each operand of a broadcast must be summed.",
)


def reduced_shape(x: Tensor, axes: Tensor) -> Tensor:
    """The shape that a reduction of `x` over `axes` has with its axes kept as ones, as a 1-D tensor."""
    known = constant_value(axes)
    if known is not None and x.shape.is_fully_defined():
        dims = x.shape.as_list()
        for axis in known.reshape(-1):
            dims[int(axis)] = 1
        return convert_to_tensor(dims, "int32")
    return _reduced_shape_op(x, axes)


def _reduced_shape_op(x: Tensor, axes: Tensor) -> Tensor:
    raise NotImplementedError
