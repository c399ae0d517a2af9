"""A segment as the source text of one straight-line Python function.

The function has one line per node, `v7 = k3(v5, v6)`, so an error's line number names the node, and running a
node costs a call of its kernel and nothing else.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from types import CodeType
from typing import Any

import numpy as np

from ...graph.errors import InvalidArgumentError, OpError, ResourceExhaustedError, UnknownError
from ..backend import CompiledSegment
from ..registry import prepare
from ..segment import Segment, SegmentNode

__all__ = ["generate", "node_error"]


def generate(segment: Segment, backend: str, xp: Any, runtime: Any = None) -> CompiledSegment:
    """The segment as one Python function; see `Backend.compile`."""
    functions = {name: generate(body, backend, xp) for name, body in segment.functions.items()}
    names: dict[str, Any] = {"_errstate": np.errstate, "_failed": None}
    names.update({f"v{slot}": value for slot, value in segment.constants.items()})
    last_use = _last_uses(segment)
    lines = ["def run(_values):"]
    if segment.inputs:
        lines.append(f" {', '.join(f'v{s}' for s in segment.inputs)}, = _values")
    lines += [" try:", "  with _errstate(all='ignore'):"]
    first = len(lines) + 1
    for index, row in enumerate(segment.nodes):
        function, context = prepare(row.node, backend, xp, row.in_types, runtime, functions)
        names[f"k{index}"] = function
        if context is not None:
            names[f"c{index}"] = context
        lines.append("   " + _line(index, row, context is not None, last_use.get(index, ())))
    lines.append(f"   return ({''.join(f'v{s}, ' for s in segment.outputs)})")
    lines += [" except Exception as error:", "  raise _failed(error)"]
    names["_failed"] = _Locator(segment.nodes, first)
    code = compile("\n".join(lines), f"<{backend} segment>", "exec")
    exec(code, names)
    run = names["run"]
    names["_failed"].code = run.__code__
    return run  # type: ignore[no-any-return]


def _line(index: int, row: SegmentNode, has_context: bool, dead: Sequence[int]) -> str:
    args = ["None" if a is None else f"v{a}" for a in row.args]
    call = f"k{index}({', '.join([f'c{index}', *args] if has_context else args)})"
    outs = ["_" if o is None else f"v{o}" for o in row.outs]
    if outs and not all(o is None for o in row.outs):
        call = f"{', '.join(outs)} = {call}"
    return call + (f"; del {', '.join(f'v{s}' for s in dead)}" if dead else "")


def _last_uses(segment: Segment) -> dict[int, list[int]]:
    """For each node's index, the slots that nothing needs after it."""
    kept = {*segment.outputs, *segment.constants}
    last: dict[int, int] = {}
    for index, row in enumerate(segment.nodes):
        for slot in (*row.outs, *row.args):
            if slot is not None and slot not in kept:
                last[slot] = index
    found: dict[int, list[int]] = {}
    for slot, index in last.items():
        found.setdefault(index, []).append(slot)
    return found


class _Locator:
    """Finds the node that an exception comes from, by the line of the generated function."""

    code: CodeType

    def __init__(self, nodes: Sequence[SegmentNode], first_line: int) -> None:
        self.nodes = nodes
        self.first_line = first_line

    def __call__(self, error: Exception) -> Exception:
        for frame, line in traceback.walk_tb(error.__traceback__):
            if frame.f_code is self.code and 0 <= line - self.first_line < len(self.nodes):
                return node_error(error, self.nodes[line - self.first_line], frame.f_locals)
        return error


def node_error(error: Exception, row: SegmentNode, values: Mapping[str, Any]) -> Exception:
    """The error with the node that failed in it, of TensorFlow's class for its kind."""
    node = row.node
    if isinstance(error, OpError):
        return error.at(node=node.name, source=node.source)
    made: type[OpError] = UnknownError
    if isinstance(error, (ValueError, IndexError, TypeError, ZeroDivisionError, OverflowError)):
        made = InvalidArgumentError
    elif isinstance(error, MemoryError):
        made = ResourceExhaustedError
    came = [_describe(values[f"v{a}"]) for a in row.args if a is not None and f"v{a}" in values]
    got = f", got {' and '.join(came)}" if came else ""
    what = str(error) or type(error).__name__
    found = made(node.name, f"{node.op} '{node.name}': {what}{got}", "", node.source)
    found.__cause__ = error
    return found


def _describe(value: Any) -> str:
    dtype = getattr(value, "dtype", type(value).__name__)
    return f"{dtype}[{', '.join(str(d) for d in np.shape(value))}]"
