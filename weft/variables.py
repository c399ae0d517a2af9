"""Variables: values that live on a device from step to step.

A variable is a handle (`VarHandleOp`) and ops that read and write what it points to. Used as a tensor it is
read where it lives; a use inside `control_dependencies`, or inside a function body, makes a read of its own,
so that it sees what the operations before it have written.
"""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .graph.convert import convert_to_tensor
from .graph.default_graph import get_default_graph
from .graph.dtypes import DType, as_dtype
from .graph.elements import Operation, Tensor
from .graph.graph import Graph
from .graph.graph_keys import GraphKeys
from .graph.infer import HandleData
from .graph.opdef import get_op
from .graph.session_stack import default_session
from .graph.shapes import TensorShape, TensorShapeV1, as_shape
from .proto import behind_read, behind_write, variable_def
from .variable_updates import VariableUpdates, beside

__all__ = ["Variable", "VariableAggregation", "VariableSynchronization"]


class VariableSynchronization(enum.Enum):
    """When copies of a distributed variable are brought together; weft keeps one copy of each variable."""

    AUTO = 0
    NONE = 1
    ON_WRITE = 2
    ON_READ = 3


class VariableAggregation(enum.Enum):
    """How updates of a distributed variable's copies are joined; weft keeps one copy of each variable."""

    NONE = 0
    SUM = 1
    MEAN = 2
    ONLY_FIRST_REPLICA = 3


class SaveSliceInfo:
    """Which part of a larger variable a variable is, for checkpoints.

    Args:
        full_name: name of the whole.
        full_shape: its shape.
        var_offset: where this part begins, one index per dimension.
        var_shape: shape of this part.
    """

    def __init__(
        self,
        full_name: str = "",
        full_shape: Iterable[int] = (),
        var_offset: Iterable[int] = (),
        var_shape: Iterable[int] = (),
    ) -> None:
        self.full_name = full_name
        self.full_shape = [int(d) for d in full_shape]
        self.var_offset = [int(d) for d in var_offset]
        self.var_shape = [int(d) for d in var_shape]

    @property
    def spec(self) -> str:
        """The part as checkpoints of TensorFlow spell it: `10 4 0,5:0,4`."""
        extents = ":".join(f"{o},{s}" for o, s in zip(self.var_offset, self.var_shape, strict=True))
        return " ".join(map(str, self.full_shape)) + f" {extents}"


