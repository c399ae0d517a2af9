"""Parts of tensors by begin and size, or by begin, end and stride."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..constant_value import constant_value
from ..elements import Operation, Tensor
from ..infer import InferContext, moves
from ..opdef import PURE, declare
from ..samples import floats, ints, sample
from ..shapes import Dimension, TensorShape
from .shaping import Shape, shape_of

__all__ = ["Slice", "StridedSlice", "StridedSliceGrad"]


def _slice_shape(c: InferContext) -> Sequence[TensorShape]:
    shape, begin, size = c.shape("input"), c.value("begin"), c.value("size")
    length = c.merge(c.rank("begin", 1), c.rank("size", 1), "begin and size must be of one length")[0]
    rank = length if shape.rank is None else shape.rank
    if length not in (None, rank):
        c.fail("begin and size must have one entry per dimension")
    if rank is None:
        return [TensorShape(None)]
    shape = shape.with_rank(rank)
    if size is None:
        return [c.value_as_shape("size") if begin is None else TensorShape([None] * rank)]
    dims: list[Dimension] = []
    for i in range(rank):
        start, count, dim = None if begin is None else int(begin[i]), int(size[i]), shape[i]
        if count < -1:
            c.fail(f"size[{i}] must be at least -1, got {count}")
        if start is not None and dim is not None:
            if not 0 <= start <= dim:
                c.fail(f"begin[{i}] must be in [0, {dim}], got {start}")
            if count >= 0 and start + count > dim:
                c.fail(f"begin[{i}] + size[{i}] = {start + count} is beyond dimension {i} of size {dim}")
        rest = None if start is None or dim is None else dim - start
        dims.append(rest if count == -1 else count)
    return [TensorShape(dims)]


def _slice_grad(op: Operation, grad: Any) -> list[Tensor | None]:
    from .joining import Pack
    from .math import Sub
    from .padding import Pad

    x, begin, _ = op.inputs
    out, known = op.outputs[0], constant_value(begin)
    if known is not None and x.shape.is_fully_defined() and out.shape.is_fully_defined():
        after = np.array(x.shape.known(), np.int64) - known - np.array(out.shape.known(), np.int64)
        if not known.any() and not after.any():
            return [grad, None, None]
        paddings: Any = np.stack([known, after], axis=1).astype(np.int32)
    else:
        left = Sub(shape_of(x, begin.dtype), begin)
        paddings = Pack([begin, Sub(left, shape_of(out, begin.dtype))], axis=1)
    return [Pad(grad, paddings), None, None]


Slice = declare(
    "Slice",
    inputs="input: T, begin: Index, size: Index",
    outputs="output: T",
    attrs=("T: type", "Index: indextype"),
    infer=_slice_shape,
    gradient=_slice_grad,
    cost=moves,
    state=PURE,
    host_inputs=("begin", "size"),
    samples=lambda: [
        sample(floats(4, 5), np.array([1, 2], np.int32), np.array([2, -1], np.int32)),
        sample(floats(4), np.array([4], np.int64), np.array([0], np.int64)),
        sample(floats(2, 3), np.array([0, 0], np.int32), np.array([2, 3], np.int32)),
        sample(ints(3, 2), np.array([1, 0], np.int32), np.array([1, 2], np.int32)),
        sample(floats(), np.zeros(0, np.int32), np.zeros(0, np.int32)),
    ],
    doc="The part of a tensor from `begin` on, of size `size`; -1 for all that is left.",
)

_MASKS = (
    "begin_mask: int = 0",
    "end_mask: int = 0",
    "ellipsis_mask: int = 0",
    "new_axis_mask: int = 0",
    "shrink_axis_mask: int = 0",
)

MASK_NAMES = tuple(m.partition(":")[0] for m in _MASKS)


def _masks(op: Operation) -> dict[str, int]:
    return {name: op.attrs[name] for name in MASK_NAMES}


def _strided_shape(c: InferContext) -> Sequence[TensorShape]:
    shape, strides = c.shape("input"), c.value("strides")
    begin, end = c.value("begin"), c.value("end")
    length = c.rank("begin", 1)[0]
    for name in ("end", "strides"):
        if c.rank(name, 1)[0] not in (None, length) and length is not None:
            c.fail("begin, end and strides must be of one length")
    if length is None or shape.dims is None:
        return [TensorShape(None)]
    if bin(c.attr("ellipsis_mask")).count("1") > 1:
        c.fail("multiple ellipses in slice spec not allowed")
    steps = [None if strides is None else int(strides[i]) for i in range(length)]
    if 0 in steps:
        c.fail("strides must be non-zero")
    dims: list[Dimension] = []
    position = 0
    for i in range(length):
        bit = 1 << i
        if c.attr("ellipsis_mask") & bit:
            skipped = len(shape) - _taken(c, length)
            if skipped < 0:
                c.fail(f"too many indices for a tensor of rank {len(shape)}")
            dims.extend(shape.dims[position : position + skipped])
            position += skipped
        elif c.attr("new_axis_mask") & bit:
            dims.append(1)
        else:
            if position >= len(shape):
                c.fail(f"too many indices for a tensor of rank {len(shape)}")
            start = None if begin is None else int(begin[i])
            stop = None if end is None else int(end[i])
            if c.attr("shrink_axis_mask") & bit:
                _check_index(c, start, shape[position], position)
            else:
                dims.append(_strided_dim(c, bit, start, stop, steps[i], shape[position]))
            position += 1
    return [TensorShape([*dims, *shape.dims[position:]])]


def _taken(c: InferContext, length: int) -> int:
    """How many dimensions the index consumes besides those behind the ellipsis."""
    others = c.attr("ellipsis_mask") | c.attr("new_axis_mask")
    return sum(1 for i in range(length) if not others & (1 << i))


def _check_index(c: InferContext, index: int | None, dim: Dimension, position: int) -> None:
    if index is not None and dim is not None and not -dim <= index < dim:
        c.fail(f"slice index {index} of dimension {position} out of bounds")


def _strided_dim(
    c: InferContext, bit: int, start: int | None, stop: int | None, step: int | None, dim: Dimension
) -> Dimension:
    open_start, open_stop = c.attr("begin_mask") & bit, c.attr("end_mask") & bit
    if open_start and open_stop and step == 1:
        return dim
    if dim is None or step is None or (start is None and not open_start) or (stop is None and not open_stop):
        return None
    return len(range(dim)[slice(None if open_start else start, None if open_stop else stop, step)])


def _strided_grad(op: Operation, grad: Any) -> list[Tensor | None]:
    x, begin, end, strides = op.inputs
    shape = shape_of(x, begin.dtype) if begin.dtype.size >= 4 else Shape(x)
    return [StridedSliceGrad(shape, begin, end, strides, grad, **_masks(op)), None, None, None]


_I32 = np.int32


def _bounds(begin: Sequence[int], end: Sequence[int], strides: Sequence[int]) -> tuple[Any, Any, Any]:
    return np.array(begin, _I32), np.array(end, _I32), np.array(strides, _I32)


StridedSlice = declare(
    "StridedSlice",
    inputs="input: T, begin: Index, end: Index, strides: Index",
    outputs="output: T",
    attrs=("T: type", "Index: {int16, int32, int64}", *_MASKS),
    infer=_strided_shape,
    gradient=_strided_grad,
    cost=moves,
    state=PURE,
    host_inputs=("begin", "end", "strides"),
    samples=lambda: [
        sample(floats(4, 5), *_bounds([1, 0], [3, 5], [1, 2])),
        sample(floats(4, 5), *_bounds([-1, 3], [-4, 0], [-1, -2])),
        sample(floats(4, 5), *_bounds([0, 0], [0, 0], [1, -1]), begin_mask=3, end_mask=3),
        sample(floats(4, 5), *_bounds([-1], [0], [1]), shrink_axis_mask=1),
        sample(floats(2, 3, 4), *_bounds([0, 1], [0, 2], [1, 1]), ellipsis_mask=1, shrink_axis_mask=2),
        sample(floats(2, 3), *_bounds([0, 0], [0, 2], [1, 1]), new_axis_mask=1),
        sample(
            floats(2, 3, 4),
            *_bounds([1, 0, 0, 2], [2, 0, 0, 9], [1, 1, 1, 1]),
            ellipsis_mask=2,
            new_axis_mask=4,
        ),
        sample(floats(4), *_bounds([3], [1], [1])),
        sample(ints(4), *_bounds([1], [100], [2])),
        sample(np.array([b"a", b"b", b"c"], dtype=object), *_bounds([1], [3], [1])),
    ],
    doc="The part of a tensor that a Python index with slices names.",
)


def _strided_back_grad(op: Operation, grad: Any) -> list[Tensor | None]:
    return [None, None, None, None, StridedSlice(grad, *op.inputs[1:4], **_masks(op))]


StridedSliceGrad = declare(
    "StridedSliceGrad",
    inputs="shape: Index, begin: Index, end: Index, strides: Index, dy: T",
    outputs="output: T",
    attrs=("T: type", "Index: indextype", *_MASKS),
    infer=lambda c: [c.value_as_shape("shape")],
    gradient=_strided_back_grad,
    cost=moves,
    state=PURE,
    host_inputs=("shape", "begin", "end", "strides"),
    samples=lambda: [
        sample(np.array([4, 5], _I32), *_bounds([1, 0], [3, 5], [1, 2]), floats(2, 3)),
        sample(np.array([4, 5], _I32), *_bounds([-1], [0], [1]), floats(5), shrink_axis_mask=1),
        sample(np.array([4], _I32), *_bounds([0], [0], [-1]), floats(4), begin_mask=1, end_mask=1),
        sample(np.array([2, 3], _I32), *_bounds([0, 0], [0, 2], [1, 1]), floats(1, 2, 3), new_axis_mask=1),
    ],
    doc="Zeros of a shape, with `dy` in the place that `StridedSlice` takes.",
)
