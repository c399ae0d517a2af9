"""Segments made from small graphs, for the tests of backends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from weft.graph.elements import Tensor
from weft.graph.graph import Graph
from weft.graph.ops.source import Placeholder
from weft.graph.prune import prune
from weft.kernels.segment import Segment, whole_segment


def traced(build: Callable[..., Any], *specs: tuple[Any, Any]) -> Segment:
    """What `build` makes of placeholders, as a segment from the placeholders to what it gives.

    Args:
        build: from one tensor per placeholder to the tensor, or list of tensors, to fetch.
        *specs: element type and shape of each placeholder.
    """
    graph = Graph()
    with graph.as_default():
        feeds = [
            Placeholder(dtype=dtype, shape=shape, name=f"x{i}") for i, (dtype, shape) in enumerate(specs)
        ]
        made = build(*feeds)
    fetches: Sequence[Tensor] = [made] if isinstance(made, Tensor) else list(made)
    subgraph = prune(graph, fetches, feeds, [])
    order = [subgraph.feeds[t.name] for t in feeds if t.name in subgraph.feeds]
    return whole_segment(subgraph, order).segment
