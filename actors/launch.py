"""Starts the device actors of a cluster on Ray, and takes them down again."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..graph.errors import UnavailableError
from ..placement import DeviceInfo
from .capacity import wait_for_group
from .cluster_spec import ClusterSpec
from .config import ConfigProto
from .progress import Waiting

__all__ = ["NAMESPACE", "DeviceActors", "attach", "device_actor_name", "launch_devices", "start_devices"]

NAMESPACE = "weft"
"""Ray namespace of all device actors, so that every program on the Ray cluster can find those that are shared."""

_OBJECT_STORE_BYTES = 512 * 2**20

_CONNECT_SECONDS = 30.0


@dataclass
class DeviceActors:
    """Running device actors.

    Attributes:
        handles: actor of each device, by full name.
        infos: each device, with the node and process that it runs in.
        group: the placement group that holds their resources; None where somebody else holds it.
        owned: whether they end with the session.
        recipes: how each actor is started: Ray options, arguments.
        more_groups: placement groups of devices that were added later.
    """

    handles: dict[str, Any]
    infos: list[DeviceInfo]
    group: Any
    owned: bool = True
    recipes: dict[str, tuple[dict[str, Any], tuple[Any, ...]]] = field(default_factory=dict)
    more_groups: list[Any] = field(default_factory=list)

    def add(self, more: DeviceActors) -> None:
        """Takes in devices that were started later."""
        self.handles.update(more.handles)
        self.infos = [*self.infos, *more.infos]
        self.recipes.update(more.recipes)
        self.more_groups.append(more.group)
        connect(self.handles)

    def stop(self) -> None:
        """Kills the actors and frees their resources."""
        import ray
        from ray.util.placement_group import remove_placement_group

        if not ray.is_initialized():
            return
        for actor in self.handles.values():
            with contextlib.suppress(Exception):
                ray.kill(actor, no_restart=True)
        for group in (self.group, *self.more_groups):
            if group is not None:
                with contextlib.suppress(Exception):
                    remove_placement_group(group)


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


def device_actor_name(cluster: str, device: str) -> str:
    """Name of a device's actor: `weft:<cluster>:/job:worker/task:0/device:CPU:0`."""
    from .device_actor import short_name

    return f"weft:{cluster}:{short_name(device)}"


def launch_devices(
    spec: ClusterSpec,
    devices: Sequence[DeviceInfo],
    config: ConfigProto,
    name: str,
    detached: bool = False,
    part: str = "",
) -> DeviceActors:
    """Starts one actor per device in a placement group and waits until all are there.

    Args:
        spec: jobs, tasks and what they need.
        devices: the devices of all tasks.
        config: settings; `start_timeout` bounds the wait.
        name: name of the session or cluster, part of the actors' names.
        detached: whether they outlive this program.
        part: tells apart the placement groups of one session.

    Raises:
        ResourceExhaustedError: Ray cannot give what the cluster asks for.
        UnavailableError: an actor died while it started.
    """
    from ray.util.placement_group import placement_group, remove_placement_group

    bundles = [bundle_of(spec, d) for d in devices]
    group = placement_group(
        bundles,
        strategy=spec.strategy.upper(),
        name=f"weft:{name}{part}",
        lifetime="detached" if detached else None,
    )
    try:
        wait_for_group(group, bundles, config)
        return start_devices(bundles, devices, [d.name for d in devices], config, name, group, detached)
    except BaseException:
        remove_placement_group(group)
        raise


def bundle_of(spec: ClusterSpec, device: DeviceInfo) -> dict[str, float]:
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


def start_devices(
    bundles: Sequence[Mapping[str, float]],
    devices: Sequence[DeviceInfo],
    expected: Sequence[str],
    config: ConfigProto,
    name: str,
    group: Any = None,
    detached: bool = False,
) -> DeviceActors:
    """Starts the actors of some devices and waits until they are there.

    Args:
        bundles: Ray resources of each.
        devices: the devices.
        expected: names of all devices of the cluster.
        config: settings; `start_timeout` bounds the wait.
        name: name of the session or cluster.
        group: placement group that holds the bundles; None for no group.
        detached: whether they outlive this program.

    Raises:
        UnavailableError: an actor died while it started, or did not start in time.
    """
    from .device_actor import actor_class

    cls = actor_class()
    handles: dict[str, Any] = {}
    recipes = {}
    for index, (device, bundle) in enumerate(zip(devices, bundles, strict=True)):
        rest = {k: v for k, v in bundle.items() if k not in ("CPU", "GPU", "memory")}
        options = {
            "name": device_actor_name(name, device.name),
            "namespace": NAMESPACE,
            "lifetime": "detached" if detached else None,
            "num_cpus": bundle.get("CPU", 0),
            "num_gpus": bundle.get("GPU", 0),
            "memory": bundle.get("memory"),
            "resources": rest or None,
            **_placed(group, index),
        }
        recipes[device.name] = options, (device, tuple(expected))
        handles[device.name] = cls.options(**options).remote(*recipes[device.name][1])
    made = DeviceActors(handles, [], group, recipes=recipes)
    try:
        made.infos = wait_for_actors(handles, config)
    except BaseException:
        made.stop()
        raise
    connect(handles)
    return made


def _placed(group: Any, index: int) -> dict[str, Any]:
    if group is None:
        return {}
    from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

    return {
        "scheduling_strategy": PlacementGroupSchedulingStrategy(group, placement_group_bundle_index=index)
    }


def wait_for_actors(handles: Mapping[str, Any], config: ConfigProto) -> list[DeviceInfo]:
    """Waits until the actors answer; their devices, in the order of the handles.

    Raises:
        UnavailableError: one of them is dead, or they do not answer in time.
    """
    import ray
    from ray.exceptions import RayActorError

    pending = {actor.ready.remote(): name for name, actor in handles.items()}
    found: dict[str, DeviceInfo] = {}
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
    return [found[name] for name in handles]


def connect(handles: Mapping[str, Any]) -> None:
    """Makes the actors known to each other."""
    import ray
    from ray.exceptions import RayError

    try:
        ray.get([a.connect.remote(dict(handles)) for a in handles.values()], timeout=_CONNECT_SECONDS)
    except RayError as error:
        raise UnavailableError(None, f"a device was lost while the devices were connected: {error}") from None
