"""Tensors made from nothing but numbers and shapes."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from .arguments import cast_unless, shape_argument
from .graph import dtypes
from .graph.convert import constant, convert_to_tensor
from .graph.default_graph import name_scope
from .graph.dtypes import DType, as_dtype
from .graph.elements import Tensor
from .graph.ops import array as ops
from .shaping import size

__all__ = [
    "fill",
    "lin_space",
    "linspace",
    "meshgrid",
    "one_hot",
    "ones",
    "ones_like",
    "range",
    "sequence_mask",
    "zeros",
    "zeros_like",
]

_CONSTANT_ELEMENTS = 1000
"""Up to so many elements, zeros and ones of a known shape are a constant of the graph."""


def fill(dims: Any, value: Any, name: str | None = None) -> Tensor:
    """A tensor of shape `dims` whose elements are all `value`.

    Source:
        TensorFlow `Fill`.
    """
    return ops.Fill(shape_argument(dims), value, name=name)  # type: ignore[no-any-return]


def zeros(shape: Any, dtype: Any = dtypes.float32, name: str | None = None) -> Tensor:
    """A tensor of zeros (False, or empty strings).

    Args:
        shape: list of integers, a `TensorShape` or a 1-D integer tensor.
        dtype: element type.
        name: name of the op.
    """
    return _filled(shape, as_dtype(dtype), 0, name or "zeros")


def ones(shape: Any, dtype: Any = dtypes.float32, name: str | None = None) -> Tensor:
    """A tensor of ones (or True); arguments as for `zeros`."""
    return _filled(shape, as_dtype(dtype), 1, name or "ones")


def _filled(shape: Any, dtype: DType, value: int, name: str) -> Tensor:
    scalar: Any = np.array(value).astype(dtype.np)
    if dtype.kind == "s":
        scalar = np.array(b"", dtype=object)
    with name_scope(name) as scope:
        dims = shape_argument(shape)
        if isinstance(dims, (int, np.integer)):
            dims = np.array([dims], np.int32)
        known = dims if isinstance(dims, np.ndarray) else None
        if (
            known is not None
            and np.prod(known, dtype=np.float64) <= _CONSTANT_ELEMENTS
            and not (known < 0).any()
        ):
            whole = np.full(tuple(known.tolist()), scalar, dtype=dtype.np)
            return constant(whole, dtype, name=scope)
        tensor = convert_to_tensor(dims, name="shape_as_tensor")
        if tensor.shape.rank == 0:
            tensor = ops.Reshape(tensor, [1])
        made: Tensor = ops.Fill(tensor, constant(scalar, dtype, name="Const"), name=scope)
        return made


def zeros_like(tensor: Any, dtype: Any = None, name: str | None = None, optimize: bool = True) -> Tensor:
    """Zeros of a tensor's shape.

    Args:
        tensor: a tensor.
        dtype: element type of the result; that of the tensor by default.
        name: name of the op.
        optimize: whether the shape, where it is known, is written into the graph.
    """
    return _like(tensor, dtype, 0, name or "zeros_like", optimize)


def ones_like(tensor: Any, dtype: Any = None, name: str | None = None, optimize: bool = True) -> Tensor:
    """Ones of a tensor's shape; arguments as for `zeros_like`."""
    return _like(tensor, dtype, 1, name or "ones_like", optimize)


def _like(tensor: Any, dtype: Any, value: int, name: str, optimize: bool) -> Tensor:
    given = convert_to_tensor(tensor)
    wanted = given.dtype if dtype is None else as_dtype(dtype)
    with name_scope(name) as scope:
        if optimize and given.shape.is_fully_defined():
            return _filled(given.shape, wanted, value, scope)
        if wanted is given.dtype and not value:
            return ops.ZerosLike(given, name=scope)  # type: ignore[no-any-return]
        return _filled(ops.Shape(given), wanted, value, scope)


def range(start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: str = "range") -> Tensor:
    """Numbers from `start` in steps of `delta`, up to but without `limit`.

    Args:
        start: first number; the limit, where `limit` is None.
        limit: upper limit.
        delta: step, 1 by default.
        dtype: element type; by default the widest of the arguments', of int32, int64, float32, float64.
        name: name of the op.

    Source:
        TensorFlow `Range`.
    """
    if limit is None:
        start, limit = 0, start
    with name_scope(name, "range") as scope:
        wanted = None if dtype is None else as_dtype(dtype)
        given = [
            v if isinstance(v, Tensor) else convert_to_tensor(v, wanted, name=n)
            for n, v in (("start", start), ("limit", limit), ("delta", delta))
        ]
        if wanted is None:
            order = [dtypes.int32, dtypes.int64, dtypes.float32, dtypes.float64]
            found = [t.dtype for t in given]
            wanted = max(found, key=order.index) if all(t in order for t in found) else found[0]
        return ops.Range(*(cast_unless(t, wanted) for t in given), name=scope)  # type: ignore[no-any-return]


