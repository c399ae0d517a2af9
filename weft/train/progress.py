"""Progress of a training loop on the terminal."""

from __future__ import annotations

import sys
import time
from typing import Any

from .global_step import get_global_step
from .session_run_hook import SessionRunArgs, SessionRunContext, SessionRunHook

__all__ = ["ProgressHook"]


class ProgressHook(SessionRunHook):
    """Shows step, rate, time left and perhaps a loss on the terminal; nothing where there is none.

    Args:
        total: the global step at which training ends, if known.
        loss: a scalar tensor to show.
        stop: a `StopAtStepHook` that knows the total.
        every_secs: seconds between looks at the loss.
        file: where to write; standard error by default.
    """

    def __init__(
        self,
        total: int | None = None,
        loss: Any = None,
        stop: Any = None,
        every_secs: float = 0.5,
        file: Any = None,
    ) -> None:
        self._total = total
        self._loss = loss
        self._stop = stop
        self._every = every_secs
        self._file = file
        self._bar: Any = None
        self._looked = 0.0

    def begin(self) -> None:
        self._global_step = get_global_step()

    def after_create_session(self, session: Any, coord: Any) -> None:
        file = self._file or sys.stderr
        if self._bar is not None or not getattr(file, "isatty", lambda: False)():
            return
        from tqdm import tqdm

        start = 0 if self._global_step is None else int(session.run(self._global_step))
        total = self._total if self._stop is None else self._stop.last_step
        self._bar = tqdm(total=total, initial=start, unit="step", file=file, dynamic_ncols=True)

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        now = time.monotonic()
        self._due = self._bar is not None and now - self._looked >= self._every
        if not self._due:
            return None
        self._looked = now
        wanted = {"step": self._global_step, "loss": self._loss}
        wanted = {k: v for k, v in wanted.items() if v is not None}
        return SessionRunArgs(wanted) if wanted else None

    def after_run(self, run_context: SessionRunContext, run_values: Any) -> None:
        if self._bar is None:
            return
        if self._global_step is None:
            self._bar.update(1)
        if not self._due or run_values.results is None:
            return
        if "step" in run_values.results:
            self._bar.update(int(run_values.results["step"]) + 1 - self._bar.n)
        if "loss" in run_values.results:
            self._bar.set_postfix(loss=f"{float(run_values.results['loss']):.4g}", refresh=False)

    def end(self, session: Any) -> None:
        if self._bar is not None:
            if self._global_step is not None:
                self._bar.update(int(session.run(self._global_step)) - self._bar.n)
            self._bar.close()
            self._bar = None
