"""Reductions over rows that share an id; declared in `graph/ops/segment.py` and `sparse_segment.py`.

Each array library has its own way to reduce by id; the kernels are made here from it, once per backend.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..graph.errors import InvalidArgumentError
from .registry import KernelContext, kernel

Reduce = Callable[[Any, str, Any, Any, int, Any], Any]
"""`reduce(xp, how, ids, rows, count, empty)`: the rows reduced by their ids to `count` rows.

`how` is "add", "multiply", "maximum" or "minimum"; ids are 1-D and in range, or negative for rows that are left out;
`empty` stands where there is no row.
"""

_HOW = {"Sum": "add", "Prod": "multiply", "Max": "maximum", "Min": "minimum"}


def fail(c: KernelContext, rule: str) -> None:
    raise InvalidArgumentError(c.node.name, f"{c.node.op} '{c.node.name}': {rule}", "", c.node.source)


def neutral(c: KernelContext, how: str) -> Any:
    """What a reduction of no rows gives."""
    dtype = c.out_types[0]
    if how in ("add", "multiply"):
        return 0 if how == "add" else 1
    return dtype.min if how == "maximum" else dtype.max


def row_count(c: KernelContext, ids: Any) -> int:
    """How many segments ascending ids speak of; they are looked at, for the output's shape depends on them."""
    known = np.asarray(ids.get() if hasattr(ids, "get") else ids)
    if not known.size:
        return 0
    if known[0] < 0 or np.any(known[1:] < known[:-1]):
        fail(c, "segment ids must be ascending and not negative")
    return int(known[-1]) + 1


def check_range(c: KernelContext, ids: Any, count: int, name: str) -> None:
    """Refuses ids that are too large, where values can be looked at cheaply."""
    if c.backend == "numpy" and np.size(ids) and int(np.max(ids)) >= count:
        fail(c, f"{name} must be below {count}, one is {int(np.max(ids))}")


def with_reduce(reduce: Reduce, on: str) -> None:
    """Registers the kernels of all ops of the family for a backend."""
    for kind, how in _HOW.items():
        kernel(f"Segment{kind}", on=on)(_sorted(reduce, how))
        kernel(f"UnsortedSegment{kind}", f"Segment{kind}V2", on=on)(_unsorted(reduce, how))
    kernel("SegmentMean", on=on)(_mean(reduce))
    for kind in ("Sum", "Mean", "SqrtN"):
        kernel(f"SparseSegment{kind}", on=on)(_picked(reduce, kind))
        kernel(f"SparseSegment{kind}WithNumSegments", on=on)(_picked_counted(reduce, kind))
        kernel(f"SparseSegment{kind}Grad", on=on)(_picked_grad(reduce, kind))
        kernel(f"SparseSegment{kind}GradV2", on=on)(_unique_grad(reduce, kind))


def _in_wide(
    c: KernelContext, reduce: Reduce, how: str, ids: Any, rows: Any, count: int, empty: Any = None
) -> Any:
    """`reduce`, short floats in float32."""
    is_short = rows.dtype.itemsize == 2 and c.out_types[0].is_floating
    wide = rows.astype(np.float32) if is_short else rows
    reduced = reduce(c.xp, how, ids, wide, count, neutral(c, how) if empty is None else empty)
    return reduced.astype(c.out_dtype) if is_short else reduced


def _sorted(reduce: Reduce, how: str) -> Any:
    def run(c: KernelContext, data: Any, ids: Any) -> Any:
        empty = 1 if how == "multiply" else 0
        return _in_wide(c, reduce, how, ids, data, row_count(c, ids), empty)

    return run


def _unsorted(reduce: Reduce, how: str) -> Any:
    def run(c: KernelContext, data: Any, ids: Any, num_segments: Any) -> Any:
        count = int(num_segments)
        check_range(c, ids, count, "segment ids")
        rank = np.ndim(ids)
        flat = c.xp.reshape(ids, (-1,))
        rows = c.xp.reshape(data, (flat.shape[0], *data.shape[rank:]))
        return _in_wide(c, reduce, how, flat, rows, count)

    return run


