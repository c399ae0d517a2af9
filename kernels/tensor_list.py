"""Lists of tensors; declared in `graph/ops/tensor_list.py`."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..graph.dtypes import DType
from ..graph.errors import InvalidArgumentError
from ..graph.shapes import TensorShape
from .registry import KernelContext, kernel

__all__ = ["TensorList", "add_lists"]


class TensorList:
    """A list of arrays that is never seen to change.

    Setting an element, adding one and taking one off give another list and cost the same however long the list is:
    versions share one Python list, which the one used last holds; the others know how they differ from that.

    Args:
        items: the elements, None for one that is not set.
        element_type: their element type.
        element_shape: what is known of their shape.

    Source:
        Baker, "Shallow binding makes functional arrays fast", SIGPLAN Notices 1991.
    """

    __slots__ = ("_change", "_items", "element_shape", "element_type")

    def __init__(self, items: list[Any], element_type: DType, element_shape: TensorShape) -> None:
        self._items: list[Any] | None = items
        self._change: tuple[int, Any, TensorList] | None = None
        self.element_type = element_type
        self.element_shape = element_shape

    def _held(self) -> list[Any]:
        """The Python list in this version's state."""
        path: list[TensorList] = []
        version = self
        while version._items is None:
            assert version._change is not None
            path.append(version)
            version = version._change[2]
        items = version._items
        if len(path) > 1:
            # Versions that go on in different directions would undo each other's changes again and again.
            items = list(items)
            for older in reversed(path):
                assert older._change is not None
                _apply(items, *older._change[:2])
            self._items, self._change = items, None
        elif path:
            assert self._change is not None
            version._change = (*_apply(items, *self._change[:2]), self)
            version._items, self._items, self._change = None, items, None
        return items

    def _changed(self, index: int, value: Any) -> TensorList:
        """The list with `value` at an index; at its end for index `len`; without its last for index -1."""
        items = self._held()
        made = TensorList(items, self.element_type, self.element_shape)
        self._change = (*_apply(items, index, value), made)
        self._items = None
        return made

    def set(self, index: int, value: Any) -> TensorList:
        """The list with another element at `index`."""
        return self._changed(index, value)

    def pushed(self, value: Any) -> TensorList:
        """The list with one more element."""
        return self._changed(self.size, value)

    def popped(self) -> tuple[TensorList, Any]:
        """The list without its last element, and that element."""
        last = self._held()[-1]
        return self._changed(-1, None), last

    def items(self) -> list[Any]:
        """The elements, in a Python list of their own."""
        return list(self._held())

    def get(self, index: int) -> Any:
        """One element; None where it is not set."""
        return self._held()[index]

    @property
    def size(self) -> int:
        """How many elements there are."""
        return len(self._held())

    def __reduce__(self) -> tuple[Any, ...]:
        return TensorList, (self.items(), self.element_type, self.element_shape)

    def __repr__(self) -> str:
        return f"<TensorList of {self.size} {self.element_type.name}{self.element_shape}>"


def _apply(items: list[Any], index: int, value: Any) -> tuple[int, Any]:
    """Changes the shared list; gives the change that undoes it."""
    if index == -1:
        return len(items) - 1, items.pop()
    if index == len(items):
        items.append(value)
        return -1, None
    before, items[index] = items[index], value
    return index, before


def _fail(c: KernelContext, rule: str) -> InvalidArgumentError:
    return InvalidArgumentError(c.node.name, f"{c.node.op} '{c.node.name}': {rule}", "", c.node.source)


def _shape(value: Any) -> TensorShape:
    array = np.asarray(value)
    return _known_shape(None if array.ndim == 0 else tuple(array.tolist()))


@functools.lru_cache(4096)
def _known_shape(dims: tuple[int, ...] | None) -> TensorShape:
    return TensorShape(None if dims is None else (None if d < 0 else d for d in dims))


@functools.lru_cache(4096)
def _fits(known: TensorShape, dims: tuple[int, ...]) -> bool:
    return known.is_compatible_with(dims)


def _require(c: KernelContext, items: TensorList, value: Any) -> Any:
    dims = np.shape(value)
    if items.element_shape.rank is not None and not _fits(items.element_shape, dims):
        raise _fail(c, f"an element must have shape {items.element_shape}, got {list(dims)}")
    return value


