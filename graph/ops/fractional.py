"""Pooling over windows of unequal sizes, drawn at random, so that an image shrinks by any ratio."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..elements import Operation, Tensor
from ..infer import InferContext, per_input
from ..opdef import PURE, RANDOM, NoGradient, OpDecl, declare
from ..samples import floats, ints, sample
from ..shapes import Dimension, TensorShape
from .pool import apart
from .shaping import shape_of

__all__ = [
    "FractionalAvgPool",
    "FractionalAvgPoolGrad",
    "FractionalMaxPool",
    "FractionalMaxPoolGrad",
    "pooled_size",
]

_ATTRS = (
    "pooling_ratio: list(float) >= 4",
    "pseudo_random: bool = false",
    "overlapping: bool = false",
    "deterministic: bool = false",
    "seed: int = 0",
    "seed2: int = 0",
)
_TYPES = "T: {float, double, int32, int64}"


def pooled_size(size: int, ratio: float) -> int:
    """How many windows a dimension is divided into."""
    return math.floor(size / ratio)


def _forward_infer(c: InferContext) -> Sequence[TensorShape]:
    x, ratio = c.rank("value", 4), c.attr("pooling_ratio")
    if len(ratio) != 4 or ratio[0] != 1.0 or ratio[3] != 1.0:
        c.fail(f"pooling_ratio must be 1 over batch and channels and have 4 members, got {list(ratio)}")
    if (c.attr("seed") or c.attr("seed2")) and not c.attr("deterministic"):
        c.fail("seeds are for deterministic=True only")
    if any(r < 1.0 for r in ratio):
        c.fail(f"pooling_ratio must be at least 1, got {list(ratio)}")
    dims: list[Dimension] = [None if d is None else pooled_size(d, r) for d, r in zip(x, ratio, strict=True)]
    if 0 in dims[1:3]:
        c.fail(f"pooling_ratio {list(ratio)} leaves no window")
    rows, columns = (TensorShape([None if d is None else d + 1]) for d in dims[1:3])
    return [TensorShape(dims), rows, columns]


def _cells(c: InferContext) -> None:
    for name in ("row_pooling_sequence", "col_pooling_sequence"):
        c.rank(name, 1)


def _avg_grad(op: Operation, grad: Tensor, *_: Any) -> Any:
    x = op.inputs[0]
    shape = shape_of(x)
    if shape.dtype.name != "int64":
        from .math import Cast

        shape = Cast(shape, DstT="int64")
    rows, columns = op.outputs[1:]
    return [FractionalAvgPoolGrad(shape, grad, rows, columns, overlapping=op.attrs["overlapping"])]


def _max_grad(op: Operation, grad: Tensor, *_: Any) -> Any:
    y, rows, columns = op.outputs
    return [FractionalMaxPoolGrad(op.inputs[0], y, grad, rows, columns, overlapping=op.attrs["overlapping"])]


def _forward_rows() -> list[Any]:
    seeds = {"seed": 87654321, "seed2": 7, "deterministic": True}
    ratio = [1.0, 1.4, 1.7, 1.0]
    return [
        sample(apart(2, 7, 9, 2), pooling_ratio=ratio, **seeds),
        sample(apart(2, 7, 9, 2), pooling_ratio=ratio, pseudo_random=True, **seeds),
        sample(apart(1, 7, 9, 2), pooling_ratio=ratio, overlapping=True, **seeds),
        sample(floats(1, 6, 4, 1, dtype=np.float64), pooling_ratio=[1.0, 2.0, 2.0, 1.0], **seeds),
        sample(ints(1, 7, 5, 2, low=-20, high=20), pooling_ratio=[1.0, 2.5, 2.5, 1.0], **seeds),
    ]


def _forward(name: str, gradient: Any, doc: str) -> OpDecl:
    return declare(
        name,
        inputs="value: T",
        outputs="output: T, row_pooling_sequence: int64, col_pooling_sequence: int64",
        attrs=(*_ATTRS, _TYPES),
        infer=_forward_infer,
        gradient=gradient,
        cost=per_input(2.0),
        state=RANDOM,
        samples=_forward_rows,
        doc=doc,
    )


FractionalMaxPool = _forward(
    "FractionalMaxPool",
    _max_grad,
    "Greatest element of each of the windows that random row and column boundaries make (Graham 2015).",
)
FractionalAvgPool = _forward(
    "FractionalAvgPool",
    _avg_grad,
    "Mean of each of the windows that random row and column boundaries make.",
)

_ROWS, _COLUMNS = np.array([0, 2, 3, 5], np.int64), np.array([0, 1, 3, 4], np.int64)


def _max_grad_infer(c: InferContext) -> Sequence[TensorShape]:
    x, y = c.rank("orig_input", 4), c.rank("orig_output", 4)
    c.merge(y, c.shape("out_backprop"), "out_backprop must be of the shape of orig_output")
    _cells(c)
    return [x]


def _max_grad_rows() -> list[Any]:
    x = floats(2, 5, 4, 2)
    found = []
    for overlapping in (False, True):
        y = np.zeros((2, 3, 3, 2), np.float32)
        for i, j in np.ndindex(3, 3):
            more = 1 if overlapping else 0
            y[:, i, j] = x[:, _ROWS[i] : _ROWS[i + 1] + more, _COLUMNS[j] : _COLUMNS[j + 1] + more].max(
                (1, 2)
            )
        grad = floats(2, 3, 3, 2, seed=2)
        found.append(sample(x, y, grad, _ROWS, _COLUMNS, grad=(), overlapping=overlapping))
    return found


FractionalMaxPoolGrad = declare(
    "FractionalMaxPoolGrad",
    inputs="orig_input: T, orig_output: T, out_backprop: T, row_pooling_sequence: int64, "
    "col_pooling_sequence: int64",
    outputs="output: T",
    attrs=("overlapping: bool = false", _TYPES),
    infer=_max_grad_infer,
    gradient=NoGradient("TensorFlow defines no second derivative of a fractional pool", zero=False),
    cost=per_input(2.0),
    state=PURE,
    host_inputs=("row_pooling_sequence", "col_pooling_sequence"),
    samples=_max_grad_rows,
    doc="Gradient of FractionalMaxPool: each window's gradient goes to its first greatest element.",
)


def _avg_grad_infer(c: InferContext) -> Sequence[TensorShape]:
    c.rank("out_backprop", 4)
    _cells(c)
    return [c.value_as_shape("orig_input_tensor_shape").with_rank(4)]


FractionalAvgPoolGrad = declare(
    "FractionalAvgPoolGrad",
    inputs="orig_input_tensor_shape: int64, out_backprop: T, row_pooling_sequence: int64, "
    "col_pooling_sequence: int64",
    outputs="output: T",
    attrs=("overlapping: bool = false", _TYPES),
    infer=_avg_grad_infer,
    gradient=NoGradient("TensorFlow defines no second derivative of a fractional pool", zero=False),
    cost=per_input(2.0),
    state=PURE,
    host_inputs=("orig_input_tensor_shape", "row_pooling_sequence", "col_pooling_sequence"),
    samples=lambda: [
        sample(
            np.array([2, 5, 4, 2], np.int64),
            floats(2, 3, 3, 2),
            _ROWS,
            _COLUMNS,
            grad=(),
            overlapping=overlapping,
        )
        for overlapping in (False, True)
    ],
    doc="Gradient of FractionalAvgPool: each window's gradient is spread over its elements.",
)
