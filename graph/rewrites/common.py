"""Common subexpressions: pure nodes that compute the same thing are computed once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..ir import FEED, Node, Ref, Subgraph

__all__ = ["share_common"]

_LARGEST_BYTES = 1 << 16
"""Larger constants are told apart by identity: comparing their bytes costs more than holding two."""


def share_common(subgraph: Subgraph) -> Subgraph:
    """The step with each pure node that repeats an earlier one left out.

    Nodes are the same where op, inputs, control inputs, attributes, requested device and colocation are. What
    draws random numbers, has an effect or reads a variable is never shared.
    """
    nodes: dict[str, Node] = {}
    seen: dict[Any, Node] = {}
    same: dict[str, str] = {}
    targets = set(subgraph.targets)
    for node in subgraph.nodes.values():
        if same:
            node = _renamed(node, same)
        key = _key(node)
        if key is not None:
            first = seen.setdefault(key, node)
            if first is not node and node.name not in targets:
                same[node.name] = first.name
                nodes[first.name] = _best_known(nodes[first.name], node)
                continue
        nodes[node.name] = node
    if not same:
        return subgraph
    fetches = tuple((same.get(n, n), i) for n, i in subgraph.fetches)
    return replace(subgraph, nodes=nodes, fetches=fetches)


def _renamed(node: Node, same: Mapping[str, str]) -> Node:
    if any(n in same for n, _ in node.inputs):
        inputs: tuple[Ref, ...] = tuple((same.get(n, n), i) for n, i in node.inputs)
        node = node.with_(inputs=inputs)
    if any(c in same for c in node.control):
        node = node.with_(control=tuple(dict.fromkeys(same.get(c, c) for c in node.control)))
    return node


def _best_known(first: Node, again: Node) -> Node:
    shapes = tuple(a.merge_with(b) for a, b in zip(first.shapes, again.shapes, strict=True))
    return first.with_(shapes=shapes) if shapes != first.shapes else first


def _key(node: Node) -> Any:
    if node.op == FEED or not node.types:
        return None
    if node.op != "Const" and node.state.kind != "pure":
        return None
    attrs = tuple((name, frozen(value)) for name, value in sorted(node.attrs.items()) if name != "_class")
    return (
        node.op, node.inputs, frozenset(node.control), attrs, node.device, frozenset(node.colocation),
    )  # fmt: skip


def frozen(value: Any) -> Any:
    """An attribute's value in a form that can be compared and hashed."""
    if isinstance(value, np.ndarray):
        if value.nbytes > _LARGEST_BYTES:
            return id(value)
        if value.dtype == np.dtype(object):
            return (value.shape, tuple(value.reshape(-1).tolist()))
        return (value.dtype.str, value.shape, value.tobytes())
    if isinstance(value, (list, tuple)):
        return tuple(frozen(v) for v in value)
    if isinstance(value, float):
        return (value, value.hex())
    attrs = getattr(value, "attrs", None)
    if isinstance(attrs, Mapping):
        return (value, tuple((k, frozen(v)) for k, v in sorted(attrs.items())))
    return (type(value).__name__, value)
