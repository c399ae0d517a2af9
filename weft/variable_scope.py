"""`get_variable` and the scopes that name, share and configure variables."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .graph.default_graph import get_default_graph
from .graph.dtypes import DType, as_dtype, float32
from .graph.graph import Graph
from .graph.graph_keys import GraphKeys
from .variable_store import AUTO_REUSE, variable_store

__all__ = [
    "VariableScope",
    "get_local_variable",
    "get_variable",
    "get_variable_scope",
    "no_regularizer",
    "variable_op_scope",
    "variable_scope",
]

_CONFIG = ("initializer", "regularizer", "caching_device", "partitioner", "constraint")


class VariableScope:
    """Prefix and defaults of the variables that `get_variable` makes inside.

    Attributes:
        name: prefix of the variables' names, without a "/" at its end.
        original_name_scope: the name scope that was opened with it.
        reuse: False: variables are made; True: they must be there; AUTO_REUSE: either.
        initializer, regularizer, caching_device, partitioner, constraint, custom_getter, dtype: defaults.
    """

    def __init__(
        self,
        reuse: Any,
        name: str = "",
        initializer: Any = None,
        regularizer: Any = None,
        caching_device: Any = None,
        partitioner: Any = None,
        custom_getter: Callable[..., Any] | None = None,
        name_scope: str = "",
        dtype: Any = float32,
        use_resource: bool | None = None,
        constraint: Any = None,
    ) -> None:
        self.reuse = reuse
        self.name = name
        self.initializer = initializer
        self.regularizer = regularizer
        self.caching_device = caching_device
        self.partitioner = partitioner
        self.custom_getter = custom_getter
        self.original_name_scope = name_scope
        self.dtype: DType = as_dtype(dtype)
        self.use_resource = True if use_resource is None else use_resource
        self.constraint = constraint

    def reuse_variables(self) -> None:
        """From here on variables must be there already."""
        self.reuse = True

    def set_initializer(self, initializer: Any) -> None:
        self.initializer = initializer

    def set_regularizer(self, regularizer: Any) -> None:
        self.regularizer = regularizer

    def set_caching_device(self, caching_device: Any) -> None:
        self.caching_device = caching_device

    def set_partitioner(self, partitioner: Any) -> None:
        self.partitioner = partitioner

    def set_custom_getter(self, custom_getter: Any) -> None:
        self.custom_getter = custom_getter

    def set_dtype(self, dtype: Any) -> None:
        self.dtype = as_dtype(dtype)

    def set_use_resource(self, use_resource: bool) -> None:
        self.use_resource = use_resource

    def get_collection(self, name: str) -> list[Any]:
        """The values of a collection whose names begin with this scope's name."""
        return get_default_graph().get_collection(name, f"{self.name}/" if self.name else "")

    def global_variables(self) -> list[Any]:
        return self.get_collection(GraphKeys.GLOBAL_VARIABLES)

    def local_variables(self) -> list[Any]:
        return self.get_collection(GraphKeys.LOCAL_VARIABLES)

    def trainable_variables(self) -> list[Any]:
        return self.get_collection(GraphKeys.TRAINABLE_VARIABLES)

    def get_variable(self, var_store: Any, name: str, **wish: Any) -> Any:
        """The variable of that name within this scope; see `weft.get_variable`."""
        for key in _CONFIG:
            if wish.get(key) is None:
                wish[key] = getattr(self, key)
        getter = wish.pop("custom_getter", None)
        if wish.get("reuse") is None:
            wish["reuse"] = self.reuse
        if wish.get("dtype") is None and (wish["initializer"] is None or callable(wish["initializer"])):
            wish["dtype"] = self.dtype
        full = f"{self.name}/{name}" if self.name else name
        getter = _composed(getter, self.custom_getter)
        with get_default_graph().name_scope(None):
            return var_store.get_variable(full, custom_getter=getter, **wish)

    def _copy(self, **changes: Any) -> VariableScope:
        arguments = {
            "reuse": self.reuse,
            "name": self.name,
            "custom_getter": self.custom_getter,
            "name_scope": self.original_name_scope,
            "dtype": self.dtype,
            "use_resource": self.use_resource,
            **{key: getattr(self, key) for key in _CONFIG},
        }
        return VariableScope(**{**arguments, **changes})


def no_regularizer(_: Any) -> None:
    """A regularizer that adds no loss; keeps the variable scope's one from being used.

    Args:
        _: not used.
    """


