"""A device's part of a step, as it is sent to the device and as the device runs it.

A `ProgramSpec` is plain data. The device turns it into a `Program`: for each stage a list of instructions over
numbered slots; a maximal run of pure nodes is one instruction, compiled by the backend, an effect is one of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..graph.dtypes import DType
from ..graph.ir import FEED, Node, Ref
from ..graph.versions import Access
from ..kernels.backend import Backend, CompiledSegment
from ..kernels.handles import ResourceHandle
from ..kernels.numpy.program import node_error
from ..kernels.registry import KernelContext, bind, find_kernel
from ..kernels.segment import Segment, SegmentNode
from .stages import Stage, edge_key

__all__ = ["Instruction", "Program", "ProgramSpec", "VariableKey", "VariableSpec", "build_program"]

VariableKey = tuple[str, str, str]
"""Key of a variable in a device's state: kind, container, name."""

_NO_KERNEL = ("NoOp", "VarHandleOp", "Const", FEED, "_Send", "_Recv", "ReadVariableOp", "VarIsInitializedOp")


@dataclass(frozen=True)
class VariableSpec:
    """A variable that a program uses.

    Attributes:
        node: name of the node that yields its handle.
        key: key of the variable in the device's state: kind, container, name.
        source: `file:line` where it was made.
    """

    node: str
    key: VariableKey
    source: str


@dataclass(frozen=True)
class ProgramSpec:
    """What one device runs in one kind of step.

    Attributes:
        device: full name of the device.
        stages: what it runs, a wait for other devices before each.
        feeds: names of the `_Feed` nodes, in the order in which values are given.
        fetches: tensors that it returns, in order.
        accesses: for each node that touches variables, which versions it takes and makes.
        final: last version of each variable that it writes, by name of the handle's node.
        variables: the variables it uses, by name of the handle's node.
        functions: bodies of the functions that its nodes name.
    """

    device: str
    stages: tuple[Stage, ...]
    feeds: tuple[str, ...]
    fetches: tuple[Ref, ...]
    accesses: Mapping[str, tuple[Access, ...]] = field(default_factory=dict)
    final: Mapping[str, int] = field(default_factory=dict)
    variables: Mapping[str, VariableSpec] = field(default_factory=dict)
    functions: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Instruction:
    """One call of a program.

    Attributes:
        call: takes the values of the input slots, gives those of the output slots.
        inputs, outputs: slots.
        frees: slots that nobody needs afterwards.
        effect: whether others can see it happen; it is then not part of a segment.
        bases: variables whose present value is loaded into a slot right before the call, because the call
            builds a new version on it: slot, variable key.
        versions: those of `outputs` that are versions of variables.
        nodes: names of the nodes it computes.
        overlay: for an effect that may change variables: variable key, slot before, slot after.
        segment: what was compiled; None for an effect.
        timed: the same with the time of each node, once step statistics have been asked for.
    """

    call: CompiledSegment
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    frees: tuple[int, ...] = ()
    effect: bool = False
    bases: tuple[tuple[int, VariableKey], ...] = ()
    versions: tuple[int, ...] = ()
    nodes: tuple[str, ...] = ()
    overlay: tuple[tuple[VariableKey, int | None, int], ...] = ()
    segment: Segment | None = None
    timed: Any = None


@dataclass(slots=True)
class StageProgram:
    """The instructions of one stage.

    Attributes:
        level: of the stage.
        instructions: in order.
        recvs: key of a tensor that arrives → its slot.
        sends: key of a tensor that leaves, its slot (None for a mere signal), device it goes to.
    """

    level: int
    instructions: list[Instruction]
    recvs: dict[str, int]
    sends: list[tuple[str, int | None, str]]


@dataclass(slots=True)
class Program:
    """A compiled `ProgramSpec`.

    Attributes:
        spec: what it was made of.
        slots: how many slots a frame has.
        stages: in order.
        preset: slots whose values never change: constants, handles.
        feeds: slot of each feed that is used, in the order of `spec.feeds`; None for one that is not.
        fetches: slot of each fetch.
        reads: variables that are read as they were before the step: key → (slot, name of a node that reads it).
        initialized: variables that are asked whether they have a value: slot, key.
        updates: variables that the step writes: key → slot of the last version.
        positions: random nodes: name → (slot of the stream position, samples that a run takes or a function of
            the frame's slots).
        has_effects: whether an instruction is an effect.
    """

    spec: ProgramSpec
    slots: int
    stages: list[StageProgram]
    preset: dict[int, Any]
    feeds: tuple[int | None, ...]
    fetches: tuple[int, ...]
    reads: dict[VariableKey, tuple[int, str]]
    initialized: list[tuple[int, VariableKey]]
    updates: dict[VariableKey, int]
    positions: dict[str, tuple[int, Any]]
    has_effects: bool

    @property
    def writes(self) -> bool:
        return bool(self.updates)


