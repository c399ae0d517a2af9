"""A step as arrays: what planners and the simulator work on.

Tasks are the nodes that run on one device, in topological order; nodes that every device gets a copy of
(`constraints.is_copied`) are no tasks. Tensors are numbered by the task that yields them; a control edge is a
tensor of no bytes.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..graph.infer import elements
from ..graph.ir import Node, Subgraph
from .cluster import Cluster, DeviceInfo, LinkMatrices
from .constraints import ANYWHERE, Constraints, is_copied
from .costs import Costs, tensor_bytes, work_of
from .op_times import device_seconds

__all__ = ["Problem", "build_problem"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Problem:
    """Tasks, tensors, devices and links as arrays.

    Attributes:
        names: name of each task.
        seconds: time of each task on each class of devices, in seconds, (tasks, classes).
        device_class: class of each device: devices of a class are equally fast at everything.
        group: for each task the number of its group; a group runs on one device.
        choice: for each group the row of `allowed` that holds for it.
        allowed: (rows, devices): where a group may run.
        out_start: the tensors of task i are `out_start[i]` to `out_start[i + 1]`.
        source: task that yields each tensor.
        output: which output of its node each tensor is; -1 for the control edges from it.
        bytes: what travels when a tensor is sent.
        held: what a tensor takes on the device that yields it; 0 where it is a view of another.
        viewed: for a tensor that is a view of another, that one's number; else -1.
        kept: whether a tensor is fetched and so lives to the end of the step.
        user_start, users: the tasks that take tensor t are `users[user_start[t]:user_start[t + 1]]`,
            ascending.
        in_start, inputs: the tensors that task i takes are `inputs[in_start[i]:in_start[i + 1]]`.
        resident: bytes that a task's node holds on its device between steps (a variable's value).
        copied_bytes: size of each node that is copied.
        copied_start, copied_users: the tasks that use each copied node.
        links: links between the devices.
        memory: capacity of each device in bytes.
        streams: how many ops each device runs at once.
    """

    names: Sequence[str]
    seconds: Floats
    device_class: Ints
    group: Ints
    choice: Ints
    allowed: Bools
    out_start: Ints
    source: Ints
    output: Ints
    bytes: Floats
    held: Floats
    viewed: Ints
    kept: Bools
    user_start: Ints
    users: Ints
    in_start: Ints
    inputs: Ints
    resident: Floats
    copied_bytes: Floats
    copied_start: Ints
    copied_users: Ints
    links: LinkMatrices
    memory: Floats
    streams: Ints

    @property
    def tasks(self) -> int:
        return len(self.names)

    @property
    def tensors(self) -> int:
        return len(self.source)

    @property
    def devices(self) -> int:
        return len(self.device_class)

    @property
    def groups(self) -> int:
        return len(self.choice)

    @functools.cached_property
    def group_start(self) -> Ints:
        """The members of group g are `members[group_start[g]:group_start[g + 1]]`."""
        return starts(np.bincount(self.group, minlength=self.groups))

    @functools.cached_property
    def members(self) -> Ints:
        """Tasks by group, ascending within each."""
        return np.argsort(self.group, kind="stable").astype(np.int64)

    @functools.cached_property
    def edges(self) -> tuple[Ints, Ints, Ints]:
        """Every use of a tensor: (task that yields it, task that takes it, tensor)."""
        tensor = np.repeat(np.arange(self.tensors), np.diff(self.user_start))
        return self.source[tensor], self.users, tensor

    def time(self, assignment: Ints) -> Floats:
        """Time of each task on the device that it is assigned to, in seconds."""
        found: Floats = self.seconds[np.arange(self.tasks), self.device_class[assignment]]
        return found


def starts(counts: npt.NDArray[Any]) -> Ints:
    """From the length of each row to where each row starts, with the end of the last one added."""
    return np.concatenate(([0], np.cumsum(counts))).astype(np.int64)


def flatten(rows: Sequence[Sequence[int]]) -> tuple[Ints, Ints]:
    """Rows of different lengths as (starts, values)."""
    begin = starts(np.fromiter((len(r) for r in rows), np.int64, len(rows)))
    values = np.fromiter((v for r in rows for v in r), np.int64, int(begin[-1]))
    return begin, values


def build_problem(subgraph: Subgraph, cluster: Cluster, constraints: Constraints, costs: Costs) -> Problem:
    """The step as arrays.

    Args:
        subgraph: the step.
        cluster: the devices and links.
        constraints: groups and where they may run.
        costs: what is known beyond the declarations.
    """
    tasks = [(node, g) for node, g in zip(subgraph.nodes.values(), constraints.group, strict=True)]
    nodes = [node for node, _ in tasks if not is_copied(node)]
    number = {node.name: i for i, node in enumerate(nodes)}
    tensors = _tensors(subgraph, nodes, number, costs)
    groups: dict[int, int] = {}
    group = [groups.setdefault(g, len(groups)) for node, g in tasks if not is_copied(node)]
    rows: dict[tuple[int, ...], int] = {}
    choice = [rows.setdefault(constraints.allowed[g], len(rows)) for g in groups]
    allowed = np.zeros((len(rows), len(cluster.devices)), dtype=np.bool_)
    for devices, row in rows.items():
        allowed[row, list(devices)] = True
    seconds, device_class = _times(subgraph, nodes, cluster, costs)
    copied_bytes, copied_start, copied_users = _copied(subgraph, number, costs)
    return Problem(
        names=tuple(number),
        seconds=seconds,
        device_class=device_class,
        group=np.array(group, dtype=np.int64),
        choice=np.array(choice, dtype=np.int64),
        allowed=allowed,
        **tensors,
        resident=np.array([_resident(node, costs) for node in nodes], dtype=np.float64),
        copied_bytes=copied_bytes,
        copied_start=copied_start,
        copied_users=copied_users,
        links=cluster.matrices,
        memory=np.array([d.memory_bytes for d in cluster.devices], dtype=np.float64),
        streams=np.array([d.streams for d in cluster.devices], dtype=np.int64),
    )


def _tensors(
    subgraph: Subgraph, nodes: Sequence[Node], number: Mapping[str, int], costs: Costs
) -> dict[str, Any]:
    """The fields of `Problem` that have to do with tensors."""
    users: list[dict[int, list[int]]] = [{} for _ in nodes]
    for i, node in enumerate(nodes):
        makers = set()
        for name, index in dict.fromkeys(node.inputs):
            maker = number.get(name)
            if maker is not None:
                makers.add(maker)
                users[maker].setdefault(index, []).append(i)
        for name in dict.fromkeys(node.control):
            maker = number.get(name)
            if maker is not None and maker not in makers:
                users[maker].setdefault(-1, []).append(i)
    fetched = set(subgraph.fetches)
    output: list[int] = []
    sizes: list[float] = []
    held: list[float] = []
    kept: list[bool] = []
    rows: list[list[int]] = []
    counts: list[int] = []
    for node, takers in zip(nodes, users, strict=True):
        view = node.op in ANYWHERE or node.op in _VIEWS
        before = len(output)
        for index in range(len(node.types)):
            size = tensor_bytes(costs.shape((node.name, index), node.shapes[index]), node.types[index])
            output.append(index)
            sizes.append(size)
            held.append(0.0 if view else size)
            kept.append((node.name, index) in fetched)
            rows.append(takers.get(index, []))
        if -1 in takers:
            output.append(-1)
            sizes.append(0.0)
            held.append(0.0)
            kept.append(False)
            rows.append(takers[-1])
        counts.append(len(output) - before)
    user_start, flat = flatten(rows)
    out_start = starts(np.array(counts, dtype=np.int64))
    taken = np.repeat(np.arange(len(rows)), np.diff(user_start))
    by_user = np.argsort(flat, kind="stable")
    in_start = starts(np.bincount(flat, minlength=len(nodes)))
    inputs = taken[by_user].astype(np.int64)
    viewed = np.full(len(rows), -1, dtype=np.int64)
    for i, node in enumerate(nodes):
        if node.op in _VIEWS and in_start[i] < in_start[i + 1] and node.types:
            viewed[out_start[i]] = inputs[in_start[i]]
    return {
        "out_start": out_start,
        "source": np.repeat(np.arange(len(nodes)), counts).astype(np.int64),
        "output": np.array(output, dtype=np.int64),
        "bytes": np.array(sizes, dtype=np.float64),
        "held": np.array(held, dtype=np.float64),
        "kept": np.array(kept, dtype=np.bool_),
        "user_start": user_start,
        "users": flat,
        "viewed": viewed,
        "in_start": in_start,
        "inputs": inputs,
    }


_VIEWS = frozenset(
    {"Identity", "Reshape", "Squeeze", "ExpandDims", "StopGradient", "PreventGradient", "Snapshot"}
)
"""Op types whose output shares the memory of their first input."""


def _times(subgraph: Subgraph, nodes: Sequence[Node], cluster: Cluster, costs: Costs) -> tuple[Floats, Ints]:
    """Time of each node on each class of devices, and each device's class."""
    classes: dict[object, int] = {}
    members = [classes.setdefault(_speed(d, costs), len(classes)) for d in cluster.devices]
    of_class = dict(zip(members, cluster.devices, strict=True))
    flops = np.zeros(len(nodes))
    moved = np.zeros(len(nodes))
    kinds: dict[tuple[str, str], list[int]] = {}
    free = []
    for i, node in enumerate(nodes):
        if node.op in ANYWHERE:
            free.append(i)
            continue
        work = work_of(subgraph, node, costs)
        flops[i], moved[i] = work.flops, work.bytes
        kinds.setdefault((node.op, work.dtype), []).append(i)
    seconds = np.zeros((len(nodes), len(classes)))
    for number, device in of_class.items():
        seconds[:, number] = device_seconds(device, kinds, flops, moved)
    seconds[free] = 0.0
    _measured(nodes, cluster, costs, np.array(members), seconds)
    return seconds, np.array(members, dtype=np.int64)


