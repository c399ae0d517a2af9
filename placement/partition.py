"""The cut: from a step and its plan to what each device runs, `_Send` and `_Recv` where tensors cross."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..graph import dtypes
from ..graph.errors import InternalError
from ..graph.ir import Node, Subgraph
from ..graph.shapes import TensorShape
from .constraints import is_copied
from .plan import Plan

__all__ = ["Partition", "check_partitions", "partition", "rendezvous_key"]


@dataclass(frozen=True)
class Partition:
    """One device's part of a step.

    Attributes:
        device: full name of the device.
        nodes: what it runs, in order, each with its device filled in.
    """

    device: str
    nodes: tuple[Node, ...]


def rendezvous_key(node: Node) -> str:
    """Key under which a `_Send` and its `_Recv` meet within a step."""
    attrs = node.attrs
    return f"{attrs['tensor_name']};{attrs['send_device']};{attrs['recv_device']}"


def partition(subgraph: Subgraph, plan: Plan) -> dict[str, Partition]:
    """Cuts a step along its plan.

    A tensor that is needed on other devices is sent to each of them once, right after it is computed, and
    received right before its first use there. A control edge travels as an empty tensor. Constants and feeds
    are never sent: every device that uses one has its own node of that name.

    Args:
        subgraph: the step.
        plan: where its nodes run, and in which order.

    Returns:
        For every device that runs anything its part, in the order of the plan's devices.
    """
    cutter = _Cutter(subgraph, plan)
    for name in plan.global_order:
        cutter.add(subgraph.nodes[name])
    return {d: Partition(d, tuple(cutter.parts[d])) for d in plan.devices if d in cutter.parts}


class _Cutter:
    def __init__(self, subgraph: Subgraph, plan: Plan) -> None:
        self.nodes = subgraph.nodes
        self.placement = plan.placement
        self.parts: dict[str, list[Node]] = {}
        self.have: set[tuple[str, str]] = set()
        self.received: dict[tuple[str, int, str], str] = {}
        self.destinations = self._destinations(plan)
        self.device_number = {d: i for i, d in enumerate(plan.devices)}
        wanted = {n for n, _ in subgraph.fetches} | set(subgraph.targets)
        used = {n for node in self.nodes.values() for n, _ in node.inputs}
        self.at_home = {
            n for n, node in self.nodes.items() if is_copied(node) and (n in wanted or n not in used)
        }

    def _destinations(self, plan: Plan) -> dict[str, dict[tuple[int, str], None]]:
        """For each node the (output, device) pairs that it must be sent to, by first use; output -1 is a
        signal."""
        found: dict[str, dict[tuple[int, str], None]] = {}
        for name in plan.global_order:
            node = self.nodes[name]
            device = self.placement[name]
            if is_copied(node):
                continue
            for source, output in self._needs(node):
                if self.placement[source] != device and not is_copied(self.nodes[source]):
                    found.setdefault(source, {}).setdefault((output, device))
        return found

    def _needs(self, node: Node) -> list[tuple[str, int]]:
        """What a node needs; a signal from a node whose tensor it takes is implied."""
        taken = {n for n, _ in node.inputs}
        return [*node.inputs, *((n, -1) for n in node.control if n not in taken)]

    def add(self, node: Node) -> None:
        device = self.placement[node.name]
        if is_copied(node):
            if node.name in self.at_home:
                self._copy(node.name, device)
            return
        inputs, control = [], []
        for source, output in self._needs(node):
            local = self._bring(source, output, device)
            if output >= 0:
                inputs.append((local, output if local == source else 0))
            elif local:
                control.append(local)
        part = self.parts.setdefault(device, [])
        part.append(node.with_(inputs=tuple(inputs), control=tuple(control), device=device))
        for output, target in self.destinations.get(node.name, ()):
            part.append(self._send(node, output, device, target))

    def _copy(self, name: str, device: str) -> None:
        if (name, device) not in self.have:
            self.have.add((name, device))
            self.parts.setdefault(device, []).append(self.nodes[name].with_(device=device, control=()))

    def _bring(self, source: str, output: int, device: str) -> str:
        """Name of the node that stands for a tensor on a device; "" for a signal that none need wait for."""
        maker = self.nodes[source]
        if is_copied(maker):
            if output < 0:
                return ""
            self._copy(source, device)
            return source
        if self.placement[source] == device:
            return source
        key = (source, output, device)
        if key not in self.received:
            node = self._recv(maker, output, device)
            self.parts.setdefault(device, []).append(node)
            self.received[key] = node.name
        return self.received[key]

    def _send(self, node: Node, output: int, device: str, target: str) -> Node:
        attrs = _edge_attrs(node, output, device, target)
        attrs["T"] = node.types[output] if output >= 0 else dtypes.float32
        return Node(
            name=f"_Send/{_edge(node, output)}/{self.device_number[target]}",
            op="_Send",
            inputs=((node.name, output),) if output >= 0 else (),
            control=() if output >= 0 else (node.name,),
            attrs=attrs,
            device=device,
            source=node.source,
            order=node.order,
        )

    def _recv(self, maker: Node, output: int, device: str) -> Node:
        dtype = maker.types[output] if output >= 0 else dtypes.float32
        attrs = _edge_attrs(maker, output, self.placement[maker.name], device)
        attrs["tensor_type"] = dtype
        return Node(
            name=f"_Recv/{_edge(maker, output)}",
            op="_Recv",
            attrs=attrs,
            device=device,
            shapes=(maker.shapes[output] if output >= 0 else TensorShape([0]),),
            types=(dtype,),
            source=maker.source,
            order=maker.order,
        )


def _edge(node: Node, output: int) -> str:
    return f"{node.name}_{output}" if output >= 0 else f"{node.name}_ctrl"


def _edge_attrs(node: Node, output: int, src: str, dst: str) -> dict[str, object]:
    return {
        "tensor_name": f"{node.name}:{output}" if output >= 0 else f"^{node.name}",
        "send_device": src,
        "send_device_incarnation": 0,
        "recv_device": dst,
        "client_terminated": False,
    }


def check_partitions(subgraph: Subgraph, plan: Plan, parts: Mapping[str, Partition]) -> None:
    """Checks a cut against the step that it was made of.

    Raises:
        InternalError: a node is missing, doubled or misplaced, needs what its device does not have, a tensor
            is sent or received other than once per device, or the devices would wait for each other forever.
    """
    sends: dict[str, str] = {}
    recvs: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    for device, part in parts.items():
        _check_part(subgraph, plan, part, seen)
        for node in part.nodes:
            if node.op in ("_Send", "_Recv"):
                ends = sends if node.op == "_Send" else recvs
                key = rendezvous_key(node)
                if key in ends:
                    raise InternalError(node.name, f"{key} has two {node.op} nodes")
                ends[key] = device
    if sends.keys() != recvs.keys():
        raise InternalError(None, f"sent and received differ: {sorted(sends.keys() ^ recvs.keys())}")
    for name, device in plan.placement.items():
        if (name, device) not in seen and not is_copied(subgraph.nodes[name]):
            raise InternalError(name, f"'{name}' is on no device, the plan has it on {device}")
    _check_progress(parts)


def _check_part(subgraph: Subgraph, plan: Plan, part: Partition, seen: set[tuple[str, str]]) -> None:
    local: dict[str, Node] = {}
    for node in part.nodes:
        if node.name in local or node.device != part.device:
            raise InternalError(node.name, f"'{node.name}' is twice on {part.device}, or belongs elsewhere")
        for name in (*(n for n, _ in node.inputs), *node.control):
            if name not in local:
                raise InternalError(
                    node.name, f"'{node.name}' on {part.device} comes before its input '{name}'"
                )
        local[node.name] = node
        original = subgraph.nodes.get(node.name)
        if original is None:
            continue
        seen.add((node.name, part.device))
        if not is_copied(original) and plan.placement[node.name] != part.device:
            raise InternalError(node.name, f"'{node.name}' is on {part.device}, not where the plan has it")
        for (name, index), (old, old_index) in zip(node.inputs, original.inputs, strict=True):
            maker = subgraph.nodes[old]
            if local[name].types[index] is not maker.types[old_index] or not local[name].shapes[
                index
            ].is_compatible_with(maker.shapes[old_index]):
                raise InternalError(node.name, f"'{node.name}' is given another type or shape by '{name}'")


def _check_progress(parts: Mapping[str, Partition]) -> None:
    sent: set[str] = set()
    at = dict.fromkeys(parts, 0)
    moved = True
    while moved:
        moved = False
        for device, part in parts.items():
            while at[device] < len(part.nodes):
                node = part.nodes[at[device]]
                if node.op == "_Recv" and rendezvous_key(node) not in sent:
                    break
                if node.op == "_Send":
                    sent.add(rendezvous_key(node))
                at[device] += 1
                moved = True
    stuck = {d: p.nodes[at[d]].name for d, p in parts.items() if at[d] < len(p.nodes)}
    if stuck:
        raise InternalError(None, f"the devices wait for each other: {stuck}")
