"""Initial values that are computed from other variables: made to work before those are initialized."""

from __future__ import annotations

from typing import Any

from .graph.elements import Operation, Tensor
from .graph.graph import Graph
from .graph.graph_keys import GraphKeys

__all__ = ["without_uninitialized_reads"]


def without_uninitialized_reads(graph: Graph, value: Tensor) -> Tensor:
    """`value` with every variable that it reads replaced by that variable's `initialized_value()`.

    Without it, `b = Variable(a * 2)` could not be initialized in the same step as `a`, because a read sees
    the value from before the step.

    Args:
        graph: the graph that `value` is in.
        value: an initial value.

    Returns:
        `value` itself where it reads no variable.
    """
    upstream = _upstream(value)
    reads = [op for op in upstream if op.type == "ReadVariableOp"]
    if not reads:
        return value
    owners = {v.handle: v for v in _variables(graph)}
    replaced: dict[Tensor, Tensor] = {}
    for op in reads:
        owner = owners.get(op.inputs[0])
        if owner is not None and owner.initial_value is not None:
            replaced[op.outputs[0]] = owner.initialized_value()
    for op in sorted(upstream, key=lambda o: o.index):
        if any(t in replaced for t in op.inputs) and not any(t in replaced for t in op.outputs):
            copy = _copy(graph, op, [replaced.get(t, t) for t in op.inputs])
            replaced.update(zip(op.outputs, copy.outputs, strict=True))
    return replaced.get(value, value)


def _upstream(value: Tensor) -> list[Operation]:
    """The operations that `value` is computed from; those inside `initialized_value()` are left alone."""
    found: dict[Operation, None] = {}
    stack = [value.op]
    while stack:
        op = stack.pop()
        if op in found or op.type in ("If", "StatelessIf"):
            continue
        found[op] = None
        stack.extend(t.op for t in op.inputs)
    return list(found)


def _variables(graph: Graph) -> list[Any]:
    keys = (GraphKeys.GLOBAL_VARIABLES, GraphKeys.LOCAL_VARIABLES)
    return [v for key in keys for v in graph.get_collection(key)]


def _copy(graph: Graph, op: Operation, inputs: list[Tensor]) -> Operation:
    return graph.create_op(
        op.type, inputs, op.attrs, f"{op.name.rpartition('/')[2]}/initialized", op.device, op.source
    )
