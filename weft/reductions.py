"""Reductions over axes, positions of extremes, and sums of many tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .arguments import renamed
from .graph import dtypes
from .graph.convert import convert_to_tensor
from .graph.default_graph import name_scope
from .graph.dtypes import as_dtype
from .graph.elements import Tensor
from .graph.indexed_slices import IndexedSlices
from .graph.opdef import get_op
from .graph.shapes import TensorShape, as_shape

__all__ = [
    "accumulate_n",
    "add_n",
    "arg_max",
    "arg_min",
    "argmax",
    "argmin",
    "count_nonzero",
    "reduce_all",
    "reduce_any",
    "reduce_euclidean_norm",
    "reduce_logsumexp",
    "reduce_max",
    "reduce_mean",
    "reduce_min",
    "reduce_prod",
    "reduce_std",
    "reduce_sum",
    "reduce_variance",
]


def reduction_axes(x: Tensor, axis: Any) -> Any:
    """The axes to reduce: as given, or all of them."""
    if axis is not None:
        return axis
    if x.shape.rank is not None:
        return convert_to_tensor(np.arange(x.shape.rank, dtype=np.int32), name="Const")
    return get_op("Range")(0, get_op("Rank")(x), 1)


def _reduce(
    op_type: str,
    input_tensor: Any,
    axis: Any,
    keepdims: bool | None,
    name: str | None,
    reduction_indices: Any = None,
    keep_dims: bool | None = None,
) -> Tensor:
    axis = renamed("axis", axis, "reduction_indices", reduction_indices)
    keepdims = bool(renamed("keepdims", keepdims, "keep_dims", keep_dims))
    x = convert_to_tensor(input_tensor, name="input_tensor")
    axes = reduction_axes(x, axis)
    if isinstance(axes, (list, tuple)) and not axes:
        axes = np.zeros(0, np.int32)
    return get_op(op_type)(x, axes, keep_dims=keepdims, name=name)


_ARGS = """

    Args:
        input_tensor: {what}.
        axis: an int or a list of them, negative ones counted from the end; None for all.
        keepdims: keeps each reduced dimension, with size 1.
        name: name of the op.
        reduction_indices: older name of `axis`.
        keep_dims: older name of `keepdims`.

    Returns:
        A tensor{result}.

    Raises:
        InvalidArgumentError: an axis is out of range or given twice.

    Source:
        TensorFlow's op {op_type}.
    """


def _reduction(op_type: str, public: str, sentence: str, what: str = "a tensor of numbers") -> Any:
    def function(
        input_tensor: Any,
        axis: Any = None,
        keepdims: bool | None = None,
        name: str | None = None,
        reduction_indices: Any = None,
        keep_dims: bool | None = None,
    ) -> Tensor:
        return _reduce(op_type, input_tensor, axis, keepdims, name, reduction_indices, keep_dims)

    function.__name__ = function.__qualname__ = public
    function.__doc__ = sentence + _ARGS.format(
        what=what, op_type=op_type, result=" of the input's element type"
    )
    return function


reduce_sum = _reduction("Sum", "reduce_sum", "Sum over axes.")
reduce_mean = _reduction("Mean", "reduce_mean", "Mean over axes; cut off towards zero for integers.")
reduce_prod = _reduction("Prod", "reduce_prod", "Product over axes.")
reduce_max = _reduction("Max", "reduce_max", "Largest element over axes.", "a tensor of real numbers")
reduce_min = _reduction("Min", "reduce_min", "Smallest element over axes.", "a tensor of real numbers")
reduce_all = _reduction("All", "reduce_all", "Whether all elements over axes are true.", "a bool tensor")
reduce_any = _reduction("Any", "reduce_any", "Whether an element over axes is true.", "a bool tensor")


def reduce_euclidean_norm(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """Square root of the sum of squares over axes.

    Args:
        input_tensor: a tensor of numbers.
        axis: an int or a list of them; None for all.
        keepdims: keeps each reduced dimension, with size 1.
        name: name of the op.

    Source:
        TensorFlow's op EuclideanNorm.
    """
    return _reduce("EuclideanNorm", input_tensor, axis, keepdims, name)


def reduce_variance(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """Mean squared distance from the mean, over axes.

    Args:
        input_tensor: a floating or complex tensor.
        axis: an int or a list of them; None for all.
        keepdims: keeps each reduced dimension, with size 1.
        name: name scope of the ops.

    Raises:
        TypeError: the tensor holds integers.
    """
    with name_scope(name, "reduce_variance"):
        x = convert_to_tensor(input_tensor)
        if x.dtype.is_integer:
            raise TypeError(f"Input must be either real or complex, got {x.dtype.name}.")
        distance = x - _reduce("Mean", x, axis, True, None)
        if x.dtype.is_complex:
            real = get_op("Real")(distance * get_op("Conj")(distance), Tout=x.dtype.real_dtype)
            return _reduce("Mean", real, axis, keepdims, None)
        return _reduce("Mean", get_op("Square")(distance), axis, keepdims, None)


def reduce_std(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """Square root of `reduce_variance`.

    Args:
        input_tensor: a floating or complex tensor.
        axis: an int or a list of them; None for all.
        keepdims: keeps each reduced dimension, with size 1.
        name: name scope of the ops.
    """
    with name_scope(name, "reduce_std"):
        return get_op("Sqrt")(reduce_variance(input_tensor, axis, keepdims))


def reduce_logsumexp(
    input_tensor: Any,
    axis: Any = None,
    keepdims: bool | None = None,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: bool | None = None,
) -> Tensor:
    """log(sum(exp(x))) over axes, without overflow.

    Args:
        input_tensor: a floating tensor.
        axis: an int or a list of them; None for all.
        keepdims: keeps each reduced dimension, with size 1.
        name: name scope of the ops.
        reduction_indices: older name of `axis`.
        keep_dims: older name of `keepdims`.
    """
    axis = renamed("axis", axis, "reduction_indices", reduction_indices)
    keepdims = bool(renamed("keepdims", keepdims, "keep_dims", keep_dims))
    with name_scope(name, "ReduceLogSumExp"):
        x = convert_to_tensor(input_tensor)
        axes = convert_to_tensor(reduction_axes(x, axis), name="axis")
        largest = _reduce("Max", x, axes, True, None)
        finite = get_op("SelectV2")(get_op("IsFinite")(largest), largest, get_op("ZerosLike")(largest))
        shift = get_op("StopGradient")(finite)
        total = get_op("Log")(_reduce("Sum", get_op("Exp")(x - shift), axes, keepdims, None))
        if not keepdims:
            shift = get_op("Reshape")(shift, get_op("Shape")(total))
        return total + shift


def count_nonzero(
    input_tensor: Any = None,
    axis: Any = None,
    keepdims: bool | None = None,
    dtype: Any = dtypes.int64,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: bool | None = None,
    input: Any = None,
) -> Tensor:
    """How many elements over axes are not zero; not empty, for strings.

    Args:
        input_tensor: a tensor of numbers, booleans or strings.
        axis: an int or a list of them; None for all.
        keepdims: keeps each reduced dimension, with size 1.
        dtype: element type of the result.
        name: name scope of the ops.
        reduction_indices: older name of `axis`.
        keep_dims: older name of `keepdims`.
        input: another name of `input_tensor`.
    """
    axis = renamed("axis", axis, "reduction_indices", reduction_indices)
    keepdims = renamed("keepdims", keepdims, "keep_dims", keep_dims)
    with name_scope(name, "count_nonzero"):
        x = convert_to_tensor(renamed("input_tensor", input_tensor, "input", input), name="input")
        zero = convert_to_tensor(b"" if x.dtype is dtypes.string else x.dtype.np.type(0), x.dtype)
        counted = get_op("Cast")(get_op("NotEqual")(x, zero), DstT=dtypes.int64)
        total = _reduce("Sum", counted, axis, keepdims, None)
        target = as_dtype(dtype)
        return total if total.dtype is target else get_op("Cast")(total, DstT=target, name="count_nonzero")


def argmax(
    input: Any,
    axis: Any = None,
    name: str | None = None,
    dimension: Any = None,
    output_type: Any = dtypes.int64,
) -> Tensor:
    """Position of the largest element along an axis; of equal ones the first.

    Args:
        input: a tensor of real numbers or booleans.
        axis: the axis; 0 where none is given.
        name: name of the op.
        dimension: older name of `axis`.
        output_type: int32 or int64.

    Source:
        TensorFlow's op ArgMax.
    """
    axis = renamed("axis", axis, "dimension", dimension)
    return get_op("ArgMax")(input, 0 if axis is None else axis, output_type=output_type, name=name)


def argmin(
    input: Any,
    axis: Any = None,
    name: str | None = None,
    dimension: Any = None,
    output_type: Any = dtypes.int64,
) -> Tensor:
    """Position of the smallest element along an axis; of equal ones the first.

    Args:
        input: a tensor of real numbers or booleans.
        axis: the axis; 0 where none is given.
        name: name of the op.
        dimension: older name of `axis`.
        output_type: int32 or int64.

    Source:
        TensorFlow's op ArgMin.
    """
    axis = renamed("axis", axis, "dimension", dimension)
    return get_op("ArgMin")(input, 0 if axis is None else axis, output_type=output_type, name=name)


def arg_max(input: Any, dimension: Any, output_type: Any = dtypes.int64, name: str | None = None) -> Tensor:
    """`argmax` with its axis required, under its first name.

    Args:
        input: a tensor.
        dimension: the dimension.
        output_type: element type of the result.
    """
    return argmax(input, dimension, name, output_type=output_type)


def arg_min(input: Any, dimension: Any, output_type: Any = dtypes.int64, name: str | None = None) -> Tensor:
    """`argmin` with its axis required, under its first name.

    Args:
        input: a tensor.
        dimension: the dimension.
        output_type: element type of the result.
    """
    return argmin(input, dimension, name, output_type=output_type)


def _same_kind(inputs: Any) -> list[Tensor]:
    """The terms of a sum as tensors of one type and of compatible shapes."""
    if not isinstance(inputs, Sequence) or not inputs or isinstance(inputs, (str, bytes)):
        raise ValueError(
            "Inputs must be a list of at least one Tensor/IndexedSlices with the same dtype and shape."
        )
    tensors = [convert_to_tensor(t) for t in inputs]
    shape = TensorShape(None)
    for tensor in tensors:
        if tensor.dtype is not tensors[0].dtype:
            raise ValueError(
                f"All terms must have one element type, got {tensors[0].dtype.name} and {tensor.dtype.name}."
            )
        shape = shape.merge_with(tensor.shape)
    return tensors


def add_n(inputs: Any, name: str | None = None) -> Tensor:
    """Sum of tensors of one shape.

    Args:
        inputs: a list of tensors (or `IndexedSlices`) of one element type and shape.
        name: name of the op.

    Raises:
        ValueError: the list is empty, or its types or shapes differ.

    Source:
        TensorFlow's op AddN.
    """
    if isinstance(inputs, (Tensor, IndexedSlices)):
        inputs = [inputs]
    tensors = _same_kind(inputs)
    if len(tensors) == 1:
        return get_op("Identity")(tensors[0], name=name) if name else tensors[0]
    return get_op("AddN")(tensors, name=name)


def accumulate_n(inputs: Any, shape: Any = None, tensor_dtype: Any = None, name: str | None = None) -> Tensor:
    """Sum of tensors of one shape.

    Args:
        inputs: a list of tensors of one element type and shape.
        shape: that shape, where the tensors do not know it.
        tensor_dtype: their element type; checked.
        name: name of the op.

    Raises:
        ValueError: the list is empty, or its types or shapes differ.
        TypeError: the terms are not of `tensor_dtype`.

    Source:
        TensorFlow's op AccumulateNV2.
    """
    tensors = _same_kind(inputs)
    if tensor_dtype is not None and as_dtype(tensor_dtype) is not tensors[0].dtype:
        raise TypeError(
            f"tensor_dtype is {as_dtype(tensor_dtype).name}, but input is of {tensors[0].dtype.name}"
        )
    whole = TensorShape(None) if shape is None else as_shape(shape)
    for tensor in tensors:
        whole = whole.merge_with(tensor.shape)
    if len(tensors) == 1:
        return get_op("Identity")(tensors[0], name=name) if name else tensors[0]
    if whole.is_fully_defined():
        return get_op("AccumulateNV2")(tensors, shape=whole, name=name)
    return get_op("AddN")(tensors, name=name or "AccumulateNV2")
