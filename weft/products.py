"""Matrix products and sums of products."""

from __future__ import annotations

from typing import Any

from .graph.convert import convert_to_tensor
from .graph.graph import Tensor, name_scope
from .graph.opdef import get_op

__all__ = ["matmul", "matvec"]


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
            return get_op("MatMul")(a, b, transpose_a=transpose_a, transpose_b=transpose_b, name=scope)  # type: ignore[no-any-return]
        if transpose_a:
            a, adjoint_a = _conj(a), True
        if transpose_b:
            b, adjoint_b = _conj(b), True
        if not plain:
            wide = a.dtype if output_type is None else output_type
            return get_op("BatchMatMulV3")(a, b, Tout=wide, adj_x=adjoint_a, adj_y=adjoint_b, name=scope)  # type: ignore[no-any-return]
        return get_op("BatchMatMulV2")(a, b, adj_x=adjoint_a, adj_y=adjoint_b, name=scope)  # type: ignore[no-any-return]


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
        return get_op("Squeeze")(product, squeeze_dims=[-1], name=scope)  # type: ignore[no-any-return]