def _position(c: KernelContext, items: TensorList, index: Any) -> int:
    at = int(index)
    if not 0 <= at < items.size:
        raise _fail(c, f"index {at} is outside a list of {items.size} elements")
    return at


@kernel("EmptyTensorList")
def empty(c: KernelContext, shape: Any, most: Any) -> Any:
    return TensorList([], c.attrs["element_dtype"], _shape(shape))


@kernel("TensorListReserve")
def reserve(c: KernelContext, shape: Any, count: Any) -> Any:
    if int(count) < 0:
        raise _fail(c, f"a list cannot have {int(count)} elements")
    return TensorList([None] * int(count), c.attrs["element_dtype"], _shape(shape))


@kernel("TensorListFromTensor")
def from_tensor(c: KernelContext, tensor: Any, shape: Any) -> Any:
    known = _shape(shape)
    if not known.is_compatible_with(np.shape(tensor)[1:]):
        raise _fail(c, f"rows must have shape {known}, got {list(np.shape(tensor)[1:])}")
    return TensorList(list(tensor), c.attrs["element_dtype"], known)


def _element(c: KernelContext, items: TensorList, index: int, shape: TensorShape) -> Any:
    value = items.get(index)
    return _zeros(c, items, shape) if value is None else value


def _zeros(c: KernelContext, items: TensorList, shape: TensorShape) -> Any:
    """What an element that is not set reads as; its shape may follow from the other elements."""
    known = items.element_shape.merge_with(shape) if items.element_shape.is_compatible_with(shape) else shape
    if not known.is_fully_defined():
        found = next((v for v in items.items() if v is not None), None)
        if found is None:
            raise _fail(c, f"an element that is not set has no shape: only {known} is known of it")
        known = TensorShape(np.shape(found))
    dtype = c.attrs["element_dtype"]
    if dtype.kind == "s":
        return np.full(known.known(), b"", dtype=object)
    return c.xp.zeros(known.known(), dtype=dtype.np)


def _stacked(c: KernelContext, items: TensorList, values: Sequence[Any], shape: TensorShape) -> Any:
    known = items.element_shape.merge_with(shape)
    if not values:
        if not known.is_fully_defined():
            raise _fail(c, f"a list without elements has no shape: only {known} is known of its elements")
        return c.xp.zeros((0, *known.known()), dtype=c.out_dtype)
    if any(v is None for v in values):
        blank = _zeros(c, items, known)
        values = [blank if v is None else v for v in values]
    if c.out_types[0].kind == "s":
        return np.stack([np.asarray(v, dtype=object) for v in values])
    return c.xp.stack(values)


@kernel("TensorListStack")
def stack(c: KernelContext, items: TensorList, shape: Any) -> Any:
    wanted = c.attrs["num_elements"]
    if wanted >= 0 and wanted != items.size:
        raise _fail(c, f"expected {wanted} elements, the list has {items.size}")
    return _stacked(c, items, items.items(), _shape(shape))


@kernel("TensorListGetItem")
def get_item(c: KernelContext, items: TensorList, index: Any, shape: Any) -> Any:
    return _element(c, items, _position(c, items, index), _shape(shape))


@kernel("TensorListSetItem")
def set_item(c: KernelContext, items: TensorList, index: Any, item: Any) -> Any:
    at = int(index)
    if c.attrs["resize_if_index_out_of_bounds"] and at >= items.size:
        items = _resized(items, at + 1)
    return items.set(_position(c, items, at), _require(c, items, item))


@kernel("TensorListPushBack")
def push_back(c: KernelContext, items: TensorList, tensor: Any) -> Any:
    return items.pushed(_require(c, items, tensor))


@kernel("TensorListPopBack")
def pop_back(c: KernelContext, items: TensorList, shape: Any) -> Any:
    if not items.size:
        raise _fail(c, "the list has no elements")
    rest, last = items.popped()
    return rest, _zeros(c, items, _shape(shape)) if last is None else last


@kernel("TensorListLength")
def length(c: KernelContext, items: TensorList) -> Any:
    return np.int32(items.size)


