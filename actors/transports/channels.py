"""The driver's side of the channels: steps of a session as messages in shared memory.

Every device of the session that lives on the driver's machine has a loop for it (`loop.py`), a ring from the driver,
one to it, and one to each device that it sends tensors to. A step is one message to each device that takes part, the
tensors among them, and one message back from each device whose word is needed.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...graph.errors import CancelledError, DeadlineExceededError, FailedPreconditionError, OpError
from ..effects import waits_for_nothing
from ..step import StepSpec
from .loop import Link, Route
from .ring import Address, Inbox, MappedBlocks, Outbox, unavailable
from .wire import (
    DONE,
    DROP,
    ERROR,
    HEADER,
    SETTLE,
    STEP,
    can_carry,
    decode_error,
    decode_values,
    encode_settled,
    encode_values,
    fitted,
    unfit,
)

__all__ = ["ChannelTransport", "routes"]

_LOOK_SECONDS = 0.05
"""How often a driver that waits looks whether all devices are there."""


def routes(spec: StepSpec) -> dict[str, Route]:
    """What each device needs to know of a kind of step.

    A device whose last stage sends something need not report: who receives it knows. Where one device alone is left
    to report, and no other keeps updates, that device knows first that the step has succeeded, and commits it.
    """
    keys = sorted({key for p in spec.programs.values() for s in p.stages for key, _ in s.sends})
    edges = {key: number for number, key in enumerate(keys)}
    ends = [name for name, p in spec.programs.items() if not p.stages[-1].sends]
    writers = [name for name in spec.programs if spec.changes_state(name)]
    knows = ends[0] if len(ends) == 1 and set(writers) <= set(ends) else None
    return {
        name: Route(edges, name in ends or bool(program.fetches), name == knows)
        for name, program in spec.programs.items()
    }


class _Wait:
    """A step that somebody waits for."""

    __slots__ = ("done", "error", "event", "left", "results")

    def __init__(self, left: set[str]) -> None:
        self.left = left
        self.results: dict[str, list[Any]] = {}
        self.error: OpError | None = None
        self.done = False
        self.event: threading.Event | None = None

    def finish(self) -> None:
        self.done = True
        if self.event is not None:
            self.event.set()


class ChannelTransport:
    """Steps of one session over shared memory.

    Args:
        target: the session's `RayTarget`.
    """

    name = "channels"
    after = 0

    def __init__(self, target: Any) -> None:
        self._target = target
        self._inbox: Inbox | None = None
        self._out: dict[str, Outbox] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._names: dict[int, str] = {}
        self._linked: set[tuple[str, str]] = set()
        self._addresses: dict[str, Address] = {}
        self._setup = threading.Lock()
        self._lead = threading.Lock()
        self._waits: dict[int, _Wait] = {}
        self._refused = unavailable()
        self._closed = False

    # --- set-up --------------------------------------------------------------------------------------------

    def unfit(self, spec: StepSpec) -> str | None:
        if self._refused is not None:
            return self._refused
        if not waits_for_nothing(spec):
            return "the step may wait for another step"
        for name, program in spec.programs.items():
            if self._target.node_of(name) != self._target.here:
                return f"{name} is on another node"
            for stage in program.stages:
                for node in stage.nodes:
                    kinds = [t.kind for t in node.types]
                    if node.op in ("_Feed", "_Recv") and not all(map(can_carry, kinds)):
                        return f"{node.name} is of a type that only Ray's messages carry"
            if any(not can_carry(kind) for kind in _fetched_kinds(spec, program.fetches)):
                return "a fetch is of a type that only Ray's messages carry"
        return None

    def connect(self, spec: StepSpec, handles: Mapping[str, int]) -> ChannelPath:
        """Raises FailedPreconditionError where a device cannot be reached through shared memory."""
        made = routes(spec)
        with self._setup:
            try:
                self._open([n for n in spec.programs if n not in self._out])
                self._link(_device_pairs(spec) - self._linked)
            except OSError as error:
                self._refused = f"shared memory cannot be opened: {error}"
                raise FailedPreconditionError(None, self._refused) from None
        call = {n: ("channel_route", (self._target.session, handles[n], made[n])) for n in spec.programs}
        self._target.call(call)
        return ChannelPath(self, spec, dict(handles), made)

    def _open(self, names: Sequence[str]) -> None:
        """Starts the loops of devices, and connects the driver with them."""
        if not names:
            return
        here = Address.here()
        if self._inbox is None:
            self._inbox = Inbox()
        session = self._target.session
        self._addresses.update(self._target.call(dict.fromkeys(names, ("channel_open", (session, here)))))
        for name in names:
            if not here.reaches(self._addresses[name]):
                self._refused = f"{name} shares no memory with this process"
                raise FailedPreconditionError(None, self._refused)
        links = {}
        for name in names:
            bell, ring, number = self._inbox.accept(self._addresses[name].pid)
            self._names[number] = name
            links[name] = Link(os.getpid(), bell, ring, number)
        accepted = self._target.call({n: ("channel_accept", (session, {"": os.getpid()})) for n in names})
        self._target.call({n: ("channel_link", (session, {"": links[n]})) for n in names})
        for name in names:
            link = accepted[name][""]
            self._locks[name] = threading.Lock()
            self._out[name] = Outbox(link.pid, link.bell, link.ring, link.number)

    def _link(self, pairs: set[tuple[str, str]]) -> None:
        """Connects devices with those that they send to."""
        if not pairs:
            return
        session = self._target.session
        writers: dict[str, dict[str, int]] = {}
        for sender, receiver in pairs:
            writers.setdefault(receiver, {})[sender] = self._addresses[sender].pid
        accepted = self._target.call({r: ("channel_accept", (session, w)) for r, w in writers.items()})
        links: dict[str, dict[str, Link]] = {}
        for receiver, made in accepted.items():
            for sender, link in made.items():
                links.setdefault(sender, {})[receiver] = link
        self._target.call({s: ("channel_link", (session, known)) for s, known in links.items()})
        self._linked |= pairs

    # --- steps ---------------------------------------------------------------------------------------------

    def begin(self, step: int, left: set[str]) -> _Wait:
        wait = self._waits[step] = _Wait(left)
        return wait

    def send(self, name: str, head: bytes, values: Sequence[Any]) -> None:
        """One message to a device."""
        out = self._out[name]
        with self._locks[name]:
            parts = [head]
            if values:
                encode_values(values, out.blocks, parts)
            out.send(fitted(b"".join(parts), out.largest, out.blocks))

    def wait(self, step: int, wait: _Wait, timeout: float | None) -> None:
        """Waits until a step has ended; one of the threads that wait reads for all of them."""
        end = None if timeout is None else time.monotonic() + timeout
        try:
            while not wait.done:
                if self._lead.acquire(blocking=False):
                    try:
                        self._read(wait, end, timeout)
                    finally:
                        self._lead.release()
                        self._promote()
                else:
                    self._follow(wait, end, timeout)
        finally:
            self._waits.pop(step, None)
        if wait.error is not None:
            raise wait.error

    def _read(self, wait: _Wait, end: float | None, timeout: float | None) -> None:
        inbox = self._inbox
        assert inbox is not None
        bell, handle = inbox.bell, self._handle
        while not wait.done:
            seen = bell.value()
            if inbox.poll(handle):
                continue
            if not bell.wait(seen, _LOOK_SECONDS):
                self._look(wait, end, timeout)

    def _follow(self, wait: _Wait, end: float | None, timeout: float | None) -> None:
        event = wait.event = threading.Event()
        if wait.done:
            return
        if self._lead.acquire(blocking=False):
            self._lead.release()
            return
        if not event.wait(_LOOK_SECONDS):
            self._look(wait, end, timeout)

    def _promote(self) -> None:
        for other in list(self._waits.values()):
            if not other.done and other.event is not None:
                other.event.set()
                return

    def _look(self, wait: _Wait, end: float | None, timeout: float | None) -> None:
        """Whether there is a reason to wait no longer; also sends on what had no room before."""
        for name, out in list(self._out.items()):
            with self._locks[name]:
                out.flush()
        if wait.done:
            return
        self._target.check_alive()
        if end is not None and time.monotonic() > end:
            raise DeadlineExceededError(None, f"the step took longer than {timeout} s")

    def _handle(self, number: int, message: bytes, blocks: MappedBlocks) -> None:
        message = unfit(message, blocks)
        kind, _, _, _, step, count, _ = HEADER.unpack_from(message)
        wait = self._waits.get(step)
        if wait is None or wait.done:
            return
        name = self._names[number]
        if kind == DONE:
            wait.results[name] = decode_values(message, HEADER.size, count, blocks) if count else []
            wait.left.discard(name)
            if not wait.left:
                wait.finish()
        elif kind == ERROR:
            wait.error = decode_error(message, HEADER.size)
            wait.finish()

    def drop(self, names: Sequence[str], step: int) -> None:
        """Tells devices that a step is given up."""
        head = HEADER.pack(DROP, 0, 0, 0, step, 0, 0)
        for name in names:
            self.send(name, head, ())

    def settle(self, name: str, rows: Sequence[tuple[int, bool]]) -> bool:
        """Tells a device the outcome of steps at once; False where it is not connected."""
        if name not in self._out or self._closed:
            return False
        self.send(name, HEADER.pack(SETTLE, 0, 0, 0, 0, 0, len(rows)) + encode_settled(rows), ())
        return True

    def close(self) -> None:
        self._closed = True
        for wait in list(self._waits.values()):
            if not wait.done:
                wait.error = CancelledError(None, "the session was closed while the step ran")
                wait.finish()
        if self._inbox is None:
            return
        if self._lead.acquire(timeout=1.0):
            try:
                self._inbox.close()
            finally:
                self._lead.release()
        for name, out in list(self._out.items()):
            with self._locks[name]:
                out.close()

    @property
    def open(self) -> list[str]:
        """Devices that have a loop for this session."""
        return list(self._out)


class ChannelPath:
    """One kind of step over channels; any number of them may be on their way."""

    def __init__(
        self, owner: ChannelTransport, spec: StepSpec, handles: dict[str, int], made: Mapping[str, Route]
    ) -> None:
        self._owner = owner
        self._handles = list(handles.items())
        self._reports = frozenset(n for n, r in made.items() if r.reports)
        self._returns = [n for n, p in spec.programs.items() if p.fetches]
        self._names = list(handles)
        self.commits = any(r.commits for r in made.values())

    def claim(self) -> bool:
        return not self._owner._closed

    def release(self) -> None:
        return None

    def run(
        self,
        step: int,
        told: Mapping[str, Sequence[tuple[int, bool]]],
        feeds: Mapping[str, list[Any]],
        timeout: float | None,
    ) -> dict[str, list[Any]]:
        owner = self._owner
        wait = owner.begin(step, set(self._reports))
        try:
            for name, handle in self._handles:
                rows, values = told[name], feeds[name]
                head = HEADER.pack(STEP, 0, 0, handle, step, len(values), len(rows))
                owner.send(name, head + encode_settled(rows) if rows else head, values)
            owner.wait(step, wait, timeout)
        except BaseException:
            owner._waits.pop(step, None)
            if not owner._closed:
                owner.drop(self._names, step)
            raise
        return {name: [_own(v) for v in wait.results[name]] for name in self._returns}

    def close(self) -> None:
        return None


def _own(value: Any) -> Any:
    """A result in memory of the caller's own; what came lies in memory of the devices, or is read-only."""
    return value.copy() if isinstance(value, np.ndarray) else value


def _device_pairs(spec: StepSpec) -> set[tuple[str, str]]:
    return {(name, to) for name, p in spec.programs.items() for s in p.stages for _, to in s.sends}


def _fetched_kinds(spec: StepSpec, fetches: Sequence[Any]) -> list[str]:
    return [spec.subgraph.nodes[name].types[index].kind for name, index in fetches]
