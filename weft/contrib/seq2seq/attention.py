"""Attention mechanisms: how well each row of a memory fits a query."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...array import stack, where_v2
from ...elementwise import rsqrt, square, tanh
from ...filling import sequence_mask, zeros
from ...graph.convert import convert_to_tensor
from ...graph.default_graph import name_scope
from ...graph.dtypes import as_dtype
from ...graph.elements import Tensor
from ...graph.nest import flatten, map_structure
from ...graph.ops.array import ConcatV2, shape_of
from ...initializers import Constant, Ones, Zeros
from ...layers.core import Dense
from ...nn.activations import softmax
from ...nn.rnn_cell.base import batch_size_of
from ...products import matmul
from ...reductions import reduce_sum
from ...shaping import expand_dims, reshape, squeeze
from ...variable_scope import get_variable, variable_scope

__all__ = ["AttentionMechanism", "BahdanauAttention", "BaseAttentionMechanism", "LuongAttention"]


class AttentionMechanism:
    """Something that gives alignments to the rows of a memory."""

    @property
    def alignments_size(self) -> Any:
        """Number of rows of the memory."""
        raise TypeError(f"{type(self).__name__} does not say how many rows it has.")

    @property
    def state_size(self) -> Any:
        """Size of its state."""
        raise TypeError(f"{type(self).__name__} does not say which size its state has.")


def _prepared(memory: Any, lengths: Any, check_inner: bool) -> Any:
    """The memory with zeros behind its lengths.

    Raises:
        ValueError: a dimension behind the second is not known.
    """
    flat = [convert_to_tensor(m, name="memory") for m in flatten(memory)]
    for tensor in flat:
        if check_inner and (tensor.shape.rank is None or not tensor.shape[2:].is_fully_defined()):
            raise ValueError(
                f"Expected memory {tensor.name} to have fully defined inner dims, got {tensor.shape}"
            )
    if lengths is None:
        return map_structure(convert_to_tensor, memory)

    def masked(value: Any) -> Tensor:
        tensor = convert_to_tensor(value)
        mask = sequence_mask(lengths, maxlen=shape_of(tensor)[1], dtype=tensor.dtype)
        rank = tensor.shape.rank or 2
        shape = ConcatV2([shape_of(mask), [1] * (rank - 2)], 0)
        made = tensor * (reshape(mask, shape) if rank > 2 else mask)
        made.set_shape(tensor.shape)
        return made

    return map_structure(masked, memory)


class BaseAttentionMechanism(AttentionMechanism):
    """What the mechanisms below share: memory, keys, probabilities.

    Args:
        query_layer: layer applied to queries, or None.
        memory: `(batch, rows, size)`.
        probability_fn: from scores `(batch, rows)` to probabilities.
        memory_sequence_length: int `(batch,)`: rows behind these get no attention.
        memory_layer: layer that makes keys of the memory, or None.
        check_inner_dims_defined: whether the memory's size must be known.
        score_mask_value: score of rows behind the lengths; minus infinity by default.
        name: name scope.
    """

    def __init__(
        self,
        query_layer: Any,
        memory: Any,
        probability_fn: Callable[[Tensor], Tensor],
        memory_sequence_length: Any = None,
        memory_layer: Any = None,
        check_inner_dims_defined: bool = True,
        score_mask_value: Any = None,
        name: str | None = None,
    ) -> None:
        self._query_layer = query_layer
        self._memory_layer = memory_layer
        self._probability_fn = probability_fn
        with name_scope(name, "BaseAttentionMechanismInit", flatten(memory)):
            self._lengths = None
            if memory_sequence_length is not None:
                self._lengths = convert_to_tensor(memory_sequence_length, name="memory_sequence_length")
            self._values = _prepared(memory, self._lengths, check_inner_dims_defined)
            self._keys = self._values if memory_layer is None else memory_layer(self._values)
            self._mask_value = -np.inf if score_mask_value is None else score_mask_value
            self._batch_size = batch_size_of(self._keys)
            self._rows = batch_size_of(self._keys, 1)

    @property
    def memory_layer(self) -> Any:
        return self._memory_layer

    @property
    def query_layer(self) -> Any:
        return self._query_layer

    @property
    def values(self) -> Any:
        return self._values

    @property
    def keys(self) -> Tensor:
        return self._keys  # type: ignore[no-any-return]

    @property
    def batch_size(self) -> Any:
        return self._batch_size

    @property
    def dtype(self) -> Any:
        return self._keys.dtype

    @property
    def alignments_size(self) -> Any:
        return self._rows

    @property
    def state_size(self) -> Any:
        return self._rows

    def probabilities(self, score: Tensor) -> Tensor:
        """Probabilities of scores `(batch, rows)`, none behind the memory's lengths."""
        if self._lengths is not None:
            mask = sequence_mask(self._lengths, maxlen=shape_of(score)[1])
            score = where_v2(mask, score, convert_to_tensor(self._mask_value, score.dtype))
        return self._probability_fn(score)

    def initial_alignments(self, batch_size: Any, dtype: Any) -> Tensor:
        """Alignments before the first step: zeros `(batch, rows)`."""
        static = self._keys.shape[1] if self._keys.shape.rank is not None else None
        if isinstance(batch_size, int) and isinstance(self._rows, int):
            return zeros([batch_size, self._rows], dtype=dtype)

        made = zeros(stack([batch_size, self._rows]), dtype=dtype)
        made.set_shape([batch_size if isinstance(batch_size, int) else None, static])
        return made

    def initial_state(self, batch_size: Any, dtype: Any) -> Tensor:
        """State before the first step."""
        return self.initial_alignments(batch_size, dtype)


