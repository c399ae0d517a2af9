"""Which function computes which op on which backend.

A kernel is written once against an array namespace (`c.xp` is `numpy`, `cupy` or `jax.numpy`) and registered
for every backend; where one library needs its own way, `kernels/<backend>/<family>.py` registers an override.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from ..graph.dtypes import DType
from ..graph.errors import UnimplementedError
from ..graph.ir import Node

__all__ = [
    "BACKEND_NAMES",
    "Kernel",
    "KernelContext",
    "bind",
    "find_kernel",
    "kernel",
    "prepare",
    "resolve",
    "specialize",
    "specializer",
    "supports",
    "ufunc",
    "waive",
    "waiver",
]

BACKEND_NAMES = ("numpy", "jax", "cupy", "null")

KernelFunction = Callable[..., Any]


@dataclass(frozen=True)
class Kernel:
    """One registered kernel.

    Attributes:
        function: `function(c, *inputs)`; see `kernel`.
        host: whether it computes on host arrays, whatever the backend (strings, codecs, Python functions).
        direct: name of a function of the array namespace that takes just the inputs and can be called in the
            kernel's place; saves a Python call per op.
        reserve: for a random op, how many 128-bit samples a run takes from its stream, from
            (context, output shape).
    """

    function: KernelFunction
    host: bool = False
    direct: str = ""
    reserve: Callable[[KernelContext, tuple[int, ...]], int] | None = None


@dataclass(slots=True)
class KernelContext:
    """What a kernel knows of the node that it computes.

    Attributes:
        xp: the array namespace: `numpy`, `cupy` or `jax.numpy`; `numpy` for a host kernel.
        backend: name of the backend that runs it.
        node: the node; its name and source are for error messages.
        attrs: the node's attributes.
        in_types: element type of each input (of the variable's value where the input is a handle).
        out_types: element type of each output.
        runtime: what an effect may touch (`weft.actors.device.Runtime`); None for all other kernels.
        functions: compiled bodies of the functions that the attributes name, by name.
    """

    xp: Any
    backend: str
    node: Node
    attrs: Mapping[str, Any]
    in_types: Sequence[DType]
    out_types: Sequence[DType]
    runtime: Any = None
    functions: Mapping[str, Any] = field(default_factory=dict)

    @property
    def out_dtype(self) -> Any:
        """NumPy element type of the first output."""
        return self.out_types[0].np


def _no_values(c: KernelContext, *inputs: Any) -> Any:
    raise UnimplementedError(c.node.name, f"backend null computes shapes, not the values of {c.node.op}")


_SHAPES_ONLY = Kernel(_no_values)
"""Stands for a kernel where the null backend is asked for one: it knows every op by its shape rule."""

Specializer = Callable[[KernelContext, Mapping[int, Any]], "KernelFunction | None"]

_SHARED: dict[str, Kernel] = {}
_OVERRIDES: dict[str, dict[str, Kernel]] = {name: {} for name in BACKEND_NAMES}
_WAIVERS: dict[tuple[str, str], str] = {}
_SPECIALIZED: dict[tuple[str, str], Specializer] = {}
_LOADED: set[str] = set()
_LOADING = threading.RLock()


def kernel(
    *op_types: str,
    on: str | Sequence[str] = (),
    host: bool = False,
    direct: str = "",
    reserve: Callable[[KernelContext, tuple[int, ...]], int] | None = None,
) -> Callable[[KernelFunction], KernelFunction]:
    """Registers the decorated function as kernel of the op types.

    The function is called as `function(c, *inputs)`: `c` is a `KernelContext`, the inputs are arrays of the
    backend (flattened in order). It returns the output array, a tuple of them for several outputs, or None
    for none. It must not change its inputs. For ops that use variables it takes the variable's value in the
    place of the handle (None where the op does not read it) and returns the new value of each written
    variable first. For a random op the last input is the position in the op's stream, in 128-bit samples, as
    a uint64 scalar.

    Args:
        *op_types: op types, when several are computed alike.
        on: backends that this is an override for; empty for the shared kernel of all.
        host, direct, reserve: see `Kernel`.
    """

    def register(function: KernelFunction) -> KernelFunction:
        made = Kernel(function, host, direct, reserve)
        for table in _tables(on):
            for op_type in op_types:
                if op_type in table:
                    raise ValueError(f"A kernel for {op_type} is registered twice.")
                table[op_type] = made
        return function

    return register


def _tables(on: str | Sequence[str]) -> list[dict[str, Kernel]]:
    names = [on] if isinstance(on, str) else list(on)
    return [_OVERRIDES[n] for n in names] if names else [_SHARED]


def ufunc(op_type: str, name: str) -> None:
    """Registers the array namespace's own function `name` (dotted: `linalg.det`) as kernel of an op type."""
    first, _, rest = name.partition(".")

    def call(c: KernelContext, *inputs: Any) -> Any:
        function = getattr(c.xp, first)
        return (getattr(function, rest) if rest else function)(*inputs)

    kernel(op_type, direct=name)(call)


def specialize(*op_types: str, on: str) -> Callable[[Specializer], Specializer]:
    """Registers a way to make a faster function for one node, once the values of its host inputs are known.

    The decorated function is called as `make(c, known)` with the node's context and its host inputs' values
    by position; it gives a function of the inputs that are left, or None where the kernel itself must do. A C
    function spares the Python call and the reading of axes and attributes on every run.
    """

    def register(make: Specializer) -> Specializer:
        for op_type in op_types:
            _SPECIALIZED[op_type, on] = make
        return make

    return register


def specializer(op_type: str, backend: str) -> Specializer | None:
    """What makes functions for single nodes of an op type, or None."""
    _load(backend)
    return _SPECIALIZED.get((op_type, backend))


def waive(op_type: str, backend: str, reason: str) -> None:
    """Says in words why a backend has no kernel for an op type."""
    _WAIVERS[op_type, backend] = reason


def waiver(op_type: str, backend: str) -> str | None:
    """Why a backend has no kernel for an op type, or None."""
    _load(backend)
    return _WAIVERS.get((op_type, backend))


def find_kernel(op_type: str, backend: str) -> Kernel | None:
    """The kernel that computes an op type on a backend (`jax`, or `jax:gpu:1`), or None."""
    backend = backend.partition(":")[0]
    _load(backend)
    if backend == "null":
        return _SHARED.get(op_type) or _SHAPES_ONLY
    return _OVERRIDES[backend].get(op_type) or (
        None if (op_type, backend) in _WAIVERS else _SHARED.get(op_type)
    )


def supports(op_type: str, backend: str) -> bool:
    """Whether a backend can compute an op type."""
    return find_kernel(op_type, backend) is not None


def bind(
    node: Node,
    backend: str,
    xp: Any,
    in_types: Sequence[DType],
    runtime: Any = None,
    functions: Mapping[str, Any] | None = None,
) -> Callable[..., Any]:
    """The node's kernel with its context bound: a function of the input arrays alone.

    Raises:
        UnimplementedError: the backend has no kernel for the op type; the message says why, where known.
    """
    function, context = prepare(node, backend, xp, in_types, runtime, functions)
    if context is None:
        return function

    def call(*inputs: Any) -> Any:
        return function(context, *inputs)

    return call


def prepare(
    node: Node,
    backend: str,
    xp: Any,
    in_types: Sequence[DType],
    runtime: Any = None,
    functions: Mapping[str, Any] | None = None,
) -> tuple[Callable[..., Any], KernelContext | None]:
    """The node's kernel and its context, for callers that write the call themselves.

    Returns:
        `(function, context)`, to be called as `function(context, *inputs)`; or, where a function of the array
        namespace does it, `(function, None)`, to be called as `function(*inputs)`.

    Raises:
        UnimplementedError: the backend has no kernel for the op type; the message says why, where known.
    """
    found = find_kernel(node.op, backend)
    if found is None:
        why = waiver(node.op, backend)
        raise UnimplementedError(
            node.name,
            f"{node.op} '{node.name}': no kernel on backend {backend}{f': {why}' if why else ''}",
            "",
            node.source,
        )
    if found.direct:
        return resolve(xp, found.direct), None
    context = KernelContext(xp, backend, node, node.attrs, in_types, node.types, runtime, functions or {})
    return found.function, context


def resolve(xp: Any, name: str) -> Callable[..., Any]:
    """The array namespace's function of that dotted name."""
    found: Any = xp
    for part in name.split("."):
        found = getattr(found, part)
    return found  # type: ignore[no-any-return]


_FAMILIES = (
    "accumulators",
    "activation",
    "array",
    "beams",
    "bitwise",
    "blocks",
    "bounded_normal",
    "boxes",
    "candidate",
    "checks",
    "color",
    "compare",
    "complex",
    "control",
    "conv",
    "crop_resize",
    "ctc",
    "datasets",
    "decompositions",
    "depthwise",
    "dilation",
    "distorted_box",
    "einsum",
    "encoding",
    "fft",
    "filling",
    "fractional",
    "functional",
    "gather_nd",
    "glimpse",
    "image_codecs",
    "image_patches",
    "indexing",
    "io",
    "jax_function",
    "joining",
    "linalg",
    "losses",
    "math",
    "matmul",
    "matrix_parts",
    "norm",
    "optional",
    "padding",
    "parsing",
    "partition",
    "pool",
    "pool_argmax",
    "quantization",
    "queues",
    "random",
    "readers",
    "reduction",
    "reinterpret",
    "resize",
    "rolling",
    "samplers",
    "scan",
    "scatter",
    "script",
    "segments",
    "shaping",
    "slicing",
    "sorting",
    "source",
    "sparse",
    "sparse_math",
    "special",
    "stacks",
    "state",
    "strings",
    "summary_ops",
    "tables",
    "tensor_array",
    "tensor_list",
    "training_ops",
    "unary",
)
"""Modules of shared kernels, mirroring `graph/ops`."""


def _load(backend: str) -> None:
    """Imports the shared kernels and the backend's own."""
    if backend in _LOADED:
        return
    # Several threads may ask first at the same time; none may go on with half of the kernels.
    with _LOADING:
        if backend not in _LOADED:
            _import_families(backend)
            _LOADED.add(backend)


def _import_families(backend: str) -> None:
    if backend not in _OVERRIDES:
        raise UnimplementedError(
            None, f"there is no backend {backend!r}; there are {', '.join(BACKEND_NAMES)}"
        )
    package = __package__ or "weft.kernels"
    for family in _FAMILIES:
        importlib.import_module(f".{family}", package)
    own: ModuleType = importlib.import_module(f".{backend}", package)
    for family in getattr(own, "OVERRIDES", ()):
        importlib.import_module(f".{backend}.{family}", package)
