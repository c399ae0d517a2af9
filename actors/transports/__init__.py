"""How a step's messages and tensors travel between the driver and its devices: one transport per file.

A transport is chosen for each kind of step, and again for each run of it, in the order in which `transports` lists
them; a further one is a further file with a class like those, added there. Inside one process no transport is needed:
tensors go by reference (`actors/local.py`).

| transport | for | how |
|---|---|---|
| channels | all devices on the driver's machine, steps that wait for no other step | shared memory, `ring.py` |
| compiled | devices on several nodes, the same steps, once a step has repeated | Ray compiled graphs |
| messages | everything else: steps that may wait on queues, traced steps | calls of the Ray actors |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from ...graph.errors import NotFoundError
from ..step import StepSpec

__all__ = ["StepPath", "Transport", "transports"]


class StepPath(Protocol):
    """One kind of step on one transport.

    Attributes:
        commits: whether the devices know by themselves that a step has succeeded everywhere and keep its updates;
            where not, the outcome is told to them with a later step.
    """

    commits: bool

    def claim(self) -> bool:
        """Takes the right to run one step now; False where the path is busy and the step must go another way."""

    def release(self) -> None:
        """Gives the right back."""

    def run(
        self,
        step: int,
        told: Mapping[str, Sequence[tuple[int, bool]]],
        feeds: Mapping[str, list[Any]],
        timeout: float | None,
    ) -> dict[str, list[Any]]:
        """Runs the step once.

        Args:
            step: its number.
            told: for each device the outcomes of earlier steps that it does not know yet.
            feeds: for each device the values of its feeds.
            timeout: seconds that the step may take; None for no limit.

        Returns:
            What each device's program returns, in memory of the caller's own.

        Raises:
            OpError: an op failed; no device keeps an update.
            UnavailableError: a device is gone.
            DeadlineExceededError: it took too long.
        """

    def close(self) -> None:
        """Gives back what it holds on the devices."""


class Transport(Protocol):
    """A way for steps of one session to travel.

    Attributes:
        name: for messages and figures.
        after: runs of a kind of step after which it is worth its cost; it is then made in the background. 0 for
            at once.
    """

    name: str
    after: int

    def unfit(self, spec: StepSpec) -> str | None:
        """Why this kind of step cannot travel this way, or None if it can."""

    def connect(self, spec: StepSpec, handles: Mapping[str, int]) -> StepPath:
        """Makes the path of one kind of step; `handles` are the devices' programs."""

    def close(self) -> None:
        """Ends all paths."""


def transports(target: Any, allowed: Sequence[str] | None = None) -> list[Transport]:
    """The transports of a session in order of preference, the one that takes everything left out.

    Args:
        target: the session's `RayTarget`.
        allowed: names of those to use; None for all.

    Raises:
        NotFoundError: there is none of a name; the message lists those that exist.
    """
    from .channels import ChannelTransport
    from .compiled import CompiledTransport

    every: list[Transport] = [ChannelTransport(target), CompiledTransport(target)]
    names = [t.name for t in every]
    for name in allowed or ():
        if name not in names:
            raise NotFoundError(None, f"there is no transport {name!r}; there are {', '.join(names)}")
    return [t for t in every if allowed is None or t.name in allowed]
