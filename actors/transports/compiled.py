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

from ...graph.errors import DeadlineExceededError
from ..effects import waits_for_nothing
from ..step import StepSpec

__all__ = ["CompiledStep", "CompiledTransport"]

_POLL_SECONDS = 0.25

_MOST_COMPILED = 6
"""Compiled graphs per session; each takes a thread on every actor that it uses."""


class CompiledTransport:
    """Steps of one session as Ray compiled graphs.

    Args:
        target: the session's `RayTarget`.
    """

    name = "compiled"
    after = 3

    def __init__(self, target: Any) -> None:
        self._target = target
        self._made = 0
        self._lock = threading.Lock()
        self._steps: list[CompiledStep] = []
        self._closed = False

    def unfit(self, spec: StepSpec) -> str | None:
        if not waits_for_nothing(spec):
            return "the step may wait for another step"
        return "there are enough compiled graphs already" if self._made >= _MOST_COMPILED else None

    def connect(self, spec: StepSpec, handles: Mapping[str, int]) -> CompiledStep:
        with self._lock:
            self._made += 1
            step = CompiledStep(spec, handles, self._target)
            if self._closed:
                step.close()
            else:
                self._steps.append(step)
            return step

    def close(self) -> None:
        self._closed = True
        with self._lock:
            for step in self._steps:
                step.close()


class CompiledStep:
    """One kind of step as a compiled graph; it runs one step at a time.

    Args:
        spec: the step.
        handles: each device's handle of its program.
        target: the session's `RayTarget`.
    """

    def __init__(self, spec: StepSpec, handles: Mapping[str, int], target: Any) -> None:
        from ray.dag import InputNode, MultiOutputNode

        # A lost device is reported once, by the session; Ray would log every channel that it takes down.
        logging.getLogger("ray.dag").setLevel(logging.CRITICAL)
        self._target = target
        self._devices = list(spec.programs)
        self._lock = threading.Lock()
        self._broken = False
        self.commits = len(self._devices) == 1
        nodes: dict[tuple[str, int], Any] = {}
        order = sorted(
            ((stage.level, device) for device, p in spec.programs.items() for stage in p.stages),
        )
        with InputNode() as given:
            for level, device in order:
                nodes[device, level] = _stage_node(
                    spec, device, level, nodes, given, target, handles[device], self._devices
                )
            taken = {key for level, device in order for key in _needs(spec, device, level)}
            ends = [(d, p.stages[-1].level) for d, p in spec.programs.items()]
            self._outputs = [*ends, *(k for k in nodes if k not in taken and k not in ends)]
            graph = MultiOutputNode([nodes[k] for k in self._outputs])
        self._graph = graph.experimental_compile(_submit_timeout=60.0)

    def claim(self) -> bool:
        # Other threads' steps of the kind go as messages meanwhile.
        return not self._broken and self._lock.acquire(blocking=False)

    def release(self) -> None:
        self._lock.release()

    def run(
        self,
        step: int,
        told: Mapping[str, Sequence[tuple[int, bool]]],
        feeds: Mapping[str, list[Any]],
        timeout: float | None,
    ) -> dict[str, list[Any]]:
        from ray.exceptions import RayActorError, RayChannelError, RayTaskError

        headers = [(step, tuple(told[n]), feeds[n]) for n in self._devices]
        try:
            results = self._wait(self._graph.execute(*headers), timeout)
        except RayTaskError as error:
            if isinstance(error, RayActorError):
                self._broken = True
                raise self._target.lost_error(error) from None
            raise self._target.op_error(error) from None
        except (RayActorError, RayChannelError) as error:
            self._broken = True
            raise self._target.lost_error(error) from None
        return {
            device: [_own(v) for v in result[2]]
            for (device, _), result in zip(self._outputs, results, strict=True)
            if result[2] is not None
        }

    def _wait(self, refs: Any, timeout: float | None) -> list[Any]:
        import ray
        from ray.exceptions import GetTimeoutError, RayChannelTimeoutError

        waited = 0.0
        while True:
            pause = _POLL_SECONDS if timeout is None else min(_POLL_SECONDS, timeout - waited)
            try:
                return list(ray.get(refs, timeout=pause))
            except (GetTimeoutError, RayChannelTimeoutError):
                waited += pause
                try:
                    self._target.check_alive()
                except BaseException:
                    self._broken = True
                    raise
                if timeout is not None and waited >= timeout:
                    raise DeadlineExceededError(None, f"the step took longer than {timeout} s") from None

    def close(self) -> None:
        """Takes the channels down."""
        self._broken = True
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
    target: Any,
    handle: int,
    devices: Sequence[str],
) -> Any:
    stages = spec.programs[device].stages
    position = next(i for i, s in enumerate(stages) if s.level == level)
    inputs = [nodes[k] for k in _needs(spec, device, level)]
    if position == 0:
        inputs.insert(0, given[devices.index(device)])
    what = handle, target.session, position, len(devices) == 1
    return target.handles[device].run_stage.bind(what, *inputs)


def _own(value: Any) -> Any:
    """A result in memory of its own: what a channel gives is valid only until the next step."""
    if isinstance(value, np.ndarray):
        return value.copy()
    return value
