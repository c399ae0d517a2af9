"""Variables replaced by constants in a GraphDef, function bodies included.

A handle that is frozen becomes a constant, a read of it an identity. Handles travel: through identities, and into
functions as arguments; wherever one arrives, the value arrives instead, and a function that is called with
frozen handles is written anew for those calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from .attr_value import attr_to_proto
from .dtypes import DType, as_dtype, int32
from .errors import InvalidArgumentError
from .protos import copy_of, protos
from .tensor_proto import proto_from_array

__all__ = ["freeze"]

_PASSES = frozenset({"Identity", "Switch", "Enter", "RefEnter", "Merge", "Exit", "NextIteration"})
"""Op types whose attribute `T` is the type of what they pass on."""

_CALLS: dict[str, tuple[tuple[str, ...], tuple[str, ...], int]] = {
    "PartitionedCall": (("f",), ("Tin",), 0),
    "StatefulPartitionedCall": (("f",), ("Tin",), 0),
    "If": (("then_branch", "else_branch"), ("Tin",), 1),
    "StatelessIf": (("then_branch", "else_branch"), ("Tin",), 1),
    "Case": (("branches",), ("Tin",), 1),
    "StatelessCase": (("branches",), ("Tin",), 1),
    "While": (("cond", "body"), ("T",), 0),
    "StatelessWhile": (("cond", "body"), ("T",), 0),
}
"""For each op that calls functions: the attributes that name them, those that list the types of their arguments,
and how many inputs come before the arguments."""


def freeze(
    graph_def: Any,
    wanted: Callable[[str], bool],
    values: Callable[[Sequence[str]], Sequence[np.ndarray[Any, Any]]],
) -> Any:
    """A GraphDef with variables replaced by constants.

    Args:
        graph_def: the GraphDef.
        wanted: from the name of a handle's node to whether it is frozen.
        values: from names of handles' nodes to the variables' values.

    Raises:
        InvalidArgumentError: a node changes a variable that is frozen.
    """
    handles = [n.name for n in graph_def.node if n.op == "VarHandleOp" and wanted(n.name)]
    types = {n.name: as_dtype(n.attr["dtype"].type) for n in graph_def.node if n.name in set(handles)}
    found = protos().GraphDef()
    found.versions.CopyFrom(graph_def.versions)
    found.library.CopyFrom(graph_def.library)
    frozen = {(name, 0): types[name] for name in handles}
    for name, value in zip(handles, values(handles), strict=True):
        _write_const(found.node.add(), name, np.asarray(value), types[name])
    writer = _Freezer(found.library)
    rest = [n for n in graph_def.node if n.name not in types]
    found.node.extend(writer.nodes(rest, frozen))
    return found


def _write_const(node: Any, name: str, value: np.ndarray[Any, Any], dtype: DType) -> None:
    node.name, node.op = name, "Const"
    node.attr["dtype"].CopyFrom(attr_to_proto("type", dtype))
    node.attr["value"].tensor.CopyFrom(proto_from_array(value, dtype))


Ref = tuple[str, int]


def _graph_ref(text: str) -> Ref:
    name, colon, index = text.rpartition(":")
    return (name, int(index)) if colon and index.isdigit() else (text, 0)


def _function_ref(text: str) -> Ref:
    """An input inside a function's body: `argument` or `node:output:index`."""
    parts = text.split(":")
    return (parts[0], int(parts[2])) if len(parts) == 3 else (text, 0)