def build_program(spec: ProgramSpec, backend: Backend, runtime: Any) -> Program:
    """Compiles what a device is to run.

    Args:
        spec: what to run.
        backend: that of the device.
        runtime: what effects may touch.

    Raises:
        UnimplementedError: the backend has no kernel for a node.
    """
    return _Builder(spec, backend, runtime).build()


class _Builder:
    def __init__(self, spec: ProgramSpec, backend: Backend, runtime: Any) -> None:
        self.spec = spec
        self.backend = backend
        self.runtime = runtime
        self.count = 0
        self.slot_of: dict[Ref, int] = {}
        self.type_of: dict[Ref, DType] = {}
        self.version_slot: dict[tuple[str, int], int] = {}
        self.base_slot: dict[str, int] = {}
        self.constants: dict[int, Any] = {}
        self.preset: dict[int, Any] = {}
        self.reads: dict[VariableKey, tuple[int, str]] = {}
        self.initialized: list[tuple[int, VariableKey]] = []
        self.positions: dict[str, tuple[int, Any]] = {}
        self.host_inputs: set[int] = set()
        self.has_effects = False
        self.nodes = {n.name: n for s in spec.stages for n in s.nodes}

    def new_slot(self) -> int:
        self.count += 1
        return self.count - 1

    def build(self) -> Program:
        spec = self.spec
        for stage in spec.stages:
            for node in stage.nodes:
                self.type_of.update({(node.name, i): t for i, t in enumerate(node.types)})
        stages = [self.stage(s) for s in spec.stages]
        fetches = tuple(self.slot_of[r] for r in spec.fetches)
        updates = {
            spec.variables[v].key: self.version_slot[v, n]
            for v, n in spec.final.items()
            if (v, n) in self.version_slot
        }
        program = Program(
            spec=spec,
            slots=self.count,
            stages=stages,
            preset=self.preset,
            feeds=tuple(self.slot_of.get((f, 0)) for f in spec.feeds),
            fetches=fetches,
            reads=self.reads,
            initialized=self.initialized,
            updates=updates,
            positions=self.positions,
            has_effects=self.has_effects,
        )
        _finish(self, program)
        return program

    # --- nodes -> slots -----------------------------------------------------------------------------------

    def stage(self, stage: Stage) -> StageProgram:
        made = StageProgram(stage.level, [], {}, [])
        open_nodes: list[SegmentNode] = []
        for node in stage.nodes:
            if node.op == "_Send":
                slot = self.slot_of.get(node.inputs[0]) if node.inputs else None
                made.sends.append((edge_key(node), slot, str(node.attrs["recv_device"])))
            elif node.op == "_Recv":
                made.recvs[edge_key(node)] = self.output_slots(node)[0]
            elif node.op in _NO_KERNEL:
                self.source(node)
            elif node.state.kind == "effect":
                self.close(made, open_nodes)
                made.instructions.append(self.effect(node))
                self.has_effects = True
            else:
                alone = self.backend.ends_segment(node)
                if alone:
                    self.close(made, open_nodes)
                open_nodes.append(self.segment_node(node))
                if alone:
                    self.close(made, open_nodes)
        self.close(made, open_nodes)
        return made

    def output_slots(self, node: Node) -> list[int]:
        slots = []
        for index in range(max(len(node.types), 1)):
            slots.append(self.slot_of.setdefault((node.name, index), self.count))
            if slots[-1] == self.count:
                self.count += 1
        return slots

    def source(self, node: Node) -> None:
        """Nodes that no kernel computes: their slots are filled, or are those of something else."""
        if node.op == "Const":
            slot = self.output_slots(node)[0]
            self.constants[slot] = node.attrs["value"]
        elif node.op == "VarHandleOp":
            var = self.spec.variables.get(node.name)
            key = var.key if var else ("variable", node.attrs["container"], node.name)
            self.preset[self.output_slots(node)[0]] = ResourceHandle(*key)
        elif node.op == FEED:
            self.output_slots(node)
        elif node.op == "ReadVariableOp":
            (access,) = self.spec.accesses[node.name]
            self.slot_of[node.name, 0] = self.read_slot(access.variable, access.reads or 0, node)
        elif node.op == "VarIsInitializedOp":
            self.is_initialized(node)

    def is_initialized(self, node: Node) -> None:
        slot = self.output_slots(node)[0]
        (access,) = self.spec.accesses[node.name]
        if access.reads:
            self.preset[slot] = np.bool_(True)
        else:
            self.initialized.append((slot, self.spec.variables[access.variable].key))

    def read_slot(self, variable: str, version: int, node: Node) -> int:
        """Slot of a version of a variable; version 0 is what it was before the step."""
        if version:
            return self.version_slot[variable, version]
        key = self.spec.variables[variable].key
        if key not in self.reads:
            self.reads[key] = (self.new_slot(), node.name)
        return self.reads[key][0]

    def segment_node(self, node: Node) -> SegmentNode:
        state = node.state
        args: list[int | None] = [self.slot_of.get(r) for r in node.inputs]
        types = [self.type_of[r] for r in node.inputs]
        written: list[int | None] = []
        if state.kind == "variable":
            self.variable_args(node, args, types, written)
        self.note_host_inputs(node, args)
        if state.kind == "random":
            args.append(self.position(node))
        outs = (*written, *(self.output_slots(node) if node.types else ()))
        return SegmentNode(node, tuple(args), outs, tuple(types))

    def variable_args(
        self, node: Node, args: list[int | None], types: list[DType], written: list[int | None]
    ) -> None:
        slices = node.decl.arg_slices(node.attrs)
        accesses = {a.argument: a for a in self.spec.accesses.get(node.name, ())}
        for argument, access in accesses.items():
            at = slices[argument].start
            args[at] = None
            handle = self.nodes[access.variable].handle
            if handle is not None:
                types[at] = handle.dtype
            if access.reads is not None:
                builds = access.writes is not None and access.reads == 0
                args[at] = (
                    self.base(access.variable)
                    if builds
                    else self.read_slot(access.variable, access.reads, node)
                )
        for argument in node.state.writes:
            access = accesses[argument]
            assert access.writes is not None
            slot = self.version_slot[access.variable, access.writes] = self.new_slot()
            written.append(slot)

    def base(self, variable: str) -> int:
        """Slot of the value that the step's first write of a variable builds on: its newest one.

        It is loaded when that write runs, not when the step starts, so that steps of several clients which
        update one variable at a time build on each other's results.
        """
        if variable not in self.base_slot:
            self.base_slot[variable] = self.new_slot()
        return self.base_slot[variable]

    def note_host_inputs(self, node: Node, args: Sequence[int | None]) -> None:
        if node.decl.host_inputs:
            slices = node.decl.arg_slices(node.attrs)
            for name in node.decl.host_inputs:
                part = slices[name]
                self.host_inputs.update(s for s in args[part.start : part.stop] if s is not None)

    def position(self, node: Node) -> int:
        slot = self.new_slot()
        found = find_kernel(node.op, self.backend.name)
        reserve = found.reserve if found is not None else None
        context = KernelContext(np, self.backend.name, node, node.attrs, (), node.types)

        def taken(shape: tuple[int, ...]) -> int:
            if reserve is not None:
                return reserve(context, shape)
            return int(np.prod(shape, dtype=np.int64)) * 256

        shape = node.shapes[0]
        if shape.is_fully_defined():
            self.positions[node.name] = (slot, taken(shape.known()))
        else:
            out = self.output_slots(node)[0]
            self.positions[node.name] = (slot, (out, taken))
        return slot

    # --- instructions -------------------------------------------------------------------------------------

    def effect(self, node: Node) -> Instruction:
        types = [self.type_of[r] for r in node.inputs]
        host = find_kernel(node.op, self.backend.name)
        xp = np if host is not None and host.host else self.backend.xp()
        function = bind(node, self.backend.name, xp, types, self.runtime, self.spec.functions)
        to_host = self.backend.to_host if host is not None and host.host else None
        outs = self.output_slots(node) if node.types else []
        inputs = tuple(self.slot_of[r] for r in node.inputs)
        overlay = []
        for access in self.spec.accesses.get(node.name, ()):
            key = self.spec.variables[access.variable].key
            version = access.reads or 0
            before = self.version_slot.get((access.variable, version))
            if access.writes is not None:
                after = self.version_slot[access.variable, access.writes] = self.new_slot()
                overlay.append((key, before, after))
        call = _effect_call(function, len(outs), to_host, node)
        return Instruction(call, inputs, tuple(outs), effect=True, nodes=(node.name,), overlay=tuple(overlay))

    def close(self, made: StageProgram, nodes: list[SegmentNode]) -> None:
        """Turns the open run of nodes into one instruction; it is compiled once all uses are known."""
        if not nodes:
            return
        own = {s for n in nodes for s in n.outs if s is not None}
        taken = dict.fromkeys(s for n in nodes for s in n.args if s is not None and s not in own)
        constants = {s: self.constants[s] for s in taken if s in self.constants}
        inputs = tuple(s for s in taken if s not in constants)
        bases = {slot: v for v, slot in self.base_slot.items()}
        made.instructions.append(
            Instruction(
                call=_Pending(tuple(nodes), constants),
                inputs=inputs,
                outputs=tuple(own),
                bases=tuple((s, self.spec.variables[bases[s]].key) for s in inputs if s in bases),
                nodes=tuple(n.node.name for n in nodes),
            )
        )
        nodes.clear()


