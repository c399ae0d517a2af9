"""Backends: one object per array library, in one registry."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from ..graph.errors import NotFoundError, UnavailableError
from ..graph.ir import Node
from .registry import BACKEND_NAMES
from .segment import Segment

__all__ = ["Backend", "CompiledSegment", "available_backends", "get_backend"]

CompiledSegment = Callable[[Sequence[Any]], Sequence[Any]]
"""Takes the values of `Segment.inputs`, gives those of `Segment.outputs`."""


class Backend(Protocol):
    """What the device runtime asks of an array library.

    Attributes:
        name: name in the registry.
    """

    name: str

    def unavailable(self) -> str | None:
        """Why this backend cannot be used here, or None if it can."""

    def xp(self) -> Any:
        """The array namespace."""

    def to_device(self, array: Any) -> Any:
        """A host array as an array of this backend."""

    def to_host(self, value: Any) -> Any:
        """An array of this backend as a NumPy array (or scalar)."""

    def ends_segment(self, node: Node) -> bool:
        """Whether the node cannot be compiled together with others and runs on its own."""

    def compile(self, segment: Segment) -> CompiledSegment:
        """The segment as one callable.

        Raises:
            UnimplementedError: a node has no kernel here.
        """

    def synchronize(self) -> None:
        """Waits until everything that was started on this backend is done."""


_BACKENDS: dict[str, Backend] = {}


def get_backend(name: str) -> Backend:
    """The backend of that name, ready to use.

    Args:
        name: name in the registry; for a backend that runs on several devices, `name:device` chooses one:
            `cupy:1`, `jax:gpu`, `jax:gpu:1`, `jax:cpu`; `numpy:choose` runs each segment on NumPy or on XLA,
            whichever turns out to be faster.

    Raises:
        NotFoundError: there is none of that name; the message lists those that exist.
        UnavailableError: it cannot be used on this machine; the message says why.
    """
    kind, colon, device = name.partition(":")
    if kind not in BACKEND_NAMES:
        raise NotFoundError(None, f"there is no backend {kind!r}; there are {', '.join(BACKEND_NAMES)}")
    if name not in _BACKENDS:
        module = importlib.import_module(f".{kind}.backend", __package__)
        if colon and not hasattr(module, "select"):
            raise NotFoundError(None, f"backend {kind} has no devices to choose from, got {name!r}")
        backend: Backend = module.select(device) if colon else module.BACKEND
        reason = backend.unavailable()
        if reason is not None:
            raise UnavailableError(None, f"backend {name} cannot be used here: {reason}")
        _BACKENDS[name] = backend
    return _BACKENDS[name]


def available_backends() -> dict[str, str | None]:
    """For every backend, None where it can be used here, else why not."""
    found: dict[str, str | None] = {}
    for name in BACKEND_NAMES:
        try:
            get_backend(name)
            found[name] = None
        except UnavailableError as error:
            found[name] = error.message
    return found
