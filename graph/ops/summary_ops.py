"""Ops that turn values into serialized Summary messages for TensorBoard."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..infer import InferContext, moves
from ..opdef import PURE, NoGradient, declare
from ..samples import floats, ints, sample
from ..shapes import TensorShape

__all__ = [
    "AudioSummaryV2",
    "HistogramSummary",
    "ImageSummary",
    "MergeSummary",
    "ScalarSummary",
    "TensorSummaryV2",
]

_NO_GRADIENT = NoGradient("a summary is text")
_SCALAR = TensorShape([])


def _scalar_summary_shape(c: InferContext) -> Sequence[TensorShape]:
    c.merge(c.shape("tags"), c.shape("values"), "tags and values must have the same shape")
    return [_SCALAR]


ScalarSummary = declare(
    "ScalarSummary",
    inputs="tags: string, values: T",
    outputs="summary: string",
    attrs="T: realnumbertype",
    infer=_scalar_summary_shape,
    gradient=_NO_GRADIENT,
    cost=moves,
    state=PURE,
    samples=lambda: [sample("loss", np.float32(0.5)), sample(["a", "b"], floats(2))],
    doc="One number per tag.",
)

HistogramSummary = declare(
    "HistogramSummary",
    inputs="tag: string, values: T",
    outputs="summary: string",
    attrs="T: realnumbertype = DT_FLOAT",
    infer=lambda c: [_SCALAR],
    gradient=_NO_GRADIENT,
    cost=moves,
    state=PURE,
    samples=lambda: [sample("weights", floats(4, 5))],
    doc="How the values are distributed.",
)


def _image_summary_shape(c: InferContext) -> Sequence[TensorShape]:
    shape = c.rank("tensor", 4)
    if shape[3] not in (None, 1, 3, 4):
        c.fail("pictures have 1, 3 or 4 channels")
    return [_SCALAR]


ImageSummary = declare(
    "ImageSummary",
    inputs="tag: string, tensor: T",
    outputs="summary: string",
    attrs=(
        "max_images: int >= 1 = 3",
        "T: {uint8, float, half, double} = DT_FLOAT",
        "bad_color: tensor = [255, 0, 0, 255]",
    ),
    infer=_image_summary_shape,
    gradient=_NO_GRADIENT,
    cost=moves,
    state=PURE,
    samples=lambda: [
        sample("digits", floats(2, 4, 4, 1)),
        sample("colours", floats(4, 3, 5, 3, low=0.0), max_images=1),
    ],
    doc="Pictures (batch, height, width, channels) as PNG.",
)


def _audio_summary_shape(c: InferContext) -> Sequence[TensorShape]:
    if c.shape("tensor").rank not in (None, 2, 3):
        c.fail("audio is (batch, frames) or (batch, frames, channels)")
    return [_SCALAR]


AudioSummaryV2 = declare(
    "AudioSummaryV2",
    inputs="tag: string, tensor: float, sample_rate: float",
    outputs="summary: string",
    attrs="max_outputs: int >= 1 = 3",
    infer=_audio_summary_shape,
    gradient=_NO_GRADIENT,
    cost=moves,
    state=PURE,
    samples=lambda: [sample("tone", floats(1, 16, low=-1, high=1), np.float32(8000))],
    doc="Audio (batch, frames, channels) with values from -1 to 1, as WAV.",
)

TensorSummaryV2 = declare(
    "TensorSummaryV2",
    inputs="tag: string, tensor: T, serialized_summary_metadata: string",
    outputs="summary: string",
    attrs="T: type",
    infer=lambda c: [_SCALAR],
    gradient=_NO_GRADIENT,
    cost=moves,
    state=PURE,
    samples=lambda: [sample("note", ints(2), "")],
    doc="A tensor for a plugin of TensorBoard, text among them.",
)

MergeSummary = declare(
    "MergeSummary",
    inputs="inputs: N * string",
    outputs="summary: string",
    attrs="N: int >= 1",
    infer=lambda c: [_SCALAR],
    gradient=_NO_GRADIENT,
    cost=moves,
    state=PURE,
    samples=lambda: [sample([b"", b""])],
    doc="Several summaries in one.",
)
