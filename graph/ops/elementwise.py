"""What the declarations of elementwise ops share: their type lists, and short forms of `declare` for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..infer import per_element
from ..opdef import PURE, GradientRule, NoGradient, OpDecl, Sample, declare
from ..samples import floats, ints, sample
from .broadcasting import broadcast_infer, like_input

__all__ = [
    "ALL_INTS",
    "FLOATS",
    "FLOATS_COMPLEX",
    "REALS",
    "SIGNED",
    "SIGNED_COMPLEX",
    "binary",
    "pairs",
    "singles",
    "unary",
]

FLOATS = "{bfloat16, half, float, double}"
FLOATS_COMPLEX = "{bfloat16, half, float, double, complex64, complex128}"
SIGNED = "{bfloat16, half, float, double, int8, int16, int32, int64}"
SIGNED_COMPLEX = "{bfloat16, half, float, double, int8, int16, int32, int64, complex64, complex128}"
REALS = "{bfloat16, half, float, double, int8, uint8, int16, uint16, int32, uint32, int64, uint64}"
ALL_INTS = "{int8, int16, int32, int64, uint8, uint16, uint32, uint64}"

Samples = Callable[[], Sequence[Sample]]


def pairs(
    low: float = -2.0, high: float = 2.0, integers: bool = True, grad: Sequence[int] | None = None
) -> Samples:
    """Rows for a broadcasting op: equal shapes, each side broadcast, scalars, an empty one, two types."""

    def rows() -> list[Sample]:
        def one(seed: int, *shape: int) -> object:
            return floats(*shape, low=low, high=high, seed=seed)

        made = [
            sample(one(0, 2, 3), one(1, 2, 3), grad=grad),
            sample(one(0, 2, 3), one(1, 3), grad=grad),
            sample(one(0, 2, 1), one(1, 3, 1, 4), grad=grad),
            sample(one(0), one(1, 3), grad=grad),
            sample(one(0, 0, 3), one(1, 3), grad=()),
            sample(
                floats(4, low=low, high=high, dtype="float64"),
                floats(4, low=low, high=high, seed=1, dtype="float64"),
                grad=grad,
            ),
        ]
        if integers:
            made.append(sample(ints(3, low=1), ints(3, low=1, seed=1)))
        return made

    return rows


def singles(
    low: float, high: float, integers: bool, complexes: bool, grad: Sequence[int] | None = None
) -> Samples:
    """Rows for an op of one input: a matrix, a scalar, an empty one, two types."""

    def rows() -> list[Sample]:
        made = [
            sample(floats(2, 3, low=low, high=high), grad=grad),
            sample(floats(low=low, high=high), grad=grad),
            sample(floats(0, 2), grad=()),
            sample(floats(5, low=low, high=high, dtype="float64"), grad=grad),
        ]
        if integers:
            made.append(sample(ints(4, low=1 if low >= 0 else -9)))
        if complexes:
            real, imag = floats(4, low=low, high=high, dtype="float64"), floats(4, seed=1, dtype="float64")
            made.append(sample(real + 0.25j * imag))
        return made

    return rows


def unary(
    name: str,
    types: str,
    gradient: GradientRule | NoGradient,
    doc: str,
    *,
    flops: float = 1.0,
    low: float = -2.0,
    high: float = 2.0,
    samples: Samples | None = None,
    grad: Sequence[int] | None = None,
) -> OpDecl:
    """Declares `y = name(x)`, elementwise.

    Args:
        name, gradient, doc: as `declare` takes them.
        types: the element types, in the notation of an attribute.
        flops: FLOPs per element.
        low, high: range of the sample rows' numbers.
        samples: rows in the place of the usual ones.
        grad: differentiable inputs of the usual rows.
    """
    usual = singles(low, high, "int32" in types, "complex64" in types, grad)
    return declare(
        name,
        inputs="x: T",
        outputs="y: T",
        attrs=f"T: {types}",
        infer=like_input,
        gradient=gradient,
        cost=per_element(flops),
        state=PURE,
        samples=samples or usual,
        doc=doc,
    )


def binary(
    name: str,
    types: str,
    gradient: GradientRule | NoGradient,
    doc: str,
    *,
    samples: Samples,
    flops: float = 1.0,
    inputs: str = "x: T, y: T",
    outputs: str = "z: T",
) -> OpDecl:
    """Declares `z = name(x, y)`, elementwise with broadcasting; see `unary`."""
    return declare(
        name,
        inputs=inputs,
        outputs=outputs,
        attrs=f"T: {types}",
        infer=broadcast_infer,
        gradient=gradient,
        cost=per_element(flops),
        state=PURE,
        samples=samples,
        doc=doc,
    )
