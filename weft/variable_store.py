"""Where `get_variable` keeps the variables of a graph by name, and makes those that are not there yet."""

from __future__ import annotations

import enum
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .graph.convert import convert_to_tensor, is_tensor_like, make_array
from .graph.default_graph import get_default_graph
from .graph.dtypes import DType, as_dtype
from .graph.elements import Tensor
from .graph.graph import Graph
from .graph.graph_keys import GraphKeys
from .graph.shapes import TensorShape, as_shape
from .initializers import GlorotUniform, Zeros
from .partitioned_variables import PartitionedVariable, PartitionInfo, slices_of
from .variables import SaveSliceInfo, Variable

__all__ = ["AUTO_REUSE", "VariableStore", "variable_store"]


class _Reuse(enum.Enum):
    AUTO_REUSE = 1

    def __repr__(self) -> str:
        return "AUTO_REUSE"


AUTO_REUSE = _Reuse.AUTO_REUSE
"""As `reuse`: takes the variable that is there, makes it where it is not."""

_STORE_KEY = "__variable_store"


def variable_store(graph: Graph) -> VariableStore:
    """The graph's store; made on first use."""
    found = graph.get_collection_ref(_STORE_KEY)
    if not found:
        found.append(VariableStore())
    return found[0]  # type: ignore[no-any-return]


class VariableStore:
    """The variables that `get_variable` has made in one graph, by full name."""

    def __init__(self) -> None:
        self.variables: dict[str, Variable] = {}
        self.partitioned: dict[str, PartitionedVariable] = {}

    def get_variable(self, name: str, custom_getter: Callable[..., Any] | None = None, **wish: Any) -> Any:
        """The variable of that full name; see `weft.get_variable` for the arguments."""
        if custom_getter is None:
            return self._get(name, **wish)
        if not _takes(custom_getter, "constraint"):
            constraint = wish.pop("constraint", None)

            def getter(*args: Any, **keywords: Any) -> Any:
                return self._get(*args, **{"constraint": constraint, **keywords})

            return custom_getter(getter=getter, name=name, **wish)
        return custom_getter(getter=self._get, name=name, **wish)

    def _get(
        self,
        name: str,
        shape: Any = None,
        dtype: Any = None,
        initializer: Any = None,
        regularizer: Callable[[Tensor], Tensor | None] | None = None,
        reuse: Any = None,
        trainable: bool | None = None,
        collections: Sequence[str] | None = None,
        caching_device: Any = None,
        partitioner: Any = None,
        validate_shape: bool = True,
        use_resource: bool | None = None,
        constraint: Any = None,
        synchronization: Any = None,
        aggregation: Any = None,
    ) -> Any:
        del use_resource, synchronization, aggregation
        wish = _Wish(
            as_dtype("float32" if dtype is None else dtype),
            initializer,
            regularizer,
            reuse,
            trainable,
            collections,
            caching_device,
            validate_shape,
            constraint,
        )
        if initializer is not None and not callable(initializer):
            if shape is not None:
                raise ValueError(f"Variable {name}: a constant initializer has its own shape, give none.")
            wish.dtype = _dtype_of(initializer) if dtype is None else wish.dtype
        static = None if shape is None else as_shape(shape)
        if partitioner is not None and not _is_scalar(static, wish.initializer):
            return self._get_partitioned(name, static, partitioner, wish)
        if f"{name}/part_0" in self.variables:
            raise ValueError(
                f"Variable {name} is there in parts; the same partitioner must be used to get it again."
            )
        return self._get_single(name, static, wish)

    def _get_single(
        self, name: str, shape: TensorShape | None, wish: _Wish, part: PartitionInfo | None = None
    ) -> Variable:
        found = self.variables.get(name)
        if found is not None:
            return _checked(found, name, shape, wish)
        if wish.reuse is True:
            raise ValueError(
                f"Variable {name} does not exist, or was not made by get_variable(). To make it, use "
                "reuse=None or reuse=tf.AUTO_REUSE in its variable scope."
            )
        made = self._make(name, shape, wish, part)
        self.variables[name] = made
        if wish.regularizer is not None:
            _regularize(made, name, wish.regularizer)
        return made

    def _make(
        self, name: str, shape: TensorShape | None, wish: _Wish, part: PartitionInfo | None
    ) -> Variable:
        initial, dtype = _initial_value(name, shape, wish, part)
        return Variable(
            initial_value=initial,
            trainable=wish.trainable,
            collections=wish.collections,
            validate_shape=wish.validate_shape,
            caching_device=wish.caching_device,
            name=name,
            dtype=dtype,
            constraint=wish.constraint,
        )

    def _get_partitioned(
        self, name: str, shape: TensorShape | None, partitioner: Any, wish: _Wish
    ) -> PartitionedVariable:
        if name in self.variables:
            raise ValueError(
                f"Variable {name} is there in one part; it must be got again without a partitioner."
            )
        if shape is None:
            wish.initializer = convert_to_tensor(wish.initializer, wish.dtype)
            shape = wish.initializer.shape
        dims = shape.known()
        found = self.partitioned.get(name)
        if found is not None:
            if not wish.reuse:
                raise ValueError(_already_there(name, next(iter(found))))
            if found.shape.known() != dims:
                raise ValueError(f"Variable {name} has shape {found.shape}, asked for is {shape}.")
            return found
        slices = slices_of(name, dims, wish.dtype, partitioner)
        parts = []
        whole = wish.initializer
        for i, (offset, extent) in enumerate(slices):
            info = PartitionInfo(list(dims), list(offset))
            if isinstance(whole, Tensor):
                wish.initializer = _cut(whole, offset, extent, f"{name}/PartitionedInitializer")
                part = self._get_single(f"{name}/part_{i}", None, wish)
            else:
                part = self._get_single(f"{name}/part_{i}", TensorShape(extent), wish, info)
            part._set_save_slice_info(SaveSliceInfo(name, dims, offset, extent))
            parts.append(part)
        made = PartitionedVariable(name, TensorShape(dims), wish.dtype, parts)
        self.partitioned[name] = made
        return made