class _Pending:
    """A segment whose outputs are not settled yet."""

    def __init__(self, nodes: tuple[SegmentNode, ...], constants: dict[int, Any]) -> None:
        self.nodes = nodes
        self.constants = constants

    def __call__(self, _: Sequence[Any]) -> Sequence[Any]:
        raise AssertionError("the segment is not compiled yet")


def _finish(builder: _Builder, program: Program) -> None:
    """Settles which slots live how long, then compiles the segments."""
    instructions = [i for s in program.stages for i in s.instructions]
    kept = set(program.fetches) | set(program.updates.values())
    kept.update(slot for s in program.stages for _, slot, _ in s.sends if slot is not None)
    kept.update(
        out for _, taken in program.positions.values() if isinstance(taken, tuple) for out in taken[:1]
    )
    kept.update(before for i in instructions for _, before, _ in i.overlay if before is not None)
    for slot, value in builder.constants.items():
        used_outside = slot in kept or any(i.effect and slot in i.inputs for i in instructions)
        if used_outside:
            program.preset[slot] = builder.backend.to_device(value)
    needed = set(kept)
    versions = set(builder.version_slot.values())
    last_use = {}
    for number, instruction in enumerate(instructions):
        for slot in instruction.inputs:
            last_use[slot] = number
    for number in reversed(range(len(instructions))):
        instruction = instructions[number]
        if isinstance(instruction.call, _Pending):
            outputs = tuple(s for s in instruction.outputs if s in needed)
            own = set(instruction.outputs)
            instruction.outputs = outputs
            instruction.versions = tuple(s for s in outputs if s in versions)
            pending = instruction.call
            segment = Segment(
                nodes=_trimmed(pending.nodes, needed, own),
                inputs=instruction.inputs,
                outputs=outputs,
                constants=pending.constants,
                host_inputs=frozenset(s for s in instruction.inputs if s in builder.host_inputs),
                donated=_donated(builder, program, instruction),
                functions=program.spec.functions,
            )
            instruction.call = builder.backend.compile(segment)
            instruction.segment = segment
        needed.update(instruction.inputs)
    for number, instruction in enumerate(instructions):
        instruction.frees = tuple(
            s
            for s in dict.fromkeys(instruction.inputs)
            if last_use[s] == number and s not in kept and s not in program.preset
        )


