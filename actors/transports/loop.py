"""A device's side of the channels: a thread that runs steps as their messages come in.

One loop serves one session on one device. It runs a stage of a step when all tensors that it needs are there, and
meanwhile stages of other steps; it waits in one place alone, for the next message from anybody.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...graph.errors import InternalError, OpError, UnknownError
from ..program import Program
from .ring import Address, Inbox, MappedBlocks, Outbox
from .wire import (
    DONE,
    DROP,
    ERROR,
    HEADER,
    SETTLE,
    STEP,
    TENSORS,
    decode_keys,
    decode_settled,
    decode_values,
    encode_error,
    encode_values,
    fitted,
    keys_of,
    unfit,
)

__all__ = ["Link", "Route", "StepLoop"]

_LOOK_SECONDS = 0.25
"""How often a loop with nothing to do looks whether its session still lives."""

_REMEMBERED = 4096
"""Steps given up whose late tensors are recognised and dropped."""


@dataclass(frozen=True)
class Link:
    """How to write to a peer.

    Attributes:
        pid: the peer's process.
        bell, ring: files of it to open.
        number: what the peer calls this link.
    """

    pid: int
    bell: int
    ring: int
    number: int


@dataclass(frozen=True)
class Route:
    """What a device needs to know to run its part of a kind of step by messages alone.

    Attributes:
        edges: number of each tensor that it sends or receives in this kind of step.
        reports: whether the driver waits for this device's word that its part has succeeded.
        commits: whether the step has succeeded everywhere once this device's part has, so that it may commit.
    """

    edges: Mapping[str, int]
    reports: bool
    commits: bool


@dataclass(slots=True)
class _Part:
    """A device's part of one kind of step."""

    handle: int
    program: Program
    route: Route
    needs: list[list[tuple[int, int]]]
    sends: list[list[tuple[str, bytes, list[int | None]]]]
    simple: bool


@dataclass(slots=True)
class _Running:
    """One step on its way through the device."""

    part: _Part
    frame: Any
    start: float
    at: int = 0
    arrived: dict[int, Any] = field(default_factory=dict)


