"""What a segment does on a GPU, step by step: which values are on the host, and which nodes make up one kernel.

Shapes and axes are worked out on the host, with NumPy; elementwise nodes that only feed each other become one
kernel, so that what lies between them never goes through the GPU's memory.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..registry import find_kernel
from ..segment import Segment, SegmentNode, host_arguments
from .elementwise import fusable

__all__ = ["SHAPE_ONLY", "Step", "plan_steps"]

SHAPE_ONLY = frozenset({"Shape", "ShapeN", "Size", "Rank"})
"""Ops whose result follows from the shape of their inputs."""

_MOST_INPUTS = 24
"""Arrays that one fused kernel takes at most: its parameters have to fit into 4 KiB."""


@dataclass(frozen=True)
class Step:
    """One call of a program.

    Attributes:
        rows: the nodes that it computes; several only where they are fused.
        args: slots that it takes, in the order of the call.
        outs: slots that it gives.
        host_args: those of `args`, by position, that have to be NumPy arrays.
        host: whether NumPy computes it, from and to the host.
        fused: whether its nodes are one generated kernel.
    """

    rows: tuple[SegmentNode, ...]
    args: tuple[int | None, ...]
    outs: tuple[int | None, ...]
    host_args: frozenset[int]
    host: bool = False
    fused: bool = False


def plan_steps(segment: Segment, fuse: bool = True) -> tuple[list[Step], frozenset[int]]:
    """The steps of a segment, and the slots whose values are NumPy arrays."""
    host_slots = {*segment.host_inputs}
    wanted = _wanted(segment)
    known = {*host_slots, *segment.constants}
    hosts: list[bool] = []
    for row in segment.nodes:
        host = _runs_on_host(row, wanted, known)
        hosts.append(host)
        if host:
            host_slots.update(_slots(row.outs))
            known.update(_slots(row.outs))
    groups = _groups(segment, hosts) if fuse else {}
    return list(_steps(segment, hosts, groups)), frozenset(host_slots)


def _runs_on_host(row: SegmentNode, wanted: set[int], known: set[int]) -> bool:
    node = row.node
    if node.op in SHAPE_ONLY or any(t.kind in "srv" for t in (*row.in_types, *node.types)):
        return True
    found = find_kernel(node.op, "cupy")
    if found is not None and found.host:
        return True
    args = _slots(row.args)
    if node.state.kind != "pure" or not args:
        return False
    if node.decl.dynamic and set(range(len(row.args))) == set(host_arguments(row)):
        return True
    return any(s in wanted for s in _slots(row.outs)) and all(s in known for s in args)


def _wanted(segment: Segment) -> set[int]:
    """The slots that host inputs are, or are computed from."""
    wanted: set[int] = set()
    for row in reversed(segment.nodes):
        wanted.update(s for p in host_arguments(row) if (s := row.args[p]) is not None)
        if row.node.op not in SHAPE_ONLY and any(s in wanted for s in _slots(row.outs)):
            wanted.update(_slots(row.args))
    return wanted


def _groups(segment: Segment, hosts: list[bool]) -> dict[int, list[int]]:
    """Indices of the nodes of each fused kernel, by the index of its last node.

    A node joins the kernel of its consumers where they are all in one, because nothing else then needs its result.
    """
    users: dict[int, list[int]] = {}
    for index, row in enumerate(segment.nodes):
        for slot in set(_slots(row.args)):
            users.setdefault(slot, []).append(index)
    outputs = set(segment.outputs)
    root: dict[int, int] = {}
    members: dict[int, list[int]] = {}
    for index in reversed(range(len(segment.nodes))):
        row = segment.nodes[index]
        if hosts[index] or not fusable(row):
            continue
        (out,) = row.outs
        assert out is not None
        roots = {root.get(u, -1) for u in users.get(out, ())}
        target = roots.pop() if len(roots) == 1 and out not in outputs else -1
        if target >= 0 and _inputs_of(segment, [*members[target], index]) <= _MOST_INPUTS:
            root[index] = target
            members[target].append(index)
        else:
            root[index] = index
            members[index] = [index]
    return {r: sorted(found) for r, found in members.items() if len(found) > 1}


def _inputs_of(segment: Segment, indices: list[int]) -> int:
    rows = [segment.nodes[i] for i in indices]
    made = {s for r in rows for s in _slots(r.outs)}
    return len({s for r in rows for s in _slots(r.args)} - made)


def _steps(segment: Segment, hosts: list[bool], groups: dict[int, list[int]]) -> Iterable[Step]:
    inside = {i for r, found in groups.items() for i in found if i != r}
    for index, row in enumerate(segment.nodes):
        if index in inside or row.node.op == "NoOp":
            continue
        if index in groups:
            rows = tuple(segment.nodes[i] for i in groups[index])
            made = {s for r in rows for s in _slots(r.outs)}
            taken = dict.fromkeys(s for r in rows for s in _slots(r.args) if s not in made)
            yield Step(rows, tuple(taken), row.outs, frozenset(), fused=True)
        elif hosts[index]:
            # Of a tensor whose shape is asked for, only the shape is looked at.
            where = () if row.node.op in SHAPE_ONLY else range(len(row.args))
            yield Step((row,), row.args, row.outs, frozenset(where), host=True)
        else:
            yield Step((row,), row.args, row.outs, frozenset(host_arguments(row)))


def _slots(slots: Iterable[int | None]) -> list[int]:
    return [s for s in slots if s is not None]