def _sizes(xp: Any, reduce: Reduce, ids: Any, count: int, rank: int) -> Any:
    """How many rows each segment has, at least 1, in a shape that divides the segments."""
    ones = xp.ones(ids.shape, dtype=np.int32)
    return xp.reshape(xp.maximum(reduce(xp, "add", ids, ones, count, 0), 1), (count,) + (1,) * (rank - 1))


def _mean(reduce: Reduce) -> Any:
    def run(c: KernelContext, data: Any, ids: Any) -> Any:
        count = row_count(c, ids)
        total = _in_wide(c, reduce, "add", ids, data, count)
        sizes = _sizes(c.xp, reduce, ids, count, np.ndim(data)).astype(c.out_dtype)
        if c.out_types[0].is_integer:
            from .math import truncated_quotient

            return truncated_quotient(c.xp, total, sizes)
        return total / sizes

    return run


def _scaled(c: KernelContext, reduce: Reduce, kind: str, total: Any, ids: Any, count: int) -> Any:
    if kind == "Sum":
        return total
    sizes = _sizes(c.xp, reduce, ids, count, np.ndim(total)).astype(total.dtype)
    return total / (c.xp.sqrt(sizes) if kind == "SqrtN" else sizes)


def _pick(c: KernelContext, reduce: Reduce, kind: str, data: Any, indices: Any, ids: Any, count: int) -> Any:
    check_range(c, indices, data.shape[0], "indices")
    rows = c.xp.take(data, indices, axis=0)
    total = _in_wide(c, reduce, "add", ids, rows, count)
    return _scaled(c, reduce, kind, total, ids, count)


def _picked(reduce: Reduce, kind: str) -> Any:
    def run(c: KernelContext, data: Any, indices: Any, ids: Any) -> Any:
        return _pick(c, reduce, kind, data, indices, ids, row_count(c, ids))

    return run


def _picked_counted(reduce: Reduce, kind: str) -> Any:
    def run(c: KernelContext, data: Any, indices: Any, ids: Any, num_segments: Any) -> Any:
        check_range(c, ids, int(num_segments), "segment ids")
        return _pick(c, reduce, kind, data, indices, ids, int(num_segments))

    return run


def _spread(c: KernelContext, reduce: Reduce, kind: str, grad: Any, ids: Any) -> Any:
    """The gradient of each picked row: that of its segment, scaled as the segment was."""
    return c.xp.take(_scaled(c, reduce, kind, grad, ids, grad.shape[0]), ids, axis=0)


def _picked_grad(reduce: Reduce, kind: str) -> Any:
    def run(c: KernelContext, grad: Any, indices: Any, ids: Any, output_dim0: Any) -> Any:
        check_range(c, indices, int(output_dim0), "indices")
        return _in_wide(c, reduce, "add", indices, _spread(c, reduce, kind, grad, ids), int(output_dim0))

    return run


def _unique_grad(reduce: Reduce, kind: str) -> Any:
    def run(c: KernelContext, grad: Any, indices: Any, ids: Any, dense_output_dim0: Any) -> Any:
        found, position = c.xp.unique(indices, return_inverse=True)
        rows = _spread(c, reduce, kind, grad, ids)
        position = c.xp.reshape(position, (-1,))
        return _in_wide(c, reduce, "add", position, rows, found.shape[0]), found

    return run


@kernel("UnsortedSegmentJoin", host=True)
def join(c: KernelContext, inputs: Any, ids: Any, num_segments: Any) -> Any:
    count, separator = int(num_segments), c.attrs["separator"]
    glue = separator.encode() if isinstance(separator, str) else separator
    flat = np.reshape(ids, (-1,))
    if flat.size and (flat.min() < 0 or flat.max() >= count):
        fail(c, f"segment ids must be from 0 to below {count}")
    rows = np.reshape(inputs, (flat.size, -1))
    out = np.full((count, rows.shape[1]), b"", dtype=object)
    for segment in range(count):
        members = rows[flat == segment]
        for column in range(rows.shape[1]):
            out[segment, column] = glue.join(members[:, column])
    return out.reshape(count, *np.shape(inputs)[np.ndim(ids) :])
