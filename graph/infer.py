"""What shape rules and cost rules are given to look at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from .dtypes import DType
from .errors import InvalidArgumentError
from .opdef import Cost, OpDecl
from .shapes import TensorShape

__all__ = ["CostContext", "HandleData", "InferContext"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class HandleData:
    """What a resource handle points to: the shape and element type of a variable's value."""

    shape: TensorShape
    dtype: DType


class InferContext:
    """One op, as its shape rule sees it.

    Inputs are named by argument name or by position among the flattened inputs.

    Args:
        decl: declaration of the op type.
        name: name of the op.
        attrs: its attributes, complete.
        shapes, types: static shape and element type of each flattened input.
        value: from the position of an input to its constant value, or None where that is not known.
        partial: from the position of an input to its value as a shape, unknown dimensions included.
        handle: from the position of a resource input to what it points to.
        source: `file:line` where the op is made.
    """

    __slots__ = (
        "_handle", "_partial", "_slices", "_value", "attrs", "decl", "name", "shapes", "source", "types",
    )  # fmt: skip

    def __init__(
        self,
        decl: OpDecl,
        name: str,
        attrs: Mapping[str, Any],
        shapes: Sequence[TensorShape],
        types: Sequence[DType],
        value: Callable[[int], Array | None] = lambda _: None,
        partial: Callable[[int], TensorShape] = lambda _: TensorShape(None),
        handle: Callable[[int], HandleData | None] = lambda _: None,
        source: str = "",
    ) -> None:
        self.decl = decl
        self.name = name
        self.attrs = attrs
        self.shapes = shapes
        self.types = types
        self.source = source
        self._value = value
        self._partial = partial
        self._handle = handle
        self._slices: dict[str, slice] | None = None

    def position(self, argument: str | int) -> int:
        """Position among the flattened inputs of an argument that is a single tensor."""
        return argument if isinstance(argument, int) else self._slice(argument).start

    def _slice(self, argument: str) -> slice:
        if self._slices is None:
            self._slices = self.decl.arg_slices(self.attrs)
        return self._slices[argument]

    def shape(self, argument: str | int) -> TensorShape:
        """Static shape of an input."""
        return self.shapes[self.position(argument)]

    def shape_list(self, argument: str) -> Sequence[TensorShape]:
        """Static shapes of the tensors of a list argument."""
        return self.shapes[self._slice(argument)]

    def dtype(self, argument: str | int) -> DType:
        return self.types[self.position(argument)]

    def value(self, argument: str | int) -> Array | None:
        """The input's value where it is known when the graph is built, else None."""
        return self._value(self.position(argument))

    def value_as_shape(self, argument: str | int) -> TensorShape:
        """The input's value read as a shape; dimensions that are not known are None."""
        return self._partial(self.position(argument))

    def handle(self, argument: str | int) -> HandleData | None:
        """What a resource input points to, where known."""
        return self._handle(self.position(argument))

    def attr(self, name: str) -> Any:
        return self.attrs[name]

    def fail(self, rule: str) -> NoReturn:
        """Raises InvalidArgumentError that names the op, its node, the rule and what came instead."""
        came = []
        for arg in self.decl.inputs:
            part = self._slice(arg.name)
            for position in range(part.start, part.stop):
                label = arg.name if not arg.is_list else f"{arg.name}[{position - part.start}]"
                came.append(f"{label}: {describe(self.types[position], self.shapes[position])}")
        got = f", got {' and '.join(came)}" if came else ""
        raise InvalidArgumentError(self.name, f"{self.decl.name} '{self.name}': {rule}{got}", "", self.source)

    def rank(self, argument: str | int, rank: int) -> TensorShape:
        """The input's shape, which must have that rank."""
        shape = self.shape(argument)
        if shape.rank not in (None, rank):
            label = argument if isinstance(argument, str) else f"input {argument}"
            self.fail(f"{label} must have rank {rank}")
        return shape.with_rank(rank)

    def rank_at_least(self, argument: str | int, rank: int) -> TensorShape:
        shape = self.shape(argument)
        if shape.rank is not None and shape.rank < rank:
            label = argument if isinstance(argument, str) else f"input {argument}"
            self.fail(f"{label} must have rank at least {rank}")
        return shape

    def merge(self, a: TensorShape, b: TensorShape, rule: str) -> TensorShape:
        """Both shapes merged; fails with `rule` where they contradict each other."""
        if not a.is_compatible_with(b):
            self.fail(rule)
        return a.merge_with(b)


def describe(dtype: DType, shape: TensorShape) -> str:
    """`float32[3, ?]`, for messages."""
    if shape.dims is None:
        return f"{dtype.name}<unknown shape>"
    return f"{dtype.name}[{', '.join('?' if d is None else str(d) for d in shape.dims)}]"


@dataclass(frozen=True)
class CostContext:
    """One op, as its cost rule sees it, with every dimension known or assumed.

    Attributes:
        attrs: attributes of the op.
        in_shapes, out_shapes: dimensions of each flattened input and output.
        in_types, out_types: their element types.
    """

    attrs: Mapping[str, Any]
    in_shapes: Sequence[tuple[int, ...]]
    out_shapes: Sequence[tuple[int, ...]]
    in_types: Sequence[DType]
    out_types: Sequence[DType]

    @property
    def in_bytes(self) -> float:
        return float(sum(elements(s) * t.size for s, t in zip(self.in_shapes, self.in_types, strict=True)))

    @property
    def out_bytes(self) -> float:
        return float(sum(elements(s) * t.size for s, t in zip(self.out_shapes, self.out_types, strict=True)))

    @property
    def out_elements(self) -> float:
        return float(sum(elements(s) for s in self.out_shapes))

    @property
    def in_elements(self) -> float:
        return float(sum(elements(s) for s in self.in_shapes))


def elements(shape: Sequence[int]) -> int:
    """Product of the dimensions."""
    count = 1
    for dim in shape:
        count *= dim
    return count


def per_element(flops: float = 1.0) -> Callable[[CostContext], Cost]:
    """Cost rule of an elementwise op: so many FLOPs per output element."""
    return lambda c: Cost(flops * c.out_elements, c.in_bytes + c.out_bytes)


def per_input(flops: float = 1.0) -> Callable[[CostContext], Cost]:
    """Cost rule of a reduction: so many FLOPs per input element."""
    return lambda c: Cost(flops * c.in_elements, c.in_bytes + c.out_bytes)


def moves(c: CostContext) -> Cost:
    """Cost rule of an op that only moves data."""
    return Cost(0.0, c.in_bytes + c.out_bytes)


def free(_: CostContext) -> Cost:
    """Cost rule of an op that touches no data: a handle, a reshape, an identity."""
    return Cost(0.0, 0.0)
