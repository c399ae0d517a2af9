"""Loops of Enter, Merge, Switch, NextIteration and Exit nodes, made into `While` when a GraphDef is imported.

In TensorFlow's first graphs a loop is a part of the graph with a cycle in it. Enter nodes bring tensors into the
loop's frame; a Merge takes each loop variable from its Enter first and from its NextIteration later; a Switch sends
it into the body or, through an Exit, out, as the LoopCond node says; an Enter that is constant brings in what does
not change. Each frame becomes one `While` whose variables are the Merges and, behind them, the constants.

Source: Yu et al., "Dynamic Control Flow in Large-Scale Machine Learning", EuroSys 2018.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import InvalidArgumentError
from .function_records import Argument, FunctionRecord, Library
from .import_regions import extract, free_name
from .protos import protos
from .records import OUTSIDE, Record

__all__ = ["REPLACED_LOOP_OPS", "replace_loops"]

REPLACED_LOOP_OPS = frozenset({"Enter", "Exit", "LoopCond", "Merge", "NextIteration", "Switch"})
"""Op types of old loops and branches."""

Ref = tuple[str, int]
Frame = tuple[str, ...]

_MAX_DEPTH = 32
"""Deepest nesting of loops that is read."""


def replace_loops(records: dict[str, Record], library: Library) -> None:
    """Replaces old loops by `While` nodes, in place, and adds their bodies to the library.

    Raises:
        InvalidArgumentError: a loop is not built as loops are.
    """
    if not any(r.op in ("Enter", "Exit", "NextIteration", "LoopCond") for r in records.values()):
        return
    frames = _frames(records)
    members: dict[Frame, set[str]] = {}
    enters: dict[Frame, list[Record]] = {}
    for record in records.values():
        frame = frames[record.name]
        members.setdefault(frame, set()).add(record.name)
        if record.op == "Enter":
            enters.setdefault(_frame_after(record, frame), []).append(record)
    for frame in sorted(members.keys() | enters.keys(), key=len, reverse=True):
        if frame:
            _Loop(records, library, frame, members, enters.get(frame, [])).replace()


def _frame_name(record: Record) -> str:
    value = record.attrs.get("frame_name")
    if value is None or value.WhichOneof("value") != "s":
        raise InvalidArgumentError(record.name, f"Enter '{record.name}': attribute frame_name is not given")
    return value.s.decode("utf-8", "replace")


def _frames(records: Mapping[str, Record]) -> dict[str, Frame]:
    """For each node, the frame that its inputs are in; nested frames are tuples of names."""
    frames: dict[str, Frame] = {}
    waiting: dict[str, int] = {}
    users: dict[str, list[str]] = {name: [] for name in records}
    for record in records.values():
        needs = {n for n in record.sources() if not _is_back_edge(records, record, n)}
        waiting[record.name] = len(needs)
        for need in needs:
            users[need].append(record.name)
    ready = [name for name, count in waiting.items() if not count]
    for name in ready:
        frames[name] = ()
    while ready:
        name = ready.pop()
        after = _frame_after(records[name], frames[name])
        for user in users[name]:
            known = frames.setdefault(user, after)
            if known != after:
                raise InvalidArgumentError(
                    user,
                    f"{records[user].op} '{user}': takes inputs from different loops, "
                    f"{'/'.join(known) or 'none'} and {'/'.join(after) or 'none'} (by '{name}')",
                )
            waiting[user] -= 1
            if not waiting[user]:
                ready.append(user)
    if len(frames) < len(records) or any(count > 0 for count in waiting.values()):
        left = next(n for n in records if waiting[n] > 0)
        raise InvalidArgumentError(left, f"the graph has a cycle that is no loop, through '{left}'")
    return frames


def _is_back_edge(records: Mapping[str, Record], record: Record, source: str) -> bool:
    return record.op == "Merge" and source in records and records[source].op == "NextIteration"


def _frame_after(record: Record, frame: Frame) -> Frame:
    """The frame that a node's outputs are in."""
    if record.op == "Enter":
        if len(frame) >= _MAX_DEPTH:
            raise InvalidArgumentError(record.name, f"loops are nested more than {_MAX_DEPTH} deep")
        return (*frame, _frame_name(record))
    if record.op == "Exit":
        if not frame:
            raise InvalidArgumentError(record.name, f"Exit '{record.name}' is in no loop")
        return frame[:-1]
    return frame


