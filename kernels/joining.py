"""Tensors joined and taken apart along a dimension; declared in `graph/ops/joining.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from .registry import KernelContext, kernel
from .shaping import first


@kernel("ConcatV2")
def concat_v2(c: KernelContext, *inputs: Any) -> Any:
    return c.xp.concatenate(inputs[:-1], axis=first(inputs[-1]))


@kernel("Concat")
def concat(c: KernelContext, concat_dim: Any, *values: Any) -> Any:
    return c.xp.concatenate(values, axis=first(concat_dim))


@kernel("ConcatOffset")
def concat_offset(c: KernelContext, concat_dim: Any, *shapes: Any) -> Any:
    axis = first(concat_dim)
    offsets, position = [], 0
    for shape in shapes:
        offset = np.zeros(len(shape), dtype=c.out_dtype)
        offset[axis] = position
        position += int(shape[axis])
        offsets.append(offset)
    return tuple(offsets)


@kernel("Pack")
def pack(c: KernelContext, *values: Any) -> Any:
    return c.xp.stack(values, axis=c.attrs["axis"])


@kernel("Unpack")
def unpack(c: KernelContext, value: Any) -> Any:
    moved = c.xp.moveaxis(value, c.attrs["axis"], 0) if c.attrs["axis"] else value
    num = c.attrs["num"]
    if num != moved.shape[0]:
        raise ValueError(f"dimension {c.attrs['axis']} is of size {moved.shape[0]}, not num = {num}")
    if num == 1:
        return moved[0, ...]
    return tuple(moved[i, ...] for i in range(num))


@kernel("Split")
def split(c: KernelContext, split_dim: Any, value: Any) -> Any:
    num = c.attrs["num_split"]
    if num == 1:
        return value
    axis = first(split_dim)
    if value.shape[axis] % num:
        raise ValueError(
            f"dimension {axis} of size {value.shape[axis]} cannot be split into {num} equal parts"
        )
    return tuple(c.xp.split(value, num, axis=axis))


@kernel("SplitV")
def split_v(c: KernelContext, value: Any, size_splits: Any, split_dim: Any) -> Any:
    axis, sizes = first(split_dim), [int(s) for s in size_splits]
    size = value.shape[axis]
    if -1 in sizes:
        sizes[sizes.index(-1)] = size - sum(s for s in sizes if s >= 0)
    if sum(sizes) != size or any(s < 0 for s in sizes):
        raise ValueError(f"size_splits {size_splits.tolist()} do not add up to {size}, dimension {axis}")
    if len(sizes) == 1:
        return value
    return tuple(c.xp.split(value, np.cumsum(sizes)[:-1].tolist(), axis=axis))
