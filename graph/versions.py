"""Which value of a variable each read of a step sees.

Within one step every write of a variable makes a new version of it; version 0 is the value from before the
step. A read that does not depend on a write sees version 0; one that does sees the newest version that it
depends on. Writes that do not depend on each other go by order of creation, whatever the placement, so the
result never depends on timing.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

from .ir import Node, Ref, Subgraph
from .opdef import find_op

__all__ = ["Access", "StateVersions", "resource_of", "state_versions", "with_write_order"]


@dataclass(frozen=True)
class Access:
    """One node's use of one variable.

    Attributes:
        argument: name of the op's resource input.
        variable: name of the node that yields the handle.
        reads: version that the node's kernel takes, or None where it takes none.
        writes: version that it makes, or None where it makes none.
    """

    argument: str
    variable: str
    reads: int | None
    writes: int | None


@dataclass(frozen=True)
class StateVersions:
    """Versions of all variables in one step.

    Attributes:
        accesses: for each node that touches variables, its accesses in order of its resource inputs.
        final: for each variable that the step writes, its last version.
    """

    accesses: Mapping[str, tuple[Access, ...]]
    final: Mapping[str, int]


def resource_of(subgraph: Subgraph, ref: Ref) -> str:
    """Name of the node that made the handle which arrives as `ref`, through identities."""
    node = subgraph.nodes[ref[0]]
    while True:
        if node.op == "Identity":
            ref = node.inputs[0]
        elif node.op in ("While", "StatelessWhile"):
            ref = node.inputs[ref[1]]
        else:
            return node.name
        node = subgraph.nodes[ref[0]]


def state_versions(subgraph: Subgraph) -> StateVersions:
    """Settles the order of writes and what every read sees."""
    writers = _writers(subgraph)
    numbers = {v: {name: i + 1 for i, name in enumerate(names)} for v, names in writers.items()}
    seen = _newest_seen(subgraph, numbers)
    accesses: dict[str, tuple[Access, ...]] = {}
    for node in subgraph.nodes.values():
        found = []
        for argument, var in _resource_inputs(subgraph, node):
            made = numbers.get(var, {}).get(node.name) if _is_written(node, argument) else None
            read = None
            if _is_read(node, argument):
                # A write builds on the write before it, so that no update is lost.
                read = made - 1 if made is not None else seen[node.name].get(var, 0)
            found.append(Access(argument, var, read, made))
        if found:
            accesses[node.name] = tuple(found)
    return StateVersions(accesses, {v: len(names) for v, names in writers.items()})


def _resource_inputs(subgraph: Subgraph, node: Node) -> list[tuple[str, str]]:
    """The variables that a node touches: argument name (`#position` for an effect's), handle's node."""
    decl = find_op(node.op)
    if decl is None:
        return []
    state = decl.state_of(node.attrs)
    if state.kind == "effect" and not (state.reads or state.writes or decl.runs_functions):
        # An effect that is given a variable's handle (a loop, a branch, a call) may read and write it.
        found = []
        for position, ref in enumerate(node.inputs):
            if subgraph.dtype(ref).kind == "r":
                maker = resource_of(subgraph, ref)
                if subgraph.nodes[maker].op == "VarHandleOp":
                    found.append((f"#{position}", maker))
        return found
    if not (state.reads or state.writes):
        return []
    slices = decl.arg_slices(node.attrs)
    arguments = sorted({*state.reads, *state.writes}, key=lambda a: slices[a].start)
    return [(a, resource_of(subgraph, node.inputs[slices[a].start])) for a in arguments]


def _is_read(node: Node, argument: str) -> bool:
    return argument.startswith("#") or argument in node.state.reads


def _is_written(node: Node, argument: str) -> bool:
    return argument.startswith("#") or argument in node.state.writes


def _writers(subgraph: Subgraph) -> dict[str, list[str]]:
    """The nodes that write each variable, in the order in which their versions follow each other."""
    writers: dict[str, list[str]] = {}
    for node in subgraph.nodes.values():
        for argument, var in _resource_inputs(subgraph, node):
            if _is_written(node, argument):
                writers.setdefault(var, []).append(node.name)
    return writers


def _newest_seen(subgraph: Subgraph, numbers: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    """For each node, the newest version of each written variable that it depends on."""
    written: dict[str, dict[str, int]] = {}
    for var, by_node in numbers.items():
        for name, version in by_node.items():
            written.setdefault(name, {})[var] = version
    seen: dict[str, dict[str, int]] = {}
    empty: dict[str, int] = {}
    for node in subgraph.nodes.values():
        merged = empty
        for name in (*(r[0] for r in node.inputs), *node.control):
            theirs = seen[name]
            if theirs and theirs is not merged:
                if not merged:
                    merged = theirs
                else:
                    merged = dict(merged)
                    for var, version in theirs.items():
                        merged[var] = max(version, merged.get(var, 0))
        own = written.get(node.name)
        seen[node.name] = {**merged, **own} if own else merged
    return seen


def with_write_order(subgraph: Subgraph) -> Subgraph:
    """The step with a control edge from each write of a variable to the next one.

    The writes then run in the order of their versions on whatever schedule a planner makes.
    """
    extra: dict[str, set[str]] = {}
    for names in _writers(subgraph).values():
        for earlier, later in itertools.pairwise(names):
            if earlier != later:
                extra.setdefault(later, set()).add(earlier)
    if not extra:
        return subgraph
    nodes: list[Node] = []
    for node in subgraph.nodes.values():
        added = sorted(extra.get(node.name, set()) - set(node.control))
        nodes.append(node.with_(control=(*node.control, *added)) if added else node)
    return subgraph.with_nodes(nodes)
