"""Bodies of functions that a segment's nodes call, compiled when a kernel first asks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..graph.errors import InternalError
from ..graph.ir import Subgraph
from .backend import CompiledSegment
from .segment import Segment, whole_segment

__all__ = ["body_segment", "compiled_bodies"]


def body_segment(body: Any, functions: Mapping[str, Any]) -> Segment:
    """A function's body as a segment from its arguments to its results.

    Args:
        body: a segment, or a subgraph whose feeds are the arguments and whose fetches are the results.
        functions: the bodies that nodes of the body may name in turn.

    Raises:
        InternalError: the body has variables or random streams, which have to be made arguments first.
    """
    if isinstance(body, Segment):
        return replace(body, functions=functions) if not body.functions else body
    assert isinstance(body, Subgraph)
    whole = whole_segment(body, list(body.feeds.values()), functions)
    if whole.variables or whole.streams or whole.written:
        held = ", ".join((*whole.variables, *whole.streams, *whole.written))
        raise InternalError(None, f"a function's body uses state that is not among its arguments: {held}")
    return whole.segment


class _Bodies(Mapping[str, CompiledSegment]):
    def __init__(self, bodies: Mapping[str, Any], compile_body: Callable[[Segment], CompiledSegment]) -> None:
        self._bodies = bodies
        self._compile = compile_body
        self._made: dict[str, CompiledSegment] = {}

    def __getitem__(self, name: str) -> CompiledSegment:
        if name not in self._made:
            self._made[name] = self._compile(body_segment(self._bodies[name], self._bodies))
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._bodies)

    def __len__(self) -> int:
        return len(self._bodies)


def compiled_bodies(
    segment: Segment, compile_body: Callable[[Segment], CompiledSegment]
) -> Mapping[str, CompiledSegment]:
    """`segment.functions` as a mapping from name to callable, each compiled on first use."""
    return _Bodies(segment.functions, compile_body) if segment.functions else {}
