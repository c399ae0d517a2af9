"""Inner loops, compiled where Numba is installed and plain Python where it is not.

A module of loops (`loops_*.py`) is written in the part of Python that Numba understands, over anything that can be
indexed. Imported as usual it is plain Python, which is the reference in tests. `loops(name, compiled=True)` loads it a
second time with every function compiled; what was compiled is cached on disk, so that this is slow only once.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import os
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, TypeVar

__all__ = ["compiler_available", "is_cached", "jit", "loops", "sibling"]

_SUFFIX = "_compiled"

Function = TypeVar("Function", bound=Callable[..., Any])


def jit(function: Function) -> Function:
    """Marks a function of a module of loops."""
    if not function.__module__.endswith(_SUFFIX):
        return function
    from numba import njit

    compile_function: Any = njit(cache=True, nogil=True, error_model="numpy")
    return compile_function(function)


@functools.cache
def compiler_available() -> bool:
    """Whether Numba is installed and not switched off with WEFT_NO_JIT."""
    return not os.environ.get("WEFT_NO_JIT") and importlib.util.find_spec("numba") is not None


@functools.cache
def loops(name: str, compiled: bool) -> ModuleType:
    """A module of loops of this package, plain or compiled."""
    if not compiled:
        return importlib.import_module(f".{name}", __package__)
    full = f"{__package__}.{name}{_SUFFIX}"
    spec = importlib.util.spec_from_file_location(full, os.path.join(os.path.dirname(__file__), f"{name}.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Numba looks the module up by name when it loads from its cache.
    sys.modules[full] = module
    spec.loader.exec_module(module)
    return module


def sibling(module: str, name: str, *functions: str) -> list[Any]:
    """Functions of another module of loops: compiled ones for a module that is compiled, else plain ones."""
    found = loops(name, module.endswith(_SUFFIX))
    return [getattr(found, f) for f in functions]


@functools.cache
def is_cached(name: str) -> bool:
    """Whether every function of a module of loops has been compiled on this machine before."""
    if not compiler_available():
        return False
    from numba.core.dispatcher import Dispatcher

    module = loops(name, True)
    functions = [f for f in vars(module).values() if isinstance(f, Dispatcher)]
    return all(_has_entries(f) for f in functions)


def _has_entries(function: Any) -> bool:
    try:
        return bool(function._cache._cache_file._load_index())
    except (AttributeError, OSError):
        return False
