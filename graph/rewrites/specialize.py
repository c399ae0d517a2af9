"""A step for feeds of certain shapes: everything that follows from them can be settled before it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..ir import Subgraph
from ..shapes import TensorShape

__all__ = ["with_feed_shapes"]


def with_feed_shapes(
    subgraph: Subgraph, shapes: Mapping[str, tuple[int, ...]]
) -> tuple[Subgraph, tuple[str, ...]]:
    """The step with the shapes of its feeds settled.

    Args:
        subgraph: the step.
        shapes: dimensions of `_Feed` nodes, by node name.

    Returns:
        The step, in which only the `_Feed` nodes know more, and the names of those.

    Raises:
        ValueError: a shape contradicts that of its feed.
    """
    nodes = dict(subgraph.nodes)
    for name, dims in shapes.items():
        node = nodes[name]
        shape = node.shapes[0].merge_with(TensorShape(dims))
        nodes[name] = node.with_(shapes=(shape,), attrs={**node.attrs, "shape": shape})
    return replace(subgraph, nodes=nodes), tuple(shapes)
