"""Nodes that nobody needs any more are dropped, and waits for what is always there."""

from __future__ import annotations

from dataclasses import replace

from ..ir import FEED, Node, Subgraph
from .sweep import has_effect

__all__ = ["drop_dead_code"]


def drop_dead_code(subgraph: Subgraph) -> Subgraph:
    """The step without nodes that neither a fetch, a target nor an effect needs.

    Feeds stay, so that they are still checked; writes, effects and random draws that were part of the step stay
    even where rewrites have made their results useless.
    """
    nodes = subgraph.nodes
    needed: set[str] = set()
    stack = [*subgraph.targets, *(name for name, _ in subgraph.fetches)]
    stack += [n.name for n in nodes.values() if n.op == FEED or has_effect(n)]
    while stack:
        name = stack.pop()
        if name not in needed:
            needed.add(name)
            stack.extend(n for n, _ in nodes[name].inputs)
            stack.extend(c for c in nodes[name].control if not _is_there(nodes[c]))
    kept = {name: _without_waits(subgraph, node) for name, node in nodes.items() if name in needed}
    same = len(kept) == len(nodes) and all(kept[n] is node for n, node in nodes.items())
    return subgraph if same else replace(subgraph, nodes=kept)


def _is_there(node: Node) -> bool:
    """Whether waiting for the node is waiting for nothing."""
    return node.op in ("Const", "VarHandleOp", FEED)


def _without_waits(subgraph: Subgraph, node: Node) -> Node:
    if not any(_is_there(subgraph.nodes[c]) for c in node.control):
        return node
    return node.with_(control=tuple(c for c in node.control if not _is_there(subgraph.nodes[c])))
