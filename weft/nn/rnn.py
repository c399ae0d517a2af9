"""Recurrent networks whose steps are a loop: `dynamic_rnn`, `bidirectional_dynamic_rnn`, `raw_rnn`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..arranging import reverse_sequence
from ..array import reverse, where
from ..checks import assert_equal
from ..elementwise import logical_not, maximum, minimum
from ..graph.convert import convert_to_tensor
from ..graph.default_graph import get_default_graph, name_scope
from ..graph.dtypes import bool as bool_
from ..graph.dtypes import int32
from ..graph.elements import Tensor
from ..graph.nest import assert_same_structure, flatten, map_structure, pack_sequence_as
from ..graph.ops.array import ConcatV2, shape_of
from ..graph.ops.control import Identity
from ..graph.shapes import TensorShape
from ..loops import while_loop
from ..reductions import reduce_all, reduce_max
from ..shaping import transpose
from ..tensor_array import TensorArray
from ..variable_scope import variable_scope
from .common import cast
from .rnn_cell.base import assert_like_rnncell, batch_size_of, flat_sizes, pack_like, sized, zeros_of

__all__ = ["bidirectional_dynamic_rnn", "dynamic_rnn", "first_state", "raw_rnn", "swapped"]


def swapped(x: Tensor) -> Tensor:
    """A tensor with its first two dimensions exchanged: batch-major to time-major and back."""
    rank = x.shape.rank
    if rank is not None:
        return x if rank < 2 else transpose(x, [1, 0, *range(2, rank)])
    from ..graph.ops.array import Range, Rank

    return transpose(x, ConcatV2([[1, 0], Range(2, Rank(x), 1)], 0))


def first_state(cell: Any, initial_state: Any, inputs: Any, batch_size: Any, dtype: Any) -> Any:
    """The state to begin with: the given one, or the cell's.

    Raises:
        ValueError: neither a state nor a type is given.
    """
    if initial_state is not None:
        return map_structure(convert_to_tensor, initial_state)
    if dtype is None:
        raise ValueError("If there is no initial_state, you must give a dtype.")
    if getattr(cell, "get_initial_state", None) is not None:
        return cell.get_initial_state(inputs=None, batch_size=batch_size, dtype=dtype)
    return cell.zero_state(batch_size, dtype)


def _kept(done: Tensor, old: Any, new: Any) -> Any:
    """`old` in the rows that are done, `new` in the others; arrays of tensors and scalars are `new`."""

    def choose(before: Any, after: Any) -> Any:
        if not isinstance(before, Tensor) or before.shape.rank == 0:
            return after
        made = where(done, before, after)
        made.set_shape(after.shape)
        return made

    return pack_sequence_as(new, [choose(b, a) for b, a in zip(flatten(old), flatten(new), strict=True)])


def _lengths(sequence_length: Any, batch: Any) -> Tensor | None:
    """The sequences' lengths as an int32 vector, checked to be one per row.

    Raises:
        ValueError: they are no vector.
    """
    if sequence_length is None:
        return None
    lengths = cast(convert_to_tensor(sequence_length, name="sequence_length"), int32)
    if lengths.shape.rank not in (None, 1):
        raise ValueError(
            f"sequence_length must be a vector of length batch_size, but saw shape: {lengths.shape}"
        )
    size = lengths.shape[0] if lengths.shape.rank == 1 else None
    if size is not None and isinstance(batch, int):
        if int(size) != batch:
            raise ValueError(
                f"sequence_length must have one entry for each of {batch} rows, it has {int(size)}"
            )
        return Identity(lengths, name="sequence_length")  # type: ignore[no-any-return]
    message = "Expected sequence_length to have one entry per row of the batch."
    with get_default_graph().control_dependencies(
        [assert_equal(shape_of(lengths)[0], batch, message=message)]
    ):
        return Identity(lengths, name="CheckSeqLen")  # type: ignore[no-any-return]


def dynamic_rnn(
    cell: Any,
    inputs: Any,
    sequence_length: Any = None,
    initial_state: Any = None,
    dtype: Any = None,
    parallel_iterations: int | None = None,
    swap_memory: bool = False,
    time_major: bool = False,
    scope: Any = None,
) -> tuple[Any, Any]:
    """Runs a cell over the steps of sequences.

    Args:
        cell: an `RNNCell`.
        inputs: `(batch, time, ...)`, or a structure of such; `(time, batch, ...)` where `time_major`.
        sequence_length: int vector, one length per row; behind its length a row's outputs are zero and its state
            stays. All steps by default.
        initial_state: state to begin with, in the form of `cell.state_size`.
        dtype: element type of the state; needed without `initial_state`.
        parallel_iterations, swap_memory: accepted for TensorFlow's sake; steps follow each other.
        time_major: whether time is the first dimension; saves two transpositions.
        scope: variable scope, "rnn" by default.

    Returns:
        The outputs of all steps, `(batch, time, ...)` or `(time, batch, ...)`, in the form of `cell.output_size`;
        and the last state.

    Raises:
        TypeError: `cell` is no cell.
        ValueError: the inputs' depth is not known, there is neither a state nor a type, or lengths do not fit.

    Source:
        TensorFlow `tf.compat.v1.nn.dynamic_rnn`.
    """
    del swap_memory
    assert_like_rnncell("cell", cell)
    with variable_scope(scope or "rnn") as opened:
        given = [convert_to_tensor(i, name="inputs") for i in flatten(inputs)]
        flat = given if time_major else [swapped(t) for t in given]
        for tensor in flat:
            if tensor.shape.rank is not None and tensor.shape.rank < 2:
                raise ValueError(f"inputs must have time and batch dimensions, got shape {tensor.shape}.")
        batch = next(
            (b for b in (batch_size_of(t, 1) for t in flat) if isinstance(b, int)), batch_size_of(flat[0], 1)
        )
        lengths = _lengths(sequence_length, batch)
        state = first_state(cell, initial_state, flat, batch, dtype)
        loop = _Steps(cell, pack_sequence_as(inputs, flat), lengths, batch, opened)
        outputs, last = loop.run(state, parallel_iterations or 32)
        if not time_major:
            outputs = map_structure(swapped, outputs)
        return outputs, last


class _Steps:
    """The loop of one `dynamic_rnn`, over time-major inputs."""

    def __init__(self, cell: Any, inputs: Any, lengths: Tensor | None, batch: Any, scope: Any) -> None:
        self.cell = cell
        self.structure = inputs
        self.flat = flatten(inputs)
        self.lengths = lengths
        self.batch = batch
        self.scope = scope
        self.static_batch = batch if isinstance(batch, int) else None
        self.static_time = next(
            (int(t.shape[0]) for t in self.flat if t.shape.rank is not None and t.shape[0] is not None), None
        )
        self.steps: Any = shape_of(self.flat[0])[0] if self.static_time is None else self.static_time
        for tensor in self.flat:
            if tensor.shape.rank is None or any(d is None for d in tensor.shape[2:].as_list()):
                raise ValueError("Input size (depth of inputs) must be accessible via shape inference.")

    def run(self, state: Any, parallel_iterations: int) -> tuple[Any, Any]:
        with name_scope("dynamic_rnn"):
            steps = convert_to_tensor(self.steps, int32, name="time_steps")
            rows = [TensorArray(t.dtype, size=steps).unstack(t) for t in self.flat]
            sizes = flat_sizes(self.cell.output_size)
            kinds = self._output_types(state, len(sizes))
            arrays = tuple(
                TensorArray(kind, size=steps, element_shape=sized(size, self.static_batch))
                for kind, size in zip(kinds, sizes, strict=True)
            )
            bound: Any = steps
            if self.lengths is not None:
                bound = minimum(steps, maximum(1, reduce_max(self.lengths)))
            _, arrays, last = while_loop(
                lambda time, *_: time < bound,
                lambda time, made, now: self._step(time, made, now, rows),
                (convert_to_tensor(0, int32, name="time"), arrays, state),
                parallel_iterations=parallel_iterations,
                maximum_iterations=steps if self.lengths is None else None,
            )
            outputs = []
            for array, size in zip(arrays, sizes, strict=True):
                stacked = array.stack()
                stacked.set_shape(sized(size, self.static_time, self.static_batch))
                outputs.append(stacked)
            return pack_like(self.cell.output_size, outputs), last

    def _output_types(self, state: Any, count: int) -> list[Any]:
        types = [t.dtype for t in flatten(state) if isinstance(t, Tensor)]
        if not types:
            return [self.flat[0].dtype] * count
        return [types[0]] * count

    def _step(self, time: Tensor, arrays: Any, state: Any, rows: list[TensorArray]) -> Any:
        now = []
        for array, tensor in zip(rows, self.flat, strict=True):
            row = array.read(time)
            row.set_shape(TensorShape([self.static_batch]).concatenate(tensor.shape[2:]))
            now.append(row)
        with variable_scope(self.scope, auxiliary_name_scope=False):
            output, new = self.cell(pack_sequence_as(self.structure, now), state)
        if len(flatten(new)) == len(flatten(state)):
            new = pack_sequence_as(state, flatten(new))
        assert_same_structure(state, new)
        flat = flatten(output)
        if self.lengths is not None:
            done = time >= self.lengths
            flat = [_kept(done, zeros_of(v.shape[1:], self.batch, v.dtype), v) for v in flat]
            new = _kept(done, state, new)
        for before, after in zip(flatten(state), flatten(new), strict=True):
            if isinstance(after, Tensor):
                after.set_shape(before.shape)
        written = tuple(a.write(time, v) for a, v in zip(arrays, flat, strict=True))
        return time + 1, written, new


def bidirectional_dynamic_rnn(
    cell_fw: Any,
    cell_bw: Any,
    inputs: Any,
    sequence_length: Any = None,
    initial_state_fw: Any = None,
    initial_state_bw: Any = None,
    dtype: Any = None,
    parallel_iterations: int | None = None,
    swap_memory: bool = False,
    time_major: bool = False,
    scope: Any = None,
) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Runs one cell forwards and one backwards over sequences.

    Args:
        cell_fw, cell_bw: the cells.
        inputs, sequence_length, dtype, parallel_iterations, swap_memory, time_major: as for `dynamic_rnn`. The
            cell that goes backwards begins at each row's length.
        initial_state_fw, initial_state_bw: states to begin with.
        scope: variable scope, "bidirectional_rnn" by default; the cells are in "fw" and "bw" below it.

    Returns:
        The outputs `(forwards, backwards)`, in the order of the inputs, and the last states of both.

    Source:
        TensorFlow `tf.compat.v1.nn.bidirectional_dynamic_rnn`.
    """
    assert_like_rnncell("cell_fw", cell_fw)
    assert_like_rnncell("cell_bw", cell_bw)
    shared = {
        "sequence_length": sequence_length,
        "dtype": dtype,
        "parallel_iterations": parallel_iterations,
        "swap_memory": swap_memory,
        "time_major": time_major,
    }
    time, batch = (0, 1) if time_major else (1, 0)

    def backwards(x: Tensor) -> Tensor:
        if sequence_length is None:
            return reverse(x, [time])
        return reverse_sequence(x, sequence_length, seq_axis=time, batch_axis=batch)

    with variable_scope(scope or "bidirectional_rnn"):
        with variable_scope("fw") as fw:
            output_fw, state_fw = dynamic_rnn(
                cell_fw, inputs, initial_state=initial_state_fw, scope=fw, **shared
            )
        with variable_scope("bw") as bw:
            turned = map_structure(lambda x: backwards(convert_to_tensor(x)), inputs)
            output, state_bw = dynamic_rnn(
                cell_bw, turned, initial_state=initial_state_bw, scope=bw, **shared
            )
        output_bw = map_structure(backwards, output)
    return (output_fw, output_bw), (state_fw, state_bw)


