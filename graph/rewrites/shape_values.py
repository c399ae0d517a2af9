"""Questions about shapes that are known become constants."""

from __future__ import annotations

import numpy as np

from ..ir import Node
from .sweep import Replacement, Rule, Sweep

__all__ = ["SHAPE_RULES"]


def _shape(sweep: Sweep, node: Node) -> Replacement:
    shape = sweep.shape(node.inputs[0])
    if not shape.is_fully_defined():
        return None
    return sweep.constant(node, np.array(shape.known(), dtype=node.types[0].np), node.types[0])


def _shape_n(sweep: Sweep, node: Node) -> Replacement:
    shapes = [sweep.shape(ref) for ref in node.inputs]
    if not all(s.is_fully_defined() for s in shapes):
        return None
    values = [np.array(s.known(), dtype=node.types[0].np) for s in shapes]
    return tuple((sweep.constant(node, v, node.types[0], output=i).name, 0) for i, v in enumerate(values))


def _size(sweep: Sweep, node: Node) -> Replacement:
    count = sweep.shape(node.inputs[0]).num_elements()
    return None if count is None else sweep.constant(node, np.array(count, node.types[0].np), node.types[0])


def _rank(sweep: Sweep, node: Node) -> Replacement:
    rank = sweep.shape(node.inputs[0]).rank
    return None if rank is None else sweep.constant(node, np.array(rank, node.types[0].np), node.types[0])


SHAPE_RULES: dict[str, list[Rule]] = {
    "Shape": [_shape],
    "ShapeN": [_shape_n],
    "Size": [_size],
    "Rank": [_rank],
}
