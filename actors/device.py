"""A device: state and registered programs, and the running of a step's part on it.

It is a plain object. In process the session calls it; on a cluster a Ray actor is a thin shell around it.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..graph.errors import FailedPreconditionError, OpError, UnknownError
from ..kernels.backend import Backend, get_backend
from ..kernels.handles import ResourceHandle
from .program import Instruction, Program, ProgramSpec, StageProgram, VariableKey, build_program
from .straight import StraightProgram, straighten
from .timing import Timing, run_timed

__all__ = ["Device", "Frame", "Runtime"]

_SMALL = 1 << 16
"""Bytes up to which a fetched array is copied without looking whether somebody else holds it."""


class Frame:
    """One step's values on one device, from its first stage to its commit.

    Attributes:
        program: what runs.
        session: name of the session whose step it is.
        step: number of the step within the session.
        slots: the values, None where there is none (yet, or any more).
        positions: stream positions that the random nodes of this step start from.
        serials: for each variable that the step builds on, how often it had been written by then.
        writers: the instructions that made new versions, with the inputs that they were given.
        overlay: values of variables that effects have read or changed, None where they have not.
        unchanged: slots of versions that an effect could have made but did not.
        timings: what ran when, where that is asked for; see `Timing`.
        cancelled: set when the step is given up; waits inside effects look at it.
    """

    __slots__ = (
        "cancelled", "extra_positions", "feeds", "overlay", "positions", "program", "serials", "session",
        "slots", "step", "timings", "unchanged", "writers",
    )  # fmt: skip

    def __init__(self, program: Program, session: str, step: int) -> None:
        self.program = program
        self.session = session
        self.step = step
        self.slots: list[Any] = [None] * program.slots
        self.positions: dict[str, int] = {}
        self.extra_positions: dict[str, int] = {}
        self.serials: dict[VariableKey, int] = {}
        self.writers: list[tuple[Instruction, list[Any]]] = []
        self.overlay: dict[VariableKey, Any] = {}
        self.unchanged: set[int] = set()
        self.feeds: Sequence[Any] = ()
        self.cancelled: threading.Event | None = None
        self.timings: list[Timing] | None = None


class Runtime:
    """What an effect's kernel may touch besides its inputs.

    Attributes:
        device: full name of the device.
        backend: name of its backend.
        resources: queues, tables, readers and the like, by key; shared by all steps on the device.
    """

    def __init__(self, owner: Device, session: str) -> None:
        self.device = owner.name
        self.backend = owner.backend.name
        self.resources = owner.resources
        self.session = session
        self._owner = owner
        self._local = threading.local()

    @property
    def frame(self) -> Frame:
        """The step that the calling thread runs."""
        frame: Frame = self._local.frame
        return frame

    def enter(self, frame: Frame | None) -> None:
        self._local.frame = frame

    @property
    def step(self) -> int:
        return self.frame.step

    def cancelled(self) -> bool:
        """Whether the step, the session or the device is being given up: a wait must then end."""
        frame = getattr(self._local, "frame", None)
        event = None if frame is None else frame.cancelled
        return self._owner.closed.is_set() or (event is not None and event.is_set())

    def read_variable(self, handle: ResourceHandle) -> Any:
        """Value of a variable as this step has it now.

        Raises:
            FailedPreconditionError: it has none yet.
        """
        frame = self.frame
        if handle.key in frame.overlay and frame.overlay[handle.key] is not None:
            return frame.overlay[handle.key]
        return self._owner.value_of(handle.key, None, "")

    def has_variable(self, handle: ResourceHandle) -> bool:
        return self.frame.overlay.get(handle.key) is not None or handle.key in self._owner.variables

    def write_variable(self, handle: ResourceHandle, value: Any) -> None:
        """Gives a variable a new value, for the rest of the step and, once the step succeeds, for good."""
        self.frame.overlay[handle.key] = value

    def next_position(self, node: str, samples: int) -> int:
        """Stream position of one more run of a random op inside a function body."""
        frame = self.frame
        start = frame.extra_positions.get(node)
        if start is None:
            start = self._owner.positions.get((frame.session, node), 0)
        frame.extra_positions[node] = start + samples
        return start


class Device:
    """State and programs of one device.

    Args:
        name: full name, `/job:worker/replica:0/task:0/device:CPU:0`.
        backend: name of a backend, or the backend.
    """

    def __init__(self, name: str, backend: str | Backend = "numpy") -> None:
        self.name = name
        self.backend = get_backend(backend) if isinstance(backend, str) else backend
        self.variables: dict[VariableKey, Any] = {}
        self.serials: dict[VariableKey, int] = {}
        self.positions: dict[tuple[str, str], int] = {}
        self.resources: dict[Any, Any] = {}
        self.programs: dict[int, Program] = {}
        self._straight: dict[int, StraightProgram] = {}
        self._to_device = None if self.backend.name in ("numpy", "null") else self.backend.to_device
        self.lock = threading.RLock()
        self.closed = threading.Event()
        self.steps = 0
        self._handles = itertools.count()
        self._runtimes: dict[str, Runtime] = {}

    # --- programs --------------------------------------------------------------------------------------

    def register(self, spec: ProgramSpec, session: str = "") -> int:
        """Compiles a program and returns the handle by which steps name it."""
        program = build_program(spec, self.backend, self.runtime(session))
        handle = next(self._handles)
        self.programs[handle] = program
        short = straighten(program)
        if short is not None:
            self._straight[handle] = short
        return handle

    def unregister(self, handle: int) -> None:
        self.programs.pop(handle, None)
        self._straight.pop(handle, None)

    def runtime(self, session: str) -> Runtime:
        with self.lock:
            if session not in self._runtimes:
                self._runtimes[session] = Runtime(self, session)
            return self._runtimes[session]

    def forget_session(self, session: str) -> None:
        """Drops what belongs to one session alone."""
        with self.lock:
            self._runtimes.pop(session, None)
            for key in [k for k in self.positions if k[0] == session]:
                del self.positions[key]

    def close(self) -> None:
        """Ends all waits on this device and drops its state."""
        self.closed.set()
        with self.lock:
            for resource in list(self.resources.values()):
                shut = getattr(resource, "shut_down", None)
                if shut is not None:
                    shut()
            self.resources.clear()
            self.variables.clear()
            self.programs.clear()

    # --- one step --------------------------------------------------------------------------------------

    def run(self, handle: int, session: str, step: int, feeds: Sequence[Any]) -> list[Any]:
        """Runs a program that needs no other device, and commits it.

        Programs without effects that write variables run one after the other, so concurrent updates of one
        variable all count and each sees the result of the one before.
        """
        short = self._straight.get(handle)
        if short is not None:
            return self._run_straight(short, handle, session, feeds)
        program = self.programs[handle]
        if program.writes and not program.has_effects:
            with self.lock:
                return self._run(program, session, step, feeds, None)
        return self._run(program, session, step, feeds, threading.Event())

    def _run_straight(
        self, short: StraightProgram, handle: int, session: str, feeds: Sequence[Any]
    ) -> list[Any]:
        to_host = self.backend.to_host
        try:
            if not short.writes:
                if not short.shared:
                    values = short.take(session, feeds, self.variables, self.positions, self._to_device)
                else:
                    # A step that updates variables in place holds the lock until it is done.
                    with self.lock:
                        values = short.take(session, feeds, self.variables, self.positions, self._to_device)
                return short.fetched(*short.run(values), to_host)
            with self.lock:
                values = short.take(session, feeds, self.variables, self.positions, self._to_device)
                results, held = short.run(values)
                fetched = short.fetched(results, held, to_host)
                short.commit(results, held, session, self.variables, self.serials, self.positions)
                self.steps += 1
                return fetched
        except KeyError as error:
            self.value_of(error.args[0], self.programs[handle], "")
            raise
        except OpError as error:
            program = self.programs[handle]
            raise self._located(error, program, _first_node(program)) from error.__cause__
        except Exception as error:
            program = self.programs[handle]
            raise self._wrapped(error, program, _first_node(program)) from error

    def _run(
        self, program: Program, session: str, step: int, feeds: Sequence[Any], cancelled: Any
    ) -> list[Any]:
        frame = self.begin(program, session, step, feeds, cancelled)
        for stage in program.stages:
            self.run_stage(frame, stage, {})
        results = self.fetched(frame)
        self.commit(frame)
        return results

    def begin(
        self, program: Program, session: str, step: int, feeds: Sequence[Any], cancelled: Any = None
    ) -> Frame:
        """Opens a step: takes the feeds and the variables as they are now.

        Raises:
            FailedPreconditionError: a variable that the step reads has no value yet.
        """
        frame = Frame(program, session, step)
        frame.cancelled = cancelled
        frame.feeds = feeds
        slots = frame.slots
        for slot, value in program.preset.items():
            slots[slot] = value
        to_device = self.backend.to_device
        for feed_slot, value in zip(program.feeds, feeds, strict=True):
            if feed_slot is not None:
                slots[feed_slot] = to_device(value)
        if program.reads or program.positions or program.initialized:
            with self.lock:
                for key, (slot, node) in program.reads.items():
                    slots[slot] = self.value_of(key, program, node)
                for slot, key in program.initialized:
                    slots[slot] = np.bool_(key in self.variables)
                for name, (slot, _) in program.positions.items():
                    position = self.positions.get((session, name), 0)
                    frame.positions[name] = position
                    slots[slot] = np.uint64(position)
        return frame

    def value_of(self, key: VariableKey, program: Program | None, node: str) -> Any:
        """Committed value of a variable.

        Raises:
            FailedPreconditionError: it has none.
        """
        try:
            # A step that updates variables in place holds the lock until it is done.
            with self.lock:
                return self.variables[key]
        except KeyError:
            name = key[2]
            raise FailedPreconditionError(
                node or name,
                f"Attempting to use uninitialized value {name}: run its initializer "
                "(tf.global_variables_initializer()) in this session first",
                self.name,
                _source(program, name),
            ) from None

    def run_stage(
        self, frame: Frame, stage: StageProgram, received: Mapping[str, Any]
    ) -> list[tuple[str, Any, str]]:
        """Runs one stage.

        Args:
            frame: the step.
            stage: what to run.
            received: the tensors that have arrived for it, by key.

        Returns:
            Key, value (None for a mere signal) and target device of every tensor to send.
        """
        slots = frame.slots
        for key, slot in stage.recvs.items():
            slots[slot] = received[key]
        self.execute_stage(frame, stage)
        return [(key, None if slot is None else slots[slot], to) for key, slot, to in stage.sends]

    def execute_stage(self, frame: Frame, stage: StageProgram) -> None:
        """Runs one stage whose received tensors are in their slots."""
        if frame.program.has_effects:
            self.runtime(frame.session).enter(frame)
        for instruction in stage.instructions:
            self._execute(frame, instruction, frame.slots)

    def _execute(self, frame: Frame, instruction: Instruction, slots: list[Any]) -> None:
        if instruction.bases:
            with self.lock:
                for slot, key in instruction.bases:
                    slots[slot] = self.value_of(key, frame.program, "")
                    frame.serials[key] = self.serials.get(key, 0)
        for key, before, _ in instruction.overlay:
            frame.overlay[key] = None if before is None else slots[before]
        values = [slots[i] for i in instruction.inputs]
        if instruction.versions:
            frame.writers.append((instruction, values.copy()))
        try:
            if frame.timings is None:
                results = instruction.call(values)
            else:
                results = run_timed(instruction, values, self.backend, frame.timings)
        except OpError as error:
            raise self._located(error, frame.program, instruction.nodes[0]) from error.__cause__
        except Exception as error:
            raise self._wrapped(error, frame.program, instruction.nodes[0]) from error
        for slot, value in zip(instruction.outputs, results, strict=True):
            slots[slot] = value
        for key, _, after in instruction.overlay:
            value = frame.overlay.get(key)
            if value is None:
                frame.unchanged.add(after)
                value = self.variables.get(key)
            slots[after] = value
        for slot in instruction.frees:
            slots[slot] = None

    def _located(self, error: OpError, program: Program, first: str) -> OpError:
        """The error with the node, the device and the user's line that it did not have yet."""
        name = error.node if error.node is not None else first
        return error.at(name, self.name, _source(program, name))

    def _wrapped(self, error: Exception, program: Program, first: str) -> OpError:
        return UnknownError(first, f"{type(error).__name__}: {error}", self.name, _source(program, first))

    def fetched(self, frame: Frame) -> list[Any]:
        """The step's fetches as host values that belong to the caller alone."""
        to_host = self.backend.to_host
        return [_own(to_host(frame.slots[slot]), frame) for slot in frame.program.fetches]

    # --- the end of a step -------------------------------------------------------------------------------

    def commit(self, frame: Frame) -> None:
        """Makes the step's updates of variables and random streams the device's state."""
        program = frame.program
        if not (program.updates or program.positions or frame.extra_positions):
            return
        with self.lock:
            if any(self.serials.get(k, 0) != serial for k, serial in frame.serials.items()):
                self._rebase(frame)
            for key, slot in program.updates.items():
                value = frame.slots[slot]
                if value is None or slot in frame.unchanged:
                    continue
                self.variables[key] = _settled(value, frame)
                self.serials[key] = self.serials.get(key, 0) + 1
            for name, (_, taken) in program.positions.items():
                count = taken if isinstance(taken, int) else taken[1](np.shape(frame.slots[taken[0]]))
                self.positions[frame.session, name] = frame.positions[name] + count
            for name, position in frame.extra_positions.items():
                self.positions[frame.session, name] = position
            self.steps += 1

    def _rebase(self, frame: Frame) -> None:
        """Another step has written a variable since this one built on it: builds on the new value instead."""
        fresh: dict[int, Any] = {}
        for instruction, values in frame.writers:
            for slot, key in instruction.bases:
                fresh[slot] = self.variables[key]
            again = [fresh.get(s, v) for s, v in zip(instruction.inputs, values, strict=True)]
            results = instruction.call(again)
            for slot, value in zip(instruction.outputs, results, strict=True):
                if slot in instruction.versions:
                    fresh[slot] = frame.slots[slot] = value

    def get_state(self, session: str) -> dict[str, Any]:
        """The variables, as host arrays, and the positions of a session's random streams."""
        with self.lock:
            return {
                "variables": {k: np.array(self.backend.to_host(v)) for k, v in self.variables.items()},
                "positions": {n: p for (s, n), p in self.positions.items() if s == session},
            }

    def noted_state(self, session: str) -> dict[str, Any]:
        """The state as it is now, by reference: variables are replaced, never changed in place."""
        with self.lock:
            return {
                "variables": dict(self.variables),
                "positions": {n: p for (s, n), p in self.positions.items() if s == session},
            }

    def set_noted_state(self, session: str, noted: Mapping[str, Any] | None) -> None:
        """Goes back to what `noted_state` gave; None is a device on which nothing has run yet."""
        state = noted or {"variables": {}, "positions": {}}
        with self.lock:
            self.variables.clear()
            self.variables.update(state["variables"])
            for key in self.variables:
                self.serials[key] = self.serials.get(key, 0) + 1
            self._set_positions(session, state["positions"])

    def _set_positions(self, session: str, positions: Mapping[str, int]) -> None:
        for key in [k for k in self.positions if k[0] == session]:
            del self.positions[key]
        self.positions.update({(session, n): p for n, p in positions.items()})

    def set_state(self, session: str, state: Mapping[str, Any]) -> None:
        """Replaces the variables and a session's random streams by what `get_state` gave."""
        with self.lock:
            made = {k: self.backend.to_device(np.array(v)) for k, v in state["variables"].items()}
            self.variables.clear()
            self.variables.update(made)
            for key in made:
                self.serials[key] = self.serials.get(key, 0) + 1
            self._set_positions(session, state["positions"])

    def stats(self) -> dict[str, Any]:
        """What the device holds: bytes of variables, numbers of programs, resources and steps."""
        size = sum(int(getattr(v, "nbytes", 0)) for v in self.variables.values())
        return {
            "device": self.name,
            "backend": self.backend.name,
            "variables": len(self.variables),
            "variable_bytes": size,
            "programs": len(self.programs),
            "resources": len(self.resources),
            "queued_elements": sum(len(queue) for queue in self._queues()),
            "steps": self.steps,
        }

    def _queues(self) -> list[Any]:
        return [r for k, r in list(self.resources.items()) if isinstance(k, tuple) and k[0] == "queue"]

    def __repr__(self) -> str:
        return f"<weft device {self.name} on {self.backend.name}>"


def _own(value: Any, frame: Frame) -> Any:
    """A fetched value that nobody else holds: changing it must not change a variable, a constant or a feed."""
    if not isinstance(value, np.ndarray):
        return value
    if value.nbytes <= _SMALL or value.base is not None or not value.flags.writeable:
        return value.copy() if value.shape else value[()]
    held = value is not None and (
        any(value is v for v in frame.program.preset.values())
        or any(value is v for v in frame.feeds)
        or any(value is frame.slots[s] for s, _ in frame.program.reads.values())
        or any(value is frame.slots[s] for s in frame.program.updates.values())
    )
    return value.copy() if held else value


def _settled(value: Any, frame: Frame) -> Any:
    """A variable's new value, in memory that nobody else can change."""
    if isinstance(value, np.ndarray) and (value.base is not None or any(value is f for f in frame.feeds)):
        return value.copy()
    return value


def _source(program: Program | None, name: str) -> str:
    if program is None:
        return ""
    for stage in program.spec.stages:
        for node in stage.nodes:
            if node.name == name:
                return node.source
    return ""


def _first_node(program: Program) -> str:
    return next(name for s in program.stages for i in s.instructions for name in i.nodes)
