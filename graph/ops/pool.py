"""Max and average pooling in two dimensions and their gradients."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..convert import convert_to_tensor
from ..elements import Operation, Tensor
from ..infer import CostContext, InferContext
from ..opdef import PURE, Cost, declare
from ..samples import floats, ints, sample
from ..shapes import TensorShape
from .conv import kept
from .shaping import shape_of
from .windows import Geometry, channel_axis, pick, spatial_axes, windows_infer

__all__ = ["AvgPool", "AvgPoolGrad", "MaxPool", "MaxPoolGrad", "MaxPoolGradGrad"]

_KSIZE = ("ksize: list(int) >= 4", "strides: list(int) >= 4")
_PADDING = ("padding: {'SAME', 'VALID'}", "data_format: {'NHWC', 'NCHW'} = 'NHWC'")
_EXPLICIT = (
    "padding: {'SAME', 'VALID', 'EXPLICIT'}",
    "explicit_paddings: list(int) = []",
    "data_format: {'NHWC', 'NCHW'} = 'NHWC'",
)
_KEPT = ("ksize", "strides", "padding", "data_format")
_KEPT_MAX = (*_KEPT, "explicit_paddings")
_FLOATS = "T: {half, bfloat16, float, double}"


def pool_infer(rank: int = 4, value: str | int = 0) -> Callable[[InferContext], Sequence[TensorShape]]:
    """Shape rule of a pool: one value per window and channel."""

    def infer(c: InferContext) -> Sequence[TensorShape]:
        return [pooled_shape(c, c.rank(value, rank))]

    return infer


def pooled_shape(c: InferContext, x: TensorShape, attrs: Mapping[str, Any] | None = None) -> TensorShape:
    """What the windows that `attrs` (or else the op's own) describe make of a tensor of shape `x`."""
    rank = len(x)
    attrs = c.attrs if attrs is None else attrs
    data_format, ksize = attrs.get("data_format", "NHWC"), attrs["ksize"]
    axes = spatial_axes(data_format, rank)
    if len(ksize) != rank:
        c.fail(f"ksize must have {rank} members, got {list(ksize)}")
    outputs = windows_infer(c, pick(x.as_list(), axes), pick(ksize, axes), rank, attrs)
    if ksize[0] != 1 or ksize[channel_axis(data_format, rank)] != 1:
        c.fail(f"windows over batch and channels must be 1, got ksize {list(ksize)}")
    dims = x.as_list()
    for axis, count in zip(axes, outputs, strict=True):
        dims[axis] = count
    return TensorShape(dims)


def max_grad_infer(rank: int = 4) -> Callable[[InferContext], Sequence[TensorShape]]:
    """Shape rule of a max pool's gradient: the shape of the pool's input."""

    def infer(c: InferContext) -> Sequence[TensorShape]:
        x = c.rank("orig_input", rank)
        pooled = pooled_shape(c, x)
        c.merge(pooled, c.shape("orig_output"), f"orig_output must be of the pool's shape {pooled}")
        c.merge(pooled, c.shape("grad"), f"grad must be of the pool's shape {pooled}")
        return [x]

    return infer


def average_grad_infer(rank: int = 4) -> Callable[[InferContext], Sequence[TensorShape]]:
    """Shape rule of an average pool's gradient: the shape that `orig_input_shape` holds."""

    def infer(c: InferContext) -> Sequence[TensorShape]:
        x = c.value_as_shape("orig_input_shape")
        if x.rank not in (None, rank):
            c.fail(f"orig_input_shape must have {rank} members")
        x = x.with_rank(rank)
        pooled = pooled_shape(c, x)
        c.merge(pooled, c.shape("grad"), f"grad must be of the pool's shape {pooled}")
        return [x]

    return infer


def pool_cost(c: CostContext) -> Cost:
    """Cost rule: one FLOP per element of each window."""
    window = 1
    for k in c.attrs["ksize"]:
        window *= k
    values = c.in_shapes[-1] if len(c.in_shapes) > 1 else c.out_shapes[0]
    count = window
    for dim in values:
        count *= dim
    return Cost(float(count), c.in_bytes + c.out_bytes)


def apart(*shape: int, dtype: Any = np.float32) -> Any:
    """Numbers no two of which are close, so that finite differences do not move a window's maximum."""
    count = int(np.prod(shape))
    values = np.random.default_rng(count).permutation(count) - count // 2
    return (values * 0.0625).reshape(shape).astype(dtype)


def pool_rows(make: Callable[..., Any]) -> list[Any]:
    """Sample rows over window, stride, padding and layout.

    Args:
        make: from (input shape, output shape, attributes) to the row.
    """
    same, valid = {"padding": "SAME"}, {"padding": "VALID"}
    rows: list[Any] = [
        ((2, 4, 6, 3), (2, 2, 3, 3), {"ksize": [1, 2, 2, 1], "strides": [1, 2, 2, 1], **valid}),
        ((1, 5, 5, 2), (1, 3, 3, 2), {"ksize": [1, 3, 3, 1], "strides": [1, 2, 2, 1], **same}),
        ((1, 5, 4, 2), (1, 3, 3, 2), {"ksize": [1, 3, 2, 1], "strides": [1, 1, 1, 1], **valid}),
        ((1, 6, 6, 1), (1, 2, 2, 1), {"ksize": [1, 2, 2, 1], "strides": [1, 3, 3, 1], **same}),
        (
            (2, 3, 4, 5),
            (2, 3, 2, 3),
            {"ksize": [1, 1, 2, 2], "strides": [1, 1, 2, 2], "data_format": "NCHW", **same},
        ),
        ((0, 4, 4, 2), (0, 2, 2, 2), {"ksize": [1, 2, 2, 1], "strides": [1, 2, 2, 1], **same}),
    ]
    return [make(*row) for row in rows]


def explicit_rows(make: Callable[..., Any]) -> list[Any]:
    """A sample row with explicit padding, for max pools."""
    return [
        make(
            (1, 4, 4, 2),
            (1, 3, 3, 2),
            {
                "ksize": [1, 3, 3, 1],
                "strides": [1, 2, 2, 1],
                "padding": "EXPLICIT",
                "explicit_paddings": [0, 0, 1, 2, 2, 1, 0, 0],
            },
        )
    ]


def _average_grad(op: Operation, grad: Tensor) -> Any:
    return [AvgPoolGrad(shape_of(op.inputs[0]), grad, **kept(op, _KEPT))]


AvgPool = declare(
    "AvgPool",
    inputs="value: T",
    outputs="output: T",
    attrs=(*_KSIZE, *_PADDING, _FLOATS),
    infer=pool_infer(),
    gradient=_average_grad,
    cost=pool_cost,
    state=PURE,
    samples=lambda: pool_rows(lambda x, out, attrs: sample(floats(*x), **attrs)),
    doc="Mean of each window; what lies outside the input does not count.",
)

AvgPoolGrad = declare(
    "AvgPoolGrad",
    inputs="orig_input_shape: int32, grad: T",
    outputs="output: T",
    attrs=(*_KSIZE, *_PADDING, _FLOATS),
    infer=average_grad_infer(),
    gradient=lambda op, grad: [None, AvgPool(grad, **kept(op, _KEPT))],
    cost=pool_cost,
    state=PURE,
    host_inputs=("orig_input_shape",),
    samples=lambda: pool_rows(lambda x, out, attrs: sample(list(x), floats(*out), **attrs)),
    doc="Gradient of AvgPool.",
)


def _max_grad(op: Operation, grad: Tensor) -> Any:
    return [MaxPoolGrad(op.inputs[0], op.outputs[0], grad, **kept(op, _KEPT_MAX))]


def max_rows() -> list[Any]:
    """Sample rows of MaxPool; integers so that windows have ties."""
    make = lambda x, out, attrs: sample(floats(*x), **attrs)  # noqa: E731
    ties = sample(ints(1, 4, 4, 1, high=3), ksize=[1, 2, 2, 1], strides=[1, 1, 1, 1], padding="SAME")
    return [*pool_rows(make), *explicit_rows(make), ties]


MaxPool = declare(
    "MaxPool",
    inputs="input: T",
    outputs="output: T",
    attrs=(
        "T: {half, bfloat16, float, double, int32, int64, uint8, int16, int8, uint16} = DT_FLOAT",
        *_KSIZE,
        *_EXPLICIT,
    ),
    infer=pool_infer(),
    gradient=_max_grad,
    cost=pool_cost,
    state=PURE,
    samples=max_rows,
    doc="Greatest element of each window.",
)


def max_pool_of(x: Any, attrs: Any) -> Any:
    """A max pool's output in NumPy, for sample rows of its gradients, which take it as an input."""
    data_format = attrs.get("data_format", "NHWC")
    rank = x.ndim
    axes = spatial_axes(data_format, rank)
    g = Geometry.of(attrs, pick(x.shape, axes), pick(attrs["ksize"], axes), data_format)
    widths = [(0, 0)] * rank
    for axis, pads in zip(axes, g.pads, strict=True):
        widths[axis] = (pads[0], pads[1] + 64)
    padded = np.pad(x.astype(np.float64), widths, constant_values=-np.inf)
    views = np.lib.stride_tricks.sliding_window_view(padded, g.ksizes, axis=axes)
    steps: list[Any] = [slice(None)] * views.ndim
    for axis, stride, count in zip(axes, g.strides, g.outputs, strict=True):
        steps[axis] = slice(0, (count - 1) * stride + 1, stride)
    found = views[tuple(steps)].max(axis=tuple(range(rank, views.ndim)))
    return found.astype(x.dtype)


def _max_grad_rows() -> list[Any]:
    def make(x: Any, out: Any, attrs: Any) -> Any:
        values = floats(*x)
        return sample(values, max_pool_of(values, attrs), floats(*out, seed=2), grad=[2], **attrs)

    tied = ints(1, 4, 4, 2, high=2).astype("float32")
    attrs: dict[str, Any] = {"ksize": [1, 2, 2, 1], "strides": [1, 1, 1, 1], "padding": "SAME"}
    ties = sample(tied, max_pool_of(tied, attrs), floats(1, 4, 4, 2, seed=2), grad=[2], **attrs)
    return [*pool_rows(make), *explicit_rows(make), ties]


def _max_grad_grad(op: Operation, grad: Tensor) -> Any:
    x, y, _ = op.inputs
    attrs = kept(op, _KEPT)
    if op.attrs["padding"] == "EXPLICIT":
        # MaxPoolGradGrad knows no explicit padding, so the padding is made.
        from .array import PadV2

        pads = op.attrs["explicit_paddings"]
        rows = [list(pads[i : i + 2]) for i in range(0, len(pads), 2)]
        x = PadV2(x, rows, convert_to_tensor(np.array(x.dtype.min), x.dtype))
        grad = PadV2(grad, rows, convert_to_tensor(np.array(0), grad.dtype))
        attrs["padding"] = "VALID"
    return [None, None, MaxPoolGradGrad(x, y, grad, **attrs)]


_REAL = "T: realnumbertype"

MaxPoolGrad = declare(
    "MaxPoolGrad",
    inputs="orig_input: T, orig_output: T, grad: T",
    outputs="output: T",
    attrs=(*_KSIZE, *_EXPLICIT, f"{_REAL} = DT_FLOAT"),
    infer=max_grad_infer(),
    gradient=_max_grad_grad,
    cost=pool_cost,
    state=PURE,
    samples=_max_grad_rows,
    doc="Gradient of MaxPool: each window's gradient goes to its first greatest element.",
)


def max_grad_grad_infer(rank: int = 4) -> Callable[[InferContext], Sequence[TensorShape]]:
    """Shape rule of the gradient of a max pool's gradient: the pool's output shape."""

    def infer(c: InferContext) -> Sequence[TensorShape]:
        x = c.merge(c.rank("orig_input", rank), c.shape("grad"), "grad must be of orig_input's shape")
        pooled = pooled_shape(c, x)
        return [c.merge(pooled, c.shape("orig_output"), f"orig_output must be of the pool's shape {pooled}")]

    return infer


def _max_grad_grad_rows() -> list[Any]:
    def make(x: Any, out: Any, attrs: Any) -> Any:
        values = floats(*x)
        return sample(values, max_pool_of(values, attrs), floats(*x, seed=2), grad=[2], **attrs)

    return pool_rows(make)


def _max_grad_grad_grad(op: Operation, grad: Tensor) -> Any:
    x, y, _ = op.inputs
    return [None, None, MaxPoolGrad(x, y, grad, **kept(op, _KEPT))]


MaxPoolGradGrad = declare(
    "MaxPoolGradGrad",
    inputs="orig_input: T, orig_output: T, grad: T",
    outputs="output: T",
    attrs=(*_KSIZE, *_PADDING, _REAL),
    infer=max_grad_grad_infer(),
    gradient=_max_grad_grad_grad,
    cost=pool_cost,
    state=PURE,
    samples=_max_grad_grad_rows,
    doc="Gradient of MaxPoolGrad by its `grad`: the element of each window where the window's maximum is.",
)
