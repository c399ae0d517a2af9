"""Windows into images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..infer import InferContext, per_element
from ..opdef import RANDOM, NoGradient, OpDecl, declare
from ..samples import floats, sample
from ..shapes import TensorShape
from .resize import sized

__all__ = ["ExtractGlimpse", "ExtractGlimpseV2"]


def _infer(c: InferContext) -> Sequence[TensorShape]:
    images, offsets = c.rank("input", 4), c.rank("offsets", 2)
    rule = "offsets must be a pair for each image"
    batch = c.merge(TensorShape([images[0], 2]), offsets, rule)[0]
    if c.attr("noise") not in ("uniform", "gaussian", "zero"):
        c.fail(f"noise must be uniform, gaussian or zero, got {c.attr('noise')!r}")
    if c.attr("uniform_noise") and c.attr("noise") != "uniform":
        c.fail("uniform_noise and noise must agree")
    found = sized(c, images, "size")
    return [TensorShape([batch, found[1], found[2], found[3]])]


_OFFSETS = np.array([[0.2, -0.3], [0.9, 0.5]], np.float32)
_ZERO: dict[str, Any] = {"uniform_noise": False, "noise": "zero"}


def _rows() -> list[Any]:
    images = floats(2, 6, 7, 3)
    return [
        sample(images, [3, 4], _OFFSETS, grad=(), **_ZERO),
        sample(images, [4, 5], np.abs(_OFFSETS), grad=(), centered=False, **_ZERO),
        sample(images, [3, 3], 5 * _OFFSETS, grad=(), normalized=False, **_ZERO),
        sample(images, [9, 8], 5 * _OFFSETS, grad=(), centered=False, normalized=False, **_ZERO),
        sample(images, [3, 4], _OFFSETS, grad=()),
        sample(images, [3, 4], 3 * _OFFSETS, grad=(), uniform_noise=False, noise="gaussian", tolerance=4.0),
    ]


def _glimpse(name: str, doc: str) -> OpDecl:
    return declare(
        name,
        inputs="input: float, size: int32, offsets: float",
        outputs="glimpse: float",
        attrs=(
            "centered: bool = true",
            "normalized: bool = true",
            "uniform_noise: bool = true",
            "noise: string = 'uniform'",
        ),
        infer=_infer,
        gradient=NoGradient("TensorFlow defines none; crop_and_resize has one", zero=False),
        cost=per_element(2.0),
        state=RANDOM,
        host_inputs=("size",),
        samples=_rows,
        doc=doc,
    )


ExtractGlimpse = _glimpse("ExtractGlimpse", "A window of each image; what lies outside the image is noise.")

ExtractGlimpseV2 = _glimpse(
    "ExtractGlimpseV2",
    "ExtractGlimpse whose offsets in pixels are those of the window's corner.",
)
