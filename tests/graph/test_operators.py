"""Python's operators on tensors and variables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import weft


@pytest.fixture(autouse=True)
def graph() -> Any:
    with weft.Graph().as_default() as made:
        yield made


def _names(graph: Any) -> list[str]:
    return [op.name for op in graph.get_operations()]


def test_constants_take_the_tensors_type_and_the_ops_name(graph: Any) -> None:
    x = weft.placeholder(weft.float64, [2], name="x")
    y = 1 - x * 2
    assert y.dtype == weft.float64
    assert _names(graph) == ["x", "mul/y", "mul", "sub/x", "sub"]
    assert y.op.inputs[0].dtype == weft.float64


def test_an_operand_that_does_not_fit_is_refused() -> None:
    n = weft.placeholder(weft.int32, [2])
    with pytest.raises(TypeError, match="int32"):
        n + 1.5
    with pytest.raises((TypeError, ValueError), match="float32"):
        n + weft.placeholder(weft.float32, [2])


def test_division_of_integers_is_true_division() -> None:
    quotients = {
        dtype: (weft.placeholder(dtype, []) / 2).dtype.name for dtype in ("int8", "uint16", "int32", "int64")
    }
    assert quotients == {"int8": "float32", "uint16": "float32", "int32": "float64", "int64": "float64"}
    assert (weft.placeholder("int32", []) // 2).op.type == "FloorDiv"


def test_numpy_leaves_the_operation_to_the_tensor() -> None:
    x = weft.placeholder(weft.float32, [2])
    y = np.ones(2, np.float32) + x
    assert isinstance(y, weft.Tensor) and y.op.type == "AddV2"
    assert (np.float32(2) * x).op.type == "Mul"


def test_equality_is_identity() -> None:
    x, y = weft.constant(1.0), weft.constant(1.0)
    assert x == x
    assert x != y and (x == y) is False
    assert len({x, y, x}) == 2


def test_the_other_operands_own_method_is_asked() -> None:
    class Knowing:
        def __radd__(self, other: Any) -> str:
            return "mine"

    assert weft.constant(1.0) + Knowing() == "mine"


def test_bits_of_integers_and_logic_of_booleans() -> None:
    n, b = weft.placeholder(weft.int32, []), weft.placeholder(weft.bool, [])
    assert [(n & 1).op.type, (n | 1).op.type, (n ^ 1).op.type, (~n).op.type] == [
        "BitwiseAnd",
        "BitwiseOr",
        "BitwiseXor",
        "Invert",
    ]
    assert [(b & True).op.type, (b | True).op.type, (~b).op.type] == ["LogicalAnd", "LogicalOr", "LogicalNot"]


def test_variables_have_them_too() -> None:
    v = weft.Variable([1.0, 2.0])
    with weft.Session() as session:
        session.run(weft.global_variables_initializer())
        np.testing.assert_allclose(session.run(2 * v + v[0] - v / 2), [2.5, 4.0])


@pytest.mark.parametrize(
    ("index", "shape"),
    [
        (np.s_[1], [None, 4]),
        (np.s_[..., 0], [3, None]),
        (np.s_[1:, None, ::2], [2, 1, None, 4]),
        (np.s_[:, 2:3, -1], [3, None]),
        (np.s_[...], [3, None, 4]),
    ],
)
def test_slices_know_their_shape(index: Any, shape: list[int | None]) -> None:
    assert weft.placeholder(weft.float32, [3, None, 4])[index].shape.as_list() == shape


def test_slices_by_tensors() -> None:
    x = weft.constant(np.arange(12).reshape(3, 4))
    i, wide = weft.placeholder(weft.int32, []), weft.placeholder(weft.int64, [])
    with weft.Session() as session:
        row, part, both = session.run((x[i], x[i:, 1], x[i, wide]), {i: 1, wide: 2})
    np.testing.assert_array_equal(row, [4, 5, 6, 7])
    np.testing.assert_array_equal(part, [5, 9])
    assert both == 6


@pytest.mark.parametrize("index", [1.5, "a", [0, 1], True])
def test_other_indices_are_refused(index: Any) -> None:
    with pytest.raises(TypeError, match="gather"):
        weft.constant([1.0, 2.0])[index]


def test_slice_ops_are_named_as_tensorflows(graph: Any) -> None:
    weft.placeholder(weft.float32, [3], name="x")[1:]
    assert _names(graph)[1:] == [
        "strided_slice/stack",
        "strided_slice/stack_1",
        "strided_slice/stack_2",
        "strided_slice",
    ]
