"""What a graph is made of: operations, and the tensors between them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .dtypes import DType
from .infer import HandleData, describe
from .opdef import OpDecl, State
from .shapes import TensorShape, TensorShapeV1, as_shape

if TYPE_CHECKING:
    from .graph import Graph

__all__ = ["Operation", "Tensor", "session_for", "user_line"]


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
        return session_for(session, self.graph).run(self, feed_dict)

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
        session_for(session, self.graph).run(self, feed_dict)

    def __repr__(self) -> str:
        return f"<weft.Operation '{self.name}' type={self.type}>"


def session_for(session: Any, graph: Graph) -> Any:
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


def user_line() -> str:
    """`file:line` of the frame that called the library, the innermost that is not weft's own."""
    frame = sys._getframe(2)
    outermost = frame
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module != "contextlib" and module.partition(".")[0] != "weft":
            return f"{frame.f_code.co_filename}:{frame.f_lineno}"
        outermost = frame
        frame = frame.f_back  # type: ignore[assignment]
    return f"{outermost.f_code.co_filename}:{outermost.f_lineno}"
