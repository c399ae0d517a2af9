"""Who is still there: the devices of a session, watched by what ends with them.

A process on this machine is watched by a descriptor that becomes readable when it ends, however busy it is. A node
elsewhere is watched by opening a connection to its Ray daemon now and then, which the kernel there answers even
while every process is busy; a node that refuses or does not answer is lost.
"""

from __future__ import annotations

import os
import select
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from ..graph.errors import UnavailableError
from ..placement import DeviceInfo

__all__ = ["NodeWatch", "Watch"]

_PROBE_SECONDS = 0.7
"""Between two connections to a node."""

_ANSWER_SECONDS = 1.4
"""How long a node may take to answer."""

_MISSES = 2
"""Connections in a row that fail before a node is lost."""


class NodeWatch:
    """Opens connections to some nodes now and then, in a thread of its own.

    Args:
        places: for each node its host and port.
    """

    def __init__(self, places: Mapping[str, tuple[str, int]]) -> None:
        self._misses = dict.fromkeys(places, 0)
        self._places = dict(places)
        self._stop = threading.Event()
        if places:
            threading.Thread(target=self._serve, daemon=True, name="weft-watch").start()

    def lost(self) -> set[str]:
        """Nodes that no longer answer."""
        return {n for n, missed in self._misses.items() if missed >= _MISSES}

    def _serve(self) -> None:
        while not self._stop.wait(_PROBE_SECONDS):
            threads = [threading.Thread(target=self._probe, args=(n,), daemon=True) for n in self._places]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(_ANSWER_SECONDS + 1.0)

    def _probe(self, node: str) -> None:
        try:
            socket.create_connection(self._places[node], timeout=_ANSWER_SECONDS).close()
        except OSError:
            self._misses[node] += 1
        else:
            if self._misses[node] < _MISSES:
                self._misses[node] = 0

    def close(self) -> None:
        self._stop.set()


class Watch:
    """Which devices of a session are gone.

    Args:
        infos: the devices, with node and process.
        here: node of this process.
        places: host and port of the Ray daemon of each node.
    """

    def __init__(self, infos: Sequence[DeviceInfo], here: str, places: Mapping[str, tuple[str, int]]) -> None:
        self._infos = list(infos)
        self._here = here
        self._descriptors: dict[str, int] = {}
        self._poll = select.poll()
        self._gone: set[str] = set()
        self._lock = threading.Lock()
        nodes = {i.node for i in infos if i.node != here}
        self._nodes = NodeWatch({n: places[n] for n in nodes if n in places})
        for info in infos:
            if info.node == here:
                self._follow(info)

    @classmethod
    def of_ray(cls, infos: Sequence[DeviceInfo]) -> Watch:
        """Watches devices that Ray has started."""
        import ray

        here = ray.get_runtime_context().get_node_id()
        places: dict[str, tuple[str, int]] = {}
        if any(i.node != here for i in infos):
            for row in ray.nodes():
                places[row["NodeID"]] = row["NodeManagerAddress"], int(row["NodeManagerPort"])
        return cls(infos, here, places)

    def _follow(self, info: DeviceInfo) -> None:
        try:
            descriptor = os.pidfd_open(_pid(info))
        except ProcessLookupError:
            self._gone.add(info.name)
        except OSError:
            return
        else:
            self._descriptors[info.name] = descriptor
            self._poll.register(descriptor, select.POLLIN)

    def lost(self) -> list[str]:
        """Names of the devices that are gone; takes microseconds."""
        with self._lock:
            ready = {fd for fd, _ in self._poll.poll(0)} if self._descriptors else set()
            if ready:
                self._gone.update(n for n, fd in self._descriptors.items() if fd in ready)
            nodes = self._nodes.lost()
            if nodes:
                self._gone.update(i.name for i in self._infos if i.node in nodes)
            return [i.name for i in self._infos if i.name in self._gone]

    def error(self) -> UnavailableError | None:
        """The error to report for the devices that are gone; None where all are there."""
        lost = self.lost()
        return gone(lost) if lost else None

    def close(self) -> None:
        self._nodes.close()
        with self._lock:
            for descriptor in self._descriptors.values():
                self._poll.unregister(descriptor)
                os.close(descriptor)
            self._descriptors.clear()


def _pid(info: DeviceInfo) -> int:
    return int(info.process.rsplit(":", 1)[-1])


def gone(lost: Sequence[str]) -> UnavailableError:
    """What is raised for devices that are gone."""
    return UnavailableError(
        None, f"device {', '.join(lost)} is gone: its process died or its node was lost", lost[0]
    )


def wait_guarded(refs: Sequence[Any], seconds: float) -> list[Any]:
    """Waits for Ray calls, at most so long; those that are done. Never raises for a lost cluster."""
    import ray

    end = time.monotonic() + seconds
    try:
        done, _ = ray.wait(list(refs), num_returns=len(refs), timeout=max(0.0, end - time.monotonic()))
    except Exception:
        return []
    return list(done)
