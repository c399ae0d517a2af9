"""The graph that a user builds: it adds operations, finds them again and keeps collections.

A graph is append-only. Every operation knows its declaration, so a graph cannot hold an op that breaks its
own rules, and knows the line of the user's program that made it.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .dtypes import DType
from .elements import Operation, Tensor, user_line
from .errors import InvalidArgumentError
from .infer import HandleData, InferContext
from .opdef import OpDecl, get_op
from .scopes import ScopedGraph
from .shapes import TensorShape

if TYPE_CHECKING:
    from .func_graph import FuncGraph

__all__ = ["Graph"]


class Graph(ScopedGraph):
    """An append-only dataflow graph.

    Several threads may add operations; each has its own stacks of scopes.
    """

    def __init__(self) -> None:
        super().__init__()
        self._operations: list[Operation] = []
        self._collections: dict[str, list[Any]] = {}
        self._unfeedable: set[Tensor] = set()
        self._finalized = False
        self.functions: dict[str, FuncGraph] = {}
        self.seed: int | None = None
        self._unseeded = 0

    # --- operations ---------------------------------------------------------------------------------

    def create_op(
        self,
        op_type: str,
        inputs: Sequence[Tensor],
        attrs: Mapping[str, Any] | None = None,
        name: str | None = None,
        device: str | None = None,
        source: str | None = None,
        control_inputs: Sequence[Operation] | None = None,
        exact_name: bool = False,
    ) -> Operation:
        """Adds an operation.

        Args:
            op_type: a declared op type.
            inputs: tensors of this graph, flattened.
            attrs: attributes, complete or short of those with defaults; names that begin with "_" are kept.
            name: wished name; a name that ends in "/" is taken as it is.
            device: device string; None for that of the device scope.
            source: `file:line`; None for the first frame outside weft.
            control_inputs: None for those of the control-dependency scopes.
            exact_name: takes `name` as it is, whatever the name scope (importers).

        Raises:
            InvalidArgumentError: an input or attribute breaks the op's rules.
            RuntimeError: the graph is finalized.
        """
        decl = get_op(op_type)
        source = user_line() if source is None else source
        with self._lock:
            self._check_open()
            taken = [self._own(t, decl, source) for t in inputs]
            full = self._complete_attrs(decl, attrs or {}, name or op_type, source)
            unique = self._op_name(name or op_type, exact_name)
            self._check_inputs(decl, full, taken, unique, source)
            if op_type in self._gradient_overrides:
                full.setdefault("_gradient_op_type", self._gradient_overrides[op_type])
            if decl.runs_functions:
                from .func_graph import attrs_of_call

                full.update(attrs_of_call(self, decl, full))
            shapes = self._infer(decl, full, taken, unique, source)
            op = Operation(
                self,
                decl,
                unique,
                taken,
                self._controls(taken) if control_inputs is None else control_inputs,
                full,
                "",
                source,
                len(self._operations),
            )
            types = decl.output_types(full)
            handles = self._handles(decl, full, taken, types)
            op.outputs = tuple(
                Tensor(op, i, t, s, h) for i, (t, s, h) in enumerate(zip(types, shapes, handles, strict=True))
            )
            self._place(op, device)
            self._operations.append(op)
            self._by_name[unique] = op
            self._used_names.setdefault(unique.lower(), 1)
            for seen in self._scopes.control:
                seen.note(op)
            return op

    def _check_open(self) -> None:
        if self._finalized:
            raise RuntimeError("Graph is finalized and cannot be modified.")

    def _own(self, tensor: Tensor, decl: OpDecl, source: str) -> Tensor:
        if not isinstance(tensor, Tensor):
            raise TypeError(f"{decl.name}: inputs must be tensors, got {tensor!r}")
        if tensor.graph is not self:
            return self._capture(tensor, decl, source)
        return tensor

    def _capture(self, tensor: Tensor, decl: OpDecl, source: str) -> Tensor:
        """What stands in this graph for a tensor of another graph; function graphs take it as an argument."""
        inside = getattr(tensor.graph, "outer_graph", None) is not None
        rule = (
            f"{decl.name}: tensor {tensor.name} is computed inside a branch, a loop's body or a function "
            f"(made at {tensor.op.source}); make it one of their results to use it outside"
            if inside
            else f"{decl.name}: tensor {tensor.name} is from another graph than this op"
        )
        raise InvalidArgumentError(None, rule, "", source)

    def _complete_attrs(
        self, decl: OpDecl, given: Mapping[str, Any], name: str, source: str
    ) -> dict[str, Any]:
        from .opdef import REQUIRED, check_attr

        full: dict[str, Any] = {}
        try:
            for attr in decl.attrs.values():
                value = given.get(attr.name, attr.default)
                if value is REQUIRED:
                    raise InvalidArgumentError(None, f"{decl.name}: attribute {attr.name} is not given")
                full[attr.name] = value if value is attr.default else check_attr(decl, attr, value)
            for extra, value in given.items():
                if extra not in full:
                    if not extra.startswith("_"):
                        raise InvalidArgumentError(None, f"{decl.name} has no attribute {extra!r}")
                    full[extra] = value
        except InvalidArgumentError as error:
            raise error.at(node=name, source=source) from None
        return full

    def _handles(
        self, decl: OpDecl, attrs: Mapping[str, Any], inputs: Sequence[Tensor], types: Sequence[DType]
    ) -> Sequence[HandleData | None]:
        """What each output points to, where it is a handle of a variable or a list of tensors."""
        if not any(t.kind in "rv" for t in types):
            return [None] * len(types)
        if decl.runs_functions:
            from .func_graph import handles_of_call

            return handles_of_call(self, decl, attrs, inputs, types)
        handle = _handle_data(decl, attrs, inputs)
        return [handle if t.kind in "rv" else None for t in types]

    def _check_inputs(
        self, decl: OpDecl, attrs: Mapping[str, Any], inputs: Sequence[Tensor], name: str, source: str
    ) -> None:
        types = decl.input_types(attrs)
        if len(types) != len(inputs):
            raise InvalidArgumentError(
                name, f"{decl.name} '{name}': takes {len(types)} inputs, got {len(inputs)}", "", source
            )
        if all(t is i.dtype for t, i in zip(types, inputs, strict=True)):
            return
        context = InferContext(decl, name, attrs, [t.shape for t in inputs], [t.dtype for t in inputs])
        expected = ", ".join(t.name for t in types)
        context.source = source
        context.fail(f"input types must be ({expected})")

    def _infer(
        self, decl: OpDecl, attrs: Mapping[str, Any], inputs: Sequence[Tensor], name: str, source: str
    ) -> Sequence[TensorShape]:
        from .constant_value import constant_value, constant_value_as_shape

        context = InferContext(
            decl,
            name,
            attrs,
            [t.shape for t in inputs],
            [t.dtype for t in inputs],
            lambda i: constant_value(inputs[i]),
            lambda i: constant_value_as_shape(inputs[i]),
            lambda i: inputs[i].handle_data,
            source,
        )
        try:
            return decl.infer(context)
        except InvalidArgumentError as error:
            if error.node is None:
                context.fail(error.message)
            raise
        except ValueError as error:
            context.fail(str(error))

    def get_operations(self) -> list[Operation]:
        """All operations, in order of creation."""
        return list(self._operations)

    def get_operation_by_name(self, name: str) -> Operation:
        """The operation of that name.

        Raises:
            KeyError: there is none.
        """
        if name not in self._by_name:
            raise KeyError(f"The name {name!r} refers to an Operation not in the graph.")
        return self._by_name[name]

    def get_tensor_by_name(self, name: str) -> Tensor:
        """The tensor of that name, `op_name:index`.

        Raises:
            ValueError: the name has no index.
            KeyError: there is no such operation or output.
        """
        op_name, colon, index = name.rpartition(":")
        if not colon or not index.isdigit():
            raise ValueError(f"The name {name!r} is not a tensor's: expected 'op_name:index'.")
        op = self._by_name.get(op_name)
        if op is None:
            raise KeyError(
                f"The name {name!r} refers to a Tensor of operation {op_name!r}, which is not in the graph."
            )
        if int(index) >= len(op.outputs):
            raise KeyError(
                f"The name {name!r} asks for output {index} of an operation with {len(op.outputs)}."
            )
        return op.outputs[int(index)]

    def as_graph_element(self, obj: Any, allow_tensor: bool = True, allow_operation: bool = True) -> Any:
        """The tensor or operation of this graph that `obj` is or names.

        Raises:
            TypeError: `obj` is of a kind that is not allowed.
            ValueError: it is in another graph.
            KeyError: nothing has that name.
        """
        convert = getattr(obj, "_as_graph_element", None)
        if convert is not None:
            obj = convert()
        if isinstance(obj, bytes):
            obj = obj.decode()
        if isinstance(obj, str):
            if ":" in obj and allow_tensor:
                return self.get_tensor_by_name(obj)
            if ":" not in obj and allow_operation:
                return self.get_operation_by_name(obj)
            if not allow_operation:
                raise ValueError(f"The name {obj!r} is not a tensor's: expected 'op_name:index'.")
            raise ValueError(f"The name {obj!r} is a tensor's, an operation is needed.")
        if (isinstance(obj, Tensor) and allow_tensor) or (isinstance(obj, Operation) and allow_operation):
            if obj.graph is not self:
                raise ValueError(f"{obj!r} is not an element of this graph.")
            return obj
        kinds = " or a ".join(k for k, a in (("Tensor", allow_tensor), ("Operation", allow_operation)) if a)
        raise TypeError(f"Cannot convert a {type(obj).__name__} into a {kinds}: {obj!r}")

    # --- collections and the rest -----------------------------------------------------------------------

    def add_to_collection(self, name: str, value: Any) -> None:
        with self._lock:
            self._collections.setdefault(name, []).append(value)

    def add_to_collections(self, names: Iterable[str] | str, value: Any) -> None:
        for name in [names] if isinstance(names, str) else dict.fromkeys(names):
            self.add_to_collection(name, value)

    def get_collection(self, name: str, scope: str | None = None) -> list[Any]:
        """The values in a collection; with `scope`, those whose name matches it as a regular expression."""
        values = self._collections.get(name, [])
        if scope is None:
            return list(values)
        pattern = re.compile(scope)
        return [v for v in values if hasattr(v, "name") and pattern.match(v.name)]

    def get_collection_ref(self, name: str) -> list[Any]:
        return self._collections.setdefault(name, [])

    def get_all_collection_keys(self) -> list[str]:
        return [k for k in self._collections if isinstance(k, str)]

    def clear_collection(self, name: str) -> None:
        self._collections.pop(name, None)

    def prevent_feeding(self, tensor: Tensor) -> None:
        self._unfeedable.add(tensor)

    def is_feedable(self, tensor: Tensor) -> bool:
        return tensor not in self._unfeedable

    def next_op_seed(self) -> int:
        """Seed of the next random op that has none of its own: they are numbered as they are made."""
        with self._lock:
            self._unseeded += 1
            return self._unseeded - 1

    def finalize(self) -> None:
        """Forbids further operations."""
        self._finalized = True

    @property
    def finalized(self) -> bool:
        return self._finalized

    @property
    def version(self) -> int:
        """Number of operations made so far; grows with every one."""
        return len(self._operations)

    def as_default(self) -> contextlib.AbstractContextManager[Graph]:
        """Makes this the default graph of the thread inside a `with` block."""
        from .default_graph import default_graphs

        return default_graphs.scope(self)

    def as_graph_def(self, from_version: int | None = None, add_shapes: bool = False) -> Any:
        """The graph as a GraphDef message."""
        from .graph_def import as_graph_def

        return as_graph_def(self, from_version, add_shapes)


def _handle_data(decl: OpDecl, attrs: Mapping[str, Any], inputs: Sequence[Tensor]) -> HandleData | None:
    if decl.name == "VarHandleOp":
        return HandleData(attrs["shape"], attrs["dtype"])
    if "element_dtype" in decl.attrs:
        return HandleData(TensorShape(None), attrs["element_dtype"])
    for tensor in inputs:
        if tensor.handle_data is not None:
            return tensor.handle_data
    return None
