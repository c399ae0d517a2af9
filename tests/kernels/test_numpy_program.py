from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from weft.graph.errors import InvalidArgumentError, UnimplementedError
from weft.graph.opdef import all_ops
from weft.graph.ops.array import Reshape
from weft.graph.ops.control import Identity
from weft.graph.ops.math import AddV2, Mul, Neg, Sub
from weft.graph.ops.matmul import MatMul
from weft.graph.ops.reduction import Sum
from weft.kernels.backend import get_backend
from weft.kernels.numpy.program import generate
from weft.kernels.numpy.reuse import FRESH
from weft.kernels.registry import bind, specializer

from ..ops.running import Case, assert_same, run_case
from .segments import traced

BIG = ("float32", [256, 256])


def run(segment: Any, *values: Any) -> list[Any]:
    return list(get_backend("numpy").compile(segment)(list(values)))


def test_values_of_a_chain() -> None:
    segment = traced(lambda x, y: Sum(Mul(AddV2(x, y), x), [0]), ("float32", [2, 3]), ("float32", [3]))
    x, y = np.arange(6, dtype=np.float32).reshape(2, 3), np.ones(3, np.float32)
    np.testing.assert_array_equal(run(segment, x, y)[0], ((x + y) * x).sum(0))


def test_inputs_are_not_changed_and_results_do_not_share_memory() -> None:
    def build(x: Any, y: Any) -> Any:
        a = AddV2(x, y)
        b = Mul(a, a)
        c = Neg(b)
        return [a, Sub(c, y), Mul(c, c)]

    x, y = (np.random.default_rng(i).normal(size=(256, 256)).astype(np.float32) for i in (0, 1))
    before = x.copy(), y.copy()
    a, b, c = run(traced(build, BIG, BIG), x, y)
    np.testing.assert_array_equal(a, x + y)
    np.testing.assert_array_equal(b, -((x + y) * (x + y)) - y)
    np.testing.assert_array_equal(c, np.square(np.square(x + y)))
    np.testing.assert_array_equal((x, y), before)
    assert not any(np.shares_memory(p, q) for p, q in [(a, b), (b, c), (a, c), (x, a), (y, b)])


def test_large_temporaries_are_written_over() -> None:
    """A chain of ufuncs over a fresh array needs one array, not one per op."""
    import tracemalloc

    def build(x: Any) -> Any:
        for _ in range(6):
            x = Neg(AddV2(x, x))
        return x

    call = get_backend("numpy").compile(traced(build, BIG))
    x = np.ones((256, 256), np.float32)
    call([x])
    tracemalloc.start()
    try:
        (y,) = call([x])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    np.testing.assert_array_equal(y, np.full_like(x, 64))
    assert peak < 1.5 * x.nbytes


def test_views_keep_their_memory() -> None:
    """A dead slot whose memory a live view still shows is not written over."""

    def build(x: Any) -> Any:
        a = AddV2(x, x)
        seen = Reshape(a, [256 * 256])
        return [Neg(a), seen, Identity(a)]

    x = np.random.default_rng(0).normal(size=(256, 256)).astype(np.float32)
    negative, seen, same = run(traced(build, BIG), x)
    np.testing.assert_array_equal(negative, -(x + x))
    np.testing.assert_array_equal(seen, (x + x).reshape(-1))
    np.testing.assert_array_equal(same, x + x)


def test_unknown_shapes_are_never_written_over() -> None:
    segment = traced(lambda x, y: Neg(AddV2(x, y)), ("float32", [None, 3]), ("float32", [None, 3]))
    x, y = np.ones((1, 3), np.float32), np.ones((20000, 3), np.float32)
    np.testing.assert_array_equal(run(segment, x, y)[0], -(x + y))


def test_errors_name_node_rule_and_source() -> None:
    segment = traced(
        lambda x, y: Neg(MatMul(x, y, name="layer/product")), ("float32", None), ("float32", None)
    )
    with pytest.raises(
        InvalidArgumentError, match=r"MatMul 'layer/product'.*float32\[2, 3\].*\[4, 5\]"
    ) as caught:
        run(segment, np.ones((2, 3), np.float32), np.ones((4, 5), np.float32))
    assert caught.value.node == "layer/product"
    assert "segments.py" not in caught.value.source and caught.value.source


def test_a_kernel_that_is_missing_is_named() -> None:
    segment = traced(lambda x: Neg(x, name="minus"), ("float32", [2]))
    row = segment.nodes[0]
    odd = type(row)(row.node.with_(op="NoSuchOp"), row.args, row.outs, row.in_types)
    with pytest.raises(UnimplementedError, match="NoSuchOp 'minus'"):
        generate(type(segment)((odd,), segment.inputs, segment.outputs), "numpy", np)


def _rows(op_types: Any) -> list[Any]:
    return [
        pytest.param(all_ops()[name], row, id=f"{name}-{i}")
        for name in sorted(op_types)
        if name in all_ops()
        for i, row in enumerate(all_ops()[name].samples())
    ]


@pytest.mark.parametrize(("decl", "row"), _rows(FRESH))
def test_ops_counted_as_fresh_give_memory_of_their_own(decl: Any, row: Any) -> None:
    case = Case(decl, row)
    arrays = [np.asarray(v) for v in case.values]
    for made in run_case(case, "numpy"):
        assert not any(np.shares_memory(made, given) for given in arrays)


@pytest.mark.parametrize(("decl", "row"), _rows(n for n in all_ops() if specializer(n, "numpy")))
def test_specialized_functions_do_what_kernels_do(decl: Any, row: Any) -> None:
    case = Case(decl, row)
    if decl.state.kind == "variable":
        values = [v.value if hasattr(v, "value") else v for v in case.values]
    else:
        values = case.values
    plain = bind(case.node, "numpy", np, case.in_types())(*values)
    expected = list(plain) if isinstance(plain, tuple) else [plain]
    assert_same(case, run_case(case, "numpy"), expected)
