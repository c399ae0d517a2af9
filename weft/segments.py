"""Reductions over the rows that share an id."""

from __future__ import annotations

from typing import Any, Protocol

from .graph.convert import convert_to_tensor
from .graph.default_graph import name_scope
from .graph.elements import Tensor
from .graph.opdef import get_op

__all__ = [
    "segment_max",
    "segment_mean",
    "segment_min",
    "segment_prod",
    "segment_sum",
    "sparse_segment_mean",
    "sparse_segment_sqrt_n",
    "sparse_segment_sum",
    "unsorted_segment_max",
    "unsorted_segment_mean",
    "unsorted_segment_min",
    "unsorted_segment_prod",
    "unsorted_segment_sqrt_n",
    "unsorted_segment_sum",
]


class Segment(Protocol):
    """A reduction by ascending ids."""

    def __call__(self, data: Any, segment_ids: Any, name: str | None = None) -> Tensor: ...


class UnsortedSegment(Protocol):
    """A reduction by ids in any order."""

    def __call__(self, data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor: ...


class SparseSegment(Protocol):
    """A reduction of picked rows by ascending ids."""

    def __call__(
        self,
        data: Any,
        indices: Any,
        segment_ids: Any,
        name: str | None = None,
        num_segments: Any = None,
        sparse_gradient: bool = False,
    ) -> Tensor: ...


def _named(function: Any, public: str, text: str) -> Any:
    function.__name__ = function.__qualname__ = public
    function.__doc__ = text
    return function


def _segment(op_type: str, public: str, what: str) -> Segment:
    def function(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
        return get_op(op_type)(data, segment_ids, name=name)

    return _named(
        function,
        public,
        f"""{what} of the rows that share an id.

    Args:
        data: tensor of shape `(rows, ...)`.
        segment_ids: int32 or int64 of shape `(rows,)`, ascending, from 0.
        name: name of the op.

    Returns:
        A tensor of shape `(last id + 1, ...)`.

    Raises:
        InvalidArgumentError: the ids do not ascend, when the step runs.

    Source:
        TensorFlow's op {op_type}.
    """,
    )


def _unsorted(op_type: str, public: str, what: str) -> UnsortedSegment:
    def function(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
        return get_op(op_type)(data, segment_ids, num_segments, name=name)

    return _named(
        function,
        public,
        f"""{what} of the rows that share an id, which may come in any order.

    Args:
        data: tensor whose first dimensions are those of `segment_ids`.
        segment_ids: int32 or int64; rows of negative ids are left out.
        num_segments: number of segments; ids must be below it.
        name: name of the op.

    Returns:
        A tensor of shape `(num_segments, ...)`.

    Source:
        TensorFlow's op {op_type}.
    """,
    )


segment_max = _segment("SegmentMax", "segment_max", "Largest elements")
segment_mean = _segment("SegmentMean", "segment_mean", "Means")
segment_min = _segment("SegmentMin", "segment_min", "Smallest elements")
segment_prod = _segment("SegmentProd", "segment_prod", "Products")
segment_sum = _segment("SegmentSum", "segment_sum", "Sums")
unsorted_segment_max = _unsorted("UnsortedSegmentMax", "unsorted_segment_max", "Largest elements")
unsorted_segment_min = _unsorted("UnsortedSegmentMin", "unsorted_segment_min", "Smallest elements")
unsorted_segment_prod = _unsorted("UnsortedSegmentProd", "unsorted_segment_prod", "Products")
unsorted_segment_sum = _unsorted("UnsortedSegmentSum", "unsorted_segment_sum", "Sums")


def _sizes(data: Tensor, segment_ids: Tensor, num_segments: Any) -> Tensor:
    """How many rows each segment has, at least 1, in a shape that divides the segments."""
    ones = get_op("Fill")(get_op("Shape")(segment_ids), convert_to_tensor(1, data.dtype))
    flat_ids = get_op("Reshape")(segment_ids, [-1])
    counts = unsorted_segment_sum(get_op("Reshape")(ones, [-1]), flat_ids, num_segments)
    counts = get_op("Maximum")(counts, convert_to_tensor(1, data.dtype))
    if data.shape.rank is not None and segment_ids.shape.rank is not None:
        trailing: Any = [1] * (data.shape.rank - segment_ids.shape.rank)
        return get_op("Reshape")(counts, [-1, *trailing])
    missing = get_op("Rank")(data) - get_op("Rank")(segment_ids)
    trailing = get_op("Fill")(get_op("Reshape")(missing, [1]), 1)
    return get_op("Reshape")(counts, get_op("ConcatV2")([[-1], trailing], 0))


def unsorted_segment_mean(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
    """Means of the rows that share an id, which may come in any order.

    Args:
        data: floating tensor whose first dimensions are those of `segment_ids`.
        segment_ids: int32 or int64; rows of negative ids are left out.
        num_segments: number of segments; ids must be below it.
        name: name scope of the ops.

    Returns:
        A tensor of shape `(num_segments, ...)`; zeros where there is no row.
    """
    with name_scope(name, "UnsortedSegmentMean"):
        data, segment_ids = convert_to_tensor(data), convert_to_tensor(segment_ids)
        sizes = _sizes(data, segment_ids, num_segments)
        return unsorted_segment_sum(data, segment_ids, num_segments) / sizes


def unsorted_segment_sqrt_n(
    data: Any, segment_ids: Any, num_segments: Any, name: str | None = None
) -> Tensor:
    """Sums of the rows that share an id, over the square root of their number.

    Args:
        data: floating tensor whose first dimensions are those of `segment_ids`.
        segment_ids: int32 or int64; rows of negative ids are left out.
        num_segments: number of segments; ids must be below it.
        name: name scope of the ops.

    Returns:
        A tensor of shape `(num_segments, ...)`; zeros where there is no row.
    """
    with name_scope(name, "UnsortedSegmentSqrtN"):
        data, segment_ids = convert_to_tensor(data), convert_to_tensor(segment_ids)
        sizes = get_op("Sqrt")(_sizes(data, segment_ids, num_segments))
        return unsorted_segment_sum(data, segment_ids, num_segments) / sizes


def _sparse(kind: str, public: str, what: str) -> SparseSegment:
    def function(
        data: Any,
        indices: Any,
        segment_ids: Any,
        name: str | None = None,
        num_segments: Any = None,
        sparse_gradient: bool = False,
    ) -> Tensor:
        op_type = f"SparseSegment{kind}"
        if num_segments is None:
            return get_op(op_type)(data, indices, segment_ids, sparse_gradient=sparse_gradient, name=name)
        return get_op(f"{op_type}WithNumSegments")(
            data, indices, segment_ids, num_segments, sparse_gradient=sparse_gradient, name=name
        )

    return _named(
        function,
        public,
        f"""{what} of picked rows that share an id.

    Args:
        data: tensor of shape `(rows, ...)`.
        indices: int32 or int64 of shape `(n,)`: the rows that are picked.
        segment_ids: int32 or int64 of shape `(n,)`, ascending, from 0: the segment that each picked row goes to.
        name: name of the op.
        num_segments: number of segments, where it is more than the ids say.
        sparse_gradient: gives the gradient for `data` as `IndexedSlices`.

    Returns:
        A tensor of shape `(number of segments, ...)`; zeros where there is no row.

    Source:
        TensorFlow's ops SparseSegment{kind}, SparseSegment{kind}WithNumSegments.
    """,
    )


sparse_segment_mean = _sparse("Mean", "sparse_segment_mean", "Means")
sparse_segment_sqrt_n = _sparse(
    "SqrtN", "sparse_segment_sqrt_n", "Sums, over the square root of their number,"
)
sparse_segment_sum = _sparse("Sum", "sparse_segment_sum", "Sums")
