"""Graphs of function bodies: branches, loop bodies, user functions.

A body is a graph of its own whose arguments are `Placeholder` ops. A tensor of the graph around it that the body
uses becomes an argument too; whoever makes the op that runs the body passes the tensor. Bodies live in the library
`Graph.functions` of the outermost graph, by name, and are plain subgraphs once a step runs them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .attributes import FunctionRef
from .default_graph import get_default_graph
from .dtypes import DType
from .elements import Operation, Tensor
from .errors import InvalidArgumentError
from .graph import Graph
from .infer import HandleData
from .ir import Node, Subgraph, topological
from .opdef import OpDecl, State, write_state
from .shapes import TensorShape

__all__ = ["FuncGraph", "Traits", "init_scope", "lift_reads", "shapes_of", "state_of_call"]

_SMALL_ELEMENTS = 256
"""Constants up to this size are copied into a body instead of being passed to it, so that shapes are known there."""


@dataclass(frozen=True)
class Traits:
    """What running a body does besides computing its results.

    Attributes:
        effect: whether it draws random numbers, or does something else that the outside can see.
        reads: positions of the arguments that are handles of variables whose value it uses.
        writes: positions of those whose value it sets.
        hosts: positions of the arguments that shapes and axes follow from (`OpDecl.host_inputs`).
    """

    effect: bool
    reads: frozenset[int]
    writes: frozenset[int]
    hosts: frozenset[int] = frozenset()


class FuncGraph(Graph):
    """The body of a function.

    Args:
        name: wished name; made unique in the library.
        outer_graph: the graph around it; None for the default graph.

    Attributes:
        name: its name in the library.
        outer_graph: the graph around it.
        inputs: its arguments, outputs of `Placeholder` ops; those for captured tensors among them.
        outputs: its results.
        structured_outputs: the results as the Python function gave them.
        captures: tensors of `outer_graph` that it uses → the argument for each.
        control_captures: operations of `outer_graph` that must run before it.
        control_outputs: operations that must run although no result needs them.
        writes: positions of the arguments that are variables whose new values the compiled body returns behind
            its results.
        attributes: attributes of the FunctionDef that it was read from.
    """

    def __init__(self, name: str, outer_graph: Graph | None = None) -> None:
        super().__init__()
        outer = get_default_graph() if outer_graph is None else outer_graph
        self.outer_graph = outer
        self.functions = outer.functions
        self.name = self._registered(name)
        self.inputs: list[Tensor] = []
        self.outputs: list[Tensor] = []
        self.structured_outputs: Any = None
        self.captures: dict[Tensor, Tensor] = {}
        self.control_captures: dict[Operation, None] = {}
        self.control_outputs: list[Operation] = []
        self.writes: tuple[int, ...] = ()
        self.attributes: dict[str, Any] = {}
        self.seed = outer.seed
        self._collections = outer._collections
        self._copies: dict[Tensor, Tensor] = {}
        self._edits = 0
        self._compiled: tuple[Any, Subgraph] | None = None

    def _registered(self, name: str) -> str:
        """`name`, or one made of it that the library does not have yet; the body is then in the library."""
        wished = name.replace("/", "_").replace("\\", "_").strip("_") or "function"
        unique, count = wished, 0
        while unique in self.functions:
            count += 1
            unique = f"{wished}_{count}"
        self.functions[unique] = self
        return unique

    # --- arguments and captures ---------------------------------------------------------------------------

    def add_argument(
        self, dtype: DType, shape: TensorShape, name: str = "arg", handle_data: HandleData | None = None
    ) -> Tensor:
        """A new argument, behind those that there are.

        Args:
            dtype, shape: of the values that will be passed.
            name: wished name.
            handle_data: for a resource handle, what it points to.
        """
        leaf = name.rpartition("/")[2] or "arg"
        with self.name_scope(None), self.control_dependencies(None), self.device(None):
            op = self.create_op("Placeholder", [], {"dtype": dtype, "shape": shape}, leaf, control_inputs=())
        argument = op.outputs[0]
        argument.handle_data = handle_data
        self.inputs.append(argument)
        return argument

    def capture(self, tensor: Tensor) -> Tensor:
        """What stands here for a tensor of a graph around this one: an argument, or a copy of a constant."""
        if tensor.graph is self:
            return tensor
        if tensor.op.type == "Const" and tensor.op.attrs["value"].size <= _SMALL_ELEMENTS:
            return self._copied(tensor)
        if tensor.graph is not self.outer_graph:
            tensor = self.outer_graph._capture(tensor, tensor.op.decl, "")
        if tensor not in self.captures:
            self.captures[tensor] = self.add_argument(
                tensor.dtype, tensor.shape, tensor.op.name, tensor.handle_data
            )
        return self.captures[tensor]

    def _capture(self, tensor: Tensor, decl: OpDecl, source: str) -> Tensor:
        if not self.is_inside(tensor.graph):
            return super()._capture(tensor, decl, source)
        return self.capture(tensor)

    def is_inside(self, graph: Graph) -> bool:
        """Whether `graph` is this one or around it."""
        outer = self.outer_graph
        return graph is self or graph is outer or (isinstance(outer, FuncGraph) and outer.is_inside(graph))

    def _copied(self, tensor: Tensor) -> Tensor:
        if tensor not in self._copies:
            with self.name_scope(None), self.control_dependencies(None), self.device(None):
                leaf = tensor.op.name.rpartition("/")[2]
                op = self.create_op("Const", [], tensor.op.attrs, leaf, control_inputs=())
            self._copies[tensor] = op.outputs[0]
        return self._copies[tensor]

    def move_captures_behind(self, count: int) -> None:
        """Puts the first `count` arguments that are no captures before all captures."""
        held = set(self.captures.values())
        own = [t for t in self.inputs if t not in held]
        assert len(own) == count, f"{self.name} has {len(own)} arguments, not {count}"
        self.inputs = [*own, *self.captures.values()]
        self._edits += 1

    def capture_all(self, tensors: Iterable[Tensor]) -> None:
        """Makes exactly `tensors` of the graph around this one the captures, in that order, used or not."""
        held = set(self.captures.values())
        own = [t for t in self.inputs if t not in held]
        wanted = list(tensors)
        for tensor in wanted:
            if tensor not in self.captures:
                self.captures[tensor] = self.add_argument(
                    tensor.dtype, tensor.shape, tensor.op.name, tensor.handle_data
                )
        self.captures = {t: self.captures[t] for t in wanted}
        self.inputs = [*own, *self.captures.values()]
        self._edits += 1

    # --- scopes -------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def control_dependencies(self, control_inputs: Iterable[Any] | None) -> Iterator[None]:
        """As `Graph.control_dependencies`; operations of graphs around this one must run before the whole body."""
        inside: list[Any] | None = None
        if control_inputs is not None:
            inside = []
            for item in control_inputs:
                op = _operation_of(item)
                if op is None or op.graph is self or not self.is_inside(op.graph):
                    inside.append(item)
                else:
                    self._wait_outside(op)
        with super().control_dependencies(inside):
            yield

    def _wait_outside(self, op: Operation) -> None:
        if op.graph is self.outer_graph:
            self.control_captures[op] = None
        elif isinstance(self.outer_graph, FuncGraph):
            self.outer_graph._wait_outside(op)

    @contextlib.contextmanager
    def colocate_with(self, op: Any, ignore_existing: bool = False) -> Iterator[None]:
        """As `Graph.colocate_with`; what is outside the body has no say in where its ops run."""
        target = None if op is None else _operation_of(op)
        if target is not None and target.graph is not self:
            yield
            return
        with super().colocate_with(op, ignore_existing):
            yield

    # --- what it is ---------------------------------------------------------------------------------------

    def edited(self) -> None:
        """Must be called after an operation of the body was changed in place."""
        self._edits += 1

    def needed_operations(self) -> list[Operation]:
        """The operations that results and control outputs need, arguments left out, in order of creation."""
        arguments = {t.op for t in self.inputs}
        stack = [*(t.op for t in self.outputs), *self.control_outputs]
        seen: set[Operation] = set()
        while stack:
            op = stack.pop()
            if op not in seen and op not in arguments:
                seen.add(op)
                stack.extend(t.op for t in op.inputs)
                stack.extend(op.control_inputs)
        return sorted(seen, key=lambda op: op.index)

    def traits(self) -> Traits:
        """What running the body does besides computing its results."""
        places = {t: i for i, t in enumerate(self.inputs)}
        effect = False
        reads: set[int] = set()
        writes: set[int] = set()
        for op in self.needed_operations():
            state = op.state
            if state.kind in ("random", "effect") or op.type == "VarIsInitializedOp":
                effect = True
            if not (state.reads or state.writes):
                continue
            slices = op.decl.arg_slices(op.attrs)
            for names, found in ((state.reads, reads), (state.writes, writes)):
                for name in names:
                    place = places.get(_through_identities(op.inputs[slices[name].start]))
                    if place is None:
                        effect = True
                    else:
                        found.add(place)
        return Traits(effect, frozenset(reads), frozenset(writes), self._hosts())

    def _hosts(self) -> frozenset[int]:
        """Positions of the arguments that host inputs of the body's operations are computed from."""
        places = {t: i for i, t in enumerate(self.inputs)}
        stack = [t for op in self.needed_operations() for t in _host_inputs(op)]
        seen = set(stack)
        while stack:
            op = stack.pop().op
            for tensor in () if op.type in _SHAPE_ONLY else op.inputs:
                if tensor not in seen:
                    seen.add(tensor)
                    stack.append(tensor)
        return frozenset(places[t] for t in seen if t in places)

    def to_subgraph(self) -> Subgraph:
        """The body as plain data: its feeds are the arguments in order, its fetches the results."""
        key = (
            self.version,
            self._edits,
            tuple(self.inputs),
            tuple(self.outputs),
            tuple(self.control_outputs),
            self.writes,
        )
        if self._compiled is None or self._compiled[0] != key:
            self._compiled = (key, self._as_subgraph())
        return self._compiled[1]

    def _as_subgraph(self) -> Subgraph:
        from .prune import feed_node, node_of

        fed = {t: f"_feed/{t.op.name}_{t.value_index}" for t in self.inputs}
        arguments = {t.op for t in self.inputs}
        nodes: list[Node] = [feed_node(t, name) for t, name in fed.items()]
        for op in self.needed_operations():
            node = node_of(op, fed)
            kept = tuple(c.name for c in op.control_inputs if c not in arguments)
            nodes.append(node if len(kept) == len(node.control) else node.with_(control=kept))
        feeds = list(fed.values())
        return Subgraph(
            nodes={n.name: n for n in topological(nodes)},
            feeds={t.name: name for t, name in fed.items()},
            fetches=tuple((fed[t], 0) if t in fed else (t.op.name, t.value_index) for t in self.outputs),
            targets=tuple(op.name for op in self.control_outputs if op not in arguments),
            writes=tuple(feeds[i] for i in self.writes),
        )

    def __repr__(self) -> str:
        return f"<weft.FuncGraph '{self.name}' {len(self.inputs)} arguments, {len(self.outputs)} results>"


