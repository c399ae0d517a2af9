"""Parts of a GraphDef cut out to become functions: what old loops and branches are made into."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .attr_value import attr_to_proto
from .dtypes import DType
from .errors import InvalidArgumentError
from .records import OUTSIDE, Record

__all__ = ["Region", "extract", "free_name", "type_attr"]

Ref = tuple[str, int]


@dataclass(frozen=True)
class Region:
    """A part of a graph.

    Attributes:
        records: its nodes, copies of those that it was cut from; what comes from outside has an argument's name.
        results: the tensors that it gives.
        controls: names of the nodes that must run besides.
    """

    records: dict[str, Record]
    results: list[Ref]
    controls: list[str]


def extract(
    records: Mapping[str, Record],
    results: Iterable[Ref],
    controls: Iterable[str],
    arguments: Mapping[Ref, str],
    border: Container[str],
    members: Container[str],
) -> Region:
    """Copies what some tensors need.

    Args:
        records: all nodes.
        results: the tensors; those whose names begin with `OUTSIDE` are arguments already.
        controls: names of nodes that must run besides.
        arguments: names of the arguments that stand for tensors of the border.
        border: names of the nodes that are not copied; inside, waiting for them is needless.
        members: names of the nodes that may be copied.

    Raises:
        InvalidArgumentError: something needed is neither an argument nor a member.
    """

    def inner(ref: Ref, user: str) -> Ref:
        if ref[0][:1] == OUTSIDE:
            return ref
        if ref in arguments:
            return arguments[ref], 0
        if ref[0] in border or ref[0] not in members:
            op = records[ref[0]].op if ref[0] in records else "?"
            raise InvalidArgumentError(
                user,
                f"{user!r} takes '{ref[0]}:{ref[1]}' ({op}) from outside of the loop or branch that it is in",
            )
        return ref

    wanted = list(results)
    mapped = [inner(ref, ref[0]) for ref in wanted]
    kept_controls = [n for n in dict.fromkeys(controls) if n not in border and n in members]
    found: dict[str, Record] = {}
    stack = [name for name, _ in mapped if name[:1] != OUTSIDE] + kept_controls
    while stack:
        name = stack.pop()
        if name in found:
            continue
        copy = found[name] = records[name].copy()
        copy.inputs = [inner(ref, name) for ref in copy.inputs]
        copy.controls = [c for c in copy.controls if c not in border and c in members]
        stack.extend(n for n, _ in copy.inputs if n[:1] != OUTSIDE)
        stack.extend(copy.controls)
    ordered = {r.name: r for r in sorted(found.values(), key=lambda r: r.place)}
    _drop_needless_controls(ordered)
    return Region(ordered, mapped, kept_controls)


def _drop_needless_controls(records: Mapping[str, Record]) -> None:
    """Waiting for a copy of an argument, as constants in old loops do, is waiting for nothing."""
    needless = {
        r.name
        for r in records.values()
        if r.op == "Identity" and not r.controls and all(n[:1] == OUTSIDE for n, _ in r.inputs)
    }
    for record in records.values():
        if record.controls:
            record.controls = [c for c in record.controls if c not in needless]


def free_name(records: Container[str], wished: str) -> str:
    """`wished`, or one made of it that no record has."""
    name, count = wished, 0
    while name in records:
        count += 1
        name = f"{wished}_{count}"
    return name


def type_attr(dtype: DType) -> Any:
    """An element type as an AttrValue."""
    return attr_to_proto("type", dtype)
