"""Variables as resources: a handle, and ops that read and write what it points to.

A kernel of these ops never sees the handle: it takes the variable's value for each name in `reads` and gives
its new value for each name in `writes`; which version that is, is settled by `graph/versions.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..infer import InferContext, free, moves, per_input
from ..opdef import EFFECT, SOURCE, NoGradient, declare, variable
from ..samples import floats, ints, sample, var
from ..shapes import TensorShape

__all__ = [
    "AssignAddVariableOp",
    "AssignSubVariableOp",
    "AssignVariableOp",
    "DestroyResourceOp",
    "ReadVariableOp",
    "ResourceCountUpTo",
    "VarHandleOp",
    "VarIsInitializedOp",
    "VariableShape",
    "assign_infer",
]

NO_GRADIENT = NoGradient("it changes a variable")

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
    samples=lambda: [sample(var(floats(2, 3)), dtype="float32"), sample(var(ints(2)), dtype="int32")],
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
    gradient=NO_GRADIENT,
    cost=moves,
    state=variable(writes=["resource"]),
    samples=lambda: [
        sample(var(floats(2, 3)), floats(2, 3, seed=1)),
        sample(var(floats()), np.float32(2)),
        sample(var(ints(3)), ints(3, seed=1), validate_shape=True),
    ],
    doc="Sets a variable.",
)


def _change(name: str, doc: str) -> Any:
    return declare(
        name,
        inputs="resource: resource, value: dtype",
        outputs="",
        attrs="dtype: type",
        infer=assign_infer,
        gradient=NO_GRADIENT,
        cost=per_input(),
        state=variable(reads=["resource"], writes=["resource"]),
        samples=lambda: [
            sample(var(floats(2, 3)), floats(2, 3, seed=1)),
            sample(var(np.float64(2)), np.float64(0.5)),
            sample(var(ints(0, 2)), ints(0, 2)),
        ],
        doc=doc,
    )


AssignAddVariableOp = _change("AssignAddVariableOp", "Adds to a variable.")
AssignSubVariableOp = _change("AssignSubVariableOp", "Subtracts from a variable.")

VarIsInitializedOp = declare(
    "VarIsInitializedOp",
    inputs="resource: resource",
    outputs="is_initialized: bool",
    attrs="",
    infer=lambda c: [TensorShape([])],
    gradient=NoGradient("it asks whether a variable is set"),
    cost=free,
    # Unlike other reads it is no error where the variable has no value: the kernel is given None.
    state=variable(reads=["resource"]),
    samples=lambda: [sample(var(floats(2)))],
    doc="Whether a variable has a value.",
)


def _shape_of_variable(c: InferContext) -> Sequence[TensorShape]:
    handle = c.handle("input")
    return [TensorShape([None if handle is None else handle.shape.rank])]


VariableShape = declare(
    "VariableShape",
    inputs="input: resource",
    outputs="output: out_type",
    attrs="out_type: indextype = DT_INT32",
    infer=_shape_of_variable,
    gradient=NoGradient("a shape does not change with the values"),
    cost=free,
    state=variable(reads=["input"]),
    samples=lambda: [sample(var(floats(2, 3))), sample(var(floats()), out_type="int64")],
    doc="Shape of a variable's value.",
)


def _count_infer(c: InferContext) -> Sequence[TensorShape]:
    handle = c.handle("resource")
    if handle is not None:
        if handle.dtype is not c.attr("T"):
            c.fail(f"the variable is of type {handle.dtype.name}, not {c.attr('T').name}")
        if handle.shape.rank not in (None, 0):
            c.fail(f"the variable must be a scalar, it is of shape {handle.shape}")
    return [TensorShape([])]


ResourceCountUpTo = declare(
    "ResourceCountUpTo",
    inputs="resource: resource",
    outputs="output: T",
    attrs=("limit: int", "T: indextype"),
    infer=_count_infer,
    gradient=NO_GRADIENT,
    cost=free,
    state=variable(reads=["resource"], writes=["resource"]),
    samples=lambda: [
        sample(var(np.int32(3)), limit=5, T="int32"),
        sample(var(np.int64(0)), limit=1, T="int64"),
    ],
    doc="A counter's value before it is raised by one; OutOfRangeError once it has reached the limit.",
)

DestroyResourceOp = declare(
    "DestroyResourceOp",
    inputs="resource: resource",
    outputs="",
    attrs="ignore_lookup_error: bool = true",
    infer=lambda c: [],
    gradient=NoGradient("it drops a value"),
    cost=free,
    state=EFFECT,
    samples=list,
    doc="Drops what a handle points to.",
)
