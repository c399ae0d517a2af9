"""Measures how fast a backend computes here: times of op types, arithmetic rates, memory bandwidth."""

from __future__ import annotations

import collections
import functools
import itertools
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..graph.errors import OpError
from ..graph.graph import Graph
from ..graph.ir import Subgraph
from ..graph.opdef import find_op
from ..graph.ops.source import Placeholder
from ..graph.ops.state import VarHandleOp
from ..graph.prune import prune
from ..kernels.backend import Backend, CompiledSegment, get_backend
from ..kernels.registry import supports
from ..kernels.segment import whole_segment
from ..placement.costs import Costs, OpWork, work_of
from ..placement.op_times import fit_times, times_key
from .measure_cases import Case, Host, Var, cases, fused_cases
from .speeds import DeviceSpeed

__all__ = ["measure_device"]

_SECONDS_PER_CASE = 0.01
"""How long a case is repeated at most, once it has run three times."""

_COPY_BYTES = 1 << 22
"""Inputs of an op are rotated until together they take so much, so that they do not all stay in the first cache."""

_POOL_BYTES = 1 << 26
_KEPT_BYTES = 1 << 25

_FUSED = ("jax",)
"""Backends that compile whole segments: their op types have no times of their own."""

_DEAR = frozenset(
    {
        "AvgPool",
        "AvgPoolGrad",
        "Conv2D",
        "Conv2DBackpropFilter",
        "Conv2DBackpropInput",
        "DepthwiseConv2dNative",
        "FusedBatchNormGradV3",
        "FusedBatchNormV3",
        "MatMul",
        "MaxPool",
        "MaxPoolGrad",
    }
)
"""Op types that take long enough to be timed one at a time."""


def measure_device(
    backend: str,
    seconds: float = 8.0,
    progress: Callable[[str, float], None] | None = None,
    only: Sequence[str] = (),
) -> DeviceSpeed:
    """Measures a backend on this machine, as this process uses it.

    Args:
        backend: name of the backend.
        seconds: time to keep within; op types that are left when it is over get no times of their own.
        progress: called with what is measured and the share that is done.
        only: op types to measure; all that there are cases of by default.
    """
    used = get_backend(backend)
    end = time.monotonic() + seconds
    points: dict[str, list[tuple[float, float, float]]] = {}
    todo = list(fused_cases() if used.name in _FUSED else cases())
    todo = [c for c in todo if find_op(c.op) is not None and supports(c.op, used.name)]
    todo = [c for c in todo if not only or c.op in only]
    for number, (op, rows) in enumerate(itertools.groupby(todo, key=lambda c: c.op)):
        if time.monotonic() > end:
            break
        if progress is not None:
            progress(op, number / len({c.op for c in todo}))
        for case in rows:
            try:
                work, took = _measure(case, used)
            except OpError:
                continue
            points.setdefault(times_key(op, work.dtype), []).append((work.flops, work.bytes, took))
    rates = _rates(used)
    return _speed(points, rates, keep_times=used.name not in _FUSED)


# --- one case ---------------------------------------------------------------------------------------------


