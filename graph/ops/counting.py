"""How often values occur."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..infer import InferContext, per_input
from ..opdef import PURE, NoGradient, declare
from ..samples import floats, ints, sample
from ..shapes import Dimension, TensorShape

__all__ = ["Bincount", "DenseBincount", "HistogramFixedWidth"]

_COUNTS = NoGradient("it counts")


def _size(c: InferContext, argument: str) -> Dimension:
    c.rank(argument, 0)
    known = c.value(argument)
    if known is None:
        return None
    if int(known) < 0:
        c.fail(f"{argument} must not be negative, it is {int(known)}")
    return int(known)


Bincount = declare(
    "Bincount",
    inputs="arr: int32, size: int32, weights: T",
    outputs="bins: T",
    attrs="T: {int32, int64, float, double}",
    infer=lambda c: [TensorShape([_size(c, "size")])],
    gradient=_COUNTS,
    cost=per_input(),
    state=PURE,
    host_inputs=("size",),
    samples=lambda: [
        sample(ints(9, high=5), 6, np.zeros(0, np.int32)),
        sample(ints(9, high=5), 3, floats(9), grad=()),
        sample(ints(3, 4, high=5), 5, floats(3, 4, dtype="float64"), grad=()),
        sample(ints(3, 4, high=5), 5, ints(3, 4, dtype="int64")),
    ],
    doc="How often each value from 0 to below size occurs, or the sum of its weights.",
)


def _dense_shape(c: InferContext) -> Sequence[TensorShape]:
    given, size = c.shape("input"), _size(c, "size")
    if given.rank is None:
        return [TensorShape(None)]
    if given.rank > 2:
        c.fail("input must have at most two dimensions")
    return [given[: max(given.rank - 1, 0)].concatenate([size])]


DenseBincount = declare(
    "DenseBincount",
    inputs="input: Tidx, size: Tidx, weights: T",
    outputs="output: T",
    attrs=("Tidx: indextype", "T: {int32, int64, float, double}", "binary_output: bool = false"),
    infer=_dense_shape,
    gradient=_COUNTS,
    cost=per_input(),
    state=PURE,
    host_inputs=("size",),
    samples=lambda: [
        sample(ints(9, high=5), 6, np.zeros(0, np.int32)),
        sample(ints(3, 6, high=5), 4, floats(3, 6), grad=()),
        sample(ints(3, 6, high=5), 4, np.zeros(0, np.float32), binary_output=True, grad=()),
    ],
    doc="How often each value from 0 to below size occurs in each row, or the sum of its weights.",
)


def _histogram_shape(c: InferContext) -> Sequence[TensorShape]:
    given = c.value("value_range")
    c.merge(c.rank("value_range", 1), TensorShape([2]), "value_range must be two numbers")
    if given is not None and not given[0] < given[1]:
        c.fail(f"value_range must ascend, it is [{given[0]}, {given[1]}]")
    return [TensorShape([_size(c, "nbins")])]


HistogramFixedWidth = declare(
    "HistogramFixedWidth",
    inputs="values: T, value_range: T, nbins: int32",
    outputs="out: dtype",
    attrs=("T: {int32, int64, float, double}", "dtype: indextype = DT_INT32"),
    infer=_histogram_shape,
    gradient=_COUNTS,
    cost=per_input(4.0),
    state=PURE,
    host_inputs=("nbins",),
    samples=lambda: [
        sample(floats(3, 5, low=-2, high=6), [0.0, 5.0], 5, grad=()),
        sample(ints(9, high=9), [0, 10], 4, dtype="int64"),
    ],
    doc="How many values fall into each of a number of equal intervals; those outside go to the outermost.",
)
