"""Starts the device actors of a cluster on Ray, and takes them down again."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..graph.errors import ResourceExhaustedError, UnavailableError
from ..placement import DeviceInfo
from .cluster_spec import ClusterSpec
from .config import ConfigProto
from .progress import Waiting

__all__ = ["DeviceActors", "attach", "launch_devices"]

_OBJECT_STORE_BYTES = 512 * 2**20


@dataclass
class DeviceActors:
    """Running device actors.

    Attributes:
        handles: actor of each device, by full name.
        nodes: Ray node that each runs on.
        pids: process of each.
        group: the placement group that holds their resources.
    """

    handles: dict[str, Any]
    nodes: dict[str, str]
    pids: dict[str, int]
    group: Any

    def stop(self) -> None:
        """Kills the actors and frees their resources."""
        import ray
        from ray.util.placement_group import remove_placement_group

        if not ray.is_initialized():
            return
        for actor in self.handles.values():
            with contextlib.suppress(Exception):
                ray.kill(actor, no_restart=True)
        with contextlib.suppress(Exception):
            remove_placement_group(self.group)


def attach(target: str, devices: int, config: ConfigProto) -> None:
    """Connects this process to Ray where it is not yet; a Ray that it starts lives as long as the process.

    Args:
        target: "ray" or "ray://host:port".
        devices: how many device actors will be started; a local Ray gets that many CPUs at least.
        config: settings.

    Raises:
        UnavailableError: there is no Ray at that address.
    """
    import ray

    if ray.is_initialized():
        return
    address = target if target.startswith("ray://") else os.environ.get("RAY_ADDRESS", "auto")
    try:
        ray.init(address=address, log_to_driver=True, logging_level=logging.WARNING)
        return
    except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
        if address != "auto":
            raise UnavailableError(None, f"there is no Ray cluster at {address}: {error}") from None
    print("weft: starting a local Ray", file=sys.stderr, flush=True)
    _start_local(devices, config)


def _start_local(devices: int, config: ConfigProto) -> None:
    import ray

    ray.init(
        address="local",
        num_cpus=max(os.cpu_count() or 1, devices),
        include_dashboard=config.dashboard,
        object_store_memory=_OBJECT_STORE_BYTES,
        log_to_driver=True,
        logging_level=logging.WARNING,
    )


def launch_devices(
    spec: ClusterSpec, devices: Sequence[DeviceInfo], config: ConfigProto, session: str
) -> DeviceActors:
    """Starts one actor per device and waits until all are there.

    Args:
        spec: jobs, tasks and what they need.
        devices: the devices of all tasks.
        config: settings; `start_timeout` bounds the wait.
        session: name of the session, part of the actors' names.

    Raises:
        ResourceExhaustedError: Ray cannot give what the cluster asks for.
        UnavailableError: an actor died while it started.
    """
    from ray.util.placement_group import placement_group

    bundles = [_bundle(spec, d) for d in devices]
    group = placement_group(bundles, strategy=spec.strategy.upper(), name=f"weft:{session}")
    try:
        _wait_for_group(group, bundles, config)
        return _start_actors(group, bundles, devices, config, session)
    except BaseException:
        from ray.util.placement_group import remove_placement_group

        remove_placement_group(group)
        raise


def _bundle(spec: ClusterSpec, device: DeviceInfo) -> dict[str, float]:
    """Ray resources that one device's actor holds."""
    job = device.name.split("/job:")[1].split("/")[0]
    needs = spec.resources.get(job, {})
    if device.kind != "CPU":
        bundle = {device.kind: 1.0, "CPU": 0.01}
        if "accelerator_type" in needs:
            bundle[f"accelerator_type:{needs['accelerator_type']}"] = 0.001
        return bundle
    bundle = {"CPU": float(needs.get("CPU", 1))}
    if "memory" in needs:
        bundle["memory"] = float(needs["memory"])
    bundle.update({str(k): float(v) for k, v in needs.get("resources", {}).items()})
    return bundle


