"""How the harness builds a sample row into a graph, runs it, and compares what comes out."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from weft.graph import dtypes
from weft.graph.build import apply_op
from weft.graph.dtypes import DType
from weft.graph.elements import Operation, Tensor
from weft.graph.errors import InvalidArgumentError
from weft.graph.gradients import gradients
from weft.graph.graph import Graph
from weft.graph.indexed_slices import IndexedSlices
from weft.graph.ir import Node, Ref, Subgraph
from weft.graph.opdef import OpDecl, Sample
from weft.graph.ops.source import Placeholder
from weft.graph.ops.state import VarHandleOp
from weft.graph.prune import prune
from weft.graph.samples import Built, Variable
from weft.graph.shapes import TensorShape
from weft.kernels.backend import get_backend
from weft.kernels.registry import find_kernel, prepare, waiver
from weft.kernels.segment import whole_segment

TOLERANCE = {
    dtypes.float64: 1e-11,
    dtypes.complex128: 1e-11,
    dtypes.float32: 3e-5,
    dtypes.complex64: 3e-5,
    dtypes.float16: 5e-3,
    dtypes.bfloat16: 4e-2,
}
_DOUBLE = {
    dtypes.float16: dtypes.float64,
    dtypes.bfloat16: dtypes.float64,
    dtypes.float32: dtypes.float64,
    dtypes.complex64: dtypes.complex128,
}


class FakeRuntime:
    """What effects may touch (`weft.actors.device.Runtime`), for one op at a time."""

    def __init__(self) -> None:
        self.device = "/job:localhost/replica:0/task:0/device:CPU:0"
        self.session = "test"
        self.resources: dict[Any, Any] = {}


class Case:
    """One row of an op, built into a graph with its inputs as placeholders (host inputs as constants).

    Args:
        decl: the op.
        row: the row; `row.inputs` may be given as arrays of another type than the row's own.
        hide_dimensions: whether the graph knows the ranks of the placeholders alone.

    Attributes:
        op: the operation under test.
        node: the same as a node.
        values: value of each flattened input; a `Variable` for a variable, None where an op makes it.
    """

    def __init__(self, decl: OpDecl, row: Sample, hide_dimensions: bool = False) -> None:
        self.decl = decl
        self.row = row
        constants, self.values, self.attrs = _as_constants(decl, row)
        self.hosts = _host_positions(decl, self.attrs)
        self.graph = Graph()
        with self.graph.as_default():
            self.inputs = [
                _given(value, tensor, position in self.hosts, hide_dimensions)
                for position, (value, tensor) in enumerate(zip(self.values, constants, strict=True))
            ]
            self.op: Operation = self.graph.create_op(decl.name, self.inputs, self.attrs, "op")
        self.feeds = {
            t: v for t, v in zip(self.inputs, self.values, strict=True) if t.op.type == "Placeholder"
        }

    @functools.cached_property
    def subgraph(self) -> Subgraph:
        return prune(self.graph, self.op.outputs, list(self.feeds), [self.op])

    @property
    def node(self) -> Node:
        return self.subgraph.nodes[self.op.name]

    def skip_without_kernel(self, backend: str) -> None:
        if find_kernel(self.decl.name, backend) is None:
            why = waiver(self.decl.name, backend)
            assert why, f"{self.decl.name} has neither a kernel nor a waiver on {backend}"
            pytest.skip(f"no kernel of {self.decl.name} on {backend}: {why}")

    def in_specs(self) -> list[tuple[tuple[int, ...], DType]]:
        """Shape and type of each input; of the variable's value for a variable."""
        return [
            (np.shape(v.value), dtypes.as_dtype(v.value.dtype)) if isinstance(v, Variable)
            else (t.shape.known() if t.shape.is_fully_defined() else (), t.dtype)
            for v, t in zip(self.values, self.inputs, strict=True)
        ]  # fmt: skip

    def shapes(self, hidden: str = "") -> list[TensorShape]:
        """Inferred shapes of the outputs, with some of what is known of the inputs hidden."""
        if not hidden:
            return [t.shape for t in self.op.outputs]
        graph = Graph()
        with graph.as_default():
            inputs = [_hide(v, t, hidden) for v, t in zip(self.values, self.inputs, strict=True)]
            if any(t is None for t in inputs):
                return self.shapes()
            return [t.shape for t in graph.create_op(self.decl.name, inputs, self.attrs).outputs]

    def in_double_precision(self) -> Case | None:
        """The same row with every float as float64; None where that changes nothing or cannot be."""
        if self.decl.state.kind == "random" or not any(
            _DOUBLE.get(t.dtype) for t in (*self.inputs, *self.op.outputs)
        ):
            return None
        inputs = tuple(_widen(v) for v in _grouped(self.decl, self.attrs, self.values))
        attrs = {k: _widen_attr(v) for k, v in self.row.attrs.items()}
        try:
            wide = Case(self.decl, Sample(inputs, attrs, self.row.grad, self.row.tolerance))
        except (InvalidArgumentError, TypeError, ValueError):
            return None
        kept = [s.dims for s in self.shapes()] == [s.dims for s in wide.shapes()]
        return wide if kept and wide.in_types() != self.in_types() else None

    def in_types(self) -> list[DType]:
        return [t for _, t in self.in_specs()]


