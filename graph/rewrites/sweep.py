"""Applies rules to the nodes of a step in topological order, and keeps what hangs on a replaced node right.

A rule looks at one node and gives what stands in its place: a changed node of the same name, or tensors that
exist already. Targets stay nodes; a fetch follows the tensor that takes its tensor's place; a node that waits for
a replaced node waits for what that one was computed from. Where edges are lost that ordered reads and writes of
state, `order.py` puts them back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..dtypes import DType
from ..infer import InferContext
from ..ir import FEED, Node, Ref, Subgraph
from ..opdef import get_op
from ..shapes import TensorShape

__all__ = ["Evaluate", "Replacement", "Rule", "Sweep", "has_effect"]

Array = np.ndarray[Any, Any]

Evaluate = Callable[[Node, Sequence[Any]], tuple[Any, ...]]
"""Computes one pure node from the values of its inputs: one array per output."""

Replacement = Node | tuple[Ref, ...] | None
"""A node of the same name, the tensors that stand for the node's outputs, or None for no change."""

Rule = Callable[["Sweep", Node], Replacement]

_MOST_CHANGES = 20
"""How often one node is rewritten before it is left as it is."""


def has_effect(node: Node) -> bool:
    """Whether a step must run the node even where nothing takes its outputs."""
    if node.op == FEED:
        return False
    state = node.state
    return state.kind in ("effect", "random") or bool(state.writes)


