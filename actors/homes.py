"""Which device holds what lasts longer than a step.

A plan places one kind of step. Where the program leaves the choice to the planner, two kinds of steps could place one
variable on two devices; so the first plan that has it decides, and later ones follow.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace

from ..graph.device_spec import DeviceSpec
from ..graph.ir import FEED, Node, Subgraph

__all__ = ["HomeKey", "Homes", "home_key"]

HomeKey = tuple[str, str, str]
"""Kind (an op type, or "random"), container, name."""


def home_key(node: Node) -> HomeKey | None:
    """What a node keeps on its device between steps: a variable, a queue, a random stream; None for nothing."""
    attrs = node.attrs
    if "shared_name" in attrs and "container" in attrs:
        return node.op, str(attrs["container"]), str(attrs["shared_name"] or node.name)
    if node.op not in (FEED, "_Send", "_Recv") and node.state.kind == "random":
        return "random", "", node.name
    return None


class Homes:
    """Devices of a session's variables, queues and random streams, by key."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._devices: dict[HomeKey, str] = {}
        self._asked: dict[HomeKey, str] = {}

    def pin(self, subgraph: Subgraph) -> Subgraph:
        """The step with everything that has a home asking for it."""
        if not self._devices:
            return subgraph
        changed: dict[str, Node] = {}
        for name, node in subgraph.nodes.items():
            key = home_key(node)
            home = self._devices.get(key) if key is not None else None
            if home is not None and _allows(node.device, home):
                changed[name] = node.with_(device=home)
        if not changed:
            return subgraph
        return replace(subgraph, nodes={n: changed.get(n, node) for n, node in subgraph.nodes.items()})

    def learn(self, subgraph: Subgraph, placement: Mapping[str, str]) -> None:
        """Remembers where a plan has put what had no home yet."""
        with self._lock:
            for name, node in subgraph.nodes.items():
                key = home_key(node)
                if key is not None and name in placement and key not in self._devices:
                    self._devices[key] = placement[name]
                    self._asked.setdefault(key, node.device)

    def on(self, devices: Iterable[str]) -> dict[HomeKey, str]:
        """What lives on these devices."""
        wanted = set(devices)
        with self._lock:
            return {key: home for key, home in self._devices.items() if home in wanted}

    def may_live_on(self, key: HomeKey, device: str) -> bool:
        """Whether the program's own device string for it leaves room for that device."""
        asked = self._asked.get(key, "")
        return DeviceSpec.from_string(asked).matches(DeviceSpec.from_string(device))

    def move(self, homes: Mapping[HomeKey, str | None]) -> None:
        """Gives things other homes; None leaves the choice to the next plan."""
        with self._lock:
            for key, home in homes.items():
                if home is None:
                    self._devices.pop(key, None)
                else:
                    self._devices[key] = home


def _allows(asked: str, home: str) -> bool:
    """Whether a device string leaves a choice that the home is part of."""
    return asked != home and DeviceSpec.from_string(asked).matches(DeviceSpec.from_string(home))
