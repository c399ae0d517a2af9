"""Ops that give values which no step computes: constants and placeholders."""

from __future__ import annotations

from collections.abc import Sequence

from ..infer import InferContext, free
from ..opdef import SOURCE, NoGradient, declare
from ..samples import floats, sample
from ..shapes import TensorShape

__all__ = ["Const", "Placeholder", "PlaceholderWithDefault"]


def _const_shape(c: InferContext) -> Sequence[TensorShape]:
    return [TensorShape(c.attr("value").shape)]


Const = declare(
    "Const",
    inputs="",
    outputs="output: dtype",
    attrs=("value: tensor", "dtype: type"),
    infer=_const_shape,
    gradient=NoGradient("it has no inputs"),
    cost=free,
    state=SOURCE,
    samples=list,
    doc="A value that is part of the graph.",
)

Placeholder = declare(
    "Placeholder",
    inputs="",
    outputs="output: dtype",
    attrs=("dtype: type", "shape: shape = { unknown_rank: true }"),
    infer=lambda c: [c.attr("shape")],
    gradient=NoGradient("it has no inputs"),
    cost=free,
    state=SOURCE,
    samples=list,
    doc="A value that must be fed.",
)


def _default_shape(c: InferContext) -> Sequence[TensorShape]:
    shape: TensorShape = c.attr("shape")
    if not c.shape("input").is_compatible_with(shape):
        c.fail(f"the default must be of the placeholder's shape {shape}")
    return [shape]


PlaceholderWithDefault = declare(
    "PlaceholderWithDefault",
    inputs="input: dtype",
    outputs="output: dtype",
    attrs=("dtype: type", "shape: shape"),
    infer=_default_shape,
    gradient=lambda op, grad: [grad],
    cost=free,
    # A source: folding it away would make it impossible to feed.
    state=SOURCE,
    samples=lambda: [sample(floats(2, 3), shape=TensorShape([2, 3]))],
    doc="A value that may be fed; its input where it is not.",
)
