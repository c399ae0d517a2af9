"""A segment as XLA programs: one `jax.jit` per piece, nodes that cannot be compiled in between."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ...graph.errors import InternalError
from ..bodies import compiled_bodies
from ..numpy.program import generate, node_error
from ..registry import KernelContext, find_kernel, prepare
from ..segment import Segment, SegmentNode, host_arguments
from .pieces import SHAPE_ONLY, CannotTrace, Piece, cut

__all__ = ["JaxProgram", "Placed", "cannot_compile"]

_LOG = logging.getLogger("weft.kernels.jax")

_HELD_BYTES = 64 * 1024
"""Constants from this size on are arguments of the compiled program instead of part of it."""

_MANY_SHAPES = """%s has been compiled for %d sets of input shapes (or of values that shapes follow from); the next
ones run on NumPy instead, because compiling takes longer than running. Feed batches of one size (drop the remainder,
pad the last batch) to stay with XLA."""


class Placed:
    """Where a program runs.

    Attributes:
        device: the JAX device, or None for JAX's own choice.
        platform: "cpu", "gpu" or "tpu".
        max_shapes: how many sets of input shapes one piece is compiled for.
    """

    def __init__(self, device: Any, platform: str) -> None:
        self.device = device
        self.platform = platform
        self.max_shapes = 4 if platform == "cpu" else 16
        self.last: Any = None
        """A result of the program that was started last."""

    def run(self, function: Callable[..., Any], arrays: Sequence[Any]) -> Any:
        """Calls something compiled or traced here, in 64-bit mode, whatever JAX's global settings."""
        import jax

        if self.device is None:
            with jax.enable_x64(True):
                results = function(*arrays)
        else:
            with jax.enable_x64(True), jax.default_device(self.device):
                results = function(*arrays)
        if results:
            self.last = results[0]
        return results


class JaxProgram:
    """One segment, ready to be called; see `Backend.compile`."""

    def __init__(self, segment: Segment, placed: Placed) -> None:
        self.segment = segment
        self.bodies = _traceable_bodies(segment)
        self.steps = [self.step(piece, placed) for piece in cut(segment, self.runs_alone)]
        only = self.steps[0] if len(self.steps) == 1 else None
        same = only is not None and (only.inputs, only.outputs) == (segment.inputs, segment.outputs)
        self.whole = only if same else None

    def runs_alone(self, row: SegmentNode) -> bool:
        return cannot_compile(row, self.segment.functions)

    def step(self, piece: Piece, placed: Placed) -> _Alone | _Compiled:
        if piece.alone:
            return _Alone(piece, self.segment, placed)
        return _Compiled(piece, self.segment, self.bodies, placed)

    def __call__(self, values: Sequence[Any]) -> Sequence[Any]:
        if self.whole is not None:
            return self.whole.run(values)
        slots = dict(zip(self.segment.inputs, values, strict=True))
        for step in self.steps:
            results = step.run([slots[s] for s in step.inputs])
            slots.update(zip(step.outputs, results, strict=True))
        constants = self.segment.constants
        return [slots[s] if s in slots else constants[s] for s in self.segment.outputs]


def cannot_compile(row: SegmentNode, functions: Mapping[str, Any]) -> bool:
    """Whether a node runs on its own: results of unknown shape, text, host kernels, bodies that hold such nodes."""
    from ...graph.attributes import FunctionRef
    from ..bodies import body_segment

    node = row.node
    if node.decl.dynamic or any(t.kind in "srv" for t in (*row.in_types, *node.types)):
        return True
    found = find_kernel(node.op, "jax")
    if found is not None and found.host:
        return True
    for value in node.attrs.values():
        for ref in value if isinstance(value, tuple) else (value,):
            if isinstance(ref, FunctionRef) and ref.name in functions:
                body = body_segment(functions[ref.name], functions)
                pieces = cut(body, lambda r: cannot_compile(r, functions))
                if len(pieces) > 1 or any(p.alone for p in pieces):
                    return True
                if node.op in ("While", "StatelessWhile") and _varies(body, pieces):
                    return True
    return False


def _varies(body: Segment, pieces: Sequence[Piece]) -> bool:
    """Whether what the shapes in a loop's body follow from changes from one iteration to the next."""
    same = {s for s, o in zip(body.inputs, body.outputs, strict=False) if s == o}
    only_condition = len(body.outputs) < len(body.inputs)
    return any(not only_condition and s not in same for p in pieces for s in p.static)


