"""Branches of Switch and Merge nodes, made into `If` when a GraphDef is imported.

In TensorFlow's first graphs a Switch sends a tensor one of two ways, nodes on the way that is not taken do not run,
and a Merge takes the tensor that arrives. For each node it is worked out under which conditions it runs; a
Merge whose inputs run under opposite values of one predicate, and else under the same conditions, is a result of
an `If`, and what its inputs need under these conditions are the branches. Merges that share nodes share an `If`.
Nodes on a way that leads into no Merge would end a step of TensorFlow with an error when fetched; they are left
out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from .dtypes import bool as bool_type
from .dtypes import int32
from .errors import InvalidArgumentError
from .function_records import Argument, FunctionRecord, Library, output_types
from .import_regions import extract, free_name, type_attr
from .protos import protos
from .records import OUTSIDE, Record, in_order

__all__ = ["replace_branches"]

Ref = tuple[str, int]
Conditions = frozenset[tuple[Ref, bool]]
"""Predicates and the values that they must have."""

_MAX_DEPTH = 64
"""Deepest nesting of branches that is read."""

_ALWAYS: Conditions = frozenset()


def replace_branches(
    records: dict[str, Record], library: Library, type_of_outside: Callable[[str], Any]
) -> None:
    """Replaces old branches by `If` nodes, in place, and adds their bodies to the library.

    Args:
        records: all nodes, without loops.
        library: the functions.
        type_of_outside: element type, as an AttrValue, of what a name that begins with `OUTSIDE` stands for.

    Raises:
        InvalidArgumentError: a Merge takes what is not two branches of one predicate.
    """
    if any(r.op in ("Switch", "Merge") for r in records.values()):
        _Branches(records, library, type_of_outside).replace()


@dataclass
class _Choice:
    """Some Merges of one predicate, and what their inputs need: one `If`.

    Attributes:
        conditions: under which it runs.
        predicate: the boolean tensor that decides.
        merges: the Merge nodes.
        inside: names of the nodes on each way, for False and True.
        level: how many choices under the same conditions come before it.
    """

    conditions: Conditions
    predicate: Ref
    merges: list[Record]
    inside: tuple[set[str], set[str]] = field(default_factory=lambda: (set(), set()))
    level: int = 0


class _Branches:
    def __init__(
        self, records: dict[str, Record], library: Library, type_of_outside: Callable[[str], Any]
    ) -> None:
        self.records = records
        self.library = library
        self.type_of_outside = type_of_outside
        self.order = in_order(records)
        self.conditions: dict[str, Conditions | None] = {}
        self.roots: dict[Ref, Ref] = {}
        self.merges: dict[str, tuple[Ref, Conditions, bool]] = {}
        for record in self.order:
            self.conditions[record.name] = self._conditions_of(record)

    def replace(self) -> None:
        by_context: dict[Conditions, list[Record]] = {}
        for record in self.order:
            if record.name in self.merges:
                by_context.setdefault(self.merges[record.name][1], []).append(record)
        nodes: dict[Conditions, list[str]] = {}
        for name, conditions in self.conditions.items():
            if conditions in by_context:
                nodes.setdefault(conditions, []).append(name)
        for context in sorted(by_context, key=len, reverse=True):
            for choice in self._choices(context, by_context[context], nodes.get(context, [])):
                self._build(choice)
        gone = {
            name
            for name, conditions in self.conditions.items()
            if conditions != _ALWAYS or self.records[name].op == "Switch"
        }
        for record in self.records.values():
            if record.name not in gone and any(c in gone for c in record.controls):
                # What waits for a Switch waits for what the Switch takes.
                waits = ([c] if c not in gone else self.records[c].sources() for c in record.controls)
                record.controls = list(dict.fromkeys(c for part in waits for c in part))
        for name in gone:
            del self.records[name]

    # --- when nodes run -------------------------------------------------------------------------------------

    def _root(self, ref: Ref) -> Ref:
        """The tensor that a predicate is a copy of."""
        return self.roots.get(ref, ref)

    def _of(self, ref: Ref) -> Conditions | None:
        """Conditions under which a tensor is there; None for never."""
        if ref[0][:1] == OUTSIDE:
            return _ALWAYS
        base = self.conditions[ref[0]]
        record = self.records[ref[0]]
        if base is None or record.op != "Switch":
            return base
        if ref[1] > 1:
            raise InvalidArgumentError(ref[0], f"Switch '{ref[0]}' has no output {ref[1]}")
        return _joined([base, frozenset({(self._root(record.inputs[1]), ref[1] == 1)})], ref[0])

    def _conditions_of(self, record: Record) -> Conditions | None:
        if record.op == "Switch" and len(record.inputs) != 2:
            raise InvalidArgumentError(record.name, f"Switch '{record.name}' must take two inputs")
        if record.op == "Identity" and len(record.inputs) == 1:
            self.roots[record.name, 0] = self._root(record.inputs[0])
        parts = [self._of(ref) for ref in record.inputs]
        controls = [self.conditions[c] for c in record.controls if c[:1] != OUTSIDE]
        if record.op != "Merge":
            return _joined([*parts, *controls], record.name)
        return _joined([self._merge(record, parts), *controls], record.name)

    def _merge(self, record: Record, parts: list[Conditions | None]) -> Conditions | None:
        alive = [i for i, part in enumerate(parts) if part is not None]
        if len(parts) != 2 or not alive:
            raise InvalidArgumentError(
                record.name, f"Merge '{record.name}' does not take two ways of a branch"
            )
        if len(alive) == 1:
            return self._only(record, alive[0], parts[alive[0]])
        first, second = parts
        assert first is not None and second is not None
        for predicate, value in first:
            rest = first - {(predicate, value)}
            if rest == second - {(predicate, not value)} and (predicate, not value) in second:
                self.merges[record.name] = (predicate, rest, value)
                return rest
        raise InvalidArgumentError(
            record.name,
            f"Merge '{record.name}' takes inputs that are not the two ways of one branch: "
            f"'{record.inputs[0][0]}' runs {_text(first)}, '{record.inputs[1][0]}' runs {_text(second)}",
        )

    @staticmethod
    def _only(record: Record, position: int, part: Conditions | None) -> Conditions | None:
        """A Merge one of whose inputs never comes passes on the other."""
        record.op, record.inputs = "Identity", [record.inputs[position]]
        record.attrs = {k: v for k, v in record.attrs.items() if k in ("T", "_class")}
        return part

    # --- which Merges belong together -----------------------------------------------------------------------

    def _choices(self, context: Conditions, merges: Iterable[Record], nodes: Iterable[str]) -> list[_Choice]:
        """The choices under some conditions, in an order in which each comes after those that it needs."""
        owners: dict[tuple[str, bool], int] = {}
        groups = _Groups()
        listed = list(merges)
        for number, record in enumerate(listed):
            groups.add(number)
            predicate, _, value = self.merges[record.name]
            for ref, way in ((record.inputs[0], value), (record.inputs[1], not value)):
                for name in self._walk(ref, predicate, way, owners, number):
                    groups.join(number, owners[name, way])
        choices: dict[int, _Choice] = {}
        for number, record in enumerate(listed):
            predicate = self.merges[record.name][0]
            root = groups.root(number)
            choices.setdefault(root, _Choice(context, predicate, [])).merges.append(record)
        for (name, way), number in owners.items():
            choices[groups.root(number)].inside[way].add(name)
        found = list(choices.values())
        self._set_levels(found, nodes)
        return _together(found)

    def _walk(
        self, start: Ref, predicate: Ref, way: bool, owners: dict[tuple[str, bool], int], number: int
    ) -> Iterable[str]:
        """Takes the nodes on a way that nobody owns yet; gives those that somebody does."""
        stack = [start]
        while stack:
            ref = stack.pop()
            if not self._is_inside(ref, predicate, way):
                continue
            key = ref[0], way
            if key in owners:
                if owners[key] != number:
                    yield ref[0]
                continue
            owners[key] = number
            record = self.records[ref[0]]
            stack.extend(record.inputs)
            stack.extend((c, 0) for c in record.controls if self._runs(c, predicate, way))

    def _runs(self, name: str, predicate: Ref, way: bool) -> bool:
        conditions = self.conditions.get(name)
        return conditions is not None and (predicate, way) in conditions

    def _is_inside(self, ref: Ref, predicate: Ref, way: bool) -> bool:
        """Whether a tensor is computed on that way; one that a Switch sends there is not."""
        return ref[0][:1] != OUTSIDE and self._runs(ref[0], predicate, way)

    def _set_levels(self, choices: list[_Choice], nodes: Iterable[str]) -> None:
        """Numbers the choices so that each comes after those that it needs.

        Raises:
            InvalidArgumentError: they need each other.
        """
        place: dict[str, int] = {}
        units: list[tuple[_Choice | None, list[str]]] = []
        for choice in choices:
            names = [r.name for r in choice.merges] + [n for way in choice.inside for n in way]
            place.update(dict.fromkeys(names, len(units)))
            units.append((choice, names))
        for name in nodes:
            if name not in place:
                place[name] = len(units)
                units.append((None, [name]))
        needs = [
            {place[s] for n in names for s in self.records[n].sources() if s in place} - {i}
            for i, (_, names) in enumerate(units)
        ]
        users: list[list[int]] = [[] for _ in units]
        for i, need in enumerate(needs):
            for j in need:
                users[j].append(i)
        levels = [0] * len(units)
        waiting = [len(need) for need in needs]
        ready = [i for i, count in enumerate(waiting) if not count]
        done = 0
        while ready:
            i = ready.pop()
            done += 1
            found = units[i][0]
            if found is not None:
                found.level = levels[i]
            for user in users[i]:
                levels[user] = max(levels[user], levels[i] + (found is not None))
                waiting[user] -= 1
                if not waiting[user]:
                    ready.append(user)
        if done < len(units):
            left = next(u[1][0] for i, u in enumerate(units) if waiting[i] > 0)
            raise InvalidArgumentError(left, f"branches need each other's results, through '{left}'")

    # --- what becomes of them -------------------------------------------------------------------------------

    def _build(self, choice: _Choice) -> None:
        """Replaces one choice by an `If` whose results keep the names of the Merges."""
        arguments: dict[Ref, int] = {}
        controls: dict[str, None] = {}
        bodies = [self._body(choice, way, arguments, controls) for way in (False, True)]
        kinds = [Argument(str(i), self._type(ref)) for i, ref in enumerate(arguments)]
        first = choice.merges[0]
        made = Record(
            free_name(self.records, f"{first.name}/If"),
            "If",
            [choice.predicate, *arguments],
            list(controls),
            device=first.device,
            place=first.place,
        )
        types = [_type_of(r) for r in choice.merges]
        made.attrs["Tcond"] = type_attr(bool_type)
        made.attrs["Tin"] = protos().AttrValue(list={"type": [k.type.type for k in kinds]})
        made.attrs["Tout"] = protos().AttrValue(list={"type": [t.type for t in types]})
        for key, body in zip(("else_branch", "then_branch"), bodies, strict=True):
            body.arguments.extend(kinds)
            made.attrs[key] = protos().AttrValue(func={"name": body.name})
        self.records[made.name] = made
        self.conditions[made.name] = choice.conditions
        for i, record in enumerate(choice.merges):
            self._result(record, (made.name, i), types[i], choice.predicate)

    def _body(
        self, choice: _Choice, way: bool, arguments: dict[Ref, int], controls: dict[str, None]
    ) -> FunctionRecord:
        """One way of a choice as a function; adds what it needs from outside to the arguments."""
        mapped: dict[Ref, str] = {}

        def argument(ref: Ref) -> None:
            if self._is_inside(ref, choice.predicate, way):
                return
            source = ref
            if ref[0][:1] != OUTSIDE and self.records[ref[0]].op == "Switch":
                switch = self.records[ref[0]]
                if self._root(switch.inputs[1]) == choice.predicate and ref[1] == int(way):
                    source = switch.inputs[0]
            mapped[ref] = f"{OUTSIDE}{arguments.setdefault(source, len(arguments))}"

        results = []
        for record in choice.merges:
            value = self.merges[record.name][2]
            results.append(record.inputs[0 if value == way else 1])
            argument(results[-1])
        inside = choice.inside[way]
        for name in sorted(inside, key=lambda n: self.records[n].place):
            record = self.records[name]
            for ref in record.inputs:
                argument(ref)
            controls.update(dict.fromkeys(c for c in record.controls if self._waits_outside(c, choice, way)))
        part = extract(self.records, [mapped_ref(r, mapped) for r in results], (), mapped, (), inside)
        body = FunctionRecord(
            self.library.free_name(f"{choice.merges[0].name}_{'true' if way else 'false'}"),
            [],
            part.records,
            part.results,
            [f"result_{i}" for i in range(len(results))],
        )
        self.library.add(body)
        return body

    def _waits_outside(self, name: str, choice: _Choice, way: bool) -> bool:
        if name[:1] == OUTSIDE:
            return True
        return not self._runs(name, choice.predicate, way) and self.records[name].op != "Switch"

    def _type(self, ref: Ref) -> Any:
        if ref[0][:1] == OUTSIDE:
            return self.type_of_outside(ref[0])
        record = self.records[ref[0]]
        if record.op in ("Switch", "Merge"):
            return _type_of(record)
        types = output_types(record)
        if ref[1] >= len(types):
            raise InvalidArgumentError(ref[0], f"node '{ref[0]}' ({record.op}) has no output {ref[1]}")
        return types[ref[1]]

    def _result(self, record: Record, source: Ref, dtype: Any, predicate: Ref) -> None:
        """Turns a Merge into a copy of one of the `If`'s results."""
        value = self.merges[record.name][2]
        users = (
            [r for r in self.records.values() if (record.name, 1) in r.inputs] if self._asks(record) else []
        )
        kept = {k: v for k, v in record.attrs.items() if k == "_class"}
        record.op, record.inputs, record.attrs = "Identity", [source], {**kept, "T": dtype}
        if not users:
            return
        chosen = Record(free_name(self.records, f"{record.name}/value_index"), "Cast", [predicate])
        chosen.place = record.place
        chosen.attrs = {"SrcT": type_attr(bool_type), "DstT": type_attr(int32)}
        if value:
            flipped = Record(free_name(self.records, f"{record.name}/not"), "LogicalNot", [predicate])
            flipped.place = record.place
            chosen.inputs = [(flipped.name, 0)]
            self._add(flipped, self.conditions[record.name])
        self._add(chosen, self.conditions[record.name])
        for user in users:
            user.inputs = [(chosen.name, 0) if ref == (record.name, 1) else ref for ref in user.inputs]

    def _asks(self, record: Record) -> bool:
        """Whether somebody takes the second output of a Merge: which of its inputs came."""
        if not hasattr(self, "_indexed"):
            self._indexed = {n for r in self.order for n, i in r.inputs if i == 1}
        return record.name in self._indexed

    def _add(self, record: Record, conditions: Conditions | None) -> None:
        self.records[record.name] = record
        self.conditions[record.name] = conditions


