"""Resizing by separable weights; declared in `graph/ops/resize.py`.

Every method gives a pixel as a weighted sum of a few rows and columns. Their numbers and weights depend on sizes
alone, so they are host values; TensorFlow computes them in float32, and so does this.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .registry import KernelContext, kernel
from .shaping import dims_of

_F32 = np.float32
Taps = list[tuple[Any, Any]]
"""Rows or columns that a pixel is made of: (numbers, weights), each one per output position."""


def _scale(size: int, out: int, align_corners: bool) -> Any:
    if align_corners and out > 1:
        return _F32(size - 1) / _F32(out - 1)
    return _F32(size) / _F32(out)


def _positions(size: int, out: int, attrs: Any) -> Any:
    """Where in the input each output pixel lies."""
    scale = _scale(size, out, attrs["align_corners"])
    at = np.arange(out, dtype=_F32)
    if attrs.get("half_pixel_centers"):
        return (at + _F32(0.5)) * scale - _F32(0.5)
    return at * scale


def bilinear_taps(size: int, out: int, attrs: Any) -> Taps:
    at = _positions(size, out, attrs)
    low = np.floor(at)
    share = (at - low).astype(_F32)
    first = np.maximum(low.astype(np.int64), 0)
    second = np.minimum(np.ceil(at).astype(np.int64), size - 1)
    return [(first, _F32(1) - share), (second, share)]


def nearest_taps(size: int, out: int, attrs: Any) -> Taps:
    scale = _scale(size, out, attrs["align_corners"])
    at = np.arange(out, dtype=_F32)
    at = (at + _F32(0.5)) * scale if attrs.get("half_pixel_centers") else at * scale
    # Halves are rounded up, as C's roundf does.
    number = np.floor(at + _F32(0.5)) if attrs["align_corners"] else np.floor(at)
    return [(np.clip(number.astype(np.int64), 0, size - 1), np.ones(out, _F32))]


_STEPS = 1024


def _cubic_table(a: float) -> tuple[Any, Any]:
    """Weights at distances 0 to 1 and 1 to 2 in steps of 1 / 1024."""
    x = np.arange(_STEPS + 1, dtype=np.float64) / _STEPS
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    x = x + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return near.astype(_F32), far.astype(_F32)


def bicubic_taps(size: int, out: int, attrs: Any) -> Taps:
    """Keys' kernel with a = -0.5 for pixel centres, TensorFlow's older one with a = -0.75 otherwise."""
    keys = attrs.get("half_pixel_centers", False)
    near, far = _cubic_table(-0.5 if keys else -0.75)
    at = _positions(size, out, attrs)
    base = np.floor(at).astype(np.int64)
    step = np.rint((at - base) * _F32(_STEPS)).astype(np.int64)
    weights = [far[step], near[step], near[_STEPS - step], far[_STEPS - step]]
    numbers = [base - 1, base, base + 1, base + 2]
    bounded = [np.clip(n, 0, size - 1) for n in numbers]
    if keys:
        # What lies outside the image does not count.
        weights = [np.where(b == n, w, _F32(0)) for b, n, w in zip(bounded, numbers, weights, strict=True)]
        total = weights[0] + weights[1] + weights[2] + weights[3]
        weights = [np.where(np.abs(total) > 1e-35, w / total, w) for w in weights]
    return list(zip(bounded, weights, strict=True))


def _matrix(taps: Taps, size: int, dtype: Any) -> Any:
    """The weights as a matrix `(out, size)`."""
    out = len(taps[0][0])
    matrix = np.zeros((out, size), dtype)
    for numbers, weights in taps:
        np.add.at(matrix, (np.arange(out), numbers), weights.astype(dtype))
    return matrix


def _apply(xp: Any, x: Any, taps: Taps, axis: int) -> Any:
    """Weighted sums along an axis."""
    total: Any = None
    shape = [1] * x.ndim
    shape[axis] = -1
    for numbers, weights in taps:
        term = xp.take(x, xp.asarray(numbers), axis=axis) * xp.asarray(weights.reshape(shape))
        total = term if total is None else total + term
    return total


TapRule = Callable[[int, int, Any], Taps]


def _resized(c: KernelContext, x: Any, size: Any, rule: TapRule) -> Any:
    rows, columns = dims_of(size)
    x = x.astype(np.float32)
    wide = _apply(c.xp, x, rule(x.shape[2], columns, c.attrs), 2)
    return _apply(c.xp, wide, rule(x.shape[1], rows, c.attrs), 1)


def _resized_grad(c: KernelContext, grads: Any, sizes: tuple[int, ...], rule: TapRule, dtype: Any) -> Any:
    """Gradient by images of `sizes`, height and width: the transposed weights."""
    xp = c.xp
    rows = _matrix(rule(sizes[0], grads.shape[1], c.attrs), sizes[0], dtype)
    columns = _matrix(rule(sizes[1], grads.shape[2], c.attrs), sizes[1], dtype)
    batch, height, width, channels = grads.shape
    tall = xp.matmul(xp.asarray(rows.T), grads.reshape(batch, height, width * channels))
    tall = tall.reshape(batch * sizes[0], width, channels)
    return xp.matmul(xp.asarray(columns.T), tall).reshape(batch, sizes[0], sizes[1], channels)


def _float_grad(c: KernelContext, grads: Any, image: Any, rule: TapRule) -> Any:
    wide = np.float64 if c.out_dtype == np.float64 else np.float32
    return _resized_grad(c, grads.astype(wide), image.shape[1:3], rule, wide).astype(c.out_dtype)


@kernel("ResizeBilinear")
def resize_bilinear(c: KernelContext, x: Any, size: Any) -> Any:
    return _resized(c, x, size, bilinear_taps)


@kernel("ResizeBicubic")
def resize_bicubic(c: KernelContext, x: Any, size: Any) -> Any:
    return _resized(c, x, size, bicubic_taps)


@kernel("ResizeBilinearGrad")
def resize_bilinear_grad(c: KernelContext, grads: Any, image: Any) -> Any:
    return _float_grad(c, grads, image, bilinear_taps)


@kernel("ResizeBicubicGrad")
def resize_bicubic_grad(c: KernelContext, grads: Any, image: Any) -> Any:
    return _float_grad(c, grads, image, bicubic_taps)


@kernel("ResizeNearestNeighbor")
def resize_nearest(c: KernelContext, x: Any, size: Any) -> Any:
    rows, columns = dims_of(size)
    for axis, out in ((2, columns), (1, rows)):
        ((numbers, _),) = nearest_taps(x.shape[axis], out, c.attrs)
        x = c.xp.take(x, c.xp.asarray(numbers), axis=axis)
    return x


@kernel("ResizeNearestNeighborGrad")
def resize_nearest_grad(c: KernelContext, grads: Any, size: Any) -> Any:
    dtype = c.out_dtype
    wide = np.float32 if dtype.itemsize == 2 else np.int32 if dtype.itemsize == 1 else dtype
    return _resized_grad(c, grads.astype(wide), dims_of(size), nearest_taps, wide).astype(dtype)


def area_matrix(size: int, out: int, attrs: Any) -> Any:
    """Share of each input row in each output row, `(out, size)`, over the scale."""
    scale = _scale(size, out, attrs["align_corners"])
    matrix = np.zeros((out, size), _F32)
    for i in range(out):
        start, end = _F32(i) * scale, _F32(i + 1) * scale
        for row in range(int(np.floor(start)), int(np.ceil(end))):
            if row < start:
                weight = scale if row + 1 > end else row + 1 - start
            else:
                weight = end - row if row + 1 > end else _F32(1)
            matrix[i, min(max(row, 0), size - 1)] += weight
    return matrix / scale


@kernel("ResizeArea")
def resize_area(c: KernelContext, x: Any, size: Any) -> Any:
    xp = c.xp
    rows, columns = dims_of(size)
    batch, height, width, channels = x.shape
    tall = area_matrix(height, rows, c.attrs)
    wide = area_matrix(width, columns, c.attrs)
    y = xp.matmul(xp.asarray(tall), x.astype(np.float32).reshape(batch, height, width * channels))
    y = xp.matmul(xp.asarray(wide), y.reshape(batch * rows, width, channels))
    return y.reshape(batch, rows, columns, channels)
