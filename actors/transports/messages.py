"""Steps as calls of the Ray actors: the way that takes every kind of step, from and to anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..step import StepSpec

__all__ = ["MessagePath"]


class MessagePath:
    """One kind of step as calls of its device actors; the tensors between them are calls too.

    Args:
        spec: the step.
        handles: each device's handle of its program.
        target: the session's `RayTarget`.
    """

    def __init__(self, spec: StepSpec, handles: Mapping[str, int], target: Any) -> None:
        self._handles = dict(handles)
        self._target = target
        self.commits = len(spec.programs) == 1

    def claim(self) -> bool:
        return True

    def release(self) -> None:
        return None

    def run(
        self,
        step: int,
        told: Mapping[str, Sequence[tuple[int, bool]]],
        feeds: Mapping[str, list[Any]],
        timeout: float | None,
        trace: list[Any] | None = None,
    ) -> dict[str, list[Any]]:
        from ..device_actor import StepMessage

        target = self._target
        refs = {}
        for name, handle in self._handles.items():
            message = StepMessage(
                handle,
                target.session,
                step,
                feeds[name],
                tuple(told[name]),
                commit=self.commits,
                trace=trace is not None,
                timeout=timeout,
            )
            refs[name] = target.handles[name].run_step.remote(message)
        results = target.wait_for(refs, step, timeout)
        if trace is not None:
            for name, (_, rows) in results.items():
                trace.extend((name, *row) for row in rows or ())
        return {name: result[0] for name, result in results.items()}

    def close(self) -> None:
        return None
