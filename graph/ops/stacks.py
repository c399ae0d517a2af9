"""Stacks: values put away within a step and taken back in reverse order."""

from __future__ import annotations

import numpy as np

from ..infer import free
from ..opdef import EFFECT, NoGradient, declare
from ..samples import built, floats, sample
from ..shapes import TensorShape

__all__ = ["StackCloseV2", "StackPopV2", "StackPushV2", "StackV2"]

_NONE = NoGradient("a stack moves values, it computes nothing")

StackV2 = declare(
    "StackV2",
    inputs="max_size: int32",
    outputs="handle: resource",
    attrs=("elem_type: type", "stack_name: string = ''"),
    infer=lambda c: [TensorShape([])],
    gradient=_NONE,
    cost=free,
    state=EFFECT,
    samples=lambda: [sample(np.int32(-1), elem_type="float32")],
    doc="A new stack; it lives as long as the step.",
)

_STACK = built(lambda: StackV2(np.int32(5), elem_type="float32"))

StackPushV2 = declare(
    "StackPushV2",
    inputs="handle: resource, elem: T",
    outputs="output: T",
    attrs=("T: type", "swap_memory: bool = false"),
    infer=lambda c: [c.shape("elem")],
    gradient=_NONE,
    cost=free,
    state=EFFECT,
    samples=lambda: [sample(_STACK, floats(2), grad=())],
    doc="Puts a value onto a stack and hands it on.",
)

StackPopV2 = declare(
    "StackPopV2",
    inputs="handle: resource",
    outputs="elem: elem_type",
    attrs="elem_type: type",
    infer=lambda c: [TensorShape(None)],
    gradient=_NONE,
    cost=free,
    state=EFFECT,
    samples=list,
    doc="Takes the newest value from a stack.",
)

StackCloseV2 = declare(
    "StackCloseV2",
    inputs="handle: resource",
    outputs="",
    attrs="",
    infer=lambda c: [],
    gradient=_NONE,
    cost=free,
    state=EFFECT,
    samples=lambda: [sample(_STACK)],
    doc="Drops a stack's values.",
)
