"""Parts of variables read and changed by index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..elements import Operation
from ..infer import InferContext
from ..opdef import Cost, OpDecl, declare, variable
from ..samples import floats, ints, sample, var
from ..shapes import TensorShape
from .gather_nd import ScatterNd, nd_shape
from .indexing import dense_gather_gradient, gathered_slices, rows_cost
from .shaping import shape_of
from .state import NO_GRADIENT, ReadVariableOp

__all__ = [
    "ResourceGather",
    "ResourceGatherNd",
    "ResourceScatterAdd",
    "ResourceScatterDiv",
    "ResourceScatterMax",
    "ResourceScatterMin",
    "ResourceScatterMul",
    "ResourceScatterNdAdd",
    "ResourceScatterNdMax",
    "ResourceScatterNdMin",
    "ResourceScatterNdSub",
    "ResourceScatterNdUpdate",
    "ResourceScatterSub",
    "ResourceScatterUpdate",
]


def _value_shape(c: InferContext, argument: str, dtype_attr: str) -> TensorShape:
    """Shape of the variable's value, whose type must be that of the attribute."""
    handle = c.handle(argument)
    if handle is None:
        return TensorShape(None)
    if handle.dtype is not c.attr(dtype_attr):
        c.fail(f"the variable is of type {handle.dtype.name}, not {c.attr(dtype_attr).name}")
    return handle.shape


def _gather_infer(c: InferContext) -> Sequence[TensorShape]:
    shape, indices = _value_shape(c, "resource", "dtype"), c.shape("indices")
    if shape.dims is None or indices.dims is None:
        return [TensorShape(None)]
    if not shape.dims:
        c.fail("the variable must have at least one dimension")
    batch = int(c.attr("batch_dims"))
    if not 0 <= batch <= min(len(indices), len(shape) - 1):
        c.fail(f"batch_dims {batch} is out of range")
    shared = c.merge(shape[:batch], indices[:batch], f"the first {batch} dimensions must agree")
    return [shared + indices[batch:] + shape[batch + 1 :]]


def _gather_grad(op: Operation, grad: Any) -> list[Any]:
    handle, indices = op.inputs
    value = ReadVariableOp(handle, dtype=op.attrs["dtype"])
    if op.attrs["batch_dims"]:
        return [
            dense_gather_gradient(value, indices, grad, op.attrs["batch_dims"], op.attrs["batch_dims"]),
            None,
        ]
    return [gathered_slices(value, indices, grad), None]


ResourceGather = declare(
    "ResourceGather",
    inputs="resource: resource, indices: Tindices",
    outputs="output: dtype",
    attrs=(
        "batch_dims: int = 0",
        "validate_indices: bool = true",
        "dtype: type",
        "Tindices: indextype",
    ),
    infer=_gather_infer,
    gradient=_gather_grad,
    cost=rows_cost,
    state=variable(reads=["resource"]),
    samples=lambda: [
        sample(var(floats(4, 3)), ints(2, 2, high=4), dtype="float32"),
        sample(var(floats(4)), np.array(2, np.int64), dtype="float32"),
        sample(var(floats(2, 3, 2)), ints(2, 2, high=3), dtype="float32", batch_dims=1),
    ],
    doc="Rows of a variable, by index.",
)


def _gather_nd_grad(op: Operation, grad: Any) -> list[Any]:
    handle, indices = op.inputs
    value = ReadVariableOp(handle, dtype=op.attrs["dtype"])
    return [ScatterNd(indices, grad, shape_of(value, indices.dtype)), None]


ResourceGatherNd = declare(
    "ResourceGatherNd",
    inputs="resource: resource, indices: Tindices",
    outputs="output: dtype",
    attrs=("dtype: type", "Tindices: indextype"),
    infer=lambda c: [nd_shape(c, _value_shape(c, "resource", "dtype"), c.shape("indices"))],
    gradient=_gather_nd_grad,
    cost=rows_cost,
    state=variable(reads=["resource"]),
    samples=lambda: [
        sample(var(floats(4, 3)), np.array([[0, 1], [3, 2]], np.int32), dtype="float32"),
        sample(var(floats(4, 3)), np.array([[2], [2]], np.int64), dtype="float32"),
    ],
    doc="Slices of a variable, by index tuples.",
)


