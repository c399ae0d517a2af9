"""Elementwise arithmetic."""

from __future__ import annotations

from typing import Any

from ..graph import Operation, Tensor
from ..infer import InferContext, per_element
from ..opdef import PURE, declare
from ..samples import floats, ints, sample
from ..shapes import TensorShape
from .broadcasting import broadcast_infer, like_input, sum_to_shape_of

__all__ = ["AddN", "AddV2", "Mul", "Neg", "Square", "Sub"]

_PAIR_SAMPLES = lambda: [  # noqa: E731
    sample(floats(2, 3), floats(2, 3, seed=1)),
    sample(floats(2, 3), floats(3, seed=1)),
    sample(floats(2, 1), floats(1, 4, seed=1)),
    sample(ints(3), ints(3, seed=1)),
]


def _add_grad(op: Operation, grad: Tensor) -> Any:
    return sum_to_shape_of([grad, grad], *op.inputs)


AddV2 = declare(
    "AddV2",
    inputs="x: T, y: T",
    outputs="z: T",
    attrs="T: numbertype",
    infer=broadcast_infer,
    gradient=_add_grad,
    cost=per_element(),
    state=PURE,
    samples=_PAIR_SAMPLES,
    doc="x + y, elementwise with broadcasting.",
)


def _sub_grad(op: Operation, grad: Tensor) -> Any:
    return sum_to_shape_of([grad, Neg(grad)], *op.inputs)


Sub = declare(
    "Sub",
    inputs="x: T, y: T",
    outputs="z: T",
    attrs="T: numbertype",
    infer=broadcast_infer,
    gradient=_sub_grad,
    cost=per_element(),
    state=PURE,
    samples=_PAIR_SAMPLES,
    doc="x - y, elementwise with broadcasting.",
)


def _mul_grad(op: Operation, grad: Tensor) -> Any:
    x, y = op.inputs
    return sum_to_shape_of([Mul(grad, y), Mul(grad, x)], x, y)


Mul = declare(
    "Mul",
    inputs="x: T, y: T",
    outputs="z: T",
    attrs="T: numbertype",
    infer=broadcast_infer,
    gradient=_mul_grad,
    cost=per_element(),
    state=PURE,
    samples=_PAIR_SAMPLES,
    doc="x * y, elementwise with broadcasting.",
)

Neg = declare(
    "Neg",
    inputs="x: T",
    outputs="y: T",
    attrs="T: numbertype",
    infer=like_input,
    gradient=lambda op, grad: [Neg(grad)],
    cost=per_element(),
    state=PURE,
    samples=lambda: [sample(floats(2, 3)), sample(ints(3))],
    doc="-x, elementwise.",
)


def _square_grad(op: Operation, grad: Tensor) -> Any:
    return [Mul(grad, AddV2(op.inputs[0], op.inputs[0]))]


Square = declare(
    "Square",
    inputs="x: T",
    outputs="y: T",
    attrs="T: numbertype",
    infer=like_input,
    gradient=_square_grad,
    cost=per_element(),
    state=PURE,
    samples=lambda: [sample(floats(2, 3)), sample(ints(3))],
    doc="x * x, elementwise.",
)


def _add_n_shape(c: InferContext) -> list[TensorShape]:
    shape = TensorShape(None)
    for given in c.shapes:
        shape = c.merge(shape, given, "all inputs must have the same shape")
    return [shape]


AddN = declare(
    "AddN",
    inputs="inputs: N * T",
    outputs="sum: T",
    attrs=("N: int >= 1", "T: numbertype"),
    infer=_add_n_shape,
    gradient=lambda op, grad: [grad] * len(op.inputs),
    cost=per_element(2.0),
    state=PURE,
    samples=lambda: [sample([floats(2, 3), floats(2, 3, seed=1), floats(2, 3, seed=2)])],
    doc="Sum of tensors of one shape.",
)
