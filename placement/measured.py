"""Costs and links from step statistics: what devices note when a step is traced."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..graph.errors import PlacementError
from ..graph.ir import Ref
from .cluster import Cluster, Link
from .costs import Costs
from .plan import Plan

__all__ = ["costs_of_statistics", "links_of_statistics", "node_seconds", "transfer_seconds"]

Transfers = dict[tuple[str, str, str], float]
"""Seconds by tensor, source and destination."""


def costs_of_statistics(statistics_of_steps: Any, known: Costs | None = None) -> Costs:
    """What traced steps say about costs: times of ops on the devices that ran them, shapes that were not known.

    Args:
        statistics_of_steps: a RunMetadata (or StepStats) of a traced step, or several; of several, the median of each
            node's times counts.
        known: costs to start from; what was measured replaces what they say.

    Raises:
        PlacementError: it holds no step statistics.
    """
    base = known or Costs()
    times: dict[tuple[str, str], list[float]] = {}
    shapes: dict[Ref, tuple[int, ...]] = dict(base.shapes)
    for stats in _all(statistics_of_steps):
        for device, node in _nodes(stats):
            times.setdefault((node.node_name, device), []).append(_seconds(node))
            for output in node.output:
                dims = tuple(int(d.size) for d in output.tensor_description.shape.dim)
                shapes[node.node_name, int(output.slot)] = dims
    if not times:
        raise PlacementError(
            None,
            "the run metadata holds no step statistics; run the step with RunOptions(trace_level=3)",
        )
    seconds = {**base.seconds, **{key: statistics.median(found) for key, found in times.items()}}
    return replace(base, seconds=seconds, shapes=shapes)


def node_seconds(statistics_of_steps: Any) -> dict[tuple[str, str], float]:
    """Measured seconds by node and device."""
    return dict(costs_of_statistics(statistics_of_steps).seconds)


def transfer_seconds(statistics_of_steps: Any) -> Transfers:
    """Measured seconds of tensors that went from device to device: from when they left to when they were there."""
    times: dict[tuple[str, str, str], list[float]] = {}
    for stats in _all(statistics_of_steps):
        for device in stats.dev_stats:
            for node in device.node_stats:
                key = node.timeline_label.removesuffix(" = _Recv")
                if key != node.timeline_label and key.count(";") == 2:
                    tensor, source, target = key.split(";")
                    times.setdefault((tensor, source, target), []).append(_seconds(node))
    return {key: statistics.median(found) for key, found in times.items()}


def links_of_statistics(statistics_of_steps: Any, plan: Plan, cluster: Cluster) -> Cluster:
    """The cluster with links as traced steps have them, for the pairs of devices that exchanged tensors.

    Args:
        statistics_of_steps: as for `costs_of_statistics`.
        plan: of those steps; has the sizes of the tensors.
        cluster: the devices and the links that were assumed.
    """
    sizes = {(t.tensor, t.src, t.dst): t.bytes for t in plan.transfers}
    rows: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for key, seconds in transfer_seconds(statistics_of_steps).items():
        if key in sizes:
            rows.setdefault((key[1], key[2]), []).append((sizes[key], seconds))
    pairs = dict(cluster.pairs)
    for pair, points in rows.items():
        if all(name in cluster.index for name in pair):
            pairs[pair] = _fitted(points, cluster.link(*pair))
    return replace(cluster, pairs=pairs)


def _fitted(points: Sequence[tuple[float, float]], assumed: Link) -> Link:
    """The link that comes closest to (bytes, seconds) pairs; where sizes hardly differ, with the assumed bandwidth."""
    size, seconds = np.array(points, dtype=np.float64).T
    rate = assumed.bytes_per_second
    if len(size) > 2 and size.max() > 4 * max(size.min(), 4096.0):
        slope, _ = np.polyfit(size, seconds, 1)
        if slope > 0:
            rate = float(1.0 / slope)
    latency = max(float(np.median(seconds - size / rate)), 0.0)
    return Link(latency, rate, assumed.shared)


def _all(given: Any) -> Iterator[Any]:
    """The StepStats in one or several messages."""
    for message in given if isinstance(given, (list, tuple)) else (given,):
        stats = getattr(message, "step_stats", message)
        if not hasattr(stats, "dev_stats"):
            raise PlacementError(
                None, f"step statistics are a RunMetadata or a StepStats message, got {message!r}"
            )
        yield stats


def _nodes(stats: Any) -> Iterator[tuple[str, Any]]:
    for device in stats.dev_stats:
        for node in device.node_stats:
            if not node.timeline_label.endswith(" = _Recv"):
                yield device.device, node


def _seconds(node: Any) -> float:
    return float(node.all_end_rel_nanos or 1000 * node.all_end_rel_micros) * 1e-9


def costs_to_dict(costs: Costs) -> dict[str, Any]:
    """Costs as plain data that JSON can hold; see `Costs.to_json`."""
    return {
        "shapes": [[name, output, list(dims)] for (name, output), dims in costs.shapes.items()],
        "seconds": [[name, device, value] for (name, device), value in costs.seconds.items()],
        "resident": dict(costs.resident),
        "batch": costs.batch,
        "dimension": costs.dimension,
    }


def costs_from_dict(data: Mapping[str, Any]) -> Costs:
    """What `costs_to_dict` made."""
    try:
        return Costs(
            shapes={(str(n), int(i)): tuple(int(d) for d in dims) for n, i, dims in data["shapes"]},
            seconds={(str(n), str(d)): float(v) for n, d, v in data["seconds"]},
            resident={str(n): float(v) for n, v in data["resident"].items()},
            batch=int(data["batch"]),
            dimension=int(data["dimension"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, PlacementError):
            raise
        raise PlacementError(None, f"these are no costs: {type(error).__name__} {error}") from None
