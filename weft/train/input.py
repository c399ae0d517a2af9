"""Input pipelines of queues: producers of file names and slices, and batches of examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..array import identity
from ..control_flow import cond
from ..data_flow import FIFOQueue, PaddingFIFOQueue, QueueBase, RandomShuffleQueue
from ..graph.convert import convert_to_tensor
from ..graph.default_graph import get_default_graph, name_scope
from ..graph.elements import Tensor
from ..graph.graph_keys import GraphKeys
from ..graph.opdef import get_op
from ..graph.shapes import TensorShape, as_shape
from ..random import random_shuffle
from ..variables import Variable
from .queue_runner import QueueRunner, add_queue_runner

__all__ = [
    "batch",
    "batch_join",
    "input_producer",
    "limit_epochs",
    "match_filenames_once",
    "maybe_batch",
    "maybe_batch_join",
    "maybe_shuffle_batch",
    "maybe_shuffle_batch_join",
    "range_input_producer",
    "shuffle_batch",
    "shuffle_batch_join",
    "slice_input_producer",
    "string_input_producer",
]


def match_filenames_once(pattern: Any, name: str | None = None) -> Variable:
    """The names of the files that fit a pattern, looked up once and kept in a local variable.

    Args:
        pattern: a pattern such as "data/*.csv", or several.
        name: name of the variable.
    """
    with name_scope(name, "matching_filenames") as scope:
        return Variable(
            get_op("MatchingFiles")(convert_to_tensor(pattern)),
            trainable=False,
            collections=[GraphKeys.LOCAL_VARIABLES],
            validate_shape=False,
            name=scope,
        )


def limit_epochs(tensor: Any, num_epochs: int | None = None, name: str | None = None) -> Tensor:
    """The tensor, which can be computed only so many times; counted in a local variable "epochs".

    Raises:
        OutOfRangeError: when run more often.
        ValueError: `num_epochs` is not positive.
    """
    if num_epochs is None:
        return convert_to_tensor(tensor)
    if num_epochs <= 0:
        raise ValueError(f"num_epochs must be positive, got {num_epochs}.")
    graph = get_default_graph()
    with name_scope(name, "limit_epochs") as scope:
        zero = convert_to_tensor(0, "int64")
        epochs = Variable(zero, name="epochs", trainable=False, collections=[GraphKeys.LOCAL_VARIABLES])
        counter = epochs.count_up_to(num_epochs)
        with graph.control_dependencies([counter]):
            return identity(tensor, name=scope)


def input_producer(
    input_tensor: Any,
    element_shape: Any = None,
    num_epochs: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    capacity: int = 32,
    shared_name: str | None = None,
    summary_name: str | None = None,
    name: str | None = None,
    cancel_op: Any = None,
) -> QueueBase:
    """A queue of the rows of a tensor, filled by a `QueueRunner`.

    Args:
        input_tensor: a tensor of at least one dimension.
        element_shape: shape of a row, where it is not known.
        num_epochs: how often the rows are gone through; None for ever. Counted in a local variable.
        shuffle: whether the rows are shuffled in each epoch.
        seed: seed of the shuffling.
        capacity: most elements of the queue.
        shared_name: a name under which sessions on the same devices share the queue.
        summary_name: name of a summary of how full the queue is.
        name: name scope of the ops.
        cancel_op: what the runner runs on a stop.

    Raises:
        ValueError: the shape of a row is not known.
    """
    with name_scope(name, "input_producer"):
        tensor = convert_to_tensor(input_tensor, name="input_tensor")
        shape = tensor.shape[1:].merge_with(as_shape(element_shape))
        if not shape.is_fully_defined():
            raise ValueError(f"input_producer needs the shape of a row of {tensor.name}: give element_shape.")
        rows = random_shuffle(tensor, seed=seed) if shuffle else tensor
        rows = limit_epochs(rows, num_epochs)
        queue = FIFOQueue(capacity, [tensor.dtype], [shape], shared_name=shared_name)
        add_queue_runner(QueueRunner(queue, [queue.enqueue_many([rows])], cancel_op=cancel_op))
        if summary_name is not None:
            _fullness(summary_name, queue, capacity)
        return queue


def _fullness(name: str, queue: QueueBase, capacity: int, kept: int = 0) -> None:
    """A summary of the share of a queue's room that is taken."""
    from ..summary import scalar

    size = get_op("Cast")(queue.size(), DstT="float32")
    full = get_op("Maximum")(0.0, size - float(kept)) * (1.0 / (capacity - kept))
    scalar(name, full)


