"""A segment: a run of pure nodes that a backend turns into one callable.

A program keeps its values in numbered slots. A segment says which slots it takes, which it fills, and which
node computes which; handles are gone by then, their variables' values have slots of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..graph.dtypes import DType
from ..graph.ir import FEED, Node, Ref, Subgraph
from ..graph.versions import Access, state_versions

__all__ = ["Segment", "SegmentNode", "WholeSegment", "host_arguments", "whole_segment"]


@dataclass(frozen=True)
class SegmentNode:
    """One node of a segment.

    Attributes:
        node: what is computed.
        args: slots of the kernel's inputs: tensors, variables' values, and last the stream position of a
            random op; None for an input that the kernel does not look at (an unread handle).
        outs: slots of the kernel's results: new values of written variables, then outputs; None for one that
            nobody uses.
        in_types: element types of the inputs.
    """

    node: Node
    args: tuple[int | None, ...]
    outs: tuple[int | None, ...]
    in_types: tuple[DType, ...]


@dataclass(frozen=True)
class Segment:
    """A run of nodes between effects.

    Attributes:
        nodes: in the order in which they run.
        inputs: slots that the callable takes, in order.
        outputs: slots that it gives, in order.
        constants: slots whose values are known: host arrays.
        host_inputs: those of `inputs` whose values must be known before compiling (shapes, axes).
        donated: those of `inputs` that nobody needs afterwards, so that their memory may be used. The caller
            holds a reference in its table of variables and in the list of inputs, which is cleared; a value
            that is held by anything else is not overwritten.
        functions: bodies of the functions that nodes name, by name: segments whose inputs are the function's
            arguments and whose outputs are its results. Kernels are given them compiled, as callables from a
            list of arrays to a list of arrays.
    """

    nodes: tuple[SegmentNode, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    constants: Mapping[int, Any] = field(default_factory=dict)
    host_inputs: frozenset[int] = frozenset()
    donated: frozenset[int] = frozenset()
    functions: Mapping[str, Any] = field(default_factory=dict)


def host_arguments(node: SegmentNode) -> tuple[int, ...]:
    """Positions among the node's arguments of the inputs that must be host values (`OpDecl.host_inputs`)."""
    decl = node.node.decl
    if decl.runs_functions:
        # What shapes inside the bodies follow from.
        return tuple(node.node.attrs.get("_hosts", ()))
    if not decl.host_inputs:
        return ()
    slices = decl.arg_slices(node.node.attrs)
    return tuple(p for name in decl.host_inputs for p in range(slices[name].start, slices[name].stop))


@dataclass(frozen=True)
class WholeSegment:
    """A whole subgraph as one segment, and what its inputs and outputs stand for.

    The inputs are the feeds, then the values of variables before the step, then the stream positions of
    random ops; the outputs are the fetches, then the new values of variables.

    Attributes:
        segment: the segment.
        feeds: the `_Feed` nodes, in the order of the inputs.
        variables: the variables (names of the nodes that make the handles) whose values are taken.
        streams: the random nodes whose stream positions are taken.
        written: the variables whose new values are given.
    """

    segment: Segment
    feeds: tuple[str, ...]
    variables: tuple[str, ...]
    streams: tuple[str, ...]
    written: tuple[str, ...]


def whole_segment(
    subgraph: Subgraph, feeds: Sequence[str] | None = None, functions: Mapping[str, Segment] | None = None
) -> WholeSegment:
    """A subgraph without effects as one segment: a function's body, the input of a constant fold, a test.

    Args:
        subgraph: the nodes, in topological order.
        feeds: the `_Feed` nodes in the order in which their values will come; None for the subgraph's order.
        functions: bodies of the functions that nodes name.
    """
    return _Builder(subgraph).build(feeds, functions or {})


class _Builder:
    def __init__(self, subgraph: Subgraph) -> None:
        self.subgraph = subgraph
        self.versions = state_versions(subgraph)
        self.slots: dict[Any, int] = {}
        self.constants: dict[int, Any] = {}
        self.variables: dict[str, None] = {}
        self.streams: list[str] = []
        self.used = _used_refs(subgraph)

    def slot(self, key: Any) -> int:
        return self.slots.setdefault(key, len(self.slots))

    def build(self, feeds: Sequence[str] | None, functions: Mapping[str, Segment]) -> WholeSegment:
        nodes = self.subgraph.nodes
        given = [n.name for n in nodes.values() if n.op == FEED] if feeds is None else list(feeds)
        rows = [row for node in nodes.values() if (row := self.row(node)) is not None]
        written = tuple(self.versions.final)
        inputs = (
            *(self.slot((name, 0)) for name in given),
            *(self.slot(("variable", name, 0)) for name in self.variables),
            *(self.slot(("stream", name)) for name in self.streams),
        )
        outputs = (
            *(self.slot(ref) for ref in self.subgraph.fetches),
            *(self.slot(("variable", name, self.versions.final[name])) for name in written),
        )
        hosts = {row.args[p] for row in rows for p in host_arguments(row)}
        segment = Segment(
            tuple(rows),
            inputs,
            outputs,
            self.constants,
            host_inputs=frozenset(i for i in inputs if i in hosts),
            functions=functions,
        )
        return WholeSegment(segment, tuple(given), tuple(self.variables), tuple(self.streams), written)

    def row(self, node: Node) -> SegmentNode | None:
        if node.op == FEED:
            return None
        if node.op == "Const":
            self.constants[self.slot((node.name, 0))] = node.attrs["value"]
            return None
        if node.types and all(t.kind == "r" for t in node.types) and node.state.kind != "effect":
            return None
        accesses = {a.argument: a for a in self.versions.accesses.get(node.name, ())}
        args, types = self.arguments(node, accesses)
        written = [accesses[name] for name in node.state.writes]
        outs: list[int | None] = [self.slot(("variable", a.variable, a.writes)) for a in written]
        refs = [(node.name, i) for i in range(len(node.types))]
        outs += [self.slot(ref) if ref in self.used else None for ref in refs]
        return SegmentNode(node, tuple(args), tuple(outs), tuple(types))

    def arguments(self, node: Node, accesses: Mapping[str, Access]) -> tuple[list[int | None], list[DType]]:
        args: list[int | None] = []
        types: list[DType] = []
        owner = {s.start: name for name, s in node.decl.arg_slices(node.attrs).items() if name in accesses}
        for position, ref in enumerate(node.inputs):
            access = accesses.get(owner.get(position, ""))
            if access is None:
                args.append(self.slot(ref))
                types.append(self.subgraph.dtype(ref))
                continue
            if access.reads == 0:
                self.variables[access.variable] = None
            args.append(
                None if access.reads is None else self.slot(("variable", access.variable, access.reads))
            )
            handle = self.subgraph.nodes[access.variable].handle
            types.append(self.subgraph.dtype(ref) if handle is None else handle.dtype)
        if node.decl.state.kind == "random":
            self.streams.append(node.name)
            args.append(self.slot(("stream", node.name)))
        return args, types


def _used_refs(subgraph: Subgraph) -> set[Ref]:
    taken: Iterable[Ref] = (ref for node in subgraph.nodes.values() for ref in node.inputs)
    return {*taken, *subgraph.fetches}
