"""TensorFlow's protocol buffers, from the `tensorboard` package, imported when they are first needed."""

from __future__ import annotations

import functools
from types import SimpleNamespace
from typing import Any

from .errors import InvalidArgumentError

__all__ = ["copy_of", "from_text", "parse", "protos", "to_text"]

_MODULES = {
    "attr_value": ("AttrValue", "NameAttrList"),
    "event": ("Event",),
    "function": ("FunctionDef", "FunctionDefLibrary", "GradientDef"),
    "graph": ("GraphDef",),
    "meta_graph": ("CollectionDef", "MetaGraphDef", "SignatureDef", "TensorInfo"),
    "node_def": ("NodeDef",),
    "op_def": ("OpDef", "OpList"),
    "saver": ("SaverDef",),
    "tensor": ("TensorProto",),
    "tensor_shape": ("TensorShapeProto",),
    "variable": ("VariableDef",),
    "versions": ("VersionDef",),
}

_MISSING: dict[str, tuple[tuple[int, str, str], ...]] = {
    "QueueRunnerDef": (
        (1, "queue_name", "string"),
        (2, "enqueue_op_name", "repeated string"),
        (3, "close_op_name", "string"),
        (4, "cancel_op_name", "string"),
        (5, "queue_closed_exception_types", "repeated int32"),
    ),
    "SavedModel": ((1, "saved_model_schema_version", "int64"), (2, "meta_graphs", "repeated MetaGraphDef")),
}
"""Messages of TensorFlow's that the package does not carry: number, name and type of each field."""


@functools.cache
def protos() -> Any:
    """The message classes by name: `protos().GraphDef()`.

    Raises:
        ImportError: the `tensorboard` package, which carries them, is not installed.
    """
    import importlib

    found = {}
    for module, names in _MODULES.items():
        loaded = importlib.import_module(f"tensorboard.compat.proto.{module}_pb2")
        found.update({name: getattr(loaded, name) for name in names})
    found.update(_made_here(found["MetaGraphDef"]))
    return SimpleNamespace(**found)


def _made_here(meta_graph_def: Any) -> dict[str, Any]:
    """Message classes for `_MISSING`."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    theirs = meta_graph_def.DESCRIPTOR
    file = descriptor_pb2.FileDescriptorProto(name="weft/protos.proto", package="weft", syntax="proto3")
    file.dependency.append(theirs.file.name)
    kinds = descriptor_pb2.FieldDescriptorProto
    for name, fields in _MISSING.items():
        made = file.message_type.add(name=name)
        for number, field, kind in fields:
            row = made.field.add(name=field, number=number, label=kinds.LABEL_OPTIONAL)
            if kind.startswith("repeated "):
                row.label, kind = kinds.LABEL_REPEATED, kind.removeprefix("repeated ")
            if kind == theirs.name:
                row.type, row.type_name = kinds.TYPE_MESSAGE, f".{theirs.full_name}"
            else:
                row.type = getattr(kinds, f"TYPE_{kind.upper()}")
    pool = descriptor_pool.Default()
    pool.Add(file)
    found = {name: pool.FindMessageTypeByName(f"weft.{name}") for name in _MISSING}
    return {name: message_factory.GetMessageClass(d) for name, d in found.items()}


def parse(kind: str, value: Any) -> Any:
    """`value` as a message of that kind.

    Args:
        kind: name of the message class.
        value: such a message, TensorFlow's own message of the same kind, or its binary form.

    Raises:
        InvalidArgumentError: the bytes are no such message.
        TypeError: it is none of these.
    """
    cls = getattr(protos(), kind)
    if isinstance(value, cls):
        return value
    if hasattr(value, "SerializeToString") and value.DESCRIPTOR.name == kind:
        value = value.SerializeToString()
    if not isinstance(value, (bytes, bytearray, memoryview)):
        raise TypeError(f"Expected a {kind} message or its bytes, got {type(value).__name__}.")
    from google.protobuf.message import DecodeError

    message = cls()
    try:
        message.ParseFromString(bytes(value))
    except DecodeError as error:
        raise InvalidArgumentError(None, f"not a {kind} message: {error}") from None
    return message


def from_text(kind: str, text: str) -> Any:
    """A message from its text form.

    Raises:
        InvalidArgumentError: the text is no such message.
    """
    from google.protobuf import text_format

    try:
        return text_format.Parse(text, getattr(protos(), kind)())
    except (text_format.ParseError, RecursionError, UnicodeError) as error:
        raise InvalidArgumentError(None, f"not a {kind} message in text form: {error}") from None


def to_text(message: Any) -> str:
    """The text form of a message."""
    from google.protobuf import text_format

    return str(text_format.MessageToString(message))


def copy_of(message: Any) -> Any:
    """A message equal to the given one."""
    made = type(message)()
    made.CopyFrom(message)
    return made
