"""Products of large matrices by several threads; see `kernels/parallel.py`."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from .. import matmul as shared
from ..parallel import WORTH_PRODUCTS, product_parts, products_are_divided
from ..registry import KernelContext, kernel, specialize

_PARTS = 4


def product(a: Any, b: Any) -> Any:
    """The product of two matrices."""
    rows, inner = a.shape
    columns = b.shape[1]
    if rows * inner * columns < WORTH_PRODUCTS or b.shape[0] != inner or not products_are_divided():
        return np.dot(a, b)
    out = np.empty((rows, columns), np.result_type(a, b))
    longest = max(rows, columns)
    # Whole multiples of the processor's registers, so that no part has ragged edges but the last.
    step = max(-(-longest // (_PARTS * 16)) * 16, 16)

    def by_rows(index: int) -> None:
        part = slice(index * step, (index + 1) * step)
        np.matmul(a[part], b, out=out[part])

    def by_columns(index: int) -> None:
        part = slice(index * step, (index + 1) * step)
        np.matmul(a, b[:, part], out=out[:, part])

    product_parts(by_rows if rows >= columns else by_columns, -(-longest // step))
    return out


@specialize("MatMul", on="numpy")
def _matmul(c: KernelContext, known: Mapping[int, Any]) -> Any:
    if c.out_types[0].name not in ("float32", "float64"):
        return None
    a_turned, b_turned = c.attrs["transpose_a"], c.attrs["transpose_b"]
    if a_turned:
        return (lambda a, b: product(a.T, b.T)) if b_turned else (lambda a, b: product(a.T, b))
    return (lambda a, b: product(a, b.T)) if b_turned else product


def batch_product(x: Any, y: Any) -> Any:
    """The products of batches of matrices."""
    if (
        x.ndim != 3
        or y.ndim != 3
        or len(x) != len(y)
        or len(x) < 2
        or prod(x.shape) * y.shape[-1] < WORTH_PRODUCTS
    ):
        return np.matmul(x, y)
    out = np.empty((len(x), x.shape[1], y.shape[2]), np.result_type(x, y))
    count = min(len(x), _PARTS)
    edges = [len(x) * i // count for i in range(count + 1)]

    def multiply(index: int) -> None:
        part = slice(edges[index], edges[index + 1])
        np.matmul(x[part], y[part], out=out[part])

    product_parts(multiply, count)
    return out


@kernel("BatchMatMul", "BatchMatMulV2", on="numpy")
def batch_matmul(c: KernelContext, x: Any, y: Any) -> Any:
    if c.out_types[0].name not in ("float32", "float64"):
        return shared.batch_matmul(c, x, y)
    x = shared.adjoint(c, x) if c.attrs["adj_x"] else x
    y = shared.adjoint(c, y) if c.attrs["adj_y"] else y
    if x.ndim == y.ndim > 3 and x.shape[:-2] == y.shape[:-2]:
        flat = batch_product(x.reshape(-1, *x.shape[-2:]), y.reshape(-1, *y.shape[-2:]))
        return flat.reshape(*x.shape[:-1], y.shape[-1])
    return batch_product(x, y)
