"""Ops that draw random numbers.

Stateful ops draw from a stream of their own, keyed by their attributes `seed` and `seed2`, and every run goes on
where the last one ended; both zero means that each session draws other numbers. Stateless ops take their seeds as
an input and give the same numbers every time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..infer import CostContext, InferContext
from ..opdef import PURE, RANDOM, Cost, NoGradient, OpDecl, Sample, declare
from ..samples import sample
from ..shapes import TensorShape

__all__ = [
    "RandomStandardNormal",
    "RandomUniform",
    "RandomUniformInt",
    "StatelessRandomNormal",
    "StatelessRandomUniform",
    "StatelessRandomUniformFullInt",
    "StatelessRandomUniformInt",
    "StatelessTruncatedNormal",
    "TruncatedNormal",
]

SEEDS = ("seed: int = 0", "seed2: int = 0")
FLOATS = "{half, bfloat16, float, double}"
NO_GRADIENT = NoGradient("its numbers are drawn, they do not change with its inputs")


def per_number(flops: float) -> Callable[[CostContext], Cost]:
    """Cost rule: so many FLOPs to draw a number."""
    return lambda c: Cost(flops * c.out_elements, c.in_bytes + c.out_bytes)


def _shape_given(c: InferContext) -> Sequence[TensorShape]:
    c.rank("shape", 1)
    return [c.value_as_shape("shape")]


def _stateful(name: str, flops: float, doc: str) -> OpDecl:
    return declare(
        name,
        inputs="shape: T",
        outputs="output: dtype",
        attrs=(*SEEDS, f"dtype: {FLOATS}", "T: indextype"),
        infer=_shape_given,
        gradient=NO_GRADIENT,
        cost=per_number(flops),
        state=RANDOM,
        host_inputs=("shape",),
        samples=lambda: [
            sample(np.array(shape, np.int32), seed=3, seed2=seed2, dtype=dtype)
            for shape, seed2, dtype in (
                ([2, 3], 0, "float32"),
                ([7], 11, "float64"),
                ([], 1, "float32"),
                ([0, 4], 1, "float32"),
                ([5, 5], 2, "half"),
                ([9], 2, "bfloat16"),
            )
        ],
        doc=doc,
    )


RandomUniform = _stateful("RandomUniform", 15, "Numbers evenly distributed in [0, 1).")
RandomStandardNormal = _stateful("RandomStandardNormal", 40, "Numbers of the standard normal distribution.")
TruncatedNormal = _stateful(
    "TruncatedNormal", 50, "Numbers of the standard normal distribution, those beyond 2 drawn again."
)


def _range_shape(c: InferContext) -> Sequence[TensorShape]:
    c.rank("minval", 0)
    c.rank("maxval", 0)
    low, high = c.value("minval"), c.value("maxval")
    if low is not None and high is not None and not low < high and 0 not in _dims(c):
        c.fail(f"minval must be less than maxval, got {low} >= {high}")
    return _shape_given(c)


def _dims(c: InferContext) -> Sequence[int | None]:
    dims = c.value_as_shape("shape").dims
    # An unknown shape may turn out to be empty, and then any range will do.
    return (0,) if dims is None or None in dims else dims


RandomUniformInt = declare(
    "RandomUniformInt",
    inputs="shape: T, minval: Tout, maxval: Tout",
    outputs="output: Tout",
    attrs=(*SEEDS, "Tout: indextype", "T: indextype"),
    infer=_range_shape,
    gradient=NO_GRADIENT,
    cost=per_number(15),
    state=RANDOM,
    host_inputs=("shape", "minval", "maxval"),
    samples=lambda: [
        sample([2, 3], np.int32(0), np.int32(10), seed=3, seed2=4),
        sample([5], np.int64(-(2**62)), np.int64(2**62), seed=3, seed2=4),
        sample([7], np.int32(-(2**31)), np.int32(2**31 - 1), seed=1),
        sample([0], np.int32(5), np.int32(5), seed=1),
    ],
    doc="Whole numbers in [minval, maxval).",
)

_SEED_ATTRS = ("T: indextype = DT_INT32", "Tseed: indextype = DT_INT64")


def seed_shape(c: InferContext) -> None:
    """Checks the input of a stateless op that holds its two seeds."""
    if not c.rank("seed", 1).is_compatible_with([2]):
        c.fail("seed must have shape [2]")


def _stateless_shape(c: InferContext) -> Sequence[TensorShape]:
    seed_shape(c)
    return _shape_given(c)


def _stateless(name: str, flops: float, doc: str) -> OpDecl:
    return declare(
        name,
        inputs="shape: T, seed: Tseed",
        outputs="output: dtype",
        attrs=(f"dtype: {FLOATS} = DT_FLOAT", *_SEED_ATTRS),
        infer=_stateless_shape,
        gradient=NO_GRADIENT,
        cost=per_number(flops),
        state=PURE,
        host_inputs=("shape",),
        samples=_stateless_samples("float32", "float64", "half", "bfloat16"),
        doc=doc,
    )


def _stateless_samples(*dtypes: str, **attrs: Any) -> Callable[[], list[Sample]]:
    return lambda: [
        *(sample([3, 5], np.array([7, -2]), dtype=dtype, **attrs) for dtype in dtypes),
        sample([], np.array([2**40 + 1, 3]), dtype=dtypes[0], **attrs),
        sample([0], np.array([1, 2], np.int32), dtype=dtypes[0], **attrs),
    ]


StatelessRandomUniform = _stateless(
    "StatelessRandomUniform", 15, "Numbers in [0, 1), from seeds given as input."
)
StatelessRandomNormal = _stateless("StatelessRandomNormal", 40, "Normal numbers, from seeds given as input.")
StatelessTruncatedNormal = _stateless(
    "StatelessTruncatedNormal", 50, "Normal numbers within [-2, 2], from seeds given as input."
)


def _stateless_range_shape(c: InferContext) -> Sequence[TensorShape]:
    seed_shape(c)
    return _range_shape(c)


StatelessRandomUniformInt = declare(
    "StatelessRandomUniformInt",
    inputs="shape: T, seed: Tseed, minval: dtype, maxval: dtype",
    outputs="output: dtype",
    attrs=("dtype: indextype", "T: indextype", "Tseed: indextype = DT_INT64"),
    infer=_stateless_range_shape,
    gradient=NO_GRADIENT,
    cost=per_number(15),
    state=PURE,
    host_inputs=("shape", "minval", "maxval"),
    samples=lambda: [
        sample([3], np.array([7, 2]), np.int32(-5), np.int32(5)),
        sample([2, 2], np.array([7, 2]), np.int64(0), np.int64(2**40)),
    ],
    doc="Whole numbers in [minval, maxval), from seeds given as input.",
)

StatelessRandomUniformFullInt = declare(
    "StatelessRandomUniformFullInt",
    inputs="shape: T, seed: Tseed",
    outputs="output: dtype",
    attrs=(
        "dtype: {int32, int64, uint32, uint64} = DT_UINT64",
        "T: indextype = DT_INT32",
        "Tseed: {int32, int64, uint32, uint64} = DT_INT64",
    ),
    infer=_stateless_shape,
    gradient=NO_GRADIENT,
    cost=per_number(12),
    state=PURE,
    host_inputs=("shape",),
    samples=_stateless_samples("uint64", "int64", "uint32", "int32"),
    doc="Whole numbers over the whole range of their type, from seeds given as input.",
)
