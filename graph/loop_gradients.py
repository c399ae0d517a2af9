"""Gradients of loops: a loop over the same iterations, backwards.

What the gradient of the body needs of what the body computed in each iteration is kept in lists, which become
further loop variables of the loop; the gradient's loop takes the elements off again, last one first. What does not
change while the loop runs is used as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from . import dtypes
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
from .convert import convert_to_tensor
from .default_graph import get_default_graph
from .elements import Operation, Tensor
from .func_graph import FuncGraph
from .graph import Graph
from .shapes import TensorShape

__all__ = ["loop_gradient"]


class _Forward:
    """A loop that is differentiated, and how it is made to keep what the gradient needs."""

    def __init__(self, op: Operation) -> None:
        self.op = op
        by_name = {body.name: body for body in bodies_run_by(op)}
        self.cond = by_name[op.attrs["cond"].name]
        self.body = by_name[op.attrs["body"].name]

    def count(self) -> Tensor:
        """How many iterations the loop has made."""
        return self._variable("count", lambda: convert_to_tensor(0, dtypes.int32), self._next_count)

    @staticmethod
    def _next_count(before: Tensor) -> Tensor:
        from .ops.math import AddV2

        made: Tensor = AddV2(before, 1)
        return made

    def kept(self, tensor: Tensor) -> Tensor:
        """The list of the values that a tensor of the body had, after the loop."""
        from .ops.tensor_list import EmptyTensorList, TensorListPushBack, list_shape

        def start() -> Tensor:
            made: Tensor = EmptyTensorList(list_shape(tensor.shape), -1, element_dtype=tensor.dtype)
            return made

        def push(before: Tensor) -> Tensor:
            made: Tensor = TensorListPushBack(before, tensor)
            return made

        return self._variable(tensor.name, start, push)

    def _variable(
        self, key: str, start: Callable[[], Tensor], following: Callable[[Tensor], Tensor]
    ) -> Tensor:
        """The final value of a loop variable of that key; the loop is given it where it has none yet."""
        known: dict[str, int] = self.body.attributes.setdefault("_kept", {})
        if key not in known:
            known[key] = len(self.op.inputs)
            self._extend(key, start, following)
        return self.op.outputs[known[key]]

    def _extend(self, key: str, start: Callable[[], Tensor], following: Callable[[Tensor], Tensor]) -> None:
        op, graph = self.op, self.op.graph
        scope = op.name.rpartition("/")[0]
        with (
            graph.as_default(),
            graph.name_scope(f"{scope}/" if scope else None),
            graph.control_dependencies(None),
            graph.device(None),
            graph.device(op.device or None),
        ):
            first = start()
        leaf = key.partition(":")[0]
        argument = self.body.add_argument(first.dtype, first.shape, leaf, first.handle_data)
        self.cond.add_argument(first.dtype, first.shape, leaf, first.handle_data)
        body = self.body
        with body.as_default(), body.name_scope(None), body.control_dependencies(None), body.device(None):
            body.outputs.append(following(argument))
        self.cond.edited()
        body.edited()
        attrs = {"T": (*op.attrs["T"], first.dtype)}
        shapes = op.attrs["output_shapes"]
        if len(shapes) == len(op.outputs):
            attrs["output_shapes"] = (*shapes, first.shape)
        extend(op, [first], [argument], attrs)


class _LoopGradient(GradientBody):
    """Gradient of a loop's body.

    Attributes:
        taken: the lists that it takes elements off: value after the loop, argument, what is left after an iteration.
    """

    def __init__(self, loop: _Forward, outer_graph: Graph) -> None:
        self.loop = loop
        self.taken: list[tuple[Tensor, Tensor, Tensor]] = []
        super().__init__(f"{loop.body.name}_grad", loop.body, outer_graph)

    def from_forward(self, tensor: Tensor) -> Tensor:
        body, op = self.forward, self.loop.op
        for place, argument in enumerate(body.inputs):
            if argument is tensor and body.outputs[place] is tensor:
                return self.capture(op.inputs[place])
        return self._popped(tensor)

    def _popped(self, tensor: Tensor) -> Tensor:
        from .ops.tensor_list import TensorListPopBack, list_shape

        kept = self.loop.kept(tensor)
        if kept.graph is not self.outer_graph:
            kept = self.outer_graph._capture(kept, kept.op.decl, "")
        argument = self.add_argument(kept.dtype, kept.shape, "kept", kept.handle_data)
        with self.as_default(), self.name_scope(None), self.control_dependencies(None), self.device(None):
            left, value = TensorListPopBack(argument, list_shape(tensor.shape), element_dtype=tensor.dtype)
        value.handle_data = tensor.handle_data
        self.taken.append((kept, argument, left))
        self._copies[tensor] = value
        return value


def loop_gradient(
    op: Operation, grads: Sequence[Tensor | None], wanted: Sequence[bool]
) -> list[Tensor | None]:
    """Gradients of a loop for the first values of its variables.

    Args:
        op: a While.
        grads: gradients that come in at its outputs; None where none does.
        wanted: for each input whether its gradient is needed.
    """
    loop = _Forward(op)
    active = _active(loop, grads, wanted)
    result: list[Tensor | None] = [None] * len(op.inputs)
    if not active:
        return result
    count = loop.count()
    graph = get_default_graph()
    body = _LoopGradient(loop, graph)
    counter = body.add_argument(dtypes.int32, TensorShape([]), "count")
    before = _gradient_arguments(body, op, active)
    after = _one_iteration(body, active, before)
    starts = [zeros_for(op.outputs[j]) if (g := grads[j]) is None else convert_to_tensor(g) for j in active]
    outputs = _run(body, counter, [count, *starts], after)
    for place, j in enumerate(active):
        if wanted[j]:
            result[j] = outputs[1 + place]
    # The loop has got further variables on the way.
    return result + [None] * (len(op.inputs) - len(result))


def _active(loop: _Forward, grads: Sequence[Tensor | None], wanted: Sequence[bool]) -> list[int]:
    """The loop variables that lie on a way from an input whose gradient is wanted to an output that has one."""
    op, body = loop.op, loop.body
    needs = [depends_on([t], body.inputs) if is_differentiable(t) else set() for t in body.outputs]
    from_outputs = {i for i, g in enumerate(grads) if g is not None}
    stack = list(from_outputs)
    while stack:
        for j in needs[stack.pop()] - from_outputs:
            from_outputs.add(j)
            stack.append(j)
    from_inputs = {i for i, w in enumerate(wanted) if w}
    grown = True
    while grown:
        more = {i for i, found in enumerate(needs) if found & from_inputs} - from_inputs
        from_inputs |= more
        grown = bool(more)
    return sorted(i for i in from_outputs & from_inputs if is_differentiable(op.inputs[i]))


def _gradient_arguments(body: _LoopGradient, op: Operation, active: Sequence[int]) -> list[Tensor]:
    return [
        body.add_argument(gradient_type(t), gradient_shape(t), "grad", t.handle_data)
        for t in (op.outputs[j] for j in active)
    ]


def _one_iteration(body: _LoopGradient, active: Sequence[int], before: Sequence[Tensor]) -> list[Tensor]:
    """The gradients for a body's arguments, from those for its results."""
    from .ops.math import AddV2

    forward = body.forward
    flowing = [
        (forward.outputs[j], g)
        for j, g in zip(active, before, strict=True)
        if forward.outputs[j].dtype.kind != "r"
    ]
    made = differentiate(
        body, [y for y, _ in flowing], [g for _, g in flowing], [forward.inputs[j] for j in active]
    )
    after = []
    with body.as_default():
        for j, g, grad in zip(active, before, made, strict=True):
            if forward.inputs[j].dtype.kind == "r":
                # A variable's handle is handed through; what comes for its value adds up.
                after.append(g if grad is None else AddV2(g, grad))
            else:
                after.append(zeros_for(g) if grad is None else grad)
    return after


