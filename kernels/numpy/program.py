"""A segment as the source text of one straight-line Python function.

The function has one line per node, `v7 = k3(v5, v6)`, so an error's line number names the node, and running a
node costs a call of its kernel and nothing else. A ufunc writes its result over an operand that nothing needs
afterwards, where shapes are known and the array is large: fresh memory costs more than the arithmetic.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import CodeType
from typing import Any

import numpy as np

from ...graph.errors import InvalidArgumentError, OpError, ResourceExhaustedError, UnknownError
from ..backend import CompiledSegment
from ..bodies import compiled_bodies
from ..parallel import dividing_products
from ..registry import KernelContext, prepare, specializer
from ..segment import Segment, SegmentNode, host_arguments
from .inplace import Updater, in_place_rows, own_memory, updater, written_arguments
from .parallel_ufuncs import divided
from .reuse import BufferReuse

__all__ = ["Locator", "generate", "node_error"]

_ALIASES = frozenset(
    {
        "AssignVariableOp",
        "Identity",
        "PlaceholderWithDefault",
        "PreventGradient",
        "ReadVariableOp",
        "StopGradient",
    }
)
"""Ops whose result is their last input; they become an assignment."""


def generate(segment: Segment, backend: str, xp: Any) -> CompiledSegment:
    """The segment as one Python function; see `Backend.compile`."""
    run = _Source(segment, backend, xp).function()
    if any(row.node.op in _DIVIDED for row in segment.nodes):
        run = dividing_products()(run)
    return np.errstate(all="ignore")(run)  # type: ignore[no-any-return]


_DIVIDED = frozenset(
    f"{name}{gradient}"
    for name, gradients in (
        ("Conv2D", ("", "BackpropFilter", "BackpropInput")),
        ("Conv3D", ("", "BackpropFilterV2", "BackpropInputV2")),
    )
    for gradient in gradients
)
"""Ops whose products are divided together with the copying that belongs to them."""


@dataclass(slots=True)
class _Call:
    """What computes one node: a function, the context that it takes first (if any), and the slots after it."""

    function: Any
    context: KernelContext | None
    args: list[int | None]


class _Source:
    def __init__(self, segment: Segment, backend: str, xp: Any) -> None:
        last = in_place_rows(segment) if xp is np else []
        if last:
            moved = {id(row) for row in last}
            first = [row for row in segment.nodes if id(row) not in moved]
            segment = replace(segment, nodes=(*first, *last))
        self.segment = segment
        self.in_place = range(len(segment.nodes) - len(last), len(segment.nodes))
        self.backend = backend
        self.xp = xp
        self.names: dict[str, Any] = {f"v{slot}": value for slot, value in segment.constants.items()}
        # Bodies run within the segment, where NumPy's warnings are off already; a short loop would feel the switching.
        self.bodies = compiled_bodies(segment, lambda body: _Source(body, backend, xp).function())

    def function(self) -> CompiledSegment:
        segment, names = self.segment, self.names
        calls = [
            None if index in self.in_place else self.call(row) for index, row in enumerate(segment.nodes)
        ]
        dead = _last_uses(segment)
        ufuncs = {i for i, call in enumerate(calls) if call is not None and writes_over(call.function)}
        reuse = BufferReuse(segment, dead, ufuncs)
        for i in ufuncs:
            call = calls[i]
            assert call is not None
            if isinstance(call.function, np.ufunc):
                call.function = divided(call.function, segment.nodes[i])
        lines = ["def run(_values):"]
        if segment.inputs:
            # What is updated in place must not be held by the list that it came in.
            forget = "_values.clear()" if self.in_place else "del _values"
            lines.append(f" {', '.join(f'v{s}' for s in segment.inputs)}, = _values; {forget}")
        lines.append(" try:")
        first, rows = len(lines) + 1, list(segment.nodes)
        for index, (row, call) in enumerate(zip(segment.nodes, calls, strict=True)):
            if index == self.in_place.start:
                checks = [self.check(i) for i in self.in_place]
                lines += [f"  {line}" for line in checks]
                rows[index:index] = segment.nodes[index:]
            over = reuse.take(index, row) if index in ufuncs else None
            line = self.update(index) if index in self.in_place else self.statement(index, row, call, over)
            free = dead.get(index, ())
            lines.append(f"  {line}; del {', '.join(f'v{s}' for s in free)}" if free else f"  {line}")
        lines.append(f"  return ({''.join(f'v{s}, ' for s in segment.outputs)})")
        lines += [" except Exception as error:", "  raise _failed(error) from error.__cause__"]
        names["_failed"] = locator = Locator(rows, first)
        code = compile("\n".join(lines), f"<{self.backend} segment>", "exec")
        exec(code, names)
        run = names["run"]
        locator.code = run.__code__
        return run  # type: ignore[no-any-return]

    def call(self, row: SegmentNode) -> _Call | None:
        """How a node is computed; None where its result is its last input as it is, or it has none."""
        if row.node.op == "NoOp":
            return None
        if row.node.op in _ALIASES and row.args[-1] is not None and row.outs[0] is not None:
            return None
        function, context = prepare(row.node, self.backend, self.xp, row.in_types, None, self.bodies)
        if context is not None:
            known = self.known_hosts(row)
            make = None if known is None else specializer(row.node.op, self.backend)
            special = None if make is None or known is None else make(context, known)
            if special is not None and known is not None:
                left = [a for p, a in enumerate(row.args) if p not in known]
                return _Call(special, None, left)
        return _Call(function, context, list(row.args))

    def check(self, index: int) -> str:
        """The statement that looks whether a node's update in place can be made."""
        row = self.segment.nodes[index]
        _, context = prepare(row.node, self.backend, self.xp, row.in_types, None, self.bodies)
        make = updater(row.node.op)
        assert make is not None and context is not None
        made: Updater = make(context)
        self.names[f"k{index}"], self.names[f"t{index}"] = made.update, made.check
        return f"t{index}({self.listed(row)})"

    def update(self, index: int) -> str:
        """The statement of an update in place, of copies where somebody else holds the variable."""
        row = self.segment.nodes[index]
        self.names["_own"] = own_memory
        own = "; ".join(f"v{s} = _own(v{s})" for s in written_arguments(row))
        return f"{own}; {self.assignment(f'k{index}({self.listed(row)})', row)}"

    @staticmethod
    def listed(row: SegmentNode) -> str:
        return ", ".join("None" if a is None else f"v{a}" for a in row.args)

    def known_hosts(self, row: SegmentNode) -> dict[int, Any] | None:
        """Values of the node's host inputs by position; None where one is not a constant."""
        constants, args = self.segment.constants, row.args
        hosts = host_arguments(row)
        if any(args[p] not in constants for p in hosts):
            return None
        return {p: constants[slot] for p in hosts if (slot := args[p]) is not None}

    def statement(self, index: int, row: SegmentNode, call: _Call | None, over: int | None) -> str:
        """The statement that computes a node."""
        if call is None:
            return f"v{row.outs[0]} = v{row.args[-1]}" if row.outs else "pass"
        args = ["None" if a is None else f"v{a}" for a in call.args]
        self.names[f"k{index}"] = call.function
        if call.context is not None:
            self.names[f"c{index}"] = call.context
            args.insert(0, f"c{index}")
        if over is not None:
            args.append(f"out=v{over}")
        return self.assignment(f"k{index}({', '.join(args)})", row)

    def assignment(self, call: str, row: SegmentNode) -> str:
        outs = row.outs
        if all(o is None for o in outs):
            return call
        if len(outs) == 1 and any(a.is_list for a in row.node.decl.outputs):
            self.names["_only"] = _only
            call = f"_only({call})"
        targets = ", ".join("_" if o is None else f"v{o}" for o in outs)
        return f"{targets} = {call}"


