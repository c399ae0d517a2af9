"""Samplers of candidate classes, for losses over many classes that look at a few of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..infer import CostContext, InferContext
from ..opdef import EFFECT, PURE, RANDOM, Cost, NoGradient, OpDecl, State, declare
from ..samples import sample
from ..shapes import TensorShape

__all__ = [
    "AllCandidateSampler",
    "ComputeAccidentalHits",
    "FixedUnigramCandidateSampler",
    "LearnedUnigramCandidateSampler",
    "LogUniformCandidateSampler",
    "ThreadUnsafeUnigramCandidateSampler",
    "UniformCandidateSampler",
]

_COUNTS = ("num_true: int >= 1", "num_sampled: int >= 1", "unique: bool")
_RANGE = "range_max: int >= 1"
_SEEDS = ("seed: int = 0", "seed2: int = 0")
_NO_GRADIENT = NoGradient("it draws classes")


def _infer(c: InferContext) -> Sequence[TensorShape]:
    true = c.rank("true_classes", 2)
    count = c.attr("num_true")
    true = c.merge(true, TensorShape([None, count]), f"true_classes must have num_true = {count} columns")
    limit = c.attrs.get("range_max")
    if c.attr("unique") and limit is not None and c.attr("num_sampled") > limit:
        c.fail(f"{c.attr('num_sampled')} different classes cannot be drawn from {limit}")
    sampled = TensorShape([c.attr("num_sampled")])
    return [sampled, true, sampled]


def _cost(c: CostContext) -> Cost:
    return Cost(20.0 * c.out_elements, c.in_bytes + c.out_bytes)


def _rows(more: Sequence[dict[str, Any]], **attrs: Any) -> Any:
    true = np.array([[0, 3], [7, 1], [2, 2]], np.int64)
    common = {"num_true": 2, "seed": 87654321, "seed2": 3, **attrs}
    return lambda: [sample(true, **{**common, **row}) for row in more]


def _sampler(
    name: str, attrs: Sequence[str], state: State, samples: Any, doc: str, inputs: str = "true_classes: int64"
) -> OpDecl:
    return declare(
        name,
        inputs=inputs,
        outputs="sampled_candidates: int64, true_expected_count: float, sampled_expected_count: float",
        attrs=attrs,
        infer=_infer,
        gradient=_NO_GRADIENT,
        cost=_cost,
        state=state,
        samples=samples,
        doc=doc,
    )


_DRAWS = (
    {"num_sampled": 5, "unique": True, "range_max": 10},
    {"num_sampled": 7, "unique": False, "range_max": 8},
    {"num_sampled": 40, "unique": True, "range_max": 1000},
)

UniformCandidateSampler = _sampler(
    "UniformCandidateSampler",
    (*_COUNTS, _RANGE, *_SEEDS),
    RANDOM,
    _rows(_DRAWS),
    "Classes drawn evenly.",
)

LogUniformCandidateSampler = _sampler(
    "LogUniformCandidateSampler",
    (*_COUNTS, _RANGE, *_SEEDS),
    RANDOM,
    _rows(_DRAWS),
    "Classes drawn by Zipf's law: class k with a probability of about 1 / (k + 1).",
)

_UNIGRAMS = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0]

FixedUnigramCandidateSampler = _sampler(
    "FixedUnigramCandidateSampler",
    (
        *_COUNTS,
        _RANGE,
        "vocab_file: string = ''",
        "distortion: float = 1.0",
        "num_reserved_ids: int = 0",
        "num_shards: int >= 1 = 1",
        "shard: int >= 0 = 0",
        "unigrams: list(float) = []",
        *_SEEDS,
    ),
    RANDOM,
    _rows(
        (
            {"num_sampled": 5, "unique": True, "range_max": 8, "unigrams": _UNIGRAMS},
            {"num_sampled": 9, "unique": False, "range_max": 8, "unigrams": _UNIGRAMS, "distortion": 0.75},
            {
                "num_sampled": 6,
                "unique": False,
                "range_max": 10,
                "unigrams": _UNIGRAMS,
                "num_reserved_ids": 2,
            },
        )
    ),
    "Classes drawn by given weights.",
)

LearnedUnigramCandidateSampler = _sampler(
    "LearnedUnigramCandidateSampler",
    (*_COUNTS, _RANGE, *_SEEDS),
    EFFECT,
    list,
    "Classes drawn as often as they have been true ones so far.",
)

ThreadUnsafeUnigramCandidateSampler = _sampler(
    "ThreadUnsafeUnigramCandidateSampler",
    (*_COUNTS, _RANGE, *_SEEDS),
    EFFECT,
    list,
    "LearnedUnigramCandidateSampler under another name.",
)

AllCandidateSampler = _sampler(
    "AllCandidateSampler",
    (*_COUNTS, *_SEEDS),
    PURE,
    _rows(({"num_sampled": 8, "unique": True}, {"num_sampled": 9, "unique": False})),
    "All classes.",
)


def _hits_infer(c: InferContext) -> Sequence[TensorShape]:
    true = c.rank("true_classes", 2)
    c.rank("sampled_candidates", 1)
    count = c.attr("num_true")
    c.merge(true, TensorShape([None, count]), f"true_classes must have num_true = {count} columns")
    return [TensorShape([None])] * 3


ComputeAccidentalHits = declare(
    "ComputeAccidentalHits",
    inputs="true_classes: int64, sampled_candidates: int64",
    outputs="indices: int32, ids: int64, weights: float",
    attrs=("num_true: int", *_SEEDS),
    infer=_hits_infer,
    gradient=NoGradient("it finds positions"),
    cost=_cost,
    state=PURE,
    dynamic=True,
    samples=lambda: [
        sample(np.array([[0, 3], [7, 1], [2, 2]], np.int64), np.array([4, 3, 2, 9, 0], np.int64), num_true=2),
        sample(np.array([[5]], np.int64), np.array([4, 3], np.int64), num_true=1),
    ],
    doc="Sampled classes that are true ones too: row, position among the sampled ones, lowest weight.",
)
