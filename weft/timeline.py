"""Steps as time lines for `chrome://tracing`: `tensorflow.python.client.timeline`."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["Timeline"]


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
            show_dataflow, show_memory, op_time: accepted for TensorFlow's sake.
        """
        del show_dataflow, show_memory, op_time
        events: list[dict[str, Any]] = []
        for number, device in enumerate(self._stats.dev_stats):
            events.append(
                {
                    "name": "process_name",
                    "ph": "M",
                    "pid": number,
                    "args": {"name": f"{device.device} Compute"},
                }
            )
            for node in device.node_stats:
                _, _, rest = node.timeline_label.partition(" = ")
                kind = rest.partition("(")[0] or node.node_name
                events.append(
                    {
                        "name": kind,
                        "cat": "Op",
                        "ph": "X",
                        "pid": number,
                        "tid": node.thread_id,
                        "ts": node.all_start_micros,
                        "dur": node.all_end_rel_micros or node.op_end_rel_micros,
                        "args": {"name": node.node_name, "op": kind},
                    }
                )
        return json.dumps({"traceEvents": events}, indent=1)
