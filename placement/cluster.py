"""What a step can run on: devices with their rates, and the links between them."""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..graph.device_spec import DeviceSpec
from ..graph.errors import InvalidArgumentError, PlacementError
from .op_times import OpTimes, times_key

__all__ = ["Cluster", "DeviceInfo", "Link", "LinkMatrices", "device_info", "full_name", "local_cluster"]


def _number(owner: str, name: str, value: Any, lowest: float = 0.0, positive: bool = False) -> None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise PlacementError(None, f"{owner}: {name} must be a number, got {value!r}") from None
    if math.isnan(number) or number < lowest or (positive and number == 0):
        bound = "above 0" if positive else f"at least {lowest:g}"
        raise PlacementError(None, f"{owner}: {name} must be {bound}, got {value!r}")


@dataclass(frozen=True)
class DeviceInfo:
    """One device and how fast it is.

    Attributes:
        name: full name, `/job:worker/replica:0/task:0/device:CPU:0`.
        kind: device type, "CPU", "GPU" or "TPU".
        backend: kernel backend that runs it.
        memory_bytes: how much it can hold, in bytes; `math.inf` for no limit.
        flops: arithmetic rate in FLOP/s by name of element type; types that are not named take the rate of
            "float32", or the only one given.
        bytes_per_second: memory bandwidth that elementwise work reaches, in bytes/s.
        op_seconds: fixed cost of one op, in seconds.
        streams: how many ops it runs at once.
        node: name of the machine it is in; devices with the same name share its memory.
        process: name of the process that drives it; devices of one process pass tensors by reference.
        op_times: measured times of op types, by `op_times.times_key`; those that are not there take what `flops`,
            `bytes_per_second` and `op_seconds` say.
        turns: name of the processor that it shares with all devices of that name; "" for one of its own. How
            many of them compute at once is in `Cluster.processors`.
    """

    name: str
    kind: str
    backend: str
    memory_bytes: float
    flops: Mapping[str, float]
    bytes_per_second: float
    op_seconds: float
    streams: int = 1
    node: str = ""
    process: str = ""
    op_times: Mapping[str, OpTimes] = field(default_factory=dict)
    turns: str = ""

    def __post_init__(self) -> None:
        owner = f"device {self.name!r}"
        if full_name(self.name) != self.name:
            raise PlacementError(None, f"{owner}: the full form of the name is {full_name(self.name)!r}")
        _number(owner, "memory_bytes", self.memory_bytes)
        _number(owner, "bytes_per_second", self.bytes_per_second, positive=True)
        _number(owner, "op_seconds", self.op_seconds)
        _number(owner, "streams", self.streams, lowest=1)
        if not self.flops:
            raise PlacementError(None, f"{owner}: flops must give the rate of at least one element type")
        for dtype, rate in self.flops.items():
            _number(owner, f"flops[{dtype!r}]", rate, positive=True)

    @property
    def spec(self) -> DeviceSpec:
        return DeviceSpec.from_string(self.name)

    def rate(self, dtype: str) -> float:
        """Arithmetic rate for an element type, in FLOP/s."""
        found = self.flops.get(dtype) or self.flops.get("float32")
        return found if found is not None else next(iter(self.flops.values()))

    def seconds(self, flops: float, moved_bytes: float, dtype: str = "float32", op: str = "") -> float:
        """Time of one op, in seconds: as measured for its type, or by the roofline model: its fixed cost, and the
        slower of arithmetic and memory traffic."""
        known = self.op_times.get(times_key(op, dtype)) if op else None
        if known is not None:
            return float(known.of(np.array([flops]), np.array([moved_bytes]))[0])
        return self.op_seconds + max(flops / self.rate(dtype), moved_bytes / self.bytes_per_second)


@dataclass(frozen=True)
class Link:
    """How tensors get from one device to another.

    Attributes:
        latency_seconds: time of an empty tensor, in seconds.
        bytes_per_second: what it carries, in bytes/s.
        shared: name of the channel that transfers queue for; links of one name share it. In a rule for many
            pairs `{src}`, `{dst}`, `{src_node}`, `{dst_node}` stand for the names of the pair. Empty: every
            ordered pair of devices has a channel of its own.
    """

    latency_seconds: float
    bytes_per_second: float
    shared: str = ""

    def __post_init__(self) -> None:
        _number("link", "latency_seconds", self.latency_seconds)
        _number("link", "bytes_per_second", self.bytes_per_second, positive=True)

    def seconds(self, size: float) -> float:
        """Time of one transfer of `size` bytes on an idle link."""
        return self.latency_seconds + size / self.bytes_per_second


