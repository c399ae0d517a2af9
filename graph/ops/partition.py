"""Tensors taken apart and put together by data: partition, stitch, unique, set difference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..elements import Operation, Tensor
from ..infer import CostContext, InferContext, moves
from ..opdef import PURE, Cost, NoGradient, OpDecl, declare
from ..samples import floats, ints, sample
from ..shapes import Dimension, TensorShape
from .indexing import GatherV2
from .shaping import Reshape, reshape_like, shape_of

__all__ = [
    "DynamicPartition",
    "DynamicStitch",
    "ListDiff",
    "ParallelDynamicStitch",
    "Unique",
    "UniqueV2",
    "UniqueWithCounts",
    "UniqueWithCountsV2",
]


def _partition_shape(c: InferContext) -> Sequence[TensorShape]:
    data, partitions = c.shape("data"), c.shape("partitions")
    num = c.attr("num_partitions")
    if data.dims is None or partitions.dims is None:
        return [TensorShape(None)] * num
    depth = len(partitions)
    if depth > len(data):
        c.fail("partitions must not have a higher rank than data")
    c.merge(data[:depth], partitions, "the shape of partitions must begin that of data")
    return [TensorShape([None]) + data[depth:]] * num


def _partition_grad(op: Operation, *grads: Any) -> list[Any]:
    from .filling import Range
    from .reduction import Prod

    data, partitions = op.inputs
    shape = shape_of(partitions)
    places = Reshape(Range(0, Prod(shape, [0]), 1), shape)
    parts = DynamicPartition(places, partitions, num_partitions=op.attrs["num_partitions"])
    together: Tensor = DynamicStitch(parts if isinstance(parts, list) else [parts], list(grads))
    return [reshape_like(together, data), None]


DynamicPartition = declare(
    "DynamicPartition",
    inputs="data: T, partitions: int32",
    outputs="outputs: num_partitions * T",
    attrs=("num_partitions: int >= 1", "T: type"),
    infer=_partition_shape,
    gradient=_partition_grad,
    cost=moves,
    state=PURE,
    dynamic=True,
    samples=lambda: [
        sample(floats(5, 2), np.array([0, 2, 0, 1, 2], np.int32), num_partitions=3),
        sample(floats(2, 3), np.array([[1, 0, 1], [1, 1, 0]], np.int32), num_partitions=2),
        sample(floats(4), np.array([1, 1, 1, 1], np.int32), num_partitions=2),
        sample(floats(0, 2), np.zeros(0, np.int32), num_partitions=1),
        sample(np.array([b"a", b"b"], dtype=object), np.array([1, 0], np.int32), num_partitions=2),
    ],
    doc="Slices of a tensor sorted into lists.",
)


def _stitch_shape(c: InferContext) -> Sequence[TensorShape]:
    indices, data = c.shape_list("indices"), c.shape_list("data")
    rest = TensorShape(None)
    for where, what in zip(indices, data, strict=True):
        if where.dims is None or what.dims is None:
            continue
        if len(where) > len(what):
            c.fail("indices must not have a higher rank than data")
        c.merge(what[: len(where)], where, "the shape of indices must begin that of data")
        rest = c.merge(rest, what[len(where) :], "all data must have slices of one shape")
    highest: Dimension = -1
    for position in range(len(indices)):
        value = c.value(position)
        if value is None:
            highest = None
            break
        highest = max(highest or 0, int(value.max())) if value.size else highest
    if rest.dims is None:
        return [rest]
    return [TensorShape([None if highest is None else highest + 1]) + rest]


def _stitch_grad(op: Operation, grad: Any) -> list[Any]:
    count = op.attrs["N"]
    return [None] * count + [GatherV2(grad, where, 0) for where in op.inputs[:count]]


def _stitch(name: str, doc: str) -> OpDecl:
    return declare(
        name,
        inputs="indices: N * int32, data: N * T",
        outputs="merged: T",
        attrs=("N: int >= 1", "T: type"),
        infer=_stitch_shape,
        gradient=_stitch_grad,
        cost=moves,
        state=PURE,
        dynamic=True,
        samples=lambda: [
            sample([[4, 0], [1, 3, 2]], [floats(2, 3), floats(3, 3, seed=1)]),
            sample([np.int32(2), [[0, 1]]], [floats(2), floats(1, 2, 2, seed=1)]),
            sample([[0, 1], [1, 2]], [ints(2), ints(2, seed=1)]),
            sample([np.zeros(0, np.int32)], [floats(0, 2)]),
        ],
        doc=doc,
    )


DynamicStitch = _stitch("DynamicStitch", "Slices of several tensors put where indices say; later ones win.")
ParallelDynamicStitch = _stitch("ParallelDynamicStitch", "`DynamicStitch`, in any order.")

_DATA_DEPENDENT = NoGradient("which elements are equal is not differentiable")


def _sorting(c: CostContext) -> Cost:
    count = max(c.in_elements, 1.0)
    return Cost(count * float(np.log2(count + 1)), c.in_bytes + c.out_bytes)


def _unique_shape(outputs: int) -> Any:
    def infer(c: InferContext) -> Sequence[TensorShape]:
        x = c.rank("x", 1)
        return [TensorShape([None]), x, TensorShape([None])][:outputs]

    return infer


def _unique_v2_shape(outputs: int) -> Any:
    def infer(c: InferContext) -> Sequence[TensorShape]:
        x, axis = c.shape("x"), c.value("axis")
        if c.shape("axis").num_elements() not in (None, 0, 1):
            c.fail("axis must hold at most one value")
        if x.dims is None or axis is None:
            found = [TensorShape(None), TensorShape([None])]
        elif axis.size == 0:
            c.rank("x", 1)
            found = [TensorShape([None]), x]
        else:
            at = int(axis.reshape(-1)[0])
            if not -len(x) <= at < len(x):
                c.fail(f"axis {at} is out of range for rank {len(x)}")
            dims = x.as_list()
            size, dims[at] = dims[at], None
            found = [TensorShape(dims), TensorShape([size])]
        return [*found, TensorShape([None])][:outputs]

    return infer


def _unique(name: str, counts: bool, doc: str) -> OpDecl:
    return declare(
        name,
        inputs="x: T",
        outputs="y: T, idx: out_idx" + (", count: out_idx" if counts else ""),
        attrs=("T: type", "out_idx: indextype = DT_INT32"),
        infer=_unique_shape(3 if counts else 2),
        gradient=_DATA_DEPENDENT,
        cost=_sorting,
        state=PURE,
        dynamic=True,
        samples=lambda: [
            sample(np.array([4, 1, 4, 7, 1, 1], np.int32)),
            sample(np.array([2.5, -1, 2.5], np.float32), grad=(), out_idx="int64"),
            sample(np.zeros(0, np.int64)),
            sample(np.array([b"b", b"a", b"b"], dtype=object)),
        ],
        doc=doc,
    )


def _unique_v2(name: str, counts: bool, doc: str) -> OpDecl:
    return declare(
        name,
        inputs="x: T, axis: Taxis",
        outputs="y: T, idx: out_idx" + (", count: out_idx" if counts else ""),
        attrs=("T: type", "Taxis: indextype = DT_INT64", "out_idx: indextype = DT_INT32"),
        infer=_unique_v2_shape(3 if counts else 2),
        gradient=_DATA_DEPENDENT,
        cost=_sorting,
        state=PURE,
        host_inputs=("axis",),
        dynamic=True,
        samples=lambda: [
            sample(np.array([4, 1, 4, 7, 1, 1], np.int32), np.zeros(0, np.int64)),
            sample(np.array([[1, 0, 1], [2, 0, 2], [1, 0, 1]], np.int32), np.array([0], np.int32)),
            sample(np.array([[1, 0, 1], [2, 0, 2]], np.int32), np.array([1], np.int64), out_idx="int64"),
        ],
        doc=doc,
    )


Unique = _unique("Unique", False, "The different elements in order of appearance, and which one each is.")
UniqueWithCounts = _unique("UniqueWithCounts", True, "`Unique`, and how often each appears.")
UniqueV2 = _unique_v2("UniqueV2", False, "The different slices along an axis, and which one each is.")
UniqueWithCountsV2 = _unique_v2("UniqueWithCountsV2", True, "`UniqueV2`, and how often each appears.")


def _list_diff_shape(c: InferContext) -> Sequence[TensorShape]:
    c.rank("x", 1)
    c.rank("y", 1)
    return [TensorShape([None]), TensorShape([None])]


ListDiff = declare(
    "ListDiff",
    inputs="x: T, y: T",
    outputs="out: T, idx: out_idx",
    attrs=("T: type", "out_idx: indextype = DT_INT32"),
    infer=_list_diff_shape,
    gradient=_DATA_DEPENDENT,
    cost=_sorting,
    state=PURE,
    dynamic=True,
    samples=lambda: [
        sample(np.array([5, 1, 5, 3, 2], np.int32), np.array([1, 2], np.int32)),
        sample(np.array([1.0, 2.0], np.float32), np.zeros(0, np.float32), grad=(), out_idx="int64"),
        sample(np.array([b"a", b"b"], dtype=object), np.array([b"b"], dtype=object)),
    ],
    doc="The elements of x that are not in y, and their places in x.",
)