_SHAPE_ONLY = ("Shape", "ShapeN", "Size", "Rank")


def _host_inputs(op: Operation) -> list[Tensor]:
    """The inputs of an operation whose values decide shapes."""
    found = [op.inputs[i] for i in op.attrs.get("_hosts", ())]
    if op.decl.host_inputs:
        slices = op.decl.arg_slices(op.attrs)
        found += [t for name in op.decl.host_inputs for t in op.inputs[slices[name]]]
    return found


def _operation_of(item: Any) -> Operation | None:
    if isinstance(item, Operation):
        return item
    op = getattr(item, "op", None)
    return op if isinstance(op, Operation) else None


def _through_identities(tensor: Tensor) -> Tensor:
    while tensor.op.type == "Identity":
        tensor = tensor.op.inputs[0]
    return tensor


@contextlib.contextmanager
def init_scope() -> Iterator[Graph]:
    """Makes ops outside all function bodies and control dependencies: initial values of variables, say.

    Yields:
        The outermost graph, which is the default graph inside.
    """
    graph: Any = get_default_graph()
    scope = graph.get_name_scope()
    while getattr(graph, "outer_graph", None) is not None:
        graph = graph.outer_graph
    with (
        graph.as_default(),
        graph.name_scope(f"{scope}/" if scope else None),
        graph.control_dependencies(None),
    ):
        yield graph