def _run(
    body: _LoopGradient, counter: Tensor, starts: Sequence[Tensor], after: Sequence[Tensor]
) -> Sequence[Tensor]:
    """The loop that runs the gradient body as often as the loop ran its own."""
    from .ops.math import Sub

    graph = get_default_graph()
    with body.as_default():
        following = Sub(counter, 1)
    body.outputs = [following, *after, *(left for _, _, left in body.taken)]
    cond = _countdown(body, graph)
    captures = list(body.captures)
    for made in (cond, body):
        made.capture_all(captures)
    body.outputs += [body.captures[t] for t in captures]
    inputs = [*starts, *(kept for kept, _, _ in body.taken), *captures]
    traits = body.traits()
    attrs = {
        "T": [t.dtype for t in inputs],
        "cond": cond.name,
        "body": body.name,
        "output_shapes": [t.shape for t in body.inputs],
    }
    stateful = traits.effect or traits.reads or traits.writes
    return graph.create_op("While" if stateful else "StatelessWhile", inputs, attrs).outputs


def _countdown(body: FuncGraph, graph: Graph) -> FuncGraph:
    """The condition that holds while there are iterations left."""
    from .ops.compare import Greater

    cond = FuncGraph(f"{body.name}_cond", graph)
    for argument in body.inputs:
        if argument not in body.captures.values():
            cond.add_argument(argument.dtype, argument.shape, argument.op.name, argument.handle_data)
    with cond.as_default():
        cond.outputs = [Greater(cond.inputs[0], 0)]
    return cond
