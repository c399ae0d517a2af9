"""Tensors made larger, repeated and turned around; declared in `graph/ops/padding.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from .registry import KernelContext, kernel
from .shaping import dims_of
from .updates import is_jax


def _widths(paddings: Any) -> list[tuple[int, int]]:
    return [(int(a), int(b)) for a, b in np.asarray(paddings).reshape(-1, 2)]


@kernel("Pad")
def pad(c: KernelContext, x: Any, paddings: Any) -> Any:
    return padded(c, x, _widths(paddings), b"" if c.out_types[0].kind == "s" else 0)


@kernel("PadV2")
def pad_v2(c: KernelContext, x: Any, paddings: Any, constant_values: Any) -> Any:
    return padded(c, x, _widths(paddings), constant_values)


def padded(c: KernelContext, x: Any, widths: list[tuple[int, int]], value: Any) -> Any:
    """`x` with `value` around it, so many elements before and after along each dimension."""
    if is_jax(c):
        return c.xp.pad(x, widths, constant_values=value) if widths else x
    shape = tuple(d + a + b for d, (a, b) in zip(np.shape(x), widths, strict=True))
    out = c.xp.full(shape, value, dtype=c.out_dtype)
    out[tuple(slice(a, a + d) for d, (a, _) in zip(np.shape(x), widths, strict=True))] = x
    return out


@kernel("MirrorPad")
def mirror_pad(c: KernelContext, x: Any, paddings: Any) -> Any:
    for axis, indices in enumerate(_mirror_indices(c, np.shape(x), _widths(paddings))):
        if indices is not None:
            x = c.xp.take(x, c.xp.asarray(indices), axis=axis)
    return x


def _mirror_indices(c: KernelContext, shape: tuple[int, ...], widths: list[tuple[int, int]]) -> list[Any]:
    """For each dimension, which element of the input each element of the output is; None where all stay."""
    edge = 1 if c.attrs["mode"] == "REFLECT" else 0
    found: list[Any] = []
    for dim, (before, after) in zip(shape, widths, strict=True):
        if max(before, after) > dim - edge:
            raise ValueError(f"paddings {before}, {after} are too large for a dimension of size {dim}")
        if not before and not after:
            found.append(None)
            continue
        whole = np.arange(dim)
        left, right = whole[edge : edge + before][::-1], whole[dim - edge - after : dim - edge][::-1]
        found.append(np.concatenate([left, whole, right]))
    return found


@kernel("MirrorPadGrad")
def mirror_pad_grad(c: KernelContext, x: Any, paddings: Any) -> Any:
    widths = _widths(paddings)
    edge = 1 if c.attrs["mode"] == "REFLECT" else 0
    for axis, (before, after) in enumerate(widths):
        if before or after:
            x = _fold(c, x, axis, before, after, edge)
    return x


def _fold(c: KernelContext, x: Any, axis: int, before: int, after: int, edge: int) -> Any:
    """Adds the mirrored ends of one dimension onto its middle."""
    dim = np.shape(x)[axis] - before - after

    def cut(start: int, stop: int) -> Any:
        return x[(slice(None),) * axis + (slice(start, stop),)]

    def spread(part: Any, start: int) -> Any:
        widths = [(0, 0)] * np.ndim(x)
        widths[axis] = (start, dim - start - np.shape(part)[axis])
        return padded(c, c.xp.flip(part, axis=axis), widths, 0)

    total = cut(before, before + dim)
    if before:
        total = total + spread(cut(0, before), edge)
    if after:
        total = total + spread(cut(before + dim, before + dim + after), dim - edge - after)
    return total


@kernel("Tile")
def tile(c: KernelContext, x: Any, multiples: Any) -> Any:
    return c.xp.tile(x, dims_of(multiples))


@kernel("ReverseV2")
def reverse_v2(c: KernelContext, x: Any, axis: Any) -> Any:
    axes = dims_of(axis)
    return c.xp.flip(x, axis=axes) if axes else x


@kernel("Reverse")
def reverse(c: KernelContext, x: Any, dims: Any) -> Any:
    axes = tuple(i for i, flag in enumerate(np.ravel(dims)) if flag)
    return c.xp.flip(x, axis=axes) if axes else x
