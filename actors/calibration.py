"""Measures this machine's devices and links once, and keeps what it finds in a file of the user's cache.

`calibrate()` takes about 10 seconds, 20 more where it starts a Ray.
From then on sessions plan with measured rates instead of usual ones. The file is
`$XDG_CACHE_HOME/weft/calibration-<key>.json` (`~/.cache/weft/...`); its key follows from the processor, the number of
cores and the versions of what computes, so another machine or an upgrade is measured anew. `WEFT_CALIBRATION` names
another file, or is `off`.
"""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ..graph.errors import OpError, PlacementError
from ..placement import Cluster, DeviceInfo, Link
from ..placement.op_times import OpTimes
from .speeds import DeviceSpeed

__all__ = ["Calibration", "Transport", "calibrate", "calibrated", "calibration_path", "known_calibration"]

_LOG = logging.getLogger("weft")

_FORMAT = 1


@dataclass(frozen=True)
class Transport:
    """What steps and tensors cost between devices of one kind of target.

    Attributes:
        step_seconds: what a step costs the caller besides what the devices do.
        stage_seconds: what each run of a device between two waits costs.
        latency_seconds: time of an empty tensor from device to device.
        bytes_per_second: what tensors travel at.
        caller_latency, caller_bytes_per_second: the same between the caller and a device; 0 where they share a
            process.
    """

    step_seconds: float
    stage_seconds: float
    latency_seconds: float
    bytes_per_second: float
    caller_latency: float = 0.0
    caller_bytes_per_second: float = 0.0