def _measure(case: Case, backend: Backend) -> tuple[OpWork, float]:
    """The work of a case, and the seconds that it takes."""
    copies = 1 if case.op in _DEAR else int(np.clip(_COPY_BYTES // max(_size(case), 1), 1, 8))
    subgraph, node, values = _graph(case, copies)
    work = work_of(subgraph, subgraph.nodes[node], Costs())
    whole = whole_segment(subgraph)
    run = backend.compile(whole.segment)
    names = (*whole.feeds, *whole.variables)
    streams = [np.uint64(0)] * len(whole.streams)
    held = [backend.to_device(_array(values[n])) for n in names]

    def given() -> list[Any]:
        if backend.name != "numpy":
            return [*held, *streams]
        arrays = [
            _array(values[n]) if isinstance(values[n], _Numbers) else h
            for n, h in zip(names, held, strict=True)
        ]
        return [*arrays, *streams]

    return work, _repeat(run, given, backend) / copies


def _repeat(run: CompiledSegment, given: Callable[[], list[Any]], backend: Backend) -> float:
    """Typical seconds of a call: the median of some, after one to warm up.

    As in a step, inputs are not in the first cache any more, and results are not written to where the last ones were.
    """
    results: collections.deque[Any] = collections.deque()
    held = 0

    def timed() -> float:
        nonlocal held
        values = given()
        start = time.perf_counter()
        made = run(values)
        backend.synchronize()
        took = time.perf_counter() - start
        results.append(made)
        held += _result_bytes(made)
        while held > _KEPT_BYTES:
            held -= _result_bytes(results.popleft())
        return took

    timed()
    times = [timed()]
    while len(times) < 3 or (sum(times) < _SECONDS_PER_CASE and len(times) < 60):
        times.append(timed())
    return float(np.median(times))


def _result_bytes(results: Sequence[Any]) -> int:
    return sum(int(getattr(r, "nbytes", 0)) for r in results)


def _size(case: Case) -> int:
    return sum(_bytes(i) for i in case.inputs)


def _bytes(given: Any) -> int:
    if isinstance(given, list):
        return sum(_bytes(i) for i in given)
    if isinstance(given, Var):
        return _bytes(given.shape)
    if isinstance(given, tuple):
        return int(np.prod(given, dtype=np.int64)) * 4
    return int(np.asarray(given.value if isinstance(given, Host) else given).nbytes)


def _graph(case: Case, copies: int) -> tuple[Subgraph, str, dict[str, Any]]:
    """A graph of some copies of an op: the step, the name of one of them, values of feeds and variables."""
    graph = Graph()
    given: dict[Any, Any] = {}
    variables: dict[str, Any] = {}
    made = []

    def build(value: Any) -> Any:
        if isinstance(value, list):
            return [build(v) for v in value]
        if isinstance(value, Host):
            return value.value
        if isinstance(value, Var):
            handle = VarHandleOp(dtype=np.float32, shape=value.shape, name="v", shared_name="")
            variables[handle.op.name] = _Numbers(value.shape)
            return handle
        if isinstance(value, tuple):
            array: Any = _Numbers(value)
            tensor = Placeholder(dtype=np.float32, shape=value)
        else:
            array = np.asarray(value)
            tensor = Placeholder(dtype=array.dtype, shape=array.shape)
        given[tensor] = array
        return tensor

    decl = find_op(case.op)
    assert decl is not None
    with graph.as_default():
        for _ in range(copies):
            out = decl(*[build(i) for i in case.inputs], **case.attrs)
            made.append(_op_of(out))
    fetches = [t for op in made for t in op.outputs if t.dtype.kind != "r"]
    subgraph = prune(graph, fetches, list(given), made)
    values = {subgraph.feeds[t.name]: v for t, v in given.items()}
    return subgraph, made[0].name, {**values, **variables}


@dataclass(frozen=True)
class _Numbers:
    """Numbers from 0.5 to 1.5 of this shape, elsewhere in memory every time."""

    shape: tuple[int, ...]


def _array(value: Any) -> Any:
    if not isinstance(value, _Numbers):
        return value
    count = int(np.prod(value.shape, dtype=np.int64))
    numbers = _pool()
    if count > numbers.size:
        return np.resize(numbers, value.shape)
    at = next(_positions) % max(numbers.size - count, 1)
    at -= at % 16
    return numbers[at : at + count].reshape(value.shape)


_positions = itertools.count(0, (1 << 20) + 4096)


@functools.cache
def _pool() -> np.ndarray[Any, Any]:
    block = np.random.default_rng(0).random(1 << 18, np.float32) + 0.5
    return np.resize(block, _POOL_BYTES // 4)


def _op_of(result: Any) -> Any:
    while isinstance(result, (tuple, list)):
        result = result[0]
    return getattr(result, "op", result)


# --- all together -----------------------------------------------------------------------------------------


def _rates(backend: Backend) -> dict[str, float]:
    """FLOP/s of products of matrices by element type."""
    found = {}
    side = 512 if backend.name == "numpy" else 2048
    for dtype in ("float32", "float64", "int32"):
        if dtype == "int32" and backend.name != "numpy":
            continue
        n = side if dtype != "int32" else 64
        value = np.ones((n, n), dtype)
        case = Case("MatMul", (value, value), {})
        work, took = _measure(case, backend)
        found[dtype] = work.flops / took
    return found


def _speed(
    points: Mapping[str, Sequence[tuple[float, float, float]]], rates: Mapping[str, float], keep_times: bool
) -> DeviceSpeed:
    times = {key: fit_times(rows) for key, rows in points.items() if len(rows) > 1}
    small = [rows[0][2] for key, rows in points.items() if key.split(":")[0] in _ELEMENTWISE]
    large = [rows[-1][1] / rows[-1][2] for key, rows in points.items() if key.split(":")[0] in _ELEMENTWISE]
    return DeviceSpeed(
        flops=dict(rates),
        bytes_per_second=_median(large, 6e9),
        op_seconds=_median(small, 2e-6),
        op_times=times if keep_times else {},
    )


_ELEMENTWISE = ("AddV2", "Mul", "Sub", "Maximum", "Relu", "Neg", "Square", "AddN", "Sum", "ConcatV2")


def _median(values: Iterable[float], otherwise: float) -> float:
    found = list(values)
    return float(np.median(found)) if found else otherwise
