"""Waiting until Ray gives what a cluster asks for: from the nodes that there are, or from those that it starts.

A placement group that does not fit is what makes Ray's autoscaler start nodes, and nodes that hold none go idle and
leave; so nothing else is asked of it here than what it is doing.
"""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ..graph.errors import ResourceExhaustedError
from .config import ConfigProto
from .progress import Waiting

__all__ = ["nodes_coming", "wait_for_group"]


def wait_for_group(group: Any, bundles: Sequence[Mapping[str, float]], config: ConfigProto) -> None:
    """Waits until a placement group has its resources.

    Args:
        group: the placement group.
        bundles: what it asks for.
        config: `start_timeout` bounds the wait from when nothing is on its way any more, `autoscale_timeout` the
            whole of it.

    Raises:
        ResourceExhaustedError: Ray cannot give it; says what was asked, what there is and what is on its way.
    """
    asked = _total(bundles)
    coming: dict[str, int] = {}

    def describe() -> str:
        places = f"{len(bundles)} place{'s' * (len(bundles) > 1)}"
        return f"waiting for {_listed(asked)} in {places}; the Ray cluster has {_existing(asked)}{_on_the_way(coming)}"

    waiting = Waiting(config.start_timeout, describe)
    while not group.wait(timeout_seconds=min(1.0, config.start_timeout)):
        coming = nodes_coming()
        if coming:
            waiting.limit = min(
                max(config.start_timeout, config.autoscale_timeout), waiting.seconds + config.start_timeout
            )
        if waiting.expired():
            raise ResourceExhaustedError(None, _too_large(asked, bundles, coming, waiting.seconds))


def nodes_coming() -> dict[str, int]:
    """How many nodes of each type Ray's autoscaler is starting now; nothing where there is no autoscaler."""
    found: Counter[str] = Counter()
    with contextlib.suppress(Exception):
        import ray
        from ray.autoscaler.v2.sdk import get_cluster_status

        status = get_cluster_status(ray.get_runtime_context().gcs_address)
        for launch in status.pending_launches:
            found[launch.ray_node_type_name] += launch.count
        for node in status.pending_nodes:
            found[node.ray_node_type_name] += 1
    if found:
        return dict(found)
    with contextlib.suppress(Exception):
        from ray.experimental.internal_kv import _internal_kv_get

        report = json.loads(_internal_kv_get("__autoscaling_status"))["autoscaler_report"]
        found.update(report.get("pending_launches") or {})
        found.update(row[1] for row in report.get("pending_nodes") or ())
    return dict(found)


def _too_large(
    asked: Mapping[str, float],
    bundles: Sequence[Mapping[str, float]],
    coming: Mapping[str, int],
    seconds: float,
) -> str:
    largest = max(bundles, key=lambda b: sorted(b.values(), reverse=True))
    on_the_way = _on_the_way(coming) or "; no node is on its way"
    return (
        f"the Ray cluster did not give what the cluster spec asks for within {seconds:.0f} s: asked for "
        f"{_listed(asked)} in {len(bundles)} places (the largest {_listed(largest)}), it has {_existing(asked)}"
        f"{on_the_way}. Ask for fewer tasks or less for each (ClusterSpec(resources=...)), add nodes, or raise "
        "ConfigProto.start_timeout or, where an autoscaler starts nodes, autoscale_timeout"
    )


def _existing(asked: Mapping[str, float]) -> str:
    import ray

    total, free = ray.cluster_resources(), ray.available_resources()
    alive = sum(1 for n in ray.nodes() if n["Alive"])
    amounts = ", ".join(f"{total.get(k, 0):g} {k} ({free.get(k, 0):g} free)" for k in asked)
    return f"{amounts} on {alive} node{'s' * (alive != 1)}"


def _on_the_way(coming: Mapping[str, int]) -> str:
    if not coming:
        return ""
    return "; on their way: " + ", ".join(f"{count} × {kind}" for kind, count in sorted(coming.items()))


def _total(bundles: Sequence[Mapping[str, float]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for bundle in bundles:
        for name, amount in bundle.items():
            total[name] = total.get(name, 0.0) + amount
    return total


def _listed(amounts: Mapping[str, float]) -> str:
    return ", ".join(
        f"{amount / 2**30:.3g} GiB memory" if name == "memory" else f"{amount:g} {name}"
        for name, amount in amounts.items()
    )
