"""From a graph and what is asked of it to the nodes that a step needs, and no more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .elements import Operation, Tensor
from .graph import Graph
from .ir import FEED, Node, Ref, Subgraph, topological

__all__ = ["feed_node", "node_of", "prune"]


def prune(
    graph: Graph, fetches: Sequence[Tensor], feeds: Iterable[Tensor], targets: Sequence[Operation]
) -> Subgraph:
    """The operations that the fetches and targets need, fed tensors taken as given.

    Args:
        graph: the graph they are in.
        fetches: tensors whose values are asked for.
        feeds: tensors whose values are given.
        targets: operations that must run.

    Raises:
        InvalidArgumentError: the operations form a cycle.
    """
    fed = {t: f"_feed/{t.op.name}_{t.value_index}" for t in feeds}
    nodes = [feed_node(t, name) for t, name in fed.items()]
    stack = [t.op for t in fetches if t not in fed] + list(targets)
    seen: set[Operation] = set()
    while stack:
        op = stack.pop()
        if op in seen:
            continue
        seen.add(op)
        stack.extend(t.op for t in op.inputs if t not in fed)
        stack.extend(c for c in op.control_inputs if not _is_given(c, fed))
        nodes.append(node_of(op, fed))
    needed = {ref[0] for n in nodes for ref in n.inputs} | {fed[t] for t in fetches if t in fed}
    nodes = [n for n in nodes if n.op != FEED or n.name in needed]
    return Subgraph(
        nodes={n.name: n for n in topological(nodes)},
        feeds={t.name: name for t, name in fed.items() if name in needed},
        fetches=tuple(_ref(t, fed) for t in fetches),
        targets=tuple(op.name for op in targets),
        functions=graph.functions,
    )


def node_of(op: Operation, fed: dict[Tensor, str] | None = None) -> Node:
    """An operation as a node; inputs that are fed point to their `_Feed` nodes."""
    handle = next((t.handle_data for t in (*op.outputs, *op.inputs) if t.handle_data is not None), None)
    return Node(
        name=op.name,
        op=op.type,
        inputs=tuple(_ref(t, fed or {}) for t in op.inputs),
        control=tuple(c.name for c in op.control_inputs if not _is_given(c, fed or {})),
        attrs=op.attrs,
        device=op.device,
        shapes=tuple(t.shape for t in op.outputs),
        types=tuple(t.dtype for t in op.outputs),
        source=op.source,
        handle=handle,
        colocation=tuple(g.removeprefix("loc:@") for g in op.attrs.get("_class", ())),
        order=op.index,
    )


def _is_given(op: Operation, fed: dict[Tensor, str]) -> bool:
    """Whether waiting for an operation is waiting for a fed value only, which is there from the start."""
    return op.type in ("Placeholder", "PlaceholderWithDefault", "Const") and op.outputs[0] in fed


def _ref(tensor: Tensor, fed: dict[Tensor, str]) -> Ref:
    return (fed[tensor], 0) if tensor in fed else (tensor.op.name, tensor.value_index)


def feed_node(tensor: Tensor, name: str) -> Node:
    return Node(
        name=name,
        op=FEED,
        attrs={"dtype": tensor.dtype, "shape": tensor.shape},
        device=tensor.op.device,
        shapes=(tensor.shape,),
        types=(tensor.dtype,),
        source=tensor.op.source,
        handle=tensor.handle_data,
        order=tensor.op.index,
    )