def string_input_producer(
    string_tensor: Any,
    num_epochs: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    capacity: int = 32,
    shared_name: str | None = None,
    name: str | None = None,
    cancel_op: Any = None,
) -> QueueBase:
    """A queue of strings, such as file names; arguments as `input_producer`.

    Args:
        string_tensor: a vector of strings.

    Raises:
        ValueError: there is no string.
    """
    if isinstance(string_tensor, (list, tuple)) and not string_tensor:
        raise ValueError("string_input_producer needs at least one string.")
    with name_scope(name, "input_producer") as scope:
        strings = convert_to_tensor(string_tensor, "string")
        message = "string_input_producer got no strings"
        checked = get_op("Assert")(get_op("Greater")(get_op("Size")(strings), 0), [message])
        with get_default_graph().control_dependencies([checked]):
            strings = identity(strings)
        return input_producer(
            strings,
            [],
            num_epochs,
            shuffle,
            seed,
            capacity,
            shared_name,
            f"fraction_of_{capacity}_full",
            scope,
            cancel_op,
        )


def range_input_producer(
    limit: Any,
    num_epochs: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    capacity: int = 32,
    shared_name: str | None = None,
    name: str | None = None,
) -> QueueBase:
    """A queue of the numbers from 0 up to `limit`; other arguments as `input_producer`."""
    with name_scope(name, "input_producer") as scope:
        numbers = get_op("Range")(0, limit, 1)
        return input_producer(
            numbers,
            [],
            num_epochs,
            shuffle,
            seed,
            capacity,
            shared_name,
            f"fraction_of_{capacity}_full",
            scope,
        )


def slice_input_producer(
    tensor_list: Sequence[Any],
    num_epochs: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    capacity: int = 32,
    shared_name: str | None = None,
    name: str | None = None,
) -> list[Tensor]:
    """One row of each of several tensors of equal length, the same row of all.

    Args:
        tensor_list: tensors whose first dimensions are equal.
        num_epochs, shuffle, seed, capacity, shared_name, name: as for `input_producer`.

    Returns:
        A tensor per tensor.
    """
    with name_scope(name, "input_producer"):
        tensors = [convert_to_tensor(t) for t in tensor_list]
        if not tensors:
            raise ValueError("slice_input_producer needs at least one tensor.")
        length = get_op("GatherV2")(get_op("Shape")(tensors[0]), 0, 0)
        queue = range_input_producer(length, num_epochs, shuffle, seed, capacity, shared_name)
        index = queue.dequeue()
        return [get_op("GatherV2")(t, index, 0) for t in tensors]


Example = Any
"""A list of tensors, or a dictionary of them."""


def _flat(tensors: Example) -> tuple[list[Tensor], list[str] | None]:
    """The tensors of an example in a list, and their names where it is a dictionary."""
    if isinstance(tensors, Mapping):
        names = sorted(tensors)
        return [convert_to_tensor(tensors[n]) for n in names], names
    listed = tensors if isinstance(tensors, (list, tuple)) else [tensors]
    return [convert_to_tensor(t) for t in listed], None


def _as_before(made: Sequence[Tensor], names: list[str] | None) -> Example:
    """The components of a batch in the form of the examples; a list of one becomes that one, as in TensorFlow."""
    if names is not None:
        return dict(zip(names, made, strict=True))
    return made[0] if len(made) == 1 else list(made)


def _row_shapes(
    examples: Sequence[Sequence[Tensor]], given: Any, many: bool, dynamic: bool
) -> list[TensorShape]:
    """Shapes of the components of one example."""
    if given is not None:
        return [as_shape(s) for s in given]
    shapes = []
    for column in zip(*examples, strict=True):
        shape = column[0].shape[1:] if many else column[0].shape
        for other in column[1:]:
            theirs = other.shape[1:] if many else other.shape
            if shape != theirs:
                shape = _common(shape, theirs)
        if shape.rank is None or not (dynamic or shape.is_fully_defined()):
            raise ValueError(
                f"All shapes must be fully known to make batches, {column[0].name} has shape {shape}: use set_shape, "
                "give shapes, or dynamic_pad=True for sizes that differ."
            )
        shapes.append(shape)
    return shapes


def _common(a: TensorShape, b: TensorShape) -> TensorShape:
    if a.rank != b.rank or a.rank is None:
        return TensorShape(None)
    return TensorShape(x if x == y else None for x, y in zip(a, b, strict=True))


