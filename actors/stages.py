"""Cuts every device's part of a step into stages, so that devices only ever wait between stages.

A node's stage is the number of device changes on the longest path that leads to it. A stage needs tensors of
lower stages alone, so running the stages in any order that respects this cannot deadlock, on any transport.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..graph.errors import InternalError
from ..graph.ir import Node
from ..placement import Partition

__all__ = ["Stage", "cut_stages", "edge_key"]

_SOURCES = ("Const", "VarHandleOp", "_Feed")


@dataclass(frozen=True)
class Stage:
    """What one device runs between two waits.

    Attributes:
        level: number of device changes that lead to it.
        nodes: in the order in which they run, `_Send` and `_Recv` included.
        recvs: keys of the tensors that must have arrived before it starts, with the device each comes from.
        sends: keys of the tensors that it sends, with the device each goes to.
    """

    level: int
    nodes: tuple[Node, ...]
    recvs: tuple[tuple[str, str], ...]
    sends: tuple[tuple[str, str], ...]


def edge_key(node: Node) -> str:
    """Key under which a `_Send` and its `_Recv` meet within a step."""
    attrs = node.attrs
    return f"{attrs['tensor_name']};{attrs['send_device']};{attrs['recv_device']}"


def cut_stages(partitions: Mapping[str, Partition]) -> dict[str, tuple[Stage, ...]]:
    """The stages of every device, lowest level first.

    Raises:
        InternalError: a `_Recv` has no `_Send`, or the partitions wait for each other in a circle.
    """
    levels = _levels(partitions)
    stages: dict[str, tuple[Stage, ...]] = {}
    for device, part in partitions.items():
        by_level: dict[int, list[Node]] = {}
        first_use = _first_use(device, part, levels)
        for node in part.nodes:
            level = first_use.get(node.name, levels[device, node.name])
            by_level.setdefault(level, []).append(node)
        stages[device] = tuple(_stage(level, by_level[level]) for level in sorted(by_level))
    return stages


def _stage(level: int, nodes: list[Node]) -> Stage:
    recvs = tuple((edge_key(n), str(n.attrs["send_device"])) for n in nodes if n.op == "_Recv")
    sends = tuple((edge_key(n), str(n.attrs["recv_device"])) for n in nodes if n.op == "_Send")
    return Stage(level, tuple(nodes), recvs, sends)


def _first_use(device: str, part: Partition, levels: Mapping[tuple[str, str], int]) -> dict[str, int]:
    """The stage in which each source is first needed: sources do not make a stage of their own."""
    found: dict[str, int] = {}
    for node in part.nodes:
        level = levels[device, node.name]
        for name, _ in node.inputs:
            found[name] = min(level, found.get(name, level))
    sources = {n.name for n in part.nodes if n.op in _SOURCES}
    return {name: level for name, level in found.items() if name in sources}


def _levels(partitions: Mapping[str, Partition]) -> dict[tuple[str, str], int]:
    """The stage of every (device, node)."""
    senders = {
        edge_key(n): (device, n.name) for device, p in partitions.items() for n in p.nodes if n.op == "_Send"
    }
    pending = dict.fromkeys(partitions, 0)
    levels: dict[tuple[str, str], int] = {}
    moved = True
    while moved:
        moved = False
        for device, part in partitions.items():
            at = pending[device]
            while at < len(part.nodes):
                level = _level(device, part.nodes[at], senders, levels)
                if level is None:
                    break
                levels[device, part.nodes[at].name] = level
                at += 1
                moved = True
            pending[device] = at
    stuck = [p.nodes[pending[d]].name for d, p in partitions.items() if pending[d] < len(p.nodes)]
    if stuck:
        raise InternalError(stuck[0], f"the partitions wait for each other at {', '.join(stuck)}")
    return levels


def _level(
    device: str,
    node: Node,
    senders: Mapping[str, tuple[str, str]],
    levels: Mapping[tuple[str, str], int],
) -> int | None:
    if node.op == "_Recv":
        sender = senders.get(edge_key(node))
        if sender is None:
            raise InternalError(node.name, f"nobody sends {edge_key(node)}")
        sent = levels.get(sender)
        return None if sent is None else sent + 1
    level = 0
    for name in (*(r[0] for r in node.inputs), *node.control):
        level = max(level, levels[device, name])
    return level
