"""`StridedSlice`'s bounds and masks as a NumPy index, and a Python index as bounds and masks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["SliceSpec", "numpy_index", "slice_spec"]

Array = np.ndarray[Any, Any]


def numpy_index(begin: Any, end: Any, strides: Any, attrs: Mapping[str, Any]) -> tuple[Any, ...]:
    """The index that does to a NumPy array what `StridedSlice` with these bounds and masks does.

    Args:
        begin, end, strides: one integer per index position.
        attrs: `begin_mask`, `end_mask`, `ellipsis_mask`, `new_axis_mask`, `shrink_axis_mask`; bit i speaks of
            index position i.

    Raises:
        ValueError: a stride is 0, or more than one ellipsis is asked for.
    """
    if bin(attrs["ellipsis_mask"]).count("1") > 1:
        raise ValueError("multiple ellipses in slice spec not allowed")
    index: list[Any] = []
    for i in range(len(begin)):
        bit = 1 << i
        if attrs["ellipsis_mask"] & bit:
            index.append(Ellipsis)
        elif attrs["new_axis_mask"] & bit:
            index.append(None)
        elif attrs["shrink_axis_mask"] & bit:
            index.append(int(begin[i]))
        else:
            step = int(strides[i])
            if step == 0:
                raise ValueError(f"strides[{i}] must be non-zero")
            start = None if attrs["begin_mask"] & bit else int(begin[i])
            stop = None if attrs["end_mask"] & bit else int(end[i])
            index.append(slice(start, stop, step))
    return tuple(index)


@dataclass
class SliceSpec:
    """Bounds and masks of a `StridedSlice`; the bounds may hold tensors."""

    begin: list[Any] = field(default_factory=list)
    end: list[Any] = field(default_factory=list)
    strides: list[Any] = field(default_factory=list)
    masks: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(
            ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask"), 0
        )
    )

    def add(self, begin: Any, end: Any, stride: Any, *masks: str) -> None:
        bit = 1 << len(self.begin)
        for mask in masks:
            self.masks[mask] |= bit
        self.begin.append(begin)
        self.end.append(end)
        self.strides.append(stride)


def slice_spec(index: Any) -> SliceSpec:
    """What `tensor[index]` asks for.

    Args:
        index: ints, slices, `...`, `None` (new axis) and scalar tensors, one or a tuple of them.

    Raises:
        TypeError: another kind of index.
    """
    spec = SliceSpec()
    for part in index if isinstance(index, tuple) else (index,):
        if part is Ellipsis:
            spec.add(0, 0, 1, "ellipsis_mask")
        elif part is None:
            spec.add(0, 0, 1, "new_axis_mask")
        elif isinstance(part, slice):
            masks = [m for m, v in (("begin_mask", part.start), ("end_mask", part.stop)) if v is None]
            spec.add(
                0 if part.start is None else part.start,
                0 if part.stop is None else part.stop,
                1 if part.step is None else part.step,
                *masks,
            )
        elif isinstance(part, (float, str, bytes, list, bool, np.bool_)):
            raise TypeError(
                f"A tensor is indexed by integers, slices, `...`, None and scalar tensors, not by {part!r}; "
                "use tf.gather or tf.boolean_mask."
            )
        else:
            spec.add(part, _next(part), 1, "shrink_axis_mask")
    return spec


def _next(index: Any) -> Any:
    # -1 + 1 = 0 would read as an empty slice, but shrink_axis takes `begin` alone, so any end will do.
    return index + 1
