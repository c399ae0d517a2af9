"""In which stage of its device each node of a placed step runs."""

from __future__ import annotations

from ..graph.ir import Subgraph
from .constraints import is_copied
from .plan import Plan

__all__ = ["stage_levels"]

_SOURCES = ("VarHandleOp",)


def stage_levels(subgraph: Subgraph, plan: Plan) -> dict[str, int]:
    """For each node the number of device changes on the longest path that leads to it.

    A variable's handle runs where it is first used; nodes that every device has a copy of are left out.
    """
    nodes, place = subgraph.nodes, plan.placement
    levels: dict[str, int] = {}
    first_use: dict[str, int] = {}
    for name in plan.global_order:
        node = nodes[name]
        if is_copied(node):
            continue
        level = 0
        for source in (*(n for n, _ in node.inputs), *node.control):
            if source in levels:
                level = max(level, levels[source] + (place[source] != place[name]))
        levels[name] = level
        for source, _ in node.inputs:
            if source in levels and nodes[source].op in _SOURCES:
                first_use[source] = min(level, first_use.get(source, level))
    return {**levels, **first_use}
