"""The CuPy backend's programs, on a stand-in for CuPy; with a GPU the op tests run them on the real one."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from weft.graph.errors import InvalidArgumentError
from weft.graph.opdef import Sample, all_ops
from weft.graph.ops.array import Fill, Pack, Reshape, Shape, StridedSlice
from weft.graph.ops.control import Identity
from weft.graph.ops.indexing import Where
from weft.graph.ops.math import AddV2, Cast, Mul, Neg, Sub
from weft.graph.ops.matmul import MatMul
from weft.graph.ops.random import RandomUniform
from weft.graph.ops.reduction import Sum
from weft.graph.ops.unary import Exp, Square, Tanh
from weft.kernels.backend import get_backend
from weft.kernels.cupy.elementwise import fusable
from weft.kernels.cupy.graphs import GraphReplay
from weft.kernels.cupy.program import CupyProgram
from weft.kernels.cupy.steps import plan_steps
from weft.kernels.segment import Segment, SegmentNode, whole_segment

from ..ops.running import Case, assert_same, run_case
from . import fake_cupy
from .segments import traced

needs_compiler = pytest.mark.skipif(fake_cupy.COMPILER is None, reason="there is no C++ compiler")
MATRIX = ("float32", [2, 3])
X = np.arange(6, dtype=np.float32).reshape(2, 3) - 2


def run(program: Any, *values: Any) -> list[Any]:
    given = [v if isinstance(v, np.generic) else fake_cupy.asarray(v) for v in values]
    return [v.get() if isinstance(v, fake_cupy.ndarray) else v for v in program(given)]


def expected(segment: Segment, *values: Any) -> list[Any]:
    return list(get_backend("numpy").compile(segment)(list(values)))


def dim(x: Any, i: int) -> Any:
    return StridedSlice(Shape(x), [i], [i + 1], [1], shrink_axis_mask=1)


@needs_compiler
def test_elementwise_nodes_become_one_kernel() -> None:
    segment = traced(lambda x, y: Tanh(Mul(AddV2(x, y), np.float32(0.3))), MATRIX, ("float32", [3]))
    steps, _ = plan_steps(segment)
    assert [len(s.rows) for s in steps] == [3] and steps[0].fused
    np.testing.assert_allclose(
        run(CupyProgram(segment, fake_cupy), X, X[0])[0], np.tanh((X + X[0]) * np.float32(0.3)), rtol=1e-6
    )


@needs_compiler
def test_what_others_need_is_not_swallowed() -> None:
    def build(x: Any) -> Any:
        a = Exp(x)
        b = Neg(a)
        return [Mul(b, a), Square(b), MatMul(Sub(a, x), x), a]

    segment = traced(build, ("float32", [3, 3]))
    x = np.random.default_rng(0).normal(size=(3, 3)).astype(np.float32)
    for got, want in zip(run(CupyProgram(segment, fake_cupy), x), expected(segment, x), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-5)


def test_shapes_are_worked_out_on_the_host() -> None:
    segment = traced(lambda x: Reshape(Neg(x), Pack([Mul(dim(x, 0), 3), 1])), ("float32", [None, 3]))
    program = CupyProgram(segment, fake_cupy)
    assert program.replayable and sum(s.host for s in program.steps) >= 3
    np.testing.assert_array_equal(run(program, X)[0], -X.reshape(6, 1))


def test_a_shape_from_data_is_fetched_to_the_host() -> None:
    segment = traced(
        lambda x: Fill(Pack([Cast(Sum(x, [0]), DstT="int32"), 2]), np.float32(1)), ("float32", [None])
    )
    program = CupyProgram(segment, fake_cupy)
    assert not program.replayable
    assert run(program, np.array([1, 2], np.float32))[0].shape == (3, 2)


def test_text_and_shapes_of_results_of_unknown_size() -> None:
    segment = traced(
        lambda x, s: [Cast(Shape(Where(x)), DstT="float32"), Identity(s)], MATRIX, ("string", [1])
    )
    program = CupyProgram(segment, fake_cupy)
    shape, text = program([fake_cupy.asarray(X), np.array([b"weft"], object)])
    np.testing.assert_array_equal(shape.get(), [5, 2])
    assert text[0] == b"weft"


@needs_compiler
def test_errors_name_the_node() -> None:
    segment = traced(lambda x, y: Neg(MatMul(x, y, name="mm")), ("float32", None), ("float32", None))
    with pytest.raises(InvalidArgumentError, match=r"MatMul 'mm'.*float32\[2, 3\]"):
        run(CupyProgram(segment, fake_cupy), X, X)


def test_graphs_are_recorded_per_shape_and_replayed() -> None:
    segment = traced(
        lambda x, w: [MatMul(Neg(x), w), Sum(MatMul(x, w), [0])], ("float32", [None, 3]), ("float32", [3, 2])
    )
    replay = GraphReplay(CupyProgram(segment, fake_cupy), fake_cupy)
    rng = np.random.default_rng(0)
    kept = []
    for turn in range(6):
        for rows in (4, 5):
            x, w = rng.normal(size=(rows, 3)).astype(np.float32), rng.normal(size=(3, 2)).astype(np.float32)
            got = run(replay, x, w)
            for a, b in zip(got, expected(segment, x, w), strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-5)
            kept.append((got[0].copy(), got[0]))
        assert len(replay.graphs) == (2 if turn >= 2 else 0)
    assert all(r is not None for r in replay.graphs.values())
    assert all(np.array_equal(a, b) for a, b in kept), "a later run changed an earlier result"


def test_what_cannot_be_recorded_runs_plainly() -> None:
    """Random numbers, values read back and copies from the host are left out of graphs."""
    random = traced(
        lambda x: [Mul(x, RandomUniform([3], dtype="float32", seed=1)), MatMul(x, x)], ("float32", [3, 3])
    )
    assert not CupyProgram(random, fake_cupy).replayable

    class Copying(CupyProgram):
        def __call__(self, values: Any) -> Any:
            return [fake_cupy.asarray(np.ones(3)), *super().__call__(values)]

    replay = GraphReplay(
        Copying(traced(lambda x: MatMul(MatMul(x, x), x), ("float32", [3, 3])), fake_cupy), fake_cupy
    )
    x = np.eye(3, dtype=np.float32)
    for _ in range(5):
        np.testing.assert_array_equal(run(replay, x)[1], x)
    assert list(replay.graphs.values()) == [None]


# Every op, on arrays that do not mix with NumPy's


def _rows(only: Any = lambda decl, case: True) -> list[Any]:
    return [
        pytest.param(decl, row, id=f"{name}-{i}", marks=[pytest.mark.slow] if i else [])
        for name, decl in sorted(all_ops().items())
        if decl.state.kind in ("pure", "random", "variable") and not name.startswith("_")
        for i, row in enumerate(decl.samples())
        if only(decl, row)
    ]


def _has_plain_types(row: Sample) -> bool:
    flat = [v for given in row.inputs for v in (given if isinstance(given, list) else [given])]
    return all(hasattr(v, "value") or not callable(getattr(v, "make", None)) for v in flat)


@pytest.mark.parametrize(("decl", "row"), _rows(lambda decl, row: _has_plain_types(row)))
def test_kernels_do_not_mix_host_and_device(decl: Any, row: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case(decl, row)
    case.skip_without_kernel("cupy")
    for name, module in fake_cupy.modules().items():
        monkeypatch.setitem(sys.modules, name, module)
    segment = whole_segment(case.subgraph).segment
    program = CupyProgram(segment, fake_cupy)
    values = [v.value if hasattr(v, "value") else v for v in case.feeds.values()]
    variables = [v.value for v in case.values if hasattr(v, "value")]
    whole = whole_segment(case.subgraph)
    given = [*values, *variables[: len(whole.variables)], *(np.uint64(0) for _ in whole.streams)]
    device = [
        v if isinstance(v, np.generic) or v.dtype == np.dtype(object) else fake_cupy.asarray(v) for v in given
    ]
    got = [v.get() if isinstance(v, fake_cupy.ndarray) else np.asarray(v) for v in program(device)]
    split = len(case.subgraph.fetches)
    assert_same(case, [*got[split:], *got[:split]], run_case(case, "numpy"))


def _fusable_rows() -> list[Any]:
    found = []
    for parameter in _rows(lambda decl, row: _has_plain_types(row)):
        decl, row = parameter.values
        try:
            (only,) = whole_segment(Case(decl, row).subgraph).segment.nodes
        except ValueError:
            continue
        if fusable(only):
            found.append(parameter)
    return found


@needs_compiler
@pytest.mark.parametrize(("decl", "row"), _fusable_rows())
def test_generated_kernels_compute_what_the_ops_do(decl: Any, row: Any) -> None:
    """Each op that can be fused, fused with a node that passes its result on."""
    case = Case(decl, row)
    segment = whole_segment(case.subgraph).segment
    (only,) = segment.nodes
    (out,) = only.outs
    assert out is not None
    dtype = only.node.types[0] if only.node.types else only.in_types[0]
    passing = Identity.name
    after = SegmentNode(
        only.node.with_(name="pass", op=passing, inputs=(), attrs={"T": dtype}, types=(dtype,)),
        (out,),
        (10**6,),
        (dtype,),
    )
    fused = Segment((only, after), segment.inputs, (10**6,), segment.constants)
    steps, _ = plan_steps(fused)
    assert [s.fused for s in steps] == [True]
    arrays = [v.value if hasattr(v, "value") else v for v in case.values]
    wanted = run_case(case, "numpy")
    order = {slot: arrays[p] for p, slot in enumerate(only.args)}
    got = run(CupyProgram(fused, fake_cupy), *(order[s] for s in segment.inputs))
    assert_same(case, got, wanted)
