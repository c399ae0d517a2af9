"""Colours: hue, saturation, contrast."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..elements import Operation, Tensor
from ..infer import InferContext, per_element
from ..opdef import PURE, declare
from ..samples import floats, sample
from ..shapes import TensorShape

__all__ = [
    "AdjustContrastv2",
    "AdjustHue",
    "AdjustSaturation",
    "HSVToRGB",
    "RGBToHSV",
]

_FLOATS = "T: {half, bfloat16, float, double} = DT_FLOAT"
_SMALL = "T: {half, float} = DT_FLOAT"

Plain = Callable[..., Tensor]


def _infer(rank: int) -> Callable[[InferContext], Sequence[TensorShape]]:
    def infer(c: InferContext) -> Sequence[TensorShape]:
        images = c.rank_at_least("images", rank)
        if images.rank is not None and images[-1] not in (None, 3):
            c.fail("the last dimension of images must have 3 colours")
        for name in ("delta", "scale"):
            if any(a.name == name for a in c.decl.inputs):
                c.rank(name, 0)
        return [images]

    return infer


def _contrast_infer(c: InferContext) -> Sequence[TensorShape]:
    for arg in c.decl.inputs[1:]:
        c.rank(arg.name, 0)
    return [c.rank_at_least("images", 3)]


def by_plain_ops(spell_out: Plain) -> Callable[[Operation, Tensor], Any]:
    """Gradient rule that differentiates the op written in plain ops.

    Args:
        spell_out: from the op's inputs to what it computes.
    """

    def gradient(op: Operation, grad: Tensor) -> Any:
        from ..gradients import gradients

        wanted = [t for t in op.inputs if t.dtype.is_floating]
        found = iter(gradients([spell_out(*op.inputs)], wanted, grad_ys=[grad]))
        return [next(found) if t.dtype.is_floating else None for t in op.inputs]

    return gradient


def _number(x: Tensor, value: float) -> Any:
    return np.asarray(value, x.dtype.np)


def _channels(x: Tensor) -> list[Tensor]:
    from .array import Split

    return list(Split(-1, x, num_split=3))


def _joined(parts: Sequence[Tensor]) -> Tensor:
    from .array import ConcatV2

    return ConcatV2(list(parts), -1)


def plain_rgb_to_hsv(images: Tensor) -> Tensor:
    """RGBToHSV in plain ops."""
    from .array import OnesLike, ZerosLike
    from .compare import Equal, Greater, Less, SelectV2
    from .math import AddV2, Maximum, Minimum, Mul, RealDiv, Sub

    r, g, b = _channels(images)
    value = Maximum(Maximum(r, g), b)
    spread = Sub(value, Minimum(Minimum(r, g), b))
    zero, one = ZerosLike(value), OnesLike(value)
    positive, coloured = Greater(value, zero), Greater(spread, zero)
    saturation = SelectV2(positive, RealDiv(spread, SelectV2(positive, value, one)), zero)
    norm = RealDiv(_number(value, 1 / 6), SelectV2(coloured, spread, one))
    by_red = Mul(norm, Sub(g, b))
    by_green = AddV2(Mul(norm, Sub(b, r)), _number(value, 2 / 6))
    by_blue = AddV2(Mul(norm, Sub(r, g)), _number(value, 4 / 6))
    hue = SelectV2(Equal(r, value), by_red, SelectV2(Equal(g, value), by_green, by_blue))
    hue = SelectV2(coloured, hue, zero)
    hue = SelectV2(Less(hue, zero), AddV2(hue, one), hue)
    return _joined([hue, saturation, value])


def plain_hsv_to_rgb(images: Tensor) -> Tensor:
    """HSVToRGB in plain ops."""
    from .math import AddV2, Maximum, Minimum, Mul, Sub
    from .unary import Abs

    h, s, v = _channels(images)
    zero, one, two = (_number(h, n) for n in (0.0, 1.0, 2.0))
    sixth = Mul(h, _number(h, 6.0))

    def ramp(centre: float) -> Tensor:
        return Abs(Sub(sixth, _number(h, centre)))

    shares = [Sub(ramp(3.0), one), Sub(two, ramp(2.0)), Sub(two, ramp(4.0))]
    rest = Sub(one, s)
    return _joined([Mul(AddV2(rest, Mul(s, Minimum(Maximum(d, zero), one))), v) for d in shares])


_PIXELS = np.array(
    [
        [[0.9, 0.2, 0.4], [0.1, 0.8, 0.3], [0.2, 0.3, 0.7]],
        [[0.8, 0.7, 0.1], [0.3, 0.6, 0.9], [0.7, 0.1, 0.5]],
    ],
    np.float32,
)
_GREY = np.array([[0.5, 0.5, 0.5], [0.0, 0.0, 0.0], [1.0, 1.0, 0.0]], np.float32)

RGBToHSV = declare(
    "RGBToHSV",
    inputs="images: T",
    outputs="output: T",
    attrs=_FLOATS,
    infer=_infer(1),
    gradient=by_plain_ops(plain_rgb_to_hsv),
    cost=per_element(10.0),
    state=PURE,
    samples=lambda: [
        sample(_PIXELS),
        sample(_PIXELS[0].astype(np.float64)),
        sample(_GREY, grad=()),
        sample(floats(0, 3)),
    ],
    doc="Red, green and blue as hue, saturation and value.",
)

HSVToRGB = declare(
    "HSVToRGB",
    inputs="images: T",
    outputs="output: T",
    attrs=_FLOATS,
    infer=_infer(1),
    gradient=by_plain_ops(plain_hsv_to_rgb),
    cost=per_element(10.0),
    state=PURE,
    samples=lambda: [
        sample(_PIXELS),
        sample(_PIXELS[0].astype(np.float64)),
        sample(_GREY, grad=()),
        sample(floats(0, 3)),
    ],
    doc="Hue, saturation and value as red, green and blue.",
)


def _plain_hue(images: Tensor, delta: Tensor) -> Tensor:
    from .math import AddV2, FloorMod

    h, s, v = _channels(plain_rgb_to_hsv(images))
    return plain_hsv_to_rgb(_joined([FloorMod(AddV2(h, _like(delta, h)), _number(h, 1.0)), s, v]))


def _plain_saturation(images: Tensor, scale: Tensor) -> Tensor:
    from .math import Maximum, Minimum, Mul

    h, s, v = _channels(plain_rgb_to_hsv(images))
    bounded = Minimum(Maximum(Mul(s, _like(scale, s)), _number(s, 0.0)), _number(s, 1.0))
    return plain_hsv_to_rgb(_joined([h, bounded, v]))


def _plain_contrast(images: Tensor, factor: Tensor) -> Tensor:
    from .math import AddV2, Mul, Sub
    from .reduction import Mean

    mean = Mean(images, [-3, -2], keep_dims=True)
    return AddV2(Mul(Sub(images, mean), _like(factor, images)), mean)


def _like(x: Tensor, other: Tensor) -> Tensor:
    from .math import Cast

    return x if x.dtype is other.dtype else Cast(x, DstT=other.dtype)


_SCALAR = np.float32

AdjustHue = declare(
    "AdjustHue",
    inputs="images: T, delta: float",
    outputs="output: T",
    attrs=_SMALL,
    infer=_infer(3),
    gradient=by_plain_ops(_plain_hue),
    cost=per_element(25.0),
    state=PURE,
    samples=lambda: [
        sample(_PIXELS, _SCALAR(0.3), grad=[0], tolerance=4.0),
        sample(_PIXELS[None], _SCALAR(-0.45), grad=[0], tolerance=4.0),
        sample(_PIXELS.astype(np.float16), _SCALAR(0.1), grad=(), tolerance=4.0),
    ],
    doc="Images with their hue turned by a share of the circle.",
)

AdjustSaturation = declare(
    "AdjustSaturation",
    inputs="images: T, scale: float",
    outputs="output: T",
    attrs=_SMALL,
    infer=_infer(3),
    gradient=by_plain_ops(_plain_saturation),
    cost=per_element(25.0),
    state=PURE,
    samples=lambda: [
        sample(_PIXELS, _SCALAR(0.5), tolerance=4.0),
        sample(_PIXELS[None], _SCALAR(1.1), grad=[0], tolerance=4.0),
        sample(_PIXELS, _SCALAR(10.0), grad=(), tolerance=4.0),
    ],
    doc="Images with their saturation multiplied.",
)

AdjustContrastv2 = declare(
    "AdjustContrastv2",
    inputs="images: T, contrast_factor: float",
    outputs="output: T",
    attrs=_SMALL,
    infer=_contrast_infer,
    gradient=by_plain_ops(_plain_contrast),
    cost=per_element(4.0),
    state=PURE,
    samples=lambda: [
        sample(floats(4, 5, 3), _SCALAR(1.5)),
        sample(floats(2, 3, 4, 1), _SCALAR(-0.5)),
        sample(floats(2, 3, 4, 2, dtype=np.float16), _SCALAR(2.0), grad=()),
    ],
    doc="Images with the distance of each pixel from its channel's mean multiplied.",
)
