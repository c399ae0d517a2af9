"""The shortest way through a step: one device, one compiled segment, no effects.

Most steps in one process are of this kind, and for small ones the bookkeeping of `Frame` would cost more than the
arithmetic. What a `Frame` works out at every step is worked out once here.
"""

from __future__ import annotations

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

    __slots__ = ("call", "feeds", "fetches", "template", "updates", "variables", "writes")

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
        self.updates = [(key, _source(slot, result, position)) for key, slot in program.updates.items()]
        self.fetches = [_source(slot, result, position) for slot in program.fetches]
        self.writes = bool(self.updates)

    def run(
        self,
        feeds: Sequence[Any],
        variables: MutableMapping[VariableKey, Any],
        serials: MutableMapping[VariableKey, int],
        to_device: Callable[[Any], Any] | None,
        to_host: Callable[[Any], Any],
    ) -> list[Any]:
        """Runs the step and commits it.

        Args:
            feeds: values of the program's feeds.
            variables: the device's variables; changed in place.
            serials: how often each has been written; changed in place.
            to_device: makes a device array of a host array; None where they are the same.
            to_host: makes a host array of a device array.

        Raises:
            KeyError: a variable has no value; the key is its argument.
        """
        values = self.template.copy()
        for at, given in self.feeds:
            values[at] = feeds[given] if to_device is None else to_device(feeds[given])
        for at, key in self.variables:
            values[at] = variables[key]
        results = self.call(values)
        fetched = [_own(to_host((results if is_result else values)[at])) for is_result, at in self.fetches]
        for key, (is_result, at) in self.updates:
            value = (results if is_result else values)[at]
            if type(value) is np.ndarray and (
                value.base is not None or not is_result or _among(value, values)
            ):
                value = value.copy()
            variables[key] = value
            serials[key] = serials.get(key, 0) + 1
        return fetched


def straighten(program: Program) -> StraightProgram | None:
    """The program's short form, or None where it needs the long one."""
    instructions = [i for s in program.stages for i in s.instructions]
    if len(instructions) != 1 or program.has_effects or program.positions or program.initialized:
        return None
    if any(s.sends or s.recvs for s in program.stages):
        return None
    known = {*instructions[0].inputs, *instructions[0].outputs}
    if not {*program.fetches, *program.updates.values()} <= known:
        return None
    return StraightProgram(program)


def _source(slot: int, result: dict[int, int], position: dict[int, int]) -> tuple[bool, int]:
    """Whether a slot's value is among the results, and where."""
    return (True, result[slot]) if slot in result else (False, position[slot])


def _own(value: Any) -> Any:
    """A fetched value in memory of the caller's own, so that changing it does no harm."""
    if type(value) is not np.ndarray:
        return value
    return value.copy() if value.shape else value[()]


def _among(value: Any, values: Sequence[Any]) -> bool:
    return any(value is other for other in values)
