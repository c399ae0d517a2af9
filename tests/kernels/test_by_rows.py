from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from weft.graph.opdef import all_ops
from weft.kernels import parallel
from weft.kernels.numpy import by_rows, parallel_ufuncs
from weft.kernels.registry import find_kernel

from ..ops.running import Case, assert_same, run_case
from .segments import traced

OPS = sorted(
    {op for ops, _, _ in by_rows._DIVIDED.values() for op in ops}
    | {"FusedBatchNormV3", "Softmax", "SparseSoftmaxCrossEntropyWithLogits", "TopKV2"}
)


@pytest.fixture(params=[2, 3])
def small_blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_rows, "_PART_BYTES", 4)
    monkeypatch.setattr(by_rows, "thread_count", lambda: request.param)
    monkeypatch.setattr(parallel, "thread_count", lambda: request.param)


def rows() -> list[Any]:
    return [
        pytest.param(all_ops()[op], row, id=f"{op}-{i}")
        for op in OPS
        for i, row in enumerate(all_ops()[op].samples())
    ]


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize(("decl", "row"), rows())
def test_blocks_give_what_the_whole_gives(decl: Any, row: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case(decl, row)
    divided = run_case(case, "numpy")
    monkeypatch.setattr(by_rows, "thread_count", lambda: 1)
    assert_same(case, divided, run_case(case, "numpy"))


@pytest.mark.usefixtures("small_blocks")
def test_rows_are_divided(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    @by_rows.by_rows(0, 1, sizes=2)
    def twice(c: Any, x: Any, y: Any, shape: Any) -> Any:
        sizes.append(int(shape[0]))
        return x + y, x.sum(axis=1)

    class Context:
        out_dtype = np.dtype(np.float32)

    x = np.arange(12, dtype=np.float32).reshape(6, 2)
    total, sums = twice(Context(), x, x, np.array([6, 2]))
    np.testing.assert_array_equal(total, x + x)
    np.testing.assert_array_equal(sums, x.sum(axis=1))
    assert sum(sizes) == 6 and len(sizes) > 1
    sizes.clear()
    twice(Context(), x, x[:1], np.array([6, 2]))
    assert sizes == [6]


def test_a_row_of_one_dimension_stays_whole() -> None:
    kernel = find_kernel("Softmax", "numpy")
    assert kernel is not None

    class Context:
        out_dtype = np.dtype(np.float32)

    x = np.zeros(1 << 20, np.float32)
    assert kernel.function(Context(), x)[0] == np.float32(1 / (1 << 20))


@pytest.mark.parametrize("threads", [1, 3])
def test_slow_functions_of_large_arrays(monkeypatch: pytest.MonkeyPatch, threads: int) -> None:
    from weft.graph.ops.math import AddV2, Pow
    from weft.graph.ops.unary import Exp, Tanh
    from weft.kernels.backend import get_backend

    monkeypatch.setattr(parallel, "thread_count", lambda: threads)
    monkeypatch.setattr(parallel_ufuncs, "_BLOCK", 1000)
    shape = [100, 99]
    segment = traced(lambda x, y: Tanh(AddV2(Exp(x), Pow(Exp(x), y))), ("float32", shape), ("float32", shape))
    x, y = np.random.default_rng(0).normal(size=(2, *shape)).astype(np.float32)
    before = x.copy(), y.copy()
    call = get_backend("numpy").compile(segment)
    for given in (x, np.asfortranarray(x)):
        (found,) = call([given, y])
        np.testing.assert_allclose(found, np.tanh(np.exp(x) + np.exp(x) ** y), rtol=1e-6)
    np.testing.assert_array_equal((x, y), before)