def _as_constants(decl: OpDecl, row: Sample) -> tuple[list[Tensor], list[Any], dict[str, Any]]:
    """The row built with constants, as a user would write it: settles types and attributes."""
    graph = Graph()
    with graph.as_default():
        inputs = [[_placed(v) for v in g] if isinstance(g, list) and _is_list(decl, i) else _placed(g)
                  for i, g in enumerate(row.inputs)]  # fmt: skip
        made = apply_op(decl, inputs, dict(row.attrs), None)
    op = graph.get_operations()[-1]
    assert op.decl is decl, f"{decl.name}: {made!r}"
    originals = [
        v for i, g in enumerate(row.inputs) for v in (g if isinstance(g, list) and _is_list(decl, i) else [g])
    ]
    values: list[Any] = []
    for given, tensor in zip(originals, op.inputs, strict=True):
        special = isinstance(given, (Variable, Built))
        values.append(given if special else tensor.op.attrs["value"])
    return list(op.inputs), values, dict(op.attrs)


def _is_list(decl: OpDecl, position: int) -> bool:
    return decl.inputs[position].is_list


def _placed(value: Any) -> Any:
    if isinstance(value, Variable):
        return VarHandleOp(dtype=value.value.dtype, shape=value.value.shape)
    return value.make() if isinstance(value, Built) else value


def _given(value: Any, tensor: Tensor, host: bool, hide_dimensions: bool) -> Tensor:
    if isinstance(value, (Variable, Built)):
        return _placed(value)
    from weft.graph.convert import constant_from_array

    if host:
        return constant_from_array(value, tensor.dtype)
    shape = TensorShape([None] * len(tensor.shape)) if hide_dimensions else tensor.shape
    return Placeholder(dtype=tensor.dtype, shape=shape)


def _hide(value: Any, tensor: Tensor, hidden: str) -> Tensor | None:
    if isinstance(value, Built):
        return None
    if isinstance(value, Variable):
        return _placed(value) if hidden == "values" else Placeholder(dtype=dtypes.resource, shape=[])
    shape = {
        "values": tensor.shape,
        "dimensions": TensorShape([None] * len(tensor.shape)),
        "ranks": TensorShape(None),
    }
    return Placeholder(dtype=tensor.dtype, shape=shape[hidden])


def _host_positions(decl: OpDecl, attrs: Mapping[str, Any]) -> set[int]:
    slices = decl.arg_slices(attrs)
    return {p for name in decl.host_inputs for p in range(slices[name].start, slices[name].stop)}


def _grouped(decl: OpDecl, attrs: Mapping[str, Any], flat: Sequence[Any]) -> list[Any]:
    slices = decl.arg_slices(attrs)
    return [list(flat[slices[a.name]]) if a.is_list else flat[slices[a.name].start] for a in decl.inputs]


def _widen(value: Any) -> Any:
    if isinstance(value, list):
        return [_widen(v) for v in value]
    if isinstance(value, Variable):
        return Variable(_widen(value.value))
    if isinstance(value, Built):
        return value
    array = np.asarray(value)
    wide = None if array.dtype == object else _DOUBLE.get(dtypes.as_dtype(array.dtype))
    return array if wide is None else array.astype(wide.np)


def _widen_attr(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value)(_widen_attr(v) for v in value)
    if isinstance(value, (DType, type)) or (isinstance(value, str) and value in dtypes._BY_NAME):
        known = dtypes.as_dtype(value)
        return _DOUBLE.get(known, known)
    return _widen(value) if isinstance(value, np.ndarray) else value


# Running


def run_case(case: Case, backend: str) -> list[Any]:
    """Host values of the op's results: new values of written variables first, then its outputs."""
    alone = case.decl.state.kind == "effect" or any(isinstance(v, Built) for v in case.values)
    results = (
        _run_effect(case, backend)
        if alone
        else run_subgraph(case.subgraph, list(case.feeds.values()), backend, case)
    )
    return [np.asarray(v) if not isinstance(v, np.generic) else v for v in results]


