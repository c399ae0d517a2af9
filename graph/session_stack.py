"""The stack of default sessions: `Tensor.eval` and `Operation.run` look here."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

__all__ = ["default_session", "session_scope"]


class _Sessions(threading.local):
    def __init__(self) -> None:
        self.stack: list[Any] = []


_SESSIONS = _Sessions()


def default_session() -> Any:
    """The innermost default session of this thread, or None."""
    return _SESSIONS.stack[-1] if _SESSIONS.stack else None


@contextlib.contextmanager
def session_scope(session: Any) -> Iterator[Any]:
    """Makes `session` the default session of this thread inside a `with` block."""
    _SESSIONS.stack.append(session)
    try:
        yield session
    finally:
        del _SESSIONS.stack[len(_SESSIONS.stack) - 1 - _SESSIONS.stack[::-1].index(session)]
