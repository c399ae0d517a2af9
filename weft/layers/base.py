"""What all layers share: a scope of their own, variables made on first use, losses and updates."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ..graph.convert import convert_to_tensor, is_tensor_like
from ..graph.default_graph import get_default_graph
from ..graph.dtypes import as_dtype, float32
from ..graph.elements import Tensor
from ..graph.graph import Graph
from ..graph.graph_keys import GraphKeys
from ..graph.shapes import TensorShape, as_shape
from ..partitioned_variables import PartitionedVariable
from ..variable_scope import get_variable, variable_scope
from ..variables import Variable

__all__ = ["InputSpec", "Layer", "call_layer"]


class InputSpec:
    """What a layer demands of an input.

    Args:
        dtype: element type.
        shape: shape, None in the place of any size.
        ndim: rank.
        max_ndim, min_ndim: bounds on the rank.
        axes: from an axis to the size that the input must have there.
    """

    def __init__(
        self,
        dtype: Any = None,
        shape: Any = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: Mapping[int, int | None] | None = None,
    ) -> None:
        self.dtype = dtype
        self.shape = None if shape is None else as_shape(shape)
        self.ndim = len(self.shape) if self.shape is not None else ndim
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        self.axes = dict(axes or {})

    def breach(self, tensor: Tensor) -> str | None:
        """Which rule a tensor breaks, in words; None where it breaks none."""
        shape = tensor.shape
        if self.dtype is not None and tensor.dtype is not as_dtype(self.dtype):
            return f"must be {as_dtype(self.dtype).name}, got {tensor.dtype.name}"
        if shape.rank is None:
            return "must have a known rank" if self.ndim or self.min_ndim or self.axes else None
        if self.ndim is not None and shape.rank != self.ndim:
            return f"must have rank {self.ndim}, got shape {shape}"
        if self.max_ndim is not None and shape.rank > self.max_ndim:
            return f"must have rank at most {self.max_ndim}, got shape {shape}"
        if self.min_ndim is not None and shape.rank < self.min_ndim:
            return f"must have rank at least {self.min_ndim}, got shape {shape}"
        for axis, size in self.axes.items():
            if size is not None and shape[axis] not in (None, size):
                return f"must have size {size} along axis {axis}, got shape {shape}"
        if self.shape is not None and not shape.is_compatible_with(self.shape):
            return f"must have shape {self.shape}, got {shape}"
        return None


class Layer:
    """A function of tensors with variables of its own, which it makes when it is first called.

    A subclass makes its variables in `build(input_shape)` with `add_weight`, and computes in `call(inputs)`.

    Args:
        trainable: whether optimizers change its variables by default.
        name: its name and that of its variable scope; by default the class's name, made unique.
        dtype: element type of its variables; that of the first input by default.
        activity_regularizer: function from an output to a loss.
    """

    def __init__(
        self,
        trainable: bool = True,
        name: str | None = None,
        dtype: Any = None,
        activity_regularizer: Callable[[Tensor], Tensor | None] | None = None,
        *,
        _scope: Any = None,
        _reuse: Any = None,
        _captured: Any = None,
        _updates_collections: Any = GraphKeys.UPDATE_OPS,
    ) -> None:
        self.trainable = trainable
        self.built = False
        self.input_spec: InputSpec | None = None
        self._activity_regularizer = activity_regularizer
        self._dtype = None if dtype is None else as_dtype(dtype)
        self._name = name
        self._base_name = name or _snake_case(type(self).__name__)
        self._reuse = _reuse
        self._scope: Any = _captured
        self._updates_collections = _updates_collections
        self._graph: Graph | None = None
        self._weights: list[Any] = []
        self._non_trainable: set[int] = set()
        self._losses: list[Tensor] = []
        self._updates: list[Any] = []
        if _scope is not None:
            with variable_scope(_scope) as captured:
                self._scope = captured

    def build(self, input_shape: Any) -> None:
        """Makes the variables, for inputs of that shape."""
        self.built = True

    def call(self, inputs: Any, **arguments: Any) -> Any:
        """The layer's output for its input."""
        return inputs

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        """The shape of the output for an input of that shape."""
        raise TypeError(f"{type(self).__name__} does not say which shape its output has.")

    def __call__(self, inputs: Any, *args: Any, **arguments: Any) -> Any:
        scope_wish = arguments.pop("scope", None)
        self._graph = get_default_graph()
        inputs = _as_tensors(inputs)
        if self._dtype is None:
            first = inputs if not isinstance(inputs, (list, tuple)) else inputs[0]
            self._dtype = first.dtype if first.dtype.is_floating or first.dtype.is_complex else float32
        with self._entered(scope_wish) as scope, self._named(), self._graph.name_scope(self._op_scope(scope)):
            self._check(inputs)
            if not self.built:
                self.build(_shapes(inputs))
                self.built = True
            outputs = self.call(inputs, *args, **arguments)
            if self._activity_regularizer is not None:
                self._regularize_outputs(outputs)
        return outputs

    def apply(self, inputs: Any, *args: Any, **arguments: Any) -> Any:
        """The same as calling the layer."""
        return self(inputs, *args, **arguments)

    @contextlib.contextmanager
    def _entered(self, scope_wish: Any) -> Iterator[Any]:
        """The layer's variable scope; captured on the first call."""
        if self._scope is None:
            if self._reuse:
                wish = self._name if scope_wish is None else scope_wish
                context = variable_scope(wish or self._base_name)
            else:
                context = variable_scope(scope_wish or self._name, default_name=self._base_name)
            with context as captured:
                self._scope = captured
        reuse = True if self.built or self._reuse is True else self._reuse
        with variable_scope(self._scope, reuse=reuse, auxiliary_name_scope=False) as scope:
            self._name = self._name or scope.name.rpartition("/")[2]
            yield scope

    def _op_scope(self, scope: Any) -> str:
        return f"{scope.original_name_scope.rstrip('/')}/"

    @contextlib.contextmanager
    def _named(self) -> Iterator[None]:
        """Errors raised inside name the layer."""
        try:
            yield
        except (TypeError, ValueError) as error:
            if getattr(error, "_layer", None) is None and type(error) in (TypeError, ValueError):
                named = type(error)(f"layer '{self.name}' ({type(self).__name__}): {error}")
                named._layer = self.name  # type: ignore[union-attr]
                raise named from error
            raise

    def _check(self, inputs: Any) -> None:
        if self.input_spec is None:
            return
        for position, tensor in enumerate(inputs if isinstance(inputs, (list, tuple)) else [inputs]):
            breach = self.input_spec.breach(tensor)
            if breach is not None:
                raise ValueError(f"input {position} {breach}")

    def _regularize_outputs(self, outputs: Any) -> None:
        assert self._activity_regularizer is not None
        for output in outputs if isinstance(outputs, (list, tuple)) else [outputs]:
            with get_default_graph().name_scope("ActivityRegularizer"):
                loss = self._activity_regularizer(output)
            if loss is not None:
                self.add_loss(loss)

    def add_weight(
        self,
        name: str,
        shape: Any = None,
        dtype: Any = None,
        initializer: Any = None,
        regularizer: Any = None,
        trainable: bool | None = None,
        constraint: Any = None,
        use_resource: bool | None = None,
        synchronization: Any = None,
        aggregation: Any = None,
        partitioner: Any = None,
    ) -> Any:
        """A variable of the layer; arguments as for `weft.get_variable`."""
        del use_resource, synchronization, aggregation
        wanted = True if trainable is None else trainable
        graph = get_default_graph()
        # The op scope of the layer is left for the variable's own, and come back to afterwards.
        with graph.name_scope(None):
            variable = get_variable(
                name,
                shape=() if shape is None else shape,
                dtype=self.dtype if dtype is None else dtype,
                initializer=initializer,
                regularizer=regularizer,
                trainable=wanted and self.trainable,
                constraint=constraint,
                partitioner=partitioner,
            )
        if not any(variable is w for w in self._weights):
            self._weights.append(variable)
        if not wanted:
            self._non_trainable.add(id(variable))
        return variable

    add_variable = add_weight

    def add_loss(self, losses: Any, inputs: Any = None) -> None:
        """Adds losses to those of the layer and to `GraphKeys.REGULARIZATION_LOSSES`."""
        del inputs
        for loss in losses if isinstance(losses, (list, tuple)) else [losses]:
            self._losses.append(loss)
            get_default_graph().add_to_collection(GraphKeys.REGULARIZATION_LOSSES, loss)

    def add_update(self, updates: Any, inputs: Any = None) -> None:
        """Adds operations to the layer's updates and to `GraphKeys.UPDATE_OPS`."""
        del inputs
        for update in updates if isinstance(updates, (list, tuple)) else [updates]:
            self._updates.append(update)
            if self._updates_collections:
                get_default_graph().add_to_collections(self._updates_collections, update)

    @property
    def name(self) -> str:
        return self._name or self._base_name

    @property
    def scope_name(self) -> str:
        """Name of the layer's variable scope.

        Raises:
            ValueError: the layer was not called yet.
        """
        if self._scope is None:
            raise ValueError(f"Layer {self.name} has no variable scope before it is called.")
        return self._scope.name  # type: ignore[no-any-return]

    @property
    def dtype(self) -> Any:
        return self._dtype

    @property
    def graph(self) -> Graph | None:
        return self._graph

    @property
    def weights(self) -> list[Any]:
        return self.trainable_weights + self.non_trainable_weights

    variables = weights

    @property
    def trainable_weights(self) -> list[Any]:
        if not self.trainable:
            return []
        return _parts(w for w in self._weights if id(w) not in self._non_trainable)

    trainable_variables = trainable_weights

    @property
    def non_trainable_weights(self) -> list[Any]:
        if not self.trainable:
            return _parts(self._weights)
        return _parts(w for w in self._weights if id(w) in self._non_trainable)

    non_trainable_variables = non_trainable_weights

    @property
    def updates(self) -> list[Any]:
        return list(self._updates)

    @property
    def losses(self) -> list[Any]:
        """The layer's losses: those added, and those of its variables' regularizers."""
        prefix = f"{self.scope_name}/" if self._scope is not None else None
        graph = self._graph or get_default_graph()
        found = list(self._losses)
        if prefix is not None:
            for loss in graph.get_collection(GraphKeys.REGULARIZATION_LOSSES):
                if loss.op.name.startswith(prefix) and not any(loss is f for f in found):
                    found.append(loss)
        return found

    def get_updates_for(self, inputs: Any) -> list[Any]:
        return self.updates

    def get_losses_for(self, inputs: Any) -> list[Any]:
        return self.losses

    def count_params(self) -> int:
        """Number of elements in the layer's variables.

        Raises:
            ValueError: the layer was not called yet.
        """
        if not self.built:
            raise ValueError(f"Layer {self.name} has no variables before it is called.")
        return sum(int(w.shape.num_elements()) for w in self.weights)


