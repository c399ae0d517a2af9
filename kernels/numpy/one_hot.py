"""One-hot vectors on NumPy: the few elements that differ are put into an array of one value."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..registry import KernelContext, kernel


@kernel("OneHot", on="numpy")
def one_hot(c: KernelContext, indices: Any, depth: Any, on_value: Any, off_value: Any) -> Any:
    axis, shape, size = c.attrs["axis"], np.shape(indices), int(depth)
    at = len(shape) if axis == -1 else axis
    before = int(np.prod(shape[:at], dtype=np.int64))
    places = np.reshape(indices, (before, -1))
    if c.out_types[0].kind != "s" and off_value == 0:
        out = np.zeros((before, size, places.shape[1]), c.out_dtype)
    else:
        out = np.full((before, size, places.shape[1]), off_value, c.out_dtype)
    row, column = np.nonzero((places >= 0) & (places < size))
    out[row, places[row, column], column] = on_value
    return out.reshape(*shape[:at], size, *shape[at:])
