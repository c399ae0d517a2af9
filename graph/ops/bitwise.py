"""Integers as rows of bits."""

from __future__ import annotations

from typing import Any

from ..infer import per_element
from ..opdef import PURE, NoGradient, OpDecl, Sample, declare
from ..samples import ints, sample
from .broadcasting import broadcast_infer, like_input
from .elementwise import ALL_INTS

__all__ = [
    "BitwiseAnd",
    "BitwiseOr",
    "BitwiseXor",
    "Invert",
    "LeftShift",
    "PopulationCount",
    "RightShift",
]

_WHOLE = NoGradient("it works on integers")


def _samples(shift: bool) -> Any:
    def rows() -> list[Sample]:
        high = 12 if shift else 99
        return [
            sample(ints(2, 5, low=-99, high=99), ints(5, high=high, seed=1)),
            sample(ints(3, low=-99, high=99, dtype="int8"), ints(3, high=high, seed=1, dtype="int8")),
            sample(ints(2, 1, high=250, dtype="uint8"), ints(3, high=high, seed=1, dtype="uint8")),
            sample(ints(4, low=-99, high=99, dtype="int64"), ints(high=high, seed=1, dtype="int64")),
        ]

    return rows


def _binary(name: str, doc: str, shift: bool = False) -> OpDecl:
    return declare(
        name,
        inputs="x: T, y: T",
        outputs="z: T",
        attrs=f"T: {ALL_INTS}",
        infer=broadcast_infer,
        gradient=_WHOLE,
        cost=per_element(),
        state=PURE,
        samples=_samples(shift),
        doc=doc,
    )


BitwiseAnd = _binary("BitwiseAnd", "Bits that are set in both, elementwise with broadcasting.")
BitwiseOr = _binary("BitwiseOr", "Bits that are set in either, elementwise with broadcasting.")
BitwiseXor = _binary("BitwiseXor", "Bits that are set in one alone, elementwise with broadcasting.")
LeftShift = _binary("LeftShift", "Bits of x moved up by y places; y is cut off at the width.", shift=True)
RightShift = _binary(
    "RightShift",
    "Bits of x moved down by y places, the sign repeated; y is cut off at the width.",
    shift=True,
)
Invert = declare(
    "Invert",
    inputs="x: T",
    outputs="y: T",
    attrs=f"T: {ALL_INTS}",
    infer=like_input,
    gradient=_WHOLE,
    cost=per_element(),
    state=PURE,
    samples=lambda: [sample(ints(2, 3, low=-9)), sample(ints(3, dtype="uint16"))],
    doc="Every bit turned over.",
)
PopulationCount = declare(
    "PopulationCount",
    inputs="x: T",
    outputs="y: uint8",
    attrs=f"T: {ALL_INTS}",
    infer=like_input,
    gradient=_WHOLE,
    cost=per_element(5.0),
    state=PURE,
    samples=lambda: [
        sample(ints(2, 3, low=-9)),
        sample(ints(5, low=-99, high=99, dtype="int64")),
        sample(ints(5, high=250, dtype="uint8")),
    ],
    doc="How many bits are set.",
)
