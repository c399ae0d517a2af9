"""Python functions as ops; declared in `graph/ops/script.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph.convert import make_array
from ..graph.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    OpError,
    OutOfRangeError,
    ResourceExhaustedError,
    UnimplementedError,
    UnknownError,
)
from ..graph.ops.script import function_of
from .registry import KernelContext, kernel


class Value(np.ndarray[Any, Any]):
    """An array that answers `numpy()` too, as the values do that TensorFlow hands to `py_function`."""

    def numpy(self) -> Any:
        return self.view(np.ndarray)


@kernel("PyFunc", "PyFuncStateless", host=True)
def py_func(c: KernelContext, *inputs: Any) -> Any:
    return _called(c, [_given(x) for x in inputs])


@kernel("EagerPyFunc", host=True)
def eager_py_func(c: KernelContext, *inputs: Any) -> Any:
    return _called(c, [np.asarray(_given(x)).view(Value) for x in inputs])


def _given(x: Any) -> Any:
    """An input as the function gets it: an array that it may keep and change."""
    return np.array(x) if not isinstance(x, bytes) else np.array(x, dtype=object)


def _called(c: KernelContext, inputs: list[Any]) -> Any:
    function = function_of(c.attrs["token"])
    if function is None:
        raise FailedPreconditionError(
            c.node.name,
            f"{c.node.op} '{c.node.name}': this program has no Python function {c.attrs['token']!r}; "
            "a graph that is read from a file does not bring its Python functions along",
            "",
            c.node.source,
        )
    try:
        result = function(*inputs)
    except OpError:
        raise
    except Exception as error:
        raise _error(c, error) from error
    return _results(c, result)


_CLASSES: tuple[tuple[type[Exception], type[OpError]], ...] = (
    (StopIteration, OutOfRangeError),
    (MemoryError, ResourceExhaustedError),
    (NotImplementedError, UnimplementedError),
    (ValueError, InvalidArgumentError),
    (TypeError, InvalidArgumentError),
)
"""What an error of a user's function becomes; anything else is an UnknownError."""


def _error(c: KernelContext, error: Exception) -> OpError:
    made = next((to for kind, to in _CLASSES if isinstance(error, kind)), UnknownError)
    text = f"{c.node.op} '{c.node.name}': {type(error).__name__}: {error}"
    return made(c.node.name, text, "", c.node.source)


def _results(c: KernelContext, result: Any) -> Any:
    """What the function gave, as one array per declared output."""
    types = c.out_types
    if not types:
        return None
    listed = list(result) if isinstance(result, (list, tuple)) else [result]
    if len(listed) != len(types):
        raise ValueError(f"the Python function gives {len(listed)} values, {len(types)} are declared")
    arrays = []
    for position, (value, dtype) in enumerate(zip(listed, types, strict=True)):
        array = make_array(value, dtype if dtype.kind == "s" else None)
        if array.dtype != dtype.np and not isinstance(value, (np.ndarray, np.generic)):
            array = make_array(value, dtype)
        if array.dtype != dtype.np:
            raise ValueError(
                f"value {position} that the Python function gives is {array.dtype}, {dtype.name} is declared"
            )
        arrays.append(array)
    return tuple(arrays) if len(arrays) > 1 else arrays[0]
