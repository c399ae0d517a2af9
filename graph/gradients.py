"""Reverse-mode differentiation: adds the ops that compute d(sum of ys)/d(xs) to the graph."""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from .convert import convert_to_tensor
from .default_graph import get_default_graph
from .elements import Operation, Tensor
from .errors import InvalidArgumentError
from .gradient_registry import gradient_rule
from .graph import Graph
from .indexed_slices import IndexedSlices
from .opdef import NoGradient

__all__ = ["AggregationMethod", "UnconnectedGradients", "gradients"]

Gradient = Tensor | IndexedSlices


class UnconnectedGradients(enum.Enum):
    """What `gradients` gives for an x that no y depends on."""

    NONE = "none"
    ZERO = "zero"


class AggregationMethod:
    """How gradients that meet are summed; weft sums them in one op whatever is asked."""

    ADD_N = 0
    DEFAULT = ADD_N
    EXPERIMENTAL_TREE = 1
    EXPERIMENTAL_ACCUMULATE_N = 2


def gradients(
    ys: Any,
    xs: Any,
    grad_ys: Any = None,
    name: str = "gradients",
    colocate_gradients_with_ops: bool = False,
    gate_gradients: bool = False,
    aggregation_method: int | None = None,
    stop_gradients: Any = None,
    unconnected_gradients: UnconnectedGradients = UnconnectedGradients.NONE,
) -> list[Any]:
    """Symbolic derivatives of the sum of `ys` with respect to each x in `xs`.

    Args:
        ys: tensor or list of tensors to differentiate.
        xs: tensor, variable, or list of them to differentiate by.
        grad_ys: gradients that come in at each y, of its shape; None for ones.
        name: name scope of the ops that are added.
        colocate_gradients_with_ops: forces each gradient op onto the device of the op that it
            differentiates; without it, gradient ops ask for the device that op asked for.
        gate_gradients: accepted for TensorFlow's sake; a step's results do not depend on it.
        aggregation_method: accepted for TensorFlow's sake.
        stop_gradients: tensors to be held constant.
        unconnected_gradients: NONE or ZERO for an x that no y depends on.

    Returns:
        One tensor, `IndexedSlices` or None per x.

    Raises:
        TypeError: a y is not of a floating or complex type.
        LookupError: an op between xs and ys has no gradient; the message names the op and says why.
    """
    del gate_gradients, aggregation_method
    unconnected = UnconnectedGradients(unconnected_gradients)
    graph = get_default_graph()
    with graph.name_scope(name) as scope, graph.control_dependencies(None):
        ys_list = [convert_to_tensor(y) for y in _listed(ys)]
        xs_list = [_source_tensor(x) for x in _listed(xs)]
        stops = [_source_tensor(s) for s in _listed(stop_gradients)] if stop_gradients is not None else []
        pass_ = _Backward(graph, ys_list, xs_list, stops, scope, colocate_gradients_with_ops)
        pass_.seed(_listed(grad_ys) if grad_ys is not None else [None] * len(ys_list))
        pass_.run()
        return [pass_.result(x, unconnected) for x in xs_list]


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _source_tensor(x: Any) -> Tensor:
    """The tensor to differentiate by: for a variable its handle, so that every read of it counts."""
    handle = getattr(x, "handle", None)
    if isinstance(handle, Tensor):
        return handle
    return x if isinstance(x, Tensor) else convert_to_tensor(x)


