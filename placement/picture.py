"""A plan as a picture: the graph coloured by device above a time line of every device."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

from ..graph.ir import Subgraph
from .layout import Box, Drawing, lay_out
from .plan import Plan, bytes_text, seconds_text
from .plan_text import headline, short_names
from .simulate import Simulation, Span

__all__ = ["plan_svg"]

_COLOURS = (
    "#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#76b7b2", "#edc948", "#b07aa1", "#ff9da7", "#9c755f", "#86bc86",
    "#499894", "#d37295", "#a0cbe8", "#d4a6c8", "#8cd17d", "#b6992d",
)  # fmt: skip

_WIDTH = 1400.0
_MARGIN = 24.0
_LANE = 26.0
_MOST_LANES = 64
_MOST_SPANS = 20_000


def plan_svg(subgraph: Subgraph, plan: Plan, simulation: Simulation) -> str:
    """Draws a plan.

    Args:
        subgraph: the step.
        plan: where its nodes run.
        simulation: when they run.

    Returns:
        An SVG document. Large graphs are drawn by name scopes; every box and bar has its details as a tooltip.
    """
    used = [d for d in plan.devices if d in plan.order]
    colours = {d: _COLOURS[i % len(_COLOURS)] for i, d in enumerate(used)}
    short = short_names(plan.devices)
    parts: list[str] = []
    y = _title(parts, plan)
    y = _legend(parts, y, used, colours, short, simulation)
    y = _graph(parts, y, lay_out(subgraph, plan), colours, short)
    y = _gantt(parts, y, used, colours, short, simulation)
    height = y + _MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:.0f} {height:.0f}" '
        f'width="{_WIDTH:.0f}" height="{height:.0f}" font-family="DejaVu Sans, Helvetica, Arial, sans-serif" '
        f'font-size="12"><rect width="100%" height="100%" fill="white"/>{"".join(parts)}</svg>\n'
    )


def _text(x: float, y: float, text: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {more}>{html.escape(text)}</text>'


def _title(parts: list[str], plan: Plan) -> float:
    counted = f"{len(plan.placement)} nodes, {len(plan.transfers)} transfers"
    parts.append(_text(_MARGIN, 30, counted, 'font-size="18" font-weight="bold"'))
    parts.append(_text(_MARGIN, 50, headline(plan), 'fill="#555"'))
    return 66.0


def _legend(
    parts: list[str],
    y: float,
    used: Sequence[str],
    colours: Mapping[str, str],
    short: Mapping[str, str],
    simulation: Simulation,
) -> float:
    x = _MARGIN
    for device in used[:_MOST_LANES]:
        busy = simulation.busy_seconds.get(device, 0.0) / (simulation.step_seconds or 1.0)
        peak = bytes_text(simulation.peak_bytes.get(device, 0.0))
        label = f"{short[device]}  busy {busy:.0%}, peak {peak}"
        width = 26 + 7.2 * len(label)
        if x + width > _WIDTH - _MARGIN and x > _MARGIN:
            x, y = _MARGIN, y + 20
        parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="13" height="13" rx="3" fill="{colours[device]}"/>'
        )
        parts.append(_text(x + 18, y + 11, label))
        x += width
    return y + 32


# --- the graph --------------------------------------------------------------------------------------------


def _graph(
    parts: list[str], top: float, drawing: Drawing, colours: Mapping[str, str], short: Mapping[str, str]
) -> float:
    boxes = drawing.boxes
    if not boxes:
        return top
    layers = max(b.layer for b in boxes) + 1
    lowest, highest = min(b.row for b in boxes), max(b.row for b in boxes)
    dx = (_WIDTH - 2 * _MARGIN) / layers
    dy = max(9.0, min(30.0, 620.0 / (highest - lowest + 1)))
    width, height = min(dx * 0.78, 110.0), min(dy * 0.72, 20.0)
    centre = [(_MARGIN + (b.layer + 0.5) * dx, top + (b.row - lowest + 0.5) * dy) for b in boxes]
    parts.extend(
        _edge(boxes[a], boxes[b], centre[a], centre[b], width / 2, colours) for a, b in drawing.edges
    )
    parts.extend(
        _box(box, x, y, width, height, colours, short) for box, (x, y) in zip(boxes, centre, strict=True)
    )
    return top + (highest - lowest + 1) * dy + 20


def _edge(
    a: Box,
    b: Box,
    start: tuple[float, float],
    end: tuple[float, float],
    half: float,
    colours: Mapping[str, str],
) -> str:
    x1, y1, x2, y2 = start[0] + half, start[1], end[0] - half, end[1]
    bend = max(abs(x2 - x1) * 0.45, 8.0)
    path = f"M{x1:.1f} {y1:.1f}C{x1 + bend:.1f} {y1:.1f} {x2 - bend:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
    if a.device == b.device:
        return f'<path d="{path}" fill="none" stroke="#bbb" stroke-width="0.8"/>'
    return f'<path d="{path}" fill="none" stroke="{colours[a.device]}" stroke-width="1.5" opacity="0.6"/>'


def _box(
    box: Box,
    x: float,
    y: float,
    width: float,
    height: float,
    colours: Mapping[str, str],
    short: Mapping[str, str],
) -> str:
    what = box.op or f"{box.count} nodes"
    shape = (
        f"<g><title>{html.escape(f'{box.label} ({what}) on {short[box.device]}')}</title>"
        f'<rect x="{x - width / 2:.1f}" y="{y - height / 2:.1f}" width="{width:.1f}" height="{height:.1f}" '
        f'rx="3" fill="{colours[box.device]}"/>'
    )
    label = box.op or ("∇" if box.label.startswith("gradients") else "") + box.label.rpartition("/")[2]
    room = int((width - 4) / 5.4)
    if height >= 11 and room >= 4:
        shown = label if len(label) <= room else label[: room - 1] + "…"
        shape += _text(x, y + 3.2, shown, 'text-anchor="middle" font-size="9" fill="white"')
    return shape + "</g>"


# --- the time line ----------------------------------------------------------------------------------------


def _gantt(
    parts: list[str],
    top: float,
    used: Sequence[str],
    colours: Mapping[str, str],
    short: Mapping[str, str],
    simulation: Simulation,
) -> float:
    lanes = list(used[:_MOST_LANES])
    left = _MARGIN + 12 + 7.0 * max((len(short[d]) for d in lanes), default=0)
    total = simulation.step_seconds or 1.0
    scale = (_WIDTH - _MARGIN - left) / total
    bottom = top + 18 + _LANE * len(lanes)
    _axis(parts, left, top, bottom, total, scale)
    lane_y = {device: top + 18 + i * _LANE for i, device in enumerate(lanes)}
    for device, y in lane_y.items():
        parts.append(_text(left - 8, y + 14, short[device], 'text-anchor="end"'))
        parts.append(
            f'<line x1="{left:.1f}" x2="{_WIDTH - _MARGIN:.1f}" y1="{y + _LANE - 3:.1f}" '
            f'y2="{y + _LANE - 3:.1f}" stroke="#eee"/>'
        )
    # A bar narrower than a fifth of a pixel cannot be seen; the longest ones can.
    visible = [s for s in simulation.timeline if s.device in lane_y and (s.end - s.begin) * scale > 0.2]
    visible.sort(key=lambda s: s.begin - s.end)
    parts.extend(_bar(s, left, lane_y[s.device], scale, colours, short) for s in visible[:_MOST_SPANS])
    if len(used) > len(lanes):
        parts.append(
            _text(left, bottom + 14, f"... and {len(used) - len(lanes)} more devices", 'fill="#555"')
        )
        bottom += 18
    return bottom


def _axis(parts: list[str], left: float, top: float, bottom: float, total: float, scale: float) -> None:
    for tick in range(9):
        at = total * tick / 8
        x = left + at * scale
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top + 14:.1f}" y2="{bottom:.1f}" stroke="#ddd"/>')
        anchor = "start" if tick == 0 else "end" if tick == 8 else "middle"
        parts.append(
            _text(x, top + 8, seconds_text(at), f'text-anchor="{anchor}" font-size="10" fill="#555"')
        )


def _bar(
    span: Span, left: float, y: float, scale: float, colours: Mapping[str, str], short: Mapping[str, str]
) -> str:
    x, width = left + span.begin * scale, max((span.end - span.begin) * scale, 0.4)
    took = f"{seconds_text(span.end - span.begin)} from {seconds_text(span.begin)}"
    if span.kind == "op":
        title = f"{span.name} on {short[span.device]}: {took}"
        look = f'y="{y:.1f}" height="14" fill="{colours[span.device]}" stroke="white" stroke-width="0.3"'
    else:
        title = f"{span.name} ({bytes_text(span.bytes)}) {short[span.source]} → {short[span.device]}: {took}"
        look = f'y="{y + 16:.1f}" height="4" fill="{colours.get(span.source, "#999")}" opacity="0.85"'
    return f'<rect x="{x:.2f}" width="{width:.2f}" {look}><title>{html.escape(title)}</title></rect>'
