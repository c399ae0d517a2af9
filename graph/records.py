"""Nodes of a GraphDef as plain, changeable records: what the passes of an import work on.

A GraphDef comes from outside, so nothing about it can be taken for granted: names may clash, inputs may name
what does not exist, nodes may be in any order and form cycles. The checks here take time linear in the number
of nodes and inputs (and a logarithm for putting them in order).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import InvalidArgumentError
from .protos import protos

__all__ = ["OUTSIDE", "Record", "check_inputs", "in_order", "input_text", "read_nodes"]

OUTSIDE = "\0"
"""Begins the name that a record has for a tensor or operation which is not among the records."""

_NAME = re.compile(r"^[A-Za-z0-9_.][A-Za-z0-9_.\\/>-]*$")


@dataclass(slots=True)
class Record:
    """One node.

    Attributes:
        name: name as in the GraphDef.
        op: op type.
        inputs: name of the node and which of its outputs, for each data input.
        controls: names of the nodes that must run before it.
        attrs: AttrValue messages by name.
        device: device string.
        extra: fields of the NodeDef that weft does not know, serialized, or b"".
        place: position in the GraphDef, of the node or of the one that it was made from.
    """

    name: str
    op: str
    inputs: list[tuple[str, int]] = field(default_factory=list)
    controls: list[str] = field(default_factory=list)
    attrs: dict[str, Any] = field(default_factory=dict)
    device: str = ""
    extra: bytes = b""
    place: int = 0

    def copy(self) -> Record:
        """A record that can be changed without changing this one."""
        return Record(
            self.name,
            self.op,
            list(self.inputs),
            list(self.controls),
            dict(self.attrs),
            self.device,
            self.extra,
            self.place,
        )

    def sources(self) -> Iterable[str]:
        """Names of the nodes that it needs, those from outside left out."""
        for name, _ in self.inputs:
            if name[:1] != OUTSIDE:
                yield name
        for name in self.controls:
            if name[:1] != OUTSIDE:
                yield name


def read_nodes(
    nodes: Iterable[Any], read_input: Callable[[str], tuple[str, Any]] | None = None
) -> dict[str, Record]:
    """The nodes of a GraphDef by name, in its order.

    Args:
        nodes: NodeDefs.
        read_input: how a data input is written; None for the way of a GraphDef.

    Raises:
        InvalidArgumentError: a name is malformed or taken twice, an input is malformed, or a data input comes
            after a control input.
    """
    records: dict[str, Record] = {}
    for place, node in enumerate(nodes):
        if not _NAME.match(node.name):
            raise InvalidArgumentError(None, f"node name {_short(node.name)!r} is not valid")
        if node.name in records:
            raise InvalidArgumentError(node.name, f"the graph has two nodes named {node.name!r}")
        record = Record(node.name, node.op, attrs=dict(node.attr), device=node.device, extra=_extra(node))
        record.place = place
        _read_inputs(record, node.input, read_input or _read_input)
        records[node.name] = record
    return records


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "..."


def _read_inputs(record: Record, texts: Iterable[str], read_input: Callable[[str], tuple[str, Any]]) -> None:
    for text in texts:
        if OUTSIDE in text:
            raise InvalidArgumentError(record.name, f"node {record.name!r}: input {text[:80]!r} is malformed")
        if text.startswith("^"):
            record.controls.append(text[1:])
            continue
        if record.controls:
            raise InvalidArgumentError(
                record.name, f"node {record.name!r}: data input {_short(text)!r} comes after a control input"
            )
        try:
            record.inputs.append(read_input(text))
        except InvalidArgumentError as error:
            raise InvalidArgumentError(record.name, f"node {record.name!r}: {error.message}") from None


def _read_input(text: str) -> tuple[str, int]:
    name, colon, index = text.rpartition(":")
    if not colon:
        return text, 0
    if index.isascii() and index.isdigit() and len(index) < 10:
        return name, int(index)
    raise InvalidArgumentError(None, f"input {_short(text)!r} is malformed")


def _extra(node: Any) -> bytes:
    """What a NodeDef holds besides the fields that a graph represents."""
    fields = {d.name for d, _ in node.ListFields()} - {"name", "op", "input", "device", "attr"}
    if not fields and not _has_unknown(node):
        return b""
    rest = protos().NodeDef()
    rest.CopyFrom(node)
    for name in ("name", "op", "input", "device", "attr"):
        rest.ClearField(name)
    return bytes(rest.SerializeToString())


def _has_unknown(message: Any) -> bool:
    from google.protobuf.unknown_fields import UnknownFieldSet

    return len(UnknownFieldSet(message)) > 0


def input_text(name: str, index: int) -> str:
    """A data input as a GraphDef writes it."""
    return f"{name}:{index}" if index else name


def check_inputs(records: Mapping[str, Record]) -> None:
    """Checks that every input names a node.

    Raises:
        InvalidArgumentError: one does not.
    """
    for record in records.values():
        for name in record.sources():
            if name not in records:
                raise InvalidArgumentError(
                    record.name, f"node {record.name!r} takes {_short(name)!r}, which is not in the graph"
                )


def in_order(records: Mapping[str, Record]) -> list[Record]:
    """The nodes so that each comes after what it needs, else in the given order.

    Raises:
        InvalidArgumentError: they form a cycle; the message lists it.
    """
    import heapq

    names = sorted(records, key=lambda name: records[name].place)
    places = {name: place for place, name in enumerate(names)}
    waiting: dict[str, int] = {}
    users: dict[str, list[int]] = {name: [] for name in records}
    for record in records.values():
        needs = set(record.sources())
        waiting[record.name] = len(needs)
        for need in needs:
            users[need].append(places[record.name])
    ready = [places[name] for name, count in waiting.items() if not count]
    done: list[Record] = []
    while ready:
        name = names[heapq.heappop(ready)]
        done.append(records[name])
        for place in users[name]:
            waiting[names[place]] -= 1
            if not waiting[names[place]]:
                heapq.heappush(ready, place)
    if len(done) < len(records):
        raise InvalidArgumentError(None, f"the graph has a cycle: {_cycle(records, waiting)}")
    return done


def _cycle(records: Mapping[str, Record], waiting: Mapping[str, int]) -> str:
    name = next(n for n, count in waiting.items() if count > 0)
    place: dict[str, int] = {}
    path: list[str] = []
    while name not in place:
        place[name] = len(path)
        path.append(name)
        name = next(n for n in records[name].sources() if waiting[n] > 0)
    loop = [*path[place[name] :], name][::-1]
    return " -> ".join(loop if len(loop) <= 12 else [*loop[:6], "...", *loop[-5:]])
