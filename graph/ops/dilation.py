"""Greyscale dilation: a convolution over the max-plus algebra."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..elements import Operation, Tensor
from ..infer import CostContext, InferContext, elements
from ..opdef import PURE, Cost, NoGradient, declare
from ..samples import floats, ints, sample
from ..shapes import TensorShape
from .conv import kept
from .windows import windows_infer

__all__ = ["Dilation2D", "Dilation2DBackpropFilter", "Dilation2DBackpropInput", "dilation_attrs"]

_ATTRS = (
    "T: realnumbertype",
    "strides: list(int) >= 4",
    "rates: list(int) >= 4",
    "padding: {'SAME', 'VALID'}",
)
_KEPT = ("strides", "rates", "padding")
_TWICE = NoGradient("TensorFlow defines no second derivative of a dilation", zero=False)


def dilation_attrs(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """The op's attributes under the names that convolutions have for them."""
    return {"strides": attrs["strides"], "dilations": attrs["rates"], "padding": attrs["padding"]}


def _result(c: InferContext) -> TensorShape:
    x, w = c.rank("input", 4), c.rank("filter", 3)
    if x[3] is not None and w[2] is not None and x[3] != w[2]:
        c.fail(f"the filter is for {w[2]} channels, the input has {x[3]}")
    outputs = windows_infer(c, x.as_list()[1:3], w.as_list()[:2], 4, dilation_attrs(c.attrs))
    return TensorShape([x[0], *outputs, w[2] if x[3] is None else x[3]])


def _grad_infer(c: InferContext) -> Sequence[TensorShape]:
    expected = _result(c)
    c.merge(expected, c.shape("out_backprop"), f"out_backprop must be of the dilation's shape {expected}")
    return [c.shape("input" if c.decl.name.endswith("Input") else "filter")]


def _cost(c: CostContext) -> Cost:
    out = c.out_shapes[0] if len(c.in_shapes) == 2 else c.in_shapes[2]
    return Cost(2.0 * elements(out) * elements(c.in_shapes[1][:2]), c.in_bytes + c.out_bytes)


def _grad(op: Operation, grad: Tensor) -> Any:
    x, w = op.inputs
    attrs = kept(op, _KEPT)
    return [Dilation2DBackpropInput(x, w, grad, **attrs), Dilation2DBackpropFilter(x, w, grad, **attrs)]


_ROWS: tuple[tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], dict[str, Any]], ...] = (
    (
        (2, 4, 5, 2),
        (2, 3, 2),
        (2, 4, 5, 2),
        {"strides": [1, 1, 1, 1], "rates": [1, 1, 1, 1], "padding": "SAME"},
    ),
    (
        (1, 6, 6, 1),
        (2, 2, 1),
        (1, 2, 2, 1),
        {"strides": [1, 2, 2, 1], "rates": [1, 2, 2, 1], "padding": "VALID"},
    ),
    (
        (1, 5, 5, 2),
        (3, 3, 2),
        (1, 3, 3, 2),
        {"strides": [1, 2, 2, 1], "rates": [1, 2, 2, 1], "padding": "SAME"},
    ),
)


def _backprop_samples() -> list[Any]:
    return [
        sample(floats(*x), floats(*w, seed=1), floats(*out, seed=2), **attrs) for x, w, out, attrs in _ROWS
    ]


Dilation2D = declare(
    "Dilation2D",
    inputs="input: T, filter: T",
    outputs="output: T",
    attrs=_ATTRS,
    infer=lambda c: [_result(c)],
    gradient=_grad,
    cost=_cost,
    state=PURE,
    samples=lambda: [
        *(sample(floats(*x), floats(*w, seed=1), **attrs) for x, w, _, attrs in _ROWS),
        sample(floats(1, 3, 3, 1, dtype=np.float64), floats(2, 2, 1, dtype=np.float64), **_ROWS[0][3]),
        sample(ints(1, 3, 3, 1), ints(2, 2, 1, seed=1), **_ROWS[0][3]),
    ],
    doc="Greatest sum of an input element and its filter element, per window and channel.",
)

Dilation2DBackpropInput = declare(
    "Dilation2DBackpropInput",
    inputs="input: T, filter: T, out_backprop: T",
    outputs="in_backprop: T",
    attrs=_ATTRS,
    infer=_grad_infer,
    gradient=_TWICE,
    cost=_cost,
    state=PURE,
    samples=_backprop_samples,
    doc="Gradient of Dilation2D by its input.",
)

Dilation2DBackpropFilter = declare(
    "Dilation2DBackpropFilter",
    inputs="input: T, filter: T, out_backprop: T",
    outputs="filter_backprop: T",
    attrs=_ATTRS,
    infer=_grad_infer,
    gradient=_TWICE,
    cost=_cost,
    state=PURE,
    samples=_backprop_samples,
    doc="Gradient of Dilation2D by its filter.",
)
