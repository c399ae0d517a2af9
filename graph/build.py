"""Adds an op to the default graph from Python arguments: binds them, settles types, makes constants."""

from __future__ import annotations

import collections
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .convert import convert_to_tensor, is_tensor_like
from .default_graph import get_default_graph
from .dtypes import DType, as_dtype
from .elements import Operation, Tensor
from .errors import InvalidArgumentError
from .opdef import REQUIRED, ArgDef, OpDecl, check_attr

__all__ = ["apply_op"]


def apply_op(decl: OpDecl, inputs: Sequence[Any], keywords: Mapping[str, Any], name: str | None) -> Any:
    """Adds an op of the declared type; see `OpDecl.__call__`."""
    values = _bind(decl, inputs, keywords)
    attrs: dict[str, Any] = {}
    for key, value in keywords.items():
        if key in decl.attrs:
            attrs[key] = check_attr(decl, decl.attrs[key], value)
        elif key.startswith("_"):
            attrs[key] = value
        elif key not in values:
            raise TypeError(f"{decl.name} has no input or attribute {key!r}.")
    graph = get_default_graph()
    # The op's name is a scope for the constants that its inputs become, as in TensorFlow.
    with graph.name_scope(name or decl.name) as scope:
        flat: list[Tensor] = []
        for arg in decl.inputs:
            flat.extend(_settle(decl, arg, values[arg.name], values, attrs))
        op = graph.create_op(decl.name, flat, attrs, scope)
    return unflatten_outputs(op)


def unflatten_outputs(op: Operation) -> Any:
    """An op's outputs as its builder returns them."""
    decl = op.decl
    if not op.outputs:
        return op
    parts = []
    slices = decl.arg_slices(op.attrs, outputs=True)
    for arg in decl.outputs:
        found = op.outputs[slices[arg.name]]
        parts.append(list(found) if arg.is_list else found[0])
    if len(parts) == 1:
        return parts[0]
    return _result_type(decl)(*parts)


@functools.cache
def _result_type(decl: OpDecl) -> Any:
    return collections.namedtuple(decl.name, [a.name for a in decl.outputs], rename=True)


def _bind(decl: OpDecl, inputs: Sequence[Any], keywords: Mapping[str, Any]) -> dict[str, Any]:
    if len(inputs) > len(decl.inputs):
        raise TypeError(f"{decl.name} takes {len(decl.inputs)} inputs, got {len(inputs)}.")
    values = {arg.name: value for arg, value in zip(decl.inputs, inputs, strict=False)}
    for arg in decl.inputs[len(inputs) :]:
        if arg.name not in keywords:
            raise TypeError(f"{decl.name} needs the input {arg.name!r}.")
        values[arg.name] = keywords[arg.name]
    return values


def _settle(
    decl: OpDecl, arg: ArgDef, value: Any, values: Mapping[str, Any], attrs: dict[str, Any]
) -> list[Tensor]:
    """The tensors of one argument; fills in the attributes that they decide."""
    if arg.is_list:
        if isinstance(value, Tensor) or not hasattr(value, "__iter__"):
            raise TypeError(f"{decl.name}: input {arg.name} takes a list of tensors, got {value!r}.")
        members = list(value)
    else:
        members = [value]
    if arg.type_list_attr:
        tensors = [_convert(decl, arg, v, None, f"{arg.name}_{i}") for i, v in enumerate(members)]
        attrs.setdefault(arg.type_list_attr, tuple(t.dtype for t in tensors))
        return tensors
    if arg.number_attr:
        attrs.setdefault(arg.number_attr, len(members))
    dtype = arg.type if arg.type is not None else _type_of(decl, arg.type_attr, values, attrs)
    tensors = []
    for i, member in enumerate(members):
        tensor = _convert(decl, arg, member, dtype, f"{arg.name}_{i}" if arg.is_list else arg.name)
        dtype = tensor.dtype
        tensors.append(tensor)
    if arg.type_attr and dtype is not None and arg.type_attr not in attrs:
        attrs[arg.type_attr] = dtype
    return tensors


def _type_of(
    decl: OpDecl, type_attr: str, values: Mapping[str, Any], attrs: Mapping[str, Any]
) -> DType | None:
    """The element type that the arguments with real types give an attribute, if any of them has one."""
    if type_attr in attrs:
        return as_dtype(attrs[type_attr])
    for accept in (is_tensor_like, lambda v: isinstance(v, (np.ndarray, np.generic))):
        for arg in decl.inputs:
            if arg.type_attr == type_attr:
                value = values[arg.name]
                for member in value if isinstance(value, (list, tuple)) else (value,):
                    if accept(member):
                        return as_dtype(member.dtype)
    return None


def _convert(decl: OpDecl, arg: ArgDef, value: Any, dtype: DType | None, name: str) -> Tensor:
    try:
        if dtype is not None:
            if dtype.kind == "r":
                value = getattr(value, "handle", value)
            return convert_to_tensor(value, dtype, name=name)
        default = decl.attrs[arg.type_attr].default if arg.type_attr else REQUIRED
        preferred = None if default is REQUIRED else default
        return convert_to_tensor(value, None, name=name, preferred_dtype=preferred)
    except (TypeError, ValueError) as error:
        if isinstance(error, InvalidArgumentError):
            raise
        raise type(error)(f"{decl.name}: input {arg.name}: {error}") from None
