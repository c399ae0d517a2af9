"""Device actors on a Ray cluster as the target of a session."""

from __future__ import annotations

import atexit
import contextlib
import itertools
import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..graph.errors import (
    AbortedError,
    CancelledError,
    DeadlineExceededError,
    OpError,
    UnavailableError,
    UnknownError,
)
from ..placement import Cluster
from .cluster_spec import ClusterSpec
from .compiled import CompiledStep, can_compile
from .config import ConfigProto
from .inventory import describe_devices
from .launch import DeviceActors, attach, launch_devices
from .local import collect_one
from .step import FetchSource, StepSpec

__all__ = ["RayTarget"]

_POLL_SECONDS = 0.5
"""How often a driver that waits for a step looks whether a device is gone."""

_COMPILE_AFTER = 3
"""Runs after which a kind of step is compiled."""

_MOST_COMPILED = 6
"""Compiled graphs per session; each takes a thread on every actor that it uses."""

_LOG = logging.getLogger("weft")

_GIVE_UP_SECONDS = 4.0
"""How long the devices that are left may take to end a step that has failed."""


@dataclass(slots=True)
class _Registered:
    """A step that the devices know.

    Attributes:
        handles: each device's handle of its program.
        feeds: positions of each device's feeds.
        fetches: where the results are.
        writers: devices whose part changes variables or random streams.
        spec: the step itself, while it may yet be compiled.
        runs: how often it has run.
        fast: the step as a compiled graph, once there is one.
    """

    handles: dict[str, int]
    feeds: Mapping[str, tuple[int, ...]]
    fetches: tuple[FetchSource, ...]
    writers: frozenset[str]
    spec: StepSpec | None = None
    runs: int = 0
    fast: CompiledStep | None = None


