"""Several bidirectional networks, each over the outputs of the one before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...array import concat
from ...nn.rnn import bidirectional_dynamic_rnn
from ...nn.static_rnn import static_bidirectional_rnn
from ...variable_scope import variable_scope

__all__ = ["stack_bidirectional_dynamic_rnn", "stack_bidirectional_rnn"]


def _checked(cells_fw: Any, cells_bw: Any, states_fw: Any, states_bw: Any) -> tuple[list[Any], list[Any]]:
    """States to begin with, one (or None) for each cell.

    Raises:
        ValueError: the lists are empty, or of other lengths.
    """
    for label, cells in (("fw", cells_fw), ("bw", cells_bw)):
        if not isinstance(cells, (list, tuple)) or not cells:
            raise ValueError(f"cells_{label} must be a list of one or more cells.")
    if len(cells_fw) != len(cells_bw):
        raise ValueError("Forward and Backward cells must have the same depth.")
    found = []
    for states in (states_fw, states_bw):
        if states is not None and (not isinstance(states, (list, tuple)) or len(states) != len(cells_fw)):
            raise ValueError("Initial states must be a list with one state for each cell.")
        found.append(list(states) if states is not None else [None] * len(cells_fw))
    return found[0], found[1]


def stack_bidirectional_dynamic_rnn(
    cells_fw: Sequence[Any],
    cells_bw: Sequence[Any],
    inputs: Any,
    initial_states_fw: Any = None,
    initial_states_bw: Any = None,
    dtype: Any = None,
    sequence_length: Any = None,
    parallel_iterations: int | None = None,
    time_major: bool = False,
    scope: Any = None,
    swap_memory: bool = False,
) -> tuple[Any, tuple[Any, ...], tuple[Any, ...]]:
    """Bidirectional networks one above the other; each takes the outputs of both directions below.

    Args:
        cells_fw, cells_bw: cells of each layer, lowest first.
        inputs, dtype, sequence_length, parallel_iterations, time_major, swap_memory: as for
            `weft.nn.dynamic_rnn`.
        initial_states_fw, initial_states_bw: states to begin with, one for each layer.
        scope: variable scope, "stack_bidirectional_rnn" by default.

    Returns:
        Outputs of the highest layer, both directions side by side; last states of all layers, forwards and
        backwards.

    Raises:
        ValueError: there are no cells, or other numbers of cells or states.

    Source:
        TensorFlow `tf.contrib.rnn.stack_bidirectional_dynamic_rnn`.
    """
    states_fw, states_bw = _checked(cells_fw, cells_bw, initial_states_fw, initial_states_bw)
    last_fw, last_bw = [], []
    with variable_scope(scope or "stack_bidirectional_rnn"):
        for number, (fw, bw) in enumerate(zip(cells_fw, cells_bw, strict=True)):
            with variable_scope(f"cell_{number}"):
                outputs, (state_fw, state_bw) = bidirectional_dynamic_rnn(
                    fw,
                    bw,
                    inputs,
                    sequence_length,
                    states_fw[number],
                    states_bw[number],
                    dtype,
                    parallel_iterations,
                    swap_memory,
                    time_major,
                )
                inputs = concat(list(outputs), 2)
            last_fw.append(state_fw)
            last_bw.append(state_bw)
    return inputs, tuple(last_fw), tuple(last_bw)


def stack_bidirectional_rnn(
    cells_fw: Sequence[Any],
    cells_bw: Sequence[Any],
    inputs: Sequence[Any],
    initial_states_fw: Any = None,
    initial_states_bw: Any = None,
    dtype: Any = None,
    sequence_length: Any = None,
    scope: Any = None,
) -> tuple[list[Any], tuple[Any, ...], tuple[Any, ...]]:
    """`stack_bidirectional_dynamic_rnn` over a list of inputs, one for each step.

    Args:
        cells_fw: cells that go forwards.
        cells_bw: cells that go backwards.
        inputs: a tensor.
        initial_states_fw: states that the forward cells begin with.
        initial_states_bw: states that the backward cells begin with.
        dtype: element type.
        sequence_length: length of each sequence, `(batch,)`.
        scope: keeps what is under this scope.
    """
    states_fw, states_bw = _checked(cells_fw, cells_bw, initial_states_fw, initial_states_bw)
    last_fw, last_bw = [], []
    steps: Any = inputs
    with variable_scope(scope or "stack_bidirectional_rnn"):
        for number, (fw, bw) in enumerate(zip(cells_fw, cells_bw, strict=True)):
            with variable_scope(f"cell_{number}"):
                steps, state_fw, state_bw = static_bidirectional_rnn(
                    fw, bw, steps, states_fw[number], states_bw[number], dtype, sequence_length
                )
            last_fw.append(state_fw)
            last_bw.append(state_bw)
    return steps, tuple(last_fw), tuple(last_bw)
