"""What decoders share, and the loop that runs them: `dynamic_decode`."""

from __future__ import annotations

from typing import Any

from ...array import where
from ...elementwise import logical_not, logical_or
from ...filling import zeros_like
from ...graph import dtypes
from ...graph.convert import convert_to_tensor
from ...graph.elements import Tensor
from ...graph.nest import assert_same_structure, flatten, map_structure, pack_sequence_as
from ...graph.ops.array import shape_of
from ...graph.shapes import TensorShape
from ...loops import while_loop
from ...nn.common import cast
from ...nn.rnn import swapped
from ...nn.rnn_cell.base import batch_size_of, flat_sizes, sized, zeros_of
from ...reductions import reduce_all
from ...shaping import broadcast_to
from ...tensor_array import TensorArray
from ...variable_scope import variable_scope

__all__ = ["Decoder", "dynamic_decode"]


class Decoder:
    """Something that makes sequences step by step.

    A subclass has the properties `batch_size`, `output_size` and `output_dtype` (structures of one form), and the
    methods below.
    """

    @property
    def batch_size(self) -> Any:
        """Number of sequences, an int or int32 scalar."""
        raise TypeError(f"{type(self).__name__} does not say its batch_size.")

    @property
    def output_size(self) -> Any:
        """Sizes of the outputs of a step, without the batch dimension."""
        raise TypeError(f"{type(self).__name__} does not say its output_size.")

    @property
    def output_dtype(self) -> Any:
        """Element types of the outputs of a step."""
        raise TypeError(f"{type(self).__name__} does not say its output_dtype.")

    def initialize(self, name: str | None = None) -> tuple[Any, Any, Any]:
        """Which sequences are finished from the start, the first inputs, the first state."""
        raise TypeError(f"{type(self).__name__} cannot be initialized.")

    def step(self, time: Any, inputs: Any, state: Any, name: str | None = None) -> tuple[Any, Any, Any, Any]:
        """One step: outputs, next state, next inputs, which sequences are finished."""
        raise TypeError(f"{type(self).__name__} makes no steps.")

    def finalize(self, outputs: Any, final_state: Any, sequence_lengths: Any) -> tuple[Any, Any]:
        """What comes out at the end, made of the outputs of all steps `(time, batch, ...)` and the last state."""
        return outputs, final_state

    @property
    def tracks_own_finished(self) -> bool:
        """Whether `step` says which sequences are finished altogether, not only which finish now."""
        return False


def dynamic_decode(
    decoder: Decoder,
    output_time_major: bool = False,
    impute_finished: bool = False,
    maximum_iterations: Any = None,
    parallel_iterations: int = 32,
    swap_memory: bool = False,
    scope: Any = None,
) -> tuple[Any, Any, Tensor]:
    """Runs a decoder until all its sequences are finished.

    Args:
        decoder: the decoder.
        output_time_major: whether outputs come as `(time, batch, ...)` instead of `(batch, time, ...)`.
        impute_finished: whether finished sequences put out zeros and keep their state.
        maximum_iterations: most steps, an int32 scalar.
        parallel_iterations, swap_memory: accepted for TensorFlow's sake; steps follow each other.
        scope: variable scope, "decoder" by default.

    Returns:
        The outputs of all steps, the last state, and the sequences' lengths, `(batch,)` int32; those of a beam search
        are `(batch, beams)`, in the order of its final beams.

    Raises:
        TypeError: `decoder` is no decoder.
        ValueError: `maximum_iterations` is no scalar.

    Source:
        TensorFlow `tf.contrib.seq2seq.dynamic_decode`.
    """
    if not isinstance(decoder, Decoder):
        raise TypeError(f"Expected decoder to be type Decoder, but saw: {type(decoder)}")
    with variable_scope(scope or "decoder"):
        limit = None
        if maximum_iterations is not None:
            limit = convert_to_tensor(maximum_iterations, dtypes.int32, name="maximum_iterations")
            if limit.shape.rank not in (None, 0):
                raise ValueError("maximum_iterations must be a scalar")
        loop = _Decoding(decoder, impute_finished)
        arrays, state, lengths = loop.run(limit, parallel_iterations, swap_memory)
        outputs = pack_sequence_as(loop.form, [a.stack() for a in arrays])
        if type(decoder).finalize is not Decoder.finalize:
            outputs, state = decoder.finalize(outputs, state, lengths)
        if not output_time_major:
            outputs = map_structure(lambda t: t if isinstance(t, TensorArray) else swapped(t), outputs)
        if decoder.tracks_own_finished and hasattr(state, "lengths"):
            # Its sequences change places from step to step, so it counts them itself.
            lengths = cast(state.lengths, dtypes.int32)
    return outputs, state, lengths


