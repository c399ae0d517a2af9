"""The graph that a user builds: operations, the tensors between them, scopes and collections.

A graph is append-only. Every operation knows its declaration, so a graph cannot hold an op that breaks its
own rules, and knows the line of the user's program that made it.
"""

from __future__ import annotations

import contextlib
import re
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from . import device_spec
from .dtypes import DType
from .errors import InvalidArgumentError
from .infer import HandleData, InferContext, describe
from .opdef import OpDecl, State, get_op
from .shapes import TensorShape, TensorShapeV1, as_shape

if TYPE_CHECKING:
    from .func_graph import FuncGraph

__all__ = [
    "Graph",
    "GraphKeys",
    "Operation",
    "Tensor",
    "device",
    "get_default_graph",
    "name_scope",
    "reset_default_graph",
]

_VALID_OP_NAME = re.compile(r"^[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*$")
_VALID_SCOPE_NAME = re.compile(r"^[A-Za-z0-9_.\\/>-]*$")


class GraphKeys:
    """Names of the collections that the library itself uses."""

    GLOBAL_VARIABLES = "variables"
    VARIABLES = "variables"
    LOCAL_VARIABLES = "local_variables"
    METRIC_VARIABLES = "metric_variables"
    MODEL_VARIABLES = "model_variables"
    TRAINABLE_VARIABLES = "trainable_variables"
    SUMMARIES = "summaries"
    QUEUE_RUNNERS = "queue_runners"
    TABLE_INITIALIZERS = "table_initializer"
    ASSET_FILEPATHS = "asset_filepaths"
    MOVING_AVERAGE_VARIABLES = "moving_average_variables"
    REGULARIZATION_LOSSES = "regularization_losses"
    LOSSES = "losses"
    WEIGHTS = "weights"
    BIASES = "biases"
    ACTIVATIONS = "activations"
    UPDATE_OPS = "update_ops"
    TRAIN_OP = "train_op"
    GLOBAL_STEP = "global_step"
    INIT_OP = "init_op"
    LOCAL_INIT_OP = "local_init_op"
    READY_OP = "ready_op"
    READY_FOR_LOCAL_INIT_OP = "ready_for_local_init_op"
    SAVERS = "savers"
    SUMMARY_OP = "summary_op"
    SAVEABLE_OBJECTS = "saveable_objects"
    COND_CONTEXT = "cond_context"
    WHILE_CONTEXT = "while_context"


