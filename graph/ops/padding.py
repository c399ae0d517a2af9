"""Tensors made larger, repeated and turned around."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..constant_value import constant_value
from ..elements import Operation, Tensor
from ..infer import InferContext, moves, per_input
from ..opdef import PURE, declare
from ..samples import bools, floats, ints, sample
from ..shapes import Dimension, TensorShape
from .broadcasting import like_input
from .shaping import Reshape, shape_of

__all__ = ["MirrorPad", "MirrorPadGrad", "Pad", "PadV2", "Reverse", "ReverseV2", "Tile"]


def _padded(c: InferContext, sign: int) -> tuple[TensorShape, np.ndarray[Any, Any] | None]:
    """The input's shape with the paddings added (or taken off), and the paddings where known."""
    shape, paddings = c.shape("input"), c.value("paddings")
    given = c.rank("paddings", 2)
    if given[1] not in (None, 2):
        c.fail("paddings must be of shape (rank, 2)")
    rank = given[0] if shape.rank is None else shape.rank
    if rank is None:
        return TensorShape(None), None
    if given[0] not in (None, rank):
        c.fail("paddings must have one row per dimension of the input")
    shape = shape.with_rank(rank)
    if paddings is None:
        return TensorShape([None] * rank), None
    if paddings.size and paddings.min() < 0:
        c.fail(f"paddings must be non-negative, got {paddings.tolist()}")
    dims: list[Dimension] = []
    for dim, (before, after) in zip(shape, paddings.tolist(), strict=True):
        size = None if dim is None else dim + sign * (before + after)
        if size is not None and size < 0:
            c.fail(f"paddings {paddings.tolist()} are larger than the input")
        dims.append(size)
    return TensorShape(dims), paddings


def _pad_shape(c: InferContext) -> Sequence[TensorShape]:
    if len(c.shapes) == 3:
        c.rank("constant_values", 0)
    return [_padded(c, 1)[0]]


def _pad_grad(op: Operation, grad: Any) -> list[Tensor | None]:
    from .slicing import Slice, StridedSlice

    x, paddings = op.inputs[:2]
    known = constant_value(paddings)
    if known is not None:
        begin: Any = known[:, 0].copy()
    else:
        zero, one = np.array([0, 0], np.int32), np.array([0, 1], np.int32)
        begin = StridedSlice(paddings, zero, one, np.array([1, 1], np.int32), begin_mask=1, end_mask=1,
                             shrink_axis_mask=2)  # fmt: skip
    inside = Slice(grad, begin, shape_of(x, paddings.dtype))
    if len(op.inputs) == 2:
        return [inside, None]
    from .math import Sub

    return [inside, None, Sub(_sum_all(grad), _sum_all(inside))]


def _sum_all(x: Tensor) -> Tensor:
    from .reduction import Sum

    made: Tensor = Sum(Reshape(x, [-1]), [0])
    return made


Pad = declare(
    "Pad",
    inputs="input: T, paddings: Tpaddings",
    outputs="output: T",
    attrs=("T: type", "Tpaddings: indextype = DT_INT32"),
    infer=_pad_shape,
    gradient=_pad_grad,
    cost=moves,
    state=PURE,
    host_inputs=("paddings",),
    samples=lambda: [
        sample(floats(2, 3), [[1, 0], [0, 2]]),
        sample(floats(3), np.array([[2, 1]], np.int64)),
        sample(floats(0, 2), [[1, 1], [0, 0]]),
        sample(floats(), np.zeros((0, 2), np.int32)),
        sample(ints(2, 2), [[0, 0], [1, 1]]),
        sample(bools(2), [[1, 1]]),
    ],
    doc="A tensor with zeros around it.",
)