def run_subgraph(
    subgraph: Subgraph, feeds: Sequence[Any], backend_name: str, case: Case | None = None
) -> list[Any]:
    """Fetches of a subgraph without effects, as one segment; the variables that it writes come first."""
    backend = get_backend(backend_name)
    whole = whole_segment(subgraph)
    names = list(subgraph.feeds.values())
    fed = dict(zip(names, feeds, strict=True)) if len(names) == len(feeds) else {}
    variables = {} if case is None else _variables(case)
    given = [
        *(fed[name] for name in whole.feeds),
        *(variables[name] for name in whole.variables),
        *(np.uint64(0) for _ in whole.streams),
    ]
    hosts = {i for i, slot in enumerate(whole.segment.inputs) if slot in whole.segment.host_inputs}
    arrays = [v if i in hosts else backend.to_device(v) for i, v in enumerate(given)]
    results = [backend.to_host(v) for v in backend.compile(whole.segment)(arrays)]
    backend.synchronize()
    split = len(subgraph.fetches)
    return [*results[split:], *results[:split]]


def _variables(case: Case) -> dict[str, Any]:
    return {
        t.op.name: v.value for t, v in zip(case.inputs, case.values, strict=True) if isinstance(v, Variable)
    }


def _run_effect(case: Case, backend_name: str) -> list[Any]:
    backend, runtime = get_backend(backend_name), FakeRuntime()
    subgraph = case.subgraph
    fed = dict(zip(subgraph.feeds.values(), (case.feeds[t] for t in case.feeds), strict=True))
    slots: dict[Ref, Any] = {(name, 0): backend.to_device(value) for name, value in fed.items()}
    for node in subgraph.nodes.values():
        if node.name in fed:
            continue
        if node.op == "Const":
            slots[node.name, 0] = node.attrs["value"]
            continue
        found = find_kernel(node.op, backend_name)
        assert found is not None, f"no kernel of {node.op} on {backend_name}"
        xp = np if found.host else backend.xp()
        function, context = prepare(node, backend_name, xp, [subgraph.dtype(r) for r in node.inputs], runtime)
        hosts = _host_positions(node.decl, node.attrs)
        inputs = [
            backend.to_host(slots[r]) if found.host or i in hosts else slots[r]
            for i, r in enumerate(node.inputs)
        ]
        result = function(*inputs) if context is None else function(context, *inputs)
        outs = result if isinstance(result, (tuple, list)) else () if not node.types else (result,)
        slots.update({(node.name, i): v for i, v in enumerate(outs)})
    return [backend.to_host(slots[case.op.name, i]) for i in range(len(case.op.outputs))]


# Comparing


def out_types(case: Case) -> list[DType]:
    """Element types of the results: of the written variables, then of the outputs."""
    slices = case.decl.arg_slices(case.attrs)
    written = [case.in_specs()[slices[name].start][1] for name in case.decl.state.writes]
    return [*written, *(t.dtype for t in case.op.outputs)]


def assert_valid(case: Case, got: Sequence[Any]) -> None:
    """The results are of the inferred types and shapes."""
    types, skip = out_types(case), len(case.decl.state.writes)
    assert len(got) == len(types), f"{case.decl.name} gives {len(got)} results, declares {len(types)}"
    for index, (value, dtype) in enumerate(zip(got, types, strict=True)):
        if dtype.kind in "rv":
            continue
        assert value.dtype == dtype.np, (
            f"{case.decl.name} result {index} is {value.dtype}, declared {dtype.name}"
        )
        if index >= skip:
            shape = case.op.outputs[index - skip].shape
            assert shape.is_compatible_with(value.shape), (
                f"{case.decl.name} result {index}: {value.shape}, not {shape}"
            )
            if dtype.kind == "s":
                assert all(isinstance(v, bytes) for v in np.ravel(value)), "strings must be bytes"


def assert_same(case: Case, got: Sequence[Any], expected: Sequence[Any]) -> None:
    """Equal within the tolerance of the result's type; exactly for integers, bools and strings."""
    narrowest = max((TOLERANCE.get(t, 0.0) for t in (*case.in_types(), *out_types(case))), default=0.0)
    for index, (a, b, dtype) in enumerate(zip(got, expected, out_types(case), strict=True)):
        if dtype.kind in "rv":
            continue
        label = f"{case.decl.name} result {index}"
        if dtype not in TOLERANCE:
            np.testing.assert_array_equal(a, b, err_msg=label)
            continue
        limit = narrowest * case.row.tolerance
        wide = np.complex128 if dtype.is_complex else np.float64
        a, b = np.asarray(a).astype(wide), _fitted(np.asarray(b), dtype).astype(wide)
        np.testing.assert_allclose(a, b, rtol=limit, atol=limit, err_msg=label)


