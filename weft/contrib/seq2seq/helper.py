"""Where a decoder's next inputs come from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...branches import cond
from ...elementwise import equal, minimum
from ...filling import fill
from ...graph import dtypes
from ...graph.convert import convert_to_tensor
from ...graph.default_graph import name_scope
from ...graph.elements import Tensor
from ...graph.nest import flatten, map_structure, pack_sequence_as
from ...graph.shapes import TensorShape
from ...nn.embedding import embedding_lookup
from ...nn.rnn import swapped
from ...nn.rnn_cell.base import batch_size_of
from ...reductions import argmax, reduce_all
from ...tensor_array import TensorArray

__all__ = [
    "CustomHelper",
    "GreedyEmbeddingHelper",
    "Helper",
    "InferenceHelper",
    "TrainingHelper",
    "embedding_function",
]


class Helper:
    """Chooses a sample from a step's outputs, and gives the next step's inputs.

    A subclass has the property `batch_size` and the methods below.
    """

    @property
    def batch_size(self) -> Any:
        """Number of sequences, an int or int32 scalar."""
        raise TypeError(f"{type(self).__name__} does not say its batch_size.")

    @property
    def sample_ids_shape(self) -> Any:
        """Shape of one sample, without the batch dimension."""
        return TensorShape([])

    @property
    def sample_ids_dtype(self) -> Any:
        """Element type of samples."""
        return dtypes.int32

    def initialize(self, name: str | None = None) -> tuple[Any, Any]:
        """Which sequences are finished from the start, and the first inputs."""
        raise TypeError(f"{type(self).__name__} cannot be initialized.")

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        """Samples chosen from a step's outputs."""
        raise TypeError(f"{type(self).__name__} does not choose samples.")

    def next_inputs(
        self, time: Any, outputs: Any, state: Any, sample_ids: Any, name: str | None = None
    ) -> tuple[Any, Any, Any]:
        """Which sequences are finished, the next inputs, the next state."""
        raise TypeError(f"{type(self).__name__} gives no inputs.")


class CustomHelper(Helper):
    """A helper made of three functions.

    Args:
        initialize_fn: gives `(finished, next_inputs)`.
        sample_fn: from `(time, outputs, state)` to samples.
        next_inputs_fn: from `(time, outputs, state, sample_ids)` to `(finished, next_inputs, next_state)`.
        sample_ids_shape, sample_ids_dtype: of one sample; an int32 scalar by default.
    """

    def __init__(
        self,
        initialize_fn: Callable[..., Any],
        sample_fn: Callable[..., Any],
        next_inputs_fn: Callable[..., Any],
        sample_ids_shape: Any = None,
        sample_ids_dtype: Any = None,
    ) -> None:
        self._initialize, self._sample, self._next = initialize_fn, sample_fn, next_inputs_fn
        self._shape = TensorShape(sample_ids_shape or [])
        self._dtype = dtypes.int32 if sample_ids_dtype is None else sample_ids_dtype
        self._batch_size: Any = None

    @property
    def batch_size(self) -> Any:
        """Number of sequences.

        Raises:
            ValueError: before `initialize` was called.
        """
        if self._batch_size is None:
            raise ValueError("batch_size accessed before initialize was called")
        return self._batch_size

    @property
    def sample_ids_shape(self) -> Any:
        return self._shape

    @property
    def sample_ids_dtype(self) -> Any:
        return self._dtype

    def initialize(self, name: str | None = None) -> tuple[Any, Any]:
        with name_scope(name, "CustomHelperInitialize"):
            finished, following = self._initialize()
            finished = convert_to_tensor(finished)
            self._batch_size = batch_size_of(finished)
        return finished, following

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        with name_scope(name, "CustomHelperSample"):
            return self._sample(time=time, outputs=outputs, state=state)

    def next_inputs(
        self, time: Any, outputs: Any, state: Any, sample_ids: Any, name: str | None = None
    ) -> tuple[Any, Any, Any]:
        with name_scope(name, "CustomHelperNextInputs"):
            return self._next(time=time, outputs=outputs, state=state, sample_ids=sample_ids)  # type: ignore[no-any-return]