class StepLoop:
    """Runs the steps of one session on one device.

    Args:
        shell: the device actor: `device`, `begin_part`, `end_part`, `settle_rows`, `metrics`.
        session: name of the session.
        driver: where the session's program runs.
    """

    def __init__(self, shell: Any, session: str, driver: Address) -> None:
        self.shell = shell
        self.session = session
        self.address = Address.here()
        self._driver = os.pidfd_open(driver.pid)
        self._inbox = Inbox()
        self._out: dict[str, Outbox] = {}
        self._parts: dict[int, _Part] = {}
        self._running: dict[int, _Running] = {}
        self._early: dict[int, dict[int, Any]] = {}
        self._dropped: set[int] = set()
        self._dropped_order: deque[int] = deque()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True, name=f"weft-steps-{session}")
        self._thread.start()

    # --- set-up, from the actor's own calls ----------------------------------------------------------------

    def accept(self, peers: Mapping[str, int]) -> dict[str, Link]:
        """Makes a ring for each peer that will write to this device."""
        return {name: Link(os.getpid(), *self._inbox.accept(pid)) for name, pid in peers.items()}

    def link(self, links: Mapping[str, Link]) -> None:
        """Learns how to write to peers; the driver is called ""."""
        for name, link in links.items():
            self._out[name] = Outbox(link.pid, link.bell, link.ring, link.number)

    def add(self, handle: int, program: Program, route: Route) -> None:
        """Learns a kind of step."""
        edges = route.edges
        needs = [[(edges[key], slot) for key, slot in s.recvs.items()] for s in program.stages]
        sends = []
        for stage in program.stages:
            by_peer: dict[str, list[tuple[int, int | None]]] = {}
            for key, slot, to in stage.sends:
                by_peer.setdefault(to, []).append((edges[key], slot))
            sends.append(
                [(to, keys_of([e for e, _ in rows]), [s for _, s in rows]) for to, rows in by_peer.items()]
            )
        simple = route.commits and len(program.stages) == 1 and not needs[0] and not sends[0]
        self._parts[handle] = _Part(handle, program, route, needs, sends, simple)

    def remove(self, handles: Sequence[int]) -> None:
        for handle in handles:
            self._parts.pop(handle, None)

    def close(self) -> None:
        self._closed.set()
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout=2.0)

    # --- the loop ------------------------------------------------------------------------------------------

    def _serve(self) -> None:
        bell = self._inbox.bell
        poll, handle = self._inbox.poll, self._handle
        look = time.monotonic() + _LOOK_SECONDS
        while not self._closed.is_set():
            seen = bell.value()
            if poll(handle):
                continue
            waiting = [out for out in self._out.values() if not out.flush()]
            bell.wait(seen, 0.001 if waiting else _LOOK_SECONDS)
            now = time.monotonic()
            if now > look:
                look = now + _LOOK_SECONDS
                if self.shell.device.closed.is_set() or select.select([self._driver], [], [], 0)[0]:
                    break
        self._running.clear()
        self._early.clear()
        self._inbox.close()
        for out in self._out.values():
            out.close()
        os.close(self._driver)

    def _handle(self, _: int, message: bytes, blocks: MappedBlocks) -> None:
        message = unfit(message, blocks)
        kind, _, _, handle, step, count, settled = HEADER.unpack_from(message)
        try:
            if kind == TENSORS:
                edges, at = decode_keys(message, HEADER.size, count)
                self._arrive(step, edges, decode_values(message, at, count, blocks))
                return
            at = HEADER.size + 16 * settled
            if settled:
                rows = decode_settled(message, HEADER.size, settled)
                for done, _ in rows:
                    self._running.pop(done, None)
                self.shell.settle_rows(self.session, rows)
            if kind == STEP:
                self._start(handle, step, decode_values(message, at, count, blocks))
            elif kind == DROP:
                self._drop(step)
            elif kind != SETTLE:
                raise InternalError(None, f"a message of unknown kind {kind}", self.shell.device.name)
        except OpError as error:
            self._fail(step, error)
        except Exception as error:
            self._fail(step, UnknownError(None, f"{type(error).__name__}: {error}"))

    def _start(self, handle: int, step: int, feeds: list[Any]) -> None:
        part = self._parts.get(handle)
        if part is None:
            raise InternalError(None, f"program {handle} is not registered", self.shell.device.name)
        start = time.perf_counter()
        if part.simple:
            values = self.shell.device.run(handle, self.session, step, feeds)
            self.shell.metrics.segments(time.perf_counter() - start)
            self._report(step, values)
            self.shell.metrics.step(time.perf_counter() - start)
            return
        frame = self.shell.device.begin(part.program, self.session, step, feeds)
        running = self._running[step] = _Running(part, frame, start)
        early = self._early.pop(step, None)
        if early:
            running.arrived = early
        self._advance(step, running)

    def _arrive(self, step: int, edges: tuple[int, ...], values: list[Any]) -> None:
        running = self._running.get(step)
        if running is None:
            if step not in self._dropped:
                self._early.setdefault(step, {}).update(zip(edges, values, strict=True))
            return
        running.arrived.update(zip(edges, values, strict=True))
        self._advance(step, running)

    def _advance(self, step: int, running: _Running) -> None:
        part, frame, arrived = running.part, running.frame, running.arrived
        device = self.shell.device
        stages, slots = part.program.stages, frame.slots
        while running.at < len(stages):
            needs = part.needs[running.at]
            for edge, _ in needs:
                if edge not in arrived:
                    return
            for edge, slot in needs:
                slots[slot] = arrived.pop(edge)
            start = time.perf_counter()
            device.execute_stage(frame, stages[running.at])
            self.shell.metrics.segments(time.perf_counter() - start)
            self._send(step, part.sends[running.at], slots)
            running.at += 1
        del self._running[step]
        values: list[Any] = []
        if part.route.reports:
            to_host = device.backend.to_host
            values = [to_host(slots[s]) for s in part.program.fetches]
        self.shell.end_part(part.program, frame, (self.session, step), part.route.commits)
        if part.route.reports:
            self._report(step, values)
        self.shell.metrics.step(time.perf_counter() - running.start)

    def _send(self, step: int, sends: list[tuple[str, bytes, list[int | None]]], slots: list[Any]) -> None:
        to_host = self.shell.device.backend.to_host
        for to, keys, sources in sends:
            out = self._out[to]
            parts = [HEADER.pack(TENSORS, 0, 0, 0, step, len(sources), 0), keys]
            values = [None if s is None else to_host(slots[s]) for s in sources]
            size = encode_values(values, out.blocks, parts)
            out.send(fitted(b"".join(parts), out.largest, out.blocks))
            self.shell.count_sent(to, size)

    def _report(self, step: int, values: Sequence[Any]) -> None:
        out = self._out[""]
        parts = [HEADER.pack(DONE, 0, 0, 0, step, len(values), 0)]
        if values:
            encode_values(values, out.blocks, parts)
        out.send(fitted(b"".join(parts), out.largest, out.blocks))

    def _fail(self, step: int, error: OpError) -> None:
        running = self._running.get(step)
        self._drop(step)
        out = self._out.get("")
        if out is not None:
            head = HEADER.pack(ERROR, 0, 0, 0, step, 0, 0)
            failure = encode_error(error.at(device=self.shell.device.name))
            out.send(fitted(head + failure, out.largest, out.blocks))
        start = running.start if running is not None else time.perf_counter()
        self.shell.metrics.step(time.perf_counter() - start, failed=True)

    def _drop(self, step: int) -> None:
        self._running.pop(step, None)
        self._early.pop(step, None)
        if step not in self._dropped:
            self._dropped.add(step)
            self._dropped_order.append(step)
            if len(self._dropped_order) > _REMEMBERED:
                self._dropped.discard(self._dropped_order.popleft())

    def __len__(self) -> int:
        """Number of steps that something is held for."""
        return len(self._running) + len(self._early)
