"""Reductions over axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..graph import Operation, Tensor
from ..infer import InferContext, per_input
from ..opdef import PURE, declare
from ..samples import floats, sample
from ..shapes import Dimension, TensorShape

__all__ = ["Sum", "reduction_infer"]


def reduction_infer(c: InferContext) -> Sequence[TensorShape]:
    """Shape rule: the input's shape without the reduced axes (or with ones, for `keep_dims`)."""
    shape, axes = c.shape("input"), c.value("reduction_indices")
    if shape.rank is None:
        return [TensorShape(None)]
    if axes is None:
        return [TensorShape([None] * shape.rank if c.attr("keep_dims") else None)]
    reduced = set()
    for axis in axes.reshape(-1):
        if not -shape.rank <= axis < shape.rank:
            c.fail(f"axis {int(axis)} is out of range for rank {shape.rank}")
        reduced.add(int(axis) % shape.rank)
    dims: list[Dimension] = []
    for position, dim in enumerate(shape):
        if position not in reduced:
            dims.append(dim)
        elif c.attr("keep_dims"):
            dims.append(1)
    return [TensorShape(dims)]


def _sum_grad(op: Operation, grad: Tensor) -> Any:
    from .array import BroadcastTo, Reshape, Shape, reduced_shape

    x, axes = op.inputs
    kept = Reshape(grad, reduced_shape(x, axes))
    return [BroadcastTo(kept, Shape(x)), None]


Sum = declare(
    "Sum",
    inputs="input: T, reduction_indices: Tidx",
    outputs="output: T",
    attrs=("keep_dims: bool = false", "T: numbertype", "Tidx: indextype = DT_INT32"),
    infer=reduction_infer,
    gradient=_sum_grad,
    cost=per_input(),
    state=PURE,
    host_inputs=("reduction_indices",),
    samples=lambda: [
        sample(floats(2, 3, 4), [1]),
        sample(floats(2, 3, 4), [0, -1], keep_dims=True),
        sample(floats(2, 3), []),
    ],
    doc="Sum over axes.",
)
