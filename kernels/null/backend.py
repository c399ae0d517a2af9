"""The null backend: shapes only, so plans, cuts and actors can be tried at any scale.

A tensor is its shape and type. Small integers are kept, because shapes are made of them; everything else reads as
zeros on the host.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...graph.infer import InferContext
from ...graph.ir import Node
from ...graph.shapes import TensorShape
from ..backend import CompiledSegment
from ..numpy.program import node_error
from ..registry import prepare
from ..segment import Segment, SegmentNode

__all__ = ["BACKEND", "NullArray", "NullBackend"]

_KEPT_ELEMENTS = 64
_SHAPE_ONLY = frozenset({"Shape", "ShapeN", "Size", "Rank"})


@dataclass(frozen=True, slots=True)
class NullArray:
    """An array without elements.

    Attributes:
        shape: dimensions.
        dtype: NumPy element type.
    """

    shape: tuple[int, ...]
    dtype: Any

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def nbytes(self) -> int:
        return self.size * int(self.dtype.itemsize)


class NullBackend:
    """Computes nothing; see `backend.Backend`."""

    name = "null"

    def unavailable(self) -> str | None:
        return None

    def xp(self) -> Any:
        return np

    def to_device(self, array: Any) -> Any:
        return array if isinstance(array, NullArray) or _is_kept(array) else _null(array)

    def to_host(self, value: Any) -> Any:
        if not isinstance(value, NullArray):
            return np.asarray(value)
        zero: Any = np.zeros((), value.dtype)
        if value.dtype.kind == "O":
            zero[...] = b""
        return np.broadcast_to(zero, value.shape)

    def ends_segment(self, node: Node) -> bool:
        return False

    def compile(self, segment: Segment) -> CompiledSegment:
        return _ShapeProgram(segment)

    def synchronize(self) -> None:
        return None


class _ShapeProgram:
    """A segment that works out the shapes of its outputs, once for each set of input shapes."""

    def __init__(self, segment: Segment) -> None:
        self.segment = segment
        self.results: dict[Any, list[Any]] = {}

    def __call__(self, values: Sequence[Any]) -> Sequence[Any]:
        values = [BACKEND.to_device(v) for v in values]
        key = tuple(v if isinstance(v, NullArray) else (v.shape, v.dtype.str, v.tobytes()) for v in values)
        if key not in self.results:
            self.results[key] = self.run(values)
        return self.results[key]

    def run(self, values: Sequence[Any]) -> list[Any]:
        slots: dict[int, Any] = {s: BACKEND.to_device(v) for s, v in self.segment.constants.items()}
        slots.update(zip(self.segment.inputs, values, strict=True))
        for row in self.segment.nodes:
            args = [None if a is None else slots[a] for a in row.args]
            try:
                made = _of_row(row, args)
            except Exception as error:
                raise node_error(error, row, {f"v{a}": slots[a] for a in row.args if a in slots}) from error
            slots.update({s: v for s, v in zip(row.outs, made, strict=True) if s is not None})
        return [slots[s] for s in self.segment.outputs]


def _of_row(row: SegmentNode, args: Sequence[Any]) -> list[Any]:
    """The node's results: values where they follow from shapes and small integers, else shapes."""
    node = row.node
    if node.op in _SHAPE_ONLY:
        return _computed(row, [np.broadcast_to(np.empty((), a.dtype), a.shape) for a in args])
    if node.state.kind == "pure" and args and all(isinstance(a, np.ndarray) for a in args):
        return [BACKEND.to_device(v) for v in _computed(row, args)]
    given = _input_shapes(row, args)
    context = InferContext(
        node.decl,
        node.name,
        node.attrs,
        given,
        node.decl.input_types(node.attrs),
        value=lambda i: args[i] if isinstance(args[i], np.ndarray) else None,
        partial=lambda i: _as_shape(args[i]),
        handle=lambda i: node.handle if args[i] is None else None,
        source=node.source,
    )
    outputs = [
        NullArray(_settled(shape, stated), dtype.np)
        for shape, stated, dtype in zip(node.decl.infer(context), node.shapes, node.types, strict=True)
    ]
    written = len(row.outs) - len(outputs)
    return [*_written(row, args, written), *outputs]


def _computed(row: SegmentNode, args: Sequence[Any]) -> list[Any]:
    function, context = prepare(row.node, "numpy", np, row.in_types)
    result = function(*args) if context is None else function(context, *args)
    return [np.asarray(r) for r in (result if isinstance(result, (tuple, list)) else (result,))]


def _input_shapes(row: SegmentNode, args: Sequence[Any]) -> list[TensorShape]:
    """Shapes of the op's own inputs: those of handles are scalars, and a stream position is none of them."""
    node = row.node
    touched = {*node.state.reads, *node.state.writes}
    handles = {node.decl.arg_slices(node.attrs)[name].start for name in touched}
    count = len(node.inputs)
    return [TensorShape([]) if i in handles else TensorShape(a.shape) for i, a in enumerate(args[:count])]


def _written(row: SegmentNode, args: Sequence[Any], count: int) -> list[NullArray]:
    """New values of the variables that the node writes: of the old one's shape, or of the value that is set."""
    if not count:
        return []
    node = row.node
    slices: Mapping[str, slice] = node.decl.arg_slices(node.attrs)
    found = []
    for name in node.state.writes:
        position = slices[name].start
        old = args[position]
        shape = node.handle.shape if node.handle is not None else TensorShape(None)
        new = args[-1] if old is None else old
        dims = new.shape if not shape.is_fully_defined() or old is not None else shape.known()
        found.append(NullArray(tuple(dims), row.in_types[position].np))
    return found


def _settled(shape: TensorShape, stated: TensorShape) -> tuple[int, ...]:
    """A shape in which what is not known is 1."""
    merged = shape.merge_with(stated)
    return () if merged.dims is None else tuple(1 if d is None else d for d in merged.dims)


def _as_shape(value: Any) -> TensorShape:
    if isinstance(value, np.ndarray) and value.ndim == 1 and value.dtype.kind in "iu":
        return TensorShape(None if d < 0 else int(d) for d in value)
    if value is not None and len(value.shape) == 1:
        return TensorShape([None] * value.shape[0])
    return TensorShape(None)


def _is_kept(array: Any) -> bool:
    return (
        isinstance(array, (np.ndarray, np.generic))
        and array.dtype.kind in "iub"
        and array.size <= _KEPT_ELEMENTS
    )


def _null(array: Any) -> NullArray:
    found = np.asarray(array)
    return NullArray(found.shape, found.dtype)


BACKEND = NullBackend()
