"""Softmax, the cross entropies that are fused with it, and the L2 loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..elements import Operation, Tensor
from ..infer import InferContext, per_input
from ..opdef import PURE, declare
from ..samples import floats, ints, sample
from ..shapes import TensorShape, broadcast_shapes
from .windows import is_zeros

__all__ = [
    "L2Loss",
    "LogSoftmax",
    "Softmax",
    "SoftmaxCrossEntropyWithLogits",
    "SparseSoftmaxCrossEntropyWithLogits",
]

_FLOATS = "T: {half, bfloat16, float, double}"


def _softmax_infer(c: InferContext) -> Sequence[TensorShape]:
    return [c.rank_at_least("logits", 1)]


def _sum_last(x: Tensor) -> Tensor:
    from .reduction import Sum

    return Sum(x, [-1], keep_dims=True)


def _softmax_grad(op: Operation, grad: Tensor) -> Any:
    from .math import Mul, Sub

    y = op.outputs[0]
    return [Mul(Sub(grad, _sum_last(Mul(grad, y))), y)]


def _softmax_rows() -> list[Any]:
    return [
        sample(floats(4)),
        sample(floats(3, 5)),
        sample(floats(2, 3, 4, dtype=np.float64)),
        sample(floats(0, 3)),
        sample(np.array([[1000.0, 999.0, -1000.0]], np.float32), grad=()),
        sample(floats(3, 5, dtype=np.float16), grad=()),
    ]


Softmax = declare(
    "Softmax",
    inputs="logits: T",
    outputs="softmax: T",
    attrs=_FLOATS,
    infer=_softmax_infer,
    gradient=_softmax_grad,
    cost=per_input(8.0),
    state=PURE,
    samples=_softmax_rows,
    doc="exp(x) over its sum along the last dimension.",
)


def _log_softmax_grad(op: Operation, grad: Tensor) -> Any:
    from .math import Mul, Sub
    from .unary import Exp

    return [Sub(grad, Mul(_sum_last(grad), Exp(op.outputs[0])))]


LogSoftmax = declare(
    "LogSoftmax",
    inputs="logits: T",
    outputs="logsoftmax: T",
    attrs=_FLOATS,
    infer=_softmax_infer,
    gradient=_log_softmax_grad,
    cost=per_input(8.0),
    state=PURE,
    samples=_softmax_rows,
    doc="Logarithm of the softmax along the last dimension.",
)


def _dense_infer(c: InferContext) -> Sequence[TensorShape]:
    features, labels = c.rank("features", 2), c.rank("labels", 2)
    both = broadcast_shapes(features, labels)
    return [TensorShape([both[0]]), both]


def _dense_grad(op: Operation, grad_loss: Tensor, grad_backprop: Tensor) -> Any:
    from .array import ExpandDims
    from .broadcasting import sum_to_shape_of
    from .math import AddV2, Mul, Neg, Sub

    logits, labels = op.inputs
    by_row = ExpandDims(grad_loss, -1)
    grad = Mul(by_row, op.outputs[1])
    by_labels = Mul(by_row, Neg(LogSoftmax(logits)))
    if not is_zeros(grad_backprop):
        soft = Softmax(logits)
        inner = _sum_last(Mul(grad_backprop, soft))
        grad = AddV2(grad, Mul(Sub(grad_backprop, inner), soft))
        by_labels = Sub(by_labels, grad_backprop)
    return sum_to_shape_of([grad, by_labels], logits, labels)


def _shares(*shape: int, seed: int = 5) -> Any:
    raw = floats(*shape, low=0.1, high=1.0, seed=seed)
    return raw / raw.sum(-1, keepdims=True)


SoftmaxCrossEntropyWithLogits = declare(
    "SoftmaxCrossEntropyWithLogits",
    inputs="features: T, labels: T",
    outputs="loss: T, backprop: T",
    attrs=_FLOATS,
    infer=_dense_infer,
    gradient=_dense_grad,
    cost=per_input(8.0),
    state=PURE,
    samples=lambda: [
        sample(floats(3, 5), _shares(3, 5)),
        sample(floats(2, 4, dtype=np.float64), _shares(2, 4).astype(np.float64)),
        sample(floats(3, 5), _shares(1, 5)),
        sample(floats(0, 5), floats(0, 5)),
        sample(np.array([[1e4, -1e4, 0.0]], np.float32), _shares(1, 3), grad=()),
    ],
    doc="Cross entropy of distributions `labels` and softmax(`features`) per row, and its gradient.",
)


def _sparse_infer(c: InferContext) -> Sequence[TensorShape]:
    features, labels = c.rank("features", 2), c.rank("labels", 1)
    rows = c.merge(
        TensorShape([features[0]]), labels, "labels must have one element for each row of features"
    )
    return [rows, rows.concatenate(features[1:])]


def _sparse_grad(op: Operation, grad_loss: Tensor, grad_backprop: Tensor) -> Any:
    from .array import ExpandDims
    from .math import AddV2, Mul, Sub

    grad = Mul(ExpandDims(grad_loss, -1), op.outputs[1])
    if not is_zeros(grad_backprop):
        soft = Softmax(op.inputs[0])
        inner = _sum_last(Mul(grad_backprop, soft))
        grad = AddV2(grad, Mul(Sub(grad_backprop, inner), soft))
    return [grad, None]


SparseSoftmaxCrossEntropyWithLogits = declare(
    "SparseSoftmaxCrossEntropyWithLogits",
    inputs="features: T, labels: Tlabels",
    outputs="loss: T, backprop: T",
    attrs=(_FLOATS, "Tlabels: indextype = DT_INT64"),
    infer=_sparse_infer,
    gradient=_sparse_grad,
    cost=per_input(8.0),
    state=PURE,
    samples=lambda: [
        sample(floats(3, 5), ints(3, high=5, dtype=np.int64)),
        sample(floats(4, 3, dtype=np.float64), ints(4, high=3)),
        sample(floats(0, 5), ints(0, high=5, dtype=np.int64)),
        sample(np.array([[1e4, -1e4, 0.0]], np.float32), np.array([1]), grad=()),
    ],
    doc="Cross entropy of class numbers `labels` and softmax(`features`) per row, and its gradient.",
)


def _l2_grad(op: Operation, grad: Tensor) -> Any:
    from .math import Mul

    return [Mul(op.inputs[0], grad)]


L2Loss = declare(
    "L2Loss",
    inputs="t: T",
    outputs="output: T",
    attrs=_FLOATS,
    infer=lambda c: [TensorShape([])],
    gradient=_l2_grad,
    cost=per_input(2.0),
    state=PURE,
    samples=lambda: [
        sample(floats(3, 4)),
        sample(floats(2, 3, 2, dtype=np.float64)),
        sample(np.float32(3.0)),
        sample(floats(0, 2)),
    ],
    doc="Half the sum of squares.",
)