class _Freezer:
    """Rewrites nodes that are given frozen handles.

    Args:
        library: FunctionDefLibrary to find functions in, and to add rewritten ones to.
    """

    def __init__(self, library: Any) -> None:
        self.library = library
        self.functions = {f.signature.name: f for f in library.function}
        self.made: dict[tuple[str, tuple[tuple[int, DType], ...]], str] = {}

    def nodes(self, nodes: Iterable[Any], frozen: dict[Ref, DType], inside: bool = False) -> list[Any]:
        """The nodes with every use of a frozen handle replaced.

        Args:
            nodes: NodeDefs.
            frozen: handles that are values now, and the values' types; those passed on are added.
            inside: whether they are a function's body, where inputs are written in another way.
        """
        ref = _function_ref if inside else _graph_ref
        listed = list(nodes)
        self._follow(listed, frozen, ref)
        result: list[Any] = []
        for node in listed:
            data = [ref(t) for t in node.input if not t.startswith("^")]
            taken = {i: frozen[r] for i, r in enumerate(data) if r in frozen}
            result.extend(self._node(node, taken, inside) if taken else [node])
        return result

    def _follow(self, nodes: Sequence[Any], frozen: dict[Ref, DType], ref: Callable[[str], Ref]) -> None:
        """Adds what passing ops and loops make of frozen handles, until nothing is added."""
        grown = True
        while grown:
            grown = False
            for node in nodes:
                data = [ref(t) for t in node.input if not t.startswith("^")]
                for position, source in enumerate(data):
                    if source not in frozen:
                        continue
                    if node.op in _PASSES:
                        out = [(node.name, 0), (node.name, 1)] if node.op == "Switch" else [(node.name, 0)]
                    elif node.op in ("While", "StatelessWhile"):
                        out = [(node.name, position)]
                    else:
                        continue
                    for passed in out:
                        if passed not in frozen:
                            frozen[passed] = frozen[source]
                            grown = True

    def _node(self, node: Any, taken: Mapping[int, DType], inside: bool) -> list[Any]:
        made = copy_of(node)
        dtype = next(iter(taken.values()))
        if node.op == "ReadVariableOp":
            _become(made, "Identity", {"T": attr_to_proto("type", dtype)})
        elif node.op == "ResourceGather":
            return self._gather(made, dtype, inside)
        elif node.op == "ResourceGatherNd":
            types = {"Tparams": attr_to_proto("type", dtype), "Tindices": node.attr["Tindices"]}
            _become(made, "GatherNd", types)
        elif node.op == "VariableShape":
            _become(made, "Shape", {"T": attr_to_proto("type", dtype), "out_type": node.attr["out_type"]})
        elif node.op == "VarIsInitializedOp":
            _become(made, "Const", {})
            made.input[:] = []
            _write_const(made, node.name, np.array(True), as_dtype("bool"))
        elif node.op in _PASSES:
            made.attr["T"].CopyFrom(attr_to_proto("type", dtype))
            _forget_shapes(made)
        elif node.op in _CALLS:
            self._call(made, taken)
        else:
            raise InvalidArgumentError(
                node.name, f"{node.op} '{node.name}' changes a variable, which then cannot become a constant"
            )
        return [made]

    @staticmethod
    def _gather(made: Any, dtype: DType, inside: bool) -> list[Any]:
        axis = protos().NodeDef()
        _write_const(axis, f"{made.name}/axis", np.array(0, np.int32), int32)
        controls = [t for t in made.input if t.startswith("^")]
        data = [t for t in made.input if not t.startswith("^")]
        source = f"{axis.name}:output:0" if inside else axis.name
        types = {
            "Tparams": attr_to_proto("type", dtype),
            "Tindices": made.attr["Tindices"],
            "Taxis": attr_to_proto("type", int32),
            "batch_dims": made.attr["batch_dims"] if "batch_dims" in made.attr else attr_to_proto("int", 0),
        }
        _become(made, "GatherV2", types)
        made.input[:] = [*data, source, *controls]
        return [axis, made]

    def _call(self, made: Any, taken: Mapping[int, DType]) -> None:
        """Gives a call the values, and calls functions that take values."""
        names, types, skipped = _CALLS[made.op]
        arguments = {i - skipped: t for i, t in taken.items()}
        for name in types:
            listed = made.attr[name].list.type
            for position, dtype in arguments.items():
                listed[position] = dtype.enum
        for name in names:
            value = made.attr[name]
            for function in value.list.func if value.WhichOneof("value") == "list" else [value.func]:
                function.name = self._function(function.name, arguments)
        _forget_shapes(made)

    def _function(self, name: str, arguments: Mapping[int, DType]) -> str:
        """Name of the function that takes values in the place of some of its handles."""
        key = name, tuple(sorted(arguments.items(), key=lambda item: item[0]))
        if key in self.made:
            return self.made[key]
        if name not in self.functions:
            raise InvalidArgumentError(None, f"function {name!r} is not in the graph's library")
        body = copy_of(self.functions[name])
        new = f"{name}_frozen"
        while new in self.functions:
            new += "_"
        self.made[key] = body.signature.name = new
        self.functions[new] = body
        frozen: dict[Ref, DType] = {}
        for position, dtype in arguments.items():
            arg = body.signature.input_arg[position]
            arg.type = dtype.enum
            body.arg_attr.pop(position, None)
            frozen[arg.name, 0] = dtype
        before = {n.name: n.op for n in body.node_def}
        nodes = self.nodes([copy_of(n) for n in body.node_def], frozen, inside=True)
        del body.node_def[:]
        body.node_def.extend(nodes)
        _rename_outputs(body, before)
        for result in body.signature.output_arg:
            # A loop hands its handles on; those are values now.
            ref = _function_ref(body.ret[result.name])
            if ref in frozen:
                result.type = frozen[ref].enum
        self.library.function.append(body)
        return new


_OUTPUTS = {"ReadVariableOp": "value", "VarIsInitializedOp": "is_initialized"}
"""Ops whose replacement calls its output `output`, and what they call it."""


def _rename_outputs(body: Any, before: Mapping[str, str]) -> None:
    """Refers to the outputs of replaced nodes of a function's body by their new names."""
    renamed = {
        f"{n.name}:{_OUTPUTS[before[n.name]]}:0": f"{n.name}:output:0"
        for n in body.node_def
        if before.get(n.name) in _OUTPUTS and n.op != before[n.name]
    }
    for node in body.node_def:
        if any(t in renamed for t in node.input):
            node.input[:] = [renamed.get(t, t) for t in node.input]
    for name, text in body.ret.items():
        body.ret[name] = renamed.get(text, text)


def _become(node: Any, op: str, attrs: Mapping[str, Any]) -> None:
    """Changes a node's op type and declared attributes; those that begin with "_" stay."""
    node.op = op
    kept = {name: copy_of(v) for name, v in node.attr.items() if name.startswith("_")}
    made = {name: copy_of(v) for name, v in attrs.items()}
    node.attr.clear()
    for name, value in (kept | made).items():
        node.attr[name].CopyFrom(value)


def _forget_shapes(node: Any) -> None:
    for name in ("_output_shapes", "_handle_shapes", "_handle_dtypes"):
        node.attr.pop(name, None)
