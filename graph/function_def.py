"""Function bodies as FunctionDef messages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .attr_value import attr_to_proto, guess_attr_to_proto
from .elements import Operation, Tensor
from .func_graph import FuncGraph
from .graph import Graph
from .protos import protos

__all__ = ["add_functions", "function_def"]


def add_functions(library: Any, graph: Graph) -> None:
    """Writes the functions that a graph knows into a FunctionDefLibrary."""
    for name in graph.functions:
        function = graph.functions[name]
        library.function.append(function_def(function))


def function_def(function: FuncGraph) -> Any:
    """A function's body as a FunctionDef message.

    Names of arguments and results are made as TensorFlow asks for: lower case, digits and underscores.
    """
    return _Writer(function).write()


class _Writer:
    """Writes one FunctionDef."""

    def __init__(self, function: FuncGraph) -> None:
        self.function = function
        self.taken: set[str] = {op.name for op in function.get_operations()}
        self.arguments: dict[Tensor, str] = {}

    def write(self) -> Any:
        function = self.function
        found = protos().FunctionDef()
        found.signature.name = function.name
        for name, value in function.attributes.items():
            made = guess_attr_to_proto(value)
            if made is not None:
                found.attr[name].CopyFrom(made)
        inputs = {t.op for t in function.inputs}
        self.taken -= {op.name for op in inputs}
        for position, tensor in enumerate(function.inputs):
            self._argument(found, position, tensor)
        for op in function.get_operations():
            if op not in inputs:
                self._node(found.node_def.add(), op)
        names: set[str] = set()
        for tensor in function.outputs:
            name = _free(_plain(tensor.op.name), names)
            names.add(name)
            found.signature.output_arg.add(name=name, type=tensor.dtype.enum)
            found.ret[name] = self._input(tensor)
        for op in function.control_outputs:
            if op not in inputs:
                name = _free(_plain(op.name), names)
                names.add(name)
                found.signature.control_output.append(name)
                found.control_ret[name] = op.name
        found.signature.is_stateful = any(
            op.state.kind in ("random", "variable", "effect") for op in function.get_operations()
        )
        return found

    def _argument(self, found: Any, position: int, tensor: Tensor) -> None:
        name = _free(_plain(tensor.op.name), self.taken)
        self.taken.add(name)
        self.arguments[tensor] = name
        found.signature.input_arg.add(name=name, type=tensor.dtype.enum)
        about = found.arg_attr[position].attr
        if tensor.dtype.kind != "r":
            about["_output_shapes"].CopyFrom(attr_to_proto("list(shape)", [tensor.shape]))
        if tensor.handle_data is not None:
            about["_handle_dtypes"].CopyFrom(attr_to_proto("list(type)", [tensor.handle_data.dtype]))
            about["_handle_shapes"].CopyFrom(attr_to_proto("list(shape)", [tensor.handle_data.shape]))

    def _node(self, node: Any, op: Operation) -> None:
        from .graph_def import fill_node_def

        fill_node_def(node, op)
        arguments = {t.op for t in self.arguments}
        node.input[:] = [self._input(t) for t in op.inputs]
        node.input.extend(f"^{c.name}" for c in op.control_inputs if c not in arguments)

    def _input(self, tensor: Tensor) -> str:
        if tensor in self.arguments:
            return self.arguments[tensor]
        op = tensor.op
        for name, part in _outputs(op).items():
            if part.start <= tensor.value_index < part.stop:
                return f"{op.name}:{name}:{tensor.value_index - part.start}"
        raise AssertionError(f"{tensor.name} is no output of its operation")


def _outputs(op: Operation) -> Mapping[str, slice]:
    """Where each output argument's tensors lie; an argument's single tensors are left out."""
    slices = op.decl.arg_slices(op.attrs, outputs=True)
    return {arg.name: slices[arg.name] for arg in op.decl.outputs}


def _plain(name: str) -> str:
    found = re.sub(r"[^a-z0-9_]+", "_", name.lower()).strip("_")
    return found if found[:1].isalpha() else f"arg_{found}"


def _free(name: str, taken: set[str]) -> str:
    unique, count = name, 0
    while unique in taken:
        count += 1
        unique = f"{name}_{count}"
    return unique
