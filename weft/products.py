"""Matrix products and sums of products."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .graph import dtypes
from .graph.convert import convert_to_tensor
from .graph.default_graph import name_scope
from .graph.elements import Tensor
from .graph.opdef import get_op
from .graph.shapes import TensorShape

__all__ = ["einsum", "matmul", "matvec", "sparse_matmul", "tensordot"]


def matmul(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    transpose_b: bool = False,
    adjoint_a: bool = False,
    adjoint_b: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    output_type: Any = None,
    name: str | None = None,
) -> Tensor:
    """Matrix product of two matrices, or of two batches of them.

    Args:
        a, b: tensors of shape `(..., rows, columns)`, batch dimensions that broadcast, one element type.
        transpose_a, transpose_b: transposes that operand first.
        adjoint_a, adjoint_b: conjugates and transposes that operand first.
        a_is_sparse, b_is_sparse: accepted for TensorFlow's sake; zeros are multiplied like other numbers.
        output_type: element type of the result, where it differs from that of the operands.
        name: name of the op.

    Returns:
        A tensor of shape `(..., rows of a, columns of b)`.

    Raises:
        ValueError: an operand is to be both transposed and conjugated.
        InvalidArgumentError: the inner dimensions differ.

    Source:
        TensorFlow's ops MatMul, BatchMatMulV2, BatchMatMulV3.
    """
    del a_is_sparse, b_is_sparse
    for which, transpose, adjoint in (("a", transpose_a, adjoint_a), ("b", transpose_b, adjoint_b)):
        if transpose and adjoint:
            raise ValueError(f"Only one of transpose_{which} and adjoint_{which} can be True.")
    with name_scope(name, "MatMul") as scope:
        a = convert_to_tensor(a, getattr(b, "dtype", None) if not hasattr(a, "dtype") else None, name="a")
        b = convert_to_tensor(b, None if hasattr(b, "dtype") else a.dtype, name="b")
        plain = output_type is None and a.dtype is b.dtype
        if plain and a.shape.rank in (None, 2) and b.shape.rank in (None, 2):
            if adjoint_a:
                a, transpose_a = _conj(a), True
            if adjoint_b:
                b, transpose_b = _conj(b), True
            return get_op("MatMul")(a, b, transpose_a=transpose_a, transpose_b=transpose_b, name=scope)
        if transpose_a:
            a, adjoint_a = _conj(a), True
        if transpose_b:
            b, adjoint_b = _conj(b), True
        if not plain:
            wide = a.dtype if output_type is None else output_type
            return get_op("BatchMatMulV3")(a, b, Tout=wide, adj_x=adjoint_a, adj_y=adjoint_b, name=scope)
        return get_op("BatchMatMulV2")(a, b, adj_x=adjoint_a, adj_y=adjoint_b, name=scope)


def _conj(x: Tensor) -> Tensor:
    return get_op("Conj")(x) if x.dtype.is_complex else x


def matvec(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    adjoint_a: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    name: str | None = None,
) -> Tensor:
    """Product of a matrix and a vector, or of batches of them.

    Args:
        a: tensor of shape `(..., rows, columns)`.
        b: tensor of shape `(..., columns)`.
        transpose_a: transposes `a` first.
        adjoint_a: conjugates and transposes `a` first.
        a_is_sparse, b_is_sparse: accepted for TensorFlow's sake.
        name: name scope of the ops.

    Returns:
        A tensor of shape `(..., rows)`.
    """
    with name_scope(name, "MatVec") as scope:
        column = get_op("ExpandDims")(convert_to_tensor(b, name="b"), -1)
        product = matmul(a, column, transpose_a, False, adjoint_a, False, a_is_sparse, b_is_sparse)
        return get_op("Squeeze")(product, squeeze_dims=[-1], name=scope)


def sparse_matmul(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    transpose_b: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    name: str | None = None,
) -> Tensor:
    """Matrix product of two matrices that may hold many zeros, which are multiplied like other numbers.

    Args:
        a, b: float32 or bfloat16 matrices.
        transpose_a, transpose_b: transposes that operand first.
        a_is_sparse, b_is_sparse: say which of them holds many zeros.
        name: name of the op.

    Returns:
        A float32 matrix.

    Source:
        TensorFlow's op SparseMatMul.
    """
    return get_op("SparseMatMul")(
        a,
        b,
        transpose_a=transpose_a,
        transpose_b=transpose_b,
        a_is_sparse=a_is_sparse,
        b_is_sparse=b_is_sparse,
        name=name,
    )


def tensordot(a: Any, b: Any, axes: Any, name: str | None = None) -> Tensor:
    """Sum of products over axes of two tensors.

    Args:
        a, b: tensors of numbers of one type.
        axes: how many axes are summed over, the last of `a` with the first of `b`; or the axes of `a` and those of
            `b`, each an int or a list.
        name: name scope of the ops.

    Returns:
        A tensor whose dimensions are those of `a` that are left, then those of `b`.

    Raises:
        ValueError: the axes do not fit the tensors, or each other.

    Source:
        `tf.tensordot`; NumPy's function of the same name.
    """
    with name_scope(name, "Tensordot") as scope:
        a = convert_to_tensor(a, name="a")
        b = convert_to_tensor(b, a.dtype, name="b")
        if a.shape.rank is None or b.shape.rank is None:
            raise ValueError("tensordot needs tensors of known rank.")
        axes_a, axes_b = _summed_axes(a.shape, b.shape, axes)
        free_a = [i for i in range(a.shape.rank) if i not in axes_a]
        free_b = [i for i in range(b.shape.rank) if i not in axes_b]
        left = _as_matrix(a, free_a, axes_a)
        right = _as_matrix(b, axes_b, free_b)
        product = get_op("MatMul")(left, right)
        dims = [*_dims(a, free_a), *_dims(b, free_b)]
        return get_op("Reshape")(product, _shape_of(dims), name=scope)


def _summed_axes(a: TensorShape, b: TensorShape, axes: Any) -> tuple[list[int], list[int]]:
    rank_a, rank_b = len(a), len(b)
    if isinstance(axes, (int, np.integer)):
        if axes < 0 or axes > min(rank_a, rank_b):
            raise ValueError(f"axes must be from 0 to the rank of both tensors, got {axes}")
        return list(range(rank_a - int(axes), rank_a)), list(range(int(axes)))
    if len(axes) != 2:
        raise ValueError(f"axes must be an integer or have length 2, got {axes!r}")
    found = []
    for given, rank in zip(axes, (rank_a, rank_b), strict=True):
        listed = [given] if isinstance(given, (int, np.integer)) else [int(i) for i in given]
        if any(not -rank <= i < rank for i in listed):
            raise ValueError(f"axes {listed} are out of range for rank {rank}")
        found.append([i % rank for i in listed])
    if len(found[0]) != len(found[1]):
        raise ValueError(f"Different number of contraction axes a and b, {len(found[0])} != {len(found[1])}.")
    for i, j in zip(*found, strict=True):
        if None not in (a[i], b[j]) and a[i] != b[j]:
            raise ValueError(f"axis {i} of a and axis {j} of b have sizes {a[i]} and {b[j]}")
    return found[0], found[1]


def _dims(x: Tensor, axes: Sequence[int]) -> list[Any]:
    """Sizes of axes: ints where they are known, else scalar tensors."""
    return [
        get_op("Shape")(x)[axis] if x.shape[axis] is None else int(x.shape[axis])  # type: ignore[arg-type]
        for axis in axes
    ]


def _shape_of(dims: Sequence[Any]) -> Any:
    return convert_to_tensor(list(dims), dtypes.int32, name="shape")


def _size(dims: Sequence[Any]) -> Any:
    size: Any = 1
    for dim in dims:
        size = dim if isinstance(size, int) and size == 1 else size * dim
    return size


def _as_matrix(x: Tensor, rows: Sequence[int], columns: Sequence[int]) -> Tensor:
    """The tensor with some of its axes as rows and the others as columns."""
    order = [*rows, *columns]
    if order != sorted(order):
        x = get_op("Transpose")(x, order)
        rows, columns = range(len(rows)), range(len(rows), len(order))
    dims = [_size(_dims(x, rows)), _size(_dims(x, columns))]
    return get_op("Reshape")(x, _shape_of(dims))


def einsum(equation: str, *inputs: Any, **kwargs: Any) -> Tensor:
    """Sum of products, as an equation says: `einsum("ij,jk->ik", a, b)` is a matrix product.

    Args:
        equation: labels of each operand's dimensions, one letter each, and after `->` those of the result; labels that
            the result lacks are summed over. `...` stands for dimensions that broadcast. Without a result, it
            has the labels that occur once, in alphabetical order.
        *inputs: the operands.
        **kwargs: `name`, name scope of the ops; `optimize`, "greedy" or "optimal": how the order is found in which
            more than two operands are multiplied.

    Raises:
        ValueError: the equation cannot be read, or does not fit the operands.
        TypeError: an unknown keyword.

    Source:
        TensorFlow's op Einsum.
    """
    name, optimize = kwargs.pop("name", None), kwargs.pop("optimize", "greedy")
    if kwargs:
        raise TypeError(f"Invalid keyword arguments for einsum: {', '.join(sorted(kwargs))}")
    with name_scope(name, "einsum"):
        tensors = [convert_to_tensor(t) for t in inputs]
        parts, right = _resolved(equation, len(tensors))
        for first, second in _contraction_order(parts, right, tensors, optimize):
            tensors, parts = _contracted(tensors, parts, right, first, second)
        return get_op("Einsum")(tensors, equation=f"{','.join(parts)}->{right}")


def _resolved(equation: str, count: int) -> tuple[list[str], str]:
    left, arrow, right = equation.replace(" ", "").partition("->")
    parts = left.split(",")
    if len(parts) != count:
        raise ValueError(f"Got {count} arguments for equation {equation!r}, expecting {len(parts)}.")
    if not arrow:
        labels = left.replace(",", "").replace("...", "")
        once = sorted(label for label in set(labels) if labels.count(label) == 1)
        right = ("..." if "..." in left else "") + "".join(once)
    return parts, right


def _contraction_order(
    parts: Sequence[str], right: str, tensors: Sequence[Tensor], optimize: Any
) -> list[tuple[int, int]]:
    """Positions of the pairs to multiply first, each in the list that the ones before leave; the last is left out."""
    if len(parts) < 3:
        return []
    # Only the sizes matter, and an array that repeats one element has any size.
    models = [
        np.broadcast_to(np.float32(0), [d or 8 for d in t.shape]) for t in tensors if t.shape.rank is not None
    ]
    if len(models) < len(tensors):
        return [(0, 1)] * (len(parts) - 2)
    way = optimize if isinstance(optimize, str) else "greedy"
    steps = np.einsum_path(f"{','.join(parts)}->{right}", *models, optimize=(way, 2**62))[0][1:]
    pairs = [tuple(sorted(step)) for step in steps]
    if any(len(pair) != 2 for pair in pairs):
        return [(0, 1)] * (len(parts) - 2)
    return [(pair[0], pair[1]) for pair in pairs[: len(parts) - 2]]


def _contracted(
    tensors: list[Tensor], parts: list[str], right: str, first: int, second: int
) -> tuple[list[Tensor], list[str]]:
    """Two operands multiplied; their product comes last."""
    others = [i for i in range(len(parts)) if i not in (first, second)]
    wanted = set(right).union(*(parts[i] for i in others))
    both = parts[first] + parts[second]
    labels = "".join(ch for ch in dict.fromkeys(both) if ch in wanted and ch != ".")
    result = ("..." if "..." in both else "") + labels
    product = get_op("Einsum")(
        [tensors[first], tensors[second]], equation=f"{parts[first]},{parts[second]}->{result}"
    )
    return [*(tensors[i] for i in others), product], [*(parts[i] for i in others), result]
