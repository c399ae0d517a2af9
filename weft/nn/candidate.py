"""Samplers of candidate classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..graph.elements import Tensor
from ..graph.ops import candidate as ops
from ..graph.random_seed import get_seed

__all__ = [
    "all_candidate_sampler",
    "compute_accidental_hits",
    "fixed_unigram_candidate_sampler",
    "learned_unigram_candidate_sampler",
    "log_uniform_candidate_sampler",
    "uniform_candidate_sampler",
]

Candidates = tuple[Tensor, Tensor, Tensor]


def _seeds(seed: int | None) -> dict[str, int]:
    graph_seed, op_seed = get_seed(seed)
    return {"seed": graph_seed or 0, "seed2": op_seed or 0}


def uniform_candidate_sampler(
    true_classes: Any,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    seed: int | None = None,
    name: str | None = None,
) -> Candidates:
    """Classes drawn evenly from [0, range_max).

    Args:
        true_classes: int64 `(batch, num_true)`.
        num_true: true classes per example.
        num_sampled: classes to draw.
        unique: whether they are all different.
        range_max: number of classes.
        seed: seed of the op.
        name: name of the op.

    Returns:
        (the classes, how often each true class is expected among them, how often each drawn one is).

    Source:
        TensorFlow's op `UniformCandidateSampler`.
    """
    return ops.UniformCandidateSampler(
        true_classes,
        num_true=num_true,
        num_sampled=num_sampled,
        unique=unique,
        range_max=range_max,
        name=name,
        **_seeds(seed),
    )


def log_uniform_candidate_sampler(
    true_classes: Any,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    seed: int | None = None,
    name: str | None = None,
) -> Candidates:
    """Classes drawn by Zipf's law, for classes in descending order of how frequent they are.

    Args:
        true_classes, num_true, num_sampled, unique, range_max, seed, name: see `uniform_candidate_sampler`.

    Returns:
        (the classes, how often each true class is expected among them, how often each drawn one is).

    Source:
        TensorFlow's op `LogUniformCandidateSampler`.
    """
    return ops.LogUniformCandidateSampler(
        true_classes,
        num_true=num_true,
        num_sampled=num_sampled,
        unique=unique,
        range_max=range_max,
        name=name,
        **_seeds(seed),
    )


def learned_unigram_candidate_sampler(
    true_classes: Any,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    seed: int | None = None,
    name: str | None = None,
) -> Candidates:
    """Classes drawn as often as they have been true ones so far.

    Args:
        true_classes, num_true, num_sampled, unique, range_max, seed, name: see `uniform_candidate_sampler`.

    Returns:
        (the classes, how often each true class is expected among them, how often each drawn one is).

    Source:
        TensorFlow's op `LearnedUnigramCandidateSampler`.
    """
    return ops.LearnedUnigramCandidateSampler(
        true_classes,
        num_true=num_true,
        num_sampled=num_sampled,
        unique=unique,
        range_max=range_max,
        name=name,
        **_seeds(seed),
    )


def fixed_unigram_candidate_sampler(
    true_classes: Any,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    vocab_file: str = "",
    distortion: float = 1.0,
    num_reserved_ids: int = 0,
    num_shards: int = 1,
    shard: int = 0,
    unigrams: Sequence[float] = (),
    seed: int | None = None,
    name: str | None = None,
) -> Candidates:
    """Classes drawn by given weights.

    Args:
        true_classes, num_true, num_sampled, unique, range_max, seed, name: see `uniform_candidate_sampler`.
        vocab_file: file with one class per line, its weight behind the last comma.
        distortion: power to which the weights are raised.
        num_reserved_ids: classes before the first one with a weight, which are never drawn.
        num_shards, shard: draws only from every `num_shards`-th class, beginning with `shard`.
        unigrams: the weights, in the place of a file.

    Returns:
        (the classes, how often each true class is expected among them, how often each drawn one is).

    Source:
        TensorFlow's op `FixedUnigramCandidateSampler`.
    """
    return ops.FixedUnigramCandidateSampler(
        true_classes,
        num_true=num_true,
        num_sampled=num_sampled,
        unique=unique,
        range_max=range_max,
        vocab_file=vocab_file,
        distortion=distortion,
        num_reserved_ids=num_reserved_ids,
        num_shards=num_shards,
        shard=shard,
        unigrams=list(unigrams),
        name=name,
        **_seeds(seed),
    )


def all_candidate_sampler(
    true_classes: Any,
    num_true: int,
    num_sampled: int,
    unique: bool,
    seed: int | None = None,
    name: str | None = None,
) -> Candidates:
    """All classes, for tests and for few classes.

    Args:
        true_classes, num_true, unique, seed, name: see `uniform_candidate_sampler`.
        num_sampled: number of classes.

    Returns:
        (the classes, ones, ones).

    Source:
        TensorFlow's op `AllCandidateSampler`.
    """
    return ops.AllCandidateSampler(
        true_classes, num_true=num_true, num_sampled=num_sampled, unique=unique, name=name, **_seeds(seed)
    )


def compute_accidental_hits(
    true_classes: Any,
    sampled_candidates: Any,
    num_true: int,
    seed: int | None = None,
    name: str | None = None,
) -> Candidates:
    """Where drawn classes are true ones.

    Args:
        true_classes: int64 `(batch, num_true)`.
        sampled_candidates: int64 `(num_sampled,)`.
        num_true: true classes per example.
        seed: accepted for TensorFlow's sake.
        name: name of the op.

    Returns:
        (rows of `true_classes`, positions among the drawn classes, the lowest float32 for each).

    Source:
        TensorFlow's op `ComputeAccidentalHits`.
    """
    return ops.ComputeAccidentalHits(
        true_classes, sampled_candidates, num_true=num_true, name=name, **_seeds(seed)
    )