def mapped_ref(ref: Ref, mapped: dict[Ref, str]) -> Ref:
    """A tensor by the name that it has inside, if it is an argument there."""
    return (mapped[ref], 0) if ref in mapped else ref


def _joined(parts: Iterable[Conditions | None], name: str) -> Conditions | None:
    """All conditions together; None where they contradict each other."""
    found: Conditions = _ALWAYS
    for part in parts:
        if part is None:
            return None
        if part is not found and part:
            found = part if not found else found | part
    if len(found) > _MAX_DEPTH:
        raise InvalidArgumentError(name, f"branches are nested more than {_MAX_DEPTH} deep at '{name}'")
    return None if any((predicate, not value) in found for predicate, value in found) else found


def _text(conditions: Conditions) -> str:
    if not conditions:
        return "always"
    return "if " + " and ".join(f"{'' if v else 'not '}{n}:{i}" for (n, i), v in sorted(conditions))


def _type_of(record: Record) -> Any:
    value = record.attrs.get("T")
    if value is None or value.WhichOneof("value") != "type":
        raise InvalidArgumentError(record.name, f"{record.op} '{record.name}': attribute T is not given")
    return value


def _together(choices: list[_Choice]) -> list[_Choice]:
    """Choices of one predicate that do not need each other become one; in order of their levels."""
    found: dict[tuple[int, Ref], _Choice] = {}
    for choice in choices:
        same = found.setdefault((choice.level, choice.predicate), choice)
        if same is not choice:
            same.merges.extend(choice.merges)
            same.inside[0].update(choice.inside[0])
            same.inside[1].update(choice.inside[1])
    return sorted(found.values(), key=lambda c: c.level)


class _Groups:
    """Numbers joined into groups."""

    def __init__(self) -> None:
        self._parent: dict[int, int] = {}

    def add(self, number: int) -> None:
        self._parent[number] = number

    def root(self, number: int) -> int:
        while self._parent[number] != number:
            self._parent[number] = self._parent[self._parent[number]]
            number = self._parent[number]
        return number

    def join(self, a: int, b: int) -> None:
        self._parent[self.root(a)] = self.root(b)
