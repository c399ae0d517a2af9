"""GraphDefs into a graph: what TensorFlow wrote, weft runs.

A GraphDef is data, never code: nothing in it is looked up outside the op registry and the graph's own functions. It
may come from anywhere, so whatever is wrong with it ends in an InvalidArgumentError that names the node, and the
graph is then as it was before.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .attr_value import attr_from_proto, attr_to_proto, guess_attr_from_proto
from .default_graph import get_default_graph, name_scope
from .elements import Operation, Tensor, user_line
from .errors import InvalidArgumentError, OpError
from .func_graph import FuncGraph
from .function_records import Library
from .graph import Graph
from .import_branches import replace_branches
from .import_functions import FunctionBuilder
from .import_loops import REPLACED_LOOP_OPS, replace_loops
from .import_upgrades import newer, upgrade
from .import_variables import REPLACED_VARIABLE_OPS, replace_references, resource_form
from .opdef import REQUIRED, OpDecl, find_op, get_op
from .protos import parse, protos
from .records import OUTSIDE, Record, check_inputs, in_order, read_nodes
from .shapes import TensorShape

__all__ = ["GraphBuilder", "import_graph_def"]

REPLACED = REPLACED_VARIABLE_OPS | REPLACED_LOOP_OPS
"""Op types that no declaration is needed for: their nodes are replaced."""


def import_graph_def(
    graph_def: Any,
    input_map: Mapping[str, Any] | None = None,
    return_elements: Sequence[str] | None = None,
    name: str | None = None,
    op_dict: Any = None,
    producer_op_list: Any = None,
) -> list[Any] | None:
    """Adds the nodes of a GraphDef to the default graph.

    Old forms are replaced on the way: reference variables by resources, Switch and Merge by `If`, loops of Enter,
    Merge, Switch, NextIteration and Exit by `While`, and op types that have a newer version by that.

    Args:
        graph_def: a GraphDef message, weft's or TensorFlow's, or its binary form.
        input_map: tensors of the default graph that stand in for tensors of the GraphDef: by name
            ("x:0" or "x"), or operations for control inputs ("^x").
        return_elements: names of operations and tensors of the GraphDef to return.
        name: prefix of the names of what is added, made unique; None for "import", "" for no prefix.
        op_dict: accepted for TensorFlow's sake.
        producer_op_list: OpList of whoever wrote the GraphDef: attributes that weft does not know and that have
            their default value there are dropped.

    Returns:
        The operations and tensors asked for, or None where none were.

    Raises:
        InvalidArgumentError: the GraphDef is malformed, its nodes break their rules, or it has op types that are
            not declared (all of them are named).
        ValueError: `input_map` or `return_elements` name what the GraphDef does not have.
        TypeError: `graph_def` is none.
    """
    del op_dict
    message = parse("GraphDef", graph_def)
    graph = get_default_graph()
    source = user_line()
    with name_scope("import" if name is None else name) as scope, _all_or_nothing(graph):
        records = read_nodes(message.node)
        if producer_op_list is not None:
            _strip_defaults(records.values(), parse("OpList", producer_op_list))
        outside = _map_inputs(records, input_map or {}, graph)
        wanted = [_wanted(text, records) for text in return_elements or ()]
        library = Library(message.library)
        library.settle_calls(records.values())
        _require_declared(records.values(), library)
        builder = GraphBuilder(graph, scope, outside, source, FunctionBuilder(library))
        builder.add(records)
    if return_elements is None:
        return None
    return [builder.element(element, index) for element, index in wanted]


@contextlib.contextmanager
def _all_or_nothing(graph: Graph) -> Iterator[None]:
    """Takes back what was added to the graph inside if it ends with an error."""
    with graph._lock:
        count = len(graph._operations)
        used, functions = dict(graph._used_names), dict(graph.functions)
        try:
            yield
        except BaseException:
            for op in graph._operations[count:]:
                del graph._by_name[op.name]
            del graph._operations[count:]
            graph._used_names.clear()
            graph._used_names.update(used)
            graph.functions.clear()
            graph.functions.update(functions)
            raise


def _map_inputs(records: Mapping[str, Record], input_map: Mapping[str, Any], graph: Graph) -> dict[str, Any]:
    """Redirects the inputs that are mapped; gives what their new names stand for."""
    outside: dict[str, Any] = {}
    data: dict[tuple[str, int], str] = {}
    control: dict[str, str] = {}
    for key, value in input_map.items():
        marker = f"{OUTSIDE}{key}"
        if key.startswith("^"):
            control[key[1:]] = marker
            element = graph.as_graph_element(value)
            outside[marker] = element.op if isinstance(element, Tensor) else element
        else:
            data[_split(key)] = marker
            outside[marker] = _mapped_tensor(key, value, graph)
    used = set()
    for record in records.values():
        for i, ref in enumerate(record.inputs):
            if ref in data:
                record.inputs[i] = (data[ref], 0)
                used.add(ref[0])
        for i, name in enumerate(record.controls):
            if name in control:
                record.controls[i] = control[name]
                used.add(name)
    missing = [k for k in input_map if _split(k.removeprefix("^"))[0] not in used | records.keys()]
    if missing:
        raise ValueError(f"Attempted to map inputs that were not found in graph_def: {missing}")
    return outside


def _mapped_tensor(key: str, value: Any, graph: Graph) -> Tensor:
    from .convert import convert_to_tensor

    tensor = convert_to_tensor(value)
    if tensor.graph is not graph:
        raise ValueError(f"input_map: the value for {key!r} is in another graph than the default one.")
    return tensor


def _split(text: str) -> tuple[str, int]:
    name, colon, index = text.rpartition(":")
    return (name, int(index)) if colon and index.isdigit() else (text, 0)


def _wanted(text: Any, records: Mapping[str, Record]) -> tuple[str, int | None]:
    if not isinstance(text, str):
        raise TypeError(f"return_elements must be a list of strings, got {text!r}.")
    name, index = _split(text)
    if name not in records:
        raise ValueError(f"Requested return_element {text!r} not found in graph_def.")
    return name, index if ":" in text else None


def _strip_defaults(records: Iterable[Record], op_list: Any) -> None:
    """Drops attributes that weft does not know and that have the producer's default value."""
    known = {op.name: op for op in op_list.op}
    for record in records:
        theirs, own = known.get(record.op), find_op(record.op)
        if theirs is None or own is None:
            continue
        for attr in theirs.attr:
            value = record.attrs.get(attr.name)
            if value is not None and attr.name not in own.attrs and value == attr.default_value:
                del record.attrs[attr.name]


