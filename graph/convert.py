"""Python values, NumPy arrays and tensor-like objects as tensors of the graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import dtypes
from .default_graph import get_default_graph
from .dtypes import DType, as_dtype
from .elements import Tensor
from .shapes import TensorShape, as_shape

__all__ = [
    "constant",
    "convert_to_tensor",
    "is_tensor_like",
    "make_array",
    "register_tensor_conversion_function",
]

Array = np.ndarray[Any, Any]

_CONVERSIONS: list[tuple[int, type | tuple[type, ...], Callable[..., Any]]] = []


def register_tensor_conversion_function(
    base_type: type | tuple[type, ...], conversion_func: Callable[..., Any], priority: int = 100
) -> None:
    """Teaches `convert_to_tensor` another type.

    Args:
        base_type: the type, or a tuple of them.
        conversion_func: `f(value, dtype=None, name=None, as_ref=False)`, giving a tensor or NotImplemented.
        priority: lower numbers are asked first.
    """
    _CONVERSIONS.append((priority, base_type, conversion_func))
    _CONVERSIONS.sort(key=lambda row: row[0])


def is_tensor_like(value: Any) -> bool:
    """Whether `value` is a tensor, or an object (a variable, say) that stands for one."""
    return isinstance(value, Tensor) or hasattr(value, "_as_tensor")


def convert_to_tensor(
    value: Any, dtype: Any = None, name: str | None = None, preferred_dtype: Any = None
) -> Tensor:
    """`value` as a tensor of the default graph.

    Args:
        value: a tensor, a variable, a number, a string, a NumPy array, or lists of these.
        dtype: element type that it must have; a Python value is made of that type.
        name: name of the constant, where one is made.
        preferred_dtype: used where `dtype` is None and the value does not decide.

    Raises:
        TypeError: the value has no tensor form, or loses information in that type.
        ValueError: it is a tensor of another type.
    """
    wanted = None if dtype is None else as_dtype(dtype)
    if isinstance(value, Tensor):
        if wanted is not None and wanted is not value.dtype:
            raise ValueError(
                f"Tensor conversion requested dtype {wanted.name} for tensor {value.name} "
                f"with dtype {value.dtype.name}"
            )
        return value
    own = getattr(value, "_as_tensor", None)
    if own is not None:
        return convert_to_tensor(own(wanted, name), wanted)
    for _, base, function in _CONVERSIONS:
        if isinstance(value, base):
            made = function(value, dtype=wanted, name=name, as_ref=False)
            if made is not NotImplemented:
                return convert_to_tensor(made, wanted)
    if isinstance(value, (list, tuple)) and _holds_tensor(value):
        return _pack(value, wanted, name)
    if wanted is None and preferred_dtype is not None:
        try:
            return constant(value, preferred_dtype, name=name or "Const")
        except (TypeError, ValueError):
            pass
    return constant(value, wanted, name=name or "Const")


def constant(
    value: Any, dtype: Any = None, shape: Any = None, name: str = "Const", verify_shape: bool = False
) -> Tensor:
    """A tensor whose value is part of the graph.

    Args:
        value: a number, string, NumPy array, or nested lists of these.
        dtype: element type; by default int32 or float32 for Python numbers, the array's own for arrays.
        shape: shape of the result; the value's last element is repeated to fill it.
        name: name of the op.
        verify_shape: refuses a value whose own shape is not `shape`.

    Raises:
        TypeError: the value has no tensor form, or loses information in that type.
        ValueError: the value has more elements than `shape`.
    """
    array = make_array(value, dtype)
    if shape is not None:
        array = fill_to_shape(array, as_shape(shape).known(), verify_shape)
    return constant_from_array(array, _array_dtype(array, dtype), name)


def constant_from_array(array: Array, dtype: DType, name: str = "Const") -> Tensor:
    """A `Const` op holding exactly that array."""
    return get_default_graph().create_op("Const", [], {"value": array, "dtype": dtype}, name).outputs[0]


def fill_to_shape(array: Array, shape: tuple[int, ...], verify: bool) -> Array:
    if array.shape == shape:
        return array
    if verify:
        raise TypeError(f"Expected a value of shape {list(shape)}, got shape {list(array.shape)}.")
    count = int(np.prod(shape, dtype=np.int64))
    if array.size > count:
        raise ValueError(f"Too many elements provided. Needed at most {count}, but received {array.size}")
    flat = array.reshape(-1)
    if array.size < count:
        if not array.size:
            raise ValueError(f"Cannot fill shape {list(shape)} from no elements.")
        flat = np.concatenate([flat, np.full(count - array.size, flat[-1], dtype=array.dtype)])
    return flat.reshape(shape)


def _array_dtype(array: Array, dtype: Any) -> DType:
    return as_dtype(dtype) if dtype is not None else as_dtype(array.dtype)


def make_array(value: Any, dtype: Any = None) -> Array:
    """`value` as the NumPy array that a tensor of that type holds.

    Strings become object arrays of bytes. Python ints become int32 (int64 where they do not fit) and Python
    floats float32; NumPy values keep their type.

    Raises:
        TypeError: it has no tensor form, or loses information in `dtype`.
    """
    wanted = None if dtype is None else as_dtype(dtype)
    if value is None:
        raise TypeError("None has no tensor form.")
    if isinstance(value, TensorShape):
        value = np.array(value.known(), dtype=np.int32)
    if wanted is not None and wanted.kind in "rv":
        return np.asarray(value, dtype=object)
    if wanted is dtypes.string:
        return _string_array(value)
    given_array = isinstance(value, (np.ndarray, np.generic))
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise TypeError(f"Cannot make a tensor of {_short(value)}: {error}") from None
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    if array.dtype.kind in "SU" or (array.dtype == object and _is_text(array)):
        if wanted is not None:
            raise TypeError(f"Expected {wanted.name}, got {_short(value)} of type string.")
        return _string_array(value)
    if array.dtype == object:
        raise TypeError(f"Cannot make a tensor of {_short(value)} of type {type(value).__name__}.")
    if wanted is None:
        return array if given_array else _narrowed(array, value)
    return _cast(array, wanted, value, given_array)


def _narrowed(array: Array, value: Any) -> Array:
    """Python numbers as TensorFlow types them: float32, int32 where it fits."""
    if array.dtype == np.float64 and not _holds_numpy(value, np.float64):
        return array.astype(np.float32)
    if array.dtype == np.int64 and not _holds_numpy(value, np.int64):
        small = array.astype(np.int32)
        return small if np.array_equal(small, array) else array
    if not array.size and isinstance(value, (list, tuple)):
        return array.astype(np.float32)
    return array


def _holds_numpy(value: Any, kind: type) -> bool:
    if isinstance(value, (list, tuple)):
        return bool(value) and _holds_numpy(value[0], kind)
    return isinstance(value, (np.generic, np.ndarray)) and value.dtype == kind


def _cast(array: Array, wanted: DType, value: Any, given_array: bool) -> Array:
    if array.dtype == wanted.np:
        return array
    have = as_dtype(array.dtype)
    lossy = (
        (have.is_floating and (wanted.is_integer or wanted.is_bool))
        or (have.is_complex and not wanted.is_complex)
        or (have.is_bool != wanted.is_bool and not given_array)
    )
    if lossy and array.size:
        raise TypeError(f"Expected {wanted.name}, got {_short(value)} of type {have.name} instead.")
    if wanted.is_integer and have.is_integer and array.size:
        low, high = array.min(), array.max()
        if int(low) < int(wanted.min) or int(high) > int(wanted.max):
            raise TypeError(f"{_short(value)} does not fit into {wanted.name}.")
    return array.astype(wanted.np)


def _is_text(array: Array) -> bool:
    return bool(array.size) and all(isinstance(v, (str, bytes)) for v in array.flat)


def _string_array(value: Any) -> Array:
    raw = np.array(value, dtype=object)
    if not raw.size:
        return raw
    flat = [_bytes(v) for v in raw.reshape(-1)]
    out = np.empty(len(flat), dtype=object)
    out[:] = flat
    return out.reshape(raw.shape)


def _bytes(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8")
    raise TypeError(f"Expected string, got {_short(value)} of type {type(value).__name__}.")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _holds_tensor(values: Sequence[Any]) -> bool:
    return any(is_tensor_like(v) or (isinstance(v, (list, tuple)) and _holds_tensor(v)) for v in values)


def _pack(values: Sequence[Any], dtype: DType | None, name: str | None) -> Tensor:
    from .ops.array import Pack

    if dtype is None:
        dtype = _first_dtype(values)
    return Pack([convert_to_tensor(v, dtype) for v in values], name=name or "packed")


def _first_dtype(values: Sequence[Any]) -> DType | None:
    for value in values:
        if is_tensor_like(value):
            return as_dtype(value.dtype)
        if isinstance(value, (list, tuple)):
            found = _first_dtype(value)
            if found is not None:
                return found
    return None
