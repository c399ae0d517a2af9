"""Blocks of space moved into batch or depth, and back; declared in `graph/ops/blocks.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .padding import padded
from .registry import KernelContext, kernel
from .shaping import dims_of

Margins = list[tuple[int, int]]


def _margins(value: Any) -> Margins:
    return [(int(a), int(b)) for a, b in np.asarray(value).reshape(-1, 2)]


def _to_batch(c: KernelContext, x: Any, block: Sequence[int], paddings: Margins) -> Any:
    count = len(block)
    rest = np.shape(x)[1 + count :]
    if any(a or b for a, b in paddings):
        x = padded(c, x, [(0, 0), *paddings, *([(0, 0)] * len(rest))], 0)
    batch, space = x.shape[0], x.shape[1 : 1 + count]
    for size, edge in zip(space, block, strict=True):
        if size % edge:
            raise ValueError(f"a padded dimension of size {size} is no multiple of block size {edge}")
    outer = [s // b for s, b in zip(space, block, strict=True)]
    cut = x.reshape((batch, *(d for pair in zip(outer, block, strict=True) for d in pair), *rest))
    inside = [2 + 2 * i for i in range(count)]
    outside = [1 + 2 * i for i in range(count)]
    tail = list(range(1 + 2 * count, 1 + 2 * count + len(rest)))
    moved = c.xp.transpose(cut, (*inside, 0, *outside, *tail))
    return moved.reshape((batch * int(np.prod(block)), *outer, *rest))


def _to_space(c: KernelContext, x: Any, block: Sequence[int], crops: Margins) -> Any:
    count = len(block)
    total = int(np.prod(block))
    batch, space, rest = x.shape[0], x.shape[1 : 1 + count], x.shape[1 + count :]
    if batch % total:
        raise ValueError(f"the batch of {batch} is no multiple of {total}")
    apart = x.reshape((*block, batch // total, *space, *rest))
    order = [count]
    for i in range(count):
        order += [count + 1 + i, i]
    tail = list(range(2 * count + 1, 2 * count + 1 + len(rest)))
    whole = [s * b for s, b in zip(space, block, strict=True)]
    joined = c.xp.transpose(apart, (*order, *tail)).reshape((batch // total, *whole, *rest))
    kept = [slice(a, size - b) for (a, b), size in zip(crops, whole, strict=True)]
    return joined[(slice(None), *kept)]


@kernel("SpaceToBatchND")
def space_to_batch_nd(c: KernelContext, x: Any, block_shape: Any, paddings: Any) -> Any:
    return _to_batch(c, x, dims_of(block_shape), _margins(paddings))


@kernel("BatchToSpaceND")
def batch_to_space_nd(c: KernelContext, x: Any, block_shape: Any, crops: Any) -> Any:
    return _to_space(c, x, dims_of(block_shape), _margins(crops))


@kernel("SpaceToBatch")
def space_to_batch(c: KernelContext, x: Any, paddings: Any) -> Any:
    return _to_batch(c, x, [c.attrs["block_size"]] * 2, _margins(paddings))


@kernel("BatchToSpace")
def batch_to_space(c: KernelContext, x: Any, crops: Any) -> Any:
    return _to_space(c, x, [c.attrs["block_size"]] * 2, _margins(crops))


@kernel("SpaceToDepth")
def space_to_depth(c: KernelContext, x: Any) -> Any:
    edge = c.attrs["block_size"]
    if c.attrs["data_format"] == "NCHW":
        n, d, h, w = x.shape
        cut = x.reshape((n, d, h // edge, edge, w // edge, edge))
        return c.xp.transpose(cut, (0, 3, 5, 1, 2, 4)).reshape((n, d * edge * edge, h // edge, w // edge))
    n, h, w, d = x.shape
    cut = x.reshape((n, h // edge, edge, w // edge, edge, d))
    return c.xp.transpose(cut, (0, 1, 3, 2, 4, 5)).reshape((n, h // edge, w // edge, d * edge * edge))


@kernel("DepthToSpace")
def depth_to_space(c: KernelContext, x: Any) -> Any:
    edge = c.attrs["block_size"]
    if c.attrs["data_format"] == "NCHW":
        n, d, h, w = x.shape
        apart = x.reshape((n, edge, edge, d // (edge * edge), h, w))
        return c.xp.transpose(apart, (0, 3, 4, 1, 5, 2)).reshape((n, d // (edge * edge), h * edge, w * edge))
    n, h, w, d = x.shape
    apart = x.reshape((n, h, w, edge, edge, d // (edge * edge)))
    return c.xp.transpose(apart, (0, 1, 3, 2, 4, 5)).reshape((n, h * edge, w * edge, d // (edge * edge)))
