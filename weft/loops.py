"""Loops: `while_loop`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .graph import dtypes
from .graph.convert import convert_to_tensor
from .graph.default_graph import get_default_graph, name_scope
from .graph.elements import Tensor
from .graph.func_graph import FuncGraph, lift_reads, shapes_of
from .graph.indexed_slices import IndexedSlices
from .graph.nest import assert_same_structure, flatten, is_nested, map_structure, pack_sequence_as
from .graph.ops.array import StopGradient
from .graph.ops.compare import Less, LogicalAnd
from .graph.ops.control import Identity
from .graph.ops.math import AddV2
from .graph.shapes import TensorShape, as_shape
from .tracing import merged_captures, trace

__all__ = ["while_loop"]


def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Any,
    shape_invariants: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
    maximum_iterations: Any = None,
    return_same_structure: bool = False,
) -> Any:
    """Applies `body` to the loop variables for as long as `cond` holds for them.

    Args:
        cond: from the loop variables to a boolean scalar.
        body: from the loop variables to their next values, of the same form, types and shapes.
        loop_vars: first values: a list or tuple of tensors, tensor arrays, or nested structures of them.
        shape_invariants: what stays true of the shape of each loop variable, in the form of `loop_vars`; by default
            the shape of its first value.
        parallel_iterations: accepted for TensorFlow's sake; iterations follow each other.
        back_prop: whether gradients flow through the loop.
        swap_memory: accepted for TensorFlow's sake.
        name: name scope of the ops.
        maximum_iterations: the loop ends after so many iterations; an int32 scalar.
        return_same_structure: gives a single loop variable as a list of one, as it came.

    Returns:
        The loop variables after the loop, in the form of `loop_vars`.

    Raises:
        TypeError: a function cannot be called, or the body changes form or type of a loop variable.
        ValueError: there are no loop variables, or the body changes the shape of one.

    Source:
        TensorFlow `While`, `tf.compat.v1.while_loop`.
    """
    del swap_memory
    for label, function in (("cond", cond), ("body", body)):
        if not callable(function):
            raise TypeError(f"{label} must be callable, got {function!r}.")
    if not is_nested(loop_vars) or not loop_vars:
        raise ValueError("No loop variables provided.")
    if parallel_iterations < 1:
        raise TypeError("parallel_iterations must be a positive integer.")
    with name_scope(name, "while", loop_vars) as scope:
        start = map_structure(_first_value, loop_vars)
        limit = None
        if maximum_iterations is not None:
            limit = convert_to_tensor(maximum_iterations, dtypes.int32, name="maximum_iterations")
            if limit.shape.rank not in (None, 0):
                raise ValueError(f"maximum_iterations must be a scalar, got shape {limit.shape}.")
        loop = _Loop(cond, body, start, _invariants(start, shape_invariants), limit, scope)
        results = loop.build(parallel_iterations, back_prop)
    if not return_same_structure and isinstance(results, (list, tuple)) and len(results) == 1:
        return results[0]
    return results


def _first_value(value: Any) -> Any:
    parts = flatten(value, True)
    if len(parts) == 1 and parts[0] is value:
        return convert_to_tensor(value)
    return value


def _invariants(start: Any, given: Any) -> list[TensorShape]:
    """The shape that each tensor of the loop variables keeps, composites taken apart."""
    if given is None:
        return [t.shape for t in flatten(start, True)]
    wanted = flatten(given)
    values = flatten(start)
    if len(wanted) != len(values):
        raise ValueError(f"shape_invariants has {len(wanted)} shapes for {len(values)} loop variables.")
    found: list[TensorShape] = []
    for value, shape in zip(values, wanted, strict=True):
        parts = flatten(value, True)
        if isinstance(value, IndexedSlices):
            rows = as_shape(shape)
            found += [rows, TensorShape([None if rows.rank is None else rows[0]]), *shapes_of(parts[2:])]
        elif len(parts) == 1 and parts[0] is value:
            kept = as_shape(shape)
            if not kept.is_compatible_with(value.shape) or not _covers(kept, value.shape):
                raise ValueError(
                    f"The shape invariant specified for {value.name} is not compatible with the initial shape of "
                    f"the loop variable. It enters the loop with shape {value.shape}, but the specified shape "
                    f"invariant is {kept}."
                )
            found.append(kept)
        else:
            found += [TensorShape(None) if t.dtype.kind not in "rv" else t.shape for t in parts]
    return found


def _covers(general: TensorShape, special: TensorShape) -> bool:
    """Whether every shape that `special` allows is allowed by `general`."""
    if general.rank is None:
        return True
    if general.rank != special.rank:
        return False
    return all(g is None or g == s for g, s in zip(general.as_list(), special.as_list(), strict=True))


class _Loop:
    """One loop on its way to becoming an op."""

    def __init__(
        self,
        cond: Callable[..., Any],
        body: Callable[..., Any],
        start: Any,
        shapes: Sequence[TensorShape],
        limit: Tensor | None,
        scope: str,
    ) -> None:
        self.start = start
        self.flat: list[Tensor] = flatten(start, True)
        self.shapes = list(shapes)
        self.limit = limit
        self.scope = scope
        if limit is not None:
            self.flat.insert(0, convert_to_tensor(0, dtypes.int32, name="loop_counter"))
            self.shapes.insert(0, TensorShape([]))
        self.cond = self._body("cond", self._traced_cond(cond))
        self.body = self._body("body", self._traced_body(body))
        self._check_results()

    def _body(self, label: str, function: Callable[..., Any]) -> FuncGraph:
        made = FuncGraph(f"{self.scope}{label}")
        for tensor, shape in zip(self.flat, self.shapes, strict=True):
            made.add_argument(tensor.dtype, shape, tensor.op.name, tensor.handle_data)
        trace(made, function, list(made.inputs))
        return made

    def _given(self, arguments: Sequence[Tensor]) -> Any:
        """The user's loop variables, made of the body's arguments."""
        own = arguments if self.limit is None else arguments[1:]
        return pack_sequence_as(self.start, own, True)

    def _traced_cond(self, cond: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Tensor) -> Any:
            holds = convert_to_tensor(_applied(cond, self._given(arguments)))
            if holds.dtype is not dtypes.bool:
                raise TypeError(f"cond must return a boolean tensor, got {holds.dtype.name}.")
            if holds.shape.rank not in (None, 0):
                raise ValueError(f"cond must return a scalar, got shape {holds.shape}.")
            if self.limit is None:
                return holds
            return LogicalAnd(Less(arguments[0], self.limit), holds)

        return call

    def _traced_body(self, body: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Tensor) -> Any:
            given = self._given(arguments)
            results = _applied(body, given)
            if not is_nested(results) or (len(flatten(given)) == 1 and not is_nested(flatten(given)[0])):
                results = results if is_nested(results) else [results]
            results = _typed(given, results)
            return [*([] if self.limit is None else [AddV2(arguments[0], 1)]), *flatten(results, True)]

        return call

    def _check_results(self) -> None:
        """The body must keep types and shapes."""
        for tensor, result, shape in zip(self.flat, self.body.outputs, self.shapes, strict=True):
            if result.dtype is not tensor.dtype:
                raise TypeError(
                    f"Loop variable {tensor.name} enters the loop with type {tensor.dtype.name}, but has type "
                    f"{result.dtype.name} after one iteration."
                )
            if not _covers(shape, result.shape):
                raise ValueError(
                    f"The shape for {tensor.name} is not an invariant for the loop. It enters the loop with shape "
                    f"{shape}, but has shape {result.shape} after one iteration. To allow the shape to vary across "
                    "iterations, use the `shape_invariants` argument of while_loop to specify a less-specific shape."
                )

    def build(self, parallel_iterations: int, back_prop: bool) -> Any:
        """Makes the op and returns the loop variables after it, in the user's form."""
        graph, bodies = get_default_graph(), [self.cond, self.body]
        lift_reads(bodies)
        captures = merged_captures(bodies)
        self.body.outputs += [self.body.captures[t] for t in captures]
        inputs = [*self.flat, *captures]
        stateful = any(t.effect or t.reads or t.writes for t in (b.traits() for b in bodies))
        attrs = {
            "T": [t.dtype for t in inputs],
            "cond": self.cond.name,
            "body": self.body.name,
            "output_shapes": [*self.shapes, *shapes_of(captures)],
            "parallel_iterations": parallel_iterations,
        }
        waits = dict.fromkeys(op for b in bodies for op in b.control_captures)
        with graph.control_dependencies(waits):
            op = graph.create_op("While" if stateful else "StatelessWhile", inputs, attrs, self.scope)
        own = op.outputs[0 if self.limit is None else 1 : len(self.flat)]
        results = [Identity(t) for t in own]
        if not back_prop:
            results = [t if t.dtype.kind in "rv" else StopGradient(t) for t in results]
        return pack_sequence_as(self.start, results, True)


def _applied(function: Callable[..., Any], given: Any) -> Any:
    return function(**given) if isinstance(given, dict) else function(*given)


def _typed(given: Any, results: Any) -> Any:
    """The body's results in the form of the loop variables; Python values take the variables' types."""
    if isinstance(given, (list, tuple)) and isinstance(results, (list, tuple)):
        # A body may return a list where the loop variables are a tuple.
        results = type(given)(results) if not hasattr(given, "_fields") else type(given)(*results)
    try:
        assert_same_structure(given, results, expand_composites=True)
    except ValueError as error:
        raise ValueError(f"The loop's body must return what it is given: {error}") from None

    def converted(before: Any, after: Any) -> Any:
        parts = flatten(after, True)
        if len(parts) == 1 and parts[0] is after:
            return convert_to_tensor(after, preferred_dtype=before.dtype)
        return after

    return map_structure(converted, given, results)
