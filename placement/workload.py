"""Workloads in the format of "Efficient Algorithms for Device Placement of DNN Graph Operators" (NeurIPS 2020).

A file is a JSON object: `nodes` with times on the CPU and on an accelerator, memory, and a colour class (nodes of
one colour are on one device); `edges` with transfer costs; how many accelerators and CPU cores there are, and what an
accelerator holds. Times and costs are in milliseconds, sizes in bytes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..graph import dtypes
from ..graph.errors import PlacementError
from ..graph.ir import Node, Subgraph
from ..graph.shapes import TensorShape
from .cluster import Cluster, Link, device_info
from .costs import Costs
from .pieces import PieceProblem, Pieces, check_problem, pieces_of
from .problem import Ints, flatten, starts

__all__ = ["Workload", "read_workload"]

_BYTES_PER_MS = 1e6
"""Bytes that stand for a millisecond of transfer when a workload becomes a graph."""


@dataclass(frozen=True)
class Workload:
    """A workload.

    Attributes:
        ids: of the nodes, in topological order.
        problem: the same as arrays.
    """

    ids: tuple[int, ...]
    problem: PieceProblem

    def assignment(self, pieces: Pieces) -> dict[int, int | tuple[int, int]]:
        """A placement in the form that the published tools score: by node id, 0 for the CPU, else the number of
        the accelerator from 1 and the number of the piece."""
        device = pieces.device.tolist()
        return {
            node: (d + 1, p) if d >= 0 else 0
            for node, d, p in zip(self.ids, device, pieces.piece.tolist(), strict=True)
        }

    def pieces(self, assignment: Mapping[int, int | tuple[int, int]]) -> Pieces:
        """The placement that an assignment of that form stands for.

        Raises:
            PlacementError: it lacks a node.
        """
        missing = [i for i in self.ids if i not in assignment]
        if missing:
            raise PlacementError(str(missing[0]), f"the assignment lacks node {missing[0]}")
        places = [assignment[i] for i in self.ids]
        if any(isinstance(p, tuple) for p in places):
            return _explicit(self.problem, places)
        device = np.array([p - 1 if isinstance(p, int) and p > 0 else -1 for p in places], dtype=np.int64)
        return pieces_of(self.problem, device)

    def subgraph(self) -> Subgraph:
        """The workload as a graph of weft; its nodes stand for work and cannot be run."""
        problem = self.problem
        makers, users, _ = problem.edges
        inputs: list[list[str]] = [[] for _ in self.ids]
        for maker, user in zip(makers.tolist(), users.tolist(), strict=True):
            inputs[user].append(str(self.ids[maker]))
        cost = np.zeros(problem.units)
        cost[problem.source] = problem.cost
        mates = _first_of_group(problem.group, self.ids)
        nodes = {}
        for i, number in enumerate(self.ids):
            shape = TensorShape([round(float(cost[i]) * _BYTES_PER_MS)])
            attrs = {"N": len(inputs[i]), "T": dtypes.uint8}
            nodes[str(number)] = Node(
                name=str(number),
                op="AddN",
                inputs=tuple((name, 0) for name in inputs[i]),
                attrs=attrs,
                shapes=(shape,),
                types=(dtypes.uint8,),
                source="workload",
                colocation=() if mates[i] == number else (str(mates[i]),),
                order=i,
            )
        return Subgraph(nodes)

    def cluster(self) -> Cluster:
        """The accelerators, as GPUs, and the CPU with as many streams as it has cores."""
        problem = self.problem
        # A tensor goes through host memory: out of one accelerator, into the next.
        link = Link(0.0, _BYTES_PER_MS * 1e3)
        between = Link(0.0, _BYTES_PER_MS * 1e3 / 2)
        cpu = device_info(
            "/job:worker/task:0/cpu:0",
            op_seconds=0.0,
            node="host",
            process="cpu",
            streams=max(problem.cores, 1),
        )
        accelerators = [
            device_info(
                f"/job:worker/task:0/gpu:{i}",
                op_seconds=0.0,
                node="host",
                process=f"gpu{i}",
                memory_bytes=problem.memory,
            )
            for i in range(problem.accelerators)
        ]
        return Cluster((cpu, *accelerators), same_node=link, gpu_to_gpu=between)

    def costs(self) -> Costs:
        """Every node's time on every device of `cluster`, and its memory."""
        seconds: dict[tuple[str, str], float] = {}
        for device in self.cluster().devices:
            times = self.problem.slow if device.kind == "CPU" else self.problem.fast
            seconds.update(
                {(str(i), device.name): t / 1e3 for i, t in zip(self.ids, times.tolist(), strict=True)}
            )
        sizes = zip(self.ids, self.problem.size.tolist(), strict=True)
        return Costs(seconds=seconds, resident={str(i): size for i, size in sizes})


def _first_of_group(group: Ints, ids: Sequence[int]) -> list[int]:
    first: dict[int, int] = {}
    return [first.setdefault(g, i) for g, i in zip(group.tolist(), ids, strict=True)]


def _explicit(problem: PieceProblem, places: Sequence[int | tuple[int, int]]) -> Pieces:
    """Pieces that are given by number, put into an order in which they can run."""
    names = [p if isinstance(p, tuple) else ((p, 0) if p > 0 else None) for p in places]
    found = sorted({n for n in names if n is not None})
    number = {name: i for i, name in enumerate(found)}
    of_unit = [number[n] if n is not None else -1 for n in names]
    rank = _piece_order(problem, of_unit, found)
    piece = np.array([rank[p] if p >= 0 else -1 for p in of_unit], dtype=np.int64)
    where = np.zeros(len(found), dtype=np.int64)
    for i, name in enumerate(found):
        where[rank[i]] = name[0] - 1
    return Pieces(piece, where)