@dataclass(frozen=True)
class LinkMatrices:
    """The links of all ordered pairs of devices, as arrays indexed by (source, destination).

    Attributes:
        latency: seconds; 0 on the diagonal.
        seconds_per_byte: 0 on the diagonal.
        channel: number of the channel that transfers queue for.
        channels: how many channels there are.
    """

    latency: npt.NDArray[np.float64]
    seconds_per_byte: npt.NDArray[np.float64]
    channel: npt.NDArray[np.int64]
    channels: int


@dataclass(frozen=True, eq=False)
class Cluster:
    """Devices and the links between them.

    A pair's link is the first of: its own in `pairs`; within one process; between two GPUs of one node;
    within one node; between nodes.

    Attributes:
        devices: all devices; their names differ.
        same_process: link between devices of one process.
        same_node: link between processes of one node.
        between_nodes: link between nodes.
        gpu_to_gpu: link between two GPUs of one node; None for as `same_node`.
        pairs: links of single ordered pairs of device names.
        processors: how many devices of each `DeviceInfo.turns` compute at once; one where it says nothing.
        step_seconds: what a step costs besides what its devices do, in seconds.
        stage_seconds: what each run of a device between two waits for others costs, in seconds.
        caller: link between the program that asks for steps and the devices; None where they share a process.
    """

    devices: tuple[DeviceInfo, ...]
    same_process: Link = Link(2e-6, 1e12)
    same_node: Link = Link(4e-4, 2e9)
    between_nodes: Link = Link(8e-4, 1.2e9, "nic:{src_node}")
    gpu_to_gpu: Link | None = None
    pairs: Mapping[tuple[str, str], Link] = field(default_factory=dict)
    processors: Mapping[str, int] = field(default_factory=dict)
    step_seconds: float = 0.0
    stage_seconds: float = 0.0
    caller: Link | None = None

    def __post_init__(self) -> None:
        _number("cluster", "step_seconds", self.step_seconds)
        _number("cluster", "stage_seconds", self.stage_seconds)
        for name, count in self.processors.items():
            _number("cluster", f"processors[{name!r}]", count, lowest=1)
        if not self.devices:
            raise PlacementError(None, "a cluster needs at least one device")
        names = self.index
        if len(names) < len(self.devices):
            twice = sorted({d.name for d in self.devices if sum(e.name == d.name for e in self.devices) > 1})
            raise PlacementError(None, f"devices are named twice: {', '.join(twice)}")
        for pair in self.pairs:
            for name in pair:
                if name not in names:
                    raise PlacementError(None, f"link {pair}: {self.no_device(name)}")

    @functools.cached_property
    def index(self) -> Mapping[str, int]:
        """Position of each device, by name."""
        return {d.name: i for i, d in enumerate(self.devices)}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(d.name for d in self.devices)

    def device(self, name: str) -> DeviceInfo:
        """The device of that full name.

        Raises:
            PlacementError: there is none; the message lists those that exist.
        """
        position = self.index.get(name)
        if position is None:
            raise PlacementError(None, self.no_device(name))
        return self.devices[position]

    def no_device(self, name: str) -> str:
        """What to say when a device does not exist."""
        return f"there is no device {name!r}; the cluster has {listed(self.names)}"

    def matching(self, spec: DeviceSpec) -> list[int]:
        """Positions of the devices that a full or partial device name allows."""
        return [i for i, device in enumerate(self.devices) if spec.matches(device.spec)]

    def rule(self, src: DeviceInfo, dst: DeviceInfo) -> Link:
        """The link as its rule writes it, names in `shared` not filled in."""
        own = self.pairs.get((src.name, dst.name))
        if own is not None:
            return own
        if src.node == dst.node:
            if src.process == dst.process:
                return self.same_process
            if self.gpu_to_gpu is not None and src.kind == dst.kind == "GPU":
                return self.gpu_to_gpu
            return self.same_node
        return self.between_nodes

    def link(self, src: str, dst: str) -> Link:
        """The link from one device to another, by name."""
        source, target = self.device(src), self.device(dst)
        found = self.rule(source, target)
        if not found.shared:
            return found
        return Link(found.latency_seconds, found.bytes_per_second, _channel(found, source, target))

    @functools.cached_property
    def matrices(self) -> LinkMatrices:
        """All links as arrays."""
        return _matrices(self)

    def with_devices(self, devices: Iterable[DeviceInfo]) -> Cluster:
        """The same links over other devices."""
        kept = tuple(devices)
        names = {d.name for d in kept}
        pairs = {p: link for p, link in self.pairs.items() if p[0] in names and p[1] in names}
        return replace(self, devices=kept, pairs=pairs)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Cluster:
        """Reads a cluster from a JSON or YAML file; see `weft.placement.cluster_file`.

        Raises:
            PlacementError: the file cannot be read or is malformed; the message names file, line and field.
        """
        from .cluster_file import load_cluster

        return load_cluster(path)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Cluster:
        """The cluster that plain data of the form of a cluster file describes.

        Raises:
            PlacementError: the data is malformed; the message names the field.
        """
        from .cluster_file import cluster_from_dict

        return cluster_from_dict(data)

    def to_dict(self) -> dict[str, Any]:
        """The cluster as plain data, as `from_dict` takes it."""
        from .cluster_file import cluster_to_dict

        return cluster_to_dict(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the cluster to a file that `load` reads: YAML where the name ends in .yaml or .yml, else JSON."""
        from .cluster_file import save_cluster

        save_cluster(self, path)


def listed(names: Sequence[str], most: int = 12) -> str:
    """Names for a message, shortened where there are many."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def _channel(link: Link, src: DeviceInfo, dst: DeviceInfo) -> str:
    if not link.shared:
        return f"{src.name}>{dst.name}"
    text = link.shared
    for mark, value in (
        ("{src}", src.name),
        ("{dst}", dst.name),
        ("{src_node}", src.node),
        ("{dst_node}", dst.node),
    ):
        text = text.replace(mark, value)
    return text


def _matrices(cluster: Cluster) -> LinkMatrices:
    devices = cluster.devices
    count = len(devices)
    latency = np.zeros((count, count))
    per_byte = np.zeros((count, count))
    channel = np.arange(count * count, dtype=np.int64).reshape(count, count)
    names: dict[str, int] = {}
    rules: dict[tuple[str, str, str, str, str, str], Link] = {}
    keys = [(d.node, d.process, d.kind) for d in devices]
    for i, src in enumerate(devices):
        for j, dst in enumerate(devices):
            if i == j:
                continue
            key = (*keys[i], *keys[j])
            link = cluster.pairs.get((src.name, dst.name)) if cluster.pairs else None
            if link is None:
                link = rules.get(key)
                if link is None:
                    link = rules[key] = cluster.rule(src, dst)
            latency[i, j] = link.latency_seconds
            per_byte[i, j] = 1.0 / link.bytes_per_second
            if link.shared:
                name = _channel(link, src, dst)
                channel[i, j] = names.setdefault(name, count * count + len(names))
    used, inverse = np.unique(channel, return_inverse=True)
    return LinkMatrices(latency, per_byte, inverse.reshape(count, count).astype(np.int64), len(used))


def full_name(name: str) -> str:
    """The full canonical form of a device name; the replica may be left out.

    Raises:
        PlacementError: job, task, device type or index is missing.
    """
    try:
        spec = DeviceSpec.from_string(name)
    except InvalidArgumentError as error:
        raise PlacementError(None, error.message) from None
    if None in (spec.job, spec.task, spec.device_type, spec.device_index):
        raise PlacementError(
            None,
            f"device name {name!r} leaves parts open; write /job:NAME/task:N/device:TYPE:N, such as "
            "/job:worker/task:0/device:CPU:0",
        )
    return spec.replace(replica=spec.replica or 0).to_string()


_RATES: dict[str, tuple[dict[str, float], float, float, str]] = {
    # Per kind: FLOP/s by type, bytes/s, seconds per op, backend. CPU: NumPy on one core of a current server.
    "CPU": ({"float32": 5e10, "float64": 2.5e10, "int32": 5e9, "int64": 5e9}, 6e9, 2e-6, "numpy"),
    "GPU": ({"float32": 2e13, "float64": 1e13, "bfloat16": 3e14, "float16": 3e14}, 1.5e12, 6e-6, "jax"),
    "TPU": ({"float32": 5e13, "bfloat16": 2e14}, 1e12, 6e-6, "jax"),
}


def device_info(name: str, **known: Any) -> DeviceInfo:
    """A device with the usual rates of its kind where nothing else is said.

    Args:
        name: device name; the replica may be left out.
        **known: fields of `DeviceInfo` that are known.
    """
    name = full_name(name)
    kind = known.pop("kind", None) or DeviceSpec.from_string(name).device_type or "CPU"
    flops, bandwidth, op_seconds, backend = _RATES.get(kind, _RATES["CPU"])
    return DeviceInfo(
        name=name,
        kind=kind,
        backend=known.pop("backend", None) or backend,
        memory_bytes=known.pop("memory_bytes", math.inf),
        flops=known.pop("flops", flops),
        bytes_per_second=known.pop("bytes_per_second", bandwidth),
        op_seconds=known.pop("op_seconds", op_seconds),
        **known,
    )


def local_cluster(cpus: int = 1, job: str = "localhost", **known: Any) -> Cluster:
    """Devices of one task within the calling process: `/job:localhost/replica:0/task:0/device:CPU:<i>`.

    Args:
        cpus: how many CPU devices.
        job: name of the job.
        **known: fields of `DeviceInfo`, the same for all.
    """
    return Cluster(
        tuple(device_info(f"/job:{job}/task:0/device:CPU:{i}", process="local", **known) for i in range(cpus))
    )
