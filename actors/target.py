"""What a session runs its steps on: devices in the calling process, or device actors on a Ray cluster."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any, Protocol

from ..graph.errors import InvalidArgumentError
from ..placement import Cluster
from .cluster_spec import ClusterSpec
from .config import ConfigProto
from .step import StepSpec

__all__ = ["Target", "open_target"]


class Target(Protocol):
    """The devices that a session uses.

    Attributes:
        cluster: the devices and the links between them.
        default_device: device of ops that ask for none; None where the planner may choose.
    """

    cluster: Cluster
    default_device: str | None

    def register(self, spec: StepSpec) -> Any:
        """Hands each device its program; the result names the step in `run`."""

    def run(
        self, registered: Any, feeds: Sequence[Any], trace: Any = None, timeout: float | None = None
    ) -> list[Any]:
        """Runs one step.

        Args:
            registered: what `register` gave.
            feeds: values of the step's feeds, as host arrays.
            trace: collects (device, node names, start, end in nanoseconds) rows; None for no tracing.
            timeout: seconds that the step may take; None for no limit.

        Returns:
            For each device, what its program returns, in `StepSpec.fetches` order of the caller.

        Raises:
            OpError: an op failed; no variable was changed.
            UnavailableError: a device is gone.
        """

    def close(self) -> None:
        """Ends running steps and gives the devices back; may be called twice."""


def open_target(target: str | None, cluster: ClusterSpec | None, config: ConfigProto, session: str) -> Target:
    """The target that a string names.

    Args:
        target: "" for the environment variable WEFT_TARGET, or devices in this process where that is not set;
            "local" for devices in this process; "ray" for actors on the Ray cluster that this program is
            attached to, or on one that is started for it; "ray://host:port" for that cluster; "weft://name" for
            running device actors that several programs share: those of `tf.train.Server` or `weft up`.
        cluster: jobs and tasks; None for those of the environment variable WEFT_CLUSTER where the target is not
            given either (JSON with "jobs" and, if wanted, "resources", "backends", "strategy" as in `ClusterSpec`),
            else for the devices of this process.
        config: the session's settings.
        session: name of the session.

    Raises:
        InvalidArgumentError: the string names no target, or WEFT_CLUSTER holds no cluster.
    """
    if cluster is None and not target:
        cluster = _cluster_of_the_environment()
    name = target or os.environ.get("WEFT_TARGET", "") or "local"
    if name == "local":
        from .local import LocalTarget

        return LocalTarget(cluster, config, session)
    if name == "ray" or name.startswith("ray://"):
        from .ray_target import RayTarget

        if config.recover:
            from .recovery import RecoveringTarget

            return RecoveringTarget(lambda: RayTarget.launch(name, cluster, config, session), config)
        return RayTarget.launch(name, cluster, config, session)
    if name.startswith("weft://"):
        from .shared import join_cluster

        return join_cluster(name, config, session)
    raise InvalidArgumentError(
        None,
        f"no session target {name!r}: use '' or 'local' for devices in this process, 'ray' for a Ray cluster, "
        "'ray://host:port' for the one at that address, or 'weft://name' for a cluster that is up already",
    )


def _cluster_of_the_environment() -> ClusterSpec | None:
    """The cluster that WEFT_CLUSTER describes, if it is set."""
    text = os.environ.get("WEFT_CLUSTER", "")
    if not text:
        return None
    try:
        given = json.loads(text)
        jobs = {
            job: {int(k): v for k, v in tasks.items()} if isinstance(tasks, dict) else tasks
            for job, tasks in given["jobs"].items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidArgumentError(None, f"WEFT_CLUSTER holds no cluster: {error!r}") from None
    return ClusterSpec(jobs, given.get("resources"), given.get("backends"), given.get("strategy", "pack"))
