"""Variables cut into parts that may lie on different devices, and the functions that decide how to cut."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .graph.default_graph import get_default_graph
from .graph.dtypes import DType, as_dtype
from .graph.elements import Operation, Tensor
from .graph.graph import Graph
from .graph.opdef import get_op
from .graph.shapes import TensorShape, as_shape

__all__ = [
    "PartitionInfo",
    "PartitionedVariable",
    "create_partitioned_variables",
    "fixed_size_partitioner",
    "min_max_variable_partitioner",
    "variable_axis_size_partitioner",
]

Partitioner = Callable[..., Sequence[int]]


class PartitionInfo:
    """Tells an initializer which part of a larger variable it makes.

    Args:
        full_shape: shape of the whole.
        var_offset: where the part begins, one index per dimension.
    """

    def __init__(self, full_shape: Sequence[int], var_offset: Sequence[int]) -> None:
        self.full_shape = list(full_shape)
        self.var_offset = list(var_offset)

    def single_offset(self, shape: Sequence[int]) -> int:
        """Where the part begins along the dimension that is cut."""
        dim = self.single_slice_dim(shape)
        return 0 if dim is None else self.var_offset[dim]

    def single_slice_dim(self, shape: Sequence[int]) -> int | None:
        """The dimension along which a part of that shape is cut from the whole; None where it is the whole.

        Raises:
            ValueError: it is cut along more than one.
        """
        cut = [i for i, (a, b) in enumerate(zip(shape, self.full_shape, strict=True)) if a != b]
        if len(cut) > 1:
            raise ValueError(f"A part of shape {list(shape)} is cut from {self.full_shape} along {cut}.")
        return cut[0] if cut else None


class PartitionedVariable:
    """A variable in parts, cut along one dimension; used as a tensor it is their concatenation."""

    def __init__(self, name: str, shape: TensorShape, dtype: DType, variable_list: Sequence[Any]) -> None:
        self.name = name
        self.shape = shape
        self.dtype = dtype
        self._variables = list(variable_list)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)

    def _get_variable_list(self) -> list[Any]:
        return list(self._variables)

    def _get_partitions(self) -> list[int]:
        """Into how many parts each dimension is cut."""
        partitions = [1] * len(self.shape)
        partitions[self.axis] = len(self._variables)
        return partitions

    @property
    def axis(self) -> int:
        """The dimension that is cut."""
        whole, part = self.shape.known(), self._variables[0].shape.known()
        return next((i for i, (a, b) in enumerate(zip(whole, part, strict=True)) if a != b), 0)

    @property
    def graph(self) -> Graph:
        return self._variables[0].graph  # type: ignore[no-any-return]

    def get_shape(self) -> TensorShape:
        return self.shape

    def as_tensor(self) -> Tensor:
        """The parts joined."""
        graph = get_default_graph()
        scope = f"{self.name}/ConcatPartitions/"
        with graph.name_scope(scope):
            if len(self._variables) == 1:
                return get_op("Identity")(self._variables[0].value(), name=self.name)  # type: ignore[no-any-return]
            parts = [v.value() for v in self._variables]
            return get_op("ConcatV2")(parts, self.axis, name="concat")  # type: ignore[no-any-return]

    def _as_tensor(self, dtype: DType | None = None, name: str | None = None) -> Tensor:
        return self.as_tensor()

    def _as_graph_element(self) -> Tensor:
        return self.as_tensor()

    @property
    def initializer(self) -> Operation:
        """The operation that gives all parts their initial values."""
        from .variable_functions import variables_initializer

        return variables_initializer(self._variables, f"{self.name}/init")

    def _each(self, method: str, value: Any, name: str | None) -> list[Any]:
        from .graph.convert import convert_to_tensor

        with get_default_graph().name_scope(name or method):
            sizes = [int(v.shape[self.axis]) for v in self._variables]
            pieces = get_op("SplitV")(
                convert_to_tensor(value, self.dtype), sizes, self.axis, num_split=len(sizes)
            )
            return [getattr(v, method)(p) for v, p in zip(self._variables, pieces, strict=True)]

    def assign(self, value: Any, use_locking: bool = False, name: str | None = None) -> list[Any]:
        """Sets all parts from a value of the whole shape; gives their new values."""
        return self._each("assign", value, name)

    def assign_add(self, value: Any, use_locking: bool = False, name: str | None = None) -> list[Any]:
        """Adds a value of the whole shape; gives the parts' new values."""
        return self._each("assign_add", value, name)

    def assign_sub(self, value: Any, use_locking: bool = False, name: str | None = None) -> list[Any]:
        """Subtracts a value of the whole shape; gives the parts' new values."""
        return self._each("assign_sub", value, name)

    def __repr__(self) -> str:
        what = f"shape={self.shape} dtype={self.dtype.name} parts={len(self)}"
        return f"<weft.PartitionedVariable '{self.name}' {what}>"


def _overload(method: str) -> None:
    def call(self: PartitionedVariable, *args: Any) -> Any:
        return getattr(Tensor, method)(self.as_tensor(), *args)

    call.__name__ = call.__qualname__ = method
    setattr(PartitionedVariable, method, call)


