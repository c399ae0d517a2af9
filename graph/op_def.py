"""Op declarations as OpDef messages, which travel with a MetaGraphDef so that its reader knows the defaults."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .attr_value import attr_to_proto
from .opdef import REQUIRED, ArgDef, AttrDef, OpDecl, find_op
from .protos import protos

__all__ = ["op_def", "op_list"]


def op_def(decl: OpDecl) -> Any:
    """A declaration as an OpDef message."""
    found = protos().OpDef(name=decl.name, summary=decl.doc)
    for arg in decl.inputs:
        _write_arg(found.input_arg.add(), arg)
    for arg in decl.outputs:
        _write_arg(found.output_arg.add(), arg)
    for attr in decl.attrs.values():
        _write_attr(found.attr.add(), attr)
    found.is_stateful = decl.state.kind in ("random", "variable", "effect") or decl.name == "VarHandleOp"
    return found


def _write_arg(proto: Any, arg: ArgDef) -> None:
    proto.name = arg.name
    proto.type_attr, proto.number_attr, proto.type_list_attr = (
        arg.type_attr,
        arg.number_attr,
        arg.type_list_attr,
    )
    if arg.type is not None:
        proto.type = arg.type.enum


def _write_attr(proto: Any, attr: AttrDef) -> None:
    proto.name, proto.type = attr.name, attr.type
    if attr.default is not REQUIRED:
        proto.default_value.CopyFrom(attr_to_proto(attr.type, attr.default))
    if attr.allowed is not None:
        inner = attr.type.removeprefix("list(").removesuffix(")")
        proto.allowed_values.CopyFrom(attr_to_proto(f"list({inner})", attr.allowed))
    if attr.minimum is not None:
        proto.has_minimum, proto.minimum = True, attr.minimum


def op_list(op_types: Iterable[str]) -> Any:
    """The OpList of those op types, in alphabetical order; those that are not declared are left out."""
    found = protos().OpList()
    for name in sorted(set(op_types)):
        decl = find_op(name)
        if decl is not None:
            found.op.append(op_def(decl))
    return found
