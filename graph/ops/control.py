"""Ops that order, check and show: they compute nothing themselves."""

from __future__ import annotations

from ..infer import free
from ..opdef import PURE, NoGradient, declare
from ..samples import floats, sample
from .broadcasting import like_input

__all__ = ["Identity", "NoOp"]

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

Identity = declare(
    "Identity",
    inputs="input: T",
    outputs="output: T",
    attrs="T: type",
    infer=like_input,
    gradient=lambda op, grad: [grad],
    cost=free,
    state=PURE,
    samples=lambda: [sample(floats(2, 3))],
    doc="Its input.",
)
