"""Device actors on a Ray cluster as the target of a session."""

from __future__ import annotations

import atexit
import contextlib
import itertools
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..graph.errors import (
    AbortedError,
    CancelledError,
    DeadlineExceededError,
    OpError,
    UnavailableError,
    UnknownError,
)
from ..placement import Cluster, DeviceInfo
from .calibration import calibrated
from .cluster_spec import ClusterSpec
from .config import ConfigProto
from .inventory import describe_devices
from .launch import DeviceActors, attach, launch_devices
from .local import collect_one
from .restart import restart_devices
from .step import FetchSource, StepSpec
from .transports import StepPath, Transport, transports
from .transports.messages import MessagePath
from .watch import Watch, gone

__all__ = ["RayTarget"]

_POLL_SECONDS = 0.25
"""How often a driver that waits for calls looks whether a device is gone."""

_LOG = logging.getLogger("weft")

_GIVE_UP_SECONDS = 2.0
"""How long the devices that are left may take to end a step that has failed."""

_ANSWER_SECONDS = 3.0
"""How long a device may take to say that it is there."""

_SETTLE_EVERY = 64
"""Outcomes that a device has not been told yet, above which it is told without waiting for the next step."""


@dataclass(slots=True)
class _Registered:
    """A step that the devices know.

    Attributes:
        spec: the step.
        handles: each device's handle of its program.
        writers: devices whose part changes variables or random streams.
        messages: the way that always works.
        path: the best way that there is yet.
        untried: transports that may be better, with the runs after which each is worth it.
        runs: how often it has run.
    """

    spec: StepSpec
    handles: dict[str, int]
    writers: frozenset[str]
    messages: MessagePath
    path: StepPath
    untried: list[Transport]
    runs: int = 0
    feeds: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    fetches: tuple[FetchSource, ...] = ()


