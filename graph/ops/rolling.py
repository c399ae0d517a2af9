"""Elements moved along a dimension: reversed sequences, rolls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..elements import Operation
from ..infer import InferContext, moves
from ..opdef import PURE, declare
from ..samples import floats, ints, sample
from ..shapes import TensorShape

__all__ = ["ReverseSequence", "Roll"]


def _reverse_sequence_shape(c: InferContext) -> Sequence[TensorShape]:
    shape, lengths = c.shape("input"), c.rank("seq_lengths", 1)
    seq, batch = c.attr("seq_dim"), c.attr("batch_dim")
    if shape.dims is None:
        return [shape]
    rank = len(shape)
    for label, axis in (("seq_dim", seq), ("batch_dim", batch)):
        if not -rank <= axis < rank:
            c.fail(f"{label} {axis} is out of range for rank {rank}")
    if seq % rank == batch % rank:
        c.fail(f"seq_dim and batch_dim must differ, both are {seq}")
    size = c.merge(TensorShape([shape[batch]]), lengths, "seq_lengths must have one entry per batch")[0]
    dims = shape.as_list()
    dims[batch] = size
    return [TensorShape(dims)]


def _reverse_sequence_grad(op: Operation, grad: Any) -> list[Any]:
    attrs = {name: op.attrs[name] for name in ("seq_dim", "batch_dim")}
    return [ReverseSequence(grad, op.inputs[1], **attrs), None]


ReverseSequence = declare(
    "ReverseSequence",
    inputs="input: T, seq_lengths: Tlen",
    outputs="output: T",
    attrs=("seq_dim: int", "batch_dim: int = 0", "T: type", "Tlen: indextype = DT_INT64"),
    infer=_reverse_sequence_shape,
    gradient=_reverse_sequence_grad,
    cost=moves,
    state=PURE,
    samples=lambda: [
        sample(floats(3, 4, 2), np.array([2, 4, 0], np.int64), seq_dim=1),
        sample(floats(4, 3), np.array([1, 3, 4], np.int32), seq_dim=0, batch_dim=1),
        sample(ints(2, 2, 3), np.array([2, 3], np.int64), seq_dim=2, batch_dim=1),
    ],
    doc="The first `seq_lengths[i]` elements of each sequence in reverse order.",
)


def _roll_shape(c: InferContext) -> Sequence[TensorShape]:
    shape = c.rank_at_least("input", 1)
    for name in ("shift", "axis"):
        if c.shape(name).rank not in (None, 0, 1):
            c.fail(f"{name} must be a scalar or a vector")
    c.merge(c.shape("shift"), c.shape("axis"), "shift and axis must be of one shape")
    axis = c.value("axis")
    if axis is not None and shape.rank is not None:
        for at in axis.reshape(-1).tolist():
            if not -shape.rank <= at < shape.rank:
                c.fail(f"axis {at} is out of range for rank {shape.rank}")
    return [shape]


def _roll_grad(op: Operation, grad: Any) -> list[Any]:
    from .math import Neg

    return [Roll(grad, Neg(op.inputs[1]), op.inputs[2]), None, None]


Roll = declare(
    "Roll",
    inputs="input: T, shift: Tshift, axis: Taxis",
    outputs="output: T",
    attrs=("T: type", "Tshift: indextype", "Taxis: indextype"),
    infer=_roll_shape,
    gradient=_roll_grad,
    cost=moves,
    state=PURE,
    host_inputs=("axis",),
    samples=lambda: [
        sample(floats(5), np.int32(2), np.int32(0)),
        sample(floats(2, 3, 4), np.array([-1, 5], np.int64), np.array([0, -1], np.int32)),
        sample(ints(3, 2), np.array([1, 1], np.int32), np.array([0, 0], np.int64)),
    ],
    doc="Elements moved along dimensions; what leaves at one end comes in at the other.",
)
