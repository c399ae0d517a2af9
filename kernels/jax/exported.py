"""JAX functions as data: traced to StableHLO, read back, called.

A module may come from a file. StableHLO computes with arrays, but a custom call in it may reach native code, so only
those targets are let through that JAX itself promises to keep (its list for exported functions).
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...graph.dtypes import as_dtype
from ...graph.errors import InvalidArgumentError
from ...graph.shapes import TensorShape

__all__ = ["PLATFORMS", "Traced", "call", "flattened", "nested", "on_cpu", "trace"]

PLATFORMS = ("cpu", "cuda", "tpu")


@dataclass(frozen=True)
class Traced:
    """A JAX function as the attributes of an op.

    Attributes:
        attrs: attributes of an XlaCallModule op, `Tin` left out.
        structure: the tree of its results.
    """

    attrs: dict[str, Any]
    structure: Any


def flattened(arguments: Any) -> tuple[list[Any], Any]:
    """The leaves of nested tuples, lists and dicts in JAX's order, and what `nested` needs to put them back."""
    import jax

    leaves, tree = jax.tree_util.tree_flatten(arguments)
    return leaves, tree


def nested(tree: Any, leaves: Iterable[Any]) -> Any:
    """Leaves in the places that they had when `flattened` gave `tree`."""
    import jax

    return jax.tree_util.tree_unflatten(tree, leaves)


def trace(
    function: Callable[..., Any],
    arguments: Sequence[Any],
    types: Sequence[Any],
    shapes: Sequence[TensorShape],
    order: int,
    platforms: Sequence[str],
) -> Traced:
    """Traces a JAX function for arguments of those types and shapes.

    Args:
        function: takes `arguments` with arrays in the place of their leaves.
        arguments: nested tuples, lists and dicts.
        types, shapes: of the leaves, in JAX's order.
        order: how often the result can be differentiated.
        platforms: JAX's names of the platforms that it is to run on.
    """
    import jax

    tree = jax.tree_util.tree_structure(tuple(arguments))
    structure: list[Any] = []

    def flat(*values: Any) -> list[Any]:
        results = function(*jax.tree_util.tree_unflatten(tree, values))
        found, made = jax.tree_util.tree_flatten(results)
        structure[:] = [made]
        return [jax.numpy.asarray(value) for value in found]

    wide = any(t.size >= (16 if t.is_complex else 8) for t in types)
    with jax.enable_x64(wide):
        specs = _specs(types, shapes)
        exported, attrs = _exported(flat, specs, platforms, "")
        outputs = [as_dtype(a.dtype) for a in exported.out_avals]
        current, kinds, results = flat, list(types), outputs
        for depth in range(1, order + 1):
            given = [i for i, t in enumerate(results) if t.is_floating or t.is_complex]
            wanted = [i for i, t in enumerate(kinds) if t.is_floating or t.is_complex]
            if not given or not wanted:
                break
            current = _pullback(current, len(kinds), wanted, given)
            cotangents = [jax.ShapeDtypeStruct(exported.out_avals[i].shape, results[i].np) for i in given]
            specs = [*specs, *cotangents]
            kinds, results = [*kinds, *(results[i] for i in given)], [kinds[i] for i in wanted]
            exported, more = _exported(current, specs, platforms, "_vjp" * depth)
            attrs.update(more)
    return Traced({**attrs, "Tout": outputs}, structure[0])


def _pullback(function: Any, count: int, wanted: Sequence[int], given: Sequence[int]) -> Callable[..., Any]:
    """The function's derivative: from its arguments and the gradients of its results to those of its arguments."""
    import jax
    import jax.numpy as jnp

    def pull(*values: Any) -> list[Any]:
        arguments, grads = list(values[:count]), values[count:]

        def of_wanted(*chosen: Any) -> list[Any]:
            full = list(arguments)
            for i, value in zip(wanted, chosen, strict=True):
                full[i] = value
            results = function(*full)
            return [results[i] for i in given]

        _, back = jax.vjp(of_wanted, *(arguments[i] for i in wanted))
        # TensorFlow's gradient of a complex number is the conjugate of JAX's.
        found = back([jnp.conj(g) if jnp.iscomplexobj(g) else g for g in grads])
        return [jnp.conj(g) if jnp.iscomplexobj(g) else g for g in found]

    return pull


def _specs(types: Sequence[Any], shapes: Sequence[TensorShape]) -> list[Any]:
    """What is known of the arguments: unknown first dimensions are one and the same batch, others differ."""
    import jax
    from jax import export

    scope = export.SymbolicScope()
    specs = []
    for number, (dtype, shape) in enumerate(zip(types, shapes, strict=True)):
        if shape.rank is None:
            raise ValueError(f"jax_function: argument {number} must have a known rank.")
        names = [
            str(d) if d is not None else ("batch" if axis == 0 else f"d{number}_{axis}")
            for axis, d in enumerate(shape.as_list())
        ]
        dims = export.symbolic_shape(",".join(names), scope=scope) if names else ()
        specs.append(jax.ShapeDtypeStruct(dims, dtype.np))
    return specs