class _Decoding:
    """The loop of one decoder."""

    def __init__(self, decoder: Decoder, impute: bool) -> None:
        self.decoder = decoder
        self.impute = impute
        self.form = decoder.output_dtype
        self.types = flatten(self.form)
        self.sizes = flat_sizes(decoder.output_size)

    def run(self, limit: Tensor | None, parallel_iterations: int, swap_memory: bool) -> Any:
        decoder = self.decoder
        finished, inputs, state = decoder.initialize()
        finished = convert_to_tensor(finished, dtypes.bool)
        state = map_structure(_tensor_or_array, state)
        inputs = map_structure(convert_to_tensor, inputs)
        batch = decoder.batch_size
        self.batch = batch
        known = batch if isinstance(batch, int) else None
        if known is None and finished.shape.rank is not None and finished.shape[0] is not None:
            known = int(finished.shape[0])
        arrays = tuple(
            TensorArray(kind, size=0, dynamic_size=True, element_shape=sized(size, known))
            for kind, size in zip(self.types, self.sizes, strict=True)
        )
        lengths = zeros_like(finished, dtypes.int32)
        if limit is not None:
            finished = logical_or(finished, limit <= 0)
        self.limit = limit
        self.rows = finished.shape
        start = (convert_to_tensor(0, dtypes.int32, name="time"), arrays, state, inputs, finished, lengths)
        _, arrays, state, _, _, lengths = while_loop(
            lambda time, made, now, given, done, size: logical_not(reduce_all(done)),
            self.step,
            start,
            shape_invariants=_kept_shapes(start),
            parallel_iterations=parallel_iterations,
            swap_memory=swap_memory,
        )
        return arrays, state, lengths

    def step(self, time: Any, arrays: Any, state: Any, inputs: Any, finished: Any, lengths: Any) -> Any:
        outputs, new, following, ends = self.decoder.step(time, inputs, state)
        ends = convert_to_tensor(ends, dtypes.bool)
        ahead = ends if self.decoder.tracks_own_finished else logical_or(ends, finished)
        assert_same_structure(state, new)
        assert_same_structure(self.form, outputs)
        new = map_structure(_tensor_or_array, new)
        flat = [convert_to_tensor(o) for o in flatten(outputs)]
        if self.limit is not None:
            ahead = logical_or(ahead, time + 1 >= self.limit)
        grown = where(finished, lengths, _filled(time + 1, lengths))
        if self.impute:
            zero = [zeros_of(o.shape[1:], batch_size_of(o), o.dtype) for o in flat]
            flat = [_chosen(finished, z, o) for z, o in zip(zero, flat, strict=True)]
            pairs = zip(flatten(state), flatten(new), strict=True)
            new = pack_sequence_as(new, [_state_kept(finished, old, now) for old, now in pairs])
        written = tuple(a.write(time, o) for a, o in zip(arrays, flat, strict=True))
        ahead.set_shape(self.rows)
        grown.set_shape(self.rows)
        following = pack_sequence_as(inputs, [convert_to_tensor(f) for f in flatten(following)])
        for before, after in zip(flatten((state, inputs)), flatten((new, following)), strict=True):
            if isinstance(after, Tensor):
                after.set_shape(before.shape)
        return time + 1, written, new, following, ahead, grown


def _filled(value: Any, like: Tensor) -> Tensor:
    """A scalar for every sequence."""
    tensor = convert_to_tensor(value, like.dtype)
    if like.shape.is_fully_defined():
        return broadcast_to(tensor, like.shape.as_list())
    return broadcast_to(tensor, shape_of(like))


def _chosen(done: Tensor, old: Tensor, new: Tensor) -> Tensor:
    made = where(done, old, new)
    made.set_shape(new.shape)
    return made


def _state_kept(done: Tensor, old: Any, new: Any) -> Any:
    """A part of the state: that of finished sequences stays; scalars and arrays move on."""
    if not isinstance(new, Tensor) or new.shape.rank == 0 or new.dtype.kind in "rv":
        return new
    return _chosen(done, old, new)


def _tensor_or_array(value: Any) -> Any:
    return value if isinstance(value, TensorArray) else convert_to_tensor(value)


def _kept_shapes(start: Any) -> Any:
    shapes = [t.shape if isinstance(t, Tensor) else TensorShape(None) for t in flatten(start)]
    return pack_sequence_as(start, shapes)
