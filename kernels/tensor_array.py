"""Arrays that change in place; declared in `graph/ops/tensor_array.py`.

A handle holds the array itself, so that it goes when the step is over.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph.errors import InvalidArgumentError
from ..graph.shapes import TensorShape
from .registry import KernelContext, kernel

__all__ = ["ArrayState"]


class ArrayState:
    """The elements of one array.

    Args:
        dtype: element type.
        size: number of elements.
        shape: what is known of the shape of the elements.
        grows: whether writing behind the end makes it longer.
        adds: whether what is written to one place adds up: an array of gradients.
        model: the array whose gradients it holds; elements that were never written are zeros of its shapes.
        prepended: dimensions that the gradients have in front of those of the model's elements.
    """

    def __init__(
        self,
        dtype: Any,
        size: int,
        shape: TensorShape,
        grows: bool,
        adds: bool = False,
        model: ArrayState | None = None,
        prepended: tuple[int, ...] = (),
    ) -> None:
        self.dtype = dtype
        self.values: list[Any] = [None] * size
        self.shape = shape
        self.grows = grows
        self.adds = adds
        self.model = model
        self.prepended = prepended
        self.gradients: dict[str, ArrayState] = {}

    def write(self, c: KernelContext, index: int, value: Any) -> None:
        if self.grows and index >= len(self.values):
            self.values += [None] * (index + 1 - len(self.values))
        self.require(c, index)
        if not self.shape.is_compatible_with(np.shape(value)):
            raise _fail(c, f"an element must have shape {self.shape}, got {list(np.shape(value))}")
        before = self.values[index]
        if before is not None and not self.adds:
            raise _fail(c, f"element {index} has been written already")
        self.values[index] = value if before is None else c.xp.add(before, value)

    def read(self, c: KernelContext, index: int) -> Any:
        self.require(c, index)
        value = self.values[index]
        return self.blank(c, index) if value is None else value

    def require(self, c: KernelContext, index: int) -> None:
        if not 0 <= index < len(self.values):
            raise _fail(c, f"index {index} is outside an array of {len(self.values)} elements")

    def blank(self, c: KernelContext, index: int) -> Any:
        """What an element that was never written reads as."""
        if self.model is not None and index < len(self.model.values):
            like = self.model.values[index]
            if like is not None:
                return c.xp.zeros((*self.prepended, *np.shape(like)), dtype=self.dtype.np)
        if not self.shape.is_fully_defined():
            raise _fail(c, f"element {index} was never written, and only {self.shape} is known of its shape")
        return c.xp.zeros(self.shape.known(), dtype=self.dtype.np)

    def gradient(self, source: str, prepended: tuple[int, ...] = ()) -> ArrayState:
        """The array of the gradients that one gradient computation makes."""
        if source not in self.gradients:
            shape = TensorShape(list(prepended)).concatenate(self.shape)
            self.gradients[source] = ArrayState(
                self.dtype, len(self.values), shape, self.grows, True, self, prepended
            )
        return self.gradients[source]


def _fail(c: KernelContext, rule: str) -> InvalidArgumentError:
    return InvalidArgumentError(c.node.name, f"{c.node.op} '{c.node.name}': {rule}", "", c.node.source)


_FLOW = np.float32(0.0)


@kernel("TensorArrayV3")
def tensor_array(c: KernelContext, size: Any) -> Any:
    if int(size) < 0:
        raise _fail(c, f"an array cannot have {int(size)} elements")
    attrs = c.attrs
    made = ArrayState(attrs["dtype"], int(size), attrs["element_shape"], attrs["dynamic_size"])
    return made, _FLOW


@kernel("TensorArrayGradV3")
def gradient(c: KernelContext, array: ArrayState, flow: Any) -> Any:
    return array.gradient(c.attrs["source"]), flow


@kernel("TensorArrayGradWithShape")
def gradient_with_shape(c: KernelContext, array: ArrayState, flow: Any, prepended: Any) -> Any:
    dims = tuple(int(d) for d in np.asarray(prepended))
    return array.gradient(f"{c.attrs['source']} {dims}", dims), flow


@kernel("TensorArrayWriteV3")
def write(c: KernelContext, array: ArrayState, index: Any, value: Any, flow: Any) -> Any:
    array.write(c, int(index), value)
    return flow


@kernel("TensorArrayReadV3")
def read(c: KernelContext, array: ArrayState, index: Any, flow: Any) -> Any:
    return array.read(c, int(index))


@kernel("TensorArrayGatherV3")
def gather(c: KernelContext, array: ArrayState, indices: Any, flow: Any) -> Any:
    values = [array.read(c, i) for i in np.asarray(indices).tolist()]
    if not values:
        known = array.shape if c.attrs["element_shape"].rank is None else c.attrs["element_shape"]
        dims = () if known.rank is None else tuple(d or 0 for d in known.as_list())
        return c.xp.zeros((0, *dims), dtype=c.out_dtype)
    return c.xp.stack(values)


@kernel("TensorArrayScatterV3")
def scatter(c: KernelContext, array: ArrayState, indices: Any, value: Any, flow: Any) -> Any:
    for index, row in zip(np.asarray(indices).tolist(), value, strict=True):
        array.write(c, index, row)
    return flow


@kernel("TensorArraySizeV3")
def size(c: KernelContext, array: ArrayState, flow: Any) -> Any:
    return np.int32(len(array.values))


@kernel("TensorArrayConcatV3")
def concat(c: KernelContext, array: ArrayState, flow: Any) -> Any:
    values = [array.read(c, i) for i in range(len(array.values))]
    lengths = np.array([np.shape(v)[0] for v in values], np.int64)
    if not values:
        return c.xp.zeros((0,), dtype=c.out_dtype), lengths
    return c.xp.concatenate(values), lengths


@kernel("TensorArraySplitV3")
def split(c: KernelContext, array: ArrayState, value: Any, lengths: Any, flow: Any) -> Any:
    sizes = np.asarray(lengths).tolist()
    if sum(sizes) != np.shape(value)[0]:
        raise _fail(c, f"lengths {sizes} must add up to the {np.shape(value)[0]} rows")
    for index, (end, length) in enumerate(zip(np.cumsum(sizes).tolist(), sizes, strict=True)):
        array.write(c, index, value[end - length : end])
    return flow


@kernel("TensorArrayCloseV3")
def close(c: KernelContext, array: ArrayState) -> None:
    array.values.clear()
    array.gradients.clear()