@kernel("TensorListElementShape")
def element_shape(c: KernelContext, items: TensorList) -> Any:
    if items.element_shape.rank is None:
        return np.array(-1, c.out_dtype)
    return np.array([-1 if d is None else int(d) for d in items.element_shape.as_list()], c.out_dtype)


@kernel("TensorListGather")
def gather(c: KernelContext, items: TensorList, indices: Any, shape: Any) -> Any:
    values = [items.get(_position(c, items, i)) for i in np.asarray(indices).tolist()]
    return _stacked(c, items, values, _shape(shape))


@kernel("TensorListScatterV2")
def scatter(c: KernelContext, tensor: Any, indices: Any, shape: Any, count: Any) -> Any:
    places = np.asarray(indices).tolist()
    size = int(count) if int(count) >= 0 else max(places, default=-1) + 1
    items = TensorList([None] * size, c.attrs["element_dtype"], _shape(shape))
    return _scattered(c, items, tensor, places)


@kernel("TensorListScatterIntoExistingList")
def scatter_into(c: KernelContext, items: TensorList, tensor: Any, indices: Any) -> Any:
    places = np.asarray(indices).tolist()
    return _scattered(c, _resized(items, max(items.size, max(places, default=-1) + 1)), tensor, places)


def _scattered(c: KernelContext, items: TensorList, tensor: Any, places: Iterable[int]) -> TensorList:
    values = items.items()
    for place, row in zip(places, tensor, strict=True):
        values[_position(c, items, place)] = _require(c, items, row)
    return TensorList(values, items.element_type, items.element_shape)


@kernel("TensorListSplit")
def split(c: KernelContext, tensor: Any, shape: Any, lengths: Any) -> Any:
    sizes = np.asarray(lengths).tolist()
    if sum(sizes) != np.shape(tensor)[0] or any(s < 0 for s in sizes):
        raise _fail(c, f"lengths {sizes} must add up to the {np.shape(tensor)[0]} rows")
    ends = np.cumsum(sizes).tolist()
    parts = [tensor[end - size : end] for end, size in zip(ends, sizes, strict=True)]
    return TensorList(parts, c.attrs["element_dtype"], _shape(shape))


@kernel("TensorListConcatV2")
def concat(c: KernelContext, items: TensorList, shape: Any, leading: Any) -> Any:
    known = _shape(shape)
    rows = np.asarray(leading).tolist()
    values = []
    for place, value in enumerate(items.items()):
        if value is None:
            tail = TensorShape(None) if known.rank is None else TensorShape(known.as_list()[1:])
            first = TensorShape([rows[place] if place < len(rows) else None])
            value = _zeros(c, items, first.concatenate(tail))
        values.append(value)
    sizes = np.array([np.shape(v)[0] for v in values], np.int64)
    if not values:
        tail_dims = [d or 0 for d in known.as_list()[1:]] if known.rank is not None else []
        return c.xp.zeros((0, *tail_dims), dtype=c.out_dtype), sizes
    return c.xp.concatenate(values), sizes


def _resized(items: TensorList, size: int) -> TensorList:
    if size == items.size:
        return items
    values = items.items()[:size]
    return TensorList(values + [None] * (size - len(values)), items.element_type, items.element_shape)


@kernel("TensorListResize")
def resize(c: KernelContext, items: TensorList, size: Any) -> Any:
    if int(size) < 0:
        raise _fail(c, f"a list cannot have {int(size)} elements")
    return _resized(items, int(size))


@kernel("TensorListConcatLists")
def concat_lists(c: KernelContext, a: TensorList, b: TensorList) -> Any:
    return TensorList(a.items() + b.items(), a.element_type, a.element_shape.merge_with(b.element_shape))


def add_lists(c: KernelContext, lists: Sequence[TensorList]) -> TensorList:
    """The sums of the elements of lists of one length; one that is not set counts as zero."""
    total = lists[0].items()
    for other in lists[1:]:
        if other.size != len(total):
            raise _fail(c, f"lists of {len(total)} and {other.size} elements cannot be added")
        for place, value in enumerate(other.items()):
            if value is not None:
                total[place] = value if total[place] is None else c.xp.add(total[place], value)
    return TensorList(total, lists[0].element_type, lists[0].element_shape)