def _enqueue(queue: QueueBase, tensors: Sequence[Tensor], many: bool, keep: Any) -> Any:
    """The operation that puts an example (or many) in, all or only those to be kept."""
    put = queue.enqueue_many if many else queue.enqueue
    if keep is None:
        return put(list(tensors))
    keep = convert_to_tensor(keep, "bool")
    if keep.shape.rank == 1:
        rows = get_op("Reshape")(get_op("Where")(keep), [-1])
        return put([get_op("GatherV2")(t, rows, 0) for t in tensors])

    def kept() -> Any:
        with get_default_graph().control_dependencies([put(list(tensors))]):
            return identity(convert_to_tensor(True))

    return cond(keep, kept, lambda: convert_to_tensor(False)).op


def _batched(
    examples: Sequence[Example],
    batch_size: Any,
    capacity: int,
    threads: int,
    many: bool,
    shapes: Any,
    allow_fewer: bool,
    shared_name: str | None,
    scope: str,
    keep: Sequence[Any] | None = None,
    dynamic_pad: bool = False,
    shuffle: tuple[int, int | None] | None = None,
) -> Example:
    """Batches from a queue that examples are put into."""
    flat = [_flat(e) for e in examples]
    rows, names = [t for t, _ in flat], flat[0][1]
    types = [t.dtype for t in rows[0]]
    if any([t.dtype for t in row] != types for row in rows):
        raise ValueError("All examples must have components of equal types.")
    known = _row_shapes(rows, shapes, many, dynamic_pad)
    if shuffle is not None:
        queue: QueueBase = RandomShuffleQueue(
            capacity, shuffle[0], types, known, seed=shuffle[1], shared_name=shared_name
        )
    elif dynamic_pad:
        queue = PaddingFIFOQueue(capacity, types, known, shared_name=shared_name)
    else:
        queue = FIFOQueue(capacity, types, known, shared_name=shared_name)
    kept = keep if keep is not None else [None] * len(rows)
    enqueues = [_enqueue(queue, row, many, k) for row, k in zip(rows, kept, strict=True)]
    add_queue_runner(QueueRunner(queue, enqueues * threads))
    over = shuffle[0] if shuffle is not None else 0
    label = f"fraction_over_{over}_of_{capacity - over}_full" if shuffle else f"fraction_of_{capacity}_full"
    _fullness(label, queue, capacity, over)
    take = queue.dequeue_up_to if allow_fewer else queue.dequeue_many
    made = take(batch_size, name=scope)
    return _as_before(made if isinstance(made, list) else [made], names)


