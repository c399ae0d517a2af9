"""Sessions: run parts of a graph on the devices of this process or of a Ray cluster."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import uuid
import weakref
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from ..graph.default_graph import get_default_graph
from ..graph.elements import Operation, Tensor
from ..graph.errors import FailedPreconditionError
from ..graph.graph import Graph
from ..graph.session_stack import session_scope
from .cluster_spec import ClusterSpec
from .config import ConfigProto, RunOptions
from .feeds import FeedConverter, flatten_feeds
from .fetches import FetchMapper, fetch_key
from .homes import Homes
from .inventory import DeviceAttributes, attributes
from .step import StepSpec, build_step
from .target import Target, open_target

__all__ = ["BaseSession", "InteractiveSession", "Session"]

_SPECIAL_SHAPES = 4
"""How many sets of feed shapes a kind of step is compiled for; later ones share one that takes any shape."""


class BaseSession:
    """Runs operations and evaluates tensors of one graph.

    Args:
        target: "" for devices in this process (or what WEFT_TARGET says), "ray" for actors on a Ray cluster,
            "ray://host:port" for actors on the cluster at that address, `server.target` or "weft://name" for
            device actors that several programs share.
        graph: the graph; the default graph if None.
        config: settings.
        cluster: jobs and tasks, as a `ClusterSpec` or what one is made of; with it device strings such as
            `/job:worker/task:7` name its tasks.
        replan: "auto" to measure the first steps of each kind and plan again where that is predicted to gain; a
            `ReplanOptions` to say when; None or "off" to stay with the first plan.

    Raises:
        InvalidArgumentError: the target or the cluster is not possible.
        ResourceExhaustedError: the cluster asks for more than Ray can give.
    """

    def __init__(
        self,
        target: str | None = "",
        graph: Graph | None = None,
        config: ConfigProto | None = None,
        *,
        cluster: Any = None,
        replan: Any = None,
    ) -> None:
        if graph is not None and not isinstance(graph, Graph):
            raise TypeError(f"graph must be a weft.Graph, got {graph!r}")
        if target is not None and not isinstance(target, str):
            raise TypeError(f"target must be a string, got {target!r}")
        self._graph = get_default_graph() if graph is None else graph
        self._config = ConfigProto() if config is None else config
        self._name = uuid.uuid4().hex[:8]
        self._entropy = int.from_bytes(os.urandom(7), "little") | 1
        self._calls: dict[Any, _Call] = {}
        self._made_calls: weakref.WeakSet[_Call] = weakref.WeakSet()
        self._homes = Homes()
        self._lock = threading.Lock()
        self._closed = False
        self._pool: ThreadPoolExecutor | None = None
        self._in_flight = threading.Semaphore(1)
        spec = None if cluster is None else ClusterSpec(cluster)
        if isinstance(cluster, ClusterSpec):
            spec = cluster
        self._spec = spec
        self._target_name = target
        options = None if replan is None else _replan_options(replan)
        self._replanner: Any = None
        self._target: Target = open_target(target, spec, self._config, self._name)
        if options is not None:
            from .replan import Replanner

            self._replanner = Replanner(weakref.proxy(self), options)
        self._finalizer = weakref.finalize(self, self._target.close)

    @property
    def graph(self) -> Graph:
        return self._graph

    @property
    def graph_def(self) -> Any:
        """The graph as a GraphDef message."""
        return self._graph.as_graph_def(add_shapes=True)

    @property
    def sess_str(self) -> str:
        return self._name

    def run(
        self,
        fetches: Any,
        feed_dict: Mapping[Any, Any] | None = None,
        options: RunOptions | None = None,
        run_metadata: Any = None,
    ) -> Any:
        """Runs what the fetches need, once, and returns their values.

        Args:
            fetches: a tensor, operation, variable, name of one, or lists, tuples and dicts of these.
            feed_dict: values to use in the place of tensors.
            options: how to run it.
            run_metadata: a `RunMetadata` to fill.

        Returns:
            The structure of `fetches` with arrays (NumPy scalars for shape `()`) for tensors and None for
            operations.

        Raises:
            RuntimeError: the session is closed.
            TypeError, ValueError: a fetch or feed is of a kind or in a graph that does not fit.
            OpError: an op failed; no variable was changed by this step.
        """
        call, values = self._prepare(fetches, feed_dict)
        if options is None and run_metadata is None:
            return call.mapper.rebuild(call.run(values))
        return self._run_traced(call, values, options or RunOptions(), run_metadata)

    def _prepare(self, fetches: Any, feed_dict: Mapping[Any, Any] | None) -> tuple[_Call, list[Any]]:
        if self._closed:
            raise RuntimeError("Attempted to use a closed Session.")
        feeds = feed_dict or {}
        try:
            call = self._calls.get((fetch_key(fetches), tuple(feeds)))
        except TypeError:
            call = None
        if call is not None and call.simple:
            return call, list(feeds.values())
        flat = flatten_feeds(self._graph, feed_dict)
        if call is None:
            call = self._new_call(fetches, tuple(flat), simple=_is_simple(feeds, flat))
            with contextlib.suppress(TypeError):
                self._calls[fetch_key(fetches), tuple(feeds)] = call
        return call, list(flat.values())

    def _new_call(self, fetches: Any, feeds: tuple[Tensor, ...], simple: bool) -> _Call:
        call = _Call(self, FetchMapper(self._graph, fetches), feeds, simple)
        self._made_calls.add(call)
        return call

    def _run_traced(self, call: _Call, values: list[Any], options: RunOptions, metadata: Any) -> Any:
        from .tracing import fill_metadata

        trace: list[Any] | None = [] if options.trace_level >= RunOptions.SOFTWARE_TRACE else None
        timeout = options.timeout_in_ms / 1000 if options.timeout_in_ms else None
        spec, results = call.run_traced(values, trace, timeout)
        if metadata is not None:
            fill_metadata(metadata, spec, trace, options)
        return call.mapper.rebuild(results)

    def run_async(self, fetches: Any, feed_dict: Mapping[Any, Any] | None = None) -> Future[Any]:
        """Starts a step and returns at once; waits only while `ConfigProto.steps_in_flight` steps are running.

        Steps that run at the same time see each other's updates of variables as those of several threads do.

        Args:
            fetches, feed_dict: as in `run`.

        Returns:
            A future of what `run` would return or raise.
        """
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._config.steps_in_flight, "weft-step")
                self._in_flight = threading.Semaphore(self._config.steps_in_flight)
        self._in_flight.acquire()
        try:
            future = self._pool.submit(self.run, fetches, feed_dict)
        except BaseException:
            self._in_flight.release()
            raise
        future.add_done_callback(lambda _: self._in_flight.release())
        return future

    def make_callable(self, fetches: Any, feed_list: Sequence[Any] | None = None) -> Callable[..., Any]:
        """A function that runs the fetches, taking the feeds' values as arguments in the order of `feed_list`.

        Args:
            fetches: as in `run`.
            feed_list: tensors to feed.
        """
        tensors = [self._graph.as_graph_element(f, allow_operation=False) for f in feed_list or ()]
        call = self._new_call(fetches, tuple(tensors), simple=True)
        if any(not self._graph.is_feedable(t) for t in tensors):
            flatten_feeds(self._graph, dict.fromkeys(tensors))

        def run(*values: Any) -> Any:
            if self._closed:
                raise RuntimeError("Attempted to use a closed Session.")
            if len(values) != len(tensors):
                raise ValueError(f"This callable takes {len(tensors)} values, got {len(values)}.")
            return call.mapper.rebuild(call.run(list(values)))

        return run

    def plan(self, fetches: Any, feed_dict: Mapping[Any, Any] | None = None) -> Any:
        """How a step with these fetches and feeds is placed and scheduled, without running it.

        Returns:
            A `weft.placement.Plan`.
        """
        from ..placement.predict import with_prediction

        spec = self.step_spec(fetches, feed_dict)
        return with_prediction(spec.plan, spec.subgraph, self._target.cluster)

    @property
    def replans(self) -> list[Any]:
        """What planning again has come to so far, with `replan="auto"`; see `actors.replan.Replan`."""
        return [] if self._replanner is None else list(self._replanner.replans)

    def step_spec(self, fetches: Any, feed_dict: Mapping[Any, Any] | None = None) -> StepSpec:
        """What each device runs for these fetches and feeds, without running it."""
        call, values = self._prepare(fetches, feed_dict)
        return call.spec_for([c(v) for c, v in zip(call.converters, values, strict=True)])

    def draw(
        self, path: str | os.PathLike[str], fetches: Any, feed_dict: Mapping[Any, Any] | None = None
    ) -> None:
        """Draws how a step with these fetches and feeds is placed and scheduled.

        Args:
            path: SVG file to write: the graph coloured by device, and what each device does when.
            fetches, feed_dict: as in `run`.
        """
        from ..placement import simulate
        from ..placement.picture import plan_svg

        spec = self.step_spec(fetches, feed_dict)
        timeline = simulate(spec.subgraph, spec.plan, self._target.cluster)
        with open(path, "w", encoding="utf-8") as file:
            file.write(plan_svg(spec.subgraph, spec.plan, timeline))

    def list_devices(self) -> list[DeviceAttributes]:
        """The devices that this session can use."""
        return [attributes(d) for d in self._target.cluster.devices]

    def resize(self, **jobs: int) -> None:
        """Gives jobs of the cluster another number of tasks, between two steps: no step may be running.

        Every kind of step is planned anew. Variables whose device string leaves a choice move from tasks that go
        away; the results are the same numbers as before.

        Args:
            **jobs: for each job that changes, the number of its tasks from now on.

        Raises:
            InvalidArgumentError: there is no such job, or a number is not possible.
            FailedPreconditionError: the session has no cluster of its own, or what is on a task that would go
                away cannot move.
            ResourceExhaustedError: Ray cannot give what is asked for; the session goes on as it was.
        """
        from .resize import resize_target

        if self._closed:
            raise RuntimeError("Attempted to use a closed Session.")
        if self._spec is None:
            raise FailedPreconditionError(
                None, "the session was made without a cluster; only tasks of one can be added or taken away"
            )
        resize_target(
            self._target,
            self._target_name,
            self._spec,
            self._spec.resized(jobs),
            self._config,
            self._homes,
            self._swap,
        )

    def _swap(self, target: Target, spec: ClusterSpec) -> None:
        """Runs steps on another target from now on."""
        for call in list(self._made_calls):
            call.compiled.clear()
        self._finalizer.detach()
        self._target, self._spec = target, spec
        self._finalizer = weakref.finalize(self, target.close)

    def device_stats(self) -> list[dict[str, Any]]:
        """For each device what it holds: variables and their bytes, programs, resources, steps run."""
        stats: list[dict[str, Any]] = self._target.stats()  # type: ignore[attr-defined]
        return stats

    def as_default(self) -> contextlib.AbstractContextManager[Any]:
        """Makes this the default session of the thread inside a `with` block; it stays open afterwards."""
        return session_scope(self)

    def close(self) -> None:
        """Ends running steps and gives the devices back; may be called twice."""
        self._closed = True
        self._finalizer()
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
        self._calls.clear()

    def _planned(
        self,
        mapper: FetchMapper,
        feeds: Sequence[Tensor],
        shapes: Mapping[Tensor, tuple[int, ...]],
        config: ConfigProto,
        homes: Homes,
        costs: Any,
        cluster: Any,
    ) -> StepSpec:
        """The step as it would be with other costs, links and homes; nothing is registered."""
        return build_step(
            self._graph,
            mapper.tensors,
            feeds,
            mapper.operations,
            cluster,
            config,
            self._entropy,
            self._target.default_device,
            shapes,
            homes=homes,
            costs=costs,
        )

    def _build(
        self, mapper: FetchMapper, feeds: Sequence[Tensor], shapes: Mapping[Tensor, tuple[int, ...]] | None
    ) -> StepSpec:
        spec = build_step(
            self._graph,
            mapper.tensors,
            feeds,
            mapper.operations,
            self._target.cluster,
            self._config,
            self._entropy,
            self._target.default_device,
            shapes,
            check=bool(os.environ.get("WEFT_CHECK")),
            homes=self._homes,
            costs=None if self._replanner is None else self._replanner.costs,
        )
        if self._config.log_device_placement:
            for name, device in spec.plan.placement.items():
                print(f"{name}: ({spec.subgraph.nodes[name].op}): {device}", file=sys.stderr)
        return spec


class _Call:
    """One combination of fetches and feeds, compiled for the feed shapes that were seen."""

    def __init__(
        self, session: BaseSession, mapper: FetchMapper, feeds: tuple[Tensor, ...], simple: bool
    ) -> None:
        self.session = weakref.proxy(session)
        self.mapper = mapper
        self.feeds = feeds
        self.simple = simple
        self.converters = [FeedConverter(t) for t in feeds]
        self.open = [i for i, c in enumerate(self.converters) if not c.static]
        self.compiled: dict[Any, tuple[StepSpec, Any]] = {}
        self.replanner = session._replanner
        self.lock = threading.Lock()
        limit = session._config.operation_timeout_in_ms
        self.timeout = limit / 1000 if limit else None

    def run(self, values: list[Any]) -> list[Any]:
        arrays = [c(v) for c, v in zip(self.converters, values, strict=True)]
        if self.replanner is not None:
            replanned: list[Any] = self.replanner.run(self, arrays)
            return replanned
        _, registered = self._registered(arrays)
        results: list[Any] = self.session._target.run(registered, arrays, None, self.timeout)
        return results

    def run_traced(self, values: list[Any], trace: Any, timeout: float | None) -> tuple[StepSpec, list[Any]]:
        arrays = [c(v) for c, v in zip(self.converters, values, strict=True)]
        spec, registered = self._registered(arrays)
        return spec, self.session._target.run(registered, arrays, trace, timeout or self.timeout)

    def spec_for(self, arrays: list[Any]) -> StepSpec:
        return self._registered(arrays)[0]

    def key_of(self, arrays: Sequence[Any]) -> Any:
        """What tells feeds apart that steps are compiled for one by one: the shapes that the graph leaves open."""
        return tuple(arrays[i].shape for i in self.open)

    def _registered(self, arrays: list[Any]) -> tuple[StepSpec, Any]:
        key: Any = self.key_of(arrays)
        found = self.compiled.get(key)
        if found is not None:
            return found
        if len(self.compiled) >= _SPECIAL_SHAPES:
            key = None
            if None in self.compiled:
                return self.compiled[None]
        with self.lock:
            if key not in self.compiled:
                shapes = None if key is None else {self.feeds[i]: arrays[i].shape for i in self.open}
                spec = self.session._build(self.mapper, self.feeds, shapes)
                self.compiled[key] = (spec, self.session._target.register(spec))
            return self.compiled[key]


def _replan_options(given: Any) -> Any:
    from .replan import replan_options

    return replan_options(given)


def _is_simple(feeds: Mapping[Any, Any], flat: Mapping[Tensor, Any]) -> bool:
    """Whether the feed keys stand for exactly the fed tensors, one by one."""
    return len(feeds) == len(flat) and all(
        isinstance(k, Tensor) and not isinstance(v, (Tensor, Operation)) for k, v in feeds.items()
    )


class Session(BaseSession):
    """Runs operations and evaluates tensors of one graph; see `BaseSession` for the arguments.

    As a context manager it makes itself and its graph the default inside the block and closes itself at the end.
    """

    def __enter__(self) -> Session:
        self._stack = contextlib.ExitStack()
        self._stack.enter_context(self._graph.as_default())
        self._stack.enter_context(session_scope(self))
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()
        self.close()


class InteractiveSession(BaseSession):
    """A session that is the default from the moment it is made until it is closed, for a notebook or a shell.

    Args:
        target: what the session runs on, as for `Session`.
        graph: the graph; the default graph by default.
        config: settings.
        cluster: jobs and tasks.
    """

    def __init__(
        self,
        target: str | None = "",
        graph: Graph | None = None,
        config: ConfigProto | None = None,
        *,
        cluster: Any = None,
    ) -> None:
        super().__init__(target, graph, config, cluster=cluster)
        self._stack = contextlib.ExitStack()
        if graph is not None:
            self._stack.enter_context(graph.as_default())
        self._stack.enter_context(session_scope(self))

    def close(self) -> None:
        self._stack.close()
        super().close()
