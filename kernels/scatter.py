"""Parts of variables read and changed by index; declared in `graph/ops/scatter.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from .gather_nd import nd_index
from .indexing import batch_take, check_range, take
from .registry import KernelContext, kernel
from .updates import scattered


@kernel("ResourceGather")
def resource_gather(c: KernelContext, value: Any, indices: Any) -> Any:
    batch = c.attrs["batch_dims"]
    return batch_take(c, value, indices, batch, batch) if batch else take(c, value, indices, 0)


def _register(operation: str) -> None:
    how = operation.lower()

    @kernel(f"ResourceScatter{operation}")
    def scatter(c: KernelContext, old: Any, indices: Any, updates: Any) -> Any:
        check_range(c, indices, np.shape(old)[0])
        return scattered(c, old, (indices,), updates, how)

    if operation in ("Mul", "Div"):
        return

    @kernel(f"ResourceScatterNd{operation}")
    def scatter_nd(c: KernelContext, old: Any, indices: Any, updates: Any) -> Any:
        return scattered(c, old, nd_index(c, np.shape(old), indices), updates, how)


for _operation in ("Update", "Add", "Sub", "Mul", "Div", "Min", "Max"):
    _register(_operation)
