"""Function bodies with effects: run node by node, in order, with the runtime at hand.

What is pure between two effects is compiled by the device's backend as anywhere else. Random ops draw from streams of
their own, whose positions the runtime keeps under the names of function and node.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..graph.errors import FailedPreconditionError
from ..graph.ir import Subgraph
from .backend import Backend, get_backend
from .bodies import open_body
from .registry import KernelContext, bind, find_kernel
from .segment import Segment, SegmentNode, host_arguments

__all__ = ["EffectBodies"]


class EffectBodies(Mapping[str, Callable[[Sequence[Any]], Sequence[Any]]]):
    """The bodies of a library, run with the runtime; see `KernelContext.functions`.

    Args:
        bodies: subgraphs by name.
        backend: name of the backend.
        runtime: what effects may touch.
    """

    def __init__(self, bodies: Mapping[str, Any], backend: str, runtime: Any) -> None:
        self.bodies = bodies
        self.backend = backend
        self.runtime = runtime
        self._made: dict[str, _Sequence] = {}

    @functools.cached_property
    def array_backend(self) -> Backend:
        """The backend itself, for the device that the runtime belongs to where it says so."""
        own = getattr(self.runtime, "array_backend", None)
        return get_backend(self.backend) if own is None else own

    def __getitem__(self, name: str) -> _Sequence:
        if name not in self._made:
            self._made[name] = _Sequence(name, self.bodies[name], self)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.bodies)

    def __len__(self) -> int:
        return len(self.bodies)


@dataclass(slots=True)
class _Step:
    """One call: a compiled run of pure nodes, or one node on its own."""

    call: Callable[[Sequence[Any]], Sequence[Any]]
    inputs: tuple[int, ...]
    outputs: tuple[int | None, ...]


class _Sequence:
    """One body, ready to be called with its arguments.

    Args:
        name: name of the function.
        body: its body.
        library: the functions that it may run in turn.
    """

    def __init__(self, name: str, body: Subgraph, library: EffectBodies) -> None:
        self.name = name
        self.library = library
        self.backend = library.array_backend
        self.segment, self.streams = open_body(body, library.bodies)
        self.preset = {s: self.backend.to_device(v) for s, v in self.segment.constants.items()}
        self.steps: list[_Step] = []
        open_rows: list[SegmentNode] = []
        rows = self.segment.nodes
        for index, row in enumerate(rows):
            if _runs_alone(row):
                self._close(open_rows, rows[index:])
                self.steps.append(self._alone(row))
            else:
                open_rows.append(row)
        self._close(open_rows, ())

    def __call__(self, values: Sequence[Any]) -> Sequence[Any]:
        slots: dict[int | None, Any] = {**self.preset, -1: None}
        slots.update(zip(self.segment.inputs, values, strict=True))
        for step in self.steps:
            results = step.call([slots[s] for s in step.inputs])
            slots.update(zip(step.outputs, results, strict=True))
        return [slots[s] for s in self.segment.outputs]

    def _close(self, rows: list[SegmentNode], later: Sequence[SegmentNode]) -> None:
        """Compiles the open run of pure nodes."""
        if not rows:
            return
        own = {s for r in rows for s in r.outs if s is not None}
        wanted = {s for r in later for s in r.args} | set(self.segment.outputs)
        taken = dict.fromkeys(s for r in rows for s in r.args if s is not None and s not in own)
        inputs = tuple(s for s in taken if s not in self.segment.constants)
        outputs = tuple(s for s in own if s in wanted)
        self.steps.append(_Step(self._compiled(rows, inputs, outputs), inputs, outputs))
        rows.clear()

    def _alone(self, row: SegmentNode) -> _Step:
        node = row.node
        inputs = tuple(-1 if s is None else s for s in row.args)
        if node.op == "ReadVariableOp":
            return _Step(_Read(row), inputs, row.outs)
        found = find_kernel(node.op, self.backend.name)
        if node.state.kind == "random":
            taken = tuple(dict.fromkeys(s for s in inputs[:-1] if s not in self.segment.constants))
            call = self._compiled([row], (*taken, inputs[-1]), tuple(s for s in row.outs if s is not None))
            draw = _Draw(self, row, call, found.reserve if found is not None else None)
            return _Step(draw, taken, row.outs)
        host = found is not None and found.host
        xp = np if host else self.backend.xp()
        function = bind(node, self.backend.name, xp, row.in_types, self.library.runtime, self.library)
        return _Step(_Call(self, row, function, host), inputs, row.outs)

    def _compiled(
        self, rows: Sequence[SegmentNode], inputs: tuple[int, ...], outputs: tuple[int, ...]
    ) -> Callable[[Sequence[Any]], Sequence[Any]]:
        hosts = {r.args[p] for r in rows for p in host_arguments(r)}
        taken = {s for r in rows for s in r.args}
        segment = Segment(
            tuple(rows),
            inputs,
            outputs,
            {s: v for s, v in self.segment.constants.items() if s in taken and s not in inputs},
            host_inputs=frozenset(s for s in inputs if s in hosts),
            functions=self.library.bodies,
        )
        return self.backend.compile(segment)


def _runs_alone(row: SegmentNode) -> bool:
    """Whether a node is no part of a compiled run: effects, draws, questions about a variable's state."""
    return row.node.state.kind in ("effect", "random") or row.node.op in (
        "VarIsInitializedOp",
        "ReadVariableOp",
    )


class _Read:
    """The value of a variable, which must have one."""

    def __init__(self, row: SegmentNode) -> None:
        self.row = row

    def __call__(self, values: Sequence[Any]) -> Sequence[Any]:
        if values[0] is None:
            node = self.row.node
            raise FailedPreconditionError(
                node.name,
                f"Attempting to use uninitialized value in {node.op} '{node.name}': run the variable's initializer "
                "(tf.global_variables_initializer()) in this session first",
                "",
                node.source,
            )
        return values


class _Call:
    """One node's kernel, its results as a list."""

    def __init__(self, owner: _Sequence, row: SegmentNode, kernel: Callable[..., Any], host: bool) -> None:
        self.kernel = kernel
        self.outputs = len(row.outs)
        self.hosts = frozenset(range(len(row.args)) if host else host_arguments(row))
        self.convert = owner.backend.to_host

    def __call__(self, values: Sequence[Any]) -> Sequence[Any]:
        if self.hosts:
            values = [self.convert(v) if i in self.hosts else v for i, v in enumerate(values)]
        result = self.kernel(*values)
        if self.outputs > 1:
            return result  # type: ignore[no-any-return]
        if not self.outputs:
            return ()
        return (result[0] if isinstance(result, (tuple, list)) else result,)


class _Draw:
    """A random node: takes its stream's position from the runtime, and moves it on."""

    def __init__(self, owner: _Sequence, row: SegmentNode, call: Callable[..., Any], reserve: Any) -> None:
        self.call = call
        self.runtime = owner.library.runtime
        self.key = f"{owner.name}/{row.node.name}"
        context = KernelContext(np, owner.backend.name, row.node, row.node.attrs, (), row.node.types)
        self.taken = lambda shape: reserve(context, shape)
        shape = row.node.shapes[0]
        self.known = self.taken(shape.known()) if shape.is_fully_defined() else None

    def __call__(self, values: Sequence[Any]) -> Sequence[Any]:
        position = self.runtime.next_position(self.key, self.known or 0)
        results = self.call([*values, np.uint64(position)])
        if self.known is None:
            self.runtime.next_position(self.key, self.taken(np.shape(results[0])))
        return results