def _fitted(reference: np.ndarray[Any, Any], dtype: DType) -> np.ndarray[Any, Any]:
    """A double-precision reference as far as the narrow type can hold it: overflow is infinity there too."""
    largest = float(ml_dtypes.finfo(dtype.real_dtype.np).max)
    if dtype.is_complex or reference.dtype == dtype.np:
        return reference
    with np.errstate(all="ignore"):
        return np.where(np.abs(reference) > largest, np.copysign(np.inf, reference), reference)


# Gradients


def gradient_pairs(case: Case) -> Iterator[tuple[int, Any, Any, float]]:
    """For each differentiable input: position, gradient by rule, by central differences, tolerance."""
    case = case.in_double_precision() or case
    types = [*case.in_types(), *(t.dtype for t in case.op.outputs)]
    narrow = any(t.is_floating and t is not dtypes.float64 for t in types)
    step, tolerance = (1e-2, 3e-2) if narrow else (1e-5, 1e-5)
    wanted = case.row.grad
    if wanted is None:
        wanted = tuple(i for i, t in enumerate(case.in_types()) if t.is_floating)
    ys = [t for t in case.op.outputs if t.dtype.is_floating]
    if not wanted or not ys:
        return
    seeds = [
        np.random.default_rng(7 + i).uniform(0.5, 1.5, _shape_of(case, y)).astype(y.dtype.np)
        for i, y in enumerate(ys)
    ]
    by_rule = _by_rule(case, ys, seeds, wanted)
    for position, got in zip(wanted, by_rule, strict=True):
        yield position, got, _by_differences(case, ys, seeds, position, step), tolerance * case.row.tolerance


def _shape_of(case: Case, tensor: Tensor) -> tuple[int, ...]:
    if tensor.shape.is_fully_defined():
        return tensor.shape.known()
    values = run_case(case, "numpy")[len(case.decl.state.writes) :]
    return tuple(np.shape(values[tensor.value_index]))


def _by_rule(case: Case, ys: Sequence[Tensor], seeds: Sequence[Any], wanted: Sequence[int]) -> list[Any]:
    with case.graph.as_default():
        made = gradients(ys, [case.inputs[i] for i in wanted], grad_ys=list(seeds))
    fetches: list[Tensor] = []
    for grad in made:
        fetches += (
            [grad.values, grad.indices] if isinstance(grad, IndexedSlices) else [] if grad is None else [grad]
        )
    subgraph = prune(case.graph, fetches, list(case.feeds), [])
    fed = [v for t, v in case.feeds.items() if t.name in subgraph.feeds]
    order = [subgraph.feeds[t.name] for t in case.feeds if t.name in subgraph.feeds]
    subgraph = Subgraph(
        subgraph.nodes, {n: n for n in order}, subgraph.fetches, subgraph.targets, subgraph.functions
    )
    values = iter(run_subgraph(subgraph, fed, "numpy", case) if fetches else ())
    dense = []
    for position, grad in zip(wanted, made, strict=True):
        shape, dtype = case.in_specs()[position]
        if grad is None:
            dense.append(np.zeros(shape, dtype.np))
        elif isinstance(grad, IndexedSlices):
            rows, indices = next(values), next(values)
            total = np.zeros(shape, dtype.np)
            np.add.at(total, indices, rows)
            dense.append(total)
        else:
            value = next(values)
            assert np.shape(value) == shape, (
                f"gradient for input {position} has shape {np.shape(value)}, not {shape}"
            )
            dense.append(value)
    return dense


def _by_differences(
    case: Case, ys: Sequence[Tensor], seeds: Sequence[Any], position: int, step: float
) -> Any:
    indices = [t.value_index + len(case.decl.state.writes) for t in ys]
    original = case.values[position]
    base = np.asarray(original.value if isinstance(original, Variable) else original)

    def loss(moved: Any) -> float:
        case.values[position] = Variable(moved) if isinstance(original, Variable) else moved
        case.feeds = {t: v for t, v in zip(case.inputs, case.values, strict=True) if t in case.feeds}
        results = run_case(case, "numpy")
        return sum(
            float(np.sum(np.asarray(results[i], np.float64) * s)) for i, s in zip(indices, seeds, strict=True)
        )

    found = np.zeros(base.shape, np.float64)
    try:
        for index in np.ndindex(base.shape):
            up, down = base.copy(), base.copy()
            up[index] += step
            down[index] -= step
            found[index] = (loss(up) - loss(down)) / (float(up[index]) - float(down[index]))
    finally:
        case.values[position] = original
        case.feeds = {t: v for t, v in zip(case.inputs, case.values, strict=True) if t in case.feeds}
    return found