def _speed(device: DeviceInfo, costs: Costs) -> object:
    """What tells classes of equally fast devices apart."""
    rates = tuple(sorted(device.flops.items()))
    times = tuple(sorted(device.op_times.items(), key=lambda row: row[0]))
    own = device.name if costs.seconds else ""
    return rates, device.bytes_per_second, device.op_seconds, times, own


def _measured(nodes: Sequence[Node], cluster: Cluster, costs: Costs, members: Ints, seconds: Floats) -> None:
    """Puts measured times in place of estimates.

    A node that was measured on one device only is taken to be off by the same factor on the others.
    """
    if not costs.seconds:
        return
    by_node: dict[str, dict[str, float]] = {}
    for (name, device), value in costs.seconds.items():
        by_node.setdefault(name, {})[device] = value
    for i, node in enumerate(nodes):
        found = by_node.get(node.name)
        if not found:
            continue
        columns = {int(members[cluster.index[d]]): v for d, v in found.items() if d in cluster.index}
        if not columns:
            continue
        ratios = [v / seconds[i, c] for c, v in columns.items() if seconds[i, c] > 0]
        if ratios:
            seconds[i] *= float(np.mean(ratios))
        for column, value in columns.items():
            seconds[i, column] = value


def _resident(node: Node, costs: Costs) -> float:
    stated = costs.resident.get(node.name)
    if stated is not None:
        return stated
    if node.op != "VarHandleOp" or node.handle is None:
        return 0.0
    shape = costs.shape((node.name, -1), node.handle.shape)
    return float(elements(shape) * node.handle.dtype.size)


def _copied(subgraph: Subgraph, number: Mapping[str, int], costs: Costs) -> tuple[Floats, Ints, Ints]:
    users: dict[str, list[int]] = {node.name: [] for node in subgraph.nodes.values() if is_copied(node)}
    for name, i in number.items():
        for source in dict.fromkeys(n for n, _ in subgraph.nodes[name].inputs):
            if source in users:
                users[source].append(i)
    sizes = []
    for name in users:
        node = subgraph.nodes[name]
        sizes.append(tensor_bytes(costs.shape((name, 0), node.shapes[0]), node.types[0]))
    begin, flat = flatten(list(users.values()))
    return np.array(sizes, dtype=np.float64), begin, flat
