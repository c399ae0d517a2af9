"""Default arguments for functions, for the length of a `with` block."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

__all__ = ["add_arg_scope", "arg_scope", "arg_scoped_arguments", "current_arg_scope", "has_arg_scope"]

Scope = dict[str, dict[str, Any]]
F = TypeVar("F", bound=Callable[..., Any])

_KNOWN: dict[str, tuple[str, ...]] = {}
"""For each function that takes defaults from a scope, the names of its keyword arguments."""


class _Stack(threading.local):
    def __init__(self) -> None:
        self.scopes: list[Scope] = [{}]


_STACK = _Stack()


def _key(function: Any) -> str:
    return getattr(function, "_key_op", f"{function.__module__}.{function.__qualname__}")  # type: ignore[no-any-return]


def current_arg_scope() -> Scope:
    """The defaults that hold now: from functions' keys to arguments."""
    return _STACK.scopes[-1]


@contextlib.contextmanager
def arg_scope(list_ops_or_scope: Any, **kwargs: Any) -> Iterator[Scope]:
    """Gives functions other default arguments inside.

    Args:
        list_ops_or_scope: functions decorated with `add_arg_scope`, or what an earlier `arg_scope` gave.
        **kwargs: the defaults; each must be an argument of all the functions.

    Yields:
        The defaults, to be entered again later.

    Raises:
        ValueError: a function is not decorated or has no such argument; or defaults are given with a scope.
    """
    if isinstance(list_ops_or_scope, Mapping):
        if kwargs:
            raise ValueError("An arg_scope that is entered again takes no further arguments.")
        scope: Scope = dict(list_ops_or_scope)
    else:
        if not isinstance(list_ops_or_scope, (list, tuple)):
            raise TypeError("arg_scope takes a list of functions or an earlier arg_scope.")
        scope = {k: dict(v) for k, v in current_arg_scope().items()}
        for function in list_ops_or_scope:
            key = _key(function)
            if key not in _KNOWN:
                raise ValueError(f"{key} does not take arguments from arg_scope: it needs @add_arg_scope.")
            unknown = [a for a in kwargs if a not in _KNOWN[key]]
            if unknown:
                raise ValueError(f"{key} has no keyword argument {', '.join(unknown)}.")
            scope.setdefault(key, {}).update(kwargs)
    _STACK.scopes.append(scope)
    try:
        yield scope
    finally:
        _STACK.scopes.pop()


def add_arg_scope(func: F) -> F:
    """Makes a function take default arguments from `arg_scope`."""
    import inspect

    key = _key(func)
    parameters = inspect.signature(func).parameters.values()
    _KNOWN[key] = tuple(p.name for p in parameters if p.default is not p.empty or p.kind is p.KEYWORD_ONLY)

    @functools.wraps(func)
    def with_defaults(*args: Any, **kwargs: Any) -> Any:
        defaults = current_arg_scope().get(key)
        return func(*args, **({**defaults, **kwargs} if defaults else kwargs))

    with_defaults._key_op = key  # type: ignore[attr-defined]
    return with_defaults  # type: ignore[return-value]


def has_arg_scope(func: Any) -> bool:
    """Whether a function takes default arguments from `arg_scope`."""
    return _key(func) in _KNOWN


def arg_scoped_arguments(func: Any) -> Iterable[str]:
    """The names of the arguments that `arg_scope` can set.

    Raises:
        ValueError: the function does not take arguments from it.
    """
    if not has_arg_scope(func):
        raise ValueError(f"{_key(func)} does not take arguments from arg_scope.")
    return _KNOWN[_key(func)]
