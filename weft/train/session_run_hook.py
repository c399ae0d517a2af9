"""Hooks: objects that take part in every step of a monitored session."""

from __future__ import annotations

import collections
from typing import Any

__all__ = ["SessionRunArgs", "SessionRunContext", "SessionRunHook", "SessionRunValues"]

_Args = collections.namedtuple("_Args", ["fetches", "feed_dict", "options"])


class SessionRunArgs(_Args):
    """What a hook wants fetched and fed in a step.

    Attributes:
        fetches: fetches in any structure.
        feed_dict: feeds.
        options: `RunOptions`.
    """

    __slots__ = ()

    def __new__(cls, fetches: Any, feed_dict: Any = None, options: Any = None) -> SessionRunArgs:
        return super().__new__(cls, fetches, feed_dict, options)


SessionRunValues = collections.namedtuple("SessionRunValues", ["results", "options", "run_metadata"])
"""What a step gave a hook: the values of its fetches, the options of the step, and its metadata."""


class SessionRunContext:
    """A step, as hooks see it.

    Args:
        original_args: what the program asked for.
        session: the session.
    """

    def __init__(self, original_args: SessionRunArgs, session: Any) -> None:
        self._original_args = original_args
        self._session = session
        self._stop_requested = False

    @property
    def original_args(self) -> SessionRunArgs:
        return self._original_args

    @property
    def session(self) -> Any:
        return self._session

    @property
    def stop_requested(self) -> bool:
        return self._stop_requested

    def request_stop(self) -> None:
        """Makes `should_stop()` of the session true after this step."""
        self._stop_requested = True


class SessionRunHook:
    """Takes part in every step of a monitored session; a subclass overrides what it needs."""

    def begin(self) -> None:
        """Called once before the session is made; ops may still be added."""

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Called whenever a session was made; the graph is complete then."""

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        """Called before each step; what it gives is fetched besides."""
        return None

    def after_run(self, run_context: SessionRunContext, run_values: Any) -> None:
        """Called after each step that did not fail."""

    def end(self, session: Any) -> None:
        """Called when the session ends without an error."""
