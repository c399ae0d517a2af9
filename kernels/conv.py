"""Convolutions as matrix products over patches; declared in `graph/ops/conv.py` and `conv3d.py`.

All of them compute channels-last. The patches of an input are copied a part at a time into a matrix with one row
per window (`kernels/patches.py`), and BLAS does the arithmetic. The gradient by the input is a convolution too,
of the output's gradient with the filter turned round; with strides it is one for each class of input positions
that the same filter elements reach, so that no zeros are multiplied.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import gcd, prod
from typing import Any

import numpy as np

from ..graph.ops.windows import Geometry
from .lowering import lowered, suits
from .parallel import product_parts
from .patches import patch_chunks
from .registry import KernelContext, kernel
from .shaping import dims_of
from .windows import channels_first, channels_last, geometry_of


def conv(xp: Any, x: Any, w: Any, g: Geometry) -> Any:
    """Cross-correlation of `x (batch, *sizes, channels)` with `w (*ksizes, channels / groups, made)`."""
    made = w.shape[-1]
    groups = x.shape[-1] // max(w.shape[-2], 1)
    if groups > 1:
        parts = [conv(xp, a, b, g) for a, b in zip(_split(x, groups), _split(w, groups), strict=True)]
        return xp.concatenate(parts, axis=-1)
    shape = (x.shape[0], *g.outputs, made)
    if 0 in shape or 0 in w.shape:
        return xp.zeros(shape, x.dtype)
    out = xp.empty(shape, x.dtype)
    matrix = w.reshape(-1, made)

    def multiply(images: slice) -> None:
        if suits(xp, g, images.stop - images.start, x.shape[-1]):
            for part, rows in lowered(x[images], g):
                block = out[images][part]
                products = xp.empty((len(rows), len(block) * g.outputs[1], made), x.dtype)
                for row, columns in enumerate(rows):
                    xp.matmul(columns, matrix, out=products[row])
                block[...] = products.reshape(len(rows), len(block), -1, made).swapaxes(0, 1)
            return
        rows_out = out[images].reshape(-1, made)
        for rows, columns in patch_chunks(xp, x[images], g):
            xp.matmul(columns, matrix, out=rows_out[rows])

    _by_images(xp, x.shape[0], out.size * matrix.shape[0], multiply)
    return out


def conv_filter_grad(xp: Any, x: Any, dims: Sequence[int], grad: Any, g: Geometry) -> Any:
    """Gradient of `conv` by its filter of shape `dims`."""
    groups = x.shape[-1] // max(dims[-2], 1)
    if groups > 1:
        part = (*dims[:-1], dims[-1] // groups)
        pairs = zip(_split(x, groups), _split(grad, groups), strict=True)
        return xp.concatenate([conv_filter_grad(xp, a, part, b, g) for a, b in pairs], axis=-1)
    if 0 in grad.shape or 0 in dims:
        return xp.zeros(dims, grad.dtype)
    grad = xp.ascontiguousarray(grad)
    totals: dict[int, Any] = {}

    def products(images: slice) -> Iterator[Any]:
        if suits(xp, g, images.stop - images.start, x.shape[-1]):
            for part, rows in lowered(x[images], g):
                turned = xp.ascontiguousarray(grad[images][part].swapaxes(0, 1))
                for row, columns in enumerate(rows):
                    yield xp.matmul(columns.T, turned[row].reshape(-1, dims[-1]))
            return
        rows_in = grad[images].reshape(-1, dims[-1])
        for rows, columns in patch_chunks(xp, x[images], g):
            yield xp.matmul(columns.T, rows_in[rows])

    def multiply(images: slice) -> None:
        total: Any = None
        for product in products(images):
            total = product if total is None else xp.add(total, product, out=total)
        totals[images.start] = total

    _by_images(xp, x.shape[0], grad.size * prod(dims[:-1]), multiply)
    first, *others = (totals[start] for start in sorted(totals))
    for other in others:
        xp.add(first, other, out=first)
    return first.reshape(dims)


_PARTS = 4
"""Parts of a batch: a number of its own, so that sums do not depend on how many threads there are."""


_WORTH_PRODUCTS = 1 << 23
"""Multiplications from which a second thread is worth waking, which copies patches too."""


def _by_images(xp: Any, batch: int, products: int, work: Callable[[slice], None]) -> None:
    """Calls `work` for parts of the images that cover them all; on the host by several threads."""
    if xp is not np or batch < 2 or products < _WORTH_PRODUCTS:
        work(slice(0, batch))
        return
    count = min(_PARTS, batch)
    edges = [batch * i // count for i in range(count + 1)]
    product_parts(lambda i: work(slice(edges[i], edges[i + 1])), count)


def conv_input_grad(xp: Any, dims: Sequence[int], w: Any, grad: Any, g: Geometry) -> Any:
    """Gradient of `conv` by its input of shape `dims`."""
    groups = dims[-1] // max(w.shape[-2], 1)
    if groups > 1:
        part = (*dims[:-1], dims[-1] // groups)
        pairs = zip(_split(w, groups), _split(grad, groups), strict=True)
        return xp.concatenate([conv_input_grad(xp, part, a, b, g) for a, b in pairs], axis=-1)
    classes = list(itertools.product(*_reached(g)))
    if 0 in grad.shape or 0 in dims or 0 in w.shape:
        return xp.zeros(dims, grad.dtype)
    if len(classes) == 1 and all(r.covers for r in classes[0]):
        return _class_grad(xp, w, grad, classes[0])
    dx = xp.zeros(dims, grad.dtype)
    for reached in classes:
        dx[(slice(None), *(r.positions for r in reached))] = _class_grad(xp, w, grad, reached)
    return dx


@dataclass(frozen=True)
class _Reached:
    """Input positions along one dimension that the same elements of the filter reach, and through which outputs.

    Attributes:
        positions: the positions, `strides` apart.
        covers: whether these are all positions.
        taps: the filter's elements, last one first.
        sizes: outputs there are.
        pad: outputs to be thought before the first one and after the last one; negative to leave some out.
        dilation: outputs between two that the class takes.
        count: number of positions.
    """

    positions: slice
    covers: bool
    taps: slice
    sizes: int
    pad: tuple[int, int]
    dilation: int
    count: int


def _reached(g: Geometry) -> list[list[_Reached]]:
    """The classes of each spatial dimension."""
    rows = zip(g.sizes, g.ksizes, g.strides, g.dilations, g.pads, g.outputs, strict=True)
    return [_reached_along(*row) for row in rows]


def _reached_along(
    size: int, ksize: int, stride: int, dilation: int, pads: tuple[int, int], outputs: int
) -> list[_Reached]:
    # Padded position p is reached from output o through element t where p = o * stride + t * dilation. For
    # p = rest + stride * q these are the t with t * dilation = rest (mod stride), `period` apart.
    before, common = pads[0], gcd(stride, dilation)
    period, step = stride // common, dilation // common
    found = []
    for rest in range(stride):
        first = next((t for t in range(min(ksize, period)) if (t * dilation - rest) % stride == 0), None)
        low, high = -(-(before - rest) // stride), (before + size - 1 - rest) // stride
        if first is None or high < low:
            continue
        last = first + (ksize - 1 - first) // period * period
        nearest, farthest = (first * dilation - rest) // stride, (last * dilation - rest) // stride
        start = rest + stride * low - before
        found.append(
            _Reached(
                slice(start, size, stride),
                stride == 1,
                slice(last, None if first == 0 else first - 1, -period),
                outputs,
                (farthest - low, high - nearest - (outputs - 1)),
                step,
                high - low + 1,
            )
        )
    return found


def _class_grad(xp: Any, w: Any, grad: Any, reached: Sequence[_Reached]) -> Any:
    """The gradient at one class of input positions."""
    turned = xp.ascontiguousarray(xp.swapaxes(w[tuple(r.taps for r in reached)], -1, -2))
    ones = (1,) * len(reached)
    return conv(
        xp,
        grad,
        turned,
        Geometry(
            tuple(r.sizes for r in reached),
            turned.shape[:-2],
            ones,
            tuple(r.dilation for r in reached),
            tuple(r.pad for r in reached),
            tuple(r.count for r in reached),
        ),
    )


def _split(x: Any, groups: int) -> list[Any]:
    size = x.shape[-1] // groups
    return [x[..., i * size : (i + 1) * size] for i in range(groups)]


def exact(c: KernelContext, *arrays: Any) -> tuple[Any, ...]:
    """The arrays in a type that BLAS computes in: the small floats as float32."""
    if c.out_types[0].size == 2 and c.out_types[0].is_floating:
        return tuple(a.astype(np.float32) for a in arrays)
    return arrays


def layout(c: KernelContext) -> str:
    """Order of the dimensions; channels last where the op has no attribute for it."""
    return c.attrs.get("data_format", "NHWC")  # type: ignore[no-any-return]


def last_dims(shape: Any, data_format: str) -> tuple[int, ...]:
    """A shape's dimensions, those of the channels moved to the end."""
    dims = tuple(int(d) for d in shape)
    return (dims[0], *dims[2:], dims[1]) if data_format.startswith("NC") else dims