def _scatter_infer(c: InferContext) -> Sequence[TensorShape]:
    shape = _value_shape(c, "resource", "dtype")
    indices, updates = c.shape("indices"), c.shape("updates")
    if shape.dims is not None and not shape.dims:
        c.fail("the variable must have at least one dimension")
    if updates.rank != 0 and shape.dims is not None and indices.dims is not None:
        wanted = indices + shape[1:]
        c.merge(updates, wanted, f"updates must be a scalar or of shape {wanted}")
    return []


def _update_cost(flops: float) -> Any:
    return lambda c: Cost(flops * c.in_elements, 2.0 * c.in_bytes)


def _scatter(operation: str, types: str, doc: str) -> OpDecl:
    return declare(
        f"ResourceScatter{operation}",
        inputs="resource: resource, indices: Tindices, updates: dtype",
        outputs="",
        attrs=(f"dtype: {types}", "Tindices: indextype"),
        infer=_scatter_infer,
        gradient=NO_GRADIENT,
        cost=_update_cost(1.0),
        state=variable(reads=["resource"], writes=["resource"]),
        samples=lambda: [
            sample(var(floats(4, 3, low=1)), np.array([0, 2], np.int32), floats(2, 3, low=1, seed=1)),
            sample(var(floats(4, 3, low=1)), np.array([[3], [1]], np.int64), floats(2, 1, 3, low=1, seed=1)),
            sample(var(floats(4, low=1)), np.array(2, np.int32), np.float32(3)),
            sample(var(floats(4, low=1)), np.zeros(0, np.int32), np.zeros(0, np.float32)),
            *([] if operation == "Update" else _REPEATED),
        ],
        doc=doc,
    )


_REPEATED = [
    sample(var(floats(4, 3, low=1)), np.array([2, 2, 0, 2], np.int32), floats(4, 3, low=1, seed=1)),
    sample(var(ints(4, low=20, high=40)), np.array([1, 3], np.int32), np.int32(2)),
]

ResourceScatterUpdate = _scatter("Update", "type", "Sets rows of a variable.")
ResourceScatterAdd = _scatter("Add", "numbertype", "Adds to rows of a variable.")
ResourceScatterSub = _scatter("Sub", "numbertype", "Subtracts from rows of a variable.")
ResourceScatterMul = _scatter("Mul", "numbertype", "Multiplies rows of a variable.")
ResourceScatterDiv = _scatter("Div", "numbertype", "Divides rows of a variable.")
ResourceScatterMin = _scatter("Min", "numbertype", "Lowers rows of a variable to at most given values.")
ResourceScatterMax = _scatter("Max", "numbertype", "Raises rows of a variable to at least given values.")


def _scatter_nd_infer(c: InferContext) -> Sequence[TensorShape]:
    wanted = nd_shape(c, _value_shape(c, "ref", "T"), c.shape("indices"))
    c.merge(c.shape("updates"), wanted, f"updates must be of shape {wanted}")
    return []


def _scatter_nd(operation: str, doc: str) -> OpDecl:
    return declare(
        f"ResourceScatterNd{operation}",
        inputs="ref: resource, indices: Tindices, updates: T",
        outputs="",
        attrs=(
            "T: type",
            "Tindices: indextype",
            "use_locking: bool = true",
            "bad_indices_policy: string = ''",
        ),
        infer=_scatter_nd_infer,
        gradient=NO_GRADIENT,
        cost=_update_cost(1.0),
        state=variable(reads=["ref"], writes=["ref"]),
        samples=lambda: [
            sample(var(floats(4, 3)), np.array([[0, 1], [3, 2]], np.int32), floats(2, seed=1)),
            sample(var(floats(4, 3)), np.array([[2], [0]], np.int64), floats(2, 3, seed=1)),
            sample(var(ints(5)), np.array([[[4]], [[1]]], np.int32), ints(2, 1, seed=1)),
        ],
        doc=doc,
    )


ResourceScatterNdUpdate = _scatter_nd("Update", "Sets slices of a variable.")
ResourceScatterNdAdd = _scatter_nd("Add", "Adds to slices of a variable.")
ResourceScatterNdSub = _scatter_nd("Sub", "Subtracts from slices of a variable.")
ResourceScatterNdMin = _scatter_nd("Min", "Lowers slices of a variable to at most given values.")
ResourceScatterNdMax = _scatter_nd("Max", "Raises slices of a variable to at least given values.")
