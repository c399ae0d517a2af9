"""Reference variables of old graphs, replaced by resources when a GraphDef is imported.

In TensorFlow's first graphs a variable is a node whose output is a reference: ops that change it take the
reference and pass it on, all others read through it at the moment they run. Here a variable becomes a handle
(`VarHandleOp`) and a changing op its resource form, each with a read behind it that keeps the old node's name, so
that fetching `weights:0` gives a value as it did; everything else gets a read of its own, made after whatever
that node waits for.
"""

from __future__ import annotations

from typing import Any

from .attr_value import attr_to_proto
from .dtypes import resource
from .errors import InvalidArgumentError
from .opdef import find_op
from .protos import protos
from .records import Record

__all__ = ["REPLACED_VARIABLE_OPS", "replace_references", "resource_form"]

Ref = tuple[str, int]

_VARIABLES = frozenset({"Variable", "VariableV2", "AutoReloadVariable", "TemporaryVariable"})

_RULES_WITH_STATE = {
    "AdaMax": 3, "Adadelta": 3, "Adagrad": 2, "AdagradDA": 3, "AdagradV2": 2, "Adam": 3, "AddSign": 2,
    "CenteredRMSProp": 4, "Ftrl": 3, "FtrlV2": 3, "GradientDescent": 1, "Momentum": 2, "PowerSign": 2,
    "ProximalAdagrad": 2, "ProximalGradientDescent": 1, "RMSProp": 3,
}  # fmt: skip
"""For each update rule of the optimizers, how many of its first inputs are variables."""

_WRITERS: dict[str, tuple[str, int]] = {
    "Assign": ("AssignVariableOp", 1),
    "AssignAdd": ("AssignAddVariableOp", 1),
    "AssignSub": ("AssignSubVariableOp", 1),
    "StridedSliceAssign": ("ResourceStridedSliceAssign", 1),
    **{
        f"Scatter{how}": (f"ResourceScatter{how}", 1)
        for how in ("Add", "Div", "Max", "Min", "Mul", "Sub", "Update")
    },
    **{f"ScatterNd{how}": (f"ResourceScatterNd{how}", 1) for how in ("Add", "Max", "Min", "Sub", "Update")},
    **{f"Apply{rule}": (f"ResourceApply{rule}", n) for rule, n in _RULES_WITH_STATE.items()},
    **{f"SparseApply{rule}": (f"ResourceSparseApply{rule}", n) for rule, n in _RULES_WITH_STATE.items()},
}
"""For each op that changes a variable and passes it on: its resource form, and how many variables it takes."""

_READERS: dict[str, str] = {
    "IsVariableInitialized": "VarIsInitializedOp",
    "CountUpTo": "ResourceCountUpTo",
    "DestroyTemporaryVariable": "ReadVariableOp",
}
"""Ops that take a reference and give a value."""

_PASSERS: dict[str, str] = {
    "RefIdentity": "Identity",
    "RefSwitch": "Switch",
    "RefMerge": "Merge",
    "RefEnter": "Enter",
    "RefExit": "Exit",
    "RefNextIteration": "NextIteration",
}
"""Ops that pass a reference through, and the op that passes a handle through."""

REPLACED_VARIABLE_OPS = _VARIABLES | _READERS.keys() | _PASSERS.keys()
"""Op types that are always replaced; those of `_WRITERS` only if their resource form is declared."""

_RENAMED_ATTRS = {"T": "dtype", "Tparams": "dtype"}


def resource_form(op: str) -> str:
    """The op type that takes the place of one that changes a reference variable; others are given back."""
    return _WRITERS[op][0] if op in _WRITERS else op


def replace_references(records: dict[str, Record]) -> None:
    """Replaces reference variables and what uses them, in place.

    Raises:
        InvalidArgumentError: an op that changes a variable is not given one.
    """
    if any(r.op in _VARIABLES or r.op in _WRITERS for r in records.values()):
        _Replacement(records).run()


