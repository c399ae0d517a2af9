"""Functions over variables: which ones a graph has, their initialization, and assignments as functions."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import Any

from .graph.convert import convert_to_tensor
from .graph.default_graph import get_default_graph
from .graph.dtypes import as_dtype
from .graph.elements import Operation, Tensor
from .graph.graph_keys import GraphKeys
from .graph.indexed_slices import IndexedSlices
from .graph.opdef import get_op
from .variables import Variable

__all__ = [
    "assert_variables_initialized",
    "assign",
    "assign_add",
    "assign_sub",
    "batch_scatter_update",
    "count_up_to",
    "global_variables",
    "global_variables_initializer",
    "is_variable_initialized",
    "local_variables",
    "local_variables_initializer",
    "model_variables",
    "moving_average_variables",
    "report_uninitialized_variables",
    "scatter_add",
    "scatter_div",
    "scatter_max",
    "scatter_min",
    "scatter_mul",
    "scatter_nd_add",
    "scatter_nd_sub",
    "scatter_nd_update",
    "scatter_sub",
    "scatter_update",
    "trainable_variables",
    "variables_initializer",
]


def global_variables(scope: str | None = None) -> list[Any]:
    """The variables of the default graph that are shared by all its users.

    Args:
        scope: keeps only those whose name matches this regular expression.
    """
    return get_default_graph().get_collection(GraphKeys.GLOBAL_VARIABLES, scope)


def local_variables(scope: str | None = None) -> list[Any]:
    """The variables that belong to one process: counters, metrics; they are not saved in checkpoints.

    Args:
        scope: keeps what is under this scope.
    """
    return get_default_graph().get_collection(GraphKeys.LOCAL_VARIABLES, scope)


def model_variables(scope: str | None = None) -> list[Any]:
    """The variables that a model needs for inference.

    Args:
        scope: keeps what is under this scope.
    """
    return get_default_graph().get_collection(GraphKeys.MODEL_VARIABLES, scope)


def trainable_variables(scope: str | None = None) -> list[Any]:
    """The variables that optimizers change by default.

    Args:
        scope: keeps what is under this scope.
    """
    return get_default_graph().get_collection(GraphKeys.TRAINABLE_VARIABLES, scope)


def moving_average_variables(scope: str | None = None) -> list[Any]:
    """The variables of which moving averages are kept.

    Args:
        scope: keeps what is under this scope.
    """
    return get_default_graph().get_collection(GraphKeys.MOVING_AVERAGE_VARIABLES, scope)


def variables_initializer(var_list: Iterable[Any], name: str = "init") -> Operation:
    """An operation that gives the variables their initial values.

    Args:
        var_list: variables.
        name: name of the operation.
    """
    with get_default_graph().control_dependencies([v.initializer for v in var_list]):
        return get_op("NoOp")(name=name)  # type: ignore[no-any-return]


def global_variables_initializer() -> Operation:
    """An operation that gives all global variables made so far their initial values."""
    return variables_initializer(global_variables())


def local_variables_initializer() -> Operation:
    """An operation that gives all local variables made so far their initial values."""
    return variables_initializer(local_variables(), name="init_local")


def is_variable_initialized(variable: Any) -> Tensor:
    """A boolean scalar: whether the variable has a value.

    Args:
        variable: a variable.
    """
    return variable.is_initialized()  # type: ignore[no-any-return]


def report_uninitialized_variables(
    var_list: Iterable[Any] | None = None, name: str = "report_uninitialized_variables"
) -> Tensor:
    """The names of the variables that have no value yet, as a 1-D string tensor.

    Args:
        var_list: variables to look at; all global and local ones by default.
        name: name of the result.
    """
    listed = [*global_variables(), *local_variables()] if var_list is None else list(var_list)
    graph = get_default_graph()
    with graph.name_scope(name) as scope:
        if not listed:
            return convert_to_tensor([], "string", name=scope)
        missing = get_op("LogicalNot")(get_op("Pack")([v.is_initialized() for v in listed]))
        names = convert_to_tensor([v.op.name for v in listed], "string", name="names")
        where = get_op("Reshape")(get_op("Where")(missing), [-1])
        return get_op("GatherV2")(names, where, 0, name=scope)  # type: ignore[no-any-return]


def assert_variables_initialized(var_list: Iterable[Any] | None = None) -> Tensor | None:
    """A tensor that can be computed only when the variables have values: the rank of each.

    Args:
        var_list: variables to look at; all global and local ones by default.

    Returns:
        An int32 vector; None where there is no variable.
    """
    listed = [*global_variables(), *local_variables()] if var_list is None else list(var_list)
    if not listed:
        return None
    return get_op("Pack")([get_op("Rank")(v.read_value()) for v in listed])  # type: ignore[no-any-return]


def _writer(ref: Any) -> Any:
    if not hasattr(ref, "assign"):
        raise TypeError(f"A variable is needed, got {ref!r}.")
    return ref


def assign(
    ref: Any,
    value: Any,
    validate_shape: bool | None = None,
    use_locking: bool | None = None,
    name: Any = None,
) -> Any:
    """Sets a variable, and gives its new value.

    Args:
        ref: the variable.
        value: the new value.
        validate_shape: False allows a value of another shape, where the variable's shape is unknown.
        use_locking: accepted for TensorFlow's sake; updates are never torn.
        name: name of the result.
    """
    del validate_shape, use_locking
    return _writer(ref).assign(value, name=name)


def assign_add(ref: Any, value: Any, use_locking: bool | None = None, name: str | None = None) -> Any:
    """Adds to a variable, and gives its new value; arguments as for `assign`."""
    return _writer(ref).assign_add(value, name=name)


def assign_sub(ref: Any, value: Any, use_locking: bool | None = None, name: str | None = None) -> Any:
    """Subtracts from a variable, and gives its new value; arguments as for `assign`."""
    return _writer(ref).assign_sub(value, name=name)


def count_up_to(ref: Variable, limit: int, name: str | None = None) -> Tensor:
    """Adds one to an integer variable, and gives the value from before.

    Raises:
        OutOfRangeError: when run, if that would take it above `limit`.
    """
    del name
    return ref.count_up_to(limit)


def _rows(ref: Any, indices: Any, updates: Any) -> IndexedSlices:
    return IndexedSlices(convert_to_tensor(updates, ref.dtype), convert_to_tensor(indices))


def scatter_update(ref: Any, indices: Any, updates: Any, use_locking: bool = True, name: Any = None) -> Any:
    """Replaces the rows of a variable that `indices` names, and gives its new value.

    Args:
        ref: the variable, of shape `(rows, ...)`.
        indices: integers of any shape; where one comes twice, the last wins.
        updates: the new rows, of shape `indices.shape + ref.shape[1:]`.
        use_locking: accepted for TensorFlow's sake.
        name: name of the result.
    """
    return ref.scatter_update(_rows(ref, indices, updates), name=name)


def scatter_add(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: Any = None) -> Any:
    """Adds to rows of a variable; arguments as for `scatter_update`, rows named twice add up."""
    return ref.scatter_add(_rows(ref, indices, updates), name=name)


def scatter_sub(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: Any = None) -> Any:
    """Subtracts from rows of a variable; arguments as for `scatter_update`, rows named twice add up."""
    return ref.scatter_sub(_rows(ref, indices, updates), name=name)


def scatter_mul(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: Any = None) -> Any:
    """Multiplies rows of a variable; arguments as for `scatter_update`."""
    return ref.scatter_mul(_rows(ref, indices, updates), name=name)


def scatter_div(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: Any = None) -> Any:
    """Divides rows of a variable; arguments as for `scatter_update`."""
    return ref.scatter_div(_rows(ref, indices, updates), name=name)


def scatter_min(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: Any = None) -> Any:
    """Lowers rows of a variable to the given ones where those are smaller; as `scatter_update`."""
    return ref.scatter_min(_rows(ref, indices, updates), name=name)


def scatter_max(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: Any = None) -> Any:
    """Raises rows of a variable to the given ones where those are larger; as `scatter_update`."""
    return ref.scatter_max(_rows(ref, indices, updates), name=name)


def scatter_nd_update(
    ref: Any, indices: Any, updates: Any, use_locking: bool = True, name: Any = None
) -> Any:
    """Replaces slices of a variable, and gives its new value.

    Args:
        ref: the variable.
        indices: index tuples in the last dimension, each naming a slice of the variable.
        updates: the slices, of shape `indices.shape[:-1] + ref.shape[indices.shape[-1]:]`.
        use_locking: accepted for TensorFlow's sake.
        name: name of the result.
    """
    return ref.scatter_nd_update(indices, updates, name=name)


def scatter_nd_add(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: Any = None) -> Any:
    """Adds to slices of a variable; arguments as for `scatter_nd_update`."""
    return ref.scatter_nd_add(indices, updates, name=name)


def scatter_nd_sub(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: Any = None) -> Any:
    """Subtracts from slices of a variable; arguments as for `scatter_nd_update`."""
    return ref.scatter_nd_sub(indices, updates, name=name)


def batch_scatter_update(
    ref: Any, indices: Any, updates: Any, use_locking: bool = True, name: str | None = None
) -> Any:
    """Replaces entries of a variable along its last index dimension, batch by batch.

    Args:
        ref: the variable, of shape `(*batch, rows, ...)`.
        indices: integers of shape `(*batch, n)`.
        updates: the new entries, of shape `(*batch, n, ...)`.
        use_locking: accepted for TensorFlow's sake.
        name: name of the result.
    """
    with _scope(name, "batch_scatter_update"):
        indices = convert_to_tensor(indices)
        dims = list(indices.shape.known())
        grids = _batch_grids(dims, indices.dtype)
        full = get_op("Pack")([*grids, indices], axis=len(dims))
        return ref.scatter_nd_update(full, updates)


def _scope(name: str | None, default: str) -> contextlib.AbstractContextManager[str]:
    return get_default_graph().name_scope(name or default)


def _batch_grids(dims: list[int], dtype: Any) -> list[Tensor]:
    """For every batch dimension the index along it, in the shape of the indices."""
    import numpy as np

    grids = np.indices(dims, dtype=as_dtype(dtype).np)[:-1]
    return [convert_to_tensor(grid) for grid in grids]
