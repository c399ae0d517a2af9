"""Tensors taken apart and put together by data; declared in `graph/ops/partition.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from .registry import KernelContext, kernel
from .shaping import dims_of
from .updates import scattered


@kernel("DynamicPartition")
def dynamic_partition(c: KernelContext, data: Any, partitions: Any) -> Any:
    num = c.attrs["num_partitions"]
    flat = partitions.reshape(-1)
    if flat.size and not (int(flat.min()) >= 0 and int(flat.max()) < num):
        raise ValueError(f"partitions must be in [0, {num})")
    rows = data.reshape((flat.size, *data.shape[np.ndim(partitions) :]))
    found = tuple(rows[flat == i] for i in range(num))
    return found if num > 1 else found[0]


@kernel("DynamicStitch", "ParallelDynamicStitch")
def dynamic_stitch(c: KernelContext, *inputs: Any) -> Any:
    count = c.attrs["N"]
    indices, data = inputs[:count], inputs[count:]
    rest = np.shape(data[0])[np.ndim(indices[0]) :]
    size = 1 + max((int(i.max()) for i in indices if i.size), default=-1)
    if any(i.size and int(i.min()) < 0 for i in indices):
        raise ValueError("indices must not be negative")
    text = c.out_types[0].kind == "s"
    out = np.full((size, *rest), b"", object) if text else c.xp.zeros((size, *rest), c.out_dtype)
    for where, what in zip(indices, data, strict=True):
        rows = c.xp.reshape(what, (-1, *rest)) if what.size else what.reshape((where.size, *rest))
        out = scattered(c, out, (where.reshape(-1),), rows, "update", fresh=True)
    return out


@kernel("Unique", "UniqueWithCounts")
def unique(c: KernelContext, x: Any) -> Any:
    y, index, count = _unique(c, x)
    return (y, index, count) if len(c.out_types) == 3 else (y, index)


@kernel("UniqueV2", "UniqueWithCountsV2")
def unique_v2(c: KernelContext, x: Any, axis: Any) -> Any:
    axes = dims_of(axis)
    if not axes or np.ndim(x) == 1:
        y, index, count = _unique(c, x)
    else:
        rows = c.xp.moveaxis(x, axes[0], 0)
        y, index, count = _unique(c, rows)
        y = c.xp.moveaxis(y, 0, axes[0])
    return (y, index, count) if len(c.out_types) == 3 else (y, index)


def _unique(c: KernelContext, x: Any) -> tuple[Any, Any, Any]:
    """The different slices along the first axis in order of appearance, which one each is, and their numbers."""
    xp, out = c.xp, c.out_types[1].np
    keys = x
    if np.ndim(x) > 1:
        # Rows of numbers become rows of numbers of the row: two are equal where all columns are.
        flat = x.reshape((x.shape[0], -1))
        keys = xp.zeros(x.shape[0], np.int64)
        for column in range(flat.shape[1]):
            _, ids = xp.unique(flat[:, column], return_inverse=True)
            _, keys = xp.unique(keys * (x.shape[0] + 1) + ids.reshape(-1), return_inverse=True)
            keys = keys.reshape(-1)
    options = {} if keys.dtype == object or c.out_types[0].is_integer else {"equal_nan": False}
    _, first, inverse, counts = xp.unique(
        keys, return_index=True, return_inverse=True, return_counts=True, **options
    )
    order = xp.argsort(first)
    rank = xp.argsort(order)
    return x[first[order]], rank[inverse.reshape(-1)].astype(out), counts[order].astype(out)


@kernel("ListDiff")
def list_diff(c: KernelContext, x: Any, y: Any) -> Any:
    keep = c.xp.nonzero(~c.xp.isin(x, y))[0]
    return x[keep], keep.astype(c.out_types[1].np)