class _Tracer:
    """Computes the nodes of a piece on tracers, or, where their inputs are known, on NumPy arrays.

    Args:
        piece: the nodes.
        constants: values of the constant slots.
        bodies: compiled bodies of functions, traceable.
    """

    def __init__(self, piece: Piece, constants: Mapping[int, Any], bodies: Mapping[str, Any]) -> None:
        import jax.numpy as jnp

        self.constants = constants
        self.calls: list[tuple[SegmentNode, Callable[..., Any], KernelContext | None, Any]] = []
        self.asarray = jnp.asarray
        for index, row in enumerate(piece.rows):
            host = index in piece.hosts
            name, xp = ("numpy", np) if host else ("jax", jnp)
            function, context = prepare(row.node, name, xp, row.in_types, None, bodies)
            left = range(len(row.args)) if host else host_arguments(row)
            self.calls.append((row, function, context, frozenset(left)))

    def run(self, slots: dict[int, Any]) -> dict[int, Any]:
        """Fills the slots of all results."""
        for row, function, context, left in self.calls:
            args = [self.argument(a, p in left, slots) for p, a in enumerate(row.args)]
            if row.node.op in SHAPE_ONLY and left:
                args = [_of_shape(a) for a in args]
            try:
                with np.errstate(all="ignore"):
                    result = function(*args) if context is None else function(context, *args)
            except CannotTrace:
                raise
            except Exception as error:
                values = {f"v{a}": v for a, v in zip(row.args, args, strict=True)}
                raise node_error(error, row, values) from error
            _store(row, result, slots)
        return slots

    def argument(self, slot: int | None, as_it_is: bool, slots: Mapping[int, Any]) -> Any:
        if slot is None:
            return None
        value = slots[slot] if slot in slots else self.constants[slot]
        return value if as_it_is else self.asarray(value)


def _of_shape(value: Any) -> Any:
    """A NumPy array of a tracer's shape, without memory of that size."""
    return np.broadcast_to(np.empty((), value.dtype), np.shape(value))


def _store(row: SegmentNode, result: Any, slots: dict[int, Any]) -> None:
    outs = row.outs
    if len(outs) == 1:
        result = (result[0] if isinstance(result, (tuple, list)) else result,)
    made = zip(outs, result if outs else (), strict=True)
    slots.update({slot: value for slot, value in made if slot is not None})


class _Compiled:
    """A piece that is compiled, once for each set of input shapes and static values, up to a number of them."""

    def __init__(self, piece: Piece, segment: Segment, bodies: Mapping[str, Any], placed: Placed) -> None:
        self.piece = piece
        self.inputs = piece.inputs
        self.outputs = piece.outputs
        self.segment = segment
        self.placed = placed
        large = {s: v for s, v in segment.constants.items() if np.asarray(v).nbytes >= _HELD_BYTES}
        used = {s for row in piece.rows for s in row.args}
        hosts = {s for i, row in enumerate(piece.rows) for s in _host_slots(row, i in piece.hosts)}
        self.held_slots = tuple(s for s in large if s in used and s not in hosts)
        self.held: list[Any] | None = None
        constants = {s: v for s, v in segment.constants.items() if s not in self.held_slots}
        self.tracer = _Tracer(piece, constants, bodies)
        self.static = tuple(p for p, s in enumerate(piece.inputs) if s in piece.static)
        self.dynamic = tuple(p for p, s in enumerate(piece.inputs) if s not in piece.static)
        self.donated = tuple(i for i, p in enumerate(self.dynamic) if piece.inputs[p] in piece.donated)
        self.compiled: dict[Any, Callable[..., Any]] = {}
        self.known: set[Any] = set()
        self.traceable = True
        self.fallback: Callable[[Sequence[Any]], Sequence[Any]] | None = None

    def run(self, values: Sequence[Any]) -> Sequence[Any]:
        if not self.traceable:
            return self.on_numpy(values)
        key = tuple(_static_key(values[p]) for p in self.static)
        arrays = [values[p] for p in self.dynamic] if self.static else list(values)
        if len(self.known) >= self.placed.max_shapes and self.shapes_of(key, arrays) not in self.known:
            return self.on_numpy(values)
        function = self.compiled.get(key)
        if function is None:
            function = self.compiled[key] = self.compile(key, [values[p] for p in self.static])
        if self.held_slots:
            arrays += self.constants()
        try:
            return self.placed.run(function, arrays)  # type: ignore[no-any-return]
        except CannotTrace as error:
            _LOG.info("The segment from '%s' on runs on NumPy: %s", self.piece.rows[0].node.name, error)
            self.fallback = _numpy_program(self.piece, self.segment)
            self.traceable = False
        return self.on_numpy(values)

    @staticmethod
    def shapes_of(key: Any, arrays: Sequence[Any]) -> Any:
        return key, tuple((np.shape(a), np.dtype(a.dtype)) for a in arrays)

    def constants(self) -> list[Any]:
        """The large constants, on the device."""
        if self.held is None:
            import jax

            with jax.enable_x64(True):
                values = [self.segment.constants[s] for s in self.held_slots]
                self.held = [jax.device_put(v, self.placed.device) for v in values]
        return self.held

    def compile(self, key: Any, static: Sequence[Any]) -> Callable[..., Any]:
        import jax

        known = {self.inputs[p]: np.asarray(v) for p, v in zip(self.static, static, strict=True)}
        slots_of = (*(self.inputs[p] for p in self.dynamic), *self.held_slots)

        def traced(*arrays: Any) -> list[Any]:
            self.known.add(self.shapes_of(key, arrays[: len(self.dynamic)]))
            slots = self.tracer.run({**known, **dict(zip(slots_of, arrays, strict=True))})
            return [slots[s] for s in self.outputs]

        return jax.jit(traced, donate_argnums=self.donated)

    def on_numpy(self, values: Sequence[Any]) -> Sequence[Any]:
        if self.fallback is None:
            first = self.piece.rows[0].node
            _LOG.warning(
                _MANY_SHAPES, f"The segment from {first.op} '{first.name}' on", self.placed.max_shapes
            )
            self.fallback = _numpy_program(self.piece, self.segment)
        return _placed(self.fallback([np.asarray(v) for v in values]), self.placed)


