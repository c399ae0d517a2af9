"""What TensorFlow keeps under `tf.data.experimental`: transformations to be given to `Dataset.apply`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..graph import dtypes
from ..graph.elements import Tensor
from ..graph.ops import datasets as ops
from .dataset import AUTOTUNE, Dataset
from .structure import packed, shapes_of, types_of

__all__ = [
    "AUTOTUNE",
    "Counter",
    "bucket_by_sequence_length",
    "enumerate_dataset",
    "get_single_element",
    "group_by_window",
    "ignore_errors",
    "map_and_batch",
    "parallel_interleave",
    "shuffle_and_repeat",
    "take_while",
    "unbatch",
]

Transformation = Callable[[Dataset], Dataset]


def Counter(start: int = 0, step: int = 1) -> Dataset:
    """Numbers from `start` in steps, without end."""
    limit = 2**63 - 1 if step > 0 else -(2**63)
    return Dataset.range(start, limit, step)


def ignore_errors() -> Transformation:
    """Leaves out the elements that raise an error."""
    return lambda d: d._made(d.element_spec, ops.IgnoreErrorsDataset)


def shuffle_and_repeat(buffer_size: Any, count: Any = None, seed: int | None = None) -> Transformation:
    """`shuffle`, then `repeat`.

    Args:
        buffer_size: elements that are shuffled among each other.
        count: how often; None for ever.
        seed: seed of the random numbers.
    """
    return lambda d: d.shuffle(buffer_size, seed).repeat(count)


def map_and_batch(
    map_func: Callable[..., Any],
    batch_size: Any,
    num_parallel_batches: int | None = None,
    drop_remainder: Any = False,
    num_parallel_calls: Any = None,
) -> Transformation:
    """`map`, then `batch`.

    Args:
        map_func: from an element to another.
        batch_size: elements of a batch.
        num_parallel_batches: accepted for TensorFlow's sake.
        drop_remainder: leaves out a last batch that is not full.
        num_parallel_calls: calls at the same time.
    """
    calls = num_parallel_calls
    if calls is None and num_parallel_batches is not None:
        calls = num_parallel_batches * batch_size
    return lambda d: d.map(map_func, calls).batch(batch_size, drop_remainder)


def parallel_interleave(
    map_func: Callable[..., Any], cycle_length: Any, block_length: Any = 1, **accepted: Any
) -> Transformation:
    """`interleave` with each dataset read ahead; further arguments are accepted for TensorFlow's sake."""
    del accepted
    return lambda d: d.interleave(map_func, cycle_length, block_length, num_parallel_calls=AUTOTUNE)


def group_by_window(
    key_func: Callable[..., Any],
    reduce_func: Callable[..., Any],
    window_size: int | None = None,
    window_size_func: Callable[..., Any] | None = None,
) -> Transformation:
    """`Dataset.group_by_window`.

    Args:
        key_func: from an element to the number of its group.
        reduce_func: from a key and the data set of a group to a data set.
        window_size: elements of a group.
        window_size_func: from a key to the elements of its group.
    """
    return lambda d: d.group_by_window(key_func, reduce_func, window_size, window_size_func)


def bucket_by_sequence_length(
    element_length_func: Callable[..., Any],
    bucket_boundaries: Sequence[int],
    bucket_batch_sizes: Sequence[int],
    padded_shapes: Any = None,
    padding_values: Any = None,
    drop_remainder: bool = False,
) -> Transformation:
    """Padded batches of elements of about one length.

    Args:
        element_length_func: from an element to its length, an integer scalar.
        bucket_boundaries: lengths at which the next bucket begins.
        bucket_batch_sizes: batch size of each bucket: one more than boundaries.
        padded_shapes, padding_values, drop_remainder: as for `Dataset.padded_batch`.

    Raises:
        ValueError: there are more or fewer batch sizes.
    """
    if len(bucket_batch_sizes) != len(bucket_boundaries) + 1:
        raise ValueError("len(bucket_batch_sizes) must equal len(bucket_boundaries) + 1")
    from ..array import gather
    from ..casting import cast
    from ..graph.convert import convert_to_tensor
    from ..reductions import reduce_sum

    def bucket(*element: Any) -> Any:
        length = cast(convert_to_tensor(element_length_func(*element)), dtypes.int32)
        return reduce_sum(
            cast(length >= convert_to_tensor(list(bucket_boundaries), dtypes.int32), dtypes.int64)
        )

    def size(key: Any) -> Any:
        return gather(convert_to_tensor(list(bucket_batch_sizes), dtypes.int64), key)

    def batch(key: Any, window: Dataset) -> Dataset:
        return window.padded_batch(size(key), padded_shapes, padding_values, drop_remainder)

    return group_by_window(bucket, batch, window_size_func=size)


def unbatch() -> Transformation:
    """`Dataset.unbatch`."""
    return lambda d: d.unbatch()


def take_while(predicate: Callable[..., Any]) -> Transformation:
    """`Dataset.take_while`.

    Args:
        predicate: from an element to whether it goes on.
    """
    return lambda d: d.take_while(predicate)


def enumerate_dataset(start: int = 0) -> Transformation:
    """`Dataset.enumerate`.

    Args:
        start: the first number.
    """
    return lambda d: d.enumerate(start)


def get_single_element(dataset: Dataset) -> Any:
    """The one element of a dataset, as tensors.

    Args:
        dataset: a data set.

    Raises:
        InvalidArgumentError: when run, if it has none or several.
    """
    spec = dataset.element_spec
    made: Sequence[Tensor] = ops.DatasetToSingleElement(
        dataset._variant(), output_types=types_of(spec), output_shapes=shapes_of(spec)
    )
    return packed(spec, list(made))
