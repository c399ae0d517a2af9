"""Every op type is declared as TensorFlow declares it, arguments, attributes and defaults: graphs travel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from weft.graph.dtypes import as_dtype
from weft.graph.opdef import REQUIRED, ArgDef, AttrDef, OpDecl, all_ops
from weft.graph.shapes import TensorShape
from weft.graph.tensor_proto import array_from_proto

pytestmark = pytest.mark.tensorflow

OWN: dict[str, str] = {
    "_Send": "TensorFlow's has rendezvous attributes that weft does not need",
    "_Recv": "TensorFlow's has rendezvous attributes that weft does not need",
    "GatherTree": "TensorFlow 1 had it in contrib.seq2seq, outside of its own registry",
}
"""Op types that are weft's own, or differ from TensorFlow's on purpose, and why."""


LEFT_OUT: dict[tuple[str, str], str] = {
    ("XlaCallModule", "function_list"): "TensorFlow's compiler fills it in, no program does",
    ("VarHandleOp", "debug_name"): "TensorFlow before 2.13 does not know it",
}
"""Attributes of TensorFlow's that weft does not declare, and why."""


def _op_def(name: str) -> Any:
    from tensorflow.python.framework import op_def_registry

    return op_def_registry.get(name)


def _args(args: Any) -> list[tuple[str, str]]:
    found = []
    for arg in args:
        if arg.type_list_attr:
            kind = arg.type_list_attr
        else:
            # What TensorFlow names by a reference to a string is a resource here.
            handle = arg.is_ref and arg.name == "handle"
            kind = arg.type_attr or ("resource" if handle else _type_name(arg.type))
            if arg.number_attr:
                kind = f"{arg.number_attr} * {kind}"
        found.append((arg.name, kind))
    return found


def _type_name(enum: int) -> str:
    return as_dtype(enum).name


def _own_args(args: tuple[ArgDef, ...]) -> list[tuple[str, str]]:
    found = []
    for arg in args:
        kind = arg.type_list_attr or arg.type_attr or (arg.type.name if arg.type else "?")
        found.append((arg.name, f"{arg.number_attr} * {kind}" if arg.number_attr else kind))
    return found


def _default(value: Any) -> Any:
    """A default of TensorFlow's as weft holds it."""
    kind = value.WhichOneof("value")
    if kind is None:
        return REQUIRED
    if kind == "list":
        items = value.list
        for name, convert in (
            ("s", bytes.decode),
            ("i", int),
            ("f", float),
            ("b", bool),
            ("type", as_dtype),
            ("shape", TensorShape),
        ):
            if getattr(items, name):
                return tuple(convert(v) for v in getattr(items, name))
        return ()
    raw = getattr(value, kind)
    if kind == "tensor":
        return array_from_proto(raw)[0]
    return {"s": bytes.decode, "type": as_dtype, "shape": TensorShape}.get(kind, lambda v: v)(raw)


def _attr_differs(own: AttrDef, theirs: Any) -> str | None:
    if own.type != theirs.type:
        return f"attribute {own.name}: type {own.type}, TensorFlow's {theirs.type}"
    default = _default(theirs.default_value) if theirs.HasField("default_value") else REQUIRED
    if isinstance(default, float) and isinstance(own.default, (int, float)):
        same = abs(default - own.default) <= 1e-6 * max(1.0, abs(default))
    else:
        same = own.default is default or bool(np.all(own.default == default))
    if not same:
        return f"attribute {own.name}: default {own.default!r}, TensorFlow's {default!r}"
    return None


def differences(decl: OpDecl) -> list[str]:
    theirs = _op_def(decl.name)
    if theirs is None:
        return ["TensorFlow has no such op type"]
    found = []
    if _own_args(decl.inputs) != _args(theirs.input_arg):
        found.append(f"inputs {_own_args(decl.inputs)}, TensorFlow's {_args(theirs.input_arg)}")
    if _own_args(decl.outputs) != _args(theirs.output_arg):
        found.append(f"outputs {_own_args(decl.outputs)}, TensorFlow's {_args(theirs.output_arg)}")
    attrs = {a.name: a for a in theirs.attr if (decl.name, a.name) not in LEFT_OUT}
    if set(attrs) != set(decl.attrs):
        found.append(f"attributes {sorted(set(decl.attrs) ^ set(attrs))} are on one side only")
    for name in set(attrs) & set(decl.attrs):
        differs = _attr_differs(decl.attrs[name], attrs[name])
        if differs:
            found.append(differs)
    return found


def test_op_types_are_tensorflows() -> None:
    wrong = [
        f"{name}: {text}"
        for name, decl in sorted(all_ops().items())
        if name not in OWN
        for text in differences(decl)
    ]
    assert not wrong, f"{len(wrong)} differences\n" + "\n".join(wrong)