class Variable(VariableUpdates):
    """A value that steps read and write, and that stays on its device between them.

    Args:
        initial_value: a tensor or what can be made one, or a function without arguments that makes it; the
            function's ops are placed with the variable.
        trainable: whether optimizers change it by default; True by default.
        collections: keys of the collections it is added to; `GraphKeys.GLOBAL_VARIABLES` by default.
        validate_shape: refuses an initial value of unknown shape, and later values of another shape.
        caching_device: device string or function; reads are kept there and shared by their users.
        name: name of the variable, made unique; "Variable" by default.
        variable_def: a `VariableDef` message: builds no op, and finds the variable in the graph instead.
        dtype: element type; that of the initial value by default.
        expected_shape, use_resource, synchronization, aggregation: accepted for TensorFlow's sake.
        import_scope: name scope under which the graph of `variable_def` was imported.
        constraint: function from the value to a value, which optimizers apply after an update.
        shape: static shape where it is less specific than that of the initial value.

    Raises:
        ValueError: there is no initial value, or its shape is not known and `validate_shape` is set.

    Source:
        TensorFlow `VarHandleOp`, `AssignVariableOp`, `ReadVariableOp`.
    """

    SaveSliceInfo = SaveSliceInfo
    __array_priority__ = 100

    def __init__(
        self,
        initial_value: Any = None,
        trainable: bool | None = None,
        collections: Iterable[str] | None = None,
        validate_shape: bool = True,
        caching_device: Any = None,
        name: str | None = None,
        variable_def: Any = None,
        dtype: Any = None,
        expected_shape: Any = None,
        import_scope: str | None = None,
        constraint: Callable[[Tensor], Any] | None = None,
        use_resource: bool | None = None,
        synchronization: Any = VariableSynchronization.AUTO,
        aggregation: Any = VariableAggregation.NONE,
        shape: Any = None,
    ) -> None:
        del expected_shape, use_resource
        self._constraint = constraint
        self.synchronization = synchronization
        self.aggregation = aggregation
        self._save_slice_info: SaveSliceInfo | None = None
        self._cached: Tensor | None = None
        self._name = ""
        self._caching_device = caching_device
        if variable_def is not None:
            if initial_value is not None:
                raise ValueError("variable_def and initial_value cannot both be given.")
            self._find(variable_def, import_scope)
            return
        if initial_value is None:
            raise ValueError("A variable needs an initial_value.")
        if constraint is not None and not callable(constraint):
            raise ValueError("The constraint of a variable must be a function.")
        self._trainable = True if trainable is None else bool(trainable)
        with _outer_graph() as graph, graph.control_dependencies(None):
            self._build(graph, initial_value, validate_shape, name, dtype, shape)
        keys = [GraphKeys.GLOBAL_VARIABLES] if collections is None else list(collections)
        if self._trainable and GraphKeys.TRAINABLE_VARIABLES not in keys:
            keys.append(GraphKeys.TRAINABLE_VARIABLES)
        graph.add_to_collections(keys, self)

    def _build(
        self, graph: Graph, initial_value: Any, validate_shape: bool, name: str | None, dtype: Any, shape: Any
    ) -> None:
        with graph.name_scope(name or "Variable") as scope:
            # The initial value is placed by colocation alone: a device function may send constants to another
            # device than variables.
            made: list[Operation] = []
            value = _initial_tensor(graph, initial_value, None if dtype is None else as_dtype(dtype), made)
            static = self._static_shape(value, validate_shape, shape, scope)
            handle = get_op("VarHandleOp")(
                dtype=value.dtype, shape=static, shared_name=scope[:-1], name=scope
            )
            self._adopt(handle, made)
            self._handle: Tensor = handle
            self._initial_value: Tensor | None = value
            with graph.colocate_with(handle.op):
                with graph.name_scope("IsInitialized"):
                    self._is_initialized = get_op("VarIsInitializedOp")(handle)
                guarded = self._guarded_initial_value(graph, value)
                self._initializer: Operation = get_op("AssignVariableOp")(
                    handle, guarded, validate_shape=validate_shape, name="Assign"
                )
                with graph.name_scope("Read"):
                    self._snapshot: Tensor = get_op("ReadVariableOp")(handle, dtype=value.dtype)
            if self._caching_device is not None:
                with graph.colocate_with(None, ignore_existing=True), graph.device(self._caching_device):
                    self._cached = get_op("Identity")(self._snapshot, name="cached")

    @staticmethod
    def _static_shape(value: Tensor, validate_shape: bool, shape: Any, scope: str) -> TensorShape:
        if shape is not None:
            static = as_shape(shape)
            if not static.is_compatible_with(value.shape):
                raise ValueError(
                    f"Variable {scope[:-1]}: its initial value has shape {value.shape}, asked for {static}."
                )
            return static
        if not validate_shape:
            return TensorShape(None)
        if not value.shape.is_fully_defined():
            raise ValueError(
                f"Variable {scope[:-1]}: the shape {value.shape} of its initial value {value.name} is not "
                "fully known. Give one that is, or pass validate_shape=False."
            )
        return value.shape

    @staticmethod
    def _adopt(handle: Tensor, made: Iterable[Operation]) -> None:
        """Places the ops that make the initial value with the variable."""
        groups = tuple(sorted(f"loc:@{g}" for g in handle.op.colocation_groups()))
        for op in made:
            if "_class" not in op.attrs:
                op.attrs["_class"] = groups
                op.device = handle.op.device

    def _guarded_initial_value(self, graph: Graph, value: Tensor) -> Tensor:
        from .initial_values import without_uninitialized_reads

        return without_uninitialized_reads(graph, value)

    def _find(self, variable_def: Any, import_scope: str | None) -> None:
        """Takes the ops that a VariableDef names from the default graph."""
        graph = get_default_graph()
        prefix = f"{import_scope.rstrip('/')}/" if import_scope else ""

        def tensor(name: str) -> Tensor:
            found = graph.as_graph_element(prefix + name)
            return found.outputs[0] if isinstance(found, Operation) else found

        self._name = prefix + variable_def.variable_name
        self._handle = behind_read(tensor(variable_def.variable_name))
        initializer = graph.get_operation_by_name(prefix + variable_def.initializer_name.split(":")[0])
        self._initializer = behind_write(initializer)
        self._snapshot = tensor(variable_def.snapshot_name)
        name = variable_def.initial_value_name
        self._initial_value = tensor(name) if name else self._initializer.inputs[1]
        self._trainable = getattr(variable_def, "trainable", True)
        if self._snapshot.op.type != "ReadVariableOp":
            self._cached, self._snapshot = self._snapshot, self._snapshot.op.inputs[0]
        with graph.colocate_with(self._handle.op), graph.name_scope(self._handle.op.name + "/IsInitialized/"):
            self._is_initialized = get_op("VarIsInitializedOp")(self._handle)
        if variable_def.HasField("save_slice_info_def"):
            info = variable_def.save_slice_info_def
            self._save_slice_info = SaveSliceInfo(
                info.full_name, info.full_shape, info.var_offset, info.var_shape
            )

    @property
    def handle(self) -> Tensor:
        """The resource tensor that points to the value."""
        return self._handle

    @property
    def op(self) -> Operation:
        """The operation that yields the handle."""
        return self._handle.op

    @property
    def name(self) -> str:
        return self._name or self._handle.name

    @property
    def _shared_name(self) -> str:
        return self.name.rpartition(":")[0]

    @property
    def graph(self) -> Graph:
        return self._handle.graph

    @property
    def device(self) -> str:
        return self._handle.device

    @property
    def dtype(self) -> DType:
        return self._data.dtype

    @property
    def shape(self) -> TensorShape:
        return self._data.shape

    def get_shape(self) -> TensorShape:
        return TensorShapeV1(self._data.shape)

    def set_shape(self, shape: Any) -> None:
        """Adds what the caller knows about the shape.

        Raises:
            ValueError: it contradicts what is known already.
        """
        merged = self._data.shape.merge_with(as_shape(shape))
        self._handle.handle_data = HandleData(merged, self._data.dtype)
        self._snapshot.set_shape(merged)

    @property
    def _data(self) -> HandleData:
        data = self._handle.handle_data
        assert data is not None
        return data

    @property
    def trainable(self) -> bool:
        return self._trainable

    @property
    def constraint(self) -> Callable[[Tensor], Any] | None:
        return self._constraint

    @property
    def initializer(self) -> Operation:
        """The operation that gives the variable its initial value."""
        return self._initializer

    @property
    def initial_value(self) -> Tensor | None:
        """The tensor that the initializer assigns; it may depend on uninitialized variables."""
        return self._initial_value

    def _set_save_slice_info(self, info: SaveSliceInfo) -> None:
        self._save_slice_info = info

    def _get_save_slice_info(self) -> SaveSliceInfo | None:
        return self._save_slice_info

    def value(self) -> Tensor:
        """The variable's value as a tensor."""
        graph = get_default_graph()
        if graph is not self.graph or graph._scopes.control:
            return self._read("ReadVariableOp")
        return self._snapshot if self._cached is None else self._cached

    def read_value(self) -> Tensor:
        """A new read of the variable, which comes after the operations of the open control dependencies."""
        return self._read("Read/ReadVariableOp")

    def _read(self, name: str) -> Tensor:
        with beside(self.op):
            value: Tensor = get_op("ReadVariableOp")(self._handle, dtype=self.dtype, name=name)
        return value

    def sparse_read(self, indices: Any, name: str | None = None) -> Tensor:
        """The rows of the variable that `indices` names, without reading the rest."""
        with beside(self.op):
            rows: Tensor = get_op("ResourceGather")(self._handle, indices, dtype=self.dtype, name=name)
        return rows

    def gather_nd(self, indices: Any, name: str | None = None) -> Tensor:
        """The slices of the variable at the index tuples in the last dimension of `indices`."""
        return get_op("GatherNd")(self.value(), indices, name=name)  # type: ignore[no-any-return]

    def _as_tensor(self, dtype: DType | None = None, name: str | None = None) -> Tensor:
        del dtype, name
        return self.value()

    def _as_graph_element(self) -> Tensor:
        return self._snapshot if self._cached is None else self._cached

    def initialized_value(self) -> Tensor:
        """The variable's value, or its initial value as long as it is not initialized."""
        from .control_flow import cond

        graph = self.graph
        with graph.control_dependencies(None):
            value: Tensor = cond(self._is_initialized, self.read_value, lambda: self._initial_value)
        return value

    def is_initialized(self, name: str | None = None) -> Tensor:
        """A boolean scalar: whether the variable has a value."""
        with beside(self.op):
            return get_op("VarIsInitializedOp")(self._handle, name=name)  # type: ignore[no-any-return]

    def eval(self, session: Any = None) -> Any:
        """The value as a NumPy array, from `session` or the default session."""
        return self._as_graph_element().eval(session=session)

    def load(self, value: Any, session: Any = None) -> None:
        """Sets the value from a NumPy array, in `session` or the default session.

        Raises:
            ValueError: there is no session.
        """
        session = default_session() if session is None else session
        if session is None:
            raise ValueError("Variable.load needs a session: pass one, or open `with sess.as_default():`.")
        session.run(self._initializer, {self._initializer.inputs[1]: value})

    def to_proto(self, export_scope: str | None = None) -> Any:
        """The variable as a `VariableDef` message, or None where it is not under `export_scope`."""
        return variable_def(self, export_scope)

    @classmethod
    def from_proto(cls, variable_def: Any, import_scope: str | None = None) -> Variable:
        """The variable of the default graph that a `VariableDef` message describes."""
        return cls(variable_def=variable_def, import_scope=import_scope)

    def ref(self) -> Variable:
        """The variable itself: it is hashed and compared by identity."""
        return self

    experimental_ref = ref

    def __iter__(self) -> Iterator[Tensor]:
        return iter(self.value())

    def __repr__(self) -> str:
        return f"<weft.Variable '{self.name}' shape={self.shape} dtype={self.dtype.name}>"


