"""A stand-in for CuPy on machines without a GPU: NumPy behind CuPy's rules.

Arrays on the "device" do not mix with NumPy arrays and do not become NumPy arrays by themselves, results are never
scalars, kernels are compiled as C++ for the CPU, and a recorded graph runs its calls again over the same buffers. It
shows mistakes in what weft does with CuPy, not in CuPy.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import functools
import operator
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

COMPILER = shutil.which("g++")

_HOST = (np.ndarray,)
_recording: list[Any] | None = None


class ndarray:
    """An array on the device."""

    __array_priority__ = 1000

    def __init__(self, values: Any) -> None:
        self._values = np.asarray(values)

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()`.")

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **keywords: Any) -> Any:
        return _apply(getattr(ufunc, method), *inputs, **keywords)

    def __array_function__(self, function: Any, types: Any, args: Any, keywords: Any) -> Any:
        return _apply(function, *args, **keywords)

    def __getattr__(self, name: str) -> Any:
        found = getattr(object.__getattribute__(self, "_values"), name)
        if not callable(found):
            return found if not isinstance(found, np.ndarray) else _apply(operator.attrgetter(name), self)
        return lambda *args, **keywords: _apply(
            lambda x, *a, **k: getattr(x, name)(*a, **k), self, *args, **keywords
        )

    def get(self) -> Any:
        return self._values.copy()

    def set(self, values: Any) -> None:
        assert isinstance(values, np.ndarray)
        self._values[...] = values

    def item(self) -> Any:
        return self._values.item()

    def __getitem__(self, index: Any) -> Any:
        return _apply(operator.getitem, self, index, mixed=True)

    def __setitem__(self, index: Any, value: Any) -> None:
        _apply(operator.setitem, self, index, value, mixed=True)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self._values)))

    def __len__(self) -> int:
        return len(self._values)

    def __bool__(self) -> bool:
        return bool(self._values)

    def __int__(self) -> int:
        return int(self._values)

    def __index__(self) -> int:
        return operator.index(self._values.item())

    def __float__(self) -> float:
        return float(self._values)

    def __hash__(self) -> int:
        raise TypeError("unhashable type: 'ndarray'")


def _operator(name: str) -> Callable[..., Any]:
    return lambda self, *others: _apply(lambda x, *ys: getattr(np.asarray(x), name)(*ys), self, *others)


_OPERATORS = (
    "add radd sub rsub mul rmul truediv rtruediv floordiv rfloordiv mod rmod pow rpow matmul rmatmul lt le gt ge "
    "eq ne and rand or ror xor rxor lshift rlshift rshift rrshift neg pos abs invert"
)
for _name in _OPERATORS.split():
    setattr(ndarray, f"__{_name}__", _operator(f"__{_name}__"))


def _unwrapped(value: Any, mixed: bool) -> Any:
    if isinstance(value, ndarray):
        return value._values
    if isinstance(value, _HOST) and not mixed:
        raise TypeError(f"Unsupported type {type(value)}")
    if isinstance(value, (list, tuple)):
        return _rebuilt(value, [_unwrapped(v, mixed) for v in value])
    return value


def _wrapped(value: Any) -> Any:
    if isinstance(value, (np.ndarray, np.generic)):
        return ndarray(value)
    if isinstance(value, (list, tuple)):
        return _rebuilt(value, [_wrapped(v) for v in value])
    return value


def _rebuilt(like: Any, members: list[Any]) -> Any:
    return type(like)(*members) if hasattr(like, "_fields") else type(like)(members)


def _apply(function: Callable[..., Any], *args: Any, mixed: bool = False, **keywords: Any) -> Any:
    """Calls a NumPy function on device arrays; notes the call where a graph is recorded."""

    def call() -> Any:
        given = {k: _unwrapped(v, mixed) for k, v in keywords.items()}
        return function(*(_unwrapped(a, mixed) for a in args), **given)

    out = _wrapped(call())
    if _recording is not None:
        _recording.append((call, out))
    return out


def asarray(value: Any, dtype: Any = None) -> ndarray:
    if isinstance(value, ndarray):
        return value if dtype is None or value.dtype == dtype else value.astype(dtype)
    if np.asarray(value).dtype.kind in "OV":
        raise TypeError(f"Unsupported dtype {np.asarray(value).dtype}")
    if isinstance(value, np.ndarray):
        cuda._allocate_pinned(value.nbytes)
    return ndarray(np.array(value, dtype=dtype))


def array(value: Any, dtype: Any = None, copy: bool = True) -> ndarray:
    made = asarray(value, dtype)
    return made.copy() if made is value and copy else made


def asnumpy(value: Any) -> Any:
    if _recording is not None:
        raise RuntimeError("cudaErrorStreamCaptureUnsupported")
    return value.get() if isinstance(value, ndarray) else np.asarray(value)


def copyto(target: ndarray, source: Any) -> None:
    np.copyto(target._values, source._values)


class _Pool:
    def malloc(self, size: int) -> None:
        return None


@functools.cache
def get_default_pinned_memory_pool() -> _Pool:
    return _Pool()


class _Graph:
    def __init__(self, calls: list[Any]) -> None:
        self.calls = calls

    def launch(self) -> None:
        for call, out in self.calls:
            for buffer, value in zip(_flat(out), _flat(call()), strict=True):
                buffer._values[...] = value


def _flat(value: Any) -> list[Any]:
    if isinstance(value, (list, tuple)):
        return [v for member in value for v in _flat(member)]
    return [value] if isinstance(value, (ndarray, np.ndarray, np.generic)) else []


class _Stream:
    def __init__(self, non_blocking: bool = False) -> None: ...

    def __enter__(self) -> _Stream:
        return self

    def __exit__(self, *_: object) -> None: ...

    def synchronize(self) -> None: ...

    def begin_capture(self) -> None:
        global _recording
        _recording = []

    def end_capture(self) -> _Graph:
        global _recording
        calls, _recording = _recording, None
        assert calls is not None
        return _Graph(calls)


class cuda:
    """The part of `cupy.cuda` that weft uses."""

    MemoryPool = _Pool
    Stream = _Stream
    _allocate_pinned: Any = staticmethod(lambda size: None)

    @staticmethod
    def set_pinned_memory_allocator(allocate: Any) -> None:
        cuda._allocate_pinned = staticmethod(allocate)

    @staticmethod
    def using_allocator(_: Any) -> Any:
        return contextlib.nullcontext()

    @staticmethod
    def get_current_stream() -> _Stream:
        return _Stream()


_C_TYPES = {"float32": "float", "float64": "double", "int32": "int", "int64": "long long", "bool": "bool"}
_BUILT = Path(tempfile.mkdtemp(prefix="weft-kernels-"))
atexit.register(shutil.rmtree, _BUILT, ignore_errors=True)


class ElementwiseKernel:
    """A CUDA kernel, compiled for the CPU."""

    def __init__(self, in_params: str, out_params: str, operation: str, name: str) -> None:
        self.inputs = [p.split() for p in in_params.split(", ")]
        self.outputs = [p.split() for p in out_params.split(", ")]
        self.operation = operation
        self.name = name

    def __call__(self, *args: Any) -> Any:
        assert len(args) == len(self.inputs), f"{self.name} takes {len(self.inputs)} arrays, got {len(args)}"
        assert all(isinstance(a, ndarray) for a in args)
        return _apply(self.run, *args)

    def run(self, *args: Any) -> Any:
        generic = next((a.dtype.name for (t, _), a in zip(self.inputs, args, strict=True) if t == "T"), "")
        for (kind, name), array in zip(self.inputs, args, strict=True):
            wanted = generic if kind == "T" else kind
            assert array.dtype.name == wanted, f"{self.name}: {name} is {array.dtype}, not {wanted}"
        given = [np.ascontiguousarray(a) for a in np.broadcast_arrays(*args)]
        kinds = [generic if t == "T" else t for t, _ in self.outputs]
        made = [np.empty(np.broadcast_shapes(*(a.shape for a in args)), k) for k in kinds]
        pointers = [a.ctypes.data_as(ctypes.c_void_p) for a in (*given, *made)]
        _compiled(self.source(generic))(ctypes.c_longlong(made[0].size), *pointers)
        return tuple(made) if len(made) > 1 else made[0]

    def source(self, generic: str) -> str:
        ctype = lambda kind: _C_TYPES[generic if kind == "T" else kind]  # noqa: E731
        parameters = [f"const {ctype(t)}* _{n}" for t, n in self.inputs] + [
            f"{ctype(t)}* _{n}" for t, n in self.outputs
        ]
        names = [f"const {ctype(t)} {n} = _{n}[_i];" for t, n in self.inputs] + [
            f"{ctype(t)}& {n} = _{n}[_i];" for t, n in self.outputs
        ]
        return (
            "#include <cmath>\nusing namespace std;\n"
            + (f"typedef {_C_TYPES[generic]} T;\n" if generic else "")
            + f'extern "C" void run(long long _n, {", ".join(parameters)}) {{\n'
            + "for (long long _i = 0; _i < _n; ++_i) {\n"
            + "\n".join(names)
            + f"\n{self.operation}\n}}\n}}\n"
        )


@functools.cache
def _compiled(source: str) -> Any:
    assert COMPILER is not None
    stem = _BUILT / f"k{len(list(_BUILT.iterdir()))}"
    stem.with_suffix(".cpp").write_text(source)
    library = stem.with_suffix(".so")
    command = [COMPILER, "-O0", "-shared", "-fPIC", "-w", "-o", library, stem.with_suffix(".cpp")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stderr}\n{source}"
    return ctypes.CDLL(str(library)).run


_SCATTERING = {"add", "subtract", "maximum", "minimum", "bitwise_and", "bitwise_or", "bitwise_xor"}
"""The ufuncs whose `at` CuPy has."""


class _Function:
    """NumPy's function of that name, on device arrays."""

    def __init__(self, function: Any) -> None:
        self._function = function

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        return _apply(self._function, *args, **keywords)

    def __getattr__(self, name: str) -> Any:
        if name == "at" and self._function.__name__ not in _SCATTERING:
            raise NotImplementedError(f"`cupy_{self._function.__name__}.at` is not supported yet")
        return _Function(getattr(self._function, name))


class _Namespace:
    def __init__(self, module: Any) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return _found(self._module, name)


def _found(module: Any, name: str) -> Any:
    found = getattr(module, name)
    if isinstance(found, ModuleType):
        return _Namespace(found)
    return _Function(found) if callable(found) and not isinstance(found, type) else found


def __getattr__(name: str) -> Any:
    return _found(np, name)


def modules() -> dict[str, Any]:
    """What `sys.modules` has to hold for code that imports CuPy."""
    import sys

    import scipy.special

    special = _Namespace(scipy.special)
    cupyx, cupyx_scipy = ModuleType("cupyx"), ModuleType("cupyx.scipy")
    cupyx_scipy.special = special  # type: ignore[attr-defined]
    cupyx.scipy = cupyx_scipy  # type: ignore[attr-defined]
    return {
        "cupy": sys.modules[__name__],
        "cupyx": cupyx,
        "cupyx.scipy": cupyx_scipy,
        "cupyx.scipy.special": special,
    }
