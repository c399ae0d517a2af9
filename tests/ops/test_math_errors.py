"""What math ops refuse, and in which words: when the graph is built, and when the step runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import weft
from weft.errors import InvalidArgumentError
from weft.graph.opdef import get_op


def _placeholder(*shape: int | None, dtype: Any = weft.float32) -> Any:
    return weft.placeholder(dtype, shape)


BUILDING: dict[str, tuple[Callable[[], Any], str]] = {
    "inner dimensions": (
        lambda: weft.matmul(_placeholder(3, 4), _placeholder(5, 6), name="mm"),
        r"MatMul 'mm': inner dimensions must agree.*float32\[3, 4\].*float32\[5, 6\].*test_math_errors.py",
    ),
    "batch dimensions": (
        lambda: weft.matmul(_placeholder(2, 3, 4), _placeholder(3, 4, 5)),
        r"BatchMatMulV2.*do not broadcast",
    ),
    "broadcasting": (
        lambda: _placeholder(3) + _placeholder(4),
        r"AddV2 'add': shapes do not broadcast.*float32\[3\].*float32\[4\]",
    ),
    "axis out of range": (
        lambda: weft.reduce_sum(_placeholder(2, 3), 2),
        r"Sum.*axis 2 is out of range for rank 2",
    ),
    "axis twice": (lambda: weft.reduce_max(_placeholder(2, 3), [0, -2]), r"Max.*axis -2 is given twice"),
    "argmax of nothing": (lambda: weft.argmax(_placeholder(0, 3), 0), r"ArgMax.*must not be empty"),
    "scan axis": (lambda: weft.cumsum(_placeholder(3), 1), r"Cumsum.*axis 1 is out of range for rank 1"),
    "element type": (
        lambda: weft.floor(_placeholder(2, dtype=weft.int32)),
        r"Floor.*attribute T must be one of",
    ),
    "sum of different shapes": (
        lambda: get_op("AddN")([_placeholder(2), _placeholder(3)]),
        r"AddN.*all inputs must have the same shape",
    ),
    "select": (
        lambda: get_op("Select")([True, False], _placeholder(3, 2), _placeholder(3, 2)),
        r"Select.*as long as the first dimension",
    ),
    "top k": (lambda: weft.nn.top_k(_placeholder(2, 3), 4), r"TopKV2.*at least k = 4 columns"),
    "segment ids": (
        lambda: weft.unsorted_segment_sum(_placeholder(3, 2), [0, 1], 2),
        r"UnsortedSegmentSum.*segment_ids must be the first dimensions",
    ),
    "square matrices": (lambda: weft.matrix_inverse(_placeholder(2, 3)), r"MatrixInverse.*must be square"),
    "right-hand side": (
        lambda: weft.matrix_solve(_placeholder(3, 3), _placeholder(4, 1)),
        r"MatrixSolve.*as many rows",
    ),
    "vector products": (lambda: weft.cross(_placeholder(2), _placeholder(2)), r"Cross.*must be 3"),
    "einsum sizes": (
        lambda: weft.einsum("ij,jk->ik", _placeholder(2, 3), _placeholder(4, 5)),
        r"Einsum.*label 'j'.*sizes 3 and 4",
    ),
    "einsum ranks": (
        lambda: weft.einsum("ij->i", _placeholder(2, 3, 4)),
        r"Einsum.*needs an operand of rank 2",
    ),
    "histogram": (
        lambda: weft.histogram_fixed_width(_placeholder(3), [1.0, 1.0]),
        r"HistogramFixedWidth.*must ascend",
    ),
}


@pytest.mark.parametrize("name", BUILDING)
def test_building(name: str) -> None:
    make, words = BUILDING[name]
    with weft.Graph().as_default(), pytest.raises(InvalidArgumentError, match=words):
        make()


RUNNING: dict[str, tuple[Callable[[Any], Any], Any, str]] = {
    "division by zero": (lambda x: 7 // x, np.array([1, 0], np.int32), "integer division by zero"),
    "remainder by zero": (lambda x: 7 % x, np.array([0], np.int32), "integer division by zero"),
    "negative power": (lambda x: x**x, np.array([2, -1], np.int32), "negative integer powers"),
    "singular matrix": (weft.matrix_inverse, np.zeros((2, 2), np.float32), "(?i)singular"),
    "no factor": (weft.cholesky, -np.eye(2, dtype=np.float32), "(?i)positive definite"),
    "descending ids": (
        lambda ids: weft.segment_sum([1.0, 2.0, 3.0], ids),
        np.array([0, 2, 1], np.int32),
        "ascending",
    ),
    "large ids": (
        lambda ids: weft.unsorted_segment_sum([1.0, 2.0], ids, 2),
        np.array([0, 2], np.int32),
        "must be below 2",
    ),
    "negative counts": (lambda x: weft.bincount(x), np.array([0, -2], np.int32), "must not be negative"),
}


@pytest.mark.parametrize("name", RUNNING)
def test_running(name: str) -> None:
    make, value, words = RUNNING[name]
    with weft.Graph().as_default(), weft.Session() as session:
        x = weft.placeholder(weft.as_dtype(value.dtype), value.shape, name="x")
        y = make(x)
        with pytest.raises(InvalidArgumentError, match=words) as caught:
            session.run(y, {x: value})
        assert caught.value.node is not None
        assert "test_math_errors.py" in str(caught.value)


def test_arguments_and_their_older_names() -> None:
    with weft.Graph().as_default():
        x = _placeholder(2, 3)
        with pytest.raises(ValueError, match="Cannot specify both 'axis' and 'reduction_indices'"):
            weft.reduce_sum(x, 0, reduction_indices=1)
        with pytest.raises(ValueError, match="Cannot specify both 'keepdims' and 'keep_dims'"):
            weft.reduce_sum(x, 0, keepdims=True, keep_dims=False)
        with pytest.raises(ValueError, match="transpose_a and adjoint_a"):
            weft.matmul(x, x, transpose_a=True, adjoint_a=True)
        with pytest.raises(ValueError, match="at least one Tensor"):
            weft.add_n([])
        with pytest.raises((TypeError, ValueError), match=r"float32.*int32"):
            weft.divide(x, _placeholder(3, dtype=weft.int32))
        with pytest.raises(ValueError, match="ord"):
            weft.norm(x, ord="nuclear")


def test_gradients_that_there_are_not() -> None:
    with weft.Graph().as_default():
        x = _placeholder(4, 2)
        q, r = weft.qr(x, full_matrices=True)
        with pytest.raises(LookupError, match="full_matrices"):
            weft.gradients([q, r], x)
        with pytest.raises(LookupError, match=r"IgammaGradA.*not implemented"):
            weft.gradients(get_op("IgammaGradA")(x, x), x)
        assert weft.gradients(weft.to_float(weft.argmax(x)), x) == [None]
