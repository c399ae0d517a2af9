"""Functions of a GraphDef's library as records, and calls of them settled.

Inside a function a NodeDef refers to `node:output:index`, by the name of the output argument; here it is turned into
a position, as everywhere else. Functions may have type parameters; such a function is read once for each way in
which it is called.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .attr_value import attr_from_proto, attr_to_proto
from .errors import InvalidArgumentError
from .import_upgrades import upgrade
from .opdef import OpDecl, find_op
from .protos import copy_of, protos
from .records import OUTSIDE, Record, read_nodes

__all__ = ["Argument", "FunctionRecord", "Library", "output_types"]

Ref = tuple[str, int]


@dataclass(frozen=True)
class Argument:
    """One argument of a function.

    Attributes:
        name: its name, without the mark that it has as an input.
        type: its element type, as an AttrValue.
        attrs: what else the FunctionDef says about it, as AttrValues.
    """

    name: str
    type: Any
    attrs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def marker(self) -> str:
        """How records of the body name it."""
        return f"{OUTSIDE}{self.name}"


@dataclass
class FunctionRecord:
    """A function as records.

    Attributes:
        name: name in the library.
        arguments: in order.
        records: nodes of the body; an argument's name begins with `OUTSIDE`.
        results: the tensors that it gives.
        result_names: a name for each.
        controls: names of the nodes that must run.
        attributes: attributes of the function, as AttrValues.
    """

    name: str
    arguments: list[Argument]
    records: dict[str, Record]
    results: list[Ref]
    result_names: list[str]
    controls: list[str] = field(default_factory=list)
    attributes: Mapping[str, Any] = field(default_factory=dict)


def output_types(record: Record) -> list[Any]:
    """Types of a record's outputs, as AttrValues.

    Raises:
        InvalidArgumentError: its op type is not declared, or the attributes that say so are missing or wrong.
    """
    decl = _declaration(record)
    return [attr_to_proto("type", t) for t in decl.output_types(_type_attrs(decl, record))]


def _declaration(record: Record) -> OpDecl:
    decl = find_op(record.op)
    if decl is None:
        raise InvalidArgumentError(record.name, f"node {record.name!r}: there is no op type {record.op!r}")
    return decl


def _type_attrs(decl: OpDecl, record: Record) -> dict[str, Any]:
    """The attributes that decide how many outputs an op has and of which types."""
    names = {a for arg in decl.outputs for a in (arg.type_attr, arg.number_attr, arg.type_list_attr) if a}
    found = {}
    for name in names:
        attr = decl.attrs[name]
        value = record.attrs.get(name)
        try:
            found[name] = attr.default if value is None else attr_from_proto(attr.type, value)
        except InvalidArgumentError as error:
            raise InvalidArgumentError(
                record.name, f"{record.op} '{record.name}': attribute {name} {error.message}"
            ) from None
        if not isinstance(found[name], (int, tuple)) and not hasattr(found[name], "enum"):
            raise InvalidArgumentError(
                record.name, f"{record.op} '{record.name}': attribute {name} is not given"
            )
    return found


class Library:
    """The functions of a FunctionDefLibrary.

    Args:
        message: the FunctionDefLibrary.

    Raises:
        InvalidArgumentError: two functions have one name.
    """

    def __init__(self, message: Any) -> None:
        self.messages: dict[str, Any] = {}
        for function in message.function:
            name = function.signature.name
            if name in self.messages:
                raise InvalidArgumentError(None, f"the library has two functions named {name!r}")
            self.messages[name] = function
        self._read: dict[tuple[str, bytes], FunctionRecord] = {}
        self._made: dict[str, FunctionRecord] = {}

    def add(self, function: FunctionRecord) -> None:
        """Adds a function that was made from old control flow; its name must be free."""
        self._made[function.name] = function

    def free_name(self, wished: str) -> str:
        """`wished`, or one made of it that no function has."""
        name = wished.replace("/", "_").strip("_") or "function"
        while name in self.messages or name in self._made:
            name += "_"
        return name

    def __contains__(self, name: str) -> bool:
        return name in self.messages or name in self._made

    def get(self, name: str, attrs: Mapping[str, Any] | None = None) -> FunctionRecord:
        """The function of that name, called with those attributes.

        Raises:
            InvalidArgumentError: there is none, or it is malformed.
        """
        if name in self._made:
            return self._made[name]
        if name not in self.messages:
            raise InvalidArgumentError(None, f"there is no function {name!r} in the graph's library")
        given = {k: v for k, v in (attrs or {}).items() if not k.startswith("_")}
        wanted = {a.name for a in self.messages[name].signature.attr}
        used = {k: v for k, v in given.items() if k in wanted}
        key = (
            name,
            b"".join(k.encode() + v.SerializeToString(deterministic=True) for k, v in sorted(used.items())),
        )
        if key not in self._read:
            self._read[key] = _Reader(self, self.messages[name], used).read()
        return self._read[key]

    def reachable(self, records: Iterable[Record]) -> Iterator[tuple[str, str]]:
        """Op type and name of the nodes, and of those of all functions that they call, directly or not."""
        seen: set[str] = set()
        waiting: list[str] = []
        for record in records:
            yield record.op, record.name
            for value in record.attrs.values():
                waiting.extend(_called(value))
        while waiting:
            name = waiting.pop()
            if name in seen or name not in self.messages:
                continue
            seen.add(name)
            for node in self.messages[name].node_def:
                if node.op in self.messages and find_op(node.op) is None:
                    waiting.append(node.op)
                else:
                    yield node.op, f"{name}/{node.name}"
                for value in node.attr.values():
                    waiting.extend(_called(value))

    def settle_calls(self, records: Iterable[Record]) -> None:
        """Turns nodes whose op type is a function's name, as old graphs have them, into calls of the function."""
        for record in records:
            if record.op not in self.messages or find_op(record.op) is not None:
                continue
            signature = self.messages[record.op].signature
            types = [
                protos().AttrValue(
                    list={"type": [t.type for arg in args for t in _arg_types(arg, record.attrs)]}
                )
                for args in (signature.input_arg, signature.output_arg)
            ]
            call = protos().AttrValue()
            call.func.name = record.op
            kept = {}
            for name, value in record.attrs.items():
                if name.startswith("_"):
                    kept[name] = value
                else:
                    call.func.attr[name].CopyFrom(value)
            record.op = "PartitionedCall"
            record.attrs = {**kept, "f": call, "Tin": types[0], "Tout": types[1]}


