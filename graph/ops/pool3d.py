"""Max and average pooling in three dimensions and their gradients.

Max pools take float64 too, which TensorFlow's stop short of.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..elements import Operation, Tensor
from ..opdef import PURE, declare
from ..samples import floats, sample
from .conv import kept
from .pool import (
    apart,
    average_grad_infer,
    max_grad_grad_infer,
    max_grad_infer,
    max_pool_of,
    pool_cost,
    pool_infer,
)
from .shaping import shape_of

__all__ = ["AvgPool3D", "AvgPool3DGrad", "MaxPool3D", "MaxPool3DGrad", "MaxPool3DGradGrad"]

_WINDOW = (
    "ksize: list(int) >= 5",
    "strides: list(int) >= 5",
    "padding: {'SAME', 'VALID'}",
    "data_format: {'NDHWC', 'NCDHW'} = 'NDHWC'",
)
_KEPT = ("ksize", "strides", "padding", "data_format")
_TYPES = "{half, bfloat16, float, double}"


def _rows(make: Callable[..., Any]) -> list[Any]:
    """Sample rows; `make` is given (input shape, output shape, attributes)."""
    same, valid = {"padding": "SAME"}, {"padding": "VALID"}
    rows: list[Any] = [
        ((2, 4, 2, 3, 2), (2, 2, 1, 1, 2), {"ksize": [1, 2, 2, 2, 1], "strides": [1, 2, 2, 2, 1], **valid}),
        ((1, 3, 4, 3, 2), (1, 2, 2, 2, 2), {"ksize": [1, 3, 2, 2, 1], "strides": [1, 2, 2, 2, 1], **same}),
        ((1, 3, 3, 3, 1), (1, 2, 2, 2, 1), {"ksize": [1, 2, 2, 2, 1], "strides": [1, 1, 1, 1, 1], **valid}),
        (
            (1, 2, 3, 2, 4),
            (1, 2, 2, 1, 2),
            {"ksize": [1, 1, 2, 2, 2], "strides": [1, 1, 2, 2, 2], "data_format": "NCDHW", **same},
        ),
    ]
    return [make(*row) for row in rows]


def _average_grad(op: Operation, grad: Tensor) -> Any:
    return [AvgPool3DGrad(shape_of(op.inputs[0]), grad, **kept(op, _KEPT))]


AvgPool3D = declare(
    "AvgPool3D",
    inputs="input: T",
    outputs="output: T",
    attrs=(*_WINDOW, f"T: {_TYPES}"),
    infer=pool_infer(5),
    gradient=_average_grad,
    cost=pool_cost,
    state=PURE,
    samples=lambda: _rows(lambda x, out, attrs: sample(floats(*x), **attrs)),
    doc="Mean of each window; what lies outside the input does not count.",
)

AvgPool3DGrad = declare(
    "AvgPool3DGrad",
    inputs="orig_input_shape: int32, grad: T",
    outputs="output: T",
    attrs=(*_WINDOW, f"T: {_TYPES}"),
    infer=average_grad_infer(5),
    gradient=lambda op, grad: [None, AvgPool3D(grad, **kept(op, _KEPT))],
    cost=pool_cost,
    state=PURE,
    host_inputs=("orig_input_shape",),
    samples=lambda: _rows(lambda x, out, attrs: sample(list(x), floats(*out), **attrs)),
    doc="Gradient of AvgPool3D.",
)


def _max_grad(op: Operation, grad: Tensor) -> Any:
    return [MaxPool3DGrad(op.inputs[0], op.outputs[0], grad, **kept(op, _KEPT))]


MaxPool3D = declare(
    "MaxPool3D",
    inputs="input: T",
    outputs="output: T",
    attrs=(*_WINDOW, f"T: {_TYPES}"),
    infer=pool_infer(5),
    gradient=_max_grad,
    cost=pool_cost,
    state=PURE,
    samples=lambda: _rows(lambda x, out, attrs: sample(apart(*x), **attrs)),
    doc="Greatest element of each window.",
)


def _max_grad_row(x: Any, out: Any, attrs: Any) -> Any:
    values = apart(*x)
    return sample(values, max_pool_of(values, attrs), floats(*out, seed=2), grad=[2], **attrs)


def _max_grad_grad(op: Operation, grad: Tensor) -> Any:
    x, y, _ = op.inputs
    return [None, None, MaxPool3DGradGrad(x, y, grad, **kept(op, _KEPT))]


MaxPool3DGrad = declare(
    "MaxPool3DGrad",
    inputs="orig_input: TInput, orig_output: TInput, grad: T",
    outputs="output: T",
    attrs=(*_WINDOW, f"T: {_TYPES} = DT_FLOAT", f"TInput: {_TYPES} = DT_FLOAT"),
    infer=max_grad_infer(5),
    gradient=_max_grad_grad,
    cost=pool_cost,
    state=PURE,
    samples=lambda: _rows(_max_grad_row),
    doc="Gradient of MaxPool3D: each window's gradient goes to its first greatest element.",
)


def _max_grad_grad_row(x: Any, out: Any, attrs: Any) -> Any:
    del out
    values = apart(*x)
    return sample(values, max_pool_of(values, attrs), floats(*x, seed=2), grad=[2], **attrs)


def _max_grad_grad_grad(op: Operation, grad: Tensor) -> Any:
    x, y, _ = op.inputs
    return [None, None, MaxPool3DGrad(x, y, grad, **kept(op, _KEPT))]


MaxPool3DGradGrad = declare(
    "MaxPool3DGradGrad",
    inputs="orig_input: T, orig_output: T, grad: T",
    outputs="output: T",
    attrs=(*_WINDOW, "T: realnumbertype"),
    infer=max_grad_grad_infer(5),
    gradient=_max_grad_grad_grad,
    cost=pool_cost,
    state=PURE,
    samples=lambda: _rows(_max_grad_grad_row),
    doc="Gradient of MaxPool3DGrad by its `grad`.",
)