class RayTarget:
    """Runs steps on one Ray actor per device.

    Args:
        actors: the device actors, started or found.
        session: name of the session.
        default_device: device of ops that ask for none; None to leave them to the planner.
    """

    def __init__(self, actors: DeviceActors, session: str, default_device: str | None = None) -> None:
        self._actors = actors
        self.session = session
        self.default_device = default_device
        self.cluster: Cluster = Cluster(tuple(actors.infos))
        self._steps = itertools.count()
        self._lock = threading.Lock()
        self._settled: dict[str, dict[int, bool]] = {i.name: {} for i in actors.infos}
        self._lost: UnavailableError | None = None
        self._closed = False
        self._compiled = 0
        self._compiling = threading.Lock()
        self._fast: list[CompiledStep] = []
        self._programs: dict[str, list[int]] = {i.name: [] for i in actors.infos}
        atexit.register(self.close)

    @classmethod
    def launch(cls, target: str, cluster: ClusterSpec | None, config: ConfigProto, session: str) -> RayTarget:
        """Starts device actors of the session's own.

        Args:
            target: "ray" or "ray://host:port".
            cluster: jobs and tasks; None for one worker task.
            config: settings.
            session: name of the session.
        """
        spec = ClusterSpec({"worker": 1}) if cluster is None else cluster
        infos = describe_devices(spec, config)
        attach(target, len(infos), config)
        actors = launch_devices(spec, infos, config, session)
        return cls(actors, session, infos[0].name if cluster is None else None)

    def register(self, spec: StepSpec) -> _Registered:
        self._check_open()
        refs = {
            name: self._actors.handles[name].register.remote(program, self.session)
            for name, program in spec.programs.items()
        }
        values = self._get(refs)
        for name, handle in values.items():
            self._programs[name].append(handle)
        writers = frozenset(name for name, program in spec.programs.items() if _changes_state(program, spec))
        return _Registered(values, spec.feeds, spec.fetches, writers, spec if can_compile(spec) else None)

    def run(
        self, registered: _Registered, feeds: Sequence[Any], trace: Any = None, timeout: float | None = None
    ) -> list[Any]:
        self._check_open()
        fast = registered.fast
        if fast is None and registered.spec is not None:
            self._count_run(registered)
        # A compiled graph runs one step at a time; other threads' steps of the kind go as messages meanwhile.
        if fast is not None and trace is None and fast.lock.acquire(blocking=False):
            try:
                return self._run_compiled(fast, registered, feeds, timeout)
            finally:
                fast.lock.release()
        return self._run_messages(registered, feeds, trace, timeout)

    def _run_compiled(
        self, fast: CompiledStep, registered: _Registered, feeds: Sequence[Any], timeout: float | None
    ) -> list[Any]:
        step = next(self._steps)
        told = {name: tuple(self._settled[name].items()) for name in fast.devices}
        headers = [(step, told[n], [feeds[i] for i in registered.feeds[n]]) for n in fast.devices]
        alone = len(fast.devices) == 1
        try:
            values = fast.run(headers, timeout)
        except BaseException as error:
            if not alone:
                self._note_settled(frozenset(fast.devices), step, False, told)
            raise self._compiled_error(error, registered) from None
        if alone:
            self._note_settled(frozenset(), step, True, told)
        else:
            self._note_settled(registered.writers, step, True, told)
        return [collect_one(f, feeds, values) for f in registered.fetches]

    def _compiled_error(self, error: BaseException, registered: _Registered) -> BaseException:
        """What went wrong in a compiled graph; one that cannot be used any more is given up."""
        from ray.exceptions import RayActorError, RayChannelError, RayTaskError

        if isinstance(error, RayTaskError) and not isinstance(error, RayActorError):
            return _op_error(error, "")
        if isinstance(error, (RayActorError, RayChannelError)):
            registered.fast = None
            if self._closed:
                return CancelledError(None, "the session was closed while the step ran")
            return self._find_lost() or UnavailableError(None, f"the devices' connection is closed: {error}")
        return error

    def _find_lost(self) -> OpError | None:
        """Asks every device whether it is alive; the error to report if one is not."""
        import ray

        refs = {n: a.ready.remote() for n, a in self._actors.handles.items()}
        ray.wait(list(refs.values()), num_returns=len(refs), timeout=_GIVE_UP_SECONDS)
        errors: dict[str, BaseException] = {}
        for name, ref in refs.items():
            try:
                ray.get(ref, timeout=0)
            except ray.exceptions.GetTimeoutError:
                continue
            except Exception as error:
                errors[name] = error
        return self._cause(errors) if errors else None

    def _count_run(self, registered: _Registered) -> None:
        """Has a step that repeats compiled in the background."""
        registered.runs += 1
        if registered.runs != _COMPILE_AFTER or registered.spec is None:
            return
        with self._lock:
            if self._compiled >= _MOST_COMPILED:
                registered.spec = None
                return
            self._compiled += 1
        threading.Thread(target=self._compile, args=(registered,), daemon=True, name="weft-compile").start()

    def _compile(self, registered: _Registered) -> None:
        spec, registered.spec = registered.spec, None
        if spec is None or self._closed:
            return
        with self._compiling:
            try:
                fast = CompiledStep(spec, registered.handles, self._actors.handles, self.session)
            except Exception as error:
                _LOG.info("a step stays with messages: %s", error)
                return
            if self._closed:
                fast.close()
                return
            self._fast.append(fast)
            registered.fast = fast

    def _run_messages(
        self, registered: _Registered, feeds: Sequence[Any], trace: Any, timeout: float | None
    ) -> list[Any]:
        from .device_actor import StepMessage

        step = next(self._steps)
        alone = len(registered.handles) == 1
        refs, told = {}, {}
        for name, handle in registered.handles.items():
            told[name] = tuple(self._settled[name].items()) if self._settled[name] else ()
            message = StepMessage(
                handle,
                self.session,
                step,
                [feeds[i] for i in registered.feeds[name]],
                told[name],
                commit=alone,
                trace=trace is not None,
                timeout=timeout,
            )
            refs[name] = self._actors.handles[name].run_step.remote(message)
        try:
            results = self._get(refs, step, timeout)
        except BaseException:
            if not alone:
                self._note_settled(registered.writers, step, False, told)
            raise
        self._note_settled(frozenset() if alone else registered.writers, step, True, told)
        if trace is not None:
            for name, (_, rows) in results.items():
                trace.extend((name, *row) for row in rows or ())
        values = {name: result[0] for name, result in results.items()}
        return [collect_one(f, feeds, values) for f in registered.fetches]

    def _note_settled(
        self, writers: frozenset[str], step: int, succeeded: bool, told: Mapping[str, Any]
    ) -> None:
        """Remembers a step's outcome for the messages to come; forgets what the devices know by now."""
        with self._lock:
            if succeeded:
                for name, rows in told.items():
                    for known, _ in rows:
                        self._settled[name].pop(known, None)
            for name in writers:
                self._settled[name][step] = succeeded
        if not self._actors.owned:
            # Other programs look at these devices too: they must not wait for this session's next step.
            for name in writers:
                rows = tuple(self._settled[name].items())
                self._actors.handles[name].settle.remote(self.session, rows)

    # --- waiting ------------------------------------------------------------------------------------------

    def _get(
        self, refs: Mapping[str, Any], step: int | None = None, timeout: float | None = None
    ) -> dict[str, Any]:
        """The results of one call per device; on failure ends the others first, then raises the one cause."""
        import ray
        from ray.exceptions import GetTimeoutError, RayActorError, RayError, RayTaskError

        names, listed = list(refs), list(refs.values())
        waited = 0.0
        while True:
            try:
                return dict(zip(names, ray.get(listed, timeout=_POLL_SECONDS), strict=True))
            except GetTimeoutError:
                waited += _POLL_SECONDS
                failed = self._failed(refs)
                if failed:
                    break
                if self._closed:
                    raise CancelledError(None, "the session was closed while the step ran") from None
                if timeout is not None and waited >= timeout:
                    self._abort(refs, step, "the step took longer than the caller allowed")
                    raise DeadlineExceededError(None, f"the step took longer than {timeout} s") from None
            except (RayTaskError, RayActorError, RayError, OpError):
                break
        errors = self._collect_errors(refs, step)
        raise self._cause(errors)

    def _failed(self, refs: Mapping[str, Any]) -> bool:
        import ray

        done, _ = ray.wait(list(refs.values()), num_returns=len(refs), timeout=0)
        for ref in done:
            try:
                ray.get(ref)
            except Exception:
                return True
        return False

    def _collect_errors(self, refs: Mapping[str, Any], step: int | None) -> dict[str, BaseException]:
        """Ends the step on the devices that are left and gathers what went wrong where."""
        import ray

        self._abort(refs, step, "the step failed on another device")
        ray.wait(list(refs.values()), num_returns=len(refs), timeout=_GIVE_UP_SECONDS)
        errors: dict[str, BaseException] = {}
        for name, ref in refs.items():
            try:
                ray.get(ref, timeout=0)
            except ray.exceptions.GetTimeoutError:
                continue
            except Exception as error:
                errors[name] = error
        return errors

    def _abort(self, refs: Mapping[str, Any], step: int | None, reason: str) -> None:
        if step is not None:
            for name in refs:
                self._actors.handles[name].abort.remote(self.session, step, reason)

    def _cause(self, errors: Mapping[str, BaseException]) -> OpError:
        """The one error to report: a lost device before an op's own error before an aborted wait."""
        from ray.exceptions import RayActorError

        lost = [n for n, e in errors.items() if isinstance(e, RayActorError)]
        if lost:
            self._lost = UnavailableError(
                None, f"device {', '.join(lost)} is gone: its process died or its node was lost", lost[0]
            )
            return self._lost
        causes = [_op_error(e, n) for n, e in errors.items()]
        own = [c for c in causes if not isinstance(c, AbortedError)]
        return (own or causes or [UnknownError(None, "the step failed on a device that did not say why")])[0]

    def _check_open(self) -> None:
        if self._closed:
            raise CancelledError(None, "the session is closed")
        if self._lost is not None:
            raise self._lost

    @property
    def pids(self) -> dict[str, int]:
        """Process of each device."""
        return {i.name: int(i.process.rsplit(":", 1)[-1]) for i in self._actors.infos}

    def get_state(self) -> dict[str, Any]:
        """State of every device, once all earlier steps are settled there."""
        self._check_open()
        told = {name: tuple(rows.items()) for name, rows in self._settled.items()}
        actors = self._actors.handles
        return self._get({n: a.get_state.remote(self.session, told[n]) for n, a in actors.items()})

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Gives every device the state that `get_state` gave; devices that it lacks stay as they are."""
        actors = self._actors.handles
        self._get({n: actors[n].set_state.remote(self.session, part) for n, part in state.items()})

    def stats(self) -> list[dict[str, Any]]:
        self._check_open()
        found = self._get({n: a.stats.remote() for n, a in self._actors.handles.items()})
        return list(found.values())

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        atexit.unregister(self.close)
        with self._compiling:
            for fast in self._fast:
                fast.close()
        if self._actors.owned:
            self._actors.stop()
        else:
            self._leave()

    def _leave(self) -> None:
        """Settles what is open on devices that stay, and takes this session's programs away."""
        import ray

        if not ray.is_initialized():
            return
        refs = []
        for name, actor in self._actors.handles.items():
            with contextlib.suppress(Exception):
                actor.settle.remote(self.session, tuple(self._settled[name].items()))
                refs.append(actor.forget.remote(self.session, self._programs[name]))
        with contextlib.suppress(Exception):
            ray.wait(refs, num_returns=len(refs), timeout=_GIVE_UP_SECONDS)


def _changes_state(program: Any, spec: StepSpec) -> bool:
    if program.final:
        return True
    nodes = (n for s in program.stages for n in s.nodes)
    return any(
        n.op not in ("_Feed", "_Send", "_Recv") and n.decl.state.kind in ("random", "effect") for n in nodes
    )


def _op_error(error: BaseException, device: str) -> OpError:
    """The weft error inside what Ray raised."""
    cause = getattr(error, "cause", error)
    if isinstance(cause, OpError):
        return cause
    if isinstance(error, OpError):
        return error
    return UnknownError(None, f"{type(cause).__name__}: {cause}", device)
