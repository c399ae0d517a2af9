"""Devices inside the calling process: the default of a session, with no Ray."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..graph.errors import CancelledError, DeadlineExceededError
from ..placement import Cluster
from .calibration import calibrated
from .cluster_spec import ClusterSpec
from .config import ConfigProto
from .device import Device, Frame
from .inventory import describe_devices
from .program import Program, StageProgram
from .step import FetchSource, StepSpec
from .timing import transfer_timing

__all__ = ["LocalTarget"]


@dataclass(slots=True)
class _Registered:
    """A step that the devices know.

    Attributes:
        alone: the one device that runs it, or None for several.
        handle: its program there.
        parts: device, program, positions of its feeds.
        order: the stages of all devices in an order in which none waits: index into `parts`, stage.
        fetches: where the results are.
        identity: whether the one device returns exactly the fetches, in order.
        feed_positions: for one device, the positions of its feeds; None where it takes all in order.
    """

    alone: Device | None
    handle: int
    parts: list[tuple[Device, Program, tuple[int, ...]]]
    order: list[tuple[int, StageProgram]]
    fetches: tuple[FetchSource, ...]
    identity: bool
    feed_positions: tuple[int, ...] | None
    handles: list[tuple[Device, int]] = field(default_factory=list)


class LocalTarget:
    """Runs steps on `Device` objects of this process; several threads may do so at once.

    Args:
        cluster: jobs and tasks, each of which gets devices of its own here; None for the machine's own devices.
        config: the session's settings.
        session: name of the session.
    """

    def __init__(self, cluster: ClusterSpec | None, config: ConfigProto, session: str) -> None:
        self.session = session
        infos = describe_devices(cluster, config)
        self.cluster: Cluster = calibrated(Cluster(tuple(infos)), "local")
        # Without a cluster the graph runs where TensorFlow would run it; with one the planner may choose.
        self.default_device = infos[0].name if cluster is None else None
        self.devices = {i.name: Device(i.name, i.backend) for i in infos}
        self._steps = itertools.count()
        self._running: set[threading.Event] = set()
        self._closed = False

    def register(self, spec: StepSpec) -> _Registered:
        parts, handles = [], []
        for name, program in spec.programs.items():
            device = self.devices[name]
            handle = device.register(program, self.session)
            handles.append((device, handle))
            parts.append((device, device.programs[handle], spec.feeds[name]))
        stages = [(s.level, i, s) for i, (_, p, _) in enumerate(parts) for s in p.stages]
        order = [(i, s) for _, i, s in sorted(stages, key=lambda row: row[:2])]
        alone = len(parts) == 1
        count = sum(1 for f in spec.fetches if f.device)
        return _Registered(
            alone=parts[0][0] if alone else None,
            handle=handles[0][1] if alone else -1,
            parts=parts,
            order=order,
            fetches=spec.fetches,
            identity=alone
            and count == len(spec.fetches)
            and [f.index for f in spec.fetches] == list(range(count)),
            feed_positions=None if not alone or _in_order(parts[0][2]) else parts[0][2],
            handles=handles,
        )

    def run(
        self, registered: _Registered, feeds: Sequence[Any], trace: Any = None, timeout: float | None = None
    ) -> list[Any]:
        if self._closed:
            raise CancelledError(None, "the session is closed")
        step = next(self._steps)
        device = registered.alone
        if device is not None and trace is None and timeout is None:
            positions = registered.feed_positions
            mine = feeds if positions is None else [feeds[i] for i in positions]
            if registered.parts and len(registered.parts[0][2]) != len(mine):
                mine = [feeds[i] for i in registered.parts[0][2]]
            results = device.run(registered.handle, self.session, step, mine)
            if registered.identity:
                return results
            return self._collect(registered, feeds, {device.name: results})
        return self._run_parts(registered, step, feeds, trace, timeout)

    def _run_parts(
        self, registered: _Registered, step: int, feeds: Sequence[Any], trace: Any, timeout: float | None
    ) -> list[Any]:
        cancelled = threading.Event()
        self._running.add(cancelled)
        timer = None if timeout is None else threading.Timer(timeout, cancelled.set)
        if timer is not None:
            timer.start()
        try:
            frames = [
                device.begin(program, self.session, step, [feeds[i] for i in positions], cancelled)
                for device, program, positions in registered.parts
            ]
            if trace is not None:
                for frame in frames:
                    frame.timings = []
            self._run_stages(registered, frames)
            results = {
                device.name: device.fetched(frame)
                for (device, _, _), frame in zip(registered.parts, frames, strict=True)
            }
            for (device, _, _), frame in zip(registered.parts, frames, strict=True):
                device.commit(frame)
                if trace is not None:
                    trace.extend((device.name, *row) for row in frame.timings or ())
        except CancelledError:
            if timer is not None and cancelled.is_set() and not self._closed:
                raise DeadlineExceededError(None, f"the step took longer than {timeout} s") from None
            raise
        finally:
            if timer is not None:
                timer.cancel()
            self._running.discard(cancelled)
        return self._collect(registered, feeds, results)

    def _run_stages(self, registered: _Registered, frames: list[Frame]) -> None:
        arrived: dict[str, Any] = {}
        for index, stage in registered.order:
            device = registered.parts[index][0]
            received = {}
            timings = frames[index].timings
            for key in stage.recvs:
                value, sender = arrived[key]
                start = time.time_ns() if timings is not None else 0
                received[key] = _carry(value, sender, device)
                if timings is not None:
                    timings.append(transfer_timing(key, start, time.time_ns()))
            for key, value, _ in device.run_stage(frames[index], stage, received):
                arrived[key] = (value, device)

    @staticmethod
    def _collect(registered: _Registered, feeds: Sequence[Any], results: dict[str, list[Any]]) -> list[Any]:
        return [collect_one(f, feeds, results) for f in registered.fetches]

    def unregister(self, registered: _Registered) -> None:
        for device, handle in registered.handles:
            device.unregister(handle)

    def stats(self) -> list[dict[str, Any]]:
        return [d.stats() for d in self.devices.values()]

    def close(self) -> None:
        self._closed = True
        for event in list(self._running):
            event.set()
        for device in self.devices.values():
            device.close()


def collect_one(source: FetchSource, feeds: Sequence[Any], results: dict[str, list[Any]]) -> Any:
    """One fetched value from where it is: a device's results, the feeds, or the graph itself."""
    if source.device:
        return results[source.device][source.index]
    value = source.value if source.index < 0 else feeds[source.index]
    array = np.array(value)
    return array if array.shape else array[()]


def _carry(value: Any, sender: Device, receiver: Device) -> Any:
    """A tensor as the receiver's backend holds it; by reference where both are of one backend."""
    if value is None or sender.backend is receiver.backend:
        return value
    return receiver.backend.to_device(sender.backend.to_host(value))


def _in_order(positions: tuple[int, ...]) -> bool:
    return positions == tuple(range(len(positions)))
