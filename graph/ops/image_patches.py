"""Patches of images as rows of channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..elements import Operation, Tensor
from ..infer import InferContext, moves
from ..opdef import PURE, declare
from ..samples import floats, ints, sample
from ..shapes import Dimension, TensorShape
from .shaping import shape_of
from .windows import windows_infer

__all__ = ["ExtractImagePatches", "patch_attrs"]


def patch_attrs(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """The op's attributes under the names that convolutions have for them."""
    return {"strides": attrs["strides"], "dilations": attrs["rates"], "padding": attrs["padding"]}


def _infer(c: InferContext) -> Sequence[TensorShape]:
    x, ksizes = c.rank("images", 4), c.attr("ksizes")
    if len(ksizes) != 4 or ksizes[0] != 1 or ksizes[3] != 1 or min(ksizes) < 1:
        c.fail(f"ksizes must be [1, rows, columns, 1], got {list(ksizes)}")
    outputs = windows_infer(c, x.as_list()[1:3], ksizes[1:3], 4, patch_attrs(c.attrs))
    depth: Dimension = None if x[3] is None else x[3] * ksizes[1] * ksizes[2]
    return [TensorShape([x[0], *outputs, depth])]


def _grad(op: Operation, grad: Tensor) -> Any:
    """A patch is what a depthwise convolution with one filter per place gives, so this is that one's gradient."""
    from .array import Reshape, Shape, Transpose
    from .depthwise import DepthwiseConv2dNativeBackpropInput
    from .joining import ConcatV2

    x = op.inputs[0]
    rows, columns = op.attrs["ksizes"][1:3]
    channels, taps = x.shape[3], rows * columns
    if channels is None:
        raise ValueError("The gradient of ExtractImagePatches needs a known number of channels.")
    places = np.eye(taps, dtype=x.dtype.np).reshape(rows, columns, 1, taps)
    filters = np.ascontiguousarray(np.broadcast_to(places, (rows, columns, channels, taps)))
    size = Shape(grad)[:3]
    by_tap = Reshape(grad, ConcatV2([size, [taps, channels]], 0))
    by_channel = Reshape(Transpose(by_tap, [0, 1, 2, 4, 3]), ConcatV2([size, [taps * channels]], 0))
    return [
        DepthwiseConv2dNativeBackpropInput(
            shape_of(x), filters, by_channel, data_format="NHWC", **patch_attrs(op.attrs)
        )
    ]


ExtractImagePatches = declare(
    "ExtractImagePatches",
    inputs="images: T",
    outputs="patches: T",
    attrs=(
        "ksizes: list(int) >= 4",
        "strides: list(int) >= 4",
        "rates: list(int) >= 4",
        "T: {bfloat16, half, float, double, int8, int16, int32, int64, uint8, uint16, uint32, uint64, "
        "complex64, complex128, bool}",
        "padding: {'SAME', 'VALID'}",
    ),
    infer=_infer,
    gradient=_grad,
    cost=moves,
    state=PURE,
    samples=lambda: [
        sample(
            floats(2, 5, 6, 2), ksizes=[1, 3, 2, 1], strides=[1, 2, 1, 1], rates=[1, 1, 1, 1], padding="SAME"
        ),
        sample(
            floats(1, 7, 7, 1), ksizes=[1, 2, 3, 1], strides=[1, 1, 2, 1], rates=[1, 2, 2, 1], padding="VALID"
        ),
        sample(
            ints(1, 4, 4, 3), ksizes=[1, 2, 2, 1], strides=[1, 2, 2, 1], rates=[1, 1, 1, 1], padding="VALID"
        ),
    ],
    doc="The elements of each window, row by row, as channels.",
)
