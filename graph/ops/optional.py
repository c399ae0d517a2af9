"""Optionals: tensors that may be there or not, as one tensor of type variant."""

from __future__ import annotations

from collections.abc import Sequence

from ..elements import Operation, Tensor
from ..infer import InferContext, free
from ..opdef import PURE, NoGradient, declare
from ..samples import built, floats, ints, sample
from ..shapes import TensorShape

__all__ = ["OptionalFromValue", "OptionalGetValue", "OptionalHasValue", "OptionalNone"]

_SCALAR = TensorShape([])


def _from_value_grad(op: Operation, grad: Tensor) -> list[Tensor]:
    found = OptionalGetValue(
        grad, output_types=[t.dtype for t in op.inputs], output_shapes=[t.shape for t in op.inputs]
    )
    return list(found)


OptionalFromValue = declare(
    "OptionalFromValue",
    inputs="components: Toutput_types",
    outputs="optional: variant",
    attrs="Toutput_types: list(type) >= 1",
    infer=lambda c: [_SCALAR],
    gradient=_from_value_grad,
    cost=free,
    state=PURE,
    samples=lambda: [sample([floats(2), ints(3)], grad=())],
    doc="Tensors that are there.",
)

OptionalNone = declare(
    "OptionalNone",
    inputs="",
    outputs="optional: variant",
    attrs=(),
    infer=lambda c: [_SCALAR],
    gradient=NoGradient("it has no inputs"),
    cost=free,
    state=PURE,
    samples=list,
    doc="Tensors that are not there.",
)

_OPTIONAL = built(lambda: OptionalFromValue([floats(2), ints(3)]))

OptionalHasValue = declare(
    "OptionalHasValue",
    inputs="optional: variant",
    outputs="has_value: bool",
    attrs=(),
    infer=lambda c: [_SCALAR],
    gradient=NoGradient("its output is boolean"),
    cost=free,
    state=PURE,
    samples=lambda: [sample(_OPTIONAL), sample(built(OptionalNone))],
    doc="Whether the tensors are there.",
)


def _given_shapes(c: InferContext) -> Sequence[TensorShape]:
    shapes = c.attr("output_shapes")
    if len(shapes) != len(c.attr("output_types")):
        c.fail("output_types and output_shapes must have one entry per tensor")
    return list(shapes)


OptionalGetValue = declare(
    "OptionalGetValue",
    inputs="optional: variant",
    outputs="components: output_types",
    attrs=("output_types: list(type) >= 1", "output_shapes: list(shape) >= 1"),
    infer=_given_shapes,
    gradient=lambda op, *grads: [OptionalFromValue(list(grads))],
    cost=free,
    state=PURE,
    samples=lambda: [sample(_OPTIONAL, output_types=["float32", "int32"], output_shapes=[[2], [3]], grad=())],
    doc="The tensors, which must be there.",
)