class Tensor:
    """One output of an operation: a value that a step computes.

    Attributes:
        op: the operation that yields it.
        value_index: which of the operation's outputs it is.
        dtype: element type.
        shape: static shape, as far as known.
        handle_data: for a resource handle, what it points to.
    """

    __slots__ = ("_shape", "dtype", "handle_data", "op", "value_index")
    __array_priority__ = 100

    def __init__(
        self,
        op: Operation,
        value_index: int,
        dtype: DType,
        shape: TensorShape,
        handle_data: HandleData | None = None,
    ) -> None:
        self.op = op
        self.value_index = value_index
        self.dtype = dtype
        self.handle_data = handle_data
        self._shape = shape

    @property
    def name(self) -> str:
        return f"{self.op.name}:{self.value_index}"

    @property
    def graph(self) -> Graph:
        return self.op.graph

    @property
    def device(self) -> str:
        return self.op.device

    @property
    def shape(self) -> TensorShape:
        return self._shape

    def get_shape(self) -> TensorShape:
        """The static shape, with dimensions as TensorFlow 1 has them: objects with a `value`."""
        return TensorShapeV1(self._shape)

    def set_shape(self, shape: Any) -> None:
        """Adds what the caller knows about the shape.

        Raises:
            ValueError: it contradicts what is known already.
        """
        self._shape = self._shape.merge_with(as_shape(shape))

    def consumers(self) -> list[Operation]:
        """The operations of the graph that take this tensor as input."""
        return [op for op in self.graph.get_operations() if any(t is self for t in op.inputs)]

    def eval(self, feed_dict: Mapping[Any, Any] | None = None, session: Any = None) -> Any:
        """Runs the graph in `session` (or the default session) and returns this tensor's value."""
        return _session_for(session, self.graph).run(self, feed_dict)

    def __repr__(self) -> str:
        return f"<weft.Tensor '{self.name}' {describe(self.dtype, self._shape)}>"

    def __iter__(self) -> Iterator[Tensor]:
        if self._shape.rank is None or self._shape.rank == 0 or self._shape[0] is None:
            raise TypeError(
                f"Tensor {self.name} {describe(self.dtype, self._shape)} cannot be iterated over: its "
                "first dimension is not known when the graph is built. Use while_loop, map_fn or "
                "unstack(num=...)."
            )
        return (self[i] for i in range(int(self._shape[0])))

    def __len__(self) -> int:
        raise TypeError(f"len() of symbolic tensor {self.name}; use tensor.shape or tf.shape(tensor).")

    def __bool__(self) -> bool:
        raise TypeError(
            f"Tensor {self.name} has no truth value while the graph is built. "
            "Use `if t is not None:` to test whether it is defined, or tf.cond to choose by its value."
        )

    def __hash__(self) -> int:
        return id(self)

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError(
            f"Tensor {self.name} is symbolic and has no NumPy value; fetch it with session.run()."
        )

    if TYPE_CHECKING:  # attached by graph/operators.py

        def __add__(self, other: Any) -> Tensor: ...
        def __radd__(self, other: Any) -> Tensor: ...
        def __sub__(self, other: Any) -> Tensor: ...
        def __rsub__(self, other: Any) -> Tensor: ...
        def __mul__(self, other: Any) -> Tensor: ...
        def __rmul__(self, other: Any) -> Tensor: ...
        def __truediv__(self, other: Any) -> Tensor: ...
        def __rtruediv__(self, other: Any) -> Tensor: ...
        def __floordiv__(self, other: Any) -> Tensor: ...
        def __rfloordiv__(self, other: Any) -> Tensor: ...
        def __mod__(self, other: Any) -> Tensor: ...
        def __rmod__(self, other: Any) -> Tensor: ...
        def __pow__(self, other: Any) -> Tensor: ...
        def __rpow__(self, other: Any) -> Tensor: ...
        def __matmul__(self, other: Any) -> Tensor: ...
        def __rmatmul__(self, other: Any) -> Tensor: ...
        def __lt__(self, other: Any) -> Tensor: ...
        def __le__(self, other: Any) -> Tensor: ...
        def __gt__(self, other: Any) -> Tensor: ...
        def __ge__(self, other: Any) -> Tensor: ...
        def __and__(self, other: Any) -> Tensor: ...
        def __or__(self, other: Any) -> Tensor: ...
        def __xor__(self, other: Any) -> Tensor: ...
        def __neg__(self) -> Tensor: ...
        def __abs__(self) -> Tensor: ...
        def __invert__(self) -> Tensor: ...
        def __getitem__(self, index: Any) -> Tensor: ...


class Operation:
    """A node of a graph.

    Attributes:
        graph: the graph it belongs to.
        name: its unique name.
        decl: declaration of its op type.
        inputs: input tensors, flattened.
        control_inputs: operations that must have run before it.
        attrs: attributes, complete with defaults.
        device: device string as requested, possibly partial, possibly "".
        outputs: output tensors, flattened.
        source: `file:line` of the user's program that made it.
        index: position in the graph's order of creation.
    """

    __slots__ = (
        "attrs", "control_inputs", "decl", "device", "graph", "index", "inputs", "name", "outputs", "source",
        "unknown_fields",
    )  # fmt: skip

    def __init__(
        self,
        graph: Graph,
        decl: OpDecl,
        name: str,
        inputs: Sequence[Tensor],
        control_inputs: Sequence[Operation],
        attrs: Mapping[str, Any],
        device: str,
        source: str,
        index: int,
    ) -> None:
        self.graph = graph
        self.decl = decl
        self.name = name
        self.inputs = tuple(inputs)
        self.control_inputs = tuple(control_inputs)
        self.attrs = dict(attrs)
        self.device = device
        self.source = source
        self.index = index
        self.outputs: tuple[Tensor, ...] = ()
        self.unknown_fields: bytes | None = None

    @property
    def type(self) -> str:
        return self.decl.name

    @property
    def state(self) -> State:
        """What the operation does besides computing outputs from inputs."""
        return self.decl.state_of(self.attrs)

    @property
    def node_def(self) -> Any:
        """This operation as a NodeDef message."""
        from .graph_def import node_def

        return node_def(self)

    def get_attr(self, name: str) -> Any:
        """Value of an attribute.

        Raises:
            ValueError: the operation has none of that name.
        """
        if name not in self.attrs:
            raise ValueError(f"Operation {self.name} ({self.type}) has no attribute {name!r}.")
        return self.attrs[name]

    def colocation_groups(self) -> list[str]:
        """Names of the operations that this one must share a device with, itself if there are none."""
        return [g.removeprefix("loc:@") for g in self.attrs.get("_class", ())] or [self.name]

    def values(self) -> tuple[Tensor, ...]:
        return self.outputs

    def run(self, feed_dict: Mapping[Any, Any] | None = None, session: Any = None) -> None:
        """Runs the operation in `session` or the default session."""
        _session_for(session, self.graph).run(self, feed_dict)

    def __repr__(self) -> str:
        return f"<weft.Operation '{self.name}' type={self.type}>"


