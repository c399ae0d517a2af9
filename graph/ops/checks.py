"""Ops that look at values while a step runs: they fail the step, or show what they see."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..elements import Operation, Tensor
from ..infer import InferContext, free, moves, per_input
from ..opdef import EFFECT, PURE, NoGradient, OpDecl, declare
from ..samples import floats, ints, sample
from ..shapes import TensorShape
from .broadcasting import like_input

__all__ = ["Assert", "CheckNumerics", "CheckNumericsV2", "EnsureShape", "Print", "PrintV2"]


def _scalar_condition(c: InferContext) -> list[Any]:
    c.rank("condition", 0)
    return []


Assert = declare(
    "Assert",
    inputs="condition: bool, data: T",
    outputs="",
    attrs=("T: list(type) >= 1", "summarize: int = 3"),
    infer=_scalar_condition,
    gradient=NoGradient("it has no outputs"),
    cost=free,
    state=EFFECT,
    samples=lambda: [sample(np.bool_(True), [floats(3), ints(2, 2)])],
    doc="Fails the step with the data where the condition is false.",
)


def _check_numerics_grad(op: Operation, grad: Tensor) -> list[Tensor]:
    message = op.attrs["message"]
    made: Tensor = op.decl(
        grad, message=f"Not a number (NaN) or infinity (Inf) values detected in gradient. {message}"
    )
    return [made]


def _check_numerics(name: str) -> OpDecl:
    return declare(
        name,
        inputs="tensor: T",
        outputs="output: T",
        attrs=("T: floattype", "message: string"),
        infer=like_input,
        gradient=_check_numerics_grad,
        cost=per_input(),
        state=EFFECT,
        samples=lambda: [
            sample(floats(2, 3), message="m"),
            sample(floats(0), message="m"),
            sample(floats(dtype=np.float64), message="m"),
        ],
        doc="Its input; fails the step where that holds a NaN or an infinity.",
    )


CheckNumerics = _check_numerics("CheckNumerics")
CheckNumericsV2 = _check_numerics("CheckNumericsV2")

Print = declare(
    "Print",
    inputs="input: T, data: U",
    outputs="output: T",
    attrs=(
        "T: type",
        "U: list(type) >= 0",
        "message: string = ''",
        "first_n: int = -1",
        "summarize: int = 3",
    ),
    infer=like_input,
    gradient=lambda op, grad: [grad, *[None] * (len(op.inputs) - 1)],
    cost=moves,
    state=EFFECT,
    samples=lambda: [sample(floats(2, 3), [ints(4), floats()], message="values: ", summarize=2)],
    doc="Its input; writes the data to standard error as it passes.",
)

PrintV2 = declare(
    "PrintV2",
    inputs="input: string",
    outputs="",
    attrs=("output_stream: string = 'stderr'", "end: string = '\n'"),
    infer=lambda c: (c.rank("input", 0), [])[1],
    gradient=NoGradient("it has no outputs"),
    cost=free,
    state=EFFECT,
    samples=list,
    doc="Writes a string to a standard stream, to a log or to a file.",
)


def _ensured(c: InferContext) -> list[Any]:
    shape, wanted = c.shape("input"), c.attr("shape")
    if not shape.is_compatible_with(wanted):
        c.fail(f"the input must have a shape that fits {wanted}")
    return [shape.merge_with(wanted)]


EnsureShape = declare(
    "EnsureShape",
    inputs="input: T",
    outputs="output: T",
    attrs=("shape: shape", "T: type"),
    infer=_ensured,
    gradient=lambda op, grad: [grad],
    cost=free,
    state=PURE,
    samples=lambda: [
        sample(floats(2, 3), shape=TensorShape([2, None])),
        sample(ints(4), shape=TensorShape(None)),
        sample(floats(), shape=TensorShape([])),
    ],
    doc="Its input; fails the step where that does not have a shape that fits.",
)
