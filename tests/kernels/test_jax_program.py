from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from weft.graph.errors import InvalidArgumentError, NotFoundError, UnavailableError
from weft.graph.ops.array import Fill, Pack, Reshape, Shape, StridedSlice
from weft.graph.ops.indexing import Where
from weft.graph.ops.math import AddV2, Cast, Mul, Neg
from weft.graph.ops.matmul import MatMul
from weft.graph.ops.reduction import Max, Sum
from weft.kernels.backend import get_backend
from weft.kernels.jax.pieces import cut
from weft.kernels.jax.program import JaxProgram, cannot_compile
from weft.kernels.segment import Segment

from .segments import traced

ROWS = ("float32", [None, 4])


def run(segment: Segment, *values: Any) -> list[Any]:
    return [np.asarray(v) for v in get_backend("jax").compile(segment)(list(values))]


def pieces(segment: Segment) -> list[Any]:
    return cut(segment, lambda row: cannot_compile(row, segment.functions))


def dim(x: Any, i: int) -> Any:
    return StridedSlice(Shape(x), [i], [i + 1], [1], shrink_axis_mask=1)


def test_shape_arithmetic_is_worked_out_while_tracing() -> None:
    segment = traced(lambda x: Reshape(Mul(x, x), Pack([Mul(dim(x, 0), 2), 2])), ROWS)
    (piece,) = pieces(segment)
    assert not piece.static and len(piece.hosts) == 4
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    np.testing.assert_array_equal(run(segment, x)[0], (x * x).reshape(6, 2))


def test_a_shape_from_data_cuts_the_segment() -> None:
    def build(x: Any) -> Any:
        y = Neg(x)
        rows = Cast(Max(y, [0]), DstT="int32")
        return AddV2(Sum(y, [0]), Sum(Fill(Pack([rows, 2]), np.float32(1)), [0, 1]))

    segment = traced(build, ("float32", [None]))
    first, second = pieces(segment)
    assert second.static and not first.static
    x = np.array([-3, -1, -2], np.float32)
    assert run(segment, x)[0] == 6 + 6
    assert run(segment, x * 2)[0] == 12 + 12


def test_an_integer_input_that_gives_a_shape_is_compiled_for() -> None:
    segment = traced(lambda n: Fill(Pack([n, 3]), np.float32(2)), ("int32", []))
    (piece,) = pieces(segment)
    assert piece.static
    assert run(segment, np.int32(2))[0].shape == (2, 3)
    assert run(segment, np.int32(5))[0].shape == (5, 3)


def test_ops_of_unknown_result_shape_run_alone() -> None:
    def build(x: Any) -> Any:
        found = Where(Mul(x, x))
        return [Sum(Cast(found, DstT="float32"), [0]), Neg(x), Reshape(Neg(x), Shape(x))]

    segment = traced(build, ("float32", [None]))
    assert [p.alone for p in pieces(segment)] == [False, True, False]
    x = np.array([0, 1, 0, 2], np.float32)
    total, minus, same = run(segment, x)
    np.testing.assert_array_equal(total, [4])
    np.testing.assert_array_equal(minus, -x)
    np.testing.assert_array_equal(same, -x)


def test_double_precision_without_touching_the_global_setting() -> None:
    import jax

    before = jax.config.jax_enable_x64
    segment = traced(lambda x, n: [Mul(x, x), AddV2(n, n)], ("float64", [2]), ("int64", []))
    x, n = np.array([1e-200, 3.0]), np.int64(2**40)
    square, twice = run(segment, x, n)
    assert square.dtype == np.float64 and twice == 2**41
    np.testing.assert_array_equal(square, x * x)
    assert jax.config.jax_enable_x64 == before
    assert jax.numpy.asarray(np.ones(1)).dtype == (np.float64 if before else np.float32)