def _exported(function: Any, specs: Sequence[Any], platforms: Sequence[str], prefix: str) -> tuple[Any, Any]:
    import jax
    from jax import export

    jitted = jax.jit(function)
    made = export.export(jitted, platforms=tuple(platforms))(*specs)
    record = dataclasses.replace(made, mlir_module_serialized=b"", _get_vjp=None)
    attrs: dict[str, Any] = {
        f"{prefix}_exported": bytes(record.serialize()),
        f"{prefix}_flops_per_element": _flops_per_element(jitted, specs),
    }
    if prefix:
        attrs[f"{prefix}_module"] = made.mlir_module_serialized
    else:
        attrs |= {
            "module": made.mlir_module_serialized,
            "version": made.calling_convention_version,
            "platforms": [p.upper() for p in made.platforms],
            "Sout": [_shape(a.shape) for a in made.out_avals],
        }
    return made, attrs


def _shape(dims: Sequence[Any]) -> TensorShape:
    return TensorShape([d if isinstance(d, int) else None for d in dims])


def _flops_per_element(jitted: Any, specs: Sequence[Any]) -> float:
    """FLOPs of one run over the number of elements of the arguments, with 32 for a size that is not known."""
    import jax

    known = [jax.ShapeDtypeStruct([d if isinstance(d, int) else 32 for d in s.shape], s.dtype) for s in specs]
    try:
        found = jitted.lower(*known).cost_analysis() or {}
    except (NotImplementedError, RuntimeError, TypeError, ValueError):
        found = {}
    count = sum(int(np.prod(s.shape, dtype=np.int64)) for s in known)
    return max(float(found.get("flops", 0.0)), 1.0) / max(count, 1)


_CALLS = re.compile(r"custom_call\s+@([\w.\-]+)|call_target_name\s*=\s*\"([^\"]*)\"")


def _allowed_calls() -> frozenset[str]:
    from jax._src.export import _export

    return frozenset(getattr(_export, "_CUSTOM_CALL_TARGETS_GUARANTEED_STABLE", ()))


@functools.lru_cache(maxsize=256)
def _read(module: bytes, record: bytes) -> Any:
    """The function that the two attributes hold, compiled when it is called.

    Raises:
        ValueError: they hold none, or one that calls what is not array arithmetic.
    """
    import jax
    from jax import export

    try:
        found = export.deserialize(bytearray(record))
        found = dataclasses.replace(found, mlir_module_serialized=module)
        text = found.mlir_module()
    except Exception as error:
        raise ValueError(f"the module cannot be read: {type(error).__name__}: {error}") from None
    targets = {a or b for a, b in _CALLS.findall(text)} - _allowed_calls()
    if targets:
        raise ValueError(f"the module calls {', '.join(sorted(targets))}, which a graph may not")
    return jax.jit(found.call)


def call(c: Any, *inputs: Any) -> Any:
    """Calls the function of a node, on arrays or tracers of JAX.

    Raises:
        InvalidArgumentError: the node holds no function of JAX's, or the arguments do not fit it.
    """
    record = c.attrs.get("_exported")
    if record is None:
        _fail(c, "the module was not written by jax_function")
    try:
        results = _read(_bytes(c.attrs["module"]), _bytes(record))(*inputs)
    except ValueError as error:
        _fail(c, str(error))
    results = list(results) if isinstance(results, (list, tuple)) else [results]
    if [np.dtype(r.dtype) for r in results] != [np.dtype(t.np) for t in c.out_types]:
        _fail(c, f"the module gives {[str(r.dtype) for r in results]}, Tout says otherwise")
    return tuple(results) if len(results) != 1 else results[0]


def _fail(c: Any, rule: str) -> Any:
    raise InvalidArgumentError(
        c.node.name, f"{c.node.op} '{c.node.name}': {rule}", "", c.node.source
    ) from None


def _bytes(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value)


def on_cpu(c: Any, *inputs: Any) -> Any:
    """Calls the function of a node on NumPy arrays, through XLA on the CPU."""
    import jax

    with jax.enable_x64(True), jax.default_device(jax.devices("cpu")[0]):
        found = call(c, *inputs)
        several = found if isinstance(found, tuple) else (found,)
        arrays = tuple(np.asarray(value) for value in several)
    return arrays if isinstance(found, tuple) else arrays[0]


def on_gpu(c: Any, *inputs: Any) -> Any:
    """Calls the function of a node on CuPy arrays, through XLA on the same GPU, without copies."""
    import jax

    with jax.enable_x64(True):
        taken = [jax.dlpack.from_dlpack(value) for value in inputs]
        device = next(iter(taken[0].devices())) if taken else jax.devices("gpu")[0]
        with jax.default_device(device):
            found = call(c, *taken)
        several = found if isinstance(found, tuple) else (found,)
        arrays = tuple(c.xp.from_dlpack(value) for value in several)
    return arrays if isinstance(found, tuple) else arrays[0]
