"""`tf.strings`: operations on tensors of strings."""

from __future__ import annotations

from typing import Any

from .graph.sparse_tensor import SparseTensor
from .string_ops import (
    as_string,
    reduce_join,
    regex_full_match,
    regex_replace,
    string_split_v2,
    substr,
)
from .string_ops import string_format as format
from .string_ops import string_join as join
from .string_ops import string_length as length
from .string_ops import string_lower as lower
from .string_ops import string_strip as strip
from .string_ops import string_to_hash_bucket as to_hash_bucket
from .string_ops import string_to_hash_bucket_fast as to_hash_bucket_fast
from .string_ops import string_to_hash_bucket_strong as to_hash_bucket_strong
from .string_ops import string_to_number as to_number
from .string_ops import string_upper as upper

__all__ = [
    "as_string",
    "format",
    "join",
    "length",
    "lower",
    "reduce_join",
    "regex_full_match",
    "regex_replace",
    "split",
    "strip",
    "substr",
    "to_hash_bucket",
    "to_hash_bucket_fast",
    "to_hash_bucket_strong",
    "to_number",
    "unsorted_segment_join",
    "upper",
]


def split(
    input: Any = None,
    sep: Any = None,
    maxsplit: int = -1,
    result_type: str = "SparseTensor",
    source: Any = None,
    name: str | None = None,
) -> SparseTensor:
    """Strings cut at a separator.

    Args:
        input: vector of strings.
        sep: the separator; runs of white space where it is None or empty.
        maxsplit: largest number of cuts; -1 for no limit.
        result_type: must be "SparseTensor".
        source: old name of `input`.
        name: name of the op.

    Source:
        TensorFlow `StringSplitV2`.
    """
    if result_type != "SparseTensor":
        raise ValueError(f"result_type must be 'SparseTensor', got {result_type!r}")
    return string_split_v2(input if source is None else source, sep, maxsplit, name)


def unsorted_segment_join(
    inputs: Any, segment_ids: Any, num_segments: Any, separator: str = "", name: str | None = None
) -> Any:
    """Strings of each segment put one behind the other.

    Args:
        inputs: strings, of a shape that begins with that of `segment_ids`.
        segment_ids: the segment of each; negative ones are left out.
        num_segments: number of segments.
        separator: put between the parts.
        name: name of the op.

    Source:
        TensorFlow `UnsortedSegmentJoin`.
    """
    from .graph.ops.segment import UnsortedSegmentJoin

    return UnsortedSegmentJoin(inputs, segment_ids, num_segments, separator=separator, name=name)
