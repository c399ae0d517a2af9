"""Blocks of space moved into the batch or the depth dimension, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..elements import Operation
from ..infer import InferContext, moves
from ..opdef import PURE, OpDecl, declare
from ..samples import floats, ints, sample
from ..shapes import Dimension, TensorShape

__all__ = [
    "BatchToSpace",
    "BatchToSpaceND",
    "DepthToSpace",
    "SpaceToBatch",
    "SpaceToBatchND",
    "SpaceToDepth",
]


def _block_count(c: InferContext) -> int | None:
    """Number of spatial dimensions that are cut into blocks."""
    return c.rank("block_shape", 1)[0]


def _margins(c: InferContext, name: str, count: int) -> np.ndarray[Any, Any] | None:
    """Paddings or crops, one row per spatial dimension."""
    given = c.rank(name, 2)
    c.merge(given, TensorShape([count, 2]), f"{name} must be of shape ({count}, 2)")
    value = c.value(name)
    if value is not None and value.size and value.min() < 0:
        c.fail(f"{name} must be non-negative, got {value.tolist()}")
    return value


def _to_batch(c: InferContext, block: Sequence[int] | None, margins: Any, count: int) -> list[TensorShape]:
    shape = c.rank_at_least("input", count + 1)
    if shape.dims is None:
        return [shape]
    if block is None:
        return [TensorShape([None] * (1 + count)) + shape[1 + count :]]
    if min(block, default=1) < 1:
        c.fail(f"block sizes must be positive, got {list(block)}")
    dims: list[Dimension] = [_times(shape[0], int(np.prod(block)))]
    for i in range(count):
        size = shape[1 + i]
        if size is None or margins is None:
            dims.append(None)
            continue
        padded = size + int(margins[i, 0]) + int(margins[i, 1])
        if padded % block[i]:
            c.fail(f"padded dimension {1 + i} of size {padded} is no multiple of block size {block[i]}")
        dims.append(padded // block[i])
    return [TensorShape(dims) + shape[1 + count :]]


def _to_space(c: InferContext, block: Sequence[int] | None, margins: Any, count: int) -> list[TensorShape]:
    shape = c.rank_at_least("input", count + 1)
    if shape.dims is None:
        return [shape]
    if block is None:
        return [TensorShape([None] * (1 + count)) + shape[1 + count :]]
    if min(block, default=1) < 1:
        c.fail(f"block sizes must be positive, got {list(block)}")
    total = int(np.prod(block))
    if shape[0] is not None and shape[0] % total:
        c.fail(f"the batch of {shape[0]} is no multiple of {total}")
    dims: list[Dimension] = [None if shape[0] is None else shape[0] // total]
    for i in range(count):
        size = shape[1 + i]
        if size is None or margins is None:
            dims.append(None)
            continue
        cropped = size * block[i] - int(margins[i, 0]) - int(margins[i, 1])
        if cropped < 0:
            c.fail(f"crops {margins[i].tolist()} are larger than dimension {1 + i}")
        dims.append(cropped)
    return [TensorShape(dims) + shape[1 + count :]]


def _times(dim: Dimension, factor: int) -> Dimension:
    return None if dim is None else dim * factor


def _nd_rule(margins: str, rule: Any) -> Any:
    def infer(c: InferContext) -> Sequence[TensorShape]:
        count, block = _block_count(c), c.value("block_shape")
        if count is None:
            return [TensorShape(None)]
        sizes = None if block is None else [int(b) for b in block]
        return rule(c, sizes, _margins(c, margins, count), count)

    return infer


_I32 = np.int32

SpaceToBatchND = declare(
    "SpaceToBatchND",
    inputs="input: T, block_shape: Tblock_shape, paddings: Tpaddings",
    outputs="output: T",
    attrs=("T: type", "Tblock_shape: indextype = DT_INT32", "Tpaddings: indextype = DT_INT32"),
    infer=_nd_rule("paddings", _to_batch),
    gradient=lambda op, grad: [BatchToSpaceND(grad, *op.inputs[1:]), None, None],
    cost=moves,
    state=PURE,
    host_inputs=("block_shape", "paddings"),
    samples=lambda: [
        sample(floats(2, 4, 6, 3), [2, 3], [[0, 0], [0, 0]]),
        sample(floats(1, 3, 5), [2, 2], np.array([[0, 1], [2, 1]], np.int64)),
        sample(ints(2, 4), np.array([2], np.int64), [[1, 1]]),
    ],
    doc="Space cut into blocks whose positions become batches.",
)

BatchToSpaceND = declare(
    "BatchToSpaceND",
    inputs="input: T, block_shape: Tblock_shape, crops: Tcrops",
    outputs="output: T",
    attrs=("T: type", "Tblock_shape: indextype = DT_INT32", "Tcrops: indextype = DT_INT32"),
    infer=_nd_rule("crops", _to_space),
    gradient=lambda op, grad: [SpaceToBatchND(grad, *op.inputs[1:]), None, None],
    cost=moves,
    state=PURE,
    host_inputs=("block_shape", "crops"),
    samples=lambda: [
        sample(floats(12, 2, 2, 3), [2, 3], [[0, 0], [0, 0]]),
        sample(floats(4, 2, 4), [2, 2], np.array([[0, 1], [2, 1]], np.int64)),
    ],
    doc="The inverse of `SpaceToBatchND`.",
)


def _square_rule(margins: str, rule: Any) -> Any:
    def infer(c: InferContext) -> Sequence[TensorShape]:
        c.rank("input", 4)
        return rule(c, [c.attr("block_size")] * 2, _margins(c, margins, 2), 2)

    return infer


def _square_grad(inverse: Any) -> Any:
    def gradient(op: Operation, grad: Any) -> list[Any]:
        return [inverse()(grad, op.inputs[1], block_size=op.attrs["block_size"]), None]

    return gradient


SpaceToBatch = declare(
    "SpaceToBatch",
    inputs="input: T, paddings: Tpaddings",
    outputs="output: T",
    attrs=("T: type", "Tpaddings: indextype = DT_INT32", "block_size: int >= 2"),
    infer=_square_rule("paddings", _to_batch),
    gradient=_square_grad(lambda: BatchToSpace),
    cost=moves,
    state=PURE,
    host_inputs=("paddings",),
    samples=lambda: [sample(floats(2, 4, 3, 2), [[0, 0], [1, 0]], block_size=2)],
    doc="`SpaceToBatchND` for height and width with square blocks.",
)

BatchToSpace = declare(
    "BatchToSpace",
    inputs="input: T, crops: Tidx",
    outputs="output: T",
    attrs=("T: type", "block_size: int >= 2", "Tidx: indextype = DT_INT32"),
    infer=_square_rule("crops", _to_space),
    gradient=_square_grad(lambda: SpaceToBatch),
    cost=moves,
    state=PURE,
    host_inputs=("crops",),
    samples=lambda: [sample(floats(4, 2, 2, 2), [[0, 0], [1, 0]], block_size=2)],
    doc="`BatchToSpaceND` for height and width with square blocks.",
)


def _depth_rule(to_depth: bool) -> Any:
    def infer(c: InferContext) -> Sequence[TensorShape]:
        shape, block = c.rank("input", 4), c.attr("block_size")
        first = c.attr("data_format") == "NCHW"
        batch, (height, width, depth) = shape[0], _hwc(shape, first)
        if to_depth:
            for size, label in ((height, "height"), (width, "width")):
                if size is not None and size % block:
                    c.fail(f"{label} {size} is no multiple of block_size {block}")
            dims = [_over(height, block), _over(width, block), _times(depth, block * block)]
        else:
            if depth is not None and depth % (block * block):
                c.fail(f"depth {depth} is no multiple of block_size² = {block * block}")
            dims = [_times(height, block), _times(width, block), _over(depth, block * block)]
        ordered = [dims[2], dims[0], dims[1]] if first else dims
        return [TensorShape([batch, *ordered])]

    return infer


def _hwc(shape: TensorShape, first: bool) -> tuple[Dimension, Dimension, Dimension]:
    return (shape[2], shape[3], shape[1]) if first else (shape[1], shape[2], shape[3])


def _over(dim: Dimension, factor: int) -> Dimension:
    return None if dim is None else dim // factor


def _depth_op(name: str, to_depth: bool, inverse: Any, rows: Any, doc: str) -> OpDecl:
    def gradient(op: Operation, grad: Any) -> list[Any]:
        return [inverse()(grad, block_size=op.attrs["block_size"], data_format=op.attrs["data_format"])]

    return declare(
        name,
        inputs="input: T",
        outputs="output: T",
        attrs=("T: type", "block_size: int >= 2", "data_format: {'NHWC', 'NCHW'} = 'NHWC'"),
        infer=_depth_rule(to_depth),
        gradient=gradient,
        cost=moves,
        state=PURE,
        samples=rows,
        doc=doc,
    )


SpaceToDepth = _depth_op(
    "SpaceToDepth",
    True,
    lambda: DepthToSpace,
    lambda: [sample(floats(2, 4, 6, 3), block_size=2)],
    "Blocks of height and width laid one behind the other in depth.",
)
DepthToSpace = _depth_op(
    "DepthToSpace",
    False,
    lambda: SpaceToDepth,
    lambda: [sample(floats(2, 2, 3, 12), block_size=2)],
    "The inverse of `SpaceToDepth`.",
)
