"""Ops that draw from other distributions than the even and the normal one, and that shuffle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..convert import convert_to_tensor
from ..elements import Operation, Tensor
from ..infer import CostContext, InferContext
from ..opdef import PURE, RANDOM, Cost, NoGradient, Sample, declare
from ..samples import floats, sample
from ..shapes import TensorShape, broadcast_shapes
from .random import FLOATS, NO_GRADIENT, SEEDS, per_number, seed_shape

__all__ = [
    "Multinomial",
    "ParameterizedTruncatedNormal",
    "RandomGamma",
    "RandomGammaGrad",
    "RandomPoisson",
    "RandomPoissonV2",
    "RandomShuffle",
    "StatelessMultinomial",
    "StatelessRandomGammaV2",
    "StatelessRandomPoisson",
]

RandomShuffle = declare(
    "RandomShuffle",
    inputs="value: T",
    outputs="output: T",
    attrs=(*SEEDS, "T: type"),
    infer=lambda c: [c.shape("value")],
    gradient=NoGradient("which row goes where is drawn"),
    cost=per_number(2),
    state=RANDOM,
    samples=lambda: [
        sample(floats(7, 2), seed=1, seed2=2),
        sample(np.arange(40), seed=1),
        sample(floats(1, 3), seed=1),
        sample(floats(0, 3), seed=1),
        sample(np.float32(3), seed=1),
    ],
    doc="The rows of a tensor in random order.",
)


def _classes_shape(c: InferContext) -> Sequence[TensorShape]:
    logits = c.rank("logits", 2)
    c.rank("num_samples", 0)
    count = c.value("num_samples")
    if count is not None and count < 0:
        c.fail(f"num_samples must not be negative, got {count}")
    if logits.rank is not None and logits[1] == 0:
        c.fail("logits must have a class")
    batch = None if logits.rank is None else logits[0]
    return [TensorShape([batch, None if count is None else int(count)])]


def _classes_cost(c: CostContext) -> Cost:
    return Cost(30.0 * c.in_elements + 60.0 * c.out_elements, c.in_bytes + c.out_bytes)


_LOGITS = "T: realnumbertype"
_CLASS_TYPE = "output_dtype: indextype = DT_INT64"

Multinomial = declare(
    "Multinomial",
    inputs="logits: T, num_samples: int32",
    outputs="output: output_dtype",
    attrs=(*SEEDS, _LOGITS, _CLASS_TYPE),
    infer=_classes_shape,
    gradient=NO_GRADIENT,
    cost=_classes_cost,
    state=RANDOM,
    host_inputs=("num_samples",),
    samples=lambda: [
        sample(floats(3, 5), 6, seed=1, seed2=2),
        sample(floats(2, 1, dtype=np.float64), 3, seed=1, output_dtype="int32"),
        sample(np.array([[0.0, -np.inf, 1.0]], np.float32), 20, seed=4),
        sample(floats(0, 5), 6, seed=1),
        sample(floats(2, 5), 0, seed=1),
    ],
    doc="Class numbers drawn from rows of unnormalized log-probabilities.",
)


def _stateless_classes_shape(c: InferContext) -> Sequence[TensorShape]:
    seed_shape(c)
    return _classes_shape(c)


StatelessMultinomial = declare(
    "StatelessMultinomial",
    inputs="logits: T, num_samples: int32, seed: Tseed",
    outputs="output: output_dtype",
    attrs=(_LOGITS, "Tseed: indextype = DT_INT64", _CLASS_TYPE),
    infer=_stateless_classes_shape,
    gradient=NO_GRADIENT,
    cost=_classes_cost,
    state=PURE,
    host_inputs=("num_samples",),
    samples=lambda: [sample(floats(3, 5), 6, np.array([1, 2]))],
    doc="Class numbers drawn from rows of logits, from seeds given as input.",
)


def _per_parameter(argument: str) -> Callable[[InferContext], Sequence[TensorShape]]:
    """Shape rule: as many draws as `shape` says for each parameter."""

    def rule(c: InferContext) -> Sequence[TensorShape]:
        c.rank("shape", 1)
        return [c.value_as_shape("shape").concatenate(c.shape(argument))]

    return rule


def _gamma_grad(op: Operation, grad: Tensor) -> list[Tensor | None]:
    from .math import Mul
    from .reduction import Sum

    alpha, drawn = op.inputs[-1], op.outputs[0]
    slope = Mul(grad, RandomGammaGrad(alpha, drawn))
    return [*[None] * (len(op.inputs) - 1), Sum(slope, _draw_axes(op.inputs[0]))]


def _draw_axes(shape: Tensor) -> Any:
    """The axes of an output along which draws of one parameter lie: as many as `shape` has elements."""
    from .array import Shape
    from .filling import Range

    rank = shape.shape[0] if shape.shape.rank == 1 else None
    if rank is not None:
        return convert_to_tensor(list(range(rank)), "int32")
    return Range(0, Shape(shape)[0], 1)


def _given_shape(c: InferContext) -> Sequence[TensorShape]:
    """Shape rule: `shape` is that of the output, with the parameters' shape at its end."""
    c.rank("shape", 1)
    seed_shape(c)
    shape, parameters = c.value_as_shape("shape"), c.shapes[-1]
    if shape.rank is not None and parameters.rank is not None:
        tail = TensorShape(shape.as_list()[max(shape.rank - parameters.rank, 0) :])
        if not tail.is_compatible_with(parameters):
            c.fail(f"shape must end with the shape {parameters} of the parameters")
    return [shape]