class LuongAttention(BaseAttentionMechanism):
    """Attention by the inner product of query and keys.

    Args:
        num_units: size of the keys; queries must have it too.
        memory: `(batch, rows, size)`: outputs of an encoder, say.
        memory_sequence_length: int `(batch,)`: rows behind these get no attention.
        scale: whether the scores are scaled by a weight that is learned.
        probability_fn: from scores to probabilities; softmax by default.
        score_mask_value: score of rows behind the lengths; minus infinity by default.
        dtype: element type of the variables.
        custom_key_value_fn: from (keys, values) to those to use instead.
        name: name of its scope.

    Source:
        Luong et al., "Effective Approaches to Attention-based Neural Machine Translation", 2015; TensorFlow
        `tf.contrib.seq2seq.LuongAttention`.
    """

    def __init__(
        self,
        num_units: int,
        memory: Any,
        memory_sequence_length: Any = None,
        scale: bool = False,
        probability_fn: Callable[[Tensor], Tensor] | None = None,
        score_mask_value: Any = None,
        dtype: Any = None,
        custom_key_value_fn: Callable[[Any, Any], Any] | None = None,
        name: str = "LuongAttention",
    ) -> None:
        super().__init__(
            query_layer=None,
            memory_layer=Dense(num_units, name="memory_layer", use_bias=False, dtype=dtype),
            memory=memory,
            probability_fn=probability_fn or softmax,
            memory_sequence_length=memory_sequence_length,
            score_mask_value=score_mask_value,
            name=name,
        )
        self._num_units, self._scale, self._name = num_units, scale, name
        if custom_key_value_fn is not None:
            self._keys, self._values = custom_key_value_fn(self._keys, self._values)

    def __call__(self, query: Tensor, state: Any) -> tuple[Tensor, Tensor]:
        """Alignments `(batch, rows)` for a query `(batch, num_units)`, and the next state.

        Raises:
            ValueError: query and keys have other sizes.
        """
        with variable_scope(None, "luong_attention", [query]):
            if query.shape[-1] != self.keys.shape[-1]:
                raise ValueError(
                    "Incompatible or unknown inner dimensions between query and keys: the query has "
                    f"{query.shape[-1]} units, the keys have {self.keys.shape[-1]}; perhaps num_units should be the "
                    "cell's size."
                )
            score = squeeze(matmul(expand_dims(query, 1), self.keys, transpose_b=True), [1])
            if self._scale:
                g = get_variable("attention_g", dtype=query.dtype, initializer=Ones(), shape=())
                score = g * score
            alignments = self.probabilities(score)
        return alignments, alignments


class BahdanauAttention(BaseAttentionMechanism):
    """Attention by a small network over query and keys.

    Args:
        num_units: size of the keys and of the query's layer.
        memory, memory_sequence_length, probability_fn, score_mask_value, dtype, custom_key_value_fn, name: as for
            `LuongAttention`.
        normalize: whether the network's weights are normalized.

    Source:
        Bahdanau et al., "Neural Machine Translation by Jointly Learning to Align and Translate", 2015; Salimans and
        Kingma, "Weight Normalization", 2016; TensorFlow `tf.contrib.seq2seq.BahdanauAttention`.
    """

    def __init__(
        self,
        num_units: int,
        memory: Any,
        memory_sequence_length: Any = None,
        normalize: bool = False,
        probability_fn: Callable[[Tensor], Tensor] | None = None,
        score_mask_value: Any = None,
        dtype: Any = None,
        custom_key_value_fn: Callable[[Any, Any], Any] | None = None,
        name: str = "BahdanauAttention",
    ) -> None:
        super().__init__(
            query_layer=Dense(num_units, name="query_layer", use_bias=False, dtype=dtype),
            memory_layer=Dense(num_units, name="memory_layer", use_bias=False, dtype=dtype),
            memory=memory,
            probability_fn=probability_fn or softmax,
            memory_sequence_length=memory_sequence_length,
            score_mask_value=score_mask_value,
            name=name,
        )
        self._num_units, self._normalize, self._name = num_units, normalize, name
        if custom_key_value_fn is not None:
            self._keys, self._values = custom_key_value_fn(self._keys, self._values)

    def __call__(self, query: Tensor, state: Any) -> tuple[Tensor, Tensor]:
        """Alignments `(batch, rows)` for a query `(batch, size)`, and the next state."""
        with variable_scope(None, "bahdanau_attention", [query]):
            processed = self.query_layer(query) if self.query_layer else query
            kind = as_dtype(query.dtype)
            v: Any = get_variable("attention_v", [self._num_units], dtype=kind)
            hidden = self.keys + expand_dims(processed, 1)
            if self._normalize:
                first = Constant(math.sqrt(1.0 / self._num_units))
                g = get_variable("attention_g", dtype=kind, initializer=first, shape=())
                b = get_variable("attention_b", [self._num_units], dtype=kind, initializer=Zeros())
                v = g * v * rsqrt(reduce_sum(square(v)))
                hidden = hidden + b
            alignments = self.probabilities(reduce_sum(v * tanh(hidden), [2]))
        return alignments, alignments
