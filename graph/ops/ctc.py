"""Connectionist temporal classification: sequences of labels without their times.

Source:
    Graves et al. 2006, "Connectionist temporal classification".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..elements import Operation, Tensor
from ..infer import CostContext, InferContext
from ..opdef import PURE, Cost, NoGradient, declare
from ..samples import floats, sample
from ..shapes import TensorShape

__all__ = ["CTCBeamSearchDecoder", "CTCGreedyDecoder", "CTCLoss"]

_TYPES = "T: {float, double} = DT_FLOAT"


def _inputs(c: InferContext) -> TensorShape:
    """The shape `(time, batch, classes)` of the inputs, and a length for each sequence."""
    x = c.rank("inputs", 3)
    c.merge(
        TensorShape([x[1]]), c.rank("sequence_length", 1), "there must be one sequence_length per sequence"
    )
    return x


def _loss_infer(c: InferContext) -> Sequence[TensorShape]:
    x = _inputs(c)
    rows, values = c.rank("labels_indices", 2), c.rank("labels_values", 1)
    c.merge(rows, TensorShape([None, 2]), "labels_indices must have two columns")
    c.merge(
        TensorShape([rows[0]]), values, "labels_indices and labels_values must have the same number of rows"
    )
    return [TensorShape([x[1]]), x]


def _loss_grad(op: Operation, grad_loss: Tensor, _: Any) -> Any:
    from .array import PreventGradient, Reshape
    from .math import Mul

    message = "the second derivative of the CTC loss is not known"
    by_inputs = PreventGradient(op.outputs[1], message=message)
    return [Mul(Reshape(grad_loss, [1, -1, 1]), by_inputs), None, None, None]


def _cost(c: CostContext) -> Cost:
    return Cost(200.0 * c.in_elements, 4.0 * (c.in_bytes + c.out_bytes))


def _labels(*rows: Sequence[int]) -> tuple[Any, Any]:
    indices = [(b, i) for b, row in enumerate(rows) for i in range(len(row))]
    values = [label for row in rows for label in row]
    return np.array(indices, np.int64).reshape(-1, 2), np.array(values, np.int32)


def _loss_rows() -> list[Any]:
    lengths = np.array([6, 4, 5], np.int32)
    usual, repeated = _labels([0, 1], [2], [1, 1, 0]), _labels([0, 0, 2], [1, 2], [0, 3])
    too_long = _labels([0, 1], [2, 1, 2, 1, 0], [1])
    # The second output is the first one's gradient and has none of its own, so that differences do not apply.
    return [
        sample(floats(6, 3, 4), *usual, lengths, grad=()),
        sample(floats(6, 3, 4, dtype=np.float64), *repeated, lengths, grad=()),
        sample(floats(6, 3, 4), *repeated, lengths, ctc_merge_repeated=False, grad=()),
        sample(floats(6, 3, 4), *repeated, lengths, preprocess_collapse_repeated=True, grad=()),
        sample(floats(6, 3, 4), *too_long, lengths, ignore_longer_outputs_than_inputs=True, grad=()),
    ]


CTCLoss = declare(
    "CTCLoss",
    inputs="inputs: T, labels_indices: int64, labels_values: int32, sequence_length: int32",
    outputs="loss: T, gradient: T",
    attrs=(
        "preprocess_collapse_repeated: bool = false",
        "ctc_merge_repeated: bool = true",
        "ignore_longer_outputs_than_inputs: bool = false",
        _TYPES,
    ),
    infer=_loss_infer,
    gradient=_loss_grad,
    cost=_cost,
    state=PURE,
    samples=_loss_rows,
    doc="Negative log probability of label sequences, summed over all times at which labels may fall.",
)

_DECODED = NoGradient("it decides on labels")


def _greedy_infer(c: InferContext) -> Sequence[TensorShape]:
    batch = _inputs(c)[1]
    return [TensorShape([None, 2]), TensorShape([None]), TensorShape([2]), TensorShape([batch, 1])]


_LENGTHS = np.array([7, 4, 0], np.int32)

CTCGreedyDecoder = declare(
    "CTCGreedyDecoder",
    inputs="inputs: T, sequence_length: int32",
    outputs="decoded_indices: int64, decoded_values: int64, decoded_shape: int64, log_probability: T",
    attrs=("merge_repeated: bool = false", "blank_index: int = -1", _TYPES),
    infer=_greedy_infer,
    gradient=_DECODED,
    cost=_cost,
    state=PURE,
    dynamic=True,
    samples=lambda: [
        sample(floats(7, 3, 3), _LENGTHS),
        sample(floats(7, 3, 3), _LENGTHS, merge_repeated=True),
        sample(floats(7, 3, 3, dtype=np.float64), _LENGTHS, merge_repeated=True, blank_index=0),
    ],
    doc="The likeliest label at each time, without blanks.",
)


def _beam_infer(c: InferContext) -> Sequence[TensorShape]:
    batch, paths = _inputs(c)[1], c.attr("top_paths")
    if paths > c.attr("beam_width"):
        c.fail(f"top_paths {paths} must not be more than beam_width {c.attr('beam_width')}")
    return [
        *[TensorShape([None, 2])] * paths,
        *[TensorShape([None])] * paths,
        *[TensorShape([2])] * paths,
        TensorShape([batch, paths]),
    ]


CTCBeamSearchDecoder = declare(
    "CTCBeamSearchDecoder",
    inputs="inputs: T, sequence_length: int32",
    outputs="decoded_indices: top_paths * int64, decoded_values: top_paths * int64, "
    "decoded_shape: top_paths * int64, log_probability: T",
    attrs=("beam_width: int >= 1", "top_paths: int >= 1", "merge_repeated: bool = true", _TYPES),
    infer=_beam_infer,
    gradient=_DECODED,
    cost=_cost,
    state=PURE,
    dynamic=True,
    samples=lambda: [
        sample(floats(7, 3, 4), np.array([7, 4, 5], np.int32), beam_width=10, top_paths=3),
        sample(
            floats(7, 3, 4), np.array([7, 4, 5], np.int32), beam_width=4, top_paths=1, merge_repeated=False
        ),
        sample(floats(5, 2, 3, dtype=np.float64), np.array([5, 5], np.int32), beam_width=100, top_paths=2),
    ],
    doc="The likeliest label sequences, found by following the best beginnings.",
)