def _composed(
    inner: Callable[..., Any] | None, outer: Callable[..., Any] | None
) -> Callable[..., Any] | None:
    """Custom getters of nested scopes: the inner one calls the outer one as its getter."""
    if inner is None or outer is None:
        return inner or outer

    def both(getter: Callable[..., Any], *args: Any, **keywords: Any) -> Any:
        return inner(functools.partial(outer, getter), *args, **keywords)

    return both


class _Scopes(threading.local):
    """The open variable scope of one graph, per thread, and how often each default name was used."""

    def __init__(self) -> None:
        self.current = VariableScope(False)
        self.used: dict[str, int] = {}

    def unique(self, prefix: str) -> str:
        """`prefix`, numbered where a scope of that name was opened inside the current one already."""
        base = f"{self.current.name}/{prefix}" if self.current.name else prefix
        if not self.used.get(base):
            return prefix
        number = 1
        while self.used.get(f"{base}_{number}"):
            number += 1
        return f"{prefix}_{number}"

    @contextlib.contextmanager
    def open(self, scope: VariableScope, again: bool) -> Iterator[VariableScope]:
        before, used = self.current, dict(self.used)
        self.used[scope.name] = self.used.get(scope.name, 0) + 1
        self.current = scope
        try:
            yield scope
        finally:
            self.current = before
            if again:
                self.used = used
            else:
                for name in [n for n in self.used if n.startswith(f"{scope.name}/")]:
                    self.used[name] = 0


_SCOPES_KEY = "__variable_scopes"


def _scopes(graph: Graph) -> _Scopes:
    found = graph.get_collection_ref(_SCOPES_KEY)
    if not found:
        found.append(_Scopes())
    return found[0]  # type: ignore[no-any-return]


def _variable_graph() -> Graph:
    """The default graph, or the one around the function body being built: variables live there."""
    graph = get_default_graph()
    while getattr(graph, "outer_graph", None) is not None:
        graph = graph.outer_graph  # type: ignore[attr-defined]
    return graph


def get_variable_scope() -> VariableScope:
    """The innermost variable scope."""
    return _scopes(_variable_graph()).current


def get_variable(
    name: str,
    shape: Any = None,
    dtype: Any = None,
    initializer: Any = None,
    regularizer: Any = None,
    trainable: bool | None = None,
    collections: Sequence[str] | None = None,
    caching_device: Any = None,
    partitioner: Any = None,
    validate_shape: bool = True,
    use_resource: bool | None = None,
    custom_getter: Callable[..., Any] | None = None,
    constraint: Any = None,
    synchronization: Any = None,
    aggregation: Any = None,
) -> Any:
    """The variable of that name in the current variable scope: a new one, or the one to be shared.

    Args:
        name: name within the scope.
        shape: shape of a new variable, or what the shared one must have.
        dtype: element type; the scope's, which is float32, by default.
        initializer: an initializer, a constant, or a function without arguments; the scope's by default, or
            Glorot's uniform one for floating types and zeros for others.
        regularizer: function from the variable to a loss, added to `GraphKeys.REGULARIZATION_LOSSES`.
        trainable: whether optimizers change it by default.
        collections: keys of the collections it is added to; `GraphKeys.GLOBAL_VARIABLES` by default.
        caching_device: device on which reads are kept for their users.
        partitioner: function from shape and dtype to a count of parts per dimension.
        validate_shape: refuses an initial value of unknown shape.
        custom_getter: called as `custom_getter(getter, name, ...)` in the place of the making.
        constraint: function from the value to a value, which optimizers apply after an update.
        use_resource, synchronization, aggregation: accepted for TensorFlow's sake.

    Returns:
        A `Variable`, or a `PartitionedVariable` where there is a partitioner.

    Raises:
        ValueError: the variable is there and may not be shared, is not there and must be, or has another
            shape or type.
    """
    graph = _variable_graph()
    return _scopes(graph).current.get_variable(
        variable_store(graph),
        name,
        shape=shape,
        dtype=dtype,
        initializer=initializer,
        regularizer=regularizer,
        trainable=trainable,
        collections=collections,
        caching_device=caching_device,
        partitioner=partitioner,
        validate_shape=validate_shape,
        use_resource=use_resource,
        custom_getter=custom_getter,
        constraint=constraint,
        synchronization=synchronization,
        aggregation=aggregation,
    )


