"""Python functions as bodies of the graph's functions: what `cond`, `while_loop` and user functions share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .graph.convert import convert_to_tensor
from .graph.elements import Operation, Tensor
from .graph.func_graph import FuncGraph
from .graph.nest import flatten, pack_sequence_as
from .graph.ops.control import Identity
from .graph.shapes import TensorShape

__all__ = ["Results", "common_shape", "merged_captures", "trace"]


class Results:
    """What a traced function returned, as tensors of its body.

    Attributes:
        structure: the results; None where the function returned None.
        tensors: the tensors in them, composites taken apart.
    """

    def __init__(self, structure: Any) -> None:
        self.structure = structure
        self.tensors: list[Tensor] = [t for t in flatten(structure, True) if t is not None]

    def rebuilt(self, tensors: Sequence[Any]) -> Any:
        """The same structure of other tensors."""
        given = iter(tensors)
        flat = [None if t is None else next(given) for t in flatten(self.structure, True)]
        return pack_sequence_as(self.structure, flat, True)


def trace(
    body: FuncGraph, function: Callable[..., Any], arguments: Sequence[Any] = (), proxy: Any = None
) -> Results:
    """Calls a Python function with `body` as default graph; its results become those of the body.

    Args:
        body: an empty body, or one that has its arguments.
        function: what to call.
        arguments: what to call it with.
        proxy: a tensor whose value stands for a result that is an operation.
    """
    with body.as_default():
        returned = function(*arguments)
        tensors = [_as_tensor(v, proxy) for v in flatten(returned, True)]
        results = Results(pack_sequence_as(returned, tensors, True))
    body.structured_outputs = results.structure
    body.outputs = list(results.tensors)
    return results


def _as_tensor(value: Any, proxy: Any) -> Tensor | None:
    """A result in the body: what it hands through from outside becomes an argument."""
    from .graph.default_graph import get_default_graph

    if value is None:
        return None
    graph = get_default_graph()
    if isinstance(value, Operation):
        if proxy is None:
            raise TypeError(f"A result must be a tensor, got the operation {value.name}.")
        with graph.control_dependencies([value]):
            return Identity(proxy)  # type: ignore[no-any-return]
    tensor = convert_to_tensor(value)
    if tensor.graph is not graph:
        assert isinstance(graph, FuncGraph)
        tensor = graph._capture(tensor, tensor.op.decl, "")
    return tensor


def merged_captures(bodies: Sequence[FuncGraph]) -> list[Tensor]:
    """All that the bodies capture; each then takes all of it, in one order, behind its own arguments."""
    merged = list(dict.fromkeys(t for body in bodies for t in body.captures))
    for body in bodies:
        body.capture_all(merged)
    return merged


def common_shape(first: TensorShape, second: TensorShape) -> TensorShape:
    """What two shapes have in common: a dimension that differs is unknown."""
    if first.rank is None or first.rank != second.rank:
        return TensorShape(None)
    return TensorShape(a if a == b else None for a, b in zip(first.as_list(), second.as_list(), strict=True))
