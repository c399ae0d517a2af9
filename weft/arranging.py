"""Elements moved: blocks of space, reversed sequences, rolls, bands and diagonals."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arguments import renamed
from .graph import dtypes
from .graph.constant_value import constant_value
from .graph.convert import convert_to_tensor
from .graph.default_graph import name_scope
from .graph.dtypes import as_dtype
from .graph.elements import Tensor
from .graph.ops import blocks, matrix_parts, rolling
from .graph.ops.reinterpret import Bitcast

__all__ = [
    "batch_to_space",
    "batch_to_space_nd",
    "bitcast",
    "depth_to_space",
    "diag",
    "diag_part",
    "matrix_band_part",
    "matrix_diag",
    "matrix_diag_part",
    "matrix_set_diag",
    "required_space_to_batch_paddings",
    "reverse_sequence",
    "roll",
    "space_to_batch",
    "space_to_batch_nd",
    "space_to_depth",
]


def space_to_batch_nd(input: Any, block_shape: Any, paddings: Any, name: str | None = None) -> Tensor:
    """Space cut into blocks whose positions become batches.

    Args:
        input: of shape `(batch, *space, ...)`.
        block_shape: size of a block along each spatial dimension.
        paddings: zeros before and after, of shape `(number of spatial dimensions, 2)`.
        name: name of the op.

    Source:
        TensorFlow `SpaceToBatchND`.
    """
    return blocks.SpaceToBatchND(input, block_shape, paddings, name=name)  # type: ignore[no-any-return]


def batch_to_space_nd(input: Any, block_shape: Any, crops: Any, name: str | None = None) -> Tensor:
    """The inverse of `space_to_batch_nd`; `crops` are cut off at the end."""
    return blocks.BatchToSpaceND(input, block_shape, crops, name=name)  # type: ignore[no-any-return]


def space_to_batch(
    input: Any, paddings: Any, block_size: int | None = None, name: str | None = None, block_shape: Any = None
) -> Tensor:
    """`space_to_batch_nd` for images `(batch, height, width, depth)` with square blocks.

    Args:
        input: a tensor.
        paddings: how much is added at both ends, `(dimensions, 2)`.
        block_size: height and width of the blocks.
        block_shape: size of the blocks in each dimension.
    """
    edges = block_shape if block_size is None else np.array([block_size, block_size], np.int32)
    return space_to_batch_nd(input, edges, paddings, name)


def batch_to_space(
    input: Any, crops: Any, block_size: int | None = None, name: str | None = None, block_shape: Any = None
) -> Tensor:
    """The inverse of `space_to_batch`.

    Args:
        input: a tensor.
        crops: how much is cut off at both ends, `(dimensions, 2)`.
        block_size: height and width of the blocks.
        block_shape: size of the blocks in each dimension.
    """
    edges = block_shape if block_size is None else np.array([block_size, block_size], np.int32)
    return batch_to_space_nd(input, edges, crops, name)


def space_to_depth(input: Any, block_size: int, name: str | None = None, data_format: str = "NHWC") -> Tensor:
    """Blocks of height and width laid one behind the other in depth.

    Args:
        input: a tensor.
        block_size: height and width of the blocks.
        data_format: NHWC, NCHW or NCHW_VECT_C.

    Source:
        TensorFlow `SpaceToDepth`.
    """
    return blocks.SpaceToDepth(  # type: ignore[no-any-return]
        input, block_size=block_size, data_format=data_format, name=name
    )


def depth_to_space(input: Any, block_size: int, name: str | None = None, data_format: str = "NHWC") -> Tensor:
    """The inverse of `space_to_depth`.

    Args:
        input: a tensor.
        block_size: height and width of the blocks.
        data_format: NHWC, NCHW or NCHW_VECT_C.
    """
    return blocks.DepthToSpace(  # type: ignore[no-any-return]
        input, block_size=block_size, data_format=data_format, name=name
    )


def required_space_to_batch_paddings(
    input_shape: Any, block_shape: Any, base_paddings: Any = None, name: str | None = None
) -> tuple[Any, Any]:
    """The paddings that make space divisible by blocks, and the crops that take them off again.

    Args:
        input_shape: int32 sizes of the spatial dimensions.
        block_shape: int32 sizes of a block.
        base_paddings: least paddings, of shape `(dimensions, 2)`; zeros by default.
        name: name scope.

    Returns:
        `(paddings, crops)`, each of shape `(dimensions, 2)`.
    """
    from .array import stack
    from .filling import zeros_like

    with name_scope(name, "required_space_to_batch_paddings"):
        size = convert_to_tensor(input_shape, dtypes.int32, name="input_shape")
        block = convert_to_tensor(block_shape, dtypes.int32, name="block_shape")
        count = block.shape.with_rank(1)[0]
        if base_paddings is None:
            if count is None:
                raise ValueError("block_shape must have a known length where base_paddings is not given.")
            base = convert_to_tensor(np.zeros((count, 2), np.int32))
        else:
            base = convert_to_tensor(base_paddings, dtypes.int32, name="base_paddings")
        known = [constant_value(t) for t in (size, block, base)]
        if all(v is not None for v in known):
            return _known_paddings(*known)
        before, least = base[:, 0], base[:, 1]
        full = size + before + least
        extra = (block - full % block) % block
        paddings = stack([before, least + extra], axis=1)
        return paddings, stack([zeros_like(extra), extra], axis=1)


def _known_paddings(size: Any, block: Any, base: Any) -> tuple[Any, Any]:
    extra = ((block - (size + base.sum(axis=1)) % block) % block).astype(np.int32)
    paddings = np.stack([base[:, 0], base[:, 1] + extra], axis=1)
    return paddings, np.stack([np.zeros_like(extra), extra], axis=1)


def reverse_sequence(
    input: Any,
    seq_lengths: Any,
    seq_axis: int | None = None,
    batch_axis: int | None = None,
    name: str | None = None,
    seq_dim: int | None = None,
    batch_dim: int | None = None,
) -> Tensor:
    """The first elements of each sequence in reverse order.

    Args:
        input: a tensor.
        seq_lengths: how many elements of each sequence; int32 or int64 vector.
        seq_axis: dimension along which sequences run.
        batch_axis: dimension that counts the sequences, 0 by default.
        name: name of the op.
        seq_dim, batch_dim: old names of the axes.

    Source:
        TensorFlow `ReverseSequence`.
    """
    along = renamed("seq_axis", seq_axis, "seq_dim", seq_dim)
    batch = renamed("batch_axis", batch_axis, "batch_dim", batch_dim)
    return rolling.ReverseSequence(  # type: ignore[no-any-return]
        input, seq_lengths, seq_dim=along, batch_dim=0 if batch is None else batch, name=name
    )


def roll(input: Any, shift: Any, axis: Any, name: str | None = None) -> Tensor:
    """Elements moved along dimensions; what leaves at one end comes in at the other.

    Args:
        input: a tensor.
        shift: how far, for each axis.
        axis: the axis.

    Source:
        TensorFlow `Roll`.
    """
    return rolling.Roll(input, shift, axis, name=name)  # type: ignore[no-any-return]


def bitcast(input: Any, type: Any, name: str | None = None) -> Tensor:
    """The same bytes as another element type.

    Args:
        input: a tensor.
        type: element type of the result.

    Source:
        TensorFlow `Bitcast`.
    """
    return Bitcast(input, type=as_dtype(type), name=name)  # type: ignore[no-any-return]


def matrix_band_part(input: Any, num_lower: Any, num_upper: Any, name: str | None = None) -> Tensor:
    """Matrices with zeros outside of a band around the diagonal.

    Args:
        input: of shape `(..., rows, columns)`.
        num_lower, num_upper: number of diagonals that stay below and above; negative for all.
        name: name of the op.

    Source:
        TensorFlow `MatrixBandPart`.
    """
    return matrix_parts.MatrixBandPart(input, num_lower, num_upper, name=name)  # type: ignore[no-any-return]


def matrix_diag(
    diagonal: Any,
    name: str = "diag",
    k: Any = 0,
    num_rows: Any = -1,
    num_cols: Any = -1,
    padding_value: Any = 0,
    align: str = "RIGHT_LEFT",
) -> Tensor:
    """Matrices with given diagonals.

    Args:
        diagonal: of shape `(..., length)`, or `(..., diagonals, length)` for several.
        name: name of the op.
        k: which diagonal, or the lowest and the highest of several; positive ones are above the main one.
        num_rows, num_cols: size of the matrices; -1 for the smallest.
        padding_value: what the other elements are.
        align: at which end diagonals of different length begin in their rows.

    Source:
        TensorFlow `MatrixDiag`, `MatrixDiagV3`.
    """
    values = convert_to_tensor(diagonal)
    if _is_main(k) and _plain(num_rows, -1) and _plain(num_cols, -1) and _plain(padding_value, 0):
        return matrix_parts.MatrixDiag(values, name=name)  # type: ignore[no-any-return]
    return matrix_parts.MatrixDiagV3(  # type: ignore[no-any-return]
        values, k, num_rows, num_cols, _padding(padding_value, values), align=align, name=name
    )


def matrix_diag_part(
    input: Any, name: str = "diag_part", k: Any = 0, padding_value: Any = 0, align: str = "RIGHT_LEFT"
) -> Tensor:
    """Diagonals of matrices; arguments as for `matrix_diag`.

    Source:
        TensorFlow `MatrixDiagPart`, `MatrixDiagPartV3`.
    """
    values = convert_to_tensor(input)
    if _is_main(k):
        return matrix_parts.MatrixDiagPart(values, name=name)  # type: ignore[no-any-return]
    return matrix_parts.MatrixDiagPartV3(  # type: ignore[no-any-return]
        values, k, _padding(padding_value, values), align=align, name=name
    )


def matrix_set_diag(
    input: Any, diagonal: Any, name: str = "set_diag", k: Any = 0, align: str = "RIGHT_LEFT"
) -> Tensor:
    """Matrices with some diagonals replaced; arguments as for `matrix_diag`.

    Source:
        TensorFlow `MatrixSetDiag`, `MatrixSetDiagV3`.
    """
    if _is_main(k):
        return matrix_parts.MatrixSetDiag(input, diagonal, name=name)  # type: ignore[no-any-return]
    return matrix_parts.MatrixSetDiagV3(input, diagonal, k, align=align, name=name)  # type: ignore[no-any-return]


def _plain(value: Any, wanted: int) -> bool:
    return not isinstance(value, Tensor) and np.ndim(value) == 0 and bool(value == wanted)


def _is_main(k: Any) -> bool:
    return not isinstance(k, Tensor) and bool(np.all(np.asarray(k) == 0))


def _padding(value: Any, like: Tensor) -> Tensor:
    return convert_to_tensor(value, like.dtype)


def diag(diagonal: Any, name: str | None = None) -> Tensor:
    """A tensor of double rank, zero but where both halves of its index are equal.

    Args:
        diagonal: the values of the diagonal.

    Source:
        TensorFlow `Diag`.
    """
    return matrix_parts.Diag(diagonal, name=name)  # type: ignore[no-any-return]


def diag_part(input: Any, name: str | None = None) -> Tensor:
    """The elements whose index has two equal halves.

    Args:
        input: a tensor whose dimensions come twice.

    Source:
        TensorFlow `DiagPart`.
    """
    return matrix_parts.DiagPart(input, name=name)  # type: ignore[no-any-return]