_GAMMA = NoGradient("the second derivative of a gamma sampler is not known", zero=False)

RandomGamma = declare(
    "RandomGamma",
    inputs="shape: S, alpha: T",
    outputs="output: T",
    attrs=(*SEEDS, "S: indextype", "T: {half, float, double}"),
    infer=_per_parameter("alpha"),
    gradient=_gamma_grad,
    cost=per_number(200),
    state=RANDOM,
    host_inputs=("shape",),
    samples=lambda: [
        sample([4], floats(3, low=0.2, high=4), seed=1, seed2=2, grad=()),
        sample([2, 3], np.float64(1.0), seed=1, grad=()),
        sample([5], floats(2, 2, low=0.5, high=2, dtype=np.float16), seed=1, grad=()),
        sample(np.array([], np.int32), floats(4, low=5, high=9, dtype=np.float64), seed=1, grad=()),
        sample([0], floats(2, low=1), seed=1, grad=()),
    ],
    doc="Numbers of gamma distributions.",
)

RandomGammaGrad = declare(
    "RandomGammaGrad",
    inputs="alpha: T, sample: T",
    outputs="output: T",
    attrs="T: {float, double}",
    infer=lambda c: [broadcast_shapes(*c.shapes)],
    gradient=_GAMMA,
    cost=per_number(500),
    state=PURE,
    samples=lambda: [
        sample(floats(3, low=0.2, high=4), floats(5, 3, low=0.1, high=6, seed=1), grad=()),
        sample(np.float64(30.0), floats(4, low=20, high=40, dtype=np.float64), grad=()),
    ],
    doc="How numbers of gamma distributions change with the shape parameter.",
)

StatelessRandomGammaV2 = declare(
    "StatelessRandomGammaV2",
    inputs="shape: T, seed: Tseed, alpha: dtype",
    outputs="output: dtype",
    attrs=("dtype: {half, float, double}", "T: indextype", "Tseed: indextype = DT_INT64"),
    infer=_given_shape,
    gradient=_gamma_grad,
    cost=per_number(200),
    state=PURE,
    host_inputs=("shape",),
    samples=lambda: [sample([4, 3], np.array([1, 2]), floats(3, low=0.2, high=4), grad=())],
    doc="Numbers of gamma distributions, from seeds given as input; `shape` is that of the output.",
)

