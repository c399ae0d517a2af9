"""Updates of variables in the memory that they have, where nobody else can see it.

A program says which variables its device holds alone (`Segment.donated`). Whether that is so is looked at again right
before the update, by the count of references: a view, a value that a step is still reading or a caller's array makes
it a copy. Updates in place run after everything else in their segment, and all of their checks before the first of
them, so that a step that fails leaves every variable as it was.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..registry import KernelContext
from ..segment import Segment, SegmentNode

__all__ = ["Updater", "in_place_rows", "own_memory", "updater", "updates_in_place", "written_arguments"]


@dataclass(frozen=True)
class Updater:
    """One node's update in place.

    Attributes:
        check: takes the op's arguments; raises what its kernel would raise.
        update: takes them too, writes into those that are variables and gives what the kernel gives.
    """

    check: Callable[..., None]
    update: Callable[..., Any]


MakeUpdater = Callable[[KernelContext], Updater]

_UPDATERS: dict[str, MakeUpdater] = {}


def updates_in_place(*op_types: str) -> Callable[[MakeUpdater], MakeUpdater]:
    """Registers the decorated function, from a node's context to its `Updater`, for op types."""

    def register(make: MakeUpdater) -> MakeUpdater:
        for op_type in op_types:
            _UPDATERS[op_type] = make
        return make

    return register


def updater(op_type: str) -> MakeUpdater | None:
    return _UPDATERS.get(op_type)


def written_arguments(row: SegmentNode) -> list[int | None]:
    """Slots of the old values of the variables that a node writes."""
    node = row.node
    slices = node.decl.arg_slices(node.attrs)
    return [row.args[slices[name].start] for name in node.state.writes]


def in_place_rows(segment: Segment) -> list[SegmentNode]:
    """The nodes that may update in place.

    Each is the only one to take the old values, and nothing in the segment takes the new ones.
    """
    if not segment.donated:
        return []
    uses = Counter(slot for row in segment.nodes for slot in row.args if slot is not None)
    found = []
    for row in segment.nodes:
        if row.node.op not in _UPDATERS or not _is_large(row):
            continue
        old = written_arguments(row)
        alone = all(s in segment.donated and s not in segment.outputs and uses[s] == 1 for s in old)
        if alone and not any(s is not None and uses[s] for s in row.outs):
            found.append(row)
    return found


def _is_large(row: SegmentNode) -> bool:
    handle = row.node.handle
    if handle is None or not handle.shape.is_fully_defined() or not row.node.state.writes:
        return False
    return handle.shape.num_elements() * handle.dtype.size >= _WORTH_BYTES


_WORTH_BYTES = 64 * 1024
"""Bytes of a variable from which looking for other holders costs less than new memory."""


def own_memory(value: Any) -> Any:
    """A variable's value if the generated function and the device's table alone hold it, else a copy."""
    if (
        type(value) is np.ndarray
        and sys.getrefcount(value) <= _HOLDERS
        and value.base is None
        and value.flags.carray
    ):
        return value
    return np.array(value, order="C")


def _count(value: Any) -> int:
    return sys.getrefcount(value)


def _probe(values: list[Any]) -> int:
    # As generated functions do it; how many references a call itself holds differs between versions of Python.
    (v0,) = values
    values.clear()
    return _count(v0)


def _holders() -> int:
    table = {0: np.empty(1)}
    return _probe([table[0]])


_HOLDERS = _holders()


def same_shapes(op: str, first: Any, others: Sequence[Any]) -> None:
    """Refuses arrays that have not all the same shape."""
    for other in others:
        if other.shape != first.shape:
            raise ValueError(f"{op}: shapes {first.shape} and {other.shape} must be the same")
