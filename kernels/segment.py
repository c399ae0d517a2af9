"""A segment: a run of pure nodes that a backend turns into one callable.

A program keeps its values in numbered slots. A segment says which slots it takes, which it fills, and which node
computes which; handles are gone by then, their variables' values have slots of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..graph.dtypes import DType
from ..graph.ir import Node

__all__ = ["Segment", "SegmentNode"]


@dataclass(frozen=True)
class SegmentNode:
    """One node of a segment.

    Attributes:
        node: what is computed.
        args: slots of the kernel's inputs: tensors, variables' values, and last the stream position of a
            random op; None for an input that the kernel does not look at (an unread handle).
        outs: slots of the kernel's results: new values of written variables, then outputs; None for one that
            nobody uses.
        in_types: element types of the inputs.
    """

    node: Node
    args: tuple[int | None, ...]
    outs: tuple[int | None, ...]
    in_types: tuple[DType, ...]


@dataclass(frozen=True)
class Segment:
    """A run of nodes between effects.

    Attributes:
        nodes: in the order in which they run.
        inputs: slots that the callable takes, in order.
        outputs: slots that it gives, in order.
        constants: slots whose values are known: host arrays.
        host_inputs: those of `inputs` whose values must be known before compiling (shapes, axes).
        donated: those of `inputs` that nobody needs afterwards, so that their memory may be used.
        functions: bodies of the functions that nodes name, by name.
    """

    nodes: tuple[SegmentNode, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    constants: Mapping[int, Any] = field(default_factory=dict)
    host_inputs: frozenset[int] = frozenset()
    donated: frozenset[int] = frozenset()
    functions: Mapping[str, Any] = field(default_factory=dict)
