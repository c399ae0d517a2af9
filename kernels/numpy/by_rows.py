"""Kernels that treat each row of a batch alike, run on a block of rows at a time.

What a block needs stays in the cache from one pass over it to the next, and several threads take blocks in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import activation, depthwise, losses, norm, pool, resize, unary
from ..parallel import run_parts
from ..registry import KernelContext, KernelFunction, kernel

__all__ = ["by_rows"]

_BLOCK_BYTES = 1 << 19
"""Size of a block of the largest input or output."""

_WORTH_BLOCKS = 3
"""Blocks from which dividing is worth the copies of the results."""


def by_rows(*rows: int, sizes: int | None = None) -> Callable[[KernelFunction], KernelFunction]:
    """Decorates a kernel whose results have one row for each row of some inputs, and depend on that row alone.

    Args:
        *rows: positions of the inputs that are divided; the others are given whole.
        sizes: position of an input that holds the shape of the result, its first number the rows.
    """

    def decorate(function: KernelFunction) -> KernelFunction:
        def run(c: KernelContext, *inputs: Any) -> Any:
            count = _rows(inputs, rows)
            largest = max((inputs[p].nbytes for p in rows), default=0) if count else 0
            if sizes is not None:
                largest = max(largest, int(np.prod(inputs[sizes], dtype=np.int64)) * c.out_dtype.itemsize)
            blocks = min(largest // _BLOCK_BYTES, count)
            if blocks < _WORTH_BLOCKS:
                return function(c, *inputs)
            return _divided(function, c, inputs, rows, sizes, count, blocks)

        return run

    return decorate


def _rows(inputs: Sequence[Any], rows: Sequence[int]) -> int:
    """How many rows the divided inputs have; 0 where they differ, or where a row may not be one."""
    shapes = [np.shape(inputs[p]) for p in rows]
    # Of an array of one dimension the only one may be what a kernel works along.
    return shapes[0][0] if all(len(s) > 1 and s[0] == shapes[0][0] for s in shapes) else 0


def _divided(
    function: KernelFunction,
    c: KernelContext,
    inputs: Sequence[Any],
    rows: Sequence[int],
    sizes: int | None,
    count: int,
    blocks: int,
) -> Any:
    edges = [count * i // blocks for i in range(blocks + 1)]

    def compute(index: int) -> tuple[slice, Sequence[Any]]:
        part = slice(edges[index], edges[index + 1])
        given = [v[part] if p in rows else v for p, v in enumerate(inputs)]
        if sizes is not None:
            given[sizes] = np.array([part.stop - part.start, *inputs[sizes][1:]])
        result = function(c, *given)
        return part, result if isinstance(result, tuple) else (result,)

    part, first = compute(0)
    outs = [np.empty((count, *r.shape[1:]), r.dtype) for r in first]
    for out, result in zip(outs, first, strict=True):
        out[part] = result

    def work(index: int) -> None:
        at, results = compute(index + 1)
        for whole, made in zip(outs, results, strict=True):
            whole[at] = made

    run_parts(work, blocks - 1)
    return tuple(outs) if len(outs) > 1 else outs[0]


_DIVIDED: dict[KernelFunction, tuple[tuple[str, ...], tuple[int, ...], int | None]] = {
    activation.elu: (("Elu",), (0,), None),
    activation.softplus: (("Softplus",), (0,), None),
    depthwise.depthwise_kernel: (("DepthwiseConv2dNative",), (0,), None),
    depthwise.backprop_input: (("DepthwiseConv2dNativeBackpropInput",), (2,), 0),
    losses.log_softmax: (("LogSoftmax",), (0,), None),
    losses.softmax_cross_entropy: (("SoftmaxCrossEntropyWithLogits",), (0, 1), None),
    norm.lrn: (("LRN",), (0,), None),
    norm.lrn_grad: (("LRNGrad",), (0, 1, 2), None),
    pool.max_pool_kernel: (("MaxPool", "MaxPool3D"), (0,), None),
    pool.max_pool_grad: (("MaxPoolGrad", "MaxPool3DGrad"), (0, 1, 2), None),
    pool.avg_pool_kernel: (("AvgPool", "AvgPool3D"), (0,), None),
    pool.avg_pool_grad: (("AvgPoolGrad", "AvgPool3DGrad"), (1,), 0),
    resize.resize_bilinear: (("ResizeBilinear",), (0,), None),
    unary.sigmoid: (("Sigmoid",), (0,), None),
}

for _function, (_ops, _inputs, _sizes) in _DIVIDED.items():
    kernel(*_ops, on="numpy")(by_rows(*_inputs, sizes=_sizes)(_function))
