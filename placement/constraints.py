"""Which devices each op may run on: device strings, colocation, kernel support, as TensorFlow's placer rules.

Ops that must share a device form a group. A group may run where all its members may: the device strings of
its members are merged, and every member's op type needs a kernel there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..graph.device_spec import DeviceSpec
from ..graph.errors import InvalidArgumentError, PlacementError
from ..graph.ir import FEED, Node, Subgraph
from .cluster import Cluster, DeviceInfo, listed

__all__ = ["Constraints", "Supports", "constraints_of", "is_copied"]

Supports = Callable[[str, DeviceInfo], bool]
"""Whether a device has a kernel for an op type."""

ANYWHERE = frozenset(
    {"Const", FEED, "NoOp", "Placeholder", "ReadVariableOp", "VarHandleOp", "VarIsInitializedOp"}
)
"""Op types that the device runtime carries out itself, on every backend."""


def is_copied(node: Node) -> bool:
    """Whether every device that uses the node gets a copy of it, so that its value is never sent."""
    return node.op == FEED or (node.op == "Const" and not node.control)


@dataclass(frozen=True)
class Constraints:
    """The groups of a step and where they may run.

    Attributes:
        group: number of each node's group, in the order of the step's nodes.
        allowed: for each group the positions of the devices that it may run on, in the cluster's order.
        notes: what was relaxed, in words.
    """

    group: tuple[int, ...]
    allowed: tuple[tuple[int, ...], ...]
    notes: tuple[str, ...] = ()


def constraints_of(
    subgraph: Subgraph,
    cluster: Cluster,
    supports: Supports,
    allow_soft_placement: bool = False,
    default_device: str | None = None,
) -> Constraints:
    """Settles groups and where each may run.

    Args:
        subgraph: the step.
        cluster: the devices that there are.
        supports: whether a device has a kernel for an op type.
        allow_soft_placement: an op whose device type is not there, or has no kernel for it, may run on
            another device of the task that it asks for.
        default_device: full or partial name of the devices that ops which leave a choice go to, wherever
            those can run them; None leaves the choice to the planner.

    Raises:
        PlacementError: an op asks for a device that does not exist or cannot run it, or ops that must share a
            device cannot.
    """
    return _Solver(subgraph, cluster, supports, allow_soft_placement, default_device).solve()


class _Solver:
    def __init__(
        self,
        subgraph: Subgraph,
        cluster: Cluster,
        supports: Supports,
        soft: bool,
        default_device: str | None,
    ) -> None:
        self.subgraph = subgraph
        self.nodes: Sequence[Node] = list(subgraph.nodes.values())
        self.cluster = cluster
        self.supports = supports
        self.soft = soft
        self.default = DeviceSpec.from_string(default_device) if default_device else None
        self.notes: list[str] = []
        self._kernel_devices: dict[str, frozenset[int]] = {}
        self._spec_devices: dict[DeviceSpec, tuple[int, ...]] = {}
        self._choices: dict[tuple[DeviceSpec, frozenset[str]], tuple[int, ...]] = {}
        self._all = frozenset(range(len(cluster.devices)))

    def solve(self) -> Constraints:
        group = _groups(self.subgraph)
        members: list[list[Node]] = [[] for _ in range(max(group, default=-1) + 1)]
        for node, number in zip(self.nodes, group, strict=True):
            members[number].append(node)
        allowed = [self._allowed(group_members) for group_members in members]
        return Constraints(tuple(group), tuple(allowed), tuple(self.notes))

    # --- one group --------------------------------------------------------------------------------------

    def _allowed(self, members: Sequence[Node]) -> tuple[int, ...]:
        if len(members) == 1:
            node = members[0]
            spec = self._existing(node, _spec(node)) if node.device else DeviceSpec()
            kinds = frozenset(self._kernels_needed(node))
        else:
            spec = self._merged_spec(members)
            kinds = frozenset(kind for node in members for kind in self._kernels_needed(node))
        key = (spec, kinds)
        found = self._choices.get(key)
        if found is None:
            found = self._choose(members, spec, kinds)
            if not self.soft:
                self._choices[key] = found
        return found

    def _choose(self, members: Sequence[Node], spec: DeviceSpec, kinds: frozenset[str]) -> tuple[int, ...]:
        able = self._all
        for kind in kinds:
            able = able & self._able(kind)
        choices = [i for i in self._matching(spec) if i in able]
        if not choices and self.soft:
            relaxed = spec.replace(device_type=None, device_index=None)
            choices = [i for i in self._matching(relaxed) if i in able]
            if choices:
                self.notes.append(
                    f"{_label(members[0])} asked for {spec}, which cannot run it; it may run on "
                    f"{listed([self.cluster.devices[i].name for i in choices], 4)}"
                )
        if not choices:
            self._no_device(members, spec)
        if self.default is not None:
            preferred = [i for i in choices if self.default.matches(self.cluster.devices[i].spec)]
            choices = preferred or choices
        return tuple(choices)

    def _merged_spec(self, members: Sequence[Node]) -> DeviceSpec:
        merged, asked_by = DeviceSpec(), members[0]
        for node in members:
            if not node.device:
                continue
            spec = self._existing(node, _spec(node))
            both = merged.intersect(spec)
            if both is None and self.soft:
                both = merged.replace(device_type=None, device_index=None).intersect(
                    spec.replace(device_type=None, device_index=None)
                )
                if both is not None:
                    self.notes.append(
                        f"{_label(asked_by)} and {_label(node)} must share a device and ask for {merged} "
                        f"and {spec}; both run on {both or 'any device'}"
                    )
            if both is None:
                raise PlacementError(
                    node.name,
                    f"{_label(node)} asks for {spec} and must share a device with {_label(asked_by)}, "
                    f"which asks for {merged}: {self._why_together(node, asked_by)}. Ask for one device for "
                    "both, or leave one of them open",
                    "",
                    node.source,
                )
            if both != merged:
                merged, asked_by = both, node
        return merged

    def _existing(self, node: Node, spec: DeviceSpec) -> DeviceSpec:
        """The spec, or what soft placement makes of it where no such device exists."""
        if self._matching(spec):
            return spec
        if self.soft:
            relaxed = spec.replace(device_type=None, device_index=None)
            if self._matching(relaxed):
                self.notes.append(
                    f"{_label(node)} asks for {spec}; there is none, so any of its task will do"
                )
                return relaxed
        raise PlacementError(
            node.name,
            f"{_label(node)} asks for {node.device!r}, but {self.cluster.no_device(str(spec))}",
            "",
            node.source,
        )

    # --- what is possible -------------------------------------------------------------------------------

    def _matching(self, spec: DeviceSpec) -> tuple[int, ...]:
        found = self._spec_devices.get(spec)
        if found is None:
            found = self._spec_devices[spec] = tuple(self.cluster.matching(spec))
        return found

    def _able(self, kind: str) -> frozenset[int]:
        """Positions of the devices that have a kernel for an op type."""
        found = self._kernel_devices.get(kind)
        if found is None:
            devices = self.cluster.devices
            found = frozenset(i for i, d in enumerate(devices) if self.supports(kind, d))
            self._kernel_devices[kind] = found
        return found

    def _kernels_needed(self, node: Node) -> Iterator[str]:
        if node.op not in ANYWHERE:
            yield node.op
        for body in _bodies(node, self.subgraph.functions):
            yield from (kind for kind in body if kind not in ANYWHERE)

    # --- saying why not ---------------------------------------------------------------------------------

    def _no_device(self, members: Sequence[Node], spec: DeviceSpec) -> None:
        names = self.cluster.names
        for node in members:
            for kind in self._kernels_needed(node):
                able = self._able(kind)
                inside = "" if kind == node.op else f" (its body has {kind})"
                if not able:
                    raise PlacementError(
                        node.name,
                        f"no device of the cluster has a kernel for {_label(node)}{inside}; the devices are "
                        f"{self._with_backends(range(len(names)))}",
                        "",
                        node.source,
                    )
                if not able.intersection(self._matching(spec)):
                    raise PlacementError(
                        node.name,
                        f"{_label(node)}{inside} must run on {spec}, which has no kernel for it; "
                        f"{self._with_backends(sorted(able))} "
                        f"{'has' if len(able) == 1 else 'have'} one. Ask for one of these, or set "
                        "allow_soft_placement",
                        "",
                        node.source,
                    )
        raise PlacementError(
            members[0].name,
            f"{_label(members[0])} must share a device with "
            f"{listed([_label(n) for n in members[1:]], 4)}, and no single device"
            f"{f' of {spec}' if str(spec) else ''} has kernels for {listed(sorted({n.op for n in members}))}",
            "",
            members[0].source,
        )

    def _with_backends(self, positions: Sequence[int]) -> str:
        devices = self.cluster.devices
        return listed([f"{devices[i].name} ({devices[i].backend})" for i in positions], 6)

    def _why_together(self, a: Node, b: Node) -> str:
        if b.name in a.colocation or a.name in b.colocation or set(a.colocation) & set(b.colocation):
            return "they are colocated"
        return "they use the same resource, or are colocated with ops that do"


def _spec(node: Node) -> DeviceSpec:
    try:
        return DeviceSpec.from_string(node.device)
    except InvalidArgumentError as error:
        raise PlacementError(node.name, f"{_label(node)}: {error.message}", "", node.source) from None


def _label(node: Node) -> str:
    return f"{node.op} '{node.name}'"


def _groups(subgraph: Subgraph) -> list[int]:
    """Number of each node's group: nodes that share a resource or a colocation group share a number."""
    position = {name: i for i, name in enumerate(subgraph.nodes)}
    parent = list(range(len(position)))
    absent: dict[str, int] = {}

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for i, node in enumerate(subgraph.nodes.values()):
        for name in node.colocation:
            if name in position:
                parent[root(i)] = root(position[name])
            elif name in absent:
                parent[root(i)] = root(absent[name])
            else:
                # The op itself is not part of the step; those that must be with it must be together.
                absent[name] = i
        for source, index in node.inputs:
            maker = subgraph.nodes[source]
            if maker.types and maker.types[index].kind == "r":
                parent[root(i)] = root(position[source])
    numbers: dict[int, int] = {}
    return [numbers.setdefault(root(i), len(numbers)) for i in range(len(position))]


def _bodies(node: Node, functions: Mapping[str, Any]) -> Iterator[set[str]]:
    """Op types in the bodies of the functions that a node's attributes name, bodies within bodies too."""
    if not functions:
        return
    pending = list(_function_names(node.attrs))
    seen: set[str] = set()
    while pending:
        name = pending.pop()
        if name in seen or name not in functions:
            continue
        seen.add(name)
        kinds: set[str] = set()
        for inner in _body_nodes(functions[name]):
            kinds.add(inner.op if isinstance(inner, Node) else inner.type)
            pending.extend(_function_names(inner.attrs))
        yield kinds


def _body_nodes(body: Any) -> Sequence[Any]:
    if isinstance(body, Subgraph):
        return list(body.nodes.values())
    return list(body.get_operations()) if hasattr(body, "get_operations") else []


def _function_names(attrs: Mapping[str, Any]) -> Iterator[str]:
    from ..graph.attributes import FunctionRef

    for value in attrs.values():
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, FunctionRef):
                yield part.name
