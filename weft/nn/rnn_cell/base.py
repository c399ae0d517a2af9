"""What all recurrent cells share: states, their sizes and zeros, and how a cell is called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ...filling import zeros
from ...graph.constant_value import constant_value
from ...graph.convert import convert_to_tensor
from ...graph.default_graph import name_scope
from ...graph.dtypes import int32
from ...graph.elements import Tensor
from ...graph.nest import flatten
from ...graph.ops.array import ConcatV2, shape_of
from ...graph.shapes import TensorShape, as_shape
from ...layers.base import Layer
from ...variable_scope import get_variable_scope, variable_scope

__all__ = [
    "LSTMStateTuple",
    "LayerRNNCell",
    "RNNCell",
    "assert_like_rnncell",
    "batch_size_of",
    "depth_of",
    "flat_sizes",
    "is_nested_size",
    "map_sizes",
    "pack_like",
    "sized",
    "zeros_of",
]


class LSTMStateTuple(NamedTuple):
    """State of an LSTM cell.

    Attributes:
        c: what the cell remembers, `(batch, units)`.
        h: what it puts out, `(batch, units)`.
    """

    c: Any
    h: Any

    @property
    def dtype(self) -> Any:
        """Element type of both.

        Raises:
            TypeError: they have other types.
        """
        if self.c.dtype != self.h.dtype:
            raise TypeError(f"Inconsistent internal state: {self.c.dtype} and {self.h.dtype}")
        return self.c.dtype


def is_nested_size(size: Any) -> bool:
    """Whether a state size is a structure of sizes: a `TensorShape` is one size."""
    return isinstance(size, (list, tuple, dict)) and not isinstance(size, TensorShape)


def map_sizes(function: Callable[[Any], Any], sizes: Any) -> Any:
    """The structure of a function's values over sizes; a `TensorShape` is one size."""
    if isinstance(sizes, dict):
        return {key: map_sizes(function, value) for key, value in sizes.items()}
    if hasattr(sizes, "_fields"):
        return type(sizes)(*(map_sizes(function, s) for s in sizes))
    if is_nested_size(sizes):
        return type(sizes)(map_sizes(function, s) for s in sizes)
    return function(sizes)


def sized(size: Any, *leading: Any) -> TensorShape:
    """Static shape of a tensor of that size behind some leading dimensions.

    Args:
        size: an int or a shape.
        *leading: dimensions before it, None where they are not known.
    """
    own = as_shape(size) if isinstance(size, (TensorShape, list, tuple)) else TensorShape([size])
    return TensorShape(list(leading)).concatenate(own)


def zeros_of(size: Any, batch_size: Any, dtype: Any) -> Tensor:
    """Zeros of `(batch_size,) + size`.

    Args:
        size: an int or a shape.
        batch_size: an int or an int32 scalar.
        dtype: element type.
    """
    known = constant_value(batch_size) if isinstance(batch_size, Tensor) else batch_size
    if known is not None:
        return zeros(sized(size, int(known)).as_list(), dtype=dtype)
    own = sized(size)
    batch = convert_to_tensor(batch_size, int32, name="batch_size")
    made = zeros(ConcatV2([batch[None], convert_to_tensor(own.as_list(), int32)], 0), dtype=dtype)
    made.set_shape(sized(size, None))
    return made


def batch_size_of(tensor: Tensor, axis: int = 0) -> Any:
    """Size of a tensor along an axis: an int where it is known, or a scalar tensor."""
    if tensor.shape.rank is not None and tensor.shape[axis] is not None:
        return int(tensor.shape[axis])
    return shape_of(tensor)[axis]


def assert_like_rnncell(cell_name: str, cell: Any) -> None:
    """Checks that something can be used as a cell.

    Raises:
        TypeError: it has no sizes, no zero state, or cannot be called.
    """
    missing = [
        text
        for text, there in (
            ("'output_size' property is missing", hasattr(cell, "output_size")),
            ("'state_size' property is missing", hasattr(cell, "state_size")),
            (
                "either 'zero_state' or 'get_initial_state' method is required",
                hasattr(cell, "zero_state") or hasattr(cell, "get_initial_state"),
            ),
            ("is not callable", callable(cell)),
        )
        if not there
    ]
    if missing:
        raise TypeError(f"The argument {cell_name!r} ({cell!r}) is not an RNNCell: {', '.join(missing)}.")


