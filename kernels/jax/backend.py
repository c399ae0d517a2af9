"""The JAX backend: XLA programs for CPU, GPU and TPU."""

from __future__ import annotations

import functools
import os
import sys
from typing import Any

import numpy as np

from ...graph.ir import Node
from ..backend import CompiledSegment
from ..segment import Segment

__all__ = ["BACKEND", "JaxBackend", "limit_threads", "select"]

_OBJECT = np.dtype(object)
_SMALL_BYTES = 16 * 1024
"""Host arrays below this size are handed to compiled programs as they are; putting them on a device first costs
more than the copy."""


class JaxBackend:
    """Runs segments as XLA programs; see `backend.Backend`.

    Args:
        platform: "cpu", "gpu" or "tpu"; "" for the best that JAX finds.
        index: which of that platform's devices.
    """

    def __init__(self, platform: str = "", index: int = 0) -> None:
        self.platform = platform
        self.index = index
        self.name = "jax"

    def unavailable(self) -> str | None:
        try:
            self._placed  # noqa: B018 - asking for it finds the device
        except (ImportError, RuntimeError, IndexError) as error:
            return str(error) or type(error).__name__
        return None

    @functools.cached_property
    def _placed(self) -> Any:
        import jax

        from .program import Placed

        devices = jax.devices(self.platform) if self.platform else jax.devices()
        if self.index >= len(devices):
            raise IndexError(f"there is no {self.platform or devices[0].platform} device {self.index}")
        chosen = devices[self.index]
        explicit = bool(self.platform) or self.index > 0
        return Placed(chosen if explicit else None, "gpu" if chosen.platform == "cuda" else chosen.platform)

    def xp(self) -> Any:
        import jax.numpy as jnp

        return jnp

    def to_device(self, array: Any) -> Any:
        """A host array as an array of this backend.

        Small arrays, and text, stay NumPy arrays: what is compiled takes them too.
        """
        if isinstance(array, np.generic):
            return array
        if isinstance(array, np.ndarray) and (array.nbytes < _SMALL_BYTES or array.dtype == _OBJECT):
            return array
        import jax

        with jax.enable_x64(True):
            return jax.device_put(array, self._placed.device, may_alias=False)

    def to_host(self, value: Any) -> Any:
        held = isinstance(value, (np.ndarray, np.generic)) or not hasattr(value, "__array__")
        return value if held else np.asarray(value)

    def ends_segment(self, node: Node) -> bool:
        """Never: a segment is cut inside, where its parts still know each other's shapes."""
        return False

    def compile(self, segment: Segment) -> CompiledSegment:
        from .program import JaxProgram

        return JaxProgram(segment, self._placed)

    def synchronize(self) -> None:
        started = self._placed.last
        if started is not None and hasattr(started, "is_deleted") and not started.is_deleted():
            started.block_until_ready()


def limit_threads(count: int) -> bool:
    """Limits XLA on the CPU to so many threads; gives False where it is too late because XLA runs already."""
    bridge: Any = sys.modules.get("jax._src.xla_bridge")
    if bridge is not None and bridge.backends_are_initialized():
        return False
    os.environ["NPROC"] = str(count)
    return True


def select(options: str) -> JaxBackend:
    """The backend for `platform`, `platform:index` or `:index`; see `get_backend`."""
    platform, _, index = options.partition(":")
    return JaxBackend(platform, int(index or 0))


BACKEND = JaxBackend()