def test_many_shapes_do_not_compile_for_ever(caplog: pytest.LogCaptureFixture) -> None:
    segment = traced(lambda x, w: MatMul(x, w), ROWS, ("float32", [4, 2]))
    program = get_backend("jax").compile(segment)
    assert isinstance(program, JaxProgram)
    w = np.random.default_rng(0).normal(size=(4, 2)).astype(np.float32)
    with caplog.at_level(logging.WARNING, logger="weft"):
        for rows in (*range(1, 11), *range(1, 11)):
            x = np.full((rows, 4), 0.5, np.float32)
            np.testing.assert_allclose(program([x, w])[0], x @ w, rtol=1e-6)
    (step,) = program.steps
    assert len(step.known) == 4
    assert len(caplog.records) == 1 and "4 sets of input shapes" in caplog.text


def test_large_constants_are_arguments() -> None:
    table = np.random.default_rng(0).normal(size=(300, 300)).astype(np.float32)
    segment = traced(lambda x: MatMul(x, table), ("float32", [1, 300]))
    program = get_backend("jax").compile(segment)
    x = np.ones((1, 300), np.float32)
    np.testing.assert_allclose(program([x])[0], x @ table, rtol=1e-4)
    assert isinstance(program, JaxProgram)
    (step,) = program.steps
    assert len(step.held_slots) == 1 and len(step.held) == 1


def test_donated_inputs_give_their_memory_up() -> None:
    segment = traced(lambda x: AddV2(x, x), ("float32", [512, 512]))
    backend = get_backend("jax")
    given = backend.to_device(np.ones((512, 512), np.float32))
    kept = backend.compile(segment)([given])
    assert not given.is_deleted()
    (made,) = backend.compile(replace(segment, donated=frozenset(segment.inputs)))([given])
    assert given.is_deleted()
    np.testing.assert_array_equal(made, kept[0])


def test_errors_name_the_node() -> None:
    segment = traced(lambda x, y: MatMul(x, y, name="layer/mm"), ("float32", None), ("float32", None))
    with pytest.raises(InvalidArgumentError, match=r"MatMul 'layer/mm'.*float32\[2, 3\].*\[4, 5\]") as caught:
        run(segment, np.ones((2, 3), np.float32), np.ones((4, 5), np.float32))
    assert caught.value.source


def test_inputs_and_constants_may_be_outputs() -> None:
    segment = traced(lambda x: [x, Neg(x), Fill([2], np.float32(7))], ("float32", [3]))
    whole = replace(segment, outputs=(*segment.outputs, next(iter(segment.constants))))
    x = np.arange(3, dtype=np.float32)
    same, minus, sevens, _ = run(whole, x)
    np.testing.assert_array_equal(same, x)
    np.testing.assert_array_equal(minus, -x)
    np.testing.assert_array_equal(sevens, [7, 7])


def test_text_passes_through_between_compiled_parts() -> None:
    from weft.graph.ops.control import Identity

    segment = traced(lambda s, x: [Identity(s), Neg(x)], ("string", [2]), ("float32", [2]))
    words = np.array([b"warp", b"weft"], object)
    got, minus = get_backend("jax").compile(segment)([words, np.ones(2, np.float32)])
    assert list(got) == [b"warp", b"weft"]
    np.testing.assert_array_equal(minus, [-1, -1])


def test_devices_are_chosen_by_name() -> None:
    segment = traced(lambda x: Neg(x), ("float32", [2]))
    backend = get_backend("jax:cpu:0")
    (made,) = backend.compile(segment)([np.ones(2, np.float32)])
    assert made.device.platform == "cpu"
    with pytest.raises(UnavailableError, match="no cpu device 99"):
        get_backend("jax:cpu:99")
    with pytest.raises(NotFoundError, match="no devices to choose"):
        get_backend("numpy:1")


def test_threads_are_limited_before_xla_starts(run_python: Callable[..., Any]) -> None:
    done = run_python(
        "from weft.kernels.jax.backend import limit_threads\n"
        "import os\n"
        "print(limit_threads(1), os.environ['NPROC'])\n"
        "import jax; jax.devices()\n"
        "print(limit_threads(2))\n"
    )
    assert done.stdout.split() == ["True", "1", "False"]
