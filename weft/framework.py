"""Functions of the default graph that are no ops: collections, scopes, conversion."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import Any

from .graph import convert, session_stack
from .graph.default_graph import get_default_graph
from .graph.dtypes import as_dtype
from .graph.elements import Tensor
from .graph.import_graph import import_graph_def
from .graph.indexed_slices import IndexedSlices
from .graph.ops.source import Placeholder, PlaceholderWithDefault
from .graph.shapes import TensorShape, as_shape

__all__ = [
    "add_to_collection",
    "add_to_collections",
    "colocate_with",
    "control_dependencies",
    "convert_to_tensor",
    "convert_to_tensor_or_indexed_slices",
    "get_collection",
    "get_collection_ref",
    "get_default_session",
    "get_static_value",
    "import_graph_def",
    "is_tensor",
    "op_scope",
    "placeholder",
    "placeholder_with_default",
]


def colocate_with(op: Any, ignore_existing: bool = False) -> contextlib.AbstractContextManager[None]:
    """Puts the operations made inside on the device of `op`.

    Args:
        op: an operation, tensor or variable; None leaves all colocation scopes.
        ignore_existing: whether the colocation scopes around are left.
    """
    return get_default_graph().colocate_with(op, ignore_existing)


def control_dependencies(control_inputs: Iterable[Any] | None) -> contextlib.AbstractContextManager[None]:
    """Makes the operations created inside run after the given ones.

    Args:
        control_inputs: operations, tensors or variables; None leaves all such scopes.
    """
    return get_default_graph().control_dependencies(control_inputs)


def add_to_collection(name: str, value: Any) -> None:
    """Adds `value` to a collection of the default graph."""
    get_default_graph().add_to_collection(name, value)


def add_to_collections(names: Iterable[str] | str, value: Any) -> None:
    """Adds `value` to each of several collections of the default graph."""
    get_default_graph().add_to_collections(names, value)


def get_collection(key: str, scope: str | None = None) -> list[Any]:
    """The values in a collection of the default graph.

    Args:
        key: name of the collection, such as `GraphKeys.TRAINABLE_VARIABLES`.
        scope: keeps only the values whose name matches this regular expression.

    Returns:
        A new list, in the order in which the values were added.
    """
    return get_default_graph().get_collection(key, scope)


def get_collection_ref(key: str) -> list[Any]:
    """The list itself that holds a collection of the default graph; changing it changes the collection.

    Args:
        key: name of the collection.
    """
    return get_default_graph().get_collection_ref(key)


def get_default_session() -> Any:
    """The innermost default session of this thread, or None."""
    return session_stack.default_session()


def convert_to_tensor(
    value: Any,
    dtype: Any = None,
    name: str | None = None,
    preferred_dtype: Any = None,
    dtype_hint: Any = None,
) -> Tensor:
    """`value` as a tensor of the default graph.

    Args:
        value: a tensor, a variable, a number, a string, a NumPy array, or lists of these.
        dtype: element type that it must have; a Python value is made of that type.
        name: name of the constant, where one is made.
        preferred_dtype: used where `dtype` is None and the value does not decide.
        dtype_hint: the same as `preferred_dtype`.

    Raises:
        TypeError: the value has no tensor form, or loses information in that type.
        ValueError: it is a tensor of another type.
    """
    preferred = preferred_dtype if dtype_hint is None else dtype_hint
    return convert.convert_to_tensor(value, dtype, name, preferred)


def convert_to_tensor_or_indexed_slices(value: Any, dtype: Any = None, name: str | None = None) -> Any:
    """`value` as it is where it is an `IndexedSlices`, else as a tensor.

    Raises:
        ValueError: an `IndexedSlices` of another type than `dtype`.
    """
    if isinstance(value, IndexedSlices):
        if dtype is not None and as_dtype(dtype) is not value.dtype:
            raise ValueError(f"IndexedSlices {value.name} is {value.dtype.name}, not {as_dtype(dtype).name}.")
        return value
    return convert.convert_to_tensor(value, dtype, name)


def is_tensor(x: Any) -> bool:
    """Whether `x` is a tensor or stands for one: a variable, `IndexedSlices`, sparse tensor."""
    return convert.is_tensor_like(x) or isinstance(x, IndexedSlices)


def placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> Tensor:
    """A tensor whose value must be fed.

    Args:
        dtype: element type.
        shape: static shape, None in the place of any size; None for any shape at all.
        name: name of the op.
    """
    shape = TensorShape(None) if shape is None else as_shape(shape)
    return Placeholder(dtype=as_dtype(dtype), shape=shape, name=name)


def placeholder_with_default(input: Any, shape: Any, name: str | None = None) -> Tensor:
    """A tensor that is `input` where it is not fed.

    Args:
        input: the default value.
        shape: static shape of what may be fed, None in the place of any size.
        name: name of the op.
    """
    return PlaceholderWithDefault(input, shape=as_shape(shape), name=name)


@contextlib.contextmanager
def op_scope(values: Any, name: str | None, default_name: str | None = None) -> Any:
    """`name_scope` with the arguments in TensorFlow's first order."""
    del values
    with get_default_graph().name_scope(default_name if name is None else name) as scope:
        yield scope


def get_static_value(tensor: Any, partial: bool = False) -> Any:
    """The value of a tensor as an array, where it follows from constants; None where it does not.

    Args:
        tensor: a tensor.
        partial: accepted for TensorFlow's sake.
    """
    from .graph.constant_value import constant_value

    del partial
    return constant_value(tensor)
