"""Python functions as ops.

A graph names such a function by a token. The token of an op that this program made carries the function with it,
to devices in other processes too; a token that was read from a GraphDef is text, and finds only a function that
the program itself has registered under it. So no file can bring Python code along.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence
from typing import Any

from ..infer import InferContext, per_input
from ..opdef import EFFECT, PURE, NoGradient, OpDecl, State, declare
from ..shapes import TensorShape

__all__ = ["EagerPyFunc", "FunctionToken", "PyFunc", "PyFuncStateless", "function_of", "register_function"]


class FunctionToken(str):
    """The token of a Python function, and the function itself."""

    __slots__ = ("function",)

    function: Callable[..., Any]

    def __new__(cls, token: str, function: Callable[..., Any]) -> FunctionToken:
        made = super().__new__(cls, token)
        made.function = function
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return FunctionToken, (str(self), self.function)


_LOCK = threading.Lock()
_COUNT = itertools.count()
_FUNCTIONS: dict[str, Callable[..., Any]] = {}


def register_function(function: Callable[..., Any]) -> FunctionToken:
    """Enters a Python function into the registry of this process, and gives its token."""
    with _LOCK:
        token = f"pyfunc_{next(_COUNT)}"
        _FUNCTIONS[token] = function
    return FunctionToken(token, function)


def function_of(token: str) -> Callable[..., Any] | None:
    """The function that a token stands for in this process, or None."""
    if isinstance(token, FunctionToken):
        return token.function
    return _FUNCTIONS.get(token)


def _unknown_shapes(c: InferContext) -> Sequence[TensorShape]:
    return [TensorShape(None)] * len(c.attr("Tout"))


def _script(name: str, more: Sequence[str], state: State, doc: str) -> OpDecl:
    return declare(
        name,
        inputs="input: Tin",
        outputs="output: Tout",
        attrs=("token: string", *more, "Tin: list(type) >= 0", "Tout: list(type) >= 0"),
        infer=_unknown_shapes,
        gradient=NoGradient("a Python function cannot be differentiated"),
        cost=per_input(100.0),
        state=state,
        samples=list,
        doc=doc,
    )


PyFunc = _script("PyFunc", (), EFFECT, "What a Python function gives for NumPy arrays.")
PyFuncStateless = _script("PyFuncStateless", (), PURE, "`PyFunc` for a function without side effects.")
EagerPyFunc = _script(
    "EagerPyFunc",
    ("is_async: bool = false",),
    EFFECT,
    "What a Python function gives for tensors with values.",
)
