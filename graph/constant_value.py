"""What is known of a tensor's value while the graph is built: enough for shapes to follow from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .elements import Tensor
from .shapes import Dimension, TensorShape

__all__ = ["constant_value", "constant_value_as_shape"]

Array = np.ndarray[Any, Any]

_MAX_ELEMENTS = 4096
_MAX_INPUT_ELEMENTS = 1 << 20
_MAX_DEPTH = 60
_MAX_RANK = 254


class _Memo:
    """What one question has found out already: an expression that is used twice is looked at once."""

    __slots__ = ("shapes", "values")

    def __init__(self) -> None:
        self.values: dict[Tensor, Array | None] = {}
        self.shapes: dict[Tensor, TensorShape] = {}


def constant_value(tensor: Tensor) -> Array | None:
    """The tensor's value, if it follows from constants and static shapes alone and is small; else None."""
    return _value(tensor, 0, _Memo())


def _value(tensor: Tensor, depth: int, memo: _Memo) -> Array | None:
    op = tensor.op
    if op.type == "Const":
        value: Array = op.attrs["value"]
        return value
    rule = _RULES.get(op.type)
    if rule is None or depth > _MAX_DEPTH:
        return None
    if tensor not in memo.values:
        count = tensor.shape.num_elements()
        known = count is None or count <= _MAX_ELEMENTS
        memo.values[tensor] = rule(tensor, lambda i: _value(op.inputs[i], depth + 1, memo)) if known else None
    return memo.values[tensor]


_Get = Callable[[int], Array | None]
_Rule = Callable[[Tensor, _Get], Array | None]


def _shape(tensor: Tensor, _: _Get) -> Array | None:
    shape = tensor.op.inputs[0].shape
    return np.array(shape.known(), dtype=tensor.dtype.np) if shape.is_fully_defined() else None


def _size(tensor: Tensor, _: _Get) -> Array | None:
    count = tensor.op.inputs[0].shape.num_elements()
    return None if count is None else np.array(count, dtype=tensor.dtype.np)


def _rank(tensor: Tensor, _: _Get) -> Array | None:
    rank = tensor.op.inputs[0].shape.rank
    return None if rank is None else np.array(rank, dtype=np.int32)


def _of_all(compute: Callable[..., Any]) -> _Rule:
    """A rule that applies `compute(tensor, *inputs)` once all inputs are known."""

    def rule(tensor: Tensor, get: _Get) -> Array | None:
        values = []
        for index in range(len(tensor.op.inputs)):
            value = get(index)
            if value is None or value.size > _MAX_INPUT_ELEMENTS:
                return None
            values.append(value)
        try:
            with np.errstate(all="ignore"):
                return np.asarray(compute(tensor, *values), dtype=tensor.dtype.np)
        except (ValueError, IndexError, ZeroDivisionError, TypeError, OverflowError):
            return None

    return rule


def _elementwise(ufunc: Callable[..., Any]) -> _Rule:
    return _of_all(lambda _, *values: ufunc(*values))


def _reduce(function: Callable[..., Any]) -> _Rule:
    return _of_all(
        lambda t, x, axes: function(
            x, axis=tuple(int(a) for a in np.ravel(axes)), keepdims=t.op.attrs["keep_dims"]
        )
    )


def _range(_: Tensor, start: Array, limit: Array, delta: Array) -> Array:
    if abs(int(limit) - int(start)) > _MAX_ELEMENTS * max(1, abs(int(delta))):
        raise ValueError("too long")
    return np.arange(start.item(), limit.item(), delta.item())


def _fill(_: Tensor, dims: Array, value: Array) -> Array:
    if int(np.prod(dims, dtype=np.float64)) > _MAX_ELEMENTS:
        raise ValueError("too large")
    return np.full(tuple(int(d) for d in dims), value)


def _stack(tensor: Tensor, *values: Array) -> Array:
    return np.stack(values, axis=tensor.op.attrs["axis"])


def _concat(_: Tensor, *values: Array) -> Array:
    return np.concatenate(values[:-1], axis=int(values[-1]))


def _strided(tensor: Tensor, x: Array, begin: Array, end: Array, strides: Array) -> Array:
    from .strided import numpy_index

    return np.asarray(x[numpy_index(begin, end, strides, tensor.op.attrs)])


