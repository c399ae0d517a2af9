"""Arrays as TensorProto messages and back.

A TensorProto may say a shape and give fewer values than that: the last one is repeated. Such a tensor becomes
a view that repeats one element without holding copies, so a message of a few bytes never takes gigabytes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import dtypes
from .dtypes import DType, as_dtype
from .errors import InvalidArgumentError
from .protos import parse, protos
from .shapes import TensorShape

__all__ = ["array_from_proto", "make_ndarray", "make_tensor_proto", "proto_from_array", "shape_from_proto"]

Array = np.ndarray[Any, Any]

_MAX_BYTES = 1 << 31
"""Largest tensor in a graph, as for TensorFlow: a message cannot be longer."""

_FIELDS: dict[DType, str] = {
    dtypes.float32: "float_val",
    dtypes.float64: "double_val",
    dtypes.int32: "int_val",
    dtypes.uint8: "int_val",
    dtypes.int16: "int_val",
    dtypes.int8: "int_val",
    dtypes.uint16: "int_val",
    dtypes.string: "string_val",
    dtypes.complex64: "scomplex_val",
    dtypes.int64: "int64_val",
    dtypes.bool: "bool_val",
    dtypes.bfloat16: "half_val",
    dtypes.float16: "half_val",
    dtypes.complex128: "dcomplex_val",
    dtypes.uint32: "uint32_val",
    dtypes.uint64: "uint64_val",
}


def shape_to_proto(shape: TensorShape) -> Any:
    """A shape as a TensorShapeProto."""
    proto = protos().TensorShapeProto()
    if shape.dims is None:
        proto.unknown_rank = True
    else:
        for dim in shape.dims:
            proto.dim.add().size = -1 if dim is None else dim
    return proto


def shape_from_proto(proto: Any) -> TensorShape:
    """The shape that a TensorShapeProto says.

    Raises:
        InvalidArgumentError: a dimension is below -1, there are more than 254, or their product is too large.
    """
    if proto.unknown_rank:
        return TensorShape(None)
    if len(proto.dim) > 254:
        raise InvalidArgumentError(None, f"a shape has at most 254 dimensions, got {len(proto.dim)}")
    try:
        shape = TensorShape([d.size for d in proto.dim])
    except ValueError as error:
        raise InvalidArgumentError(None, str(error)) from None
    count = 1
    for dim in shape:
        count *= 1 if dim is None else max(dim, 1)
    if count >= 1 << 63:
        raise InvalidArgumentError(None, f"shape {shape} has more elements than 64 bits can count")
    return shape


def array_from_proto(proto: Any) -> tuple[Array, DType]:
    """The array that a TensorProto holds, and its element type.

    Returns:
        The array, read-only where it repeats one value; strings as an object array of bytes.

    Raises:
        InvalidArgumentError: the type is unknown, the shape is not fully known or larger than two gigabytes,
            or the data does not fit the shape or the type.
    """
    try:
        dtype = as_dtype(proto.dtype)
    except TypeError:
        raise InvalidArgumentError(None, f"a tensor has the unknown element type {proto.dtype}") from None
    field = _FIELDS.get(dtype)
    if field is None:
        raise InvalidArgumentError(None, f"a tensor of type {dtype.name} cannot be part of a graph")
    shape = shape_from_proto(proto.tensor_shape)
    if not shape.is_fully_defined():
        raise InvalidArgumentError(None, f"the shape of a tensor in a graph must be known, got {shape}")
    dims = shape.known()
    count = shape.num_elements() or 0
    if count * dtype.size > _MAX_BYTES:
        raise InvalidArgumentError(None, f"a tensor of {dtype.name}{list(dims)} is larger than two gigabytes")
    if proto.tensor_content and dtype is not dtypes.string:
        return _from_content(proto.tensor_content, dtype, dims, count), dtype
    try:
        values = _READERS.get(field, _read_plain)(getattr(proto, field), dtype)
    except (OverflowError, ValueError) as error:
        raise InvalidArgumentError(None, f"a tensor of {dtype.name} has bad values: {error}") from None
    return _filled(values, dtype, dims, count), dtype


def _from_content(content: bytes, dtype: DType, dims: tuple[int, ...], count: int) -> Array:
    if len(content) != count * dtype.size:
        raise InvalidArgumentError(
            None,
            f"a tensor of {dtype.name}{list(dims)} takes {count * dtype.size} bytes, "
            f"its content has {len(content)}",
        )
    array = np.frombuffer(content, dtype=dtype.np.newbyteorder("<")).reshape(dims)
    return array.astype(dtype.np, copy=True)


def _filled(values: Array, dtype: DType, dims: tuple[int, ...], count: int) -> Array:
    if values.size > count:
        raise InvalidArgumentError(
            None, f"a tensor of {dtype.name}{list(dims)} has {count} elements, {values.size} values are given"
        )
    if values.size == count:
        return values.reshape(dims)
    if values.size <= 1:
        one = values.reshape(()) if values.size else _zero(dtype)
        return np.broadcast_to(one, dims)
    if count > 64 * values.size and count * dtype.size > 1 << 26:
        raise InvalidArgumentError(
            None,
            f"a tensor of {dtype.name}{list(dims)} has {count} elements, only {values.size} values are given",
        )
    rest = np.broadcast_to(values[-1:], (count - values.size,))
    return np.concatenate([values, rest]).reshape(dims)


def _zero(dtype: DType) -> Array:
    if dtype is not dtypes.string:
        return np.zeros((), dtype.np)
    empty = np.empty((), dtype=object)
    empty[()] = b""
    return empty


def _read_plain(field: Any, dtype: DType) -> Array:
    wide = np.dtype(np.int64) if dtype.is_integer and dtype.size < 8 else dtype.np
    array = np.fromiter(field, dtype=wide, count=len(field))
    if wide is not dtype.np and array.size:
        info = np.iinfo(dtype.np)
        if array.min() < info.min or array.max() > info.max:
            raise OverflowError(f"from {array.min()} to {array.max()}")
    return array.astype(dtype.np, copy=False)


def _read_strings(field: Any, _: DType) -> Array:
    array = np.empty(len(field), dtype=object)
    array[:] = list(field)
    return array


def _read_halves(field: Any, dtype: DType) -> Array:
    bits = np.fromiter(field, dtype=np.int64, count=len(field))
    if bits.size and (bits.min() < 0 or bits.max() > 0xFFFF):
        raise OverflowError("not 16 bits")
    return bits.astype(np.uint16).view(dtype.np)


def _read_complex(field: Any, dtype: DType) -> Array:
    if len(field) % 2:
        raise ValueError("an imaginary part is missing")
    return np.fromiter(field, dtype=dtype.real_dtype.np, count=len(field)).view(dtype.np)


_READERS: dict[str, Callable[[Any, DType], Array]] = {
    "string_val": _read_strings,
    "half_val": _read_halves,
    "scomplex_val": _read_complex,
    "dcomplex_val": _read_complex,
}


def proto_from_array(array: Array, dtype: DType | None = None) -> Any:
    """An array as a TensorProto; one value where the array repeats it without copies.

    Args:
        array: the array; strings as objects of bytes.
        dtype: its element type; None for that of the array.

    Raises:
        TypeError: arrays of that type cannot be part of a graph.
    """
    array = np.asarray(array)
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    dtype = as_dtype(array.dtype) if dtype is None else dtype
    field = _FIELDS.get(dtype)
    if field is None:
        raise TypeError(f"A value of type {dtype.name} cannot be part of a graph.")
    proto = protos().TensorProto(dtype=dtype.enum, tensor_shape=shape_to_proto(TensorShape(array.shape)))
    if array.size > 1 and not any(s for s, d in zip(array.strides, array.shape, strict=True) if d > 1):
        array = array[(slice(0, 1),) * array.ndim]
    flat = array.reshape(-1)
    if dtype is dtypes.string:
        proto.string_val.extend(v.encode("utf-8") if isinstance(v, str) else bytes(v) for v in flat)
    elif flat.size > 1:
        proto.tensor_content = flat.astype(dtype.np.newbyteorder("<"), copy=False).tobytes()
    elif field == "half_val":
        proto.half_val.extend(int(v) for v in flat.view(np.uint16))
    elif dtype.is_complex:
        getattr(proto, field).extend(flat.view(dtype.real_dtype.np).tolist())
    else:
        getattr(proto, field).extend(flat.tolist())
    return proto


def make_tensor_proto(values: Any, dtype: Any = None, shape: Any = None, verify_shape: bool = False) -> Any:
    """A value as a TensorProto.

    Args:
        values: a number, string, NumPy array, or nested lists of these.
        dtype: element type; None for that which `constant` would give it.
        shape: its shape; a value that is shorter is filled up with its last element.
        verify_shape: refuses a value whose own shape is not `shape`.
    """
    from .convert import fill_to_shape, make_array
    from .shapes import as_shape

    array = make_array(values, dtype)
    if shape is not None:
        array = fill_to_shape(array, as_shape(shape).known(), verify_shape)
    return proto_from_array(array, None if dtype is None else as_dtype(dtype))


def make_ndarray(tensor: Any) -> Array:
    """The array that a TensorProto holds; a copy that may be written to.

    Args:
        tensor: a tensor.
    """
    return np.array(array_from_proto(parse("TensorProto", tensor))[0])
