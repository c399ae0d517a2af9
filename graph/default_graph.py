"""The default graph of a thread, and the functions that work on it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from .graph import Graph

__all__ = ["default_graphs", "device", "get_default_graph", "name_scope", "reset_default_graph"]


class _DefaultGraphs(threading.local):
    """The stack of default graphs; every thread starts with the process-wide one at the bottom."""

    bottom: Graph | None = None

    def __init__(self) -> None:
        self.stack: list[Graph] = []

    @contextlib.contextmanager
    def scope(self, graph: Graph) -> Iterator[Graph]:
        self.stack.append(graph)
        try:
            yield graph
        finally:
            # The innermost one: a graph may be on the stack twice, around a function's body and inside it.
            del self.stack[len(self.stack) - 1 - self.stack[::-1].index(graph)]

    def current(self) -> Graph:
        if self.stack:
            return self.stack[-1]
        if _DefaultGraphs.bottom is None:
            _DefaultGraphs.bottom = Graph()
        return _DefaultGraphs.bottom


default_graphs = _DefaultGraphs()


def get_default_graph() -> Graph:
    """The graph that operations are added to now, in this thread."""
    return default_graphs.current()


def reset_default_graph() -> None:
    """Starts a new process-wide default graph.

    Raises:
        AssertionError: inside a `with graph.as_default()` block.
    """
    if default_graphs.stack:
        raise AssertionError("Do not use reset_default_graph() to clear nested graphs.")
    _DefaultGraphs.bottom = Graph()


def device(device_name_or_function: Any) -> contextlib.AbstractContextManager[None]:
    """`Graph.device` of the default graph.

    Args:
        device_name_or_function: a device string, a function from an operation to one, or None to leave all
            device scopes.
    """
    return get_default_graph().device(device_name_or_function)


@contextlib.contextmanager
def name_scope(name: str | None, default_name: str | None = None, values: Any = None) -> Iterator[str]:
    """`Graph.name_scope` of the default graph.

    Args:
        name: the scope's name, or None for `default_name`.
        default_name: used where `name` is None.
        values: tensors whose graph must be the default one; accepted for TensorFlow's sake.
    """
    del values
    with get_default_graph().name_scope(default_name if name is None else name) as scope:
        yield scope
