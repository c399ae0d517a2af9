"""Random numbers by rejection, and shuffles; declared in `graph/ops/samplers.py`.

Every number has a part of the op's stream to itself and draws from it until one is accepted, so all numbers can be
drawn side by side. The samplers run on the host, whatever the device: what they draw depends on data.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .array import dims_of
from .philox import Stream, attr_stream, normals_of, scrambled_stream, uniforms_of
from .random import RESERVED, elements, fail, reserve_outputs
from .registry import KernelContext, kernel

_F64 = np.float64


class _Draws:
    """Uniform and normal numbers for many outputs at once, each from its own part of a stream.

    A sample gives two numbers, of which TensorFlow's kernels take the second one first.

    Args:
        stream: the op's stream.
        numbers: for each output, number of the first sample that it may take.
    """

    def __init__(self, stream: Stream, numbers: Any) -> None:
        self.stream = stream
        self.numbers = numbers
        self._left: dict[str, Any] = {}
        self._buffers: dict[str, Any] = {}

    def uniform(self, which: Any) -> Any:
        """One number in [0, 1) for each of the outputs at these positions."""
        return self._take("uniform", which, uniforms_of)

    def normal(self, which: Any) -> Any:
        """One normal number for each of the outputs at these positions."""
        return self._take("normal", which, normals_of)

    def _take(self, kind: str, which: Any, make: Callable[..., Any]) -> Any:
        if kind not in self._left:
            self._left[kind] = np.zeros(len(self.numbers), np.int64)
            self._buffers[kind] = np.empty((len(self.numbers), 2), _F64)
        left, buffer = self._left[kind], self._buffers[kind]
        empty = which[left[which] == 0]
        if len(empty):
            words = self.stream.at(self.numbers[empty]).reshape(-1)
            buffer[empty] = make(np, words, _F64).reshape(-1, 2)
            self.numbers[empty] += np.uint64(1)
            left[empty] = 2
        left[which] -= 1
        return buffer[which, left[which]]


def _draws(stream: Stream, count: int) -> _Draws:
    first = np.uint64(stream.position) + np.arange(count, dtype=np.uint64) * np.uint64(RESERVED)
    return _Draws(stream, first)


def _per_parameter(
    sampler: Callable[..., Any], stream: Stream, draws: int, parameters: Any, dtype: Any
) -> Any:
    """`(draws, parameters)` numbers; the stream is laid out parameter by parameter."""
    flat = np.asarray(parameters, _F64).reshape(-1)
    drawn = sampler(_draws(stream, draws * flat.size), np.repeat(flat, draws))
    if np.dtype(dtype).kind == "i":
        limits = np.iinfo(dtype)
        drawn = np.clip(drawn, limits.min, float(limits.max))
    return drawn.astype(dtype).reshape(flat.size, draws).T


def _stateful(
    c: KernelContext, sampler: Callable[..., Any], shape: Any, parameters: Any, position: Any
) -> Any:
    dims = dims_of(shape)
    stream = attr_stream(c, position)
    drawn = _per_parameter(sampler, stream, elements(dims), parameters, c.out_dtype)
    return np.ascontiguousarray(drawn).reshape(*dims, *np.shape(parameters))


def _stateless(c: KernelContext, sampler: Callable[..., Any], shape: Any, seed: Any, parameters: Any) -> Any:
    dims = dims_of(shape)
    count = np.size(parameters)
    if dims[len(dims) - np.ndim(parameters) :] != np.shape(parameters):
        fail(c, f"shape {list(dims)} must end with the parameters' shape {list(np.shape(parameters))}")
    draws = elements(dims) // count if count else 0
    drawn = _per_parameter(sampler, scrambled_stream(c, seed), draws, parameters, c.out_dtype)
    return np.ascontiguousarray(drawn).reshape(dims)


def _gammas(draws: _Draws, alpha: Any) -> Any:
    """Marsaglia and Tsang's method; parameter 1 is the exponential distribution.

    Source:
        Marsaglia and Tsang, "A simple method for generating gamma variables", TOMS 2000.
    """
    out = np.empty(len(alpha), _F64)
    simple = np.flatnonzero(alpha == 1.0)
    out[simple] = -np.log1p(-draws.uniform(simple))
    small = alpha < 1.0
    d = alpha + np.where(small, 2.0 / 3.0, -1.0 / 3.0)
    pending = np.flatnonzero(alpha != 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        c = 1.0 / 3.0 / np.sqrt(d)
        while len(pending):
            x = draws.normal(pending)
            v = 1.0 + c[pending] * x
            positive = v > 0.0
            tried, x, v = pending[positive], x[positive], v[positive] ** 3
            u = draws.uniform(tried)
            accepted = (u < 1.0 - 0.0331 * (x * x) * (x * x)) | (
                np.log(u) < 0.5 * x * x + d[tried] * (1.0 - v + np.log(v))
            )
            done = tried[accepted]
            out[done] = d[done] * v[accepted]
            boosted = done[small[done]]
            out[boosted] *= draws.uniform(boosted) ** (1.0 / alpha[boosted])
            pending = _without(pending, done, len(alpha))
    return out


def _without(pending: Any, done: Any, size: int) -> Any:
    left = np.zeros(size, np.bool_)
    left[pending] = True
    left[done] = False
    return pending[left[pending]]


def _poissons(draws: _Draws, rate: Any) -> Any:
    out = np.empty(len(rate), _F64)
    invalid = ~(np.isfinite(rate) & (rate >= 0.0))
    out[invalid] = np.nan
    _count_arrivals(draws, rate, np.flatnonzero(~invalid & (rate < 10.0)), out)
    _transformed_rejection(draws, rate, np.flatnonzero(~invalid & (rate >= 10.0)), out)
    return out


def _count_arrivals(draws: _Draws, rate: Any, pending: Any, out: Any) -> None:
    """Knuth's method: how many uniform numbers it takes until their product is below exp(-rate)."""
    limit = np.exp(-rate)
    product = np.ones(len(rate), _F64)
    count = 0
    while len(pending):
        product[pending] *= draws.uniform(pending)
        ended = product[pending] <= limit[pending]
        out[pending[ended]] = count
        pending = pending[~ended]
        count += 1


