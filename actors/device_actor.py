"""The Ray shell around a `Device`: one actor per device.

It adds to the device what only a device in another process needs: tensors that come from and go to peers, and
updates that wait for the word that the step has succeeded everywhere.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import ray

from ..graph.errors import AbortedError, InternalError, OpError
from ..placement import DeviceInfo
from .device import Device, Frame
from .metrics import DeviceMetrics, process_bytes
from .program import Program, ProgramSpec
from .rendezvous import Rendezvous
from .timing import transfer_timing
from .transports.loop import Link, Route, StepLoop
from .transports.ring import Address

__all__ = ["DeviceActor", "StepMessage", "actor_class"]

_STEP_THREADS = 64

_KEEP_SECONDS = 60.0
"""How long another device may take to receive a copy of this one's state."""

_SENT = "@sent"
"""Key, and end of a key, of the time at which tensors of a traced step left."""

Settled = tuple[tuple[int, bool], ...]
"""Outcome of earlier steps of a session: number, whether it succeeded everywhere."""


class StepMessage:
    """What a driver sends a device to run its part of a step.

    Attributes:
        handle: the program.
        session: name of the session.
        step: number of the step.
        feeds: values of the program's feeds.
        settled: outcome of the session's earlier steps that wrote variables on this device.
        commit: whether the device may commit on its own, because no other device takes part.
        trace: whether to report timings.
        timeout: seconds that the step may take; None for no limit.
    """

    __slots__ = ("commit", "feeds", "handle", "session", "settled", "step", "timeout", "trace")

    def __init__(
        self,
        handle: int,
        session: str,
        step: int,
        feeds: Sequence[Any],
        settled: Settled,
        commit: bool,
        trace: bool = False,
        timeout: float | None = None,
    ) -> None:
        self.handle = handle
        self.session = session
        self.step = step
        self.feeds = feeds
        self.settled = settled
        self.commit = commit
        self.trace = trace
        self.timeout = timeout

    def __reduce__(self) -> Any:
        return StepMessage, tuple(
            getattr(self, n)
            for n in ("handle", "session", "step", "feeds", "settled", "commit", "trace", "timeout")
        )


