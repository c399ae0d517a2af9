"""Elements picked, placed and sorted out by index or by value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .array import gather
from .graph import dtypes
from .graph.convert import convert_to_tensor
from .graph.default_graph import name_scope
from .graph.dtypes import as_dtype
from .graph.elements import Tensor
from .graph.ops import gather_nd as ops
from .graph.ops import partition
from .graph.ops.array import ConcatV2, Reshape, Shape, Where
from .graph.ops.indexing import GatherV2
from .graph.ops.reinterpret import EditDistance, UnravelIndex
from .graph.sparse_tensor import SparseTensor, SparseTensorValue

__all__ = [
    "batch_gather",
    "boolean_mask",
    "dynamic_partition",
    "dynamic_stitch",
    "edit_distance",
    "gather_nd",
    "scatter_nd",
    "setdiff1d",
    "tensor_scatter_add",
    "tensor_scatter_max",
    "tensor_scatter_min",
    "tensor_scatter_nd_add",
    "tensor_scatter_nd_max",
    "tensor_scatter_nd_min",
    "tensor_scatter_nd_sub",
    "tensor_scatter_nd_update",
    "tensor_scatter_sub",
    "tensor_scatter_update",
    "unique",
    "unique_with_counts",
    "unravel_index",
]


def gather_nd(params: Any, indices: Any, name: str | None = None, batch_dims: int = 0) -> Tensor:
    """Slices of a tensor, by index tuples.

    Args:
        params: a tensor or variable.
        indices: integers; the last dimension holds indices into the first dimensions of `params`.
        name: name of the op.
        batch_dims: number of first dimensions that params and indices share.

    Returns:
        Tensor of shape `indices.shape[:-1] + params.shape[indices.shape[-1]:]`, without batch dimensions.

    Source:
        TensorFlow `GatherNd`.
    """
    if batch_dims:
        return _batch_gather_nd(convert_to_tensor(params), convert_to_tensor(indices), batch_dims, name)
    own = getattr(params, "gather_nd", None)
    if own is not None and not isinstance(params, Tensor):
        return own(indices, name=name)  # type: ignore[no-any-return]
    return ops.GatherNd(params, indices, name=name)  # type: ignore[no-any-return]


def _batch_gather_nd(params: Tensor, indices: Tensor, batch_dims: int, name: str | None) -> Tensor:
    """`gather_nd` for each combination of the first dimensions: their own index goes in front of each tuple."""
    from .graph.ops.filling import Fill, Range
    from .graph.ops.math import Cast

    rank = indices.shape.rank
    if rank is None or batch_dims >= rank:
        raise ValueError(f"batch_dims = {batch_dims} must be less than the known rank of indices, {rank}.")
    with name_scope(name, "gather_nd"):
        shape = Shape(indices)
        lead = shape[:-1]
        columns = []
        for axis in range(batch_dims):
            own = np.ones(rank, np.int32)
            own[axis] = -1
            places = Reshape(Range(0, shape[axis], 1), own)
            column = places + Fill(ConcatV2([lead, np.ones(1, np.int32)], 0), np.int32(0))
            columns.append(column if indices.dtype is dtypes.int32 else Cast(column, DstT=indices.dtype))
        return ops.GatherNd(params, ConcatV2([*columns, indices], -1))  # type: ignore[no-any-return]


def batch_gather(params: Any, indices: Any, name: str | None = None) -> Tensor:
    """`gather` along the last dimension of `indices`, for each combination of the dimensions before it."""
    with name_scope(name, "BatchGather"):
        tensor = convert_to_tensor(indices, name="indices")
        if tensor.shape.rank is None:
            raise ValueError("batch_gather does not allow indices with unknown shape.")
        last = len(tensor.shape) - 1
        return gather(params, tensor, axis=last, batch_dims=last)


def scatter_nd(indices: Any, updates: Any, shape: Any, name: str | None = None) -> Tensor:
    """Zeros of a shape, with slices added at index tuples.

    Args:
        indices: indices.
        updates: values, one per index.
        shape: shape of the result.

    Source:
        TensorFlow `ScatterNd`.
    """
    return ops.ScatterNd(indices, updates, shape, name=name)  # type: ignore[no-any-return]


def tensor_scatter_nd_update(tensor: Any, indices: Any, updates: Any, name: str | None = None) -> Tensor:
    """A tensor with the slices at index tuples set.

    Args:
        tensor: a tensor.
        indices: indices.
        updates: values, one per index.
    """
    return ops.TensorScatterUpdate(tensor, indices, updates, name=name)  # type: ignore[no-any-return]


def tensor_scatter_nd_add(tensor: Any, indices: Any, updates: Any, name: str | None = None) -> Tensor:
    """A tensor with `updates` added to the slices at index tuples."""
    return ops.TensorScatterAdd(tensor, indices, updates, name=name)  # type: ignore[no-any-return]


def tensor_scatter_nd_sub(tensor: Any, indices: Any, updates: Any, name: str | None = None) -> Tensor:
    """A tensor with `updates` subtracted from the slices at index tuples."""
    return ops.TensorScatterSub(tensor, indices, updates, name=name)  # type: ignore[no-any-return]


def tensor_scatter_nd_min(tensor: Any, indices: Any, updates: Any, name: str | None = None) -> Tensor:
    """A tensor with the slices at index tuples lowered to at most `updates`."""
    return ops.TensorScatterMin(tensor, indices, updates, name=name)  # type: ignore[no-any-return]


def tensor_scatter_nd_max(tensor: Any, indices: Any, updates: Any, name: str | None = None) -> Tensor:
    """A tensor with the slices at index tuples raised to at least `updates`."""
    return ops.TensorScatterMax(tensor, indices, updates, name=name)  # type: ignore[no-any-return]


tensor_scatter_update = tensor_scatter_nd_update
tensor_scatter_add = tensor_scatter_nd_add
tensor_scatter_sub = tensor_scatter_nd_sub
tensor_scatter_min = tensor_scatter_nd_min
tensor_scatter_max = tensor_scatter_nd_max


def boolean_mask(tensor: Any, mask: Any, name: str = "boolean_mask", axis: int | None = None) -> Tensor:
    """The slices of a tensor for which a mask is true.

    Args:
        tensor: a tensor.
        mask: booleans of a known rank of at least 1; its shape is that of `tensor` from `axis` on.
        name: name scope.
        axis: first dimension that is masked, 0 by default.

    Returns:
        Tensor with the masked dimensions replaced by one.

    Raises:
        ValueError: the mask is a scalar, or its shape does not fit.
    """
    with name_scope(name, "boolean_mask"):
        values = convert_to_tensor(tensor, name="tensor")
        flags = convert_to_tensor(mask, dtypes.bool, name="mask")
        at = 0 if axis is None else int(axis)
        if flags.shape.rank is None:
            raise ValueError("Number of mask dimensions must be specified, even if some dimensions are None.")
        depth = len(flags.shape)
        if not depth:
            raise ValueError("mask cannot be scalar.")
        if values.shape.rank is not None:
            at = at + len(values.shape) if at < 0 else at
            values.shape[at : at + depth].assert_is_compatible_with(flags.shape)
        if depth > 1:
            shape = Shape(values)
            values = Reshape(values, ConcatV2([shape[:at], [-1], shape[at + depth :]], 0))
        places = Reshape(Where(Reshape(flags, [-1])), [-1])
        return GatherV2(values, places, at)  # type: ignore[no-any-return]


def unique(x: Any, out_idx: Any = dtypes.int32, name: str | None = None) -> Any:
    """The different elements of a vector in order of appearance.

    Args:
        x: vector.
        out_idx: type of the indices, int32 or int64.
        name: name of the op.

    Returns:
        `(y, idx)`: the elements, and which of them each element of `x` is.

    Source:
        TensorFlow `Unique`.
    """
    return partition.Unique(x, out_idx=as_dtype(out_idx), name=name)


def unique_with_counts(x: Any, out_idx: Any = dtypes.int32, name: str | None = None) -> Any:
    """`unique`, and how often each element appears: `(y, idx, count)`.

    Args:
        x: a vector.
        out_idx: element type of the indices.
    """
    return partition.UniqueWithCounts(x, out_idx=as_dtype(out_idx), name=name)


def setdiff1d(x: Any, y: Any, index_dtype: Any = dtypes.int32, name: str | None = None) -> Any:
    """The elements of vector x that are not in y, and their places in x: `(out, idx)`.

    Args:
        x: a tensor.
        y: what is taken away.
        index_dtype: element type of the indices.

    Source:
        TensorFlow `ListDiff`.
    """
    return partition.ListDiff(x, y, out_idx=as_dtype(index_dtype), name=name)


def dynamic_partition(
    data: Any, partitions: Any, num_partitions: int, name: str | None = None
) -> list[Tensor]:
    """Slices of a tensor sorted into lists.

    Args:
        data: the slices, of shape `partitions.shape + slice shape`.
        partitions: int32: the list of each slice, in [0, num_partitions).
        num_partitions: number of lists.
        name: name of the op.

    Source:
        TensorFlow `DynamicPartition`.
    """
    return partition.DynamicPartition(  # type: ignore[no-any-return]
        data, partitions, num_partitions=num_partitions, name=name
    )


def dynamic_stitch(indices: Sequence[Any], data: Sequence[Any], name: str | None = None) -> Tensor:
    """Slices of several tensors put where indices say; of two for one place the later one wins.

    Args:
        indices: indices.
        data: tensors, one per tensor of indices.

    Source:
        TensorFlow `DynamicStitch`.
    """
    return partition.DynamicStitch(list(indices), list(data), name=name)  # type: ignore[no-any-return]


def unravel_index(indices: Any, dims: Any, name: str | None = None) -> Tensor:
    """Places in row-major order of a tensor of shape `dims` as indices, a column each."""
    return UnravelIndex(indices, dims, name=name)  # type: ignore[no-any-return]


def edit_distance(hypothesis: Any, truth: Any, normalize: bool = True, name: str = "edit_distance") -> Tensor:
    """Levenshtein distances between the rows of two sparse tensors.

    Args:
        hypothesis, truth: sparse tensors whose last dimension holds the sequences.
        normalize: whether distances are divided by the length of the truth.
        name: name of the op.

    Raises:
        TypeError: one of them is not sparse.

    Source:
        TensorFlow `EditDistance`.
    """
    for label, value in (("Hypothesis", hypothesis), ("Truth", truth)):
        if not isinstance(value, (SparseTensor, SparseTensorValue)):
            raise TypeError(f"{label} must be a SparseTensor.")
    a, b = SparseTensor.from_value(hypothesis), SparseTensor.from_value(truth)
    return EditDistance(*a._parts(), *b._parts(), normalize=normalize, name=name)  # type: ignore[no-any-return]
