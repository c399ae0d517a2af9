"""Running sums and products on NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..registry import KernelContext, kernel
from ..scan import logsumexp_with, run_scan

kernel("CumulativeLogsumexp", on="numpy")(
    logsumexp_with(lambda _, x, axis: np.logaddexp.accumulate(x, axis=axis))
)

_WIDE = 32
"""Elements per step of the axis from which whole steps are added up: `accumulate` strides over them one by one."""


def _accumulated(ufunc: Any, x: Any, axis: int) -> Any:
    inner = int(np.prod(x.shape[axis + 1 :], dtype=np.int64))
    if inner < _WIDE or not x.size:
        return ufunc.accumulate(x, axis=axis, dtype=x.dtype)
    flat = x.reshape(-1, x.shape[axis], inner)
    out = np.empty_like(flat)
    out[:, 0] = flat[:, 0]
    for step in range(1, flat.shape[1]):
        ufunc(out[:, step - 1], flat[:, step], out=out[:, step])
    return out.reshape(x.shape)


def _scan(c: KernelContext, ufunc: Any, x: Any, axis: Any, first: int) -> Any:
    is_short = c.in_types[0].is_floating and c.in_types[0].size == 2
    wide = x.astype(np.float32) if is_short else x
    along = int(axis) % np.ndim(x)
    total = run_scan(c, wide, along, lambda v: _accumulated(ufunc, v, along), first)
    return total.astype(c.out_dtype) if is_short else total


@kernel("Cumsum", on="numpy")
def cumsum(c: KernelContext, x: Any, axis: Any) -> Any:
    return _scan(c, np.add, x, axis, 0)


@kernel("Cumprod", on="numpy")
def cumprod(c: KernelContext, x: Any, axis: Any) -> Any:
    return _scan(c, np.multiply, x, axis, 1)
