"""A plan for people: text tables, HTML for notebooks, what differs between two plans."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .plan import Plan

__all__ = ["plan_diff", "plan_html", "plan_text", "short_names"]

_MOST_TRANSFERS = 40


def short_names(devices: Sequence[str]) -> dict[str, str]:
    """Device names without the parts that are the same everywhere."""
    short = {d: d.replace("/replica:0", "").replace("/device:", "/") for d in devices}
    jobs = {s.split("/task:")[0] for s in short.values()}
    if len(jobs) == 1:
        job = jobs.pop()
        short = {d: s.removeprefix(job) for d, s in short.items()}
    return short


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    return lines


def _device_rows(plan: Plan) -> list[list[str]]:
    from .plan import bytes_text, seconds_text

    short = short_names(plan.devices)
    counts = plan.node_counts()
    rows = [["device", "nodes", "load", "in", "received", "out", "sent", "peak memory"]]
    for device in plan.devices:
        if not counts.get(device):
            continue
        received = [t.bytes for t in plan.transfers if t.dst == device]
        sent = [t.bytes for t in plan.transfers if t.src == device]
        rows.append(
            [
                short[device],
                str(counts[device]),
                seconds_text(plan.busy_seconds.get(device, 0.0)),
                str(len(received)),
                bytes_text(sum(received)),
                str(len(sent)),
                bytes_text(sum(sent)),
                bytes_text(plan.peak_bytes.get(device, 0.0)),
            ]
        )
    idle = len(plan.devices) - (len(rows) - 1)
    if idle:
        rows.append([f"({idle} idle)", *[""] * (len(rows[0]) - 1)])
    return rows


def headline(plan: Plan) -> str:
    """The predicted times in one line."""
    from .plan import seconds_text

    parts = [f"step {seconds_text(plan.step_seconds)} predicted by {plan.planner}"]
    if plan.single_seconds:
        ratio = plan.step_seconds / plan.single_seconds
        parts.append(f"best single device {seconds_text(plan.single_seconds)} ({ratio:.2f}x of it)")
    if plan.lower_bound:
        parts.append(f"lower bound {seconds_text(plan.lower_bound)}")
    return ", ".join(parts)


def plan_text(plan: Plan, nodes: bool = True) -> str:
    """See `Plan.text`."""
    from .plan import bytes_text

    short = short_names(plan.devices)
    lines = [headline(plan), "", *_table(_device_rows(plan))]
    if plan.transfers:
        rows = [["transfer", "size", "from", "to"]]
        ranked = sorted(plan.transfers, key=lambda t: (-t.bytes, t.tensor, t.dst))
        shown = ranked if nodes else ranked[:_MOST_TRANSFERS]
        rows.extend([t.tensor, bytes_text(t.bytes), short[t.src], short[t.dst]] for t in shown)
        lines += ["", *_table(rows)]
        if len(shown) < len(ranked):
            lines.append(f"... and {len(ranked) - len(shown)} smaller ones")
    if nodes and plan.placement:
        lines += ["", "node  device"]
        lines += [f"{name}  {short.get(device, device)}" for name, device in plan.placement.items()]
    lines += [f"note: {note}" for note in plan.notes]
    return "\n".join(lines)


def plan_diff(old: Plan, new: Plan) -> str:
    """See `Plan.diff`."""
    short = short_names(tuple(dict.fromkeys((*old.devices, *new.devices))))
    lines = []
    for name in dict.fromkeys((*old.placement, *new.placement)):
        before, after = old.placement.get(name), new.placement.get(name)
        if before != after:
            lines.append(f"{name}: {short.get(before or '', 'absent')} -> {short.get(after or '', 'absent')}")
    if not lines:
        return "the placements are the same"
    return "\n".join([f"{old!r}", f"{new!r}", *lines])


def plan_html(plan: Plan) -> str:
    """The plan as an HTML table, for notebooks."""
    rows = _device_rows(plan)
    head = "".join(f"<th>{html.escape(c)}</th>" for c in rows[0])
    body = "".join("<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in row) + "</tr>" for row in rows[1:])
    notes = "".join(f"<p>{html.escape(n)}</p>" for n in plan.notes)
    return (
        f"<div><p>{html.escape(headline(plan))}</p><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table>{notes}</div>"
    )
