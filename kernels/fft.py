"""Discrete Fourier transforms; declared in `graph/ops/fft.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .array import dims_of
from .registry import KernelContext, kernel


def _full(op_type: str, rank: int, function: str) -> None:
    axes = tuple(range(-rank, 0))

    def call(c: KernelContext, x: Any) -> Any:
        if not np.prod(x.shape):
            return x
        return getattr(c.xp.fft, function)(x, axes=axes).astype(c.out_dtype)

    kernel(op_type)(call)


def _cut(x: Any, sizes: tuple[int, ...]) -> Any:
    """The first so many along the last dimensions; what is missing is left to the transform."""
    return x[(..., *(slice(0, n) for n in sizes))]


def _real(op_type: str, rank: int, function: str, kept: Callable[[int], int]) -> None:
    axes = tuple(range(-rank, 0))

    def call(c: KernelContext, x: Any, length: Any) -> Any:
        sizes = dims_of(length)
        shape = (*x.shape[:-rank], *sizes[:-1], sizes[-1] if function == "irfftn" else sizes[-1] // 2 + 1)
        if not np.prod(shape) or not np.prod(x.shape):
            return c.xp.zeros(shape, c.out_dtype)
        inside = _cut(x, (*sizes[:-1], kept(sizes[-1])))
        return getattr(c.xp.fft, function)(inside, s=sizes, axes=axes).astype(c.out_dtype)

    kernel(op_type)(call)


for _rank, _suffix in ((1, ""), (2, "2D"), (3, "3D")):
    _full(f"FFT{_suffix}", _rank, "fftn")
    _full(f"IFFT{_suffix}", _rank, "ifftn")
    _real(f"RFFT{_suffix}", _rank, "rfftn", lambda n: n)
    _real(f"IRFFT{_suffix}", _rank, "irfftn", lambda n: n // 2 + 1)
