"""Cuts a segment into pieces that XLA can compile, and nodes that have to run on their own.

XLA needs the values of shapes and axes (`host_inputs`) before it compiles. Most follow from constants and from the
shapes of arrays: those are worked out with NumPy while a piece is traced. One that is computed from data ends the
piece that computes it, and the next piece is compiled for its value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ..segment import Segment, SegmentNode, host_arguments

__all__ = ["SHAPE_ONLY", "CannotTrace", "Piece", "cut"]

SHAPE_ONLY = frozenset({"Shape", "ShapeN", "Size", "Rank"})
"""Ops whose result follows from the shape of their inputs."""


class CannotTrace(Exception):
    """What a kernel raises that finds, while it is traced, that its node cannot be compiled with these shapes."""


@dataclass(frozen=True)
class Piece:
    """A part of a segment.

    Attributes:
        rows: its nodes.
        hosts: indices of those that NumPy computes while the piece is traced.
        alone: whether it is one node that is not compiled.
        inputs: slots that it takes, constants not among them.
        outputs: slots that it gives.
        static: those of `inputs` whose values it is compiled for.
        donated: those of `inputs` whose memory it may use.
    """

    rows: tuple[SegmentNode, ...]
    hosts: frozenset[int]
    alone: bool
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    static: frozenset[int]
    donated: frozenset[int]


@dataclass
class _Open:
    """A piece that grows."""

    rows: list[SegmentNode] = field(default_factory=list)
    hosts: set[int] = field(default_factory=set)
    alone: bool = False
    made: set[int] = field(default_factory=set)
    static: set[int] = field(default_factory=set)

    def add(self, row: SegmentNode, host: bool) -> None:
        if host:
            self.hosts.add(len(self.rows))
        self.rows.append(row)
        self.made.update(_slots(row.outs))


def cut(segment: Segment, runs_alone: Callable[[SegmentNode], bool]) -> list[Piece]:
    """The segment's pieces, in the order in which they run.

    Args:
        segment: the segment.
        runs_alone: whether a node cannot be compiled.
    """
    return _Cutter(segment, runs_alone).cut()


class _Cutter:
    def __init__(self, segment: Segment, runs_alone: Callable[[SegmentNode], bool]) -> None:
        self.segment = segment
        self.runs_alone = runs_alone
        self.wanted = _wanted(segment)
        self.concrete = {*segment.constants, *segment.host_inputs, *self._integer_inputs()}
        self.host_row: dict[int, SegmentNode] = {}
        self.open = _Open()
        self.closed: list[_Open] = []

    def _integer_inputs(self) -> set[int]:
        """Inputs of the segment that shapes are computed from."""
        inputs = set(self.segment.inputs)
        return {
            slot
            for row in self.segment.nodes
            for slot, dtype in zip(row.args, row.in_types, strict=False)
            if slot in inputs and slot in self.wanted and (dtype.is_integer or dtype.is_bool)
        }

    def cut(self) -> list[Piece]:
        for row in self.segment.nodes:
            hosts = {s for p in host_arguments(row) if (s := row.args[p]) is not None}
            if self.is_host(row, hosts):
                self.place(row, hosts, _slots(row.args), host=True)
            elif self.runs_alone(row):
                self.close()
                self.open.alone = True
                self.open.add(row, host=False)
                self.close()
            else:
                self.place(row, hosts, hosts, host=False)
        self.close()
        return self.settled()

    def is_host(self, row: SegmentNode, hosts: set[int]) -> bool:
        if row.node.op in SHAPE_ONLY:
            return any(s in self.wanted for s in _slots(row.outs))
        args = _slots(row.args)
        if not args or row.node.state.kind != "pure":
            return False
        if row.node.decl.dynamic:
            return set(args) == hosts
        return any(s in self.wanted for s in _slots(row.outs)) and all(s in self.concrete for s in args)

    def place(self, row: SegmentNode, hosts: set[int], needed: Iterable[int], host: bool) -> None:
        """Adds a node to the open piece, once the values that it needs on the host can be had there."""
        shape_only = row.node.op in SHAPE_ONLY
        for slot in () if shape_only else needed:
            if slot not in self.concrete:
                if slot in self.open.made:
                    self.close()
                self.concrete.add(slot)
            self.bring(slot)
        self.open.add(row, host)
        if host:
            for slot in _slots(row.outs):
                self.concrete.add(slot)
                self.host_row[slot] = row

    def bring(self, slot: int) -> None:
        """Makes a concrete value known in the open piece: worked out there again, or taken as static input."""
        if slot in self.segment.constants or slot in self.open.made:
            return
        row = self.host_row.get(slot)
        if row is None:
            self.open.static.add(slot)
            return
        if row.node.op not in SHAPE_ONLY:
            for arg in _slots(row.args):
                self.bring(arg)
        self.open.add(row, host=True)

    def close(self) -> None:
        if self.open.rows:
            self.closed.append(self.open)
        self.open = _Open()

    def settled(self) -> list[Piece]:
        segment = self.segment
        needed = set(segment.outputs)
        uses = Counter(s for made in self.closed for s in {s for r in made.rows for s in _slots(r.args)})
        pieces: list[Piece] = []
        for made in reversed(self.closed):
            taken = {s: None for r in made.rows for s in _slots(r.args)}
            inputs = tuple(s for s in taken if s not in made.made and s not in segment.constants)
            outputs = tuple(s for s in dict.fromkeys(_all_outs(made.rows)) if s in needed)
            # What lives on under another name, handed through by a piece, must not be overwritten by a later one.
            donated = {s for s in segment.donated if s in taken and s not in needed and uses[s] == 1}
            pieces.append(
                Piece(
                    rows=tuple(made.rows),
                    hosts=frozenset(made.hosts),
                    alone=made.alone,
                    inputs=inputs,
                    outputs=outputs,
                    static=frozenset(made.static & set(inputs)),
                    donated=frozenset(donated - made.static),
                )
            )
            needed = (needed - set(outputs)) | set(inputs)
        return pieces[::-1]


def _wanted(segment: Segment) -> set[int]:
    """The slots that host inputs are, or are computed from."""
    wanted: set[int] = set()
    for row in reversed(segment.nodes):
        wanted.update(s for p in host_arguments(row) if (s := row.args[p]) is not None)
        if row.node.op not in SHAPE_ONLY and any(s in wanted for s in _slots(row.outs)):
            wanted.update(_slots(row.args))
    return wanted


def _slots(slots: Iterable[int | None]) -> list[int]:
    return [s for s in slots if s is not None]


def _all_outs(rows: Iterable[SegmentNode]) -> list[int]:
    return [s for r in rows for s in _slots(r.outs)]
