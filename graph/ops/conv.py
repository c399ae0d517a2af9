"""Convolutions in two dimensions and their gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..elements import Operation, Tensor
from ..infer import CostContext, InferContext, elements
from ..opdef import PURE, Cost, declare
from ..samples import floats, sample
from ..shapes import TensorShape
from .shaping import shape_of
from .windows import channel_axis, joined, pick, spatial_axes, windows_infer

__all__ = ["Conv2D", "Conv2DBackpropFilter", "Conv2DBackpropInput"]

_FLOATS = "T: {half, bfloat16, float, double}"
_FLOATS_INT = "T: {half, bfloat16, float, double, int32}"
_ATTRS = (
    "strides: list(int)",
    "use_cudnn_on_gpu: bool = true",
    "padding: {'SAME', 'VALID', 'EXPLICIT'}",
    "explicit_paddings: list(int) = []",
    "data_format: {'NHWC', 'NCHW'} = 'NHWC'",
    "dilations: list(int) = [1, 1, 1, 1]",
)
_KEPT = ("strides", "use_cudnn_on_gpu", "padding", "explicit_paddings", "data_format", "dilations")


def conv_infer(spatial: int) -> Callable[[InferContext], Sequence[TensorShape]]:
    """Shape rule of a convolution over that many dimensions, inputs `input` and `filter`."""

    def infer(c: InferContext) -> Sequence[TensorShape]:
        rank = spatial + 2
        x, w = c.rank("input", rank), c.rank("filter", rank)
        data_format = c.attr("data_format")
        axes = spatial_axes(data_format, rank)
        channels = x[channel_axis(data_format, rank)]
        check_channels(c, channels, w[-2], w[-1])
        outputs = windows_infer(c, pick(x.as_list(), axes), w.as_list()[:spatial], rank)
        return [joined(data_format, x[0], outputs, w[-1])]

    return infer


def check_channels(c: InferContext, channels: int | None, taken: int | None, made: int | None) -> None:
    """Fails unless the filter takes all channels of the input, or one of several equal groups of them."""
    if channels is None or taken is None:
        return
    if taken == 0 or channels % taken:
        c.fail(f"the filter takes {taken} channels, the input has {channels}")
    if made is not None and made % max(channels // taken, 1):
        c.fail(f"{channels // taken} groups of channels cannot share {made} output channels")


def backprop_infer(spatial: int, sizes: str) -> Callable[[InferContext], Sequence[TensorShape]]:
    """Shape rule of a convolution's gradient: the shape that the input `sizes` holds, after checks."""

    def infer(c: InferContext) -> Sequence[TensorShape]:
        rank = spatial + 2
        result = c.value_as_shape(sizes)
        if result.rank not in (None, rank):
            c.fail(f"{sizes} must have {rank} members")
        result = result.with_rank(rank)
        x = result if sizes.startswith("input") else c.rank("input", rank)
        w = c.rank("filter", rank) if sizes.startswith("input") else result
        grad = c.rank("out_backprop", rank)
        data_format = c.attrs.get("data_format", "NHWC")
        axes = spatial_axes(data_format, rank)
        check_channels(c, x[channel_axis(data_format, rank)], w[-2], w[-1])
        outputs = windows_infer(c, pick(x.as_list(), axes), w.as_list()[:spatial], rank)
        expected = joined(data_format, x[0], outputs, w[-1])
        c.merge(expected, grad, f"out_backprop must be of the convolution's shape {expected}")
        return [result]

    return infer


def conv_cost(position: int) -> Callable[[CostContext], Cost]:
    """Cost rule: two FLOPs per filter element and output position.

    Args:
        position: input that has the shape of the convolution's output; -1 for the op's own output.
    """

    def cost(c: CostContext) -> Cost:
        out = c.out_shapes[0] if position < 0 else c.in_shapes[position]
        w = c.out_shapes[0] if position == 2 and len(c.in_shapes[1]) == 1 else c.in_shapes[1]
        made = max(w[-1] if w else 1, 1)
        return Cost(2.0 * elements(out) * (elements(w) / made), c.in_bytes + c.out_bytes)

    return cost


def kept(op: Operation, names: Sequence[str] = _KEPT) -> dict[str, Any]:
    """The op's own values of those attributes, to hand on to an op of its gradient."""
    return {name: op.attrs[name] for name in names}


def _conv2d_grad(op: Operation, grad: Tensor) -> Any:
    x, w = op.inputs
    return [
        Conv2DBackpropInput(shape_of(x), w, grad, **kept(op)),
        Conv2DBackpropFilter(x, shape_of(w), grad, **kept(op)),
    ]