@dataclass(frozen=True)
class Calibration:
    """What was measured on a machine.

    Attributes:
        machine: in words.
        devices: speed by backend, and by `backend@1` for one that uses one thread.
        transports: by target: "local", "ray".
        seconds: how long measuring took.
    """

    machine: str
    devices: Mapping[str, DeviceSpeed]
    transports: Mapping[str, Transport] = field(default_factory=dict)
    seconds: float = 0.0

    def to_json(self) -> str:
        """The calibration as JSON text."""
        data = {**asdict(self), "format": _FORMAT}
        return json.dumps(data, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Calibration:
        """Reads what `to_json` wrote.

        Raises:
            PlacementError: the text is no calibration.
        """
        try:
            data = json.loads(text)
            if data.pop("format") != _FORMAT:
                raise ValueError("it is of another version of weft")
            devices = {name: _speed(row) for name, row in data.pop("devices").items()}
            transports = {name: Transport(**row) for name, row in data.pop("transports").items()}
            return cls(devices=devices, transports=transports, **data)
        except (AttributeError, KeyError, TypeError, ValueError, PlacementError) as error:
            raise PlacementError(None, f"this is no calibration: {error}") from None

    def text(self) -> str:
        """The main figures, a line each."""
        lines = [f"{self.machine}, measured in {self.seconds:.1f} s"]
        for name, speed in self.devices.items():
            rates = ", ".join(f"{dtype} {rate / 1e9:.1f} GFLOP/s" for dtype, rate in speed.flops.items())
            lines.append(
                f"  {name}: {rates}; {speed.bytes_per_second / 1e9:.1f} GB/s; {speed.op_seconds * 1e6:.1f} µs an op; "
                f"{len(speed.op_times)} op types with times of their own"
            )
        for name, t in self.transports.items():
            lines.append(
                f"  {name}: {t.step_seconds * 1e6:.0f} µs a step, {t.stage_seconds * 1e6:.0f} µs a stage, "
                f"{t.latency_seconds * 1e6:.0f} µs and {t.bytes_per_second / 1e9:.2f} GB/s a tensor"
            )
        return "\n".join(lines)


def _speed(row: Mapping[str, Any]) -> DeviceSpeed:
    known = dict(row)
    times = {name: OpTimes(**fields) for name, fields in known.pop("op_times").items()}
    return DeviceSpeed(op_times=times, **known)


# --- the file ---------------------------------------------------------------------------------------------


def calibration_path() -> Path | None:
    """Where this machine's calibration is kept; None where `WEFT_CALIBRATION` is off."""
    given = os.environ.get("WEFT_CALIBRATION", "")
    if given == "off":
        return None
    if given:
        return Path(given)
    return _folder() / f"calibration-{_key()}.json"


def _folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "weft"


@functools.cache
def _key() -> str:
    from importlib import metadata

    versions = [f"{name} {metadata.version(name)}" for name in ("numpy", "jax", "ray")]
    threads = [os.environ.get(n, "") for n in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")]
    parts = [_processor(), str(os.cpu_count()), sys.version, *versions, *threads, str(_FORMAT)]
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=6).hexdigest()


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            found = {line.split(":", 1)[1].strip() for line in file if line.startswith("model name")}
        return ", ".join(sorted(found)) or platform.machine()
    except OSError:
        return platform.processor() or platform.machine()


_known: dict[str, tuple[int, Calibration | None]] = {}


def known_calibration() -> Calibration | None:
    """This machine's calibration if there is one; a file that cannot be read counts as none."""
    if not os.environ.get("WEFT_CALIBRATION") and not any(_folder().glob("calibration-*.json")):
        return None  # most programs: they need not find out what the file would be called
    path = calibration_path()
    if path is None:
        return None
    try:
        stamp = path.stat().st_mtime_ns
    except OSError:
        return None
    cached = _known.get(str(path))
    if cached is not None and cached[0] == stamp:
        return cached[1]
    found = None
    try:
        found = Calibration.from_json(path.read_text(encoding="utf-8"))
    except (OSError, PlacementError) as error:
        _LOG.warning("the calibration in %s is left out, `weft calibrate` makes a new one: %s", path, error)
    _known[str(path)] = (stamp, found)
    return found


def _keep(path: Path, found: Calibration) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(f".{os.getpid()}")
    scratch.write_text(found.to_json(), encoding="utf-8")
    scratch.replace(path)


# --- measuring --------------------------------------------------------------------------------------------


def calibrate(
    *, ray: bool = True, force: bool = True, progress: bool | Callable[[str, float], None] = True
) -> Calibration:
    """Measures this machine's devices and links, and keeps the result for later sessions and programs.

    Args:
        ray: whether to measure device actors too; starts a local Ray where none is attached.
        force: whether to measure although there is a calibration.
        progress: whether to show progress on standard error, or what to call with the step and the share done.

    Returns:
        What was found. Takes about 10 seconds, 20 more where a Ray has to be started.
    """
    known = known_calibration()
    if known is not None and not force and (not ray or "ray" in known.transports):
        return known
    told: Callable[[str, float], None] = lambda what, share: None  # noqa: E731
    if progress is True:
        told = _Bar().tell
    elif callable(progress):
        told = progress
    start = time.monotonic()
    devices = _measure_devices(told)
    from .measure_links import measure_local, measure_ray

    told("steps in this process", 0.55)
    transports = {"local": measure_local()}
    if ray:
        told("device actors", 0.6)
        try:
            made, actor = measure_ray(told)
        except OpError as error:
            _LOG.warning("device actors were not measured: %s", error.message)
        else:
            transports["ray"] = made
            devices["numpy@1"] = _combined(devices["numpy"], actor)
    machine = f"{platform.node()}: {_processor()}, {os.cpu_count()} cores"
    found = Calibration(machine, devices, transports, time.monotonic() - start)
    path = calibration_path()
    if path is not None:
        _keep(path, found)
    told("done", 1.0)
    return found


def _measure_devices(told: Callable[[str, float], None]) -> dict[str, DeviceSpeed]:
    from .inventory import local_accelerators
    from .measure import measure_device

    backends = ["numpy", *(["cupy"] if local_accelerators() else [])]
    found = {}
    for number, name in enumerate(backends):
        base, share = 0.55 * number / len(backends), 0.55 / len(backends)
        found[name] = measure_device(
            name,
            6.5 / len(backends),
            lambda what, done, b=base, s=share, n=name: told(f"{n}: {what}", b + s * done),
        )
    return found


def _combined(whole: DeviceSpeed, part: DeviceSpeed) -> DeviceSpeed:
    """A device of one thread: what was measured there, and for the rest what holds for all threads."""
    return replace(whole, flops=part.flops, op_times={**whole.op_times, **part.op_times})


class _Bar:
    """A line on standard error that shows how far measuring is."""

    def __init__(self) -> None:
        from tqdm import tqdm

        self._bar = tqdm(
            total=100, desc="weft calibrate", bar_format="{desc}: {percentage:3.0f}%|{bar}| {postfix}"
        )

    def tell(self, what: str, share: float) -> None:
        self._bar.set_postfix_str(what, refresh=False)
        self._bar.update(int(100 * share) - self._bar.n)
        if share >= 1:
            self._bar.close()


# --- using it ---------------------------------------------------------------------------------------------


def calibrated(cluster: Cluster, target: str, found: Calibration | None = None) -> Cluster:
    """A cluster with measured rates in the place of usual ones.

    Args:
        cluster: devices of this machine, or of others like it.
        target: "local" for devices of this process, "ray" for device actors.
        found: what was measured; this machine's calibration if None.

    Returns:
        The cluster; as it is where nothing was measured.
    """
    known = known_calibration() if found is None else found
    if known is None:
        return _in_turn(cluster, target)
    devices = tuple(_calibrated_device(d, target, known) for d in cluster.devices)
    transport = known.transports.get(target)
    made = _in_turn(replace(cluster, devices=devices), target)
    if transport is None:
        return made
    link = Link(transport.latency_seconds, max(transport.bytes_per_second, 1.0))
    caller = None
    if transport.caller_bytes_per_second:
        caller = Link(transport.caller_latency, transport.caller_bytes_per_second)
    kind = {"local": {"same_process": link}, "ray": {"same_node": link}}[target]
    return replace(
        made,
        step_seconds=transport.step_seconds,
        stage_seconds=transport.stage_seconds,
        caller=caller,
        **kind,
    )


def _calibrated_device(device: DeviceInfo, target: str, known: Calibration) -> DeviceInfo:
    names = [device.backend.split(":")[0]]
    if target == "ray":
        names.insert(0, f"{names[0]}@1")
    speed = next((known.devices[n] for n in names if n in known.devices), None)
    if speed is None:
        return device
    return replace(
        device,
        flops=speed.flops,
        bytes_per_second=speed.bytes_per_second,
        op_seconds=speed.op_seconds,
        op_times=speed.op_times,
    )


def _in_turn(cluster: Cluster, target: str) -> Cluster:
    """The cluster with the devices that share a processor: those of this process, the actors of a node."""
    devices = []
    counts: dict[str, int] = {}
    for device in cluster.devices:
        turns = device.turns
        if device.kind == "CPU" and not turns:
            turns = "process" if target == "local" else f"cores of {device.node}"
            counts[turns] = 1 if target == "local" else os.cpu_count() or 1
        devices.append(replace(device, turns=turns))
    return replace(cluster, devices=tuple(devices), processors={**counts, **cluster.processors})
