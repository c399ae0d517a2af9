"""Neural nets: every sample row gives TensorFlow's values and gradients."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from weft.graph.opdef import OpDecl, Sample
from weft.graph.ops import (
    activation,
    candidate,
    conv,
    conv3d,
    ctc,
    depthwise,
    dilation,
    fractional,
    losses,
    norm,
    pool,
    pool3d,
    pool_argmax,
)

from ..ops.harness import declarations
from ..ops.running import TOLERANCE
from . import sample_rows

pytestmark = pytest.mark.tensorflow

FAMILIES = (
    activation,
    candidate,
    conv,
    conv3d,
    ctc,
    depthwise,
    dilation,
    fractional,
    losses,
    norm,
    pool,
    pool3d,
    pool_argmax,
)


def _on_cpu(decl: OpDecl, row: Sample) -> bool:
    """Whether TensorFlow can run the row: on CPU it knows channels-last layouts only.

    The gradient that it gives for a depthwise filter and no images is memory that nothing was written to.
    """
    empty = any(isinstance(v, np.ndarray) and not v.size for v in row.inputs)
    if empty and decl.name.startswith("Depthwise"):
        return False
    return not str(row.attrs.get("data_format", "")).startswith("NC")


def rows(families: Any) -> list[Any]:
    return [
        pytest.param(decl, row, id=f"{decl.name}-{index}")
        for family in families
        for decl in declarations(family)
        for index, row in enumerate(decl.samples())
        if _on_cpu(decl, row)
    ]


IN_FLOAT32 = frozenset({"CTCLoss", "CTCBeamSearchDecoder", "ResizeBilinear", "ResizeBilinearGrad"})
"""Ops that TensorFlow computes in float32 whatever their type."""


def close(got: Any, expected: Any, row: Sample, what: str) -> None:
    got, expected = np.asarray(got), np.asarray(expected)
    assert got.shape == expected.shape, what
    assert got.dtype == expected.dtype, what
    limit = {t.np: v for t, v in TOLERANCE.items()}.get(got.dtype)
    if limit is None:
        np.testing.assert_array_equal(got, expected, err_msg=what)
        return
    limit *= row.tolerance
    if what.split()[0] in IN_FLOAT32:
        limit = max(limit, 1e-5)
    np.testing.assert_allclose(
        got.astype(np.float64), expected.astype(np.float64), rtol=limit, atol=limit, err_msg=what
    )


CANNOT = (
    "does not support dilations",
    "dilation rates larger than 1",
    "only supports dilated rates of 1",
    "DepthwiseConv2DBackprop",
    "No OpKernel was registered to support Op",
    "tensor_in must not be empty",
    "does not have output 1",
    "Gradients for grouped convolutions are not supported on CPU",
    "filter_size does not have enough elements",
    "Incompatible shapes between op input and calculated input gradient",
    "Attr 'padding' of 'MaxPoolGradGrad' Op passed string 'EXPLICIT'",
)
"""What TensorFlow says of rows that it cannot run on CPU, or has a bug in."""

SHARPER = {
    ("FusedBatchNorm", 0): "TensorFlow leaves out what flows back through the moments",
    ("FusedBatchNormV2", 0): "TensorFlow leaves out what flows back through the moments",
    ("FusedBatchNormV3", 0): "TensorFlow leaves out what flows back through the moments",
    ("SoftmaxCrossEntropyWithLogits", 1): "TensorFlow leaves out the labels' part in the second output",
}
"""Gradients by input position in which weft goes further than TensorFlow, and why."""


@contextlib.contextmanager
def _skipped_where_tensorflow_cannot() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if any(text in str(error) for text in CANNOT):
            pytest.skip(f"TensorFlow: {str(error).splitlines()[0]}")
        raise


def check_values(decl: OpDecl, row: Sample) -> None:
    with _skipped_where_tensorflow_cannot():
        ours, theirs = sample_rows.values(decl, row)
    assert len(ours) == len(theirs)
    for index, (got, expected) in enumerate(zip(ours, theirs, strict=True)):
        close(got, expected, row, f"{decl.name} result {index}")


def check_gradients(decl: OpDecl, row: Sample) -> None:
    with _skipped_where_tensorflow_cannot():
        pairs = sample_rows.gradient_pairs(decl, row)
    for index, (got, expected) in enumerate(pairs):
        if (decl.name, index) not in SHARPER:
            close(got, expected, row, f"{decl.name} gradient {index}")


@pytest.mark.parametrize(("decl", "row"), rows(FAMILIES))
def test_values(decl: OpDecl, row: Sample) -> None:
    check_values(decl, row)


@pytest.mark.parametrize(("decl", "row"), rows(FAMILIES))
def test_gradients(decl: OpDecl, row: Sample) -> None:
    check_gradients(decl, row)
