"""Graphs as GraphDef messages, TensorFlow's format: what weft writes, TensorFlow loads."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from .attr_value import attr_to_proto, guess_attr_to_proto
from .elements import Operation
from .graph import Graph
from .ir import FEED, Node
from .opdef import get_op
from .protos import protos, to_text
from .records import input_text

__all__ = ["as_graph_def", "node_def", "write_graph", "write_message"]

PRODUCER = 134
"""Version of the GraphDef format that is written: that of TensorFlow 1.15, which every later one reads."""


def node_def(op: Operation) -> Any:
    """An operation as a NodeDef message, with every attribute, defaults included."""
    node = protos().NodeDef()
    fill_node_def(node, op)
    return node


def fill_node_def(node: Any, op: Operation) -> None:
    """Writes an operation into an empty NodeDef."""
    if op.unknown_fields is not None:
        node.MergeFromString(op.unknown_fields)
    node.name, node.op, node.device = op.name, op.type, op.device
    node.input.extend(input_text(t.op.name, t.value_index) for t in op.inputs)
    node.input.extend(f"^{c.name}" for c in op.control_inputs)
    declared = op.decl.attrs
    for name, value in op.attrs.items():
        attr = declared.get(name)
        made = attr_to_proto(attr.type, value) if attr is not None else guess_attr_to_proto(value)
        if made is not None:
            node.attr[name].CopyFrom(made)


def as_graph_def(graph: Graph, from_version: int | None = None, add_shapes: bool = False) -> Any:
    """A graph as a GraphDef message.

    Args:
        graph: the graph.
        from_version: leaves out the operations that the graph had when its `version` was this.
        add_shapes: writes the static shapes of each operation's outputs as attribute `_output_shapes`.

    Returns:
        A GraphDef with the operations in order of creation, and the functions that the graph knows.
    """
    from .function_def import add_functions

    found = protos().GraphDef()
    found.versions.producer = PRODUCER
    write_nodes(found.node, graph.get_operations()[from_version or 0 :], add_shapes)
    add_functions(found.library, graph)
    return found


def write_nodes(nodes: Any, operations: Iterable[Operation], add_shapes: bool = False) -> None:
    """Appends operations to a repeated field of NodeDefs."""
    for op in operations:
        node = nodes.add()
        fill_node_def(node, op)
        if add_shapes and op.outputs:
            shapes = attr_to_proto("list(shape)", [t.shape for t in op.outputs])
            node.attr["_output_shapes"].CopyFrom(shapes)


def write_ir_nodes(graph_def: Any, nodes: Iterable[Node]) -> None:
    """Writes the nodes of one device's part of a step, `_Feed` nodes as placeholders, into a GraphDef."""
    for row in nodes:
        node = graph_def.node.add()
        node.name, node.device = row.name, row.device
        node.op = "Placeholder" if row.op == FEED else row.op
        node.input.extend(input_text(name, index) for name, index in row.inputs)
        node.input.extend(f"^{name}" for name in row.control)
        declared = get_op(node.op).attrs
        for name, value in row.attrs.items():
            attr = declared.get(name)
            made = attr_to_proto(attr.type, value) if attr is not None else guess_attr_to_proto(value)
            if made is not None:
                node.attr[name].CopyFrom(made)


def write_graph(graph_or_graph_def: Any, logdir: str, name: str, as_text: bool = True) -> str:
    """Writes a graph to a file.

    Args:
        graph_or_graph_def: a `Graph` or a GraphDef message.
        logdir: folder, made where it is missing.
        name: file name in that folder.
        as_text: text form; else binary.

    Returns:
        Path of the file.
    """
    message = graph_or_graph_def
    if isinstance(message, Graph):
        message = message.as_graph_def()
    path = os.path.join(logdir, name)
    write_message(message, path, as_text)
    return path


def write_message(message: Any, path: str, as_text: bool = False) -> None:
    """Writes a message to a file, which is replaced only once all of it is there."""
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    data = to_text(message).encode("utf-8") if as_text else message.SerializeToString(deterministic=True)
    partial = f"{path}.partial-{os.getpid()}"
    with open(partial, "wb") as file:
        file.write(data)
    os.replace(partial, path)