class RayTarget:
    """Runs steps on one Ray actor per device.

    Args:
        actors: the device actors, started or found.
        session: name of the session.
        default_device: device of ops that ask for none; None to leave them to the planner.
        config: the session's settings.
    """

    def __init__(
        self,
        actors: DeviceActors,
        session: str,
        default_device: str | None = None,
        config: ConfigProto | None = None,
    ) -> None:
        import ray

        self._config = config or ConfigProto()

        self._actors = actors
        self.session = session
        self.default_device = default_device
        self.here = ray.get_runtime_context().get_node_id()
        self._steps = itertools.count()
        self._lock = threading.Lock()
        self._lost: UnavailableError | None = None
        self._closed = False
        self._connecting = threading.Lock()
        self._programs: dict[str, list[int]] = {i.name: [] for i in actors.infos}
        self._kinds: list[_Registered] = []
        self._bare: set[str] = set()
        self.cluster: Cluster = calibrated(Cluster(tuple(actors.infos)), "ray")
        self._adopt()
        atexit.register(self.close)

    def _adopt(self) -> None:
        """Takes the actors as they are now."""
        self._settled: dict[str, dict[int, bool]] = {i.name: {} for i in self._actors.infos}
        self._nodes = {i.name: i.node for i in self._actors.infos}
        self._watch = Watch.of_ray(self._actors.infos)
        allowed = self._config.transports
        if allowed is None and self._config.recover:
            # Ray ends the driver's own process when an actor dies while a compiled graph is being made.
            allowed = ("channels",)
        self._transports = transports(self, allowed)
        self._lost = None

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
        return cls(actors, session, infos[0].name if cluster is None else None, config)

    @property
    def owned(self) -> bool:
        """Whether the devices end with the session."""
        return self._actors.owned

    def extend(self, spec: ClusterSpec, added: Sequence[DeviceInfo], config: ConfigProto) -> None:
        """Starts further devices beside those that run; every kind of step is to be registered anew.

        Args:
            spec: the cluster as it is to be.
            added: its devices that do not run yet.
            config: settings.

        Raises:
            ResourceExhaustedError: Ray cannot give what they need; nothing has changed.
        """
        self._check_open()
        part = f"+{len(self._actors.more_groups) + 1}"
        more = launch_devices(spec, added, config, self.session, part=part)
        try:
            told = self.told()
            self.call({n: ("settle", (self.session, rows)) for n, rows in told.items()})
            self.call({n: ("forget_programs", (handles,)) for n, handles in self._programs.items()})
        except BaseException:
            more.stop()
            raise
        with self._connecting:
            for transport in self._transports:
                transport.close()
        self._watch.close()
        self._actors.add(more)
        self._programs = {name: [] for name in self.handles}
        self._kinds.clear()
        self.cluster = calibrated(Cluster(tuple(self._actors.infos)), "ray")
        self._adopt()

    @property
    def handles(self) -> Mapping[str, Any]:
        """Actor of each device."""
        return self._actors.handles

    def node_of(self, device: str) -> str:
        """Ray's identifier of the node that a device is on."""
        return self._nodes[device]

    # --- kinds of steps ------------------------------------------------------------------------------------

    def register(self, spec: StepSpec) -> _Registered:
        self._check_open()
        values = self.call({n: ("register", (p, self.session)) for n, p in spec.programs.items()})
        for name, handle in values.items():
            self._programs[name].append(handle)
        messages = MessagePath(spec, values, self)
        writers = frozenset(n for n in spec.programs if spec.changes_state(n))
        fit = [t for t in self._transports if t.unfit(spec) is None]
        made = _Registered(spec, values, writers, messages, messages, fit)
        made.feeds, made.fetches = spec.feeds, spec.fetches
        with self._lock:
            self._kinds.append(made)
        if fit and not fit[0].after:
            self._connect(made)
        return made

    def _connect(self, registered: _Registered) -> None:
        """Puts a kind of step on the best transport that takes it."""
        with self._connecting:
            while registered.untried and not self._closed:
                transport = registered.untried.pop(0)
                try:
                    registered.path = transport.connect(registered.spec, registered.handles)
                except UnavailableError:
                    raise
                except Exception as error:
                    _LOG.info("a step does not take transport %s: %s", transport.name, error)
                else:
                    registered.untried.clear()
                    return
                if registered.untried and registered.untried[0].after > registered.runs:
                    return

    def _count_run(self, registered: _Registered) -> None:
        """Has a step that repeats connected in the background, where that takes a while."""
        registered.runs += 1
        if registered.runs == registered.untried[0].after:
            threading.Thread(
                target=self._connect_quietly, args=(registered,), daemon=True, name="weft-connect"
            ).start()

    def _connect_quietly(self, registered: _Registered) -> None:
        with contextlib.suppress(UnavailableError):  # the next step meets the same loss
            self._connect(registered)

    def transport_of(self, registered: _Registered) -> str:
        """Name of the path that a step takes now, for tests and figures."""
        return type(registered.path).__name__

    # --- one step ------------------------------------------------------------------------------------------

    def run(
        self, registered: _Registered, feeds: Sequence[Any], trace: Any = None, timeout: float | None = None
    ) -> list[Any]:
        if self._closed or self._lost is not None:
            self._check_open()
        path = registered.path
        if registered.untried:
            self._count_run(registered)
        given = {n: [feeds[i] for i in positions] for n, positions in registered.feeds.items()}
        step = next(self._steps)
        told = {n: tuple(rows.items()) if (rows := self._settled[n]) else () for n in registered.handles}
        if trace is None and path.claim():
            try:
                values = self._run_on(path, registered, step, told, given, timeout)
            finally:
                path.release()
        else:
            values = self._run_on(registered.messages, registered, step, told, given, timeout, trace)
        return [collect_one(f, feeds, values) for f in registered.fetches]

    def _run_on(
        self,
        path: Any,
        registered: _Registered,
        step: int,
        told: Mapping[str, Any],
        given: Mapping[str, list[Any]],
        timeout: float | None,
        *trace: Any,
    ) -> dict[str, list[Any]]:
        try:
            values: dict[str, list[Any]] = path.run(step, told, given, timeout, *trace)
        except BaseException:
            if not path.commits:
                self._note_settled(registered.writers, step, False, told)
            raise
        if not path.commits or any(told.values()):
            self._note_settled(frozenset() if path.commits else registered.writers, step, True, told)
        return values

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
        for name in writers:
            # Other programs look at shared devices too: they must not wait for this session's next step.
            if not self._actors.owned or len(self._settled[name]) > _SETTLE_EVERY:
                self._settle_now(name)

    def _settle_now(self, name: str) -> None:
        rows = tuple(self._settled[name].items())
        if not self._transports or not any(
            getattr(t, "settle", _never)(name, rows) for t in self._transports
        ):
            self.handles[name].settle.remote(self.session, rows)
        if self._actors.owned:
            with self._lock:
                for step, _ in rows:
                    self._settled[name].pop(step, None)

    # --- waiting ------------------------------------------------------------------------------------------

    def call(self, calls: Mapping[str, tuple[str, tuple[Any, ...]]]) -> dict[str, Any]:
        """Calls a method of some device actors and waits for the results.

        Args:
            calls: for each device the method and its arguments.

        Raises:
            UnavailableError: one of the devices is gone.
        """
        return self.wait_for(
            {n: getattr(self.handles[n], method).remote(*args) for n, (method, args) in calls.items()}
        )

    def wait_for(
        self, refs: Mapping[str, Any], step: int | None = None, timeout: float | None = None
    ) -> dict[str, Any]:
        """The results of one call per device; on failure ends the others first, then raises the one cause."""
        import ray
        from ray.exceptions import GetTimeoutError, RayError

        names, listed = list(refs), list(refs.values())
        start = time.monotonic()
        while True:
            try:
                return dict(zip(names, ray.get(listed, timeout=_POLL_SECONDS), strict=True))
            except GetTimeoutError:
                if self._failed(refs):
                    break
                if self._closed:
                    raise CancelledError(None, "the session was closed while the step ran") from None
                try:
                    self.check_alive()
                except UnavailableError:
                    self._abort(refs, step, "a device is gone")
                    raise
                if timeout is not None and time.monotonic() - start >= timeout:
                    self._abort(refs, step, "the step took longer than the caller allowed")
                    raise DeadlineExceededError(None, f"the step took longer than {timeout} s") from None
            except (RayError, OpError):
                break
        errors = self._collect_errors(refs, step)
        raise self._cause(errors)

    def check_alive(self) -> None:
        """Raises UnavailableError where a device is gone, CancelledError where the session is closed."""
        if self._closed:
            raise CancelledError(None, "the session was closed while the step ran")
        error = self._watch.error()
        if error is not None:
            self._lost = error
            raise error

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
        with contextlib.suppress(Exception):
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
                with contextlib.suppress(Exception):
                    self.handles[name].abort.remote(self.session, step, reason)

    def _cause(self, errors: Mapping[str, BaseException]) -> OpError:
        """The one error to report: a lost device before an op's own error before an aborted wait."""
        from ray.exceptions import RayActorError

        lost = [n for n, e in errors.items() if isinstance(e, RayActorError)]
        lost += [n for n in self._watch.lost() if n not in lost]
        if lost:
            self._lost = gone(lost)
            return self._lost
        causes = [_op_error(e, n) for n, e in errors.items()]
        own = [c for c in causes if not isinstance(c, AbortedError)]
        return (own or causes or [UnknownError(None, "the step failed on a device that did not say why")])[0]

    def op_error(self, error: BaseException) -> OpError:
        """The weft error inside what Ray raised."""
        return _op_error(error, "")

    def lost_error(self, error: BaseException) -> OpError:
        """What to report where a connection to devices broke: which device is gone, once that is known."""
        if self._closed:
            return CancelledError(None, "the session was closed while the step ran")
        refs = {n: a.ready.remote() for n, a in self.handles.items()}
        errors = self._collect_errors(refs, None)
        if errors or self._watch.lost():
            return self._cause(errors)
        self._lost = UnavailableError(None, f"the devices' connection is closed: {error}")
        return self._lost

    def _check_open(self) -> None:
        if self._closed:
            raise CancelledError(None, "the session is closed")
        if self._lost is not None:
            raise self._lost

    # --- state ---------------------------------------------------------------------------------------------

    @property
    def pids(self) -> dict[str, int]:
        """Process of each device."""
        return {i.name: int(i.process.rsplit(":", 1)[-1]) for i in self._actors.infos}

    def told(self) -> dict[str, tuple[tuple[int, bool], ...]]:
        """For each device the outcomes of steps that it has not been told."""
        return {name: tuple(rows.items()) for name, rows in self._settled.items()}

    def get_state(self) -> dict[str, Any]:
        """State of every device, once all earlier steps are settled there."""
        self._check_open()
        told = self.told()
        return self.call({n: ("get_state", (self.session, told[n])) for n in self.handles})

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Gives every device the state that `get_state` gave; devices that it lacks stay as they are."""
        self.call({n: ("set_state", (self.session, part)) for n, part in state.items()})

    # --- recovery ------------------------------------------------------------------------------------------

    def snapshot(self, number: int, on_devices: bool) -> dict[str, Any]:
        """Has every device note its state, once all earlier steps are settled there.

        Args:
            number: of the snapshot.
            on_devices: whether another device, on another node where there is one, gets the copy.

        Returns:
            The copy of each device's state; None for one that another device keeps.
        """
        self._check_open()
        told, keepers = self.told(), self.keepers() if on_devices else {}
        return self.call(
            {n: ("snapshot", (self.session, number, told[n], keepers.get(n, ""))) for n in self.handles}
        )

    def keepers(self) -> dict[str, str]:
        """For each device the one that keeps the copy of its state; none where it is alone."""
        names = list(self.handles)
        found = {}
        for index, name in enumerate(names):
            others = [*names[index + 1 :], *names[:index]]
            apart = [o for o in others if self._nodes[o] != self._nodes[name]]
            if others:
                found[name] = (apart or others)[0]
        return found

    def restart(self, number: int, copies: Mapping[str, Any], config: ConfigProto) -> list[str]:
        """Starts the devices that are gone anew, and takes all devices back to a snapshot.

        Args:
            number: of the snapshot; 0 for the state before the first step.
            copies: the driver's copies of the devices' states at that snapshot.
            config: settings; `start_timeout` bounds the wait for a place to start.

        Returns:
            The devices that were started.

        Raises:
            UnavailableError: another device was lost meanwhile, or the copy of a state was lost too.
        """
        keepers = self.keepers()
        with self._connecting:
            for transport in self._transports:
                transport.close()
        lost = self._find_lost()
        self._watch.close()
        # Those of an attempt that was cut off by another loss have no state and no programs yet.
        self._bare.update(lost)
        restart_devices(self._actors, lost, config)
        self._adopt()
        bare = [n for n in self.handles if n in self._bare]
        self.call({n: ("roll_back", (self.session, number)) for n in self.handles if n not in bare})
        for name in bare:
            self._programs[name] = []
        self._restore(bare, number, copies, keepers)
        for registered in self._kinds:
            self._register_again(registered, bare)
        self._bare.clear()
        return lost

    def _find_lost(self) -> list[str]:
        """Devices that do not answer; one that is there but cannot be reached counts as gone."""
        import ray

        gone_already = set(self._watch.lost())
        refs = {n: a.ready.remote() for n, a in self.handles.items() if n not in gone_already}
        if refs:
            ray.wait(list(refs.values()), num_returns=len(refs), timeout=_ANSWER_SECONDS)
        for name, ref in refs.items():
            try:
                ray.get(ref, timeout=0)
            except Exception:
                gone_already.add(name)
        return [n for n in self.handles if n in gone_already]

    def _restore(
        self, lost: Sequence[str], number: int, copies: Mapping[str, Any], keepers: Mapping[str, str]
    ) -> None:
        refs = {}
        for name in lost:
            state = copies.get(name)
            if number == 0:
                continue
            if state is None:
                keeper = keepers.get(name, "")
                if keeper in lost or not keeper:
                    raise UnavailableError(
                        None,
                        f"the state of {name} is lost: its copy was on {keeper or 'no device'}, gone too",
                    )
                state = self.handles[keeper].kept.remote(self.session, name, number)
            refs[name] = self.handles[name].set_state.remote(self.session, state, number)
        if refs:
            self.wait_for(refs)

    def _register_again(self, registered: _Registered, lost: Sequence[str]) -> None:
        """Hands devices that were started anew their programs of a kind of step."""
        spec = registered.spec
        programs = {n: ("register", (spec.programs[n], self.session)) for n in lost if n in spec.programs}
        for name, handle in self.call(programs).items():
            registered.handles[name] = handle
            self._programs[name].append(handle)
        registered.messages = registered.path = MessagePath(spec, registered.handles, self)
        registered.runs = 0
        registered.untried = [t for t in self._transports if t.unfit(spec) is None]
        if registered.untried and not registered.untried[0].after:
            self._connect(registered)

    def stats(self) -> list[dict[str, Any]]:
        self._check_open()
        return list(self.call(dict.fromkeys(self.handles, ("stats", ()))).values())

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        atexit.unregister(self.close)
        with self._connecting:
            for transport in self._transports:
                transport.close()
        self._watch.close()
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


def _never(*_: Any) -> bool:
    return False


def _op_error(error: BaseException, device: str) -> OpError:
    """The weft error inside what Ray raised."""
    cause = getattr(error, "cause", error)
    if isinstance(cause, OpError):
        return cause
    if isinstance(error, OpError):
        return error
    return UnknownError(None, f"{type(cause).__name__}: {cause}", device)