def _piece_order(
    problem: PieceProblem, of_unit: Sequence[int], names: Sequence[tuple[int, int]]
) -> list[int]:
    """For each piece its place in an order in which pieces that need others come later, as far as there is one."""
    after: dict[int, set[int]] = {i: set() for i in range(len(names))}
    for i in range(1, len(names)):
        if names[i][0] == names[i - 1][0]:
            after[i - 1].add(i)
    behind: list[set[int]] = [set() for _ in of_unit]
    pred_start, preds = (a.tolist() for a in problem.preds)
    for u, own in enumerate(of_unit):
        for v in preds[pred_start[u] : pred_start[u + 1]]:
            behind[u] |= {of_unit[v]} if of_unit[v] >= 0 else behind[v]
        if own >= 0:
            for p in behind[u]:
                if p != own:
                    after[p].add(own)
    waiting = [0] * len(names)
    for targets in after.values():
        for t in targets:
            waiting[t] += 1
    order: list[int] = []
    ready = [i for i in range(len(names)) if not waiting[i]]
    while ready:
        i = ready.pop(0)
        order.append(i)
        for t in sorted(after[i]):
            waiting[t] -= 1
            if not waiting[t]:
                ready.append(t)
    order += [i for i in range(len(names)) if i not in set(order)]
    rank = [0] * len(names)
    for place, i in enumerate(order):
        rank[i] = place
    return rank


def read_workload(source: str | os.PathLike[str] | Mapping[str, Any]) -> Workload:
    """Reads a workload from a file, or from the parsed JSON.

    Raises:
        PlacementError: the file is malformed; a number is negative; the graph has a cycle; a colour class or an
            edge names what is not there.
    """
    if isinstance(source, Mapping):
        return _read(source)
    try:
        with open(source, encoding="utf-8") as file:
            data = json.load(file)
    except (OSError, ValueError) as error:
        raise PlacementError(None, f"cannot read workload {os.fspath(source)}: {error}") from None
    if not isinstance(data, Mapping):
        raise PlacementError(None, f"workload {os.fspath(source)} is no JSON object")
    return _read(data)


def _read(data: Mapping[str, Any]) -> Workload:
    try:
        nodes = {int(n["id"]): n for n in data["nodes"]}
        if len(nodes) < len(data["nodes"]):
            raise PlacementError(None, "workload: two nodes have the same id")
        cost: dict[int, float] = {}
        succs: dict[int, dict[int, None]] = {i: {} for i in nodes}
        for edge in data["edges"]:
            source, target = int(edge["sourceId"]), int(edge["destId"])
            for end in (source, target):
                if end not in nodes:
                    raise PlacementError(str(end), f"workload: an edge names node {end}, which is not there")
            # The cost belongs to the source; the published tools keep the one that comes first.
            cost.setdefault(source, float(edge["cost"]))
            succs[source].setdefault(target)
        ids = _topological(nodes, succs)
        problem = _problem(data, ids, nodes, succs, cost)
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, PlacementError):
            raise
        raise PlacementError(None, f"malformed workload: {type(error).__name__} {error}") from None
    check_problem(problem)
    return Workload(tuple(ids), problem)


def _topological(nodes: Mapping[int, Any], succs: Mapping[int, Mapping[int, None]]) -> list[int]:
    waiting = dict.fromkeys(nodes, 0)
    for targets in succs.values():
        for t in targets:
            waiting[t] += 1
    order = [i for i in nodes if not waiting[i]]
    for i in order:
        for t in succs[i]:
            waiting[t] -= 1
            if not waiting[t]:
                order.append(t)
    if len(order) < len(nodes):
        stuck = [i for i in nodes if waiting[i]]
        raise PlacementError(str(stuck[0]), f"workload: the graph has a cycle, through node {stuck[0]}")
    return order


def _problem(
    data: Mapping[str, Any],
    ids: Sequence[int],
    nodes: Mapping[int, Mapping[str, Any]],
    succs: Mapping[int, Mapping[int, None]],
    cost: Mapping[int, float],
) -> PieceProblem:
    position = {i: p for p, i in enumerate(ids)}
    groups: dict[object, int] = {}
    group = []
    for i in ids:
        colour = nodes[i].get("colorClass")
        group.append(groups.setdefault(("own", i) if colour is None else colour, len(groups)))
    yields = [i for i in ids if succs[i]]
    user_start, users = flatten([sorted(position[t] for t in succs[i]) for i in yields])

    def column(key: str, default: float | None = None) -> Any:
        values = [nodes[i][key] if default is None else nodes[i].get(key, default) for i in ids]
        return np.array(values, dtype=np.float64)

    accelerators, cores, memory = int(data["maxFPGAs"]), int(data["maxCPUs"]), float(data["maxSizePerFPGA"])
    if accelerators < 0 or cores < 0 or not memory >= 0:
        raise PlacementError(None, "workload: the numbers of devices and their memory must be at least 0")
    return PieceProblem(
        names=tuple(ids),
        fast=column("fpgaLatency"),
        slow=column("cpuLatency"),
        size=column("size", 0.0),
        can=column("supportedOnFpga").astype(np.bool_),
        group=np.array(group, dtype=np.int64),
        out_start=starts(np.array([1 if succs[i] else 0 for i in ids], dtype=np.int64)),
        cost=np.array([cost[i] for i in yields], dtype=np.float64),
        user_start=user_start,
        users=users,
        backward=column("isBackwardNode", 0.0).astype(np.bool_),
        accelerators=accelerators,
        cores=cores,
        memory=memory,
    )