class _Backward:
    """One backward pass: gradients per tensor, ops visited in reverse order of creation."""

    def __init__(
        self,
        graph: Graph,
        ys: Sequence[Tensor],
        xs: Sequence[Tensor],
        stops: Sequence[Tensor],
        scope: str,
        colocate: bool,
    ) -> None:
        self.graph = graph
        self.ys = ys
        self.x_set = set(xs)
        self.stops = set(stops)
        self.scope = scope
        self.colocate = colocate
        self.partial: dict[Tensor, list[Gradient]] = {}
        self.between = _between(ys, xs, self.stops)

    def seed(self, grad_ys: Sequence[Any]) -> None:
        if len(grad_ys) != len(self.ys):
            raise ValueError(f"Passed {len(grad_ys)} grad_ys for {len(self.ys)} ys")
        for i, (y, grad) in enumerate(zip(self.ys, grad_ys, strict=True)):
            if not (y.dtype.is_floating or y.dtype.is_complex or (y.dtype.kind == "v" and grad is not None)):
                raise TypeError(
                    f"Gradients of tensors must be floating or complex: y {y.name} is {y.dtype.name}."
                )
            if grad is None:
                with self._beside(y.op):
                    grad = _filled_like(y, 1, f"grad_ys_{i}")
            elif not isinstance(grad, IndexedSlices):
                grad = convert_to_tensor(grad, y.dtype, name=f"grad_ys_{i}")
                if not grad.shape.is_compatible_with(y.shape):
                    raise ValueError(f"grad_ys[{i}] has shape {grad.shape}, y {y.name} has shape {y.shape}.")
            self._add(y, grad)

    def run(self) -> None:
        for op in sorted(self.between, key=lambda o: o.index, reverse=True):
            grads = [self._summed(t) for t in op.outputs]
            if all(g is None for g in grads):
                continue
            self._through(op, grads)

    def _through(self, op: Operation, grads: list[Gradient | None]) -> None:
        rule = gradient_rule(op)
        wanted = [t for t in op.inputs if self._matters(t)]
        if not wanted:
            return
        if isinstance(rule, NoGradient):
            if rule.zero:
                return
            raise LookupError(
                f"{op.type} '{op.name}' has no gradient: {rule.reason} (made at {op.source}). "
                "Use tf.stop_gradient on its inputs to treat it as constant."
            )
        with self._beside(op), self.graph.name_scope(f"{self.scope}{op.name}_grad/"):
            if op.decl.runs_functions and rule is op.decl.gradient:
                # What its bodies compute is only differentiated where that is of use.
                made = list(rule(op, *grads, wanted=[self._matters(t) for t in op.inputs]))
            else:
                filled = [
                    _filled_like(t, 0) if g is None and (t.dtype.is_floating or t.dtype.is_complex) else g
                    for t, g in zip(op.outputs, grads, strict=True)
                ]
                made = list(rule(op, *filled))
        if len(made) != len(op.inputs):
            raise InvalidArgumentError(
                op.name, f"gradient of {op.type} gives {len(made)} values for {len(op.inputs)} inputs"
            )
        for tensor, grad in zip(op.inputs, made, strict=True):
            if grad is None or not self._matters(tensor):
                continue
            self._check_shape(op, tensor, grad)
            self._add(tensor, grad)

    def _matters(self, tensor: Tensor) -> bool:
        return tensor not in self.stops and (tensor.op in self.between or tensor in self.x_set)

    def _check_shape(self, op: Operation, tensor: Tensor, grad: Gradient) -> None:
        if isinstance(grad, IndexedSlices) or tensor.dtype.kind in "rv":
            return
        if not grad.shape.is_compatible_with(tensor.shape):
            raise InvalidArgumentError(
                op.name,
                f"gradient of {op.type} '{op.name}' has shape {grad.shape} for an input of shape "
                f"{tensor.shape}",
                "",
                op.source,
            )
        grad.set_shape(tensor.shape)

    def _add(self, tensor: Tensor, grad: Gradient) -> None:
        self.partial.setdefault(tensor, []).append(grad)

    def _summed(self, tensor: Tensor) -> Gradient | None:
        found = self.partial.get(tensor)
        if not found:
            return None
        if len(found) > 1:
            with self._beside(tensor.op):
                found[:] = [_sum_gradients(found)]
        return found[0]

    def result(self, x: Tensor, unconnected: UnconnectedGradients) -> Gradient | None:
        found = self._summed(x)
        if found is None and unconnected is UnconnectedGradients.ZERO:
            return _filled_like(_value_of(x), 0)
        return found

    @contextlib.contextmanager
    def _beside(self, op: Operation) -> Iterator[None]:
        """Ops made inside ask for the device that `op` asked for."""
        if self.colocate:
            with self.graph.colocate_with(op, ignore_existing=True):
                yield
        elif op.device:
            with self.graph.device(None), self.graph.device(op.device):
                yield
        else:
            yield


def _between(ys: Sequence[Tensor], xs: Sequence[Tensor], stops: set[Tensor]) -> set[Operation]:
    """The operations on a path from an x to a y."""
    x_set = set(xs)
    upstream: set[Operation] = set()
    stack = [y.op for y in ys]
    while stack:
        op = stack.pop()
        if op in upstream:
            continue
        upstream.add(op)
        stack.extend(t.op for t in op.inputs if t not in stops)
    between: set[Operation] = set()
    for op in sorted(upstream, key=lambda o: o.index):
        if any((t.op in between or t in x_set) and t not in stops for t in op.inputs):
            between.add(op)
    return between


def _value_of(x: Tensor) -> Tensor:
    if x.dtype.kind != "r":
        return x
    from .ops.state import ReadVariableOp

    assert x.handle_data is not None
    value: Tensor = ReadVariableOp(x, dtype=x.handle_data.dtype)
    return value


def _filled_like(tensor: Tensor, value: int, name: str | None = None) -> Tensor:
    """Ones or zeros of a tensor's shape and type; a constant where the shape is known."""
    from .ops.array import Fill, OnesLike, ZerosLike

    if tensor.shape.is_fully_defined():
        dims = convert_to_tensor(list(tensor.shape.known()), "int32", name=f"{name or 'zeros'}/shape")
        filled: Tensor = Fill(dims, convert_to_tensor(value, tensor.dtype), name=name)
        return filled
    return (OnesLike if value else ZerosLike)(tensor, name=name)


def _sum_gradients(grads: Iterable[Gradient]) -> Gradient:
    from .ops.array import ConcatV2
    from .ops.math import AddN

    listed = list(grads)
    if all(isinstance(g, IndexedSlices) for g in listed):
        values = ConcatV2([g.values for g in listed], 0)  # type: ignore[union-attr]
        indices = ConcatV2([g.indices for g in listed], 0)  # type: ignore[union-attr]
        return IndexedSlices(values, indices, listed[0].dense_shape)  # type: ignore[union-attr]
    return AddN([convert_to_tensor(g) for g in listed])
