"""Tensors made from a few numbers: fills, ranges, one-hot rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..elements import Operation, Tensor
from ..infer import InferContext, moves
from ..opdef import PURE, NoGradient, declare
from ..samples import bools, floats, ints, sample
from ..shapes import TensorShape
from .broadcasting import like_input
from .shaping import Reshape

__all__ = ["Empty", "Fill", "LinSpace", "OneHot", "OnesLike", "Range", "ZerosLike"]


def _fill_shape(c: InferContext) -> Sequence[TensorShape]:
    dims = c.value(0)
    if dims is not None and dims.size and dims.min() < 0:
        c.fail(f"{c.decl.inputs[0].name} must be non-negative, got {dims.tolist()}")
    return [c.value_as_shape(0)]


def _fill_infer(c: InferContext) -> Sequence[TensorShape]:
    c.rank("dims", 1)
    c.rank("value", 0)
    return _fill_shape(c)


def _fill_grad(op: Operation, grad: Tensor) -> list[Tensor | None]:
    from .reduction import Sum

    rank = grad.shape.rank
    if rank is None:
        return [None, Sum(Reshape(grad, [-1]), [0])]
    return [None, Sum(grad, np.arange(rank, dtype=np.int32))]


Fill = declare(
    "Fill",
    inputs="dims: index_type, value: T",
    outputs="output: T",
    attrs=("T: type", "index_type: indextype = DT_INT32"),
    infer=_fill_infer,
    gradient=_fill_grad,
    cost=moves,
    state=PURE,
    host_inputs=("dims",),
    samples=lambda: [
        sample([2, 3], np.float32(1.5)),
        sample(np.array([2, 0], np.int64), np.int32(7)),
        sample(np.zeros(0, np.int32), np.float64(2)),
        sample([2], np.array(b"x", dtype=object)),
        sample([2], np.bool_(True)),
    ],
    doc="A tensor of one value.",
)

Empty = declare(
    "Empty",
    inputs="shape: int32",
    outputs="output: dtype",
    attrs=("dtype: type", "init: bool = false"),
    infer=_fill_shape,
    gradient=NoGradient("its value does not depend on a differentiable input"),
    cost=moves,
    state=PURE,
    host_inputs=("shape",),
    samples=lambda: [sample([2, 3], dtype="float32", init=True)],
    doc="A tensor of zeros; TensorFlow leaves it unset without `init`.",
)


def _constant_like(name: str, types: str, doc: str) -> Any:
    rows = [sample(floats(2, 3)), sample(floats()), sample(ints(0, 2)), sample(bools(2))]
    return declare(
        name,
        inputs="x: T",
        outputs="y: T",
        attrs=f"T: {types}",
        infer=like_input,
        gradient=NoGradient("its value does not change with the input"),
        cost=moves,
        state=PURE,
        samples=lambda: rows,
        doc=doc,
    )


ZerosLike = _constant_like("ZerosLike", "type", "Zeros of a tensor's shape.")
OnesLike = _constant_like("OnesLike", "{numbertype, bool}", "Ones of a tensor's shape.")


def range_size(start: Any, limit: Any, delta: Any) -> int:
    """Number of elements from `start` in steps of `delta` up to, and without, `limit`."""
    if isinstance(start, np.floating) or np.asarray(start).dtype.kind not in "iu":
        return max(0, math.ceil((float(limit) - float(start)) / float(delta)))
    return max(0, -(-(int(limit) - int(start)) // int(delta)))


def _range_shape(c: InferContext) -> Sequence[TensorShape]:
    for name in ("start", "limit", "delta"):
        c.rank(name, 0)
    values = [c.value(i) for i in range(3)]
    start, limit, delta = values
    if delta is not None and not delta:
        c.fail("delta must not be 0")
    if start is None or limit is None or delta is None:
        return [TensorShape([None])]
    if (start > limit and delta > 0) or (start < limit and delta < 0):
        c.fail(f"delta {delta} does not lead from start {start} to limit {limit}")
    return [TensorShape([range_size(start, limit, delta)])]


Range = declare(
    "Range",
    inputs="start: Tidx, limit: Tidx, delta: Tidx",
    outputs="output: Tidx",
    attrs=(
        "Tidx: {bfloat16, half, float, double, int8, int16, int32, int64, uint16, uint32, uint64} = DT_INT32",
    ),
    infer=_range_shape,
    gradient=NoGradient("it counts in fixed steps"),
    cost=moves,
    state=PURE,
    host_inputs=("start", "limit", "delta"),
    samples=lambda: [
        sample(0, 5, 1),
        sample(7, -2, -3),
        sample(3, 3, 1),
        sample(np.int64(2), np.int64(9), np.int64(4)),
        sample(np.float32(0.5), np.float32(2.0), np.float32(0.25), grad=()),
        sample(np.float64(1), np.float64(0), np.float64(-0.3), grad=()),
    ],
    doc="Numbers from start in steps of delta, up to but without limit.",
)


def _linspace_shape(c: InferContext) -> Sequence[TensorShape]:
    for name in ("start", "stop", "num"):
        c.rank(name, 0)
    num = c.value("num")
    if num is None:
        return [TensorShape([None])]
    if num < 1:
        c.fail(f"num must be at least 1, got {int(num)}")
    return [TensorShape([int(num)])]


LinSpace = declare(
    "LinSpace",
    inputs="start: T, stop: T, num: Tidx",
    outputs="output: T",
    attrs=("T: {bfloat16, half, float, double}", "Tidx: indextype = DT_INT32"),
    infer=_linspace_shape,
    gradient=NoGradient("it counts in fixed steps"),
    cost=moves,
    state=PURE,
    host_inputs=("start", "stop", "num"),
    samples=lambda: [
        sample(np.float32(1), np.float32(3), 5, grad=()),
        sample(np.float64(3), np.float64(-1), np.int64(4), grad=()),
        sample(np.float32(2), np.float32(9), 1, grad=()),
    ],
    doc="Evenly spaced numbers from start to stop, both included.",
)


def _one_hot_shape(c: InferContext) -> Sequence[TensorShape]:
    indices, depth, axis = c.shape("indices"), c.value("depth"), c.attr("axis")
    for name in ("depth", "on_value", "off_value"):
        c.rank(name, 0)
    if indices.dims is None:
        return [TensorShape(None)]
    if not -1 <= axis <= len(indices):
        c.fail(f"axis {axis} must be in [-1, {len(indices)}]")
    if depth is not None and depth < 0:
        c.fail(f"depth must be non-negative, got {int(depth)}")
    at = len(indices) if axis == -1 else axis
    size = None if depth is None else int(depth)
    return [TensorShape([*indices.dims[:at], size, *indices.dims[at:]])]


OneHot = declare(
    "OneHot",
    inputs="indices: TI, depth: int32, on_value: T, off_value: T",
    outputs="output: T",
    attrs=("axis: int = -1", "T: type", "TI: {uint8, int8, int32, int64} = DT_INT64"),
    infer=_one_hot_shape,
    gradient=NoGradient("it places constants"),
    cost=moves,
    state=PURE,
    host_inputs=("depth",),
    samples=lambda: [
        sample(np.array([0, 2, 5, -1], np.int64), 3, np.float32(1), np.float32(0), grad=()),
        sample(ints(2, 3, high=4), 4, np.float32(5), np.float32(-1), grad=(), axis=0),
        sample(ints(2, 3, high=4, dtype=np.uint8), 4, 1, 0, axis=1),
        sample(np.array(1, np.int32), 3, np.bool_(True), np.bool_(False)),
    ],
    doc="Rows with `on_value` at the index and `off_value` elsewhere.",
)
