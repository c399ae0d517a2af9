"""The frozen result of planning: where and in which order a step's nodes run, and what travels."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..graph.errors import PlacementError

__all__ = ["Plan", "Transfer"]


@dataclass(frozen=True)
class Transfer:
    """One tensor that travels from one device to another.

    Attributes:
        tensor: its name, `node:output`; `^node` for the signal that a node has run.
        src, dst: full names of the devices.
        bytes: its size.
    """

    tensor: str
    src: str
    dst: str
    bytes: float


@dataclass(frozen=True)
class Plan:
    """Where each node of a step runs.

    Attributes:
        devices: full names of the cluster's devices.
        placement: device of every node. Constants and feeds have a copy on every device that uses them; this
            is the one that a fetch of them takes.
        global_order: all nodes, each after what it needs.
        order: `global_order` projected onto each device that runs anything.
        transfers: what travels, each (tensor, destination) once.
        frees: by device and node, the tensors that nobody on the device needs once the node has run.
        step_seconds: predicted time of one step.
        peak_bytes: predicted peak memory of each device that is used.
        planner: name of the planner.
        single_seconds: predicted time of the step on the best single device that can run it all; None if none
            can.
        lower_bound: no placement can be faster than this, in seconds.
        notes: what the planner has to say: relaxed constraints, limits that it hit.
        op_seconds: predicted time of each node on its device, those that every device has a copy of left out.
        busy_seconds: predicted time that each device computes.
    """

    devices: tuple[str, ...]
    placement: Mapping[str, str]
    global_order: tuple[str, ...]
    order: Mapping[str, tuple[str, ...]]
    transfers: tuple[Transfer, ...] = ()
    frees: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    step_seconds: float = 0.0
    peak_bytes: Mapping[str, float] = field(default_factory=dict)
    planner: str = ""
    single_seconds: float | None = None
    lower_bound: float = 0.0
    notes: tuple[str, ...] = ()
    op_seconds: Mapping[str, float] = field(default_factory=dict)
    busy_seconds: Mapping[str, float] = field(default_factory=dict)

    def text(self, nodes: bool = True) -> str:
        """The plan as a table, a line per node, in an order that makes plans easy to compare line by line.

        Args:
            nodes: whether to list every node; else only devices and transfers are summed up.
        """
        from .plan_text import plan_text

        return plan_text(self, nodes)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        used = sum(1 for order in self.order.values() if order)
        return (
            f"<Plan by {self.planner}: {len(self.placement)} nodes on {used} of {len(self.devices)} devices, "
            f"{len(self.transfers)} transfers, {seconds_text(self.step_seconds)} a step>"
        )

    def _repr_html_(self) -> str:
        from .plan_text import plan_html

        return plan_html(self)

    def diff(self, other: Plan) -> str:
        """What differs between this plan and another, a line per node that moved."""
        from .plan_text import plan_diff

        return plan_diff(self, other)

    def node_counts(self) -> dict[str, int]:
        """How many nodes each device runs."""
        return dict(Counter(self.placement.values()))

    def to_json(self) -> str:
        """The plan as JSON text."""
        data: dict[str, Any] = {
            "devices": self.devices,
            "placement": dict(self.placement),
            "global_order": self.global_order,
            "order": {d: list(o) for d, o in self.order.items()},
            "transfers": [[t.tensor, t.src, t.dst, t.bytes] for t in self.transfers],
            "frees": {d: {n: list(t) for n, t in f.items()} for d, f in self.frees.items()},
            "step_seconds": self.step_seconds,
            "peak_bytes": dict(self.peak_bytes),
            "planner": self.planner,
            "single_seconds": self.single_seconds,
            "lower_bound": self.lower_bound,
            "notes": self.notes,
            "op_seconds": dict(self.op_seconds),
            "busy_seconds": dict(self.busy_seconds),
        }
        return json.dumps(data, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """Reads what `to_json` wrote.

        Raises:
            PlacementError: the text is not a plan.
        """
        try:
            data = json.loads(text)
            return cls(
                devices=tuple(data["devices"]),
                placement=data["placement"],
                global_order=tuple(data["global_order"]),
                order={d: tuple(o) for d, o in data["order"].items()},
                transfers=tuple(Transfer(*row) for row in data["transfers"]),
                frees={d: {n: tuple(t) for n, t in f.items()} for d, f in data["frees"].items()},
                step_seconds=float(data["step_seconds"]),
                peak_bytes=data["peak_bytes"],
                planner=data["planner"],
                single_seconds=data["single_seconds"],
                lower_bound=float(data["lower_bound"]),
                notes=tuple(data["notes"]),
                op_seconds=data.get("op_seconds", {}),
                busy_seconds=data.get("busy_seconds", {}),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise PlacementError(None, f"this is not a plan in JSON: {error!r}") from None


def seconds_text(seconds: float) -> str:
    """A time with three digits and a fitting unit."""
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns" if seconds else "0 s"


def bytes_text(size: float) -> str:
    """A size with three digits and a fitting unit."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(size) < 1024:
            return f"{size:.3g} {unit}"
        size /= 1024
    return f"{size:.3g} TiB"
