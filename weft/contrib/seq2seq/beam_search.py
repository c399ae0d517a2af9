"""The decoder that keeps the best sequences at every step."""

from __future__ import annotations

from typing import Any, NamedTuple

from ...array import gather, stack, tile
from ...elementwise import equal, floordiv, logical_not, logical_or
from ...elementwise import mod as mod_
from ...filling import fill, one_hot
from ...filling import range as range_
from ...graph import dtypes
from ...graph.convert import convert_to_tensor
from ...graph.default_graph import name_scope
from ...graph.elements import Tensor
from ...graph.nest import flatten, map_structure
from ...graph.shapes import TensorShape
from ...nn.activations import log_softmax
from ...nn.common import cast
from ...nn.rnn_cell.base import assert_like_rnncell, batch_size_of
from ...reductions import reduce_max
from ...shaping import expand_dims, reshape
from ...sorting import top_k
from ...tensor_array import TensorArray
from .attention_wrapper import AttentionWrapperState
from .beams import (
    gather_beams,
    gather_tree,
    gather_tree_from_array,
    masked_probs,
    merged,
    scores,
    split_beams,
)
from .decoder import Decoder
from .helper import embedding_function

__all__ = [
    "BeamSearchDecoder",
    "BeamSearchDecoderOutput",
    "BeamSearchDecoderState",
    "FinalBeamSearchDecoderOutput",
]


class BeamSearchDecoderState(NamedTuple):
    """State of a beam search.

    Attributes:
        cell_state: of the cell, `(batch, beams, ...)`.
        log_probs: log-probability of each sequence, `(batch, beams)`.
        finished: which sequences have ended, `(batch, beams)`.
        lengths: int64 `(batch, beams)`, the end token counted.
        accumulated_attention_probs: sum of alignments, `(batch, beams, rows)`, or () without coverage penalty.
    """

    cell_state: Any
    log_probs: Any
    finished: Any
    lengths: Any
    accumulated_attention_probs: Any


class BeamSearchDecoderOutput(NamedTuple):
    """What a step of a beam search puts out, each `(batch, beams)`.

    Attributes:
        scores: what beams are compared by.
        predicted_ids: int32: the ids chosen.
        parent_ids: int32: the beams that they go on from.
    """

    scores: Any
    predicted_ids: Any
    parent_ids: Any


class FinalBeamSearchDecoderOutput(NamedTuple):
    """What a beam search puts out at the end.

    Attributes:
        predicted_ids: int32 `(batch, time, beams)`, best beam first.
        beam_search_decoder_output: outputs of all steps, as they came.
    """

    predicted_ids: Any
    beam_search_decoder_output: BeamSearchDecoderOutput


