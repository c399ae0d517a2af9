"""Plans again from what steps have really taken, and moves variables to where the new plan has them.

`Session(replan="auto")` traces the first steps of every kind that repeats. With the times of its ops and links measured
it plans the step anew; where that is predicted to be faster by more than a threshold, variables and random streams
move, and all kinds of steps follow. Where an op runs changes no number.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..graph.errors import InvalidArgumentError, PlacementError
from ..placement import Costs, Plan, predict_step
from ..placement.measured import links_of_statistics
from ..placement.plan import seconds_text
from .config import RunOptions
from .homes import HomeKey, Homes, home_key
from .local import LocalTarget
from .resize import State, _home_of, _with_moved
from .step import StepSpec
from .tracing import fill_metadata

__all__ = ["Replan", "ReplanOptions", "Replanner", "replan_options"]

_LOG = logging.getLogger("weft")

_MOVABLE = ("VarHandleOp", "random")

_LEAST_GAIN = 1e-3
"""Part of a step below which a gain is rounding."""


@dataclass(frozen=True)
class ReplanOptions:
    """When to plan again.

    Attributes:
        warm_steps: steps of a kind that run before any is measured.
        steps: steps that are measured; the median of each op counts.
        threshold: part of the step's time that a new plan must be predicted to save.
    """

    warm_steps: int = 4
    steps: int = 3
    threshold: float = 0.1

    def __post_init__(self) -> None:
        if self.warm_steps < 0 or self.steps < 1 or not 0 <= self.threshold < 1:
            raise InvalidArgumentError(
                None,
                "replan needs warm_steps of at least 0, steps of at least 1 and a threshold from 0 to below 1, got "
                f"{self}",
            )


@dataclass(frozen=True)
class Replan:
    """What planning again has come to, for one kind of step.

    Attributes:
        fetches: names of what the step computes.
        before, after: predicted seconds of a step with the measured times, under the old and the new plan.
        applied: whether the new plan is used now.
        moved: variables and random streams that have moved, by name: (from, to).
        nodes: how many nodes run elsewhere now.
        plan: the plan that is followed.
    """

    fetches: tuple[str, ...]
    before: float
    after: float
    applied: bool
    moved: Mapping[str, tuple[str, str]]
    nodes: int
    plan: Plan

    def __str__(self) -> str:
        what = ", ".join(self.fetches[:3]) + (" ..." if len(self.fetches) > 3 else "")
        times = f"{seconds_text(self.before)} a step as measured, {seconds_text(self.after)} predicted"
        if not self.applied:
            return f"the plan of {what} stays: {times} for the best other one"
        return f"planned {what} again: {times}; {self.nodes} nodes and {len(self.moved)} variables have moved"


def replan_options(given: Any) -> ReplanOptions | None:
    """What `Session(replan=...)` stands for.

    Raises:
        InvalidArgumentError: it is not "auto", "off", None or `ReplanOptions`.
    """
    if given in (None, "off"):
        return None
    if given == "auto":
        return ReplanOptions()
    if isinstance(given, ReplanOptions):
        return given
    raise InvalidArgumentError(None, f'replan must be "auto", "off" or ReplanOptions, got {given!r}')


class Replanner:
    """Plans a session's steps again.

    Args:
        session: the session.
        options: when.

    Attributes:
        replans: what it has come to so far, in order.
        costs: all that was measured, for steps that are planned from now on.
    """

    def __init__(self, session: Any, options: ReplanOptions) -> None:
        self.session = session
        self.options = options
        self.replans: list[Replan] = []
        self.costs = Costs()
        self._runs: dict[Any, int] = {}
        self._traces: dict[Any, list[Any]] = {}
        self._changed = threading.Condition()
        self._running = 0
        self._moving = False

    def run(self, call: Any, arrays: Sequence[Any]) -> list[Any]:
        """Runs one step, perhaps measured; plans again after the last that is measured."""
        key = (id(call), tuple(a.shape for a in arrays))
        with self._step():
            spec, registered = call._registered(arrays)
            count = self._runs[key] = self._runs.get(key, 0) + 1
            first = self.options.warm_steps
            measured = (
                first < count <= first + self.options.steps and len(self.session._target.cluster.devices) > 1
            )
            trace: list[Any] | None = [] if measured else None
            results: list[Any] = self.session._target.run(registered, list(arrays), trace, call.timeout)
        if trace is not None:
            traces = self._traces.setdefault(key, [])
            traces.append(trace)
            if len(traces) == self.options.steps:
                self._consider(call, arrays, spec, self._traces.pop(key))
        return results

    @contextlib.contextmanager
    def _step(self) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: not self._moving)
            self._running += 1
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Waits until no step runs, and lets none begin meanwhile."""
        with self._changed:
            self._changed.wait_for(lambda: not self._moving)
            self._moving = True
            self._changed.wait_for(lambda: not self._running)
        try:
            yield
        finally:
            with self._changed:
                self._moving = False
                self._changed.notify_all()

    def _consider(self, call: Any, arrays: Sequence[Any], spec: StepSpec, traces: Sequence[Any]) -> None:
        """Plans one kind of step again and, if that is worth it, has it done so from now on."""
        metadata = [_metadata(spec, trace) for trace in traces]
        try:
            costs = Costs.of_statistics(metadata)
        except PlacementError:
            return
        target = self.session._target
        cluster = links_of_statistics(metadata, spec.plan, target.cluster)
        before = predict_step(spec.subgraph, spec.plan, cluster, costs).step_seconds
        found: tuple[float, StepSpec] | None = None
        for planner in dict.fromkeys((self.session._config.planner, "single")):
            try:
                made = self._planned(call, arrays, costs, cluster, planner)
            except PlacementError:
                continue
            after = predict_step(made.subgraph, made.plan, cluster, costs).step_seconds
            if found is None or after < found[0]:
                found = after, made
        if found is None:
            return
        after, made = found
        changed = [n for n, d in made.plan.placement.items() if spec.plan.placement.get(n, d) != d]
        worth = bool(changed) and after < (1 - max(self.options.threshold, _LEAST_GAIN)) * before
        self.costs = _merged(self.costs, costs)
        moved = self._apply(call, arrays, spec, made) if worth else {}
        fetches = tuple(f.name for f in (*call.mapper.tensors, *call.mapper.operations))
        plan = made.plan if worth else spec.plan
        done = Replan(fetches, before, after, worth, moved, len(changed) if worth else 0, plan)
        self.replans.append(done)
        _LOG.log(logging.WARNING if worth else logging.INFO, "%s", done)

    def _planned(
        self, call: Any, arrays: Sequence[Any], costs: Costs, cluster: Any, planner: str
    ) -> StepSpec:
        """The step planned with what is known now, variables free to move where the program leaves a choice."""
        session = self.session
        names = cluster.names
        kept = Homes()
        kept.move({k: home for k, home in session._homes.on(names).items() if k[0] not in _MOVABLE})
        shapes = {call.feeds[i]: arrays[i].shape for i in call.open}
        config = replace(session._config, planner=planner)
        return session._planned(call.mapper, call.feeds, shapes, config, kept, costs, cluster)  # type: ignore[no-any-return]

    def _apply(
        self, call: Any, arrays: Sequence[Any], old: StepSpec, new: StepSpec
    ) -> dict[str, tuple[str, str]]:
        """Moves variables and random streams; this kind of step follows the new plan, others are planned anew."""
        session = self.session
        moved: dict[HomeKey, str | None] = {}
        shown: dict[str, tuple[str, str]] = {}
        with self._alone():
            target = session._target
            known = session._homes.on(target.cluster.names)
            for name, node in new.subgraph.nodes.items():
                key = home_key(node)
                place = new.plan.placement[name]
                if key is not None and key[0] in _MOVABLE and known.get(key, place) != place:
                    moved[key] = place
                    shown[key[2]] = (known[key], place)
            if moved:
                _move(target, moved)
                session._homes.move(moved)
            for other in list(session._made_calls):
                other.compiled.clear()
            call.compiled[call.key_of(arrays)] = (new, target.register(new))
        return shown


def _merged(old: Costs, new: Costs) -> Costs:
    return replace(new, seconds={**old.seconds, **new.seconds}, shapes={**old.shapes, **new.shapes})


def _move(target: Any, moved: Mapping[HomeKey, str | None]) -> None:
    """Puts variables onto other devices of a target."""
    local = isinstance(target, LocalTarget)
    if local:
        state: State = {name: d.get_state(target.session) for name, d in target.devices.items()}
    else:
        state = target.get_state()
    made = {}
    for name in state:
        part = _with_moved(state, name, moved)
        gone = [k for k in part["variables"] if moved.get(_home_of(k), name) != name]
        for key in gone:
            del part["variables"][key]
        made[name] = part
    if local:
        for name, part in made.items():
            target.devices[name].set_state(target.session, part)
    else:
        target.set_state(made)


def _metadata(spec: StepSpec, trace: Sequence[Any]) -> Any:
    from .config import RunMetadata

    message = RunMetadata()
    fill_metadata(message, spec, trace, RunOptions())
    return message