# --- the state of ops that run bodies -------------------------------------------------------------------


def bodies_of(library: Mapping[str, Any], attrs: Mapping[str, Any]) -> list[FuncGraph]:
    """The functions of the library that an op's attributes name."""
    found = []
    for value in attrs.values():
        for ref in value if isinstance(value, tuple) else (value,):
            if isinstance(ref, FunctionRef):
                body = library.get(ref.name)
                if body is None:
                    raise InvalidArgumentError(
                        None, f"there is no function {ref.name!r} in the graph's library"
                    )
                found.append(body)
    return found


_CALLS = (
    "If",
    "StatelessIf",
    "Case",
    "StatelessCase",
    "While",
    "StatelessWhile",
    "PartitionedCall",
    "StatefulPartitionedCall",
)
_MAYBE = ("If", "StatelessIf", "Case", "StatelessCase", "While", "StatelessWhile")
"""Ops that may run a body or not."""


def attrs_of_call(graph: Graph, decl: OpDecl, attrs: Mapping[str, Any]) -> dict[str, Any]:
    """What follows from the bodies of an op that runs functions: its attributes `_state` and `_hosts`.

    `_hosts` has the positions of the inputs that shapes and axes inside the bodies follow from.
    """
    found: dict[str, Any] = {"_state": state_of_call(graph, decl, attrs)}
    if decl.name in _CALLS:
        hosts = frozenset[int]().union(*(body.traits().hosts for body in bodies_of(graph.functions, attrs)))
        first = 1 if decl.name.endswith(("If", "Case")) else 0
        found["_hosts"] = tuple(sorted(p + first for p in hosts))
    return found


