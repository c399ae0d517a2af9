"""Variables, scopes and checkpoints in the form of TensorFlow's `contrib.framework`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..graph.default_graph import get_default_graph
from ..graph.graph_keys import GraphKeys
from ..train.global_step import (
    assert_global_step,
    create_global_step,
    get_global_step,
    get_or_create_global_step,
)
from ..variable_scope import get_variable
from .arguments import add_arg_scope, arg_scope, arg_scoped_arguments, current_arg_scope, has_arg_scope

__all__ = [
    "add_arg_scope",
    "add_model_variable",
    "arg_scope",
    "arg_scoped_arguments",
    "assert_global_step",
    "assign_from_checkpoint",
    "assign_from_checkpoint_fn",
    "assign_from_values",
    "assign_from_values_fn",
    "create_global_step",
    "current_arg_scope",
    "filter_variables",
    "get_global_step",
    "get_local_variables",
    "get_model_variables",
    "get_or_create_global_step",
    "get_trainable_variables",
    "get_unique_variable",
    "get_variables",
    "get_variables_by_name",
    "get_variables_by_suffix",
    "get_variables_to_restore",
    "has_arg_scope",
    "list_variables",
    "load_checkpoint",
    "load_variable",
    "local_variable",
    "model_variable",
    "variable",
]


@add_arg_scope
def variable(
    name: str,
    shape: Any = None,
    dtype: Any = None,
    initializer: Any = None,
    regularizer: Any = None,
    trainable: bool = True,
    collections: Sequence[str] | None = None,
    caching_device: Any = None,
    device: Any = None,
    partitioner: Any = None,
    custom_getter: Callable[..., Any] | None = None,
    use_resource: bool | None = None,
) -> Any:
    """`weft.get_variable` on a device.

    Args:
        device: device string or function; that of the scopes around by default.
        name, shape, dtype, initializer, regularizer, trainable, collections, caching_device, partitioner,
            custom_getter, use_resource: as for `weft.get_variable`.
    """
    import contextlib

    keys = [GraphKeys.GLOBAL_VARIABLES] if collections is None else list(collections)
    with get_default_graph().device(device) if device is not None else contextlib.nullcontext():
        return get_variable(
            name,
            shape,
            dtype,
            initializer,
            regularizer,
            trainable,
            keys,
            caching_device,
            partitioner,
            use_resource=use_resource,
            custom_getter=custom_getter,
        )


@add_arg_scope
def model_variable(
    name: str,
    shape: Any = None,
    dtype: Any = "float32",
    initializer: Any = None,
    regularizer: Any = None,
    trainable: bool = True,
    collections: Sequence[str] | None = None,
    caching_device: Any = None,
    device: Any = None,
    partitioner: Any = None,
    custom_getter: Callable[..., Any] | None = None,
    use_resource: bool | None = None,
) -> Any:
    """A variable that the model needs for inference; arguments as `variable`."""
    keys = [*(collections or ()), GraphKeys.GLOBAL_VARIABLES, GraphKeys.MODEL_VARIABLES]
    return variable(
        name,
        shape,
        dtype,
        initializer,
        regularizer,
        trainable,
        keys,
        caching_device,
        device,
        partitioner,
        custom_getter,
        use_resource,
    )


def local_variable(initial_value: Any, validate_shape: bool = True, name: str | None = None) -> Any:
    """A variable that is neither trained nor saved.

    Args:
        initial_value: the first value.
        validate_shape: whether the shape must be known.
    """
    from ..variables import Variable

    return Variable(
        initial_value,
        trainable=False,
        collections=[GraphKeys.LOCAL_VARIABLES],
        validate_shape=validate_shape,
        name=name,
    )


def add_model_variable(var: Any) -> None:
    """Adds a variable to `GraphKeys.MODEL_VARIABLES`.

    Args:
        var: a variable.
    """
    if not any(var is v for v in get_default_graph().get_collection(GraphKeys.MODEL_VARIABLES)):
        get_default_graph().add_to_collection(GraphKeys.MODEL_VARIABLES, var)


def get_variables(
    scope: Any = None, suffix: str | None = None, collection: str = GraphKeys.GLOBAL_VARIABLES
) -> list[Any]:
    """The variables of a collection by scope and end of the name.

    Args:
        scope: keeps what is under this scope.
        suffix: keeps what ends so.
        collection: name of the collection.
    """
    prefix = getattr(scope, "name", scope)
    found = get_default_graph().get_collection(collection, prefix)
    return [v for v in found if suffix is None or v.op.name.endswith(suffix)]


def get_model_variables(scope: Any = None, suffix: str | None = None) -> list[Any]:
    """The variables that the model needs for inference.

    Args:
        scope: keeps what is under this scope.
        suffix: keeps what ends so.
    """
    return get_variables(scope, suffix, GraphKeys.MODEL_VARIABLES)


def get_local_variables(scope: Any = None, suffix: str | None = None) -> list[Any]:
    """The variables that are not saved.

    Args:
        scope: keeps what is under this scope.
        suffix: keeps what ends so.
    """
    return get_variables(scope, suffix, GraphKeys.LOCAL_VARIABLES)


def get_trainable_variables(scope: Any = None, suffix: str | None = None) -> list[Any]:
    """The variables that are trained.

    Args:
        scope: keeps what is under this scope.
        suffix: keeps what ends so.
    """
    return get_variables(scope, suffix, GraphKeys.TRAINABLE_VARIABLES)


def get_variables_by_suffix(suffix: str, scope: Any = None) -> list[Any]:
    """The variables whose full name ends so.

    Args:
        scope: keeps what is under this scope.
        suffix: keeps what ends so.
    """
    return get_variables(scope, suffix)


def get_variables_by_name(given_name: str, scope: Any = None) -> list[Any]:
    """The variables whose name, without scopes, is `given_name`."""
    return [v for v in get_variables(scope) if v.op.name.rpartition("/")[2] == given_name]


def get_unique_variable(var_op_name: str) -> Any:
    """The one variable of that full name.

    Args:
        var_op_name: the full name.

    Raises:
        ValueError: there is none.
    """
    for candidate in get_variables():
        if candidate.op.name == var_op_name:
            return candidate
    raise ValueError(f"There is no variable {var_op_name!r}.")


def get_variables_to_restore(
    include: Iterable[str] | None = None, exclude: Iterable[str] | None = None
) -> list[Any]:
    """The variables under the scopes `include` (all by default) that are not under the scopes `exclude`."""
    found: list[Any] = []
    for scope in [None] if include is None else include:
        found += [v for v in get_variables(scope) if not any(v is f for f in found)]
    left_out = [v for scope in exclude or () for v in get_variables(scope)]
    return [v for v in found if not any(v is o for o in left_out)]


def filter_variables(
    var_list: Iterable[Any],
    include_patterns: Iterable[str] | None = None,
    exclude_patterns: Iterable[str] | None = None,
    reg_search: bool = True,
) -> list[Any]:
    """The variables whose names fit one of some regular expressions and none of others.

    Args:
        var_list: variables, or from names in the checkpoint to variables.
        include_patterns: regular expressions of which one must fit; all fit where it is None.
        exclude_patterns: regular expressions of which none may fit.
        reg_search: whether they may fit anywhere in the name, not only at its beginning.
    """
    import re

    matches = re.search if reg_search else re.match
    include = None if include_patterns is None else list(include_patterns)
    exclude = list(exclude_patterns or ())
    return [
        v
        for v in var_list
        if (include is None or any(matches(p, v.op.name) for p in include))
        and not any(matches(p, v.op.name) for p in exclude)
    ]


def assign_from_values(var_names_to_values: dict[str, Any]) -> tuple[Any, dict[Any, Any]]:
    """An operation that sets variables, and the feeds that it needs.

    Args:
        var_names_to_values: from full names of variables to arrays.
    """
    from ..framework import placeholder
    from ..train.optimizer import group_ops

    feeds: dict[Any, Any] = {}
    assignments = []
    for name, value in var_names_to_values.items():
        found = get_unique_variable(name)
        place = placeholder(found.dtype, found.shape)
        feeds[place] = value
        assignments.append(found.assign(place, read_value=False))
    return group_ops(assignments, None), feeds


def assign_from_values_fn(var_names_to_values: dict[str, Any]) -> Callable[[Any], Any]:
    """A function that sets variables in the session that it is given.

    Args:
        var_names_to_values: from full names of variables to arrays.
    """
    operation, feeds = assign_from_values(var_names_to_values)
    return lambda session: session.run(operation, feeds)


def assign_from_checkpoint_fn(
    model_path: str, var_list: Any, ignore_missing_vars: bool = False, reshape_variables: bool = False
) -> Callable[[Any], None]:
    """A function that restores variables from a checkpoint in the session that it is given.

    Args:
        model_path: path of the checkpoint.
        var_list: variables, or from names in the checkpoint to variables.
        ignore_missing_vars: leaves out those that are not in the checkpoint.
        reshape_variables: allows other shapes of the same size.
    """
    from ..train import Saver

    wanted = var_list if isinstance(var_list, dict) else {v.op.name: v for v in var_list}
    if ignore_missing_vars:
        there = set(load_checkpoint(model_path).get_variable_to_shape_map())
        wanted = {name: v for name, v in wanted.items() if name in there}
    saver = Saver(wanted, reshape=reshape_variables)
    return lambda session: saver.restore(session, model_path)


def assign_from_checkpoint(model_path: str, var_list: Any, ignore_missing_vars: bool = False) -> Any:
    """An operation that sets variables from a checkpoint, and the feeds that it needs.

    Args:
        model_path: prefix of the checkpoint.
        var_list: variables, or from names in the checkpoint to variables.
        ignore_missing_vars: leaves out those that are not in the checkpoint.
    """
    reader = load_checkpoint(model_path)
    wanted = var_list if isinstance(var_list, dict) else {v.op.name: v for v in var_list}
    values = {}
    for name, var in wanted.items():
        if ignore_missing_vars and not reader.has_tensor(name):
            continue
        values[var.op.name] = reader.get_tensor(name)
    return assign_from_values(values)


def load_checkpoint(filepattern: str) -> Any:
    """A reader of a checkpoint; see `train.load_checkpoint`."""
    from ..train import load_checkpoint as load

    return load(filepattern)


def load_variable(checkpoint_dir: str, name: str) -> Any:
    """The value of a variable in a checkpoint.

    Args:
        checkpoint_dir: folder of the checkpoints.
    """
    return load_checkpoint(checkpoint_dir).get_tensor(name)


def list_variables(checkpoint_dir: str) -> list[tuple[str, list[int]]]:
    """Names and shapes of the variables in a checkpoint.

    Args:
        checkpoint_dir: folder of the checkpoints.
    """
    return sorted(load_checkpoint(checkpoint_dir).get_variable_to_shape_map().items())
