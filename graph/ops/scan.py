"""Running sums and products along an axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..elements import Operation, Tensor
from ..infer import InferContext, per_element
from ..opdef import PURE, GradientRule, OpDecl, Sample, declare
from ..samples import floats, ints, sample
from ..shapes import TensorShape
from .elementwise import FLOATS

__all__ = ["Cumprod", "Cumsum", "CumulativeLogsumexp"]


def _scan_shape(c: InferContext) -> Sequence[TensorShape]:
    shape, axis = c.shape("x"), c.value("axis")
    c.rank("axis", 0)
    if axis is not None and shape.rank is not None and not -shape.rank <= int(axis) < shape.rank:
        c.fail(f"axis {int(axis)} is out of range for rank {shape.rank}")
    return [shape]


def _turned(op: Operation) -> dict[str, bool]:
    """Attributes of the scan that runs the other way."""
    return {"exclusive": op.attrs["exclusive"], "reverse": not op.attrs["reverse"]}


def _cumsum_grad(op: Operation, grad: Tensor) -> Any:
    return [Cumsum(grad, op.inputs[1], **_turned(op)), None]


def _cumprod_grad(op: Operation, grad: Tensor) -> Any:
    from .complex import conj
    from .math import DivNoNan

    x, axis = op.inputs
    total = Cumsum(conj(op.outputs[0]) * grad, axis, **_turned(op))
    return [DivNoNan(total, conj(x)), None]


def _cumulative_logsumexp_grad(op: Operation, grad: Tensor) -> Any:
    """Sums of exp(x - y) * grad, its positive and its negative terms apart, since both are summed as logarithms."""
    from .compare import SelectV2
    from .unary import Exp, Log

    x, axis = op.inputs
    y = op.outputs[0]
    lowest = grad.dtype.np.type(grad.dtype.min)

    def part(sign: float) -> Tensor:
        signed = grad * sign
        positive = signed > 0
        logs = Log(SelectV2(positive, signed, grad.dtype.np.type(1)))
        return Exp(CumulativeLogsumexp(SelectV2(positive, logs - y, lowest), axis, **_turned(op)) + x)

    return [part(1.0) - part(-1.0), None]


def _samples(low: float = -2.0) -> list[Sample]:
    return [
        sample(floats(5, low=low), 0),
        sample(floats(2, 3, low=low), 1, exclusive=True),
        sample(floats(2, 3, 2, low=low), -2, reverse=True),
        sample(floats(2, 3, low=low), 1, exclusive=True, reverse=True),
        sample(floats(0, 3), 0, grad=()),
        sample(floats(3, 2, low=low, dtype="float64"), 0),
    ]


def _scan(name: str, types: str, gradient: GradientRule, flops: float, samples: Any, doc: str) -> OpDecl:
    return declare(
        name,
        inputs="x: T, axis: Tidx",
        outputs="out: T",
        attrs=(
            "exclusive: bool = false",
            "reverse: bool = false",
            f"T: {types}",
            "Tidx: indextype = DT_INT32",
        ),
        infer=_scan_shape,
        gradient=gradient,
        cost=per_element(flops),
        state=PURE,
        host_inputs=("axis",),
        samples=samples,
        doc=doc,
    )


def _number_samples(low: float) -> Any:
    return lambda: [
        *_samples(low),
        sample(ints(2, 5, low=1, high=4), 1),
        sample(ints(4, low=1, high=4, dtype="int8"), 0, exclusive=True),
        sample(floats(2, 9, low=low, dtype="float16"), 1, grad=()),
        sample(floats(2, 3, 40, low=low), 1, reverse=True, grad=()),
    ]


Cumsum = _scan(
    "Cumsum",
    "numbertype",
    _cumsum_grad,
    1.0,
    _number_samples(-2.0),
    "Sum of all elements up to each, along an axis.",
)
Cumprod = _scan(
    "Cumprod",
    "numbertype",
    _cumprod_grad,
    1.0,
    _number_samples(0.5),
    "Product of all elements up to each, along an axis.",
)
CumulativeLogsumexp = _scan(
    "CumulativeLogsumexp",
    FLOATS,
    _cumulative_logsumexp_grad,
    20.0,
    lambda: [
        *(row for row in _samples() if not row.attrs.get("exclusive")),
        # An exclusive scan begins with -infinity, of which there are no differences.
        sample(floats(2, 3), 1, exclusive=True, grad=()),
        sample(floats(2, 3), 1, exclusive=True, reverse=True, grad=()),
    ],
    "log(sum(exp(x))) of all elements up to each, along an axis, without overflow.",
)
