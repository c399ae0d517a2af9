"""The shortest way through a step: one device, one compiled segment, no effects.

Most steps in one process are of this kind, and for small ones the bookkeeping of `Frame` would cost more than the
arithmetic. What a `Frame` works out at every step is worked out once here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, MutableMapping, Sequence
from typing import Any

import numpy as np

from .program import Program, VariableKey

__all__ = ["StraightProgram", "straighten"]


class StraightProgram:
    """A program of one segment, as moves between the lists that go in and come out of it.

    Args:
        program: a program for which `straighten` holds.
    """

    __slots__ = (
        "call", "feeds", "fetches", "inputs", "positions", "shared", "template", "updates", "variables", "writes",
    )  # fmt: skip

    def __init__(self, program: Program) -> None:
        (instruction,) = (i for s in program.stages for i in s.instructions)
        self.call = instruction.call
        self.template: list[Any] = [program.preset.get(slot) for slot in instruction.inputs]
        position = {slot: at for at, slot in enumerate(instruction.inputs)}
        result = {slot: at for at, slot in enumerate(instruction.outputs)}
        self.feeds = [
            (position[slot], given)
            for given, slot in enumerate(program.feeds)
            if slot is not None and slot in position
        ]
        keys: dict[int, VariableKey] = {slot: key for key, (slot, _) in program.reads.items()}
        keys.update(dict(instruction.bases))
        self.variables = [(position[slot], key) for slot, key in keys.items() if slot in position]
        self.positions = [
            (position[slot], name, int(taken)) for name, (slot, taken) in program.positions.items()
        ]
        self.updates = [(key, _source(slot, result, position)) for key, slot in program.updates.items()]
        self.fetches = [_source(slot, result, position) for slot in program.fetches]
        self.inputs = sorted(
            {at for is_result, at in (*self.fetches, *(s for _, s in self.updates)) if not is_result}
        )
        self.writes = bool(self.updates or self.positions)
        self.shared = self.writes or bool(self.variables)

    def take(
        self,
        session: str,
        feeds: Sequence[Any],
        variables: MutableMapping[VariableKey, Any],
        positions: MutableMapping[tuple[str, str], int],
        to_device: Callable[[Any], Any] | None,
    ) -> list[Any]:
        """The segment's inputs, as they are now.

        Args:
            session: name of the session whose random streams are used.
            feeds: values of the program's feeds.
            variables: the device's variables.
            positions: of the device's random streams.
            to_device: makes a device array of a host array; None where they are the same.

        Raises:
            KeyError: a variable has no value; the key is its argument.
        """
        values = self.template.copy()
        for at, given in self.feeds:
            values[at] = feeds[given] if to_device is None else to_device(feeds[given])
        for at, key in self.variables:
            values[at] = variables[key]
        for at, name, _ in self.positions:
            values[at] = np.uint64(positions.get((session, name), 0))
        return values

    def run(self, values: list[Any]) -> tuple[Sequence[Any], dict[int, Any]]:
        """Computes: the results, and those of the inputs that are fetched or become a variable's value."""
        held = {at: values[at] for at in self.inputs}
        return self.call(values), held

    def fetched(
        self, results: Sequence[Any], held: dict[int, Any], to_host: Callable[[Any], Any]
    ) -> list[Any]:
        """The fetches as host values that belong to the caller alone."""
        return [
            _fetched(results, at, to_host) if is_result else _own(to_host(held[at]))
            for is_result, at in self.fetches
        ]

    def commit(
        self,
        results: Sequence[Any],
        held: dict[int, Any],
        session: str,
        variables: MutableMapping[VariableKey, Any],
        serials: MutableMapping[VariableKey, int],
        positions: MutableMapping[tuple[str, str], int],
    ) -> None:
        """Makes the updates the device's state; after `fetched`, so that nothing that was fetched is a variable."""
        for key, (is_result, at) in self.updates:
            value = results[at] if is_result else held[at]
            if type(value) is np.ndarray and variables.get(key) is not value:
                alone = is_result and _holders(results, at) == _ALONE + 1
                value = value if alone and _settled(value) else value.copy()
            variables[key] = value
            serials[key] = serials.get(key, 0) + 1
        for _, name, taken in self.positions:
            positions[session, name] = positions.get((session, name), 0) + taken


def straighten(program: Program) -> StraightProgram | None:
    """The program's short form, or None where it needs the long one."""
    instructions = [i for s in program.stages for i in s.instructions]
    if len(instructions) != 1 or program.has_effects or program.initialized:
        return None
    if any(s.sends or s.recvs for s in program.stages):
        return None
    inputs = set(instructions[0].inputs)
    if any(slot not in inputs or not isinstance(taken, int) for slot, taken in program.positions.values()):
        return None
    if not {*program.fetches, *program.updates.values()} <= {*inputs, *instructions[0].outputs}:
        return None
    return StraightProgram(program)


def _source(slot: int, result: dict[int, int], position: dict[int, int]) -> tuple[bool, int]:
    """Whether a slot's value is among the results, and where."""
    return (True, result[slot]) if slot in result else (False, position[slot])


def _holders(values: Sequence[Any], at: int) -> int:
    """How many references there are to a member of a list."""
    return sys.getrefcount(values[at])


_ALONE = _holders([object()], 0)
"""What `_holders` gives where only the list holds the object: versions of Python differ."""


def _settled(value: Any) -> bool:
    """Whether an array that nobody else holds is in memory that nobody can change."""
    return value.base is None or not (value.flags.writeable or isinstance(value.base, np.ndarray))


def _fetched(results: Sequence[Any], at: int, to_host: Callable[[Any], Any]) -> Any:
    """A result in memory of the caller's own: as it is where nobody else holds it, else a copy."""
    if type(results[at]) is np.ndarray and _holders(results, at) == _ALONE:
        value = results[at]
        if value.shape and value.base is None and value.flags.writeable:
            return value
    return _own(to_host(results[at]))


def _own(value: Any) -> Any:
    """A fetched value in memory of the caller's own, so that changing it does no harm."""
    if type(value) is not np.ndarray:
        return value
    return value.copy() if value.shape else value[()]
