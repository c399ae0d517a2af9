"""Gradients of branches and calls: a branch of the same kind over the gradients of the functions.

What the gradient of a function needs of what the function has computed becomes a further result of the function; the
functions that do not compute it give a `FakeParam` in its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .body_gradients import (
    GradientBody,
    bodies_run_by,
    depends_on,
    differentiate,
    extend,
    gradient_shape,
    gradient_type,
    is_differentiable,
    zeros_for,
)
from .default_graph import get_default_graph
from .elements import Operation, Tensor
from .func_graph import FuncGraph
from .graph import Graph

__all__ = ["branch_gradient"]


class _BranchGradient(GradientBody):
    """Gradient of one function of a branching op."""

    def __init__(self, op: Operation, branch: int, bodies: Sequence[FuncGraph], outer_graph: Graph) -> None:
        self.op = op
        self.branch = branch
        self.bodies = bodies
        super().__init__(f"{bodies[branch].name}_grad", bodies[branch], outer_graph)

    def from_forward(self, tensor: Tensor) -> Tensor:
        for place, argument in enumerate(self.forward.inputs):
            if argument is tensor:
                return self.capture(self.op.inputs[place + _first_argument(self.op)])
        return self.capture(_as_result(self.op, self.branch, self.bodies, tensor))


def _first_argument(op: Operation) -> int:
    """Position of the first input that is an argument of the functions."""
    return 0 if op.type.endswith("PartitionedCall") else 1


def _as_result(op: Operation, branch: int, bodies: Sequence[FuncGraph], tensor: Tensor) -> Tensor:
    """The op's output that is a tensor of one of its functions; made one where it is not yet."""
    for place, result in enumerate(bodies[branch].outputs):
        if result is tensor:
            return op.outputs[place]
    for index, body in enumerate(bodies):
        body.outputs.append(tensor if index == branch else _fake(body, tensor))
    shapes = "_output_shapes" if op.type.endswith("PartitionedCall") else "output_shapes"
    attrs: dict[str, Any] = {"Tout": (*op.attrs["Tout"], tensor.dtype)}
    known = op.attrs.get(shapes, ())
    if len(known) == len(op.outputs):
        attrs[shapes] = (*known, tensor.shape)
    extend(op, [], [tensor], attrs)
    return op.outputs[-1]


def _fake(body: FuncGraph, tensor: Tensor) -> Tensor:
    from .ops.functional import FakeParam

    with body.as_default(), body.name_scope(None), body.control_dependencies(None), body.device(None):
        made: Tensor = FakeParam(dtype=tensor.dtype, shape=tensor.shape)
        return made


def branch_gradient(op: Operation, grads: Sequence[Any], wanted: Sequence[bool]) -> list[Tensor | None]:
    """Gradients of a branching op, or of a call, for its inputs.

    Args:
        op: an If, Case or PartitionedCall.
        grads: gradients that come in at its outputs; None where none does.
        wanted: for each input whether its gradient is needed.
    """
    graph = get_default_graph()
    bodies = bodies_run_by(op)
    first = _first_argument(op)
    ys = [i for i, g in enumerate(grads) if g is not None and is_differentiable(op.outputs[i])]
    reached = set[int]().union(*(depends_on([b.outputs[i] for i in ys], b.inputs) for b in bodies))
    xs = sorted(j for j in reached if wanted[j + first] and is_differentiable(op.inputs[j + first]))
    result: list[Tensor | None] = [None] * len(op.inputs)
    if not xs:
        return result
    made = [_BranchGradient(op, k, bodies, graph) for k in range(len(bodies))]
    by_branch = [_differentiated(body, ys, xs) for body in made]
    xs_found = [p for p in range(len(xs)) if any(found[p] is not None for found in by_branch)]
    if not xs_found:
        return result
    for body, found in zip(made, by_branch, strict=True):
        with body.as_default():
            body.outputs = [
                zeros_for(body.forward.inputs[xs[p]]) if found[p] is None else found[p]  # type: ignore[misc]
                for p in xs_found
            ]
    outputs = _run(op, made, [grads[i] for i in ys], [op.inputs[xs[p] + first] for p in xs_found])
    for p, grad in zip(xs_found, outputs, strict=True):
        result[xs[p] + first] = grad
    return result


def _differentiated(body: _BranchGradient, ys: Sequence[int], xs: Sequence[int]) -> list[Tensor | None]:
    forward = body.forward
    results = [forward.outputs[i] for i in ys]
    arguments = [
        body.add_argument(gradient_type(t), gradient_shape(t), "grad", t.handle_data) for t in results
    ]
    return differentiate(body, results, arguments, [forward.inputs[j] for j in xs])


def _run(
    op: Operation, bodies: Sequence[_BranchGradient], grads: Sequence[Tensor], xs: Sequence[Tensor]
) -> Sequence[Tensor]:
    """The op that runs one of the gradient bodies."""
    graph = get_default_graph()
    captures = list(dict.fromkeys(t for body in bodies for t in body.captures))
    for body in bodies:
        body.capture_all(captures)
    inputs = [*grads, *captures]
    attrs: dict[str, Any] = {
        "Tin": [t.dtype for t in inputs],
        "Tout": [gradient_type(x) for x in xs],
    }
    traits = [body.traits() for body in bodies]
    stateful = any(t.effect or t.reads or t.writes for t in traits)
    shapes = [gradient_shape(x) for x in xs]
    if op.type.endswith("PartitionedCall"):
        attrs |= {"f": bodies[0].name, "_output_shapes": tuple(shapes)}
        name = "StatefulPartitionedCall" if stateful else "PartitionedCall"
    else:
        inputs.insert(0, op.inputs[0])
        kind = op.type.removeprefix("Stateless")
        attrs["output_shapes"] = shapes
        if kind == "If":
            attrs |= {"then_branch": bodies[0].name, "else_branch": bodies[1].name}
            attrs["Tcond"] = op.inputs[0].dtype
        else:
            attrs["branches"] = [body.name for body in bodies]
        name = kind if stateful else f"Stateless{kind}"
    return graph.create_op(name, inputs, attrs).outputs
