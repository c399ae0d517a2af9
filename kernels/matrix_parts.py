"""Bands and diagonals of matrices; declared in `graph/ops/matrix_parts.py`.

Where an element of a diagonal lies in the matrix depends on sizes alone, so both ways are picks by fixed indices.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph.ops.matrix_parts import longest_diagonal, matrix_size
from .registry import KernelContext, kernel
from .shaping import first


@kernel("MatrixBandPart")
def matrix_band_part(c: KernelContext, x: Any, num_lower: Any, num_upper: Any) -> Any:
    xp = c.xp
    rows, columns = x.shape[-2:]
    below = xp.arange(rows, dtype=np.int64)[:, None] - xp.arange(columns, dtype=np.int64)[None, :]
    keep = ((num_lower < 0) | (below <= num_lower)) & ((num_upper < 0) | (-below <= num_upper))
    return xp.where(keep, x, xp.zeros((), x.dtype))


def _bounds(k: Any) -> tuple[int, int]:
    flat = np.asarray(k).reshape(-1)
    return int(flat[0]), int(flat[-1])


class _Layout:
    """Where the diagonals of matrices of one size lie, packed as rows."""

    def __init__(self, rows: int, columns: int, low: int, high: int, align: str) -> None:
        self.rows, self.columns, self.low, self.high = rows, columns, low, high
        self.length = longest_diagonal(rows, columns, low, high)
        above, _, below = align.partition("_")
        diagonals = np.arange(high, low - 1, -1)
        lengths = np.minimum(rows + np.minimum(diagonals, 0), columns - np.maximum(diagonals, 0))
        left = ((diagonals >= 0) & (above == "LEFT")) | ((diagonals <= 0) & (below == "LEFT"))
        self.diagonals, self.lengths = diagonals, lengths
        self.offsets = np.where(left, 0, self.length - lengths)

    def packed(self) -> tuple[Any, Any, Any]:
        """For each place of the packed diagonals: row and column of the matrix, and whether there is one."""
        place = np.arange(self.length)[None, :] - self.offsets[:, None]
        inside = (place >= 0) & (place < self.lengths[:, None])
        place = np.where(inside, place, 0)
        return (
            place + np.maximum(-self.diagonals, 0)[:, None],
            place + np.maximum(self.diagonals, 0)[:, None],
            inside,
        )

    def unpacked(self) -> tuple[Any, Any, Any]:
        """For each place of the matrix: row and column of the packed diagonals, and whether there is one."""
        row, column = np.arange(self.rows)[:, None], np.arange(self.columns)[None, :]
        diagonal = column - row
        inside = (diagonal >= self.low) & (diagonal <= self.high)
        which = np.where(inside, self.high - diagonal, 0)
        place = np.where(inside, np.minimum(row, column) + self.offsets[which], 0)
        return which, place, inside


def _part(c: KernelContext, x: Any, low: int, high: int, padding: Any, align: str) -> Any:
    layout = _Layout(x.shape[-2], x.shape[-1], low, high, align)
    row, column, inside = layout.packed()
    found = x[..., row, column]
    if not inside.all():
        found = c.xp.where(c.xp.asarray(inside), found, padding)
    return found if low != high else found[..., 0, :]


def _unpack(c: KernelContext, diagonal: Any, layout: _Layout, outside: Any) -> Any:
    which, place, inside = layout.unpacked()
    if layout.low == layout.high:
        diagonal = c.xp.expand_dims(diagonal, -2)
    return c.xp.where(c.xp.asarray(inside), diagonal[..., which, place], outside)


@kernel("MatrixDiagPart")
def matrix_diag_part(c: KernelContext, x: Any) -> Any:
    return _part(c, x, 0, 0, 0, "LEFT_LEFT")


@kernel("MatrixDiagPartV2", "MatrixDiagPartV3")
def matrix_diag_part_v3(c: KernelContext, x: Any, k: Any, padding_value: Any) -> Any:
    return _part(c, x, *_bounds(k), padding_value, c.attrs.get("align", "LEFT_LEFT"))


@kernel("MatrixDiag")
def matrix_diag(c: KernelContext, diagonal: Any) -> Any:
    size = diagonal.shape[-1]
    return _unpack(c, diagonal, _Layout(size, size, 0, 0, "LEFT_LEFT"), c.xp.zeros((), diagonal.dtype))


@kernel("MatrixDiagV2", "MatrixDiagV3")
def matrix_diag_v3(
    c: KernelContext, diagonal: Any, k: Any, num_rows: Any, num_cols: Any, padding_value: Any
) -> Any:
    low, high = _bounds(k)
    rows, columns = matrix_size(diagonal.shape[-1], low, high, first(num_rows), first(num_cols))
    layout = _Layout(rows, columns, low, high, c.attrs.get("align", "LEFT_LEFT"))
    return _unpack(c, diagonal, layout, padding_value)


@kernel("MatrixSetDiag")
def matrix_set_diag(c: KernelContext, x: Any, diagonal: Any) -> Any:
    return _unpack(c, diagonal, _Layout(x.shape[-2], x.shape[-1], 0, 0, "LEFT_LEFT"), x)


@kernel("MatrixSetDiagV2", "MatrixSetDiagV3")
def matrix_set_diag_v3(c: KernelContext, x: Any, diagonal: Any, k: Any) -> Any:
    layout = _Layout(x.shape[-2], x.shape[-1], *_bounds(k), c.attrs.get("align", "LEFT_LEFT"))
    return _unpack(c, diagonal, layout, x)


@kernel("Diag")
def diag(c: KernelContext, diagonal: Any) -> Any:
    shape = np.shape(diagonal)
    flat = diagonal.reshape(-1)
    return c.xp.diag(flat).reshape((*shape, *shape))


@kernel("DiagPart")
def diag_part(c: KernelContext, x: Any) -> Any:
    shape = np.shape(x)[: np.ndim(x) // 2]
    size = int(np.prod(shape))
    return c.xp.diagonal(x.reshape((size, size))).reshape(shape)
