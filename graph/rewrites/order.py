"""Keeps the order of what touches state.

Rewrites cut edges: a shape that is known no longer waits for the tensor that it was asked of. A read of a variable,
a write or another effect that came after a write or an effect only through such an edge must still come after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..ir import FEED, Node, Subgraph

__all__ = ["StateOrder", "restore_order", "state_order"]


@dataclass(frozen=True)
class StateOrder:
    """Which writes and effects each node that touches state comes after.

    Attributes:
        sources: the nodes that write variables or have other effects; number `i` has bit `i`.
        before: for each node that touches state, the bits of the sources that it depends on.
    """

    sources: tuple[str, ...]
    before: Mapping[str, int]


def state_order(subgraph: Subgraph) -> StateOrder:
    """The order that the step's edges make."""
    sources = tuple(n.name for n in subgraph.nodes.values() if _changes_state(n))
    observers = {n.name for n in subgraph.nodes.values() if _touches_state(n)}
    if not sources:
        return StateOrder((), {})
    masks = _masks(subgraph, sources)
    own = {name: 1 << i for i, name in enumerate(sources)}
    return StateOrder(sources, {name: masks[name] & ~own.get(name, 0) for name in observers})


def restore_order(subgraph: Subgraph, order: StateOrder) -> Subgraph:
    """The step with control edges for the order that its edges lost.

    Args:
        subgraph: a rewritten step.
        order: the order before the rewrite.
    """
    if not order.sources:
        return subgraph
    masks = _masks(subgraph, order.sources)
    added: dict[str, Any] = {}
    for name, before in order.before.items():
        if name in subgraph.nodes:
            lost = before & ~masks[name]
            if lost:
                added[name] = _newest(lost, order, masks)
    if not added:
        return subgraph
    nodes = [
        node.with_(control=(*node.control, *added[node.name])) if node.name in added else node
        for node in subgraph.nodes.values()
    ]
    return subgraph.with_nodes(nodes)


def _newest(lost: int, order: StateOrder, masks: Mapping[str, int]) -> list[str]:
    """The fewest of the lost sources to wait for: the others come before these."""
    found: list[str] = []
    for index in reversed(range(len(order.sources))):
        if lost >> index & 1:
            name = order.sources[index]
            found.append(name)
            lost &= ~(masks[name] | order.before.get(name, 0) | 1 << index)
    return found


def _masks(subgraph: Subgraph, sources: tuple[str, ...]) -> dict[str, int]:
    """For each node, the bits of the sources among its ancestors and itself."""
    own = {name: 1 << i for i, name in enumerate(sources)}
    masks: dict[str, int] = {}
    for node in subgraph.nodes.values():
        mask = own.get(node.name, 0)
        for name, _ in node.inputs:
            mask |= masks[name]
        for name in node.control:
            mask |= masks[name]
        masks[node.name] = mask
    return masks


def _touches_state(node: Node) -> bool:
    return node.op != FEED and node.state.kind in ("variable", "effect")


def _changes_state(node: Node) -> bool:
    if node.op == FEED:
        return False
    state = node.state
    return state.kind == "effect" or bool(state.writes)
