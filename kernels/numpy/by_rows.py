"""Kernels that treat each row of a batch alike, run on as many parts of the rows as there are threads.

Parts are large: threads that make many short calls spend their time handing the interpreter to each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import activation, depthwise, losses, norm, pool, resize, unary
from ..parallel import run_parts, thread_count
from ..registry import KernelContext, KernelFunction, kernel

__all__ = ["by_rows"]

_PART_BYTES = 1 << 20
"""Least size of the largest input or output of a part."""


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
            parts = min(largest // _PART_BYTES, count, thread_count())
            if parts < 2:
                return function(c, *inputs)
            return _divided(function, c, inputs, rows, sizes, count, parts)

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
    parts: int,
) -> Any:
    edges = [count * i // parts for i in range(parts + 1)]
    found: list[Any] = [None] * parts

    def work(index: int) -> None:
        part = slice(edges[index], edges[index + 1])
        given = [v[part] if p in rows else v for p, v in enumerate(inputs)]
        if sizes is not None:
            given[sizes] = np.array([part.stop - part.start, *inputs[sizes][1:]])
        result = function(c, *given)
        found[index] = result if isinstance(result, tuple) else (result,)

    run_parts(work, parts)
    outs = [np.empty((count, *r.shape[1:]), r.dtype) for r in found[0]]

    def join(index: int) -> None:
        for out, made in zip(outs, found[index], strict=True):
            out[edges[index] : edges[index + 1]] = made

    run_parts(join, parts)
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
