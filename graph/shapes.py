"""Static shapes of tensors, with unknown dimensions and unknown rank."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

from .dimension import Dimension as NumberWithValue
from .errors import InvalidArgumentError

__all__ = ["Dimension", "TensorShape", "TensorShapeV1", "as_shape", "broadcast_shapes", "unknown_shape"]

Dimension = int | None


class TensorShape:
    """A shape in which a dimension, or the rank itself, may be unknown.

    Args:
        dims: sizes in elements, None (or -1) where unknown; None for unknown rank; an int for one dimension.

    Raises:
        ValueError: a dimension is below -1 or no integer.
    """

    __slots__ = ("_dims",)

    def __init__(self, dims: Any = None) -> None:
        self._dims: tuple[Dimension, ...] | None
        if dims is None:
            self._dims = None
        elif isinstance(dims, TensorShape):
            self._dims = dims._dims
        elif hasattr(dims, "unknown_rank") and hasattr(dims, "dim"):
            self._dims = None if dims.unknown_rank else tuple(_dim(d.size) for d in dims.dim)
        elif isinstance(dims, Iterable):
            self._dims = tuple(_dim(d) for d in dims)
        else:
            self._dims = (_dim(dims),)

    @property
    def rank(self) -> int | None:
        """Number of dimensions, or None."""
        return None if self._dims is None else len(self._dims)

    ndims = rank

    @property
    def dims(self) -> tuple[Dimension, ...] | None:
        """The dimensions, None where unknown; None for unknown rank."""
        return self._dims

    def as_list(self) -> list[Dimension]:
        """The dimensions as a list.

        Raises:
            ValueError: the rank is unknown.
        """
        if self._dims is None:
            raise ValueError("as_list() is not defined on an unknown TensorShape.")
        return list(self._dims)

    def known(self) -> tuple[int, ...]:
        """The dimensions of a fully defined shape.

        Raises:
            ValueError: a dimension is unknown.
        """
        if self._dims is None or None in self._dims:
            raise ValueError(f"Shape {self} is not fully defined.")
        return tuple(d for d in self._dims if d is not None)

    def is_fully_defined(self) -> bool:
        return self._dims is not None and None not in self._dims

    def num_elements(self) -> int | None:
        """Product of the dimensions, or None where one is unknown."""
        if self._dims is None:
            return None
        count = 1
        for dim in self._dims:
            if dim is None:
                return None
            count *= dim
        return count

    def is_compatible_with(self, other: Any) -> bool:
        """Whether some fully defined shape fits both."""
        other = as_shape(other)
        if self._dims is None or other._dims is None:
            return True
        return len(self._dims) == len(other._dims) and all(
            a is None or b is None or a == b for a, b in zip(self._dims, other._dims, strict=True)
        )

    def assert_is_compatible_with(self, other: Any) -> None:
        if not self.is_compatible_with(other):
            raise ValueError(f"Shapes {self} and {as_shape(other)} are incompatible")

    def assert_has_rank(self, rank: int) -> None:
        if self.rank not in (None, rank):
            raise ValueError(f"Shape {self} must have rank {rank}")

    def assert_is_fully_defined(self) -> None:
        if not self.is_fully_defined():
            raise ValueError(f"Shape {self} is not fully defined")

    def merge_with(self, other: Any) -> TensorShape:
        """The shape that knows what either knows.

        Raises:
            ValueError: they contradict each other.
        """
        other = as_shape(other)
        if self._dims is None:
            return other
        if other._dims is None:
            return self
        self.assert_is_compatible_with(other)
        return TensorShape(b if a is None else a for a, b in zip(self._dims, other._dims, strict=True))

    def with_rank(self, rank: int) -> TensorShape:
        """This shape with that rank.

        Raises:
            ValueError: it has another rank.
        """
        if self._dims is None:
            return TensorShape([None] * rank)
        self.assert_has_rank(rank)
        return self

    def with_rank_at_least(self, rank: int) -> TensorShape:
        if self._dims is not None and len(self._dims) < rank:
            raise ValueError(f"Shape {self} must have rank at least {rank}")
        return self

    def concatenate(self, other: Any) -> TensorShape:
        other = as_shape(other)
        if self._dims is None or other._dims is None:
            return TensorShape(None)
        return TensorShape(self._dims + other._dims)

    def __len__(self) -> int:
        if self._dims is None:
            raise ValueError("Cannot take the length of a shape of unknown rank.")
        return len(self._dims)

    def __iter__(self) -> Iterator[Dimension]:
        if self._dims is None:
            raise ValueError("Cannot iterate over a shape of unknown rank.")
        return iter(self._dims)

    def __bool__(self) -> bool:
        return self._dims is not None

    @overload
    def __getitem__(self, index: int) -> Dimension: ...
    @overload
    def __getitem__(self, index: slice) -> TensorShape: ...
    def __getitem__(self, index: int | slice) -> Dimension | TensorShape:
        if self._dims is None:
            return TensorShape(None) if isinstance(index, slice) else None
        if isinstance(index, slice):
            return TensorShape(self._dims[index])
        size = self._dims[index]
        return None if size is None else NumberWithValue(size)

    def __add__(self, other: Any) -> TensorShape:
        return self.concatenate(other)

    def __radd__(self, other: Any) -> TensorShape:
        return as_shape(other).concatenate(self)

    def __eq__(self, other: object) -> bool:
        try:
            return self._dims == as_shape(other)._dims
        except (TypeError, ValueError):
            return NotImplemented

    def __hash__(self) -> int:
        return hash(self._dims)

    def __reduce__(self) -> tuple[Any, ...]:
        return TensorShape, (self._dims,)

    def __repr__(self) -> str:
        return f"TensorShape({None if self._dims is None else list(self._dims)})"

    def __str__(self) -> str:
        if self._dims is None:
            return "<unknown>"
        if len(self._dims) == 1:
            return f"({self._text(0)},)"
        return "(" + ", ".join(self._text(i) for i in range(len(self._dims))) + ")"

    def _text(self, index: int) -> str:
        assert self._dims is not None
        dim = self._dims[index]
        return "?" if dim is None else str(dim)


class TensorShapeV1(TensorShape):
    """A shape of `dimension.Dimension` objects, unknown ones too: what `Tensor.get_shape()` gives."""

    __slots__ = ()

    @property
    def dims(self) -> Any:
        return None if self._dims is None else [NumberWithValue(d) for d in self._dims]

    def __iter__(self) -> Iterator[Any]:
        return iter([NumberWithValue(d) for d in super().__iter__()])

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return TensorShapeV1(None if self._dims is None else self._dims[index])
        return NumberWithValue(None if self._dims is None else self._dims[index])


def _dim(value: Any) -> Dimension:
    if value is None:
        return None
    if hasattr(value, "value") and not isinstance(value, int):
        return _dim(value.value)
    try:
        size = value.__index__()
    except AttributeError:
        raise TypeError(f"Dimension value must be an integer or None, got {value!r}") from None
    if size == -1:
        return None
    if size < 0:
        raise ValueError(f"Dimension {size} must be >= 0")
    return int(size)


def as_shape(value: Any) -> TensorShape:
    """`value` as a `TensorShape`."""
    return value if isinstance(value, TensorShape) else TensorShape(value)


def unknown_shape(rank: int | None = None) -> TensorShape:
    """A shape of the given rank, or of unknown rank, that knows no dimension."""
    return TensorShape(None if rank is None else [None] * rank)


def broadcast_shapes(*shapes: TensorShape) -> TensorShape:
    """The shape that NumPy's broadcasting gives the shapes together.

    Raises:
        InvalidArgumentError: two dimensions differ and neither is 1.
    """
    if any(s.dims is None for s in shapes):
        return TensorShape(None)
    rank = max((len(s) for s in shapes), default=0)
    dims: list[Dimension] = []
    for position in range(-rank, 0):
        sizes = [s[position] for s in shapes if len(s) >= -position]
        dims.append(_broadcast_dim(sizes, shapes))
    return TensorShape(dims)


def _broadcast_dim(sizes: Sequence[Dimension], shapes: Sequence[TensorShape]) -> Dimension:
    known = {s for s in sizes if s not in (None, 1)}
    if len(known) > 1:
        listed = " and ".join(str(s) for s in shapes)
        raise InvalidArgumentError(None, f"shapes do not broadcast: {listed}")
    if known:
        return known.pop()
    return None if None in sizes else 1