def writes_over(function: Any) -> bool:
    """Whether a function of elements takes, after its inputs, memory for its result, which may be an input's."""
    return isinstance(function, np.ufunc) or getattr(function, "writes_over", False)


def _only(result: Any) -> Any:
    """The one member of a list output, which kernels give bare or as a tuple."""
    return result[0] if isinstance(result, (tuple, list)) else result


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


class Locator:
    """Finds the node that an exception comes from, by the line of the generated function."""

    code: CodeType

    def __init__(self, nodes: Sequence[SegmentNode], first_line: int) -> None:
        self.nodes = nodes
        self.first_line = first_line

    def __call__(self, error: Exception) -> Exception:
        for frame, line in traceback.walk_tb(error.__traceback__):
            if frame.f_code is self.code and 0 <= line - self.first_line < len(self.nodes):
                row = self.nodes[line - self.first_line]
                values = {**self.constants_of(frame.f_globals), **frame.f_locals}
                return node_error(error, row, values)
        return error

    @staticmethod
    def constants_of(names: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in names.items() if name[0] == "v"}


def node_error(error: Exception, row: SegmentNode, values: Mapping[str, Any]) -> Exception:
    """The error with the node that failed in it, of TensorFlow's class for its kind.

    Args:
        error: what the kernel raised.
        row: the node.
        values: `v<slot>` → value, for the shapes that came in.
    """
    node = row.node
    if isinstance(error, OpError):
        found: OpError = error.at(node=node.name, source=node.source)
        found.__cause__ = error.__cause__
        return found
    made: type[OpError] = UnknownError
    if isinstance(error, (ValueError, IndexError, TypeError, ArithmeticError)):
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
