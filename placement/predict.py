"""How long a step takes as the runtime runs it: stage by stage, devices of one process in turn.

The planners' event model sends a tensor as soon as it is computed. The runtime runs a device's nodes in stages: a stage
starts when everything that it receives has arrived, and sends what it has to when it ends. A node's stage is the number
of device changes on the longest path that leads to it.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..graph.ir import FEED, Subgraph
from .cluster import Cluster
from .constraints import is_copied
from .costs import Costs
from .plan import Plan
from .problem import Floats, Problem
from .simulate import Span, arrays_of
from .stage_levels import stage_levels

__all__ = ["Prediction", "predict_step", "with_prediction"]


@dataclass(frozen=True)
class Prediction:
    """A predicted step.

    Attributes:
        step_seconds: what the caller waits.
        op_seconds: time of each node, in seconds; what every device has a copy of is left out.
        timeline: every node and transfer, by begin.
        stages: how many stages each device runs.
    """

    step_seconds: float
    op_seconds: Mapping[str, float]
    timeline: tuple[Span, ...]
    stages: Mapping[str, int]


def predict_step(subgraph: Subgraph, plan: Plan, cluster: Cluster, costs: Costs | None = None) -> Prediction:
    """Predicts a step of a plan on the runtime.

    Args:
        subgraph: the step that the plan was made for.
        plan: where its nodes run.
        cluster: the devices and links.
        costs: what is known beyond the declarations.

    Raises:
        PlacementError: the plan lacks a node, or names a device that the cluster lacks.
    """
    known = costs or Costs()
    problem, assignment, order = arrays_of(subgraph, plan, cluster, known)
    seconds = problem.time(assignment)
    levels = stage_levels(subgraph, plan)
    run = _Stages(subgraph, plan, cluster, known, problem, seconds, levels)
    end = run.run()
    names = {name: float(seconds[i]) for i, name in enumerate(problem.names)}
    counts: dict[str, int] = {}
    for device, _ in run.members:
        counts[device] = counts.get(device, 0) + 1
    return Prediction(end, names, run.timeline(order.tolist(), seconds), counts)


def with_prediction(plan: Plan, subgraph: Subgraph, cluster: Cluster, costs: Costs | None = None) -> Plan:
    """The plan with the step time that the runtime is predicted to need."""
    return replace(plan, step_seconds=predict_step(subgraph, plan, cluster, costs).step_seconds)


Stage = tuple[str, int]
"""A device and a level."""


class _Stages:
    def __init__(
        self,
        subgraph: Subgraph,
        plan: Plan,
        cluster: Cluster,
        costs: Costs,
        problem: Problem,
        seconds: Floats,
        levels: Mapping[str, int],
    ) -> None:
        self.cluster = cluster
        self.problem = problem
        self.plan = plan
        self.place = plan.placement
        self.levels = levels
        self.number = {name: i for i, name in enumerate(problem.names)}
        self.members: dict[Stage, list[int]] = {}
        for name, i in self.number.items():
            self.members.setdefault((self.place[name], levels[name]), []).append(i)
        self.sends: dict[Stage, dict[Stage, list[tuple[str, float]]]] = {}
        for t in plan.transfers:
            maker = t.tensor.removeprefix("^").rsplit(":", 1)[0]
            level = levels[maker]
            target = (t.dst, level + 1)
            self.members.setdefault(target, [])
            self.sends.setdefault((t.src, level), {}).setdefault(target, []).append((t.tensor, t.bytes))
        self.length = {
            stage: cluster.stage_seconds + float(seconds[rows].sum()) for stage, rows in self.members.items()
        }
        self.fed = self._fed(subgraph, costs) if cluster.caller is not None else {}
        self.returned = self._returned(subgraph, costs) if cluster.caller is not None else {}
        self.begin: dict[Stage, float] = {}
        self.moves: list[Span] = []

    def _fed(self, subgraph: Subgraph, costs: Costs) -> dict[str, float]:
        """Bytes of feeds that each device is given."""
        from .costs import tensor_bytes

        found: dict[str, float] = {}
        seen = set()
        for name in self.number:
            for source, _ in subgraph.nodes[name].inputs:
                node, device = subgraph.nodes[source], self.place[name]
                if node.op == FEED and (source, device) not in seen:
                    seen.add((source, device))
                    size = tensor_bytes(costs.shape((source, 0), node.shapes[0]), node.types[0])
                    found[device] = found.get(device, 0.0) + size
        return found

    def _returned(self, subgraph: Subgraph, costs: Costs) -> dict[str, float]:
        from .costs import tensor_bytes

        found: dict[str, float] = {}
        for name, index in subgraph.fetches:
            node = subgraph.nodes[name]
            if not is_copied(node):
                size = tensor_bytes(costs.shape((name, index), node.shapes[index]), node.types[index])
                found[self.place[name]] = found.get(self.place[name], 0.0) + size
        return found

    def run(self) -> float:
        """Plays the stages through; the time of the step."""
        by_device: dict[str, list[Stage]] = {}
        for stage in sorted(self.members, key=lambda s: (s[0], s[1])):
            by_device.setdefault(stage[0], []).append(stage)
        follows = {a: b for stages in by_device.values() for a, b in itertools.pairwise(stages)}
        missing = dict.fromkeys(self.members, 0)
        ready = dict.fromkeys(self.members, 0.0)
        for stage in follows.values():
            missing[stage] += 1
        for targets in self.sends.values():
            for target in targets:
                missing[target] += 1
        caller = self.cluster.caller
        waiting: list[tuple[float, int, str, Stage]] = []
        turns = self._processors()
        free: dict[str, float] = {}
        for stage in self.members:
            if not missing[stage]:
                if caller is not None:
                    ready[stage] = caller.seconds(self.fed.get(stage[0], 0.0))
                heapq.heappush(waiting, (ready[stage], stage[1], stage[0], stage))
        last = 0.0
        while waiting:
            at, _, _, stage = heapq.heappop(waiting)
            lanes = turns.get(self.cluster.device(stage[0]).turns)
            if lanes is not None and lanes[0] > at:
                heapq.heappush(waiting, (lanes[0], stage[1], stage[0], stage))
                continue
            self.begin[stage] = at
            end = at + self.length[stage]
            if lanes is not None:
                heapq.heapreplace(lanes, end)
            last = max(last, end)
            arrivals = self._arrivals(stage, end, free)
            if stage in follows:
                arrivals[follows[stage]] = max(end, arrivals.get(follows[stage], 0.0))
            for target, there in arrivals.items():
                ready[target] = max(ready[target], there)
                missing[target] -= 1
                if not missing[target]:
                    heapq.heappush(waiting, (ready[target], target[1], target[0], target))
        if caller is not None:
            last += caller.seconds(sum(self.returned.values()))
        return self.cluster.step_seconds + last

    def _processors(self) -> dict[str, list[float]]:
        """For each group of devices that take turns, when each of its processors is free."""
        names = {self.cluster.device(d).turns for d, _ in self.members} - {""}
        return {n: [0.0] * int(self.cluster.processors.get(n, 1)) for n in names}

    def _arrivals(self, stage: Stage, end: float, free: dict[str, float]) -> dict[Stage, float]:
        """When what a stage sends is there."""
        found: dict[Stage, float] = {}
        for target, tensors in self.sends.get(stage, {}).items():
            link = self.cluster.link(stage[0], target[0])
            channel = link.shared or f"{stage[0]}>{target[0]}"
            start = max(end, free.get(channel, 0.0))
            carried = sum(size for _, size in tensors) / link.bytes_per_second
            free[channel] = start + carried
            found[target] = start + carried + link.latency_seconds
            for name, size in tensors:
                self.moves.append(Span("transfer", name, target[0], start, found[target], stage[0], size))
        return found

    def timeline(self, order: list[int], seconds: Floats) -> tuple[Span, ...]:
        """When each node and transfer runs."""
        at = {stage: begin + self.cluster.stage_seconds for stage, begin in self.begin.items()}
        spans = list(self.moves)
        for i in order:
            name = self.problem.names[i]
            stage = (self.place[name], self.levels[name])
            took = float(seconds[i])
            spans.append(Span("op", name, stage[0], at[stage], at[stage] + took))
            at[stage] += took
        spans.sort(key=lambda s: (s.begin, s.kind, s.end))
        return tuple(spans)
