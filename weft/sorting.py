"""Order: largest elements, sorted rows, places in them."""

from __future__ import annotations

from typing import Any

import numpy as np

from .graph import dtypes
from .graph.convert import convert_to_tensor
from .graph.default_graph import name_scope
from .graph.dtypes import as_dtype
from .graph.elements import Tensor
from .graph.opdef import get_op

__all__ = ["argsort", "in_top_k", "nth_element", "searchsorted", "sort", "top_k"]


def top_k(
    input: Any, k: Any = 1, sorted: bool = True, index_type: Any = dtypes.int32, name: str | None = None
) -> Any:
    """The k largest elements of each row, and their positions.

    Args:
        input: tensor of real numbers, of shape `(..., n)`.
        k: how many; an int or int32 scalar, at most n.
        sorted: accepted for TensorFlow's sake; the results always descend.
        index_type: int32 or int64.
        name: name of the op.

    Returns:
        `(values, indices)`, both of shape `(..., k)`; of equal elements the one at the lower position comes first.

    Raises:
        InvalidArgumentError: there are fewer than k columns.

    Source:
        TensorFlow's op TopKV2.
    """
    return get_op("TopKV2")(input, k, sorted=sorted, index_type=index_type, name=name)


def in_top_k(predictions: Any, targets: Any, k: Any, name: str | None = None) -> Tensor:
    """Whether the target of each row is among its k largest predictions.

    Args:
        predictions: float32 of shape `(batch, classes)`.
        targets: int32 or int64 of shape `(batch,)`.
        k: how many count as largest; ties count for all.
        name: name of the op.

    Returns:
        bool of shape `(batch,)`; False for a target outside, and for a row with a number that is not finite.

    Source:
        TensorFlow's op InTopKV2.
    """
    with name_scope(name, "in_top_k"):
        return get_op("InTopKV2")(predictions, targets, k)


def nth_element(input: Any, n: Any, reverse: bool = False, name: str | None = None) -> Tensor:
    """The element of each row that would stand at position `n` if the row were sorted.

    Args:
        input: tensor of real numbers, of shape `(..., columns)`.
        n: the position, below the number of columns.
        reverse: counts from the largest.
        name: name of the op.

    Returns:
        A tensor of shape `(...)`.

    Source:
        TensorFlow's op NthElement.
    """
    return get_op("NthElement")(input, n, reverse=reverse, name=name)


def sort(values: Any, axis: Any = -1, direction: str = "ASCENDING", name: str | None = None) -> Tensor:
    """The elements in order along an axis.

    Args:
        values: tensor of real numbers.
        axis: along which axis; a constant.
        direction: "ASCENDING" or "DESCENDING".
        name: name scope of the ops.

    Raises:
        ValueError: another direction, or an axis that is no constant.
    """
    with name_scope(name, "sort"):
        return _ordered(values, axis, direction, positions=False)


def argsort(
    values: Any, axis: Any = -1, direction: str = "ASCENDING", stable: bool = False, name: str | None = None
) -> Tensor:
    """The positions of the elements in order along an axis.

    Args:
        values: tensor of real numbers.
        axis: along which axis; a constant.
        direction: "ASCENDING" or "DESCENDING".
        stable: accepted for TensorFlow's sake; equal elements always keep their order.
        name: name scope of the ops.

    Returns:
        int32 of the shape of `values`.

    Raises:
        ValueError: another direction, or an axis that is no constant.
    """
    del stable
    with name_scope(name, "argsort"):
        return _ordered(values, axis, direction, positions=True)


def _ordered(values: Any, axis: Any, direction: str, positions: bool) -> Tensor:
    from .graph.constant_value import constant_value

    if direction not in ("ASCENDING", "DESCENDING"):
        raise ValueError(f"Argument `direction` should be 'ASCENDING' or 'DESCENDING', got {direction!r}")
    known = constant_value(convert_to_tensor(axis))
    if known is None:
        raise ValueError("Argument `axis` must be a constant scalar.")
    values = convert_to_tensor(values, name="values")
    front, back = _last_axis(values, int(known))
    rows = values if front is None else get_op("Transpose")(values, front)
    # Turned over, the largest come last; all bits turned over do that for integers of any sign.
    turned = _turned(rows) if direction == "ASCENDING" else rows
    result = get_op("TopKV2")(turned, get_op("Shape")(turned)[-1])
    found = result.indices if positions else result.values
    if direction == "ASCENDING" and not positions:
        found = _turned(found)
    return found if back is None else get_op("Transpose")(found, back)


def _turned(x: Tensor) -> Tensor:
    return get_op("Invert")(x) if x.dtype.is_integer else -x


def _last_axis(values: Tensor, axis: int) -> tuple[list[int] | None, list[int] | None]:
    """The permutation that moves the axis to the end, and the one that moves it back; None for neither."""
    if axis == -1:
        return None, None
    rank = values.shape.rank
    if rank is None:
        raise ValueError("Sorting along another axis than the last needs a tensor of known rank.")
    if not -rank <= axis < rank:
        raise ValueError(f"axis {axis} is out of range for rank {rank}")
    if axis % rank == rank - 1:
        return None, None
    front = [*(a for a in range(rank) if a != axis % rank), axis % rank]
    return front, [int(i) for i in np.argsort(front)]


def searchsorted(
    sorted_sequence: Any,
    values: Any,
    side: str = "left",
    out_type: Any = dtypes.int32,
    name: str | None = None,
) -> Tensor:
    """Where in a sorted row each value would go.

    Args:
        sorted_sequence: tensor of shape `(..., n)`, rows ascending.
        values: tensor of shape `(..., m)`, of the same type and leading dimensions.
        side: "left": before all elements that equal it; "right": after them.
        out_type: int32 or int64.
        name: name scope of the ops.

    Returns:
        Positions from 0 to n, of the shape of `values`.

    Raises:
        ValueError: another side.

    Source:
        TensorFlow's ops LowerBound, UpperBound.
    """
    if side not in ("left", "right"):
        raise ValueError(f"Argument `side` must be either 'right' or 'left'. Received: `side` = {side!r}.")
    with name_scope(name, "searchsorted"):
        rows = convert_to_tensor(sorted_sequence, name="sorted_sequence")
        values = convert_to_tensor(values, rows.dtype, name="values")
        flat_rows = get_op("Reshape")(rows, [-1, _columns(rows)])
        flat_values = get_op("Reshape")(values, [-1, _columns(values)])
        op_type = "LowerBound" if side == "left" else "UpperBound"
        found = get_op(op_type)(flat_rows, flat_values, out_type=as_dtype(out_type))
        return get_op("Reshape")(found, get_op("Shape")(values))


def _columns(x: Tensor) -> Any:
    known = x.shape[-1] if x.shape.rank else None
    return get_op("Shape")(x)[-1] if known is None else known
