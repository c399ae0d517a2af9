"""Beam search: sequences read off the steps of a search."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..infer import CostContext, InferContext
from ..opdef import PURE, Cost, NoGradient, declare
from ..samples import ints, sample
from ..shapes import TensorShape

__all__ = ["GatherTree"]


def _shape(c: InferContext) -> Sequence[TensorShape]:
    steps = c.merge(
        c.rank("step_ids", 3), c.rank("parent_ids", 3), "step_ids and parent_ids must be of one shape"
    )
    lengths = c.rank("max_sequence_lengths", 1)
    batch = c.merge(TensorShape([steps[1]]), lengths, "max_sequence_lengths must have one entry per batch")
    c.rank("end_token", 0)
    return [TensorShape([steps[0], batch[0], steps[2]])]


def _cost(c: CostContext) -> Cost:
    return Cost(4.0 * c.out_elements, c.in_bytes + c.out_bytes)


GatherTree = declare(
    "GatherTree",
    inputs="step_ids: T, parent_ids: T, max_sequence_lengths: int32, end_token: T",
    outputs="beams: T",
    attrs="T: {int32, int64}",
    infer=_shape,
    gradient=NoGradient("its output is made of ids"),
    cost=_cost,
    state=PURE,
    samples=lambda: [
        sample(
            ints(5, 2, 3, low=1, high=6),
            ints(5, 2, 3, high=3, seed=1),
            np.array([5, 3], np.int32),
            np.int32(9),
        ),
        sample(
            ints(4, 3, 2, high=3, dtype=np.int64),
            ints(4, 3, 2, high=2, seed=2, dtype=np.int64),
            np.array([0, 4, 7], np.int32),
            np.int64(2),
        ),
        sample(ints(3, 2, 1, high=4), ints(3, 2, 1, high=1), np.array([3, 1], np.int32), np.int32(0)),
        sample(ints(0, 2, 3), ints(0, 2, 3), np.array([0, 2], np.int32), np.int32(1)),
    ],
    doc="Sequences of a beam search: for each last beam its ids, found along the parents, first step first.",
)
