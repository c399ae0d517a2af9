"""Rows picked by index, and the places of what is not zero."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..constant_value import constant_value
from ..elements import Operation, Tensor
from ..indexed_slices import IndexedSlices
from ..infer import CostContext, InferContext, moves
from ..opdef import PURE, Cost, NoGradient, declare
from ..samples import bools, floats, ints, sample
from ..shapes import TensorShape
from .joining import ConcatV2
from .shaping import Reshape, Size, Transpose, shape_of

__all__ = ["Gather", "GatherV2", "Where", "dense_gather_gradient", "gathered_slices"]


def gathered_slices(params: Tensor, indices: Tensor, grad: Tensor) -> IndexedSlices:
    """The gradient of rows `indices` of `params`, as rows.

    Args:
        params: what was gathered from, along its first dimension; a tensor, or the value behind a handle.
        indices: integer tensor of any shape.
        grad: gradient of shape `indices.shape + params.shape[1:]`.
    """
    shape = shape_of(params)
    flat = indices if indices.shape.rank == 1 else Reshape(indices, [-1])
    if indices.shape.rank == 1:
        values = grad
    elif params.shape.rank is not None and params.shape[1:].num_elements():
        values = Reshape(grad, np.array([-1, *params.shape[1:].known()], np.int32))
    else:
        values = Reshape(grad, _row_shape(indices, shape))
    return IndexedSlices(values, flat, shape)


def _row_shape(indices: Tensor, shape: Tensor) -> Tensor:
    """[number of indices, *row shape] as a tensor."""
    from .slicing import StridedSlice

    one = np.array([1], np.int32)
    rest = StridedSlice(shape, one, np.array([0], np.int32), one, end_mask=1)
    made: Tensor = ConcatV2([Reshape(Size(indices), [1]), rest], 0)
    return made


def _gather_shape(c: InferContext) -> Sequence[TensorShape]:
    params, indices = c.rank_at_least("params", 1), c.shape("indices")
    if params.dims is None:
        return [TensorShape(None)]
    return [indices.concatenate(params[1:])]


def _gather_v2_shape(c: InferContext) -> Sequence[TensorShape]:
    params, indices, axis = c.rank_at_least("params", 1), c.shape("indices"), c.value("axis")
    if c.shape("axis").num_elements() not in (None, 1):
        c.fail("axis must be a scalar")
    if params.dims is None or indices.dims is None:
        return [TensorShape(None)]
    batch = int(c.attr("batch_dims"))
    if not -len(indices) <= batch <= len(indices):
        c.fail(f"batch_dims {batch} is out of range for indices of rank {len(indices)}")
    batch = batch + len(indices) if batch < 0 else batch
    if axis is None:
        return [TensorShape([None] * (len(params) - 1 + len(indices) - batch))]
    at = int(axis.reshape(-1)[0])
    if not -len(params) <= at < len(params):
        c.fail(f"axis {at} is out of range for params of rank {len(params)}")
    at %= len(params)
    if batch > at:
        c.fail(f"batch_dims {batch} must not be above axis {at}")
    shared = c.merge(params[:batch], indices[:batch], f"the first {batch} dimensions must agree")
    return [shared + params[batch:at] + indices[batch:] + params[at + 1 :]]


def _gather_v2_grad(op: Operation, grad: Any) -> list[Any]:
    params, indices, axis = op.inputs
    at = constant_value(axis)
    if at is None or params.shape.rank is None or indices.shape.rank is None:
        raise LookupError(
            f"GatherV2 '{op.name}': its gradient needs a constant axis and known ranks of params and indices"
        )
    position = int(at.reshape(-1)[0]) % len(params.shape)
    batch = int(op.attrs["batch_dims"]) % max(len(indices.shape), 1)
    if position == 0:
        return [gathered_slices(params, indices, grad), None, None]
    return [dense_gather_gradient(params, indices, grad, position, batch), None, None]


def dense_gather_gradient(params: Tensor, indices: Tensor, grad: Tensor, axis: int, batch: int) -> Tensor:
    """The dense gradient of `GatherV2` along an inner axis: rows added up where they came from.

    With batch dimensions B, outer O, picked n and inner I, `params` is B O n I, `indices` B K, `grad` B O K I.
    """
    from .segment import UnsortedSegmentSum
    from .slicing import Slice

    rank, picked = len(params.shape), len(indices.shape) - batch
    outer = axis - batch
    b, o = list(range(batch)), list(range(batch, axis))
    k = list(range(axis, axis + picked))
    i = list(range(axis + picked, rank - 1 + picked))
    shape = shape_of(params)

    def part(start: int, size: int) -> Tensor:
        made: Tensor = Slice(shape, np.array([start], np.int32), np.array([size], np.int32))
        return made

    front = Transpose(grad, np.array([*b, *k, *o, *i], np.int32)) if outer else grad
    rows, ids = _flat_batches(indices, batch, part(axis, 1), part(0, batch))
    flat = Reshape(
        front, ConcatV2([np.array([-1], np.int32), part(batch, outer), part(axis + 1, rank - axis - 1)], 0)
    )
    if 0 in params.shape.as_list():
        from .filling import ZerosLike

        zeros: Tensor = ZerosLike(params)
        return zeros
    summed = UnsortedSegmentSum(flat, ids, rows)
    apart = Reshape(
        summed,
        ConcatV2([part(0, batch), part(axis, 1), part(batch, outer), part(axis + 1, rank - axis - 1)], 0),
    )
    if not outer:
        return apart
    back = [*b, *range(batch + 1, batch + 1 + outer), batch, *range(axis + 1, rank)]
    made: Tensor = Transpose(apart, np.array(back, np.int32))
    return made


def _flat_batches(indices: Tensor, batch: int, count: Tensor, batch_shape: Tensor) -> tuple[Tensor, Tensor]:
    """Number of rows over all batches, and the indices as rows of all batches laid one behind the other."""
    from ..dtypes import int32
    from .filling import Range
    from .math import AddV2, Cast, Mul
    from .reduction import Prod

    n = Reshape(count, np.zeros(0, np.int32))
    if not batch:
        return n, Reshape(indices, [-1])
    batches = Prod(batch_shape, [0])
    starts = Mul(Range(0, batches, 1), n)
    if indices.dtype is not int32:
        starts = Cast(starts, DstT=indices.dtype)
    ones = np.ones(len(indices.shape) - batch, np.int32)
    shifted = AddV2(indices, Reshape(starts, ConcatV2([batch_shape, ones], 0)))
    return Mul(batches, n), Reshape(shifted, [-1])


def rows_cost(c: CostContext) -> Cost:
    """Cost rule of an op that reads the rows that it writes, however large the tensor is that it picks from."""
    return Cost(0.0, max(1.0, 2.0 * c.out_bytes))


Gather = declare(
    "Gather",
    inputs="params: Tparams, indices: Tindices",
    outputs="output: Tparams",
    attrs=("validate_indices: bool = true", "Tparams: type", "Tindices: indextype"),
    infer=_gather_shape,
    gradient=lambda op, grad: [gathered_slices(op.inputs[0], op.inputs[1], grad), None],
    cost=rows_cost,
    state=PURE,
    samples=lambda: [
        sample(floats(4, 3), ints(2, 2, high=4)),
        sample(floats(5), np.array(3, np.int64)),
        sample(ints(4, 2), ints(0, high=4)),
    ],
    doc="Rows of a tensor, by index.",
)

GatherV2 = declare(
    "GatherV2",
    inputs="params: Tparams, indices: Tindices, axis: Taxis",
    outputs="output: Tparams",
    attrs=(
        "batch_dims: int = 0",
        "Tparams: type",
        "Tindices: {int16, int32, int64}",
        "Taxis: indextype",
    ),
    infer=_gather_v2_shape,
    gradient=_gather_v2_grad,
    cost=rows_cost,
    state=PURE,
    host_inputs=("axis",),
    samples=lambda: [
        sample(floats(4, 3), ints(2, 2, high=4), np.int32(0)),
        sample(floats(4, 3, 2), ints(5, high=3), np.int32(1)),
        sample(floats(4, 3), np.array([2, 0, 2], np.int64), np.int64(-1)),
        sample(floats(2, 3, 4), ints(2, 2, high=4), np.int32(2), batch_dims=1),
        sample(floats(2, 3, 4), ints(2, 3, 2, high=4), np.int32(2), batch_dims=2),
        sample(floats(5), np.array(3, np.int32), np.int32(0)),
        sample(floats(3, 2), ints(0, high=3), np.int32(0)),
        sample(np.array([b"a", b"b", b"c"], dtype=object), ints(2, high=3), np.int32(0)),
    ],
    doc="Slices of a tensor along an axis, by index.",
)


Where = declare(
    "Where",
    inputs="input: T",
    outputs="index: int64",
    attrs="T: {numbertype, bool} = DT_BOOL",
    infer=lambda c: [TensorShape([None, c.shape("input").rank])],
    gradient=NoGradient("it computes indices"),
    cost=moves,
    state=PURE,
    dynamic=True,
    samples=lambda: [
        sample(bools(3, 4)),
        sample(bools(5, seed=3)),
        sample(ints(2, 3, high=2)),
        sample(np.array([0.0, 1.5, -2.0], np.float32), grad=()),
        sample(np.zeros((2, 0), np.bool_)),
    ],
    doc="The indices of the elements that are true or not zero, a row each, in order.",
)
