"""The operation that a loader of a SavedModel runs: `tf.saved_model.main_op`."""

from __future__ import annotations

from typing import Any

from ..control_flow import group
from ..lookup import tables_initializer
from ..variable_functions import global_variables_initializer, local_variables_initializer

__all__ = ["main_op", "main_op_with_restore"]


def main_op() -> Any:
    """Initializes all variables and tables."""
    return group(global_variables_initializer(), local_variables_initializer(), tables_initializer())


def main_op_with_restore(restore_op_name: str) -> Any:
    """Initializes variables and tables, then runs the operation that restores.

    Args:
        restore_op_name: name of that operation in the default graph.
    """
    from ..graph.default_graph import get_default_graph

    graph = get_default_graph()
    with graph.control_dependencies([main_op()]):
        return group(graph.as_graph_element(restore_op_name))
