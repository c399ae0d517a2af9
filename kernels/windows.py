"""Sliding windows over channels-last arrays, for NumPy and CuPy: padding, views, patches, layouts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..graph.ops.windows import Geometry, pick, spatial_axes

__all__ = [
    "channels_first",
    "channels_last",
    "geometry_of",
    "pad_spatial",
    "tap_slices",
    "taps",
    "unpadded",
]


def channels_last(xp: Any, x: Any, data_format: str) -> Any:
    """A view of `x` with the channels as last dimension."""
    return xp.moveaxis(x, 1, -1) if data_format.startswith("NC") else x


def channels_first(xp: Any, x: Any, data_format: str) -> Any:
    """The reverse of `channels_last`."""
    return xp.moveaxis(x, -1, 1) if data_format.startswith("NC") else x


def geometry_of(attrs: Any, sizes: Sequence[int], ksizes: Sequence[int] | None = None) -> Geometry:
    """Geometry of an op over an input of spatial `sizes`; the window is its `ksize` where none is given."""
    data_format = attrs.get("data_format", "NHWC")
    if ksizes is None:
        ksizes = pick(attrs["ksize"], spatial_axes(data_format, len(sizes) + 2))
    return Geometry.of(attrs, sizes, ksizes, data_format)


def pad_spatial(xp: Any, x: Any, pads: Sequence[tuple[int, int]], value: Any = 0) -> Any:
    """A channels-last array with `value` around its spatial dimensions; `x` itself where none is to add."""
    if not any(before or after for before, after in pads):
        return x
    sizes = x.shape[1:-1]
    grown = tuple(s + b + a for s, (b, a) in zip(sizes, pads, strict=True))
    shape = (x.shape[0], *grown, x.shape[-1])
    padded = xp.zeros(shape, x.dtype) if value == 0 else xp.full(shape, value, x.dtype)
    inner = tuple(slice(b, b + s) for s, (b, _) in zip(sizes, pads, strict=True))
    padded[(slice(None), *inner)] = x
    return padded


def taps(ksizes: Sequence[int]) -> list[tuple[int, ...]]:
    """Positions within a window, row by row."""
    found: list[tuple[int, ...]] = [()]
    for k in ksizes:
        found = [(*t, i) for t in found for i in range(k)]
    return found


def tap_slices(g: Geometry, tap: Sequence[int]) -> tuple[slice, ...]:
    """Where, in the padded input, that position of every window lies: batch and spatial dimensions."""
    return (
        slice(None),
        *(
            slice(t * d, t * d + (o - 1) * s + 1, s)
            for t, d, o, s in zip(tap, g.dilations, g.outputs, g.strides, strict=True)
        ),
    )


def unpadded(g: Geometry) -> tuple[slice, ...]:
    """Where the input lies within its padded form."""
    return (slice(None), *(slice(b, b + s) for s, (b, _) in zip(g.sizes, g.pads, strict=True)))