class TrainingHelper(Helper):
    """Gives the known sequences, whatever the cell puts out; samples are the best ids of each step.

    Args:
        inputs: `(batch, time, ...)`, or a structure of such; `(time, batch, ...)` where `time_major`.
        sequence_length: int32 `(batch,)`.
        time_major: whether time is the first dimension.
        name: name scope.

    Raises:
        ValueError: the lengths are no vector.

    Source:
        TensorFlow `tf.contrib.seq2seq.TrainingHelper`.
    """

    def __init__(
        self, inputs: Any, sequence_length: Any, time_major: bool = False, name: str | None = None
    ) -> None:
        with name_scope(name, "TrainingHelper", [inputs, sequence_length]):
            inputs = map_structure(convert_to_tensor, inputs)
            self._inputs = inputs
            if not time_major:
                inputs = map_structure(swapped, inputs)
            self._flat: list[Tensor] = flatten(inputs)
            self._arrays = [TensorArray(t.dtype, size=batch_size_of(t)).unstack(t) for t in self._flat]
            lengths = convert_to_tensor(sequence_length, name="sequence_length")
            if lengths.shape.rank not in (None, 1):
                raise ValueError(
                    f"Expected sequence_length to be a vector, but received shape: {lengths.shape}"
                )
            self._lengths = lengths
            self._zero = map_structure(lambda t: t[0] * 0 if t.dtype.is_numeric else t[0], inputs)
            self._batch_size = batch_size_of(lengths)

    @property
    def inputs(self) -> Any:
        return self._inputs

    @property
    def sequence_length(self) -> Tensor:
        return self._lengths

    @property
    def batch_size(self) -> Any:
        return self._batch_size

    def _row(self, time: Any) -> Any:
        return pack_sequence_as(self._zero, [array.read(time) for array in self._arrays])

    def initialize(self, name: str | None = None) -> tuple[Any, Any]:
        with name_scope(name, "TrainingHelperInitialize"):
            finished = equal(self._lengths, 0)
            return finished, self._guarded(reduce_all(finished), 0)

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        with name_scope(name, "TrainingHelperSample", [time, outputs]):
            return argmax(outputs, axis=-1, output_type=dtypes.int32)

    def next_inputs(
        self, time: Any, outputs: Any, state: Any, sample_ids: Any = None, name: str | None = None
    ) -> tuple[Any, Any, Any]:
        with name_scope(name, "TrainingHelperNextInputs", [time, outputs, state]):
            ahead = time + 1
            finished = ahead >= self._lengths
            return finished, self._guarded(reduce_all(finished), ahead), state

    def _guarded(self, all_finished: Tensor, time: Any) -> Any:
        """The inputs of that step; zeros where there is no such step any more."""

        if all(t.shape.rank is not None and t.shape[0] is not None and t.shape[0] > 0 for t in self._flat):
            # Reading the last step again spares a branch in every iteration; nobody looks at it.
            last = min(int(t.shape[0]) for t in self._flat) - 1

            return self._row(minimum(convert_to_tensor(time, dtypes.int32), last))
        rows = cond(all_finished, lambda: flatten(self._zero), lambda: flatten(self._row(time)))
        flat = rows if isinstance(rows, list) else [rows]
        for row, whole in zip(flat, self._flat, strict=True):
            row.set_shape(whole.shape[1:])
        return pack_sequence_as(self._zero, flat)


def embedding_function(embedding: Any) -> Callable[[Any], Any]:
    """From ids to their embeddings: the function given, or a lookup in the table given."""
    return embedding if callable(embedding) else lambda ids: embedding_lookup(embedding, ids)


class GreedyEmbeddingHelper(Helper):
    """Feeds the embedding of the best id of each step back in.

    Args:
        embedding: table `(ids, size)`, or a function from ids to embeddings.
        start_tokens: int32 `(batch,)`.
        end_token: id that ends a sequence, an int32 scalar.

    Raises:
        ValueError: the start tokens are no vector, or the end token is no scalar.

    Source:
        TensorFlow `tf.contrib.seq2seq.GreedyEmbeddingHelper`.
    """

    def __init__(self, embedding: Any, start_tokens: Any, end_token: Any) -> None:
        self._embedding = embedding_function(embedding)
        self._start_tokens = convert_to_tensor(start_tokens, dtypes.int32, name="start_tokens")
        self._end_token = convert_to_tensor(end_token, dtypes.int32, name="end_token")
        if self._start_tokens.shape.rank not in (None, 1):
            raise ValueError("start_tokens must be a vector")
        if self._end_token.shape.rank not in (None, 0):
            raise ValueError("end_token must be a scalar")
        self._batch_size = batch_size_of(self._start_tokens)
        self._start_inputs = self._embedding(self._start_tokens)

    @property
    def batch_size(self) -> Any:
        return self._batch_size

    def initialize(self, name: str | None = None) -> tuple[Any, Any]:
        return self._start_tokens < self._start_tokens, self._start_inputs

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        """The best ids.

        Raises:
            TypeError: the outputs are no single tensor.
        """
        if not isinstance(outputs, Tensor):
            raise TypeError(f"Expected outputs to be a single Tensor, got: {type(outputs)}")
        return argmax(outputs, axis=-1, output_type=dtypes.int32)

    def next_inputs(
        self, time: Any, outputs: Any, state: Any, sample_ids: Any, name: str | None = None
    ) -> tuple[Any, Any, Any]:
        # What follows the end is not looked at.
        return equal(sample_ids, self._end_token), self._embedding(sample_ids), state


class InferenceHelper(Helper):
    """Feeds samples of any kind back in.

    Args:
        sample_fn: from outputs to samples.
        sample_shape: shape of a sample, without the batch dimension.
        sample_dtype: its element type.
        start_inputs: `(batch, ...)`, the first inputs.
        end_fn: from samples to a boolean vector: which end their sequence.
        next_inputs_fn: from samples to inputs; the samples themselves by default.
    """

    def __init__(
        self,
        sample_fn: Callable[[Any], Any],
        sample_shape: Any,
        sample_dtype: Any,
        start_inputs: Any,
        end_fn: Callable[[Any], Any],
        next_inputs_fn: Callable[[Any], Any] | None = None,
    ) -> None:
        self._sample_fn, self._end_fn = sample_fn, end_fn
        self._shape, self._dtype = TensorShape(sample_shape), sample_dtype
        self._next_inputs_fn = next_inputs_fn
        self._start = convert_to_tensor(start_inputs, name="start_inputs")
        self._batch_size = batch_size_of(self._start)

    @property
    def batch_size(self) -> Any:
        return self._batch_size

    @property
    def sample_ids_shape(self) -> Any:
        return self._shape

    @property
    def sample_ids_dtype(self) -> Any:
        return self._dtype

    def initialize(self, name: str | None = None) -> tuple[Any, Any]:

        return fill([self._batch_size], False), self._start

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        return self._sample_fn(outputs)

    def next_inputs(
        self, time: Any, outputs: Any, state: Any, sample_ids: Any, name: str | None = None
    ) -> tuple[Any, Any, Any]:
        following = sample_ids if self._next_inputs_fn is None else self._next_inputs_fn(sample_ids)
        return self._end_fn(sample_ids), following, state
