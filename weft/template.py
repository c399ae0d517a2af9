"""Functions that make variables the first time and share them afterwards: `tf.make_template`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .graph.default_graph import get_default_graph
from .graph.graph import Graph
from .graph.graph_keys import GraphKeys
from .variable_scope import VariableScope, variable_scope

__all__ = ["Template", "make_template"]


def make_template(
    name_: str,
    func_: Callable[..., Any],
    create_scope_now_: bool = False,
    unique_name_: str | None = None,
    custom_getter_: Callable[..., Any] | None = None,
    **kwargs: Any,
) -> Template:
    """A function whose variables are made at its first call and shared by all later ones.

    Args:
        name_: scope of the variables, made unique.
        func_: the function; its variables must come from `get_variable`.
        create_scope_now_: takes the scope's name now, not at the first call.
        unique_name_: scope of the variables, not made unique.
        custom_getter_: custom getter of the variables.
        **kwargs: arguments that every call gets.

    Returns:
        The function, with the properties of `Template`.

    Raises:
        ValueError: when a later call makes a trainable variable, or there is no name.
    """
    if kwargs:
        func_ = functools.partial(func_, **kwargs)
    return Template(name_, func_, create_scope_now_, unique_name_, custom_getter_)


class Template:
    """What `make_template` gives; see there for the arguments."""

    def __init__(
        self,
        name: str,
        func: Callable[..., Any],
        create_scope_now: bool = False,
        unique_name: str | None = None,
        custom_getter: Callable[..., Any] | None = None,
    ) -> None:
        if not name:
            raise ValueError("A template needs a name.")
        self._name = name
        self._func = func
        self._unique_name = unique_name
        self._custom_getter = custom_getter
        self._scopes: dict[Graph, VariableScope] = {}
        self._called: set[Graph] = set()
        if create_scope_now:
            self._scope()

    def _scope(self) -> VariableScope:
        """The scope in the default graph, opened for the first time where it is not there."""
        graph = get_default_graph()
        if graph not in self._scopes:
            with variable_scope(
                self._unique_name, default_name=self._name, custom_getter=self._custom_getter
            ) as scope:
                self._scopes[graph] = scope
        return self._scopes[graph]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        graph = get_default_graph()
        again = graph in self._called
        with variable_scope(self._scope(), reuse=again):
            before = len(graph.get_collection(GraphKeys.TRAINABLE_VARIABLES))
            result = self._func(*args, **kwargs)
            if again:
                new = graph.get_collection(GraphKeys.TRAINABLE_VARIABLES)[before:]
                if new:
                    names = ", ".join(v.name for v in new)
                    raise ValueError(
                        f"Template {self._name!r}: a later call made trainable variables ({names}); "
                        "use get_variable in the place of Variable."
                    )
            self._called.add(graph)
        return result

    @property
    def name(self) -> str:
        """The name that was asked for."""
        return self._name

    @property
    def func(self) -> Callable[..., Any]:
        return self._func

    @property
    def variable_scope(self) -> VariableScope:
        """The scope of the variables in the default graph."""
        return self._scope()

    @property
    def variable_scope_name(self) -> str:
        return self._scope().name

    @property
    def variables(self) -> list[Any]:
        """All variables that the function has made in the default graph."""
        return self.global_variables + self.local_variables

    @property
    def weights(self) -> list[Any]:
        return self.variables

    def _of(self, collection: str) -> list[Any]:
        prefix = f"{self._scope().name}/"
        return [v for v in get_default_graph().get_collection(collection) if v.name.startswith(prefix)]

    @property
    def trainable_variables(self) -> list[Any]:
        return self._of(GraphKeys.TRAINABLE_VARIABLES)

    @property
    def global_variables(self) -> list[Any]:
        return self._of(GraphKeys.GLOBAL_VARIABLES)

    @property
    def local_variables(self) -> list[Any]:
        return self._of(GraphKeys.LOCAL_VARIABLES)
