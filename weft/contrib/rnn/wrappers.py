"""Cells around cells: projections, embeddings, attention over the cell's own past."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...array import concat, split
from ...elementwise import tanh
from ...graph.elements import Tensor
from ...graph.nest import flatten
from ...initializers import Zeros
from ...nn.activations import bias_add, softmax
from ...nn.embedding import embedding_lookup
from ...nn.rnn_cell.base import RNNCell, assert_like_rnncell, flat_sizes
from ...nn.rnn_cell.wrappers import CellWrapper
from ...products import matmul
from ...reductions import reduce_sum
from ...shaping import expand_dims, reshape
from ...variable_scope import get_variable, variable_scope

__all__ = ["AttentionCellWrapper", "EmbeddingWrapper", "InputProjectionWrapper", "OutputProjectionWrapper"]


def _linear(values: Sequence[Tensor], size: int) -> Tensor:
    """`concat(values) @ kernel + bias`, with variables of those names in the scope around."""
    joined = values[0] if len(values) == 1 else concat(list(values), 1)
    kernel = get_variable("kernel", [int(joined.shape[1]), size], dtype=joined.dtype)
    bias = get_variable("bias", [size], dtype=joined.dtype, initializer=Zeros())
    return bias_add(matmul(joined, kernel), bias)


class _OwnScope(CellWrapper):
    """A wrapper with variables of its own, in its own scope, and the inner cell's below it."""

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        return RNNCell.__call__(self, inputs, state, scope)

    def call(self, inputs: Any, state: Any) -> Any:  # type: ignore[override]
        return self.wrapped(inputs, state, lambda i, s: self.cell(i, s))

    @property
    def trainable_weights(self) -> list[Any]:
        return RNNCell.trainable_weights.fget(self)  # type: ignore[attr-defined,no-any-return]

    @property
    def non_trainable_weights(self) -> list[Any]:
        return RNNCell.non_trainable_weights.fget(self)  # type: ignore[attr-defined,no-any-return]


class InputProjectionWrapper(_OwnScope):
    """Projects what goes into a cell.

    Args:
        cell: the inner cell.
        num_proj: size after the projection.
        activation: of the projection; none by default.
        input_size: accepted for TensorFlow's sake.
        reuse: whether variables of an earlier cell are used.
    """

    def __init__(
        self, cell: Any, num_proj: int, activation: Any = None, input_size: Any = None, reuse: Any = None
    ) -> None:
        del input_size
        super().__init__(cell, _reuse=reuse)
        self._num_proj, self._activation = num_proj, activation

    def wrapped(self, inputs: Any, state: Any, call: Any) -> Any:
        projected = _linear([inputs], self._num_proj)
        return call(projected if self._activation is None else self._activation(projected), state)


class OutputProjectionWrapper(_OwnScope):
    """Projects what comes out of a cell.

    Args:
        cell: the inner cell.
        output_size: size after the projection.
        activation: of the projection; none by default.
        reuse: whether variables of an earlier cell are used.
    """

    def __init__(self, cell: Any, output_size: int, activation: Any = None, reuse: Any = None) -> None:
        super().__init__(cell, _reuse=reuse)
        self._output_size, self._activation = output_size, activation

    @property
    def output_size(self) -> int:
        return self._output_size

    def wrapped(self, inputs: Any, state: Any, call: Any) -> Any:
        output, new = call(inputs, state)
        projected = _linear([output], self._output_size)
        return projected if self._activation is None else self._activation(projected), new


class EmbeddingWrapper(_OwnScope):
    """Looks up embeddings of the ids that go into a cell.

    Args:
        cell: the inner cell.
        embedding_classes: number of ids.
        embedding_size: size of an embedding.
        initializer: of the table, "embedding"; the scope's by default.
        reuse: whether variables of an earlier cell are used.

    Raises:
        ValueError: a number is not positive.
    """

    def __init__(
        self,
        cell: Any,
        embedding_classes: int,
        embedding_size: int,
        initializer: Any = None,
        reuse: Any = None,
    ) -> None:
        super().__init__(cell, _reuse=reuse)
        if embedding_classes <= 0 or embedding_size <= 0:
            raise ValueError(
                f"Both embedding_classes and embedding_size must be > 0: {embedding_classes}, {embedding_size}."
            )
        self._shape = [embedding_classes, embedding_size]
        self._initializer = initializer

    def wrapped(self, inputs: Any, state: Any, call: Any) -> Any:
        kind = next(t.dtype for t in flatten(state))
        table = get_variable("embedding", self._shape, initializer=self._initializer, dtype=kind)
        return call(embedding_lookup(table, reshape(inputs, [-1])), state)


