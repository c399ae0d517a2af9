"""Comparisons, logic, and choices by condition, elementwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..elements import Operation, Tensor
from ..errors import InvalidArgumentError
from ..infer import InferContext, per_element
from ..opdef import PURE, NoGradient, OpDecl, Sample, declare
from ..samples import bools, floats, ints, sample
from ..shapes import TensorShape, broadcast_shapes
from .broadcasting import broadcast_infer, like_input, sum_to_shape
from .elementwise import REALS

__all__ = [
    "ApproximateEqual",
    "ClipByValue",
    "Equal",
    "Greater",
    "GreaterEqual",
    "Less",
    "LessEqual",
    "LogicalAnd",
    "LogicalNot",
    "LogicalOr",
    "NotEqual",
    "Select",
    "SelectV2",
]

_BOOLEAN = NoGradient("its output is boolean")


def _compare_samples() -> list[Sample]:
    return [
        sample(floats(2, 3), floats(2, 3, seed=1), grad=()),
        sample(ints(2, 6, high=3), ints(6, high=3, seed=1)),
        sample(ints(2, 1, high=3, dtype="int64"), ints(1, 4, high=3, dtype="int64")),
        sample(floats(0, 3), floats(), grad=()),
        sample([1.0, float("nan")], [float("nan"), float("nan")], grad=()),
    ]


def _equality_shape(c: InferContext) -> Sequence[TensorShape]:
    if c.attr("incompatible_shape_error"):
        return [broadcast_shapes(*c.shapes)]
    if not all(s.is_fully_defined() for s in c.shapes):
        return [TensorShape(None)]
    try:
        return [broadcast_shapes(*c.shapes)]
    except InvalidArgumentError:
        return [TensorShape([])]


def _equality_samples() -> list[Sample]:
    text = [b"a", b"b", b"c"]
    return [
        *_compare_samples(),
        sample(bools(4), bools(4, seed=1)),
        sample(text, b"b"),
        sample(floats(2), floats(3), incompatible_shape_error=False, grad=()),
    ]


def _equality(name: str, doc: str) -> OpDecl:
    return declare(
        name,
        inputs="x: T, y: T",
        outputs="z: bool",
        attrs=("T: type", "incompatible_shape_error: bool = true"),
        infer=_equality_shape,
        gradient=_BOOLEAN,
        cost=per_element(),
        state=PURE,
        samples=_equality_samples,
        doc=doc,
    )


def _order(name: str, doc: str) -> OpDecl:
    return declare(
        name,
        inputs="x: T, y: T",
        outputs="z: bool",
        attrs=f"T: {REALS}",
        infer=broadcast_infer,
        gradient=_BOOLEAN,
        cost=per_element(),
        state=PURE,
        samples=_compare_samples,
        doc=doc,
    )


def _logic(name: str, doc: str) -> OpDecl:
    return declare(
        name,
        inputs="x: bool, y: bool",
        outputs="z: bool",
        attrs="",
        infer=broadcast_infer,
        gradient=_BOOLEAN,
        cost=per_element(),
        state=PURE,
        samples=lambda: [sample(bools(2, 4), bools(4, seed=1)), sample(bools(2, 1), bools(3, seed=1))],
        doc=doc,
    )


Equal = _equality("Equal", "Whether x = y, elementwise with broadcasting.")
NotEqual = _equality("NotEqual", "Whether x and y differ, elementwise with broadcasting.")
Less = _order("Less", "Whether x < y, elementwise with broadcasting.")
LessEqual = _order("LessEqual", "Whether x <= y, elementwise with broadcasting.")
Greater = _order("Greater", "Whether x > y, elementwise with broadcasting.")
GreaterEqual = _order("GreaterEqual", "Whether x >= y, elementwise with broadcasting.")
LogicalAnd = _logic("LogicalAnd", "x and y, elementwise with broadcasting.")
LogicalOr = _logic("LogicalOr", "x or y, elementwise with broadcasting.")

LogicalNot = declare(
    "LogicalNot",
    inputs="x: bool",
    outputs="y: bool",
    attrs="",
    infer=like_input,
    gradient=_BOOLEAN,
    cost=per_element(),
    state=PURE,
    samples=lambda: [sample(bools(2, 4)), sample(bools())],
    doc="not x, elementwise.",
)


def _same_shape(c: InferContext) -> Sequence[TensorShape]:
    return [c.merge(c.shape("x"), c.shape("y"), "x and y must have the same shape")]


ApproximateEqual = declare(
    "ApproximateEqual",
    inputs="x: T, y: T",
    outputs="z: bool",
    attrs=("T: numbertype", "tolerance: float = 9.999999747378752e-06"),
    infer=_same_shape,
    gradient=_BOOLEAN,
    cost=per_element(2.0),
    state=PURE,
    samples=lambda: [
        Sample((floats(4), floats(4) + floats(4, high=0.2, seed=1)), {"tolerance": 0.1}, ()),
        Sample((ints(3), ints(3)), {}, ()),
    ],
    doc="Whether |x - y| < tolerance, elementwise.",
)


def _select_shape(c: InferContext) -> Sequence[TensorShape]:
    both = c.merge(c.shape("t"), c.shape("e"), "t and e must have the same shape")
    condition = c.shape("condition")
    if condition.rank in (None, 0) or both.rank is None:
        return [both]
    if condition.rank == 1 and both.rank > 1:
        if not both[:1].is_compatible_with(condition):
            c.fail("a vector as condition must be as long as the first dimension of t")
        return [both]
    return [c.merge(both, condition, "condition must be a scalar, a vector, or of the shape of t")]


def _select_grad(op: Operation, grad: Tensor) -> Any:
    from .array import ZerosLike

    condition, zeros = op.inputs[0], ZerosLike(op.inputs[1])
    return [None, Select(condition, grad, zeros), Select(condition, zeros, grad)]


Select = declare(
    "Select",
    inputs="condition: bool, t: T, e: T",
    outputs="output: T",
    attrs="T: type",
    infer=_select_shape,
    gradient=_select_grad,
    cost=per_element(),
    state=PURE,
    samples=lambda: [
        sample(bools(2, 3), floats(2, 3), floats(2, 3, seed=1)),
        sample(bools(2), floats(2, 3), floats(2, 3, seed=1)),
        sample(True, floats(2, 3), floats(2, 3, seed=1)),
        sample(bools(3), ints(3), ints(3, seed=1)),
        sample(bools(3), [b"a", b"b", b"c"], [b"x", b"y", b"z"]),
        sample(bools(90, 100), floats(90, 100), floats(90, 100, seed=1), grad=()),
    ],
    doc="t where the condition holds, else e; a vector as condition chooses rows.",
)


def _select_v2_grad(op: Operation, grad: Tensor) -> Any:
    from .array import ZerosLike

    condition, t, e = op.inputs
    zeros = ZerosLike(grad)
    of_t, of_e = SelectV2(condition, grad, zeros), SelectV2(condition, zeros, grad)
    # The gradients have the output's shape, which the condition may have widened too.
    return [None, sum_to_shape(of_t, t), sum_to_shape(of_e, e)]


SelectV2 = declare(
    "SelectV2",
    inputs="condition: bool, t: T, e: T",
    outputs="output: T",
    attrs="T: type",
    infer=broadcast_infer,
    gradient=_select_v2_grad,
    cost=per_element(),
    state=PURE,
    samples=lambda: [
        sample(bools(2, 3), floats(2, 3), floats(2, 3, seed=1)),
        sample(bools(2, 1), floats(3), floats(seed=1)),
        sample(bools(4, 1, 1), floats(2, 1), floats(3, seed=1)),
        sample(bools(3), ints(3), ints(3, seed=1)),
        sample(bools(3), [b"a", b"b", b"c"], b"z"),
        sample(bools(90, 100), floats(90, 100), floats(100, seed=1), grad=()),
        sample(bools(90, 100), ints(), ints(90, 1, seed=1)),
    ],
    doc="t where the condition holds, else e, with broadcasting.",
)


def _clip_shape(c: InferContext) -> Sequence[TensorShape]:
    whole = broadcast_shapes(*c.shapes)
    if not whole.is_compatible_with(c.shape("t")):
        c.fail("clip_value_min and clip_value_max must be scalars or broadcast to the shape of t")
    return [c.shape("t")]


def _clip_grad(op: Operation, grad: Tensor) -> Any:
    from .array import ZerosLike

    x, low, high = op.inputs
    zeros = ZerosLike(grad)
    below, above = x < low, x > high
    inside = LogicalNot(LogicalOr(below, above))
    of_low, of_high = SelectV2(below, grad, zeros), SelectV2(above, grad, zeros)
    return [
        SelectV2(inside, grad, zeros),
        sum_to_shape(of_low, low),
        sum_to_shape(of_high, high),
    ]


ClipByValue = declare(
    "ClipByValue",
    inputs="t: T, clip_value_min: T, clip_value_max: T",
    outputs="output: T",
    attrs="T: numbertype",
    infer=_clip_shape,
    gradient=_clip_grad,
    cost=per_element(2.0),
    state=PURE,
    samples=lambda: [
        sample(floats(2, 3), floats(low=-1, high=-1), floats(low=1, high=1)),
        sample(floats(4), floats(4, low=-1, high=0, seed=1), floats(4, low=0.1, high=1, seed=2)),
        sample(ints(2, 3), 2, 7),
    ],
    doc="Each element moved into [clip_value_min, clip_value_max].",
)