_RULES: dict[str, _Rule] = {
    "Shape": _shape,
    "Size": _size,
    "Rank": _rank,
    "Identity": _of_all(lambda _, x: x),
    "StopGradient": _of_all(lambda _, x: x),
    "Cast": _of_all(lambda t, x: x.astype(t.dtype.np)),
    "Range": _of_all(_range),
    "Fill": _of_all(_fill),
    "Pack": _of_all(_stack),
    "ConcatV2": _of_all(_concat),
    "StridedSlice": _of_all(_strided),
    "GatherV2": _of_all(lambda _, x, i, axis: np.take(x, i, axis=int(axis))),
    "Slice": _of_all(
        lambda _, x, b, s: x[tuple(slice(i, None if n < 0 else i + n) for i, n in zip(b, s, strict=True))]
    ),
    "Reshape": _of_all(lambda _, x, s: np.reshape(x, tuple(int(d) for d in s))),
    "ExpandDims": _of_all(lambda _, x, axis: np.expand_dims(x, int(axis))),
    "Squeeze": _of_all(lambda t, x: np.reshape(x, t.shape.known())),
    "Transpose": _of_all(lambda _, x, p: np.transpose(x, p)),
    "AddV2": _elementwise(np.add),
    "Add": _elementwise(np.add),
    "Sub": _elementwise(np.subtract),
    "Mul": _elementwise(np.multiply),
    "FloorDiv": _elementwise(np.floor_divide),
    "FloorMod": _elementwise(np.mod),
    "RealDiv": _elementwise(np.divide),
    "Maximum": _elementwise(np.maximum),
    "Minimum": _elementwise(np.minimum),
    "Neg": _elementwise(np.negative),
    "Equal": _elementwise(np.equal),
    "NotEqual": _elementwise(np.not_equal),
    "Less": _elementwise(np.less),
    "LessEqual": _elementwise(np.less_equal),
    "Greater": _elementwise(np.greater),
    "GreaterEqual": _elementwise(np.greater_equal),
    "LogicalNot": _elementwise(np.logical_not),
    "LogicalAnd": _elementwise(np.logical_and),
    "LogicalOr": _elementwise(np.logical_or),
    "SelectV2": _elementwise(np.where),
    "Prod": _reduce(np.prod),
    "Sum": _reduce(np.sum),
    "Max": _reduce(np.max),
    "Min": _reduce(np.min),
    "All": _reduce(np.all),
    "Any": _reduce(np.any),
}


def constant_value_as_shape(tensor: Tensor) -> TensorShape:
    """The tensor's value read as a shape, with unknown dimensions where parts of it are not known."""
    return _as_shape(tensor, 0, _Memo())


def _as_shape(tensor: Tensor, depth: int, memo: _Memo) -> TensorShape:
    if tensor not in memo.shapes:
        memo.shapes[tensor] = _read_shape(tensor, depth, memo)
    return memo.shapes[tensor]


def _read_shape(tensor: Tensor, depth: int, memo: _Memo) -> TensorShape:
    if tensor.dtype.kind not in "iu" or depth > _MAX_DEPTH or tensor.shape.rank not in (None, 1):
        return TensorShape(None)
    value = _value(tensor, depth, memo)
    if value is not None:
        if value.ndim != 1 or value.size > _MAX_RANK:
            return TensorShape(None)
        return TensorShape(None if d < 0 else int(d) for d in value)
    partial = _PARTIAL.get(tensor.op.type)
    found = None if partial is None else partial(tensor, depth, memo)
    if found is not None:
        return found
    length = tensor.shape[0] if tensor.shape.rank == 1 else None
    return TensorShape(None if length is None or length > _MAX_RANK else [None] * length)


def _scalar_dim(tensor: Tensor, depth: int, memo: _Memo) -> Dimension:
    """A scalar tensor's value as a dimension, through `shape[i]` of a partly known shape too."""
    value = _value(tensor, depth, memo)
    if value is not None:
        return int(value) if int(value) >= 0 else None
    op = tensor.op
    if op.type in ("Identity", "Cast"):
        return _scalar_dim(op.inputs[0], depth + 1, memo) if depth < _MAX_DEPTH else None
    if op.type == "StridedSlice" and op.attrs["shrink_axis_mask"] == 1:
        begin = _value(op.inputs[1], depth, memo)
        shape = _as_shape(op.inputs[0], depth + 1, memo)
        if begin is not None and shape.rank is not None and begin.size == 1:
            index = int(begin[0])
            if -shape.rank <= index < shape.rank:
                return shape[index]
    return None


def _partial_pack(tensor: Tensor, depth: int, memo: _Memo) -> TensorShape | None:
    if len(tensor.op.inputs) > _MAX_RANK or any(t.shape.rank != 0 for t in tensor.op.inputs):
        return None
    return TensorShape(_scalar_dim(t, depth + 1, memo) for t in tensor.op.inputs)


def _partial_concat(tensor: Tensor, depth: int, memo: _Memo) -> TensorShape | None:
    whole = TensorShape([])
    for part in tensor.op.inputs[:-1]:
        whole = whole.concatenate(_as_shape(part, depth + 1, memo))
        if whole.rank is None or whole.rank > _MAX_RANK:
            return TensorShape(None)
    return whole


def _partial_strided(tensor: Tensor, depth: int, memo: _Memo) -> TensorShape | None:
    from .strided import numpy_index

    op = tensor.op
    bounds = [_value(t, depth, memo) for t in op.inputs[1:]]
    shape = _as_shape(op.inputs[0], depth + 1, memo)
    begin, end, strides = bounds
    if begin is None or end is None or strides is None or shape.rank is None:
        return None
    index = numpy_index(begin, end, strides, op.attrs)
    if len(index) != 1 or not isinstance(index[0], slice):
        return None
    return TensorShape(shape.as_list()[index[0]])


_PARTIAL: dict[str, Callable[[Tensor, int, _Memo], TensorShape | None]] = {
    "Shape": lambda t, _, __: t.op.inputs[0].shape,
    "Identity": lambda t, depth, memo: _as_shape(t.op.inputs[0], depth + 1, memo),
    "Cast": lambda t, depth, memo: _as_shape(t.op.inputs[0], depth + 1, memo),
    "Pack": _partial_pack,
    "ConcatV2": _partial_concat,
    "StridedSlice": _partial_strided,
}
