"""Parts of tensors; declared in `graph/ops/slicing.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph.strided import numpy_index
from .registry import KernelContext, kernel
from .shaping import dims_of
from .updates import put


@kernel("Slice")
def slice_(c: KernelContext, x: Any, begin: Any, size: Any) -> Any:
    index = []
    for i, (start, count, dim) in enumerate(zip(begin.tolist(), size.tolist(), np.shape(x), strict=True)):
        stop = dim if count == -1 else start + count
        if not 0 <= start <= dim or not start <= stop <= dim:
            raise ValueError(
                f"begin[{i}] = {start}, size[{i}] = {count} do not fit into dimension {i} of size {dim}"
            )
        index.append(slice(start, stop))
    return x[tuple(index)]


@kernel("StridedSlice")
def strided_slice(c: KernelContext, x: Any, begin: Any, end: Any, strides: Any) -> Any:
    index = numpy_index(begin, end, strides, c.attrs)
    if c.attrs["shrink_axis_mask"]:
        _check_picks(index, np.shape(x))
        if Ellipsis not in index:
            # Without it NumPy would give the bare element of a tensor of strings.
            index = (*index, Ellipsis)
    return x[index]


def _check_picks(index: tuple[Any, ...], shape: tuple[int, ...]) -> None:
    """Refuses a single index outside of its dimension, which a compiler would move inside in silence."""
    ways = [(index, shape)]
    if Ellipsis in index:
        # What is behind the ellipsis belongs to the last dimensions.
        ways.append((index[::-1], shape[::-1]))
    for parts, dims in ways:
        for part, dim in zip((p for p in parts if p is not None), dims, strict=False):
            if part is Ellipsis:
                break
            if isinstance(part, int) and not -dim <= part < dim:
                raise ValueError(f"slice index {part} is out of bounds for a dimension of size {dim}")


@kernel("StridedSliceGrad")
def strided_slice_grad(c: KernelContext, shape: Any, begin: Any, end: Any, strides: Any, dy: Any) -> Any:
    zeros = c.xp.zeros(dims_of(shape), dtype=c.out_dtype)
    index = numpy_index(begin, end, strides, c.attrs)
    if zeros[index].shape != np.shape(dy):
        raise ValueError(f"dy must be of shape {zeros[index].shape}")
    return put(c, zeros, index, dy, fresh=True)
