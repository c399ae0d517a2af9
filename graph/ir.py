"""The part of a graph that one kind of step runs, as plain data: what is pruned, placed, cut and sent.

Nodes are immutable and hold no reference to the graph, so passes are pure functions from one `Subgraph` to
another, and a partition travels to its device as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from .dtypes import DType
from .errors import InternalError, InvalidArgumentError
from .infer import HandleData, InferContext
from .opdef import OpDecl, State, get_op
from .shapes import TensorShape

__all__ = ["FEED", "Node", "Ref", "Subgraph", "check_subgraph", "consumers", "topological"]

FEED = "_Feed"
"""Op type of the nodes that stand for fed tensors; its attributes are `dtype` and `shape`."""

Ref = tuple[str, int]
"""A tensor: name of the node that yields it, and which of its outputs it is."""


@dataclass(frozen=True, slots=True)
class Node:
    """One operation of a step.

    Attributes:
        name: unique name within the subgraph.
        op: op type.
        inputs: the tensors it takes, flattened.
        control: names of the nodes that must run before it.
        attrs: attributes, complete.
        device: device string as asked for (before placement) or as assigned (after).
        shapes: static shape of each output.
        types: element type of each output.
        source: `file:line` of the user's program that made the operation.
        handle: for a node that yields or takes a resource handle, what it points to.
        colocation: names of the operations that it must share a device with (`_class` of the graph's op).
        order: position in the graph's order of creation; ties between equally urgent nodes go by it.
    """

    name: str
    op: str
    inputs: tuple[Ref, ...] = ()
    control: tuple[str, ...] = ()
    attrs: Mapping[str, Any] = field(default_factory=dict)
    device: str = ""
    shapes: tuple[TensorShape, ...] = ()
    types: tuple[DType, ...] = ()
    source: str = ""
    handle: HandleData | None = None
    colocation: tuple[str, ...] = ()
    order: int = 0

    @property
    def decl(self) -> OpDecl:
        return get_op(self.op)

    @property
    def state(self) -> State:
        """What the node does besides computing."""
        return get_op(self.op).state_of(self.attrs)

    def with_(self, **changes: Any) -> Node:
        return replace(self, **changes)


@dataclass(frozen=True)
class Subgraph:
    """The nodes of one step, in an order in which each comes after what it needs.

    Attributes:
        nodes: by name, in topological order.
        feeds: the tensors that the step is given, as the user knows them, to the `_Feed` nodes that stand for
            them: tensor name → node name.
        fetches: the tensors that the step returns, in the order of the caller's list.
        targets: names of the nodes that must run although no value of theirs is returned.
        functions: the function bodies that the nodes' attributes name, as subgraphs.
        writes: of a function's body, the feeds that stand for variables whose new values it returns behind the
            fetches.
    """

    nodes: Mapping[str, Node]
    feeds: Mapping[str, str] = field(default_factory=dict)
    fetches: tuple[Ref, ...] = ()
    targets: tuple[str, ...] = ()
    functions: Mapping[str, Any] = field(default_factory=dict)
    writes: tuple[str, ...] = ()

    def with_nodes(self, nodes: Iterable[Node]) -> Subgraph:
        """The same step over other nodes, which are put in topological order."""
        return replace(self, nodes={n.name: n for n in topological(nodes)})

    def shape(self, ref: Ref) -> TensorShape:
        return self.nodes[ref[0]].shapes[ref[1]]

    def dtype(self, ref: Ref) -> DType:
        return self.nodes[ref[0]].types[ref[1]]

    def context(self, node: Node) -> InferContext:
        """The node as its shape rule sees it."""
        nodes = self.nodes
        return InferContext(
            node.decl,
            node.name,
            node.attrs,
            [nodes[n].shapes[i] for n, i in node.inputs],
            [nodes[n].types[i] for n, i in node.inputs],
            value=lambda i: self.value(node.inputs[i]),
            handle=lambda i: nodes[node.inputs[i][0]].handle,
            source=node.source,
        )

    def value(self, ref: Ref) -> np.ndarray[Any, Any] | None:
        """Value of a constant tensor, else None."""
        node = self.nodes[ref[0]]
        if node.op == "Const":
            value: np.ndarray[Any, Any] = node.attrs["value"]
            return value
        return None


def topological(nodes: Iterable[Node]) -> list[Node]:
    """The nodes so that each comes after its inputs and control inputs; by order of creation among equals.

    Raises:
        InvalidArgumentError: they form a cycle; the message lists it.
    """
    import heapq

    by_name = {n.name: n for n in nodes}
    waiting: dict[str, int] = {}
    users: dict[str, list[str]] = {name: [] for name in by_name}
    for node in by_name.values():
        needs = {n for n, _ in node.inputs} | set(node.control)
        unknown = [n for n in needs if n not in by_name]
        if unknown:
            raise InternalError(
                node.name, f"node {node.name!r} needs {sorted(unknown)}, which the step lacks"
            )
        waiting[node.name] = len(needs)
        for need in needs:
            users[need].append(node.name)
    ready = [(by_name[name].order, name) for name, count in waiting.items() if not count]
    heapq.heapify(ready)
    done: list[Node] = []
    while ready:
        _, name = heapq.heappop(ready)
        done.append(by_name[name])
        for user in users[name]:
            waiting[user] -= 1
            if not waiting[user]:
                heapq.heappush(ready, (by_name[user].order, user))
    if len(done) < len(by_name):
        left = {name for name, count in waiting.items() if count}
        raise InvalidArgumentError(None, f"the graph has a cycle: {' -> '.join(_cycle(by_name, left))}")
    return done


def _cycle(nodes: Mapping[str, Node], among: set[str]) -> list[str]:
    name = min(among)
    path: list[str] = []
    while name not in path:
        path.append(name)
        node = nodes[name]
        name = next(n for n in (*(r[0] for r in node.inputs), *node.control) if n in among)
    return [*reversed(path[path.index(name) :]), path[-1]]


def consumers(nodes: Iterable[Node]) -> dict[str, list[str]]:
    """For each node that is used, the names of the nodes that take one of its outputs or wait for it."""
    found: dict[str, list[str]] = {}
    for node in nodes:
        for name in dict.fromkeys((*(r[0] for r in node.inputs), *node.control)):
            found.setdefault(name, []).append(node.name)
    return found


def check_subgraph(subgraph: Subgraph, skip: Callable[[Node], bool] = lambda _: False) -> None:
    """Re-derives every node's output shapes and types and compares them with what the node says.

    Args:
        subgraph: the step to check.
        skip: nodes that have no declaration of their own (`_Send`, `_Recv`).

    Raises:
        InternalError: a node contradicts its rule, needs what comes later, or names what does not exist.
    """
    seen: set[str] = set()
    for node in subgraph.nodes.values():
        for name in (*(r[0] for r in node.inputs), *node.control):
            if name not in seen:
                raise InternalError(node.name, f"node {node.name!r} comes before its input {name!r}")
        seen.add(node.name)
        if node.op == FEED or skip(node):
            continue
        _check_node(subgraph, node)
    for name, index in subgraph.fetches:
        if name not in seen or index >= len(subgraph.nodes[name].types):
            raise InternalError(name, f"fetch {name}:{index} is not in the step")


def _check_node(subgraph: Subgraph, node: Node) -> None:
    expected: Sequence[DType] = node.decl.input_types(node.attrs)
    got = [subgraph.dtype(r) for r in node.inputs]
    if list(expected) != got:
        raise InternalError(node.name, f"{node.op} {node.name!r} takes {expected}, is given {got}")
    if list(node.decl.output_types(node.attrs)) != list(node.types):
        raise InternalError(node.name, f"{node.op} {node.name!r} says it yields {node.types}")
    for derived, stated in zip(node.decl.infer(subgraph.context(node)), node.shapes, strict=True):
        if not derived.is_compatible_with(stated):
            raise InternalError(
                node.name, f"{node.op} {node.name!r} says its shape is {stated}, its rule gives {derived}"
            )
