"""Device actors that several programs share: found by name, they belong to no session."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterable
from typing import Any

from ..graph.errors import AlreadyExistsError, InvalidArgumentError, NotFoundError, UnavailableError
from ..placement import DeviceInfo
from .cluster_spec import ClusterSpec
from .config import ConfigProto
from .inventory import describe_devices
from .launch import (
    NAMESPACE,
    DeviceActors,
    attach,
    connect,
    device_actor_name,
    launch_devices,
    wait_for_actors,
)
from .progress import Waiting
from .ray_target import RayTarget

__all__ = ["cluster_down", "cluster_up", "join_cluster", "list_clusters"]

_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
_SCHEME = "weft://"


def join_cluster(target: str, config: ConfigProto, session: str) -> RayTarget:
    """A target on the running devices of a shared cluster.

    Args:
        target: `weft://name`.
        config: settings; `start_timeout` bounds the wait for tasks that have not started yet.
        session: name of the session.

    Raises:
        NotFoundError: no device of that cluster is there; the message lists the clusters that are.
        UnavailableError: some of its tasks have not started in time.
    """
    name = target.removeprefix(_SCHEME)
    attach("ray", 1, config)
    handles = _wait_for_all(name, config)
    infos = wait_for_actors(handles, config)
    connect(handles)
    return RayTarget(DeviceActors(dict(handles), infos, None, owned=False), session, None, config)


def _wait_for_all(name: str, config: ConfigProto) -> dict[str, Any]:
    """Actors of all devices that the cluster is to have, once all are there."""
    import ray

    expected: tuple[str, ...] = ()
    handles: dict[str, Any] = {}

    def missing() -> list[str]:
        return [d for d in expected if d not in handles]

    waiting = Waiting(config.start_timeout, lambda: f"waiting for {', '.join(missing()) or name}")
    while True:
        if not expected:
            first = next(iter(_actors_of(name)), None)
            if first is not None:
                expected = ray.get(ray.get_actor(first, namespace=NAMESPACE).cluster.remote())
        for device in missing():
            with contextlib.suppress(ValueError):
                handles[device] = ray.get_actor(device_actor_name(name, device), namespace=NAMESPACE)
        if expected and not missing():
            return {d: handles[d] for d in expected}
        if not expected and waiting.seconds > 2.0:
            listed = ", ".join(list_clusters()) or "none"
            raise NotFoundError(
                None, f"there is no cluster {name!r} on this Ray cluster; there are: {listed}"
            )
        if waiting.expired():
            raise UnavailableError(None, f"tasks of cluster {name!r} did not start: {', '.join(missing())}")
        time.sleep(0.1)


def _named_actors() -> Iterable[str]:
    from ray.util import list_named_actors

    for row in list_named_actors(all_namespaces=True):
        if row["namespace"] == NAMESPACE and row["name"].startswith("weft:"):
            yield row["name"]


def _actors_of(cluster: str) -> list[str]:
    return sorted(n for n in _named_actors() if n.startswith(f"weft:{cluster}:"))


def list_clusters() -> dict[str, list[str]]:
    """Names of the clusters and sessions that have devices on this Ray cluster, with their devices."""
    found: dict[str, list[str]] = {}
    for actor in sorted(_named_actors()):
        _, cluster, device = actor.split(":", 2)
        found.setdefault(cluster, []).append(device)
    return found


def cluster_up(name: str, spec: ClusterSpec, config: ConfigProto | None = None) -> list[DeviceInfo]:
    """Starts device actors that outlive this program; sessions reach them as `weft://name`.

    Args:
        name: letters, digits, and `_.-`.
        spec: jobs, tasks and what they need.
        config: settings.

    Returns:
        The devices.

    Raises:
        AlreadyExistsError: there is a cluster of that name.
        ResourceExhaustedError: Ray cannot give what it asks for.
    """
    if not _NAME.match(name):
        raise InvalidArgumentError(None, f"a cluster's name is letters, digits and _.-, got {name!r}")
    settings = config or ConfigProto()
    infos = describe_devices(spec, settings)
    attach("ray", len(infos), settings)
    if _actors_of(name):
        raise AlreadyExistsError(None, f"there is a cluster {name!r} already; `weft down {name}` ends it")
    return launch_devices(spec, infos, settings, name, detached=True).infos


def cluster_down(name: str) -> int:
    """Ends a cluster that `cluster_up` started; the number of devices that are gone.

    Raises:
        NotFoundError: there is no such cluster.
    """
    import ray
    from ray.util.placement_group import get_placement_group, remove_placement_group

    attach("ray", 1, ConfigProto())
    actors = _actors_of(name)
    if not actors:
        listed = ", ".join(list_clusters()) or "none"
        raise NotFoundError(None, f"there is no cluster {name!r} on this Ray cluster; there are: {listed}")
    for actor in actors:
        with contextlib.suppress(ValueError):
            ray.kill(ray.get_actor(actor, namespace=NAMESPACE), no_restart=True)
    with contextlib.suppress(ValueError):
        remove_placement_group(get_placement_group(f"weft:{name}"))
    return len(actors)
