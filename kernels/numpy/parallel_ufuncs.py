"""Functions of single elements that take long, on large arrays by several threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..parallel import run_parts
from ..segment import SegmentNode

__all__ = ["divided"]

_SLOW = frozenset(
    (
        "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atan2", "Atanh", "Cos", "Cosh", "Exp", "Expm1", "Log", "Log1p",
        "Pow", "Sin", "Sinh", "Tan", "Tanh",
    )
)  # fmt: skip
"""Ops that take several times as long as reading and writing their elements."""

_BLOCK = 1 << 18
_WORTH_BLOCKS = 2


def divided(ufunc: np.ufunc, row: SegmentNode) -> Callable[..., Any]:
    """The function that computes a node: the ufunc, or one that divides large arrays among threads."""
    if row.node.op not in _SLOW or ufunc.nout != 1:
        return ufunc
    shape = row.node.shapes[0]
    if not shape.is_fully_defined():
        return ufunc
    dims = shape.known()
    size = int(np.prod(dims, dtype=np.int64))
    if size < _WORTH_BLOCKS * _BLOCK:
        return ufunc
    dtype = row.node.types[0].np

    def compute(*given: Any, out: Any = None) -> Any:
        if not all(np.ndim(a) == 0 or (a.shape == dims and a.flags.c_contiguous) for a in given):
            return ufunc(*given, out=out)
        if out is None:
            out = np.empty(dims, dtype)
        elif not out.flags.c_contiguous or out.dtype != dtype:
            return ufunc(*given, out=out)
        flat = [a if np.ndim(a) == 0 else a.reshape(-1) for a in given]
        to = out.reshape(-1)

        def work(index: int) -> None:
            part = slice(index * _BLOCK, (index + 1) * _BLOCK)
            ufunc(*(a if np.ndim(a) == 0 else a[part] for a in flat), to[part])

        run_parts(work, -(-size // _BLOCK))
        return out

    return compute