def state_of_call(graph: Graph, decl: OpDecl, attrs: Mapping[str, Any]) -> str:
    """What an op does that runs functions of the graph's library, as the text that attribute `_state` holds.

    The kernels are given the values of variables in the place of their handles, and give new values back. A variable
    that may be set without having been read need not have a value yet; such an op asks the runtime for it.
    """
    if decl.name not in _CALLS:
        return write_state(decl.state)
    bodies = bodies_of(graph.functions, attrs)
    traits = [body.traits() for body in bodies]
    reads = frozenset[int]().union(*(t.reads for t in traits))
    writes = frozenset[int]().union(*(t.writes for t in traits))
    for body in bodies:
        body.writes = tuple(sorted(writes))
    effect = any(t.effect for t in traits) or bool(attrs.get("_lazy"))
    if decl.name in _MAYBE:
        effect = effect or not writes <= reads
        reads |= writes
    labels = [tuple(f"{decl.inputs[-1].name}[{i}]" for i in sorted(found)) for found in (reads, writes)]
    kind: Any = "effect" if effect else "variable" if reads or writes else "pure"
    return write_state(State(kind, *labels))


def handles_of_call(
    graph: Graph, decl: OpDecl, attrs: Mapping[str, Any], inputs: Sequence[Tensor], types: Sequence[DType]
) -> Sequence[HandleData | None]:
    """What the outputs of an op that runs functions point to: a loop's what its inputs do, others' what results do."""
    if decl.name in ("While", "StatelessWhile"):
        return [t.handle_data for t in inputs]
    bodies = bodies_of(graph.functions, attrs)
    results: Sequence[Tensor] = bodies[0].outputs if bodies else ()
    found = [t.handle_data if d.kind in "rv" else None for t, d in zip(results, types, strict=False)]
    return found if len(found) == len(types) else [None] * len(types)


def shapes_of(tensors: Sequence[Tensor]) -> tuple[TensorShape, ...]:
    """The static shapes of tensors."""
    return tuple(t.shape for t in tensors)


def lift_reads(bodies: Sequence[FuncGraph]) -> None:
    """Reads the variables outside that bodies only read, and passes their values instead of their handles.

    The op that runs the bodies may then be on another device than the variables. A variable that a body writes, or
    hands to a body of its own, stays a handle.

    Args:
        bodies: bodies of one op, in one graph.
    """
    outer = bodies[0].outer_graph
    handles = dict.fromkeys(t for body in bodies for t in body.captures if t.dtype.kind == "r")
    for handle in handles:
        users = [
            (body, op)
            for body in bodies
            if handle in body.captures
            for op in body.get_operations()
            if any(t is body.captures[handle] for t in op.inputs)
        ]
        if not users or any(op.type != "ReadVariableOp" for _, op in users):
            continue
        with outer.control_dependencies(op for body in bodies for op in body.control_captures):
            read = outer.create_op("ReadVariableOp", [handle], users[0][1].attrs, device=handle.op.device)
        value = read.outputs[0]
        for body in bodies:
            argument = body.captures.pop(handle, None)
            if argument is not None:
                body.inputs.remove(argument)
        for body, op in users:
            _become_identity(op, body.capture(value))
            body.edited()


def _become_identity(op: Operation, value: Tensor) -> None:
    from .opdef import get_op

    op.decl = get_op("Identity")
    op.inputs = (value,)
    op.attrs = {"T": value.dtype, **{k: v for k, v in op.attrs.items() if k.startswith("_")}}
