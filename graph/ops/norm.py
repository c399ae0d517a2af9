"""Batch normalisation in one op, and local response normalisation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..elements import Operation, Tensor
from ..infer import InferContext, per_input
from ..opdef import PURE, NoGradient, OpDecl, declare
from ..samples import floats, sample
from ..shapes import TensorShape
from .conv import kept
from .windows import channel_axis, is_zeros

__all__ = [
    "LRN",
    "FusedBatchNorm",
    "FusedBatchNormGrad",
    "FusedBatchNormGradV2",
    "FusedBatchNormGradV3",
    "FusedBatchNormV2",
    "FusedBatchNormV3",
    "LRNGrad",
]

_EPSILON = "epsilon: float = 9.999999747378752e-05"
_FACTOR = "exponential_avg_factor: float = 1.0"
_TRAINING = "is_training: bool = true"
_FORMAT = "data_format: {'NHWC', 'NCHW'} = 'NHWC'"
_FORMAT_V3 = "data_format: {'NHWC', 'NCHW', 'NDHWC', 'NCDHW'} = 'NHWC'"
_SMALL = "T: {half, bfloat16, float}"


def _channels(c: InferContext, x: TensorShape, names: Sequence[str]) -> TensorShape:
    """The shape of one number per channel, which the inputs of these names have."""
    rank = 5 if "D" in c.attr("data_format") else 4
    c.rank(0, rank)
    found = TensorShape([x.with_rank(rank)[channel_axis(c.attr("data_format"), rank)]])
    for name in names:
        found = c.merge(found, c.rank(name, 1), f"{name} must have one number per channel")
    return found


def _forward_infer(c: InferContext) -> Sequence[TensorShape]:
    x = c.shape("x")
    training = c.attr("is_training")
    given = training and c.attr("exponential_avg_factor") == 1.0
    channels = _channels(c, x, ["scale", "offset", *([] if given else ["mean", "variance"])])
    extra = [TensorShape([])] if c.decl.name.endswith("V3") else []
    return [x, channels, channels, channels, channels, *extra]


def _sum_over(x: Tensor, data_format: str) -> Tensor:
    from .reduction import Sum

    rank = 5 if "D" in data_format else 4
    axes = [a for a in range(rank) if a != channel_axis(data_format, rank)]
    return Sum(x, axes)


def _along_channels(x: Tensor, data_format: str) -> Tensor:
    """One number per channel in a shape that broadcasts against the images."""
    from .array import Reshape

    if not data_format.startswith("NC"):
        return x
    return Reshape(x, [1, -1, *[1] * (3 if "D" in data_format else 2)])


def _forward_grad(op: Operation, grad: Tensor, *others: Any) -> Any:
    version = op.type.removeprefix("FusedBatchNorm")
    x, scale, _, mean, variance = op.inputs
    if op.attrs["is_training"]:
        mean, variance = op.outputs[3], op.outputs[4]
    rule = {"": FusedBatchNormGrad, "V2": FusedBatchNormGradV2, "V3": FusedBatchNormGradV3}[version]
    reserved = (op.outputs[5],) if version == "V3" else ()
    attrs = kept(op, ("epsilon", "data_format", "is_training"))
    dx, dscale, doffset, _, _ = rule(grad, x, scale, mean, variance, *reserved, **attrs)
    if op.attrs["is_training"]:
        dx = _with_moments_grad(op, dx, others)
    return [dx, dscale, doffset, None, None]


def _with_moments_grad(op: Operation, dx: Tensor, others: Sequence[Tensor]) -> Tensor:
    """Adds what flows back through the moments that the op gives out, if anything does."""
    from .array import Size
    from .math import AddV2, Cast, Mul, RealDiv, Sub

    by_mean, by_variance, by_saved_mean, by_saved_variance = others[:4]
    if all(is_zeros(g) for g in others[:4]):
        return dx
    x, data_format = op.inputs[0], op.attrs["data_format"]
    kind = op.outputs[1].dtype
    factor = np.asarray(op.attrs["exponential_avg_factor"], kind.np)
    one, two = np.asarray(1, kind.np), np.asarray(2, kind.np)
    count = RealDiv(Cast(Size(x), DstT=kind), Cast(Size(op.outputs[1]), DstT=kind))
    unbiased = RealDiv(Mul(factor, count), Sub(count, one))
    mean_part = AddV2(Mul(factor, by_mean), by_saved_mean)
    spread_part = Mul(two, AddV2(Mul(unbiased, by_variance), by_saved_variance))
    centred = Sub(Cast(x, DstT=kind), _along_channels(op.outputs[3], data_format))
    both = AddV2(
        _along_channels(mean_part, data_format), Mul(centred, _along_channels(spread_part, data_format))
    )
    return AddV2(dx, Cast(RealDiv(both, count), DstT=x.dtype))


def _forward_rows(version: str) -> list[Any]:
    def row(shape: tuple[int, ...], dtype: Any = np.float32, **attrs: Any) -> Any:
        channels = shape[channel_axis(attrs.get("data_format", "NHWC"), len(shape))]
        empty = attrs.get("is_training", True) and attrs.get("exponential_avg_factor", 1.0) == 1.0
        moments = [np.zeros(0, np.float32)] * 2
        if not empty:
            moments = [floats(channels, seed=3), floats(channels, low=0.5, high=2.0, seed=4)]
        scale, offset = floats(channels, low=0.5, seed=1), floats(channels, seed=2)
        known = (0, 1, 2) if np.dtype(dtype) == np.float32 else ()
        return sample(floats(*shape, dtype=dtype), scale, offset, *moments, grad=known, **attrs)

    rows = [
        row((3, 2, 3, 2)),
        row((3, 2, 3, 2), is_training=False, epsilon=0.01),
        row((2, 3, 2, 4), data_format="NCHW"),
        row((2, 3, 2, 4), data_format="NCHW", is_training=False),
        row((3, 2, 3, 2), exponential_avg_factor=0.25),
    ]
    if version:
        rows.append(row((2, 3, 2, 2), dtype=np.float16))
    if version == "V3":
        rows.append(row((2, 3, 2, 2, 3), data_format="NDHWC"))
        rows.append(row((2, 3, 2, 2, 2), data_format="NCDHW", is_training=False))
    return rows


def _forward(version: str) -> OpDecl:
    moments = "U" if version else "T"
    extra = ", reserve_space_3: U" if version == "V3" else ""
    types = {"": ("T: {float}",), "V2": (_SMALL, "U: {float}"), "V3": (_SMALL, "U: {bfloat16, float}")}
    return declare(
        f"FusedBatchNorm{version}",
        inputs=f"x: T, scale: {moments}, offset: {moments}, mean: {moments}, variance: {moments}",
        outputs=f"y: T, batch_mean: {moments}, batch_variance: {moments}, reserve_space_1: {moments}, "
        f"reserve_space_2: {moments}{extra}",
        attrs=(*types[version], _EPSILON, _FACTOR, _FORMAT_V3 if version == "V3" else _FORMAT, _TRAINING),
        infer=_forward_infer,
        gradient=_forward_grad,
        cost=per_input(8.0),
        state=PURE,
        samples=lambda: _forward_rows(version),
        doc="Batch normalisation, with the batch's moments in training and with given ones otherwise.",
    )


FusedBatchNorm = _forward("")
FusedBatchNormV2 = _forward("V2")
FusedBatchNormV3 = _forward("V3")


def _backward_infer(c: InferContext) -> Sequence[TensorShape]:
    x = c.merge(c.shape("y_backprop"), c.shape("x"), "y_backprop must be of the shape of x")
    channels = _channels(c, x, ["scale", "reserve_space_1", "reserve_space_2"])
    return [x, channels, channels, TensorShape([0]), TensorShape([0])]


def _backward_grad(op: Operation, *grads: Any) -> Any:
    """The second derivative: the gradient op, spelled out in plain ops, is differentiated."""
    from ..gradients import gradients

    dy, x, scale = op.inputs[:3]
    made = gradients(_spelled_out(op), [dy, x, scale], grad_ys=list(grads[:3]))
    return [*made, *[None] * (len(op.inputs) - 3)]


def _spelled_out(op: Operation) -> list[Tensor]:
    from .array import Size
    from .math import AddV2, Cast, Mul, RealDiv, Sub
    from .unary import Rsqrt

    dy, x, scale, mean, variance = op.inputs[:5]
    data_format, kind = op.attrs["data_format"], scale.dtype
    wide_dy, wide_x = (t if t.dtype is kind else Cast(t, DstT=kind) for t in (dy, x))

    def per_channel(t: Tensor) -> Tensor:
        return _along_channels(t, data_format)

    count = RealDiv(Cast(Size(x), DstT=kind), Cast(Size(scale), DstT=kind))
    if op.attrs["is_training"]:
        # The moments depend on x, so that they are taken again and not from the op's inputs.
        mean = RealDiv(_sum_over(wide_x, data_format), count)
        centred = Sub(wide_x, per_channel(mean))
        variance = RealDiv(_sum_over(Mul(centred, centred), data_format), count)
    centred = Sub(wide_x, per_channel(mean))
    inverse = Rsqrt(AddV2(variance, np.asarray(op.attrs["epsilon"], kind.np)))
    doffset = _sum_over(wide_dy, data_format)
    product = _sum_over(Mul(wide_dy, centred), data_format)
    dscale = Mul(product, inverse)
    dx = wide_dy
    if op.attrs["is_training"]:
        slope = Mul(Mul(inverse, inverse), RealDiv(product, count))
        dx = Sub(Sub(dx, per_channel(RealDiv(doffset, count))), Mul(centred, per_channel(slope)))
    dx = Mul(dx, per_channel(Mul(scale, inverse)))
    return [dx if dx.dtype is x.dtype else Cast(dx, DstT=x.dtype), dscale, doffset]


def _moments(x: Any, axis: int) -> list[Any]:
    axes = tuple(a for a in range(x.ndim) if a != axis)
    return [x.mean(axes), x.var(axes)]


def _backward_rows(version: str) -> list[Any]:
    def row(shape: tuple[int, ...], dtype: Any = np.float32, **attrs: Any) -> Any:
        axis = channel_axis(attrs.get("data_format", "NHWC"), len(shape))
        x = floats(*shape, dtype=dtype)
        moments = _moments(x.astype(np.float32), axis)
        extra = [np.zeros(0, np.float32)] if version == "V3" else []
        # In training the rule counts in how the moments depend on x; the op itself takes them as they come.
        known: tuple[int, ...] = (0, 2) if attrs.get("is_training", True) else (0, 1, 2)
        known = known if np.dtype(dtype) == np.float32 else ()
        scale = floats(shape[axis], low=0.5, seed=1)
        return sample(floats(*shape, seed=2, dtype=dtype), x, scale, *moments, *extra, grad=known, **attrs)

    rows = [
        row((3, 2, 3, 2)),
        row((3, 2, 3, 2), is_training=False, epsilon=0.01),
        row((2, 3, 2, 4), data_format="NCHW"),
    ]
    if version:
        rows.append(row((2, 3, 2, 2), dtype=np.float16))
    if version == "V3":
        rows.append(row((2, 2, 2, 2, 3), data_format="NDHWC"))
    return rows


def _backward(version: str) -> OpDecl:
    moments = "U" if version else "T"
    extra = ", reserve_space_3: U" if version == "V3" else ""
    places = (
        "reserve_space_4: U, reserve_space_5: U"
        if version == "V3"
        else (f"reserve_space_3: {moments}, reserve_space_4: {moments}")
    )
    types = ("T: {float}",) if not version else (_SMALL, "U: {float}")
    return declare(
        f"FusedBatchNormGrad{version}",
        inputs=f"y_backprop: T, x: T, scale: {'float' if version else 'T'}, reserve_space_1: {moments}, "
        f"reserve_space_2: {moments}{extra}",
        outputs=f"x_backprop: T, scale_backprop: {moments}, offset_backprop: {moments}, {places}",
        attrs=(*types, _EPSILON, _FORMAT_V3 if version == "V3" else _FORMAT, _TRAINING),
        infer=_backward_infer,
        gradient=_backward_grad,
        cost=per_input(8.0),
        state=PURE,
        samples=lambda: _backward_rows(version),
        doc="Gradient of FusedBatchNorm by its input, scale and offset.",
    )


FusedBatchNormGrad = _backward("")
FusedBatchNormGradV2 = _backward("V2")
FusedBatchNormGradV3 = _backward("V3")


_LRN_ATTRS = (
    "depth_radius: int = 5",
    "bias: float = 1.0",
    "alpha: float = 1.0",
    "beta: float = 0.5",
    "T: {half, bfloat16, float} = DT_FLOAT",
)
_LRN_KEPT = ("depth_radius", "bias", "alpha", "beta")


def _lrn_grad(op: Operation, grad: Tensor) -> Any:
    return [LRNGrad(grad, op.inputs[0], op.outputs[0], **kept(op, _LRN_KEPT))]


LRN = declare(
    "LRN",
    inputs="input: T",
    outputs="output: T",
    attrs=_LRN_ATTRS,
    infer=lambda c: [c.rank("input", 4)],
    gradient=_lrn_grad,
    cost=per_input(16.0),
    state=PURE,
    samples=lambda: [
        sample(floats(2, 2, 3, 7)),
        sample(floats(1, 2, 2, 5), depth_radius=1, bias=2.0, alpha=1e-2, beta=0.75),
        sample(floats(1, 1, 2, 3), depth_radius=8),
        sample(floats(0, 2, 2, 3)),
    ],
    doc="Each element over a power of the sum of squares around it along the channels.",
)


def _lrn_grad_infer(c: InferContext) -> Sequence[TensorShape]:
    shape = c.rank(0, 4)
    for position in (1, 2):
        shape = c.merge(shape, c.shape(position), "all inputs must have the same shape")
    return [shape]


def _lrn_grad_rows() -> list[Any]:
    rows = []
    for shape, radius, bias, alpha, beta in (
        ((2, 2, 3, 7), 5, 1.0, 1.0, 0.5),
        ((1, 2, 2, 5), 1, 2.0, 0.1, 0.75),
    ):
        x = floats(*shape)
        padded = np.pad(x**2, ((0, 0), (0, 0), (0, 0), (radius, radius)))
        total = sum(padded[..., i : i + shape[3]] for i in range(2 * radius + 1))
        y = (x * (bias + alpha * total) ** -beta).astype(np.float32)
        attrs = {"depth_radius": radius, "bias": bias, "alpha": alpha, "beta": beta}
        rows.append(sample(floats(*shape, seed=2), x, y, **attrs))
    return rows


LRNGrad = declare(
    "LRNGrad",
    inputs="input_grads: T, input_image: T, output_image: T",
    outputs="output: T",
    attrs=_LRN_ATTRS,
    infer=_lrn_grad_infer,
    gradient=NoGradient("TensorFlow defines no second derivative of LRN", zero=False),
    cost=per_input(24.0),
    state=PURE,
    samples=_lrn_grad_rows,
    doc="Gradient of LRN.",
)
