"""Largest elements, ranks, and places in sorted rows; declared in `graph/ops/sorting.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from .registry import KernelContext, kernel


def descending_positions(xp: Any, x: Any) -> Any:
    """Positions that sort each row from the largest down, the lower position first among equals."""
    last = x.shape[-1] - 1
    # CuPy sorts stably whatever is asked for, and does not know the argument.
    stable = {"kind": "stable"} if xp is np else {}
    return last - xp.argsort(x[..., ::-1], axis=-1, **stable)[..., ::-1]


def top_k(c: KernelContext, x: Any, count: int) -> Any:
    positions = descending_positions(c.xp, x)[..., :count]
    index_type = c.out_types[1].np
    return c.xp.take_along_axis(x, positions, axis=-1), positions.astype(index_type)


@kernel("TopKV2")
def top_k_v2(c: KernelContext, x: Any, k: Any) -> Any:
    return top_k(c, x, int(k))


@kernel("NthElement")
def nth_element(c: KernelContext, x: Any, n: Any) -> Any:
    place = int(n)
    if c.attrs["reverse"]:
        place = x.shape[-1] - 1 - place
    return c.xp.sort(x, axis=-1)[..., place]


@kernel("InTopK", "InTopKV2")
def in_top_k(c: KernelContext, predictions: Any, targets: Any, k: Any = None) -> Any:
    """A row that has a prediction which is not finite, or a target outside, is a miss."""
    xp = c.xp
    most = c.attrs["k"] if k is None else k
    classes = predictions.shape[1]
    inside = (targets >= 0) & (targets < classes)
    column = xp.where(inside, targets, 0).astype(np.int64)
    of_target = xp.take_along_axis(predictions, column[:, None], axis=1)
    better = xp.sum(predictions > of_target, axis=1)
    finite = xp.all(xp.isfinite(predictions), axis=1)
    return inside & finite & (better < most)


def _searched(c: KernelContext, rows: Any, values: Any, side: str) -> Any:
    found = [c.xp.searchsorted(row, value, side=side) for row, value in zip(rows, values, strict=True)]
    if not found:
        return c.xp.zeros(values.shape, dtype=c.out_dtype)
    return c.xp.stack(found).astype(c.out_dtype)


@kernel("LowerBound")
def lower_bound(c: KernelContext, rows: Any, values: Any) -> Any:
    return _searched(c, rows, values, "left")


@kernel("UpperBound")
def upper_bound(c: KernelContext, rows: Any, values: Any) -> Any:
    return _searched(c, rows, values, "right")


@kernel("Bucketize")
def bucketize(c: KernelContext, x: Any) -> Any:
    # The boundaries are single-precision attributes; both sides are compared in double precision.
    boundaries = c.xp.asarray(np.array(c.attrs["boundaries"], np.float32).astype(np.float64))
    return c.xp.searchsorted(boundaries, x.astype(np.float64), side="right").astype(np.int32)
