"""The array family: this module gives all its ops and declares those that hand a tensor on as it is."""

from __future__ import annotations

from ..infer import free
from ..opdef import PURE, NoGradient, declare
from ..samples import floats, ints, sample
from .broadcasting import like_input
from .filling import Empty, Fill, LinSpace, OneHot, OnesLike, Range, ZerosLike
from .indexing import Gather, GatherV2, Where, gathered_slices
from .joining import Concat, ConcatOffset, ConcatV2, Pack, Split, SplitV, Unpack
from .padding import MirrorPad, MirrorPadGrad, Pad, PadV2, Reverse, ReverseV2, Tile
from .shaping import (
    BroadcastArgs,
    BroadcastGradientArgs,
    BroadcastTo,
    ExpandDims,
    InvertPermutation,
    Rank,
    Reshape,
    Shape,
    ShapeN,
    Size,
    Squeeze,
    Transpose,
    reduced_shape,
    reshape_like,
    shape_of,
)
from .slicing import Slice, StridedSlice, StridedSliceGrad

__all__ = [
    "BroadcastArgs",
    "BroadcastGradientArgs",
    "BroadcastTo",
    "Concat",
    "ConcatOffset",
    "ConcatV2",
    "Empty",
    "ExpandDims",
    "Fill",
    "Gather",
    "GatherV2",
    "InvertPermutation",
    "LinSpace",
    "MirrorPad",
    "MirrorPadGrad",
    "OneHot",
    "OnesLike",
    "Pack",
    "Pad",
    "PadV2",
    "PreventGradient",
    "Range",
    "Rank",
    "Reshape",
    "Reverse",
    "ReverseV2",
    "Shape",
    "ShapeN",
    "Size",
    "Slice",
    "Split",
    "SplitV",
    "Squeeze",
    "StopGradient",
    "StridedSlice",
    "StridedSliceGrad",
    "Tile",
    "Transpose",
    "Unpack",
    "Where",
    "ZerosLike",
    "gathered_slices",
    "reduced_shape",
    "reshape_like",
    "shape_of",
]

StopGradient = declare(
    "StopGradient",
    inputs="input: T",
    outputs="output: T",
    attrs="T: type",
    infer=like_input,
    gradient=NoGradient("it is there to stop gradients"),
    cost=free,
    state=PURE,
    samples=lambda: [sample(floats(2, 3), grad=()), sample(ints(2))],
    doc="Its input, held constant for gradients.",
)

PreventGradient = declare(
    "PreventGradient",
    inputs="input: T",
    outputs="output: T",
    attrs=("T: type", "message: string = ''"),
    infer=like_input,
    gradient=NoGradient("it is there to refuse gradients", zero=False),
    cost=free,
    state=PURE,
    samples=lambda: [sample(floats(2, 3), grad=())],
    doc="Its input; an error where a gradient is asked for.",
)
