"""Arrays, strings, state, tables: every sample row gives TensorFlow's values and gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from weft.graph.opdef import OpDecl, Sample, all_ops

from ..ops.running import TOLERANCE
from . import sample_rows

pytestmark = pytest.mark.tensorflow

FAMILIES = (
    "array",
    "blocks",
    "encoding",
    "filling",
    "gather_nd",
    "indexing",
    "joining",
    "matrix_parts",
    "padding",
    "partition",
    "quantization",
    "reinterpret",
    "rolling",
    "scatter",
    "shaping",
    "slicing",
    "sparse",
    "sparse_math",
    "state",
    "strings",
    "training_ops",
)

WRONG_THERE = {
    "MatrixDiagPartV2": "its gradient is aligned as that of V3",
    "MatrixDiagV2": "its gradient is aligned as that of V3",
    "MatrixSetDiagV2": "its gradient is aligned as that of V3",
}
"""Ops whose gradient TensorFlow gets wrong, as finite differences show."""


def _declared_in(decl: OpDecl) -> str:
    return decl.infer.__module__.rpartition(".")[2]


def _rows() -> list[Any]:
    return [
        pytest.param(decl, row, id=f"{decl.name}-{index}")
        for decl in all_ops().values()
        if _declared_in(decl) in FAMILIES
        for index, row in enumerate(decl.samples())
    ]


def _close(got: Any, expected: Any, row: Sample, what: str) -> None:
    if isinstance(expected, bytes):
        expected = np.array(expected, dtype=object)
    got, expected = np.asarray(got), np.asarray(expected)
    assert got.shape == expected.shape, what
    limit = {t.np: v for t, v in TOLERANCE.items()}.get(got.dtype)
    if limit is None:
        np.testing.assert_array_equal(got, expected, err_msg=what)
        return
    assert got.dtype == expected.dtype, what
    limit *= row.tolerance
    wide = np.complex128 if got.dtype.kind == "c" else np.float64
    np.testing.assert_allclose(got.astype(wide), expected.astype(wide), rtol=limit, atol=limit, err_msg=what)


@pytest.mark.parametrize(("decl", "row"), _rows())
def test_values(decl: OpDecl, row: Sample) -> None:
    ours, theirs = sample_rows.values(decl, row)
    assert len(ours) == len(theirs)
    for index, (got, expected) in enumerate(zip(ours, theirs, strict=True)):
        _close(got, expected, row, f"{decl.name} result {index}")


@pytest.mark.parametrize(("decl", "row"), _rows())
def test_gradients(decl: OpDecl, row: Sample) -> None:
    if decl.name in WRONG_THERE:
        pytest.skip(f"TensorFlow's {decl.name}: {WRONG_THERE[decl.name]}")
    for index, (got, expected) in enumerate(sample_rows.gradient_pairs(decl, row)):
        _close(got, expected, row, f"{decl.name} gradient {index}")