def _transformed_rejection(draws: _Draws, rate: Any, pending: Any, out: Any) -> None:
    """Hoermann's method, for rates of ten and more.

    Source:
        Hoermann, "The transformed rejection method for generating Poisson random variables", 1993.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        b = 0.931 + 2.53 * np.sqrt(rate)
        a = -0.059 + 0.02483 * b
        scale = 1.1239 + 1.1328 / (b - 3.4)
        while len(pending):
            r, pa, pb = rate[pending], a[pending], b[pending]
            u = draws.uniform(pending) - 0.5
            v = draws.uniform(pending)
            distance = 0.5 - np.abs(u)
            k = np.floor((2.0 * pa / distance + pb) * u + r + 0.43)
            inside = (distance >= 0.07) & (v <= 0.9277 - 3.6224 / (pb - 2.0))
            hopeless = ~inside & ((k < 0.0) | ((distance < 0.013) & (v > distance)))
            left = np.log(v * scale[pending] / (pa / (distance * distance) + pb))
            accepted = inside | (~hopeless & (left <= -r + k * np.log(r) - _log_gamma(k + 1.0)))
            out[pending[accepted]] = k[accepted]
            pending = pending[~accepted]


def _log_gamma(x: Any) -> Any:
    return np.array([math.lgamma(v) if v > 0.0 else math.inf for v in x.tolist()])


@kernel("RandomGamma", host=True, reserve=reserve_outputs)
def random_gamma(c: KernelContext, shape: Any, alpha: Any, position: Any) -> Any:
    return _stateful(c, _gammas, shape, alpha, position)


@kernel("StatelessRandomGammaV2", host=True)
def stateless_gamma(c: KernelContext, shape: Any, seed: Any, alpha: Any) -> Any:
    return _stateless(c, _gammas, shape, seed, alpha)


@kernel("RandomPoisson", "RandomPoissonV2", host=True, reserve=reserve_outputs)
def random_poisson(c: KernelContext, shape: Any, rate: Any, position: Any) -> Any:
    return _stateful(c, _poissons, shape, rate, position)


@kernel("StatelessRandomPoisson", host=True)
def stateless_poisson(c: KernelContext, shape: Any, seed: Any, rate: Any) -> Any:
    return _stateless(c, _poissons, shape, seed, rate)


@kernel("RandomGammaGrad", host=True)
def random_gamma_grad(c: KernelContext, alpha: Any, drawn: Any) -> Any:
    """From the distribution function P: dx/da = -(dP/da) / (dP/dx), with P as a power series in x.

    Source:
        Figurnov et al., "Implicit reparameterization gradients", NeurIPS 2018.
    """
    a, x = np.broadcast_arrays(np.asarray(alpha, _F64), np.asarray(drawn, _F64))
    term, slope = np.ones(a.shape), np.zeros(a.shape)
    total, total_slope = term.copy(), slope.copy()
    with np.errstate(all="ignore"):
        for n in range(1, 20_000):
            slope = (slope - term / (a + n)) * x / (a + n)
            term = term * x / (a + n)
            total, total_slope = total + term, total_slope + slope
            if not np.any(np.abs(slope) > 1e-17 * np.abs(total_slope)):
                break
        found = -(x / a) * (total * (np.log(x) - _digamma(a + 1.0)) + total_slope)
        return np.where(x == 0.0, 0.0, found).astype(c.out_dtype)


def _digamma(x: Any) -> Any:
    """Derivative of log gamma, for positive numbers: recurrence up to 10, then the asymptotic series."""
    shift = np.zeros_like(x)
    while np.any(x < 10.0):
        shift = shift - np.where(x < 10.0, 1.0 / x, 0.0)
        x = np.where(x < 10.0, x + 1.0, x)
    inverse = 1.0 / (x * x)
    series = inverse * (
        1 / 12 - inverse * (1 / 120 - inverse * (1 / 252 - inverse * (1 / 240 - inverse / 132)))
    )
    return np.log(x) - 0.5 / x - series + shift


def reserve_shuffle(c: KernelContext, shape: tuple[int, ...]) -> int:
    """Shuffling takes one word per row but the last."""
    return (shape[0] + 2) // 4 if shape and shape[0] > 1 and elements(shape) > 1 else 0


def swaps(c: KernelContext, rows: int, position: Any) -> Any:
    """For each row in turn, how far behind it the row is that it changes places with."""
    words = attr_stream(c, position).words(rows - 1)
    return words % c.xp.arange(rows, 1, -1, dtype=c.xp.uint32)


@kernel("RandomShuffle", reserve=reserve_shuffle)
def random_shuffle(c: KernelContext, value: Any, position: Any) -> Any:
    if not reserve_shuffle(c, value.shape):
        return value
    order = list(range(value.shape[0]))
    distances = swaps(c, len(order), position)
    for row, distance in enumerate((distances.get() if c.xp is not np else distances).tolist()):
        order[row], order[row + distance] = order[row + distance], order[row]
    return value[c.xp.asarray(order)]


def reserve_classes(c: KernelContext, shape: tuple[int, ...]) -> int:
    """Two words per number, rows rounded up to whole samples."""
    return shape[0] * (-(-shape[1] // 4) * 8) * RESERVED


@kernel("Multinomial", reserve=reserve_classes)
def multinomial(c: KernelContext, logits: Any, count: Any, position: Any) -> Any:
    return _classes(c, attr_stream(c, position), logits, int(count))


@kernel("StatelessMultinomial")
def stateless_multinomial(c: KernelContext, logits: Any, count: Any, seed: Any) -> Any:
    return _classes(c, scrambled_stream(c, seed), logits, int(count))


def _classes(c: KernelContext, stream: Stream, logits: Any, count: int) -> Any:
    xp = c.xp
    batch, classes = logits.shape
    if not batch or not count:
        return xp.zeros((batch, count), dtype=c.out_dtype)
    weights = logits.astype(_F64)
    finite = xp.isfinite(weights)
    lowest = xp.max(xp.where(finite, weights, -np.inf), axis=1, keepdims=True)
    sums = xp.cumsum(xp.where(finite, xp.exp(weights - lowest), 0.0), axis=1)
    drawn = uniforms_of(xp, stream.words(2 * batch * count), _F64).reshape(batch, count) * sums[:, -1:]
    if xp is np:
        rows = [np.searchsorted(s, d, side="right") for s, d in zip(sums, drawn, strict=True)]
        return np.stack(rows).astype(c.out_dtype)
    found = xp.zeros((batch, count), dtype=c.out_dtype)
    low, high = found, found + classes
    for _ in range(classes.bit_length()):
        middle = (low + high) // 2
        below = xp.take_along_axis(sums, xp.minimum(middle, classes - 1), axis=1) <= drawn
        open_ = low < high
        low = xp.where(open_ & below, middle + 1, low)
        high = xp.where(open_ & ~below, middle, high)
    return low.astype(c.out_dtype)
