"""Ops that run functions of the graph's library: branches, loops, calls.

What such an op does to variables and to the outside is what its bodies do; see `func_graph.state_of_call`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..elements import Operation
from ..infer import InferContext, free, moves
from ..opdef import EFFECT, PURE, NoGradient, OpDecl, declare
from ..shapes import TensorShape

__all__ = [
    "Case",
    "FakeParam",
    "If",
    "PartitionedCall",
    "StatefulPartitionedCall",
    "StatelessCase",
    "StatelessIf",
    "StatelessWhile",
    "While",
]


def _shapes_given(types: str) -> Any:
    def rule(c: InferContext) -> Sequence[TensorShape]:
        count, shapes = len(c.attr(types)), c.attrs.get("output_shapes", ())
        if not shapes:
            return [TensorShape(None)] * count
        if len(shapes) != count:
            c.fail(f"output_shapes must have {count} shapes, one per output, has {len(shapes)}")
        return list(shapes)

    return rule


def _branch_grad(op: Operation, *grads: Any, wanted: Sequence[bool]) -> Sequence[Any]:
    from ..branch_gradients import branch_gradient

    return branch_gradient(op, grads, wanted)


def _loop_grad(op: Operation, *grads: Any, wanted: Sequence[bool]) -> Sequence[Any]:
    from ..loop_gradients import loop_gradient

    return loop_gradient(op, grads, wanted)


_BRANCH_ATTRS = ("Tin: list(type) >= 0", "Tout: list(type) >= 0", "output_shapes: list(shape) = []")


def _if(name: str) -> OpDecl:
    return declare(
        name,
        inputs="cond: Tcond, input: Tin",
        outputs="output: Tout",
        attrs=("Tcond: type", *_BRANCH_ATTRS, "then_branch: func", "else_branch: func"),
        infer=_shapes_given("Tout"),
        gradient=_branch_grad,
        cost=moves,
        state=EFFECT,
        samples=list,
        doc="Results of one of two functions, as a condition says.",
    )


If, StatelessIf = _if("If"), _if("StatelessIf")


def _case(name: str) -> OpDecl:
    return declare(
        name,
        inputs="branch_index: int32, input: Tin",
        outputs="output: Tout",
        attrs=(*_BRANCH_ATTRS, "branches: list(func) >= 1"),
        infer=_shapes_given("Tout"),
        gradient=_branch_grad,
        cost=moves,
        state=EFFECT,
        samples=list,
        doc="Results of the function of that number; of the last one where there is none.",
    )


Case, StatelessCase = _case("Case"), _case("StatelessCase")


def _loop_shapes(c: InferContext) -> Sequence[TensorShape]:
    return _shapes_given("T")(c)


def _while(name: str) -> OpDecl:
    return declare(
        name,
        inputs="input: T",
        outputs="output: T",
        attrs=(
            "T: list(type) >= 0",
            "cond: func",
            "body: func",
            "output_shapes: list(shape) = []",
            "parallel_iterations: int = 10",
        ),
        infer=_loop_shapes,
        gradient=_loop_grad,
        cost=moves,
        state=EFFECT,
        samples=list,
        doc="Loop variables after a function has been applied to them for as long as another one gives true.",
    )


While, StatelessWhile = _while("While"), _while("StatelessWhile")


def _call(name: str) -> OpDecl:
    return declare(
        name,
        inputs="args: Tin",
        outputs="output: Tout",
        attrs=(
            "Tin: list(type) >= 0",
            "Tout: list(type) >= 0",
            "f: func",
            "config: string = ''",
            "config_proto: string = ''",
            "executor_type: string = ''",
        ),
        infer=_call_shapes,
        gradient=_branch_grad,
        cost=moves,
        state=EFFECT,
        samples=list,
        doc="Results of a function.",
    )


def _call_shapes(c: InferContext) -> Sequence[TensorShape]:
    shapes = c.attrs.get("_output_shapes", ())
    count = len(c.attr("Tout"))
    return list(shapes) if len(shapes) == count else [TensorShape(None)] * count


PartitionedCall, StatefulPartitionedCall = _call("PartitionedCall"), _call("StatefulPartitionedCall")

FakeParam = declare(
    "FakeParam",
    inputs="",
    outputs="output: dtype",
    attrs=("dtype: type", "shape: shape"),
    infer=lambda c: [c.attr("shape")],
    gradient=NoGradient("it has no inputs"),
    cost=free,
    state=PURE,
    samples=list,
    doc="Stands, in one branch, for a tensor that only the other branch computes; nobody looks at its value.",
)
