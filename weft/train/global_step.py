"""The variable that counts training steps."""

from __future__ import annotations

from typing import Any

from ..graph.default_graph import get_default_graph
from ..graph.elements import Tensor
from ..graph.graph import Graph
from ..graph.graph_keys import GraphKeys
from ..initializers import Zeros
from ..variable_scope import get_variable

__all__ = [
    "assert_global_step",
    "create_global_step",
    "get_global_step",
    "get_or_create_global_step",
    "global_step",
]


def get_global_step(graph: Graph | None = None) -> Any:
    """The graph's global step, or None where it has none.

    It is the one variable in `GraphKeys.GLOBAL_STEP`, or else the tensor "global_step:0".

    Args:
        graph: the graph; the default graph by default.
    """
    graph = graph or get_default_graph()
    found = graph.get_collection(GraphKeys.GLOBAL_STEP)
    if len(found) > 1:
        raise ValueError(f"The graph has {len(found)} global steps: {[v.name for v in found]}.")
    if found:
        step = found[0]
    else:
        step = next(
            (v for v in graph.get_collection(GraphKeys.GLOBAL_VARIABLES) if v.op.name == "global_step"), None
        )
    if step is not None:
        assert_global_step(step)
    return step


def create_global_step(graph: Graph | None = None) -> Any:
    """A new global step, an int64 scalar that starts at zero.

    Args:
        graph: the graph; the default graph by default.

    Raises:
        ValueError: the graph has one already.
    """
    graph = graph or get_default_graph()
    if get_global_step(graph) is not None:
        raise ValueError('"global_step" already exists in the graph.')
    with graph.as_default(), graph.name_scope(None):
        return get_variable(
            GraphKeys.GLOBAL_STEP,
            shape=[],
            dtype="int64",
            initializer=Zeros(dtype="int64"),
            trainable=False,
            collections=[GraphKeys.GLOBAL_VARIABLES, GraphKeys.GLOBAL_STEP],
        )


def get_or_create_global_step(graph: Graph | None = None) -> Any:
    """The graph's global step; made where it has none.

    Args:
        graph: the graph; the default graph by default.
    """
    found = get_global_step(graph)
    return create_global_step(graph) if found is None else found


def assert_global_step(global_step_tensor: Any) -> None:
    """Checks that something is fit to be a global step.

    Args:
        global_step_tensor: the step count; that of the graph by default.

    Raises:
        TypeError: it is no variable or tensor of integers, or no scalar.
    """
    if not (hasattr(global_step_tensor, "handle") or isinstance(global_step_tensor, Tensor)):
        raise TypeError(f"A global step must be a variable or tensor, got {global_step_tensor!r}.")
    if not global_step_tensor.dtype.is_integer:
        raise TypeError(f"A global step must be of integers, not {global_step_tensor.dtype.name}.")
    if global_step_tensor.shape.rank not in (0, None):
        raise TypeError(f"A global step must be a scalar, not of shape {global_step_tensor.shape}.")


def global_step(sess: Any, global_step_tensor: Any) -> int:
    """The value of the global step in a session.

    Args:
        sess: the session.
        global_step_tensor: the step count; that of the graph by default.
    """
    return int(sess.run(global_step_tensor))
