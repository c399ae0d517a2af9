"""Starts single devices of a session anew, in the place of those that were lost."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from typing import Any

from ..graph.errors import UnavailableError
from .config import ConfigProto
from .launch import DeviceActors, connect, wait_for_actors
from .progress import Waiting

__all__ = ["restart_devices"]


def restart_devices(actors: DeviceActors, lost: Sequence[str], config: ConfigProto) -> None:
    """Starts actors for some devices again, wherever Ray finds the place, and connects them with the others.

    Args:
        actors: the devices of the session; changed in place.
        lost: names of those to start.
        config: settings; `start_timeout` bounds the wait.

    Raises:
        UnavailableError: they did not start in time, or another device is gone.
    """
    import ray

    from .device_actor import actor_class

    cls = actor_class()
    for name in lost:
        # A device that cannot be reached must not go on beside its successor.
        with contextlib.suppress(Exception):
            ray.kill(actors.handles[name], no_restart=True)
    waiting = Waiting(config.start_timeout, lambda: f"starting {', '.join(lost)} again")
    fresh = {name: _start(cls, actors, name, waiting) for name in lost}
    infos = dict(zip(fresh, wait_for_actors(fresh, config), strict=True)) if fresh else {}
    actors.handles.update(fresh)
    actors.infos = [infos.get(i.name, i) for i in actors.infos]
    connect(actors.handles)


def _start(cls: Any, actors: DeviceActors, name: str, waiting: Waiting) -> Any:
    """One actor; its name is free once Ray has noticed the end of its predecessor."""
    options, arguments = actors.recipes[name]
    while True:
        try:
            return cls.options(**options).remote(*arguments)
        except ValueError as error:
            if "already" not in str(error):
                raise
            if waiting.expired():
                raise UnavailableError(None, f"the lost device's name is not free: {error}", name) from None
            time.sleep(0.02)
