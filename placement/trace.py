"""A simulated step as a trace in Chrome's JSON format, for Perfetto and chrome://tracing."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from typing import Any

from ..graph.ir import Subgraph
from .plan import Plan
from .plan_text import short_names
from .simulate import Simulation, Span

__all__ = ["chrome_trace"]


def chrome_trace(plan: Plan, simulation: Simulation, subgraph: Subgraph | None = None) -> dict[str, Any]:
    """The trace: a process per device, with a thread for its ops (several where they overlap) and one for what arrives.

    Args:
        plan: what was simulated.
        simulation: when everything ran.
        subgraph: gives the ops their types.

    Returns:
        What belongs into the file, ready for `json.dump`. Times are in microseconds.
    """
    used = [d for d in plan.devices if d in plan.order]
    number = {device: i + 1 for i, device in enumerate(used)}
    short = short_names(plan.devices)
    events: list[dict[str, Any]] = []
    for device, pid in number.items():
        events.append(_named("process_name", pid, 0, short[device]))
        events.append({"ph": "M", "name": "process_sort_index", "pid": pid, "args": {"sort_index": pid}})
    names: dict[tuple[int, int], str] = {}
    lanes: dict[tuple[int, str], list[tuple[float, int]]] = {}
    for span in simulation.timeline:
        if span.device in number:
            pid = number[span.device]
            tid = _lane(lanes.setdefault((pid, span.kind), []), span) + (1 if span.kind == "op" else 1001)
            names[pid, tid] = "ops" if span.kind == "op" else "arriving"
            events.append(_complete(span, pid, tid, subgraph, short))
    events += [_named("thread_name", pid, tid, name) for (pid, tid), name in names.items()]
    for device, points in simulation.memory.items():
        if device in number:
            events += [
                {"ph": "C", "name": "memory", "pid": number[device], "ts": at * 1e6, "args": {"bytes": held}}
                for at, held in points
            ]
    return {"traceEvents": events, "displayTimeUnit": "ms", "otherData": {"planner": plan.planner}}


def _named(kind: str, pid: int, tid: int, name: str) -> dict[str, Any]:
    return {"ph": "M", "name": kind, "pid": pid, "tid": tid, "args": {"name": name}}


def _lane(lanes: list[tuple[float, int]], span: Span) -> int:
    """A row in which nothing runs when the span begins; rows are (time at which they are free, number)."""
    if lanes and lanes[0][0] <= span.begin + 1e-12:
        _, lane = heapq.heapreplace(lanes, (span.end, lanes[0][1]))
        return lane
    heapq.heappush(lanes, (span.end, len(lanes)))
    return len(lanes) - 1


def _complete(
    span: Span, pid: int, tid: int, subgraph: Subgraph | None, short: Mapping[str, str]
) -> dict[str, Any]:
    args: dict[str, Any] = {}
    category: str = span.kind
    if span.kind == "transfer":
        args = {"from": short.get(span.source, span.source), "bytes": span.bytes}
    elif subgraph is not None and span.name in subgraph.nodes:
        node = subgraph.nodes[span.name]
        category = node.op
        args = {"op": node.op, "shapes": [str(s) for s in node.shapes]}
    return {
        "ph": "X",
        "name": span.name,
        "cat": category,
        "pid": pid,
        "tid": tid,
        "ts": span.begin * 1e6,
        "dur": (span.end - span.begin) * 1e6,
        "args": args,
    }
