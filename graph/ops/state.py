"""Variables as resources: a handle, and ops that read and write what it points to.

A kernel of these ops never sees the handle: it takes the variable's value for each name in `reads` and gives
its new value for each name in `writes`; which version that is, is settled by `graph/versions.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..infer import InferContext, free, moves, per_input
from ..opdef import SOURCE, NoGradient, declare, variable
from ..shapes import TensorShape

__all__ = ["AssignAddVariableOp", "AssignVariableOp", "ReadVariableOp", "VarHandleOp"]

_NO_GRADIENT = NoGradient("it changes a variable")

VarHandleOp = declare(
    "VarHandleOp",
    inputs="",
    outputs="resource: resource",
    attrs=(
        "container: string = ''",
        "shared_name: string = ''",
        "dtype: type",
        "shape: shape",
        "allowed_devices: list(string) = []",
    ),
    infer=lambda c: [TensorShape([])],
    gradient=NoGradient("it has no inputs"),
    cost=free,
    state=SOURCE,
    samples=list,
    doc="Handle of a variable.",
)


def _read_shape(c: InferContext) -> Sequence[TensorShape]:
    handle = c.handle("resource")
    if handle is None:
        return [TensorShape(None)]
    if handle.dtype is not c.attr("dtype"):
        c.fail(f"the variable is of type {handle.dtype.name}, not {c.attr('dtype').name}")
    return [handle.shape]


ReadVariableOp = declare(
    "ReadVariableOp",
    inputs="resource: resource",
    outputs="value: dtype",
    attrs="dtype: type",
    infer=_read_shape,
    gradient=lambda op, grad: [grad],
    cost=free,
    state=variable(reads=["resource"]),
    samples=list,
    doc="Value of a variable.",
)


def assign_infer(c: InferContext) -> Sequence[TensorShape]:
    """Shape rule of an op that sets or changes a whole variable: the value must be of its shape and type."""
    handle = c.handle("resource")
    if handle is not None:
        if handle.dtype is not c.attr("dtype"):
            c.fail(f"the variable is of type {handle.dtype.name}, the value of type {c.attr('dtype').name}")
        c.merge(handle.shape, c.shape("value"), f"the value must be of the variable's shape {handle.shape}")
    return []


AssignVariableOp = declare(
    "AssignVariableOp",
    inputs="resource: resource, value: dtype",
    outputs="",
    attrs=("dtype: type", "validate_shape: bool = false"),
    infer=lambda c: [] if not c.attr("validate_shape") and c.shape("value").rank is None else assign_infer(c),
    gradient=_NO_GRADIENT,
    cost=moves,
    state=variable(writes=["resource"]),
    samples=list,
    doc="Sets a variable.",
)

AssignAddVariableOp = declare(
    "AssignAddVariableOp",
    inputs="resource: resource, value: dtype",
    outputs="",
    attrs="dtype: type",
    infer=assign_infer,
    gradient=_NO_GRADIENT,
    cost=per_input(),
    state=variable(reads=["resource"], writes=["resource"]),
    samples=list,
    doc="Adds to a variable.",
)
