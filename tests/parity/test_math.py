"""Math, reductions, segments, sorting, linear algebra: every sample row gives TensorFlow's values and gradients."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from weft.graph.opdef import OpDecl, Sample
from weft.graph.ops import (
    bessel,
    bitwise,
    compare,
    complex,
    counting,
    decompositions,
    einsum,
    linalg,
    math,
    matmul,
    reduction,
    scan,
    segment,
    sorting,
    sparse_segment,
    special,
    unary,
)

from ..ops.harness import declarations
from ..ops.running import TOLERANCE
from . import sample_rows

pytestmark = pytest.mark.tensorflow

FAMILIES: tuple[ModuleType, ...] = (
    bessel,
    bitwise,
    compare,
    complex,
    counting,
    decompositions,
    einsum,
    linalg,
    math,
    matmul,
    reduction,
    scan,
    segment,
    sorting,
    sparse_segment,
    special,
    unary,
)

WRONG = {("Round", 2): "TensorFlow's kernel gives zeros for integers"}
"""Rows for which TensorFlow itself gives wrong values, and how."""


def _rows() -> list[Any]:
    return [
        pytest.param(decl, row, id=f"{decl.name}-{index}", marks=_marks(decl.name, index))
        for family in FAMILIES
        for decl in declarations(family)
        for index, row in enumerate(decl.samples())
    ]


ARBITRARY = {
    "Svd": "the signs of singular vectors are arbitrary; test_linalg.py compares what does not depend on them",
    "SelfAdjointEigV2": "the signs of eigenvectors are arbitrary; see test_linalg.py",
}
"""Ops whose results are not determined by their inputs."""


def _marks(name: str, index: int) -> list[Any]:
    reason = WRONG.get((name, index)) or ARBITRARY.get(name)
    return [pytest.mark.skip(reason=reason)] if reason else []


def _close(got: Any, expected: Any, row: Sample, what: str) -> None:
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
    try:
        ours, theirs = sample_rows.values(decl, row)
    except Exception as error:
        if "No OpKernel was registered" in str(error):
            pytest.skip(f"TensorFlow has no CPU kernel of {decl.name} for this row")
        raise
    assert len(ours) == len(theirs)
    for index, (got, expected) in enumerate(zip(ours, theirs, strict=True)):
        _close(got, expected, row, f"{decl.name} result {index}")


@pytest.mark.parametrize(("decl", "row"), _rows())
def test_gradients(decl: OpDecl, row: Sample) -> None:
    for index, (got, expected) in enumerate(sample_rows.gradient_pairs(decl, row)):
        _close(got, expected, row, f"{decl.name} gradient {index}")