def batch(
    tensors: Example,
    batch_size: Any,
    num_threads: int = 1,
    capacity: int = 32,
    enqueue_many: bool = False,
    shapes: Any = None,
    dynamic_pad: bool = False,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Example:
    """Batches of examples, made in a queue that a `QueueRunner` fills.

    Args:
        tensors: one example: a list or dictionary of tensors.
        batch_size: examples in a batch.
        num_threads: threads that put examples in; with more than one their order is open.
        capacity: most examples in the queue.
        enqueue_many: whether `tensors` hold many examples, along their first dimension.
        shapes: shapes of one example's tensors, where they are not known.
        dynamic_pad: pads sizes that differ with zeros to the largest of the batch.
        allow_smaller_final_batch: gives what is left at the end of the input.
        shared_name: a name under which sessions on the same devices share the queue.
        name: name of the ops.

    Returns:
        Tensors as `tensors` has them, with a first dimension of `batch_size`.

    Raises:
        ValueError: the shapes are not known.
        OutOfRangeError: when run, if the input has ended.
    """
    with name_scope(name, "batch") as scope:
        return _batched(
            [tensors],
            batch_size,
            capacity,
            num_threads,
            enqueue_many,
            shapes,
            allow_smaller_final_batch,
            shared_name,
            scope,
            dynamic_pad=dynamic_pad,
        )


def maybe_batch(
    tensors: Example,
    keep_input: Any,
    batch_size: Any,
    num_threads: int = 1,
    capacity: int = 32,
    enqueue_many: bool = False,
    shapes: Any = None,
    dynamic_pad: bool = False,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Example:
    """As `batch`, of the examples for which the boolean `keep_input` is true (one per example if many)."""
    with name_scope(name, "maybe_batch") as scope:
        return _batched(
            [tensors],
            batch_size,
            capacity,
            num_threads,
            enqueue_many,
            shapes,
            allow_smaller_final_batch,
            shared_name,
            scope,
            [keep_input],
            dynamic_pad,
        )


def batch_join(
    tensors_list: Sequence[Example],
    batch_size: Any,
    capacity: int = 32,
    enqueue_many: bool = False,
    shapes: Any = None,
    dynamic_pad: bool = False,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Example:
    """As `batch`, of examples that several sources give, each read by a thread of its own.

    Args:
        tensors_list: one example per source.
        batch_size, capacity, enqueue_many, shapes, dynamic_pad, allow_smaller_final_batch, shared_name, name: as
            for `batch`.
    """
    with name_scope(name, "batch_join") as scope:
        return _batched(
            list(tensors_list),
            batch_size,
            capacity,
            1,
            enqueue_many,
            shapes,
            allow_smaller_final_batch,
            shared_name,
            scope,
            dynamic_pad=dynamic_pad,
        )


def maybe_batch_join(
    tensors_list: Sequence[Example],
    keep_input: Any,
    batch_size: Any,
    capacity: int = 32,
    enqueue_many: bool = False,
    shapes: Any = None,
    dynamic_pad: bool = False,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Example:
    """As `batch_join`, of the examples for which the boolean `keep_input` is true."""
    with name_scope(name, "maybe_batch_join") as scope:
        examples = list(tensors_list)
        return _batched(
            examples,
            batch_size,
            capacity,
            1,
            enqueue_many,
            shapes,
            allow_smaller_final_batch,
            shared_name,
            scope,
            [keep_input] * len(examples),
            dynamic_pad,
        )


def shuffle_batch(
    tensors: Example,
    batch_size: Any,
    capacity: int,
    min_after_dequeue: int,
    num_threads: int = 1,
    seed: int | None = None,
    enqueue_many: bool = False,
    shapes: Any = None,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Example:
    """Batches of examples drawn at random from a queue that a `QueueRunner` fills.

    Args:
        min_after_dequeue: examples that stay in the queue, for better mixing, until the input ends.
        seed: seed of the drawing.
        tensors, batch_size, capacity, num_threads, enqueue_many, shapes, allow_smaller_final_batch, shared_name,
            name: as for `batch`.
    """
    with name_scope(name, "shuffle_batch") as scope:
        return _batched(
            [tensors],
            batch_size,
            capacity,
            num_threads,
            enqueue_many,
            shapes,
            allow_smaller_final_batch,
            shared_name,
            scope,
            shuffle=(min_after_dequeue, seed),
        )


def maybe_shuffle_batch(
    tensors: Example,
    batch_size: Any,
    capacity: int,
    min_after_dequeue: int,
    keep_input: Any,
    num_threads: int = 1,
    seed: int | None = None,
    enqueue_many: bool = False,
    shapes: Any = None,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Example:
    """As `shuffle_batch`, of the examples for which the boolean `keep_input` is true."""
    with name_scope(name, "maybe_shuffle_batch") as scope:
        return _batched(
            [tensors],
            batch_size,
            capacity,
            num_threads,
            enqueue_many,
            shapes,
            allow_smaller_final_batch,
            shared_name,
            scope,
            [keep_input],
            shuffle=(min_after_dequeue, seed),
        )


def shuffle_batch_join(
    tensors_list: Sequence[Example],
    batch_size: Any,
    capacity: int,
    min_after_dequeue: int,
    seed: int | None = None,
    enqueue_many: bool = False,
    shapes: Any = None,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Example:
    """As `shuffle_batch`, of examples that several sources give, each read by a thread of its own.

    Args:
        tensors_list: the examples of each thread: lists or dicts of tensors.
        batch_size: elements of a batch.
        capacity: most elements of the queue.
        min_after_dequeue: least elements left in the queue, for a good mixture.
        seed: seed of the random numbers.
        enqueue_many: whether each tensor holds many examples.
        shapes: shapes of the components, where they are not known.
        allow_smaller_final_batch: whether a last batch that is not full is given.
        shared_name: a name under which sessions on the same devices share the queue.
    """
    with name_scope(name, "shuffle_batch_join") as scope:
        return _batched(
            list(tensors_list),
            batch_size,
            capacity,
            1,
            enqueue_many,
            shapes,
            allow_smaller_final_batch,
            shared_name,
            scope,
            shuffle=(min_after_dequeue, seed),
        )


def maybe_shuffle_batch_join(
    tensors_list: Sequence[Example],
    batch_size: Any,
    capacity: int,
    min_after_dequeue: int,
    keep_input: Any,
    seed: int | None = None,
    enqueue_many: bool = False,
    shapes: Any = None,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Example:
    """As `shuffle_batch_join`, of the examples for which the boolean `keep_input` is true."""
    with name_scope(name, "maybe_shuffle_batch_join") as scope:
        examples = list(tensors_list)
        return _batched(
            examples,
            batch_size,
            capacity,
            1,
            enqueue_many,
            shapes,
            allow_smaller_final_batch,
            shared_name,
            scope,
            [keep_input] * len(examples),
            shuffle=(min_after_dequeue, seed),
        )