class GraphBuilder:
    """Builds records into a graph.

    Args:
        graph: where to.
        scope: prefix of all names, with a "/" at its end, or "".
        outside: tensors and operations that the records know by names that begin with `OUTSIDE`.
        source: `file:line` that is noted as the place where the operations were made.
        functions: builds the functions that the records name.
    """

    def __init__(
        self, graph: Graph, scope: str, outside: Mapping[str, Any], source: str, functions: FunctionBuilder
    ) -> None:
        self.graph = graph
        self.scope = scope
        self.outside = outside
        self.source = source
        self.functions = functions
        self.made: dict[str, Operation] = {}
        self.given: frozenset[str] = frozenset()

    def add(self, records: dict[str, Record]) -> None:
        """Adds the records as operations, old forms replaced.

        Raises:
            InvalidArgumentError: see `import_graph_def`.
        """
        upgrade(records)
        check_inputs(records)
        replace_references(records)
        self.given = frozenset(records)
        replace_loops(records, self.functions.library)
        replace_branches(records, self.functions.library, self._type_of_outside)
        for record in records.values():
            if record.op in REPLACED and find_op(record.op) is None:
                rule = "does not take a variable, or is no whole part of a loop or a branch"
                raise InvalidArgumentError(record.name, f"{record.op} '{record.name}': {rule}")
        for record in in_order(records):
            self.made[record.name] = self._build(record, records)

    def _type_of_outside(self, name: str) -> Any:
        return attr_to_proto("type", self.outside[name].dtype)

    def element(self, name: str, index: int | None) -> Operation | Tensor:
        """What became of a node, or of one of its outputs.

        Raises:
            ValueError: the node has fewer outputs.
        """
        op = self.made[name]
        if index is None:
            return op
        if index >= len(op.outputs):
            raise ValueError(
                f"Requested return_element '{name}:{index}' of a node with {len(op.outputs)} outputs."
            )
        return op.outputs[index]

    def _build(self, record: Record, records: Mapping[str, Record]) -> Operation:
        decl = get_op(record.op)
        try:
            attrs, shapes = self._attrs(decl, record, records)
            inputs = [self.tensor(name, index, record) for name, index in record.inputs]
            controls = [self._operation(name) for name in dict.fromkeys(record.controls)]
            if decl.runs_functions:
                self.functions.settle(self, decl, attrs, inputs)
                shapes = ()
            with self.graph.device(record.device) if record.device else contextlib.nullcontext():
                op = self.graph.create_op(
                    record.op,
                    inputs,
                    attrs,
                    f"{self.scope}{record.name}",
                    source=self.source,
                    control_inputs=controls,
                    exact_name=True,
                )
            _refine(op, shapes)
        except InvalidArgumentError:
            raise
        except (OpError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise self._failure(record, error) from None
        except (RecursionError, MemoryError, AssertionError) as error:
            raise self._failure(record, error) from None
        if record.extra:
            op.unknown_fields = record.extra
        return op

    def _failure(self, record: Record, error: Exception) -> InvalidArgumentError:
        said = getattr(error, "message", "") or str(error) or type(error).__name__
        return InvalidArgumentError(record.name, f"{record.op} '{record.name}': {said}", "", self.source)

    def tensor(self, name: str, index: int, user: Record | None = None) -> Tensor:
        """What became of a node's output.

        Raises:
            InvalidArgumentError: the node has fewer outputs.
        """
        if name[:1] == OUTSIDE:
            found: Tensor = self.outside[name]
            return found
        outputs = self.made[name].outputs
        if index >= len(outputs):
            who = f"{user.op} '{user.name}'" if user is not None else "a result"
            raise InvalidArgumentError(
                None if user is None else user.name,
                f"{who}: takes output {index} of '{name}', which has {len(outputs)}",
                "",
                self.source,
            )
        return outputs[index]

    def _operation(self, name: str) -> Operation:
        return self.outside[name] if name[:1] == OUTSIDE else self.made[name]

    def _attrs(
        self, decl: OpDecl, record: Record, records: Mapping[str, Record]
    ) -> tuple[dict[str, Any], tuple[TensorShape, ...]]:
        """The record's attributes as graphs hold them, and the output shapes that it says it has."""
        attrs: dict[str, Any] = {}
        shapes: tuple[TensorShape, ...] = ()
        unknown: dict[str, Any] = {}
        for name, value in record.attrs.items():
            attr = decl.attrs.get(name)
            try:
                if attr is not None:
                    attrs[name] = attr_from_proto(attr.type, value)
                elif name == "_output_shapes":
                    shapes = attr_from_proto("list(shape)", value)
                elif name == "_class":
                    attrs[name] = self._colocation(record, attr_from_proto("list(string)", value), records)
                elif name.startswith("_"):
                    attrs[name] = guess_attr_from_proto(value)
                else:
                    unknown[name] = value
            except InvalidArgumentError as error:
                raise InvalidArgumentError(
                    record.name,
                    f"{record.op} '{record.name}': attribute {name} {error.message}",
                    "",
                    self.source,
                ) from None
        missing = [a.name for a in decl.attrs.values() if a.default is REQUIRED and a.name not in attrs]
        if missing:
            raise InvalidArgumentError(
                record.name,
                f"{record.op} '{record.name}': attribute {missing[0]} is not given",
                "",
                self.source,
            )
        if unknown:
            record.extra = _with_attrs(record.extra, unknown)
        return attrs, shapes

    def _colocation(
        self, record: Record, groups: Iterable[str], records: Mapping[str, Record]
    ) -> tuple[str, ...]:
        """The colocation groups with the names that the nodes have now."""
        found = []
        for group in groups:
            target = group.removeprefix("loc:@") if isinstance(group, str) else ""
            if target in records:
                found.append(f"loc:@{self.scope}{target}")
            elif target in self.graph._by_name:
                found.append(group)
            elif not isinstance(self.graph, FuncGraph) and target not in self.given:
                # What is on the other side of a function's body has no say in where ops run.
                raise InvalidArgumentError(
                    None, f"asks for the device of {target!r}, which is not in the graph"
                )
        return tuple(found)


def _with_attrs(extra: bytes, unknown: Mapping[str, Any]) -> bytes:
    node = protos().NodeDef.FromString(extra)
    for name, value in unknown.items():
        node.attr[name].CopyFrom(value)
    return bytes(node.SerializeToString(deterministic=True))


def _refine(op: Operation, shapes: Sequence[TensorShape]) -> None:
    """Adds what the writer of the GraphDef knew about the shapes of an operation's outputs."""
    for tensor, shape in zip(op.outputs, shapes, strict=False):
        if not tensor.shape.is_compatible_with(shape):
            raise InvalidArgumentError(
                op.name,
                f"{op.type} '{op.name}': attribute _output_shapes says {shape}, the output is {tensor.shape}",
                "",
                op.source,
            )
        tensor.set_shape(shape)


def _require_declared(records: Iterable[Record], library: Library) -> None:
    """Refuses op types that are not declared, in nodes and in the functions that they call, all in one error."""
    missing: dict[str, list[str]] = {}
    for op, name in library.reachable(records):
        if op not in REPLACED and find_op(resource_form(newer(op))) is None:
            missing.setdefault(op, []).append(name)
    if not missing:
        return
    rows = [
        f"{op or '(empty)'} ({len(nodes)}, such as {nodes[0]!r})"
        for op, nodes in sorted(missing.items())[:100]
    ]
    more = f" and {len(missing) - 100} more" if len(missing) > 100 else ""
    raise InvalidArgumentError(
        None, f"the graph has op types that weft does not have: {', '.join(rows)}{more}"
    )
