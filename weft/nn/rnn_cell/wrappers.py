"""Cells around cells: dropout, residual connections, devices."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from ...graph.constant_value import constant_value
from ...graph.convert import convert_to_tensor
from ...graph.default_graph import device, name_scope
from ...graph.dtypes import float32
from ...graph.elements import Tensor
from ...graph.nest import assert_same_structure, flatten, map_structure, pack_sequence_as
from ...graph.ops.unary import Floor
from ...graph.shapes import TensorShape
from ...random import random_uniform
from ...tensor_array import TensorArray
from ..activations import dropout
from .base import LSTMStateTuple, RNNCell, assert_like_rnncell, flat_sizes, pack_like, sized

__all__ = ["CellWrapper", "DeviceWrapper", "DropoutWrapper", "ResidualWrapper"]


class CellWrapper(RNNCell):
    """A cell that passes on to another one. It has no scope of its own, so variables keep the inner cell's names.

    Args:
        cell: the inner cell.
    """

    def __init__(self, cell: Any, **wish: Any) -> None:
        super().__init__(**wish)
        assert_like_rnncell("cell", cell)
        self.cell = cell

    @property
    def wrapped_cell(self) -> Any:
        return self.cell

    @property
    def state_size(self) -> Any:
        return self.cell.state_size

    @property
    def output_size(self) -> Any:
        return self.cell.output_size

    @property
    def trainable_weights(self) -> list[Any]:
        return list(self.cell.trainable_weights) if self.trainable else []

    @property
    def non_trainable_weights(self) -> list[Any]:
        return list(self.cell.non_trainable_weights if self.trainable else self.cell.weights)

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        with name_scope(f"{type(self).__name__}ZeroState", None, [batch_size]):
            return self.cell.zero_state(batch_size, dtype)

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        return self.wrapped(inputs, state, lambda i, s: self.cell(i, s, scope) if scope else self.cell(i, s))

    def wrapped(self, inputs: Any, state: Any, call: Callable[[Any, Any], Any]) -> Any:
        """What the wrapper makes of a step of the inner cell.

        Args:
            inputs, state: as the wrapper is given them.
            call: a step of the inner cell.
        """
        return call(inputs, state)


def _is_kept(substate: Any) -> Any:
    """Which parts of a state dropout may touch: not what an LSTM remembers, and no arrays of tensors."""
    if isinstance(substate, LSTMStateTuple):
        return LSTMStateTuple(c=False, h=True)
    return not isinstance(substate, TensorArray)


class DropoutWrapper(CellWrapper):
    """Dropout on what goes into a cell, what comes out, and its state.

    Args:
        cell: the inner cell.
        input_keep_prob, output_keep_prob, state_keep_prob: probability with which an element is kept; a number or a
            scalar tensor.
        variational_recurrent: whether one choice holds for all steps.
        input_size: size of the inputs, needed for variational dropout on them; an int, a shape or a structure.
        dtype: element type of inputs, states and outputs, needed for variational dropout.
        seed: seed of the choices.
        dropout_state_filter_visitor: from a part of the state to a boolean, or a structure of them: whether dropout
            may touch it. By default all but what an LSTM remembers.

    Raises:
        ValueError: a probability is not from 0 to 1, or variational dropout is not told sizes and types.

    Source:
        Gal and Ghahramani, "A Theoretically Grounded Application of Dropout in Recurrent Neural Networks", 2016;
        TensorFlow `tf.compat.v1.nn.rnn_cell.DropoutWrapper`.
    """

    def __init__(
        self,
        cell: Any,
        input_keep_prob: Any = 1.0,
        output_keep_prob: Any = 1.0,
        state_keep_prob: Any = 1.0,
        variational_recurrent: bool = False,
        input_size: Any = None,
        dtype: Any = None,
        seed: int | None = None,
        dropout_state_filter_visitor: Callable[[Any], Any] | None = None,
        **wish: Any,
    ) -> None:
        super().__init__(cell, dtype=dtype, **wish)
        if dropout_state_filter_visitor is not None and not callable(dropout_state_filter_visitor):
            raise TypeError("dropout_state_filter_visitor must be callable")
        self._filter = dropout_state_filter_visitor or _is_kept
        self._seed = seed
        self._input_keep = _probability("input_keep_prob", input_keep_prob)
        self._state_keep = _probability("state_keep_prob", state_keep_prob)
        self._output_keep = _probability("output_keep_prob", output_keep_prob)
        self._variational = variational_recurrent
        if variational_recurrent:
            if dtype is None:
                raise ValueError("When variational_recurrent=True, dtype must be provided")
            self._noise = self._fixed_noise(cell, input_size, dtype)

    def _fixed_noise(self, cell: Any, input_size: Any, dtype: Any) -> dict[str, Any]:
        """The random numbers that hold for all steps."""
        found: dict[str, Any] = {}
        if _drops(self._input_keep):
            if input_size is None:
                raise ValueError(
                    "When variational_recurrent=True and input_keep_prob < 1.0 or is unknown, input_size must be "
                    "provided"
                )
            found["input"] = self._noise_for("input", input_size, dtype)
        found["state"] = self._noise_for("state", cell.state_size, dtype)
        found["output"] = self._noise_for("output", cell.output_size, dtype)
        return found

    def _noise_for(self, salt: str, sizes: Any, dtype: Any) -> Any:
        rows = []
        for number, size in enumerate(flat_sizes(sizes)):
            shape = [1, *sized(size).as_list()]
            rows.append(random_uniform(shape, seed=self._gen_seed(salt, number), dtype=dtype))
        return pack_like(sizes, rows)

    def _gen_seed(self, salt: str, number: int) -> int | None:
        if self._seed is None:
            return None
        text = f"{self._seed}{salt}_{number}".encode()
        return int(hashlib.md5(text, usedforsecurity=False).hexdigest()[:8], 16) & 0x7FFFFFFF

    def wrapped(self, inputs: Any, state: Any, call: Callable[[Any, Any], Any]) -> Any:
        if _drops(self._input_keep):
            inputs = self._dropped(inputs, "input", self._input_keep)
        output, new = call(inputs, state)
        if _drops(self._state_keep):
            touched = _filter_tree(self._filter, new)
            new = self._dropped(new, "state", self._state_keep, touched)
        if _drops(self._output_keep):
            output = self._dropped(output, "output", self._output_keep)
        return output, new

    def _dropped(self, values: Any, salt: str, keep: Any, touched: Any = None) -> Any:
        flat = flatten(values)
        chosen = [True] * len(flat) if touched is None else touched
        noise = flatten(self._noise[salt]) if self._variational else [None] * len(flat)
        made = [
            self._one(value, salt, number, keep, numbers) if wanted else value
            for number, (value, wanted, numbers) in enumerate(zip(flat, chosen, noise, strict=True))
        ]
        return pack_sequence_as(values, made)

    def _one(self, value: Any, salt: str, number: int, keep: Any, noise: Any) -> Any:
        if noise is None:
            return dropout(value, keep_prob=keep, seed=self._gen_seed(salt, number))
        made = (value / keep) * Floor(noise + keep)
        made.set_shape(value.shape)
        return made


def _probability(label: str, value: Any) -> Any:
    """A probability, as a number where it is one.

    Raises:
        ValueError: it is not between 0 and 1.
    """
    known = constant_value(value) if isinstance(value, Tensor) else value
    if known is None or isinstance(known, Tensor):
        return convert_to_tensor(value, float32, name=label)
    number = float(known)
    if not 0.0 <= number <= 1.0:
        raise ValueError(f"Parameter {label} must be between 0 and 1: {number}")
    return number


def _drops(keep: Any) -> bool:
    return isinstance(keep, Tensor) or keep < 1.0


def _filter_tree(visitor: Callable[[Any], Any], state: Any) -> list[bool]:
    """What the visitor says of each tensor of a state, asked from the outside in."""
    said = visitor(state)
    if isinstance(state, LSTMStateTuple) or not isinstance(state, (list, tuple, dict)):
        given = flatten(said)
        count = len(flatten(state))
        return [bool(v) for v in given] if len(given) == count else [bool(given[0])] * count
    if not isinstance(said, bool):
        return [bool(v) for v in flatten(said)]
    members = [state[k] for k in sorted(state)] if isinstance(state, dict) else state
    return [v for member in members for v in _filter_tree(visitor, member)]


class ResidualWrapper(CellWrapper):
    """Adds a cell's input to its output.

    Args:
        cell: the inner cell.
        residual_fn: from inputs and outputs to what comes out; their sum by default.

    Raises:
        TypeError, ValueError: when called, if inputs and outputs differ in form or shape.

    Source:
        Wu et al., "Google's Neural Machine Translation System", 2016; TensorFlow
        `tf.compat.v1.nn.rnn_cell.ResidualWrapper`.
    """

    def __init__(self, cell: Any, residual_fn: Callable[[Any, Any], Any] | None = None, **wish: Any) -> None:
        super().__init__(cell, **wish)
        self._residual_fn = residual_fn

    def wrapped(self, inputs: Any, state: Any, call: Callable[[Any, Any], Any]) -> Any:
        outputs, new = call(inputs, state)
        if self._residual_fn is not None:
            return self._residual_fn(inputs, outputs), new
        assert_same_structure(inputs, outputs)
        for before, after in zip(flatten(inputs), flatten(outputs), strict=True):
            if not TensorShape(before.shape).is_compatible_with(after.shape):
                raise ValueError(f"The cell's input {before.shape} and output {after.shape} cannot be added.")
        return map_structure(lambda a, b: a + b, inputs, outputs), new


class DeviceWrapper(CellWrapper):
    """Runs a cell on a device.

    Args:
        cell: the inner cell.
        device: device string or function.

    Source:
        TensorFlow `tf.compat.v1.nn.rnn_cell.DeviceWrapper`.
    """

    def __init__(self, cell: Any, device: Any, **wish: Any) -> None:
        super().__init__(cell, **wish)
        self._device = device

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        with name_scope("DeviceWrapperZeroState", None, [batch_size]), device(self._device):
            return self.cell.zero_state(batch_size, dtype)

    def wrapped(self, inputs: Any, state: Any, call: Callable[[Any, Any], Any]) -> Any:
        with device(self._device):
            return call(inputs, state)
