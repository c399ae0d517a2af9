"""Steps as time lines for Perfetto and `chrome://tracing`: `tensorflow.python.client.timeline`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

__all__ = ["Timeline"]

_RECEIVED = "_recv_"
"""What names of received tensors begin with in step statistics."""


class Timeline:
    """What ran where and when in a traced step.

    Args:
        step_stats: `RunMetadata.step_stats` of a step that was run with `RunOptions.FULL_TRACE`.
        graph: accepted for TensorFlow's sake.
    """

    def __init__(self, step_stats: Any, graph: Any = None) -> None:
        del graph
        self._stats = step_stats

    def generate_chrome_trace_format(
        self, show_dataflow: bool = True, show_memory: bool = False, op_time: str = "schedule"
    ) -> str:
        """The time line as JSON text, one row per device.

        Args:
            show_dataflow: whether an arrow goes from each op whose result another device gets to where it arrives.
            show_memory, op_time: accepted for TensorFlow's sake.
        """
        del show_memory, op_time
        events: list[dict[str, Any]] = []
        for number, device in enumerate(self._stats.dev_stats):
            name = {"name": f"{device.device} Compute"}
            events.append({"name": "process_name", "ph": "M", "pid": number, "args": name})
            events.extend(_op(number, node) for node in device.node_stats)
        if show_dataflow:
            events.extend(self._flows())
        return json.dumps({"traceEvents": events}, indent=1)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the time line to a file that https://ui.perfetto.dev opens."""
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.generate_chrome_trace_format())

    def _flows(self) -> Iterator[dict[str, Any]]:
        """A start and an end for each tensor that arrives on another device."""
        made: dict[str, tuple[int, Any]] = {}
        for number, device in enumerate(self._stats.dev_stats):
            for node in device.node_stats:
                if not node.node_name.startswith(_RECEIVED):
                    made[node.node_name] = number, node
        count = 0
        for number, device in enumerate(self._stats.dev_stats):
            for node in device.node_stats:
                tensor = node.node_name.removeprefix(_RECEIVED)
                source = made.get(tensor.split(":")[0].removeprefix("^"))
                if tensor == node.node_name or source is None or source[0] == number:
                    continue
                row = {"name": tensor, "cat": "DataFlow", "id": count}
                sent = source[1].all_start_micros + max(0, source[1].all_end_rel_micros - 1)
                yield {**row, "ph": "s", "pid": source[0], "tid": source[1].thread_id, "ts": sent}
                at = node.all_start_micros
                yield {**row, "ph": "f", "bp": "e", "pid": number, "tid": node.thread_id, "ts": at}
                count += 1


def _op(device: int, node: Any) -> dict[str, Any]:
    _, _, rest = node.timeline_label.partition(" = ")
    kind = rest.partition("(")[0] or node.node_name
    return {
        "name": kind,
        "cat": "Op",
        "ph": "X",
        "pid": device,
        "tid": node.thread_id,
        "ts": node.all_start_micros,
        "dur": node.all_end_rel_micros or node.op_end_rel_micros,
        "args": {"name": node.node_name, "op": kind},
    }
