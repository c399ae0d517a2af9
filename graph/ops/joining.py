"""Tensors joined and taken apart along a dimension."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..constant_value import constant_value
from ..elements import Operation, Tensor
from ..infer import InferContext, free, moves
from ..opdef import PURE, NoGradient, declare
from ..samples import floats, ints, sample
from ..shapes import Dimension, TensorShape
from .shaping import ShapeN

__all__ = ["Concat", "ConcatOffset", "ConcatV2", "Pack", "Split", "SplitV", "Unpack"]


def _concat_rule(axis_name: str) -> Any:
    def infer(c: InferContext) -> Sequence[TensorShape]:
        shapes = c.shape_list("values")
        rank = next((s.rank for s in shapes if s.rank is not None), None)
        if c.shape(axis_name).num_elements() not in (None, 1):
            c.fail(f"{axis_name} must be a scalar")
        if rank is None:
            return [TensorShape(None)]
        if rank == 0:
            c.fail("scalars cannot be concatenated; use stack")
        axis = c.value(axis_name)
        if axis is None:
            return [TensorShape([None] * rank)]
        at = int(axis.reshape(-1)[0])
        if not -rank <= at < rank:
            c.fail(f"{axis_name} {at} is out of range for rank {rank}")
        return [_joined(c, shapes, rank, at % rank)]

    return infer


def _joined(c: InferContext, shapes: Sequence[TensorShape], rank: int, axis: int) -> TensorShape:
    total: Dimension = 0
    rest = TensorShape([None] * (rank - 1))
    for shape in shapes:
        if shape.dims is None:
            total = None
            continue
        if len(shape) != rank:
            c.fail("all values must have the same rank")
        others = TensorShape(d for i, d in enumerate(shape.dims) if i != axis)
        rest = c.merge(rest, others, f"all dimensions but {axis} must agree")
        size = shape[axis]
        total = None if total is None or size is None else total + size
    dims = rest.as_list()
    return TensorShape([*dims[:axis], total, *dims[axis:]])


def _concat_parts(axis: Tensor, values: Sequence[Tensor], grad: Any) -> list[Tensor | None]:
    """The parts of `grad` that belong to each of the values that were joined."""
    if len(values) == 1:
        return [grad]
    known = constant_value(axis)
    if known is not None and all(v.shape.rank is not None for v in values):
        at = int(known.reshape(-1)[0])
        sizes = [v.shape[at] for v in values]
        if None not in sizes:
            return list(SplitV(grad, np.array(sizes, np.int64), np.int32(at), num_split=len(sizes)))
    from .slicing import Slice

    shapes = ShapeN(list(values))
    shape_list = shapes if isinstance(shapes, list) else [shapes]
    offsets = ConcatOffset(_positive_axis(axis, values), shape_list)
    return [Slice(grad, b, s) for b, s in zip(offsets, shape_list, strict=True)]


def _positive_axis(axis: Tensor, values: Sequence[Tensor]) -> Any:
    """The axis as an int32 scalar from 0."""
    known = constant_value(axis)
    rank = next((v.shape.rank for v in values if v.shape.rank is not None), None)
    if known is not None and (rank is not None or int(known) >= 0):
        return np.int32(int(known) % rank if rank else int(known))
    from ..dtypes import int32
    from .math import Cast, FloorMod
    from .shaping import Rank

    return FloorMod(axis if axis.dtype is int32 else Cast(axis, DstT=int32), Rank(values[0]))


ConcatV2 = declare(
    "ConcatV2",
    inputs="values: N * T, axis: Tidx",
    outputs="output: T",
    attrs=("N: int >= 2", "T: type", "Tidx: indextype = DT_INT32"),
    infer=_concat_rule("axis"),
    gradient=lambda op, grad: [*_concat_parts(op.inputs[-1], op.inputs[:-1], grad), None],
    cost=moves,
    state=PURE,
    host_inputs=("axis",),
    samples=lambda: [
        sample([floats(2, 3), floats(2, 1, seed=1)], 1),
        sample([floats(2, 3), floats(0, 3), floats(1, 3, seed=2)], 0),
        sample([floats(2, 3, 2), floats(2, 3, 4)], -1),
        sample([ints(3), ints(2)], np.int64(0)),
        sample([np.array([b"a"], dtype=object), np.array([b"b", b"c"], dtype=object)], 0),
    ],
    doc="Tensors put one behind the other along a dimension.",
)

Concat = declare(
    "Concat",
    inputs="concat_dim: int32, values: N * T",
    outputs="output: T",
    attrs=("N: int >= 2", "T: type"),
    infer=_concat_rule("concat_dim"),
    gradient=lambda op, grad: [None, *_concat_parts(op.inputs[0], op.inputs[1:], grad)],
    cost=moves,
    state=PURE,
    host_inputs=("concat_dim",),
    samples=lambda: [sample(1, [floats(2, 3), floats(2, 1, seed=1)]), sample(0, [ints(3), ints(2)])],
    doc="`ConcatV2` with the axis first.",
)

ConcatOffset = declare(
    "ConcatOffset",
    inputs="concat_dim: int32, shape: N * shape_type",
    outputs="offset: N * shape_type",
    attrs=("N: int >= 2", "shape_type: indextype = DT_INT32"),
    infer=lambda c: list(c.shape_list("shape")),
    gradient=NoGradient("it computes offsets"),
    cost=free,
    state=PURE,
    host_inputs=("concat_dim", "shape"),
    samples=lambda: [sample(1, [[2, 3], [2, 4], [2, 1]]), sample(-1, [[2, 3], [2, 4]])],
    doc="Where each of the tensors that `Concat` joins begins in the result.",
)


def _axis_attr(c: InferContext, rank: int) -> int:
    axis = int(c.attr("axis"))
    if not -rank <= axis < rank:
        c.fail(f"axis {axis} is out of range [{-rank}, {rank})")
    return axis % rank


def _pack_shape(c: InferContext) -> Sequence[TensorShape]:
    shape = TensorShape(None)
    for given in c.shapes:
        shape = c.merge(shape, given, "all values must have the same shape")
    if shape.dims is None:
        return [shape]
    axis = _axis_attr(c, len(shape) + 1)
    return [TensorShape([*shape.dims[:axis], len(c.shapes), *shape.dims[axis:]])]


def _pack_grad(op: Operation, grad: Any) -> list[Tensor | None]:
    return list(Unpack(grad, num=len(op.inputs), axis=op.attrs["axis"]))


Pack = declare(
    "Pack",
    inputs="values: N * T",
    outputs="output: T",
    attrs=("N: int >= 1", "T: type", "axis: int = 0"),
    infer=_pack_shape,
    gradient=_pack_grad,
    cost=moves,
    state=PURE,
    samples=lambda: [
        sample([floats(2, 3), floats(2, 3, seed=1)]),
        sample([floats(2, 3), floats(2, 3, seed=1)], axis=-1),
        sample([floats(), floats(seed=1), floats(seed=2)]),
        sample([ints(2, 0)], axis=1),
        sample([np.array(b"a", dtype=object), np.array(b"b", dtype=object)]),
    ],
    doc="Tensors of one shape stacked along a new dimension.",
)


def _unpack_shape(c: InferContext) -> Sequence[TensorShape]:
    shape, num = c.rank_at_least("value", 1), c.attr("num")
    if shape.dims is None:
        return [TensorShape(None)] * num
    axis = _axis_attr(c, len(shape))
    if shape[axis] not in (None, num):
        c.fail(f"dimension {axis} must be of size num = {num}")
    return [TensorShape(d for i, d in enumerate(shape.dims) if i != axis)] * num


def _unpack_grad(op: Operation, *grads: Any) -> list[Tensor | None]:
    return [Pack(list(grads), axis=op.attrs["axis"])]


Unpack = declare(
    "Unpack",
    inputs="value: T",
    outputs="output: num * T",
    attrs=("num: int >= 0", "T: type", "axis: int = 0"),
    infer=_unpack_shape,
    gradient=_unpack_grad,
    cost=moves,
    state=PURE,
    samples=lambda: [
        sample(floats(2, 3), num=2),
        sample(floats(2, 3), num=3, axis=-1),
        sample(floats(2), num=2),
        sample(np.array([b"a", b"b"], dtype=object), num=2),
    ],
    doc="A tensor cut into slices of size 1 along a dimension, which is dropped.",
)


def _split_axis(c: InferContext) -> int | None:
    shape, axis = c.shape("value"), c.value("split_dim")
    c.rank_at_least("value", 1)
    if shape.dims is None or axis is None:
        return None
    at = int(axis.reshape(-1)[0])
    if not -len(shape) <= at < len(shape):
        c.fail(f"split_dim {at} is out of range for rank {len(shape)}")
    return at % len(shape)


def _with_dim(shape: TensorShape, axis: int, size: Dimension) -> TensorShape:
    dims = shape.as_list()
    dims[axis] = size
    return TensorShape(dims)


def _split_shape(c: InferContext) -> Sequence[TensorShape]:
    shape, num, axis = c.shape("value"), c.attr("num_split"), _split_axis(c)
    if axis is None:
        return [TensorShape(None if shape.rank is None else [None] * shape.rank)] * num
    size = shape[axis]
    if size is not None and size % num:
        c.fail(f"dimension {axis} of size {size} cannot be split into {num} equal parts")
    return [_with_dim(shape, axis, None if size is None else size // num)] * num


def _split_grad(op: Operation, *grads: Any) -> list[Tensor | None]:
    return [None, grads[0] if len(grads) == 1 else ConcatV2(list(grads), op.inputs[0])]


Split = declare(
    "Split",
    inputs="split_dim: int32, value: T",
    outputs="output: num_split * T",
    attrs=("num_split: int >= 1", "T: type"),
    infer=_split_shape,
    gradient=_split_grad,
    cost=moves,
    state=PURE,
    host_inputs=("split_dim",),
    samples=lambda: [
        sample(1, floats(2, 6), num_split=3),
        sample(-1, floats(2, 4), num_split=2),
        sample(0, floats(3), num_split=1),
        sample(0, ints(0, 2), num_split=2),
        sample(0, np.array([b"a", b"b"], dtype=object), num_split=2),
    ],
    doc="A tensor cut into equal parts along a dimension.",
)


def _split_v_shape(c: InferContext) -> Sequence[TensorShape]:
    shape, num, axis = c.shape("value"), c.attr("num_split"), _split_axis(c)
    if c.rank("size_splits", 1)[0] not in (None, num):
        c.fail(f"size_splits must have num_split = {num} entries")
    if axis is None:
        return [TensorShape(None if shape.rank is None else [None] * shape.rank)] * num
    asked, size = c.value("size_splits"), shape[axis]
    if asked is None:
        return [_with_dim(shape, axis, size if num == 1 else None)] * num
    sizes: list[Dimension] = [int(s) for s in asked]
    if sizes.count(-1) > 1 or any(s is not None and s < -1 for s in sizes):
        c.fail(f"size_splits {sizes} may have one -1 and no other negative size")
    known = sum(s for s in sizes if s is not None and s >= 0)
    if size is not None and (known > size or (-1 not in sizes and known != size)):
        c.fail(f"size_splits {sizes} do not add up to {size}, the size of dimension {axis}")
    rest = None if size is None else size - known
    return [_with_dim(shape, axis, rest if s == -1 else s) for s in sizes]


def _split_v_grad(op: Operation, *grads: Any) -> list[Tensor | None]:
    return [grads[0] if len(grads) == 1 else ConcatV2(list(grads), op.inputs[2]), None, None]


SplitV = declare(
    "SplitV",
    inputs="value: T, size_splits: Tlen, split_dim: int32",
    outputs="output: num_split * T",
    attrs=("num_split: int >= 1", "T: type", "Tlen: {int8, int32, int64} = DT_INT64"),
    infer=_split_v_shape,
    gradient=_split_v_grad,
    cost=moves,
    state=PURE,
    host_inputs=("size_splits", "split_dim"),
    samples=lambda: [
        sample(floats(2, 6), np.array([1, 2, 3], np.int32), 1, num_split=3),
        sample(floats(5, 2), np.array([2, -1], np.int64), 0, num_split=2),
        sample(floats(3), np.array([3, 0], np.int64), -1, num_split=2),
        sample(ints(3), np.array([3], np.int64), 0, num_split=1),
    ],
    doc="A tensor cut into parts of given sizes along a dimension.",
)