class _Wish:
    """What one call of `get_variable` asks for, apart from name and shape."""

    def __init__(
        self,
        dtype: DType,
        initializer: Any,
        regularizer: Any,
        reuse: Any,
        trainable: bool | None,
        collections: Sequence[str] | None,
        caching_device: Any,
        validate_shape: bool,
        constraint: Any,
    ) -> None:
        self.dtype = dtype
        self.initializer = initializer
        self.regularizer = regularizer
        self.reuse = reuse
        self.trainable = trainable
        self.collections = collections
        self.caching_device = caching_device
        self.validate_shape = validate_shape
        self.constraint = constraint


def _takes(function: Callable[..., Any], argument: str) -> bool:
    parameters = inspect.signature(function).parameters
    return argument in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def _is_scalar(shape: TensorShape | None, initializer: Any) -> bool:
    shape = _shape_of(initializer) if shape is None else shape
    return shape is not None and shape.rank == 0


def _shape_of(initializer: Any) -> TensorShape | None:
    """Shape of a constant initializer; None for a function."""
    if initializer is None or callable(initializer):
        return None
    return as_shape(initializer.shape if is_tensor_like(initializer) else np.shape(initializer))


def _dtype_of(initializer: Any) -> DType:
    return as_dtype(initializer.dtype if is_tensor_like(initializer) else make_array(initializer).dtype)


def _already_there(name: str, found: Variable) -> str:
    return (
        f"Variable {name} already exists, made at {found.op.source}. To share it, use reuse=True or "
        "reuse=tf.AUTO_REUSE in its variable scope."
    )


def _checked(found: Variable, name: str, shape: TensorShape | None, wish: _Wish) -> Variable:
    if wish.reuse is False:
        raise ValueError(_already_there(name, found))
    shape = _shape_of(wish.initializer) if shape is None else shape
    if shape is not None and not shape.is_compatible_with(found.shape):
        raise ValueError(f"Variable {name} has shape {found.shape}, asked for is {shape}.")
    if wish.dtype is not found.dtype:
        raise ValueError(f"Variable {name} is {found.dtype.name}, asked for is {wish.dtype.name}.")
    return found


def _initial_value(
    name: str, shape: TensorShape | None, wish: _Wish, part: PartitionInfo | None
) -> tuple[Any, DType | None]:
    """What `Variable` takes as initial value, and the element type to give it."""
    initializer = wish.initializer
    if initializer is not None and not callable(initializer):
        return initializer, wish.dtype
    if initializer is None:
        initializer = _default_initializer(name, wish.dtype)
    elif inspect.isclass(initializer):
        initializer = initializer()
    if shape is not None and shape.is_fully_defined():
        dims = list(shape.known())
        keywords: dict[str, Any] = {"dtype": wish.dtype}
        if _takes(initializer, "partition_info"):
            keywords["partition_info"] = part
        return (lambda: initializer(dims, **keywords)), wish.dtype
    if shape is None and not inspect.signature(initializer).parameters:
        return initializer, None
    raise ValueError(
        f"Variable {name}: its shape must be fully known, got {shape}. Give a shape, a constant as "
        "initializer, or a function without arguments."
    )


def _default_initializer(name: str, dtype: DType) -> Any:
    if dtype.is_floating:
        return GlorotUniform(dtype=dtype)
    if dtype.is_integer or dtype.is_bool or dtype.kind == "s":
        return Zeros(dtype=dtype)
    raise ValueError(f"Variable {name}: there is no default initializer for type {dtype.name}.")


def _cut(whole: Tensor, offset: Sequence[int], extent: Sequence[int], name: str) -> Tensor:
    from .graph.opdef import get_op

    with get_default_graph().name_scope(f"{name}/"):
        return get_op("Slice")(whole, list(offset), list(extent))  # type: ignore[no-any-return]


def _regularize(variable: Variable, name: str, regularizer: Callable[[Tensor], Tensor | None]) -> None:
    graph = variable.graph
    with (
        graph.control_dependencies(None),
        graph.colocate_with(variable.op),
        graph.name_scope(f"{name}/Regularizer/"),
    ):
        loss = regularizer(variable.value())
    if loss is not None:
        graph.add_to_collection(GraphKeys.REGULARIZATION_LOSSES, loss)