def get_local_variable(name: str, shape: Any = None, dtype: Any = None, **wish: Any) -> Any:
    """A variable that is not trained and not saved; arguments as for `get_variable`."""
    collections = wish.pop("collections", None) or []
    wish.setdefault("trainable", False)
    return get_variable(name, shape, dtype, collections=[*collections, GraphKeys.LOCAL_VARIABLES], **wish)


@contextlib.contextmanager
def variable_scope(
    name_or_scope: Any,
    default_name: str | None = None,
    values: Any = None,
    initializer: Any = None,
    regularizer: Any = None,
    caching_device: Any = None,
    partitioner: Any = None,
    custom_getter: Callable[..., Any] | None = None,
    reuse: Any = None,
    dtype: Any = None,
    use_resource: bool | None = None,
    constraint: Any = None,
    auxiliary_name_scope: bool = True,
) -> Iterator[VariableScope]:
    """Prefixes the names of variables made inside, lets them be shared, and sets their defaults.

    Args:
        name_or_scope: a name, put behind that of the scope around; a `VariableScope` to enter again; or None
            for `default_name`, made unique.
        default_name: used where `name_or_scope` is None.
        values: tensors that go in; accepted for TensorFlow's sake.
        initializer, regularizer, caching_device, partitioner, custom_getter, dtype, constraint: defaults of
            `get_variable` inside; None for those of the scope around.
        reuse: True: variables must be there; AUTO_REUSE: are made where they are not; None: as around.
        use_resource: accepted for TensorFlow's sake.
        auxiliary_name_scope: whether a name scope of the same name is opened.

    Raises:
        ValueError: neither a name nor a default is given, or `reuse` has no such value.
        TypeError: `name_or_scope` is something else.
    """
    del values
    if default_name is None and name_or_scope is None:
        raise ValueError("variable_scope needs a name: give name_or_scope or default_name.")
    if reuse not in (None, True, False, AUTO_REUSE):
        raise ValueError(f"reuse must be True, False, None or tf.AUTO_REUSE, got {reuse!r}.")
    if not isinstance(name_or_scope, (str, VariableScope, type(None))):
        raise TypeError(f"variable_scope takes a name or a VariableScope, got {name_or_scope!r}.")
    if name_or_scope is None and reuse:
        raise ValueError("reuse needs a name_or_scope: a default name is never used twice.")
    scopes = _scopes(_variable_graph())
    changes: dict[str, Any] = {
        "initializer": initializer,
        "regularizer": regularizer,
        "caching_device": caching_device,
        "partitioner": partitioner,
        "dtype": dtype,
        "use_resource": use_resource,
        "constraint": constraint,
    }
    changes = {k: v for k, v in changes.items() if v is not None}
    if custom_getter is not None:
        around = name_or_scope if isinstance(name_or_scope, VariableScope) else scopes.current
        changes["custom_getter"] = _composed(custom_getter, around.custom_getter)
    with _aux_name_scope(name_or_scope, default_name, auxiliary_name_scope) as name_scope:
        if isinstance(name_or_scope, VariableScope):
            scope = name_or_scope._copy(reuse=name_or_scope.reuse if reuse is None else reuse, **changes)
        else:
            name = scopes.unique(str(default_name)) if name_or_scope is None else name_or_scope
            outer = scopes.current
            full = f"{outer.name}/{name}" if outer.name else name
            scope = outer._copy(name=full, reuse=reuse or outer.reuse, name_scope=name_scope, **changes)
        with scopes.open(scope, again=isinstance(name_or_scope, VariableScope)) as opened:
            yield opened


@contextlib.contextmanager
def _aux_name_scope(name_or_scope: Any, default_name: str | None, wanted: bool) -> Iterator[str]:
    """The name scope that a variable scope opens along with itself."""
    graph = get_default_graph()
    if isinstance(name_or_scope, VariableScope):
        name = name_or_scope.name.rpartition("/")[2]
    else:
        name = default_name if name_or_scope is None else name_or_scope
    if not wanted or not name:
        around = graph.get_name_scope()
        yield f"{around}/" if around else ""
        return
    with graph.name_scope(name) as scope:
        yield scope


@contextlib.contextmanager
def variable_op_scope(
    values: Any, name_or_scope: Any, default_name: str | None = None, **wish: Any
) -> Iterator[VariableScope]:
    """`variable_scope` with the arguments in TensorFlow's first order."""
    with variable_scope(name_or_scope, default_name, values, **wish) as scope:
        yield scope
