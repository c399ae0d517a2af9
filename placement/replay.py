"""Compares a prediction with a measured step, op by op."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..graph.errors import PlacementError
from .cluster import Cluster
from .measured import node_seconds, transfer_seconds
from .plan import Plan, seconds_text
from .plan_text import short_names

__all__ = ["Replay", "ReplayRow", "replay"]


@dataclass(frozen=True)
class ReplayRow:
    """An op or a transfer, as predicted and as measured.

    Attributes:
        name: of the node; `tensor -> device` for a transfer.
        device: where it ran.
        predicted, measured: in seconds.
    """

    name: str
    device: str
    predicted: float
    measured: float

    @property
    def ratio(self) -> float:
        """Predicted over measured time."""
        return self.predicted / self.measured if self.measured > 0 else float("inf")


@dataclass(frozen=True)
class Replay:
    """A prediction beside what was measured.

    Attributes:
        rows: ops and transfers, those first whose times differ most.
        predicted_seconds, measured_seconds: of the step: the measured one from the start of the first op to the end
            of the last.
        missing: nodes of the plan that the statistics have no time for; they ran as part of others, or not at all.
    """

    rows: tuple[ReplayRow, ...]
    predicted_seconds: float
    measured_seconds: float
    missing: tuple[str, ...]

    def text(self, most: int = 30) -> str:
        """The comparison as a table.

        Args:
            most: how many rows to show.
        """
        short = short_names(tuple(dict.fromkeys(r.device for r in self.rows)))
        width = max((len(r.name) for r in self.rows[:most]), default=4)
        ratio = self.predicted_seconds / self.measured_seconds if self.measured_seconds else float("inf")
        lines = [
            f"step predicted {seconds_text(self.predicted_seconds)}, measured "
            f"{seconds_text(self.measured_seconds)} ({ratio:.2f}x)",
            "",
            f"{'name':{width}}  {'device':>12}  {'predicted':>10}  {'measured':>10}  {'ratio':>6}",
        ]
        lines += [
            f"{r.name:{width}}  {short[r.device]:>12}  {seconds_text(r.predicted):>10}  "
            f"{seconds_text(r.measured):>10}  {r.ratio:6.2f}"
            for r in self.rows[:most]
        ]
        if len(self.rows) > most:
            lines.append(f"... and {len(self.rows) - most} that differ less")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text()


def replay(plan: Plan, run_metadata: Any, cluster: Cluster | None = None) -> Replay:
    """Compares a plan's prediction with a step that was measured.

    Args:
        plan: what was predicted; its times come from the planner that made it.
        run_metadata: the RunMetadata of one or several traced steps.
        cluster: gives transfers their predicted times; without it they are left out.

    Raises:
        PlacementError: the metadata holds no step statistics, or those of another step.
    """
    measured = node_seconds(run_metadata)
    predicted = _predicted(plan)
    rows = [
        ReplayRow(name, device, predicted[name], seconds)
        for (name, device), seconds in measured.items()
        if plan.placement.get(name) == device and name in predicted
    ]
    if not rows:
        known = ", ".join(sorted({d for _, d in measured}))
        raise PlacementError(
            None,
            f"the run metadata is of another step: none of its nodes (on {known}) is where the plan has it",
        )
    if cluster is not None:
        sizes = {(t.tensor, t.src, t.dst): t.bytes for t in plan.transfers}
        for (tensor, src, dst), seconds in transfer_seconds(run_metadata).items():
            if (tensor, src, dst) in sizes:
                guess = cluster.link(src, dst).seconds(sizes[tensor, src, dst])
                rows.append(ReplayRow(f"{tensor} -> {dst}", dst, guess, seconds))
    rows.sort(key=lambda r: -abs(r.predicted - r.measured))
    seen = {name for name, _ in measured}
    missing = tuple(n for n in predicted if n not in seen)
    return Replay(tuple(rows), plan.step_seconds, _span(run_metadata), missing)


def _predicted(plan: Plan) -> Mapping[str, float]:
    if not plan.op_seconds:
        raise PlacementError(None, "the plan has no predicted time of its ops; make it with `make_plan`")
    return plan.op_seconds


def _span(run_metadata: Any) -> float:
    """From the start of the first node to the end of the last, in seconds; the mean of several steps."""
    messages = run_metadata if isinstance(run_metadata, (list, tuple)) else [run_metadata]
    spans = []
    for message in messages:
        stats: Any = getattr(message, "step_stats", message)
        nodes = [n for d in stats.dev_stats for n in d.node_stats]
        first = min(n.all_start_nanos for n in nodes)
        spans.append((max(n.all_start_nanos + n.all_end_rel_nanos for n in nodes) - first) * 1e-9)
    return sum(spans) / len(spans)
