"""Matrix products; declared in `graph/ops/matmul.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from .registry import KernelContext, kernel


def product(c: KernelContext, a: Any, b: Any) -> Any:
    """The matrix product in the output's type; short floats are summed up in float32."""
    if c.out_types[0].size == 2 and c.out_types[0].is_floating:
        return c.xp.matmul(a.astype(np.float32), b.astype(np.float32)).astype(c.out_dtype)
    return c.xp.matmul(a, b)


@kernel("MatMul")
def matmul(c: KernelContext, a: Any, b: Any) -> Any:
    attrs = c.attrs
    return product(c, a.T if attrs["transpose_a"] else a, b.T if attrs["transpose_b"] else b)


def adjoint(c: KernelContext, x: Any) -> Any:
    """Each matrix of a batch conjugated and transposed."""
    flipped = c.xp.swapaxes(x, -1, -2)
    return c.xp.conj(flipped) if x.dtype.kind == "c" else flipped


@kernel("BatchMatMul", "BatchMatMulV2")
def batch_matmul(c: KernelContext, x: Any, y: Any) -> Any:
    return product(c, adjoint(c, x) if c.attrs["adj_x"] else x, adjoint(c, y) if c.attrs["adj_y"] else y)


@kernel("BatchMatMulV3")
def batch_matmul_v3(c: KernelContext, x: Any, y: Any) -> Any:
    return batch_matmul(c, x.astype(c.out_dtype), y.astype(c.out_dtype))


@kernel("SparseMatMul")
def sparse_matmul(c: KernelContext, a: Any, b: Any) -> Any:
    return matmul(c, a.astype(np.float32), b.astype(np.float32))
