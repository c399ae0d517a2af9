"""TensorFlow's random streams: Philox4x32-10, and the numbers that its CPU kernels make of the bits.

A stream is a sequence of 128-bit samples, each four 32-bit words; a sample is a pure function of the key, the upper
half of the counter and its own number, so any part of a stream can be made anywhere, in any order. An op's key is
its `seed` attribute, the upper half of its counter `seed2`; the runtime keeps the position.

Everything here is written against an array namespace and can be traced by a compiler; NumPy has a form of its own
that works in place on blocks that fit into the cache.

Source:
    Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np

__all__ = [
    "GENERATORS",
    "Stream",
    "attr_stream",
    "full_integers",
    "group_size",
    "integers",
    "normals",
    "normals_of",
    "scrambled_stream",
    "uniforms",
    "uniforms_of",
]

_MULTIPLY = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)
_LOW = 0xFFFFFFFF
_ROUNDS = 10

_BLOCK = 8192
"""Samples that NumPy makes at a time, so that the words in work stay in cache."""

_SCRAMBLE_KEY = (0x3EC8F720, 0x02461E29)
"""Key under which stateless ops turn their two seeds into key and counter."""

_SMALLEST = 1.0e-7
"""Uniform numbers below this are raised to it before their logarithm is taken."""

Pair = tuple[Any, Any]


@dataclass(frozen=True)
class Stream:
    """A random stream from some position on.

    Attributes:
        xp: array namespace in which it is made.
        key: the key's two words, low first.
        high: words 2 and 3 of the counter.
        position: number of the first sample, uint64.
    """

    xp: Any
    key: Pair
    high: Pair
    position: Any

    def words(self, count: int) -> Any:
        """The next `count` words, uint32, in the stream's order."""
        u64 = self.xp.uint64
        numbers = self.xp.arange(-(-count // 4), dtype=u64) + self.xp.asarray(self.position, dtype=u64)
        return self.at(numbers).reshape(-1)[:count]

    def at(self, numbers: Any) -> Any:
        """The samples of these numbers (1-D uint64, counted from the stream's start), `(n, 4)` uint32."""
        generator = GENERATORS.get(self.xp.__name__, _generic)
        return generator(self.xp, numbers, self.key, self.high)


def attr_stream(c: Any, position: Any) -> Stream:
    """The stream of a stateful op: its attributes `seed` and `seed2` from `position` on."""
    seed, seed2 = int(c.attrs["seed"]), int(c.attrs["seed2"])
    return Stream(c.xp, (seed & _LOW, seed >> 32 & _LOW), (seed2 & _LOW, seed2 >> 32 & _LOW), position)


def scrambled_stream(c: Any, seed: Any) -> Stream:
    """The stream of a stateless op from its two seeds, an integer array of shape (2,)."""
    u64 = c.xp.uint64
    seeds = c.xp.asarray(seed).astype(u64)
    low, high = seeds[:1], seeds[1]
    stream = Stream(c.xp, _SCRAMBLE_KEY, (high & u64(_LOW), high >> u64(32)), u64(0))
    mixed = stream.at(low)[0]
    return Stream(c.xp, (mixed[0], mixed[1]), (mixed[2], mixed[3]), u64(0))


def _generic(xp: Any, numbers: Any, key: Pair, high: Pair) -> Any:
    u64 = xp.uint64
    low, shift = u64(_LOW), u64(32)
    c0, c1 = numbers & low, numbers >> shift
    c2, c3 = (xp.zeros_like(numbers) + xp.asarray(h, dtype=u64) for h in high)
    k0, k1 = (xp.asarray(k, dtype=u64) for k in key)
    for _ in range(_ROUNDS):
        p0, p1 = u64(_MULTIPLY[0]) * c0, u64(_MULTIPLY[1]) * c2
        c0, c1, c2, c3 = (p1 >> shift) ^ c1 ^ k0, p1 & low, (p0 >> shift) ^ c3 ^ k1, p0 & low
        k0, k1 = (k0 + u64(_WEYL[0])) & low, (k1 + u64(_WEYL[1])) & low
    return xp.stack([c0, c1, c2, c3], axis=-1).astype(xp.uint32)


def _blockwise(_: Any, numbers: Any, key: Pair, high: Pair) -> Any:
    count = len(numbers)
    out = np.empty((count, 4), dtype=np.uint32)
    keys = _round_keys(int(key[0]), int(key[1]))
    start = np.uint64(int(high[0]) << 32 | int(high[1]))
    # A product of 32-bit words is the next round's word pair but for one XOR, so pairs stay packed:
    # `ab` holds words 0 and 1 of the counter, `cd` words 2 and 3, the first of each in the upper half.
    ab, cd, t, u = (np.empty(min(count, _BLOCK), dtype=np.uint64) for _ in range(4))
    for begin in range(0, count, _BLOCK):
        part = numbers[begin : begin + _BLOCK]
        n = len(part)
        if n < len(ab):
            ab, cd, t, u = ab[:n], cd[:n], t[:n], u[:n]
        _swap_halves(part, ab, t)
        cd.fill(start)
        for key0, key1 in keys:
            _round(ab, cd, t, u, key0, key1)
        pairs = out[begin : begin + n].view(np.uint64)
        _swap_halves(ab, pairs[:, 0], t)
        _swap_halves(cd, pairs[:, 1], t)
    return out


def _round_keys(k0: int, k1: int) -> list[tuple[np.uint64, np.uint64]]:
    """Both key words of every round, in the upper half."""
    return [
        (np.uint64((k0 + i * _WEYL[0] & _LOW) << 32), np.uint64((k1 + i * _WEYL[1] & _LOW) << 32))
        for i in range(_ROUNDS)
    ]


_M0, _M1, _32 = np.uint64(_MULTIPLY[0]), np.uint64(_MULTIPLY[1]), np.uint64(32)


def _round(ab: Any, cd: Any, t: Any, u: Any, key0: np.uint64, key1: np.uint64) -> None:
    np.right_shift(ab, _32, out=t)
    np.multiply(t, _M0, out=t)
    np.right_shift(cd, _32, out=u)
    np.multiply(u, _M1, out=u)
    np.left_shift(ab, _32, out=ab)
    np.bitwise_xor(ab, key0, out=ab)
    np.bitwise_xor(ab, u, out=ab)
    np.left_shift(cd, _32, out=cd)
    np.bitwise_xor(cd, key1, out=cd)
    np.bitwise_xor(cd, t, out=cd)


def _swap_halves(x: Any, out: Any, scratch: Any) -> None:
    np.left_shift(x, _32, out=scratch)
    np.right_shift(x, _32, out=out)
    np.bitwise_or(out, scratch, out=out)


GENERATORS: dict[str, Callable[[Any, Any, Pair, Pair], Any]] = {"numpy": _blockwise}
"""Forms of the generator that one namespace has for itself: from (namespace, numbers, key, high) to words."""


# One float64 or 64-bit integer takes two words, every other number one.


def group_size(dtype: Any) -> int:
    """How many numbers of a type one sample gives."""
    return 4 // _words_per_number(dtype)


def _words_per_number(dtype: Any) -> int:
    return 2 if np.dtype(dtype).itemsize == 8 else 1


def uniforms(stream: Stream, count: int, dtype: Any) -> Any:
    """The next `count` numbers, evenly distributed in [0, 1), of a floating type."""
    return uniforms_of(stream.xp, stream.words(count * _words_per_number(dtype)), dtype)


_MANTISSA = {
    np.dtype(np.float16): (10, 15, np.uint16),
    np.dtype(ml_dtypes.bfloat16): (7, 127, np.uint16),
    np.dtype(np.float32): (23, 127, np.uint32),
}
"""Bits of the mantissa, exponent of 1.0, unsigned type of that width."""


def uniforms_of(xp: Any, words: Any, dtype: Any) -> Any:
    """Words as numbers in [0, 1): their low bits become the mantissa of a number in [1, 2)."""
    dtype = np.dtype(dtype)
    if dtype == np.float64:
        return _doubles(xp, words)
    bits, exponent, unsigned = _MANTISSA[dtype]
    words = xp.bitwise_or(xp.bitwise_and(words, xp.uint32((1 << bits) - 1)), xp.uint32(exponent << bits))
    return words.astype(unsigned).view(dtype) - dtype.type(1)


def _doubles(xp: Any, words: Any) -> Any:
    u64 = xp.uint64
    upper = words[0::2].astype(u64) & u64(0xFFFFF) | u64(1023 << 20)
    return (upper << u64(32) | words[1::2].astype(u64)).view(xp.float64) - 1.0


def integers(stream: Stream, count: int, low: Any, high: Any, dtype: Any) -> Any:
    """The next `count` whole numbers in [low, high), by remainder, of type int32 or int64."""
    unsigned = np.dtype(f"u{np.dtype(dtype).itemsize}")
    with np.errstate(over="ignore"):
        low = stream.xp.asarray(low).astype(unsigned)
        span = stream.xp.asarray(high).astype(unsigned) - low
        return (full_integers(stream, count, unsigned) % span + low).astype(dtype)


def full_integers(stream: Stream, count: int, dtype: Any) -> Any:
    """The next `count` whole numbers over the whole range of a type of 4 or 8 bytes."""
    words = stream.words(count * _words_per_number(dtype))
    if np.dtype(dtype).itemsize == 8:
        u64 = stream.xp.uint64
        words = words[0::2].astype(u64) | words[1::2].astype(u64) << u64(32)
    return words.astype(dtype)


def normals(stream: Stream, count: int, dtype: Any) -> Any:
    """The next `count` numbers of the standard normal distribution."""
    per_number = _words_per_number(dtype)
    words = stream.words(-(-count // 2) * 2 * per_number)
    return normals_of(stream.xp, words, dtype)[:count]


def normals_of(xp: Any, words: Any, dtype: Any) -> Any:
    """Words as normal numbers: Box and Muller's method makes two of every two uniform ones.

    Types of two bytes are computed as float32 and rounded.
    """
    dtype = np.dtype(dtype)
    wide = np.dtype(np.float64) if dtype == np.float64 else np.dtype(np.float32)
    even = uniforms_of(xp, words, wide).reshape(-1, 2)
    radius = xp.sqrt(-2.0 * xp.log(xp.maximum(even[:, 0], wide.type(_SMALLEST))))
    angle = (even[:, 1].astype(np.float64) * (2.0 * math.pi)).astype(wide)
    return xp.stack([radius * xp.sin(angle), radius * xp.cos(angle)], axis=-1).reshape(-1).astype(dtype)
