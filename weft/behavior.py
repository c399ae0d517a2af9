"""Switches between TensorFlow's first and second version, and what else programs ask about the mode they are in.

weft is always in the first version's mode: graphs and sessions, resource variables, functional control flow. The
switches that ask for that do nothing; those that ask for the second version's are refused.
"""

from __future__ import annotations

import contextlib
import logging as _logging
from collections.abc import Iterator

from .graph.default_graph import get_default_graph

__all__ = [
    "container",
    "control_flow_v2_enabled",
    "disable_control_flow_v2",
    "disable_eager_execution",
    "disable_resource_variables",
    "disable_tensor_equality",
    "disable_v2_behavior",
    "disable_v2_tensorshape",
    "enable_control_flow_v2",
    "enable_eager_execution",
    "enable_resource_variables",
    "enable_tensor_equality",
    "enable_v2_behavior",
    "executing_eagerly",
    "executing_eagerly_outside_functions",
    "get_logger",
    "init_scope",
    "resource_variables_enabled",
]

_EAGER = (
    "weft builds graphs and runs them in sessions: there is no eager execution. Build the graph, then run it with "
    "tf.Session()."
)


def disable_v2_behavior() -> None:
    """Does nothing: graphs and sessions are what there is."""


def disable_eager_execution() -> None:
    """Does nothing: graphs and sessions are what there is."""


def disable_tensor_equality() -> None:
    """Does nothing: `==` of tensors compares the objects already."""


def disable_v2_tensorshape() -> None:
    """Does nothing: the sizes of a shape are `Dimension` objects already."""


def disable_control_flow_v2() -> None:
    """Does nothing: control flow is functional here, with the same results."""


def enable_control_flow_v2() -> None:
    """Does nothing: control flow is functional already."""


def control_flow_v2_enabled() -> bool:
    """Whether control flow is functional: yes."""
    return True


def enable_resource_variables() -> None:
    """Does nothing: variables are resources already."""


def disable_resource_variables() -> None:
    """Does nothing: variables stay resources, whose reads and writes have an order."""


def resource_variables_enabled() -> bool:
    """Whether variables are resources: yes."""
    return True


def enable_eager_execution() -> None:
    """Refuses.

    Raises:
        RuntimeError: always.
    """
    raise RuntimeError(_EAGER)


enable_v2_behavior = enable_eager_execution


def enable_tensor_equality() -> None:
    """Refuses.

    Raises:
        RuntimeError: always.
    """
    raise RuntimeError("In weft `==` of tensors compares the objects; use tf.equal for their values.")


def executing_eagerly() -> bool:
    """Whether operations run as they are called: no."""
    return False


def executing_eagerly_outside_functions() -> bool:
    """Whether operations run as they are called: no."""
    return False


@contextlib.contextmanager
def init_scope() -> Iterator[None]:
    """Leaves all control dependencies and name scopes, for ops that initialize something."""
    graph = get_default_graph()
    with graph.name_scope(None), graph.control_dependencies(None):
        yield


@contextlib.contextmanager
def container(container_name: str) -> Iterator[str]:
    """Accepted for TensorFlow's sake: all resources of a session are in one container.

    Args:
        container_name: name of the container.
    """
    yield container_name


def get_logger() -> _logging.Logger:
    """The logger that weft writes to."""
    from .logging import get_logger as found

    return found()
