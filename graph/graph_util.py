"""Helpers on GraphDefs: parts of a graph, graphs frozen for inference."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from .protos import copy_of, parse, protos

__all__ = [
    "convert_variables_to_constants",
    "extract_sub_graph",
    "must_run_on_cpu",
    "remove_training_nodes",
    "tensor_shape_from_node_def_name",
]


def _node_of(text: str) -> str:
    """Name of the node that an input comes from."""
    name = text.removeprefix("^")
    return name.partition(":")[0]


def extract_sub_graph(graph_def: Any, dest_nodes: Sequence[str]) -> Any:
    """The nodes that some nodes need, in the order in which they come.

    Args:
        graph_def: a GraphDef message.
        dest_nodes: names of the nodes.

    Raises:
        TypeError: `dest_nodes` is a string.
        AssertionError: a name is not in the graph.
    """
    if isinstance(dest_nodes, (str, bytes)):
        raise TypeError("dest_nodes must be an iterable of names, not a string.")
    graph_def = parse("GraphDef", graph_def)
    nodes = {n.name: n for n in graph_def.node}
    for name in dest_nodes:
        assert name in nodes, f"{name} is not in graph"
    kept: set[str] = set()
    stack = list(dest_nodes)
    while stack:
        name = stack.pop()
        if name not in kept and name in nodes:
            kept.add(name)
            stack.extend(_node_of(t) for t in nodes[name].input)
    return _with_nodes(graph_def, [n for n in graph_def.node if n.name in kept])


def _with_nodes(graph_def: Any, nodes: Iterable[Any]) -> Any:
    found = protos().GraphDef()
    found.node.extend(nodes)
    found.library.CopyFrom(graph_def.library)
    found.versions.CopyFrom(graph_def.versions)
    return found


def remove_training_nodes(input_graph: Any, protected_nodes: Sequence[str] | None = None) -> Any:
    """A graph without CheckNumerics nodes, and without identities that order nothing.

    Args:
        input_graph: a GraphDef message.
        protected_nodes: names of nodes to be kept in any case.
    """
    input_graph = parse("GraphDef", input_graph)
    protected = set(protected_nodes or ())
    ordering = {t[1:] for n in input_graph.node for t in n.input if t.startswith("^")}
    ordering |= {n.name for n in input_graph.node if any(t.startswith("^") for t in n.input)}
    gone = {
        n.name: n.input[0]
        for n in input_graph.node
        if n.name not in protected
        and n.input
        and (n.op == "CheckNumerics" or (n.op == "Identity" and n.name not in ordering))
    }
    nodes = []
    for node in input_graph.node:
        if node.name not in gone:
            made = copy_of(node)
            del made.input[:]
            inputs = [_through(t, gone) for t in node.input]
            made.input.extend(t for t in inputs if not t.startswith("^"))
            made.input.extend(dict.fromkeys(t for t in inputs if t.startswith("^")))
            nodes.append(made)
    return _with_nodes(input_graph, nodes)


def _through(text: str, gone: Mapping[str, str]) -> str:
    """An input with the nodes that are gone skipped."""
    mark = "^" if text.startswith("^") else ""
    seen = set()
    while _node_of(text) in gone and text not in seen:
        seen.add(text)
        text = gone[_node_of(text)]
    return f"^{_node_of(text)}" if mark else text


def must_run_on_cpu(node: Any, pin_variables_on_cpu: bool = False) -> bool:
    """Whether a node's kernel needs the host: it holds strings, or a variable when those are pinned.

    Args:
        node: an `Operation` or a NodeDef.
        pin_variables_on_cpu: whether variables count.
    """
    node = getattr(node, "node_def", node)
    if pin_variables_on_cpu and node.op in ("Variable", "VariableV2", "VarHandleOp"):
        return True
    if node.op == "Const":
        return bool(node.attr["dtype"].type in (3, 7))
    return node.op in ("DynamicStitch", "ParameterizedTruncatedNormal")


def tensor_shape_from_node_def_name(graph: Any, input_name: str) -> Any:
    """Static shape of a tensor, named as a NodeDef names its inputs.

    Args:
        graph: the graph; the default graph by default.
        input_name: name of the input.
    """
    return graph.get_tensor_by_name(input_name if ":" in input_name else f"{input_name}:0").shape


def convert_variables_to_constants(
    sess: Any,
    input_graph_def: Any,
    output_node_names: Sequence[str],
    variable_names_whitelist: Iterable[str] | None = None,
    variable_names_blacklist: Iterable[str] | None = None,
) -> Any:
    """A graph with the variables' present values in the place of the variables: frozen, for inference.

    Args:
        sess: session that holds the variables.
        input_graph_def: the GraphDef to freeze, as the session's graph gives it.
        output_node_names: names of the nodes that the frozen graph must be able to compute.
        variable_names_whitelist: names of the variables to freeze; None for all.
        variable_names_blacklist: names of variables to leave as they are.

    Returns:
        A GraphDef with what the outputs need.

    Raises:
        InvalidArgumentError: a node that is needed changes a variable that is to be frozen.
    """
    from .freeze import freeze

    part = extract_sub_graph(input_graph_def, output_node_names)
    chosen = None if variable_names_whitelist is None else set(variable_names_whitelist)
    left = set(variable_names_blacklist or ())

    def wanted(name: str) -> bool:
        return (chosen is None or name in chosen) and name not in left

    return freeze(part, wanted, lambda names: _values(sess, names))


def _values(sess: Any, names: Sequence[str]) -> list[np.ndarray[Any, Any]]:
    """The present values of the variables whose handles the nodes of those names yield."""
    graph = sess.graph
    reads: dict[str, Any] = {}
    for op in graph.get_operations():
        if op.type == "ReadVariableOp" and op.inputs[0].op.type == "VarHandleOp" and not op.control_inputs:
            reads.setdefault(op.inputs[0].op.name, op.outputs[0])
    missing = [n for n in names if n not in reads]
    if missing:
        from .ops.state import ReadVariableOp

        with graph.as_default(), graph.control_dependencies(None), graph.name_scope(None):
            for name in missing:
                handle = graph.get_operation_by_name(name)
                reads[name] = ReadVariableOp(
                    handle.outputs[0], dtype=handle.attrs["dtype"], name=f"{name}/Read/ReadVariableOp"
                )
    found: list[np.ndarray[Any, Any]] = sess.run([reads[n] for n in names]) if names else []
    return found
