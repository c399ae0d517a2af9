"""Faster functions for single nodes, once axes, shapes and attributes are settled.

NumPy's own wrappers (`np.sum`, `np.reshape`) cost more than small arrays' arithmetic; here their work is done
once, when a segment is compiled. Each function gives exactly what the op's kernel gives.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from ..reduction import _extreme, axes_of, is_short
from ..registry import KernelContext, specialize
from ..shaping import dims_of, first

Known = Mapping[int, Any]
Made = Callable[..., Any] | None

_SMALL = 4096
"""Elements up to which a broadcast is copied: making a view costs more."""


@specialize("Sum", "Prod", on="numpy")
def _fold(c: KernelContext, known: Known) -> Made:
    if is_short(c):
        return None
    reduce = (np.add if c.node.op == "Sum" else np.multiply).reduce
    return partial(reduce, axis=axes_of(known[1]), dtype=c.out_dtype, keepdims=c.attrs["keep_dims"])


@specialize("Mean", on="numpy")
def _mean(c: KernelContext, known: Known) -> Made:
    if is_short(c) or c.in_types[0].is_integer:
        return None
    axes, number = axes_of(known[1]), c.out_dtype.type
    total = partial(np.add.reduce, axis=axes, dtype=c.out_dtype, keepdims=c.attrs["keep_dims"])

    def mean(x: Any) -> Any:
        count, shape = 1, x.shape
        for axis in axes:
            count *= shape[axis]
        return total(x) / number(count)

    return mean


@specialize("Max", "Min", on="numpy")
def _extremum(c: KernelContext, known: Known) -> Made:
    axes, name = axes_of(known[1]), c.node.op.lower()
    if not axes:
        return None
    ufunc = np.maximum if name == "max" else np.minimum
    reduce = partial(ufunc.reduce, axis=axes, keepdims=c.attrs["keep_dims"])
    return lambda x: reduce(x) if x.size else _extreme(c, name, x, axes)


@specialize("Reshape", on="numpy")
def _reshape(c: KernelContext, known: Known) -> Made:
    return operator.methodcaller("reshape", dims_of(known[1]))


@specialize("ExpandDims", on="numpy")
def _expand_dims(c: KernelContext, known: Known) -> Made:
    axis = first(known[1])
    every = slice(None)
    index = (*[every] * axis, None) if axis >= 0 else (..., None, *[every] * (-axis - 1))
    rank = c.node.shapes[0].rank
    return operator.itemgetter(index) if rank is not None and -rank <= axis < rank else None


@specialize("Squeeze", on="numpy")
def _squeeze(c: KernelContext, known: Known) -> Made:
    axes = tuple(c.attrs["squeeze_dims"])
    return operator.methodcaller("squeeze", axes) if axes else operator.methodcaller("squeeze")


@specialize("Transpose", on="numpy")
def _transpose(c: KernelContext, known: Known) -> Made:
    return operator.methodcaller("transpose", dims_of(known[1]))


@specialize("BroadcastTo", on="numpy")
def _broadcast_to(c: KernelContext, known: Known) -> Made:
    dims, dtype = dims_of(known[1]), c.out_dtype
    if int(np.prod(dims, dtype=np.int64)) > _SMALL:
        return None
    empty = partial(np.empty, dims, dtype)

    def broadcast_to(x: Any) -> Any:
        out = empty()
        out[...] = x
        return out

    return broadcast_to


@specialize("ConcatV2", on="numpy")
def _concat(c: KernelContext, known: Known) -> Made:
    axis = first(next(iter(known.values())))
    return lambda *parts: np.concatenate(parts, axis)


@specialize("AddN", on="numpy")
def _add_n(c: KernelContext, known: Known) -> Made:
    if c.out_types[0].kind == "v":
        return None
    if len(c.in_types) == 2:
        return np.add
    if len(c.in_types) < 2 or not c.node.shapes[0].rank:
        return None
    add = np.add

    def add_n(first: Any, second: Any, *rest: Any) -> Any:
        total = add(first, second)
        for term in rest:
            add(total, term, total)
        return total

    return add_n


@specialize("BiasAdd", on="numpy")
def _bias_add(c: KernelContext, known: Known) -> Made:
    rank = c.node.shapes[0].rank
    by_channel = c.attrs["data_format"] == "NCHW" and rank != 2
    return None if by_channel else np.add


@specialize("Relu", on="numpy")
def _relu(c: KernelContext, known: Known) -> Made:
    return _Relu(c.out_dtype.type(0))


class _Relu:
    """The greater one of each element and zero; may be given memory for the result, the input's too."""

    writes_over = True

    def __init__(self, zero: Any) -> None:
        self.zero = zero

    def __call__(self, x: Any, out: Any = None) -> Any:
        return np.maximum(x, self.zero, out=out)


class _ReluGrad:
    """The gradient where the input was positive; may be given memory for the result, the gradient's too."""

    writes_over = True

    def __init__(self, zero: Any) -> None:
        self.zero = zero

    def __call__(self, grad: Any, x: Any, out: Any = None) -> Any:
        return np.multiply(grad, np.greater(x, self.zero), out=out)


@specialize("ReluGrad", on="numpy")
def _relu_grad(c: KernelContext, known: Known) -> Made:
    return _ReluGrad(c.out_dtype.type(0))


@specialize("AssignAddVariableOp", on="numpy")
def _assign_add(c: KernelContext, known: Known) -> Made:
    return np.add


@specialize("AssignSubVariableOp", on="numpy")
def _assign_sub(c: KernelContext, known: Known) -> Made:
    return np.subtract
