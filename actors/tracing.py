"""What a traced step did, as TensorFlow's RunMetadata: step statistics per device, and partition graphs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..placement import Costs
from .config import RunOptions
from .step import StepSpec
from .timing import Shapes

__all__ = ["fill_metadata"]

Row = tuple[str, tuple[str, ...], int, int, Shapes]
"""Device, and the fields of `timing.Timing`."""


def fill_metadata(metadata: Any, spec: StepSpec, trace: Sequence[Row] | None, options: RunOptions) -> None:
    """Fills a RunMetadata message.

    Args:
        metadata: the message; what it held is cleared.
        spec: the step that ran.
        trace: what ran where and when.
        options: what was asked for.
    """
    metadata.Clear()
    devices: dict[str, Any] = {}
    for row in trace or ():
        device = row[0]
        if device not in devices:
            devices[device] = metadata.step_stats.dev_stats.add()
            devices[device].device = device
        _add_row(devices[device], spec, row)
    if options.output_partition_graphs:
        from ..graph.graph_def import write_ir_nodes

        for part in spec.partitions.values():
            write_ir_nodes(metadata.partition_graphs.add(), part.nodes)


def _add_row(stats: Any, spec: StepSpec, row: Row) -> None:
    device, names, start, end, seen = row
    shapes: dict[str, dict[int, tuple[int, ...]]] = {}
    for (name, output), shape in seen:
        shapes.setdefault(name, {})[output] = shape
    # A segment that is timed as a whole: its nodes share the time by their predicted cost, in order.
    at = float(start)
    for name, share in zip(names, _shares(spec, device, names), strict=True):
        taken = (end - start) * share
        node = _node_stats(stats, name, int(at), int(taken))
        found = spec.subgraph.nodes.get(name)
        if found is not None:
            node.timeline_label = f"{name} = {found.op}({', '.join(n for n, _ in found.inputs)})"
            _add_shapes(node, found, shapes.get(name, {}))
        elif name.count(";") == 2:
            tensor, _, _ = name.split(";")
            node.node_name = f"_recv_{tensor}"
            node.timeline_label = f"{name} = _Recv"
        at += taken


def _node_stats(stats: Any, name: str, start: int, taken: int) -> Any:
    node = stats.node_stats.add()
    node.node_name = name
    node.all_start_micros = start // 1000
    node.op_start_rel_micros = 0
    # TensorBoard takes a node of zero microseconds for one that has no time.
    node.op_end_rel_micros = node.all_end_rel_micros = max(1, round(taken / 1000))
    node.all_start_nanos = start
    node.op_end_rel_nanos = taken
    node.all_end_rel_nanos = taken
    return node


def _add_shapes(stats: Any, node: Any, seen: Mapping[int, tuple[int, ...]]) -> None:
    for output, shape in enumerate(node.shapes):
        dims = seen.get(output)
        if dims is None and shape.is_fully_defined():
            dims = shape.known()
        if dims is None:
            continue
        made = stats.output.add()
        made.slot = output
        made.tensor_description.dtype = node.types[output].as_datatype_enum
        made.tensor_description.shape.SetInParent()  # TensorBoard reads the shape of a scalar too
        for size in dims:
            made.tensor_description.shape.dim.add().size = size


def _shares(spec: StepSpec, device: str, names: Sequence[str]) -> list[float]:
    if len(names) == 1:
        return [1.0]
    from ..placement import predicted_seconds

    known = Costs()
    weights = [max(predicted_seconds(spec.subgraph, spec.plan, n, known), 1e-9) for n in names]
    total = sum(weights)
    return [w / total for w in weights]