_OPERATORS = (
    "add radd sub rsub mul rmul truediv rtruediv floordiv rfloordiv mod rmod pow rpow matmul rmatmul div "
    "rdiv lt le gt ge and rand or ror xor rxor neg abs invert getitem"
)


def _overload(method: str) -> None:
    def call(self: Variable, *args: Any) -> Any:
        function = getattr(Tensor, method, None)
        if function is None:
            return NotImplemented
        return function(self.value(), *args)

    call.__name__ = call.__qualname__ = method
    setattr(Variable, method, call)


for _name in _OPERATORS.split():
    _overload(f"__{_name}__")


@contextlib.contextmanager
def _outer_graph() -> Iterator[Graph]:
    """The graph that variables go into: the default graph, or the one around the function being built."""
    graph = get_default_graph()
    scope = graph.get_name_scope()
    outer = graph
    while getattr(outer, "outer_graph", None) is not None:
        outer = outer.outer_graph
    if outer is graph:
        yield graph
        return
    with outer.as_default(), outer.name_scope(f"{scope}/" if scope else None):
        yield outer


def _initial_tensor(graph: Graph, value: Any, dtype: DType | None, made: list[Operation]) -> Tensor:
    """The initial value as a tensor; `made` gets the ops that were made for it."""
    before = graph.version
    if callable(value):
        with (
            graph.name_scope("Initializer"),
            graph.device(None),
            graph.colocate_with(None, ignore_existing=True),
        ):
            tensor = convert_to_tensor(value(), dtype, name="initial_value")
    else:
        with graph.device(None), graph.colocate_with(None, ignore_existing=True):
            tensor = convert_to_tensor(value, dtype, name="initial_value")
    inside = f"{graph.get_name_scope()}/"
    made.extend(op for op in graph.get_operations()[before:] if op.name.startswith(inside))
    return tensor