def _session_for(session: Any, graph: Graph) -> Any:
    from .session_stack import default_session

    found = session if session is not None else default_session()
    if found is None:
        raise ValueError(
            "There is no default session. Use `with sess.as_default():`, `with tf.Session() as sess:`, "
            "or pass session=."
        )
    if found.graph is not graph:
        raise ValueError("The session runs another graph than the one this tensor or operation is in.")
    return found


class Graph:
    """An append-only dataflow graph.

    Several threads may add operations; each has its own stacks of scopes.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._operations: list[Operation] = []
        self._by_name: dict[str, Operation] = {}
        self._used_names: dict[str, int] = {}
        self._collections: dict[str, list[Any]] = {}
        self._unfeedable: set[Tensor] = set()
        self._finalized = False
        self._scopes = _ScopeStacks()
        self.functions: dict[str, FuncGraph] = {}
        self.seed: int | None = None
        self._unseeded = 0
        self._gradient_overrides: dict[str, str] = {}

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
        source = _user_line() if source is None else source
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

    def _place(self, op: Operation, device: str | None) -> None:
        scopes = self._scopes
        if device is not None:
            op.device = device_spec.canonical_name(device) if device else ""
        elif scopes.device:
            for wish in reversed(scopes.device):
                op.device = wish.merge_into(op)
                if wish.is_reset:
                    break
        if scopes.colocate and "_class" not in op.attrs:
            groups = sorted({g for target in scopes.colocate for g in target.colocation_groups()})
            op.attrs["_class"] = tuple(f"loc:@{g}" for g in groups)
            if device is None and not op.device:
                op.device = scopes.colocate[-1].device

    def _controls(self, inputs: Sequence[Tensor]) -> list[Operation]:
        """The operations of the open control-dependency scopes that the inputs do not imply already."""
        found: dict[Operation, None] = {}
        sources = {t.op for t in inputs}
        for scope in self._scopes.control:
            if not any(scope.covers(op) for op in sources):
                found.update(dict.fromkeys(op for op in scope.operations if op not in sources))
        return list(found)

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

    # --- names and scopes ------------------------------------------------------------------------------

    def unique_name(self, name: str, mark_as_used: bool = True) -> str:
        """`name` within the current name scope, with a number behind it where it is taken."""
        with self._lock:
            if self._scopes.name:
                name = f"{self._scopes.name}/{name}"
            return self._uniquify(name, mark_as_used)

    def _uniquify(self, name: str, mark_as_used: bool = True) -> str:
        key = name.lower()
        count = self._used_names.get(key, 0)
        if mark_as_used:
            self._used_names[key] = count + 1
        if not count:
            return name
        unique = name
        while unique.lower() in self._used_names:
            unique = f"{name}_{count}"
            count += 1
        if mark_as_used:
            self._used_names[key] = count
            self._used_names[unique.lower()] = 1
        return unique

    def _op_name(self, name: str, exact: bool) -> str:
        if exact:
            if name in self._by_name:
                raise InvalidArgumentError(name, f"The name {name!r} is already in the graph.")
            return name
        if name.endswith("/"):
            unique = self._uniquify(name[:-1]) if name[:-1] in self._by_name else name[:-1]
            self._used_names.setdefault(unique.lower(), 1)
            return unique
        if not _VALID_OP_NAME.match(name):
            raise ValueError(f"{name!r} is not a valid operation name: use letters, digits, and . _ \\ / > -")
        return self.unique_name(name)

    @contextlib.contextmanager
    def name_scope(self, name: str | None) -> Iterator[str]:
        """Prefixes the names of operations made inside.

        Args:
            name: the scope's name, made unique; a name that ends in "/" re-enters that scope as it is;
                None or "" leaves all scopes.

        Yields:
            The scope with a "/" at its end.
        """
        if name and not (_VALID_SCOPE_NAME if self._scopes.name else _VALID_OP_NAME).match(name):
            raise ValueError(f"{name!r} is not a valid scope name.")
        before = self._scopes.name
        if not name:
            scope = ""
        elif name.endswith("/"):
            scope = name[:-1]
        else:
            scope = self.unique_name(name)
        self._scopes.name = scope
        try:
            yield f"{scope}/" if scope else ""
        finally:
            self._scopes.name = before

    def get_name_scope(self) -> str:
        return self._scopes.name

    @contextlib.contextmanager
    def device(self, device_name_or_function: Any) -> Iterator[None]:
        """Asks for a device for the operations made inside.

        Args:
            device_name_or_function: a device string, full or partial, merged into that of the scopes around;
                a `DeviceSpec`; a function from an `Operation` to a string; None to ignore the scopes around.

        Raises:
            InvalidArgumentError: the string is malformed.
        """
        self._scopes.device.append(_DeviceWish(device_name_or_function))
        try:
            yield
        finally:
            self._scopes.device.pop()

    @contextlib.contextmanager
    def colocate_with(self, op: Any, ignore_existing: bool = False) -> Iterator[None]:
        """Puts the operations made inside on the device of `op` (an operation, tensor or variable).

        Args:
            op: what to share a device with; None leaves all colocation scopes.
            ignore_existing: whether the colocation scopes around are left.
        """
        before = self._scopes.colocate
        outer = [] if ignore_existing or op is None else list(before)
        target = None if op is None else self.as_graph_element(op)
        if target is not None:
            outer.append(target.op if isinstance(target, Tensor) else target)
        self._scopes.colocate = outer
        devices = self._scopes.device
        if op is not None:
            self._scopes.device = []
        try:
            yield
        finally:
            self._scopes.colocate = before
            self._scopes.device = devices

    @contextlib.contextmanager
    def control_dependencies(self, control_inputs: Iterable[Any] | None) -> Iterator[None]:
        """Makes the operations created inside run after the given ones.

        Args:
            control_inputs: operations, tensors or variables; None leaves all such scopes.
        """
        before = self._scopes.control
        if control_inputs is None:
            self._scopes.control = []
        else:
            operations: dict[Operation, None] = {}
            for item in control_inputs:
                element = self._control_element(item)
                operations[element.op if isinstance(element, Tensor) else element] = None
            self._scopes.control = [*before, _ControlScope(tuple(operations))]
        try:
            yield
        finally:
            self._scopes.control = before

    def _control_element(self, item: Any) -> Tensor | Operation:
        if isinstance(item, (Tensor, Operation)) and item.graph is not self:
            raise InvalidArgumentError(None, f"control input {item.name} is from another graph")
        if hasattr(item, "handle") and hasattr(item, "op"):
            item = item.op
        element = self.as_graph_element(item)
        assert isinstance(element, (Tensor, Operation))
        return element

    @contextlib.contextmanager
    def gradient_override_map(self, op_type_map: Mapping[str, str]) -> Iterator[None]:
        """Gives the operations made inside other gradients.

        Args:
            op_type_map: op type → name that a gradient is registered under (`RegisterGradient`).

        Raises:
            TypeError: it is no mapping from strings to strings.
        """
        pairs = (
            [v for pair in op_type_map.items() for v in pair] if isinstance(op_type_map, Mapping) else [None]
        )
        if not all(isinstance(v, str) for v in pairs):
            raise TypeError(f"op_type_map must be a dictionary of strings to strings, got {op_type_map!r}.")
        before = self._gradient_overrides
        self._gradient_overrides = {**before, **op_type_map}
        try:
            yield
        finally:
            self._gradient_overrides = before

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
        return _DEFAULT.scope(self)

    def as_graph_def(self, from_version: int | None = None, add_shapes: bool = False) -> Any:
        """The graph as a GraphDef message."""
        from .graph_def import as_graph_def

        return as_graph_def(self, from_version, add_shapes)


class _DeviceWish:
    """One level of the device stack: a string, or a function from an operation to one."""

    __slots__ = ("function", "is_reset", "text")

    def __init__(self, wish: Any) -> None:
        self.is_reset = wish is None
        self.function: Callable[[Operation], Any] | None = wish if callable(wish) else None
        self.text = "" if self.function or wish is None else device_spec.canonical_name(str(wish))

    def merge_into(self, op: Operation) -> str:
        """The op's device, as the scopes inside this one left it, with this wish behind it."""
        if self.is_reset:
            return op.device
        if self.function is None:
            return device_spec.merge_devices(self.text, op.device)
        # A device function sees the device of the scopes inside it and has the last word.
        wished = self.function(op)
        if wished is None:
            return op.device
        text = wished if isinstance(wished, str) else wished.to_string()
        return device_spec.canonical_name(text) if text else ""