_RATE = "{half, float, double, int32, int64}"

RandomPoissonV2 = declare(
    "RandomPoissonV2",
    inputs="shape: S, rate: R",
    outputs="output: dtype",
    attrs=(*SEEDS, "S: indextype", f"R: {_RATE} = DT_DOUBLE", f"dtype: {_RATE} = DT_INT64"),
    infer=_per_parameter("rate"),
    gradient=NO_GRADIENT,
    cost=per_number(200),
    state=RANDOM,
    host_inputs=("shape",),
    samples=lambda: [
        sample([6], floats(3, low=0.5, high=30), seed=1, seed2=2),
        sample([2, 3], np.float64(12.5), seed=1, dtype="float32"),
        sample([3], np.array([3, 40]), seed=1, dtype="int32"),
        sample([0], floats(2, low=1), seed=1),
    ],
    doc="Numbers of Poisson distributions.",
)

RandomPoisson = declare(
    "RandomPoisson",
    inputs="shape: S, rate: dtype",
    outputs="output: dtype",
    attrs=(*SEEDS, "S: indextype", "dtype: {half, float, double}"),
    infer=_per_parameter("rate"),
    gradient=NO_GRADIENT,
    cost=per_number(200),
    state=RANDOM,
    host_inputs=("shape",),
    samples=lambda: [sample([6], floats(3, low=0.5, high=30), seed=1, seed2=2)],
    doc="Numbers of Poisson distributions; the older form of `RandomPoissonV2`.",
)

StatelessRandomPoisson = declare(
    "StatelessRandomPoisson",
    inputs="shape: T, seed: Tseed, lam: Rtype",
    outputs="output: dtype",
    attrs=(f"Rtype: {_RATE}", f"dtype: {_RATE}", "T: indextype", "Tseed: indextype = DT_INT64"),
    infer=_given_shape,
    gradient=NO_GRADIENT,
    cost=per_number(200),
    state=PURE,
    host_inputs=("shape",),
    samples=lambda: [sample([4, 3], np.array([1, 2]), floats(3, low=0.5, high=30), dtype="int64")],
    doc="Numbers of Poisson distributions, from seeds given as input; `shape` is that of the output.",
)


def _bounded_shape(c: InferContext) -> Sequence[TensorShape]:
    dims = c.rank("shape", 1)
    if dims.rank is not None and dims[0] == 0:
        c.fail("shape must have a dimension")
    for name in ("means", "stdevs", "minvals", "maxvals"):
        if (c.shape(name).rank or 0) > 1:
            c.fail(f"{name} must be a scalar or a vector")
    return [c.value_as_shape("shape")]


def _bounded_samples() -> list[Sample]:
    scalar = np.float32
    return [
        sample([130], scalar(0), scalar(1), scalar(-1), scalar(2), seed=1, seed2=2),
        sample([20, 2], scalar(1), scalar(0.5), scalar(3), scalar(np.inf), seed=1),
        sample([15], scalar(0), scalar(1), scalar(0.5), scalar(0.6), seed=1),
        sample([3, 4], floats(3), floats(3, low=0.5), scalar(-3), floats(3, low=2, high=4), seed=1),
        sample([0], scalar(0), scalar(1), scalar(-1), scalar(1), seed=1),
    ]


ParameterizedTruncatedNormal = declare(
    "ParameterizedTruncatedNormal",
    inputs="shape: T, means: dtype, stdevs: dtype, minvals: dtype, maxvals: dtype",
    outputs="output: dtype",
    attrs=(*SEEDS, f"dtype: {FLOATS}", "T: indextype"),
    infer=_bounded_shape,
    gradient=NO_GRADIENT,
    cost=per_number(200),
    state=RANDOM,
    host_inputs=("shape",),
    samples=_bounded_samples,
    doc="Normal numbers between given bounds.",
)
