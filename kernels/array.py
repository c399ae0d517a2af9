"""Shapes, and tensors made, joined and taken apart; declared in `graph/ops/array.py`.

Shapes and axes (`host_inputs` of the declaration) always arrive as host values, whatever the backend; `Shape`
and its like give host values, so that shape arithmetic costs nothing on an accelerator and folds under a
compiler.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .registry import KernelContext, kernel, ufunc

ufunc("OnesLike", "ones_like")


def dims_of(shape: Any) -> tuple[int, ...]:
    """A shape tensor's value as a tuple."""
    return tuple(int(d) for d in np.ravel(shape))


@kernel("Shape")
def shape(c: KernelContext, x: Any) -> Any:
    return np.array(np.shape(x), dtype=c.out_dtype)


@kernel("Reshape")
def reshape(c: KernelContext, x: Any, shape: Any) -> Any:
    return c.xp.reshape(x, dims_of(shape))


@kernel("Fill")
def fill(c: KernelContext, dims: Any, value: Any) -> Any:
    return c.xp.full(dims_of(dims), value, dtype=c.out_dtype)


@kernel("ZerosLike")
def zeros_like(c: KernelContext, x: Any) -> Any:
    if c.out_types[0].kind == "s":
        return np.full(np.shape(x), b"", dtype=object)
    return c.xp.zeros_like(x)


@kernel("BroadcastTo")
def broadcast_to(c: KernelContext, x: Any, shape: Any) -> Any:
    return c.xp.broadcast_to(x, dims_of(shape))


@kernel("BroadcastGradientArgs")
def broadcast_gradient_args(c: KernelContext, s0: Any, s1: Any) -> Any:
    a, b = dims_of(s0), dims_of(s1)
    rank = max(len(a), len(b))
    a, b = (1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b
    dtype = c.out_dtype
    return (
        np.array(
            [i for i in range(rank) if a[i] == 1 and (b[i] != 1 or i < rank - len(np.ravel(s0)))], dtype
        ),
        np.array(
            [i for i in range(rank) if b[i] == 1 and (a[i] != 1 or i < rank - len(np.ravel(s1)))], dtype
        ),
    )
