"""Functions of a graph's library, called for each element on the host of the device."""

from __future__ import annotations

import functools
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from ...graph.errors import UnimplementedError
from ..backend import Backend, get_backend
from ..handles import ResourceHandle
from ..sequence import EffectBodies
from .base import Run

__all__ = ["Function", "HostRuntime"]

_PER_ELEMENT = 32
"""Bits of a random stream's position that one element's call may use."""


class HostRuntime:
    """What effects inside the functions of a dataset may touch.

    Random numbers depend on the number of the element alone: not on how many are computed at a time, and not on which
    thread does it.

    Args:
        runtime: that of the step which made the dataset.
    """

    def __init__(self, runtime: Any) -> None:
        self.device = runtime.device
        self.backend = "numpy"
        self.resources = runtime.resources
        self.session = runtime.session
        self._runtime = runtime
        self._local = threading.local()

    def enter(self, run: Run, number: int) -> None:
        """From here on this thread computes that element."""
        self._local.run = run
        self._local.number = number
        self._local.drawn = {}

    def cancelled(self) -> bool:
        run = getattr(self._local, "run", None)
        return run is not None and run.given_up()

    def next_position(self, node: str, samples: int) -> int:
        """Stream position of one more run of a random op for this element."""
        drawn: dict[str, int] = self._local.drawn
        offset = drawn.get(node, 0)
        drawn[node] = offset + samples
        return (self._local.number << _PER_ELEMENT) + offset

    def read_variable(self, handle: ResourceHandle) -> Any:
        """Value of a variable as the last step left it."""
        owner = self._runtime._owner
        return owner.backend.to_host(owner.value_of(handle.key, None, ""))

    def has_variable(self, handle: ResourceHandle) -> bool:
        return handle.key in self._runtime._owner.variables

    def write_variable(self, handle: ResourceHandle, value: Any) -> None:
        """Nothing: elements are made ahead of the steps that take them.

        Raises:
            UnimplementedError: always.
        """
        raise UnimplementedError(None, f"a function of a dataset cannot write the variable {handle.name}")


class _HostBodies(EffectBodies):
    @functools.cached_property
    def array_backend(self) -> Backend:
        return get_backend("numpy")


class Function:
    """A function of the library with the tensors that it captures.

    Args:
        name: its name.
        bodies: the library.
        captured: values of the captured tensors.
        runtime: that of the step which made the dataset.
    """

    def __init__(self, name: str, bodies: Mapping[str, Any], captured: Sequence[Any], runtime: Any) -> None:
        self.name = name
        if isinstance(bodies, EffectBodies):
            bodies = bodies.bodies
        self.captured = list(captured)
        outer = runtime._runtime if isinstance(runtime, HostRuntime) else runtime
        self.runtime = HostRuntime(outer)
        self.call = _HostBodies(bodies, "numpy", self.runtime)[name]
        self._variables = [
            i for i, v in enumerate(self.captured) if isinstance(v, ResourceHandle) and v.kind == "variable"
        ]

    def bound(self, run: Run) -> _Bound:
        """The function as one pass calls it."""
        return _Bound(self, run)

    def captures(self) -> list[Any]:
        """The captured values, with those of variables in the place of their handles."""
        if not self._variables:
            return self.captured
        values = list(self.captured)
        for i in self._variables:
            values[i] = self.runtime.read_variable(values[i])
        return values


class _Bound:
    """A function for the elements of one pass."""

    def __init__(self, function: Function, run: Run) -> None:
        self.function = function
        self.run = run

    def number(self) -> int:
        """Number of the next element."""
        return self.run.count(("calls", id(self.function)))

    def __call__(self, element: Sequence[Any], number: int | None = None) -> Sequence[Any]:
        """The results for an element.

        Args:
            element: its components.
            number: its number; the next one by default.
        """
        function = self.function
        function.runtime.enter(self.run, self.number() if number is None else number)
        return function.call([*element, *function.captures()])
