"""Ops that compute nothing: they pass tensors on and order other ops."""

from __future__ import annotations

from typing import Any

from ..infer import free, moves
from ..opdef import PURE, NoGradient, OpDecl, declare
from ..samples import floats, ints, sample
from .broadcasting import like_input

__all__ = ["Identity", "IdentityN", "NoOp", "Snapshot"]

NoOp = declare(
    "NoOp",
    inputs="",
    outputs="",
    attrs="",
    infer=lambda c: [],
    gradient=NoGradient("it has no outputs"),
    cost=free,
    state=PURE,
    samples=list,
    doc="Nothing; a node for control dependencies to meet in.",
)


def _pass_on(name: str, cost: Any, doc: str) -> OpDecl:
    return declare(
        name,
        inputs="input: T",
        outputs="output: T",
        attrs="T: type",
        infer=like_input,
        gradient=lambda op, grad: [grad],
        cost=cost,
        state=PURE,
        samples=lambda: [
            sample(floats(2, 3)),
            sample(ints(4)),
            sample(floats(0, 3)),
        ],
        doc=doc,
    )


Identity = _pass_on("Identity", free, "Its input.")
Snapshot = _pass_on("Snapshot", moves, "Its input, in memory of its own.")

IdentityN = declare(
    "IdentityN",
    inputs="input: T",
    outputs="output: T",
    attrs="T: list(type) >= 1",
    infer=lambda c: list(c.shapes),
    gradient=lambda op, *grads: list(grads),
    cost=free,
    state=PURE,
    samples=lambda: [sample([floats(2, 3), ints(4)]), sample([floats()])],
    doc="Its inputs, all of them or none.",
)