class _ControlScope:
    """Operations that those made inside must wait for, and the ones made inside so far."""

    __slots__ = ("_inside", "operations")

    def __init__(self, operations: tuple[Operation, ...]) -> None:
        self.operations = operations
        self._inside: set[Operation] = set()

    def note(self, op: Operation) -> None:
        self._inside.add(op)

    def covers(self, op: Operation) -> bool:
        """Whether waiting for `op` is waiting for this scope's operations already."""
        return op in self._inside


class _ScopeStacks(threading.local):
    """A graph's open scopes; every thread has its own."""

    def __init__(self) -> None:
        self.name = ""
        self.device: list[_DeviceWish] = []
        self.colocate: list[Operation] = []
        self.control: list[_ControlScope] = []


class _DefaultGraphs(threading.local):
    """The stack of default graphs; every thread starts with the process-wide one at the bottom."""

    bottom: Graph | None = None

    def __init__(self) -> None:
        self.stack: list[Graph] = []

    @contextlib.contextmanager
    def scope(self, graph: Graph) -> Iterator[Graph]:
        self.stack.append(graph)
        try:
            yield graph
        finally:
            self.stack.remove(graph)

    def current(self) -> Graph:
        if self.stack:
            return self.stack[-1]
        if _DefaultGraphs.bottom is None:
            _DefaultGraphs.bottom = Graph()
        return _DefaultGraphs.bottom


