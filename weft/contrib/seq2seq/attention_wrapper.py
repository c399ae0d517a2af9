"""A cell that looks at a memory in every step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ...array import concat
from ...checks import assert_equal
from ...filling import zeros
from ...graph.convert import convert_to_tensor
from ...graph.default_graph import get_default_graph, name_scope
from ...graph.dtypes import int32
from ...graph.elements import Tensor
from ...graph.nest import flatten, map_structure
from ...graph.ops.control import Identity
from ...layers.core import Dense
from ...nn.rnn_cell.base import RNNCell, assert_like_rnncell, batch_size_of, zeros_of
from ...products import matmul
from ...shaping import expand_dims, squeeze
from ...tensor_array import TensorArray
from .attention import AttentionMechanism

__all__ = ["AttentionWrapper", "AttentionWrapperState"]


class AttentionWrapperState(NamedTuple):
    """State of an `AttentionWrapper`.

    Attributes:
        cell_state: state of the inner cell.
        attention: what the last step took from the memory, `(batch, size)`.
        time: number of steps, an int32 scalar.
        alignments: how the last step looked at the memory, `(batch, rows)`; a tuple for several mechanisms.
        alignment_history: `TensorArray` of the alignments of all steps, or ().
        attention_state: state of the mechanism; a tuple for several.
    """

    cell_state: Any
    attention: Any
    time: Any
    alignments: Any
    alignment_history: Any
    attention_state: Any

    def clone(self, **changes: Any) -> AttentionWrapperState:
        """A state like this one with some parts exchanged, of the same shapes.

        Raises:
            ValueError: a part has another shape.
        """

        def checked(old: Any, new: Any) -> Any:
            if isinstance(old, Tensor) and isinstance(new, Tensor):
                if not old.shape.is_compatible_with(new.shape):
                    raise ValueError(f"The shape {new.shape} does not fit the state's {old.shape}.")
                new.set_shape(old.shape)
            return new

        return map_structure(checked, self, self._replace(**changes))  # type: ignore[no-any-return]


def _both(inputs: Any, attention: Any) -> Tensor:
    return concat([inputs, attention], -1)


class AttentionWrapper(RNNCell):
    """A cell whose every step looks at a memory, with what it has put out as the query.

    Args:
        cell: the inner cell.
        attention_mechanism: an `AttentionMechanism`, or a list of them.
        attention_layer_size: size of a layer over output and context, which makes the attention; the context itself
            by default. A list for several mechanisms.
        alignment_history: whether the alignments of all steps are kept in the state.
        cell_input_fn: from (inputs, attention) to what goes into the cell; both side by side by default.
        output_attention: whether the attention is put out instead of the cell's output.
        initial_cell_state: state of the inner cell that `zero_state` gives.
        name: name of the cell and its scope.
        attention_layer: the layer itself, in the place of its size.

    Raises:
        TypeError: cell or mechanism are of the wrong kind.
        ValueError: there are more or fewer layers than mechanisms.

    Source:
        TensorFlow `tf.contrib.seq2seq.AttentionWrapper`.
    """

    def __init__(
        self,
        cell: Any,
        attention_mechanism: Any,
        attention_layer_size: Any = None,
        alignment_history: bool = False,
        cell_input_fn: Callable[[Any, Any], Any] | None = None,
        output_attention: bool = True,
        initial_cell_state: Any = None,
        name: str | None = None,
        attention_layer: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        assert_like_rnncell("cell", cell)
        self._is_multi = isinstance(attention_mechanism, (list, tuple))
        self._mechanisms = list(attention_mechanism) if self._is_multi else [attention_mechanism]
        for mechanism in self._mechanisms:
            if not isinstance(mechanism, AttentionMechanism):
                raise TypeError(
                    "attention_mechanism must be an AttentionMechanism or list of multiple AttentionMechanism "
                    f"instances, saw type: {type(mechanism).__name__}"
                )
        self._cell = cell
        self._cell_input_fn = cell_input_fn or _both
        self._output_attention = output_attention
        self._keeps_history = alignment_history
        self._layers = self._made_layers(attention_layer_size, attention_layer)
        with name_scope(name, "AttentionWrapperInit"):
            self._initial_cell_state = None
            if initial_cell_state is not None:
                self._check_batch(flatten(initial_cell_state)[-1])
                self._initial_cell_state = map_structure(Identity, initial_cell_state)

    def _made_layers(self, sizes: Any, layers: Any) -> list[Any]:
        count = len(self._mechanisms)
        if sizes is not None and layers is not None:
            raise ValueError("Only one of attention_layer_size and attention_layer should be set")
        if sizes is None and layers is None:
            return [None] * count
        given = layers if sizes is None else sizes
        listed = list(given) if isinstance(given, (list, tuple)) else [given]
        if len(listed) != count:
            raise ValueError(
                f"If provided, attention_layer_size and attention_layer must contain exactly one entry per "
                f"attention_mechanism, saw: {len(listed)} vs {count}"
            )
        if sizes is None:
            return listed
        return [Dense(size, name="attention_layer", use_bias=False) for size in listed]

    def _check_batch(self, tensor: Tensor) -> None:
        own = self._mechanisms[0].batch_size
        batch = batch_size_of(convert_to_tensor(tensor))
        if isinstance(own, int) and isinstance(batch, int) and own != batch:
            raise ValueError(
                f"The initial cell state has batch size {batch}, the attention memory has {own}. With a beam search, "
                "encoder outputs and states must have been tiled by tile_batch(...)."
            )

    def _attention_sizes(self) -> list[Any]:
        sizes = []
        for layer, mechanism in zip(self._layers, self._mechanisms, strict=True):
            if layer is None:
                sizes.append(int(mechanism.values.shape[-1]))
            else:
                shape = layer.compute_output_shape(
                    [None, self._cell.output_size + int(mechanism.values.shape[-1])]
                )
                sizes.append(int(shape[-1]))
        return sizes

    def _item_or_tuple(self, values: Sequence[Any]) -> Any:
        return tuple(values) if self._is_multi else values[0]

    @property
    def output_size(self) -> Any:
        return sum(self._attention_sizes()) if self._output_attention else self._cell.output_size

    @property
    def state_size(self) -> AttentionWrapperState:
        return AttentionWrapperState(
            cell_state=self._cell.state_size,
            time=(),
            attention=sum(self._attention_sizes()),
            alignments=self._item_or_tuple([m.alignments_size for m in self._mechanisms]),
            attention_state=self._item_or_tuple([m.state_size for m in self._mechanisms]),
            alignment_history=self._item_or_tuple(
                [m.alignments_size if self._keeps_history else () for m in self._mechanisms]
            ),
        )

    def zero_state(self, batch_size: Any, dtype: Any) -> AttentionWrapperState:
        with name_scope("AttentionWrapperZeroState", None, [batch_size]):
            own = self._mechanisms[0].batch_size
            checks = []
            if isinstance(own, int) and isinstance(batch_size, int):
                if own != batch_size:
                    raise ValueError(
                        f"zero_state is asked for batch size {batch_size}, the attention memory has {own}. With a "
                        "beam search, the memory must have been tiled by tile_batch(...)."
                    )
            else:
                checks = [
                    assert_equal(own, batch_size, message="When calling zero_state of AttentionWrapper")
                ]
            cell_state = self._initial_cell_state
            if cell_state is None:
                cell_state = self._cell.zero_state(batch_size, dtype)
            with get_default_graph().control_dependencies(checks):
                cell_state = map_structure(Identity, cell_state)
            alignments = [m.initial_alignments(batch_size, dtype) for m in self._mechanisms]
            history = [
                TensorArray(dtype, size=0, dynamic_size=True, element_shape=a.shape)
                if self._keeps_history
                else ()
                for a in alignments
            ]
            return AttentionWrapperState(
                cell_state=cell_state,
                time=zeros([], dtype=int32),
                attention=zeros_of(sum(self._attention_sizes()), batch_size, dtype),
                alignments=self._item_or_tuple(alignments),
                attention_state=self._item_or_tuple(
                    [m.initial_state(batch_size, dtype) for m in self._mechanisms]
                ),
                alignment_history=self._item_or_tuple(history),
            )

    def call(self, inputs: Any, state: AttentionWrapperState) -> tuple[Any, AttentionWrapperState]:  # type: ignore[override]
        if not isinstance(state, AttentionWrapperState):
            raise TypeError(
                f"Expected state to be instance of AttentionWrapperState. Received type {type(state)} instead."
            )
        output, cell_state = self._cell(self._cell_input_fn(inputs, state.attention), state.cell_state)
        before = state.attention_state if self._is_multi else (state.attention_state,)
        kept = state.alignment_history if self._is_multi else (state.alignment_history,)
        attentions, alignments, states, history = [], [], [], []
        for mechanism, layer, own, past in zip(self._mechanisms, self._layers, before, kept, strict=True):
            aligned, after = mechanism(output, state=own)
            context = squeeze(matmul(expand_dims(aligned, 1), mechanism.values), [1])
            attentions.append(context if layer is None else layer(concat([output, context], 1)))
            alignments.append(aligned)
            states.append(after)
            history.append(past.write(state.time, aligned) if self._keeps_history else ())
        attention = concat(attentions, 1) if len(attentions) > 1 else attentions[0]
        new = AttentionWrapperState(
            cell_state=cell_state,
            time=state.time + 1,
            attention=attention,
            alignments=self._item_or_tuple(alignments),
            attention_state=self._item_or_tuple(states),
            alignment_history=self._item_or_tuple(history),
        )
        return (attention if self._output_attention else output), new
