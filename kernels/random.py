"""Random numbers, from TensorFlow's own streams; declared in `graph/ops/random.py`.

The last input of a stateful op's kernel is its position in its stream, in samples of 128 bits. Every run moves the
position on by what TensorFlow's kernel reserves, used or not, so that the next run starts where TensorFlow's does.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph.errors import InvalidArgumentError
from .array import dims_of
from .philox import (
    Stream,
    attr_stream,
    full_integers,
    group_size,
    integers,
    normals,
    normals_of,
    scrambled_stream,
    uniforms,
)
from .registry import KernelContext, kernel

RESERVED = 256
"""Samples that TensorFlow reserves for each number of an output."""

_BOUND = 2.0
"""Standard deviations at which the truncated normal distribution ends."""


def elements(shape: tuple[int, ...]) -> int:
    """Product of the dimensions."""
    return int(np.prod(shape, dtype=np.int64))


def reserve_outputs(c: KernelContext, shape: tuple[int, ...]) -> int:
    """What an op reserves that draws an unknown number of samples per number."""
    return elements(shape) * RESERVED


@kernel("RandomUniform", reserve=reserve_outputs)
def random_uniform(c: KernelContext, shape: Any, position: Any) -> Any:
    dims = dims_of(shape)
    return uniforms(attr_stream(c, position), elements(dims), c.out_dtype).reshape(dims)


@kernel("RandomStandardNormal", reserve=reserve_outputs)
def random_normal(c: KernelContext, shape: Any, position: Any) -> Any:
    dims = dims_of(shape)
    return normals(attr_stream(c, position), elements(dims), c.out_dtype).reshape(dims)


@kernel("RandomUniformInt", reserve=reserve_outputs)
def random_uniform_int(c: KernelContext, shape: Any, low: Any, high: Any, position: Any) -> Any:
    return _integers(c, attr_stream(c, position), dims_of(shape), low, high)


def _integers(c: KernelContext, stream: Stream, dims: tuple[int, ...], low: Any, high: Any) -> Any:
    if elements(dims) and not low < high:
        fail(c, f"minval must be less than maxval, got {low} >= {high}")
    return integers(stream, elements(dims), low, high, c.out_dtype).reshape(dims)


def fail(c: KernelContext, rule: str) -> None:
    """Raises InvalidArgumentError that names the op and its node."""
    raise InvalidArgumentError(c.node.name, f"{c.node.op} '{c.node.name}': {rule}", "", c.node.source)


@kernel("TruncatedNormal", reserve=reserve_outputs)
def truncated_normal(c: KernelContext, shape: Any, position: Any) -> Any:
    dims = dims_of(shape)
    return truncated_normals(attr_stream(c, position), elements(dims), c.out_dtype).reshape(dims)


def truncated_normals(stream: Stream, count: int, dtype: Any) -> Any:
    """The next `count` normal numbers of those that lie within two standard deviations.

    Numbers are made in groups of one sample's worth; each group has a part of the stream to itself and takes
    from it until it is full.
    """
    xp = stream.xp
    width = group_size(dtype)
    groups = -(-count // width)
    wide = np.float64 if np.dtype(dtype) == np.float64 else np.float32
    out = xp.zeros((groups, width), dtype=wide)
    filled = xp.zeros(groups, dtype=np.int64)
    pending = xp.arange(groups)
    number = xp.asarray(stream.position, dtype=xp.uint64) + group_starts(xp, groups, width)
    while len(pending):
        drawn = normals_of(xp, stream.at(number).reshape(-1), wide).reshape(-1, width)
        inside = in_bounds(xp, drawn)
        place = filled[:, None] + xp.cumsum(inside, axis=1) - 1
        row, column = xp.nonzero(inside & (place < width))
        out[pending[row], place[row, column]] = drawn[row, column]
        filled = filled + inside.sum(axis=1)
        left = filled < width
        pending, number, filled = pending[left], number[left] + xp.uint64(1), filled[left]
    return out.reshape(-1)[:count].astype(dtype)


def in_bounds(xp: Any, drawn: Any) -> Any:
    """Which normal numbers the truncated distribution keeps."""
    return xp.abs(drawn) < _BOUND


def group_starts(xp: Any, groups: int, width: int) -> Any:
    """Number of each group's first sample, counted from the op's position."""
    return xp.arange(groups, dtype=xp.uint64) * xp.uint64(width * RESERVED // 4)


@kernel("StatelessRandomUniform")
def stateless_uniform(c: KernelContext, shape: Any, seed: Any) -> Any:
    dims = dims_of(shape)
    return uniforms(scrambled_stream(c, seed), elements(dims), c.out_dtype).reshape(dims)


@kernel("StatelessRandomNormal")
def stateless_normal(c: KernelContext, shape: Any, seed: Any) -> Any:
    dims = dims_of(shape)
    return normals(scrambled_stream(c, seed), elements(dims), c.out_dtype).reshape(dims)


@kernel("StatelessTruncatedNormal")
def stateless_truncated_normal(c: KernelContext, shape: Any, seed: Any) -> Any:
    dims = dims_of(shape)
    return truncated_normals(scrambled_stream(c, seed), elements(dims), c.out_dtype).reshape(dims)


@kernel("StatelessRandomUniformInt")
def stateless_uniform_int(c: KernelContext, shape: Any, seed: Any, low: Any, high: Any) -> Any:
    return _integers(c, scrambled_stream(c, seed), dims_of(shape), low, high)


@kernel("StatelessRandomUniformFullInt")
def stateless_full_int(c: KernelContext, shape: Any, seed: Any) -> Any:
    dims = dims_of(shape)
    return full_integers(scrambled_stream(c, seed), elements(dims), c.out_dtype).reshape(dims)
