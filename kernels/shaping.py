"""Shapes: asked for, and changed without touching the elements; declared in `graph/ops/shaping.py`.

Shapes and axes (`host_inputs` of the declaration) always arrive as host values, whatever the backend; `Shape`
and its like give host values, so that shape arithmetic is free on an accelerator and folds under a compiler.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .registry import KernelContext, kernel


def dims_of(shape: Any) -> tuple[int, ...]:
    """A shape tensor's value as a tuple."""
    return tuple(np.asarray(shape).reshape(-1).tolist())


def first(value: Any) -> int:
    """The one integer that a host tensor of one element holds."""
    return int(np.asarray(value).reshape(-1)[0])


@kernel("Shape")
def shape(c: KernelContext, x: Any) -> Any:
    return np.array(np.shape(x), dtype=c.out_dtype)


@kernel("ShapeN")
def shape_n(c: KernelContext, *inputs: Any) -> Any:
    found = tuple(np.array(np.shape(x), dtype=c.out_dtype) for x in inputs)
    return found if len(found) > 1 else found[0]


@kernel("Size")
def size(c: KernelContext, x: Any) -> Any:
    return np.array(np.size(x), dtype=c.out_dtype)


@kernel("Rank")
def rank(c: KernelContext, x: Any) -> Any:
    return np.array(np.ndim(x), dtype=np.int32)


@kernel("Reshape")
def reshape(c: KernelContext, x: Any, shape: Any) -> Any:
    return c.xp.reshape(x, dims_of(shape))


@kernel("ExpandDims")
def expand_dims(c: KernelContext, x: Any, dim: Any) -> Any:
    return c.xp.expand_dims(x, first(dim))


@kernel("Squeeze")
def squeeze(c: KernelContext, x: Any) -> Any:
    axes = c.attrs["squeeze_dims"]
    return c.xp.squeeze(x, axis=axes) if axes else c.xp.squeeze(x)


@kernel("Transpose")
def transpose(c: KernelContext, x: Any, perm: Any) -> Any:
    return c.xp.transpose(x, dims_of(perm))


@kernel("InvertPermutation")
def invert_permutation(c: KernelContext, x: Any) -> Any:
    inverse = np.full(len(x), -1, dtype=c.out_dtype)
    if len(x) and (x.min() < 0 or x.max() >= len(x)):
        raise ValueError(f"{np.asarray(x).tolist()} is not between 0 and {len(x) - 1}")
    inverse[x] = np.arange(len(x), dtype=c.out_dtype)
    if len(x) and inverse.min() < 0:
        raise ValueError(f"{np.asarray(x).tolist()} has an entry twice")
    return inverse


@kernel("BroadcastTo")
def broadcast_to(c: KernelContext, x: Any, shape: Any) -> Any:
    return c.xp.broadcast_to(x, dims_of(shape))


@kernel("BroadcastGradientArgs")
def broadcast_gradient_args(c: KernelContext, s0: Any, s1: Any) -> Any:
    a, b = dims_of(s0), dims_of(s1)
    rank = max(len(a), len(b))
    missing_a, missing_b = rank - len(a), rank - len(b)
    a, b = (1,) * missing_a + a, (1,) * missing_b + b
    return (
        np.array([i for i in range(rank) if a[i] == 1 and (b[i] != 1 or i < missing_a)], c.out_dtype),
        np.array([i for i in range(rank) if b[i] == 1 and (a[i] != 1 or i < missing_b)], c.out_dtype),
    )


@kernel("BroadcastArgs")
def broadcast_args(c: KernelContext, s0: Any, s1: Any) -> Any:
    return np.array(np.broadcast_shapes(dims_of(s0), dims_of(s1)), dtype=c.out_dtype)
