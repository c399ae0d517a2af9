"""Sizes of vectors and matrices: norms, ranks, and the pseudoinverse, which depends on them."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arguments import renamed
from .elementwise import abs as absolute
from .elementwise import pow as power
from .graph import dtypes
from .graph.convert import convert_to_tensor
from .graph.default_graph import name_scope
from .graph.elements import Tensor
from .graph.opdef import get_op
from .linear_algebra import real_values, svd
from .products import matmul
from .reductions import reduce_max, reduce_sum

__all__ = ["matrix_rank", "norm", "normalize", "pinv"]


def norm(
    tensor: Any,
    ord: Any = "euclidean",
    axis: Any = None,
    keepdims: bool | None = None,
    name: str | None = None,
    keep_dims: bool | None = None,
) -> Tensor:
    """Norm of vectors, or of matrices.

    Args:
        tensor: floating or complex tensor.
        ord: "euclidean", 1, 2, infinity or any positive number for vectors; "euclidean", "fro", 1, 2 or
            infinity for matrices.
        axis: None takes the whole tensor as one vector; an int, the vectors along that axis; two ints, the matrices in
            those axes.
        keepdims: keeps the dimensions that are summed over, with size 1.
        name: name scope of the ops.
        keep_dims: older name of `keepdims`.

    Raises:
        ValueError: another order, or more than two axes.
    """
    keepdims = bool(renamed("keepdims", keepdims, "keep_dims", keep_dims))
    is_matrix = isinstance(axis, (tuple, list)) and len(axis) == 2
    _check_order(ord, axis, is_matrix)
    with name_scope(name, "norm"):
        x = convert_to_tensor(tensor)
        if ord in ("fro", "euclidean") or (ord == 2 and not is_matrix):
            result = _euclidean(x, axis)
        elif is_matrix and ord == 2:
            result = _spectral(x, axis)
        elif ord == 1 or ord == np.inf:
            result = _by_sums(absolute(x), ord, axis, is_matrix)
        else:
            total = reduce_sum(power(absolute(x), float(ord)), axis, keepdims=True)
            result = power(total, 1.0 / float(ord))
        if keepdims:
            return result
        if axis is None:
            return get_op("Reshape")(result, np.zeros(0, np.int32))
        return get_op("Squeeze")(result, squeeze_dims=axis if is_matrix else [int(np.ravel(axis)[0])])


def _check_order(ord: Any, axis: Any, is_matrix: bool) -> None:
    if isinstance(axis, (tuple, list)) and len(axis) > 2:
        raise ValueError("'axis' must be None, an integer, or a tuple of 2 unique integers")
    if is_matrix:
        if axis[0] == axis[1]:
            raise ValueError("'axis' must be None, an integer, or a tuple of 2 unique integers")
        allowed = ("euclidean", "fro", 1, 2, np.inf)
        if ord not in allowed:
            raise ValueError(f"'ord' must be a supported matrix norm in {allowed}, got {ord!r}")
    elif ord != "euclidean" and (isinstance(ord, str) or not ord > 0):
        raise ValueError(f"'ord' must be 'euclidean' or a positive number, got {ord!r}")


def _euclidean(x: Tensor, axis: Any) -> Tensor:
    squares = x * get_op("Conj")(x) if x.dtype.is_complex else get_op("Square")(x)
    return get_op("Sqrt")(reduce_sum(squares, axis, keepdims=True))


def _spectral(x: Tensor, axis: Any) -> Tensor:
    """The largest singular value."""
    rank = x.shape.rank
    if rank is None:
        raise ValueError("The 2-norm of matrices needs a tensor of known rank.")
    last = [int(a) % rank for a in axis]
    order = [*(a for a in range(rank) if a not in last), *last]
    values = get_op("Svd")(get_op("Transpose")(x, order), compute_uv=False).s
    largest = real_values(reduce_max(values, -1, keepdims=True))
    spread = get_op("ExpandDims")(largest, -1)
    return get_op("Transpose")(spread, [int(i) for i in np.argsort(order)])


def _by_sums(x: Tensor, ord: Any, axis: Any, is_matrix: bool) -> Tensor:
    """The 1- and infinity-norms; of matrices the largest sum of a column or a row."""
    if not is_matrix:
        return (reduce_sum if ord == 1 else reduce_max)(x, axis, keepdims=True)
    summed, largest = (axis[0], axis[1]) if ord == 1 else (axis[1], axis[0])
    return reduce_max(reduce_sum(x, summed, keepdims=True), largest, keepdims=True)


def normalize(tensor: Any, ord: Any = "euclidean", axis: Any = None, name: str | None = None) -> Any:
    """A tensor over its norm.

    Args:
        tensor: floating or complex tensor.
        ord, axis: as `norm` takes them.
        name: name scope of the ops.

    Returns:
        `(normalized, norm)`; the norm keeps its dimensions.
    """
    with name_scope(name, "normalize"):
        x = convert_to_tensor(tensor)
        size = get_op("Cast")(norm(x, ord, axis, keepdims=True), DstT=x.dtype)
        return x / size, size


def pinv(a: Any, rcond: Any = None, validate_args: bool = False, name: str | None = None) -> Tensor:
    """Moore-Penrose pseudoinverses.

    Args:
        a: floating tensor of shape `(..., m, n)`.
        rcond: singular values below this part of the largest count as zero; by default
            10 max(m, n) times the type's precision.
        validate_args: accepted for TensorFlow's sake.
        name: name scope of the ops.

    Returns:
        A tensor of shape `(..., n, m)`.
    """
    del validate_args
    with name_scope(name, "pinv"):
        a = convert_to_tensor(a, name="a")
        if not a.dtype.is_floating:
            raise TypeError(f"Input `a` must have `float`-like dtype, got {a.dtype.name}")
        s, u, v = svd(a, full_matrices=False)
        limit = _rank_limit(a, 10.0) if rcond is None else convert_to_tensor(rcond, a.dtype)
        cutoff = get_op("ExpandDims")(limit, -1) * reduce_max(s, -1, keepdims=True)
        infinite = convert_to_tensor(np.inf, a.dtype)
        kept = get_op("SelectV2")(s > cutoff, s, infinite)
        return matmul(v / get_op("ExpandDims")(kept, -2), u, adjoint_b=True)


def _rank_limit(a: Tensor, factor: float) -> Tensor:
    """The part of the largest singular value below which rounding hides what a singular value is."""
    precision = float(np.finfo(a.dtype.real_dtype.np).eps)
    dims = a.shape[-2:] if a.shape.rank else None
    if dims is not None and dims.is_fully_defined():
        return convert_to_tensor(factor * precision * max(dims.known()), a.dtype)
    longest = reduce_max(get_op("Shape")(a)[-2:])
    return get_op("Cast")(longest, DstT=a.dtype) * (factor * precision)


def matrix_rank(a: Any, tol: Any = None, validate_args: bool = False, name: str | None = None) -> Tensor:
    """How many singular values are not zero.

    Args:
        a: floating tensor of shape `(..., m, n)`.
        tol: singular values up to it count as zero; by default max(m, n) times the type's precision times
            the largest.
        validate_args: accepted for TensorFlow's sake.
        name: name scope of the ops.

    Returns:
        int32 of shape `(...)`.
    """
    del validate_args
    with name_scope(name, "matrix_rank"):
        a = convert_to_tensor(a, name="a")
        s = svd(a, compute_uv=False)
        limit = reduce_max(s, -1, keepdims=True) * _rank_limit(a, 1.0) if tol is None else tol
        return reduce_sum(get_op("Cast")(s > limit, DstT=dtypes.int32), -1)
