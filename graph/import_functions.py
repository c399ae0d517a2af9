"""Functions of a GraphDef made into function bodies, one for each way in which they are called.

A body is built when an op that runs it is: the shapes of the op's inputs are known then, and so is what its
handles point to. Calls that agree in these share a body.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .attr_value import attr_from_proto, guess_attr_from_proto, guess_attr_to_proto
from .attributes import FunctionRef
from .dtypes import DType
from .elements import Tensor
from .errors import InvalidArgumentError
from .func_graph import FuncGraph
from .function_records import FunctionRecord, Library
from .infer import HandleData
from .opdef import OpDecl
from .shapes import TensorShape

if TYPE_CHECKING:
    from .import_graph import GraphBuilder

__all__ = ["FunctionBuilder"]

_MAX_DEPTH = 64
"""Deepest nesting of functions that is read."""

_MAX_WAYS = 16
"""Most bodies that one function is made into; calls beyond that share one that knows no shapes."""

Kind = tuple[TensorShape, HandleData | None]

_BRANCHES: Mapping[str, tuple[str, ...]] = {
    "If": ("then_branch", "else_branch"),
    "StatelessIf": ("then_branch", "else_branch"),
    "Case": ("branches",),
    "StatelessCase": ("branches",),
    "PartitionedCall": ("f",),
    "StatefulPartitionedCall": ("f",),
}


class FunctionBuilder:
    """Builds the bodies that ops name.

    Args:
        library: the functions as records.
    """

    def __init__(self, library: Library) -> None:
        self.library = library
        self._bodies: dict[Any, FuncGraph] = {}
        self._ways: dict[str, int] = {}
        self._open: list[str] = []

    def settle(
        self, builder: GraphBuilder, decl: OpDecl, attrs: dict[str, Any], inputs: Sequence[Tensor]
    ) -> None:
        """Puts references to bodies into the attributes of an op, and the shapes that its bodies give.

        Args:
            builder: builds the graph that the op goes into.
            decl, attrs, inputs: the op.

        Raises:
            InvalidArgumentError: a function is missing, malformed, calls itself, or does not fit the op.
        """
        attrs.pop("_state", None)
        kinds = [(t.shape, t.handle_data) for t in inputs]
        if decl.name in ("While", "StatelessWhile"):
            self._loop(builder, attrs, kinds)
        elif decl.name in _BRANCHES:
            skipped = 0 if "PartitionedCall" in decl.name else 1
            self._branches(builder, decl, attrs, kinds[skipped:])
        else:
            for name, attr in decl.attrs.items():
                if attr.type in ("func", "list(func)") and name in attrs:
                    attrs[name] = self._each(attrs[name], lambda ref: self.body(builder, ref, None).name)

    def _each(self, value: Any, name_of: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(FunctionRef(name_of(ref), ref.attrs) for ref in value)
        return FunctionRef(name_of(value), value.attrs)

    def _branches(
        self, builder: GraphBuilder, decl: OpDecl, attrs: dict[str, Any], kinds: Sequence[Kind]
    ) -> None:
        bodies: list[FuncGraph] = []

        def name_of(ref: FunctionRef) -> str:
            bodies.append(self.body(builder, ref, kinds))
            return bodies[-1].name

        for name in _BRANCHES[decl.name]:
            attrs[name] = self._each(attrs[name], name_of)
        types = attrs["Tout"]
        for body in bodies:
            _require(body, attrs["Tin"], types)
        shapes = tuple(_common([b.outputs[i].shape for b in bodies]) for i in range(len(types)))
        attrs["output_shapes" if "output_shapes" in decl.attrs else "_output_shapes"] = shapes

    def _loop(self, builder: GraphBuilder, attrs: dict[str, Any], kinds: Sequence[Kind]) -> None:
        """Finds shapes that hold in every iteration, beginning with those of the inputs."""
        types = attrs["T"]
        given = attrs.get("output_shapes") or ()
        if given and len(given) == len(kinds):
            kinds = [
                (s if s.is_compatible_with(k[0]) else k[0], k[1]) for s, k in zip(given, kinds, strict=True)
            ]
        names = set(builder.graph.functions)
        while True:
            body = self.body(builder, attrs["body"], kinds)
            _require(body, types, types)
            after = [
                (_common([kind[0], t.shape]), kind[1]) for kind, t in zip(kinds, body.outputs, strict=True)
            ]
            if [k[0] for k in after] == [k[0] for k in kinds]:
                break
            kinds = after
            for name in builder.graph.functions.keys() - names:
                self._forget(builder.graph.functions.pop(name))
        cond = self.body(builder, attrs["cond"], kinds)
        if len(cond.outputs) != 1 or len(cond.inputs) != len(types):
            raise InvalidArgumentError(
                None, f"function {cond.name!r} must take {len(types)} tensors and give one, to be a condition"
            )
        attrs["cond"] = FunctionRef(cond.name, attrs["cond"].attrs)
        attrs["body"] = FunctionRef(body.name, attrs["body"].attrs)
        attrs["output_shapes"] = tuple(kind[0] for kind in kinds)

    def _forget(self, body: FuncGraph) -> None:
        for key in [k for k, b in self._bodies.items() if b is body]:
            del self._bodies[key]

    def body(self, builder: GraphBuilder, ref: FunctionRef, kinds: Sequence[Kind] | None) -> FuncGraph:
        """The body of a function that is called with tensors of those shapes.

        Args:
            builder: builds the graph that calls it.
            ref: the function, and the attributes that it is called with.
            kinds: shape of each argument, and what it points to if it is a handle; None where not known.
        """
        attrs = {k: attr for k, v in ref.attrs.items() if (attr := guess_attr_to_proto(v)) is not None}
        function = self.library.get(ref.name, attrs)
        if kinds is not None and len(kinds) != len(function.arguments):
            raise InvalidArgumentError(
                None,
                f"function {ref.name!r} takes {len(function.arguments)} arguments, is given {len(kinds)}",
            )
        said = [_said(a.attrs) for a in function.arguments]
        ways = self._ways.get(function.name, 0)
        if kinds is None or ways >= _MAX_WAYS:
            handles = [s[1] for s in said] if kinds is None else [k[1] for k in kinds]
            kinds = [(s[0], h) for s, h in zip(said, handles, strict=True)]
        else:
            kinds = [(k[0], k[1] or s[1]) for k, s in zip(kinds, said, strict=True)]
        key = id(function), tuple(kinds)
        if key not in self._bodies:
            self._ways[function.name] = ways + 1
            self._bodies[key] = self._build(builder, function, kinds)
        return self._bodies[key]

    def _build(self, builder: GraphBuilder, function: FunctionRecord, kinds: Sequence[Kind]) -> FuncGraph:
        if function.name in self._open:
            raise InvalidArgumentError(None, f"function {function.name!r} calls itself")
        if len(self._open) >= _MAX_DEPTH:
            raise InvalidArgumentError(None, f"functions are nested more than {_MAX_DEPTH} deep")
        self._open.append(function.name)
        try:
            return self._filled(builder, function, kinds)
        except InvalidArgumentError as error:
            if error.message.startswith("function "):
                raise
            raise InvalidArgumentError(
                error.node, f"function {function.name!r}: {error.message}", "", error.source
            ) from None
        finally:
            self._open.pop()

    def _filled(self, builder: GraphBuilder, function: FunctionRecord, kinds: Sequence[Kind]) -> FuncGraph:
        body = FuncGraph(function.name, builder.graph)
        if function.name not in body.functions:
            del body.functions[body.name]
            body.name = function.name
            body.functions[body.name] = body
        outside: dict[str, Any] = {}
        for argument, (shape, handle) in zip(function.arguments, kinds, strict=True):
            dtype = attr_from_proto("type", argument.type)
            outside[argument.marker] = body.add_argument(dtype, shape, argument.name, handle)
        inner = type(builder)(body, "", outside, builder.source, self)
        with body.as_default():
            inner.add({name: r.copy() for name, r in function.records.items()})
        body.outputs = [inner.tensor(name, index) for name, index in function.results]
        body.control_outputs = [inner.made[name] for name in function.controls]
        body.attributes = {k: guess_attr_from_proto(v) for k, v in function.attributes.items()}
        return body


def _said(attrs: Mapping[str, Any]) -> Kind:
    """The shape of an argument, and what it points to, as its attributes say."""
    shapes = _listed(attrs, "_output_shapes", "list(shape)")
    handle_shapes = _listed(attrs, "_handle_shapes", "list(shape)")
    handle_types: Sequence[DType] = _listed(attrs, "_handle_dtypes", "list(type)")
    handle = HandleData(handle_shapes[0], handle_types[0]) if handle_shapes and handle_types else None
    return (shapes[0] if shapes else TensorShape(None)), handle


def _listed(attrs: Mapping[str, Any], name: str, kind: str) -> Any:
    try:
        return attr_from_proto(kind, attrs[name]) if name in attrs else ()
    except InvalidArgumentError:
        return ()


def _require(body: FuncGraph, inputs: Sequence[DType], outputs: Sequence[DType]) -> None:
    """Checks that a body takes and gives tensors of those types."""
    for what, wanted, got in (("takes", inputs, body.inputs), ("gives", outputs, body.outputs)):
        types = [t.dtype for t in got]
        if list(wanted) != types:
            raise InvalidArgumentError(
                None,
                f"function {body.name!r} {what} ({', '.join(t.name for t in types)}), "
                f"where it is called ({', '.join(t.name for t in wanted)}) is needed",
            )


def _common(shapes: Sequence[TensorShape]) -> TensorShape:
    """The shape that knows what all of the shapes agree on."""
    ranks = {s.rank for s in shapes}
    if None in ranks or len(ranks) > 1:
        return TensorShape(None)
    return TensorShape(
        dims[0] if len(set(dims)) == 1 else None for dims in zip(*(s.as_list() for s in shapes), strict=True)
    )
