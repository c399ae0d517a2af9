"""Helpers that draw: samples fed back in, and scheduled sampling in training."""

from __future__ import annotations

from typing import Any

from ...array import where
from ...elementwise import equal
from ...filling import fill
from ...graph import dtypes
from ...graph.convert import convert_to_tensor
from ...graph.default_graph import name_scope
from ...graph.elements import Tensor
from ...graph.nest import flatten
from ...graph.ops.array import shape_of
from ...random import categorical, random_uniform
from .helper import GreedyEmbeddingHelper, TrainingHelper, embedding_function

__all__ = [
    "SampleEmbeddingHelper",
    "ScheduledEmbeddingTrainingHelper",
    "ScheduledOutputTrainingHelper",
    "drawn",
]


def drawn(logits: Tensor, seed: int | None) -> Tensor:
    """An id for each row, int32, drawn from unnormalized log-probabilities `(batch, ids)`."""
    made = categorical(logits, 1, dtype=dtypes.int32, seed=seed)
    return made[:, 0]


class SampleEmbeddingHelper(GreedyEmbeddingHelper):
    """Feeds the embedding of ids that are drawn from the outputs back in.

    Args:
        embedding, start_tokens, end_token: as for `GreedyEmbeddingHelper`.
        softmax_temperature: the logits are divided by it: larger ones draw more evenly.
        seed: seed of the draws.

    Source:
        TensorFlow `tf.contrib.seq2seq.SampleEmbeddingHelper`.
    """

    def __init__(
        self,
        embedding: Any,
        start_tokens: Any,
        end_token: Any,
        softmax_temperature: Any = None,
        seed: int | None = None,
    ) -> None:
        super().__init__(embedding, start_tokens, end_token)
        self._temperature = softmax_temperature
        self._seed = seed

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        """Ids that are drawn.

        Raises:
            TypeError: the outputs are no single tensor.
        """
        if not isinstance(outputs, Tensor):
            raise TypeError(f"Expected outputs to be a single Tensor, got: {type(outputs)}")
        return drawn(outputs if self._temperature is None else outputs / self._temperature, self._seed)


def _chances(sampling_probability: Any) -> Tensor:
    """The probability as a tensor.

    Raises:
        ValueError: it is neither a scalar nor a vector.
    """
    made = convert_to_tensor(sampling_probability, dtypes.float32, name="sampling_probability")
    if made.shape.rank not in (None, 0, 1):
        raise ValueError(f"sampling_probability must be either a scalar or a vector. saw shape: {made.shape}")
    return made


class ScheduledEmbeddingTrainingHelper(TrainingHelper):
    """Feeds, at random, the known inputs or embeddings of ids drawn from the outputs.

    Args:
        inputs, sequence_length, time_major, name: as for `TrainingHelper`.
        embedding: table `(ids, size)`, or a function from ids to embeddings.
        sampling_probability: how often ids are drawn; a float32 scalar or `(batch,)`.
        seed: seed of the drawn ids.
        scheduling_seed: seed of the choice whether to draw.

    Source:
        Bengio et al., "Scheduled Sampling for Sequence Prediction with Recurrent Neural Networks", 2015;
        TensorFlow `tf.contrib.seq2seq.ScheduledEmbeddingTrainingHelper`.
    """

    def __init__(
        self,
        inputs: Any,
        sequence_length: Any,
        embedding: Any,
        sampling_probability: Any,
        time_major: bool = False,
        seed: int | None = None,
        scheduling_seed: int | None = None,
        name: str | None = None,
    ) -> None:
        with name_scope(name, "ScheduledEmbeddingSamplingWrapper"):
            self._embedding = embedding_function(embedding)
            self._chance = _chances(sampling_probability)
            self._seed, self._scheduling_seed = seed, scheduling_seed
            super().__init__(inputs, sequence_length, time_major, name)

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        """Drawn ids, and -1 where the known input is to be fed."""
        with name_scope(name, "ScheduledEmbeddingTrainingHelperSample"):
            rows = shape_of(outputs)[0]
            wanted = random_uniform([rows], seed=self._scheduling_seed) < self._chance
            wanted.set_shape(outputs.shape[:1])
            return where(wanted, drawn(outputs, self._seed), fill([rows], -1))

    def next_inputs(
        self, time: Any, outputs: Any, state: Any, sample_ids: Any = None, name: str | None = None
    ) -> tuple[Any, Any, Any]:
        with name_scope(name, "ScheduledEmbeddingTrainingHelperNextInputs"):
            finished, known, state = super().next_inputs(time, outputs, state, sample_ids)
            is_drawn = sample_ids >= 0
            fed = where(is_drawn, self._embedding(where(is_drawn, sample_ids, sample_ids * 0)), known)
            fed.set_shape(known.shape)
            return finished, fed, state


class ScheduledOutputTrainingHelper(TrainingHelper):
    """Feeds, at random, the known inputs or the outputs of the step before.

    Args:
        inputs, sequence_length, time_major, name: as for `TrainingHelper`.
        sampling_probability: how often outputs are fed; a float32 scalar or `(batch,)`.
        seed: seed of the choice.
        next_inputs_fn: from outputs to inputs; the outputs themselves by default.

    Source:
        TensorFlow `tf.contrib.seq2seq.ScheduledOutputTrainingHelper`.
    """

    def __init__(
        self,
        inputs: Any,
        sequence_length: Any,
        sampling_probability: Any,
        time_major: bool = False,
        seed: int | None = None,
        next_inputs_fn: Any = None,
        name: str | None = None,
    ) -> None:
        with name_scope(name, "ScheduledOutputTrainingHelper"):
            self._chance = _chances(sampling_probability)
            self._seed, self._next_inputs_fn = seed, next_inputs_fn
            super().__init__(inputs, sequence_length, time_major, name)
            if len(flatten(self._inputs)) != 1:
                raise ValueError("ScheduledOutputTrainingHelper takes one tensor of inputs.")

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        """1 where the outputs are to be fed, 0 where the known inputs are."""
        with name_scope(name, "ScheduledOutputTrainingHelperSample"):
            rows = shape_of(outputs)[0]
            wanted = random_uniform([rows], seed=self._seed) < self._chance
            wanted.set_shape(outputs.shape[:1])
            return where(wanted, fill([rows], 1), fill([rows], 0))

    def next_inputs(
        self, time: Any, outputs: Any, state: Any, sample_ids: Any = None, name: str | None = None
    ) -> tuple[Any, Any, Any]:
        with name_scope(name, "ScheduledOutputTrainingHelperNextInputs"):
            finished, known, state = super().next_inputs(time, outputs, state, sample_ids)
            own = outputs if self._next_inputs_fn is None else self._next_inputs_fn(outputs)
            fed = where(equal(sample_ids, 1), own, known)
            fed.set_shape(known.shape)
            return finished, fed, state