class _Replacement:
    def __init__(self, records: dict[str, Record]) -> None:
        self.records = records
        self.kinds = {name: r.op for name, r in records.items()}
        self.variables = {
            name: self._free_name(f"{name}/handle") for name, op in self.kinds.items() if op in _VARIABLES
        }
        self.types = {
            handle: records[name].attrs.get("dtype") or protos().AttrValue()
            for name, handle in self.variables.items()
        }
        self.writes = {
            name: self._free_name(f"{name}/write") for name, op in self.kinds.items() if op in _WRITERS
        }

        self.roots: dict[str, Ref] = {}

    def run(self) -> None:
        """Works out all replacements from the graph as it came, then makes them."""
        plans = [(r, self._handles(r)) for r in list(self.records.values()) if r.op not in _VARIABLES]
        for record, handles in plans:
            self._replace(record, handles)
        for name, handle in self.variables.items():
            self._variable(self.records[name], handle)

    def _free_name(self, name: str) -> str:
        while name in self.records:
            name += "_"
        return name

    def _is_reference(self, ref: Ref) -> bool:
        kind = self.kinds.get(ref[0], "")
        return kind in _VARIABLES or (ref[1] == 0 and kind in _WRITERS) or kind in _PASSERS

    def _handles(self, record: Record) -> dict[int, tuple[Ref, tuple[str, ...]]]:
        """For each input that is a reference: the handle behind it, and the write that it comes after."""
        return {i: self._behind(ref) for i, ref in enumerate(record.inputs) if self._is_reference(ref)}

    def _behind(self, ref: Ref) -> tuple[Ref, tuple[str, ...]]:
        after = (self.writes[ref[0]],) if ref[0] in self.writes else ()
        chain: dict[str, None] = {}
        while ref[0] in self.writes and ref[0] not in self.roots:
            writer = self.records[ref[0]]
            if ref[0] in chain or not writer.inputs or not self._is_reference(writer.inputs[0]):
                raise InvalidArgumentError(
                    writer.name,
                    f"{self.kinds[writer.name]} '{writer.name}': its first input must be a variable",
                )
            chain[ref[0]] = None
            ref = writer.inputs[0]
        root = self.roots.get(ref[0]) or (self.variables.get(ref[0], ref[0]), ref[1])
        self.roots.update(dict.fromkeys(chain, root))
        return root, after

    def _replace(self, record: Record, handles: dict[int, tuple[Ref, tuple[str, ...]]]) -> None:
        if record.op in _WRITERS:
            self._write(record, handles)
        elif record.op in _READERS and 0 in handles:
            self._take(record, 0, handles.pop(0))
            self._rename(record, _READERS[record.op])
        elif record.op in _PASSERS:
            for position in list(handles):
                self._take(record, position, handles.pop(position))
            record.op = _PASSERS[record.op]
            record.attrs["T"] = attr_to_proto("type", resource)
            record.attrs.pop("_output_shapes", None)
        elif record.op == "Identity" and 0 in handles:
            self._take(record, 0, handles.pop(0))
            self._rename(record, "ReadVariableOp")
        self._read_all(record, handles)

    def _take(self, record: Record, position: int, handle: tuple[Ref, tuple[str, ...]]) -> None:
        """Gives the record the handle in place of the reference."""
        record.inputs[position] = handle[0]
        record.controls.extend(handle[1])

    def _rename(self, record: Record, op: str) -> None:
        """Turns the record into its resource form, attributes included."""
        decl = find_op(op)
        if decl is None:
            return
        record.op = op
        for name in list(record.attrs):
            if name.startswith("_") or name in decl.attrs:
                continue
            value = record.attrs.pop(name)
            if _RENAMED_ATTRS.get(name) in decl.attrs:
                record.attrs.setdefault(_RENAMED_ATTRS[name], value)

    def _write(self, record: Record, handles: dict[int, tuple[Ref, tuple[str, ...]]]) -> None:
        op, count = _WRITERS[record.op]
        if set(range(count)) - handles.keys():
            raise InvalidArgumentError(
                record.name, f"{record.op} '{record.name}': its first {count} inputs must be variables"
            )
        made = Record(
            self.writes[record.name],
            record.op,
            list(record.inputs),
            list(record.controls),
            dict(record.attrs),
            record.device,
            place=record.place,
        )
        made.attrs.pop("_output_shapes", None)
        if record.op == "Assign":
            made.attrs.setdefault("validate_shape", attr_to_proto("bool", True))
        for position in range(count):
            self._take(made, position, handles.pop(position))
        handle = made.inputs[0]
        self._rename(made, op)
        self.records[made.name] = made
        self._read_all(made, handles)
        handles.clear()
        self._read_from(record, handle, (made.name,))

    def _read_from(self, record: Record, handle: Ref, after: tuple[str, ...]) -> None:
        """Turns the record into a read of the variable."""
        record.op, record.inputs, record.controls = "ReadVariableOp", [handle], list(after)
        dtype = self._type(handle)
        kept = {name: v for name, v in record.attrs.items() if name in ("_class", "_output_shapes")}
        record.attrs = {**kept, "dtype": dtype}

    def _type(self, handle: Ref) -> Any:
        """The type of the variable behind a handle, through what passes it on."""
        seen = set()
        name = handle[0]
        while name not in self.types:
            if name in seen or name not in self.records or not self.records[name].inputs:
                raise InvalidArgumentError(name, f"node {name!r} passes on no variable")
            seen.add(name)
            name = self._behind(self.records[name].inputs[0])[0][0]
        return self.types[name]

    def _read_all(self, record: Record, handles: dict[int, tuple[Ref, tuple[str, ...]]]) -> None:
        """Gives the record the variables' values, read when everything else that it needs is there."""
        others = [name for i, (name, _) in enumerate(record.inputs) if i not in handles]
        if record.op == "Merge":
            # Only one of its inputs comes, so none may wait for another.
            others = []
        made: dict[tuple[Ref, tuple[str, ...]], str] = {}
        for position, (handle, after) in handles.items():
            key = handle, after
            if key not in made:
                name = self._free_name(f"{record.name}/read_{handle[0].rpartition('/')[2]}")
                waits = dict.fromkeys((*record.controls, *others, *after))
                read = Record(name, "ReadVariableOp", [handle], list(waits), {"dtype": self._type(handle)})
                read.device, read.place = record.device, record.place
                self.records[name] = read
                made[key] = name
            record.inputs[position] = (made[key], 0)

    def _variable(self, record: Record, handle: str) -> None:
        shape = record.attrs.get("shape")
        if record.op == "Variable" and shape is not None and not shape.shape.dim:
            # The first version of the op had no other way to say that the shape is not known.
            shape = protos().AttrValue()
            shape.shape.unknown_rank = True
        names = ("dtype", "container", "shared_name")
        attrs = {name: record.attrs[name] for name in names if name in record.attrs}
        if not (attrs.get("shared_name") or protos().AttrValue()).s:
            attrs["shared_name"] = attr_to_proto("string", record.name)
        if shape is not None:
            attrs["shape"] = shape
        attrs["_class"] = attr_to_proto("list(string)", [f"loc:@{record.name}"])
        self.records[handle] = Record(
            handle,
            "VarHandleOp",
            controls=record.controls,
            attrs=attrs,
            device=record.device,
            place=record.place,
        )
        self._read_from(record, (handle, 0), ())
