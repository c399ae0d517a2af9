"""Bands and diagonals of matrices."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..elements import Operation, Tensor
from ..infer import InferContext, moves
from ..opdef import PURE, OpDecl, declare
from ..samples import floats, ints, sample
from ..shapes import Dimension, TensorShape
from .shaping import Reshape

__all__ = [
    "Diag",
    "DiagPart",
    "MatrixBandPart",
    "MatrixDiag",
    "MatrixDiagPart",
    "MatrixDiagPartV2",
    "MatrixDiagPartV3",
    "MatrixDiagV2",
    "MatrixDiagV3",
    "MatrixSetDiag",
    "MatrixSetDiagV2",
    "MatrixSetDiagV3",
    "longest_diagonal",
]


def _band_shape(c: InferContext) -> Sequence[TensorShape]:
    c.rank("num_lower", 0)
    c.rank("num_upper", 0)
    return [c.rank_at_least("input", 2)]


MatrixBandPart = declare(
    "MatrixBandPart",
    inputs="input: T, num_lower: Tindex, num_upper: Tindex",
    outputs="band: T",
    attrs=("T: type", "Tindex: indextype = DT_INT64"),
    infer=_band_shape,
    gradient=lambda op, grad: [MatrixBandPart(grad, *op.inputs[1:]), None, None],
    cost=moves,
    state=PURE,
    samples=lambda: [
        sample(floats(2, 4, 5), np.int64(1), np.int64(-1)),
        sample(floats(4, 3), np.int32(0), np.int32(2)),
        sample(ints(3, 3), np.int64(-1), np.int64(0)),
    ],
    doc="A matrix with zeros outside of a band around its diagonal.",
)


def longest_diagonal(rows: int, columns: int, low: int, high: int) -> int:
    """Length of the longest diagonal from `low` to `high` of a matrix."""
    return min(rows + min(high, 0), columns - max(low, 0))


def _bounds(c: InferContext) -> tuple[int, int] | None:
    """The lowest and the highest of the diagonals that are asked for; None where they are not known."""
    if not any(a.name == "k" for a in c.decl.inputs):
        return 0, 0
    value = c.value("k")
    if c.shape("k").rank not in (None, 0, 1):
        c.fail("k must be a scalar or a vector")
    if value is None:
        return None
    flat = value.reshape(-1)
    if flat.size not in (1, 2):
        c.fail(f"k must hold one or two values, got {flat.size}")
    low, high = int(flat[0]), int(flat[-1])
    if low > high:
        c.fail(f"k must go from a lower to a higher diagonal, got {low}, {high}")
    return low, high


def _check_bounds(c: InferContext, rows: Dimension, columns: Dimension, low: int, high: int) -> None:
    for k in (low, high):
        if (rows is not None and k <= -max(rows, 1)) or (columns is not None and k >= max(columns, 1)):
            c.fail(f"diagonal {k} is outside of the matrix")


def _part_shape(c: InferContext) -> Sequence[TensorShape]:
    shape, bounds = c.rank_at_least("input", 2), _bounds(c)
    if shape.dims is None or bounds is None:
        return [TensorShape(None)]
    rows, columns = shape[-2], shape[-1]
    _check_bounds(c, rows, columns, *bounds)
    low, high = bounds
    length = None if rows is None or columns is None else longest_diagonal(rows, columns, low, high)
    return [TensorShape([*shape.dims[:-2], *([high - low + 1] if low != high else []), length])]


def _aligned(op: Operation) -> dict[str, Any]:
    return {"align": op.attrs["align"]} if "align" in op.attrs else {"align": "LEFT_LEFT"}


def _bounds_of(op: Operation) -> Any:
    """The diagonals of an op; the main one where it has no say."""
    names = [a.name for a in op.decl.inputs]
    return op.inputs[names.index("k")] if "k" in names else np.int32(0)


def _sum_all(x: Tensor) -> Tensor:
    from .reduction import Sum

    made: Tensor = Sum(Reshape(x, [-1]), [0])
    return made


def _part_grad(op: Operation, grad: Any) -> list[Any]:
    """Puts the gradient onto the diagonals; the padding gets what belongs to none."""
    from .filling import ZerosLike
    from .math import Sub

    x = op.inputs[0]
    inner = MatrixSetDiagV3(ZerosLike(x), grad, _bounds_of(op), **_aligned(op))
    if len(op.inputs) == 1:
        return [inner]
    return [inner, None, Sub(_sum_all(grad), _sum_all(inner))]


def _diag_shape(c: InferContext) -> Sequence[TensorShape]:
    shape, bounds = c.rank_at_least("diagonal", 1), _bounds(c)
    if shape.dims is None or bounds is None:
        return [TensorShape(None)]
    low, high = bounds
    count = high - low + 1
    if count > 1:
        c.rank_at_least("diagonal", 2)
        if shape[-2] not in (None, count):
            c.fail(f"the second to last dimension must be {count}, one row per diagonal")
    batch = shape.dims[: -2 if count > 1 else -1]
    if len(c.shapes) == 1:
        return [TensorShape([*batch, shape[-1], shape[-1]])]
    rows, columns = c.value("num_rows"), c.value("num_cols")
    if shape[-1] is None or rows is None or columns is None:
        return [TensorShape([*batch, None, None])]
    try:
        size = matrix_size(shape[-1], low, high, int(rows), int(columns))
    except ValueError as error:
        c.fail(str(error))
    return [TensorShape([*batch, *size])]


def matrix_size(length: int, low: int, high: int, rows: int, columns: int) -> tuple[int, int]:
    """Size of the matrix whose diagonals from `low` to `high` are given, the longest of that length.

    Raises:
        ValueError: rows and columns, where they are not -1, do not fit.
    """
    least_rows, least_columns = length - min(high, 0), length + max(low, 0)
    if rows == -1 and columns == -1:
        rows = columns = max(least_rows, least_columns)
    else:
        rows = least_rows if rows == -1 else rows
        columns = least_columns if columns == -1 else columns
    if rows < least_rows or columns < least_columns or (rows != least_rows and columns != least_columns):
        raise ValueError(
            f"diagonals {low} to {high} of length {length} do not fit a matrix of {rows} × {columns}"
        )
    return rows, columns


def _diag_grad(op: Operation, grad: Any) -> list[Any]:
    from .math import Sub

    zero = np.zeros((), grad.dtype.np)
    inner = MatrixDiagPartV3(grad, _bounds_of(op), zero, **_aligned(op))
    if len(op.inputs) == 1:
        return [inner]
    return [inner, None, None, None, Sub(_sum_all(grad), _sum_all(inner))]


def _set_shape(c: InferContext) -> Sequence[TensorShape]:
    shape, bounds = c.rank_at_least("input", 2), _bounds(c)
    if shape.dims is None or bounds is None:
        return [shape]
    _check_bounds(c, shape[-2], shape[-1], *bounds)
    wanted = _expected_diagonal(shape, *bounds)
    c.merge(c.shape("diagonal"), wanted, f"diagonal must be of shape {wanted}")
    return [shape]


def _expected_diagonal(shape: TensorShape, low: int, high: int) -> TensorShape:
    assert shape.dims is not None
    rows, columns = shape[-2], shape[-1]
    length = None if rows is None or columns is None else longest_diagonal(rows, columns, low, high)
    return TensorShape([*shape.dims[:-2], *([high - low + 1] if low != high else []), length])


def _set_grad(op: Operation, grad: Any) -> list[Any]:
    from .filling import ZerosLike

    k, zero = _bounds_of(op), np.zeros((), grad.dtype.np)
    inside = MatrixSetDiagV3(grad, ZerosLike(op.inputs[1]), k, **_aligned(op))
    part = MatrixDiagPartV3(grad, k, zero, **_aligned(op))
    return [inside, part, *([None] * (len(op.inputs) - 2))]


_ALIGN = "align: {'LEFT_RIGHT', 'RIGHT_LEFT', 'LEFT_LEFT', 'RIGHT_RIGHT'} = 'RIGHT_LEFT'"


def _variants(
    name: str, plain: str, more: str, output: str, infer: Any, gradient: Any, hosts: Any, rows: Any, doc: str
) -> list[OpDecl]:
    """The three versions of an op: the main diagonal; any diagonals; any, aligned in a way of choice."""
    return [
        declare(
            name + version,
            inputs=plain + (more if version else ""),
            outputs=f"{output}: T",
            attrs=("T: type", *((_ALIGN,) if version == "V3" else ())),
            infer=infer,
            gradient=gradient,
            cost=moves,
            state=PURE,
            host_inputs=hosts if version else (),
            samples=functools.partial(rows, version),
            doc=doc,
        )
        for version in ("", "V2", "V3")
    ]


def _part_rows(version: str) -> Any:
    if not version:
        return [sample(floats(2, 3, 4)), sample(floats(4, 3)), sample(ints(3, 3)), sample(floats(0, 3, 3))]
    base: list[Any] = [
        sample(floats(3, 4), np.int32(1), np.float32(0)),
        sample(floats(2, 3, 4), np.array([-1, 2], np.int32), np.float32(7)),
        sample(ints(4, 3), np.array([-2, -1], np.int32), np.int32(-1)),
    ]
    if version == "V3":
        aligns = ("LEFT_RIGHT", "LEFT_LEFT", "RIGHT_RIGHT")
        base += [sample(floats(3, 4), np.array([-1, 2], np.int32), np.float32(7), align=a) for a in aligns]
    return base


MatrixDiagPart, MatrixDiagPartV2, MatrixDiagPartV3 = _variants(
    "MatrixDiagPart",
    "input: T",
    ", k: int32, padding_value: T",
    "diagonal",
    _part_shape,
    _part_grad,
    ("k",),
    _part_rows,
    "Diagonals of matrices.",
)


def _diag_rows(version: str) -> Any:
    if not version:
        return [sample(floats(2, 3)), sample(floats(3)), sample(ints(2)), sample(floats(0))]
    auto = np.int32(-1)
    base: list[Any] = [
        sample(floats(3), np.int32(1), auto, auto, np.float32(0)),
        sample(floats(2, 3), np.array([-2], np.int32), np.int32(5), np.int32(4), np.float32(9)),
        sample(floats(2, 4, 3), np.array([-1, 2], np.int32), np.int32(3), np.int32(4), np.float32(7)),
        sample(floats(2, 3), np.array([0, 1], np.int32), auto, np.int32(4), np.float32(7)),
    ]
    if version == "V3":
        ends = (np.int32(3), np.int32(4), np.float32(7))
        aligns = ("LEFT_RIGHT", "LEFT_LEFT", "RIGHT_RIGHT")
        base += [sample(floats(4, 3), np.array([-1, 2], np.int32), *ends, align=a) for a in aligns]
    return base


MatrixDiag, MatrixDiagV2, MatrixDiagV3 = _variants(
    "MatrixDiag",
    "diagonal: T",
    ", k: int32, num_rows: int32, num_cols: int32, padding_value: T",
    "output",
    _diag_shape,
    _diag_grad,
    ("k", "num_rows", "num_cols"),
    _diag_rows,
    "Matrices with given diagonals.",
)


def _set_rows(version: str) -> Any:
    if not version:
        return [sample(floats(2, 3, 4), floats(2, 3, seed=1)), sample(ints(3, 2), ints(2, seed=1))]
    base: list[Any] = [
        sample(floats(3, 4), floats(3, seed=1), np.int32(1)),
        sample(floats(2, 3, 4), floats(2, 4, 3, seed=1), np.array([-1, 2], np.int32)),
    ]
    if version == "V3":
        band = np.array([-1, 2], np.int32)
        aligns = ("LEFT_RIGHT", "LEFT_LEFT", "RIGHT_RIGHT")
        base += [sample(floats(3, 4), floats(4, 3, seed=1), band, align=a) for a in aligns]
    return base


MatrixSetDiag, MatrixSetDiagV2, MatrixSetDiagV3 = _variants(
    "MatrixSetDiag",
    "input: T, diagonal: T",
    ", k: int32",
    "output",
    _set_shape,
    _set_grad,
    ("k",),
    _set_rows,
    "Matrices with some diagonals replaced.",
)

_DIAGONAL_TYPES = "T: {bfloat16, half, float, double, int32, int64, complex64, complex128}"

Diag = declare(
    "Diag",
    inputs="diagonal: T",
    outputs="output: T",
    attrs=_DIAGONAL_TYPES,
    infer=lambda c: [c.rank_at_least("diagonal", 1).concatenate(c.shape("diagonal"))],
    gradient=lambda op, grad: [DiagPart(grad)],
    cost=moves,
    state=PURE,
    samples=lambda: [sample(floats(3)), sample(floats(2, 3)), sample(ints(2))],
    doc="A tensor of double rank, zero but where both halves of its index are equal.",
)


def _diag_part_shape(c: InferContext) -> Sequence[TensorShape]:
    shape = c.shape("input")
    if shape.dims is None:
        return [shape]
    half = len(shape) // 2
    if len(shape) % 2 or not half:
        c.fail("input must have an even rank above 0")
    return [c.merge(shape[:half], shape[half:], "both halves of the shape must be equal")]


DiagPart = declare(
    "DiagPart",
    inputs="input: T",
    outputs="diagonal: T",
    attrs=_DIAGONAL_TYPES,
    infer=_diag_part_shape,
    gradient=lambda op, grad: [Diag(grad)],
    cost=moves,
    state=PURE,
    samples=lambda: [sample(floats(3, 3)), sample(floats(2, 3, 2, 3)), sample(ints(2, 2))],
    doc="The elements whose index has two equal halves.",
)
