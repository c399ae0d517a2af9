"""A segment as the source text of one straight-line Python function over CuPy arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..bodies import compiled_bodies
from ..numpy.program import Locator
from ..registry import prepare, specializer
from ..segment import Segment, SegmentNode
from .elementwise import fused_source
from .steps import SHAPE_ONLY, Step, plan_steps

__all__ = ["CupyProgram"]


class CupyProgram:
    """A compiled segment.

    Attributes:
        host_inputs: positions of the inputs that are taken as NumPy arrays.
        replayable: whether a run does the same GPU work for all inputs of the same shapes, with no wait for the
            host in between: no step reads a result of the GPU, draws random numbers or has results of unknown
            shape.
        kernels: how many kernels, at least, a run starts.
    """

    def __init__(self, segment: Segment, cupy: Any) -> None:
        self.segment = segment
        self.cupy = cupy
        self.steps, self.host_slots = plan_steps(segment)
        self.host_inputs = frozenset(i for i, s in enumerate(segment.inputs) if s in self.host_slots)
        self.replayable = not any(self._is_unsteady(step) for step in self.steps)
        self.kernels = sum(not step.host for step in self.steps)
        self.bodies = compiled_bodies(segment, lambda body: CupyProgram(body, cupy))
        self._names: dict[str, Any] = {}
        self._call = self._compiled()

    def __call__(self, values: Sequence[Any]) -> Sequence[Any]:
        return self._call(values)  # type: ignore[no-any-return]

    def _is_unsteady(self, step: Step) -> bool:
        reads_back = any(
            step.args[p] is not None
            and step.args[p] not in self.host_slots
            and step.args[p] not in self.segment.constants
            for p in step.host_args
        )
        # A copy from the host would be recorded with the address of memory that others use by then.
        sends = any(
            slot in self.host_slots and slot not in self.segment.constants
            for p, slot in enumerate(step.args)
            if p not in step.host_args and not step.host
        )
        return (
            reads_back
            or sends
            or any(
                r.node.state.kind == "random" or r.node.decl.dynamic or r.node.decl.runs_functions
                for r in step.rows
            )
        )

    # --- source text ----------------------------------------------------------------------------------------

    def _compiled(self) -> Any:
        segment, names = self.segment, self._names
        names["_host"], names["_device"] = self._to_host, self._to_device
        for slot, value in segment.constants.items():
            names[f"h{slot}"] = np.asarray(value)
            names[f"v{slot}"] = value if slot in self.host_slots else self._to_device(value)
        dead = _last_uses(segment, self.steps)
        lines = ["def run(_values):"]
        if segment.inputs:
            lines.append(f" {', '.join(f'v{s}' for s in segment.inputs)}, = _values; del _values")
        lines += [f" v{s} = {self._taken(s)}" for s in segment.inputs]
        lines.append(" try:")
        first = len(lines) + 1
        for index, step in enumerate(self.steps):
            free = dead.get(index, ())
            line = self._statement(index, step)
            lines.append(f"  {line}; del {', '.join(f'v{s}' for s in free)}" if free else f"  {line}")
        lines.append(f"  return ({''.join(f'v{s}, ' for s in segment.outputs)})")
        lines += [" except Exception as error:", "  raise _failed(error) from error.__cause__"]
        names["_failed"] = locator = Locator([step.rows[-1] for step in self.steps], first)
        exec(compile("\n".join(lines), "<cupy segment>", "exec"), names)
        run = names["run"]
        locator.code = run.__code__
        return np.errstate(all="ignore")(run)

    def _taken(self, slot: int) -> str:
        """An input, where its steps will look for it; stream positions stay as they are."""
        if slot in self.host_slots:
            return f"_host(v{slot})"
        raw = any(step.rows[0].node.state.kind == "random" and step.args[-1] == slot for step in self.steps)
        return f"v{slot}" if raw else f"_device(v{slot})"

    def _statement(self, index: int, step: Step) -> str:
        row = step.rows[-1]
        if step.fused:
            source = fused_source(step.rows, self.segment.constants)
            name = f"weft_{'_'.join(r.node.op for r in step.rows)[:80]}"
            self._names[f"k{index}"] = self.cupy.ElementwiseKernel(
                source.in_params, source.out_params, source.body, name
            )
            return f"v{row.outs[0]} = k{index}({', '.join(f'v{s}' for s in source.args)})"
        args = [self._argument(step, p) for p in range(len(step.args))]
        backend, xp = ("numpy", np) if step.host else ("cupy", self.cupy)
        function, context = prepare(row.node, backend, xp, row.in_types, None, self.bodies)
        special = None
        if context is not None and not step.host_args:
            make = specializer(row.node.op, backend)
            special = make(context, {}) if make is not None else None
        if special is not None:
            function, context = special, None
        self._names[f"k{index}"] = function
        if context is not None:
            self._names[f"c{index}"] = context
            args.insert(0, f"c{index}")
        if row.node.op in SHAPE_ONLY and step.host:
            self._names["_shape_of"] = _of_shape
            args = [a if a.startswith("c") else f"_shape_of({a})" for a in args]
        return self._assigned(f"k{index}({', '.join(args)})", row)

    def _argument(self, step: Step, position: int) -> str:
        slot = step.args[position]
        if slot is None:
            return "None"
        constant = slot in self.segment.constants
        if position in step.host_args:
            if constant:
                return f"h{slot}"
            return f"v{slot}" if slot in self.host_slots else f"_host(v{slot})"
        if step.host or constant or slot not in self.host_slots:
            return f"v{slot}"
        return f"_device(v{slot})"

    def _assigned(self, call: str, row: SegmentNode) -> str:
        if all(o is None for o in row.outs):
            return call
        if len(row.outs) == 1 and any(a.is_list for a in row.node.decl.outputs):
            self._names["_only"] = _only
            call = f"_only({call})"
        return f"{', '.join('_' if o is None else f'v{o}' for o in row.outs)} = {call}"

    # --- host and device --------------------------------------------------------------------------------------

    def _to_host(self, value: Any) -> Any:
        return self.cupy.asnumpy(value) if isinstance(value, self.cupy.ndarray) else value

    def _to_device(self, value: Any) -> Any:
        if isinstance(value, self.cupy.ndarray) or value is None or _is_object(value):
            return value
        return self.cupy.asarray(value)


def _last_uses(segment: Segment, steps: Sequence[Step]) -> dict[int, list[int]]:
    """For each step's index, the slots that nothing needs after it."""
    kept = {*segment.outputs, *segment.constants}
    last: dict[int, int] = {}
    for index, step in enumerate(steps):
        last.update((s, index) for s in (*step.outs, *step.args) if s is not None and s not in kept)
    found: dict[int, list[int]] = {}
    for slot, index in last.items():
        found.setdefault(index, []).append(slot)
    return found


def _is_object(value: Any) -> bool:
    """Whether the value is text or a handle, which no GPU holds."""
    return isinstance(value, np.ndarray) and value.dtype.kind == "O"


def _of_shape(value: Any) -> Any:
    """A NumPy array of an array's shape, without memory of that size."""
    return np.broadcast_to(np.empty((), value.dtype), value.shape)


def _only(result: Any) -> Any:
    return result[0] if isinstance(result, (tuple, list)) else result