PadV2 = declare(
    "PadV2",
    inputs="input: T, paddings: Tpaddings, constant_values: T",
    outputs="output: T",
    attrs=("T: type", "Tpaddings: indextype = DT_INT32"),
    infer=_pad_shape,
    gradient=_pad_grad,
    cost=moves,
    state=PURE,
    host_inputs=("paddings",),
    samples=lambda: [
        sample(floats(2, 3), [[1, 0], [0, 2]], np.float32(7)),
        sample(ints(3), np.array([[2, 1]], np.int64), -1),
        sample(np.array([b"a"], dtype=object), [[1, 1]], np.array(b"-", dtype=object)),
    ],
    doc="A tensor with a constant around it.",
)


def _mirror_shape(c: InferContext) -> Sequence[TensorShape]:
    shape, paddings = _padded(c, 1)
    if paddings is not None and c.shape("input").dims is not None:
        edge = c.attr("mode") == "REFLECT"
        for dim, row in zip(c.shape("input"), paddings.tolist(), strict=True):
            if dim is not None and max(row) > dim - edge:
                c.fail(f"paddings {row} must be at most {dim - edge} in mode {c.attr('mode')}")
    return [shape]


_MIRROR_ATTRS = ("T: type", "Tpaddings: indextype = DT_INT32", "mode: {'REFLECT', 'SYMMETRIC'}")

MirrorPad = declare(
    "MirrorPad",
    inputs="input: T, paddings: Tpaddings",
    outputs="output: T",
    attrs=_MIRROR_ATTRS,
    infer=_mirror_shape,
    gradient=lambda op, grad: [MirrorPadGrad(grad, op.inputs[1], mode=op.attrs["mode"]), None],
    cost=moves,
    state=PURE,
    host_inputs=("paddings",),
    samples=lambda: [
        sample(floats(2, 4), [[1, 1], [2, 3]], mode="REFLECT"),
        sample(floats(2, 3), [[2, 0], [1, 3]], mode="SYMMETRIC"),
        sample(floats(3), np.array([[0, 0]], np.int64), mode="REFLECT"),
        sample(ints(3), [[2, 2]], mode="REFLECT"),
    ],
    doc="A tensor with its own mirror images around it; REFLECT leaves out the edge, SYMMETRIC repeats it.",
)

MirrorPadGrad = declare(
    "MirrorPadGrad",
    inputs="input: T, paddings: Tpaddings",
    outputs="output: T",
    attrs=_MIRROR_ATTRS,
    infer=lambda c: [_padded(c, -1)[0]],
    gradient=lambda op, grad: [MirrorPad(grad, op.inputs[1], mode=op.attrs["mode"]), None],
    cost=per_input(),
    state=PURE,
    host_inputs=("paddings",),
    samples=lambda: [
        sample(floats(4, 9), [[1, 1], [2, 3]], mode="REFLECT"),
        sample(floats(4, 7), [[2, 0], [1, 3]], mode="SYMMETRIC"),
        sample(floats(3), [[0, 0]], mode="SYMMETRIC"),
    ],
    doc="Sums what `MirrorPad` copied back into the place that it came from.",
)


def _tile_shape(c: InferContext) -> Sequence[TensorShape]:
    shape, multiples = c.shape("input"), c.value("multiples")
    length = c.rank("multiples", 1)[0]
    rank = length if shape.rank is None else shape.rank
    if length not in (None, rank):
        c.fail("multiples must have one entry per dimension")
    if rank is None:
        return [TensorShape(None)]
    if multiples is None:
        partial = c.value_as_shape("multiples").with_rank(rank)
        return [TensorShape(_product(a, b) for a, b in zip(shape.with_rank(rank), partial, strict=True))]
    if multiples.size and multiples.min() < 0:
        c.fail(f"multiples must be non-negative, got {multiples.tolist()}")
    return [
        TensorShape(_product(d, m) for d, m in zip(shape.with_rank(rank), multiples.tolist(), strict=True))
    ]


def _product(a: Dimension, b: Dimension) -> Dimension:
    return None if a is None or b is None else a * b


