"""Recurrent networks whose steps are written out in the graph: `static_rnn` and its like."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..arranging import reverse_sequence
from ..array import stack, unstack
from ..graph.convert import convert_to_tensor
from ..graph.default_graph import get_default_graph
from ..graph.elements import Tensor
from ..graph.nest import flatten, is_nested, map_structure, pack_sequence_as
from ..graph.ops.control import Identity
from ..variable_scope import variable_scope
from .rnn import _kept, _lengths, first_state
from .rnn_cell.base import assert_like_rnncell, batch_size_of, zeros_of

__all__ = ["static_bidirectional_rnn", "static_rnn", "static_state_saving_rnn"]


def static_rnn(
    cell: Any,
    inputs: Sequence[Any],
    initial_state: Any = None,
    dtype: Any = None,
    sequence_length: Any = None,
    scope: Any = None,
) -> tuple[list[Any], Any]:
    """Runs a cell over a list of inputs, one for each step.

    Args:
        cell: an `RNNCell`.
        inputs: a list of `(batch, size)` tensors, or of structures of such.
        initial_state: state to begin with, in the form of `cell.state_size`.
        dtype: element type of the state; needed without `initial_state`.
        sequence_length: int vector, one length per row; behind its length a row's outputs are zero and its state
            stays.
        scope: variable scope, "rnn" by default.

    Returns:
        A list of outputs, one for each step, and the last state.

    Raises:
        TypeError: `cell` is no cell, or `inputs` no list.
        ValueError: the list is empty, or there is neither a state nor a type.

    Source:
        TensorFlow `tf.compat.v1.nn.static_rnn`.
    """
    assert_like_rnncell("cell", cell)
    if not isinstance(inputs, (list, tuple)):
        raise TypeError("inputs must be a sequence")
    if not inputs:
        raise ValueError("inputs must not be empty")
    outputs = []
    with variable_scope(scope or "rnn") as opened:
        steps = [map_structure(convert_to_tensor, i) for i in inputs]
        for tensor in flatten(steps[0]):
            if tensor.shape.rank is not None and (tensor.shape.rank < 2 or tensor.shape[1] is None):
                raise ValueError(
                    "Input size (second dimension of inputs[0]) must be accessible via shape inference"
                )
        batch = batch_size_of(flatten(steps[0])[0])
        state = first_state(cell, initial_state, steps, batch, dtype)
        lengths = _lengths(sequence_length, batch)
        for time, step in enumerate(steps):
            if time > 0:
                opened.reuse_variables()
            output, new = cell(step, state)
            if lengths is not None:
                done = time >= lengths
                zero = [zeros_of(v.shape[1:], batch, v.dtype) for v in flatten(output)]
                output = _kept(done, pack_sequence_as(output, zero), output)
                new = _kept(done, state, new)
            outputs.append(output)
            state = new
    return outputs, state


def static_state_saving_rnn(
    cell: Any,
    inputs: Sequence[Any],
    state_saver: Any,
    state_name: Any,
    sequence_length: Any = None,
    scope: Any = None,
) -> tuple[list[Any], Any]:
    """`static_rnn` that begins with saved states and saves its last ones.

    Args:
        cell, inputs, sequence_length, scope: as for `static_rnn`.
        state_saver: has `state(name)`, which gives a saved state, and `save_state(name, value)`, which gives an
            operation that saves one.
        state_name: name of the state; a structure of names where the cell's state is one of tensors.

    Returns:
        The outputs, the last of which waits for the states to be saved, and the last state.

    Raises:
        ValueError: names and states differ in form.

    Source:
        TensorFlow `tf.compat.v1.nn.static_state_saving_rnn`.
    """
    tuples = is_nested(cell.state_size), is_nested(state_name)
    if tuples[0] != tuples[1]:
        raise ValueError(
            "state_name should be the same type as cell.state_size: "
            f"state_name: {state_name!r}, cell.state_size: {cell.state_size!r}"
        )
    names = flatten(state_name)
    if tuples[0] and len(names) != len(flatten(cell.state_size)):
        raise ValueError(f"There are {len(names)} names for {len(flatten(cell.state_size))} states.")
    start = [state_saver.state(n) for n in names]
    initial = pack_sequence_as(cell.state_size, start) if tuples[0] else start[0]
    outputs, state = static_rnn(
        cell, inputs, initial_state=initial, sequence_length=sequence_length, scope=scope
    )
    saved = [state_saver.save_state(n, s) for n, s in zip(names, flatten(state), strict=True)]
    with get_default_graph().control_dependencies(saved):
        last = map_structure(Identity, outputs[-1])
    return [*outputs[:-1], last], state


def _reversed(steps: Sequence[Any], lengths: Any) -> list[Any]:
    """The steps backwards, each row from its length on."""
    if lengths is None:
        return list(reversed(steps))
    columns = []
    for parts in zip(*(flatten(s) for s in steps), strict=True):
        turned = reverse_sequence(stack(list(parts)), lengths, seq_axis=0, batch_axis=1)
        columns.append(unstack(turned, num=len(steps)))
    return [
        pack_sequence_as(step, list(row)) for step, row in zip(steps, zip(*columns, strict=True), strict=True)
    ]


def static_bidirectional_rnn(
    cell_fw: Any,
    cell_bw: Any,
    inputs: Sequence[Any],
    initial_state_fw: Any = None,
    initial_state_bw: Any = None,
    dtype: Any = None,
    sequence_length: Any = None,
    scope: Any = None,
) -> tuple[list[Tensor], Any, Any]:
    """Runs one cell forwards and one backwards over a list of inputs.

    Args:
        cell_fw, cell_bw: the cells.
        inputs, dtype, sequence_length: as for `static_rnn`.
        initial_state_fw, initial_state_bw: states to begin with.
        scope: variable scope, "bidirectional_rnn" by default; the cells are in "fw" and "bw" below it.

    Returns:
        A list of the outputs of both side by side, one for each step; the last state of each.

    Source:
        TensorFlow `tf.compat.v1.nn.static_bidirectional_rnn`.
    """
    from ..array import concat

    assert_like_rnncell("cell_fw", cell_fw)
    assert_like_rnncell("cell_bw", cell_bw)
    if not isinstance(inputs, (list, tuple)):
        raise TypeError("inputs must be a sequence")
    if not inputs:
        raise ValueError("inputs must not be empty")
    steps = [map_structure(convert_to_tensor, i) for i in inputs]
    with variable_scope(scope or "bidirectional_rnn"):
        with variable_scope("fw") as fw:
            output_fw, state_fw = static_rnn(
                cell_fw, steps, initial_state_fw, dtype, sequence_length, scope=fw
            )
        with variable_scope("bw") as bw:
            turned = _reversed(steps, sequence_length)
            output, state_bw = static_rnn(cell_bw, turned, initial_state_bw, dtype, sequence_length, scope=bw)
        output_bw = _reversed(output, sequence_length)
    joined = []
    for fw_step, bw_step in zip(output_fw, output_bw, strict=True):
        pairs = zip(flatten(fw_step), flatten(bw_step), strict=True)
        joined.append(pack_sequence_as(fw_step, [concat([f, b], 1) for f, b in pairs]))
    return joined, state_fw, state_bw
