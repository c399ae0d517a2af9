"""Says what is being waited for when it takes over two seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

__all__ = ["Waiting"]

_SILENT_SECONDS = 2.0
_REPEAT_SECONDS = 5.0


class Waiting:
    """One wait, with its limit and its messages on standard error.

    Args:
        limit: seconds that it may take; None for no limit.
        describe: what is being waited for, as a short text; asked each time that something is printed.

    Attributes:
        limit: as above; may change while it lasts.
    """

    def __init__(self, limit: float | None, describe: Callable[[], str]) -> None:
        self._start = time.monotonic()
        self.limit = limit
        self._describe = describe
        self._next = self._start + _SILENT_SECONDS

    @property
    def seconds(self) -> float:
        """Seconds since the wait began."""
        return time.monotonic() - self._start

    def expired(self) -> bool:
        """Whether the limit is over; prints a line when it is time to."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _REPEAT_SECONDS
            limit = f" of at most {self.limit:.0f} s" if self.limit is not None else ""
            print(f"weft: {self._describe()} ({now - self._start:.0f} s{limit})", file=sys.stderr, flush=True)
        return self.limit is not None and now - self._start >= self.limit