class Sweep:
    """One pass over a step.

    Args:
        subgraph: the step.
        rules: rules by op type; those under "" see every node.
    """

    def __init__(self, subgraph: Subgraph, rules: Mapping[str, Sequence[Rule]]) -> None:
        self.subgraph = subgraph
        self.rules = rules
        self.nodes: dict[str, Node] = {}
        self.changed = False
        self._targets = set(subgraph.targets)
        self._refs: dict[Ref, Ref] = {}
        self._controls: dict[str, tuple[str, ...]] = {}
        self._refined: set[str] = set()
        self._made = 0

    # --- what rules may ask -----------------------------------------------------------------------------

    def shape(self, ref: Ref) -> TensorShape:
        return self.nodes[ref[0]].shapes[ref[1]]

    def dtype(self, ref: Ref) -> DType:
        return self.nodes[ref[0]].types[ref[1]]

    def value(self, ref: Ref) -> Array | None:
        """Value of a constant, else None."""
        node = self.nodes[ref[0]]
        if node.op != "Const":
            return None
        value: Array = node.attrs["value"]
        return value

    def producer(self, ref: Ref, op: str) -> Node | None:
        """The node behind a tensor, if it is of that type."""
        node = self.nodes[ref[0]]
        return node if node.op == op else None

    # --- what rules may make ----------------------------------------------------------------------------

    def constant(self, like: Node, value: Array, dtype: DType, output: int | None = None) -> Node:
        """A constant in the place of a node, or (a new node) of one of its outputs."""
        name = like.name if output is None else self._new_name(like)
        made = Node(
            name=name,
            op="Const",
            attrs={"value": value, "dtype": dtype},
            device=like.device,
            shapes=(TensorShape(value.shape),),
            types=(dtype,),
            source=like.source,
            colocation=like.colocation,
            order=like.order,
        )
        if output is not None:
            self.add(made)
        return made

    def node(
        self, like: Node, op: str, inputs: Sequence[Ref], attrs: Mapping[str, Any], new: bool = False
    ) -> Node:
        """A node in the place of `like` (or, `new`, before it), its shapes inferred."""
        made = like.with_(
            name=self._new_name(like) if new else like.name,
            op=op,
            inputs=tuple(inputs),
            attrs=attrs,
            types=tuple(get_op(op).output_types(attrs)),
        )
        made = made.with_(shapes=tuple(get_op(op).infer(self.context(made))))
        if new:
            self.add(made)
        else:
            shapes = [a.merge_with(b) for a, b in zip(made.shapes, like.shapes, strict=True)]
            made = made.with_(shapes=tuple(shapes))
        return made

    def add(self, node: Node) -> None:
        """Puts a new node before the one that is looked at."""
        self.nodes[node.name] = node
        self.changed = True

    def _new_name(self, like: Node) -> str:
        while True:
            self._made += 1
            name = f"{like.name}/_{self._made}"
            if name not in self.subgraph.nodes and name not in self.nodes:
                return name

    def context(self, node: Node) -> InferContext:
        """The node as its shape rule sees it, on the rewritten inputs."""
        inputs, nodes = node.inputs, self.nodes
        return InferContext(
            node.decl,
            node.name,
            node.attrs,
            [nodes[n].shapes[i] for n, i in inputs],
            [nodes[n].types[i] for n, i in inputs],
            value=lambda i: self.value(inputs[i]),
            partial=lambda i: self._partial(inputs[i]),
            handle=lambda i: nodes[inputs[i][0]].handle,
            source=node.source,
        )

    def _partial(self, ref: Ref) -> TensorShape:
        """A tensor's value as a shape, as far as it is known."""
        value = self.value(ref)
        if value is not None and value.ndim == 1 and value.dtype.kind in "iu":
            return TensorShape(None if d < 0 else int(d) for d in value)
        node = self.nodes[ref[0]]
        if node.op == "Shape":
            return self.shape(node.inputs[0])
        length = self.shape(ref)
        return TensorShape(None if length.rank != 1 or length[0] is None else [None] * length[0])

    # --- the pass ---------------------------------------------------------------------------------------

    def run(self) -> Subgraph:
        """The step with the rules applied; the same object where nothing changed."""
        for original in self.subgraph.nodes.values():
            node = self._redirected(original)
            if node.op != FEED:
                node = self._refine(node)
                found = self._rewritten(node)
                if isinstance(found, tuple):
                    self._forward(node, found)
                    continue
                node = found
            self.changed = self.changed or node is not original
            self.nodes[node.name] = node
        if not self.changed:
            return self.subgraph
        fetches = tuple(self._refs.get(r, r) for r in self.subgraph.fetches)
        return replace(self.subgraph, nodes=self.nodes, fetches=fetches)

    def _redirected(self, node: Node) -> Node:
        refs, controls = self._refs, self._controls
        if any(r in refs for r in node.inputs):
            node = node.with_(inputs=tuple(refs.get(r, r) for r in node.inputs))
        if any(c in controls for c in node.control):
            found = dict.fromkeys(t for c in node.control for t in controls.get(c, (c,)))
            node = node.with_(control=tuple(found))
        return node

    def _refine(self, node: Node) -> Node:
        """The node with the shapes that follow from inputs which are better known than before."""
        if not any(n in self._refined for n, _ in node.inputs):
            return node
        if all(s.is_fully_defined() for s in node.shapes):
            return node
        inferred = node.decl.infer(self.context(node))
        shapes = tuple(a.merge_with(b) for a, b in zip(node.shapes, inferred, strict=True))
        if [s.dims for s in shapes] == [s.dims for s in node.shapes]:
            return node
        self._refined.add(node.name)
        return node.with_(shapes=shapes)

    def note_refined(self, names: Iterable[str]) -> None:
        """Says that more is known of these nodes' results than when the shapes were inferred."""
        self._refined.update(names)

    def _rewritten(self, node: Node) -> Node | tuple[Ref, ...]:
        for _ in range(_MOST_CHANGES):
            found = self._first_change(node)
            if found is None:
                return node
            if isinstance(found, tuple):
                if node.name in self._targets or not self._may_stand_in(node, found):
                    return node
                return found
            self._refined.add(node.name)
            node = found
        return node

    def _first_change(self, node: Node) -> Replacement:
        for rule in (*self.rules.get(node.op, ()), *self.rules.get("", ())):
            found = rule(self, node)
            if found is not None:
                return found
        return None

    def _may_stand_in(self, node: Node, refs: tuple[Ref, ...]) -> bool:
        """Whether the tensors lie where the node's user wanted its outputs."""
        if not node.device and not node.colocation:
            return True
        behind = [self.nodes[r[0]] for r in refs]
        return all(b.device == node.device and b.colocation == node.colocation for b in behind) or all(
            b.op == "Const" for b in behind
        )

    def _forward(self, node: Node, refs: tuple[Ref, ...]) -> None:
        self.changed = True
        for index, ref in enumerate(refs):
            self._refs[node.name, index] = ref
            behind = self.nodes[ref[0]]
            known = node.shapes[index].merge_with(behind.shapes[ref[1]])
            if known.dims != behind.shapes[ref[1]].dims:
                shapes = list(behind.shapes)
                shapes[ref[1]] = known
                self.nodes[ref[0]] = behind.with_(shapes=tuple(shapes))
                self._refined.add(ref[0])
        self._controls[node.name] = tuple(dict.fromkeys(n for n, _ in node.inputs))