def _tile_grad(op: Operation, grad: Any) -> list[Tensor | None]:
    """The gradient with each repeated dimension cut in two, summed over the repetitions."""
    from .reduction import Sum

    x, multiples = op.inputs
    known = constant_value(multiples)
    if known is not None and x.shape.is_fully_defined():
        dims = np.stack([known.astype(np.int64), np.array(x.shape.known(), np.int64)], axis=1).reshape(-1)
        split: Any = dims.astype(np.int32)
        rank: int | None = len(known)
    else:
        from .joining import Pack

        rank = x.shape.rank
        split = Reshape(Pack([multiples, shape_of(x, multiples.dtype)], axis=1), [-1])
    if rank is not None:
        axes: Any = np.arange(0, 2 * rank, 2, dtype=np.int32)
    else:
        from .filling import Range
        from .shaping import Size

        axes = Range(0, Size(split), 2)
    summed = Sum(Reshape(grad, split), axes)
    summed.set_shape(x.shape)
    return [summed, None]


Tile = declare(
    "Tile",
    inputs="input: T, multiples: Tmultiples",
    outputs="output: T",
    attrs=("T: type", "Tmultiples: indextype = DT_INT32"),
    infer=_tile_shape,
    gradient=_tile_grad,
    cost=moves,
    state=PURE,
    host_inputs=("multiples",),
    samples=lambda: [
        sample(floats(2, 3), [2, 1]),
        sample(floats(3), np.array([3], np.int64)),
        sample(floats(2, 3), [0, 2]),
        sample(floats(), np.zeros(0, np.int32)),
        sample(np.array([b"a", b"b"], dtype=object), [2]),
    ],
    doc="A tensor repeated along its dimensions.",
)

_REVERSIBLE = "{numbertype, bool, string}"


def _reverse_v2_shape(c: InferContext) -> Sequence[TensorShape]:
    shape, axes = c.shape("tensor"), c.value("axis")
    c.rank("axis", 1)
    if axes is not None and shape.rank is not None:
        seen = set()
        for axis in axes.tolist():
            if not -shape.rank <= axis < shape.rank:
                c.fail(f"axis {axis} is out of range for rank {shape.rank}")
            if axis % shape.rank in seen:
                c.fail(f"axis {axis} is given twice")
            seen.add(axis % shape.rank)
    return [shape]


ReverseV2 = declare(
    "ReverseV2",
    inputs="tensor: T, axis: Tidx",
    outputs="output: T",
    attrs=("Tidx: indextype = DT_INT32", f"T: {_REVERSIBLE}"),
    infer=_reverse_v2_shape,
    gradient=lambda op, grad: [ReverseV2(grad, op.inputs[1]), None],
    cost=moves,
    state=PURE,
    host_inputs=("axis",),
    samples=lambda: [
        sample(floats(2, 3), [1]),
        sample(floats(2, 3, 2), np.array([0, -1], np.int64)),
        sample(floats(3), np.zeros(0, np.int32)),
        sample(ints(4), [0]),
    ],
    doc="A tensor with the order of some dimensions turned around.",
)


def _reverse_shape(c: InferContext) -> Sequence[TensorShape]:
    length = c.rank("dims", 1)[0]
    if c.shape("tensor").rank is not None and length not in (None, c.shape("tensor").rank):
        c.fail("dims must have one entry per dimension")
    return like_input(c)


Reverse = declare(
    "Reverse",
    inputs="tensor: T, dims: bool",
    outputs="output: T",
    attrs=f"T: {_REVERSIBLE}",
    infer=_reverse_shape,
    gradient=lambda op, grad: [Reverse(grad, op.inputs[1]), None],
    cost=moves,
    state=PURE,
    host_inputs=("dims",),
    samples=lambda: [sample(floats(2, 3), np.array([False, True])), sample(ints(3), np.array([True]))],
    doc="`ReverseV2` with one flag per dimension.",
)
