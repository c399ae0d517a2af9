"""The fast path of a step that repeats: a Ray compiled graph with one node per stage.

Tensors then go through shared-memory channels that Ray sets up once, instead of a message each. A compiled graph
is good for steps whose devices wait for nothing but each other; steps that may block on a queue stay with messages.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..graph.errors import DeadlineExceededError
from .step import StepSpec

__all__ = ["CompiledStep", "can_compile"]

_PASSIVE_EFFECTS = frozenset(
    {"Assert", "CheckNumerics", "CheckNumericsV2", "Print", "PrintV2", "StringFormat"}
)
"""Effects that never wait for another step."""

_POLL_SECONDS = 5.0


def can_compile(spec: StepSpec) -> bool:
    """Whether a step may run as a compiled graph: none of its effects can wait for another step."""
    for program in spec.programs.values():
        for stage in program.stages:
            for node in stage.nodes:
                if node.op in ("_Feed", "_Send", "_Recv"):
                    continue
                if node.decl.state.kind == "effect" and node.op not in _PASSIVE_EFFECTS:
                    return False
    return all(p.stages for p in spec.programs.values())


class CompiledStep:
    """One kind of step as a compiled graph.

    Args:
        spec: the step.
        handles: each device's handle of its program.
        actors: actor of each device.
        session: name of the session.
    """

    def __init__(
        self, spec: StepSpec, handles: Mapping[str, int], actors: Mapping[str, Any], session: str
    ) -> None:
        from ray.dag import InputNode, MultiOutputNode

        # A lost device is reported once, by the session; Ray would log every channel that it takes down.
        logging.getLogger("ray.dag").setLevel(logging.CRITICAL)
        self.devices = list(spec.programs)
        self.lock = threading.Lock()
        nodes: dict[tuple[str, int], Any] = {}
        order = sorted(
            ((stage.level, device) for device, p in spec.programs.items() for stage in p.stages),
        )
        with InputNode() as given:
            for level, device in order:
                nodes[device, level] = _stage_node(
                    spec, device, level, nodes, given, actors[device], handles[device], session, self.devices
                )
            taken = {key for level, device in order for key in _needs(spec, device, level)}
            ends = [(d, p.stages[-1].level) for d, p in spec.programs.items()]
            self._outputs = [*ends, *(k for k in nodes if k not in taken and k not in ends)]
            graph = MultiOutputNode([nodes[k] for k in self._outputs])
        self._graph = graph.experimental_compile(_submit_timeout=60.0)

    def run(self, headers: Sequence[Any], timeout: float | None = None) -> dict[str, list[Any]]:
        """Runs the step once.

        Args:
            headers: for each device what its first stage is told: step, outcomes of earlier steps, feeds.
            timeout: seconds that the step may take; None for no limit.

        Returns:
            What each device's program returns, in memory of the caller's own.
        """
        refs = self._graph.execute(*headers)
        results = self._wait(refs, timeout)
        return {
            device: [_own(v) for v in result[2]]
            for (device, _), result in zip(self._outputs, results, strict=True)
            if result[2] is not None
        }

    def _wait(self, refs: Any, timeout: float | None) -> list[Any]:
        import ray
        from ray.exceptions import GetTimeoutError, RayChannelTimeoutError

        # One by one: a result can be taken once only, also when a later one is not there in time.
        results: list[Any] = []
        waited = 0.0
        while len(results) < len(refs):
            pause = _POLL_SECONDS if timeout is None else min(_POLL_SECONDS, timeout - waited)
            try:
                results.append(ray.get(refs[len(results)], timeout=pause))
            except (GetTimeoutError, RayChannelTimeoutError):
                waited += pause
                if timeout is not None and waited >= timeout:
                    raise DeadlineExceededError(None, f"the step took longer than {timeout} s") from None
        return results

    def close(self) -> None:
        """Takes the channels down."""
        with contextlib.suppress(Exception):
            self._graph.teardown(kill_actors=False)


def _needs(spec: StepSpec, device: str, level: int) -> list[tuple[str, int]]:
    """The stages whose results a stage takes: that of the same device before it, and those that send to it."""
    stages = spec.programs[device].stages
    position = next(i for i, s in enumerate(stages) if s.level == level)
    needs = [(device, stages[position - 1].level)] if position else []
    for key, sender in stages[position].recvs:
        level_there = next(s.level for s in spec.programs[sender].stages if any(k == key for k, _ in s.sends))
        if (sender, level_there) not in needs:
            needs.append((sender, level_there))
    return needs


def _stage_node(
    spec: StepSpec,
    device: str,
    level: int,
    nodes: Mapping[tuple[str, int], Any],
    given: Any,
    actor: Any,
    handle: int,
    session: str,
    devices: Sequence[str],
) -> Any:
    stages = spec.programs[device].stages
    position = next(i for i, s in enumerate(stages) if s.level == level)
    inputs = [nodes[k] for k in _needs(spec, device, level)]
    if position == 0:
        inputs.insert(0, given[devices.index(device)])
    return actor.run_stage.bind((handle, session, position, len(devices) == 1), *inputs)


def _own(value: Any) -> Any:
    """A result in memory of its own: what a channel gives is valid only until the next step."""
    if isinstance(value, np.ndarray):
        return value.copy()
    return value
