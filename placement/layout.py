"""Where the boxes of a drawn graph go: layers by longest path, few crossings, a scope per box in large graphs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..graph.ir import Subgraph
from .plan import Plan

__all__ = ["Box", "Drawing", "lay_out"]


@dataclass(frozen=True)
class Box:
    """One box of the drawing.

    Attributes:
        label: name of the node, or of the scope that it stands for.
        op: op type; "" for a scope.
        device: device that runs it.
        count: how many nodes it stands for.
        layer, row: position, in boxes.
    """

    label: str
    op: str
    device: str
    count: int
    layer: int
    row: float


@dataclass(frozen=True)
class Drawing:
    """Boxes, and edges between them as pairs of positions in the list of boxes."""

    boxes: tuple[Box, ...]
    edges: tuple[tuple[int, int], ...]


def lay_out(subgraph: Subgraph, plan: Plan, most: int = 260) -> Drawing:
    """Places a step's nodes in layers, left to right.

    Args:
        subgraph: the step.
        plan: gives each node its device.
        most: how many boxes there may be; a larger graph is drawn by name scopes, one box per scope and device.
    """
    box_of, boxes = _boxes(subgraph, plan, most)
    edges: dict[tuple[int, int], None] = {}
    for node in subgraph.nodes.values():
        for name in (*(n for n, _ in node.inputs), *node.control):
            pair = (box_of[name], box_of[node.name])
            if pair[0] != pair[1]:
                edges.setdefault(pair)
    layers = _layers(len(boxes), list(edges))
    rows = _rows(layers, list(edges))
    placed = tuple(
        Box(label, op, device, count, layers[i], rows[i])
        for i, (label, op, device, count) in enumerate(boxes)
    )
    return Drawing(placed, tuple(edges))


def _boxes(
    subgraph: Subgraph, plan: Plan, most: int
) -> tuple[dict[str, int], list[tuple[str, str, str, int]]]:
    """The box of each node, and each box's label, op type, device and number of nodes."""
    names = list(subgraph.nodes)
    depths = [len(names)] if len(names) <= most else [4, 3, 2, 1, 0]
    keys: list[tuple[str, str]] = []
    for depth in depths:
        keys = [(_scope(n, depth) if len(names) > most else n, plan.placement[n]) for n in names]
        if len(set(keys)) <= most:
            break
    numbers: dict[tuple[str, str], int] = {}
    for key in keys:
        numbers.setdefault(key, len(numbers))
    counts = [0] * len(numbers)
    last = [""] * len(numbers)
    for name, key in zip(names, keys, strict=True):
        counts[numbers[key]] += 1
        last[numbers[key]] = subgraph.nodes[name].op
    rows = [
        (label or "graph", last[i] if counts[i] == 1 else "", device, counts[i])
        for (label, device), i in numbers.items()
    ]
    return {n: numbers[k] for n, k in zip(names, keys, strict=True)}, rows


def _scope(name: str, depth: int) -> str:
    """The outer scopes of a name; gradients are told apart by what they are gradients of."""
    parts = name.split("/")[:-1]
    if len(parts) > 1 and parts[0].startswith("gradients") and depth:
        depth += 1
    return "/".join(parts[:depth])


def _layers(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """Longest path to each box; scopes may form circles, whose backward edges do not count."""
    layer = [0] * count
    into: list[list[int]] = [[] for _ in range(count)]
    for a, b in edges:
        if a < b:
            into[b].append(a)
    for b in range(count):
        layer[b] = max((layer[a] + 1 for a in into[b]), default=0)
    # A box that feeds a late layer alone stands right before it, not at the far left.
    first: dict[int, int] = {}
    for a, b in edges:
        if a < b:
            first[a] = min(first.get(a, layer[b]), layer[b])
    for a in range(count - 1, -1, -1):
        if not into[a] and a in first:
            layer[a] = max(first[a] - 1, 0)
    return layer


def _rows(layers: Sequence[int], edges: Sequence[tuple[int, int]], sweeps: int = 6) -> list[float]:
    """Row of each box within its layer: ordered by the mean row of its neighbours."""
    by_layer: dict[int, list[int]] = {}
    for box, layer in enumerate(layers):
        by_layer.setdefault(layer, []).append(box)
    near: list[list[int]] = [[] for _ in layers]
    for a, b in edges:
        near[a].append(b)
        near[b].append(a)
    row = [0.0] * len(layers)
    for members in by_layer.values():
        for position, box in enumerate(members):
            row[box] = position - (len(members) - 1) / 2
    for sweep in range(sweeps):
        for layer in sorted(by_layer, reverse=bool(sweep % 2)):
            members = by_layer[layer]
            wish = {b: sum(row[n] for n in near[b]) / len(near[b]) if near[b] else row[b] for b in members}
            members.sort(key=lambda b: (wish[b], b))
            _spread(members, wish, row)
    return row


def _spread(members: Sequence[int], wish: dict[int, float], row: list[float]) -> None:
    """Gives the boxes of a layer rows at least one apart, near where they wish to be."""
    at = float("-inf")
    for box in members:
        at = max(wish[box], at + 1)
        row[box] = at
    shift = sum(wish[b] - row[b] for b in members) / len(members)
    for box in members:
        row[box] += shift