_DEFAULT = _DefaultGraphs()


def get_default_graph() -> Graph:
    """The graph that operations are added to now, in this thread."""
    return _DEFAULT.current()


def reset_default_graph() -> None:
    """Starts a new process-wide default graph.

    Raises:
        AssertionError: inside a `with graph.as_default()` block.
    """
    if _DEFAULT.stack:
        raise AssertionError("Do not use reset_default_graph() to clear nested graphs.")
    _DefaultGraphs.bottom = Graph()


def device(device_name_or_function: Any) -> contextlib.AbstractContextManager[None]:
    """`Graph.device` of the default graph."""
    return get_default_graph().device(device_name_or_function)


@contextlib.contextmanager
def name_scope(name: str | None, default_name: str | None = None, values: Any = None) -> Iterator[str]:
    """`Graph.name_scope` of the default graph.

    Args:
        name: the scope's name, or None for `default_name`.
        default_name: used where `name` is None.
        values: tensors whose graph must be the default one; accepted for TensorFlow's sake.
    """
    del values
    with get_default_graph().name_scope(default_name if name is None else name) as scope:
        yield scope


def _handle_data(decl: OpDecl, attrs: Mapping[str, Any], inputs: Sequence[Tensor]) -> HandleData | None:
    if decl.name == "VarHandleOp":
        return HandleData(attrs["shape"], attrs["dtype"])
    if "element_dtype" in decl.attrs:
        return HandleData(TensorShape(None), attrs["element_dtype"])
    for tensor in inputs:
        if tensor.handle_data is not None:
            return tensor.handle_data
    return None


def _user_line() -> str:
    """`file:line` of the innermost frame that is not weft's own."""
    frame = sys._getframe(2)
    outermost = frame
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module != "contextlib" and module.partition(".")[0] != "weft":
            return f"{frame.f_code.co_filename}:{frame.f_lineno}"
        outermost = frame
        frame = frame.f_back  # type: ignore[assignment]
    return f"{outermost.f_code.co_filename}:{outermost.f_lineno}"
