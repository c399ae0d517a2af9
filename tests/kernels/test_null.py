from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from weft.graph.errors import InvalidArgumentError
from weft.graph.opdef import all_ops
from weft.graph.ops.array import Pack, Reshape, Shape, StridedSlice
from weft.graph.ops.math import AddV2, Mul
from weft.graph.ops.matmul import MatMul
from weft.graph.samples import Built
from weft.kernels.backend import get_backend
from weft.kernels.null.backend import NullArray

from ..ops.running import Case, run_case
from .segments import traced

BACKEND = get_backend("null")


def test_terabytes_are_no_trouble() -> None:
    segment = traced(
        lambda x, w: AddV2(MatMul(x, w), np.float32(1)),
        ("float32", [None, 10**6]),
        ("float32", [10**6, 10**6]),
    )
    x, w = NullArray((10**7, 10**6), np.dtype("float32")), NullArray((10**6, 10**6), np.dtype("float32"))
    (made,) = BACKEND.compile(segment)([x, w])
    assert made == NullArray((10**7, 10**6), np.dtype("float32"))
    assert made.nbytes == 4 * 10**13 and made.ndim == 2


def test_shape_arithmetic_gives_values() -> None:
    def build(x: Any) -> Any:
        rows = StridedSlice(Shape(x), [0], [1], [1], shrink_axis_mask=1)
        return [Reshape(x, Pack([Mul(rows, 2), 3])), rows]

    made, rows = BACKEND.compile(traced(build, ("float32", [None, 6])))([np.ones((5, 6), np.float32)])
    assert made.shape == (10, 3) and rows == 5


def test_the_host_sees_zeros() -> None:
    sent = BACKEND.to_device(np.full((2, 3), 7.0))
    np.testing.assert_array_equal(BACKEND.to_host(sent), np.zeros((2, 3)))
    assert list(BACKEND.to_host(BACKEND.to_device(np.array([b"a", b"b"], object)))) == [b"", b""]
    np.testing.assert_array_equal(BACKEND.to_host(BACKEND.to_device(np.array([4, 2]))), [4, 2])


def test_rules_are_checked() -> None:
    segment = traced(lambda x, y: MatMul(x, y, name="mm"), ("float32", None), ("float32", None))
    with pytest.raises(InvalidArgumentError, match="MatMul 'mm'"):
        BACKEND.compile(segment)([np.ones((2, 3), np.float32), np.ones((4, 5), np.float32)])


def _rows() -> list[Any]:
    return [
        pytest.param(decl, decl.samples()[0], id=name)
        for name, decl in sorted(all_ops().items())
        if decl.state.kind in ("pure", "random", "variable") and not decl.dynamic and decl.samples()
        if not any(isinstance(v, Built) for v in decl.samples()[0].inputs)
    ]


@pytest.mark.parametrize(("decl", "row"), _rows())
def test_shapes_are_those_that_numpy_gives(decl: Any, row: Any) -> None:
    case = Case(decl, row)
    if any(not t.shape.is_fully_defined() for t in case.op.outputs):
        pytest.skip("its result's shape depends on its data")
    real = run_case(case, "numpy")
    for got, expected in zip(run_case(case, "null"), real, strict=True):
        assert np.shape(got) == np.shape(expected) and got.dtype == expected.dtype
