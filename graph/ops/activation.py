"""Activation functions, their gradients as TensorFlow's own ops, and adding a bias."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..elements import Operation, Tensor
from ..infer import InferContext, per_element, per_input
from ..opdef import PURE, OpDecl, declare
from ..samples import floats, ints, sample
from ..shapes import TensorShape
from .broadcasting import like_input
from .shaping import shape_of
from .windows import channel_axis

__all__ = [
    "BiasAdd",
    "BiasAddGrad",
    "BiasAddV1",
    "Elu",
    "EluGrad",
    "LeakyRelu",
    "LeakyReluGrad",
    "Relu",
    "Relu6",
    "Relu6Grad",
    "ReluGrad",
    "Selu",
    "SeluGrad",
    "Softplus",
    "SoftplusGrad",
    "Softsign",
    "SoftsignGrad",
]

_FLOATS = "T: {half, bfloat16, float, double}"
_REAL = "T: realnumbertype"


def same_shapes(c: InferContext) -> Sequence[TensorShape]:
    """Shape rule: all inputs have one shape, the output has it too."""
    shape = c.shapes[0]
    for other in c.shapes[1:]:
        shape = c.merge(shape, other, "the inputs must have the same shape")
    return [shape]


# Finite differences need rows that stay away from the kinks: 0, and 6 for Relu6.
def _away(*shape: int, seed: int = 0, dtype: Any = np.float32) -> Any:
    values = floats(*shape, low=0.1, high=2.0, seed=seed, dtype=np.float64)
    return (values * np.where(floats(*shape, seed=seed + 7, dtype=np.float64) < 0, -1, 1)).astype(dtype)


def _unary_rows() -> list[Any]:
    return [
        sample(_away(3, 4)),
        sample(_away(2, 3, dtype=np.float64)),
        sample(np.float32(0.5)),
        sample(floats(0, 3)),
        sample(np.array([-60.0, -20.0, 20.0, 60.0], np.float32), grad=()),
        sample(np.array([np.nan, np.inf, -np.inf], np.float32), grad=()),
        sample(_away(3, 4, dtype=np.float16), grad=()),
    ]


def _whole_rows() -> list[Any]:
    return [*_unary_rows(), sample(ints(2, 3, low=-9))]


def _activation(
    name: str,
    types: str,
    gradient: Callable[[Operation, Tensor], Any],
    flops: float,
    doc: str,
    attrs: Sequence[str] = (),
    rows: Callable[[], list[Any]] = _unary_rows,
) -> OpDecl:
    return declare(
        name,
        inputs="features: T",
        outputs="activations: T",
        attrs=(*attrs, types),
        infer=like_input,
        gradient=gradient,
        cost=per_element(flops),
        state=PURE,
        samples=rows,
        doc=doc,
    )


def _slope(
    name: str,
    second: str,
    types: str,
    gradient: Any,
    flops: float,
    rows: Callable[[], list[Any]],
    attrs: Sequence[str] = (),
) -> OpDecl:
    """The declaration of an activation's gradient op.

    Args:
        second: name of its second input: "features" for the activation's input, "outputs" for its output.
    """
    return declare(
        name,
        inputs=f"gradients: T, {second}: T",
        outputs="backprops: T",
        attrs=(*attrs, types),
        infer=same_shapes,
        gradient=gradient,
        cost=per_element(flops),
        state=PURE,
        samples=rows,
        doc=f"Gradient of {name.removesuffix('Grad')}, from the gradient of its output and its {second}.",
    )


def _slope_rows() -> list[Any]:
    return [
        sample(floats(3, 4), _away(3, 4, seed=3)),
        sample(floats(2, 3, dtype=np.float64), _away(2, 3, seed=3, dtype=np.float64)),
        sample(np.float32(0.5), np.float32(0.75)),
        sample(floats(0, 3), floats(0, 3)),
    ]


Relu = _activation(
    "Relu",
    _REAL,
    lambda op, grad: [ReluGrad(grad, op.outputs[0])],
    1.0,
    "max(x, 0).",
    rows=_whole_rows,
)
ReluGrad = _slope(
    "ReluGrad",
    "features",
    _REAL,
    lambda op, grad: [ReluGrad(grad, op.inputs[1]), None],
    2.0,
    _slope_rows,
)
Relu6 = _activation(
    "Relu6",
    _REAL,
    lambda op, grad: [Relu6Grad(grad, op.outputs[0])],
    2.0,
    "min(max(x, 0), 6).",
    rows=lambda: [*_whole_rows(), sample(np.array([5.5, 6.5, 8.0], np.float32))],
)
Relu6Grad = _slope(
    "Relu6Grad",
    "features",
    _REAL,
    lambda op, grad: [Relu6Grad(grad, op.inputs[1]), None],
    3.0,
    lambda: [*_slope_rows(), sample(floats(3), np.array([5.5, 6.0, 8.0], np.float32), grad=(0,))],
)


def _leaky_grad_grad(op: Operation, grad: Tensor) -> Any:
    return [LeakyReluGrad(grad, op.inputs[1], alpha=op.attrs["alpha"]), None]


_ALPHA = "alpha: float = 0.20000000298023224"

LeakyRelu = _activation(
    "LeakyRelu",
    f"{_FLOATS} = DT_FLOAT",
    lambda op, grad: [LeakyReluGrad(grad, op.inputs[0], alpha=op.attrs["alpha"])],
    2.0,
    "x where it is positive, alpha * x elsewhere.",
    (_ALPHA,),
    rows=lambda: [*_unary_rows(), sample(_away(2, 3), alpha=0.01), sample(_away(2, 3), alpha=1.5)],
)
LeakyReluGrad = _slope(
    "LeakyReluGrad",
    "features",
    f"{_FLOATS} = DT_FLOAT",
    _leaky_grad_grad,
    2.0,
    lambda: [*_slope_rows(), sample(floats(2, 3), _away(2, 3, seed=4), alpha=0.01)],
    (_ALPHA,),
)


def _elu_grad_grad(op: Operation, grad: Tensor) -> Any:
    from .math import Mul

    slope, outputs = op.inputs
    return [EluGrad(grad, outputs), _where_negative(outputs, Mul(grad, slope))]


def _where_negative(x: Tensor, value: Tensor) -> Tensor:
    """`value` where `x` is negative, zeros elsewhere."""
    from .array import ZerosLike
    from .compare import Less, SelectV2

    return SelectV2(Less(x, ZerosLike(x)), value, ZerosLike(value))


Elu = _activation(
    "Elu", _FLOATS, lambda op, grad: [EluGrad(grad, op.outputs[0])], 4.0, "x, or exp(x) - 1 where x < 0."
)
EluGrad = _slope("EluGrad", "outputs", _FLOATS, _elu_grad_grad, 3.0, _slope_rows)


def _selu_grad_grad(op: Operation, grad: Tensor) -> Any:
    from .math import Mul

    slope, outputs = op.inputs
    return [SeluGrad(grad, outputs), _where_negative(outputs, Mul(grad, slope))]


Selu = _activation(
    "Selu",
    _FLOATS,
    lambda op, grad: [SeluGrad(grad, op.outputs[0])],
    5.0,
    "Scaled exponential linear unit, which keeps activations normalised (Klambauer et al. 2017).",
)
SeluGrad = _slope("SeluGrad", "outputs", _FLOATS, _selu_grad_grad, 3.0, _slope_rows)


def _softplus_grad_grad(op: Operation, grad: Tensor) -> Any:
    from .math import Mul, Sub
    from .unary import Sigmoid

    slope, x = op.inputs
    first = SoftplusGrad(grad, x)
    bent = Mul(Mul(first, slope), Sub(np.array(1.0, x.dtype.np), Sigmoid(x)))
    return [first, bent]


Softplus = _activation(
    "Softplus", _FLOATS, lambda op, grad: [SoftplusGrad(grad, op.inputs[0])], 6.0, "log(1 + exp(x))."
)
SoftplusGrad = _slope("SoftplusGrad", "features", _FLOATS, _softplus_grad_grad, 4.0, _slope_rows)


def _softsign_grad_grad(op: Operation, grad: Tensor) -> Any:
    from .math import AddV2, Mul, RealDiv
    from .unary import Abs, Sign

    slope, x = op.inputs
    first = SoftsignGrad(grad, x)
    base = AddV2(Abs(x), np.array(1.0, x.dtype.np))
    bent = RealDiv(Mul(Mul(first, slope), Mul(Sign(x), np.array(-2.0, x.dtype.np))), base)
    return [first, bent]


Softsign = _activation(
    "Softsign", _FLOATS, lambda op, grad: [SoftsignGrad(grad, op.inputs[0])], 3.0, "x / (1 + |x|)."
)
SoftsignGrad = _slope("SoftsignGrad", "features", _FLOATS, _softsign_grad_grad, 4.0, _slope_rows)


def _bias_infer(c: InferContext) -> Sequence[TensorShape]:
    value, bias = c.rank_at_least("value", 2), c.rank("bias", 1)
    if value.rank is None:
        return [value]
    axis = channel_axis(c.attrs.get("data_format", "NHWC"), value.rank)
    if value[axis] is not None and bias[0] is not None and value[axis] != bias[0]:
        c.fail(f"bias must have one element for each of the {value[axis]} channels")
    dims = value.as_list()
    dims[axis] = bias[0] if dims[axis] is None else dims[axis]
    return [TensorShape(dims)]


def _bias_grad(op: Operation, grad: Tensor) -> Any:
    return [grad, BiasAddGrad(grad, data_format=op.attrs.get("data_format", "NHWC"))]


def _bias_rows() -> list[Any]:
    return [
        sample(floats(2, 3), floats(3, seed=1)),
        sample(floats(2, 3, 4, 2), floats(2, seed=1)),
        sample(floats(0, 3), floats(3, seed=1)),
        sample(ints(2, 3), ints(3)),
    ]


BiasAdd = declare(
    "BiasAdd",
    inputs="value: T, bias: T",
    outputs="output: T",
    attrs=("T: numbertype", "data_format: {'NHWC', 'NCHW'} = 'NHWC'"),
    infer=_bias_infer,
    gradient=_bias_grad,
    cost=per_element(),
    state=PURE,
    samples=lambda: [
        *_bias_rows(),
        sample(floats(2, 3, 4, 5), floats(3, seed=1), data_format="NCHW"),
        sample(floats(2, 3), floats(3, seed=1), data_format="NCHW"),
        sample(floats(2, 3, 4), floats(3, seed=1), data_format="NCHW"),
    ],
    doc="Adds a vector along the channels.",
)

BiasAddV1 = declare(
    "BiasAddV1",
    inputs="value: T, bias: T",
    outputs="output: T",
    attrs="T: numbertype",
    infer=_bias_infer,
    gradient=_bias_grad,
    cost=per_element(),
    state=PURE,
    samples=_bias_rows,
    doc="Adds a vector along the last dimension.",
)


def _bias_grad_infer(c: InferContext) -> Sequence[TensorShape]:
    grad = c.rank_at_least("out_backprop", 2)
    if grad.rank is None:
        return [TensorShape([None])]
    return [TensorShape([grad[channel_axis(c.attr("data_format"), grad.rank)]])]


def _bias_grad_grad(op: Operation, grad: Tensor) -> Any:
    from .array import BroadcastTo, Reshape

    out_backprop = op.inputs[0]
    rank = out_backprop.shape.rank
    if op.attrs["data_format"] == "NCHW" and rank is not None and rank > 2:
        grad = Reshape(grad, [-1] + [1] * (rank - 2))
    return [BroadcastTo(grad, shape_of(out_backprop))]


BiasAddGrad = declare(
    "BiasAddGrad",
    inputs="out_backprop: T",
    outputs="output: T",
    attrs=("T: numbertype", "data_format: {'NHWC', 'NCHW'} = 'NHWC'"),
    infer=_bias_grad_infer,
    gradient=_bias_grad_grad,
    cost=per_input(),
    state=PURE,
    samples=lambda: [
        sample(floats(2, 3)),
        sample(floats(2, 3, 4, 2)),
        sample(floats(0, 3)),
        sample(floats(2, 3, 4, 5), data_format="NCHW"),
        sample(floats(2, 3, 4), data_format="NCHW"),
    ],
    doc="Gradient of BiasAdd by the bias: the sum over everything but the channels.",
)