def _wait_for_group(group: Any, bundles: Sequence[Mapping[str, float]], config: ConfigProto) -> None:
    asked = _total(bundles)
    waiting = Waiting(
        config.start_timeout,
        lambda: f"waiting for {_listed(asked)} in {len(bundles)} places on the Ray cluster",
    )
    while not group.wait(timeout_seconds=min(1.0, config.start_timeout)):
        if waiting.expired():
            raise ResourceExhaustedError(None, _too_large(asked, bundles, waiting.seconds))


def _too_large(asked: Mapping[str, float], bundles: Sequence[Mapping[str, float]], seconds: float) -> str:
    import ray

    total, free = ray.cluster_resources(), ray.available_resources()
    exists = ", ".join(f"{total.get(k, 0):g} {k} ({free.get(k, 0):g} free)" for k in asked)
    return (
        f"the Ray cluster did not give what the cluster spec asks for within {seconds:.0f} s: asked for "
        f"{_listed(asked)} in {len(bundles)} places, it has {exists} on {len(ray.nodes())} node(s). Ask for fewer "
        "tasks or less for each (ClusterSpec(resources=...)), add nodes, or raise ConfigProto.start_timeout"
    )


def _total(bundles: Sequence[Mapping[str, float]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for bundle in bundles:
        for name, amount in bundle.items():
            total[name] = total.get(name, 0.0) + amount
    return total


def _listed(amounts: Mapping[str, float]) -> str:
    return ", ".join(f"{amount:g} {name}" for name, amount in amounts.items())


def _start_actors(
    group: Any,
    bundles: Sequence[Mapping[str, float]],
    devices: Sequence[DeviceInfo],
    config: ConfigProto,
    session: str,
) -> DeviceActors:
    from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

    from .device_actor import actor_class, short_name

    cls = actor_class()
    handles: dict[str, Any] = {}
    for index, (device, bundle) in enumerate(zip(devices, bundles, strict=True)):
        rest = {k: v for k, v in bundle.items() if k not in ("CPU", "GPU", "memory")}
        handles[device.name] = cls.options(
            name=f"weft:{session}:{short_name(device.name)}",
            num_cpus=bundle.get("CPU", 0),
            num_gpus=bundle.get("GPU", 0),
            memory=bundle.get("memory"),
            resources=rest or None,
            scheduling_strategy=PlacementGroupSchedulingStrategy(group, placement_group_bundle_index=index),
        ).remote(device.name, device.backend)
    try:
        return _wait_for_actors(group, handles, config)
    except BaseException:
        DeviceActors(handles, {}, {}, group).stop()
        raise


def _wait_for_actors(group: Any, handles: Mapping[str, Any], config: ConfigProto) -> DeviceActors:
    import ray
    from ray.exceptions import RayActorError

    pending = {actor.ready.remote(): name for name, actor in handles.items()}
    found: dict[str, dict[str, Any]] = {}
    waiting = Waiting(
        config.start_timeout, lambda: f"starting {len(handles)} device actors, {len(found)} are there"
    )
    while len(found) < len(handles):
        done, _ = ray.wait([r for r, n in pending.items() if n not in found], timeout=1.0)
        for ref in done:
            name = pending[ref]
            try:
                found[name] = ray.get(ref)
            except RayActorError as error:
                raise UnavailableError(None, f"the device actor did not start: {error}", name) from None
        if len(found) < len(handles) and waiting.expired():
            missing = sorted(set(handles) - set(found))
            raise UnavailableError(None, f"device actors did not start in time: {', '.join(missing)}")
    ray.get([actor.connect.remote(dict(handles)) for actor in handles.values()])
    return DeviceActors(
        dict(handles),
        {n: str(f["node"]) for n, f in found.items()},
        {n: int(f["pid"]) for n, f in found.items()},
        group,
    )