def _donated(builder: _Builder, program: Program, instruction: Instruction) -> frozenset[int]:
    """Slots of the variables that a step may update in place: in one call, on one device, under its lock.

    In several calls, or on several devices, the step could fail after the update.
    """
    alone = sum(len(s.instructions) for s in program.stages) == 1
    alone = alone and not any(s.sends or s.recvs for s in program.stages)
    if not alone or program.has_effects or builder.backend.name != "numpy":
        return frozenset()
    return frozenset(slot for slot, _ in instruction.bases)


def _trimmed(nodes: tuple[SegmentNode, ...], needed: set[int], own: set[int]) -> tuple[SegmentNode, ...]:
    """The nodes with the results that nobody takes marked as such."""
    inside = {s for n in nodes for s in n.args if s is not None}
    return tuple(
        SegmentNode(
            n.node,
            n.args,
            tuple(s if s is not None and (s in needed or s in inside) else None for s in n.outs),
            n.in_types,
        )
        for n in nodes
    )


def _effect_call(function: Any, outputs: int, to_host: Any, node: Node) -> CompiledSegment:
    def call(values: Sequence[Any]) -> Sequence[Any]:
        if to_host is not None:
            values = [to_host(v) for v in values]
        try:
            result = function(*values)
        except Exception as error:
            found = node_error(error, SegmentNode(node, (), (), ()), {})
            raise found from found.__cause__
        if outputs == 0:
            return ()
        if outputs == 1:
            # An op whose one output is a list gives it as one.
            return (result[0],) if isinstance(result, (tuple, list)) else (result,)
        return result

    return call
