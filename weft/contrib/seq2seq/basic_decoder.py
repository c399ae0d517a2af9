"""The decoder that takes its inputs from a helper: teacher forcing, greedy choice, sampling."""

from __future__ import annotations

from typing import Any, NamedTuple

from ...graph.default_graph import name_scope
from ...graph.dtypes import as_dtype
from ...graph.elements import Tensor
from ...graph.nest import flatten
from ...graph.shapes import TensorShape
from ...nn.rnn_cell.base import assert_like_rnncell, map_sizes, sized
from .decoder import Decoder
from .helper import Helper

__all__ = ["BasicDecoder", "BasicDecoderOutput", "layer_output_size"]


class BasicDecoderOutput(NamedTuple):
    """Outputs of a `BasicDecoder`.

    Attributes:
        rnn_output: outputs of the cell, or of the output layer, `(batch, time, size)`.
        sample_id: what the helper chose, int32 `(batch, time)`.
    """

    rnn_output: Any
    sample_id: Any


def layer_output_size(cell: Any, layer: Any) -> Any:
    """Size of what an output layer makes of a cell's output; that of the cell without a layer."""
    if layer is None:
        return cell.output_size
    return map_sizes(
        lambda size: TensorShape(layer.compute_output_shape(sized(size, None)).as_list()[1:]),
        cell.output_size,
    )


class BasicDecoder(Decoder):
    """Runs a cell over inputs that a helper gives.

    Args:
        cell: an `RNNCell`.
        helper: gives the inputs and chooses the samples.
        initial_state: state to begin with.
        output_layer: layer between the cell's output and the samples: `weft.layers.Dense`, say.

    Raises:
        TypeError: one of them is of the wrong kind.

    Source:
        TensorFlow `tf.contrib.seq2seq.BasicDecoder`.
    """

    def __init__(self, cell: Any, helper: Helper, initial_state: Any, output_layer: Any = None) -> None:
        assert_like_rnncell("cell", cell)
        if not isinstance(helper, Helper):
            raise TypeError(f"helper must be a Helper, received: {type(helper)}")
        if output_layer is not None and not hasattr(output_layer, "compute_output_shape"):
            raise TypeError(f"output_layer must be a Layer, received: {type(output_layer)}")
        self._cell = cell
        self._helper = helper
        self._initial_state = initial_state
        self._output_layer = output_layer

    @property
    def batch_size(self) -> Any:
        return self._helper.batch_size

    @property
    def output_size(self) -> BasicDecoderOutput:
        return BasicDecoderOutput(
            layer_output_size(self._cell, self._output_layer), self._helper.sample_ids_shape
        )

    @property
    def output_dtype(self) -> BasicDecoderOutput:
        kind = next(t.dtype for t in flatten(self._initial_state) if isinstance(t, Tensor))
        outputs = map_sizes(lambda _: kind, self._cell.output_size)
        return BasicDecoderOutput(outputs, as_dtype(self._helper.sample_ids_dtype))

    def initialize(self, name: str | None = None) -> tuple[Any, Any, Any]:
        return (*self._helper.initialize(), self._initial_state)

    def step(self, time: Any, inputs: Any, state: Any, name: str | None = None) -> tuple[Any, Any, Any, Any]:
        with name_scope(name, "BasicDecoderStep", (time, inputs, state)):
            outputs, new = self._cell(inputs, state)
            if self._output_layer is not None:
                outputs = self._output_layer(outputs)
            chosen = self._helper.sample(time=time, outputs=outputs, state=new)
            finished, following, new = self._helper.next_inputs(
                time=time, outputs=outputs, state=new, sample_ids=chosen
            )
        return BasicDecoderOutput(outputs, chosen), new, following, finished