def _cases(make: Callable[..., Any]) -> list[Any]:
    """Sample rows over padding, stride, dilation, layout, groups and element type.

    Args:
        make: from (x, w, output shape, attributes) to the row.
    """
    rows = [
        ((2, 5, 6, 3), (3, 3, 3, 4), (2, 5, 6, 4), {"strides": [1, 1, 1, 1], "padding": "SAME"}),
        ((1, 6, 5, 2), (3, 2, 2, 3), (1, 2, 2, 3), {"strides": [1, 2, 2, 1], "padding": "VALID"}),
        ((2, 5, 5, 2), (2, 3, 2, 3), (2, 3, 3, 3), {"strides": [1, 2, 2, 1], "padding": "SAME"}),
        ((1, 4, 4, 1), (1, 1, 1, 2), (1, 2, 2, 2), {"strides": [1, 2, 2, 1], "padding": "SAME"}),
        ((1, 4, 4, 3), (1, 1, 3, 2), (1, 4, 4, 2), {"strides": [1, 1, 1, 1], "padding": "VALID"}),
        (
            (1, 7, 8, 2),
            (3, 3, 2, 2),
            (1, 3, 4, 2),
            {"strides": [1, 1, 1, 1], "padding": "VALID", "dilations": [1, 2, 2, 1]},
        ),
        (
            (1, 4, 5, 2),
            (3, 3, 2, 2),
            (1, 3, 4, 2),
            {
                "strides": [1, 2, 1, 1],
                "padding": "EXPLICIT",
                "explicit_paddings": [0, 0, 1, 2, 0, 1, 0, 0],
            },
        ),
        (
            (2, 3, 5, 6),
            (3, 3, 3, 2),
            (2, 2, 5, 6),
            {"strides": [1, 1, 1, 1], "padding": "SAME", "data_format": "NCHW"},
        ),
        ((1, 4, 4, 4), (3, 3, 2, 6), (1, 4, 4, 6), {"strides": [1, 1, 1, 1], "padding": "SAME"}),
        ((0, 4, 4, 2), (3, 3, 2, 2), (0, 4, 4, 2), {"strides": [1, 1, 1, 1], "padding": "SAME"}),
    ]
    return [make(*row) for row in rows]


def _conv2d_samples() -> list[Any]:
    rows = _cases(lambda x, w, out, attrs: sample(floats(*x), floats(*w, seed=1), **attrs))
    double = sample(
        floats(1, 3, 3, 2, dtype="float64"),
        floats(2, 2, 2, 1, seed=1, dtype="float64"),
        strides=[1, 1, 1, 1],
        padding="SAME",
    )
    return [*rows, double]


Conv2D = declare(
    "Conv2D",
    inputs="input: T, filter: T",
    outputs="output: T",
    attrs=(_FLOATS_INT, *_ATTRS),
    infer=conv_infer(2),
    gradient=_conv2d_grad,
    cost=conv_cost(-1),
    state=PURE,
    samples=_conv2d_samples,
    doc="Cross-correlation of images with a bank of filters.",
)


def _conv2d_input_grad(op: Operation, grad: Tensor) -> Any:
    _, w, out_grad = op.inputs
    return [
        None,
        Conv2DBackpropFilter(grad, shape_of(w), out_grad, **kept(op)),
        Conv2D(grad, w, **kept(op)),
    ]


Conv2DBackpropInput = declare(
    "Conv2DBackpropInput",
    inputs="input_sizes: int32, filter: T, out_backprop: T",
    outputs="output: T",
    attrs=(_FLOATS_INT, *_ATTRS),
    infer=backprop_infer(2, "input_sizes"),
    gradient=_conv2d_input_grad,
    cost=conv_cost(2),
    state=PURE,
    host_inputs=("input_sizes",),
    samples=lambda: _cases(
        lambda x, w, out, attrs: sample(list(x), floats(*w, seed=1), floats(*out, seed=2), **attrs)
    ),
    doc="Gradient of Conv2D by its input; also the transposed convolution.",
)


def _conv2d_filter_grad(op: Operation, grad: Tensor) -> Any:
    x, _, out_grad = op.inputs
    return [
        Conv2DBackpropInput(shape_of(x), grad, out_grad, **kept(op)),
        None,
        Conv2D(x, grad, **kept(op)),
    ]


Conv2DBackpropFilter = declare(
    "Conv2DBackpropFilter",
    inputs="input: T, filter_sizes: int32, out_backprop: T",
    outputs="output: T",
    attrs=(_FLOATS, *_ATTRS),
    infer=backprop_infer(2, "filter_sizes"),
    gradient=_conv2d_filter_grad,
    cost=conv_cost(2),
    state=PURE,
    host_inputs=("filter_sizes",),
    samples=lambda: _cases(
        lambda x, w, out, attrs: sample(floats(*x), list(w), floats(*out, seed=2), **attrs)
    ),
    doc="Gradient of Conv2D by its filter.",
)