def linspace(start: Any, stop: Any, num: Any, name: str | None = None) -> Tensor:
    """`num` evenly spaced numbers from `start` to `stop`, both included.

    Source:
        TensorFlow `LinSpace`.
    """
    return ops.LinSpace(start, stop, num, name=name)  # type: ignore[no-any-return]


lin_space = linspace


def one_hot(
    indices: Any,
    depth: Any,
    on_value: Any = None,
    off_value: Any = None,
    axis: int | None = None,
    dtype: Any = None,
    name: str | None = None,
) -> Tensor:
    """Rows with `on_value` at the index and `off_value` elsewhere.

    Args:
        indices: integer tensor; an index outside [0, depth) gives a row of `off_value`.
        depth: length of a row; int32 scalar.
        on_value, off_value: scalars; 1 and 0 by default.
        axis: where the new dimension is put; last by default.
        dtype: element type of the result; that of the values, or float32, by default.
        name: name of the op.

    Raises:
        TypeError: the element types of the values and `dtype` differ.

    Source:
        TensorFlow `OneHot`.
    """
    with name_scope(name, "one_hot") as scope:
        wanted = None if dtype is None else as_dtype(dtype)
        values = [v for v in (on_value, off_value) if v is not None]
        given = [convert_to_tensor(v, None if isinstance(v, Tensor) else wanted) for v in values]
        found = {t.dtype for t in given} | ({wanted} if wanted is not None else set())
        if len(found) > 1:
            raise TypeError(f"on_value, off_value and dtype must agree, got {sorted(t.name for t in found)}")
        kind = found.pop() if found else dtypes.float32
        on = constant(1, kind, name="on_value") if on_value is None else given[0]
        off = constant(0, kind, name="off_value") if off_value is None else given[-1]
        return ops.OneHot(  # type: ignore[no-any-return]
            convert_to_tensor(indices, name="indices"),
            depth,
            on,
            off,
            axis=-1 if axis is None else axis,
            name=scope,
        )


def sequence_mask(
    lengths: Any, maxlen: Any = None, dtype: Any = dtypes.bool, name: str | None = None
) -> Tensor:
    """For each length, a row that is true in as many first places.

    Args:
        lengths: integer tensor.
        maxlen: length of the rows; the largest length by default.
        dtype: element type of the result.
        name: name of the op.

    Returns:
        Tensor of shape `lengths.shape + (maxlen,)`.
    """
    from .graph.ops.compare import Less
    from .graph.ops.reduction import Max

    with name_scope(name, "SequenceMask"):
        given = convert_to_tensor(lengths)
        if maxlen is None:
            flat = ops.Reshape(given, [-1])
            # A zero among them keeps the maximum of no lengths at 0.
            limit = Max(ops.ConcatV2([np.zeros(1, given.dtype.np), flat], 0), 0)
        else:
            limit = convert_to_tensor(maxlen)
        if limit.shape.rank not in (None, 0):
            raise ValueError(f"maxlen must be scalar for sequence_mask, got shape {limit.shape}")
        zero, one = constant(0, limit.dtype), constant(1, limit.dtype)
        places = ops.Range(zero, limit, one)
        mask = Less(places, cast_unless(ops.ExpandDims(given, -1), limit.dtype))
        return cast_unless(mask, as_dtype(dtype))


def meshgrid(*args: Any, indexing: str = "xy", name: str = "meshgrid") -> list[Tensor]:
    """Grids of coordinates, one per vector.

    Args:
        *args: vectors of one element type.
        indexing: "xy": the first two dimensions of the grids are swapped (Cartesian); "ij": they are not.
        name: name scope.

    Raises:
        ValueError: the indexing is unknown.
    """
    if indexing not in ("xy", "ij"):
        raise ValueError("Argument `indexing` parameter must be either 'xy' or 'ij'")
    with name_scope(name, "meshgrid"):
        vectors = [convert_to_tensor(a) for a in args]
        count = len(vectors)
        places = list(builtins.range(count))
        if indexing == "xy" and count > 1:
            places[0], places[1] = 1, 0
        sizes: list[Any] = [None] * count
        for vector, place in zip(vectors, places, strict=True):
            sizes[place] = size(vector)
        dims = ops.Pack(sizes) if sizes else None
        grids = []
        for vector, place in zip(vectors, places, strict=True):
            wide = [1] * count
            wide[place] = -1
            grids.append(ops.BroadcastTo(ops.Reshape(vector, np.array(wide, np.int32)), dims))
        return grids
