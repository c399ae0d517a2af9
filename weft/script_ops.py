"""Python functions as ops of the graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .graph.convert import convert_to_tensor
from .graph.dtypes import as_dtype
from .graph.ops.script import EagerPyFunc, PyFunc, PyFuncStateless, register_function

__all__ = ["numpy_function", "py_func", "py_function"]


def py_func(
    func: Callable[..., Any], inp: Sequence[Any], Tout: Any, stateful: bool = True, name: str | None = None
) -> Any:
    """Calls a Python function with the values of tensors when a step runs.

    The function runs on the host of the device that the op is placed on; for a device in another process it is
    sent there with the step.

    Args:
        func: takes NumPy arrays (strings as object arrays of bytes), gives arrays, numbers or strings: one, or a
            list with one per type in `Tout`.
        inp: the tensors.
        Tout: element type of the result, or a list of them.
        stateful: whether it has side effects, so that each op of it must run.
        name: name of the op.

    Returns:
        A tensor, or a list of them where `Tout` is a list; their shapes are not known. The `Operation`
        where `Tout` is empty.

    Source:
        TensorFlow `PyFunc`.
    """
    return _call(PyFunc if stateful else PyFuncStateless, func, inp, Tout, name)


def numpy_function(
    func: Callable[..., Any], inp: Sequence[Any], Tout: Any, name: str | None = None, stateful: bool = True
) -> Any:
    """`py_func` with the arguments of TensorFlow's later releases."""
    return py_func(func, inp, Tout, stateful, name)


def py_function(func: Callable[..., Any], inp: Sequence[Any], Tout: Any, name: str | None = None) -> Any:
    """Calls a Python function with tensors that have values when a step runs.

    Args:
        func: takes arrays that answer `numpy()`; otherwise as for `py_func`.
        inp: the tensors.
        Tout: element type of the result, or a list of them.
        name: name of the op.

    Source:
        TensorFlow `EagerPyFunc`.
    """
    return _call(EagerPyFunc, func, inp, Tout, name)


def _call(op: Any, func: Callable[..., Any], inp: Sequence[Any], types: Any, name: str | None) -> Any:
    if not callable(func):
        raise ValueError(f"func must be a function, got {func!r}")
    several = isinstance(types, (list, tuple))
    wanted = [as_dtype(t) for t in (types if several else [types])]
    token = register_function(func)
    inputs = inp if isinstance(inp, (list, tuple)) else [inp]
    made = op([convert_to_tensor(x) for x in inputs], token=token, Tout=wanted, name=name)
    return made if several else made[0]