class DeviceActor:
    """Runs one device of a cluster.

    Args:
        info: the device.
        expected: full names of all devices of its cluster.
    """

    def __init__(self, info: DeviceInfo, expected: tuple[str, ...]) -> None:
        node = ray.get_runtime_context().get_node_id()
        self.info = replace(info, node=node, process=f"{node}:{os.getpid()}")
        self.expected = expected
        self.device = Device(info.name, info.backend)
        self.rendezvous = Rendezvous()
        self.peers: dict[str, Any] = {}
        self._pending: dict[tuple[str, int], Frame] = {}
        self._stepping: dict[tuple[str, int], Frame] = {}
        self._lock = threading.Lock()
        self._loops: dict[str, StepLoop] = {}
        self._snapshots: dict[str, dict[int, Any]] = {}
        self._kept: dict[tuple[str, str], dict[int, Any]] = {}
        self.metrics = DeviceMetrics(short_name(info.name), self.device.stats)

    def __repr__(self) -> str:
        # Ray asks once, when the actor has started, and puts it before the actor's log lines too.
        return f"weft {short_name(self.device.name)} ({self.device.backend.name})"

    @ray.method(concurrency_group="control")
    def ready(self) -> DeviceInfo:
        """The device, with the node and process that it runs in."""
        return self.info

    @ray.method(concurrency_group="control")
    def cluster(self) -> tuple[str, ...]:
        """Full names of all devices of the cluster that this one is part of."""
        return self.expected

    @ray.method(concurrency_group="control")
    def connect(self, peers: Mapping[str, Any]) -> None:
        """Learns the actors of the other devices."""
        self.peers.update(peers)

    @ray.method(concurrency_group="control")
    def register(self, spec: ProgramSpec, session: str) -> int:
        self.metrics.compiled()
        return self.device.register(spec, session)

    @ray.method(concurrency_group="control")
    def channel_open(self, session: str, driver: Address) -> Address:
        """Starts the loop that runs a session's steps from messages in shared memory; where it is."""
        if session not in self._loops:
            self._loops[session] = StepLoop(self, session, driver)
        return self._loops[session].address

    @ray.method(concurrency_group="control")
    def channel_accept(self, session: str, peers: Mapping[str, int]) -> dict[str, Link]:
        """Makes a ring for each peer (name, process) that will write to this device's loop."""
        return self._loops[session].accept(peers)

    @ray.method(concurrency_group="control")
    def channel_link(self, session: str, links: Mapping[str, Link]) -> None:
        """Tells this device's loop how to write to peers."""
        self._loops[session].link(links)

    @ray.method(concurrency_group="control")
    def channel_route(self, session: str, handle: int, route: Route) -> None:
        """Tells this device's loop of a kind of step."""
        self._loops[session].add(handle, self.device.programs[handle], route)

    @ray.method(concurrency_group="control")
    def stats(self) -> dict[str, Any]:
        """What the device holds; see `Device.stats`."""
        return {
            **self.device.stats(),
            "pid": os.getpid(),
            "process_bytes": process_bytes(),
            "waiting_steps": self._waiting(),
        }

    def _waiting(self) -> int:
        return len(self.rendezvous) + sum(len(loop) for loop in list(self._loops.values()))

    @ray.method(concurrency_group="delivery")
    def deliver(self, session: str, step: int, tensors: Mapping[str, Any]) -> None:
        """Tensors from a peer; in a step that is traced, with the time at which they left."""
        sent = tensors.get(_SENT)
        if sent is not None:
            times = sent, time.time_ns()
            for key in tensors:
                self.rendezvous.put((session, step), key + _SENT, times)
        for key, value in tensors.items():
            if key != _SENT:
                self.rendezvous.put((session, step), key, value)

    @ray.method(concurrency_group="control")
    def abort(self, session: str, step: int, reason: str) -> None:
        """The step has failed elsewhere: ends what it waits for here."""
        frame = self._stepping.get((session, step))
        if frame is not None and frame.cancelled is not None:
            frame.cancelled.set()
        self.rendezvous.abort((session, step), AbortedError(None, reason))

    @ray.method(concurrency_group="control")
    def settle(self, session: str, settled: Settled) -> None:
        """Commits or drops what earlier steps have left waiting."""
        self.settle_rows(session, settled)

    def run_step(self, message: StepMessage) -> tuple[list[Any], list[Any] | None]:
        """Runs this device's part of a step.

        Returns:
            The program's fetches, and timings where they were asked for.
        """
        key = (message.session, message.step)
        self.settle_rows(message.session, message.settled)
        program = self.device.programs.get(message.handle)
        if program is None:
            raise InternalError(None, f"program {message.handle} is not registered", self.device.name)
        start = time.perf_counter()
        failed = True
        try:
            if message.commit and not message.trace:
                values = self.device.run(message.handle, message.session, message.step, message.feeds)
                self.metrics.segments(time.perf_counter() - start)
                made = values, None
            else:
                made = self._run_part(program, message)
            failed = False
            return made
        except OpError as error:
            error = error.at(device=self.device.name)
            self._tell_peers(program, message, error)
            raise error from None
        finally:
            self.rendezvous.finish(key)
            self.metrics.step(time.perf_counter() - start, failed)

    def _run_part(self, program: Program, message: StepMessage) -> tuple[list[Any], list[Any] | None]:
        key = (message.session, message.step)
        frame = self.device.begin(program, message.session, message.step, message.feeds, threading.Event())
        frame.timings = [] if message.trace else None
        self._stepping[key] = frame
        try:
            for stage in program.stages:
                received = self.rendezvous.take(key, stage.recvs, message.timeout, self.device.closed.is_set)
                if frame.timings is not None:
                    times = self.rendezvous.take(key, [k + _SENT for k in stage.recvs])
                    frame.timings += [transfer_timing(k.removesuffix(_SENT), *t) for k, t in times.items()]
                start = time.perf_counter()
                sends = self.device.run_stage(frame, stage, received)
                self.metrics.segments(time.perf_counter() - start)
                self._send(message, sends)
            values = self.device.fetched(frame)
        finally:
            self._stepping.pop(key, None)
        self.end_part(program, frame, key, message.commit)
        return values, frame.timings

    def _send(self, message: StepMessage, sends: Sequence[tuple[str, Any, str]]) -> None:
        by_peer: dict[str, dict[str, Any]] = {}
        to_host = self.device.backend.to_host
        for key, value, to in sends:
            by_peer.setdefault(to, {})[key] = None if value is None else to_host(value)
        self._count_sent(by_peer)
        if message.trace:
            for tensors in by_peer.values():
                tensors[_SENT] = time.time_ns()
        for to, tensors in by_peer.items():
            self.peers[to].deliver.remote(message.session, message.step, tensors)

    def _count_sent(self, by_peer: Mapping[str, Mapping[str, Any]]) -> None:
        for to, tensors in by_peer.items():
            self.count_sent(to, sum(int(getattr(v, "nbytes", 0)) for v in tensors.values()))

    def count_sent(self, to: str, size: int) -> None:
        """So many bytes have gone to another device."""
        self.metrics.sent(short_name(to), size)

    def _tell_peers(self, program: Program, message: StepMessage, error: OpError) -> None:
        reason = f"the step failed on {self.device.name}: {error.message}"
        others = {to for s in program.stages for _, _, to in s.sends}
        for to in others:
            self.peers[to].abort.remote(message.session, message.step, reason)

    def run_stage(self, what: tuple[int, str, int, bool], *inputs: Any) -> tuple[int, dict[str, Any], Any]:
        """Runs one stage as a node of a compiled graph.

        Args:
            what: handle of the program, session, position of the stage, whether no other device takes part.
            *inputs: for the first stage (step, settled, feeds); then results of the stage before it on this
                device, and of the stages that send to it.

        Returns:
            Step, tensors to send by key, and, from the last stage, the program's fetches.
        """
        handle, session, position, alone = what
        step = inputs[0][0]
        key = (session, step)
        program = self.device.programs[handle]
        if position == 0:
            _, settled, feeds = inputs[0]
            self.settle_rows(session, settled)
            frame = self.device.begin(program, session, step, feeds, threading.Event())
            self._stepping[key] = frame
        else:
            frame = self._stepping[key]
        start = time.perf_counter()
        stage = program.stages[position]
        received = {k: v for given in inputs if isinstance(given[1], dict) for k, v in given[1].items()}
        try:
            sends = self.device.run_stage(frame, stage, received)
            self.metrics.segments(time.perf_counter() - start)
            values = self.device.fetched(frame) if position == len(program.stages) - 1 else None
        except BaseException:
            self._stepping.pop(key, None)
            self.metrics.step(time.perf_counter() - start, failed=True)
            raise
        to_host = self.device.backend.to_host
        leaving = {k: None if v is None else to_host(v) for k, v, _ in sends}
        for k, _, to in sends:
            self.metrics.sent(short_name(to), int(getattr(leaving[k], "nbytes", 0)))
        if values is not None:
            self._stepping.pop(key, None)
            self.end_part(program, frame, key, alone)
            self.metrics.step(time.perf_counter() - start)
        return step, leaving, values

    def end_part(self, program: Program, frame: Frame, key: tuple[str, int], alone: bool) -> None:
        """Commits a part that ran alone; keeps one that others take part in until their outcome is known."""
        if alone:
            self.device.commit(frame)
        elif program.updates or program.positions or frame.extra_positions:
            with self._lock:
                self._pending[key] = frame

    def settle_rows(self, session: str, settled: Settled) -> None:
        """Commits or drops what earlier steps have left waiting."""
        for step, succeeded in settled:
            with self._lock:
                frame = self._pending.pop((session, step), None)
            # A compiled graph skips the later stages of a step that failed elsewhere.
            self._stepping.pop((session, step), None)
            if frame is not None and succeeded:
                self.device.commit(frame)

    @ray.method(concurrency_group="control")
    def get_state(self, session: str, settled: Settled) -> dict[str, Any]:
        """Settles earlier steps, then gives the device's state; see `Device.get_state`."""
        self.settle_rows(session, settled)
        return self.device.get_state(session)

    @ray.method(concurrency_group="control")
    def set_state(self, session: str, state: Mapping[str, Any], number: int | None = None) -> None:
        """Takes a state over; `number` is that of the snapshot that it is a copy of."""
        self.device.set_state(session, state)
        if number is not None:
            self._snapshots[session] = {number: self.device.noted_state(session)}

    @ray.method(concurrency_group="control")
    def snapshot(self, session: str, number: int, settled: Settled, keeper: str) -> dict[str, Any] | None:
        """Settles earlier steps and notes the state, to go back to it; a copy goes to another device or the caller.

        Args:
            session: name of the session.
            number: of the snapshot; older ones than the one before are forgotten.
            settled: outcomes of earlier steps.
            keeper: device that gets the copy; "" to give it back.
        """
        self.settle_rows(session, settled)
        mine = self._snapshots.setdefault(session, {})
        mine[number] = self.device.noted_state(session)
        for old in [n for n in mine if n < number - 1]:
            del mine[old]
        state = self.device.get_state(session)
        if not keeper:
            return state
        kept = self.peers[keeper].keep.remote(session, self.device.name, number, state)
        ray.get(kept, timeout=_KEEP_SECONDS)
        return None

    @ray.method(concurrency_group="delivery")
    def keep(self, session: str, device: str, number: int, state: Mapping[str, Any]) -> None:
        """Holds a copy of another device's state."""
        copies = self._kept.setdefault((session, device), {})
        copies[number] = {**state, "variables": {k: v.copy() for k, v in state["variables"].items()}}
        for old in [n for n in copies if n < number - 1]:
            del copies[old]

    @ray.method(concurrency_group="control")
    def kept(self, session: str, device: str, number: int) -> dict[str, Any]:
        """The copy of another device's state."""
        return self._kept[session, device][number]

    @ray.method(concurrency_group="control")
    def roll_back(self, session: str, number: int) -> None:
        """Gives up all running steps and goes back to a snapshot; 0 is the state before the first step."""
        self.reset(session)
        noted = self._snapshots.get(session, {}).get(number)
        self.device.set_noted_state(session, noted)

    @ray.method(concurrency_group="control")
    def reset(self, session: str) -> None:
        """Gives up all running steps of a session and closes its channels."""
        loop = self._loops.pop(session, None)
        if loop is not None:
            loop.close()
        with self._lock:
            for table in (self._pending, self._stepping):
                for key in [k for k in table if k[0] == session]:
                    del table[key]
        self.rendezvous.abort_session(session, AbortedError(None, "another device was lost"))

    @ray.method(concurrency_group="control")
    def forget_programs(self, handles: Sequence[int]) -> None:
        """Drops programs that no step will ask for any more."""
        for handle in handles:
            self.device.unregister(handle)

    @ray.method(concurrency_group="control")
    def forget(self, session: str, handles: Sequence[int]) -> None:
        """A session that shares this device is over: drops its programs and what it left waiting."""
        loop = self._loops.pop(session, None)
        if loop is not None:
            loop.close()
        for handle in handles:
            self.device.unregister(handle)
        with self._lock:
            for key in [k for k in self._pending if k[0] == session]:
                del self._pending[key]
        self.device.forget_session(session)

    @ray.method(concurrency_group="control")
    def shut_down(self) -> None:
        """Ends all waits and drops the device's state."""
        self.metrics.stop()
        self.device.close()
        for loop in list(self._loops.values()):
            loop.close()


def short_name(device: str) -> str:
    """`/job:worker/task:0/device:CPU:0`: the full name without the replica that all share."""
    return device.replace("/replica:0", "")


def actor_class() -> Any:
    """`DeviceActor` as a Ray actor class.

    Its `_ray_system` group lets it serve several live compiled graphs at once.
    """
    return ray.remote(
        concurrency_groups={"control": 4, "delivery": 2, "_ray_system": 8},
        max_concurrency=_STEP_THREADS,
        max_restarts=0,
    )(DeviceActor)
