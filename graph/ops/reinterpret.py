"""The same bytes or numbers read another way, and distances between sequences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..infer import InferContext, free, per_input
from ..opdef import PURE, NoGradient, declare
from ..samples import floats, ints, sample
from ..shapes import TensorShape

__all__ = ["Bitcast", "EditDistance", "UnravelIndex"]


def _bitcast_shape(c: InferContext) -> Sequence[TensorShape]:
    shape, have, want = c.shape("input"), c.dtype("input").size, c.attr("type").size
    if have == want:
        return [shape]
    if have > want:
        return [shape.concatenate([have // want])]
    if shape.dims is None:
        return [shape]
    if not shape.dims or shape[-1] not in (None, want // have):
        c.fail(f"the last dimension must be {want // have} to make {c.attr('type').name}")
    return [shape[:-1]]


_NUMBERS = (
    "{bfloat16, half, float, double, int64, int32, uint8, uint16, uint32, uint64, int8, int16, complex64, "
    "complex128}"
)

Bitcast = declare(
    "Bitcast",
    inputs="input: T",
    outputs="output: type",
    attrs=(f"T: {_NUMBERS}", f"type: {_NUMBERS}"),
    infer=_bitcast_shape,
    gradient=NoGradient("bits are not differentiable"),
    cost=free,
    state=PURE,
    samples=lambda: [
        sample(floats(2, 3), type="int32", grad=()),
        sample(floats(2), type="uint8", grad=()),
        sample(ints(3, 4, dtype=np.uint8, high=255), type="int32"),
        sample(ints(2, 2, dtype=np.int32), type="int64"),
        sample(floats(3, dtype=np.float64), type="complex64", grad=()),
        sample(floats(2, 2), type="complex64", grad=()),
        sample((floats(2) + 1j).astype(np.complex64), type="float32", grad=()),
    ],
    doc="The same bytes as another type.",
)


def _unravel_shape(c: InferContext) -> Sequence[TensorShape]:
    indices, dims = c.shape("indices"), c.rank("dims", 1)
    if indices.rank is None:
        return [TensorShape(None)]
    if indices.rank > 1:
        c.fail("indices must be a scalar or a vector")
    return [dims.concatenate(indices)]


UnravelIndex = declare(
    "UnravelIndex",
    inputs="indices: Tidx, dims: Tidx",
    outputs="output: Tidx",
    attrs="Tidx: indextype = DT_INT32",
    infer=_unravel_shape,
    gradient=NoGradient("it computes indices"),
    cost=per_input(4.0),
    state=PURE,
    samples=lambda: [
        sample(np.array([2, 5, 7], np.int32), np.array([3, 3], np.int32)),
        sample(np.int64(11), np.array([2, 3, 2], np.int64)),
    ],
    doc="Places in row-major order as indices, a column each.",
)


def _edit_shape(c: InferContext) -> Sequence[TensorShape]:
    for side in ("hypothesis", "truth"):
        c.rank(f"{side}_indices", 2)
        c.rank(f"{side}_values", 1)
    a, b = c.value_as_shape("hypothesis_shape"), c.value_as_shape("truth_shape")
    if a.dims is None or b.dims is None:
        return [TensorShape(None)]
    if len(a) != len(b) or len(a) < 2:
        c.fail("both shapes must have the same rank, at least 2")
    pairs = zip(a[:-1], b[:-1], strict=True)
    return [TensorShape(None if x is None or y is None else max(x, y) for x, y in pairs)]


_HYPOTHESIS = (
    np.array([[0, 0, 0], [0, 0, 1], [1, 0, 0], [1, 0, 1]], np.int64),
    np.array([1, 2, 3, 4], np.int64),
    np.array([2, 1, 2], np.int64),
)
_TRUTH = (
    np.array([[0, 0, 0], [0, 1, 0], [1, 0, 0], [1, 0, 1], [1, 0, 2]], np.int64),
    np.array([1, 9, 3, 5, 4], np.int64),
    np.array([2, 2, 3], np.int64),
)

EditDistance = declare(
    "EditDistance",
    inputs=(
        "hypothesis_indices: int64, hypothesis_values: T, hypothesis_shape: int64, truth_indices: int64, "
        "truth_values: T, truth_shape: int64"
    ),
    outputs="output: float32",
    attrs=("normalize: bool = true", "T: type"),
    infer=_edit_shape,
    gradient=NoGradient("a count of edits is not differentiable"),
    cost=per_input(64.0),
    state=PURE,
    dynamic=True,
    samples=lambda: [
        sample(*_HYPOTHESIS, *_TRUTH),
        sample(*_HYPOTHESIS, *_TRUTH, normalize=False),
        sample(
            np.array([[0, 0], [0, 1]], np.int64),
            np.array([b"a", b"b"], dtype=object),
            np.array([1, 2], np.int64),
            np.array([[0, 0]], np.int64),
            np.array([b"b"], dtype=object),
            np.array([1, 1], np.int64),
        ),
    ],
    doc="Levenshtein distances between the rows of two sparse tensors.",
)