def _parts(weights: Iterable[Any]) -> list[Any]:
    """The weights, partitioned ones as their parts."""
    return [v for w in weights for v in (w if isinstance(w, PartitionedVariable) else [w])]


def _as_tensors(inputs: Any) -> Any:
    if isinstance(inputs, (list, tuple)) and any(is_tensor_like(i) for i in inputs):
        return [convert_to_tensor(i) for i in inputs]
    if isinstance(inputs, Tensor) or not is_tensor_like(inputs):
        return convert_to_tensor(inputs)
    return inputs.value() if isinstance(inputs, Variable) else inputs


def _shapes(inputs: Any) -> Any:
    return [i.shape for i in inputs] if isinstance(inputs, (list, tuple)) else inputs.shape


def _snake_case(name: str) -> str:
    spaced = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", name)
    lower = re.sub(r"([a-z])([A-Z])", r"\1_\2", spaced).lower()
    return lower if lower[0] != "_" else f"private{lower}"


def call_layer(cls: type[Layer], arguments: Mapping[str, Any]) -> Any:
    """What a layer of that class gives for the arguments of its function form.

    Args:
        cls: the layer's class.
        arguments: of the function: `inputs`, `name`, perhaps `reuse`, and those of the class.
    """
    own = dict(arguments)
    inputs, reuse = own.pop("inputs"), own.pop("reuse", None)
    dtype = getattr(inputs, "dtype", None)
    floating = dtype is not None and dtype.is_floating
    layer = cls(**own, dtype=dtype if floating else None, _reuse=reuse)
    return layer(inputs)
