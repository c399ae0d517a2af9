"""Says how a search is getting on when it takes over two seconds."""

from __future__ import annotations

import sys

from .plan import seconds_text

__all__ = ["Progress"]

_SILENT_SECONDS = 2.0
_REPEAT_SECONDS = 3.0


class Progress:
    """Prints a line on standard error now and then, from two seconds on.

    Args:
        planner: name of the planner.

    Attributes:
        interrupted: whether the search said that it was.
    """

    def __init__(self, planner: str) -> None:
        self.interrupted = False
        self._planner = planner
        self._next = _SILENT_SECONDS

    def __call__(self, elapsed: float, best: float) -> None:
        if elapsed < 0:
            self.interrupted = True
            elapsed = self._next
        if elapsed >= self._next:
            self._next = elapsed + _REPEAT_SECONDS
            found = f"a step of {seconds_text(best)}" if best < 1e290 else "nothing that fits"
            more = "; stopped" if self.interrupted else "; Ctrl-C keeps it"
            print(
                f"weft: planning with {self._planner}, {elapsed:.0f} s, so far {found}{more}",
                file=sys.stderr,
                flush=True,
            )
