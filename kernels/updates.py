"""Arrays with some elements changed, in the way of each array library."""

from __future__ import annotations

from typing import Any

from .registry import KernelContext

__all__ = ["put"]


def put(c: KernelContext, target: Any, index: Any, values: Any, fresh: bool = False) -> Any:
    """`target` with the elements that a basic index names set to `values`.

    Args:
        c: context of the kernel.
        target: an array.
        index: what `target[index]` takes.
        values: broadcast to the shape of `target[index]`.
        fresh: whether nobody else holds `target`, so that it may be changed in place where that is possible.
    """
    if c.backend == "jax":
        return target.at[index].set(values)
    out = target if fresh else target.copy()
    out[index] = values
    return out
