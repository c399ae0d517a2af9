"""Hooks that stop, log, save and watch."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .. import logging
from ..graph.default_graph import get_default_graph
from ..graph.errors import OutOfRangeError
from ..graph.graph_def import write_graph
from ..graph.graph_keys import GraphKeys
from ..summary import FileWriterCache
from .global_step import get_global_step
from .session_run_hook import SessionRunArgs, SessionRunContext, SessionRunHook

__all__ = [
    "CheckpointSaverHook",
    "CheckpointSaverListener",
    "FeedFnHook",
    "FinalOpsHook",
    "GlobalStepWaiterHook",
    "LoggingTensorHook",
    "NanLossDuringTrainingError",
    "NanTensorHook",
    "ProfilerHook",
    "SecondOrStepTimer",
    "StepCounterHook",
    "StopAtStepHook",
    "SummarySaverHook",
]


class NanLossDuringTrainingError(RuntimeError):
    """The loss is no number any more."""

    def __str__(self) -> str:
        return "NaN loss during training."


class SecondOrStepTimer:
    """Says when something that happens every so many seconds or steps is due.

    Args:
        every_secs: seconds from one time to the next.
        every_steps: steps from one time to the next; one of the two.
    """

    def __init__(self, every_secs: float | None = None, every_steps: int | None = None) -> None:
        if (every_secs is None) == (every_steps is None):
            raise ValueError("Give either every_secs or every_steps.")
        self._every_secs = every_secs
        self._every_steps = every_steps
        self.reset()

    def reset(self) -> None:
        """Forgets when it was last time."""
        self._step: int | None = None
        self._time: float | None = None

    def should_trigger_for_step(self, step: int) -> bool:
        """Whether it is time at this step; always the first time, never twice for one step."""
        if self._step is None or self._time is None:
            return True
        if step == self._step:
            return False
        if self._every_secs is not None:
            return time.time() >= self._time + self._every_secs
        assert self._every_steps is not None
        return step >= self._step + self._every_steps

    def update_last_triggered_step(self, step: int) -> tuple[float | None, int | None]:
        """Notes that it was time at this step; gives seconds and steps since the last time."""
        now = time.time()
        seconds = None if self._time is None else now - self._time
        steps = None if self._step is None else step - self._step
        self._time, self._step = now, step
        return seconds, steps

    def last_triggered_step(self) -> int | None:
        return self._step


def _step_or_fail(hook: object) -> Any:
    step = get_global_step()
    if step is None:
        raise RuntimeError(f"{type(hook).__name__} needs a global step: call tf.train.create_global_step().")
    return step


class StopAtStepHook(SessionRunHook):
    """Stops after so many steps, or at a step.

    Args:
        num_steps: steps from the beginning of the session.
        last_step: the global step at which to stop; one of the two.
    """

    def __init__(self, num_steps: int | None = None, last_step: int | None = None) -> None:
        if (num_steps is None) == (last_step is None):
            raise ValueError("Give either num_steps or last_step.")
        self._num_steps = num_steps
        self._last_step = last_step

    @property
    def last_step(self) -> int | None:
        return self._last_step

    def begin(self) -> None:
        self._global_step = _step_or_fail(self)

    def after_create_session(self, session: Any, coord: Any) -> None:
        if self._last_step is None:
            assert self._num_steps is not None
            self._last_step = int(session.run(self._global_step)) + self._num_steps

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs:
        return SessionRunArgs(self._global_step)

    def after_run(self, run_context: SessionRunContext, run_values: Any) -> None:
        assert self._last_step is not None
        # The step fetched is that from before the update; look again only when it may be reached.
        if run_values.results + 1 >= self._last_step:
            step = int(run_context.session.run(self._global_step))
            if step >= self._last_step:
                run_context.request_stop()


class LoggingTensorHook(SessionRunHook):
    """Logs tensors every so many steps or seconds.

    Args:
        tensors: from labels to tensors or names of tensors, or a list of these.
        every_n_iter: steps from one time to the next.
        every_n_secs: seconds from one time to the next.
        at_end: whether also at the end.
        formatter: from a dictionary of values to a line of text.
    """

    def __init__(
        self,
        tensors: Mapping[str, Any] | Sequence[Any],
        every_n_iter: int | None = None,
        every_n_secs: float | None = None,
        at_end: bool = False,
        formatter: Callable[[dict[str, Any]], str] | None = None,
    ) -> None:
        only_at_end = at_end and every_n_iter is None and every_n_secs is None
        if not only_at_end and (every_n_iter is None) == (every_n_secs is None):
            raise ValueError("Give either every_n_iter or every_n_secs, or at_end alone.")
        if every_n_iter is not None and every_n_iter <= 0:
            raise ValueError(f"every_n_iter must be positive, got {every_n_iter}.")
        if isinstance(tensors, Mapping):
            self._wanted = dict(tensors)
        else:
            self._wanted = {getattr(t, "name", t): t for t in tensors}
        self._formatter = formatter
        self._at_end = at_end
        self._timer = None if only_at_end else SecondOrStepTimer(every_n_secs, every_n_iter)

    def begin(self) -> None:
        if self._timer is not None:
            self._timer.reset()
        self._iteration = 0
        graph = get_default_graph()
        self._tensors = {k: graph.as_graph_element(v, allow_operation=False) for k, v in self._wanted.items()}

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        self._due = self._timer is not None and self._timer.should_trigger_for_step(self._iteration)
        return SessionRunArgs(self._tensors) if self._due else None

    def after_run(self, run_context: SessionRunContext, run_values: Any) -> None:
        if self._due:
            self._log(run_values.results)
        self._iteration += 1

    def end(self, session: Any) -> None:
        if self._at_end:
            self._log(session.run(self._tensors))

    def _log(self, values: dict[str, Any]) -> None:
        seconds = None
        if self._timer is not None:
            seconds, _ = self._timer.update_last_triggered_step(self._iteration)
        if self._formatter is not None:
            logging.info(self._formatter(values))
            return
        text = ", ".join(f"{k} = {v}" for k, v in values.items())
        logging.info(text if seconds is None else f"{text} ({seconds:.3f} sec)")


class NanTensorHook(SessionRunHook):
    """Stops when a loss is no number.

    Args:
        loss_tensor: the loss.
        fail_on_nan_loss: whether to raise an error rather than just stop.
    """

    def __init__(self, loss_tensor: Any, fail_on_nan_loss: bool = True) -> None:
        self._loss = loss_tensor
        self._fail = fail_on_nan_loss

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs:
        return SessionRunArgs(self._loss)

    def after_run(self, run_context: SessionRunContext, run_values: Any) -> None:
        if not np.isnan(run_values.results).any():
            return
        if self._fail:
            logging.error("Model diverged with loss = NaN.")
            raise NanLossDuringTrainingError
        logging.warning("Model diverged with loss = NaN.")
        run_context.request_stop()


class CheckpointSaverListener:
    """Is told before and after a `CheckpointSaverHook` saves; a subclass overrides what it needs."""

    def begin(self) -> None:
        """Called once before the session is made."""

    def before_save(self, session: Any, global_step_value: int) -> None:
        """Called before each checkpoint."""

    def after_save(self, session: Any, global_step_value: int) -> bool | None:
        """Called after each checkpoint; True asks for a stop."""
        return None

    def end(self, session: Any, global_step_value: int) -> None:
        """Called at the end."""


class CheckpointSaverHook(SessionRunHook):
    """Saves a checkpoint at the beginning, every so many steps or seconds, and at the end.

    Args:
        checkpoint_dir: folder of the checkpoints.
        save_secs: seconds from one to the next.
        save_steps: steps from one to the next; one of the two.
        saver: the saver; the scaffold's or the graph's by default.
        checkpoint_basename: beginning of the checkpoints' names.
        scaffold: the scaffold, for its saver.
        listeners: told before and after each checkpoint.
        save_graph_def: whether the graph is written.
    """

    def __init__(
        self,
        checkpoint_dir: str,
        save_secs: float | None = None,
        save_steps: int | None = None,
        saver: Any = None,
        checkpoint_basename: str = "model.ckpt",
        scaffold: Any = None,
        listeners: Sequence[CheckpointSaverListener] | None = None,
        save_graph_def: bool = True,
    ) -> None:
        if saver is not None and scaffold is not None:
            raise ValueError("Give either saver or scaffold.")
        self._saver = saver
        self._scaffold = scaffold
        self._dir = checkpoint_dir
        self._path = os.path.join(checkpoint_dir, checkpoint_basename)
        self._timer = SecondOrStepTimer(save_secs, save_steps)
        self._listeners = list(listeners or ())
        self._save_graph_def = save_graph_def

    def begin(self) -> None:
        self._writer = FileWriterCache.get(self._dir)
        self._global_step = _step_or_fail(self)
        for listener in self._listeners:
            listener.begin()

    def after_create_session(self, session: Any, coord: Any) -> None:
        step = int(session.run(self._global_step))
        if self._save_graph_def:
            write_graph(session.graph.as_graph_def(add_shapes=True), self._dir, "graph.pbtxt")
            self._writer.add_graph(session.graph)
        self._save(session, step)
        self._timer.update_last_triggered_step(step)

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs:
        return SessionRunArgs(self._global_step)

    def after_run(self, run_context: SessionRunContext, run_values: Any) -> None:
        if not self._timer.should_trigger_for_step(int(run_values.results) + 1):
            return
        step = int(run_context.session.run(self._global_step))
        if self._timer.should_trigger_for_step(step):
            self._timer.update_last_triggered_step(step)
            if self._save(run_context.session, step):
                run_context.request_stop()

    def end(self, session: Any) -> None:
        step = int(session.run(self._global_step))
        if step != self._timer.last_triggered_step():
            self._save(session, step)
        for listener in self._listeners:
            listener.end(session, step)

    def _save(self, session: Any, step: int) -> bool:
        logging.info("Saving checkpoints for %d into %s.", step, self._path)
        for listener in self._listeners:
            listener.before_save(session, step)
        self._get_saver().save(session, self._path, global_step=step, write_meta_graph=self._save_graph_def)
        asked = [listener.after_save(session, step) for listener in self._listeners]
        return any(asked)

    def _get_saver(self) -> Any:
        if self._saver is not None:
            return self._saver
        if self._scaffold is not None:
            return self._scaffold.saver
        savers = get_default_graph().get_collection(GraphKeys.SAVERS)
        if len(savers) != 1:
            raise RuntimeError(f"The graph has {len(savers)} savers; give one to CheckpointSaverHook.")
        return savers[0]


class StepCounterHook(SessionRunHook):
    """Writes steps per second as a summary, and logs them.

    Args:
        every_n_steps: steps from one time to the next.
        every_n_secs: seconds from one time to the next; in the place of steps.
        output_dir: folder of the summaries.
        summary_writer: the writer, in the place of a folder.
    """

    def __init__(
        self,
        every_n_steps: int | None = 100,
        every_n_secs: float | None = None,
        output_dir: str | None = None,
        summary_writer: Any = None,
    ) -> None:
        if (every_n_steps is None) == (every_n_secs is None):
            raise ValueError("Give either every_n_steps or every_n_secs.")
        self._timer = SecondOrStepTimer(every_n_secs, every_n_steps)
        self._writer = summary_writer
        self._dir = output_dir

    def begin(self) -> None:
        if self._writer is None and self._dir:
            self._writer = FileWriterCache.get(self._dir)
        self._global_step = _step_or_fail(self)
        self._tag = f"{self._global_step.op.name}/sec"

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs:
        return SessionRunArgs(self._global_step)

    def after_run(self, run_context: SessionRunContext, run_values: Any) -> None:
        stale = int(run_values.results)
        if not self._timer.should_trigger_for_step(stale + 1):
            return
        step = int(run_context.session.run(self._global_step))
        if self._timer.should_trigger_for_step(step):
            seconds, steps = self._timer.update_last_triggered_step(step)
            if seconds is not None and steps is not None:
                self._write(steps / max(seconds, 1e-9), step)

    def _write(self, rate: float, step: int) -> None:
        if self._writer is not None:
            from tensorboard.compat.proto.summary_pb2 import Summary

            self._writer.add_summary(Summary(value=[Summary.Value(tag=self._tag, simple_value=rate)]), step)
        logging.info("%s: %g", self._tag, rate)


class SummarySaverHook(SessionRunHook):
    """Writes summaries every so many steps or seconds.

    Args:
        save_steps: steps from one time to the next.
        save_secs: seconds from one time to the next; one of the two.
        output_dir: folder of the summaries.
        summary_writer: the writer, in the place of a folder.
        scaffold: gives the summary operation.
        summary_op: the summary operation (or several), in the place of a scaffold.
    """

    def __init__(
        self,
        save_steps: int | None = None,
        save_secs: float | None = None,
        output_dir: str | None = None,
        summary_writer: Any = None,
        scaffold: Any = None,
        summary_op: Any = None,
    ) -> None:
        if (scaffold is None) == (summary_op is None):
            raise ValueError("Give either scaffold or summary_op.")
        self._summary_op = summary_op
        self._scaffold = scaffold
        self._writer = summary_writer
        self._dir = output_dir
        self._timer = SecondOrStepTimer(save_secs, save_steps)

    def begin(self) -> None:
        if self._writer is None and self._dir:
            self._writer = FileWriterCache.get(self._dir)
        self._next: int | None = None
        self._global_step = _step_or_fail(self)

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs:
        self._due = self._next is None or self._timer.should_trigger_for_step(self._next)
        wanted = {"global_step": self._global_step}
        operations = self._operations() if self._due else []
        if operations:
            wanted["summary"] = operations
        return SessionRunArgs(wanted)

    def _operations(self) -> list[Any]:
        found = self._summary_op if self._summary_op is not None else self._scaffold.summary_op
        if found is None:
            return []
        return list(found) if isinstance(found, (list, tuple)) else [found]

    def after_run(self, run_context: SessionRunContext, run_values: Any) -> None:
        if self._writer is None:
            return
        stale = int(run_values.results["global_step"])
        step = stale + 1
        if self._next is None or self._due:
            step = int(run_context.session.run(self._global_step))
        if self._due:
            self._timer.update_last_triggered_step(step)
            for summary in run_values.results.get("summary", ()):
                self._writer.add_summary(summary, step)
        self._next = step + 1

    def end(self, session: Any) -> None:
        if self._writer is not None:
            self._writer.flush()


class GlobalStepWaiterHook(SessionRunHook):
    """Waits, before the first step, until the global step has reached a number: workers start one by one.

    Args:
        wait_until_step: the number.
    """

    def __init__(self, wait_until_step: int) -> None:
        self._wait_until_step = wait_until_step

    def begin(self) -> None:
        self._worker_is_started = False
        self._global_step = _step_or_fail(self)

    def before_run(self, run_context: SessionRunContext) -> None:
        if self._worker_is_started:
            return
        if self._wait_until_step > 0:
            logging.info("Waiting for global step %d before starting training.", self._wait_until_step)
        last_logged = time.time()
        while (step := int(run_context.session.run(self._global_step))) < self._wait_until_step:
            if time.time() - last_logged > 10:
                logging.info("Waiting for global step %d, now at %d.", self._wait_until_step, step)
                last_logged = time.time()
            time.sleep(0.5)
        self._worker_is_started = True


class FinalOpsHook(SessionRunHook):
    """Evaluates tensors at the end.

    Args:
        final_ops: fetches in any structure.
        final_ops_feed_dict: feeds.
    """

    def __init__(self, final_ops: Any, final_ops_feed_dict: Any = None) -> None:
        self._final_ops = final_ops
        self._feeds = final_ops_feed_dict
        self._values: Any = None

    @property
    def final_ops_values(self) -> Any:
        return self._values

    def end(self, session: Any) -> None:
        if self._final_ops is None:
            return
        try:
            self._values = session.run(self._final_ops, self._feeds)
        except OutOfRangeError as error:
            logging.warning("The final ops need input that has ended: %s", error)
            raise


class FeedFnHook(SessionRunHook):
    """Feeds what a function gives in every step.

    Args:
        feed_fn: function without arguments that gives a feed dictionary.
    """

    def __init__(self, feed_fn: Callable[[], dict[Any, Any]]) -> None:
        self.feed_fn = feed_fn

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs:
        return SessionRunArgs(None, self.feed_fn())


class ProfilerHook(SessionRunHook):
    """Traces a step every so many steps or seconds, and writes when what ran where to the folder's events.

    Args:
        save_steps: steps from one time to the next.
        save_secs: seconds from one time to the next; one of the two.
        output_dir: folder of the events.
        show_dataflow, show_memory: accepted for TensorFlow's sake.
    """

    def __init__(
        self,
        save_steps: int | None = None,
        save_secs: float | None = None,
        output_dir: str = "",
        show_dataflow: bool = True,
        show_memory: bool = False,
    ) -> None:
        del show_dataflow, show_memory
        self._dir = output_dir
        self._timer = SecondOrStepTimer(save_secs, save_steps)

    def begin(self) -> None:
        self._writer = FileWriterCache.get(self._dir)
        self._next: int | None = None
        self._global_step = _step_or_fail(self)

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs:
        from ..actors.config import RunOptions

        self._due = self._next is not None and self._timer.should_trigger_for_step(self._next)
        options = RunOptions(trace_level=RunOptions.FULL_TRACE) if self._due else None
        return SessionRunArgs(self._global_step, options=options)

    def after_run(self, run_context: SessionRunContext, run_values: Any) -> None:
        step = int(run_values.results) + 1
        if self._next is None:
            self._timer.update_last_triggered_step(step)
        if self._due:
            step = int(run_context.session.run(self._global_step))
            self._timer.update_last_triggered_step(step)
            self._writer.add_run_metadata(run_values.run_metadata, f"step_{step}", step)
        self._next = step + 1