class RNNCell(Layer):
    """One step of a recurrent network: from an input and a state to an output and the next state.

    A subclass has the properties `state_size` and `output_size` and a method `call(inputs, state)`; variables that
    `call` gets with `weft.get_variable` are the cell's.

    Args:
        trainable, name, dtype: as for `weft.layers.Layer`.
        _reuse: whether variables of an earlier cell of that name are used.
    """

    def __init__(
        self, trainable: bool = True, name: str | None = None, dtype: Any = None, **wish: Any
    ) -> None:
        super().__init__(trainable=trainable, name=name, dtype=dtype, **wish)
        self._is_tf_rnn_cell = True
        self._entry: Any = None

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:  # type: ignore[override]
        """One step.

        Args:
            inputs: `(batch, size)`, or a structure of such.
            state: of the form and sizes of `state_size`.
            scope: a `VariableScope` to work in, or the name of one.

        Returns:
            The output, `(batch, output_size)`, and the next state.
        """
        if scope is not None:
            with variable_scope(scope, custom_getter=self._noted) as opened:
                return super().__call__(inputs, state, scope=opened)
        if self._entry is None:
            with variable_scope(get_variable_scope(), custom_getter=self._noted) as opened:
                self._entry = opened
        with variable_scope(self._entry, auxiliary_name_scope=False):
            return super().__call__(inputs, state)

    def _noted(self, getter: Callable[..., Any], *args: Any, **wish: Any) -> Any:
        """Remembers the variables that `call` gets."""
        variable = getter(*args, **wish)
        if not any(variable is w for w in self._weights):
            self._weights.append(variable)
            if not getattr(variable, "trainable", True):
                self._non_trainable.add(id(variable))
        return variable

    @property
    def state_size(self) -> Any:
        """Sizes of the state: an int, a `TensorShape`, or a structure of such."""
        raise TypeError(f"{type(self).__name__} does not say which size its state has.")

    @property
    def output_size(self) -> Any:
        """Size of the output: an int, a `TensorShape`, or a structure of such."""
        raise TypeError(f"{type(self).__name__} does not say which size its output has.")

    def get_initial_state(self, inputs: Any = None, batch_size: Any = None, dtype: Any = None) -> Any:
        """The state to begin with.

        Args:
            inputs: tensors `(batch, ...)` that give batch size and type.
            batch_size: an int or int32 scalar.
            dtype: element type.

        Raises:
            ValueError: batch size or type is neither given nor that of `inputs`.
        """
        if inputs is not None:
            first = convert_to_tensor(flatten(inputs)[0])
            batch_size = batch_size_of(first) if batch_size is None else batch_size
            dtype = first.dtype if dtype is None else dtype
        if batch_size is None or dtype is None:
            raise ValueError(
                "batch_size and dtype must be given where there are no inputs, got "
                f"batch_size={batch_size}, dtype={dtype}."
            )
        return self.zero_state(batch_size, dtype)

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """A state of zeros.

        Args:
            batch_size: an int or int32 scalar.
            dtype: element type.
        """
        with name_scope(f"{type(self).__name__}ZeroState", None, [batch_size]):
            return map_sizes(lambda size: zeros_of(size, batch_size, dtype), self.state_size)


class LayerRNNCell(RNNCell):
    """A cell that makes its variables in `build`, as layers do.

    Args:
        trainable: whether the variables are trained.
        dtype: element type.
        wish: further arguments, as for layers.
    """

    def __call__(self, inputs: Any, state: Any, scope: Any = None, *args: Any, **arguments: Any) -> Any:
        """One step; see `RNNCell`."""
        if scope is not None:
            arguments["scope"] = scope
        return Layer.__call__(self, inputs, state, *args, **arguments)


def depth_of(input_shape: Any) -> int:
    """Number of features of a cell's input.

    Raises:
        ValueError: it is not known.
    """
    shape = as_shape(input_shape)
    if shape.rank is None or shape.rank < 1 or shape[-1] is None:
        raise ValueError(f"the last dimension of the inputs must be known, got shape {shape}")
    return int(shape[-1])


def pack_like(structure: Any, flat: Any) -> Any:
    """`pack_sequence_as`, for structures of sizes too: the same form of other leaves."""
    leaves = iter(flat)
    return map_sizes(lambda _: next(leaves), structure)


def flat_sizes(sizes: Any) -> list[Any]:
    """The sizes of a structure in order; a `TensorShape` is one size."""
    found: list[Any] = []
    map_sizes(found.append, sizes)
    return found
