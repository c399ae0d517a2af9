"""Which devices there are: those of this machine, and those that a cluster spec asks for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..graph.device_spec import DeviceSpec
from ..placement import DeviceInfo
from ..placement.cluster import device_info
from .cluster_spec import ClusterSpec
from .config import ConfigProto

__all__ = ["DeviceAttributes", "describe_devices", "list_local_devices", "task_devices"]

_USUAL_BACKENDS = {"CPU": "numpy", "GPU": "cupy", "TPU": "jax"}


@dataclass(frozen=True)
class DeviceAttributes:
    """A device as `Session.list_devices` shows it.

    Attributes:
        name: full name.
        device_type: "CPU", "GPU" or "TPU".
        memory_limit_bytes: memory that it may use.
        backend: array library that computes on it.
    """

    name: str
    device_type: str
    memory_limit_bytes: int
    backend: str = ""

    @property
    def memory_limit(self) -> int:
        return self.memory_limit_bytes


def describe_devices(cluster: ClusterSpec | None, config: ConfigProto) -> list[DeviceInfo]:
    """The devices of every task of a cluster, or of this process where there is none."""
    if cluster is None:
        counts = {"CPU": 1, **local_accelerators(), **dict(config.device_count)}
        return [
            session_device("localhost", 0, kind, index, config, {})
            for kind in sorted(counts)
            for index in range(int(counts[kind]))
        ]
    return [info for job, task in cluster.tasks() for info in task_devices(cluster, job, task, config)]


def task_devices(cluster: ClusterSpec, job: str, task: int, config: ConfigProto) -> list[DeviceInfo]:
    """The devices of one task: a CPU device, and one for each accelerator that it asks for."""
    needs = cluster.resources.get(job, {})
    counts = {"CPU": 1, "GPU": int(needs.get("GPU", 0)), "TPU": int(needs.get("TPU", 0))}
    return [
        session_device(job, task, kind, index, config, cluster.backends)
        for kind, count in counts.items()
        for index in range(count)
    ]


def session_device(
    job: str, task: int, kind: str, index: int, config: ConfigProto, backends: Mapping[str, str]
) -> DeviceInfo:
    """One device with the usual rates of its type; calibration replaces them by measured ones."""
    known: dict[str, Any] = {"memory_bytes": float(host_memory())} if kind == "CPU" else {}
    return device_info(
        DeviceSpec(job, 0, task, kind, index).to_string(),
        backend=backends.get(job) or config.backends.get(kind) or _USUAL_BACKENDS.get(kind, "numpy"),
        node="local",
        process="local",
        **known,
    )


def host_memory() -> int:
    """Bytes of this machine's main memory."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return 8 * 2**30


def local_accelerators() -> dict[str, int]:
    """How many GPUs CuPy can use here; none are looked for unless the driver is there."""
    if not os.path.exists("/proc/driver/nvidia") and not os.path.exists("/dev/nvidia0"):
        return {}
    from ..kernels.backend import available_backends

    if available_backends().get("cupy") is not None:
        return {}
    from ..kernels.backend import get_backend

    return {"GPU": int(get_backend("cupy").xp().cuda.runtime.getDeviceCount())}


def list_local_devices(session_config: ConfigProto | None = None) -> list[DeviceAttributes]:
    """The devices that a session in this process has.

    Args:
        session_config: settings of the session.
    """
    return [attributes(i) for i in describe_devices(None, session_config or ConfigProto())]


def attributes(info: Any) -> DeviceAttributes:
    """A device of the cluster model as a user sees it."""
    return DeviceAttributes(info.name, info.kind, int(info.memory_bytes), info.backend)