class BeamSearchDecoder(Decoder):
    """Keeps, at every step, the sequences with the best scores.

    Args:
        cell: an `RNNCell`. An `AttentionWrapper`'s memory, and all initial states, must have been tiled by
            `tile_batch`.
        embedding: table `(ids, size)`, or a function from ids to embeddings.
        start_tokens: int32 `(batch,)`.
        end_token: id that ends a sequence, an int32 scalar.
        initial_state: state to begin with, `(batch * beam_width, ...)`.
        beam_width: number of sequences kept.
        output_layer: layer between the cell's output and the logits.
        length_penalty_weight: how much longer sequences are preferred; 0 for not at all.
        coverage_penalty_weight: how much sequences are preferred that have looked at all of the memory; needs an
            `AttentionWrapper`.
        reorder_tensor_arrays: whether arrays in the last state are put in the order of the final beams.

    Raises:
        TypeError: cell or layer are of the wrong kind.
        ValueError: tokens are of the wrong rank.

    Source:
        TensorFlow `tf.contrib.seq2seq.BeamSearchDecoder`.
    """

    def __init__(
        self,
        cell: Any,
        embedding: Any,
        start_tokens: Any,
        end_token: Any,
        initial_state: Any,
        beam_width: int,
        output_layer: Any = None,
        length_penalty_weight: Any = 0.0,
        coverage_penalty_weight: Any = 0.0,
        reorder_tensor_arrays: bool = True,
    ) -> None:
        assert_like_rnncell("cell", cell)
        if output_layer is not None and not hasattr(output_layer, "compute_output_shape"):
            raise TypeError(f"output_layer must be a Layer, received: {type(output_layer)}")
        self._cell = cell
        self._output_layer = output_layer
        self._embedding = embedding_function(embedding)
        self._reorders = reorder_tensor_arrays
        tokens = convert_to_tensor(start_tokens, dtypes.int32, name="start_tokens")
        if tokens.shape.rank not in (None, 1):
            raise ValueError("start_tokens must be a vector")
        self._end_token = convert_to_tensor(end_token, dtypes.int32, name="end_token")
        if self._end_token.shape.rank not in (None, 0):
            raise ValueError("end_token must be a scalar")
        self._beams = beam_width
        self._length_weight, self._coverage_weight = length_penalty_weight, coverage_penalty_weight
        self._batch = batch_size_of(tokens)
        self._static_batch = self._batch if isinstance(self._batch, int) else None
        self._start_inputs = self._embedding(tile(expand_dims(tokens, 1), [1, beam_width]))
        self._initial_state = map_structure(lambda v: split_beams(v, self._batch, beam_width), initial_state)
        self._dtype = next(
            t.dtype for t in flatten(initial_state) if isinstance(t, Tensor) and t.dtype.is_floating
        )

    @property
    def batch_size(self) -> Any:
        return self._batch

    @property
    def output_size(self) -> BeamSearchDecoderOutput:
        size = TensorShape([self._beams])
        return BeamSearchDecoderOutput(size, size, size)

    @property
    def output_dtype(self) -> BeamSearchDecoderOutput:
        return BeamSearchDecoderOutput(self._dtype, dtypes.int32, dtypes.int32)

    @property
    def tracks_own_finished(self) -> bool:
        """Beams change places, so a beam may be unfinished again."""
        return True

    @property
    def _covers(self) -> bool:
        return isinstance(self._coverage_weight, Tensor) or self._coverage_weight != 0.0

    def initialize(self, name: str | None = None) -> tuple[Any, Any, Any]:
        # Only the first beam counts at first: all are the same.
        first = zeros_row(self._batch)
        finished = logical_not(equal(one_hot(first, self._beams, dtype=dtypes.int32), 1))
        log_probs = one_hot(first, self._beams, on_value=0.0, off_value=-float("inf"), dtype=self._dtype)
        attention: Any = ()
        if self._covers:
            attention = self._alignments(self._initial_state) * 0
        state = BeamSearchDecoderState(
            cell_state=self._initial_state,
            log_probs=log_probs,
            finished=finished,
            lengths=one_hot(first - 1, self._beams, dtype=dtypes.int64),
            accumulated_attention_probs=attention,
        )
        for part in (state.log_probs, state.finished, state.lengths):
            part.set_shape([self._static_batch, self._beams])
        return finished, self._start_inputs, state

    @staticmethod
    def _alignments(cell_state: Any) -> Tensor:
        """Alignments of an `AttentionWrapper`'s state.

        Raises:
            ValueError: it is no such state, or one of several mechanisms.
        """
        if not isinstance(cell_state, AttentionWrapperState) or isinstance(cell_state.alignments, tuple):
            raise ValueError(
                "coverage_penalty_weight needs an AttentionWrapper with one attention mechanism."
            )
        return cell_state.alignments  # type: ignore[no-any-return]

    def step(self, time: Any, inputs: Any, state: Any, name: str | None = None) -> tuple[Any, Any, Any, Any]:
        batch, beams = self._batch, self._beams
        with name_scope(name, "BeamSearchDecoderStep", (time, inputs, state)):
            flat_state = map_structure(lambda v: merged(v, batch, beams), state.cell_state)
            outputs, after = self._cell(map_structure(lambda v: merged(v, batch, beams), inputs), flat_state)
            if self._output_layer is not None:
                outputs = self._output_layer(outputs)
            after = map_structure(lambda v: split_beams(v, batch, beams), after)
            made, new = self._chosen(split_beams(outputs, batch, beams), after, state)
            return made, new, self._embedding(made.predicted_ids), new.finished

    def _chosen(
        self, logits: Tensor, cell_state: Any, state: BeamSearchDecoderState
    ) -> tuple[BeamSearchDecoderOutput, BeamSearchDecoderState]:
        """The best sequences that are one step longer."""
        batch, beams = self._batch, self._beams
        step_probs = masked_probs(log_softmax(logits), self._end_token, state.finished)
        total = expand_dims(state.log_probs, 2) + step_probs
        ids = int(logits.shape[2])
        # A sequence's end does not count for its length while beams are compared.
        going = cast(logical_not(state.finished), dtypes.int64)
        counted = one_hot(self._end_token, ids, on_value=0, off_value=1, dtype=dtypes.int64)
        lengths = expand_dims(state.lengths, 2) + expand_dims(going, 2) * counted
        attention = state.accumulated_attention_probs
        seen = None
        if self._covers:
            seen = attention + self._alignments(cell_state) * cast(expand_dims(going, 2), self._dtype)
        compared = scores(total, lengths, self._length_weight, self._coverage_weight, seen)
        flat_shape = stack([batch, beams * ids]) if not isinstance(batch, int) else [batch, beams * ids]
        best, places = top_k(reshape(compared, flat_shape), k=beams)
        rows = [self._static_batch, beams]
        for part in (best, places):
            part.set_shape(rows)
        parents, chosen = floordiv(places, ids), mod_(places, ids)

        def moved(value: Any) -> Any:
            return gather_beams(value, parents, batch, beams)

        ended = moved(state.finished)
        totals = self._picked(reshape(total, flat_shape), places, beams * ids)
        totals.set_shape(rows)
        new = BeamSearchDecoderState(
            cell_state=map_structure(moved, cell_state),
            log_probs=totals,
            finished=logical_or(ended, equal(chosen, self._end_token)),
            lengths=moved(state.lengths) + cast(logical_not(ended), dtypes.int64),
            accumulated_attention_probs=() if seen is None else moved(seen),
        )
        return BeamSearchDecoderOutput(best, chosen, parents), new

    def _picked(self, rows: Tensor, places: Tensor, width: int) -> Tensor:
        """The elements at some places of each row."""
        index = expand_dims(range_(self._batch) * width, 1) + places
        return gather(reshape(rows, [-1]), index)

    def finalize(self, outputs: Any, final_state: Any, sequence_lengths: Any) -> tuple[Any, Any]:
        longest = cast(reduce_max(final_state.lengths, axis=1), dtypes.int32)
        ids = gather_tree(outputs.predicted_ids, outputs.parent_ids, longest, self._end_token)
        if self._reorders:

            def ordered(value: Any) -> Any:
                if not isinstance(value, TensorArray):
                    return value
                return gather_tree_from_array(value, outputs.parent_ids, final_state.lengths)

            cell_state = map_structure(ordered, final_state.cell_state)
            final_state = final_state._replace(cell_state=cell_state)
        return FinalBeamSearchDecoderOutput(ids, outputs), final_state


def zeros_row(batch: Any) -> Tensor:
    """Zeros `(batch,)`, int32."""
    return fill([batch], 0) if isinstance(batch, int) else fill(expand_dims(batch, 0), 0)