@dataclass
class _Variable:
    """One loop variable.

    Attributes:
        enter: the node that brings in the first value.
        merge: the node that chooses between first and later values; None for a constant.
        later: name of the NextIteration that brings in the later values, or "".
        next: what the next value is.
        switches: the nodes that send it into the body or out.
    """

    enter: Record
    merge: Record | None = None
    later: str = ""
    next: Ref = ("", 0)
    switches: list[str] = field(default_factory=list)


class _Loop:
    """One frame.

    Args:
        records: all nodes; the loop's are replaced.
        library: where the loop's condition and body go.
        frame: the frame.
        members: for each frame, the nodes whose inputs are in it; what becomes of this one joins the frame around.
        enters: the nodes that bring tensors into the frame.
    """

    def __init__(
        self,
        records: dict[str, Record],
        library: Library,
        frame: Frame,
        members: dict[Frame, set[str]],
        enters: list[Record],
    ) -> None:
        self.records = records
        self.library = library
        self.frame = frame
        self.members = members.get(frame, set())
        self.around = members.setdefault(frame[:-1], set())
        self.enters = enters
        self.entering = {r.name for r in enters}

    def _fail(self, rule: str, node: str | None = None) -> InvalidArgumentError:
        return InvalidArgumentError(node, f"loop {'/'.join(self.frame)!r}: {rule}")

    def replace(self) -> None:
        variables = self._variables()
        cond = self._function("cond", variables, [self._condition()])
        results = [v.next if v.later else (f"{OUTSIDE}{i}", 0) for i, v in enumerate(variables)]
        body = self._function("body", variables, results)
        loop = self._while(variables, cond, body)
        exits = sorted(
            (n for n in self.members if self._op(n) == "Exit"), key=lambda n: self.records[n].place
        )
        after = self._after(variables, loop, exits)
        gone = (self.members - set(exits)) | {r.name for r in self.enters}
        for name in gone:
            del self.records[name]
        self.records.update(after)
        self.records[loop.name] = loop
        self.around -= gone
        self.around |= {*exits, *after, loop.name}

    def _after(self, variables: list[_Variable], loop: Record, exits: list[str]) -> dict[str, Record]:
        """Turns Exits into copies of the loop's results, or of what the loop makes of them at its end.

        Returns:
            The nodes that compute something after the last iteration, to be put behind the loop.
        """
        arguments: dict[Ref, str] = {}
        types: dict[str, Any] = {}
        for i, variable in enumerate(variables):
            marker = f"{OUTSIDE}{i}"
            types[marker] = _type_of(variable.enter)
            arguments[variable.enter.name, 0] = marker
            if variable.merge is not None:
                arguments[variable.merge.name, 0] = marker
            arguments.update(((switch, 0), marker) for switch in variable.switches)
        border = {name for name, _ in arguments}
        border |= {n for n in self.members if self._op(n) in ("LoopCond", "NextIteration", "Exit")}
        for name in exits:
            if len(self.records[name].inputs) != 1:
                raise self._fail(f"Exit '{name}' must take one input", name)
        results = [self.records[name].inputs[0] for name in exits]
        part = extract(self.records, results, (), arguments, border, self.members)

        def outer(ref: Ref) -> Ref:
            return (loop.name, int(ref[0][1:])) if ref[0][:1] == OUTSIDE else ref

        for record in part.records.values():
            record.inputs = [outer(ref) for ref in record.inputs]
        for name, ref in zip(exits, part.results, strict=True):
            record = self.records[name]
            dtype = types.get(ref[0]) or record.attrs.get("T")
            kept = {k: v for k, v in record.attrs.items() if k in ("_class", "_output_shapes")}
            record.op, record.inputs, record.controls = "Identity", [outer(ref)], []
            record.attrs = kept if dtype is None else {**kept, "T": dtype}
        return part.records

    def _variables(self) -> list[_Variable]:
        """The loop variables, those that do not change behind the others."""
        merges: dict[str, Record] = {}
        for name in self.members:
            record = self.records[name]
            if record.op == "Merge" and any(self._op(n) == "NextIteration" for n, _ in record.inputs):
                self._check_merge(record)
                merges[next(n for n, _ in record.inputs if self._op(n) == "Enter")] = record
        changing, constant = [], []
        for enter in self.enters:
            if len(enter.inputs) != 1:
                raise self._fail(f"Enter '{enter.name}' takes {len(enter.inputs)} inputs", enter.name)
            variable = _Variable(enter, merges.get(enter.name))
            if variable.merge is None:
                constant.append(variable)
                continue
            variable.later = next(n for n, _ in variable.merge.inputs if self._op(n) == "NextIteration")
            inputs = self.records[variable.later].inputs
            if len(inputs) != 1:
                raise self._fail(f"NextIteration '{variable.later}' must take one input", variable.later)
            variable.next = inputs[0]
            changing.append(variable)
        self._find_switches(changing)
        return [*changing, *constant]

    def _check_merge(self, record: Record) -> None:
        kinds = sorted(self._op(n) for n, _ in record.inputs)
        if kinds != ["Enter", "NextIteration"]:
            raise self._fail(
                f"Merge '{record.name}' takes {kinds}, not an Enter and a NextIteration", record.name
            )
        first = next(n for n, _ in record.inputs if self._op(n) == "Enter")
        if first not in self.entering:
            raise self._fail(f"Merge '{record.name}' takes a value of another loop", record.name)

    def _op(self, name: str) -> str:
        return self.records[name].op if name in self.records else ""

    def _find_switches(self, variables: Iterable[_Variable]) -> None:
        by_merge = {v.merge.name: v for v in variables if v.merge is not None}
        for name in self.members:
            record = self.records[name]
            if (
                record.op != "Switch"
                or len(record.inputs) != 2
                or self._op(record.inputs[1][0]) != "LoopCond"
            ):
                continue
            found = by_merge.get(record.inputs[0][0])
            if found is None:
                raise self._fail(f"Switch '{name}' takes no loop variable", name)
            found.switches.append(name)

    def _condition(self) -> Ref:
        conditions = [n for n in self.members if self._op(n) == "LoopCond"]
        if len(conditions) != 1:
            raise self._fail(f"has {len(conditions)} LoopCond nodes, not one")
        record = self.records[conditions[0]]
        if len(record.inputs) != 1:
            raise self._fail(f"LoopCond '{record.name}' must take one input", record.name)
        return record.inputs[0]

    def _function(self, kind: str, variables: list[_Variable], results: list[Ref]) -> FunctionRecord:
        """The part of the loop that some results need, as a function of the loop variables.

        Args:
            kind: "cond" or "body".
            variables: the loop variables.
            results: what it gives.
        """
        arguments: dict[Ref, str] = {}
        for i, variable in enumerate(variables):
            marker = f"{OUTSIDE}{i}"
            arguments[variable.enter.name, 0] = marker
            if variable.merge is not None:
                arguments[variable.merge.name, 0] = marker
            arguments.update(((switch, 1), marker) for switch in variable.switches)
        border = {name for name, _ in arguments}
        border |= {n for n in self.members if self._op(n) in ("LoopCond", "NextIteration")}
        controls = [
            c for v in variables if v.later and kind == "body" for c in self.records[v.later].controls
        ]
        part = extract(self.records, results, controls, arguments, border, self.members)
        found = FunctionRecord(
            self.library.free_name(f"{self.frame[-1]}_{kind}"),
            [Argument(str(i), _type_of(v.enter)) for i, v in enumerate(variables)],
            part.records,
            part.results,
            [f"result_{i}" for i in range(len(results))],
            part.controls,
        )
        self.library.add(found)
        return found

    def _while(self, variables: list[_Variable], cond: FunctionRecord, body: FunctionRecord) -> Record:
        first = variables[0].enter if variables else None
        name = free_name(self.records, f"{self.frame[-1].rstrip('/') or 'loop'}/While")
        loop = Record(name, "While", device=first.device if first is not None else "")
        loop.place = first.place if first is not None else 0
        loop.inputs = [v.enter.inputs[0] for v in variables]
        loop.controls = list(dict.fromkeys(c for v in variables for c in v.enter.controls))
        types = protos().AttrValue()
        types.list.type.extend(_type_of(v.enter).type for v in variables)
        loop.attrs["T"] = types
        for key, function in (("cond", cond), ("body", body)):
            loop.attrs[key] = protos().AttrValue(func={"name": function.name})
        parallel = first.attrs.get("parallel_iterations") if first is not None else None
        if parallel is not None:
            loop.attrs["parallel_iterations"] = parallel
        return loop


def _type_of(enter: Record) -> Any:
    value = enter.attrs.get("T")
    if value is None or value.WhichOneof("value") != "type":
        raise InvalidArgumentError(enter.name, f"Enter '{enter.name}': attribute T is not given")
    return value
