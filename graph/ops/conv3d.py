"""Convolutions in three dimensions and their gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..elements import Operation, Tensor
from ..opdef import PURE, declare
from ..samples import floats, sample
from .conv import backprop_infer, conv_cost, conv_infer, kept
from .shaping import shape_of

__all__ = [
    "Conv3D",
    "Conv3DBackpropFilterV2",
    "Conv3DBackpropInputV2",
]

_FLOATS = "T: {half, bfloat16, float, double}"
_STRIDES = ("strides: list(int) >= 5", "padding: {'SAME', 'VALID'}")
_FORMAT = "data_format: {'NDHWC', 'NCDHW'} = 'NDHWC'"
_DILATIONS = "dilations: list(int) = [1, 1, 1, 1, 1]"
_KEPT = ("strides", "padding", "dilations", "data_format")


def _rows(make: Callable[..., Any]) -> list[Any]:
    """Sample rows; `make` is given (x, w, output shape, attributes)."""
    rows: list[Any] = [
        ((2, 3, 4, 3, 2), (2, 3, 2, 2, 3), (2, 3, 4, 3, 3), {"strides": [1] * 5, "padding": "SAME"}),
        ((1, 4, 5, 4, 2), (2, 2, 3, 2, 2), (1, 2, 2, 1, 2), {"strides": [1, 2, 2, 2, 1], "padding": "VALID"}),
        ((1, 3, 3, 4, 1), (2, 3, 3, 1, 1), (1, 2, 2, 2, 1), {"strides": [1, 2, 2, 2, 1], "padding": "SAME"}),
        ((0, 3, 3, 3, 1), (2, 2, 2, 1, 2), (0, 3, 3, 3, 2), {"strides": [1] * 5, "padding": "SAME"}),
        (
            (1, 5, 5, 5, 1),
            (2, 2, 2, 1, 2),
            (1, 3, 3, 3, 2),
            {"strides": [1] * 5, "padding": "VALID", "dilations": [1, 2, 2, 2, 1]},
        ),
    ]
    attrs = {"strides": [1] * 5, "padding": "SAME", "data_format": "NCDHW"}
    rows.append(((1, 2, 3, 3, 4), (2, 2, 2, 2, 3), (1, 3, 3, 3, 4), attrs))
    return [make(*row) for row in rows]


def _conv3d_grad(op: Operation, grad: Tensor) -> Any:
    x, w = op.inputs
    return [
        Conv3DBackpropInputV2(shape_of(x), w, grad, **kept(op, _KEPT)),
        Conv3DBackpropFilterV2(x, shape_of(w), grad, **kept(op, _KEPT)),
    ]


Conv3D = declare(
    "Conv3D",
    inputs="input: T, filter: T",
    outputs="output: T",
    attrs=(_FLOATS, *_STRIDES, _FORMAT, _DILATIONS),
    infer=conv_infer(3),
    gradient=_conv3d_grad,
    cost=conv_cost(-1),
    state=PURE,
    samples=lambda: _rows(lambda x, w, out, attrs: sample(floats(*x), floats(*w, seed=1), **attrs)),
    doc="Cross-correlation of volumes with a bank of filters.",
)


def _by_input_grad(op: Operation, grad: Tensor) -> Any:
    _, w, out_grad = op.inputs
    attrs = kept(op, _KEPT)
    return [None, Conv3DBackpropFilterV2(grad, shape_of(w), out_grad, **attrs), Conv3D(grad, w, **attrs)]


def _by_filter_grad(op: Operation, grad: Tensor) -> Any:
    x, _, out_grad = op.inputs
    attrs = kept(op, _KEPT)
    return [Conv3DBackpropInputV2(shape_of(x), grad, out_grad, **attrs), None, Conv3D(x, grad, **attrs)]


Conv3DBackpropInputV2 = declare(
    "Conv3DBackpropInputV2",
    inputs="input_sizes: Tshape, filter: T, out_backprop: T",
    outputs="output: T",
    attrs=(_FLOATS, *_STRIDES, _FORMAT, _DILATIONS, "Tshape: indextype = DT_INT32"),
    infer=backprop_infer(3, "input_sizes"),
    gradient=_by_input_grad,
    cost=conv_cost(2),
    state=PURE,
    host_inputs=("input_sizes",),
    samples=lambda: _rows(
        lambda x, w, out, attrs: sample(list(x), floats(*w, seed=1), floats(*out, seed=2), **attrs)
    ),
    doc="Gradient of Conv3D by its input; also the transposed convolution.",
)

Conv3DBackpropFilterV2 = declare(
    "Conv3DBackpropFilterV2",
    inputs="input: T, filter_sizes: int32, out_backprop: T",
    outputs="output: T",
    attrs=(_FLOATS, *_STRIDES, _FORMAT, _DILATIONS),
    infer=backprop_infer(3, "filter_sizes"),
    gradient=_by_filter_grad,
    cost=conv_cost(2),
    state=PURE,
    host_inputs=("filter_sizes",),
    samples=lambda: _rows(
        lambda x, w, out, attrs: sample(floats(*x), list(w), floats(*out, seed=2), **attrs)
    ),
    doc="Gradient of Conv3D by its filter.",
)