class AttentionCellWrapper(RNNCell):
    """A cell that looks at its own outputs of some steps before.

    Args:
        cell: the inner cell.
        attn_length: number of steps that it looks back at.
        attn_size: size of what it looks at; the cell's output size by default.
        attn_vec_size: size of the attention's hidden layer; `attn_size` by default.
        input_size: size of what goes into the inner cell; that of the inputs by default.
        state_is_tuple: whether the state is a tuple or all side by side in one tensor.
        reuse: whether variables of an earlier cell are used.

    Raises:
        ValueError: `attn_length` is not positive, or the inner cell's state is a tuple and this one's is not.

    Source:
        TensorFlow `tf.contrib.rnn.AttentionCellWrapper`; the attention is that of Bahdanau et al., 2015.
    """

    def __init__(
        self,
        cell: Any,
        attn_length: int,
        attn_size: int | None = None,
        attn_vec_size: int | None = None,
        input_size: int | None = None,
        state_is_tuple: bool = True,
        reuse: Any = None,
    ) -> None:
        super().__init__(_reuse=reuse)
        assert_like_rnncell("cell", cell)
        if isinstance(cell.state_size, tuple) and not state_is_tuple:
            raise ValueError(
                f"The cell has a tuple of states, but state_is_tuple is not set: {cell.state_size}"
            )
        if attn_length <= 0:
            raise ValueError(f"attn_length should be greater than zero, got {attn_length}")
        self._cell = cell
        self._length = attn_length
        self._size = cell.output_size if attn_size is None else attn_size
        self._vec_size = self._size if attn_vec_size is None else attn_vec_size
        self._input_size = input_size
        self._state_is_tuple = state_is_tuple

    @property
    def state_size(self) -> Any:
        sizes = (self._cell.state_size, self._size, self._size * self._length)
        return sizes if self._state_is_tuple else sum(sizes)

    @property
    def output_size(self) -> int:
        return self._size

    def call(self, inputs: Tensor, state: Any) -> tuple[Tensor, Any]:  # type: ignore[override]
        if self._state_is_tuple:
            own, attns, past = state
        else:
            own, attns, past = split(state, flat_sizes((self._cell.state_size, *self._rest())), axis=1)
        past = reshape(past, [-1, self._length, self._size])
        size = self._input_size or int(inputs.shape[1])
        output, new = self._cell(_linear([inputs, attns], size), own)
        query = concat(flatten(new), 1) if len(flatten(new)) > 1 else flatten(new)[0]
        attns, kept = self._looked(query, past)
        with variable_scope("attn_output_projection"):
            output = _linear([output, attns], self._size)
        past = concat([kept, expand_dims(output, 1)], 1)
        past = reshape(past, [-1, self._length * self._size])
        after = (new, attns, past)
        return output, after if self._state_is_tuple else concat(list(after), 1)

    def _rest(self) -> tuple[int, int]:
        return self._size, self._size * self._length

    def _looked(self, query: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        """What it takes from its past, and the past without its oldest step."""
        with variable_scope("attention"):
            k = get_variable("attn_w", [1, 1, self._size, self._vec_size], dtype=query.dtype)
            v = get_variable("attn_v", [self._vec_size], dtype=query.dtype)
            flat = reshape(past, [-1, self._size])
            features = reshape(
                matmul(flat, reshape(k, [self._size, self._vec_size])), [-1, self._length, self._vec_size]
            )
            y = expand_dims(_linear([query], self._vec_size), 1)
            weights = softmax(reduce_sum(v * tanh(features + y), [2]))
            found = reduce_sum(expand_dims(weights, 2) * past, [1])
            return reshape(found, [-1, self._size]), past[:, 1:, :]
