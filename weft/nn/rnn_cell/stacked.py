"""Several cells, each taking the output of the one before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...array import concat
from ...array import slice as slice_
from ...graph.default_graph import name_scope
from ...graph.elements import Tensor
from ...variable_scope import variable_scope
from .base import RNNCell, assert_like_rnncell, is_nested_size

__all__ = ["MultiRNNCell"]


class MultiRNNCell(RNNCell):
    """Cells one above the other.

    Args:
        cells: the cells, lowest first.
        state_is_tuple: whether the state is a tuple of the cells' states or all side by side in one tensor.

    Raises:
        ValueError: there are no cells, or one of them has a state of several tensors and `state_is_tuple` is False.
        TypeError: `cells` is no sequence of cells.

    Source:
        TensorFlow `tf.compat.v1.nn.rnn_cell.MultiRNNCell`.
    """

    def __init__(self, cells: Sequence[Any], state_is_tuple: bool = True) -> None:
        super().__init__()
        if not isinstance(cells, (list, tuple)):
            raise TypeError(f"cells must be a list or tuple, but saw: {cells!r}.")
        if not cells:
            raise ValueError("Must specify at least one cell for MultiRNNCell.")
        for number, cell in enumerate(cells):
            assert_like_rnncell(f"cells[{number}]", cell)
        if not state_is_tuple and any(is_nested_size(c.state_size) for c in cells):
            raise ValueError("Some cells have states of several tensors: state_is_tuple must be True.")
        self._cells = list(cells)
        self._state_is_tuple = state_is_tuple

    @property
    def cells(self) -> list[Any]:
        return list(self._cells)

    @property
    def state_size(self) -> Any:
        sizes = tuple(cell.state_size for cell in self._cells)
        return sizes if self._state_is_tuple else sum(sizes)

    @property
    def output_size(self) -> Any:
        return self._cells[-1].output_size

    @property
    def trainable_weights(self) -> list[Any]:
        if not self.trainable:
            return []
        own = [w for c in self._cells for w in getattr(c, "trainable_weights", ())]
        return list(dict.fromkeys(own))

    @property
    def non_trainable_weights(self) -> list[Any]:
        kind = "non_trainable_weights" if self.trainable else "weights"
        return list(dict.fromkeys(w for c in self._cells for w in getattr(c, kind, ())))

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        with name_scope("MultiRNNCellZeroState", None, [batch_size]):
            if self._state_is_tuple:
                return tuple(cell.zero_state(batch_size, dtype) for cell in self._cells)
            return super().zero_state(batch_size, dtype)

    def call(self, inputs: Any, state: Any) -> tuple[Any, Any]:  # type: ignore[override]
        if self._state_is_tuple and (not isinstance(state, (list, tuple)) or len(state) != len(self._cells)):
            raise ValueError(f"the state must be a tuple of {len(self._cells)} states, got {state!r}")
        begin, states = 0, []
        for number, cell in enumerate(self._cells):
            with variable_scope(f"cell_{number}"):
                own = state[number] if self._state_is_tuple else self._part(state, begin, cell.state_size)
                begin += 0 if self._state_is_tuple else cell.state_size
                inputs, new = cell(inputs, own)
                states.append(new)
        return inputs, tuple(states) if self._state_is_tuple else concat(states, 1)

    @staticmethod
    def _part(state: Tensor, begin: int, size: int) -> Tensor:
        return slice_(state, [0, begin], [-1, size])