_OPERATORS = "add radd sub rsub mul rmul truediv rtruediv matmul rmatmul pow neg abs getitem"
for _name in _OPERATORS.split():
    _overload(f"__{_name}__")


def slices_of(
    name: str, shape: Sequence[int], dtype: DType, partitioner: Partitioner
) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Offset and shape of every part that a partitioner cuts a variable into.

    Raises:
        ValueError: the partitioner gives no list of positive counts, or cuts more than one dimension.
    """
    counts = [int(c) for c in partitioner(shape=TensorShape(shape), dtype=dtype)]
    if len(counts) != len(shape) or any(c < 1 for c in counts):
        raise ValueError(f"Variable {name}: the partitioner gave {counts} for shape {list(shape)}.")
    cut = [i for i, c in enumerate(counts) if c > 1]
    if len(cut) > 1:
        raise ValueError(f"Variable {name}: only one dimension can be cut, the partitioner gave {counts}.")
    axis = cut[0] if cut else 0
    each, rest = divmod(shape[axis], counts[axis])
    found, offset = [], 0
    for i in range(counts[axis]):
        size = each + 1 if i < rest else each
        begin, extent = [0] * len(shape), list(shape)
        begin[axis], extent[axis] = offset, size
        found.append((tuple(begin), tuple(extent)))
        offset += size
    return found


def fixed_size_partitioner(num_shards: int, axis: int = 0) -> Partitioner:
    """Cuts every variable into `num_shards` parts along `axis`, or fewer where it is shorter."""

    def partitioner(shape: Any, **_: Any) -> list[int]:
        dims = as_shape(shape).known()
        counts = [1] * len(dims)
        counts[axis] = min(num_shards, dims[axis])
        return counts

    return partitioner


def variable_axis_size_partitioner(
    max_shard_bytes: int, axis: int = 0, bytes_per_string_element: int = 16, max_shards: int | None = None
) -> Partitioner:
    """Cuts variables along `axis` so that no part is larger than `max_shard_bytes`.

    Args:
        max_shard_bytes: largest part in bytes.
        axis: dimension to cut.
        bytes_per_string_element: assumed size of a string.
        max_shards: most parts, whatever their size.

    Raises:
        ValueError: a number is not positive.
    """
    if max_shard_bytes < 1 or bytes_per_string_element < 1 or (max_shards is not None and max_shards < 1):
        raise ValueError("max_shard_bytes, bytes_per_string_element and max_shards must be positive.")

    def partitioner(shape: Any, dtype: Any, **_: Any) -> list[int]:
        dims = as_shape(shape).known()
        counts = [1] * len(dims)
        row = _element_bytes(dtype, bytes_per_string_element) * math.prod(dims) // max(dims[axis], 1)
        rows = max(1, max_shard_bytes // row) if row else dims[axis]
        wanted = max(1, math.ceil(dims[axis] / rows)) if rows else 1
        counts[axis] = min(wanted, max_shards or wanted, max(dims[axis], 1))
        return counts

    return partitioner


def min_max_variable_partitioner(
    max_partitions: int = 1,
    axis: int = 0,
    min_slice_size: int = 256 << 10,
    bytes_per_string_element: int = 16,
) -> Partitioner:
    """Cuts variables along `axis` into as many parts as keep each at least `min_slice_size` bytes.

    Args:
        max_partitions: most parts.
        axis: dimension to cut.
        min_slice_size: smallest part in bytes.
        bytes_per_string_element: assumed size of a string.
    """

    def partitioner(shape: Any, dtype: Any, **_: Any) -> list[int]:
        dims = as_shape(shape).known()
        counts = [1] * len(dims)
        total = math.prod(dims) * _element_bytes(dtype, bytes_per_string_element)
        wanted = max(1, math.ceil(total / min_slice_size))
        counts[axis] = max(1, min(dims[axis], max_partitions, wanted))
        return counts

    return partitioner


def _element_bytes(dtype: Any, bytes_per_string_element: int) -> int:
    wanted = as_dtype(dtype)
    return bytes_per_string_element if wanted.kind == "s" else wanted.size


def create_partitioned_variables(
    shape: Sequence[int],
    slicing: Sequence[int],
    initializer: Any,
    dtype: Any = "float32",
    trainable: bool = True,
    collections: Any = None,
    name: str | None = None,
    reuse: Any = None,
) -> list[Any]:
    """The parts of a variable that is cut as told.

    Args:
        shape: shape of the whole.
        slicing: into how many parts each dimension is cut; at most one above 1.
        initializer: initializer, or a tensor of the whole shape.
        dtype: element type.
        trainable: whether optimizers change them by default.
        collections: keys of the collections the parts are added to.
        name: name of the whole; "PartitionedVariable" by default.
        reuse: as for `variable_scope`.
    """
    from .variable_scope import get_variable, variable_scope

    if len(shape) != len(slicing):
        raise ValueError(f"shape {list(shape)} and slicing {list(slicing)} must be of equal length.")
    with variable_scope(name, "PartitionedVariable", reuse=reuse):
        whole = get_variable(
            name="part",
            shape=None if isinstance(initializer, Tensor) else shape,
            dtype=dtype,
            initializer=initializer,
            trainable=trainable,
            partitioner=lambda **_: slicing,
            collections=collections,
        )
    return list(whole)
