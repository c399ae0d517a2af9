"""What a traced step did, as TensorFlow's RunMetadata: step statistics per device, and partition graphs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .config import RunOptions
from .step import StepSpec

__all__ = ["fill_metadata"]

Row = tuple[str, tuple[str, ...], int, int]


def fill_metadata(metadata: Any, spec: StepSpec, trace: Sequence[Row] | None, options: RunOptions) -> None:
    """Fills a RunMetadata message.

    Args:
        metadata: the message; what it held is cleared.
        spec: the step that ran.
        trace: rows of device, node names, start and end in nanoseconds since the epoch.
        options: what was asked for.
    """
    metadata.Clear()
    for row in trace or ():
        _add_row(metadata.step_stats, spec, row)
    if options.output_partition_graphs:
        from ..graph.graph_def import write_ir_nodes

        for part in spec.partitions.values():
            write_ir_nodes(metadata.partition_graphs.add(), part.nodes)


def _add_row(step_stats: Any, spec: StepSpec, row: Row) -> None:
    device, names, start, end = row
    stats = next((d for d in step_stats.dev_stats if d.device == device), None)
    if stats is None:
        stats = step_stats.dev_stats.add()
        stats.device = device
    # A segment is timed as a whole: its nodes share the time by their predicted cost, in order.
    shares = _shares(spec, names)
    at = float(start)
    for name, share in zip(names, shares, strict=True):
        node = stats.node_stats.add()
        node.node_name = name
        taken = (end - start) * share
        node.all_start_micros = int(at // 1000)
        node.op_start_rel_micros = 0
        node.op_end_rel_micros = int(taken // 1000)
        node.all_end_rel_micros = int(taken // 1000)
        node.all_start_nanos = int(at)
        node.op_end_rel_nanos = int(taken)
        node.all_end_rel_nanos = int(taken)
        found = spec.subgraph.nodes.get(name)
        node.timeline_label = f"{name} = {found.op if found else '?'}"
        at += taken


def _shares(spec: StepSpec, names: Sequence[str]) -> list[float]:
    from ..placement import predicted_seconds

    weights = [max(predicted_seconds(spec.subgraph, spec.plan, n), 1e-9) for n in names]
    total = sum(weights)
    return [w / total for w in weights]