def _called(value: Any) -> Iterator[str]:
    """Names of the functions that an AttrValue names."""
    which = value.WhichOneof("value")
    if which == "func":
        yield value.func.name
    elif which == "list":
        for function in value.list.func:
            yield function.name


def _arg_types(arg: Any, attrs: Mapping[str, Any]) -> list[Any]:
    """Types of an argument of a signature, under the attributes of a call, as AttrValues."""
    if arg.type_list_attr:
        value = attrs.get(arg.type_list_attr)
        listed = [] if value is None else value.list.type
        return [protos().AttrValue(type=t) for t in listed]
    if arg.type_attr:
        one = attrs.get(arg.type_attr)
        if one is None or one.WhichOneof("value") != "type":
            raise InvalidArgumentError(None, f"a function is called without its attribute {arg.type_attr!r}")
        types = [one]
    else:
        types = [protos().AttrValue(type=arg.type)]
    if arg.number_attr:
        count = attrs[arg.number_attr].i if arg.number_attr in attrs else 0
        if not 0 <= count <= 1 << 20:
            raise InvalidArgumentError(None, f"a function is called with {arg.number_attr} = {count}")
        return types * count
    return types


class _Reader:
    """Reads one FunctionDef, with the values of its type parameters.

    Args:
        library: the functions that it may call.
        message: the FunctionDef.
        attrs: AttrValues of its parameters.
    """

    def __init__(self, library: Library, message: Any, attrs: Mapping[str, Any]) -> None:
        self.library = library
        self.message = message
        self.attrs = attrs
        self.name = message.signature.name
        self.arguments: dict[str, list[str]] = {}
        self.records: dict[str, Record] = {}
        self.outputs: dict[str, dict[str, int]] = {}

    def read(self) -> FunctionRecord:
        try:
            return self._read()
        except InvalidArgumentError as error:
            raise InvalidArgumentError(error.node, f"function {self.name!r}: {error.message}") from None

    def _read(self) -> FunctionRecord:
        message = self.message
        arguments = []
        for position, arg in enumerate(message.signature.input_arg):
            types = _arg_types(arg, self.attrs)
            names = [arg.name] if len(types) == 1 else [f"{arg.name}_{i}" for i in range(len(types))]
            if arg.name in self.arguments:
                raise InvalidArgumentError(None, f"two arguments are named {arg.name!r}")
            self.arguments[arg.name] = names
            about = message.arg_attr[position].attr if position in message.arg_attr else {}
            arguments += [Argument(n, t, dict(about)) for n, t in zip(names, types, strict=True)]
        nodes = [self._substituted(n) for n in message.node_def] if self.attrs else message.node_def
        self.records = read_nodes(nodes, self._input)
        upgrade(self.records)
        self.library.settle_calls(self.records.values())
        for record in self.records.values():
            record.inputs = [self._resolved(record.name, ref) for ref in record.inputs]
            record.controls = [self._control(name) for name in record.controls]
            record.controls = [name for name in record.controls if name[:1] != OUTSIDE]
        results: list[Ref] = []
        names = []
        for arg in message.signature.output_arg:
            if arg.name not in message.ret:
                raise InvalidArgumentError(None, f"result {arg.name!r} is not given")
            results.append(self._resolved(arg.name, self._input(message.ret[arg.name])))
            names.append(arg.name)
        controls = list(message.control_ret.values())
        for name in controls:
            if name not in self.records:
                raise InvalidArgumentError(None, f"node {name!r} must run, but is not there")
        attributes = dict(message.attr)
        return FunctionRecord(self.name, arguments, self.records, results, names, controls, attributes)

    def _substituted(self, node: Any) -> Any:
        """The NodeDef with the parameters' values in the place of their names."""
        made = copy_of(node)
        for name, value in made.attr.items():
            if value.WhichOneof("value") == "placeholder" and value.placeholder in self.attrs:
                made.attr[name].CopyFrom(self.attrs[value.placeholder])
        return made

    def _input(self, text: str) -> tuple[str, Any]:
        """An input as it is written in a function: (argument or node, position or (output, index))."""
        parts = text.split(":")
        if len(parts) == 3 and parts[2].isdigit() and len(parts[2]) < 10:
            return parts[0], (parts[1], int(parts[2]))
        if len(parts) == 2 and parts[1].isdigit() and len(parts[1]) < 10:
            return parts[0], int(parts[1])
        if len(parts) == 2:
            return parts[0], (parts[1], 0)
        if len(parts) == 1:
            return text, 0
        raise InvalidArgumentError(None, f"input {text[:80]!r} is malformed")

    def _control(self, name: str) -> str:
        return f"{OUTSIDE}{name}" if name in self.arguments else name

    def _resolved(self, user: str, ref: tuple[str, Any]) -> Ref:
        name, place = ref
        if name in self.arguments and name not in self.records:
            index = place if isinstance(place, int) else place[1]
            listed = self.arguments[name]
            if index >= len(listed):
                raise InvalidArgumentError(user, f"{user!r} takes part {index} of argument {name!r}")
            return f"{OUTSIDE}{listed[index]}", 0
        if name not in self.records:
            raise InvalidArgumentError(user, f"{user!r} takes {name!r}, which is not there")
        if isinstance(place, int):
            return name, place
        return name, self._position(name, *place)

    def _position(self, name: str, output: str, index: int) -> int:
        if name not in self.outputs:
            self.outputs[name] = self._output_places(self.records[name])
        places = self.outputs[name]
        if output not in places:
            raise InvalidArgumentError(
                name, f"node {name!r} ({self.records[name].op}) has no output {output!r}"
            )
        return places[output] + index

    def _output_places(self, record: Record) -> dict[str, int]:
        called = record.attrs.get("f")
        if (
            record.op == "PartitionedCall"
            and called is not None
            and called.func.name in self.library.messages
        ):
            own = self._signature_places(called.func)
            if own is not None:
                return own
        decl = find_op(record.op)
        if decl is None:
            # All op types that are missing are named later, in one error.
            return _Anything()
        slices = decl.arg_slices(_type_attrs(decl, record), outputs=True)
        return {name: part.start for name, part in slices.items()}

    def _signature_places(self, call: Any) -> dict[str, int] | None:
        """Output positions by the names that a function of the library gives them."""
        found: dict[str, int] = {"output": 0}
        position = 0
        for arg in self.library.messages[call.name].signature.output_arg:
            found[arg.name] = position
            position += len(_arg_types(arg, call.attr))
        return found


class _Anything(dict[str, int]):
    def __contains__(self, key: object) -> bool:
        return True

    def __missing__(self, key: str) -> int:
        return 0
