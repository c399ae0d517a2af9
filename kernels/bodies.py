"""Bodies of functions that a segment's nodes call, compiled when a kernel first asks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..graph.errors import InternalError
from ..graph.ir import Subgraph
from .backend import CompiledSegment
from .segment import Segment, WholeSegment, whole_segment

__all__ = ["body_segment", "compiled_bodies", "open_body"]


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
    segment, streams = open_body(body, functions)
    if streams:
        names = ", ".join(streams)
        raise InternalError(None, f"a function's body draws random numbers outside the runtime: {names}")
    return segment


def open_body(body: Subgraph, functions: Mapping[str, Any]) -> tuple[Segment, dict[str, int]]:
    """A function's body as a segment, and the slots of the stream positions that its random nodes take.

    Raises:
        InternalError: the body uses variables that are not among its arguments.
    """
    whole = whole_segment(body, list(body.feeds.values()), functions)
    feeds = set(body.feeds.values())
    outside = [name for name in (*whole.variables, *whole.written) if name not in feeds]
    if outside:
        held = ", ".join(outside)
        raise InternalError(
            None, f"a function's body uses variables that are not among its arguments: {held}"
        )
    positions = whole.segment.inputs[len(whole.feeds) + len(whole.variables) :]
    return _with_values(whole, body), dict(zip(whole.streams, positions, strict=True))


def _with_values(whole: WholeSegment, body: Subgraph) -> Segment:
    """The body with variables' values as arguments where handles are, and their new values behind the results."""
    segment = whole.segment
    count = len(whole.feeds)
    values = dict(zip(whole.variables, segment.inputs[count:], strict=False))
    handles = dict(zip(whole.feeds, segment.inputs, strict=False))
    inputs = tuple(values.get(name, slot) for name, slot in handles.items())
    results = segment.outputs[: len(body.fetches)]
    new = dict(zip(whole.written, segment.outputs[len(body.fetches) :], strict=True))
    # A handle that is handed through stands for the variable's value.
    same = {handles[name]: slot for name, slot in values.items()}
    return replace(
        segment,
        inputs=inputs,
        outputs=(
            *(same.get(slot, slot) for slot in results),
            *(new.get(name, values.get(name, handles[name])) for name in body.writes),
        ),
    )


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