@kernel("Conv2D", "Conv3D")
def conv_kernel(c: KernelContext, x: Any, w: Any) -> Any:
    data_format = layout(c)
    x, w = exact(c, channels_last(c.xp, x, data_format), w)
    g = geometry_of(c.attrs, x.shape[1:-1], w.shape[:-2])
    y = conv(c.xp, x, w, g).astype(c.out_dtype, copy=False)
    return channels_first(c.xp, y, data_format)


@kernel("Conv2DBackpropFilter", "Conv3DBackpropFilterV2")
def backprop_filter(c: KernelContext, x: Any, sizes: Any, grad: Any) -> Any:
    data_format, dims = layout(c), dims_of(sizes)
    x, grad = exact(c, channels_last(c.xp, x, data_format), channels_last(c.xp, grad, data_format))
    g = geometry_of(c.attrs, x.shape[1:-1], dims[:-2])
    return conv_filter_grad(c.xp, x, dims, grad, g).astype(c.out_dtype, copy=False)


@kernel("Conv2DBackpropInput", "Conv3DBackpropInputV2")
def backprop_input(c: KernelContext, sizes: Any, w: Any, grad: Any) -> Any:
    data_format = layout(c)
    w, grad = exact(c, w, channels_last(c.xp, grad, data_format))
    dims = last_dims(dims_of(sizes), data_format)
    g = geometry_of(c.attrs, dims[1:-1], w.shape[:-2])
    dx = conv_input_grad(c.xp, dims, w, grad, g).astype(c.out_dtype, copy=False)
    return channels_first(c.xp, dx, data_format)