def raw_rnn(
    cell: Any,
    loop_fn: Callable[..., Any],
    parallel_iterations: int | None = None,
    swap_memory: bool = False,
    scope: Any = None,
) -> tuple[Any, Any, Any]:
    """Runs a cell for as long as a function says, over inputs that the function gives.

    Args:
        cell: an `RNNCell`.
        loop_fn: `loop_fn(time, cell_output, cell_state, loop_state)`; it is called first with time 0 and None for
            the others, then after each step. It gives `(elements_finished, next_input, next_cell_state, emit_output,
            next_loop_state)`: a boolean vector; what goes into the cell next; its state; what to put out, where the
            first call's says form and shapes; and anything that it wants to be given again.
        parallel_iterations, swap_memory: accepted for TensorFlow's sake.
        scope: variable scope, "rnn" by default.

    Returns:
        A `TensorArray` (or a structure of them) of what was put out, zero where a row is finished; the last state of
        the cell; and the last loop state.

    Raises:
        TypeError: `cell` is no cell, or `loop_fn` cannot be called.
        ValueError: the batch size cannot be seen in the first input, or the forms of states differ.

    Source:
        TensorFlow `tf.compat.v1.nn.raw_rnn`.
    """
    del swap_memory
    assert_like_rnncell("cell", cell)
    if not callable(loop_fn):
        raise TypeError(f"loop_fn must be callable, got {loop_fn!r}.")
    with variable_scope(scope or "rnn") as opened:
        time = convert_to_tensor(0, int32, name="time")
        finished, following, state, emit, loop_state = loop_fn(time, None, None, None)
        following = map_structure(convert_to_tensor, following)
        state = map_structure(_tensor_or_array, state)
        batch = batch_size_of(flatten(following)[0])
        emit = cell.output_size if emit is None else emit
        emits, kinds = _emitted(emit, state)
        arrays = tuple(
            TensorArray(
                kind,
                size=0,
                dynamic_size=True,
                element_shape=sized(s, batch if isinstance(batch, int) else None),
            )
            for s, kind in zip(emits, kinds, strict=True)
        )
        finished = convert_to_tensor(finished, bool_)
        has_loop_state = loop_state is not None
        carried = loop_state if has_loop_state else ()

        def step(time: Tensor, done: Tensor, inputs: Any, made: Any, now: Any, held: Any) -> Any:
            with variable_scope(opened, auxiliary_name_scope=False):
                output, new = cell(inputs, now)
            assert_same_structure(now, new)
            ahead, after, chosen, put, kept = loop_fn(time + 1, output, new, held if has_loop_state else None)
            assert_same_structure(now, chosen)
            flat = flatten(put)
            zero = [zeros_of(v.shape[1:], batch, v.dtype) for v in flat]
            flat = [_kept(done, z, v) for z, v in zip(zero, flat, strict=True)]
            chosen = _kept(done, now, map_structure(_tensor_or_array, chosen))
            written = tuple(a.write(time, v) for a, v in zip(made, flat, strict=True))
            done = done | convert_to_tensor(ahead, bool_)
            return time + 1, done, after, written, chosen, kept if has_loop_state else ()

        start = (time, finished, following, arrays, state, carried)
        _, _, _, arrays, state, carried = while_loop(
            lambda _, done, *rest: logical_not(reduce_all(done)),
            step,
            start,
            shape_invariants=_row_shapes(start),
            parallel_iterations=parallel_iterations or 32,
        )
        return pack_like(emit, list(arrays)), state, carried if has_loop_state else None


def _tensor_or_array(value: Any) -> Any:
    return value if isinstance(value, TensorArray) else convert_to_tensor(value)


def _emitted(emit: Any, state: Any) -> tuple[list[Any], list[Any]]:
    """Sizes and types of what is put out, by what the first call of the loop function gave for it."""
    kind = next((t.dtype for t in flatten(state) if isinstance(t, Tensor)), None)
    flat = flatten(emit) if any(isinstance(e, Tensor) for e in flatten(emit)) else flat_sizes(emit)
    sizes = [e.shape if isinstance(e, Tensor) else e for e in flat]
    return sizes, [e.dtype if isinstance(e, Tensor) else kind for e in flat]


def _row_shapes(start: Any) -> Any:
    """Shapes that loop variables keep: those they have, where arrays have any."""
    return pack_sequence_as(
        start, [t.shape if isinstance(t, Tensor) else TensorShape(None) for t in flatten(start)]
    )