class _Alone:
    """One node that is not compiled: NumPy computes it, or JAX op by op where its data is on an accelerator."""

    def __init__(self, piece: Piece, segment: Segment, placed: Placed) -> None:
        self.inputs = piece.inputs
        self.outputs = piece.outputs
        self.placed = placed
        (self.row,) = piece.rows
        self.constants = segment.constants
        found = find_kernel(self.row.node.op, "jax")
        text = any(t.kind in "srv" for t in (*self.row.in_types, *self.row.node.types))
        calls = any(hasattr(v, "attrs") for v in self.row.node.attrs.values())
        self.host = placed.platform == "cpu" or text or calls or (found is not None and found.host)
        if self.host:
            self.function = _numpy_program(piece, segment)
        else:
            self.tracer = _Tracer(piece, segment.constants, {})

    def run(self, values: Sequence[Any]) -> Sequence[Any]:
        if self.host:
            return _placed(self.function([_on_host(v) for v in values]), self.placed)
        hosts = {self.row.args[p] for p in host_arguments(self.row)}
        slots = {s: np.asarray(v) if s in hosts else v for s, v in zip(self.inputs, values, strict=True)}
        self.placed.run(lambda: self.tracer.run(slots) and (), ())
        return [slots[s] for s in self.outputs]


def _numpy_program(piece: Piece, segment: Segment) -> Callable[[Sequence[Any]], Sequence[Any]]:
    return generate(
        Segment(piece.rows, piece.inputs, piece.outputs, segment.constants, functions=segment.functions),
        "numpy",
        np,
    )


def _placed(results: Sequence[Any], placed: Placed) -> Sequence[Any]:
    """Results of NumPy, on the accelerator where there is one; on a CPU compiled programs take them as they are."""
    if placed.platform == "cpu":
        return results
    import jax

    with jax.enable_x64(True):
        return [r if np.asarray(r).dtype.kind == "O" else jax.device_put(r, placed.device) for r in results]


def _on_host(value: Any) -> Any:
    held = isinstance(value, (np.ndarray, np.generic)) or not hasattr(value, "__array__")
    return value if held else np.asarray(value)


def _host_slots(row: SegmentNode, host: bool) -> list[int | None]:
    return list(row.args) if host else [row.args[p] for p in host_arguments(row)]


def _static_key(value: Any) -> Any:
    array = np.asarray(value)
    return array.dtype.str, array.shape, array.tobytes()


def _traceable_bodies(segment: Segment) -> Mapping[str, Callable[[Sequence[Any]], Sequence[Any]]]:
    """The bodies of functions as Python functions that can be traced, for `lax.cond` and the like."""

    def traceable(body: Segment) -> Callable[[Sequence[Any]], Sequence[Any]]:
        pieces = cut(body, lambda row: cannot_compile(row, body.functions))
        if len(pieces) > 1 or any(p.alone for p in pieces):
            raise InternalError(None, "a function's body cannot be compiled as a whole")
        bodies = _traceable_bodies(body)
        tracers = [_Tracer(p, body.constants, bodies) for p in pieces]

        def call(values: Sequence[Any]) -> Sequence[Any]:
            slots = dict(zip(body.inputs, values, strict=True))
            for tracer in tracers:
                tracer.run(slots)
            return [slots[s] if s in slots else body.constants[s] for s in body.outputs]

        call.segment = body  # type: ignore[attr-defined]
        return call

    return compiled_bodies(segment, traceable)
