"""Normal numbers between bounds, by rejection; declared in `graph/ops/samplers.py`.

Source:
    Robert, "Simulation of truncated normal variables", 1995: normal, even or exponential proposals, whichever is
    accepted most often.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..graph.errors import InternalError
from .array import dims_of
from .philox import Stream, attr_stream, group_size, normals_of, uniforms_of
from .random import elements, fail
from .registry import KernelContext, kernel

_TRIES = 1000
"""Proposals after which a number is given up."""

_BATCH = 100
"""Numbers per batch where all batches have the same parameters."""

_WIDE = 1.3
"""Deviations on one side of the mean from which on normal proposals are used."""

Proposal = Callable[["_Tape", int], tuple[Any, Any]]


def _reserve(c: KernelContext, shape: tuple[int, ...]) -> int:
    return -(-elements(shape) // _BATCH) * 2 * _TRIES * (_BATCH + 3) // 4


@kernel("ParameterizedTruncatedNormal", host=True, reserve=_reserve)
def parameterized_truncated_normal(
    c: KernelContext, shape: Any, means: Any, deviations: Any, low: Any, high: Any, position: Any
) -> Any:
    dims = dims_of(shape)
    out = np.empty(elements(dims), c.out_dtype)
    parameters = [np.ravel(p) for p in (means, deviations, low, high)]
    same = len(parameters[0]) == len(parameters[1]) == 1 and np.ndim(low) == np.ndim(high) == 0
    batches, size = (-(-len(out) // _BATCH), _BATCH) if same else (dims[0], elements(dims[1:]))
    if any(len(p) not in (1, batches) for p in parameters):
        fail(c, f"parameters must be scalars or have a value for each of the {batches} batches")
    tape = _Tape(attr_stream(c, position), c.out_dtype)
    for batch in range(batches):
        mean, deviation, a, b = (p[0 if len(p) == 1 else batch] for p in parameters)
        if not (deviation > 0 and a < b and (np.isfinite(a) or np.isfinite(b))):
            fail(c, f"no number lies in [{a}, {b}] with mean {mean} and deviation {deviation}")
        if np.isneginf(a) or b < mean:
            a, b, deviation = b, a, -deviation
        part = out[batch * size : (batch + 1) * size]
        with np.errstate(all="ignore"):
            drawn = _batch(c, tape, (a - mean) / deviation, (b - mean) / deviation, len(part))
            part[:] = drawn * deviation + mean
    return out.reshape(dims)


class _Tape:
    """A stream read sample by sample, group after group."""

    def __init__(self, stream: Stream, dtype: Any) -> None:
        self.stream = stream
        self.dtype = dtype
        self.width = group_size(dtype)
        self.next = int(stream.position)

    def peek(self, groups: int, make: Callable[..., Any]) -> Any:
        """The next groups of numbers, `(groups, width)`."""
        numbers = np.arange(self.next, self.next + groups, dtype=np.uint64)
        return make(np, self.stream.at(numbers).reshape(-1), self.dtype).reshape(groups, self.width)


def _batch(c: KernelContext, tape: _Tape, low: Any, high: Any, count: int) -> Any:
    """`count` standard normal numbers between bounds; the tape moves to the first group that is not touched."""
    two, four = low.dtype.type(2), low.dtype.type(4)
    root = np.sqrt(low * low + four)
    cutoff = two * np.exp(low.dtype.type(0.5) + low * (low - root) / four) / (low + root)
    if (low < -_WIDE and high >= 0) or (high > _WIDE and low <= 0):
        step, propose = 1, _normal_proposals(low, high)
    elif high - low < cutoff:
        step, propose = 2, _even_proposals(low, high)
    else:
        step, propose = 1, _exponential_proposals(low, high)
    found: list[Any] = []
    left, rejected = count, 0
    while left:
        rounds = -(-2 * left // tape.width) + 4
        values, accepted = propose(tape, rounds)
        places = np.flatnonzero(accepted.reshape(-1))
        if not len(places):
            rejected += accepted.size
            if rejected > _TRIES:
                rule = f"no number between {low} and {high} deviations was accepted"
                raise InternalError(c.node.name, f"{c.node.op} '{c.node.name}': {rule}", "", c.node.source)
        else:
            rejected = 0
        taken = places[:left]
        found.append(values.reshape(-1)[taken])
        left -= len(taken)
        used = rounds if left else int(taken[-1]) // accepted.shape[1] + 1
        tape.next += used * step
    return np.concatenate(found) if found else np.empty(0, tape.dtype)


def _normal_proposals(low: Any, high: Any) -> Proposal:
    def propose(tape: _Tape, rounds: int) -> tuple[Any, Any]:
        drawn = tape.peek(rounds, normals_of)
        return drawn, (drawn >= low) & (drawn <= high)

    return propose


def _even_proposals(low: Any, high: Any) -> Proposal:
    top = low.dtype.type(0) if low < 0 else low * low

    def propose(tape: _Tape, rounds: int) -> tuple[Any, Any]:
        drawn = tape.peek(2 * rounds, uniforms_of).reshape(rounds, 2, tape.width)
        z = drawn[:, 0] * (high - low) + low
        return z, drawn[:, 1] <= np.exp((top - z * z) / low.dtype.type(2))

    return propose


def _exponential_proposals(low: Any, high: Any) -> Proposal:
    two = low.dtype.type(2)
    rate = (low + np.sqrt(low * low + low.dtype.type(4))) / two

    def propose(tape: _Tape, rounds: int) -> tuple[Any, Any]:
        drawn = tape.peek(rounds, uniforms_of)
        z = -np.log(drawn[:, 0::2]) / rate + low
        x = rate - z if low < rate else low - rate
        return z, (drawn[:, 1::2] <= np.exp(-x * x / two)) & (z < high)

    return propose
