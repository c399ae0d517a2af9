"""Samplers of candidate classes, on the host; declared in `graph/ops/candidate.py`.

They draw what TensorFlow's draw: each class takes words off the op's stream one after the other, and rejected ones
are drawn again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..graph.errors import InvalidArgumentError
from .philox import Stream, attr_stream, uniforms_of
from .registry import KernelContext, kernel

_RESERVED = 512
"""Samples of 128 bits that TensorFlow reserves per class to be drawn."""

Draw = Callable[["Words"], int]


class Words:
    """The words of a stream, one at a time."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._block = np.empty(0, np.uint32)
        self._next = 0

    def take(self, count: int) -> Any:
        """The next `count` words."""
        if self._next + count > len(self._block):
            rest = self._block[self._next :]
            size = max(1024, count)
            self._block = np.concatenate([rest, self._stream.words(size)])
            s = self._stream
            self._stream = Stream(s.xp, s.key, s.high, s.position + np.uint64(size // 4))
            self._next = 0
        found = self._block[self._next : self._next + count]
        self._next += count
        return found

    def word(self) -> int:
        return int(self.take(1)[0])

    def double(self) -> float:
        """A number in [0, 1)."""
        return float(uniforms_of(np, self.take(2), np.float64)[0])

    def float(self) -> float:
        """A float32 in [0, 1)."""
        return float(uniforms_of(np, self.take(1), np.float32)[0])

    def below(self, limit: int, bits: int) -> int:
        """A whole number in [0, limit), of words of 32 or 64 bits; words that would favour some are rejected."""
        largest = (1 << bits) - 1
        rejected = 0 if limit & (limit - 1) == 0 else largest % limit + 1
        while True:
            value = self.word()
            if bits == 64:
                value = value | self.word() << 32
            if value >= rejected:
                return value % limit


def _reserve(c: KernelContext, shape: tuple[int, ...]) -> int:
    return _RESERVED * int(c.attrs["num_sampled"])


def _fail(c: KernelContext, rule: str) -> Any:
    raise InvalidArgumentError(c.node.name, f"{c.node.op} '{c.node.name}': {rule}", "", c.node.source)


def _sample(c: KernelContext, true: Any, draw: Callable[[], int], probability: Callable[[Any], Any]) -> Any:
    """Draws the classes and says how often each would be expected among them."""
    wanted = c.attrs["num_sampled"]
    found: list[int] = []
    tries = 0
    if c.attrs["unique"]:
        seen: set[int] = set()
        while len(found) < wanted:
            tries += 1
            value = draw()
            if value not in seen:
                seen.add(value)
                found.append(value)
    else:
        found, tries = [draw() for _ in range(wanted)], wanted
    sampled = np.array(found, np.int64)
    return sampled, *(_expected(probability(v), wanted, tries) for v in (true, sampled))


def _expected(share: Any, wanted: int, tries: int) -> Any:
    """How often a class of that probability is expected among `wanted` ones that took `tries` draws."""
    share = np.asarray(share, np.float32)
    if tries == wanted:
        return share * np.float32(wanted)
    return (-np.expm1(tries * np.log1p(-share.astype(np.float64)))).astype(np.float32)


@kernel("UniformCandidateSampler", host=True, reserve=_reserve)
def uniform_sampler(c: KernelContext, true: Any, position: Any) -> Any:
    words, limit = Words(attr_stream(c, np.uint64(position))), int(c.attrs["range_max"])
    return _sample(c, true, lambda: words.below(limit, 64), lambda v: np.full(v.shape, 1.0 / limit))


_AT_ONCE = 256
"""Classes that are drawn at once; those that are not needed are drawn in vain."""


@kernel("LogUniformCandidateSampler", host=True, reserve=_reserve)
def log_uniform_sampler(c: KernelContext, true: Any, position: Any) -> Any:
    words, limit = Words(attr_stream(c, np.uint64(position))), int(c.attrs["range_max"])
    log_range = np.log1p(np.float64(limit))

    def drawn() -> Iterator[int]:
        while True:
            shares = uniforms_of(np, words.take(2 * _AT_ONCE), np.float64)
            # Rounding can give `limit` itself.
            yield from ((np.exp(shares * log_range).astype(np.int64) - 1) % limit).tolist()

    return _sample(c, true, drawn().__next__, lambda v: np.log((v + 2.0) / (v + 1.0)) / log_range)


@kernel("FixedUnigramCandidateSampler", host=True, reserve=_reserve)
def fixed_unigram_sampler(c: KernelContext, true: Any, position: Any) -> Any:
    weights = _weights(c)
    accept, other = alias_table(weights)
    words, count = Words(attr_stream(c, np.uint64(position))), len(weights)
    total = np.float32(weights.sum(dtype=np.float32))

    def draw() -> int:
        share = words.float()
        index = words.below(count, 32)
        return index if share < accept[index] else int(other[index])

    def probability(values: Any) -> Any:
        inside = (values >= 0) & (values < count)
        return np.where(inside, weights[np.where(inside, values, 0)] / total, np.float32(0))

    return _sample(c, true, draw, probability)


def _weights(c: KernelContext) -> Any:
    """The weight of each class of this shard; reserved classes have none."""
    attrs = c.attrs
    given = [float(w) for w in attrs["unigrams"]]
    if attrs["vocab_file"]:
        if given:
            _fail(c, "vocab_file and unigrams cannot both be given")
        given = _vocabulary_weights(c, attrs["vocab_file"])
    elif not given:
        _fail(c, "one of vocab_file and unigrams must be given")
    weights = [0.0] * attrs["num_reserved_ids"] + given
    mine = weights[attrs["shard"] :: attrs["num_shards"]]
    if len(mine) != attrs["range_max"]:
        _fail(c, f"range_max is {attrs['range_max']}, there are weights for {len(mine)} classes")
    raised = np.array(mine, np.float32)
    if attrs["distortion"] != 1.0:
        raised = np.where(raised > 0, np.power(raised, np.float32(attrs["distortion"])), np.float32(0))
    return raised


def _vocabulary_weights(c: KernelContext, path: str) -> list[float]:
    """The last comma-separated field of each line of a file."""
    try:
        with open(path, encoding="utf-8") as lines:
            return [float(line.rsplit(",", 1)[-1]) for line in lines if line.strip()]
    except (OSError, ValueError) as error:
        return _fail(c, f"cannot read weights from vocab_file {path!r}: {error}")  # type: ignore[no-any-return]


def alias_table(weights: Any) -> tuple[Any, Any]:
    """For each class, the share of its draws that it keeps, and the class that gets the others.

    Source:
        Walker's alias method, in the order in which TensorFlow pairs the classes.
    """
    count = len(weights)
    share = (
        np.asarray(weights, np.float32).astype(np.float64) * count / float(np.sum(weights, dtype=np.float64))
    )
    other = np.full(count, -1)
    low = [i for i in range(count) if share[i] < 1.0]
    high = [i for i in range(count) if share[i] >= 1.0]
    while high and low:
        small, large = low.pop(), high.pop()
        other[small] = large
        share[large] -= 1.0 - share[small]
        (low if share[large] < 1.0 else high).append(large)
    for left in (*low, *high):
        share[left], other[left] = 1.0, left
    return share.astype(np.float32), other


@kernel("LearnedUnigramCandidateSampler", "ThreadUnsafeUnigramCandidateSampler", host=True)
def learned_unigram_sampler(c: KernelContext, true: Any) -> Any:
    limit = int(c.attrs["range_max"])
    if true.size and not (true.min() >= 0 and true.max() < limit):
        _fail(c, f"true_classes must be in [0, {limit})")
    learned: _Learned = c.runtime.resources.setdefault(
        ("candidate_sampler", c.runtime.session, c.node.name), _Learned(c, limit)
    )
    weights = learned.weights
    total = int(weights.sum())
    ends = np.cumsum(weights)

    def draw() -> int:
        return int(np.searchsorted(ends, learned.words.below(total, 32), side="right"))

    result = _sample(c, true, draw, lambda v: weights[v] / np.float32(total))
    np.add.at(weights, true.reshape(-1), 1)
    return result


class _Learned:
    """What a learning sampler keeps from step to step: weights, which begin at one, and its stream."""

    def __init__(self, c: KernelContext, limit: int) -> None:
        self.weights = np.ones(limit, np.int64)
        seeds = c.attrs["seed"], c.attrs["seed2"]
        if seeds == (0, 0):
            seeds = tuple(int(s) for s in np.random.default_rng().integers(0, 1 << 31, 2))
        self.words = Words(Stream(np, (seeds[0], 0), (seeds[1], 0), np.uint64(0)))


@kernel("AllCandidateSampler", host=True)
def all_sampler(c: KernelContext, true: Any) -> Any:
    count = c.attrs["num_sampled"]
    return np.arange(count, dtype=np.int64), np.ones(true.shape, np.float32), np.ones(count, np.float32)


@kernel("ComputeAccidentalHits", host=True)
def accidental_hits(c: KernelContext, true: Any, sampled: Any) -> Any:
    positions = {int(v): i for i, v in enumerate(sampled)}
    hits = [
        (row, positions[int(v)]) for row, values in enumerate(true) for v in values if int(v) in positions
    ]
    rows = np.array([row for row, _ in hits], np.int32)
    ids = np.array([place for _, place in hits], np.int64)
    return rows, ids, np.full(len(hits), np.finfo(np.float32).min, np.float32)
