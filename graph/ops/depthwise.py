"""Depthwise convolutions: each channel has filters of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..elements import Operation, Tensor
from ..infer import CostContext, InferContext, elements
from ..opdef import PURE, Cost, declare
from ..samples import floats, sample
from ..shapes import Dimension, TensorShape
from .conv import kept
from .shaping import shape_of
from .windows import channel_axis, joined, pick, spatial_axes, windows_infer

__all__ = [
    "DepthwiseConv2dNative",
    "DepthwiseConv2dNativeBackpropFilter",
    "DepthwiseConv2dNativeBackpropInput",
]

_ATTRS = (
    "T: {half, bfloat16, float, double}",
    "strides: list(int)",
    "padding: {'SAME', 'VALID', 'EXPLICIT'}",
    "explicit_paddings: list(int) = []",
    "data_format: {'NHWC', 'NCHW'} = 'NHWC'",
    "dilations: list(int) = [1, 1, 1, 1]",
)
_KEPT = ("strides", "padding", "explicit_paddings", "data_format", "dilations")


def _result_shape(c: InferContext, x: TensorShape, w: TensorShape) -> TensorShape:
    data_format = c.attr("data_format")
    axes = spatial_axes(data_format, 4)
    channels = x[channel_axis(data_format, 4)]
    if channels is not None and w[2] is not None and channels != w[2]:
        c.fail(f"the filter is for {w[2]} channels, the input has {channels}")
    outputs = windows_infer(c, pick(x.as_list(), axes), w.as_list()[:2], 4)
    per_channel = channels if channels is not None else w[2]
    made: Dimension = None if per_channel is None or w[3] is None else per_channel * w[3]
    return joined(data_format, x[0], outputs, made)


def _forward_infer(c: InferContext) -> Sequence[TensorShape]:
    return [_result_shape(c, c.rank("input", 4), c.rank("filter", 4))]


def _backprop_infer(sizes: str) -> Callable[[InferContext], Sequence[TensorShape]]:
    def infer(c: InferContext) -> Sequence[TensorShape]:
        result = c.value_as_shape(sizes)
        if result.rank not in (None, 4):
            c.fail(f"{sizes} must have 4 members")
        result = result.with_rank(4)
        x = result if sizes == "input_sizes" else c.rank("input", 4)
        w = c.rank("filter", 4) if sizes == "input_sizes" else result
        expected = _result_shape(c, x, w)
        c.merge(
            expected, c.rank("out_backprop", 4), f"out_backprop must be of the convolution's shape {expected}"
        )
        return [result]

    return infer


def _cost(position: int) -> Callable[[CostContext], Cost]:
    def cost(c: CostContext) -> Cost:
        out = c.out_shapes[0] if position < 0 else c.in_shapes[position]
        w = c.in_shapes[1] if len(c.in_shapes[1]) == 4 else c.out_shapes[0]
        return Cost(2.0 * elements(out) * elements(w[:2]), c.in_bytes + c.out_bytes)

    return cost


def _rows(make: Callable[..., Any]) -> list[Any]:
    """Sample rows; `make` is given (x, w, output shape, attributes)."""
    one: dict[str, Any] = {"strides": [1, 1, 1, 1]}
    rows: list[Any] = [
        ((2, 5, 4, 3), (3, 3, 3, 1), (2, 5, 4, 3), {**one, "padding": "SAME"}),
        ((1, 5, 6, 2), (3, 2, 2, 2), (1, 2, 3, 4), {"strides": [1, 2, 2, 1], "padding": "VALID"}),
        ((1, 4, 5, 2), (2, 3, 2, 3), (1, 2, 3, 6), {"strides": [1, 2, 2, 1], "padding": "SAME"}),
        (
            (1, 6, 6, 2),
            (3, 3, 2, 1),
            (1, 2, 2, 2),
            {**one, "padding": "VALID", "dilations": [1, 2, 2, 1]},
        ),
        (
            (1, 4, 4, 2),
            (3, 3, 2, 1),
            (1, 5, 3, 2),
            {**one, "padding": "EXPLICIT", "explicit_paddings": [0, 0, 1, 2, 0, 1, 0, 0]},
        ),
        ((1, 2, 4, 5), (2, 2, 2, 2), (1, 4, 4, 5), {**one, "padding": "SAME", "data_format": "NCHW"}),
        ((0, 4, 4, 2), (2, 2, 2, 1), (0, 4, 4, 2), {**one, "padding": "SAME"}),
    ]
    return [make(*row) for row in rows]


def _forward_grad(op: Operation, grad: Tensor) -> Any:
    x, w = op.inputs
    return [
        DepthwiseConv2dNativeBackpropInput(shape_of(x), w, grad, **kept(op, _KEPT)),
        DepthwiseConv2dNativeBackpropFilter(x, shape_of(w), grad, **kept(op, _KEPT)),
    ]


DepthwiseConv2dNative = declare(
    "DepthwiseConv2dNative",
    inputs="input: T, filter: T",
    outputs="output: T",
    attrs=_ATTRS,
    infer=_forward_infer,
    gradient=_forward_grad,
    cost=_cost(-1),
    state=PURE,
    samples=lambda: _rows(lambda x, w, out, attrs: sample(floats(*x), floats(*w, seed=1), **attrs)),
    doc="Cross-correlation of each channel with its own filters.",
)


def _by_input_grad(op: Operation, grad: Tensor) -> Any:
    _, w, out_grad = op.inputs
    return [
        None,
        DepthwiseConv2dNativeBackpropFilter(grad, shape_of(w), out_grad, **kept(op, _KEPT)),
        DepthwiseConv2dNative(grad, w, **kept(op, _KEPT)),
    ]


DepthwiseConv2dNativeBackpropInput = declare(
    "DepthwiseConv2dNativeBackpropInput",
    inputs="input_sizes: int32, filter: T, out_backprop: T",
    outputs="output: T",
    attrs=_ATTRS,
    infer=_backprop_infer("input_sizes"),
    gradient=_by_input_grad,
    cost=_cost(2),
    state=PURE,
    host_inputs=("input_sizes",),
    samples=lambda: _rows(
        lambda x, w, out, attrs: sample(list(x), floats(*w, seed=1), floats(*out, seed=2), **attrs)
    ),
    doc="Gradient of DepthwiseConv2dNative by its input.",
)


def _by_filter_grad(op: Operation, grad: Tensor) -> Any:
    x, _, out_grad = op.inputs
    return [
        DepthwiseConv2dNativeBackpropInput(shape_of(x), grad, out_grad, **kept(op, _KEPT)),
        None,
        DepthwiseConv2dNative(x, grad, **kept(op, _KEPT)),
    ]


DepthwiseConv2dNativeBackpropFilter = declare(
    "DepthwiseConv2dNativeBackpropFilter",
    inputs="input: T, filter_sizes: int32, out_backprop: T",
    outputs="output: T",
    attrs=_ATTRS,
    infer=_backprop_infer("filter_sizes"),
    gradient=_by_filter_grad,
    cost=_cost(2),
    state=PURE,
    host_inputs=("filter_sizes",),
    samples=lambda: _rows(
        lambda x, w, out, attrs: sample(floats(*x), list(w), floats(*out, seed=2), **attrs)
    ),
    doc="Gradient of DepthwiseConv2dNative by its filter.",
)
